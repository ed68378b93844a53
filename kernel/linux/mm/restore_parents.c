// SPDX-License-Identifier: GPL-2.0
/*
 * The pages that an increment leaves to the images it stands on. They are read
 * from the newest to the oldest; of each, what is still needed is taken.
 */
#include <linux/checkpoint_mm.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#include "ckpt_track.h"
#include "restore.h"
#include "restore_pages.h"

/* What takes pages from the parents: an address space or shared memory. */
struct taker {
	struct restored_mm *rm;
	struct restored_shmem *rs;
};

static int take_range(struct ckpt_ctx *ctx, struct ckpt_stream *s, const struct taker *to,
		      struct extents *x, bool zero, unsigned long addr, unsigned long nr)
{
	u32 skip = x->skip;

	if (zero)
		return restore_zeroes(ctx, to->rm->mm, addr, nr, x->pages);
	if (to->rm)
		return restore_add_run(ctx, s, to->rm->mm, x, addr, nr);
	x->skip = 0;
	if (ckpt_skip_pages(s, skip))
		return ckpt_err(ctx, -EIO, "cannot read the image");
	return restore_shmem_range(ctx, s, to->rs->file, addr >> PAGE_SHIFT, nr, x->pages);
}

/* Take of a parent's extent what is still needed, and pass over the rest. */
static int take_extent(struct ckpt_ctx *ctx, struct ckpt_stream *s, const struct taker *to,
		       const struct ckpt_extent *e, struct extents *x)
{
	struct ckpt_pageset *wanted = to->rs ? to->rs->needed : to->rm->needed;
	unsigned long at = e->addr, end = at + ((unsigned long)e->nr << PAGE_SHIFT), next, nr;
	bool zero = e->kind == CKPT_PAGES_ZERO;
	int ret = 0;

	for (; at < end && !ret; at = next + (nr << PAGE_SHIFT)) {
		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		next = at;
		nr = wanted ? ckpt_pageset_next(wanted, &next, end) : 0;
		if (!nr)
			next = end;
		if (!zero)
			x->skip += (next - at) >> PAGE_SHIFT;
		if (!nr)
			break;
		ckpt_pageset_remove(wanted, next, nr);
		ret = take_range(ctx, s, to, x, zero, next, nr);
	}
	return ret;
}

/* PAGES of a parent; @to is empty if they belong to nothing that we restore. */
static int take_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s, const struct ckpt_rec *rec,
		      const struct taker *to)
{
	struct extents *x = restore_read_extents(ctx, s, rec, MAX_PAGE_RUNS);
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
			ret = take_extent(ctx, s, to, e, x);
		else if (e->kind == CKPT_PAGES_DATA)
			x->skip += e->nr;
	}
	if (!ret)
		ret = restore_take_runs(ctx, s, to->rm ? to->rm->mm : NULL, x);
	if (to->rm)
		ckpt_mm_set_owner(to->rm->mm, NULL);
	restore_extents_free(x);
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

static void count_missing(const struct ckpt_pageset *needed, unsigned long *nr,
			  unsigned long *first)
{
	unsigned long addr = 0, n;

	while (needed) {
		n = ckpt_pageset_next(needed, &addr, TASK_SIZE_MAX);
		if (!n)
			break;
		if (!*nr)
			*first = addr;
		*nr += n;
		addr += n << PAGE_SHIFT;
	}
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
		count_missing(rm->needed, &nr, &first);
	i = 0;
	mt_for_each(&ctx->shmem_ids, rs, i, ULONG_MAX)
		count_missing(rs->needed, &nr, &first);
	if (!nr) {
		restore_shmem_ids_free(ctx);
		return restore_cow_pages(ctx);
	}
	ctx->where.addr = first;
	return ckpt_err(ctx, -ENODATA,
		"%lu pages, here the first, are neither in this image nor in the parents given: give the whole chain",
		nr);
}
