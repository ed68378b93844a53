// SPDX-License-Identifier: GPL-2.0
/*
 * Which pages have been written since a checkpoint.
 *
 * The soft-dirty bit of a page table entry says so: tracking clears it and
 * write-protects the page, the next write fault sets it. What is kept here is
 * the image that the bits are measured from.
 */
#include <linux/checkpoint_internal.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmu_notifier.h>
#include <linux/pagewalk.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/swapops.h>
#include <asm/tlbflush.h>

/**
 * struct ckpt_mm_track - what is known of an address space from one image to the next
 * @id:		names the address space in all images of a chain; not 0
 * @over:	@epoch is valid
 * @epoch:	the image since which writes have been tracked
 */
struct ckpt_mm_track {
	u64 id;
	bool over;
	u8 epoch[CKPT_ID_BYTES];
};

static struct ckpt_mm_track *track_of(struct mm_struct *mm)
{
	struct ckpt_mm_track *track = READ_ONCE(mm->ckpt_track), *old;

	if (track)
		return track;
	track = kzalloc(sizeof(*track), GFP_KERNEL_ACCOUNT);
	if (!track)
		return NULL;
	do {
		track->id = get_random_u64();
	} while (!track->id);
	old = cmpxchg(&mm->ckpt_track, NULL, track);
	if (!old)
		return track;
	kfree(track);
	return old;
}

/**
 * ckpt_mm_free - the address space is no more
 * @mm:		the address space
 */
void ckpt_mm_free(struct mm_struct *mm)
{
	kfree(mm->ckpt_track);
	mm->ckpt_track = NULL;
}

/**
 * ckpt_track_id - the name of an address space in all images of a chain
 * @mm:		the address space
 *
 * Return: the name, or 0 if there is no memory to keep it in.
 */
u64 ckpt_track_id(struct mm_struct *mm)
{
	struct ckpt_mm_track *track = track_of(mm);

	return track ? track->id : 0;
}

/**
 * ckpt_track_is_over - have writes been tracked since an image?
 * @mm:		the address space
 * @parent_id:	the image
 *
 * Return: true if a page that is not soft-dirty is as that image has it.
 */
bool ckpt_track_is_over(struct mm_struct *mm, const u8 *parent_id)
{
	struct ckpt_mm_track *track = READ_ONCE(mm->ckpt_track);

	return track && track->over && !memcmp(track->epoch, parent_id, CKPT_ID_BYTES);
}

/**
 * ckpt_track_lost - someone else has cleared the soft-dirty bits
 * @mm:		the address space
 *
 * The caller holds the mmap lock for writing.
 */
void ckpt_track_lost(struct mm_struct *mm)
{
	struct ckpt_mm_track *track = mm->ckpt_track;

	if (track)
		track->over = false;
}

/**
 * ckpt_mm_is_tracked - are soft-dirty bits of use to us?
 * @mm:		the address space
 *
 * Then mremap() must move page table entries one by one, which marks them,
 * and not whole page tables.
 *
 * Return: true if they are.
 */
bool ckpt_mm_is_tracked(struct mm_struct *mm)
{
	struct ckpt_mm_track *track = READ_ONCE(mm->ckpt_track);

	return track && track->over;
}

/* A device may write to a pinned page at any time, and no fault will tell. */
static bool may_be_pinned(struct vm_area_struct *vma, unsigned long addr, pte_t pte)
{
	struct folio *folio;

	if (!pte_write(pte) || !is_cow_mapping(vma->vm_flags) ||
	    !test_bit(MMF_HAS_PINNED, &vma->vm_mm->flags))
		return false;
	folio = vm_normal_folio(vma, addr, pte);
	return folio && folio_maybe_dma_pinned(folio);
}

static int clean_pte(pte_t *pte, unsigned long addr, unsigned long next,
		     struct mm_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;
	pte_t entry = ptep_get(pte);

	if (pte_present(entry)) {
		pte_t old;

		if (may_be_pinned(vma, addr, entry))
			return 0;
		old = ptep_modify_prot_start(vma, addr, pte);
		entry = pte_clear_soft_dirty(pte_wrprotect(old));
		ptep_modify_prot_commit(vma, addr, pte, old, entry);
	} else if (is_swap_pte(entry)) {
		set_pte_at(walk->mm, addr, pte, pte_swp_clear_soft_dirty(entry));
	}
	return 0;
}

static int clean_pmd(pmd_t *pmd, unsigned long addr, unsigned long next,
		     struct mm_walk *walk)
{
	cond_resched();
	return 0;
}

/* Only private memory is tracked: what is shared is always written in full. */
static int skip_shared(unsigned long addr, unsigned long next, struct mm_walk *walk)
{
	return (walk->vma->vm_flags & (VM_MAYSHARE | VM_PFNMAP | VM_HUGETLB)) != 0;
}

static const struct mm_walk_ops clean_ops = {
	.pmd_entry	= clean_pmd,
	.pte_entry	= clean_pte,
	.test_walk	= skip_shared,
	.walk_lock	= PGWALK_WRLOCK,
};

/**
 * ckpt_track_reset - track writes from now on
 * @mm:		the address space
 * @image_id:	the image that has it as it is now
 *
 * Return: 0 or a negative error; then writes are not tracked at all.
 */
int ckpt_track_reset(struct mm_struct *mm, const u8 *image_id)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct ckpt_mm_track *track = track_of(mm);
	struct mmu_notifier_range range;
	struct vm_area_struct *vma;
	int ret;

	if (!track)
		return -ENOMEM;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	track->over = false;
	for_each_vma(vmi, vma) {
		if (!(vma->vm_flags & VM_SOFTDIRTY))
			continue;
		vm_flags_clear(vma, VM_SOFTDIRTY);
		vma_set_page_prot(vma);
	}
	inc_tlb_flush_pending(mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_SOFT_DIRTY, 0, mm, 0, -1UL);
	mmu_notifier_invalidate_range_start(&range);
	ret = walk_page_range(mm, 0, -1, &clean_ops, NULL);
	mmu_notifier_invalidate_range_end(&range);
	flush_tlb_mm(mm);
	dec_tlb_flush_pending(mm);
	if (!ret) {
		memcpy(track->epoch, image_id, CKPT_ID_BYTES);
		track->over = true;
	}
	mmap_write_unlock(mm);
	return ret;
}

/**
 * ckpt_track_adopt - go on tracking what has been restored from an image
 * @mm:		the address space
 * @id:		its name in the chain
 * @image_id:	the image
 *
 * Return: 0 or a negative error.
 */
int ckpt_track_adopt(struct mm_struct *mm, u64 id, const u8 *image_id)
{
	struct ckpt_mm_track *track = track_of(mm);

	if (!track)
		return -ENOMEM;
	track->id = id;
	return ckpt_track_reset(mm, image_id);
}
