// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of namespaces.
 *
 * The caller has entered those that the tree has of its own, so what he sees is
 * what the tree sees; only pid namespaces are seen from outside, for there the
 * processes have a number, too. User space makes the namespaces again, as it
 * makes the tasks; what is in them is restored here.
 */
#include <linux/capability.h>
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_net.h>
#include <linux/checkpoint_tasks.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_ns.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>

/* How many levels it is below that of the caller; -1: it is elsewhere. */
static int depth_of(struct pid_namespace *ns)
{
	struct pid_namespace *base = task_active_pid_ns(current), *at = ns;

	while (at && at->level > base->level)
		at = at->parent;
	return at == base ? ns->level - base->level : -1;
}

/* Under RCU. */
static bool init_is_in_tree(struct ckpt_ctx *ctx, struct pid_namespace *ns)
{
	struct task_struct *init = READ_ONCE(ns->child_reaper);

	return init && ckpt_in_tree(ctx, task_pid_vnr(init));
}

static const char *pid_ns_obstacle(struct ckpt_ctx *ctx, struct pid_namespace *ns)
{
	int depth = ns ? depth_of(ns) : -1;

	if (depth < 0)
		return "another pid";
	if (depth > CKPT_PID_LEVELS)
		return "a too deeply nested pid";
	for (; depth > 0; depth--, ns = ns->parent)
		if (!init_is_in_tree(ctx, ns))
			return "(without its first process, which is outside the tree) a pid";
	return NULL;
}

/* Those of its children: as unshare(CLONE_NEWPID) makes it, if one of them is there. */
static bool children_have_their_own(struct ckpt_ctx *ctx, struct task_struct *t,
				    struct pid_namespace *ns)
{
	struct task_struct *init = READ_ONCE(ns->child_reaper);

	return ns->parent == task_active_pid_ns(t) && thread_group_leader(t) &&
	       thread_group_empty(t) && init_is_in_tree(ctx, ns) &&
	       rcu_access_pointer(init->real_parent) == t && !pid_ns_obstacle(ctx, ns);
}

/**
 * ckpt_foreign_namespace - does a task live in a namespace that cannot be carried over?
 * @ctx:	the checkpoint
 * @t:		a task at rest
 *
 * Return: its name, or NULL.
 */
const char *ckpt_foreign_namespace(struct ckpt_ctx *ctx, struct task_struct *t)
{
	const struct nsproxy *a, *b = current->nsproxy;
	const char *which = NULL;

	rcu_read_lock();
	task_lock(t);
	a = t->nsproxy;
	if (!a)
		which = "no";
	else if (a->time_ns != b->time_ns)
		which = "another time";
	else if (a->time_ns_for_children != a->time_ns)
		which = "for its children, another time";
	else if (a->pid_ns_for_children != task_active_pid_ns(t) &&
		 !children_have_their_own(ctx, t, a->pid_ns_for_children))
		which = "for its children, another pid";
	else
		which = pid_ns_obstacle(ctx, task_active_pid_ns(t));
	task_unlock(t);
	rcu_read_unlock();
	return which;
}

/**
 * ckpt_pid_depth - how deep is a task nested in pid namespaces of the tree?
 * @t:		the task
 *
 * Return: the number of levels below the caller's.
 */
unsigned int ckpt_pid_depth(struct task_struct *t)
{
	struct pid_namespace *ns;
	int depth = 0;

	rcu_read_lock();
	ns = task_active_pid_ns(t);
	if (ns)
		depth = max(depth_of(ns), 0);
	rcu_read_unlock();
	return depth;
}

static const char *common_namespace(struct ckpt_ctx *ctx, const struct nsproxy *a)
{
	const struct nsproxy *b = current->nsproxy;

	if (ctx->flags & CHECKPOINT_OWN_UTS && a->uts_ns == b->uts_ns)
		return "UTS";
	if (ctx->flags & CHECKPOINT_OWN_IPC && a->ipc_ns == b->ipc_ns)
		return "IPC";
	if (ctx->flags & CHECKPOINT_OWN_MNT && a->mnt_ns == b->mnt_ns)
		return "mount";
	if (ctx->flags & CHECKPOINT_OWN_NET && a->net_ns == b->net_ns)
		return "network";
	if (ctx->flags & CHECKPOINT_OWN_CGROUP && a->cgroup_ns == b->cgroup_ns)
		return "cgroup";
	if (ctx->flags & CHECKPOINT_OWN_TIME && a->time_ns == b->time_ns)
		return "time";
	return NULL;
}

/*
 * The parent of a container's first process, as unshare(1), lives in its namespaces
 * because it has made them; all it does is wait.
 */
static bool made_the_container(struct ckpt_ctx *ctx, struct task_struct *p)
{
	struct task_struct *root = ctx->tasks.task[0];

	return task_active_pid_ns(root)->child_reaper == root && ckpt_pid_depth(root) &&
	       rcu_access_pointer(root->real_parent) == p;
}

/**
 * ckpt_check_leaks - who else lives in a namespace that the tree is to have of its own?
 * @ctx:	the checkpoint
 * @only:	one of single tasks, or NULL: those of the root
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_check_leaks(struct ckpt_ctx *ctx, const struct ns_common *only)
{
	struct task_struct *p, *found = NULL;
	const char *which = NULL;
	int ret;

	rcu_read_lock();
	for_each_process(p) {
		if (p->flags & PF_KTHREAD || same_thread_group(p, current) ||
		    ckpt_in_tree(ctx, task_pid_vnr(p)) || made_the_container(ctx, p))
			continue;
		task_lock(p);
		if (p->nsproxy && only)
			which = ckpt_is_one_of(p->nsproxy, only) ? only->ops->name : NULL;
		else if (p->nsproxy)
			which = common_namespace(ctx, p->nsproxy);
		task_unlock(p);
		if (!only && ctx->user_ns && __task_cred(p)->user_ns == ctx->user_ns)
			which = "user";
		if (which) {
			found = p;
			get_task_struct(p);
			break;
		}
	}
	rcu_read_unlock();
	if (!found)
		return 0;
	ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
			    "its %s namespace is shared with a process outside the tree, pid %d (%s): not supported",
			    which, task_pid_vnr(found), found->comm);
	put_task_struct(found);
	return ret;
}

/* Its numbers in the namespaces below the caller's. Under RCU. */
static void describe_numbers(const struct pid *pid, unsigned int depth, struct ckpt_ns_pid *rec)
{
	unsigned int base = task_active_pid_ns(current)->level, i;

	for (i = 0; i < depth && pid; i++)
		rec->nr[i] = pid->numbers[base + 1 + i].nr;
}

static bool describe_pids(struct ckpt_ctx *ctx, struct task_struct *t, struct ckpt_ns_pid *rec)
{
	unsigned int depth = ckpt_pid_depth(t);
	struct pid_namespace *ns;
	struct pid *pid;

	rcu_read_lock();
	pid = task_pid(t);
	describe_numbers(pid, depth, rec);
	ns = pid ? ns_of_pid(pid) : NULL;
	if (depth && ns && ns->child_reaper == t) {
		rec->flags |= CKPT_NS_PID_INIT;
		if (ckpt_pid_ns_owner(ctx, ns))
			rec->flags |= CKPT_NS_PID_USER;
		rec->last = max_t(int, idr_get_cursor(&ns->idr), 1) - 1;
		rec->memfd_noexec = pidns_memfd_noexec_scope(ns);
	}
	task_lock(t);
	if (t->nsproxy && ns && t->nsproxy->pid_ns_for_children != ns)
		rec->flags |= CKPT_NS_PID_UNSHARED;
	task_unlock(t);
	rcu_read_unlock();
	return depth || rec->flags;
}

/* The id of a group or session whose leader has ended, if it is in a namespace of the tree. */
static void add_group(pid_t nr, struct ckpt_namespaces *head, struct ckpt_ns_pid *pids, u32 first)
{
	struct pid_namespace *ns;
	struct pid *pid;
	int depth = 0;
	u32 i;

	for (i = first; i < head->nr_pids; i++)
		if (pids[i].pid == nr)
			return;
	rcu_read_lock();
	pid = find_vpid(nr);
	ns = pid ? ns_of_pid(pid) : NULL;
	if (ns)
		depth = depth_of(ns);
	if (depth > 0) {
		pids[i] = (struct ckpt_ns_pid) { .pid = nr, .flags = CKPT_NS_PID_GROUP };
		describe_numbers(pid, min(depth, CKPT_PID_LEVELS), &pids[i]);
		head->nr_pids++;
	}
	rcu_read_unlock();
}

static void describe_groups(struct ckpt_ctx *ctx, struct ckpt_namespaces *head,
			    struct ckpt_ns_pid *pids)
{
	u32 first = head->nr_pids;
	unsigned int i;

	for (i = 0; i < ctx->tasks.nr; i++) {
		const struct ckpt_task_entry *e = &ctx->entries[i];

		if (e->flags & CKPT_TASK_OWN_SESSION)
			add_group(e->sid, head, pids, first);
		if (e->flags & CKPT_TASK_OWN_GROUP)
			add_group(e->pgid, head, pids, first);
		cond_resched();
	}
}

/**
 * checkpoint_uts - write the names in a UTS namespace
 * @ctx:	the checkpoint
 * @ns:		the namespace
 * @objref:	its objref, or 0: it is that of the root
 *
 * Return: 0 or a negative error.
 */
int checkpoint_uts(struct ckpt_ctx *ctx, struct uts_namespace *ns, u32 objref)
{
	struct ckpt_uts rec = { .own_user = objref && ns->user_ns == ctx->user_ns };

	BUILD_BUG_ON(sizeof(rec.nodename) < sizeof(ns->name.nodename));
	down_read(&uts_sem);
	strscpy(rec.nodename, ns->name.nodename);
	strscpy(rec.domainname, ns->name.domainname);
	up_read(&uts_sem);
	return ckpt_write_rec(ctx, CKPT_REC_UTS, objref, &rec, sizeof(rec));
}

/* As those in its time namespace see it. */
static int write_time(struct ckpt_ctx *ctx)
{
	struct timespec64 monotonic, boottime;
	struct ckpt_time rec;

	ktime_get_ts64(&monotonic);
	timens_add_monotonic(&monotonic);
	ktime_get_boottime_ts64(&boottime);
	timens_add_boottime(&boottime);
	rec.monotonic_ns = timespec64_to_ns(&monotonic);
	rec.boottime_ns = timespec64_to_ns(&boottime);
	return ckpt_write_rec(ctx, CKPT_REC_TIME, 0, &rec, sizeof(rec));
}

/**
 * checkpoint_namespaces - write which namespaces are the tree's own, and what they hold
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_namespaces(struct ckpt_ctx *ctx)
{
	struct ckpt_namespaces head = {};
	struct ckpt_ns_pid *pids;
	unsigned int i;
	int ret;

	if (ctx->flags & CHECKPOINT_OWN_UTS)
		head.flags |= CKPT_NS_UTS;
	if (ctx->flags & CHECKPOINT_OWN_IPC)
		head.flags |= CKPT_NS_IPC;
	if (ctx->flags & CHECKPOINT_OWN_MNT)
		head.flags |= CKPT_NS_MNT;
	if (ctx->flags & CHECKPOINT_OWN_TIME)
		head.flags |= CKPT_NS_TIME;
	if (ctx->flags & CHECKPOINT_OWN_NET)
		head.flags |= CKPT_NS_NET;
	if (ctx->flags & CHECKPOINT_OWN_CGROUP)
		head.flags |= CKPT_NS_CGROUP;
	if (ctx->user_ns)
		head.flags |= CKPT_NS_USER;
	ret = head.flags ? ckpt_check_leaks(ctx, NULL) : 0;
	if (!ret)
		ret = ckpt_check_owners(ctx);
	if (!ret && head.flags & CKPT_NS_NET)
		ret = ckpt_net_obstacles(ctx, current->nsproxy->net_ns);
	if (ret)
		return ret;
	/* Of each task its own, those of its group and of its session. */
	pids = kvcalloc(3 * ctx->tasks.nr, sizeof(*pids), GFP_KERNEL_ACCOUNT);
	if (!pids)
		return -ENOMEM;
	for (i = 0; i < ctx->tasks.nr; i++) {
		struct ckpt_ns_pid rec = { .pid = ctx->entries[i].pid };

		if (describe_pids(ctx, ctx->tasks.task[i], &rec))
			pids[head.nr_pids++] = rec;
	}
	describe_groups(ctx, &head, pids);
	if (head.nr_pids || head.flags)
		ret = ckpt_write_rec2(ctx, CKPT_REC_NAMESPACES, 0, &head, sizeof(head), pids,
				      head.nr_pids * sizeof(*pids));
	kvfree(pids);
	if (!ret && ctx->user_ns)
		ret = checkpoint_user_ns(ctx);
	if (!ret && ctx->mounts_len)
		ret = ckpt_write_rec(ctx, CKPT_REC_MOUNTS, 0, ctx->mounts, ctx->mounts_len);
	if (!ret)
		ret = checkpoint_inner_mnts(ctx);
	if (!ret && ctx->network_len)
		ret = ckpt_write_rec(ctx, CKPT_REC_NETWORK, 0, ctx->network, ctx->network_len);
	if (!ret)
		ret = checkpoint_inner_nets(ctx);
	if (!ret)
		ret = checkpoint_cgroups(ctx);
	if (!ret)
		ret = write_time(ctx);
	if (!ret && head.flags & CKPT_NS_UTS)
		ret = checkpoint_uts(ctx, current->nsproxy->uts_ns, 0);
	if (!ret && ctx->mounts_len)
		ret = checkpoint_tmpfs(ctx, ctx->mounts, ctx->mounts_len);
	if (!ret)
		ret = checkpoint_inner_tmpfs(ctx);
	if (!ret && head.flags & CKPT_NS_IPC)
		ret = checkpoint_ipc_ns(ctx, 0);
	return ret;
}

/**
 * restore_pid_ns - the next pid in a namespace of the tree is the one that it was
 * @init:	first process of the namespace
 * @rec:	what the image says of it, checked
 *
 * And memfds may be executed there no more than before.
 */
void restore_pid_ns(struct task_struct *init, const struct ckpt_ns_pid *rec)
{
	struct pid_namespace *ns = task_active_pid_ns(init);

	if (ns == task_active_pid_ns(current))
		return;
	/* As who writes to kernel.ns_last_pid, and vm.memfd_noexec. */
	if (rec->last >= 0 && rec->last < pid_max)
		idr_set_cursor(&ns->idr, rec->last + 1);
#if defined(CONFIG_SYSCTL) && defined(CONFIG_MEMFD_CREATE)
	WRITE_ONCE(ns->memfd_noexec_scope, rec->memfd_noexec);
#endif
}

/**
 * restore_uts_rec - the names of a UTS namespace
 * @ctx:	the restart
 * @rec:	the UTS record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_uts_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct uts_namespace *ns = current->nsproxy->uts_ns;
	struct ckpt_uts *u;
	int ret = 0;

	u = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*u), sizeof(*u));
	if (IS_ERR(u))
		return PTR_ERR(u);
	if (u->own_user > !!rec->objref || u->reserved)
		ret = ckpt_err(ctx, -EINVAL, "a UTS namespace contradicts itself");
	else if (!rec->objref && restart_namespaces(ctx)->uts_ns == ns)
		ret = ckpt_err(ctx, -EINVAL, "the names of a machine, but no namespace for them");
	else if (!rec->objref && !ns_capable(ns->user_ns, CAP_SYS_ADMIN))
		ret = ckpt_err(ctx, -EPERM, "the names of a machine");
	else if (strnlen(u->nodename, sizeof(ns->name.nodename)) == sizeof(ns->name.nodename) ||
		 strnlen(u->domainname, sizeof(ns->name.domainname)) ==
		 sizeof(ns->name.domainname))
		ret = ckpt_err(ctx, -EINVAL, "the names of a machine that are too long");
	if (!ret && rec->objref) {
		ns = restore_inner_uts(ctx, u, rec->objref);
		ret = PTR_ERR_OR_ZERO(ns);
	}
	if (!ret) {
		down_write(&uts_sem);
		strscpy_pad(ns->name.nodename, u->nodename);
		strscpy_pad(ns->name.domainname, u->domainname);
		up_write(&uts_sem);
	}
	kvfree(u);
	return ret;
}
