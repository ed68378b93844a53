// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of pipes: their ends, their size, the unread bytes.
 */
#include <linux/checkpoint_internal.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/magic.h>
#include <linux/pipe_fs_i.h>
#include <linux/slab.h>

#define PIPE_OPEN_FLAGS		(O_ACCMODE | O_NONBLOCK | O_APPEND | O_LARGEFILE | O_NOATIME)
/* Bytes that fit into a record, and that we are willing to copy. */
#define PIPE_MAX_BYTES		(CKPT_MAX_RECORD_BYTES - sizeof(struct ckpt_pipe))

static bool is_fifo(const struct file *file)
{
	return file_inode(file)->i_sb->s_magic != PIPEFS_MAGIC;
}

static void copy_buffer(u8 *to, const struct pipe_buffer *buf)
{
	unsigned int offset = buf->offset, left = buf->len;

	while (left) {
		unsigned int in_page = offset_in_page(offset);
		unsigned int n = min_t(unsigned int, left, PAGE_SIZE - in_page);

		memcpy_from_page(to, buf->page + (offset >> PAGE_SHIFT), in_page, n);
		to += n;
		offset += n;
		left -= n;
	}
}

static u64 unread_bytes(const struct pipe_inode_info *pipe)
{
	unsigned int i;
	u64 bytes = 0;

	for (i = pipe->tail; i != pipe->head; i++)
		bytes += pipe_buf(pipe, i)->len;
	return bytes;
}

static bool has_packets(const struct pipe_inode_info *pipe)
{
	unsigned int i;

	for (i = pipe->tail; i != pipe->head; i++)
		if (pipe_buf(pipe, i)->flags & PIPE_BUF_FLAG_PACKET)
			return true;
	return false;
}

/* With the pipe locked. */
static int copy_contents(struct pipe_inode_info *pipe, u8 *to)
{
	unsigned int i;
	int ret;

	for (i = pipe->tail; i != pipe->head; i++) {
		struct pipe_buffer *buf = pipe_buf(pipe, i);

		ret = pipe_buf_confirm(pipe, buf);
		if (ret)
			return ret;
		copy_buffer(to, buf);
		to += buf->len;
	}
	return 0;
}

static int checkpoint_pipe(struct ckpt_ctx *ctx, struct file *file, u32 *objref)
{
	struct pipe_inode_info *pipe = get_pipe_info(file, false);
	struct ckpt_pipe rec = {};
	u8 *data = NULL;
	u64 bytes;
	int ret;

	ret = ckpt_obj(ctx, CKPT_OBJ_PIPE, file_inode(file), objref);
	if (ret <= 0)
		return ret;
	if (is_fifo(file)) {
		const char *name = ctx->where.path;

		ret = checkpoint_path(ctx, file_user_path(file), &rec.fifo);
		if (ret)
			return ret;
		ctx->where.path = name;
	}
	pipe_lock(pipe);
	bytes = unread_bytes(pipe);
	rec.slots = pipe->max_usage;
	rec.bytes = bytes;
	if (pipe_has_watch_queue(pipe)) {
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "a pipe for kernel notifications: not supported");
	} else if (has_packets(pipe)) {
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "holds packets (O_DIRECT): not supported");
	} else if (bytes > PIPE_MAX_BYTES || bytes > (u64)rec.slots << PAGE_SHIFT) {
		ret = ckpt_obstacle(ctx, -E2BIG,
				    "holds %llu unread bytes, more than a restart could put back",
				    bytes);
	} else {
		data = kvmalloc(bytes + 1, GFP_KERNEL_ACCOUNT);
		ret = data ? copy_contents(pipe, data) : -ENOMEM;
		if (ret)
			ret = ckpt_err(ctx, ret, "cannot read the pipe (error %d)", ret);
	}
	pipe_unlock(pipe);
	if (data && !ret)
		ret = ckpt_write_rec2(ctx, CKPT_REC_PIPE, *objref, &rec, sizeof(rec), data,
				      bytes);
	kvfree(data);
	return ret;
}

/**
 * pipe_file_checkpoint - ->checkpoint for an end of a pipe
 * @ctx:	the checkpoint
 * @file:	the end
 *
 * Return: 0 or a negative error, which has been logged.
 */
int pipe_file_checkpoint(struct ckpt_ctx *ctx, struct file *file)
{
	const struct pipe_inode_info *pipe = file->private_data;
	struct ckpt_file rec;
	int ret;

	ret = ckpt_file_describe(ctx, file, CKPT_FILE_PIPE, &rec);
	if (ret)
		return ret;
	/* It is not told that the last writer has gone, for there was none. */
	if (is_fifo(file) && !pipe->writers && file->f_pipe == pipe->w_counter)
		rec.flags |= CKPT_FILE_NO_WRITER_YET;
	if (file->f_flags & O_DIRECT)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
				     "a pipe in packet mode (O_DIRECT): not supported");
	ret = checkpoint_pipe(ctx, file, &rec.pipe);
	if (ret)
		return ret;
	return ckpt_file_write(ctx, ckpt_file_objref(ctx, file), &rec, "", "");
}

/* A pipe that the tree holds, and how many struct files it holds it by. */
struct seen_pipe {
	struct hlist_node node;
	struct inode *inode;
	unsigned int files;
	pid_t pid;
	int fd;
};

struct seen_file {
	struct hlist_node node;
	struct file *file;
};

struct seen {
	DECLARE_HASHTABLE(pipes, 8);
	DECLARE_HASHTABLE(files, 8);
};

static bool file_is_known(struct seen *seen, struct file *file)
{
	struct seen_file *f;

	hash_for_each_possible(seen->files, f, node, (unsigned long)file)
		if (f->file == file)
			return true;
	return false;
}

static struct seen_pipe *find_pipe(struct seen *seen, struct inode *inode)
{
	struct seen_pipe *p;

	hash_for_each_possible(seen->pipes, p, node, (unsigned long)inode)
		if (p->inode == inode)
			return p;
	return NULL;
}

static int see_file(struct ckpt_ctx *ctx, struct seen *seen, struct file *file)
{
	struct inode *inode = file_inode(file);
	struct seen_pipe *p;
	struct seen_file *f;

	if (!get_pipe_info(file, false) || file_is_known(seen, file))
		return 0;
	f = kmalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	f->file = get_file(file);
	hash_add(seen->files, &f->node, (unsigned long)file);
	p = find_pipe(seen, inode);
	if (!p) {
		p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
		if (!p)
			return -ENOMEM;
		p->inode = inode;
		p->pid = ctx->where.pid;
		p->fd = ctx->where.fd;
		hash_add(seen->pipes, &p->node, (unsigned long)inode);
	}
	p->files++;
	return 0;
}

static int see_process(struct ckpt_ctx *ctx, struct seen *seen, struct task_struct *t)
{
	struct files_struct *files = ckpt_get_files(t);
	unsigned int fd = 0;
	struct file *file;
	bool cloexec;
	int ret = 0;

	if (!files)
		return ckpt_err(ctx, -ESRCH, "was killed during the checkpoint");
	for (; !ret && (file = ckpt_next_file(files, &fd, &cloexec)); fd++) {
		ctx->where.fd = fd;
		ret = see_file(ctx, seen, file);
		fput(file);
	}
	put_files_struct(files);
	return ret;
}

/* An end held by others would go on without us, or not end with us. */
static int compare_counts(struct ckpt_ctx *ctx, struct seen *seen)
{
	struct seen_pipe *p;
	int bkt, ret = 0;

	hash_for_each(seen->pipes, bkt, p, node) {
		unsigned int files;

		spin_lock(&p->inode->i_lock);
		files = p->inode->i_pipe->files;
		spin_unlock(&p->inode->i_lock);
		if (files == p->files)
			continue;
		ctx->where.pid = p->pid;
		ctx->where.fd = p->fd;
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "the other end of this pipe is held by a process outside the tree; redirect it to a file");
		if (ret)
			break;
	}
	return ret;
}

static void seen_free(struct seen *seen)
{
	struct hlist_node *tmp;
	struct seen_pipe *p;
	struct seen_file *f;
	int bkt;

	hash_for_each_safe(seen->pipes, bkt, tmp, p, node)
		kfree(p);
	hash_for_each_safe(seen->files, bkt, tmp, f, node) {
		fput(f->file);
		kfree(f);
	}
	kfree(seen);
}

/**
 * ckpt_count_pipe_ends - are all ends of the tree's pipes in the tree?
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_count_pipe_ends(struct ckpt_ctx *ctx)
{
	struct seen *seen = kzalloc(sizeof(*seen), GFP_KERNEL_ACCOUNT);
	unsigned int i;
	int ret = 0;

	if (!seen)
		return -ENOMEM;
	hash_init(seen->pipes);
	hash_init(seen->files);
	for (i = 0; i < ctx->tasks.nr && !ret; i++) {
		if ((ctx->entries[i].flags & (CKPT_TASK_LEADER | CKPT_TASK_ZOMBIE)) !=
		    CKPT_TASK_LEADER)
			continue;
		ctx->where.pid = ctx->entries[i].pid;
		ret = see_process(ctx, seen, ctx->tasks.task[i]);
	}
	if (!ret)
		ret = compare_counts(ctx, seen);
	if (!ret)
		ctx->where = (struct ckpt_where) { .fd = -1 };
	seen_free(seen);
	return ret;
}

/* The bytes must fit at once: nobody reads yet. */
static int fill_pipe(struct file *file, const struct ckpt_pipe *p)
{
	ssize_t n;

	if (!p->bytes)
		return 0;
	n = kernel_write(file, p + 1, p->bytes, NULL);
	if (n < 0)
		return n;
	return n == p->bytes ? 0 : -ENOSPC;
}

static long set_size_and_fill(struct file *file, const struct ckpt_pipe *p)
{
	long ret = pipe_fcntl(file, F_SETPIPE_SZ, p->slots << PAGE_SHIFT);

	return ret < 0 ? ret : fill_pipe(file, p);
}

static struct file *make_pipe(const struct ckpt_pipe *p)
{
	struct file *end[2];
	long ret;

	ret = create_pipe_files(end, O_NONBLOCK);
	if (ret)
		return ERR_PTR(ret);
	ret = set_size_and_fill(end[1], p);
	__fput_sync(end[1]);
	if (!ret)
		return end[0];
	__fput_sync(end[0]);
	return ERR_PTR(ret);
}

static void set_nocmtime(struct inode *inode, bool on)
{
	inode_lock(inode);
	inode_set_flags(inode, on ? S_NOCMTIME : 0, S_NOCMTIME);
	inode_unlock(inode);
}

/* What was written before is no news: the FIFO has its times. */
static long fill_unnoticed(struct file *file, const struct ckpt_pipe *p)
{
	struct inode *inode = file_inode(file);
	bool had_flag = IS_NOCMTIME(inode);
	long ret;

	set_nocmtime(inode, true);
	ret = set_size_and_fill(file, p);
	set_nocmtime(inode, had_flag);
	return ret;
}

/* Both ends at once: that never waits for a partner. */
static struct file *open_fifo(struct ckpt_ctx *ctx, const struct ckpt_pipe *p)
{
	struct file *fifo = ckpt_ref(ctx, p->fifo, CKPT_OBJ_FILE), *file;
	struct pipe_inode_info *pipe;
	long ret;

	if (IS_ERR(fifo))
		return fifo;
	if (!S_ISFIFO(file_inode(fifo)->i_mode) || !is_fifo(fifo))
		return ERR_PTR(-EINVAL);
	file = path_open_quiet(&fifo->f_path, O_RDWR | O_NONBLOCK, current_cred());
	if (IS_ERR(file))
		return file;
	pipe = get_pipe_info(file, false);
	if (!pipe || pipe->files > 1 || !pipe_empty(pipe->head, pipe->tail)) {
		ckpt_name_for_messages(ctx, &fifo->f_path);
		ret = ckpt_err(ctx, -EBUSY, "the FIFO is in use by a process outside the tree");
		ctx->where.path = NULL;
	} else {
		ret = fill_unnoticed(file, p);
	}
	if (!ret)
		return file;
	__fput_sync(file);
	return ERR_PTR(ret);
}

/**
 * restore_pipe_rec - make a pipe and fill it
 * @ctx:	the restart
 * @rec:	the PIPE record
 *
 * The object is an end that no task will see: the ends of the tree are opened
 * from it.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_pipe_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_pipe *p;
	struct file *file;

	p = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*p), CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (p->bytes != rec->len - sizeof(*p) || !is_power_of_2(p->slots) ||
	    p->slots > INT_MAX >> PAGE_SHIFT || p->bytes > (u64)p->slots << PAGE_SHIFT) {
		kvfree(p);
		return ckpt_err(ctx, -EINVAL, "a PIPE record contradicts itself");
	}
	file = p->fifo ? open_fifo(ctx, p) : make_pipe(p);
	kvfree(p);
	if (IS_ERR(file))
		return ckpt_err(ctx, PTR_ERR(file), "cannot make a pipe (error %ld)",
				PTR_ERR(file));
	return ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_PIPE, file);
}

/**
 * restore_pipe_file - open an end of a pipe that has been made
 * @ctx:	the restart
 * @rec:	what the image says of it
 *
 * Return: the file or an error pointer.
 */
struct file *restore_pipe_file(struct ckpt_ctx *ctx, const struct ckpt_file *rec)
{
	struct file *pipe = ckpt_ref(ctx, rec->pipe, CKPT_OBJ_PIPE);
	const struct cred *cred;
	struct file *file;

	if (IS_ERR(pipe))
		return pipe;
	if (rec->f_flags & O_DIRECT || (rec->f_flags & O_ACCMODE) == O_ACCMODE)
		return ERR_PTR(-EINVAL);
	cred = restore_file_cred(ctx, rec->cred);
	if (IS_ERR(cred))
		return ERR_CAST(cred);
	file = path_open_quiet(&pipe->f_path, rec->f_flags & PIPE_OPEN_FLAGS, cred);
	if (IS_ERR(file))
		return file;
	if (is_fifo(file)) {
		if (rec->flags & CKPT_FILE_NO_WRITER_YET)
			file->f_pipe = ((struct pipe_inode_info *)file->private_data)->w_counter;
	} else {
		/* As pipe2() does. */
		file->f_mode |= FMODE_NOWAIT;
	}
	return file;
}

/**
 * ckpt_pipe_put - let go of a pipe
 * @pipe:	the object of restore_pipe_rec()
 *
 * At once: while it is open, writers see a reader who is none of the tree.
 */
void ckpt_pipe_put(void *pipe)
{
	__fput_sync(pipe);
}
