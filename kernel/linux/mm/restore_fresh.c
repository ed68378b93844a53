// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of an address space that nobody uses yet: they are read into memory
 * that need not be zero, and mapped when they are whole. No fault is taken, and
 * large ranges are read by several CPUs.
 */
#include <linux/checkpoint_internal.h>
#include <linux/gfp.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/workqueue.h>

#include "internal.h"
#include "restore.h"

/*
 * How many pages from @addr on may be made so, all in one page table: of small
 * pages in private anonymous memory. Locked memory is there already.
 */
static long fresh_pages(struct mm_struct *mm, unsigned long addr, unsigned long nr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	unsigned long end;

	if (!vma || !vma_is_anonymous(vma) || vma->vm_flags & (VM_LOCKED | VM_SHARED) ||
	    thp_vma_allowable_order(vma, vma->vm_flags, TVA_IN_PF | TVA_ENFORCE_SYSFS,
				    PMD_ORDER))
		return 0;
	if (anon_vma_prepare(vma))
		return -ENOMEM;
	end = min(addr + (nr << PAGE_SHIFT), vma->vm_end);
	return (pmd_addr_end(addr, end) - addr) >> PAGE_SHIFT;
}

static long alloc_pages_for(struct mm_struct *mm, long nr, struct page **pages)
{
	long i, n;

	memset(pages, 0, nr * sizeof(*pages));
	n = alloc_pages_bulk_array(GFP_HIGHUSER_MOVABLE, nr, pages);
	if (!n) {
		pages[0] = alloc_page(GFP_HIGHUSER_MOVABLE);
		n = !!pages[0];
	}
	for (i = 0; i < n; i++)
		if (mem_cgroup_charge(page_folio(pages[i]), mm, GFP_KERNEL))
			break;
	while (n > i)
		put_page(pages[--n]);
	return n ?: -ENOMEM;
}

static pte_t fresh_entry(struct vm_area_struct *vma, struct page *page)
{
	pte_t entry = pte_sw_mkyoung(mk_pte(page, vma->vm_page_prot));

	return vma->vm_flags & VM_WRITE ? pte_mkwrite(pte_mkdirty(entry), vma) : entry;
}

/* Map @nr pages, and take them over. Returns how many were mapped. */
static long map_fresh(struct mm_struct *mm, unsigned long addr, long nr, struct page **pages)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	spinlock_t *ptl;	/* of the page table */
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;
	pte_t *pte;
	long i;

	p4d = vma ? p4d_alloc(mm, pgd_offset(mm, addr), addr) : NULL;
	pud = p4d ? pud_alloc(mm, p4d, addr) : NULL;
	pmd = pud ? pmd_alloc(mm, pud, addr) : NULL;
	if (!pmd || pte_alloc(mm, pmd))
		return 0;
	pte = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!pte)
		return 0;
	for (i = 0; i < nr && pte_none(ptep_get(pte + i)); i++, addr += PAGE_SIZE) {
		struct folio *folio = page_folio(pages[i]);

		__folio_mark_uptodate(folio);
		folio_add_new_anon_rmap(folio, vma, addr, RMAP_EXCLUSIVE);
		folio_add_lru_vma(folio, vma);
		set_pte_at(mm, addr, pte + i, fresh_entry(vma, pages[i]));
	}
	add_mm_counter(mm, MM_ANONPAGES, i);
	pte_unmap_unlock(pte, ptl);
	return i;
}

/* Make up to @nr pages, all in one page table. Returns how many, 0 if they are not for this way. */
static long make_fresh(struct ckpt_stream *s, struct mm_struct *mm, unsigned long addr,
		       unsigned long nr, struct page **pages)
{
	long n, done = 0;
	int ret;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	n = fresh_pages(mm, addr, min(nr, CKPT_BATCH_PAGES));
	mmap_read_unlock(mm);
	if (n > 0)
		n = alloc_pages_for(mm, n, pages);
	if (n <= 0)
		return n;
	ret = ckpt_read_pages(s, pages, n);
	if (!ret) {
		mmap_read_lock(mm);
		done = map_fresh(mm, addr, n, pages);
		mmap_read_unlock(mm);
	}
	if (!ret && done < n)
		ret = -EEXIST;
	if (!ret)
		return n;
	while (n > done)
		put_page(pages[--n]);
	return ret;
}

/**
 * struct fresh_range - pages that several CPUs make at the same time
 * @file:	the image
 * @pos:	where their contents begin in it
 * @mm:		the address space
 * @addr:	the first page
 * @end:	behind the last one
 * @chunk:	bytes that a CPU takes at a time
 * @next:	the chunk that nobody has taken yet
 * @error:	the first error, or 0
 * @error_addr:	where it was
 */
struct fresh_range {
	struct file *file;
	loff_t pos;
	struct mm_struct *mm;
	unsigned long addr;
	unsigned long end;
	unsigned long chunk;
	atomic_long_t next;
	int error;
	unsigned long error_addr;
};

struct fresh_worker {
	struct work_struct work;
	struct fresh_range *range;
	struct page *pages[CKPT_BATCH_PAGES];
};

static void fresh_error(struct fresh_range *r, unsigned long addr, int error)
{
	if (!cmpxchg(&r->error, 0, error))
		r->error_addr = addr;
}

/*
 * What one CPU takes at a time of little, of which all are to have some; of
 * much, page tables are not shared: they have a lock each. And what a CPU should
 * have to do, or it is not asked to help.
 */
#define SMALL_CHUNK_BYTES	(PMD_SIZE / 4)
#define CHUNKS_EACH		2
#define MIN_WORKER_BYTES	(2 * SMALL_CHUNK_BYTES)

/* One chunk after the other, as long as there are any that nobody has taken. */
static void fill_chunks(struct fresh_range *r, struct page **pages)
{
	while (!READ_ONCE(r->error)) {
		unsigned long addr = atomic_long_fetch_add(r->chunk, &r->next);
		unsigned long end = min(addr + r->chunk, r->end);
		struct ckpt_stream s = { .file = r->file };

		if (addr >= r->end)
			return;
		addr = max(addr, r->addr);
		s.pos = r->pos + (addr - r->addr);
		while (addr < end) {
			long n = fatal_signal_pending(current) ? -EINTR :
				 make_fresh(&s, r->mm, addr, (end - addr) >> PAGE_SHIFT, pages);

			if (n <= 0) {
				fresh_error(r, addr, n ?: -EINVAL);
				return;
			}
			addr += n << PAGE_SHIFT;
		}
		cond_resched();
	}
}

static void fresh_work(struct work_struct *work)
{
	struct fresh_worker *w = container_of(work, struct fresh_worker, work);
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(w->range->mm), *old;

	old = set_active_memcg(memcg);
	fill_chunks(w->range, w->pages);
	set_active_memcg(old);
	mem_cgroup_put(memcg);
}

/**
 * restore_reads_in_parallel - may several CPUs read an image at the same time?
 * @file:	the image
 *
 * Return: true if reads of it do not wait for each other, nor for a process: a
 * worker of the kernel may do them.
 */
bool restore_reads_in_parallel(struct file *file)
{
	struct inode *inode = file_inode(file);

	return file->f_mode & FMODE_LSEEK && S_ISREG(inode->i_mode) &&
	       (shmem_mapping(inode->i_mapping) ||
		(inode->i_sb->s_type->fs_flags & FS_REQUIRES_DEV &&
		 !(inode->i_sb->s_iflags & SB_I_UNTRUSTED_MOUNTER)));
}

/*
 * Up to the end of the mapping, on all CPUs that the caller may use. Returns how
 * many pages were made, or 0 if it is not worth while.
 */
static long make_in_parallel(struct ckpt_stream *s, struct fresh_range *r, unsigned long nr,
			     struct page **pages)
{
	unsigned int cpus = cpumask_weight(current->cpus_ptr), i, started = 0;
	struct fresh_worker **workers;
	struct vm_area_struct *vma;

	if (cpus < 2 || nr << PAGE_SHIFT < 2 * MIN_WORKER_BYTES ||
	    !restore_reads_in_parallel(s->file))
		return 0;
	if (mmap_read_lock_killable(r->mm))
		return -EINTR;
	vma = vma_lookup(r->mm, r->addr);
	r->end = vma ? min(r->addr + (nr << PAGE_SHIFT), vma->vm_end) : r->addr;
	nr = fresh_pages(r->mm, r->addr, 1) > 0 ? (r->end - r->addr) >> PAGE_SHIFT : 0;
	mmap_read_unlock(r->mm);
	cpus = min_t(unsigned long, cpus, (nr << PAGE_SHIFT) / MIN_WORKER_BYTES);
	if (cpus < 2)
		return 0;
	workers = kcalloc(cpus - 1, sizeof(*workers), GFP_KERNEL);
	if (!workers)
		return 0;
	r->file = s->file;
	r->pos = s->pos - (s->buf_len - s->buf_pos);
	r->chunk = nr << PAGE_SHIFT < CHUNKS_EACH * cpus * PMD_SIZE ? SMALL_CHUNK_BYTES : PMD_SIZE;
	atomic_long_set(&r->next, round_down(r->addr, r->chunk));
	for (i = 0; i < cpus - 1; i++) {
		workers[i] = kmalloc(sizeof(**workers), GFP_KERNEL);
		if (!workers[i])
			break;
		workers[i]->range = r;
		INIT_WORK(&workers[i]->work, fresh_work);
		queue_work(system_unbound_wq, &workers[i]->work);
		started++;
	}
	fill_chunks(r, pages);
	for (i = 0; i < started; i++) {
		flush_work(&workers[i]->work);
		kfree(workers[i]);
	}
	kfree(workers);
	if (r->error)
		return r->error;
	return ckpt_skip_pages(s, nr) ?: nr;
}

/**
 * restore_fresh_pages - make pages and read their contents
 * @ctx:	the restart
 * @s:		the image
 * @mm:		the address space, which nobody uses yet
 * @addr:	the first page
 * @nr:		how many there are
 * @pages:	room for CKPT_BATCH_PAGES
 *
 * Return: how many have been made, from the first on; 0 if they are not for
 * this way, and nothing has been read; or a negative error, which has been logged.
 */
long restore_fresh_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
			 unsigned long addr, unsigned long nr, struct page **pages)
{
	struct fresh_range range = { .mm = mm, .addr = addr, .error_addr = addr };
	long n = make_in_parallel(s, &range, nr, pages);

	if (!n)
		n = make_fresh(s, mm, addr, nr, pages);
	if (n >= 0)
		return n;
	ctx->where.addr = range.error_addr;
	return ckpt_err(ctx, n == -EEXIST ? -EINVAL : n,
			n == -ENODATA ? "the image is truncated in a record of pages" :
			n == -EEXIST ?
			"the image has a page twice, or there is no memory for it" :
			n == -ENOMEM ? "no memory for its pages" :
			n == -EINTR ? "interrupted" : "cannot read pages from the image");
}
