// SPDX-License-Identifier: GPL-2.0
/*
 * The write-protecting tracker: a software bit of the page table entry that is
 * ours alone says that the page is as it was.
 *
 * Only this sets it, on entries that it write-protects. The write fault that
 * makes such an entry writable clears it, and an entry that is made anew, be
 * it by a fault, a move, a swap-in or a collapse, is without. One write to a
 * huge page splits its mapping, so that it counts for one page of 4 KiB.
 * Neither soft-dirty nor userfaultfd's bits are used.
 */
#include <linux/ckpt_lazy.h>
#include <linux/mm.h>
#include <linux/pgtable_checkpoint.h>

#include "ckpt_track.h"

static bool wp_pte_same(struct vm_area_struct *vma, pte_t pte)
{
	return pte_ckpt_clean(pte) && !pte_write(pte);
}

static pte_t wp_pte_reset(struct vm_area_struct *vma, unsigned long addr, pte_t pte)
{
	return pte_mkckpt_clean(pte_wrprotect(pte));
}

static bool wp_pmd_same(struct vm_area_struct *vma, pmd_t pmd)
{
	return pmd_ckpt_clean(pmd) && !pmd_write(pmd);
}

static pmd_t wp_pmd_reset(struct vm_area_struct *vma, unsigned long addr, pmd_t pmd)
{
	return pmd_mkckpt_clean(pmd_wrprotect(pmd));
}

static const struct ckpt_entry_ops entry_ops = {
	.pte_same	= wp_pte_same,
	.pte_reset	= wp_pte_reset,
	.pmd_same	= wp_pmd_same,
	.pmd_reset	= wp_pmd_reset,
	.swap_same	= ckpt_lazy_swap_same,
	.swap_reset	= ckpt_lazy_swap_reset,
};

static int wp_start(struct mm_struct *mm, struct ckpt_mm_track *track)
{
	return ckpt_track_walk(mm, &entry_ops, NULL);
}

static int wp_harvest(struct mm_struct *mm, struct ckpt_mm_track *track,
		      struct ckpt_pageset *same)
{
	return ckpt_track_walk(mm, &entry_ops, same);
}

static bool wp_is_fault(bool ckpt_clean, bool soft_dirty)
{
	return ckpt_clean;
}

const struct ckpt_tracker_ops ckpt_tracker_wp = {
	.name		= "wp",
	.id		= CKPT_TRACKER_WP,
	.owns_bit	= true,
	.start		= wp_start,
	.harvest	= wp_harvest,
	.is_fault	= wp_is_fault,
};
