// SPDX-License-Identifier: GPL-2.0
/*
 * Which pages of shared memory have changed since an image: per object, however
 * it was written to, and by whom. Content hashes are kept from image to image,
 * until the object is no more.
 */
#include <linux/checkpoint_mm.h>
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "ckpt_dump.h"
#include "ckpt_track.h"

/**
 * struct shmem_track - what is known of shared memory from one image to the next
 * @node:	in the table of all
 * @pending:	in the list of the checkpoint that has hashed it
 * @inode:	the object, not held
 * @id:		names it in all images of a chain
 * @epoch:	the image that @hashes are of
 * @harvester:	the checkpoint that has hashed it and not yet committed, or NULL
 * @compare:	that checkpoint is an increment over @epoch
 * @hashes:	of its pages, by their addresses in it; NULL: none yet
 * @next:	those of the checkpoint that is being written
 */
struct shmem_track {
	struct hlist_node node;
	struct list_head pending;
	struct inode *inode;
	u64 id;
	u8 epoch[CKPT_ID_BYTES];
	const struct ckpt_ctx *harvester;
	bool compare;
	struct ckpt_hashes *hashes;
	struct ckpt_hashes *next;
};

static DEFINE_HASHTABLE(tracks, 8);
static DEFINE_SPINLOCK(tracks_lock);
static atomic_t nr_tracks;

/* The lock is held. */
static struct shmem_track *find(struct inode *inode)
{
	struct shmem_track *t;

	hash_for_each_possible(tracks, t, node, (unsigned long)inode)
		if (t->inode == inode)
			return t;
	return NULL;
}

/**
 * ckpt_shmem_forget - shared memory is no more
 * @inode:	it; no checkpoint holds it
 */
void ckpt_shmem_forget(struct inode *inode)
{
	struct shmem_track *t;

	if (!atomic_read(&nr_tracks))
		return;
	spin_lock(&tracks_lock);
	t = find(inode);
	if (t)
		hash_del(&t->node);
	spin_unlock(&tracks_lock);
	if (!t)
		return;
	atomic_dec(&nr_tracks);
	ckpt_hashes_free(t->hashes);
	kfree(t);
}

/* For one checkpoint at a time. */
static struct shmem_track *take(struct ckpt_ctx *ctx, struct inode *inode)
{
	struct shmem_track *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT), *t;

	spin_lock(&tracks_lock);
	t = find(inode);
	if (!t && new) {
		t = new;
		new = NULL;
		t->inode = inode;
		do {
			t->id = get_random_u64();
		} while (!t->id);
		hash_add(tracks, &t->node, (unsigned long)inode);
		atomic_inc(&nr_tracks);
	}
	if (t && t->harvester)
		t = NULL;
	if (t)
		t->harvester = ctx;
	spin_unlock(&tracks_lock);
	kfree(new);
	return t;
}

static void let_go(struct shmem_track *t)
{
	list_del(&t->pending);
	spin_lock(&tracks_lock);
	t->harvester = NULL;
	spin_unlock(&tracks_lock);
}

/**
 * ckpt_shmem_begin - shared memory is about to be written
 * @ctx:	the checkpoint, which holds it
 * @inode:	it
 * @id:		takes its name in the chain
 *
 * Return: for ckpt_shmem_is_same(), until the checkpoint commits or rolls back;
 * or NULL: it is written in full, and nothing is remembered of it.
 */
struct shmem_track *ckpt_shmem_begin(struct ckpt_ctx *ctx, struct inode *inode, u64 *id)
{
	struct ckpt_hashes *next;
	struct shmem_track *t;

	if (!ckpt_needs_harvest(ctx))
		return NULL;
	next = ckpt_hashes_alloc();
	if (!next)
		return NULL;
	t = take(ctx, inode);
	if (!t) {
		ckpt_hashes_free(next);
		return NULL;
	}
	if (t->hashes)
		ckpt_hashes_use_key(next, t->hashes);
	t->next = next;
	t->compare = t->hashes && !memcmp(t->epoch, ctx->header.parent_id, CKPT_ID_BYTES);
	list_add(&t->pending, &ctx->shmems);
	*id = t->id;
	return t;
}

/**
 * ckpt_shmem_is_same - is a page as the parent has it?
 * @t:		the shared memory
 * @index:	number of the page
 * @page:	the page
 *
 * Return: true if it is.
 */
bool ckpt_shmem_is_same(struct shmem_track *t, pgoff_t index, struct page *page)
{
	unsigned long addr = index << PAGE_SHIFT;
	u64 hash = ckpt_hashes_add(t->next, addr, page);

	return t->compare && hash == ckpt_hashes_get(t->hashes, addr);
}

/**
 * ckpt_shmem_commit - the image has been written
 * @ctx:	the checkpoint
 */
void ckpt_shmem_commit(struct ckpt_ctx *ctx)
{
	struct shmem_track *t, *next;

	list_for_each_entry_safe(t, next, &ctx->shmems, pending) {
		ckpt_hashes_free(t->hashes);
		t->hashes = t->next;
		t->next = NULL;
		memcpy(t->epoch, ctx->header.image_id, CKPT_ID_BYTES);
		ctx->stats.tracker_bytes += ckpt_hashes_bytes(t->hashes);
		let_go(t);
	}
}

/**
 * ckpt_shmem_rollback - there is no such image: what is known is of the last one
 * @ctx:	the checkpoint
 */
void ckpt_shmem_rollback(struct ckpt_ctx *ctx)
{
	struct shmem_track *t, *next;

	list_for_each_entry_safe(t, next, &ctx->shmems, pending) {
		ckpt_hashes_free(t->next);
		t->next = NULL;
		let_go(t);
	}
}
