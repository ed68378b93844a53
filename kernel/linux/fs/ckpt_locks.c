// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of file locks and leases.
 *
 * POSIX locks belong to a descriptor table, OFD locks, flock(2) locks and
 * leases to an open file. All are put back when every task has its
 * descriptors, and before any of them runs. A task that waits for a lock holds
 * none, and asks again by itself.
 */
#include <linux/checkpoint_files.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/filelock.h>
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/security.h>
#include <linux/slab.h>

#define CKPT_MAX_LOCKS		(CKPT_MAX_RECORD_BYTES / sizeof(struct ckpt_lock))

static const char *const lock_names[] = {
	[CKPT_LOCK_POSIX] = "lock (fcntl)",
	[CKPT_LOCK_OFD] = "lock (fcntl, of the open file)",
	[CKPT_LOCK_FLOCK] = "lock (flock)",
	[CKPT_LOCK_LEASE] = "lease",
};

static pid_t pid_in_caller(pid_t global)
{
	pid_t nr;

	rcu_read_lock();
	nr = pid_vnr(find_pid_ns(global, &init_pid_ns));
	rcu_read_unlock();
	return nr;
}

static struct ckpt_lock describe(const struct file_lock_core *flc, enum ckpt_lock_kind kind,
				 u32 objref)
{
	return (struct ckpt_lock) {
		.end = CKPT_LOCK_EOF,
		.kind = kind,
		.type = flc->flc_type == F_RDLCK ? CKPT_LOCK_READ : CKPT_LOCK_WRITE,
		.file = objref,
		.pid = pid_in_caller(flc->flc_pid),
		.fd = -1,
	};
}

static void list_add_lock(struct ckpt_lock_list *list, const struct ckpt_lock *lock)
{
	if (list->nr < list->max)
		list->at[list->nr] = *lock;
	list->nr++;
}

/* With flc_lock held. What does not fit is counted. */
static void collect_ranges(struct ckpt_lock_list *list, struct file_lock_context *flctx,
			   const struct file *file, const void *owner, bool ofd, u32 objref)
{
	struct file_lock *fl;

	list_for_each_entry(fl, &flctx->flc_posix, c.flc_list) {
		struct ckpt_lock lock;

		if (fl->c.flc_file != file || fl->c.flc_owner != owner ||
		    !(fl->c.flc_flags & FL_OFDLCK) == ofd)
			continue;
		lock = describe(&fl->c, ofd ? CKPT_LOCK_OFD : CKPT_LOCK_POSIX, objref);
		lock.start = fl->fl_start;
		lock.end = fl->fl_end;
		list_add_lock(list, &lock);
	}
}

/* Somebody has opened the file otherwise: the holder has been told, and has some time. */
static void describe_breaking(const struct file_lease *lease, struct ckpt_lock *lock)
{
	bool unlock = lease->c.flc_flags & FL_UNLOCK_PENDING;
	unsigned long when = unlock ? lease->fl_break_time : lease->fl_downgrade_time;

	if (!(lease->c.flc_flags & (FL_UNLOCK_PENDING | FL_DOWNGRADE_PENDING)))
		return;
	lock->breaking = unlock ? CKPT_LEASE_UNLOCK : CKPT_LEASE_DOWNGRADE;
	if (when)
		lock->left_ns = time_after(when, jiffies) ? jiffies_to_nsecs(when - jiffies) : 1;
}

/* With flc_lock held. */
static void collect_of_file(struct ckpt_lock_list *list, struct file_lock_context *flctx,
			    const struct file *file, u32 objref)
{
	struct file_lock_core *flc;
	struct file_lease *lease;
	struct ckpt_lock lock;

	collect_ranges(list, flctx, file, file, true, objref);
	list_for_each_entry(flc, &flctx->flc_flock, flc_list) {
		if (flc->flc_file != file)
			continue;
		lock = describe(flc, CKPT_LOCK_FLOCK, objref);
		list_add_lock(list, &lock);
	}
	list_for_each_entry(lease, &flctx->flc_lease, c.flc_list) {
		if (lease->c.flc_file != file)
			continue;
		lock = describe(&lease->c, CKPT_LOCK_LEASE, objref);
		describe_breaking(lease, &lock);
		if (lease->fl_fasync)
			lock.fd = lease->fl_fasync->fa_fd;
		list_add_lock(list, &lock);
	}
}

static int list_grow(struct ckpt_ctx *ctx, struct ckpt_lock_list *list, unsigned int max)
{
	struct ckpt_lock *at;

	if (max > CKPT_MAX_LOCKS)
		return ckpt_obstacle(ctx, -E2BIG, "%u locks: too many", max);
	at = kvcalloc(max, sizeof(*at), GFP_KERNEL_ACCOUNT);
	if (!at)
		return -ENOMEM;
	if (list->nr)
		memcpy(at, list->at, list->nr * sizeof(*at));
	kvfree(list->at);
	list->at = at;
	list->max = max;
	return 0;
}

/* Collect until all fit: a stranger may take a lock at any time. */
static int collect(struct ckpt_ctx *ctx, struct ckpt_lock_list *list, struct file *file,
		   const struct files_struct *files, u32 objref)
{
	struct file_lock_context *flctx = locks_inode_context(file_inode(file));
	unsigned int before = list->nr, want;
	int ret;

	if (!flctx)
		return 0;
	for (;;) {
		spin_lock(&flctx->flc_lock);
		if (files)
			collect_ranges(list, flctx, file, files, false, objref);
		else
			collect_of_file(list, flctx, file, objref);
		spin_unlock(&flctx->flc_lock);
		if (list->nr <= list->max)
			return 0;
		want = list->nr + 16;
		list->nr = before;
		ret = list_grow(ctx, list, want);
		if (ret || list->max < want)
			return ret;
	}
}

/**
 * ckpt_write_locks - write a LOCKS record, if there are any
 * @ctx:	the checkpoint
 * @list:	the locks
 * @objref:	of their owner
 *
 * Return: 0 or a negative error.
 */
int ckpt_write_locks(struct ckpt_ctx *ctx, struct ckpt_lock_list *list, u32 objref)
{
	if (!list->nr)
		return 0;
	return ckpt_write_rec(ctx, CKPT_REC_LOCKS, objref, list->at,
			      list->nr * sizeof(*list->at));
}

/**
 * checkpoint_file_locks - write the locks and the lease that an open file holds
 * @ctx:	the checkpoint
 * @file:	the file
 * @objref:	its objref
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_file_locks(struct ckpt_ctx *ctx, struct file *file, u32 objref)
{
	struct ckpt_lock_list list = {};
	int ret;

	if (file->f_mode & (FMODE_PATH | FMODE_BACKING))
		return 0;
	ret = collect(ctx, &list, file, NULL, objref);
	if (!ret && list.nr)
		ret = ckpt_remember_held(ctx, file, "holds a lock") ?:
		      ckpt_write_locks(ctx, &list, objref);
	kvfree(list.at);
	return ret;
}

/**
 * ckpt_collect_posix_locks - what a process holds through one of its files
 * @ctx:	the checkpoint
 * @list:	where they are added
 * @files:	the descriptor table, which owns them
 * @file:	the file
 * @objref:	its objref
 *
 * A file may stand in a table several times.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_collect_posix_locks(struct ckpt_ctx *ctx, struct ckpt_lock_list *list,
			     struct files_struct *files, struct file *file, u32 objref)
{
	unsigned int i;

	if (file->f_mode & FMODE_PATH || !locks_inode_context(file_inode(file)))
		return 0;
	for (i = 0; i < list->nr; i++)
		if (list->at[i].file == objref)
			return 0;
	return collect(ctx, list, file, files, objref);
}

/**
 * struct restored_locks - a LOCKS record, until all have their descriptors
 * @list:	in ctx->locks
 * @objref:	of the owner
 * @nr:		number of locks
 * @lock:	the locks
 */
struct restored_locks {
	struct list_head list;
	u32 objref;
	unsigned int nr;
	struct ckpt_lock lock[] __counted_by(nr);
};

void ckpt_locks_free(struct ckpt_ctx *ctx)
{
	struct restored_locks *r, *tmp;

	list_for_each_entry_safe(r, tmp, &ctx->locks, list) {
		list_del(&r->list);
		kvfree(r);
	}
}

static int check_lock(struct ckpt_ctx *ctx, const struct ckpt_lock *l, u32 objref)
{
	bool ranged = l->kind == CKPT_LOCK_POSIX || l->kind == CKPT_LOCK_OFD;

	if (l->kind < CKPT_LOCK_POSIX || l->kind > CKPT_LOCK_LEASE)
		return ckpt_err(ctx, -EINVAL, "LOCKS %u: a lock of unknown kind %u", objref,
				l->kind);
	if (l->type != CKPT_LOCK_READ && l->type != CKPT_LOCK_WRITE)
		return ckpt_err(ctx, -EINVAL, "LOCKS %u: a lock of unknown type %u", objref,
				l->type);
	if (l->start < 0 || l->end < l->start ||
	    (!ranged && (l->start || l->end != CKPT_LOCK_EOF)))
		return ckpt_err(ctx, -EINVAL, "LOCKS %u: bytes %lld to %lld are no range", objref,
				l->start, l->end);
	if (l->breaking > CKPT_LEASE_DOWNGRADE || (!l->breaking && l->left_ns) ||
	    (l->breaking && l->kind != CKPT_LOCK_LEASE) ||
	    (l->breaking == CKPT_LEASE_DOWNGRADE && l->type != CKPT_LOCK_WRITE))
		return ckpt_err(ctx, -EINVAL, "LOCKS %u: a lease cannot be broken so", objref);
	if (l->kind != CKPT_LOCK_POSIX && l->file != objref)
		return ckpt_err(ctx, -EINVAL, "LOCKS %u: the lock is of file %u", objref,
				l->file);
	return 0;
}

/**
 * restore_locks_rec - read locks that are to be set later
 * @ctx:	the restart
 * @rec:	the LOCKS record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_locks_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_locks *r;
	struct ckpt_lock *locks;
	size_t nr = rec->len / sizeof(*locks);
	unsigned int i;
	int ret = 0;

	locks = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*locks), CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(locks))
		return PTR_ERR(locks);
	r = kvmalloc(struct_size(r, lock, nr), GFP_KERNEL_ACCOUNT);
	if (!r)
		ret = -ENOMEM;
	else if (rec->len % sizeof(*locks))
		ret = ckpt_err(ctx, -EINVAL, "LOCKS %u: not a table", rec->objref);
	for (i = 0; i < nr && !ret; i++)
		ret = check_lock(ctx, &locks[i], rec->objref);
	if (ret) {
		kvfree(r);
	} else {
		r->objref = rec->objref;
		r->nr = nr;
		memcpy(r->lock, locks, nr * sizeof(*locks));
		list_add_tail(&r->list, &ctx->locks);
	}
	kvfree(locks);
	return ret;
}

/* Who set it, for /proc/locks and F_GETLK. */
static pid_t pid_of_lock(struct ckpt_ctx *ctx, const struct ckpt_lock *l)
{
	struct restart_task *rt = restart_lookup(ctx, l->pid);

	return rt && rt->task ? rt->task->tgid : current->tgid;
}

static int check_mode(const struct ckpt_lock *l, const struct file *file)
{
	fmode_t want = l->type == CKPT_LOCK_READ ? FMODE_READ : FMODE_WRITE;

	if (l->kind == CKPT_LOCK_FLOCK || l->kind == CKPT_LOCK_LEASE)
		want = FMODE_READ | FMODE_WRITE;
	return file->f_mode & want ? 0 : -EBADF;
}

/* The pid of a lock that stands in the way, or 0. */
static pid_t who_holds(struct file *file, const struct file_lock *fl)
{
	struct file_lock *test;
	pid_t pid = 0;

	if (fl->c.flc_flags & FL_FLOCK)
		return 0;
	test = locks_alloc_lock();
	if (!test)
		return 0;
	locks_copy_lock(test, (struct file_lock *)fl);
	if (!vfs_test_lock(file, test) && test->c.flc_type != F_UNLCK && test->c.flc_pid > 0)
		pid = pid_in_caller(test->c.flc_pid);
	locks_free_lock(test);
	return pid;
}

static int lock_error(struct ckpt_ctx *ctx, const struct ckpt_lock *l, pid_t pid, int err)
{
	char range[64] = "";

	if (l->end != CKPT_LOCK_EOF)
		snprintf(range, sizeof(range), " on bytes %lld to %lld", l->start, l->end);
	else if (l->start)
		snprintf(range, sizeof(range), " from byte %lld on", l->start);
	if (pid)
		return ckpt_err(ctx, err, "its %s%s cannot be set again: process %d holds one now",
				lock_names[l->kind], range, pid);
	if (err == -EAGAIN)
		return ckpt_err(ctx, err,
			"its %s%s cannot be set again: somebody holds one, or has it open, now",
			lock_names[l->kind], range);
	return ckpt_err(ctx, err, "its %s%s cannot be set again (error %d)", lock_names[l->kind],
			range, err);
}

static int set_lock(struct ckpt_ctx *ctx, const struct ckpt_lock *l, struct file *file,
		    void *owner)
{
	unsigned char type = l->type == CKPT_LOCK_READ ? F_RDLCK : F_WRLCK;
	struct file_lock *fl = locks_alloc_lock();
	pid_t pid = 0;
	int ret;

	if (!fl)
		return -ENOMEM;
	fl->c.flc_file = file;
	fl->c.flc_owner = owner;
	fl->c.flc_pid = pid_of_lock(ctx, l);
	fl->c.flc_type = type;
	fl->c.flc_flags = l->kind == CKPT_LOCK_FLOCK ? FL_FLOCK : FL_POSIX;
	if (l->kind == CKPT_LOCK_OFD)
		fl->c.flc_flags |= FL_OFDLCK;
	fl->fl_start = l->start;
	fl->fl_end = l->end;
	ret = security_file_lock(file, type);
	if (!ret && l->kind != CKPT_LOCK_FLOCK)
		ret = vfs_lock_file(file, F_SETLK, fl, NULL);
	else if (!ret && file->f_op->flock)
		ret = file->f_op->flock(file, F_SETLK, fl);
	else if (!ret)
		ret = locks_lock_file_wait(file, fl);
	if (ret == -EAGAIN)
		pid = who_holds(file, fl);
	locks_free_lock(fl);
	return ret ? lock_error(ctx, l, pid, ret) : 0;
}

static bool has_owner(struct file *file)
{
	struct fown_struct *owner = file_f_owner(file);

	return owner && owner->pid;
}

/* The holder knows: no signal is sent. Its time goes on from here. */
static void set_breaking(struct file_lease *lease, const struct ckpt_lock *l)
{
	unsigned long when = 0;

	if (l->left_ns) {
		when = jiffies + nsecs_to_jiffies(min(l->left_ns, (u64)INT_MAX * NSEC_PER_MSEC));
		when = when ?: 1;
	}
	if (l->breaking == CKPT_LEASE_UNLOCK) {
		lease->c.flc_flags |= FL_UNLOCK_PENDING;
		lease->fl_break_time = when;
	} else if (l->breaking == CKPT_LEASE_DOWNGRADE) {
		lease->c.flc_flags |= FL_DOWNGRADE_PENDING;
		lease->fl_downgrade_time = when;
	}
}

static int set_lease(struct ckpt_ctx *ctx, const struct ckpt_lock *l, struct file *file)
{
	bool owned = has_owner(file);
	struct file_lock_context *flctx;
	struct file_lease *lease;
	int ret;

	ret = fcntl_setlease(l->fd, file, l->type == CKPT_LOCK_READ ? F_RDLCK : F_WRLCK);
	if (ret)
		return lock_error(ctx, l, 0, ret);
	/* It is set as by the caller, but it is not the caller's. */
	if (!owned)
		f_delown(file);
	flctx = locks_inode_context(file_inode(file));
	spin_lock(&flctx->flc_lock);
	list_for_each_entry(lease, &flctx->flc_lease, c.flc_list)
		if (lease->c.flc_file == file) {
			lease->c.flc_pid = pid_of_lock(ctx, l);
			set_breaking(lease, l);
		}
	spin_unlock(&flctx->flc_lock);
	return 0;
}

/* As fcntl(2): only what a table holds may be locked for it, or nobody would unlock it. */
static bool table_has(struct files_struct *files, const struct file *file)
{
	unsigned int fd, max;
	bool found = false;

	spin_lock(&files->file_lock);
	max = files_fdtable(files)->max_fds;
	for (fd = 0; fd < max && !found; fd++)
		found = files_lookup_fd_locked(files, fd) == file;
	spin_unlock(&files->file_lock);
	return found;
}

static int set_posix_lock(struct ckpt_ctx *ctx, const struct ckpt_lock *l, struct file *file,
			  u32 owner)
{
	struct ckpt_payload *p = ckpt_ref(ctx, owner, CKPT_OBJ_FILES);
	struct files_struct *files;
	int ret;

	if (IS_ERR(p))
		return PTR_ERR(p);
	files = p->first ? ckpt_get_files(p->first->task) : NULL;
	if (!files)
		return ckpt_err(ctx, -EINVAL, "a lock of descriptors that nobody has");
	ret = set_lock(ctx, l, file, files);
	if (!ret && !table_has(files, file)) {
		locks_remove_posix(file, files);
		ret = ckpt_err(ctx, -EBADF, "a lock of descriptors that do not have the file");
	}
	put_files_struct(files);
	return ret;
}

static int restore_lock(struct ckpt_ctx *ctx, const struct ckpt_lock *l, u32 owner)
{
	struct file *file = ckpt_ref(ctx, l->file, CKPT_OBJ_FILE);
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	ckpt_name_for_messages(ctx, &file->f_path);
	ret = check_mode(l, file);
	if (ret)
		return lock_error(ctx, l, 0, ret);
	if (l->kind == CKPT_LOCK_LEASE)
		return set_lease(ctx, l, file);
	if (l->kind == CKPT_LOCK_POSIX)
		return set_posix_lock(ctx, l, file, owner);
	return set_lock(ctx, l, file, file);
}

/**
 * restore_locks - set the locks of the tree again
 * @ctx:	the restart: every task has its descriptors, and waits
 *
 * Return: 0 or a negative error, which has been logged and says who is in the
 * way.
 */
int restore_locks(struct ckpt_ctx *ctx)
{
	struct restored_locks *r;
	unsigned int i;
	int ret = 0;

	list_for_each_entry(r, &ctx->locks, list)
		for (i = 0; i < r->nr && !ret; i++)
			ret = restore_lock(ctx, &r->lock[i], r->objref);
	ctx->where.path = NULL;
	return ret;
}
