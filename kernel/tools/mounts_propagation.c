// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "mounts_propagation.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

#ifndef MS_SHARED
#define MS_UNBINDABLE	(1 << 17)
#define MS_SLAVE	(1 << 19)
#define MS_SHARED	(1 << 20)
#endif
#ifndef MOVE_MOUNT_SET_GROUP
#define MOVE_MOUNT_SET_GROUP	0x00000100
#endif

static bool become(struct propagation *p, unsigned long how)
{
	struct mount_attr attr = { .propagation = how };

	if (syscall(SYS_mount_setattr, p->fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
		return true;
	complain("%s: the propagation of its mount cannot be set: %s", p->at, strerror(errno));
	return false;
}

/* Become a peer of @of, and a slave of what that is a slave of. */
static bool join(struct propagation *p, int of, const char *at)
{
	if (syscall(SYS_move_mount, of, "", p->fd, "",
		    MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0)
		return true;
	complain("%s: its mount cannot be a peer of that at %s: %s", p->at, at, strerror(errno));
	return false;
}

/* Only one that shows all that another shows can hand its group on to it: the one with the shortest root. */
static struct propagation *first_of(struct propagation *all, size_t nr, unsigned long group)
{
	struct propagation *first = NULL;

	for (size_t i = 0; i < nr; i++) {
		struct propagation *p = &all[i];

		if (p->fd < 0 || p->shared != group)
			continue;
		if (!first || strlen(p->root) < strlen(first->root))
			first = p;
	}
	return first;
}

/* One whose master is outside is its slave already, if it can be. */
static bool make_slave(struct propagation *p, struct propagation *master)
{
	if (!master && p->beyond < 0)
		return become(p, p->master ? MS_SLAVE : MS_PRIVATE);
	return become(p, MS_PRIVATE) &&
	       (master ? join(p, master->fd, master->at) : join(p, p->beyond, "another namespace")) && become(p, MS_SLAVE);
}

/* Returns whether something could be done; if it failed, @good is false. */
static bool set_one(struct propagation *all, size_t nr, struct propagation *p, bool *good)
{
	struct propagation *master = p->master ? first_of(all, nr, p->master) : NULL;
	struct propagation *first = p->shared ? first_of(all, nr, p->shared) : NULL;

	/* Each member of a group that reaches beyond has that from there. */
	if (p->peer && p->beyond >= 0)
		first = p;
	if (p->done || (first && first != p && !first->done) || (master && !master->done))
		return false;
	p->done = true;
	if (p->fd < 0)
		return true;
	if (p->peer && p->beyond >= 0)
		*good = become(p, MS_PRIVATE) && join(p, p->beyond, "another namespace");
	else if (first && first != p)
		*good = become(p, MS_PRIVATE) && join(p, first->fd, first->at);
	else
		*good = make_slave(p, master) && (!first || become(p, MS_SHARED)) &&
			(!p->unbindable || become(p, MS_UNBINDABLE));
	return true;
}

bool propagation_set(struct propagation *all, size_t nr)
{
	bool good = true, more = true;

	while (more && good) {
		more = false;
		for (size_t i = 0; i < nr && good; i++)
			more |= set_one(all, nr, &all[i], &good);
	}
	return good;
}
