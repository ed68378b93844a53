// SPDX-License-Identifier: Apache-2.0
/* POSIX message queues: what is in them, who waits in them, who is told. */
/* covers: IPC | POSIX message queues: messages, limits, waiting senders and receivers, notification | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define NAME	"/selftest-queue"

static mqd_t make_queue(int more, long messages, long bytes)
{
	struct mq_attr attr = { .mq_maxmsg = messages, .mq_msgsize = bytes };
	mqd_t q;

	mq_unlink(NAME);
	q = mq_open(NAME, O_RDWR | O_CREAT | O_EXCL | more, 0640, &attr);
	if (q < 0)
		_exit(90);
	return q;
}

static void send(mqd_t q, const char *text, unsigned int priority)
{
	if (mq_send(q, text, strlen(text), priority) < 0)
		_exit(91);
}

static bool next_is(mqd_t q, const char *text, unsigned int priority)
{
	char message[8192] = "";
	unsigned int got;
	ssize_t n = mq_receive(q, message, sizeof(message), &got);

	return n == (ssize_t)strlen(text) && !memcmp(message, text, n) && got == priority;
}

static void contents_of(bool unlinked)
{
	mqd_t q = make_queue(O_NONBLOCK, 7, 5000), reader = mq_open(NAME, O_RDONLY);
	struct stat before, after;
	struct mq_attr attr;
	char big[5000];

	memset(big, 'x', sizeof(big));
	send(q, "low", 1);
	send(q, "high", 30000);
	send(q, "low again", 1);
	if (mq_send(q, big, sizeof(big), 5) < 0 || fchmod(q, 0604) < 0 || fchown(q, 12, 34) < 0)
		_exit(92);
	if (unlinked)
		mq_unlink(NAME);
	fstat(q, &before);
	pause_here();
	fstat(q, &after);
	verify(after.st_mode == before.st_mode && after.st_uid == 12 && after.st_gid == 34, "mode and owner");
	verify(after.st_nlink == before.st_nlink && after.st_mtim.tv_nsec == before.st_mtim.tv_nsec,
	       "links and time of the last change");
	mq_getattr(q, &attr);
	verify(attr.mq_maxmsg == 7 && attr.mq_msgsize == 5000 && attr.mq_curmsgs == 4 && attr.mq_flags == O_NONBLOCK,
	       "limits, messages, flags");
	mq_getattr(reader, &attr);
	verify(attr.mq_flags == 0 && attr.mq_curmsgs == 4, "another descriptor of it");
	verify(next_is(reader, "high", 30000), "the most urgent one first");
	verify(mq_receive(q, big, sizeof(big), NULL) == sizeof(big) && big[0] == 'x' && big[4999] == 'x',
	       "a message of several pages");
	verify(next_is(q, "low", 1) && next_is(reader, "low again", 1), "of one priority, in their order");
	verify(mq_receive(q, big, sizeof(big), NULL) < 0 && errno == EAGAIN, "and no more");
	verify((mq_open(NAME, O_RDONLY) >= 0) == !unlinked, unlinked ? "it has no name" : "it is found by its name");
	verify(mq_unlink(NAME) == (unlinked ? -1 : 0), "and can be unlinked once");
}

static void named(void) { contents_of(false); }
static void unlinked(void) { contents_of(true); }

static void waiting(void)
{
	mqd_t full = make_queue(0, 1, 10), empty;
	char message[10];
	pid_t sender, receiver;
	int status;

	send(full, "first", 0);
	mq_unlink(NAME);
	empty = make_queue(0, 1, 10);
	mq_unlink(NAME);
	sender = fork();
	if (sender == 0)
		_exit(mq_send(full, "second", 6, 0) == 0 ? 0 : 1);
	receiver = fork();
	if (receiver == 0)
		_exit(mq_receive(empty, message, 10, NULL) == 4 ? 0 : 1);
	pause_here();
	verify(waitpid(-1, &status, WNOHANG) == 0, "both wait");
	verify(mq_receive(full, message, 10, NULL) == 5, "a message is taken");
	waitpid(sender, &status, 0);
	verify(status == 0, "then the sender goes on (status 0x%x)", status);
	verify(mq_receive(full, message, 10, NULL) == 6, "and its message is there");
	send(empty, "here", 0);
	waitpid(receiver, &status, 0);
	verify(status == 0, "the receiver gets what is sent (status 0x%x)", status);
}

static volatile int told;
static void by_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	told = info->si_code == SI_MESGQ ? info->si_value.sival_int : -1;
}

static void notify_signal(void)
{
	struct sigaction action = { .sa_sigaction = by_signal, .sa_flags = SA_SIGINFO };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 4711 };
	mqd_t q = make_queue(0, 4, 10);

	sigaction(SIGUSR1, &action, NULL);
	if (mq_notify(q, &event) < 0)
		_exit(93);
	pause_here();
	verify(told == 0, "the restart is no message");
	verify(mq_notify(q, &event) < 0 && errno == EBUSY, "somebody is to be told");
	send(q, "news", 0);
	verify(told == 4711, "by a signal, with its value (%d)", told);
	verify(mq_notify(q, &event) == 0, "and only once");
	mq_unlink(NAME);
}

static void by_thread(union sigval value)
{
	told = value.sival_int;
}

static void notify_thread(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = by_thread,
				  .sigev_value.sival_int = 815 };
	mqd_t q = make_queue(0, 4, 10);

	if (mq_notify(q, &event) < 0)
		_exit(94);
	pause_here();
	verify(told == 0, "the restart is no message");
	send(q, "news", 0);
	for (int i = 0; i < 10000 && !told; i++)
		usleep(1000);
	verify(told == 815, "by a thread, with its value (%d)", told);
	mq_unlink(NAME);
}

static void polled(void)
{
	mqd_t q = make_queue(0, 1, 10);
	struct pollfd p = { .fd = q, .events = POLLIN | POLLOUT };

	send(q, "x", 0);
	pause_here();
	verify(poll(&p, 1, 0) == 1 && p.revents == POLLIN, "it can be read from, not written to");
	mq_unlink(NAME);
}

/* Those of its own namespace come back, open or not. */
static void own_namespace(void)
{
	mqd_t q;

	if (unshare(CLONE_NEWIPC) < 0)
		_exit(95);
	q = make_queue(0, 4, 10);
	send(q, "kept", 3);
	mq_close(q);
	pause_here();
	q = mq_open(NAME, O_RDWR);
	verify(q >= 0 && next_is(q, "kept", 3), "a queue that nobody had open");
}

/* While the tree is an image, somebody else uses the queue. */
static void taken(void)
{
	mqd_t q = make_queue(0, 4, 10);

	send(q, "mine", 0);
	pause_here();
	verify(next_is(q, "mine", 0), "it is as the image says");
	mq_unlink(NAME);
}

static void used_meanwhile(void)
{
	const char *image = "/ckpt/selftest-queue.img";
	struct subject s;
	mqd_t q;

	if (!subject_start(&s, "used meanwhile", taken))
		return;
	if (!subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL }) || !wait_gone(s.pid)) {
		subject_end(&s);
		return;
	}
	q = mq_open(NAME, O_RDWR);
	tap_ok(q >= 0 && next_is(q, "mine", 0), "the queue outlives the tree");
	send(q, "other", 0);
	mq_close(q);
	if (subject_restart(&s, image, NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(image);
}

int main(void)
{
	need_checkpoint();
	subject_round("named", named);
	subject_round("unlinked", unlinked);
	subject_round("waiting", waiting);
	subject_round("notified by signal", notify_signal);
	subject_round("notified by thread", notify_thread);
	subject_round("polled", polled);
	subject_round("own namespace", own_namespace);
	used_meanwhile();
	return tap_done();
}
