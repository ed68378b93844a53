// SPDX-License-Identifier: Apache-2.0
/*
 * Epochs of trackers: what an increment holds is what was written, also with
 * huge pages; a failed checkpoint loses nothing; trackers take over from each
 * other; a new program begins anew.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define PAGES	4096
#define FULL	"/ckpt/selftest-epochs.full.img"
#define INCR	"/ckpt/selftest-epochs.incr.img"
#define STEPS	5

static bool huge;
static unsigned char *memory;

/* Step @n writes every tenth page, others each time. */
static void step(int n)
{
	for (int i = n; i < PAGES; i += 10)
		memory[i * 4096 + n] = 100 + n;
}

static bool is_after(int steps)
{
	for (int i = 0; i < PAGES; i++)
		for (int n = 1; n <= STEPS; n++)
			if (memory[i * 4096 + n] != (n <= steps && i >= n && (i - n) % 10 == 0 ? 100 + n : 1))
				return false;
	return true;
}

static void said(int n)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/selftest/did.%d", n);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void body(void)
{
	int done = 0;

	memory = mmap((void *)0x10000000000UL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	madvise(memory, PAGES * 4096, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(memory, 1, PAGES * 4096);
	ready();
	while (!exists("/tmp/selftest/go")) {
		char path[64];

		snprintf(path, sizeof(path), "/tmp/selftest/do.%d", done + 1);
		if (done < STEPS && exists(path)) {
			step(++done);
			said(done);
		}
		usleep(2000);
	}
	verify(is_after(done), "memory is as after step %d", done);
}

static bool ask(int n)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/selftest/did.%d", n);
	unlink(path);
	snprintf(path, sizeof(path), "/tmp/selftest/do.%d", n);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	snprintf(path, sizeof(path), "/tmp/selftest/did.%d", n);
	for (int i = 0; i < 6000; i++) {
		if (exists(path))
			return true;
		usleep(5000);
	}
	return false;
}

static void forget_steps(void)
{
	char path[64];

	for (int n = 1; n <= STEPS; n++) {
		snprintf(path, sizeof(path), "/tmp/selftest/do.%d", n);
		unlink(path);
	}
}

static long long number(const char *json, const char *key)
{
	char pattern[64];
	const char *p;

	snprintf(pattern, sizeof(pattern), "\"%s\":", key);
	p = strstr(json, pattern);
	return p ? atoll(p + strlen(pattern)) : -1;
}

static void precise(const char *tracker, bool with_huge)
{
	char pid[16], text[8192], what[64];
	struct subject s;
	int status;

	huge = with_huge;
	forget_steps();
	if (!subject_start(&s, "precise", body))
		return;
	snprintf(what, sizeof(what), "%s, %s pages", tracker, with_huge ? "huge" : "small");
	snprintf(pid, sizeof(pid), "%d", s.pid);
	status = RUN(text, checkpoint_path, "--json", "--audit", "--tracker", tracker, "-o", FULL, pid);
	tap_ok(status == 0, "%s: a full image", what);
	ask(1);
	status = RUN(text, checkpoint_path, "--json", "--audit", "--parent", FULL, "-o", INCR, pid);
	tap_ok(status == 0, "%s: an increment", what);
	tap_diag("%s: %lld pages written, %lld of them as they were, %lld as in the parent; %lld faults, %lld us, %lld bytes", what,
		 number(text, "pages"), number(text, "falsePages"), number(text, "parentPages"), number(text, "trackerFaults"),
		 number(text, "trackerWalkNs") / 1000, number(text, "trackerBytes"));
	tap_ok(number(text, "pages") >= PAGES / 10 - 1 && number(text, "falsePages") * 100 <= number(text, "pages"),
	       "%s: it holds what was written, and at most 1 %% more", what);
	kill(-s.pid, SIGKILL);
	if (wait_gone(s.pid) && subject_restart(&s, INCR, NULL))
		subject_finish(&s);
}

/* The second image cannot be written; the third is over the first, and has the changes of both times. */
static void failed(const char *tracker)
{
	char pid[16], text[8192];
	struct subject s;

	huge = false;
	forget_steps();
	if (!subject_start(&s, tracker, body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	if (subject_checkpoint(&s, FULL, (const char *const[]){ "--tracker", tracker, NULL })) {
		ask(1);
		tap_ok(RUN(text, checkpoint_path, "--parent", FULL, "-o", "/dev/full", pid) == 1, "%s: no image: %s", tracker, text);
		ask(2);
		tap_ok(RUN(text, checkpoint_path, "-o", "/dev/full", pid) == 1, "%s: nor a full one: %s", tracker, text);
		ask(3);
		if (subject_checkpoint(&s, INCR, (const char *const[]){ "--parent", FULL, "--kill", NULL }) &&
		    wait_gone(s.pid) && subject_restart(&s, INCR, NULL)) {
			subject_finish(&s);
			return;
		}
	}
	subject_end(&s);
}

/* Each image is over the one before, by another tracker. */
static void take_over(void)
{
	static const char *const trackers[] = { "wp", "scan", "soft-dirty", "hash", "scan", "wp" };
	char image[2][64];
	struct subject s;
	bool good;

	huge = true;
	forget_steps();
	RUN(image[0], "/bin/sh", "-c", "rm -f /ckpt/selftest-epochs.*");
	if (!subject_start(&s, "take over", body))
		return;
	good = subject_checkpoint(&s, "/ckpt/selftest-epochs.0.img", (const char *const[]){ "--tracker", trackers[0], NULL });
	for (int n = 1; n <= STEPS && good; n++) {
		ask(n);
		snprintf(image[0], sizeof(image[0]), "/ckpt/selftest-epochs.%d.img", n - 1);
		snprintf(image[1], sizeof(image[1]), "/ckpt/selftest-epochs.%d.img", n);
		good = subject_checkpoint(&s, image[1], (const char *const[]){ "--parent", image[0], "--tracker", trackers[n], NULL });
	}
	forget_steps();
	kill(-s.pid, SIGKILL);
	good &= wait_gone(s.pid);
	for (int n = STEPS; n >= 0 && good; n--) {
		snprintf(image[0], sizeof(image[0]), "/ckpt/selftest-epochs.%d.img", n);
		good = subject_restart(&s, image[0], NULL) && subject_finish(&s);
	}
	RUN(image[0], "/bin/sh", "-c", "rm -f /ckpt/selftest-epochs.*");
}

static void executing(void)
{
	ready();
	wait_for_go();
	execl("/bin/sleep", "sleep", "1000", NULL);
}

/* Its memory is not the one that was tracked: it is in the increment whole. */
static void new_program(void)
{
	char text[8192], pid[16];
	struct subject s;
	int status;

	if (!subject_start(&s, "exec", executing))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	if (!subject_checkpoint(&s, FULL, NULL))
		return;
	close(open("/tmp/selftest/go", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	for (int i = 0; i < 6000; i++) {
		snprintf(text, sizeof(text), "/proc/%s/comm", pid);
		if (RUN(text, "/bin/grep", "-q", "sleep", text) == 0)
			break;
		usleep(5000);
	}
	status = RUN(text, checkpoint_path, "--kill", "--parent", FULL, "-o", INCR, pid);
	tap_ok(status == 0, "after exec an increment may follow: %s", text);
	tap_ok(wait_gone(s.pid) && subject_restart(&s, INCR, NULL), "and restarts");
	snprintf(text, sizeof(text), "/proc/%s/comm", pid);
	tap_ok(RUN(text, "/bin/grep", "-q", "sleep", text) == 0, "as the new program");
	subject_end(&s);
	unlink(FULL);
	unlink(INCR);
}

int main(void)
{
	need_checkpoint();
	precise("scan", false);
	precise("scan", true);
	precise("wp", false);
	precise("wp", true);
	precise("hash", true);
	failed("scan");
	failed("wp");
	failed("soft-dirty");
	failed("hash");
	take_over();
	new_program();
	return tap_done();
}
