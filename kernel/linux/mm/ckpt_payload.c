// SPDX-License-Identifier: GPL-2.0
/*
 * Page payload goes to an image in tmpfs from several CPUs at the same time.
 *
 * It is a write(2) of the caller, with all that belongs to one, whose pages are
 * copied by workers, too.
 */
#include <linux/checkpoint_internal.h>
#include <linux/cpumask.h>
#include <linux/fsnotify.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/uio.h>

/* What a CPU takes at a time; and what it should have to do, or it is not asked to help. */
#define CHUNK_PAGES		32
#define MIN_WORKER_PAGES	(2 * CHUNK_PAGES)

/**
 * struct payload - pages that several CPUs write
 * @file:	the image, whose inode is locked, and long enough
 * @pos:	where the first page goes
 * @pages:	the pages
 * @nr:		their number
 * @next:	the first that nobody has taken yet
 * @error:	the first error, or 0
 */
struct payload {
	struct file *file;
	loff_t pos;
	struct page **pages;
	unsigned int nr;
	atomic_t next;
	int error;
};

static int write_page(struct file *file, loff_t pos, struct page *page)
{
	struct address_space *mapping = file->f_mapping;
	struct folio *folio;
	void *fsdata = NULL;
	int ret;

	ret = mapping->a_ops->write_begin(file, mapping, pos, PAGE_SIZE, &folio, &fsdata);
	if (ret)
		return ret;
	copy_highpage(folio_file_page(folio, pos >> PAGE_SHIFT), page);
	flush_dcache_folio(folio);
	ret = mapping->a_ops->write_end(file, mapping, pos, PAGE_SIZE, PAGE_SIZE, folio, fsdata);
	if (ret < 0)
		return ret;
	return ret == PAGE_SIZE ? 0 : -EIO;
}

/* One chunk after the other, as long as there are any that nobody has taken. */
static void write_chunks(void *payload)
{
	struct payload *p = payload;

	while (!READ_ONCE(p->error)) {
		unsigned int i = atomic_fetch_add(CHUNK_PAGES, &p->next);
		unsigned int end = min(i + CHUNK_PAGES, p->nr);
		int ret = 0;

		if (i >= p->nr)
			return;
		for (; i < end && !ret; i++)
			ret = write_page(p->file, p->pos + ((loff_t)i << PAGE_SHIFT), p->pages[i]);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		if (ret)
			cmpxchg(&p->error, 0, ret);
		cond_resched();
	}
}

/* The inode is locked. Returns 1, 0 if it is not to be written like this, or an error. */
static int write_locked(struct payload *p, unsigned int nr_workers)
{
	struct inode *inode = file_inode(p->file);
	size_t len = (size_t)p->nr << PAGE_SHIFT;
	struct iov_iter iter = { .count = len };
	struct kiocb iocb;
	int ret;

	init_sync_kiocb(&iocb, p->file);
	iocb.ki_pos = p->pos;
	/* A limit comes in between: let it be met where it is. */
	if (generic_write_checks(&iocb, &iter) != len || iocb.ki_pos != p->pos)
		return 0;
	ret = file_remove_privs(p->file) ?: file_update_time(p->file);
	if (ret)
		return ret;
	/* Once, or those who write would do it at the same time. */
	if (p->pos + len > i_size_read(inode)) {
		if (SHMEM_I(inode)->seals & F_SEAL_GROW)
			return 0;
		i_size_write(inode, p->pos + len);
	}
	ckpt_in_parallel(nr_workers, write_chunks, p);
	return p->error ?: 1;
}

/**
 * ckpt_write_in_parallel - write page payload from several CPUs
 * @file:	the image
 * @pos:	where it goes; moved on
 * @pages:	the pages
 * @nr:		their number
 *
 * Return: 1 if they are written; 0 if nothing is, for they are not many, or not
 * for a file in tmpfs; or a negative error.
 */
int ckpt_write_in_parallel(struct file *file, loff_t *pos, struct page **pages, unsigned int nr)
{
	unsigned int cpus = min(cpumask_weight(current->cpus_ptr), nr / MIN_WORKER_PAGES);
	struct payload payload = { .file = file, .pos = *pos, .pages = pages, .nr = nr };
	int ret;

	if (cpus < 2 || !shmem_mapping(file->f_mapping) || !(file->f_mode & FMODE_LSEEK) ||
	    !PAGE_ALIGNED(*pos))
		return 0;
	ret = rw_verify_area(WRITE, file, pos, (size_t)nr << PAGE_SHIFT);
	if (ret)
		return ret;
	file_start_write(file);
	inode_lock(file_inode(file));
	ret = write_locked(&payload, cpus - 1);
	inode_unlock(file_inode(file));
	file_end_write(file);
	if (ret <= 0)
		return ret;
	*pos += (loff_t)nr << PAGE_SHIFT;
	fsnotify_modify(file);
	return 1;
}
