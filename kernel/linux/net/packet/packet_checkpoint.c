// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of packet sockets: bound to a protocol and device. What they
 * have not read is lost, as if the queue had been full, and counted as such.
 */
#include <linux/checkpoint_internal.h>
#include <linux/if_packet.h>
#include <linux/net.h>
#include <linux/security.h>
#include <net/sock.h>
#include "internal.h"

static int packet_obstacle(struct ckpt_ctx *ctx, const struct packet_sock *po)
{
	if (po->sk.sk_type == SOCK_PACKET)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a socket of type SOCK_PACKET: not supported");
	if (po->rx_ring.pg_vec || po->tx_ring.pg_vec)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a packet socket with a ring (PACKET_RX_RING): not supported");
	if (po->fanout)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a packet socket of a group (PACKET_FANOUT): not supported");
	if (po->mclist)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a packet socket with addresses of its own (PACKET_ADD_MEMBERSHIP): not supported");
	if (po->vnet_hdr_sz)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a packet socket with PACKET_VNET_HDR: not supported");
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
 * Return: true if so.
 */
bool ckpt_packet_knows(u32 name)
{
	return name == PACKET_AUXDATA || name == PACKET_ORIGDEV || name == PACKET_VERSION ||
	       name == PACKET_RESERVE || name == PACKET_TIMESTAMP;
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

	if (nr + 5 > max)
		return -E2BIG;
	add_option(to, &nr, PACKET_AUXDATA, packet_sock_flag(po, PACKET_SOCK_AUXDATA));
	add_option(to, &nr, PACKET_ORIGDEV, packet_sock_flag(po, PACKET_SOCK_ORIGDEV));
	add_option(to, &nr, PACKET_VERSION, po->tp_version);
	add_option(to, &nr, PACKET_RESERVE, po->tp_reserve);
	add_option(to, &nr, PACKET_TIMESTAMP, po->tp_tstamp);
	return nr;
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

	ret = ckpt_obj_add(ctx, CKPT_OBJ_SOCKET, sock->sk, &objref);
	if (!ret)
		ret = packet_obstacle(ctx, po);
	if (!ret)
		ret = checkpoint_sock(ctx, sock->sk, &rec, objref, &name, NULL);
	return ret ?: ckpt_anon_write(ctx, file, CKPT_FILE_SOCKET, objref);
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
	ret = security_socket_bind(sock, (struct sockaddr *)&name, sizeof(name));
	if (!ret)
		ret = kernel_bind(sock, (struct sockaddr *)&name, sizeof(name));
	return ret ? ckpt_err(ctx, ret, "cannot bind a packet socket to device %d (error %d)",
			      name.sll_ifindex, ret) : 0;
}
