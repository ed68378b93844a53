// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint of pseudo terminals whose master is in the tree, or is no more.
 *
 * The pair stands before its first FILE, and what it holds after all processes,
 * when every file of it has been seen: nobody outside the tree may have one.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_net.h>
#include <linux/devpts_fs.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/tty_flip.h>

#include "ckpt_tty.h"
#include "tty.h"

static bool is_pty(const struct tty_struct *tty)
{
	return tty->driver->type == TTY_DRIVER_TYPE_PTY;
}

static bool is_master(const struct tty_struct *tty)
{
	return is_pty(tty) && tty->driver->subtype == PTY_TYPE_MASTER;
}

static bool is_open_tty(const struct file *file)
{
	return !(file->f_mode & FMODE_PATH) && file->f_op->checkpoint == tty_file_checkpoint;
}

/**
 * ckpt_is_ptmx - is it the master side of a pseudo terminal?
 * @file:	an open file
 *
 * Return: true if it is.
 */
bool ckpt_is_ptmx(const struct file *file)
{
	return is_open_tty(file) && is_master(tty_of_file(file));
}

/* What has been written goes where it belongs first; nobody writes any more. */
static int see_file(struct ckpt_ctx *ctx, struct file *file)
{
	struct tty_struct *master;

	if (!ckpt_is_ptmx(file))
		return 0;
	master = tty_of_file(file);
	tty_buffer_flush_work(master->link->port);
	tty_buffer_flush_work(master->port);
	return xa_err(xa_store(&ctx->masters, (unsigned long)master, xa_mk_value(1),
			       GFP_KERNEL_ACCOUNT));
}

static int see_in_flight(struct ckpt_ctx *ctx, struct file *file)
{
	struct file **files;
	unsigned int i, nr;
	int ret;

	ret = unix_files_in_flight(file, &files, &nr);
	for (i = 0; i < nr; i++) {
		if (!ret)
			ret = see_file(ctx, files[i]);
		fput(files[i]);
	}
	kvfree(files);
	return ret;
}

/**
 * ckpt_find_masters - which masters of pseudo terminals does the tree hold?
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_find_masters(struct ckpt_ctx *ctx)
{
	unsigned int i, fd;
	int ret = 0;

	for (i = 0; i < ctx->tasks.nr && !ret; i++) {
		struct files_struct *files;
		struct file *file;
		bool cloexec;

		if (!ckpt_has_own_files(ctx, i))
			continue;
		files = ckpt_get_files(ctx->tasks.task[i]);
		if (!files) {
			ctx->where.pid = ctx->entries[i].pid;
			return ckpt_err(ctx, -ESRCH, "was killed during the checkpoint");
		}
		for (fd = 0; !ret && (file = ckpt_next_file(files, &fd, &cloexec)); fd++) {
			ret = see_file(ctx, file) ?: see_in_flight(ctx, file);
			fput(file);
		}
		put_files_struct(files);
	}
	return ret;
}

/**
 * ckpt_pty_is_own - does a pseudo terminal come and go with the tree?
 * @ctx:	the checkpoint
 * @tty:	one side of it, or another terminal
 *
 * Return: true if its master is in the tree, or has been closed.
 */
bool ckpt_pty_is_own(struct ckpt_ctx *ctx, struct tty_struct *tty)
{
	struct tty_struct *master = is_master(tty) ? tty : tty->link;

	if (!is_pty(tty))
		return false;
	return tty == master || xa_load(&ctx->masters, (unsigned long)master) ||
	       (test_bit(TTY_OTHER_CLOSED, &tty->flags) && !master->count);
}

/* One of its open files; @devpts: that is in /dev/pts. */
static struct file *file_of(struct tty_struct *tty, bool devpts)
{
	struct tty_file_private *priv;
	struct file *file = NULL;

	spin_lock(&tty->files_lock);
	list_for_each_entry(priv, &tty->tty_files, list) {
		if (devpts && file_inode(priv->file)->i_sb->s_magic != DEVPTS_SUPER_MAGIC)
			continue;
		file = get_file_active(&priv->file);
		if (file)
			break;
	}
	spin_unlock(&tty->files_lock);
	return file;
}

static bool has_locked_termios(const struct tty_struct *tty)
{
	return memchr_inv(&tty->termios_locked, 0, sizeof(tty->termios_locked));
}

static int pair_obstacle(struct ckpt_ctx *ctx, struct tty_struct *master,
			 struct tty_struct *slave)
{
	unsigned long flags;
	pid_t sid = 0;

	if (master->driver->major != UNIX98_PTY_MASTER_MAJOR)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a pseudo terminal in the style of BSD: not supported");
	if (has_locked_termios(master) || has_locked_termios(slave))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"/dev/pts/%d has locked settings (TIOCSLCKTRMIOS): not supported",
			slave->index);
	if (master->ctrl.session)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"the master of /dev/pts/%d controls a session: not supported",
			slave->index);
	spin_lock_irqsave(&slave->ctrl.lock, flags);
	if (slave->ctrl.session)
		sid = pid_vnr(slave->ctrl.session) ?: -1;
	spin_unlock_irqrestore(&slave->ctrl.lock, flags);
	if (sid && !ckpt_in_tree(ctx, sid))
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"/dev/pts/%d controls session %d, whose leader is not in the tree: not supported",
			slave->index, sid);
	return 0;
}

static void describe_node(struct ckpt_pty *rec, const struct inode *inode)
{
	struct timespec64 atime = inode_get_atime(inode), mtime = inode_get_mtime(inode);
	struct timespec64 ctime = inode_get_ctime(inode);

	rec->mode = inode->i_mode;
	rec->uid = from_kuid_munged(current_user_ns(), inode->i_uid);
	rec->gid = from_kgid_munged(current_user_ns(), inode->i_gid);
	rec->atime_ns = timespec64_to_ns(&atime);
	rec->mtime_ns = timespec64_to_ns(&mtime);
	rec->ctime_ns = timespec64_to_ns(&ctime);
}

static int write_pty(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_pty *rec,
		     const char *ptmx)
{
	return ckpt_write_rec2(ctx, CKPT_REC_PTY, objref, rec, sizeof(*rec), ptmx,
			       strlen(ptmx) + 1);
}

/* The name goes when the master does; who has the file open still sees the inode. */
static int write_masterless(struct ckpt_ctx *ctx, struct tty_struct *slave, u32 objref)
{
	struct file *file = file_of(slave, true);
	struct ckpt_pty rec = {
		.index = slave->index,
		.flags = CKPT_PTY_NO_MASTER,
		.f_flags = O_RDWR,
	};

	if (file) {
		describe_node(&rec, file_inode(file));
		fput(file);
	}
	return write_pty(ctx, objref, &rec, "/dev/ptmx");
}

/* Mounts are made before it is there again. */
static int mount_obstacle(struct ckpt_ctx *ctx, const struct tty_struct *slave)
{
	if (!ckpt_is_bind_mounted(slave->driver_data))
		return 0;
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
			     "/dev/pts/%d is the tree's, and mounted elsewhere: not supported",
			     slave->index);
}

static int write_with_master(struct ckpt_ctx *ctx, struct tty_struct *master,
			     struct tty_struct *slave, u32 objref)
{
	struct file *file = file_of(master, false);
	const struct dentry *node = slave->driver_data;
	struct ckpt_pty rec = { .index = slave->index };
	const char *path = ctx->where.path, *ptmx;
	int ret;

	if (!file)
		return ckpt_err(ctx, -ESRCH, "its master was closed during the checkpoint");
	rec.f_flags = file->f_flags & CKPT_PTY_OPEN_FLAGS;
	describe_node(&rec, d_inode(node));
	ret = ckpt_find_name(ctx, &file->f_path, "the master of a pseudo terminal", &ptmx);
	if (ret > 0)
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "a pseudo terminal was made by it, and it was unlinked: not supported");
	else if (!ret && ptmx)
		ret = write_pty(ctx, objref, &rec, ptmx);
	ctx->where.path = path;
	fput(file);
	return ret;
}

static bool file_is_known(struct ckpt_ctx *ctx, struct file *file)
{
	u32 objref;

	return ckpt_obj_lookup(ctx, CKPT_OBJ_FILE, file, &objref);
}

static bool all_files_known(struct ckpt_ctx *ctx, struct tty_struct *tty)
{
	struct tty_file_private *priv;
	bool known = true;

	spin_lock(&tty->files_lock);
	list_for_each_entry(priv, &tty->tty_files, list)
		known &= !file_count(priv->file) || file_is_known(ctx, priv->file);
	spin_unlock(&tty->files_lock);
	return known;
}

/* With the port's buffers locked: what the line discipline had no room for. */
static int describe_in_flight(struct tty_port *port, struct tty_side *side)
{
	struct tty_buffer *b;
	size_t bytes = 0;
	u8 *to;

	/* Pairs with tty_buffer.c, as in flush_to_ldisc(): of the next buffer ... */
	for (b = port->buf.head; b; b = smp_load_acquire(&b->next))
		/* ... and of the bytes in it. */
		bytes += smp_load_acquire(&b->commit) - b->read;
	to = kvmalloc(bytes + 1, GFP_KERNEL_ACCOUNT);
	if (!to)
		return -ENOMEM;
	side->in_flight = to;
	for (b = port->buf.head; b && bytes; b = b->next) {
		size_t n = min_t(size_t, b->commit - b->read, bytes);

		memcpy(to, char_buf_ptr(b, b->read), n);
		to += n;
		bytes -= n;
		if (b->lookahead > b->read)
			side->rec.looked_at += min_t(size_t, b->lookahead - b->read, n);
	}
	side->rec.in_flight = to - side->in_flight;
	return 0;
}

static void describe_flags(struct tty_struct *tty, struct ckpt_tty_side *rec)
{
	unsigned long irq;

	spin_lock_irqsave(&tty->flow.lock, irq);
	rec->flags |= (tty->flow.stopped ? CKPT_TTY_STOPPED : 0) |
		      (tty->flow.tco_stopped ? CKPT_TTY_TCO_STOPPED : 0);
	spin_unlock_irqrestore(&tty->flow.lock, irq);
	rec->flags |= (test_bit(TTY_EXCLUSIVE, &tty->flags) ? CKPT_TTY_EXCLUSIVE : 0) |
		      (test_bit(TTY_IO_ERROR, &tty->flags) ? CKPT_TTY_IO_ERROR : 0) |
		      (test_bit(TTY_OTHER_CLOSED, &tty->flags) ? CKPT_TTY_OTHER_CLOSED : 0) |
		      (test_bit(TTY_PTY_LOCK, &tty->flags) ? CKPT_TTY_LOCKED : 0) |
		      (test_bit(TTY_THROTTLED, &tty->flags) ? CKPT_TTY_THROTTLED : 0);
	spin_lock_irqsave(&tty->ctrl.lock, irq);
	rec->flags |= tty->ctrl.packet ? CKPT_TTY_PACKET : 0;
	rec->packet_status = tty->ctrl.pktstatus;
	spin_unlock_irqrestore(&tty->ctrl.lock, irq);
}

static void describe_settings(struct tty_struct *tty, struct ckpt_tty_side *rec)
{
	const struct ktermios *t = &tty->termios;

	BUILD_BUG_ON(sizeof(rec->cc) != sizeof(t->c_cc));
	down_read(&tty->termios_rwsem);
	rec->iflag = t->c_iflag;
	rec->oflag = t->c_oflag;
	rec->cflag = t->c_cflag;
	rec->lflag = t->c_lflag;
	rec->ispeed = t->c_ispeed;
	rec->ospeed = t->c_ospeed;
	rec->line = t->c_line;
	memcpy(rec->cc, t->c_cc, sizeof(rec->cc));
	up_read(&tty->termios_rwsem);
	mutex_lock(&tty->winsize_mutex);
	rec->rows = tty->winsize.ws_row;
	rec->cols = tty->winsize.ws_col;
	rec->xpixel = tty->winsize.ws_xpixel;
	rec->ypixel = tty->winsize.ws_ypixel;
	mutex_unlock(&tty->winsize_mutex);
}

static int describe_side(struct ckpt_ctx *ctx, struct tty_struct *tty, struct tty_side *side)
{
	struct tty_ldisc *ld = tty_ldisc_ref_wait(tty);
	int ret = 0;

	if (ld && ld->ops->num != N_TTY)
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "/dev/pts/%d has line discipline %d (%s): not supported",
				    tty->index, ld->ops->num, ld->ops->name);
	describe_flags(tty, &side->rec);
	describe_settings(tty, &side->rec);
	if (!ret) {
		tty_buffer_lock_exclusive(tty->port);
		ret = describe_in_flight(tty->port, side);
		if (ld && ld->ops->num == N_TTY)
			n_tty_describe(tty, side);
		tty_buffer_unlock_exclusive(tty->port);
	}
	if (ld)
		tty_ldisc_deref(ld);
	else
		side->rec.flags |= CKPT_TTY_HUNG_UP;
	return ret;
}

static void *add(void *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	return to + len;
}

static int write_sides(struct ckpt_ctx *ctx, u32 objref, const struct tty_side *side)
{
	struct ckpt_pty_state rec;
	size_t len = 0;
	void *tail, *to;
	unsigned int i;
	int ret;

	for (i = 0; i < 2; i++) {
		rec.side[i] = side[i].rec;
		len += side[i].rec.unread + line_end_bytes(&side[i]) + side[i].rec.echo +
		       side[i].rec.in_flight;
	}
	tail = kvmalloc(len + 1, GFP_KERNEL_ACCOUNT);
	if (!tail)
		return -ENOMEM;
	for (i = 0, to = tail; i < 2; i++) {
		to = add(to, side[i].unread, side[i].rec.unread);
		to = add(to, side[i].line_ends, line_end_bytes(&side[i]));
		to = add(to, side[i].echo, side[i].rec.echo);
		to = add(to, side[i].in_flight, side[i].rec.in_flight);
	}
	ret = ckpt_write_rec2(ctx, CKPT_REC_PTY_STATE, objref, &rec, sizeof(rec), tail, len);
	kvfree(tail);
	return ret;
}

static int checkpoint_pty_state(struct ckpt_ctx *ctx, void *ptr, u32 objref)
{
	struct tty_struct *slave = ptr, *master = slave->link;
	struct tty_side *side;
	int ret = 0;

	if (!all_files_known(ctx, slave) || !all_files_known(ctx, master)) {
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "/dev/pts/%d is the tree's, and a process outside the tree has it open: not supported",
				    slave->index);
		if (ret)
			return ret;
	}
	side = kvcalloc(2, sizeof(*side), GFP_KERNEL_ACCOUNT);
	if (!side)
		return -ENOMEM;
	if (master->count)
		ret = describe_side(ctx, master, &side[0]);
	if (!ret)
		ret = describe_side(ctx, slave, &side[1]);
	if (!ret)
		ret = write_sides(ctx, objref, side);
	kvfree(side[0].in_flight);
	kvfree(side[1].in_flight);
	kvfree(side);
	return ret;
}

/**
 * checkpoint_pty - write a pseudo terminal of the tree, unless it has been written
 * @ctx:	the checkpoint
 * @tty:	one side of it
 * @objref:	its objref
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_pty(struct ckpt_ctx *ctx, struct tty_struct *tty, u32 *objref)
{
	struct tty_struct *slave = is_master(tty) ? tty->link : tty, *master = slave->link;
	int ret;

	ret = ckpt_obj(ctx, CKPT_OBJ_TTY, slave, objref);
	if (ret <= 0)
		return ret;
	ret = pair_obstacle(ctx, master, slave);
	if (ret || master->driver->major != UNIX98_PTY_MASTER_MAJOR)
		return ret;
	if (xa_load(&ctx->masters, (unsigned long)master))
		ret = mount_obstacle(ctx, slave) ?:
		      write_with_master(ctx, master, slave, *objref);
	else if (master->count)
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "the master of /dev/pts/%d is in flight in a socket that is in flight itself: not supported",
				    slave->index);
	else
		ret = write_masterless(ctx, slave, *objref);
	return ret ?: ckpt_write_later(ctx, CKPT_STAGE_FILL, slave, *objref,
				       checkpoint_pty_state);
}

/* The name it was opened by, if that leads there from here. */
static const char *name_of(struct ckpt_ctx *ctx, const struct path *path)
{
	const char *name = d_unlinked(path->dentry) ? NULL : ckpt_d_path(path, ctx->path_buf);
	struct path found;
	bool same;

	if (!name || kern_path(name, 0, &found))
		return "";
	same = found.dentry == path->dentry;
	path_put(&found);
	return same ? name : "";
}

/**
 * checkpoint_pty_file - write an open file of a pseudo terminal of the tree
 * @ctx:	the checkpoint
 * @file:	the file
 * @tty:	its side
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_pty_file(struct ckpt_ctx *ctx, struct file *file, struct tty_struct *tty)
{
	struct ckpt_file rec;
	int ret;

	ret = ckpt_file_describe(ctx, file, is_master(tty) ? CKPT_FILE_PTY_MASTER :
							     CKPT_FILE_PTY_SLAVE, &rec);
	if (!ret && is_master(tty) && tty_hung_up_p(file))
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "the master of a pseudo terminal, hung up");
	if (ret)
		return ret;
	if (tty_hung_up_p(file))
		rec.flags |= CKPT_FILE_HUNG_UP;
	ret = checkpoint_pty(ctx, tty, &rec.object);
	if (!ret)
		ret = ckpt_remember_held(ctx, file, "is made anew by a restart");
	if (ret)
		return ret;
	return ckpt_file_write(ctx, ckpt_file_objref(ctx, file), &rec,
			       name_of(ctx, &file->f_path), "");
}
