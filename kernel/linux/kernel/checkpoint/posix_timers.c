// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of POSIX timers: a part of kernel/time/posix-timers.c.
 *
 * A timer has the time left; one of CLOCK_REALTIME that was set to a time of
 * day has that. Its signal, if pending, belongs to it and is queued by it.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_tasks.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>

/* As many as a record holds; RLIMIT_SIGPENDING allows fewer, mostly. */
#define CKPT_MAX_TIMERS		(CKPT_MAX_RECORD_BYTES / sizeof(struct ckpt_timer))

static bool is_time_of_day(const struct k_itimer *timr)
{
	return timr->it_clock == CLOCK_REALTIME && timr->kclock != &clock_monotonic &&
	       timr->it_active;
}

static bool is_cpu_clock(clockid_t clock)
{
	return clock < 0 && (clock & CLOCKFD_MASK) != CLOCKFD;
}

/* Those of one thread, or of another process; not of who has the timer. */
static bool is_clock_of_other(clockid_t clock)
{
	return is_cpu_clock(clock) && (CPUCLOCK_PERTHREAD(clock) || CPUCLOCK_PID(clock));
}

static clockid_t clock_with(clockid_t clock, pid_t pid)
{
	return CPUCLOCK_PERTHREAD(clock) ? make_thread_cpuclock(pid, CPUCLOCK_WHICH(clock)) :
					   make_process_cpuclock(pid, CPUCLOCK_WHICH(clock));
}

/* A thread's clock without pid is that of the thread that made the timer. */
static clockid_t clock_of(const struct k_itimer *timr)
{
	if (!is_clock_of_other(timr->it_clock))
		return timr->it_clock;
	return clock_with(timr->it_clock, pid_vnr(timr->it.cpu.pid));
}

/* Timers go on when the thread that they speak of has ended. */
static u32 dead_parts(const struct k_itimer *timr)
{
	u32 flags = 0;

	if (timr->it_sigev_notify & SIGEV_THREAD_ID && !pid_task(timr->it_pid, PIDTYPE_PID))
		flags |= CKPT_TIMER_DEAD_THREAD;
	if (is_clock_of_other(timr->it_clock) && !pid_task(timr->it.cpu.pid, PIDTYPE_PID))
		flags |= CKPT_TIMER_DEAD_CLOCK;
	return flags;
}

static void describe_timer(struct k_itimer *timr, struct ckpt_timer *rec)
{
	struct itimerspec64 left = {};
	bool time_of_day = is_time_of_day(timr);

	timr->kclock->timer_get(timr, &left);
	rec->id = timr->it_id;
	rec->clock = clock_of(timr);
	rec->notify = timr->it_sigev_notify;
	rec->signo = timr->sigq->info.si_signo;
	rec->sigval = (unsigned long)timr->sigq->info.si_value.sival_ptr;
	if (timr->it_sigev_notify & SIGEV_THREAD_ID)
		rec->tid = pid_vnr(timr->it_pid);
	rec->flags = dead_parts(timr);
	rec->value_ns = timespec64_to_ns(&left.it_value);
	rec->interval_ns = ktime_to_ns(timr->it_interval);
	if (time_of_day) {
		rec->flags |= CKPT_TIMER_ABSTIME;
		rec->value_ns = ktime_to_ns(hrtimer_get_expires(&timr->it.real.timer));
	}
	if (!list_empty(&timr->sigq->list)) {
		rec->flags |= CKPT_TIMER_PENDING;
		/* The overruns of a signal that is queued already are counted there. */
		rec->overrun = timr->sigq->info.si_overrun;
		if (!timr->it_interval)
			rec->value_ns = 0;
	}
	rec->overrun += timr->it_overrun;
	rec->overrun_last = timr->it_overrun_last;
}

/* Under RCU, so that none goes away. Returns how many there are. */
static unsigned int list_timers(struct task_struct *t, struct k_itimer **timers, unsigned int max)
{
	struct k_itimer *timr;
	unsigned long flags;
	unsigned int n = 0;

	if (!lock_task_sighand(t, &flags))
		return 0;
	hlist_for_each_entry(timr, &t->signal->posix_timers, list) {
		if (n < max)
			timers[n] = timr;
		n++;
	}
	unlock_task_sighand(t, &flags);
	return n;
}

/**
 * checkpoint_timers - write the POSIX timers of a process
 * @ctx:	the checkpoint
 * @t:		its leader, at rest
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_timers(struct ckpt_ctx *ctx, struct task_struct *t)
{
	unsigned int i, n = list_timers(t, NULL, 0), nr = 0;
	struct k_itimer **timers;
	struct ckpt_timer *recs;
	int ret = -ENOMEM;

	if (!n)
		return 0;
	if (n > CKPT_MAX_TIMERS)
		return ckpt_obstacle(ctx, -E2BIG, "has %u POSIX timers; %zu are supported", n,
				     CKPT_MAX_TIMERS);
	timers = kvcalloc(n, sizeof(*timers), GFP_KERNEL_ACCOUNT);
	recs = kvcalloc(n, sizeof(*recs), GFP_KERNEL_ACCOUNT);
	if (!timers || !recs)
		goto out;
	rcu_read_lock();
	n = min(n, list_timers(t, timers, n));
	for (i = 0; i < n; i++) {
		/* The list has the youngest first; so has the queue of signals not. */
		struct k_itimer *timr = timers[n - 1 - i];

		spin_lock_irq(&timr->it_lock);
		if (timr->it_signal == t->signal)
			describe_timer(timr, &recs[nr++]);
		spin_unlock_irq(&timr->it_lock);
	}
	rcu_read_unlock();
	ret = ckpt_write_rec(ctx, CKPT_REC_TIMERS, 0, recs, nr * sizeof(*recs));
out:
	kvfree(timers);
	kvfree(recs);
	return ret;
}

static int check_timer(const struct ckpt_timer *rec)
{
	if (rec->id < 0 || rec->flags & ~CKPT_TIMER_FLAGS_ALL || rec->value_ns < 0 ||
	    rec->interval_ns < 0 || rec->overrun < -1 || rec->overrun_last < -1 ||
	    rec->overrun > INT_MAX || rec->overrun_last > INT_MAX)
		return -EINVAL;
	if (rec->flags & CKPT_TIMER_ABSTIME &&
	    (rec->clock != CLOCK_REALTIME || rec->flags & CKPT_TIMER_PENDING))
		return -EINVAL;
	if (rec->flags & CKPT_TIMER_PENDING && (rec->notify & ~SIGEV_THREAD_ID) != SIGEV_SIGNAL)
		return -EINVAL;
	if ((rec->flags & CKPT_TIMER_DEAD_THREAD && !rec->tid) ||
	    (rec->flags & CKPT_TIMER_DEAD_CLOCK &&
	     (!is_clock_of_other(rec->clock) || rec->value_ns)))
		return -EINVAL;
	/* Only SIGEV_SIGNAL may go to a thread. */
	return rec->tid && rec->notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID) ? -EINVAL : 0;
}

int restore_timers_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restart_task *rt = ctx->last_process;
	unsigned int i;

	if (!rt || rt->timers || !rec->len || rec->len % sizeof(*rt->timers))
		return ckpt_err(ctx, -EINVAL, "misplaced or misshapen TIMERS");
	rt->timers = ckpt_read_payload(ctx, &ctx->img, rec, rec->len, CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(rt->timers)) {
		int ret = PTR_ERR(rt->timers);

		rt->timers = NULL;
		return ret;
	}
	rt->nr_timers = rec->len / sizeof(*rt->timers);
	for (i = 0; i < rt->nr_timers; i++)
		if (check_timer(&rt->timers[i]))
			return ckpt_err(ctx, -EINVAL, "process %d: timer %d: invalid attributes",
					rt->entry.pid, rt->timers[i].id);
	return 0;
}

/* Numbers are those that the caller sees; here they may be others. */
static pid_t nr_here(struct restart_task *rt, pid_t pid)
{
	struct restart_task *other = restart_lookup(restart_ckpt_ctx(rt), pid);

	return other && other->task ? task_pid_vnr(other->task) : 0;
}

static int make_timer(struct restart_task *rt, const struct ckpt_timer *rec)
{
	struct sigevent event = {
		.sigev_notify = rec->notify,
		.sigev_signo = rec->signo,
		.sigev_value.sival_ptr = u64_to_user_ptr(rec->sigval),
	};
	clockid_t clock = rec->clock;

	if (rec->flags & CKPT_TIMER_DEAD_THREAD)
		event.sigev_notify = SIGEV_SIGNAL;
	else if (rec->tid)
		event.sigev_notify_thread_id = nr_here(rt, rec->tid);
	if (rec->flags & CKPT_TIMER_DEAD_CLOCK) {
		clock = clock_with(clock, 0);
	} else if (is_clock_of_other(clock)) {
		pid_t nr = nr_here(rt, CPUCLOCK_PID(clock));

		if (!nr)
			return -EINVAL;
		clock = clock_with(clock, nr);
	}
	return do_timer_create(clock, &event, NULL);
}

static struct k_itimer *find_timer(struct signal_struct *sig, int id)
{
	return __posix_timers_find(&posix_timers_hashtable[hash(sig, id)], sig, id);
}

/* What it speaks of is no more; so it is no more that of a living one. */
static int make_parts_dead(const struct ckpt_timer *rec)
{
	bool thread = rec->flags & CKPT_TIMER_DEAD_THREAD;
	bool clock = rec->flags & CKPT_TIMER_DEAD_CLOCK;
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct pid *of_thread = thread ? ckpt_dead_pid(ns, rec->tid) : NULL;
	struct pid *of_clock = clock ? ckpt_dead_pid(ns, CPUCLOCK_PID(rec->clock)) : NULL;
	struct k_itimer *timr;
	int ret = -ENOMEM;

	if ((of_thread || !thread) && (of_clock || !clock)) {
		rcu_read_lock();
		timr = find_timer(current->signal, rec->id);
		ret = timr ? 0 : -ESRCH;
		if (timr) {
			spin_lock_irq(&timr->it_lock);
			if (thread) {
				timr->it_sigev_notify |= SIGEV_THREAD_ID;
				swap(timr->it_pid, of_thread);
			}
			if (clock)
				swap(timr->it.cpu.pid, of_clock);
			spin_unlock_irq(&timr->it_lock);
		}
		rcu_read_unlock();
	}
	put_pid(of_thread);
	put_pid(of_clock);
	return ret;
}

/**
 * restore_timers - make the POSIX timers of a process; they do not run yet
 * @rt:		its leader, which is current
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_timers(struct restart_task *rt)
{
	struct signal_struct *sig = current->signal;
	unsigned int i;
	int ret;

	for (i = 0; i < rt->nr_timers; i++) {
		const struct ckpt_timer *rec = &rt->timers[i];

		sig->next_posix_timer_id = rec->id;
		ret = make_timer(rt, rec);
		if (!ret && rec->flags & (CKPT_TIMER_DEAD_THREAD | CKPT_TIMER_DEAD_CLOCK))
			ret = make_parts_dead(rec);
		if (ret)
			return restore_fail(rt, ret, "a POSIX timer");
		/* The next one, if that id was taken: it stands twice in the image. */
		if (sig->next_posix_timer_id != ((rec->id + 1) & INT_MAX))
			return restore_fail(rt, -EINVAL, "POSIX timers: an id twice");
	}
	if (rt->account)
		sig->next_posix_timer_id = rt->account->next_timer;
	return 0;
}

static int start_timer(struct k_itimer *timr, const struct ckpt_timer *rec)
{
	struct itimerspec64 spec = {
		.it_value = ns_to_timespec64(rec->value_ns),
		.it_interval = ns_to_timespec64(rec->interval_ns),
	};
	int ret;

	if (rec->value_ns) {
		ret = timr->kclock->timer_set(timr, rec->flags & CKPT_TIMER_ABSTIME ?
					      TIMER_ABSTIME : 0, &spec, NULL);
		if (ret)
			return ret < 0 ? ret : -EAGAIN;
	}
	timr->it_overrun = rec->overrun;
	timr->it_overrun_last = rec->overrun_last;
	if (!(rec->flags & CKPT_TIMER_PENDING))
		return 0;
	/* One with an interval starts again when its signal is taken. */
	if (rec->value_ns && timr->kclock->timer_try_to_cancel(timr) < 0)
		return -EAGAIN;
	posix_timer_queue_signal(timr);
	return 0;
}

/**
 * restore_timers_go - let the POSIX timers of a process run
 * @ctx:	the restart
 * @rt:		its leader, when all tasks have their CPU times and signals
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_timers_go(struct ckpt_ctx *ctx, struct restart_task *rt)
{
	struct signal_struct *sig = rt->task->signal;
	unsigned int i;
	int ret;

	for (i = 0; i < rt->nr_timers; i++) {
		struct k_itimer *timr;

		ret = -ESRCH;
		rcu_read_lock();
		timr = find_timer(sig, rt->timers[i].id);
		if (timr) {
			spin_lock_irq(&timr->it_lock);
			if (timr->it_signal == sig)
				ret = start_timer(timr, &rt->timers[i]);
			spin_unlock_irq(&timr->it_lock);
		}
		rcu_read_unlock();
		if (ret)
			return ckpt_err(ctx, ret, "POSIX timer %d cannot be set (error %d)",
					rt->timers[i].id, ret);
	}
	return 0;
}
