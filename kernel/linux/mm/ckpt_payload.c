// SPDX-License-Identifier: GPL-2.0
/*
 * Page payload of images in tmpfs, which is memory: from pages to pages.
 *
 * Several CPUs write it, and begin while the caller collects what comes next. That is
 * a write(2) of the caller, with all that belongs to one, whose pages are copied by
 * workers, too.
 */
#include <linux/checkpoint_internal.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/fsnotify.h>
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "internal.h"

/* What a CPU takes at a time; and what it should have to do, or it is not asked to help. */
#define CHUNK_PAGES		32
#define MIN_WORKER_PAGES	(2 * CHUNK_PAGES)

struct page_writer {
	struct work_struct work;
	struct ckpt_page_write *write;
};

/**
 * struct ckpt_page_write - pages that several CPUs write
 * @file:	the image, which is long enough
 * @pos:	where the first page goes
 * @pages:	the pages
 * @nr:		their number
 * @next:	the first that nobody has taken yet
 * @plain:	the file is of single pages, wherever there is memory
 * @error:	the first error, or 0
 * @memcg:	what is allocated is charged to this
 * @led:	somebody has taken the lead: who does so holds the lock of the inode
 * @locked:	he has it, or nothing is to be written
 * @users:	who writes
 * @idle:	who leads was not the last of them, who has gone now
 * @nr_workers:	who is asked to write besides the caller
 * @worker:	they
 */
struct ckpt_page_write {
	struct file *file;
	loff_t pos;
	struct page **pages;
	unsigned int nr;
	atomic_t next;
	bool plain;
	int error;
	struct mem_cgroup *memcg;
	atomic_t led;
	struct completion locked;
	atomic_t users;
	struct completion idle;
	unsigned int nr_workers;
	struct page_writer worker[];
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

/* Until somebody else may see it. Its contents are written by nobody but us. */
static void prepare_folio(struct folio *folio, struct address_space *mapping, pgoff_t index)
{
	__folio_set_locked(folio);
	__folio_set_swapbacked(folio);
	__folio_mark_uptodate(folio);
	folio_set_referenced(folio);
	folio_set_dirty(folio);
	folio->mapping = mapping;
	folio->index = index;
}

/* Returns how many were added: up to the first place that is not empty. */
static unsigned int add_to_page_cache(struct address_space *mapping, pgoff_t index,
				      struct page **new, unsigned int nr)
{
	XA_STATE(xas, &mapping->i_pages, index);
	unsigned int i = 0;

	do {
		xas_lock_irq(&xas);
		for (; i < nr && !xas_load(&xas); xas_next(&xas), i++) {
			struct folio *folio = page_folio(new[i]);

			xas_store(&xas, folio);
			if (xas_error(&xas))
				break;
			folio_get(folio);
			__lruvec_stat_mod_folio(folio, NR_FILE_PAGES, 1);
			__lruvec_stat_mod_folio(folio, NR_SHMEM, 1);
		}
		xas_unlock_irq(&xas);
	} while (xas_nomem(&xas, mapping_gfp_constraint(mapping, GFP_RECLAIM_MASK)));
	return i;
}

/* shmem_charge() has counted them among the pages of the file, too. */
static void uncharge(struct address_space *mapping, unsigned int nr)
{
	xa_lock_irq(&mapping->i_pages);
	mapping->nrpages -= nr;
	xa_unlock_irq(&mapping->i_pages);
	shmem_uncharge(mapping->host, nr);
}

/*
 * Pages for a place where the file has none: what a write does for each is done for a
 * chunk. Returns how many were written; the others are for write_page(), which knows
 * all that may be there, and all that may go wrong.
 */
static unsigned int write_new_pages(struct ckpt_page_write *p, unsigned int first, unsigned int nr)
{
	struct address_space *mapping = p->file->f_mapping;
	pgoff_t index = (p->pos >> PAGE_SHIFT) + first;
	gfp_t gfp = mapping_gfp_mask(mapping);
	struct page *new[CHUNK_PAGES] = {};
	unsigned int i, n, added = 0;

	nr = alloc_pages_bulk_array(gfp, nr, new);
	for (n = 0; n < nr; n++) {
		if (mem_cgroup_charge(page_folio(new[n]), NULL, gfp & GFP_RECLAIM_MASK))
			break;
		copy_highpage(new[n], p->pages[first + n]);
		flush_dcache_page(new[n]);
		prepare_folio(page_folio(new[n]), mapping, index + n);
	}
	if (n && shmem_charge(mapping->host, n)) {
		added = add_to_page_cache(mapping, index, new, n);
		if (added < n)
			uncharge(mapping, n - added);
	}
	for (i = 0; i < nr; i++) {
		struct folio *folio = page_folio(new[i]);

		if (i < added)
			folio_add_lru(folio);
		else
			folio->mapping = NULL;
		if (i < n)
			folio_unlock(folio);
		folio_put(folio);
	}
	return added;
}

/* One chunk after the other, as long as there are any that nobody has taken. */
static void write_chunks(struct ckpt_page_write *p)
{
	while (!READ_ONCE(p->error)) {
		unsigned int i = atomic_fetch_add(CHUNK_PAGES, &p->next);
		unsigned int end = min(i + CHUNK_PAGES, p->nr);
		int ret = 0;

		if (i >= p->nr)
			return;
		if (p->plain)
			i += write_new_pages(p, i, end - i);
		for (; i < end && !ret; i++)
			ret = write_page(p->file, p->pos + ((loff_t)i << PAGE_SHIFT), p->pages[i]);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		if (ret)
			cmpxchg(&p->error, 0, ret);
		cond_resched();
	}
}

/* Somebody may have cut or sealed the file since. */
static bool has_room(const struct ckpt_page_write *p)
{
	struct inode *inode = file_inode(p->file);

	return p->pos + ((loff_t)p->nr << PAGE_SHIFT) <= i_size_read(inode) &&
	       !(SHMEM_I(inode)->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
}

static void lead(struct ckpt_page_write *p)
{
	struct inode *inode = file_inode(p->file);

	file_start_write(p->file);
	inode_lock(inode);
	if (has_room(p))
		atomic_set(&p->users, 1);
	else
		p->error = -EIO;
	complete_all(&p->locked);
	if (!p->error) {
		write_chunks(p);
		if (!atomic_dec_and_test(&p->users))
			wait_for_completion(&p->idle);
	}
	inode_unlock(inode);
	file_end_write(p->file);
}

static void follow(struct ckpt_page_write *p)
{
	wait_for_completion(&p->locked);
	/* All may have been written. */
	if (!atomic_inc_not_zero(&p->users))
		return;
	write_chunks(p);
	if (atomic_dec_and_test(&p->users))
		complete(&p->idle);
}

static void take_part(struct ckpt_page_write *p)
{
	if (atomic_xchg(&p->led, 1))
		follow(p);
	else
		lead(p);
}

static void page_write_work(struct work_struct *work)
{
	struct ckpt_page_write *p = container_of(work, struct page_writer, work)->write;
	struct mem_cgroup *old = set_active_memcg(p->memcg);

	take_part(p);
	set_active_memcg(old);
}

/* Returns 1, 0 if it is not to be written like this, or an error. */
static int prepare_file(struct file *file, loff_t pos, size_t len)
{
	struct inode *inode = file_inode(file);
	struct iov_iter iter = { .count = len };
	struct kiocb iocb;
	int ret;

	init_sync_kiocb(&iocb, file);
	iocb.ki_pos = pos;
	/* A limit comes in between, or a seal: let it be met where it is. */
	if (generic_write_checks(&iocb, &iter) != len || iocb.ki_pos != pos ||
	    SHMEM_I(inode)->seals & (F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return 0;
	ret = file_remove_privs(file) ?: file_update_time(file);
	if (ret)
		return ret;
	/* Once, or those who write would do it at the same time. */
	if (pos + len > i_size_read(inode))
		i_size_write(inode, pos + len);
	return 1;
}

/**
 * ckpt_page_write_begin - have page payload written by several CPUs
 * @file:	the image
 * @pos:	where it goes; moved on
 * @pages:	the pages, which stay where they are until all are written
 * @nr:		their number
 * @write:	set to what ckpt_page_write_finish() is to be called with
 *
 * Return: 1 if they are being written; 0 if not, for they are not many, or not for
 * a file in tmpfs; or a negative error.
 */
int ckpt_page_write_begin(struct file *file, loff_t *pos, struct page **pages, unsigned int nr,
			  struct ckpt_page_write **write)
{
	unsigned int cpus = min(cpumask_weight(current->cpus_ptr), nr / MIN_WORKER_PAGES), i;
	const struct shmem_sb_info *sb;
	struct ckpt_page_write *p;
	int ret;

	if (cpus < 2 || !shmem_mapping(file->f_mapping) || !(file->f_mode & FMODE_LSEEK) ||
	    !PAGE_ALIGNED(*pos))
		return 0;
	ret = rw_verify_area(WRITE, file, pos, (size_t)nr << PAGE_SHIFT);
	if (ret)
		return ret;
	p = kzalloc(struct_size(p, worker, cpus - 1), GFP_KERNEL);
	if (!p)
		return 0;
	file_start_write(file);
	inode_lock(file_inode(file));
	ret = prepare_file(file, *pos, (size_t)nr << PAGE_SHIFT);
	inode_unlock(file_inode(file));
	file_end_write(file);
	if (ret <= 0) {
		kfree(p);
		return ret;
	}
	sb = file_inode(file)->i_sb->s_fs_info;
	p->plain = !sb->huge && !sb->mpol;
	p->file = file;
	p->pos = *pos;
	p->pages = pages;
	p->nr = nr;
	p->memcg = get_mem_cgroup_from_mm(current->mm);
	p->nr_workers = cpus - 1;
	init_completion(&p->locked);
	init_completion(&p->idle);
	for (i = 0; i < p->nr_workers; i++) {
		p->worker[i].write = p;
		INIT_WORK(&p->worker[i].work, page_write_work);
		ckpt_queue_work(&p->worker[i].work, i);
	}
	*pos += (loff_t)nr << PAGE_SHIFT;
	*write = p;
	return 1;
}

/**
 * ckpt_page_write_finish - write what nobody has written yet, and wait for the rest
 * @p:	what ckpt_page_write_begin() has begun
 *
 * Return: 0 or a negative error.
 */
int ckpt_page_write_finish(struct ckpt_page_write *p)
{
	unsigned int i;
	int ret;

	take_part(p);
	for (i = 0; i < p->nr_workers; i++)
		flush_work(&p->worker[i].work);
	ret = p->error;
	if (!ret)
		fsnotify_modify(p->file);
	mem_cgroup_put(p->memcg);
	kfree(p);
	return ret;
}

/* What is at hand of @nr pages, up to the first that is not. */
static unsigned int copy_folios(struct folio_batch *folios, pgoff_t index, struct page **pages,
				unsigned int nr)
{
	unsigned int i, done = 0;

	for (i = 0; i < folio_batch_count(folios); i++) {
		struct folio *folio = folios->folios[i];

		if (!folio_test_uptodate(folio) || folio_contain_hwpoisoned_page(folio) ||
		    !folio_contains(folio, index + done))
			break;
		for (; done < nr && folio_contains(folio, index + done); done++)
			copy_highpage(pages[done], folio_file_page(folio, index + done));
	}
	return done;
}

/**
 * ckpt_copy_cached - copy page payload of an image in tmpfs from where it is
 * @file:	the image
 * @pos:	where it stands in it; moved on
 * @pages:	where it goes
 * @nr:		number of pages
 *
 * Return: how many bytes, of whole pages, have been copied; the rest is to be read.
 */
size_t ckpt_copy_cached(struct file *file, loff_t *pos, struct page **pages, unsigned int nr)
{
	loff_t left = i_size_read(file_inode(file)) - *pos;
	pgoff_t index = *pos >> PAGE_SHIFT, next = index;
	unsigned int n = 1, done = 0;
	struct folio_batch folios;

	if (!shmem_mapping(file->f_mapping) || !PAGE_ALIGNED(*pos) || left < (loff_t)PAGE_SIZE ||
	    rw_verify_area(READ, file, pos, (size_t)nr << PAGE_SHIFT))
		return 0;
	nr = min_t(loff_t, nr, left >> PAGE_SHIFT);
	folio_batch_init(&folios);
	while (n && done < nr &&
	       filemap_get_folios(file->f_mapping, &next, index + nr - 1, &folios)) {
		n = copy_folios(&folios, index + done, pages + done, nr - done);
		done += n;
		folio_batch_release(&folios);
	}
	*pos += (loff_t)done << PAGE_SHIFT;
	return (size_t)done << PAGE_SHIFT;
}
