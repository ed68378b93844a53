// SPDX-License-Identifier: Apache-2.0
/*
 * What a bind mount shows, found again below the root of another mount of the same
 * filesystem: a path would lead to whatever is mounted on the way.
 */
#define _GNU_SOURCE
#include "mounts_source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

static int open_below(int dir, const char *path)
{
	/* A mount on the way is an error. */
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV | RESOLVE_BENEATH };

	return syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* In a tmpfs that is still empty: the kernel gives it the rest. */
static void make_below(int dir, const char *path, bool directory)
{
	char *copy = xasprintf("%s/", path);

	for (char *slash = copy; (slash = strchr(slash + 1, '/'));) {
		int fd;

		*slash = '\0';
		fd = open_below(dir, copy);
		if (fd >= 0)
			close(fd);
		else if (errno == ENOENT && (slash[1] || directory))
			mkdirat(dir, copy, 0755);
		else if (errno == ENOENT)
			mknodat(dir, copy, S_IFREG | 0600, 0);
		*slash = '/';
	}
	free(copy);
}

static int clone_of(int fd)
{
	int tree = syscall(SYS_open_tree, fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	close(fd);
	return tree;
}

/* Of @other, whose root is open as @dir: what @m shows. */
static int clone_below(const struct mount *other, int dir, const struct mount *m, bool is_empty)
{
	const char *below = m->root + (strcmp(other->root, "/") ? strlen(other->root) : 0);
	int fd;

	if (dir < 0)
		return -1;
	below += strspn(below, "/");
	if (!*below)
		return clone_of(dir);
	if (is_empty)
		make_below(dir, below, !m->is_file);
	fd = open_below(dir, below);
	close(dir);
	return fd < 0 ? -1 : clone_of(fd);
}

/* Of the root that this one takes the place of: the filesystem that was found there. */
static const struct mount *same_outside(const struct mounts *old, const struct mount *m)
{
	for (size_t i = 0; old && i < old->nr; i++) {
		const struct mount *other = &old->of[i];

		if (!strcmp(other->type, m->type) && !strcmp(other->source, m->source) && mount_reaches(other, m) &&
		    !strcmp(m->outside ?: m->at, other->at))
			return other;
	}
	return NULL;
}

int mount_clone(const struct mounts *want, const struct mounts *old, const struct mount *m)
{
	const struct mount *outside = same_outside(old, m);
	bool is_empty = mount_is_empty(want, m);
	int tree = -1;

	/* Devices change from boot to boot, but not within the image. */
	for (size_t i = 0; i < want->nr && tree < 0; i++) {
		const struct mount *other = &want->of[i];

		if (other != m && other->matched && !strcmp(other->device, m->device) && mount_reaches(other, m))
			tree = clone_below(other, other->fd < 0 ? -1 : fcntl(other->fd, F_DUPFD_CLOEXEC, 0), m, is_empty);
	}
	/* Paths begin where the process works, which is that root. */
	for (size_t i = 0; outside && i < old->nr && tree < 0; i++) {
		const struct mount *other = &old->of[i];
		char *at = xasprintf(".%s", other->at);

		if (!strcmp(other->device, outside->device) && mount_reaches(other, m))
			tree = clone_below(other, open(at, O_PATH | O_CLOEXEC), m, false);
		free(at);
	}
	return tree;
}

/* The same filesystem has another device number now: that of what both have. */
static const char *device_now(const struct mounts *want, const struct mounts *now, const struct mount *m)
{
	for (size_t i = 0; i < want->nr; i++)
		if (want->of[i].same && !strcmp(want->of[i].device, m->device))
			return want->of[i].same->device;
	for (size_t i = 0; i < now->nr; i++) {
		const struct mount *other = &now->of[i];

		if ((other->before && !strcmp(other->before, m->device)) ||
		    (m->outside && !strcmp(other->at, m->outside) && !strcmp(other->type, m->type) &&
		     !strcmp(other->source, m->source)))
			return other->device;
	}
	return NULL;
}

int mount_clone_unwanted(const struct mounts *want, const struct mounts *now, const struct mount *m)
{
	const char *device = device_now(want, now, m);
	int tree = -1;

	for (size_t i = 0; i < now->nr && device && tree < 0; i++) {
		const struct mount *other = &now->of[i];

		if (!other->matched && !strcmp(other->device, device) && mount_reaches(other, m))
			tree = clone_below(other, open(other->at, O_PATH | O_CLOEXEC), m, mount_is_empty(now, other));
	}
	return tree;
}

bool mount_set_options(int tree, unsigned long flags)
{
	static const struct {
		unsigned long flag, attr;
	} of[] = {
		{ MS_RDONLY, MOUNT_ATTR_RDONLY }, { MS_NOSUID, MOUNT_ATTR_NOSUID },	  { MS_NODEV, MOUNT_ATTR_NODEV },
		{ MS_NOEXEC, MOUNT_ATTR_NOEXEC }, { MS_NODIRATIME, MOUNT_ATTR_NODIRATIME }, { MS_NOATIME, MOUNT_ATTR_NOATIME },
		{ MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW }, { MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
	};
	struct mount_attr attr = { .attr_clr = MOUNT_ATTR__ATIME };

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		attr.attr_clr |= of[i].attr;
		if (flags & of[i].flag)
			attr.attr_set |= of[i].attr;
	}
	return syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0;
}
