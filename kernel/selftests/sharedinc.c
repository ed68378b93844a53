// SPDX-License-Identifier: Apache-2.0
/*
 * Shared memory along a chain: an increment holds what was written to the
 * object, by whichever process, mapping or descriptor.
 */
/* covers: Memory | shared memory and memfds in increments, per object | supported */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define PAGE	4096UL
#define PAGES	2048
#define STEPS	4
#define BYTES	((long long)(2 * PAGES * PAGE))

static volatile unsigned int *steps;	/* what the parent has done, and the child: in memory of its own */

static void fill(char *p, unsigned int page, uint64_t value)
{
	for (unsigned int i = 0; i < 512; i++)
		((uint64_t *)(p + page * PAGE))[i] = value ? value + i : 0;
}

static bool is(const char *p, unsigned int page, uint64_t value)
{
	for (unsigned int i = 0; i < 512; i++)
		if (((const uint64_t *)(p + page * PAGE))[i] != (value ? value + i : 0))
			return false;
	return true;
}

/* In step n: page n by the one process, 100 + n by the other, 200 + n becomes zero, 300 + n by write(2). */
static uint64_t expected(unsigned int page, unsigned int done)
{
	for (unsigned int n = 1; n <= done; n++) {
		if (page == n || page == 100 + n || page == 300 + n)
			return 1000000 * n + page;
		if (page == 200 + n)
			return 0;
	}
	return page + 1;
}

static unsigned int wrong(const char *p, unsigned int done)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < PAGES; i++)
		n += !is(p, i, expected(i, done));
	return n;
}

static void touch_file(const char *what, unsigned int step)
{
	char name[64];

	sprintf(name, "/tmp/selftest/%s.%u", what, step);
	close(open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
}

static bool there_is(const char *what, unsigned int step)
{
	char name[64];

	sprintf(name, "/tmp/selftest/%s.%u", what, step);
	return exists(name);
}

static void body(void)
{
	char *both[2], buf[PAGE];
	int fd = memfd_create("increments", MFD_CLOEXEC);
	pid_t pid;

	steps = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ftruncate(fd, PAGES * PAGE);
	both[0] = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	both[1] = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (unsigned int i = 0; i < PAGES; i++) {
		fill(both[0], i, i + 1);
		fill(both[1], i, i + 1);
	}
	pid = fork();
	if (pid == 0)
		touch_file("did-child", 0);
	while (!there_is("did-child", 0))
		usleep(2000);
	if (pid)
		ready();
	while (!exists("/tmp/selftest/go")) {
		unsigned int n = *steps + 1;

		usleep(2000);
		if (!there_is("step", n))
			continue;
		for (int b = 0; b < 2; b++)
			fill(both[b], (pid ? 0 : 100) + n, 1000000 * n + (pid ? 0 : 100) + n);
		if (pid) {
			fill(both[0], 200 + n, 0);
			fill(both[1], 200 + n, 0);
			fill(both[0], 300 + n, 1000000 * n + 300 + n);
			fill(buf, 0, 1000000 * n + 300 + n);
			verify(pwrite(fd, buf, PAGE, (300 + n) * PAGE) == (ssize_t)PAGE, "write(2) in step %u", n);
		}
		*steps = n;
		touch_file(pid ? "did-parent" : "did-child", n);
	}
	for (int b = 0; b < 2; b++)
		verify(!wrong(both[b], *steps), "%s, %s: %u wrong pages after %u steps", pid ? "parent" : "child",
		       b ? "memfd" : "anonymous", wrong(both[b], *steps), *steps);
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void clear_steps(void)
{
	char output[256];

	RUN(output, "/bin/sh", "-c", "rm -f /tmp/selftest/step.* /tmp/selftest/did-*");
}

static bool let_step(unsigned int n)
{
	touch_file("step", n);
	for (int waited = 0; !there_is("did-parent", n) || !there_is("did-child", n); waited++) {
		if (waited == 60000) {
			tap_ok(false, "step %u is taken", n);
			return false;
		}
		usleep(2000);
	}
	return true;
}

static bool restart_killed(struct subject *s, const char *image)
{
	kill(-s->pid, SIGKILL);
	if (!wait_gone(s->pid))
		return false;
	/* Its child may take longer. */
	while (kill(-s->pid, 0) == 0)
		usleep(2000);
	return subject_restart(s, image, NULL);
}

#define IMAGE(n) "/ckpt/selftest-sharedinc." #n ".img"

int main(void)
{
	static const char *const images[] = { IMAGE(0), IMAGE(1), IMAGE(2), IMAGE(3), IMAGE(4) };
	const char *merged = "/tmp/selftest-sharedinc.img";
	char output[8192], pid[16];
	struct subject s;
	struct stat st;
	bool good;

	need_checkpoint();
	clear_steps();
	if (!subject_start(&s, "shared", body))
		return tap_done();
	snprintf(pid, sizeof(pid), "%d", s.pid);
	good = subject_checkpoint(&s, images[0], NULL);
	for (unsigned int n = 1; n <= 3 && good; n++) {
		good = let_step(n);
		/* One that fails leaves what is known as it was. */
		if (good && n == 2)
			tap_ok(RUN(output, "/bin/sh", "-c",
				   "exec checkpoint --parent " IMAGE(1) " -o /dev/full $0", pid) != 0,
			       "a checkpoint that cannot be written fails");
		good = good && subject_checkpoint(&s, images[n], (const char *const[]){ "--parent", images[n - 1], NULL });
		stat(images[n], &st);
		tap_ok(good && st.st_size < BYTES / 8, "increment %u: %lld bytes, less than an eighth of %lld", n,
		       (long long)st.st_size, BYTES);
	}
	/* Restarted, it goes on: the next increment may hold all of it, but is right. */
	good = good && restart_killed(&s, images[1]) && restart_killed(&s, images[3]) && let_step(4) &&
	       subject_checkpoint(&s, images[4], (const char *const[]){ "--parent", images[3], NULL }) &&
	       restart_killed(&s, images[4]) && subject_finish(&s);
	tap_ok(good, "a chain of %d", STEPS + 1);
	if (good) {
		tap_ok(RUN(output, ckptinfo_path, "--merge", IMAGE(0) ".." IMAGE(3), "-o", merged) == 0, "is merged %s", output);
		clear_steps();
		if (subject_restart(&s, merged, NULL))
			subject_finish(&s);
		unlink(merged);
	}
	subject_end(&s);
	for (int i = 0; i <= STEPS; i++)
		unlink(images[i]);
	clear_steps();
	return tap_done();
}
