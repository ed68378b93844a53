// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of network namespaces in which only some tasks of the tree live.
 * User space reads what is configured in each, and makes it again, as it does for that
 * of the root. It does not know for sure who lives where before the tree is at rest:
 * if there is one of which it has not told, it looks once more (ESTALE).
 */
#include <linux/checkpoint_net.h>
#include <linux/checkpoint_tasks.h>
#include <linux/file.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/nsproxy.h>
#include <linux/proc_fs.h>
#include <linux/proc_ns.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <net/sock.h>

/* NULL: it is no socket that hears of changes. */
static struct net *net_of(struct file *changes)
{
	struct socket *sock = sock_from_file(changes);
	struct sock *sk = sock ? sock->sk : NULL;

	if (!sk || sk->sk_family != AF_NETLINK || sk->sk_protocol != NETLINK_ROUTE)
		return NULL;
	return sock_net(sk);
}

static int has_changed(struct file *changes)
{
	struct sock *sk = sock_from_file(changes)->sk;

	/* Or there were more changes than it has room for. */
	return skb_queue_empty_lockless(&sk->sk_receive_queue) && !READ_ONCE(sk->sk_err) ?
	       0 : -ESTALE;
}

/**
 * ckpt_get_inner_nets - what user space has found out of networks of some tasks
 * @ctx:	the checkpoint
 * @from:	where it tells of them
 * @nr:		how many they are, not more than CHECKPOINT_MAX_NETWORKS
 *
 * Return: 0 or a negative error.
 */
int ckpt_get_inner_nets(struct ckpt_ctx *ctx, u64 from, u32 nr)
{
	const struct checkpoint_network __user *all = u64_to_user_ptr(from);
	struct checkpoint_network one;
	struct ckpt_inner_net *inner;
	struct net *net;

	if (!nr)
		return 0;
	ctx->inner_nets = kcalloc(nr, sizeof(*inner), GFP_KERNEL_ACCOUNT);
	if (!ctx->inner_nets)
		return -ENOMEM;
	while (ctx->nr_inner_nets < nr) {
		if (copy_from_user(&one, &all[ctx->nr_inner_nets], sizeof(one)))
			return -EFAULT;
		if (one.network_len < sizeof(struct ckpt_network) ||
		    one.network_len > CKPT_MAX_RECORD_BYTES)
			return -EINVAL;
		inner = &ctx->inner_nets[ctx->nr_inner_nets];
		inner->record = vmemdup_user(u64_to_user_ptr(one.network), one.network_len);
		if (IS_ERR(inner->record))
			return PTR_ERR(inner->record);
		inner->len = one.network_len;
		inner->changes = fget(one.network_fd);
		ctx->nr_inner_nets++;
		if (!inner->changes)
			return -EBADF;
		net = net_of(inner->changes);
		if (!net || net_eq(net, current->nsproxy->net_ns))
			return -EINVAL;
	}
	return 0;
}

void ckpt_inner_nets_free(struct ckpt_ctx *ctx)
{
	u32 i;

	for (i = 0; i < ctx->nr_inner_nets; i++) {
		kvfree(ctx->inner_nets[i].record);
		if (ctx->inner_nets[i].changes)
			fput(ctx->inner_nets[i].changes);
	}
	kfree(ctx->inner_nets);
}

/**
 * ckpt_net_is_of_tree - is a network written by this checkpoint?
 * @ctx:	the checkpoint
 * @net:	the network
 *
 * Return: whether it is.
 */
bool ckpt_net_is_of_tree(struct ckpt_ctx *ctx, const struct net *net)
{
	u32 i;

	if (ctx->flags & CHECKPOINT_OWN_NET && net_eq(net, current->nsproxy->net_ns))
		return true;
	for (i = 0; i < ctx->nr_inner_nets; i++)
		if (net_of(ctx->inner_nets[i].changes) == net)
			return true;
	return false;
}

/* The first of those who live there; behind the last one: nobody does. */
static unsigned int first_in(struct ckpt_ctx *ctx, struct net *net)
{
	unsigned int i;

	for (i = 0; i < ctx->tasks.nr; i++) {
		struct ns_common *ns = ckpt_get_inner_ns(ctx->tasks.task[i], &netns_operations);

		if (ns)
			ns->ops->put(ns);
		if (ns == &net->ns)
			break;
	}
	return i;
}

static bool all_are_known(struct ckpt_ctx *ctx)
{
	bool known = true;
	unsigned int i;

	for (i = 0; i < ctx->tasks.nr && known; i++) {
		struct ns_common *ns = ckpt_get_inner_ns(ctx->tasks.task[i], &netns_operations);

		if (!ns)
			continue;
		known = ckpt_net_is_of_tree(ctx, container_of(ns, struct net, ns));
		ns->ops->put(ns);
	}
	return known;
}

/**
 * ckpt_net_changed - does user space have to look at the networks once more?
 * @ctx:	the checkpoint, with the tree at rest
 *
 * Return: 0; -ESTALE if one has changed since, or if others live in it; or another
 * negative error.
 */
int ckpt_net_changed(struct ckpt_ctx *ctx)
{
	int ret = 0;
	u32 i;

	if (ctx->network_changes) {
		if (net_of(ctx->network_changes) != current->nsproxy->net_ns)
			return -EINVAL;
		ret = has_changed(ctx->network_changes);
	}
	for (i = 0; i < ctx->nr_inner_nets && !ret; i++) {
		struct file *changes = ctx->inner_nets[i].changes;

		ret = has_changed(changes);
		if (!ret && first_in(ctx, net_of(changes)) == ctx->tasks.nr)
			ret = -ESTALE;
	}
	return ret ?: all_are_known(ctx) ? 0 : -ESTALE;
}

static int write_net(struct ckpt_ctx *ctx, const struct ckpt_inner_net *inner)
{
	struct net *net = net_of(inner->changes);
	unsigned int first = first_in(ctx, net);
	u32 objref;
	int ret;

	if (first == ctx->tasks.nr)
		return ckpt_err(ctx, -ESRCH, "was killed during the checkpoint");
	ctx->where.pid = ctx->entries[first].pid;
	ret = ckpt_obj(ctx, CKPT_OBJ_NS, &net->ns, &objref);
	if (ret <= 0)
		return ret ?: -EINVAL;
	if (net->user_ns != current_user_ns() && net->user_ns != ctx->user_ns)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"its net namespace belongs to another user namespace: not supported");
	((struct ckpt_network *)inner->record)->own_user = net->user_ns == ctx->user_ns;
	ret = ckpt_check_leaks(ctx, &net->ns);
	if (!ret)
		ret = ckpt_net_obstacles(ctx, net);
	return ret ?: ckpt_write_rec(ctx, CKPT_REC_NETWORK, objref, inner->record, inner->len);
}

/**
 * checkpoint_inner_nets - write the networks in which only some of the tree live
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_inner_nets(struct ckpt_ctx *ctx)
{
	pid_t pid = ctx->where.pid;
	int ret = 0;
	u32 i;

	for (i = 0; i < ctx->nr_inner_nets && !ret; i++)
		ret = write_net(ctx, &ctx->inner_nets[i]);
	if (!ret)
		ctx->where.pid = pid;
	return ret;
}

/**
 * restore_use_net_ns - this is a network namespace in which only some tasks will live
 * @ctx:	the restart
 * @fd:		of it, as in /proc/PID/ns/net
 * @objref:	how the image names it
 *
 * Who will enter it has to be allowed to, as by setns(2).
 *
 * Return: 0 or a negative error.
 */
int restore_use_net_ns(struct ckpt_ctx *ctx, int fd, u32 objref)
{
	struct ns_common *ns;

	CLASS(fd, f)(fd);
	if (fd_empty(f))
		return -EBADF;
	if (!proc_ns_file(fd_file(f)))
		return -EINVAL;
	ns = get_proc_ns(file_inode(fd_file(f)));
	if (ns->ops != &netns_operations)
		return -EINVAL;
	if (!ns_capable(container_of(ns, struct net, ns)->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	get_net(container_of(ns, struct net, ns));
	return ckpt_ref_add(ctx, objref, CKPT_OBJ_NS, ns);
}

/**
 * restore_enter_net - be for a while where a socket is to be
 * @ctx:	the restart
 * @objref:	of the NETWORK, or 0: that of the root
 * @outside:	where the caller was; or NULL, if he stays there
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_enter_net(struct ckpt_ctx *ctx, u32 objref, struct nsproxy **outside)
{
	struct ns_common *ns;

	*outside = NULL;
	if (!objref)
		return 0;
	ns = ckpt_ref(ctx, objref, CKPT_OBJ_NS);
	if (IS_ERR(ns))
		return PTR_ERR(ns);
	if (ns->ops != &netns_operations)
		return ckpt_err(ctx, -EINVAL, "objref %u is not a network", objref);
	*outside = ckpt_enter_ns(ns);
	if (!IS_ERR(*outside))
		return 0;
	return ckpt_err(ctx, PTR_ERR(*outside), "cannot enter a network namespace");
}

void restore_leave_net(struct nsproxy *outside)
{
	if (outside)
		switch_task_namespaces(current, outside);
}
