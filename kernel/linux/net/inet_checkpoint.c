// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of sockets of IPv4 and IPv6: made, bound, listening, or,
 * if they know no connections, connected as before. TCP connections are made in
 * net/ipv4/tcp_restore.c.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_net.h>
#include <linux/ipv6.h>
#include <linux/net.h>
#include <linux/security.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/addrconf.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/sock.h>
#include <net/tcp_states.h>

static bool is_tcp(const struct sock *sk)
{
	return sk->sk_type == SOCK_STREAM && sk->sk_protocol == IPPROTO_TCP;
}

static bool is_udp(const struct sock *sk)
{
	return sk->sk_type == SOCK_DGRAM &&
	       (sk->sk_protocol == IPPROTO_UDP || sk->sk_protocol == IPPROTO_UDPLITE);
}

/* Of ICMP, for who may not have a raw one. */
static bool is_ping(const struct sock *sk)
{
	return sk->sk_type == SOCK_DGRAM &&
	       (sk->sk_protocol == IPPROTO_ICMP || sk->sk_protocol == IPPROTO_ICMPV6);
}

/* Is there, or was there, a connection? */
static bool is_connection(const struct socket *sock)
{
	const struct sock *sk = sock->sk;

	return is_tcp(sk) && sk->sk_state != TCP_LISTEN &&
	       (sk->sk_state != TCP_CLOSE || sock->state != SS_UNCONNECTED ||
		sk->sk_shutdown || !skb_queue_empty_lockless(&sk->sk_receive_queue));
}

static int inet_obstacle(struct ckpt_ctx *ctx, struct sock *sk)
{
	if (!is_tcp(sk) && !is_udp(sk) && !is_ping(sk) && sk->sk_type != SOCK_RAW)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a socket of type %u, protocol %u: not supported", sk->sk_type,
				     sk->sk_protocol);
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6 && rcu_access_pointer(inet_sk(sk)->ipv6_fl_list))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a socket with flow labels (IPV6_FLOWLABEL_MGR): not supported");
#endif
	if (is_tcp(sk))
		return ckpt_tcp_obstacle(ctx, sk);
	if (is_udp(sk) && READ_ONCE(udp_sk(sk)->encap_type))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a UDP socket that encapsulates (UDP_ENCAP): not supported");
	if (is_udp(sk) && READ_ONCE(udp_sk(sk)->pending))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a UDP socket with a datagram half sent (MSG_MORE): not supported");
	return 0;
}

/* By bind(2), or because something was sent. */
static bool is_bound(const struct sock *sk)
{
	if (sk->sk_type != SOCK_RAW)
		return inet_sk(sk)->inet_num;
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		return !ipv6_addr_any(&sk->sk_v6_rcv_saddr);
#endif
	return inet_sk(sk)->inet_rcv_saddr;
}

/* It was bound to an address that nobody has here, or has no more. */
static bool is_foreign(const struct sock *sk)
{
	__be32 addr = inet_sk(sk)->inet_rcv_saddr;
	unsigned int type;

#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6 && !ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr))
		return !ipv6_addr_any(&sk->sk_v6_rcv_saddr) &&
		       !ipv6_addr_is_multicast(&sk->sk_v6_rcv_saddr) &&
		       !ipv6_chk_addr(sock_net(sk), &sk->sk_v6_rcv_saddr, NULL, 0);
#endif
	type = addr ? inet_addr_type(sock_net(sk), addr) : RTN_LOCAL;
	return type != RTN_LOCAL && type != RTN_MULTICAST && type != RTN_BROADCAST;
}

/* It has no port, or port 0, and getpeername(2) says that it has no peer. */
static int raw_peer(const struct sock *sk, struct sockaddr_storage *peer)
{
	struct sockaddr_in *in = (struct sockaddr_in *)peer;
#if IS_ENABLED(CONFIG_IPV6)
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)peer;

	if (sk->sk_family == AF_INET6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_addr = sk->sk_v6_daddr;
		in6->sin6_scope_id = ipv6_iface_scope_id(&sk->sk_v6_daddr,
							 READ_ONCE(sk->sk_bound_dev_if));
		return sizeof(*in6);
	}
#endif
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_sk(sk)->inet_daddr;
	return sizeof(*in);
}

static int addresses(struct ckpt_ctx *ctx, struct socket *sock, struct ckpt_socket *rec,
		     struct sockaddr_storage *addr, struct sockaddr_storage *peer)
{
	struct sock *sk = sock->sk;
	int len;

	if (is_bound(sk)) {
		len = kernel_getsockname(sock, (struct sockaddr *)addr);
		if (len < 0)
			return ckpt_err(ctx, len, "its address cannot be had (error %d)", len);
		rec->addr_len = len;
		if (is_foreign(sk))
			rec->flags |= CKPT_SOCKET_FOREIGN;
		if (rcu_access_pointer(sk->sk_reuseport_cb) && !sk->sk_reuseport)
			rec->flags |= CKPT_SOCKET_REUSED;
	}
	if (!is_tcp(sk) && sk->sk_state == TCP_ESTABLISHED) {
		len = is_udp(sk) && inet_sk(sk)->inet_dport ?
		      kernel_getpeername(sock, (struct sockaddr *)peer) : raw_peer(sk, peer);
		if (len < 0)
			return ckpt_err(ctx, len, "its peer's address cannot be had (error %d)",
					len);
		rec->peer_len = len;
	}
	return 0;
}

/**
 * checkpoint_inet - write a socket of IPv4 or IPv6
 * @ctx:	the checkpoint
 * @file:	its file
 * @sock:	the socket
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_inet(struct ckpt_ctx *ctx, struct file *file, struct socket *sock)
{
	struct sockaddr_storage addr = {}, peer = {};
	struct ckpt_socket rec = {};
	struct sock *sk = sock->sk;
	u32 objref;
	int ret;

	ret = ckpt_obj_add(ctx, CKPT_OBJ_SOCKET, sk, &objref);
	if (!ret)
		ret = inet_obstacle(ctx, sk);
	if (!ret && !is_connection(sock))
		ret = addresses(ctx, sock, &rec, &addr, &peer);
	if (ret)
		return ret;
	if (is_connection(sock)) {
		rec.state = CKPT_SOCKET_CONNECTED;
		ret = checkpoint_tcp(ctx, sk, objref);
	} else if (is_tcp(sk) && sk->sk_state == TCP_LISTEN) {
		rec.state = CKPT_SOCKET_LISTENING;
		rec.backlog = READ_ONCE(sk->sk_max_ack_backlog);
		ret = checkpoint_tcp_pending(ctx, sk, objref);
	} else if (sk->sk_state == TCP_ESTABLISHED) {
		rec.state = CKPT_SOCKET_CONNECTED;
	}
	if (!ret)
		ret = checkpoint_sock(ctx, sk, &rec, objref, &addr, &peer);
	if (!ret && (is_udp(sk) || is_ping(sk)))
		ret = checkpoint_datagrams(ctx, sk, objref);
	if (!ret)
		ret = checkpoint_reports(ctx, sk, objref);
	return ret ?: ckpt_anon_write(ctx, file, CKPT_FILE_SOCKET, objref);
}

/* Anybody may set IP_FREEBIND, and take it back when the socket is bound. */
static int bind_foreign(struct socket *sock, struct sockaddr *name, u32 len)
{
	bool free = inet_test_bit(FREEBIND, sock->sk);
	int ret;

	inet_set_bit(FREEBIND, sock->sk);
	ret = kernel_bind(sock, name, len);
	inet_assign_bit(FREEBIND, sock->sk, free);
	return ret;
}

static int bind_inet(struct socket *sock, const struct ckpt_socket *s,
		     struct sockaddr_storage *name)
{
	struct sockaddr *addr = (struct sockaddr *)name;
	int ret;

	if (!s->addr_len || is_bound(sock->sk))
		return 0;
	ret = security_socket_bind(sock, addr, s->addr_len);
	if (!ret && s->flags & CKPT_SOCKET_FOREIGN)
		ret = bind_foreign(sock, addr, s->addr_len);
	else if (!ret)
		ret = kernel_bind(sock, addr, s->addr_len);
	return ret;
}

static int bind_and_listen(struct socket *sock, const struct ckpt_socket *s,
			   struct sockaddr_storage *name)
{
	u32 backlog = min_t(u32, s->backlog, READ_ONCE(sock_net(sock->sk)->core.sysctl_somaxconn));
	int ret = bind_inet(sock, s, name);

	if (!ret && s->state == CKPT_SOCKET_LISTENING)
		ret = security_socket_listen(sock, backlog) ?: kernel_listen(sock, backlog);
	return ret;
}

/* The next socket of a protocol that this restart has made, and that nobody uses yet. */
static struct sock *next_own(struct ckpt_ctx *ctx, unsigned long *objref, const struct sock *like,
			     struct restored_sock **rs)
{
	struct ckpt_anon *anon;

	while ((anon = ckpt_ref_next(ctx, objref, CKPT_OBJ_ANON))) {
		struct sock *sk = anon->kind == CKPT_FILE_SOCKET ?
				  sock_from_file(anon->file)->sk : NULL;

		*rs = anon->data;
		if (sk && *rs && (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) &&
		    sk->sk_protocol == like->sk_protocol)
			return sk;
	}
	return NULL;
}

/*
 * They share it, but have taken back since what allowed that (SO_REUSEADDR). For the time
 * being those of the tree, and they alone, have it again.
 */
static int bind_beside_own(struct ckpt_ctx *ctx, struct socket *sock, const struct ckpt_socket *s,
			   struct sockaddr_storage *name)
{
	unsigned char own = sock->sk->sk_reuse;
	struct restored_sock *rs;
	unsigned long objref = 0;
	struct sock *sk;
	int ret;

	while ((sk = next_own(ctx, &objref, sock->sk, &rs))) {
		rs->reuse = sk->sk_reuse;
		sk->sk_reuse = max_t(unsigned char, sk->sk_reuse, SK_CAN_REUSE);
	}
	sock->sk->sk_reuse = SK_CAN_REUSE;
	ret = bind_and_listen(sock, s, name);
	sock->sk->sk_reuse = own;
	objref = 0;
	while ((sk = next_own(ctx, &objref, sock->sk, &rs)))
		sk->sk_reuse = rs->reuse;
	return ret;
}

static int bind_again(struct ckpt_ctx *ctx, struct socket *sock, const struct ckpt_socket *s,
		      const void *addr)
{
	struct sockaddr_storage name = {};
	int ret;

	memcpy(&name, addr, s->addr_len);
	ret = bind_and_listen(sock, s, &name);
	if (ret == -EADDRINUSE)
		ret = bind_beside_own(ctx, sock, s, &name);
	if (!ret)
		return 0;
	if (name.ss_family == AF_INET6)
		return ckpt_err(ctx, ret, "cannot bind a socket to [%pI6c]:%u (error %d)",
				&((struct sockaddr_in6 *)&name)->sin6_addr,
				ntohs(((struct sockaddr_in6 *)&name)->sin6_port), ret);
	return ckpt_err(ctx, ret, "cannot bind a socket to %pI4:%u (error %d)",
			&((struct sockaddr_in *)&name)->sin_addr,
			ntohs(((struct sockaddr_in *)&name)->sin_port), ret);
}

static int connect_inet(struct ckpt_ctx *ctx, struct socket *sock, const void *peer, u32 len)
{
	struct sockaddr_storage name = {};
	int ret;

	memcpy(&name, peer, len);
	ret = security_socket_connect(sock, (struct sockaddr *)&name, len);
	if (!ret)
		ret = kernel_connect(sock, (struct sockaddr *)&name, len, O_NONBLOCK);
	return ret ? ckpt_err(ctx, ret, "cannot connect a socket (error %d)", ret) : 0;
}

/**
 * restore_inet - give a new socket its address and state
 * @ctx:	the restart
 * @s:		what the image says of it
 * @addr:	its address
 * @peer:	what it is connected to
 * @sock:	the socket, which nobody has yet
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_inet(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		 const void *peer, struct socket *sock)
{
	int ret;

	if ((s->state == CKPT_SOCKET_LISTENING && (!is_tcp(sock->sk) || !s->addr_len)) ||
	    (s->state == CKPT_SOCKET_CONNECTED &&
	     (is_tcp(sock->sk) ? s->addr_len || s->peer_len : !s->peer_len)) ||
	    (s->state != CKPT_SOCKET_CONNECTED && s->peer_len))
		return ckpt_err(ctx, -EINVAL, "a socket contradicts itself");
	/* Until all who share its port have come: see restored_sock. */
	if (s->flags & CKPT_SOCKET_REUSED)
		sock->sk->sk_reuseport = 1;
	ret = bind_again(ctx, sock, s, addr);
	if (!ret && s->state == CKPT_SOCKET_CONNECTED && !is_tcp(sock->sk))
		ret = connect_inet(ctx, sock, peer, s->peer_len);
	return ret;
}
