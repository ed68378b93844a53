// SPDX-License-Identifier: GPL-2.0
/*
 * A checkpoint, from first to last: freeze, write, let go.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_net.h>
#include <linux/checkpoint_tasks.h>
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>

struct ckpt_ctx *ckpt_ctx_alloc(void)
{
	struct ckpt_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!ctx)
		return NULL;
	hash_init(ctx->objs);
	xa_init(&ctx->refs);
	mt_init(&ctx->mms);
	mt_init(&ctx->shmem_ids);
	xa_init(&ctx->written);
	xa_init(&ctx->pids);
	xa_init(&ctx->pipe_ends);
	xa_init(&ctx->masters);
	xa_init(&ctx->own_groups);
	INIT_LIST_HEAD(&ctx->relinked);
	INIT_LIST_HEAD(&ctx->locks);
	INIT_LIST_HEAD(&ctx->files);
	INIT_LIST_HEAD(&ctx->snapshots);
	INIT_LIST_HEAD(&ctx->tcp);
	INIT_LIST_HEAD(&ctx->ipc);
	INIT_LIST_HEAD(&ctx->shmems);
	for (i = 0; i < ARRAY_SIZE(ctx->later); i++)
		INIT_LIST_HEAD(&ctx->later[i]);
	ctx->where.fd = -1;
	ctx->path_buf = kmalloc(PATH_MAX, GFP_KERNEL_ACCOUNT);
	if (!ctx->path_buf) {
		kfree(ctx);
		return NULL;
	}
	return ctx;
}

void ckpt_ctx_free(struct ckpt_ctx *ctx)
{
	unsigned int i;

	if (!ctx->restart)
		ckpt_tcp_let_go(&ctx->tcp);
	restore_files_free(ctx);
	ckpt_later_free(ctx);
	ckpt_locks_free(ctx);
	kvfree(ctx->locked);
	ckpt_live_free(ctx);
	ckpt_cow_free(ctx);
	ckpt_shmem_rollback(ctx);
	restore_shmem_ids_free(ctx);
	restore_jobs_free(ctx);
	ckpt_objs_release(ctx);
	ckpt_refs_release(ctx);
	/* Nobody has the segments attached any more, if the restart has failed. */
	ckpt_ipc_free(ctx);
	ckpt_lazy_put(ctx->lazy);
	mtree_destroy(&ctx->mms);
	xa_destroy(&ctx->own_groups);
	xa_destroy(&ctx->pipe_ends);
	xa_destroy(&ctx->masters);
	if (ctx->file_cred)
		put_cred(ctx->file_cred);
	ckpt_relink_keep(ctx);
	ckpt_task_lists_free(ctx);
	for (i = 0; i < ctx->nr_relink_dirs; i++)
		path_put(&ctx->relink_dirs[i]);
	kfree(ctx->relink_dirs);
	path_put(&ctx->copy_dir);
	ckpt_stream_release(&ctx->img);
	ckpt_log_flush(ctx);
	if (ctx->log)
		fput(ctx->log);
	if (ctx->network_changes)
		fput(ctx->network_changes);
	kvfree(ctx->network);
	ckpt_inner_nets_free(ctx);
	ckpt_inner_mnts_free(ctx);
	kvfree(ctx->cgroups);
	kvfree(ctx->cgroup_members);
	if (ctx->user_ns)
		put_user_ns(ctx->user_ns);
	kvfree(ctx->mounts);
	kvfree(ctx->spare_batch);
	kfree(ctx->path_buf);
	kfree(ctx);
}

static int write_header(struct ckpt_ctx *ctx, const u8 *parent_id)
{
	struct ckpt_header *h = &ctx->header;
	int ret;

	h->magic = CKPT_MAGIC;
	h->version = CKPT_VERSION;
	h->arch = CKPT_ARCH_X86_64;
	h->page_size = PAGE_SIZE;
	h->nr_tasks = ctx->tasks.nr;
	get_random_bytes(h->image_id, sizeof(h->image_id));
	if (parent_id)
		memcpy(h->parent_id, parent_id, sizeof(h->parent_id));
	h->realtime_ns = ktime_get_real_ns();
	h->boottime_ns = ktime_get_boottime_ns();
	h->features = ckpt_arch_features();
	strscpy(h->release, init_utsname()->release, sizeof(h->release));
	memcpy(ctx->stats.image_id, h->image_id, sizeof(h->image_id));

	ret = ckpt_write_rec(ctx, CKPT_REC_HEADER, 0, h, sizeof(*h));
	if (ret)
		return ret;
	return ckpt_write_rec(ctx, CKPT_REC_TASKS, 0, ctx->entries,
			      ctx->tasks.nr * sizeof(*ctx->entries));
}

static int write_trailer(struct ckpt_ctx *ctx)
{
	struct ckpt_stream *s = &ctx->img;
	struct ckpt_trailer t = {
		.pages = s->pages,
		.crc32c = ckpt_written_crc(s),
		.nr_records = s->nr_records + 1,
	};
	int ret;

	t.bytes = s->offset + sizeof(struct ckpt_rec) + sizeof(t);
	ret = ckpt_write_rec(ctx, CKPT_REC_TRAILER, 0, &t, sizeof(t));
	return ret ?: ckpt_flush(ctx);
}

/* Every reason why a task cannot be checkpointed, or may not be by us. */
static int look_for_obstacles(struct ckpt_ctx *ctx)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ctx->tasks.nr; i++) {
		struct task_struct *t = ctx->tasks.task[i];

		ctx->where.pid = ctx->entries[i].pid;
		if (ctx->entries[i].flags & CKPT_TASK_ZOMBIE)
			continue;
		if (ctx->entries[i].flags & CKPT_TASK_DEAD_LEADER) {
			ret = ckpt_group_obstacles(ctx, t);
		} else if (!ptrace_may_access(t, PTRACE_MODE_ATTACH_REALCREDS)) {
			ret = ckpt_err(ctx, -EPERM, "%s: not yours to look into", t->comm);
		} else {
			/* Off its CPU: only then are its registers all in memory. */
			ckpt_wait_inactive(t);
			ret = ckpt_task_obstacles(ctx, t);
		}
		if (ret)
			return ret;
	}
	return 0;
}

/* What the next increment is measured from: only now that all is written. */
static void commit_mm(struct ckpt_ctx *ctx, void *mm)
{
	ckpt_track_commit(ctx, mm);
}

static void rollback_mm(struct ckpt_ctx *ctx, void *mm)
{
	ckpt_track_rollback(ctx, mm);
}

static int write_image(struct ckpt_ctx *ctx, const u8 *parent_id)
{
	unsigned int i;
	int ret;

	ret = ckpt_net_changed(ctx) ?: ckpt_mnts_changed(ctx);
	if (!ret)
		ret = ckpt_find_cgroups(ctx);
	if (!ret)
		ret = ckpt_find_user_ns(ctx);
	if (!ret)
		ret = look_for_obstacles(ctx);
	ctx->where.pid = 0;
	if (!ret)
		ret = ckpt_count_pipe_ends(ctx);
	if (!ret)
		ret = ckpt_find_masters(ctx);
	if (!ret)
		ret = write_header(ctx, parent_id);
	ctx->where.pid = ctx->tasks.nr ? ctx->entries[0].pid : 0;
	if (!ret)
		ret = checkpoint_namespaces(ctx);
	if (!ret)
		ret = checkpoint_ipc(ctx);
	if (!ret)
		ret = checkpoint_inner_ns(ctx);
	for (i = 0; i < ctx->tasks.nr && !ret; i++)
		if ((ctx->entries[i].flags & (CKPT_TASK_LEADER | CKPT_TASK_ZOMBIE)) ==
		    CKPT_TASK_LEADER)
			ret = checkpoint_process(ctx, i);
	if (!ret)
		ret = checkpoint_usage(ctx);
	if (!ret)
		ret = ckpt_write_what_is_left(ctx);
	if (!ret)
		ret = ckpt_check_holders(ctx);
	if (!ret)
		ret = ckpt_check_pipe_ends(ctx);
	if (!ret)
		ret = ckpt_check_shm(ctx);
	if (!ret && ctx->flags & CHECKPOINT_OWN_IPC)
		ret = checkpoint_unattached_shm(ctx);
	ctx->where = (struct ckpt_where) { .fd = -1 };
	if (!ret)
		ret = ctx->flags & CHECKPOINT_LIVE ? ckpt_live_hold(ctx) : write_trailer(ctx);
	if (!ret)
		ret = ckpt_check_frozen(ctx);
	/* While they are held, who writes to them gets a copy. */
	ckpt_cow_free(ctx);
	return ret;
}

/* The tree runs, and what it writes does not reach the snapshots. */
static int write_live(struct ckpt_ctx *ctx, u64 start)
{
	int ret;

	ckpt_tcp_let_go(&ctx->tcp);
	ckpt_thaw_tree(ctx);
	ctx->stats.frozen_ns = ktime_get_ns() - start;
	ret = ckpt_live_dump(ctx);
	ckpt_cow_free(ctx);
	return ret ?: write_trailer(ctx);
}

static void commit(struct ckpt_ctx *ctx, struct task_struct *root)
{
	struct mm_struct *mm;

	ckpt_obj_for_each(ctx, CKPT_OBJ_MM, commit_mm);
	ckpt_shmem_commit(ctx);
	if (!(ctx->flags & CHECKPOINT_LIVE))
		return;
	/* It may have executed another program meanwhile. */
	mm = get_task_mm(root);
	if (!mm)
		return;
	ckpt_track_heir(mm, ctx->header.image_id);
	mmput(mm);
}

static void kill_tree(struct ckpt_ctx *ctx)
{
	unsigned int i;

	ckpt_tcp_silence(&ctx->tcp);
	/* Or we would be the ones to take all memory down, one by one. */
	ckpt_objs_release_type(ctx, CKPT_OBJ_MM);
	/* They all end at once: whoever waits for the image comes first. */
	for (i = 0; i < ctx->tasks.nr; i++)
		set_user_nice(ctx->tasks.task[i], MAX_NICE);
	for (i = 0; i < ctx->tasks.nr; i++)
		if (ctx->entries[i].flags & CKPT_TASK_LEADER)
			do_send_sig_info(SIGKILL, SEND_SIG_PRIV, ctx->tasks.task[i], PIDTYPE_TGID);
}

/**
 * do_checkpoint - checkpoint a tree of processes
 * @ctx:	the checkpoint
 * @root:	leader of the tree's root process
 * @parent_id:	image that this one is an increment over, or NULL
 *
 * On success the tree goes on, is killed, or is held. On failure it goes on as if
 * nothing had happened, and names that were given to unlinked files are taken back.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int do_checkpoint(struct ckpt_ctx *ctx, struct task_struct *root, const u8 *parent_id)
{
	u64 start = ktime_get_ns();
	int ret;

	ctx->where.pid = task_pid_vnr(root);
	ret = ckpt_freeze_tree(ctx, root);
	if (!ret)
		ret = write_image(ctx, parent_id);
	if (!ret && ctx->flags & CHECKPOINT_LIVE && !ckpt_dryrun(ctx))
		ret = write_live(ctx, start);
	if (ret || ckpt_dryrun(ctx)) {
		ckpt_obj_for_each(ctx, CKPT_OBJ_MM, rollback_mm);
		ckpt_tcp_let_go(&ctx->tcp);
		ckpt_thaw_tree(ctx);
		ckpt_relink_rollback(ctx);
		ctx->stats.total_ns = ktime_get_ns() - start;
		ctx->stats.frozen_ns = ctx->stats.total_ns;
		return ret ? ckpt_err(ctx, ret, "failed with error %d", ret) : 0;
	}
	if (ctx->flags & (CHECKPOINT_KILL | CHECKPOINT_NOTRACK))
		ckpt_obj_for_each(ctx, CKPT_OBJ_MM, rollback_mm);
	else
		commit(ctx, root);
	if (ctx->flags & CHECKPOINT_KILL)
		kill_tree(ctx);
	ctx->stats.tasks = ctx->tasks.nr;
	if (ctx->held) {
		ckpt_hold(ctx, ctx->held);
	} else {
		ckpt_tcp_let_go(&ctx->tcp);
		ckpt_thaw_tree(ctx);
	}
	ckpt_relink_keep(ctx);
	if (!(ctx->flags & CHECKPOINT_LIVE))
		ctx->stats.frozen_ns = ktime_get_ns() - start;
	ctx->stats.bytes = ctx->img.offset;
	ctx->stats.pages = ctx->img.pages;
	ctx->stats.total_ns = ktime_get_ns() - start;
	return 0;
}
