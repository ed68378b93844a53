// SPDX-License-Identifier: Apache-2.0
/*
 * Pages that a parent and its children share copy-on-write stand once in an
 * image, and are shared again by a restart; what each of them writes, before
 * or after it, is its own: full, live, lazily, and along a chain of increments.
 */
/* covers: Memory | pages shared copy-on-write by a tree: written once, shared again | supported */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define PAGE	4096UL
#define PAGES	2048
#define HUGE	1024		/* of huge pages, after them */
#define ALL	(PAGES + HUGE)
#define KIDS	4
#define STEPS	3
#define ARENA	((char *)0x20000000000UL)
#define BYTES	((long long)(ALL * PAGE))

/* In the subject: who it is, and how far it has come. */
static unsigned int who, steps;
static bool shares_again;

static void write_page(unsigned int page, uint64_t value)
{
	uint64_t *at = (uint64_t *)(ARENA + page * PAGE);

	at[0] = value;
	at[511] = ~value;
}

/* The page that process @k, 0 for the parent, writes in a step. */
static unsigned int page_of(unsigned int k, unsigned int step)
{
	return (step % 2 ? 0 : PAGES) + 100 + step * 16 + k;
}

static uint64_t expected(unsigned int page)
{
	for (unsigned int step = steps + 1; step-- > 0;)
		if (page == page_of(who, step))
			return 1000000 * (step + 1) + 1000 * who + page;
	return page + 7;
}

static void take_step(unsigned int step)
{
	write_page(page_of(who, step), 1000000 * (step + 1) + 1000 * who + page_of(who, step));
	steps = step;
}

static void name_of(char *name, const char *what, unsigned int step, unsigned int k)
{
	sprintf(name, "/tmp/selftest/%s.%u.%u", what, step, k);
}

static void touch_file(const char *what, unsigned int step, unsigned int k)
{
	char name[64];

	name_of(name, what, step, k);
	close(open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
}

static bool there_is(const char *what, unsigned int step, unsigned int k)
{
	char name[64];

	name_of(name, what, step, k);
	return exists(name);
}

static void follow_steps(void)
{
	while (!exists("/tmp/selftest/go")) {
		for (unsigned int step = steps + 1; step <= STEPS; step++)
			if (there_is("step", step, 0)) {
				take_step(step);
				touch_file("did", step, who);
			}
		usleep(2000);
	}
}

static unsigned int wrong_pages(void)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < ALL; i++) {
		const uint64_t *at = (const uint64_t *)(ARENA + i * PAGE);

		wrong += at[0] != expected(i) || at[511] != ~expected(i) || at[256];
	}
	return wrong;
}

/* Pages that are in the same frames as the parent's. */
static unsigned int same_frames(void)
{
	static uint64_t mine[ALL], theirs[ALL];
	unsigned int same = 0;
	char name[64];
	int fd;

	memset(mine, 0, sizeof(mine));
	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pread(fd, mine, sizeof(mine), (uintptr_t)ARENA / PAGE * 8) < 0)
		verify(false, "pagemap");
	close(fd);
	sprintf(name, "/proc/%d/pagemap", getppid());
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (pread(fd, theirs, sizeof(theirs), (uintptr_t)ARENA / PAGE * 8) < 0)
		verify(false, "pagemap of the parent");
	close(fd);
	for (unsigned int i = 0; i < ALL; i++)
		same += mine[i] >> 63 && (mine[i] & ((1ULL << 55) - 1)) == (theirs[i] & ((1ULL << 55) - 1));
	return same;
}

static void child(void)
{
	unsigned int same, wrong;

	follow_steps();
	same = same_frames();
	if (shares_again)
		verify(same >= ALL - 100, "process %u shares %u of %u pages with its parent", who, same, ALL);
	touch_file("looked", 0, who);
	/* The parent writes to pages that are shared. */
	while (!there_is("wrote", 0, 0))
		usleep(2000);
	wrong = wrong_pages();
	verify(!wrong, "process %u has %u wrong pages after %u steps", who, wrong, steps);
	/* And so do all at once: each its own. */
	for (unsigned int i = 0; i < ALL; i++)
		write_page(i, 5000000 + who);
	for (unsigned int i = 0; i < ALL; i++)
		wrong += *(uint64_t *)(ARENA + i * PAGE) != 5000000 + who;
	verify(!wrong, "process %u: %u of what it wrote is not its own", who, wrong);
	_exit(0);
}

static void body(void)
{
	unsigned int wrong;

	mmap(ARENA, ALL * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	madvise(ARENA, PAGES * PAGE, MADV_NOHUGEPAGE);
	madvise(ARENA + PAGES * PAGE, HUGE * PAGE, MADV_HUGEPAGE);
	for (unsigned int i = 0; i < ALL; i++)
		write_page(i, i + 7);
	for (who = 1; who <= KIDS; who++)
		if (fork() == 0) {
			take_step(0);
			touch_file("did", 0, who);
			child();
		}
	who = 0;
	take_step(0);
	for (unsigned int k = 1; k <= KIDS; k++)
		while (!there_is("did", 0, k))
			usleep(2000);
	ready();
	follow_steps();
	for (unsigned int k = 1; k <= KIDS; k++)
		while (!there_is("looked", 0, k))
			usleep(2000);
	wrong = wrong_pages();
	verify(!wrong, "the parent has %u wrong pages after %u steps", wrong, steps);
	memset(ARENA, 0x55, ALL * PAGE);
	touch_file("wrote", 0, 0);
	for (unsigned int k = 0; k < KIDS; k++)
		wait(NULL);
	for (unsigned long i = 0; i < ALL * PAGE; i += 8)
		wrong += *(uint64_t *)(ARENA + i) != 0x5555555555555555ULL;
	verify(!wrong, "the parent: %u words of what it wrote are not its own", wrong);
}

/* ---- the test ---- */

static void clear_steps(void)
{
	char output[256];

	RUN(output, "/bin/sh", "-c", "rm -f /tmp/selftest/step.* /tmp/selftest/did.* /tmp/selftest/looked.* /tmp/selftest/wrote.*");
}

static bool let_step(unsigned int step)
{
	touch_file("step", step, 0);
	for (unsigned int k = 0; k <= KIDS; k++)
		for (int waited = 0; !there_is("did", step, k); waited++) {
			if (waited == 60000) {
				tap_ok(false, "process %u takes step %u", k, step);
				return false;
			}
			usleep(2000);
		}
	return true;
}

static void size_is_below(const char *image, long long most, const char *what)
{
	struct stat st = { };

	stat(image, &st);
	tap_ok(st.st_size > 0 && st.st_size < most, "%s: %lld bytes, less than %lld", what, (long long)st.st_size, most);
}

static bool restart_killed(struct subject *s, const char *image, const char *const *more)
{
	kill(-s->pid, SIGKILL);
	if (!wait_gone(s->pid))
		return false;
	/* Its children may take longer. */
	while (kill(-s->pid, 0) == 0)
		usleep(2000);
	return subject_restart(s, image, more);
}

static void once(const char *name, const char *const *more, const char *const *how)
{
	const char *image = "/ckpt/selftest-cow.img";
	struct subject s;

	clear_steps();
	shares_again = !how;
	if (!subject_start(&s, name, body))
		return;
	if (subject_checkpoint(&s, image, more)) {
		size_is_below(image, BYTES + BYTES / 2, name);
		if (restart_killed(&s, image, how))
			subject_finish(&s);
	}
	subject_end(&s);
	unlink(image);
}

#define IMAGE(n) "/ckpt/selftest-cow." #n ".img"

/* What one image has as another process's, no later one leaves to it. */
static void chain(const char *name, const char *tracker)
{
	static const char *const images[] = { IMAGE(0), IMAGE(1), IMAGE(2), IMAGE(3) };
	char output[8192];
	struct subject s;
	bool good;

	clear_steps();
	shares_again = true;
	if (!subject_start(&s, name, body))
		return;
	good = subject_checkpoint(&s, images[0], (const char *const[]){ "--tracker", tracker, NULL });
	for (unsigned int step = 1; step <= STEPS && good; step++) {
		good = let_step(step) &&
		       subject_checkpoint(&s, images[step], (const char *const[]){ "--parent", images[step - 1], NULL });
		if (good && strcmp(tracker, "soft-dirty"))
			size_is_below(images[step], BYTES / 4, name);
		/* It goes on from there: now what was restored is what an increment is over. */
		if (good && step == 2)
			good = restart_killed(&s, images[step], NULL);
	}
	good = good && restart_killed(&s, images[1], NULL) && restart_killed(&s, images[STEPS], NULL) && subject_finish(&s);
	tap_ok(good, "%s: a chain of %d", name, STEPS + 1);
	if (good) {
		int status = RUN(output, ckptinfo_path, "--merge", IMAGE(0) ".." IMAGE(3), "-o", "/tmp/selftest-cow.img");

		clear_steps();
		tap_ok(status == 0, "%s: is merged %s", name, output);
		if (subject_restart(&s, "/tmp/selftest-cow.img", NULL))
			subject_finish(&s);
		unlink("/tmp/selftest-cow.img");
	}
	subject_end(&s);
	for (int i = 0; i <= STEPS; i++)
		unlink(images[i]);
}

int main(void)
{
	need_checkpoint();
	once("full", (const char *const[]){ "--kill", NULL }, NULL);
	once("live", (const char *const[]){ "--live", NULL }, NULL);
	once("lazy", NULL, (const char *const[]){ "--lazy", NULL });
	chain("chain", "scan");
	chain("chain-soft-dirty", "soft-dirty");
	clear_steps();
	return tap_done();
}
