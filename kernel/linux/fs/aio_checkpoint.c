// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of asynchronous I/O contexts: a part of fs/aio.c.
 *
 * A context is known by the address of its ring, so it stands in the image
 * behind the mapping of that. Requests in flight cannot be written: they are
 * waited for.
 */
#include <linux/checkpoint_files.h>
#include <linux/delay.h>

/* How long the tree may be held for requests that are under way. */
#define CKPT_AIO_PATIENCE_MS	1000

static_assert(sizeof(struct ckpt_io_event) == sizeof(struct io_event));

bool ckpt_is_aio_ring(const struct file *file)
{
	return file->f_op == &aio_ring_fops;
}

static bool is_alive(const struct kioctx *ctx)
{
	return ctx && !atomic_read(&ctx->dead);
}

/* With a reference, or NULL. */
static struct kioctx *find_aio(struct mm_struct *mm, unsigned long start, unsigned long size)
{
	struct kioctx_table *table;
	struct kioctx *aio, *found = NULL;
	unsigned int i;

	rcu_read_lock();
	table = rcu_dereference(mm->ioctx_table);
	for (i = 0; table && i < table->nr && !found; i++) {
		aio = rcu_dereference(table->table[i]);
		if (is_alive(aio) && aio->mmap_base == start && aio->mmap_size == size &&
		    percpu_ref_tryget_live(&aio->users))
			found = aio;
	}
	rcu_read_unlock();
	return found;
}

/* How many contexts have no ring, or one that is not whole, in @mm. */
unsigned int ckpt_nr_lost_aio(struct mm_struct *mm)
{
	struct kioctx_table *table;
	struct vm_area_struct *vma;
	unsigned int i, nr = 0;
	struct kioctx *aio;

	mmap_read_lock(mm);
	rcu_read_lock();
	table = rcu_dereference(mm->ioctx_table);
	for (i = 0; table && i < table->nr; i++) {
		aio = rcu_dereference(table->table[i]);
		if (!is_alive(aio))
			continue;
		vma = vma_lookup(mm, aio->mmap_base);
		nr += !vma || vma->vm_file != aio->aio_ring_file ||
		      vma->vm_start != aio->mmap_base ||
		      vma->vm_end != aio->mmap_base + aio->mmap_size;
	}
	rcu_read_unlock();
	mmap_read_unlock(mm);
	return nr;
}

/* A slot is taken from when a request is made until its event has been read. */
static int requests_in_flight(struct kioctx *aio)
{
	unsigned int free = 0;
	int cpu, nr;

	spin_lock_irq(&aio->completion_lock);
	for_each_possible_cpu(cpu)
		free += per_cpu_ptr(aio->cpu, cpu)->reqs_available;
	free += atomic_read(&aio->reqs_available);
	nr = aio->nr_events - 1 - free - aio->completed_events;
	spin_unlock_irq(&aio->completion_lock);
	return nr;
}

static int wait_for_requests(struct ckpt_ctx *ctx, struct kioctx *aio)
{
	unsigned long last = jiffies + msecs_to_jiffies(CKPT_AIO_PATIENCE_MS);
	int nr;

	while ((nr = requests_in_flight(aio)) != 0) {
		if (ckpt_dryrun(ctx) || time_after(jiffies, last))
			return ckpt_obstacle(ctx, -EAGAIN,
					     "%d asynchronous I/O requests are in flight; try again",
					     nr);
		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		usleep_range(500, 1000);
	}
	return 0;
}

static struct io_event *event_at(struct kioctx *aio, unsigned int i)
{
	unsigned int pos = i + AIO_EVENTS_OFFSET;

	return (struct io_event *)folio_address(aio->ring_folios[pos / AIO_EVENTS_PER_PAGE]) +
	       pos % AIO_EVENTS_PER_PAGE;
}

static unsigned int nr_unread(unsigned int head, unsigned int tail, unsigned int nr_events)
{
	return head <= tail ? tail - head : nr_events - head + tail;
}

/* The events are copied raw: they hold what the process asked for. */
static int write_aio(struct ckpt_ctx *ctx, struct kioctx *aio, u32 objref)
{
	struct aio_ring *ring = folio_address(aio->ring_folios[0]);
	struct ckpt_aio rec = { .max_reqs = aio->max_reqs, .nr_events = aio->nr_events };
	struct io_event *events;
	unsigned int i, nr;
	int ret;

	/* Threads that could write the head are at rest. */
	rec.head = READ_ONCE(ring->head) % aio->nr_events;
	rec.tail = READ_ONCE(aio->tail) % aio->nr_events;
	nr = nr_unread(rec.head, rec.tail, aio->nr_events);
	if (nr > (CKPT_MAX_RECORD_BYTES - sizeof(rec)) / sizeof(*events))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "%u unread events of asynchronous I/O: not supported", nr);
	events = kvmalloc_array(nr + 1, sizeof(*events), GFP_KERNEL_ACCOUNT);
	if (!events)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		events[i] = *event_at(aio, (rec.head + i) % aio->nr_events);
	ret = ckpt_write_rec2(ctx, CKPT_REC_AIO, objref, &rec, sizeof(rec), events,
			      nr * sizeof(*events));
	kvfree(events);
	return ret;
}

/**
 * checkpoint_aio - write an asynchronous I/O context
 * @ctx:	the checkpoint
 * @mm:		the address space it belongs to, at rest
 * @v:		the mapping of its ring
 * @objref:	of the address space
 *
 * A child has its parent's rings in its memory, but can do nothing with them:
 * such a one is written as none.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_aio(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_vma *v,
		   u32 objref)
{
	struct kioctx *aio = find_aio(mm, v->start, v->end - v->start);
	struct ckpt_aio none = {};
	int ret;

	if (!aio)
		return ckpt_write_rec(ctx, CKPT_REC_AIO, objref, &none, sizeof(none));
	ret = wait_for_requests(ctx, aio);
	if (!ret) {
		/* Keeps its pages where they are. */
		mutex_lock(&aio->ring_lock);
		ret = write_aio(ctx, aio, objref);
		mutex_unlock(&aio->ring_lock);
	}
	percpu_ref_put(&aio->users);
	return ret;
}

/* What io_setup(2) must be asked for to get a ring of so many pages. */
static unsigned int requests_for(unsigned long nr_pages)
{
	unsigned long bytes = (nr_pages << PAGE_SHIFT) - sizeof(struct aio_ring);

	return bytes / sizeof(struct io_event) / 2 - 1;
}

static int check_aio(struct ckpt_ctx *ctx, const struct ckpt_aio *a, size_t bytes,
		     const struct ckpt_vma *v)
{
	unsigned long nr_pages = (v->end - v->start) >> PAGE_SHIFT;

	if (!a->max_reqs || a->max_reqs > requests_for(nr_pages) ||
	    a->head >= a->nr_events || a->tail >= a->nr_events ||
	    bytes != nr_unread(a->head, a->tail, a->nr_events) * sizeof(struct io_event))
		return ckpt_err(ctx, -EINVAL, "asynchronous I/O with numbers that cannot be");
	if (requests_for(nr_pages) < num_possible_cpus() * 4)
		return ckpt_err(ctx, -EOPNOTSUPP,
				"a ring of asynchronous I/O made on a machine with fewer processors");
	return 0;
}

static int fill_ring(struct ckpt_ctx *ctx, struct kioctx *aio, const struct ckpt_aio *a,
		     const struct io_event *events)
{
	unsigned int i, nr = nr_unread(a->head, a->tail, a->nr_events);
	struct aio_ring *ring = folio_address(aio->ring_folios[0]);

	if (aio->nr_events != a->nr_events)
		return ckpt_err(ctx, -EINVAL, "a ring of %u events, not %u", aio->nr_events,
				a->nr_events);
	for (i = 0; i < nr; i++)
		*event_at(aio, (a->head + i) % a->nr_events) = events[i];
	ring->head = a->head;
	ring->tail = a->tail;
	aio->tail = a->tail;
	aio->completed_events = nr;
	atomic_sub(nr, &aio->reqs_available);
	return 0;
}

/* Memory without the magic of a ring, so that nobody takes it for one. */
static int map_no_ring(struct ckpt_ctx *ctx, const struct ckpt_vma *v)
{
	unsigned long flags = MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	unsigned long addr = ksys_mmap_pgoff(v->start, v->end - v->start, PROT_READ | PROT_WRITE,
					     flags, -1, 0);

	if (IS_ERR_VALUE(addr))
		return ckpt_err(ctx, (int)addr, "cannot map up to 0x%llx (error %d)", v->end,
				(int)addr);
	return 0;
}

/**
 * restore_aio - make an asynchronous I/O context and map its ring
 * @ctx:	the restart
 * @v:		the mapping
 * @objref:	of the address space, which is current's
 *
 * Reads the AIO record behind the mapping.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_aio(struct ckpt_ctx *ctx, const struct ckpt_vma *v, u32 objref)
{
	unsigned int want = requests_for((v->end - v->start) >> PAGE_SHIFT);
	struct ckpt_rec rec;
	struct ckpt_aio *a;
	struct kioctx *aio;
	int ret;

	ret = ckpt_read_rec(ctx, &ctx->img, &rec);
	if (ret)
		return ret;
	if (rec.type != CKPT_REC_AIO || rec.objref != objref)
		return ckpt_err(ctx, -EINVAL,
				"an AIO record should follow this mapping, not one of type %u",
				rec.type);
	a = ckpt_read_payload(ctx, &ctx->img, &rec, sizeof(*a), CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(a))
		return PTR_ERR(a);
	if (rec.len == sizeof(*a) && !memchr_inv(a, 0, sizeof(*a))) {
		ret = map_no_ring(ctx, v);
		goto out;
	}
	ret = check_aio(ctx, a, rec.len - sizeof(*a), v);
	if (ret)
		goto out;
	aio = ioctx_alloc(want, v->start);
	if (IS_ERR(aio)) {
		ret = ckpt_err(ctx, PTR_ERR(aio), "cannot set up asynchronous I/O (error %ld)",
			       PTR_ERR(aio));
		goto out;
	}
	aio_nr_sub(want - a->max_reqs);
	aio->max_reqs = a->max_reqs;
	mutex_lock(&aio->ring_lock);
	ret = fill_ring(ctx, aio, a, (struct io_event *)(a + 1));
	mutex_unlock(&aio->ring_lock);
	percpu_ref_put(&aio->users);
out:
	kvfree(a);
	return ret;
}
