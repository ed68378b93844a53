// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of epoll instances: what they watch, what is ready.
 *
 * Items are added by the code of epoll_ctl(2), with its checks for loops and
 * its limits. When all else stands, readiness is set to what it was: an edge
 * that was seen is not seen again, one that was not is not lost.
 */
#include <linux/checkpoint_files.h>
#include <linux/eventpoll.h>
#include <linux/file.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

/* What a signalfd is waited for on belongs to a process, not to its file. */
static pid_t whose_signals(struct ckpt_ctx *ctx, const wait_queue_head_t *whead)
{
	unsigned int i;

	for (i = 0; i < ctx->tasks.nr; i++) {
		struct sighand_struct *sighand;
		bool found;

		rcu_read_lock();
		sighand = rcu_dereference(ctx->tasks.task[i]->sighand);
		found = sighand && &sighand->signalfd_wqh == whead;
		rcu_read_unlock();
		if (found)
			return ctx->entries[i].tgid;
	}
	return 0;
}

static int write_item(struct ckpt_ctx *ctx, struct eventpoll_item *item,
		      struct ckpt_epoll_item *to)
{
	to->fd = item->fd;
	to->events = item->events;
	to->data = item->data;
	to->ready = !!item->ready;
	if (is_signalfd(item->file)) {
		to->pid = whose_signals(ctx, item->whead);
		if (!to->pid)
			return ckpt_obstacle(ctx, -EOPNOTSUPP,
				"watches a signalfd (descriptor %d) for a process that is not in the tree: not supported",
				item->fd);
	}
	return checkpoint_file(ctx, item->file, &to->file);
}

static int write_items(struct ckpt_ctx *ctx, u32 objref, struct eventpoll_item *items,
		       unsigned int nr)
{
	struct ckpt_epoll_item *recs;
	unsigned int i;
	int ret = 0;

	recs = kvcalloc(nr + 1, sizeof(*recs), GFP_KERNEL_ACCOUNT);
	if (!recs)
		return -ENOMEM;
	for (i = 0; i < nr && !ret; i++)
		ret = write_item(ctx, &items[i], &recs[i]);
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_EPOLL_ITEMS, objref, recs, nr * sizeof(*recs));
	kvfree(recs);
	return ret;
}

static int checkpoint_items(struct ckpt_ctx *ctx, void *file, u32 objref)
{
	unsigned int i, nr = eventpoll_describe(file, NULL, 0);
	struct eventpoll_item *items;
	bool changed;
	int ret = 0;

	if (!nr)
		return 0;
	if (nr > CKPT_MAX_RECORD_BYTES / sizeof(struct ckpt_epoll_item))
		return ckpt_obstacle(ctx, -E2BIG, "an epoll instance of %u items: too many", nr);
	items = kvcalloc(nr, sizeof(*items), GFP_KERNEL_ACCOUNT);
	if (!items)
		return -ENOMEM;
	changed = eventpoll_describe(file, items, nr) != nr;
	/* A file that is being closed ends its item. */
	for (i = 0; i < nr; i++)
		changed |= !items[i].file;
	ret = changed ? ckpt_err(ctx, -EAGAIN, "another process changes it; try again") :
			write_items(ctx, objref, items, nr);
	for (i = 0; i < nr; i++)
		if (items[i].file)
			fput(items[i].file);
	kvfree(items);
	return ret;
}

/**
 * eventpoll_file_checkpoint - ->checkpoint for an epoll instance
 * @ctx:	the checkpoint
 * @file:	its file
 *
 * Return: 0 or a negative error, which has been logged.
 */
int eventpoll_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_epoll rec = {};
	u32 objref = ++ctx->next_ref;
	int ret = 0;

	if (eventpoll_polls_busily(file))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "an epoll instance that polls busily (EPIOCSPARAMS): not supported");
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_EPOLL, objref, &rec, sizeof(rec));
	if (!ret)
		ret = ckpt_anon_write(ctx, file, CKPT_FILE_EPOLL, objref);
	return ret ?: ckpt_write_later(ctx, CKPT_STAGE_DISCOVER, file, objref,
				       checkpoint_items);
}

/**
 * restore_epoll_rec - make an epoll instance that watches nothing yet
 * @ctx:	the restart
 * @rec:	the EPOLL record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_epoll_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_epoll *e;
	struct file *file;

	e = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*e), sizeof(*e));
	if (IS_ERR(e))
		return PTR_ERR(e);
	file = e->reserved[0] || e->reserved[1] ? ERR_PTR(-EINVAL) : eventpoll_make();
	kvfree(e);
	return ckpt_anon_add(ctx, rec->objref, CKPT_FILE_EPOLL, file);
}

static int take_item(struct ckpt_ctx *ctx, const struct ckpt_epoll_item *item,
		     struct eventpoll_item *to)
{
	struct file *file = ckpt_ref(ctx, item->file, CKPT_OBJ_FILE);

	if (IS_ERR(file))
		return PTR_ERR(file);
	if (item->ready > 1 || item->reserved || item->fd < 0 ||
	    !item->pid != !is_signalfd(file))
		return ckpt_err(ctx, -EINVAL, "an item of an epoll instance contradicts itself");
	to->file = file;
	to->fd = item->fd;
	to->events = item->events;
	to->data = item->data;
	to->ready = item->ready;
	return 0;
}

static int add_item(struct ckpt_ctx *ctx, struct ckpt_anon *epoll,
		    const struct eventpoll_item *item)
{
	int ret = eventpoll_add(epoll->file, item);

	if (ret == -ENOSPC)
		return ckpt_err(ctx, ret,
			"more would be watched than fs.epoll.max_user_watches allows");
	if (ret)
		return ckpt_err(ctx, ret, "an epoll instance cannot watch descriptor %d (error %d)",
				item->fd, ret);
	return 0;
}

/**
 * struct own_item - an item that is added by the process it is for
 * @item:	the item
 * @pid:	of the process; 0: it has been added
 */
struct own_item {
	struct eventpoll_item item;
	pid_t pid;
};

static int add_items(struct ckpt_ctx *ctx, struct ckpt_anon *epoll,
		     const struct ckpt_epoll_item *recs, unsigned int nr)
{
	struct restart_task *rt;
	struct own_item *items;
	unsigned int i;
	int ret = 0;

	items = kvcalloc(nr + 1, sizeof(*items), GFP_KERNEL_ACCOUNT);
	if (!items)
		return -ENOMEM;
	epoll->data = items;
	for (i = 0; i < nr && !ret; i++) {
		ret = take_item(ctx, &recs[i], &items[i].item);
		if (ret)
			break;
		epoll->nr++;
		items[i].pid = recs[i].pid;
		rt = recs[i].pid ? restart_find(ctx, recs[i].pid) : NULL;
		if (IS_ERR(rt))
			ret = PTR_ERR(rt);
		else if (rt)
			rt->has_epoll_items = true;
		else
			ret = add_item(ctx, epoll, &items[i].item);
		cond_resched();
	}
	return ret;
}

/**
 * restore_epoll_items_rec - have an epoll instance watch what it watched
 * @ctx:	the restart
 * @rec:	the EPOLL_ITEMS record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_epoll_items_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_anon *epoll = ckpt_anon_ref(ctx, rec->objref, CKPT_FILE_EPOLL);
	struct ckpt_epoll_item *recs;
	int ret;

	if (IS_ERR(epoll))
		return PTR_ERR(epoll);
	if (epoll->data || rec->len % sizeof(*recs))
		return ckpt_err(ctx, -EINVAL, "EPOLL_ITEMS of %u: a second time, or not a table",
				rec->objref);
	recs = ckpt_read_payload(ctx, &ctx->img, rec, 0, CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(recs))
		return PTR_ERR(recs);
	ret = add_items(ctx, epoll, recs, rec->len / sizeof(*recs));
	kvfree(recs);
	return ret;
}

/**
 * restore_own_epoll_items - add the items that wait for signals of a process
 * @rt:		the leader of the process, which is current
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_own_epoll_items(struct restart_task *rt)
{
	struct ckpt_anon *anon;
	unsigned long i = 0;
	unsigned int n;
	int ret;

	/* Few processes have any; all objects of the tree are gone through for each. */
	if (!rt->has_epoll_items)
		return 0;
	while ((anon = ckpt_ref_next(restart_ckpt_ctx(rt), &i, CKPT_OBJ_ANON))) {
		struct own_item *own = anon->data;

		if (anon->kind != CKPT_FILE_EPOLL)
			continue;
		for (n = 0; n < anon->nr; n++) {
			if (own[n].pid != rt->entry.tgid)
				continue;
			ret = eventpoll_add(anon->file, &own[n].item);
			if (ret)
				return restore_fail(rt, ret, "a signalfd in an epoll instance");
		}
	}
	return 0;
}

/**
 * restore_epolls_settle - let what was ready be ready, and nothing else
 * @ctx:	the restart, which has succeeded in all else
 */
void restore_epolls_settle(struct ckpt_ctx *ctx)
{
	struct ckpt_anon *anon;
	unsigned long i = 0;
	unsigned int n;

	while ((anon = ckpt_ref_next(ctx, &i, CKPT_OBJ_ANON))) {
		struct own_item *own = anon->data;

		for (n = 0; anon->kind == CKPT_FILE_EPOLL && n < anon->nr; n++)
			eventpoll_settle(anon->file, &own[n].item);
	}
}
