// SPDX-License-Identifier: Apache-2.0
/*
 * Hostile images: mutations of a real one that know its structure, each given
 * to restart(2). It must be refused in words or restart, nobody may be left
 * of it, and the kernel's memory may not grow.
 *
 *	fuzz [COUNT [SEED]]
 */
/* covers: Robustness | mutated images (npm run fuzz) | refused in words, or restarted */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/checkpoint.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "everything.h"
#include "leaks.h"
#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-fuzz.img"
#define BAD	"/tmp/selftest-fuzz.img"
#define COUNT	150
#define LOOK_EVERY	50
#define MAX_RECORDS	20000
/* No type of record is as large, the trailer's excepted. */
#define MAX_TYPE	128

/* ---- mutations ---- */

static unsigned char *image, *mutant;
static size_t size, mutant_size;
static size_t at[MAX_RECORDS];
static int nr_records;
static uint64_t state;

static uint64_t chance(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dULL >> 16;
}

static uint32_t crc_table[256];

static uint32_t crc32c(uint32_t crc, const unsigned char *p, size_t len)
{
	if (!crc_table[1])
		for (int i = 0; i < 256; i++) {
			crc_table[i] = i;
			for (int bit = 0; bit < 8; bit++)
				crc_table[i] = crc_table[i] >> 1 ^ (crc_table[i] & 1 ? 0x82f63b78 : 0);
		}
	while (len--)
		crc = crc >> 8 ^ crc_table[(crc ^ *p++) & 0xff];
	return crc;
}

static struct ckpt_rec *record_at(unsigned char *from, size_t offset, size_t limit)
{
	struct ckpt_rec *rec = (void *)(from + offset);

	if (offset + sizeof(*rec) > limit || rec->len > limit - offset - sizeof(*rec))
		return NULL;
	return rec;
}

static void index_records(void)
{
	struct ckpt_rec *rec;

	for (size_t offset = 0; nr_records < MAX_RECORDS && (rec = record_at(image, offset, size));
	     offset += sizeof(*rec) + rec->len)
		at[nr_records++] = offset;
}

/* The totals are made right, so that what is wrong is not found by them. */
static void set_trailer(void)
{
	uint32_t crc = ~0U, records = 0;
	uint64_t pages = 0;
	struct ckpt_rec *rec;

	for (size_t offset = 0; (rec = record_at(mutant, offset, mutant_size)); offset += sizeof(*rec) + rec->len) {
		uint64_t counted = rec->len;

		records++;
		if (rec->type == CKPT_REC_TRAILER && rec->len == sizeof(struct ckpt_trailer)) {
			struct ckpt_trailer *t = (void *)(rec + 1);

			*t = (struct ckpt_trailer){ offset + sizeof(*rec) + sizeof(*t), pages, crc, records };
			return;
		}
		if (rec->type == CKPT_REC_PAGES && rec->len >= sizeof(struct ckpt_pages)) {
			uint64_t payload = ((struct ckpt_pages *)(rec + 1))->nr_pages * 4096ULL;

			if (payload <= counted) {
				counted -= payload;
				pages += payload / 4096;
			}
		}
		crc = crc32c(crc, (unsigned char *)rec, sizeof(*rec) + counted);
	}
}

/* Page payload is any memory; what stands before it matters. */
static size_t interesting_bytes(const struct ckpt_rec *rec)
{
	if (rec->type == CKPT_REC_PAGES)
		return rec->len < 64 ? rec->len : 64;
	return rec->len;
}

/* Every type of record with the same chance, for most are mappings. */
static int pick(void)
{
	for (;;) {
		uint32_t type = chance() % MAX_TYPE;
		int nr = 0, nth;

		for (int i = 0; i < nr_records; i++)
			nr += ((struct ckpt_rec *)(image + at[i]))->type == type;
		if (!nr)
			continue;
		nth = chance() % nr;
		for (int i = 0; i < nr_records; i++)
			if (((struct ckpt_rec *)(image + at[i]))->type == type && !nth--)
				return i;
	}
}

static uint64_t odd_value(void)
{
	static const uint64_t values[] = {
		0, 1, 2, 0x7f, 0xff, 0x1000, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffff,
		0x800000000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0xfffffffffffff000,
	};

	return values[chance() % (sizeof(values) / sizeof(values[0]))];
}

static void in_field(struct ckpt_rec *rec)
{
	unsigned char *body = (unsigned char *)(rec + 1);
	size_t len = interesting_bytes(rec);
	uint64_t value = odd_value();

	if (!len)
		return;
	if (chance() % 3 == 0) {
		body[chance() % len] ^= 1 << chance() % 8;
	} else if (len >= 4) {
		size_t width = len >= 8 && chance() % 2 ? 8 : 4, where = chance() % (len / width) * width;

		if (chance() % 3 == 0) {
			/* An objref, or any number, of another place. */
			struct ckpt_rec *other = (void *)(image + at[pick()]);

			if (interesting_bytes(other) >= 8)
				memcpy(&value, (char *)(other + 1) + chance() % (interesting_bytes(other) / 8) * 8, 8);
		}
		memcpy(body + where, &value, width);
	}
}

static void replace(size_t offset, size_t remove, const void *insert, size_t len)
{
	memmove(mutant + offset + len, mutant + offset + remove, mutant_size - offset - remove);
	memcpy(mutant + offset, insert, len);
	mutant_size += len - remove;
}

static const char *mutate(uint32_t *type)
{
	int i = pick(), other = pick();
	struct ckpt_rec *rec;
	size_t whole;

	mutant_size = size;
	memcpy(mutant, image, size);
	rec = (void *)(mutant + at[i]);
	whole = sizeof(*rec) + rec->len;
	*type = rec->type;
	switch (chance() % 16) {
	case 0:
		rec->type = chance() % MAX_TYPE;
		return "another type";
	case 1:
		rec->objref = chance() % 2 ? ((struct ckpt_rec *)(image + at[other]))->objref : odd_value();
		return "another objref";
	case 2:
		rec->len = chance() % 2 ? odd_value() : rec->len + 8 - chance() % 16;
		return "another length";
	case 3:
		replace(at[i], whole, "", 0);
		return "removed";
	case 4:
		replace(at[i], 0, image + at[i], whole);
		return "twice";
	case 5: {
		const struct ckpt_rec *from = (void *)(image + at[other]);

		replace(at[i], 0, from, sizeof(*from) + from->len);
		return "another before it";
	}
	case 6:
		mutant_size = at[i] + chance() % whole;
		return "cut off";
	case 7:
		if (rec->len >= 8) {
			rec->len -= 8;
			replace(at[i] + whole - 8, 8, "", 0);
		}
		return "shorter";
	case 8: {
		uint64_t more = odd_value();

		rec->len += 8;
		replace(at[i] + whole, 0, &more, 8);
		return "longer";
	}
	case 9:
	case 10:
		in_field(rec);
		in_field(rec);
		in_field((void *)(mutant + at[other]));
		return "several fields";
	default:
		in_field(rec);
		return "a field";
	}
}

static bool save(void)
{
	int fd = open(BAD, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool good = fd >= 0 && write(fd, mutant, mutant_size) == (ssize_t)mutant_size;

	close(fd);
	return good;
}

static bool load(void)
{
	struct stat st;
	int fd = open(IMAGE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	size = st.st_size;
	image = malloc(size);
	mutant = malloc(2 * size + 4096);
	if (!image || !mutant || read(fd, image, size) != (ssize_t)size)
		return false;
	close(fd);
	index_records();
	return nr_records > 20;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static pid_t before[MAX_PIDS], tree[MAX_PIDS];
static int nr_before, nr_tree;

static bool was_before(pid_t pid)
{
	for (int i = 0; i < nr_before; i++)
		if (before[i] == pid)
			return true;
	return pid == getpid();
}

/* The pids that the image has, while they live. */
static void note_tree(void)
{
	int nr = user_tasks(tree);

	for (int i = 0; i < nr; i++)
		if (!was_before(tree[i]))
			tree[nr_tree++] = tree[i];
}

static void fuzz(int count, uint64_t seed)
{
	int refused = 0, restarted = 0, silent = 0;
	long kib = 0, longest_ms = 0;
	uint64_t longest = seed;
	char output[8192];

	for (int i = 0; i < count; i++) {
		const char *how;
		uint32_t type;
		long begun, ms;
		int status;

		/* Each by its own number, so that one can be made again. */
		state = (seed + i) * 0x9e3779b97f4a7c15ULL | 1;
		chance();
		how = mutate(&type);
		set_trailer();
		if (!save()) {
			tap_ok(false, "mutant %d can be written", i);
			return;
		}
		begun = now_ms();
		status = RUN(output, restart_path, "-i", BAD, "--detach", "--keep");
		ms = now_ms() - begun;
		if (ms > longest_ms) {
			longest_ms = ms;
			longest = seed + i;
		}
		if (status == 0) {
			restarted++;
		} else {
			refused++;
			if (!output[0] || status != 1) {
				silent++;
				tap_diag("seed %llu, a record of type %u, %s: exit %d: %s", (unsigned long long)seed + i, type,
					 how, status, output);
			}
		}
		/* All who are there are looked through now and then: that takes as long as a restart. */
		if (!end_all(tree, nr_tree) || ((i % LOOK_EVERY == 0 || i == count - 1) && !only(before, nr_before))) {
			tap_ok(false, "nobody is left of seed %llu (a record of type %u, %s), or of one a little before",
			       (unsigned long long)seed + i, type, how);
			return;
		}
		/* Once caches and pools have what they need. */
		if (i == count / 4)
			kib = kernel_kib();
	}
	long growth = kernel_kib() - kib;

	tap_diag("longest: seed %llu, %ld ms", (unsigned long long)longest, longest_ms);
	/* Some change nothing that matters; if none restarts, something else is in their way. */
	tap_ok(refused && !silent && (restarted || count < 50), "%d mutants from seed %llu on: %d refused in words, %d restarted", count,
	       (unsigned long long)seed, refused, restarted);
	tap_ok(growth < MAX_GROWTH_KIB, "memory of the kernel: %ld KiB more", growth);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : COUNT;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	struct subject s;

	need_checkpoint();
	nr_before = user_tasks(before);
	if (!subject_start(&s, "fuzz", everything))
		return tap_done();
	note_tree();
	if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid)) {
		tap_ok(load(), "an image with %d records", nr_records);
		/* As it is, it restarts. */
		subject_restart(&s, IMAGE, (const char *const[]){ "--keep", NULL });
		if (only(before, nr_before))
			fuzz(count, seed);
		else
			tap_ok(false, "nobody is left of the image itself");
	}
	subject_end(&s);
	unlink(IMAGE);
	unlink(BAD);
	everything_clean_up();
	return tap_done();
}
