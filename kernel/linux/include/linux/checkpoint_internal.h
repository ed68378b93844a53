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
#include <linux/llist.h>
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
#define CKPT_RECORD_PAGES	4096
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
struct page_batch;
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
	CKPT_OBJ_DEAD,		/* checkpoint only: the pid of a process that has ended */
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
 * @spare_batch: checkpoint: room for the next record of pages, or NULL
 * @written:	checkpoint: by frame number, pages that others may share: where they stand
 * @shmems:	checkpoint: shared memory that has been hashed
 * @held:	checkpoint: what keeps the tree at rest afterwards, or NULL
 */
struct ckpt_ctx {
	u64 flags;
	struct ckpt_stream img;
	struct file *log;
	loff_t log_pos;
	struct llist_head lines;	/* not yet in the log */
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
	struct page_batch *spare_batch;
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

struct ckpt_page_write;

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
			 unsigned int nr_extents, struct page **pages, unsigned int nr_pages,
			 struct ckpt_page_write **behind);
u32 ckpt_written_crc(struct ckpt_stream *s);
int ckpt_page_write_begin(struct file *file, loff_t *pos, struct page **pages, unsigned int nr,
			  struct ckpt_page_write **write);
int ckpt_page_write_finish(struct ckpt_page_write *p);
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

/* log.c */
__printf(3, 4)
int ckpt_err(struct ckpt_ctx *ctx, int err, const char *fmt, ...);
__printf(3, 4)
int ckpt_obstacle(struct ckpt_ctx *ctx, int err, const char *fmt, ...);
__printf(2, 3)
void ckpt_note(struct ckpt_ctx *ctx, const char *fmt, ...);
void ckpt_log_flush(struct ckpt_ctx *ctx);

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
 * @task:	the task, once it has joined: see restart_await_tasks()
 * @gone:	it was killed while it waited
 * @applied:	restore_task() has run in its context
 * @ret:	and returned this
 * @what:	and failed at this
 * @has_heir:	others of its process are in the image
 * @has_thread:	@thread is filled in
 * @cpu:	its registers, as the image has them
 * @fpu:	its FPU state, the same
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
	void *fpu;
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
int restart_await_tasks(struct ckpt_ctx *ctx);
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

/* mm/ckpt_parallel.c */
void ckpt_queue_work(struct work_struct *work, unsigned int n);
void ckpt_in_parallel(unsigned int nr_workers, void (*fn)(void *arg), void *arg);

#endif /* _LINUX_CHECKPOINT_INTERNAL_H */
