/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint/restart: System V IPC and POSIX message queues.
 */
#ifndef _LINUX_CHECKPOINT_IPC_H
#define _LINUX_CHECKPOINT_IPC_H

#include <linux/checkpoint_internal.h>

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
void restore_sem_undo_commit(const struct restart_task *rt);
long semtimedop_restart(struct restart_block *rb);

/* msg_checkpoint.c, a part of ipc/msg.c */
int checkpoint_msgs(struct ckpt_ctx *ctx);
int restore_msg_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

#endif /* _LINUX_CHECKPOINT_IPC_H */
