// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "inner_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mounts.h"
#include "namespaces.h"
#include "tree.h"
#include "util.h"

static bool is_same(int ns, int other)
{
	struct stat one, two;

	return fstat(ns, &one) == 0 && fstat(other, &two) == 0 && one.st_ino == two.st_ino && one.st_dev == two.st_dev;
}

static bool is_known(const struct inner_mounts *all, int ns, int of_root)
{
	bool known = is_same(ns, of_root);

	for (size_t i = 0; i < all->nr && !known; i++)
		known = is_same(ns, all->args[i].ns_fd);
	return known;
}

/* Copied from that one of which there is the least to change: most often the one its maker lived in. */
static uint32_t base_of(const struct inner_mounts *all, const char *text)
{
	size_t least = mounts_differ(text, all->as[0].text);
	uint32_t base = 0;

	for (size_t i = 1; i <= all->nr; i++) {
		size_t differ = mounts_differ(text, all->as[i].text);

		if (differ < least) {
			least = differ;
			base = i;
		}
	}
	return base;
}

static void add(struct inner_mounts *all, int ns, pid_t tid, void (*tell)(const char *text, void *arg), void *arg)
{
	char *text = mounts_read(tid), *lines;
	uint32_t base;

	if (!text)
		die("pid %d: its mounts cannot be read: %s", tid, strerror(errno));
	base = base_of(all, text);
	all->args = realloc(all->args, (all->nr + 1) * sizeof(*all->args));
	all->as = realloc(all->as, (all->nr + 2) * sizeof(*all->as));
	if (!all->args || !all->as)
		die("out of memory");
	all->as[all->nr + 1] = (struct mount_ns){ .text = text, .owner = mounts_owner(ns) };
	lines = mounts_describe(all->as, all->nr + 1, base, all->outside, tid, tell, arg);
	all->args[all->nr] = (struct checkpoint_mounts){
		.mounts = (uintptr_t)lines, .mounts_len = strlen(lines), .ns_fd = ns, .base = base,
	};
	all->nr++;
}

/* What is still to be known of those that are found. */
struct finding {
	struct inner_mounts *all;
	int of_root;
	void (*tell)(const char *text, void *arg);
	void *arg;
};

static void take(int ns, pid_t tid, void *arg)
{
	const struct finding *f = arg;

	if (f->all->nr < CHECKPOINT_MAX_MOUNTS && !is_known(f->all, ns, f->of_root))
		add(f->all, ns, tid, f->tell, f->arg);
	else
		close(ns);
}

void inner_mounts_take(struct inner_mounts *all, pid_t root, uint32_t own, struct checkpoint_args *args,
		       void (*tell)(const char *text, void *arg), void *arg)
{
	char *path = xasprintf("/proc/%d/ns/mnt", root);
	int of_root = open(path, O_RDONLY | O_CLOEXEC);
	struct finding finding = { .all = all, .of_root = of_root, .tell = tell, .arg = arg };
	struct namespaces_before before;

	free(path);
	inner_mounts_free(all);
	if (of_root < 0)
		die("pid %d: its mounts cannot be found: %s", root, strerror(errno));
	/* What cgroup2 shows is told from the root of the namespace of who asks. */
	namespaces_enter(own & CKPT_NS_CGROUP, root, &before);
	all->as = xcalloc(1, sizeof(*all->as));
	all->as[0] = (struct mount_ns){ .text = mounts_read(own & CKPT_NS_MNT ? root : 0), .owner = mounts_owner(of_root) };
	all->outside = own & CKPT_NS_MNT ? mounts_read(0) : NULL;
	if (!all->as[0].text)
		die("pid %d: its mounts cannot be read: %s", root, strerror(errno));
	tree_each_namespace(root, "mnt", take, &finding);
	namespaces_leave(&before);
	close(of_root);
	args->inner_mounts = (uintptr_t)all->args;
	args->nr_mounts = all->nr;
}

void inner_mounts_free(struct inner_mounts *all)
{
	for (size_t i = 0; i < all->nr; i++) {
		close(all->args[i].ns_fd);
		free((char *)(uintptr_t)all->args[i].mounts);
	}
	for (size_t i = 0; all->as && i <= all->nr; i++)
		free((char *)all->as[i].text);
	free(all->outside);
	free(all->args);
	free(all->as);
	*all = (struct inner_mounts){ };
}
