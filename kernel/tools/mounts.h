/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of a mount namespace: lines of /proc/PID/mountinfo, and how to have them again. */
#ifndef MOUNTS_H
#define MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What /proc/@pid/mountinfo says; 0: of the caller. NULL if it cannot be read. */
char *mounts_read(pid_t pid);
/* "\\040" and the like, in place. */
char *mounts_unescape(char *text);

/*
 * The mounts of @pid as an image has them: a line of a filesystem that @ours does not
 * know begins with a plus sign, that of another mount of what is no directory with a
 * minus sign. Calls @tell for each that cannot be made again.
 */
char *mounts_describe(const char *theirs, const char *ours, pid_t pid, void (*tell)(const char *text, void *arg), void *arg);

/* How many mounts are in one of two, and not in the other. */
size_t mounts_differ(const char *one, const char *other);

/* What @lines have marked with a plus sign, and a copy has brought, is still empty: directories to mount on are made in it. */
void mounts_are_unfilled(const char *lines);

/* @proc is a directory of procfs by which the caller finds itself, also where procfs shows another pid namespace. */
void mounts_find_self_by(int proc);

/*
 * In a namespace that is a copy of the caller's: make mounts what @want says.
 * @procs: those of procfs, which belong to the pid namespace of the caller; else
 * all others, and procfs too unless @procs_later. Returns false, having said why.
 */
bool mounts_make(const char *want, bool procs, bool procs_later);

#endif
