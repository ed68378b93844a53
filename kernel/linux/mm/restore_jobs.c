// SPDX-License-Identifier: GPL-2.0
/*
 * Address spaces that are made side by side. The coordinator reads what the
 * image says of each and puts it into a queue; who helps takes the first one
 * out. Nobody has to help: without, each is made when it is read.
 *
 * One that shares pages with another waits until that one has its mappings, and in the
 * end its pages. The other stands before it in the queue, so somebody is at it already.
 */
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_tasks.h>
#include <linux/completion.h>
#include <linux/list.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "restore.h"

/* More of them are not kept in memory: the coordinator makes some, too. */
#define MAX_QUEUED	64
#define MAX_PARTS	64

/**
 * struct mm_part - a record that is about an address space
 * @node:	in its job
 * @make:	makes what it says, and frees @data in any case
 * @data:	what was read of it
 * @pos:	where its payload stands in the file
 * @offset:	where that is in the image
 * @relates:	what it says is needed by who shares pages with the address space
 */
struct mm_part {
	struct list_head node;
	restore_part_fn make;
	void *data;
	loff_t pos;
	u64 offset;
	bool relates;
};

/**
 * struct mm_job - an address space that is made while others are read
 * @all:	in the list of all jobs
 * @node:	in the queue
 * @rm:		the address space; the table of objects holds it
 * @layout:	what the image says of its mappings
 * @parts:	what else it says
 * @nr_parts:	how many parts there are
 * @nr_relating: those that others need
 * @built:	others may share its pages
 * @done:	all is made, or has failed
 * @ret:	0 or a negative error, when it is done or built
 */
struct mm_job {
	struct list_head all;
	struct list_head node;
	struct restored_mm *rm;
	struct restored_layout layout;
	struct list_head parts;
	unsigned int nr_parts;
	unsigned int nr_relating;
	struct completion built;
	struct completion done;
	int ret;
};

/**
 * struct restore_jobs - what others may help with
 * @lock:	of the queue
 * @wq:		where they wait for something to do
 * @queue:	jobs that nobody has begun
 * @nr_queued:	their number
 * @nr_helpers:	who helps
 * @closed:	there will be nothing more to do
 * @all:	all jobs; the coordinator's
 * @open:	that of the address space whose records are being read
 * @own:	what the coordinator uses when it helps
 */
struct restore_jobs {
	spinlock_t lock;		/* the queue, and who helps */
	wait_queue_head_t wq;
	struct list_head queue;
	unsigned int nr_queued;
	unsigned int nr_helpers;
	bool closed;
	struct list_head all;
	struct mm_job *open;
	struct ckpt_ctx *own;
};

int restore_jobs_alloc(struct ckpt_ctx *ctx)
{
	struct restore_jobs *jobs = kzalloc(sizeof(*jobs), GFP_KERNEL_ACCOUNT);

	if (!jobs)
		return -ENOMEM;
	spin_lock_init(&jobs->lock);
	init_waitqueue_head(&jobs->wq);
	INIT_LIST_HEAD(&jobs->queue);
	INIT_LIST_HEAD(&jobs->all);
	ctx->jobs = jobs;
	return 0;
}

void restore_jobs_free(struct ckpt_ctx *ctx)
{
	if (ctx->jobs)
		kfree(ctx->jobs->own);
	kfree(ctx->jobs);
}

/*
 * What who helps has of a restart: errors and objects are the coordinator's.
 * Where in the image it is, is its own.
 */
static struct ckpt_ctx *helper_ctx(struct ckpt_ctx *ctx)
{
	struct ckpt_ctx *own = kzalloc(sizeof(*own), GFP_KERNEL_ACCOUNT);

	if (!own)
		return NULL;
	own->main = ctx;
	own->flags = ctx->flags;
	own->header = ctx->header;
	own->restart = ctx->restart;
	own->img.file = ctx->img.file;
	return own;
}

/**
 * restore_has_help - may an address space be left to somebody else?
 * @ctx:	the restart
 *
 * Return: true if there is somebody, and the image can be read by two.
 */
bool restore_has_help(struct ckpt_ctx *ctx)
{
	return READ_ONCE(ctx->jobs->nr_helpers) && !(ctx->flags & RESTART_LAZY) &&
	       restore_reads_in_parallel(ctx->img.file);
}

static int make_parts(struct ckpt_ctx *own, struct mm_job *job, int ret)
{
	struct mm_part *part, *next;

	list_for_each_entry_safe(part, next, &job->parts, node) {
		own->img.pos = part->pos;
		own->img.offset = part->offset;
		/* It frees what it has, also if there is nothing to be made any more. */
		ret = part->make(own, ret ? NULL : job->rm, part->data) ?: ret;
		if (part->relates && !--job->nr_relating) {
			job->ret = ret;
			complete_all(&job->built);
		}
		list_del(&part->node);
		kfree(part);
		cond_resched();
	}
	return ret;
}

static void run_job(struct ckpt_ctx *own, struct mm_job *job)
{
	int ret = READ_ONCE(own->main->error);

	own->where = (struct ckpt_where) { .fd = -1 };
	own->img.offset = job->layout.offset;
	if (!ret)
		ret = restore_build_mm(own, job->rm, &job->layout);
	job->ret = ret;
	if (!job->nr_relating)
		complete_all(&job->built);
	ret = make_parts(own, job, ret);
	/* Otherwise some of its pages are still to come. */
	if (!ret && !ckpt_has_parent(own))
		ret = restore_cow_share(own, job->rm);
	if (ret)
		ckpt_err(own, ret, "cannot restore an address space (error %d)", ret);
	job->ret = ret;
	restored_layout_free(&job->layout);
	complete_all(&job->done);
}

static struct mm_job *take_job(struct restore_jobs *jobs)
{
	struct mm_job *job;

	spin_lock(&jobs->lock);
	job = list_first_entry_or_null(&jobs->queue, struct mm_job, node);
	if (job) {
		list_del_init(&job->node);
		jobs->nr_queued--;
	}
	spin_unlock(&jobs->lock);
	return job;
}

/* The coordinator does the first one itself. Returns whether there was one. */
static bool run_one(struct ckpt_ctx *ctx)
{
	struct mm_job *job = take_job(ctx->jobs);

	if (job)
		run_job(ctx->jobs->own, job);
	return job;
}

/* All records of this address space have been read. */
static void queue_open(struct ckpt_ctx *ctx)
{
	struct restore_jobs *jobs = ctx->jobs;

	if (!jobs->open)
		return;
	spin_lock(&jobs->lock);
	list_add_tail(&jobs->open->node, &jobs->queue);
	jobs->nr_queued++;
	spin_unlock(&jobs->lock);
	jobs->open = NULL;
	wake_up(&jobs->wq);
}

/**
 * restore_job_begin - leave an address space to somebody else
 * @ctx:	the restart
 * @rm:		the address space, which the table of objects holds
 * @layout:	what the image says of it; taken over
 *
 * Return: 0 or a negative error.
 */
int restore_job_begin(struct ckpt_ctx *ctx, struct restored_mm *rm,
		      struct restored_layout *layout)
{
	struct restore_jobs *jobs = ctx->jobs;
	struct mm_job *job;

	if (READ_ONCE(ctx->error))
		return ctx->error;
	queue_open(ctx);
	if (!jobs->own)
		jobs->own = helper_ctx(ctx);
	job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);
	if (!jobs->own || !job) {
		kfree(job);
		return -ENOMEM;
	}
	if (READ_ONCE(jobs->nr_queued) >= MAX_QUEUED)
		run_one(ctx);
	job->rm = rm;
	job->layout = *layout;
	*layout = (struct restored_layout) { };
	INIT_LIST_HEAD(&job->parts);
	init_completion(&job->built);
	init_completion(&job->done);
	list_add_tail(&job->all, &jobs->all);
	rm->job = job;
	jobs->open = job;
	return 0;
}

/**
 * restore_job_is_open - can a record be added to what is to be made of @rm?
 * @ctx:	the restart
 * @rm:		the address space
 *
 * Return: true if restore_job_add() may be called.
 */
bool restore_job_is_open(struct ckpt_ctx *ctx, const struct restored_mm *rm)
{
	return rm->job && ctx->jobs->open == rm->job && rm->job->nr_parts < MAX_PARTS;
}

/**
 * restore_job_add - leave a record to who makes the address space that is open
 * @ctx:	the restart
 * @make:	makes what the record says; without an address space, only frees @data
 * @data:	what was read of it
 * @pos:	where the payload of pages begins in the file
 * @relates:	is it needed by who shares pages with the address space?
 *
 * Return: 0 or -ENOMEM; then @data is the caller's.
 */
int restore_job_add(struct ckpt_ctx *ctx, restore_part_fn make, void *data, loff_t pos,
		    bool relates)
{
	struct mm_job *job = ctx->jobs->open;
	struct mm_part *part = kmalloc(sizeof(*part), GFP_KERNEL_ACCOUNT);

	if (!part)
		return -ENOMEM;
	part->make = make;
	part->data = data;
	part->pos = pos;
	part->offset = ctx->img.offset;
	part->relates = relates;
	list_add_tail(&part->node, &job->parts);
	job->nr_parts++;
	job->nr_relating += relates;
	return 0;
}

/**
 * restore_settle_mm - wait until an address space is there
 * @ctx:	the restart
 * @rm:		the address space
 *
 * The coordinator makes those before it meanwhile: who helps may have gone.
 */
void restore_settle_mm(struct ckpt_ctx *ctx, struct restored_mm *rm)
{
	if (!rm->job)
		return;
	if (ctx->jobs->open == rm->job)
		queue_open(ctx);
	while (!completion_done(&rm->job->done))
		if (!run_one(ctx))
			wait_for_completion(&rm->job->done);
}

/**
 * restore_wait_built - wait until another address space has its mappings
 * @ctx:	the restart, or that of who helps with it
 * @rm:		the other address space
 *
 * Return: 0, or a negative error if it could not be made.
 */
int restore_wait_built(struct ckpt_ctx *ctx, struct restored_mm *rm)
{
	if (!rm->job)
		return 0;
	if (ctx->main)
		wait_for_completion(&rm->job->built);
	else
		restore_settle_mm(ctx, rm);
	return rm->job->ret;
}

/**
 * restore_wait_done - wait until another address space has its pages
 * @rm:		the other address space, which was read before the caller's
 *
 * Return: 0, or a negative error if it could not be made.
 */
int restore_wait_done(struct restored_mm *rm)
{
	if (!rm->job)
		return 0;
	wait_for_completion(&rm->job->done);
	return rm->job->ret;
}

/**
 * restore_jobs_close - nobody has to help any more
 * @ctx:	the restart
 */
void restore_jobs_close(struct ckpt_ctx *ctx)
{
	struct restore_jobs *jobs = ctx->jobs;

	spin_lock(&jobs->lock);
	jobs->closed = true;
	spin_unlock(&jobs->lock);
	wake_up_all(&jobs->wq);
}

/**
 * restore_jobs_finish - make what nobody has made yet, and wait for the rest
 * @ctx:	the restart, whose records have been read, or whose reading has failed
 *
 * Return: 0 or the first error, which has been logged.
 */
int restore_jobs_finish(struct ckpt_ctx *ctx)
{
	struct restore_jobs *jobs = ctx->jobs;
	struct mm_job *job, *next;
	int ret = 0;

	queue_open(ctx);
	while (run_one(ctx))
		cond_resched();
	/* Who makes one looks at those it shares pages with: none goes before all are done. */
	list_for_each_entry(job, &jobs->all, all)
		wait_for_completion(&job->done);
	list_for_each_entry_safe(job, next, &jobs->all, all) {
		ret = ret ?: job->ret;
		job->rm->job = NULL;
		list_del(&job->all);
		kfree(job);
	}
	restore_jobs_close(ctx);
	return ret;
}

static bool has_job(struct restore_jobs *jobs)
{
	return READ_ONCE(jobs->closed) || !list_empty_careful(&jobs->queue);
}

/**
 * restore_jobs_help - make address spaces until there are none to be made
 * @ctx:	the restart, which is led by another
 *
 * Return: how many were made, or a negative error.
 */
int restore_jobs_help(struct ckpt_ctx *ctx)
{
	struct restore_jobs *jobs = ctx->jobs;
	struct ckpt_ctx *own = helper_ctx(ctx);
	struct mm_job *job;
	int ret, made = 0;

	if (!own)
		return -ENOMEM;
	spin_lock(&jobs->lock);
	jobs->nr_helpers++;
	spin_unlock(&jobs->lock);
	do {
		ret = wait_event_killable(jobs->wq, has_job(jobs));
		job = ret ? NULL : take_job(jobs);
		if (job) {
			struct mem_cgroup *memcg = ckpt_use_memcg_of(restart_root(ctx));

			run_job(own, job);
			ckpt_use_memcg_end(memcg);
			made++;
		}
	} while (!ret && (job || !READ_ONCE(jobs->closed)));
	spin_lock(&jobs->lock);
	jobs->nr_helpers--;
	spin_unlock(&jobs->lock);
	kfree(own);
	return ret ?: made;
}
