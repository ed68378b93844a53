// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of x86-64 CPU state, by way of the register sets that
 * ptrace(2) and core dumps use: what a debugger may not set, an image may not.
 */
#include <linux/checkpoint_tasks.h>
#include <linux/elf.h>
#include <linux/pid_namespace.h>
#include <linux/pkeys.h>
#include <linux/regset.h>
#include <linux/sched/mm.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <asm/fpu/types.h>
#include <asm/mmu.h>
#include <asm/ptrace.h>
#include <asm/syscall.h>
#include <asm/user_64.h>
#include <asm/vdso.h>

static const struct user_regset *regset(struct task_struct *t, unsigned int note)
{
	const struct user_regset_view *view = task_user_regset_view(t);
	unsigned int i;

	for (i = 0; i < view->n; i++)
		if (view->regsets[i].core_note_type == note)
			return &view->regsets[i];
	return NULL;
}

int ckpt_arch_obstacles(struct ckpt_ctx *ctx, struct task_struct *t)
{
	int ret = 0;

	if (!user_64bit_mode(task_pt_regs(t)) || test_tsk_thread_flag(t, TIF_ADDR32))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "%s: is a 32-bit task: not supported",
				    t->comm);
#ifdef CONFIG_X86_IOPL_IOPERM
	if (!ret && (t->thread.io_bitmap || t->thread.iopl_emul))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "%s: has access to I/O ports: not supported",
				    t->comm);
#endif
	/* Without, it would be open again to what it has shut out. */
	if (!ret && (task_spec_ssb_disable(t) || task_spec_ssb_noexec(t) ||
		     task_spec_ib_disable(t) || test_tsk_thread_flag(t, TIF_SPEC_L1D_FLUSH)))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "%s: restricts speculation (PR_SET_SPECULATION_CTRL): not supported",
				    t->comm);
	if (!ret && (t->group_leader->thread.fpu.perm.__state_perm &
		     ~fpu_kernel_cfg.default_features))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "%s: has asked for registers of its own (ARCH_REQ_XCOMP_PERM): not supported",
				    t->comm);
#ifdef CONFIG_X86_USER_SHADOW_STACK
	if (!ret && t->thread.features)
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "%s: has a shadow stack: not supported",
				    t->comm);
#endif
#ifdef CONFIG_ADDRESS_MASKING
	if (!ret && t->mm && t->mm->context.lam_cr3_mask)
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "%s: has tags in its addresses (ARCH_ENABLE_TAGGED_ADDR): not supported",
				    t->comm);
#endif
	return ret;
}

u64 ckpt_arch_features(void)
{
	return fpu_user_cfg.max_features;
}

/* It is still in the call that returns when its child has ended, or runs another program. */
static void return_from_vfork(struct ckpt_ctx *ctx, struct task_struct *t,
			      struct ckpt_cpu_x86_64 *cpu)
{
	struct task_struct *child = ckpt_vfork_child(ctx, t);

	if (!child)
		return;
	cpu->ax = task_pid_nr_ns(child, task_active_pid_ns(t));
	cpu->orig_ax = -1;
}

int checkpoint_cpu(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const struct user_regset *gen = regset(t, NT_PRSTATUS);
	const struct user_regset *fpu = regset(t, NT_X86_XSTATE);
	void *data = NULL;
	int len, ret;

	BUILD_BUG_ON(sizeof(struct ckpt_cpu_x86_64) != sizeof(struct user_regs_struct));
	if (!gen || !fpu)
		return ckpt_err(ctx, -EOPNOTSUPP, "this CPU has no XSAVE");
	len = regset_get_alloc(t, gen, sizeof(struct ckpt_cpu_x86_64), &data);
	if (len < 0)
		return ckpt_err(ctx, len, "cannot read its registers");
	return_from_vfork(ctx, t, data);
	ret = ckpt_write_rec(ctx, CKPT_REC_CPU, 0, data, len);
	kfree(data);
	if (ret)
		return ret;
	data = NULL;
	len = regset_get_alloc(t, fpu, fpu->n * fpu->size, &data);
	if (len < 0)
		return ckpt_err(ctx, len, "cannot read its FPU state");
	ret = ckpt_write_rec(ctx, CKPT_REC_FPU, 0, data, len);
	kvfree(data);
	return ret;
}

static void *read_regset(struct ckpt_ctx *ctx, const struct ckpt_rec *rec, size_t size)
{
	if (!ctx->last_thread)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "registers before any THREAD"));
	return ckpt_read_payload(ctx, &ctx->img, rec, size, size);
}

/* The task is blocked in the kernel: its registers lie still. */
static int set_regset(struct ckpt_ctx *ctx, struct restart_task *rt,
		      const struct user_regset *set, size_t size, const void *data)
{
	if (!set->set(rt->task, set, 0, size, data, NULL))
		return 0;
	ctx->where.pid = rt->entry.pid;
	return ckpt_err(ctx, -EINVAL, "registers with values that user mode may not have");
}

/**
 * restore_cpu_rec - keep the registers of a thread until it has its address space
 * @ctx:	the restart
 * @rec:	CPU
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_cpu_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_cpu_x86_64 *cpu = read_regset(ctx, rec, sizeof(*cpu));

	if (IS_ERR(cpu))
		return PTR_ERR(cpu);
	kvfree(ctx->last_thread->cpu);
	ctx->last_thread->cpu = cpu;
	return 0;
}

/**
 * restore_fpu_rec - the same of its FPU state
 * @ctx:	the restart
 * @rec:	FPU
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_fpu_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	const struct user_regset *set = regset(current, NT_X86_XSTATE);
	void *fpu;

	if (!set || !set->n)
		return ckpt_err(ctx, -EOPNOTSUPP, "this CPU has no XSAVE");
	fpu = read_regset(ctx, rec, set->n * set->size);
	if (IS_ERR(fpu))
		return PTR_ERR(fpu);
	kvfree(ctx->last_thread->fpu);
	ctx->last_thread->fpu = fpu;
	return 0;
}

/**
 * restore_cpu - set the registers of a thread
 * @ctx:	the restart
 * @rt:		a task that has taken on its part and waits for the others
 *
 * Not before: leaving the old address space clears the segment bases.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_cpu(struct ckpt_ctx *ctx, struct restart_task *rt)
{
	const struct user_regset *xstate = regset(rt->task, NT_X86_XSTATE);

	ckpt_wait_inactive(rt->task);
	return set_regset(ctx, rt, xstate, xstate->n * xstate->size, rt->fpu) ?:
	       set_regset(ctx, rt, regset(rt->task, NT_PRSTATUS),
			  sizeof(struct ckpt_cpu_x86_64), rt->cpu);
}

/**
 * ckpt_arch_pkeys - describe the memory protection keys of an address space
 * @mm:		the address space
 * @keys:	filled in
 *
 * Return: whether it uses any.
 */
bool ckpt_arch_pkeys(struct mm_struct *mm, struct ckpt_pkeys *keys)
{
#ifdef CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS
	if (!arch_pkeys_enabled())
		return false;
	keys->allocated = mm_pkey_allocation_map(mm);
	keys->execute_only = mm->context.execute_only_pkey;
	return keys->allocated != 1;
#else
	return false;
#endif
}

/**
 * restore_arch_pkeys - give an address space its memory protection keys
 * @ctx:	the restart
 * @mm:		the address space, without mappings
 * @keys:	what the image says of them
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_arch_pkeys(struct ckpt_ctx *ctx, struct mm_struct *mm,
		       const struct ckpt_pkeys *keys)
{
	if (!arch_pkeys_enabled())
		return ckpt_err(ctx, -EOPNOTSUPP,
				"memory protection keys are in use; this machine has none");
#ifdef CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS
	if (keys->allocated >> arch_max_pkey() || keys->execute_only < -1 ||
	    keys->execute_only >= arch_max_pkey() ||
	    (keys->execute_only >= 0 && !(keys->allocated & BIT(keys->execute_only))))
		return ckpt_err(ctx, -EINVAL, "memory protection keys that cannot be");
	mm_pkey_allocation_map(mm) = keys->allocated;
	mm->context.execute_only_pkey = keys->execute_only;
#endif
	return 0;
}

/**
 * restore_vdso - map the vDSO and its data where they were
 * @vdso:	address of the vDSO's text
 *
 * Works on current's mm.
 *
 * Return: 0 or a negative error.
 */
int restore_vdso(unsigned long vdso)
{
	long data = vdso_image_64.sym_vvar_start;
	int ret;

	if (!IS_ALIGNED(vdso, PAGE_SIZE) || vdso >= TASK_SIZE_MAX || vdso < -data)
		return -EINVAL;
	ret = map_vdso_once(&vdso_image_64, vdso + data);
	if (ret)
		return ret;
	return (unsigned long)current->mm->context.vdso == vdso ? 0 : -EEXIST;
}

/**
 * restore_arch_return - what restart(2) returns as the restored task
 *
 * The signal path is taken on the way out: there an interrupted system call
 * starts again, as it would have without the checkpoint.
 *
 * Return: the value for the register that holds it.
 */
long restore_arch_return(void)
{
	set_thread_flag(TIF_SIGPENDING);
	return task_pt_regs(current)->ax;
}
