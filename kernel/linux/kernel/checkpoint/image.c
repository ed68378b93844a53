// SPDX-License-Identifier: GPL-2.0
/*
 * The image as a stream of records.
 */
#include <linux/bvec.h>
#include <linux/checkpoint_internal.h>
#include <linux/crc32.h>
#include <linux/crc32c.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/unaligned.h>

/* Payload of so many pages passes through the buffer. */
#define FEW_PAGES	8

/**
 * ckpt_stream_init - take hold of the file an image goes to or comes from
 * @s:		the stream
 * @fd:		file descriptor of the caller
 * @mode:	FMODE_READ or FMODE_WRITE
 *
 * A file that can seek is used from its current position.
 *
 * Return: 0 or a negative error.
 */
int ckpt_stream_init(struct ckpt_stream *s, int fd, fmode_t mode)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	if (!(file->f_mode & mode) ||
	    !(file->f_mode & (mode == FMODE_READ ? FMODE_CAN_READ : FMODE_CAN_WRITE))) {
		fput(file);
		return -EBADF;
	}
	s->file = file;
	s->pos = file->f_mode & FMODE_LSEEK ? file->f_pos : 0;
	s->crc = ~0U;
	return 0;
}

void ckpt_stream_release(struct ckpt_stream *s)
{
	if (!s->file)
		return;
	if (s->file->f_mode & FMODE_LSEEK)
		s->file->f_pos = s->pos;
	fput(s->file);
	kvfree(s->buf);
	s->buf = NULL;
	s->file = NULL;
}

/* Not before it is used: a chain may have many images. */
static int stream_buf_alloc(struct ckpt_stream *s)
{
	if (!s->buf)
		s->buf = kvmalloc(CKPT_IO_BUF_BYTES, GFP_KERNEL);
	return s->buf ? 0 : -ENOMEM;
}

static int stream_write_out(struct ckpt_stream *s, struct iov_iter *iter)
{
	size_t left = iov_iter_count(iter);

	while (left) {
		ssize_t n = vfs_iter_write(s->file, iter, &s->pos, 0);

		if (n < 0)
			return n;
		if (!n)
			return -EIO;
		if (fatal_signal_pending(current))
			return -EINTR;
		left -= n;
		/* A limit on the size of files has shortened it. */
		iov_iter_reexpand(iter, left);
	}
	return 0;
}

/* Take into the CRC what stands in the buffer before @end: once, not for each piece. */
static void settle_crc(struct ckpt_stream *s, size_t end)
{
	if (end > s->crc_pos)
		s->crc = crc32c(s->crc, s->buf + s->crc_pos, end - s->crc_pos);
	s->crc_pos = end;
}

/**
 * ckpt_written_crc - the CRC of all that has been written but page payload
 * @s:		the stream
 */
u32 ckpt_written_crc(struct ckpt_stream *s)
{
	settle_crc(s, s->buf_len);
	return s->crc;
}

/**
 * ckpt_flush - write out what ckpt_write() has collected
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error.
 */
int ckpt_flush(struct ckpt_ctx *ctx)
{
	struct ckpt_stream *s = &ctx->img;
	struct kvec vec = { .iov_base = s->buf, .iov_len = s->buf_len };
	struct iov_iter iter;
	int ret;

	if (!s->buf_len)
		return 0;
	settle_crc(s, s->buf_len);
	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, s->buf_len);
	ret = stream_write_out(s, &iter);
	s->buf_len = 0;
	s->crc_pos = 0;
	if (ret)
		return ckpt_err(ctx, ret, "cannot write the image");
	return 0;
}

/**
 * ckpt_write - append bytes to the image
 * @ctx:	the checkpoint
 * @data:	the bytes
 * @len:	their number
 *
 * Return: 0 or a negative error.
 */
int ckpt_write(struct ckpt_ctx *ctx, const void *data, size_t len)
{
	struct ckpt_stream *s = &ctx->img;
	int ret;

	if (ckpt_dryrun(ctx))
		return 0;
	ret = stream_buf_alloc(s);
	if (ret)
		return ret;
	s->offset += len;
	while (len) {
		size_t n = min(len, CKPT_IO_BUF_BYTES - s->buf_len);

		memcpy(s->buf + s->buf_len, data, n);
		s->buf_len += n;
		data += n;
		len -= n;
		if (s->buf_len == CKPT_IO_BUF_BYTES) {
			ret = ckpt_flush(ctx);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* So many bytes of the buffer, free. */
static int buf_room(struct ckpt_ctx *ctx, size_t len)
{
	int ret = stream_buf_alloc(&ctx->img);

	return ret ?: CKPT_IO_BUF_BYTES - ctx->img.buf_len < len ? ckpt_flush(ctx) : 0;
}

/* Zeroes before page payload, less than a page. */
static int write_padding(struct ckpt_ctx *ctx, size_t len)
{
	struct ckpt_stream *s = &ctx->img;
	int ret;

	if (ckpt_dryrun(ctx) || !len)
		return 0;
	ret = buf_room(ctx, len);
	if (ret)
		return ret;
	settle_crc(s, s->buf_len);
	memset(s->buf + s->buf_len, 0, len);
	s->buf_len += len;
	s->offset += len;
	/* As reading them would, in a few steps. */
	s->crc = __crc32c_le_shift(s->crc, len);
	s->crc_pos = s->buf_len;
	return 0;
}

int ckpt_write_rec2(struct ckpt_ctx *ctx, u32 type, u32 objref,
		    const void *data, size_t len,
		    const void *tail, size_t tail_len)
{
	struct ckpt_rec rec = {
		.type = type, .objref = objref, .len = len + tail_len,
	};
	int ret;

	ctx->img.nr_records++;
	ret = ckpt_write(ctx, &rec, sizeof(rec));
	if (!ret)
		ret = ckpt_write(ctx, data, len);
	if (!ret && tail_len)
		ret = ckpt_write(ctx, tail, tail_len);
	return ret;
}

int ckpt_write_rec(struct ckpt_ctx *ctx, u32 type, u32 objref,
		   const void *data, size_t len)
{
	return ckpt_write_rec2(ctx, type, objref, data, len, NULL, 0);
}

/**
 * ckpt_write_rec_names - write a record whose tail is two names
 * @ctx:	the checkpoint
 * @type:	of the record
 * @objref:	what it describes
 * @data:	its fixed part
 * @len:	bytes in @data
 * @name:	the first name, or ""
 * @name2:	the second one, or ""
 *
 * Return: 0 or a negative error.
 */
int ckpt_write_rec_names(struct ckpt_ctx *ctx, u32 type, u32 objref, const void *data,
			 size_t len, const char *name, const char *name2)
{
	size_t len1 = strlen(name) + 1, len2 = strlen(name2) + 1;
	struct ckpt_rec rec = {
		.type = type, .objref = objref, .len = len + len1 + len2,
	};

	ctx->img.nr_records++;
	return ckpt_write(ctx, &rec, sizeof(rec)) ?: ckpt_write(ctx, data, len) ?:
	       ckpt_write(ctx, name, len1) ?: ckpt_write(ctx, name2, len2);
}

/* Neighbours in memory become one. Returns how many there are then. */
static unsigned int bvec_of_pages(struct bio_vec *bv, struct page **pages, unsigned int nr)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr; i++) {
		if (i && pages[i] == nth_page(pages[i - 1], 1))
			bv[n - 1].bv_len += PAGE_SIZE;
		else
			bvec_set_page(&bv[n++], pages[i], PAGE_SIZE, 0);
	}
	return n;
}

/* A few pages: a copy costs less than a write of their own. */
static int write_few_pages(struct ckpt_ctx *ctx, struct page **pages, unsigned int nr)
{
	struct ckpt_stream *s = &ctx->img;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		int ret = buf_room(ctx, PAGE_SIZE);

		if (ret)
			return ret;
		settle_crc(s, s->buf_len);
		memcpy_from_page(s->buf + s->buf_len, pages[i], 0, PAGE_SIZE);
		s->buf_len += PAGE_SIZE;
		s->crc_pos = s->buf_len;
	}
	s->offset += (u64)nr << PAGE_SHIFT;
	s->pages += nr;
	return 0;
}

static int write_from_pages(struct ckpt_stream *s, struct page **pages, unsigned int nr)
{
	struct bio_vec *bv = kvmalloc_array(nr, sizeof(*bv), GFP_KERNEL);
	struct iov_iter iter;
	int ret;

	if (!bv)
		return -ENOMEM;
	iov_iter_bvec(&iter, ITER_SOURCE, bv, bvec_of_pages(bv, pages, nr),
		      (size_t)nr << PAGE_SHIFT);
	ret = stream_write_out(s, &iter);
	kvfree(bv);
	return ret;
}

/* Page payload, straight from the pages: they may be written behind the caller's back. */
static int write_pages(struct ckpt_ctx *ctx, struct page **pages, unsigned int nr,
		       struct ckpt_page_write **behind)
{
	struct ckpt_stream *s = &ctx->img;
	struct ckpt_page_write *write;
	int ret;

	if (ckpt_dryrun(ctx) || !nr)
		return 0;
	if (nr <= FEW_PAGES)
		return write_few_pages(ctx, pages, nr);
	ret = ckpt_flush(ctx);
	if (ret)
		return ret;
	ret = ckpt_page_write_begin(s->file, &s->pos, pages, nr, &write);
	if (!ret)
		ret = write_from_pages(s, pages, nr);
	else if (ret > 0 && !behind)
		ret = ckpt_page_write_finish(write);
	else if (ret > 0)
		*behind = write;
	if (ret < 0)
		return ckpt_err(ctx, ret, "cannot write the image");
	s->offset += (u64)nr << PAGE_SHIFT;
	s->pages += nr;
	return 0;
}

/**
 * ckpt_write_pages_rec - write a PAGES record, if there is anything to say
 * @ctx:	the checkpoint
 * @objref:	whose pages they are
 * @extents:	which ones
 * @nr_extents:	number of extents
 * @pages:	those that are data, in this order
 * @nr_pages:	their number
 * @behind:	set if the pages are still being written; NULL: they are not to be
 *
 * The payload begins at a page boundary of the stream.
 *
 * Return: 0 or a negative error.
 */
int ckpt_write_pages_rec(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_extent *extents,
			 unsigned int nr_extents, struct page **pages, unsigned int nr_pages,
			 struct ckpt_page_write **behind)
{
	struct ckpt_pages head = { .nr_extents = nr_extents, .nr_pages = nr_pages };
	size_t extents_len = nr_extents * sizeof(*extents);
	struct ckpt_rec rec = {
		.type = CKPT_REC_PAGES, .objref = objref, .len = sizeof(head) + extents_len,
	};

	if (!nr_extents)
		return 0;
	if (nr_pages)
		head.pad = -(ctx->img.offset + sizeof(rec) + rec.len) & (PAGE_SIZE - 1);
	rec.len += head.pad + ((u64)nr_pages << PAGE_SHIFT);
	ctx->img.nr_records++;
	return ckpt_write(ctx, &rec, sizeof(rec)) ?: ckpt_write(ctx, &head, sizeof(head)) ?:
	       ckpt_write(ctx, extents, extents_len) ?: write_padding(ctx, head.pad) ?:
	       write_pages(ctx, pages, nr_pages, behind);
}

/* The page cache of an image is not memory of the tree. */
static ssize_t read_image(struct ckpt_stream *s, struct iov_iter *iter)
{
	struct mem_cgroup *memcg = set_active_memcg(NULL);
	ssize_t n = vfs_iter_read(s->file, iter, &s->pos, 0);

	set_active_memcg(memcg);
	return n;
}

static int stream_read_in(struct ckpt_stream *s, struct iov_iter *iter)
{
	size_t left = iov_iter_count(iter);

	while (left) {
		ssize_t n = read_image(s, iter);

		if (n < 0)
			return n;
		if (!n)
			return -ENODATA;
		if (fatal_signal_pending(current))
			return -EINTR;
		left -= n;
		iov_iter_reexpand(iter, left);
	}
	return 0;
}

static int stream_refill(struct ckpt_stream *s)
{
	struct kvec vec;
	struct iov_iter iter;
	ssize_t n;

	n = stream_buf_alloc(s);
	if (n)
		return n;
	/* Between the payloads of pages stands little: what is read with it is copied twice. */
	s->ahead = s->ahead ? min(2 * s->ahead, CKPT_IO_BUF_BYTES) : PAGE_SIZE;
	vec.iov_base = s->buf;
	vec.iov_len = s->ahead;
	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, vec.iov_len);
	settle_crc(s, s->buf_pos);
	n = read_image(s, &iter);
	if (n < 0)
		return n;
	if (!n)
		return -ENODATA;
	s->buf_pos = 0;
	s->buf_len = n;
	s->crc_pos = 0;
	return 0;
}

/* How much of @left lies in the buffer, which is filled if it is empty; > 0, or an error. */
static ssize_t buf_ready(struct ckpt_stream *s, size_t left)
{
	if (s->buf_pos == s->buf_len) {
		int ret = stream_refill(s);

		if (ret)
			return ret;
	}
	return min(left, s->buf_len - s->buf_pos);
}

/**
 * ckpt_read - take bytes off the image
 * @s:		the stream
 * @data:	where they go
 * @len:	their number
 *
 * Return: 0, -ENODATA when the image ends before, or a negative error.
 */
int ckpt_read(struct ckpt_stream *s, void *data, size_t len)
{
	size_t left = len;

	while (left) {
		ssize_t n = buf_ready(s, left);

		if (n < 0)
			return n;
		memcpy(data, s->buf + s->buf_pos, n);
		s->buf_pos += n;
		data += n;
		left -= n;
	}
	s->offset += len;
	return 0;
}

/**
 * ckpt_read_padding - take zeroes off the image, before page payload
 * @s:		the stream
 * @len:	their number
 *
 * Return: 0, -EBADMSG if they are not zero, -ENODATA when the image ends
 * before, or a negative error.
 */
int ckpt_read_padding(struct ckpt_stream *s, size_t len)
{
	size_t left = len;

	settle_crc(s, s->buf_pos);
	while (left) {
		ssize_t n = buf_ready(s, left);

		if (n < 0)
			return n;
		if (memchr_inv(s->buf + s->buf_pos, 0, n))
			return -EBADMSG;
		s->buf_pos += n;
		s->crc_pos = s->buf_pos;
		left -= n;
	}
	s->crc = __crc32c_le_shift(s->crc, len);
	s->offset += len;
	return 0;
}

/**
 * ckpt_read_pages - take page payload off the image, straight into pages
 * @s:		the stream
 * @pages:	where it goes
 * @nr:		number of pages
 *
 * Return: 0, -ENODATA when the image ends before, or a negative error.
 */
int ckpt_read_pages(struct ckpt_stream *s, struct page **pages, unsigned int nr)
{
	struct iov_iter iter;
	struct bio_vec *bv;
	size_t ahead;
	int ret = 0;

	bv = kvmalloc_array(nr, sizeof(*bv), GFP_KERNEL);
	if (!bv)
		return -ENOMEM;
	iov_iter_bvec(&iter, ITER_DEST, bv, bvec_of_pages(bv, pages, nr),
		      (size_t)nr << PAGE_SHIFT);
	settle_crc(s, s->buf_pos);
	ahead = min(s->buf_len - s->buf_pos, iov_iter_count(&iter));
	if (copy_to_iter(s->buf + s->buf_pos, ahead, &iter) != ahead)
		ret = -EFAULT;
	s->buf_pos += ahead;
	s->crc_pos = s->buf_pos;
	if (nr > FEW_PAGES)
		s->ahead = 0;
	if (PAGE_ALIGNED(ahead)) {
		unsigned int first = ahead >> PAGE_SHIFT;

		iov_iter_advance(&iter, ckpt_copy_cached(s->file, &s->pos, pages + first,
							 nr - first));
	}
	if (!ret)
		ret = stream_read_in(s, &iter);
	kvfree(bv);
	if (ret)
		return ret;
	s->offset += (u64)nr << PAGE_SHIFT;
	s->pages += nr;
	return 0;
}

/* Payload that nobody wants: a parent's pages that the increment replaced. */
int ckpt_skip_pages(struct ckpt_stream *s, unsigned int nr)
{
	u64 left = (u64)nr << PAGE_SHIFT;

	s->offset += left;
	s->pages += nr;
	settle_crc(s, s->buf_pos);
	while (left) {
		size_t n = min_t(u64, left, s->buf_len - s->buf_pos);
		int ret;

		s->buf_pos += n;
		s->crc_pos = s->buf_pos;
		left -= n;
		if (!left)
			return 0;
		if (s->file->f_mode & FMODE_LSEEK) {
			if (nr > FEW_PAGES)
				s->ahead = 0;
			s->pos += left;
			return 0;
		}
		ret = stream_refill(s);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * ckpt_read_rec - read the head of the next record
 * @ctx:	the restart
 * @s:		the stream
 * @rec:	where it goes
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_read_rec(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct ckpt_rec *rec)
{
	const struct ckpt_rec *next = s->buf + s->buf_pos;
	int ret;

	/* Before the trailer, whose reader asks; it may be one if it is not yet in the buffer. */
	if (s->buf_len - s->buf_pos < sizeof(*rec) ||
	    get_unaligned(&next->type) == CKPT_REC_TRAILER) {
		settle_crc(s, s->buf_pos);
		s->rec_crc = s->crc;
	}
	ret = ckpt_read(s, rec, sizeof(*rec));
	if (ret == -ENODATA)
		return ckpt_err(ctx, -ENODATA, "the image is truncated: a record should follow");
	if (ret)
		return ckpt_err(ctx, ret, "cannot read the image");
	s->nr_records++;
	if (rec->type != CKPT_REC_PAGES && rec->len > CKPT_MAX_RECORD_BYTES)
		return ckpt_err(ctx, -EINVAL, "record of type %u claims %llu bytes",
				rec->type, rec->len);
	return 0;
}

/**
 * ckpt_read_payload - read the payload of a record
 * @ctx:	the restart
 * @s:		the stream
 * @rec:	its head
 * @min:	bytes it must have
 * @max:	bytes it may have
 *
 * Return: memory that the caller frees with kvfree(), followed by a zero byte
 * so that a tail of strings ends; or an error pointer, which has been logged.
 */
void *ckpt_read_payload(struct ckpt_ctx *ctx, struct ckpt_stream *s,
			const struct ckpt_rec *rec, size_t min, size_t max)
{
	void *data;
	int ret;

	if (rec->len < min || rec->len > max)
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
			"record of type %u has %llu bytes, not %zu to %zu",
			rec->type, rec->len, min, max));
	data = kvmalloc(rec->len + 1, GFP_KERNEL_ACCOUNT);
	if (!data)
		return ERR_PTR(-ENOMEM);
	ret = ckpt_read(s, data, rec->len);
	if (ret) {
		kvfree(data);
		return ERR_PTR(ckpt_err(ctx, ret, ret == -ENODATA ?
			"the image is truncated in a record of type %u" :
			"cannot read the image, in a record of type %u", rec->type));
	}
	((char *)data)[rec->len] = '\0';
	return data;
}
