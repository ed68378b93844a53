/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are held by watches and unread events. */
#ifndef WATCHED_H
#define WATCHED_H

#include "relink.h"

/* Make RELINK_DIR on the filesystems of files that the watches of process @pid may hold without a name. */
void watched_find(struct relink_dirs *dirs, int pid);

#endif
