// SPDX-License-Identifier: GPL-2.0
/*
 * A network namespace of the tree's own. User space reads by rtnetlink what is
 * configured in it, and configures a new one so; here is looked for what it
 * cannot make again.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_net.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <net/net_namespace.h>
#include <net/netfilter/nf_tables.h>
#include <net/rtnetlink.h>
#include <net/sch_generic.h>

static const char *kind_of(const struct net_device *dev)
{
	return dev->rtnl_link_ops ? dev->rtnl_link_ops->kind : "";
}

/* Every new namespace has it: the loopback device, and that of some tunnels. */
static bool comes_by_itself(struct net *net, const struct net_device *dev)
{
	return dev == net->loopback_dev ||
	       (dev->netns_immutable && !netif_is_bridge_master(dev));
}

static bool can_be_made(const struct net_device *dev)
{
	static const char *const kinds[] = {
		"dummy", "veth", "bridge", "vlan", "sit",
#if IS_BUILTIN(CONFIG_TUN)
		"tun",
#endif
	};

	return match_string(kinds, ARRAY_SIZE(kinds), kind_of(dev)) >= 0;
}

/* What a veth is one end of, or a vlan is on, may be elsewhere: of a veth, also in the tree. */
static bool leads_outside(struct ckpt_ctx *ctx, struct net *net, const struct net_device *dev)
{
	int iflink = dev_get_iflink(dev);
	const struct net *other = net;

	if (dev->rtnl_link_ops && dev->rtnl_link_ops->get_link_net)
		other = dev->rtnl_link_ops->get_link_net(dev);
	if (!net_eq(other, net))
		return strcmp(kind_of(dev), "veth") || !ckpt_net_is_of_tree(ctx, other);
	return iflink && iflink != dev->ifindex && !__dev_get_by_index(net, iflink);
}

static bool has_programs(struct net_device *dev)
{
	bool has = dev_xdp_prog_count(dev);

#ifdef CONFIG_NET_XGRESS
	has |= rcu_access_pointer(dev->tcx_ingress) || rcu_access_pointer(dev->tcx_egress);
#endif
	return has;
}

static bool has_qdisc(const struct net_device *dev)
{
	/* The one that it begins with has no handle. */
	return rtnl_dereference(dev->qdisc)->handle || rtnl_dereference(dev->ingress_queue);
}

static bool has_hooks(const struct nf_hook_entries *entries)
{
	return entries && entries->num_hook_entries;
}

static bool has_device_hooks(const struct net_device *dev)
{
	bool has = false;

	rcu_read_lock();
#ifdef CONFIG_NETFILTER_INGRESS
	has |= has_hooks(rcu_dereference(dev->nf_hooks_ingress));
#endif
#ifdef CONFIG_NETFILTER_EGRESS
	has |= has_hooks(rcu_dereference(dev->nf_hooks_egress));
#endif
	rcu_read_unlock();
	return has;
}

static int check_device(struct ckpt_ctx *ctx, struct net *net, struct net_device *dev)
{
	const char *why = NULL;

	if (!comes_by_itself(net, dev) && leads_outside(ctx, net, dev))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"the device %s of its network namespace leads to another namespace: not supported",
			dev->name);
	if (!comes_by_itself(net, dev) && !can_be_made(dev))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"the device %s (%s) of its network namespace cannot be made again: not supported",
			dev->name, *kind_of(dev) ? kind_of(dev) : "hardware");
	if (has_programs(dev))
		why = "BPF programs";
	else if (has_qdisc(dev))
		why = "a queueing discipline of its own";
	else if (has_device_hooks(dev))
		why = "packet filters";
	if (!why)
		return 0;
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
			     "the device %s of its network namespace has %s: not supported",
			     dev->name, why);
}

#ifdef CONFIG_NETFILTER
static bool has_filters(struct net *net)
{
	bool has = false;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < NF_INET_NUMHOOKS; i++) {
		has |= has_hooks(rcu_dereference(net->nf.hooks_ipv4[i]));
		has |= has_hooks(rcu_dereference(net->nf.hooks_ipv6[i]));
#ifdef CONFIG_NETFILTER_FAMILY_BRIDGE
		has |= has_hooks(rcu_dereference(net->nf.hooks_bridge[i]));
#endif
	}
#ifdef CONFIG_NETFILTER_FAMILY_ARP
	for (i = 0; i < NF_ARP_NUMHOOKS; i++)
		has |= has_hooks(rcu_dereference(net->nf.hooks_arp[i]));
#endif
	rcu_read_unlock();
#ifdef CONFIG_NF_TABLES
	/* A table need not have a hook, and yet it has rules and sets. */
	mutex_lock(&nft_pernet(net)->commit_mutex);
	has |= !list_empty(&nft_pernet(net)->tables);
	mutex_unlock(&nft_pernet(net)->commit_mutex);
#endif
	return has;
}
#else
static bool has_filters(struct net *net)
{
	return false;
}
#endif

static bool has_transformations(struct net *net)
{
#ifdef CONFIG_XFRM
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(net->xfrm.policy_count); i++)
		if (net->xfrm.policy_count[i])
			return true;
	return net->xfrm.state_num;
#else
	return false;
#endif
}

static bool has_attached(struct net *net)
{
	unsigned int i;

	for (i = 0; i < MAX_NETNS_BPF_ATTACH_TYPE; i++)
		if (rcu_access_pointer(net->bpf.run_array[i]))
			return true;
	return false;
}

#if IS_BUILTIN(CONFIG_TUN)
/* When all files have been written. */
static int check_tuns(struct ckpt_ctx *ctx, void *net, u32 objref)
{
	struct net_device *dev;
	int ret = 0;

	rtnl_lock();
	for_each_netdev((struct net *)net, dev)
		if (!ret && ckpt_tun_is_held_outside(ctx, dev))
			ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
					    "the device %s of its network namespace is held outside the tree (/dev/net/tun): not supported",
					    dev->name);
	rtnl_unlock();
	return ret;
}
#else
static int check_tuns(struct ckpt_ctx *ctx, void *net, u32 objref)
{
	return 0;
}
#endif

/**
 * ckpt_net_obstacles - what is in a network namespace of the tree that cannot be made again
 * @ctx:	the checkpoint
 * @net:	the namespace
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_net_obstacles(struct ckpt_ctx *ctx, struct net *net)
{
	const char *whats[4] = {};
	struct net_device *dev;
	unsigned int i, nr = 0;
	int ret = 0;

	rtnl_lock();
	for_each_netdev(net, dev) {
		ret = check_device(ctx, net, dev);
		if (ret)
			break;
	}
	if (!RB_EMPTY_ROOT(&net->nexthop.rb_root))
		whats[nr++] = "nexthop objects";
	rtnl_unlock();
	if (has_filters(net))
		whats[nr++] = "packet filters";
	if (has_transformations(net))
		whats[nr++] = "IPsec policies or states";
	if (has_attached(net))
		whats[nr++] = "BPF programs";
	for (i = 0; i < nr && !ret; i++)
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "its network namespace has %s: not supported",
				    whats[i]);
	return ret ?: ckpt_write_later(ctx, CKPT_STAGE_FILL, net, 0, check_tuns);
}
