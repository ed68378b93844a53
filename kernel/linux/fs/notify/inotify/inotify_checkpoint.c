// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of inotify instances: watches with their descriptors, the
 * cursor from which descriptors are given, and the unread events.
 */
#include <linux/anon_inodes.h>
#include <linux/checkpoint_files.h>
#include <linux/file.h>
#include <linux/namei.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../fsnotify.h"
#include "../notify_checkpoint.h"
#include "inotify.h"

/*
 * A mark that has left the group says IN_IGNORED a moment later, and has its
 * descriptor until then: neither mark nor event would be in the image.
 */
static bool inotify_settled(struct fsnotify_group *group)
{
	struct inotify_inode_mark *i_mark;
	bool settled = true;
	int wd;

	spin_lock(&group->inotify_data.idr_lock);
	idr_for_each_entry(&group->inotify_data.idr, i_mark, wd)
		if (!(i_mark->fsn_mark.flags & FSNOTIFY_MARK_FLAG_ATTACHED))
			settled = false;
	spin_unlock(&group->inotify_data.idr_lock);
	return settled;
}

static void inotify_copy_watch(struct fsnotify_mark *mark, struct ckpt_watch *rec)
{
	rec->wd = container_of(mark, struct inotify_inode_mark, fsn_mark)->wd;
	rec->mask = inotify_mark_user_mask(mark);
}

static size_t inotify_event_text(struct fsnotify_event *event)
{
	return INOTIFY_E(event)->name_len + EVENT_STRINGS;
}

static void inotify_copy_event(struct fsnotify_event *event, struct event_copy *copy)
{
	struct inotify_event_info *e = INOTIFY_E(event);

	copy->rec.kind = fsnotify_is_overflow_event(e->mask) ? CKPT_EVENT_OVERFLOW :
							       CKPT_EVENT_INOTIFY;
	copy->rec.mask = e->mask;
	copy->rec.wd = e->wd;
	copy->rec.cookie = e->sync_cookie;
	copy->text_len = inotify_event_text(event);
	memset(copy->text, 0, copy->text_len);
	memcpy(copy->text, e->name, e->name_len);
}

static const struct notify_copy_ops inotify_copy_ops = {
	.settled	= inotify_settled,
	.copy_watch	= inotify_copy_watch,
	.event_text	= inotify_event_text,
	.copy_event	= inotify_copy_event,
};

static unsigned int next_wd(struct fsnotify_group *group)
{
	unsigned int next;

	spin_lock(&group->inotify_data.idr_lock);
	next = idr_get_cursor(&group->inotify_data.idr);
	spin_unlock(&group->inotify_data.idr_lock);
	return next;
}

/**
 * inotify_file_checkpoint - ->checkpoint for an inotify instance
 * @ctx:	the checkpoint
 * @file:	its file
 *
 * Return: 0 or a negative error, which has been logged.
 */
int inotify_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct fsnotify_group *group = file->private_data;
	struct notify_copy copy = {};
	struct ckpt_inotify rec = {};
	u32 objref = ++ctx->next_ref;
	int ret;

	ctx->where.path = "inotify";
	ret = notify_ucounts_uid(ctx, group->inotify_data.ucounts, &rec.uid,
				 &rec.own_user);
	if (!ret)
		ret = notify_copy(ctx, group, &inotify_copy_ops, &copy);
	if (!ret) {
		rec.nr_watches = notify_nr_watches(&copy);
		rec.nr_events = copy.nr_events;
		rec.next_wd = next_wd(group);
		rec.max_events = group->max_events;
		ret = ckpt_write_rec(ctx, CKPT_REC_INOTIFY, objref, &rec, sizeof(rec));
	}
	if (!ret)
		ret = notify_write(ctx, objref, &copy);
	notify_copy_free(&copy);
	ctx->where.path = "inotify";
	return ret ?: notify_file_write(ctx, file, CKPT_FILE_INOTIFY, objref);
}

/* As inotify_add_watch() does, but for the descriptor. */
static int restore_watch(struct ckpt_ctx *ctx, struct notify_restore *n,
			 const struct ckpt_watch *w, const struct path *path)
{
	const u32 known = INOTIFY_USER_MASK | IN_EXCL_UNLINK | IN_ONESHOT;
	struct inode *inode = d_inode(path->dentry);
	struct fsnotify_group *group = n->group;
	int ret;

	if (w->wd < 1 || w->mask & ~known || w->ignore_mask ||
	    w->object != CKPT_WATCH_INODE || w->flags & ~CKPT_WATCH_RELINKED)
		return ckpt_err(ctx, -EINVAL, "not a watch of inotify");
	ret = path_permission(path, MAY_READ) ?:
	      security_path_notify(path, w->mask & IN_ALL_EVENTS, FSNOTIFY_OBJ_TYPE_INODE);
	if (ret)
		return ckpt_err(ctx, ret, "may not be watched (error %d)", ret);
	fsnotify_group_lock(group);
	spin_lock(&group->inotify_data.idr_lock);
	idr_set_cursor(&group->inotify_data.idr, w->wd);
	spin_unlock(&group->inotify_data.idr_lock);
	ret = inotify_new_watch(group, inode, w->mask);
	fsnotify_group_unlock(group);
	if (ret == -ENOSPC)
		return ckpt_err(ctx, ret,
			"cannot be watched: its user would have more watches than fs.inotify.max_user_watches allows");
	if (ret == -EEXIST || (ret > 0 && ret != w->wd))
		return ckpt_err(ctx, -EINVAL, "stands twice in the image (watch %d)", w->wd);
	if (ret < 0)
		return ckpt_err(ctx, ret, "cannot be watched (error %d)", ret);
	return 0;
}

static int restore_event(struct ckpt_ctx *ctx, struct notify_restore *n,
			 const struct ckpt_event *e, const char *const *strings)
{
	size_t len = strlen(strings[0]);
	struct inotify_event_info *event;

	if (e->kind == CKPT_EVENT_OVERFLOW)
		return notify_queue(ctx, n->group, n->group->overflow_event, NULL);
	if (e->kind != CKPT_EVENT_INOTIFY || e->mask & ~ALL_FSNOTIFY_BITS || e->wd < 1 ||
	    fsnotify_is_overflow_event(e->mask))
		return ckpt_err(ctx, -EINVAL, "not an event of inotify");
	event = kmalloc(struct_size(event, name, len + 1), GFP_KERNEL_ACCOUNT);
	if (!event)
		return -ENOMEM;
	fsnotify_init_event(&event->fse);
	event->mask = e->mask;
	event->wd = e->wd;
	event->sync_cookie = e->cookie;
	event->name_len = len;
	memcpy(event->name, strings[0], len + 1);
	return notify_queue(ctx, n->group, &event->fse, NULL);
}

static void go(struct notify_restore *n)
{
	spin_lock(&n->group->inotify_data.idr_lock);
	idr_set_cursor(&n->group->inotify_data.idr, n->next_wd);
	spin_unlock(&n->group->inotify_data.idr_lock);
}

static const struct notify_restore_ops inotify_restore_ops = {
	.kind	= CKPT_FILE_INOTIFY,
	.watch	= restore_watch,
	.event	= restore_event,
	.go	= go,
};

static struct fsnotify_group *make_group(struct ckpt_ctx *ctx, const struct ckpt_inotify *rec)
{
	const struct cred *own = notify_wear_uid(ctx, rec->uid, rec->own_user);
	struct fsnotify_group *group;

	if (IS_ERR(own))
		return ERR_CAST(own);
	if (rec->max_events > inotify_max_queued_events && !capable(CAP_SYS_ADMIN)) {
		revert_creds(own);
		return ERR_PTR(ckpt_err(ctx, -EPERM,
			"more unread events than fs.inotify.max_queued_events allows"));
	}
	group = inotify_new_group(rec->max_events);
	revert_creds(own);
	if (group == ERR_PTR(-EMFILE))
		return ERR_PTR(ckpt_err(ctx, -EMFILE,
			"cannot make an inotify instance: user %u would have more than fs.inotify.max_user_instances allows",
			rec->uid));
	if (IS_ERR(group))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(group),
			"cannot make an inotify instance (error %ld)", PTR_ERR(group)));
	group->shutdown = true;
	return group;
}

/**
 * restore_inotify_rec - make an inotify instance
 * @ctx:	the restart
 * @rec:	the INOTIFY record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_inotify_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct notify_restore n = { .ops = &inotify_restore_ops };
	struct ckpt_inotify *p;

	p = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*p), sizeof(*p));
	if (IS_ERR(p))
		return PTR_ERR(p);
	n.watches = p->nr_watches;
	n.events = p->nr_events;
	n.next_wd = p->next_wd;
	n.group = p->next_wd > INT_MAX ?
		ERR_PTR(ckpt_err(ctx, -EINVAL, "no watch descriptor can be %u", p->next_wd)) :
		make_group(ctx, p);
	kvfree(p);
	if (IS_ERR(n.group))
		return PTR_ERR(n.group);
	n.file = anon_inode_getfile("inotify", &inotify_fops, n.group, O_RDONLY);
	if (IS_ERR(n.file)) {
		fsnotify_destroy_group(n.group);
		return PTR_ERR(n.file);
	}
	return notify_restore_add(ctx, rec->objref, &n);
}
