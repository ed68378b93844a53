// SPDX-License-Identifier: Apache-2.0
/* Waits with a timeout end, however often a tree is checkpointed meanwhile. */
/* covers: System calls | epoll_wait, epoll_pwait, sigtimedwait: go on with the time they have left | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define WAIT_MS		2000
#define PATIENCE_S	60

static void wait_epoll(void)
{
	struct epoll_event event;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ready();
	verify(epoll_wait(ep, &event, 1, WAIT_MS) == 0, "epoll_wait times out");
}

static void wait_epoll_masked(void)
{
	struct epoll_event event;
	int ep = epoll_create1(EPOLL_CLOEXEC);
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	ready();
	verify(epoll_pwait(ep, &event, 1, WAIT_MS, &mask) == 0, "epoll_pwait times out");
	sigprocmask(SIG_SETMASK, NULL, &mask);
	verify(!sigismember(&mask, SIGUSR1), "and the mask is what it was");
}

static void wait_signal(void)
{
	struct timespec timeout = { .tv_sec = WAIT_MS / 1000 };
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
	struct timespec began, now;
	struct subject s;
	int n = 0;

	if (!subject_start(&s, name, body))
		return;
	if (subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid) &&
	    subject_restart(&s, image, NULL)) {
		clock_gettime(CLOCK_MONOTONIC, &began);
		do {
			char output[4096], pid[16];

			snprintf(pid, sizeof(pid), "%d", s.pid);
			/* At its end there is nobody any more. */
			if (RUN(output, checkpoint_path, "--no-track", "-o", "/dev/null", pid) == 0)
				n++;
			clock_gettime(CLOCK_MONOTONIC, &now);
		} while (!exists("/tmp/selftest/done") && now.tv_sec - began.tv_sec < PATIENCE_S);
		tap_ok(exists("/tmp/selftest/done"), "%s: ends, with %d checkpoints meanwhile", name, n);
	}
	subject_finish(&s);
	unlink(image);
}

int main(void)
{
	need_checkpoint();
	often("epoll_wait", wait_epoll);
	often("epoll_pwait", wait_epoll_masked);
	often("sigtimedwait", wait_signal);
	subject_round("recv", receive);
	return tap_done();
}
