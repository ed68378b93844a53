// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of how a thread is scheduled. A restart goes by the rules
 * of the system calls that set it.
 */
#include <linux/checkpoint_tasks.h>
#include <linux/cpumask.h>
#include <linux/ioprio.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/slab.h>
#include <uapi/linux/sched/types.h>
#include <asm/processor.h>

#define CKPT_CPUS	(CKPT_CPU_WORDS * 64U)

#define DEADLINE_FLAGS	(SCHED_FLAG_RECLAIM | SCHED_FLAG_DL_OVERRUN)

static bool is_fair(u32 policy)
{
	return policy == SCHED_NORMAL || policy == SCHED_BATCH;
}

static bool is_supported(u32 policy)
{
	return is_fair(policy) || policy == SCHED_IDLE || policy == SCHED_FIFO ||
	       policy == SCHED_RR || policy == SCHED_DEADLINE;
}

static const char *unsupported(struct task_struct *t)
{
	if (test_tsk_thread_flag(t, TIF_NOCPUID))
		return "may not use CPUID (ARCH_SET_CPUID)";
#ifdef CONFIG_UCLAMP_TASK
	if (t->uclamp_req[UCLAMP_MIN].user_defined || t->uclamp_req[UCLAMP_MAX].user_defined)
		return "has its utilization clamped (sched_setattr)";
#endif
#ifdef CONFIG_SCHED_CORE
	if (t->core_cookie)
		return "does not share a core with all (PR_SCHED_CORE)";
#endif
#ifdef CONFIG_NUMA
	if (t->mempolicy)
		return "has a NUMA policy (set_mempolicy)";
#endif
	return NULL;
}

int ckpt_sched_obstacles(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const char *what = unsupported(t);

	if (!is_supported(t->policy))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "%s: has scheduling policy %u: not supported", t->comm,
				     t->policy);
	if (nr_cpu_ids > CKPT_CPUS)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "this machine may have %u CPUs; %u are supported",
				     nr_cpu_ids, CKPT_CPUS);
	if (what)
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "%s: %s: not supported", t->comm, what);
	return 0;
}

static int checkpoint_deadline(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_deadline d = {
		.runtime_ns = t->dl.dl_runtime,
		.deadline_ns = t->dl.dl_deadline,
		.period_ns = t->dl.dl_period,
		.flags = t->dl.flags & DEADLINE_FLAGS,
	};

	return ckpt_write_rec(ctx, CKPT_REC_DEADLINE, 0, &d, sizeof(d));
}

int checkpoint_sched(struct ckpt_ctx *ctx, struct task_struct *t, u32 seccomp)
{
	struct ckpt_sched s = {
		.policy = t->policy,
		.nice = task_nice(t),
		.rt_priority = t->rt_priority,
		.default_timer_slack_ns = t->default_timer_slack_ns,
		.utime_ns = t->utime,
		.stime_ns = t->stime,
		.runtime_ns = t->se.sum_exec_runtime,
		.seccomp = seccomp,
	};
	unsigned long flags;
	unsigned int cpu;
	int ret;

	if (is_fair(t->policy) && t->se.custom_slice)
		s.slice_ns = t->se.slice;
	if (t->sched_reset_on_fork)
		s.flags |= CKPT_SCHED_RESET_ON_FORK;
	if (test_tsk_thread_flag(t, TIF_NOTSC))
		s.flags |= CKPT_SCHED_TSC_FAULTS;
#ifdef CONFIG_SECCOMP
	s.seccomp_mode = t->seccomp.mode;
#endif
	raw_spin_lock_irqsave(&t->pi_lock, flags);
	if (t->user_cpus_ptr) {
		s.flags |= CKPT_SCHED_AFFINITY;
		for_each_cpu(cpu, t->user_cpus_ptr)
			s.cpus[cpu / 64] |= 1ULL << cpu % 64;
	}
	raw_spin_unlock_irqrestore(&t->pi_lock, flags);
	task_lock(t);
	s.ioprio = __get_task_ioprio(t);
	/* That which follows from the nice value is no one of its own. */
	if (!t->io_context || !ioprio_valid(t->io_context->ioprio))
		s.ioprio = 0;
	task_unlock(t);
	ret = ckpt_write_rec(ctx, CKPT_REC_SCHED, 0, &s, sizeof(s));
	if (!ret && s.policy == SCHED_DEADLINE)
		ret = checkpoint_deadline(ctx, t);
	return ret;
}

int restore_deadline_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restart_task *rt = ctx->last_thread;
	struct ckpt_deadline *d;

	if (!rt || !rt->sched || rt->sched->policy != SCHED_DEADLINE || rt->deadline)
		return ckpt_err(ctx, -EINVAL, "DEADLINE has no place here");
	d = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*d), sizeof(*d));
	if (IS_ERR(d))
		return PTR_ERR(d);
	rt->deadline = d;
	if (d->flags & ~(u64)DEADLINE_FLAGS)
		return ckpt_err(ctx, -EINVAL, "DEADLINE with unknown flags");
	return 0;
}

int restore_sched_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restart_task *rt = ctx->last_thread;
	struct ckpt_sched *s;
	bool has_filter;

	if (!rt || rt->sched)
		return ckpt_err(ctx, -EINVAL, "SCHED has no place here");
	s = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*s), sizeof(*s));
	if (IS_ERR(s))
		return PTR_ERR(s);
	rt->sched = s;
	ctx->where.pid = rt->entry.pid;
	if (s->flags & ~CKPT_SCHED_FLAGS_ALL || s->nice < MIN_NICE ||
	    s->nice > MAX_NICE || s->ioprio > USHRT_MAX)
		return ckpt_err(ctx, -EINVAL, "SCHED with invalid attributes");
	if (s->slice_ns && !is_fair(s->policy))
		return ckpt_err(ctx, -EINVAL, "a slice under scheduling policy %u", s->policy);
	if (!is_supported(s->policy))
		return ckpt_err(ctx, -EINVAL, "scheduling policy %u: not supported", s->policy);
	has_filter = s->seccomp_mode == SECCOMP_MODE_FILTER;
	if (s->seccomp_mode > SECCOMP_MODE_FILTER || has_filter != !!s->seccomp)
		return ckpt_err(ctx, -EINVAL, "seccomp mode %u with filter %u", s->seccomp_mode,
				s->seccomp);
	if ((s->utime_ns | s->stime_ns | s->runtime_ns) >> 60)
		return ckpt_err(ctx, -EINVAL, "more CPU time than there can be");
	ctx->where.pid = 0;
	return 0;
}

static int set_affinity(const struct ckpt_sched *s)
{
	cpumask_var_t mask;
	unsigned int cpu;
	long ret;

	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return -ENOMEM;
	for (cpu = 0; cpu < min(nr_cpu_ids, CKPT_CPUS); cpu++)
		if (s->cpus[cpu / 64] >> cpu % 64 & 1)
			cpumask_set_cpu(cpu, mask);
	ret = sched_setaffinity(0, mask);
	free_cpumask_var(mask);
	return ret;
}

/**
 * restore_sched - be scheduled as the image says
 * @rt:		the task, which is current, with the credentials of its maker
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_sched(struct restart_task *rt)
{
	const struct ckpt_sched *s = rt->sched;
	struct sched_attr attr = {};
	int ret;

	if (!s)
		return 0;
	attr.size = sizeof(attr);
	attr.sched_policy = s->policy;
	attr.sched_nice = s->nice;
	attr.sched_priority = s->rt_priority;
	attr.sched_runtime = s->slice_ns;
	if (s->flags & CKPT_SCHED_RESET_ON_FORK)
		attr.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
	if (s->policy == SCHED_DEADLINE) {
		if (!rt->deadline)
			return restore_fail(rt, -EINVAL, "the deadline it is scheduled by");
		attr.sched_runtime = rt->deadline->runtime_ns;
		attr.sched_deadline = rt->deadline->deadline_ns;
		attr.sched_period = rt->deadline->period_ns;
		attr.sched_flags |= rt->deadline->flags;
	}
	if (current->policy != s->policy || task_nice(current) != s->nice ||
	    current->rt_priority != s->rt_priority || s->slice_ns ||
	    s->policy == SCHED_DEADLINE || current->se.custom_slice ||
	    !!current->sched_reset_on_fork != !!(s->flags & CKPT_SCHED_RESET_ON_FORK)) {
		ret = sched_setattr(current, &attr);
		if (ret)
			return restore_fail(rt, ret, "its scheduling policy or nice value");
	}
	if (s->flags & CKPT_SCHED_AFFINITY) {
		ret = set_affinity(s);
		if (ret)
			return restore_fail(rt, ret, "the CPUs it is bound to");
	}
	if (s->ioprio) {
		ret = ioprio_check_cap(s->ioprio);
		if (!ret)
			ret = set_task_ioprio(current, s->ioprio);
		if (ret)
			return restore_fail(rt, ret, "its I/O priority");
	}
	current->default_timer_slack_ns = s->default_timer_slack_ns;
	if (s->flags & CKPT_SCHED_TSC_FAULTS)
		SET_TSC_CTL(PR_TSC_SIGSEGV);
	return 0;
}
