// SPDX-License-Identifier: Apache-2.0
/*
 * Holds a file open that has no name any more, and rewrites its records. A
 * record says which it is and of which generation. The file may be newer than
 * this process's memory (a restore from an older checkpoint), never older.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_WORDS	512

struct record {
	uint64_t index;
	uint64_t generation;
	uint64_t words[RECORD_WORDS - 2];
};

static int fd;
/* Of a record; smaller than a struct record if the whole file is. */
static size_t record_bytes = sizeof(struct record);
static bool copy_is_right;
static uint64_t *remembered;
static long nr_records;
static struct stat first, last;

static bool fail(const char *doing)
{
	lab_say("%s: %s", doing, strerror(errno));
	return false;
}

static uint64_t seed_of(uint64_t index, uint64_t generation)
{
	return lab_mix(index << 40 ^ generation) ^ (uint64_t)first.st_ino;
}

static bool read_record(long index, struct record *record)
{
	if (pread(fd, record, record_bytes, index * record_bytes) != (ssize_t)record_bytes)
		return fail("read");
	if (record->index != (uint64_t)index || record->generation < remembered[index] ||
	    !lab_filled(record->words, record_bytes / 8 - 2, seed_of(index, record->generation))) {
		lab_say("record %ld is wrong: index %llu, generation %llu, remembered %llu", index,
			(unsigned long long)record->index, (unsigned long long)record->generation,
			(unsigned long long)remembered[index]);
		return false;
	}
	remembered[index] = record->generation;
	return true;
}

static bool write_record(long index, uint64_t generation)
{
	struct record record = { .index = index, .generation = generation };

	lab_fill(record.words, RECORD_WORDS - 2, seed_of(index, generation));
	if (pwrite(fd, &record, record_bytes, index * record_bytes) != (ssize_t)record_bytes)
		return fail("write");
	remembered[index] = generation;
	return true;
}

static void look_at_links(void)
{
	struct stat now;

	if (fstat(fd, &now) < 0)
		return;
	if (last.st_nlink && !now.st_nlink)
		lab_say("inode %llu has been unlinked; fd %d holds on to it", (unsigned long long)now.st_ino, fd);
	else if (last.st_nlink != now.st_nlink)
		lab_say("inode %llu has %lu links now, %lu before", (unsigned long long)now.st_ino,
			(unsigned long)now.st_nlink, (unsigned long)last.st_nlink);
	last = now;
}

static void verify(void)
{
	struct record record;
	struct stat now;
	long bad = 0;

	if (fstat(fd, &now) < 0) {
		lab_verdict(false, "fd %d: %s", fd, strerror(errno));
		return;
	}
	for (long i = 0; i < nr_records; i++)
		bad += !read_record(i, &record);
	bool same = now.st_ino == first.st_ino && now.st_dev == first.st_dev;

	lab_verdict((same || copy_is_right) && now.st_size == first.st_size && !bad,
		    "%s, fd %d inode %llu (was %llu) nlink %lu size %lld, %ld records, %ld wrong",
		    same ? "the same file" : "a copy", fd, (unsigned long long)now.st_ino,
		    (unsigned long long)first.st_ino, (unsigned long)now.st_nlink, (long long)now.st_size, nr_records, bad);
}

int main(int argc, char **argv)
{
	long size_mib = 4, kib = 0, rate = 100;
	const char *dir = "/data";
	bool unlink_it = false;
	const struct lab_option options[] = {
		{ "--dir", "where the file is made (/data)", .word = &dir },
		{ "--size", "of the file, in MiB (4)", .number = &size_mib, .min = 1, .max = 65536 },
		{ "--kib", "of the file, in KiB, instead", .number = &kib, .min = 1, .max = 1 << 26 },
		{ "--copy", "a copy of the file is right, too: another inode", .flag = &copy_is_right },
		{ "--rate", "records rewritten a second (100)", .number = &rate, .min = 1, .max = 10000 },
		{ "--unlink", "unlink the file; else somebody else may", .flag = &unlink_it },
		{ },
	};
	uint64_t written = 0, bad = 0;
	char path[4096];

	lab_start("unlinked-holder", "Holds a file open that has no name, and can tell whether it is still the same one.",
		  options, argc, argv);
	snprintf(path, sizeof(path), "%s/unlinked-holder.%d", dir, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (!kib)
		kib = size_mib << 10;
	if (kib < 4)
		record_bytes = kib << 10;
	nr_records = (kib << 10) / record_bytes;
	remembered = calloc(nr_records, sizeof(*remembered));
	if (fd < 0 || !remembered || fstat(fd, &first) < 0) {
		fprintf(stderr, "unlinked-holder: %s: %s\n", path, strerror(errno));
		return 1;
	}
	for (long i = 0; i < nr_records; i++)
		if (!write_record(i, 1))
			return 1;
	fstat(fd, &first);
	last = first;
	lab_say("file %s fd %d inode %llu size %lld", path, fd, (unsigned long long)first.st_ino, (long long)first.st_size);
	if (unlink_it && unlink(path) < 0)
		fail("unlink");
	for (;;) {
		struct record record;
		long index = lab_mix(written++) % nr_records;

		lab_beat(rate);
		if (!read_record(index, &record) || !write_record(index, remembered[index] + 1))
			bad++;
		if (lab_progress_due()) {
			look_at_links();
			lab_say("%llu records rewritten, %llu wrong; inode %llu nlink %lu", (unsigned long long)written,
				(unsigned long long)bad, (unsigned long long)last.st_ino, (unsigned long)last.st_nlink);
		}
		if (lab_verify_due())
			verify();
	}
}
