// SPDX-License-Identifier: GPL-2.0
/*
 * A restart, from first to last: have the image read, have every task take on
 * what is its own, let them all go at once.
 *
 * The coordinator reads and makes the shared objects. The tasks, which user
 * space has made with the right pids and parents, wait in restart_join(). In
 * the APPLY phase each takes on its part in its own context, all in parallel.
 * Nobody reaches user mode before all have succeeded.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_net.h>
#include <linux/checkpoint_tasks.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "restart.h"

struct ckpt_ctx *restart_ckpt_ctx(struct restart_task *rt)
{
	return rt->rctx->ckpt;
}

/**
 * restart_namespaces - the namespaces of who made the context
 * @ctx:	the restart
 *
 * They are not the tree's own.
 *
 * Return: the namespaces.
 */
const struct nsproxy *restart_namespaces(struct ckpt_ctx *ctx)
{
	return ctx->restart->nsproxy;
}

void restart_set_phase(struct restart_ctx *r, enum restart_phase phase)
{
	/* Pairs with the load in the tasks' wait: what they will read is there. */
	smp_store_release(&r->phase, phase);
	wake_up_all(&r->wq);
	wake_up_all(&r->run_wq);
}

bool restart_all_in_place(struct restart_ctx *r)
{
	return atomic_read(&r->nr_joined) == r->nr_tasks || r->phase == PHASE_DEAD ||
	       READ_ONCE(r->given_up);
}

/* One more of the tasks has come so far: the last one tells RUN. */
static void count_task(struct restart_ctx *r, atomic_t *counter)
{
	if (atomic_inc_return(counter) == r->nr_tasks)
		wake_up_all(&r->run_wq);
}

/**
 * restart_await_tasks - wait until every task of the tree has joined
 * @ctx:	the restart
 *
 * RUN may begin before: what needs none of them is made meanwhile.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restart_await_tasks(struct ckpt_ctx *ctx)
{
	struct restart_ctx *r = ctx->restart;
	unsigned int i;
	int ret;

	if (r->all_joined)
		return 0;
	ret = wait_event_killable(r->run_wq, restart_all_in_place(r));
	if (ret || r->phase != PHASE_JOIN || atomic_read(&r->nr_joined) < r->nr_tasks)
		return ckpt_err(ctx, ret ?: -ECANCELED, "interrupted");
	/* Off their CPUs: only then can their registers be set from here. */
	for (i = 0; i < r->nr_tasks; i++)
		ckpt_wait_inactive(r->tasks[i].task);
	r->all_joined = true;
	return 0;
}

/**
 * restart_root - the first task of the tree, to which memory is charged
 * @ctx:	the restart
 *
 * Return: the task; the caller, as long as it has not joined.
 */
struct task_struct *restart_root(struct ckpt_ctx *ctx)
{
	return READ_ONCE(restart_task_by_pid(ctx->restart, ctx->restart->order[0])->task) ?:
	       current;
}

struct restart_task *restart_lookup(struct ckpt_ctx *ctx, pid_t pid)
{
	return restart_task_by_pid(ctx->restart, pid);
}

/**
 * restart_find - the task of the tree that has a pid
 * @ctx:	the restart
 * @pid:	as the image has it
 *
 * Return: the task, which has joined if restart_await_tasks() has been called; or
 * an error pointer that was logged.
 */
struct restart_task *restart_find(struct ckpt_ctx *ctx, pid_t pid)
{
	struct restart_task *rt = restart_task_by_pid(ctx->restart, pid);

	if (!rt)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "the image has no task with pid %d", pid));
	return rt;
}

static bool parent_fits(const struct restart_ctx *r, const struct restart_task *rt)
{
	pid_t ppid;

	if (!rt->entry.ppid)
		return true;
	rcu_read_lock();
	ppid = task_tgid_nr_ns(rcu_dereference(current->real_parent), r->pid_ns);
	rcu_read_unlock();
	return ppid == rt->entry.ppid;
}

static int join(struct restart_ctx *r, struct restart_task **out)
{
	struct restart_task *rt = restart_task_by_pid(r, task_pid_nr_ns(current, r->pid_ns));

	if (!rt || rt->entry.tgid != task_tgid_nr_ns(current, r->pid_ns) || !parent_fits(r, rt))
		return -ESRCH;
	if (cmpxchg(&rt->task, NULL, get_task_struct(current))) {
		put_task_struct(current);
		return -EBUSY;
	}
	/* RUN writes to it, also when its task has been killed meanwhile. */
	try_get_task_stack(current);
	*out = rt;
	count_task(r, &r->nr_joined);
	return 0;
}

static bool phase_after(struct restart_ctx *r, enum restart_phase phase)
{
	/* Pairs with restart_set_phase(). */
	return smp_load_acquire(&r->phase) > phase;
}

/* Of a process whose first thread had ended: all have taken from it what is theirs. */
static bool may_end(struct restart_ctx *r, const struct restart_task *rt)
{
	return rt->entry.flags & CKPT_TASK_DEAD_LEADER && READ_ONCE(r->leaders_may_end);
}

/**
 * restart_join - become a task of the tree
 * @ctx_fd:	the restart context
 *
 * Return: what the restored task's register says, to user mode as it was; or
 * an error if the caller has no place in the tree. Does not return if the
 * restart fails: then the caller is killed.
 */
long restart_join(int ctx_fd)
{
	struct restart_ctx *r = restart_get(ctx_fd);
	DECLARE_COMPLETION_ONSTACK(vfork);
	struct task_struct *child;
	struct restart_task *rt;
	bool go;
	int ret;

	if (IS_ERR(r))
		return PTR_ERR(r);
	ret = join(r, &rt);
	if (ret) {
		restart_put(r);
		return ret;
	}
	ret = wait_event_killable(r->wq, phase_after(r, PHASE_JOIN));
	if (!ret && r->phase == PHASE_APPLY) {
		if (rt->entry.flags & CKPT_TASK_ZOMBIE) {
			int code = rt->entry.exit_code;

			rt->applied = true;
			count_task(r, &r->nr_applied);
			restart_put(r);
			do_exit(code);
		}
		rt->vfork = &vfork;
		rt->ret = restore_task(rt);
		rt->applied = true;
		count_task(r, &r->nr_applied);
		ret = wait_event_killable(r->wq, phase_after(r, PHASE_APPLY) ||
					  may_end(r, rt));
		if (!ret && may_end(r, rt)) {
			int code = rt->entry.exit_code;

			restart_put(r);
			do_exit(code);
		}
	}
	go = !ret && r->phase == PHASE_GO;
	/* Also of who has been killed since: its end takes them back. */
	if (rt->sem_undo && phase_after(r, PHASE_APPLY) && r->phase == PHASE_GO)
		restore_sem_undo_commit(rt);
	if (!go) {
		rt->gone = true;
		/* Pairs with the load in all_applied(): who sees it sees which one. */
		smp_store_release(&r->lost, true);
		wake_up_all(&r->run_wq);
	}
	child = restore_vfork_child(rt);
	restart_put(r);
	if (child)
		restore_vfork_wait(child, &vfork, go);
	if (!go)
		do_group_exit(SIGKILL);
	return restore_arch_return();
}

static int check_complete(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	unsigned int i;

	for (i = 0; i < r->nr_tasks; i++)
		if (r->tasks[i].leader != &r->tasks[i])
			r->tasks[i].leader->has_heir = true;
	for (i = 0; i < r->nr_tasks; i++) {
		struct restart_task *rt = &r->tasks[i];

		if (rt->entry.flags & CKPT_TASK_ZOMBIE)
			continue;
		if (rt->entry.flags & CKPT_TASK_DEAD_LEADER)
			r->has_dead_leaders = true;
		if (rt->entry.flags & CKPT_TASK_DEAD_LEADER ?
		    !rt->has_thread || !rt->process || !rt->has_heir :
		    !rt->has_thread || !rt->cpu || !rt->fpu || !rt->leader->process) {
			ctx->where.pid = rt->entry.pid;
			return ckpt_err(ctx, -EINVAL, "the image does not describe this task");
		}
	}
	return 0;
}

static bool all_applied(struct restart_ctx *r)
{
	/* Pairs with the release of the one who was lost: which task it was can be seen. */
	return atomic_read(&r->nr_applied) == r->nr_tasks || smp_load_acquire(&r->lost);
}

static int check_applied(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	unsigned int i;

	for (i = 0; i < r->nr_tasks; i++) {
		struct restart_task *rt = &r->tasks[i];

		ctx->where.pid = rt->entry.pid;
		if (READ_ONCE(rt->gone))
			return ckpt_err(ctx, -ESRCH, "was killed during the restart");
		if (rt->ret)
			return ckpt_err(ctx, rt->ret, "cannot restore %s (error %d)",
					rt->what ?: "its state", rt->ret);
	}
	ctx->where.pid = 0;
	return 0;
}

static int apply(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	unsigned int i;
	int ret;

	for (i = 0; i < r->nr_tasks; i++) {
		ret = restore_ids(ctx, &r->tasks[i]);
		if (ret)
			return ret;
	}
	restart_set_phase(r, PHASE_APPLY);
	ret = wait_event_killable(r->run_wq, all_applied(r));
	return ret ? ckpt_err(ctx, -EINTR, "interrupted") : check_applied(r);
}

static bool zombies_are_dead(struct restart_ctx *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_tasks; i++)
		if ((r->tasks[i].entry.flags & (CKPT_TASK_ZOMBIE | CKPT_TASK_DEAD_LEADER)) &&
		    !READ_ONCE(r->tasks[i].task->exit_state))
			return false;
	return true;
}

/* Their parents may ask for them at once, and were told of their end before. */
static int bury_zombies(struct restart_ctx *r)
{
	unsigned int i;

	if (r->has_dead_leaders) {
		WRITE_ONCE(r->leaders_may_end, true);
		wake_up_all(&r->wq);
	}
	while (!zombies_are_dead(r)) {
		if (schedule_timeout_killable(1), fatal_signal_pending(current))
			return -EINTR;
	}
	write_lock_irq(&tasklist_lock);
	for (i = 0; i < r->nr_tasks; i++)
		if (r->tasks[i].entry.flags & CKPT_TASK_ZOMBIE)
			r->tasks[i].task->exit_signal = r->tasks[i].entry.exit_signal;
	write_unlock_irq(&tasklist_lock);
	return 0;
}

/* From here on signals may come: CPU times and queues stand as they were. */
static int start_timers(struct restart_ctx *r)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < r->nr_tasks && !ret; i++) {
		struct restart_task *rt = &r->tasks[i];

		if (rt->entry.flags & CKPT_TASK_ZOMBIE)
			continue;
		restore_stop(rt);
		if (rt->leader != rt)
			continue;
		r->ckpt->where.pid = rt->entry.pid;
		ret = restore_itimers(r->ckpt, rt);
#ifdef CONFIG_POSIX_TIMERS
		if (!ret)
			ret = restore_timers_go(r->ckpt, rt);
#endif
	}
	r->ckpt->where.pid = 0;
	return ret;
}

static void restore_pid_namespaces(struct restart_ctx *r)
{
	const struct ckpt_namespaces *ns = r->namespaces;
	const struct ckpt_ns_pid *pid = (const struct ckpt_ns_pid *)(ns + 1);
	u32 i;

	for (i = 0; ns && i < ns->nr_pids; i++)
		if (pid[i].flags & CKPT_NS_PID_INIT)
			restore_pid_ns(restart_task_by_pid(r, pid[i].pid)->task, &pid[i]);
}

static int finish_tasks(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	unsigned int i;
	int ret;

	/* Whose parent has ended may be killed by that. */
	ret = bury_zombies(r) ?: check_applied(r);
	for (i = 0; i < r->nr_tasks && !ret; i++) {
		struct restart_task *rt = &r->tasks[i];

		ret = restore_usage(ctx, rt);
		if (ret || rt->entry.flags & CKPT_TASK_ZOMBIE)
			continue;
		if (rt->leader == rt) {
			restore_tty_members(ctx, rt);
			ret = restore_finish_mm(ctx, rt);
		}
		if (!ret && !(rt->entry.flags & CKPT_TASK_DEAD_LEADER))
			ret = restore_cpu(ctx, rt);
		if (!ret)
			ret = restore_vfork(ctx, rt);
		if (!ret)
			ret = restore_account(ctx, rt);
		if (!ret)
			ret = restore_sigqueues(ctx, rt);
	}
	if (!ret)
		ret = restore_files_state(ctx);
	if (!ret)
		ret = restore_locks(ctx);
	/* If nobody else holds a watched file that has no name, its end comes now. */
	if (!ret)
		restore_notify_go(ctx);
	if (!ret)
		ret = start_timers(r);
	if (!ret)
		ret = restore_tcp_complete(ctx);
	if (!ret)
		ret = restore_tmpfs_done(ctx);
	/* Last: until here, the image can be restored again. */
	if (!ret)
		ret = restore_unlink(ctx);
	if (!ret) {
		restore_pid_namespaces(r);
		restore_ipc_commit(ctx);
		restore_sockets_settle(ctx);
		restore_ptys_settle(ctx);
		restore_epolls_settle(ctx);
		/* From here on data comes, and events with it. */
		restore_tcp_settle(ctx);
		restore_files_done(ctx);
	}
	return ret ? ckpt_err(ctx, ret, "cannot finish (error %d)", ret) : 0;
}

static int run(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	struct mem_cgroup *memcg;
	int ret = 0;

	/* What is made is made where the root is: if that is elsewhere, it has to be known. */
	if (r->cgroups || r->namespaces)
		ret = restart_await_tasks(ctx);
	if (ret)
		return ret;
	memcg = ckpt_use_memcg_of(restart_root(ctx));
	ret = restore_leave_ns(ctx, restart_read_records(ctx) ?: restart_await_tasks(ctx));
	ret = restore_jobs_finish(ctx) ?: ret;
	if (!ret)
		ret = restart_read_parents(r);
	ckpt_use_memcg_end(memcg);
	if (!ret)
		ret = check_complete(r);
	if (!ret)
		ret = apply(r);
	return ret ?: finish_tasks(r);
}

/**
 * restart_help - do a part of what RUN has to do
 * @ctx_fd:	the restart context
 *
 * Return: how many address spaces were made, when there is nothing more to help
 * with; or a negative error.
 */
long restart_help(int ctx_fd)
{
	struct restart_ctx *r = restart_get(ctx_fd);
	bool may;
	int ret;

	if (IS_ERR(r))
		return PTR_ERR(r);
	/* With the rights, in the namespaces, of whom the coordinator has made for it. */
	rcu_read_lock();
	may = task_tgid(rcu_dereference(current->real_parent)) == r->owner;
	rcu_read_unlock();
	ret = may ? restore_jobs_help(r->ckpt) : -EPERM;
	restart_put(r);
	return ret;
}

/* What is half done is not begun again when a signal has been handled. */
static int not_again(int err)
{
	switch (err) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return -EINTR;
	}
	return err;
}

/**
 * restart_run - restore the tree and let it go
 * @ctx_fd:	the restart context
 * @stats:	figures
 *
 * Return: 0, or a negative error, which has been logged; then every task that
 * has joined is killed.
 */
int restart_run(int ctx_fd, struct restart_stats *stats)
{
	struct restart_ctx *r = restart_get(ctx_fd);
	u64 start = ktime_get_ns();
	unsigned int i;
	int ret;

	if (IS_ERR(r))
		return PTR_ERR(r);
	if (task_tgid(current) != r->owner || !mutex_trylock(&r->lock)) {
		ret = task_tgid(current) != r->owner ? -EPERM : -EBUSY;
		restart_put(r);
		return ret;
	}
	if (r->phase != PHASE_JOIN) {
		ret = ckpt_err(r->ckpt, -EBUSY, "has begun already");
		goto out;
	}
	ret = run(r);
	restore_jobs_close(r->ckpt);
	restore_tcp_free(r->ckpt);
	if (!ret && READ_ONCE(r->phase) == PHASE_DEAD)
		ret = ckpt_err(r->ckpt, -ECANCELED, "canceled");
	if (ret)
		ret = not_again(ckpt_err(r->ckpt, ret, "failed with error %d", ret));
	/* What is held by the tasks now. On failure they may still be at it. */
	if (!ret)
		ckpt_refs_release(r->ckpt);
	restart_set_phase(r, ret ? PHASE_DEAD : PHASE_GO);
	if (!ret) {
		memcpy(stats->image_id, r->ckpt->header.image_id, CKPT_ID_BYTES);
		stats->bytes = r->ckpt->img.offset;
		stats->pages = r->ckpt->img.pages;
		for (i = 0; i < r->nr_parents; i++) {
			stats->bytes += r->parents[i].offset;
			stats->pages += r->parents[i].pages;
		}
		stats->tasks = r->nr_tasks;
		stats->total_ns = ktime_get_ns() - start;
	}
out:
	mutex_unlock(&r->lock);
	ckpt_log_flush(r->ckpt);
	restart_put(r);
	return ret;
}
