// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of what a socket has been told of what it sent, and nobody has
 * read (MSG_ERRQUEUE): errors, time stamps, buffers of MSG_ZEROCOPY that are free
 * again. A restart makes the headers again that recvmsg(2) looks at.
 */
#include <linux/checkpoint_net.h>
#include <linux/errqueue.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>

static bool has_address(const struct sock_exterr_skb *e)
{
	return e->ee.ee_origin == SO_EE_ORIGIN_ICMP || e->ee.ee_origin == SO_EE_ORIGIN_ICMP6 ||
	       e->ee.ee_origin == SO_EE_ORIGIN_LOCAL || e->port;
}

static u32 version_of(const struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		return 4;
	return skb->protocol == htons(ETH_P_IPV6) ? 6 : 0;
}

static size_t header_len(u32 version)
{
	if (!version)
		return 0;
	return version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static void describe(struct sk_buff *skb, struct ckpt_report *r)
{
	const struct sock_exterr_skb *e = SKB_EXT_ERR(skb);
	const u8 *header = skb_network_header(skb);
	const u8 *addr = header + e->addr_offset;

	r->error = e->ee.ee_errno;
	r->origin = e->ee.ee_origin;
	r->type = e->ee.ee_type;
	r->code = e->ee.ee_code;
	r->info = e->ee.ee_info;
	r->data = e->ee.ee_data;
	r->flags = e->opt_stats ? CKPT_REPORT_STATS : 0;
	r->tstamp_ns = ktime_to_ns(skb->tstamp);
	r->hwtstamp_ns = ktime_to_ns(skb_hwtstamps(skb)->hwtstamp);
	r->version = version_of(skb);
	if (has_address(e)) {
		r->port = ntohs(e->port);
		memcpy(r->addr, addr, r->version == 6 ? sizeof(struct in6_addr) : sizeof(__be32));
		if (r->version == 6)
			r->flowinfo = ntohl(ip6_flowinfo(container_of((const struct in6_addr *)addr,
								      struct ipv6hdr, daddr)));
	}
	/* What came from the network, or is of the network. */
	if (e->ee.ee_origin == SO_EE_ORIGIN_LOCAL || e->ee.ee_origin == SO_EE_ORIGIN_ZEROCOPY)
		return;
	r->device = e->header.h4.iif;
	if (r->version == 4)
		r->spec_dst = (__force u32)PKTINFO_SKB_CB(skb)->ipi_spec_dst.s_addr;
	if (header + header_len(r->version) <= skb_tail_pointer(skb))
		memcpy(r->header, header, header_len(r->version));
}

static int write_report(struct ckpt_ctx *ctx, const struct sock *sk, struct sk_buff *skb,
			u32 objref)
{
	struct ckpt_report *r = kvzalloc(sizeof(*r) + skb->len, GFP_KERNEL_ACCOUNT);
	int ret;

	if (!r)
		return -ENOMEM;
	describe(skb, r);
	ret = skb_copy_bits(skb, 0, r + 1, skb->len);
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_SOCKET_REPORT, objref, r,
				     sizeof(*r) + skb->len);
	kvfree(r);
	return ret;
}

/**
 * checkpoint_reports - write what a socket of IP has been told of what it sent
 * @ctx:	the checkpoint
 * @sk:		the socket
 * @objref:	of the socket
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_reports(struct ckpt_ctx *ctx, struct sock *sk, u32 objref)
{
	return ckpt_write_queue(ctx, sk, &sk->sk_error_queue, objref, write_report);
}

/* Two headers: of what told it, and of what it speaks of. */
static struct sk_buff *make_report(const struct ckpt_report *r, size_t len)
{
	struct sk_buff *skb = alloc_skb(2 * sizeof(struct ipv6hdr) + len, GFP_KERNEL_ACCOUNT);
	struct sock_exterr_skb *e;
	struct ipv6hdr *about;

	if (!skb)
		return NULL;
	skb_reset_network_header(skb);
	skb_put_data(skb, r->header, sizeof(r->header));
	about = skb_put_zero(skb, sizeof(*about));
	*(__be32 *)about = htonl(r->flowinfo);
	memcpy(&about->daddr, r->addr, sizeof(about->daddr));
	skb_set_transport_header(skb, skb->len);
	skb_put_data(skb, r + 1, len);
	__skb_pull(skb, 2 * sizeof(struct ipv6hdr));
	if (r->version)
		skb->protocol = htons(r->version == 4 ? ETH_P_IP : ETH_P_IPV6);
	skb->tstamp = ns_to_ktime(r->tstamp_ns);
	skb_hwtstamps(skb)->hwtstamp = ns_to_ktime(r->hwtstamp_ns);

	e = SKB_EXT_ERR(skb);
	memset(e, 0, sizeof(*e));
	e->header.h4.iif = r->device;
	if (r->version == 4)
		PKTINFO_SKB_CB(skb)->ipi_spec_dst.s_addr = (__force __be32)r->spec_dst;
	e->ee = (struct sock_extended_err) {
		.ee_errno = r->error, .ee_origin = r->origin, .ee_type = r->type,
		.ee_code = r->code, .ee_info = r->info, .ee_data = r->data,
	};
	e->addr_offset = sizeof(struct ipv6hdr) + offsetof(struct ipv6hdr, daddr);
	e->port = htons(r->port);
	e->opt_stats = !!(r->flags & CKPT_REPORT_STATS);
	return skb;
}

/* It has fitted before, and may be laid out less well now: to a limit. */
static int queue_report(struct sock *sk, struct sk_buff *skb)
{
	unsigned int rcvbuf = READ_ONCE(sk->sk_rcvbuf);
	unsigned int want = atomic_read(&sk->sk_rmem_alloc) + skb->truesize + 1;
	int ret = -ENOBUFS;

	lock_sock(sk);
	if (want <= rcvbuf || want / 2 <= rcvbuf) {
		WRITE_ONCE(sk->sk_rcvbuf, max(want, rcvbuf));
		ret = sock_queue_err_skb(sk, skb);
		WRITE_ONCE(sk->sk_rcvbuf, rcvbuf);
	}
	release_sock(sk);
	if (ret)
		kfree_skb(skb);
	return ret;
}

static bool is_possible(const struct sock *sk, const struct ckpt_report *r)
{
	return (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) &&
	       (!r->version || r->version == 4 || (r->version == 6 && sk->sk_family == AF_INET6)) &&
	       r->error <= MAX_ERRNO && r->origin <= U8_MAX && r->type <= U8_MAX &&
	       r->code <= U8_MAX && r->port <= U16_MAX && r->device <= INT_MAX &&
	       !(r->flags & ~CKPT_REPORT_FLAGS_ALL) && !(r->flowinfo & ~0x0fffffffU) &&
	       r->tstamp_ns >= 0 && r->hwtstamp_ns >= 0;
}

/**
 * restore_socket_report_rec - tell a socket again what it had been told
 * @ctx:	the restart
 * @rec:	the SOCKET_REPORT record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_socket_report_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_report *r;
	struct sk_buff *skb;
	struct sock *sk;
	int ret;

	r = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*r), sizeof(*r) + SZ_256K);
	if (IS_ERR(r))
		return PTR_ERR(r);
	sk = restored_sock_of(ctx, rec->objref);
	ret = PTR_ERR_OR_ZERO(sk);
	if (!ret && !is_possible(sk, r))
		ret = ckpt_err(ctx, -EINVAL, "a report (MSG_ERRQUEUE) that cannot be");
	if (!ret) {
		skb = make_report(r, rec->len - sizeof(*r));
		ret = skb ? queue_report(sk, skb) : -ENOMEM;
		if (ret)
			ckpt_err(ctx, ret, "cannot queue a report (MSG_ERRQUEUE) (error %d)", ret);
	}
	kvfree(r);
	return ret;
}
