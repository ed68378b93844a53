// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of socket filters: classic ones, as SO_ATTACH_FILTER takes them.
 */
#include <linux/checkpoint_net.h>
#include <linux/filter.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <net/sock.h>
#include <net/sock_reuseport.h>

/* With its instructions, or NULL: there is none. The socket is locked. */
static struct ckpt_sock_filter *describe_filter(struct sock *sk, size_t *len)
{
	struct sk_filter *filter = rcu_dereference_protected(sk->sk_filter,
							     lockdep_sock_is_held(sk));
	struct sock_fprog_kern *prog = filter ? filter->prog->orig_prog : NULL;
	struct ckpt_sock_filter *rec;

	BUILD_BUG_ON(sizeof(struct sock_filter) != 8);
	if (!filter)
		return NULL;
	if (!prog)
		return ERR_PTR(-EOPNOTSUPP);
	*len = sizeof(*rec) + bpf_classic_proglen(prog);
	rec = kzalloc(*len, GFP_KERNEL_ACCOUNT);
	if (!rec)
		return ERR_PTR(-ENOMEM);
	rec->nr_insns = prog->len;
	if (sock_flag(sk, SOCK_FILTER_LOCKED))
		rec->flags = CKPT_SOCK_FILTER_LOCKED;
	memcpy(rec + 1, prog->filter, bpf_classic_proglen(prog));
	return rec;
}

/* It chooses by their places in the group, which depend on who came and went. */
static bool has_chooser(struct sock *sk)
{
	struct sock_reuseport *group;
	bool has;

	rcu_read_lock();
	group = rcu_dereference(sk->sk_reuseport_cb);
	has = group && rcu_access_pointer(group->prog);
	rcu_read_unlock();
	return has;
}

/**
 * checkpoint_sock_filter - write the filter of a socket, if it has one
 * @ctx:	the checkpoint
 * @sk:		the socket, which nobody has locked
 * @objref:	of the socket
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_sock_filter(struct ckpt_ctx *ctx, struct sock *sk, u32 objref)
{
	struct ckpt_sock_filter *rec;
	size_t len;
	int ret;

	if (has_chooser(sk))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a program chooses among the sockets of its port (SO_ATTACH_REUSEPORT_CBPF): not supported");
	if (!rcu_access_pointer(sk->sk_filter))
		return 0;
	if (sk->sk_type == SOCK_STREAM && sk->sk_family != AF_UNIX)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a socket of TCP with a filter (SO_ATTACH_FILTER): not supported");
	lock_sock(sk);
	rec = describe_filter(sk, &len);
	release_sock(sk);
	if (!rec)
		return 0;
	if (rec == ERR_PTR(-EOPNOTSUPP))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a socket with an eBPF filter (SO_ATTACH_BPF): not supported");
	if (IS_ERR(rec))
		return PTR_ERR(rec);
	ret = ckpt_write_rec(ctx, CKPT_REC_SOCKET_FILTER, objref, rec, len);
	kfree(rec);
	return ret;
}

static int attach(struct sock *sk, struct ckpt_sock_filter *f)
{
	struct sock_fprog_kern prog = { .len = f->nr_insns, .filter = (void *)(f + 1) };
	int ret;

	lock_sock(sk);
	ret = sock_flag(sk, SOCK_FILTER_LOCKED) ? -EPERM : sk_attach_checked(sk, &prog);
	if (!ret && f->flags & CKPT_SOCK_FILTER_LOCKED)
		sock_set_flag(sk, SOCK_FILTER_LOCKED);
	release_sock(sk);
	return ret;
}

/**
 * restore_socket_filter_rec - give a socket its filter
 * @ctx:	the restart
 * @rec:	the SOCKET_FILTER record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_socket_filter_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_sock_filter *f;
	struct sock *sk;
	int ret = 0;

	f = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*f),
			      sizeof(*f) + BPF_MAXINSNS * sizeof(struct sock_filter));
	if (IS_ERR(f))
		return PTR_ERR(f);
	sk = restored_sock_of(ctx, rec->objref);
	if (IS_ERR(sk))
		ret = PTR_ERR(sk);
	else if (f->flags & ~CKPT_SOCK_FILTER_LOCKED || !f->nr_insns ||
		 rec->len != sizeof(*f) + f->nr_insns * sizeof(struct sock_filter) ||
		 (sk->sk_type == SOCK_STREAM && sk->sk_family != AF_UNIX))
		ret = ckpt_err(ctx, -EINVAL, "a filter that a socket cannot have");
	if (!ret) {
		ret = attach(sk, f);
		if (ret)
			ckpt_err(ctx, ret, "a socket's filter is refused (error %d)", ret);
	}
	kvfree(f);
	return ret;
}
