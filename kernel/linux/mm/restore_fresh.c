// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of an address space that nobody uses yet. Pages of one page table come
 * together, and several CPUs read what is much.
 *
 * Small pages are read into memory that need not be zero, and mapped when they
 * are whole: no fault is taken. Where pages may be huge, or are there already, they
 * are read in their place.
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

/* So many pages that nobody wants are read with the others rather than passed over. */
#define MAX_GAP		8

/*
 * What one CPU takes at a time of little, of which all are to have some; of
 * much, page tables are not shared: they have a lock each. And what a CPU should
 * have to do, or it is not asked to help.
 */
#define SMALL_BATCH_PAGES	(PTRS_PER_PTE / 4)
#define BATCHES_EACH		2
#define MIN_WORKER_PAGES	(2 * SMALL_BATCH_PAGES)

/* In the place of an entry in a page table: nobody wants the page. */
#define NO_ENTRY		U16_MAX

/**
 * struct fresh_range - pages of one mapping that are made
 * @file:	the image
 * @pos:	where the payload begins in it
 * @mm:		the address space
 * @start:	the mapping
 * @end:	its end
 * @in_place:	the pages are read where they are, after a fault if need be
 * @lock:	of what follows, up to @error
 * @run:	what nobody has taken yet
 * @nr_runs:	how many runs that are
 * @taken:	pages of the first of them that somebody has taken
 * @at:		pages of payload that stand before what nobody has taken
 * @made:	pages that somebody has taken
 * @batch:	pages that are taken at a time
 * @error:	the first error, or 0
 * @error_addr:	where it was
 */
struct fresh_range {
	struct file *file;
	loff_t pos;
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	bool in_place;
	spinlock_t lock;		/* who takes what */
	const struct page_run *run;
	unsigned int nr_runs;
	unsigned int taken;
	unsigned long at;
	unsigned long made;
	unsigned int batch;
	int error;
	unsigned long error_addr;
};

/**
 * struct fresh_batch - pages of one page table, in the order of their payload
 * @base:	what the page table's first entry maps
 * @at:		pages of payload before them
 * @nr:		how many there are
 * @nr_gaps:	how many of them nobody wants
 * @entry:	where each belongs in the page table, or NO_ENTRY
 * @page:	the pages
 * @spare:	where pages go that nobody wants, or NULL
 */
struct fresh_batch {
	unsigned long base;
	unsigned long at;
	unsigned int nr;
	unsigned int nr_gaps;
	u16 entry[CKPT_BATCH_PAGES];
	struct page *page[CKPT_BATCH_PAGES];
	struct page *spare;
};

struct fresh_worker {
	struct work_struct work;
	struct fresh_range *range;
	struct fresh_batch batch;
};

/* Whose pages a process has for itself. */
static bool is_private(struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_MAYSHARE | VM_HUGETLB | VM_IO | VM_PFNMAP | VM_MIXEDMAP)) &&
	       (vma_is_anonymous(vma) || vma->vm_file);
}

/* Small pages that are not there. Locked memory is there already. */
static bool is_for_fresh_pages(struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_LOCKED)
		return false;
	if (vma_is_anonymous(vma))
		return !thp_vma_allowable_order(vma, vma->vm_flags, TVA_IN_PF | TVA_ENFORCE_SYSFS,
						PMD_ORDER);
	/* A breakpoint has a page of its own before we come. */
	return vma->vm_file && !test_bit(MMF_HAS_UPROBES, &vma->vm_mm->flags);
}

static unsigned long batch_addr(const struct fresh_batch *b, unsigned int i)
{
	return b->base + ((unsigned long)b->entry[i] << PAGE_SHIFT);
}

/*
 * The next pages that nobody has taken, at most those of a page table. Returns
 * false if there are none.
 */
static bool take_batch(struct fresh_range *r, struct fresh_batch *b)
{
	b->nr = 0;
	b->nr_gaps = 0;
	while (r->nr_runs && b->nr < r->batch) {
		unsigned long addr = r->run->addr + ((unsigned long)r->taken << PAGE_SHIFT);
		unsigned int skip = r->taken ? 0 : r->run->skip, n, i;

		if (addr < r->start || addr >= r->end)
			break;
		if (!b->nr) {
			b->base = addr & PMD_MASK;
			r->at += skip;
			b->at = r->at;
			skip = 0;
		}
		if ((addr & PMD_MASK) != b->base || skip > MAX_GAP || b->nr + skip >= r->batch)
			break;
		b->nr_gaps += skip;
		while (skip--)
			b->entry[b->nr++] = NO_ENTRY;
		n = min3(r->run->nr - r->taken, r->batch - b->nr,
			 (unsigned int)((min(r->end, b->base + PMD_SIZE) - addr) >> PAGE_SHIFT));
		for (i = 0; i < n; i++)
			b->entry[b->nr++] = pte_index(addr) + i;
		r->taken += n;
		if (r->taken == r->run->nr) {
			r->run++;
			r->nr_runs--;
			r->taken = 0;
		}
	}
	r->at += b->nr;
	r->made += b->nr - b->nr_gaps;
	return b->nr;
}

static void put_pages(struct fresh_batch *b, unsigned int first)
{
	unsigned int i;

	for (i = first; i < b->nr; i++)
		if (b->page[i] && b->entry[i] != NO_ENTRY)
			put_page(b->page[i]);
}

static int fill_gaps(struct fresh_batch *b)
{
	unsigned int i;

	if (b->nr_gaps && !b->spare)
		b->spare = alloc_page(GFP_HIGHUSER);
	for (i = 0; i < b->nr; i++)
		b->page[i] = b->entry[i] == NO_ENTRY ? b->spare : NULL;
	return b->nr_gaps && !b->spare ? -ENOMEM : 0;
}

static int alloc_pages_for(struct mm_struct *mm, struct fresh_batch *b)
{
	unsigned int i;

	alloc_pages_bulk_array(GFP_HIGHUSER_MOVABLE, b->nr, b->page);
	for (i = 0; i < b->nr; i++) {
		if (b->entry[i] == NO_ENTRY)
			continue;
		if (!b->page[i])
			b->page[i] = alloc_page(GFP_HIGHUSER_MOVABLE);
		if (!b->page[i] || mem_cgroup_charge(page_folio(b->page[i]), mm, GFP_KERNEL))
			return -ENOMEM;
	}
	return 0;
}

static pte_t fresh_entry(struct vm_area_struct *vma, struct page *page)
{
	pte_t entry = pte_sw_mkyoung(mk_pte(page, vma->vm_page_prot));

	return vma->vm_flags & VM_WRITE ? pte_mkwrite(pte_mkdirty(entry), vma) : entry;
}

/*
 * Map the pages, and take them over, up to the first whose place is not empty.
 * Returns its number.
 */
static unsigned int map_batch(struct mm_struct *mm, const struct fresh_batch *b)
{
	struct vm_area_struct *vma = vma_lookup(mm, batch_addr(b, 0));
	unsigned int i, nr_mapped = 0;
	spinlock_t *ptl;	/* of the page table */
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;
	pte_t *pte;

	p4d = vma ? p4d_alloc(mm, pgd_offset(mm, b->base), b->base) : NULL;
	pud = p4d ? pud_alloc(mm, p4d, b->base) : NULL;
	pmd = pud ? pmd_alloc(mm, pud, b->base) : NULL;
	if (!pmd || pte_alloc(mm, pmd))
		return 0;
	pte = pte_offset_map_lock(mm, pmd, b->base, &ptl);
	if (!pte)
		return 0;
	for (i = 0; i < b->nr; i++) {
		struct folio *folio = page_folio(b->page[i]);
		unsigned long addr = batch_addr(b, i);

		if (b->entry[i] == NO_ENTRY)
			continue;
		if (!pte_none(ptep_get(pte + b->entry[i])))
			break;
		__folio_mark_uptodate(folio);
		folio_add_new_anon_rmap(folio, vma, addr, RMAP_EXCLUSIVE);
		folio_add_lru_vma(folio, vma);
		set_pte_at(mm, addr, pte + b->entry[i], fresh_entry(vma, b->page[i]));
		nr_mapped++;
	}
	add_mm_counter(mm, MM_ANONPAGES, nr_mapped);
	pte_unmap_unlock(pte, ptl);
	return i;
}

/* Is a huge page mapped as a whole where the batch's page table would be? */
static bool is_mapped_whole(struct mm_struct *mm, const struct fresh_batch *b, struct folio *folio)
{
	pmd_t *pmd = mm_find_pmd(mm, b->base), entry = pmd ? pmdp_get_lockless(pmd) : __pmd(0);

	return pmd_trans_huge(entry) && pmd_page(entry) == &folio->page;
}

/*
 * Pin the pages where they are; of a huge page only the first, which holds all.
 * Returns how many, those before the first that cannot be had, gaps included.
 */
static unsigned int pin_batch(struct mm_struct *mm, struct fresh_batch *b, bool *whole)
{
	unsigned int i = 0, j;
	int locked = 1;

	*whole = false;
	mmap_read_lock(mm);
	while (i < b->nr) {
		unsigned int nr = 1;
		long n;

		if (b->entry[i] == NO_ENTRY) {
			i++;
			continue;
		}
		while (i && i + nr < b->nr && b->entry[i + nr] == b->entry[i] + nr)
			nr++;
		n = pin_user_pages_remote(mm, batch_addr(b, i), nr, FOLL_WRITE | FOLL_FORCE,
					  b->page + i, &locked);
		if (!locked)
			mmap_read_lock(mm);
		locked = 1;
		if (n <= 0)
			break;
		*whole = !i && is_mapped_whole(mm, b, page_folio(b->page[0]));
		i += n;
		if (*whole)
			break;
	}
	for (j = 1; *whole && j < b->nr; j++)
		if (b->entry[j] != NO_ENTRY)
			b->page[j] = folio_page(page_folio(b->page[0]), b->entry[j]);
	mmap_read_unlock(mm);
	return *whole ? b->nr : i;
}

static void unpin_batch(struct fresh_batch *b, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (b->entry[i] != NO_ENTRY)
			unpin_user_pages_dirty_lock(b->page + i, 1, true);
}

static int fill_in_place(struct ckpt_stream *s, struct mm_struct *mm, struct fresh_batch *b)
{
	unsigned int pinned;
	bool whole;
	int ret;

	pinned = pin_batch(mm, b, &whole);
	if (pinned < b->nr)
		ret = fatal_signal_pending(current) ? -EINTR : -ENOMEM;
	else
		ret = ckpt_read_pages(s, b->page, b->nr);
	unpin_batch(b, whole ? 1 : pinned);
	return ret;
}

/* Read the pages of a batch, from where @s stands, and have them mapped. */
static int make_batch(struct ckpt_stream *s, const struct fresh_range *r, struct fresh_batch *b)
{
	struct mm_struct *mm = r->mm;
	unsigned int done = 0;
	int ret;

	if (fatal_signal_pending(current))
		return -EINTR;
	ret = fill_gaps(b);
	if (r->in_place)
		return ret ?: fill_in_place(s, mm, b);
	if (!ret)
		ret = alloc_pages_for(mm, b);
	if (!ret)
		ret = ckpt_read_pages(s, b->page, b->nr);
	if (!ret) {
		mmap_read_lock(mm);
		done = map_batch(mm, b);
		mmap_read_unlock(mm);
		ret = done < b->nr ? -EEXIST : 0;
	}
	put_pages(b, done);
	return ret;
}

static void fresh_error(struct fresh_range *r, unsigned long addr, int error)
{
	if (!cmpxchg(&r->error, 0, error))
		r->error_addr = addr;
}

/* One batch after the other, as long as there are any that nobody has taken. */
static void make_side_by_side(struct fresh_range *r, struct fresh_batch *b)
{
	while (!READ_ONCE(r->error)) {
		struct ckpt_stream s = { .file = r->file };
		bool more;
		int ret;

		spin_lock(&r->lock);
		more = take_batch(r, b);
		spin_unlock(&r->lock);
		if (!more)
			return;
		s.pos = r->pos + ((loff_t)b->at << PAGE_SHIFT);
		ret = make_batch(&s, r, b);
		if (ret)
			fresh_error(r, batch_addr(b, 0), ret);
		cond_resched();
	}
}

static void fresh_work(struct work_struct *work)
{
	struct fresh_worker *w = container_of(work, struct fresh_worker, work);
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(w->range->mm), *old;

	old = set_active_memcg(memcg);
	make_side_by_side(w->range, &w->batch);
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

static struct fresh_worker *start_worker(struct fresh_range *r, unsigned int n)
{
	struct fresh_worker *w = kmalloc(sizeof(*w), GFP_KERNEL);

	if (!w)
		return NULL;
	w->range = r;
	w->batch.spare = NULL;
	INIT_WORK(&w->work, fresh_work);
	ckpt_queue_work(&w->work, n);
	return w;
}

static void wait_for_worker(struct fresh_worker *w)
{
	flush_work(&w->work);
	if (w->batch.spare)
		put_page(w->batch.spare);
	kfree(w);
}

/* On all CPUs that the caller may use. Returns false if it is not worth while. */
static bool make_in_parallel(struct ckpt_stream *s, struct fresh_range *r, unsigned long nr,
			     struct fresh_batch *b)
{
	unsigned int cpus = cpumask_weight(current->cpus_ptr), i, started = 0;
	struct fresh_worker **workers;

	cpus = min_t(unsigned long, cpus, nr / MIN_WORKER_PAGES);
	if (cpus < 2 || !restore_reads_in_parallel(s->file))
		return false;
	workers = kcalloc(cpus - 1, sizeof(*workers), GFP_KERNEL);
	if (!workers)
		return false;
	r->file = s->file;
	r->pos = s->pos - (s->buf_len - s->buf_pos);
	/* A huge page is one CPU's. */
	if (!r->in_place && nr < BATCHES_EACH * cpus * PTRS_PER_PTE)
		r->batch = SMALL_BATCH_PAGES;
	for (i = 0; i < cpus - 1; i++) {
		workers[started] = start_worker(r, i);
		started += !!workers[started];
	}
	make_side_by_side(r, b);
	while (started)
		wait_for_worker(workers[--started]);
	kfree(workers);
	if (!r->error && ckpt_skip_pages(s, r->at))
		r->error = -EIO;
	return true;
}

static void make_in_turn(struct ckpt_stream *s, struct fresh_range *r, struct fresh_batch *b)
{
	unsigned long at = 0;

	while (!r->error && take_batch(r, b)) {
		int ret = ckpt_skip_pages(s, b->at - at) ?: make_batch(s, r, b);

		if (ret)
			fresh_error(r, batch_addr(b, 0), ret);
		at = b->at + b->nr;
		cond_resched();
	}
}

/* How many pages there are to be made in the mapping. */
static unsigned long pages_within(const struct fresh_range *r)
{
	unsigned long nr = 0;
	unsigned int i;

	for (i = 0; i < r->nr_runs; i++) {
		const struct page_run *run = &r->run[i];

		if (run->addr < r->start || run->addr >= r->end)
			break;
		nr += min_t(unsigned long, run->nr, (r->end - run->addr) >> PAGE_SHIFT);
	}
	return nr;
}

/* The mapping of the first run. Returns 1, 0 if it has no pages of its own, or an error. */
static int prepare(struct fresh_range *r)
{
	struct vm_area_struct *vma;
	int ret = 0;

	if (mmap_read_lock_killable(r->mm))
		return -EINTR;
	vma = vma_lookup(r->mm, r->run->addr);
	if (vma && is_private(vma)) {
		r->start = vma->vm_start;
		r->end = vma->vm_end;
		r->in_place = !is_for_fresh_pages(vma);
		ret = anon_vma_prepare(vma) ?: 1;
	}
	mmap_read_unlock(r->mm);
	return ret;
}

/**
 * restore_fresh_pages - make pages and read their contents
 * @ctx:	the restart
 * @s:		the image
 * @mm:		the address space, which nobody uses yet
 * @run:	the pages, in the order of their payload
 * @nr_runs:	how many runs there are
 *
 * Return: how many pages have been made, from the first on, those of one mapping;
 * 0 if no private memory is mapped there, and nothing has been read; or a negative
 * error, which has been logged.
 */
long restore_fresh_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
			 const struct page_run *run, unsigned int nr_runs)
{
	struct fresh_range r = {
		.mm = mm, .run = run, .nr_runs = nr_runs, .batch = PTRS_PER_PTE,
		.error_addr = run->addr,
	};
	struct fresh_batch *b;
	int ret = prepare(&r);

	if (!ret)
		return 0;
	b = ret > 0 ? kmalloc(sizeof(*b), GFP_KERNEL) : NULL;
	if (b) {
		spin_lock_init(&r.lock);
		b->spare = NULL;
		if (!make_in_parallel(s, &r, pages_within(&r), b))
			make_in_turn(s, &r, b);
		if (b->spare)
			put_page(b->spare);
		kfree(b);
		if (!r.error)
			return r.made;
		ret = r.error;
	} else if (ret > 0) {
		ret = -ENOMEM;
	}
	ctx->where.addr = r.error_addr;
	return ckpt_err(ctx, ret == -EEXIST ? -EINVAL : ret,
			ret == -ENODATA ? "the image is truncated in a record of pages" :
			ret == -EEXIST ?
			"the image has a page twice, or there is no memory for it" :
			ret == -ENOMEM ? "no memory for its pages" :
			ret == -EINTR ? "interrupted" : "cannot read pages from the image");
}
