// SPDX-License-Identifier: Apache-2.0
/*
 * Live checkpoints: the tree runs while its memory is written, and the image
 * holds it as it was in one moment.
 *
 * Threads write the number of the round to the first and the last word of a
 * page, page after page, round after round, and look first whether the number
 * of the round before is there. A page that the image has from another moment
 * shows when the restored thread comes to it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define WORDS		512
#define PAGES		2048		/* for each thread */
#define THREADS		2

static volatile uint64_t *pages[THREADS];
static volatile uint64_t rounds[THREADS], wrong[THREADS];
static volatile bool stop;
static bool with_dontfork;

static void *writer(void *arg)
{
	long thread = (long)arg;

	for (uint64_t round = 1; !stop; round++) {
		for (long i = 0; i < PAGES; i++) {
			volatile uint64_t *p = pages[thread] + i * WORDS;

			if (p[0] != round - 1 || p[WORDS - 1] != round - 1)
				wrong[thread]++;
			p[0] = round;
			p[WORDS - 1] = round;
		}
		rounds[thread] = round;
	}
	return NULL;
}

static void churn(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (int t = 0; t < THREADS; t++)
			for (long i = 0; i < PAGES; i++)
				pages[t][i * WORDS] = ~0ULL;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* Everything twice more, so that each page of the image has been looked at. */
static bool two_rounds(void)
{
	uint64_t from[THREADS];
	bool all = false;

	for (int t = 0; t < THREADS; t++)
		from[t] = rounds[t];
	for (int i = 0; i < 20000 && !all; i++) {
		all = true;
		for (int t = 0; t < THREADS; t++)
			all &= rounds[t] >= from[t] + 2;
		usleep(1000);
	}
	return all;
}

static void body(void)
{
	pthread_t threads[THREADS];
	unsigned char *bytes = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool same = true;

	memset(bytes, 0x5a, 64 * 4096);
	if (with_dontfork)
		madvise(bytes, 64 * 4096, MADV_DONTFORK);
	for (long t = 0; t < THREADS; t++) {
		pages[t] = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (t)
			madvise((void *)pages[t], PAGES * 4096, MADV_HUGEPAGE);
		pthread_create(&threads[t], NULL, writer, (void *)t);
	}
	ready();
	while (!exists("/tmp/selftest/go")) {
		usleep(2000);
		if (exists("/tmp/selftest/churn"))
			churn();
	}
	verify(two_rounds(), "the threads run");
	stop = true;
	for (int t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	for (long t = 0; t < THREADS; t++)
		verify(!wrong[t], "thread %ld: %llu rounds, %llu pages wrong", t, (unsigned long long)rounds[t],
		       (unsigned long long)wrong[t]);
	for (int i = 0; i < 64 * 4096; i++)
		same &= bytes[i] == 0x5a;
	verify(same, "%s", with_dontfork ? "memory that fork() does not hand on" : "memory that nobody writes to");
}

/* A live chain of two; each of its images is restarted and looked at. */
static void one(const char *tracker, bool with_forks)
{
	char image[2][64];
	struct subject s;
	bool good;

	for (int i = 0; i < 2; i++)
		snprintf(image[i], sizeof(image[i]), "/ckpt/selftest-live.%d.img", i);
	unlink("/tmp/selftest/churn");
	with_dontfork = true;
	if (!subject_start(&s, "live", body))
		return;
	if (with_forks)
		close(open("/tmp/selftest/churn", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	good = subject_checkpoint(&s, image[0], (const char *const[]){ "--live", "--tracker", tracker, NULL }) &&
	       subject_checkpoint(&s, image[1], (const char *const[]){ "--live", "--parent", image[0], NULL });
	unlink("/tmp/selftest/churn");
	subject_finish(&s);
	for (int i = 1; i >= 0 && good; i--) {
		tap_diag("%s%s: image %d", tracker, with_forks ? ", with forks" : "", i);
		good = subject_restart(&s, image[i], NULL) && subject_finish(&s);
	}
	for (int i = 0; i < 2; i++)
		unlink(image[i]);
}

#define FIRST_BYTE	"/tmp/selftest/first-byte"

/* The tree ends while its memory is being written: a reader that is slow holds the dump up. */
static void ends(void)
{
	char output[4096], command[512];
	struct subject s;
	pid_t killer;

	with_dontfork = false;
	if (!subject_start(&s, "end", body))
		return;
	/* What is written first is its memory, when it runs again: all before that is in the kernel's buffer. */
	unlink(FIRST_BYTE);
	snprintf(command, sizeof(command),
		 "%s --live -o - %d | (dd bs=1 count=1 of=/ckpt/selftest-live.img 2>/dev/null; : > " FIRST_BYTE "; "
		 "while [ -e " FIRST_BYTE " ]; do sleep 0.1; done; cat >> /ckpt/selftest-live.img)", checkpoint_path, s.pid);
	killer = fork();
	if (killer == 0) {
		while (!exists(FIRST_BYTE))
			usleep(10000);
		kill(-s.pid, SIGKILL);
		unlink(FIRST_BYTE);
		_exit(0);
	}
	RUN(output, "/bin/sh", "-c", command);
	waitpid(killer, NULL, 0);
	wait_gone(s.pid);
	tap_diag("%s", output);
	tap_ok(RUN(output, ckptinfo_path, "/ckpt/selftest-live.img") == 0, "the image of a tree that ended meanwhile is whole");
	if (subject_restart(&s, "/ckpt/selftest-live.img", NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink("/ckpt/selftest-live.img");
}

/* While one image of it is being written, there is no second. */
static void second(void)
{
	char output[4096], pid[16], byte;
	struct subject s;
	int fd, status;
	pid_t first;

	with_dontfork = false;
	if (!subject_start(&s, "second", body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	mkfifo("/tmp/selftest/pipe", 0600);
	first = fork();
	if (first == 0) {
		execl(checkpoint_path, "checkpoint", "--live", "-o", "/tmp/selftest/pipe", pid, NULL);
		_exit(127);
	}
	fd = open("/tmp/selftest/pipe", O_RDONLY | O_CLOEXEC);
	/* Its first byte comes with the first pages, and the others wait for us. */
	tap_ok(read(fd, &byte, 1) == 1, "the first image begins");
	status = RUN(output, checkpoint_path, "-o", "/ckpt/selftest-live.second.img", pid);
	tap_ok(status == 1, "the second is refused (%s)", output);
	while (read(fd, output, sizeof(output)) > 0)
		;
	close(fd);
	waitpid(first, &status, 0);
	tap_ok(status == 0, "the first comes to its end");
	status = RUN(output, checkpoint_path, "-o", "/ckpt/selftest-live.second.img", pid);
	tap_ok(status == 0, "then there is a second (%s)", output);
	unlink("/tmp/selftest/pipe");
	unlink("/ckpt/selftest-live.second.img");
	subject_finish(&s);
}

int main(void)
{
	char output[4096];

	need_checkpoint();
	one("scan", false);
	one("wp", true);
	one("soft-dirty", false);
	ends();
	second();
	tap_ok(RUN(output, checkpoint_path, "--live", "--kill", "-o", "/ckpt/x.img", "1") == 1, "--live --kill is refused (%s)",
	       output);
	return tap_done();
}
