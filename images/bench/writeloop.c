// SPDX-License-Identifier: Apache-2.0
/*
 * writeloop MIB MS READY RESULT: write one byte to each page, over and over.
 * Makes the file READY when it begins to count, and after MS milliseconds the
 * file RESULT: pages written, nanoseconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"

static void say(const char *path, const char *text, int n)
{
	char part[4096];
	int fd;

	snprintf(part, sizeof(part), "%s.part", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, n) < 0 || close(fd) < 0 || rename(part, path) < 0)
		_exit(1);
}

int main(int argc, char **argv)
{
	unsigned long long pages = 0;
	uint64_t start, span;
	char text[64];
	size_t bytes;
	char *at;

	if (argc != 5) {
		fprintf(stderr, "usage: writeloop MIB MS READY RESULT\n");
		return 2;
	}
	bytes = strtoul(argv[1], NULL, 10) << 20;
	span = strtoul(argv[2], NULL, 10) * 1000000ull;
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return 1;
	madvise(at, bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < bytes; i += 4096)
		at[i] = 1;
	say(argv[3], "ready", 5);
	start = now_ns();
	while (now_ns() - start < span)
		for (size_t i = 0; i < bytes; i += 4096, pages++)
			((volatile char *)at)[i]++;
	say(argv[4], text, snprintf(text, sizeof(text), "%llu %llu", pages, (unsigned long long)(now_ns() - start)));
	pause();
	return 0;
}
