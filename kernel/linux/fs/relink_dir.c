// SPDX-License-Identifier: GPL-2.0
/*
 * The directory in which unlinked files are given names: made, opened and
 * removed without anybody being told. Whoever watches the directory it is made
 * in would learn of the checkpoint from it.
 */
#include <linux/checkpoint_files.h>
#include <linux/file.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/relink.h>
#include <linux/security.h>
#include <linux/string.h>

static int make(const struct path *parent, struct dentry *dentry)
{
	struct mnt_idmap *idmap = mnt_idmap(parent->mnt);
	struct inode *dir = d_inode(parent->dentry);
	int ret;

	ret = inode_permission(idmap, dir, MAY_WRITE | MAY_EXEC);
	if (ret)
		return ret;
	if (IS_DEADDIR(dir))
		return -ENOENT;
	if (!dir->i_op->mkdir)
		return -EPERM;
	return security_path_mkdir(parent, dentry, 0700) ?:
	       security_inode_mkdir(dir, dentry, 0700) ?:
	       dir->i_op->mkdir(idmap, dir, dentry, 0700);
}

static struct dentry *look_up(const struct path *parent)
{
	return lookup_one(mnt_idmap(parent->mnt), CKPT_RELINK_DIR, parent->dentry,
			  strlen(CKPT_RELINK_DIR));
}

/* The directory, made if need be; or gone, if it was empty. */
static struct dentry *make_or_remove(const struct path *parent, bool remove)
{
	struct mnt_idmap *idmap = mnt_idmap(parent->mnt);
	struct inode *dir = d_inode(parent->dentry);
	struct dentry *dentry;
	int ret = 0;

	inode_lock_nested(dir, I_MUTEX_PARENT);
	dentry = look_up(parent);
	if (!IS_ERR(dentry) && remove) {
		ret = d_is_negative(dentry) ? -ENOENT :
		      !d_is_dir(dentry) ? -ENOTDIR : security_path_rmdir(parent, dentry);
		ret = ret ?: vfs_unrelink(idmap, dir, dentry);
	} else if (!IS_ERR(dentry) && d_is_negative(dentry)) {
		ret = make(parent, dentry);
		/* Not all filesystems put the inode into this dentry. */
		if (!ret && (d_is_negative(dentry) || d_unhashed(dentry))) {
			dput(dentry);
			dentry = look_up(parent);
		}
	}
	inode_unlock(dir);
	if (!ret)
		return dentry;
	dput(dentry);
	return ERR_PTR(ret);
}

static int open_dir(const struct path *parent, struct dentry *dentry)
{
	struct path path = { .mnt = parent->mnt, .dentry = dentry };
	struct file *file;
	int fd;

	if (!d_is_dir(dentry))
		return -ENOTDIR;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = dentry_open(&path, O_RDONLY | O_DIRECTORY | __FMODE_NONOTIFY, current_cred());
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

/**
 * ckpt_relink_dir - make and open, or remove, a directory for unlinked files
 * @parent_fd:	the directory in which it is
 * @remove:	remove it, if it is empty
 *
 * Return: a file descriptor, or 0 if it has been removed; or a negative error.
 */
int ckpt_relink_dir(int parent_fd, bool remove)
{
	struct dentry *dentry;
	struct path parent;
	int ret;

	CLASS(fd_raw, f)(parent_fd);
	if (fd_empty(f))
		return -EBADF;
	parent = fd_file(f)->f_path;
	if (!d_is_dir(parent.dentry))
		return -ENOTDIR;
	ret = mnt_want_write(parent.mnt);
	if (ret)
		return ret;
	dentry = make_or_remove(&parent, remove);
	mnt_drop_write(parent.mnt);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	ret = remove ? 0 : open_dir(&parent, dentry);
	dput(dentry);
	return ret;
}
