/* SPDX-License-Identifier: Apache-2.0 */
/* Mount namespaces in which only some tasks of a tree live. */
#ifndef INNER_MOUNTS_H
#define INNER_MOUNTS_H

#include <stddef.h>
#include <sys/types.h>
#include <linux/checkpoint.h>

#include "mounts.h"
#include "rtnl.h"
#include "tasks.h"

struct inner_mounts {
	struct checkpoint_mounts *args;
	struct mount_ns *as;	/* first that of the root, then theirs */
	char *outside;		/* what the caller has mounted, if the root has other mounts */
	size_t nr;	/* without the root */
};

/* Read what is mounted in all of them. @args says so to the kernel; @tell as of mounts_describe(). */
void inner_mounts_take(struct inner_mounts *all, pid_t root, uint32_t own, struct checkpoint_args *args,
		       void (*tell)(const char *text, void *arg), void *arg);
void inner_mounts_free(struct inner_mounts *all);

/* Make them again, and give them to the restart. The tree has been made, and waits. Dies if one cannot be made. */
void inner_mounts_make(const struct tasks *tasks, int ctx_fd);

#endif
