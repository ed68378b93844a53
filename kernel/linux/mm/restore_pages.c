// SPDX-License-Identifier: GPL-2.0
/*
 * Fill the pages of address spaces and of shared memory from the image.
 *
 * Nobody uses them yet. Payload is read straight into their pages.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_mm.h>
#include <linux/highmem.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "ckpt_lazy.h"
#include "ckpt_track.h"
#include "restore.h"
#include "restore_pages.h"

#define MAX_EXTENTS	65536

/**
 * restore_shmem_rec - make shared anonymous memory
 * @ctx:	the restart
 * @rec:	the head of the SHMEM record
 *
 * Return: 0 or a negative error.
 */
int restore_shmem_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_shmem *s;
	struct file *file;
	u64 size;

	s = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*s), sizeof(*s));
	if (IS_ERR(s))
		return PTR_ERR(s);
	size = s->size;
	kvfree(s);
	if (!size || !PAGE_ALIGNED(size) || size > TASK_SIZE_MAX)
		return ckpt_err(ctx, -EINVAL, "shared memory of %llu bytes", size);
	/* Nothing is reserved, so a size that is not backed by pages costs nothing. */
	file = shmem_file_setup("dev/zero", size, VM_NORESERVE);
	if (IS_ERR(file))
		return ckpt_err(ctx, PTR_ERR(file), "cannot make shared memory of %llu bytes",
				size);
	return ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_SHMEM, file);
}

static void restored_shmem_free(struct restored_shmem *rs)
{
	ckpt_pageset_free(rs->needed);
	fput(rs->file);
	kfree(rs);
}

/**
 * restore_shmem_track_rec - by this name shared memory is found in the parents
 * @ctx:	the restart
 * @rec:	the head of the SHMEM_TRACK record
 *
 * Return: 0 or a negative error.
 */
int restore_shmem_track_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct file *file = ckpt_ref(ctx, rec->objref, CKPT_OBJ_SHMEM);
	struct restored_shmem *rs;
	struct ckpt_shmem_track *t;
	u64 id;
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	t = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*t), sizeof(*t));
	if (IS_ERR(t))
		return PTR_ERR(t);
	id = t->track_id;
	kvfree(t);
	/* The tree keeps these for itself. */
	if (id < PAGE_SIZE || id == U64_MAX)
		return ckpt_err(ctx, -EINVAL, "shared memory that is named %llu in the chain", id);
	rs = kzalloc(sizeof(*rs), GFP_KERNEL_ACCOUNT);
	if (!rs)
		return -ENOMEM;
	rs->file = get_file(file);
	rs->objref = rec->objref;
	ret = mtree_insert(&ctx->shmem_ids, id, rs, GFP_KERNEL_ACCOUNT);
	if (ret) {
		restored_shmem_free(rs);
		return ret != -EEXIST ? ret :
		       ckpt_err(ctx, -EINVAL, "two of shared memory have the same name in the chain");
	}
	ctx->last_shmem = rs;
	return 0;
}

void restore_shmem_ids_free(struct ckpt_ctx *ctx)
{
	struct restored_shmem *rs;
	unsigned long id = 0;

	mt_for_each(&ctx->shmem_ids, rs, id, ULONG_MAX)
		restored_shmem_free(rs);
	mtree_destroy(&ctx->shmem_ids);
	ctx->last_shmem = NULL;
}

static int check_extents(struct ckpt_ctx *ctx, const struct extents *x, u32 nr_pages)
{
	u64 data = 0;
	unsigned int i;

	for (i = 0; i < x->nr; i++) {
		const struct ckpt_extent *e = &x->extent[i];

		if (!PAGE_ALIGNED(e->addr) || !e->nr || e->addr > TASK_SIZE_MAX ||
		    (u64)e->nr << PAGE_SHIFT > TASK_SIZE_MAX - e->addr ||
		    e->kind < CKPT_PAGES_DATA || e->kind > CKPT_PAGES_PARENT)
			return ckpt_err(ctx, -EINVAL, "%u pages of kind %u at 0x%llx",
					e->nr, e->kind, e->addr);
		if (e->kind == CKPT_PAGES_DATA)
			data += e->nr;
	}
	if (data != nr_pages)
		return ckpt_err(ctx, -EINVAL, "%llu pages where %u were announced", data, nr_pages);
	return 0;
}

void restore_extents_free(struct extents *x)
{
	kvfree(x->extent);
	kvfree(x);
}

/**
 * restore_read_extents - read everything of a PAGES record up to the payload
 * @ctx:	the restart
 * @s:		the image
 * @rec:	the head of the record
 * @min_runs:	there is to be room for so many runs, or for one of each extent
 *
 * Return: what it says, for restore_extents_free(); or an error pointer, which
 * has been logged.
 */
struct extents *restore_read_extents(struct ckpt_ctx *ctx, struct ckpt_stream *s,
				     const struct ckpt_rec *rec, unsigned int min_runs)
{
	struct ckpt_pages head;
	unsigned int max_runs;
	struct extents *x;
	u64 len = 0;
	int ret;

	ret = rec->len < sizeof(head) ? -EINVAL : ckpt_read(s, &head, sizeof(head));
	if (!ret)
		len = sizeof(head) + (u64)head.nr_extents * sizeof(*x->extent) + head.pad +
		      ((u64)head.nr_pages << PAGE_SHIFT);
	if (ret || !head.nr_extents || head.nr_extents > MAX_EXTENTS ||
	    head.pad >= PAGE_SIZE || head.reserved || len != rec->len)
		return ERR_PTR(ckpt_err(ctx, ret ?: -EINVAL,
					"a record of pages that is not whole"));
	max_runs = clamp(head.nr_extents, min_runs, MAX_PAGE_RUNS);
	x = kvmalloc(struct_size(x, run, max_runs), GFP_KERNEL_ACCOUNT);
	if (!x)
		return ERR_PTR(-ENOMEM);
	x->max_runs = max_runs;
	x->nr_runs = 0;
	x->skip = 0;
	x->nr = head.nr_extents;
	x->nr_pages = head.nr_pages;
	x->extent = kvmalloc_array(x->nr, sizeof(*x->extent), GFP_KERNEL_ACCOUNT);
	ret = x->extent ? ckpt_read(s, x->extent, x->nr * sizeof(*x->extent)) : -ENOMEM;
	if (!ret)
		ret = ckpt_read_padding(s, head.pad);
	if (ret == -EBADMSG)
		ret = ckpt_err(ctx, -EINVAL, "padding that is not zero");
	if (!ret)
		ret = check_extents(ctx, x, head.nr_pages);
	if (!ret)
		return x;
	restore_extents_free(x);
	return ERR_PTR(ckpt_err(ctx, ret, "cannot read a record of pages"));
}

/* Only private memory has pages of its own. */
static bool range_is_private(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	while (start < end) {
		struct vm_area_struct *vma = vma_lookup(mm, start);

		if (!vma || vma->vm_flags & (VM_MAYSHARE | VM_IO | VM_PFNMAP | VM_MIXEDMAP) ||
		    (vma->vm_ops && !vma->vm_file))
			return false;
		start = vma->vm_end;
	}
	return true;
}

/* Of hugetlbfs. */
static bool has_huge_pages(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end)
		if (vma->vm_flags & VM_HUGETLB)
			return true;
	return false;
}

/* Where the mapping ends that is known to be there. */
static unsigned long vma_end_of(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma;
	unsigned long end;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	end = vma ? vma->vm_end : addr + PAGE_SIZE;
	mmap_read_unlock(mm);
	return end;
}

/**
 * restore_is_private - has a range pages of its own, which others may share?
 * @ctx:	the restart
 * @mm:		the address space
 * @addr:	the first page
 * @nr:		number of pages
 *
 * Return: true if it has.
 */
bool restore_is_private(struct ckpt_ctx *ctx, struct mm_struct *mm, unsigned long addr,
			unsigned long nr)
{
	bool ok;

	mmap_read_lock(mm);
	ok = range_is_private(mm, addr, addr + (nr << PAGE_SHIFT)) &&
	     !has_huge_pages(mm, addr, addr + (nr << PAGE_SHIFT));
	mmap_read_unlock(mm);
	return ok;
}

/**
 * restore_pin_pages - pin pages of private memory, to be written
 * @ctx:	the restart
 * @mm:		the address space
 * @addr:	the first page
 * @nr:		how many at most
 * @pages:	takes them
 *
 * Return: how many, or a negative error, which has been logged.
 */
long restore_pin_pages(struct ckpt_ctx *ctx, struct mm_struct *mm, unsigned long addr,
		       unsigned int nr, struct page **pages)
{
	int locked = 1;
	long n = -EINVAL;

	if (mmap_read_lock_killable(mm))
		return ckpt_err(ctx, -EINTR, "interrupted");
	if (range_is_private(mm, addr, addr + ((unsigned long)nr << PAGE_SHIFT)))
		n = pin_user_pages_remote(mm, addr, nr, FOLL_WRITE | FOLL_FORCE, pages,
					  &locked);
	if (locked)
		mmap_read_unlock(mm);
	if (n > 0)
		return n;
	ctx->where.addr = addr;
	if (n == -EINVAL)
		return ckpt_err(ctx, n, "pages where no private memory is mapped");
	return ckpt_err(ctx, n ?: -EFAULT, "no memory for this page");
}

/* Zeroes of anonymous memory are there when they are looked at. Returns how many pages. */
static long leave_zeroes(struct mm_struct *mm, unsigned long addr, unsigned long nr)
{
	unsigned long n = 0;

	mmap_read_lock(mm);
	if (range_is_private(mm, addr, addr + PAGE_SIZE)) {
		struct vm_area_struct *vma = vma_lookup(mm, addr);

		if (vma_is_anonymous(vma))
			n = min(nr, (vma->vm_end - addr) >> PAGE_SHIFT);
	}
	mmap_read_unlock(mm);
	return n;
}

/**
 * restore_zeroes - have zeroes where an image has pages of them
 * @ctx:	the restart
 * @mm:		the address space
 * @addr:	the first page
 * @nr:		number of pages
 * @pages:	room for CKPT_BATCH_PAGES
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_zeroes(struct ckpt_ctx *ctx, struct mm_struct *mm, unsigned long addr,
		   unsigned long nr, struct page **pages)
{
	while (nr) {
		long n = leave_zeroes(mm, addr, nr), i;

		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		if (!n) {
			n = restore_pin_pages(ctx, mm, addr, min(nr, CKPT_BATCH_PAGES), pages);
			if (n < 0)
				return n;
			for (i = 0; i < n; i++)
				clear_highpage(pages[i]);
			unpin_user_pages_dirty_lock(pages, n, true);
		}
		addr += n << PAGE_SHIFT;
		nr -= n;
		cond_resched();
	}
	return 0;
}

/*
 * Leave as many pages in the image as may stay there. Returns how many, from
 * the first on.
 */
static long leave_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
			unsigned long addr, unsigned long nr)
{
	long n = -EINVAL;

	if (mmap_read_lock_killable(mm))
		return ckpt_err(ctx, -EINTR, "interrupted");
	if (range_is_private(mm, addr, addr + (nr << PAGE_SHIFT)))
		n = 0;
	mmap_read_unlock(mm);
	if (n) {
		ctx->where.addr = addr;
		return ckpt_err(ctx, n, "pages where no private memory is mapped");
	}
	n = ckpt_lazy_mark(ctx, mm, addr, nr, s->file, s->pos - (s->buf_len - s->buf_pos));
	if (n > 0 && ckpt_skip_pages(s, n))
		return ckpt_err(ctx, -EIO, "cannot read the image");
	return n;
}

/*
 * Of pages with payload in @s, leave some there, or read them as if the process
 * had touched them. Returns how many, from the first of @run on.
 */
static long take_some(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
		      const struct page_run *run, struct page **pages)
{
	unsigned long nr = run->nr;
	long n;
	int ret;

	if (fatal_signal_pending(current))
		return ckpt_err(ctx, -EINTR, "interrupted");
	if (ckpt_skip_pages(s, run->skip))
		return ckpt_err(ctx, -EIO, "cannot read the image");
	if (ctx->flags & RESTART_LAZY) {
		n = leave_pages(ctx, s, mm, run->addr, nr);
		if (n)
			return n;
		/* Up to the end of this mapping; it is there, and at rest. */
		nr = min(nr, (vma_end_of(mm, run->addr) - run->addr) >> PAGE_SHIFT);
	}
	n = restore_pin_pages(ctx, mm, run->addr, min(nr, CKPT_BATCH_PAGES), pages);
	if (n < 0)
		return n;
	ret = ckpt_read_pages(s, pages, n);
	unpin_user_pages_dirty_lock(pages, n, true);
	if (ret)
		return ckpt_err(ctx, ret, ret == -ENODATA ?
				"the image is truncated in a record of pages" :
				"cannot read pages from the image");
	return n;
}

/**
 * restore_take_runs - read what has been added, or leave it in the image
 * @ctx:	the restart
 * @s:		the image; its payload has been read as far as the first run
 * @mm:		the address space
 * @x:		the record; its list of runs is empty afterwards
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_take_runs(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
		      struct extents *x)
{
	struct page_run *run = x->run, *end = run + x->nr_runs;

	while (run < end) {
		long n = ctx->flags & RESTART_LAZY ? 0 :
			 restore_fresh_pages(ctx, s, mm, run, end - run);

		if (!n)
			n = take_some(ctx, s, mm, run, x->pages);
		if (n < 0)
			return n;
		for (; n && n >= run->nr; run++)
			n -= run->nr;
		if (n) {
			run->addr += n << PAGE_SHIFT;
			run->nr -= n;
			run->skip = 0;
		}
		cond_resched();
	}
	if (ckpt_skip_pages(s, x->skip))
		return ckpt_err(ctx, -EIO, "cannot read the image");
	x->nr_runs = 0;
	x->skip = 0;
	return 0;
}

/**
 * restore_add_run - pages that come next in the payload are to be taken
 * @ctx:	the restart
 * @s:		the image
 * @mm:		the address space
 * @x:		the record
 * @addr:	the first page
 * @nr:		number of pages
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_add_run(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
		    struct extents *x, unsigned long addr, unsigned long nr)
{
	struct page_run *last = x->nr_runs ? &x->run[x->nr_runs - 1] : NULL;
	int ret = 0;

	if (last && !x->skip && addr == last->addr + ((unsigned long)last->nr << PAGE_SHIFT)) {
		last->nr += nr;
		return 0;
	}
	if (x->nr_runs == x->max_runs)
		ret = restore_take_runs(ctx, s, mm, x);
	if (ret)
		return ret;
	x->run[x->nr_runs++] = (struct page_run) { .addr = addr, .nr = nr, .skip = x->skip };
	x->skip = 0;
	return 0;
}

/*
 * For a page that will come a set takes at most one chunk, an eighth of a page. An image
 * that claims more than memory can ever hold is not believed.
 */
static int need(struct ckpt_ctx *ctx, struct ckpt_pageset **set, unsigned long addr,
		unsigned long nr)
{
	if (!*set)
		*set = ckpt_pageset_alloc();
	if (!*set)
		return -ENOMEM;
	if ((*set)->bytes + nr / BITS_PER_BYTE > totalram_pages() * (PAGE_SIZE / 8))
		return ckpt_err(ctx, -ENOMEM,
				"more pages of parents than there is memory for, with %lu at 0x%lx",
				nr, addr);
	return ckpt_pageset_add(*set, addr, nr);
}

/* To be found in a parent image. */
static int need_pages(struct ckpt_ctx *ctx, struct restored_mm *rm, const struct ckpt_extent *e)
{
	bool ok;

	if (!ckpt_has_parent(ctx))
		return ckpt_err(ctx, -EINVAL, "pages of a parent in an image that has none");
	if (mmap_read_lock_killable(rm->mm))
		return ckpt_err(ctx, -EINTR, "interrupted");
	ok = range_is_private(rm->mm, e->addr, e->addr + ((u64)e->nr << PAGE_SHIFT));
	mmap_read_unlock(rm->mm);
	ctx->where.addr = e->addr;
	if (!ok)
		return ckpt_err(ctx, -EINVAL, "pages where no private memory is mapped");
	ctx->where.addr = 0;
	return need(ctx, &rm->needed, e->addr, e->nr);
}

static int restore_mm_pages(struct ckpt_ctx *ctx, struct restored_mm *rm, struct extents *x)
{
	unsigned int i;
	int ret = 0;

	ckpt_mm_set_owner(rm->mm, restart_root(ctx));
	for (i = 0; i < x->nr && !ret; i++) {
		const struct ckpt_extent *e = &x->extent[i];

		if (e->kind == CKPT_PAGES_PARENT)
			ret = need_pages(ctx, rm, e);
		else if (e->kind == CKPT_PAGES_DATA)
			ret = restore_add_run(ctx, &ctx->img, rm->mm, x, e->addr, e->nr);
		else
			ret = restore_zeroes(ctx, rm->mm, e->addr, e->nr, x->pages);
	}
	if (!ret)
		ret = restore_take_runs(ctx, &ctx->img, rm->mm, x);
	ckpt_mm_set_owner(rm->mm, NULL);
	return ret;
}

static int fill_shmem(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct address_space *mapping,
		      pgoff_t index, unsigned int nr, struct page **pages)
{
	unsigned int n = 0, i;
	int ret = 0;

	for (; n < nr && !ret; n++) {
		pages[n] = shmem_read_mapping_page(mapping, index + n);
		if (IS_ERR(pages[n])) {
			ret = ckpt_err(ctx, PTR_ERR(pages[n]), "no memory for shared pages");
			break;
		}
	}
	if (!ret) {
		ret = ckpt_read_pages(s, pages, n);
		if (ret)
			ckpt_err(ctx, ret, "cannot read pages from the image");
	}
	for (i = 0; i < n; i++) {
		set_page_dirty_lock(pages[i]);
		put_page(pages[i]);
	}
	return ret;
}

/**
 * restore_shmem_range - fill pages of shared memory from an image
 * @ctx:	the restart
 * @s:		the image
 * @file:	the shared memory
 * @index:	number of the first page
 * @nr:		number of pages
 * @pages:	room for CKPT_BATCH_PAGES
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_shmem_range(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct file *file,
			pgoff_t index, unsigned long nr, struct page **pages)
{
	while (nr) {
		unsigned int n = min(nr, CKPT_BATCH_PAGES);
		int ret;

		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		cond_resched();
		ret = fill_shmem(ctx, s, file->f_mapping, index, n, pages);
		if (ret)
			return ret;
		index += n;
		nr -= n;
	}
	return 0;
}

static int restore_shmem_pages(struct ckpt_ctx *ctx, struct file *file, u32 objref,
			       struct extents *x)
{
	u64 size = PAGE_ALIGN(i_size_read(file_inode(file)));
	struct restored_shmem *rs = ctx->last_shmem;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < x->nr && !ret; i++) {
		const struct ckpt_extent *e = &x->extent[i];
		pgoff_t first = e->addr >> PAGE_SHIFT;
		bool in_parent = e->kind == CKPT_PAGES_PARENT && ckpt_has_parent(ctx) &&
				 rs && rs->objref == objref;

		if ((e->kind != CKPT_PAGES_DATA && !in_parent) || e->addr >= size ||
		    (u64)e->nr << PAGE_SHIFT > size - e->addr)
			return ckpt_err(ctx, -EINVAL,
					"%u pages of kind %u at 0x%llx of shared memory",
					e->nr, e->kind, e->addr);
		if (in_parent)
			ret = need(ctx, &rs->needed, e->addr, e->nr);
		else
			ret = restore_shmem_range(ctx, &ctx->img, file, first, e->nr, x->pages);
	}
	return ret;
}

/* Of who makes the address space. */
static int make_pages(struct ckpt_ctx *ctx, struct restored_mm *rm, void *data)
{
	int ret = rm ? restore_mm_pages(ctx, rm, data) : 0;

	restore_extents_free(data);
	return ret;
}

/* Leave the payload to who makes the address space. */
static int leave_to_job(struct ckpt_ctx *ctx, struct extents *x)
{
	struct ckpt_stream *s = &ctx->img;
	int ret = restore_job_add(ctx, make_pages, x, s->pos - (s->buf_len - s->buf_pos), false);

	if (ret) {
		restore_extents_free(x);
		return ret;
	}
	return ckpt_skip_pages(s, x->nr_pages);
}

/**
 * restore_pages_rec - fill pages of an address space, of shared memory or a file
 * @ctx:	the restart
 * @rec:	the head of the PAGES record
 *
 * Return: 0 or a negative error.
 */
int restore_pages_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	int type = ckpt_ref_type(ctx, rec->objref);
	void *obj = ckpt_ref(ctx, rec->objref, type == CKPT_OBJ_SHMEM ||
			     type == CKPT_OBJ_CONTENTS || type == CKPT_OBJ_HUGETLB ?
			     type : CKPT_OBJ_MM);
	struct extents *x;
	int ret;

	if (IS_ERR(obj))
		return PTR_ERR(obj);
	x = restore_read_extents(ctx, &ctx->img, rec, 1);
	if (IS_ERR(x))
		return PTR_ERR(x);
	if (type == CKPT_OBJ_MM && restore_job_is_open(ctx, obj))
		return leave_to_job(ctx, x);
	if (type == CKPT_OBJ_MM)
		restore_settle_mm(ctx, obj);
	ret = type == CKPT_OBJ_SHMEM ? restore_shmem_pages(ctx, obj, rec->objref, x) :
	      type == CKPT_OBJ_CONTENTS ? restore_contents_pages(ctx, obj, x->extent, x->nr) :
	      type == CKPT_OBJ_HUGETLB ?
	      restore_hugetlb_pages(ctx, obj, x->extent, x->nr, x->pages) :
	      restore_mm_pages(ctx, obj, x);
	restore_extents_free(x);
	return ret;
}
