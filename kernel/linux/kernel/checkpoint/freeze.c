// SPDX-License-Identifier: GPL-2.0
/*
 * Bring a tree of tasks to rest, and let it go again.
 *
 * A task rests in get_signal(): its registers are complete in pt_regs, it
 * holds no lock, and an interrupted system call will restart by itself. The
 * jobctl bits make no state that a parent, a tracer or a control group sees.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_tasks.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

/* A task that cannot be stopped for this long is named and refused. */
#define FREEZE_TIMEOUT	(10 * HZ)

/* Others tell nobody that they stop or end: look for them this often. */
#define FREEZE_POLL	(HZ / 50)

static DECLARE_WAIT_QUEUE_HEAD(parked_wq);
/* The task that a freeze waits for: it alone wakes it, so that n tasks wake it few times. */
static struct task_struct *awaited;

/**
 * ckpt_has_signal - is there a signal that the caller heeds?
 *
 * Return: false if what has interrupted its system call is nothing but a checkpoint.
 */
bool ckpt_has_signal(void)
{
	sigset_t pending;

	sigorsets(&pending, &current->pending.signal, &current->signal->shared_pending.signal);
	sigandnsets(&pending, &pending, &current->blocked);
	return !sigisemptyset(&pending);
}

/*
 * Some system calls say EINTR whoever interrupts them. If that was nobody but us,
 * they are called again; one of a socket with a timeout has all of it anew.
 */
static void restart_interrupted_call(void)
{
	struct pt_regs *regs = current_pt_regs();

	if (syscall_get_nr(current, regs) < 0 ||
	    syscall_get_error(current, regs) != -EINTR || ckpt_has_signal())
		return;
	switch (syscall_get_nr(current, regs)) {
	case __NR_epoll_wait:
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
	case __NR_rt_sigtimedwait:
	case __NR_io_getevents:
	case __NR_io_pgetevents:
	case __NR_io_uring_enter:
	/* Sockets with SO_RCVTIMEO or SO_SNDTIMEO. */
	case __NR_read:
	case __NR_readv:
	case __NR_recvfrom:
	case __NR_recvmsg:
	case __NR_recvmmsg:
	case __NR_write:
	case __NR_writev:
	case __NR_sendto:
	case __NR_sendmsg:
	case __NR_connect:
	case __NR_accept:
	case __NR_accept4:
		syscall_set_return_value(current, regs, -ERESTARTNOHAND, 0);
	}
}

/**
 * ckpt_trap - rest until the checkpoint is over
 *
 * Called from get_signal() with siglock held, which is released. Only a fatal
 * signal ends the rest early.
 */
void ckpt_trap(void)
	__releases(&current->sighand->siglock)
{
	/* Only a task itself leaves its sighand. */
	spinlock_t *siglock = &rcu_dereference_protected(current->sighand, true)->siglock;

	if (current->io_uring) {
		spin_unlock_irq(siglock);
		ckpt_io_uring_settle();
		spin_lock_irq(siglock);
		if (!(current->jobctl & JOBCTL_TRAP_CHECKPOINT)) {
			spin_unlock_irq(siglock);
			return;
		}
	}
	restart_interrupted_call();
	current->jobctl |= JOBCTL_CHECKPOINT_PARKED;
	set_current_state(TASK_KILLABLE | TASK_NOLOAD | TASK_FREEZABLE);
	spin_unlock_irq(siglock);
	/* set_current_state() is the barrier that pairs with all_parked()'s. */
	if (READ_ONCE(awaited) == current)
		wake_up_all(&parked_wq);
	schedule();
	__set_current_state(TASK_RUNNING);
	spin_lock_irq(siglock);
	current->jobctl &= ~JOBCTL_CHECKPOINT_PARKED;
	spin_unlock_irq(siglock);
}

static bool task_is_over(struct task_struct *t)
{
	return READ_ONCE(t->exit_state) || (READ_ONCE(t->flags) & PF_EXITING);
}

static bool task_is_parked(struct task_struct *t)
{
	unsigned long jobctl = READ_ONCE(t->jobctl);

	return (jobctl & JOBCTL_CHECKPOINT_PARKED) ||
	       ((jobctl & JOBCTL_STOPPED) && task_is_stopped(t));
}

static void let_go(struct task_struct *t)
{
	unsigned long flags;

	if (!lock_task_sighand(t, &flags))
		return;
	t->jobctl &= ~JOBCTL_TRAP_CHECKPOINT;
	if (t->jobctl & JOBCTL_CHECKPOINT_PARKED)
		wake_up_state(t, TASK_KILLABLE);
	unlock_task_sighand(t, &flags);
}

/* Under tasklist_lock: no sleeping. */
static int list_add_task(struct ckpt_task_list *list, struct task_struct *t)
{
	if (list->nr == list->max) {
		unsigned int max = max(64U, list->max * 2);
		struct task_struct **task;

		if (max > CKPT_MAX_TASKS)
			return -E2BIG;
		task = kmalloc_array(max, sizeof(*task), GFP_ATOMIC);
		if (!task)
			return -ENOMEM;
		if (list->nr)
			memcpy(task, list->task, list->nr * sizeof(*task));
		kfree(list->task);
		list->task = task;
		list->max = max;
	}
	get_task_struct(t);
	list->task[list->nr++] = t;
	return 0;
}

static void list_empty_tasks(struct ckpt_task_list *list)
{
	while (list->nr)
		put_task_struct(list->task[--list->nr]);
}

/* Ask a task to stop. Returns 1 if it was new, 0 if we had asked before. */
static int ask(struct ckpt_ctx *ctx, struct task_struct *t, bool first_round)
{
	unsigned long flags;
	int ret = 1;

	if (!lock_task_sighand(t, &flags))
		return 0;
	if (t->jobctl & JOBCTL_TRAP_CHECKPOINT) {
		ret = first_round ? -EBUSY : 0;
	} else {
		ret = list_add_task(&ctx->asked, t) ?: 1;
		if (ret > 0) {
			t->jobctl |= JOBCTL_TRAP_CHECKPOINT;
			signal_wake_up(t, false);
		}
	}
	unlock_task_sighand(t, &flags);
	return ret;
}

/* List a process, its leader first. Returns how many tasks were new. */
static int list_process(struct ckpt_ctx *ctx, struct task_struct *leader,
			bool first_round)
{
	struct task_struct *t;
	int new = 0, ret;

	for_each_thread(leader, t) {
		if (t == current)
			return -EDEADLK;
		if (t != leader && task_is_over(t))
			continue;
		/* It is gone when whom it works for is at rest. */
		if (t->flags & PF_IO_WORKER)
			continue;
		ret = list_add_task(&ctx->tasks, t);
		if (!ret && !t->exit_state)
			ret = ask(ctx, t, first_round);
		if (ret < 0)
			return ret;
		new += ret;
	}
	return new;
}

/*
 * List the tree anew, parents before children, and ask everyone who has not
 * been asked to stop. Returns how many these were.
 */
static int list_tree(struct ckpt_ctx *ctx, struct task_struct *root, bool first_round)
{
	struct task_struct *child;
	unsigned int i;
	int new, ret;

	list_empty_tasks(&ctx->tasks);
	read_lock(&tasklist_lock);
	new = pid_alive(root) ? list_process(ctx, root, first_round) : -ESRCH;
	for (i = 0; new >= 0 && i < ctx->tasks.nr; i++) {
		list_for_each_entry(child, &ctx->tasks.task[i]->children, sibling) {
			ret = list_process(ctx, child, first_round);
			if (ret < 0) {
				new = ret;
				break;
			}
			new += ret;
		}
	}
	read_unlock(&tasklist_lock);
	return new;
}

/* Or no more. */
static bool is_at_rest(struct task_struct *t)
{
	return task_is_parked(t) || READ_ONCE(t->exit_state);
}

/* Does it wait for the vfork() of a child of its own? That is looked at by itself. */
static bool waits_for_own_child(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct task_struct *child = ckpt_vfork_child(ctx, t);

	return child && rcu_access_pointer(child->real_parent) == t;
}

/*
 * The last @nr tasks have been found at rest before, and stay so. Children come
 * before their parents: who waits for one that rests does so, too, however many
 * wait for each other in a row.
 */
static bool all_parked(struct ckpt_ctx *ctx, unsigned int *nr)
{
	for (; *nr < ctx->tasks.nr; ++*nr) {
		struct task_struct *t = ctx->tasks.task[ctx->tasks.nr - 1 - *nr];

		if (is_at_rest(t) || waits_for_own_child(ctx, t))
			continue;
		t = ckpt_vfork_end(ctx, t);
		WRITE_ONCE(awaited, t);
		/* Either we see it parked, or it sees that we wait for it. */
		smp_mb();
		if (!is_at_rest(t))
			return false;
	}
	return true;
}

/* The first that is not at rest: a child that it waits for is yet to be asked. */
static bool has_new_child(struct ckpt_ctx *ctx, unsigned int nr)
{
	return nr < ctx->tasks.nr && ckpt_vfork_has_new(ctx->tasks.task[ctx->tasks.nr - 1 - nr]);
}

/* Returns as wait_event_killable_timeout() does; @again: the tree is to be listed again. */
static long wait_until_parked(struct ckpt_ctx *ctx, bool *again)
{
	unsigned long deadline = jiffies + FREEZE_TIMEOUT;
	unsigned int nr = 0;
	long ret;

	do {
		ret = wait_event_killable_timeout(parked_wq, all_parked(ctx, &nr), FREEZE_POLL);
		*again = !ret && has_new_child(ctx, nr);
	} while (!ret && !*again && time_before(jiffies, deadline));
	WRITE_ONCE(awaited, NULL);
	return ret;
}

static int freeze_timeout(struct ckpt_ctx *ctx)
{
	unsigned int i;

	for (i = 0; i < ctx->tasks.nr; i++) {
		struct task_struct *t = ctx->tasks.task[i];

		if (is_at_rest(t) || waits_for_own_child(ctx, t) ||
		    is_at_rest(ckpt_vfork_end(ctx, t)))
			continue;
		ctx->where.pid = task_pid_vnr(t);
		return ckpt_err(ctx, -EBUSY,
			"%s does not come to rest: it waits in the kernel without heeding signals; try again later",
			t->comm);
	}
	return -EBUSY;
}

/* One that its tracer has stopped comes to no other rest. */
static int traced_obstacle(struct ckpt_ctx *ctx)
{
	unsigned int i;
	pid_t tracer;

	for (i = 0; i < ctx->tasks.nr; i++) {
		struct task_struct *t = ctx->tasks.task[i];

		if (!READ_ONCE(t->ptrace) || !task_is_traced(t))
			continue;
		rcu_read_lock();
		tracer = task_tgid_vnr(rcu_dereference(t->parent));
		rcu_read_unlock();
		ctx->where.pid = task_pid_vnr(t);
		return ckpt_err(ctx, -EOPNOTSUPP,
			"%s is traced by process %d: detach the debugger first", t->comm, tracer);
	}
	return 0;
}

static int freeze(struct ckpt_ctx *ctx, struct task_struct *root)
{
	bool first_round = true, again;
	long ret;
	int new;

	do {
		new = list_tree(ctx, root, first_round);
		first_round = false;
		if (new == -EDEADLK)
			return ckpt_err(ctx, new,
				"the tree holds the caller, pid %d, which cannot stop itself; ask from outside",
				task_pid_vnr(current));
		if (new == -EBUSY)
			return ckpt_err(ctx, new, "a checkpoint of this tree is under way");
		if (new == -ESRCH)
			return ckpt_err(ctx, new, "the process has ended");
		if (new < 0)
			return ckpt_err(ctx, new, "cannot list the tree");
		if (traced_obstacle(ctx))
			return -EOPNOTSUPP;
		ret = wait_until_parked(ctx, &again);
		if (ret < 0)
			return ckpt_err(ctx, -EINTR, "interrupted");
		if (!ret && !again)
			return freeze_timeout(ctx);
	} while (new || again);
	return 0;
}

/* Its threads that live stand behind it. */
static bool leader_has_heirs(struct ckpt_ctx *ctx, unsigned int i)
{
	return i + 1 < ctx->tasks.nr &&
	       same_thread_group(ctx->tasks.task[i], ctx->tasks.task[i + 1]);
}

static int describe_tasks(struct ckpt_ctx *ctx)
{
	unsigned int i;

	ctx->entries = kvcalloc(ctx->tasks.nr, sizeof(*ctx->entries), GFP_KERNEL_ACCOUNT);
	if (!ctx->entries)
		return -ENOMEM;
	read_lock(&tasklist_lock);
	for (i = 0; i < ctx->tasks.nr; i++) {
		struct task_struct *t = ctx->tasks.task[i], *leader = t->group_leader;
		struct ckpt_task_entry *e = &ctx->entries[i];
		struct task_struct *parent =
			rcu_dereference_protected(leader->real_parent,
						  lockdep_is_held(&tasklist_lock));

		e->pid = task_pid_vnr(t);
		e->tgid = task_tgid_vnr(t);
		e->pgid = task_pgrp_vnr(t);
		e->sid = task_session_vnr(t);
		e->exit_signal = leader->exit_signal;
		if (t == leader)
			e->flags |= CKPT_TASK_LEADER;
		/* That of the root is no part of the tree. */
		if (e->tgid != ctx->entries[0].tgid)
			e->ppid = task_tgid_vnr(parent);
		if (e->ppid && t == leader &&
		    rcu_access_pointer(t->sighand) == rcu_access_pointer(parent->sighand))
			e->flags |= CKPT_TASK_SIGHAND;
		if (t->exit_state) {
			e->flags |= leader_has_heirs(ctx, i) ? CKPT_TASK_DEAD_LEADER :
							       CKPT_TASK_ZOMBIE;
			e->exit_code = (t->signal->flags & SIGNAL_GROUP_EXIT) ?
				t->signal->group_exit_code : t->exit_code;
		}
	}
	read_unlock(&tasklist_lock);
	/* It was on its way out when it was asked. */
	if (ctx->entries[0].flags & CKPT_TASK_ZOMBIE)
		return ckpt_err(ctx, -ESRCH, "the process has ended");
	for (i = 0; i < ctx->tasks.nr; i++) {
		int ret = xa_err(xa_store(&ctx->pids, ctx->entries[i].pid, xa_mk_value(i),
					  GFP_KERNEL_ACCOUNT));

		if (ret)
			return ret;
	}
	read_lock(&tasklist_lock);
	ckpt_mark_own_groups(ctx);
	read_unlock(&tasklist_lock);
	return 0;
}

/**
 * ckpt_in_tree - is it a task of the tree?
 * @ctx:	the checkpoint
 * @pid:	as the caller sees it
 *
 * Return: true if it is.
 */
bool ckpt_in_tree(struct ckpt_ctx *ctx, pid_t pid)
{
	return pid > 0 && xa_load(&ctx->pids, pid);
}

/* One at a time: so a task that bears our mark was marked by us. */
static DEFINE_MUTEX(freeze_mutex);

/**
 * ckpt_freeze_tree - bring a process and all its descendants to rest
 * @ctx:	the checkpoint; its tasks are filled in
 * @root:	leader of the process
 *
 * Tasks that are made while we ask are found and asked too. The caller calls
 * ckpt_thaw_tree() in any case.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_freeze_tree(struct ckpt_ctx *ctx, struct task_struct *root)
{
	int ret;

	ret = mutex_lock_killable(&freeze_mutex);
	if (ret)
		return ckpt_err(ctx, ret, "interrupted");
	ret = freeze(ctx, root);
	mutex_unlock(&freeze_mutex);
	return ret ?: describe_tasks(ctx);
}

/**
 * ckpt_check_frozen - has everybody stayed where they were?
 * @ctx:	the checkpoint
 *
 * A fatal signal ends a task's rest: what was written of it is not whole then.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_check_frozen(struct ckpt_ctx *ctx)
{
	unsigned int i;

	for (i = 0; i < ctx->tasks.nr; i++) {
		struct task_struct *t = ctx->tasks.task[i];

		if (ctx->entries[i].flags & (CKPT_TASK_ZOMBIE | CKPT_TASK_DEAD_LEADER))
			continue;
		if ((!task_is_parked(t) && !waits_for_own_child(ctx, t) &&
		     !task_is_parked(ckpt_vfork_end(ctx, t))) || fatal_signal_pending(t)) {
			ctx->where = (struct ckpt_where) {
				.pid = ctx->entries[i].pid, .fd = -1 };
			return ckpt_err(ctx, -ESRCH, "was killed during the checkpoint");
		}
	}
	return 0;
}

/**
 * ckpt_let_go - let tasks go on that were asked to stop
 * @list:	the tasks; it is empty afterwards
 */
void ckpt_let_go(struct ckpt_task_list *list)
{
	unsigned int i;

	for (i = 0; i < list->nr; i++)
		let_go(list->task[i]);
	list_empty_tasks(list);
}

/**
 * ckpt_thaw_tree - let the tree go on
 * @ctx:	the checkpoint
 */
void ckpt_thaw_tree(struct ckpt_ctx *ctx)
{
	ckpt_let_go(&ctx->asked);
}

void ckpt_task_list_free(struct ckpt_task_list *list)
{
	list_empty_tasks(list);
	kfree(list->task);
}

void ckpt_task_lists_free(struct ckpt_ctx *ctx)
{
	ckpt_task_list_free(&ctx->asked);
	ckpt_task_list_free(&ctx->tasks);
	kvfree(ctx->entries);
	xa_destroy(&ctx->pids);
}

/**
 * ckpt_wait_inactive - wait until a task that goes to sleep is off its CPU
 * @t:		the task; nobody wakes it, but to kill it
 *
 * Registers are set and read in its thread structure only then: the switch to
 * another task overwrites what stands there. TASK_ANY is any state of one who
 * sleeps; of one who is on the way, wait_task_inactive() knows nothing.
 */
void ckpt_wait_inactive(struct task_struct *t)
{
	while (!wait_task_inactive(t, TASK_ANY) && !fatal_signal_pending(current))
		usleep_range(10, 50);
}
