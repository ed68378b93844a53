// SPDX-License-Identifier: Apache-2.0
/* The process tree under a pid, as /proc shows it. */
#define _GNU_SOURCE
#include "tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

struct kinship {
	pid_t pid, ppid;
};

static int by_parent(const void *a, const void *b)
{
	const struct kinship *x = a, *y = b;

	return x->ppid != y->ppid ? (x->ppid < y->ppid ? -1 : 1) : (x->pid > y->pid) - (x->pid < y->pid);
}

/* The comm in parentheses may hold anything, so look behind the last one. */
static pid_t parent_of(const char *pid)
{
	char path[64], stat[1024], *end;
	ssize_t n;
	int fd, ppid;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, stat, sizeof(stat) - 1);	/* all at once, or it has ended */
	close(fd);
	stat[n > 0 ? n : 0] = '\0';
	end = strrchr(stat, ')');
	return end && sscanf(end + 1, " %*c %d", &ppid) == 1 ? ppid : -1;
}

void tree_read(struct tree *tree, pid_t root)
{
	struct kinship *all = NULL;
	size_t nr = 0, room = 0;
	struct dirent *entry;
	bool found = false;
	DIR *dir = opendir("/proc");

	memset(tree, 0, sizeof(*tree));
	if (!dir)
		die("/proc cannot be read; is it mounted?");
	while ((entry = readdir(dir))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);
		pid_t ppid;

		if (*end || pid <= 0)
			continue;
		ppid = parent_of(entry->d_name);
		if (ppid < 0)
			continue;
		if (nr == room) {
			room = room ? 2 * room : 256;
			all = realloc(all, room * sizeof(*all));
			if (!all)
				die("out of memory");
		}
		all[nr++] = (struct kinship){ pid, ppid };
		found |= pid == root;
	}
	closedir(dir);

	tree->pids = xcalloc(nr + 1, sizeof(*tree->pids));
	if (found)
		tree->pids[tree->nr++] = root;
	if (nr)
		qsort(all, nr, sizeof(*all), by_parent);
	for (size_t i = 0; i < tree->nr; i++) {
		size_t low = 0, high = nr;

		while (low < high) {
			size_t middle = (low + high) / 2;

			if (all[middle].ppid < tree->pids[i])
				low = middle + 1;
			else
				high = middle;
		}
		/* /proc is no snapshot: a pid may show up twice, and must not loop us. */
		while (low < nr && all[low].ppid == tree->pids[i] && tree->nr < nr)
			tree->pids[tree->nr++] = all[low++].pid;
	}
	free(all);
}

void tree_free(struct tree *tree)
{
	free(tree->pids);
}

static void each_namespace_of(pid_t pid, const char *kind, void (*take)(int ns, pid_t tid, void *arg), void *arg)
{
	char *path = xasprintf("/proc/%d/task", pid);
	DIR *threads = opendir(path);
	struct dirent *entry;

	free(path);
	while (threads && (entry = readdir(threads))) {
		int ns;

		if (entry->d_name[0] == '.')
			continue;
		path = xasprintf("/proc/%d/task/%s/ns/%s", pid, entry->d_name, kind);
		ns = open(path, O_RDONLY | O_CLOEXEC);
		free(path);
		if (ns >= 0)
			take(ns, atoi(entry->d_name), arg);
	}
	if (threads)
		closedir(threads);
}

void tree_each_namespace(pid_t root, const char *kind, void (*take)(int ns, pid_t tid, void *arg), void *arg)
{
	struct tree tree;

	tree_read(&tree, root);
	for (size_t i = 0; i < tree.nr; i++)
		each_namespace_of(tree.pids[i], kind, take, arg);
	tree_free(&tree);
}
