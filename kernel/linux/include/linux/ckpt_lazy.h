/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages that are still in the image that their process was restored from.
 *
 * Their page table entries are PTE markers that name the place in the image,
 * so that they move, are copied and go away as any other entry does. Who
 * touches one takes a fault, which reads the page.
 */
#ifndef _LINUX_CKPT_LAZY_H
#define _LINUX_CKPT_LAZY_H

#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>

struct mm_struct;
struct vm_fault;

#ifdef CONFIG_CHECKPOINT_SYSCALLS

/* Bits of the marker's offset; the first two are mainline's. */
#define CKPT_LAZY_MARKER	BIT(2)
/* The page is to a tracker as in the last image. */
#define CKPT_LAZY_SAME		BIT(3)
#define CKPT_LAZY_IMAGE_SHIFT	4
#define CKPT_LAZY_IMAGE_BITS	12
#define CKPT_LAZY_INDEX_SHIFT	(CKPT_LAZY_IMAGE_SHIFT + CKPT_LAZY_IMAGE_BITS)
/* An x86-64 entry holds offsets of 50 bits. */
#define CKPT_LAZY_INDEX_BITS	(50 - CKPT_LAZY_INDEX_SHIFT)

static inline bool is_ckpt_lazy_entry(swp_entry_t entry)
{
	return is_pte_marker_entry(entry) && swp_offset(entry) & CKPT_LAZY_MARKER;
}

static inline bool pte_is_ckpt_lazy(pte_t pte)
{
	return is_swap_pte(pte) && is_ckpt_lazy_entry(pte_to_swp_entry(pte));
}

/* Keep the bits of the entry that are not the marker's. */
static inline pte_t pte_ckpt_lazy_set(pte_t pte, unsigned long set, unsigned long clear)
{
	unsigned long offset = swp_offset(pte_to_swp_entry(pte));
	pte_t new = swp_entry_to_pte(swp_entry(SWP_PTE_MARKER, (offset | set) & ~clear));

	if (pte_swp_soft_dirty(pte))
		new = pte_swp_mksoft_dirty(new);
	if (pte_swp_uffd_wp(pte))
		new = pte_swp_mkuffd_wp(new);
	return new;
}

/* The same page elsewhere: what an image has there is another one. */
static inline pte_t pte_ckpt_lazy_moved(pte_t pte)
{
	return pte_is_ckpt_lazy(pte) ? pte_ckpt_lazy_set(pte, 0, CKPT_LAZY_SAME) : pte;
}

vm_fault_t ckpt_lazy_fault(struct vm_fault *vmf);
int ckpt_lazy_dup(struct mm_struct *mm, struct mm_struct *oldmm);
void ckpt_lazy_begin(struct mm_struct *mm);
int ckpt_lazy_complete(struct mm_struct *mm);
void ckpt_lazy_exit(struct mm_struct *mm);

#else

static inline bool is_ckpt_lazy_entry(swp_entry_t entry) { return false; }
static inline pte_t pte_ckpt_lazy_moved(pte_t pte) { return pte; }
static inline vm_fault_t ckpt_lazy_fault(struct vm_fault *vmf) { return VM_FAULT_SIGBUS; }

static inline int ckpt_lazy_dup(struct mm_struct *mm, struct mm_struct *oldmm)
{
	return 0;
}

static inline void ckpt_lazy_begin(struct mm_struct *mm) { }
static inline int ckpt_lazy_complete(struct mm_struct *mm) { return 0; }
static inline void ckpt_lazy_exit(struct mm_struct *mm) { }

#endif /* CONFIG_CHECKPOINT_SYSCALLS */
#endif /* _LINUX_CKPT_LAZY_H */
