// SPDX-License-Identifier: GPL-2.0
/*
 * The system calls: arguments are read once, checked, and handed on.
 */
#include <linux/capability.h>
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_net.h>
#include <linux/file.h>
#include <linux/namei.h>
#include <linux/pid.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>

#define MAX_RELINK_DIRS		64
#define MAX_CHAIN		4096

static bool may_checkpoint(void)
{
	return checkpoint_restore_ns_capable(current_user_ns());
}

static struct task_struct *find_root(const struct checkpoint_args *args)
{
	struct task_struct *task;
	struct pid *pid;

	if (args->flags & CHECKPOINT_PIDFD) {
		unsigned int unused;

		pid = pidfd_get_pid(args->pid, &unused);
		if (IS_ERR(pid))
			return ERR_CAST(pid);
	} else {
		pid = find_get_pid(args->pid);
	}
	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_PID);
	if (task) {
		task = task->group_leader;
		get_task_struct(task);
	}
	rcu_read_unlock();
	put_pid(pid);
	return task ?: ERR_PTR(-ESRCH);
}

static int get_dir(int fd, struct path *path)
{
	CLASS(fd, f)(fd);
	if (fd_empty(f))
		return -EBADF;
	if (!d_is_dir(fd_file(f)->f_path.dentry))
		return -ENOTDIR;
	*path = fd_file(f)->f_path;
	path_get(path);
	return 0;
}

static int get_relink_dirs(struct ckpt_ctx *ctx, const struct checkpoint_args *args)
{
	s32 __user *ufds = u64_to_user_ptr(args->relink_fds);
	unsigned int i;
	int ret;

	if (!args->nr_relink_fds)
		return 0;
	if (args->nr_relink_fds > MAX_RELINK_DIRS)
		return -E2BIG;
	ctx->relink_dirs = kcalloc(args->nr_relink_fds, sizeof(*ctx->relink_dirs),
				   GFP_KERNEL_ACCOUNT);
	if (!ctx->relink_dirs)
		return -ENOMEM;
	for (i = 0; i < args->nr_relink_fds; i++) {
		s32 num;

		if (get_user(num, ufds + i))
			return -EFAULT;
		ret = get_dir(num, &ctx->relink_dirs[i]);
		if (ret)
			return ret;
		ctx->nr_relink_dirs++;
	}
	return 0;
}

static int get_text(u64 from, u32 len, void **to)
{
	void *text;

	if (!len)
		return 0;
	text = vmemdup_user(u64_to_user_ptr(from), len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	*to = text;
	return 0;
}

/* What user space has found out of the tree's own namespaces. */
static int get_namespaces(struct ckpt_ctx *ctx, const struct checkpoint_args *args)
{
	int ret = get_text(args->mounts, args->mounts_len, &ctx->mounts);

	if (!ret)
		ret = get_text(args->network, args->network_len, &ctx->network);
	if (!ret)
		ret = get_text(args->cgroups, args->cgroups_len, &ctx->cgroups);
	if (ret)
		return ret;
	ctx->mounts_len = args->mounts_len;
	ctx->network_len = args->network_len;
	ctx->cgroups_len = args->cgroups_len;
	ret = ckpt_get_inner_nets(ctx, args->networks, args->nr_networks) ?:
	      ckpt_get_inner_mnts(ctx, args->inner_mounts, args->nr_mounts);
	if (ret)
		return ret;
	if (!(args->flags & CHECKPOINT_OWN_NET))
		return 0;
	ctx->network_changes = fget(args->network_fd);
	return ctx->network_changes ? 0 : -EBADF;
}

/* The descriptor by which the tree is held; on failure nothing holds it. */
static int install_held(struct ckpt_ctx *ctx)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd >= 0) {
		fd_install(fd, ctx->held);
		ctx->held = NULL;
	}
	return fd;
}

static int sys_relink_dir(const struct checkpoint_args *args)
{
	s32 fd;

	if (args->flags != CHECKPOINT_RELINK_DIR && args->flags != CHECKPOINT_RELINK_RMDIR)
		return -EINVAL;
	if (args->nr_relink_fds != 1)
		return -EINVAL;
	if (get_user(fd, (s32 __user *)u64_to_user_ptr(args->relink_fds)))
		return -EFAULT;
	return ckpt_relink_dir(fd, args->flags == CHECKPOINT_RELINK_RMDIR);
}

/**
 * sys_checkpoint - write the state of a process tree to an image
 * @uargs:	struct checkpoint_args
 * @usize:	its size, as the caller knows it
 *
 * Return: 0, with CHECKPOINT_HOLD a file descriptor, or a negative error; the
 * log says what it is about.
 */
SYSCALL_DEFINE2(checkpoint, struct checkpoint_args __user *, uargs, size_t, usize)
{
	struct checkpoint_args args;
	struct task_struct *root;
	u8 parent[CKPT_ID_BYTES];
	struct ckpt_ctx *ctx;
	int ret;

	BUILD_BUG_ON(sizeof(args) != CHECKPOINT_ARGS_SIZE_VER6);
	BUILD_BUG_ON(sizeof(struct checkpoint_stats) != CHECKPOINT_STATS_SIZE_VER2);
	if (usize < CHECKPOINT_ARGS_SIZE_VER0)
		return -EINVAL;
	ret = copy_struct_from_user(&args, sizeof(args), uargs, usize);
	if (ret)
		return ret;
	if (args.flags & ~CHECKPOINT_FLAGS_ALL || !ckpt_tracker_is_valid(args.tracker) ||
	    (args.flags & CHECKPOINT_LIVE && args.flags & CHECKPOINT_KILL) ||
	    (args.flags & CHECKPOINT_HOLD &&
	     args.flags & (CHECKPOINT_LIVE | CHECKPOINT_KILL | CHECKPOINT_DRYRUN)) ||
	    (args.flags & CHECKPOINT_UNLINKED_COPY && args.flags & CHECKPOINT_UNLINKED_AUTO) ||
	    args.mounts_len > CKPT_MAX_RECORD_BYTES ||
	    args.network_len > CKPT_MAX_RECORD_BYTES ||
	    args.nr_networks > CHECKPOINT_MAX_NETWORKS ||
	    args.nr_mounts > CHECKPOINT_MAX_MOUNTS ||
	    args.cgroups_len > CKPT_MAX_RECORD_BYTES / 2)
		return -EINVAL;
	if (!may_checkpoint())
		return -EPERM;
	if (args.flags & (CHECKPOINT_RELINK_DIR | CHECKPOINT_RELINK_RMDIR))
		return sys_relink_dir(&args);
	if (args.parent_id &&
	    copy_from_user(parent, u64_to_user_ptr(args.parent_id), sizeof(parent)))
		return -EFAULT;

	ctx = ckpt_ctx_alloc();
	if (!ctx)
		return -ENOMEM;
	ctx->flags = args.flags;
	ctx->tracker = args.tracker;
	ret = -EBADF;
	if (args.log_fd >= 0) {
		ctx->log = fget(args.log_fd);
		if (!ctx->log || !(ctx->log->f_mode & FMODE_CAN_WRITE))
			goto out;
	}
	if (!ckpt_dryrun(ctx)) {
		ret = ckpt_stream_init(&ctx->img, args.image_fd, FMODE_WRITE);
		if (ret)
			goto out;
	}
	ret = get_relink_dirs(ctx, &args) ?: get_namespaces(ctx, &args);
	if (ret)
		goto out;
	if (args.flags & CHECKPOINT_HOLD) {
		struct file *held = ckpt_held_file();

		ret = PTR_ERR_OR_ZERO(held);
		if (ret)
			goto out;
		ctx->held = held;
	}
	root = find_root(&args);
	if (IS_ERR(root)) {
		ret = ckpt_err(ctx, PTR_ERR(root), "there is no process with pid %d", args.pid);
		goto out;
	}
	ret = do_checkpoint(ctx, root, args.parent_id ? parent : NULL);
	put_task_struct(root);
	/* Also of one that failed: the tree was at rest for it. */
	if (args.stats &&
	    copy_to_user(u64_to_user_ptr(args.stats), &ctx->stats,
			 min_t(size_t, args.stats_size ?: CHECKPOINT_STATS_SIZE_VER0,
			       sizeof(ctx->stats))) && !ret)
		ret = -EFAULT;
	if (!ret && ctx->held)
		ret = install_held(ctx);
out:
	if (ctx->held)
		fput(ctx->held);
	ckpt_ctx_free(ctx);
	return ret;
}

static int sys_restart_create(const struct restart_args *args)
{
	unsigned int nr = args->nr_image_fds;
	struct path copy_dir = {};
	int *fds, ret;

	if (!nr || nr > MAX_CHAIN || args->flags & ~RESTART_FLAGS_ALL ||
	    (args->flags & RESTART_CHECK_TYPE && args->flags & RESTART_CHECK_CONTENTS))
		return -EINVAL;
	if (args->flags & RESTART_COPY_DIR) {
		ret = get_dir(args->copy_dir_fd, &copy_dir);
		if (ret)
			return ret;
	}
	fds = kvmalloc_array(nr, sizeof(*fds), GFP_KERNEL_ACCOUNT);
	if (!fds) {
		path_put(&copy_dir);
		return -ENOMEM;
	}
	ret = -EFAULT;
	if (!copy_from_user(fds, u64_to_user_ptr(args->image_fds), nr * sizeof(*fds)))
		ret = restart_create(args->flags, fds, nr, args->log_fd,
				     copy_dir.mnt ? &copy_dir : NULL);
	path_put(&copy_dir);
	kvfree(fds);
	return ret;
}

/**
 * sys_restart - make a process tree again from an image
 * @uargs:	struct restart_args
 * @usize:	its size, as the caller knows it
 *
 * Return: RESTART_CREATE: a file descriptor; RESTART_RUN: 0; RESTART_HELP: how
 * many address spaces the caller has made; RESTART_JOIN does
 * not return to its caller, but to where the restored task was. Or a negative
 * error; the log says what it is about.
 */
SYSCALL_DEFINE2(restart, struct restart_args __user *, uargs, size_t, usize)
{
	struct restart_stats stats = {};
	struct restart_args args;
	int ret;

	BUILD_BUG_ON(sizeof(args) != RESTART_ARGS_SIZE_VER1);
	if (usize < RESTART_ARGS_SIZE_VER0)
		return -EINVAL;
	ret = copy_struct_from_user(&args, sizeof(args), uargs, usize);
	if (ret)
		return ret;
	if ((args.op != RESTART_CREATE && args.flags) || args.reserved)
		return -EINVAL;

	switch (args.op) {
	case RESTART_CREATE:
		if (!may_checkpoint())
			return -EPERM;
		return sys_restart_create(&args);
	case RESTART_JOIN:
		return restart_join(args.ctx_fd);
	case RESTART_RUN:
		ret = restart_run(args.ctx_fd, &stats);
		if (!ret && args.stats &&
		    copy_to_user(u64_to_user_ptr(args.stats), &stats, sizeof(stats)))
			ret = -EFAULT;
		return ret;
	case RESTART_HELP:
		return restart_help(args.ctx_fd);
	}
	return -EINVAL;
}
