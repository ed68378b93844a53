/* SPDX-License-Identifier: Apache-2.0 */
/* Making the tasks of a tree again, each with its pid and by its parent. */
#ifndef REBUILD_H
#define REBUILD_H

#include <stdbool.h>
#include "tasks.h"

/* Shared by all tasks while they are made. */
struct nursery {
	int error_pid;		/* the first task that could not be made */
	int error;		/* and why: errno */
	int stop;		/* make no more */
	unsigned char born[];	/* by index */
};

#define MAX_HELPERS	15

struct rebuild {
	struct tasks tasks;
	int ctx_fd;
	bool new_time;		/* the caller has made a time namespace for its children */
	int progress;		/* read end: closed when all have been made */
	int progress_in;	/* write end: every task holds it until it joins */
	struct nursery *nursery;
	char *stacks;		/* where tasks that share memory begin, by index */
	int helpers[MAX_HELPERS];
	int nr_helpers;
	int helped;		/* address spaces that they have made */
};

/*
 * Begin to make all tasks; each then joins the context by itself. The root becomes a
 * child of the caller, or of init if @orphan.
 */
void rebuild_begin(struct rebuild *rebuild, bool orphan);
/* Wait until all are there. */
void rebuild_settle(struct rebuild *rebuild);
/* Dies, and ends what was made, if one could not be made. */
void rebuild_check(struct rebuild *rebuild);

/* Before RUN: let others make address spaces, too, if there are CPUs for it. After it: they have ended. */
void rebuild_help(struct rebuild *rebuild);
void rebuild_helped(struct rebuild *rebuild);

/* End every task and wait until their pids are free again. */
void rebuild_kill(struct rebuild *rebuild);

#endif
