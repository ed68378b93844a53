// SPDX-License-Identifier: GPL-2.0
/*
 * Content hashes of pages, kept from one image to the next: a tracker that
 * tracks nothing but compares, and the measure that others are audited by.
 *
 * A keyed hash of 64 bits: two contents that differ are taken for the same
 * once in 2^64 comparisons, and nobody can make such a pair without the key.
 */
#include <linux/ckpt_lazy.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagewalk.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "ckpt_track.h"

#define LEAF_PAGES	(PAGE_SIZE / sizeof(u64))

/* @leaves: pages of hashes, each for LEAF_PAGES pages; 0: none known. */
struct ckpt_hashes {
	struct xarray leaves;
	size_t bytes;
	siphash_key_t key;
};

struct hash_walk {
	struct ckpt_hashes *old, *new;
	struct ckpt_pageset *same, *differ;
	unsigned int nr;
	struct page *pages[PTRS_PER_PTE];
	unsigned long addrs[PTRS_PER_PTE];
};

struct ckpt_hashes *ckpt_hashes_alloc(void)
{
	struct ckpt_hashes *h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);

	if (h) {
		xa_init(&h->leaves);
		h->bytes = sizeof(*h);
		get_random_bytes(&h->key, sizeof(h->key));
	}
	return h;
}

void ckpt_hashes_free(struct ckpt_hashes *h)
{
	unsigned long i;
	u64 *leaf;

	if (!h)
		return;
	xa_for_each(&h->leaves, i, leaf)
		free_page((unsigned long)leaf);
	xa_destroy(&h->leaves);
	kfree(h);
}

size_t ckpt_hashes_bytes(const struct ckpt_hashes *h)
{
	return h ? h->bytes : 0;
}

static u64 *leaf_of(struct ckpt_hashes *h, unsigned long addr, bool make)
{
	unsigned long index = (addr >> PAGE_SHIFT) / LEAF_PAGES;
	u64 *leaf = xa_load(&h->leaves, index);

	if (leaf || !make)
		return leaf;
	leaf = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!leaf)
		return NULL;
	if (xa_err(xa_store(&h->leaves, index, leaf, GFP_KERNEL_ACCOUNT))) {
		free_page((unsigned long)leaf);
		return NULL;
	}
	h->bytes += PAGE_SIZE;
	return leaf;
}

static u64 hash_page(const struct ckpt_hashes *h, struct page *page)
{
	void *data = kmap_local_page(page);
	u64 hash = siphash(data, PAGE_SIZE, &h->key);

	kunmap_local(data);
	return hash ?: 1;
}

/* Two that are compared have the same key. */
void ckpt_hashes_use_key(struct ckpt_hashes *h, const struct ckpt_hashes *of)
{
	h->key = of->key;
}

/**
 * ckpt_hashes_add - remember the hash of a page
 * @h:		the hashes
 * @addr:	of the page, in whatever it is part of
 * @page:	the page
 *
 * Return: the hash, which is remembered if there is memory for it.
 */
u64 ckpt_hashes_add(struct ckpt_hashes *h, unsigned long addr, struct page *page)
{
	u64 *leaf = leaf_of(h, addr, true);
	u64 hash = hash_page(h, page);

	if (leaf)
		leaf[(addr >> PAGE_SHIFT) % LEAF_PAGES] = hash;
	return hash;
}

/* 0: none is known. */
u64 ckpt_hashes_get(struct ckpt_hashes *h, unsigned long addr)
{
	u64 *leaf = leaf_of(h, addr, false);

	return leaf ? leaf[(addr >> PAGE_SHIFT) % LEAF_PAGES] : 0;
}

static void put_into(struct ckpt_pageset *set, unsigned long addr)
{
	unsigned long *chunk = set ? ckpt_pageset_chunk(set, addr) : NULL;

	if (chunk)
		__set_bit((addr >> PAGE_SHIFT) % CKPT_CHUNK_PAGES, chunk);
}

/* Outside of the page table lock: this takes its time. */
static void hash_collected(struct hash_walk *w)
{
	while (w->nr) {
		struct page *page = w->pages[--w->nr];
		unsigned long addr = w->addrs[w->nr];
		unsigned long i = (addr >> PAGE_SHIFT) % LEAF_PAGES;
		u64 *was = w->old ? leaf_of(w->old, addr, false) : NULL;
		u64 *now = leaf_of(w->new, addr, true);
		u64 hash = hash_page(w->new, page);

		put_page(page);
		if (now)
			now[i] = hash;
		if (was && was[i])
			put_into(was[i] == hash ? w->same : w->differ, addr);
		cond_resched();
	}
}

static void collect(struct hash_walk *w, unsigned long addr, struct page *page)
{
	get_page(page);
	w->pages[w->nr] = page;
	w->addrs[w->nr++] = addr;
}

static int hash_pmd(pmd_t *pmd, unsigned long addr, unsigned long end, struct mm_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;
	struct hash_walk *w = walk->private;
	spinlock_t *ptl;	/* of the page table */
	pte_t *start, *pte;

	ptl = pmd_trans_huge_lock(pmd, vma);
	if (ptl) {
		struct page *page = pmd_present(*pmd) ? pmd_page(*pmd) : NULL;

		if (page && !is_huge_zero_pmd(*pmd) && PageAnon(page))
			for (; addr < end; addr += PAGE_SIZE)
				collect(w, addr, page + (addr & ~HPAGE_PMD_MASK) / PAGE_SIZE);
		spin_unlock(ptl);
		hash_collected(w);
		return 0;
	}
	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	for (pte = start; addr < end; pte++, addr += PAGE_SIZE) {
		pte_t entry = ptep_get(pte);
		struct page *page = pte_present(entry) ? vm_normal_page(vma, addr, entry) : NULL;

		if (page && PageAnon(page))
			collect(w, addr, page);
	}
	pte_unmap_unlock(start, ptl);
	hash_collected(w);
	return 0;
}

static int skip_untracked(unsigned long addr, unsigned long next, struct mm_walk *walk)
{
	return !ckpt_vma_is_tracked(walk->vma);
}

static const struct mm_walk_ops hash_ops = {
	.pmd_entry	= hash_pmd,
	.test_walk	= skip_untracked,
	.walk_lock	= PGWALK_RDLOCK,
};

/**
 * ckpt_hashes_update - hash all pages that are in memory
 * @mm:		the address space, which nobody writes to
 * @hashes:	the hashes of the last time, replaced by those of now
 * @same:	takes the pages that have the contents they had, or NULL
 * @differ:	takes the pages that had other contents, or NULL
 *
 * Of a page that was not there then, or is not there now, nothing is said.
 *
 * Return: 0 or a negative error.
 */
int ckpt_hashes_update(struct mm_struct *mm, struct ckpt_hashes **hashes,
		       struct ckpt_pageset *same, struct ckpt_pageset *differ)
{
	struct hash_walk *w = kvzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	int ret = -ENOMEM;

	if (!w)
		return ret;
	/* What cannot be read counts as changed. */
	ckpt_lazy_complete(mm);
	w->same = same;
	w->differ = differ;
	w->old = *hashes;
	w->new = ckpt_hashes_alloc();
	if (!w->new)
		goto out;
	if (w->old)
		w->new->key = w->old->key;
	ret = mmap_read_lock_killable(mm);
	if (!ret) {
		ret = walk_page_range(mm, 0, -1, &hash_ops, w);
		mmap_read_unlock(mm);
	}
	if (ret) {
		ckpt_hashes_free(w->new);
	} else {
		ckpt_hashes_free(w->old);
		*hashes = w->new;
	}
out:
	kvfree(w);
	return ret;
}

static void hash_stop(struct ckpt_mm_track *track)
{
	ckpt_hashes_free(track->priv);
	track->priv = NULL;
}

static int hash_harvest(struct mm_struct *mm, struct ckpt_mm_track *track,
			struct ckpt_pageset *same)
{
	struct ckpt_hashes *hashes = track->priv;
	int ret = ckpt_hashes_update(mm, &hashes, same, NULL);

	track->priv = hashes;
	return ret;
}

static int hash_start(struct mm_struct *mm, struct ckpt_mm_track *track)
{
	hash_stop(track);
	return hash_harvest(mm, track, NULL);
}

static size_t hash_costs(const struct ckpt_mm_track *track)
{
	return ckpt_hashes_bytes(track->priv);
}

const struct ckpt_tracker_ops ckpt_tracker_hash = {
	.name		= "hash",
	.id		= CKPT_TRACKER_HASH,
	.start		= hash_start,
	.harvest	= hash_harvest,
	.stop		= hash_stop,
	.costs		= hash_costs,
};
