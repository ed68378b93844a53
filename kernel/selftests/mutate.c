// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "mutate.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "subject.h"
#include "tap.h"

#define GOOD	"/ckpt/selftest-good.img"
#define BAD	"/tmp/selftest-bad.img"

static unsigned char *image;
static size_t size;
static pid_t pid;

void *record(uint32_t type, bool (*fits)(const void *body))
{
	for (size_t at = 0; at + sizeof(struct ckpt_rec) <= size;) {
		struct ckpt_rec *rec = (void *)(image + at);

		if (rec->type == type && (!fits || fits(rec + 1)))
			return rec + 1;
		at += sizeof(*rec) + rec->len;
	}
	return NULL;
}

bool load_image(const char *path, pid_t root)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	pid = root;
	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	size = st.st_size;
	image = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	/* It is no part of a subject that comes later. */
	return image != MAP_FAILED && madvise(image, size, MADV_DONTFORK) == 0;
}

static uint32_t crc32c(uint32_t crc, const unsigned char *p, size_t len)
{
	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return crc;
}

/* Over everything before the trailer but page payload: what is wrong is not to be found by it. */
static void set_checksum(void)
{
	uint32_t crc = ~0U;

	for (size_t at = 0; at + sizeof(struct ckpt_rec) <= size;) {
		struct ckpt_rec *rec = (void *)(image + at);
		uint64_t counted = rec->len;

		if (rec->type == CKPT_REC_TRAILER) {
			((struct ckpt_trailer *)(rec + 1))->crc32c = crc;
			return;
		}
		if (rec->type == CKPT_REC_PAGES)
			counted -= ((struct ckpt_pages *)(rec + 1))->nr_pages * 4096ULL;
		crc = crc32c(crc, (unsigned char *)rec, sizeof(*rec) + counted);
		at += sizeof(*rec) + rec->len;
	}
}

void save_image(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	set_checksum();
	if (write(fd, image, size) != (ssize_t)size)
		tap_diag("%s could not be written", path);
	close(fd);
}

void expect(const char *what, const char *words)
{
	char output[4096];

	save_image(BAD);
	int status = RUN(output, restart_path, "-i", BAD, "--detach");

	unlink(BAD);
	tap_ok(status == 1 && strstr(output, words) && wait_gone(pid), "%s: %s", what, output);
}

static void mutations(bool (*is_about)(uint32_t type), int nr_mutations)
{
	int refused = 0, restarted = 0, silent = 0;
	uint64_t random = 88172645463325252ULL;
	char output[4096];

	for (int i = 0; i < nr_mutations; i++) {
		struct ckpt_rec *rec;
		size_t at = 0, nr = 0, pick;

		for (rec = (void *)image; at + sizeof(*rec) <= size; at += sizeof(*rec) + rec->len) {
			rec = (void *)(image + at);
			nr += is_about(rec->type);
		}
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		pick = random % nr;
		for (at = 0;; at += sizeof(*rec) + rec->len) {
			rec = (void *)(image + at);
			if (is_about(rec->type) && !pick--)
				break;
		}
		unsigned char *byte = (unsigned char *)(rec + 1) + (random >> 20) % rec->len, good = *byte;

		*byte ^= 1 << (random >> 56) % 8;
		save_image(BAD);
		*byte = good;
		if (RUN(output, restart_path, "-i", BAD, "--detach") == 0) {
			restarted++;
			kill(pid, SIGKILL);
		} else {
			refused++;
			silent += !output[0];
		}
		if (!wait_gone(pid)) {
			tap_ok(false, "nobody is left after byte %zd", byte - image);
			return;
		}
	}
	tap_ok(refused && !silent, "%d mutations: %d refused in words, %d restarted", nr_mutations, refused, restarted);
}

void mutate_round(const char *name, void (*body)(void), void (*damage)(void), bool (*is_about)(uint32_t type),
		  int nr_mutations)
{
	struct subject s;

	if (!subject_start(&s, name, body))
		return;
	if (subject_checkpoint(&s, GOOD, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid) &&
	    load_image(GOOD, s.pid)) {
		damage();
		mutations(is_about, nr_mutations);
		munmap(image, size);
	}
	if (subject_restart(&s, GOOD, NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(GOOD);
}
