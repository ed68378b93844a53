// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of threads that have for themselves what threads mostly
 * share: a descriptor table, directories and umask; who lives in namespaces in
 * which the root of the tree does not.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_tasks.h>

/**
 * checkpoint_unshared - write what a thread has for itself, if there is anything
 * @ctx:	the checkpoint
 * @u:		what its process does not share with it
 *
 * Return: 0 or a negative error.
 */
int checkpoint_unshared(struct ckpt_ctx *ctx, const struct ckpt_unshared *u)
{
	if (!memchr_inv(u, 0, sizeof(*u)))
		return 0;
	return ckpt_write_rec(ctx, CKPT_REC_UNSHARED, 0, u, sizeof(*u));
}

static bool is_valid(const struct ckpt_unshared *u, const struct restart_task *rt)
{
	const struct ckpt_process *p = rt->leader->process;

	/* What a leader has is that of the process. */
	if (rt->leader == rt && (u->files || u->fs))
		return false;
	return (u->files || u->fs || u->uts || u->ipc || u->net || u->mnt || u->cgroup) &&
	       u->files != p->files && u->fs != p->fs && !u->reserved;
}

/**
 * restore_unshared_rec - make a thread have something for itself
 * @ctx:	the restart
 * @rec:	the UNSHARED record
 *
 * It is made apart here, while all tasks wait, so that in the APPLY phase others can
 * join in what it has.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_unshared_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restart_task *rt = ctx->last_thread;
	struct ckpt_unshared *u;
	int ret = 0;

	if (!rt || rt->unshared)
		return ckpt_err(ctx, -EINVAL, "UNSHARED has no place here");
	u = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*u), sizeof(*u));
	if (IS_ERR(u))
		return PTR_ERR(u);
	rt->unshared = u;
	ctx->where.pid = rt->entry.pid;
	if (!is_valid(u, rt))
		return ckpt_err(ctx, -EINVAL, "UNSHARED with invalid attributes");
	if (u->files) {
		rt->next_unshared = rt->leader->next_unshared;
		rt->leader->next_unshared = rt;
		restore_note_user(ctx, rt, u->files, CKPT_OBJ_FILES);
		ret = restore_own_files(rt->task);
	}
	if (!ret && u->fs) {
		restore_note_user(ctx, rt, u->fs, CKPT_OBJ_FS);
		ret = restore_own_fs(rt->task);
	}
	if (ret)
		return ckpt_err(ctx, ret,
				"cannot have descriptors and directories of its own (error %d)",
				ret);
	ctx->where.pid = 0;
	return 0;
}
