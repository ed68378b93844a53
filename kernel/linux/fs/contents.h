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

#endif /* _FS_CONTENTS_H */
