// SPDX-License-Identifier: Apache-2.0
/*
 * Trackers of changed pages, against a shadow.
 *
 *	trackers [TRACKER...] [-n OPERATIONS] [-s SEED]
 *
 * A subject does random things to its memory, executes itself anew, and has a
 * thread that never stops writing. What it should hold is worked out here,
 * outside of it, from the same random numbers. After some operations
 * a checkpoint is taken, an increment over the one before; now and then the
 * chain is restarted at one of its images, compared with the shadow of that
 * moment, byte for byte, and the subject goes on from there.
 *
 * 1,200 operations for each tracker by default. For 10,000 and more: -n 10000.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/swap.h>
#include <time.h>

#include "random_ops.h"
#include "subject.h"
#include "tap.h"

static unsigned int holds;

static int open_memory(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return open(path, O_RDWR | O_CLOEXEC);
}

static bool look(int fd, unsigned int page, unsigned int nr, const void *at)
{
	return pread(fd, seen + page * PAGE, nr * PAGE, (off_t)at) == (ssize_t)(nr * PAGE);
}

/* Is what the thread writes all of one moment? It stands still for the time. */
static bool busy_is_whole(int fd, const char *when)
{
	static uint64_t words[BUSY_WORDS];
	unsigned int i = 1;
	uint64_t round;

	if (!mailbox->hold)
		mailbox->hold = ++holds;
	for (int tries = 0; mailbox->held != mailbox->hold && tries < 60000; tries++)
		usleep(1000);
	if (mailbox->held != mailbox->hold ||
	    pread(fd, words, sizeof(words), (off_t)BUSY) != (ssize_t)sizeof(words)) {
		tap_ok(false, "%s: the thread that writes is there", when);
		return false;
	}
	mailbox->hold = 0;
	round = words[0];
	while (i < BUSY_WORDS && words[i] == busy_word(round, i))
		i++;
	while (i < BUSY_WORDS && words[i] == busy_word(round - 1, i))
		i++;
	if (i < BUSY_WORDS)
		tap_ok(false, "%s: what a thread has written is of different moments: round %llu, word %u of page %u is 0x%llx",
		       when, (unsigned long long)round, i % 512, i / 512, (unsigned long long)words[i]);
	return i == BUSY_WORDS;
}

/* Byte for byte; what is not mapped cannot be read, and counts as wrong. */
static bool compare(pid_t pid, const struct model *m, const char *when)
{
	unsigned int wrong = 0, first = 0;
	int fd = open_memory(pid);
	bool readable;

	if (!busy_is_whole(fd, when)) {
		close(fd);
		return false;
	}
	memset(seen, 0, ALL_PAGES * PAGE);
	readable = look(fd, 0, PAGES, ARENA) && look(fd, SHARED_AT, SHARED_PAGES, SHARED) &&
		   look(fd, STACK_AT + STACK_PAGES - m->stack_pages, m->stack_pages, STACK_END - m->stack_pages * PAGE) &&
		   look(fd, HEAP_AT, m->heap_pages, (void *)mailbox->heap);
	close(fd);
	if (!readable) {
		tap_ok(false, "%s: memory can be read (%s)", when, strerror(errno));
		return false;
	}
	for (unsigned int i = 0; i < ALL_PAGES; i++) {
		const unsigned char *p = seen + i * PAGE;

		if (!memcmp(p, m->bytes + i * PAGE, PAGE))
			continue;
		if (i < PAGES && m->attrs.freed[i] && !p[0] && !memcmp(p, p + 1, PAGE - 1))
			continue;
		if (!wrong++)
			first = i;
	}
	if (wrong) {
		tap_ok(false, "%s: %u of %u pages differ from the shadow, the first is %u", when, wrong, ALL_PAGES, first);
		return false;
	}
	return true;
}

static bool wait_done(pid_t pid)
{
	for (int i = 0; i < 60000; i++) {
		if (mailbox->done == mailbox->command)
			return true;
		if (kill(pid, 0) < 0)
			return false;
		usleep(1000);
	}
	return false;
}

/* From outside, through get_user_pages(). */
static void write_from_outside(pid_t pid, struct model *m, uint64_t *state)
{
	static unsigned char buf[30000];
	struct op op = next_op(state);
	ssize_t n;
	int fd;

	if (range_has(m->attrs.freed, op.page, pages_of(&op)))
		return;
	fill(buf, op.len, op.seed);
	fd = open_memory(pid);
	n = pwrite(fd, buf, op.len, (off_t)(ARENA + op.page * PAGE + op.offset));
	close(fd);
	if (n > 0)
		memcpy(m->bytes + op.page * PAGE + op.offset, buf, n);
}

static unsigned long counts[KINDS], took_effect[KINDS];

static bool execute(pid_t pid)
{
	uint64_t command = now->command + 1;

	model_start(now);
	now->command = command;
	mailbox->exec = 1;
	mailbox->command = command;
	return wait_done(pid);
}

static bool batch(pid_t pid, uint64_t *state)
{
	uint64_t seed = next(state), s;
	unsigned int nr = 10 + next(state) % 40;

	mailbox->seed = seed;
	mailbox->nr = nr;
	mailbox->command = ++now->command;
	if (!wait_done(pid))
		return false;
	now->heap = mailbox->heap;
	s = seed;
	for (unsigned int i = 0; i < PAGES; i++)
		if (now->attrs.freed[i])
			fill(now->bytes + i * PAGE, PAGE, s + i);
	memset(now->attrs.freed, 0, sizeof(now->attrs.freed));
	for (unsigned int i = 0; i < nr; i++) {
		struct op op = next_op(&s);

		counts[op.kind]++;
		took_effect[op.kind] += !mailbox->result[i];
		model_apply(now, &op, mailbox->result[i]);
		update_attrs(&now->attrs, &op, mailbox->result[i]);
	}
	return true;
}

static long long number(const char *json, const char *key)
{
	char pattern[64];
	const char *p;

	snprintf(pattern, sizeof(pattern), "\"%s\":", key);
	p = strstr(json, pattern);
	return p ? atoll(p + strlen(pattern)) : -1;
}

static bool take_image(const char *tracker, pid_t pid, int n, const char *mode, char *output, size_t room)
{
	char image[64], parent[64], pid_text[16];
	const char *argv[16] = { checkpoint_path, "--json", "--tracker", tracker, "-o", image };
	int i = 6, status;

	snprintf(image, sizeof(image), "/ckpt/selftest-trackers.%d.img", n);
	snprintf(parent, sizeof(parent), "/ckpt/selftest-trackers.%d.img", n - 1);
	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	if (n) {
		argv[i++] = "--parent";
		argv[i++] = parent;
	}
	if (mode)
		argv[i++] = mode;
	argv[i++] = pid_text;
	argv[i] = NULL;
	status = run_command(output, room, argv);
	if (status)
		tap_ok(false, "%s: image %d: %s", tracker, n, output);
	return !status;
}

struct sums {
	unsigned long operations, execs, images, live, restarts, lazy;
	unsigned long long written, false_pages, parent_pages, faults, walk_ns, bytes;
};

static bool restart_at(struct subject *s, int n, bool lazy)
{
	char image[64];

	snprintf(image, sizeof(image), "/ckpt/selftest-trackers.%d.img", n);
	kill(-s->pid, SIGKILL);
	if (!wait_gone(s->pid))
		return false;
	*now = *then[n];
	mailbox->command = mailbox->done = now->command;
	mailbox->exec = 0;
	mailbox->heap = now->heap;
	/* What the image has of the thread's is looked at before it is written again. */
	mailbox->hold = ++holds;
	return subject_restart(s, image, lazy ? (const char *const[]){ "--lazy", NULL } : NULL);
}

/* One chain: full, increments, then back to some of its images. */
static bool chain(struct subject *s, const char *tracker, uint64_t *state, struct sums *sums)
{
	bool audit = next(state) % 2, live;
	char output[8192], when[128];

	for (int n = 0; n < CHAIN; n++) {
		bool exec = next(state) % 16 == 0;

		if (exec && execute(s->pid))
			sums->execs++;
		if (!batch(s->pid, state)) {
			tap_ok(false, "%s: the subject lives", tracker);
			return false;
		}
		sums->operations += mailbox->nr;
		for (unsigned int i = next(state) % 3; i; i--)
			write_from_outside(s->pid, now, state);
		snprintf(when, sizeof(when), "%s: before image %d", tracker, n);
		if (next(state) % 4 == 0 && !compare(s->pid, now, when))
			return false;
		live = !audit && next(state) % 2;
		if (!take_image(tracker, s->pid, n, audit ? "--audit" : live ? "--live" : NULL, output,
				sizeof(output)))
			return false;
		sums->images++;
		sums->live += live;
		if (n) {
			sums->written += number(output, "pages");
			sums->parent_pages += number(output, "parentPages");
			sums->faults += number(output, "trackerFaults");
			sums->walk_ns += number(output, "trackerWalkNs");
			if (number(output, "trackerBytes") > (long long)sums->bytes)
				sums->bytes = number(output, "trackerBytes");
			/* None is said where the subject has executed itself since. */
			if (audit && number(output, "falsePages") > 0)
				sums->false_pages += number(output, "falsePages");
		}
		*then[n] = *now;
	}
	for (int tries = 0; tries < 2; tries++) {
		int n = tries ? (int)(next(state) % CHAIN) : CHAIN - 1;

		bool lazy = next(state) % 2;

		if (!restart_at(s, n, lazy))
			return false;
		sums->restarts++;
		sums->lazy += lazy;
		snprintf(when, sizeof(when), "%s: restarted%s at image %d of %d", tracker, lazy ? " lazily" : "", n, CHAIN);
		/* Who compares brings all pages in: now and then, what follows meets those that have not come. */
		if ((!lazy || next(state) % 2) && !compare(s->pid, now, when))
			return false;
		mailbox->hold = 0;
	}
	return true;
}

static void property(const char *tracker, unsigned long operations, uint64_t seed)
{
	struct sums sums = { };
	struct subject s;
	bool good = true;

	memset(mailbox, 0, sizeof(*mailbox));
	mailbox->swap = exists(SWAP);
	if (!subject_start(&s, "trackers", subject))
		return;
	model_start(now);
	while (good && sums.operations < operations)
		good = chain(&s, tracker, &seed, &sums);
	subject_end(&s);
	tap_ok(good, "%s: %lu operations, %lu execs, %lu images (%lu live), %lu restarts (%lu lazy): all as the shadow",
	       tracker, sums.operations, sums.execs, sums.images, sums.live, sums.restarts, sums.lazy);
	tap_diag("%s: %llu pages written, %llu as in the parent, %llu false in audited images, %llu faults, %llu us of walks, %llu bytes held",
		 tracker, sums.written, sums.parent_pages, sums.false_pages, sums.faults, sums.walk_ns / 1000, sums.bytes);
}

static void make_file(const char *path, unsigned char *bytes, size_t len)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (write(fd, bytes, len) != (ssize_t)len || fsync(fd) < 0)
		tap_ok(false, "%s can be written", path);
	close(fd);
}

static void start_swap(void)
{
	unsigned char page[PAGE] = { };
	uint32_t header[3] = { 1, 32 * 1024 * 1024 / PAGE - 1, 0 };
	int fd = open(SWAP, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	memcpy(page + 1024, header, sizeof(header));
	memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
	if (write(fd, page, PAGE) != (ssize_t)PAGE)
		tap_diag("no swap: %s", strerror(errno));
	memset(page, 0, PAGE);
	for (unsigned int i = 0; i < header[1]; i++)
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			break;
	fsync(fd);
	close(fd);
	if (swapon(SWAP, 0) < 0) {
		tap_diag("no swap: %s", strerror(errno));
		unlink(SWAP);
	}
}

static void set_ksm(const char *run)
{
	int fd = open("/sys/kernel/mm/ksm/sleep_millisecs", O_WRONLY | O_CLOEXEC);

	if (write(fd, "1", 1) < 0)
		tap_diag("no KSM");
	close(fd);
	fd = open("/sys/kernel/mm/ksm/run", O_WRONLY | O_CLOEXEC);
	if (write(fd, run, 1) < 0)
		tap_diag("no KSM");
	close(fd);
}

static void prepare(void)
{
	int fd = open(MAILBOX_FILE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (ftruncate(fd, sizeof(struct mailbox)) < 0)
		tap_ok(false, "the mailbox can be made");
	mailbox = mmap(NULL, sizeof(struct mailbox), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	file_bytes = malloc(THIRD * PAGE);
	fill(file_bytes, THIRD * PAGE, 0x123456789abcdefULL);
	make_file(FILE_BACKED, file_bytes, THIRD * PAGE);
	direct_bytes = malloc(16 * PAGE);
	fill(direct_bytes, 16 * PAGE, 0xfedcba987654321ULL);
	make_file(DIRECT, direct_bytes, 16 * PAGE);
	now = malloc(sizeof(*now));
	for (int i = 0; i < CHAIN; i++)
		then[i] = malloc(sizeof(*then[i]));
	seen = malloc(ALL_PAGES * PAGE);
	start_swap();
	set_ksm("1");
}

static void tidy(void)
{
	char image[64];

	set_ksm("0");
	swapoff(SWAP);
	unlink(SWAP);
	unlink(FILE_BACKED);
	unlink(DIRECT);
	unlink(MAILBOX_FILE);
	for (int i = 0; i < CHAIN; i++) {
		snprintf(image, sizeof(image), "/ckpt/selftest-trackers.%d.img", i);
		unlink(image);
	}
}

int main(int argc, char **argv)
{
	static const char *const trackers[] = { "scan", "wp", "soft-dirty", "hash" };
	unsigned long operations = 1200;
	struct timespec t;
	uint64_t seed;
	int c;

	if (argc == 2 && !strcmp(argv[1], "--subject"))
		subject();
	clock_gettime(CLOCK_REALTIME, &t);
	seed = t.tv_sec * 1000000007ULL ^ t.tv_nsec;
	while ((c = getopt(argc, argv, "n:s:")) != -1)
		switch (c) {
		case 'n': operations = strtoul(optarg, NULL, 0); break;
		case 's': seed = strtoull(optarg, NULL, 0); break;
		default: return 2;
		}
	need_checkpoint();
	tap_diag("seed %llu: trackers -s %llu -n %lu does the same again", (unsigned long long)seed,
		 (unsigned long long)seed, operations);
	prepare();
	if (optind == argc)
		for (size_t i = 0; i < sizeof(trackers) / sizeof(trackers[0]); i++)
			property(trackers[i], operations, seed);
	for (int i = optind; i < argc; i++)
		property(argv[i], operations, seed);
	for (int i = 0; i < KINDS; i++)
		tap_diag("%-12s %5lu, %5lu had an effect", kind_names[i], counts[i], took_effect[i]);
	tidy();
	return tap_done();
}
