// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of job control: sessions, process groups, stopped tasks.
 */
#include <linux/checkpoint_tasks.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/tty.h>

/* Under tasklist_lock. Has it no leader any more, and are all its members of the tree? */
static bool is_own(struct ckpt_ctx *ctx, struct pid *pid, enum pid_type type)
{
	struct task_struct *p;
	bool own = true;

	if (!pid || ckpt_in_tree(ctx, pid_vnr(pid)) || !pid_vnr(pid) ||
	    pid_task(pid, PIDTYPE_PID))
		return false;
	do_each_pid_task(pid, type, p) {
		own &= ckpt_in_tree(ctx, task_pid_vnr(p));
	} while_each_pid_task(pid, type, p);
	return own;
}

/**
 * ckpt_mark_own_groups - say which groups and sessions go with the tree
 * @ctx:	the checkpoint, whose entries are filled in
 *
 * Under tasklist_lock.
 */
void ckpt_mark_own_groups(struct ckpt_ctx *ctx)
{
	struct pid *group = NULL, *session = NULL;
	u32 group_flag = 0, session_flag = 0;
	unsigned int i;

	for (i = 0; i < ctx->tasks.nr; i++) {
		struct task_struct *t = ctx->tasks.task[i];

		/* Mostly those of the task before. */
		if (task_session(t) != session) {
			session = task_session(t);
			session_flag = is_own(ctx, session, PIDTYPE_SID) ?
				       CKPT_TASK_OWN_SESSION : 0;
		}
		if (task_pgrp(t) != group) {
			group = task_pgrp(t);
			group_flag = is_own(ctx, group, PIDTYPE_PGID) ? CKPT_TASK_OWN_GROUP : 0;
		}
		ctx->entries[i].flags |= group_flag | session_flag;
	}
}

/* The signal that has stopped a process. Under siglock. */
u32 checkpoint_stop_signal(struct task_struct *t)
{
	u32 sig = t->jobctl & JOBCTL_STOP_SIGMASK;

	return sig && sig_kernel_stop(sig) ? sig : SIGSTOP;
}

static const struct ckpt_task_entry *entry_of(struct ckpt_ctx *ctx, pid_t pid)
{
	struct restart_task *rt = restart_lookup(ctx, pid);

	return rt && rt->leader == rt ? &rt->entry : NULL;
}

/* The group and the session that the image wants: are they what they can be? */
static int check_ids(struct ckpt_ctx *ctx, const struct ckpt_task_entry *e,
		     const struct ckpt_task_entry *group,
		     const struct ckpt_task_entry *session)
{
	bool own_group = e->flags & CKPT_TASK_OWN_GROUP;
	bool own_session = e->flags & CKPT_TASK_OWN_SESSION;
	void *sid;

	ctx->where.pid = e->pid;
	if ((own_group && (!e->pgid || restart_lookup(ctx, e->pgid))) ||
	    (own_session && (!e->sid || restart_lookup(ctx, e->sid))))
		return ckpt_err(ctx, -EINVAL,
				"its group %d or session %d is said to have no leader, and has one",
				e->pgid, e->sid);
	if (((session || own_session) && !group && !own_group) ||
	    (own_group && !session && !own_session) ||
	    (group && group->sid != e->sid))
		return ckpt_err(ctx, -EINVAL, "its process group %d is not in its session %d",
				e->pgid, e->sid);
	if (!own_group)
		return 0;
	sid = xa_cmpxchg(&ctx->own_groups, e->pgid, NULL, xa_mk_value(e->sid),
			 GFP_KERNEL_ACCOUNT);
	if (xa_is_err(sid))
		return xa_err(sid);
	if (sid && xa_to_value(sid) != e->sid)
		return ckpt_err(ctx, -EINVAL, "process group %d is in two sessions", e->pgid);
	return 0;
}

/* With the numbers that it had in the namespaces in which @member sees it. */
static struct pid *alloc_numbers(struct ckpt_ctx *ctx, struct task_struct *member, pid_t nr)
{
	const struct ckpt_ns_pid *inner = restart_group_numbers(ctx, nr);
	struct pid_namespace *base = task_active_pid_ns(current), *ns = base;
	pid_t numbers[CKPT_PID_LEVELS + 1];
	unsigned int depth = 0, i;

	while (inner && depth < CKPT_PID_LEVELS && inner->nr[depth])
		depth++;
	for (i = 0; i < depth; i++)
		numbers[i] = inner->nr[depth - 1 - i];
	numbers[depth] = nr;
	if (depth)
		ns = task_active_pid_ns(member);
	/* It may be deeper than the id; and is, as who has joined, not beside us. */
	while (ns && ns->level > base->level + depth)
		ns = ns->parent;
	if (!ns || ns->level < base->level + depth)
		return ERR_PTR(-EINVAL);
	return alloc_pid(ns, numbers, depth + 1);
}

/*
 * The pid of a group or session without leader: made anew by the rules of
 * clone3(set_tid), so that it is nobody else's; the first member attaches it.
 */
static struct pid *leaderless_pid(struct ckpt_ctx *ctx, struct task_struct *member, pid_t nr,
				  bool *made)
{
	struct xarray *own = &ctx->own_groups;
	/* Above all pids: what has been made. */
	unsigned long made_index = (unsigned long)nr + (1UL << 32);
	struct pid *pid;
	int ret;

	*made = false;
	if (xa_load(own, made_index)) {
		rcu_read_lock();
		pid = get_pid(find_vpid(nr));
		rcu_read_unlock();
		return pid ?: ERR_PTR(-ESRCH);
	}
	pid = alloc_numbers(ctx, member, nr);
	if (IS_ERR(pid))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(pid),
			"the id %d of its group or session cannot be had (error %ld): in use?",
			nr, PTR_ERR(pid)));
	get_pid(pid);
	*made = true;
	ret = xa_err(xa_store(own, made_index, xa_mk_value(1), GFP_KERNEL_ACCOUNT));
	if (!ret)
		return pid;
	free_pid(pid);
	put_pid(pid);
	return ERR_PTR(ret);
}

static struct pid *pid_of(struct ckpt_ctx *ctx, struct task_struct *member, pid_t nr, bool in_tree,
			  bool own, bool *made)
{
	struct pid *pid;

	*made = false;
	if (own)
		return leaderless_pid(ctx, member, nr, made);
	if (!in_tree)
		return NULL;
	rcu_read_lock();
	pid = get_pid(find_vpid(nr));
	rcu_read_unlock();
	return pid ?: ERR_PTR(-ESRCH);
}

static void drop_pid(struct pid *pid, bool made)
{
	if (IS_ERR_OR_NULL(pid))
		return;
	/* Nobody has attached it. */
	if (made)
		free_pid(pid);
	put_pid(pid);
}

static struct tty_struct *set_ids(struct task_struct *t, const struct ckpt_task_entry *e,
				  struct pid *group, struct pid *session)
{
	struct tty_struct *tty = NULL;

	if (session) {
		if (task_session(t) != session) {
			change_pid(t, PIDTYPE_SID, session);
			tty = t->signal->tty;
			t->signal->tty = NULL;
		}
		t->signal->leader = e->sid == e->tgid;
	}
	if (group && task_pgrp(t) != group)
		change_pid(t, PIDTYPE_PGID, group);
	/* A zombie's end was told before; bury_zombies() puts the signal back. */
	if (e->flags & CKPT_TASK_ZOMBIE)
		t->exit_signal = 0;
	return tty;
}

/**
 * restore_ids - put a process into its session and its group
 * @ctx:	the restart
 * @rt:		a task that has joined
 *
 * Sessions and groups whose leaders are not in the image are those of the
 * caller of restart(2), but for those that had no leader any more and were the
 * tree's alone: nobody gets into a stranger's.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_ids(struct ckpt_ctx *ctx, struct restart_task *rt)
{
	const struct ckpt_task_entry *e = &rt->entry;
	const struct ckpt_task_entry *in_group = entry_of(ctx, e->pgid);
	const struct ckpt_task_entry *in_session = entry_of(ctx, e->sid);
	bool new_group = false, new_session = false, alive;
	struct pid *group = NULL, *session;
	struct tty_struct *tty = NULL;
	int ret;

	if (rt->leader != rt)
		return 0;
	ret = check_ids(ctx, e, in_group, in_session);
	if (ret)
		return ret;
	session = pid_of(ctx, rt->task, e->sid, in_session, e->flags & CKPT_TASK_OWN_SESSION,
			 &new_session);
	ret = PTR_ERR_OR_ZERO(session);
	if (!ret) {
		/* A session that has lost its leader may have a group of the same number. */
		group = pid_of(ctx, rt->task, e->pgid, in_group, e->flags & CKPT_TASK_OWN_GROUP,
			       &new_group);
		ret = PTR_ERR_OR_ZERO(group);
	}
	if (ret) {
		drop_pid(session, new_session);
		return ckpt_err(ctx, ret, "its process group %d or session %d (error %d)",
				e->pgid, e->sid, ret);
	}
	write_lock_irq(&tasklist_lock);
	alive = pid_alive(rt->task);
	if (alive)
		tty = set_ids(rt->task, e, group, session);
	write_unlock_irq(&tasklist_lock);
	drop_pid(group, new_group && !alive);
	drop_pid(session, new_session && !alive);
	tty_kref_put(tty);
	ctx->where.pid = alive ? 0 : e->pid;
	return alive ? 0 : ckpt_err(ctx, -ESRCH, "was killed during the restart");
}

/**
 * restore_stop - let a stopped process be stopped, and tell nobody
 * @rt:		a task that waits for the others, with its signals queued
 *
 * Its parent has been told, or will learn it from wait(2), as before.
 */
void restore_stop(struct restart_task *rt)
{
	const struct restart_task *leader = rt->leader;
	const struct ckpt_account *a = leader->account;
	u32 stopped = leader->process->stopped;
	struct signal_struct *sig = rt->task->signal;
	unsigned long flags;

	if ((!stopped && !(a && a->continued)) || !lock_task_sighand(rt->task, &flags))
		return;
	if (sig->flags & SIGNAL_GROUP_EXIT)
		goto out;
	if (stopped) {
		/* As it is set, nobody is the last one to stop, who tells the parent. */
		signal_set_stop_flags(sig, SIGNAL_STOP_STOPPED);
		sig->group_exit_code = a ? a->stop_code : stopped;
		if (!(rt->entry.flags & CKPT_TASK_DEAD_LEADER))
			task_set_jobctl_pending(rt->task, stopped | JOBCTL_STOP_PENDING);
	} else if (rt == leader) {
		signal_set_stop_flags(sig, SIGNAL_STOP_CONTINUED);
	}
out:
	unlock_task_sighand(rt->task, &flags);
}
