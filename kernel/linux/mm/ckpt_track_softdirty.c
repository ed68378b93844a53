// SPDX-License-Identifier: GPL-2.0
/*
 * The soft-dirty tracker: mainline's bit of a page table entry.
 *
 * Tracking clears it and write-protects the page, the next write fault sets
 * it. It is shared with /proc/PID/clear_refs: who clears it there ends this
 * tracker's chain. A huge page has one bit for all of it, and a mapping that
 * is new, or has grown together with a new one, counts as written.
 */
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>

#include "ckpt_track.h"

static bool soft_dirty_pte_same(struct vm_area_struct *vma, pte_t pte)
{
	return !pte_soft_dirty(pte) && !pte_write(pte) && !(vma->vm_flags & VM_SOFTDIRTY);
}

static pte_t soft_dirty_pte_reset(struct vm_area_struct *vma, unsigned long addr, pte_t pte)
{
	return pte_clear_soft_dirty(pte_wrprotect(pte));
}

static bool soft_dirty_pmd_same(struct vm_area_struct *vma, pmd_t pmd)
{
	return !pmd_soft_dirty(pmd) && !pmd_write(pmd) && !(vma->vm_flags & VM_SOFTDIRTY);
}

static pmd_t soft_dirty_pmd_reset(struct vm_area_struct *vma, unsigned long addr, pmd_t pmd)
{
	return pmd_clear_soft_dirty(pmd_wrprotect(pmd));
}

static bool soft_dirty_swap_same(struct vm_area_struct *vma, pte_t pte)
{
	return !pte_swp_soft_dirty(pte) && !(vma->vm_flags & VM_SOFTDIRTY);
}

static pte_t soft_dirty_swap_reset(pte_t pte)
{
	return pte_swp_clear_soft_dirty(pte);
}

static void soft_dirty_vma_reset(struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SOFTDIRTY))
		return;
	vm_flags_clear(vma, VM_SOFTDIRTY);
	vma_set_page_prot(vma);
}

static const struct ckpt_entry_ops entry_ops = {
	.pte_same	= soft_dirty_pte_same,
	.pte_reset	= soft_dirty_pte_reset,
	.pmd_same	= soft_dirty_pmd_same,
	.pmd_reset	= soft_dirty_pmd_reset,
	.swap_same	= soft_dirty_swap_same,
	.swap_reset	= soft_dirty_swap_reset,
	.vma_reset	= soft_dirty_vma_reset,
};

static int soft_dirty_start(struct mm_struct *mm, struct ckpt_mm_track *track)
{
	return ckpt_track_walk(mm, &entry_ops, NULL);
}

static int soft_dirty_harvest(struct mm_struct *mm, struct ckpt_mm_track *track,
			      struct ckpt_pageset *same)
{
	/* KSM puts another page in the place of one, and forgets the bit over it. */
	if (test_bit(MMF_VM_MERGEABLE, &mm->flags))
		same = NULL;
	return ckpt_track_walk(mm, &entry_ops, same);
}

static bool soft_dirty_is_fault(bool ckpt_clean, bool soft_dirty)
{
	return !soft_dirty;
}

const struct ckpt_tracker_ops ckpt_tracker_soft_dirty = {
	.name		= "soft-dirty",
	.id		= CKPT_TRACKER_SOFT_DIRTY,
	.start		= soft_dirty_start,
	.harvest	= soft_dirty_harvest,
	.is_fault	= soft_dirty_is_fault,
};
