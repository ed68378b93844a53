// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint of TCP connections: what they know, and what is in their queues.
 *
 * All connections of the tree are held still at the same time, before the first
 * is written: what comes in meanwhile waits in the backlog and is not acknowledged,
 * and timers wait. So what one end has been told was received is in the image of the
 * other, and what a peer outside sends is either in the image or sent again.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_net.h>
#include <linux/lockdep.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <net/inet_connection_sock.h>
#include <net/sock.h>
#include <net/tcp.h>

#define DATA_BYTES	(256 * 1024)

/* A connection that is held still. */
struct held_tcp {
	struct list_head list;
	struct sock *sk;		/* held */
	struct sock *listener;		/* held: where it waits to be accepted */
	bool alone;			/* its other end is not in the image */
	bool is_deaf;			/* what comes in is dropped */
};

/* The owner is not this task, which may return to user mode meanwhile, but the list. */
static void own(struct sock *sk)
{
	lock_sock(sk);
	mutex_release(&sk->sk_lock.dep_map, _RET_IP_);
}

static void disown(struct sock *sk)
{
	mutex_acquire(&sk->sk_lock.dep_map, 0, 0, _RET_IP_);
	release_sock(sk);
}

static void put_held(struct held_tcp *held)
{
	list_del(&held->list);
	sock_put(held->sk);
	if (held->listener)
		sock_put(held->listener);
	kfree(held);
}

/**
 * ckpt_tcp_let_go - connections go on, with what has come in meanwhile
 * @list:	the connections that are held still
 */
void ckpt_tcp_let_go(struct list_head *list)
{
	struct held_tcp *held, *tmp;

	list_for_each_entry_safe(held, tmp, list, list) {
		disown(held->sk);
		put_held(held);
	}
}

/* It has not been acknowledged. */
static void drop_backlog(struct sock *sk)
{
	struct sk_buff *skb, *next;

	spin_lock_bh(&sk->sk_lock.slock);
	skb = sk->sk_backlog.head;
	sk->sk_backlog.head = NULL;
	sk->sk_backlog.tail = NULL;
	sk->sk_backlog.len = 0;
	spin_unlock_bh(&sk->sk_lock.slock);
	for (; skb; skb = next) {
		next = skb->next;
		skb_mark_not_on_list(skb);
		kfree_skb(skb);
	}
}

/**
 * tcp_take_from_listener - a connection is not its listener's any more, whose end would be its own
 * @listener:	where it waits to be accepted
 * @sk:		the connection, which is locked
 */
void tcp_take_from_listener(struct sock *listener, struct sock *sk)
{
	struct request_sock_queue *queue = &inet_csk(listener)->icsk_accept_queue;
	struct request_sock *req, *prev = NULL;

	spin_lock_bh(&queue->rskq_lock);
	for (req = queue->rskq_accept_head; req && req->sk != sk; req = req->dl_next)
		prev = req;
	if (req) {
		if (prev)
			prev->dl_next = req->dl_next;
		else
			WRITE_ONCE(queue->rskq_accept_head, req->dl_next);
		if (queue->rskq_accept_tail == req)
			queue->rskq_accept_tail = prev;
		sk_acceptq_removed(listener);
	}
	spin_unlock_bh(&queue->rskq_lock);
	if (!req)
		return;
	req->sk = NULL;
	reqsk_put(req);
	sock_orphan(sk);
	tcp_orphan_count_inc();
}

/* If both ends are gone nobody will ask. */
static bool is_missed(const struct held_tcp *held)
{
	return held->alone && held->sk->sk_state != TCP_CLOSE && held->sk->sk_state != TCP_SYN_SENT;
}

/* Until what was let in before is in the backlogs, too. */
static void deafen(struct list_head *list)
{
	struct held_tcp *held;
	bool any = false;

	list_for_each_entry(held, list, list) {
		if (!is_missed(held))
			continue;
		mutex_acquire(&held->sk->sk_lock.dep_map, 0, 0, _RET_IP_);
		held->is_deaf = !tcp_drop_all(held->sk);
		mutex_release(&held->sk->sk_lock.dep_map, _RET_IP_);
		any |= held->is_deaf;
	}
	if (any)
		synchronize_net();
}

/**
 * ckpt_tcp_silence - the tree is about to be killed; no peer is to hear of it
 * @list:	its connections, which are held still
 */
void ckpt_tcp_silence(struct list_head *list)
{
	struct held_tcp *held, *tmp;

	deafen(list);
	list_for_each_entry_safe(held, tmp, list, list) {
		struct sock *sk = held->sk;

		mutex_acquire(&sk->sk_lock.dep_map, 0, 0, _RET_IP_);
		drop_backlog(sk);
		if (held->listener)
			tcp_take_from_listener(held->listener, sk);
		if (!held->is_deaf || !tcp_keep_silent(sk))
			tcp_destroy_silently(sk);
		release_sock(sk);
		put_held(held);
	}
}

/**
 * ckpt_tcp_obstacle - why a TCP socket cannot be in an image
 * @ctx:	the checkpoint
 * @sk:		the socket
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_tcp_obstacle(struct ckpt_ctx *ctx, struct sock *sk)
{
	if (inet_csk(sk)->icsk_ulp_ops)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a TCP socket with a protocol on top (TCP_ULP): not supported");
#ifdef CONFIG_TCP_MD5SIG
	if (rcu_access_pointer(tcp_sk(sk)->md5sig_info))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a TCP socket with keys (TCP_MD5SIG): not supported");
#endif
	if (sk->sk_state == TCP_LISTEN || sk->sk_state == TCP_CLOSE)
		return 0;
	if (sk->sk_state == TCP_SYN_RECV || sk->sk_state == TCP_NEW_SYN_RECV)
		return ckpt_obstacle(ctx, -EAGAIN,
				     "a TCP connection that is being accepted; try again");
	/* Who has an image can take the connection over. */
	if (!ns_capable(sock_net(sk)->user_ns, CAP_NET_ADMIN))
		return ckpt_obstacle(ctx, -EPERM,
				     "a TCP connection: this needs CAP_NET_ADMIN");
	return 0;
}

static bool end_is_to_be_sent(const struct sock *sk)
{
	return (1 << sk->sk_state) & (TCPF_FIN_WAIT1 | TCPF_LAST_ACK | TCPF_CLOSING);
}

static void describe_addresses(const struct sock *sk, struct ckpt_tcp *rec)
{
	const struct inet_sock *inet = inet_sk(sk);

	if (sk->sk_family == AF_INET) {
		memcpy(rec->local_addr, &inet->inet_saddr, sizeof(__be32));
		memcpy(rec->remote_addr, &inet->inet_daddr, sizeof(__be32));
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		memcpy(rec->local_addr, &sk->sk_v6_rcv_saddr, sizeof(struct in6_addr));
		memcpy(rec->remote_addr, &sk->sk_v6_daddr, sizeof(struct in6_addr));
	}
#endif
	rec->local_port = ntohs(inet->inet_sport);
	rec->remote_port = ntohs(inet->inet_dport);
}

static void describe_options(const struct sock *sk, struct ckpt_tcp *rec)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct tcp_options_received *o = &tp->rx_opt;

	rec->flags = (o->sack_ok ? CKPT_TCP_SACK : 0) |
		     (o->tstamp_ok ? CKPT_TCP_TIMESTAMPS : 0) |
		     (o->wscale_ok ? CKPT_TCP_WSCALE : 0) |
		     (tp->ecn_flags & TCP_ECN_OK ? CKPT_TCP_ECN : 0) |
		     (sock_flag(sk, SOCK_DONE) ? CKPT_TCP_END_READ : 0) |
		     (sk->sk_socket && test_bit(SOCK_NOSPACE, &sk->sk_socket->flags) ?
		      CKPT_TCP_NOSPACE : 0) |
		     (sk->sk_reuse ? CKPT_TCP_REUSE : 0) |
		     (sk->sk_reuseport ? CKPT_TCP_REUSEPORT : 0) |
		     (sk->sk_socket && sk->sk_socket->state == SS_CONNECTING ?
		      CKPT_TCP_CONNECTING : 0);
	rec->mss_clamp = o->mss_clamp;
	rec->user_mss = o->user_mss;
	if (o->wscale_ok) {
		rec->snd_wscale = o->snd_wscale;
		rec->rcv_wscale = o->rcv_wscale;
	}
	rec->timestamp = tcp_clock_ts(tp->tcp_usec_ts) + tp->tsoffset;
	rec->ts_recent = o->ts_recent;
}

static void describe(const struct sock *sk, struct ckpt_tcp *rec)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	rec->state = sk->sk_state;
	rec->shutdown = sk->sk_shutdown & SHUTDOWN_MASK;
	rec->error = sk->sk_err;
	rec->is_connected = sk->sk_socket && sk->sk_socket->state == SS_CONNECTED;
	describe_addresses(sk, rec);
	describe_options(sk, rec);
	rec->snd_una = tp->snd_una;
	rec->snd_nxt = tp->snd_nxt;
	rec->write_seq = tp->write_seq;
	rec->rcv_nxt = tp->rcv_nxt;
	rec->copied_seq = tp->copied_seq;
	rec->snd_wl1 = tp->snd_wl1;
	rec->snd_wnd = tp->snd_wnd;
	rec->max_window = tp->max_window;
	rec->rcv_wnd = tp->rcv_wnd;
	rec->rcv_wup = tp->rcv_wup;
	rec->snd_up = tp->snd_up;
	rec->urg_seq = tp->urg_seq;
	rec->urg_data = tp->urg_data;
	rec->window_clamp = tp->window_clamp;
	rec->rcv_ssthresh = tp->rcv_ssthresh;
	rec->sndbuf = sk->sk_sndbuf;
	rec->rcvbuf = sk->sk_rcvbuf;
	rec->user_locks = sk->sk_userlocks &
			  (SOCK_SNDBUF_LOCK | SOCK_RCVBUF_LOCK | SOCK_BINDADDR_LOCK |
			   SOCK_BINDPORT_LOCK);
	if (sk->sk_state != TCP_SYN_SENT && sk->sk_state != TCP_CLOSE)
		rec->snd_bytes = tp->write_seq - tp->snd_una - end_is_to_be_sent(sk);
}

/* Bytes on their way into TCP_DATA records. */
struct data_out {
	struct ckpt_ctx *ctx;
	u32 objref;
	u32 queue;
	u8 *buf;
	size_t used;
	size_t total;
};

static int flush_data(struct data_out *out)
{
	struct ckpt_tcp_data rec = { .queue = out->queue };
	int ret;

	if (!out->used)
		return 0;
	ret = ckpt_write_rec2(out->ctx, CKPT_REC_TCP_DATA, out->objref, &rec, sizeof(rec),
			      out->buf, out->used);
	out->total += out->used;
	out->used = 0;
	return ret;
}

/* What @skb holds from @seq on. */
static int put_skb(struct data_out *out, const struct sk_buff *skb, u32 seq)
{
	u32 start = TCP_SKB_CB(skb)->seq, offset = before(start, seq) ? seq - start : 0;
	int ret = 0;

	while (offset < skb->len && !ret) {
		size_t n = min_t(size_t, skb->len - offset, DATA_BYTES - out->used);

		ret = skb_copy_bits(skb, offset, out->buf + out->used, n);
		if (ret)
			return ckpt_err(out->ctx, ret, "a TCP queue cannot be read (error %d)",
					ret);
		offset += n;
		out->used += n;
		if (out->used == DATA_BYTES)
			ret = flush_data(out);
	}
	return ret;
}

static int write_received(struct data_out *out, struct sock *sk, u32 want)
{
	struct sk_buff *skb;
	int ret = 0;

	out->queue = CKPT_TCP_RECEIVED;
	out->total = 0;
	skb_queue_walk(&sk->sk_receive_queue, skb) {
		ret = put_skb(out, skb, tcp_sk(sk)->copied_seq);
		if (ret)
			return ret;
	}
	ret = flush_data(out);
	if (!ret && out->total != want)
		return ckpt_err(out->ctx, -EIO, "a TCP queue holds %zu bytes, not %u",
				out->total, want);
	return ret;
}

static int write_to_send(struct data_out *out, struct sock *sk, u32 want)
{
	u32 una = tcp_sk(sk)->snd_una;
	struct sk_buff *skb;
	int ret = 0;

	out->queue = CKPT_TCP_TO_SEND;
	out->total = 0;
	skb_rbtree_walk(skb, &sk->tcp_rtx_queue) {
		ret = put_skb(out, skb, una);
		if (ret)
			return ret;
	}
	skb_queue_walk(&sk->sk_write_queue, skb) {
		ret = put_skb(out, skb, una);
		if (ret)
			return ret;
	}
	ret = flush_data(out);
	if (!ret && out->total != want)
		return ckpt_err(out->ctx, -EIO, "a TCP queue holds %zu bytes, not %u",
				out->total, want);
	return ret;
}

/* Data that can be read; the end of the stream is not. */
static u32 received_bytes(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	const struct sk_buff *skb;
	u32 bytes = 0;

	skb_queue_walk(&sk->sk_receive_queue, skb) {
		u32 offset = before(TCP_SKB_CB(skb)->seq, tp->copied_seq) ?
			     tp->copied_seq - TCP_SKB_CB(skb)->seq : 0;

		if (offset < skb->len)
			bytes += skb->len - offset;
	}
	return bytes;
}

static int write_tcp(struct ckpt_ctx *ctx, struct sock *sk, u32 objref)
{
	struct data_out out = { .ctx = ctx, .objref = objref };
	struct ckpt_tcp rec = {};
	u32 unread;
	int ret;

	describe(sk, &rec);
	rec.rcv_bytes = received_bytes(sk);
	/* The end of the stream has a number too, if it has not been read. */
	unread = rec.rcv_nxt - rec.copied_seq;
	if (sk->sk_state != TCP_CLOSE && sk->sk_state != TCP_SYN_SENT &&
	    unread != rec.rcv_bytes && unread != rec.rcv_bytes + 1)
		return ckpt_err(ctx, -EIO, "a TCP queue holds %u bytes, not %u", rec.rcv_bytes,
				unread);
	ret = ckpt_write_rec(ctx, CKPT_REC_TCP, objref, &rec, sizeof(rec));
	if (ret || !(rec.rcv_bytes || rec.snd_bytes))
		return ret;
	out.buf = kvmalloc(DATA_BYTES, GFP_KERNEL_ACCOUNT);
	if (!out.buf)
		return -ENOMEM;
	ret = write_received(&out, sk, rec.rcv_bytes);
	if (!ret && rec.snd_bytes)
		ret = write_to_send(&out, sk, rec.snd_bytes);
	kvfree(out.buf);
	return ret;
}

static struct held_tcp *hold_still(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct held_tcp *held = kzalloc(sizeof(*held), GFP_KERNEL_ACCOUNT);

	if (!held)
		return NULL;
	sock_hold(sk);
	held->sk = sk;
	held->alone = true;
	own(sk);
	list_add_tail(&held->list, &ctx->tcp);
	return held;
}

static struct held_tcp *find_held(struct ckpt_ctx *ctx, struct sock *sk)
{
	struct held_tcp *held;

	list_for_each_entry(held, &ctx->tcp, list)
		if (held->sk == sk)
			return held;
	return NULL;
}

static int hold_connection(struct ckpt_ctx *ctx, void *ptr, u32 objref)
{
	if (ckpt_dryrun(ctx))
		return 0;
	return hold_still(ctx, ptr) ? 0 : -ENOMEM;
}

/*
 * An end that was closed, but has not yet sent all: it is nobody's, and what it
 * has left is for the tree.
 */
static int write_closed_peer(struct ckpt_ctx *ctx, struct held_tcp *held, struct sock *peer)
{
	struct ckpt_socket rec = { .state = CKPT_SOCKET_CONNECTED, .flags = CKPT_SOCKET_GONE };
	struct held_tcp *closed;
	u32 objref;
	int ret;

	closed = hold_still(ctx, peer);
	if (!closed)
		return -ENOMEM;
	if (!(1 << peer->sk_state & (TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | TCPF_CLOSING |
				     TCPF_LAST_ACK))) {
		disown(peer);
		put_held(closed);
		return 0;
	}
	closed->alone = false;
	held->alone = false;
	ret = ckpt_obj_add(ctx, CKPT_OBJ_SOCKET, peer, &objref);
	if (!ret)
		ret = checkpoint_sock(ctx, peer, &rec, objref, NULL, NULL);
	return ret ?: write_tcp(ctx, peer, objref);
}

static int write_connection(struct ckpt_ctx *ctx, void *ptr, u32 objref)
{
	struct sock *sk = ptr, *peer;
	struct held_tcp *held;
	u32 peer_ref;
	int ret = 0;

	if (ckpt_dryrun(ctx))
		return 0;
	held = find_held(ctx, sk);
	peer = sk->sk_state == TCP_CLOSE ? NULL : tcp_find(sk, true);
	if (peer && ckpt_obj_lookup(ctx, CKPT_OBJ_SOCKET, peer, &peer_ref))
		held->alone = false;
	else if (peer && sock_flag(peer, SOCK_DEAD) && !tcp_sk(peer)->repair)
		ret = write_closed_peer(ctx, held, peer);
	if (peer)
		sock_put(peer);
	return ret ?: write_tcp(ctx, sk, objref);
}

/**
 * checkpoint_tcp - write a connection, when all are held still
 * @ctx:	the checkpoint
 * @sk:		the socket
 * @objref:	of the socket
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_tcp(struct ckpt_ctx *ctx, struct sock *sk, u32 objref)
{
	return ckpt_write_later(ctx, CKPT_STAGE_CONNECT, sk, objref, hold_connection) ?:
	       ckpt_write_later(ctx, CKPT_STAGE_FILL, sk, objref, write_connection);
}

static int write_child(struct ckpt_ctx *ctx, struct sock *listener, u32 listener_ref,
		       struct sock *sk)
{
	struct ckpt_socket rec = { .state = CKPT_SOCKET_CONNECTED, .listener = listener_ref };
	struct held_tcp *held;
	u32 objref;
	int ret;

	ret = ckpt_tcp_obstacle(ctx, sk);
	if (ret || ckpt_dryrun(ctx))
		return ret;
	ret = ckpt_obj_add(ctx, CKPT_OBJ_SOCKET, sk, &objref);
	/* Before it is held: some options are read with the socket locked. */
	if (!ret)
		ret = checkpoint_sock(ctx, sk, &rec, objref, NULL, NULL);
	if (ret)
		return ret;
	held = hold_still(ctx, sk);
	if (!held)
		return -ENOMEM;
	sock_hold(listener);
	held->listener = listener;
	return ckpt_write_later(ctx, CKPT_STAGE_FILL, sk, objref, write_connection);
}

/* What waits now: those who come later are told by a reset that nobody accepted them. */
static int write_pending(struct ckpt_ctx *ctx, void *ptr, u32 objref)
{
	struct sock *listener = ptr, **children;
	struct request_sock_queue *queue = &inet_csk(listener)->icsk_accept_queue;
	unsigned int i, nr = 0, max = READ_ONCE(listener->sk_ack_backlog);
	struct request_sock *req;
	int ret = 0;

	if (!max)
		return 0;
	children = kvcalloc(max, sizeof(*children), GFP_KERNEL_ACCOUNT);
	if (!children)
		return -ENOMEM;
	spin_lock_bh(&queue->rskq_lock);
	for (req = queue->rskq_accept_head; req && nr < max; req = req->dl_next) {
		sock_hold(req->sk);
		children[nr++] = req->sk;
	}
	spin_unlock_bh(&queue->rskq_lock);
	for (i = 0; i < nr && !ret; i++)
		ret = write_child(ctx, listener, objref, children[i]);
	for (i = 0; i < nr; i++)
		sock_put(children[i]);
	kvfree(children);
	return ret;
}

/**
 * checkpoint_tcp_pending - write the connections that wait to be accepted
 * @ctx:	the checkpoint
 * @listener:	where they wait
 * @objref:	of @listener
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_tcp_pending(struct ckpt_ctx *ctx, struct sock *listener, u32 objref)
{
	return ckpt_write_later(ctx, CKPT_STAGE_CONNECT, listener, objref, write_pending);
}
