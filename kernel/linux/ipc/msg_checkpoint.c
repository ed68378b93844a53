// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of System V message queues: a part of ipc/msg.c.
 *
 * A queue is the tree's if a process of the tree has sent or received last.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>

#define MSG_NAME	"message queue"

/* Restart: a queue in the making. */
struct restored_msg {
	struct restored_ipc ipc;
	struct ckpt_msg rec;
	struct pid *lspid, *lrpid;
	struct list_head messages;
};

/* What is to be written of a queue; it may grow between one look and the next. */
struct described_msg {
	struct ckpt_msg rec;
	void *tail;
	size_t len;
	size_t max;
	bool ours;
};

static size_t room_for(const struct msg_msg *msg)
{
	return sizeof(struct ckpt_msg_head) + ALIGN(msg->m_ts, 8);
}

static void copy_messages(struct msg_queue *msq, struct described_msg *d)
{
	struct msg_msg *msg;

	d->len = 0;
	list_for_each_entry(msg, &msq->q_messages, m_list)
		d->len += room_for(msg);
	if (d->len > d->max)
		return;
	d->len = 0;
	list_for_each_entry(msg, &msq->q_messages, m_list) {
		struct ckpt_msg_head *head = d->tail + d->len;

		*head = (struct ckpt_msg_head) { .type = msg->m_type, .len = msg->m_ts };
		ckpt_copy_msg(head + 1, msg, msg->m_ts);
		d->len += room_for(msg);
	}
}

static int describe_msg(struct ckpt_ctx *ctx, struct ipc_namespace *ns, int *idx,
			struct described_msg *d)
{
	struct kern_ipc_perm *perm;
	struct msg_queue *msq;
	int ret = 0;

	down_read(&msg_ids(ns).rwsem);
	perm = idr_get_next(&msg_ids(ns).ipcs_idr, idx);
	if (perm) {
		msq = container_of(perm, struct msg_queue, q_perm);
		rcu_read_lock();
		ipc_lock_object(perm);
		d->ours = ctx->flags & CHECKPOINT_OWN_IPC ||
			  ckpt_pid_is_in_tree(ctx, msq->q_lspid) ||
			  ckpt_pid_is_in_tree(ctx, msq->q_lrpid);
		ckpt_describe_ipc(perm, &d->rec.perm);
		d->rec.stime = msq->q_stime;
		d->rec.rtime = msq->q_rtime;
		d->rec.ctime = msq->q_ctime;
		d->rec.max_bytes = msq->q_qbytes;
		d->rec.lspid = pid_vnr(msq->q_lspid);
		d->rec.lrpid = pid_vnr(msq->q_lrpid);
		d->rec.nr_msgs = msq->q_qnum;
		copy_messages(msq, d);
		ipc_unlock(perm);
	} else {
		ret = -ENOENT;
	}
	up_read(&msg_ids(ns).rwsem);
	return ret;
}

static int checkpoint_msg(struct ckpt_ctx *ctx, struct ipc_namespace *ns, int *idx)
{
	struct described_msg d = {};
	int ret;

	for (;;) {
		ret = describe_msg(ctx, ns, idx, &d);
		if (ret || !d.ours || d.len <= d.max)
			break;
		kvfree(d.tail);
		d.tail = NULL;
		if (d.len > CKPT_MAX_RECORD_BYTES - sizeof(d.rec)) {
			ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
					    MSG_NAME " %d: holds %zu bytes: not supported",
					    d.rec.perm.id, d.len);
			d.ours = false;
			break;
		}
		d.max = d.len;
		d.tail = kvzalloc(d.max, GFP_KERNEL_ACCOUNT);
		if (!d.tail)
			return -ENOMEM;
	}
	if (!ret && d.ours)
		ret = ckpt_write_rec2(ctx, CKPT_REC_MSG, 0, &d.rec, sizeof(d.rec), d.tail, d.len);
	kvfree(d.tail);
	return ret;
}

/**
 * checkpoint_msgs - write the message queues that the tree uses
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_msgs(struct ckpt_ctx *ctx)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	int idx, ret = 0;

	for (idx = 0; !ret; idx++) {
		ret = checkpoint_msg(ctx, ns, &idx);
		cond_resched();
	}
	return ret == -ENOENT ? 0 : ret;
}

static void free_messages(struct list_head *messages)
{
	struct msg_msg *msg, *tmp;

	list_for_each_entry_safe(msg, tmp, messages, m_list)
		free_msg(msg);
}

static void restored_msg_free(struct restored_ipc *ipc)
{
	struct restored_msg *r = container_of(ipc, struct restored_msg, ipc);

	free_messages(&r->messages);
	if (ipc->perm)
		ipc_rcu_putref(ipc->perm, msg_rcu_free);
	put_pid(r->lspid);
	put_pid(r->lrpid);
	kfree(r);
}

static void count_messages(struct ipc_namespace *ns, struct msg_queue *msq, int sign)
{
	percpu_counter_add_local(&ns->percpu_msg_bytes, sign * (s64)msq->q_cbytes);
	percpu_counter_add_local(&ns->percpu_msg_hdrs, sign * (s64)msq->q_qnum);
}

static void commit_msg(struct restored_ipc *ipc)
{
	struct restored_msg *r = container_of(ipc, struct restored_msg, ipc);
	struct msg_queue *msq = container_of(ipc->perm, struct msg_queue, q_perm);
	DEFINE_WAKE_Q(wake_q);
	LIST_HEAD(old);
	struct msg_msg *msg;

	rcu_read_lock();
	ipc_lock_object(&msq->q_perm);
	if (ipc_valid_object(&msq->q_perm)) {
		restore_ipc_perm(ipc, 0);
		count_messages(ipc->ns, msq, -1);
		list_splice_init(&msq->q_messages, &old);
		list_splice_init(&r->messages, &msq->q_messages);
		msq->q_cbytes = 0;
		list_for_each_entry(msg, &msq->q_messages, m_list)
			msq->q_cbytes += msg->m_ts;
		msq->q_qnum = r->rec.nr_msgs;
		count_messages(ipc->ns, msq, 1);
		msq->q_qbytes = r->rec.max_bytes;
		msq->q_stime = r->rec.stime;
		msq->q_rtime = r->rec.rtime;
		msq->q_ctime = r->rec.ctime;
		ipc_update_pid(&msq->q_lspid, r->lspid);
		ipc_update_pid(&msq->q_lrpid, r->lrpid);
		/* Whoever waits looks again. */
		expunge_all(msq, -EAGAIN, &wake_q);
		ss_wakeup(msq, &wake_q, false);
	}
	ipc_unlock(&msq->q_perm);
	wake_up_q(&wake_q);
	free_messages(&old);
}

/* A queue that was there is not touched before it is committed. */
static void rollback_msg(struct restored_ipc *ipc)
{
	struct msg_queue *msq = container_of(ipc->perm, struct msg_queue, q_perm);

	if (!ipc->created)
		return;
	down_write(&msg_ids(ipc->ns).rwsem);
	rcu_read_lock();
	ipc_lock_object(&msq->q_perm);
	if (ipc_valid_object(&msq->q_perm))
		freeque(ipc->ns, &msq->q_perm);
	else
		ipc_unlock(&msq->q_perm);
	up_write(&msg_ids(ipc->ns).rwsem);
}

static int check_msg(struct ckpt_ctx *ctx, const struct ckpt_msg *m)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	int ret = restore_check_ipc(ctx, &m->perm, 0, MSG_NAME);

	if (ret)
		return ret;
	if (m->reserved || m->max_bytes > INT_MAX)
		return ckpt_err(ctx, -EINVAL, MSG_NAME " %d: contradicts itself", m->perm.id);
	if (m->max_bytes > ns->msg_ctlmnb && !capable(CAP_SYS_RESOURCE))
		return ckpt_err(ctx, -EPERM, MSG_NAME " %d: more bytes than the limit", m->perm.id);
	return 0;
}

static int take_messages(struct ckpt_ctx *ctx, struct restored_msg *r, const void *tail,
			 size_t len)
{
	u64 bytes = 0;
	u32 i;

	for (i = 0; i < r->rec.nr_msgs; i++) {
		const struct ckpt_msg_head *head = tail;
		struct msg_msg *msg;

		if (len < sizeof(*head) || head->len > len - sizeof(*head) ||
		    ALIGN(head->len, 8) > len - sizeof(*head) || head->type < 1)
			return ckpt_err(ctx, -EINVAL, MSG_NAME " %d: message %u is not whole",
					r->rec.perm.id, i);
		bytes += head->len;
		msg = ckpt_make_msg(head + 1, head->len);
		if (IS_ERR(msg))
			return PTR_ERR(msg);
		msg->m_type = head->type;
		msg->m_ts = head->len;
		list_add_tail(&msg->m_list, &r->messages);
		tail += sizeof(*head) + ALIGN(head->len, 8);
		len -= sizeof(*head) + ALIGN(head->len, 8);
	}
	/* The limit may have been lowered since they were sent. */
	if (len || bytes > INT_MAX)
		return ckpt_err(ctx, -EINVAL, MSG_NAME " %d: more than its messages",
				r->rec.perm.id);
	if (bytes > r->rec.max_bytes && !capable(CAP_SYS_RESOURCE))
		return ckpt_err(ctx, -EPERM, MSG_NAME " %d: more bytes than the limit",
				r->rec.perm.id);
	return 0;
}

static int find_or_make_msg(struct ckpt_ctx *ctx, struct restored_msg *r)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	struct ipc_params params = { .key = r->rec.perm.key, .flg = 0600 };
	struct kern_ipc_perm *perm;
	int ret = 0;

	down_write(&msg_ids(ns).rwsem);
	perm = restore_find_ipc(ctx, ns, &msg_ids(ns), &r->rec.perm, MSG_NAME);
	if (!perm) {
		ret = newque(ns, &params);
		msg_ids(ns).next_id = -1;
		r->ipc.created = true;
		if (ret < 0)
			ckpt_err(ctx, ret, MSG_NAME " %d cannot be made (error %d)",
				 r->rec.perm.id, ret);
		else
			perm = idr_find(&msg_ids(ns).ipcs_idr, ipcid_to_idx(r->rec.perm.id));
	} else if (IS_ERR(perm)) {
		ret = PTR_ERR(perm);
	}
	if (ret >= 0)
		restore_ipc_add(ctx, &r->ipc, ns, perm, &r->rec.perm);
	up_write(&msg_ids(ns).rwsem);
	return min(ret, 0);
}

/**
 * restore_msg_rec - find a message queue, or make it
 * @ctx:	the restart
 * @rec:	the MSG record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_msg_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_msg *r = NULL;
	struct ckpt_msg *m;
	int ret;

	m = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*m), CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(m))
		return PTR_ERR(m);
	ret = check_msg(ctx, m);
	if (!ret) {
		r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
		ret = r ? 0 : -ENOMEM;
	}
	if (!ret) {
		r->rec = *m;
		r->ipc.commit = commit_msg;
		r->ipc.rollback = rollback_msg;
		r->ipc.free = restored_msg_free;
		INIT_LIST_HEAD(&r->messages);
		r->lspid = restore_pid_of_credentials(ctx, m->lspid);
		r->lrpid = restore_pid_of_credentials(ctx, m->lrpid);
		ret = take_messages(ctx, r, m + 1, rec->len - sizeof(*m)) ?:
		      find_or_make_msg(ctx, r);
	}
	kvfree(m);
	if (ret && r)
		restored_msg_free(&r->ipc);
	return ret;
}
