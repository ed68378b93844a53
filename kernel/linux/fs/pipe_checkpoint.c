// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of pipes: their ends, their size, the unread bytes.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_tasks.h>
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

static bool is_packet(const struct pipe_buffer *buf)
{
	return buf->flags & PIPE_BUF_FLAG_PACKET;
}

static bool has_packets(const struct pipe_inode_info *pipe)
{
	unsigned int i;

	for (i = pipe->tail; i != pipe->head; i++)
		if (is_packet(pipe_buf(pipe, i)))
			return true;
	return false;
}

static void describe_chunks(const struct pipe_inode_info *pipe, struct ckpt_pipe_chunk *to)
{
	unsigned int i;

	for (i = pipe->tail; i != pipe->head; i++) {
		const struct pipe_buffer *buf = pipe_buf(pipe, i);

		*to++ = (struct ckpt_pipe_chunk) { .len = buf->len, .packet = is_packet(buf) };
	}
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
	size_t chunks = 0;
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
	if (has_packets(pipe))
		rec.nr_chunks = pipe->head - pipe->tail;
	chunks = rec.nr_chunks * sizeof(struct ckpt_pipe_chunk);
	if (pipe_has_watch_queue(pipe)) {
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
				    "a pipe for kernel notifications: not supported");
	} else if (bytes + chunks > PIPE_MAX_BYTES || bytes > (u64)rec.slots << PAGE_SHIFT) {
		ret = ckpt_obstacle(ctx, -E2BIG,
				    "holds %llu unread bytes, more than a restart could put back",
				    bytes);
	} else {
		data = kvmalloc(chunks + bytes + 1, GFP_KERNEL_ACCOUNT);
		ret = data ? copy_contents(pipe, data + chunks) : -ENOMEM;
		if (!ret && chunks)
			describe_chunks(pipe, (void *)data);
		if (ret)
			ret = ckpt_err(ctx, ret, "cannot read the pipe (error %d)", ret);
	}
	pipe_unlock(pipe);
	if (data && !ret)
		ret = ckpt_write_rec2(ctx, CKPT_REC_PIPE, *objref, &rec, sizeof(rec), data,
				      chunks + bytes);
	kvfree(data);
	return ret;
}

static int count_end(struct ckpt_ctx *ctx, struct inode *inode)
{
	void *entry = xa_load(&ctx->pipe_ends, (unsigned long)inode);

	return xa_err(xa_store(&ctx->pipe_ends, (unsigned long)inode,
			       xa_mk_value(entry ? xa_to_value(entry) + 1 : 1),
			       GFP_KERNEL_ACCOUNT));
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

	ret = count_end(ctx, file_inode(file));
	if (!ret)
		ret = ckpt_file_describe(ctx, file, CKPT_FILE_PIPE, &rec);
	if (ret)
		return ret;
	/* It is not told that the last writer has gone, for there was none. */
	if (is_fifo(file) && !pipe->writers && file->f_pipe == pipe->w_counter)
		rec.flags |= CKPT_FILE_NO_WRITER_YET;
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
	bool has_sockets;	/* in which more may be in flight */
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

	if (S_ISSOCK(inode->i_mode))
		seen->has_sockets = true;
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

static int see_table(struct ckpt_ctx *ctx, struct seen *seen, struct task_struct *t)
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

static int end_is_outside(struct ckpt_ctx *ctx)
{
	return ckpt_obstacle(ctx, -EOPNOTSUPP,
			     "the other end of this pipe is held by a process outside the tree; redirect it to a file");
}

static unsigned int count_files(struct inode *inode)
{
	unsigned int files;

	spin_lock(&inode->i_lock);
	files = inode->i_pipe->files;
	spin_unlock(&inode->i_lock);
	return files;
}

/* An end held by others would go on without us, or not end with us. */
static int compare_counts(struct ckpt_ctx *ctx, struct seen *seen)
{
	struct seen_pipe *p;
	int bkt, ret = 0;

	hash_for_each(seen->pipes, bkt, p, node) {
		if (count_files(p->inode) == p->files)
			continue;
		ctx->where.pid = p->pid;
		ctx->where.fd = p->fd;
		ret = end_is_outside(ctx);
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
 * This is soon known, unless ends may be in flight in sockets of the tree: then
 * ckpt_check_pipe_ends() says so.
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
		if (!ckpt_has_own_files(ctx, i))
			continue;
		ctx->where.pid = ctx->entries[i].pid;
		ret = see_table(ctx, seen, ctx->tasks.task[i]);
	}
	if (!ret && !seen->has_sockets)
		ret = compare_counts(ctx, seen);
	if (!ret)
		ctx->where = (struct ckpt_where) { .fd = -1 };
	seen_free(seen);
	return ret;
}

/* Who holds an end of it, for the message. */
static void find_holder(struct ckpt_ctx *ctx, const struct inode *inode)
{
	unsigned int i;

	for (i = 0; i < ctx->tasks.nr; i++) {
		struct files_struct *files = ckpt_get_files(ctx->tasks.task[i]);
		unsigned int fd = 0;
		struct file *file;
		bool cloexec, found = false;

		for (; files && !found && (file = ckpt_next_file(files, &fd, &cloexec)); fd++) {
			found = file_inode(file) == inode;
			if (found)
				ctx->where.fd = fd;
			fput(file);
		}
		if (files)
			put_files_struct(files);
		ctx->where.pid = ctx->entries[i].pid;
		if (found)
			return;
	}
}

/**
 * ckpt_check_pipe_ends - have all ends of the tree's pipes been written?
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_check_pipe_ends(struct ckpt_ctx *ctx)
{
	struct ckpt_where where = ctx->where;
	unsigned long index;
	void *entry;
	int ret = 0;

	xa_for_each(&ctx->pipe_ends, index, entry) {
		/* The files that have been written hold it. */
		struct inode *inode = (struct inode *)index;

		if (count_files(inode) == xa_to_value(entry))
			continue;
		ctx->where = (struct ckpt_where) { .fd = -1 };
		find_holder(ctx, inode);
		ret = end_is_outside(ctx);
		if (ret)
			break;
		ctx->where = where;
	}
	return ret;
}

static int fill(struct file *file, const void *data, size_t len)
{
	ssize_t n = kernel_write(file, data, len, NULL);

	if (n < 0)
		return n;
	return n == len ? 0 : -ENOSPC;
}

static int fill_by_chunks(struct file *file, const struct ckpt_pipe *p)
{
	const struct ckpt_pipe_chunk *chunks = (const void *)(p + 1);
	const u8 *data = (const u8 *)(chunks + p->nr_chunks);
	unsigned int flags = file->f_flags, i;
	int ret = 0;

	for (i = 0; i < p->nr_chunks && !ret; i++) {
		/* Nobody else has it. */
		file->f_flags = chunks[i].packet ? flags | O_DIRECT : flags;
		ret = fill(file, data, chunks[i].len);
		data += chunks[i].len;
	}
	file->f_flags = flags;
	return ret;
}

/* The bytes must fit at once: nobody reads yet. */
static int fill_pipe(struct file *file, const struct ckpt_pipe *p)
{
	if (!p->bytes)
		return 0;
	return p->nr_chunks ? fill_by_chunks(file, p) : fill(file, p + 1, p->bytes);
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

static bool pipe_is_valid(const struct ckpt_pipe *p, u64 len)
{
	const struct ckpt_pipe_chunk *chunks = (const void *)(p + 1);
	u64 sum = 0;
	u32 i;

	if (!is_power_of_2(p->slots) || p->slots > INT_MAX >> PAGE_SHIFT ||
	    p->nr_chunks > p->slots || p->bytes > (u64)p->slots << PAGE_SHIFT ||
	    len != sizeof(*p) + p->nr_chunks * sizeof(*chunks) + p->bytes)
		return false;
	for (i = 0; i < p->nr_chunks; i++) {
		if (!chunks[i].len || chunks[i].packet > 1 ||
		    (chunks[i].packet && chunks[i].len > PAGE_SIZE))
			return false;
		sum += chunks[i].len;
	}
	return !p->nr_chunks || sum == p->bytes;
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
	if (!pipe_is_valid(p, rec->len)) {
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
	if ((rec->f_flags & O_ACCMODE) == O_ACCMODE)
		return ERR_PTR(-EINVAL);
	cred = restore_file_cred(ctx, rec->cred);
	if (IS_ERR(cred))
		return ERR_CAST(cred);
	file = path_open_quiet(&pipe->f_path, rec->f_flags & PIPE_OPEN_FLAGS, cred);
	if (IS_ERR(file))
		return file;
	/* Packets: of a pipe, open(2) does not know of it, but fcntl(2) does. */
	file->f_flags |= rec->f_flags & O_DIRECT;
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
