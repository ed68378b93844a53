// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of parents that wait for a vfork() to end.
 *
 * Such a parent does not come to rest by itself. But while its child rests, it
 * sleeps, with registers that are complete: they were when it made the call, and
 * a restart lets it wait again, and return from the call then.
 */
#include <linux/cgroup.h>
#include <linux/checkpoint_tasks.h>
#include <linux/completion.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>

/* What it waits for stands on its stack, and is gone once the child has let it go. */
static bool waits_for(struct task_struct *t, struct task_struct *child)
{
	unsigned long stack = (unsigned long)task_stack_page(t), vfork;
	bool waits = false;

	if (!READ_ONCE(child->vfork_done))
		return false;
	task_lock(child);
	vfork = (unsigned long)child->vfork_done;
	if (stack && vfork >= stack && vfork < stack + THREAD_SIZE)
		waits = swait_active(&child->vfork_done->wait);
	task_unlock(child);
	return waits;
}

/**
 * ckpt_vfork_child - the child that a task waits for in vfork()
 * @ctx:	the checkpoint
 * @t:		a task of the tree
 *
 * Return: the child, which is of the tree, or NULL.
 */
struct task_struct *ckpt_vfork_child(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct task_struct *child;
	unsigned int i;

	if (READ_ONCE(t->jobctl) & JOBCTL_CHECKPOINT_PARKED)
		return NULL;
	read_lock(&tasklist_lock);
	list_for_each_entry(child, &t->children, sibling) {
		/* Who bears the mark is held by @ctx. */
		if (READ_ONCE(child->jobctl) & JOBCTL_TRAP_CHECKPOINT && waits_for(t, child)) {
			read_unlock(&tasklist_lock);
			return child;
		}
	}
	read_unlock(&tasklist_lock);
	/* One that was made with CLONE_PARENT. */
	for (i = 1; i < ctx->tasks.nr; i++)
		if (waits_for(t, ctx->tasks.task[i]))
			return ctx->tasks.task[i];
	return NULL;
}

/**
 * ckpt_vfork_end - on whose rest that of a task depends
 * @ctx:	the checkpoint
 * @t:		a task of the tree
 *
 * Return: @t itself, if it does not wait for a vfork() to end.
 */
struct task_struct *ckpt_vfork_end(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct task_struct *child;
	unsigned int i;

	/* An image can have made them wait for each other. */
	for (i = 0; i < ctx->tasks.nr; i++) {
		child = ckpt_vfork_child(ctx, t);
		if (!child)
			break;
		t = child;
	}
	return t;
}

/**
 * ckpt_vfork_has_new - does a task wait for a child that nobody has asked to rest?
 * @t:		a task of the tree that has been asked
 *
 * It was about to make it when it was.
 *
 * Return: true if so.
 */
bool ckpt_vfork_has_new(struct task_struct *t)
{
	struct task_struct *child;
	bool found = false;

	read_lock(&tasklist_lock);
	list_for_each_entry(child, &t->children, sibling)
		if (!(READ_ONCE(child->jobctl) & JOBCTL_TRAP_CHECKPOINT) && waits_for(t, child))
			found = true;
	read_unlock(&tasklist_lock);
	return found;
}

/**
 * restore_vfork - let the child of a vfork() know who waits for it
 * @ctx:	the restart
 * @rt:		the parent, which has taken on its part
 *
 * The child has left the memory that it was made in: else that would end it.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_vfork(struct ckpt_ctx *ctx, struct restart_task *rt)
{
	struct restart_task *child;
	bool good;

	if (rt->thread.restart_kind != CKPT_RESTART_VFORK)
		return 0;
	child = restart_lookup(ctx, rt->thread.restart_arg[0]);
	if (!child || child->leader != child || child->leader == rt->leader || !rt->vfork ||
	    child->entry.flags & CKPT_TASK_ZOMBIE)
		return ckpt_err(ctx, -EINVAL, "%d waits for a vfork() of nobody", rt->entry.pid);
	task_lock(child->task);
	good = !child->task->vfork_done && !child->task->exit_state;
	/* Pairs with restore_vfork_wait(): either sees what the other has done. */
	if (good && !READ_ONCE(rt->gone))
		child->task->vfork_done = rt->vfork;
	task_unlock(child->task);
	return good ? 0 : ckpt_err(ctx, -EINVAL, "%d waits for a vfork() that has ended",
				   rt->entry.pid);
}

/**
 * restore_vfork_child - whom a task waits for before it reaches user mode
 * @rt:		the task, which is current
 *
 * Return: the child, which is held, or NULL.
 */
struct task_struct *restore_vfork_child(struct restart_task *rt)
{
	struct restart_task *child;

	if (rt->thread.restart_kind != CKPT_RESTART_VFORK)
		return NULL;
	child = restart_lookup(restart_ckpt_ctx(rt), rt->thread.restart_arg[0]);
	return child && child->task ? get_task_struct(child->task) : NULL;
}

/**
 * restore_vfork_wait - as vfork() does
 * @child:	for whom; it is no longer held
 * @vfork:	what the child has been told to complete
 * @go:		false: the restart has failed
 */
void restore_vfork_wait(struct task_struct *child, struct completion *vfork, bool go)
{
	if (go) {
		cgroup_enter_frozen();
		go = !wait_for_completion_state(vfork, TASK_KILLABLE | TASK_FREEZABLE);
		cgroup_leave_frozen(false);
	}
	if (!go) {
		task_lock(child);
		if (child->vfork_done == vfork)
			child->vfork_done = NULL;
		task_unlock(child);
	}
	put_task_struct(child);
}
