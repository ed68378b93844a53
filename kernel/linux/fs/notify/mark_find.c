// SPDX-License-Identifier: GPL-2.0
/*
 * A path that leads to a watched inode, when it is checkpointed.
 *
 * Tried in this order: the path by which it was watched; a dentry that is in
 * memory; the handle of its directory and its name there (of a directory: its
 * own handle); its path from the root of the filesystem, when it was renamed;
 * on overlayfs, its place in its layer.
 * A path counts only if it leads to the very inode. What has no path gets one
 * by relink.
 */
#include <linux/checkpoint_files.h>
#include <linux/dcache.h>
#include <linux/exportfs.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "notify_checkpoint.h"

#define MAX_ALIASES	8

static bool leads_to(const char *name, const struct inode *inode)
{
	struct path found;
	bool same;

	if (kern_path(name, 0, &found))
		return false;
	same = d_inode(found.dentry) == inode;
	path_put(&found);
	return same;
}

/* Its name, if that leads to @inode. */
static const char *name_of(struct ckpt_ctx *ctx, const struct path *path, const struct inode *inode)
{
	const char *name;

	if (d_unlinked(path->dentry))
		return NULL;
	name = ckpt_d_path(path, ctx->path_buf);
	return name && leads_to(name, inode) ? name : NULL;
}

static const char *by_any_mount(struct ckpt_ctx *ctx, struct dentry *dentry,
				const struct inode *inode)
{
	const char *name = NULL;
	struct path path = { .dentry = dentry };
	u64 id = 0;

	while (!name && (path.mnt = mnt_next_of_sb(dentry->d_sb, &id))) {
		name = name_of(ctx, &path, inode);
		mntput(path.mnt);
	}
	return name;
}

static const char *by_alias(struct ckpt_ctx *ctx, struct inode *inode)
{
	struct dentry *aliases[MAX_ALIASES], *alias;
	const char *name = NULL;
	unsigned int i, nr = 0;

	spin_lock(&inode->i_lock);
	hlist_for_each_entry(alias, &inode->i_dentry, d_u.d_alias) {
		if (nr == MAX_ALIASES)
			break;
		if (!d_unhashed(alias) && !(alias->d_flags & DCACHE_DISCONNECTED))
			aliases[nr++] = dget(alias);
	}
	spin_unlock(&inode->i_lock);
	for (i = 0; i < nr; i++) {
		if (!name)
			name = by_any_mount(ctx, aliases[i], inode);
		dput(aliases[i]);
	}
	return name;
}

static int any_dentry(void *context, struct dentry *dentry)
{
	return 1;
}

static struct dentry *decode(struct vfsmount *mnt, u32 *fh, int words, int type)
{
	struct dentry *dentry = exportfs_decode_fh(mnt, (struct fid *)fh, words, type,
						   any_dentry, NULL);

	return IS_ERR_OR_NULL(dentry) ? NULL : dentry;
}

static struct dentry *decode_dir(struct vfsmount *mnt, struct inode *inode)
{
	u32 fh[MARK_NAME_FH_WORDS];
	int words = MARK_NAME_FH_WORDS, type;

	type = exportfs_encode_inode_fh(inode, (struct fid *)fh, &words, NULL, 0);
	if (type <= 0 || type >= FILEID_INVALID)
		return NULL;
	return decode(mnt, fh, words, type);
}

static struct dentry *look_in_parent(struct vfsmount *mnt, const struct fsnotify_mark_name *name)
{
	const char *last = kbasename(name->path);
	u32 fh[MARK_NAME_FH_WORDS];
	struct dentry *dir, *dentry;

	memcpy(fh, name->fh, sizeof(fh));
	dir = decode(mnt, fh, name->fh_words, name->fh_type);
	if (!dir)
		return NULL;
	dentry = d_is_dir(dir) ?
		lookup_one_unlocked(mnt_idmap(mnt), last, dir, strlen(last)) : NULL;
	dput(dir);
	return IS_ERR_OR_NULL(dentry) ? NULL : dentry;
}

static const char *by_handle(struct ckpt_ctx *ctx, struct inode *inode,
			     const struct fsnotify_mark_name *name)
{
	struct dentry *dentry = NULL;
	const char *found = NULL;
	struct vfsmount *mnt;
	u64 id = 0;

	mnt = mnt_next_of_sb(inode->i_sb, &id);
	if (!mnt)
		return NULL;
	if (S_ISDIR(inode->i_mode))
		dentry = decode_dir(mnt, inode);
	else if (name && name->fh_type != FILEID_INVALID)
		dentry = look_in_parent(mnt, name);
	if (dentry && d_inode(dentry) == inode)
		found = by_any_mount(ctx, dentry, inode);
	dput(dentry);
	mntput(mnt);
	return found;
}

static const char *by_sb_path(struct ckpt_ctx *ctx, struct inode *inode, const char *sb_path)
{
	const char *name = NULL;
	struct vfsmount *mnt;
	struct path found;
	u64 id = 0;

	while (!name && (mnt = mnt_next_of_sb(inode->i_sb, &id))) {
		if (mnt->mnt_root == inode->i_sb->s_root &&
		    !vfs_path_lookup(mnt->mnt_root, mnt, sb_path, 0, &found)) {
			if (d_inode(found.dentry) == inode)
				name = name_of(ctx, &found, inode);
			path_put(&found);
		}
		mntput(mnt);
	}
	return name;
}

/* A dentry of its layer tells. */
static const char *by_layer(struct ckpt_ctx *ctx, struct inode *inode)
{
	const char *found = NULL;
	char *buf, *path;

	if (!IS_BUILTIN(CONFIG_OVERLAY_FS) || inode->i_sb->s_magic != OVERLAYFS_SUPER_MAGIC)
		return NULL;
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	path = buf ? ovl_path_of_inode(inode, buf) : NULL;
	if (path)
		found = by_sb_path(ctx, inode, path);
	kfree(buf);
	return found;
}

static struct dentry *any_alias(struct inode *inode)
{
	struct dentry *alias = d_find_any_alias(inode);

	if (alias || S_ISDIR(inode->i_mode) ||
	    !exportfs_can_decode_fh(inode->i_sb->s_export_op))
		return alias;
	ihold(inode);
	alias = d_obtain_alias(inode);
	return IS_ERR(alias) ? NULL : alias;
}

/* With a name it is the same file after the restart. A copy would not be. */
static int relink(struct ckpt_ctx *ctx, struct dentry *alias, const char **name)
{
	if (!d_inode(alias)->i_nlink && ctx->flags & CHECKPOINT_UNLINKED_COPY)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"has no name and is watched, or is in an unread event: a copy would be another file; do without --unlinked=copy");
	return checkpoint_relink(ctx, alias, name);
}

static const char *by_relink(struct ckpt_ctx *ctx, struct inode *inode)
{
	struct dentry *alias = any_alias(inode);
	const char *name = NULL;
	int ret;

	if (!alias)
		return ERR_PTR(ckpt_obstacle(ctx, -EOPNOTSUPP,
			"is watched (inode %lu on %s), but no path that leads to it can be found",
			inode->i_ino, inode->i_sb->s_type->name));
	ret = relink(ctx, alias, &name);
	dput(alias);
	return ret ? ERR_PTR(ret) : name;
}

/**
 * ckpt_name_of_inode - a path that leads to a watched inode
 * @ctx:	the checkpoint
 * @inode:	the inode
 * @name:	what its mark remembers, or NULL
 * @last:	the last name it had, if the path was given by relink; or NULL
 *
 * Return: the path, good until ctx->path_buf is used again; NULL in a dry run
 * if there is none; or an error pointer, which has been logged.
 */
const char *ckpt_name_of_inode(struct ckpt_ctx *ctx, struct inode *inode,
			       const struct fsnotify_mark_name *name, const char **last)
{
	const char *found = NULL;

	*last = NULL;
	if (name && !name->from_sb && leads_to(name->path, inode))
		return name->path;
	if (inode->i_nlink)
		found = by_alias(ctx, inode);
	if (!found && inode->i_nlink)
		found = by_handle(ctx, inode, name);
	if (!found && inode->i_nlink && name && name->from_sb)
		found = by_sb_path(ctx, inode, name->path);
	if (!found && inode->i_nlink)
		found = by_layer(ctx, inode);
	if (found)
		return found;
	*last = name ? name->path : "";
	return by_relink(ctx, inode);
}

/**
 * ckpt_name_of_path - the name of a file that an unread event holds
 * @ctx:	the checkpoint
 * @path:	the file
 * @last:	the last name it had, if the path was given by relink; or NULL
 *
 * Return: as ckpt_name_of_inode().
 */
const char *ckpt_name_of_path(struct ckpt_ctx *ctx, const struct path *path, const char **last)
{
	const char *name = name_of(ctx, path, d_inode(path->dentry));
	int ret;

	*last = NULL;
	if (name)
		return name;
	name = ckpt_d_path(path, ctx->path_buf);
	ctx->where.path = name;
	if (name && d_unlinked(path->dentry)) {
		*last = name;
		name = NULL;
		ret = relink(ctx, path->dentry, &name);
		return ret ? ERR_PTR(ret) : name;
	}
	ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
			    "is in an unread event, but no path leads to it: something is mounted over it, or it is outside the root of the caller");
	return ERR_PTR(ret);
}

/* Its root's name, if that leads to its root: or to that of another mount of @sb. */
static const char *name_of_root(struct ckpt_ctx *ctx, struct vfsmount *mnt,
				const struct super_block *sb)
{
	struct path path = { .mnt = mnt, .dentry = mnt->mnt_root }, found;
	const char *name = ckpt_d_path(&path, ctx->path_buf);
	bool good;

	if (!name || kern_path(name, 0, &found))
		return NULL;
	good = sb ? found.mnt->mnt_sb == sb : path_equal(&found, &path);
	path_put(&found);
	return good ? name : NULL;
}

/**
 * ckpt_name_of_mount - the path of the root of a watched mount
 * @ctx:	the checkpoint
 * @mnt:	the mount
 *
 * Return: the path, good until ctx->path_buf is used again; or an error
 * pointer, which has been logged and is NULL in a dry run.
 */
const char *ckpt_name_of_mount(struct ckpt_ctx *ctx, struct vfsmount *mnt)
{
	const char *name = name_of_root(ctx, mnt, NULL);

	return name ?: ERR_PTR(ckpt_obstacle(ctx, -EOPNOTSUPP,
		"a mount (of %s) is watched, but no path leads to its root: it is outside the root of the caller, or mounted over",
		mnt->mnt_sb->s_type->name));
}

/**
 * ckpt_name_of_sb - the path of a mount of a watched filesystem
 * @ctx:	the checkpoint
 * @sb:		the filesystem
 *
 * Return: as ckpt_name_of_mount().
 */
const char *ckpt_name_of_sb(struct ckpt_ctx *ctx, struct super_block *sb)
{
	const char *name = NULL;
	struct vfsmount *mnt;
	u64 id = 0;

	while (!name && (mnt = mnt_next_of_sb(sb, &id))) {
		name = name_of_root(ctx, mnt, sb);
		mntput(mnt);
	}
	return name ?: ERR_PTR(ckpt_obstacle(ctx, -EOPNOTSUPP,
		"a filesystem (%s on %s) is watched, but no path below the root of the caller leads to it",
		sb->s_type->name, sb->s_id));
}
