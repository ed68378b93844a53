// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint of notification groups: what inotify and fanotify share.
 *
 * Marks and queue are copied at one moment, with the group locked: others may
 * delete and rename what is watched while the tree is at rest. Names are looked
 * for, and records written, from the copy, without a lock.
 */
#include <linux/checkpoint_files.h>
#include <linux/fsnotify_backend.h>
#include <linux/kdev_t.h>
#include <linux/mount.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "fsnotify.h"
#include "notify_checkpoint.h"

#define SETTLE_TRIES	1000

/*
 * Hold what is watched, and its filesystem, so that an unmount meanwhile does
 * not find a busy inode. What is dying is not watched any more.
 */
static void hold_object(struct fsnotify_mark_connector *conn, struct watch_copy *w)
{
	struct vfsmount *mnt;

	spin_lock(&conn->lock);
	switch (conn->type) {
	case FSNOTIFY_OBJ_TYPE_INODE:
		w->rec.object = CKPT_WATCH_INODE;
		w->sb = fsnotify_conn_inode(conn)->i_sb;
		if (!atomic_inc_not_zero(&w->sb->s_active))
			w->sb = NULL;
		else
			w->inode = igrab(fsnotify_conn_inode(conn));
		break;
	case FSNOTIFY_OBJ_TYPE_VFSMOUNT:
		w->rec.object = CKPT_WATCH_MOUNT;
		mnt = &fsnotify_conn_mount(conn)->mnt;
		read_seqlock_excl(&mount_lock);
		if (real_mount(mnt)->mnt_ns == current->nsproxy->mnt_ns)
			w->mnt = mntget(mnt);
		read_sequnlock_excl(&mount_lock);
		break;
	case FSNOTIFY_OBJ_TYPE_SB:
		w->rec.object = CKPT_WATCH_FILESYSTEM;
		w->sb = fsnotify_conn_sb(conn);
		if (!atomic_inc_not_zero(&w->sb->s_active))
			w->sb = NULL;
		break;
	}
	spin_unlock(&conn->lock);
}

static int copy_watches(struct fsnotify_group *group, const struct notify_copy_ops *ops,
			struct notify_copy *copy)
{
	struct fsnotify_mark *mark;
	struct watch_copy *w;
	unsigned int nr = list_count_nodes(&group->marks_list);

	copy->watches = kvcalloc(nr + 1, sizeof(*copy->watches), GFP_KERNEL_ACCOUNT);
	if (!copy->watches)
		return -ENOMEM;
	/* The oldest first: made again in this order, the list is the same. */
	list_for_each_entry_reverse(mark, &group->marks_list, g_list) {
		w = &copy->watches[copy->nr_watches];
		spin_lock(&mark->lock);
		ops->copy_watch(mark, &w->rec);
		w->name = mark->name;
		if (w->name)
			refcount_inc(&w->name->refs);
		hold_object(mark->connector, w);
		spin_unlock(&mark->lock);
		copy->nr_watches++;
	}
	return 0;
}

/* With notification_lock held. */
static bool fits(struct fsnotify_group *group, const struct notify_copy_ops *ops,
		 const struct notify_copy *copy, unsigned int *nr, size_t *text)
{
	struct fsnotify_event *event;

	*nr = 0;
	*text = 0;
	list_for_each_entry(event, &group->notification_list, list) {
		++*nr;
		*text += ops->event_text(event);
	}
	return copy->events && *nr <= copy->max_events && *text <= copy->text_max;
}

static int copy_events(struct fsnotify_group *group, const struct notify_copy_ops *ops,
		       struct notify_copy *copy)
{
	struct fsnotify_event *event;
	struct event_copy *e;
	unsigned int nr;
	size_t text;

	spin_lock(&group->notification_lock);
	while (!fits(group, ops, copy, &nr, &text)) {
		spin_unlock(&group->notification_lock);
		kvfree(copy->events);
		kvfree(copy->text);
		/* More may come until we look again. */
		copy->max_events = nr + 16;
		copy->text_max = text + PAGE_SIZE;
		copy->events = kvcalloc(copy->max_events, sizeof(*copy->events),
					GFP_KERNEL_ACCOUNT);
		copy->text = kvmalloc(copy->text_max, GFP_KERNEL_ACCOUNT);
		if (!copy->events || !copy->text)
			return -ENOMEM;
		spin_lock(&group->notification_lock);
	}
	list_for_each_entry(event, &group->notification_list, list) {
		e = &copy->events[copy->nr_events++];
		e->text = copy->text + copy->text_len;
		ops->copy_event(event, e);
		copy->text_len += e->text_len;
	}
	spin_unlock(&group->notification_lock);
	return 0;
}

/* What was heard of the image itself: it gets its name when it is complete. */
static void leave_out_image(const struct ckpt_ctx *ctx, struct notify_copy *copy)
{
	const struct inode *image = ctx->img.file ? file_inode(ctx->img.file) : NULL;
	unsigned int i, nr = 0;

	for (i = 0; i < copy->nr_events; i++) {
		struct event_copy *e = &copy->events[i];

		if (image && e->path.dentry && d_inode(e->path.dentry) == image) {
			path_put(&e->path);
			put_pid(e->pid);
		} else {
			copy->events[nr++] = *e;
		}
	}
	copy->nr_events = nr;
}

/**
 * notify_copy - copy marks and unread events of a group
 * @ctx:	the checkpoint
 * @group:	the group
 * @ops:	of its kind
 * @copy:	all zero; for notify_copy_free(), also on error
 *
 * Return: 0 or a negative error, which has been logged.
 */
int notify_copy(struct ckpt_ctx *ctx, struct fsnotify_group *group,
		const struct notify_copy_ops *ops, struct notify_copy *copy)
{
	unsigned int tries = 0;
	int ret;

	fsnotify_group_lock(group);
	while (ops->settled && !ops->settled(group)) {
		fsnotify_group_unlock(group);
		if (++tries == SETTLE_TRIES || fatal_signal_pending(current))
			return ckpt_err(ctx, -EBUSY, "its watches change all the time");
		schedule_timeout_uninterruptible(1);
		fsnotify_group_lock(group);
	}
	ret = copy_watches(group, ops, copy);
	if (!ret)
		ret = copy_events(group, ops, copy);
	fsnotify_group_unlock(group);
	leave_out_image(ctx, copy);
	return ret ? ckpt_err(ctx, ret, "cannot copy its watches and events (error %d)", ret) : 0;
}

void notify_copy_free(struct notify_copy *copy)
{
	unsigned int i;

	for (i = 0; i < copy->nr_watches; i++) {
		struct watch_copy *w = &copy->watches[i];

		fsnotify_put_name(w->name);
		mntput(w->mnt);
		iput(w->inode);
		if (w->sb)
			deactivate_super(w->sb);
	}
	for (i = 0; i < copy->nr_events; i++) {
		path_put(&copy->events[i].path);
		put_pid(copy->events[i].pid);
	}
	kvfree(copy->watches);
	kvfree(copy->events);
	kvfree(copy->text);
}

static void describe_inode(const struct inode *inode, struct ckpt_watch *rec)
{
	rec->mode = inode->i_mode;
	rec->ino = inode->i_ino;
	rec->generation = inode->i_generation;
	rec->dev = new_encode_dev(inode->i_sb->s_dev);
}

static int write_named(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_watch *rec,
		       const char *path, const char *path2)
{
	return ckpt_write_rec_names(ctx, CKPT_REC_WATCH, objref, rec, sizeof(*rec), path, path2);
}

static bool is_gone(const struct watch_copy *w)
{
	return w->rec.object == CKPT_WATCH_INODE ? !w->inode :
	       w->rec.object == CKPT_WATCH_FILESYSTEM ? !w->sb : false;
}

static int write_watch_here(struct ckpt_ctx *ctx, u32 objref, struct watch_copy *w)
{
	const char *name, *last = NULL;

	ctx->where.path = w->name ? w->name->path : NULL;
	switch (w->rec.object) {
	case CKPT_WATCH_INODE:
		describe_inode(w->inode, &w->rec);
		name = ckpt_name_of_inode(ctx, w->inode, w->name, &last);
		break;
	case CKPT_WATCH_MOUNT:
		if (!w->mnt)
			return ckpt_obstacle(ctx, -EOPNOTSUPP,
				"watches a mount that is not in the mount namespace of the caller");
		describe_inode(d_inode(w->mnt->mnt_root), &w->rec);
		name = ckpt_name_of_mount(ctx, w->mnt);
		break;
	default:
		describe_inode(d_inode(w->sb->s_root), &w->rec);
		name = ckpt_name_of_sb(ctx, w->sb);
		break;
	}
	if (IS_ERR_OR_NULL(name))
		return PTR_ERR_OR_ZERO(name);
	w->rec.mnt = ckpt_mnt_objref(ctx);
	if (last)
		w->rec.flags |= CKPT_WATCH_RELINKED;
	return write_named(ctx, objref, &w->rec, name, last ?: "");
}

/* What only some of the tree have mounted only they can name. */
static int write_watch(struct ckpt_ctx *ctx, u32 objref, struct watch_copy *w)
{
	struct ckpt_inner_mnt *before = ctx->in_mnt;
	struct super_block *sb = w->inode ? w->inode->i_sb : w->sb;
	int ret, back;

	ret = ckpt_go_to_mnt(ctx, sb ? ckpt_mnt_of_sb(ctx, sb) : NULL);
	if (ret)
		return ret;
	ret = write_watch_here(ctx, objref, w);
	back = ckpt_go_to_mnt(ctx, before);
	return ret ?: back;
}

/* Who did it, and whether that is still who bears the number. */
static void describe_pid(struct pid *pid, struct ckpt_event *rec)
{
	struct task_struct *task;

	rec->pid = pid_vnr(pid);
	task = get_pid_task(pid, PIDTYPE_PID);
	if (!task)
		return;
	rec->pid_start_ns = task->start_boottime;
	put_task_struct(task);
}

static int write_event(struct ckpt_ctx *ctx, u32 objref, struct event_copy *e)
{
	static const char no_handles[CKPT_HANDLES];
	const struct inode *inode;
	const char *name, *last;
	size_t len, len2;
	char *tail;
	int ret;

	describe_pid(e->pid, &e->rec);
	if (e->rec.kind != CKPT_EVENT_PATH)
		return ckpt_write_rec2(ctx, CKPT_REC_EVENT, objref, &e->rec, sizeof(e->rec),
				       e->text, e->text_len);
	inode = d_inode(e->path.dentry);
	e->rec.mode = inode->i_mode;
	e->rec.ino = inode->i_ino;
	e->rec.generation = inode->i_generation;
	name = ckpt_name_of_path(ctx, &e->path, &last);
	if (IS_ERR_OR_NULL(name))
		return PTR_ERR_OR_ZERO(name);
	if (last)
		e->rec.flags |= CKPT_EVENT_RELINKED;
	len = strlen(name) + 1;
	len2 = strlen(last ?: "") + 1;
	tail = kmalloc(len + len2 + sizeof(no_handles), GFP_KERNEL);
	if (!tail)
		return -ENOMEM;
	memcpy(tail, name, len);
	memcpy(tail + len, last ?: "", len2);
	memcpy(tail + len + len2, no_handles, sizeof(no_handles));
	ret = ckpt_write_rec2(ctx, CKPT_REC_EVENT, objref, &e->rec, sizeof(e->rec), tail,
			      len + len2 + sizeof(no_handles));
	kfree(tail);
	return ret;
}

/**
 * notify_write - write the WATCH and EVENT records of a group
 * @ctx:	the checkpoint
 * @objref:	of the group
 * @copy:	its marks and events
 *
 * Return: 0 or a negative error, which has been logged.
 */
int notify_write(struct ckpt_ctx *ctx, u32 objref, struct notify_copy *copy)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < copy->nr_watches && !ret; i++)
		if (!is_gone(&copy->watches[i]))
			ret = write_watch(ctx, objref, &copy->watches[i]);
	ctx->where.path = NULL;
	for (i = 0; i < copy->nr_events && !ret; i++)
		ret = write_event(ctx, objref, &copy->events[i]);
	ctx->where.path = NULL;
	return ret;
}

/* How many WATCH records notify_write() will write. */
unsigned int notify_nr_watches(const struct notify_copy *copy)
{
	unsigned int i, nr = 0;

	for (i = 0; i < copy->nr_watches; i++)
		nr += !is_gone(&copy->watches[i]);
	return nr;
}

/**
 * notify_file_write - write the FILE record of a group's file
 * @ctx:	the checkpoint
 * @file:	the file
 * @kind:	INOTIFY or FANOTIFY
 * @objref:	of the group
 *
 * Return: 0 or a negative error, which has been logged.
 */
int notify_file_write(struct ckpt_ctx *ctx, struct file *file, enum ckpt_file_kind kind,
		      u32 objref)
{
	struct ckpt_file rec;
	int ret;

	ret = ckpt_file_describe(ctx, file, kind, &rec);
	if (ret)
		return ret;
	rec.group = objref;
	return ckpt_file_write(ctx, ckpt_file_objref(ctx, file), &rec, "", "");
}

/**
 * notify_ucounts_uid - whose limits a group takes of
 * @ctx:	the checkpoint
 * @ucounts:	of the group
 * @uid:	the user, as the caller sees it
 * @own_user:	whether that is in the tree's own user namespace
 *
 * Return: 0 or a negative error, which has been logged.
 */
int notify_ucounts_uid(struct ckpt_ctx *ctx, const struct ucounts *ucounts, u32 *uid,
		       u32 *own_user)
{
	*own_user = ctx->user_ns && ucounts->ns == ctx->user_ns;
	if (ucounts->ns != current_user_ns() && !*own_user)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "was made in another user namespace: not supported");
	*uid = from_kuid(current_user_ns(), ucounts->uid);
	return 0;
}
