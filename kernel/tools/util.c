// SPDX-License-Identifier: Apache-2.0
/* What all three commands need: errors, ids, whole reads. */
#define _GNU_SOURCE
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *progname = "checkpoint";
void (*at_failure)(void);

static void vcomplain(const char *fmt, va_list ap)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", progname);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vcomplain(fmt, ap);
	va_end(ap);
}

void die(const char *fmt, ...)
{
	void (*cleanup)(void) = at_failure;
	va_list ap;

	va_start(ap, fmt);
	vcomplain(fmt, ap);
	va_end(ap);
	at_failure = NULL;
	if (cleanup)
		cleanup();
	exit(1);
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		die("out of memory (%zu x %zu bytes)", n, size);
	return p;
}

char *xasprintf(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		die("out of memory");
	return text;
}

long parse_number(const char *text, long max, const char *what)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < 1 || n > max)
		die("%s \"%s\" is not a number from 1 to %ld", what, text, max);
	return n;
}

ssize_t read_whole(int fd, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (char *)buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += n;
	}
	return done;
}

const char *id_text(const uint8_t id[CKPT_ID_BYTES], char text[ID_TEXT_BYTES])
{
	for (int i = 0; i < CKPT_ID_BYTES; i++)
		sprintf(text + 2 * i, "%02x", id[i]);
	return text;
}

bool id_is_zero(const uint8_t id[CKPT_ID_BYTES])
{
	static const uint8_t zero[CKPT_ID_BYTES];

	return memcmp(id, zero, sizeof(zero)) == 0;
}

void comm_of(pid_t pid, char comm[64])
{
	char path[64];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read_whole(fd, comm, 63);
		close(fd);
	}
	comm[n > 0 ? n : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	if (!comm[0])
		strcpy(comm, "?");
}

int list_dir(int dir, struct dirent ***entries, int (*compare)(const struct dirent **, const struct dirent **))
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	return scandir(path, entries, NULL, compare);
}
