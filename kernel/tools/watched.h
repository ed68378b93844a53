/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are held by watches and unread events. */
#ifndef WATCHED_H
#define WATCHED_H

#include <stdbool.h>

#include "relink.h"

/* Is this the text of the link of a descriptor that watches files? */
bool is_watching(const char *link);

/*
 * Make RELINK_DIR on the filesystems of files that the watches of a descriptor, @name, may hold without a name.
 * @process is the directory of a process or thread in /proc.
 */
void watched_look(struct relink_dirs *dirs, int process, const char *name);

#endif
