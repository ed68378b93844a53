// SPDX-License-Identifier: Apache-2.0
/*
 * limit dump|restore MIB FILE: how fast could it be? The same bytes to (or
 * from) the same place, without anything else, by each of the ways there are;
 * says the nanoseconds of each: {"write":N,"splice":N,"copy":N}.
 *	write, read	the system calls, 1 MiB at a time
 *	splice		vmsplice() into a pipe and splice() out of it
 *	copy		sendfile(): the kernel copies from page cache to page cache
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"

#define CHUNK	(1 << 20)

static size_t bytes;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
	exit(1);
}

static char *memory(bool filled)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at != MAP_FAILED, "mmap");
	madvise(at, bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; filled && i < bytes; i += sizeof(long))
		*(long *)(at + i) = i * 0x9e3779b97f4a7c15ul | 1;
	return at;
}

static int fresh(const char *path)
{
	int fd;

	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	must(fd >= 0, path);
	return fd;
}

static uint64_t by_write(const char *path, char *from)
{
	int fd = fresh(path);
	uint64_t start = now_ns();

	for (size_t at = 0; at < bytes; at += CHUNK)
		must(write(fd, from + at, CHUNK) == CHUNK, "write");
	start = now_ns() - start;
	close(fd);
	return start;
}

static uint64_t by_splice(const char *path, char *from)
{
	int fd = fresh(path), ends[2];
	uint64_t start;
	size_t room;

	must(pipe(ends) == 0, "pipe");
	must(fcntl(ends[1], F_SETPIPE_SZ, CHUNK) >= 0, "F_SETPIPE_SZ");
	room = fcntl(ends[1], F_GETPIPE_SZ);
	start = now_ns();
	for (size_t at = 0; at < bytes;) {
		struct iovec iov = { from + at, bytes - at < room ? bytes - at : room };
		ssize_t in = vmsplice(ends[1], &iov, 1, 0);

		must(in > 0, "vmsplice");
		at += in;
		while (in > 0) {
			ssize_t out = splice(ends[0], NULL, fd, NULL, in, 0);

			must(out > 0, "splice");
			in -= out;
		}
	}
	start = now_ns() - start;
	close(fd);
	close(ends[0]);
	close(ends[1]);
	return start;
}

static uint64_t by_copy(const char *path, int from)
{
	int fd = fresh(path);
	uint64_t start = now_ns();
	off_t at = 0;

	while (at < (off_t)bytes)
		must(sendfile(fd, from, &at, bytes - at) > 0, "sendfile");
	start = now_ns() - start;
	close(fd);
	return start;
}

/* Into memory that was never touched, as a restore does. */
static uint64_t by_read(const char *path)
{
	char *to = memory(false);
	int fd = open(path, O_RDONLY);
	uint64_t start;

	must(fd >= 0, path);
	start = now_ns();
	for (size_t at = 0; at < bytes; at += CHUNK)
		must(read(fd, to + at, CHUNK) == CHUNK, "read");
	start = now_ns() - start;
	close(fd);
	munmap(to, bytes);
	return start;
}

/* The kernel copies each page as it is first written: no copy through a system call. */
static uint64_t by_private_map(const char *path)
{
	int fd = open(path, O_RDONLY);
	uint64_t start;
	char *map;

	must(fd >= 0, path);
	start = now_ns();
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	must(map != MAP_FAILED, "mmap");
	must(madvise(map, bytes, MADV_POPULATE_WRITE) == 0, "MADV_POPULATE_WRITE");
	start = now_ns() - start;
	close(fd);
	munmap(map, bytes);
	return start;
}

int main(int argc, char **argv)
{
	const char *path;
	char *from;

	if (argc != 4 || (strcmp(argv[1], "dump") && strcmp(argv[1], "restore"))) {
		fprintf(stderr, "usage: limit dump|restore MIB FILE\n");
		return 2;
	}
	bytes = strtoul(argv[2], NULL, 10) << 20;
	path = argv[3];
	from = memory(true);
	if (!strcmp(argv[1], "dump")) {
		uint64_t write_ns = by_write(path, from), splice_ns = by_splice(path, from), copy_ns;
		int source = memfd_create("limit", 0);

		must(source >= 0, "memfd_create");
		for (size_t at = 0; at < bytes; at += CHUNK)
			must(write(source, from + at, CHUNK) == CHUNK, "write");
		copy_ns = by_copy(path, source);
		printf("{\"write\":%llu,\"splice\":%llu,\"copy\":%llu}\n", (unsigned long long)write_ns,
		       (unsigned long long)splice_ns, (unsigned long long)copy_ns);
	} else {
		uint64_t read_ns, map_ns;

		by_write(path, from);
		munmap(from, bytes);
		read_ns = by_read(path);
		map_ns = by_private_map(path);
		printf("{\"read\":%llu,\"copy\":%llu}\n", (unsigned long long)read_ns, (unsigned long long)map_ns);
	}
	unlink(path);
	return 0;
}
