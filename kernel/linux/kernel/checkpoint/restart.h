/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a restart knows: restart.c leads it, restart_image.c reads for it, restart_fd.c
 * is its descriptor.
 */
#ifndef _CHECKPOINT_RESTART_H
#define _CHECKPOINT_RESTART_H

#include <linux/checkpoint_internal.h>

enum restart_phase {
	PHASE_JOIN,
	PHASE_APPLY,
	PHASE_GO,
	PHASE_DEAD,
};

/* Records of one type, of namespaces of some of the tree; the tool makes them in turn. */
struct kept_records {
	struct kept_record {
		void *record;
		u32 len;
		u32 objref;
	} *at;
	u32 nr, nr_made;
};

/**
 * struct restart_ctx - what the file descriptor of a restart stands for
 * @ckpt:	image, log, objects
 * @refs:	the descriptor, and each task that has joined
 * @namespaces:	the NAMESPACES record, for user space, or NULL
 * @mounts:	the MOUNTS record, the same
 * @network:	the NETWORK record, the same
 * @inner_nets:	the other NETWORK records, the same
 * @inner_mnts:	the INNER_MOUNTS records, the same
 * @user_ns:	the USER_NS record, the same
 * @cgroups:	the CGROUPS record, the same
 * @time:	the TIME record, the same
 * @pid_ns:	where the pids of the image are counted: that of who made it
 * @nsproxy:	the namespaces of who made it
 * @owner:	process that made it: its end ends the restart
 * @lock:	one RUN at a time
 * @phase:	what the tasks that have joined are to do
 * @wq:		where they wait for it
 * @run_wq:	where RUN waits for them; who wakes it need not wake them all
 * @parents:	images that this one is an increment over, newest first
 * @nr_parents:	their number
 * @tasks:	of the tree, ordered by pid
 * @nr_tasks:	their number
 * @order:	the same in the order of the image
 * @nr_joined:	how many have joined
 * @all_joined:	RUN has seen all of them, and may look at them
 * @given_up:	there will not be all of them
 * @nr_applied:	how many have taken on what is theirs
 * @lost:	one of them was killed while it waited
 * @has_dead_leaders:	processes whose first thread is to end
 * @leaders_may_end:	now
 */
struct restart_ctx {
	struct ckpt_ctx *ckpt;
	struct kref refs;
	void *namespaces, *mounts, *network, *user_ns, *cgroups;
	struct kept_records inner_nets, inner_mnts;
	struct ckpt_time time;
	u32 namespaces_len, mounts_len, network_len, user_ns_len, cgroups_len;
	struct pid_namespace *pid_ns;
	struct nsproxy *nsproxy;
	struct pid *owner;
	struct mutex lock;		/* held by RUN */
	enum restart_phase phase;
	wait_queue_head_t wq;
	wait_queue_head_t run_wq;
	struct ckpt_stream *parents;
	unsigned int nr_parents;
	struct restart_task *tasks;
	unsigned int nr_tasks;
	u32 *order;
	atomic_t nr_joined;
	bool all_joined;
	bool given_up;
	atomic_t nr_applied;
	bool lost;
	bool has_dead_leaders;
	bool leaders_may_end;
};

struct restart_ctx *restart_get(int fd);
void restart_put(struct restart_ctx *r);
void restart_set_phase(struct restart_ctx *r, enum restart_phase phase);
bool restart_all_in_place(struct restart_ctx *r);
struct restart_task *restart_task_by_pid(struct restart_ctx *r, pid_t pid);
int restart_read_head(struct restart_ctx *r);
int restart_read_records(struct ckpt_ctx *ctx);
int restart_read_parents(struct restart_ctx *r);

#endif
