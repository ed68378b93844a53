// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint of open files.
 *
 * A file is written by the ->checkpoint method of its file operations. What
 * has no such method is refused by name: nothing is left out in silence.
 */
#include <linux/backing-dev.h>
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_tasks.h>
#include <linux/dnotify.h>
#include <linux/file.h>
#include <linux/kernel.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "proc/internal.h"

/* Whom SIGIO goes to. A restart must not send it to a stranger. */
static int describe_owner(struct ckpt_ctx *ctx, struct file *file, struct ckpt_file *rec)
{
	static const u32 owner_types[PIDTYPE_MAX] = {
		[PIDTYPE_PID]	= CKPT_OWNER_THREAD,
		[PIDTYPE_TGID]	= CKPT_OWNER_PROCESS,
		[PIDTYPE_PGID]	= CKPT_OWNER_GROUP,
	};
	struct fown_struct *owner = file_f_owner(file);
	pid_t pid = 0;

	if (!owner)
		return 0;
	rcu_read_lock();
	read_lock_irq(&owner->lock);
	rec->owner_sig = owner->signum;
	/* As F_GETOWN says it: an owner that has ended is none. */
	if (owner->pid && pid_task(owner->pid, owner->pid_type)) {
		pid = pid_vnr(owner->pid);
		rec->owner_type = owner_types[owner->pid_type];
		rec->owner_uid = from_kuid_munged(current_user_ns(), owner->uid);
		rec->owner_euid = from_kuid_munged(current_user_ns(), owner->euid);
	}
	read_unlock_irq(&owner->lock);
	rcu_read_unlock();
	rec->owner_pid = pid;
	if (!rec->owner_type || ckpt_in_tree(ctx, pid))
		return 0;
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
			     "its signals go to %d (F_SETOWN), which is not in the tree", pid);
}

static u32 advice_of(const struct file *file)
{
	u32 advice = 0;

	if (file->f_mode & FMODE_RANDOM)
		advice |= CKPT_ADVICE_RANDOM;
	if (file->f_mode & FMODE_NOREUSE)
		advice |= CKPT_ADVICE_NOREUSE;
	if (file->f_ra.ra_pages &&
	    file->f_ra.ra_pages == inode_to_bdi(file->f_mapping->host)->ra_pages * 2)
		advice |= CKPT_ADVICE_SEQUENTIAL;
	return advice;
}

/**
 * ckpt_file_describe - what all files have in common
 * @ctx:	the checkpoint
 * @file:	the file
 * @kind:	how it will be made again
 * @rec:	what is filled in
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_file_describe(struct ckpt_ctx *ctx, struct file *file, enum ckpt_file_kind kind,
		       struct ckpt_file *rec)
{
	const struct path *path = file_user_path(file);
	int ret;

	*rec = (struct ckpt_file) {
		.kind = kind,
		.f_flags = file->f_flags & CKPT_OPEN_FLAGS,
		.pos = file->f_pos,
		.async_fd = -1,
		.advice = advice_of(file),
		.mnt = ckpt_mnt_objref(ctx),
	};
	ret = ckpt_describe_inode(ctx, path, rec);
	if (ret)
		return ret;
	/* O_EXCL, which open(2) does not keep: it may not be given a name. */
	if (rec->f_flags & __O_TMPFILE && !(d_inode(path->dentry)->i_state & I_LINKABLE))
		rec->f_flags |= O_EXCL;
	/* The file behind an overlay's mapping is the kernel's, not the program's. */
	if (file->f_mode & FMODE_BACKING)
		rec->f_flags &= ~O_NOATIME;
	/* An exclusive open of a block device claims it. */
	if (S_ISBLK(rec->mode) && file->private_data)
		rec->f_flags |= O_EXCL;
	/* A lease sets the flag too, and comes back as a lease. */
	if (file->f_flags & FASYNC && file->f_op->fasync)
		rec->async_fd = ctx->where.fd;
	else
		rec->f_flags &= ~FASYNC;
	if (!(file->f_mode & (FMODE_BACKING | FMODE_PATH)))
		ret = checkpoint_file_cred(ctx, file->f_cred, &rec->cred);
	return ret ?: describe_owner(ctx, file, rec);
}

/**
 * ckpt_file_write - write a FILE record
 * @ctx:	the checkpoint
 * @objref:	of the file
 * @rec:	the record
 * @path:	its name, or ""
 * @path2:	the name it had, or ""
 *
 * Return: 0 or a negative error.
 */
int ckpt_file_write(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_file *rec,
		    const char *path, const char *path2)
{
	return ckpt_write_rec_names(ctx, CKPT_REC_FILE, objref, rec, sizeof(*rec), path, path2);
}

/**
 * ckpt_file_objref - the objref that checkpoint_file() has given a file
 * @ctx:	the checkpoint
 * @file:	the file whose ->checkpoint method is running
 *
 * Return: the objref.
 */
u32 ckpt_file_objref(struct ckpt_ctx *ctx, struct file *file)
{
	u32 objref = 0;

	ckpt_obj_lookup(ctx, CKPT_OBJ_FILE, file, &objref);
	return objref;
}

/**
 * ckpt_file_write_named - find the name of a file, and write the FILE record
 * @ctx:	the checkpoint
 * @file:	the file
 * @rec:	the record; a file that is found by a name that the checkpoint gives
 *		it is marked in it
 * @what:	it is, for messages
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_file_write_named(struct ckpt_ctx *ctx, struct file *file, struct ckpt_file *rec,
			  const char *what)
{
	const struct path *path = file_user_path(file);
	char *buf = rec->kind == CKPT_FILE_PATH ? kmalloc(PATH_MAX, GFP_KERNEL) : NULL;
	const char *name, *below = "";
	int ret;

	ret = ckpt_find_name_below(ctx, path, what, &name, buf, &below);
	if (*below)
		rec->kind = CKPT_FILE_HIDDEN;
	if (!ret && name)
		ret = ckpt_file_write(ctx, ckpt_file_objref(ctx, file), rec, name, below);
	else if (ret > 0 && name)
		ret = checkpoint_unlinked(ctx, file, rec, name);
	else
		ret = min(ret, 0);
	kfree(buf);
	return ret;
}

/* Its name leads a restart to what the root of the tree sees there. */
static bool is_of_another_namespace(const struct inode *inode)
{
	const struct ctl_table_header *table = PROC_I(inode)->sysctl;
	const struct proc_dir_entry *de = PDE(inode);

	if (table)
		return table->root->lookup && table->root->lookup(table->root) != table->set;
	/* Each network has a directory of its own, below none but that of /proc. */
	while (de && de != &proc_root && de->parent != &proc_root)
		de = de->parent;
	return de && de != &proc_root && de->namelen == 3 && !memcmp(de->name, "net", 3) &&
	       de->data != current->nsproxy->net_ns;
}

/* A file of /proc/PID stands for its process: that has to come back too. */
static int proc_obstacle(struct ckpt_ctx *ctx, const struct file *file)
{
	const struct inode *inode = d_inode(file_user_path(file)->dentry);
	struct pid *pid;

	if (inode->i_sb->s_magic != PROC_SUPER_MAGIC)
		return 0;
	pid = proc_pid(inode);
	if (pid) {
		if (ckpt_in_tree(ctx, pid_vnr(pid)))
			return 0;
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a file of /proc of process %d, which is not in the tree: not supported",
			pid_vnr(pid));
	}
	if (is_of_another_namespace(inode))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a file of /proc of a namespace in which the root of the tree does not live: not supported");
	/* Such as the triggers of /proc/pressure. */
	if (S_ISREG(inode->i_mode) && file->f_mode & FMODE_WRITE && !PROC_I(inode)->sysctl)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"a file of /proc, open for writing: may keep what was written: not supported");
	return 0;
}

/*
 * A descriptor outlives what has been forbidden since; opened again it could
 * not write. What was unlinked too is refused where it would be relinked.
 */
static int attr_obstacle(struct ckpt_ctx *ctx, const struct file *file)
{
	const struct inode *inode = file_inode(file);

	if (!(file->f_mode & FMODE_WRITE) || !S_ISREG(inode->i_mode) ||
	    d_unlinked(file->f_path.dentry))
		return 0;
	if (IS_IMMUTABLE(inode))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"open for writing, and has been made immutable since (chattr +i): not supported");
	if (IS_APPEND(inode) && !(file->f_flags & O_APPEND))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"open for writing anywhere, and may only be appended to since (chattr +a): not supported");
	return 0;
}

static const char *what_it_is(struct file *file)
{
	umode_t mode = file_inode(file)->i_mode;

	switch (mode & S_IFMT) {
	case S_IFSOCK:
		return "a socket";
	case S_IFBLK:
		return "a block device";
	case S_IFCHR:
		return "a device";
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a pipe";
	case S_IFLNK:
		return "a symbolic link";
	}
	return ckpt_is_memfd(file) || ckpt_is_huge_memfd(file) ? "a memfd" : "a file";
}

/**
 * generic_file_checkpoint - ->checkpoint for what is reopened by its name
 * @ctx:	the checkpoint
 * @file:	a regular file, a directory, a device without a state of its own,
 *		or anything that was opened with O_PATH
 *
 * Return: 0 or a negative error, which has been logged.
 */
int generic_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_file rec;
	int ret;

	if ((ckpt_is_memfd(file) || ckpt_is_huge_memfd(file) || ckpt_is_nameless_shmem(file)) &&
	    !(file->f_mode & FMODE_PATH))
		return checkpoint_memfd(ctx, file);
	ret = ckpt_file_describe(ctx, file, CKPT_FILE_PATH, &rec);
	if (!ret && (ckpt_is_dead_proc(file) || ckpt_is_outside_proc(ctx, file)))
		return checkpoint_dead_proc(ctx, file, &rec);
	if (!ret)
		ret = proc_obstacle(ctx, file) ?: attr_obstacle(ctx, file);
	if (!ret && dnotify_in_use(file))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "sends signals about changes (F_NOTIFY): not supported");
	if (ret)
		return ret;
	return ckpt_file_write_named(ctx, file, &rec, what_it_is(file));
}
EXPORT_SYMBOL_GPL(generic_file_checkpoint);

/**
 * kmsg_file_checkpoint - ->checkpoint for /dev/kmsg
 * @ctx:	the checkpoint
 * @file:	it; who reads it has a place in the log of this boot, who only writes has none
 *
 * Return: 0 or a negative error, which has been logged.
 */
int kmsg_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	if (file->f_mode & FMODE_READ)
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "reads the kernel's log: not supported");
	return generic_file_checkpoint(ctx, file);
}

/**
 * checkpoint_file - write an open file, unless it has been written
 * @ctx:	the checkpoint
 * @file:	the file
 * @objref:	its objref
 *
 * The objref is given before the method runs, which writes what the file
 * consists of and then the FILE record.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_file(struct ckpt_ctx *ctx, struct file *file, u32 *objref)
{
	struct ckpt_inner_mnt *before = ctx->in_mnt;
	int ret, back;

	ret = ckpt_obj(ctx, CKPT_OBJ_FILE, file, objref);
	if (ret <= 0)
		return ret;
	ret = ckpt_go_to_mnt(ctx, ckpt_mnt_of(ctx, file_user_path(file)));
	if (ret)
		return ret;
	ckpt_name_for_messages(ctx, file_user_path(file));
	if (file->f_mode & FMODE_PATH)
		ret = generic_file_checkpoint(ctx, file);
	else if (file->f_op->checkpoint)
		ret = file->f_op->checkpoint(ctx, file);
	else if (!IS_ERR(pidfd_pid(file)))
		ret = checkpoint_pidfd(ctx, file);
	else
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "%s (%s) has no checkpoint method: not supported",
				    what_it_is(file), file_inode(file)->i_sb->s_type->name);
	if (!ret)
		ret = checkpoint_file_locks(ctx, file, *objref);
	ctx->where.path = NULL;
	back = ckpt_go_to_mnt(ctx, before);
	return ret ?: back;
}

/**
 * checkpoint_path - write a place in the tree of files, as a FILE
 * @ctx:	the checkpoint
 * @path:	a working or root directory, a FIFO
 * @objref:	objref of the FILE
 *
 * It is what open(2) with O_PATH would give: so all that is known of names,
 * renames and removal goes for directories that processes are in, too.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_path(struct ckpt_ctx *ctx, const struct path *path, u32 *objref)
{
	struct file *file;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(ctx->dirs); i++)
		if (ctx->dirs[i] && path_equal(&ctx->dirs[i]->f_path, path))
			return checkpoint_file(ctx, ctx->dirs[i], objref);
	file = dentry_open(path, O_PATH, current_cred());
	if (IS_ERR(file))
		return ckpt_err(ctx, PTR_ERR(file), "cannot be held (error %ld)", PTR_ERR(file));
	ret = checkpoint_file(ctx, file, objref);
	/* From here on the table of objects holds it. */
	if (d_is_dir(path->dentry) && ckpt_obj_lookup(ctx, CKPT_OBJ_FILE, file, objref)) {
		ctx->dirs[1] = ctx->dirs[0];
		ctx->dirs[0] = file;
	}
	fput(file);
	return ret;
}
