// SPDX-License-Identifier: Apache-2.0
/*
 * Control groups of an image are made again before its tasks, which start in them.
 * One that is there already stays as it is, but if it is of the tree's own
 * namespace, and nobody is in it. What the image says is not believed: a path leads
 * to nothing but a control group, and all is done with the caller's rights.
 */
#define _GNU_SOURCE
#include "cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "util.h"

#define VALUE_BYTES	65536
#define WHAT_TO_DO	"--no-cgroups leaves the tree in that of the caller"

struct group {
	char *path;		/* as the caller sees it */
	size_t line;		/* where its line stands in the text */
	char **more;		/* the lines about it */
	size_t nr_more;
	int fd;			/* of its directory */
	bool is_new;		/* made by this restart */
	bool is_empty;		/* nobody was in it */
	bool is_own;		/* of the tree's own namespace: what the image says holds */
	bool was_frozen;
};

static struct {
	struct group *of;
	size_t nr;
	int top;
	char *root;		/* of the tree's own namespace, or NULL */
	char *before;		/* where the caller was, while he is at that root */
} groups = { .top = -1 };

/* ---- what the image says ---- */

static void contradiction(void)
{
	die("the image contradicts itself about its control groups");
}

/* One that leads to nothing else. */
static bool is_path(const char *path)
{
	char *around = xasprintf("%s/", path);
	bool good = path[0] == '/' && !strstr(around, "/../") && !strstr(around, "/./") &&
		    (!path[1] || !strstr(around, "//")) && strlen(path) < PATH_MAX;

	free(around);
	return good;
}

static void add_group(char kind, const char *path, size_t line)
{
	bool inside = kind == CKPT_CGROUP_LINE && groups.root && groups.root[1];
	struct group *g;

	if (!is_path(path))
		contradiction();
	groups.of = realloc(groups.of, (groups.nr + 1) * sizeof(*groups.of));
	if (!groups.of)
		die("out of memory");
	g = &groups.of[groups.nr++];
	*g = (struct group){ .line = line, .fd = -1, .is_own = inside };
	g->path = inside ? xasprintf("%s%s", groups.root, path[1] ? path : "") : xasprintf("%s", path);
}

/* The text, which is taken apart. */
static void parse(char *text, size_t len, bool own)
{
	struct group *last;

	if (memchr(text, '\0', len) || !len || text[len - 1] != '\n')
		contradiction();
	for (char *at = text, *end; at < text + len; at = end + 1) {
		end = strchr(at, '\n');
		*end = '\0';
		if (end - at < 3 || at[1] != ' ')
			contradiction();
		last = groups.nr ? &groups.of[groups.nr - 1] : NULL;
		if (at[0] == 'N' && own && at == text && is_path(at + 2)) {
			groups.root = at + 2;
		} else if (at[0] == CKPT_CGROUP_LINE || (at[0] == 'A' && own)) {
			add_group(at[0], at + 2, at - text);
		} else if (last && strchr("OFXS", at[0])) {
			last->more = realloc(last->more, (last->nr_more + 1) * sizeof(*last->more));
			if (!last->more)
				die("out of memory");
			last->more[last->nr_more++] = at;
		} else {
			contradiction();
		}
	}
	if (own && !groups.root)
		contradiction();
}

/* What the image says of a file of it; NULL: nothing. */
static const char *said(const struct group *g, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < g->nr_more; i++)
		if (g->more[i][0] == 'S' && !strncmp(g->more[i] + 2, name, len) && g->more[i][2 + len] == ' ')
			return g->more[i] + 3 + len;
	return NULL;
}

/* ---- one group ---- */

/* 0 or an error number. */
static int put(int dir, const char *name, const char *value)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, value, strlen(value)) < 0)
		error = errno;
	close(fd);
	return error;
}

static bool event(int dir, const char *what)
{
	char text[1024], *line, *rest = text, *wanted = xasprintf("%s 1", what);
	bool found = false;

	if (cgroups_read(dir, "cgroup.events", text, sizeof(text)) > 0)
		while ((line = strsep(&rest, "\n")))
			found |= !strcmp(line, wanted);
	free(wanted);
	return found;
}

static bool is_file(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

static void set_xattr(const struct group *g, const char *name, const char *hex)
{
	size_t len = strlen(hex) / 2;
	char *value = xcalloc(1, len + 1);

	for (size_t i = 0; i < len; i++) {
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			contradiction();
		value[i] = byte;
	}
	if ((strncmp(name, "user.", 5) && strncmp(name, "trusted.", 8)) || fsetxattr(g->fd, name, value, len, 0) < 0)
		die("extended attribute %s of control group %s cannot be set: %s", name, g->path, strerror(errno));
	free(value);
}

/* Whose it is, and its files. */
static void set_owner(const struct group *g, const char *line)
{
	unsigned int mode, uid, gid;
	char name[256] = "", hex[2 * 4096 + 1] = "";
	struct stat st;

	if (line[0] == 'X') {
		if (sscanf(line + 2, "%255s %8192s", name, hex) < 1)
			contradiction();
		set_xattr(g, name, hex);
	} else if (line[0] == 'O') {
		if (sscanf(line + 2, "%o %u %u", &mode, &uid, &gid) != 3)
			contradiction();
		if (fstat(g->fd, &st) < 0 || ((st.st_uid != uid || st.st_gid != gid) && fchown(g->fd, uid, gid) < 0) ||
		    ((st.st_mode & 07777) != (mode & 07777) && fchmod(g->fd, mode & 07777) < 0))
			die("control group %s cannot be that of user %u: %s", g->path, uid, strerror(errno));
	} else {
		if (sscanf(line + 2, "%255s %o %u %u", name, &mode, &uid, &gid) != 4 || !is_file(name))
			contradiction();
		/* Its controller may have been another kernel's. */
		if (fchownat(g->fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			die("%s of control group %s cannot be that of user %u: %s", name, g->path, uid, strerror(errno));
		fchmodat(g->fd, name, mode & 07777, 0);
	}
}

static void make_group(struct group *g)
{
	g->is_new = g->path[1] && mkdirat(groups.top, g->path + 1, 0755) == 0;
	if (g->path[1] && !g->is_new && errno != EEXIST)
		die("control group %s cannot be made: %s; " WHAT_TO_DO, g->path, strerror(errno));
	g->fd = cgroups_open(groups.top, g->path);
	if (g->fd < 0)
		die("control group %s: %s; " WHAT_TO_DO, g->path, strerror(errno));
	g->is_empty = g->path[1] && !event(g->fd, "populated");
	g->is_own &= g->is_new || g->is_empty;
	/* Before anybody is in it. */
	if (g->is_new) {
		const char *type = said(g, "cgroup.type");
		int error = type && !strcmp(type, "threaded") ? put(g->fd, "cgroup.type", type) : 0;

		if (error)
			die("control group %s cannot be threaded: %s", g->path, strerror(error));
		return;
	}
	/* In one that is frozen nobody starts. */
	if (g->path[1] && event(g->fd, "frozen") && g->is_empty) {
		g->was_frozen = put(g->fd, "cgroup.freeze", "0") == 0;
		if (event(g->fd, "frozen"))
			die("control group %s is frozen, by one above it: let that go on; or " WHAT_TO_DO, g->path);
	}
}

/* "memory pids", in place: switch them @how, '+' or '-'; 0 or an error number. */
static int control(const struct group *g, char *names, char how)
{
	char *name, *rest = names;
	int error = 0;

	while (!error && (name = strsep(&rest, " \n")))
		if (*name) {
			char *word = xasprintf("%c%s", how, name);

			error = put(g->fd, "cgroup.subtree_control", word);
			free(word);
		}
	return error;
}

/* Nobody may be in one that gives controllers to those below it: until all are where they belong. */
static void take_controllers_away(void)
{
	char now[1024];

	for (size_t i = groups.nr; i-- > 0;)
		if (groups.of[i].is_own && !groups.of[i].is_new &&
		    cgroups_read(groups.of[i].fd, "cgroup.subtree_control", now, sizeof(now)) > 0)
			control(&groups.of[i], now, '-');
}

/* ---- all of them ---- */

static struct group *group_at(size_t line)
{
	size_t low = 0, high = groups.nr;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (groups.of[middle].line < line)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == groups.nr || groups.of[low].line != line)
		contradiction();
	return &groups.of[low];
}

/* Members stand in the order of the tasks. */
static void place_tasks(struct tasks *tasks, const struct ckpt_cgroup_member *members, size_t nr)
{
	size_t m = 0;

	for (int i = 0; i < tasks->nr && m < nr; i++)
		if (tasks->at[i].entry.pid == members[m].pid)
			tasks->at[i].cgroup = group_at(members[m++].line)->fd;
	if (m < nr)
		contradiction();
	/* Who starts where its maker is need not be put there. */
	for (int i = tasks->nr; i-- > 0;) {
		const struct task *t = &tasks->at[i];

		for (int child = t->child; child != NO_TASK; child = tasks->at[child].sibling)
			if (tasks->at[child].cgroup == t->cgroup)
				tasks->at[child].cgroup = NO_CGROUP;
		for (int thread = t->entry.flags & CKPT_TASK_LEADER ? t->thread : NO_TASK; thread != NO_TASK;
		     thread = tasks->at[thread].thread)
			if (tasks->at[thread].cgroup == t->cgroup)
				tasks->at[thread].cgroup = NO_CGROUP;
	}
}

static void go(const char *path)
{
	int dir = cgroups_open(groups.top, path), error = dir < 0 ? errno : put(dir, "cgroup.procs", "0");

	if (dir >= 0)
		close(dir);
	if (error)
		die("control group %s cannot be entered: %s; " WHAT_TO_DO, path, strerror(error));
}

static void enter_root(void)
{
	groups.before = cgroups_path_of("self");
	if (!groups.before || !strncmp(groups.before, "/..", 3))
		die("the control group of this command is not seen from here, so it could not go back to it");
	take_controllers_away();
	go(groups.root);
}

void cgroups_make(struct tasks *tasks)
{
	const struct ckpt_cgroup_member *members;
	bool own = tasks->own & CKPT_NS_CGROUP;
	struct ckpt_cgroups head;

	if (tasks->cgroups_len < sizeof(head)) {
		if (own)
			contradiction();
		return;
	}
	memcpy(&head, tasks->cgroups, sizeof(head));
	members = (const void *)((char *)tasks->cgroups + sizeof(head));
	if (tasks->cgroups_len != sizeof(head) + (uint64_t)head.nr_members * sizeof(*members) + head.text_len)
		contradiction();
	parse((char *)(members + head.nr_members), head.text_len, own);
	groups.top = cgroups_open_top();
	if (groups.top < 0)
		die("its control groups cannot be had again: no cgroup2 is mounted here; mount one, or " WHAT_TO_DO);
	for (size_t i = 0; i < groups.nr; i++)
		make_group(&groups.of[i]);
	place_tasks(tasks, members, head.nr_members);
	if (own)
		enter_root();
}

void cgroups_leave(void)
{
	char *before = groups.before;

	groups.before = NULL;
	if (before)
		go(before);
	free(before);
}

/* For some it is not written as it is read. */
static int set(struct group *g, const char *name, const char *value)
{
	static char now[VALUE_BYTES];
	char *copy, *idle;
	int error;

	if (!strcmp(name, "cgroup.type") || !strcmp(name, "cgroup.freeze"))
		return 0;
	if (!strcmp(name, "cgroup.subtree_control")) {
		copy = xasprintf("%s", value);
		error = control(g, copy, '+');
		free(copy);
		return error;
	}
	idle = !strcmp(name, "cpu.weight") ? (char *)said(g, "cpu.idle") : NULL;
	if (idle && !strcmp(idle, "1"))
		return 0;
	copy = xasprintf("%s", value);
	/* As "root invalid (why)". */
	if (!strcmp(name, "cpuset.cpus.partition"))
		copy[strcspn(copy, " ")] = '\0';
	/* Some are not to be written at all if nothing changes. */
	if (cgroups_read(g->fd, name, now, sizeof(now)) > 0 && !strncmp(now, copy, strlen(copy)) &&
	    now[strlen(copy)] == '\n' && !now[strlen(copy) + 1])
		error = 0;
	else
		error = put(g->fd, name, copy);
	free(copy);
	/* Without a controller there are no limits. */
	return error == ENOENT && (!strcmp(value, "max") || !strcmp(value, "0")) ? 0 : error;
}

static void set_line(struct group *g, const char *line)
{
	char *name = xasprintf("%s", line + 2), *value = strchr(name, ' ');
	int error;

	if (!value)
		contradiction();
	*value++ = '\0';
	if (!is_file(name) || !strcmp(name, "cgroup.procs") || !strcmp(name, "cgroup.threads") ||
	    !strcmp(name, "cgroup.kill"))
		contradiction();
	error = set(g, name, value);
	if (error)
		die("%s of control group %s cannot be \"%s\": %s; " WHAT_TO_DO, name, g->path, value,
		    error == ENOENT ? "its controller is not enabled above it" : strerror(error));
	free(name);
}

void cgroups_set(void)
{
	for (size_t i = 0; i < groups.nr; i++) {
		struct group *g = &groups.of[i];

		if (!g->is_new && !g->is_own)
			continue;
		for (size_t j = 0; j < g->nr_more; j++)
			if (g->more[j][0] == 'S')
				set_line(g, g->more[j]);
		/* By now all its files are there. */
		for (size_t j = 0; j < g->nr_more; j++)
			if (g->more[j][0] != 'S')
				set_owner(g, g->more[j]);
	}
}

void cgroups_freeze(int ctx_fd)
{
	bool have_joined = false;

	for (size_t i = 0; i < groups.nr; i++) {
		struct group *g = &groups.of[i];
		const char *frozen = said(g, "cgroup.freeze");
		int error;

		if ((!g->is_new && !g->is_empty) || !frozen || strcmp(frozen, "1"))
			continue;
		/* Who is frozen before that would never come. */
		if (!have_joined && ioctl(ctx_fd, CKPT_RESTART_JOINED) < 0)
			die("the tree cannot be made: %s", strerror(errno));
		have_joined = true;
		error = put(g->fd, "cgroup.freeze", "1");
		if (error)
			die("control group %s cannot be frozen: %s", g->path, strerror(error));
		g->was_frozen = false;
	}
}

void cgroups_undo(void)
{
	char *before = groups.before;

	groups.before = NULL;
	if (before)
		go(before);
	for (size_t i = groups.nr; i-- > 0;) {
		struct group *g = &groups.of[i];

		if (g->was_frozen)
			put(g->fd, "cgroup.freeze", "1");
		if (g->is_new)
			unlinkat(groups.top, g->path + 1, AT_REMOVEDIR);
	}
	groups.nr = 0;
}
