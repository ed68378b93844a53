// SPDX-License-Identifier: GPL-2.0
/*
 * Restart of open files, descriptor tables and working directories.
 *
 * Files are opened by the coordinator, with its rights and no others. An image
 * may say anything: what is not the file that was checkpointed is refused,
 * before it is opened if opening it could have an effect.
 */
#include <linux/capability.h>
#include <linux/checkpoint_internal.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/kdev_t.h>
#include <linux/major.h>
#include <linux/namei.h>
#include <linux/resource.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>

/* Flags that are not for opening, but are seen by F_GETFL. */
#define FLAGS_AFTER_OPEN	(O_NONBLOCK | O_NOFOLLOW | O_DIRECTORY | __O_TMPFILE)

/* Two strings fill the tail of a record: return the second, or NULL. */
static const char *second_string(const char *first, size_t len)
{
	size_t n = strnlen(first, len);

	if (n >= PATH_MAX || n + 2 > len)
		return NULL;
	if (strnlen(first + n + 1, len - n - 1) + n + 2 != len)
		return NULL;
	return first + n + 1;
}

/* Is it what was checkpointed? */
static int check_inode(struct ckpt_ctx *ctx, const struct inode *inode,
		       const struct ckpt_file *f)
{
	if ((inode->i_mode ^ f->mode) & S_IFMT)
		return ckpt_err(ctx, -ESTALE, "is a file of another type now");
	if (S_ISCHR(inode->i_mode)) {
		if (new_encode_dev(inode->i_rdev) != f->rdev)
			return ckpt_err(ctx, -ESTALE, "is another device now");
	} else if (inode->i_ino != f->ino) {
		return ckpt_err(ctx, -ESTALE, "is another file now (inode %lu, was %llu)",
				inode->i_ino, f->ino);
	}
	return 0;
}

/* Opening a device may do things: only those that we write are opened. */
static bool may_open(const struct ckpt_file *f, const char *path, const struct inode *inode)
{
	switch (f->kind) {
	case CKPT_FILE_RELINKED:
		return S_ISREG(inode->i_mode);
	case CKPT_FILE_TTY:
		return S_ISCHR(inode->i_mode) && ckpt_is_tty(path, inode->i_rdev);
	default:
		return S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode) ||
		       (S_ISCHR(inode->i_mode) && MAJOR(inode->i_rdev) == MEM_MAJOR);
	}
}

static int check_name(struct ckpt_ctx *ctx, const struct ckpt_file *f, const char *name)
{
	struct inode *inode;
	struct path path;
	int ret;

	if (name[0] != '/')
		return ckpt_err(ctx, -EINVAL, "is not an absolute path");
	ret = kern_path(name, 0, &path);
	if (ret)
		return ckpt_err(ctx, ret, "cannot be found (error %d)", ret);
	inode = d_inode(path.dentry);
	ret = check_inode(ctx, inode, f);
	if (!ret && !may_open(f, name, inode))
		ret = ckpt_err(ctx, -EINVAL, "a file of this type has no place here");
	path_put(&path);
	return ret;
}

static int check_file(struct ckpt_ctx *ctx, const struct ckpt_file *f, struct file *file)
{
	bool is_tty = file->f_op->checkpoint == tty_file_checkpoint;
	bool want_tty = f->kind == CKPT_FILE_TTY;

	if (!file->f_op->checkpoint || is_tty != want_tty)
		return ckpt_err(ctx, -EINVAL, "is not what the image says");
	return check_inode(ctx, file_inode(file), f);
}

static struct file *open_by_name(struct ckpt_ctx *ctx, const struct ckpt_file *f,
				 const char *name)
{
	struct file *file;
	int ret;

	ret = check_name(ctx, f, name);
	if (ret)
		return ERR_PTR(ret);
	/* Should it have become a pipe or a modem since: do not wait for it. */
	file = filp_open(name, (f->f_flags & ~FLAGS_AFTER_OPEN) |
			 O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0);
	if (IS_ERR(file))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(file), "cannot be opened (error %ld)",
					PTR_ERR(file)));
	ret = check_file(ctx, f, file);
	if (!ret && f->kind == CKPT_FILE_RELINKED)
		ret = restore_relinked(ctx, &file->f_path, f->f_flags & __O_TMPFILE);
	if (!ret)
		return file;
	fput(file);
	return ERR_PTR(ret);
}

static int restore_position(struct ckpt_ctx *ctx, const struct ckpt_file *f, struct file *file)
{
	umode_t mode = file_inode(file)->i_mode;
	loff_t pos;

	if (!S_ISREG(mode) && !S_ISDIR(mode))
		return 0;
	pos = vfs_llseek(file, f->pos, SEEK_SET);
	if (pos != f->pos)
		return ckpt_err(ctx, pos < 0 ? pos : -EINVAL, "cannot go to position %lld",
				f->pos);
	return 0;
}

static int restore_owner(struct ckpt_ctx *ctx, const struct ckpt_file *f, struct file *file)
{
	int ret;

	if (f->owner_type > CKPT_OWNER_GROUP || f->owner_pid < 0 ||
	    !f->owner_type != !f->owner_pid)
		return ckpt_err(ctx, -EINVAL, "has no valid owner");
	if (!f->owner_pid && !f->owner_sig)
		return 0;
	if (!valid_signal(f->owner_sig))
		return ckpt_err(ctx, -EINVAL, "cannot send signal %d", f->owner_sig);
	if (f->owner_pid) {
		struct restart_task *rt = restart_find(ctx, f->owner_pid);

		if (IS_ERR(rt))
			return PTR_ERR(rt);
		ret = f_setown(file, f->owner_type == CKPT_OWNER_GROUP ? -f->owner_pid :
			       f->owner_pid, 1);
	} else {
		ret = file_f_owner_allocate(file);
	}
	if (ret)
		return ckpt_err(ctx, ret, "cannot set its owner");
	file_f_owner(file)->signum = f->owner_sig;
	return 0;
}

static struct file *restore_file(struct ckpt_ctx *ctx, const struct ckpt_file *f,
				 const char *name)
{
	struct file *file;
	int ret;

	switch (f->kind) {
	case CKPT_FILE_PATH:
	case CKPT_FILE_RELINKED:
	case CKPT_FILE_TTY:
		ctx->where.path = name;
		file = open_by_name(ctx, f, name);
		break;
	case CKPT_FILE_PIPE:
		file = restore_pipe_file(ctx, f);
		break;
	default:
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "a file of unknown kind %u", f->kind));
	}
	if (IS_ERR(file))
		return file;
	spin_lock(&file->f_lock);
	file->f_flags = (file->f_flags & ~FLAGS_AFTER_OPEN) | (f->f_flags & FLAGS_AFTER_OPEN);
	spin_unlock(&file->f_lock);
	ret = restore_position(ctx, f, file);
	if (!ret)
		ret = restore_owner(ctx, f, file);
	if (!ret)
		return file;
	fput(file);
	return ERR_PTR(ret);
}

/**
 * restore_file_rec - open a file as it was
 * @ctx:	the restart
 * @rec:	the FILE record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_file_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_file *f;
	struct file *file;
	const char *name;

	f = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*f) + 2, sizeof(*f) + 2 * PATH_MAX);
	if (IS_ERR(f))
		return PTR_ERR(f);
	name = (const char *)(f + 1);
	if (f->f_flags & ~CKPT_OPEN_FLAGS || !second_string(name, rec->len - sizeof(*f)))
		file = ERR_PTR(ckpt_err(ctx, -EINVAL, "FILE %u: unknown flags, or no valid names",
					rec->objref));
	else
		file = restore_file(ctx, f, name);
	ctx->where.path = NULL;
	kvfree(f);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_FILE, file);
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

/**
 * restore_files - take on the descriptor table of the image
 * @rt:		the leader of the process, which is current
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_files(struct restart_task *rt)
{
	struct ckpt_ctx *ctx = restart_ckpt_ctx(rt);
	struct ckpt_payload *p = ckpt_ref(ctx, rt->process->files, CKPT_OBJ_FILES);
	const struct ckpt_fd *fds;
	struct file *file;
	size_t i, nr;
	int ret;

	if (IS_ERR(p))
		return restore_fail(rt, PTR_ERR(p), "its descriptors: no such object");
	fds = (const struct ckpt_fd *)p->data;
	nr = p->len / sizeof(*fds);
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

static int find_dir(const char *name, struct path *path)
{
	int ret;

	if (name[0] != '/')
		return -EINVAL;
	ret = kern_path(name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, path);
	if (ret)
		return ret;
	ret = path_permission(path, MAY_EXEC | MAY_CHDIR);
	if (ret)
		path_put(path);
	return ret;
}

static int restore_root(struct restart_task *rt, const char *name)
{
	struct path root;
	int ret;

	ret = find_dir(name, &root);
	if (ret)
		return restore_fail(rt, ret, "its root directory");
	if (!path_equal(&root, &current->fs->root)) {
		if (ns_capable(current_user_ns(), CAP_SYS_CHROOT))
			set_fs_root(current->fs, &root);
		else
			ret = restore_fail(rt, -EPERM, "its root directory");
	}
	path_put(&root);
	return ret;
}

/**
 * restore_fs - take on working directory, root directory and umask
 * @rt:		the leader of the process, which is current
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_fs(struct restart_task *rt)
{
	struct ckpt_payload *p = ckpt_ref(restart_ckpt_ctx(rt), rt->process->fs, CKPT_OBJ_FS);
	const char *pwd_name, *root_name;
	const struct ckpt_fs *rec;
	struct path pwd;
	int ret;

	if (IS_ERR(p))
		return restore_fail(rt, PTR_ERR(p), "its directories: no such object");
	rec = (const struct ckpt_fs *)p->data;
	pwd_name = (const char *)(rec + 1);
	root_name = p->len > sizeof(*rec) ? second_string(pwd_name, p->len - sizeof(*rec)) : NULL;
	if (!root_name)
		return restore_fail(rt, -EINVAL, "its directories: not two names");
	/* Both names are as seen from the root that the caller has. */
	ret = find_dir(pwd_name, &pwd);
	if (ret)
		return restore_fail(rt, ret, "its working directory");
	ret = restore_root(rt, root_name);
	if (!ret) {
		set_fs_pwd(current->fs, &pwd);
		current->fs->umask = rec->umask & 0777;
	}
	path_put(&pwd);
	return ret;
}
