// SPDX-License-Identifier: GPL-2.0
/*
 * Sparse sets of pages. To add to one takes memory, and fails without a word
 * if there is none: see ckpt_track.h for why that is right.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "ckpt_track.h"

#define CHUNK_BYTES	(CKPT_CHUNK_PAGES / BITS_PER_BYTE)

struct ckpt_pageset *ckpt_pageset_alloc(void)
{
	struct ckpt_pageset *set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);

	if (set) {
		xa_init(&set->chunks);
		set->bytes = sizeof(*set);
	}
	return set;
}

void ckpt_pageset_free(struct ckpt_pageset *set)
{
	unsigned long i, *chunk;

	if (!set)
		return;
	xa_for_each(&set->chunks, i, chunk)
		kfree(chunk);
	xa_destroy(&set->chunks);
	kfree(set);
}

/* The bitmap of the chunk of @addr, if there is one. */
unsigned long *ckpt_pageset_find(const struct ckpt_pageset *set, unsigned long addr)
{
	return xa_load((struct xarray *)&set->chunks, addr >> (PAGE_SHIFT + CKPT_CHUNK_SHIFT));
}

/**
 * ckpt_pageset_chunk - where the bit of a page stands
 * @set:	the set
 * @addr:	address of the page
 *
 * Return: the bitmap of its chunk, in which it is bit number
 * (@addr >> PAGE_SHIFT) % CKPT_CHUNK_PAGES; NULL if there is no memory for it.
 */
unsigned long *ckpt_pageset_chunk(struct ckpt_pageset *set, unsigned long addr)
{
	unsigned long index = addr >> (PAGE_SHIFT + CKPT_CHUNK_SHIFT);
	unsigned long *chunk = ckpt_pageset_find(set, addr);

	if (chunk)
		return chunk;
	chunk = kzalloc(CHUNK_BYTES, GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return NULL;
	if (xa_err(xa_store(&set->chunks, index, chunk, GFP_KERNEL_ACCOUNT))) {
		kfree(chunk);
		return NULL;
	}
	set->bytes += CHUNK_BYTES;
	return chunk;
}

bool ckpt_pageset_test(const struct ckpt_pageset *set, unsigned long addr)
{
	unsigned long *chunk = ckpt_pageset_find(set, addr);

	return chunk && test_bit((addr >> PAGE_SHIFT) % CKPT_CHUNK_PAGES, chunk);
}

/**
 * ckpt_pageset_intersect - keep only what is in another set too
 * @set:	the set
 * @other:	the other
 */
void ckpt_pageset_intersect(struct ckpt_pageset *set, const struct ckpt_pageset *other)
{
	unsigned long i, *chunk;

	xa_for_each(&set->chunks, i, chunk) {
		unsigned long *theirs = xa_load((struct xarray *)&other->chunks, i);

		if (theirs)
			bitmap_and(chunk, chunk, theirs, CKPT_CHUNK_PAGES);
		else
			bitmap_zero(chunk, CKPT_CHUNK_PAGES);
	}
}

/**
 * ckpt_pageset_add - add neighbouring pages
 * @set:	the set
 * @addr:	address of the first page
 * @nr:		how many
 *
 * Return: 0 or -ENOMEM; then some have been added.
 */
int ckpt_pageset_add(struct ckpt_pageset *set, unsigned long addr, unsigned long nr)
{
	while (nr) {
		unsigned int bit = (addr >> PAGE_SHIFT) % CKPT_CHUNK_PAGES;
		unsigned long n = min(nr, CKPT_CHUNK_PAGES - bit);
		unsigned long *chunk = ckpt_pageset_chunk(set, addr);

		if (!chunk)
			return -ENOMEM;
		bitmap_set(chunk, bit, n);
		addr += n << PAGE_SHIFT;
		nr -= n;
	}
	return 0;
}

/**
 * ckpt_pageset_remove - take neighbouring pages out
 * @set:	the set
 * @addr:	address of the first page
 * @nr:		how many; they need not be in the set
 */
void ckpt_pageset_remove(struct ckpt_pageset *set, unsigned long addr, unsigned long nr)
{
	while (nr) {
		unsigned int bit = (addr >> PAGE_SHIFT) % CKPT_CHUNK_PAGES;
		unsigned long n = min(nr, CKPT_CHUNK_PAGES - bit);
		unsigned long *chunk = ckpt_pageset_find(set, addr);

		if (chunk)
			bitmap_clear(chunk, bit, n);
		addr += n << PAGE_SHIFT;
		nr -= n;
	}
}

/**
 * ckpt_pageset_next - find the next pages that are in a set
 * @set:	the set
 * @addr:	where to begin; becomes the address of the first one
 * @end:	where the search ends
 *
 * Return: how many stand there side by side, at most to the end of their chunk; or 0.
 */
unsigned long ckpt_pageset_next(const struct ckpt_pageset *set, unsigned long *addr,
				unsigned long end)
{
	unsigned long last = (end - 1) >> (PAGE_SHIFT + CKPT_CHUNK_SHIFT);
	unsigned long index = *addr >> (PAGE_SHIFT + CKPT_CHUNK_SHIFT);
	unsigned long first = (*addr >> PAGE_SHIFT) % CKPT_CHUNK_PAGES, *chunk;

	if (*addr >= end)
		return 0;
	for (chunk = xa_find((struct xarray *)&set->chunks, &index, last, XA_PRESENT); chunk;
	     chunk = xa_find_after((struct xarray *)&set->chunks, &index, last, XA_PRESENT)) {
		unsigned long base = index << (PAGE_SHIFT + CKPT_CHUNK_SHIFT), nr;

		if (base > *addr)
			first = 0;
		nr = min(CKPT_CHUNK_PAGES, (end - base) >> PAGE_SHIFT);
		first = find_next_bit(chunk, nr, first);
		if (first < nr) {
			*addr = base + (first << PAGE_SHIFT);
			return find_next_zero_bit(chunk, nr, first) - first;
		}
		first = 0;
	}
	return 0;
}
