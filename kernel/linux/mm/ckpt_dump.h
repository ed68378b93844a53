/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The layout of an address space asks for its pages to be written.
 */
#ifndef _MM_CKPT_DUMP_H
#define _MM_CKPT_DUMP_H

#include <linux/checkpoint_internal.h>
#include <linux/types.h>

struct ckpt_pageset;
struct ckpt_vma;
struct file;
struct inode;
struct mm_struct;
struct page;
struct shmem_track;
struct vm_area_struct;

/* An epoch ends where an image has the pages, if someone wants to know. */
static inline bool ckpt_needs_harvest(const struct ckpt_ctx *ctx)
{
	return ckpt_has_parent(ctx) || !(ctx->flags & (CHECKPOINT_KILL | CHECKPOINT_NOTRACK));
}

/* checkpoint_pages.c */
struct page_batch;

struct page_batch *ckpt_batch_alloc(struct ckpt_ctx *ctx, u32 objref);
void ckpt_batch_free(struct page_batch *b);
bool ckpt_batch_is_full(const struct page_batch *b);
void ckpt_batch_add(struct page_batch *b, u64 addr, u32 kind, struct page *page);
int ckpt_batch_write(struct page_batch *b);
int ckpt_batch_end(struct page_batch *b);
bool ckpt_page_is_zero(struct page *page);
int ckpt_dump_pages(struct ckpt_ctx *ctx, struct mm_struct *mm, struct mm_struct *tracked,
		    u32 objref, const struct ckpt_vma *vmas, unsigned int nr);

/* ckpt_cow.c */
bool ckpt_cow_is_wanted(struct ckpt_ctx *ctx);
void ckpt_cow_written(struct ckpt_ctx *ctx, u32 objref, unsigned long addr, struct page *page);
int ckpt_cow_dump(struct ckpt_ctx *ctx, struct mm_struct *mm, struct mm_struct *tracked,
		  u32 objref, bool increment, struct ckpt_pageset *borrowing,
		  const struct ckpt_vma *vmas, unsigned int nr);

/* ckpt_hugetlb.c */
#ifdef CONFIG_HUGETLBFS
const char *ckpt_hugetlb_obstacle(struct vm_area_struct *vma);
int checkpoint_hugetlb_mapping(struct ckpt_ctx *ctx, struct file *file, u32 *objref);
int ckpt_dump_hugetlb(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref,
		      const struct ckpt_vma *v);
#else
static inline const char *ckpt_hugetlb_obstacle(struct vm_area_struct *vma) { return NULL; }
static inline int checkpoint_hugetlb_mapping(struct ckpt_ctx *ctx, struct file *file, u32 *objref)
{
	return -EOPNOTSUPP;
}

static inline int ckpt_dump_hugetlb(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref,
				    const struct ckpt_vma *v)
{
	return -EOPNOTSUPP;
}
#endif

/* ckpt_shmem.c */
struct shmem_track *ckpt_shmem_begin(struct ckpt_ctx *ctx, struct inode *inode, u64 *id);
bool ckpt_shmem_is_same(struct shmem_track *t, pgoff_t index, struct page *page);

#endif /* _MM_CKPT_DUMP_H */
