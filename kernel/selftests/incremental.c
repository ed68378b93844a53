// SPDX-License-Identifier: Apache-2.0
/*
 * A chain of one full and three incremental checkpoints; each of them restores
 * to the memory of its moment, byte for byte.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define PAGES	1024
#define STEPS	3

static unsigned char *memory, *expected;

/* What step @n does to memory, and to the copy that says what it should be. */
static void change(int n)
{
	for (int i = 0; i < 40; i++) {
		int page = (i * 37 + n * 101) % 512;

		memset(memory + page * 4096 + i, n * 16 + i, 100);
		memset(expected + page * 4096 + i, n * 16 + i, 100);
	}
	if (n == 1) {		/* pages that were there are zero now */
		madvise(memory + 600 * 4096, 50 * 4096, MADV_DONTNEED);
		memset(expected + 600 * 4096, 0, 50 * 4096);
		/* Pages that are all zero, and stay so: an older image has something else. */
		memset(memory + 900 * 4096, 0, 10 * 4096);
		memset(expected + 900 * 4096, 0, 10 * 4096);
	} else if (n == 2) {	/* a hole, and new memory where it was */
		munmap(memory + 700 * 4096, 20 * 4096);
		mmap(memory + 700 * 4096, 20 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		memset(expected + 700 * 4096, 0, 20 * 4096);
		memset(memory + 705 * 4096, 0x77, 4096);
		memset(expected + 705 * 4096, 0x77, 4096);
	} else if (n == 3) {	/* the same memory, otherwise protected */
		mprotect(memory + 800 * 4096, 10 * 4096, PROT_READ);
	}
}

static volatile sig_atomic_t next;

static void on_usr2(int sig)
{
	(void)sig;
	next++;
}

static void tell(int step)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/selftest/step.%d", step);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
}

static void body(void)
{
	int done = 0;

	memory = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expected = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < PAGES * 4096; i++)
		memory[i] = expected[i] = i * 2654435761u >> 24;
	signal(SIGUSR2, on_usr2);
	ready();
	while (!exists("/tmp/selftest/go")) {
		if (next > done) {
			change(++done);
			tell(done);
		}
		usleep(5000);
	}
	long wrong = 0;

	for (int i = 0; i < PAGES; i++)
		wrong += memcmp(memory + i * 4096, expected + i * 4096, 4096) != 0;
	verify(!wrong, "step %d: %ld of %d pages wrong", done, wrong, PAGES);
}

static bool wait_step(int step)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/selftest/step.%d", step);
	for (int i = 0; i < 2000; i++) {
		if (exists(path)) {
			unlink(path);
			return true;
		}
		usleep(5000);
	}
	tap_ok(false, "step %d is done", step);
	return false;
}

static long long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long long)st.st_size : -1;
}

int main(void)
{
	char image[STEPS + 1][64], output[4096], pid[16];
	struct subject s;

	need_checkpoint();
	for (int i = 0; i <= STEPS; i++)
		snprintf(image[i], sizeof(image[i]), "/ckpt/selftest-chain.%d.img", i);
	if (!subject_start(&s, "chain", body))
		return tap_done();
	bool good = subject_checkpoint(&s, image[0], NULL);

	for (int i = 1; i <= STEPS && good; i++) {
		kill(s.pid, SIGUSR2);
		good = wait_step(i) && subject_checkpoint(&s, image[i], i == STEPS ?
			(const char *const[]){ "--parent", image[i - 1], "--kill", NULL } :
			(const char *const[]){ "--parent", image[i - 1], NULL });
		tap_diag("increment %d: %lld bytes, full: %lld", i, size_of(image[i]), size_of(image[0]));
		/*
		 * Not in step 2: new memory that merges with a neighbour makes
		 * all of that look written to the soft-dirty tracker.
		 */
		if (good && i != 2)
			tap_ok(size_of(image[i]) < size_of(image[0]) / 2, "increment %d is much smaller than the full image", i);
	}
	/* The last first: then each older one, whose chain is shorter. */
	for (int i = STEPS; i >= 0 && good; i--) {
		if (!wait_gone(s.pid) || !subject_restart(&s, image[i], NULL))
			break;
		subject_finish(&s);
	}
	subject_end(&s);

	/* An image that is not the latest of this process is no parent for an increment. */
	if (good && subject_start(&s, "stranger", body)) {
		snprintf(pid, sizeof(pid), "%d", s.pid);
		int status = RUN(output, checkpoint_path, "-o", "/ckpt/selftest-stranger.img", "--parent", image[0], pid);

		tap_ok(status == 1 && output[0], "an increment over another process's image is refused");
		tap_diag("%s", output);
		tap_ok(!exists("/ckpt/selftest-stranger.img"), "and leaves no image");
		subject_end(&s);
	}
	for (int i = 0; i <= STEPS; i++)
		unlink(image[i]);
	return tap_done();
}
