// SPDX-License-Identifier: GPL-2.0
/*
 * Who holds the open files that hold locks, or that are made anew? A process
 * outside the tree that shares one could not go on sharing it.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_net.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

/**
 * struct ckpt_locked - an open file that the tree must not share
 * @file:	the file, which the table of objects holds
 * @pid:	a task that has it
 * @fd:		by this descriptor
 * @what:	what it is, for the message
 */
struct ckpt_locked {
	struct file *file;
	pid_t pid;
	int fd;
	const char *what;
};

/**
 * ckpt_remember_held - a file that must be held by the tree alone
 * @ctx:	the checkpoint
 * @file:	the file
 * @what:	what it is, for the message; a constant
 *
 * Return: 0 or -ENOMEM.
 */
int ckpt_remember_held(struct ckpt_ctx *ctx, struct file *file, const char *what)
{
	struct ckpt_locked *locked;

	locked = kvrealloc(ctx->locked, size_mul(ctx->nr_locked + 1, sizeof(*locked)),
			   GFP_KERNEL_ACCOUNT);
	if (!locked)
		return -ENOMEM;
	locked[ctx->nr_locked++] = (struct ckpt_locked) {
		.file = file,
		.pid = ctx->where.pid,
		.fd = ctx->where.fd,
		.what = what,
	};
	ctx->locked = locked;
	return 0;
}

/* Count a reference to a file that is to be held by the tree alone. */
static void count_ref(struct xarray *refs, const struct file *file)
{
	void *entry = xa_load(refs, (unsigned long)file);

	if (entry)
		xa_store(refs, (unsigned long)file, xa_mk_value(xa_to_value(entry) + 1),
			 GFP_KERNEL_ACCOUNT);
}

/* What is in flight is held by the socket whose queue it is in. */
static int count_in_flight(struct xarray *refs, struct file *file)
{
	struct file **files;
	unsigned int i, nr;
	int ret = unix_files_in_flight(file, &files, &nr);

	for (i = 0; i < nr && !ret; i++)
		count_ref(refs, files[i]);
	for (i = 0; i < nr; i++)
		fput(files[i]);
	kvfree(files);
	return ret;
}

static int first_seen(struct xarray *seen, const void *ptr)
{
	int ret = xa_insert(seen, (unsigned long)ptr, xa_mk_value(0), GFP_KERNEL_ACCOUNT);

	return ret == -EBUSY ? 0 : ret ?: 1;
}

static int count_in_table(struct xarray *refs, struct xarray *seen, struct task_struct *t)
{
	struct files_struct *files = ckpt_get_files(t);
	unsigned int fd = 0;
	struct file *file;
	bool cloexec;
	int ret;

	if (!files)
		return -ESRCH;
	ret = first_seen(seen, files);
	for (; ret > 0 && (file = ckpt_next_file(files, &fd, &cloexec)); fd++) {
		count_ref(refs, file);
		fput(file);
	}
	put_files_struct(files);
	return min(ret, 0);
}

static int count_in_mm(struct xarray *refs, struct xarray *seen, struct task_struct *t)
{
	struct mm_struct *mm = get_task_mm(t);
	struct vm_area_struct *vma;
	struct file *exe;
	int ret;

	if (!mm)
		return -ESRCH;
	ret = first_seen(seen, mm);
	if (ret > 0) {
		VMA_ITERATOR(vmi, mm, 0);

		exe = get_mm_exe_file(mm);
		if (exe) {
			count_ref(refs, exe);
			fput(exe);
		}
		mmap_read_lock(mm);
		for_each_vma(vmi, vma)
			if (vma->vm_file)
				count_ref(refs, vma->vm_file);
		mmap_read_unlock(mm);
	}
	mmput(mm);
	return min(ret, 0);
}

/**
 * ckpt_check_holders - is what must be held by the tree alone held so?
 * @ctx:	the checkpoint, with all else done
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_check_holders(struct ckpt_ctx *ctx)
{
	struct xarray refs, seen;
	unsigned int i;
	int ret = 0;

	if (!ctx->nr_locked)
		return 0;
	xa_init(&refs);
	xa_init(&seen);
	for (i = 0; i < ctx->nr_locked && !ret; i++)
		ret = xa_err(xa_store(&refs, (unsigned long)ctx->locked[i].file, xa_mk_value(1),
				      GFP_KERNEL_ACCOUNT));
	for (i = 0; i < ctx->tasks.nr && !ret; i++) {
		if (ckpt_has_own_files(ctx, i))
			ret = count_in_table(&refs, &seen, ctx->tasks.task[i]);
		if (!ret && (ctx->entries[i].flags & (CKPT_TASK_LEADER | CKPT_TASK_ZOMBIE)) ==
			    CKPT_TASK_LEADER)
			ret = count_in_mm(&refs, &seen, ckpt_live_task(ctx, i));
	}
	for (i = 0; i < ctx->nr_locked && !ret; i++)
		ret = count_in_flight(&refs, ctx->locked[i].file);
	for (i = 0; i < ctx->nr_locked && !ret; i++) {
		struct ckpt_locked *l = &ctx->locked[i];

		/* The first is that of the table of objects. */
		if (file_count(l->file) == xa_to_value(xa_load(&refs, (unsigned long)l->file)))
			continue;
		ctx->where = (struct ckpt_where) { .pid = l->pid, .fd = l->fd };
		ckpt_name_for_messages(ctx, file_user_path(l->file));
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "%s, and a process outside the tree shares this open file: not supported",
				    l->what);
	}
	xa_destroy(&refs);
	xa_destroy(&seen);
	return ret;
}
