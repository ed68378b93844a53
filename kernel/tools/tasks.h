/* SPDX-License-Identifier: Apache-2.0 */
/* The task table of a restart context, linked into a tree. */
#ifndef TASKS_H
#define TASKS_H

#include <stddef.h>
#include <stdint.h>
#include <linux/checkpoint.h>

#include "network.h"

#define NO_TASK	(-1)
#define NO_CGROUP	(-1)

struct task {
	struct ckpt_task_entry entry;
	int child;	/* first child (of a leader), index or NO_TASK */
	int sibling;	/* next child of the same parent */
	int thread;	/* first (of a leader) or next thread */
	int nr_threads;	/* of a leader, itself not counted */
	int cgroup;	/* directory of the one it starts in; NO_CGROUP: that of its maker */
	struct ckpt_ns_pid ns;	/* all zero: it lives in the caller's pid namespace */
};

struct tasks {
	struct task *at;
	int nr;
	uint32_t own;	/* CKPT_NS_*: namespaces to be made */
	struct ckpt_time time;	/* what its clocks said; zero: not known */
	char *mounts;	/* what is mounted in that of mounts, or NULL */
	void *cgroups;	/* the CGROUPS record, or NULL */
	size_t cgroups_len;
	void *user_ns;	/* the USER_NS record, or NULL */
	size_t user_ns_len;
	struct network_ns *networks;	/* NETWORK records: first the root's, which may be empty; no namespaces yet */
	size_t nr_networks;
	struct bytes *inner_mounts;	/* INNER_MOUNTS records, each with a NUL behind it */
	size_t nr_inner_mounts;
};

/* Read the table from a restart context and link it; dies if it is no tree. */
void tasks_read(struct tasks *tasks, int ctx_fd);

#endif
