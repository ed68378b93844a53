// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of what the kernel counts and times of a process: CPU
 * time used, interval timers, what wait(2) has still to tell of it.
 */
#include <linux/checkpoint_tasks.h>
#include <linux/hrtimer.h>
#include <linux/posix-timers.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

/* Under siglock. Time left, or 0 if it does not run. */
static s64 real_timer_left(struct signal_struct *sig)
{
	if (!hrtimer_active(&sig->real_timer))
		return 0;
	return max_t(s64, hrtimer_get_remaining(&sig->real_timer), 1);
}

static s64 cpu_timer_left(struct task_struct *t, unsigned int clock)
{
	const struct cpu_itimer *it = &t->signal->it[clock];
	u64 samples[CPUCLOCK_MAX];

	if (!it->expires)
		return 0;
	thread_group_sample_cputime(t, samples);
	return it->expires > samples[clock] ? it->expires - samples[clock] : 1;
}

/**
 * checkpoint_account - write what is counted and timed of a process
 * @ctx:	the checkpoint
 * @t:		its leader, at rest
 * @alarm_is_pending: the image has a pending SIGALRM of it
 *
 * Return: 0 or a negative error.
 */
int checkpoint_account(struct ckpt_ctx *ctx, struct task_struct *t, bool alarm_is_pending)
{
	struct signal_struct *sig = t->signal;
	struct ckpt_account a = {};
	unsigned long flags;
	int i;

	if (!lock_task_sighand(t, &flags))
		return ckpt_err(ctx, -ESRCH, "has ended");
	a.itimer_ns[ITIMER_REAL] = real_timer_left(sig);
	/* It has expired since its signals were written: it does so again, at once. */
	if (!a.itimer_ns[ITIMER_REAL] && !alarm_is_pending &&
	    sigismember(&sig->shared_pending.signal, SIGALRM))
		a.itimer_ns[ITIMER_REAL] = 1;
	a.itimer_interval_ns[ITIMER_REAL] = sig->it_real_incr;
	for (i = 0; i < 2; i++) {
		/* CPUCLOCK_PROF is 0. */
		int which = i == CPUCLOCK_PROF ? ITIMER_PROF : ITIMER_VIRTUAL;

		a.itimer_ns[which] = cpu_timer_left(t, i);
		a.itimer_interval_ns[which] = sig->it[i].incr;
	}
	a.utime_ns = sig->utime;
	a.stime_ns = sig->stime;
	a.runtime_ns = sig->sum_sched_runtime;
	a.cutime_ns = sig->cutime;
	a.cstime_ns = sig->cstime;
	if (sig->flags & SIGNAL_STOP_STOPPED)
		a.stop_code = sig->group_exit_code;
	a.continued = !!(sig->flags & SIGNAL_STOP_CONTINUED);
#ifdef CONFIG_POSIX_TIMERS
	a.next_timer = sig->next_posix_timer_id;
#endif
	unlock_task_sighand(t, &flags);
	return ckpt_write_rec(ctx, CKPT_REC_ACCOUNT, 0, &a, sizeof(a));
}

int restore_account_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restart_task *rt = ctx->last_process;
	struct ckpt_account *a;
	int i;

	if (!rt || rt->account)
		return ckpt_err(ctx, -EINVAL, "ACCOUNT has no place here");
	a = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*a), sizeof(*a));
	if (IS_ERR(a))
		return PTR_ERR(a);
	rt->account = a;
	for (i = 0; i < CKPT_ITIMERS; i++)
		if (a->itimer_ns[i] < 0 || a->itimer_interval_ns[i] < 0)
			return ckpt_err(ctx, -EINVAL,
					"process %d: interval timer %d: negative time",
					rt->entry.pid, i);
	if (a->continued > 1 || a->next_timer > INT_MAX || a->reserved ||
	    (a->stop_code && (a->stop_code > SIGRTMAX || !sig_kernel_stop(a->stop_code))))
		return ckpt_err(ctx, -EINVAL, "process %d: ACCOUNT with invalid attributes",
				rt->entry.pid);
	/* Sums must not overflow. */
	if ((a->utime_ns | a->stime_ns | a->runtime_ns | a->cutime_ns | a->cstime_ns) >> 60)
		return ckpt_err(ctx, -EINVAL, "process %d: more CPU time than there can be",
				rt->entry.pid);
	return 0;
}

/* Its own time comes on top of that of the threads that have ended. */
static void set_thread_times(struct restart_task *rt)
{
	const struct ckpt_sched *s = rt->sched;
	struct task_struct *t = rt->task;

	if (!s)
		return;
	t->utime = s->utime_ns;
	t->stime = s->stime_ns;
	t->se.sum_exec_runtime = s->runtime_ns;
	t->se.prev_sum_exec_runtime = s->runtime_ns;
}

/**
 * restore_account - set the CPU times of a thread, and of its process
 * @ctx:	the restart
 * @rt:		a task that waits for the others, off its CPU
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_account(struct ckpt_ctx *ctx, struct restart_task *rt)
{
	const struct ckpt_account *a = rt->account;
	struct signal_struct *sig = rt->task->signal;
	unsigned long flags;

	if (!lock_task_sighand(rt->task, &flags))
		return ckpt_err(ctx, -ESRCH, "was killed during the restart");
	write_seqlock(&sig->stats_lock);
	set_thread_times(rt);
	if (a) {
		sig->utime = a->utime_ns;
		sig->stime = a->stime_ns;
		sig->sum_sched_runtime = a->runtime_ns;
		sig->cutime = a->cutime_ns;
		sig->cstime = a->cstime_ns;
	}
	write_sequnlock(&sig->stats_lock);
	unlock_task_sighand(rt->task, &flags);
	return 0;
}

static void start_cpu_timer(struct task_struct *t, unsigned int clock, u64 left, u64 interval)
{
	u64 expires = left, old = 0;

	if (left)
		set_process_cpu_timer(t, clock, &expires, &old);
	t->signal->it[clock].expires = expires;
	t->signal->it[clock].incr = interval;
}

/**
 * restore_itimers - let the interval timers of a process run
 * @ctx:	the restart
 * @rt:		its leader, when all tasks have their CPU times
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_itimers(struct ckpt_ctx *ctx, struct restart_task *rt)
{
	const struct ckpt_account *a = rt->account;
	struct signal_struct *sig = rt->task->signal;
	unsigned long cpu = READ_ONCE(sig->rlim[RLIMIT_CPU].rlim_cur);
	unsigned long flags;

	/* Set without setrlimit(2), it is not watched yet. */
	if (cpu != RLIM_INFINITY)
		update_rlimit_cpu(rt->task, cpu);
	if (!a)
		return 0;
	if (!lock_task_sighand(rt->task, &flags))
		return ckpt_err(ctx, -ESRCH, "was killed during the restart");
	sig->it_real_incr = a->itimer_interval_ns[ITIMER_REAL];
	if (a->itimer_ns[ITIMER_REAL])
		hrtimer_start(&sig->real_timer, a->itimer_ns[ITIMER_REAL], HRTIMER_MODE_REL);
	start_cpu_timer(rt->task, CPUCLOCK_VIRT, a->itimer_ns[ITIMER_VIRTUAL],
			a->itimer_interval_ns[ITIMER_VIRTUAL]);
	start_cpu_timer(rt->task, CPUCLOCK_PROF, a->itimer_ns[ITIMER_PROF],
			a->itimer_interval_ns[ITIMER_PROF]);
	unlock_task_sighand(rt->task, &flags);
	return 0;
}
