// SPDX-License-Identifier: GPL-2.0
/*
 * The log: what could not be done, and what it was about.
 *
 * A line is written only when nothing is locked any more and the tree is at
 * rest no longer: the log may be a file whose filesystem takes those locks, or
 * a pipe that is read by somebody of the tree.
 */
#include <linux/checkpoint_internal.h>
#include <linux/llist.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

struct ckpt_line {
	struct llist_node node;
	int len;
	char text[] __counted_by(len);
};

static void log_line(struct ckpt_ctx *ctx, gfp_t gfp, const char *kind,
		     struct va_format *vaf)
{
	struct ckpt_ctx *main = ctx->main ?: ctx;
	const struct ckpt_where *w = &ctx->where;
	const int max = PATH_MAX + 511;
	struct ckpt_line *line;
	char *text;
	int n = 0;

	if (!main->log)
		return;
	text = kmalloc(max + 1, GFP_KERNEL);
	if (!text)
		return;
	n = scnprintf(text, max, "%s: ", kind);
	if (ctx->restart)
		n += scnprintf(text + n, max - n,
			       "image offset %llu: ", w->offset ?: ctx->img.offset);
	if (w->pid)
		n += scnprintf(text + n, max - n, "pid %d: ", w->pid);
	if (w->fd >= 0)
		n += scnprintf(text + n, max - n, "fd %d: ", w->fd);
	if (w->addr)
		n += scnprintf(text + n, max - n, "address 0x%lx: ", w->addr);
	if (w->path)
		n += scnprintf(text + n, max - n, "%s: ", w->path);
	n += scnprintf(text + n, max - n, "%pV", vaf);
	text[n++] = '\n';
	line = kmalloc(struct_size(line, text, n), gfp);
	if (line) {
		line->len = n;
		memcpy(line->text, text, n);
		llist_add(&line->node, &main->lines);
	}
	kfree(text);
}

/**
 * ckpt_log_flush - write to the log what has been said
 * @ctx:	the checkpoint or restart
 *
 * Context: without locks.
 */
void ckpt_log_flush(struct ckpt_ctx *ctx)
{
	struct llist_node *first = llist_reverse_order(llist_del_all(&ctx->lines));
	struct ckpt_line *line, *next;
	/* Not charged, as the lines of errors. */
	struct mem_cgroup *memcg = set_active_memcg(NULL);

	llist_for_each_entry_safe(line, next, first, node) {
		kernel_write(ctx->log, line->text, line->len,
			     ctx->log->f_mode & FMODE_LSEEK ? &ctx->log->f_pos : &ctx->log_pos);
		kfree(line);
	}
	set_active_memcg(memcg);
}

/**
 * ckpt_err - note an error and say what it is about
 * @ctx:	the checkpoint or restart
 * @err:	negative error number
 * @fmt:	why
 *
 * Only the first error is logged: what follows from it would mislead.
 *
 * Return: @err.
 */
int ckpt_err(struct ckpt_ctx *ctx, int err, const char *fmt, ...)
{
	struct ckpt_ctx *main = ctx->main ?: ctx;
	struct va_format vaf = { .fmt = fmt };
	va_list args;
	int first;

	/* Somebody who helps may meet one at the same time. */
	first = cmpxchg(&main->error, 0, err);
	if (first)
		return first;
	va_start(args, fmt);
	vaf.va = &args;
	/* Not charged: it may have to tell that there is no more memory. */
	log_line(ctx, GFP_KERNEL, "error", &vaf);
	va_end(args);
	return err;
}

/**
 * ckpt_obstacle - name something that cannot be checkpointed
 * @ctx:	the checkpoint
 * @err:	negative error number
 * @fmt:	what it is and what to do
 *
 * Return: 0 in a dry run, which goes on to name the others; else @err.
 */
int ckpt_obstacle(struct ckpt_ctx *ctx, int err, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	vaf.va = &args;
	if (ckpt_dryrun(ctx)) {
		log_line(ctx, GFP_KERNEL_ACCOUNT, "obstacle", &vaf);
		ctx->stats.obstacles++;
		err = 0;
	} else {
		err = ckpt_err(ctx, err, "%pV", &vaf);
	}
	va_end(args);
	return err;
}

/**
 * ckpt_note - say something that is not an error
 * @ctx:	the checkpoint or restart
 * @fmt:	what
 */
void ckpt_note(struct ckpt_ctx *ctx, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	vaf.va = &args;
	log_line(ctx, GFP_KERNEL_ACCOUNT, "note", &vaf);
	va_end(args);
}
