// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that several address spaces of the tree share copy-on-write: the first
 * one that is written has their payload, the others name it.
 *
 * What has been written is known by its frame number, and held, so that the
 * frame is not another page's meanwhile. Who has named such a page has it in
 * no image under its own name: see ckpt_track_is_same().
 */
#include <linux/checkpoint_mm.h>
#include <linux/mm.h>
#include <linux/pagewalk.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "ckpt_dump.h"
#include "ckpt_track.h"

#define BATCH_RUNS	1024

/* Where a page stands in the image, in one entry of an xarray. */
#define PLACE_PAGE_BITS	44
#define PLACE_OBJREF_MAX BIT(BITS_PER_LONG - 1 - PLACE_PAGE_BITS)

/* A search for such pages in one mapping. */
struct cow_walk {
	struct ckpt_ctx *ctx;
	struct mm_struct *tracked;
	struct ckpt_pageset *borrowing;
	u32 objref;
	bool increment;
	unsigned long next;	/* where it goes on */
	unsigned int nr;
	struct ckpt_cow run[BATCH_RUNS];
};

/* Is it mapped more than once? Who is taken for alone has his page written twice. */
static bool is_shared(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (!folio_test_large(folio))
		return folio_mapcount(folio) > 1;
	return atomic_read(&page->_mapcount) + 1 + folio_entire_mapcount(folio) > 1;
}

/**
 * ckpt_cow_is_wanted - may address spaces of this tree share pages?
 * @ctx:	the checkpoint
 *
 * Return: true if there are several processes.
 */
bool ckpt_cow_is_wanted(struct ckpt_ctx *ctx)
{
	unsigned int i;

	for (i = 1; i < ctx->tasks.nr; i++)
		if ((ctx->entries[i].flags & (CKPT_TASK_LEADER | CKPT_TASK_ZOMBIE)) ==
		    CKPT_TASK_LEADER)
			return true;
	return false;
}

/**
 * ckpt_cow_written - a page stands in the image, or in its parent
 * @ctx:	the checkpoint
 * @objref:	of its address space
 * @addr:	its address there
 * @page:	the page
 *
 * The page table may be locked. Without memory, it is forgotten.
 */
void ckpt_cow_written(struct ckpt_ctx *ctx, u32 objref, unsigned long addr, struct page *page)
{
	unsigned long place = addr >> PAGE_SHIFT | (unsigned long)objref << PLACE_PAGE_BITS;

	if (objref >= PLACE_OBJREF_MAX || addr >> PAGE_SHIFT >> PLACE_PAGE_BITS || !is_shared(page))
		return;
	if (!xa_insert(&ctx->written, page_to_pfn(page), xa_mk_value(place),
		       GFP_NOWAIT | __GFP_NOWARN))
		get_page(page);
}

void ckpt_cow_free(struct ckpt_ctx *ctx)
{
	unsigned long pfn;
	void *place;

	xa_for_each(&ctx->written, pfn, place)
		put_page(pfn_to_page(pfn));
	xa_destroy(&ctx->written);
}

/* Returns 1 if there is no room for it. */
static int name_page(struct cow_walk *w, unsigned long addr, struct page *page,
		     unsigned long *chunk)
{
	struct ckpt_cow *run = w->nr ? &w->run[w->nr - 1] : NULL;
	unsigned long place, from_addr;
	void *entry;
	u32 from;

	if (!PageAnon(page) || !is_shared(page))
		return 0;
	entry = xa_load(&w->ctx->written, page_to_pfn(page));
	if (!entry)
		return 0;
	place = xa_to_value(entry);
	from = place >> PLACE_PAGE_BITS;
	from_addr = (place & (BIT(PLACE_PAGE_BITS) - 1)) << PAGE_SHIFT;
	if (from == w->objref || (w->increment && ckpt_track_is_same(w->tracked, addr)))
		return 0;
	if (!run || run->from != from || run->nr == U32_MAX ||
	    run->addr + ((u64)run->nr << PAGE_SHIFT) != addr ||
	    run->from_addr + ((u64)run->nr << PAGE_SHIFT) != from_addr) {
		if (w->nr == BATCH_RUNS) {
			w->next = addr;
			return 1;
		}
		run = &w->run[w->nr++];
		*run = (struct ckpt_cow) { .addr = addr, .from_addr = from_addr, .from = from };
	}
	run->nr++;
	__set_bit((addr >> PAGE_SHIFT) % CKPT_CHUNK_PAGES, chunk);
	w->ctx->stats.cow_pages++;
	return 0;
}

static int walk_pmd(pmd_t *pmd, unsigned long addr, unsigned long end, struct mm_walk *walk)
{
	struct cow_walk *w = walk->private;
	unsigned long *chunk;
	spinlock_t *ptl;	/* of the page table */
	pte_t *start, *pte;
	int ret = 0;

	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;
	chunk = ckpt_pageset_chunk(w->borrowing, addr);
	if (!chunk)
		return 0;
	ptl = pmd_trans_huge_lock(pmd, walk->vma);
	if (ptl) {
		struct page *page = NULL;

		if (pmd_present(*pmd) && !is_huge_zero_pmd(*pmd))
			page = pmd_page(*pmd) + ((addr & ~HPAGE_PMD_MASK) >> PAGE_SHIFT);
		for (; page && addr < end && !ret; addr += PAGE_SIZE)
			ret = name_page(w, addr, page++, chunk);
		spin_unlock(ptl);
		return ret;
	}
	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	for (pte = start; addr < end && !ret; pte++, addr += PAGE_SIZE) {
		pte_t entry = ptep_get(pte);
		struct page *page = NULL;

		if (pte_present(entry))
			page = vm_normal_page(walk->vma, addr, entry);
		if (page)
			ret = name_page(w, addr, page, chunk);
	}
	pte_unmap_unlock(start, ptl);
	return ret;
}

static const struct mm_walk_ops walk_ops = {
	.pmd_entry	= walk_pmd,
	.walk_lock	= PGWALK_RDLOCK,
};

static int write_runs(struct cow_walk *w)
{
	int ret = 0;

	if (w->nr)
		ret = ckpt_write_rec(w->ctx, CKPT_REC_COW, w->objref, w->run,
				     w->nr * sizeof(w->run[0]));
	w->nr = 0;
	return ret;
}

/**
 * ckpt_cow_dump - name the pages that stand in the image as another's
 * @ctx:	the checkpoint
 * @mm:		where they are: the address space or a snapshot of it
 * @tracked:	the address space
 * @objref:	the objref of the address space
 * @increment:	pages may be in the parent
 * @borrowing:	takes the pages that have been named
 * @vmas:	the private mappings
 * @nr:		their number
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_cow_dump(struct ckpt_ctx *ctx, struct mm_struct *mm, struct mm_struct *tracked,
		  u32 objref, bool increment, struct ckpt_pageset *borrowing,
		  const struct ckpt_vma *vmas, unsigned int nr)
{
	struct cow_walk *w;
	unsigned int i;
	int ret = 0;

	if (xa_empty(&ctx->written))
		return 0;
	w = kvzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	if (!w)
		return -ENOMEM;
	w->ctx = ctx;
	w->tracked = tracked;
	w->objref = objref;
	w->increment = increment;
	w->borrowing = borrowing;
	for (i = 0; i < nr && !ret; i++) {
		w->next = vmas[i].start;
		do {
			if (w->nr == BATCH_RUNS)
				ret = write_runs(w);
			if (ret)
				break;
			ret = mmap_read_lock_killable(mm);
			if (ret)
				break;
			ret = walk_page_range(mm, w->next, vmas[i].end, &walk_ops, w);
			mmap_read_unlock(mm);
		} while (ret > 0);
	}
	if (!ret)
		ret = write_runs(w);
	kvfree(w);
	return ret ? ckpt_err(ctx, ret, "cannot write which pages are shared (error %d)", ret) : 0;
}
