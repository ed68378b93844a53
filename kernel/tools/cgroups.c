// SPDX-License-Identifier: Apache-2.0
/*
 * The record is lines:
 *	N PATH		the root of the tree's own cgroup namespace
 *	C PATH		a control group, after those above it
 *	A NAME VALUE	a line of what stands in one of its files
 *	P PID PATH	where a process is
 * Paths are as the caller of checkpoint sees them. A group that is there at the
 * restart is taken as it is.
 */
#define _GNU_SOURCE
#include "cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

#define VALUE_BYTES	4096

/* Where the whole hierarchy is mounted, as far as the caller sees it; NULL: nowhere. */
static const char *mounted_at(void)
{
	static char *found;
	FILE *file = found ? NULL : fopen("/proc/self/mountinfo", "re");
	char root[PATH_MAX], at[PATH_MAX], *line = NULL;
	size_t room = 0;

	while (file && !found && getline(&line, &room, file) > 0)
		if (strstr(line, " - cgroup2 ") && sscanf(line, "%*s %*s %*s %4095s %4095s", root, at) == 2 &&
		    !strcmp(root, "/"))
			found = strdup(at);
	free(line);
	if (file)
		fclose(file);
	return found;
}

/* Of a process, or of the caller: "" if it cannot be known. */
static char *path_of(const char *pid)
{
	char *name = xasprintf("/proc/%s/cgroup", pid), *line = NULL, *path = NULL;
	FILE *file = fopen(name, "re");
	size_t room = 0;

	while (file && !path && getline(&line, &room, file) > 0)
		if (!strncmp(line, "0::/", 4)) {
			line[strcspn(line, "\n")] = '\0';
			path = xasprintf("%s", line + 3);
		}
	if (file)
		fclose(file);
	free(line);
	free(name);
	return path ?: xasprintf("%s", "");
}

static void add_line(struct bytes *to, char kind, const char *first, const char *second)
{
	char *line = xasprintf("%c %s%s%s\n", kind, first, second ? " " : "", second ?: "");

	bytes_add(to, line, strlen(line));
	free(line);
}

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && !strcmp(name + len - n, end);
}

/* What is no setting: who is in it, what was reached, what is asked for once. */
static bool is_setting(const char *name)
{
	static const char *const others[] = { "cgroup.procs", "cgroup.threads", "cgroup.kill", "cgroup.freeze", "memory.reclaim" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(name, others[i]))
			return false;
	return !strchr(name, '/') && name[0] != '.' && !ends_in(name, ".pressure") && !ends_in(name, ".peak");
}

static void add_settings(int dir, struct bytes *to)
{
	struct dirent **entries;
	int nr = scandirat(dir, ".", &entries, NULL, alphasort);

	for (int i = 0; i < nr; i++) {
		const char *name = entries[i]->d_name;
		char value[VALUE_BYTES], *rest = value, *line;
		struct stat st;
		ssize_t n;
		int fd;

		if (!is_setting(name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
		    (st.st_mode & 0600) != 0600)
			continue;
		fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, value, sizeof(value) - 1);
		if (fd >= 0)
			close(fd);
		if (n <= 0)
			continue;
		value[n] = '\0';
		while ((line = strsep(&rest, "\n")))
			if (*line)
				add_line(to, 'A', name, line);
	}
	for (int i = 0; i < nr; i++)
		free(entries[i]);
	if (nr >= 0)
		free(entries);
}

/* Is that line there? */
static bool has_line(const struct bytes *all, char kind, const char *text)
{
	size_t len = strlen(text);

	for (const char *p = all->at, *end = all->at + all->len; p && p < end; p = memchr(p, '\n', end - p), p = p ? p + 1 : p)
		if (p[0] == kind && (size_t)(end - p) > len + 2 && !strncmp(p + 2, text, len) && p[len + 2] == '\n')
			return true;
	return false;
}

/* It, and before it those above it, but for the topmost. */
static void add_group(struct bytes *to, const char *path)
{
	char *part = xasprintf("%s", path), *at, *slash = part;
	int dir;

	while (*slash) {
		char next;

		slash = strchrnul(slash + 1, '/');
		next = *slash;
		*slash = '\0';
		if (part[1] && !has_line(to, 'C', part)) {
			add_line(to, 'C', part, NULL);
			at = xasprintf("%s%s", mounted_at(), part);
			dir = open(at, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
			if (dir >= 0) {
				add_settings(dir, to);
				close(dir);
			}
			free(at);
		}
		*slash = next;
	}
	free(part);
}

/* What a process that has entered its namespace sees of it: the end of its path. */
static char *path_inside(pid_t pid)
{
	char *ns = xasprintf("/proc/%d/ns/cgroup", pid), *self = xasprintf("%d", pid), path[PATH_MAX] = "", *inside;
	int ends[2], fd = open(ns, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	pid_t child;

	if (fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
		die("its cgroup namespace cannot be looked into: %s", strerror(errno));
	child = fork();
	if (child == 0) {
		if (setns(fd, CLONE_NEWCGROUP) < 0)
			_exit(1);
		inside = path_of(self);
		_exit(write(ends[1], inside, strlen(inside)) < 0);
	}
	close(ends[1]);
	n = read(ends[0], path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	close(fd);
	waitpid(child, NULL, 0);
	free(ns);
	free(self);
	return xasprintf("%s", path);
}

static void add_root(struct bytes *to, pid_t pid, const char *path)
{
	char *inside = path_inside(pid), *root = xasprintf("%s", path);

	if (!*inside || !strncmp(inside, "/..", 3) || (strcmp(inside, "/") && !ends_in(root, inside)))
		die("pid %d: it is not below the root of its cgroup namespace: not supported", pid);
	if (strcmp(inside, "/"))
		root[strlen(root) - strlen(inside)] = '\0';
	add_group(to, *root ? root : "/");
	add_line(to, 'N', *root ? root : "/", NULL);
	free(inside);
	free(root);
}

void cgroups_describe(const struct tree *tree, bool own_namespace, struct bytes *to)
{
	char *ours = path_of("self");

	for (size_t i = 0; i < tree->nr && mounted_at(); i++) {
		char *pid = xasprintf("%d", tree->pids[i]), *theirs = path_of(pid);

		/* Of one that has ended it is the topmost. */
		if (*theirs && !strncmp(theirs, "/..", 3))
			die("pid %s: its control group, %s, is not to be seen from here: not supported", pid, theirs);
		if (!i && own_namespace)
			add_root(to, tree->pids[i], theirs);
		if (*theirs && (own_namespace || strcmp(ours, theirs))) {
			add_group(to, theirs);
			add_line(to, 'P', pid, theirs);
		}
		free(theirs);
		free(pid);
	}
	free(ours);
}

/* ---- restart ---- */

/* The lines one after the other: kind, and what follows. NULL at the end. */
static char *next_line(const struct tasks *tasks, size_t *offset, char *kind)
{
	const char *at = (const char *)tasks->cgroups + *offset, *end;
	size_t left = tasks->cgroups_len - *offset;

	if (!tasks->cgroups || *offset >= tasks->cgroups_len)
		return NULL;
	end = memchr(at, '\n', left);
	if (!end || end - at < 3 || at[1] != ' ' || memchr(at, '\0', end - at))
		die("the image contradicts itself about its control groups");
	*offset += end - at + 1;
	*kind = at[0];
	return strndup(at + 2, end - at - 2);
}

/* Where it is in the filesystem; an image cannot name another place. */
static char *place_of(const char *path)
{
	char *around = xasprintf("%s/", path);

	if (path[0] != '/' || strstr(around, "/../") || strstr(around, "/./"))
		die("the image names a control group %s", path);
	free(around);
	if (!mounted_at())
		die("control group %s: no cgroup2 is mounted here", path);
	return xasprintf("%s%s", mounted_at(), path);
}

static int write_to(const char *place, const char *name, const char *value)
{
	char *path = xasprintf("%s/%s", place, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), error = 0;

	if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		error = errno ?: EIO;
	if (fd >= 0)
		close(fd);
	free(path);
	return error;
}

/* A line of a file: for some it is not written as it is read. */
static int set(const char *place, const char *name, char *value)
{
	char *word, *plus;
	int error = 0;

	if (!is_setting(name))
		return EINVAL;
	if (!strcmp(name, "cgroup.type"))
		return strcmp(value, "threaded") ? 0 : write_to(place, name, value);
	if (strcmp(name, "cgroup.subtree_control"))
		return write_to(place, name, value);
	while ((word = strsep(&value, " ")) && !error)
		if (*word) {
			plus = xasprintf("+%s", word);
			error = write_to(place, name, plus);
			free(plus);
		}
	return error;
}

void cgroups_make(const struct tasks *tasks)
{
	char *place = NULL, *line, kind;
	bool is_new = false;
	size_t offset = 0;

	while ((line = next_line(tasks, &offset, &kind))) {
		char *value = strchr(line, ' ');
		int error;

		if (kind == 'C') {
			free(place);
			place = place_of(line);
			is_new = mkdir(place, 0755) == 0;
			if (!is_new && errno != EEXIST)
				die("control group %s cannot be made: %s", line, strerror(errno));
		} else if (kind == 'A' && is_new && value) {
			*value++ = '\0';
			error = set(place, line, value);
			if (error)
				die("%s of control group %s cannot be %s: %s", line, place, value, strerror(error));
		}
		free(line);
	}
	free(place);
}

static void go(const char *path, pid_t pid)
{
	char *place = place_of(path), *text = xasprintf("%d", pid);
	int error = write_to(place, "cgroup.procs", text);

	if (error)
		die("pid %d cannot be in control group %s: %s", pid, path, strerror(error));
	free(place);
	free(text);
}

static char *before;	/* where the caller was */

void cgroups_go_to_root(const struct tasks *tasks)
{
	char *line, kind;
	size_t offset = 0;

	if (!(tasks->own & CKPT_NS_CGROUP))
		return;
	before = path_of("self");
	while ((line = next_line(tasks, &offset, &kind))) {
		if (kind == 'N')
			go(line, getpid());
		free(line);
	}
}

void cgroups_go_back(const struct tasks *tasks)
{
	if (!(tasks->own & CKPT_NS_CGROUP) || !before)
		return;
	go(before, getpid());
	free(before);
	before = NULL;
}

void cgroups_move(const struct tasks *tasks)
{
	char *line, kind;
	size_t offset = 0;

	while ((line = next_line(tasks, &offset, &kind))) {
		char *path = strchr(line, ' ');
		long pid = kind == 'P' && path ? strtol(line, NULL, 10) : 0;

		/* Of one that had ended before the checkpoint nothing is left. */
		for (int i = 0; pid > 0 && i < tasks->nr; i++)
			if (tasks->at[i].entry.pid == pid && tasks->at[i].entry.flags & CKPT_TASK_LEADER &&
			    !(tasks->at[i].entry.flags & CKPT_TASK_ZOMBIE))
				go(path + 1, pid);
		free(line);
	}
}
