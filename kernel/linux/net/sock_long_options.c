// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of socket options that are longer than others: IP options,
 * extension headers of IPv6, a filter. Each takes several struct ckpt_sockopt in
 * a row, which say which piece of it they hold.
 */
#include <linux/checkpoint_net.h>
#include <linux/icmpv6.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/net.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/rawv6.h>
#include <net/sock.h>

#define MAX_BYTES	512

static const struct {
	u16 level;
	u16 name;
} known[] = {
	{ SOL_ICMPV6, ICMPV6_FILTER },
	{ SOL_IP, IP_OPTIONS },
	{ SOL_IPV6, IPV6_PKTINFO },
	{ SOL_IPV6, IPV6_HOPOPTS },
	{ SOL_IPV6, IPV6_RTHDRDSTOPTS },
	{ SOL_IPV6, IPV6_RTHDR },
	{ SOL_IPV6, IPV6_DSTOPTS },
};

static bool applies(const struct sock *sk, int level)
{
	if (level == SOL_IP)
		return sk->sk_family == AF_INET || sk->sk_family == AF_INET6;
	if (level == SOL_ICMPV6)
		return sk->sk_family == AF_INET6 && sk->sk_type == SOCK_RAW &&
		       inet_sk(sk)->inet_num == IPPROTO_ICMPV6;
	return sk->sk_family == AF_INET6;
}

static int copy_if_set(void *value, int *len, const void *from, int size, bool is_set)
{
	*len = is_set ? size : 0;
	memcpy(value, from, *len);
	return 0;
}

/* Those that getsockopt(2) does not tell of are read where they are. */
static int read_one(struct sock *sk, int level, int name, void *value, int *len)
{
	sockptr_t to = KERNEL_SOCKPTR(value), to_len = KERNEL_SOCKPTR(len);

	if (level == SOL_ICMPV6)
		return copy_if_set(value, len, &raw6_sk(sk)->filter,
				   sizeof(raw6_sk(sk)->filter), true);
	if (level == SOL_IP)
		return do_ip_getsockopt(sk, level, name, to, to_len);
	if (name == IPV6_PKTINFO)
		return copy_if_set(value, len, &inet6_sk(sk)->sticky_pktinfo,
				   sizeof(inet6_sk(sk)->sticky_pktinfo),
				   inet6_sk(sk)->sticky_pktinfo.ipi6_ifindex);
	return do_ipv6_getsockopt(sk, level, name, to, to_len);
}

static int add_pieces(struct ckpt_sockopt *to, unsigned int nr, unsigned int max, int level,
		      int name, const u8 *value, int len)
{
	int at, piece = 0;

	for (at = 0; at < len; at += CKPT_SOCKOPT_BYTES) {
		struct ckpt_sockopt *o = &to[nr];

		if (nr++ == max)
			return -E2BIG;
		*o = (struct ckpt_sockopt) {
			.level = level, .name = name, .device = piece++,
			.len = min(len - at, CKPT_SOCKOPT_BYTES),
		};
		memcpy(o->value, value + at, o->len);
	}
	return nr;
}

/**
 * ckpt_sock_long_options - what long options a socket has
 * @ctx:	the checkpoint
 * @sk:		the socket
 * @options:	where they go
 * @nr:		how many others there are already
 * @max:	how many there is room for
 *
 * Return: how many there are then, or a negative error.
 */
int ckpt_sock_long_options(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_sockopt *options,
			   unsigned int nr, unsigned int max)
{
	u8 *value;
	int ret = nr;
	unsigned int i;

	if (sk->sk_family != AF_INET && sk->sk_family != AF_INET6)
		return nr;
	/* An extension header has 2048 bytes at most. */
	value = kmalloc(SZ_4K, GFP_KERNEL_ACCOUNT);
	if (!value)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(known) && ret >= 0; i++) {
		int len = SZ_4K;

		if (!applies(sk, known[i].level) ||
		    read_one(sk, known[i].level, known[i].name, value, &len) || len <= 0)
			continue;
		if (len > MAX_BYTES)
			ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
					    "a socket with %d bytes of option %u of level %u: not supported",
					    len, known[i].name, known[i].level);
		else
			ret = add_pieces(options, ret, max, known[i].level, known[i].name,
					 value, len);
	}
	kfree(value);
	return ret;
}

/**
 * ckpt_is_long_option - is it a piece of a long option that such a socket may have?
 * @sk:		the socket
 * @o:		what the image says
 *
 * Return: true if it is.
 */
bool ckpt_is_long_option(const struct sock *sk, const struct ckpt_sockopt *o)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].level == o->level && known[i].name == o->name)
			return applies(sk, o->level);
	return false;
}

/**
 * restore_sock_long_option - set a long option
 * @ctx:	the restart
 * @sock:	the socket
 * @options:	its first piece; the others follow
 * @nr:		how many options there are
 *
 * Return: how many pieces it had, or a negative error, which has been logged.
 */
int restore_sock_long_option(struct ckpt_ctx *ctx, struct socket *sock,
			     const struct ckpt_sockopt *options, unsigned int nr)
{
	u8 value[MAX_BYTES];
	unsigned int i, len = 0;
	int ret;

	for (i = 0; i < nr && options[i].level == options->level &&
	     options[i].name == options->name && options[i].device == i; i++) {
		if (!options[i].len || options[i].len > CKPT_SOCKOPT_BYTES ||
		    len % CKPT_SOCKOPT_BYTES || len + options[i].len > sizeof(value))
			break;
		memcpy(value + len, options[i].value, options[i].len);
		len += options[i].len;
	}
	if (!i)
		return ckpt_err(ctx, -EINVAL, "a socket with option %u of level %u in pieces",
				options->name, options->level);
	ret = do_sock_setsockopt(sock, false, options->level, options->name,
				 KERNEL_SOCKPTR(value), len);
	return ret ? ckpt_err(ctx, ret, "cannot set option %u of level %u of a socket (error %d)",
			      options->name, options->level, ret) : i;
}
