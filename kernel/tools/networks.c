// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "networks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree.h"
#include "util.h"

static bool is_known(const struct networks *all, int ns)
{
	struct stat one, other;

	if (fstat(ns, &one) < 0)
		return true;
	for (size_t i = 0; i < all->nr; i++)
		if (fstat(all->at[i].ns, &other) == 0 && one.st_ino == other.st_ino && one.st_dev == other.st_dev)
			return true;
	return false;
}

static void add(struct networks *all, int ns)
{
	all->at = realloc(all->at, (all->nr + 1) * sizeof(*all->at));
	if (!all->at)
		die("out of memory");
	all->at[all->nr++] = (struct network_ns){ .ns = ns, .changes = -1 };
}

static void take(int ns, pid_t tid, void *arg)
{
	struct networks *all = arg;

	(void)tid;
	if (all->nr <= CHECKPOINT_MAX_NETWORKS && !is_known(all, ns))
		add(all, ns);
	else
		close(ns);
}

static void find(struct networks *all, pid_t root, bool own, bool inner)
{
	char *path = xasprintf("/proc/%d/ns/net", root);
	int ns = open(path, O_RDONLY | O_CLOEXEC);

	if (ns < 0)
		die("pid %d: its network cannot be found: %s", root, strerror(errno));
	free(path);
	add(all, ns);
	if (inner)
		tree_each_namespace(root, "net", take, all);
	if (own)
		return;
	close(ns);
	all->at[0].ns = -1;
}

void networks_take(struct networks *all, pid_t root, bool own, bool inner, struct checkpoint_args *args)
{
	networks_free(all);
	find(all, root, own, inner);
	all->args = xcalloc(all->nr, sizeof(*all->args));
	for (size_t i = 0; i < all->nr; i++) {
		struct network_ns *one = &all->at[i];

		if (one->ns >= 0 && !network_read(all->at, all->nr, i))
			die("pid %d: it cannot be checkpointed", root);
		if (i)
			all->args[i - 1] = (struct checkpoint_network){
				.network = (uintptr_t)one->record.at, .network_len = one->record.len,
				.network_fd = one->changes,
			};
	}
	args->network = (uintptr_t)all->at[0].record.at;
	args->network_len = all->at[0].record.len;
	args->network_fd = all->at[0].changes;
	args->networks = (uintptr_t)all->args;
	args->nr_networks = all->nr - 1;
}

void networks_free(struct networks *all)
{
	for (size_t i = 0; i < all->nr; i++) {
		if (all->at[i].ns >= 0)
			close(all->at[i].ns);
		if (all->at[i].changes >= 0)
			close(all->at[i].changes);
		free(all->at[i].record.at);
	}
	free(all->at);
	free(all->args);
	*all = (struct networks){ };
}
