// SPDX-License-Identifier: Apache-2.0
/*
 * writeloop MIB FILE: write one byte to each page, over and over. Makes FILE
 * when the pages are there. SIGUSR2: count from now on; SIGUSR1: put into FILE
 * how many pages were written since, and the nanoseconds on a CPU that took.
 * What it stands still meanwhile is not in them; faults are.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

static volatile sig_atomic_t begin, report;

static void on_signal(int sig)
{
	if (sig == SIGUSR2)
		begin = 1;
	else
		report = 1;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void say(const char *path, const char *text)
{
	char part[4096];
	int fd;

	snprintf(part, sizeof(part), "%s.part", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0 || rename(part, path) < 0)
		_exit(1);
}

int main(int argc, char **argv)
{
	unsigned long long pages = 0;
	uint64_t start = 0;
	char text[64];
	size_t bytes;
	char *at;

	if (argc != 3) {
		fprintf(stderr, "usage: writeloop MIB FILE\n");
		return 2;
	}
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	bytes = strtoul(argv[1], NULL, 10) << 20;
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return 1;
	madvise(at, bytes, MADV_NOHUGEPAGE);
	memset(at, 1, bytes);
	say(argv[2], "ready");
	for (;;) {
		if (begin) {
			begin = 0;
			pages = 0;
			start = cpu_ns();
			say(argv[2], "begun");
		}
		if (report) {
			report = 0;
			snprintf(text, sizeof(text), "%llu %llu", pages, (unsigned long long)(cpu_ns() - start));
			say(argv[2], text);
		}
		for (size_t i = 0; i < bytes; i += 4096, pages++)
			((volatile char *)at)[i]++;
	}
}
