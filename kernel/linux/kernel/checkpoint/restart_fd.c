// SPDX-License-Identifier: GPL-2.0
/*
 * The descriptor of a restart: made from an image, it tells user space what to make
 * beforehand, and takes what was made. The restart ends with it, if it has not begun.
 */
#include <linux/anon_inodes.h>
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_net.h>
#include <linux/checkpoint_tasks.h>
#include <linux/file.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "restart.h"

static void kept_free(struct kept_records *kept)
{
	u32 i;

	for (i = 0; i < kept->nr; i++)
		kvfree(kept->at[i].record);
	kfree(kept->at);
}

static void restart_free(struct kref *kref)
{
	struct restart_ctx *r = container_of(kref, struct restart_ctx, refs);
	unsigned int i;

	for (i = 0; i < r->nr_tasks; i++) {
		if (r->tasks[i].task) {
			put_task_stack(r->tasks[i].task);
			put_task_struct(r->tasks[i].task);
		}
		restore_process_free(r->tasks[i].process);
		kvfree(r->tasks[i].cpu);
		kvfree(r->tasks[i].fpu);
		kvfree(r->tasks[i].sched);
		kvfree(r->tasks[i].deadline);
		kvfree(r->tasks[i].dispatch);
		kvfree(r->tasks[i].unshared);
		kvfree(r->tasks[i].usage);
		kvfree(r->tasks[i].account);
		kvfree(r->tasks[i].timers);
		kvfree(r->tasks[i].sem_undo);
		restore_sigqueues_free(&r->tasks[i]);
	}
	kvfree(r->tasks);
	kvfree(r->order);
	for (i = 0; i < r->nr_parents; i++)
		ckpt_stream_release(&r->parents[i]);
	kvfree(r->parents);
	kvfree(r->namespaces);
	kvfree(r->mounts);
	kvfree(r->network);
	kept_free(&r->inner_nets);
	kept_free(&r->inner_mnts);
	kvfree(r->user_ns);
	kvfree(r->cgroups);
	put_pid_ns(r->pid_ns);
	put_nsproxy(r->nsproxy);
	put_pid(r->owner);
	ckpt_ctx_free(r->ckpt);
	kfree(r);
}

/**
 * restart_put - let go of a restart
 * @r:	it
 */
void restart_put(struct restart_ctx *r)
{
	kref_put(&r->refs, restart_free);
}

static int tell_record(struct restart_ctx *r, struct restart_record_args __user *uargs)
{
	struct restart_record_args a;
	const void *record;
	u32 len;

	if (copy_from_user(&a, uargs, sizeof(a)))
		return -EFAULT;
	switch (a.type) {
	case CKPT_REC_NETWORK:
		record = r->network;
		len = r->network_len;
		break;
	case CKPT_REC_USER_NS:
		record = r->user_ns;
		len = r->user_ns_len;
		break;
	case CKPT_REC_CGROUPS:
		record = r->cgroups;
		len = r->cgroups_len;
		break;
	default:
		return -EINVAL;
	}
	if (copy_to_user(u64_to_user_ptr(a.record), record, min(a.len, len)))
		return -EFAULT;
	a.len = len;
	return copy_to_user(uargs, &a, sizeof(a)) ? -EFAULT : 0;
}

static int tell_kept(const struct kept_records *all, struct restart_kept_args __user *uargs)
{
	const struct kept_record *kept;
	struct restart_kept_args a;

	if (copy_from_user(&a, uargs, sizeof(a)))
		return -EFAULT;
	if (a.index >= all->nr)
		return -ENOENT;
	kept = &all->at[a.index];
	if (copy_to_user(u64_to_user_ptr(a.record), kept->record, min(a.len, kept->len)))
		return -EFAULT;
	a.len = kept->len;
	return copy_to_user(uargs, &a, sizeof(a)) ? -EFAULT : 0;
}

/* The tool has made the next one. */
static int use_kept(struct restart_ctx *r, struct kept_records *all, int fd,
		    int (*use)(struct ckpt_ctx *ctx, int fd, u32 objref))
{
	int ret = -EINVAL;

	if (task_tgid(current) != r->owner)
		return -EPERM;
	if (!mutex_trylock(&r->lock))
		return -EBUSY;
	if (all->nr_made < all->nr)
		ret = use(r->ckpt, fd, all->at[all->nr_made].objref);
	if (!ret)
		all->nr_made++;
	mutex_unlock(&r->lock);
	return ret;
}

static long restart_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct restart_namespaces_args __user *uargs = (void __user *)arg;
	struct restart_ctx *r = file->private_data;
	struct restart_namespaces_args a;

	if (cmd == CKPT_RESTART_TIME)
		return copy_to_user(uargs, &r->time, sizeof(r->time)) ? -EFAULT : 0;
	if (cmd == CKPT_RESTART_RECORD)
		return tell_record(r, (void __user *)arg);
	if (cmd == CKPT_RESTART_NETWORK)
		return tell_kept(&r->inner_nets, (void __user *)arg);
	if (cmd == CKPT_RESTART_NETWORK_NS)
		return use_kept(r, &r->inner_nets, arg, restore_use_net_ns);
	if (cmd == CKPT_RESTART_MOUNTS)
		return tell_kept(&r->inner_mnts, (void __user *)arg);
	if (cmd == CKPT_RESTART_MOUNTS_NS)
		return use_kept(r, &r->inner_mnts, arg, restore_use_mnt_ns);
	if (cmd == CKPT_RESTART_USER_NS)
		return task_tgid(current) == r->owner ? restore_use_user_ns(r->ckpt, arg) : -EPERM;
	/* That of who made the context is not the tree's to give. */
	if (cmd == CKPT_RESTART_GIVE_PID_NS)
		return task_active_pid_ns(current) == r->pid_ns ? -EINVAL :
		       restore_give_pid_ns(r->ckpt);
	if (cmd == CKPT_RESTART_JOINED)
		return wait_event_killable(r->run_wq, restart_all_in_place(r));
	if (cmd == CKPT_RESTART_GIVE_UP) {
		WRITE_ONCE(r->given_up, true);
		wake_up_all(&r->run_wq);
		return 0;
	}
	if (cmd != CKPT_RESTART_NAMESPACES)
		return -ENOTTY;
	if (copy_from_user(&a, uargs, sizeof(a)))
		return -EFAULT;
	if (copy_to_user(u64_to_user_ptr(a.namespaces), r->namespaces,
			 min(a.namespaces_len, r->namespaces_len)) ||
	    copy_to_user(u64_to_user_ptr(a.mounts), r->mounts, min(a.mounts_len, r->mounts_len)))
		return -EFAULT;
	a.namespaces_len = r->namespaces_len;
	a.mounts_len = r->mounts_len;
	return copy_to_user(uargs, &a, sizeof(a)) ? -EFAULT : 0;
}

/* The task table, for the tool that makes the tree. */
static ssize_t restart_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct restart_ctx *r = file->private_data;
	size_t done = 0;

	while (*pos / sizeof(struct ckpt_task_entry) < r->nr_tasks) {
		unsigned int i = *pos / sizeof(struct ckpt_task_entry);

		if (*pos % sizeof(struct ckpt_task_entry))
			return -EINVAL;
		if (len - done < sizeof(struct ckpt_task_entry))
			break;
		if (copy_to_user(buf + done, &restart_task_by_pid(r, r->order[i])->entry,
				 sizeof(struct ckpt_task_entry)))
			return -EFAULT;
		done += sizeof(struct ckpt_task_entry);
		*pos += sizeof(struct ckpt_task_entry);
	}
	return done;
}

/*
 * Every joined task has inherited the descriptor: only the owner's close counts. Not
 * that of the copied table of a child that the owner could not make, as its pid was
 * still taken: the owner tries again. Who exits has no table any more.
 */
static int restart_flush(struct file *file, fl_owner_t id)
{
	struct restart_ctx *r = file->private_data;
	bool closed = !current->files || id == current->files;

	if (closed && task_tgid(current) == r->owner && r->phase != PHASE_GO) {
		restart_set_phase(r, PHASE_DEAD);
		restore_jobs_close(r->ckpt);
	}
	return 0;
}

static int restart_release(struct inode *inode, struct file *file)
{
	struct restart_ctx *r = file->private_data;

	restart_put(r);
	return 0;
}

static const struct file_operations restart_fops = {
	.owner		= THIS_MODULE,
	.read		= restart_read,
	.unlocked_ioctl	= restart_ioctl,
	.flush		= restart_flush,
	.release	= restart_release,
	.llseek		= noop_llseek,
};

static int open_images(struct restart_ctx *r, const int *fds, unsigned int nr)
{
	struct ckpt_ctx *ctx = r->ckpt;
	unsigned int i;
	int ret;

	ret = ckpt_stream_init(&ctx->img, fds[0], FMODE_READ);
	if (ret)
		return ckpt_err(ctx, ret, "cannot read the image");
	if (nr == 1)
		return 0;
	r->parents = kvcalloc(nr - 1, sizeof(*r->parents), GFP_KERNEL_ACCOUNT);
	if (!r->parents)
		return -ENOMEM;
	for (i = 1; i < nr; i++) {
		ret = ckpt_stream_init(&r->parents[i - 1], fds[i], FMODE_READ);
		if (ret)
			return ckpt_err(ctx, ret, "cannot read parent image %u", i);
		r->nr_parents++;
	}
	return 0;
}

/**
 * restart_create - make a restart context from an image
 * @flags:	RESTART_*
 * @fds:	the image, its parent, the parent's parent ...
 * @nr_fds:	their number
 * @log_fd:	where messages go, or -1
 * @copy_dir:	where copied files are made, or NULL: where they were
 *
 * Return: a file descriptor, or a negative error.
 */
int restart_create(u64 flags, const int *fds, unsigned int nr_fds, int log_fd,
		   const struct path *copy_dir)
{
	struct restart_ctx *r;
	int ret;

	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	r->ckpt = ckpt_ctx_alloc();
	if (!r->ckpt) {
		kfree(r);
		return -ENOMEM;
	}
	if (restore_jobs_alloc(r->ckpt)) {
		ckpt_ctx_free(r->ckpt);
		kfree(r);
		return -ENOMEM;
	}
	kref_init(&r->refs);
	mutex_init(&r->lock);
	init_waitqueue_head(&r->wq);
	init_waitqueue_head(&r->run_wq);
	r->owner = get_pid(task_tgid(current));
	r->pid_ns = get_pid_ns(task_active_pid_ns(current));
	get_nsproxy(current->nsproxy);
	r->nsproxy = current->nsproxy;
	r->ckpt->restart = r;
	r->ckpt->flags = flags;
	if (copy_dir) {
		r->ckpt->copy_dir = *copy_dir;
		path_get(&r->ckpt->copy_dir);
	}
	ret = -EBADF;
	if (log_fd >= 0) {
		r->ckpt->log = fget(log_fd);
		if (!r->ckpt->log || !(r->ckpt->log->f_mode & FMODE_CAN_WRITE))
			goto fail;
	}
	ret = open_images(r, fds, nr_fds);
	if (!ret)
		ret = restart_read_head(r);
	if (!ret)
		ret = anon_inode_getfd("[restart]", &restart_fops, r, O_RDONLY | O_CLOEXEC);
	if (ret >= 0)
		return ret;
	ckpt_err(r->ckpt, ret, "failed with error %d", ret);
fail:
	restart_put(r);
	return ret;
}

/**
 * restart_get - the restart that a descriptor stands for
 * @fd:	the descriptor
 *
 * Return: it, held, or an error pointer.
 */
struct restart_ctx *restart_get(int fd)
{
	struct restart_ctx *r;

	CLASS(fd, f)(fd);
	if (fd_empty(f) || fd_file(f)->f_op != &restart_fops)
		return ERR_PTR(-EBADF);
	r = fd_file(f)->private_data;
	kref_get(&r->refs);
	return r;
}
