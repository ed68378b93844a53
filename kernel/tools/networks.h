/* SPDX-License-Identifier: Apache-2.0 */
/* The network namespaces that the tasks of a tree live in. */
#ifndef NETWORKS_H
#define NETWORKS_H

#include <stdbool.h>
#include <sys/types.h>
#include <linux/checkpoint.h>

#include "network.h"

struct networks {
	struct network_ns *at;	/* first that of the root, be it the tree's own or not */
	size_t nr;
	struct checkpoint_network *args;
};

/*
 * Read what is configured in that of the root, if it is the tree's @own; in those of all other tasks, if @inner; dies if
 * that fails. @args says so to the kernel.
 */
void networks_take(struct networks *all, pid_t root, bool own, bool inner, struct checkpoint_args *args);
void networks_free(struct networks *all);

#endif
