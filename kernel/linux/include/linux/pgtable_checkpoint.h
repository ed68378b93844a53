/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bit of a page table entry that trackers of checkpoints set on pages that
 * are then as an image has them.
 *
 * Who makes such an entry writable or dirty, takes its dirty bit away or puts
 * it elsewhere clears it. It is off in every entry that is made anew: to
 * forget it costs a page that is written once more, and none is missed.
 */
#ifndef _LINUX_PGTABLE_CHECKPOINT_H
#define _LINUX_PGTABLE_CHECKPOINT_H

#include <linux/pgtable.h>

typedef int (*ckpt_copy_fn)(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma,
			    unsigned long addr, unsigned long end);

#ifdef CONFIG_CHECKPOINT_SYSCALLS

#include <asm/pgtable_checkpoint.h>

void ckpt_count_fault(struct mm_struct *mm, bool ckpt_clean, bool soft_dirty);
int ckpt_copy_page_tables(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma,
			  unsigned long addr, unsigned long end, ckpt_copy_fn copy);

/* A write fault, to be counted if a tracker has caused it. */
static inline void ckpt_wp_fault(struct mm_struct *mm, pte_t pte)
{
	if (unlikely(mm->ckpt_track))
		ckpt_count_fault(mm, pte_ckpt_clean(pte), pte_soft_dirty(pte));
}

#else

static inline void ckpt_wp_fault(struct mm_struct *mm, pte_t pte) { }
static inline bool pte_ckpt_clean(pte_t pte) { return false; }
static inline pte_t pte_mkckpt_clean(pte_t pte) { return pte; }
static inline pte_t pte_clear_ckpt_clean(pte_t pte) { return pte; }
static inline bool pmd_ckpt_clean(pmd_t pmd) { return false; }
static inline pmd_t pmd_mkckpt_clean(pmd_t pmd) { return pmd; }
static inline pmd_t pmd_clear_ckpt_clean(pmd_t pmd) { return pmd; }

static inline int ckpt_copy_page_tables(struct vm_area_struct *dst_vma,
					struct vm_area_struct *src_vma, unsigned long addr,
					unsigned long end, ckpt_copy_fn copy)
{
	return copy(dst_vma, src_vma, addr, end);
}

#endif /* CONFIG_CHECKPOINT_SYSCALLS */

/* Entries that are present. A CPU may set their dirty bits at the same time. */
static inline void ptes_clear_ckpt_clean(struct mm_struct *mm, unsigned long addr, pte_t *ptep,
					 unsigned int nr)
{
	for (; nr; nr--, ptep++, addr += PAGE_SIZE)
		if (pte_ckpt_clean(ptep_get(ptep)))
			set_pte_at(mm, addr, ptep,
				   pte_clear_ckpt_clean(ptep_get_and_clear(mm, addr, ptep)));
}

#endif /* _LINUX_PGTABLE_CHECKPOINT_H */
