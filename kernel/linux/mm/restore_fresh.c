// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of an address space that nobody uses yet: they are read into memory
 * that need not be zero, and mapped when they are whole. No fault is taken.
 */
#include <linux/checkpoint_internal.h>
#include <linux/gfp.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/rmap.h>
#include <linux/swap.h>

#include "internal.h"
#include "restore.h"

/*
 * How many pages from @addr on may be made so, all in one page table: of small
 * pages in private anonymous memory. Locked memory is there already.
 */
static long fresh_pages(struct mm_struct *mm, unsigned long addr, unsigned long nr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	unsigned long end;

	if (!vma || !vma_is_anonymous(vma) || vma->vm_flags & (VM_LOCKED | VM_SHARED) ||
	    thp_vma_allowable_order(vma, vma->vm_flags, TVA_IN_PF | TVA_ENFORCE_SYSFS,
				    PMD_ORDER))
		return 0;
	if (anon_vma_prepare(vma))
		return -ENOMEM;
	end = min(addr + (nr << PAGE_SHIFT), vma->vm_end);
	return (pmd_addr_end(addr, end) - addr) >> PAGE_SHIFT;
}

static long alloc_pages_for(struct mm_struct *mm, long nr, struct page **pages)
{
	long i, n;

	memset(pages, 0, nr * sizeof(*pages));
	n = alloc_pages_bulk_array(GFP_HIGHUSER_MOVABLE, nr, pages);
	if (!n) {
		pages[0] = alloc_page(GFP_HIGHUSER_MOVABLE);
		n = !!pages[0];
	}
	for (i = 0; i < n; i++)
		if (mem_cgroup_charge(page_folio(pages[i]), mm, GFP_KERNEL))
			break;
	while (n > i)
		put_page(pages[--n]);
	return n ?: -ENOMEM;
}

static pte_t fresh_entry(struct vm_area_struct *vma, struct page *page)
{
	pte_t entry = pte_sw_mkyoung(mk_pte(page, vma->vm_page_prot));

	return vma->vm_flags & VM_WRITE ? pte_mkwrite(pte_mkdirty(entry), vma) : entry;
}

/* Map @nr pages, and take them over. Returns how many were mapped. */
static long map_fresh(struct mm_struct *mm, unsigned long addr, long nr, struct page **pages)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	spinlock_t *ptl;	/* of the page table */
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;
	pte_t *pte;
	long i;

	p4d = vma ? p4d_alloc(mm, pgd_offset(mm, addr), addr) : NULL;
	pud = p4d ? pud_alloc(mm, p4d, addr) : NULL;
	pmd = pud ? pmd_alloc(mm, pud, addr) : NULL;
	if (!pmd || pte_alloc(mm, pmd))
		return 0;
	pte = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!pte)
		return 0;
	for (i = 0; i < nr && pte_none(ptep_get(pte + i)); i++, addr += PAGE_SIZE) {
		struct folio *folio = page_folio(pages[i]);

		__folio_mark_uptodate(folio);
		folio_add_new_anon_rmap(folio, vma, addr, RMAP_EXCLUSIVE);
		folio_add_lru_vma(folio, vma);
		set_pte_at(mm, addr, pte + i, fresh_entry(vma, pages[i]));
	}
	add_mm_counter(mm, MM_ANONPAGES, i);
	pte_unmap_unlock(pte, ptl);
	return i;
}

/**
 * restore_fresh_pages - make pages and read their contents
 * @ctx:	the restart
 * @s:		the image
 * @mm:		the address space, which nobody uses yet
 * @addr:	the first page
 * @nr:		how many there are
 * @pages:	room for CKPT_BATCH_PAGES
 *
 * Return: how many have been made, from the first on; 0 if they are not for
 * this way, and nothing has been read; or a negative error, which has been logged.
 */
long restore_fresh_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
			 unsigned long addr, unsigned long nr, struct page **pages)
{
	long n, done = 0;
	int ret;

	if (mmap_read_lock_killable(mm))
		return ckpt_err(ctx, -EINTR, "interrupted");
	n = fresh_pages(mm, addr, min(nr, CKPT_BATCH_PAGES));
	mmap_read_unlock(mm);
	if (n > 0)
		n = alloc_pages_for(mm, n, pages);
	if (n <= 0)
		return n ? ckpt_err(ctx, n, "no memory for its pages") : 0;
	ret = ckpt_read_pages(s, pages, n);
	if (!ret) {
		mmap_read_lock(mm);
		done = map_fresh(mm, addr, n, pages);
		mmap_read_unlock(mm);
	}
	if (!ret && done < n)
		ret = -EEXIST;
	while (n > done)
		put_page(pages[--n]);
	if (!ret)
		return n;
	ctx->where.addr = addr;
	return ckpt_err(ctx, ret == -EEXIST ? -EINVAL : ret,
			ret == -ENODATA ? "the image is truncated in a record of pages" :
			ret == -EEXIST ?
			"the image has a page twice, or there is no memory for it" :
			"cannot read pages from the image");
}
