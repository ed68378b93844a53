// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of packet sockets: bound to a protocol and device. What they
 * have not read is lost, as if the queue had been full, and counted as such; but for
 * what is in a ring.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_net.h>
#include <linux/if_packet.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/security.h>
#include <net/sock.h>
#include "internal.h"

/* How many a group may have, if nobody says so. */
#define CKPT_FANOUT_MAX		256

static bool has_long_address(const struct packet_sock *po)
{
	const struct packet_mclist *ml;
	bool has = false;

	rtnl_lock();
	for (ml = po->mclist; ml; ml = ml->next)
		has |= ml->alen > sizeof_field(struct packet_mreq, mr_address);
	rtnl_unlock();
	return has;
}

static int packet_obstacle(struct ckpt_ctx *ctx, const struct packet_sock *po)
{
	if (has_long_address(po))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a packet socket with a long address of its own (PACKET_ADD_MEMBERSHIP): not supported");
	if (po->fanout && (po->fanout->type == PACKET_FANOUT_CBPF ||
			   po->fanout->type == PACKET_FANOUT_EBPF ||
			   po->fanout->max_num_members != CKPT_FANOUT_MAX))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a packet socket of a group with a program or a limit of its own (PACKET_FANOUT): not supported");
	return 0;
}

static void add_option(struct ckpt_sockopt *to, unsigned int *nr, u32 name, u32 value)
{
	struct ckpt_sockopt *o = &to[(*nr)++];

	memset(o, 0, sizeof(*o));
	o->level = SOL_PACKET;
	o->name = name;
	o->len = sizeof(value);
	memcpy(o->value, &value, sizeof(value));
}

/**
 * ckpt_packet_knows - may a restart set this option?
 * @name:	the option
 *
 * Return: the length of its value, or 0.
 */
u32 ckpt_packet_knows(u32 name)
{
	switch (name) {
	case PACKET_ADD_MEMBERSHIP:
		return sizeof(struct packet_mreq);
	case PACKET_AUXDATA:
	case PACKET_COPY_THRESH:
	case PACKET_IGNORE_OUTGOING:
	case PACKET_LOSS:
	case PACKET_ORIGDEV:
	case PACKET_QDISC_BYPASS:
	case PACKET_RESERVE:
	case PACKET_TIMESTAMP:
	case PACKET_TX_HAS_OFF:
	case PACKET_VERSION:
	case PACKET_VNET_HDR_SZ:
		return sizeof(u32);
	}
	return 0;
}

/* What it receives beyond what is meant for its devices: as often as it has asked for it. */
static int add_memberships(struct packet_sock *po, struct ckpt_sockopt *to, unsigned int nr,
			   unsigned int max)
{
	const struct packet_mclist *ml;
	int i;

	BUILD_BUG_ON(sizeof(struct packet_mreq) > CKPT_SOCKOPT_BYTES);
	rtnl_lock();
	for (ml = po->mclist; ml; ml = ml->next) {
		struct packet_mreq m = {
			.mr_ifindex = ml->ifindex, .mr_type = ml->type, .mr_alen = ml->alen,
		};

		memcpy(m.mr_address, ml->addr, min_t(size_t, sizeof(m.mr_address), ml->alen));
		for (i = 0; i < ml->count; i++) {
			struct ckpt_sockopt *o = &to[nr];

			if (nr == max) {
				rtnl_unlock();
				return -E2BIG;
			}
			nr++;
			memset(o, 0, sizeof(*o));
			o->level = SOL_PACKET;
			o->name = PACKET_ADD_MEMBERSHIP;
			o->len = sizeof(m);
			memcpy(o->value, &m, sizeof(m));
		}
	}
	rtnl_unlock();
	return nr;
}

/**
 * ckpt_packet_options - the options of a packet socket
 * @sk:		the socket
 * @to:		where they go
 * @nr:		how many there are already
 * @max:	how many there is room for
 *
 * Return: their number, or -E2BIG.
 */
int ckpt_packet_options(struct sock *sk, struct ckpt_sockopt *to, unsigned int nr,
			unsigned int max)
{
	struct packet_sock *po = pkt_sk(sk);

	/* It has none. */
	if (sk->sk_type == SOCK_PACKET)
		return nr;
	if (nr + 11 > max)
		return -E2BIG;
	add_option(to, &nr, PACKET_AUXDATA, packet_sock_flag(po, PACKET_SOCK_AUXDATA));
	add_option(to, &nr, PACKET_ORIGDEV, packet_sock_flag(po, PACKET_SOCK_ORIGDEV));
	add_option(to, &nr, PACKET_VERSION, po->tp_version);
	add_option(to, &nr, PACKET_RESERVE, po->tp_reserve);
	add_option(to, &nr, PACKET_TIMESTAMP, po->tp_tstamp);
	add_option(to, &nr, PACKET_COPY_THRESH, READ_ONCE(po->copy_thresh));
	add_option(to, &nr, PACKET_LOSS, packet_sock_flag(po, PACKET_SOCK_TP_LOSS));
	add_option(to, &nr, PACKET_TX_HAS_OFF, packet_sock_flag(po, PACKET_SOCK_TX_HAS_OFF));
	add_option(to, &nr, PACKET_QDISC_BYPASS, packet_sock_flag(po, PACKET_SOCK_QDISC_BYPASS));
	add_option(to, &nr, PACKET_IGNORE_OUTGOING, READ_ONCE(po->prot_hook.ignore_outgoing));
	/* Only of one that is raw. */
	if (READ_ONCE(po->vnet_hdr_sz))
		add_option(to, &nr, PACKET_VNET_HDR_SZ, READ_ONCE(po->vnet_hdr_sz));
	return add_memberships(po, to, nr, max);
}

/**
 * checkpoint_packet - write a packet socket
 * @ctx:	the checkpoint
 * @file:	its file
 * @sock:	the socket
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_packet(struct ckpt_ctx *ctx, struct file *file, struct socket *sock)
{
	struct packet_sock *po = pkt_sk(sock->sk);
	struct sockaddr_ll name = {
		.sll_family = AF_PACKET, .sll_protocol = po->num, .sll_ifindex = po->ifindex,
	};
	struct ckpt_socket rec = { .addr_len = sizeof(name) };
	u32 objref;
	int ret;

	/* This kind is told when it is made, and only a device when it is bound. */
	if (po->sk.sk_type == SOCK_PACKET)
		rec.protocol = (__force u16)po->num;
	if (po->fanout) {
		rec.flags |= CKPT_SOCKET_FANOUT;
		rec.backlog = po->fanout->id | (u32)po->fanout->type << 16 |
			      (u32)po->fanout->flags << 24;
	}
	ret = ckpt_obj_add(ctx, CKPT_OBJ_SOCKET, sock->sk, &objref);
	if (!ret)
		ret = packet_obstacle(ctx, po);
	if (!ret)
		ret = checkpoint_sock(ctx, sock->sk, &rec, objref, &name, NULL);
	if (!ret)
		ret = checkpoint_packet_rings(ctx, sock->sk, objref);
	return ret ?: ckpt_anon_write(ctx, file, CKPT_FILE_SOCKET, objref);
}

/* By the name of its device. */
static int bind_by_name(struct socket *sock, int ifindex)
{
	struct sockaddr name = { .sa_family = AF_PACKET };
	struct net_device *dev = dev_get_by_index(sock_net(sock->sk), ifindex);

	if (!dev)
		return -ENODEV;
	strscpy_pad(name.sa_data_min, dev->name, sizeof(name.sa_data_min));
	dev_put(dev);
	return security_socket_bind(sock, &name, sizeof(name)) ?:
	       kernel_bind(sock, &name, sizeof(name));
}

static int join_group(struct ckpt_ctx *ctx, const struct ckpt_socket *s, struct socket *sock)
{
	u32 group = s->backlog;
	int ret;

	if (!(s->flags & CKPT_SOCKET_FANOUT))
		return 0;
	if (sock->type == SOCK_PACKET || group >> 16 & PACKET_FANOUT_FLAG_UNIQUEID)
		return ckpt_err(ctx, -EINVAL, "a packet socket contradicts itself");
	ret = sock->ops->setsockopt(sock, SOL_PACKET, PACKET_FANOUT, KERNEL_SOCKPTR(&group),
				    sizeof(group));
	return ret ? ckpt_err(ctx, ret, "a packet socket cannot join group %u (error %d)",
			      group & 0xffff, ret) : 0;
}

/**
 * restore_packet - bind a new packet socket
 * @ctx:	the restart
 * @s:		what the image says of it
 * @addr:	protocol and device
 * @sock:	the socket, which nobody has yet
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_packet(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		   struct socket *sock)
{
	struct sockaddr_ll name;
	int ret;

	if (s->state != CKPT_SOCKET_UNCONNECTED || s->addr_len != sizeof(name) || s->peer_len)
		return ckpt_err(ctx, -EINVAL, "a packet socket contradicts itself");
	memcpy(&name, addr, sizeof(name));
	/* Without a protocol it receives nothing, and has not been bound. */
	if (!name.sll_protocol && name.sll_ifindex <= 0)
		return 0;
	if (s->type == SOCK_PACKET) {
		ret = name.sll_ifindex > 0 ? bind_by_name(sock, name.sll_ifindex) : 0;
		return ret ? ckpt_err(ctx, ret,
				      "cannot bind a packet socket to device %d (error %d)",
				      name.sll_ifindex, ret) : 0;
	}
	ret = security_socket_bind(sock, (struct sockaddr *)&name, sizeof(name));
	if (!ret)
		ret = kernel_bind(sock, (struct sockaddr *)&name, sizeof(name));
	if (ret)
		return ckpt_err(ctx, ret, "cannot bind a packet socket to device %d (error %d)",
				name.sll_ifindex, ret);
	return join_group(ctx, s, sock);
}
