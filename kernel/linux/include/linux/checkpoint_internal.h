/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint/restart: what its own parts share.
 *
 * checkpoint_*() write a resource, restore_*() make it again; both stand in
 * one file per resource, beside the subsystem they speak of. ckpt_*() is the
 * infrastructure.
 */
#ifndef _LINUX_CHECKPOINT_INTERNAL_H
#define _LINUX_CHECKPOINT_INTERNAL_H

#include <linux/checkpoint.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/path.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <uapi/linux/checkpoint.h>

#define CKPT_IO_BUF_BYTES	(64 * 1024)
#define CKPT_MAX_TASKS		32768
/* The tracker of those who do not choose. */
#define CKPT_TRACKER_BEST	CKPT_TRACKER_SCAN
/* Pages that are read, or that change hands, in one go. */
#define CKPT_BATCH_PAGES	512
/* The payload of one record of private pages, at most. */
#define CKPT_RECORD_PAGES	2048
/* A record other than PAGES never needs more. */
#define CKPT_MAX_RECORD_BYTES	(2 * 1024 * 1024)

/**
 * struct ckpt_stream - an image being written or read, front to back
 * @file:	where it goes to or comes from
 * @pos:	position in @file, if it has one
 * @offset:	bytes of the image written or consumed so far
 * @ahead:	reading: how much of it to read ahead
 * @buf:	collects small writes, or holds bytes read ahead
 * @buf_len:	bytes in @buf
 * @buf_pos:	reading: next byte in @buf
 * @crc_pos:	up to here what stands in @buf, and has been read, is in @crc
 * @crc:	CRC-32C over everything but page payload
 * @rec_crc:	the same, before the trailer
 * @nr_records:	records so far
 * @pages:	pages of payload so far
 */
struct ckpt_stream {
	struct file *file;
	loff_t pos;
	u64 offset;
	void *buf;
	size_t ahead;
	size_t buf_len;
	size_t buf_pos;
	size_t crc_pos;
	u32 crc;
	u32 rec_crc;
	u32 nr_records;
	u64 pages;
};

/* Where we are, for messages: set by the walkers, printed by ckpt_err(). */
struct ckpt_where {
	pid_t pid;
	int fd;			/* -1: not about a descriptor */
	unsigned long addr;	/* 0: not about memory */
	const char *path;	/* NULL: none known */
	u64 offset;		/* restart: where it stands in the image; 0: what was read last */
};

struct mnt_namespace;
struct net;
struct ns_common;
struct proc_ns_operations;
struct nsproxy;
struct uts_namespace;
struct work_struct;

enum ckpt_obj_type {
	CKPT_OBJ_FILE,
	CKPT_OBJ_PIPE,
	CKPT_OBJ_SHMEM,
	CKPT_OBJ_CONTENTS,
	CKPT_OBJ_MM,
	CKPT_OBJ_CRED,
	CKPT_OBJ_NOTIFY,	/* restart only: an inotify instance or fanotify group */
	CKPT_OBJ_ANON,		/* restart only: what only a descriptor leads to */
	CKPT_OBJ_SOCKET,	/* restart: one that has no file */
	CKPT_OBJ_TTY,		/* restart: a pseudo terminal of the tree */
	CKPT_OBJ_FILES,		/* restart: the record, as the next two */
	CKPT_OBJ_FS,
	CKPT_OBJ_SIGHAND,	/* the same */
	CKPT_OBJ_SECCOMP,
	CKPT_OBJ_TMPFS,		/* its superblock */
	CKPT_OBJ_MQUEUE,	/* restart: opened with O_PATH */
	CKPT_OBJ_HUGETLB,	/* restart: a file */
	CKPT_OBJ_NS,		/* a namespace of single tasks */
	CKPT_OBJ_TYPES,
};

/* A list of tasks, each held. */
struct ckpt_task_list {
	struct task_struct **task;
	unsigned int nr;
	unsigned int max;
};

/**
 * struct ckpt_place - where a caller was who lives in another mount namespace for a while
 * @nsproxy:	his namespaces
 * @root:	his root directory
 * @pwd:	his working directory
 */
struct ckpt_place {
	struct nsproxy *nsproxy;
	struct path root, pwd;
};

/**
 * struct ckpt_ctx - one checkpoint or one restart
 * @flags:	CHECKPOINT_* or RESTART_*
 * @img:	the image
 * @log:	where messages go, or NULL
 * @where:	what is being looked at
 * @error:	the first error
 * @header:	of the image
 * @objs:	checkpoint: objects by address
 * @refs:	restart: objects by objref
 * @mms:	restart: address spaces by their name in the chain
 * @shmem_ids:	restart: shared memory by its name in the chain
 * @last_shmem:	restart: what the PAGES that follow may leave to a parent
 * @lazy:	restart: the images that pages have been left in, or NULL
 * @restart:	restart: the tasks
 * @main:	restart: that of the coordinator, whom this one helps, or NULL
 * @jobs:	restart: what others may help with
 * @ahead:	restart: head of the first record that the tasks do not need; type 0: none
 * @last_process: restart: what a SIGQUEUE without pid and THREADs belong to
 * @last_thread: restart: what CPU and FPU records belong to
 * @outside:	restart: where the coordinator lives else, while it restores what is in an
 *		IPC namespace of some tasks; or NULL
 * @inside:	restart: objref of that
 * @own_groups:	restart: process groups without leader, and their sessions
 * @copy_dir:	restart: where copied files are made, if not where they were
 * @tmpfs:	restart: the one that is being filled, or NULL; @refs hold it
 * @next_ref:	checkpoint: next objref
 * @asked:	checkpoint: every task that was asked to stop
 * @tasks:	checkpoint: the tree; a leader, its threads, the next leader ...
 * @entries:	checkpoint: the same as the image has them
 * @pids:	checkpoint: the pids of the tree
 * @pipe_ends:	checkpoint: of each pipe, by its inode, how many files have been written
 * @masters:	checkpoint: masters of pseudo terminals that the tree holds
 * @dirs:	checkpoint: directories that were written last; @objs holds them
 * @locked:	checkpoint: files that hold locks, and must not be held from outside
 * @nr_locked:	checkpoint: their number
 * @locks:	restart: locks, to be set when all have their descriptors
 * @files:	restart: what is left to do to each open file
 * @mounts:	checkpoint: what user space says of the tree's own mounts
 * @network:	checkpoint: what it says of the tree's own network
 * @user_ns:	the tree's own user namespace, or NULL
 * @cgroups:	checkpoint: what it says of control groups
 * @cgroup_members: checkpoint: who is in which
 * @nr_cgroup_members: their number
 * @network_changes: checkpoint: a socket that hears of what changes there
 * @inner_nets:	checkpoint: network namespaces in which only some tasks live
 * @inner_mnts:	mount namespaces of this kind
 * @in_mnt:	in which of them the caller is just now, or NULL
 * @place:	where he was before
 * @ipc:	System V IPC objects: segments seen, or objects that have been made
 * @file_cred:	restart: the credentials that files are opened with
 * @file_cred_ref: restart: how the image names them
 * @later:	checkpoint: what is written after all processes
 * @tcp:	connections: held still by a checkpoint, made by a restart
 * @tracker:	checkpoint: enum ckpt_tracker
 * @snapshots:	checkpoint: address spaces whose pages are still to be written
 * @written:	checkpoint: by frame number, pages that others may share: where they stand
 * @shmems:	checkpoint: shared memory that has been hashed
 * @held:	checkpoint: what keeps the tree at rest afterwards, or NULL
 */
struct ckpt_ctx {
	u64 flags;
	struct ckpt_stream img;
	struct file *log;
	loff_t log_pos;
	struct ckpt_where where;
	int error;
	struct ckpt_header header;

	/* checkpoint */
	DECLARE_HASHTABLE(objs, 10);
	u32 next_ref;
	struct ckpt_task_list asked;
	struct ckpt_task_list tasks;
	struct ckpt_task_entry *entries;
	struct xarray pids;
	struct xarray pipe_ends;
	struct xarray masters;
	struct file *dirs[2];
	struct ckpt_locked *locked;
	unsigned int nr_locked;
	struct path *relink_dirs;
	unsigned int nr_relink_dirs;
	struct list_head relinked;
	unsigned int nr_names;
	struct list_head snapshots;
	struct list_head ipc;		/* restart, too */
	void *mounts, *network, *cgroups;
	u32 mounts_len, network_len, cgroups_len, nr_cgroup_members, nr_inner_nets;
	struct ckpt_inner_net *inner_nets;
	struct ckpt_cgroup_member *cgroup_members;
	struct file *network_changes;
	struct user_namespace *user_ns;	/* restart, too */
	struct ckpt_inner_mnt *inner_mnts;	/* the same */
	u32 nr_inner_mnts;		/* the same */
	struct ckpt_inner_mnt *in_mnt;	/* the same */
	struct ckpt_place place;	/* the same */
	struct xarray written;
	struct list_head shmems;
	struct list_head later[3];
	struct list_head tcp;
	u32 tracker;
	struct file *held;
	struct checkpoint_stats stats;
	char *path_buf;

	/* restart */
	struct xarray refs;
	struct maple_tree mms;
	struct maple_tree shmem_ids;
	struct restored_shmem *last_shmem;
	struct list_head locks;
	struct list_head files;
	const struct cred *file_cred;
	u32 file_cred_ref;
	struct ckpt_lazy *lazy;
	struct restart_ctx *restart;
	struct ckpt_ctx *main;
	struct restore_jobs *jobs;
	struct ckpt_rec ahead;
	struct restart_task *last_process;
	struct restart_task *last_thread;
	struct nsproxy *outside;
	u32 inside;
	struct xarray own_groups;
	struct path copy_dir;
	struct restored_tmpfs *tmpfs;
};

static inline bool ckpt_dryrun(const struct ckpt_ctx *ctx)
{
	return ctx->flags & CHECKPOINT_DRYRUN;
}

/* Is it an increment? */
static inline bool ckpt_has_parent(const struct ckpt_ctx *ctx)
{
	return memchr_inv(ctx->header.parent_id, 0, CKPT_ID_BYTES);
}

/* image.c */
int ckpt_stream_init(struct ckpt_stream *s, int fd, fmode_t mode);
void ckpt_stream_release(struct ckpt_stream *s);
int ckpt_write(struct ckpt_ctx *ctx, const void *data, size_t len);
int ckpt_write_rec(struct ckpt_ctx *ctx, u32 type, u32 objref,
		   const void *data, size_t len);
int ckpt_write_rec2(struct ckpt_ctx *ctx, u32 type, u32 objref,
		    const void *data, size_t len,
		    const void *tail, size_t tail_len);
int ckpt_write_rec_names(struct ckpt_ctx *ctx, u32 type, u32 objref, const void *data,
			 size_t len, const char *name, const char *name2);
int ckpt_write_pages_rec(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_extent *extents,
			 unsigned int nr_extents, struct page **pages, unsigned int nr_pages);
u32 ckpt_written_crc(struct ckpt_stream *s);
int ckpt_write_in_parallel(struct file *file, loff_t *pos, struct page **pages, unsigned int nr);
size_t ckpt_copy_cached(struct file *file, loff_t *pos, struct page **pages, unsigned int nr);
int ckpt_flush(struct ckpt_ctx *ctx);
int ckpt_read_padding(struct ckpt_stream *s, size_t len);
int ckpt_read(struct ckpt_stream *s, void *data, size_t len);
int ckpt_read_pages(struct ckpt_stream *s, struct page **pages, unsigned int nr);
int ckpt_skip_pages(struct ckpt_stream *s, unsigned int nr);
int ckpt_read_rec(struct ckpt_ctx *ctx, struct ckpt_stream *s,
		  struct ckpt_rec *rec);
void *ckpt_read_payload(struct ckpt_ctx *ctx, struct ckpt_stream *s,
			const struct ckpt_rec *rec, size_t min, size_t max);

__printf(3, 4)
int ckpt_err(struct ckpt_ctx *ctx, int err, const char *fmt, ...);
__printf(3, 4)
int ckpt_obstacle(struct ckpt_ctx *ctx, int err, const char *fmt, ...);
__printf(2, 3)
void ckpt_note(struct ckpt_ctx *ctx, const char *fmt, ...);

/* object.c */
int ckpt_obj_lookup(struct ckpt_ctx *ctx, enum ckpt_obj_type type, void *ptr,
		    u32 *objref);
int ckpt_obj_add(struct ckpt_ctx *ctx, enum ckpt_obj_type type, void *ptr,
		 u32 *objref);
int ckpt_obj(struct ckpt_ctx *ctx, enum ckpt_obj_type type, void *ptr,
	     u32 *objref);
void ckpt_obj_for_each(struct ckpt_ctx *ctx, enum ckpt_obj_type type,
		       void (*visit)(struct ckpt_ctx *ctx, void *ptr));
void ckpt_objs_release_type(struct ckpt_ctx *ctx, enum ckpt_obj_type type);
void ckpt_objs_release(struct ckpt_ctx *ctx);
int ckpt_ref_add(struct ckpt_ctx *ctx, u32 objref, enum ckpt_obj_type type,
		 void *ptr);
void *ckpt_ref(struct ckpt_ctx *ctx, u32 objref, enum ckpt_obj_type type);
int ckpt_ref_type(struct ckpt_ctx *ctx, u32 objref);
void *ckpt_ref_next(struct ckpt_ctx *ctx, unsigned long *objref, enum ckpt_obj_type type);
void ckpt_refs_release(struct ckpt_ctx *ctx);

/* freeze.c */
bool ckpt_in_tree(struct ckpt_ctx *ctx, pid_t pid);
int ckpt_freeze_tree(struct ckpt_ctx *ctx, struct task_struct *root);
void ckpt_wait_inactive(struct task_struct *t);
int ckpt_check_frozen(struct ckpt_ctx *ctx);
void ckpt_thaw_tree(struct ckpt_ctx *ctx);
void ckpt_let_go(struct ckpt_task_list *list);
void ckpt_task_list_free(struct ckpt_task_list *list);
void ckpt_task_lists_free(struct ckpt_ctx *ctx);

/**
 * ckpt_live_task - a task that has what belongs to a process
 * @ctx:	the checkpoint
 * @i:		index of the leader of a process that lives
 *
 * Return: the leader, or, if it has ended, the thread that stands behind it.
 */
static inline struct task_struct *ckpt_live_task(struct ckpt_ctx *ctx, unsigned int i)
{
	return ctx->tasks.task[i + !!(ctx->entries[i].flags & CKPT_TASK_DEAD_LEADER)];
}

/* vfork.c */
struct task_struct *ckpt_vfork_child(struct ckpt_ctx *ctx, struct task_struct *t);
struct task_struct *ckpt_vfork_end(struct ckpt_ctx *ctx, struct task_struct *t);
int restore_vfork(struct ckpt_ctx *ctx, struct restart_task *rt);
struct task_struct *restore_vfork_child(struct restart_task *rt);
void restore_vfork_wait(struct task_struct *child, struct completion *vfork, bool go);

/* hold.c */
struct file *ckpt_held_file(void);
void ckpt_hold(struct ckpt_ctx *ctx, struct file *file);

/* checkpoint.c */
struct ckpt_ctx *ckpt_ctx_alloc(void);
void ckpt_ctx_free(struct ckpt_ctx *ctx);
int do_checkpoint(struct ckpt_ctx *ctx, struct task_struct *root,
		  const u8 *parent_id);

/* restart.c */

/**
 * struct restart_task - a task of the tree that is being made
 * @entry:	what the image says of it
 * @rctx:	the restart it takes part in
 * @leader:	leader of its process
 * @task:	the task, once it has joined
 * @gone:	it was killed while it waited
 * @applied:	restore_task() has run in its context
 * @ret:	and returned this
 * @what:	and failed at this
 * @has_heir:	others of its process are in the image
 * @has_thread:	@thread is filled in
 * @cpu:	its registers, as the image has them
 * @has_fpu:	its FPU state is set
 * @has_epoll_items: leader: there are some that it has to add itself
 * @thread:	what the image says of this thread
 * @process:	leader: what the image says of the process
 * @sigqueues:	pending signals, to be queued when handlers and masks stand
 * @sched:	how the thread is scheduled, or NULL
 * @unshared:	what it has for itself, unlike its process, or NULL
 * @next_unshared: another thread of the process that has descriptors of its own
 * @usage:	what it has used, or NULL
 * @account:	leader: what is counted and timed of the process, or NULL
 * @sem_undo:	leader: what its end takes back of semaphores, or NULL
 * @nr_sem_undo: leader: their number
 * @timers:	leader: its POSIX timers, or NULL
 * @nr_timers:	leader: their number
 * @vfork:	what it waits for, if that is a vfork()
 */
struct restart_task {
	struct ckpt_task_entry entry;
	struct restart_ctx *rctx;
	struct restart_task *leader;
	struct task_struct *task;
	bool gone;
	bool applied;
	int ret;
	const char *what;
	bool has_thread;
	bool has_heir;
	void *cpu;
	bool has_fpu;
	bool has_epoll_items;
	struct ckpt_thread thread;
	struct ckpt_process *process;
	struct list_head sigqueues;
	struct ckpt_sched *sched;
	struct ckpt_deadline *deadline;
	struct ckpt_dispatch *dispatch;
	struct ckpt_unshared *unshared;
	struct restart_task *next_unshared;
	struct ckpt_usage *usage;
	struct ckpt_account *account;
	struct ckpt_sem_undo *sem_undo;
	unsigned int nr_sem_undo;
	struct ckpt_timer *timers;
	unsigned int nr_timers;
	struct completion *vfork;
};

/* A record that is kept until a task reads it: FILES, FS, SIGHAND. */
struct ckpt_payload {
	struct restart_task *first;	/* that uses it: a leader, or who has unshared it */
	size_t len;
	u8 data[];
};

int restart_create(u64 flags, const int *fds, unsigned int nr_fds, int log_fd,
		   const struct path *copy_dir);
long restart_join(int ctx_fd);
int restart_run(int ctx_fd, struct restart_stats *stats);
long restart_help(int ctx_fd);
struct restart_task *restart_find(struct ckpt_ctx *ctx, pid_t pid);
struct task_struct *restart_root(struct ckpt_ctx *ctx);
struct restart_task *restart_lookup(struct ckpt_ctx *ctx, pid_t pid);
const struct ckpt_ns_pid *restart_group_numbers(struct ckpt_ctx *ctx, pid_t nr);
struct ckpt_ctx *restart_ckpt_ctx(struct restart_task *rt);
const struct nsproxy *restart_namespaces(struct ckpt_ctx *ctx);
int ckpt_read_trailer(struct ckpt_ctx *ctx, struct ckpt_stream *s,
		      const struct ckpt_rec *rec);

/* Note where restore_task() failed, in the words of the log. */
static inline int restore_fail(struct restart_task *rt, int err, const char *what)
{
	rt->what = what;
	return err;
}

/* task.c */
int ckpt_group_obstacles(struct ckpt_ctx *ctx, struct task_struct *t);
int ckpt_task_obstacles(struct ckpt_ctx *ctx, struct task_struct *t);
void restore_note_user(struct ckpt_ctx *ctx, struct restart_task *rt, u32 objref,
		       enum ckpt_obj_type type);
int checkpoint_process(struct ckpt_ctx *ctx, unsigned int first);
int restore_process_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_thread_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_task(struct restart_task *rt);
void restore_process_free(struct ckpt_process *process);

/* namespaces.c */
const char *ckpt_foreign_namespace(struct ckpt_ctx *ctx, struct task_struct *t);
unsigned int ckpt_pid_depth(struct task_struct *t);
int checkpoint_namespaces(struct ckpt_ctx *ctx);
void restore_last_pid(struct task_struct *init, pid_t last);
int restore_uts_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int ckpt_check_leaks(struct ckpt_ctx *ctx, const struct ns_common *only);
int checkpoint_uts(struct ckpt_ctx *ctx, struct uts_namespace *ns, u32 objref);

/* jobs.c */
void ckpt_mark_own_groups(struct ckpt_ctx *ctx);
u32 checkpoint_stop_signal(struct task_struct *t);
int restore_ids(struct ckpt_ctx *ctx, struct restart_task *rt);
void restore_stop(struct restart_task *rt);

/* unshared.c */
int checkpoint_unshared(struct ckpt_ctx *ctx, const struct ckpt_unshared *u);
int restore_unshared_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* inner_ns.c */
bool ckpt_is_one_of(const struct nsproxy *nsproxy, const struct ns_common *ns);
void ckpt_inner_ns(struct ckpt_ctx *ctx, struct task_struct *t, struct ckpt_unshared *u);
int checkpoint_inner_ns(struct ckpt_ctx *ctx);
struct uts_namespace *restore_inner_uts(struct ckpt_ctx *ctx, const struct ckpt_uts *u,
					u32 objref);
int restore_enter_ipc(struct ckpt_ctx *ctx, bool own_user, u32 objref);
int restore_leave_ns(struct ckpt_ctx *ctx, int err);
struct nsproxy *ckpt_enter_ns(struct ns_common *ns);
struct ns_common *ckpt_get_inner_ns(struct task_struct *t, const struct proc_ns_operations *ops);
int restore_ipc_ns_end_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_inner_ns(struct restart_task *rt);
int restore_cgroup_ns_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* usage.c */
int checkpoint_usage(struct ckpt_ctx *ctx);
int restore_usage_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_usage(struct ckpt_ctx *ctx, struct restart_task *rt);

/* account.c */
int checkpoint_account(struct ckpt_ctx *ctx, struct task_struct *t, bool alarm_is_pending);
int restore_account_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_account(struct ckpt_ctx *ctx, struct restart_task *rt);
int restore_itimers(struct ckpt_ctx *ctx, struct restart_task *rt);

/* sched.c */
int ckpt_sched_obstacles(struct ckpt_ctx *ctx, struct task_struct *t);
int checkpoint_sched(struct ckpt_ctx *ctx, struct task_struct *t, u32 seccomp);
int restore_sched_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_deadline_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_dispatch_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_sched(struct restart_task *rt);

/* net/core/filter.c */
struct bpf_prog;
struct sock_filter;
struct sock_fprog_kern;
int bpf_prog_create_checked(struct bpf_prog **pfp, struct sock_fprog_kern *fprog,
			    int (*trans)(struct sock_filter *filter, unsigned int flen));

/* posix_timers.c, a part of kernel/time/posix-timers.c */
#ifdef CONFIG_POSIX_TIMERS
int checkpoint_timers(struct ckpt_ctx *ctx, struct task_struct *t);
int restore_timers_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_timers(struct restart_task *rt);
int restore_timers_go(struct ckpt_ctx *ctx, struct restart_task *rt);
#endif

/* seccomp.c, a part of kernel/seccomp.c */
#ifdef CONFIG_SECCOMP_FILTER
int ckpt_seccomp_obstacles(struct ckpt_ctx *ctx, struct task_struct *t);
int checkpoint_seccomp(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref);
int restore_seccomp_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_seccomp_check(struct restart_task *rt);
int restore_seccomp(struct restart_task *rt);
void ckpt_seccomp_grab(void *filter);
void ckpt_seccomp_drop(void *filter);
void restore_seccomp_put(void *filter);
#endif

/* ipc/checkpoint.c */
struct ipc_ids;
struct ipc_namespace;
struct kern_ipc_perm;
struct msg_msg;

/**
 * struct restored_ipc - a System V IPC object in the making
 * @list:	in the list of the restart
 * @ns:		where it is
 * @perm:	it; there it stays until it is committed, unless somebody removes it
 * @rec:	what the image says of it
 * @created:	the restart has made it; else it was there
 * @committed:	nothing is to be taken back any more
 * @commit:	all has succeeded: make it what the image says
 * @rollback:	take it back, or leave it as it was
 * @free:	free the structure
 */
struct restored_ipc {
	struct list_head list;
	struct ipc_namespace *ns;
	struct kern_ipc_perm *perm;
	struct ckpt_ipc_perm rec;
	bool created;
	bool committed;
	void (*commit)(struct restored_ipc *ipc);
	void (*rollback)(struct restored_ipc *ipc);
	void (*free)(struct restored_ipc *ipc);
};

int checkpoint_ipc(struct ckpt_ctx *ctx);
int checkpoint_ipc_ns(struct ckpt_ctx *ctx, u32 objref);
int restore_ipc_ns_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
void ckpt_describe_ipc(struct kern_ipc_perm *perm, struct ckpt_ipc_perm *rec);
bool ckpt_pid_is_in_tree(struct ckpt_ctx *ctx, struct pid *pid);
int restore_check_ipc(struct ckpt_ctx *ctx, const struct ckpt_ipc_perm *rec, u32 modes,
		      const char *what);
struct kern_ipc_perm *restore_find_ipc(struct ckpt_ctx *ctx, struct ipc_namespace *ns,
				       struct ipc_ids *ids, const struct ckpt_ipc_perm *rec,
				       const char *what);
void restore_ipc_add(struct ckpt_ctx *ctx, struct restored_ipc *ipc, struct ipc_namespace *ns,
		     struct kern_ipc_perm *perm, const struct ckpt_ipc_perm *rec);
void restore_ipc_perm(struct restored_ipc *ipc, u32 more);
void restore_ipc_commit(struct ckpt_ctx *ctx);
void ckpt_ipc_free(struct ckpt_ctx *ctx);

/* ipc/mqueue_checkpoint.c */
#ifdef CONFIG_POSIX_MQUEUE
int checkpoint_mqueues(struct ckpt_ctx *ctx);
int restore_mqueue_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_mqueue_notify_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
struct file *restore_mqueue_file(struct ckpt_ctx *ctx, const struct ckpt_file *f);
#else
static inline int checkpoint_mqueues(struct ckpt_ctx *ctx)
{
	return 0;
}
#endif

/* ipc/msgutil.c */
struct msg_msg *ckpt_make_msg(const void *data, size_t len);
void ckpt_copy_msg(void *to, struct msg_msg *msg, size_t len);

/* shm_checkpoint.c, a part of ipc/shm.c */
struct file *ckpt_shm_file(const struct file *attached);
bool ckpt_is_shm(const struct file *file);
int checkpoint_shm(struct ckpt_ctx *ctx, struct file *attached, u32 *objref);
int ckpt_check_shm(struct ckpt_ctx *ctx);
int checkpoint_unattached_shm(struct ckpt_ctx *ctx);
int restore_shm_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
struct file *restore_shm_attach(struct ckpt_ctx *ctx, const struct ckpt_vma *v,
				struct mm_struct *mm);

/* sem_checkpoint.c, a part of ipc/sem.c */
int ckpt_sem_obstacles(struct ckpt_ctx *ctx, struct task_struct *t);
int checkpoint_sems(struct ckpt_ctx *ctx);
int checkpoint_sem_undo(struct ckpt_ctx *ctx, struct task_struct *t);
int restore_sem_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_sem_undo_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_sem_undo(struct restart_task *rt);
void restore_sem_undo_commit(struct restart_task *rt);
long semtimedop_restart(struct restart_block *rb);

/* msg_checkpoint.c, a part of ipc/msg.c */
int checkpoint_msgs(struct ckpt_ctx *ctx);
int restore_msg_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* signal.c */
int checkpoint_sighand(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref);
int restore_sighand(struct restart_task *rt);
int checkpoint_sigqueue(struct ckpt_ctx *ctx, struct task_struct *t, bool shared);
int restore_sigqueue_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_sigqueues(struct ckpt_ctx *ctx, struct restart_task *rt);
void restore_sigqueues_free(struct restart_task *rt);
void checkpoint_thread_signal(struct task_struct *t, struct ckpt_thread *th);
int restore_thread_signal(struct restart_task *rt);

/* timer.c */
int checkpoint_restart_block(struct ckpt_ctx *ctx, struct task_struct *t,
			     struct ckpt_thread *th);
int restore_restart_block(struct restart_task *rt);

/* cred.c */
int checkpoint_cred(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref);
int restore_cred_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_cred(struct restart_task *rt);
int checkpoint_file_cred(struct ckpt_ctx *ctx, const struct cred *cred, u32 *objref);
const struct cred *restore_file_cred(struct ckpt_ctx *ctx, u32 objref);

/* fs/checkpoint.c */
struct files_struct;
struct tty_struct;

/* Flags of an open file that an image holds. O_EXCL: of a block device, or an O_TMPFILE. */
#define CKPT_OPEN_FLAGS	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECT | O_SYNC |	\
			 O_NOATIME | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW |		\
			 O_PATH | O_EXCL | FASYNC | __O_TMPFILE)

int ckpt_file_describe(struct ckpt_ctx *ctx, struct file *file,
		       enum ckpt_file_kind kind, struct ckpt_file *rec);
u32 ckpt_file_objref(struct ckpt_ctx *ctx, struct file *file);
int ckpt_file_write(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_file *rec,
		    const char *path, const char *path2);
int ckpt_file_write_named(struct ckpt_ctx *ctx, struct file *file,
			  struct ckpt_file *rec, const char *what);
int checkpoint_file(struct ckpt_ctx *ctx, struct file *file, u32 *objref);
int checkpoint_path(struct ckpt_ctx *ctx, const struct path *path, u32 *objref);

/* fs/restore.c */
int restore_file_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_files_state(struct ckpt_ctx *ctx);
void restore_files_done(struct ckpt_ctx *ctx);
void restore_files_free(struct ckpt_ctx *ctx);

/* fs/namei.c */
struct file *path_open_quiet(const struct path *path, int flags, const struct cred *cred);

/* fs/namespace.c */
struct vfsmount *mnt_next_of_sb(const struct super_block *sb, u64 *id);

/* fs/ckpt_names.c */
char *ckpt_d_path(const struct path *path, char *buf);
char *ckpt_dir_name(const struct path *dir, char *buf);
void ckpt_name_for_messages(struct ckpt_ctx *ctx, const struct path *path);
int ckpt_find_name_below(struct ckpt_ctx *ctx, const struct path *path, const char *what,
			 const char **name, char *buf, const char **below);
int ckpt_look_up(const char *name, const struct path *path);
bool ckpt_find_hidden(struct ckpt_ctx *ctx, const struct path *path, char *buf,
		      const char **name, const char **below);
int restore_find_hidden(struct ckpt_ctx *ctx, const char *name, const char *below,
			struct path *path);
bool ckpt_is_dead_proc(const struct file *file);
bool ckpt_is_outside_proc(struct ckpt_ctx *ctx, const struct file *file);
int checkpoint_dead_proc(struct ckpt_ctx *ctx, struct file *file, struct ckpt_file *rec);
struct file *restore_dead_proc(struct ckpt_ctx *ctx, const struct ckpt_file *f,
			       const char *name, const char *in);
struct file *restore_open_path(struct ckpt_ctx *ctx, const struct ckpt_file *f,
			       const struct path *path);
int ckpt_find_name(struct ckpt_ctx *ctx, const struct path *path, const char *what,
		   const char **name);

/* fs/ckpt_identity.c */
bool ckpt_is_made_up(const struct super_block *sb);
int ckpt_describe_inode(struct ckpt_ctx *ctx, const struct path *path,
			struct ckpt_file *rec);
int ckpt_check_inode(struct ckpt_ctx *ctx, const struct ckpt_file *f,
		     const struct path *path);

/* fs/ckpt_fdtable.c */
int restore_find_fdinfo(struct ckpt_ctx *ctx, const char *name, struct path *path);
struct files_struct *ckpt_get_files(struct task_struct *t);
struct file *ckpt_next_file(struct files_struct *files, unsigned int *fd,
			    bool *cloexec);
bool ckpt_has_own_files(struct ckpt_ctx *ctx, unsigned int i);
int checkpoint_files(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref);
int restore_own_files(struct task_struct *t);
int restore_files(struct restart_task *rt);

/* fs/ckpt_dirs.c */
int checkpoint_fs(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref);
int restore_own_fs(struct task_struct *t);
int restore_fs(struct restart_task *rt);

/* fs/ckpt_locks.c */

/* Locks in the making. */
struct ckpt_lock_list {
	struct ckpt_lock *at;
	unsigned int nr;
	unsigned int max;
};

int checkpoint_file_locks(struct ckpt_ctx *ctx, struct file *file, u32 objref);
int ckpt_collect_posix_locks(struct ckpt_ctx *ctx, struct ckpt_lock_list *list,
			     struct files_struct *files, struct file *file, u32 objref);
int ckpt_write_locks(struct ckpt_ctx *ctx, struct ckpt_lock_list *list, u32 objref);
int restore_locks_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_locks(struct ckpt_ctx *ctx);
void ckpt_locks_free(struct ckpt_ctx *ctx);

/* fs/ckpt_holders.c */
int ckpt_remember_held(struct ckpt_ctx *ctx, struct file *file, const char *what);
int ckpt_check_holders(struct ckpt_ctx *ctx);

/* fs/ckpt_anon.c */

/**
 * struct ckpt_anon - what only a descriptor leads to, and is made before its FILE
 * @file:	its file
 * @kind:	enum ckpt_file_kind
 * @taken:	its FILE has been read
 * @data:	of its kind, for kvfree()
 * @nr:		elements of @data
 */
struct ckpt_anon {
	struct file *file;
	u32 kind;
	bool taken;
	void *data;
	unsigned int nr;
};

/* When what comes after all processes is written. */
enum ckpt_stage {
	CKPT_STAGE_DISCOVER,	/* may lead to more files */
	CKPT_STAGE_CONNECT,
	CKPT_STAGE_FILL,
	CKPT_STAGES,
};

typedef int (*ckpt_later_fn)(struct ckpt_ctx *ctx, void *ptr, u32 objref);

int ckpt_anon_write(struct ckpt_ctx *ctx, struct file *file, enum ckpt_file_kind kind,
		    u32 objref);
int ckpt_write_later(struct ckpt_ctx *ctx, enum ckpt_stage stage, void *ptr, u32 objref,
		     ckpt_later_fn fn);
int ckpt_write_what_is_left(struct ckpt_ctx *ctx);
void ckpt_later_free(struct ckpt_ctx *ctx);
int ckpt_anon_add(struct ckpt_ctx *ctx, u32 objref, u32 kind, struct file *file);
struct ckpt_anon *ckpt_anon_ref(struct ckpt_ctx *ctx, u32 objref, u32 kind);
struct file *restore_anon_file(struct ckpt_ctx *ctx, const struct ckpt_file *f);
void ckpt_anon_put(void *anon);
struct pid *ckpt_dead_pid(struct pid_namespace *ns, pid_t nr);
struct pid *restore_pid_of_credentials(struct ckpt_ctx *ctx, pid_t nr);

/* fs/eventfd.c, fs/eventfd_checkpoint.c */
u64 eventfd_get_state(struct file *file, bool *semaphore);
struct file *eventfd_make(u64 count, bool semaphore);
int restore_eventfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* fs/signalfd.c */
u64 signalfd_get_mask(struct file *file);
struct file *signalfd_make(u64 mask);
bool is_signalfd(const struct file *file);
int restore_signalfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* fs/timerfd.c */
void timerfd_describe(struct file *file, struct ckpt_timerfd *rec);
struct file *timerfd_make(const struct ckpt_timerfd *rec);
int restore_timerfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* fs/eventpoll.c, fs/eventpoll_checkpoint.c */
struct eventpoll_item {
	struct file *file;
	int fd;
	u32 events;
	u64 data;
	unsigned int ready;
	wait_queue_head_t *whead;	/* where it waits, for comparison */
};

unsigned int eventpoll_describe(struct file *file, struct eventpoll_item *items,
				unsigned int max);
bool eventpoll_polls_busily(struct file *file);
struct file *eventpoll_make(void);
int eventpoll_add(struct file *file, const struct eventpoll_item *item);
void eventpoll_settle(struct file *file, const struct eventpoll_item *item);
bool is_eventpoll(struct file *file);
int restore_epoll_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_epoll_items_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_own_epoll_items(struct restart_task *rt);
void restore_epolls_settle(struct ckpt_ctx *ctx);

/* fs/pidfd_checkpoint.c */
int checkpoint_pidfd(struct ckpt_ctx *ctx, struct file *file);
int restore_pidfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* net/sock_checkpoint.c */
struct net;
struct scm_cookie;
struct sk_buff;
struct sk_buff_head;
struct sock;
struct sockaddr_un;
struct socket;

struct restored_tcp;

/* What is set last, for what happens before would change it. */
struct restored_sock {
	struct sock *sk;	/* has no file: the table of objects holds it */
	struct socket *sock;	/* TCP: the same, until it waits to be accepted */
	struct sock *listener;	/* TCP: where it is to wait */
	struct restored_tcp *tcp;
	bool gone;
	u32 shutdown;
	u32 error;
};

int checkpoint_sock(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_socket *rec, u32 objref,
		    const void *addr, const void *peer);
int ckpt_write_queue(struct ckpt_ctx *ctx, const struct sock *sk, struct sk_buff_head *queue,
		     u32 objref, int (*write)(struct ckpt_ctx *ctx, const struct sock *sk,
					      struct sk_buff *skb, u32 objref));
int restore_socket_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_socket_peer_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_socket_msg_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
struct sock *restored_sock_of(struct ckpt_ctx *ctx, u32 objref);
int restore_sock_add(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_socket *s,
		     struct sock *sk);
void restore_sockets_settle(struct ckpt_ctx *ctx);
void ckpt_restored_sock_put(void *sock);
void ckpt_sock_get(void *sk);
void ckpt_sock_put(void *sk);

/* net/sock_filter_checkpoint.c */
int checkpoint_sock_filter(struct ckpt_ctx *ctx, struct sock *sk, u32 objref);
int restore_socket_filter_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* net/sock_options.c */
int ckpt_sock_long_options(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_sockopt *options,
			   unsigned int nr, unsigned int max);
bool ckpt_is_long_option(const struct sock *sk, const struct ckpt_sockopt *o);
int restore_sock_long_option(struct ckpt_ctx *ctx, struct socket *sock,
			     const struct ckpt_sockopt *options, unsigned int nr);
int ckpt_sock_options(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_sockopt *options,
		      unsigned int max);
int restore_sock_options(struct ckpt_ctx *ctx, struct socket *sock,
			 const struct ckpt_sockopt *options, unsigned int nr);

/* net/unix/af_unix.c */
bool unix_is_found_by_name(const struct sock *sk);
int unix_bind_again(struct sock *sk, struct sockaddr_un *name, int len, const struct path *path,
		    bool found);
struct sock *unix_make_gone(struct net *net, int type);
void unix_forget(struct sock *sk);
struct sock *unix_make_pending(struct sock *listener);
int unix_queue_again(struct sock *from, struct sock *to, const void *data, size_t len,
		     struct scm_cookie *scm, u32 flags);

/* net/unix/unix_checkpoint.c */
int checkpoint_unix(struct ckpt_ctx *ctx, struct file *file, struct socket *sock);
int restore_unix(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		 struct socket *sock);
int restore_unix_without_file(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_socket *s,
			      const void *addr);
int restore_unix_peer(struct ckpt_ctx *ctx, struct sock *sk, struct sock *peer);
int restore_unix_msg(struct ckpt_ctx *ctx, struct sock *from, struct sock *to,
		     const struct ckpt_socket_msg *m, size_t len);
int unix_files_in_flight(struct file *file, struct file ***files, unsigned int *nr);

/* kernel/checkpoint/user_ns.c */
struct cred;
struct pid_namespace;
int ckpt_find_user_ns(struct ckpt_ctx *ctx);
int ckpt_check_owners(struct ckpt_ctx *ctx);
bool ckpt_pid_ns_owner(struct ckpt_ctx *ctx, const struct pid_namespace *ns);
int checkpoint_user_ns(struct ckpt_ctx *ctx);
int restore_use_user_ns(struct ckpt_ctx *ctx, int fd);
int restore_give_pid_ns(struct ckpt_ctx *ctx);
int restore_enter_user_ns(struct ckpt_ctx *ctx, struct cred *new);

/* kernel/cgroup/ckpt_cgroups.c */
#ifdef CONFIG_CGROUPS
int ckpt_find_cgroups(struct ckpt_ctx *ctx);
int checkpoint_cgroups(struct ckpt_ctx *ctx);
int checkpoint_cgroup_ns(struct ckpt_ctx *ctx, struct ns_common *ns, u32 objref);
struct cgroup_namespace *restore_cgroup_ns(struct user_namespace *owner, const char *path);
struct mem_cgroup *ckpt_use_memcg_of(struct task_struct *t);
void ckpt_use_memcg_end(struct mem_cgroup *memcg);
struct kernfs_open_file;
int checkpoint_cgroup_file(struct ckpt_ctx *ctx, struct file *file, struct kernfs_open_file *of);
int restore_pressure_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
#else
static inline int ckpt_find_cgroups(struct ckpt_ctx *ctx)
{
	return 0;
}

static inline int checkpoint_cgroups(struct ckpt_ctx *ctx)
{
	return 0;
}

static inline struct mem_cgroup *ckpt_use_memcg_of(struct task_struct *t)
{
	return NULL;
}

static inline void ckpt_use_memcg_end(struct mem_cgroup *memcg)
{
}
#endif

/* net/netns_checkpoint.c */
/**
 * struct ckpt_inner_net - a network namespace in which only some tasks of the tree live
 * @record:	what user space says of it
 * @len:	bytes of that
 * @changes:	a socket that hears of what changes there
 */
struct ckpt_inner_net {
	void *record;
	u32 len;
	struct file *changes;
};

int ckpt_net_obstacles(struct ckpt_ctx *ctx, struct net *net);
int ckpt_net_changed(struct ckpt_ctx *ctx);
bool ckpt_net_is_of_tree(struct ckpt_ctx *ctx, const struct net *net);
int ckpt_get_inner_nets(struct ckpt_ctx *ctx, u64 from, u32 nr);
void ckpt_inner_nets_free(struct ckpt_ctx *ctx);
int checkpoint_inner_nets(struct ckpt_ctx *ctx);
int restore_use_net_ns(struct ckpt_ctx *ctx, int fd, u32 objref);
int restore_enter_net(struct ckpt_ctx *ctx, u32 objref, struct nsproxy **outside);
void restore_leave_net(struct nsproxy *outside);

/* fs/inner_mnt.c */
bool ckpt_is_bind_mounted(const struct dentry *dentry);
int ckpt_get_inner_mnts(struct ckpt_ctx *ctx, u64 from, u32 nr);
void ckpt_inner_mnts_free(struct ckpt_ctx *ctx);
bool ckpt_mnt_is_of_tree(struct ckpt_ctx *ctx, struct mnt_namespace *ns);
int ckpt_mnts_changed(struct ckpt_ctx *ctx);
int checkpoint_inner_mnts(struct ckpt_ctx *ctx);
int checkpoint_inner_tmpfs(struct ckpt_ctx *ctx);
int ckpt_go_to_mnt(struct ckpt_ctx *ctx, struct ckpt_inner_mnt *to);
struct ckpt_inner_mnt *ckpt_mnt_of(struct ckpt_ctx *ctx, const struct path *path);
struct ckpt_inner_mnt *ckpt_mnt_of_sb(struct ckpt_ctx *ctx, struct super_block *sb);
u32 ckpt_mnt_objref(struct ckpt_ctx *ctx);
int restore_use_mnt_ns(struct ckpt_ctx *ctx, int fd, u32 objref);
int restore_go_to_mnt(struct ckpt_ctx *ctx, u32 objref);
int restore_enter_mnt(struct nsproxy *to, struct ns_common *ns);

/* net/inet_checkpoint.c */
int checkpoint_inet(struct ckpt_ctx *ctx, struct file *file, struct socket *sock);
int restore_inet(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		 const void *peer, struct socket *sock);

/* net/inet_groups_checkpoint.c */
int ckpt_inet_groups(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_sockopt *options,
		     unsigned int nr, unsigned int max);
bool ckpt_is_inet_group(const struct sock *sk, const struct ckpt_sockopt *o);
int restore_inet_group(struct socket *sock, const struct ckpt_sockopt *o);

/* net/udp_checkpoint.c */
int checkpoint_datagrams(struct ckpt_ctx *ctx, struct sock *sk, u32 objref);
int restore_socket_dgram_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* net/errqueue_checkpoint.c */
int checkpoint_reports(struct ckpt_ctx *ctx, struct sock *sk, u32 objref);
int restore_socket_report_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* net/netlink/netlink_checkpoint.c */
int checkpoint_netlink(struct ckpt_ctx *ctx, struct file *file, struct socket *sock);
int restore_netlink(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		    const void *peer, struct socket *sock);
bool ckpt_netlink_knows(u32 name);
int ckpt_netlink_options(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_sockopt *to,
			 unsigned int nr, unsigned int max);
int restore_netlink_msg(struct ckpt_ctx *ctx, struct sock *sk, const struct ckpt_datagram *d,
			size_t len);

/* net/packet/packet_checkpoint.c */
int checkpoint_packet(struct ckpt_ctx *ctx, struct file *file, struct socket *sock);
int restore_packet(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		   struct socket *sock);
u32 ckpt_packet_knows(u32 name);
int ckpt_packet_options(struct sock *sk, struct ckpt_sockopt *to, unsigned int nr,
			unsigned int max);

/* net/ipv4/tcp_checkpoint.c */
int checkpoint_tcp(struct ckpt_ctx *ctx, struct sock *sk, u32 objref);
int checkpoint_tcp_pending(struct ckpt_ctx *ctx, struct sock *listener, u32 objref);
int ckpt_tcp_obstacle(struct ckpt_ctx *ctx, struct sock *sk);
void tcp_take_from_listener(struct sock *listener, struct sock *sk);
void ckpt_tcp_let_go(struct list_head *held);
void ckpt_tcp_silence(struct list_head *held);

/* net/ipv4/tcp_restore.c */
struct socket *restored_socket_of(struct ckpt_ctx *ctx, u32 objref, struct restored_sock **rs);
int restore_tcp_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_tcp_data_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_tcp_complete(struct ckpt_ctx *ctx);
void restore_tcp_settle(struct ckpt_ctx *ctx);
void restore_tcp_free(struct ckpt_ctx *ctx);

/* net/ipv4/tcp_silence.c */
int tcp_drop_all(struct sock *sk);
void tcp_drop_none(struct sock *sk);
bool tcp_keep_silent(struct sock *sk);
bool tcp_make_way(struct sock *sk);
void tcp_destroy_silently(struct sock *sk);
struct sock *tcp_find(struct sock *sk, bool peer);

/* net/core/filter.c */
int sk_attach_checked(struct sock *sk, struct sock_fprog_kern *fprog);

/* mm/ckpt_hugetlb.c */
#ifdef CONFIG_HUGETLBFS
bool ckpt_is_huge_memfd(const struct file *file);
int checkpoint_hugetlb(struct ckpt_ctx *ctx, struct file *file, u32 *objref);
int ckpt_dump_hugetlb_file(struct ckpt_ctx *ctx, struct inode *inode, u32 objref);
int restore_hugetlb_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
#else
static inline bool ckpt_is_huge_memfd(const struct file *file)
{
	return false;
}

static inline int checkpoint_hugetlb(struct ckpt_ctx *ctx, struct file *file, u32 *objref)
{
	return -EOPNOTSUPP;
}

static inline int ckpt_dump_hugetlb_file(struct ckpt_ctx *ctx, struct inode *inode, u32 objref)
{
	return -EOPNOTSUPP;
}
#endif

/* mm/memfd_checkpoint.c */
bool ckpt_is_memfd(const struct file *file);
int checkpoint_memfd(struct ckpt_ctx *ctx, struct file *file);
int restore_memfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
struct file *restore_memfd_file(struct ckpt_ctx *ctx, const struct ckpt_file *f);
unsigned int restore_memfd_unseal(struct ckpt_ctx *ctx, struct file *file);
void restore_memfd_seal(struct file *file, unsigned int seals);
int ckpt_dump_shmem(struct ckpt_ctx *ctx, struct inode *inode, u32 objref);

/* fs/pipe_checkpoint.c */
int ckpt_count_pipe_ends(struct ckpt_ctx *ctx);
int ckpt_check_pipe_ends(struct ckpt_ctx *ctx);
int restore_pipe_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
struct file *restore_pipe_file(struct ckpt_ctx *ctx, const struct ckpt_file *rec);
void ckpt_pipe_put(void *pipe);

/* fs/unlinked.c */
int checkpoint_unlinked(struct ckpt_ctx *ctx, struct file *file, struct ckpt_file *rec,
			const char *last_name);

int ckpt_find_parent(char *name, struct path *dir);
int ckpt_make_alias(const struct path *path, const char *last_name, struct path *alias);
void ckpt_use_alias(struct path *path, const char *last_name);

/* fs/contents.c */
int checkpoint_contents(struct ckpt_ctx *ctx, struct file *file, const struct ckpt_file *f,
			const char *last_name, u32 *objref);

/* fs/recreate.c */
int restore_contents_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_xattr_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_contents_pages(struct ckpt_ctx *ctx, void *contents,
			   const struct ckpt_extent *extents, unsigned int nr);
const struct path *restore_contents_path(struct ckpt_ctx *ctx, u32 objref);
void ckpt_contents_put(void *contents);

/* fs/ckpt_tmpfs.c */
int checkpoint_tmpfs(struct ckpt_ctx *ctx, const char *lines, u32 len);
bool ckpt_is_own_tmpfs(struct ckpt_ctx *ctx, struct super_block *sb);
void ckpt_tmpfs_grab(void *sb);
void ckpt_tmpfs_drop(void *sb);
int restore_tmpfs_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_tmpfs_inode_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_tmpfs_link_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_tmpfs_end_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_tmpfs_done(struct ckpt_ctx *ctx);
void ckpt_tmpfs_put(void *tmpfs);

/* fs/relink.c */
int ckpt_try_relink(struct ckpt_ctx *ctx, struct dentry *old, const char **path,
		    const char **why);
int checkpoint_relink(struct ckpt_ctx *ctx, struct dentry *old, const char **path);
int restore_relinked(struct ckpt_ctx *ctx, const struct path *path, bool linkable);
int restore_unlink(struct ckpt_ctx *ctx);
void ckpt_relink_rollback(struct ckpt_ctx *ctx);
void ckpt_relink_keep(struct ckpt_ctx *ctx);

/* fs/relink_dir.c */
int ckpt_relink_dir(int parent_fd, bool remove);

/* fs/overlayfs/ovl_name.c */
char *ovl_path_of_inode(struct inode *inode, char *buf);

/* fs/notify/notify_restore.c */
int restore_watch_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_event_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
struct file *restore_notify_file(struct ckpt_ctx *ctx, const struct ckpt_file *f);
void restore_notify_go(struct ckpt_ctx *ctx);
void ckpt_notify_put(void *notify);

/* fs/notify/inotify/inotify_checkpoint.c, fs/notify/fanotify/fanotify_checkpoint.c */
#ifdef CONFIG_INOTIFY_USER
int restore_inotify_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
#else
#define restore_inotify_rec	NULL
#endif
#ifdef CONFIG_FANOTIFY
int restore_fanotify_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
#else
#define restore_fanotify_rec	NULL
#endif

/* fs/restore.c */
struct file *path_open_given(const struct path *path, int flags, const struct cred *cred,
			     void *given);

/* drivers/tty/tty_checkpoint.c */
bool ckpt_is_tty(const char *path, dev_t dev);
int checkpoint_tty(struct ckpt_ctx *ctx, struct tty_struct *tty, u32 *objref);
int restore_tty(struct restart_task *rt);
void restore_tty_members(struct ckpt_ctx *ctx, struct restart_task *rt);

/* drivers/tty/tty_io.c */
void tty_file_hang_up(struct file *file);

/* drivers/tty/pty_checkpoint.c, drivers/tty/pty_restore.c */
bool ckpt_is_ptmx(const struct file *file);
int ckpt_find_masters(struct ckpt_ctx *ctx);
bool ckpt_pty_is_own(struct ckpt_ctx *ctx, struct tty_struct *tty);
int checkpoint_pty(struct ckpt_ctx *ctx, struct tty_struct *tty, u32 *objref);
int checkpoint_pty_file(struct ckpt_ctx *ctx, struct file *file, struct tty_struct *tty);
struct file *restored_pty_slave(struct ckpt_ctx *ctx, u32 objref);
int restore_pty_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_pty_state_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
struct file *restore_pty_file(struct ckpt_ctx *ctx, const struct ckpt_file *f, const char *name);
void restore_ptys_settle(struct ckpt_ctx *ctx);
void restored_pty_put(void *pty);

/* mm/checkpoint.c */
int checkpoint_mm(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref);

/* mm/restore.c */
int restore_mm_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_adopt_mm(struct restart_task *rt);
int restore_finish_mm(struct ckpt_ctx *ctx, struct restart_task *rt);
void restore_mm_put(void *mm);
struct mm_struct *restored_mm_of(struct ckpt_ctx *ctx, u32 objref);

/* mm/restore_jobs.c */
int restore_jobs_alloc(struct ckpt_ctx *ctx);
void restore_jobs_free(struct ckpt_ctx *ctx);
int restore_jobs_finish(struct ckpt_ctx *ctx);
void restore_jobs_close(struct ckpt_ctx *ctx);
int restore_jobs_help(struct ckpt_ctx *ctx);

/* mm/restore_pages.c */
int restore_shmem_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_pages_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_parent_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s);
int restore_missing_pages(struct ckpt_ctx *ctx);
int restore_shmem_track_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
void restore_shmem_ids_free(struct ckpt_ctx *ctx);

/* mm/restore_cow.c */
int restore_cow_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* mm/ckpt_track.c */
struct ckpt_pageset;

bool ckpt_track_is_over(struct mm_struct *mm, const u8 *parent_id);
bool ckpt_track_is_heir(struct mm_struct *mm, const u8 *parent_id);
u64 ckpt_track_id(struct mm_struct *mm);
bool ckpt_tracker_is_valid(u32 tracker);
u32 ckpt_tracker_id(struct ckpt_ctx *ctx, struct mm_struct *mm);
int ckpt_track_harvest(struct ckpt_ctx *ctx, struct mm_struct *mm);
bool ckpt_track_is_same(struct mm_struct *mm, unsigned long addr);
int ckpt_track_verdict(struct mm_struct *mm, unsigned long addr);
void ckpt_track_commit(struct ckpt_ctx *ctx, struct mm_struct *mm);
void ckpt_track_rollback(struct ckpt_ctx *ctx, struct mm_struct *mm);
void ckpt_track_heir(struct mm_struct *mm, const u8 *image_id);
int ckpt_track_adopt(struct mm_struct *mm, u64 id, u32 tracker, const u8 *image_id,
		     struct ckpt_pageset *borrowed);

/* mm/ckpt_cow.c */
void ckpt_cow_free(struct ckpt_ctx *ctx);

/* mm/ckpt_shmem.c */
void ckpt_shmem_commit(struct ckpt_ctx *ctx);
void ckpt_shmem_rollback(struct ckpt_ctx *ctx);

/* mm/ckpt_lazy.c */
struct ckpt_lazy;

void ckpt_lazy_put(struct ckpt_lazy *lazy);

/* mm/ckpt_parallel.c */
void ckpt_queue_work(struct work_struct *work, unsigned int n);
void ckpt_in_parallel(unsigned int nr_workers, void (*fn)(void *arg), void *arg);

/* mm/ckpt_live.c */
int ckpt_live_add(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref,
		  const struct ckpt_vma *vmas, unsigned int nr);
int ckpt_live_hold(struct ckpt_ctx *ctx);
int ckpt_live_dump(struct ckpt_ctx *ctx);
void ckpt_live_free(struct ckpt_ctx *ctx);

/* kernel/fork.c */
struct mm_struct *ckpt_snapshot_mm(struct mm_struct *mm);

/* arch/x86/kernel/checkpoint.c */
int ckpt_arch_obstacles(struct ckpt_ctx *ctx, struct task_struct *t);

/* io_uring/io_uring_checkpoint.c */
#ifdef CONFIG_IO_URING
bool ckpt_is_io_uring(const struct file *file);
void ckpt_io_uring_settle(void);
int ckpt_io_uring_obstacle(struct ckpt_ctx *ctx, struct task_struct *t);
int restore_io_uring_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
unsigned long restore_io_uring_map(struct file *file, unsigned long addr, unsigned long len,
				   unsigned long prot, unsigned long pgoff);
#else
static inline bool ckpt_is_io_uring(const struct file *file)
{
	return false;
}

static inline void ckpt_io_uring_settle(void)
{
}

static inline int ckpt_io_uring_obstacle(struct ckpt_ctx *ctx, struct task_struct *t)
{
	return 0;
}

static inline unsigned long restore_io_uring_map(struct file *file, unsigned long addr,
						 unsigned long len, unsigned long prot,
						 unsigned long pgoff)
{
	return -EINVAL;
}
#endif

/* fs/aio_checkpoint.c */
static inline bool ckpt_is_aio_mapping(const struct ckpt_vma *v)
{
	return !v->pkey && (v->flags & ~(CKPT_VMA_DONTFORK | CKPT_VMA_DONTDUMP)) ==
	       (CKPT_VMA_READ | CKPT_VMA_WRITE | CKPT_VMA_SHARED);
}

bool ckpt_is_aio_ring(const struct file *file);
unsigned int ckpt_nr_lost_aio(struct mm_struct *mm);
int checkpoint_aio(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_vma *v,
		   u32 objref);
int restore_aio(struct ckpt_ctx *ctx, const struct ckpt_vma *v, u32 objref);

u64 ckpt_arch_features(void);
bool ckpt_arch_pkeys(struct mm_struct *mm, struct ckpt_pkeys *keys);
int restore_arch_pkeys(struct ckpt_ctx *ctx, struct mm_struct *mm,
		       const struct ckpt_pkeys *keys);
#ifdef CONFIG_MODIFY_LDT_SYSCALL
int checkpoint_ldt(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref);
int restore_ldt_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
#else
static inline int checkpoint_ldt(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref)
{
	return 0;
}
#endif
int checkpoint_cpu(struct ckpt_ctx *ctx, struct task_struct *t);
int restore_cpu_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_cpu(struct ckpt_ctx *ctx, struct restart_task *rt);
int restore_fpu_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_vdso(unsigned long vdso);
long restore_arch_return(void);

#endif /* _LINUX_CHECKPOINT_INTERNAL_H */
