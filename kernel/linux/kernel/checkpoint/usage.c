// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of what tasks have used, and since when: what getrusage(2),
 * wait4(2) and /proc/PID/stat tell.
 */
#include <linux/capability.h>
#include <linux/checkpoint_tasks.h>
#include <linux/mm.h>
#include <linux/nsproxy.h>
#include <linux/sched/cputime.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/task_io_accounting_ops.h>
#include <linux/time_namespace.h>

/* Neither sums of them, nor bytes of so many blocks, overflow. */
#define CKPT_MAX_COUNT	(1ULL << 48)

static struct ckpt_counts counts_of(const struct task_struct *t)
{
	return (struct ckpt_counts) {
		.min_flt = t->min_flt,
		.maj_flt = t->maj_flt,
		.nvcsw = t->nvcsw,
		.nivcsw = t->nivcsw,
		.inblock = task_io_get_inblock(t),
		.oublock = task_io_get_oublock(t),
	};
}

/* Under siglock. */
static void describe_process(struct ckpt_usage *u, const struct signal_struct *sig)
{
	u->ended = (struct ckpt_counts) {
		.min_flt = sig->min_flt,
		.maj_flt = sig->maj_flt,
		.nvcsw = sig->nvcsw,
		.nivcsw = sig->nivcsw,
		.inblock = sig->inblock,
		.oublock = sig->oublock,
	};
	u->children = (struct ckpt_counts) {
		.min_flt = sig->cmin_flt,
		.maj_flt = sig->cmaj_flt,
		.nvcsw = sig->cnvcsw,
		.nivcsw = sig->cnivcsw,
		.inblock = sig->cinblock,
		.oublock = sig->coublock,
	};
	u->children_maxrss = (u64)sig->cmaxrss << PAGE_SHIFT;
}

static u64 maxrss_of(struct task_struct *t)
{
	unsigned long maxrss = t->signal->maxrss;
	struct mm_struct *mm = get_task_mm(t);

	if (mm) {
		setmax_mm_hiwater_rss(&maxrss, mm);
		mmput(mm);
	}
	return (u64)maxrss << PAGE_SHIFT;
}

/*
 * When a task began, as those in the caller's time namespace see it, which is that of
 * the tree. Who has entered it may be older than its clocks.
 */
static void describe_start(struct ckpt_usage *u, const struct task_struct *t)
{
	struct timespec64 monotonic = ns_to_timespec64(t->start_time);
	struct timespec64 boottime = ns_to_timespec64(t->start_boottime);

	timens_add_monotonic(&monotonic);
	timens_add_boottime(&boottime);
	u->start_ns = max_t(s64, timespec64_to_ns(&monotonic), 0);
	u->start_boottime_ns = max_t(s64, timespec64_to_ns(&boottime), 0);
}

static int write_usage(struct ckpt_ctx *ctx, unsigned int i)
{
	const struct ckpt_task_entry *e = &ctx->entries[i];
	struct task_struct *t = ctx->tasks.task[i];
	struct ckpt_usage u = {
		.pid = e->pid,
		.self = counts_of(t),
	};
	unsigned long flags;

	describe_start(&u, t);
	if (e->flags & CKPT_TASK_LEADER)
		u.maxrss = maxrss_of(e->flags & CKPT_TASK_ZOMBIE ? t : ckpt_live_task(ctx, i));
	if (!lock_task_sighand(t, &flags))
		return ckpt_err(ctx, -ESRCH, "has ended");
	if (e->flags & CKPT_TASK_LEADER)
		describe_process(&u, t->signal);
	if (e->flags & (CKPT_TASK_ZOMBIE | CKPT_TASK_DEAD_LEADER)) {
		u.utime_ns = t->utime;
		u.stime_ns = t->stime;
		u.runtime_ns = t->se.sum_exec_runtime;
	}
	if (e->flags & CKPT_TASK_ZOMBIE) {
		u.utime_ns += t->signal->utime;
		u.stime_ns += t->signal->stime;
		u.runtime_ns += t->signal->sum_sched_runtime;
		u.cutime_ns = t->signal->cutime;
		u.cstime_ns = t->signal->cstime;
	}
	unlock_task_sighand(t, &flags);
	return ckpt_write_rec(ctx, CKPT_REC_USAGE, 0, &u, sizeof(u));
}

/**
 * checkpoint_usage - write what all tasks have used
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_usage(struct ckpt_ctx *ctx)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ctx->tasks.nr && !ret; i++) {
		ctx->where = (struct ckpt_where) { .pid = ctx->entries[i].pid, .fd = -1 };
		ret = write_usage(ctx, i);
	}
	return ret;
}

static bool counts_are_valid(const struct ckpt_counts *c)
{
	return c->min_flt < CKPT_MAX_COUNT && c->maj_flt < CKPT_MAX_COUNT &&
	       c->nvcsw < CKPT_MAX_COUNT && c->nivcsw < CKPT_MAX_COUNT &&
	       c->inblock < CKPT_MAX_COUNT && c->oublock < CKPT_MAX_COUNT;
}

static bool is_valid(const struct ckpt_usage *u, const struct ckpt_task_entry *e)
{
	bool has_ended = e->flags & (CKPT_TASK_ZOMBIE | CKPT_TASK_DEAD_LEADER);

	return !u->reserved && counts_are_valid(&u->self) && counts_are_valid(&u->ended) &&
	       counts_are_valid(&u->children) && u->maxrss < CKPT_MAX_COUNT &&
	       u->children_maxrss < CKPT_MAX_COUNT &&
	       !((u->utime_ns | u->stime_ns | u->runtime_ns | u->cutime_ns | u->cstime_ns |
		  u->start_ns | u->start_boottime_ns) >> 60) &&
	       (has_ended || !(u->utime_ns | u->stime_ns | u->runtime_ns)) &&
	       (e->flags & CKPT_TASK_ZOMBIE || !(u->cutime_ns | u->cstime_ns));
}

/* As its time namespace has it, but not before this machine started, nor after now. */
static u64 began(u64 start_ns, const struct timespec64 *offset, u64 made)
{
	return clamp_t(s64, start_ns - timespec64_to_ns(offset), 0, made);
}

/* Together with the pid it tells who a process is, so not everybody may choose it. */
static void set_start(struct task_struct *t, const struct ckpt_usage *u)
{
	struct timens_offsets offsets = {};

	if (!checkpoint_restore_ns_capable(&init_user_ns))
		return;
#ifdef CONFIG_TIME_NS
	task_lock(t);
	if (t->nsproxy)
		offsets = t->nsproxy->time_ns->offsets;
	task_unlock(t);
#endif
	t->start_time = began(u->start_ns, &offsets.monotonic, t->start_time);
	t->start_boottime = began(u->start_boottime_ns, &offsets.boottime, t->start_boottime);
}

int restore_usage_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restart_task *rt;
	struct ckpt_usage *u;

	u = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*u), sizeof(*u));
	if (IS_ERR(u))
		return PTR_ERR(u);
	rt = restart_find(ctx, u->pid);
	if (IS_ERR(rt) || rt->usage) {
		int ret = IS_ERR(rt) ? PTR_ERR(rt) :
			  ckpt_err(ctx, -EINVAL, "USAGE of pid %d stands twice in the image",
				   u->pid);

		kvfree(u);
		return ret;
	}
	rt->usage = u;
	if (!is_valid(u, &rt->entry))
		return ckpt_err(ctx, -EINVAL, "USAGE of pid %d: invalid attributes", u->pid);
	/* Now, as it lives in its time namespace no longer when it has ended again. */
	set_start(rt->task, u);
	return 0;
}

static void set_counts(struct task_struct *t, const struct ckpt_counts *c)
{
	t->min_flt = c->min_flt;
	t->maj_flt = c->maj_flt;
	t->nvcsw = c->nvcsw;
	t->nivcsw = c->nivcsw;
#ifdef CONFIG_TASK_IO_ACCOUNTING
	t->ioac.read_bytes = c->inblock << 9;
	t->ioac.write_bytes = c->oublock << 9;
#endif
}

static void set_process(struct signal_struct *sig, const struct ckpt_usage *u)
{
	sig->min_flt = u->ended.min_flt;
	sig->maj_flt = u->ended.maj_flt;
	sig->nvcsw = u->ended.nvcsw;
	sig->nivcsw = u->ended.nivcsw;
	sig->inblock = u->ended.inblock;
	sig->oublock = u->ended.oublock;
	sig->cmin_flt = u->children.min_flt;
	sig->cmaj_flt = u->children.maj_flt;
	sig->cnvcsw = u->children.nvcsw;
	sig->cnivcsw = u->children.nivcsw;
	sig->cinblock = u->children.inblock;
	sig->coublock = u->children.oublock;
	sig->maxrss = u->maxrss >> PAGE_SHIFT;
	sig->cmaxrss = u->children_maxrss >> PAGE_SHIFT;
}

static void set_times(struct restart_task *rt, const struct ckpt_usage *u)
{
	struct task_struct *t = rt->task;

	if (!(rt->entry.flags & (CKPT_TASK_ZOMBIE | CKPT_TASK_DEAD_LEADER)))
		return;
	t->utime = u->utime_ns;
	t->stime = u->stime_ns;
	t->se.sum_exec_runtime = u->runtime_ns;
	if (!(rt->entry.flags & CKPT_TASK_ZOMBIE))
		return;
	t->signal->utime = 0;
	t->signal->stime = 0;
	t->signal->sum_sched_runtime = 0;
	t->signal->cutime = u->cutime_ns;
	t->signal->cstime = u->cstime_ns;
}

/**
 * restore_usage - set what a task has used
 * @ctx:	the restart
 * @rt:		a task that waits for the others, off its CPU, or has ended
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_usage(struct ckpt_ctx *ctx, struct restart_task *rt)
{
	const struct ckpt_usage *u = rt->usage;
	struct task_struct *t = rt->task;
	unsigned long flags;

	if (!u)
		return 0;
	if (!lock_task_sighand(t, &flags))
		return ckpt_err(ctx, -ESRCH, "was killed during the restart");
	write_seqlock(&t->signal->stats_lock);
	set_counts(t, &u->self);
	set_times(rt, u);
	if (rt->leader == rt)
		set_process(t->signal, u);
	write_sequnlock(&t->signal->stats_lock);
	unlock_task_sighand(t, &flags);
	return 0;
}
