// SPDX-License-Identifier: GPL-2.0
/*
 * A user namespace of the tree's own.
 *
 * Ids in an image are always those of the caller's user namespace. User space
 * makes the other one, with its maps, and the namespaces that belong to it; the
 * tasks are made outside, where they can have their pids, and enter it when they
 * take on their credentials.
 */
#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/checkpoint_tasks.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/ipc_namespace.h>
#include <linux/mnt_namespace.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/proc_ns.h>
#include <linux/sched/signal.h>
#include <linux/securebits.h>
#include <linux/slab.h>
#include <linux/time_namespace.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>
#include <net/net_namespace.h>

static int check_user_ns(struct ckpt_ctx *ctx, struct user_namespace *ns)
{
	struct user_namespace *outside = current_user_ns();

	if (ns->parent != outside)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"lives in a user namespace that is not one below the caller's: not supported");
	if (!ns_capable(ns, CAP_SYS_ADMIN))
		return ckpt_obstacle(ctx, -EPERM, "its user namespace is not yours to look into");
	if (from_kuid(outside, ns->owner) == (uid_t)-1 ||
	    from_kgid(outside, ns->group) == (gid_t)-1)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"its user namespace belongs to somebody who is not known here: not supported");
	if (ns->projid_map.nr_extents)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"its user namespace maps project ids: not supported");
	return 0;
}

static int find_user_ns(struct ckpt_ctx *ctx, struct user_namespace *ns)
{
	if (ns == current_user_ns() || ns == ctx->user_ns)
		return 0;
	if (ctx->user_ns)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"lives in another user namespace than others of the tree: not supported");
	ctx->user_ns = get_user_ns(ns);
	return check_user_ns(ctx, ns);
}

/**
 * ckpt_find_user_ns - does the tree have a user namespace of its own?
 * @ctx:	the checkpoint, whose tree is at rest
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_find_user_ns(struct ckpt_ctx *ctx)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ctx->tasks.nr && !ret; i++) {
		const struct cred *cred;

		if (ctx->entries[i].flags & CKPT_TASK_ZOMBIE)
			continue;
		ctx->where.pid = ctx->entries[i].pid;
		cred = get_task_cred(ctx->tasks.task[i]);
		ret = find_user_ns(ctx, cred->user_ns);
		put_cred(cred);
	}
	ctx->where.pid = 0;
	return ret;
}

static bool root_lives_in_it(struct ckpt_ctx *ctx)
{
	bool lives;

	rcu_read_lock();
	lives = ctx->user_ns && __task_cred(ctx->tasks.task[0])->user_ns == ctx->user_ns;
	rcu_read_unlock();
	return lives;
}

/* Does another user namespace own it than the one that is to be? */
static bool is_owned_by_another(struct ns_common *ns, struct user_namespace *owner)
{
	return ns->ops->owner(ns) != owner;
}

/**
 * ckpt_check_owners - do the tree's own namespaces belong to who makes them again?
 * @ctx:	the checkpoint; the caller has entered them
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_check_owners(struct ckpt_ctx *ctx)
{
	struct user_namespace *owner = root_lives_in_it(ctx) ? ctx->user_ns : current_user_ns();
	struct nsproxy *ns = current->nsproxy;
	const char *which = NULL;

	if (ctx->flags & CHECKPOINT_OWN_UTS && is_owned_by_another(&ns->uts_ns->ns, owner))
		which = "UTS";
	else if (ctx->flags & CHECKPOINT_OWN_IPC && is_owned_by_another(&ns->ipc_ns->ns, owner))
		which = "IPC";
	else if (ctx->flags & CHECKPOINT_OWN_NET && is_owned_by_another(&ns->net_ns->ns, owner))
		which = "network";
	else if (ctx->flags & CHECKPOINT_OWN_CGROUP &&
		 is_owned_by_another(&ns->cgroup_ns->ns, owner))
		which = "cgroup";
	else if (ctx->flags & CHECKPOINT_OWN_MNT &&
		 is_owned_by_another(from_mnt_ns(ns->mnt_ns), owner))
		which = "mount";
	if (!which)
		return 0;
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
			     "its %s namespace belongs to another user namespace: not supported",
			     which);
}

/**
 * ckpt_pid_ns_owner - does a pid namespace of the tree belong to its user namespace?
 * @ctx:	the checkpoint
 * @ns:		the pid namespace
 *
 * Return: whether it does.
 */
bool ckpt_pid_ns_owner(struct ckpt_ctx *ctx, const struct pid_namespace *ns)
{
	return ctx->user_ns && ns->user_ns == ctx->user_ns;
}

static void put_extents(const struct uid_gid_map *map, u32 nr, bool groups,
			struct ckpt_id_extent *to)
{
	const struct uid_gid_extent *from = nr <= UID_GID_MAP_MAX_BASE_EXTENTS ?
					    map->extent : map->forward;
	struct user_namespace *outside = current_user_ns();
	u32 i;

	for (i = 0; i < nr; i++) {
		to[i].first = from[i].first;
		to[i].lower = groups ? from_kgid(outside, KGIDT_INIT(from[i].lower_first)) :
				       from_kuid(outside, KUIDT_INIT(from[i].lower_first));
		to[i].count = from[i].count;
	}
}

/**
 * checkpoint_user_ns - write the user namespace of the tree's own
 * @ctx:	the checkpoint, which has found one
 *
 * Return: 0 or a negative error.
 */
int checkpoint_user_ns(struct ckpt_ctx *ctx)
{
	const struct user_namespace *ns = ctx->user_ns;
	struct ckpt_user_ns rec = {
		.owner = from_kuid(current_user_ns(), ns->owner),
		.group = from_kgid(current_user_ns(), ns->group),
		.nr_uids = READ_ONCE(ns->uid_map.nr_extents),
		.nr_gids = READ_ONCE(ns->gid_map.nr_extents),
	};
	struct ckpt_id_extent *extents;
	int ret;

	if (READ_ONCE(ns->flags) & USERNS_SETGROUPS_ALLOWED)
		rec.flags |= CKPT_USER_NS_SETGROUPS;
	if (root_lives_in_it(ctx))
		rec.flags |= CKPT_USER_NS_OWNS;
	/* Pairs with the barrier before a map is published. */
	smp_rmb();
	extents = kvcalloc(rec.nr_uids + rec.nr_gids + 1, sizeof(*extents), GFP_KERNEL_ACCOUNT);
	if (!extents)
		return -ENOMEM;
	put_extents(&ns->uid_map, rec.nr_uids, false, extents);
	put_extents(&ns->gid_map, rec.nr_gids, true, extents + rec.nr_uids);
	ret = ckpt_write_rec2(ctx, CKPT_REC_USER_NS, 0, &rec, sizeof(rec), extents,
			      (rec.nr_uids + rec.nr_gids) * sizeof(*extents));
	kvfree(extents);
	return ret;
}

/**
 * restore_use_user_ns - this is the user namespace of the tree's own
 * @ctx:	the restart
 * @fd:		of it, as in /proc/PID/ns/user
 *
 * Return: 0 or a negative error.
 */
int restore_use_user_ns(struct ckpt_ctx *ctx, int fd)
{
	struct user_namespace *ns;
	struct ns_common *common;

	CLASS(fd, f)(fd);
	if (fd_empty(f))
		return -EBADF;
	if (!proc_ns_file(fd_file(f)))
		return -EINVAL;
	common = get_proc_ns(file_inode(fd_file(f)));
	if (common->ops != &userns_operations)
		return -EINVAL;
	ns = container_of(common, struct user_namespace, ns);
	if (ns->parent != current_user_ns())
		return -EINVAL;
	if (!ns_capable(ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (cmpxchg(&ctx->user_ns, NULL, get_user_ns(ns))) {
		put_user_ns(ns);
		return -EBUSY;
	}
	return 0;
}

/**
 * restore_give_pid_ns - the pid namespace that a task begins belongs to the tree's user namespace
 * @ctx:	the restart
 *
 * It was made from outside of that, where its first process could have a pid there, too.
 *
 * Return: 0 or a negative error.
 */
int restore_give_pid_ns(struct ckpt_ctx *ctx)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	struct user_namespace *to = READ_ONCE(ctx->user_ns);

	if (!to || ns->child_reaper != current || ns->user_ns != to->parent)
		return -EINVAL;
	if (!ns_capable(ns->user_ns, CAP_SYS_ADMIN) || !ns_capable(to, CAP_SYS_ADMIN))
		return -EPERM;
	/* Who has seen the old one may go on to use it: the new one holds it. */
	if (cmpxchg(&ns->user_ns, to->parent, get_user_ns(to)) != to->parent) {
		put_user_ns(to);
		return -EBUSY;
	}
	put_user_ns(to->parent);
	return 0;
}

/**
 * restore_enter_user_ns - credentials in the tree's own user namespace, as setns(2) gives them
 * @ctx:	the restart
 * @new:	a copy of the caller's
 *
 * Return: 0 or a negative error.
 */
int restore_enter_user_ns(struct ckpt_ctx *ctx, struct cred *new)
{
	struct user_namespace *ns = ctx->user_ns;

	if (!ns)
		return -EINVAL;
	if (!ns_capable(ns, CAP_SYS_ADMIN))
		return -EPERM;
	put_user_ns(new->user_ns);
	new->user_ns = get_user_ns(ns);
	new->securebits = SECUREBITS_DEFAULT;
	new->cap_inheritable = CAP_EMPTY_SET;
	new->cap_permitted = CAP_FULL_SET;
	new->cap_effective = CAP_FULL_SET;
	new->cap_ambient = CAP_EMPTY_SET;
	new->cap_bset = CAP_FULL_SET;
	return 0;
}
