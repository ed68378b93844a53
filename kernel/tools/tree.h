/* SPDX-License-Identifier: Apache-2.0 */
/* The process tree under a pid, as /proc shows it. */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tree {
	pid_t *pids;	/* root first */
	size_t nr;
};

/* One pass over /proc; an empty tree if @root is gone. */
void tree_read(struct tree *tree, pid_t root);
/* Is @pid the root of a tree, or in it? */
bool tree_has(pid_t root, pid_t pid);
void tree_free(struct tree *tree);

#endif
