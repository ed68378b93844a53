// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of io_uring instances: a part of io_uring/io_uring.c.
 *
 * An instance is its two rings, whose contents are user space's to read and write,
 * and how far the kernel has come in them. Requests in flight cannot be written:
 * each task waits for its own before it rests, and then gives its workers and ties
 * to instances back, as in execve(2). It gets new ones with its next request.
 */
#include <linux/checkpoint_files.h>
#include <linux/mman.h>
#include <linux/security.h>

/* How long a task may be kept from its rest by requests that are under way. */
#define CKPT_URING_PATIENCE	HZ

#define CKPT_URING_SETUP	(IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |		\
				 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |	\
				 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SQE128 |	\
				 IORING_SETUP_CQE32 | IORING_SETUP_SINGLE_ISSUER |	\
				 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_NO_SQARRAY)

bool ckpt_is_io_uring(const struct file *file)
{
	return file->f_op == &io_uring_fops;
}

static bool has_registered_rings(const struct io_uring_task *tctx)
{
	return memchr_inv(tctx->registered_rings, 0, sizeof(tctx->registered_rings));
}

static s64 requests_of_current(void)
{
	io_uring_drop_tctx_refs(current);
	return tctx_inflight(current->io_uring, false);
}

static void run_deferred_work(struct io_uring_task *tctx)
{
	struct io_tctx_node *node;
	unsigned long index;

	xa_for_each(&tctx->xa, index, node)
		if (node->ctx->flags & IORING_SETUP_DEFER_TASKRUN &&
		    node->ctx->submitter_task == current)
			io_run_local_work(node->ctx, INT_MAX);
	io_run_task_work();
}

/**
 * ckpt_io_uring_settle - wait for one's own requests, and give up what serves them
 *
 * What does not end by itself is named when the task is at rest.
 */
void ckpt_io_uring_settle(void)
{
	struct io_uring_task *tctx = current->io_uring;
	unsigned long last = jiffies + CKPT_URING_PATIENCE;

	while (requests_of_current()) {
		if (time_after(jiffies, last) || fatal_signal_pending(current))
			return;
		run_deferred_work(tctx);
		schedule_timeout_uninterruptible(1);
	}
	if (has_registered_rings(tctx))
		return;
	io_wq_exit_start(tctx->io_wq);
	io_uring_clean_tctx(tctx);
	__io_uring_free(current);
}

/**
 * ckpt_io_uring_obstacle - what ties a task at rest to io_uring
 * @ctx:	the checkpoint
 * @t:		the task
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_io_uring_obstacle(struct ckpt_ctx *ctx, struct task_struct *t)
{
	s64 nr;

	if (!t->io_uring)
		return 0;
	nr = tctx_inflight(t->io_uring, false) - t->io_uring->cached_refs;
	if (nr > 0)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"%s: %lld requests of io_uring do not end within a second, as those that wait for connections or data: not supported",
			t->comm, nr);
	if (has_registered_rings(t->io_uring))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"%s: has registered the descriptor of an io_uring (IORING_REGISTER_RING_FDS): not supported",
			t->comm);
	return xa_empty(&t->io_uring->xa) ? 0 :
		ckpt_obstacle(ctx, -EOPNOTSUPP,
			      "%s: uses io_uring, and is stopped: continue it first", t->comm);
}

static const char *uring_obstacle(struct io_ring_ctx *uring)
{
	if (uring->flags & ~CKPT_URING_SETUP)
		return "an io_uring that polls, or is otherwise unusual: not supported";
	if (uring->nr_user_files || uring->nr_user_bufs || uring->file_data || uring->buf_data ||
	    !xa_empty(&uring->io_bl_xa))
		return "an io_uring with registered files or buffers: not supported";
	if (uring->has_evfd || !xa_empty(&uring->personalities) || uring->restricted)
		return "an io_uring with an eventfd, personality or restriction: not supported";
	if (!list_empty(&uring->cq_overflow_list))
		return "an io_uring whose completions overflow: not supported";
	if (uring->clockid != CLOCK_MONOTONIC)
		return "an io_uring that waits by another clock: not supported";
#ifdef CONFIG_NET_RX_BUSY_POLL
	if (uring->napi_enabled)
		return "an io_uring that polls devices (IORING_REGISTER_NAPI): not supported";
#endif
	return NULL;
}

static size_t sqes_size(const struct io_ring_ctx *uring)
{
	return array_size(sizeof(struct io_uring_sqe) << !!(uring->flags & IORING_SETUP_SQE128),
			  uring->sq_entries);
}

static size_t rings_bytes(struct io_ring_ctx *uring)
{
	size_t sq_array;

	return rings_size(uring, uring->sq_entries, uring->cq_entries, &sq_array);
}

/**
 * io_uring_file_checkpoint - ->checkpoint for an io_uring
 * @ctx:	the checkpoint
 * @file:	its file
 *
 * Return: 0 or a negative error, which has been logged.
 */
int io_uring_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct io_ring_ctx *uring = file->private_data;
	size_t rings = rings_bytes(uring), sqes = sqes_size(uring);
	const char *obstacle = uring_obstacle(uring);
	struct ckpt_io_uring *rec;
	u32 objref = ++ctx->next_ref;
	int ret;

	if (obstacle)
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "%s", obstacle);
	if (size_add(rings, sqes) > CKPT_MAX_RECORD_BYTES - sizeof(*rec))
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "an io_uring of %u entries: not supported",
				     uring->cq_entries);
	rec = kvzalloc(sizeof(*rec) + rings + sqes, GFP_KERNEL_ACCOUNT);
	if (!rec)
		return -ENOMEM;
	rec->flags = uring->flags;
	rec->sq_entries = uring->sq_entries;
	rec->cq_entries = uring->cq_entries;
	rec->sq_head = uring->cached_sq_head;
	rec->cq_tail = uring->cached_cq_tail;
	if (uring->submitter_task)
		rec->submitter = task_pid_vnr(uring->submitter_task);
	if (uring->iowq_limits_set)
		memcpy(rec->workers, uring->iowq_limits, sizeof(rec->workers));
	memcpy(rec + 1, uring->rings, rings);
	memcpy((void *)(rec + 1) + rings, uring->sq_sqes, sqes);
	ret = ckpt_write_rec(ctx, CKPT_REC_IO_URING, objref, rec, sizeof(*rec) + rings + sqes);
	kvfree(rec);
	return ret ?: ckpt_anon_write(ctx, file, CKPT_FILE_IO_URING, objref);
}

static int check_io_uring(struct ckpt_ctx *ctx, const struct ckpt_io_uring *u)
{
	u32 run = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN;

	if (u->flags & ~CKPT_URING_SETUP || !is_power_of_2(u->sq_entries) ||
	    u->sq_entries > IORING_MAX_ENTRIES || !is_power_of_2(u->cq_entries) ||
	    u->cq_entries > IORING_MAX_CQ_ENTRIES || u->cq_entries < u->sq_entries ||
	    (u->flags & IORING_SETUP_TASKRUN_FLAG && !(u->flags & run)) ||
	    (u->flags & IORING_SETUP_DEFER_TASKRUN && !(u->flags & IORING_SETUP_SINGLE_ISSUER)) ||
	    (u->submitter && !(u->flags & IORING_SETUP_SINGLE_ISSUER)))
		return ckpt_err(ctx, -EINVAL, "an io_uring that cannot be");
	if (!io_uring_allowed())
		return ckpt_err(ctx, -EPERM,
				"io_uring is not allowed here (kernel.io_uring_disabled)");
	return 0;
}

/* As io_uring_create() does it. */
static struct io_ring_ctx *make_io_uring(const struct ckpt_io_uring *u)
{
	struct io_uring_params p = {
		.flags = u->flags, .sq_entries = u->sq_entries, .cq_entries = u->cq_entries,
	};
	struct io_ring_ctx *uring = io_ring_ctx_alloc(&p);
	int ret;

	if (!uring)
		return ERR_PTR(-ENOMEM);
	uring->clockid = CLOCK_MONOTONIC;
	uring->task_complete = !!(u->flags & IORING_SETUP_DEFER_TASKRUN);
	uring->lockless_cq = uring->task_complete;
	uring->poll_activated = !uring->task_complete;
	uring->notify_method = u->flags & IORING_SETUP_COOP_TASKRUN ? TWA_SIGNAL_NO_IPI :
								      TWA_SIGNAL;
	if (!ns_capable_noaudit(&init_user_ns, CAP_IPC_LOCK))
		uring->user = get_uid(current_user());
	mmgrab(current->mm);
	uring->mm_account = current->mm;
	ret = io_allocate_scq_urings(uring, &p) ?: io_sq_offload_create(uring, &p) ?:
	      io_rsrc_init(uring);
	if (!ret)
		return uring;
	io_ring_ctx_wait_and_kill(uring);
	return ERR_PTR(ret);
}

/* The rings hold what user space could write there at any time. */
static int fill_io_uring(struct ckpt_ctx *ctx, struct io_ring_ctx *uring,
			 const struct ckpt_io_uring *u, size_t len)
{
	size_t rings = rings_bytes(uring), sqes = sqes_size(uring);
	struct restart_task *rt;

	if (len != rings + sqes)
		return ckpt_err(ctx, -EINVAL, "rings of %zu bytes, not %zu", len, rings + sqes);
	memcpy(uring->rings, u + 1, rings);
	memcpy(uring->sq_sqes, (const void *)(u + 1) + rings, sqes);
	uring->cached_sq_head = u->sq_head;
	uring->cached_cq_tail = u->cq_tail;
	if (u->workers[0] || u->workers[1]) {
		memcpy(uring->iowq_limits, u->workers, sizeof(u->workers));
		uring->iowq_limits_set = true;
	}
	if (!u->submitter)
		return 0;
	rt = restart_lookup(ctx, u->submitter);
	if (!rt || !rt->task)
		return ckpt_err(ctx, -EINVAL, "an io_uring of pid %d, which is not in the image",
				u->submitter);
	uring->submitter_task = get_task_struct(rt->task);
	return 0;
}

/**
 * restore_io_uring_rec - make an io_uring
 * @ctx:	the restart
 * @rec:	the IO_URING record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_io_uring_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct io_ring_ctx *uring;
	struct ckpt_io_uring *u;
	struct file *file;
	int ret;

	u = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*u), CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(u))
		return PTR_ERR(u);
	ret = check_io_uring(ctx, u);
	if (ret)
		goto out;
	uring = make_io_uring(u);
	if (IS_ERR(uring)) {
		ret = ckpt_err(ctx, PTR_ERR(uring), "cannot make an io_uring (error %ld)",
			       PTR_ERR(uring));
		goto out;
	}
	ret = fill_io_uring(ctx, uring, u, rec->len - sizeof(*u));
	file = ret ? ERR_PTR(ret) : io_uring_get_file(uring);
	if (IS_ERR(file))
		io_ring_ctx_wait_and_kill(uring);
	ret = ret ?: ckpt_anon_add(ctx, rec->objref, CKPT_FILE_IO_URING, file);
out:
	kvfree(u);
	return ret;
}

/**
 * restore_io_uring_map - map a ring where it was
 * @file:	the io_uring
 * @addr:	where
 * @len:	how much
 * @prot:	as for mmap(2)
 * @pgoff:	which ring
 *
 * mmap(2) lets nobody choose, for the sake of machines on which that matters.
 *
 * Return: the address or a negative error.
 */
unsigned long restore_io_uring_map(struct file *file, unsigned long addr, unsigned long len,
				   unsigned long prot, unsigned long pgoff)
{
	struct mm_struct *mm = current->mm;
	vm_flags_t flags = calc_vm_prot_bits(prot, 0) | mm->def_flags | VM_MAYREAD | VM_MAYWRITE |
			   VM_SHARED | VM_MAYSHARE;
	unsigned long ret = security_mmap_file(file, prot, MAP_SHARED | MAP_FIXED_NOREPLACE);

	if (ret)
		return ret;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	if (find_vma_intersection(mm, addr, addr + len))
		ret = -EEXIST;
	else
		ret = mmap_region(file, addr, len, flags, pgoff, NULL);
	mmap_write_unlock(mm);
	return ret;
}
