// SPDX-License-Identifier: Apache-2.0
/*
 * Lives with what has no name: in a directory that was removed, with a FIFO
 * that was unlinked while bytes stood in it, and with a file that only it and
 * its child still have, by one open file description.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIFO_WORDS	128

/* What the child says of the shared file, in the shared file. */
struct report {
	uint64_t beats;
	uint64_t inode;
	int64_t position;
};

static bool with_cwd, with_fifo, with_shared;
static struct stat cwd, fifo, shared;
static int fifo_fd = -1, shared_fd = -1;
static uint64_t last_beats;

static bool same(const struct stat *now, const struct stat *before)
{
	return now->st_ino == before->st_ino && now->st_dev == before->st_dev && now->st_nlink == before->st_nlink;
}

static bool die_of(const char *what)
{
	fprintf(stderr, "nameless: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void lose_cwd(const char *dir)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/nameless.%d", dir, getpid());
	if (mkdir(path, 0700) < 0 || chdir(path) < 0 || rmdir(path) < 0 || stat(".", &cwd) < 0)
		die_of(path);
	lab_say("working directory %s removed, inode %llu", path, (unsigned long long)cwd.st_ino);
}

static bool cwd_is_right(void)
{
	struct stat now;
	char path[256];

	return stat(".", &now) == 0 && same(&now, &cwd) && !getcwd(path, sizeof(path)) && errno == ENOENT;
}

static void lose_fifo(const char *dir)
{
	uint64_t words[FIFO_WORDS];
	char path[4096];

	snprintf(path, sizeof(path), "%s/nameless.fifo.%d", dir, getpid());
	if (mkfifo(path, 0600) < 0)
		die_of(path);
	fifo_fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	lab_fill(words, FIFO_WORDS, 7);
	if (fifo_fd < 0 || write(fifo_fd, words, sizeof(words)) != sizeof(words) || unlink(path) < 0 ||
	    fstat(fifo_fd, &fifo) < 0)
		die_of(path);
	lab_say("FIFO %s unlinked with %zu bytes in it, fd %d inode %llu", path, sizeof(words), fifo_fd,
		(unsigned long long)fifo.st_ino);
}

/* Takes the bytes out to look at them, and puts them back. */
static bool fifo_is_right(void)
{
	uint64_t words[FIFO_WORDS + 1];
	struct stat now;
	bool good;

	good = fstat(fifo_fd, &now) == 0 && S_ISFIFO(now.st_mode) && same(&now, &fifo);
	good = read(fifo_fd, words, sizeof(words)) == FIFO_WORDS * sizeof(words[0]) && good;
	good = good && lab_filled(words, FIFO_WORDS, 7);
	lab_fill(words, FIFO_WORDS, 7);
	return write(fifo_fd, words, FIFO_WORDS * sizeof(words[0])) == FIFO_WORDS * sizeof(words[0]) && good;
}

static void child_loop(void)
{
	struct report report = { 0 };
	struct stat now;

	for (;;) {
		usleep(20000);
		if (fstat(shared_fd, &now) < 0)
			_exit(1);
		report.beats++;
		report.inode = now.st_ino;
		report.position = lseek(shared_fd, 0, SEEK_CUR);
		if (pwrite(shared_fd, &report, sizeof(report), 0) != sizeof(report))
			_exit(1);
	}
}

static void share_file(const char *dir)
{
	pid_t parent = getpid();
	char path[4096];

	snprintf(path, sizeof(path), "%s/nameless.shared.%d", dir, parent);
	shared_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (shared_fd < 0 || ftruncate(shared_fd, 1 << 20) < 0 || unlink(path) < 0 || fstat(shared_fd, &shared) < 0)
		die_of(path);

	pid_t child = fork();

	if (child < 0)
		die_of("fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		child_loop();
	}
	lab_say("file %s unlinked, fd %d inode %llu, shared with pid %d", path, shared_fd,
		(unsigned long long)shared.st_ino, child);
}

/* A position set here is seen there: it is one description, and the child lives. */
static bool shared_is_right(void)
{
	static int64_t position = 4096;
	struct report report;
	struct stat now;

	position = position % 900000 + 4096;
	if (fstat(shared_fd, &now) < 0 || !same(&now, &shared) || lseek(shared_fd, position, SEEK_SET) != position)
		return false;
	for (int waited = 0; waited < 500; waited++) {
		if (pread(shared_fd, &report, sizeof(report), 0) != sizeof(report) || report.beats < last_beats)
			return false;
		if (report.position == position && report.beats > last_beats) {
			last_beats = report.beats;
			return report.inode == shared.st_ino;
		}
		usleep(10000);
	}
	return false;
}

static void verify(void)
{
	bool cwd_ok = !with_cwd || cwd_is_right(), fifo_ok = !with_fifo || fifo_is_right();
	bool shared_ok = !with_shared || shared_is_right();

	lab_verdict(cwd_ok && fifo_ok && shared_ok, "directory %s, FIFO %s, shared file %s",
		    !with_cwd ? "not asked for" : cwd_ok ? "the same" : "WRONG",
		    !with_fifo ? "not asked for" : fifo_ok ? "the same, with its bytes" : "WRONG",
		    !with_shared ? "not asked for" : shared_ok ? "one for both" : "WRONG");
}

int main(int argc, char **argv)
{
	const char *dir = "/data";
	const struct lab_option options[] = {
		{ "--dir", "where they lose their names (/data)", .word = &dir },
		{ "--cwd", "only what is named: a removed working directory", .flag = &with_cwd },
		{ "--fifo", "an unlinked FIFO with bytes in it", .flag = &with_fifo },
		{ "--shared", "an unlinked file shared with a child", .flag = &with_shared },
		{ },
	};

	lab_start("nameless", "Holds a removed directory, an unlinked FIFO and a shared file without a name.", options, argc,
		  argv);
	if (!with_cwd && !with_fifo && !with_shared)
		with_cwd = with_fifo = with_shared = true;
	if (with_fifo)
		lose_fifo(dir);
	if (with_shared)
		share_file(dir);
	if (with_cwd)
		lose_cwd(dir);
	lab_say("all without a name");
	for (unsigned long beats = 0;; beats++) {
		lab_beat(10);
		if (lab_progress_due())
			lab_say("%lu beats", beats);
		if (lab_verify_due())
			verify();
	}
}
