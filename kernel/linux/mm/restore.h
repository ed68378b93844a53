/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An address space in the making: what its layout and its pages share.
 */
#ifndef _MM_RESTORE_H
#define _MM_RESTORE_H

#include <linux/err.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/rcupdate.h>
#include <uapi/linux/checkpoint.h>

struct ckpt_ctx;
struct ckpt_pageset;
struct ckpt_stream;
struct file;
struct mm_job;
struct restart_task;

/**
 * struct restored_mm - an address space in the making
 * @mm:		the address space
 * @track_id:	its name in the images of the chain
 * @tracker:	enum ckpt_tracker: goes on
 * @dumpable:	set at the end
 * @leader:	leader of the first process that adopts it
 * @needed:	pages that are to come from parent images, or NULL: none
 * @cows:	COW records, until the pages are shared
 * @borrowed:	the pages they speak of, or NULL
 * @job:	who makes it while other records are read, or NULL
 */
struct restored_mm {
	struct mm_struct *mm;
	u64 track_id;
	u32 tracker;
	u32 dumpable;
	struct restart_task *leader;
	struct ckpt_pageset *needed;
	struct list_head cows;
	struct ckpt_pageset *borrowed;
	struct mm_job *job;
};

/**
 * struct restored_layout - what the image says of an address space and its mappings
 * @m:		the MM record
 * @objref:	its objref
 * @keys:	its protection keys
 * @vmas:	mappings that have been read already, or NULL
 * @nr:		their number; the others stand in the image
 * @offset:	where the first one stands in the image
 */
struct restored_layout {
	struct ckpt_mm *m;
	u32 objref;
	struct ckpt_pkeys keys;
	struct ckpt_vma *vmas;
	u32 nr;
	u64 offset;
};

/**
 * struct page_run - neighbouring pages that have payload in an image
 * @addr:	the first page
 * @nr:		how many
 * @skip:	pages of payload before theirs that nobody wants
 */
struct page_run {
	unsigned long addr;
	u32 nr;
	u32 skip;
};

/*
 * Whose memory control group pays. The coordinator does while it fills the
 * address space, and must not be remembered when it is gone.
 */
static inline void ckpt_mm_set_owner(struct mm_struct *mm, struct task_struct *owner)
{
#ifdef CONFIG_MEMCG
	rcu_assign_pointer(mm->owner, owner);
#endif
}

/* As VMAs have it: that memory stays, at once or from the first touch on. */
static inline vm_flags_t ckpt_lock_flags(u64 flags)
{
	return (flags & CKPT_VMA_LOCKED ? VM_LOCKED : 0) |
	       (flags & CKPT_VMA_LOCKONFAULT ? VM_LOCKONFAULT : 0);
}

int restore_build_mm(struct ckpt_ctx *ctx, struct restored_mm *rm,
		     const struct restored_layout *layout);
void restored_layout_free(struct restored_layout *layout);

/* restore_vma.c */
int restore_read_pkeys(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref,
		       struct ckpt_pkeys *keys);
int restore_map_vmas(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct restored_layout *l);
int restore_read_vmas(struct ckpt_ctx *ctx, struct restored_layout *l);

/* restore_jobs.c */
typedef int (*restore_part_fn)(struct ckpt_ctx *ctx, struct restored_mm *rm, void *data);

bool restore_has_help(struct ckpt_ctx *ctx);
int restore_job_begin(struct ckpt_ctx *ctx, struct restored_mm *rm,
		      struct restored_layout *layout);
bool restore_job_is_open(struct ckpt_ctx *ctx, const struct restored_mm *rm);
int restore_job_add(struct ckpt_ctx *ctx, restore_part_fn make, void *data, loff_t pos,
		    bool relates);
void restore_settle_mm(struct ckpt_ctx *ctx, struct restored_mm *rm);
int restore_wait_built(struct ckpt_ctx *ctx, struct restored_mm *rm);
int restore_wait_done(struct restored_mm *rm);

bool restore_reads_in_parallel(struct file *file);
long restore_fresh_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
			 const struct page_run *run, unsigned int nr_runs);
bool restore_is_private(struct ckpt_ctx *ctx, struct mm_struct *mm, unsigned long addr,
			unsigned long nr);
long restore_pin_pages(struct ckpt_ctx *ctx, struct mm_struct *mm, unsigned long addr,
		       unsigned int nr, struct page **pages);

/* ckpt_hugetlb.c */
#ifdef CONFIG_HUGETLBFS
int restore_hugetlb_pages(struct ckpt_ctx *ctx, struct file *file,
			  const struct ckpt_extent *extent, unsigned int nr, struct page **pages);
struct file *restore_hugetlb_mapping(struct ckpt_ctx *ctx, u32 objref);
#else
static inline int restore_hugetlb_pages(struct ckpt_ctx *ctx, struct file *file,
					const struct ckpt_extent *extent, unsigned int nr,
					struct page **pages)
{
	return -EOPNOTSUPP;
}

static inline struct file *restore_hugetlb_mapping(struct ckpt_ctx *ctx, u32 objref)
{
	return ERR_PTR(-EOPNOTSUPP);
}
#endif

/* restore_cow.c */
int restore_cow_share(struct ckpt_ctx *ctx, struct restored_mm *rm);
int restore_cow_pages(struct ckpt_ctx *ctx);
void restore_cow_put(struct restored_mm *rm);

#endif /* _MM_RESTORE_H */
