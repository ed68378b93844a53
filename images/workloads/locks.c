// SPDX-License-Identifier: Apache-2.0
/*
 * Holds one lock of each kind. Whether they still hold is asked the way
 * another process would: by a child that tries to take them.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind { POSIX, OFD, FLOCK, LEASE, NR_KINDS };

static const char *const names[NR_KINDS] = { "POSIX lock", "OFD lock", "flock", "lease" };
static char paths[NR_KINDS][4096];
static int fds[NR_KINDS];
static bool wanted[NR_KINDS];

static struct flock range_of(short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = 100, .l_len = 50 };
}

static bool take(enum kind kind)
{
	struct flock range = range_of(F_WRLCK);

	switch (kind) {
	case POSIX:
		return fcntl(fds[kind], F_SETLK, &range) == 0;
	case OFD:
		return fcntl(fds[kind], F_OFD_SETLK, &range) == 0;
	case FLOCK:
		return flock(fds[kind], LOCK_EX | LOCK_NB) == 0;
	case LEASE:
		/* SIGIO would tell of a break; nobody breaks it. */
		signal(SIGIO, SIG_IGN);
		return fcntl(fds[kind], F_SETLEASE, F_WRLCK) == 0;
	default:
		return false;
	}
}

/* In a child: 0 if somebody holds what was taken, and of a POSIX lock the right one. */
static int probe(enum kind kind, pid_t owner)
{
	struct flock range = range_of(F_WRLCK), beside = range;
	int fd = open(paths[kind], O_RDWR | O_CLOEXEC | O_NONBLOCK);

	beside.l_start += beside.l_len;
	if (fd < 0)
		return 2;
	switch (kind) {
	case POSIX:
		if (fcntl(fd, F_GETLK, &range) < 0 || fcntl(fd, F_GETLK, &beside) < 0)
			return 3;
		return range.l_type != F_WRLCK || range.l_pid != owner || range.l_start != 100 || range.l_len != 50 ||
		       beside.l_type != F_UNLCK;
	case OFD:
		if (fcntl(fd, F_OFD_GETLK, &range) < 0 || fcntl(fd, F_OFD_GETLK, &beside) < 0)
			return 3;
		return range.l_type != F_WRLCK || range.l_pid != -1 || range.l_start != 100 || range.l_len != 50 ||
		       beside.l_type != F_UNLCK;
	case FLOCK:
		return flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
	default:
		return 4;
	}
}

static bool holds(enum kind kind)
{
	pid_t owner = getpid(), child;
	int status;

	/* To open it would break it. */
	if (kind == LEASE)
		return fcntl(fds[kind], F_GETLEASE) == F_WRLCK;
	child = fork();
	if (child == 0)
		_exit(probe(kind, owner));
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void verify(void)
{
	char text[256] = "";
	bool good = true;

	for (int kind = 0; kind < NR_KINDS; kind++) {
		bool held = wanted[kind] && holds(kind);

		if (!wanted[kind])
			continue;
		good &= held;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s %s", *text ? ", " : "", names[kind],
			 held ? "held" : "LOST");
	}
	lab_verdict(good, "%s", text);
}

int main(int argc, char **argv)
{
	const char *dir = "/data";
	bool some = false;
	const struct lab_option options[] = {
		{ "--dir", "where the files are made (/data)", .word = &dir },
		{ "--posix", "only what is named: a POSIX lock", .flag = &wanted[POSIX] },
		{ "--ofd", "a lock of the open file description", .flag = &wanted[OFD] },
		{ "--flock", "a BSD lock", .flag = &wanted[FLOCK] },
		{ "--lease", "a write lease", .flag = &wanted[LEASE] },
		{ },
	};

	lab_start("locks", "Holds a file lock of each kind, and can tell whether another process would still meet them.",
		  options, argc, argv);
	for (int kind = 0; kind < NR_KINDS; kind++)
		some |= wanted[kind];
	for (int kind = 0; kind < NR_KINDS; kind++) {
		wanted[kind] |= !some;
		if (!wanted[kind])
			continue;
		snprintf(paths[kind], sizeof(paths[kind]), "%s/locks.%d.%d", dir, getpid(), kind);
		fds[kind] = open(paths[kind], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fds[kind] < 0 || !take(kind)) {
			fprintf(stderr, "locks: %s: %s: %s\n", paths[kind], names[kind], strerror(errno));
			return 1;
		}
		lab_say("%s on fd %d, %s", names[kind], fds[kind], paths[kind]);
	}
	lab_say("all taken");
	for (unsigned long beats = 0;; beats++) {
		lab_beat(10);
		if (lab_progress_due())
			lab_say("%lu beats", beats);
		if (lab_verify_due())
			verify();
	}
}
