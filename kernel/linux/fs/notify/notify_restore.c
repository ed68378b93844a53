// SPDX-License-Identifier: GPL-2.0
/*
 * Restart of notification groups: what inotify and fanotify share.
 *
 * A group that is being restored takes no events: what the restart itself does
 * to watched files must not be seen, and the queue is to hold what it held. It
 * takes events from the moment that the restart has succeeded.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_tasks.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fsnotify.h"
#include "notify_checkpoint.h"

/**
 * notify_wear_uid - act as a user, for what counts against the user's limits
 * @ctx:	the restart
 * @uid:	the user, as the caller sees it
 * @own_user:	that is in the tree's own user namespace
 *
 * Return: the caller's own credentials, for revert_creds(), or an error
 * pointer, which has been logged.
 */
const struct cred *notify_wear_uid(struct ckpt_ctx *ctx, u32 uid, u32 own_user)
{
	kuid_t kuid = make_kuid(current_user_ns(), uid);
	const struct cred *own;
	struct cred *cred;

	int ret = 0;

	if (own_user > 1 || !uid_valid(kuid))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "there is no user %u here", uid));
	if (!uid_eq(kuid, current_euid()) && !ns_capable(current_user_ns(), CAP_SETUID))
		return ERR_PTR(ckpt_err(ctx, -EPERM, "may not count as user %u", uid));
	cred = prepare_creds();
	if (!cred)
		return ERR_PTR(-ENOMEM);
	cred->euid = kuid;
	if (own_user)
		ret = restore_enter_user_ns(ctx, cred) ?: set_cred_ucounts(cred);
	if (ret) {
		abort_creds(cred);
		return ERR_PTR(ckpt_err(ctx, ret, "may not count as user %u of its user namespace",
					uid));
	}
	own = override_creds(cred);
	put_cred(cred);
	return own;
}

/**
 * notify_restore_add - a group has been made
 * @ctx:	the restart
 * @objref:	of the group
 * @template:	what is known of it; its file is taken over, also on error
 *
 * Return: 0 or a negative error.
 */
int notify_restore_add(struct ckpt_ctx *ctx, u32 objref, const struct notify_restore *template)
{
	struct notify_restore *n = kmemdup(template, sizeof(*n), GFP_KERNEL_ACCOUNT);

	if (!n) {
		fput(template->file);
		return -ENOMEM;
	}
	return ckpt_ref_add(ctx, objref, CKPT_OBJ_NOTIFY, n);
}

void ckpt_notify_put(void *notify)
{
	struct notify_restore *n = notify;

	fput(n->file);
	kfree(n);
}

/* @nr strings fill a tail. */
static bool split(const char *tail, size_t len, unsigned int nr, const char **strings)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		size_t n = strnlen(tail, len);

		if (n == len || n >= PATH_MAX)
			return false;
		strings[i] = tail;
		tail += n + 1;
		len -= n + 1;
	}
	return !len;
}

/**
 * notify_find - find what was watched, or is in an event
 * @ctx:	the restart
 * @name:	its path
 * @mode:	its type
 * @ino:	its inode number
 * @generation:	of the inode
 * @path:	it, held
 *
 * Return: 0 or a negative error, which has been logged.
 */
int notify_find(struct ckpt_ctx *ctx, const char *name, u32 mode, u64 ino, u32 generation,
		struct path *path)
{
	const struct inode *inode;
	int ret;

	ctx->where.path = name;
	if (name[0] != '/')
		return ckpt_err(ctx, -EINVAL, "is not an absolute path");
	ret = kern_path(name, 0, path);
	if (ret)
		return ckpt_err(ctx, ret, "cannot be found (error %d)", ret);
	inode = d_inode(path->dentry);
	if ((inode->i_mode ^ mode) & S_IFMT)
		ret = ckpt_err(ctx, -ESTALE, "is a file of another type now");
	else if (!ckpt_is_made_up(inode->i_sb) &&
		 (inode->i_ino != ino || inode->i_generation != generation))
		ret = ckpt_err(ctx, -ESTALE, "is another file now (inode %lu, was %llu)",
			       inode->i_ino, ino);
	if (ret)
		path_put(path);
	return ret;
}

/**
 * notify_queue - put an event back into the queue
 * @ctx:	the restart
 * @group:	the group
 * @event:	the event, which is taken over
 * @insert:	optional, as for fsnotify_insert_event()
 *
 * Return: 0 or a negative error, which has been logged.
 */
int notify_queue(struct ckpt_ctx *ctx, struct fsnotify_group *group, struct fsnotify_event *event,
		 void (*insert)(struct fsnotify_group *group, struct fsnotify_event *event))
{
	bool fits;

	spin_lock(&group->notification_lock);
	/* One more than fits may be there: that which says so. */
	fits = list_empty(&event->list) &&
	       (event == group->overflow_event || group->q_len < group->max_events ||
		(group->q_len == group->max_events && !list_empty(&group->overflow_event->list)));
	if (fits) {
		group->q_len++;
		list_add_tail(&event->list, &group->notification_list);
		if (insert)
			insert(group, event);
	}
	spin_unlock(&group->notification_lock);
	if (fits)
		return 0;
	fsnotify_destroy_event(group, event);
	return ckpt_err(ctx, -EINVAL, "more unread events than fit into the queue");
}

static int restore_watch(struct ckpt_ctx *ctx, struct notify_restore *n,
			 const struct ckpt_watch *w, const char *const *names)
{
	bool relinked = w->flags & CKPT_WATCH_RELINKED;
	struct path path;
	int ret;

	if (!n->watches)
		return ckpt_err(ctx, -EINVAL, "more watches than it is said to have");
	n->watches--;
	if (w->flags & ~CKPT_WATCH_FLAGS_ALL ||
	    w->object < CKPT_WATCH_INODE || w->object > CKPT_WATCH_FILESYSTEM ||
	    (relinked && w->object != CKPT_WATCH_INODE))
		return ckpt_err(ctx, -EINVAL, "a watch of unknown kind");
	ret = restore_go_to_mnt(ctx, w->mnt);
	if (!ret)
		ret = notify_find(ctx, names[0], w->mode, w->ino, w->generation, &path);
	ckpt_go_to_mnt(ctx, NULL);
	if (ret)
		return ret;
	if (relinked)
		ret = restore_relinked(ctx, &path, false);
	if (!ret)
		ret = n->ops->watch(ctx, n, w, &path);
	if (!ret && w->object == CKPT_WATCH_INODE) {
		if (relinked)
			fsnotify_restore_name(n->group, d_inode(path.dentry), names[1]);
		else
			fsnotify_remember_name(n->group, &path);
	}
	path_put(&path);
	return ret;
}

/**
 * restore_watch_rec - make a watch again
 * @ctx:	the restart
 * @rec:	the WATCH record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_watch_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct notify_restore *n = ckpt_ref(ctx, rec->objref, CKPT_OBJ_NOTIFY);
	const char *names[2];
	struct ckpt_watch *w;
	int ret;

	if (IS_ERR(n))
		return PTR_ERR(n);
	w = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*w) + 2, sizeof(*w) + 2 * PATH_MAX);
	if (IS_ERR(w))
		return PTR_ERR(w);
	if (split((const char *)(w + 1), rec->len - sizeof(*w), 2, names))
		ret = restore_watch(ctx, n, w, names);
	else
		ret = ckpt_err(ctx, -EINVAL, "a WATCH without two valid names");
	ctx->where.path = NULL;
	kvfree(w);
	return ret;
}

/**
 * restore_event_rec - put an unread event back
 * @ctx:	the restart
 * @rec:	the EVENT record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_event_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct notify_restore *n = ckpt_ref(ctx, rec->objref, CKPT_OBJ_NOTIFY);
	const char *strings[EVENT_STRINGS];
	struct ckpt_event *e;
	int ret;

	if (IS_ERR(n))
		return PTR_ERR(n);
	e = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*e) + EVENT_STRINGS,
			      sizeof(*e) + EVENT_STRINGS * PATH_MAX);
	if (IS_ERR(e))
		return PTR_ERR(e);
	if (!n->events)
		ret = ckpt_err(ctx, -EINVAL, "more unread events than it is said to have");
	else if (e->flags & ~CKPT_EVENT_FLAGS_ALL ||
		 !split((const char *)(e + 1), rec->len - sizeof(*e), EVENT_STRINGS, strings))
		ret = ckpt_err(ctx, -EINVAL, "an EVENT with unknown flags, or no valid names");
	else
		ret = n->ops->event(ctx, n, e, strings);
	n->events -= !ret;
	ctx->where.path = NULL;
	kvfree(e);
	return ret;
}

/**
 * restore_notify_file - the file of a group that has been made
 * @ctx:	the restart
 * @f:		what the image says of it
 *
 * Return: the file or an error pointer, which has been logged.
 */
struct file *restore_notify_file(struct ckpt_ctx *ctx, const struct ckpt_file *f)
{
	struct notify_restore *n = ckpt_ref(ctx, f->group, CKPT_OBJ_NOTIFY);

	if (IS_ERR(n))
		return ERR_CAST(n);
	if (n->ops->kind != f->kind || n->taken)
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
			"objref %u is a group of another kind, or has a file already", f->group));
	if (n->watches || n->events)
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
			"objref %u: %u watches and %u unread events are missing", f->group,
			n->watches, n->events));
	n->taken = true;
	return get_file(n->file);
}

/**
 * restore_notify_go - let all groups take events
 * @ctx:	the restart, which has succeeded in all else
 */
void restore_notify_go(struct ckpt_ctx *ctx)
{
	struct notify_restore *n;
	unsigned long i = 0;

	while ((n = ckpt_ref_next(ctx, &i, CKPT_OBJ_NOTIFY))) {
		if (n->ops->go)
			n->ops->go(n);
		spin_lock(&n->group->notification_lock);
		n->group->shutdown = false;
		spin_unlock(&n->group->notification_lock);
	}
}
