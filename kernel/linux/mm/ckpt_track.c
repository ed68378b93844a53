// SPDX-License-Identifier: GPL-2.0
/*
 * Which pages have changed since a checkpoint.
 *
 * A checkpoint harvests the tracker of each address space while its tasks are
 * at rest, which in the same step begins a new epoch; and commits when the
 * whole image has been written, or rolls back. What was harvested in vain is
 * kept: pages are as the old image has them if they were so then, and have not
 * been written since. So a failed checkpoint leaves the chain as it was.
 */
#include <linux/checkpoint_mm.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pgtable_checkpoint.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "ckpt_track.h"

static const struct ckpt_tracker_ops *const trackers[] = {
	[CKPT_TRACKER_SOFT_DIRTY]	= &ckpt_tracker_soft_dirty,
	[CKPT_TRACKER_WP]		= &ckpt_tracker_wp,
	[CKPT_TRACKER_SCAN]		= &ckpt_tracker_scan,
	[CKPT_TRACKER_HASH]		= &ckpt_tracker_hash,
};

/**
 * ckpt_tracker_is_valid - is there such a tracker?
 * @tracker:	an enum ckpt_tracker
 */
bool ckpt_tracker_is_valid(u32 tracker)
{
	return tracker < ARRAY_SIZE(trackers);
}

/* What is known of an address space; NULL if there is no memory to know it. */
struct ckpt_mm_track *ckpt_track_of(struct mm_struct *mm)
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

/* Who does not choose keeps what runs. */
static const struct ckpt_tracker_ops *choose(const struct ckpt_mm_track *track, u32 tracker)
{
	if (!tracker && track && track->ops)
		return track->ops;
	return trackers[tracker ?: CKPT_TRACKER_BEST];
}

/**
 * ckpt_tracker_id - which tracker an address space has after a checkpoint
 * @ctx:	the checkpoint
 * @mm:		the address space
 *
 * Return: an enum ckpt_tracker.
 */
u32 ckpt_tracker_id(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	return choose(READ_ONCE(mm->ckpt_track), ctx->tracker)->id;
}

static void forget_harvest(struct ckpt_mm_track *track)
{
	ckpt_pageset_free(track->same);
	ckpt_pageset_free(track->agreed);
	ckpt_pageset_free(track->differ);
	track->same = NULL;
	track->agreed = NULL;
	track->differ = NULL;
}

static void stop(struct ckpt_mm_track *track)
{
	if (track->ops && track->ops->stop)
		track->ops->stop(track);
	track->ops = NULL;
	track->over = false;
	forget_harvest(track);
}

/**
 * ckpt_mm_free - the address space is no more
 * @mm:		the address space
 */
void ckpt_mm_free(struct mm_struct *mm)
{
	struct ckpt_mm_track *track = mm->ckpt_track;

	if (!track)
		return;
	stop(track);
	ckpt_pageset_free(track->borrowed);
	ckpt_pageset_free(track->borrowing);
	ckpt_lazy_put(track->lazy);
	ckpt_hashes_free(track->hashes);
	kfree(track);
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
	struct ckpt_mm_track *track = ckpt_track_of(mm);

	return track ? track->id : 0;
}

/**
 * ckpt_track_is_over - have writes been tracked since an image?
 * @mm:		the address space
 * @parent_id:	the image
 *
 * Return: true if they have, without a gap.
 */
bool ckpt_track_is_over(struct mm_struct *mm, const u8 *parent_id)
{
	struct ckpt_mm_track *track = READ_ONCE(mm->ckpt_track);

	return track && track->over && !track->lost &&
	       !memcmp(track->epoch, parent_id, CKPT_ID_BYTES);
}

/**
 * ckpt_track_is_heir - has execve() put it in the place of what an image has?
 * @mm:		the address space
 * @parent_id:	the image
 *
 * Return: true if an increment over the image may have it, in full.
 */
bool ckpt_track_is_heir(struct mm_struct *mm, const u8 *parent_id)
{
	struct ckpt_mm_track *track = READ_ONCE(mm->ckpt_track);

	return track && track->heir && !memcmp(track->epoch, parent_id, CKPT_ID_BYTES);
}

/**
 * ckpt_track_heir - an address space has taken the place of one that an image has
 * @mm:		the address space
 * @image_id:	the image
 */
void ckpt_track_heir(struct mm_struct *mm, const u8 *image_id)
{
	struct ckpt_mm_track *track = ckpt_track_of(mm);

	/* Without memory for it, a full checkpoint has to follow. */
	if (!track || track->over)
		return;
	memcpy(track->epoch, image_id, CKPT_ID_BYTES);
	track->heir = true;
}

/**
 * ckpt_track_exec - execve() replaces an address space
 * @mm:		the new one
 * @old:	the old one, or NULL
 */
void ckpt_track_exec(struct mm_struct *mm, struct mm_struct *old)
{
	struct ckpt_mm_track *track = old ? READ_ONCE(old->ckpt_track) : NULL;

	if (track && (track->over || track->heir))
		ckpt_track_heir(mm, track->epoch);
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

	if (track && track->ops == &ckpt_tracker_soft_dirty)
		track->lost = true;
}

/**
 * ckpt_mm_is_tracked - does a tracker rely on what page table entries say?
 * @mm:		the address space
 *
 * Then mremap() must move page table entries one by one, which marks them,
 * and not whole page tables.
 *
 * Return: true if it does.
 */
bool ckpt_mm_is_tracked(struct mm_struct *mm)
{
	struct ckpt_mm_track *track = READ_ONCE(mm->ckpt_track);

	return track && READ_ONCE(track->ops);
}

/**
 * ckpt_count_fault - a write fault in an address space that may be tracked
 * @mm:		the address space
 * @ckpt_clean:	the entry had our bit
 * @soft_dirty:	the entry had the soft-dirty bit
 */
void ckpt_count_fault(struct mm_struct *mm, bool ckpt_clean, bool soft_dirty)
{
	struct ckpt_mm_track *track = mm->ckpt_track;
	const struct ckpt_tracker_ops *ops = READ_ONCE(track->ops);

	if (ops && ops->is_fault && ops->is_fault(ckpt_clean, soft_dirty))
		atomic64_inc(&track->faults);
}

/* Take what the tracker knows, and put it together with what a failed try left. */
static int take(struct mm_struct *mm, struct ckpt_mm_track *track)
{
	struct ckpt_pageset *same = ckpt_pageset_alloc();
	int ret;

	if (!same)
		return -ENOMEM;
	ret = track->ops->harvest(mm, track, same);
	if (!ret && track->same)
		ckpt_pageset_intersect(same, track->same);
	ckpt_pageset_free(track->same);
	track->same = same;
	return ret;
}

/* What another tracker or nobody has tracked until now. */
static int change_over(struct mm_struct *mm, struct ckpt_mm_track *track,
		       const struct ckpt_tracker_ops *ops)
{
	int ret;

	if (track->ops && track->ops->stop)
		track->ops->stop(track);
	WRITE_ONCE(track->ops, ops);
	track->lost = false;
	ret = ops->start(mm, track);
	if (ret)
		stop(track);
	return ret;
}

/* Hashes of an older image than the epoch's would find what is no fault. */
static int audit(struct mm_struct *mm, struct ckpt_mm_track *track, bool wanted)
{
	bool compare = wanted && track->over && track->hashes;

	ckpt_pageset_free(track->agreed);
	ckpt_pageset_free(track->differ);
	track->agreed = compare ? ckpt_pageset_alloc() : NULL;
	track->differ = compare ? ckpt_pageset_alloc() : NULL;
	if (wanted)
		return ckpt_hashes_update(mm, &track->hashes, track->agreed, track->differ);
	ckpt_hashes_free(track->hashes);
	track->hashes = NULL;
	return 0;
}

/**
 * ckpt_track_harvest - end an epoch, and begin the next
 * @ctx:	the checkpoint
 * @mm:		the address space; its tasks are at rest
 *
 * Until ckpt_track_commit() or ckpt_track_rollback(), ckpt_track_is_same()
 * tells which pages are as the image has them over which they were tracked.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_track_harvest(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	struct ckpt_mm_track *track = ckpt_track_of(mm);
	const struct ckpt_tracker_ops *ops;
	u64 start = ktime_get_ns();
	int ret = 0;

	if (!track)
		return -ENOMEM;
	ops = choose(track, ctx->tracker);
	if (track->harvester)
		return ckpt_err(ctx, -EBUSY, "another image of its memory is being written");
	track->harvester = ctx;
	track->costs.faults = atomic64_xchg(&track->faults, 0);
	if (track->lost)
		stop(track);
	if (!track->over)
		forget_harvest(track);
	if (ctx->flags & CHECKPOINT_AUDIT || track->hashes)
		ret = audit(mm, track, ctx->flags & CHECKPOINT_AUDIT);
	if (!ret && track->ops && track->over)
		ret = take(mm, track);
	if (!ret && (track->ops != ops || !track->over))
		ret = change_over(mm, track, ops);
	if (ret) {
		stop(track);
		track->harvester = NULL;
		return ckpt_err(ctx, ret, "cannot tell what was written (error %d)", ret);
	}
	track->costs.bytes = sizeof(*track) + ckpt_hashes_bytes(track->hashes);
	if (track->same)
		track->costs.bytes += track->same->bytes;
	if (ops->costs)
		track->costs.bytes += ops->costs(track);
	track->costs.walk_ns = ktime_get_ns() - start;
	ctx->stats.audited += !!track->agreed;
	ctx->stats.tracker_faults += track->costs.faults;
	ctx->stats.tracker_walk_ns += track->costs.walk_ns;
	ctx->stats.tracker_bytes += track->costs.bytes;
	return 0;
}

/**
 * ckpt_track_is_same - is a page as the parent has it?
 * @mm:		the address space, which has been harvested
 * @addr:	address of the page
 */
bool ckpt_track_is_same(struct mm_struct *mm, unsigned long addr)
{
	struct ckpt_mm_track *track = mm->ckpt_track;

	return track->same && ckpt_pageset_test(track->same, addr) &&
	       !(track->borrowed && ckpt_pageset_test(track->borrowed, addr));
}

/**
 * ckpt_track_same_chunk - which of the pages around @addr are as the parent has them?
 * @mm:		the address space, which has been harvested
 * @addr:	address of a page
 *
 * Return: the bitmap of its chunk: see ckpt_pageset_chunk(). NULL: none, or
 * ckpt_track_is_same() has to be asked for each.
 */
const unsigned long *ckpt_track_same_chunk(struct mm_struct *mm, unsigned long addr)
{
	struct ckpt_mm_track *track = mm->ckpt_track;

	return track->same && !track->borrowed ? ckpt_pageset_find(track->same, addr) : NULL;
}

/**
 * ckpt_track_borrowing - a set for the pages that the image has as another's
 * @ctx:	the checkpoint
 * @mm:		the address space
 *
 * Return: the set, which is kept with what was harvested; NULL if nothing was,
 * or if there is no memory.
 */
struct ckpt_pageset *ckpt_track_borrowing(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	struct ckpt_mm_track *track = mm->ckpt_track;

	if (!track || track->harvester != ctx)
		return NULL;
	if (!track->borrowing)
		track->borrowing = ckpt_pageset_alloc();
	return track->borrowing;
}

/**
 * ckpt_track_verdict - what an audit says of a page
 * @mm:		the address space, which has been harvested
 * @addr:	address of the page
 *
 * Return: 1 if its contents are what they were, -1 if they are not, 0 if that
 * is not known.
 */
int ckpt_track_verdict(struct mm_struct *mm, unsigned long addr)
{
	struct ckpt_mm_track *track = mm->ckpt_track;

	if (track->agreed && ckpt_pageset_test(track->agreed, addr))
		return 1;
	if (track->differ && ckpt_pageset_test(track->differ, addr))
		return -1;
	return 0;
}

/**
 * ckpt_track_commit - the image has been written
 * @ctx:	the checkpoint: its image has it as it was at the harvest
 * @mm:		the address space
 */
void ckpt_track_commit(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	struct ckpt_mm_track *track = mm->ckpt_track;

	if (!track || track->harvester != ctx)
		return;
	forget_harvest(track);
	ckpt_pageset_free(track->borrowed);
	track->borrowed = track->borrowing;
	track->borrowing = NULL;
	memcpy(track->epoch, ctx->header.image_id, CKPT_ID_BYTES);
	track->over = true;
	track->heir = false;
	track->harvester = NULL;
}

/**
 * ckpt_track_rollback - there is no such image
 * @ctx:	the checkpoint
 * @mm:		the address space
 */
void ckpt_track_rollback(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	struct ckpt_mm_track *track = mm->ckpt_track;

	if (!track || track->harvester != ctx)
		return;
	/* What the hashes are of is no image. */
	ckpt_hashes_free(track->hashes);
	track->hashes = NULL;
	ckpt_pageset_free(track->borrowing);
	track->borrowing = NULL;
	if (!track->over)
		stop(track);
	track->harvester = NULL;
}

/**
 * ckpt_track_adopt - go on tracking what has been restored from an image
 * @mm:		the address space
 * @id:		its name in the chain
 * @tracker:	enum ckpt_tracker
 * @image_id:	the image
 * @borrowed:	pages that the image has as another address space's, or NULL
 *
 * Return: 0 or a negative error; the set is taken over if it is 0.
 */
int ckpt_track_adopt(struct mm_struct *mm, u64 id, u32 tracker, const u8 *image_id,
		     struct ckpt_pageset *borrowed)
{
	struct ckpt_mm_track *track = ckpt_track_of(mm);
	const struct ckpt_tracker_ops *ops;
	int ret = 0;

	if (!track)
		return -ENOMEM;
	track->id = id;
	ops = trackers[tracker ?: CKPT_TRACKER_BEST];
	/* Its pages were marked when they were left in the image; a walk would take its time. */
	if (track->lazy && ops->owns_bit)
		WRITE_ONCE(track->ops, ops);
	else
		ret = change_over(mm, track, ops);
	if (!ret) {
		memcpy(track->epoch, image_id, CKPT_ID_BYTES);
		track->over = true;
		track->borrowed = borrowed;
	}
	return ret;
}
