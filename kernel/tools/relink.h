/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories for unlinked files: an unlinked file can only be given a name on
 * its own filesystem, so there is one directory on each that holds any.
 */
#ifndef RELINK_H
#define RELINK_H

#include <stddef.h>
#include "tree.h"

#define RELINK_DIR	".crlab-relink"

struct relink_dirs {
	int *fds;
	size_t nr;
	struct relink_made {
		char *path;
		unsigned long dev;
	} *made;		/* directories of our own; those left empty are removed */
	size_t nr_made;
};

/* A directory named by the user. */
void relink_add(struct relink_dirs *dirs, const char *path);
/* Make RELINK_DIR at the mount point of every filesystem that holds an unlinked file of @tree. */
void relink_find(struct relink_dirs *dirs, const struct tree *tree);
/* Remove the directories that stayed empty. */
void relink_tidy(struct relink_dirs *dirs);

#endif
