// SPDX-License-Identifier: GPL-2.0
/*
 * Where an inode of overlayfs is, when none of its dentries is in memory: it
 * holds a dentry of the layer it is on, and that knows its place, or those of
 * its other links do.
 */
#include <linux/checkpoint_files.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/path.h>
#include <linux/xattr.h>

#include "overlayfs.h"

/**
 * ovl_path_of_inode - where an inode is in its layer
 * @inode:	of overlayfs
 * @buf:	PATH_MAX bytes
 *
 * It is in the same place of the overlay, unless a directory above it on a
 * lower layer was renamed: whoever goes there must look.
 *
 * Return: the path from the root of the layer, or NULL.
 */
char *ovl_path_of_inode(struct inode *inode, char *buf)
{
	struct inode *real_inode;
	struct path real, root;
	char *path = NULL;

	real_inode = ovl_i_path_real(inode, &real);
	if (!real_inode)
		return NULL;
	root.mnt = real.mnt;
	root.dentry = real.mnt->mnt_root;
	real.dentry = d_find_alias(real_inode);
	if (real.dentry && !d_unlinked(real.dentry))
		path = __d_path(&real, &root, buf, PATH_MAX);
	dput(real.dentry);
	return IS_ERR(path) ? NULL : path;
}
