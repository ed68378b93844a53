/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on memory: what a subject does, and the model that works
 * out from the same random numbers what it then holds. For trackers.c alone.
 */
#ifndef RANDOM_OPS_H
#define RANDOM_OPS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"

#define PAGE		4096UL
#define PAGES		3072		/* a third each: anonymous, of a file, of huge pages */
#define THIRD		(PAGES / 3)
#define SHARED_PAGES	64
#define STACK_PAGES	64
#define HEAP_PAGES	64
#define ALL_PAGES	(PAGES + SHARED_PAGES + STACK_PAGES + HEAP_PAGES)
#define SHARED_AT	PAGES
#define STACK_AT	(SHARED_AT + SHARED_PAGES)
#define HEAP_AT		(STACK_AT + STACK_PAGES)

#define ARENA		((unsigned char *)0x10000000000UL)
#define SHARED		((unsigned char *)0x10010000000UL)
#define STACK_END	((unsigned char *)0x10020000000UL)
#define MAILBOX		((struct mailbox *)0x10030000000UL)
#define BUSY		((volatile uint64_t *)0x10040000000UL)
#define BUSY_PAGES	96		/* a thread writes to them all the time; see busy_word() */
#define BUSY_WORDS	(BUSY_PAGES * PAGE / sizeof(uint64_t))

#define MAX_BATCH	64
#define CHAIN		5
#define FILE_BACKED	"/data/selftest-trackers.file"
#define DIRECT		"/data/selftest-trackers.direct"
#define SWAP		"/data/selftest-trackers.swap"
#define MAILBOX_FILE	"/tmp/selftest-trackers.mailbox"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

struct mailbox {
	volatile uint64_t command, done;
	uint64_t seed;
	unsigned int nr;
	int result[MAX_BATCH];
	uint64_t heap;		/* where it begins */
	unsigned int swap;
	unsigned int exec;	/* instead of operations: begin anew, as another program */
	volatile unsigned int hold, held;	/* the thread that writes is to pause, and does */
};

enum kind {
	WRITE, READ, REMAP, MOVE, PROTECT, READ_ONLY, FORCE, DONTNEED, FREE, FREE_REWRITE, SHARED_WRITE, STACK, BRK, FORK,
	HUGE, COLLAPSE, NO_HUGE, MERGE, PAGEOUT, DIRECT_READ, USERFAULT, SAME_WRITE, KINDS
};

static const char *const kind_names[KINDS] = {
	"write", "read", "remap", "move", "protect", "read-only", "force", "dontneed", "free", "free-rewrite",
	"shared-write", "stack", "brk", "fork", "huge", "collapse", "no-huge", "merge", "pageout", "direct-read",
	"userfault", "same-write",
};

struct op {
	enum kind kind;
	unsigned int page, page2, nr;	/* of the arena */
	unsigned int offset, len;	/* bytes from @page on */
	uint64_t seed;
};

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static struct op next_op(uint64_t *state)
{
	static const unsigned char weights[KINDS] = {
		[WRITE] = 30, [READ] = 3, [REMAP] = 4, [MOVE] = 6, [PROTECT] = 6, [READ_ONLY] = 3, [FORCE] = 4,
		[DONTNEED] = 5, [FREE] = 3, [FREE_REWRITE] = 4, [SHARED_WRITE] = 3, [STACK] = 3, [BRK] = 3, [FORK] = 4,
		[HUGE] = 2, [COLLAPSE] = 2, [NO_HUGE] = 1, [MERGE] = 1, [PAGEOUT] = 3, [DIRECT_READ] = 4, [USERFAULT] = 2,
		[SAME_WRITE] = 4,
	};
	struct op op = { };
	unsigned int r = next(state) % 100, sum = 0;

	while (op.kind < KINDS - 1 && r >= (sum += weights[op.kind]))
		op.kind++;
	op.page = next(state) % PAGES;
	op.nr = 1 + next(state) % (next(state) % 4 ? 8 : 600);
	if (op.page + op.nr > PAGES)
		op.nr = PAGES - op.page;
	op.page2 = next(state) % (PAGES - op.nr + 1);
	op.offset = next(state) % PAGE;
	op.len = 1 + next(state) % (next(state) % 3 ? 200 : 30000);
	if (op.page * PAGE + op.offset + op.len > PAGES * PAGE)
		op.len = PAGES * PAGE - op.page * PAGE - op.offset;
	op.seed = next(state);
	return op;
}

/* Each byte of the seed in turn, plus the number of the turn; eight at once, without carries between them. */
static void fill(unsigned char *p, size_t len, uint64_t seed)
{
	const uint64_t ones = 0x0101010101010101ULL, high = ones << 7;
	size_t i = 0;

	for (; i < len; i += 8) {
		uint64_t turn = (i / 8 & 0xff) * ones;
		uint64_t word = ((seed & ~high) + (turn & ~high)) ^ ((seed ^ turn) & high);

		memcpy(p + i, &word, len - i < 8 ? len - i : 8);
	}
}

/* What both sides remember of each page. The subject's is part of what is restored. */
struct attrs {
	unsigned char ro[PAGES];	/* may not be written */
	unsigned char freed[PAGES];	/* MADV_FREE: holds what it held, or is zero */
	unsigned char file[PAGES];	/* mapped from a file */
};

static bool range_has(const unsigned char *flags, unsigned int page, unsigned int nr)
{
	for (unsigned int i = page; i < page + nr; i++)
		if (flags[i])
			return true;
	return false;
}

static unsigned int pages_of(const struct op *op)
{
	return (op->offset + op->len + PAGE - 1) / PAGE;
}

/* An error number if the operation is not for these pages. */
static int check_op(const struct attrs *a, const struct op *op)
{
	unsigned int most = op->nr > pages_of(op) ? op->nr : pages_of(op);
	bool writes_bytes = op->kind == WRITE || op->kind == SAME_WRITE || op->kind == FORK;
	bool writes_pages = op->kind == FREE || op->kind == FREE_REWRITE || op->kind == MOVE;
	bool harmless = op->kind == READ || op->kind == PAGEOUT || op->kind == COLLAPSE || op->kind == MERGE ||
			op->kind == HUGE || op->kind == NO_HUGE;

	/* What may be zero is left alone until it is written as a whole. */
	if (!harmless && (range_has(a->freed, op->page, most) || range_has(a->freed, op->page2, op->nr)))
		return EBUSY;
	if (writes_bytes && range_has(a->ro, op->page, pages_of(op)))
		return EACCES;
	if (writes_pages && range_has(a->ro, op->page, op->nr))
		return EACCES;
	if ((op->kind == DIRECT_READ || op->kind == USERFAULT) && a->ro[op->page])
		return EACCES;
	if ((op->kind == FREE || op->kind == FREE_REWRITE) && range_has(a->file, op->page, op->nr))
		return EINVAL;
	if (op->kind == FREE_REWRITE && op->nr > 16 && op->nr < 400)
		return E2BIG;
	if (op->kind == MOVE && op->page2 < op->page + op->nr && op->page < op->page2 + op->nr)
		return ERANGE;
	return 0;
}

static void anon_attrs(struct attrs *a, unsigned int page, unsigned int nr)
{
	memset(a->ro + page, 0, nr);
	memset(a->freed + page, 0, nr);
	memset(a->file + page, 0, nr);
}

static void update_attrs(struct attrs *a, const struct op *op, int result)
{
	if (op->kind == MOVE && result == EFAULT)
		anon_attrs(a, op->page2, op->nr);
	if (result)
		return;
	if (op->kind == REMAP) {
		anon_attrs(a, op->page, op->nr);
	} else if (op->kind == MOVE) {
		memcpy(a->file + op->page2, a->file + op->page, op->nr);
		memset(a->ro + op->page2, 0, op->nr);
		anon_attrs(a, op->page, op->nr);
	} else if (op->kind == PROTECT || op->kind == READ_ONLY) {
		memset(a->ro + op->page, op->kind == READ_ONLY, op->nr);
	} else if (op->kind == FREE) {
		memset(a->freed + op->page, 1, op->nr);
	}
}

/* What the subject should hold. */
struct model {
	unsigned char bytes[ALL_PAGES * PAGE];
	struct attrs attrs;
	int file_page[PAGES];			/* of FILE_BACKED */
	unsigned int stack_pages, heap_pages;
	uint64_t command, heap;
};

static struct mailbox *mailbox;
static struct model *now, *then[CHAIN];
static unsigned char *seen;

/* ---- the subject ---- */

static struct attrs mine;
static unsigned int stack_pages = 1;

static void anon(unsigned int page, unsigned int nr)
{
	mmap(ARENA + page * PAGE, nr * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static int force(const struct op *op)
{
	unsigned char buf[30000];
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC), ret;

	fill(buf, op->len, op->seed);
	ret = pwrite(fd, buf, op->len, (off_t)(ARENA + op->page * PAGE + op->offset)) == (ssize_t)op->len ? 0 : EIO;
	close(fd);
	return ret;
}

static int direct_read(const struct op *op)
{
	int fd = open(DIRECT, O_RDONLY | O_DIRECT | O_CLOEXEC), ret;

	ret = pread(fd, ARENA + op->page * PAGE, PAGE, op->seed % 16 * PAGE) == (ssize_t)PAGE ? 0 : EIO;
	close(fd);
	return ret;
}

static int userfault(const struct op *op)
{
	static unsigned char page[PAGE] __attribute__((aligned(4096)));
	unsigned long at = (unsigned long)(ARENA + op->page * PAGE);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .range = { at, PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_copy copy = { .dst = at, .src = (unsigned long)page, .len = PAGE };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC), ret = 0;

	if (fd < 0)
		return errno;
	fill(page, PAGE, op->seed);
	if (ioctl(fd, UFFDIO_API, &api) < 0 || ioctl(fd, UFFDIO_REGISTER, &reg) < 0) {
		ret = errno;
	} else {
		madvise((void *)at, PAGE, MADV_DONTNEED);
		if (ioctl(fd, UFFDIO_COPY, &copy) < 0)
			ret = -errno;	/* negative: the old page is gone */
		ioctl(fd, UFFDIO_UNREGISTER, &reg.range);
	}
	close(fd);
	return ret;
}

static void forked(const struct op *op)
{
	pid_t pid = fork();

	if (pid == 0) {		/* what it writes is its own */
		fill(ARENA + op->page2 * PAGE, mine.ro[op->page2] ? 0 : 100, ~op->seed);
		_exit(0);
	}
	if (op->seed & 1)
		waitpid(pid, NULL, 0);
	fill(ARENA + op->page * PAGE + op->offset, op->len, op->seed);
	if (!(op->seed & 1))
		waitpid(pid, NULL, 0);
}

/*
 * Word 0 is the round; in each, every other word takes its value, the first one
 * first. So at any moment the words up to some one are of this round, and those
 * after it of the one before: a page that an image has of another time shows.
 */
static uint64_t busy_word(uint64_t round, unsigned int word)
{
	return round ? round << 32 | word : 0;
}

static void *write_always(void *arg)
{
	(void)arg;
	for (uint64_t round = 1;; round++) {
		BUSY[0] = round;
		for (unsigned int i = 1; i < BUSY_WORDS; i++) {
			BUSY[i] = busy_word(round, i);
			while (i % 64 == 0 && MAILBOX->hold) {
				MAILBOX->held = MAILBOX->hold;
				usleep(1000);
			}
		}
		usleep(2000);
	}
	return NULL;
}

static int perform(const struct op *op)
{
	unsigned char *p = ARENA + op->page * PAGE;
	size_t len = op->nr * PAGE;
	int ret = check_op(&mine, op);

	if (ret)
		return ret;
	switch (op->kind) {
	case WRITE:
		fill(p + op->offset, op->len, op->seed);
		return 0;
	case SAME_WRITE:
		for (unsigned int i = 0; i < op->len; i++)
			((volatile unsigned char *)p)[op->offset + i] = p[op->offset + i];
		return 0;
	case READ:
		for (size_t i = 0; i < len; i += PAGE)
			(void)*(volatile unsigned char *)(p + i);
		return 0;
	case REMAP:
		munmap(p, len);
		anon(op->page, op->nr);
		return 0;
	case MOVE:
		if (mremap(p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, ARENA + op->page2 * PAGE) == MAP_FAILED) {
			anon(op->page2, op->nr);
			return EFAULT;
		}
		anon(op->page, op->nr);
		return 0;
	case PROTECT:
		if (mprotect(p, len, op->seed & 2 ? PROT_READ : PROT_NONE) < 0 || mprotect(p, len, PROT_READ | PROT_WRITE) < 0)
			return errno;
		if (op->seed & 1)
			fill(p, op->len < len ? op->len : len, op->seed);
		return 0;
	case READ_ONLY:
		return mprotect(p, len, PROT_READ) < 0 ? errno : 0;
	case FORCE:
		return force(op);
	case DONTNEED:
		return madvise(p, len, MADV_DONTNEED) < 0 ? errno : 0;
	case FREE:
		return madvise(p, len, MADV_FREE) < 0 ? errno : 0;
	case FREE_REWRITE:
		if (madvise(p, len, MADV_FREE) < 0)
			return errno;
		fill(p, len, op->seed);
		return 0;
	case SHARED_WRITE:
		fill(SHARED + op->seed % SHARED_PAGES * PAGE + op->offset, PAGE - op->offset, op->seed);
		return 0;
	case STACK:
		if (stack_pages < STACK_PAGES)
			stack_pages++;
		fill(STACK_END - stack_pages * PAGE + op->offset, PAGE - op->offset, op->seed);
		return 0;
	case BRK: {
		unsigned int want = op->seed % (HEAP_PAGES + 1);
		unsigned char *heap = (unsigned char *)MAILBOX->heap;

		if (brk(heap + want * PAGE) < 0)
			return errno;
		if (want)
			fill(heap + (want - 1) * PAGE, op->offset, op->seed);
		return 0;
	}
	case FORK:
		forked(op);
		return 0;
	case HUGE:
		return madvise(p, len, MADV_HUGEPAGE) < 0 ? errno : 0;
	case NO_HUGE:
		return madvise(p, len, MADV_NOHUGEPAGE) < 0 ? errno : 0;
	case COLLAPSE:
		madvise((void *)((unsigned long)p & ~0x1fffffUL), 0x200000, MADV_COLLAPSE);
		return 0;
	case MERGE:
		return madvise(p, len, op->seed & 1 ? MADV_MERGEABLE : MADV_UNMERGEABLE) < 0 ? errno : 0;
	case PAGEOUT:
		return MAILBOX->swap && madvise(p, len, MADV_PAGEOUT) < 0 ? errno : 0;
	case DIRECT_READ:
		return direct_read(op);
	case USERFAULT:
		return userfault(op);
	case KINDS:
		break;
	}
	return EINVAL;
}

static void begin_anew(void)
{
	execl("/proc/self/exe", "trackers", "--subject", NULL);
	_exit(127);
}

/* From the start, or as the program that the subject executes. */
static void subject(void)
{
	uint64_t last = 0, state;
	struct op op;
	pthread_t thread;
	int fd = open(MAILBOX_FILE, O_RDWR | O_CLOEXEC);

	/* What the test holds is no part of this. */
	for (int i = 0; i < CHAIN; i++)
		free(then[i]);
	free(now);
	free(seen);
	mmap(MAILBOX, sizeof(struct mailbox), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	close(fd);
	anon(0, PAGES);
	fd = open(FILE_BACKED, O_RDONLY | O_CLOEXEC);
	mmap(ARENA + THIRD * PAGE, THIRD * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0);
	close(fd);
	memset(mine.file + THIRD, 1, THIRD);
	madvise(ARENA + 2 * THIRD * PAGE, THIRD * PAGE, MADV_HUGEPAGE);
	fill(ARENA + 2 * THIRD * PAGE, THIRD * PAGE, 77);
	mmap(SHARED, SHARED_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap(STACK_END - PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
	mmap((void *)BUSY, BUSY_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	pthread_create(&thread, NULL, write_always, NULL);
	/* All that the C library takes of the heap has been taken. */
	MAILBOX->heap = ((unsigned long)sbrk(0) + PAGE - 1) & ~(PAGE - 1);
	if (MAILBOX->exec) {
		MAILBOX->exec = 0;
		last = MAILBOX->command;
		MAILBOX->done = last;
	}
	ready();
	for (;;) {
		while (MAILBOX->command == last)
			usleep(1000);
		last = MAILBOX->command;
		if (MAILBOX->exec)
			begin_anew();
		state = MAILBOX->seed;
		for (unsigned int i = 0; i < PAGES; i++)
			if (mine.freed[i])
				fill(ARENA + i * PAGE, PAGE, state + i);
		memset(mine.freed, 0, sizeof(mine.freed));
		for (unsigned int i = 0; i < MAILBOX->nr; i++) {
			op = next_op(&state);
			MAILBOX->result[i] = perform(&op);
			update_attrs(&mine, &op, MAILBOX->result[i]);
		}
		MAILBOX->done = last;
	}
}

/* ---- the model ---- */

static unsigned char *file_bytes, *direct_bytes;

static void model_start(struct model *m)
{
	memset(m, 0, sizeof(*m));
	for (unsigned int i = 0; i < THIRD; i++)
		m->file_page[THIRD + i] = i;
	memset(m->attrs.file + THIRD, 1, THIRD);
	memcpy(m->bytes + THIRD * PAGE, file_bytes, THIRD * PAGE);
	fill(m->bytes + 2 * THIRD * PAGE, THIRD * PAGE, 77);
	m->stack_pages = 1;
}

static void model_apply(struct model *m, const struct op *op, int result)
{
	unsigned char *p = m->bytes + op->page * PAGE;
	size_t len = op->nr * PAGE;

	if (op->kind == MOVE && result == EFAULT)
		memset(m->bytes + op->page2 * PAGE, 0, len);
	if (op->kind == USERFAULT && result < 0)
		memset(p, 0, PAGE);
	if (result)
		return;
	switch (op->kind) {
	case WRITE: case FORCE: case FORK:
		fill(p + op->offset, op->len, op->seed);
		break;
	case REMAP:
		memset(p, 0, len);
		break;
	case MOVE:
		memcpy(m->bytes + op->page2 * PAGE, p, len);
		memcpy(m->file_page + op->page2, m->file_page + op->page, op->nr * sizeof(*m->file_page));
		memset(p, 0, len);
		break;
	case PROTECT:
		if (op->seed & 1)
			fill(p, op->len < len ? op->len : len, op->seed);
		break;
	case DONTNEED:
		for (unsigned int i = 0; i < op->nr; i++) {
			if (m->attrs.file[op->page + i])
				memcpy(p + i * PAGE, file_bytes + m->file_page[op->page + i] * PAGE, PAGE);
			else
				memset(p + i * PAGE, 0, PAGE);
		}
		break;
	case FREE_REWRITE:
		fill(p, len, op->seed);
		break;
	case SHARED_WRITE:
		fill(m->bytes + (SHARED_AT + op->seed % SHARED_PAGES) * PAGE + op->offset, PAGE - op->offset, op->seed);
		break;
	case STACK:
		if (m->stack_pages < STACK_PAGES)
			m->stack_pages++;
		fill(m->bytes + (STACK_AT + STACK_PAGES - m->stack_pages) * PAGE + op->offset, PAGE - op->offset, op->seed);
		break;
	case BRK: {
		unsigned int want = op->seed % (HEAP_PAGES + 1);

		if (want < m->heap_pages)
			memset(m->bytes + (HEAP_AT + want) * PAGE, 0, (m->heap_pages - want) * PAGE);
		m->heap_pages = want;
		if (want)
			fill(m->bytes + (HEAP_AT + want - 1) * PAGE, op->offset, op->seed);
		break;
	}
	case DIRECT_READ:
		memcpy(p, direct_bytes + op->seed % 16 * PAGE, PAGE);
		break;
	case USERFAULT:
		fill(p, PAGE, op->seed);
		break;
	default:
		break;
	}
}

#endif
