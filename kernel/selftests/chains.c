// SPDX-License-Identifier: Apache-2.0
/*
 * Long chains of increments: restarted at any image, merged in the middle and
 * down to one full image, streamed through pipes; what does not fit is refused.
 *
 *	chains [IMAGES]		500 by default
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define PAGES	64
#define DIR	"/ckpt/selftest-chains"

static char image[64];

static const char *image_name(int n)
{
	static char names[8][64];
	static int turn;
	char *name = names[turn++ % 8];

	snprintf(name, sizeof(names[0]), DIR "/%d.img", n);
	return name;
}

/*
 * Page after page gets the next number. At every moment page k holds the
 * greatest number so far that leaves k: any other is from another moment.
 */
static void body(void)
{
	volatile uint64_t *p = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile uint64_t n = PAGES;
	int wrong = 0;

	for (uint64_t i = 0; i < PAGES; i++)
		p[i * 512] = i;
	ready();
	while (!exists("/tmp/selftest/go")) {
		usleep(1000);
		p[n % PAGES * 512] = n;
		n++;
	}
	for (uint64_t i = 0; i < PAGES; i++) {
		uint64_t last = n - 1;

		wrong += p[i * 512] != last - (last - i) % PAGES;
	}
	verify(!wrong, "after %llu numbers %d pages are wrong", (unsigned long long)n, wrong);
}

static bool restarts(struct subject *s, const char *name, const char *what)
{
	bool good;

	kill(-s->pid, SIGKILL);
	good = wait_gone(s->pid) && subject_restart(s, name, NULL);
	tap_ok(good, "%s restarts", what);
	return good && subject_finish(s);
}

static bool merge(const char *first, const char *last, const char *output)
{
	char text[8192], range[256];
	int status;

	snprintf(range, sizeof(range), "%s..%s", first, last);
	status = RUN(text, ckptinfo_path, "--merge", range, "-o", output);
	tap_ok(status == 0, "%s is merged %s", range, text);
	status = RUN(text, "/bin/sh", "-c", "exec /usr/local/bin/ckptinfo $0 >/dev/null", output);
	tap_ok(status == 0, "the result is whole %s", text);
	return status == 0;
}

static void remove_images(int from, int to)
{
	for (int i = from; i <= to; i++)
		unlink(image_name(i));
}

static void streams(struct subject *s)
{
	char text[8192], command[512];
	int status;

	if (!subject_start(s, "stream", body))
		return;
	snprintf(command, sizeof(command),
		 "cd " DIR " && checkpoint -o - %d | cat > full.img && checkpoint --parent full.img --kill -o - %d | cat > incr.img",
		 s->pid, s->pid);
	status = RUN(text, "/bin/sh", "-c", command);
	tap_ok(status == 0, "an image and an increment go through pipes %s", text);
	wait_gone(s->pid);
	status = RUN(text, "/bin/sh", "-c",
		     "cd " DIR " && cat incr.img | restart -i - --parent full.img --detach");
	tap_ok(status == 0, "and come from one %s", text);
	subject_finish(s);
	status = RUN(text, "/bin/sh", "-c", "cd " DIR " && ckptinfo --merge full.img..incr.img -o - | restart -i - --detach");
	tap_ok(status == 0, "merged on the way, too %s", text);
	subject_finish(s);
}

int main(int argc, char **argv)
{
	int nr = argc > 1 ? atoi(argv[1]) : 500, quarter;
	char text[8192];
	struct subject s;
	bool good;

	need_checkpoint();
	if (nr < 8)
		nr = 8;
	quarter = nr / 4;
	RUN(text, "/bin/sh", "-c", "rm -rf " DIR "; mkdir -p " DIR);
	if (!subject_start(&s, "chain", body))
		return tap_done();
	good = subject_checkpoint(&s, image_name(0), NULL);
	for (int i = 1; i < nr && good; i++)
		good = subject_checkpoint(&s, image_name(i), (const char *const[]){ "--parent", image_name(i - 1), NULL });
	tap_ok(good, "a chain of %d images", nr);
	subject_finish(&s);
	if (!good)
		return tap_done();

	restarts(&s, image_name(nr - 1), "the last image");
	restarts(&s, image_name(nr / 2), "an image in the middle");

	/* A merged range takes the place of its images. */
	snprintf(image, sizeof(image), DIR "/merged.img");
	if (merge(image_name(quarter), image_name(3 * quarter), image)) {
		remove_images(quarter, 3 * quarter);
		restarts(&s, image_name(nr - 1), "over a merged range, the last image");
		restarts(&s, image, "the merged image");
	}
	/* All of it becomes one full image. */
	snprintf(image, sizeof(image), DIR "/all.img");
	if (merge(image_name(0), image_name(nr - 1), image)) {
		RUN(text, "/bin/sh", "-c", "mkdir " DIR "/alone && mv " DIR "/all.img " DIR "/alone/");
		restarts(&s, DIR "/alone/all.img", "the whole chain in one image");
	}

	/* What does not fit. */
	unlink(image_name(1));
	tap_ok(RUN(text, restart_path, "-i", image_name(nr - 1), "--detach") == 1 && strstr(text, "is not in"),
	       "a missing parent is named: %s", text);
	tap_ok(RUN(text, ckptinfo_path, "--merge", DIR "/0.img.." DIR "/2.img", "-o", DIR "/no.img") == 1 &&
	       !exists(DIR "/no.img"), "a range with a gap is refused: %s", text);
	tap_ok(RUN(text, ckptinfo_path, "--merge", DIR "/2.img.." DIR "/0.img", "-o", DIR "/no.img") == 1,
	       "a range the wrong way round is refused: %s", text);
	streams(&s);
	tap_ok(RUN(text, ckptinfo_path, "--merge", DIR "/full.img.." DIR "/2.img", "-o", DIR "/no.img") == 1,
	       "images of two chains are refused: %s", text);
	RUN(text, "/bin/sh", "-c", "rm -rf " DIR);
	return tap_done();
}
