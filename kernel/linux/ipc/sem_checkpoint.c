// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of System V semaphores: a part of ipc/sem.c.
 *
 * A set says of each semaphore who changed it last, and of whom it has undo
 * values: if one of them is of the tree, so is the set.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>

#define SEM_NAME	"semaphore set"

#define CKPT_MAX_SEMS	((CKPT_MAX_RECORD_BYTES - sizeof(struct ckpt_sem)) / \
			 sizeof(struct ckpt_sem_value))
#define CKPT_MAX_UNDO	(CKPT_MAX_RECORD_BYTES / sizeof(struct ckpt_sem_undo))

/* Restart: a set in the making. */
struct restored_sem {
	struct restored_ipc ipc;
	struct ckpt_sem rec;
	struct {
		int value;
		struct pid *pid;
	} sems[];
};

/* NULL: it has ended. */
static struct ipc_namespace *get_ipc_ns_of(struct task_struct *t)
{
	struct ipc_namespace *ns = NULL;

	task_lock(t);
	if (t->nsproxy)
		ns = get_ipc_ns(t->nsproxy->ipc_ns);
	task_unlock(t);
	return ns;
}

static bool lives_here(struct task_struct *t)
{
	bool lives;

	task_lock(t);
	lives = t->nsproxy && t->nsproxy->ipc_ns == current->nsproxy->ipc_ns;
	task_unlock(t);
	return lives;
}

static bool has_undo(struct ckpt_ctx *ctx, int id)
{
	unsigned int i;

	for (i = 0; i < ctx->tasks.nr; i++) {
		struct sem_undo_list *ulp = ctx->tasks.task[i]->sysvsem.undo_list;
		struct sem_undo *un = NULL;

		/* In another namespace it is another set. */
		if (!ulp || !lives_here(ctx->tasks.task[i]))
			continue;
		rcu_read_lock();
		spin_lock(&ulp->lock);
		un = lookup_undo(ulp, id);
		spin_unlock(&ulp->lock);
		rcu_read_unlock();
		if (un)
			return true;
	}
	return false;
}

static bool sem_is_ours(struct ckpt_ctx *ctx, struct sem_array *sma)
{
	int i;

	if (ctx->flags & CHECKPOINT_OWN_IPC)
		return true;
	for (i = 0; i < sma->sem_nsems; i++)
		if (ckpt_pid_is_in_tree(ctx, sma->sems[i].sempid))
			return true;
	return has_undo(ctx, sma->sem_perm.id);
}

/* What is to be written of the set that @idx leads to, or of the next one. */
static int describe_sem(struct ckpt_ctx *ctx, struct ipc_namespace *ns, int *idx,
			struct ckpt_sem *rec, struct ckpt_sem_value **values)
{
	struct kern_ipc_perm *perm;
	struct sem_array *sma;
	int ret = 0, i;

	down_read(&sem_ids(ns).rwsem);
	perm = idr_get_next(&sem_ids(ns).ipcs_idr, idx);
	if (!perm) {
		ret = -ENOENT;
		goto out;
	}
	sma = container_of(perm, struct sem_array, sem_perm);
	if (sma->sem_nsems > CKPT_MAX_SEMS) {
		ret = -E2BIG;
		goto out;
	}
	*values = kvcalloc(sma->sem_nsems, sizeof(**values), GFP_KERNEL_ACCOUNT);
	if (!*values) {
		ret = -ENOMEM;
		goto out;
	}
	rcu_read_lock();
	sem_lock(sma, NULL, -1);
	if (sem_is_ours(ctx, sma)) {
		ckpt_describe_ipc(perm, &rec->perm);
		rec->ctime = sma->sem_ctime;
		rec->otime = get_semotime(sma);
		rec->nr_sems = sma->sem_nsems;
	}
	for (i = 0; i < sma->sem_nsems; i++) {
		(*values)[i].value = sma->sems[i].semval;
		(*values)[i].pid = pid_vnr(sma->sems[i].sempid);
	}
	sem_unlock(sma, -1);
	rcu_read_unlock();
out:
	up_read(&sem_ids(ns).rwsem);
	return ret;
}

/**
 * checkpoint_sems - write the sets of semaphores that the tree uses
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_sems(struct ckpt_ctx *ctx)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	int idx, ret = 0;

	for (idx = 0; !ret; idx++) {
		struct ckpt_sem_value *values = NULL;
		struct ckpt_sem rec = {};

		ret = describe_sem(ctx, ns, &idx, &rec, &values);
		if (!ret && rec.nr_sems)
			ret = ckpt_write_rec2(ctx, CKPT_REC_SEM, 0, &rec, sizeof(rec), values,
					      rec.nr_sems * sizeof(*values));
		kvfree(values);
		cond_resched();
	}
	return ret == -ENOENT ? 0 : ret;
}

static bool undo_is_empty(struct task_struct *t)
{
	struct sem_undo_list *ulp = t->sysvsem.undo_list;

	return !ulp || list_empty(&ulp->list_proc);
}

/**
 * ckpt_sem_obstacles - undo values that cannot be carried over
 * @ctx:	the checkpoint
 * @t:		a task at rest
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_sem_obstacles(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct sem_undo_list *ulp = t->sysvsem.undo_list;
	struct task_struct *thread;
	unsigned int holders = 0;

	if (undo_is_empty(t))
		return 0;
	if (ulp != t->group_leader->sysvsem.undo_list)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"%s: has semaphore undo values that are not those of its process: not supported",
			t->comm);
	rcu_read_lock();
	for_each_thread(t, thread)
		holders += thread->sysvsem.undo_list == ulp;
	rcu_read_unlock();
	if (refcount_read(&ulp->refcnt) <= holders)
		return 0;
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
		"%s: shares semaphore undo values with another process: not supported", t->comm);
}

/* Fill in up to @max of @recs. Returns how many there are. */
static unsigned int collect_undo(struct ipc_namespace *ns, struct sem_undo_list *ulp,
				 struct ckpt_sem_undo *recs, unsigned int max)
{
	struct sem_undo *un;
	unsigned int nr = 0;
	int i;

	rcu_read_lock();
	spin_lock(&ulp->lock);
	list_for_each_entry(un, &ulp->list_proc, list_proc) {
		struct sem_array *sma = sem_obtain_object_check(ns, un->semid);

		if (un->semid == -1 || IS_ERR(sma))
			continue;
		for (i = 0; i < sma->sem_nsems; i++) {
			if (!un->semadj[i])
				continue;
			if (nr < max)
				recs[nr] = (struct ckpt_sem_undo) {
					.id = un->semid, .num = i, .adjust = un->semadj[i] };
			nr++;
		}
	}
	spin_unlock(&ulp->lock);
	rcu_read_unlock();
	return nr;
}

static int write_undo(struct ckpt_ctx *ctx, struct task_struct *t, struct ipc_namespace *ns)
{
	struct ckpt_sem_undo *recs;
	unsigned int nr;
	int ret;

	nr = collect_undo(ns, t->sysvsem.undo_list, NULL, 0);
	if (!nr)
		return 0;
	if (nr > CKPT_MAX_UNDO)
		return ckpt_err(ctx, -E2BIG, "has %u semaphore undo values", nr);
	recs = kvcalloc(nr, sizeof(*recs), GFP_KERNEL_ACCOUNT);
	if (!recs)
		return -ENOMEM;
	nr = min(nr, collect_undo(ns, t->sysvsem.undo_list, recs, nr));
	ret = ckpt_write_rec(ctx, CKPT_REC_SEM_UNDO, 0, recs, nr * sizeof(*recs));
	kvfree(recs);
	return ret;
}

/**
 * checkpoint_sem_undo - write what the end of a process takes back
 * @ctx:	the checkpoint
 * @t:		its leader
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_sem_undo(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ipc_namespace *ns;
	int ret;

	if (undo_is_empty(t))
		return 0;
	ns = get_ipc_ns_of(t);
	if (!ns)
		return ckpt_err(ctx, -ESRCH, "was killed during the checkpoint");
	ret = write_undo(ctx, t, ns);
	put_ipc_ns(ns);
	return ret;
}

static struct sem_array *sma_of(struct restored_sem *r)
{
	return container_of(r->ipc.perm, struct sem_array, sem_perm);
}

static void restored_sem_free(struct restored_ipc *ipc)
{
	struct restored_sem *r = container_of(ipc, struct restored_sem, ipc);
	u32 i;

	if (ipc->perm)
		ipc_rcu_putref(ipc->perm, sem_rcu_free);
	for (i = 0; i < r->rec.nr_sems; i++)
		put_pid(r->sems[i].pid);
	kvfree(r);
}

static void commit_sem(struct restored_ipc *ipc)
{
	struct restored_sem *r = container_of(ipc, struct restored_sem, ipc);
	struct sem_array *sma = sma_of(r);
	DEFINE_WAKE_Q(wake_q);
	int i;

	rcu_read_lock();
	sem_lock(sma, NULL, -1);
	if (ipc_valid_object(&sma->sem_perm)) {
		restore_ipc_perm(ipc, 0);
		for (i = 0; i < sma->sem_nsems; i++) {
			sma->sems[i].semval = r->sems[i].value;
			ipc_update_pid(&sma->sems[i].sempid, r->sems[i].pid);
			sma->sems[i].sem_otime = 0;
		}
		do_smart_update(sma, NULL, 0, 0, &wake_q);
		sma->sems[0].sem_otime = r->rec.otime;
		sma->sem_ctime = r->rec.ctime;
	}
	sem_unlock(sma, -1);
	rcu_read_unlock();
	wake_up_q(&wake_q);
}

/* A set that was there is not touched before it is committed. */
static void rollback_sem(struct restored_ipc *ipc)
{
	struct sem_array *sma = sma_of(container_of(ipc, struct restored_sem, ipc));

	if (!ipc->created)
		return;
	down_write(&sem_ids(ipc->ns).rwsem);
	rcu_read_lock();
	sem_lock(sma, NULL, -1);
	if (ipc_valid_object(&sma->sem_perm)) {
		/* Which unlocks it. */
		freeary(ipc->ns, &sma->sem_perm);
	} else {
		sem_unlock(sma, -1);
		rcu_read_unlock();
	}
	up_write(&sem_ids(ipc->ns).rwsem);
}

static int check_sem(struct ckpt_ctx *ctx, const struct ckpt_sem *s, size_t len)
{
	const struct ckpt_sem_value *values = (const struct ckpt_sem_value *)(s + 1);
	int ret = restore_check_ipc(ctx, &s->perm, 0, SEM_NAME);
	u32 i;

	if (ret)
		return ret;
	if (!s->nr_sems || s->nr_sems > current->nsproxy->ipc_ns->sc_semmsl || s->reserved ||
	    len != sizeof(*s) + (u64)s->nr_sems * sizeof(*values))
		return ckpt_err(ctx, -EINVAL, SEM_NAME " %d of %u", s->perm.id, s->nr_sems);
	for (i = 0; i < s->nr_sems; i++)
		if (values[i].value < 0 || values[i].value > SEMVMX)
			return ckpt_err(ctx, -EINVAL, SEM_NAME " %d: semaphore %u has value %d",
					s->perm.id, i, values[i].value);
	return 0;
}

static struct restored_sem *restored_sem_alloc(struct ckpt_ctx *ctx, const struct ckpt_sem *s)
{
	const struct ckpt_sem_value *values = (const struct ckpt_sem_value *)(s + 1);
	struct restored_sem *r;
	u32 i;

	r = kvzalloc(struct_size(r, sems, s->nr_sems), GFP_KERNEL_ACCOUNT);
	if (!r)
		return NULL;
	r->rec = *s;
	r->ipc.commit = commit_sem;
	r->ipc.rollback = rollback_sem;
	r->ipc.free = restored_sem_free;
	for (i = 0; i < s->nr_sems; i++) {
		r->sems[i].value = values[i].value;
		r->sems[i].pid = restore_pid_of_credentials(ctx, values[i].pid);
	}
	return r;
}

static int find_or_make_sem(struct ckpt_ctx *ctx, struct restored_sem *r)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	struct ipc_params params = {
		.key = r->rec.perm.key, .flg = 0600, .u.nsems = r->rec.nr_sems };
	struct kern_ipc_perm *perm;
	int ret = 0;

	down_write(&sem_ids(ns).rwsem);
	perm = restore_find_ipc(ctx, ns, &sem_ids(ns), &r->rec.perm, SEM_NAME);
	if (!perm) {
		ret = newary(ns, &params);
		sem_ids(ns).next_id = -1;
		r->ipc.created = true;
		if (ret < 0)
			ckpt_err(ctx, ret, SEM_NAME " %d cannot be made (error %d)",
				 r->rec.perm.id, ret);
		else
			perm = idr_find(&sem_ids(ns).ipcs_idr, ipcid_to_idx(r->rec.perm.id));
	} else if (IS_ERR(perm)) {
		ret = PTR_ERR(perm);
	} else if (container_of(perm, struct sem_array, sem_perm)->sem_nsems != r->rec.nr_sems) {
		ret = ckpt_err(ctx, -EEXIST,
			       SEM_NAME " %d: its id is in use by another; remove that (ipcrm)",
			       r->rec.perm.id);
	}
	if (ret >= 0)
		restore_ipc_add(ctx, &r->ipc, ns, perm, &r->rec.perm);
	up_write(&sem_ids(ns).rwsem);
	return min(ret, 0);
}

/**
 * restore_sem_rec - find a set of semaphores, or make it
 * @ctx:	the restart
 * @rec:	the SEM record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_sem_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_sem *r = NULL;
	struct ckpt_sem *s;
	int ret;

	s = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*s), CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(s))
		return PTR_ERR(s);
	ret = check_sem(ctx, s, rec->len);
	if (!ret) {
		r = restored_sem_alloc(ctx, s);
		ret = r ? find_or_make_sem(ctx, r) : -ENOMEM;
	}
	kvfree(s);
	if (ret && r)
		restored_sem_free(&r->ipc);
	return ret;
}

/**
 * restore_sem_undo_rec - remember what the end of a process takes back
 * @ctx:	the restart
 * @rec:	the SEM_UNDO record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_sem_undo_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restart_task *rt = ctx->last_process;
	struct ckpt_sem_undo *undo;
	unsigned int nr = rec->len / sizeof(*undo), i;

	if (!rt || rt->sem_undo || rt->entry.flags & CKPT_TASK_DEAD_LEADER ||
	    rec->len % sizeof(*undo))
		return ckpt_err(ctx, -EINVAL, "semaphore undo values have no place here");
	undo = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*undo), CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(undo))
		return PTR_ERR(undo);
	rt->sem_undo = undo;
	rt->nr_sem_undo = nr;
	for (i = 0; i < nr; i++)
		if (undo[i].id < 0 || undo[i].adjust < -SEMAEM - 1 || undo[i].adjust > SEMAEM ||
		    undo[i].reserved)
			return ckpt_err(ctx, -EINVAL, "process %d: an invalid semaphore undo value",
					rt->entry.pid);
	return 0;
}

/* It may change the semaphore at its end, as with SEM_UNDO. */
static int may_undo(struct ipc_namespace *ns, const struct ckpt_sem_undo *undo)
{
	struct sem_array *sma;
	int ret = 0;

	rcu_read_lock();
	sma = sem_obtain_object_check(ns, undo->id);
	if (IS_ERR(sma))
		ret = PTR_ERR(sma);
	else if (undo->num >= sma->sem_nsems)
		ret = -EINVAL;
	else if (ipcperms(ns, &sma->sem_perm, 0222))
		ret = -EACCES;
	rcu_read_unlock();
	return ret;
}

/**
 * restore_sem_undo - make room for what the end of a process takes back
 * @rt:		its leader, which is current
 *
 * The values come when all has succeeded: who dies before takes nothing back.
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_sem_undo(struct restart_task *rt)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < rt->nr_sem_undo && !ret; i++) {
		ret = may_undo(ns, &rt->sem_undo[i]);
		if (!ret && (!i || rt->sem_undo[i].id != rt->sem_undo[i - 1].id)) {
			struct sem_undo *un = find_alloc_undo(ns, rt->sem_undo[i].id);

			if (IS_ERR(un))
				ret = PTR_ERR(un);
			else
				rcu_read_unlock();
		}
	}
	return ret ? restore_fail(rt, ret, "semaphore undo values") : 0;
}

/**
 * restore_sem_undo_commit - all has succeeded: set the values
 * @rt:		leader of the process, which is current: nobody else knows how long its list lives
 */
void restore_sem_undo_commit(const struct restart_task *rt)
{
	struct sem_undo_list *ulp = current->sysvsem.undo_list;
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	unsigned int i;

	for (i = 0; i < rt->nr_sem_undo && ulp; i++) {
		const struct ckpt_sem_undo *undo = &rt->sem_undo[i];
		struct sem_array *sma;
		struct sem_undo *un;
		int adjust;

		rcu_read_lock();
		sma = sem_obtain_object_check(ns, undo->id);
		if (!IS_ERR(sma)) {
			sem_lock(sma, NULL, -1);
			spin_lock(&ulp->lock);
			un = lookup_undo(ulp, undo->id);
			/* Perhaps removed meanwhile, and another made; or a thread has used it. */
			if (un && undo->num < sma->sem_nsems) {
				adjust = un->semadj[undo->num] + undo->adjust;
				if (adjust >= -SEMAEM - 1 && adjust <= SEMAEM)
					un->semadj[undo->num] = adjust;
			}
			spin_unlock(&ulp->lock);
			sem_unlock(sma, -1);
		}
		rcu_read_unlock();
	}
}

/**
 * ckpt_restart_semtimedop - semtimedop(2) was interrupted by a checkpoint alone
 * @semid:	its arguments
 * @sops:	the same
 * @nsops:	the same
 * @timeout:	the same
 * @start:	when it began
 *
 * Return: by what it is restarted, unless there is a signal by then.
 */
long ckpt_restart_semtimedop(int semid, struct sembuf __user *sops, unsigned int nsops,
			     const struct timespec64 *timeout, ktime_t start)
{
	struct restart_block *rb = &current->restart_block;

	if (!timeout)
		return -ERESTARTNOHAND;
	rb->futex.uaddr = (u32 __user *)sops;
	rb->futex.val = semid;
	rb->futex.flags = nsops;
	rb->futex.time = ktime_add_safe(start, timespec64_to_ktime(*timeout));
	return set_restart_fn(rb, semtimedop_restart);
}

/**
 * semtimedop_restart - semtimedop(2) goes on with the time it has left
 * @rb:		its arguments, in the place of those of futex(2)
 *
 * Return: as semtimedop(2).
 */
long semtimedop_restart(struct restart_block *rb)
{
	ktime_t rest = ktime_sub(rb->futex.time, ktime_get());
	struct timespec64 left = ktime_to_timespec64(max(rest, 0));

	return do_semtimedop(rb->futex.val, (struct sembuf __user *)rb->futex.uaddr,
			     rb->futex.flags, &left);
}
