// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of terminals.
 *
 * A terminal is the world's, and not the tree's, unless the tree has the master
 * of it (pty_checkpoint.c): a restart opens it again by its name. Either is made
 * the controlling terminal of the sessions that had it.
 */
#include <linux/checkpoint_files.h>
#include <linux/file.h>
#include <linux/kdev_t.h>
#include <linux/major.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>

static bool is_pts(dev_t dev)
{
	return MAJOR(dev) >= UNIX98_PTY_SLAVE_MAJOR &&
	       MAJOR(dev) < UNIX98_PTY_SLAVE_MAJOR + UNIX98_PTY_MAJOR_COUNT;
}

/**
 * ckpt_is_tty - is this the name and number of a terminal?
 * @path:	its name
 * @dev:	its device number
 *
 * Return: true if opening it opens a terminal, and nothing else.
 */
bool ckpt_is_tty(const char *path, dev_t dev)
{
	dev_t number;

	if (is_pts(dev) || dev == MKDEV(TTYAUX_MAJOR, 1))
		return true;
	return !tty_dev_name_to_number(kbasename(path), &number) && number == dev;
}

static void tty_path(struct tty_struct *tty, char *buf, size_t size)
{
	if (is_pts(tty_devnum(tty)))
		snprintf(buf, size, "/dev/pts/%d", tty->index);
	else
		snprintf(buf, size, "/dev/%s", tty_name(tty));
}

static int tty_obstacle(struct ckpt_ctx *ctx, struct tty_struct *tty)
{
	if (test_bit(TTY_HUPPED, &tty->flags) || test_bit(TTY_OTHER_CLOSED, &tty->flags))
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "a terminal that was hung up");
	return 0;
}

/* Will a restart find it? */
static int check_path(struct ckpt_ctx *ctx, const char *name, dev_t dev)
{
	struct path path;
	bool found;
	int ret;

	ret = kern_path(name, 0, &path);
	if (ret)
		return ckpt_obstacle(ctx, ret, "the terminal is not there (error %d)", ret);
	found = S_ISCHR(d_inode(path.dentry)->i_mode) && d_inode(path.dentry)->i_rdev == dev &&
		ckpt_is_tty(name, dev);
	path_put(&path);
	if (!found)
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "is not the terminal that is open");
	return 0;
}

static int write_tty(struct ckpt_ctx *ctx, u32 objref, struct ckpt_file *rec, dev_t dev,
		     const char *path)
{
	int ret;

	ctx->where.path = path;
	rec->rdev = new_encode_dev(dev);
	ret = check_path(ctx, path, dev);
	if (!ret)
		ret = ckpt_file_write(ctx, objref, rec, path, "");
	ctx->where.path = NULL;
	return ret;
}

/**
 * tty_file_checkpoint - ->checkpoint for an open terminal
 * @ctx:	the checkpoint
 * @file:	the terminal
 *
 * Return: 0 or a negative error, which has been logged.
 */
int tty_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	struct tty_struct *tty = ((struct tty_file_private *)file->private_data)->tty;
	dev_t dev = file_inode(file)->i_rdev;
	const char *path = NULL;
	struct ckpt_file rec;
	char name[96];
	int ret;

	if (ckpt_pty_is_own(ctx, tty))
		return checkpoint_pty_file(ctx, file, tty);
	ret = ckpt_file_describe(ctx, file, CKPT_FILE_TTY, &rec);
	if (!ret && tty_hung_up_p(file))
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "a terminal that was hung up");
	if (!ret)
		ret = tty_obstacle(ctx, tty);
	if (ret)
		return ret;
	/* The name it was opened by; but /dev/tty is another one for each session. */
	if (dev != MKDEV(TTYAUX_MAJOR, 0) && !d_unlinked(file->f_path.dentry))
		path = ckpt_d_path(&file->f_path, ctx->path_buf);
	if (!path) {
		tty_path(tty, name, sizeof(name));
		path = name;
		dev = tty_devnum(tty);
	}
	return write_tty(ctx, ckpt_file_objref(ctx, file), &rec, dev, path);
}

/**
 * checkpoint_tty - write the controlling terminal of a process
 * @ctx:	the checkpoint
 * @tty:	the terminal
 * @objref:	its objref
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_tty(struct ckpt_ctx *ctx, struct tty_struct *tty, u32 *objref)
{
	struct ckpt_file rec = {
		.kind = CKPT_FILE_TTY,
		.f_flags = O_RDWR | O_LARGEFILE,
		.mode = S_IFCHR,
		.async_fd = -1,
	};
	char name[96];
	int ret;

	if (ckpt_pty_is_own(ctx, tty))
		return checkpoint_pty(ctx, tty, objref);
	ret = ckpt_obj(ctx, CKPT_OBJ_TTY, tty, objref);
	if (ret <= 0)
		return ret;
	ret = tty_obstacle(ctx, tty);
	if (ret)
		return ret;
	tty_path(tty, name, sizeof(name));
	return write_tty(ctx, *objref, &rec, tty_devnum(tty), name);
}

/* A group of this session; its leader may have ended, but not all of it. */
static struct pid *foreground_of(struct restart_task *rt)
{
	pid_t pgid = rt->process->tty_foreground;
	struct restart_task *group = restart_lookup(restart_ckpt_ctx(rt), pgid);
	struct task_struct *member;
	struct pid *pgrp;

	if (group && group->entry.pgid == pgid && group->entry.sid == rt->entry.sid)
		return group->task ? task_pid(group->task) : NULL;
	pgrp = group ? NULL : find_vpid(pgid);
	member = pgrp ? pid_task(pgrp, PIDTYPE_PGID) : NULL;
	return member && task_session(member) == task_session(current) ? pgrp : NULL;
}

static void set_foreground(struct restart_task *rt, struct tty_struct *tty)
{
	struct pid *pgrp;

	/* If the group has ended, the session leader sees to it as ever. */
	rcu_read_lock();
	pgrp = foreground_of(rt);
	spin_lock_irq(&tty->ctrl.lock);
	if (pgrp && tty->ctrl.session == task_session(current)) {
		swap(tty->ctrl.pgrp, pgrp);
		get_pid(tty->ctrl.pgrp);
	} else {
		pgrp = NULL;
	}
	spin_unlock_irq(&tty->ctrl.lock);
	rcu_read_unlock();
	put_pid(pgrp);
}

static struct file *controlling_tty(struct restart_task *rt)
{
	struct ckpt_ctx *ctx = restart_ckpt_ctx(rt);

	if (ckpt_ref_type(ctx, rt->process->tty) == CKPT_OBJ_TTY)
		return restored_pty_slave(ctx, rt->process->tty);
	return ckpt_ref(ctx, rt->process->tty, CKPT_OBJ_FILE);
}

/**
 * restore_tty - take on the controlling terminal of the image
 * @rt:		the leader of the process, which is current
 *
 * This is for the leader of a session. The others get it from there, by
 * restore_tty_members().
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_tty(struct restart_task *rt)
{
	struct tty_struct *tty;
	struct file *file;
	int ret;

	if (!rt->process->tty || rt->entry.sid != rt->entry.tgid)
		return 0;
	file = controlling_tty(rt);
	if (IS_ERR(file))
		return restore_fail(rt, PTR_ERR(file), "its controlling terminal: no such object");
	if (file->f_op->checkpoint != tty_file_checkpoint)
		return restore_fail(rt, -EINVAL, "its controlling terminal: not a terminal");
	ret = file->f_op->unlocked_ioctl(file, TIOCSCTTY, 0);
	if (ret)
		return restore_fail(rt, ret,
				    "its controlling terminal: another session may have it");
	tty = get_current_tty();
	if (tty) {
		set_foreground(rt, tty);
		tty_kref_put(tty);
	}
	return 0;
}

static struct tty_struct *tty_of(struct task_struct *t)
{
	struct tty_struct *tty = NULL;
	unsigned long flags;

	if (lock_task_sighand(t, &flags)) {
		tty = tty_kref_get(t->signal->tty);
		unlock_task_sighand(t, &flags);
	}
	return tty;
}

/**
 * restore_tty_members - give a process the controlling terminal of its session
 * @ctx:	the restart
 * @rt:		the leader of the process
 */
void restore_tty_members(struct ckpt_ctx *ctx, struct restart_task *rt)
{
	struct restart_task *leader = restart_lookup(ctx, rt->entry.sid);
	struct tty_struct *tty;
	unsigned long flags;

	if (!rt->process->tty || !leader || leader == rt ||
	    leader->entry.sid != leader->entry.tgid || !leader->process ||
	    !leader->process->tty)
		return;
	tty = tty_of(leader->task);
	if (!tty)
		return;
	if (lock_task_sighand(rt->task, &flags)) {
		swap(rt->task->signal->tty, tty);
		unlock_task_sighand(rt->task, &flags);
	}
	tty_kref_put(tty);
}
