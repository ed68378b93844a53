// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of UTS, IPC, cgroup, network and mount namespaces in which only some
 * tasks of the tree live: the kernel makes the first three again, user space the others,
 * and the tasks enter them.
 *
 * What is in an IPC namespace is written and restored by who lives there for that
 * time.
 */
#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_tasks.h>
#include <linux/ipc_namespace.h>
#include <linux/mnt_namespace.h>
#include <linux/nsproxy.h>
#include <linux/proc_ns.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>
#include <net/net_namespace.h>

/* What the caller has, for him to change. */
static struct nsproxy *copy_nsproxy(void)
{
	struct uts_namespace *uts = current->nsproxy->uts_ns;
	struct nsproxy *new;
	int ret;

	/* There is no copy without a new namespace. */
	ret = unshare_nsproxy_namespaces(CLONE_NEWUTS, &new, NULL, NULL);
	if (ret)
		return ERR_PTR(ret);
	get_uts_ns(uts);
	swap(new->uts_ns, uts);
	put_uts_ns(uts);
	return new;
}

/* As setns(2). */
static int install(struct nsproxy *to, struct ns_common *ns)
{
	struct nsset set = { .nsproxy = to, .fs = current->fs, .cred = current_cred() };

	return ns->ops->install(&set, ns);
}

/**
 * ckpt_enter_ns - live in a namespace for a while
 * @ns:		the namespace
 *
 * Return: where the caller was, for switch_task_namespaces(), or an error pointer.
 */
struct nsproxy *ckpt_enter_ns(struct ns_common *ns)
{
	struct nsproxy *new = copy_nsproxy(), *outside = current->nsproxy;
	int ret;

	if (IS_ERR(new))
		return new;
	ret = install(new, ns);
	if (ret) {
		put_nsproxy(new);
		return ERR_PTR(ret);
	}
	get_nsproxy(outside);
	switch_task_namespaces(current, new);
	return outside;
}

/**
 * ckpt_is_one_of - does who has these namespaces live in that one?
 * @nsproxy:	the namespaces
 * @ns:		a UTS, IPC, network, mount or cgroup namespace
 *
 * Return: whether he does.
 */
bool ckpt_is_one_of(const struct nsproxy *nsproxy, const struct ns_common *ns)
{
	return &nsproxy->uts_ns->ns == ns || &nsproxy->ipc_ns->ns == ns ||
	       &nsproxy->net_ns->ns == ns || &nsproxy->cgroup_ns->ns == ns ||
	       from_mnt_ns(nsproxy->mnt_ns) == ns;
}

/**
 * ckpt_get_inner_ns - where does a task live, if that is not where the root does?
 * @t:		the task
 * @ops:	which kind of namespace
 *
 * Return: the namespace, held; or NULL, also if the task has ended.
 */
struct ns_common *ckpt_get_inner_ns(struct task_struct *t, const struct proc_ns_operations *ops)
{
	struct ns_common *ns = ops->get(t);

	if (!ns || !ckpt_is_one_of(current->nsproxy, ns))
		return ns;
	ops->put(ns);
	return NULL;
}

static u32 inner_of(struct ckpt_ctx *ctx, struct task_struct *t,
		    const struct proc_ns_operations *ops)
{
	struct ns_common *ns = ckpt_get_inner_ns(t, ops);
	u32 objref = 0;

	if (!ns)
		return 0;
	ckpt_obj_lookup(ctx, CKPT_OBJ_NS, ns, &objref);
	ops->put(ns);
	return objref;
}

/**
 * ckpt_inner_ns - in which namespaces does a task live where the root does not?
 * @ctx:	the checkpoint
 * @t:		the task
 * @u:		their objrefs
 */
void ckpt_inner_ns(struct ckpt_ctx *ctx, struct task_struct *t, struct ckpt_unshared *u)
{
	u->uts = inner_of(ctx, t, &utsns_operations);
	u->ipc = inner_of(ctx, t, &ipcns_operations);
	u->net = inner_of(ctx, t, &netns_operations);
	u->mnt = inner_of(ctx, t, &mntns_operations);
	u->cgroup = inner_of(ctx, t, &cgroupns_operations);
}

static int write_ipc(struct ckpt_ctx *ctx, struct ns_common *ns, u32 objref)
{
	u64 flags = ctx->flags;
	struct nsproxy *outside = ckpt_enter_ns(ns);
	int ret;

	if (IS_ERR(outside))
		return ckpt_err(ctx, PTR_ERR(outside), "its IPC namespace: cannot enter it");
	/* All that is in it. */
	ctx->flags |= CHECKPOINT_OWN_IPC;
	ret = checkpoint_ipc_ns(ctx, objref);
	if (!ret)
		ret = checkpoint_ipc(ctx);
	if (!ret)
		ret = checkpoint_unattached_shm(ctx);
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_IPC_NS_END, objref, NULL, 0);
	ctx->flags = flags;
	switch_task_namespaces(current, outside);
	return ret;
}

static int write_inner(struct ckpt_ctx *ctx, struct ns_common *ns)
{
	struct user_namespace *owner = ns->ops->owner(ns);
	u32 objref;
	int ret = ckpt_obj(ctx, CKPT_OBJ_NS, ns, &objref);

	if (ret <= 0)
		return ret;
	if (owner != current_user_ns() && owner != ctx->user_ns)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"its %s namespace belongs to another user namespace: not supported",
			ns->ops->name);
	ret = ckpt_check_leaks(ctx, ns);
	if (ret)
		return ret;
	if (ns->ops == &ipcns_operations)
		return write_ipc(ctx, ns, objref);
	if (ns->ops == &cgroupns_operations)
		return checkpoint_cgroup_ns(ctx, ns, objref);
	return checkpoint_uts(ctx, container_of(ns, struct uts_namespace, ns), objref);
}

/**
 * checkpoint_inner_ns - write the namespaces in which only some of the tree live
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_inner_ns(struct ckpt_ctx *ctx)
{
	const struct proc_ns_operations *const kinds[] = {
		&utsns_operations, &ipcns_operations, &cgroupns_operations,
	};
	const unsigned int nr = ARRAY_SIZE(kinds);
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr * ctx->tasks.nr && !ret; i++) {
		struct ns_common *ns = ckpt_get_inner_ns(ctx->tasks.task[i / nr], kinds[i % nr]);

		if (!ns)
			continue;
		ctx->where.pid = ctx->entries[i / nr].pid;
		ret = write_inner(ctx, ns);
		ns->ops->put(ns);
	}
	return ret;
}

/* Whom a namespace of the image is to belong to. */
static struct user_namespace *owner_of(struct ckpt_ctx *ctx, bool own_user)
{
	struct user_namespace *owner = own_user ? ctx->user_ns : current_user_ns();

	if (!owner)
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
					"a namespace, but not the user namespace that it is of"));
	/* As unshare(2). */
	if (!ns_capable(owner, CAP_SYS_ADMIN))
		return ERR_PTR(ckpt_err(ctx, -EPERM, "a namespace of some tasks"));
	return owner;
}

/**
 * restore_inner_uts - make a UTS namespace for some of the tree
 * @ctx:	the restart
 * @u:		what the image says of it
 * @objref:	its objref
 *
 * Return: the namespace, which @ctx holds, or an error pointer, which has been logged.
 */
struct uts_namespace *restore_inner_uts(struct ckpt_ctx *ctx, const struct ckpt_uts *u, u32 objref)
{
	struct user_namespace *owner = owner_of(ctx, u->own_user);
	struct uts_namespace *ns;
	int ret;

	if (IS_ERR(owner))
		return ERR_CAST(owner);
	ns = copy_utsname(CLONE_NEWUTS, owner, current->nsproxy->uts_ns);
	if (IS_ERR(ns)) {
		ckpt_err(ctx, PTR_ERR(ns), "cannot make a UTS namespace (error %ld)",
			 PTR_ERR(ns));
		return ns;
	}
	ret = ckpt_ref_add(ctx, objref, CKPT_OBJ_NS, &ns->ns);
	return ret ? ERR_PTR(ret) : ns;
}

/**
 * restore_cgroup_ns_rec - make a cgroup namespace for some of the tree
 * @ctx:	the restart
 * @rec:	the CGROUP_NS record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_cgroup_ns_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct user_namespace *owner;
	struct cgroup_namespace *ns;
	struct ckpt_cgroup_ns *c;
	int ret;

	c = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*c), sizeof(*c) + PATH_MAX);
	if (IS_ERR(c))
		return PTR_ERR(c);
	if (c->own_user > 1 || c->path_len >= PATH_MAX || rec->len != sizeof(*c) + c->path_len ||
	    memchr(c + 1, '\0', c->path_len)) {
		ret = ckpt_err(ctx, -EINVAL, "a cgroup namespace contradicts itself");
		goto out;
	}
	memcpy(ctx->path_buf, c + 1, c->path_len);
	ctx->path_buf[c->path_len] = '\0';
	owner = owner_of(ctx, c->own_user);
	ret = PTR_ERR_OR_ZERO(owner);
	if (ret)
		goto out;
	ns = restore_cgroup_ns(owner, ctx->path_buf);
	if (IS_ERR(ns))
		ret = ckpt_err(ctx, PTR_ERR(ns),
			       "cannot make a cgroup namespace that begins at %s (error %ld)",
			       c->path_len ? ctx->path_buf : "that of the caller", PTR_ERR(ns));
	else
		ret = ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_NS, &ns->ns);
out:
	kvfree(c);
	return ret;
}

/**
 * restore_enter_ipc - make an IPC namespace for some of the tree, and live in it
 * @ctx:	the restart
 * @own_user:	it belongs to the tree's own user namespace
 * @objref:	its objref
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_enter_ipc(struct ckpt_ctx *ctx, bool own_user, u32 objref)
{
	struct user_namespace *owner = owner_of(ctx, own_user);
	struct ipc_namespace *ns;
	struct nsproxy *outside;
	int ret;

	if (IS_ERR(owner))
		return PTR_ERR(owner);
	if (ctx->outside)
		return ckpt_err(ctx, -EINVAL, "an IPC namespace within another");
	ns = copy_ipcs(CLONE_NEWIPC, owner, current->nsproxy->ipc_ns);
	ret = PTR_ERR_OR_ZERO(ns);
	if (ret)
		return ckpt_err(ctx, ret, "cannot make an IPC namespace (error %d)", ret);
	ret = ckpt_ref_add(ctx, objref, CKPT_OBJ_NS, &ns->ns);
	if (ret)
		return ret;
	outside = ckpt_enter_ns(&ns->ns);
	if (IS_ERR(outside))
		return ckpt_err(ctx, PTR_ERR(outside), "cannot enter an IPC namespace");
	ctx->outside = outside;
	ctx->inside = objref;
	return 0;
}

/**
 * restore_leave_ns - live where the caller did
 * @ctx:	the restart; all records have been read
 * @err:	0, or why they have not been
 *
 * Return: @err, or an error that has been logged: the image ended in a namespace.
 */
int restore_leave_ns(struct ckpt_ctx *ctx, int err)
{
	if (!ctx->outside)
		return err;
	switch_task_namespaces(current, ctx->outside);
	ctx->outside = NULL;
	return err ?: ckpt_err(ctx, -EINVAL, "an IPC namespace without an end");
}

int restore_ipc_ns_end_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	if (rec->len || !ctx->outside || rec->objref != ctx->inside)
		return ckpt_err(ctx, -EINVAL, "the end of an IPC namespace has no place here");
	switch_task_namespaces(current, ctx->outside);
	ctx->outside = NULL;
	return 0;
}

static int enter_one(struct restart_task *rt, struct nsproxy *to, u32 objref,
		     const struct proc_ns_operations *ops)
{
	struct ns_common *ns;

	if (!objref)
		return 0;
	ns = ckpt_ref(restart_ckpt_ctx(rt), objref, CKPT_OBJ_NS);
	if (IS_ERR(ns))
		return PTR_ERR(ns);
	if (ns->ops != ops)
		return -EINVAL;
	return ops == &mntns_operations ? restore_enter_mnt(to, ns) : install(to, ns);
}

/**
 * restore_inner_ns - enter the namespaces in which the task lived
 * @rt:		the task, which is current, with the credentials of its maker
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_inner_ns(struct restart_task *rt)
{
	const struct ckpt_unshared *u = rt->unshared;
	struct nsproxy *new;
	int ret;

	if (!u || (!u->uts && !u->ipc && !u->net && !u->mnt && !u->cgroup))
		return 0;
	new = copy_nsproxy();
	if (IS_ERR(new))
		return restore_fail(rt, PTR_ERR(new), "its namespaces");
	ret = enter_one(rt, new, u->uts, &utsns_operations);
	if (!ret)
		ret = enter_one(rt, new, u->ipc, &ipcns_operations);
	if (!ret)
		ret = enter_one(rt, new, u->net, &netns_operations);
	if (!ret)
		ret = enter_one(rt, new, u->mnt, &mntns_operations);
	if (!ret)
		ret = enter_one(rt, new, u->cgroup, &cgroupns_operations);
	if (ret) {
		put_nsproxy(new);
		return restore_fail(rt, ret, "its namespaces");
	}
	switch_task_namespaces(current, new);
	return 0;
}
