// SPDX-License-Identifier: GPL-2.0
/*
 * The walk over page tables that trackers by page table entry have in common.
 */
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmu_notifier.h>
#include <linux/pagewalk.h>
#include <linux/pgtable_checkpoint.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <asm/tlbflush.h>

#include "ckpt_track.h"

struct track_walk {
	const struct ckpt_entry_ops *ops;
	struct ckpt_pageset *same;
};

/* Only private memory is tracked: of what is shared, ckpt_shmem.c knows. */
bool ckpt_vma_is_tracked(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_MAYSHARE | VM_PFNMAP | VM_MIXEDMAP | VM_IO | VM_HUGETLB));
}

/* A device may write to a pinned page at any time, and no fault will tell. */
static bool may_be_pinned(struct vm_area_struct *vma, struct page *page)
{
	return page && test_bit(MMF_HAS_PINNED, &vma->vm_mm->flags) && PageAnon(page) &&
	       folio_maybe_dma_pinned(page_folio(page));
}

static void track_huge(struct track_walk *w, struct vm_area_struct *vma,
		       unsigned long addr, unsigned long end, pmd_t *pmd,
		       unsigned long *chunk)
{
	pmd_t entry = *pmd;

	if (!pmd_present(entry) || is_huge_zero_pmd(entry))
		return;
	if (w->same && w->ops->pmd_same(vma, entry)) {
		if (chunk)
			bitmap_set(chunk, (addr >> PAGE_SHIFT) % CKPT_CHUNK_PAGES,
				   (end - addr) >> PAGE_SHIFT);
		return;
	}
	entry = pmdp_invalidate(vma, addr, pmd);
	if (may_be_pinned(vma, pmd_page(entry)))
		entry = pmd_clear_ckpt_clean(entry);
	else
		entry = w->ops->pmd_reset(vma, addr, entry);
	set_pmd_at(vma->vm_mm, addr, pmd, entry);
}

static bool track_present(struct track_walk *w, struct vm_area_struct *vma,
			  unsigned long addr, pte_t *pte, pte_t entry)
{
	pte_t old;

	/* It was not pinned then; to pin it for writing since would show. */
	if (w->same && w->ops->pte_same(vma, entry))
		return !is_zero_pfn(pte_pfn(entry));	/* in no image is it a page */
	old = ptep_modify_prot_start(vma, addr, pte);
	/* Now nobody can pin it without our seeing it: get_user_pages_fast() looks twice. */
	if (test_bit(MMF_HAS_PINNED, &vma->vm_mm->flags) &&
	    may_be_pinned(vma, vm_normal_page(vma, addr, old)))
		entry = pte_clear_ckpt_clean(old);
	else
		entry = w->ops->pte_reset(vma, addr, old);
	ptep_modify_prot_commit(vma, addr, pte, old, entry);
	return false;
}

static bool track_swapped(struct track_walk *w, struct vm_area_struct *vma,
			  unsigned long addr, pte_t *pte, pte_t entry)
{
	pte_t reset;

	if (!w->ops->swap_same)
		return false;
	if (w->same && w->ops->swap_same(vma, entry))
		return true;
	reset = w->ops->swap_reset(entry);
	if (!pte_same(reset, entry))
		set_pte_at(vma->vm_mm, addr, pte, reset);
	return false;
}

static int track_pmd(pmd_t *pmd, unsigned long addr, unsigned long end, struct mm_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;
	struct track_walk *w = walk->private;
	unsigned long *chunk = NULL;
	spinlock_t *ptl;	/* of the page table */
	pte_t *start, *pte;

	cond_resched();
	/* What one such entry maps stands in one chunk. */
	BUILD_BUG_ON(PTRS_PER_PTE > CKPT_CHUNK_PAGES);
	if (w->same)
		chunk = ckpt_pageset_chunk(w->same, addr);
	ptl = pmd_trans_huge_lock(pmd, vma);
	if (ptl) {
		track_huge(w, vma, addr, end, pmd, chunk);
		spin_unlock(ptl);
		return 0;
	}
	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	arch_enter_lazy_mmu_mode();
	for (pte = start; addr < end; pte++, addr += PAGE_SIZE) {
		pte_t entry = ptep_get(pte);
		bool same = false;

		if (pte_present(entry))
			same = track_present(w, vma, addr, pte, entry);
		else if (is_swap_pte(entry))
			same = track_swapped(w, vma, addr, pte, entry);
		if (same && chunk)
			__set_bit((addr >> PAGE_SHIFT) % CKPT_CHUNK_PAGES, chunk);
	}
	arch_leave_lazy_mmu_mode();
	pte_unmap_unlock(start, ptl);
	return 0;
}

static int skip_untracked(unsigned long addr, unsigned long next, struct mm_walk *walk)
{
	return !ckpt_vma_is_tracked(walk->vma);
}

static const struct mm_walk_ops track_ops = {
	.pmd_entry	= track_pmd,
	.test_walk	= skip_untracked,
	.walk_lock	= PGWALK_WRLOCK,
};

/**
 * ckpt_track_walk - reset all page table entries
 * @mm:		the address space
 * @ops:	how
 * @same:	takes the pages that have not changed since the last time; NULL:
 *		nothing is known of them
 *
 * Faults are shut out for the time: for all pages it is one moment.
 *
 * Return: 0 or a negative error; then some entries may not have been reset.
 */
int ckpt_track_walk(struct mm_struct *mm, const struct ckpt_entry_ops *ops,
		    struct ckpt_pageset *same)
{
	struct track_walk w = { .ops = ops, .same = same };
	struct mmu_notifier_range range;
	int ret;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	inc_tlb_flush_pending(mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_SOFT_DIRTY, 0, mm, 0, -1UL);
	mmu_notifier_invalidate_range_start(&range);
	ret = walk_page_range(mm, 0, -1, &track_ops, &w);
	mmu_notifier_invalidate_range_end(&range);
	if (ops->vma_reset) {
		VMA_ITERATOR(vmi, mm, 0);
		struct vm_area_struct *vma;

		for_each_vma(vmi, vma)
			ops->vma_reset(vma);
	}
	flush_tlb_mm(mm);
	dec_tlb_flush_pending(mm);
	mmap_write_unlock(mm);
	return ret;
}
