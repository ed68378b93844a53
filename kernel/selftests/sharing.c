// SPDX-License-Identifier: Apache-2.0
/* What processes share without being threads of one, and parents that wait for a vfork(). */
/* covers: Tasks | processes that share memory (CLONE_VM), signal handlers, descriptors, directories | supported */
/* covers: Tasks | memory or signal handlers shared with a process outside the tree | refused by name */
/* covers: Tasks | vfork in flight, also nested, hundreds in a row, by a thread | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define STACK_BYTES	(256 * 1024)
#define CHAIN		500
#define SHARE_ALL	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND)

static volatile int word, answer, go_on;
static volatile pid_t deepest, told;
static volatile sig_atomic_t nr_caught;

static void on_signal(int sig)
{
	(void)sig;
	nr_caught++;
}

static pid_t begin(int (*body)(void *), int flags, void *arg)
{
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return clone(body, stack + STACK_BYTES, flags | SIGCHLD, arg);
}

static bool same(pid_t other, int what)
{
	return syscall(SYS_kcmp, getpid(), other, what, 0UL, 0UL) == 0;
}

static int adds_one(void *unused)
{
	(void)unused;
	while (!go_on)
		usleep(1000);
	answer = word + 1;
	return 5;
}

static void memory(void)
{
	pid_t child = begin(adds_one, CLONE_VM, NULL);
	int status;

	word = 41;
	pause_here();
	verify(same(child, KCMP_VM), "it has our memory");
	verify(!same(child, KCMP_FILES) && !same(child, KCMP_FS) && !same(child, KCMP_SIGHAND), "and nothing else of ours");
	word = 99;
	go_on = 1;
	verify(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5, "it ends");
	verify(answer == 100, "we see what it wrote: %d", answer);
}

static int changes_all(void *unused)
{
	(void)unused;
	while (!go_on)
		usleep(1000);
	signal(SIGUSR1, on_signal);
	umask(0137);
	answer = open("/dev/null", O_RDONLY);
	return 0;
}

static int grandchild(void *pid)
{
	*(volatile pid_t *)pid = begin(changes_all, SHARE_ALL, NULL);
	while (!go_on)
		usleep(1000);
	waitpid(*(volatile pid_t *)pid, NULL, 0);
	return 0;
}

static void everything(void)
{
	pid_t child, second = 0;

	signal(SIGUSR2, on_signal);
	child = begin(grandchild, SHARE_ALL, &second);
	while (!*(volatile pid_t *)&second)
		usleep(1000);
	pause_here();
	verify(same(child, KCMP_VM) && same(child, KCMP_FILES) && same(child, KCMP_FS) && same(child, KCMP_SIGHAND),
	       "the child has all of ours");
	verify(same(second, KCMP_VM) && same(second, KCMP_FILES) && same(second, KCMP_FS) && same(second, KCMP_SIGHAND),
	       "and its child, too");
	raise(SIGUSR2);
	verify(nr_caught == 1, "the handler is ours");
	go_on = 1;
	waitpid(child, NULL, 0);
	verify(fcntl(answer, F_GETFD) == 0, "a descriptor that it opened");
	verify(umask(0) == 0137, "the umask that it set");
	raise(SIGUSR1);
	verify(nr_caught == 2, "the handler that it set");
}

/* Both are threads of processes, with memory in common. */
static void *counts(void *unused)
{
	while (!go_on)
		usleep(1000);
	__atomic_add_fetch(&answer, 1, __ATOMIC_SEQ_CST);
	return unused;
}

static int two_threads(void *unused)
{
	/* This one has no thread pointer of its own: a bare thread will do. */
	pid_t tid = begin((int (*)(void *))(void *)counts,
			  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL);

	(void)unused;
	while (!go_on)
		usleep(1000);
	while (syscall(SYS_tgkill, getpid(), tid, 0) == 0)
		usleep(1000);
	return 0;
}

static void threads(void)
{
	pthread_t thread;
	pid_t child;

	pthread_create(&thread, NULL, counts, NULL);
	child = begin(two_threads, CLONE_VM | CLONE_SIGHAND, NULL);
	usleep(20000);
	pause_here();
	verify(same(child, KCMP_VM) && same(child, KCMP_SIGHAND), "two processes with two threads each");
	go_on = 1;
	pthread_join(thread, NULL);
	waitpid(child, NULL, 0);
	verify(answer == 2, "the threads of both have counted: %d", answer);
}

static int waits_in_vfork(void *how)
{
	pid_t pid = vfork();

	if (pid == 0) {
		deepest = getpid();
		while (!go_on)
			usleep(1000);
		if (!how)
			_exit(3);
		execl("/bin/sh", "sh", "-c", "exit 4", NULL);
		_exit(9);
	}
	told = pid;
	return 0;
}

/* In memory of the root's, so that it can tell. */
static int vfork_parent(void *how)
{
	int status;

	waits_in_vfork(how);
	waitpid(told, &status, 0);
	answer = WIFEXITED(status) ? WEXITSTATUS(status) : 99;
	return 0;
}

static char state_of(pid_t pid)
{
	char path[64], stat[512], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	end = strrchr(content(path, stat, sizeof(stat)), ')');
	return end ? end[2] : 0;
}

/* After the restart, as soon as it has had a CPU; nobody has told its child to go on. */
static bool waits_again(pid_t parent)
{
	while (!told && state_of(parent) != 'D')
		usleep(1000);
	return !told;
}

static void vfork_round(void *how, int expected)
{
	pid_t parent = begin(vfork_parent, CLONE_VM, how);

	while (!deepest || state_of(parent) != 'D')
		usleep(1000);
	pause_here();
	verify(waits_again(parent), "the parent waits");
	go_on = 1;
	waitpid(parent, NULL, 0);
	verify(told == deepest, "and is told the pid: %d", told);
	verify(answer == expected, "its child ends with status %d", answer);
}

static void vfork_exit(void)
{
	vfork_round(NULL, 3);
}

static void vfork_exec(void)
{
	vfork_round("exec", 4);
}

static int vfork_twice(void *unused)
{
	pid_t pid = vfork();

	if (pid == 0) {
		vfork_parent(unused);
		_exit(6);
	}
	waitpid(pid, (int *)&word, 0);
	return 0;
}

static void nested(void)
{
	pid_t parent = begin(vfork_twice, CLONE_VM, NULL);

	while (!deepest || state_of(parent) != 'D')
		usleep(1000);
	pause_here();
	verify(waits_again(parent), "both wait");
	go_on = 1;
	waitpid(parent, NULL, 0);
	verify(told == deepest && answer == 3, "the inner one is told");
	verify(WIFEXITED(word) && WEXITSTATUS(word) == 6, "the outer one, too");
}

static void vfork_more(int left)
{
	pid_t pid = vfork();

	if (pid == 0) {
		if (left > 1) {
			vfork_more(left - 1);
			_exit(0);
		}
		deepest = getpid();
		while (!go_on)
			usleep(1000);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	answer++;
}

static int vfork_chain(void *unused)
{
	vfork_more(CHAIN);
	return !!unused;
}

/* Each waits for the next one. */
static void in_a_row(void)
{
	pid_t parent = begin(vfork_chain, CLONE_VM, NULL);

	while (!deepest || state_of(parent) != 'D')
		usleep(1000);
	pause_here();
	verify(!answer, "all wait");
	go_on = 1;
	waitpid(parent, NULL, 0);
	verify(answer == CHAIN, "one after the other is told: %d", answer);
}

static void *vfork_thread(void *how)
{
	vfork_parent(how);
	return NULL;
}

static void by_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, vfork_thread, NULL);
	while (!deepest)
		usleep(1000);
	pause_here();
	verify(!told, "the thread waits, the others go on");
	go_on = 1;
	pthread_join(thread, NULL);
	verify(told == deepest && answer == 3, "it is told the pid and the status");
}

/* Killed, the child lets its parent go. */
static void killed(void)
{
	pid_t parent = begin(vfork_parent, CLONE_VM, NULL);

	while (!deepest || state_of(parent) != 'D')
		usleep(1000);
	pause_here();
	kill(deepest, SIGKILL);
	waitpid(parent, NULL, 0);
	verify(told == deepest && answer == 99, "a child that is killed");
}

static int waits(void *unused)
{
	while (!go_on)
		pause();
	return !!unused;
}

static void two_children(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%d\n", begin(waits, CLONE_VM | CLONE_SIGHAND, NULL));
	close(open("/tmp/selftest/pid", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	put_text("/tmp/selftest/pid", text);
	pause_here();
	kill(atoi(text), SIGKILL);
}

static void outside(void)
{
	char pid[32], output[8192];
	struct subject s;

	if (!subject_start(&s, "outside", two_children))
		return;
	content("/tmp/selftest/pid", pid, sizeof(pid));
	tap_ok(RUN(output, checkpoint_path, "--dry-run", pid) == 1 && strstr(output, "shares its address space") &&
	       strstr(output, "shares its signal handlers"), "a child alone is refused");
	tap_diag("%s", output);
	subject_finish(&s);
	unlink("/tmp/selftest/pid");
}

int main(void)
{
	need_checkpoint();
	subject_round("memory", memory);
	subject_twice("everything", everything);
	subject_round("threads", threads);
	subject_round("vfork exit", vfork_exit);
	subject_twice("vfork exec", vfork_exec);
	subject_twice("nested vfork", nested);
	subject_round("vfork, in a row", in_a_row);
	subject_round("vfork by thread", by_thread);
	subject_round("vfork killed", killed);
	outside();
	return tap_done();
}
