// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of what is open of /proc/PID of processes that have ended: it
 * says ESRCH whatever it is asked. A restart makes it after the files of the first
 * process, which lives, of a pid that nobody bears. What is open of a process outside
 * the tree is opened again, if that is still there, and else is such a file.
 */
#include <linux/checkpoint_files.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/magic.h>
#include <linux/mnt_namespace.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "internal.h"
#include "mount.h"
#include "proc/internal.h"

static bool has_ended(struct pid *pid)
{
	bool ended;

	rcu_read_lock();
	ended = !pid_task(pid, PIDTYPE_PID);
	rcu_read_unlock();
	return ended;
}

static bool is_of_mounts(const struct file_operations *fops)
{
	return fops == &proc_mounts_operations || fops == &proc_mountinfo_operations ||
	       fops == &proc_mountstats_operations;
}

/* What is mounted where the tree lives: a restart has that by way of its own process. */
static bool shows_own_mounts(const struct file *file)
{
	const struct proc_mounts *p;
	struct path root;
	bool own;

	if (!is_of_mounts(file->f_op))
		return false;
	p = ((struct seq_file *)file->private_data)->private;
	get_fs_root(current->fs, &root);
	own = p->ns == current->nsproxy->mnt_ns && path_equal(&p->root, &root);
	path_put(&root);
	return own;
}

/* It may hold what was its process's, such as memory: then it cannot be opened now. */
static int holds_something(struct file *file)
{
	struct file *again;

	if (file->f_mode & FMODE_PATH || !S_ISREG(file_inode(file)->i_mode) ||
	    shows_own_mounts(file))
		return 0;
	again = path_open_quiet(&file->f_path, file->f_flags & O_ACCMODE, current_cred());
	if (IS_ERR(again))
		return PTR_ERR(again);
	fput(again);
	return 0;
}

/* All above it, up to the root of procfs, is of processes that have ended, too. */
static bool all_above_ended(struct dentry *dentry)
{
	for (; !IS_ROOT(dentry); dentry = dentry->d_parent) {
		struct pid *pid = d_is_positive(dentry) ? proc_pid(d_inode(dentry)) : NULL;

		if (!pid || !has_ended(pid))
			return false;
	}
	return true;
}

/**
 * ckpt_is_dead_proc - is it of /proc/PID of a process that has ended?
 * @file:	any file
 *
 * Return: true if it is.
 */
bool ckpt_is_dead_proc(const struct file *file)
{
	struct inode *inode = file_inode(file);

	return inode->i_sb->s_magic == PROC_SUPER_MAGIC && proc_pid(inode) &&
	       (S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode)) &&
	       all_above_ended(file->f_path.dentry);
}

/**
 * ckpt_is_outside_proc - is it of /proc/PID of a process that is not in the tree?
 * @ctx:	the checkpoint
 * @file:	any file
 *
 * Return: true if it is, and can be told by a number.
 */
bool ckpt_is_outside_proc(struct ckpt_ctx *ctx, const struct file *file)
{
	struct inode *inode = file_inode(file);
	struct pid *pid = inode->i_sb->s_magic == PROC_SUPER_MAGIC ? proc_pid(inode) : NULL;

	return pid && (S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode)) && pid_vnr(pid) > 0 &&
	       !ckpt_in_tree(ctx, pid_vnr(pid)) &&
	       file->f_path.mnt->mnt_root == inode->i_sb->s_root;
}

/* With a pid alone it could be another one later. */
static bool describe_outside(struct pid *pid, struct ckpt_file *rec)
{
	struct task_struct *t = get_pid_task(pid, PIDTYPE_PID);

	if (!t)
		return false;
	rec->flags |= CKPT_FILE_OUTSIDE;
	rec->rdev = t->start_boottime;
	put_task_struct(t);
	return true;
}

/**
 * checkpoint_dead_proc - write a file of /proc/PID of a process that has ended, or is outside
 * @ctx:	the checkpoint
 * @file:	the file
 * @rec:	what all files have in common
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_dead_proc(struct ckpt_ctx *ctx, struct file *file, struct ckpt_file *rec)
{
	struct path root = { .mnt = file->f_path.mnt, .dentry = file->f_path.mnt->mnt_root };
	const char *name;
	char *buf, *in;
	int ret;

	ret = describe_outside(proc_pid(file_inode(file)), rec) ? 0 : holds_something(file);
	if (ret)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"holds something of process %d, which has ended: not supported",
			pid_vnr(proc_pid(file_inode(file))));
	if (root.dentry != root.dentry->d_sb->s_root)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"is of a process that has ended, in a part of procfs: not supported");
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	in = dentry_path_raw(file->f_path.dentry, buf, PATH_MAX);
	ret = PTR_ERR_OR_ZERO(in);
	if (!ret)
		ret = ckpt_find_name(ctx, &root, "a directory", &name);
	rec->kind = CKPT_FILE_DEAD_PROC;
	rec->object = pid_vnr(proc_pid(file_inode(file)));
	if (!ret && name)
		ret = ckpt_file_write(ctx, ckpt_file_objref(ctx, file), rec, name, in);
	kfree(buf);
	return ret;
}

/* What the same thing is of the first process: of "PID" and "PID/task/TID". */
static int find_example(struct path *example, unsigned int depth, const char *name,
			const struct path *above)
{
	return vfs_path_lookup(above->dentry, above->mnt, depth == 0 || depth == 2 ? "1" : name,
			       LOOKUP_NO_SYMLINKS, example);
}

static struct inode *make_inode(const struct inode *example, struct pid *pid)
{
	struct inode *inode;

	if (!proc_pid(example) || !(S_ISREG(example->i_mode) || S_ISDIR(example->i_mode)))
		return ERR_PTR(-EINVAL);
	inode = new_inode(example->i_sb);
	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_mode = example->i_mode;
	inode->i_ino = get_next_ino();
	inode->i_op = example->i_op;
	inode->i_fop = example->i_fop;
	set_nlink(inode, example->i_nlink);
	simple_inode_init_ts(inode);
	PROC_I(inode)->op = PROC_I(example)->op;
	PROC_I(inode)->pid = get_pid(pid);
	return inode;
}

/* One more, below @at, which is replaced. No table of names knows it. */
static int make_below(struct path *at, const char *name, const struct path *example,
		      struct pid *pid)
{
	struct inode *inode = make_inode(d_inode(example->dentry), pid);
	struct dentry *dentry;

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	dentry = d_alloc_name(at->dentry, name);
	if (!dentry) {
		iput(inode);
		return -ENOMEM;
	}
	d_set_d_op(dentry, &pid_dentry_operations);
	d_instantiate(dentry, inode);
	dput(at->dentry);
	at->dentry = dentry;
	return 0;
}

static int make_all(const struct path *root, char *in, struct pid *pid, struct path *made)
{
	struct path example = *root, next;
	unsigned int depth = 0;
	char *name;
	int ret = -EINVAL;

	path_get(&example);
	*made = *root;
	path_get(made);
	while ((name = strsep(&in, "/"))) {
		if (!*name) {
			ret = -EINVAL;
			break;
		}
		ret = find_example(&next, depth++, name, &example);
		if (ret)
			break;
		path_put(&example);
		example = next;
		ret = make_below(made, name, &example, pid);
		if (ret)
			break;
	}
	path_put(&example);
	if (ret)
		path_put(made);
	return ret;
}

/* Some are opened by asking for their process: for a moment they have one. */
static struct file *open_made(struct ckpt_ctx *ctx, const struct ckpt_file *f,
			      const struct path *path)
{
	struct proc_inode *ei = PROC_I(d_inode(path->dentry));
	struct pid *dead = ei->pid, *own = task_tgid(current);
	struct file *file;

	if (d_is_dir(path->dentry) || is_of_mounts(d_inode(path->dentry)->i_fop))
		ei->pid = own;
	file = restore_open_path(ctx, f, path);
	ei->pid = dead;
	return file;
}

static bool is_still_there(const struct ckpt_file *f)
{
	struct task_struct *t;
	bool same;

	if (!(f->flags & CKPT_FILE_OUTSIDE))
		return false;
	rcu_read_lock();
	t = find_task_by_vpid(f->object);
	same = t && t->start_boottime == f->rdev;
	rcu_read_unlock();
	return same;
}

static struct file *open_outside(struct ckpt_ctx *ctx, const struct ckpt_file *f,
				 const struct path *root, const char *in)
{
	struct file *file;
	struct path path;
	int ret;

	ret = vfs_path_lookup(root->dentry, root->mnt, in, LOOKUP_NO_SYMLINKS, &path);
	if (ret)
		return ERR_PTR(ckpt_err(ctx, ret, "%s cannot be found (error %d)", in, ret));
	if ((d_inode(path.dentry)->i_mode ^ f->mode) & S_IFMT)
		file = ERR_PTR(ckpt_err(ctx, -EINVAL, "is a file of another type"));
	else
		file = restore_open_path(ctx, f, &path);
	path_put(&path);
	return file;
}

/**
 * restore_dead_proc - open a file of /proc/PID of a process that has ended
 * @ctx:	the restart
 * @f:		what the image says
 * @name:	where procfs is mounted
 * @in:		the name in it
 *
 * Return: the file or an error pointer, which has been logged.
 */
struct file *restore_dead_proc(struct ckpt_ctx *ctx, const struct ckpt_file *f,
			       const char *name, const char *in)
{
	struct path root, made;
	struct file *file;
	struct pid *pid;
	char *copy;
	int ret;

	if (name[0] != '/' || in[0] != '/' || (int)f->object <= 0)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "is not a file of a process"));
	ret = kern_path(name, 0, &root);
	if (ret)
		return ERR_PTR(ckpt_err(ctx, ret, "cannot be found (error %d)", ret));
	if (is_still_there(f) && root.dentry->d_sb->s_magic == PROC_SUPER_MAGIC &&
	    IS_ROOT(root.dentry)) {
		file = open_outside(ctx, f, &root, in + 1);
		path_put(&root);
		return file;
	}
	copy = kstrdup(in + 1, GFP_KERNEL_ACCOUNT);
	pid = ckpt_dead_pid(task_active_pid_ns(current), f->object);
	ret = !copy || !pid ? -ENOMEM :
	      root.dentry->d_sb->s_magic != PROC_SUPER_MAGIC || !IS_ROOT(root.dentry) ? -ESTALE :
	      make_all(&root, copy, pid, &made);
	if (ret) {
		file = ERR_PTR(ckpt_err(ctx, ret, "%s cannot be had again (error %d)", in, ret));
	} else {
		if ((d_inode(made.dentry)->i_mode ^ f->mode) & S_IFMT)
			file = ERR_PTR(ckpt_err(ctx, -EINVAL, "is a file of another type"));
		else
			file = open_made(ctx, f, &made);
		path_put(&made);
	}
	put_pid(pid);
	kfree(copy);
	path_put(&root);
	return file;
}
