// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that stay in the image until they are needed.
 *
 * A lazy restart puts a marker into the page table entry of each page that the
 * image has, naming the image of the chain and the page in its file. A fault
 * reads it, and its neighbours; a worker brings in the rest. Forks, moves,
 * unmapping and madvise() treat the markers as they treat other entries that
 * are not present.
 *
 * The images are held open and nobody may write to them meanwhile, as to a
 * program that runs. They are read through the page cache, without any lock of
 * the inode: the process may fault while it holds one.
 */
#include <linux/checkpoint_mm.h>
#include <linux/ckpt_lazy.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pagemap.h>
#include <linux/pagewalk.h>
#include <linux/pgtable_checkpoint.h>
#include <linux/ratelimit.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/workqueue.h>
#include <asm/pgalloc.h>

#include "ckpt_lazy.h"
#include "ckpt_track.h"
#include "internal.h"

/* Pages that a fault, or a step of the worker, brings in at most. */
#define FAULT_PAGES	16
#define RUN_PAGES	64
/* What has just been let go comes first. */
#define FILL_DELAY	(HZ / 20)

/**
 * struct ckpt_lazy - the images that pages are still in
 * @refs:	address spaces that may have such pages, and the restart
 * @images:	files, by the number that markers have
 * @nr:		their number
 */
struct ckpt_lazy {
	refcount_t refs;
	struct xarray images;
	unsigned int nr;
};

/* Neighbouring markers of one page table, and what takes their places. */
struct lazy_run {
	struct vm_area_struct *vma;
	pmd_t *pmd;
	unsigned long addr;
	unsigned int nr, max;
	pte_t pte[RUN_PAGES];
	struct folio *folio[RUN_PAGES];
};

struct lazy_filler {
	struct delayed_work work;
	struct mm_struct *mm;
};

static struct workqueue_struct *lazy_wq;

static struct ckpt_lazy *lazy_of(struct mm_struct *mm)
{
	struct ckpt_mm_track *track = READ_ONCE(mm->ckpt_track);

	return track ? READ_ONCE(track->lazy) : NULL;
}

/**
 * ckpt_lazy_put - drop a reference to the images
 * @lazy:	they, or NULL
 */
void ckpt_lazy_put(struct ckpt_lazy *lazy)
{
	struct file *file;
	unsigned long i;

	if (!lazy || !refcount_dec_and_test(&lazy->refs))
		return;
	xa_for_each(&lazy->images, i, file) {
		allow_write_access(file);
		fput(file);
	}
	xa_destroy(&lazy->images);
	kfree(lazy);
}

/* Can a page be read by a fault, without any lock that its process may hold? */
static bool can_read_pages(struct file *file)
{
	return shmem_mapping(file->f_mapping) || file->f_mapping->a_ops->read_folio;
}

/* The number of an image. The one that was added last is asked for mostly. */
static int image_number(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_lazy *lazy = ctx->lazy;
	int ret;

	if (!lazy) {
		lazy = kzalloc(sizeof(*lazy), GFP_KERNEL_ACCOUNT);
		if (!lazy)
			return -ENOMEM;
		refcount_set(&lazy->refs, 1);
		xa_init(&lazy->images);
		ctx->lazy = lazy;
	}
	if (lazy->nr && xa_load(&lazy->images, lazy->nr - 1) == file)
		return lazy->nr - 1;
	if (lazy->nr >> CKPT_LAZY_IMAGE_BITS)
		return -E2BIG;
	if (!(file->f_mode & FMODE_LSEEK) || !can_read_pages(file))
		return ckpt_err(ctx, -EOPNOTSUPP,
			"a lazy restart takes an image that is a file, on a filesystem that reads single pages; this is another");
	ret = deny_write_access(file);
	if (ret)
		return ckpt_err(ctx, ret,
			"a lazy restart takes an image that nobody writes to; this one is open for writing");
	ret = xa_err(xa_store(&lazy->images, lazy->nr, file, GFP_KERNEL_ACCOUNT));
	if (ret) {
		allow_write_access(file);
		return ret;
	}
	get_file(file);
	return lazy->nr++;
}

static pte_t marker_of(unsigned long offset)
{
	return swp_entry_to_pte(swp_entry(SWP_PTE_MARKER, offset));
}

/*
 * A page table is filled before anybody can see it: neither lock nor look is
 * needed for each entry. Returns false if there is one already.
 */
static bool mark_new_table(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, unsigned long nr,
			   unsigned long offset, int *error)
{
	pgtable_t table;
	pte_t *pte;

	if (!pmd_none(pmdp_get_lockless(pmd)))
		return false;
	table = pte_alloc_one(mm);
	if (!table) {
		*error = -ENOMEM;
		return true;
	}
	pte = (pte_t *)page_address(table) + pte_index(addr);
	for (; nr; nr--, pte++, offset += BIT(CKPT_LAZY_INDEX_SHIFT))
		set_pte(pte, marker_of(offset));
	pmd_install(mm, pmd, &table);
	if (!table)
		return true;
	pte_free(mm, table);
	return false;
}

/* Put markers into one page table. Returns how many pages that was. */
static long mark_table(struct vm_area_struct *vma, unsigned long addr, unsigned long end,
		       unsigned long offset)
{
	struct mm_struct *mm = vma->vm_mm;
	pte_t *start, *pte;
	unsigned long at;
	spinlock_t *ptl;	/* of the page table */
	int error = 0;
	long ret;
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	p4d = p4d_alloc(mm, pgd_offset(mm, addr), addr);
	pud = p4d ? pud_alloc(mm, p4d, addr) : NULL;
	pmd = pud ? pmd_alloc(mm, pud, addr) : NULL;
	if (!pmd)
		return -ENOMEM;
	end = min(end, pmd_addr_end(addr, end));
	ret = (end - addr) >> PAGE_SHIFT;
	if (mark_new_table(mm, pmd, addr, ret, offset, &error))
		return error ?: ret;
	start = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!start)
		return -EEXIST;
	for (pte = start, at = addr; at < end; pte++, at += PAGE_SIZE) {
		if (!pte_none(ptep_get(pte))) {
			ret = -EEXIST;
			break;
		}
		set_pte_at(mm, at, pte, marker_of(offset));
		offset += BIT(CKPT_LAZY_INDEX_SHIFT);
	}
	pte_unmap_unlock(start, ptl);
	return ret;
}

static long mark(struct mm_struct *mm, unsigned long addr, unsigned long nr,
		 unsigned long offset)
{
	unsigned long end = addr + (nr << PAGE_SHIFT);
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	unsigned long done = 0;

	/* Locked memory is there already, and stays. */
	if (!vma || vma->vm_flags & (VM_LOCKED | VM_HUGETLB))
		return 0;
	end = min(end, vma->vm_end);
	/* Without it, fork() would not look at the page tables. */
	if (anon_vma_prepare(vma))
		return -ENOMEM;
	while (addr < end) {
		long n = mark_table(vma, addr, end, offset + (done << CKPT_LAZY_INDEX_SHIFT));

		if (n < 0)
			return n;
		done += n;
		addr += n << PAGE_SHIFT;
	}
	return done;
}

/**
 * ckpt_lazy_mark - leave pages in the image
 * @ctx:	the restart
 * @mm:		the address space, which nobody uses yet
 * @addr:	the first page; the mappings are private
 * @nr:		their number
 * @file:	the image
 * @pos:	where its payload stands in @file
 *
 * Return: how many were left there, from the first on, 0 if it is to be read
 * now; or a negative error, which has been logged.
 */
long ckpt_lazy_mark(struct ckpt_ctx *ctx, struct mm_struct *mm, unsigned long addr,
		    unsigned long nr, struct file *file, loff_t pos)
{
	struct ckpt_mm_track *track = ckpt_track_of(mm);
	unsigned long offset;
	long n;

	ctx->where.addr = addr;
	n = image_number(ctx, file);
	if (n < 0)
		return ckpt_err(ctx, n, "cannot leave pages in the image (error %ld)", n);
	if (pos & ~PAGE_MASK || (pos >> PAGE_SHIFT) + nr > BIT(CKPT_LAZY_INDEX_BITS))
		return ckpt_err(ctx, -EINVAL,
			"for a lazy restart, pages stand at page boundaries of the image's file");
	if (!track)
		return -ENOMEM;
	if (!track->lazy) {
		refcount_inc(&ctx->lazy->refs);
		WRITE_ONCE(track->lazy, ctx->lazy);
	}
	offset = CKPT_LAZY_MARKER | CKPT_LAZY_SAME | n << CKPT_LAZY_IMAGE_SHIFT |
		 (pos >> PAGE_SHIFT) << CKPT_LAZY_INDEX_SHIFT;
	if (mmap_read_lock_killable(mm))
		return ckpt_err(ctx, -EINTR, "interrupted");
	n = mark(mm, addr, nr, offset);
	mmap_read_unlock(mm);
	if (n == -EEXIST)
		return ckpt_err(ctx, -EINVAL, "the image has a page twice");
	if (n < 0)
		return ckpt_err(ctx, n, "cannot leave pages in the image (error %ld)", n);
	ctx->where.addr = 0;
	return n;
}

static int read_page(struct file *file, pgoff_t index, unsigned int ahead, struct page *page)
{
	struct address_space *mapping = file->f_mapping;
	struct folio *src;

	if (index >= i_size_read(mapping->host) >> PAGE_SHIFT)
		return -ENODATA;
	if (shmem_mapping(mapping)) {
		src = shmem_read_folio(mapping, index);
	} else {
		src = filemap_get_folio(mapping, index);
		if (IS_ERR(src))
			page_cache_sync_readahead(mapping, &file->f_ra, file, index, ahead);
		else
			folio_put(src);
		src = read_mapping_folio(mapping, index, file);
	}
	if (IS_ERR(src))
		return PTR_ERR(src);
	copy_highpage(page, folio_file_page(src, index));
	folio_put(src);
	return 0;
}

/* A folio with the contents that a marker names. */
static struct folio *read_marked(struct vm_area_struct *vma, unsigned long addr, pte_t pte,
				 unsigned int ahead)
{
	unsigned long offset = swp_offset(pte_to_swp_entry(pte));
	struct ckpt_lazy *lazy = lazy_of(vma->vm_mm);
	pgoff_t index = offset >> CKPT_LAZY_INDEX_SHIFT;
	struct folio *folio;
	struct file *file;
	int ret;

	file = lazy ? xa_load(&lazy->images, (offset >> CKPT_LAZY_IMAGE_SHIFT) &
			      (BIT(CKPT_LAZY_IMAGE_BITS) - 1)) : NULL;
	if (!file)
		return ERR_PTR(-ESTALE);
	folio = vma_alloc_folio(GFP_HIGHUSER_MOVABLE, 0, vma, addr, false);
	if (!folio)
		return ERR_PTR(-ENOMEM);
	ret = mem_cgroup_charge(folio, vma->vm_mm, GFP_KERNEL);
	if (!ret)
		ret = read_page(file, index, ahead, folio_page(folio, 0));
	if (ret) {
		folio_put(folio);
		if (ret != -ENOMEM && ret != -EINTR)
			pr_err_ratelimited("checkpoint: pid %d (%s): address 0x%lx: cannot read page %lu of the image %pD (error %d)\n",
					   task_pid_nr(current), current->comm, addr, index,
					   file, ret);
		return ERR_PTR(ret);
	}
	folio_throttle_swaprate(folio, GFP_KERNEL);
	__folio_mark_uptodate(folio);
	return folio;
}

bool ckpt_lazy_swap_same(struct vm_area_struct *vma, pte_t pte)
{
	return pte_is_ckpt_lazy(pte) && swp_offset(pte_to_swp_entry(pte)) & CKPT_LAZY_SAME;
}

pte_t ckpt_lazy_swap_reset(pte_t pte)
{
	return pte_is_ckpt_lazy(pte) ? pte_ckpt_lazy_set(pte, CKPT_LAZY_SAME, 0) : pte;
}

/* The page table is locked, and holds the marker. */
static void put_in_place(struct vm_area_struct *vma, unsigned long addr, pte_t *pte,
			 pte_t marker, struct folio *folio, bool write)
{
	struct ckpt_mm_track *track = vma->vm_mm->ckpt_track;
	pte_t entry = mk_pte(folio_page(folio, 0), vma->vm_page_prot);

	if (pte_swp_soft_dirty(marker))
		entry = pte_mksoft_dirty(entry);
	if (write)
		entry = maybe_mkwrite(pte_mkdirty(entry), vma);
	else
		entry = pte_wrprotect(entry);
	if (pte_swp_uffd_wp(marker))
		entry = pte_mkuffd_wp(pte_wrprotect(entry));
	if (!write && track->ops && track->ops->owns_bit &&
	    swp_offset(pte_to_swp_entry(marker)) & CKPT_LAZY_SAME)
		entry = pte_mkckpt_clean(entry);
	inc_mm_counter(vma->vm_mm, MM_ANONPAGES);
	folio_add_new_anon_rmap(folio, vma, addr, RMAP_EXCLUSIVE);
	folio_add_lru_vma(folio, vma);
	set_pte_at(vma->vm_mm, addr, pte, entry);
	update_mmu_cache(vma, addr, pte);
}

/*
 * Read the pages of a run; the first is about to be written to, if @write. The
 * mmap lock or the mapping's lock is held. An error counts if it is the first's.
 */
static int fill_run(struct lazy_run *run, bool write)
{
	unsigned long addr = run->addr;
	unsigned int i, nr = 0;
	spinlock_t *ptl;	/* of the page table */
	pte_t *start;
	int ret = 0;

	for (; nr < run->nr; nr++) {
		run->folio[nr] = read_marked(run->vma, addr + nr * PAGE_SIZE, run->pte[nr],
					     run->nr - nr);
		if (IS_ERR(run->folio[nr])) {
			ret = nr ? 0 : PTR_ERR(run->folio[nr]);
			break;
		}
	}
	start = nr ? pte_offset_map_lock(run->vma->vm_mm, run->pmd, addr, &ptl) : NULL;
	for (i = 0; i < nr; i++, addr += PAGE_SIZE) {
		if (start && pte_same(ptep_get(start + i), run->pte[i]))
			put_in_place(run->vma, addr, start + i, run->pte[i], run->folio[i],
				     write && !i);
		else
			folio_put(run->folio[i]);
	}
	if (start)
		pte_unmap_unlock(start, ptl);
	return ret;
}

/* The markers that follow, of pages that stand together in the image, too. */
static void collect(struct lazy_run *run, pte_t *pte, unsigned long addr, unsigned long end)
{
	run->addr = addr;
	run->nr = 0;
	for (; addr < end && run->nr < run->max; pte++, addr += PAGE_SIZE) {
		pte_t entry = ptep_get(pte);

		if (!pte_is_ckpt_lazy(entry))
			return;
		run->pte[run->nr++] = entry;
	}
}

/**
 * ckpt_lazy_fault - someone touches a page that is still in the image
 * @vmf:	the fault; its entry is neither mapped nor locked
 */
vm_fault_t ckpt_lazy_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long addr = vmf->address & PAGE_MASK;
	struct lazy_run *run;
	vm_fault_t ret;
	spinlock_t *ptl;	/* of the page table */
	pte_t *pte;
	int err;

	ret = vmf_anon_prepare(vmf);
	if (ret)
		return ret;
	run = kmalloc(sizeof(*run), GFP_KERNEL);
	if (!run)
		return VM_FAULT_OOM;
	run->vma = vma;
	run->pmd = vmf->pmd;
	run->max = FAULT_PAGES;
	run->nr = 0;
	pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, addr, &ptl);
	if (pte) {
		collect(run, pte, addr, min(vma->vm_end, pmd_addr_end(addr, vma->vm_end)));
		pte_unmap_unlock(pte, ptl);
	}
	err = fill_run(run, vmf->flags & FAULT_FLAG_WRITE);
	kfree(run);
	if (!err)
		return VM_FAULT_MAJOR;
	/* Who is being killed does not see it. */
	return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

/* Ends the walk at the next run of markers. */
static int find_run(pmd_t *pmd, unsigned long addr, unsigned long end, struct mm_walk *walk)
{
	struct lazy_run *run = walk->private;
	spinlock_t *ptl;	/* of the page table */
	pte_t *start, *pte;

	cond_resched();
	if (pmd_trans_huge(pmdp_get_lockless(pmd)))
		return 0;
	start = pte_offset_map_lock(walk->mm, pmd, addr, &ptl);
	if (!start)
		return 0;
	for (pte = start; addr < end && !run->nr; pte++, addr += PAGE_SIZE)
		if (pte_is_ckpt_lazy(ptep_get(pte)))
			collect(run, pte, addr, end);
	pte_unmap_unlock(start, ptl);
	run->vma = walk->vma;
	run->pmd = pmd;
	return run->nr ? 1 : 0;
}

static const struct mm_walk_ops find_ops = {
	.pmd_entry	= find_run,
	.walk_lock	= PGWALK_RDLOCK,
};

/* The same, and faults are shut out. */
static const struct mm_walk_ops check_ops = {
	.pmd_entry	= find_run,
	.walk_lock	= PGWALK_WRLOCK,
};

/*
 * Returns 0 if there were none any more; behind the back of processes, an
 * error, too, when they have gone, for whoever fills it keeps their memory.
 */
static int fill_all(struct mm_struct *mm, struct lazy_run *run, bool behind)
{
	unsigned long addr = 0;
	int ret, found;

	do {
		ret = mmap_read_lock_killable(mm);
		if (ret)
			return ret;
		run->nr = 0;
		run->max = RUN_PAGES;
		found = walk_page_range(mm, addr, -1, &find_ops, run);
		if (found > 0) {
			ret = fill_run(run, false);
			addr = run->addr + run->nr * PAGE_SIZE;
		}
		mmap_read_unlock(mm);
		if (fatal_signal_pending(current))
			ret = -EINTR;
		if (behind && atomic_read(&mm->mm_users) == 1)
			ret = -ESRCH;
		cond_resched();
	} while (found > 0 && !ret);
	return ret;
}

static int bring_in_all(struct mm_struct *mm, bool behind)
{
	struct ckpt_lazy *lazy = NULL;
	struct lazy_run *run;
	int ret, left;

	if (!lazy_of(mm))
		return 0;
	run = kmalloc(sizeof(*run), GFP_KERNEL);
	if (!run)
		return -ENOMEM;
	do {
		ret = fill_all(mm, run, behind);
		if (ret)
			break;
		/* mremap() may have carried some past us. */
		ret = mmap_write_lock_killable(mm);
		if (ret)
			break;
		run->nr = 0;
		run->max = 1;
		left = walk_page_range(mm, 0, -1, &check_ops, run);
		if (!left && lazy_of(mm)) {
			struct ckpt_mm_track *track = mm->ckpt_track;

			lazy = track->lazy;
			WRITE_ONCE(track->lazy, NULL);
		}
		mmap_write_unlock(mm);
	} while (left);
	kfree(run);
	ckpt_lazy_put(lazy);
	return ret;
}

/**
 * ckpt_lazy_complete - bring in all pages that are still in the image
 * @mm:		the address space; the caller does not hold its mmap lock
 *
 * Return: 0, or a negative error; then some are not there.
 */
int ckpt_lazy_complete(struct mm_struct *mm)
{
	return bring_in_all(mm, false);
}

static void fill(struct work_struct *work)
{
	struct lazy_filler *filler = container_of(to_delayed_work(work), struct lazy_filler, work);
	struct mm_struct *mm = filler->mm;

	if (mmget_not_zero(mm)) {
		/* What cannot be read is for the one who wants it. */
		bring_in_all(mm, true);
		mmput(mm);
	}
	mmdrop(mm);
	kfree(filler);
}

/**
 * ckpt_lazy_begin - bring pages in, behind the back of those who use them
 * @mm:		the address space
 */
void ckpt_lazy_begin(struct mm_struct *mm)
{
	struct lazy_filler *filler;

	if (!lazy_of(mm))
		return;
	filler = kmalloc(sizeof(*filler), GFP_KERNEL_ACCOUNT);
	/* Without, they come when they are touched. */
	if (!filler)
		return;
	mmgrab(mm);
	filler->mm = mm;
	INIT_DELAYED_WORK(&filler->work, fill);
	queue_delayed_work(lazy_wq, &filler->work, FILL_DELAY);
}

/**
 * ckpt_lazy_dup - a copy of an address space will have markers, too
 * @mm:		the copy, still empty
 * @oldmm:	the address space
 *
 * Return: 0 or -ENOMEM.
 */
int ckpt_lazy_dup(struct mm_struct *mm, struct mm_struct *oldmm)
{
	struct ckpt_mm_track *track;
	struct ckpt_lazy *lazy;

	if (!lazy_of(oldmm))
		return 0;
	track = ckpt_track_of(mm);
	if (!track)
		return -ENOMEM;
	mmap_read_lock(oldmm);
	lazy = lazy_of(oldmm);
	if (lazy) {
		refcount_inc(&lazy->refs);
		track->lazy = lazy;
	}
	mmap_read_unlock(oldmm);
	return 0;
}

/**
 * ckpt_lazy_exit - the mappings of an address space are gone
 * @mm:		the address space
 */
void ckpt_lazy_exit(struct mm_struct *mm)
{
	struct ckpt_mm_track *track = mm->ckpt_track;

	if (!track)
		return;
	ckpt_lazy_put(track->lazy);
	track->lazy = NULL;
}

static int __init ckpt_lazy_init(void)
{
	lazy_wq = alloc_workqueue("ckpt_lazy", WQ_UNBOUND, num_possible_cpus());
	return lazy_wq ? 0 : -ENOMEM;
}
subsys_initcall(ckpt_lazy_init);
