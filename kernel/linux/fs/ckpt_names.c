// SPDX-License-Identifier: GPL-2.0
/*
 * Names of files and directories: under which name will a restart find the
 * very same inode, with no fewer restrictions than the open file has?
 */
#include <linux/checkpoint_files.h>
#include <linux/dcache.h>
#include <linux/fs_struct.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/string.h>

#include "mount.h"

/* What a mount forbids: the other mount that a file is reached by forbids the same. */
#define MOUNT_FORBIDS	(MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_READONLY)

/**
 * ckpt_d_path - the name of a path, as the caller sees it
 * @path:	the path
 * @buf:	PATH_MAX bytes
 *
 * Return: the name, without a mark if it has been removed; NULL if the path
 * cannot be reached from the caller's root, or its name is too long.
 */
char *ckpt_d_path(const struct path *path, char *buf)
{
	struct path root;
	char *name;

	get_fs_root(current->fs, &root);
	name = __d_path(path, &root, buf, PATH_MAX);
	path_put(&root);
	return IS_ERR(name) ? NULL : name;
}

/**
 * ckpt_dir_name - a name of a directory, by whatever mount the caller sees it
 * @dir:	the directory
 * @buf:	PATH_MAX bytes
 *
 * Return: the name, or NULL as ckpt_d_path().
 */
char *ckpt_dir_name(const struct path *dir, char *buf)
{
	struct path other = { .dentry = dir->dentry };
	char *name = ckpt_d_path(dir, buf);
	u64 id = 0;

	while (!name && (other.mnt = mnt_next_of_sb(dir->dentry->d_sb, &id))) {
		if (is_subdir(dir->dentry, other.mnt->mnt_root))
			name = ckpt_d_path(&other, buf);
		mntput(other.mnt);
	}
	return name;
}

/**
 * ckpt_name_for_messages - whatever name there is, where messages look for it
 * @ctx:	the checkpoint
 * @path:	the path
 */
void ckpt_name_for_messages(struct ckpt_ctx *ctx, const struct path *path)
{
	char *name = d_path(path, ctx->path_buf, PATH_MAX);

	ctx->where.path = IS_ERR(name) ? NULL : name;
}

static bool same_restrictions(const struct vfsmount *a, const struct vfsmount *b)
{
	return !((a->mnt_flags ^ b->mnt_flags) & MOUNT_FORBIDS) &&
	       mnt_idmap(a) == mnt_idmap(b);
}

/* procfs makes the inodes of /proc/PID/net anew whenever they are looked up. */
static bool same_inode(const struct inode *a, const struct inode *b)
{
	return a == b || (a->i_sb == b->i_sb && a->i_sb->s_magic == PROC_SUPER_MAGIC &&
			  a->i_ino == b->i_ino && a->i_mode == b->i_mode);
}

/**
 * ckpt_look_up - does a name lead to it? Something may be mounted over it.
 * @name:	the name
 * @path:	how it was opened
 *
 * Return: 0 if it does, or a negative error: -ESTALE if it leads elsewhere.
 */
int ckpt_look_up(const char *name, const struct path *path)
{
	struct path found;
	int ret;

	ret = kern_path(name, 0, &found);
	if (ret)
		return ret;
	if (!same_inode(d_inode(found.dentry), d_inode(path->dentry)) ||
	    !same_restrictions(found.mnt, path->mnt))
		ret = -ESTALE;
	path_put(&found);
	return ret;
}

/* The same dentry, seen through another mount of its filesystem. */
static char *other_name(struct ckpt_ctx *ctx, const struct path *path)
{
	struct path other = { .dentry = path->dentry };
	char *name = NULL;
	u64 id = 0;

	while (!name && (other.mnt = mnt_next_of_sb(path->dentry->d_sb, &id))) {
		if (is_subdir(path->dentry, other.mnt->mnt_root))
			name = ckpt_d_path(&other, ctx->path_buf);
		if (name && ckpt_look_up(name, path))
			name = NULL;
		mntput(other.mnt);
	}
	return name;
}

static int no_name(struct ckpt_ctx *ctx, const struct path *path, const char *what, int why)
{
	const struct mnt_namespace *ns = READ_ONCE(real_mount(path->mnt)->mnt_ns);

	ckpt_name_for_messages(ctx, path);
	if (path->mnt->mnt_flags & MNT_INTERNAL)
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "%s that never had a name: not supported",
				     what);
	if (!ns)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"is on a mount that is gone (umount -l), and no other mount leads to it");
	if (ns != current->nsproxy->mnt_ns)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "was opened in another mount namespace: not supported");
	if (!ckpt_d_path(path, ctx->path_buf)) {
		ckpt_name_for_messages(ctx, path);
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "is outside the root of the caller");
	}
	ckpt_name_for_messages(ctx, path);
	if (why == -ESTALE || why == -ENOENT || why == -ENOTDIR)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"its name does not lead to it: something is mounted over it, and no other mount does");
	return ckpt_obstacle(ctx, why, "cannot be found by its name (error %d)", why);
}

/**
 * ckpt_find_name_below - a name by which a restart finds an inode
 * @ctx:	the checkpoint
 * @path:	how it was opened
 * @what:	it is, for messages
 * @name:	the name, in ctx->path_buf
 * @buf:	NULL, or PATH_MAX bytes for @below
 * @below:	NULL, or the name below @name, if something is mounted over it
 *
 * The name it was opened by, as renames have left it, if it leads there; else
 * through any other mount that restricts no less and no more; else, if the
 * caller can make use of that, below what hides it.
 *
 * Return: 0; 1 if it has been unlinked, then @name is the last it had; or a
 * negative error, which has been logged. In a dry run, @name may be NULL.
 */
int ckpt_find_name_below(struct ckpt_ctx *ctx, const struct path *path, const char *what,
			 const char **name, char *buf, const char **below)
{
	const char *own = NULL;
	int ret = -ESTALE;

	*name = NULL;
	if (!(path->mnt->mnt_flags & MNT_INTERNAL)) {
		own = ckpt_d_path(path, ctx->path_buf);
		if (own)
			ret = ckpt_look_up(own, path);
		if (ret && !d_unlinked(path->dentry)) {
			const char *other = other_name(ctx, path);

			if (other || (buf && ckpt_find_hidden(ctx, path, buf, &other, below))) {
				own = other;
				ret = 0;
			}
		}
	}
	if (own && !ret) {
		*name = own;
	} else if (own && d_unlinked(path->dentry)) {
		*name = own;
		ret = 1;
	} else {
		ret = no_name(ctx, path, what, ret);
	}
	if (*name)
		ctx->where.path = *name;
	return ret;
}

/* The same, for who has no use for what is hidden. */
int ckpt_find_name(struct ckpt_ctx *ctx, const struct path *path, const char *what,
		   const char **name)
{
	return ckpt_find_name_below(ctx, path, what, name, NULL, NULL);
}
