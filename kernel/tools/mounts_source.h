/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted by a bind mount, wherever it can be had. */
#ifndef MOUNTS_SOURCE_H
#define MOUNTS_SOURCE_H

#include <stdbool.h>

#include "mounts_parsed.h"

/*
 * Another mount of what @m shows, that is mounted nowhere yet, by way of one of @want
 * that is there, or of one of @old, below the working directory. -1: it is not to be found.
 */
int mount_clone(const struct mounts *want, const struct mounts *old, const struct mount *m);

/* The same by way of one of @now that is not wanted, while it is still there. */
int mount_clone_unwanted(const struct mounts *want, const struct mounts *now, const struct mount *m);

/* The options of such a mount: MS_*. */
bool mount_set_options(int tree, unsigned long flags);

#endif
