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
void tree_free(struct tree *tree);

/*
 * The namespace of this kind ("net") of each thread, as often as there are threads: a descriptor, which is @take's to
 * close. One that has ended has none.
 */
void tree_each_namespace(pid_t root, const char *kind, void (*take)(int ns, pid_t tid, void *arg), void *arg);

#endif
