/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The layout of an address space asks for its pages to be written.
 */
#ifndef _MM_CKPT_DUMP_H
#define _MM_CKPT_DUMP_H

#include <linux/types.h>

struct ckpt_ctx;
struct ckpt_vma;
struct inode;
struct mm_struct;

int ckpt_dump_pages(struct ckpt_ctx *ctx, struct mm_struct *mm, struct mm_struct *tracked,
		    u32 objref, const struct ckpt_vma *vmas, unsigned int nr);
int ckpt_dump_shmem(struct ckpt_ctx *ctx, struct inode *inode, u32 objref);

#endif /* _MM_CKPT_DUMP_H */
