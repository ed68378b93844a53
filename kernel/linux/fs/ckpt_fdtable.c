// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of descriptor tables. Processes may share one.
 */
#include <linux/capability.h>
#include <linux/checkpoint_internal.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/resource.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

/**
 * ckpt_get_files - hold the descriptor table of a task
 * @t:		the task
 *
 * Return: the table, for put_files_struct(), or NULL if the task is exiting.
 */
struct files_struct *ckpt_get_files(struct task_struct *t)
{
	struct files_struct *files;

	task_lock(t);
	files = t->files;
	if (files)
		atomic_inc(&files->count);
	task_unlock(t);
	return files;
}

/**
 * ckpt_next_file - the next open file of a descriptor table
 * @files:	the table
 * @fd:		where to begin; the descriptor that was found
 * @cloexec:	whether it is closed by exec
 *
 * Return: the file, for fput(), or NULL if there are no more.
 */
struct file *ckpt_next_file(struct files_struct *files, unsigned int *fd, bool *cloexec)
{
	struct file *file = NULL;
	unsigned int max;

	spin_lock(&files->file_lock);
	max = files_fdtable(files)->max_fds;
	for (; *fd < max; ++*fd) {
		file = files_lookup_fd_locked(files, *fd);
		if (file) {
			get_file(file);
			*cloexec = close_on_exec(*fd, files);
			break;
		}
	}
	spin_unlock(&files->file_lock);
	return file;
}

static unsigned int count_fds(struct files_struct *files)
{
	struct fdtable *fdt;
	unsigned int nr;

	spin_lock(&files->file_lock);
	fdt = files_fdtable(files);
	nr = bitmap_weight(fdt->open_fds, fdt->max_fds);
	spin_unlock(&files->file_lock);
	return nr;
}

/* A user outside the tree would see what the tree does to it, and the other way round. */
static int check_users(struct ckpt_ctx *ctx, struct task_struct *t, struct files_struct *files)
{
	unsigned int i, users = 0;

	/* One of them is the caller's. */
	if (atomic_read(&files->count) == get_nr_threads(t) + 1)
		return 0;
	for (i = 0; i < ctx->tasks.nr; i++)
		users += READ_ONCE(ctx->tasks.task[i]->files) == files;
	if (atomic_read(&files->count) <= users + 1)
		return 0;
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
		"%s: shares its descriptors with a process outside the tree (CLONE_FILES): not supported",
		t->comm);
}

static int write_fds(struct ckpt_ctx *ctx, struct files_struct *files, u32 objref)
{
	unsigned int fd = 0, n = 0, max = count_fds(files);
	struct ckpt_lock_list locks = {};
	struct ckpt_fd *fds;
	struct file *file;
	bool cloexec;
	int ret = 0;

	if (max > CKPT_MAX_RECORD_BYTES / sizeof(*fds))
		return ckpt_obstacle(ctx, -E2BIG, "%u open descriptors: too many", max);
	fds = kvcalloc(max + 1, sizeof(*fds), GFP_KERNEL_ACCOUNT);
	if (!fds)
		return -ENOMEM;
	while (!ret && n < max && (file = ckpt_next_file(files, &fd, &cloexec))) {
		ctx->where.fd = fd;
		fds[n].fd = fd++;
		fds[n].cloexec = cloexec;
		ret = checkpoint_file(ctx, file, &fds[n].file);
		if (!ret)
			ret = ckpt_collect_posix_locks(ctx, &locks, files, file, fds[n].file);
		n++;
		fput(file);
	}
	ctx->where.fd = -1;
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_FILES, objref, fds, n * sizeof(*fds));
	if (!ret)
		ret = ckpt_write_locks(ctx, &locks, objref);
	kvfree(locks.at);
	kvfree(fds);
	return ret;
}

/**
 * checkpoint_files - write the descriptor table of a process
 * @ctx:	the checkpoint
 * @t:		its leader
 * @objref:	the table's objref
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_files(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref)
{
	struct files_struct *files = ckpt_get_files(t);
	int ret;

	if (!files)
		return ckpt_err(ctx, -ESRCH, "was killed during the checkpoint");
	ret = ckpt_obj(ctx, CKPT_OBJ_FILES, files, objref);
	if (ret > 0) {
		ret = check_users(ctx, t, files);
		if (!ret)
			ret = write_fds(ctx, files, *objref);
	}
	put_files_struct(files);
	return ret;
}

/* Its own limit is restored later: here it must not stand in the way. */
static int raise_fd_limit(unsigned int nr)
{
	struct rlimit *rlim = &current->signal->rlim[RLIMIT_NOFILE];
	bool privileged = capable(CAP_SYS_RESOURCE);
	int ret = 0;

	task_lock(current->group_leader);
	if (nr > rlim->rlim_cur) {
		if (nr <= rlim->rlim_max || privileged)
			rlim->rlim_cur = nr;
		else
			ret = -EMFILE;
	}
	task_unlock(current->group_leader);
	return ret;
}

static int fill_table(struct restart_task *rt, const struct ckpt_payload *p)
{
	const struct ckpt_fd *fds = (const struct ckpt_fd *)p->data;
	struct ckpt_ctx *ctx = restart_ckpt_ctx(rt);
	size_t i, nr = p->len / sizeof(*fds);
	struct file *file;
	int ret;

	if (p->len % sizeof(*fds))
		return restore_fail(rt, -EINVAL, "its descriptors: not a table");
	__close_range(0, ~0U, 0);
	if (nr && fds[nr - 1].fd >= sysctl_nr_open)
		return restore_fail(rt, -EMFILE, "its descriptors: more than fs.nr_open allows");
	if (nr && raise_fd_limit(fds[nr - 1].fd + 1))
		return restore_fail(rt, -EMFILE, "its descriptors: more than its limit allows");
	for (i = 0; i < nr; i++) {
		if (i && fds[i].fd <= fds[i - 1].fd)
			return restore_fail(rt, -EINVAL, "its descriptors: not in order");
		file = ckpt_ref(ctx, fds[i].file, CKPT_OBJ_FILE);
		if (IS_ERR(file))
			return restore_fail(rt, PTR_ERR(file), "its descriptors: no such file");
		ret = replace_fd(fds[i].fd, file, fds[i].cloexec ? O_CLOEXEC : 0);
		if (ret < 0)
			return restore_fail(rt, ret, "its descriptors");
	}
	return 0;
}

/* The first process of the image that uses the table fills it; the others join in. */
static int share_table(struct restart_task *rt, struct restart_task *first)
{
	struct files_struct *files = ckpt_get_files(first->task), *old;

	if (!files)
		return restore_fail(rt, -ESRCH, "its descriptors: who shares them has ended");
	task_lock(current);
	old = current->files;
	current->files = files;
	task_unlock(current);
	put_files_struct(old);
	return 0;
}

/**
 * restore_files - take on the descriptor table of the image
 * @rt:		the task, which is current
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_files(struct restart_task *rt)
{
	struct ckpt_payload *p = ckpt_ref(restart_ckpt_ctx(rt), rt->leader->process->files,
					  CKPT_OBJ_FILES);

	if (IS_ERR(p))
		return restore_fail(rt, PTR_ERR(p), "its descriptors: no such object");
	if (!p->first)
		return restore_fail(rt, -EINVAL,
				    "its descriptors: not known when it was described");
	if (p->first != rt->leader)
		return share_table(rt, p->first);
	return rt->leader == rt ? fill_table(rt, p) : 0;
}
