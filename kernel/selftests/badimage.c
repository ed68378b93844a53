// SPDX-License-Identifier: Apache-2.0
/* Truncated, flipped and foreign images end in an error that says where; nothing else happens. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-bad.img"
#define BAD	"/tmp/selftest-bad.img"
#define FLIPS	200

static void body(void)
{
	char *p = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 5, 64 * 4096);
	pause_here();
}

static void write_bad(const void *data, size_t len)
{
	int fd = open(BAD, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (write(fd, data, len) != (ssize_t)len)
		tap_diag("the bad image could not be written");
	close(fd);
}

/* It must fail, say something, and leave nobody. */
static bool fails(char output[4096], pid_t pid)
{
	int status = run_command(output, 4096, (const char *const[]){ restart_path, "-i", BAD, "--detach", NULL });

	return status == 1 && output[0] && wait_gone(pid);
}

int main(void)
{
	char output[4096];
	struct subject s;
	struct stat st;

	need_checkpoint();
	if (!subject_start(&s, "bad", body) || !subject_checkpoint(&s, IMAGE, NULL))
		return tap_done();

	/* While it lives, its pid is in use. */
	tap_ok(RUN(output, restart_path, "-i", IMAGE, "--detach") == 1 && strstr(output, "in use"), "a pid in use is named: %s",
	       output);
	subject_end(&s);

	int fd = open(IMAGE, O_RDONLY | O_CLOEXEC);

	fstat(fd, &st);
	unsigned char *image = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	int cuts = 0, refused = 0, located = 0;

	for (uint64_t at = 0; at + sizeof(struct ckpt_rec) <= (uint64_t)st.st_size;) {
		const struct ckpt_rec *rec = (void *)(image + at);

		write_bad(image, at);
		cuts++;
		if (fails(output, s.pid))
			refused++;
		else
			tap_diag("cut at %llu: %s", (unsigned long long)at, output);
		located += strstr(output, "offset") || strstr(output, "truncated") || strstr(output, "empty");
		at += sizeof(*rec) + rec->len;
	}
	tap_ok(cuts && refused == cuts, "cut at %d record boundaries: %d refused", cuts, refused);
	tap_ok(located == cuts, "%d of them say where", located);

	refused = 0;
	for (int i = 0; i < FLIPS; i++) {
		/* Payload is not covered by the checksum; everything else is, so stay near record heads. */
		uint64_t want = (uint64_t)i * 2654435761u % st.st_size, at = 0;

		for (;;) {
			const struct ckpt_rec *rec = (void *)(image + at);

			if (at + sizeof(*rec) + rec->len > want || rec->type == CKPT_REC_TRAILER)
				break;
			at += sizeof(*rec) + rec->len;
		}
		at += (uint32_t)i * 7 % (sizeof(struct ckpt_rec) + 8);
		image[at] ^= 1 << i % 8;
		write_bad(image, st.st_size);
		image[at] ^= 1 << i % 8;
		if (fails(output, s.pid))
			refused++;
		else
			tap_diag("bit %d of byte %llu flipped: %s", i % 8, (unsigned long long)at, output);
	}
	tap_ok(refused == FLIPS, "%d of %d flipped bits are refused", refused, FLIPS);

	uint64_t end = st.st_size, trailer = end - sizeof(struct ckpt_rec) - sizeof(struct ckpt_trailer);

	refused = 0;
	for (uint64_t at = trailer; at < end; at++) {
		image[at] ^= 1 << at % 8;
		write_bad(image, end);
		image[at] ^= 1 << at % 8;
		if (fails(output, s.pid))
			refused++;
		else
			tap_diag("byte %llu of the trailer: %s", (unsigned long long)(at - trailer), output);
	}
	tap_ok(refused == (int)(end - trailer), "%d of the trailer's %d bytes matter", refused, (int)(end - trailer));

	struct ckpt_header *header = (void *)(image + sizeof(struct ckpt_rec));

	header->version++;
	write_bad(image, st.st_size);
	tap_ok(fails(output, s.pid) && strstr(output, "version"), "another version: %s", output);
	header->version--;
	header->magic++;
	write_bad(image, st.st_size);
	tap_ok(fails(output, s.pid), "another magic: %s", output);
	header->magic--;

	/* And the good one still works. */
	write_bad(image, st.st_size);
	if (subject_restart(&s, BAD, NULL))
		subject_finish(&s);
	unlink(BAD);
	unlink(IMAGE);
	return tap_done();
}
