// SPDX-License-Identifier: GPL-2.0
/*
 * How watched inodes are named.
 *
 * A mark holds an inode and not a dentry. When the dentry has gone, nothing in
 * memory says any more how the inode is found. So a mark on an inode remembers
 * the path by which it was made, and learns of renames of the inode itself. It
 * holds neither dentry nor mount: whatever could be unmounted before still can.
 */
#include <linux/checkpoint_files.h>
#include <linux/dcache.h>
#include <linux/exportfs.h>
#include <linux/fsnotify_backend.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fsnotify.h"
#include "notify_checkpoint.h"

/* Where the inode is, as far as @dentry says. */
static void encode_parent(struct fsnotify_mark_name *name, struct dentry *dentry)
{
	struct dentry *parent = dget_parent(dentry);
	int words = MARK_NAME_FH_WORDS, type;

	type = exportfs_encode_inode_fh(d_inode(parent), (struct fid *)name->fh, &words, NULL, 0);
	if (type > 0 && type < FILEID_INVALID && words <= MARK_NAME_FH_WORDS) {
		name->fh_type = type;
		name->fh_words = words;
	}
	dput(parent);
}

static struct fsnotify_mark_name *name_alloc(const char *path, bool from_sb)
{
	size_t len = strlen(path) + 1;
	struct fsnotify_mark_name *name;

	name = kmalloc(struct_size(name, path, len), GFP_KERNEL_ACCOUNT);
	if (!name)
		return NULL;
	refcount_set(&name->refs, 1);
	name->from_sb = from_sb;
	name->fh_type = FILEID_INVALID;
	name->fh_words = 0;
	memcpy(name->path, path, len);
	return name;
}

void fsnotify_put_name(struct fsnotify_mark_name *name)
{
	if (name && refcount_dec_and_test(&name->refs))
		kfree(name);
}

/* The mark takes over the reference. */
static void set_name(struct fsnotify_mark *mark, struct fsnotify_mark_name *name)
{
	struct fsnotify_mark_name *old;

	spin_lock(&mark->lock);
	old = mark->name;
	mark->name = name;
	spin_unlock(&mark->lock);
	fsnotify_put_name(old);
}

static void set_name_of_inode(struct fsnotify_group *group, struct inode *inode,
			      struct fsnotify_mark_name *name)
{
	struct fsnotify_mark *mark = fsnotify_find_inode_mark(inode, group);

	if (!mark) {
		fsnotify_put_name(name);
		return;
	}
	set_name(mark, name);
	fsnotify_put_mark(mark);
}

/**
 * fsnotify_remember_name - a mark on an inode has been made or changed
 * @group:	group of the mark
 * @path:	how the inode was named
 *
 * Without memory, the mark has no name, which a checkpoint can do without in
 * most cases.
 */
void fsnotify_remember_name(struct fsnotify_group *group, const struct path *path)
{
	struct fsnotify_mark_name *name = NULL;
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	char *text = buf ? ckpt_d_path(path, buf) : NULL;

	if (text)
		name = name_alloc(text, false);
	/* The root of a mount has another name in its directory. */
	if (name && path->dentry != path->mnt->mnt_root)
		encode_parent(name, path->dentry);
	kfree(buf);
	set_name_of_inode(group, d_inode(path->dentry), name);
}

/**
 * fsnotify_restore_name - a mark has been restored by a name that will be gone
 * @group:	group of the mark
 * @inode:	the watched inode
 * @path:	the last name that people know it by
 */
void fsnotify_restore_name(struct fsnotify_group *group, struct inode *inode, const char *path)
{
	set_name_of_inode(group, inode, name_alloc(path, false));
}

/**
 * fsnotify_follow_rename - an inode that may be watched has another name
 * @inode:	the inode
 * @moved:	the dentry that was renamed, whose name and parent are stable
 */
void fsnotify_follow_rename(struct inode *inode, struct dentry *moved)
{
	struct fsnotify_mark_connector *conn;
	struct fsnotify_mark_name *name;
	struct fsnotify_mark *mark;
	char *buf, *text;
	int idx;

	if (!rcu_access_pointer(inode->i_fsnotify_marks))
		return;
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf)
		return;
	text = dentry_path_raw(moved, buf, PATH_MAX);
	name = IS_ERR(text) ? NULL : name_alloc(text, true);
	kfree(buf);
	if (!name)
		return;
	encode_parent(name, moved);
	idx = srcu_read_lock(&fsnotify_mark_srcu);
	conn = srcu_dereference(inode->i_fsnotify_marks, &fsnotify_mark_srcu);
	if (conn) {
		hlist_for_each_entry_srcu(mark, &conn->list, obj_list,
					  srcu_read_lock_held(&fsnotify_mark_srcu)) {
			if (!(mark->group->flags & FSNOTIFY_GROUP_USER))
				continue;
			refcount_inc(&name->refs);
			set_name(mark, name);
		}
	}
	srcu_read_unlock(&fsnotify_mark_srcu, idx);
	fsnotify_put_name(name);
}
