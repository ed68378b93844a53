// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of signals: handlers, masks, stacks, and what is pending.
 */
#include <linux/checkpoint_tasks.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/slab.h>

/* More than any RLIMIT_SIGPENDING of the day; bounds a record. */
#define MAX_PENDING	16384

/* Processes can have the same handlers (CLONE_SIGHAND); all of them must be of the tree. */
static int check_users(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct sighand_struct *sighand;
	unsigned int i, users = 0, max;

	rcu_read_lock();
	sighand = rcu_dereference(t->sighand);
	max = sighand ? refcount_read(&sighand->count) : 0;
	for (i = 0; i < ctx->tasks.nr && max > get_nr_threads(t); i++)
		users += rcu_access_pointer(ctx->tasks.task[i]->sighand) == sighand;
	rcu_read_unlock();
	if (max <= get_nr_threads(t) || max <= users)
		return 0;
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
		"%s: shares its signal handlers with a process outside the tree (CLONE_SIGHAND): not supported",
		t->comm);
}

/* It can only be made with those of its parent. */
static int check_heir(struct ckpt_ctx *ctx, struct task_struct *t)
{
	void *index = xa_load(&ctx->pids, task_tgid_vnr(t));

	if (index && ctx->entries[xa_to_value(index)].flags & CKPT_TASK_SIGHAND)
		return 0;
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
		"%s: shares its signal handlers with a process that is not its parent (CLONE_SIGHAND): not supported",
		t->comm);
}

int checkpoint_sighand(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref)
{
	struct sighand_struct *sighand;
	struct ckpt_sighand *rec;
	unsigned long flags;
	int i, ret;

	BUILD_BUG_ON(CKPT_NSIG != _NSIG);
	ret = ckpt_obj(ctx, CKPT_OBJ_SIGHAND, rcu_access_pointer(t->sighand), objref);
	if (ret < 0)
		return ret;
	if (!ret)
		return check_heir(ctx, t);
	ret = check_users(ctx, t);
	if (ret)
		return ret;
	rec = kzalloc(sizeof(*rec), GFP_KERNEL);
	if (!rec)
		return -ENOMEM;
	sighand = lock_task_sighand(t, &flags);
	if (sighand) {
		for (i = 0; i < _NSIG; i++) {
			const struct sigaction *sa = &sighand->action[i].sa;

			rec->action[i].handler = (unsigned long)sa->sa_handler;
			rec->action[i].flags = sa->sa_flags;
			rec->action[i].restorer = (unsigned long)sa->sa_restorer;
			rec->action[i].mask = sa->sa_mask.sig[0];
		}
		unlock_task_sighand(t, &flags);
	}
	ret = ckpt_write_rec(ctx, CKPT_REC_SIGHAND, *objref, rec, sizeof(*rec));
	kfree(rec);
	return ret;
}

int restore_sighand(struct restart_task *rt)
{
	struct ckpt_payload *p = ckpt_ref(restart_ckpt_ctx(rt), rt->process->sighand,
					  CKPT_OBJ_SIGHAND);
	const struct ckpt_sighand *rec;
	struct k_sigaction ka = {};
	int i, ret;

	if (IS_ERR(p))
		return restore_fail(rt, PTR_ERR(p), "signal handlers: no such object");
	if (p->len != sizeof(*rec))
		return restore_fail(rt, -EINVAL, "signal handlers: wrong size");
	if (!p->first)
		return restore_fail(rt, -EINVAL,
				    "signal handlers: not known when it was described");
	if (p->first != rt)
		return rcu_access_pointer(p->first->task->sighand) ==
		       rcu_access_pointer(current->sighand) ? 0 :
		       restore_fail(rt, -EINVAL, "signal handlers: not those of its parent");
	rec = (const void *)p->data;
	for (i = 0; i < _NSIG; i++) {
		if (sig_kernel_only(i + 1))
			continue;
		if (rec->action[i].flags & ~UAPI_SA_FLAGS)
			return restore_fail(rt, -EINVAL, "signal handlers: unknown flags");
		ka.sa.sa_handler = (__sighandler_t)(unsigned long)rec->action[i].handler;
		ka.sa.sa_flags = rec->action[i].flags;
		ka.sa.sa_restorer = (__sigrestore_t)(unsigned long)rec->action[i].restorer;
		ka.sa.sa_mask.sig[0] = rec->action[i].mask;
		ret = do_sigaction(i + 1, &ka, NULL);
		if (ret)
			return restore_fail(rt, ret, "signal handlers");
	}
	return 0;
}

static unsigned int count_pending(const struct sigpending *pending)
{
	struct sigqueue *q;
	unsigned int n = 0;

	/* That of a timer comes with it. */
	list_for_each_entry(q, &pending->list, list)
		n += !(q->flags & SIGQUEUE_PREALLOC);
	return n;
}

static void copy_pending(struct ckpt_siginfo *to, unsigned int max,
			 const struct sigpending *pending)
{
	struct sigqueue *q;

	list_for_each_entry(q, &pending->list, list) {
		if (q->flags & SIGQUEUE_PREALLOC)
			continue;
		if (!max--)
			return;
		copy_siginfo_to_external((siginfo_t *)to->info, &q->info);
		to++;
	}
}

/**
 * checkpoint_sigqueue - write the signals that are pending
 * @ctx:	the checkpoint
 * @t:		a task at rest
 * @shared:	those of its process, not its own
 *
 * Others may send signals meanwhile: what comes later is not in the image.
 *
 * Return: 0 or a negative error.
 */
int checkpoint_sigqueue(struct ckpt_ctx *ctx, struct task_struct *t, bool shared)
{
	struct sigpending *pending = shared ? &t->signal->shared_pending : &t->pending;
	struct ckpt_siginfo *info;
	unsigned long flags;
	unsigned int n;
	int ret;

	BUILD_BUG_ON(sizeof(siginfo_t) != CKPT_SIGINFO_BYTES);
	if (!lock_task_sighand(t, &flags))
		return 0;
	n = count_pending(pending);
	unlock_task_sighand(t, &flags);
	if (!n)
		return 0;
	if (n > MAX_PENDING)
		return ckpt_obstacle(ctx, -E2BIG, "%u signals are pending; %u are supported",
				     n, MAX_PENDING);
	info = kvcalloc(n, sizeof(*info), GFP_KERNEL_ACCOUNT);
	if (!info)
		return -ENOMEM;
	if (lock_task_sighand(t, &flags)) {
		n = min(n, count_pending(pending));
		copy_pending(info, n, pending);
		unlock_task_sighand(t, &flags);
	}
	ret = ckpt_write_rec2(ctx, CKPT_REC_SIGQUEUE, shared ? 0 : task_pid_vnr(t),
			      info, n * sizeof(*info), NULL, 0);
	kvfree(info);
	return ret;
}

struct restore_sigqueue {
	struct list_head list;
	bool shared;
	unsigned int nr;
	struct ckpt_siginfo info[];
};

/**
 * restore_sigqueue_rec - keep pending signals until handlers and masks stand
 * @ctx:	the restart
 * @rec:	SIGQUEUE: of the thread it names, or of the last PROCESS
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_sigqueue_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restart_task *rt = rec->objref ? restart_find(ctx, rec->objref) :
						ctx->last_process;
	unsigned int i, nr = rec->len / sizeof(struct ckpt_siginfo);
	struct restore_sigqueue *q;
	int ret;

	if (IS_ERR(rt))
		return PTR_ERR(rt);
	if (!rt || rec->len % sizeof(struct ckpt_siginfo) || nr > MAX_PENDING)
		return ckpt_err(ctx, -EINVAL, "misplaced or misshapen queue of signals");
	q = kvzalloc(struct_size(q, info, nr), GFP_KERNEL_ACCOUNT);
	if (!q)
		return -ENOMEM;
	q->nr = nr;
	q->shared = !rec->objref;
	list_add_tail(&q->list, &rt->sigqueues);
	ret = ckpt_read(&ctx->img, q->info, nr * sizeof(*q->info));
	if (ret)
		return ckpt_err(ctx, ret, "the image is truncated in a queue of signals");
	for (i = 0; i < nr; i++) {
		int sig = ((siginfo_t *)q->info[i].info)->si_signo;

		if (!valid_signal(sig) || sig < 1 || sig == SIGKILL)
			return ckpt_err(ctx, -EINVAL, "signal %d cannot be pending", sig);
	}
	return 0;
}

/* Who sent it is said as its receiver sees him, and not for the caller to translate. */
static void send_as_it_was(struct task_struct *t, const kernel_siginfo_t *info, enum pid_type type)
{
	struct sigpending *pending = type == PIDTYPE_PID ? &t->pending :
							   &t->signal->shared_pending;
	struct list_head *last = pending->list.prev;
	kernel_siginfo_t sent = *info;

	send_signal_locked(info->si_signo, &sent, t, type);
	if (pending->list.prev != last)
		copy_siginfo(&list_last_entry(&pending->list, struct sigqueue, list)->info, info);
}

/*
 * A process that is stopped takes no signal, not even one that would end it. It is not
 * stopped yet: so it is as if sigtimedwait(2) waited for them.
 */
static void send_pending(struct restart_task *rt, const kernel_siginfo_t *info,
			 enum pid_type type)
{
	struct task_struct *t = rt->task, *thread;
	sigset_t blocked = t->real_blocked;

	if (!rt->leader->process->stopped) {
		send_as_it_was(t, info, type);
		return;
	}
	for_each_thread(t, thread)
		sigfillset(&thread->real_blocked);
	send_as_it_was(t, info, type);
	for_each_thread(t, thread)
		thread->real_blocked = blocked;
}

/* In order, as if they had been sent just now. */
int restore_sigqueues(struct ckpt_ctx *ctx, struct restart_task *rt)
{
	struct restore_sigqueue *q;
	kernel_siginfo_t info;
	unsigned long flags;
	unsigned int i;

	list_for_each_entry(q, &rt->sigqueues, list) {
		for (i = 0; i < q->nr; i++) {
			const siginfo_t *from = (const siginfo_t *)q->info[i].info;

			clear_siginfo(&info);
			memcpy(&info, from, sizeof(info));
			if (!lock_task_sighand(rt->task, &flags))
				return ckpt_err(ctx, -ESRCH, "was killed during the restart");
			send_pending(rt, &info, q->shared ? PIDTYPE_TGID : PIDTYPE_PID);
			unlock_task_sighand(rt->task, &flags);
		}
	}
	return 0;
}

void restore_sigqueues_free(struct restart_task *rt)
{
	struct restore_sigqueue *q, *tmp;

	list_for_each_entry_safe(q, tmp, &rt->sigqueues, list)
		kvfree(q);
}

void checkpoint_thread_signal(struct task_struct *t, struct ckpt_thread *th)
{
	th->blocked = t->blocked.sig[0];
	th->saved_sigmask = t->saved_sigmask.sig[0];
	th->restore_sigmask = test_tsk_restore_sigmask(t);
	th->altstack_sp = t->sas_ss_sp;
	th->altstack_size = t->sas_ss_size;
	th->altstack_flags = t->sas_ss_flags;
}

int restore_thread_signal(struct restart_task *rt)
{
	const struct ckpt_thread *th = &rt->thread;
	sigset_t set = { .sig = { th->blocked } };

	if (th->altstack_flags & ~(SS_DISABLE | SS_AUTODISARM))
		return restore_fail(rt, -EINVAL, "signal stack: unknown flags");
	if (!(th->altstack_flags & SS_DISABLE) && th->altstack_size &&
	    th->altstack_sp + th->altstack_size > TASK_SIZE_MAX)
		return restore_fail(rt, -EINVAL, "signal stack: outside user memory");
	current->sas_ss_sp = th->altstack_sp;
	current->sas_ss_size = th->altstack_size;
	current->sas_ss_flags = th->altstack_flags;

	set_current_blocked(&set);
	if (th->restore_sigmask) {
		current->saved_sigmask.sig[0] = th->saved_sigmask;
		sigdelsetmask(&current->saved_sigmask, sigmask(SIGKILL) | sigmask(SIGSTOP));
		set_restore_sigmask();
	}
	return 0;
}
