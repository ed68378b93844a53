/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A restart leaves pages in the image.
 */
#ifndef _MM_CKPT_LAZY_H
#define _MM_CKPT_LAZY_H

#include <linux/types.h>

struct ckpt_ctx;
struct file;
struct mm_struct;

long ckpt_lazy_mark(struct ckpt_ctx *ctx, struct mm_struct *mm, unsigned long addr,
		    unsigned long nr, struct file *file, loff_t pos);

#endif /* _MM_CKPT_LAZY_H */
