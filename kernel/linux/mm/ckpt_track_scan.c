// SPDX-License-Identifier: GPL-2.0
/*
 * The scanning tracker: the dirty bit that the CPU sets by itself, so that a
 * write costs no fault.
 *
 * The bit belongs to reclaim: what is taken from a page table entry is put
 * into the folio, which is then written to swap as before. Our software bit
 * stands beside it. It says that the dirty bit was taken away by us; who else
 * takes it away (MADV_FREE, KSM) takes ours too, and an entry that is made
 * anew is without. Writes that go around the page table have to take a fault
 * first: see can_follow_write_pte().
 * Huge pages have one dirty bit for all of it: they are write-protected, and
 * split by the first write, as the write-protecting tracker does.
 */
#include <linux/ckpt_lazy.h>
#include <linux/mm.h>
#include <linux/pgtable_checkpoint.h>

#include "ckpt_track.h"

static bool scan_pte_same(struct vm_area_struct *vma, pte_t pte)
{
	return pte_ckpt_clean(pte) && !pte_dirty(pte);
}

static pte_t scan_pte_reset(struct vm_area_struct *vma, unsigned long addr, pte_t pte)
{
	struct page *page;

	if (pte_dirty(pte)) {
		page = vm_normal_page(vma, addr, pte);
		if (!page || !PageAnon(page))
			return pte_clear_ckpt_clean(pte);
		folio_mark_dirty(page_folio(page));
		pte = pte_mkclean(pte);
	}
	return pte_mkckpt_clean(pte);
}

static bool scan_pmd_same(struct vm_area_struct *vma, pmd_t pmd)
{
	return pmd_ckpt_clean(pmd) && !pmd_dirty(pmd);
}

static pmd_t scan_pmd_reset(struct vm_area_struct *vma, unsigned long addr, pmd_t pmd)
{
	struct page *page = pmd_page(pmd);

	if (!PageAnon(page))
		return pmd_clear_ckpt_clean(pmd);
	if (pmd_dirty(pmd))
		folio_mark_dirty(page_folio(page));
	return pmd_mkckpt_clean(pmd_wrprotect(pmd_mkclean(pmd)));
}

static const struct ckpt_entry_ops entry_ops = {
	.pte_same	= scan_pte_same,
	.pte_reset	= scan_pte_reset,
	.pmd_same	= scan_pmd_same,
	.pmd_reset	= scan_pmd_reset,
	.swap_same	= ckpt_lazy_swap_same,
	.swap_reset	= ckpt_lazy_swap_reset,
};

static int scan_start(struct mm_struct *mm, struct ckpt_mm_track *track)
{
	return ckpt_track_walk(mm, &entry_ops, NULL);
}

static int scan_harvest(struct mm_struct *mm, struct ckpt_mm_track *track,
			struct ckpt_pageset *same)
{
	return ckpt_track_walk(mm, &entry_ops, same);
}

static bool scan_is_fault(bool ckpt_clean, bool soft_dirty)
{
	return ckpt_clean;
}

const struct ckpt_tracker_ops ckpt_tracker_scan = {
	.name		= "scan",
	.id		= CKPT_TRACKER_SCAN,
	.owns_bit	= true,
	.start		= scan_start,
	.harvest	= scan_harvest,
	.is_fault	= scan_is_fault,
};
