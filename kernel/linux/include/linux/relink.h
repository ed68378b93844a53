/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names for inodes that have none: what is beside vfs_relink() in fs.h.
 */
#ifndef _LINUX_RELINK_H
#define _LINUX_RELINK_H

struct dentry;
struct inode;
struct mnt_idmap;

int vfs_may_relink(struct mnt_idmap *idmap, const struct inode *inode);
int vfs_unrelink(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry);

#endif /* _LINUX_RELINK_H */
