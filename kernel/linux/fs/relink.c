// SPDX-License-Identifier: GPL-2.0
/*
 * Names for files that have none.
 *
 * A file that was unlinked while it was open lives on until it is closed. A
 * checkpoint gives it a name again, in a directory that the caller sets aside;
 * a restart opens it by that name and takes the name away.
 */
#include <linux/checkpoint_internal.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#define RELINK_PREFIX		".ckpt-"
#define RELINK_RANDOM_BYTES	16
#define RELINK_NAME_BYTES	(sizeof(RELINK_PREFIX) + 2 * RELINK_RANDOM_BYTES)

/**
 * struct ckpt_relinked - a name that was given, or is to be taken away
 * @list:	in ctx->relinked
 * @path:	the name
 * @name:	the same as text; checkpoint only
 */
struct ckpt_relinked {
	struct list_head list;
	struct path path;
	char *name;
};

static void relinked_free(struct ckpt_relinked *r)
{
	list_del(&r->list);
	path_put(&r->path);
	kfree(r->name);
	kfree(r);
}

/* Nobody but the caller may put names in there, or take them away. */
static bool dir_is_private(const struct path *dir)
{
	const struct inode *inode = d_inode(dir->dentry);

	return !(inode->i_mode & 077) &&
	       vfsuid_eq_kuid(i_uid_into_vfsuid(mnt_idmap(dir->mnt), inode), current_fsuid());
}

static const struct path *find_dir(struct ckpt_ctx *ctx, const struct super_block *sb)
{
	unsigned int i;

	for (i = 0; i < ctx->nr_relink_dirs; i++)
		if (ctx->relink_dirs[i].dentry->d_sb == sb)
			return &ctx->relink_dirs[i];
	return NULL;
}

static struct ckpt_relinked *find_relinked(struct ckpt_ctx *ctx, const struct inode *inode)
{
	struct ckpt_relinked *r;

	list_for_each_entry(r, &ctx->relinked, list)
		if (d_inode(r->path.dentry) == inode)
			return r;
	return NULL;
}

static char *full_name(const struct path *dir, const char *name)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	const char *dir_name;
	char *full = NULL;

	if (!buf)
		return ERR_PTR(-ENOMEM);
	dir_name = ckpt_d_path(dir, buf);
	if (dir_name && strlen(dir_name) + 1 + strlen(name) < PATH_MAX)
		full = kasprintf(GFP_KERNEL, "%s/%s", strcmp(dir_name, "/") ? dir_name : "",
				 name);
	else
		full = ERR_PTR(-ENAMETOOLONG);
	kfree(buf);
	return full ?: ERR_PTR(-ENOMEM);
}

static struct dentry *relink(const struct path *dir, struct dentry *old, const char *name)
{
	struct inode *inode = d_inode(dir->dentry);
	struct dentry *dentry;
	int ret;

	ret = mnt_want_write(dir->mnt);
	if (ret)
		return ERR_PTR(ret);
	inode_lock_nested(inode, I_MUTEX_PARENT);
	dentry = lookup_one_len(name, dir->dentry, strlen(name));
	if (!IS_ERR(dentry)) {
		ret = vfs_relink(old, mnt_idmap(dir->mnt), inode, dentry);
		if (ret) {
			dput(dentry);
			dentry = ERR_PTR(ret);
		}
	}
	inode_unlock(inode);
	mnt_drop_write(dir->mnt);
	return dentry;
}

static int add_relinked(struct ckpt_ctx *ctx, const struct path *dir, struct dentry *old,
			const char **path)
{
	u8 random[RELINK_RANDOM_BYTES];
	char name[RELINK_NAME_BYTES];
	struct ckpt_relinked *r;
	struct dentry *dentry;

	get_random_bytes(random, sizeof(random));
	snprintf(name, sizeof(name), RELINK_PREFIX "%*phN", RELINK_RANDOM_BYTES, random);
	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	r->name = full_name(dir, name);
	if (IS_ERR(r->name)) {
		int ret = PTR_ERR(r->name);

		kfree(r);
		return ckpt_err(ctx, ret,
				"the relink directory has no name that a restart could use");
	}
	dentry = relink(dir, old, name);
	if (IS_ERR(dentry)) {
		kfree(r->name);
		kfree(r);
		return ckpt_err(ctx, PTR_ERR(dentry), "cannot be relinked (error %ld)",
				PTR_ERR(dentry));
	}
	r->path.mnt = mntget(dir->mnt);
	r->path.dentry = dentry;
	list_add_tail(&r->list, &ctx->relinked);
	ctx->stats.relinked++;
	*path = r->name;
	return 0;
}

/**
 * checkpoint_relink - give an unlinked file a name
 * @ctx:	the checkpoint
 * @old:	an alias of its inode, which somebody holds: an open file, a watch
 * @path:	the name, which @ctx owns. NULL in a dry run.
 *
 * All who hold an inode get the same name.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_relink(struct ckpt_ctx *ctx, struct dentry *old, const char **path)
{
	struct inode *inode = d_inode(old);
	struct ckpt_relinked *r;
	const struct path *dir;

	*path = NULL;
	if (d_is_dir(old))
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "a removed directory: not supported");
	if (!d_is_reg(old))
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "a removed special file: not supported");
	r = find_relinked(ctx, inode);
	if (r) {
		*path = r->name;
		return 0;
	}
	dir = find_dir(ctx, inode->i_sb);
	if (!dir)
		return ckpt_obstacle(ctx, -ENOENT,
			"has no name and no relink directory was given on its filesystem; use --relink-dir");
	if (!dir_is_private(dir))
		return ckpt_obstacle(ctx, -EPERM,
			"the relink directory on its filesystem must be the caller's own, with mode 0700");
	if (!inode->i_nlink && !d_inode(dir->dentry)->i_op->relink)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"has no name, and its filesystem (%s) cannot give it another",
			inode->i_sb->s_type->name);
	if (ckpt_dryrun(ctx))
		return 0;
	return add_relinked(ctx, dir, old, path);
}

static int unlink_relinked(const struct path *path)
{
	struct dentry *dentry = path->dentry;
	struct dentry *parent;
	struct inode *dir;
	int ret;

	ret = mnt_want_write(path->mnt);
	if (ret)
		return ret;
	parent = dget_parent(dentry);
	dir = d_inode(parent);
	inode_lock_nested(dir, I_MUTEX_PARENT);
	if (dentry->d_parent == parent && !d_unhashed(dentry) && d_is_positive(dentry))
		ret = vfs_unlink(mnt_idmap(path->mnt), dir, dentry, NULL);
	inode_unlock(dir);
	dput(parent);
	mnt_drop_write(path->mnt);
	return ret;
}

/**
 * ckpt_relink_rollback - take back all names that were given
 * @ctx:	the checkpoint
 */
void ckpt_relink_rollback(struct ckpt_ctx *ctx)
{
	struct ckpt_relinked *r, *tmp;

	list_for_each_entry_safe(r, tmp, &ctx->relinked, list) {
		int ret = unlink_relinked(&r->path);

		if (ret)
			ckpt_note(ctx, "%s is left behind (error %d): remove it", r->name, ret);
		relinked_free(r);
	}
}

/**
 * ckpt_relink_keep - forget the names that were given or opened; they stay
 * @ctx:	the checkpoint or restart
 */
void ckpt_relink_keep(struct ckpt_ctx *ctx)
{
	struct ckpt_relinked *r, *tmp;

	list_for_each_entry_safe(r, tmp, &ctx->relinked, list)
		relinked_free(r);
}

/**
 * restore_relinked - a file was found by a name that a checkpoint gave it
 * @ctx:	the restart
 * @path:	the name
 * @linkable:	it was made by O_TMPFILE, and may be linked once
 *
 * Others may still have to be found by the same name, and the restart may
 * fail: restore_unlink() takes the name away.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_relinked(struct ckpt_ctx *ctx, const struct path *path, bool linkable)
{
	struct inode *inode = d_inode(path->dentry);
	struct ckpt_relinked *r;
	struct path dir;
	bool private;

	dir.mnt = path->mnt;
	dir.dentry = dget_parent(path->dentry);
	private = dir_is_private(&dir);
	dput(dir.dentry);
	if (!private || !strstarts(path->dentry->d_name.name, RELINK_PREFIX))
		return ckpt_err(ctx, -EPERM,
			"is not the name of a relinked file in a directory of the caller's own, with mode 0700");
	if (ctx->flags & RESTART_KEEP_RELINKED)
		return 0;
	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	r->path = *path;
	path_get(&r->path);
	list_add_tail(&r->list, &ctx->relinked);
	if (linkable) {
		spin_lock(&inode->i_lock);
		inode->i_state |= I_LINKABLE;
		spin_unlock(&inode->i_lock);
	}
	return 0;
}

/**
 * restore_unlink - take away the names of all relinked files
 * @ctx:	the restart, which has succeeded in all else
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_unlink(struct ckpt_ctx *ctx)
{
	struct ckpt_relinked *r, *tmp;
	int ret;

	list_for_each_entry_safe(r, tmp, &ctx->relinked, list) {
		ret = unlink_relinked(&r->path);
		if (ret)
			return ckpt_err(ctx, ret, "cannot unlink relinked file %pd (error %d)",
					r->path.dentry, ret);
		relinked_free(r);
	}
	return 0;
}
