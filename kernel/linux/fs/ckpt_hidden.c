// SPDX-License-Identifier: GPL-2.0
/*
 * Files that their name does not lead to, as something has been mounted over them or
 * over a directory above. They are found below the mount that they were opened by:
 * that is seen, and in a private clone of it nothing is mounted over anything.
 */
#include <linux/checkpoint_files.h>
#include <linux/dcache.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/slab.h>

#include "mount.h"

/**
 * ckpt_find_hidden - where a file is that something is mounted over
 * @ctx:	the checkpoint
 * @path:	how it was opened
 * @buf:	PATH_MAX bytes
 * @name:	in ctx->path_buf: where its mount is seen
 * @below:	in @buf: its name below that
 *
 * Return: true if a restart can find it so.
 */
bool ckpt_find_hidden(struct ckpt_ctx *ctx, const struct path *path, char *buf,
		      const char **name, const char **below)
{
	struct path root = { .mnt = path->mnt, .dentry = path->mnt->mnt_root };
	char *in;

	if (d_unlinked(path->dentry) || path->dentry == root.dentry ||
	    READ_ONCE(real_mount(path->mnt)->mnt_ns) != current->nsproxy->mnt_ns)
		return false;
	*name = ckpt_d_path(&root, ctx->path_buf);
	if (!*name || ckpt_look_up(*name, &root))
		return false;
	in = __d_path(path, &root, buf, PATH_MAX);
	if (IS_ERR_OR_NULL(in) || in[0] != '/')
		return false;
	*below = in;
	return true;
}

/**
 * restore_find_hidden - look below a mount, and not at what is mounted there
 * @ctx:	the restart
 * @name:	where the mount is seen
 * @below:	the file's name below that
 * @path:	the file
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_find_hidden(struct ckpt_ctx *ctx, const char *name, const char *below,
			struct path *path)
{
	struct vfsmount *clone;
	struct path top, found;
	int ret;

	if (name[0] != '/' || below[0] != '/')
		return ckpt_err(ctx, -EINVAL, "is not an absolute path");
	ret = kern_path(name, 0, &top);
	if (ret)
		return ckpt_err(ctx, ret, "cannot be found (error %d)", ret);
	/* It refuses what the caller's user namespace is not to look below. */
	clone = clone_private_mount(&top);
	ret = PTR_ERR_OR_ZERO(clone);
	if (!ret) {
		ret = vfs_path_lookup(top.dentry, clone, below + 1,
				      LOOKUP_BENEATH | LOOKUP_NO_SYMLINKS, &found);
		if (!ret) {
			path->mnt = mntget(top.mnt);
			path->dentry = dget(found.dentry);
			path_put(&found);
		}
		kern_unmount(clone);
	}
	path_put(&top);
	return ret ? ckpt_err(ctx, ret, "%s, below what is mounted, cannot be found (error %d)",
			      below, ret) : 0;
}
