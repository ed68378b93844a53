/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trackers: what may have changed in an address space since an image.
 *
 * A tracker proves of pages that they are as they were; what it does not speak
 * of counts as changed. So a page that it loses sight of, or has no memory to
 * remember, is written once more, and never left out.
 */
#ifndef _MM_CKPT_TRACK_H
#define _MM_CKPT_TRACK_H

#include <linux/atomic.h>
#include <linux/mm_types.h>
#include <linux/siphash.h>
#include <linux/xarray.h>
#include <uapi/linux/checkpoint.h>

#define CKPT_CHUNK_SHIFT	12
#define CKPT_CHUNK_PAGES	(1UL << CKPT_CHUNK_SHIFT)

/**
 * struct ckpt_pageset - a set of pages of an address space
 * @chunks:	bitmaps of CKPT_CHUNK_PAGES each, where there are any
 * @bytes:	memory that it holds
 */
struct ckpt_pageset {
	struct xarray chunks;
	size_t bytes;
};

struct ckpt_ctx;
struct ckpt_lazy;

struct ckpt_pageset *ckpt_pageset_alloc(void);
void ckpt_pageset_free(struct ckpt_pageset *set);
unsigned long *ckpt_pageset_find(const struct ckpt_pageset *set, unsigned long addr);
unsigned long *ckpt_pageset_chunk(struct ckpt_pageset *set, unsigned long addr);
bool ckpt_pageset_test(const struct ckpt_pageset *set, unsigned long addr);
void ckpt_pageset_intersect(struct ckpt_pageset *set, const struct ckpt_pageset *other);
int ckpt_pageset_add(struct ckpt_pageset *set, unsigned long addr, unsigned long nr);
void ckpt_pageset_remove(struct ckpt_pageset *set, unsigned long addr, unsigned long nr);
unsigned long ckpt_pageset_next(const struct ckpt_pageset *set, unsigned long *addr,
				unsigned long end);

struct ckpt_tracker_ops;
struct ckpt_mm_track;

struct ckpt_mm_track *ckpt_track_of(struct mm_struct *mm);
const unsigned long *ckpt_track_same_chunk(struct mm_struct *mm, unsigned long addr);
struct ckpt_pageset *ckpt_track_borrowing(struct ckpt_ctx *ctx, struct mm_struct *mm);

/**
 * struct ckpt_mm_track - what is known of an address space from one image to the next
 * @id:		names the address space in all images of a chain; not 0
 * @ops:	the tracker that runs, or NULL
 * @priv:	its own
 * @over:	@epoch is valid
 * @heir:	execve() has made it: what had @epoch is gone, and all is new
 * @lost:	someone else has taken away what the tracker relies on
 * @harvester:	the checkpoint that has harvested and not yet committed, or NULL
 * @epoch:	the image since which writes have been tracked
 * @same:	pages known to be as that image has them, when the last harvest
 *		was made; NULL: all that were not written since
 * @borrowed:	pages that image has as another address space's, or NULL
 * @borrowing:	the same of the image that is being written
 * @hashes:	kept beside the tracker to audit it, or NULL
 * @agreed:	audit: pages that have the contents they had
 * @differ:	audit: pages that have other contents
 * @lazy:	the images that some of its pages are still in, or NULL
 * @faults:	that the tracker has caused since the last harvest
 * @costs:	of the last harvest
 */
struct ckpt_mm_track {
	u64 id;
	const struct ckpt_tracker_ops *ops;
	void *priv;
	bool over;
	bool heir;
	bool lost;
	const struct ckpt_ctx *harvester;
	u8 epoch[CKPT_ID_BYTES];
	struct ckpt_pageset *same;
	struct ckpt_pageset *borrowed;
	struct ckpt_pageset *borrowing;
	struct ckpt_hashes *hashes;
	struct ckpt_pageset *agreed;
	struct ckpt_pageset *differ;
	struct ckpt_lazy *lazy;
	atomic64_t faults;
	struct ckpt_tracker_costs {
		u64 faults;
		u64 walk_ns;
		u64 bytes;
	} costs;
};

/**
 * struct ckpt_tracker_ops - a way to know which pages have changed
 * @name:	what people call it
 * @id:		enum ckpt_tracker
 * @owns_bit:	its bit in an entry is ours: pgtable_checkpoint.h
 * @start:	begin to track; forget all that was before
 * @harvest:	put pages that have not changed since @start or the last
 *		@harvest into @same, and begin anew in the same step
 * @stop:	track no longer
 * @costs:	memory that it holds
 * @is_fault:	is a write fault of the tracker's making? By two bits of the
 *		page table entry. NULL: it makes none
 *
 * None runs at the same time as another for the same address space. They take
 * the mmap lock themselves.
 */
struct ckpt_tracker_ops {
	const char *name;
	u32 id;
	bool owns_bit;
	int (*start)(struct mm_struct *mm, struct ckpt_mm_track *track);
	int (*harvest)(struct mm_struct *mm, struct ckpt_mm_track *track,
		       struct ckpt_pageset *same);
	void (*stop)(struct ckpt_mm_track *track);
	size_t (*costs)(const struct ckpt_mm_track *track);
	bool (*is_fault)(bool ckpt_clean, bool soft_dirty);
};

extern const struct ckpt_tracker_ops ckpt_tracker_soft_dirty;
extern const struct ckpt_tracker_ops ckpt_tracker_wp;
extern const struct ckpt_tracker_ops ckpt_tracker_scan;
extern const struct ckpt_tracker_ops ckpt_tracker_hash;

/**
 * struct ckpt_entry_ops - how a tracker reads and resets page table entries
 * @pte_same:	was this entry reset, and its page not written since?
 * @pte_reset:	what the entry becomes
 * @pmd_same:	the same of an entry for a huge page
 * @pmd_reset:	the same of an entry for a huge page
 * @swap_same:	the same of what is swapped out; NULL: nothing is known of it
 * @swap_reset:	the same of what is swapped out
 * @vma_reset:	after all entries, for each mapping; may be NULL
 */
struct ckpt_entry_ops {
	bool (*pte_same)(struct vm_area_struct *vma, pte_t pte);
	pte_t (*pte_reset)(struct vm_area_struct *vma, unsigned long addr, pte_t pte);
	bool (*pmd_same)(struct vm_area_struct *vma, pmd_t pmd);
	pmd_t (*pmd_reset)(struct vm_area_struct *vma, unsigned long addr, pmd_t pmd);
	bool (*swap_same)(struct vm_area_struct *vma, pte_t pte);
	pte_t (*swap_reset)(pte_t pte);
	void (*vma_reset)(struct vm_area_struct *vma);
};

/* Pages that are still in an image: for those who own a bit of the entry. */
bool ckpt_lazy_swap_same(struct vm_area_struct *vma, pte_t pte);
pte_t ckpt_lazy_swap_reset(pte_t pte);

int ckpt_track_walk(struct mm_struct *mm, const struct ckpt_entry_ops *ops,
		    struct ckpt_pageset *same);
bool ckpt_vma_is_tracked(const struct vm_area_struct *vma);

/* Content hashes: a tracker, and what others are audited with. */
struct ckpt_hashes *ckpt_hashes_alloc(void);
void ckpt_hashes_free(struct ckpt_hashes *hashes);
size_t ckpt_hashes_bytes(const struct ckpt_hashes *hashes);
void ckpt_hashes_use_key(struct ckpt_hashes *h, const struct ckpt_hashes *of);
u64 ckpt_hashes_add(struct ckpt_hashes *h, unsigned long addr, struct page *page);
u64 ckpt_hashes_get(struct ckpt_hashes *h, unsigned long addr);
int ckpt_hashes_update(struct mm_struct *mm, struct ckpt_hashes **hashes,
		       struct ckpt_pageset *same, struct ckpt_pageset *differ);

#endif /* _MM_CKPT_TRACK_H */
