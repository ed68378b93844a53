// SPDX-License-Identifier: GPL-2.0
/*
 * Names for files that have none.
 *
 * A file that was unlinked while it was open lives on until it is closed. A
 * checkpoint gives it a name again, in a directory that the caller sets aside;
 * a restart finds it by that name and takes the name away.
 */
#include <linux/checkpoint_files.h>
#include <linux/cred.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/relink.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>

#define RELINK_PREFIX		".ckpt-"
/* Prefix, image id, "-", a number. */
#define RELINK_NAME_BYTES	(sizeof(RELINK_PREFIX) + 2 * CKPT_ID_BYTES + 11)

/**
 * struct ckpt_relinked - a name that was given, or is to be taken away
 * @list:	in ctx->relinked
 * @dir:	the directory it is in
 * @inode:	what it is a name of
 * @linkable:	O_TMPFILE, and may be linked once; restart only
 * @name:	the last component of the name
 * @full:	the whole of it; checkpoint only
 */
struct ckpt_relinked {
	struct list_head list;
	struct path dir;
	struct inode *inode;
	bool linkable;
	char *full;
	char name[RELINK_NAME_BYTES];
};

static struct ckpt_relinked *relinked_add(struct ckpt_ctx *ctx, const struct path *dir,
					  struct inode *inode, const char *name)
{
	struct ckpt_relinked *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);

	if (!r)
		return NULL;
	r->dir = *dir;
	path_get(&r->dir);
	r->inode = inode;
	ihold(inode);
	strscpy(r->name, name);
	list_add_tail(&r->list, &ctx->relinked);
	return r;
}

static void relinked_free(struct ckpt_relinked *r)
{
	list_del(&r->list);
	path_put(&r->dir);
	iput(r->inode);
	kfree(r->full);
	kfree(r);
}

static struct ckpt_relinked *find_relinked(struct ckpt_ctx *ctx, const struct inode *inode)
{
	struct ckpt_relinked *r;

	list_for_each_entry(r, &ctx->relinked, list)
		if (r->inode == inode)
			return r;
	return NULL;
}

/* Nobody but the caller may put names in there, or take them away. */
static bool dir_is_private(const struct path *dir)
{
	const struct inode *inode = d_inode(dir->dentry);

	return !(inode->i_mode & 077) &&
	       vfsuid_eq_kuid(i_uid_into_vfsuid(mnt_idmap(dir->mnt), inode), current_fsuid());
}

/*
 * A name that nobody can foretell: it holds the id of the image, which is
 * random and not known before. So it can be told which image it is for.
 */
static void choose_name(struct ckpt_ctx *ctx, char name[RELINK_NAME_BYTES])
{
	snprintf(name, RELINK_NAME_BYTES, RELINK_PREFIX "%*phN-%u", CKPT_ID_BYTES,
		 ctx->header.image_id, ctx->nr_names++);
}

static char *full_name(const struct path *dir, const char *name)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	const char *dir_name;
	char *full = NULL;

	if (!buf)
		return ERR_PTR(-ENOMEM);
	dir_name = ckpt_dir_name(dir, buf);
	if (dir_name && strlen(dir_name) + 1 + strlen(name) < PATH_MAX)
		full = kasprintf(GFP_KERNEL, "%s/%s", strcmp(dir_name, "/") ? dir_name : "",
				 name);
	else
		full = ERR_PTR(-ENAMETOOLONG);
	kfree(buf);
	return full ?: ERR_PTR(-ENOMEM);
}

static int give_name(const struct path *dir, struct dentry *old, const char *name)
{
	struct inode *inode = d_inode(dir->dentry);
	struct dentry *dentry;
	int ret;

	ret = mnt_want_write(dir->mnt);
	if (ret)
		return ret;
	inode_lock_nested(inode, I_MUTEX_PARENT);
	dentry = lookup_one(mnt_idmap(dir->mnt), name, dir->dentry, strlen(name));
	ret = PTR_ERR_OR_ZERO(dentry);
	if (!ret) {
		/* What link(2) asks of the path; the inodes come into it below. */
		ret = security_path_link(old, dir, dentry) ?:
		      vfs_relink(old, mnt_idmap(dir->mnt), inode, dentry);
		dput(dentry);
	}
	inode_unlock(inode);
	mnt_drop_write(dir->mnt);
	return ret;
}

static int take_name(const struct ckpt_relinked *r)
{
	struct inode *dir = d_inode(r->dir.dentry);
	struct mnt_idmap *idmap = mnt_idmap(r->dir.mnt);
	struct dentry *dentry;
	int ret;

	ret = mnt_want_write(r->dir.mnt);
	if (ret)
		return ret;
	inode_lock_nested(dir, I_MUTEX_PARENT);
	dentry = lookup_one(idmap, r->name, r->dir.dentry, strlen(r->name));
	ret = PTR_ERR_OR_ZERO(dentry);
	if (!ret) {
		ret = d_is_negative(dentry) ? -ENOENT :
		      d_inode(dentry) != r->inode ? -ESTALE :
		      d_is_dir(dentry) ? security_path_rmdir(&r->dir, dentry) :
		      security_path_unlink(&r->dir, dentry);
		ret = ret ?: vfs_unrelink(idmap, dir, dentry);
		dput(dentry);
	}
	inode_unlock(dir);
	mnt_drop_write(r->dir.mnt);
	return ret;
}

/**
 * ckpt_is_given_name - is this a name that a checkpoint gives?
 * @name:	the last component
 *
 * Return: whether it is.
 */
bool ckpt_is_given_name(const char *name)
{
	return strstarts(name, RELINK_PREFIX);
}

static int add_name(struct ckpt_ctx *ctx, const struct path *dir, struct dentry *old,
		    const char **path)
{
	char name[RELINK_NAME_BYTES];
	struct ckpt_relinked *r;
	char *full;
	int ret;

	choose_name(ctx, name);
	full = full_name(dir, name);
	if (IS_ERR(full))
		return PTR_ERR(full);
	r = relinked_add(ctx, dir, d_inode(old), name);
	if (!r) {
		kfree(full);
		return -ENOMEM;
	}
	r->full = full;
	ret = give_name(dir, old, name);
	if (ret) {
		relinked_free(r);
		return ret;
	}
	ctx->stats.relinked++;
	*path = full;
	return 0;
}

/* What a dry run can say without doing it. */
static int could_add_name(const struct path *dir, const struct inode *inode)
{
	if (__mnt_is_readonly(dir->mnt))
		return -EROFS;
	return vfs_may_relink(mnt_idmap(dir->mnt), inode);
}

static const char *relink_problem(int err)
{
	switch (err) {
	case -ENOENT:
		return "no relink directory was given on its filesystem; use --relink-dir";
	case -ENOTDIR:
		return "the relink directory there must be the caller's own, with mode 0700";
	case -EOPNOTSUPP:
		return "its filesystem cannot give it another";
	case -EROFS:
		return "the relink directory is on a read-only mount";
	case -EACCES:
		return "not the caller's (CAP_DAC_READ_SEARCH), or a security module forbids it";
	case -EPERM:
		return "it is append-only or immutable, or its owner is not known here";
	case -EXDEV:
		return "of another subvolume or project, or a security module forbids it";
	case -EDQUOT:
		return "the quota for the relink directory is used up";
	case -ENOSPC:
		return "its filesystem is full";
	case -EMLINK:
		return "it has as many names as its filesystem allows";
	case -ENAMETOOLONG:
		return "the relink directory has no name that a restart could use";
	}
	return "relink failed";
}

/**
 * ckpt_try_relink - give an unlinked file a name
 * @ctx:	the checkpoint
 * @old:	an alias of its inode, which somebody holds: an open file, a watch
 * @path:	the name, which @ctx owns. NULL in a dry run.
 * @why:	if it cannot be given: in words
 *
 * All who hold an inode get the same name.
 *
 * Return: 0 or a negative error, which has not been logged. With
 * CHECKPOINT_RELINK_ASK, -EXDEV if no directory was given for its filesystem:
 * this ends the checkpoint, and nothing is logged of it.
 */
int ckpt_try_relink(struct ckpt_ctx *ctx, struct dentry *old, const char **path,
		    const char **why)
{
	struct inode *inode = d_inode(old);
	struct ckpt_relinked *r = find_relinked(ctx, inode);
	int ret = -ENOENT;
	bool asked = false;
	unsigned int i;

	*path = r ? r->full : NULL;
	if (r)
		return 0;
	for (i = 0; i < ctx->nr_relink_dirs; i++) {
		const struct path *dir = &ctx->relink_dirs[i];

		if (dir->dentry->d_sb != inode->i_sb)
			continue;
		asked = true;
		if (!dir_is_private(dir))
			ret = -ENOTDIR;
		else if (!inode->i_nlink && !d_inode(dir->dentry)->i_op->relink)
			ret = -EOPNOTSUPP;
		else if (ckpt_dryrun(ctx))
			ret = could_add_name(dir, inode);
		else
			ret = add_name(ctx, dir, old, path);
		if (!ret)
			return 0;
	}
	if (!asked && ctx->flags & CHECKPOINT_RELINK_ASK) {
		ret = -EXDEV;
		ctx->error = ctx->error ?: ret;
	}
	*why = relink_problem(ret);
	return ret;
}

/**
 * checkpoint_relink - give an unlinked file a name, or say why not
 * @ctx:	the checkpoint
 * @old:	an alias of its inode, which somebody holds: an open file, a watch
 * @path:	the name, which @ctx owns. NULL in a dry run.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_relink(struct ckpt_ctx *ctx, struct dentry *old, const char **path)
{
	const char *why;
	int ret;

	ret = ckpt_try_relink(ctx, old, path, &why);
	if (!ret)
		return 0;
	return ckpt_obstacle(ctx, ret,
			     "has no name, and cannot be given one on %s: %s (error %d)",
			     d_inode(old)->i_sb->s_type->name, why, ret);
}

/**
 * ckpt_relink_rollback - take back all names that were given
 * @ctx:	the checkpoint
 */
void ckpt_relink_rollback(struct ckpt_ctx *ctx)
{
	struct ckpt_relinked *r, *tmp;

	list_for_each_entry_safe(r, tmp, &ctx->relinked, list) {
		int ret = take_name(r);

		if (ret)
			ckpt_note(ctx, "%s is left behind (error %d): remove it", r->full, ret);
		relinked_free(r);
	}
}

/**
 * ckpt_relink_keep - forget the names that were given or found; they stay
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
	const char *name = path->dentry->d_name.name;
	struct ckpt_relinked *r = find_relinked(ctx, inode);
	struct path dir;
	int ret = 0;

	dir.mnt = path->mnt;
	dir.dentry = dget_parent(path->dentry);
	if (!ckpt_is_given_name(name) || strlen(name) >= RELINK_NAME_BYTES)
		ret = ckpt_err(ctx, -EPERM, "is not the name of a relinked file");
	else if (!dir_is_private(&dir))
		ret = ckpt_err(ctx, -EPERM,
			       "is not in a directory of the caller's own, with mode 0700");
	if (!ret && !r) {
		r = relinked_add(ctx, &dir, inode, name);
		ret = r ? 0 : -ENOMEM;
	}
	if (!ret)
		r->linkable |= linkable;
	dput(dir.dentry);
	return ret;
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
		ret = ctx->flags & RESTART_KEEP_RELINKED ? 0 : take_name(r);
		if (ret)
			return ckpt_err(ctx, ret, "cannot unlink relinked file %s (error %d)",
					r->name, ret);
		if (r->linkable) {
			spin_lock(&r->inode->i_lock);
			r->inode->i_state |= I_LINKABLE;
			spin_unlock(&r->inode->i_lock);
		}
		relinked_free(r);
	}
	return 0;
}
