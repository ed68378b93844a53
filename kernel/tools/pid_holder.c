// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "pid_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "raw.h"

/* As getdents64(2) gives it. */
struct entry {
	uint64_t ino, off;
	uint16_t len;
	uint8_t type;
	char name[];
};

/* @file of /proc/@pid, cut to what there is room for. */
static bool read_proc(int pid, const char *file, char *text, size_t room)
{
	char path[64] = "/proc/", digits[12], *to = path + strlen(path);
	int nr = 0;
	long fd, len;

	for (; pid; pid /= 10)
		digits[nr++] = '0' + pid % 10;
	while (nr)
		*to++ = digits[--nr];
	*to++ = '/';
	strcpy(to, file);
	fd = raw3(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = raw3(SYS_read, fd, (long)text, room - 1);
	raw2(SYS_close, fd, 0);
	text[len > 0 ? len : 0] = '\0';
	return len > 0;
}

bool pid_has_ended(int pid)
{
	struct pollfd ended = { .events = POLLIN };
	long fd = raw2(SYS_pidfd_open, pid, 0), ready;

	if (fd < 0)
		return false;
	ended.fd = fd;
	ready = raw3(SYS_poll, (long)&ended, 1, 0);
	raw2(SYS_close, fd, 0);
	return ready == 1;
}

/*
 * Has @pid been killed, though it has not got round to ending? So it is with one of a
 * tree that a checkpoint has killed just now.
 */
static bool is_killed(int pid)
{
	static const char pending[] = "\nShdPnd:\t";
	unsigned long signals;
	char text[2048], *mask;

	if (!read_proc(pid, "status", text, sizeof(text)))
		return false;
	mask = strstr(text, pending);
	signals = mask ? strtoul(mask + strlen(pending), NULL, 16) : 0;
	return signals >> (SIGKILL - 1) & 1;
}

/* Is @pid alive, in the process group or the session @id? */
static bool is_member(int pid, int id)
{
	char text[512], *at, state;
	long parent, group, session;

	if (!read_proc(pid, "stat", text, sizeof(text)))
		return false;
	/* Its name may have any character in it. */
	at = strrchr(text, ')');
	if (!at || !at[1])
		return false;
	state = at[2];
	parent = strtol(at + 3, &at, 10);
	group = strtol(at, &at, 10);
	session = strtol(at, &at, 10);
	return parent >= 0 && (group == id || session == id) && !strchr("ZX", state);
}

int pid_living_member(int pid)
{
	_Alignas(struct entry) char entries[1024];
	long dir = raw3(SYS_openat, AT_FDCWD, (long)"/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), len;
	int found = 0;

	while (dir >= 0 && !found && (len = raw3(SYS_getdents64, dir, (long)entries, sizeof(entries))) > 0)
		for (long at = 0; at < len && !found; at += ((struct entry *)(entries + at))->len) {
			int other = atoi(((struct entry *)(entries + at))->name);

			if (other > 0 && is_member(other, pid) && !is_killed(other))
				found = other;
		}
	if (dir >= 0)
		raw2(SYS_close, dir, 0);
	return found;
}

enum pid_hope pid_hope(int pid)
{
	if (raw2(SYS_kill, pid, 0) == -ESRCH)
		return pid_living_member(pid) ? PID_TAKEN : PID_ENDING;
	if (pid_has_ended(pid))
		return PID_UNREAPED;
	return is_killed(pid) ? PID_ENDING : PID_TAKEN;
}
