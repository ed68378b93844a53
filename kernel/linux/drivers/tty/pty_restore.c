// SPDX-License-Identifier: GPL-2.0
/*
 * Restart of pseudo terminals that come and go with the tree.
 *
 * The caller makes them by opening ptmx, as anybody may, but says which one it is
 * to be. The slave is held open until all else has succeeded, so that neither side
 * sees the other one gone; what depends on who has it open is set after that.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_tasks.h>
#include <linux/devpts_fs.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/kdev_t.h>
#include <linux/major.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/tty_flip.h>

#include "ckpt_tty.h"
#include "tty.h"

#define MAX_IN_FLIGHT		(64 * 1024)
#define SLAVE_OPEN_FLAGS	(CKPT_PTY_OPEN_FLAGS | O_NONBLOCK)
#define TIOCPKT_ALL		0x7f

/**
 * struct restored_pty - a pseudo terminal that has been made
 * @master:	its master, until the image says that it was closed
 * @slave:	a slave that no task will see, until all else has succeeded
 * @no_master:	it was closed
 * @taken:	the FILE of the master has been read
 * @stated:	so has its PTY_STATE
 * @flags:	CKPT_TTY_* of both sides
 */
struct restored_pty {
	struct file *master;
	struct file *slave;
	bool no_master;
	bool taken;
	bool stated;
	u32 flags[2];
};

void restored_pty_put(void *ptr)
{
	struct restored_pty *p = ptr;

	if (p->slave)
		fput(p->slave);
	if (p->master)
		fput(p->master);
	kfree(p);
}

/* What the caller has made is his to give away as far as chown(2) and chmod(2) go. */
static int restore_node(struct ckpt_ctx *ctx, const struct ckpt_pty *rec, const struct path *node)
{
	struct inode *inode = d_inode(node->dentry);
	struct iattr attr = {
		.ia_mode = rec->mode,
		.ia_uid = make_kuid(current_user_ns(), rec->uid),
		.ia_gid = make_kgid(current_user_ns(), rec->gid),
	};
	int ret;

	if (!rec->mode)
		return 0;
	if (!uid_valid(attr.ia_uid) || !gid_valid(attr.ia_gid))
		return ckpt_err(ctx, -EINVAL, "has no valid owner");
	if (!uid_eq(attr.ia_uid, inode->i_uid))
		attr.ia_valid |= ATTR_UID;
	if (!gid_eq(attr.ia_gid, inode->i_gid))
		attr.ia_valid |= ATTR_GID;
	if (attr.ia_mode != inode->i_mode)
		attr.ia_valid |= ATTR_MODE;
	ret = attr.ia_valid ? mnt_want_write(node->mnt) : 0;
	if (ret)
		return ckpt_err(ctx, ret, "its devpts is mounted read-only (error %d)", ret);
	inode_lock(inode);
	if (attr.ia_valid)
		ret = notify_change(mnt_idmap(node->mnt), node->dentry, &attr, NULL);
	if (!ret) {
		inode_set_atime_to_ts(inode, ns_to_timespec64(rec->atime_ns));
		inode_set_mtime_to_ts(inode, ns_to_timespec64(rec->mtime_ns));
		inode_set_ctime_to_ts(inode, ns_to_timespec64(rec->ctime_ns));
	}
	inode_unlock(inode);
	if (attr.ia_valid)
		mnt_drop_write(node->mnt);
	if (ret)
		return ckpt_err(ctx, ret, "cannot be given to %u:%u, mode %o (error %d)",
				rec->uid, rec->gid, rec->mode & S_IALLUGO, ret);
	return 0;
}

static struct file *open_ptmx(struct ckpt_ctx *ctx, const struct ckpt_pty *rec, const char *name)
{
	struct file *file = ERR_PTR(-EINVAL);
	int flags = rec->f_flags | O_NOCTTY;
	struct path path;
	int ret;

	ret = kern_path(name, LOOKUP_FOLLOW, &path);
	if (ret)
		return ERR_PTR(ckpt_err(ctx, ret, "cannot be found (error %d)", ret));
	if (S_ISCHR(d_inode(path.dentry)->i_mode) &&
	    d_inode(path.dentry)->i_rdev == MKDEV(TTYAUX_MAJOR, 2))
		file = path_open_given(&path, flags, current_cred(), xa_mk_value(rec->index));
	if (file == ERR_PTR(-EBUSY) && rec->flags & CKPT_PTY_NO_MASTER) {
		/* It is known by no name any more. */
		file = path_open_given(&path, flags, current_cred(), NULL);
		if (!IS_ERR(file))
			ckpt_note(ctx,
				  "/dev/pts/%u is another's now: what was hung up has another number",
				  rec->index);
	}
	path_put(&path);
	if (file == ERR_PTR(-EBUSY))
		ckpt_err(ctx, -EBUSY, "/dev/pts/%u is in use by somebody else", rec->index);
	else if (IS_ERR(file))
		ckpt_err(ctx, PTR_ERR(file), "no pseudo terminal can be made by it (error %ld)",
			 PTR_ERR(file));
	return file;
}

static int open_slave(struct ckpt_ctx *ctx, const struct ckpt_pty *rec, struct restored_pty *p)
{
	struct tty_struct *master = tty_of_file(p->master);
	struct path node;
	int ret;

	clear_bit(TTY_PTY_LOCK, &master->flags);
	node.mnt = devpts_mntget(p->master, master->driver_data);
	if (IS_ERR(node.mnt))
		return ckpt_err(ctx, PTR_ERR(node.mnt), "its devpts is not mounted beside it");
	node.dentry = master->link->driver_data;
	p->slave = dentry_open(&node, O_RDWR | O_NOCTTY | O_NONBLOCK | __FMODE_NONOTIFY,
			       current_cred());
	ret = PTR_ERR_OR_ZERO(p->slave);
	if (ret)
		p->slave = NULL;
	else
		ret = restore_node(ctx, rec, &node);
	mntput(node.mnt);
	return ret;
}

static int make_pty(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_pty *rec,
		    const char *name)
{
	struct restored_pty *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!p)
		return -ENOMEM;
	p->no_master = rec->flags & CKPT_PTY_NO_MASTER;
	p->master = open_ptmx(ctx, rec, name);
	if (IS_ERR(p->master)) {
		ret = PTR_ERR(p->master);
		kfree(p);
		return ret;
	}
	ret = open_slave(ctx, rec, p);
	if (ret) {
		restored_pty_put(p);
		return ret;
	}
	return ckpt_ref_add(ctx, objref, CKPT_OBJ_TTY, p);
}

/**
 * restore_pty_rec - make a pseudo terminal
 * @ctx:	the restart
 * @rec:	the PTY record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_pty_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	const char *name;
	struct ckpt_pty *p;
	size_t len;
	int ret;

	p = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*p) + 2, sizeof(*p) + PATH_MAX);
	if (IS_ERR(p))
		return PTR_ERR(p);
	name = (const char *)(p + 1);
	len = rec->len - sizeof(*p);
	if (strnlen(name, len) + 1 != len || name[0] != '/' || p->flags & ~CKPT_PTY_FLAGS_ALL ||
	    p->f_flags & ~CKPT_PTY_OPEN_FLAGS || p->index > INT_MAX ||
	    (p->mode && !S_ISCHR(p->mode))) {
		ret = ckpt_err(ctx, -EINVAL, "PTY %u contradicts itself", rec->objref);
	} else {
		ctx->where.path = name;
		ret = make_pty(ctx, rec->objref, p, name);
		ctx->where.path = NULL;
	}
	kvfree(p);
	return ret;
}

static struct file *take_master(struct ckpt_ctx *ctx, const struct ckpt_file *f,
				struct restored_pty *p)
{
	const struct cred *cred = restore_file_cred(ctx, f->cred);

	if (IS_ERR(cred))
		return ERR_CAST(cred);
	if (p->no_master || p->taken || (f->f_flags ^ p->master->f_flags) & O_ACCMODE)
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
			"PTY %u has a master already, or none, or of another access mode",
			f->object));
	p->taken = true;
	/* Nobody else has seen it yet. */
	put_cred(p->master->f_cred);
	p->master->f_cred = get_cred(cred);
	return get_file(p->master);
}

/* Is it /dev/pts/N, or /dev/tty? */
static int find_slave(struct ckpt_ctx *ctx, const struct ckpt_file *f, const char *name,
		      const struct dentry *slave, struct path *path)
{
	const struct inode *inode;
	int ret;

	ret = kern_path(name, 0, path);
	if (ret)
		return ckpt_err(ctx, ret, "cannot be found (error %d)", ret);
	inode = d_inode(path->dentry);
	if (path->dentry == slave || (S_ISCHR(inode->i_mode) && new_encode_dev(inode->i_rdev) ==
				      f->rdev && inode->i_rdev == MKDEV(TTYAUX_MAJOR, 0)))
		return 0;
	path_put(path);
	return ckpt_err(ctx, -ESTALE, "is not the pseudo terminal that was made");
}

static struct file *open_again(struct ckpt_ctx *ctx, const struct ckpt_file *f,
			       const char *name, struct restored_pty *p)
{
	const struct cred *cred = restore_file_cred(ctx, f->cred);
	int flags = (f->f_flags & SLAVE_OPEN_FLAGS) | O_NONBLOCK | O_NOCTTY;
	struct tty_struct *slave = tty_of_file(p->slave);
	struct path path = p->slave->f_path;
	struct file *file;
	int ret = 0;

	if (IS_ERR(cred))
		return ERR_CAST(cred);
	path_get(&path);
	if (*name) {
		path_put(&path);
		ret = find_slave(ctx, f, name, p->slave->f_path.dentry, &path);
		if (ret)
			return ERR_PTR(ret);
	}
	if (path.dentry != p->slave->f_path.dentry) {
		file = path_open_given(&path, flags, cred, slave);
	} else {
		/* As TIOCGPTPEER does it for who has the master. */
		file = dentry_open(&path, flags | __FMODE_NONOTIFY, cred);
		if (!IS_ERR(file))
			file->f_flags &= ~__FMODE_NONOTIFY;
	}
	path_put(&path);
	if (IS_ERR(file))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(file), "cannot be opened (error %ld)",
					PTR_ERR(file)));
	if (f->flags & CKPT_FILE_HUNG_UP)
		tty_file_hang_up(file);
	return file;
}

/**
 * restore_pty_file - an open file of a pseudo terminal that has been made
 * @ctx:	the restart
 * @f:		what the image says of it
 * @name:	by which it was opened; "": by way of the master
 *
 * Return: the file or an error pointer, which has been logged.
 */
struct file *restore_pty_file(struct ckpt_ctx *ctx, const struct ckpt_file *f, const char *name)
{
	struct restored_pty *p = ckpt_ref(ctx, f->object, CKPT_OBJ_TTY);

	if (IS_ERR(p))
		return ERR_CAST(p);
	if (f->kind == CKPT_FILE_PTY_MASTER)
		return take_master(ctx, f, p);
	if (p->stated || (*name && *name != '/'))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "a slave of PTY %u has no place here",
					f->object));
	return open_again(ctx, f, name, p);
}

/**
 * restored_pty_slave - a slave of a pseudo terminal, to speak to it
 * @ctx:	the restart
 * @objref:	of the PTY
 *
 * Return: the file, which the table of objects holds, or an error pointer.
 */
struct file *restored_pty_slave(struct ckpt_ctx *ctx, u32 objref)
{
	struct restored_pty *p = ckpt_ref(ctx, objref, CKPT_OBJ_TTY);

	return IS_ERR(p) ? ERR_CAST(p) : p->slave;
}

static bool is_consistent(const struct ckpt_tty_side *s)
{
	return !(s->flags & ~CKPT_TTY_FLAGS_ALL) && !(s->packet_status & ~TIOCPKT_ALL) &&
	       s->unread <= N_TTY_BUF_SIZE && s->canon <= s->unread &&
	       s->committed <= s->unread && s->echo <= N_TTY_BUF_SIZE &&
	       s->echo_commit <= s->echo && s->echo_mark <= s->echo &&
	       s->in_flight <= MAX_IN_FLIGHT && s->looked_at <= s->in_flight &&
	       (!(s->flags & CKPT_TTY_HUNG_UP) || !(s->unread | s->echo));
}

static bool take_bytes(void *to, u32 bytes, const u8 **from, size_t *left)
{
	if (bytes > *left)
		return false;
	memcpy(to, *from, bytes);
	*from += bytes;
	*left -= bytes;
	return true;
}

static bool take_side(struct tty_side *side, const struct ckpt_tty_side *rec, const u8 **from,
		      size_t *left)
{
	if (!is_consistent(rec))
		return false;
	side->rec = *rec;
	if (!take_bytes(side->unread, rec->unread, from, left) ||
	    !take_bytes(side->line_ends, line_end_bytes(side), from, left) ||
	    !take_bytes(side->echo, rec->echo, from, left) || rec->in_flight > *left)
		return false;
	side->in_flight = (u8 *)*from;
	*from += rec->in_flight;
	*left -= rec->in_flight;
	return true;
}

/* With the port's buffers locked. */
static int put_in_flight(struct tty_port *port, const struct tty_side *side)
{
	u32 n, looked_at = side->rec.looked_at;
	struct tty_buffer *b;
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	n = tty_insert_flip_string(port, side->in_flight, side->rec.in_flight);
	/* Pairs with the load in flush_to_ldisc(). */
	smp_store_release(&port->buf.tail->commit, port->buf.tail->used);
	spin_unlock_irqrestore(&port->lock, flags);
	for (b = port->buf.head; b && looked_at; b = b->next) {
		u32 here = min(b->commit - b->read, looked_at);

		b->lookahead = b->read + here;
		looked_at -= here;
	}
	return n == side->rec.in_flight ? 0 : -ENOSPC;
}

static void put_settings(struct tty_struct *tty, const struct ckpt_tty_side *rec)
{
	struct ktermios *t = &tty->termios;

	down_write(&tty->termios_rwsem);
	t->c_iflag = rec->iflag;
	t->c_oflag = rec->oflag;
	/* As a pseudo terminal would have it. */
	t->c_cflag = (rec->cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
	t->c_lflag = rec->lflag;
	t->c_ispeed = rec->ispeed;
	t->c_ospeed = rec->ospeed;
	t->c_line = rec->line;
	memcpy(t->c_cc, rec->cc, sizeof(t->c_cc));
	up_write(&tty->termios_rwsem);
	mutex_lock(&tty->winsize_mutex);
	tty->winsize = (struct winsize) {
		.ws_row = rec->rows,
		.ws_col = rec->cols,
		.ws_xpixel = rec->xpixel,
		.ws_ypixel = rec->ypixel,
	};
	mutex_unlock(&tty->winsize_mutex);
	spin_lock_irq(&tty->flow.lock);
	tty->flow.stopped = rec->flags & CKPT_TTY_STOPPED;
	tty->flow.tco_stopped = rec->flags & CKPT_TTY_TCO_STOPPED;
	spin_unlock_irq(&tty->flow.lock);
	spin_lock_irq(&tty->ctrl.lock);
	tty->ctrl.pktstatus = rec->packet_status;
	tty->ctrl.packet = rec->flags & CKPT_TTY_PACKET;
	spin_unlock_irq(&tty->ctrl.lock);
}

static int put_side(struct ckpt_ctx *ctx, struct tty_struct *tty, const struct tty_side *side)
{
	struct tty_ldisc *ld = tty_ldisc_ref_wait(tty);
	int ret = 0;

	if (ld && ld->ops->num != N_TTY)
		ret = ckpt_err(ctx, -EINVAL, "a pseudo terminal without N_TTY");
	put_settings(tty, &side->rec);
	if (!ret) {
		tty_buffer_lock_exclusive(tty->port);
		if (ld)
			n_tty_put(tty, side);
		ret = put_in_flight(tty->port, side);
		tty_buffer_unlock_exclusive(tty->port);
		tty_buffer_restart_work(tty->port);
		if (ret)
			ckpt_err(ctx, ret, "a pseudo terminal cannot hold %u bytes",
				 side->rec.in_flight);
	}
	if (ld)
		tty_ldisc_deref(ld);
	return ret;
}

static int put_sides(struct ckpt_ctx *ctx, struct restored_pty *p, const struct tty_side *side)
{
	struct tty_struct *slave = tty_of_file(p->slave), *master = slave->link;
	int ret = 0;

	p->stated = true;
	p->flags[0] = side[0].rec.flags;
	p->flags[1] = side[1].rec.flags;
	if (p->no_master) {
		/* It hangs up the slave, and takes the name away. */
		__fput_sync(p->master);
		p->master = NULL;
	} else {
		if (side[1].rec.flags & CKPT_TTY_HUNG_UP)
			tty_vhangup(slave);
		ret = put_side(ctx, master, &side[0]);
	}
	return ret ?: put_side(ctx, slave, &side[1]);
}

/**
 * restore_pty_state_rec - let a pseudo terminal hold what it held
 * @ctx:	the restart
 * @rec:	the PTY_STATE record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_pty_state_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_pty *p = ckpt_ref(ctx, rec->objref, CKPT_OBJ_TTY);
	const struct ckpt_pty_state *s;
	struct tty_side *side;
	const u8 *from;
	size_t left;
	int ret = -EINVAL;

	if (IS_ERR(p))
		return PTR_ERR(p);
	s = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*s), CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(s))
		return PTR_ERR(s);
	side = kvcalloc(2, sizeof(*side), GFP_KERNEL_ACCOUNT);
	if (!side) {
		kvfree(s);
		return -ENOMEM;
	}
	from = (const u8 *)(s + 1);
	left = rec->len - sizeof(*s);
	if (!p->stated && !(p->no_master && p->taken) &&
	    !(s->side[0].flags & CKPT_TTY_HUNG_UP) &&
	    take_side(&side[0], &s->side[0], &from, &left) &&
	    take_side(&side[1], &s->side[1], &from, &left) && !left)
		ret = put_sides(ctx, p, side);
	else
		ckpt_err(ctx, ret, "PTY_STATE of %u: a second time, or it contradicts itself",
			 rec->objref);
	kvfree(side);
	kvfree(s);
	return ret;
}

static void settle_side(struct tty_struct *tty, u32 flags)
{
	assign_bit(TTY_EXCLUSIVE, &tty->flags, flags & CKPT_TTY_EXCLUSIVE);
	assign_bit(TTY_IO_ERROR, &tty->flags, flags & CKPT_TTY_IO_ERROR);
	assign_bit(TTY_OTHER_CLOSED, &tty->flags, flags & CKPT_TTY_OTHER_CLOSED);
	assign_bit(TTY_THROTTLED, &tty->flags, flags & CKPT_TTY_THROTTLED);
	assign_bit(TTY_PTY_LOCK, &tty->flags, flags & CKPT_TTY_LOCKED);
}

/**
 * restore_ptys_settle - from now on each side sees who has the other one open
 * @ctx:	the restart, which has succeeded in all else
 */
void restore_ptys_settle(struct ckpt_ctx *ctx)
{
	struct restored_pty *p;
	unsigned long i = 0;

	while ((p = ckpt_ref_next(ctx, &i, CKPT_OBJ_TTY))) {
		__fput_sync(p->slave);
		p->slave = NULL;
		if (!p->master || !p->stated)
			continue;
		settle_side(tty_of_file(p->master), p->flags[0]);
		settle_side(tty_of_file(p->master)->link, p->flags[1]);
	}
}
