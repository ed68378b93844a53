// SPDX-License-Identifier: GPL-2.0
/*
 * Restart of open files.
 *
 * Files are opened by the coordinator, with its rights and no others. An image
 * may say anything: a name is looked up once, what it leads to is compared with
 * what was checkpointed, and that very inode is opened, with the checks of
 * open(2). Nobody is told: until the restart has succeeded no open file of it
 * makes fsnotify events, nor changes access times.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_tasks.h>
#include <linux/fadvise.h>
#include <linux/file.h>
#include <linux/fsnotify.h>
#include <linux/major.h>
#include <linux/magic.h>
#include <linux/namei.h>
#include <linux/rw_hint.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"
#include "proc/internal.h"

/* Flags that are not for opening, but are seen by F_GETFL. */
#define FLAGS_AFTER_OPEN	(O_NONBLOCK | O_NOFOLLOW | O_DIRECTORY | __O_TMPFILE)
#define FLAGS_OF_PATH		(O_PATH | O_NOFOLLOW | O_DIRECTORY | O_LARGEFILE)

/**
 * struct restored_file - what is left to do when all else has succeeded
 * @list:	in ctx->files
 * @file:	the file, which the table of objects holds
 * @f_flags:	its flags
 * @async_fd:	O_ASYNC: the descriptor that its signals name
 */
struct restored_file {
	struct list_head list;
	struct file *file;
	u32 f_flags;
	int async_fd;
};

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

/* Opening may do things: only that is opened which we write. */
static bool may_be_opened(const struct ckpt_file *f, const char *name,
			  const struct inode *inode)
{
	if (f->kind == CKPT_FILE_TTY)
		return S_ISCHR(inode->i_mode) && ckpt_is_tty(name, inode->i_rdev);
	if (f->f_flags & O_PATH)
		return true;
	if (S_ISCHR(inode->i_mode))
		return MAJOR(inode->i_rdev) == MEM_MAJOR;
	return !S_ISFIFO(inode->i_mode) && inode->i_fop && inode->i_fop->checkpoint;
}

static bool was_given_name(const struct ckpt_file *f)
{
	return f->kind == CKPT_FILE_RELINKED || f->flags & CKPT_FILE_NAME_GIVEN;
}

/* An O_TMPFILE that was made without O_EXCL. */
static bool may_be_linked(const struct ckpt_file *f)
{
	return (f->f_flags & (__O_TMPFILE | O_EXCL)) == __O_TMPFILE;
}

static int check_path(struct ckpt_ctx *ctx, const struct ckpt_file *f, const char *name,
		      const struct path *path)
{
	int ret;

	ret = ckpt_check_inode(ctx, f, path);
	if (ret)
		return ret;
	if (!may_be_opened(f, name, d_inode(path->dentry)))
		return ckpt_err(ctx, -EINVAL, "a file of this type has no place here");
	if (was_given_name(f))
		return restore_relinked(ctx, path, may_be_linked(f));
	return 0;
}

/**
 * path_open_given - open a device as path_open_quiet() does, and tell it which one
 * @path:	the path
 * @flags:	as for open(2)
 * @cred:	what the file remembers of who opened it
 * @given:	what the device's ->open() finds in ->private_data
 *
 * Return: the file or an error pointer.
 */
struct file *path_open_given(const struct path *path, int flags, const struct cred *cred,
			     void *given)
{
	struct file *file;
	int ret;

	if (!may_open_dev(path))
		return ERR_PTR(-EACCES);
	ret = inode_permission(mnt_idmap(path->mnt), d_inode(path->dentry),
			       MAY_OPEN | ACC_MODE(flags));
	if (ret)
		return ERR_PTR(ret);
	file = alloc_empty_file(flags | __FMODE_NONOTIFY, cred);
	if (IS_ERR(file))
		return file;
	file->private_data = given;
	ret = vfs_open(path, file);
	if (ret) {
		fput(file);
		return ERR_PTR(ret);
	}
	file->f_flags &= ~__FMODE_NONOTIFY;
	return file;
}

/* A character device shows only now what it is. */
static int check_file(struct ckpt_ctx *ctx, const struct ckpt_file *f, struct file *file)
{
	bool is_tty = file->f_op->checkpoint == tty_file_checkpoint;
	bool want_tty = f->kind == CKPT_FILE_TTY;

	if (file->f_mode & FMODE_PATH)
		return 0;
	if (!file->f_op->checkpoint || is_tty != want_tty)
		return ckpt_err(ctx, -EINVAL, "is not what the image says");
	return 0;
}

/**
 * restore_open_path - open what was found, as the image says
 * @ctx:	the restart
 * @f:		what the image says
 * @path:	what was found
 *
 * Return: the file or an error pointer, which has been logged.
 */
struct file *restore_open_path(struct ckpt_ctx *ctx, const struct ckpt_file *f,
			       const struct path *path)
{
	const struct cred *cred = restore_file_cred(ctx, f->cred);
	int flags = f->f_flags & ~(FLAGS_AFTER_OPEN | FASYNC);
	struct file *file;
	int ret;

	if (IS_ERR(cred))
		return ERR_CAST(cred);
	if (flags & O_PATH)
		flags = f->f_flags & FLAGS_OF_PATH;
	else
		flags |= O_NONBLOCK | O_NOCTTY;	/* wait for no lease, no modem */
	if (!S_ISBLK(d_inode(path->dentry)->i_mode))
		flags &= ~O_EXCL;
	file = path_open_quiet(path, flags, cred);
	if (file == ERR_PTR(-EWOULDBLOCK))
		return ERR_PTR(ckpt_err(ctx, -EWOULDBLOCK,
			"cannot be opened: another process has a lease on it (F_SETLEASE)"));
	if (IS_ERR(file))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(file), "cannot be opened (error %ld)",
					PTR_ERR(file)));
	ret = check_file(ctx, f, file);
	if (!ret)
		return file;
	fput(file);
	return ERR_PTR(ret);
}

static struct file *open_by_name(struct ckpt_ctx *ctx, const struct ckpt_file *f,
				 const char *name)
{
	struct file *file;
	struct path path;
	int ret;

	if (name[0] != '/')
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "is not an absolute path"));
	/* Namespaces are at the end of a link of procfs. */
	ret = kern_path(name, f->fs_magic == NSFS_MAGIC ? LOOKUP_FOLLOW : 0, &path);
	if (ret == -ENOENT && f->fs_magic == PROC_SUPER_MAGIC)
		ret = restore_find_fdinfo(ctx, name, &path);
	if (ret)
		return ERR_PTR(ckpt_err(ctx, ret, "cannot be found (error %d)", ret));
	if (f->fs_magic == NSFS_MAGIC && path.dentry->d_sb->s_magic != NSFS_MAGIC)
		ret = ckpt_err(ctx, -ESTALE, "is not a namespace");
	else
		ret = check_path(ctx, f, name, &path);
	/* Let it look as it did; the second name has been found to be there. */
	if (!ret && (was_given_name(f) || f->kind == CKPT_FILE_OTHER_NAME))
		ckpt_use_alias(&path, name + strlen(name) + 1);
	file = ret ? ERR_PTR(ret) : restore_open_path(ctx, f, &path);
	path_put(&path);
	return file;
}

static struct file *open_hidden(struct ckpt_ctx *ctx, const struct ckpt_file *f,
				const char *name)
{
	struct file *file;
	struct path path;
	int ret;

	ret = restore_find_hidden(ctx, name, name + strlen(name) + 1, &path);
	if (ret)
		return ERR_PTR(ret);
	ret = check_path(ctx, f, name, &path);
	file = ret ? ERR_PTR(ret) : restore_open_path(ctx, f, &path);
	path_put(&path);
	return file;
}

static bool looks_the_same(const struct path *a, const struct path *b)
{
	const struct qstr *name = &a->dentry->d_name, *other = &b->dentry->d_name;

	/* What has no name is not renamed. */
	return d_unhashed(a->dentry) && d_unhashed(b->dentry) && a->mnt == b->mnt &&
	       a->dentry->d_parent == b->dentry->d_parent && name->len == other->len &&
	       !memcmp(name->name, other->name, name->len);
}

/* It may have had several names, and have been opened in several mounts. */
static struct file *open_copied(struct ckpt_ctx *ctx, const struct ckpt_file *f,
				const char *last_name)
{
	const struct path *path = restore_contents_path(ctx, f->contents);
	struct file *file;
	struct path alias;

	if (IS_ERR(path))
		return ERR_CAST(path);
	if (d_is_dir(path->dentry) || ckpt_make_alias(path, last_name, &alias))
		return restore_open_path(ctx, f, path);
	file = restore_open_path(ctx, f, looks_the_same(&alias, path) ? path : &alias);
	path_put(&alias);
	return file;
}

static int restore_position(struct ckpt_ctx *ctx, const struct ckpt_file *f, struct file *file)
{
	umode_t mode = file_inode(file)->i_mode;
	loff_t pos;

	if (file->f_mode & FMODE_PATH || f->pos == file->f_pos || S_ISFIFO(mode))
		return 0;
	/*
	 * /dev/zero counts, but does not seek. What is made up when it is read
	 * must not be made up now, of the task as it is before it is restored.
	 */
	if (S_ISCHR(mode) || !(file->f_mode & FMODE_LSEEK) ||
	    (S_ISREG(mode) && ckpt_is_made_up(file_inode(file)->i_sb))) {
		if (f->pos < 0 && !(file->f_op->fop_flags & FOP_UNSIGNED_OFFSET))
			return ckpt_err(ctx, -EINVAL, "cannot be at position %lld", f->pos);
		file->f_pos = f->pos;
		return 0;
	}
	pos = vfs_llseek(file, f->pos, SEEK_SET);
	if (pos != f->pos)
		return ckpt_err(ctx, pos < 0 ? pos : -EINVAL, "cannot go to position %lld",
				f->pos);
	return 0;
}

static int set_owner(struct ckpt_ctx *ctx, const struct ckpt_file *f, struct file *file)
{
	struct restart_task *rt = restart_find(ctx, f->owner_pid);
	kuid_t uid = make_kuid(current_user_ns(), f->owner_uid);
	kuid_t euid = make_kuid(current_user_ns(), f->owner_euid);
	struct fown_struct *owner = file_f_owner(file);
	enum pid_type type = f->owner_type == CKPT_OWNER_THREAD ? PIDTYPE_PID :
			     f->owner_type == CKPT_OWNER_GROUP ? PIDTYPE_PGID : PIDTYPE_TGID;

	if (IS_ERR(rt))
		return PTR_ERR(rt);
	if (!uid_valid(uid) || !uid_valid(euid))
		return ckpt_err(ctx, -EINVAL, "has no valid owner");
	/* By these it is judged whom its signals may reach. */
	if ((!uid_eq(uid, current_uid()) || !uid_eq(euid, current_euid())) &&
	    !ns_capable(current_user_ns(), CAP_SETUID))
		return ckpt_err(ctx, -EPERM, "cannot set its owner as user %u", f->owner_uid);
	__f_setown(file, task_pid(rt->task), type, 1);
	write_lock_irq(&owner->lock);
	owner->uid = uid;
	owner->euid = euid;
	write_unlock_irq(&owner->lock);
	return 0;
}

static int restore_owner(struct ckpt_ctx *ctx, const struct ckpt_file *f, struct file *file)
{
	int ret;

	if (f->owner_type > CKPT_OWNER_THREAD || !f->owner_type != !f->owner_pid)
		return ckpt_err(ctx, -EINVAL, "has no valid owner");
	if (!valid_signal(f->owner_sig))
		return ckpt_err(ctx, -EINVAL, "cannot send signal %d", f->owner_sig);
	if (!f->owner_type && !f->owner_sig)
		return 0;
	ret = file_f_owner_allocate(file);
	if (ret)
		return ckpt_err(ctx, ret, "cannot set its owner");
	if (f->owner_type)
		ret = set_owner(ctx, f, file);
	if (!ret)
		file_f_owner(file)->signum = f->owner_sig;
	return ret;
}

/* Hints are for speed: what cannot be set is no error. */
static void restore_hints(const struct ckpt_file *f, struct file *file)
{
	struct inode *inode = file_inode(file);

	if (file->f_mode & FMODE_PATH)
		return;
	if (f->advice & CKPT_ADVICE_SEQUENTIAL)
		vfs_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (f->advice & CKPT_ADVICE_RANDOM)
		vfs_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
	if (f->advice & CKPT_ADVICE_NOREUSE)
		vfs_fadvise(file, 0, 0, POSIX_FADV_NOREUSE);
	if (f->rw_hint && f->rw_hint <= WRITE_LIFE_EXTREME && S_ISREG(inode->i_mode) &&
	    inode_owner_or_capable(file_mnt_idmap(file), inode))
		WRITE_ONCE(inode->i_write_hint, f->rw_hint);
}

static int remember(struct ckpt_ctx *ctx, const struct ckpt_file *f, struct file *file)
{
	struct restored_file *r = kmalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);

	if (!r)
		return -ENOMEM;
	r->file = file;
	r->async_fd = f->async_fd;
	/* Others of its flags have been judged by opening it. */
	r->f_flags = f->f_flags & (FLAGS_AFTER_OPEN | O_NOATIME | FASYNC);
	if (file->f_mode & FMODE_PATH)
		r->f_flags &= FLAGS_OF_PATH;
	list_add_tail(&r->list, &ctx->files);
	return 0;
}

static int restore_state(struct ckpt_ctx *ctx, const struct ckpt_file *f, struct file *file)
{
	int ret;

	spin_lock(&file->f_lock);
	file->f_flags = (file->f_flags & ~O_NONBLOCK) | (f->f_flags & O_NONBLOCK);
	if (!(file->f_mode & FMODE_PATH))
		file->f_flags |= O_NOATIME;
	spin_unlock(&file->f_lock);
	ret = restore_position(ctx, f, file);
	if (!ret)
		ret = restore_owner(ctx, f, file);
	if (!ret)
		restore_hints(f, file);
	return ret ?: remember(ctx, f, file);
}

/* Other than what has a name in a filesystem, and belongs to nobody. */
static bool needs_tasks(const struct ckpt_file *f)
{
	bool by_name = f->kind == CKPT_FILE_PATH || f->kind == CKPT_FILE_RELINKED ||
		       f->kind == CKPT_FILE_TTY || f->kind == CKPT_FILE_OTHER_NAME;

	return !by_name || f->owner_type || f->fs_magic == PROC_SUPER_MAGIC ||
	       f->fs_magic == NSFS_MAGIC;
}

static struct file *restore_file(struct ckpt_ctx *ctx, const struct ckpt_file *f,
				 const char *name)
{
	struct file *file;
	int ret;

	ret = needs_tasks(f) ? restart_await_tasks(ctx) : 0;
	if (ret)
		return ERR_PTR(ret);
	switch (f->kind) {
	case CKPT_FILE_PATH:
	case CKPT_FILE_RELINKED:
	case CKPT_FILE_TTY:
	case CKPT_FILE_OTHER_NAME:
		ctx->where.path = name;
		file = open_by_name(ctx, f, name);
		break;
	case CKPT_FILE_HIDDEN:
		ctx->where.path = name;
		file = open_hidden(ctx, f, name);
		break;
	case CKPT_FILE_DEAD_PROC:
		ctx->where.path = name;
		file = restore_dead_proc(ctx, f, name, name + strlen(name) + 1);
		break;
	case CKPT_FILE_PIPE:
		file = restore_pipe_file(ctx, f);
		break;
	case CKPT_FILE_INOTIFY:
	case CKPT_FILE_FANOTIFY:
		file = restore_notify_file(ctx, f);
		break;
	case CKPT_FILE_COPIED:
		file = open_copied(ctx, f, name + strlen(name) + 1);
		break;
	case CKPT_FILE_EVENTFD:
	case CKPT_FILE_SIGNALFD:
	case CKPT_FILE_TIMERFD:
	case CKPT_FILE_EPOLL:
	case CKPT_FILE_SOCKET:
	case CKPT_FILE_PIDFD:
	case CKPT_FILE_IO_URING:
	case CKPT_FILE_TUN:
	case CKPT_FILE_BPF_MAP:
		file = restore_anon_file(ctx, f);
		break;
	case CKPT_FILE_MEMFD:
		file = restore_memfd_file(ctx, f);
		break;
#ifdef CONFIG_POSIX_MQUEUE
	case CKPT_FILE_MQUEUE:
		file = restore_mqueue_file(ctx, f);
		break;
#endif
	case CKPT_FILE_PTY_MASTER:
	case CKPT_FILE_PTY_SLAVE:
		ctx->where.path = *name ? name : NULL;
		file = restore_pty_file(ctx, f, name);
		break;
	default:
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "a file of unknown kind %u", f->kind));
	}
	if (IS_ERR(file))
		return file;
	ret = restore_state(ctx, f, file);
	if (!ret)
		return file;
	/* It is quiet: nobody hears that it is closed. */
	fput(file);
	return ERR_PTR(ret);
}

static int check_record(struct ckpt_ctx *ctx, const struct ckpt_file *f, u32 objref)
{
	if (f->f_flags & ~CKPT_OPEN_FLAGS || f->flags & ~CKPT_FILE_FLAGS_ALL ||
	    f->advice & ~CKPT_ADVICE_ALL)
		return ckpt_err(ctx, -EINVAL, "FILE %u: unknown flags", objref);
	if (f->flags & CKPT_FILE_HUNG_UP && f->kind != CKPT_FILE_PTY_SLAVE)
		return ckpt_err(ctx, -EINVAL, "FILE %u: cannot be hung up", objref);
	if (f->flags & CKPT_FILE_NAME_GIVEN &&
	    (f->kind == CKPT_FILE_HIDDEN || f->kind == CKPT_FILE_DEAD_PROC ||
	     f->kind == CKPT_FILE_OTHER_NAME))
		return ckpt_err(ctx, -EINVAL, "FILE %u: cannot have been given a name", objref);
	if (f->flags & CKPT_FILE_OUTSIDE && f->kind != CKPT_FILE_DEAD_PROC)
		return ckpt_err(ctx, -EINVAL, "FILE %u: is not of a process", objref);
	if (f->flags & CKPT_FILE_UNCOUNTED && f->kind != CKPT_FILE_MEMFD)
		return ckpt_err(ctx, -EINVAL, "FILE %u: is no memfd", objref);
	if (f->f_flags & O_PATH && (f->f_flags & ~FLAGS_OF_PATH || f->kind == CKPT_FILE_PIPE ||
				    f->kind == CKPT_FILE_TTY || f->kind >= CKPT_FILE_EVENTFD))
		return ckpt_err(ctx, -EINVAL, "FILE %u: O_PATH with flags 0%o", objref,
				f->f_flags);
	return 0;
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
	int ret;

	f = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*f) + 2, sizeof(*f) + 2 * PATH_MAX);
	if (IS_ERR(f))
		return PTR_ERR(f);
	name = (const char *)(f + 1);
	ret = check_record(ctx, f, rec->objref);
	if (!ret && !second_string(name, rec->len - sizeof(*f)))
		ret = ckpt_err(ctx, -EINVAL, "FILE %u: no valid names", rec->objref);
	if (!ret)
		ret = restore_go_to_mnt(ctx, f->mnt);
	file = ret ? ERR_PTR(ret) : restore_file(ctx, f, name);
	ckpt_go_to_mnt(ctx, NULL);
	ctx->where.path = NULL;
	kvfree(f);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_FILE, file);
}

static bool is_seq_file(const struct file *file)
{
	return file->f_op->read_iter == seq_read_iter || file->f_op->read == seq_read;
}

/*
 * Such as /proc/PID/maps hold the address space or the namespace that the process
 * had when they were opened: it has got its own since.
 */
static int refresh_proc_file(struct ckpt_ctx *ctx, struct file *file)
{
	int flags = file->f_flags & (O_ACCMODE | O_LARGEFILE | O_NONBLOCK);
	struct file *fresh;

	if (file->f_mode & FMODE_PATH || !S_ISREG(file_inode(file)->i_mode) ||
	    !file->private_data || file_inode(file)->i_sb->s_magic != PROC_SUPER_MAGIC ||
	    !proc_pid(file_inode(file)) || ckpt_is_dead_proc(file))
		return 0;
	fresh = path_open_quiet(&file->f_path, flags, file->f_cred);
	if (IS_ERR(fresh)) {
		ckpt_name_for_messages(ctx, &file->f_path);
		return ckpt_err(ctx, PTR_ERR(fresh), "cannot be opened (error %ld)",
				PTR_ERR(fresh));
	}
	swap(file->private_data, fresh->private_data);
	if (is_seq_file(file)) {
		((struct seq_file *)file->private_data)->file = file;
		((struct seq_file *)fresh->private_data)->file = fresh;
	}
	__fput_sync(fresh);
	return 0;
}

/**
 * restore_files_state - what a file gets only when every task has its files
 * @ctx:	the restart
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_files_state(struct ckpt_ctx *ctx)
{
	struct restored_file *r;
	struct fown_struct *own;
	int ret;

	list_for_each_entry(r, &ctx->files, list) {
		bool owned;

		ret = refresh_proc_file(ctx, r->file);
		if (ret)
			return ret;
		if (!(r->f_flags & FASYNC) || !r->file->f_op->fasync)
			continue;
		own = file_f_owner(r->file);
		owned = own && own->pid;
		ret = r->file->f_op->fasync(r->async_fd, r->file, 1);
		/* A terminal takes who asks for its owner, if it has none. */
		own = file_f_owner(r->file);
		if (own && !owned)
			__f_setown(r->file, NULL, PIDTYPE_TGID, 1);
		if (ret >= 0)
			continue;
		ckpt_name_for_messages(ctx, &r->file->f_path);
		return ckpt_err(ctx, ret, "cannot send signals (O_ASYNC) (error %d)", ret);
	}
	return 0;
}

/**
 * restore_files_done - from now on they are files like any other
 * @ctx:	the restart, which has succeeded
 *
 * What nobody but the restart holds stays quiet, for it is closed now.
 */
void restore_files_done(struct ckpt_ctx *ctx)
{
	struct restored_file *r;

	list_for_each_entry(r, &ctx->files, list) {
		struct file *file = r->file;

		if (file_count(file) == 1)
			continue;
		spin_lock(&file->f_lock);
		file->f_flags &= ~(FLAGS_AFTER_OPEN | O_NOATIME);
		file->f_flags |= r->f_flags & (FLAGS_AFTER_OPEN | O_NOATIME);
		if (!(file->f_mode & FMODE_PATH) && !ckpt_is_ptmx(file))
			file->f_mode &= ~FMODE_FSNOTIFY_MASK;
		spin_unlock(&file->f_lock);
		file_set_fsnotify_mode(file);
	}
}

void restore_files_free(struct ckpt_ctx *ctx)
{
	struct restored_file *r, *tmp;

	list_for_each_entry_safe(r, tmp, &ctx->files, list) {
		list_del(&r->list);
		kfree(r);
	}
}
