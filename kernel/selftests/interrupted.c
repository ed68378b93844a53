// SPDX-License-Identifier: Apache-2.0
/* System calls that block go on blocking after the restart, and end as they would have. */
/* covers: System calls | sleeps, futexes, poll, reads, waits | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

static double since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) + (now.tv_nsec - start->tv_nsec) / 1e9;
}

static void sleeping(void)
{
	struct timespec start, t = { 2, 0 }, left = { 9, 9 };

	clock_gettime(CLOCK_MONOTONIC, &start);
	ready();
	int ret = nanosleep(&t, &left);

	verify(ret == 0, "nanosleep returns 0 (%d, errno %d)", ret, ret ? errno : 0);
	verify(since(&start) >= 2.0, "and not too soon");
}

static void polling(void)
{
	struct timespec start;
	int ends[2];

	if (pipe(ends) < 0)
		_exit(1);
	struct pollfd p = { .fd = ends[0], .events = POLLIN };

	clock_gettime(CLOCK_MONOTONIC, &start);
	ready();
	int ret = poll(&p, 1, 2000);

	verify(ret == 0, "poll times out (%d, errno %d)", ret, ret < 0 ? errno : 0);
	verify(since(&start) >= 1.99, "and not too soon");
}

static void futex_wait(void)
{
	struct timespec t = { 2, 0 };
	uint32_t word = 1;

	ready();
	long ret = syscall(SYS_futex, &word, FUTEX_WAIT, 1, &t, NULL, 0);

	verify(ret < 0 && errno == ETIMEDOUT, "futex times out (%ld, errno %d)", ret, errno);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* A helper of the same tree ends each of these when the test says go on. */
static pid_t helper(int sig, int fd)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		wait_for_go();
		if (sig)
			kill(parent, sig);
		else if (write(fd, "x", 1) != 1)
			_exit(1);
		_exit(0);
	}
	return pid;
}

static void pausing(void)
{
	signal(SIGALRM, on_alarm);
	helper(SIGALRM, -1);
	ready();
	int ret = pause();

	verify(ret < 0 && errno == EINTR, "pause ends only by a signal");
	wait(NULL);
	verify(exists("/tmp/selftest/go"), "and not before");
}

static void reading(void)
{
	int ends[2];
	char c;

	if (pipe(ends) < 0)
		_exit(1);
	helper(0, ends[1]);
	ready();
	ssize_t n = read(ends[0], &c, 1);

	verify(n == 1 && c == 'x', "read gets what is written after the restart (%zd)", n);
	wait(NULL);
}

static void waiting(void)
{
	int status = 1;
	pid_t child = helper(SIGCONT, -1);

	ready();
	pid_t got = waitpid(child, &status, 0);

	verify(got == child && status == 0, "wait4 gets the child (%d, status 0x%x)", got, status);
}

int main(void)
{
	need_checkpoint();
	subject_round("nanosleep", sleeping);
	subject_round("poll", polling);
	subject_round("futex", futex_wait);
	subject_round("pause", pausing);
	subject_round("read", reading);
	subject_round("wait4", waiting);
	return tap_done();
}
