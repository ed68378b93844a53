// SPDX-License-Identifier: Apache-2.0
/*
 * What belongs to a user namespace has to be made by a process in it; the tasks
 * of the tree come from outside, where their pids can be chosen. So one process
 * enters it, makes the others, and stays until the root has been made in them.
 */
#define _GNU_SOURCE
#include "user_ns.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mounts.h"
#include "util.h"

/* That of the tree. */
static int user_ns = -1;

#define KINDS	(CKPT_NS_UTS | CKPT_NS_IPC | CKPT_NS_MNT | CKPT_NS_NET | CKPT_NS_CGROUP)

static struct ckpt_user_ns head_of(const struct tasks *tasks)
{
	struct ckpt_user_ns head = { };

	if (tasks->user_ns_len >= sizeof(head))
		memcpy(&head, tasks->user_ns, sizeof(head));
	return head;
}

uint32_t user_ns_owns(const struct tasks *tasks)
{
	return tasks->own & CKPT_NS_USER && head_of(tasks).flags & CKPT_USER_NS_OWNS ? tasks->own & KINDS : 0;
}

static int flags_of(uint32_t own)
{
	return (own & CKPT_NS_UTS ? CLONE_NEWUTS : 0) | (own & CKPT_NS_IPC ? CLONE_NEWIPC : 0) |
	       (own & CKPT_NS_MNT ? CLONE_NEWNS : 0) | (own & CKPT_NS_NET ? CLONE_NEWNET : 0) |
	       (own & CKPT_NS_CGROUP ? CLONE_NEWCGROUP : 0);
}

/* Why it could not come so far, for its parent. */
static __attribute__((noreturn)) void fail(int to, int error)
{
	if (write(to, &error, sizeof(error)) < 0)
		error = 0;
	_exit(1);
}

static void say(int to)
{
	int none = 0;

	if (write(to, &none, sizeof(none)) != sizeof(none))
		_exit(1);
}

/* In the holder: @to its parent. It ends with it. */
static __attribute__((noreturn)) void hold(const struct tasks *tasks, int to)
{
	struct ckpt_user_ns head = head_of(tasks);
	uint32_t own = user_ns_owns(tasks);
	bool procs_later = false;
	char byte;

	/* Whoever makes a user namespace owns it. */
	if ((head.group != getegid() && setresgid(-1, head.group, -1) < 0) ||
	    (head.owner != geteuid() && setresuid(-1, head.owner, -1) < 0) || unshare(CLONE_NEWUSER) < 0)
		fail(to, errno);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	say(to);
	if (read(to, &byte, 1) != 1)
		_exit(1);
	/* What it makes in filesystems has an owner that is known there, if there is one. */
	if (setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) < 0 && errno != EINVAL)
		fail(to, errno);
	if (own && unshare(flags_of(own)) < 0)
		fail(to, errno);
	for (int i = 0; i < tasks->nr; i++)
		procs_later |= !!(tasks->at[i].ns.flags & CKPT_NS_PID_INIT);
	if (own & CKPT_NS_MNT && !mounts_make(tasks->mounts, false, procs_later))
		fail(to, EIO);
	say(to);
	while (read(to, &byte, 1) > 0)
		;
	_exit(0);
}

/* 0 or an error number. */
static int heard(int from)
{
	int error;

	return read(from, &error, sizeof(error)) == sizeof(error) ? error : ECHILD;
}

static void write_proc(pid_t pid, const char *name, const char *text)
{
	char *path = xasprintf("/proc/%d/%s", pid, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("the %s of its user namespace cannot be set: %s", name, strerror(errno));
	close(fd);
	free(path);
}

static void write_map(pid_t pid, const char *name, const struct ckpt_id_extent *extents, uint32_t nr)
{
	size_t room = nr * 3 * 11 + 1, len = 0;
	char *text = xcalloc(1, room);

	for (uint32_t i = 0; i < nr; i++)
		len += snprintf(text + len, room - len, "%u %u %u\n", extents[i].first, extents[i].lower, extents[i].count);
	/* One that was never written stays so. */
	if (nr)
		write_proc(pid, name, text);
	free(text);
}

static void write_maps(const struct tasks *tasks, pid_t pid)
{
	struct ckpt_user_ns head = head_of(tasks);
	const struct ckpt_id_extent *extents = (const void *)((const char *)tasks->user_ns + sizeof(head));

	if (!(head.flags & CKPT_USER_NS_SETGROUPS))
		write_proc(pid, "setgroups", "deny");
	write_map(pid, "uid_map", extents, head.nr_uids);
	write_map(pid, "gid_map", extents + head.nr_uids, head.nr_gids);
}

static void check(const struct tasks *tasks)
{
	struct ckpt_user_ns head = head_of(tasks);

	if (tasks->user_ns_len < sizeof(head) || head.flags & ~CKPT_USER_NS_FLAGS_ALL || head.reserved ||
	    tasks->user_ns_len - sizeof(head) !=
	    ((uint64_t)head.nr_uids + head.nr_gids) * sizeof(struct ckpt_id_extent))
		die("the image contradicts itself about its user namespace");
}

static bool is_wanted(const struct tasks *tasks, pid_t pid)
{
	for (int i = 0; i < tasks->nr; i++)
		if (tasks->at[i].entry.pid == pid)
			return true;
	return false;
}

/* As fork(), but it does not get a pid that the tree is to have. */
static pid_t fork_beside(const struct tasks *tasks)
{
	pid_t pid = fork(), next;

	if (pid == 0 && is_wanted(tasks, getpid())) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	if (pid <= 0 || !is_wanted(tasks, pid))
		return pid;
	/* This one waits until there is another. */
	next = fork_beside(tasks);
	if (next != 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return next;
}

pid_t user_ns_make(const struct tasks *tasks, int ctx_fd)
{
	int ends[2], error;
	char *path;
	pid_t pid;

	check(tasks);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		die("cannot prepare: %s", strerror(errno));
	pid = fork_beside(tasks);
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		close(ends[0]);
		hold(tasks, ends[1]);
	}
	close(ends[1]);
	error = heard(ends[0]);
	if (error)
		die("its user namespace cannot be made: %s", strerror(error));
	write_maps(tasks, pid);
	if (write(ends[0], "", 1) != 1 || (error = heard(ends[0])))
		die("what belongs to its user namespace cannot be made: %s", strerror(error ?: errno));
	path = xasprintf("/proc/%d/ns/user", pid);
	user_ns = open(path, O_RDONLY | O_CLOEXEC);
	if (user_ns < 0 || ioctl(ctx_fd, CKPT_RESTART_USER_NS, (long)user_ns) < 0)
		die("its user namespace cannot be used: %s", strerror(errno));
	free(path);
	/* ends[0] stays open: the holder lives as long. */
	return pid;
}

/* Who makes it enters the user namespace for that, and ends when it has been opened. */
int user_ns_make_net(void)
{
	int ends[2], error, fd;
	char *path, byte;
	pid_t pid;

	if (user_ns < 0)
		die("a network of a user namespace, but the image has none");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		die("cannot prepare: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		close(ends[0]);
		if (setns(user_ns, CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNET) < 0)
			fail(ends[1], errno);
		say(ends[1]);
		while (read(ends[1], &byte, 1) > 0)
			;
		_exit(0);
	}
	close(ends[1]);
	error = heard(ends[0]);
	if (error)
		die("cannot make a network namespace: %s", strerror(error));
	path = xasprintf("/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	free(path);
	close(ends[0]);
	waitpid(pid, NULL, 0);
	return fd;
}

bool user_ns_enter(void)
{
	errno = ENOENT;
	return user_ns >= 0 && setns(user_ns, CLONE_NEWUSER) == 0;
}

void user_ns_end(pid_t holder)
{
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
}
