// SPDX-License-Identifier: GPL-2.0
/*
 * Which control groups the tasks of a tree are in. User space has described these
 * before the tree came to rest, and makes them again before the tasks; here it is
 * seen who is in which one, and whether that has changed meanwhile.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_tasks.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/magic.h>
#include <linux/memcontrol.h>
#include <linux/psi_types.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "cgroup-internal.h"

/* The one that the caller sees as the topmost; with a reference. */
static struct cgroup *topmost(void)
{
	struct cgroup *cgrp;

	spin_lock_irq(&css_set_lock);
	cgrp = current->nsproxy->cgroup_ns->root_cset->dfl_cgrp;
	cgroup_get(cgrp);
	spin_unlock_irq(&css_set_lock);
	return cgrp;
}

/* All the control groups that a task is in; with a reference. */
static struct css_set *css_set_of(struct task_struct *t)
{
	struct css_set *cset;

	spin_lock_irq(&css_set_lock);
	cset = task_css_set(t);
	get_css_set(cset);
	spin_unlock_irq(&css_set_lock);
	return cset;
}

/* Those of version 1: which hierarchy is it in, but not at its top? With a reference. */
static struct cgroup *legacy_cgroup_of(struct task_struct *t)
{
	struct cgroup *cgrp, *found = NULL;
	struct cgroup_root *root;

	rcu_read_lock();
	spin_lock_irq(&css_set_lock);
	for_each_root(root) {
		if (root == &cgrp_dfl_root)
			continue;
		cgrp = task_cgroup_from_root(t, root);
		/* A hierarchy that is being unmounted is waited for by nobody. */
		if (cgrp && cgrp != &root->cgrp && cgroup_tryget(cgrp)) {
			found = cgrp;
			break;
		}
	}
	spin_unlock_irq(&css_set_lock);
	rcu_read_unlock();
	return found;
}

static int legacy_obstacle(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct cgroup *cgrp = legacy_cgroup_of(t);
	int ret;

	if (!cgrp)
		return 0;
	ret = cgroup_path_ns(cgrp, ctx->path_buf, PATH_MAX, current->nsproxy->cgroup_ns);
	ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
			    "in control group %s of the hierarchy \"%s\", of version 1: not supported",
			    ret < 0 ? "?" : ctx->path_buf, cgrp->root->name);
	cgroup_put(cgrp);
	return ret;
}

/* Where does the line of a group stand in what user space has described? */
static int find_line(const struct ckpt_ctx *ctx, const char *path)
{
	const char *text = ctx->cgroups, *end = text + ctx->cgroups_len, *at, *line_end;
	size_t len = strlen(path);

	for (at = text; at < end; at = line_end + 1) {
		line_end = memchr(at, '\n', end - at);
		if (!line_end)
			break;
		if (line_end - at == len + 2 && at[0] == CKPT_CGROUP_LINE && at[1] == ' ' &&
		    !memcmp(at + 2, path, len))
			return at - text;
	}
	return -ESTALE;
}

static int line_of(struct ckpt_ctx *ctx, struct cgroup *cgrp)
{
	int ret = cgroup_path_ns(cgrp, ctx->path_buf, PATH_MAX, current->nsproxy->cgroup_ns);

	if (ret < 0 || ret >= PATH_MAX)
		return ckpt_obstacle(ctx, -ENAMETOOLONG,
				     "the path of its control group is too long");
	if (!strncmp(ctx->path_buf, "/..", 3) && (!ctx->path_buf[3] || ctx->path_buf[3] == '/'))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "in control group %s, which is above the topmost that %s sees: not supported",
				     ctx->path_buf, ctx->flags & CHECKPOINT_OWN_CGROUP ?
				     "its own namespace" : "the caller");
	return find_line(ctx, ctx->path_buf);
}

#define NO_LINE	(-1)

/* In which line @cgrp is described, NO_LINE if it need not be; or an error. */
static int find_group(struct ckpt_ctx *ctx, struct cgroup *cgrp, const struct cgroup *top,
		      int *line)
{
	int ret;

	*line = NO_LINE;
	/* That of a zombie may have gone before it. */
	if (cgroup_is_dead(cgrp))
		return 0;
	ret = line_of(ctx, cgrp);
	/* A tree that is in none knows no other, and needs no description. */
	if (ret == -ESTALE && cgrp == top && !ctx->cgroups_len)
		return 0;
	if (ret < 0)
		return ret;
	*line = ret;
	return 0;
}

/**
 * ckpt_find_cgroups - see which control groups the tasks of the tree are in
 * @ctx:	the checkpoint; the tree is at rest
 *
 * Return: 0, -ESTALE if a task is in one that user space has not described, or a
 * negative error that has been logged.
 */
int ckpt_find_cgroups(struct ckpt_ctx *ctx)
{
	struct css_set *cset, *last = NULL;
	struct cgroup *top = topmost();
	int ret = 0, line = NO_LINE;
	unsigned int i;

	ctx->cgroup_members = kvcalloc(ctx->tasks.nr, sizeof(*ctx->cgroup_members),
				       GFP_KERNEL_ACCOUNT);
	if (!ctx->cgroup_members)
		ret = -ENOMEM;
	for (i = 0; i < ctx->tasks.nr && !ret; i++) {
		struct task_struct *t = ctx->tasks.task[i];
		struct ckpt_cgroup_member *m;

		cset = css_set_of(t);
		/* Most are where the one before them is; what is in the way is said of each. */
		if (cset != last || ctx->stats.obstacles) {
			ctx->where.pid = ctx->entries[i].pid;
			ret = legacy_obstacle(ctx, t) ?:
			      find_group(ctx, cset->dfl_cgrp, top, &line);
		}
		if (last)
			put_css_set(last);
		last = cset;
		if (ret || line == NO_LINE)
			continue;
		m = &ctx->cgroup_members[ctx->nr_cgroup_members++];
		m->pid = ctx->entries[i].pid;
		m->line = line;
	}
	ctx->where.pid = 0;
	if (last)
		put_css_set(last);
	cgroup_put(top);
	return ret;
}

/**
 * checkpoint_cgroups - write the control groups, and who is in which
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_cgroups(struct ckpt_ctx *ctx)
{
	struct ckpt_cgroups head = {
		.nr_members = ctx->nr_cgroup_members,
		.text_len = ctx->cgroups_len,
	};
	size_t members = head.nr_members * sizeof(*ctx->cgroup_members);
	void *tail;
	int ret;

	if (!ctx->cgroups_len)
		return 0;
	tail = kvmalloc(members + head.text_len, GFP_KERNEL_ACCOUNT);
	if (!tail)
		return -ENOMEM;
	memcpy(tail, ctx->cgroup_members, members);
	memcpy(tail + members, ctx->cgroups, head.text_len);
	ret = ckpt_write_rec2(ctx, CKPT_REC_CGROUPS, 0, &head, sizeof(head), tail,
			      members + head.text_len);
	kvfree(tail);
	return ret;
}

/**
 * checkpoint_cgroup_ns - write where a cgroup namespace begins
 * @ctx:	the checkpoint
 * @common:	the namespace
 * @objref:	its objref
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_cgroup_ns(struct ckpt_ctx *ctx, struct ns_common *common, u32 objref)
{
	struct cgroup_namespace *ns = container_of(common, struct cgroup_namespace, ns);
	struct cgroup *root = ns->root_cset->dfl_cgrp, *top = topmost();
	struct ckpt_cgroup_ns rec = { .own_user = ns->user_ns == ctx->user_ns };
	int ret, line;

	ret = cgroup_is_dead(root) ? -ESTALE : find_group(ctx, root, top, &line);
	cgroup_put(top);
	if (ret == -ESTALE)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"its cgroup namespace begins at a control group that holds none of the tree: not supported");
	if (ret)
		return ret;
	if (line != NO_LINE)
		rec.path_len = strlen(ctx->path_buf);
	return ckpt_write_rec2(ctx, CKPT_REC_CGROUP_NS, objref, &rec, sizeof(rec), ctx->path_buf,
			       rec.path_len);
}

/* Where a namespace is to begin: at the control group of the caller, or at another. */
static struct css_set *css_set_at(const char *path)
{
	struct css_set *own = css_set_of(current), *found;
	struct cgroup *cgrp;

	if (!*path)
		return own;
	cgrp = cgroup_get_from_path(path);
	if (IS_ERR(cgrp)) {
		put_css_set(own);
		return ERR_CAST(cgrp);
	}
	cgroup_lock();
	found = cgroup_is_dead(cgrp) ? ERR_PTR(-ENOENT) : find_css_set(own, cgrp);
	cgroup_unlock();
	cgroup_put(cgrp);
	put_css_set(own);
	return found ?: ERR_PTR(-ENOMEM);
}

/**
 * restore_cgroup_ns - make a cgroup namespace
 * @owner:	whom it is to belong to
 * @path:	the control group where it begins; empty: that of the caller
 *
 * Return: the namespace or an error pointer.
 */
struct cgroup_namespace *restore_cgroup_ns(struct user_namespace *owner, const char *path)
{
	struct css_set *root = css_set_at(path);
	struct cgroup_namespace *ns;

	if (IS_ERR(root))
		return ERR_CAST(root);
	ns = copy_cgroup_ns(CLONE_NEWCGROUP, owner, current->nsproxy->cgroup_ns);
	if (!IS_ERR(ns))
		swap(ns->root_cset, root);
	put_css_set(root);
	return ns;
}

/**
 * ckpt_use_memcg_of - charge what the caller allocates to the control group of a task
 * @t:		the task
 *
 * Return: what to give to ckpt_use_memcg_end().
 */
struct mem_cgroup *ckpt_use_memcg_of(struct task_struct *t)
{
	struct mem_cgroup *memcg = NULL;

#ifdef CONFIG_MEMCG
	rcu_read_lock();
	memcg = mem_cgroup_from_task(t);
	if (memcg && !css_tryget(&memcg->css))
		memcg = NULL;
	rcu_read_unlock();
#endif
	set_active_memcg(memcg);
	return memcg;
}

/**
 * ckpt_use_memcg_end - charge it to that of the caller again
 * @memcg:	from ckpt_use_memcg_of()
 */
void ckpt_use_memcg_end(struct mem_cgroup *memcg)
{
	set_active_memcg(NULL);
	mem_cgroup_put(memcg);
}

/* As memory.peak has it, until it is reset. */
#define PEAK_UNSET	(-1UL)

#ifdef CONFIG_PSI
static bool describe_trigger(const struct cgroup_file_ctx *of, struct ckpt_pressure *p)
{
	const struct psi_trigger *t = of->psi.trigger;

	if (!t)
		return false;
	p->full = t->state % 2;
#ifdef CONFIG_IRQ_TIME_ACCOUNTING
	p->full |= t->state == PSI_IRQ_FULL;
#endif
	p->threshold_us = div_u64(t->threshold, NSEC_PER_USEC);
	p->window_us = div_u64(t->win.size, NSEC_PER_USEC);
	return true;
}
#else
static bool describe_trigger(const struct cgroup_file_ctx *of, struct ckpt_pressure *p)
{
	return false;
}
#endif

/**
 * checkpoint_cgroup_file - write a file of cgroupfs
 * @ctx:	the checkpoint
 * @file:	the file
 * @of:		what kernfs knows of it
 *
 * Some keep what was written to them for as long as they are open.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_cgroup_file(struct ckpt_ctx *ctx, struct file *file, struct kernfs_open_file *of)
{
	struct ckpt_pressure p = {};
	bool has_trigger = false, has_peak = false;
	int ret;

	cgroup_lock();
	if (of->priv) {
		struct cgroup_file_ctx *cf = of->priv;

		has_trigger = describe_trigger(cf, &p);
		has_peak = cf->peak.value && cf->peak.value != PEAK_UNSET;
	}
	cgroup_unlock();
	if (has_peak)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a peak that was reset for this file alone: not supported");
	ret = generic_file_checkpoint(ctx, file);
	if (!ret && has_trigger)
		ret = ckpt_write_rec(ctx, CKPT_REC_PRESSURE, ckpt_file_objref(ctx, file), &p,
				     sizeof(p));
	return ret;
}

/**
 * restore_pressure_rec - set a trigger in a file of cgroupfs
 * @ctx:	the restart
 * @rec:	the PRESSURE record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_pressure_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct file *file = ckpt_ref(ctx, rec->objref, CKPT_OBJ_FILE);
	struct ckpt_pressure *p;
	char text[32];
	loff_t pos = 0;
	ssize_t ret;
	int len;

	if (IS_ERR(file))
		return PTR_ERR(file);
	p = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*p), sizeof(*p));
	if (IS_ERR(p))
		return PTR_ERR(p);
	len = scnprintf(text, sizeof(text), "%s %u %u", p->full ? "full" : "some",
			p->threshold_us, p->window_us) + 1;
	kvfree(p);
	if (file_inode(file)->i_sb->s_magic != CGROUP2_SUPER_MAGIC || !(file->f_mode & FMODE_WRITE))
		return ckpt_err(ctx, -EINVAL, "objref %u takes no trigger", rec->objref);
	ret = kernel_write(file, text, len, &pos);
	if (ret == len)
		return 0;
	return ckpt_err(ctx, ret < 0 ? ret : -EIO, "cannot set a trigger of pressure (error %zd)",
			ret);
}
