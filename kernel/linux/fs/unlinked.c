// SPDX-License-Identifier: GPL-2.0
/*
 * Open files that have no name any more: which way they go into an image.
 *
 * A name that is given to the inode costs nothing, whatever the size, and keeps
 * it what it is; it needs ->relink, and the filesystem at the restart. A copy of
 * the contents needs neither, and makes another inode.
 */
#include <linux/checkpoint_files.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/string.h>

/* Its contents are written before the FILE that needs them. */
static int checkpoint_copied(struct ckpt_ctx *ctx, struct file *file, struct ckpt_file *rec,
			     const char *last_name)
{
	const struct path *path = file_user_path(file);
	int ret;

	if (rec->kind != CKPT_FILE_PATH)
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "has no name, and cannot be copied");
	/* One of the tree's own is filled before it is made read-only. */
	if (__mnt_is_readonly(path->mnt) && !ckpt_is_own_tmpfs(ctx, path->dentry->d_sb))
		return ckpt_obstacle(ctx, -EROFS,
				     "has no name, and its mount is read-only: no copy could be made there");
	rec->kind = CKPT_FILE_COPIED;
	ret = checkpoint_contents(ctx, file, rec, last_name, &rec->contents);
	if (ret || ckpt_dryrun(ctx))
		return ret;
	return ckpt_file_write(ctx, ckpt_file_objref(ctx, file), rec, "", last_name);
}

/* Who finds a file by another of its names means the same one: a copy would not be that. */
static int checkpoint_by_other_name(struct ckpt_ctx *ctx, struct file *file,
				    struct ckpt_file *rec, const char *last_name,
				    const char *why)
{
	const struct path *path = file_user_path(file);
	char *own_buf = ctx->path_buf;
	const char *name = NULL;
	int ret = 0;

	if (d_inode(path->dentry)->i_nlink && !d_is_dir(path->dentry) &&
	    rec->kind == CKPT_FILE_PATH) {
		/* The names are of one file, and needed both. */
		ctx->path_buf = kmalloc(PATH_MAX, GFP_KERNEL);
		ret = ctx->path_buf ? ckpt_find_other_name(ctx, path, &name) : -ENOMEM;
	}
	if (name) {
		rec->kind = CKPT_FILE_OTHER_NAME;
		ret = ckpt_file_write(ctx, ckpt_file_objref(ctx, file), rec, name, last_name);
	}
	if (ctx->path_buf != own_buf)
		kfree(ctx->path_buf);
	ctx->path_buf = own_buf;
	if (name || ret == -ENOMEM)
		return ret;
	/* What is on a lower layer has as many names as there, each an inode of its own. */
	if (!ret || path->dentry->d_sb->s_magic == OVERLAYFS_SUPER_MAGIC)
		return checkpoint_copied(ctx, file, rec, last_name);
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
		"has lost this name, and another one cannot be found: a copy would be another file; %s",
		why ?: "do without --unlinked=copy");
}

/**
 * checkpoint_unlinked - write an open file that has no name any more
 * @ctx:	the checkpoint
 * @file:	the file
 * @rec:	its description
 * @last_name:	the name it had
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_unlinked(struct ckpt_ctx *ctx, struct file *file, struct ckpt_file *rec,
			const char *last_name)
{
	struct dentry *dentry = file_user_path(file)->dentry;
	const char *path = NULL, *why;
	int ret;

	/* A filesystem of the tree's own ends with it. */
	if (ckpt_is_own_tmpfs(ctx, d_inode(dentry)->i_sb))
		return checkpoint_copied(ctx, file, rec, last_name);
	if (ctx->flags & CHECKPOINT_UNLINKED_COPY)
		return checkpoint_by_other_name(ctx, file, rec, last_name, NULL);
	ret = ckpt_try_relink(ctx, dentry, &path, &why);
	/* There is nothing in a removed directory that could be large. */
	if (ret && !ctx->error &&
	    (ctx->flags & CHECKPOINT_UNLINKED_AUTO || d_is_dir(dentry))) {
		if (!ckpt_dryrun(ctx))
			ckpt_note(ctx, "will be another inode: no name on %s: %s (error %d)",
				  d_inode(dentry)->i_sb->s_type->name, why, ret);
		return checkpoint_by_other_name(ctx, file, rec, last_name, why);
	}
	if (ret)
		return ckpt_obstacle(ctx, ret,
			"has no name, and cannot be given one on %s: %s (error %d); --unlinked=copy would put its contents into the image",
			d_inode(dentry)->i_sb->s_type->name, why, ret);
	if (!path)
		return 0;
	if (rec->kind == CKPT_FILE_PATH)
		rec->kind = CKPT_FILE_RELINKED;
	rec->flags |= CKPT_FILE_NAME_GIVEN;
	return ckpt_file_write(ctx, ckpt_file_objref(ctx, file), rec, path, last_name);
}

/**
 * ckpt_find_parent - the directory a name is in
 * @name:	absolute; not changed, in the end
 * @dir:	the directory
 *
 * Return: 0 or a negative error.
 */
int ckpt_find_parent(char *name, struct path *dir)
{
	char *slash = strrchr(name, '/');
	int ret;

	if (name[0] != '/')
		return -EINVAL;
	*slash = '\0';
	ret = kern_path(slash == name ? "/" : name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, dir);
	*slash = '/';
	return ret;
}

/**
 * ckpt_make_alias - have an inode look as if it had been unlinked in its place
 * @path:	the inode, under whatever name
 * @last_name:	absolute: the name it had when it had one
 * @alias:	a path without a name, which says that it was called so
 *
 * Return: 0, or a negative error if there is no such place any more.
 */
int ckpt_make_alias(const struct path *path, const char *last_name, struct path *alias)
{
	struct inode *inode = d_inode(path->dentry);
	const char *slash = strrchr(last_name, '/');
	struct qstr name = {};
	struct path dir;
	char *copy;
	int ret;

	if (slash) {
		name.name = slash + 1;
		name.len = strlen(name.name);
	}
	if (!name.len || name.len > NAME_MAX)
		return -EINVAL;
	/* On overlayfs a dentry knows more than its inode. */
	if (path->dentry->d_flags & DCACHE_OP_REAL)
		return -EOPNOTSUPP;
	copy = kstrdup(last_name, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	ret = ckpt_find_parent(copy, &dir);
	kfree(copy);
	if (ret)
		return ret;
	alias->dentry = NULL;
	if (dir.dentry->d_sb == inode->i_sb)
		alias->dentry = d_alloc(dir.dentry, &name);
	if (alias->dentry) {
		ihold(inode);
		d_instantiate(alias->dentry, inode);
		alias->mnt = mntget(dir.mnt);
	}
	path_put(&dir);
	return alias->dentry ? 0 : -EXDEV;
}

/**
 * ckpt_use_alias - have an inode look as if it had been unlinked in its place
 * @path:	the inode, under whatever name; becomes the alias
 * @last_name:	the name it had
 *
 * If there is no such place any more, @path stays as it is.
 */
void ckpt_use_alias(struct path *path, const char *last_name)
{
	struct path alias;

	if (ckpt_make_alias(path, last_name, &alias))
		return;
	path_put(path);
	*path = alias;
}
