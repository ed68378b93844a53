// SPDX-License-Identifier: GPL-2.0
/*
 * Make an address space again from what the image says of it.
 *
 * The coordinator builds it while nobody uses it: it borrows it for the time
 * the mappings are made, and fills its pages from outside. Then every task of
 * the process that had it adopts it. What the image says is not believed.
 */
#include <linux/checkpoint_internal.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmu_context.h>
#include <linux/rseq.h>
#include <linux/sched/coredump.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "internal.h"

#define MAX_EXTENTS	65536

/**
 * struct restored_mm - an address space in the making
 * @mm:		the address space
 * @track_id:	its name in the images of the chain
 * @dumpable:	set at the end
 * @leader:	leader of the process that adopts it
 * @needed:	page numbers that are to come from parent images
 */
struct restored_mm {
	struct mm_struct *mm;
	u64 track_id;
	u32 dumpable;
	struct restart_task *leader;
	struct maple_tree needed;
};

/* The extents of a PAGES record, checked as far as they can be by themselves. */
struct extents {
	struct ckpt_extent *extent;
	unsigned int nr;
	struct page *pages[CKPT_BATCH_PAGES];
};

/**
 * restore_mm_put - drop an address space from the table of objects
 * @ptr:	the &struct restored_mm
 */
void restore_mm_put(void *ptr)
{
	struct restored_mm *rm = ptr;

	mtree_destroy(&rm->needed);
	mmput(rm->mm);
	kfree(rm);
}

/*
 * Whose memory control group pays. The coordinator does while it fills the
 * address space, and must not be remembered when it is gone.
 */
static void set_owner(struct mm_struct *mm, struct task_struct *owner)
{
#ifdef CONFIG_MEMCG
	rcu_assign_pointer(mm->owner, owner);
#endif
}

/* The caller holds both address spaces, so no lazy reference is at stake. */
static void switch_current_mm(struct mm_struct *mm)
{
	struct task_struct *tsk = current;
	struct mm_struct *old;

	task_lock(tsk);
	/* Hold off TLB flush IPIs while switching. */
	local_irq_disable();
	old = tsk->active_mm;
	tsk->active_mm = mm;
	tsk->mm = mm;
	membarrier_update_current_mm(mm);
	switch_mm_irqs_off(old, mm, tsk);
	local_irq_enable();
	task_unlock(tsk);
	/* membarrier(2) wants one between the store to tsk->mm and user accesses. */
	smp_mb();
}

static struct mm_struct *borrow_mm(struct mm_struct *mm)
{
	struct mm_struct *own = current->mm;

	mmget(mm);
	sched_mm_cid_before_execve(current);
	switch_current_mm(mm);
	return own;
}

static void return_mm(struct mm_struct *own)
{
	struct mm_struct *mm = current->mm;

	switch_current_mm(own);
	sched_mm_cid_after_execve(current);
	mmput(mm);
}

static bool is_range(u64 start, u64 end)
{
	return start <= end && end <= TASK_SIZE_MAX;
}

static int check_mm(struct ckpt_ctx *ctx, const struct ckpt_mm *m)
{
	if (!is_range(m->start_code, m->end_code) ||
	    !is_range(m->start_data, m->end_data) ||
	    !is_range(m->start_brk, m->brk) ||
	    !is_range(m->arg_start, m->arg_end) ||
	    !is_range(m->env_start, m->env_end) ||
	    m->start_stack > TASK_SIZE_MAX || m->vdso > TASK_SIZE_MAX)
		return ckpt_err(ctx, -EINVAL, "an address space with addresses out of range");
	if (m->nr_vmas > sysctl_max_map_count)
		return ckpt_err(ctx, -EINVAL, "an address space with %u mappings; the limit is %d",
				m->nr_vmas, sysctl_max_map_count);
	if (m->dumpable > SUID_DUMP_USER || m->thp_disable > 1 || !m->track_id ||
	    m->def_flags & ~(u64)(CKPT_VMA_LOCKED | CKPT_VMA_LOCKONFAULT))
		return ckpt_err(ctx, -EINVAL, "an address space with invalid attributes");
	if (m->auxv[CKPT_AUXV_WORDS - 2] || m->auxv[CKPT_AUXV_WORDS - 1])
		return ckpt_err(ctx, -EINVAL, "an auxiliary vector without end");
	return 0;
}

static vm_flags_t lock_flags(u64 flags)
{
	return (flags & CKPT_VMA_LOCKED ? VM_LOCKED : 0) |
	       (flags & CKPT_VMA_LOCKONFAULT ? VM_LOCKONFAULT : 0);
}

static int check_vma(struct ckpt_ctx *ctx, const struct ckpt_vma *v, u64 prev_end)
{
	bool of_file = v->kind == CKPT_VMA_FILE || v->kind == CKPT_VMA_SHMEM;
	u32 flags = v->flags;

	if (!PAGE_ALIGNED(v->start) || !PAGE_ALIGNED(v->end) || v->start >= v->end ||
	    v->end > TASK_SIZE || v->start < prev_end)
		return ckpt_err(ctx, -EINVAL, "a mapping from 0x%llx to 0x%llx, after 0x%llx",
				v->start, v->end, prev_end);
	if (v->kind < CKPT_VMA_ANON || v->kind > CKPT_VMA_VVAR || v->reserved ||
	    flags & ~CKPT_VMA_FLAGS_ALL)
		return ckpt_err(ctx, -EINVAL,
				"a mapping of unknown kind %u or with unknown flags 0x%x",
				v->kind, flags);
	if (flags & CKPT_VMA_SEALED)
		return ckpt_err(ctx, -EOPNOTSUPP, "a sealed mapping: not supported");
	if ((flags & CKPT_VMA_LOCKONFAULT && !(flags & CKPT_VMA_LOCKED)) ||
	    (flags & CKPT_VMA_SHARED && !of_file) ||
	    (flags & CKPT_VMA_GROWSDOWN && v->kind != CKPT_VMA_ANON) ||
	    of_file != !!v->object || v->pgoff > ULONG_MAX >> PAGE_SHIFT)
		return ckpt_err(ctx, -EINVAL, "a mapping whose attributes contradict each other");
	return 0;
}

static struct file *vma_file(struct ckpt_ctx *ctx, const struct ckpt_vma *v)
{
	if (v->kind == CKPT_VMA_FILE)
		return ckpt_ref(ctx, v->object, CKPT_OBJ_FILE);
	if (v->kind == CKPT_VMA_SHMEM)
		return ckpt_ref(ctx, v->object, CKPT_OBJ_SHMEM);
	return NULL;
}

static const struct {
	u32 flag;
	int advice;
} advices[] = {
	{ CKPT_VMA_DONTFORK,	MADV_DONTFORK },
	{ CKPT_VMA_DONTDUMP,	MADV_DONTDUMP },
	{ CKPT_VMA_WIPEONFORK,	MADV_WIPEONFORK },
	{ CKPT_VMA_HUGEPAGE,	MADV_HUGEPAGE },
	{ CKPT_VMA_NOHUGEPAGE,	MADV_NOHUGEPAGE },
	{ CKPT_VMA_MERGEABLE,	MADV_MERGEABLE },
	{ CKPT_VMA_RAND_READ,	MADV_RANDOM },
	{ CKPT_VMA_SEQ_READ,	MADV_SEQUENTIAL },
};

static int advise(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_vma *v)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(advices); i++) {
		if (!(v->flags & advices[i].flag))
			continue;
		ret = do_madvise(mm, v->start, v->end - v->start, advices[i].advice);
		if (ret)
			return ckpt_err(ctx, ret, "cannot apply madvise(%d) (error %d)",
					advices[i].advice, ret);
	}
	return 0;
}

static int map_vma(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_vma *v)
{
	struct file *file = vma_file(ctx, v);
	unsigned long prot = 0, flags = MAP_FIXED_NOREPLACE, addr;

	if (IS_ERR(file))
		return PTR_ERR(file);
	if (v->flags & CKPT_VMA_READ)
		prot |= PROT_READ;
	if (v->flags & CKPT_VMA_WRITE)
		prot |= PROT_WRITE;
	if (v->flags & CKPT_VMA_EXEC)
		prot |= PROT_EXEC;
	flags |= v->flags & CKPT_VMA_SHARED ? MAP_SHARED : MAP_PRIVATE;
	if (!file)
		flags |= MAP_ANONYMOUS;
	if (v->flags & CKPT_VMA_GROWSDOWN)
		flags |= MAP_GROWSDOWN;
	if (v->flags & CKPT_VMA_NORESERVE)
		flags |= MAP_NORESERVE;
	if (v->flags & CKPT_VMA_LOCKED && !can_do_mlock())
		return ckpt_err(ctx, -EPERM, "locked memory: RLIMIT_MEMLOCK forbids it");

	/* As after mlockall(MCL_FUTURE), which knows of lock-on-fault too. */
	mm->def_flags = lock_flags(v->flags);
	addr = vm_mmap_pgoff(file, v->start, v->end - v->start, prot, flags,
			     file ? v->pgoff : 0);
	mm->def_flags = 0;
	if (IS_ERR_VALUE(addr))
		return ckpt_err(ctx, (int)addr, "cannot map up to 0x%llx (error %d)",
				v->end, (int)addr);
	if (addr != v->start)
		return ckpt_err(ctx, -EINVAL, "mapped at 0x%lx instead", addr);
	return advise(ctx, mm, v);
}

/* The kernel that reads the image maps its own: it must be of the same size. */
static int check_special(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_vma *v)
{
	const char *want = v->kind == CKPT_VMA_VDSO ? "[vdso]" : "[vvar]";
	struct vm_area_struct *vma;
	bool ok;

	if (mmap_read_lock_killable(mm))
		return ckpt_err(ctx, -EINTR, "interrupted");
	vma = vma_lookup(mm, v->start);
	ok = vma && vma->vm_start == v->start && vma->vm_end == v->end &&
	     !vma->vm_file && vma->vm_ops && vma->vm_ops->name &&
	     !strcmp(vma->vm_ops->name(vma) ?: "", want);
	mmap_read_unlock(mm);
	if (!ok)
		return ckpt_err(ctx, -EINVAL,
				"this kernel's %s is not as the image's was: made by another kernel?",
				want);
	return 0;
}

static int map_special(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_mm *m,
		       const struct ckpt_vma *v, bool *vdso_is_mapped)
{
	int ret;

	if (!m->vdso)
		return ckpt_err(ctx, -EINVAL, "a vDSO that the address space does not speak of");
	if (!*vdso_is_mapped) {
		ret = restore_vdso(m->vdso);
		if (ret)
			return ckpt_err(ctx, ret, "cannot map the vDSO to 0x%llx (error %d)",
					m->vdso, ret);
		*vdso_is_mapped = true;
	}
	return check_special(ctx, mm, v);
}

static int map_vmas(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_mm *m,
		    u32 objref)
{
	bool vdso_is_mapped = false;
	struct ckpt_rec rec;
	struct ckpt_vma *v;
	u64 prev_end = 0;
	u32 i;
	int ret = 0;

	for (i = 0; i < m->nr_vmas && !ret; i++) {
		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		cond_resched();
		ret = ckpt_read_rec(ctx, &ctx->img, &rec);
		if (ret)
			return ret;
		if (rec.type != CKPT_REC_VMA || rec.objref != objref)
			return ckpt_err(ctx, -EINVAL,
				"mapping %u of %u of this address space should follow, not a record of type %u",
				i + 1, m->nr_vmas, rec.type);
		v = ckpt_read_payload(ctx, &ctx->img, &rec, sizeof(*v), sizeof(*v));
		if (IS_ERR(v))
			return PTR_ERR(v);
		ctx->where.addr = v->start;
		ret = check_vma(ctx, v, prev_end);
		if (!ret && v->kind >= CKPT_VMA_VDSO)
			ret = map_special(ctx, mm, m, v, &vdso_is_mapped);
		else if (!ret)
			ret = map_vma(ctx, mm, v);
		prev_end = v->end;
		ctx->where.addr = 0;
		kvfree(v);
	}
	return ret;
}

/* The same as PR_SET_MM_EXE_FILE asks for. */
static int set_exe(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref)
{
	struct file *exe = ckpt_ref(ctx, objref, CKPT_OBJ_FILE);
	int ret;

	if (IS_ERR(exe))
		return PTR_ERR(exe);
	if (!S_ISREG(file_inode(exe)->i_mode) || path_noexec(&exe->f_path))
		return ckpt_err(ctx, -EACCES,
				"the image names something as program that cannot be one");
	ret = file_permission(exe, MAY_EXEC);
	if (!ret)
		ret = set_mm_exe_file(mm, exe);
	return ret ? ckpt_err(ctx, ret, "the program's file cannot be run (error %d)", ret) : 0;
}

static void set_bounds(struct mm_struct *mm, const struct ckpt_mm *m)
{
	mm->start_code = m->start_code;
	mm->end_code = m->end_code;
	mm->start_data = m->start_data;
	mm->end_data = m->end_data;
	mm->start_brk = m->start_brk;
	mm->brk = m->brk;
	mm->start_stack = m->start_stack;
	mm->arg_start = m->arg_start;
	mm->arg_end = m->arg_end;
	mm->env_start = m->env_start;
	mm->env_end = m->env_end;
	mm->def_flags = lock_flags(m->def_flags);
	memcpy(mm->saved_auxv, m->auxv, min(sizeof(m->auxv), sizeof(mm->saved_auxv)));
	if (m->thp_disable)
		set_bit(MMF_DISABLE_THP, &mm->flags);
	else
		clear_bit(MMF_DISABLE_THP, &mm->flags);
}

static int build_mm(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_mm *m,
		    u32 objref)
{
	struct mm_struct *own;
	int ret = 0;

	mm->task_size = TASK_SIZE;
	mm->def_flags = 0;
	arch_pick_mmap_layout(mm, &current->signal->rlim[RLIMIT_STACK]);
	if (m->exe_file)
		ret = set_exe(ctx, mm, m->exe_file);
	if (ret)
		return ret;
	own = borrow_mm(mm);
	ret = map_vmas(ctx, mm, m, objref);
	return_mm(own);
	if (!ret)
		set_bounds(mm, m);
	return ret;
}

static struct restored_mm *restored_mm_alloc(void)
{
	struct restored_mm *rm = kzalloc(sizeof(*rm), GFP_KERNEL_ACCOUNT);

	if (!rm)
		return NULL;
	mt_init(&rm->needed);
	rm->mm = mm_alloc();
	if (!rm->mm) {
		kfree(rm);
		return NULL;
	}
	return rm;
}

/**
 * restore_mm_rec - make an address space and its mappings
 * @ctx:	the restart
 * @rec:	the head of the MM record
 *
 * Return: 0 or a negative error.
 */
int restore_mm_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_mm *rm;
	struct ckpt_mm *m;
	int ret;

	m = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*m), sizeof(*m));
	if (IS_ERR(m))
		return PTR_ERR(m);
	ret = check_mm(ctx, m);
	if (ret)
		goto out;
	rm = restored_mm_alloc();
	if (!rm) {
		ret = -ENOMEM;
		goto out;
	}
	rm->track_id = m->track_id;
	rm->dumpable = m->dumpable;
	ret = build_mm(ctx, rm->mm, m, rec->objref);
	set_owner(rm->mm, NULL);
	if (ret)
		restore_mm_put(rm);
	else
		ret = ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_MM, rm);
out:
	kvfree(m);
	return ret;
}

/**
 * restore_shmem_rec - make shared anonymous memory
 * @ctx:	the restart
 * @rec:	the head of the SHMEM record
 *
 * Return: 0 or a negative error.
 */
int restore_shmem_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_shmem *s;
	struct file *file;
	u64 size;

	s = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*s), sizeof(*s));
	if (IS_ERR(s))
		return PTR_ERR(s);
	size = s->size;
	kvfree(s);
	if (!size || !PAGE_ALIGNED(size) || size > TASK_SIZE_MAX)
		return ckpt_err(ctx, -EINVAL, "shared memory of %llu bytes", size);
	/* Nothing is reserved, so a size that is not backed by pages costs nothing. */
	file = shmem_file_setup("dev/zero", size, VM_NORESERVE);
	if (IS_ERR(file))
		return ckpt_err(ctx, PTR_ERR(file), "cannot make shared memory of %llu bytes",
				size);
	return ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_SHMEM, file);
}

static int check_extents(struct ckpt_ctx *ctx, const struct extents *x, u32 nr_pages)
{
	u64 data = 0;
	unsigned int i;

	for (i = 0; i < x->nr; i++) {
		const struct ckpt_extent *e = &x->extent[i];

		if (!PAGE_ALIGNED(e->addr) || !e->nr || e->addr > TASK_SIZE_MAX ||
		    (u64)e->nr << PAGE_SHIFT > TASK_SIZE_MAX - e->addr ||
		    e->kind < CKPT_PAGES_DATA || e->kind > CKPT_PAGES_PARENT)
			return ckpt_err(ctx, -EINVAL, "%u pages of kind %u at 0x%llx",
					e->nr, e->kind, e->addr);
		if (e->kind == CKPT_PAGES_DATA)
			data += e->nr;
	}
	if (data != nr_pages)
		return ckpt_err(ctx, -EINVAL, "%llu pages where %u were announced", data, nr_pages);
	return 0;
}

static void extents_free(struct extents *x)
{
	kvfree(x->extent);
	kfree(x);
}

/* Read everything of a PAGES record up to the payload. */
static struct extents *read_extents(struct ckpt_ctx *ctx, struct ckpt_stream *s,
				    const struct ckpt_rec *rec)
{
	struct ckpt_pages head;
	struct extents *x;
	u64 len = 0;
	int ret;

	ret = rec->len < sizeof(head) ? -EINVAL : ckpt_read(s, &head, sizeof(head));
	if (!ret)
		len = sizeof(head) + (u64)head.nr_extents * sizeof(*x->extent) + head.pad +
		      ((u64)head.nr_pages << PAGE_SHIFT);
	if (ret || !head.nr_extents || head.nr_extents > MAX_EXTENTS ||
	    head.pad >= PAGE_SIZE || head.reserved || len != rec->len)
		return ERR_PTR(ckpt_err(ctx, ret ?: -EINVAL,
					"a record of pages that is not whole"));
	x = kmalloc(sizeof(*x), GFP_KERNEL_ACCOUNT);
	if (!x)
		return ERR_PTR(-ENOMEM);
	x->nr = head.nr_extents;
	x->extent = kvmalloc_array(x->nr, sizeof(*x->extent), GFP_KERNEL_ACCOUNT);
	ret = x->extent ? ckpt_read(s, x->extent, x->nr * sizeof(*x->extent)) : -ENOMEM;
	if (!ret) {
		BUILD_BUG_ON(PATH_MAX < PAGE_SIZE);
		ret = ckpt_read(s, ctx->path_buf, head.pad);
	}
	if (!ret && head.pad && memchr_inv(ctx->path_buf, 0, head.pad))
		ret = ckpt_err(ctx, -EINVAL, "padding that is not zero");
	if (!ret)
		ret = check_extents(ctx, x, head.nr_pages);
	if (!ret)
		return x;
	extents_free(x);
	return ERR_PTR(ckpt_err(ctx, ret, "cannot read a record of pages"));
}

/* Only private memory has pages of its own. */
static bool range_is_private(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	while (start < end) {
		struct vm_area_struct *vma = vma_lookup(mm, start);

		if (!vma || vma->vm_flags & (VM_MAYSHARE | VM_HUGETLB | VM_IO | VM_PFNMAP |
					     VM_MIXEDMAP) ||
		    (vma->vm_ops && !vma->vm_file))
			return false;
		start = vma->vm_end;
	}
	return true;
}

/* Pin up to @nr pages to be written. Returns how many. */
static long pin_pages(struct ckpt_ctx *ctx, struct mm_struct *mm, unsigned long addr,
		      unsigned int nr, struct page **pages)
{
	int locked = 1;
	long n = -EINVAL;

	if (mmap_read_lock_killable(mm))
		return ckpt_err(ctx, -EINTR, "interrupted");
	if (range_is_private(mm, addr, addr + ((unsigned long)nr << PAGE_SHIFT)))
		n = pin_user_pages_remote(mm, addr, nr, FOLL_WRITE | FOLL_FORCE, pages,
					  &locked);
	if (locked)
		mmap_read_unlock(mm);
	if (n > 0)
		return n;
	ctx->where.addr = addr;
	if (n == -EINVAL)
		return ckpt_err(ctx, n, "pages where no private memory is mapped");
	return ckpt_err(ctx, n ?: -EFAULT, "no memory for this page");
}

/* Fill @nr pages from @s, or with zeroes if @s is NULL. */
static int fill_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct mm_struct *mm,
		      unsigned long addr, unsigned long nr, struct page **pages)
{
	int ret = 0;

	while (nr && !ret) {
		long n, i;

		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		n = pin_pages(ctx, mm, addr, min(nr, CKPT_BATCH_PAGES), pages);
		if (n < 0)
			return n;
		if (s)
			ret = ckpt_read_pages(s, pages, n);
		for (i = 0; i < n && !s; i++)
			clear_highpage(pages[i]);
		unpin_user_pages_dirty_lock(pages, n, true);
		if (ret)
			return ckpt_err(ctx, ret, ret == -ENODATA ?
					"the image is truncated in a record of pages" :
					"cannot read pages from the image");
		addr += n << PAGE_SHIFT;
		nr -= n;
		cond_resched();
	}
	return ret;
}

/* To be found in a parent image. */
static int need_pages(struct ckpt_ctx *ctx, struct restored_mm *rm, const struct ckpt_extent *e)
{
	unsigned long first = e->addr >> PAGE_SHIFT;
	bool ok;

	if (!memchr_inv(ctx->header.parent_id, 0, CKPT_ID_BYTES))
		return ckpt_err(ctx, -EINVAL, "pages of a parent in an image that has none");
	if (mmap_read_lock_killable(rm->mm))
		return ckpt_err(ctx, -EINTR, "interrupted");
	ok = range_is_private(rm->mm, e->addr, e->addr + ((u64)e->nr << PAGE_SHIFT));
	mmap_read_unlock(rm->mm);
	ctx->where.addr = e->addr;
	if (!ok)
		return ckpt_err(ctx, -EINVAL, "pages where no private memory is mapped");
	ctx->where.addr = 0;
	return mtree_store_range(&rm->needed, first, first + e->nr - 1, xa_mk_value(1),
				 GFP_KERNEL_ACCOUNT);
}

static int restore_mm_pages(struct ckpt_ctx *ctx, struct restored_mm *rm, struct extents *x)
{
	unsigned int i;
	int ret = 0;

	set_owner(rm->mm, current);
	for (i = 0; i < x->nr && !ret; i++) {
		const struct ckpt_extent *e = &x->extent[i];

		if (e->kind == CKPT_PAGES_PARENT)
			ret = need_pages(ctx, rm, e);
		else
			ret = fill_pages(ctx, e->kind == CKPT_PAGES_DATA ? &ctx->img : NULL,
					 rm->mm, e->addr, e->nr, x->pages);
	}
	set_owner(rm->mm, NULL);
	return ret;
}

static int fill_shmem(struct ckpt_ctx *ctx, struct address_space *mapping, pgoff_t index,
		      unsigned int nr, struct page **pages)
{
	unsigned int n = 0, i;
	int ret = 0;

	for (; n < nr && !ret; n++) {
		pages[n] = shmem_read_mapping_page(mapping, index + n);
		if (IS_ERR(pages[n])) {
			ret = ckpt_err(ctx, PTR_ERR(pages[n]), "no memory for shared pages");
			break;
		}
	}
	if (!ret) {
		ret = ckpt_read_pages(&ctx->img, pages, n);
		if (ret)
			ckpt_err(ctx, ret, "cannot read pages from the image");
	}
	for (i = 0; i < n; i++) {
		set_page_dirty_lock(pages[i]);
		put_page(pages[i]);
	}
	return ret;
}

static int restore_shmem_pages(struct ckpt_ctx *ctx, struct file *file, struct extents *x)
{
	u64 size = i_size_read(file_inode(file));
	unsigned int i;
	int ret = 0;

	for (i = 0; i < x->nr; i++) {
		struct ckpt_extent *e = &x->extent[i];

		if (e->kind != CKPT_PAGES_DATA || e->addr >= size ||
		    (u64)e->nr << PAGE_SHIFT > size - e->addr)
			return ckpt_err(ctx, -EINVAL,
					"%u pages of kind %u at 0x%llx of shared memory",
					e->nr, e->kind, e->addr);
		while (e->nr) {
			unsigned int n = min(e->nr, CKPT_BATCH_PAGES);

			if (fatal_signal_pending(current))
				return ckpt_err(ctx, -EINTR, "interrupted");
			cond_resched();
			ret = fill_shmem(ctx, file->f_mapping, e->addr >> PAGE_SHIFT, n,
					 x->pages);
			if (ret)
				return ret;
			e->addr += (u64)n << PAGE_SHIFT;
			e->nr -= n;
		}
	}
	return 0;
}

/**
 * restore_pages_rec - fill pages of an address space or of shared memory
 * @ctx:	the restart
 * @rec:	the head of the PAGES record
 *
 * Return: 0 or a negative error.
 */
int restore_pages_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	bool is_shmem = ckpt_ref_type(ctx, rec->objref) == CKPT_OBJ_SHMEM;
	void *obj = ckpt_ref(ctx, rec->objref, is_shmem ? CKPT_OBJ_SHMEM : CKPT_OBJ_MM);
	struct extents *x;
	int ret;

	if (IS_ERR(obj))
		return PTR_ERR(obj);
	x = read_extents(ctx, &ctx->img, rec);
	if (IS_ERR(x))
		return PTR_ERR(x);
	ret = is_shmem ? restore_shmem_pages(ctx, obj, x) : restore_mm_pages(ctx, obj, x);
	extents_free(x);
	return ret;
}

/* Take of a parent's extent what is still needed, and pass over the rest. */
static int take_extent(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct restored_mm *rm,
		       const struct ckpt_extent *e, struct page **pages)
{
	struct ckpt_stream *data = e->kind == CKPT_PAGES_DATA ? s : NULL;
	unsigned long first = e->addr >> PAGE_SHIFT, last = first + e->nr - 1, end;
	int ret = 0;

	for (; first <= last && !ret; first = end + 1) {
		MA_STATE(mas, &rm->needed, first, first);
		bool needed;

		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		mas_lock(&mas);
		needed = mas_walk(&mas);
		end = min(mas.last, last);
		mas_unlock(&mas);
		if (needed) {
			ret = fill_pages(ctx, data, rm->mm, first << PAGE_SHIFT,
					 end - first + 1, pages);
			if (!ret)
				ret = mtree_store_range(&rm->needed, first, end, NULL,
							GFP_KERNEL_ACCOUNT);
		} else if (data) {
			ret = ckpt_skip_pages(data, end - first + 1);
		}
	}
	return ret;
}

/* PAGES of a parent; @rm is NULL if they belong to nothing that we restore. */
static int take_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s,
		      const struct ckpt_rec *rec, struct restored_mm *rm)
{
	struct extents *x = read_extents(ctx, s, rec);
	unsigned int i;
	int ret = 0;

	if (IS_ERR(x))
		return PTR_ERR(x);
	if (rm)
		set_owner(rm->mm, current);
	for (i = 0; i < x->nr && !ret; i++) {
		const struct ckpt_extent *e = &x->extent[i];

		if (rm && e->kind != CKPT_PAGES_PARENT)
			ret = take_extent(ctx, s, rm, e, x->pages);
		else if (e->kind == CKPT_PAGES_DATA)
			ret = ckpt_skip_pages(s, e->nr);
	}
	if (rm)
		set_owner(rm->mm, NULL);
	extents_free(x);
	return ret;
}

/* Which of ours a parent's address space is, by its name in the chain. */
static int note_parent_mm(struct ckpt_ctx *ctx, struct ckpt_stream *s,
			  const struct ckpt_rec *rec, struct xarray *mms)
{
	struct restored_mm *rm;
	unsigned long i = 0;
	struct ckpt_mm *m;
	u64 track_id;

	m = ckpt_read_payload(ctx, s, rec, sizeof(*m), sizeof(*m));
	if (IS_ERR(m))
		return PTR_ERR(m);
	track_id = m->track_id;
	kvfree(m);
	while ((rm = ckpt_ref_next(ctx, &i, CKPT_OBJ_MM)))
		if (rm->track_id == track_id)
			return xa_err(xa_store(mms, rec->objref, rm, GFP_KERNEL_ACCOUNT));
	return 0;
}

static int skip_record(struct ckpt_ctx *ctx, struct ckpt_stream *s, u64 len)
{
	while (len) {
		size_t n = min_t(u64, len, PATH_MAX);
		int ret = ckpt_read(s, ctx->path_buf, n);

		if (ret)
			return ret;
		len -= n;
	}
	return 0;
}

/**
 * restore_parent_pages - take from a parent image the pages that are needed
 * @ctx:	the restart
 * @s:		the parent image, after its header
 *
 * Return: 0 when its trailer has been read and is right, or a negative error.
 */
int restore_parent_pages(struct ckpt_ctx *ctx, struct ckpt_stream *s)
{
	DEFINE_XARRAY(mms);
	struct ckpt_rec rec;
	int ret;

	do {
		ret = fatal_signal_pending(current) ? -EINTR : ckpt_read_rec(ctx, s, &rec);
		if (ret)
			break;
		if (rec.type == CKPT_REC_TRAILER) {
			ret = ckpt_read_trailer(ctx, s, &rec);
			break;
		} else if (rec.type == CKPT_REC_MM) {
			ret = note_parent_mm(ctx, s, &rec, &mms);
		} else if (rec.type == CKPT_REC_PAGES) {
			ret = take_pages(ctx, s, &rec, xa_load(&mms, rec.objref));
		} else {
			ret = skip_record(ctx, s, rec.len);
		}
		cond_resched();
	} while (!ret);
	xa_destroy(&mms);
	return ret ? ckpt_err(ctx, ret, "cannot read a parent image (error %d)", ret) : 0;
}

/**
 * restore_missing_pages - have all pages been found?
 * @ctx:	the restart; all images of the chain have been read
 *
 * Return: 0, or -ENODATA, which has been logged.
 */
int restore_missing_pages(struct ckpt_ctx *ctx)
{
	unsigned long i = 0, nr = 0, first = 0;
	struct restored_mm *rm;
	void *needed;

	while ((rm = ckpt_ref_next(ctx, &i, CKPT_OBJ_MM))) {
		MA_STATE(mas, &rm->needed, 0, 0);

		mas_lock(&mas);
		mas_for_each(&mas, needed, ULONG_MAX) {
			first = first ?: mas.index << PAGE_SHIFT;
			nr += mas.last - mas.index + 1;
		}
		mas_unlock(&mas);
	}
	if (!nr)
		return 0;
	ctx->where.addr = first;
	return ckpt_err(ctx, -ENODATA,
		"%lu pages, here the first, are neither in this image nor in the parents given: give the whole chain",
		nr);
}

/* Any task that uses the address space will do; the leader is preferred. */
static void own_adopted_mm(struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	struct task_struct *owner;
	bool ours;

	rcu_read_lock();
	owner = rcu_dereference(mm->owner);
	ours = owner && same_thread_group(owner, current);
	rcu_read_unlock();
	if (!ours || thread_group_leader(current))
		set_owner(mm, current);
#endif
}

/**
 * restore_adopt_mm - change over to the restored address space
 * @rt:		the task, which is current
 *
 * All tasks of a process do this at the same time. The same as exec does, but
 * that the address space may be in use already.
 *
 * Return: 0 or a negative error; @rt says what failed.
 */
int restore_adopt_mm(struct restart_task *rt)
{
	struct mm_struct *old = current->mm;
	struct restart_task *leader;
	struct restored_mm *rm;
	int ret;

	rm = ckpt_ref(restart_ckpt_ctx(rt), rt->leader->process->mm, CKPT_OBJ_MM);
	if (IS_ERR(rm))
		return restore_fail(rt, PTR_ERR(rm), "its address space");
	leader = cmpxchg(&rm->leader, NULL, rt->leader);
	if (leader && leader != rt->leader)
		return restore_fail(rt, -EINVAL, "an address space that is another process's");

	exec_mm_release(current, old);
	ret = down_write_killable(&current->signal->exec_update_lock);
	if (ret)
		return restore_fail(rt, ret, "its address space");
	/* It belongs to the old address space, and is registered again later. */
	rseq_execve(current);
	mmget(rm->mm);
	sched_mm_cid_before_execve(current);
	switch_current_mm(rm->mm);
	own_adopted_mm(rm->mm);
	up_write(&current->signal->exec_update_lock);
	sched_mm_cid_after_execve(current);
	mm_update_next_owner(old);
	mmput(old);
	return 0;
}

/**
 * restore_finish_mm - the last touch to an address space
 * @ctx:	the restart
 * @rt:		leader of the process that has adopted it
 *
 * From here on writes are tracked, so that an increment over this image can
 * follow.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_finish_mm(struct ckpt_ctx *ctx, struct restart_task *rt)
{
	struct restored_mm *rm = ckpt_ref(ctx, rt->process->mm, CKPT_OBJ_MM);
	int ret;

	if (IS_ERR(rm))
		return PTR_ERR(rm);
	set_dumpable(rm->mm, rm->dumpable);
	ret = ckpt_track_adopt(rm->mm, rm->track_id, ctx->header.image_id);
	return ret ? ckpt_err(ctx, ret, "cannot track writes to its memory (error %d)", ret) : 0;
}
