// SPDX-License-Identifier: GPL-2.0
/*
 * Is it the same file? What a checkpoint writes down of an inode, and what a
 * restart compares.
 *
 * Device numbers of filesystems change from boot to boot. A filesystem is known
 * by its UUID (ext4, xfs, btrfs, f2fs and tmpfs have one), else by its type. An
 * inode is known by its number, and by its generation where numbers are used
 * again. What the kernel makes up as it goes (procfs, sysfs) is known by name
 * and type, a device node by the device, the root of a hugetlbfs by being that.
 */
#include <linux/checkpoint_files.h>
#include <linux/exportfs.h>
#include <linux/kdev_t.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <linux/statfs.h>
#include <linux/string.h>

/**
 * ckpt_is_made_up - do the files show what the kernel says when they are read?
 * @sb:		their filesystem
 *
 * Return: true if they do.
 */
bool ckpt_is_made_up(const struct super_block *sb)
{
	return sb->s_magic == PROC_SUPER_MAGIC || sb->s_magic == SYSFS_MAGIC ||
	       sb->s_magic == CGROUP2_SUPER_MAGIC || sb->s_magic == CGROUP_SUPER_MAGIC;
}

/* The subvolumes of a btrfs share its UUID; elsewhere there is no need to ask. */
static u64 fsid_of(const struct path *path)
{
	struct kstatfs fs;

	if (path->dentry->d_sb->s_magic != BTRFS_SUPER_MAGIC || vfs_statfs(path, &fs))
		return 0;
	return (u32)fs.f_fsid.val[0] | (u64)(u32)fs.f_fsid.val[1] << 32;
}

/* Filesystems that export handles see to it that it tells inodes apart. */
static u32 generation_of(const struct inode *inode)
{
	return inode->i_sb->s_export_op ? inode->i_generation : 0;
}

/**
 * ckpt_describe_inode - what a restart knows it by, and what fstat(2) says
 * @ctx:	the checkpoint
 * @path:	the file
 * @rec:	what is filled in
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_describe_inode(struct ckpt_ctx *ctx, const struct path *path, struct ckpt_file *rec)
{
	const struct inode *inode = d_inode(path->dentry);
	const struct super_block *sb = inode->i_sb;
	struct kstat st;
	int ret;

	ret = vfs_getattr_nosec(path, &st, STATX_BASIC_STATS, 0);
	if (ret)
		return ckpt_err(ctx, ret, "cannot be looked at (error %d)", ret);
	rec->mode = st.mode;
	rec->ino = st.ino;
	rec->dev = new_encode_dev(st.dev);
	rec->rdev = new_encode_dev(st.rdev);
	rec->size = st.size;
	rec->blocks = st.blocks;
	rec->atime_ns = timespec64_to_ns(&st.atime);
	rec->mtime_ns = timespec64_to_ns(&st.mtime);
	rec->ctime_ns = timespec64_to_ns(&st.ctime);
	rec->nlink = st.nlink;
	rec->rw_hint = inode->i_write_hint;
	rec->fs_magic = sb->s_magic;
	BUILD_BUG_ON(sizeof(sb->s_uuid) != CKPT_UUID_BYTES);
	memcpy(rec->fs_uuid, &sb->s_uuid, CKPT_UUID_BYTES);
	rec->generation = generation_of(inode);
	rec->fsid = fsid_of(path);
	return 0;
}

static int check_filesystem(struct ckpt_ctx *ctx, const struct ckpt_file *f,
			    const struct path *path)
{
	const struct super_block *sb = path->dentry->d_sb;

	if ((u32)sb->s_magic != f->fs_magic)
		return ckpt_err(ctx, -ESTALE,
			"is on a filesystem of another type now (0x%lx, was 0x%x)",
			sb->s_magic, f->fs_magic);
	/* That of cgroup2 and sysfs is another with each boot. */
	if (!ckpt_is_made_up(sb) && memcmp(&sb->s_uuid, f->fs_uuid, CKPT_UUID_BYTES))
		return ckpt_err(ctx, -ESTALE,
			"is on another filesystem now (UUID %pUb, was %pUb); --check=type accepts it",
			&sb->s_uuid, f->fs_uuid);
	if (fsid_of(path) != f->fsid)
		return ckpt_err(ctx, -ESTALE, "is in another subvolume now");
	return 0;
}

static int check_contents(struct ckpt_ctx *ctx, const struct ckpt_file *f, struct kstat *st)
{
	s64 mtime = timespec64_to_ns(&st->mtime);

	if (st->size != f->size)
		return ckpt_err(ctx, -ESTALE, "has changed: it has %lld bytes now, had %llu",
				st->size, f->size);
	if (mtime != f->mtime_ns)
		return ckpt_err(ctx, -ESTALE,
			"has changed: it was modified at %lld ns, by the image at %lld ns",
			mtime, f->mtime_ns);
	return 0;
}

/**
 * ckpt_check_inode - is it what was checkpointed?
 * @ctx:	the restart
 * @f:		what the image says
 * @path:	what was found
 *
 * Return: 0 or a negative error, which has been logged and says what differs.
 */
int ckpt_check_inode(struct ckpt_ctx *ctx, const struct ckpt_file *f, const struct path *path)
{
	const struct inode *inode = d_inode(path->dentry);
	struct kstat st;
	int ret;

	if ((inode->i_mode ^ f->mode) & S_IFMT)
		return ckpt_err(ctx, -ESTALE, "is a file of another type now");
	if (S_ISCHR(inode->i_mode) || S_ISBLK(inode->i_mode)) {
		if (new_encode_dev(inode->i_rdev) != f->rdev)
			return ckpt_err(ctx, -ESTALE, "is another device now");
		return 0;
	}
	if (ctx->flags & RESTART_CHECK_TYPE)
		return 0;
	ret = check_filesystem(ctx, f, path);
	if (ret || ckpt_is_made_up(inode->i_sb) || inode->i_sb->s_magic == NSFS_MAGIC)
		return ret;
	if (inode->i_sb->s_magic == HUGETLBFS_MAGIC && IS_ROOT(path->dentry))
		return 0;
	ret = vfs_getattr_nosec(path, &st, STATX_BASIC_STATS, 0);
	if (ret)
		return ckpt_err(ctx, ret, "cannot be looked at (error %d)", ret);
	if (st.ino != f->ino)
		return ckpt_err(ctx, -ESTALE, "is another file now (inode %llu, was %llu)",
				st.ino, f->ino);
	if (generation_of(inode) != f->generation)
		return ckpt_err(ctx, -ESTALE,
			"is another file now (inode %llu, generation %u, was %u)",
			st.ino, generation_of(inode), f->generation);
	if (ctx->flags & RESTART_CHECK_CONTENTS && S_ISREG(inode->i_mode))
		ret = check_contents(ctx, f, &st);
	return ret;
}
