// SPDX-License-Identifier: GPL-2.0
/*
 * Connections whose processes are in an image, and killed. Such a socket stays
 * in the tables, without queues or timers, and swallows what comes in: the peer
 * hears neither of an end nor of a reset, and sends again what was not
 * acknowledged. It goes when a restart takes its place, or after a time in which
 * a peer that waits for an answer would have given up.
 */
#include <linux/checkpoint.h>
#include <linux/checkpoint_net.h>
#include <linux/filter.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/inet_hashtables.h>
#include <net/inet6_hashtables.h>
#include <net/sock.h>
#include <net/tcp.h>

#define SILENCE_JIFFIES	(15 * 60 * HZ)

struct silent_sock {
	struct list_head list;
	struct sock *sk;		/* held */
	unsigned long expires;
};

static LIST_HEAD(silent);
static DEFINE_SPINLOCK(silent_lock);

static void expire(struct work_struct *work);
static DECLARE_DELAYED_WORK(expire_work, expire);

/**
 * tcp_drop_all - have all that comes in dropped
 * @sk:		the socket, which is locked
 *
 * Return: 0 or -ENOMEM.
 */
int tcp_drop_all(struct sock *sk)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog_kern prog = { .len = 1, .filter = &drop };

	return sk_attach_checked(sk, &prog);
}

/**
 * tcp_drop_none - the end of tcp_drop_all()
 * @sk:		the socket, which is locked
 */
void tcp_drop_none(struct sock *sk)
{
	sk_detach_filter(sk);
}

/*
 * Its port may be bound again meanwhile, by whoever may bind it. Not
 * inet_put_port(), which takes the port from the socket too: it would not be found.
 */
static void release_port(struct sock *sk)
{
	struct inet_hashinfo *table = tcp_or_dccp_get_hashinfo(sk);
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct inet_bind_hashbucket *head, *head2;
	struct net *net = sock_net(sk);
	u16 port = inet_sk(sk)->inet_num;
	struct inet_bind_bucket *tb = icsk->icsk_bind_hash;

	if (!tb)
		return;
	local_bh_disable();
	head = &table->bhash[inet_bhashfn(net, port, table->bhash_size)];
	head2 = inet_bhashfn_portaddr(table, sk, net, port);
	spin_lock(&head->lock);
	icsk->icsk_bind_hash = NULL;
	spin_lock(&head2->lock);
	if (icsk->icsk_bind2_hash) {
		__sk_del_bind_node(sk);
		inet_bind2_bucket_destroy(table->bind2_bucket_cachep, icsk->icsk_bind2_hash);
		icsk->icsk_bind2_hash = NULL;
	}
	spin_unlock(&head2->lock);
	inet_bind_bucket_destroy(table->bind_bucket_cachep, tb);
	spin_unlock(&head->lock);
	local_bh_enable();
}

/**
 * tcp_destroy_silently - an end that no peer hears of
 * @sk:		the socket, which is locked; destroyed if it has no file
 */
void tcp_destroy_silently(struct sock *sk)
{
	local_bh_disable();
	bh_lock_sock(sk);
	if (sk->sk_state != TCP_CLOSE) {
		tcp_clear_xmit_timers(sk);
		tcp_write_queue_purge(sk);
		tcp_set_state(sk, TCP_CLOSE);
		if (!inet_csk(sk)->icsk_bind_hash)
			inet_sk(sk)->inet_num = 0;
		if (sock_flag(sk, SOCK_DEAD))
			inet_csk_destroy_sock(sk);
	}
	bh_unlock_sock(sk);
	local_bh_enable();
}

static void put_silent(struct silent_sock *s)
{
	lock_sock(s->sk);
	tcp_destroy_silently(s->sk);
	release_sock(s->sk);
	sock_put(s->sk);
	kfree(s);
}

static void expire(struct work_struct *work)
{
	struct silent_sock *s;
	unsigned long next = 0;

	for (;;) {
		spin_lock_bh(&silent_lock);
		s = list_first_entry_or_null(&silent, struct silent_sock, list);
		if (s && time_before(jiffies, s->expires)) {
			next = s->expires - jiffies;
			s = NULL;
		}
		if (s)
			list_del(&s->list);
		spin_unlock_bh(&silent_lock);
		if (!s)
			break;
		put_silent(s);
	}
	if (next)
		schedule_delayed_work(&expire_work, next);
}

static struct silent_sock *find_silent(const struct sock *sk)
{
	struct silent_sock *s;

	list_for_each_entry(s, &silent, list)
		if (s->sk == sk)
			return s;
	return NULL;
}

static bool is_silent(const struct sock *sk)
{
	bool there;

	spin_lock_bh(&silent_lock);
	there = find_silent(sk);
	spin_unlock_bh(&silent_lock);
	return there;
}

/**
 * tcp_keep_silent - let a connection say nothing, also when it is closed
 * @sk:		the socket, which is locked, and has all dropped that comes in
 *
 * Return: false if there is no room for it.
 */
bool tcp_keep_silent(struct sock *sk)
{
	struct silent_sock *s;

	if (tcp_check_oom(sk, 0))
		return false;
	s = kmalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return false;
	tcp_sk(sk)->repair = 1;
	tcp_clear_xmit_timers(sk);
	release_port(sk);
	sock_hold(sk);
	s->sk = sk;
	s->expires = jiffies + SILENCE_JIFFIES;
	spin_lock_bh(&silent_lock);
	list_add_tail(&s->list, &silent);
	spin_unlock_bh(&silent_lock);
	schedule_delayed_work(&expire_work, SILENCE_JIFFIES);
	return true;
}

/**
 * tcp_close_silently - close(2) of a connection that is in an image
 * @sk:		the socket, which is locked
 *
 * Return: true if it is kept, without a file.
 */
bool tcp_close_silently(struct sock *sk)
{
	if (sk->sk_state == TCP_CLOSE || !is_silent(sk))
		return false;
	/* As __tcp_close() does it: the reference that its caller drops, and the count. */
	sock_hold(sk);
	sock_orphan(sk);
	tcp_orphan_count_inc();
	__skb_queue_purge(&sk->sk_receive_queue);
	tcp_write_queue_purge(sk);
	skb_rbtree_purge(&tcp_sk(sk)->out_of_order_queue);
	return true;
}

static bool is_v6(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	return sk->sk_family == AF_INET6 && !ipv6_addr_v4mapped(&sk->sk_v6_daddr);
#else
	return false;
#endif
}

/**
 * tcp_find - a socket in the table of connections
 * @sk:		one that has its addresses; it need not be in the table
 * @peer:	find its other end, not who has the same addresses
 *
 * Return: the socket, held, or NULL.
 */
struct sock *tcp_find(struct sock *sk, bool peer)
{
	struct inet_hashinfo *table = tcp_or_dccp_get_hashinfo(sk);
	__be16 sport = peer ? inet_sk(sk)->inet_sport : inet_sk(sk)->inet_dport;
	__be16 dport = peer ? inet_sk(sk)->inet_dport : inet_sk(sk)->inet_sport;
	struct net *net = sock_net(sk);
	struct sock *found = NULL;
	bool v6 = is_v6(sk);

	local_bh_disable();
#if IS_ENABLED(CONFIG_IPV6)
	if (v6) {
		const struct in6_addr *local = &sk->sk_v6_rcv_saddr, *remote = &sk->sk_v6_daddr;

		found = __inet6_lookup_established(net, table, peer ? local : remote, sport,
						   peer ? remote : local, ntohs(dport), 0, 0);
	}
#endif
	if (!v6) {
		__be32 local = inet_sk(sk)->inet_rcv_saddr, remote = inet_sk(sk)->inet_daddr;

		found = __inet_lookup_established(net, table, peer ? local : remote, sport,
						  peer ? remote : local, ntohs(dport), 0, 0);
	}
	local_bh_enable();
	if (found && !sk_fullsock(found)) {
		sock_gen_put(found);
		found = NULL;
	}
	return found;
}

/**
 * tcp_find_silent - the connection whose place a restart is about to take
 * @sk:		has its addresses
 *
 * Return: the silent socket, held, or NULL.
 */
struct sock *tcp_find_silent(struct sock *sk)
{
	struct sock *old = tcp_find(sk, false);

	if (!old || is_silent(old))
		return old;
	sock_put(old);
	return NULL;
}

/**
 * tcp_takes_place - may a connection enter the table although another has its addresses?
 * @sk:		the new one
 * @old:	the other; of any kind that the table has
 *
 * For a moment both are in the table, and the new one is found: with neither there,
 * what a peer sends just then would be answered by a reset.
 *
 * Return: whether @sk is being restored, and @old is silent.
 */
bool tcp_takes_place(const struct sock *sk, const struct sock *old)
{
	return sk->sk_protocol == IPPROTO_TCP && tcp_sk(sk)->repair && is_silent(old);
}

/**
 * tcp_end_silence - another has taken its place
 * @sk:		the silent socket
 */
void tcp_end_silence(struct sock *sk)
{
	struct silent_sock *s;

	spin_lock_bh(&silent_lock);
	s = find_silent(sk);
	if (s)
		list_del(&s->list);
	spin_unlock_bh(&silent_lock);
	if (s)
		put_silent(s);
}
