// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of descriptor tables. Processes may share one.
 */
#include <linux/capability.h>
#include <linux/checkpoint_files.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/namei.h>
#include <linux/resource.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "internal.h"
#include "proc/internal.h"
#include "proc/fd.h"

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

/**
 * ckpt_has_own_files - may a task have a descriptor table that was not yet looked at?
 * @ctx:	the checkpoint
 * @i:		index of the task
 *
 * Return: true for one that lives and does not share with the one before it.
 */
bool ckpt_has_own_files(struct ckpt_ctx *ctx, unsigned int i)
{
	const struct ckpt_task_entry *e = &ctx->entries[i];

	if (e->flags & (CKPT_TASK_ZOMBIE | CKPT_TASK_DEAD_LEADER))
		return false;
	return e->flags & CKPT_TASK_LEADER || e[-1].flags & CKPT_TASK_DEAD_LEADER ||
	       READ_ONCE(ctx->tasks.task[i]->files) != READ_ONCE(ctx->tasks.task[i - 1]->files);
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

static unsigned int users_in_process(struct task_struct *t, const struct files_struct *files)
{
	struct task_struct *thread;
	unsigned int users = 0;

	rcu_read_lock();
	for_each_thread(t, thread)
		users += READ_ONCE(thread->files) == files;
	rcu_read_unlock();
	return users;
}

/* A user outside the tree would see what the tree does to it, and the other way round. */
static int check_users(struct ckpt_ctx *ctx, struct task_struct *t, struct files_struct *files)
{
	unsigned int i, users = 0;

	/* One of them is the caller's. */
	if (atomic_read(&files->count) == users_in_process(t, files) + 1)
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
 * checkpoint_files - write a descriptor table
 * @ctx:	the checkpoint
 * @t:		the leader of a process, or a thread that has one of its own
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

/* Its own limit is restored later: what the soft one is now must not stand in the way. */
static bool may_have(unsigned int nr)
{
	return nr <= rlimit_max(RLIMIT_NOFILE) || capable(CAP_SYS_RESOURCE);
}

/* A copy has all that the old one had. */
static void empty_table(struct files_struct *files)
{
	unsigned int fd = 0;
	struct file *file;
	bool cloexec;

	while ((file = ckpt_next_file(files, &fd, &cloexec))) {
		spin_lock(&files->file_lock);
		file_close_fd_locked(files, fd);
		spin_unlock(&files->file_lock);
		/* Nobody closes it: there is no flush. */
		fput(file);
		fput(file);
	}
}

/**
 * restore_own_files - give a thread a descriptor table of its own
 * @t:		the thread, which waits
 *
 * Return: 0 or a negative error. The table is empty.
 */
int restore_own_files(struct task_struct *t)
{
	struct files_struct *old = ckpt_get_files(t), *new;

	if (!old)
		return -ESRCH;
	new = dup_fd(old, NULL);
	put_files_struct(old);
	if (IS_ERR(new))
		return PTR_ERR(new);
	empty_table(new);
	task_lock(t);
	/* It may have been killed. */
	old = t->files;
	if (old)
		t->files = new;
	task_unlock(t);
	put_files_struct(old ?: new);
	return old ? 0 : -ESRCH;
}

static int fill_table(struct restart_task *rt, struct files_struct *files,
		      const struct ckpt_payload *p)
{
	const struct ckpt_fd *fds = (const struct ckpt_fd *)p->data;
	struct ckpt_ctx *ctx = restart_ckpt_ctx(rt);
	size_t i, nr = p->len / sizeof(*fds);
	struct file *file;
	int ret;

	if (p->len % sizeof(*fds))
		return restore_fail(rt, -EINVAL, "its descriptors: not a table");
	if (nr && fds[nr - 1].fd >= sysctl_nr_open)
		return restore_fail(rt, -EMFILE, "its descriptors: more than fs.nr_open allows");
	if (nr && !may_have(fds[nr - 1].fd + 1))
		return restore_fail(rt, -EMFILE, "its descriptors: more than its limit allows");
	for (i = 0; i < nr; i++) {
		if (i && fds[i].fd <= fds[i - 1].fd)
			return restore_fail(rt, -EINVAL, "its descriptors: not in order");
		file = ckpt_ref(ctx, fds[i].file, CKPT_OBJ_FILE);
		if (IS_ERR(file))
			return restore_fail(rt, PTR_ERR(file), "its descriptors: no such file");
		ret = ckpt_set_fd(files, fds[i].fd, file, fds[i].cloexec ? O_CLOEXEC : 0);
		if (ret < 0)
			return restore_fail(rt, ret, "its descriptors");
	}
	return 0;
}

/* The process of the restart whose /proc/PID/fdinfo it is, or NULL; held. */
static struct task_struct *owner_of_fdinfo(struct ckpt_ctx *ctx, const struct path *dir)
{
	struct restart_task *rt;
	struct task_struct *t;

	if (dir->dentry->d_sb->s_magic != PROC_SUPER_MAGIC ||
	    d_inode(dir->dentry)->i_fop != &proc_fdinfo_operations)
		return NULL;
	t = get_proc_task(d_inode(dir->dentry));
	if (!t)
		return NULL;
	rt = restart_lookup(ctx, task_pid_vnr(t));
	if (rt && rt->task == t)
		return t;
	put_task_struct(t);
	return NULL;
}

static int look_up_with_fd(const char *name, struct task_struct *t, const struct path *dir,
			   unsigned int fd, struct path *path)
{
	struct files_struct *files = ckpt_get_files(t);
	struct file *some;
	int ret;

	if (!files)
		return -ESRCH;
	some = path_open_quiet(dir, O_PATH, current_cred());
	if (IS_ERR(some)) {
		put_files_struct(files);
		return PTR_ERR(some);
	}
	ret = ckpt_set_fd(files, fd, some, 0);
	if (ret >= 0) {
		ret = kern_path(name, 0, path);
		spin_lock(&files->file_lock);
		file_close_fd_locked(files, fd);
		spin_unlock(&files->file_lock);
		fput(some);
	}
	fput(some);
	put_files_struct(files);
	return ret;
}

/**
 * restore_find_fdinfo - look up /proc/PID/fdinfo/N of a process of the tree
 * @ctx:	the restart
 * @name:	the name, which leads nowhere
 * @path:	what it leads to while there is a descriptor N
 *
 * The process has none of its own yet: it gets one for that moment.
 *
 * Return: 0 or a negative error: -ENOENT if it is another name.
 */
int restore_find_fdinfo(struct ckpt_ctx *ctx, const char *name, struct path *path)
{
	const char *last = strrchr(name, '/') + 1;
	char *dir_name = kmemdup_nul(name, last - name, GFP_KERNEL);
	struct task_struct *t;
	struct path dir;
	unsigned int fd;
	int ret;

	if (!dir_name)
		return -ENOMEM;
	ret = kern_path(dir_name, LOOKUP_DIRECTORY, &dir);
	kfree(dir_name);
	if (ret)
		return ret;
	t = owner_of_fdinfo(ctx, &dir);
	if (!t || kstrtouint(last, 10, &fd) || fd >= sysctl_nr_open)
		ret = -ENOENT;
	else
		ret = look_up_with_fd(name, t, &dir, fd, path);
	if (t)
		put_task_struct(t);
	path_put(&dir);
	return ret;
}

static struct ckpt_payload *table_of(struct restart_task *rt)
{
	u32 own = rt->unshared ? rt->unshared->files : 0;

	return ckpt_ref(restart_ckpt_ctx(rt), own ?: rt->leader->process->files, CKPT_OBJ_FILES);
}

/*
 * The tables of threads that have their own are filled by the leader: its limits, which
 * count for them, too, become those of the image after that.
 */
static int fill_threads(struct restart_task *leader)
{
	struct restart_task *rt;
	int ret = 0;

	for (rt = leader->next_unshared; rt && !ret; rt = rt->next_unshared) {
		struct ckpt_payload *p = table_of(rt);
		struct files_struct *files;

		if (IS_ERR(p) || p->first != rt)
			continue;
		files = ckpt_get_files(rt->task);
		if (!files)
			return restore_fail(leader, -ESRCH, "its threads: one has ended");
		ret = fill_table(leader, files, p);
		put_files_struct(files);
	}
	return ret;
}

/* The first task of the image that uses the table has it filled; the others join in. */
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
	struct ckpt_payload *p = table_of(rt);
	int ret = 0;

	if (IS_ERR(p))
		return restore_fail(rt, PTR_ERR(p), "its descriptors: no such object");
	if (!p->first)
		return restore_fail(rt, -EINVAL,
				    "its descriptors: not known when it was described");
	if (p->first != rt && p->first != rt->leader) {
		ret = share_table(rt, p->first);
	} else if (rt->leader == rt) {
		__close_range(0, ~0U, 0);
		ret = fill_table(rt, current->files, p);
	}
	return ret || rt->leader != rt ? ret : fill_threads(rt);
}
