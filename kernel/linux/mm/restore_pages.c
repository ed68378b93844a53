// SPDX-License-Identifier: GPL-2.0
/*
 * Fill the pages of address spaces and of shared memory from the image, and
 * from the images that it is an increment over.
 *
 * Nobody uses them yet. Payload is read straight into pinned pages.
 */
#include <linux/checkpoint_internal.h>
#include <linux/highmem.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "ckpt_lazy.h"
#include "restore.h"

#define MAX_EXTENTS	65536

/* The extents of a PAGES record, checked as far as they can be by themselves. */
struct extents {
	struct ckpt_extent *extent;
	unsigned int nr;
	u32 nr_pages;		/* that have payload */
	struct page *pages[CKPT_BATCH_PAGES];
};

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

/**
 * struct restored_shmem - shared memory that has a name in the chain
 * @file:	it
 * @objref:	its objref
 * @needed:	page numbers that are to come from parent images
 */
struct restored_shmem {
	struct file *file;
	u32 objref;
	struct maple_tree needed;
};

static void restored_shmem_free(struct restored_shmem *rs)
{
	mtree_destroy(&rs->needed);
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
	mt_init(&rs->needed);
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

static void extents_free(struct extents *x)
{
	kvfree(x->extent);
	kfree(x);
}

/* Read everything of a PAGES record up to the payload. */
static struct extents *read_extents(struct ckpt_ctx *ctx, struct ckpt_stream *s,
				    const struct ckpt_rec *rec)
{
	struct ckpt_pages head;
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
	x = kmalloc(sizeof(*x), GFP_KERNEL_ACCOUNT);
	if (!x)
		return ERR_PTR(-ENOMEM);
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
	extents_free(x);
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

/* Fill @nr pages from @s, or with zeroes if @s is NULL. */
static int fill_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
		      unsigned long addr, unsigned long nr, struct page **pages)
{
	int ret = 0;

	while (nr && !ret) {
		long n, i;

		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		n = s ? restore_fresh_pages(ctx, s, mm, addr, nr, pages) :
			leave_zeroes(mm, addr, nr);
		if (n < 0)
			return n;
		if (n) {
			addr += n << PAGE_SHIFT;
			nr -= n;
			cond_resched();
			continue;
		}
		n = restore_pin_pages(ctx, mm, addr, min(nr, CKPT_BATCH_PAGES), pages);
		if (n < 0)
			return n;
		if (s)
			ret = ckpt_read_pages(s, pages, n);
		for (i = 0; i < n && !s; i++)
			clear_highpage(pages[i]);
		unpin_user_pages_dirty_lock(pages, n, true);
		if (ret)
			return ckpt_err(ctx, ret, ret == -ENODATA ?
					"the image is truncated in a record of pages" :
					"cannot read pages from the image");
		addr += n << PAGE_SHIFT;
		nr -= n;
		cond_resched();
	}
	return ret;
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

/* @nr pages with payload in @s: read them, or leave them there. */
static int take_payload(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
			unsigned long addr, unsigned long nr, struct page **pages)
{
	while (nr && ctx->flags & RESTART_LAZY) {
		long n = leave_pages(ctx, s, mm, addr, nr);
		unsigned long now;

		if (n < 0)
			return n;
		if (!n) {
			int ret;

			/* Up to the end of this mapping; it is there, and at rest. */
			now = min(nr, (vma_end_of(mm, addr) - addr) >> PAGE_SHIFT);
			ret = fill_pages(ctx, s, mm, addr, now, pages);
			if (ret)
				return ret;
			n = now;
		}
		addr += n << PAGE_SHIFT;
		nr -= n;
	}
	return nr ? fill_pages(ctx, s, mm, addr, nr, pages) : 0;
}

/* To be found in a parent image. */
static int need_pages(struct ckpt_ctx *ctx, struct restored_mm *rm, const struct ckpt_extent *e)
{
	unsigned long first = e->addr >> PAGE_SHIFT;
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
	return mtree_store_range(&rm->needed, first, first + e->nr - 1, xa_mk_value(1),
				 GFP_KERNEL_ACCOUNT);
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
			ret = take_payload(ctx, &ctx->img, rm->mm, e->addr, e->nr, x->pages);
		else
			ret = fill_pages(ctx, NULL, rm->mm, e->addr, e->nr, x->pages);
	}
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

static int fill_shmem_range(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct file *file,
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
			ret = mtree_store_range(&rs->needed, first, first + e->nr - 1,
						xa_mk_value(1), GFP_KERNEL_ACCOUNT);
		else
			ret = fill_shmem_range(ctx, &ctx->img, file, first, e->nr, x->pages);
	}
	return ret;
}

/* Of who makes the address space. */
static int make_pages(struct ckpt_ctx *ctx, struct restored_mm *rm, void *data)
{
	int ret = rm ? restore_mm_pages(ctx, rm, data) : 0;

	extents_free(data);
	return ret;
}

/* Leave the payload to who makes the address space. */
static int leave_to_job(struct ckpt_ctx *ctx, struct extents *x)
{
	struct ckpt_stream *s = &ctx->img;
	int ret = restore_job_add(ctx, make_pages, x, s->pos - (s->buf_len - s->buf_pos), false);

	if (ret) {
		extents_free(x);
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
	x = read_extents(ctx, &ctx->img, rec);
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
	extents_free(x);
	return ret;
}

/* What takes pages from the parents: an address space or shared memory. */
struct taker {
	struct restored_mm *rm;
	struct restored_shmem *rs;
};

static int take_range(struct ckpt_ctx *ctx, struct ckpt_stream *data, const struct taker *to,
		      unsigned long first, unsigned long nr, struct page **pages)
{
	if (to->rs)
		return fill_shmem_range(ctx, data, to->rs->file, first, nr, pages);
	if (data)
		return take_payload(ctx, data, to->rm->mm, first << PAGE_SHIFT, nr, pages);
	return fill_pages(ctx, NULL, to->rm->mm, first << PAGE_SHIFT, nr, pages);
}

/* Take of a parent's extent what is still needed, and pass over the rest. */
static int take_extent(struct ckpt_ctx *ctx, struct ckpt_stream *s, const struct taker *to,
		       const struct ckpt_extent *e, struct page **pages)
{
	struct maple_tree *wanted = to->rs ? &to->rs->needed : &to->rm->needed;
	struct ckpt_stream *data = e->kind == CKPT_PAGES_DATA ? s : NULL;
	unsigned long first = e->addr >> PAGE_SHIFT, last = first + e->nr - 1, end;
	int ret = 0;

	for (; first <= last && !ret; first = end + 1) {
		MA_STATE(mas, wanted, first, first);
		bool needed;

		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		mas_lock(&mas);
		needed = mas_walk(&mas);
		end = min(mas.last, last);
		mas_unlock(&mas);
		if (needed) {
			ret = take_range(ctx, data, to, first, end - first + 1, pages);
			if (!ret)
				ret = mtree_store_range(wanted, first, end, NULL,
							GFP_KERNEL_ACCOUNT);
		} else if (data) {
			ret = ckpt_skip_pages(data, end - first + 1);
		}
	}
	return ret;
}

/* PAGES of a parent; @to is empty if they belong to nothing that we restore. */
static int take_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s, const struct ckpt_rec *rec,
		      const struct taker *to)
{
	struct extents *x = read_extents(ctx, s, rec);
	unsigned int i;
	int ret = 0;

	if (IS_ERR(x))
		return PTR_ERR(x);
	if (to->rm)
		ckpt_mm_set_owner(to->rm->mm, restart_root(ctx));
	for (i = 0; i < x->nr && !ret; i++) {
		const struct ckpt_extent *e = &x->extent[i];
		bool has = e->kind == CKPT_PAGES_DATA || (to->rm && e->kind == CKPT_PAGES_ZERO);

		if (has && (to->rm || to->rs))
			ret = take_extent(ctx, s, to, e, x->pages);
		else if (e->kind == CKPT_PAGES_DATA)
			ret = ckpt_skip_pages(s, e->nr);
	}
	if (to->rm)
		ckpt_mm_set_owner(to->rm->mm, NULL);
	extents_free(x);
	return ret;
}

/* Which of ours a parent's address space is, by its name in the chain. */
static int note_parent_mm(struct ckpt_ctx *ctx, struct ckpt_stream *s,
			  const struct ckpt_rec *rec, struct xarray *mms)
{
	struct restored_mm *rm;
	struct ckpt_mm *m;

	m = ckpt_read_payload(ctx, s, rec, sizeof(*m), sizeof(*m));
	if (IS_ERR(m))
		return PTR_ERR(m);
	rm = mtree_load(&ctx->mms, m->track_id);
	kvfree(m);
	return rm ? xa_err(xa_store(mms, rec->objref, rm, GFP_KERNEL_ACCOUNT)) : 0;
}

/* The same of shared memory. */
static int note_parent_shmem(struct ckpt_ctx *ctx, struct ckpt_stream *s,
			     const struct ckpt_rec *rec, struct xarray *shmems)
{
	struct ckpt_shmem_track *t = ckpt_read_payload(ctx, s, rec, sizeof(*t), sizeof(*t));
	struct restored_shmem *rs;

	if (IS_ERR(t))
		return PTR_ERR(t);
	rs = mtree_load(&ctx->shmem_ids, t->track_id);
	kvfree(t);
	return rs ? xa_err(xa_store(shmems, rec->objref, rs, GFP_KERNEL_ACCOUNT)) : 0;
}

static int skip_record(struct ckpt_ctx *ctx, struct ckpt_stream *s, u64 len)
{
	while (len) {
		size_t n = min_t(u64, len, PATH_MAX);
		int ret = ckpt_read(s, ctx->path_buf, n);

		if (ret)
			return ret;
		len -= n;
	}
	return 0;
}

/**
 * restore_parent_pages - take from a parent image the pages that are needed
 * @ctx:	the restart
 * @s:		the parent image, after its header
 *
 * Return: 0 when its trailer has been read and is right, or a negative error.
 */
int restore_parent_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s)
{
	struct xarray mms, shmems;
	struct ckpt_rec rec;
	int ret;

	xa_init(&mms);
	xa_init(&shmems);
	do {
		ret = fatal_signal_pending(current) ? -EINTR : ckpt_read_rec(ctx, s, &rec);
		if (ret)
			break;
		if (rec.type == CKPT_REC_TRAILER) {
			ret = ckpt_read_trailer(ctx, s, &rec);
			break;
		} else if (rec.type == CKPT_REC_MM) {
			ret = note_parent_mm(ctx, s, &rec, &mms);
		} else if (rec.type == CKPT_REC_PAGES) {
			struct taker to = {
				.rm = xa_load(&mms, rec.objref),
				.rs = xa_load(&shmems, rec.objref),
			};

			ret = to.rm && to.rs ?
			      ckpt_err(ctx, -EINVAL, "objref %u is of two kinds", rec.objref) :
			      take_pages(ctx, s, &rec, &to);
		} else if (rec.type == CKPT_REC_SHMEM_TRACK) {
			ret = note_parent_shmem(ctx, s, &rec, &shmems);
		} else {
			ret = skip_record(ctx, s, rec.len);
		}
		cond_resched();
	} while (!ret);
	xa_destroy(&mms);
	xa_destroy(&shmems);
	return ret ? ckpt_err(ctx, ret, "cannot read a parent image (error %d)", ret) : 0;
}

static void count_missing(struct maple_tree *needed, unsigned long *nr, unsigned long *first)
{
	MA_STATE(mas, needed, 0, 0);
	void *entry;

	mas_lock(&mas);
	mas_for_each(&mas, entry, ULONG_MAX) {
		if (!*nr)
			*first = mas.index << PAGE_SHIFT;
		*nr += mas.last - mas.index + 1;
	}
	mas_unlock(&mas);
}

/**
 * restore_missing_pages - have all pages been found? Then share those that are shared
 * @ctx:	the restart; all images of the chain have been read
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_missing_pages(struct ckpt_ctx *ctx)
{
	unsigned long i = 0, nr = 0, first = 0;
	struct restored_shmem *rs;
	struct restored_mm *rm;

	while ((rm = ckpt_ref_next(ctx, &i, CKPT_OBJ_MM)))
		count_missing(&rm->needed, &nr, &first);
	i = 0;
	mt_for_each(&ctx->shmem_ids, rs, i, ULONG_MAX)
		count_missing(&rs->needed, &nr, &first);
	if (!nr) {
		restore_shmem_ids_free(ctx);
		return restore_cow_pages(ctx);
	}
	ctx->where.addr = first;
	return ckpt_err(ctx, -ENODATA,
		"%lu pages, here the first, are neither in this image nor in the parents given: give the whole chain",
		nr);
}
