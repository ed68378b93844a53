// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of mount namespaces in which only some tasks of the tree live.
 * User space says what is mounted there, and mounts it again. A file belongs to the
 * namespace its mount is in: it is named, and found again, by who lives there for that
 * time.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_tasks.h>
#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/mnt_namespace.h>
#include <linux/mount.h>
#include <linux/nsproxy.h>
#include <linux/proc_fs.h>
#include <linux/proc_ns.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "mount.h"

/**
 * ckpt_is_bind_mounted - is a file itself mounted somewhere?
 * @dentry:	the file
 *
 * Return: whether it is, in whatever namespace.
 */
bool ckpt_is_bind_mounted(const struct dentry *dentry)
{
	const struct mount *m;
	bool found = false;

	read_seqlock_excl(&mount_lock);
	list_for_each_entry(m, &dentry->d_sb->s_mounts, mnt_instance)
		found |= m->mnt.mnt_root == dentry;
	read_sequnlock_excl(&mount_lock);
	return found;
}

/**
 * struct ckpt_inner_mnt - a mount namespace in which only some tasks of the tree live
 * @ns:		it
 * @objref:	how the image names it
 * @lines:	checkpoint: what user space says of it
 * @len:	bytes of that
 * @base:	which of them, from 1, it is said to be a copy of; 0: that of the root
 */
struct ckpt_inner_mnt {
	struct ns_common *ns;
	u32 objref;
	void *lines;
	u32 len;
	u32 base;
};

static struct ns_common *get_mnt_ns_of(int fd)
{
	struct ns_common *ns;

	CLASS(fd, f)(fd);
	if (fd_empty(f))
		return ERR_PTR(-EBADF);
	if (!proc_ns_file(fd_file(f)))
		return ERR_PTR(-EINVAL);
	ns = get_proc_ns(file_inode(fd_file(f)));
	if (ns->ops != &mntns_operations || ns == from_mnt_ns(current->nsproxy->mnt_ns))
		return ERR_PTR(-EINVAL);
	refcount_inc(&ns->count);
	return ns;
}

static struct ckpt_inner_mnt *find_inner(struct ckpt_ctx *ctx, const struct ns_common *ns)
{
	u32 i;

	for (i = 0; i < ctx->nr_inner_mnts; i++)
		if (ctx->inner_mnts[i].ns == ns)
			return &ctx->inner_mnts[i];
	return NULL;
}

static struct ckpt_inner_mnt *add_inner(struct ckpt_ctx *ctx, struct ns_common *ns)
{
	struct ckpt_inner_mnt *all;

	all = krealloc_array(ctx->inner_mnts, ctx->nr_inner_mnts + 1, sizeof(*all),
			     GFP_KERNEL_ACCOUNT);
	if (!all)
		return NULL;
	ctx->inner_mnts = all;
	all[ctx->nr_inner_mnts] = (struct ckpt_inner_mnt) { .ns = ns };
	return &all[ctx->nr_inner_mnts++];
}

/**
 * ckpt_get_inner_mnts - what user space has found out of mounts of some tasks
 * @ctx:	the checkpoint
 * @from:	where it tells of them
 * @nr:		how many they are, not more than CHECKPOINT_MAX_MOUNTS
 *
 * Return: 0 or a negative error.
 */
int ckpt_get_inner_mnts(struct ckpt_ctx *ctx, u64 from, u32 nr)
{
	const struct checkpoint_mounts __user *all = u64_to_user_ptr(from);
	struct checkpoint_mounts one;
	struct ckpt_inner_mnt *inner;
	struct ns_common *ns;
	u32 i;

	for (i = 0; i < nr; i++) {
		if (copy_from_user(&one, &all[i], sizeof(one)))
			return -EFAULT;
		if (!one.mounts_len || one.mounts_len > CKPT_MAX_RECORD_BYTES / 2 ||
		    one.base > i || one.reserved)
			return -EINVAL;
		ns = get_mnt_ns_of(one.ns_fd);
		if (IS_ERR(ns))
			return PTR_ERR(ns);
		inner = find_inner(ctx, ns) ? NULL : add_inner(ctx, ns);
		if (!inner) {
			ns->ops->put(ns);
			return -EINVAL;
		}
		inner->lines = vmemdup_user(u64_to_user_ptr(one.mounts), one.mounts_len);
		if (IS_ERR(inner->lines)) {
			int ret = PTR_ERR(inner->lines);

			inner->lines = NULL;
			return ret;
		}
		inner->len = one.mounts_len;
		inner->base = one.base;
	}
	return 0;
}

void ckpt_inner_mnts_free(struct ckpt_ctx *ctx)
{
	u32 i;

	for (i = 0; i < ctx->nr_inner_mnts; i++) {
		kvfree(ctx->inner_mnts[i].lines);
		ctx->inner_mnts[i].ns->ops->put(ctx->inner_mnts[i].ns);
	}
	kfree(ctx->inner_mnts);
}

/**
 * ckpt_mnt_is_of_tree - is a mount namespace the caller's, or one of some of the tree?
 * @ctx:	checkpoint or restart
 * @ns:		the namespace
 *
 * Return: whether it is.
 */
bool ckpt_mnt_is_of_tree(struct ckpt_ctx *ctx, struct mnt_namespace *ns)
{
	const struct nsproxy *outside = ctx->in_mnt ? ctx->place.nsproxy : current->nsproxy;

	return ns == outside->mnt_ns || find_inner(ctx, from_mnt_ns(ns));
}

/**
 * ckpt_mnts_changed - does user space have to look at the mounts once more?
 * @ctx:	the checkpoint, with the tree at rest
 *
 * Return: 0; or -ESTALE if tasks live where it has not looked, or none where it has.
 */
int ckpt_mnts_changed(struct ckpt_ctx *ctx)
{
	unsigned long *used = bitmap_zalloc(CHECKPOINT_MAX_MOUNTS, GFP_KERNEL);
	bool known = true;
	unsigned int i;

	if (!used)
		return -ENOMEM;
	for (i = 0; i < ctx->tasks.nr && known; i++) {
		struct ns_common *ns = ckpt_get_inner_ns(ctx->tasks.task[i], &mntns_operations);
		struct ckpt_inner_mnt *inner;

		if (!ns)
			continue;
		inner = find_inner(ctx, ns);
		if (inner)
			__set_bit(inner - ctx->inner_mnts, used);
		known = inner;
		ns->ops->put(ns);
	}
	known &= bitmap_weight(used, CHECKPOINT_MAX_MOUNTS) == ctx->nr_inner_mnts;
	bitmap_free(used);
	return known ? 0 : -ESTALE;
}

/* Of those who live there: in the innermost pid namespace, whose procfs may be mounted. */
static int innermost_in(struct ckpt_ctx *ctx, struct ns_common *mnt)
{
	unsigned int i, depth, deepest = 0;
	int found = -1;

	for (i = 0; i < ctx->tasks.nr; i++) {
		struct ns_common *ns = ckpt_get_inner_ns(ctx->tasks.task[i], &mntns_operations);

		if (ns)
			ns->ops->put(ns);
		if (ns != mnt)
			continue;
		depth = ckpt_pid_depth(ctx->tasks.task[i]);
		if (found < 0 || depth > deepest) {
			found = i;
			deepest = depth;
		}
	}
	return found;
}

static int write_mnt(struct ckpt_ctx *ctx, struct ckpt_inner_mnt *inner)
{
	struct user_namespace *owner = inner->ns->ops->owner(inner->ns);
	struct ckpt_inner_mounts rec = { .own_user = owner == ctx->user_ns,
					  .base = inner->base };
	int i = innermost_in(ctx, inner->ns), ret;

	if (i < 0)
		return ckpt_err(ctx, -ESRCH, "was killed during the checkpoint");
	rec.pid = ctx->entries[i].pid;
	ctx->where.pid = rec.pid;
	ret = ckpt_obj(ctx, CKPT_OBJ_NS, inner->ns, &inner->objref);
	if (ret <= 0)
		return ret ?: -EINVAL;
	if (owner != current_user_ns() && owner != ctx->user_ns)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"its mnt namespace belongs to another user namespace: not supported");
	ret = ckpt_check_leaks(ctx, inner->ns);
	return ret ?: ckpt_write_rec2(ctx, CKPT_REC_INNER_MOUNTS, inner->objref, &rec,
				      sizeof(rec), inner->lines, inner->len);
}

/**
 * checkpoint_inner_mnts - write the mounts of where only some of the tree live
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_inner_mnts(struct ckpt_ctx *ctx)
{
	pid_t pid = ctx->where.pid;
	int ret = 0;
	u32 i;

	for (i = 0; i < ctx->nr_inner_mnts && !ret; i++)
		ret = write_mnt(ctx, &ctx->inner_mnts[i]);
	if (!ret)
		ctx->where.pid = pid;
	return ret;
}

/**
 * checkpoint_inner_tmpfs - write every tmpfs that only some of the tree have mounted
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_inner_tmpfs(struct ckpt_ctx *ctx)
{
	int ret = 0, back;
	u32 i;

	for (i = 0; i < ctx->nr_inner_mnts && !ret; i++) {
		struct ckpt_inner_mnt *inner = &ctx->inner_mnts[i];

		ret = ckpt_go_to_mnt(ctx, inner);
		if (ret)
			break;
		ret = checkpoint_tmpfs(ctx, inner->lines, inner->len);
		back = ckpt_go_to_mnt(ctx, NULL);
		ret = ret ?: back;
	}
	return ret;
}

static void go_outside(struct ckpt_ctx *ctx)
{
	switch_task_namespaces(current, ctx->place.nsproxy);
	set_fs_root(current->fs, &ctx->place.root);
	set_fs_pwd(current->fs, &ctx->place.pwd);
	path_put(&ctx->place.root);
	path_put(&ctx->place.pwd);
	ctx->in_mnt = NULL;
}

/**
 * ckpt_go_to_mnt - live in another mount namespace, with its root directory
 * @ctx:	checkpoint or restart; current is the only one who has its directories
 * @to:		one of some of the tree, or NULL: where the caller was at first
 *
 * Return: 0 or a negative error, which has been logged; never one if @to is NULL.
 */
int ckpt_go_to_mnt(struct ckpt_ctx *ctx, struct ckpt_inner_mnt *to)
{
	struct path root, pwd;
	struct nsproxy *outside;

	if (ctx->in_mnt == to)
		return 0;
	if (ctx->in_mnt)
		go_outside(ctx);
	if (!to)
		return 0;
	get_fs_root(current->fs, &root);
	get_fs_pwd(current->fs, &pwd);
	outside = ckpt_enter_ns(to->ns);
	if (IS_ERR(outside)) {
		path_put(&root);
		path_put(&pwd);
		return ckpt_err(ctx, PTR_ERR(outside), "cannot enter a mount namespace (error %ld)",
				PTR_ERR(outside));
	}
	ctx->place = (struct ckpt_place) { outside, root, pwd };
	ctx->in_mnt = to;
	return 0;
}

/**
 * ckpt_mnt_of - in which mount namespace of some of the tree is a path?
 * @ctx:	the checkpoint
 * @path:	the path
 *
 * Return: that; NULL: in none.
 */
struct ckpt_inner_mnt *ckpt_mnt_of(struct ckpt_ctx *ctx, const struct path *path)
{
	u32 i;

	for (i = 0; i < ctx->nr_inner_mnts; i++)
		if (from_mnt_ns(READ_ONCE(real_mount(path->mnt)->mnt_ns)) == ctx->inner_mnts[i].ns)
			return &ctx->inner_mnts[i];
	return NULL;
}

/**
 * ckpt_mnt_of_sb - in which mount namespace of some of the tree is a filesystem mounted?
 * @ctx:	the checkpoint
 * @sb:		the filesystem
 *
 * Return: the first of them; NULL: in none, or where the caller was at first, too.
 */
struct ckpt_inner_mnt *ckpt_mnt_of_sb(struct ckpt_ctx *ctx, struct super_block *sb)
{
	const struct nsproxy *outside = ctx->in_mnt ? ctx->place.nsproxy : current->nsproxy;
	struct ckpt_inner_mnt *found = NULL;
	struct mount *m;

	if (!ctx->nr_inner_mnts)
		return NULL;
	read_seqlock_excl(&mount_lock);
	list_for_each_entry(m, &sb->s_mounts, mnt_instance) {
		if (m->mnt_ns == outside->mnt_ns) {
			found = NULL;
			break;
		}
		if (!found)
			found = find_inner(ctx, from_mnt_ns(m->mnt_ns));
	}
	read_sequnlock_excl(&mount_lock);
	return found;
}

/**
 * ckpt_mnt_objref - where does the caller live just now?
 * @ctx:	checkpoint or restart
 *
 * Return: its objref, or 0: where he was at first.
 */
u32 ckpt_mnt_objref(struct ckpt_ctx *ctx)
{
	return ctx->in_mnt ? ctx->in_mnt->objref : 0;
}

/**
 * restore_use_mnt_ns - this is a mount namespace in which only some tasks will live
 * @ctx:	the restart
 * @fd:		of it, as in /proc/PID/ns/mnt
 * @objref:	how the image names it
 *
 * Who will enter it has to be allowed to, as by setns(2).
 *
 * Return: 0 or a negative error.
 */
int restore_use_mnt_ns(struct ckpt_ctx *ctx, int fd, u32 objref)
{
	struct ns_common *ns = get_mnt_ns_of(fd);
	struct ckpt_inner_mnt *inner;

	if (IS_ERR(ns))
		return PTR_ERR(ns);
	inner = ns_capable(ns->ops->owner(ns), CAP_SYS_ADMIN) ? add_inner(ctx, ns) : NULL;
	if (!inner) {
		ns->ops->put(ns);
		return -EPERM;
	}
	inner->objref = objref;
	refcount_inc(&ns->count);
	return ckpt_ref_add(ctx, objref, CKPT_OBJ_NS, ns);
}

/**
 * restore_go_to_mnt - be where a file of the image is to be opened
 * @ctx:	the restart
 * @objref:	of the INNER_MOUNTS, or 0: where the root of the tree lives
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_go_to_mnt(struct ckpt_ctx *ctx, u32 objref)
{
	u32 i;

	if (!objref)
		return ckpt_go_to_mnt(ctx, NULL);
	for (i = 0; i < ctx->nr_inner_mnts; i++)
		if (ctx->inner_mnts[i].objref == objref)
			return ckpt_go_to_mnt(ctx, &ctx->inner_mnts[i]);
	return ckpt_err(ctx, -EINVAL, "objref %u is not a mount namespace", objref);
}

/**
 * restore_enter_mnt - have a task live in a mount namespace
 * @to:		its namespaces, not in use yet
 * @ns:		the mount namespace
 *
 * As setns(2), which also changes directories, and is not for threads that share them:
 * those come from the image.
 *
 * Return: 0 or a negative error.
 */
int restore_enter_mnt(struct nsproxy *to, struct ns_common *ns)
{
	struct mnt_namespace *mnt_ns = container_of(ns, struct mnt_namespace, ns);

	if (!ns_capable(mnt_ns->user_ns, CAP_SYS_ADMIN) ||
	    !ns_capable(current_user_ns(), CAP_SYS_CHROOT) ||
	    !ns_capable(current_user_ns(), CAP_SYS_ADMIN))
		return -EPERM;
	refcount_inc(&ns->count);
	swap(to->mnt_ns, mnt_ns);
	put_mnt_ns(mnt_ns);
	return 0;
}
