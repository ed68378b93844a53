// SPDX-License-Identifier: Apache-2.0
/* What /proc/PID/maps shows comes back: at its address, with its contents and protection. */
/* covers: Memory | private and file mappings, brk, stack | supported */
/* covers: Memory | large mappings, which several CPUs read at once; an image that ends within them | supported, refused in words */
/* covers: Memory | an image in tmpfs, which several CPUs write at once; one that does not fit | supported, refused in words */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define MIB (1UL << 20)

static void fill(uint64_t *p, size_t bytes, uint64_t seed)
{
	for (size_t i = 0; i < bytes / 8; i++)
		p[i] = (seed + i) * 0x9e3779b97f4a7c15ULL;
}

static bool filled(const uint64_t *p, size_t bytes, uint64_t seed)
{
	for (size_t i = 0; i < bytes / 8; i++)
		if (p[i] != (seed + i) * 0x9e3779b97f4a7c15ULL)
			return false;
	return true;
}

static bool all_zero(const unsigned char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (p[i])
			return false;
	return true;
}

static void *map(size_t bytes, int prot, int flags)
{
	return mmap(NULL, bytes, prot, flags | MAP_ANONYMOUS, -1, 0);
}

static void private_memory(void)
{
	uint64_t *p = map(8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	volatile uint64_t stack[2048];

	fill(p, 8 * MIB, 1);
	fill((uint64_t *)stack, sizeof(stack), 2);
	pause_here();
	verify(filled(p, 8 * MIB, 1), "8 MiB of private memory");
	verify(filled((uint64_t *)stack, sizeof(stack), 2), "the stack");
	p[0] = 7;
	verify(p[0] == 7, "it can be written");
}

static void heap(void)
{
	char *start = sbrk(MIB);
	void *end = sbrk(0);

	fill((uint64_t *)start, MIB, 3);
	pause_here();
	verify(sbrk(0) == end, "brk is where it was");
	verify(filled((uint64_t *)start, MIB, 3), "the heap");
	verify(sbrk(MIB) == end, "brk can grow");
	memset(end, 1, MIB);
}

static void sparse(void)
{
	char *p = mmap(NULL, 1024 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	for (int i = 0; i < 16; i++)
		fill((uint64_t *)(p + i * 64 * MIB + i * 4096), 4096, i);
	pause_here();
	bool same = true;

	for (int i = 0; i < 16; i++)
		same &= filled((uint64_t *)(p + i * 64 * MIB + i * 4096), 4096, i) &&
			all_zero((unsigned char *)p + i * 64 * MIB + (i + 1) * 4096, 4096);
	verify(same, "16 pages in 1 GiB, and zeroes beside them");
}

static sigjmp_buf after_fault;

static void on_segv(int sig)
{
	(void)sig;
	siglongjmp(after_fault, 1);
}

static bool can(volatile char *p, bool write)
{
	if (sigsetjmp(after_fault, 1))
		return false;
	if (write)
		*p = *p;
	else
		(void)*p;
	return true;
}

static void protection(void)
{
	char *p = map(3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	fill((uint64_t *)p, 3 * 4096, 5);
	mprotect(p, 4096, PROT_READ);
	mprotect(p + 4096, 4096, PROT_NONE);
	signal(SIGSEGV, on_segv);
	pause_here();
	verify(can(p, false) && !can(p, true), "a read-only page");
	verify(!can(p + 4096, false), "an inaccessible page");
	verify(can(p + 8192, true), "a writable page");
	mprotect(p, 3 * 4096, PROT_READ | PROT_WRITE);
	verify(filled((uint64_t *)p, 3 * 4096, 5), "contents under all three");
}

static void file_memory(void)
{
	int fd = open("/data/selftest-mapped", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char page[4096];

	for (int i = 0; i < 8; i++) {
		memset(page, 'a' + i, sizeof(page));
		if (write(fd, page, sizeof(page)) != sizeof(page))
			verify(false, "write");
	}
	char *private = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char *shared = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4 * 4096);

	close(fd);
	private[4096] = 'P';
	shared[0] = 'S';
	pause_here();
	verify(private[0] == 'a' && private[4097] == 'b', "private file pages");
	verify(private[4096] == 'P', "a private file page that was written");
	verify(shared[0] == 'S' && shared[4096] == 'f', "shared file pages");
	shared[1] = 'T';
	fd = open("/data/selftest-mapped", O_RDONLY | O_CLOEXEC);
	verify(pread(fd, page, 2, 4 * 4096) == 2 && page[0] == 'S' && page[1] == 'T', "writes to it reach the file");
	unlink("/data/selftest-mapped");
}

static void vdso(void)
{
	unsigned long before = getauxval(AT_SYSINFO_EHDR);
	struct timespec t;

	pause_here();
	verify(before == getauxval(AT_SYSINFO_EHDR), "the vdso's address");
	verify(clock_gettime(CLOCK_MONOTONIC, &t) == 0 && time(NULL) > 0, "the vdso works");
}

static void shared_memory(void)
{
	uint64_t *p = map(MIB, PROT_READ | PROT_WRITE, MAP_SHARED);

	fill(p, MIB, 9);
	pause_here();
	verify(filled(p, MIB, 9), "1 MiB of shared anonymous memory");
}

/* Enough for several processors; its ends lie within page tables, and some pages were never touched. */
#define LARGE		(49 * MIB)
#define LARGE_IMAGE	"/ckpt/selftest-large.img"

static void large(void)
{
	char *p = (char *)map(LARGE + 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE) + 12345 * 4096UL % (2 * MIB);
	bool same = true, holes = true;

	madvise(p, LARGE, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < LARGE; at += 4096)
		if (at / 4096 != 5000)
			fill((uint64_t *)(p + at), 4096, at);
	pause_here();
	for (size_t at = 0; at < LARGE; at += 4096)
		if (at / 4096 != 5000)
			same &= filled((uint64_t *)(p + at), 4096, at);
	holes &= all_zero((unsigned char *)p + 5000 * 4096, 4096);
	verify(same, "49 MiB of private memory, page by page");
	verify(holes, "and a page in it that was never touched");
}

/* Whoever finds the end of it first: all stop, and nobody is left. */
static void large_rounds(void)
{
	char output[4096];
	struct subject s;
	struct stat st;

	if (!subject_start(&s, "large", large))
		return;
	if (!subject_checkpoint(&s, LARGE_IMAGE, (const char *const[]){ "--kill", NULL }) || !wait_gone(s.pid) ||
	    stat(LARGE_IMAGE, &st) < 0)
		return subject_end(&s);
	for (int percent = 30; percent < 100; percent += 23) {
		RUN(output, "/bin/cp", LARGE_IMAGE, LARGE_IMAGE ".cut");
		tap_ok(truncate(LARGE_IMAGE ".cut", st.st_size * percent / 100) == 0 &&
		       RUN(output, restart_path, "--detach", "-i", LARGE_IMAGE ".cut") == 1 &&
		       strstr(output, "truncated in a record of pages") && wait_gone(s.pid),
		       "an image of which %d %% are there: %s", percent, output);
	}
	unlink(LARGE_IMAGE ".cut");
	if (subject_restart(&s, LARGE_IMAGE, NULL))
		subject_finish(&s);
	unlink(LARGE_IMAGE);
}

#define IN_TMPFS	"/tmp/selftest-images"

/* All of it is free. */
static bool is_empty(const char *filesystem)
{
	struct statvfs st;

	return statvfs(filesystem, &st) == 0 && st.f_bfree == st.f_blocks;
}

/* Here and there the file has pages, with something else in them. */
static void in_used_file(const char *image)
{
	int fd = open(image, O_WRONLY | O_CREAT, 0600);
	static char old[MIB / 2];
	char output[4096], pid[16];
	struct subject s;

	memset(old, 0xa5, sizeof(old));
	for (off_t at = MIB; at < (off_t)(LARGE - MIB); at += 3 * MIB + 4096)
		if (pwrite(fd, old, sizeof(old), at) != sizeof(old))
			tap_ok(false, "pwrite: %s", strerror(errno));
	close(fd);
	if (!subject_start(&s, "in a used file", large))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	tap_ok(RUN(output, "/bin/sh", "-c", "exec \"$0\" --kill \"$1\" 1<>\"$2\"", checkpoint_path, pid, image) == 0,
	       "in a used file: checkpoint: %s", output);
	if (wait_gone(s.pid) && subject_restart(&s, image, NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(image);
}

/* Several processors write an image in tmpfs, be its pages small or huge; nothing is lost if it does not fit. */
static void in_tmpfs(const char *name, const char *options)
{
	const char *image = IN_TMPFS "/large.img";
	char output[4096], pid[16];
	struct subject s;

	mkdir(IN_TMPFS, 0700);
	if (mount("images", IN_TMPFS, "tmpfs", 0, "size=20m") < 0)
		tap_ok(false, "%s: %s", name, strerror(errno));
	if (!subject_start(&s, name, large))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	tap_ok(RUN(output, checkpoint_path, "--kill", "-o", image, pid) == 1 && strstr(output, "cannot write the image"),
	       "%s: an image that does not fit is refused: %s", name, output);
	tap_ok(is_empty(IN_TMPFS), "%s: nothing of it is left", name);
	if (umount(IN_TMPFS) < 0 || mount("images", IN_TMPFS, "tmpfs", 0, options) < 0)
		tap_ok(false, "%s: %s: %s", name, options, strerror(errno));
	if (subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid) &&
	    subject_restart(&s, image, NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(image);
	in_used_file(image);
	tap_ok(is_empty(IN_TMPFS), "%s: all is free when the images are gone", name);
	umount(IN_TMPFS);
	rmdir(IN_TMPFS);
}

int main(void)
{
	need_checkpoint();
	subject_round("private", private_memory);
	subject_round("heap", heap);
	subject_round("sparse", sparse);
	subject_round("protection", protection);
	subject_round("file", file_memory);
	subject_round("shared", shared_memory);
	subject_round("vdso", vdso);
	large_rounds();
	in_tmpfs("in small pages", "size=100m,huge=never");
	in_tmpfs("in huge pages", "size=100m,huge=always");
	return tap_done();
}
