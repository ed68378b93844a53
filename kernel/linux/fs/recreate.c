// SPDX-License-Identifier: GPL-2.0
/*
 * Files without a name, made again from what the image says of them: all who
 * had the inode open get the new one. It is another inode, with the attributes
 * the first one had. Nobody is told that it comes.
 */
#include <linux/capability.h>
#include <linux/checkpoint_files.h>
#include <linux/device_cgroup.h>
#include <linux/file.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/random.h>
#include <linux/relink.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <linux/xattr.h>

#include "contents.h"

/* The name of what can only be made with one: ".ckpt-" and random digits. */
#define TEMPORARY_RANDOM_BYTES	16
#define TEMPORARY_NAME_BYTES	(7 + 2 * TEMPORARY_RANDOM_BYTES)

/**
 * struct restored_contents - a file that was made again from its contents
 * @path:	it; it has no name
 * @writer:	open while a regular file is being filled, then NULL
 * @finished:	all is in it, it has been opened for the tree
 * @rec:	what the image says of it
 */
struct restored_contents {
	struct path path;
	struct file *writer;
	bool finished;
	struct ckpt_contents rec;
};

/* As notify_change(), but nobody is told. */
static int set_attr(const struct path *path, struct iattr *attr)
{
	struct inode *inode = d_inode(path->dentry);
	struct mnt_idmap *idmap = mnt_idmap(path->mnt);
	int ret;

	inode_lock(inode);
	ret = security_inode_setattr(idmap, path->dentry, attr);
	if (!ret)
		ret = inode->i_op->setattr ?
		      inode->i_op->setattr(idmap, path->dentry, attr) :
		      simple_setattr(idmap, path->dentry, attr);
	inode_unlock(inode);
	return ret;
}

static int set_owner_and_mode(struct ckpt_ctx *ctx, const struct path *path,
			      const struct ckpt_contents *rec)
{
	struct mnt_idmap *idmap = mnt_idmap(path->mnt);
	struct inode *inode = d_inode(path->dentry);
	kuid_t uid = make_kuid(current_user_ns(), rec->uid);
	kgid_t gid = make_kgid(current_user_ns(), rec->gid);
	struct iattr attr = { .ia_valid = ATTR_CTIME, .ia_ctime = current_time(inode) };
	int ret;

	if (!uid_valid(uid) || !gid_valid(gid))
		return ckpt_err(ctx, -EINVAL, "its owner %u:%u is not known here", rec->uid,
				rec->gid);
	if (!vfsuid_eq_kuid(i_uid_into_vfsuid(idmap, inode), uid)) {
		attr.ia_valid |= ATTR_UID;
		attr.ia_vfsuid = VFSUIDT_INIT(uid);
	}
	if (!vfsgid_eq_kgid(i_gid_into_vfsgid(idmap, inode), gid)) {
		attr.ia_valid |= ATTR_GID;
		attr.ia_vfsgid = VFSGIDT_INIT(gid);
	}
	ret = set_attr(path, &attr);
	if (ret)
		return ckpt_err(ctx, ret, "cannot be given to %u:%u (error %d)", rec->uid,
				rec->gid, ret);
	if (S_ISLNK(rec->mode))
		return 0;
	attr.ia_valid = ATTR_CTIME | ATTR_MODE;
	attr.ia_mode = rec->mode;
	ret = set_attr(path, &attr);
	return ret ? ckpt_err(ctx, ret, "cannot have its mode (error %d)", ret) : 0;
}

static int set_size(struct ckpt_ctx *ctx, struct restored_contents *c)
{
	struct iattr attr = { .ia_valid = ATTR_SIZE, .ia_size = c->rec.size };
	int ret = set_attr(&c->path, &attr);

	return ret ? ckpt_err(ctx, ret, "cannot have its size (error %d)", ret) : 0;
}

/* What is left of the directories that it was in. */
static int find_nearest(const char *name, struct path *dir)
{
	char *copy = kstrdup(name, GFP_KERNEL);
	int ret;

	if (!copy)
		return -ENOMEM;
	ret = ckpt_find_parent(copy, dir);
	while (ret == -ENOENT) {
		*strrchr(copy, '/') = '\0';
		if (!*copy)
			break;
		ret = ckpt_find_parent(copy, dir);
	}
	kfree(copy);
	return ret;
}

/* Where it was, or where the caller says. */
static int find_dir(struct ckpt_ctx *ctx, char *last_name, struct path *dir)
{
	int ret;

	if (ctx->copy_dir.mnt) {
		*dir = ctx->copy_dir;
		path_get(dir);
		return 0;
	}
	ret = find_nearest(last_name, dir);
	if (ret)
		return ckpt_err(ctx, ret,
				"its directory cannot be found (error %d); name another one with --relink-dir",
				ret);
	return 0;
}

/**
 * contents_make_node - as mkdir(2) and mknod(2), but nobody is told
 * @idmap:	of the mount
 * @dir:	the directory, locked
 * @dentry:	in it, negative
 * @rec:	what is made: type and device
 *
 * Return: 0 or a negative error.
 */
int contents_make_node(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		       const struct ckpt_contents *rec)
{
	bool is_device = S_ISCHR(rec->mode) || S_ISBLK(rec->mode);
	dev_t dev = is_device ? new_decode_dev(rec->rdev) : 0;
	int ret;

	if (d_is_positive(dentry))
		return -EEXIST;
	if (IS_DEADDIR(dir))
		return -ENOENT;
	if (!fsuidgid_has_mapping(dir->i_sb, idmap))
		return -EOVERFLOW;
	ret = inode_permission(idmap, dir, MAY_WRITE | MAY_EXEC);
	if (ret)
		return ret;
	if (S_ISDIR(rec->mode)) {
		if (!dir->i_op->mkdir)
			return -EPERM;
		ret = security_inode_mkdir(dir, dentry, 0700);
		return ret ?: dir->i_op->mkdir(idmap, dir, dentry, 0700);
	}
	if (!dir->i_op->mknod || (is_device && !capable(CAP_MKNOD)))
		return -EPERM;
	ret = devcgroup_inode_mknod(rec->mode, dev);
	if (!ret)
		ret = security_inode_mknod(dir, dentry, (rec->mode & S_IFMT) | 0600, dev);
	return ret ?: dir->i_op->mknod(idmap, dir, dentry, (rec->mode & S_IFMT) | 0600, dev);
}

/* With a name for a moment, in which nobody else can have found it. */
static int make_unnamed(const struct path *dir, const struct ckpt_contents *rec,
			const char *name, const char *last_name, struct path *path)
{
	struct inode *inode = d_inode(dir->dentry);
	struct mnt_idmap *idmap = mnt_idmap(dir->mnt);
	struct path named = { .mnt = dir->mnt };
	int ret;

	inode_lock_nested(inode, I_MUTEX_PARENT);
	named.dentry = lookup_one(idmap, name, dir->dentry, strlen(name));
	ret = PTR_ERR_OR_ZERO(named.dentry);
	if (ret)
		goto out;
	ret = S_ISDIR(rec->mode) ?
	      security_path_mkdir(dir, named.dentry, 0700) :
	      security_path_mknod(dir, named.dentry, (rec->mode & S_IFMT) | 0600, rec->rdev);
	ret = ret ?: contents_make_node(idmap, inode, named.dentry, rec);
	/* Some filesystems leave it to the next look-up to find it. */
	if (!ret && d_really_is_negative(named.dentry))
		ret = -EOPNOTSUPP;
	if (!ret) {
		if (ckpt_make_alias(&named, last_name, path)) {
			*path = named;
			path_get(path);
		}
		vfs_unrelink(idmap, inode, named.dentry);
	}
	dput(named.dentry);
out:
	inode_unlock(inode);
	return ret;
}

static int make_file(const struct path *dir, const char *last_name,
		     struct restored_contents *c)
{
	c->writer = kernel_tmpfile_open(mnt_idmap(dir->mnt), dir, S_IFREG | 0600,
					O_RDWR | O_LARGEFILE | (c->rec.linkable ? 0 : O_EXCL) |
					__FMODE_NONOTIFY, current_cred());
	if (IS_ERR(c->writer)) {
		int ret = PTR_ERR(c->writer);

		c->writer = NULL;
		return ret;
	}
	if (ckpt_make_alias(&c->writer->f_path, last_name, &c->path)) {
		c->path = c->writer->f_path;
		path_get(&c->path);
	}
	return 0;
}

static int make_again(struct ckpt_ctx *ctx, char *last_name, struct restored_contents *c)
{
	u8 random[TEMPORARY_RANDOM_BYTES];
	char name[TEMPORARY_NAME_BYTES];
	struct vfsmount *own;
	struct path dir;
	int ret;

	ret = find_dir(ctx, last_name, &dir);
	if (ret)
		return ret;
	/* It may have been seen in a mount that is read-only since. */
	own = restore_tmpfs_mnt(ctx, dir.dentry->d_sb);
	if (own) {
		mntput(dir.mnt);
		dir.mnt = mntget(own);
	}
	ret = mnt_want_write(dir.mnt);
	if (!ret) {
		get_random_bytes(random, sizeof(random));
		snprintf(name, sizeof(name), ".ckpt-%*phN", (int)sizeof(random), random);
		ret = S_ISREG(c->rec.mode) ? make_file(&dir, last_name, c) :
		      make_unnamed(&dir, &c->rec, name, last_name, &c->path);
		mnt_drop_write(dir.mnt);
	}
	path_put(&dir);
	if (ret)
		ckpt_err(ctx, ret,
			 "cannot be made again in its directory (error %d); name another one with --relink-dir",
			 ret);
	return ret;
}

/**
 * ckpt_contents_put - let go of a file that was made again
 * @contents:	the object of restore_contents_rec()
 */
void ckpt_contents_put(void *contents)
{
	struct restored_contents *c = contents;

	if (c->writer)
		__fput_sync(c->writer);
	path_put(&c->path);
	kfree(c);
}

/**
 * contents_is_valid - does what an image says of a file make sense?
 * @rec:	what it says; symbolic links are for the caller to judge
 *
 * Return: whether it does.
 */
bool contents_is_valid(const struct ckpt_contents *rec)
{
	switch (rec->mode & S_IFMT) {
	case S_IFREG:
		break;
	case S_IFDIR:
	case S_IFIFO:
	case S_IFSOCK:
	case S_IFCHR:
	case S_IFBLK:
		if (rec->size)
			return false;
		break;
	default:
		return false;
	}
	return !(rec->mode & ~(S_IFMT | 07777)) && rec->linkable <= 1 && !rec->reserved &&
	       rec->size <= MAX_LFS_FILESIZE;
}

/**
 * contents_restore_named - let a file that has a name get its contents from the image
 * @ctx:	the restart
 * @objref:	of it
 * @path:	the file, empty
 * @rec:	what the image says of it, checked
 *
 * It has its owner, mode and size; PAGES and XATTR may follow.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int contents_restore_named(struct ckpt_ctx *ctx, u32 objref, const struct path *path,
			   const struct ckpt_contents *rec)
{
	struct restored_contents *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!c)
		return -ENOMEM;
	c->rec = *rec;
	c->path = *path;
	path_get(&c->path);
	ret = set_owner_and_mode(ctx, path, rec);
	if (!ret && S_ISREG(rec->mode)) {
		c->writer = dentry_open(path, O_RDWR | O_LARGEFILE | O_NOATIME |
					__FMODE_NONOTIFY, current_cred());
		if (IS_ERR(c->writer)) {
			ret = ckpt_err(ctx, PTR_ERR(c->writer),
				       "cannot be opened to be filled (error %ld)",
				       PTR_ERR(c->writer));
			c->writer = NULL;
		}
	}
	if (!ret && c->writer)
		ret = set_size(ctx, c);
	if (!ret)
		return ckpt_ref_add(ctx, objref, CKPT_OBJ_CONTENTS, c);
	ckpt_contents_put(c);
	return ret;
}

/**
 * restore_contents_rec - make a file without a name again, still without contents
 * @ctx:	the restart
 * @rec:	the CONTENTS record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_contents_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_contents *c;
	struct ckpt_contents *in;
	char *name;
	int ret;

	in = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*in) + 1, sizeof(*in) + PATH_MAX);
	if (IS_ERR(in))
		return PTR_ERR(in);
	name = (char *)(in + 1);
	if (!contents_is_valid(in) ||
	    strnlen(name, rec->len - sizeof(*in)) != rec->len - sizeof(*in) - 1) {
		kvfree(in);
		return ckpt_err(ctx, -EINVAL, "a CONTENTS record contradicts itself");
	}
	c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c) {
		kvfree(in);
		return -ENOMEM;
	}
	c->rec = *in;
	ctx->where.path = name;
	ret = make_again(ctx, name, c);
	if (!ret)
		ret = set_owner_and_mode(ctx, &c->path, &c->rec);
	if (!ret && c->writer)
		ret = set_size(ctx, c);
	if (ret)
		ckpt_contents_put(c);
	else
		ret = ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_CONTENTS, c);
	if (!ret && d_inode(c->path.dentry)->i_ino != c->rec.ino)
		ckpt_note(ctx, "made again from its contents: inode %lu, was %llu",
			  d_inode(c->path.dentry)->i_ino, c->rec.ino);
	ctx->where.path = NULL;
	kvfree(in);
	return ret;
}

static int set_xattr(const struct path *path, const char *name, const void *value, size_t len)
{
	struct inode *inode = d_inode(path->dentry);
	int ret;

	inode_lock(inode);
	ret = __vfs_setxattr(mnt_idmap(path->mnt), path->dentry, inode, name, value, len, 0);
	inode_unlock(inode);
	return ret;
}

/* Such names as give power are for those who could set them afresh. */
static bool may_set_xattr(const char *name)
{
	if (!contents_xattr_is_simple(name))
		return false;
	if (strstarts(name, XATTR_USER_PREFIX))
		return true;
	return capable(CAP_SYS_ADMIN) && capable(CAP_SETFCAP);
}

/**
 * restore_xattr_rec - set an extended attribute of a file that is made again
 * @ctx:	the restart
 * @rec:	the XATTR record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_xattr_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_contents *c = ckpt_ref(ctx, rec->objref, CKPT_OBJ_CONTENTS);
	struct ckpt_xattr *x;
	const char *name;
	int ret;

	if (IS_ERR(c))
		return PTR_ERR(c);
	x = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*x) + 2,
			      sizeof(*x) + XATTR_NAME_MAX + 1 + XATTR_SIZE_MAX);
	if (IS_ERR(x))
		return PTR_ERR(x);
	name = (const char *)(x + 1);
	if ((u64)x->name_len + x->value_len != rec->len - sizeof(*x) || x->name_len < 2 ||
	    x->name_len > XATTR_NAME_MAX + 1 || strnlen(name, x->name_len) != x->name_len - 1)
		ret = ckpt_err(ctx, -EINVAL, "an XATTR record contradicts itself");
	else if (!may_set_xattr(name))
		ret = ckpt_err(ctx, -EPERM, "attribute %s may not be set", name);
	else
		ret = set_xattr(&c->path, name, name + x->name_len, x->value_len);
	if (ret)
		ckpt_err(ctx, ret, "attribute cannot be set (error %d)", ret);
	kvfree(x);
	return ret;
}

static int fill(struct restored_contents *c, struct bio_vec *bvec, loff_t pos, size_t len)
{
	struct iov_iter iter;

	iov_iter_bvec(&iter, ITER_SOURCE, bvec, DIV_ROUND_UP(len, PAGE_SIZE), len);
	while (len) {
		ssize_t n = vfs_iter_write(c->writer, &iter, &pos, 0);

		if (n <= 0)
			return n ?: -EIO;
		len -= n;
		/* A limit on the size of files has shortened it. */
		iov_iter_reexpand(&iter, len);
	}
	return 0;
}

/**
 * restore_contents_pages - fill a file that is made again
 * @ctx:	the restart
 * @contents:	it
 * @extents:	where pages go, whose payload follows in the image
 * @nr:		their number
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_contents_pages(struct ckpt_ctx *ctx, void *contents,
			   const struct ckpt_extent *extents, unsigned int nr)
{
	struct restored_contents *c = contents;
	struct contents_batch *b;
	unsigned int i;
	int ret = 0;

	if (!c->writer)
		return ckpt_err(ctx, -EINVAL, "contents after the file they are of");
	b = contents_batch_alloc();
	if (!b)
		return -ENOMEM;
	for (i = 0; i < nr && !ret; i++) {
		u64 pos = extents[i].addr, left = extents[i].nr;

		if (extents[i].kind != CKPT_PAGES_DATA || pos >= c->rec.size ||
		    left > DIV_ROUND_UP_ULL(c->rec.size - pos, PAGE_SIZE)) {
			ret = ckpt_err(ctx, -EINVAL, "%u pages of kind %u at %llu of a file",
				       extents[i].nr, extents[i].kind, pos);
			break;
		}
		while (left && !ret) {
			unsigned int n = min_t(u64, left, CKPT_BATCH_PAGES);
			size_t len = min_t(u64, (u64)n << PAGE_SHIFT, c->rec.size - pos);

			ret = fatal_signal_pending(current) ? -EINTR :
			      ckpt_read_pages(&ctx->img, b->page, n);
			if (!ret)
				ret = fill(c, b->bvec, pos, len);
			if (ret)
				ckpt_err(ctx, ret, "a file cannot be filled (error %d)",
					 ret);
			pos += (u64)n << PAGE_SHIFT;
			left -= n;
			cond_resched();
		}
	}
	contents_batch_free(b);
	return ret;
}

/* All is in it: let it look as it did. */
static int finish(struct ckpt_ctx *ctx, struct restored_contents *c)
{
	struct iattr attr = {
		.ia_valid = ATTR_ATIME | ATTR_ATIME_SET | ATTR_MTIME | ATTR_MTIME_SET |
			    ATTR_CTIME,
		.ia_atime = ns_to_timespec64(c->rec.atime_ns),
		.ia_mtime = ns_to_timespec64(c->rec.mtime_ns),
		.ia_ctime = ns_to_timespec64(c->rec.ctime_ns),
	};
	int ret;

	c->finished = true;
	ret = set_attr(&c->path, &attr);
	/* tmpfs has a mind of its own, and no disk. */
	inode_set_ctime_to_ts(d_inode(c->path.dentry), attr.ia_ctime);
	/* A program is not run while somebody has it open to write. */
	if (c->writer)
		__fput_sync(c->writer);
	c->writer = NULL;
	return ret ? ckpt_err(ctx, ret, "cannot have its times (error %d)", ret) : 0;
}

/**
 * restore_contents_path - what was made again from its contents
 * @ctx:	the restart
 * @objref:	of the CONTENTS
 *
 * Return: its path, which the table of objects holds, or an error pointer,
 * which has been logged.
 */
const struct path *restore_contents_path(struct ckpt_ctx *ctx, u32 objref)
{
	struct restored_contents *c = ckpt_ref(ctx, objref, CKPT_OBJ_CONTENTS);
	int ret;

	if (IS_ERR(c))
		return ERR_CAST(c);
	ret = c->finished ? 0 : finish(ctx, c);
	return ret ? ERR_PTR(ret) : &c->path;
}
