// SPDX-License-Identifier: GPL-2.0
/*
 * Names of files and directories: under which name will a restart find the
 * very same inode, with no fewer restrictions than the open file has?
 */
#include <linux/checkpoint_files.h>
#include <linux/dcache.h>
#include <linux/file.h>
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

#define MAX_ALIASES	8

/* Of the names that are in memory; @nr_given: of those, how many checkpoints have given. */
static const char *name_in_memory(struct ckpt_ctx *ctx, const struct path *path,
				  unsigned int *nr_given)
{
	struct inode *inode = d_inode(path->dentry);
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
	*nr_given = 0;
	for (i = 0; i < nr; i++) {
		struct path other = { .mnt = path->mnt, .dentry = aliases[i] };
		struct name_snapshot snapshot;

		take_dentry_name_snapshot(&snapshot, aliases[i]);
		if (ckpt_is_given_name(snapshot.name.name))
			(*nr_given)++;
		else if (!name)
			name = other_name(ctx, &other);
		release_dentry_name_snapshot(&snapshot);
		dput(aliases[i]);
	}
	return name;
}

struct ckpt_entry {
	struct dir_context ctx;
	u64 ino;
	unsigned int len;
	char name[NAME_MAX + 1];
};

static bool is_entry(struct dir_context *ctx, const char *name, int len, loff_t pos, u64 ino,
		     unsigned int type)
{
	struct ckpt_entry *entry = container_of(ctx, struct ckpt_entry, ctx);

	if (ino != entry->ino || len > NAME_MAX)
		return true;
	memcpy(entry->name, name, len);
	entry->name[len] = '\0';
	if (ckpt_is_given_name(entry->name))
		return true;
	entry->len = len;
	return false;
}

/* A name in the directory where the one was that has gone; held, so that it stays in memory. */
static struct dentry *look_beside(const struct path *path)
{
	struct path dir = { .mnt = path->mnt, .dentry = dget_parent(path->dentry) };
	struct ckpt_entry entry = {
		.ctx.actor = is_entry, .ino = d_inode(path->dentry)->i_ino,
	};
	struct dentry *found = NULL;
	struct file *file;

	file = path_permission(&dir, MAY_READ) ? NULL :
	       dentry_open(&dir, O_RDONLY | O_DIRECTORY | O_LARGEFILE | O_NOATIME |
			   __FMODE_NONOTIFY, current_cred());
	if (!IS_ERR_OR_NULL(file)) {
		iterate_dir(file, &entry.ctx);
		fput(file);
	}
	if (entry.len)
		found = lookup_one_unlocked(mnt_idmap(dir.mnt), entry.name, dir.dentry, entry.len);
	dput(dir.dentry);
	return IS_ERR(found) ? NULL : found;
}

/**
 * ckpt_find_other_name - another name of a file, one of whose names has been unlinked
 * @ctx:	the checkpoint
 * @path:	how it was opened
 * @name:	the name, in ctx->path_buf; or NULL
 *
 * Return: 0; -ENOENT if it has another one, which is not found.
 */
int ckpt_find_other_name(struct ckpt_ctx *ctx, const struct path *path, const char **name)
{
	unsigned int nr_given;
	struct dentry *found;

	*name = name_in_memory(ctx, path, &nr_given);
	if (*name || d_inode(path->dentry)->i_nlink <= nr_given)
		return 0;
	found = look_beside(path);
	if (found)
		*name = name_in_memory(ctx, path, &nr_given);
	dput(found);
	return *name ? 0 : -ENOENT;
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
