// SPDX-License-Identifier: Apache-2.0
/* Memory that is swapped out when a checkpoint comes: full, live, increments, and after a lazy restart. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

#define PAGE		4096UL
#define PAGES		2048UL
#define MEMORY		((char *)0x10000000000UL)
#define POKED		700UL		/* the test writes to so many pages from here on */
#define POKED_PAGES	5UL
#define SWAP		"/data/selftest-swap.file"
#define SWAP_PAGES	8192U
#define MOSTLY_KIB	(PAGES * 4 * 3 / 4)

static bool poked;	/* set before a subject starts: what it will find in the end */

static void fill_page(uint64_t *at, uint64_t seed)
{
	for (unsigned int i = 0; i < 512; i++)
		at[i] = seed << 16 | i;
}

static size_t wrong(size_t from, size_t pages, uint64_t seed)
{
	size_t n = 0;

	for (size_t i = from; i < from + pages; i++) {
		const uint64_t *at = (const uint64_t *)(MEMORY + i * PAGE);
		unsigned int j = 0;

		while (j < 512 && at[j] == ((seed + i) << 16 | j))
			j++;
		n += j < 512;
	}
	return n;
}

static void body(void)
{
	if (mmap(MEMORY, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
	    MEMORY)
		verify(false, "mmap: %s", strerror(errno));
	for (size_t i = 0; i < PAGES; i++)
		fill_page((uint64_t *)(MEMORY + i * PAGE), 1000 + i);
	pause_here();
	verify(!wrong(0, POKED, 1000) && !wrong(POKED + POKED_PAGES, PAGES - POKED - POKED_PAGES, 1000),
	       "pages that were swapped out");
	verify(!wrong(POKED, POKED_PAGES, poked ? 50000 : 1000), "pages among them that %s",
	       poked ? "were written to after the first image" : "were as they are");
}

static unsigned long swapped_kib(pid_t pid)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmSwap: %lu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* The kernel leaves some of them where they are, for a while. */
static bool swap_out(pid_t pid, unsigned long least_kib, const char *when)
{
	struct iovec all = { .iov_base = MEMORY, .iov_len = PAGES * PAGE };
	int fd = syscall(SYS_pidfd_open, pid, 0);
	unsigned long kib = 0;

	for (int tries = 0; tries < 500 && kib < least_kib; tries++) {
		if (syscall(SYS_process_madvise, fd, &all, 1, MADV_PAGEOUT, 0) < 0) {
			tap_diag("process_madvise: %s", strerror(errno));
			break;
		}
		kib = swapped_kib(pid);
		if (kib < least_kib)
			usleep(20000);
	}
	close(fd);
	tap_ok(kib >= least_kib, "%s: %lu KiB are swapped out", when, kib);
	return kib >= least_kib;
}

static bool poke(pid_t pid)
{
	uint64_t page[512];
	char path[64];
	bool good = true;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (size_t i = POKED; i < POKED + POKED_PAGES; i++) {
		fill_page(page, 50000 + i);
		good &= pwrite(fd, page, PAGE, (off_t)(uintptr_t)(MEMORY + i * PAGE)) == (ssize_t)PAGE;
	}
	close(fd);
	if (!good)
		tap_ok(false, "memory can be written to from outside: %s", strerror(errno));
	return good;
}

static const char *const lazy[] = { "--lazy", NULL };

/* One image of what is swapped out, and back from it. */
static void one_image(const char *name, const char *const *how)
{
	char image[64];
	struct subject s;

	snprintf(image, sizeof(image), "/ckpt/selftest-swap-%s.img", name);
	poked = false;
	if (!subject_start(&s, name, body))
		return;
	if (swap_out(s.pid, MOSTLY_KIB, name) && subject_checkpoint(&s, image, how)) {
		/* A live one leaves it running. */
		kill(s.pid, SIGKILL);
		if (wait_gone(s.pid) && subject_restart(&s, image, NULL))
			subject_finish(&s);
	}
	subject_end(&s);
	unlink(image);
}

/* An image, some pages written to, all swapped out again, an increment; and back from that. */
static void increment(const char *tracker)
{
	const char *const first[] = { "--tracker", tracker, NULL };
	const char *const second[] = { "--tracker", tracker, "--parent", "/ckpt/selftest-swap.0.img", NULL };
	char name[64];
	struct subject s;

	snprintf(name, sizeof(name), "increment-%s", tracker);
	poked = true;
	if (!subject_start(&s, name, body))
		return;
	if (swap_out(s.pid, MOSTLY_KIB, name) && subject_checkpoint(&s, "/ckpt/selftest-swap.0.img", first) &&
	    swap_out(s.pid, MOSTLY_KIB, name) && poke(s.pid) && swap_out(s.pid, MOSTLY_KIB, name) &&
	    subject_checkpoint(&s, "/ckpt/selftest-swap.1.img", second)) {
		kill(s.pid, SIGKILL);
		if (wait_gone(s.pid) && subject_restart(&s, "/ckpt/selftest-swap.1.img", NULL))
			subject_finish(&s);
	}
	subject_end(&s);
	unlink("/ckpt/selftest-swap.0.img");
	unlink("/ckpt/selftest-swap.1.img");
}

/* Some of it has come from the image and is swapped out, some has not come. */
static void after_lazy(void)
{
	static const char *const second[] = { "--parent", "/ckpt/selftest-swap.0.img", NULL };
	struct subject s;

	poked = true;
	if (!subject_start(&s, "lazy", body))
		return;
	if (swap_out(s.pid, MOSTLY_KIB, "lazy") &&
	    subject_checkpoint(&s, "/ckpt/selftest-swap.0.img", (const char *const[]){ "--kill", NULL }) &&
	    wait_gone(s.pid) && subject_restart(&s, "/ckpt/selftest-swap.0.img", lazy) && poke(s.pid) &&
	    swap_out(s.pid, POKED_PAGES * 4, "after a lazy restart") &&
	    subject_checkpoint(&s, "/ckpt/selftest-swap.1.img", second)) {
		kill(s.pid, SIGKILL);
		if (wait_gone(s.pid) && subject_restart(&s, "/ckpt/selftest-swap.1.img", lazy))
			subject_finish(&s);
	}
	subject_end(&s);
	unlink("/ckpt/selftest-swap.0.img");
	unlink("/ckpt/selftest-swap.1.img");
}

static bool start_swap(void)
{
	uint32_t header[3] = { 1, SWAP_PAGES - 1, 0 };
	unsigned char page[PAGE] = { };
	int fd = open(SWAP, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = true;

	for (unsigned int i = 0; i < SWAP_PAGES && good; i++)
		good = write(fd, page, PAGE) == (ssize_t)PAGE;
	memcpy(page + 1024, header, sizeof(header));
	memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
	good = good && pwrite(fd, page, PAGE, 0) == (ssize_t)PAGE && fsync(fd) == 0;
	close(fd);
	good = good && swapon(SWAP, 0) == 0;
	tap_ok(good, "a swap file can be had: %s", strerror(good ? 0 : errno));
	return good;
}

int main(void)
{
	static const char *const trackers[] = { "scan", "wp", "soft-dirty", "hash" };

	need_checkpoint();
	if (start_swap()) {
		one_image("full", (const char *const[]){ "--kill", NULL });
		one_image("live", (const char *const[]){ "--live", NULL });
		for (size_t i = 0; i < sizeof(trackers) / sizeof(trackers[0]); i++)
			increment(trackers[i]);
		after_lazy();
	}
	swapoff(SWAP);
	unlink(SWAP);
	return tap_done();
}
