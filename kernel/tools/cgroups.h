/* SPDX-License-Identifier: Apache-2.0 */
/* Which control group (v2) each process of a tree is in: the CGROUPS record, and how to have that again. */
#ifndef CGROUPS_H
#define CGROUPS_H

#include <stdbool.h>
#include <sys/types.h>

#include "rtnl.h"
#include "tasks.h"
#include "tree.h"

/* Lines of those processes that are in another one than the caller; nothing if there is none. */
void cgroups_describe(const struct tree *tree, bool own_namespace, struct bytes *to);

/* Make those that are missing, with their limits; dies if that fails. */
void cgroups_make(const struct tasks *tasks);

/*
 * The caller goes to where the root of the tree's own cgroup namespace is to be, or back to where it
 * was; nothing if there is none.
 */
void cgroups_go_to_root(const struct tasks *tasks);
void cgroups_go_back(const struct tasks *tasks);

/* The processes, which have been made, go to theirs; dies if that fails. */
void cgroups_move(const struct tasks *tasks);

#endif
