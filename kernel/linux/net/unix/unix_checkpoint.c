// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of UNIX sockets: names, peers, connections that wait to be
 * accepted, messages with descriptors and credentials.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_net.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/overflow.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/af_unix.h>
#include <net/scm.h>
#include <net/tcp_states.h>

/* How often a name is looked at, 10 ms apart, that a socket has which nobody has any more. */
#define CKPT_GC_ROUNDS		1000
#define CKPT_RELEASE_ROUNDS	20

static int write_sock(struct ckpt_ctx *ctx, struct sock *sk, u32 objref, u32 listener, u32 flags)
{
	struct unix_sock *u = unix_sk(sk);
	struct unix_address *addr = smp_load_acquire(&u->addr);	/* u->path is as old */
	struct ckpt_socket rec = { .flags = flags, .listener = listener };
	int ret = 0;

	if (sk->sk_state == TCP_LISTEN)
		rec.state = CKPT_SOCKET_LISTENING;
	else if (sk->sk_state == TCP_ESTABLISHED)
		rec.state = CKPT_SOCKET_CONNECTED;
	rec.backlog = sk->sk_max_ack_backlog;
	if (addr) {
		rec.addr_len = addr->len;
		/* By a name that was unlinked nobody finds it either. */
		if (flags & CKPT_SOCKET_GONE || listener || !unix_is_found_by_name(sk) ||
		    (u->path.dentry && !d_inode(u->path.dentry)->i_nlink))
			rec.flags |= CKPT_SOCKET_NOT_FOUND;
		else if (u->path.dentry)
			ret = checkpoint_path(ctx, &u->path, &rec.path);
	}
	return ret ?: checkpoint_sock(ctx, sk, &rec, objref, addr ? addr->name : NULL, NULL);
}

/* Add what is in flight in the queue of @sk, held. */
static int add_files(struct sock *sk, struct file ***files, unsigned int *nr)
{
	struct sk_buff *skb;
	unsigned int want;
	struct file **more;
	int i;

	for (;;) {
		want = *nr + atomic_read(&unix_sk(sk)->scm_stat.nr_fds);
		if (want == *nr)
			return 0;
		more = kvrealloc(*files, size_mul(want, sizeof(**files)), GFP_KERNEL_ACCOUNT);
		if (!more)
			return -ENOMEM;
		*files = more;
		spin_lock(&sk->sk_receive_queue.lock);
		if (*nr + atomic_read(&unix_sk(sk)->scm_stat.nr_fds) > want) {
			spin_unlock(&sk->sk_receive_queue.lock);
			continue;
		}
		skb_queue_walk(&sk->sk_receive_queue, skb) {
			struct scm_fp_list *fp = UNIXCB(skb).fp;

			for (i = 0; fp && i < fp->count && *nr < want; i++)
				more[(*nr)++] = get_file(fp->fp[i]);
			unix_peek_fpl(fp);
		}
		spin_unlock(&sk->sk_receive_queue.lock);
		return 0;
	}
}

/* The connections that wait to be accepted, held. */
static int pending_of(struct sock *listener, struct sock ***children, unsigned int *nr)
{
	unsigned int max = skb_queue_len_lockless(&listener->sk_receive_queue);
	struct sk_buff *skb;

	*nr = 0;
	*children = kvcalloc(max + 1, sizeof(**children), GFP_KERNEL_ACCOUNT);
	if (!*children)
		return -ENOMEM;
	spin_lock(&listener->sk_receive_queue.lock);
	skb_queue_walk(&listener->sk_receive_queue, skb) {
		if (*nr == max)
			break;
		sock_hold(skb->sk);
		(*children)[(*nr)++] = skb->sk;
	}
	spin_unlock(&listener->sk_receive_queue.lock);
	return 0;
}

static void put_pending(struct sock **children, unsigned int nr)
{
	while (nr)
		sock_put(children[--nr]);
	kvfree(children);
}

/**
 * unix_files_in_flight - what has been sent to a socket, and not received
 * @file:	any file
 * @files:	the files, held; for kvfree()
 * @nr:		their number
 *
 * Return: 0 or -ENOMEM; @files and @nr are valid in any case.
 */
int unix_files_in_flight(struct file *file, struct file ***files, unsigned int *nr)
{
	struct unix_sock *u = unix_get_socket(file);
	struct sock **children;
	unsigned int i, n;
	int ret;

	*files = NULL;
	*nr = 0;
	if (!u)
		return 0;
	if (u->sk.sk_state != TCP_LISTEN)
		return add_files(&u->sk, files, nr);
	ret = pending_of(&u->sk, &children, &n);
	for (i = 0; i < n && !ret; i++)
		ret = add_files(children[i], files, nr);
	put_pending(children, n);
	return ret;
}

static int write_later(struct ckpt_ctx *ctx, struct sock *sk, u32 objref);

static int discover_pending(struct ckpt_ctx *ctx, struct sock *listener, u32 objref)
{
	struct sock **children;
	unsigned int i, nr;
	u32 child;
	int ret;

	ret = pending_of(listener, &children, &nr);
	for (i = 0; i < nr && !ret; i++) {
		ret = ckpt_obj_add(ctx, CKPT_OBJ_SOCKET, children[i], &child);
		if (!ret)
			ret = write_sock(ctx, children[i], child, objref, 0);
		if (!ret)
			ret = write_later(ctx, children[i], child);
	}
	put_pending(children, nr);
	return ret;
}

static int discover(struct ckpt_ctx *ctx, void *ptr, u32 objref)
{
	struct file **files = NULL;
	unsigned int i, nr = 0;
	struct sock *sk = ptr;
	u32 ref;
	int ret;

	if (sk->sk_state == TCP_LISTEN)
		return discover_pending(ctx, sk, objref);
	ret = add_files(sk, &files, &nr);
	for (i = 0; i < nr && !ret; i++)
		ret = checkpoint_file(ctx, files[i], &ref);
	for (i = 0; i < nr; i++)
		fput(files[i]);
	kvfree(files);
	return ret;
}

/* Who sent something, or is the peer of one of the tree: may have been closed. */
static int write_gone(struct ckpt_ctx *ctx, struct sock *sk, u32 *objref)
{
	int ret = ckpt_obj(ctx, CKPT_OBJ_SOCKET, sk, objref);

	return ret > 0 ? write_sock(ctx, sk, *objref, 0, CKPT_SOCKET_GONE) : ret;
}

static int connect_peer(struct ckpt_ctx *ctx, void *ptr, u32 objref)
{
	struct ckpt_socket_peer rec = {};
	struct sock *sk = ptr, *peer = unix_peer_get(sk);
	int ret = 0;

	if (!peer)
		return 0;
	if (!ckpt_obj_lookup(ctx, CKPT_OBJ_SOCKET, peer, &rec.peer)) {
		if (sock_flag(peer, SOCK_DEAD))
			ret = write_gone(ctx, peer, &rec.peer);
		else
			ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
					    "a UNIX socket, connected to one of process %d outside the tree: not supported",
					    pid_vnr(sk->sk_peer_pid));
	}
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_SOCKET_PEER, objref, &rec, sizeof(rec));
	sock_put(peer);
	return ret;
}

static int write_fds(struct ckpt_ctx *ctx, const struct scm_fp_list *fp, u32 *refs)
{
	int i;

	for (i = 0; fp && i < fp->count; i++)
		if (!ckpt_obj_lookup(ctx, CKPT_OBJ_FILE, fp->fp[i], &refs[i]))
			return ckpt_err(ctx, -EAGAIN,
				"a process outside the tree sends to it; try again");
	return 0;
}

/* An urgent byte that was read stays in the queue, as the mark of SIOCATMARK. */
static u32 msg_flags(const struct sock *sk, const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_AF_UNIX_OOB)
	if (skb == READ_ONCE(unix_sk(sk)->oob_skb))
		return CKPT_MSG_URGENT;
	if (sk->sk_type == SOCK_STREAM && UNIXCB(skb).consumed == skb->len)
		return CKPT_MSG_MARK;
#endif
	return 0;
}

static int write_msg(struct ckpt_ctx *ctx, const struct sock *sk, struct sk_buff *skb, u32 objref)
{
	const struct scm_fp_list *fp = UNIXCB(skb).fp;
	size_t bytes = skb->len - UNIXCB(skb).consumed, fds = fp ? fp->count : 0;
	struct ckpt_socket_msg rec = { .nr_fds = fds, .flags = msg_flags(sk, skb) };
	size_t len = fds * sizeof(u32) + bytes;
	u8 *tail;
	int ret;

	if (len > CKPT_MAX_RECORD_BYTES - sizeof(rec))
		return ckpt_obstacle(ctx, -E2BIG, "a message of %zu bytes: too long", bytes);
	if (UNIXCB(skb).pid) {
		rec.pid = pid_vnr(UNIXCB(skb).pid);
		rec.uid = from_kuid_munged(current_user_ns(), UNIXCB(skb).uid);
		rec.gid = from_kgid_munged(current_user_ns(), UNIXCB(skb).gid);
	}
	ret = write_gone(ctx, skb->sk, &rec.from);
	if (ret)
		return ret;
	tail = kvmalloc(len + 1, GFP_KERNEL_ACCOUNT);
	if (!tail)
		return -ENOMEM;
	ret = write_fds(ctx, fp, (u32 *)tail);
	if (!ret)
		ret = skb_copy_bits(skb, UNIXCB(skb).consumed, tail + fds * sizeof(u32), bytes);
	if (!ret)
		ret = ckpt_write_rec2(ctx, CKPT_REC_SOCKET_MSG, objref, &rec, sizeof(rec), tail,
				      len);
	kvfree(tail);
	return ret;
}

static int write_queue(struct ckpt_ctx *ctx, void *ptr, u32 objref)
{
	struct sock *sk = ptr;

	if (sk->sk_state == TCP_LISTEN || ckpt_dryrun(ctx))
		return 0;
	return ckpt_write_queue(ctx, sk, &sk->sk_receive_queue, objref, write_msg);
}

static int write_later(struct ckpt_ctx *ctx, struct sock *sk, u32 objref)
{
	return ckpt_write_later(ctx, CKPT_STAGE_DISCOVER, sk, objref, discover) ?:
	       ckpt_write_later(ctx, CKPT_STAGE_CONNECT, sk, objref, connect_peer) ?:
	       ckpt_write_later(ctx, CKPT_STAGE_FILL, sk, objref, write_queue);
}

/**
 * checkpoint_unix - write a UNIX socket
 * @ctx:	the checkpoint
 * @file:	its file
 * @sock:	the socket
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_unix(struct ckpt_ctx *ctx, struct file *file, struct socket *sock)
{
	struct sock *sk = sock->sk;
	u32 objref;
	int ret;

	ret = ckpt_obj_add(ctx, CKPT_OBJ_SOCKET, sk, &objref);
	if (!ret)
		ret = write_sock(ctx, sk, objref, 0, 0);
	if (!ret)
		ret = ckpt_anon_write(ctx, file, CKPT_FILE_SOCKET, objref);
	return ret ?: write_later(ctx, sk, objref);
}

/* A name in the filesystem leads to an inode that is the caller's. */
static int check_path(struct ckpt_ctx *ctx, u32 objref, const struct path **path)
{
	struct file *file = ckpt_ref(ctx, objref, CKPT_OBJ_FILE);
	const struct inode *inode;

	if (IS_ERR(file))
		return PTR_ERR(file);
	inode = file_inode(file);
	*path = &file->f_path;
	ckpt_name_for_messages(ctx, *path);
	if (!S_ISSOCK(inode->i_mode) || !(file->f_mode & FMODE_PATH))
		return ckpt_err(ctx, -EINVAL, "is not a socket's name");
	/* Who connects to it must not meet a stranger. */
	if (!inode_owner_or_capable(mnt_idmap((*path)->mnt), inode))
		return ckpt_err(ctx, -EPERM, "this socket's name belongs to another user");
	return 0;
}

/*
 * One in flight in a circle outlives its processes, until the kernel has collected it;
 * then it is not in flight any more, and released a moment later.
 */
static int bind_when_free(struct sock *sk, struct sockaddr_un *name, int len,
			  const struct path *path, bool found)
{
	int i, collected = 0, ret;

	for (i = 0; ; i++) {
		ret = unix_bind_again(sk, name, len, path, found);
		collected = READ_ONCE(unix_tot_inflight) ? 0 : collected + 1;
		if (ret != -EADDRINUSE || i == CKPT_GC_ROUNDS ||
		    collected == CKPT_RELEASE_ROUNDS || fatal_signal_pending(current))
			return ret;
		unix_gc();
		flush_delayed_fput();
		schedule_timeout_killable(msecs_to_jiffies(10));
	}
}

static int bind_sock(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		     struct sock *sk)
{
	struct sockaddr_storage name = {};
	struct sockaddr_un *un = (struct sockaddr_un *)&name;
	bool found = !(s->flags & CKPT_SOCKET_NOT_FOUND);
	const struct path *path = NULL;
	int ret = 0;

	if (!s->addr_len)
		return s->path ? ckpt_err(ctx, -EINVAL, "a socket with a path, but no name") : 0;
	/* One more than a name has room for: the kernel ends it. */
	if (s->addr_len <= offsetof(struct sockaddr_un, sun_path) ||
	    s->addr_len > sizeof(struct sockaddr_un) + 1)
		return ckpt_err(ctx, -EINVAL, "a socket's name of %u bytes", s->addr_len);
	memcpy(&name, addr, s->addr_len);
	if (un->sun_family != AF_UNIX || !s->path != (!found || !un->sun_path[0]))
		return ckpt_err(ctx, -EINVAL, "a socket's name contradicts itself");
	if (s->path)
		ret = check_path(ctx, s->path, &path);
	if (!ret) {
		ret = bind_when_free(sk, un, s->addr_len, path, found);
		if (ret)
			ckpt_err(ctx, ret, ret == -EADDRINUSE ?
				 "another socket has this name now" :
				 "cannot bind a UNIX socket (error %d)", ret);
	}
	ctx->where.path = NULL;
	return ret;
}

/**
 * restore_unix - give a new UNIX socket its name and state
 * @ctx:	the restart
 * @s:		what the image says of it
 * @addr:	its name
 * @sock:	the socket, which nobody has yet
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_unix(struct ckpt_ctx *ctx, const struct ckpt_socket *s, const void *addr,
		 struct socket *sock)
{
	struct sock *sk = sock->sk;
	int ret;

	if (s->state == CKPT_SOCKET_LISTENING && (sk->sk_type == SOCK_DGRAM || !s->addr_len))
		return ckpt_err(ctx, -EINVAL, "a socket of this kind does not listen");
	ret = bind_sock(ctx, s, addr, sk);
	if (ret)
		return ret;
	if (s->state == CKPT_SOCKET_LISTENING) {
		/* Its credentials are set later. */
		sk->sk_max_ack_backlog =
			min_t(u32, s->backlog, READ_ONCE(sock_net(sk)->core.sysctl_somaxconn));
		WRITE_ONCE(sk->sk_state, TCP_LISTEN);
	} else if (s->state == CKPT_SOCKET_CONNECTED) {
		WRITE_ONCE(sk->sk_state, TCP_ESTABLISHED);
		sock->state = SS_CONNECTED;
	}
	return 0;
}

/**
 * restore_unix_without_file - a connection that is to be accepted, or one that is gone
 * @ctx:	the restart
 * @objref:	how the image names it
 * @s:		what the image says of it
 * @addr:	its name
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_unix_without_file(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_socket *s,
			      const void *addr)
{
	struct sock *sk, *listener;
	int ret = 0;

	if (s->type != SOCK_STREAM && s->type != SOCK_DGRAM && s->type != SOCK_SEQPACKET)
		return ckpt_err(ctx, -EINVAL, "a UNIX socket of type %u", s->type);
	if (s->listener) {
		listener = restored_sock_of(ctx, s->listener);
		if (IS_ERR(listener))
			return PTR_ERR(listener);
		if (listener->sk_family != AF_UNIX || listener->sk_state != TCP_LISTEN ||
		    listener->sk_type != s->type)
			return ckpt_err(ctx, -EINVAL, "objref %u does not listen", s->listener);
		sk = unix_make_pending(listener);
		if (!IS_ERR(sk))
			sock_hold(sk);
	} else {
		sk = unix_make_gone(current->nsproxy->net_ns, s->type);
		if (!IS_ERR(sk) && s->addr_len) {
			ret = s->flags & CKPT_SOCKET_NOT_FOUND ? bind_sock(ctx, s, addr, sk) :
								 -EINVAL;
			if (ret) {
				unix_forget(sk);
				return ckpt_err(ctx, ret, "a socket that is gone has a name");
			}
		}
	}
	if (IS_ERR(sk))
		return ckpt_err(ctx, PTR_ERR(sk), "cannot make a UNIX socket (error %ld)",
				PTR_ERR(sk));
	return restore_sock_add(ctx, objref, s, sk);
}

/**
 * restore_unix_peer - connect two UNIX sockets
 * @ctx:	the restart
 * @sk:		the one
 * @peer:	the other; a datagram socket need not be connected to @sk
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_unix_peer(struct ckpt_ctx *ctx, struct sock *sk, struct sock *peer)
{
	bool mutual = sk->sk_type != SOCK_DGRAM;

	if (mutual && unix_peer(sk) == peer)
		return 0;
	if (sk->sk_type != peer->sk_type || sk->sk_state == TCP_LISTEN ||
	    peer->sk_state == TCP_LISTEN || unix_peer(sk) ||
	    (mutual && (unix_peer(peer) || sk == peer)))
		return ckpt_err(ctx, -EINVAL, "these UNIX sockets cannot be connected");
	sock_hold(peer);
	unix_peer(sk) = peer;
	if (mutual) {
		sock_hold(sk);
		unix_peer(peer) = sk;
		WRITE_ONCE(sk->sk_state, TCP_ESTABLISHED);
		WRITE_ONCE(peer->sk_state, TCP_ESTABLISHED);
	}
	return 0;
}

static int take_fds(struct ckpt_ctx *ctx, struct scm_cookie *scm, const u32 *refs, u32 nr)
{
	struct scm_fp_list *fp;
	u32 i;

	if (!nr)
		return 0;
	fp = kzalloc(sizeof(*fp), GFP_KERNEL_ACCOUNT);
	if (!fp)
		return -ENOMEM;
	fp->max = SCM_MAX_FD;
	fp->user = get_uid(current_user());
	INIT_LIST_HEAD(&fp->vertices);
	scm->fp = fp;
	for (i = 0; i < nr; i++) {
		struct file *file = ckpt_ref(ctx, refs[i], CKPT_OBJ_FILE);

		if (IS_ERR(file))
			return PTR_ERR(file);
		fp->fp[fp->count++] = get_file(file);
		if (unix_get_socket(file))
			fp->count_unix++;
	}
	return 0;
}

/* As SCM_CREDENTIALS has them checked. */
static int take_creds(struct ckpt_ctx *ctx, struct scm_cookie *scm,
		      const struct ckpt_socket_msg *m)
{
	kuid_t uid = make_kuid(current_user_ns(), m->uid);
	kgid_t gid = make_kgid(current_user_ns(), m->gid);

	scm->creds.uid = INVALID_UID;
	scm->creds.gid = INVALID_GID;
	if (!m->pid)
		return 0;
	if (!uid_valid(uid) || !gid_valid(gid))
		return ckpt_err(ctx, -EINVAL, "a message from nobody");
	if ((!uid_eq(uid, current_uid()) && !ns_capable(current_user_ns(), CAP_SETUID)) ||
	    (!gid_eq(gid, current_gid()) && !ns_capable(current_user_ns(), CAP_SETGID)))
		return ckpt_err(ctx, -EPERM, "a message of user %u, group %u", m->uid, m->gid);
	scm->pid = restore_pid_of_credentials(ctx, m->pid);
	scm->creds.uid = uid;
	scm->creds.gid = gid;
	return 0;
}

/* @bytes: of its data. There is one urgent byte at a time, and what has been read has none. */
static bool flags_fit(const struct sock *to, const struct ckpt_socket_msg *m, size_t bytes)
{
	/* A stream holds no empty messages. */
	if (!m->flags)
		return to->sk_type != SOCK_STREAM || bytes;
#if IS_ENABLED(CONFIG_AF_UNIX_OOB)
	if (to->sk_type != SOCK_STREAM)
		return false;
	if (m->flags == CKPT_MSG_URGENT)
		return bytes == 1 && !unix_sk(to)->oob_skb;
	return m->flags == CKPT_MSG_MARK && !bytes && !m->nr_fds;
#else
	return false;
#endif
}

/**
 * restore_unix_msg - put a message back into a queue
 * @ctx:	the restart
 * @from:	who sent it
 * @to:		whose queue it is
 * @m:		what the image says of it
 * @len:	bytes of its tail
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_unix_msg(struct ckpt_ctx *ctx, struct sock *from, struct sock *to,
		     const struct ckpt_socket_msg *m, size_t len)
{
	const u32 *refs = (const u32 *)(m + 1);
	struct scm_cookie scm = {};
	size_t fds;
	int ret;

	if (m->nr_fds > SCM_MAX_FD || len < m->nr_fds * sizeof(u32) ||
	    m->flags & ~CKPT_MSG_FLAGS_ALL ||
	    from->sk_type != to->sk_type || to->sk_state == TCP_LISTEN ||
	    from->sk_state == TCP_LISTEN ||
	    (to->sk_type != SOCK_DGRAM && unix_peer(to) != from) ||
	    sock_flag(to, SOCK_DEAD))
		return ckpt_err(ctx, -EINVAL, "a message contradicts itself");
	fds = m->nr_fds * sizeof(u32);
	if (!flags_fit(to, m, len - fds))
		return ckpt_err(ctx, -EINVAL, len == fds && !m->flags ?
				"an empty message in a stream" :
				"an urgent byte contradicts itself");
	ret = take_fds(ctx, &scm, refs, m->nr_fds);
	if (!ret)
		ret = take_creds(ctx, &scm, m);
	if (!ret) {
		ret = unix_queue_again(from, to, (const u8 *)refs + fds, len - fds, &scm,
				       m->flags);
		if (ret)
			ckpt_err(ctx, ret, "cannot put a message back (error %d)", ret);
	}
	scm_destroy(&scm);
	return ret;
}
