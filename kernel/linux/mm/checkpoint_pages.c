// SPDX-License-Identifier: GPL-2.0
/*
 * Write the pages of address spaces and of shared memory.
 *
 * The mmap lock is held only while a batch of pages is collected, never while
 * it is written.
 */
#include <linux/checkpoint_mm.h>
#include <linux/ckpt_lazy.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pagewalk.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "ckpt_dump.h"
#include "ckpt_track.h"

/* As many as a full record has if every other page is left to a parent. */
#define BATCH_EXTENTS	(2 * CKPT_RECORD_PAGES)

/* The payload of the first record; each has twice as much, so that writing begins soon. */
#define FIRST_PAGES	128

/**
 * struct page_batch - one PAGES record in the making, and perhaps one that is being written
 * @ctx:	the checkpoint
 * @objref:	whose pages they are
 * @room:	so many pages make a record
 * @nr_extents:	number of extents
 * @nr_pages:	number of pages
 * @pages:	the pages: one of @arrays
 * @behind:	those of the other are still being written, or NULL
 * @nr_behind:	how many stand there
 * @extents:	the extents
 * @arrays:	room for both
 */
struct page_batch {
	struct ckpt_ctx *ctx;
	u32 objref;
	unsigned int room;
	unsigned int nr_extents;
	unsigned int nr_pages;
	struct page **pages;
	struct ckpt_page_write *behind;
	unsigned int nr_behind;
	struct ckpt_extent extents[BATCH_EXTENTS];
	struct page *arrays[2][CKPT_RECORD_PAGES];
};

/*
 * A walk over the pages of one mapping: of the address space itself, or of a
 * snapshot of it.
 */
struct page_walk {
	struct page_batch *batch;
	struct mm_struct *mm;
	struct mm_struct *tracked;
	unsigned long next;	/* where it goes on */
	bool of_file;		/* a hole shows the file, not zeroes */
	bool increment;		/* what has not changed is in the parent */
	bool share;		/* others may have the same pages */
	struct ckpt_pageset *borrowing;	/* what stands in the image as another's */
	const unsigned long *same;	/* what is in the parent, where the walk is; or not known */
};

struct page_batch *ckpt_batch_alloc(struct ckpt_ctx *ctx, u32 objref)
{
	struct page_batch *b = ctx->spare_batch ?: kvmalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);

	ctx->spare_batch = NULL;
	if (b) {
		b->ctx = ctx;
		b->objref = objref;
		b->room = FIRST_PAGES;
		b->nr_extents = 0;
		b->nr_pages = 0;
		b->pages = b->arrays[0];
		b->behind = NULL;
		b->nr_behind = 0;
	}
	return b;
}

static void drop_pages(struct page **pages, unsigned int *nr)
{
	while (*nr)
		put_page(pages[--*nr]);
}

/* What is left of the record before. */
static int finish_behind(struct page_batch *b)
{
	int ret = b->behind ? ckpt_page_write_finish(b->behind) : 0;

	b->behind = NULL;
	drop_pages(b->pages == b->arrays[0] ? b->arrays[1] : b->arrays[0], &b->nr_behind);
	return ret ? ckpt_err(b->ctx, ret, "cannot write the image") : 0;
}

/* Kept for the next: it is large, and a tree has many address spaces. */
void ckpt_batch_free(struct page_batch *b)
{
	finish_behind(b);
	drop_pages(b->pages, &b->nr_pages);
	if (b->ctx->spare_batch)
		kvfree(b);
	else
		b->ctx->spare_batch = b;
}

bool ckpt_batch_is_full(const struct page_batch *b)
{
	return b->nr_pages == b->room || b->nr_extents == BATCH_EXTENTS;
}

static void batch_add_extent(struct page_batch *b, u64 addr, u32 kind, u32 nr)
{
	struct ckpt_extent *e = b->nr_extents ? &b->extents[b->nr_extents - 1] : NULL;

	if (!e || e->kind != kind || e->nr > U32_MAX - nr ||
	    e->addr + ((u64)e->nr << PAGE_SHIFT) != addr) {
		e = &b->extents[b->nr_extents++];
		*e = (struct ckpt_extent) { .addr = addr, .kind = kind };
	}
	e->nr += nr;
}

void ckpt_batch_add(struct page_batch *b, u64 addr, u32 kind, struct page *page)
{
	batch_add_extent(b, addr, kind, 1);
	if (kind == CKPT_PAGES_DATA) {
		get_page(page);
		b->pages[b->nr_pages++] = page;
	}
}

/**
 * ckpt_batch_write - write what has been collected, so that more can be
 * @b:	the batch
 *
 * The pages may still be on their way when it returns.
 *
 * Return: 0 or a negative error.
 */
int ckpt_batch_write(struct page_batch *b)
{
	int ret = finish_behind(b);

	if (ret)
		return ret;
	ret = ckpt_write_pages_rec(b->ctx, b->objref, b->extents, b->nr_extents, b->pages,
				   b->nr_pages, &b->behind);
	b->nr_behind = b->nr_pages;
	b->pages = b->pages == b->arrays[0] ? b->arrays[1] : b->arrays[0];
	b->nr_pages = 0;
	b->nr_extents = 0;
	b->room = min(2 * b->room, CKPT_RECORD_PAGES);
	return ret;
}

/**
 * ckpt_batch_end - write what has been collected last
 * @b:	the batch
 *
 * Return: 0 or a negative error.
 */
int ckpt_batch_end(struct page_batch *b)
{
	return ckpt_batch_write(b) ?: finish_behind(b);
}

bool ckpt_page_is_zero(struct page *page)
{
	void *data = kmap_local_page(page);
	bool zero = !memchr_inv(data, 0, PAGE_SIZE);

	kunmap_local(data);
	return zero;
}

/* The audit: does the tracker agree with the contents? */
static int audit_page(struct page_walk *w, unsigned long addr, bool in_parent)
{
	struct ckpt_ctx *ctx = w->batch->ctx;
	int verdict = ckpt_track_verdict(w->tracked, addr);

	if (!in_parent && verdict > 0)
		ctx->stats.false_pages++;
	if (!in_parent || verdict >= 0)
		return 0;
	ctx->where.addr = addr;
	return ckpt_err(ctx, -EUCLEAN, "the tracker did not see that this page was written");
}

/*
 * A page that is all zero carries no payload, but is told, so that whoever leaves
 * it to this image later does not find what an older one has.
 */
static int walk_add(struct page_walk *w, unsigned long addr, struct page *page)
{
	struct checkpoint_stats *stats = &w->batch->ctx->stats;
	bool in_parent, zero;

	if (w->borrowing && ckpt_pageset_test(w->borrowing, addr))
		return 0;
	/* What is known to be in the parent has been passed over. */
	in_parent = w->increment && !w->same && ckpt_track_is_same(w->tracked, addr);
	zero = ckpt_page_is_zero(page);
	if (in_parent) {
		stats->parent_pages++;
		ckpt_batch_add(w->batch, addr, CKPT_PAGES_PARENT, NULL);
	} else if (zero) {
		stats->zero_pages++;
		ckpt_batch_add(w->batch, addr, CKPT_PAGES_ZERO, NULL);
	} else {
		ckpt_batch_add(w->batch, addr, CKPT_PAGES_DATA, page);
	}
	/* Zeroes take no page at restart that another could share. */
	if (w->share && !zero)
		ckpt_cow_written(w->batch->ctx, w->batch->objref, addr, page);
	if (w->increment && w->batch->ctx->flags & CHECKPOINT_AUDIT)
		return audit_page(w, addr, in_parent);
	return 0;
}

/* How many pages, from @addr on, are left to the parent without a look at them? */
static unsigned long walk_leave(struct page_walk *w, unsigned long addr, unsigned long end)
{
	unsigned long first = (addr >> PAGE_SHIFT) % CKPT_CHUNK_PAGES, nr;

	if (!w->same)
		return 0;
	nr = find_next_zero_bit(w->same, first + ((end - addr) >> PAGE_SHIFT), first) - first;
	if (!nr)
		return 0;
	w->batch->ctx->stats.parent_pages += nr;
	batch_add_extent(w->batch, addr, CKPT_PAGES_PARENT, nr);
	return nr;
}

/* Returns 1 when the batch is full, and then is to be called again for @addr. */
static int walk_huge(struct page_walk *w, struct vm_area_struct *vma, pmd_t entry,
		     unsigned long addr, unsigned long end)
{
	struct page *page;
	unsigned long nr;
	int ret = 0;

	w->next = addr;
	if (!pmd_present(entry))
		return 1;
	page = pmd_page(entry);
	if (is_huge_zero_pmd(entry) || !PageAnon(page))
		return 0;
	for (; addr < end && !ret; addr += nr << PAGE_SHIFT) {
		w->next = addr;
		if (ckpt_batch_is_full(w->batch))
			return 1;
		nr = walk_leave(w, addr, end);
		if (nr)
			continue;
		ret = walk_add(w, addr, page + ((addr & ~HPAGE_PMD_MASK) >> PAGE_SHIFT));
		nr = 1;
	}
	return ret;
}

/* A page that a lazy restart has left in an image, and that the parent has, too. */
static bool may_stay(struct page_walk *w, unsigned long addr, pte_t entry)
{
	return w->increment && pte_is_ckpt_lazy(entry) && ckpt_track_is_same(w->tracked, addr);
}

static int walk_pte(struct page_walk *w, struct vm_area_struct *vma, pte_t entry,
		    unsigned long addr)
{
	struct page *page;

	if (pte_none(entry))
		return 0;
	if (!pte_present(entry) && may_stay(w, addr, entry)) {
		w->batch->ctx->stats.parent_pages++;
		ckpt_batch_add(w->batch, addr, CKPT_PAGES_PARENT, NULL);
		return 0;
	}
	if (!pte_present(entry))
		return 1;
	if (is_zero_pfn(pte_pfn(entry))) {
		if (w->of_file)
			ckpt_batch_add(w->batch, addr, CKPT_PAGES_ZERO, NULL);
		return 0;
	}
	page = vm_normal_page(vma, addr, entry);
	return page && PageAnon(page) ? walk_add(w, addr, page) : 0;
}

/*
 * May pages be passed over? All that are present in anonymous memory are its own;
 * others want to know where they stand, or what is in them.
 */
static bool may_leave(const struct page_walk *w)
{
	return w->increment && !w->of_file && !w->share &&
	       !(w->batch->ctx->flags & CHECKPOINT_AUDIT);
}

static int walk_pmd(pmd_t *pmd, unsigned long addr, unsigned long end, struct mm_walk *walk)
{
	struct page_walk *w = walk->private;
	spinlock_t *ptl;	/* of the page table */
	pte_t *start, *pte;
	unsigned long nr;
	int ret = 0;

	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;
	w->same = may_leave(w) ? ckpt_track_same_chunk(w->tracked, addr) : NULL;
	ptl = pmd_trans_huge_lock(pmd, walk->vma);
	if (ptl) {
		ret = walk_huge(w, walk->vma, *pmd, addr, end);
		spin_unlock(ptl);
		return ret;
	}
	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	for (pte = start; addr < end && !ret; pte += nr, addr += nr << PAGE_SHIFT) {
		w->next = addr;
		if (ckpt_batch_is_full(w->batch)) {
			ret = 1;
			break;
		}
		nr = walk_leave(w, addr, end);
		if (nr)
			continue;
		ret = walk_pte(w, walk->vma, ptep_get(pte), addr);
		nr = 1;
	}
	pte_unmap_unlock(start, ptl);
	return ret;
}

static const struct mm_walk_ops walk_ops = {
	.pmd_entry	= walk_pmd,
	.walk_lock	= PGWALK_RDLOCK,
};

/* A page that is swapped out or on its way elsewhere. */
static int walk_bring_in(struct page_walk *w)
{
	struct ckpt_ctx *ctx = w->batch->ctx;
	struct page *page;
	int locked = 1, ret;
	long n;

	if (mmap_read_lock_killable(w->mm))
		return ckpt_err(ctx, -EINTR, "interrupted");
	n = get_user_pages_remote(w->mm, w->next, 1, FOLL_FORCE, &page, &locked);
	if (locked)
		mmap_read_unlock(w->mm);
	if (n != 1) {
		ctx->where.addr = w->next;
		return ckpt_err(ctx, n < 0 ? n : -EFAULT, "cannot bring this page into memory");
	}
	ret = walk_add(w, w->next, page);
	put_page(page);
	w->next += PAGE_SIZE;
	return ret;
}

static int dump_vma_pages(struct page_walk *w, const struct ckpt_vma *v)
{
	struct ckpt_ctx *ctx = w->batch->ctx;
	int ret;

	w->next = v->start;
	w->of_file = v->kind != CKPT_VMA_ANON;
	while (w->next < v->end) {
		if (mmap_read_lock_killable(w->mm))
			return ckpt_err(ctx, -EINTR, "interrupted");
		ret = walk_page_range(w->mm, w->next, v->end, &walk_ops, w);
		mmap_read_unlock(w->mm);
		if (ret < 0)
			return ckpt_err(ctx, ret, "interrupted");
		if (!ret)
			return 0;
		/* The walk has ended early, for one of two reasons. */
		if (ckpt_batch_is_full(w->batch))
			ret = ckpt_batch_write(w->batch);
		else
			ret = walk_bring_in(w);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * ckpt_dump_pages - write the pages of private mappings
 * @ctx:	the checkpoint
 * @mm:		where they are: the address space or a snapshot of it
 * @tracked:	the address space
 * @objref:	the objref of the address space
 * @vmas:	the mappings
 * @nr:		their number
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_dump_pages(struct ckpt_ctx *ctx, struct mm_struct *mm, struct mm_struct *tracked,
		    u32 objref, const struct ckpt_vma *vmas, unsigned int nr)
{
	struct page_walk w = {
		.mm = mm,
		.tracked = tracked,
		.increment = ckpt_track_is_over(tracked, ctx->header.parent_id),
		.share = ckpt_cow_is_wanted(ctx),
	};
	struct ckpt_pageset *own = NULL;
	unsigned int i;
	int ret = 0;

	if (!w.increment)
		ret = ckpt_lazy_complete(mm);
	if (ret)
		return ckpt_err(ctx, ret,
			"cannot bring in the pages that a lazy restart has left in its image (error %d)",
			ret);
	w.batch = ckpt_batch_alloc(ctx, objref);
	if (!w.batch)
		return -ENOMEM;
	if (w.share) {
		w.borrowing = ckpt_track_borrowing(ctx, tracked);
		if (!w.borrowing) {
			own = ckpt_pageset_alloc();
			w.borrowing = own;
		}
	}
	if (w.borrowing)
		ret = ckpt_cow_dump(ctx, mm, tracked, objref, w.increment, w.borrowing, vmas, nr);
	for (i = 0; i < nr && !ret; i++)
		ret = dump_vma_pages(&w, &vmas[i]);
	if (!ret)
		ret = ckpt_batch_end(w.batch);
	ckpt_pageset_free(own);
	ckpt_batch_free(w.batch);
	return ret;
}

static int dump_shmem_folio(struct page_batch *b, struct inode *inode, struct shmem_track *t,
			    pgoff_t index, pgoff_t *next)
{
	struct folio *folio = NULL;
	pgoff_t end;
	int ret;

	*next = index + 1;
	ret = shmem_get_folio(inode, index, 0, &folio, SGP_READ);
	if (ret)
		return ckpt_err(b->ctx, ret, "cannot read shared memory");
	if (!folio)
		return 0;
	folio_unlock(folio);
	end = folio_next_index(folio);
	for (; index < end && !ret; index++) {
		struct page *page = folio_file_page(folio, index);

		if (ckpt_page_is_zero(page)) {
			b->ctx->stats.zero_pages++;
		} else if (t && ckpt_shmem_is_same(t, index, page)) {
			b->ctx->stats.parent_pages++;
			ckpt_batch_add(b, (u64)index << PAGE_SHIFT, CKPT_PAGES_PARENT, NULL);
		} else {
			ckpt_batch_add(b, (u64)index << PAGE_SHIFT, CKPT_PAGES_DATA, page);
		}
		if (ckpt_batch_is_full(b))
			ret = ckpt_batch_write(b);
	}
	*next = end;
	folio_put(folio);
	return ret;
}

/**
 * ckpt_dump_shmem - write the pages of shared memory
 * @ctx:	the checkpoint
 * @inode:	the shared memory
 * @objref:	its objref
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_dump_shmem(struct ckpt_ctx *ctx, struct inode *inode, u32 objref)
{
	loff_t size = i_size_read(inode), pos = 0;
	struct ckpt_shmem_track rec = {};
	struct shmem_track *t;
	struct page_batch *b;
	pgoff_t next;
	int ret = 0;

	if (ckpt_dryrun(ctx))
		return 0;
	b = ckpt_batch_alloc(ctx, objref);
	if (!b)
		return -ENOMEM;
	t = ckpt_shmem_begin(ctx, inode, &rec.track_id);
	if (t)
		ret = ckpt_write_rec(ctx, CKPT_REC_SHMEM_TRACK, objref, &rec, sizeof(rec));
	while (!ret) {
		if (fatal_signal_pending(current)) {
			ret = ckpt_err(ctx, -EINTR, "interrupted");
			break;
		}
		cond_resched();
		pos = mapping_seek_hole_data(inode->i_mapping, pos, size, SEEK_DATA);
		if (pos < 0)
			break;
		ret = dump_shmem_folio(b, inode, t, pos >> PAGE_SHIFT, &next);
		pos = (loff_t)next << PAGE_SHIFT;
		if (pos >= size)
			break;
	}
	if (!ret)
		ret = ckpt_batch_end(b);
	ckpt_batch_free(b);
	return ret;
}
