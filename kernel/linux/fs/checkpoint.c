// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint of open files, descriptor tables and working directories.
 *
 * A file is written by the ->checkpoint method of its file operations. What
 * has no such method is refused by name: nothing is left out in silence.
 */
#include <linux/checkpoint_internal.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/filelock.h>
#include <linux/fs_struct.h>
#include <linux/highmem.h>
#include <linux/kdev_t.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/statfs.h>
#include <linux/string.h>
#include <linux/tty.h>

/**
 * ckpt_d_path - the name of a path, as the caller sees it
 * @path:	the path
 * @buf:	PATH_MAX bytes
 *
 * Return: the name, without a mark if it has been removed; NULL if the path
 * cannot be reached from the caller's root, or its name is too long.
 */
char *ckpt_d_path(const struct path *path, char *buf)
{
	struct path root;
	char *name;

	get_fs_root(current->fs, &root);
	name = __d_path(path, &root, buf, PATH_MAX);
	path_put(&root);
	return IS_ERR(name) ? NULL : name;
}

/* The name for messages: whatever there is. */
static void name_for_messages(struct ckpt_ctx *ctx, const struct path *path)
{
	char *name = d_path(path, ctx->path_buf, PATH_MAX);

	ctx->where.path = IS_ERR(name) ? NULL : name;
}

static bool in_tree(struct ckpt_ctx *ctx, pid_t pid)
{
	unsigned int i;

	for (i = 0; i < ctx->tasks.nr; i++)
		if (ctx->entries[i].pid == pid)
			return true;
	return false;
}

/* Whom SIGIO goes to. A restart must not send it to a stranger. */
static int describe_owner(struct ckpt_ctx *ctx, struct file *file, struct ckpt_file *rec)
{
	struct fown_struct *owner = file_f_owner(file);
	enum pid_type type;
	pid_t pid;

	if (!owner)
		return 0;
	read_lock_irq(&owner->lock);
	pid = pid_vnr(owner->pid);
	type = owner->pid_type;
	rec->owner_sig = owner->signum;
	rec->owner_uid = from_kuid_munged(current_user_ns(), owner->uid);
	rec->owner_euid = from_kuid_munged(current_user_ns(), owner->euid);
	read_unlock_irq(&owner->lock);
	if (!pid)
		return 0;
	if (type == PIDTYPE_PID)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "its signals go to thread %d (F_SETOWN_EX): not supported",
				     pid);
	if (!in_tree(ctx, pid))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "its signals go to %d (F_SETOWN), which is not in the tree",
				     pid);
	rec->owner_type = type == PIDTYPE_PGID ? CKPT_OWNER_GROUP : CKPT_OWNER_PROCESS;
	rec->owner_pid = pid;
	return 0;
}

/* What a restart knows the inode by, and what fstat(2) says of it. */
static int describe_inode(struct ckpt_ctx *ctx, struct file *file, struct ckpt_file *rec)
{
	const struct path *path = file_user_path(file);
	const struct inode *inode = d_inode(path->dentry);
	const struct super_block *sb = inode->i_sb;
	struct kstatfs fs;
	struct kstat st;
	int ret;

	ret = vfs_getattr_nosec(path, &st, STATX_BASIC_STATS, 0);
	if (ret)
		return ckpt_err(ctx, ret, "cannot be looked at (error %d)", ret);
	rec->mode = st.mode;
	rec->ino = st.ino;
	rec->dev = new_encode_dev(st.dev);
	rec->rdev = new_encode_dev(st.rdev);
	rec->size = st.size;
	rec->blocks = st.blocks;
	rec->atime_ns = timespec64_to_ns(&st.atime);
	rec->mtime_ns = timespec64_to_ns(&st.mtime);
	rec->ctime_ns = timespec64_to_ns(&st.ctime);
	rec->nlink = st.nlink;
	rec->rw_hint = inode->i_write_hint;
	rec->fs_magic = sb->s_magic;
	BUILD_BUG_ON(sizeof(sb->s_uuid) != CKPT_UUID_BYTES);
	memcpy(rec->fs_uuid, &sb->s_uuid, CKPT_UUID_BYTES);
	/* Filesystems that export handles see to it that it tells inodes apart. */
	if (sb->s_export_op)
		rec->generation = inode->i_generation;
	if (!vfs_statfs(path, &fs))
		rec->fsid = (u32)fs.f_fsid.val[0] | (u64)(u32)fs.f_fsid.val[1] << 32;
	return 0;
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
	struct inode *inode = d_inode(file_user_path(file)->dentry);
	int ret;

	*rec = (struct ckpt_file) {
		.kind = kind,
		.f_flags = file->f_flags & CKPT_OPEN_FLAGS,
		.pos = file->f_pos,
		.async_fd = -1,
	};
	ret = describe_inode(ctx, file, rec);
	if (ret)
		return ret;
	if (!(inode->i_state & I_LINKABLE))
		rec->f_flags &= ~__O_TMPFILE;
	if (file->f_flags & FASYNC)
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "sends signals (O_ASYNC): not supported");
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
	size_t len = strlen(path) + 1, len2 = strlen(path2) + 1;
	char *tail = kmalloc(len + len2, GFP_KERNEL);
	int ret;

	if (!tail)
		return -ENOMEM;
	memcpy(tail, path, len);
	memcpy(tail + len, path2, len2);
	ret = ckpt_write_rec2(ctx, CKPT_REC_FILE, objref, rec, sizeof(*rec), tail, len + len2);
	kfree(tail);
	return ret;
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

static bool list_has_file(struct list_head *locks, const struct file *file)
{
	struct file_lock_core *flc;

	list_for_each_entry(flc, locks, flc_list)
		if (flc->flc_file == file)
			return true;
	return false;
}

static const char *lock_of(struct file *file)
{
	struct file_lock_context *flctx = locks_inode_context(file_inode(file));
	const char *lock = NULL;

	if (!flctx)
		return NULL;
	spin_lock(&flctx->flc_lock);
	if (list_has_file(&flctx->flc_posix, file))
		lock = "a record lock (fcntl)";
	else if (list_has_file(&flctx->flc_flock, file))
		lock = "a lock (flock)";
	else if (list_has_file(&flctx->flc_lease, file))
		lock = "a lease";
	spin_unlock(&flctx->flc_lock);
	return lock;
}

/* Does its name lead to it? Something may be mounted over it. */
static int check_name(struct ckpt_ctx *ctx, const struct path *path, const char *name)
{
	struct path found;
	bool same;
	int ret;

	ret = kern_path(name, 0, &found);
	if (ret)
		return ckpt_obstacle(ctx, ret, "cannot be found by its name (error %d)", ret);
	same = d_inode(found.dentry) == d_inode(path->dentry);
	path_put(&found);
	if (!same)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "its name leads to another file: something is mounted over it");
	return 0;
}

/* A file whose name is gone gets another, by which a restart finds it. */
static int checkpoint_unlinked(struct ckpt_ctx *ctx, struct file *file, struct ckpt_file *rec,
			       const char *last_name)
{
	const char *path = NULL;
	int ret;

	rec->kind = CKPT_FILE_RELINKED;
	ret = checkpoint_relink(ctx, file_user_path(file)->dentry, &path);
	if (ret || !path)
		return ret;
	return ckpt_file_write(ctx, ckpt_file_objref(ctx, file), rec, path, last_name);
}

/**
 * generic_file_checkpoint - ->checkpoint for what is reopened by its name
 * @ctx:	the checkpoint
 * @file:	a regular file, a directory, or a device without a state of its own
 *
 * Return: 0 or a negative error, which has been logged.
 */
int generic_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	const struct path *path = file_user_path(file);
	const char *lock = lock_of(file);
	struct ckpt_file rec;
	const char *name;
	int ret;

	ret = ckpt_file_describe(ctx, file, CKPT_FILE_PATH, &rec);
	if (ret)
		return ret;
	if (lock) {
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "holds %s: not supported", lock);
		if (ret)
			return ret;
	}
	if (path->mnt->mnt_flags & MNT_INTERNAL)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			strstarts(path->dentry->d_name.name, "memfd:") ?
			"a memfd: not supported" : "a file that never had a name: not supported");
	name = ckpt_d_path(path, ctx->path_buf);
	if (!name) {
		name_for_messages(ctx, path);
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "is outside the root of the caller");
	}
	ctx->where.path = name;
	if (d_unlinked(path->dentry))
		return checkpoint_unlinked(ctx, file, &rec, name);
	ret = check_name(ctx, path, name);
	if (ret)
		return ret;
	return ckpt_file_write(ctx, ckpt_file_objref(ctx, file), &rec, name, "");
}
EXPORT_SYMBOL_GPL(generic_file_checkpoint);

static const char *what_it_is(struct file *file)
{
	umode_t mode = file_inode(file)->i_mode;

	if (file->f_mode & FMODE_PATH)
		return "a descriptor opened with O_PATH";
	if (tty_hung_up_p(file))
		return "a terminal that was hung up";
	if (S_ISSOCK(mode))
		return "a socket";
	if (S_ISBLK(mode))
		return "a block device";
	if (S_ISCHR(mode))
		return "a device";
	if (S_ISDIR(mode))
		return "a directory";
	return "a file";
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
	int ret;

	ret = ckpt_obj(ctx, CKPT_OBJ_FILE, file, objref);
	if (ret <= 0)
		return ret;
	name_for_messages(ctx, file_user_path(file));
	if (file->f_op->checkpoint)
		ret = file->f_op->checkpoint(ctx, file);
	else
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "%s (%s) has no checkpoint method: not supported",
				    what_it_is(file), file_inode(file)->i_sb->s_type->name);
	ctx->where.path = NULL;
	return ret;
}

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

/* A process that shares its descriptors or directories with another one. */
static bool other_process_has(struct ckpt_ctx *ctx, struct task_struct *t,
			      struct files_struct *files, struct fs_struct *fs)
{
	unsigned int i;

	for (i = 0; i < ctx->tasks.nr; i++) {
		struct task_struct *other = ctx->tasks.task[i];

		if (!(ctx->entries[i].flags & CKPT_TASK_LEADER) || other == t)
			continue;
		if ((files && READ_ONCE(other->files) == files) ||
		    (fs && READ_ONCE(other->fs) == fs))
			return true;
	}
	return false;
}

static int write_fds(struct ckpt_ctx *ctx, struct files_struct *files, u32 *objref)
{
	unsigned int fd = 0, n = 0, max = count_fds(files);
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
		n++;
		fput(file);
	}
	ctx->where.fd = -1;
	*objref = ++ctx->next_ref;
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_FILES, *objref, fds, n * sizeof(*fds));
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
	int ret = 0;

	if (!files)
		return ckpt_err(ctx, -ESRCH, "was killed during the checkpoint");
	if (atomic_read(&files->count) > get_nr_threads(t) + 1 &&
	    other_process_has(ctx, t, files, NULL))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "%s: shares its descriptors with another process (CLONE_FILES): not supported",
				    t->comm);
	if (!ret)
		ret = write_fds(ctx, files, objref);
	put_files_struct(files);
	return ret;
}

static bool get_fs_paths(struct task_struct *t, struct path *pwd, struct path *root,
			 struct ckpt_fs *rec, struct fs_struct **fs, int *users)
{
	task_lock(t);
	*fs = t->fs;
	if (*fs) {
		spin_lock(&(*fs)->lock);
		*pwd = (*fs)->pwd;
		path_get(pwd);
		*root = (*fs)->root;
		path_get(root);
		rec->umask = (*fs)->umask;
		*users = (*fs)->users;
		spin_unlock(&(*fs)->lock);
	}
	task_unlock(t);
	return *fs;
}

static char *name_of_dir(struct ckpt_ctx *ctx, const struct path *path, const char *what,
			 int *ret)
{
	char *name;

	name_for_messages(ctx, path);
	if (d_unlinked(path->dentry)) {
		*ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "%s has been removed: not supported", what);
		return NULL;
	}
	name = ckpt_d_path(path, ctx->path_buf);
	if (!name) {
		name_for_messages(ctx, path);
		*ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "%s is outside the root of the caller",
				     what);
		return NULL;
	}
	ctx->where.path = name;
	*ret = check_name(ctx, path, name);
	return *ret ? NULL : kstrdup(name, GFP_KERNEL);
}

/**
 * checkpoint_fs - write working directory, root directory and umask
 * @ctx:	the checkpoint
 * @t:		leader of the process
 * @objref:	objref of the record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_fs(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref)
{
	char *pwd_name = NULL, *root_name = NULL, *tail = NULL;
	size_t pwd_len, root_len;
	struct ckpt_fs rec = {};
	struct path pwd, root;
	struct fs_struct *fs;
	int ret = 0, users;

	if (!get_fs_paths(t, &pwd, &root, &rec, &fs, &users))
		return ckpt_err(ctx, -ESRCH, "was killed during the checkpoint");
	if (users > get_nr_threads(t) && other_process_has(ctx, t, NULL, fs))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "%s: shares its directories with another process (CLONE_FS): not supported",
				    t->comm);
	*objref = ++ctx->next_ref;
	if (!ret)
		pwd_name = name_of_dir(ctx, &pwd, "the working directory", &ret);
	if (!ret)
		root_name = name_of_dir(ctx, &root, "the root directory", &ret);
	ctx->where.path = NULL;
	if (ret || ckpt_dryrun(ctx))
		goto out;
	ret = -ENOMEM;
	if (!pwd_name || !root_name)
		goto out;
	pwd_len = strlen(pwd_name) + 1;
	root_len = strlen(root_name) + 1;
	tail = kmalloc(pwd_len + root_len, GFP_KERNEL);
	if (!tail)
		goto out;
	memcpy(tail, pwd_name, pwd_len);
	memcpy(tail + pwd_len, root_name, root_len);
	ret = ckpt_write_rec2(ctx, CKPT_REC_FS, *objref, &rec, sizeof(rec), tail,
			      pwd_len + root_len);
out:
	kfree(tail);
	kfree(pwd_name);
	kfree(root_name);
	path_put(&pwd);
	path_put(&root);
	return ret;
}
