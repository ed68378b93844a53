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

/* A mount namespace: what mountinfo says there, and which user namespace it belongs to. */
struct mount_ns {
	const char *text;
	unsigned long long owner;
};

/* That of the namespace that is open as @fd, or 0. */
unsigned long long mounts_owner(int fd);

/*
 * The mounts of @ns[@mine], where @pid lives, as an image has them: a line of a filesystem
 * that @ns[@base], of which it is to be a copy, does not know begins with a plus sign, that
 * of another mount of what is no directory with a minus sign. It may have something in
 * common with those before it. Calls @tell for each that cannot be made again, or has
 * something in common with @outside (or NULL).
 */
char *mounts_describe(const struct mount_ns *ns, size_t mine, size_t base, const char *outside, pid_t pid,
		      void (*tell)(const char *text, void *arg), void *arg);

/* How many mounts are in one of two, and not in the other. */
size_t mounts_differ(const char *one, const char *other);

/* What @lines have marked with a plus sign, and a copy has brought, is still empty: directories to mount on are made in it. */
void mounts_are_unfilled(const char *lines);

/* @proc is a directory of procfs by which the caller finds itself, also where procfs shows another pid namespace. */
void mounts_find_self_by(int proc);

/*
 * Before that: the caller's namespace has the number @base among those that the image tells of (else 0), or it is
 * one, number @ns, of which some mounts in the next one, @lines, will be peers or slaves. Returns false, having said why.
 */
void mounts_are_copied_from(size_t base);
bool mounts_keep_beyond(const char *lines, size_t ns);

/*
 * In a namespace that is a copy of the caller's: make mounts what @want says.
 * @procs: those of procfs, which belong to the pid namespace of the caller; else
 * all others, and procfs too unless @procs_later. Returns false, having said why.
 */
bool mounts_make(const char *want, bool procs, bool procs_later);

#endif
