// SPDX-License-Identifier: Apache-2.0
/*
 * A restart gives nobody what open(2) and setuid(2) would not have given the
 * one who asks for it, whatever the image says.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/checkpoint.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cases.h"
#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-rights.img"
#define FORGED	"/tmp/selftest-forged.img"

/* One who is nobody, but may choose pids. */
#define AS_USER	"/usr/bin/setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", \
		"--inh-caps", "+checkpoint_restore", "--ambient-caps", "+checkpoint_restore"

static char file[200];

/* A file of root's, held by a user who may read it. All it has is opened by the user, its program too. */
static void reader_body(void)
{
	if (setresgid(1000, 1000, 1000) < 0 || setresuid(1000, 1000, 1000) < 0)
		_exit(1);
	execl("/proc/self/exe", "rights", "--reader", file, NULL);
	_exit(1);
}

static void reader(void)
{
	char text[16] = "";
	int fd;

	for (fd = 0; fd < 3; fd++)
		dup2(open("/dev/null", O_RDWR | O_CLOEXEC), fd);
	close_range(3, ~0U, 0);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		_exit(1);
	pause_here();
	verify(read(fd, text, sizeof(text)) == 8 && !strcmp(text, "of root\n"), "it can be read");
	verify(write(fd, "x", 1) < 0, "and not be written");
	verify(geteuid() == 1000, "by user %u", geteuid());
}

static bool is_the_file(const void *body)
{
	const struct ckpt_file *f = body;

	return !strcmp((const char *)(f + 1), file);
}

static bool is_users(const void *body)
{
	return ((const struct ckpt_cred *)body)->euid == 1000;
}

static bool take_image(struct subject *s)
{
	FILE *out;

	snprintf(file, sizeof(file), "%s/rights-file", case_dir);
	out = fopen(file, "w");
	if (!out || fputs("of root\n", out) < 0 || fclose(out) || chmod(file, 0644) < 0)
		return false;
	return subject_start(s, "rights", reader_body) &&
	       subject_checkpoint(s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s->pid) &&
	       load_image(IMAGE, s->pid);
}

static void end(struct subject *s)
{
	subject_end(s);
	unlink(IMAGE);
	unlink(FORGED);
	unlink(file);
}

/* The control: the image as it is restores, by the user too. */
static void honest(void)
{
	struct subject s;
	char output[4096];

	if (take_image(&s)) {
		save_image(FORGED);
		int status = RUN(output, AS_USER, restart_path, "-i", FORGED, "--detach");

		tap_ok(status == 0, "the user restores its own process (%d: %s)", status, output);
		if (status == 0)
			subject_finish(&s);
	}
	end(&s);
}

static void refused_to_user(struct subject *s, const char *what, const char *words)
{
	char output[4096];
	int status;

	save_image(FORGED);
	status = RUN(output, AS_USER, restart_path, "-i", FORGED, "--detach");
	tap_ok(status == 1 && strstr(output, words), "%s: refused: \"%s\" (%d: %s)", what, words, status, output);
	tap_ok(wait_gone(s->pid), "%s: nothing is left of it", what);
}

static void forged(void)
{
	struct ckpt_file *f;
	struct ckpt_cred *cred;
	struct subject s;

	if (take_image(&s)) {
		f = record(CKPT_REC_FILE, is_the_file);
		cred = record(CKPT_REC_CRED, is_users);
		tap_ok(f && cred, "the image has the file and credentials");
		if (f && cred) {
			uint32_t good = f->f_flags;

			f->f_flags = (good & ~O_ACCMODE) | O_RDWR;
			refused_to_user(&s, "a file for reading, to be written", file);
			f->f_flags = good;
			cred->euid = 0;
			refused_to_user(&s, "credentials of root", "credentials");
		}
	}
	end(&s);
}

/* Who could open it then cannot any more: a restart is not the way around. */
static void withdrawn(void)
{
	struct subject s;

	if (take_image(&s)) {
		chmod(file, 0600);
		refused_to_user(&s, "a file that has been closed to others", file);
	}
	end(&s);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "honest", honest, "ext4 tmpfs" },
		{ "forged", forged, "ext4 tmpfs" },
		{ "withdrawn", withdrawn, "ext4 tmpfs" },
		{ },
	};

	if (argc == 3 && !strcmp(argv[1], "--reader")) {
		snprintf(file, sizeof(file), "%s", argv[2]);
		reader();
		finished();
		return 0;
	}
	return run_cases(argc, argv, cases);
}
