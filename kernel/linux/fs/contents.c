// SPDX-License-Identifier: GPL-2.0
/*
 * What a file without a name consists of, put into the image: attributes and
 * contents. Holes stay holes, in pages.
 */
#include <linux/bvec.h>
#include <linux/checkpoint_files.h>
#include <linux/file.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <linux/xattr.h>

#include "contents.h"

/**
 * contents_batch_free - let go of a batch
 * @b:		the batch
 */
void contents_batch_free(struct contents_batch *b)
{
	unsigned int i;

	for (i = 0; i < CKPT_BATCH_PAGES && b->page[i]; i++)
		__free_page(b->page[i]);
	kvfree(b);
}

/**
 * contents_batch_alloc - pages to carry contents in
 *
 * Return: an empty batch, or NULL.
 */
struct contents_batch *contents_batch_alloc(void)
{
	struct contents_batch *b = kvzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!b)
		return NULL;
	for (i = 0; i < CKPT_BATCH_PAGES; i++) {
		b->page[i] = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!b->page[i]) {
			contents_batch_free(b);
			return NULL;
		}
		bvec_set_page(&b->bvec[i], b->page[i], PAGE_SIZE, 0);
	}
	return b;
}

static int batch_write(struct ckpt_ctx *ctx, u32 objref, struct contents_batch *b)
{
	int ret = ckpt_write_pages_rec(ctx, objref, b->extent, b->nr_extents, b->page,
				       b->nr_pages, NULL);

	b->nr_extents = 0;
	b->nr_pages = 0;
	return ret;
}

/* Fill free pages of the batch from the file; what lies behind its end is zero. */
static int batch_read(struct file *in, struct contents_batch *b, u64 first, unsigned int nr)
{
	struct bio_vec *bvec = &b->bvec[b->nr_pages];
	struct iov_iter iter;
	size_t left = (size_t)nr << PAGE_SHIFT;
	loff_t pos = first << PAGE_SHIFT;
	ssize_t n = 0;

	iov_iter_bvec(&iter, ITER_DEST, bvec, nr, left);
	while (left) {
		n = vfs_iter_read(in, &iter, &pos, 0);
		if (n <= 0)
			break;
		left -= n;
		iov_iter_reexpand(&iter, left);
	}
	if (n < 0)
		return n;
	iov_iter_zero(left, &iter);
	b->extent[b->nr_extents++] = (struct ckpt_extent) {
		.addr = first << PAGE_SHIFT, .nr = nr, .kind = CKPT_PAGES_DATA,
	};
	b->nr_pages += nr;
	return 0;
}

static int write_range(struct ckpt_ctx *ctx, u32 objref, struct file *in,
		       struct contents_batch *b, u64 first, u64 end)
{
	int ret;

	while (first < end) {
		unsigned int nr = min_t(u64, end - first, CKPT_BATCH_PAGES - b->nr_pages);

		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		ret = batch_read(in, b, first, nr);
		if (ret)
			return ckpt_err(ctx, ret, "cannot be read (error %d)", ret);
		first += nr;
		if (b->nr_pages < CKPT_BATCH_PAGES)
			continue;
		ret = batch_write(ctx, objref, b);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/**
 * contents_write_data - write every range of pages that has data, in order
 * @ctx:	the checkpoint; a dry run only counts
 * @objref:	of what they are contents of
 * @in:		the file, open for reading
 * @size:	of the file
 * @nr_pages:	how many there are
 *
 * Return: 0 or a negative error, which has been logged.
 */
int contents_write_data(struct ckpt_ctx *ctx, u32 objref, struct file *in, loff_t size,
			u64 *nr_pages)
{
	struct contents_batch *b = NULL;
	u64 next = 0, pages = 0;
	loff_t data, hole = 0;
	int ret = 0;

	if (!ckpt_dryrun(ctx)) {
		b = contents_batch_alloc();
		if (!b)
			return -ENOMEM;
	}
	while (!ret && hole < size) {
		u64 first, end;

		data = vfs_llseek(in, hole, SEEK_DATA);
		if (data == -ENXIO || data >= size)
			break;
		hole = data < 0 ? data : vfs_llseek(in, data, SEEK_HOLE);
		if (hole <= data) {
			ret = ckpt_err(ctx, hole < 0 ? hole : -EIO,
				       "cannot be searched for holes");
			break;
		}
		hole = min(hole, size);
		first = max_t(u64, data >> PAGE_SHIFT, next);
		end = DIV_ROUND_UP_ULL(hole, PAGE_SIZE);
		if (first >= end)
			continue;
		pages += end - first;
		next = end;
		if (b)
			ret = write_range(ctx, objref, in, b, first, end);
	}
	if (b && !ret)
		ret = batch_write(ctx, objref, b);
	if (b)
		contents_batch_free(b);
	*nr_pages = pages;
	return ret;
}

/**
 * contents_xattr_is_simple - can it be carried over as name and bytes?
 * @name:	of the extended attribute
 *
 * Return: whether it can.
 */
bool contents_xattr_is_simple(const char *name)
{
	return strstarts(name, XATTR_USER_PREFIX) || strstarts(name, XATTR_TRUSTED_PREFIX) ||
	       !strcmp(name, XATTR_NAME_CAPS);
}

static int write_xattr(struct ckpt_ctx *ctx, u32 objref, const struct path *path,
		       const char *name, bool all)
{
	struct ckpt_xattr rec = { .name_len = strlen(name) + 1 };
	char *tail, *value = NULL;
	ssize_t len;
	int ret;

	if (!contents_xattr_is_simple(name)) {
		if (all)
			return ckpt_obstacle(ctx, -EOPNOTSUPP,
					     "has the attribute %s: not supported", name);
		ckpt_note(ctx, "attribute %s is not carried over", name);
		return 0;
	}
	len = vfs_getxattr_alloc(mnt_idmap(path->mnt), path->dentry, name, &value, 0, GFP_KERNEL);
	if (len < 0) {
		kfree(value);
		return ckpt_err(ctx, len, "attribute %s cannot be read (error %zd)", name, len);
	}
	rec.value_len = len;
	tail = kvmalloc(rec.name_len + len, GFP_KERNEL);
	ret = tail ? 0 : -ENOMEM;
	if (!ret) {
		memcpy(tail, name, rec.name_len);
		memcpy(tail + rec.name_len, value, len);
		ret = ckpt_write_rec2(ctx, CKPT_REC_XATTR, objref, &rec, sizeof(rec), tail,
				      rec.name_len + len);
	}
	kvfree(tail);
	kfree(value);
	return ret;
}

/**
 * contents_write_xattrs - write the extended attributes of a file
 * @ctx:	the checkpoint
 * @objref:	of what they belong to
 * @path:	the file
 * @all:	refuse those that cannot be carried over, else a note will do
 *
 * Return: 0 or a negative error, which has been logged.
 */
int contents_write_xattrs(struct ckpt_ctx *ctx, u32 objref, const struct path *path, bool all)
{
	char *list, *name;
	ssize_t len;
	int ret = 0;

	list = kvzalloc(XATTR_LIST_MAX + 1, GFP_KERNEL_ACCOUNT);
	if (!list)
		return -ENOMEM;
	len = vfs_listxattr(path->dentry, list, XATTR_LIST_MAX);
	for (name = list; len > 0 && name < list + len && !ret; name += strlen(name) + 1)
		ret = write_xattr(ctx, objref, path, name, all);
	kvfree(list);
	return ret;
}

/* Its own struct file: position, access time and watches are not touched. */
static struct file *open_to_read(struct ckpt_ctx *ctx, struct file *file)
{
	const struct path *path = file_user_path(file);
	int ret = 0;

	if (!(file->f_mode & FMODE_READ))
		ret = path_permission(path, MAY_READ);
	if (ret)
		return ERR_PTR(ret);
	return dentry_open(path, O_RDONLY | O_LARGEFILE | O_NOATIME | __FMODE_NONOTIFY,
			   current_cred());
}

static int write_contents(struct ckpt_ctx *ctx, u32 objref, struct file *file,
			  const struct ckpt_file *f, const char *last_name)
{
	const struct inode *inode = d_inode(file_user_path(file)->dentry);
	struct ckpt_contents rec = {
		.size = f->size, .ino = f->ino, .mode = f->mode,
		.rdev = new_encode_dev(inode->i_rdev),
		.uid = from_kuid_munged(current_user_ns(), inode->i_uid),
		.gid = from_kgid_munged(current_user_ns(), inode->i_gid),
		.atime_ns = f->atime_ns, .mtime_ns = f->mtime_ns, .ctime_ns = f->ctime_ns,
		.linkable = !!(inode->i_state & I_LINKABLE),
	};
	struct file *in = NULL;
	u64 pages = 0;
	int ret;

	if (S_ISREG(inode->i_mode)) {
		in = open_to_read(ctx, file);
		if (IS_ERR(in))
			return ckpt_obstacle(ctx, PTR_ERR(in),
					     "cannot be opened to be copied (error %ld)",
					     PTR_ERR(in));
	} else {
		rec.size = 0;
	}
	ret = ckpt_write_rec2(ctx, CKPT_REC_CONTENTS, objref, &rec, sizeof(rec), last_name,
			      strlen(last_name) + 1);
	if (!ret)
		ret = contents_write_xattrs(ctx, objref, file_user_path(file), false);
	if (in && !ret)
		ret = contents_write_data(ctx, objref, in, f->size, &pages);
	ctx->stats.copied_bytes += pages << PAGE_SHIFT;
	if (in && !ret && ckpt_dryrun(ctx))
		ckpt_note(ctx, "has no name: %llu bytes would be copied", pages << PAGE_SHIFT);
	if (in)
		fput(in);
	return ret;
}

/**
 * checkpoint_contents - write what an unlinked file consists of, unless it has been
 * @ctx:	the checkpoint
 * @file:	one of those who have it open
 * @f:		its description
 * @last_name:	the name it had
 * @objref:	of its contents
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_contents(struct ckpt_ctx *ctx, struct file *file, const struct ckpt_file *f,
			const char *last_name, u32 *objref)
{
	struct inode *inode = d_inode(file_user_path(file)->dentry);
	int ret;

	ret = ckpt_obj(ctx, CKPT_OBJ_CONTENTS, inode, objref);
	if (ret <= 0)
		return ret;
	if (inode->i_nlink && !ckpt_dryrun(ctx))
		ckpt_note(ctx, "has other names: its copy will not be what they lead to");
	ctx->stats.copied++;
	return write_contents(ctx, *objref, file, f, last_name);
}
