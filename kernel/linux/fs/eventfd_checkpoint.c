// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of eventfd, signalfd and timerfd. What is in them is known
 * to their own files; here it becomes records, and these are not believed.
 */
#include <linux/checkpoint_files.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/timerfd.h>

/**
 * eventfd_file_checkpoint - ->checkpoint for an eventfd
 * @ctx:	the checkpoint
 * @file:	its file
 *
 * Return: 0 or a negative error, which has been logged.
 */
int eventfd_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_eventfd rec = {};
	u32 objref = ++ctx->next_ref;
	bool semaphore;
	int ret;

	rec.count = eventfd_get_state(file, &semaphore);
	rec.semaphore = semaphore;
	ret = ckpt_write_rec(ctx, CKPT_REC_EVENTFD, objref, &rec, sizeof(rec));
	return ret ?: ckpt_anon_write(ctx, file, CKPT_FILE_EVENTFD, objref);
}

/**
 * restore_eventfd_rec - make an eventfd
 * @ctx:	the restart
 * @rec:	the EVENTFD record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_eventfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_eventfd *e;
	struct file *file;

	e = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*e), sizeof(*e));
	if (IS_ERR(e))
		return PTR_ERR(e);
	/* ULLONG_MAX is what only the kernel's own signals lead to. */
	file = e->semaphore > 1 || e->reserved ? ERR_PTR(-EINVAL) :
						 eventfd_make(e->count, e->semaphore);
	kvfree(e);
	return ckpt_anon_add(ctx, rec->objref, CKPT_FILE_EVENTFD, file);
}

/**
 * signalfd_file_checkpoint - ->checkpoint for a signalfd
 * @ctx:	the checkpoint
 * @file:	its file
 *
 * Return: 0 or a negative error, which has been logged.
 */
int signalfd_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_signalfd rec = { .mask = signalfd_get_mask(file) };
	u32 objref = ++ctx->next_ref;
	int ret;

	ret = ckpt_write_rec(ctx, CKPT_REC_SIGNALFD, objref, &rec, sizeof(rec));
	return ret ?: ckpt_anon_write(ctx, file, CKPT_FILE_SIGNALFD, objref);
}

/**
 * restore_signalfd_rec - make a signalfd
 * @ctx:	the restart
 * @rec:	the SIGNALFD record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_signalfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_signalfd *s;
	struct file *file;

	s = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*s), sizeof(*s));
	if (IS_ERR(s))
		return PTR_ERR(s);
	file = signalfd_make(s->mask);
	kvfree(s);
	return ckpt_anon_add(ctx, rec->objref, CKPT_FILE_SIGNALFD, file);
}

/**
 * timerfd_file_checkpoint - ->checkpoint for a timerfd
 * @ctx:	the checkpoint
 * @file:	its file
 *
 * Return: 0 or a negative error, which has been logged.
 */
int timerfd_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_timerfd rec = {};
	u32 objref = ++ctx->next_ref;
	int ret;

	timerfd_describe(file, &rec);
	ret = ckpt_write_rec(ctx, CKPT_REC_TIMERFD, objref, &rec, sizeof(rec));
	return ret ?: ckpt_anon_write(ctx, file, CKPT_FILE_TIMERFD, objref);
}

static int check_timerfd(struct ckpt_ctx *ctx, const struct ckpt_timerfd *t)
{
	bool alarm = t->clock == CLOCK_REALTIME_ALARM || t->clock == CLOCK_BOOTTIME_ALARM;
	bool wall = t->clock == CLOCK_REALTIME || t->clock == CLOCK_REALTIME_ALARM;

	if (!alarm && !wall && t->clock != CLOCK_MONOTONIC && t->clock != CLOCK_BOOTTIME)
		return ckpt_err(ctx, -EINVAL, "a timerfd of clock %u", t->clock);
	if (t->flags & ~TFD_SETTIME_FLAGS || t->armed > 1 || t->canceled > 1 ||
	    t->interval_ns < 0 || t->left_ns < 0 || t->until_ns < 0 ||
	    (t->armed && !t->left_ns) ||
	    (t->until_ns && (!wall || !(t->flags & TFD_TIMER_ABSTIME))))
		return ckpt_err(ctx, -EINVAL, "a timerfd that contradicts itself");
	if (alarm && !capable(CAP_WAKE_ALARM))
		return ckpt_err(ctx, -EPERM,
				"a timerfd that wakes the machine needs CAP_WAKE_ALARM");
	return 0;
}

/**
 * restore_timerfd_rec - make a timerfd
 * @ctx:	the restart
 * @rec:	the TIMERFD record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_timerfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_timerfd *t;
	struct file *file;
	int ret;

	t = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*t), sizeof(*t));
	if (IS_ERR(t))
		return PTR_ERR(t);
	ret = check_timerfd(ctx, t);
	file = ret ? ERR_PTR(ret) : timerfd_make(t);
	kvfree(t);
	return ckpt_anon_add(ctx, rec->objref, CKPT_FILE_TIMERFD, file);
}
