// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that several address spaces shared copy-on-write are shared again.
 *
 * To share them as fork() does, a mapping has to descend from the other one
 * (anon_vma) before it has pages of its own: that is seen to when the record is
 * read. The pages follow when all others have come. What cannot be shared is copied.
 */
#include <linux/checkpoint_mm.h>
#include <linux/ckpt_lazy.h>
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <asm/tlbflush.h>

#include "ckpt_track.h"
#include "internal.h"
#include "restore.h"

/* A COW record, until all pages have come. */
struct cow_record {
	struct list_head node;
	unsigned int nr;
	struct ckpt_cow *run;
};

/* As fork() holds them. */
static int lock_both(struct mm_struct *from, struct mm_struct *to)
{
	if (mmap_write_lock_killable(from))
		return -EINTR;
	mmap_write_lock_nested(to, SINGLE_DEPTH_NESTING);
	return 0;
}

static void unlock_both(struct mm_struct *from, struct mm_struct *to)
{
	mmap_write_unlock(to);
	mmap_write_unlock(from);
}

static bool is_range(u64 addr, u32 nr)
{
	return PAGE_ALIGNED(addr) && nr && addr <= TASK_SIZE_MAX &&
	       (u64)nr << PAGE_SHIFT <= TASK_SIZE_MAX - addr;
}

static int check_run(struct ckpt_ctx *ctx, struct restored_mm *rm, const struct ckpt_cow *run,
		     u64 prev_end)
{
	struct restored_mm *from;
	int ret;

	ctx->where.addr = run->addr;
	if (!is_range(run->addr, run->nr) || !is_range(run->from_addr, run->nr) ||
	    run->addr < prev_end)
		return ckpt_err(ctx, -EINVAL, "%u shared pages that are 0x%llx elsewhere",
				run->nr, run->from_addr);
	from = ckpt_ref(ctx, run->from, CKPT_OBJ_MM);
	if (IS_ERR(from))
		return PTR_ERR(from);
	if (from == rm)
		return ckpt_err(ctx, -EINVAL, "shared pages of the address space itself");
	ret = restore_wait_built(ctx, from);
	if (ret)
		return ret;
	if (!restore_is_private(ctx, rm->mm, run->addr, run->nr) ||
	    !restore_is_private(ctx, from->mm, run->from_addr, run->nr))
		return ckpt_err(ctx, -EINVAL, "shared pages where no private memory is mapped");
	ctx->where.addr = 0;
	return 0;
}

/* An increment over this image cannot leave them to it. */
static int note_borrowed(struct restored_mm *rm, const struct ckpt_cow *run)
{
	if (!rm->borrowed)
		rm->borrowed = ckpt_pageset_alloc();
	return rm->borrowed ? ckpt_pageset_add(rm->borrowed, run->addr, run->nr) : -ENOMEM;
}

/* Of several, the one made last: it descends from the others, if they are related. */
static u32 nearest(const struct cow_record *r, unsigned int i, unsigned long end)
{
	u32 from = 0;

	for (; i < r->nr && r->run[i].addr < end; i++)
		if (r->run[i].addr == r->run[i].from_addr && r->run[i].from > from)
			from = r->run[i].from;
	return from;
}

/* The page table of @addr, made if need be; NULL if there is no memory for it. */
static pmd_t *make_table(struct mm_struct *mm, unsigned long addr)
{
	p4d_t *p4d = p4d_alloc(mm, pgd_offset(mm, addr), addr);
	pud_t *pud = p4d ? pud_alloc(mm, p4d, addr) : NULL;
	pmd_t *pmd = pud ? pmd_alloc(mm, pud, addr) : NULL;

	return !pmd || pmd_trans_huge(*pmd) || pte_alloc(mm, pmd) ? NULL : pmd;
}

/* Pages of its own, which come first, must not make a huge page where others are shared. */
static void make_tables(struct restored_mm *rm, const struct ckpt_cow *run)
{
	unsigned long end = run->addr + ((unsigned long)run->nr << PAGE_SHIFT), addr;

	mmap_read_lock(rm->mm);
	for (addr = run->addr; addr < end; addr = pmd_addr_end(addr, end))
		if (!make_table(rm->mm, addr))
			break;
	mmap_read_unlock(rm->mm);
}

/* Without, the pages are copied. */
static int descend(struct ckpt_ctx *ctx, struct restored_mm *rm, const struct cow_record *r)
{
	unsigned long done = 0;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < r->nr && !ret; i++) {
		struct vm_area_struct *vma, *other;
		struct restored_mm *from;
		unsigned long end;
		u32 objref;

		if (r->run[i].addr < done)
			continue;
		mmap_read_lock(rm->mm);
		vma = vma_lookup(rm->mm, r->run[i].addr);
		end = vma ? vma->vm_end : 0;
		mmap_read_unlock(rm->mm);
		done = end;
		objref = nearest(r, i, end);
		if (!objref)
			continue;
		from = ckpt_ref(ctx, objref, CKPT_OBJ_MM);
		ret = lock_both(from->mm, rm->mm);
		if (ret)
			break;
		vma = vma_lookup(rm->mm, r->run[i].addr);
		other = vma_lookup(from->mm, r->run[i].addr);
		if (vma && other && !vma->anon_vma && !anon_vma_prepare(other))
			ret = anon_vma_fork(vma, other);
		unlock_both(from->mm, rm->mm);
		cond_resched();
	}
	return ret;
}

static void cow_record_free(struct cow_record *r)
{
	kvfree(r->run);
	kfree(r);
}

/* Of who makes the address space, which has its mappings and no pages yet. */
static int make_cow(struct ckpt_ctx *ctx, struct restored_mm *rm, void *data)
{
	struct cow_record *r = data;
	u64 prev_end = 0;
	unsigned int i;
	int ret = 0;

	if (!rm) {
		cow_record_free(r);
		return 0;
	}
	list_add_tail(&r->node, &rm->cows);
	for (i = 0; i < r->nr && !ret; i++) {
		ret = check_run(ctx, rm, &r->run[i], prev_end);
		prev_end = r->run[i].addr + ((u64)r->run[i].nr << PAGE_SHIFT);
	}
	for (i = 0; i < r->nr && !ret; i++) {
		make_tables(rm, &r->run[i]);
		ret = note_borrowed(rm, &r->run[i]);
	}
	return ret ?: descend(ctx, rm, r);
}

/*
 * All that it speaks of has been read before: nobody waits for one who may be
 * waiting for him.
 */
static int check_order(struct ckpt_ctx *ctx, const struct cow_record *r)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++) {
		struct restored_mm *from = ckpt_ref(ctx, r->run[i].from, CKPT_OBJ_MM);

		if (IS_ERR(from))
			return PTR_ERR(from);
	}
	return 0;
}

/**
 * restore_cow_rec - pages that are another address space's, too
 * @ctx:	the restart
 * @rec:	the head of the COW record
 *
 * Return: 0 or a negative error.
 */
int restore_cow_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_mm *rm = ckpt_ref(ctx, rec->objref, CKPT_OBJ_MM);
	struct cow_record *r;
	int ret;

	if (IS_ERR(rm))
		return PTR_ERR(rm);
	if (!rec->len || rec->len % sizeof(*r->run))
		return ckpt_err(ctx, -EINVAL, "a record of shared pages that is not whole");
	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	r->nr = rec->len / sizeof(*r->run);
	r->run = ckpt_read_payload(ctx, &ctx->img, rec, rec->len, rec->len);
	if (IS_ERR(r->run)) {
		ret = PTR_ERR(r->run);
		kfree(r);
		return ret;
	}
	if (restore_job_is_open(ctx, rm)) {
		ret = check_order(ctx, r);
		if (!ret)
			ret = restore_job_add(ctx, make_cow, r, 0, true);
		if (ret)
			cow_record_free(r);
		return ret;
	}
	restore_settle_mm(ctx, rm);
	return make_cow(ctx, rm, r);
}

/* Would whoever looks for the mappings of @folio find one in @vma? */
static bool is_related(struct vm_area_struct *vma, struct folio *folio)
{
	struct anon_vma *anon_vma = folio_anon_vma(folio);
	struct anon_vma_chain *avc;

	if (folio_test_ksm(folio))
		return true;
	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		if (avc->anon_vma == anon_vma)
			return true;
	return false;
}

/* Both page tables are locked. Returns false if the page has to be copied. */
static bool share_entry(struct vm_area_struct *to, struct vm_area_struct *from,
			unsigned long addr, pte_t *to_pte, pte_t *from_pte)
{
	pte_t entry = ptep_get(from_pte);
	struct folio *folio;
	struct page *page;

	if (!pte_none(ptep_get(to_pte)))
		return false;
	if (pte_is_ckpt_lazy(entry) && !(to->vm_flags & VM_LOCKED)) {
		set_pte_at(to->vm_mm, addr, to_pte, pte_ckpt_lazy_moved(entry));
		return true;
	}
	page = pte_present(entry) ? vm_normal_page(from, addr, entry) : NULL;
	if (!page || !PageAnon(page))
		return false;
	folio = page_folio(page);
	if (!is_related(to, folio))
		return false;
	folio_get(folio);
	if (folio_try_dup_anon_rmap_pte(folio, page, from)) {
		folio_put(folio);
		return false;
	}
	if (pte_write(entry))
		ptep_set_wrprotect(from->vm_mm, addr, from_pte);
	inc_mm_counter(to->vm_mm, MM_ANONPAGES);
	set_pte_at(to->vm_mm, addr, to_pte,
		   pte_mkold(pte_wrprotect(mk_pte(page, to->vm_page_prot))));
	return true;
}

static pte_t *alloc_entry(struct mm_struct *mm, unsigned long addr, spinlock_t **ptl)
{
	pmd_t *pmd = make_table(mm, addr);

	return pmd ? pte_offset_map_lock(mm, pmd, addr, ptl) : NULL;
}

/* In one page table, from the same addresses. Returns how many have been shared. */
static unsigned long share_table(struct mm_struct *to_mm, struct mm_struct *from_mm,
				 unsigned long addr, unsigned long nr)
{
	struct vm_area_struct *to = vma_lookup(to_mm, addr), *from = vma_lookup(from_mm, addr);
	spinlock_t *to_ptl, *from_ptl;	/* of the page tables */
	pte_t *to_pte, *from_pte;
	unsigned long n = 0, end;
	pmd_t *pmd;

	if (!to || !from || !to->anon_vma || !from->anon_vma ||
	    linear_page_index(to, addr) != linear_page_index(from, addr))
		return 0;
	pmd = mm_find_pmd(from_mm, addr);
	if (pmd && pmd_trans_huge(*pmd)) {
		split_huge_pmd(from, pmd, addr);
		pmd = mm_find_pmd(from_mm, addr);
	}
	if (!pmd || pmd_trans_huge(*pmd))
		return 0;
	end = min3(addr + (nr << PAGE_SHIFT), to->vm_end, from->vm_end);
	end = pmd_addr_end(addr, end);
	to_pte = alloc_entry(to_mm, addr, &to_ptl);
	if (!to_pte)
		return 0;
	from_pte = pte_offset_map_nolock(from_mm, pmd, addr, &from_ptl);
	if (from_pte) {
		spin_lock_nested(from_ptl, SINGLE_DEPTH_NESTING);
		/* As fork does: whoever pins a page without locks must see that. */
		raw_write_seqcount_begin(&from_mm->write_protect_seq);
		while (addr < end && share_entry(to, from, addr, to_pte + n, from_pte + n)) {
			addr += PAGE_SIZE;
			n++;
		}
		raw_write_seqcount_end(&from_mm->write_protect_seq);
		pte_unmap_unlock(from_pte, from_ptl);
	}
	pte_unmap_unlock(to_pte, to_ptl);
	return n;
}

static int copy_over(struct ckpt_ctx *ctx, struct mm_struct *to, unsigned long addr,
		     struct mm_struct *from, unsigned long from_addr)
{
	struct page *source, *page;
	int locked = 1;
	long n;

	if (mmap_read_lock_killable(from))
		return ckpt_err(ctx, -EINTR, "interrupted");
	n = get_user_pages_remote(from, from_addr, 1, FOLL_FORCE, &source, &locked);
	if (locked)
		mmap_read_unlock(from);
	if (n != 1) {
		ctx->where.addr = from_addr;
		return ckpt_err(ctx, n < 0 ? n : -EFAULT, "cannot read a page that is shared");
	}
	n = restore_pin_pages(ctx, to, addr, 1, &page);
	if (n == 1) {
		copy_highpage(page, source);
		unpin_user_pages_dirty_lock(&page, 1, true);
	}
	put_page(source);
	return n < 0 ? n : 0;
}

static int share_run(struct ckpt_ctx *ctx, struct restored_mm *rm, const struct ckpt_cow *run)
{
	struct restored_mm *from = ckpt_ref(ctx, run->from, CKPT_OBJ_MM);
	unsigned long addr = run->addr, from_addr = run->from_addr, nr = run->nr;
	struct ckpt_mm_track *track = ckpt_track_of(rm->mm);
	int ret = restore_wait_done(from);

	if (ret || !track)
		return ret ?: -ENOMEM;
	/* Markers of pages that are still in an image may be among them. */
	if (!track->lazy)
		ret = ckpt_lazy_dup(rm->mm, from->mm);
	while (nr && !ret) {
		unsigned long n = 0;

		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		if (addr == from_addr) {
			ret = lock_both(from->mm, rm->mm);
			if (ret)
				break;
			n = share_table(rm->mm, from->mm, addr, nr);
			unlock_both(from->mm, rm->mm);
		}
		if (!n) {
			ret = copy_over(ctx, rm->mm, addr, from->mm, from_addr);
			n = 1;
		}
		addr += n << PAGE_SHIFT;
		from_addr += n << PAGE_SHIFT;
		nr -= n;
		cond_resched();
	}
	return ret;
}

/**
 * restore_cow_share - share what an address space shared
 * @ctx:	the restart, or that of who helps with it
 * @rm:		the address space: all pages have come that it and the others do not share
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_cow_share(struct ckpt_ctx *ctx, struct restored_mm *rm)
{
	struct cow_record *r;
	unsigned int i;
	int ret = 0;

	if (list_empty(&rm->cows))
		return 0;
	ckpt_mm_set_owner(rm->mm, restart_root(ctx->main ?: ctx));
	list_for_each_entry(r, &rm->cows, node)
		for (i = 0; i < r->nr && !ret; i++)
			ret = share_run(ctx, rm, &r->run[i]);
	ckpt_mm_set_owner(rm->mm, NULL);
	restore_cow_put(rm);
	return ret ? ckpt_err(ctx, ret, "cannot share pages again (error %d)", ret) : 0;
}

/**
 * restore_cow_pages - share what was shared, and has not been shared yet
 * @ctx:	the restart; all pages that are no one else's have come
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_cow_pages(struct ckpt_ctx *ctx)
{
	struct restored_mm *rm;
	unsigned long i = 0;
	int ret = 0;

	while (!ret && (rm = ckpt_ref_next(ctx, &i, CKPT_OBJ_MM)))
		ret = restore_cow_share(ctx, rm);
	return ret;
}

void restore_cow_put(struct restored_mm *rm)
{
	struct cow_record *r, *next;

	list_for_each_entry_safe(r, next, &rm->cows, node) {
		list_del(&r->node);
		cow_record_free(r);
	}
}
