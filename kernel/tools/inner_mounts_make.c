// SPDX-License-Identifier: Apache-2.0
/*
 * A process of its own makes each mount namespace, as the tree's root would, and ends
 * when it has been opened. What is of procfs is mounted by who lives in the pid
 * namespace that it is to show.
 */
#define _GNU_SOURCE
#include "inner_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mounts.h"
#include "namespaces.h"
#include "user_ns.h"
#include "util.h"

static int open_ns(pid_t pid, const char *name)
{
	char *path = xasprintf("/proc/%d/ns/%s", pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	free(path);
	return fd;
}

static bool ended_well(pid_t child)
{
	int status;

	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* Children live in the pid namespace already. */
static bool make_procs(const char *lines)
{
	pid_t child = fork();

	if (child == 0)
		_exit(!mounts_make(lines, true, false));
	return ended_well(child);
}

/* Those that are there already, by number: the first is that of the root. */
struct made {
	const int *ns;
	size_t nr;
};

/* What it has in common with others than the one that it is copied from. */
static bool keep_beyond(const struct made *made, uint32_t base, const char *lines)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool good = true;

	for (size_t i = 0; i < made->nr && good && made->nr > 1; i++)
		good = i == base || (setns(made->ns[i], CLONE_NEWNS) == 0 && mounts_keep_beyond(lines, i));
	mounts_are_copied_from(base);
	good = good && setns(made->ns[base], CLONE_NEWNS) == 0;
	/* Whoever asks for the restart may have another root directory than that of its namespace. */
	if (!base)
		good = good && fchdir(root) == 0 && chroot(".") == 0;
	close(root);
	return good;
}

static bool make_here(const struct tasks *tasks, const struct bytes *record, const struct made *made, const char *unfilled)
{
	const struct ckpt_inner_mounts *head = (const void *)record->at;
	const char *lines = (const char *)(head + 1);
	int pid_ns = open_ns(head->pid, "pid");
	struct namespaces_before before;

	mounts_find_self_by(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
	mounts_are_unfilled(unfilled);
	namespaces_enter(tasks->own, tasks->at[0].entry.pid, &before);
	/* Before the user namespace, which has no power over it. */
	if (setns(pid_ns, CLONE_NEWPID) < 0 || !keep_beyond(made, head->base, lines) || (head->own_user == 1 && !user_ns_enter()) ||
	    unshare(CLONE_NEWNS) < 0) {
		complain("a mount namespace cannot be made: %s", strerror(errno));
		return false;
	}
	return mounts_make(lines, false, true) && make_procs(lines);
}

static int make_one(const struct tasks *tasks, const struct bytes *record, const struct made *made, const char *unfilled)
{
	int ends[2], fd;
	char byte = 0;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		die("cannot prepare: %s", strerror(errno));
	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (child == 0) {
		close(ends[0]);
		if (!make_here(tasks, record, made, unfilled) || write(ends[1], &byte, 1) != 1)
			_exit(1);
		/* Until it has been opened. */
		while (read(ends[1], &byte, 1) > 0)
			;
		_exit(0);
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		die("the mounts of some of its processes cannot be made again");
	fd = open_ns(child, "mnt");
	close(ends[0]);
	if (!ended_well(child))
		die("the mounts of some of its processes cannot be made again");
	return fd;
}

static bool is_valid(const struct tasks *tasks, const struct bytes *record, size_t index)
{
	const struct ckpt_inner_mounts *head = (const void *)record->at;

	for (int i = 0; i < tasks->nr; i++)
		if (tasks->at[i].entry.pid == head->pid)
			return head->base <= index && head->own_user <= 1 && !head->reserved;
	return false;
}

void inner_mounts_make(const struct tasks *tasks, int ctx_fd)
{
	int *made = xcalloc(tasks->nr_inner_mounts + 1, sizeof(*made));
	char *unfilled = xasprintf("%s", tasks->mounts ?: "");

	made[0] = open_ns(tasks->at[0].entry.pid, "mnt");
	for (size_t i = 0; i < tasks->nr_inner_mounts; i++) {
		const struct bytes *record = &tasks->inner_mounts[i];
		char *more;

		if (!is_valid(tasks, record, i))
			die("the image contradicts itself about its mounts");
		made[i + 1] = make_one(tasks, record, &(struct made){ made, i + 1 }, unfilled);
		if (ioctl(ctx_fd, CKPT_RESTART_MOUNTS_NS, made[i + 1]) < 0)
			die("its mounts cannot be given to it: %s", strerror(errno));
		more = xasprintf("%s\n%s", unfilled, record->at + sizeof(struct ckpt_inner_mounts));
		free(unfilled);
		unfilled = more;
	}
	free(unfilled);
	for (size_t i = 0; i <= tasks->nr_inner_mounts; i++)
		close(made[i]);
	free(made);
}
