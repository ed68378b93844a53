// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of System V IPC: what segments, sets and queues have in
 * common.
 *
 * They belong to a namespace, not to processes, and outlive a tree. A restart
 * finds one under its id, or makes it; what is in one that is there is replaced
 * only when all has succeeded.
 */
#include <linux/capability.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_tasks.h>
#include <linux/cred.h>
#include <linux/ipc.h>
#include <linux/ipc_namespace.h>
#include <linux/ipc_namespace.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "util.h"

/**
 * ckpt_describe_ipc - what all objects have
 * @perm:	the object
 * @rec:	is filled in
 */
void ckpt_describe_ipc(struct kern_ipc_perm *perm, struct ckpt_ipc_perm *rec)
{
	struct user_namespace *ns = current_user_ns();

	rec->id = perm->id;
	rec->key = perm->key;
	rec->uid = from_kuid_munged(ns, perm->uid);
	rec->gid = from_kgid_munged(ns, perm->gid);
	rec->cuid = from_kuid_munged(ns, perm->cuid);
	rec->cgid = from_kgid_munged(ns, perm->cgid);
	rec->mode = perm->mode;
}

/**
 * ckpt_pid_is_in_tree - is it a process of the tree, that lives?
 * @ctx:	the checkpoint
 * @pid:	its pid, or NULL
 *
 * Return: true if it is.
 */
bool ckpt_pid_is_in_tree(struct ckpt_ctx *ctx, struct pid *pid)
{
	bool alive;

	rcu_read_lock();
	alive = pid_task(pid, PIDTYPE_TGID);
	rcu_read_unlock();
	return alive && ckpt_in_tree(ctx, pid_vnr(pid));
}

/**
 * checkpoint_ipc - write the semaphores and message queues that the tree uses
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_ipc(struct ckpt_ctx *ctx)
{
	int ret = checkpoint_sems(ctx) ?: checkpoint_msgs(ctx);

	/* Others have those that they have open. */
	if (!ret && ctx->flags & CHECKPOINT_OWN_IPC)
		ret = checkpoint_mqueues(ctx);
	return ret;
}

/**
 * restore_check_ipc - may an object be made as the image says?
 * @ctx:	the restart
 * @rec:	what the image says
 * @modes:	bits of the mode that there may be, but for permissions
 * @what:	it is, for messages
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_check_ipc(struct ckpt_ctx *ctx, const struct ckpt_ipc_perm *rec, u32 modes,
		      const char *what)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	struct user_namespace *user_ns = current_user_ns();
	kuid_t uid = make_kuid(user_ns, rec->uid), cuid = make_kuid(user_ns, rec->cuid);
	kgid_t gid = make_kgid(user_ns, rec->gid), cgid = make_kgid(user_ns, rec->cgid);

	if (rec->id < 0 || rec->mode & ~(0777 | modes) || rec->reserved ||
	    ipcid_to_seqx(rec->id) >= ipcid_seq_max() || ipcid_to_idx(rec->id) >= ipc_mni)
		return ckpt_err(ctx, -EINVAL, "%s %d: contradicts itself", what, rec->id);
	if (!uid_valid(uid) || !gid_valid(gid) || !uid_valid(cuid) || !gid_valid(cgid))
		return ckpt_err(ctx, -EINVAL, "%s %d: without a valid owner", what, rec->id);
	if (!checkpoint_restore_ns_capable(ns->user_ns))
		return ckpt_err(ctx, -EPERM, "%s %d: to choose the id needs CAP_CHECKPOINT_RESTORE",
				what, rec->id);
	if ((!uid_eq(cuid, current_euid()) || !gid_eq(cgid, current_egid())) &&
	    !ns_capable(ns->user_ns, CAP_SYS_ADMIN))
		return ckpt_err(ctx, -EPERM, "%s %d: cannot be made for user %u, group %u", what,
				rec->id, rec->cuid, rec->cgid);
	return 0;
}

static bool is_owned(struct ipc_namespace *ns, const struct kern_ipc_perm *perm)
{
	return uid_eq(current_euid(), perm->cuid) || uid_eq(current_euid(), perm->uid) ||
	       ns_capable(ns->user_ns, CAP_SYS_ADMIN);
}

/* All in the list are held, so none can have the address of another. */
static bool is_in_image(struct ckpt_ctx *ctx, const struct kern_ipc_perm *perm)
{
	struct restored_ipc *ipc;

	list_for_each_entry(ipc, &ctx->ipc, list)
		if (ipc->perm == perm)
			return true;
	return false;
}

/**
 * restore_find_ipc - find the object that the image speaks of
 * @ctx:	the restart
 * @ns:		where
 * @ids:	among which; their rwsem is held for writing
 * @rec:	what the image says of it
 * @what:	it is, for messages
 *
 * If there is none, the next object that is made has its id.
 *
 * Return: the object; NULL if id and key are free; or an error pointer, which
 * has been logged.
 */
struct kern_ipc_perm *restore_find_ipc(struct ckpt_ctx *ctx, struct ipc_namespace *ns,
				       struct ipc_ids *ids, const struct ckpt_ipc_perm *rec,
				       const char *what)
{
	struct user_namespace *user_ns = current_user_ns();
	struct kern_ipc_perm *perm;
	int idx;

	idr_for_each_entry(&ids->ipcs_idr, perm, idx) {
		if (perm->id == rec->id && perm->key == (key_t)rec->key &&
		    uid_eq(perm->cuid, make_kuid(user_ns, rec->cuid)) &&
		    gid_eq(perm->cgid, make_kgid(user_ns, rec->cgid))) {
			if (is_in_image(ctx, perm))
				return ERR_PTR(ckpt_err(ctx, -EINVAL,
							"%s %d stands twice in the image", what,
							rec->id));
			if (is_owned(ns, perm))
				return perm;
			return ERR_PTR(ckpt_err(ctx, -EPERM, "%s %d is not yours", what, rec->id));
		}
		if (idx == ipcid_to_idx(rec->id))
			return ERR_PTR(ckpt_err(ctx, -EEXIST,
				"%s %d: its id is in use by another (id %d, key 0x%x); remove that (ipcrm)",
				what, rec->id, perm->id, perm->key));
		if (rec->key && perm->key == (key_t)rec->key)
			return ERR_PTR(ckpt_err(ctx, -EEXIST,
				"%s %d: its key 0x%x is in use by another (id %d); remove that (ipcrm)",
				what, rec->id, rec->key, perm->id));
	}
	ids->next_id = rec->id;
	return NULL;
}

/**
 * restore_ipc_add - an object has been made, or found
 * @ctx:	the restart
 * @ipc:	what is known of it; now @ctx frees it
 * @ns:		where it is
 * @perm:	it
 * @rec:	what the image says of it
 */
void restore_ipc_add(struct ckpt_ctx *ctx, struct restored_ipc *ipc, struct ipc_namespace *ns,
		     struct kern_ipc_perm *perm, const struct ckpt_ipc_perm *rec)
{
	ipc->ns = get_ipc_ns(ns);
	ipc->perm = perm;
	ipc->rec = *rec;
	ipc_rcu_getref(perm);
	list_add_tail(&ipc->list, &ctx->ipc);
}

/**
 * restore_ipc_perm - owner and permissions, when all has succeeded
 * @ipc:	the object, which is locked
 * @more:	bits of the mode beside the permissions
 */
void restore_ipc_perm(struct restored_ipc *ipc, u32 more)
{
	struct user_namespace *user_ns = current_user_ns();

	ipc->perm->uid = make_kuid(user_ns, ipc->rec.uid);
	ipc->perm->gid = make_kgid(user_ns, ipc->rec.gid);
	ipc->perm->cuid = make_kuid(user_ns, ipc->rec.cuid);
	ipc->perm->cgid = make_kgid(user_ns, ipc->rec.cgid);
	ipc->perm->mode = (ipc->rec.mode & 0777) | more;
}

/**
 * restore_ipc_commit - all has succeeded: objects become what the image says
 * @ctx:	the restart
 */
void restore_ipc_commit(struct ckpt_ctx *ctx)
{
	struct restored_ipc *ipc;

	list_for_each_entry(ipc, &ctx->ipc, list) {
		ipc->commit(ipc);
		ipc->committed = true;
	}
}

/**
 * ckpt_ipc_free - forget the objects; what is not committed is taken back
 * @ctx:	the checkpoint or restart
 */
void ckpt_ipc_free(struct ckpt_ctx *ctx)
{
	struct restored_ipc *ipc, *tmp;

	list_for_each_entry_safe(ipc, tmp, &ctx->ipc, list) {
		list_del(&ipc->list);
		if (!ipc->committed && ipc->rollback)
			ipc->rollback(ipc);
		if (ipc->ns)
			put_ipc_ns(ipc->ns);
		ipc->free(ipc);
	}
}

static void describe_ids(struct ipc_ids *ids, struct ckpt_ipc_ids *rec)
{
	down_read(&ids->rwsem);
	rec->next_id = ids->next_id;
	rec->last_idx = ids->last_idx;
	rec->seq = ids->seq;
	rec->cursor = idr_get_cursor(&ids->ipcs_idr);
	up_read(&ids->rwsem);
}

/**
 * checkpoint_ipc_ns - write the limits of the tree's own IPC namespace
 * @ctx:	the checkpoint
 * @objref:	its objref, or 0: it is that of the root
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_ipc_ns(struct ckpt_ctx *ctx, u32 objref)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	struct ckpt_ipc_ns rec = {
		.shm_max = ns->shm_ctlmax,
		.shm_all = ns->shm_ctlall,
		.shm_nr = ns->shm_ctlmni,
		.shm_rmid_forced = ns->shm_rmid_forced,
		.sem = { ns->sem_ctls[0], ns->sem_ctls[1], ns->sem_ctls[2], ns->sem_ctls[3] },
		.msg_max = ns->msg_ctlmax,
		.msg_bytes = ns->msg_ctlmnb,
		.msg_nr = ns->msg_ctlmni,
		.own_user = objref && ns->user_ns == ctx->user_ns,
#ifdef CONFIG_POSIX_MQUEUE
		.mq_queues = ns->mq_queues_max,
		.mq_msgs = ns->mq_msg_max,
		.mq_bytes = ns->mq_msgsize_max,
		.mq_msgs_default = ns->mq_msg_default,
		.mq_bytes_default = ns->mq_msgsize_default,
#endif
	};
	int n;

	for (n = 0; n < ARRAY_SIZE(rec.ids); n++)
		describe_ids(&ns->ids[n], &rec.ids[n]);
	return ckpt_write_rec(ctx, CKPT_REC_IPC_NS, objref, &rec, sizeof(rec));
}

#ifdef CONFIG_POSIX_MQUEUE
/* As fs.mqueue takes them. */
static bool mq_limits_are_possible(const struct ckpt_ipc_ns *i)
{
	return i->mq_queues <= INT_MAX &&
	       i->mq_msgs >= MIN_MSGMAX && i->mq_msgs <= HARD_MSGMAX &&
	       i->mq_msgs_default >= MIN_MSGMAX && i->mq_msgs_default <= HARD_MSGMAX &&
	       i->mq_bytes >= MIN_MSGSIZEMAX && i->mq_bytes <= HARD_MSGSIZEMAX &&
	       i->mq_bytes_default >= MIN_MSGSIZEMAX &&
	       i->mq_bytes_default <= HARD_MSGSIZEMAX;
}

static void set_mq_limits(struct ipc_namespace *ns, const struct ckpt_ipc_ns *i)
{
	ns->mq_queues_max = i->mq_queues;
	ns->mq_msg_max = i->mq_msgs;
	ns->mq_msgsize_max = i->mq_bytes;
	ns->mq_msg_default = i->mq_msgs_default;
	ns->mq_msgsize_default = i->mq_bytes_default;
}
#else
static bool mq_limits_are_possible(const struct ckpt_ipc_ns *i)
{
	return true;
}

static void set_mq_limits(struct ipc_namespace *ns, const struct ckpt_ipc_ns *i)
{
}
#endif

/* What objects to come are numbered by; those of the image have their ids before. */
struct restored_ids {
	struct restored_ipc ipc;
	struct ckpt_ipc_ids rec[3];
};

static void commit_ids(struct restored_ipc *ipc)
{
	struct restored_ids *r = container_of(ipc, struct restored_ids, ipc);
	int n;

	for (n = 0; n < ARRAY_SIZE(r->rec); n++) {
		struct ipc_ids *ids = &ipc->ns->ids[n];

		down_write(&ids->rwsem);
		ids->next_id = r->rec[n].next_id;
		ids->last_idx = r->rec[n].last_idx;
		ids->seq = r->rec[n].seq;
		idr_set_cursor(&ids->ipcs_idr, r->rec[n].cursor);
		up_write(&ids->rwsem);
	}
}

static void free_ids(struct restored_ipc *ipc)
{
	kfree(container_of(ipc, struct restored_ids, ipc));
}

static int restore_ids_later(struct ckpt_ctx *ctx, struct ipc_namespace *ns,
			     const struct ckpt_ipc_ns *i)
{
	struct restored_ids *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);

	if (!r)
		return -ENOMEM;
	BUILD_BUG_ON(sizeof(r->rec) != sizeof(i->ids));
	BUILD_BUG_ON(ARRAY_SIZE(r->rec) != ARRAY_SIZE(ns->ids));
	memcpy(r->rec, i->ids, sizeof(r->rec));
	r->ipc.ns = get_ipc_ns(ns);
	r->ipc.commit = commit_ids;
	r->ipc.free = free_ids;
	list_add_tail(&r->ipc.list, &ctx->ipc);
	return 0;
}

static int check_ipc_ns(const struct ckpt_ipc_ns *i)
{
	int n;

	for (n = 0; n < ARRAY_SIZE(i->ids); n++)
		if (i->ids[n].next_id < -1 || i->ids[n].last_idx < -1 ||
		    i->ids[n].last_idx >= ipc_mni || i->ids[n].seq >= ipcid_seq_max() ||
		    i->ids[n].cursor > ipc_mni)
			return -EINVAL;
	if (i->shm_nr > ipc_mni || i->msg_nr > ipc_mni || i->sem[3] > ipc_mni ||
	    i->shm_rmid_forced > 1 || i->msg_max > INT_MAX || i->msg_bytes > INT_MAX ||
	    i->sem[0] > INT_MAX || i->sem[1] > INT_MAX || i->sem[2] > INT_MAX || i->own_user > 1 ||
	    i->reserved || !mq_limits_are_possible(i))
		return -EINVAL;
	return 0;
}

/**
 * restore_ipc_ns_rec - the limits of an IPC namespace
 * @ctx:	the restart
 * @rec:	the IPC_NS record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_ipc_ns_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ipc_namespace *ns;
	struct ckpt_ipc_ns *i;
	int ret, n;

	i = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*i), sizeof(*i));
	if (IS_ERR(i))
		return PTR_ERR(i);
	ret = check_ipc_ns(i);
	if (ret || (i->own_user && !rec->objref))
		ret = ckpt_err(ctx, -EINVAL, "limits of an IPC namespace that are out of range");
	else if (rec->objref)
		ret = restore_enter_ipc(ctx, i->own_user, rec->objref);
	ns = current->nsproxy->ipc_ns;
	if (ret)
		goto out;
	if (restart_namespaces(ctx)->ipc_ns == ns)
		ret = ckpt_err(ctx, -EINVAL, "limits of an IPC namespace, but no such namespace");
	else if (!ns_capable(ns->user_ns, CAP_SYS_ADMIN))
		ret = ckpt_err(ctx, -EPERM, "limits of an IPC namespace");
	else
		ret = restore_ids_later(ctx, ns, i);
	if (!ret) {
		ns->shm_ctlmax = i->shm_max;
		ns->shm_ctlall = i->shm_all;
		ns->shm_ctlmni = i->shm_nr;
		ns->shm_rmid_forced = i->shm_rmid_forced;
		for (n = 0; n < 4; n++)
			ns->sem_ctls[n] = i->sem[n];
		ns->msg_ctlmax = i->msg_max;
		ns->msg_ctlmnb = i->msg_bytes;
		ns->msg_ctlmni = i->msg_nr;
		set_mq_limits(ns, i);
	}
out:
	kvfree(i);
	return ret;
}
