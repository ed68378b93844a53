// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of where processes are: working directory, root
 * directory, umask. Processes may share them.
 */
#include <linux/capability.h>
#include <linux/checkpoint_files.h>
#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

static struct fs_struct *get_fs_paths(struct task_struct *t, struct path *pwd,
				      struct path *root, struct ckpt_fs *rec, int *users)
{
	struct fs_struct *fs;

	task_lock(t);
	fs = t->fs;
	if (fs) {
		spin_lock(&fs->lock);
		*pwd = fs->pwd;
		path_get(pwd);
		*root = fs->root;
		path_get(root);
		rec->umask = fs->umask;
		*users = fs->users;
		spin_unlock(&fs->lock);
	}
	task_unlock(t);
	return fs;
}

static int users_in_process(struct task_struct *t, const struct fs_struct *fs)
{
	struct task_struct *thread;
	int users = 0;

	rcu_read_lock();
	for_each_thread(t, thread)
		users += READ_ONCE(thread->fs) == fs;
	rcu_read_unlock();
	return users;
}

static int check_users(struct ckpt_ctx *ctx, struct task_struct *t, struct fs_struct *fs,
		       int users)
{
	unsigned int i;

	if (users == users_in_process(t, fs))
		return 0;
	for (i = 0; i < ctx->tasks.nr; i++)
		users -= READ_ONCE(ctx->tasks.task[i]->fs) == fs;
	if (users <= 0)
		return 0;
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
		"%s: shares its directories with a process outside the tree (CLONE_FS): not supported",
		t->comm);
}

/**
 * checkpoint_fs - write working directory, root directory and umask
 * @ctx:	the checkpoint
 * @t:		the leader of a process, or a thread that has its own
 * @objref:	objref of the record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_fs(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref)
{
	struct ckpt_fs rec = {};
	struct path pwd, root;
	struct fs_struct *fs;
	int ret, users;

	fs = get_fs_paths(t, &pwd, &root, &rec, &users);
	if (!fs)
		return ckpt_err(ctx, -ESRCH, "was killed during the checkpoint");
	ret = ckpt_obj(ctx, CKPT_OBJ_FS, fs, objref);
	if (ret <= 0)
		goto out;
	ret = check_users(ctx, t, fs, users);
	if (!ret)
		ret = checkpoint_path(ctx, &pwd, &rec.cwd);
	if (!ret)
		ret = checkpoint_path(ctx, &root, &rec.root);
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_FS, *objref, &rec, sizeof(rec));
out:
	path_put(&pwd);
	path_put(&root);
	return ret;
}

static const struct path *find_dir(struct restart_task *rt, u32 objref)
{
	struct file *file = ckpt_ref(restart_ckpt_ctx(rt), objref, CKPT_OBJ_FILE);
	int ret;

	if (IS_ERR(file))
		return ERR_CAST(file);
	if (!d_can_lookup(file->f_path.dentry))
		return ERR_PTR(-ENOTDIR);
	ret = path_permission(&file->f_path, MAY_EXEC | MAY_CHDIR);
	/* In it there is nothing that anybody could be kept from. */
	if (ret == -ESRCH && ckpt_is_dead_proc(file))
		ret = 0;
	return ret ? ERR_PTR(ret) : &file->f_path;
}

static int take_on(struct restart_task *rt, const struct ckpt_payload *p)
{
	const struct ckpt_fs *rec = (const struct ckpt_fs *)p->data;
	const struct path *pwd, *root;

	if (p->len != sizeof(*rec))
		return restore_fail(rt, -EINVAL, "its directories: no valid record");
	pwd = find_dir(rt, rec->cwd);
	if (IS_ERR(pwd))
		return restore_fail(rt, PTR_ERR(pwd), "its working directory");
	root = find_dir(rt, rec->root);
	if (IS_ERR(root))
		return restore_fail(rt, PTR_ERR(root), "its root directory");
	if (!path_equal(root, &current->fs->root)) {
		if (!ns_capable(current_user_ns(), CAP_SYS_CHROOT))
			return restore_fail(rt, -EPERM, "its root directory");
		set_fs_root(current->fs, root);
	}
	set_fs_pwd(current->fs, pwd);
	current->fs->umask = rec->umask & 0777;
	return 0;
}

static struct fs_struct *get_fs(struct task_struct *t)
{
	struct fs_struct *fs;

	task_lock(t);
	fs = t->fs;
	if (fs) {
		spin_lock(&fs->lock);
		fs->users++;
		spin_unlock(&fs->lock);
	}
	task_unlock(t);
	return fs;
}

static void put_fs(struct fs_struct *fs)
{
	bool last;

	spin_lock(&fs->lock);
	last = !--fs->users;
	spin_unlock(&fs->lock);
	if (last)
		free_fs_struct(fs);
}

/**
 * restore_own_fs - give a thread directories and umask of its own
 * @t:		the thread, which waits
 *
 * Return: 0 or a negative error.
 */
int restore_own_fs(struct task_struct *t)
{
	struct fs_struct *fs = get_fs(t), *new;
	int ret = 0;

	if (!fs)
		return -ESRCH;
	new = copy_fs_struct(fs);
	put_fs(fs);
	if (!new)
		return -ENOMEM;
	task_lock(t);
	/* It may have been killed. */
	if (t->fs)
		swap(t->fs, new);
	else
		ret = -ESRCH;
	task_unlock(t);
	put_fs(new);
	return ret;
}

static int share(struct restart_task *rt, struct restart_task *first)
{
	struct fs_struct *fs = get_fs(first->task);

	if (!fs)
		return restore_fail(rt, -ESRCH, "its directories: who shares them has ended");
	task_lock(current);
	swap(current->fs, fs);
	task_unlock(current);
	put_fs(fs);
	return 0;
}

/**
 * restore_fs - take on working directory, root directory and umask
 * @rt:		the task, which is current
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_fs(struct restart_task *rt)
{
	u32 own = rt->unshared ? rt->unshared->fs : 0;
	struct ckpt_payload *p = ckpt_ref(restart_ckpt_ctx(rt), own ?: rt->leader->process->fs,
					  CKPT_OBJ_FS);

	if (IS_ERR(p))
		return restore_fail(rt, PTR_ERR(p), "its directories: no such object");
	if (!p->first)
		return restore_fail(rt, -EINVAL,
				    "its directories: not known when it was described");
	if (p->first == rt)
		return take_on(rt, p);
	return p->first != rt->leader ? share(rt, p->first) : 0;
}
