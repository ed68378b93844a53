// SPDX-License-Identifier: Apache-2.0
/*
 * The address spaces of a tree are made by all who help with a restart: each
 * has its mappings, its own pages and the pages that it shares with others,
 * whoever has made it. Help is taken from children of the coordinator alone,
 * and ends with it.
 */
/* covers: Memory | address spaces of a tree made side by side on several CPUs | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/checkpoint.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define PAGE		4096UL
#define KIDS		60
#define PAGES		40
#define ARENA		((char *)0x20000000000UL)
#define OWN(who)	((char *)0x30000000000UL + (who) * 64 * PAGE)
#define TRIES		20

static uint64_t *word_of(char *base, unsigned int page)
{
	return (uint64_t *)(base + page * PAGE);
}

/* Every third page of what all have from the first one is its own. */
static void dirty(unsigned int who)
{
	for (unsigned int page = who % 3; page < PAGES; page += 3)
		*word_of(ARENA, page) = 1000 * who + page;
	mmap(OWN(who), (1 + who % 32) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	for (unsigned int page = 0; page <= who % 32; page++)
		*word_of(OWN(who), page) = 7000 * who + page;
	mprotect(OWN(who), PAGE, PROT_READ);
}

/* @of has what @from had when it was made, but for its own. */
static bool is_right(unsigned int of, unsigned int from)
{
	for (unsigned int page = 0; page < PAGES; page++) {
		uint64_t is = *word_of(ARENA, page), want = 500000 + page;

		if (page % 3 == of % 3)
			want = 1000 * of + page;
		else if (from != of && page % 3 == from % 3)
			want = 1000 * from + page;
		if (is != want)
			return false;
	}
	for (unsigned int page = 0; page <= of % 32; page++)
		if (*word_of(OWN(of), page) != 7000 * of + page)
			return false;
	return true;
}

static const char *mappings(char room[8192])
{
	return whole_content("/proc/self/maps", room, 8192);
}

/* Some of its mappings are those of who made it, some are not. */
static void live(unsigned int who, unsigned int parent, int told, pid_t kid)
{
	char before[8192], after[8192];
	int status = 0;

	mappings(before);
	if (write(told, "", 1) != 1)
		_exit(2);
	wait_for_go();
	if (kid && (waitpid(kid, &status, 0) != kid || status))
		_exit(3);
	if (strcmp(before, mappings(after)))
		_exit(4);
	_exit(is_right(who, parent) ? 0 : 1);
}

/* Odd ones are children of the even ones before them. */
static void body(void)
{
	pid_t kids[KIDS];
	unsigned int good = 0;
	int told[2], status;
	char byte;

	if (pipe(told) < 0)
		return;
	mmap(ARENA, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	for (unsigned int page = 0; page < PAGES; page++)
		*word_of(ARENA, page) = 500000 + page;
	for (unsigned int i = 0; i < KIDS; i += 2) {
		kids[i] = fork();
		if (kids[i] == 0) {
			pid_t grandchild;

			dirty(i + 1);
			grandchild = fork();
			if (grandchild == 0) {
				dirty(i + 2);
				live(i + 2, i + 1, told[1], 0);
			}
			live(i + 1, i + 1, told[1], grandchild);
		}
	}
	for (unsigned int i = 0; i < KIDS; i++)
		if (read(told[0], &byte, 1) != 1)
			return;
	pause_here();
	for (unsigned int i = 0; i < KIDS; i += 2)
		good += waitpid(kids[i], &status, 0) == kids[i] && status == 0;
	verify(good == KIDS / 2, "%u of %u branches have their mappings, and their memory", good, KIDS / 2);
}

/* How many address spaces others have made, as the command tells; -1 if the restart fails. */
static int restart_and_count(struct subject *s, const char *image)
{
	char output[8192], *at;

	kill(-s->pid, SIGKILL);
	wait_gone(s->pid);
	while (kill(-s->pid, 0) == 0)
		usleep(2000);
	if (RUN(output, restart_path, "--json", "--detach", "-i", image) != 0) {
		tap_diag("%s", output);
		return -1;
	}
	at = strstr(output, "\"helped\":");
	return at ? atoi(at + strlen("\"helped\":")) : -1;
}

static int nr_cpus(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) < 0 ? 1 : CPU_COUNT(&cpus);
}

static void help_is_had(const char *image)
{
	struct subject s;
	int helped = 0;

	if (!subject_start(&s, "tree", body))
		return;
	if (subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL })) {
		/* Who comes first is for the scheduler to say. */
		for (int i = 0; i < TRIES && !helped; i++)
			helped = restart_and_count(&s, image);
		tap_ok(nr_cpus() == 1 ? helped == 0 : helped > 0 && helped <= KIDS + 1,
		       "on %d CPUs, %d of %d address spaces were made by who helped", nr_cpus(), helped, KIDS + 1);
		if (helped >= 0)
			subject_finish(&s);
	}
	subject_end(&s);
}

static long restart_op(int op, int ctx_fd, int image_fd)
{
	struct restart_args args = {
		.op = op, .ctx_fd = ctx_fd, .log_fd = -1, .image_fds = (uintptr_t)&image_fd, .nr_image_fds = image_fd >= 0,
	};

	return syscall(__NR_restart_x86_64, &args, sizeof(args));
}

static int exit_status(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The caller may be somebody whom the context was handed to. */
static void help_is_refused(const char *image)
{
	int image_fd = open(image, O_RDONLY | O_CLOEXEC), ctx = restart_op(RESTART_CREATE, -1, image_fd), status;
	pid_t child;

	tap_ok(ctx >= 0, "a context");
	if (ctx < 0)
		return;
	tap_ok(restart_op(RESTART_HELP, ctx, -1) < 0 && errno == EPERM, "not by the coordinator itself");
	child = fork();
	if (child == 0) {
		pid_t grandchild = fork();

		if (grandchild == 0)
			_exit(restart_op(RESTART_HELP, ctx, -1) < 0 ? errno : 0);
		_exit(exit_status(grandchild));
	}
	status = exit_status(child);
	tap_ok(status == EPERM, "nor by a child's child (%d)", status);
	child = fork();
	if (child == 0)
		_exit(restart_op(RESTART_HELP, ctx, -1) == 0 ? 0 : 1);
	/* Whether it waits already or is still to come. */
	close(ctx);
	close(image_fd);
	status = exit_status(child);
	tap_ok(status == 0, "a child that helps is let go when the context is closed (%d)", status);
}

int main(void)
{
	const char *image = "/tmp/selftest-helpers.img";

	need_checkpoint();
	help_is_had(image);
	help_is_refused(image);
	unlink(image);
	return tap_done();
}
