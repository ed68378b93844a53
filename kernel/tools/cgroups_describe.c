// SPDX-License-Identifier: Apache-2.0
/* What there is to say of the control groups of a tree, while it runs. */
#define _GNU_SOURCE
#include "cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tree.h"
#include "util.h"

#define VALUE_BYTES	65536
#define NAMESPACE_TRIES	20

bool cgroups_used(pid_t pid)
{
	char *text = xasprintf("%d", pid), *path = cgroups_path_of(text);
	bool used = path && strcmp(path, "/");

	free(path);
	free(text);
	return used;
}

static void add_line(struct bytes *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_line(struct bytes *to, const char *format, ...)
{
	va_list ap;
	char *line;
	int n;

	va_start(ap, format);
	n = vasprintf(&line, format, ap);
	va_end(ap);
	if (n < 0)
		die("out of memory");
	bytes_add(to, line, n);
	bytes_add(to, "\n", 1);
	free(line);
}

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && !strcmp(name + len - n, end);
}

/* And not who is in it, what was reached, what is asked for once, or another word for the same. */
static bool is_setting(const char *name)
{
	static const char *const others[] = {
		"cgroup.procs", "cgroup.threads", "cgroup.kill", "memory.reclaim", "cpu.weight.nice",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(name, others[i]))
			return false;
	return !ends_in(name, ".peak") && (!ends_in(name, ".pressure") || !strcmp(name, "cgroup.pressure"));
}

static void add_setting(int dir, const char *name, struct bytes *to)
{
	static char value[VALUE_BYTES];
	char *rest = value, *line;

	if (cgroups_read(dir, name, value, sizeof(value)) <= 0)
		return;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			add_line(to, "S %s %s", name, line);
}

/* One that is delegated belongs to somebody. */
static void add_owner(const char *name, const struct stat *st, struct bytes *to)
{
	if (st->st_uid || st->st_gid)
		add_line(to, "F %s %o %u %u", name, st->st_mode & 07777, st->st_uid, st->st_gid);
}

static void add_xattrs(int dir, struct bytes *to)
{
	char names[4096], value[4096], hex[2 * sizeof(value) + 1];
	ssize_t len = flistxattr(dir, names, sizeof(names)), n;

	for (char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
		/* Others come from a security module. */
		if (strncmp(name, "user.", 5) && strncmp(name, "trusted.", 8))
			continue;
		if (strpbrk(name, " \n"))
			die("control group: extended attribute %s: not supported", name);
		n = fgetxattr(dir, name, value, sizeof(value));
		for (ssize_t i = 0; i < n; i++)
			sprintf(hex + 2 * i, "%02x", (unsigned char)value[i]);
		hex[n > 0 ? 2 * n : 0] = '\0';
		if (n >= 0)
			add_line(to, "X %s %s", name, hex);
	}
}

/* @kind and @path: of its line. The topmost of all is nobody's to make or to change. */
static void add_group(struct bytes *to, char kind, int dir, const char *path, bool is_topmost)
{
	struct dirent **entries;
	struct stat st;
	int nr;

	add_line(to, "%c %s", kind, path);
	if (is_topmost || fstat(dir, &st) < 0)
		return;
	add_line(to, "O %o %u %u", st.st_mode & 07777, st.st_uid, st.st_gid);
	add_xattrs(dir, to);
	nr = list_dir(dir, &entries, alphasort);
	for (int i = 0; i < nr; i++) {
		const char *name = entries[i]->d_name;

		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)) {
			add_owner(name, &st, to);
			if ((st.st_mode & 0600) == 0600 && is_setting(name))
				add_setting(dir, name, to);
		}
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
}

static bool has_group(const struct bytes *all, char kind, const char *path)
{
	size_t len = strlen(path);

	for (const char *p = all->at, *end = p + all->len, *next; p && p < end; p = next + 1) {
		next = memchr(p, '\n', end - p);
		if (!next)
			break;
		if (p[0] == kind && (size_t)(next - p) == len + 2 && !memcmp(p + 2, path, len))
			return true;
	}
	return false;
}

/* It, and before it those above it. */
static void add_with_those_above(struct bytes *to, char kind, int top, const char *path)
{
	char *part = xasprintf("%s", path), *slash = part;

	if (!has_group(to, kind, "/"))
		add_group(to, kind, top, "/", true);
	while (part[1] && *slash) {
		char next;
		int dir;

		slash = strchrnul(slash + 1, '/');
		next = *slash;
		*slash = '\0';
		dir = cgroups_open(top, part);
		if (!has_group(to, kind, part))
			add_group(to, kind, dir, part, false);
		if (dir >= 0)
			close(dir);
		*slash = next;
	}
	free(part);
}

static bool is_seen(const char *path)
{
	return path && (strncmp(path, "/..", 3) || (path[3] && path[3] != '/')) && !ends_in(path, " (deleted)");
}

/* That of a task; what cannot be described the kernel names. */
static void add_of(const char *pid, int top, struct bytes *to)
{
	char *path = cgroups_path_of(pid);

	if (is_seen(path) && !has_group(to, CKPT_CGROUP_LINE, path))
		add_with_those_above(to, CKPT_CGROUP_LINE, top, path);
	free(path);
}

/* Threads are in one with their process, or in those of a threaded subtree. */
static void add_of_process(pid_t pid, int top, struct bytes *to)
{
	char *name = xasprintf("/proc/%d/task", pid), *text = xasprintf("%d", pid);
	struct dirent *entry;
	DIR *dir;

	add_of(text, top, to);
	dir = opendir(name);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, text)) {
			char *thread = xasprintf("%d/task/%s", pid, entry->d_name);

			add_of(thread, top, to);
			free(thread);
		}
	if (dir)
		closedir(dir);
	free(text);
	free(name);
}

/* All below @dir, which is @path. */
static void add_subtree(struct bytes *to, int dir, const char *path)
{
	struct dirent **entries;
	int nr;

	add_group(to, CKPT_CGROUP_LINE, dir, path, false);
	nr = list_dir(dir, &entries, alphasort);
	for (int i = 0; i < nr; i++) {
		int below = -1;

		if (entries[i]->d_type == DT_DIR && strcmp(entries[i]->d_name, ".") && strcmp(entries[i]->d_name, ".."))
			below = openat(dir, entries[i]->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (below >= 0) {
			char *whole = xasprintf("%s/%s", path[1] ? path : "", entries[i]->d_name);

			add_subtree(to, below, whole);
			close(below);
			free(whole);
		}
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
}

/* As it looks from within its own namespace; NULL: it has ended. */
static char *path_inside(pid_t pid)
{
	char *ns = xasprintf("/proc/%d/ns/cgroup", pid), *text = xasprintf("%d", pid), path[PATH_MAX], *inside;
	int ends[2], fd = open(ns, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	pid_t child;

	if (fd < 0 && (errno == ENOENT || errno == ESRCH)) {
		free(text);
		free(ns);
		return NULL;
	}
	if (fd < 0 || pipe2(ends, O_CLOEXEC) < 0 || (child = fork()) < 0)
		die("pid %d: its cgroup namespace cannot be looked into: %s", pid, strerror(errno));
	if (child == 0) {
		inside = setns(fd, CLONE_NEWCGROUP) == 0 ? cgroups_path_of(text) : NULL;
		_exit(!inside || write(ends[1], inside, strlen(inside)) < 0);
	}
	close(ends[1]);
	n = read_whole(ends[0], path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	close(fd);
	waitpid(child, NULL, 0);
	free(text);
	free(ns);
	return xasprintf("%s", path);
}

/*
 * The root of its own namespace: what is left of its path when that as seen from within is
 * taken off its end. It may be moved while we look. NULL: it has ended, or is not below it.
 */
static char *find_root_of(pid_t pid, char **why)
{
	char *text = xasprintf("%d", pid), *root = NULL;

	*why = NULL;
	for (int i = 0; i < NAMESPACE_TRIES && !root && !*why; i++) {
		char *before = cgroups_path_of(text), *inside = path_inside(pid), *after = cgroups_path_of(text);
		bool stood = before && inside && after && !strcmp(before, after);

		if (stood && !strcmp(inside, "/")) {
			root = xasprintf("%s", before);
		} else if (stood && is_seen(inside) && ends_in(before, inside)) {
			root = xasprintf("%.*s", (int)(strlen(before) - strlen(inside)), before);
			if (!*root) {
				free(root);
				root = xasprintf("/");
			}
		} else if (stood) {
			*why = xasprintf("in control group %s, but its cgroup namespace begins elsewhere (it sees %s): not supported",
					 before, inside);
		}
		free(before);
		free(inside);
		free(after);
	}
	free(text);
	if (!root && !*why)
		*why = xasprintf("its control groups are changed all the time");
	if (root && !is_seen(root))
		*why = xasprintf("its cgroup namespace begins at %s, which is not seen from here: not supported", root);
	if (*why) {
		free(root);
		root = NULL;
	}
	return root;
}

static char *root_of(pid_t pid)
{
	char *why, *root = find_root_of(pid, &why);

	if (!root)
		die("pid %d: %s", pid, why);
	return root;
}

static bool is_below(const char *path, const char *root)
{
	size_t len = strlen(root);

	return !strncmp(path, root, len) && (path[len] == '/' || !path[len]);
}

/* Those below which some of the tree see nothing but what is their own. */
struct roots {
	char **at;
	ino_t *ns;
	size_t nr;
};

static void add_root(struct roots *all, pid_t pid, ino_t of_tree)
{
	char *name = xasprintf("/proc/%d/ns/cgroup", pid), *root, *why;
	struct stat st;
	bool known = stat(name, &st) < 0 || st.st_ino == of_tree;

	free(name);
	for (size_t i = 0; i < all->nr; i++)
		known |= all->ns[i] == st.st_ino;
	if (known)
		return;
	root = find_root_of(pid, &why);
	free(why);
	all->at = realloc(all->at, (all->nr + 1) * sizeof(*all->at));
	all->ns = realloc(all->ns, (all->nr + 1) * sizeof(*all->ns));
	if (!all->at || !all->ns)
		die("out of memory");
	all->at[all->nr] = root && root[1] ? root : NULL;
	all->ns[all->nr++] = st.st_ino;
}

/*
 * A cgroup namespace of some of the tree is theirs with all groups in it, as that of the
 * whole tree would be: who runs services there watches groups nobody is in.
 */
static void add_inner_namespaces(const struct tree *tree, pid_t root, int top, struct bytes *to)
{
	char *name = xasprintf("/proc/%d/ns/cgroup", root);
	struct roots all = { };
	struct stat of_tree = { };

	if (stat(name, &of_tree) < 0)
		die("%s: %s", name, strerror(errno));
	free(name);
	for (size_t i = 0; i < tree->nr; i++)
		add_root(&all, tree->pids[i], of_tree.st_ino);
	for (size_t i = 0; i < all.nr; i++) {
		bool again = !all.at[i];
		int dir;

		for (size_t j = 0; j < all.nr && !again; j++)
			again = j != i && all.at[j] && is_below(all.at[i], all.at[j]) &&
				(j < i || strcmp(all.at[i], all.at[j]));
		dir = again ? -1 : cgroups_open(top, all.at[i]);
		if (dir >= 0) {
			char *above = xasprintf("%s", all.at[i]);

			*strrchr(above, '/') = '\0';
			add_with_those_above(to, CKPT_CGROUP_LINE, top, *above ? above : "/");
			add_subtree(to, dir, all.at[i]);
			free(above);
			close(dir);
		}
	}
	for (size_t i = 0; i < all.nr; i++)
		free(all.at[i]);
	free(all.at);
	free(all.ns);
}

void cgroups_describe(pid_t pid, bool own_namespace, struct bytes *text)
{
	char *root = own_namespace ? root_of(pid) : xasprintf("/");
	int top = cgroups_open_top(), dir;
	struct tree tree;

	text->len = 0;
	if (top < 0)
		die("pid %d: it uses control groups, but no cgroup2 is mounted here: mount one", pid);
	if (own_namespace)
		add_line(text, "N %s", root);
	if (root[1]) {
		char *above = xasprintf("%s", root);

		*strrchr(above, '/') = '\0';
		add_with_those_above(text, 'A', top, *above ? above : "/");
		free(above);
		dir = cgroups_open(top, root);
		if (dir < 0)
			die("control group %s: %s", root, strerror(errno));
		add_subtree(text, dir, "/");
		close(dir);
	} else {
		tree_read(&tree, pid);
		add_inner_namespaces(&tree, pid, top, text);
		for (size_t i = 0; i < tree.nr; i++)
			add_of_process(tree.pids[i], top, text);
		tree_free(&tree);
	}
	close(top);
	free(root);
}
