// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of socket options: read and set as by getsockopt(2) and
 * setsockopt(2), with all their checks. One that is as a new socket has it is
 * left alone.
 */
#include <linux/checkpoint_net.h>
#include <linux/icmp.h>
#include <linux/in6.h>
#include <linux/net.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/raw.h>
#include <net/rawv6.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/udplite.h>

/* In the order in which they are set. */
static const struct {
	u16 level;
	u16 name;
	u16 len;
} known[] = {
	{ SOL_SOCKET, SO_REUSEADDR, 4 },
	{ SOL_SOCKET, SO_REUSEPORT, 4 },
	{ SOL_SOCKET, SO_BROADCAST, 4 },
	{ SOL_SOCKET, SO_KEEPALIVE, 4 },
	{ SOL_SOCKET, SO_OOBINLINE, 4 },
	{ SOL_SOCKET, SO_DONTROUTE, 4 },
	{ SOL_SOCKET, SO_NO_CHECK, 4 },
	{ SOL_SOCKET, SO_PRIORITY, 4 },
	{ SOL_SOCKET, SO_MARK, 4 },
	{ SOL_SOCKET, SO_SNDBUF, 4 },
	{ SOL_SOCKET, SO_RCVBUF, 4 },
	{ SOL_SOCKET, SO_BUF_LOCK, 4 },	/* which of them were asked for */
	{ SOL_SOCKET, SO_RCVLOWAT, 4 },
	{ SOL_SOCKET, SO_PASSCRED, 4 },
	{ SOL_SOCKET, SO_PASSPIDFD, 4 },
	{ SOL_SOCKET, SO_PASSSEC, 4 },
	{ SOL_SOCKET, SO_TIMESTAMP_OLD, 4 },
	{ SOL_SOCKET, SO_TIMESTAMPNS_OLD, 4 },
	{ SOL_SOCKET, SO_RXQ_OVFL, 4 },
	{ SOL_SOCKET, SO_PEEK_OFF, 4 },
	{ SOL_SOCKET, SO_LINGER, 8 },
	{ SOL_SOCKET, SO_DEBUG, 4 },
	{ SOL_SOCKET, SO_TIMESTAMP_NEW, 4 },
	{ SOL_SOCKET, SO_TIMESTAMPNS_NEW, 4 },
	{ SOL_SOCKET, SO_TIMESTAMPING_OLD, 8 },
	{ SOL_SOCKET, SO_TIMESTAMPING_NEW, 8 },	/* it says nothing unless that was asked for */
	{ SOL_SOCKET, SO_TXTIME, 8 },
	{ SOL_SOCKET, SO_WIFI_STATUS, 4 },
	{ SOL_SOCKET, SO_NOFCS, 4 },
	{ SOL_SOCKET, SO_RCVMARK, 4 },
	{ SOL_SOCKET, SO_TXREHASH, 4 },
	{ SOL_SOCKET, SO_RESERVE_MEM, 4 },
	{ SOL_SOCKET, SO_PREFER_BUSY_POLL, 4 },
	{ SOL_SOCKET, SO_SELECT_ERR_QUEUE, 4 },
	{ SOL_SOCKET, SO_BUSY_POLL, 4 },
	{ SOL_SOCKET, SO_ZEROCOPY, 4 },
	{ SOL_SOCKET, SO_MAX_PACING_RATE, 8 },
	{ SOL_SOCKET, SO_BINDTODEVICE, 16 },
	{ SOL_SOCKET, SO_RCVTIMEO_OLD, 16 },
	{ SOL_SOCKET, SO_SNDTIMEO_OLD, 16 },
	{ SOL_IPV6, IPV6_V6ONLY, 4 },
	{ SOL_IPV6, IPV6_UNICAST_HOPS, 4 },
	{ SOL_IPV6, IPV6_MULTICAST_HOPS, 4 },
	{ SOL_IPV6, IPV6_MULTICAST_LOOP, 4 },
	{ SOL_IPV6, IPV6_RECVERR, 4 },
	{ SOL_IPV6, IPV6_RECVERR_RFC4884, 4 },
	{ SOL_IPV6, IPV6_RECVPKTINFO, 4 },
	{ SOL_IPV6, IPV6_RECVHOPLIMIT, 4 },
	{ SOL_IPV6, IPV6_TCLASS, 4 },
	{ SOL_IPV6, IPV6_RECVTCLASS, 4 },
	{ SOL_IP, IP_TTL, 4 },
	{ SOL_IP, IP_TOS, 4 },
	{ SOL_IP, IP_MTU_DISCOVER, 4 },
	{ SOL_IP, IP_RECVERR, 4 },
	{ SOL_IP, IP_PKTINFO, 4 },
	{ SOL_IP, IP_RECVTTL, 4 },
	{ SOL_IP, IP_RECVTOS, 4 },
	{ SOL_IP, IP_FREEBIND, 4 },
	{ SOL_IP, IP_TRANSPARENT, 4 },
	{ SOL_IP, IP_MULTICAST_TTL, 4 },
	{ SOL_IP, IP_MULTICAST_LOOP, 4 },
	{ SOL_IP, IP_BIND_ADDRESS_NO_PORT, 4 },
	{ SOL_IP, IP_RECVOPTS, 4 },
	{ SOL_IP, IP_RETOPTS, 4 },
	{ SOL_IP, IP_RECVORIGDSTADDR, 4 },
	{ SOL_IP, IP_CHECKSUM, 4 },
	{ SOL_IP, IP_RECVFRAGSIZE, 4 },
	{ SOL_IP, IP_MINTTL, 4 },
	{ SOL_IP, IP_NODEFRAG, 4 },
	{ SOL_IP, IP_MULTICAST_ALL, 4 },
	{ SOL_IP, IP_UNICAST_IF, 4 },
	{ SOL_IP, IP_LOCAL_PORT_RANGE, 4 },
	{ SOL_IP, IP_HDRINCL, 4 },
	{ SOL_IP, IP_PASSSEC, 4 },
	{ SOL_IP, IP_RECVERR_RFC4884, 4 },
	{ SOL_IP, IP_ROUTER_ALERT, 4 },
	{ SOL_IPV6, IPV6_MTU_DISCOVER, 4 },
	{ SOL_IPV6, IPV6_MULTICAST_IF, 4 },
	{ SOL_IPV6, IPV6_MULTICAST_ALL, 4 },
	{ SOL_IPV6, IPV6_UNICAST_IF, 4 },
	{ SOL_IPV6, IPV6_RECVPATHMTU, 4 },
	{ SOL_IPV6, IPV6_RECVHOPOPTS, 4 },
	{ SOL_IPV6, IPV6_RECVRTHDR, 4 },
	{ SOL_IPV6, IPV6_RECVDSTOPTS, 4 },
	{ SOL_IPV6, IPV6_RECVFRAGSIZE, 4 },
	{ SOL_IPV6, IPV6_RECVORIGDSTADDR, 4 },
	{ SOL_IPV6, IPV6_DONTFRAG, 4 },
	{ SOL_IPV6, IPV6_MINHOPCOUNT, 4 },
	{ SOL_IPV6, IPV6_FREEBIND, 4 },
	{ SOL_IPV6, IPV6_TRANSPARENT, 4 },
	{ SOL_IPV6, IPV6_AUTOFLOWLABEL, 4 },
	{ SOL_IPV6, IPV6_ADDR_PREFERENCES, 4 },
	{ SOL_IPV6, IPV6_2292PKTINFO, 4 },
	{ SOL_IPV6, IPV6_2292HOPLIMIT, 4 },
	{ SOL_IPV6, IPV6_2292HOPOPTS, 4 },
	{ SOL_IPV6, IPV6_2292RTHDR, 4 },
	{ SOL_IPV6, IPV6_2292DSTOPTS, 4 },
	{ SOL_IPV6, IPV6_FLOWINFO, 4 },
	{ SOL_IPV6, IPV6_FLOWINFO_SEND, 4 },
	{ SOL_IPV6, IPV6_ROUTER_ALERT_ISOLATE, 4 },
	{ SOL_IPV6, IPV6_HDRINCL, 4 },
	{ SOL_IPV6, IPV6_CHECKSUM, 4 },
	{ SOL_RAW, ICMP_FILTER, 4 },
	{ SOL_TCP, TCP_NODELAY, 4 },
	{ SOL_TCP, TCP_CORK, 4 },
	{ SOL_TCP, TCP_KEEPIDLE, 4 },
	{ SOL_TCP, TCP_KEEPINTVL, 4 },
	{ SOL_TCP, TCP_KEEPCNT, 4 },
	{ SOL_TCP, TCP_SYNCNT, 4 },
	{ SOL_TCP, TCP_LINGER2, 4 },
	{ SOL_TCP, TCP_DEFER_ACCEPT, 4 },
	{ SOL_TCP, TCP_USER_TIMEOUT, 4 },
	{ SOL_TCP, TCP_NOTSENT_LOWAT, 4 },
	{ SOL_TCP, TCP_INQ, 4 },
	{ SOL_TCP, TCP_FASTOPEN, 4 },
	{ SOL_TCP, TCP_FASTOPEN_CONNECT, 4 },
	{ SOL_TCP, TCP_FASTOPEN_NO_COOKIE, 4 },
	{ SOL_TCP, TCP_MAXSEG, 4 },
	{ SOL_TCP, TCP_WINDOW_CLAMP, 4 },
	{ SOL_TCP, TCP_QUICKACK, 4 },
	{ SOL_TCP, TCP_SAVE_SYN, 4 },
	{ SOL_TCP, TCP_THIN_LINEAR_TIMEOUTS, 4 },
	{ SOL_TCP, TCP_TX_DELAY, 4 },
	{ SOL_TCP, TCP_CONGESTION, 16 },
	{ SOL_UDP, UDP_CORK, 4 },
	{ SOL_UDP, UDP_NO_CHECK6_TX, 4 },
	{ SOL_UDP, UDP_NO_CHECK6_RX, 4 },
	{ SOL_UDP, UDP_SEGMENT, 4 },
	{ SOL_UDP, UDP_GRO, 4 },
	{ SOL_UDPLITE, UDPLITE_SEND_CSCOV, 4 },
	{ SOL_UDPLITE, UDPLITE_RECV_CSCOV, 4 },
};

static bool is_udp(const struct sock *sk)
{
	return (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) &&
	       sk->sk_type == SOCK_DGRAM &&
	       (sk->sk_protocol == IPPROTO_UDP || sk->sk_protocol == IPPROTO_UDPLITE);
}

/* It is told of a stream, but cannot be set. */
static bool is_not_for_streams(int level, int name)
{
	return (level == SOL_IP && name == IP_MULTICAST_TTL) ||
	       (level == SOL_IPV6 && (name == IPV6_MULTICAST_HOPS || name == IPV6_MULTICAST_IF));
}

static bool is_raw(const struct sock *sk)
{
	return sk->sk_type == SOCK_RAW;
}

/* What the TCP record has of a connection. */
static bool is_of_connection(const struct sock *sk, int name)
{
	if (name != TCP_MAXSEG && name != TCP_WINDOW_CLAMP && name != TCP_FASTOPEN_CONNECT &&
	    name != TCP_FASTOPEN_NO_COOKIE)
		return false;
	return sk->sk_state != TCP_LISTEN &&
	       (sk->sk_state != TCP_CLOSE || inet_sk(sk)->inet_dport || sk->sk_shutdown);
}

static bool applies_to_ipv6(const struct sock *sk, int name)
{
	return name == IPV6_HDRINCL || name == IPV6_CHECKSUM ? is_raw(sk) : true;
}

static bool applies(const struct sock *sk, int level, int name)
{
	if (sk->sk_type == SOCK_STREAM && is_not_for_streams(level, name))
		return false;
	if (sk->sk_family == AF_NETLINK || sk->sk_family == AF_PACKET)
		return level == SOL_SOCKET && name != SO_BINDTODEVICE;
	if (sk->sk_family == AF_UNIX && level == SOL_SOCKET && name == SO_BINDTODEVICE)
		return false;
	switch (level) {
	case SOL_SOCKET:
		return true;
	case SOL_IP:
		/* A socket of IPv6 may speak to addresses of IPv4. */
		return sk->sk_family == AF_INET || (sk->sk_family == AF_INET6 && !is_raw(sk));
	case SOL_IPV6:
		return sk->sk_family == AF_INET6 && applies_to_ipv6(sk, name);
	case SOL_RAW:
		return sk->sk_family == AF_INET && is_raw(sk) &&
		       inet_sk(sk)->inet_num == IPPROTO_ICMP;
	case SOL_TCP:
		return sk->sk_protocol == IPPROTO_TCP && sk->sk_family != AF_UNIX &&
		       !is_raw(sk) && !is_of_connection(sk, name);
	case SOL_UDP:
		return is_udp(sk);
	case SOL_UDPLITE:
		return is_udp(sk) && sk->sk_protocol == IPPROTO_UDPLITE;
	}
	return false;
}

static int read_udp_option(struct sock *sk, int name, int *value, int *len)
{
	struct udp_sock *up = udp_sk(sk);

	*len = sizeof(*value);
	switch (name) {
	case UDP_CORK:
		*value = udp_test_bit(CORK, sk);
		return 0;
	case UDP_NO_CHECK6_TX:
		*value = udp_get_no_check6_tx(sk);
		return 0;
	case UDP_NO_CHECK6_RX:
		*value = udp_get_no_check6_rx(sk);
		return 0;
	case UDP_SEGMENT:
		*value = READ_ONCE(up->gso_size);
		return 0;
	case UDP_GRO:
		*value = udp_test_bit(GRO_ENABLED, sk);
		return 0;
	case UDPLITE_SEND_CSCOV:
		*value = READ_ONCE(up->pcslen);
		return 0;
	case UDPLITE_RECV_CSCOV:
		*value = READ_ONCE(up->pcrlen);
		return 0;
	}
	return -ENOPROTOOPT;
}

static int read_raw_option(struct sock *sk, int level, int name, void *value, int *len)
{
	int *number = value;

	if (level == SOL_RAW) {
		*len = sizeof(raw_sk(sk)->filter);
		memcpy(value, &raw_sk(sk)->filter, *len);
		return 0;
	}
	*len = sizeof(*number);
	if (name == IPV6_HDRINCL)
		*number = inet_test_bit(HDRINCL, sk);
	else
		*number = raw6_sk(sk)->checksum ? raw6_sk(sk)->offset : -1;
	return 0;
}

static int read_option(struct sock *sk, int level, int name, void *value, int *len)
{
	sockptr_t to = KERNEL_SOCKPTR(value), to_len = KERNEL_SOCKPTR(len);

	switch (level) {
	case SOL_SOCKET:
		return sk_getsockopt(sk, level, name, to, to_len);
	case SOL_IP:
		return do_ip_getsockopt(sk, level, name, to, to_len);
	case SOL_IPV6:
		if (name == IPV6_HDRINCL || name == IPV6_CHECKSUM)
			return read_raw_option(sk, level, name, value, len);
		return do_ipv6_getsockopt(sk, level, name, to, to_len);
	case SOL_RAW:
		return read_raw_option(sk, level, name, value, len);
	case SOL_TCP:
		/* getsockopt(2) tells what goes into a segment now. */
		if (name == TCP_MAXSEG) {
			*(int *)value = READ_ONCE(tcp_sk(sk)->rx_opt.user_mss);
			*len = sizeof(int);
			return 0;
		}
		return do_tcp_getsockopt(sk, level, name, to, to_len);
	case SOL_UDP:
	case SOL_UDPLITE:
		return read_udp_option(sk, name, value, len);
	}
	return -ENOPROTOOPT;
}

/* TCP chooses sizes as it goes, unless they are asked for; others have the default. */
static bool is_chosen_by_kernel(const struct sock *sk, int level, int name)
{
	bool is_tcp = sk_is_tcp(sk);

	if (level != SOL_SOCKET)
		return false;
	if (name == SO_SNDBUF)
		return !(sk->sk_userlocks & SOCK_SNDBUF_LOCK) &&
		       (is_tcp || sk->sk_sndbuf == READ_ONCE(sysctl_wmem_default));
	if (name == SO_RCVBUF)
		return !(sk->sk_userlocks & SOCK_RCVBUF_LOCK) &&
		       (is_tcp || sk->sk_rcvbuf == READ_ONCE(sysctl_rmem_default));
	return false;
}

/**
 * ckpt_sock_options - what options a socket has
 * @ctx:	the checkpoint
 * @sk:		the socket
 * @options:	where they go
 * @max:	how many there is room for
 *
 * Return: their number, or a negative error.
 */
int ckpt_sock_options(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_sockopt *options,
		      unsigned int max)
{
	unsigned int i, nr = 0;
	int ret;

	BUILD_BUG_ON(ARRAY_SIZE(known) > 160);
	for (i = 0; i < ARRAY_SIZE(known) && nr < max; i++) {
		struct ckpt_sockopt *o = &options[nr];
		int len = known[i].len;

		if (!applies(sk, known[i].level, known[i].name) ||
		    is_chosen_by_kernel(sk, known[i].level, known[i].name))
			continue;
		memset(o, 0, sizeof(*o));
		if (read_option(sk, known[i].level, known[i].name, o->value, &len) ||
		    len > known[i].len || !len)
			continue;
		o->level = known[i].level;
		o->name = known[i].name;
		o->len = len;
		nr++;
	}
	ret = ckpt_sock_long_options(ctx, sk, options, nr, max);
	if (ret < 0)
		return ret;
	nr = ret;
	switch (sk->sk_family) {
	case AF_INET:
	case AF_INET6:
		return ckpt_inet_groups(ctx, sk, options, nr, max);
	case AF_NETLINK:
		return ckpt_netlink_options(ctx, sk, options, nr, max);
#if IS_BUILTIN(CONFIG_PACKET)
	case AF_PACKET:
		return ckpt_packet_options(sk, options, nr, max);
#endif
	}
	return nr;
}

static int set_buffer(struct socket *sock, const struct ckpt_sockopt *o)
{
	int name = o->name == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE;
	int value = *(const int *)o->value / 2, now, len = sizeof(now), ret;

	/* setsockopt(2) doubles it. */
	ret = do_sock_setsockopt(sock, false, SOL_SOCKET, o->name, KERNEL_SOCKPTR(&value),
				 sizeof(value));
	if (!ret)
		ret = read_option(sock->sk, SOL_SOCKET, o->name, &now, &len);
	if (!ret && now < *(const int *)o->value)
		ret = do_sock_setsockopt(sock, false, SOL_SOCKET, name, KERNEL_SOCKPTR(&value),
					 sizeof(value));
	return ret;
}

static int set_option(struct ckpt_ctx *ctx, struct socket *sock, const struct ckpt_sockopt *o)
{
	u8 now[CKPT_SOCKOPT_BYTES] = {}, value[CKPT_SOCKOPT_BYTES];
	int len = o->len, ret;

	if (ckpt_is_inet_group(sock->sk, o)) {
		ret = restore_inet_group(sock, o);
		return ret ? ckpt_err(ctx, ret, "cannot join a multicast group (error %d)", ret) :
			     0;
	}
	/* The congestion control takes a string that it may end. */
	memcpy(value, o->value, sizeof(value));
	if (!read_option(sock->sk, o->level, o->name, now, &len) && len == o->len &&
	    !memcmp(now, value, len))
		return 0;
	if (o->level == SOL_SOCKET && (o->name == SO_SNDBUF || o->name == SO_RCVBUF))
		ret = set_buffer(sock, o);
	else
		ret = do_sock_setsockopt(sock, false, o->level, o->name, KERNEL_SOCKPTR(value),
					 o->len);
	return ret ? ckpt_err(ctx, ret, "cannot set option %u of level %u of a socket (error %d)",
			      o->name, o->level, ret) : 0;
}

static bool is_known(const struct sock *sk, const struct ckpt_sockopt *o)
{
	unsigned int i;

	if (ckpt_is_inet_group(sk, o))
		return true;
	if (o->level == SOL_NETLINK)
		return sk->sk_family == AF_NETLINK && o->len == 4 && !o->device &&
		       ckpt_netlink_knows(o->name);
#if IS_BUILTIN(CONFIG_PACKET)
	if (o->level == SOL_PACKET)
		return sk->sk_family == AF_PACKET && !o->device && o->len &&
		       o->len == ckpt_packet_knows(o->name);
#endif
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].level == o->level && known[i].name == o->name)
			return o->len && o->len <= known[i].len && !o->device &&
			       applies(sk, o->level, o->name);
	return false;
}

/**
 * restore_sock_options - set options as they were
 * @ctx:	the restart
 * @sock:	the socket
 * @options:	what the image says
 * @nr:		their number
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_sock_options(struct ckpt_ctx *ctx, struct socket *sock,
			 const struct ckpt_sockopt *options, unsigned int nr)
{
	unsigned int i = 0;
	int ret = 0;

	while (i < nr && ret >= 0) {
		const struct ckpt_sockopt *o = &options[i];

		if (ckpt_is_long_option(sock->sk, o)) {
			ret = restore_sock_long_option(ctx, sock, o, nr - i);
			i += max(ret, 0);
			continue;
		}
		if (!is_known(sock->sk, o))
			return ckpt_err(ctx, -EINVAL, "a socket with unknown option %u of level %u",
					o->name, o->level);
		ret = set_option(ctx, sock, o);
		i++;
	}
	return min(ret, 0);
}
