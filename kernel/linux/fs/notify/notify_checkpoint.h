/* SPDX-License-Identifier: GPL-2.0 */
/* Checkpoint/restart of notification groups: what inotify and fanotify share. */
#ifndef __FS_NOTIFY_CHECKPOINT_H_
#define __FS_NOTIFY_CHECKPOINT_H_

#include <linux/checkpoint_internal.h>
#include <linux/fsnotify_backend.h>
#include <linux/refcount.h>

#define MARK_NAME_FH_WORDS	8

/**
 * struct fsnotify_mark_name - how the inode of a mark is named; never changed
 * @refs:	marks that have it, and a checkpoint that looks at it
 * @from_sb:	@path begins at the root of the filesystem, not of the process
 * @fh_type:	of @fh, or FILEID_INVALID
 * @fh_words:	of @fh
 * @fh:		file handle of the directory the inode is in, by the last part of @path
 * @path:	the path
 */
struct fsnotify_mark_name {
	refcount_t refs;
	bool from_sb;
	u8 fh_type;
	u8 fh_words;
	u32 fh[MARK_NAME_FH_WORDS];
	char path[];
};

/* mark_name.c */
void fsnotify_restore_name(struct fsnotify_group *group, struct inode *inode, const char *path);

/* mark_find.c */
const char *ckpt_name_of_inode(struct ckpt_ctx *ctx, struct inode *inode,
			       const struct fsnotify_mark_name *name, const char **last);
const char *ckpt_name_of_path(struct ckpt_ctx *ctx, const struct path *path, const char **last);
const char *ckpt_name_of_mount(struct ckpt_ctx *ctx, struct vfsmount *mnt);
const char *ckpt_name_of_sb(struct ckpt_ctx *ctx, struct super_block *sb);

/* A mark, as it was when the queue was looked at. */
struct watch_copy {
	struct ckpt_watch rec;
	struct super_block *sb;			/* active, as long as we look */
	struct inode *inode;
	struct vfsmount *mnt;
	struct fsnotify_mark_name *name;
};

#define EVENT_STRINGS	(2 + CKPT_HANDLES)

/* An unread event, with the tail of its record. */
struct event_copy {
	struct ckpt_event rec;
	struct path path;			/* held; of a PATH */
	struct pid *pid;			/* held */
	char *text;
	size_t text_len;
};

struct notify_copy {
	struct watch_copy *watches;
	unsigned int nr_watches;
	struct event_copy *events;
	unsigned int nr_events, max_events;
	char *text;
	size_t text_len, text_max;
};

/**
 * struct notify_copy_ops - how a kind of group is looked at
 * @settled:	optional: no mark is about to end; with the group locked
 * @copy_watch:	fill in what is in the mark; with mark->lock held
 * @event_text:	bytes that the tail of an event needs at most
 * @copy_event:	fill in the record and its tail; with notification_lock held
 */
struct notify_copy_ops {
	bool (*settled)(struct fsnotify_group *group);
	void (*copy_watch)(struct fsnotify_mark *mark, struct ckpt_watch *rec);
	size_t (*event_text)(struct fsnotify_event *event);
	void (*copy_event)(struct fsnotify_event *event, struct event_copy *copy);
};

/**
 * struct notify_restore - a group that is being restored
 * @file:	its file, which no task has yet
 * @group:	the group; it takes no events before the restart has succeeded
 * @ops:	of its kind
 * @watches:	that are still to come
 * @events:	that are still to come
 * @next_wd:	inotify: where the search for the next descriptor begins
 * @taken:	a FILE has been made of it
 */
struct notify_restore {
	struct file *file;
	struct fsnotify_group *group;
	const struct notify_restore_ops *ops;
	u32 watches;
	u32 events;
	u32 next_wd;
	bool taken;
};

/* What has been checked: @path is the watched object, @event's names are strings. */
struct notify_restore_ops {
	enum ckpt_file_kind kind;
	int (*watch)(struct ckpt_ctx *ctx, struct notify_restore *n, const struct ckpt_watch *w,
		     const struct path *path);
	int (*event)(struct ckpt_ctx *ctx, struct notify_restore *n, const struct ckpt_event *e,
		     const char *const *strings);
	void (*go)(struct notify_restore *n);
};

/* notify_checkpoint.c */
int notify_copy(struct ckpt_ctx *ctx, struct fsnotify_group *group,
		const struct notify_copy_ops *ops, struct notify_copy *copy);
int notify_write(struct ckpt_ctx *ctx, u32 objref, struct notify_copy *copy);
void notify_copy_free(struct notify_copy *copy);
unsigned int notify_nr_watches(const struct notify_copy *copy);
int notify_file_write(struct ckpt_ctx *ctx, struct file *file, enum ckpt_file_kind kind,
		      u32 objref);
int notify_ucounts_uid(struct ckpt_ctx *ctx, const struct ucounts *ucounts, u32 *uid,
		       u32 *own_user);

/* notify_restore.c */
const struct cred *notify_wear_uid(struct ckpt_ctx *ctx, u32 uid, u32 own_user);
int notify_restore_add(struct ckpt_ctx *ctx, u32 objref, const struct notify_restore *template);
int notify_find(struct ckpt_ctx *ctx, const char *name, u32 mode, u64 ino, u32 generation,
		struct path *path);
int notify_queue(struct ckpt_ctx *ctx, struct fsnotify_group *group, struct fsnotify_event *event,
		 void (*insert)(struct fsnotify_group *group, struct fsnotify_event *event));

#endif
