// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of datagrams that a socket has received and nobody has read.
 * A restart makes the headers again that recvmsg(2) looks at, and queues them past
 * the network.
 */
#include <linux/checkpoint_net.h>
#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/udp.h>

static bool is_udp(const struct sock *sk)
{
	return (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) &&
	       sk->sk_type == SOCK_DGRAM &&
	       (sk->sk_protocol == IPPROTO_UDP || sk->sk_protocol == IPPROTO_UDPLITE);
}

/* Of ICMP: what it has received begins with the header of that. */
static bool is_ping(const struct sock *sk)
{
	return (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) &&
	       sk->sk_type == SOCK_DGRAM &&
	       (sk->sk_protocol == IPPROTO_ICMP || sk->sk_protocol == IPPROTO_ICMPV6);
}

static void describe(const struct sock *sk, const struct sk_buff *skb, struct ckpt_datagram *d)
{
	if (is_udp(sk)) {
		d->from_port = ntohs(udp_hdr(skb)->source);
		d->to_port = ntohs(udp_hdr(skb)->dest);
	}
	d->tstamp_ns = ktime_to_ns(skb->tstamp);
	if (skb->protocol == htons(ETH_P_IP)) {
		const struct iphdr *ip = ip_hdr(skb);

		d->version = 4;
		memcpy(d->from_addr, &ip->saddr, sizeof(ip->saddr));
		memcpy(d->to_addr, &ip->daddr, sizeof(ip->daddr));
		d->tos = ip->tos;
		d->ttl = ip->ttl;
		d->device = PKTINFO_SKB_CB(skb)->ipi_ifindex;
		d->spec_dst = (__force u32)PKTINFO_SKB_CB(skb)->ipi_spec_dst.s_addr;
	} else {
		const struct ipv6hdr *ip = ipv6_hdr(skb);

		d->version = 6;
		memcpy(d->from_addr, &ip->saddr, sizeof(ip->saddr));
		memcpy(d->to_addr, &ip->daddr, sizeof(ip->daddr));
		d->flowinfo = ntohl(ip6_flowinfo(ip));
		d->ttl = ip->hop_limit;
		d->device = IP6CB(skb)->iif;
	}
}

static int write_datagram(struct ckpt_ctx *ctx, const struct sock *sk, struct sk_buff *skb,
			  u32 objref)
{
	struct ckpt_datagram *d;
	int ret;

	if (skb_is_gso(skb))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "datagrams that were received in one piece (UDP_GRO): not supported");
	d = kvzalloc(sizeof(*d) + skb->len, GFP_KERNEL_ACCOUNT);
	if (!d)
		return -ENOMEM;
	describe(sk, skb, d);
	ret = skb_copy_bits(skb, 0, d + 1, skb->len);
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_SOCKET_DGRAM, objref, d, sizeof(*d) + skb->len);
	kvfree(d);
	return ret;
}

/**
 * checkpoint_datagrams - write what a socket of UDP, or for pings, has received
 * @ctx:	the checkpoint
 * @sk:		the socket
 * @objref:	of the socket
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_datagrams(struct ckpt_ctx *ctx, struct sock *sk, u32 objref)
{
	int ret = 0;

	/* Those that came first are in the queue of who reads. */
	if (is_udp(sk))
		ret = ckpt_write_queue(ctx, sk, &udp_sk(sk)->reader_queue, objref, write_datagram);
	return ret ?: ckpt_write_queue(ctx, sk, &sk->sk_receive_queue, objref, write_datagram);
}

static void put_v4(struct sk_buff *skb, const struct ckpt_datagram *d, size_t len, u8 protocol)
{
	struct iphdr *ip = skb_put_zero(skb, sizeof(*ip));

	skb->protocol = htons(ETH_P_IP);
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tot_len = htons(sizeof(*ip) + len);
	ip->protocol = protocol;
	ip->tos = d->tos;
	ip->ttl = d->ttl;
	memcpy(&ip->saddr, d->from_addr, sizeof(ip->saddr));
	memcpy(&ip->daddr, d->to_addr, sizeof(ip->daddr));
	PKTINFO_SKB_CB(skb)->ipi_ifindex = d->device;
	PKTINFO_SKB_CB(skb)->ipi_spec_dst.s_addr = (__force __be32)d->spec_dst;
}

static void put_v6(struct sk_buff *skb, const struct ckpt_datagram *d, size_t len, u8 protocol)
{
	struct ipv6hdr *ip = skb_put_zero(skb, sizeof(*ip));

	skb->protocol = htons(ETH_P_IPV6);
	*(__be32 *)ip = htonl(0x60000000 | d->flowinfo);
	ip->payload_len = htons(len);
	ip->nexthdr = protocol;
	ip->hop_limit = d->ttl;
	memcpy(&ip->saddr, d->from_addr, sizeof(ip->saddr));
	memcpy(&ip->daddr, d->to_addr, sizeof(ip->daddr));
	IP6CB(skb)->iif = d->device;
	IP6CB(skb)->nhoff = offsetof(struct ipv6hdr, nexthdr);
}

static void put_udp(struct sk_buff *skb, const struct ckpt_datagram *d, size_t len)
{
	struct udphdr *udp = skb_put_zero(skb, sizeof(*udp));

	udp->source = htons(d->from_port);
	udp->dest = htons(d->to_port);
	udp->len = htons(sizeof(*udp) + len);
}

static struct sk_buff *make_datagram(const struct sock *sk, const struct ckpt_datagram *d,
				     const void *data, size_t len)
{
	size_t udp = is_udp(sk) ? sizeof(struct udphdr) : 0;
	size_t room = (d->version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) + udp;
	size_t head = room + len <= SKB_WITH_OVERHEAD(PAGE_SIZE) ? len : 0;
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(room + head, len - head, 0, &err, GFP_KERNEL_ACCOUNT);
	if (!skb)
		return NULL;
	skb_reset_network_header(skb);
	if (d->version == 4)
		put_v4(skb, d, udp + len, sk->sk_protocol);
	else
		put_v6(skb, d, udp + len, sk->sk_protocol);
	skb_set_transport_header(skb, skb->len);
	if (udp)
		put_udp(skb, d, len);
	skb_put(skb, head);
	skb->data_len = len - head;
	skb->len += len - head;
	__skb_pull(skb, room);
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	skb->tstamp = ns_to_ktime(d->tstamp_ns);
	skb->skb_iif = d->device;
	if (skb_store_bits(skb, 0, data, len)) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

/* It has fitted before, and may be laid out less well now: to a limit. */
static int queue_datagram(struct sock *sk, struct sk_buff *skb)
{
	unsigned int rcvbuf = READ_ONCE(sk->sk_rcvbuf);
	unsigned int want = atomic_read(&sk->sk_rmem_alloc) + skb->truesize;
	int ret = -ENOBUFS;

	lock_sock(sk);
	if (want <= rcvbuf || want / 2 <= rcvbuf) {
		WRITE_ONCE(sk->sk_rcvbuf, max(want, rcvbuf));
		local_bh_disable();
		ret = is_udp(sk) ? __udp_enqueue_schedule_skb(sk, skb) :
				   __sock_queue_rcv_skb(sk, skb);
		local_bh_enable();
		WRITE_ONCE(sk->sk_rcvbuf, rcvbuf);
	}
	release_sock(sk);
	if (ret)
		kfree_skb(skb);
	return ret;
}

static int restore_inet_datagram(struct ckpt_ctx *ctx, struct sock *sk,
				 const struct ckpt_datagram *d, size_t len)
{
	struct sk_buff *skb;
	int ret;

	if (!(d->version == 4 || (d->version == 6 && sk->sk_family == AF_INET6)) ||
	    len > U16_MAX - sizeof(struct udphdr) || d->tos > U8_MAX || d->ttl > U8_MAX ||
	    d->flowinfo & ~0x0fffffffU || d->device > INT_MAX || d->group || d->tstamp_ns < 0)
		return ckpt_err(ctx, -EINVAL, "a datagram that it cannot have received");
	/* Whatever reads it looks at this header first. */
	if (is_ping(sk) && (len < sizeof(struct icmphdr) || d->from_port || d->to_port ||
			    d->version != (sk->sk_protocol == IPPROTO_ICMP ? 4 : 6)))
		return ckpt_err(ctx, -EINVAL, "an answer to a ping that cannot be");
	skb = make_datagram(sk, d, d + 1, len);
	if (!skb)
		return -ENOMEM;
	ret = queue_datagram(sk, skb);
	return ret ? ckpt_err(ctx, ret, "cannot queue a datagram (error %d)", ret) : 0;
}

/**
 * restore_socket_dgram_rec - put a datagram into the queue of its socket
 * @ctx:	the restart
 * @rec:	the SOCKET_DGRAM record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_socket_dgram_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_datagram *d;
	struct sock *sk;
	size_t len;
	int ret;

	d = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*d), sizeof(*d) + SZ_256K);
	if (IS_ERR(d))
		return PTR_ERR(d);
	len = rec->len - sizeof(*d);
	sk = restored_sock_of(ctx, rec->objref);
	if (IS_ERR(sk))
		ret = PTR_ERR(sk);
	else if (is_udp(sk) || is_ping(sk))
		ret = restore_inet_datagram(ctx, sk, d, len);
	else if (sk->sk_family == AF_NETLINK)
		ret = restore_netlink_msg(ctx, sk, d, len);
	else
		ret = ckpt_err(ctx, -EINVAL, "objref %u receives no datagrams", rec->objref);
	kvfree(d);
	return ret;
}
