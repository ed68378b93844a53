// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of processes and threads: what stands in task_struct and
 * signal_struct, and the order of what they consist of.
 */
#include <linux/capability.h>
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_tasks.h>
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/fs_struct.h>
#include <linux/oom.h>
#include <linux/personality.h>
#include <linux/pid.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/rseq.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/syscall_user_dispatch.h>
#include <linux/tty.h>

/* PR_SET_IO_FLUSHER */
#define PF_IO_FLUSHER	(PF_MEMALLOC_NOIO | PF_LOCAL_THROTTLE)

/* Is its group shared with processes that are not of the tree? */
static bool group_is_shared(struct ckpt_ctx *ctx, struct task_struct *t)
{
	void *index = xa_load(&ctx->pids, task_tgid_vnr(t));
	u32 flags = index ? ctx->entries[xa_to_value(index)].flags : 0;
	bool own_session = flags & CKPT_TASK_OWN_SESSION ||
			   ckpt_in_tree(ctx, task_session_vnr(t));
	bool own_group = flags & CKPT_TASK_OWN_GROUP || ckpt_in_tree(ctx, task_pgrp_vnr(t));

	return own_session && !own_group;
}

/* Its death would be told a second time. */
static bool parent_leader_is_dead(struct task_struct *t)
{
	bool dead;

	rcu_read_lock();
	dead = rcu_dereference(t->real_parent)->group_leader->exit_state;
	rcu_read_unlock();
	return dead;
}

/**
 * ckpt_group_obstacles - what a process has, as a member of its group and session
 * @ctx:	the checkpoint
 * @t:		its leader, at rest or ended
 *
 * Return: 0, or a negative error, which has been logged.
 */
int ckpt_group_obstacles(struct ckpt_ctx *ctx, struct task_struct *t)
{
	if (!group_is_shared(ctx, t))
		return 0;
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
			     "%s: its process group %d, whose leader has ended, is shared with processes outside the tree: not supported",
			     t->comm, task_pgrp_vnr(t));
}

/**
 * ckpt_task_obstacles - all that a task has and that cannot be checkpointed
 * @ctx:	the checkpoint
 * @t:		a task at rest
 *
 * Return: 0, or a negative error, which has been logged.
 */
int ckpt_task_obstacles(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const char *ns = ckpt_foreign_namespace(ctx, t);
	const char *comm = t->comm;
	int ret = 0;

#define OBSTACLE(cond, fmt, ...)						\
	do {									\
		if (!ret && (cond))						\
			ret = ckpt_obstacle(ctx, -EOPNOTSUPP,			\
					    "%s: " fmt, comm, ##__VA_ARGS__);	\
	} while (0)

	OBSTACLE(ns, "lives in %s namespace: not supported", ns);
	OBSTACLE(t->ptrace, "is traced: detach the debugger first");
	OBSTACLE(t->flags & (PF_USER_WORKER | PF_KTHREAD), "is a worker thread of the kernel");
	OBSTACLE(t->pdeath_signal && parent_leader_is_dead(t),
		 "its parent's first thread has ended (PR_SET_PDEATHSIG): not supported");
	if (!ret && thread_group_leader(t))
		ret = ckpt_group_obstacles(ctx, t);
	if (!ret)
		ret = ckpt_io_uring_obstacle(ctx, t);
	if (!ret)
		ret = ckpt_arch_obstacles(ctx, t);
	if (!ret)
		ret = ckpt_sched_obstacles(ctx, t);
	if (!ret)
		ret = ckpt_sem_obstacles(ctx, t);
#ifdef CONFIG_SECCOMP_FILTER
	if (!ret)
		ret = ckpt_seccomp_obstacles(ctx, t);
#endif
#undef OBSTACLE
	return ret;
}

static int checkpoint_signal_struct(struct ckpt_ctx *ctx, struct task_struct *t,
				    struct ckpt_process *p)
{
	struct signal_struct *sig = t->signal;
	struct tty_struct *tty = NULL;
	unsigned long flags;
	int i, ret = 0;

	BUILD_BUG_ON(CKPT_RLIMITS != RLIM_NLIMITS);
	p->is_child_subreaper = sig->is_child_subreaper;
	p->has_child_subreaper = sig->has_child_subreaper;
	p->oom_score_adj = sig->oom_score_adj;
	p->oom_score_adj_min = sig->oom_score_adj_min;
	task_lock(t);
	for (i = 0; i < RLIM_NLIMITS; i++) {
		p->rlim_cur[i] = sig->rlim[i].rlim_cur;
		p->rlim_max[i] = sig->rlim[i].rlim_max;
	}
	task_unlock(t);
	if (lock_task_sighand(t, &flags)) {
		if (sig->flags & SIGNAL_STOP_STOPPED)
			p->stopped = checkpoint_stop_signal(t);
		/* A terminal of a session outside the tree comes with that session. */
		if (sig->tty && ckpt_in_tree(ctx, task_session_vnr(t)))
			tty = tty_kref_get(sig->tty);
		unlock_task_sighand(t, &flags);
	}
	if (tty) {
		ret = checkpoint_tty(ctx, tty, &p->tty);
		if (sig->leader) {
			spin_lock_irqsave(&tty->ctrl.lock, flags);
			p->tty_foreground = pid_vnr(tty->ctrl.pgrp);
			spin_unlock_irqrestore(&tty->ctrl.lock, flags);
		}
		tty_kref_put(tty);
	}
	return ret;
}

/* Objects of a thread that it may share with others. */
struct thread_refs {
	u32 cred;
	u32 seccomp;
	struct ckpt_unshared unshared;
};

static u32 describe_thread_flags(const struct task_struct *t)
{
	u32 flags = 0;

	if (t->flags & PF_MCE_PROCESS)
		flags |= t->flags & PF_MCE_EARLY ? CKPT_THREAD_MCE_EARLY : CKPT_THREAD_MCE_LATE;
	if ((t->flags & PF_IO_FLUSHER) == PF_IO_FLUSHER)
		flags |= CKPT_THREAD_IO_FLUSHER;
	if (!(t->flags & PF_FORKNOEXEC))
		flags |= CKPT_THREAD_EXECED;
	return flags;
}

static int checkpoint_dispatch(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const struct syscall_user_dispatch *sd = &t->syscall_dispatch;
	struct ckpt_dispatch d = {
		.offset = sd->offset,
		.len = sd->len,
		.selector = (unsigned long)sd->selector,
	};

	if (!test_task_syscall_work(t, SYSCALL_USER_DISPATCH))
		return 0;
	return ckpt_write_rec(ctx, CKPT_REC_DISPATCH, 0, &d, sizeof(d));
}

static int checkpoint_thread(struct ckpt_ctx *ctx, struct task_struct *t, pid_t pid,
			     const struct thread_refs *refs)
{
	struct ckpt_thread th = {
		.pid = pid,
		.cred = refs->cred,
		.clear_child_tid = (unsigned long)t->clear_child_tid,
		.robust_list = (unsigned long)t->robust_list,
		.rseq = (unsigned long)t->rseq,
		.rseq_len = t->rseq_len,
		.rseq_sig = t->rseq_sig,
		.pdeath_signal = t->pdeath_signal,
		.personality = t->personality,
		.timer_slack_ns = t->timer_slack_ns,
		.no_new_privs = task_no_new_privs(t),
		.flags = describe_thread_flags(t),
	};
	int ret;

	get_task_comm(th.comm, t);
	checkpoint_thread_signal(t, &th);
	ret = checkpoint_restart_block(ctx, t, &th);
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_THREAD, 0, &th, sizeof(th));
	if (!ret)
		ret = checkpoint_unshared(ctx, &refs->unshared);
	if (!ret)
		ret = checkpoint_dispatch(ctx, t);
	if (!ret)
		ret = checkpoint_cpu(ctx, t);
	if (!ret)
		ret = checkpoint_sigqueue(ctx, t, false);
	if (!ret)
		ret = checkpoint_sched(ctx, t, refs->seccomp);
	return ret;
}

/* By these it is still seen; and what is of its process is made where that lives. */
static int checkpoint_dead_leader(struct ckpt_ctx *ctx, struct task_struct *t, pid_t pid,
				  const struct thread_refs *refs)
{
	struct ckpt_thread th = { .pid = pid, .cred = refs->cred };
	int ret;

	get_task_comm(th.comm, t);
	ret = ckpt_write_rec(ctx, CKPT_REC_THREAD, 0, &th, sizeof(th));
	return ret ?: checkpoint_unshared(ctx, &refs->unshared);
}

static bool alarm_is_pending(struct task_struct *t)
{
	unsigned long flags;
	bool pending = false;

	if (lock_task_sighand(t, &flags)) {
		pending = sigismember(&t->signal->shared_pending.signal, SIGALRM);
		unlock_task_sighand(t, &flags);
	}
	return pending;
}

/* What goes on counting while it rests: signals first, as timers may send some. */
static int checkpoint_process_state(struct ckpt_ctx *ctx, struct task_struct *leader)
{
	bool alarm = alarm_is_pending(leader);
	int ret;

	ret = checkpoint_sem_undo(ctx, leader);
	if (!ret)
		ret = checkpoint_sigqueue(ctx, leader, true);
	if (!ret)
		ret = checkpoint_account(ctx, leader, alarm);
#ifdef CONFIG_POSIX_TIMERS
	if (!ret)
		ret = checkpoint_timers(ctx, leader);
#endif
	return ret;
}

static int checkpoint_thread_refs(struct ckpt_ctx *ctx, struct task_struct *t,
				  struct task_struct *leader, struct thread_refs *refs)
{
	int ret = 0;

	if (READ_ONCE(t->files) != READ_ONCE(leader->files))
		ret = checkpoint_files(ctx, t, &refs->unshared.files);
	if (!ret && READ_ONCE(t->fs) != READ_ONCE(leader->fs))
		ret = checkpoint_fs(ctx, t, &refs->unshared.fs);
	ckpt_inner_ns(ctx, t, &refs->unshared);
	if (!ret)
		ret = checkpoint_cred(ctx, t, &refs->cred);
#ifdef CONFIG_SECCOMP_FILTER
	if (!ret)
		ret = checkpoint_seccomp(ctx, t, &refs->seccomp);
#endif
	return ret;
}

/**
 * checkpoint_process - write a process: its objects, itself, its threads
 * @ctx:	the checkpoint
 * @first:	index of its leader; its threads follow
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_process(struct ckpt_ctx *ctx, unsigned int first)
{
	struct task_struct *leader = ckpt_live_task(ctx, first);
	pid_t tgid = ctx->entries[first].tgid;
	struct ckpt_process p = { .tgid = tgid };
	unsigned int i, end = first + 1;
	bool leader_is_dead = ctx->entries[first].flags & CKPT_TASK_DEAD_LEADER;
	struct thread_refs *refs;
	int ret;

	while (end < ctx->tasks.nr && ctx->entries[end].tgid == tgid)
		end++;
	p.nr_threads = end - first;
	refs = kvcalloc(p.nr_threads, sizeof(*refs), GFP_KERNEL_ACCOUNT);
	if (!refs)
		return -ENOMEM;

	ctx->where = (struct ckpt_where) { .pid = tgid, .fd = -1 };
	ret = checkpoint_files(ctx, leader, &p.files);
	if (!ret)
		ret = checkpoint_mm(ctx, leader, &p.mm);
	if (!ret)
		ret = checkpoint_fs(ctx, leader, &p.fs);
	if (!ret)
		ret = checkpoint_sighand(ctx, leader, &p.sighand);
	if (leader_is_dead)
		ckpt_inner_ns(ctx, leader, &refs[0].unshared);
	if (!ret && leader_is_dead)
		ret = checkpoint_cred(ctx, ctx->tasks.task[first], &refs[0].cred);
	for (i = first + leader_is_dead; i < end && !ret; i++)
		ret = checkpoint_thread_refs(ctx, ctx->tasks.task[i], leader, &refs[i - first]);
	if (!ret)
		ret = checkpoint_signal_struct(ctx, leader, &p);
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_PROCESS, 0, &p, sizeof(p));
	if (!ret)
		ret = checkpoint_process_state(ctx, leader);
	if (!ret && leader_is_dead)
		ret = checkpoint_dead_leader(ctx, ctx->tasks.task[first], tgid, &refs[0]);
	for (i = first + leader_is_dead; i < end && !ret; i++) {
		ctx->where.pid = ctx->entries[i].pid;
		ret = checkpoint_thread(ctx, ctx->tasks.task[i], ctx->entries[i].pid,
					&refs[i - first]);
	}
	kvfree(refs);
	return ret;
}

/**
 * restore_note_user - a task uses an object that several may share
 * @ctx:	the restart
 * @rt:		the task
 * @objref:	the object
 * @type:	what it should be
 *
 * Whoever else uses it gets it from the first one.
 */
void restore_note_user(struct ckpt_ctx *ctx, struct restart_task *rt, u32 objref,
		       enum ckpt_obj_type type)
{
	struct ckpt_payload *p;

	if (ckpt_ref_type(ctx, objref) != type)
		return;
	p = ckpt_ref(ctx, objref, type);
	if (!p->first)
		p->first = rt;
}

int restore_process_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restart_task *rt;
	struct ckpt_process *p;

	p = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*p), sizeof(*p));
	if (IS_ERR(p))
		return PTR_ERR(p);
	rt = restart_find(ctx, p->tgid);
	if (IS_ERR(rt) || rt->leader != rt || rt->process || (rt->entry.flags & CKPT_TASK_ZOMBIE)) {
		int tgid = p->tgid;

		kvfree(p);
		return ckpt_err(ctx, -EINVAL, "PROCESS %d has no place in the tree", tgid);
	}
	rt->process = p;
	ctx->last_process = rt;
	restore_note_user(ctx, rt, p->files, CKPT_OBJ_FILES);
	restore_note_user(ctx, rt, p->fs, CKPT_OBJ_FS);
	restore_note_user(ctx, rt, p->sighand, CKPT_OBJ_SIGHAND);
	if (p->stopped > SIGRTMAX || (p->stopped && !sig_kernel_stop(p->stopped)))
		return ckpt_err(ctx, -EINVAL, "process %d: cannot be stopped by signal %u",
				p->tgid, p->stopped);
	return 0;
}

void restore_process_free(struct ckpt_process *process)
{
	kvfree(process);
}

int restore_thread_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_thread *th;
	struct restart_task *rt;
	int ret = 0;

	th = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*th), sizeof(*th));
	if (IS_ERR(th))
		return PTR_ERR(th);
	rt = restart_find(ctx, th->pid);
	if (IS_ERR(rt)) {
		ret = PTR_ERR(rt);
	} else if (rt->has_thread || rt->leader != ctx->last_process) {
		ret = ckpt_err(ctx, -EINVAL, "THREAD %d has no place here", th->pid);
	} else {
		rt->thread = *th;
		rt->thread.comm[sizeof(th->comm) - 1] = '\0';
		rt->has_thread = true;
		ctx->last_thread = rt;
	}
	kvfree(th);
	return ret;
}

int restore_dispatch_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restart_task *rt = ctx->last_thread;
	struct ckpt_dispatch *d;

	if (!rt || rt->dispatch)
		return ckpt_err(ctx, -EINVAL, "DISPATCH has no place here");
	d = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*d), sizeof(*d));
	if (IS_ERR(d))
		return PTR_ERR(d);
	rt->dispatch = d;
	return 0;
}

static int restore_dispatch(struct restart_task *rt)
{
	const struct ckpt_dispatch *d = rt->dispatch;
	int ret;

	if (!d)
		return 0;
	ret = set_syscall_user_dispatch(PR_SYS_DISPATCH_ON, d->offset, d->len,
					u64_to_user_ptr(d->selector));
	return ret ? restore_fail(rt, ret, "where its system calls go") : 0;
}

/* By the rules of prctl(2). */
static int restore_thread_flags(struct restart_task *rt)
{
	u32 flags = rt->thread.flags;

	if (flags & ~CKPT_THREAD_FLAGS_ALL)
		return restore_fail(rt, -EINVAL, "its flags");
	if (flags & CKPT_THREAD_IO_FLUSHER) {
		if (!capable(CAP_SYS_RESOURCE))
			return restore_fail(rt, -EPERM, "PR_SET_IO_FLUSHER");
		current->flags |= PF_IO_FLUSHER;
	}
	current->flags &= ~(PF_MCE_PROCESS | PF_MCE_EARLY);
	if (flags & (CKPT_THREAD_MCE_LATE | CKPT_THREAD_MCE_EARLY))
		current->flags |= PF_MCE_PROCESS;
	if (flags & CKPT_THREAD_MCE_EARLY)
		current->flags |= PF_MCE_EARLY;
	if (flags & CKPT_THREAD_EXECED)
		current->flags &= ~PF_FORKNOEXEC;
	return 0;
}

/* By the rules of /proc/PID/oom_score_adj. */
static int restore_oom_score(struct restart_task *rt)
{
	const struct ckpt_process *p = rt->process;
	struct signal_struct *sig = current->signal;
	s32 adj = p->oom_score_adj, least = p->oom_score_adj_min;

	if (min(adj, least) < OOM_SCORE_ADJ_MIN || max(adj, least) > OOM_SCORE_ADJ_MAX ||
	    p->reserved)
		return restore_fail(rt, -EINVAL, "its out-of-memory score");
	if (min(adj, least) < sig->oom_score_adj_min && !capable(CAP_SYS_RESOURCE))
		return restore_fail(rt, -EPERM, "its out-of-memory score");
	sig->oom_score_adj = adj;
	sig->oom_score_adj_min = least;
	return 0;
}

static int restore_rlimits(struct restart_task *rt)
{
	const struct ckpt_process *p = rt->process;
	struct rlimit *rlim = current->signal->rlim;
	bool privileged = capable(CAP_SYS_RESOURCE);
	int i, ret = 0;

	task_lock(current->group_leader);
	for (i = 0; i < RLIM_NLIMITS && !ret; i++) {
		if (p->rlim_cur[i] > p->rlim_max[i])
			ret = -EINVAL;
		else if (p->rlim_max[i] > rlim[i].rlim_max && !privileged)
			ret = -EPERM;
	}
	for (i = 0; i < RLIM_NLIMITS && !ret; i++) {
		rlim[i].rlim_cur = p->rlim_cur[i];
		rlim[i].rlim_max = p->rlim_max[i];
	}
	task_unlock(current->group_leader);
	if (ret)
		return restore_fail(rt, ret, "resource limits");
	return 0;
}

static int restore_leader(struct restart_task *rt)
{
	const struct ckpt_process *p = rt->process;
	int ret;

	ret = restore_sighand(rt);
	if (!ret)
		ret = restore_tty(rt);
	if (!ret)
		ret = restore_rlimits(rt);
	if (!ret)
		ret = restore_sem_undo(rt);
#ifdef CONFIG_POSIX_TIMERS
	if (!ret)
		ret = restore_timers(rt);
#endif
	if (ret)
		return ret;
	current->signal->is_child_subreaper = !!p->is_child_subreaper;
	current->signal->has_child_subreaper |= !!p->has_child_subreaper;
	return restore_oom_score(rt);
}

static int restore_user_pointers(struct restart_task *rt)
{
	const struct ckpt_thread *th = &rt->thread;

	if (th->robust_list >= TASK_SIZE_MAX || th->clear_child_tid >= TASK_SIZE_MAX)
		return restore_fail(rt, -EINVAL, "pointers into user memory");
	current->robust_list = u64_to_user_ptr(th->robust_list);
	current->clear_child_tid = u64_to_user_ptr(th->clear_child_tid);
	rseq_execve(current);
	if (!th->rseq)
		return 0;
	if (!IS_ALIGNED(th->rseq, 32) || th->rseq_len < 32 || th->rseq_len > 4096 ||
	    th->rseq >= TASK_SIZE_MAX - th->rseq_len)
		return restore_fail(rt, -EINVAL, "its area for restartable sequences");
	current->rseq = u64_to_user_ptr(th->rseq);
	current->rseq_len = th->rseq_len;
	current->rseq_sig = th->rseq_sig;
	preempt_disable();
	rseq_preempt(current);
	preempt_enable();
	return 0;
}

static int restore_process(struct restart_task *rt)
{
	int ret;

	/* Descriptors before limits: the tree may hold more than it could open now. */
	ret = restore_files(rt);
	if (!ret)
		ret = restore_fs(rt);
	if (!ret && rt->leader == rt)
		ret = restore_leader(rt) ?: restore_own_epoll_items(rt);
	return ret ?: restore_adopt_mm(rt);
}

/**
 * restore_task - take on what the image has for this task
 * @rt:		the task, which is current
 *
 * Runs in every task of the tree at the same time.
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_task(struct restart_task *rt)
{
	const struct ckpt_thread *th = &rt->thread;
	int ret;

	ret = restore_inner_ns(rt);
	if (!ret)
		ret = restore_process(rt);
	if (!ret && rt->entry.flags & CKPT_TASK_DEAD_LEADER) {
		set_task_comm(current, th->comm);
		return restore_cred(rt);
	}
	if (!ret)
		ret = restore_thread_signal(rt);
	if (!ret)
		ret = restore_restart_block(rt);
	if (!ret)
		ret = restore_user_pointers(rt);
	if (!ret)
		ret = restore_thread_flags(rt);
	if (!ret)
		ret = restore_dispatch(rt);
	if (!ret)
		ret = restore_sched(rt);
#ifdef CONFIG_SECCOMP_FILTER
	if (!ret)
		ret = restore_seccomp_check(rt);
#endif
	if (ret)
		return ret;
	/* By this personality(2) only asks. */
	if (th->personality == 0xffffffff)
		return restore_fail(rt, -EINVAL, "its personality");
	set_personality(th->personality);
	current->timer_slack_ns = th->timer_slack_ns;
	set_task_comm(current, th->comm);
	ret = restore_cred(rt);
	if (ret)
		return ret;
	if (th->no_new_privs)
		task_set_no_new_privs(current);
	if (!valid_signal(th->pdeath_signal))
		return restore_fail(rt, -EINVAL, "its parent-death signal");
	current->pdeath_signal = th->pdeath_signal;
#ifdef CONFIG_SECCOMP_FILTER
	ret = restore_seccomp(rt);
#endif
	return ret;
}
