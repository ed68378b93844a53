// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of local descriptor tables. A part of ldt.c, whose inside it
 * needs. A restart takes such entries as modify_ldt(2) makes, and no others.
 */
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_tasks.h>

/**
 * checkpoint_ldt - write the local descriptor table of an address space
 * @ctx:	the checkpoint
 * @mm:		whose users are at rest
 * @objref:	of the address space
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_ldt(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref)
{
	struct ldt_struct *ldt;
	int ret = 0;

	BUILD_BUG_ON(sizeof(struct desc_struct) != sizeof(__u64));
	down_read(&mm->context.ldt_usr_sem);
	ldt = mm->context.ldt;
	if (ldt)
		ret = ckpt_write_rec(ctx, CKPT_REC_LDT, objref, ldt->entries,
				     ldt->nr_entries * LDT_ENTRY_SIZE);
	up_read(&mm->context.ldt_usr_sem);
	return ret;
}

/* As fill_ldt() makes it, after the checks of write_ldt(); or empty. */
static bool is_users_segment(const struct desc_struct *d)
{
	static const struct desc_struct empty;
	unsigned int contents = d->type >> 2;

	if (!memcmp(d, &empty, sizeof(empty)))
		return true;
	return d->s && d->dpl == 3 && !d->l && (d->type & 1) && (contents != 3 || !d->p) &&
	       (d->d || allow_16bit_segments());
}

static int install_restored(struct ckpt_ctx *ctx, struct mm_struct *mm,
			    const struct desc_struct *entries, unsigned int nr)
{
	struct ldt_struct *ldt;
	int ret;

	ldt = alloc_ldt_struct(nr);
	if (!ldt)
		return -ENOMEM;
	memcpy(ldt->entries, entries, nr * LDT_ENTRY_SIZE);
	finalize_ldt_struct(ldt);
	/* Nobody runs on it yet, as in ldt_dup_context(). */
	mutex_lock(&mm->context.lock);
	ret = mm->context.ldt ? ckpt_err(ctx, -EINVAL, "a second local descriptor table") :
	      map_ldt_struct(mm, ldt, 0);
	if (!ret)
		mm->context.ldt = ldt;
	else
		free_ldt_struct(ldt);
	mutex_unlock(&mm->context.lock);
	return ret;
}

/**
 * restore_ldt_rec - give an address space its local descriptor table
 * @ctx:	the restart
 * @rec:	the head of the LDT record
 *
 * Return: 0 or a negative error.
 */
int restore_ldt_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct mm_struct *mm = restored_mm_of(ctx, rec->objref);
	struct desc_struct *entries;
	unsigned int i, nr;
	int ret = 0;

	if (IS_ERR(mm))
		return PTR_ERR(mm);
	entries = ckpt_read_payload(ctx, &ctx->img, rec, LDT_ENTRY_SIZE,
				    LDT_ENTRIES * LDT_ENTRY_SIZE);
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	nr = rec->len / LDT_ENTRY_SIZE;
	if (rec->len % LDT_ENTRY_SIZE)
		ret = ckpt_err(ctx, -EINVAL, "half an entry of a local descriptor table");
	for (i = 0; i < nr && !ret; i++)
		if (!is_users_segment(&entries[i]))
			ret = ckpt_err(ctx, -EINVAL,
				       "entry %u of a local descriptor table is not such as modify_ldt(2) makes",
				       i);
	if (!ret)
		ret = install_restored(ctx, mm, entries, nr);
	kvfree(entries);
	return ret;
}
