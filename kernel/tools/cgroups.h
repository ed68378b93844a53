/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups (v2) of a tree: the CGROUPS record, and how to have again what it says.
 * Its text is lines:
 *	N PATH			the root of the tree's own namespace, as the caller sees it
 *	A PATH			a group above it, likewise
 *	G PATH			a group, as the tree sees it; those above it came before
 *	O MODE UID GID		of its directory
 *	F NAME MODE UID GID	of a file in it that belongs to somebody else than root
 *	X NAME HEX		an extended attribute of it
 *	S NAME VALUE		a line of one of its files
 */
#ifndef CGROUPS_H
#define CGROUPS_H

#include <stdbool.h>
#include <sys/types.h>

#include "rtnl.h"
#include "tasks.h"

/* Of a line of /proc/PID/cgroup, or of the caller ("self"); NULL if there is none. */
char *cgroups_path_of(const char *pid);
/* The topmost that the caller sees, an open directory; -1 if it is mounted nowhere. */
int cgroups_open_top(void);
/* The directory of a group below it, of a path as from cgroups_path_of(). */
int cgroups_open(int top, const char *path);
/* How many bytes there are in a file of a group, with a zero after them; -1 and errno. */
ssize_t cgroups_read(int dir, const char *name, char *text, size_t room);

/* ---- checkpoint ---- */

/* Is it in another one than the topmost that the caller sees? */
bool cgroups_used(pid_t pid);

/* Describe those that the tree under @pid is in, or all that are in its own namespace. */
void cgroups_describe(pid_t pid, bool own_namespace, struct bytes *text);

/* ---- restart ---- */

/*
 * Make those that are missing, and say of each task in which it is to start. For a namespace of
 * the tree's own the caller goes to its root, until cgroups_leave().
 */
void cgroups_make(struct tasks *tasks);
void cgroups_leave(void);
/* What stands in their files. Frozen they are when all tasks have joined. */
void cgroups_set(void);
void cgroups_freeze(int ctx_fd);
/* The restart has failed: take away what was made. */
void cgroups_undo(void);

#endif
