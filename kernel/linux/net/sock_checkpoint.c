// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of sockets: what the families have in common.
 *
 * Sockets are made first, bound and with their options; who is connected to
 * whom, and what is in the queues, comes after all processes. What a socket has
 * been told (an end, an error) is set last, for all of that would change it.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_net.h>
#include <linux/checkpoint_tasks.h>
#include <linux/file.h>
#include <linux/memcontrol.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <net/af_unix.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#define SOCKET_MAX_OPTIONS	256

/* One that is closed lives on by what it has sent and nobody has received. */
void ckpt_sock_get(void *ptr)
{
	struct sock *sk = ptr;

	if (!refcount_inc_not_zero(&sk->sk_refcnt))
		refcount_inc(&sk->sk_wmem_alloc);
}

void ckpt_sock_put(void *ptr)
{
	struct sock *sk = ptr;

	if (refcount_read(&sk->sk_refcnt))
		sock_put(sk);
	else
		sk_free(sk);
}

/**
 * ckpt_write_queue - write what waits in a queue of a socket
 * @ctx:	the checkpoint
 * @sk:		the socket
 * @queue:	its queue; others may go on to fill it
 * @objref:	of the socket
 * @write:	writes one
 *
 * Return: 0 or a negative error.
 */
int ckpt_write_queue(struct ckpt_ctx *ctx, const struct sock *sk, struct sk_buff_head *queue,
		     u32 objref, int (*write)(struct ckpt_ctx *ctx, const struct sock *sk,
					      struct sk_buff *skb, u32 objref))
{
	unsigned int i, nr = 0, max = skb_queue_len_lockless(queue);
	struct sk_buff **skbs, *skb;
	unsigned long flags;
	int ret = 0;

	if (!max)
		return 0;
	skbs = kvcalloc(max, sizeof(*skbs), GFP_KERNEL_ACCOUNT);
	if (!skbs)
		return -ENOMEM;
	spin_lock_irqsave(&queue->lock, flags);
	skb_queue_walk(queue, skb) {
		if (nr == max)
			break;
		skbs[nr++] = skb_get(skb);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	for (i = 0; i < nr && !ret; i++)
		ret = write(ctx, sk, skbs[i], objref);
	while (nr)
		consume_skb(skbs[--nr]);
	kvfree(skbs);
	return ret;
}

static int describe_peer_cred(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_socket *rec)
{
	const struct cred *cred;
	struct pid *pid;
	int ret = 0;

	spin_lock(&sk->sk_peer_lock);
	cred = get_cred(sk->sk_peer_cred);
	pid = get_pid(sk->sk_peer_pid);
	spin_unlock(&sk->sk_peer_lock);
	rec->peer_pid = pid_vnr(pid);
	if (cred) {
		ret = checkpoint_file_cred(ctx, cred, &rec->peer_cred);
		put_cred(cred);
	}
	put_pid(pid);
	return ret;
}

static int sock_obstacle(struct ckpt_ctx *ctx, struct sock *sk, u32 *net)
{
	if (!net_eq(sock_net(sk), current->nsproxy->net_ns) &&
	    !ckpt_obj_lookup(ctx, CKPT_OBJ_NS, &sock_net(sk)->ns, net))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a socket of another network namespace: not supported");
	if (READ_ONCE(sk->sk_user_data))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a socket that something in the kernel uses: not supported");
	if (sk->sk_family != AF_INET && sk->sk_family != AF_INET6 &&
	    !skb_queue_empty_lockless(&sk->sk_error_queue))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a socket of family %u with reports that were not read (MSG_ERRQUEUE): not supported",
				     sk->sk_family);
	return 0;
}

/**
 * ckpt_sock_map_obstacle - can what a socket shows be mapped again?
 * @vma:	a mapping of a socket
 *
 * Return: NULL, or in words why not.
 */
const char *ckpt_sock_map_obstacle(struct vm_area_struct *vma)
{
#if IS_BUILTIN(CONFIG_PACKET)
	if (sock_from_file(vma->vm_file)->sk->sk_family == AF_PACKET)
		return ckpt_packet_map_obstacle(vma);
#endif
	return "memory of a socket is mapped here: not supported";
}

/**
 * checkpoint_sock - write the SOCKET record
 * @ctx:	the checkpoint
 * @sk:		the socket
 * @rec:	with what its family has filled in
 * @objref:	of the socket
 * @addr:	its address, @rec->addr_len bytes
 * @peer:	the address it is connected to, @rec->peer_len bytes
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_sock(struct ckpt_ctx *ctx, struct sock *sk, struct ckpt_socket *rec, u32 objref,
		    const void *addr, const void *peer)
{
	size_t room = SOCKET_MAX_OPTIONS * sizeof(struct ckpt_sockopt), len;
	u8 *tail;
	int ret;

	rec->family = sk->sk_family;
	rec->type = sk->sk_type;
	rec->protocol = sk->sk_protocol ?: rec->protocol;
	rec->shutdown = READ_ONCE(sk->sk_shutdown) & SHUTDOWN_MASK;
	rec->error = READ_ONCE(sk->sk_err);
	if (READ_ONCE(sk->sk_tsflags) & SOF_TIMESTAMPING_OPT_ID) {
		rec->flags |= CKPT_SOCKET_NUMBERS;
		rec->tskey = atomic_read(&sk->sk_tskey);
	}
	rec->zckey = atomic_read(&sk->sk_zckey);
	ret = sock_obstacle(ctx, sk, &rec->net);
	if (!ret)
		ret = describe_peer_cred(ctx, sk, rec);
	if (ret)
		return ret;
	tail = kzalloc(room + rec->addr_len + rec->peer_len, GFP_KERNEL_ACCOUNT);
	if (!tail)
		return -ENOMEM;
	if (sk->sk_socket && !(rec->flags & CKPT_SOCKET_GONE))
		ret = ckpt_sock_options(ctx, sk, (struct ckpt_sockopt *)tail, SOCKET_MAX_OPTIONS);
	if (ret >= 0) {
		rec->nr_options = ret;
		len = ret * sizeof(struct ckpt_sockopt);
		memcpy(tail + len, addr, rec->addr_len);
		memcpy(tail + len + rec->addr_len, peer, rec->peer_len);
		len += rec->addr_len + rec->peer_len;
		ret = ckpt_write_rec2(ctx, CKPT_REC_SOCKET, objref, rec, sizeof(*rec), tail, len);
	}
	kfree(tail);
	if (!ret && sk->sk_socket && !(rec->flags & CKPT_SOCKET_GONE))
		ret = checkpoint_sock_filter(ctx, sk, objref);
	return ret;
}

/**
 * socket_file_checkpoint - ->checkpoint for a socket
 * @ctx:	the checkpoint
 * @file:	its file
 *
 * Return: 0 or a negative error, which has been logged.
 */
int socket_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct socket *sock = sock_from_file(file);

	switch (sock->sk->sk_family) {
	case AF_UNIX:
		return checkpoint_unix(ctx, file, sock);
	case AF_INET:
	case AF_INET6:
		return checkpoint_inet(ctx, file, sock);
	case AF_NETLINK:
		return checkpoint_netlink(ctx, file, sock);
#if IS_BUILTIN(CONFIG_PACKET)
	case AF_PACKET:
		return checkpoint_packet(ctx, file, sock);
#endif
	}
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
			     "a socket of family %u, type %u, protocol %u: not supported",
			     sock->sk->sk_family, sock->sk->sk_type, sock->sk->sk_protocol);
}

static int check_socket(struct ckpt_ctx *ctx, const struct ckpt_socket *s, size_t tail)
{
	bool without_file = s->listener || s->flags & CKPT_SOCKET_GONE;
	bool is_inet = s->family == AF_INET || s->family == AF_INET6;
	bool is_unix = s->family == AF_UNIX;

	if (s->nr_options > SOCKET_MAX_OPTIONS || s->addr_len > sizeof(struct sockaddr_storage) ||
	    s->peer_len > sizeof(struct sockaddr_storage) ||
	    tail != s->nr_options * sizeof(struct ckpt_sockopt) + s->addr_len + s->peer_len)
		return ckpt_err(ctx, -EINVAL, "a SOCKET record contradicts itself");
	if (s->flags & ~CKPT_SOCKET_FLAGS_ALL || s->state > CKPT_SOCKET_LISTENING ||
	    s->shutdown & ~SHUTDOWN_MASK || s->error > MAX_ERRNO ||
	    (s->backlog > INT_MAX && !(s->flags & CKPT_SOCKET_FANOUT)) ||
	    (!is_unix && !is_inet && s->family != AF_NETLINK && s->family != AF_PACKET) ||
	    (without_file && (s->state == CKPT_SOCKET_LISTENING ||
			      (is_unix && s->nr_options) ||
			      (!is_unix && (!is_inet || s->type != SOCK_STREAM || s->addr_len ||
					    s->state != CKPT_SOCKET_CONNECTED)))) ||
	    (s->listener && s->flags & CKPT_SOCKET_GONE) ||
	    (s->flags & CKPT_SOCKET_FANOUT && s->family != AF_PACKET) ||
	    (s->flags & (CKPT_SOCKET_FOREIGN | CKPT_SOCKET_REUSED) &&
	     (!is_inet || !s->addr_len)) ||
	    (!is_unix && (s->path || s->flags & ~(CKPT_SOCKET_GONE | CKPT_SOCKET_FANOUT |
						  CKPT_SOCKET_FOREIGN | CKPT_SOCKET_NUMBERS |
						  CKPT_SOCKET_REUSED))))
		return ckpt_err(ctx, -EINVAL, "a SOCKET with unknown or impossible attributes");
	return 0;
}

static int set_peer_cred(struct ckpt_ctx *ctx, struct sock *sk, const struct ckpt_socket *s)
{
	const struct cred *cred;
	struct pid *pid;

	if (!s->peer_cred)
		return 0;
	cred = restore_file_cred(ctx, s->peer_cred);
	if (IS_ERR(cred))
		return PTR_ERR(cred);
	get_cred(cred);
	pid = restore_pid_of_credentials(ctx, s->peer_pid);
	spin_lock(&sk->sk_peer_lock);
	swap(sk->sk_peer_cred, cred);
	swap(sk->sk_peer_pid, pid);
	spin_unlock(&sk->sk_peer_lock);
	put_cred(cred);
	put_pid(pid);
	return 0;
}

/**
 * restore_sock_add - a socket without a file has been made
 * @ctx:	the restart
 * @objref:	how the image names it
 * @s:		what the image says of it
 * @sk:		it, taken over, also on error
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_sock_add(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_socket *s,
		     struct sock *sk)
{
	struct restored_sock *rs = kzalloc(sizeof(*rs), GFP_KERNEL_ACCOUNT);
	bool gone = s->flags & CKPT_SOCKET_GONE;

	if (!rs) {
		if (gone)
			unix_forget(sk);
		else
			sock_put(sk);
		return -ENOMEM;
	}
	*rs = (struct restored_sock) {
		.sk = sk, .gone = gone, .shutdown = s->shutdown, .error = s->error,
	};
	return ckpt_ref_add(ctx, objref, CKPT_OBJ_SOCKET, rs) ?: set_peer_cred(ctx, sk, s);
}

void ckpt_restored_sock_put(void *ptr)
{
	struct restored_sock *rs = ptr;

	if (rs->sock)
		sock_release(rs->sock);
	else if (rs->gone && rs->sk)
		unix_forget(rs->sk);
	else if (rs->sk)
		sock_put(rs->sk);
	kfree(rs);
}

static int add_file(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_socket *s,
		    struct socket *sock)
{
	/* It releases the socket if it fails. */
	struct file *file = sock_alloc_file(sock, 0, NULL);
	struct restored_sock *rs;
	struct ckpt_anon *anon;
	int ret;

	ret = ckpt_anon_add(ctx, objref, CKPT_FILE_SOCKET, file);
	if (ret)
		return ret;
	anon = ckpt_anon_ref(ctx, objref, CKPT_FILE_SOCKET);
	rs = kzalloc(sizeof(*rs), GFP_KERNEL_ACCOUNT);
	if (!rs)
		return -ENOMEM;
	rs->reused = s->flags & CKPT_SOCKET_REUSED;
	rs->shutdown = s->shutdown;
	rs->error = s->error;
	anon->data = rs;
	return set_peer_cred(ctx, sock->sk, s);
}

/* A TCP connection that waits to be accepted, or was closed: it has no file yet, or no more. */
static int add_without_file(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_socket *s,
			    struct socket *sock)
{
	struct sock *listener = s->listener ? restored_sock_of(ctx, s->listener) : NULL;
	struct restored_sock *rs;

	if (IS_ERR(listener)) {
		sock_release(sock);
		return PTR_ERR(listener);
	}
	rs = kzalloc(sizeof(*rs), GFP_KERNEL_ACCOUNT);
	if (!rs || (listener && (listener->sk_family != s->family ||
				 listener->sk_state != TCP_LISTEN))) {
		sock_release(sock);
		kfree(rs);
		return rs ? ckpt_err(ctx, -EINVAL, "objref %u does not listen", s->listener) :
			    -ENOMEM;
	}
	/* accept(2) charges it to who calls it. */
	mem_cgroup_sk_free(sock->sk);
	sock->sk->sk_memcg = NULL;
	*rs = (struct restored_sock) {
		.sk = sock->sk, .sock = sock, .listener = listener,
		.gone = s->flags & CKPT_SOCKET_GONE,
	};
	return ckpt_ref_add(ctx, objref, CKPT_OBJ_SOCKET, rs);
}

static int restore_family(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const u8 *addr,
			  struct socket *sock)
{
	switch (s->family) {
	case AF_UNIX:
		return restore_unix(ctx, s, addr, sock);
	case AF_NETLINK:
		return restore_netlink(ctx, s, addr, addr + s->addr_len, sock);
#if IS_BUILTIN(CONFIG_PACKET)
	case AF_PACKET:
		return restore_packet(ctx, s, addr, sock);
#endif
	case AF_INET:
	case AF_INET6:
		return restore_inet(ctx, s, addr, addr + s->addr_len, sock);
	}
	return -EINVAL;
}

static int make_socket(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_socket *s)
{
	const struct ckpt_sockopt *options = (const void *)(s + 1);
	const u8 *addr = (const void *)(options + s->nr_options);
	struct socket *sock;
	int ret;

	ret = sock_create(s->family, s->type, s->family == AF_UNIX ? 0 : s->protocol, &sock);
	if (ret)
		return ckpt_err(ctx, ret,
			"cannot make a socket of family %u, type %u, protocol %u (error %d)",
			s->family, s->type, s->protocol, ret);
	atomic_set(&sock->sk->sk_zckey, s->zckey);
	/* Else the option would begin to count, and wants a connection for that. */
	if (s->flags & CKPT_SOCKET_NUMBERS) {
		atomic_set(&sock->sk->sk_tskey, s->tskey);
		WRITE_ONCE(sock->sk->sk_tsflags, SOF_TIMESTAMPING_OPT_ID);
	}
	ret = restore_sock_options(ctx, sock, options, s->nr_options);
	if (!ret)
		ret = restore_family(ctx, s, addr, sock);
	if (!ret && (s->listener || s->flags & CKPT_SOCKET_GONE))
		return add_without_file(ctx, objref, s, sock);
	if (!ret)
		return add_file(ctx, objref, s, sock);
	sock_release(sock);
	return ret;
}

/**
 * restore_socket_rec - make a socket
 * @ctx:	the restart
 * @rec:	the SOCKET record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_socket_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct nsproxy *outside = NULL;
	struct ckpt_socket *s;
	int ret;

	s = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*s), sizeof(*s) + SZ_8K);
	if (IS_ERR(s))
		return PTR_ERR(s);
	ret = check_socket(ctx, s, rec->len - sizeof(*s));
	if (!ret)
		ret = restore_enter_net(ctx, s->net, &outside);
	if (!ret && s->family == AF_UNIX && (s->listener || s->flags & CKPT_SOCKET_GONE))
		ret = restore_unix_without_file(ctx, rec->objref, s, s + 1);
	else if (!ret)
		ret = make_socket(ctx, rec->objref, s);
	restore_leave_net(outside);
	kvfree(s);
	return ret;
}

/**
 * restored_sock_of - the socket that an objref names
 * @ctx:	the restart
 * @objref:	how the image names it
 *
 * Return: the socket, held by the table, or an error pointer that was logged.
 */
struct sock *restored_sock_of(struct ckpt_ctx *ctx, u32 objref)
{
	struct restored_sock *rs;
	struct ckpt_anon *anon;

	if (ckpt_ref_type(ctx, objref) == CKPT_OBJ_ANON) {
		anon = ckpt_anon_ref(ctx, objref, CKPT_FILE_SOCKET);
		return IS_ERR(anon) ? ERR_CAST(anon) : sock_from_file(anon->file)->sk;
	}
	rs = ckpt_ref(ctx, objref, CKPT_OBJ_SOCKET);
	if (!IS_ERR(rs) && !rs->sk)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "objref %u has no socket", objref));
	return IS_ERR(rs) ? ERR_CAST(rs) : rs->sk;
}

static struct sock *unix_sock_of(struct ckpt_ctx *ctx, u32 objref)
{
	struct sock *sk = restored_sock_of(ctx, objref);

	if (!IS_ERR(sk) && sk->sk_family != AF_UNIX)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "objref %u is not a UNIX socket", objref));
	return sk;
}

/**
 * restore_socket_peer_rec - connect two sockets
 * @ctx:	the restart
 * @rec:	the SOCKET_PEER record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_socket_peer_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_socket_peer *p;
	struct sock *sk, *peer;
	int ret;

	p = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*p), sizeof(*p));
	if (IS_ERR(p))
		return PTR_ERR(p);
	sk = unix_sock_of(ctx, rec->objref);
	peer = IS_ERR(sk) ? sk : unix_sock_of(ctx, p->peer);
	ret = IS_ERR(peer) ? PTR_ERR(peer) : restore_unix_peer(ctx, sk, peer);
	kvfree(p);
	return ret;
}

/**
 * restore_socket_msg_rec - put a message back into a queue
 * @ctx:	the restart
 * @rec:	the SOCKET_MSG record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_socket_msg_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_socket_msg *m;
	struct sock *from, *to;
	int ret;

	m = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*m), CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(m))
		return PTR_ERR(m);
	to = unix_sock_of(ctx, rec->objref);
	from = IS_ERR(to) ? to : unix_sock_of(ctx, m->from);
	ret = IS_ERR(from) ? PTR_ERR(from) :
			     restore_unix_msg(ctx, from, to, m, rec->len - sizeof(*m));
	kvfree(m);
	return ret;
}

static void settle(struct sock *sk, const struct restored_sock *rs)
{
	if (sk->sk_family != AF_UNIX) {
		if (rs->reused)
			sk->sk_reuseport = 0;
		/* TCP has its own way. */
		if (sk->sk_type == SOCK_STREAM)
			return;
		/* What has come in since it was made is not for who was not there. */
		if (sk->sk_family == AF_PACKET ||
		    (sk->sk_type == SOCK_RAW && sk->sk_family != AF_NETLINK))
			skb_queue_purge(&sk->sk_receive_queue);
		lock_sock(sk);
		sk->sk_shutdown = rs->shutdown;
		WRITE_ONCE(sk->sk_err, rs->error);
		release_sock(sk);
#if IS_BUILTIN(CONFIG_PACKET)
		if (sk->sk_family == AF_PACKET)
			restore_packet_settle(sk, rs);
#endif
		return;
	}
	unix_state_lock(sk);
	WRITE_ONCE(sk->sk_shutdown, rs->shutdown);
	WRITE_ONCE(sk->sk_err, rs->error);
	unix_state_unlock(sk);
}

/**
 * restore_sockets_settle - close what is gone, and let the others know what they knew
 * @ctx:	the restart, which has succeeded in all else
 */
void restore_sockets_settle(struct ckpt_ctx *ctx)
{
	struct restored_sock *rs;
	struct ckpt_anon *anon;
	unsigned long i = 0;

	while ((rs = ckpt_ref_next(ctx, &i, CKPT_OBJ_SOCKET))) {
		if (!rs->gone || rs->sock)
			continue;
		unix_forget(rs->sk);
		rs->sk = NULL;
	}
	i = 0;
	while ((rs = ckpt_ref_next(ctx, &i, CKPT_OBJ_SOCKET)))
		if (rs->sk)
			settle(rs->sk, rs);
	i = 0;
	while ((anon = ckpt_ref_next(ctx, &i, CKPT_OBJ_ANON)))
		if (anon->kind == CKPT_FILE_SOCKET && anon->data)
			settle(sock_from_file(anon->file)->sk, anon->data);
}
