// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of multicast: each group that a socket is a member of, and the
 * device it sends by, is an option of it.
 */
#include <linux/checkpoint_net.h>
#include <linux/igmp.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/net.h>
#include <linux/rtnetlink.h>
#include <net/if_inet6.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>

static struct ckpt_sockopt *add(struct ckpt_sockopt *options, unsigned int *nr, unsigned int max,
				u32 level, u32 name)
{
	struct ckpt_sockopt *o = &options[*nr];

	if (*nr == max)
		return NULL;
	memset(o, 0, sizeof(*o));
	o->level = level;
	o->name = name;
	++*nr;
	return o;
}

static int add_v4(struct sock *sk, struct ckpt_sockopt *options, unsigned int *nr,
		  unsigned int max)
{
	struct inet_sock *inet = inet_sk(sk);
	struct ip_mreqn m = {
		.imr_address.s_addr = inet->mc_addr, .imr_ifindex = READ_ONCE(inet->mc_index),
	};
	struct ip_mc_socklist *mc;
	struct ckpt_sockopt *o;

	BUILD_BUG_ON(sizeof(m) > CKPT_SOCKOPT_BYTES);
	/* A stream that was accepted has there what it came in by, and no use for it. */
	if (sk->sk_type != SOCK_STREAM && (m.imr_address.s_addr || m.imr_ifindex)) {
		o = add(options, nr, max, SOL_IP, IP_MULTICAST_IF);
		if (!o)
			return -E2BIG;
		o->len = sizeof(m);
		memcpy(o->value, &m, sizeof(m));
	}
	for (mc = rtnl_dereference(inet->mc_list); mc; mc = rtnl_dereference(mc->next_rcu)) {
		if (mc->sfmode != MCAST_EXCLUDE || rcu_access_pointer(mc->sflist))
			return -EOPNOTSUPP;
		o = add(options, nr, max, SOL_IP, IP_ADD_MEMBERSHIP);
		if (!o)
			return -E2BIG;
		o->len = sizeof(mc->multi);
		memcpy(o->value, &mc->multi, sizeof(mc->multi));
	}
	return 0;
}

#if IS_ENABLED(CONFIG_IPV6)
static int add_v6(struct sock *sk, struct ckpt_sockopt *options, unsigned int *nr,
		  unsigned int max)
{
	struct ipv6_mc_socklist *mc;
	struct ckpt_sockopt *o;

	if (inet6_sk(sk)->ipv6_ac_list)
		return -EOPNOTSUPP;
	for (mc = rtnl_dereference(inet6_sk(sk)->ipv6_mc_list); mc;
	     mc = rtnl_dereference(mc->next)) {
		if (mc->sfmode != MCAST_EXCLUDE || rcu_access_pointer(mc->sflist))
			return -EOPNOTSUPP;
		o = add(options, nr, max, SOL_IPV6, IPV6_ADD_MEMBERSHIP);
		if (!o)
			return -E2BIG;
		o->len = sizeof(mc->addr);
		o->device = mc->ifindex;
		memcpy(o->value, &mc->addr, sizeof(mc->addr));
	}
	return 0;
}
#endif

/**
 * ckpt_inet_groups - groups of a socket, as options
 * @ctx:	the checkpoint
 * @sk:		the socket
 * @options:	where they go
 * @nr:		how many there are already
 * @max:	how many there is room for
 *
 * Return: their number, or a negative error, which has been logged.
 */
int ckpt_inet_groups(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_sockopt *options,
		     unsigned int nr, unsigned int max)
{
	int ret;

	/* A stream has none. */
	if (sk->sk_type == SOCK_STREAM)
		return nr;
	rtnl_lock();
	ret = add_v4(sk, options, &nr, max);
#if IS_ENABLED(CONFIG_IPV6)
	if (!ret && sk->sk_family == AF_INET6)
		ret = add_v6(sk, options, &nr, max);
#endif
	rtnl_unlock();
	if (ret == -EOPNOTSUPP)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a member of multicast groups with a list of sources, or of an anycast group: not supported");
	if (ret)
		return ckpt_err(ctx, ret, "a socket with more than %u options and groups", max);
	return nr;
}

/**
 * ckpt_is_inet_group - is an option of an image one of these?
 * @sk:		the socket
 * @o:		the option
 *
 * Return: true if so, and if it is well formed.
 */
bool ckpt_is_inet_group(const struct sock *sk, const struct ckpt_sockopt *o)
{
	if (sk->sk_type == SOCK_STREAM || (sk->sk_family != AF_INET && sk->sk_family != AF_INET6))
		return false;
	if (o->level == SOL_IP && (o->name == IP_ADD_MEMBERSHIP || o->name == IP_MULTICAST_IF))
		return o->len == sizeof(struct ip_mreqn) && !o->device;
	return o->level == SOL_IPV6 && o->name == IPV6_ADD_MEMBERSHIP &&
	       sk->sk_family == AF_INET6 && o->len == sizeof(struct in6_addr);
}

/**
 * restore_inet_group - join a group again
 * @sock:	the socket
 * @o:		one of these options
 *
 * Return: 0 or a negative error.
 */
int restore_inet_group(struct socket *sock, const struct ckpt_sockopt *o)
{
	struct ipv6_mreq v6 = { .ipv6mr_ifindex = o->device };
	struct ip_mreqn v4;

	if (o->level == SOL_IP) {
		memcpy(&v4, o->value, sizeof(v4));
		return do_sock_setsockopt(sock, false, SOL_IP, o->name, KERNEL_SOCKPTR(&v4),
					  sizeof(v4));
	}
	memcpy(&v6.ipv6mr_multiaddr, o->value, sizeof(v6.ipv6mr_multiaddr));
	return do_sock_setsockopt(sock, false, SOL_IPV6, o->name, KERNEL_SOCKPTR(&v6), sizeof(v6));
}
