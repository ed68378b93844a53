// SPDX-License-Identifier: GPL-2.0
/*
 * A tree that stays at rest after its checkpoint. Its image may be restarted
 * elsewhere meanwhile; what becomes of the tree is said once that is known.
 */
#include <linux/anon_inodes.h>
#include <linux/checkpoint_net.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

/**
 * struct ckpt_held - what the file descriptor of a held tree stands for
 * @asked:	the tasks that rest
 * @tasks:	the whole tree
 * @tcp:	its connections, which are held still
 */
struct ckpt_held {
	struct ckpt_task_list asked;
	struct ckpt_task_list tasks;
	struct list_head tcp;
};

static long held_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ckpt_held *held = file->private_data;
	unsigned int i;

	if (cmd != CKPT_HELD_KILL || arg)
		return -ENOTTY;
	ckpt_tcp_silence(&held->tcp);
	for (i = 0; i < held->tasks.nr; i++)
		if (thread_group_leader(held->tasks.task[i]))
			do_send_sig_info(SIGKILL, SEND_SIG_PRIV, held->tasks.task[i],
					 PIDTYPE_TGID);
	return 0;
}

/* Whoever held it has closed it, or is gone: the tree goes on. */
static int held_release(struct inode *inode, struct file *file)
{
	struct ckpt_held *held = file->private_data;

	ckpt_tcp_let_go(&held->tcp);
	ckpt_let_go(&held->asked);
	ckpt_task_list_free(&held->asked);
	ckpt_task_list_free(&held->tasks);
	kfree(held);
	return 0;
}

static const struct file_operations held_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= held_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.release	= held_release,
};

/**
 * ckpt_held_file - make what a tree can be held by, before it is at rest
 *
 * Return: a file, or an error pointer.
 */
struct file *ckpt_held_file(void)
{
	struct ckpt_held *held = kzalloc(sizeof(*held), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!held)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&held->tcp);
	file = anon_inode_getfile("[held]", &held_fops, held, O_RDONLY | O_CLOEXEC);
	if (IS_ERR(file))
		kfree(held);
	return file;
}

/**
 * ckpt_hold - the tree stays at rest as long as a file is open
 * @ctx:	the checkpoint, which is complete; it has no tasks any more
 * @file:	of ckpt_held_file()
 */
void ckpt_hold(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_held *held = file->private_data;

	held->asked = ctx->asked;
	held->tasks = ctx->tasks;
	list_splice_init(&ctx->tcp, &held->tcp);
	ctx->asked = (struct ckpt_task_list) {};
	ctx->tasks = (struct ckpt_task_list) {};
}
