// SPDX-License-Identifier: GPL-2.0
/*
 * Live checkpoints: the tree goes on while its memory is written.
 *
 * While it is at rest, each address space is duplicated as fork() does it: its
 * page tables are copied, and what both share is write-protected. Who writes
 * to such a page then gets a copy, be it by a thread, before or after a fork;
 * an exit, an unmapping or a move leaves the duplicate alone. Nobody ever runs
 * in it. What fork() does not hand on is written at once.
 */
#include <linux/checkpoint_mm.h>
#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pgtable_checkpoint.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "ckpt_dump.h"

/* What a CPU takes at a time; and what it should have to do, or it is not asked to help. */
#define CHUNK_BYTES		(4 * PMD_SIZE)
#define MIN_WORKER_BYTES	(2 * CHUNK_BYTES)

/* @mm is held by the table of objects; @copy is NULL until all are held as they are. */
struct snapshot {
	struct list_head node;
	struct mm_struct *mm;
	struct mm_struct *copy;
	u32 objref;
	unsigned int nr;
	struct ckpt_vma vmas[] __counted_by(nr);
};

static bool is_not_inherited(const struct ckpt_vma *v)
{
	return v->flags & (CKPT_VMA_DONTFORK | CKPT_VMA_WIPEONFORK);
}

static void snapshot_free(struct snapshot *s)
{
	list_del(&s->node);
	if (s->copy)
		mmput(s->copy);
	kvfree(s);
}

/**
 * ckpt_live_add - an address space whose pages are to be written later
 * @ctx:	the checkpoint
 * @mm:		the address space; its tasks are at rest
 * @objref:	its objref
 * @vmas:	its private mappings
 * @nr:		their number
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_live_add(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref,
		  const struct ckpt_vma *vmas, unsigned int nr)
{
	struct snapshot *s;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++)
		if (is_not_inherited(&vmas[i]))
			ret = ckpt_dump_pages(ctx, mm, mm, objref, &vmas[i], 1);
	if (ret)
		return ret;
	s = kvzalloc(struct_size(s, vmas, nr), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	s->nr = nr;
	for (i = 0, s->nr = 0; i < nr; i++)
		if (!is_not_inherited(&vmas[i]))
			s->vmas[s->nr++] = vmas[i];
	s->mm = mm;
	s->objref = objref;
	list_add_tail(&s->node, &ctx->snapshots);
	return 0;
}

/* Who duplicates an address space for a snapshot: one at a time. */
static struct task_struct *duplicator;
static DEFINE_MUTEX(duplicating);

/**
 * struct copy - page tables that several CPUs copy
 * @dst_vma:	where to
 * @src_vma:	where from
 * @start:	of what is to be copied
 * @end:	behind it
 * @next:	the first that nobody has taken yet
 * @copy:	copies what lies between two addresses
 * @error:	the first error, or 0
 */
struct copy {
	struct vm_area_struct *dst_vma, *src_vma;
	unsigned long start, end;
	atomic_long_t next;
	ckpt_copy_fn copy;
	int error;
};

static void copy_chunks(void *arg)
{
	struct copy *c = arg;

	while (!READ_ONCE(c->error)) {
		unsigned long chunk = atomic_long_fetch_add(CHUNK_BYTES, &c->next);
		int ret;

		if (chunk >= c->end)
			return;
		ret = c->copy(c->dst_vma, c->src_vma, max(chunk, c->start),
			      min(chunk + CHUNK_BYTES, c->end));
		if (ret)
			cmpxchg(&c->error, 0, ret);
	}
}

/**
 * ckpt_copy_page_tables - copy page tables, those of a large mapping on all CPUs
 * @dst_vma:	where to
 * @src_vma:	where from; its lock, and all that a copy needs, the caller has
 * @addr:	the first address
 * @end:	behind the last one
 * @copy:	copies what lies between two addresses; no two share a page table
 *
 * Only for who takes a snapshot: fork(2) is as it was.
 *
 * Return: 0 or -ENOMEM.
 */
int ckpt_copy_page_tables(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma,
			  unsigned long addr, unsigned long end, ckpt_copy_fn copy)
{
	unsigned long cpus = min_t(unsigned long, cpumask_weight(current->cpus_ptr),
				   (end - addr) / MIN_WORKER_BYTES);
	struct copy c = {
		.dst_vma = dst_vma, .src_vma = src_vma, .start = addr, .end = end, .copy = copy,
	};

	if (READ_ONCE(duplicator) != current || cpus < 2)
		return copy(dst_vma, src_vma, addr, end);
	atomic_long_set(&c.next, round_down(addr, CHUNK_BYTES));
	ckpt_in_parallel(cpus - 1, copy_chunks, &c);
	return c.error;
}

static struct mm_struct *duplicate(struct mm_struct *mm)
{
	struct mm_struct *copy;

	mutex_lock(&duplicating);
	WRITE_ONCE(duplicator, current);
	copy = ckpt_snapshot_mm(mm);
	WRITE_ONCE(duplicator, NULL);
	mutex_unlock(&duplicating);
	return copy;
}

/**
 * ckpt_live_hold - hold all address spaces as they are now
 * @ctx:	the checkpoint; its tree is at rest
 *
 * The last thing before it goes on: the duplicates hold files, too.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_live_hold(struct ckpt_ctx *ctx)
{
	struct snapshot *s;

	list_for_each_entry(s, &ctx->snapshots, node) {
		s->copy = duplicate(s->mm);
		if (!s->copy)
			return ckpt_err(ctx, -ENOMEM, "no memory to hold its pages as they are");
	}
	return 0;
}

/**
 * ckpt_live_dump - write the pages of all snapshots
 * @ctx:	the checkpoint; its tree runs
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_live_dump(struct ckpt_ctx *ctx)
{
	struct snapshot *s, *next;
	int ret;

	list_for_each_entry_safe(s, next, &ctx->snapshots, node) {
		ret = ckpt_dump_pages(ctx, s->copy, s->mm, s->objref, s->vmas, s->nr);
		if (ret)
			return ckpt_err(ctx, ret, "cannot write its memory (error %d)", ret);
		/* At once: while it is there, writes cost a copy. */
		snapshot_free(s);
	}
	return 0;
}

void ckpt_live_free(struct ckpt_ctx *ctx)
{
	struct snapshot *s, *next;

	list_for_each_entry_safe(s, next, &ctx->snapshots, node)
		snapshot_free(s);
}
