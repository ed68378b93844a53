// SPDX-License-Identifier: Apache-2.0
/* io_uring: rings with what was not submitted and not read, who waits, workers; requests that do not end. */
/* covers: Descriptors | io_uring: rings, unread completions, who waits for them, workers, of one thread (SINGLE_ISSUER, DEFER_TASKRUN) | supported */
/* covers: Descriptors | io_uring with requests that do not end by themselves, registered buffers, SQPOLL | refused by name */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/checkpoint.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define DATA	"/tmp/selftest/uring.data"

#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER	(1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN	(1U << 13)
#endif

struct ring {
	int fd;
	struct io_uring_params p;
	unsigned char *rings;
	struct io_uring_sqe *sqes;
};

static uint32_t *word(const struct ring *r, uint32_t offset)
{
	return (uint32_t *)(r->rings + offset);
}

static bool setup(struct ring *r, unsigned int entries, unsigned int flags)
{
	size_t bytes;

	memset(&r->p, 0, sizeof(r->p));
	r->p.flags = flags;
	r->fd = syscall(__NR_io_uring_setup, entries, &r->p);
	if (r->fd < 0)
		return false;
	bytes = r->p.sq_off.array + r->p.sq_entries * sizeof(uint32_t);
	r->rings = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
	r->sqes = mmap(NULL, r->p.sq_entries * sizeof(*r->sqes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		       IORING_OFF_SQES);
	return r->rings != MAP_FAILED && r->sqes != MAP_FAILED;
}

/* The next entry; it is taken by the next enter(). */
static struct io_uring_sqe *next_sqe(struct ring *r, unsigned int opcode, uint64_t user_data)
{
	uint32_t tail = *word(r, r->p.sq_off.tail), i = tail & *word(r, r->p.sq_off.ring_mask);
	struct io_uring_sqe *sqe = &r->sqes[i];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = opcode;
	sqe->fd = -1;
	sqe->user_data = user_data;
	word(r, r->p.sq_off.array)[i] = i;
	__atomic_store_n(word(r, r->p.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	return sqe;
}

static int enter(struct ring *r, unsigned int submit, unsigned int complete)
{
	return syscall(__NR_io_uring_enter, r->fd, submit, complete, complete ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

/* One completion: its user_data, or 0 if there is none. */
static uint64_t completion(struct ring *r, int *res)
{
	uint32_t head = *word(r, r->p.cq_off.head);
	struct io_uring_cqe *cqe = (struct io_uring_cqe *)(r->rings + r->p.cq_off.cqes) + (head & *word(r, r->p.cq_off.ring_mask));
	uint64_t user_data;

	*res = -1;
	if (head == __atomic_load_n(word(r, r->p.cq_off.tail), __ATOMIC_ACQUIRE))
		return 0;
	user_data = cqe->user_data;
	*res = cqe->res;
	__atomic_store_n(word(r, r->p.cq_off.head), head + 1, __ATOMIC_RELEASE);
	return user_data;
}

static uint64_t nop(struct ring *r, uint64_t user_data)
{
	int res;

	next_sqe(r, IORING_OP_NOP, user_data);
	if (enter(r, 1, 1) != 1)
		return 0;
	user_data = completion(r, &res);
	return res == 0 ? user_data : 0;
}

static uint64_t woken_by;

static void *waiter(void *arg)
{
	int res;

	if (enter(arg, 0, 1) == 0)
		woken_by = completion(arg, &res);
	return NULL;
}

static void rings(void)
{
	struct ring a, b;
	pthread_t thread;
	int res;

	if (!setup(&a, 8, 0) || !setup(&b, 4, 0))
		_exit(90);
	for (uint64_t i = 1; i <= 11; i++)
		nop(&a, i);
	next_sqe(&a, IORING_OP_NOP, 100);
	enter(&a, 1, 0);
	next_sqe(&a, IORING_OP_NOP, 101);
	pthread_create(&thread, NULL, waiter, &b);
	usleep(100000);
	pause_here();
	verify(completion(&a, &res) == 100 && res == 0, "a completion that was not read");
	verify(!completion(&a, &res), "and no other");
	verify(enter(&a, 1, 1) == 1 && completion(&a, &res) == 101, "an entry that was not submitted");
	verify(nop(&a, 102) == 102, "it works as before");
	next_sqe(&b, IORING_OP_NOP, 7);
	verify(enter(&b, 1, 0) == 1, "a request for who waits");
	pthread_join(thread, NULL);
	verify(woken_by == 7, "who waited has it: %llu", (unsigned long long)woken_by);
}

static void of_one_thread(void)
{
	struct ring r, own;
	int res = -1, fd = open(DATA, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char text[8] = "";

	if (!setup(&r, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) ||
	    !setup(&own, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_CQE32 | IORING_SETUP_SQE128))
		_exit(91);
	if (write(fd, "written", 7) != 7 || nop(&r, 1) != 1)
		_exit(92);
	pause_here();
	verify(nop(&r, 2) == 2, "a ring of one thread, whose work is deferred");
	struct io_uring_sqe *sqe = next_sqe(&r, IORING_OP_READ, 3);

	sqe->fd = fd;
	sqe->addr = (uintptr_t)text;
	sqe->len = 7;
	verify(enter(&r, 1, 1) == 1 && completion(&r, &res) == 3 && res == 7 && !strcmp(text, "written"), "it reads: %d \"%s\"", res, text);
	next_sqe(&own, IORING_OP_NOP, 4);
	verify(enter(&own, 1, 1) == 1 && completion(&own, &res) == 4, "one of large entries");
	unlink(DATA);
}

#define READS	32

/* By workers, which are threads of the process. */
static bool read_by_workers(struct ring *r, int fd, unsigned char *to, int complete)
{
	for (int i = 0; i < READS; i++) {
		struct io_uring_sqe *sqe = next_sqe(r, IORING_OP_READ, i + 1);

		sqe->fd = fd;
		sqe->flags = IOSQE_ASYNC;
		sqe->addr = (uintptr_t)(to + i * 4096);
		sqe->len = 4096;
		sqe->off = i * 4096;
	}
	return enter(r, READS, complete) == READS;
}

static bool all_have_come(struct ring *r, const unsigned char *data)
{
	int res, nr = 0;

	while (completion(r, &res))
		nr += res == 4096;
	for (int i = 0; i < READS; i++)
		nr += data[i * 4096] == i + 1;
	return nr == 2 * READS;
}

static void workers(void)
{
	int fd = open(DATA, O_RDWR | O_CREAT | O_TRUNC, 0600);
	static unsigned char data[READS * 4096];
	struct ring r;

	if (!setup(&r, READS, 0))
		_exit(93);
	for (int i = 0; i < READS; i++)
		memset(data + i * 4096, i + 1, 4096);
	if (write(fd, data, sizeof(data)) != sizeof(data))
		_exit(94);
	memset(data, 0, sizeof(data));
	if (!read_by_workers(&r, fd, data, 0))
		_exit(95);
	pause_here();
	verify(all_have_come(&r, data), "reads that were under way");
	memset(data, 0, sizeof(data));
	verify(read_by_workers(&r, fd, data, READS) && all_have_come(&r, data), "and new ones");
	unlink(DATA);
}

static void shared_by_fork(void)
{
	struct ring r;
	int status = -1;
	pid_t child;

	if (!setup(&r, 8, 0))
		_exit(96);
	child = fork();
	if (child == 0) {
		wait_for_go();
		_exit(nop(&r, 5) == 5 ? 0 : 1);
	}
	pause_here();
	verify(waitpid(child, &status, 0) == child && status == 0, "a child uses it");
	verify(nop(&r, 6) == 6, "and so does the parent");
}

static void with_poll(void)
{
	int ends[2], res;
	struct io_uring_sqe *sqe;
	struct ring r;

	if (!setup(&r, 8, 0) || pipe(ends) < 0)
		_exit(97);
	sqe = next_sqe(&r, IORING_OP_POLL_ADD, 9);
	sqe->fd = ends[0];
	sqe->poll32_events = POLLIN;
	enter(&r, 1, 0);
	pause_here();
	verify(write(ends[1], "x", 1) == 1 && enter(&r, 0, 1) == 0 && completion(&r, &res) == 9, "it goes on");
}

static void with_buffers(void)
{
	static char buffer[4096];
	struct iovec vec = { buffer, sizeof(buffer) };
	struct ring r;

	if (!setup(&r, 8, 0) || syscall(__NR_io_uring_register, r.fd, IORING_REGISTER_BUFFERS, &vec, 1) < 0)
		_exit(98);
	pause_here();
}

static void with_poller(void)
{
	struct ring r;

	if (!setup(&r, 8, IORING_SETUP_SQPOLL))
		_exit(99);
	pause_here();
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_IO_URING;
}

static void damaged(void)
{
	struct ckpt_io_uring *u = record(CKPT_REC_IO_URING, NULL);

	BAD_FIELD(u->flags, 1U << 31, "an unknown flag", "cannot be");
	BAD_FIELD(u->flags, IORING_SETUP_SQPOLL, "one that polls", "cannot be");
	BAD_FIELD(u->flags, IORING_SETUP_DEFER_TASKRUN, "work deferred for nobody", "cannot be");
	BAD_FIELD(u->sq_entries, 3, "three entries", "cannot be");
	BAD_FIELD(u->sq_entries, u->sq_entries * 2, "more entries than there are", "rings of");
	BAD_FIELD(u->cq_entries, 1U << 31, "more completions than there can be", "cannot be");
	BAD_FIELD(u->cq_entries, u->cq_entries * 2, "more completions than there are", "rings of");
	BAD_FIELD(u->submitter, 1, "both of one thread and of all", "cannot be");
}

int main(void)
{
	need_checkpoint();
	subject_round("rings", rings);
	subject_round("rings of one thread", of_one_thread);
	subject_round("workers", workers);
	subject_round("a ring shared by fork", shared_by_fork);
	mutate_round("damaged", rings, damaged, is_about, 100);
	subject_refused("a poll that does not end", with_poll, "do not end");
	subject_refused("registered buffers", with_buffers, "registered files or buffers");
	subject_refused("a thread that polls", with_poller, "that polls");
	return tap_done();
}
