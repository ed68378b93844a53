// SPDX-License-Identifier: GPL-2.0
/*
 * Make an address space again from what the image says of it.
 *
 * The coordinator builds it while nobody uses it: it borrows it for the time
 * restore_vma.c makes the mappings; restore_pages.c fills its pages. Then every
 * task of the process that had it adopts it. What the image says is not believed.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_tasks.h>
#include <linux/ckpt_lazy.h>
#include <linux/file.h>
#include <linux/ksm.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/mmu_context.h>
#include <linux/rseq.h>
#include <linux/sched/coredump.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "internal.h"
#include "ckpt_track.h"
#include "restore.h"

/**
 * restore_mm_put - drop an address space from the table of objects
 * @ptr:	the &struct restored_mm
 */
void restore_mm_put(void *ptr)
{
	struct restored_mm *rm = ptr;

	restore_cow_put(rm);
	ckpt_pageset_free(rm->borrowed);
	ckpt_pageset_free(rm->needed);
	mmput(rm->mm);
	kfree(rm);
}

/* The caller holds both address spaces, so no lazy reference is at stake. */
static void switch_current_mm(struct mm_struct *mm)
{
	struct task_struct *tsk = current;
	struct mm_struct *old;

	task_lock(tsk);
	/* Hold off TLB flush IPIs while switching. */
	local_irq_disable();
	old = tsk->active_mm;
	tsk->active_mm = mm;
	tsk->mm = mm;
	membarrier_update_current_mm(mm);
	switch_mm_irqs_off(old, mm, tsk);
	local_irq_enable();
	task_unlock(tsk);
	/* membarrier(2) wants one between the store to tsk->mm and user accesses. */
	smp_mb();
}

static struct mm_struct *borrow_mm(struct mm_struct *mm)
{
	struct mm_struct *own = current->mm;

	mmget(mm);
	sched_mm_cid_before_execve(current);
	switch_current_mm(mm);
	return own;
}

static void return_mm(struct mm_struct *own)
{
	struct mm_struct *mm = current->mm;

	switch_current_mm(own);
	sched_mm_cid_after_execve(current);
	mmput(mm);
}

static bool is_range(u64 start, u64 end)
{
	return start <= end && end <= TASK_SIZE_MAX;
}

static int check_mm(struct ckpt_ctx *ctx, const struct ckpt_mm *m)
{
	if (!is_range(m->start_code, m->end_code) ||
	    !is_range(m->start_data, m->end_data) ||
	    !is_range(m->start_brk, m->brk) ||
	    !is_range(m->arg_start, m->arg_end) ||
	    !is_range(m->env_start, m->env_end) ||
	    m->start_stack > TASK_SIZE_MAX || m->vdso > TASK_SIZE_MAX)
		return ckpt_err(ctx, -EINVAL, "an address space with addresses out of range");
	if (m->nr_vmas > sysctl_max_map_count)
		return ckpt_err(ctx, -EINVAL, "an address space with %u mappings; the limit is %d",
				m->nr_vmas, sysctl_max_map_count);
	if (m->dumpable > SUID_DUMP_ROOT || m->thp_disable > 1 || !m->track_id ||
	    !ckpt_tracker_is_valid(m->tracker) || m->flags & ~CKPT_MM_FLAGS_ALL ||
	    (m->flags & CKPT_MM_MDWE_NO_INHERIT && !(m->flags & CKPT_MM_MDWE)) ||
	    m->def_flags & ~(u64)(CKPT_VMA_LOCKED | CKPT_VMA_LOCKONFAULT))
		return ckpt_err(ctx, -EINVAL, "an address space with invalid attributes");
	/* Its core dumps are root's: nobody gives himself that. */
	if (m->dumpable == SUID_DUMP_ROOT && !capable(CAP_SYS_ADMIN))
		return ckpt_err(ctx, -EPERM,
				"an address space that may be looked into by root only");
	if (m->auxv[CKPT_AUXV_WORDS - 2] || m->auxv[CKPT_AUXV_WORDS - 1])
		return ckpt_err(ctx, -EINVAL, "an auxiliary vector without end");
	return 0;
}

void restored_layout_free(struct restored_layout *l)
{
	kvfree(l->vmas);
	kvfree(l->m);
}

/* The same as PR_SET_MM_EXE_FILE asks for. */
static int set_exe(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref)
{
	struct file *exe = ckpt_ref(ctx, objref, CKPT_OBJ_FILE);
	int ret;

	if (IS_ERR(exe))
		return PTR_ERR(exe);
	if (!S_ISREG(file_inode(exe)->i_mode) || path_noexec(&exe->f_path))
		return ckpt_err(ctx, -EACCES,
				"the image names something as program that cannot be one");
	ret = file_permission(exe, MAY_EXEC);
	if (!ret)
		ret = set_mm_exe_file(mm, exe);
	return ret ? ckpt_err(ctx, ret, "the program's file cannot be run (error %d)", ret) : 0;
}

static void set_bounds(struct mm_struct *mm, const struct ckpt_mm *m)
{
	mm->start_code = m->start_code;
	mm->end_code = m->end_code;
	mm->start_data = m->start_data;
	mm->end_data = m->end_data;
	mm->start_brk = m->start_brk;
	mm->brk = m->brk;
	mm->start_stack = m->start_stack;
	mm->arg_start = m->arg_start;
	mm->arg_end = m->arg_end;
	mm->env_start = m->env_start;
	mm->env_end = m->env_end;
	mm->def_flags = ckpt_lock_flags(m->def_flags);
	memcpy(mm->saved_auxv, m->auxv, min(sizeof(m->auxv), sizeof(mm->saved_auxv)));
	if (m->thp_disable)
		set_bit(MMF_DISABLE_THP, &mm->flags);
	else
		clear_bit(MMF_DISABLE_THP, &mm->flags);
}

/* Nobody uses it yet, so no processor has to be told. */
static void set_barriers(struct mm_struct *mm, u32 flags)
{
#ifdef CONFIG_MEMBARRIER
	int state = 0;

	if (flags & CKPT_MM_BARRIER_PRIVATE)
		state |= MEMBARRIER_STATE_PRIVATE_EXPEDITED |
			 MEMBARRIER_STATE_PRIVATE_EXPEDITED_READY;
	if (flags & CKPT_MM_BARRIER_GLOBAL)
		state |= MEMBARRIER_STATE_GLOBAL_EXPEDITED |
			 MEMBARRIER_STATE_GLOBAL_EXPEDITED_READY;
	if (flags & CKPT_MM_BARRIER_SYNC_CORE)
		state |= MEMBARRIER_STATE_PRIVATE_EXPEDITED |
			 MEMBARRIER_STATE_PRIVATE_EXPEDITED_SYNC_CORE |
			 MEMBARRIER_STATE_PRIVATE_EXPEDITED_SYNC_CORE_READY;
	if (flags & CKPT_MM_BARRIER_RSEQ)
		state |= MEMBARRIER_STATE_PRIVATE_EXPEDITED |
			 MEMBARRIER_STATE_PRIVATE_EXPEDITED_RSEQ |
			 MEMBARRIER_STATE_PRIVATE_EXPEDITED_RSEQ_READY;
	atomic_set(&mm->membarrier_state, state);
#endif
}

/* What would forbid or change the mappings comes after them. */
static int set_mm_flags(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 flags)
{
	unsigned long filter;
	int ret = 0;

	if (flags & CKPT_MM_COREDUMP) {
		filter = (unsigned long)(flags >> CKPT_MM_COREDUMP_SHIFT) <<
			 MMF_DUMP_FILTER_SHIFT;
		set_mask_bits(&mm->flags, MMF_DUMP_FILTER_MASK, filter & MMF_DUMP_FILTER_MASK);
	}
	set_barriers(mm, flags);
	if (flags & CKPT_MM_MERGE) {
		if (!capable(CAP_SYS_RESOURCE))
			return ckpt_err(ctx, -EPERM, "all its memory is to be merged");
		if (mmap_write_lock_killable(mm))
			return -EINTR;
		ret = ksm_enable_merge_any(mm);
		mmap_write_unlock(mm);
	}
	if (flags & CKPT_MM_MDWE)
		set_bit(MMF_HAS_MDWE, &mm->flags);
	if (flags & CKPT_MM_MDWE_NO_INHERIT)
		set_bit(MMF_HAS_MDWE_NO_INHERIT, &mm->flags);
	return ret ? ckpt_err(ctx, ret, "cannot have its memory merged (error %d)", ret) : 0;
}

/**
 * restore_build_mm - make the mappings of an address space that nobody uses yet
 * @ctx:	the restart, or that of who helps with it
 * @rm:		the address space
 * @l:		what the image says of it; mappings that were not read are read now
 *
 * Return: 0 or a negative error.
 */
int restore_build_mm(struct ckpt_ctx *ctx, struct restored_mm *rm, const struct restored_layout *l)
{
	const struct ckpt_mm *m = l->m;
	struct mm_struct *own, *mm = rm->mm;
	int ret = 0;

	ckpt_mm_set_owner(mm, current);
	mm->task_size = TASK_SIZE;
	mm->def_flags = 0;
	arch_pick_mmap_layout(mm, &current->signal->rlim[RLIMIT_STACK]);
	if (m->exe_file)
		ret = set_exe(ctx, mm, m->exe_file);
	if (!ret) {
		own = borrow_mm(mm);
		ret = restore_map_vmas(ctx, mm, l);
		return_mm(own);
	}
	if (!ret) {
		set_bounds(mm, m);
		ret = set_mm_flags(ctx, mm, m->flags);
	}
	ckpt_mm_set_owner(mm, NULL);
	return ret;
}

static struct restored_mm *restored_mm_alloc(void)
{
	struct restored_mm *rm = kzalloc(sizeof(*rm), GFP_KERNEL_ACCOUNT);

	if (!rm)
		return NULL;
	INIT_LIST_HEAD(&rm->cows);
	rm->mm = mm_alloc();
	if (!rm->mm) {
		kfree(rm);
		return NULL;
	}
	return rm;
}

/* Who may look into it is for the user namespace to say in which it was made. */
static int set_user_ns(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_mm *m)
{
	if (!(m->flags & CKPT_MM_OWN_USER))
		return 0;
	if (!ctx->user_ns || !ns_capable(ctx->user_ns, CAP_SYS_ADMIN))
		return ckpt_err(ctx, -EINVAL,
				"an address space of a user namespace that is not there");
	put_user_ns(mm->user_ns);
	mm->user_ns = get_user_ns(ctx->user_ns);
	return 0;
}

/* By this name it is found in the parents. */
static int add_to_chain(struct ckpt_ctx *ctx, struct restored_mm *rm)
{
	int ret = mtree_insert(&ctx->mms, rm->track_id, rm, GFP_KERNEL_ACCOUNT);

	if (ret != -EEXIST)
		return ret;
	return ckpt_err(ctx, -EINVAL, "two address spaces have the same name in the chain");
}

/* By us, or by who helps, once we have read what there is to be made. */
static int make_mm(struct ckpt_ctx *ctx, struct restored_mm *rm, struct restored_layout *l)
{
	int ret = 0;

	if (l->m->flags & CKPT_MM_PKEYS)
		ret = restore_read_pkeys(ctx, rm->mm, l->objref, &l->keys);
	if (!ret && restore_has_help(ctx)) {
		ret = restore_read_vmas(ctx, l);
		if (ret > 0)
			return restore_job_begin(ctx, rm, l);
	}
	return ret ?: restore_build_mm(ctx, rm, l);
}

/**
 * restore_mm_rec - make an address space and its mappings
 * @ctx:	the restart
 * @rec:	the head of the MM record
 *
 * Return: 0 or a negative error.
 */
int restore_mm_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_layout l = { .objref = rec->objref, .keys.execute_only = -1 };
	struct restored_mm *rm;
	struct ckpt_mm *m;
	int ret;

	m = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*m), sizeof(*m));
	if (IS_ERR(m))
		return PTR_ERR(m);
	l.m = m;
	ret = check_mm(ctx, m);
	if (ret)
		goto out;
	rm = restored_mm_alloc();
	if (!rm) {
		ret = -ENOMEM;
		goto out;
	}
	rm->track_id = m->track_id;
	rm->tracker = m->tracker;
	rm->dumpable = m->dumpable;
	ckpt_mm_set_owner(rm->mm, NULL);
	ret = set_user_ns(ctx, rm->mm, m) ?: add_to_chain(ctx, rm);
	if (ret) {
		restore_mm_put(rm);
		goto out;
	}
	/* The table holds it from here on, also for those who help. */
	ret = ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_MM, rm);
	if (!ret)
		ret = make_mm(ctx, rm, &l);
out:
	restored_layout_free(&l);
	return ret;
}

/**
 * restored_mm_of - an address space of the image, which nobody is making any more
 * @ctx:	the restart
 * @objref:	of the address space
 *
 * Return: the address space, which the table of objects holds, or an error pointer.
 */
struct mm_struct *restored_mm_of(struct ckpt_ctx *ctx, u32 objref)
{
	struct restored_mm *rm = ckpt_ref(ctx, objref, CKPT_OBJ_MM);

	if (IS_ERR(rm))
		return ERR_CAST(rm);
	restore_settle_mm(ctx, rm);
	return rm->mm;
}

/* Any task that uses the address space will do; the leader is preferred. */
static void own_adopted_mm(struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	struct task_struct *owner;
	bool ours;

	rcu_read_lock();
	owner = rcu_dereference(mm->owner);
	ours = owner && same_thread_group(owner, current);
	rcu_read_unlock();
	if (!ours || thread_group_leader(current))
		ckpt_mm_set_owner(mm, current);
#endif
}

/*
 * From here on writes are tracked, so that an increment over this image can
 * follow: all its pages are there, and nobody but the kernel has written to them.
 */
static int track(struct ckpt_ctx *ctx, struct restored_mm *rm)
{
	int ret = ckpt_track_adopt(rm->mm, rm->track_id, rm->tracker, ctx->header.image_id,
				   rm->borrowed);

	if (!ret)
		rm->borrowed = NULL;
	return ret;
}

/**
 * restore_adopt_mm - change over to the restored address space
 * @rt:		the task, which is current
 *
 * All tasks of a process do this at the same time. The same as exec does, but
 * that the address space may be in use already.
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_adopt_mm(struct restart_task *rt)
{
	struct mm_struct *old = current->mm;
	struct restored_mm *rm;
	bool first;
	int ret;

	rm = ckpt_ref(restart_ckpt_ctx(rt), rt->leader->process->mm, CKPT_OBJ_MM);
	if (IS_ERR(rm))
		return restore_fail(rt, PTR_ERR(rm), "its address space");
	/* Of those who share it, one does for all what is to be done once. */
	first = !cmpxchg(&rm->leader, NULL, rt->leader);

	exec_mm_release(current, old);
	ret = down_write_killable(&current->signal->exec_update_lock);
	if (ret)
		return restore_fail(rt, ret, "its address space");
	/* It belongs to the old address space, and is registered again later. */
	rseq_execve(current);
	mmget(rm->mm);
	sched_mm_cid_before_execve(current);
	switch_current_mm(rm->mm);
	own_adopted_mm(rm->mm);
	up_write(&current->signal->exec_update_lock);
	sched_mm_cid_after_execve(current);
	mm_update_next_owner(old);
	mmput(old);
	if (first)
		ret = track(restart_ckpt_ctx(rt), rm);
	return ret ? restore_fail(rt, ret, "the tracking of writes to its memory") : 0;
}

/**
 * restore_finish_mm - the last touch to an address space
 * @ctx:	the restart
 * @rt:		leader of the process that has adopted it
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_finish_mm(struct ckpt_ctx *ctx, struct restart_task *rt)
{
	struct restored_mm *rm = ckpt_ref(ctx, rt->process->mm, CKPT_OBJ_MM);

	if (IS_ERR(rm))
		return PTR_ERR(rm);
	if (rm->leader == rt) {
		set_dumpable(rm->mm, rm->dumpable);
		ckpt_lazy_begin(rm->mm);
	}
	return 0;
}
