// SPDX-License-Identifier: GPL-2.0
/*
 * Restart of TCP connections, by what TCP_REPAIR does, and with its rights.
 *
 * Until all else has succeeded such a socket says nothing, drops what comes in,
 * and is closed without a word. Then it acknowledges what it has, which tells the
 * peer its window, and sends again what was not acknowledged.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_net.h>
#include <linux/file.h>
#include <linux/net.h>
#include <linux/overflow.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <net/inet_common.h>
#include <net/inet_connection_sock.h>
#include <net/sock.h>
#include <net/tcp.h>

/* A connection in the making; the SOCKET has it too. */
struct restored_tcp {
	struct list_head list;
	struct sock *sk;		/* held */
	struct socket *sock;		/* NULL once it waits to be accepted */
	struct restored_sock *rs;
	struct ckpt_tcp rec;
	u32 received;			/* bytes of TCP_DATA that have come */
	u32 to_send;
	int sndbuf, rcvbuf;		/* as the options have it */
	unsigned char reuse;		/* SO_REUSEADDR */
	bool took_place;		/* of a silent one: it becomes one if the restart fails */
};

static bool is_tcp(const struct sock *sk)
{
	return (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) &&
	       sk->sk_type == SOCK_STREAM && sk->sk_protocol == IPPROTO_TCP;
}

/**
 * restored_socket_of - the socket that an objref names, if it is not in use yet
 * @ctx:	the restart
 * @objref:	how the image names it
 * @rs:		what is known of it
 *
 * Return: the socket, held by the table, or an error pointer that was logged.
 */
struct socket *restored_socket_of(struct ckpt_ctx *ctx, u32 objref, struct restored_sock **rs)
{
	struct ckpt_anon *anon;

	if (ckpt_ref_type(ctx, objref) == CKPT_OBJ_ANON) {
		anon = ckpt_anon_ref(ctx, objref, CKPT_FILE_SOCKET);
		if (IS_ERR(anon))
			return ERR_CAST(anon);
		*rs = anon->data;
		return sock_from_file(anon->file);
	}
	*rs = ckpt_ref(ctx, objref, CKPT_OBJ_SOCKET);
	if (IS_ERR(*rs))
		return ERR_CAST(*rs);
	if (!(*rs)->sock)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "objref %u has no socket", objref));
	return (*rs)->sock;
}

static bool is_open(u32 state)
{
	return 1 << state & (TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 |
			     TCPF_CLOSE_WAIT | TCPF_CLOSING | TCPF_LAST_ACK);
}

/* The end of what is received: it has a number. */
static u32 end_received(u32 state)
{
	return !!(1 << state & (TCPF_CLOSE_WAIT | TCPF_LAST_ACK | TCPF_CLOSING));
}

static u32 end_to_send(u32 state)
{
	return !!(1 << state & (TCPF_FIN_WAIT1 | TCPF_LAST_ACK | TCPF_CLOSING));
}

static bool queues_are_possible(const struct ckpt_tcp *t, u32 wmem, u32 rmem)
{
	u32 unread = t->rcv_nxt - t->copied_seq;

	if (t->snd_bytes > wmem || t->rcv_bytes > rmem)
		return false;
	if (!is_open(t->state))
		return !t->snd_bytes && (t->state == TCP_CLOSE || !t->rcv_bytes);
	return t->write_seq - t->snd_una == t->snd_bytes + end_to_send(t->state) &&
	       t->snd_nxt - t->snd_una <= t->write_seq - t->snd_una &&
	       t->snd_up - t->snd_una <= t->write_seq - t->snd_una &&
	       (unread == t->rcv_bytes || unread == t->rcv_bytes + end_received(t->state));
}

static bool windows_are_possible(const struct ckpt_tcp *t)
{
	return t->snd_wnd <= t->max_window && t->max_window <= MAX_TCP_WINDOW << TCP_MAX_WSCALE &&
	       t->rcv_wnd <= MAX_TCP_WINDOW << TCP_MAX_WSCALE &&
	       t->window_clamp <= MAX_TCP_WINDOW << TCP_MAX_WSCALE &&
	       !after(t->snd_wl1, t->rcv_nxt + t->rcv_wnd) && !after(t->rcv_wup, t->rcv_nxt) &&
	       t->rcv_nxt - t->rcv_wup <= t->rcv_wnd;
}

static int check_tcp(struct ckpt_ctx *ctx, const struct sock *sk, const struct ckpt_tcp *t)
{
	const struct net *net = sock_net(sk);
	u32 wmem = max_t(u32, READ_ONCE(net->ipv4.sysctl_tcp_wmem[2]), sk->sk_sndbuf);
	u32 rmem = max_t(u32, READ_ONCE(net->ipv4.sysctl_tcp_rmem[2]), sk->sk_rcvbuf);

	if (t->state >= 32 ||
	    (!is_open(t->state) && t->state != TCP_CLOSE && t->state != TCP_SYN_SENT) ||
	    t->flags & ~CKPT_TCP_FLAGS_ALL || t->shutdown & ~SHUTDOWN_MASK ||
	    t->error > MAX_ERRNO || t->is_connected > 1 || t->urg_data > U16_MAX ||
	    t->snd_wscale > TCP_MAX_WSCALE || t->rcv_wscale > TCP_MAX_WSCALE ||
	    (t->user_mss && (t->user_mss < TCP_MIN_MSS || t->user_mss > MAX_TCP_WINDOW)) ||
	    t->sndbuf > INT_MAX || t->rcvbuf > INT_MAX)
		return ckpt_err(ctx, -EINVAL, "a TCP record with impossible attributes");
	if (t->state != TCP_CLOSE && (!t->local_port || !t->remote_port))
		return ckpt_err(ctx, -EINVAL, "a TCP connection without ports");
	if (is_open(t->state) && (t->mss_clamp < TCP_MIN_MSS || t->mss_clamp > U16_MAX ||
				  !windows_are_possible(t)))
		return ckpt_err(ctx, -EINVAL, "a TCP connection with impossible windows");
	if (!queues_are_possible(t, wmem, rmem))
		return ckpt_err(ctx, -EINVAL,
				"a TCP connection's queues (%u and %u bytes) contradict the rest",
				t->rcv_bytes, t->snd_bytes);
	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return ckpt_err(ctx, -EPERM, "a TCP connection: this needs CAP_NET_ADMIN");
	return 0;
}

static int fill_address(const struct sock *sk, const u8 *addr, u16 port,
			struct sockaddr_storage *to)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *in = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	to->ss_family = sk->sk_family;
	if (sk->sk_family == AF_INET6) {
		memcpy(&in6->sin6_addr, addr, sizeof(in6->sin6_addr));
		in6->sin6_port = htons(port);
		return sizeof(*in6);
	}
	memcpy(&in->sin_addr, addr, sizeof(in->sin_addr));
	in->sin_port = htons(port);
	return sizeof(*in);
}

static int complain(struct ckpt_ctx *ctx, const struct sock *sk, const struct ckpt_tcp *t, int err,
		    const char *what)
{
	if (sk->sk_family == AF_INET6)
		return ckpt_err(ctx, err,
				"cannot %s the connection [%pI6c]:%u to [%pI6c]:%u (error %d)",
				what, t->local_addr, t->local_port, t->remote_addr,
				t->remote_port, err);
	return ckpt_err(ctx, err, "cannot %s the connection %pI4:%u to %pI4:%u (error %d)", what,
			t->local_addr, t->local_port, t->remote_addr, t->remote_port, err);
}

static int bind_to(struct ckpt_ctx *ctx, struct socket *sock, const struct ckpt_tcp *t)
{
	struct sockaddr_storage name;
	int len = fill_address(sock->sk, t->local_addr, t->local_port, &name), ret;

	ret = security_socket_bind(sock, (struct sockaddr *)&name, len);
	if (!ret)
		ret = kernel_bind(sock, (struct sockaddr *)&name, len);
	return ret ? complain(ctx, sock->sk, t, ret, "bind") : 0;
}

/* One that was bound by bind(2) has its port until it is closed itself. */
static bool keeps_port(const struct ckpt_tcp *t)
{
	return t->user_locks & SOCK_BINDPORT_LOCK && t->local_port;
}

/* What it says of a connection that has come to its end, by SO_PEERNAME too. */
static void name_ends(struct sock *sk, const struct ckpt_tcp *t)
{
	struct inet_sock *inet = inet_sk(sk);

	inet->inet_dport = htons(t->remote_port);
	if (sk->sk_family == AF_INET)
		memcpy(&inet->inet_daddr, t->remote_addr, sizeof(inet->inet_daddr));
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		memcpy(&sk->sk_v6_daddr, t->remote_addr, sizeof(sk->sk_v6_daddr));
#endif
	if (inet->inet_num)
		return;
	inet->inet_sport = htons(t->local_port);
	if (sk->sk_family == AF_INET) {
		memcpy(&inet->inet_saddr, t->local_addr, sizeof(inet->inet_saddr));
		inet->inet_rcv_saddr = inet->inet_saddr;
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		memcpy(&sk->sk_v6_rcv_saddr, t->local_addr, sizeof(sk->sk_v6_rcv_saddr));
		inet6_sk(sk)->saddr = sk->sk_v6_rcv_saddr;
	}
#endif
}

/* For the search: as connect() will set them. */
static struct sock *find_silent(struct sock *sk, const struct ckpt_tcp *t)
{
	struct sock *silent = NULL;

	inet_sk(sk)->inet_dport = htons(t->remote_port);
	if (sk->sk_family == AF_INET) {
		memcpy(&inet_sk(sk)->inet_daddr, t->remote_addr, sizeof(__be32));
		silent = tcp_find_silent(sk);
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		struct in6_addr was = sk->sk_v6_daddr;

		memcpy(&sk->sk_v6_daddr, t->remote_addr, sizeof(sk->sk_v6_daddr));
		inet_sk(sk)->inet_daddr = sk->sk_v6_daddr.s6_addr32[3];
		silent = tcp_find_silent(sk);
		sk->sk_v6_daddr = was;
	}
#endif
	inet_sk(sk)->inet_daddr = 0;
	inet_sk(sk)->inet_dport = 0;
	return silent;
}

static void set_options(struct sock *sk, const struct ckpt_tcp *t)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->rx_opt.mss_clamp = t->mss_clamp;
	tp->rx_opt.user_mss = t->user_mss;
	tp->rx_opt.sack_ok = t->flags & CKPT_TCP_SACK ? TCP_SACK_SEEN : 0;
	tp->rx_opt.wscale_ok = !!(t->flags & CKPT_TCP_WSCALE);
	tp->rx_opt.snd_wscale = tp->rx_opt.wscale_ok ? t->snd_wscale : 0;
	tp->rx_opt.rcv_wscale = tp->rx_opt.wscale_ok ? t->rcv_wscale : 0;
	tp->rx_opt.tstamp_ok = !!(t->flags & CKPT_TCP_TIMESTAMPS);
	tp->tcp_header_len = sizeof(struct tcphdr);
	if (tp->rx_opt.tstamp_ok) {
		tp->tcp_header_len += TCPOLEN_TSTAMP_ALIGNED;
		tp->tsoffset = t->timestamp - tcp_clock_ts(tp->tcp_usec_ts);
		tp->rx_opt.ts_recent = t->ts_recent;
		tp->rx_opt.ts_recent_stamp = ktime_get_seconds();
	}
	tp->ecn_flags = t->flags & CKPT_TCP_ECN ? TCP_ECN_OK : 0;
	tcp_mtup_init(sk);
	tcp_sync_mss(sk, inet_csk(sk)->icsk_pmtu_cookie);
}

static void set_windows(struct sock *sk, const struct ckpt_tcp *t)
{
	struct tcp_sock *tp = tcp_sk(sk);

	tp->snd_wl1 = t->snd_wl1;
	tp->snd_wnd = t->snd_wnd;
	tp->max_window = t->max_window;
	tp->rcv_wnd = t->rcv_wnd;
	tp->rcv_wup = t->rcv_wup;
	WRITE_ONCE(tp->window_clamp, t->window_clamp);
	tp->rcv_ssthresh = min(t->rcv_ssthresh, tp->window_clamp);
	tp->pred_flags = 0;
}

/* In the tables, established, with empty queues. */
static int connect_silently(struct ckpt_ctx *ctx, struct restored_tcp *rt)
{
	struct socket *sock = rt->sock;
	struct sockaddr_storage name;
	struct sock *sk = rt->sk, *silent;
	struct tcp_sock *tp = tcp_sk(sk);
	int len, ret;

	lock_sock(sk);
	ret = tcp_drop_all(sk);
	WRITE_ONCE(tp->write_seq, rt->rec.snd_una);
	WRITE_ONCE(tp->rcv_nxt, rt->rec.copied_seq);
	WRITE_ONCE(tp->copied_seq, rt->rec.copied_seq);
	release_sock(sk);
	if (ret)
		return ret;
	silent = find_silent(sk, &rt->rec);
	len = fill_address(sk, rt->rec.remote_addr, rt->rec.remote_port, &name);
	ret = security_socket_connect(sock, (struct sockaddr *)&name, len);
	if (!ret)
		ret = kernel_connect(sock, (struct sockaddr *)&name, len, 0);
	if (silent) {
		if (!ret)
			tcp_end_silence(silent);
		rt->took_place = !ret;
		sock_put(silent);
	}
	if (ret)
		return complain(ctx, sk, &rt->rec, ret, "restore");
	lock_sock(sk);
	/* The segments' size depends on the windows. */
	set_windows(sk, &rt->rec);
	set_options(sk, &rt->rec);
	release_sock(sk);
	return 0;
}

/**
 * restore_tcp_rec - restore a connection, with empty queues
 * @ctx:	the restart
 * @rec:	the TCP record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_tcp_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_sock *rs = NULL;
	struct restored_tcp *rt;
	struct socket *sock;
	struct ckpt_tcp *t;
	int ret;

	sock = restored_socket_of(ctx, rec->objref, &rs);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	if (!rs || rs->tcp || !is_tcp(sock->sk) || sock->sk->sk_state != TCP_CLOSE ||
	    inet_sk(sock->sk)->inet_num)
		return ckpt_err(ctx, -EINVAL, "objref %u is not a socket without connection",
				rec->objref);
	t = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*t), sizeof(*t));
	if (IS_ERR(t))
		return PTR_ERR(t);
	ret = check_tcp(ctx, sock->sk, t);
	if (!ret && rs->listener &&
	    (t->snd_bytes || (t->state != TCP_ESTABLISHED && t->state != TCP_CLOSE_WAIT &&
			      t->state != TCP_CLOSE)))
		ret = ckpt_err(ctx, -EINVAL, "a connection that waits to be accepted has sent");
	rt = ret ? NULL : kzalloc(sizeof(*rt), GFP_KERNEL_ACCOUNT);
	if (!ret && !rt)
		ret = -ENOMEM;
	if (!ret) {
		rt->rec = *t;
		rt->sk = sock->sk;
		rt->sock = sock;
		rt->rs = rs;
		/* One without a file has no options, but was made by who had. */
		rt->reuse = t->flags & CKPT_TCP_REUSE ? SK_CAN_REUSE : SK_NO_REUSE;
		rt->sndbuf = sock->sk->sk_sndbuf;
		rt->rcvbuf = sock->sk->sk_rcvbuf;
		rs->tcp = rt;
		sock_hold(rt->sk);
		list_add_tail(&rt->list, &ctx->tcp);
		lock_sock(rt->sk);
		tcp_sk(rt->sk)->repair = 1;
		rt->sk->sk_reuse = SK_FORCE_REUSE;
		release_sock(rt->sk);
	}
	kvfree(t);
	if (!ret && (rt->rec.state != TCP_CLOSE || keeps_port(&rt->rec)))
		ret = bind_to(ctx, sock, &rt->rec);
	if (!ret && is_open(rt->rec.state))
		ret = connect_silently(ctx, rt);
	return ret;
}

/* Its memory is limited by what the record may claim. */
static void lift_limits(struct sock *sk)
{
	WRITE_ONCE(sk->sk_sndbuf, INT_MAX / 2);
	WRITE_ONCE(sk->sk_rcvbuf, INT_MAX / 2);
}

static int put_received(struct sock *sk, const u8 *data, size_t len)
{
	struct kvec vec = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = {};
	int ret = 0;

	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &vec, 1, len);
	while (msg_data_left(&msg) && ret >= 0) {
		size_t n = min_t(size_t, msg_data_left(&msg), SZ_64K);

		ret = tcp_send_rcvq(sk, &msg, n);
	}
	return ret < 0 ? ret : 0;
}

/* Sent before, or not: then it is not let out by a window of nothing. */
static int put_to_send(struct sock *sk, const u8 *data, size_t len, bool sent)
{
	struct kvec vec = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
	struct tcp_sock *tp = tcp_sk(sk);
	u32 snd_wnd = tp->snd_wnd;
	int ret;

	if (!len)
		return 0;
	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &vec, 1, len);
	tp->repair = sent;
	tp->repair_queue = sent ? TCP_SEND_QUEUE : TCP_NO_QUEUE;
	if (!sent)
		tp->snd_wnd = 0;
	ret = tcp_sendmsg_locked(sk, &msg, len);
	tp->snd_wnd = snd_wnd;
	tp->repair = 1;
	tp->repair_queue = TCP_NO_QUEUE;
	return ret == len ? 0 : ret < 0 ? ret : -ENOBUFS;
}

static int put_data(struct restored_tcp *rt, u32 queue, const u8 *data, size_t len)
{
	u32 sent = min(rt->rec.snd_nxt - rt->rec.snd_una, rt->rec.snd_bytes), n;
	int ret;

	if (queue == CKPT_TCP_RECEIVED) {
		rt->received += len;
		return put_received(rt->sk, data, len);
	}
	n = rt->to_send < sent ? min_t(u32, sent - rt->to_send, len) : 0;
	rt->to_send += len;
	ret = put_to_send(rt->sk, data, n, true);
	return ret ?: put_to_send(rt->sk, data + n, len - n, false);
}

/**
 * restore_tcp_data_rec - fill a queue of a connection
 * @ctx:	the restart
 * @rec:	the TCP_DATA record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_tcp_data_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_sock *rs = NULL;
	struct ckpt_tcp_data *d;
	struct restored_tcp *rt;
	struct socket *sock;
	size_t len;
	int ret;

	sock = restored_socket_of(ctx, rec->objref, &rs);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	rt = rs && sock->sk && is_tcp(sock->sk) ? rs->tcp : NULL;
	if (!rt)
		return ckpt_err(ctx, -EINVAL, "objref %u has no TCP connection", rec->objref);
	d = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*d), CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(d))
		return PTR_ERR(d);
	len = rec->len - sizeof(*d);
	if (d->reserved || !len ||
	    !((d->queue == CKPT_TCP_RECEIVED && len <= rt->rec.rcv_bytes - rt->received) ||
	      (d->queue == CKPT_TCP_TO_SEND && len <= rt->rec.snd_bytes - rt->to_send))) {
		ret = ckpt_err(ctx, -EINVAL, "data that does not belong into a TCP queue");
	} else {
		lock_sock(rt->sk);
		lift_limits(rt->sk);
		ret = put_data(rt, d->queue, (const u8 *)(d + 1), len);
		release_sock(rt->sk);
		if (ret)
			complain(ctx, rt->sk, &rt->rec, ret, "fill the queues of");
	}
	kvfree(d);
	return ret;
}

/* The end of what is to be sent: sent, or not. */
static int put_end(struct restored_tcp *rt)
{
	struct tcp_sock *tp = tcp_sk(rt->sk);
	bool sent = rt->rec.snd_nxt == rt->rec.write_seq;
	u32 snd_wnd = tp->snd_wnd;

	tp->repair = sent;
	tp->repair_queue = sent ? TCP_SEND_QUEUE : TCP_NO_QUEUE;
	if (!sent)
		tp->snd_wnd = 0;
	tcp_send_fin(rt->sk);
	tp->snd_wnd = snd_wnd;
	tp->repair = 1;
	tp->repair_queue = TCP_NO_QUEUE;
	return tp->write_seq == rt->rec.write_seq ? 0 : -ENOMEM;
}

static int reach_state(struct restored_tcp *rt)
{
	struct tcp_sock *tp = tcp_sk(rt->sk);
	struct ckpt_tcp *t = &rt->rec;
	int ret = 0;

	if (is_open(t->state)) {
		tcp_set_state(rt->sk, t->state);
		if (end_to_send(t->state))
			ret = put_end(rt);
		WRITE_ONCE(tp->rcv_nxt, t->rcv_nxt);
		tp->snd_up = t->snd_up;
		WRITE_ONCE(tp->urg_data, t->urg_data);
		tp->urg_seq = t->urg_seq;
	}
	return ret;
}

/* As if the third packet of its handshake had just come. */
static int let_wait(struct ckpt_ctx *ctx, struct restored_tcp *rt)
{
	struct sock *sk = rt->sk, *listener = rt->rs->listener;
	struct request_sock_ops *ops = &tcp_request_sock_ops;
	struct request_sock *req;

	if (listener->sk_state != TCP_LISTEN || listener->sk_family != sk->sk_family ||
	    sk_acceptq_is_full(listener))
		return ckpt_err(ctx, -EINVAL, "a connection cannot wait to be accepted");
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		ops = &tcp6_request_sock_ops;
#endif
	req = inet_reqsk_alloc(ops, listener, true);
	if (!req)
		return -ENOMEM;
	tcp_rsk(req)->tfo_listener = false;
	refcount_set(&req->rsk_refcnt, 1);
	write_lock_bh(&sk->sk_callback_lock);
	sk_set_socket(sk, NULL);
	RCU_INIT_POINTER(sk->sk_wq, NULL);
	write_unlock_bh(&sk->sk_callback_lock);
	rt->sock->sk = NULL;
	sock_release(rt->sock);
	rt->sock = NULL;
	rt->rs->sock = NULL;
	rt->rs->sk = NULL;
	local_bh_disable();
	inet_csk_reqsk_queue_add(listener, req, sk);
	local_bh_enable();
	listener->sk_data_ready(listener);
	return 0;
}

/**
 * restore_tcp_complete - all data is there: bring connections into their states
 * @ctx:	the restart
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_tcp_complete(struct ckpt_ctx *ctx)
{
	struct restored_tcp *rt;
	int ret;

	list_for_each_entry(rt, &ctx->tcp, list) {
		if (rt->received != rt->rec.rcv_bytes || rt->to_send != rt->rec.snd_bytes)
			return ckpt_err(ctx, -EINVAL, "a TCP connection lacks data");
		lock_sock(rt->sk);
		ret = reach_state(rt);
		release_sock(rt->sk);
		if (ret)
			return complain(ctx, rt->sk, &rt->rec, ret, "complete");
		if (rt->rs->listener) {
			ret = let_wait(ctx, rt);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* As the kernel had chosen them, unless somebody had asked for a size. */
static void set_buffers(struct restored_tcp *rt)
{
	const struct ckpt_tcp *t = &rt->rec;
	u8 locks = t->user_locks & (SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK);
	struct sock *sk = rt->sk;
	const struct net *net = sock_net(sk);
	int wmem = READ_ONCE(net->ipv4.sysctl_tcp_wmem[2]);
	int rmem = READ_ONCE(net->ipv4.sysctl_tcp_rmem[2]);

	if (!(sk->sk_userlocks & SOCK_SNDBUF_LOCK))
		rt->sndbuf = max_t(int, rt->sndbuf, min_t(int, t->sndbuf, wmem));
	if (!(sk->sk_userlocks & SOCK_RCVBUF_LOCK))
		rt->rcvbuf = max_t(int, rt->rcvbuf, min_t(int, t->rcvbuf, rmem));
	WRITE_ONCE(sk->sk_sndbuf, rt->sndbuf);
	WRITE_ONCE(sk->sk_rcvbuf, rt->rcvbuf);
	sk->sk_userlocks &= ~(SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK);
	sk->sk_userlocks |= locks;
}

/* What an open connection does first: send again, and say what it has. */
static void speak(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (tp->packets_out)
		inet_csk_reset_xmit_timer(sk, ICSK_TIME_RETRANS, 2, TCP_RTO_MAX);
	if (sk->sk_state == TCP_ESTABLISHED)
		tcp_send_window_probe(sk);
	else
		tcp_send_ack(sk);
	tcp_push_pending_frames(sk);
}

static void settle(struct restored_tcp *rt)
{
	struct ckpt_tcp *t = &rt->rec;
	struct sockaddr_storage name;
	struct sock *sk = rt->sk;
	int ret, len;

	lock_sock(sk);
	tcp_sk(sk)->repair = 0;
	sk->sk_reuse = rt->reuse;
	sk->sk_reuseport = !!(t->flags & CKPT_TCP_REUSEPORT);
	set_buffers(rt);
	if (is_open(t->state))
		tcp_drop_none(sk);
	else if (t->state == TCP_CLOSE)
		name_ends(sk, t);
	if (t->flags & CKPT_TCP_END_READ)
		sock_set_flag(sk, SOCK_DONE);
	WRITE_ONCE(sk->sk_shutdown, t->shutdown);
	WRITE_ONCE(sk->sk_err, t->error);
	if (t->is_connected && rt->sock)
		rt->sock->state = SS_CONNECTED;
	if (t->flags & CKPT_TCP_CONNECTING && t->state != TCP_SYN_SENT && rt->sock)
		rt->sock->state = SS_CONNECTING;
	if (t->flags & CKPT_TCP_NOSPACE && rt->sock) {
		sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
		set_bit(SOCK_NOSPACE, &rt->sock->flags);
	}
	if (is_open(t->state))
		speak(sk);
	if (t->state == TCP_SYN_SENT && rt->sock) {
		len = fill_address(sk, t->remote_addr, t->remote_port, &name);
		ret = __inet_stream_connect(rt->sock, (struct sockaddr *)&name, len, O_NONBLOCK, 0);
		if (ret && ret != -EINPROGRESS)
			WRITE_ONCE(sk->sk_err, -ret);
	}
	release_sock(sk);
}

static void put_tcp(struct restored_tcp *rt)
{
	list_del(&rt->list);
	rt->rs->tcp = NULL;
	sock_put(rt->sk);
	kfree(rt);
}

/**
 * restore_tcp_settle - connections speak again, and hear
 * @ctx:	the restart, which has succeeded
 */
void restore_tcp_settle(struct ckpt_ctx *ctx)
{
	struct restored_tcp *rt, *tmp;

	list_for_each_entry(rt, &ctx->tcp, list)
		settle(rt);
	list_for_each_entry_safe(rt, tmp, &ctx->tcp, list) {
		struct restored_sock *rs = rt->rs;

		put_tcp(rt);
		/* One that was closed goes on to send what it has. */
		if (rs->gone && rs->sock) {
			sock_release(rs->sock);
			rs->sock = NULL;
			rs->sk = NULL;
		}
	}
}

/**
 * restore_tcp_free - the restart has failed: nobody hears of its connections
 * @ctx:	the restart
 */
void restore_tcp_free(struct ckpt_ctx *ctx)
{
	struct restored_tcp *rt, *tmp;

	list_for_each_entry_safe(rt, tmp, &ctx->tcp, list) {
		lock_sock(rt->sk);
		tcp_sk(rt->sk)->repair = 1;
		tcp_clear_xmit_timers(rt->sk);
		if (rt->took_place && is_open(rt->sk->sk_state)) {
			if (!rt->sock)
				tcp_take_from_listener(rt->rs->listener, rt->sk);
			tcp_keep_silent(rt->sk);
		}
		release_sock(rt->sk);
		put_tcp(rt);
	}
}
