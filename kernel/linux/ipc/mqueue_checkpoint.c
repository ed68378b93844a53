// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of POSIX message queues: a part of ipc/mqueue.c.
 *
 * A queue is the tree's if it has it open, or lies in an IPC namespace of its own.
 * One that has a name outlives the tree: a restart finds it, and it becomes what
 * the image says only when all has succeeded. What a restart puts into a queue is
 * no news: nobody is notified.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_net.h>
#include <linux/checkpoint_tasks.h>

#define MQUEUE_OPEN_FLAGS	(O_ACCMODE | O_NONBLOCK | O_LARGEFILE)

/* Restart: a queue in the making. */
struct restored_mqueue {
	struct restored_ipc ipc;
	struct ckpt_mqueue rec;
	struct file *file;		/* opened with O_PATH */
	struct pid *owner;		/* who is notified, */
	u32 owner_exec_id;
	struct sock *sock;		/* by this socket, */
	struct sk_buff *cookie;		/* with this */
	struct list_head messages;
	struct list_head nodes;		/* of struct posix_msg_tree_node */
};

static size_t room_for_message(const struct msg_msg *msg)
{
	return sizeof(struct ckpt_msg_head) + ALIGN(msg->m_ts, 8);
}

/* With its lock held. Returns the room that they need, whether there is so much or not. */
static size_t copy_queue(struct mqueue_inode_info *info, void *to, size_t max)
{
	struct rb_node *node;
	struct msg_msg *msg;
	size_t len = 0;

	for (node = rb_first(&info->msg_tree); node; node = rb_next(node)) {
		struct posix_msg_tree_node *leaf =
			rb_entry(node, struct posix_msg_tree_node, rb_node);

		list_for_each_entry(msg, &leaf->msg_list, m_list) {
			if (len + room_for_message(msg) <= max) {
				struct ckpt_msg_head *head = to + len;

				*head = (struct ckpt_msg_head) {
					.type = msg->m_type, .len = msg->m_ts };
				ckpt_copy_msg(head + 1, msg, msg->m_ts);
			}
			len += room_for_message(msg);
		}
	}
	return len;
}

static void describe_mqueue(struct ckpt_ctx *ctx, struct inode *inode, struct ckpt_mqueue *rec)
{
	struct user_namespace *ns = current_user_ns();
	struct mqueue_inode_info *info = MQUEUE_I(inode);
	struct timespec64 atime = inode_get_atime(inode), mtime = inode_get_mtime(inode),
			  ctime = inode_get_ctime(inode);

	rec->mode = inode->i_mode & 07777;
	rec->uid = from_kuid_munged(ns, inode->i_uid);
	rec->gid = from_kgid_munged(ns, inode->i_gid);
	rec->flags = inode->i_nlink ? 0 : CKPT_MQUEUE_UNLINKED;
	rec->atime_ns = timespec64_to_ns(&atime);
	rec->mtime_ns = timespec64_to_ns(&mtime);
	rec->ctime_ns = timespec64_to_ns(&ctime);
	rec->max_msgs = info->attr.mq_maxmsg;
	rec->msg_bytes = info->attr.mq_msgsize;
	rec->nr_msgs = info->attr.mq_curmsgs;
	rec->notify_pid = 0;
	/* That of somebody else stays with him. */
	if (info->notify_owner && ckpt_pid_is_in_tree(ctx, info->notify_owner)) {
		rec->notify_pid = pid_vnr(info->notify_owner);
		rec->notify = info->notify.sigev_notify;
		if (rec->notify == SIGEV_SIGNAL) {
			rec->notify_signo = info->notify.sigev_signo;
			rec->notify_value = (unsigned long)info->notify.sigev_value.sival_ptr;
		}
	}
}

/* Its notification by a socket: when all sockets have been written. */
static int checkpoint_mqueue_notify(struct ckpt_ctx *ctx, void *ptr, u32 objref)
{
	struct mqueue_inode_info *info = MQUEUE_I(ptr);
	struct ckpt_mqueue_notify rec = {};
	struct sock *sock = NULL;

	BUILD_BUG_ON(sizeof(rec.cookie) != NOTIFY_COOKIE_LEN);
	spin_lock(&info->lock);
	if (info->notify_owner && info->notify.sigev_notify == SIGEV_THREAD) {
		sock = info->notify_sock;
		memcpy(rec.cookie, info->notify_cookie->data, NOTIFY_COOKIE_LEN);
	}
	spin_unlock(&info->lock);
	if (!sock)
		return 0;
	if (!ckpt_obj_lookup(ctx, CKPT_OBJ_SOCKET, sock, &rec.socket))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a message queue tells of its messages by a socket that is not the tree's: not supported");
	return ckpt_write_rec(ctx, CKPT_REC_MQUEUE_NOTIFY, objref, &rec, sizeof(rec));
}

static int write_mqueue(struct ckpt_ctx *ctx, struct inode *inode, const char *name, u32 objref)
{
	size_t name_len = strlen(name) + 1, max = 0, len;
	struct mqueue_inode_info *info = MQUEUE_I(inode);
	struct ckpt_mqueue rec = {};
	void *tail = NULL;
	int ret;

	for (;;) {
		spin_lock(&info->lock);
		describe_mqueue(ctx, inode, &rec);
		len = copy_queue(info, tail, max);
		spin_unlock(&info->lock);
		if (tail && len <= max)
			break;
		kvfree(tail);
		if (len > CKPT_MAX_RECORD_BYTES - sizeof(rec) - name_len)
			return ckpt_obstacle(ctx, -EOPNOTSUPP,
					     "message queue %s: holds %zu bytes: not supported",
					     name, len);
		max = len;
		tail = kvzalloc(max + name_len, GFP_KERNEL_ACCOUNT);
		if (!tail)
			return -ENOMEM;
	}
	memcpy(tail + len, name, name_len);
	ret = ckpt_write_rec2(ctx, CKPT_REC_MQUEUE, objref, &rec, sizeof(rec), tail,
			      len + name_len);
	kvfree(tail);
	if (!ret && rec.notify_pid && rec.notify == SIGEV_THREAD)
		ret = ckpt_write_later(ctx, CKPT_STAGE_CONNECT, inode, objref,
				       checkpoint_mqueue_notify);
	return ret;
}

static int checkpoint_mqueue(struct ckpt_ctx *ctx, struct dentry *dentry, u32 *objref)
{
	struct inode *inode = d_inode(dentry);
	struct name_snapshot name;
	int ret;

	if (ckpt_obj_lookup(ctx, CKPT_OBJ_MQUEUE, inode, objref))
		return 0;
	if (inode->i_sb->s_fs_info != current->nsproxy->ipc_ns)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a message queue of another IPC namespace: not supported");
	ret = ckpt_obj(ctx, CKPT_OBJ_MQUEUE, inode, objref);
	if (ret <= 0)
		return ret;
	take_dentry_name_snapshot(&name, dentry);
	ret = write_mqueue(ctx, inode, name.name.name, *objref);
	release_dentry_name_snapshot(&name);
	return ret;
}

/* ->checkpoint of an open queue. */
static int mqueue_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_file rec;
	int ret;

	ret = ckpt_file_describe(ctx, file, CKPT_FILE_MQUEUE, &rec);
	if (!ret)
		ret = checkpoint_mqueue(ctx, file->f_path.dentry, &rec.object);
	return ret ?: ckpt_file_write(ctx, ckpt_file_objref(ctx, file), &rec, "", "");
}

static struct dentry *next_unwritten(struct ckpt_ctx *ctx, struct dentry *root)
{
	struct dentry *child, *found = NULL;
	u32 objref;

	inode_lock_shared(d_inode(root));
	spin_lock(&root->d_lock);
	hlist_for_each_entry(child, &root->d_children, d_sib) {
		if (d_really_is_positive(child) && !d_unhashed(child) &&
		    !ckpt_obj_lookup(ctx, CKPT_OBJ_MQUEUE, d_inode(child), &objref)) {
			found = dget_dlock(child);
			break;
		}
	}
	spin_unlock(&root->d_lock);
	inode_unlock_shared(d_inode(root));
	return found;
}

/**
 * checkpoint_mqueues - write all queues of the tree's own IPC namespace
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_mqueues(struct ckpt_ctx *ctx)
{
	struct dentry *root = current->nsproxy->ipc_ns->mq_mnt->mnt_root, *child;
	u32 objref;
	int ret = 0;

	while (!ret && (child = next_unwritten(ctx, root))) {
		ret = checkpoint_mqueue(ctx, child, &objref);
		dput(child);
		cond_resched();
	}
	return ret;
}

static void restored_mqueue_free(struct restored_ipc *ipc)
{
	struct restored_mqueue *r = container_of(ipc, struct restored_mqueue, ipc);
	struct posix_msg_tree_node *node, *next_node;
	struct msg_msg *msg, *next;

	list_for_each_entry_safe(msg, next, &r->messages, m_list)
		free_msg(msg);
	list_for_each_entry_safe(node, next_node, &r->nodes, msg_list)
		kfree(node);
	if (r->sock)
		netlink_detachskb(r->sock, r->cookie);
	put_pid(r->owner);
	if (r->file)
		fput(r->file);
	kfree(r);
}

static void take_old_messages(struct mqueue_inode_info *info, struct list_head *old)
{
	struct msg_msg *msg;

	while ((msg = msg_get(info)) != NULL)
		list_add_tail(&msg->m_list, old);
}

/* All nodes that it can need have been allocated. */
static void put_messages(struct restored_mqueue *r, struct mqueue_inode_info *info)
{
	struct posix_msg_tree_node *node;
	struct msg_msg *msg, *next;

	list_for_each_entry_safe(msg, next, &r->messages, m_list) {
		if (!info->node_cache) {
			node = list_first_entry(&r->nodes, struct posix_msg_tree_node, msg_list);
			list_del_init(&node->msg_list);
			info->node_cache = node;
		}
		list_del(&msg->m_list);
		msg_insert(msg, info);
	}
}

static void put_notification(struct restored_mqueue *r, struct mqueue_inode_info *info)
{
	if (!r->owner || info->notify_owner || (r->rec.notify == SIGEV_THREAD && !r->sock))
		return;
	info->notify.sigev_notify = r->rec.notify;
	info->notify.sigev_signo = r->rec.notify_signo;
	info->notify.sigev_value.sival_ptr = u64_to_user_ptr(r->rec.notify_value);
	info->notify_self_exec_id = r->owner_exec_id;
	info->notify_sock = r->sock;
	info->notify_cookie = r->cookie;
	info->notify_owner = r->owner;
	info->notify_user_ns = get_user_ns(current_user_ns());
	r->sock = NULL;
	r->cookie = NULL;
	r->owner = NULL;
}

static void commit_mqueue(struct restored_ipc *ipc)
{
	struct restored_mqueue *r = container_of(ipc, struct restored_mqueue, ipc);
	struct inode *inode = file_inode(r->file);
	struct mqueue_inode_info *info = MQUEUE_I(inode);
	struct msg_msg *msg, *next;
	LIST_HEAD(old);

	inode->i_mode = S_IFREG | r->rec.mode;
	inode->i_uid = make_kuid(current_user_ns(), r->rec.uid);
	inode->i_gid = make_kgid(current_user_ns(), r->rec.gid);
	spin_lock(&info->lock);
	take_old_messages(info, &old);
	put_messages(r, info);
	put_notification(r, info);
	inode_set_atime_to_ts(inode, ns_to_timespec64(r->rec.atime_ns));
	inode_set_mtime_to_ts(inode, ns_to_timespec64(r->rec.mtime_ns));
	inode_set_ctime_to_ts(inode, ns_to_timespec64(r->rec.ctime_ns));
	wake_up(&info->wait_q);
	spin_unlock(&info->lock);
	list_for_each_entry_safe(msg, next, &old, m_list)
		free_msg(msg);
}

static void rollback_mqueue(struct restored_ipc *ipc)
{
	struct restored_mqueue *r = container_of(ipc, struct restored_mqueue, ipc);
	struct vfsmount *mnt = ipc->ns->mq_mnt;
	struct inode *dir = d_inode(mnt->mnt_root);
	struct dentry *dentry;

	if (!ipc->created || !r->file || r->rec.flags & CKPT_MQUEUE_UNLINKED)
		return;
	dentry = r->file->f_path.dentry;
	if (mnt_want_write(mnt))
		return;
	inode_lock_nested(dir, I_MUTEX_PARENT);
	if (!d_unhashed(dentry))
		vfs_unlink(&nop_mnt_idmap, dir, dentry, NULL);
	inode_unlock(dir);
	mnt_drop_write(mnt);
}

static int check_mqueue(struct ckpt_ctx *ctx, const struct ckpt_mqueue *m)
{
	struct user_namespace *ns = current_user_ns();
	kuid_t uid = make_kuid(ns, m->uid);
	kgid_t gid = make_kgid(ns, m->gid);

	if (m->mode & ~07777 || m->flags & ~CKPT_MQUEUE_FLAGS_ALL || !m->max_msgs ||
	    m->max_msgs > HARD_MSGMAX || !m->msg_bytes || m->msg_bytes > HARD_MSGSIZEMAX ||
	    m->nr_msgs > m->max_msgs ||
	    m->notify > SIGEV_THREAD || m->notify_pid < 0 ||
	    (m->notify == SIGEV_SIGNAL && !valid_signal(m->notify_signo)))
		return ckpt_err(ctx, -EINVAL, "a message queue that contradicts itself");
	if (!uid_valid(uid) || !gid_valid(gid))
		return ckpt_err(ctx, -EINVAL, "a message queue without a valid owner");
	if ((!uid_eq(uid, current_fsuid()) || !gid_eq(gid, current_fsgid())) &&
	    !ns_capable(ns, CAP_CHOWN))
		return ckpt_err(ctx, -EPERM, "cannot make a message queue of user %u, group %u",
				m->uid, m->gid);
	return 0;
}

/* Returns what follows the messages. */
static const void *take_mqueue_messages(struct ckpt_ctx *ctx, struct restored_mqueue *r,
					const void *tail, size_t *len)
{
	u32 i;

	for (i = 0; i < r->rec.nr_msgs; i++) {
		const struct ckpt_msg_head *head = tail;
		struct posix_msg_tree_node *node;
		struct msg_msg *msg;

		if (*len < sizeof(*head) || head->len > r->rec.msg_bytes ||
		    ALIGN(head->len, 8) > *len - sizeof(*head) || head->type < 0 ||
		    head->type >= MQ_PRIO_MAX)
			return ERR_PTR(ckpt_err(ctx, -EINVAL,
				"message %u of a message queue is not whole", i));
		node = kmalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);
		if (!node)
			return ERR_PTR(-ENOMEM);
		list_add(&node->msg_list, &r->nodes);
		msg = ckpt_make_msg(head + 1, head->len);
		if (IS_ERR(msg))
			return ERR_CAST(msg);
		msg->m_type = head->type;
		msg->m_ts = head->len;
		list_add_tail(&msg->m_list, &r->messages);
		tail += sizeof(*head) + ALIGN(head->len, 8);
		*len -= sizeof(*head) + ALIGN(head->len, 8);
		cond_resched();
	}
	return tail;
}

static struct mq_attr attr_of(const struct ckpt_mqueue *m)
{
	return (struct mq_attr) { .mq_maxmsg = m->max_msgs, .mq_msgsize = m->msg_bytes };
}

/* It was there: is it as the image says, and does nobody wait in it? */
static int check_found(struct ckpt_ctx *ctx, const struct ckpt_mqueue *m, const char *name,
		       struct inode *inode)
{
	struct mqueue_inode_info *info = MQUEUE_I(inode);
	bool same, waited_for;

	if (!S_ISREG(inode->i_mode) || (!uid_eq(inode->i_uid, current_fsuid()) &&
					!ns_capable(current_user_ns(), CAP_FOWNER)))
		return ckpt_err(ctx, -EPERM, "message queue %s is not yours", name);
	spin_lock(&info->lock);
	same = info->attr.mq_maxmsg == m->max_msgs && info->attr.mq_msgsize == m->msg_bytes;
	waited_for = !list_empty(&info->e_wait_q[SEND].list) ||
		     !list_empty(&info->e_wait_q[RECV].list);
	spin_unlock(&info->lock);
	if (!same)
		return ckpt_err(ctx, -EEXIST,
			"message queue %s: there is another of this name, with other limits", name);
	if (waited_for)
		return ckpt_err(ctx, -EBUSY, "message queue %s: somebody waits in it", name);
	return 0;
}

static int find_or_make_named(struct ckpt_ctx *ctx, struct restored_mqueue *r, const char *name,
			      struct path *path)
{
	struct vfsmount *mnt = path->mnt;
	struct dentry *root = mnt->mnt_root;
	struct mq_attr attr = attr_of(&r->rec);
	int ret;

	ret = mnt_want_write(mnt);
	if (ret)
		return ret;
	inode_lock(d_inode(root));
	path->dentry = lookup_one_len(name, root, strlen(name));
	if (IS_ERR(path->dentry)) {
		ret = PTR_ERR(path->dentry);
		path->dentry = NULL;
	} else if (d_really_is_positive(path->dentry)) {
		ret = check_found(ctx, &r->rec, name, d_inode(path->dentry));
	} else {
		ret = vfs_mkobj(path->dentry, r->rec.mode & 0777, mqueue_create_attr, &attr);
		r->ipc.created = !ret;
	}
	inode_unlock(d_inode(root));
	mnt_drop_write(mnt);
	return ret;
}

/* As one is that has been made and unlinked. */
static int make_unlinked(struct ipc_namespace *ns, struct restored_mqueue *r, const char *name,
			 struct path *path)
{
	struct dentry *root = path->mnt->mnt_root;
	struct mq_attr attr = attr_of(&r->rec);
	struct inode *inode;
	bool full;

	spin_lock(&mq_lock);
	full = ns->mq_queues_count >= ns->mq_queues_max && !capable(CAP_SYS_RESOURCE);
	if (!full)
		ns->mq_queues_count++;
	spin_unlock(&mq_lock);
	if (full)
		return -ENOSPC;
	path->dentry = d_alloc_name(root, name);
	inode = path->dentry ? mqueue_get_inode(root->d_sb, ns, S_IFREG | (r->rec.mode & 0777),
						&attr) : ERR_PTR(-ENOMEM);
	if (IS_ERR(inode)) {
		spin_lock(&mq_lock);
		ns->mq_queues_count--;
		spin_unlock(&mq_lock);
		return PTR_ERR(inode);
	}
	clear_nlink(inode);
	d_instantiate(path->dentry, inode);
	r->ipc.created = true;
	return 0;
}

static int make_mqueue(struct ckpt_ctx *ctx, struct restored_mqueue *r, const char *name)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	struct path path = { .mnt = ns->mq_mnt };
	struct file *file;
	int ret;

	if (r->rec.flags & CKPT_MQUEUE_UNLINKED)
		ret = make_unlinked(ns, r, name, &path);
	else
		ret = find_or_make_named(ctx, r, name, &path);
	if (!ret) {
		file = dentry_open(&path, O_PATH, current_cred());
		ret = PTR_ERR_OR_ZERO(file);
		if (!ret)
			r->file = file;
	}
	dput(path.dentry);
	return ret ? ckpt_err(ctx, ret, "message queue %s cannot be made (error %d)", name, ret) :
		     0;
}

/* The other tasks have joined: they are there. */
static int find_notified(struct ckpt_ctx *ctx, struct restored_mqueue *r)
{
	struct restart_task *rt;

	if (!r->rec.notify_pid)
		return 0;
	rt = restart_find(ctx, r->rec.notify_pid);
	if (IS_ERR(rt))
		return PTR_ERR(rt);
	r->owner = get_pid(task_tgid(rt->task));
	r->owner_exec_id = rt->task->self_exec_id;
	return 0;
}

static bool is_mqueue_name(const char *name, size_t len)
{
	return len > 1 && len <= NAME_MAX + 1 && strnlen(name, len) == len - 1 &&
	       !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

static bool stands_twice(struct ckpt_ctx *ctx, const struct restored_mqueue *r)
{
	struct restored_ipc *ipc;

	list_for_each_entry(ipc, &ctx->ipc, list)
		if (ipc->commit == commit_mqueue &&
		    file_inode(container_of(ipc, struct restored_mqueue, ipc)->file) ==
		    file_inode(r->file))
			return true;
	return false;
}

/**
 * restore_mqueue_rec - find a POSIX message queue, or make it
 * @ctx:	the restart
 * @rec:	the MQUEUE record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_mqueue_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_mqueue *r;
	struct ckpt_mqueue *m;
	const void *name;
	size_t len;
	int ret;

	m = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*m), CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(m))
		return PTR_ERR(m);
	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r) {
		kvfree(m);
		return -ENOMEM;
	}
	r->rec = *m;
	r->ipc.commit = commit_mqueue;
	r->ipc.rollback = rollback_mqueue;
	r->ipc.free = restored_mqueue_free;
	r->ipc.ns = get_ipc_ns(current->nsproxy->ipc_ns);
	INIT_LIST_HEAD(&r->messages);
	INIT_LIST_HEAD(&r->nodes);
	ret = check_mqueue(ctx, m);
	if (!ret) {
		len = rec->len - sizeof(*m);
		name = take_mqueue_messages(ctx, r, m + 1, &len);
		ret = PTR_ERR_OR_ZERO(name);
	}
	if (!ret && !is_mqueue_name(name, len))
		ret = ckpt_err(ctx, -EINVAL, "a message queue without a valid name");
	if (!ret)
		ret = find_notified(ctx, r);
	if (!ret)
		ret = make_mqueue(ctx, r, name);
	if (!ret && stands_twice(ctx, r)) {
		ret = ckpt_err(ctx, -EINVAL, "message queue %s stands twice in the image",
			       (const char *)name);
		r->ipc.created = false;
	}
	kvfree(m);
	if (ret) {
		rollback_mqueue(&r->ipc);
		put_ipc_ns(r->ipc.ns);
		restored_mqueue_free(&r->ipc);
		return ret;
	}
	list_add_tail(&r->ipc.list, &ctx->ipc);
	return ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_MQUEUE, get_file(r->file));
}

static struct restored_mqueue *restored_mqueue_of(struct ckpt_ctx *ctx, struct file *file)
{
	struct restored_mqueue *r;
	struct restored_ipc *ipc;

	list_for_each_entry(ipc, &ctx->ipc, list) {
		r = container_of(ipc, struct restored_mqueue, ipc);
		if (ipc->commit == commit_mqueue && r->file == file)
			return r;
	}
	return NULL;
}

/**
 * restore_mqueue_notify_rec - who tells of the messages of a queue
 * @ctx:	the restart
 * @rec:	the MQUEUE_NOTIFY record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_mqueue_notify_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct file *file = ckpt_ref(ctx, rec->objref, CKPT_OBJ_MQUEUE);
	struct restored_mqueue *r;
	struct ckpt_mqueue_notify *n;
	struct sk_buff *skb = NULL;
	struct sock *sock;
	long timeout = 0;
	int ret = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	n = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*n), sizeof(*n));
	if (IS_ERR(n))
		return PTR_ERR(n);
	r = restored_mqueue_of(ctx, file);
	sock = restored_sock_of(ctx, n->socket);
	if (IS_ERR(sock))
		ret = PTR_ERR(sock);
	else if (!r || !r->owner || r->rec.notify != SIGEV_THREAD || r->sock ||
		 sock->sk_family != AF_NETLINK || n->reserved)
		ret = ckpt_err(ctx, -EINVAL, "MQUEUE_NOTIFY contradicts the message queue");
	if (!ret)
		skb = alloc_skb(NOTIFY_COOKIE_LEN, GFP_KERNEL_ACCOUNT);
	if (!ret && !skb)
		ret = -ENOMEM;
	if (!ret) {
		skb_put_data(skb, n->cookie, NOTIFY_COOKIE_LEN);
		sock_hold(sock);
		/* On failure it lets go of both. */
		ret = netlink_attachskb(sock, skb, &timeout, NULL);
		if (ret)
			ckpt_err(ctx, ret, "a message queue cannot tell of its messages (error %d)",
				 ret);
	}
	if (!ret) {
		r->sock = sock;
		r->cookie = skb;
	}
	kvfree(n);
	return ret;
}

/**
 * restore_mqueue_file - open a queue that has been found or made
 * @ctx:	the restart
 * @f:		what the image says of it
 *
 * Return: the file or an error pointer, which has been logged.
 */
struct file *restore_mqueue_file(struct ckpt_ctx *ctx, const struct ckpt_file *f)
{
	struct file *queue = ckpt_ref(ctx, f->object, CKPT_OBJ_MQUEUE), *file;
	const struct cred *cred = restore_file_cred(ctx, f->cred);

	if (IS_ERR(queue) || IS_ERR(cred))
		return IS_ERR(queue) ? queue : ERR_CAST(cred);
	file = path_open_quiet(&queue->f_path, f->f_flags & MQUEUE_OPEN_FLAGS, cred);
	if (IS_ERR(file))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(file),
					"a message queue cannot be opened (error %ld)",
					PTR_ERR(file)));
	return file;
}
