/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is read of PAGES records, those of the image and those of its parents.
 */
#ifndef _MM_RESTORE_PAGES_H
#define _MM_RESTORE_PAGES_H

#include <linux/checkpoint_internal.h>

#include "restore.h"

#define MAX_PAGE_RUNS	8192

/**
 * struct extents - a PAGES record, checked as far as it can be by itself
 * @extent:	what it has pages of
 * @nr:		their number
 * @nr_pages:	pages that have payload
 * @pages:	room for who takes them
 * @skip:	pages of payload behind the last run that nobody wants
 * @nr_runs:	number of runs
 * @max_runs:	how many there is room for
 * @run:	what is to be taken and has not been yet, in the order of its payload
 */
struct extents {
	struct ckpt_extent *extent;
	unsigned int nr;
	u32 nr_pages;
	struct page *pages[CKPT_BATCH_PAGES];
	u32 skip;
	unsigned int nr_runs;
	unsigned int max_runs;
	struct page_run run[] __counted_by(max_runs);
};

/**
 * struct restored_shmem - shared memory that has a name in the chain
 * @file:	it
 * @objref:	its objref
 * @needed:	pages that are to come from parent images, by their offset; or NULL: none
 */
struct restored_shmem {
	struct file *file;
	u32 objref;
	struct ckpt_pageset *needed;
};

struct extents *restore_read_extents(struct ckpt_ctx *ctx, struct ckpt_stream *s,
				     const struct ckpt_rec *rec, unsigned int min_runs);
void restore_extents_free(struct extents *x);
int restore_add_run(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
		    struct extents *x, unsigned long addr, unsigned long nr);
int restore_take_runs(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
		      struct extents *x);
int restore_zeroes(struct ckpt_ctx *ctx, struct mm_struct *mm, unsigned long addr,
		   unsigned long nr, struct page **pages);
int restore_shmem_range(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct file *file,
			pgoff_t index, unsigned long nr, struct page **pages);

#endif /* _MM_RESTORE_PAGES_H */
