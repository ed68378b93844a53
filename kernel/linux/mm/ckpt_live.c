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
#include <linux/checkpoint_internal.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "ckpt_dump.h"

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
		s->copy = ckpt_snapshot_mm(s->mm);
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
