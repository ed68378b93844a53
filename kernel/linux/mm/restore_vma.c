// SPDX-License-Identifier: GPL-2.0
/*
 * The mappings of an address space, made again from what the image says of
 * them, which is not believed.
 *
 * They are made while nobody uses the address space and the caller wears it:
 * one after the other as they are read, or read first, for who helps to make.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_tasks.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pkeys.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "internal.h"
#include "restore.h"

static vm_flags_t pkey_flags(u32 pkey)
{
#ifdef CONFIG_ARCH_HAS_PKEYS
	return (vm_flags_t)pkey << VM_PKEY_SHIFT;
#else
	return 0;
#endif
}

static int check_vma(struct ckpt_ctx *ctx, const struct ckpt_vma *v, u64 prev_end)
{
	bool sysv = v->kind == CKPT_VMA_SYSV, aio = v->kind == CKPT_VMA_AIO;
	bool of_file = v->kind == CKPT_VMA_FILE || v->kind == CKPT_VMA_SHMEM || sysv ||
		       v->kind == CKPT_VMA_HUGETLB;
	u32 flags = v->flags;

	if (!PAGE_ALIGNED(v->start) || !PAGE_ALIGNED(v->end) || v->start >= v->end ||
	    v->end > TASK_SIZE || v->start < prev_end)
		return ckpt_err(ctx, -EINVAL, "a mapping from 0x%llx to 0x%llx, after 0x%llx",
				v->start, v->end, prev_end);
	if (v->kind < CKPT_VMA_ANON || v->kind > CKPT_VMA_HUGETLB ||
	    flags & ~CKPT_VMA_FLAGS_ALL)
		return ckpt_err(ctx, -EINVAL,
				"a mapping of unknown kind %u or with unknown flags 0x%x",
				v->kind, flags);
	if ((flags & CKPT_VMA_LOCKONFAULT && !(flags & CKPT_VMA_LOCKED)) ||
	    (flags & CKPT_VMA_SHARED && !of_file && !aio) || (sysv && !(flags & CKPT_VMA_SHARED)) ||
	    (flags & CKPT_VMA_RDONLY && !sysv) ||
	    (flags & CKPT_VMA_GROWSDOWN && v->kind != CKPT_VMA_ANON) ||
	    (flags & CKPT_VMA_DROPPABLE &&
	     (v->kind != CKPT_VMA_ANON || flags & (CKPT_VMA_GROWSDOWN | CKPT_VMA_LOCKED))) ||
	    (aio && !ckpt_is_aio_mapping(v)) || v->pkey > 15 ||
	    of_file != !!v->object || v->pgoff > ULONG_MAX >> PAGE_SHIFT)
		return ckpt_err(ctx, -EINVAL, "a mapping whose attributes contradict each other");
	return 0;
}

/* mmap(2) gives memory that may only be executed a key of the kernel's own. */
static int check_pkey(struct ckpt_ctx *ctx, const struct ckpt_mm *m, const struct ckpt_vma *v,
		      const struct ckpt_pkeys *keys)
{
	u32 access = v->flags & (CKPT_VMA_READ | CKPT_VMA_WRITE | CKPT_VMA_EXEC);

	if (v->pkey && !arch_pkeys_enabled())
		return ckpt_err(ctx, -EOPNOTSUPP,
				"a protection key guards this memory; this machine has none");
	if (access == CKPT_VMA_EXEC && (v->pkey || m->flags & CKPT_MM_PKEYS) &&
	    (s32)v->pkey != keys->execute_only)
		return ckpt_err(ctx, -EINVAL,
				"memory that may only be executed, by key %u", v->pkey);
	return 0;
}

static struct file *vma_file(struct ckpt_ctx *ctx, const struct ckpt_vma *v,
			     struct mm_struct *mm)
{
	switch (v->kind) {
	case CKPT_VMA_FILE:
		return ckpt_ref(ctx, v->object, CKPT_OBJ_FILE);
	case CKPT_VMA_SHMEM:
		return ckpt_ref(ctx, v->object, CKPT_OBJ_SHMEM);
	case CKPT_VMA_HUGETLB:
		return restore_hugetlb_mapping(ctx, v->object);
	case CKPT_VMA_SYSV:
		return restore_shm_attach(ctx, v, mm);
	}
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

/* More than this is not what a process has grown: an image shall not keep the machine busy. */
#define MAX_PARTS 1024

/*
 * It may have grown out of many: one call for more than there is of memory is refused
 * (vm.overcommit_memory). Then in parts, which become one again.
 */
static unsigned long map_anonymous(const struct ckpt_vma *v, unsigned long prot,
				   unsigned long flags)
{
	unsigned long whole = v->end - v->start, part = whole, at = v->start, addr;

	while (at < v->end) {
		if (fatal_signal_pending(current))
			return -EINTR;
		addr = vm_mmap_pgoff(NULL, at, min(v->end - at, part), prot, flags, 0);
		if (addr == -ENOMEM && part > max(whole / MAX_PARTS, PAGE_SIZE)) {
			part = PAGE_ALIGN(part / 2);
			continue;
		}
		if (IS_ERR_VALUE(addr))
			return addr;
		at += part;
	}
	return v->start;
}

static int map_vma(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_vma *v)
{
	struct file *file = vma_file(ctx, v, mm);
	unsigned long prot = 0, flags = MAP_FIXED_NOREPLACE, addr;
	unsigned int seals = 0;
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	if (v->flags & CKPT_VMA_READ)
		prot |= PROT_READ;
	if (v->flags & CKPT_VMA_WRITE)
		prot |= PROT_WRITE;
	if (v->flags & CKPT_VMA_EXEC)
		prot |= PROT_EXEC;
	flags |= v->flags & CKPT_VMA_SHARED ? MAP_SHARED :
		 v->flags & CKPT_VMA_DROPPABLE ? MAP_DROPPABLE : MAP_PRIVATE;
	if (!file)
		flags |= MAP_ANONYMOUS;
	if (v->flags & CKPT_VMA_GROWSDOWN)
		flags |= MAP_GROWSDOWN;
	if (v->flags & CKPT_VMA_NORESERVE)
		flags |= MAP_NORESERVE;
	if (v->flags & CKPT_VMA_LOCKED && !can_do_mlock())
		return ckpt_err(ctx, -EPERM, "locked memory: RLIMIT_MEMLOCK forbids it");

	/* As after mlockall(MCL_FUTURE), which knows of lock-on-fault too; and the key with it. */
	mm->def_flags = ckpt_lock_flags(v->flags) | pkey_flags(v->pkey);
	/* It may have been mapped before it was sealed. */
	if (file && (v->flags & CKPT_VMA_SHARED) && (v->flags & CKPT_VMA_WRITE))
		seals = restore_memfd_unseal(ctx, file);
	if (file && ckpt_is_io_uring(file))
		addr = restore_io_uring_map(file, v->start, v->end - v->start, prot, v->pgoff);
	else if (!file && !(v->flags & CKPT_VMA_GROWSDOWN))
		addr = map_anonymous(v, prot, flags);
	else
		addr = vm_mmap_pgoff(file, v->start, v->end - v->start, prot, flags,
				     file ? v->pgoff : 0);
	mm->def_flags = 0;
	if (seals)
		restore_memfd_seal(file, seals);
	if (IS_ERR_VALUE(addr))
		return ckpt_err(ctx, (int)addr, "cannot map up to 0x%llx (error %d)",
				v->end, (int)addr);
	if (addr != v->start)
		return ckpt_err(ctx, -EINVAL, "mapped at 0x%lx instead", addr);
	ret = advise(ctx, mm, v);
	if (!ret && v->flags & CKPT_VMA_SEALED) {
		ret = do_mseal(v->start, v->end - v->start, 0);
		if (ret)
			ckpt_err(ctx, ret, "cannot be sealed (error %d)", ret);
	}
	return ret;
}

static int map_aio(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_vma *v, u32 objref)
{
	int ret = restore_aio(ctx, v, objref);

	return ret ?: advise(ctx, mm, v);
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

/**
 * restore_read_pkeys - the protection keys of an address space
 * @ctx:	the restart; their record comes next
 * @mm:		the address space
 * @objref:	its objref
 * @keys:	set to what the record says
 *
 * Return: 0 or a negative error.
 */
int restore_read_pkeys(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref,
		       struct ckpt_pkeys *keys)
{
	struct ckpt_pkeys *k;
	struct ckpt_rec rec;
	int ret;

	ret = ckpt_read_rec(ctx, &ctx->img, &rec);
	if (ret)
		return ret;
	if (rec.type != CKPT_REC_PKEYS || rec.objref != objref)
		return ckpt_err(ctx, -EINVAL,
			"the protection keys of this address space should follow, not a record of type %u",
			rec.type);
	k = ckpt_read_payload(ctx, &ctx->img, &rec, sizeof(*k), sizeof(*k));
	if (IS_ERR(k))
		return PTR_ERR(k);
	*keys = *k;
	kvfree(k);
	return restore_arch_pkeys(ctx, mm, keys);
}

/* Its place in the image, if it was read before it is mapped. */
static u64 vma_offset(const struct restored_layout *l, u32 i)
{
	return l->offset + (i + 1) * (sizeof(struct ckpt_rec) + sizeof(struct ckpt_vma));
}

static int read_vma(struct ckpt_ctx *ctx, const struct restored_layout *l, u32 i, u64 prev_end,
		    struct ckpt_vma *to)
{
	struct ckpt_rec rec;
	struct ckpt_vma *v;
	int ret;

	if (fatal_signal_pending(current))
		return ckpt_err(ctx, -EINTR, "interrupted");
	ret = ckpt_read_rec(ctx, &ctx->img, &rec);
	if (ret)
		return ret;
	if (rec.type != CKPT_REC_VMA || rec.objref != l->objref)
		return ckpt_err(ctx, -EINVAL,
			"mapping %u of %u of this address space should follow, not a record of type %u",
			i + 1, l->m->nr_vmas, rec.type);
	v = ckpt_read_payload(ctx, &ctx->img, &rec, sizeof(*v), sizeof(*v));
	if (IS_ERR(v))
		return PTR_ERR(v);
	*to = *v;
	kvfree(v);
	ctx->where.addr = to->start;
	ret = check_vma(ctx, to, prev_end) ?: check_pkey(ctx, l->m, to, &l->keys);
	ctx->where.addr = 0;
	return ret;
}

static int map_one(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct restored_layout *l,
		   const struct ckpt_vma *v, bool *vdso_is_mapped)
{
	int ret;

	ctx->where.addr = v->start;
	if (v->kind == CKPT_VMA_VDSO || v->kind == CKPT_VMA_VVAR)
		ret = map_special(ctx, mm, l->m, v, vdso_is_mapped);
	else if (v->kind == CKPT_VMA_AIO)
		ret = map_aio(ctx, mm, v, l->objref);
	else
		ret = map_vma(ctx, mm, v);
	ctx->where.addr = 0;
	return ret;
}

/**
 * restore_map_vmas - make the mappings of an address space
 * @ctx:	the restart, or that of who helps with it
 * @mm:		the address space, which the caller wears
 * @l:		what the image says of it; mappings that were not read are read now
 *
 * Return: 0 or a negative error.
 */
int restore_map_vmas(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct restored_layout *l)
{
	bool vdso_is_mapped = false;
	u64 prev_end = 0;
	u32 i;
	int ret = 0;

	for (i = 0; i < l->m->nr_vmas && !ret; i++) {
		struct ckpt_vma read = {};
		const struct ckpt_vma *v = i < l->nr ? &l->vmas[i] : &read;

		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		if (v == &read)
			ret = read_vma(ctx, l, i, prev_end, &read);
		else
			ctx->where.offset = vma_offset(l, i);
		if (!ret)
			ret = map_one(ctx, mm, l, v, &vdso_is_mapped);
		ctx->where.offset = 0;
		prev_end = v->end;
		cond_resched();
	}
	return ret;
}

/* What changes nothing but the address space may be mapped by another. */
static bool is_for_helpers(struct ckpt_ctx *ctx, const struct ckpt_vma *v)
{
	bool writes = v->flags & CKPT_VMA_SHARED && v->flags & CKPT_VMA_WRITE;
	struct file *file;

	if (v->kind == CKPT_VMA_AIO || v->kind == CKPT_VMA_SYSV)
		return false;
	if (!writes || !v->object)
		return true;
	file = vma_file(ctx, v, NULL);
	return !IS_ERR(file) && !ckpt_is_memfd(file);
}

/**
 * restore_read_vmas - read the mappings, for somebody else to make them
 * @ctx:	the restart; their records come next
 * @l:		the address space; takes the mappings
 *
 * Return: 1 if all can be left to him; 0 if not: then the last one read is the
 * first that cannot; or a negative error.
 */
int restore_read_vmas(struct ckpt_ctx *ctx, struct restored_layout *l)
{
	u64 prev_end = 0;
	int ret;

	l->offset = ctx->img.offset;
	l->vmas = kvmalloc_array(l->m->nr_vmas, sizeof(*l->vmas), GFP_KERNEL_ACCOUNT);
	if (!l->vmas)
		return l->m->nr_vmas ? -ENOMEM : 1;
	while (l->nr < l->m->nr_vmas) {
		struct ckpt_vma *v = &l->vmas[l->nr];

		ret = read_vma(ctx, l, l->nr, prev_end, v);
		if (ret)
			return ret;
		l->nr++;
		prev_end = v->end;
		if (!is_for_helpers(ctx, v))
			return 0;
		cond_resched();
	}
	return 1;
}
