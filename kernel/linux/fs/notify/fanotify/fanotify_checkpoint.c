// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of fanotify groups: marks on inodes, mounts and
 * filesystems, and the unread events.
 *
 * An event that somebody waits for (FAN_OPEN_PERM and the like) belongs to the
 * task that waits: while there is one, the group cannot be checkpointed.
 */
#include <linux/checkpoint_files.h>
#include <linux/fanotify.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/hex.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../fsnotify.h"
#include "../notify_checkpoint.h"
#include "fanotify.h"

/* Of a mark; the rest follows from where it is. */
static const struct {
	u32 fsn;
	u32 rec;
} mark_flags[] = {
	{ FSNOTIFY_MARK_FLAG_NO_IREF, CKPT_WATCH_EVICTABLE },
	{ FSNOTIFY_MARK_FLAG_IGNORED_SURV_MODIFY, CKPT_WATCH_SURV_MODIFY },
	{ FSNOTIFY_MARK_FLAG_HAS_IGNORE_FLAGS, CKPT_WATCH_IGNORE },
};

static void fanotify_copy_watch(struct fsnotify_mark *mark, struct ckpt_watch *rec)
{
	unsigned int i;

	rec->mask = mark->mask;
	rec->ignore_mask = mark->ignore_mask;
	for (i = 0; i < ARRAY_SIZE(mark_flags); i++)
		if (mark->flags & mark_flags[i].fsn)
			rec->flags |= mark_flags[i].rec;
}

static struct fanotify_fh *handle_of(struct fanotify_event *event, enum ckpt_event_handle which)
{
	struct fanotify_info *info = fanotify_event_info(event);

	switch (which) {
	case CKPT_HANDLE_DIR:
		return fanotify_event_dir_fh_len(event) ? fanotify_info_dir_fh(info) : NULL;
	case CKPT_HANDLE_DIR2:
		return fanotify_event_dir2_fh_len(event) ? fanotify_info_dir2_fh(info) : NULL;
	default:
		return info && !info->file_fh_totlen ? NULL : fanotify_event_object_fh(event);
	}
}

static size_t fanotify_event_text(struct fsnotify_event *fse)
{
	struct fanotify_event *event = FANOTIFY_E(fse);
	struct fanotify_info *info = fanotify_event_info(event);
	size_t len = EVENT_STRINGS;
	unsigned int i;

	if (info)
		len += info->name_len + info->name2_len;
	for (i = 0; i < CKPT_HANDLES; i++) {
		struct fanotify_fh *fh = handle_of(event, i);

		len += fh ? 2 * fh->len : 0;
	}
	return len;
}

static char *copy_name(char *to, const char *name, unsigned int len)
{
	if (len)
		memcpy(to, name, len);
	to[len] = '\0';
	return to + len + 1;
}

static void copy_names(struct fanotify_event *event, struct event_copy *copy)
{
	struct fanotify_info *info = fanotify_event_info(event);
	char *to = copy->text;
	unsigned int i;

	to = copy_name(to, info ? fanotify_info_name(info) : NULL, info ? info->name_len : 0);
	to = copy_name(to, info ? fanotify_info_name2(info) : NULL, info ? info->name2_len : 0);
	for (i = 0; i < CKPT_HANDLES; i++) {
		struct fanotify_fh *fh = handle_of(event, i);

		if (fh) {
			copy->rec.handle_type[i] = fh->type;
			to = bin2hex(to, fanotify_fh_buf(fh), fh->len);
		}
		*to++ = '\0';
	}
	copy->text_len = to - copy->text;
}

static u32 kind_of(const struct fanotify_event *event)
{
	switch (event->type) {
	case FANOTIFY_EVENT_TYPE_OVERFLOW:
		return CKPT_EVENT_OVERFLOW;
	case FANOTIFY_EVENT_TYPE_PATH:
		return CKPT_EVENT_PATH;
	case FANOTIFY_EVENT_TYPE_FID:
		return CKPT_EVENT_FID;
	case FANOTIFY_EVENT_TYPE_FID_NAME:
		return CKPT_EVENT_NAME;
	case FANOTIFY_EVENT_TYPE_FS_ERROR:
		return CKPT_EVENT_ERROR;
	}
	return 0;	/* a permission event: has_waiters() speaks of it */
}

static void fanotify_copy_event(struct fsnotify_event *fse, struct event_copy *copy)
{
	struct fanotify_event *event = FANOTIFY_E(fse);
	__kernel_fsid_t *fsid = fanotify_event_fsid(event);

	copy->rec.kind = kind_of(event);
	copy->rec.mask = event->mask;
	copy->pid = get_pid(event->pid);
	copy_names(event, copy);
	if (fsid)
		memcpy(copy->rec.fsid, fsid, sizeof(copy->rec.fsid));
	if (event->type == FANOTIFY_EVENT_TYPE_PATH) {
		copy->path = *fanotify_event_path(event);
		path_get(&copy->path);
	} else if (event->type == FANOTIFY_EVENT_TYPE_FS_ERROR) {
		copy->rec.error = FANOTIFY_EE(event)->error;
		copy->rec.error_count = FANOTIFY_EE(event)->err_count;
	}
}

static const struct notify_copy_ops fanotify_copy_ops = {
	.copy_watch	= fanotify_copy_watch,
	.event_text	= fanotify_event_text,
	.copy_event	= fanotify_copy_event,
};

/* Somebody waits for an answer, read already or not. */
static bool has_waiters(struct fsnotify_group *group, const struct notify_copy *copy)
{
	unsigned int i;
	bool waiting;

	spin_lock(&group->notification_lock);
	waiting = !list_empty(&group->fanotify_data.access_list);
	spin_unlock(&group->notification_lock);
	for (i = 0; i < copy->nr_events; i++)
		waiting |= !copy->events[i].rec.kind;
	return waiting || atomic_read(&group->user_waits);
}

static int write_group(struct ckpt_ctx *ctx, struct fsnotify_group *group, u32 objref,
		       struct notify_copy *copy)
{
	struct ckpt_fanotify rec = {
		.nr_watches = notify_nr_watches(copy),
		.nr_events = copy->nr_events,
		.flags = group->fanotify_data.flags & ~FANOTIFY_INTERNAL_GROUP_FLAGS,
		.event_f_flags = group->fanotify_data.f_flags,
		.max_events = group->max_events,
		.unprivileged = !!FAN_GROUP_FLAG(group, FANOTIFY_UNPRIV),
	};
	int ret;

	if (has_waiters(group, copy))
		return ckpt_obstacle(ctx, -EBUSY,
			"a process waits for an answer to a permission event of this group");
	ret = notify_ucounts_uid(ctx, group->fanotify_data.ucounts, &rec.uid,
				 &rec.own_user);
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_FANOTIFY, objref, &rec, sizeof(rec));
	return ret ?: notify_write(ctx, objref, copy);
}

/**
 * fanotify_file_checkpoint - ->checkpoint for an fanotify group
 * @ctx:	the checkpoint
 * @file:	its file
 *
 * Return: 0 or a negative error, which has been logged.
 */
int fanotify_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct fsnotify_group *group = file->private_data;
	struct notify_copy copy = {};
	u32 objref = ++ctx->next_ref;
	int ret;

	ctx->where.path = "fanotify";
	ret = notify_copy(ctx, group, &fanotify_copy_ops, &copy);
	if (!ret)
		ret = write_group(ctx, group, objref, &copy);
	notify_copy_free(&copy);
	ctx->where.path = "fanotify";
	return ret ?: notify_file_write(ctx, file, CKPT_FILE_FANOTIFY, objref);
}

/* The masks as they were: not all of it can be said in one call of fanotify_mark(). */
static void set_masks(struct fsnotify_mark *mark, const struct ckpt_watch *w)
{
	unsigned int i;

	spin_lock(&mark->lock);
	mark->mask = w->mask;
	mark->ignore_mask = w->ignore_mask;
	for (i = 0; i < ARRAY_SIZE(mark_flags); i++)
		if (mark_flags[i].rec != CKPT_WATCH_EVICTABLE && w->flags & mark_flags[i].rec)
			mark->flags |= mark_flags[i].fsn;
	spin_unlock(&mark->lock);
	fsnotify_recalc_mask(mark->connector);
}

static int restore_watch(struct ckpt_ctx *ctx, struct notify_restore *n,
			 const struct ckpt_watch *w, const struct path *path)
{
	unsigned int flags = FAN_MARK_ADD;
	u32 mask = w->mask | w->ignore_mask;
	struct fsnotify_mark *mark;
	enum fsnotify_obj_type type = FSNOTIFY_OBJ_TYPE_INODE;
	void *obj = d_inode(path->dentry);
	int ret;

	if (w->object != CKPT_WATCH_INODE && path->dentry != path->mnt->mnt_root)
		return ckpt_err(ctx, -ESTALE, "is not the root of a mount now");
	if (w->object == CKPT_WATCH_MOUNT) {
		flags |= FAN_MARK_MOUNT;
		type = FSNOTIFY_OBJ_TYPE_VFSMOUNT;
		obj = path->mnt;
	} else if (w->object == CKPT_WATCH_FILESYSTEM) {
		flags |= FAN_MARK_FILESYSTEM;
		type = FSNOTIFY_OBJ_TYPE_SB;
		obj = path->mnt->mnt_sb;
	}
	if (w->flags & CKPT_WATCH_EVICTABLE)
		flags |= FAN_MARK_EVICTABLE;
	/* It is set by itself where it may not be asked for. */
	if (!d_is_dir(path->dentry))
		mask &= ~FAN_EVENT_ON_CHILD;
	/* All checks of making the mark now, for all bits that are in a mask. */
	ret = fanotify_mark_group(n->group, flags, mask, -1, NULL, path);
	if (ret == -ENOSPC)
		return ckpt_err(ctx, ret,
			"cannot be watched: its user would have more marks than fs.fanotify.max_user_marks allows");
	if (ret)
		return ckpt_err(ctx, ret, "cannot be watched (error %d)", ret);
	fsnotify_group_lock(n->group);
	mark = fsnotify_find_mark(obj, type, n->group);
	if (mark)
		set_masks(mark, w);
	fsnotify_group_unlock(n->group);
	if (!mark)
		return ckpt_err(ctx, -ENOENT, "is gone already");
	fsnotify_put_mark(mark);
	return 0;
}

/* Who did it: a task of the tree, one that was there before, or a mere number. */
static struct pid *find_pid_of(struct ckpt_ctx *ctx, const struct ckpt_event *e)
{
	struct pid *pid = find_get_pid(e->pid);
	struct task_struct *task = pid ? get_pid_task(pid, PIDTYPE_PID) : NULL;
	bool same = task && e->pid_start_ns &&
		    (restart_lookup(ctx, e->pid) || task->start_boottime == e->pid_start_ns);

	if (task)
		put_task_struct(task);
	if (same)
		return pid;
	put_pid(pid);
	return ckpt_dead_pid(task_active_pid_ns(current), e->pid);
}

/**
 * struct handle - a file handle of an event
 * @type:	its type
 * @len:	its bytes
 * @buf:	the bytes
 */
struct handle {
	u8 type;
	u8 len;
	u8 buf[MAX_HANDLE_SZ];
};

static int read_handles(struct ckpt_ctx *ctx, const struct ckpt_event *e,
			const char *const *strings, struct handle *handles)
{
	unsigned int i;

	for (i = 0; i < CKPT_HANDLES; i++) {
		const char *hex = strings[2 + i];
		size_t digits = strlen(hex);

		if (digits > 2 * MAX_HANDLE_SZ || digits % 8 ||
		    e->handle_type[i] > FILEID_INVALID ||
		    hex2bin(handles[i].buf, hex, digits / 2))
			return ckpt_err(ctx, -EINVAL, "an EVENT with a file handle that is none");
		handles[i].type = e->handle_type[i];
		handles[i].len = digits / 2;
	}
	return 0;
}

/* @ext: there is room for FANOTIFY_INLINE_FH_LEN only; else for all of it. */
static int set_handle(struct fanotify_fh *fh, const struct handle *h, bool ext, unsigned int *hash)
{
	void *buf = fh->buf;

	fh->type = h->type;
	fh->len = h->len;
	fh->flags = 0;
	fh->pad = 0;
	if (ext && h->len > FANOTIFY_INLINE_FH_LEN) {
		buf = kmalloc(h->len, GFP_KERNEL_ACCOUNT);
		if (!buf)
			return -ENOMEM;
		*fanotify_fh_ext_buf_ptr(fh) = buf;
		fh->flags = FANOTIFY_FH_FLAG_EXT_BUF;
	}
	memcpy(buf, h->buf, h->len);
	if (hash && h->len)
		*hash ^= fanotify_hash_fh(fh);
	return 0;
}

static struct fanotify_event *make_fid_event(struct ckpt_ctx *ctx, const struct ckpt_event *e,
					     const struct handle *handles, unsigned int *hash)
{
	struct fanotify_fid_event *ffe;

	ffe = kmem_cache_alloc(fanotify_fid_event_cachep, GFP_KERNEL_ACCOUNT);
	if (!ffe)
		return ERR_PTR(-ENOMEM);
	ffe->fae.type = FANOTIFY_EVENT_TYPE_FID;
	memcpy(&ffe->fsid, e->fsid, sizeof(ffe->fsid));
	*hash ^= fanotify_hash_fsid(&ffe->fsid);
	if (set_handle(&ffe->object_fh, &handles[CKPT_HANDLE_FILE], true, hash)) {
		kmem_cache_free(fanotify_fid_event_cachep, ffe);
		return ERR_PTR(-ENOMEM);
	}
	return &ffe->fae;
}

static unsigned int add_handle(struct fanotify_fh *fh, const struct handle *h, unsigned int *hash)
{
	set_handle(fh, h, false, hash);
	return FANOTIFY_FH_HDR_LEN + h->len;
}

static struct fanotify_event *make_name_event(struct ckpt_ctx *ctx, const struct ckpt_event *e,
					      const char *const *strings,
					      const struct handle *handles, unsigned int *hash)
{
	const struct qstr name = QSTR_INIT(strings[0], strlen(strings[0]));
	const struct qstr name2 = QSTR_INIT(strings[1], strlen(strings[1]));
	const struct handle *dir = &handles[CKPT_HANDLE_DIR], *dir2 = &handles[CKPT_HANDLE_DIR2];
	const struct handle *file = &handles[CKPT_HANDLE_FILE];
	struct fanotify_name_event *fne;
	struct fanotify_info *info;

	/* What the kernel itself would not have made: a name stands in a directory. */
	if ((name.len && !dir->len) || !name2.len != !dir2->len ||
	    (dir2->len && !(e->mask & FAN_RENAME)) ||
	    ((e->mask & FAN_RENAME) && !name.len != !dir->len))
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
					"an EVENT whose names and directories disagree"));
	fne = kvmalloc(sizeof(*fne) + CKPT_HANDLES * FANOTIFY_FH_HDR_LEN + dir->len + dir2->len +
		       file->len + name.len + name2.len + 2, GFP_KERNEL_ACCOUNT);
	if (!fne)
		return ERR_PTR(-ENOMEM);
	fne->fae.type = FANOTIFY_EVENT_TYPE_FID_NAME;
	memcpy(&fne->fsid, e->fsid, sizeof(fne->fsid));
	*hash ^= fanotify_hash_fsid(&fne->fsid);
	info = &fne->info;
	fanotify_info_init(info);
	/* In this order, as each stands behind those before. */
	if (dir->len)
		fanotify_info_set_dir_fh(info, add_handle(fanotify_info_dir_fh(info), dir, hash));
	if (dir2->len)
		fanotify_info_set_dir2_fh(info, add_handle(fanotify_info_dir2_fh(info), dir2,
							   hash));
	if (file->len)
		fanotify_info_set_file_fh(info, add_handle(fanotify_info_file_fh(info), file,
							   hash));
	if (name.len) {
		fanotify_info_copy_name(info, &name);
		*hash ^= full_name_hash((void *)(unsigned long)name.len, name.name, name.len);
	}
	if (name2.len) {
		fanotify_info_copy_name2(info, &name2);
		*hash ^= full_name_hash((void *)(unsigned long)name2.len, name2.name, name2.len);
	}
	return &fne->fae;
}

static struct fanotify_event *make_error_event(struct ckpt_ctx *ctx, struct fsnotify_group *group,
					       const struct ckpt_event *e,
					       const struct handle *handles, unsigned int *hash)
{
	struct fanotify_error_event *fee;

	if (!mempool_initialized(&group->fanotify_data.error_events_pool))
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
					"an error event, but no mark that asks for any"));
	fee = mempool_alloc(&group->fanotify_data.error_events_pool, GFP_NOWAIT);
	if (!fee)
		return ERR_PTR(-ENOMEM);
	fee->fae.type = FANOTIFY_EVENT_TYPE_FS_ERROR;
	fee->error = e->error;
	fee->err_count = e->error_count;
	memcpy(&fee->fsid, e->fsid, sizeof(fee->fsid));
	*hash ^= fanotify_hash_fsid(&fee->fsid);
	set_handle(&fee->object_fh, &handles[CKPT_HANDLE_FILE], false, NULL);
	return &fee->fae;
}

static struct fanotify_event *make_path_event(struct ckpt_ctx *ctx, const struct ckpt_event *e,
					      const char *const *strings, unsigned int *hash)
{
	struct fanotify_path_event *pevent;
	struct path path, alias;
	int ret;

	ret = notify_find(ctx, strings[0], e->mode, e->ino, e->generation, &path);
	if (ret)
		return ERR_PTR(ret);
	/* The reader gets it opened without a further look at permissions. */
	if (!d_is_reg(path.dentry) && !d_can_lookup(path.dentry))
		ret = ckpt_err(ctx, -EINVAL, "is no file that an event could be about");
	else if (path_permission(&path, MAY_READ))
		ret = ckpt_err(ctx, -EACCES, "may not be read");
	else if (e->flags & CKPT_EVENT_RELINKED)
		ret = restore_relinked(ctx, &path, false);
	if (!ret && e->flags & CKPT_EVENT_RELINKED &&
	    !ckpt_make_alias(&path, strings[1], &alias)) {
		path_put(&path);
		path = alias;
	}
	pevent = ret ? NULL : kmem_cache_alloc(fanotify_path_event_cachep, GFP_KERNEL_ACCOUNT);
	if (!pevent) {
		path_put(&path);
		return ERR_PTR(ret ?: -ENOMEM);
	}
	pevent->fae.type = FANOTIFY_EVENT_TYPE_PATH;
	pevent->path = path;
	*hash ^= fanotify_hash_path(&path);
	return &pevent->fae;
}

static struct fanotify_event *make_event(struct ckpt_ctx *ctx, struct fsnotify_group *group,
					 const struct ckpt_event *e, const char *const *strings,
					 const struct handle *handles, unsigned int *hash)
{
	bool fid = FAN_GROUP_FLAG(group, FANOTIFY_FID_BITS);
	bool error = e->mask & FAN_FS_ERROR;
	bool is_error = e->kind == CKPT_EVENT_ERROR, is_path = e->kind == CKPT_EVENT_PATH;

	/* The mask tells what an event is made of: here it must be true. */
	if (e->mask & ~(FANOTIFY_EVENTS | FANOTIFY_EVENT_FLAGS) ||
	    error != is_error || fid == is_path)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "not an event of this group"));
	switch (e->kind) {
	case CKPT_EVENT_PATH:
		return make_path_event(ctx, e, strings, hash);
	case CKPT_EVENT_FID:
		return make_fid_event(ctx, e, handles, hash);
	case CKPT_EVENT_NAME:
		return make_name_event(ctx, e, strings, handles, hash);
	case CKPT_EVENT_ERROR:
		return make_error_event(ctx, group, e, handles, hash);
	}
	return ERR_PTR(ckpt_err(ctx, -EINVAL, "an event of unknown kind %u", e->kind));
}

/* What events are merged by is computed anew: pids and paths are others now. */
static bool on_dir(struct fanotify_event *event, u32 mask)
{
	if (event->type == FANOTIFY_EVENT_TYPE_PATH)
		return d_is_dir(fanotify_event_path(event)->dentry);
	return mask & FAN_ONDIR;
}

static int restore_event(struct ckpt_ctx *ctx, struct notify_restore *n,
			 const struct ckpt_event *e, const char *const *strings)
{
	struct handle *handles;
	struct fanotify_event *event;
	unsigned int hash = 0;
	struct pid *pid;
	int ret;

	if (e->kind == CKPT_EVENT_OVERFLOW)
		return notify_queue(ctx, n->group, n->group->overflow_event, NULL);
	if (e->pid < 0)
		return ckpt_err(ctx, -EINVAL, "an EVENT of pid %d", e->pid);
	handles = kcalloc(CKPT_HANDLES, sizeof(*handles), GFP_KERNEL);
	if (!handles)
		return -ENOMEM;
	ret = read_handles(ctx, e, strings, handles);
	event = ret ? ERR_PTR(ret) : make_event(ctx, n->group, e, strings, handles, &hash);
	kfree(handles);
	if (IS_ERR(event))
		return PTR_ERR(event);
	pid = e->pid ? find_pid_of(ctx, e) : NULL;
	hash ^= hash_long((unsigned long)pid | on_dir(event, e->mask), FANOTIFY_EVENT_HASH_BITS);
	fanotify_init_event(event, hash, e->mask);
	event->pid = pid;
	if (e->pid && !pid) {
		fsnotify_destroy_event(n->group, &event->fse);
		return -ENOMEM;
	}
	return notify_queue(ctx, n->group, &event->fse, fanotify_insert_event);
}

static const struct notify_restore_ops fanotify_restore_ops = {
	.kind	= CKPT_FILE_FANOTIFY,
	.watch	= restore_watch,
	.event	= restore_event,
};

/* With all checks that fanotify_init() makes. */
static struct file *make_group(struct ckpt_ctx *ctx, const struct ckpt_fanotify *rec)
{
	const struct cred *own = notify_wear_uid(ctx, rec->uid, rec->own_user);
	struct fsnotify_group *group;
	struct file *file;
	int fd;

	BUILD_BUG_ON(sizeof_field(struct ckpt_event, fsid) != sizeof(__kernel_fsid_t));
	if (IS_ERR(own))
		return ERR_CAST(own);
	fd = do_fanotify_init(rec->flags | FAN_CLOEXEC, rec->event_f_flags);
	revert_creds(own);
	if (fd == -EMFILE)
		return ERR_PTR(ckpt_err(ctx, fd,
			"cannot make an fanotify group: user %u would have more than fs.fanotify.max_user_groups allows",
			rec->uid));
	if (fd < 0)
		return ERR_PTR(ckpt_err(ctx, fd,
			"cannot make an fanotify group (flags 0x%x, error %d)", rec->flags, fd));
	file = fget(fd);
	close_fd(fd);
	if (!file)
		return ERR_PTR(-EBADF);
	group = file->private_data;
	group->shutdown = true;
	fd = 0;
	if (FAN_GROUP_FLAG(group, FANOTIFY_UNPRIV) && !rec->unprivileged)
		fd = ckpt_err(ctx, -EPERM, "an fanotify group of a privileged user");
	else if (!(rec->flags & FAN_UNLIMITED_QUEUE) && rec->max_events > group->max_events &&
		 !capable(CAP_SYS_ADMIN))
		fd = ckpt_err(ctx, -EPERM,
			      "more unread events than fs.fanotify.max_queued_events allows");
	if (fd) {
		fput(file);
		return ERR_PTR(fd);
	}
	group->fanotify_data.flags = rec->flags;
	if (rec->unprivileged)
		group->fanotify_data.flags |= FANOTIFY_UNPRIV;
	if (!(rec->flags & FAN_UNLIMITED_QUEUE))
		group->max_events = rec->max_events;
	return file;
}

/**
 * restore_fanotify_rec - make an fanotify group
 * @ctx:	the restart
 * @rec:	the FANOTIFY record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_fanotify_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct notify_restore n = { .ops = &fanotify_restore_ops };
	struct ckpt_fanotify *p;

	p = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*p), sizeof(*p));
	if (IS_ERR(p))
		return PTR_ERR(p);
	n.watches = p->nr_watches;
	n.events = p->nr_events;
	n.file = make_group(ctx, p);
	kvfree(p);
	if (IS_ERR(n.file))
		return PTR_ERR(n.file);
	n.group = n.file->private_data;
	return notify_restore_add(ctx, rec->objref, &n);
}
