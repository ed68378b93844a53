// SPDX-License-Identifier: Apache-2.0
/* Asynchronous I/O: contexts, events that nobody has read, waiters, requests in flight. */
/* covers: Descriptors | asynchronous I/O (io_setup): contexts, unread events, who waits for them | supported */
/* covers: Descriptors | asynchronous I/O that does not end by itself, e.g. IOCB_CMD_POLL | refused by name */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define DATA	"/ckpt/selftest-aio.data"
#define BLOCK	4096

static aio_context_t ring, empty, waited;
static char blocks[5][BLOCK];

static struct iocb request(int opcode, int fd, void *buf, int i)
{
	return (struct iocb){ .aio_lio_opcode = opcode, .aio_fildes = fd, .aio_buf = (uintptr_t)buf,
			      .aio_nbytes = BLOCK, .aio_offset = i * BLOCK, .aio_data = 100 + i };
}

static bool submit(aio_context_t ctx, struct iocb *cb)
{
	return syscall(SYS_io_submit, ctx, 1, &cb) == 1;
}

static long events(aio_context_t ctx, long min, long nr, struct io_event *e)
{
	return syscall(SYS_io_getevents, ctx, min, nr, e, NULL);
}

static long system_requests(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/fs/aio-nr", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		_exit(90);
	close(fd);
	return atol(text);
}

static void *waiter(void *arg)
{
	struct io_event *e = arg;

	if (events(waited, 1, 1, e) != 1)
		e->data = errno;
	return NULL;
}

static void contexts(void)
{
	int fd = open(DATA, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct iocb cbs[6] = {};
	struct io_event got[8], late = {};
	pthread_t t;
	int told[2], status;
	pid_t child;
	long before;

	unlink(DATA);
	if (pipe(told))
		_exit(1);
	if (syscall(SYS_io_setup, 200, &ring) || syscall(SYS_io_setup, 1, &empty) || syscall(SYS_io_setup, 8, &waited))
		_exit(1);
	for (int i = 0; i < 5; i++) {
		memset(blocks[i], 'a' + i, BLOCK);
		cbs[i] = request(IOCB_CMD_PWRITE, fd, blocks[i], i);
		if (!submit(ring, &cbs[i]))
			_exit(2);
	}
	/* Two are read, three are not. */
	if (events(ring, 2, 2, got) != 2)
		_exit(3);
	child = fork();
	if (child == 0)
		_exit(read(told[0], got, 1) == 1 && syscall(SYS_io_getevents, ring, 0, 1, got, NULL) < 0 && errno == EINVAL ? 0 : 1);
	pthread_create(&t, NULL, waiter, &late);
	before = system_requests();
	pause_here();
	verify(system_requests() == before, "the system counts as many requests: %ld, not %ld", system_requests(), before);
	long nr = events(ring, 3, 8, got);

	verify(nr == 3, "three events are unread: %ld", nr);
	for (int i = 0; i < nr; i++)
		verify(got[i].data == (unsigned int)(102 + i) && got[i].obj == (uintptr_t)&cbs[2 + i] && got[i].res == BLOCK && !got[i].res2,
		       "event %d: of request %lld", i, (long long)got[i].data);
	verify(syscall(SYS_io_getevents, ring, 0, 8, got, NULL) == 0, "and no more");
	memset(blocks[0], 0, BLOCK);
	cbs[5] = request(IOCB_CMD_PREAD, fd, blocks[0], 4);
	verify(submit(ring, &cbs[5]) && events(ring, 1, 8, got) == 1 && got[0].data == 104 && got[0].res == BLOCK &&
	       blocks[0][0] == 'e' && blocks[0][BLOCK - 1] == 'e', "it reads");
	for (int i = 0; i < 1000; i++)
		if (!submit(ring, &cbs[5]) || events(ring, 1, 1, got) != 1)
			verify(false, "request %d", i);
	verify(submit(waited, &cbs[5]) && pthread_join(t, NULL) == 0 && late.data == 104, "who waits is told: %lld", (long long)late.data);
	verify(write(told[1], "x", 1) == 1 && waitpid(child, &status, 0) == child && status == 0, "a child can do nothing with it: 0x%x", status);
	verify(syscall(SYS_io_destroy, ring) == 0 && syscall(SYS_io_destroy, empty) == 0 && syscall(SYS_io_destroy, waited) == 0, "they end");
	verify(syscall(SYS_io_destroy, ring) < 0 && errno == EINVAL, "once");
	verify(system_requests() == before - 209, "the system's count: %ld, was %ld", system_requests(), before);
}

static void polls(void)
{
	struct iocb cb = { .aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN, .aio_data = 7 };
	struct io_event got = {};
	int pipe_fds[2];

	if (pipe(pipe_fds) || syscall(SYS_io_setup, 1, &ring))
		_exit(1);
	cb.aio_fildes = pipe_fds[0];
	if (!submit(ring, &cb))
		_exit(2);
	pause_here();
	verify(write(pipe_fds[1], "x", 1) == 1 && events(ring, 1, 1, &got) == 1 && got.data == 7, "the request goes on");
}

int main(void)
{
	char output[8192], pid[16];
	struct subject s;

	need_checkpoint();
	subject_round("contexts", contexts);
	if (subject_start(&s, "in flight", polls)) {
		snprintf(pid, sizeof(pid), "%d", s.pid);
		int status = RUN(output, checkpoint_path, "-o", "/ckpt/selftest-refused.img", "--kill", pid);

		tap_ok(status == 1 && strstr(output, "1 asynchronous I/O request") && strstr(output, pid), "a request in flight is refused by name");
		tap_diag("%s", output);
		subject_finish(&s);
	}
	return tap_done();
}
