/* SPDX-License-Identifier: Apache-2.0 */
/* Names that checkpoints gave to unlinked files, and which of them no image needs any more. */
#ifndef GC_H
#define GC_H

#include <stdbool.h>

/* A directory with such names, besides those at the mount points and those the images speak of. */
void gc_add_directory(const char *path);

/*
 * List all names, and of each whether one of @images (files, or directories of them) needs it; delete those that none
 * needs if @collect. Returns the exit status of the command.
 */
int gc_run(char *const *images, int nr_images, bool collect, bool json);

#endif
