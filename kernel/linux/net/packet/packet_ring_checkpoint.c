// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of the rings of packet sockets (PACKET_RX_RING, PACKET_TX_RING):
 * memory that a socket shares with who has mapped it. Kernel and user space go round
 * in it, each for itself, so both must go on where they were. A part of af_packet.c.
 */
#include <linux/checkpoint_net.h>

/* What one RING_DATA holds, at most. */
#define RING_RUN	SZ_64K

static struct packet_ring_buffer *ring_of(struct packet_sock *po, u32 flags)
{
	return flags & CKPT_RING_TX ? &po->tx_ring : &po->rx_ring;
}

/* TPACKET_V3 gives whole blocks to user space, the others frames. */
static bool is_of_blocks(const struct packet_sock *po, u32 flags)
{
	return !(flags & CKPT_RING_TX) && po->tp_version == TPACKET_V3;
}

static u64 ring_bytes(const struct packet_ring_buffer *rb)
{
	return rb->pg_vec ? (u64)rb->pg_vec_len * rb->pg_vec_pages << PAGE_SHIFT : 0;
}

/**
 * ckpt_packet_map_obstacle - can this mapping of rings be made again?
 * @vma:	a mapping of a packet socket
 *
 * Return: NULL, or in words why not.
 */
const char *ckpt_packet_map_obstacle(struct vm_area_struct *vma)
{
	struct packet_sock *po = pkt_sk(sock_from_file(vma->vm_file)->sk);
	u64 bytes;

	mutex_lock(&po->pg_vec_lock);
	bytes = ring_bytes(&po->rx_ring) + ring_bytes(&po->tx_ring);
	mutex_unlock(&po->pg_vec_lock);
	if (vma->anon_vma)
		return "a packet ring, mapped privately and written to: not supported";
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != bytes)
		return "a part of the rings of a packet socket: not supported";
	return NULL;
}

/* No packet is being copied into a frame when the lock is held. */
static void lock_frames(struct packet_sock *po)
{
	const struct packet_ring_buffer *rb = &po->rx_ring;

	for (;;) {
		spin_lock_bh(&po->sk.sk_receive_queue.lock);
		if (bitmap_empty(rb->rx_owner_map, rb->frame_max + 1))
			return;
		spin_unlock_bh(&po->sk.sk_receive_queue.lock);
		cpu_relax();
	}
}

static void describe_frames(struct packet_sock *po, struct ckpt_packet_ring *r)
{
	lock_frames(po);
	r->head = po->rx_ring.head;
	spin_unlock_bh(&po->sk.sk_receive_queue.lock);
}

/* @block: gets what is in the one that is being filled, at one moment */
static void describe_blocks(struct packet_sock *po, struct ckpt_packet_ring *r, void *block)
{
	struct tpacket_kbdq_core *k = &po->rx_ring.prb_bdqc;

	r->retire_ms = k->retire_blk_tov;
	r->priv_size = k->blk_sizeof_priv;
	r->features = k->feature_req_word;
	spin_lock_bh(&po->sk.sk_receive_queue.lock);
	/* Who copies a packet holds this one. */
	write_lock(&k->blk_fill_in_prog_lock);
	write_unlock(&k->blk_fill_in_prog_lock);
	r->head = k->kactive_blk_num;
	r->seq = k->knxt_seq_num;
	r->freezes = po->stats.stats3.tp_freeze_q_cnt;
	if (k->reset_pending_on_curr_blk) {
		r->flags |= CKPT_RING_FULL;
	} else {
		r->next = k->nxt_offset - k->pkblk_start;
		r->prev = k->prev - k->pkblk_start;
		memcpy(block, k->pkblk_start, r->next);
	}
	spin_unlock_bh(&po->sk.sk_receive_queue.lock);
}

/* Return: 0 or a negative error; @block: the block that is being filled, or NULL */
static int describe_ring(struct packet_sock *po, struct ckpt_packet_ring *r, void **block)
{
	const struct packet_ring_buffer *rb = ring_of(po, r->flags);

	r->block_size = rb->pg_vec_pages << PAGE_SHIFT;
	r->block_nr = rb->pg_vec_len;
	r->frame_size = rb->frame_size;
	r->frame_nr = rb->frame_max + 1;
	if (r->flags & CKPT_RING_TX) {
		r->head = rb->head;
		return 0;
	}
	r->packets = po->stats.stats1.tp_packets;
	r->drops = atomic_read(&po->tp_drops);
	if (!is_of_blocks(po, r->flags)) {
		describe_frames(po, r);
		return 0;
	}
	*block = kvzalloc(r->block_size, GFP_KERNEL_ACCOUNT);
	if (!*block)
		return -ENOMEM;
	describe_blocks(po, r, *block);
	return 0;
}

/* Copy what is not zero, from @at on; the end of that, or of the ring, is put there. */
static size_t copy_run(struct packet_ring_buffer *rb, const struct ckpt_packet_ring *r,
		       const void *block, u64 *at, void *to)
{
	u64 end = (u64)r->block_size * r->block_nr;
	size_t len = 0;

	while (*at < end && len < RING_RUN) {
		u32 nr = div_u64(*at, r->block_size), offset = *at - (u64)nr * r->block_size;
		const void *from = block && nr == r->head ? block : rb->pg_vec[nr].buffer;

		if (memchr_inv(from + offset, 0, PAGE_SIZE)) {
			memcpy(to + len, from + offset, PAGE_SIZE);
			len += PAGE_SIZE;
		} else if (len) {
			break;
		}
		*at += PAGE_SIZE;
	}
	return len;
}

static bool ring_has_gone(const struct packet_ring_buffer *rb, const struct ckpt_packet_ring *r)
{
	return ring_bytes(rb) != (u64)r->block_size * r->block_nr;
}

static int write_contents(struct ckpt_ctx *ctx, struct packet_sock *po,
			  const struct ckpt_packet_ring *r, const void *block, u32 objref)
{
	struct packet_ring_buffer *rb = ring_of(po, r->flags);
	struct ckpt_ring_data d = { .flags = r->flags & CKPT_RING_TX };
	void *run = kvmalloc(RING_RUN, GFP_KERNEL_ACCOUNT);
	u64 at = 0, end = (u64)r->block_size * r->block_nr;
	size_t len;
	int ret = run ? 0 : -ENOMEM;

	while (!ret && at < end) {
		/* Not held while it is written: a page fault may wait for it. */
		mutex_lock(&po->pg_vec_lock);
		if (ring_has_gone(rb, r)) {
			mutex_unlock(&po->pg_vec_lock);
			ret = ckpt_err(ctx, -EAGAIN,
				       "another process changes a packet socket; try again");
			break;
		}
		len = copy_run(rb, r, block, &at, run);
		mutex_unlock(&po->pg_vec_lock);
		/* It may have ended at a page of zeroes, which is not in it. */
		d.offset = at - len;
		if (len)
			ret = ckpt_write_rec2(ctx, CKPT_REC_RING_DATA, objref, &d, sizeof(d),
					      run, len);
		cond_resched();
	}
	kvfree(run);
	return ret;
}

/* Frames that were filled while others were written are as they were: empty. */
static int write_late_frames(struct ckpt_ctx *ctx, struct packet_sock *po,
			     const struct ckpt_packet_ring *r, u32 objref)
{
	u32 head, per_block = r->block_size / r->frame_size, i;
	static const u64 empty;
	int ret = 0;

	mutex_lock(&po->pg_vec_lock);
	if (ring_has_gone(&po->rx_ring, r)) {
		head = r->head;
	} else {
		lock_frames(po);
		head = po->rx_ring.head;
		spin_unlock_bh(&po->sk.sk_receive_queue.lock);
	}
	mutex_unlock(&po->pg_vec_lock);
	for (i = r->head; i != head && !ret; i = i + 1 < r->frame_nr ? i + 1 : 0) {
		struct ckpt_ring_data d = {
			.offset = (u64)(i / per_block) * r->block_size +
				  (u64)(i % per_block) * r->frame_size,
		};

		ret = ckpt_write_rec2(ctx, CKPT_REC_RING_DATA, objref, &d, sizeof(d),
				      &empty, sizeof(empty));
	}
	return ret;
}

static int checkpoint_ring(struct ckpt_ctx *ctx, struct packet_sock *po, u32 flags, u32 objref)
{
	struct ckpt_packet_ring r = { .flags = flags };
	void *block = NULL;
	bool has;
	int ret = 0;

	mutex_lock(&po->pg_vec_lock);
	has = ring_of(po, flags)->pg_vec;
	if (has)
		ret = describe_ring(po, &r, &block);
	mutex_unlock(&po->pg_vec_lock);
	if (!ret && has)
		ret = ckpt_write_rec(ctx, CKPT_REC_PACKET_RING, objref, &r, sizeof(r));
	if (!ret && has && !ckpt_dryrun(ctx))
		ret = write_contents(ctx, po, &r, r.flags & CKPT_RING_FULL ? NULL : block, objref);
	if (!ret && has && !(flags & CKPT_RING_TX) && !is_of_blocks(po, flags))
		ret = write_late_frames(ctx, po, &r, objref);
	kvfree(block);
	return ret;
}

/**
 * checkpoint_packet_rings - write the rings of a packet socket
 * @ctx:	the checkpoint
 * @sk:		the socket
 * @objref:	of the socket
 *
 * Return: 0 or a negative error.
 */
int checkpoint_packet_rings(struct ckpt_ctx *ctx, struct sock *sk, u32 objref)
{
	return checkpoint_ring(ctx, pkt_sk(sk), 0, objref) ?:
	       checkpoint_ring(ctx, pkt_sk(sk), CKPT_RING_TX, objref);
}

/* Until restore_packet_settle() it hears of no packet, as if it had no protocol. */
static void detach(struct sock *sk, struct restored_sock *rs)
{
	struct packet_sock *po = pkt_sk(sk);

	if (rs->is_detached)
		return;
	spin_lock(&po->bind_lock);
	rs->is_detached = true;
	rs->was_running = packet_sock_flag(po, PACKET_SOCK_RUNNING);
	rs->packet_num = po->num;
	WRITE_ONCE(po->num, 0);
	unregister_prot_hook(sk, true);
	spin_unlock(&po->bind_lock);
}

/* By the rules of setsockopt(2). */
static int make_ring(struct socket *sock, const struct ckpt_packet_ring *r)
{
	union tpacket_req_u req = {
		.req3 = {
			.tp_block_size = r->block_size, .tp_block_nr = r->block_nr,
			.tp_frame_size = r->frame_size, .tp_frame_nr = r->frame_nr,
			.tp_retire_blk_tov = r->retire_ms, .tp_sizeof_priv = r->priv_size,
			.tp_feature_req_word = r->features,
		},
	};
	int name = r->flags & CKPT_RING_TX ? PACKET_TX_RING : PACKET_RX_RING;

	return sock->ops->setsockopt(sock, SOL_PACKET, name, KERNEL_SOCKPTR(&req), sizeof(req));
}

/* Where the kernel goes on. It is at rest until restore_packet_settle(). */
static int go_on_in_blocks(struct packet_sock *po, const struct ckpt_packet_ring *r)
{
	struct tpacket_kbdq_core *k = &po->rx_ring.prb_bdqc;
	bool full = r->flags & CKPT_RING_FULL;

	spin_lock_bh(&po->sk.sk_receive_queue.lock);
	k->delete_blk_timer = 1;
	spin_unlock_bh(&po->sk.sk_receive_queue.lock);
	del_timer_sync(&k->retire_blk_timer);
	if (r->head >= r->block_nr || r->next > r->block_size || r->next % V3_ALIGNMENT ||
	    r->prev > r->block_size - sizeof(struct tpacket3_hdr) || r->prev % V3_ALIGNMENT)
		return -EINVAL;
	po->stats.stats3.tp_freeze_q_cnt = r->freezes;
	k->kactive_blk_num = r->head;
	k->knxt_seq_num = r->seq;
	k->reset_pending_on_curr_blk = full;
	k->pkblk_start = po->rx_ring.pg_vec[r->head].buffer;
	k->pkblk_end = k->pkblk_start + k->kblk_size;
	k->nxt_offset = k->pkblk_start + r->next;
	k->prev = k->pkblk_start + r->prev;
	return 0;
}

static int go_on(struct packet_sock *po, const struct ckpt_packet_ring *r)
{
	if (!(r->flags & CKPT_RING_TX)) {
		po->stats.stats1.tp_packets = r->packets;
		atomic_set(&po->tp_drops, r->drops);
	}
	if (is_of_blocks(po, r->flags))
		return go_on_in_blocks(po, r);
	if (r->head >= r->frame_nr)
		return -EINVAL;
	ring_of(po, r->flags)->head = r->head;
	return 0;
}

/**
 * restore_packet_ring_rec - make a ring of a packet socket
 * @ctx:	the restart
 * @rec:	the PACKET_RING record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_packet_ring_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_packet_ring *r;
	struct restored_sock *rs;
	struct socket *sock;
	int ret;

	sock = restored_socket_of(ctx, rec->objref, &rs);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	if (!rs || sock->sk->sk_family != AF_PACKET || sock->type == SOCK_PACKET)
		return ckpt_err(ctx, -EINVAL, "objref %u is not a socket that has rings",
				rec->objref);
	r = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*r), sizeof(*r));
	if (IS_ERR(r))
		return PTR_ERR(r);
	detach(sock->sk, rs);
	if (r->flags & ~CKPT_RING_FLAGS_ALL || !r->block_nr)
		ret = -EINVAL;
	else
		ret = make_ring(sock, r) ?: go_on(pkt_sk(sock->sk), r);
	if (ret)
		ckpt_err(ctx, ret, "cannot make a ring of %u times %u bytes (error %d)",
			 r->block_nr, r->block_size, ret);
	kvfree(r);
	return ret;
}

static void fill_ring(struct packet_ring_buffer *rb, u64 at, const void *from, size_t len)
{
	u32 size = rb->pg_vec_pages << PAGE_SHIFT;

	while (len) {
		u32 nr = div_u64(at, size), offset = at - (u64)nr * size;
		size_t part = min_t(size_t, len, size - offset);

		memcpy(rb->pg_vec[nr].buffer + offset, from, part);
		at += part;
		from += part;
		len -= part;
	}
}

/**
 * restore_ring_data_rec - fill a ring of a packet socket
 * @ctx:	the restart
 * @rec:	a RING_DATA record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_ring_data_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct packet_ring_buffer *rb;
	struct ckpt_ring_data *d;
	struct restored_sock *rs;
	struct socket *sock;
	size_t len;
	int ret = 0;

	sock = restored_socket_of(ctx, rec->objref, &rs);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	if (!rs || !rs->is_detached)
		return ckpt_err(ctx, -EINVAL, "objref %u has no rings", rec->objref);
	d = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*d), sizeof(*d) + RING_RUN);
	if (IS_ERR(d))
		return PTR_ERR(d);
	rb = ring_of(pkt_sk(sock->sk), d->flags);
	len = rec->len - sizeof(*d);
	if (d->flags & ~CKPT_RING_TX || d->offset > ring_bytes(rb) ||
	    len > ring_bytes(rb) - d->offset)
		ret = ckpt_err(ctx, -EINVAL, "RING_DATA at %llu, outside of its ring", d->offset);
	else
		fill_ring(rb, d->offset, d + 1, len);
	kvfree(d);
	return ret;
}

/* What was being sent has been sent, or is lost: nobody else gives its frame back. */
static void give_back_frames(struct packet_sock *po)
{
	u32 i;

	for (i = 0; i <= po->tx_ring.frame_max; i++) {
		void *frame = packet_lookup_frame(po, &po->tx_ring, i, TP_STATUS_SENDING);

		if (frame)
			__packet_set_status(po, frame, TP_STATUS_AVAILABLE);
	}
}

/**
 * restore_packet_settle - a packet socket hears of packets again
 * @sk:		the socket
 * @rs:		what is known of it
 */
void restore_packet_settle(struct sock *sk, const struct restored_sock *rs)
{
	struct packet_sock *po = pkt_sk(sk);
	struct tpacket_kbdq_core *k = &po->rx_ring.prb_bdqc;

	if (!rs->is_detached)
		return;
	if (po->tx_ring.pg_vec)
		give_back_frames(po);
	if (po->rx_ring.pg_vec && is_of_blocks(po, 0)) {
		spin_lock_bh(&sk->sk_receive_queue.lock);
		k->delete_blk_timer = 0;
		_prb_refresh_rx_retire_blk_timer(k);
		spin_unlock_bh(&sk->sk_receive_queue.lock);
	}
	spin_lock(&po->bind_lock);
	WRITE_ONCE(po->num, rs->packet_num);
	if (rs->was_running && READ_ONCE(po->ifindex) != -1)
		register_prot_hook(sk);
	spin_unlock(&po->bind_lock);
}
