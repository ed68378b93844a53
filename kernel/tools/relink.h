/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories for unlinked files: an unlinked file can only be given a name on
 * its own filesystem, so there is one directory on each that holds any.
 */
#ifndef RELINK_H
#define RELINK_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/checkpoint.h>
#include "tree.h"

#define RELINK_DIR	CKPT_RELINK_DIR

struct relink_dirs {
	int *fds;
	size_t nr;
	char **made;		/* directories of our own; those left empty are removed */
	size_t nr_made;
	struct relink_seen {
		unsigned long dev, mount_dev;
	} *seen;		/* filesystems that have been looked after */
	size_t nr_seen;
	int mounts;		/* the namespace that they were made in, or 0 */
};

/* A directory named by the user. */
void relink_add(struct relink_dirs *dirs, const char *path);
/*
 * Make RELINK_DIR at the mount point of every filesystem that holds an unlinked file of @tree, which has a mount
 * namespace of its own if @own_mounts.
 */
void relink_find(struct relink_dirs *dirs, const struct tree *tree, bool own_mounts);
/* Make it on the filesystem with device number @dev, or on that of mount @id. */
void relink_add_device(struct relink_dirs *dirs, unsigned long dev);
void relink_add_mount(struct relink_dirs *dirs, unsigned long id);
/* Where that filesystem is mounted; NULL: nowhere in our namespace. */
const char *relink_mount_point(unsigned long dev);
/* What was named in them outlives a power cut. */
void relink_sync(const struct relink_dirs *dirs);
/* The directories of ours that are there, one at the mount point of each filesystem. */
void relink_each_directory(void (*visit)(const char *path));
/* Is it one that we make ourselves, by its name? */
bool is_relink_directory(const char *path);
/* Remove the directories that stayed empty. */
void relink_tidy(struct relink_dirs *dirs);

#endif
