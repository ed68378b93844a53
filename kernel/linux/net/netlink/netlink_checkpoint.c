// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of netlink sockets: bound, with their groups and options,
 * and with what the kernel has told them.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_net.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <net/sock.h>
#include "af_netlink.h"

static const struct {
	u32 name;
	int flag;
} options[] = {
	{ NETLINK_PKTINFO, NETLINK_F_RECV_PKTINFO },
	{ NETLINK_BROADCAST_ERROR, NETLINK_F_BROADCAST_SEND_ERROR },
	{ NETLINK_NO_ENOBUFS, NETLINK_F_RECV_NO_ENOBUFS },
	{ NETLINK_LISTEN_ALL_NSID, NETLINK_F_LISTEN_ALL_NSID },
	{ NETLINK_CAP_ACK, NETLINK_F_CAP_ACK },
	{ NETLINK_EXT_ACK, NETLINK_F_EXT_ACK },
	{ NETLINK_GET_STRICT_CHK, NETLINK_F_STRICT_CHK },
};

/**
 * ckpt_netlink_knows - may a restart set this option?
 * @name:	the option
 *
 * Return: true if so.
 */
bool ckpt_netlink_knows(u32 name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].name == name)
			return true;
	return name == NETLINK_ADD_MEMBERSHIP;
}

static bool add_option(struct ckpt_sockopt *to, unsigned int *nr, unsigned int max, u32 name,
		       u32 value)
{
	struct ckpt_sockopt *o = &to[*nr];

	if (*nr == max)
		return false;
	memset(o, 0, sizeof(*o));
	o->level = SOL_NETLINK;
	o->name = name;
	o->len = sizeof(value);
	memcpy(o->value, &value, sizeof(value));
	++*nr;
	return true;
}

/**
 * ckpt_netlink_options - the options of a netlink socket; each of its groups is one
 * @ctx:	the checkpoint
 * @sk:		the socket
 * @to:		where they go
 * @nr:		how many there are already
 * @max:	how many there is room for
 *
 * Return: their number, or a negative error, which has been logged.
 */
int ckpt_netlink_options(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_sockopt *to,
			 unsigned int nr, unsigned int max)
{
	struct netlink_sock *nlk = nlk_sk(sk);
	bool fits = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (test_bit(options[i].flag, &nlk->flags))
			fits &= add_option(to, &nr, max, options[i].name, 1);
	netlink_table_grab();
	if (nlk->groups)
		for_each_set_bit(i, nlk->groups, nlk->ngroups)
			fits &= add_option(to, &nr, max, NETLINK_ADD_MEMBERSHIP, i + 1);
	netlink_table_ungrab();
	return fits ? nr : ckpt_err(ctx, -E2BIG, "a netlink socket of too many groups");
}

static int write_message(struct ckpt_ctx *ctx, const struct sock *sk, struct sk_buff *skb,
			 u32 objref)
{
	struct ckpt_datagram *d;
	int ret;

	if (NETLINK_CB(skb).portid)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a netlink socket with a message of another process that was not read: not supported");
	d = kvzalloc(sizeof(*d) + skb->len, GFP_KERNEL_ACCOUNT);
	if (!d)
		return -ENOMEM;
	d->group = NETLINK_CB(skb).dst_group;
	ret = skb_copy_bits(skb, 0, d + 1, skb->len);
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_SOCKET_DGRAM, objref, d, sizeof(*d) + skb->len);
	kvfree(d);
	return ret;
}

/**
 * checkpoint_netlink - write a netlink socket
 * @ctx:	the checkpoint
 * @file:	its file
 * @sock:	the socket
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_netlink(struct ckpt_ctx *ctx, struct file *file, struct socket *sock)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK }, peer = name;
	struct netlink_sock *nlk = nlk_sk(sock->sk);
	struct ckpt_socket rec = {};
	u32 objref;
	int ret;

	if (READ_ONCE(nlk->cb_running))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a netlink socket of protocol %u in the middle of an answer: not supported",
			sock->sk->sk_protocol);
	ret = ckpt_obj_add(ctx, CKPT_OBJ_SOCKET, sock->sk, &objref);
	if (ret)
		return ret;
	if (READ_ONCE(nlk->bound)) {
		/* Groups are options. */
		name.nl_pid = nlk->portid;
		rec.addr_len = sizeof(name);
	}
	if (sock->sk->sk_state == NETLINK_CONNECTED) {
		peer.nl_pid = nlk->dst_portid;
		peer.nl_groups = nlk->dst_group ? 1U << (nlk->dst_group - 1) : 0;
		rec.peer_len = sizeof(peer);
		rec.state = CKPT_SOCKET_CONNECTED;
	}
	ret = checkpoint_sock(ctx, sock->sk, &rec, objref, &name, &peer);
	if (!ret)
		ret = ckpt_write_queue(ctx, sock->sk, &sock->sk->sk_receive_queue, objref,
				       write_message);
	return ret ?: ckpt_anon_write(ctx, file, CKPT_FILE_SOCKET, objref);
}

/**
 * restore_netlink - give a new netlink socket its address and state
 * @ctx:	the restart
 * @s:		what the image says of it
 * @addr:	its address
 * @peer:	what it is connected to
 * @sock:	the socket, which nobody has yet, and which has its options
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_netlink(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		    const void *peer, struct socket *sock)
{
	struct sockaddr_nl name, to;
	int ret = 0;

	if ((s->addr_len && s->addr_len != sizeof(name)) ||
	    s->peer_len != (s->state == CKPT_SOCKET_CONNECTED ? sizeof(to) : 0) ||
	    s->state == CKPT_SOCKET_LISTENING)
		return ckpt_err(ctx, -EINVAL, "a netlink socket contradicts itself");
	if (s->addr_len) {
		memcpy(&name, addr, sizeof(name));
		if (name.nl_family != AF_NETLINK || name.nl_groups)
			return ckpt_err(ctx, -EINVAL, "a netlink socket's address is none");
		/* What bind(2) is told of groups is what the socket has then. */
		if (nlk_sk(sock->sk)->groups)
			name.nl_groups = nlk_sk(sock->sk)->groups[0];
		ret = security_socket_bind(sock, (struct sockaddr *)&name, sizeof(name));
		if (!ret)
			ret = kernel_bind(sock, (struct sockaddr *)&name, sizeof(name));
		if (ret)
			return ckpt_err(ctx, ret,
				"cannot bind a netlink socket of protocol %u to port id %u (error %d)",
				s->protocol, name.nl_pid, ret);
	}
	if (s->state == CKPT_SOCKET_CONNECTED) {
		memcpy(&to, peer, sizeof(to));
		ret = security_socket_connect(sock, (struct sockaddr *)&to, sizeof(to));
		if (!ret)
			ret = kernel_connect(sock, (struct sockaddr *)&to, sizeof(to), 0);
		if (ret)
			ckpt_err(ctx, ret, "cannot connect a netlink socket (error %d)", ret);
	}
	return ret;
}

/**
 * restore_netlink_msg - put a message of the kernel's into the queue of a socket
 * @ctx:	the restart
 * @sk:		the socket
 * @d:		the message
 * @len:	of its data
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_netlink_msg(struct ckpt_ctx *ctx, struct sock *sk, const struct ckpt_datagram *d,
			size_t len)
{
	struct sk_buff *skb;

	if (d->version || len > SZ_256K)
		return ckpt_err(ctx, -EINVAL, "a message that netlink cannot have sent");
	if (atomic_read(&sk->sk_rmem_alloc) > READ_ONCE(sk->sk_rcvbuf))
		return ckpt_err(ctx, -ENOBUFS, "too many messages for a netlink socket");
	skb = alloc_skb(len, GFP_KERNEL_ACCOUNT);
	if (!skb)
		return -ENOMEM;
	skb_put_data(skb, d + 1, len);
	NETLINK_CB(skb).dst_group = d->group;
	skb_set_owner_r(skb, sk);
	skb_queue_tail(&sk->sk_receive_queue, skb);
	sk->sk_data_ready(sk);
	return 0;
}
