// SPDX-License-Identifier: Apache-2.0
/* Waits with a timeout end, however often a tree is checkpointed meanwhile. */
/* covers: System calls | epoll_wait, epoll_pwait, sigtimedwait: go on with the time they have left | supported */
/* covers: System calls | waits and sleeps without end, as long as a number can say | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

/* Longer than it takes to come to the checkpoint, on a machine as slow as this one is now. */
static int wait_ms = 2000;

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void wait_epoll(void)
{
	struct epoll_event event;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ready();
	verify(epoll_wait(ep, &event, 1, wait_ms) == 0, "epoll_wait times out");
}

static void wait_epoll_masked(void)
{
	struct epoll_event event;
	int ep = epoll_create1(EPOLL_CLOEXEC);
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	ready();
	verify(epoll_pwait(ep, &event, 1, wait_ms, &mask) == 0, "epoll_pwait times out");
	sigprocmask(SIG_SETMASK, NULL, &mask);
	verify(!sigismember(&mask, SIGUSR1), "and the mask is what it was");
}

static void wait_signal(void)
{
	struct timespec timeout = { wait_ms / 1000, wait_ms % 1000 * 1000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ready();
	verify(sigtimedwait(&set, NULL, &timeout) < 0 && errno == EAGAIN, "sigtimedwait times out");
}

/* One that the call is not interrupted by. */
static void receive(void)
{
	struct timeval timeout = { .tv_sec = 1000 };
	int pair[2];
	char c;

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	pid_t child = fork();

	if (child == 0) {
		wait_for_go();
		_exit(write(pair[1], "x", 1) == 1 ? 0 : 1);
	}
	ready();
	verify(recv(pair[0], &c, 1, 0) == 1 && c == 'x', "recv with a timeout is not interrupted");
}

/* It ends although there is a checkpoint more often than it would. */
static void often(const char *name, void (*body)(void))
{
	static const char *const image = "/ckpt/selftest-often.img";
	long long give_up_ms;
	struct subject s;
	int n = 0;

	if (!subject_start(&s, name, body))
		return;
	if (subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid) &&
	    subject_restart(&s, image, NULL)) {
		give_up_ms = now_ms() + 60000 + 5 * wait_ms;
		do {
			char output[4096], pid[16];

			snprintf(pid, sizeof(pid), "%d", s.pid);
			/* At its end there is nobody any more. */
			if (RUN(output, checkpoint_path, "--no-track", "-o", "/dev/null", pid) == 0)
				n++;
		} while (!exists("/tmp/selftest/done") && now_ms() < give_up_ms);
		tap_ok(exists("/tmp/selftest/done"), "%s: ends, with %d checkpoints meanwhile", name, n);
	}
	subject_finish(&s);
	unlink(image);
}

/* Those who wait as long as a number can say. */
static void wait_forever(int how, int sem)
{
	struct timespec end = { .tv_sec = LONG_MAX }, two = end;
	struct timeval most = { .tv_sec = LONG_MAX };
	struct epoll_event event;
	sigset_t none;
	int word = 0;

	sigemptyset(&none);
	sigaddset(&none, SIGUSR1);
	sigprocmask(SIG_BLOCK, &none, NULL);
	switch (how) {
	case 0: nanosleep(&end, NULL); break;
	case 1: clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &end, NULL); break;
	case 2: clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &end, NULL); break;
	case 3: ppoll(NULL, 0, &two, NULL); break;
	case 4: select(0, NULL, NULL, NULL, &most); break;
	case 5: syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &end, NULL, 0); break;
	case 6: syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &end, NULL, -1); break;
	case 7: syscall(SYS_epoll_pwait2, epoll_create1(EPOLL_CLOEXEC), &event, 1, &end, NULL, 0); break;
	case 8: sigtimedwait(&none, NULL, &end); break;
	case 9: semtimedop(sem, &(struct sembuf){ .sem_op = -1 }, 1, &end); break;
	}
}

#define WAYS	10

static void forever(void)
{
	int sem = semget(IPC_PRIVATE, 1, 0600);
	pid_t child[WAYS];

	for (int i = 0; i < WAYS; i++) {
		child[i] = fork();
		if (child[i] == 0) {
			wait_forever(i, sem);
			_exit(1);
		}
	}
	usleep(200000);
	pause_here();
	usleep(200000);
	for (int i = 0; i < WAYS; i++) {
		verify(waitpid(child[i], NULL, WNOHANG) == 0, "who waits for ever (%d) still does", i);
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
	}
	semctl(sem, 0, IPC_RMID);
}

int main(void)
{
	long long began_ms;

	need_checkpoint();
	began_ms = now_ms();
	subject_round("a round without", pause_here);
	if ((now_ms() - began_ms) * 10 > wait_ms)
		wait_ms = (now_ms() - began_ms) * 10;
	often("epoll_wait", wait_epoll);
	often("epoll_pwait", wait_epoll_masked);
	often("sigtimedwait", wait_signal);
	subject_round("recv", receive);
	subject_round("without end", forever);
	return tap_done();
}
