// SPDX-License-Identifier: Apache-2.0
/* A lazy restart: pages stay in the image until somebody wants them, and whatever he wants of them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "filesystems.h"
#include "subject.h"
#include "tap.h"

#define PAGE	4096UL
#define MIB	(1UL << 20)

static void mark(char *p, size_t pages, uint64_t seed)
{
	for (size_t i = 0; i < pages; i++) {
		uint64_t *at = (uint64_t *)(p + i * PAGE);

		at[0] = seed + i;
		at[511] = ~(seed + i);
	}
}

static size_t wrong(const char *p, size_t pages, uint64_t seed)
{
	size_t n = 0;

	for (size_t i = 0; i < pages; i++) {
		const uint64_t *at = (const uint64_t *)(p + i * PAGE);

		n += at[0] != seed + i || at[511] != ~(seed + i) || at[256];
	}
	return n;
}

static char *map(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* What the kernel does with entries that are not present. */
static void operations(void)
{
	char *moved = map(2 * MIB), *gone = map(2 * MIB), *dropped = map(2 * MIB), *ro = map(2 * MIB);
	char *written = map(2 * MIB), *forked = map(2 * MIB), *far = map(8 * MIB), *outside = map(MIB);
	char *locked = map(MIB), *by_file = map(MIB), *target, *heap = sbrk(MIB);
	uint64_t back[2] = { };
	int status, fd;
	pid_t child;

	mark(moved, 512, 100000);
	mark(gone, 512, 200000);
	mark(dropped, 512, 300000);
	mark(ro, 512, 400000);
	mark(written, 512, 500000);
	mark(forked, 512, 600000);
	mark(far, 2048, 700000);
	mark(outside, 256, 800000);
	mark(locked, 256, 900000);
	mlock(locked, MIB);
	mark(by_file, 256, 1000000);
	heap = (char *)(((uintptr_t)heap + PAGE - 1) & ~(PAGE - 1));
	mark(heap, 200, 1100000);
	pause_here();
	/* Before anything else has touched them. */
	child = fork();
	if (child == 0) {
		size_t n = wrong(forked, 512, 600000);

		memset(forked, 7, 512 * PAGE);
		_exit(n ? 1 : 0);
	}
	target = mremap(moved, 2 * MIB, 4 * MIB, MREMAP_MAYMOVE);
	verify(target != MAP_FAILED && !wrong(target, 512, 100000), "moved pages");
	munmap(gone, 2 * MIB);
	gone = mmap(gone, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	verify(!gone[0] && !gone[2 * MIB - 8], "new memory where pages were unmapped");
	madvise(dropped, 2 * MIB, MADV_DONTNEED);
	verify(!dropped[0] && !dropped[2 * MIB - 8], "dropped pages are zero");
	mprotect(ro, 2 * MIB, PROT_NONE);
	mprotect(ro, 2 * MIB, PROT_READ);
	verify(!wrong(ro, 512, 400000), "pages protected before they came");
	for (size_t i = 0; i < 512; i++)
		((uint64_t *)(written + i * PAGE))[5] = i;
	verify(!wrong(written, 512, 500000) && ((uint64_t *)(written + 511 * PAGE))[5] == 511, "pages written to first");
	waitpid(child, &status, 0);
	verify(status == 0, "a child has the pages that had not come when it was forked");
	verify(!wrong(forked, 512, 600000), "and what it writes stays its own");
	for (size_t i = 2048; i-- > 0;)
		if (wrong(far + i * PAGE, 1, 700000 + i))
			verify(false, "page %zu, from the last to the first", i);
	verify(true, "pages from the last to the first");
	fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	verify(pread(fd, back, 8, (uintptr_t)outside + 17 * PAGE) == 8 && back[0] == 800017, "read through /proc/PID/mem");
	verify(pwrite(fd, "x", 1, (uintptr_t)outside + 99 * PAGE + 800) == 1 && outside[99 * PAGE + 800] == 'x',
	       "written through /proc/PID/mem");
	close(fd);
	verify(!wrong(outside, 256, 800000), "and all around");
	verify(!wrong(locked, 256, 900000), "locked pages");
	fd = open("/tmp/selftest/lazy.out", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	verify(write(fd, by_file, MIB) == (ssize_t)MIB, "written to a file");
	memset(by_file, 0, MIB);
	verify(pread(fd, by_file, MIB, 0) == (ssize_t)MIB && !wrong(by_file, 256, 1000000), "as they were");
	close(fd);
	unlink("/tmp/selftest/lazy.out");
	verify(!wrong(heap, 200, 1100000), "the heap");
}

/* Private pages of a file: copied ones come from the image, others from the file. */
static void of_file(void)
{
	char *p;
	int fd = open("/data/selftest-lazy", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char *all = map(MIB);

	mark(all, 256, 1);
	if (write(fd, all, MIB) != (ssize_t)MIB)
		verify(false, "write");
	p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	mark(p + 64 * PAGE, 64, 5000);
	pause_here();
	verify(!wrong(p, 64, 1) && !wrong(p + 128 * PAGE, 128, 129), "pages of the file");
	verify(!wrong(p + 64 * PAGE, 64, 5000), "copies of them");
	truncate("/data/selftest-lazy", 0);
	unlink("/data/selftest-lazy");
}

static char *memory;

static void big(void)
{
	memory = map(64 * MIB);
	mark(memory, 16384, 42);
	mark(memory + 3 * MIB, 3, 1);
	pause_here();
	verify(!wrong(memory, 768, 42) && !wrong(memory + 3 * MIB, 3, 1) &&
	       !wrong(memory + 771 * PAGE, 16384 - 771, 42 + 771), "64 MiB");
}

static const char *const lazy[] = { "--lazy", NULL }, *const killed[] = { "--kill", NULL };

static void lazy_round(const char *name, void (*body)(void), const char *image)
{
	struct subject s;

	if (!subject_start(&s, name, body))
		return;
	if (subject_checkpoint(&s, image, killed) && wait_gone(s.pid) && subject_restart(&s, image, lazy))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(image);
}

/* The image goes at once. */
static void deleted(void)
{
	const char *image = "/ckpt/selftest-lazy-deleted.img";
	struct subject s;

	if (!subject_start(&s, "deleted", big))
		return;
	if (subject_checkpoint(&s, image, killed) && wait_gone(s.pid) && subject_restart(&s, image, lazy) &&
	    unlink(image) == 0)
		subject_finish(&s);
	else
		subject_end(&s);
}

/* Checkpoints of what has been restored lazily: an increment over that image, a full, a live one. */
static void again(const char *name, const char *const *more)
{
	char first[64], second[64];
	struct stat a, b;
	struct subject s;

	snprintf(first, sizeof(first), "/ckpt/selftest-lazy-%s.0.img", name);
	snprintf(second, sizeof(second), "/ckpt/selftest-lazy-%s.1.img", name);
	if (!subject_start(&s, name, big))
		return;
	if (subject_checkpoint(&s, first, killed) && wait_gone(s.pid) && subject_restart(&s, first, lazy) &&
	    subject_checkpoint(&s, second, more)) {
		tap_ok(stat(first, &a) == 0 && stat(second, &b) == 0 &&
		       (more && !strcmp(more[0], "--parent") ? b.st_size < a.st_size / 10 : b.st_size > a.st_size / 2),
		       "%s: its size, %lld after %lld", name, (long long)b.st_size, (long long)a.st_size);
		kill(s.pid, SIGKILL);
		if (wait_gone(s.pid) && subject_restart(&s, second, lazy))
			subject_finish(&s);
		else
			subject_end(&s);
	} else {
		subject_end(&s);
	}
	unlink(first);
	unlink(second);
}

/* From a pipe, and from a file that is being written to, it is refused; with a reason. */
static void refused(void)
{
	const char *image = "/ckpt/selftest-lazy-refused.img";
	char output[4096];
	struct subject s;
	int status, fd;

	if (!subject_start(&s, "refused", big))
		return;
	if (subject_checkpoint(&s, image, killed) && wait_gone(s.pid)) {
		status = RUN(output, "/bin/sh", "-c", "cat /ckpt/selftest-lazy-refused.img | restart --detach --lazy");
		tap_ok(status == 1 && strstr(output, "lazy"), "a pipe is refused: %s", output);
		wait_gone(s.pid);
		fd = open(image, O_RDWR | O_CLOEXEC);
		status = RUN(output, restart_path, "-i", image, "--detach", "--lazy");
		tap_ok(status == 1 && strstr(output, "open for writing"), "an image that is open for writing is refused: %s", output);
		close(fd);
		wait_gone(s.pid);
		if (subject_restart(&s, image, lazy))
			subject_finish(&s);
	}
	subject_end(&s);
	unlink(image);
}

#define BAD_PAGE	1000UL
#define BAD_SEED	0x5eed0ddba110000ULL

/* All but one page can be had; who wants that one is told. */
static void damaged_body(void)
{
	uint64_t word;
	int status, fd, to[2];
	pid_t child;

	memory = map(8 * MIB);
	mark(memory, 2048, BAD_SEED);
	pause_here();
	verify(!wrong(memory, BAD_PAGE, BAD_SEED) &&
	       !wrong(memory + (BAD_PAGE + 1) * PAGE, 2047 - BAD_PAGE, BAD_SEED + BAD_PAGE + 1),
	       "all pages around it");
	child = fork();
	if (child == 0) {
		(void)*(volatile char *)(memory + BAD_PAGE * PAGE);
		_exit(0);
	}
	waitpid(child, &status, 0);
	verify(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "who touches it has a SIGBUS: status 0x%x", status);
	fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	verify(pread(fd, &word, sizeof(word), (off_t)(uintptr_t)(memory + BAD_PAGE * PAGE)) < 0, "it is not read otherwise");
	close(fd);
	if (pipe2(to, O_CLOEXEC) < 0)
		verify(false, "pipe");
	verify(write(to[1], memory + BAD_PAGE * PAGE, 8) < 0 && errno == EFAULT, "a system call has EFAULT");
	madvise(memory + BAD_PAGE * PAGE, PAGE, MADV_DONTNEED);
	verify(!memory[BAD_PAGE * PAGE], "what is dropped is not missed");
}

/* Finds the page where it stands on the device, and changes one byte of it. */
static bool damage(const char *device)
{
	int fd = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);
	char *buf = aligned_alloc(PAGE, MIB);
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buf, MIB, at)) > 0) {
		for (char *p = buf; p < buf + n; p += PAGE) {
			if (wrong(p, 1, BAD_SEED + BAD_PAGE))
				continue;
			p[1000] ^= 1;
			n = pwrite(fd, p, PAGE, at + (p - buf));
			close(fd);
			free(buf);
			return n == (ssize_t)PAGE;
		}
		at += n;
	}
	free(buf);
	close(fd);
	return false;
}

static bool kernel_says(const char *what)
{
	int room = klogctl(10, NULL, 0), n;
	char *text = malloc(room + 1);
	bool said;

	n = klogctl(3, text, room);
	text[n > 0 ? n : 0] = '\0';
	said = strstr(text, what);
	free(text);
	return said;
}

/*
 * btrfs knows its data by checksums, so one byte changed on the device makes a
 * page that cannot be read. A restart that reads all fails of it; a lazy one
 * does not: so it does not read what nobody touches.
 */
static void damaged(void)
{
	const char *dir = fs_mount("btrfs");
	char image[128], output[4096];
	struct subject s;
	bool ready, gone;
	int status;

	if (!dir) {
		tap_ok(false, "a filesystem with checksums can be had");
		return;
	}
	snprintf(image, sizeof(image), "%s/lazy.img", dir);
	if (!subject_start(&s, "damaged", damaged_body))
		return;
	ready = subject_checkpoint(&s, image, killed) && wait_gone(s.pid) && fs_check("btrfs") &&
		damage(fs_device("btrfs")) && fs_remount("btrfs");
	tap_ok(ready, "damaged: a byte of the image is changed on the device");
	if (!ready) {
		subject_end(&s);
		return;
	}
	status = RUN(output, restart_path, "-i", image, "--detach");
	tap_ok(status == 1, "damaged: a restart that reads all fails: %s", output);
	wait_gone(s.pid);
	if (subject_restart(&s, image, lazy))
		subject_finish(&s);
	subject_end(&s);
	snprintf(output, sizeof(output), "checkpoint: pid %d (", s.pid);
	tap_ok(kernel_says(output) && kernel_says("of the image lazy.img (error -5)"),
	       "damaged: the kernel's log names process, image and error");
	/* Who brings pages in behind its back may have been the last to hold it. */
	for (int waited = 0; !(gone = umount2(dir, 0) == 0) && waited < PATIENCE_MS; waited += 10)
		usleep(10000);
	tap_ok(gone, "damaged: the image has been let go: %s", strerror(gone ? 0 : errno));
	fs_umount("btrfs");
}

int main(void)
{
	need_checkpoint();
	lazy_round("operations", operations, "/ckpt/selftest-lazy-operations.img");
	lazy_round("on-tmpfs", operations, "/tmp/selftest-lazy-operations.img");
	lazy_round("file", of_file, "/ckpt/selftest-lazy-file.img");
	lazy_round("big", big, "/ckpt/selftest-lazy-big.img");
	deleted();
	again("full", NULL);
	again("increment", (const char *const[]){ "--parent", "/ckpt/selftest-lazy-increment.0.img", NULL });
	again("live", (const char *const[]){ "--live", NULL });
	again("soft-dirty", (const char *const[]){ "--tracker", "soft-dirty", NULL });
	again("hash", (const char *const[]){ "--tracker", "hash", "--audit", NULL });
	refused();
	damaged();
	return tap_done();
}
