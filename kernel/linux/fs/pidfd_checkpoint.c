// SPDX-License-Identifier: GPL-2.0
/* Checkpoint/restart of pidfds: of tasks of the tree, or of such as are no more. */
#include <linux/checkpoint_files.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/pidfs.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <uapi/linux/pidfd.h>

/* Who of the tree lives in a pid namespace, or else in the next one above it that has somebody? */
static pid_t inhabitant(struct ckpt_ctx *ctx, struct pid_namespace *ns)
{
	unsigned int i;

	for (; ns; ns = ns->parent)
		for (i = 0; i < ctx->tasks.nr; i++)
			if (task_active_pid_ns(ctx->tasks.task[i]) == ns)
				return ctx->entries[i].pid;
	return 0;
}

/*
 * What a pidfd of a dead one may be used for is judged by where that has lived; and by what
 * it is, user space knows others of the same one.
 */
static int describe_dead(struct ckpt_ctx *ctx, struct pid *pid, struct ckpt_pidfd *rec,
			 u32 *objref)
{
	struct pid_namespace *ns = ns_of_pid(pid);
	u32 other;

	rec->flags |= CKPT_PIDFD_DEAD;
	if (ckpt_obj_lookup(ctx, CKPT_OBJ_DEAD, pid, &other)) {
		rec->flags |= CKPT_PIDFD_SAME;
		rec->pid = other;
		*objref = ++ctx->next_ref;
		return 0;
	}
	if (ns != task_active_pid_ns(ctx->tasks.task[0])) {
		rec->flags |= CKPT_PIDFD_ELSEWHERE;
		rec->pid = inhabitant(ctx, ns);
	}
	return ckpt_obj_add(ctx, CKPT_OBJ_DEAD, pid, objref);
}

/* Where nobody of the tree lives is no pid namespace for it: the first one of all. */
static struct pid *dead_pid(struct ckpt_ctx *ctx, const struct ckpt_pidfd *p)
{
	struct restart_task *rt;
	struct ckpt_anon *anon;

	if (p->flags & CKPT_PIDFD_SAME) {
		anon = ckpt_anon_ref(ctx, p->pid, CKPT_FILE_PIDFD);
		return IS_ERR(anon) ? NULL : get_pid(pidfd_pid(anon->file));
	}
	if (!(p->flags & CKPT_PIDFD_ELSEWHERE))
		return ckpt_dead_pid(task_active_pid_ns(restart_root(ctx)), max(p->pid, 0));
	if (!p->pid)
		return ckpt_dead_pid(&init_pid_ns, 0);
	rt = restart_lookup(ctx, p->pid);
	return rt && rt->task ? ckpt_dead_pid(task_active_pid_ns(rt->task), 0) : NULL;
}

/**
 * checkpoint_pidfd - write a pidfd
 * @ctx:	the checkpoint
 * @file:	its file
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_pidfd(struct ckpt_ctx *ctx, struct file *file)
{
	struct pid *pid = pidfd_pid(file);
	struct ckpt_pidfd rec = { .pid = pid_vnr(pid) };
	struct task_struct *t;
	u32 objref;
	int ret;

	if (file->f_flags & PIDFD_THREAD)
		rec.flags |= CKPT_PIDFD_THREAD;
	t = get_pid_task(pid, PIDTYPE_PID);
	if (!t) {
		ret = describe_dead(ctx, pid, &rec, &objref);
		if (ret)
			return ret;
	} else {
		objref = ++ctx->next_ref;
		put_task_struct(t);
		if (!ckpt_in_tree(ctx, rec.pid))
			return ckpt_obstacle(ctx, -EOPNOTSUPP,
				"a pidfd of a process outside the tree, pid %d: not supported",
				rec.pid);
	}
	ret = ckpt_write_rec(ctx, CKPT_REC_PIDFD, objref, &rec, sizeof(rec));
	return ret ?: ckpt_anon_write(ctx, file, CKPT_FILE_PIDFD, objref);
}

/**
 * restore_pidfd_rec - make a pidfd
 * @ctx:	the restart
 * @rec:	the PIDFD record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_pidfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restart_task *rt;
	struct ckpt_pidfd *p;
	struct file *file;
	struct pid *pid;

	p = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*p), sizeof(*p));
	if (IS_ERR(p))
		return PTR_ERR(p);
	rt = restart_lookup(ctx, p->pid);
	if (p->flags & ~CKPT_PIDFD_FLAGS_ALL ||
	    (p->flags & (CKPT_PIDFD_ELSEWHERE | CKPT_PIDFD_SAME) &&
	     !(p->flags & CKPT_PIDFD_DEAD)))
		pid = NULL;
	else if (p->flags & CKPT_PIDFD_DEAD)
		pid = dead_pid(ctx, p);
	else
		pid = rt && rt->task ? get_pid(task_pid(rt->task)) : NULL;
	file = pid ? pidfs_alloc_file(pid, O_RDWR | (p->flags & CKPT_PIDFD_THREAD ?
						     PIDFD_THREAD : 0)) : ERR_PTR(-EINVAL);
	if (!IS_ERR(file) && p->flags & CKPT_PIDFD_THREAD)
		file->f_flags |= PIDFD_THREAD;
	put_pid(pid);
	kvfree(p);
	return ckpt_anon_add(ctx, rec->objref, CKPT_FILE_PIDFD, file);
}
