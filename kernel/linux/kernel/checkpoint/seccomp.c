// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of seccomp filters: a part of kernel/seccomp.c.
 *
 * The image has the classic program as it was given; a restart checks it as
 * seccomp(2) does. Filters that tasks had in common they have in common again.
 */
#include <linux/checkpoint_net.h>
#include <linux/checkpoint_tasks.h>

void ckpt_seccomp_grab(void *filter)
{
	__get_seccomp_filter(filter);
}

void ckpt_seccomp_drop(void *filter)
{
	__put_seccomp_filter(filter);
}

int ckpt_seccomp_obstacles(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct seccomp_filter *f;

	/* At rest, it changes none, and nobody else changes its process's. */
	for (f = t->seccomp.filter; f; f = f->prev) {
		if (f->notif)
			return ckpt_obstacle(ctx, -EOPNOTSUPP,
				"%s: a seccomp filter asks a supervisor (SECCOMP_FILTER_FLAG_NEW_LISTENER): not supported",
				t->comm);
		if (!f->prog->orig_prog)
			return ckpt_obstacle(ctx, -EOPNOTSUPP,
				"%s: a seccomp filter is no classic program: not supported",
				t->comm);
	}
	return 0;
}

static int write_filter(struct ckpt_ctx *ctx, struct seccomp_filter *f, u32 prev, u32 *objref)
{
	const struct sock_fprog_kern *prog = f->prog->orig_prog;
	struct ckpt_seccomp rec = {
		.prev = prev,
		.flags = f->log ? CKPT_SECCOMP_LOG : 0,
		.nr_insns = prog->len,
	};
	int ret;

	ret = ckpt_obj_add(ctx, CKPT_OBJ_SECCOMP, f, objref);
	return ret ?: ckpt_write_rec2(ctx, CKPT_REC_SECCOMP, *objref, &rec, sizeof(rec),
				      prog->filter, bpf_classic_proglen(prog));
}

/**
 * checkpoint_seccomp - write the filters of a task
 * @ctx:	the checkpoint
 * @t:		a task at rest
 * @objref:	that of the filter installed last, or 0
 *
 * Return: 0 or a negative error.
 */
int checkpoint_seccomp(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref)
{
	struct seccomp_filter *f, *next;
	u32 prev = 0;
	int ret;

	*objref = 0;
	/* The oldest that is not in the image yet, until all are. */
	while (t->seccomp.filter) {
		for (f = t->seccomp.filter, next = NULL; f; f = f->prev) {
			if (ckpt_obj_lookup(ctx, CKPT_OBJ_SECCOMP, f, &prev))
				break;
			next = f;
		}
		if (!next) {
			*objref = prev;
			return 0;
		}
		ret = write_filter(ctx, next, f ? prev : 0, &prev);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

static struct seccomp_filter *make_filter(const struct ckpt_seccomp *rec)
{
	struct sock_fprog_kern prog = {
		.len = rec->nr_insns,
		.filter = (struct sock_filter *)(rec + 1),
	};
	struct seccomp_filter *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!f)
		return ERR_PTR(-ENOMEM);
	ret = bpf_prog_create_checked(&f->prog, &prog, seccomp_check_filter);
	if (ret < 0) {
		kfree(f);
		return ERR_PTR(ret);
	}
	mutex_init(&f->notify_lock);
	init_waitqueue_head(&f->wqh);
	refcount_set(&f->refs, 1);
	/* The table uses it, until the restart is over. */
	refcount_set(&f->users, 1);
	f->log = rec->flags & CKPT_SECCOMP_LOG;
	return f;
}

static unsigned long path_insns(const struct seccomp_filter *f)
{
	unsigned long n = f->prog->len;

	for (f = f->prev; f; f = f->prev)
		n += f->prog->len + 4;
	return n;
}

int restore_seccomp_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct seccomp_filter *f, *prev = NULL;
	struct ckpt_seccomp *s;
	int ret = 0;

	s = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*s),
			      sizeof(*s) + BPF_MAXINSNS * sizeof(struct sock_filter));
	if (IS_ERR(s))
		return PTR_ERR(s);
	if (s->flags & ~CKPT_SECCOMP_FLAGS_ALL || s->reserved || !s->nr_insns ||
	    s->nr_insns > BPF_MAXINSNS ||
	    rec->len != sizeof(*s) + s->nr_insns * sizeof(struct sock_filter))
		ret = ckpt_err(ctx, -EINVAL, "a seccomp filter of %u instructions in %llu bytes",
			       s->nr_insns, rec->len);
	if (!ret && s->prev) {
		prev = ckpt_ref(ctx, s->prev, CKPT_OBJ_SECCOMP);
		ret = PTR_ERR_OR_ZERO(prev);
	}
	if (ret)
		goto out;
	f = make_filter(s);
	if (IS_ERR(f)) {
		ret = ckpt_err(ctx, PTR_ERR(f), "a seccomp filter that seccomp(2) would not take");
		goto out;
	}
	if (prev) {
		__get_seccomp_filter(prev);
		refcount_inc(&prev->users);
		f->prev = prev;
	}
	if (path_insns(f) > MAX_INSNS_PER_PATH)
		ret = ckpt_err(ctx, -ENOMEM, "seccomp filters with too many instructions");
	seccomp_cache_prepare(f);
	if (ret)
		__seccomp_filter_release(f);
	else
		ret = ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_SECCOMP, f);
out:
	kvfree(s);
	return ret;
}

/* The table of a restart lets it go: it was a user, too. */
void restore_seccomp_put(void *filter)
{
	__seccomp_filter_release(filter);
}

/**
 * restore_seccomp_check - may this task be put under seccomp?
 * @rt:		the task, which is current, with the credentials of its maker
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_seccomp_check(struct restart_task *rt)
{
	const struct ckpt_sched *s = rt->sched;

	if (!s || s->seccomp_mode == SECCOMP_MODE_DISABLED)
		return 0;
	/* Those of the caller stay; nothing can be put below them. */
	if (current->seccomp.mode != SECCOMP_MODE_DISABLED)
		return restore_fail(rt, -EPERM, "seccomp: the caller is under seccomp itself");
	if (s->seccomp_mode == SECCOMP_MODE_FILTER && !rt->thread.no_new_privs &&
	    !task_no_new_privs(current) &&
	    !ns_capable_noaudit(current_user_ns(), CAP_SYS_ADMIN))
		return restore_fail(rt, -EACCES,
			"seccomp: a filter without no_new_privs needs CAP_SYS_ADMIN");
	return 0;
}

/**
 * restore_seccomp - put this task under seccomp
 * @rt:		the task, which is current; all else has been restored
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_seccomp(struct restart_task *rt)
{
	const struct ckpt_sched *s = rt->sched;
	struct seccomp_filter *f = NULL, *walker;
	int n = 0;

	if (!s || s->seccomp_mode == SECCOMP_MODE_DISABLED)
		return 0;
	if (s->seccomp_mode == SECCOMP_MODE_FILTER) {
		f = ckpt_ref(restart_ckpt_ctx(rt), s->seccomp, CKPT_OBJ_SECCOMP);
		if (IS_ERR(f))
			return restore_fail(rt, PTR_ERR(f), "seccomp: no such filter");
		for (walker = f; walker; walker = walker->prev)
			n++;
		__get_seccomp_filter(f);
		refcount_inc(&f->users);
	}
	spin_lock_irq(&current->sighand->siglock);
	current->seccomp.filter = f;
	atomic_set(&current->seccomp.filter_count, n);
	seccomp_assign_mode(current, s->seccomp_mode, 0);
	spin_unlock_irq(&current->sighand->siglock);
	return 0;
}
