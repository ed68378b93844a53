/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What writing and making again the contents of a file share.
 */
#ifndef _FS_CONTENTS_H
#define _FS_CONTENTS_H

#include <linux/bvec.h>
#include <linux/checkpoint_internal.h>

/* Pages on their way between a file and the image, and where in the file they are. */
struct contents_batch {
	unsigned int nr_extents;
	unsigned int nr_pages;
	struct ckpt_extent extent[CKPT_BATCH_PAGES];
	struct page *page[CKPT_BATCH_PAGES];
	struct bio_vec bvec[CKPT_BATCH_PAGES];
};

struct contents_batch *contents_batch_alloc(void);
void contents_batch_free(struct contents_batch *b);
bool contents_xattr_is_simple(const char *name);
int contents_write_data(struct ckpt_ctx *ctx, u32 objref, struct file *in, loff_t size,
			u64 *nr_pages);
int contents_write_xattrs(struct ckpt_ctx *ctx, u32 objref, const struct path *path, bool all);
int contents_make_node(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		       const struct ckpt_contents *rec);
int contents_restore_named(struct ckpt_ctx *ctx, u32 objref, const struct path *path,
			   const struct ckpt_contents *rec);
bool ckpt_is_tmpfs(const struct super_block *sb);
bool ckpt_is_mounted_elsewhere(struct ckpt_ctx *ctx, struct super_block *sb);
bool contents_is_valid(const struct ckpt_contents *rec);

#endif /* _FS_CONTENTS_H */
