/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces that a tree has of its own: a checkpoint and a restart are made from inside of them. */
#ifndef NAMESPACES_H
#define NAMESPACES_H

#include <stdint.h>
#include <sys/types.h>
#include <linux/checkpoint.h>

/* CKPT_NS_* of the namespaces of @pid that are not the caller's. */
uint32_t namespaces_own(pid_t pid);

/* checkpoint(2), by a process that has entered these namespaces of @pid. errno as ever. */
long namespaces_checkpoint(uint32_t own, pid_t pid, struct checkpoint_args *args, struct checkpoint_stats *stats);

/* Children that are made from now on live in a time namespace whose clocks say this. */
void namespaces_make_time(const struct ckpt_time *time);

/* Where one was before. */
struct namespaces_before {
	uint32_t entered;
	int fds[8];
	int cwd;
};

/* Enter the namespaces of @pid; dies if that fails. */
void namespaces_enter(uint32_t own, pid_t pid, struct namespaces_before *before);
void namespaces_leave(struct namespaces_before *before);

#endif
