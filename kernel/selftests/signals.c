// SPDX-License-Identifier: Apache-2.0
/* Handlers, masks, pending signals with their values, the alternate stack. */
/* covers: Tasks | signal handlers, masks, pending signals, also in a pid namespace | supported */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

static volatile sig_atomic_t values[8], nr_values, on_altstack;
static char altstack[65536];

static void on_rt(int sig, siginfo_t *info, void *context)
{
	(void)sig; (void)context;
	if (nr_values < 8)
		values[nr_values++] = info->si_value.sival_int;
}

static void on_usr2(int sig)
{
	char here;

	(void)sig;
	on_altstack = &here >= altstack && &here < altstack + sizeof(altstack);
}

static void body(void)
{
	struct sigaction rt = { .sa_sigaction = on_rt, .sa_flags = SA_SIGINFO }, usr2 = { .sa_handler = on_usr2, .sa_flags = SA_ONSTACK }, now;
	stack_t stack = { .ss_sp = altstack, .ss_size = sizeof(altstack) }, stack_now;
	sigset_t set, mask, pending;

	sigaddset(&rt.sa_mask, SIGTERM);
	sigaction(SIGRTMIN, &rt, NULL);
	sigaction(SIGUSR2, &usr2, NULL);
	signal(SIGHUP, SIG_IGN);
	sigaltstack(&stack, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 3; i++)
		sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 100 + i });
	syscall(SYS_tgkill, getpid(), gettid(), SIGWINCH);
	pause_here();
	sigprocmask(SIG_BLOCK, NULL, &mask);
	sigpending(&pending);
	verify(sigismember(&mask, SIGRTMIN) && sigismember(&mask, SIGWINCH) && !sigismember(&mask, SIGTERM), "mask");
	verify(sigismember(&pending, SIGRTMIN) && sigismember(&pending, SIGWINCH), "pending signals");
	sigaction(SIGRTMIN, NULL, &now);
	verify(now.sa_sigaction == on_rt && (now.sa_flags & SA_SIGINFO) && sigismember(&now.sa_mask, SIGTERM), "a handler");
	sigaction(SIGHUP, NULL, &now);
	verify(now.sa_handler == SIG_IGN, "an ignored signal");
	sigaltstack(NULL, &stack_now);
	verify(stack_now.ss_sp == altstack && stack_now.ss_size == sizeof(altstack) && !stack_now.ss_flags, "the alternate stack");
	raise(SIGUSR2);
	verify(on_altstack, "it is used");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	verify(nr_values == 3 && values[0] == 100 && values[1] == 101 && values[2] == 102,
	       "three queued signals arrive in order, with their values (%d)", (int)nr_values);
}

/* Where its sender has another number than outside. */
static void queued_in_namespace(void)
{
	struct timespec now = {};
	siginfo_t info = {};
	sigset_t set;
	pid_t init;

	if (unshare(CLONE_NEWPID) < 0)
		_exit(90);
	init = fork();
	if (init) {
		waitpid(init, NULL, 0);
		return;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = 33 });
	kill(getpid(), SIGUSR2);
	pause_here();
	sigdelset(&set, SIGUSR2);
	verify(sigtimedwait(&set, &info, &now) == SIGRTMIN + 3 && info.si_pid == 1 && info.si_value.sival_int == 33,
	       "a queued signal in a pid namespace, from pid %d", info.si_pid);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	verify(sigtimedwait(&set, &info, &now) == SIGUSR2 && info.si_pid == 1 && info.si_code == SI_USER,
	       "one of kill(2), too");
	_exit(0);
}

int main(void)
{
	need_checkpoint();
	subject_round("signals", body);
	subject_round("queued in a namespace", queued_in_namespace);
	return tap_done();
}
