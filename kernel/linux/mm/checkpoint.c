// SPDX-License-Identifier: GPL-2.0
/*
 * Write an address space: its layout here, its pages in checkpoint_pages.c.
 *
 * The tasks that use it are at rest, so the layout holds still.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_net.h>
#include <linux/checkpoint_tasks.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/hugetlb.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pkeys.h>
#include <linux/sched/coredump.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/userfaultfd_k.h>
#include <asm/mmu_context.h>

#include "ckpt_dump.h"

/* What a mapping is, as it was when the mmap lock was held. */
struct mapping {
	struct ckpt_vma vma;
	struct file *file;
	const char *obstacle;
};

struct layout {
	struct mapping *maps;
	unsigned int nr;
};

/* Shared anonymous memory is written once for all who map it. */
static int checkpoint_shmem(struct ckpt_ctx *ctx, struct file *file, u32 *objref)
{
	struct inode *inode = file_inode(file);
	struct ckpt_shmem s = { .size = PAGE_ALIGN(i_size_read(inode)) };
	int ret;

	/* Somebody has changed its size. */
	if (s.size != i_size_read(inode) || !s.size)
		return checkpoint_memfd_contents(ctx, file, objref);
	ret = ckpt_obj(ctx, CKPT_OBJ_SHMEM, inode, objref);
	if (ret <= 0)
		return ret;
	ret = ckpt_write_rec(ctx, CKPT_REC_SHMEM, *objref, &s, sizeof(s));
	return ret ?: ckpt_dump_shmem(ctx, inode, *objref);
}

static const struct {
	vm_flags_t vm;
	u32 ckpt;
} flag_map[] = {
	{ VM_READ,		CKPT_VMA_READ },
	{ VM_WRITE,		CKPT_VMA_WRITE },
	{ VM_EXEC,		CKPT_VMA_EXEC },
	/* Not VM_SHARED: that is off where the file is not open for writing. */
	{ VM_MAYSHARE,		CKPT_VMA_SHARED },
	{ VM_GROWSDOWN,		CKPT_VMA_GROWSDOWN },
	{ VM_LOCKED,		CKPT_VMA_LOCKED },
	{ VM_LOCKONFAULT,	CKPT_VMA_LOCKONFAULT },
	{ VM_NORESERVE,		CKPT_VMA_NORESERVE },
	{ VM_DONTCOPY,		CKPT_VMA_DONTFORK },
	{ VM_DONTDUMP,		CKPT_VMA_DONTDUMP },
	{ VM_WIPEONFORK,	CKPT_VMA_WIPEONFORK },
	{ VM_HUGEPAGE,		CKPT_VMA_HUGEPAGE },
	{ VM_NOHUGEPAGE,	CKPT_VMA_NOHUGEPAGE },
	{ VM_MERGEABLE,		CKPT_VMA_MERGEABLE },
	{ VM_RAND_READ,		CKPT_VMA_RAND_READ },
	{ VM_SEQ_READ,		CKPT_VMA_SEQ_READ },
	{ VM_SEALED,		CKPT_VMA_SEALED },
	{ VM_DROPPABLE,		CKPT_VMA_DROPPABLE },
};

/* Flags that follow from others, or from what is in the mapping. */
#define VM_DERIVED	(VM_SHARED | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | \
			 VM_ACCOUNT | VM_SOFTDIRTY)

static u32 describe_flags(vm_flags_t vm_flags, vm_flags_t *unknown)
{
	u32 flags = 0;
	size_t i;

	*unknown = vm_flags & ~(VM_DERIVED | ARCH_VM_PKEY_FLAGS);
	for (i = 0; i < ARRAY_SIZE(flag_map); i++) {
		if (!(vm_flags & flag_map[i].vm))
			continue;
		flags |= flag_map[i].ckpt;
		*unknown &= ~flag_map[i].vm;
	}
	return flags;
}

static const char *special_name(struct vm_area_struct *vma)
{
	if (vma->vm_file || !vma->vm_ops || !vma->vm_ops->name)
		return NULL;
	return vma->vm_ops->name(vma);
}

static bool is_vdso(struct vm_area_struct *vma, u32 *kind)
{
	const char *name = special_name(vma);

	if (name && !strcmp(name, "[vdso]"))
		*kind = CKPT_VMA_VDSO;
	else if (name && !strcmp(name, "[vvar]"))
		*kind = CKPT_VMA_VVAR;
	else
		return false;
	return true;
}

/* Why memory of the kernel's own tmpfs cannot be mapped again, or NULL. */
static const char *internal_shmem_obstacle(struct file *file)
{
	const char *name = file->f_path.dentry->d_name.name;

	if (!strcmp(name, "dev/zero") || ckpt_is_shm(file))
		return NULL;
	return "unnamed shared memory of the kernel is mapped here: not supported";
}

static bool is_internal_shmem(struct file *file)
{
	return shmem_mapping(file->f_mapping) &&
	       (file->f_path.mnt->mnt_flags & MNT_INTERNAL);
}

/* A mapping that may be made writable, though new ones may not. */
static const char *memfd_obstacle(struct vm_area_struct *vma)
{
	if (memfd_fcntl(vma->vm_file, F_GET_SEALS, 0) & F_SEAL_FUTURE_WRITE &&
	    (vma->vm_flags & (VM_MAYSHARE | VM_MAYWRITE | VM_WRITE)) == (VM_MAYSHARE | VM_MAYWRITE))
		return "a read-only mapping made before F_SEAL_FUTURE_WRITE: not supported";
	return NULL;
}

static bool is_execute_only(vm_flags_t flags)
{
	return (flags & VM_ACCESS_FLAGS) == VM_EXEC;
}

/* The one that mmap(2) gives it. */
static bool has_execute_only_key(struct vm_area_struct *vma)
{
	struct ckpt_pkeys keys;

	if (!ckpt_arch_pkeys(vma->vm_mm, &keys))
		return !arch_pkeys_enabled();
	return keys.execute_only == vma_pkey(vma);
}

/* Fill in @map. What cannot be described is given an obstacle. */
static void describe_mapping(struct vm_area_struct *vma, struct mapping *map)
{
	bool uring = vma->vm_file && ckpt_is_io_uring(vma->vm_file);
	bool sock = vma->vm_file && S_ISSOCK(file_inode(vma->vm_file)->i_mode);
	struct ckpt_vma *v = &map->vma;
	vm_flags_t unknown;

	v->start = vma->vm_start;
	v->end = vma->vm_end;
	v->pgoff = vma->vm_pgoff;
	v->kind = CKPT_VMA_ANON;
	v->pkey = vma_pkey(vma);
	v->flags = describe_flags(vma->vm_flags, &unknown);
	if (is_vdso(vma, &v->kind)) {
		v->flags &= CKPT_VMA_READ | CKPT_VMA_WRITE | CKPT_VMA_EXEC;
		if (v->kind == CKPT_VMA_VDSO &&
		    v->start != (unsigned long)vma->vm_mm->context.vdso)
			map->obstacle = "this is a part of the vDSO only: not supported";
		else if (v->pkey)
			map->obstacle = "a protection key guards the vDSO: not supported";
		return;
	}
	if (vma->vm_file && ckpt_is_aio_ring(vma->vm_file)) {
		v->kind = CKPT_VMA_AIO;
		if (!ckpt_is_aio_mapping(v))
			map->obstacle = "a ring of asynchronous I/O with attributes: not supported";
		return;
	}
	if (is_vm_hugetlb_page(vma))
		unknown &= ~(VM_HUGETLB | VM_DONTEXPAND);
	if (uring || sock)
		unknown &= ~(VM_MIXEDMAP | VM_DONTEXPAND);
	if (is_vm_hugetlb_page(vma))
		map->obstacle = ckpt_hugetlb_obstacle(vma);
	else if (uring && !(vma->vm_flags & VM_MAYSHARE))
		map->obstacle = "a ring of io_uring that is mapped privately: not supported";
	else if (sock)
		map->obstacle = ckpt_sock_map_obstacle(vma);
	else if (!uring && vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP))
		map->obstacle = "memory of a device is mapped here: not supported";
	else if (special_name(vma))
		map->obstacle = "this is a special mapping of the kernel's: not supported";
	else if (is_execute_only(vma->vm_flags) && !has_execute_only_key(vma))
		map->obstacle = "execute-only memory with a key of its own: not supported";
#ifdef CONFIG_NUMA
	else if (vma_policy(vma))
		map->obstacle = "this memory has a NUMA policy (mbind): not supported";
#endif
	else if (vma->vm_file && ckpt_is_memfd(vma->vm_file))
		map->obstacle = memfd_obstacle(vma);
	else if (vma->vm_file && is_internal_shmem(vma->vm_file))
		map->obstacle = internal_shmem_obstacle(vma->vm_file);
	if (!map->obstacle && vma->vm_userfaultfd_ctx.ctx)
		map->obstacle = "a userfaultfd watches this memory: not supported";
	if (!map->obstacle && anon_vma_name(vma))
		map->obstacle = "this memory has a name (PR_SET_VMA_ANON_NAME): not supported";
	if (!map->obstacle && unknown)
		map->obstacle = "this mapping has attributes that are not supported";
	/* A private mapping of /dev/zero is anonymous memory by another way. */
	if (vma->vm_file && !vma_is_anonymous(vma)) {
		map->file = get_file(vma->vm_file);
		v->kind = ckpt_is_shm(vma->vm_file) ? CKPT_VMA_SYSV :
			  is_vm_hugetlb_page(vma) ? CKPT_VMA_HUGETLB :
			  is_internal_shmem(vma->vm_file) && !ckpt_is_memfd(vma->vm_file) ?
			  CKPT_VMA_SHMEM : CKPT_VMA_FILE;
		if (v->kind == CKPT_VMA_SYSV && !(vma->vm_file->f_mode & FMODE_WRITE))
			v->flags |= CKPT_VMA_RDONLY;
	}
}

static void layout_free(struct layout *layout)
{
	while (layout->nr) {
		struct mapping *map = &layout->maps[--layout->nr];

		if (map->file)
			fput(map->file);
	}
	kvfree(layout->maps);
}

static int layout_take(struct ckpt_ctx *ctx, struct mm_struct *mm, struct layout *layout)
{
	VMA_ITERATOR(vmi, mm, 0);
	unsigned int max = READ_ONCE(mm->map_count);
	struct vm_area_struct *vma;

	layout->maps = kvcalloc(max, sizeof(*layout->maps), GFP_KERNEL_ACCOUNT);
	if (max && !layout->maps)
		return -ENOMEM;
	if (mmap_read_lock_killable(mm))
		return ckpt_err(ctx, -EINTR, "interrupted");
	for_each_vma(vmi, vma) {
		if (layout->nr == max) {
			mmap_read_unlock(mm);
			return ckpt_err(ctx, -EAGAIN,
				"another process changes its memory; try again");
		}
		describe_mapping(vma, &layout->maps[layout->nr++]);
	}
	mmap_read_unlock(mm);
	return 0;
}

static int checkpoint_mapping_file(struct ckpt_ctx *ctx, struct mapping *map)
{
	char *buf;
	int ret;

	if (map->obstacle) {
		buf = map->file ? kmalloc(PATH_MAX, GFP_KERNEL) : NULL;
		if (buf) {
			char *path = file_path(map->file, buf, PATH_MAX);

			ctx->where.path = IS_ERR(path) ? NULL : path;
		}
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP, "%s", map->obstacle);
		ctx->where.path = NULL;
		kfree(buf);
		return ret;
	}
	if (map->vma.kind == CKPT_VMA_SHMEM)
		return checkpoint_shmem(ctx, map->file, &map->vma.object);
	if (map->vma.kind == CKPT_VMA_HUGETLB)
		return checkpoint_hugetlb_mapping(ctx, map->file, &map->vma.object);
	if (map->vma.kind == CKPT_VMA_SYSV)
		return checkpoint_shm(ctx, map->file, &map->vma.object);
	if (map->file)
		return checkpoint_file(ctx, map->file, &map->vma.object);
	return 0;
}

/* What the mappings show must stand in the image before them. */
static int checkpoint_layout_files(struct ckpt_ctx *ctx, struct layout *layout)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < layout->nr && !ret; i++) {
		ctx->where.addr = layout->maps[i].vma.start;
		ret = checkpoint_mapping_file(ctx, &layout->maps[i]);
	}
	ctx->where.addr = 0;
	return ret;
}

/* Do only threads of this process, and we who look at it, hold it? */
static bool is_held_by_process_only(struct mm_struct *mm, struct task_struct *t)
{
	int holders = atomic_read(&mm->mm_users) - 1;
	struct task_struct *thread;

	rcu_read_lock();
	for_each_thread(t, thread)
		if (READ_ONCE(thread->mm) == mm)
			holders--;
	rcu_read_unlock();
	return holders <= 0;
}

/* Others may use it, too (CLONE_VM), but only such as are of the tree. */
static struct task_struct *find_sharer(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	struct task_struct *p, *thread;

	rcu_read_lock();
	for_each_process_thread(p, thread) {
		if ((thread->flags & PF_KTHREAD) || READ_ONCE(thread->mm) != mm ||
		    ckpt_in_tree(ctx, task_pid_vnr(thread)))
			continue;
		get_task_struct(thread);
		rcu_read_unlock();
		return thread;
	}
	rcu_read_unlock();
	return NULL;
}

static int sharing_obstacle(struct ckpt_ctx *ctx, struct mm_struct *mm,
			    struct task_struct *t)
{
	struct task_struct *other;
	int ret;

	/* The search goes through all tasks of the system: mostly it is not needed. */
	if (is_held_by_process_only(mm, t))
		return 0;
	other = find_sharer(ctx, mm);
	if (!other)
		return 0;
	ret = ckpt_obstacle(ctx, -EOPNOTSUPP,
			    "shares its address space with a process outside the tree, pid %d: not supported",
			    task_tgid_vnr(other));
	put_task_struct(other);
	return ret;
}

#define MM_OBSTACLE(ctx, cond, what) \
	((cond) ? ckpt_obstacle(ctx, -EOPNOTSUPP, what ": not supported") : 0)

static int mm_obstacles(struct ckpt_ctx *ctx, struct mm_struct *mm,
			struct task_struct *t)
{
	int ret;

	ret = sharing_obstacle(ctx, mm, t);
	if (!ret)
		ret = MM_OBSTACLE(ctx, ckpt_nr_lost_aio(mm),
				  "has unmapped the ring of its asynchronous I/O");
	if (!ret)
		ret = MM_OBSTACLE(ctx, mm_lam_cr3_mask(mm),
				  "uses tagged addresses");
	if (!ret)
		ret = MM_OBSTACLE(ctx, mm->def_flags & ~(VM_LOCKED | VM_LOCKONFAULT),
				  "has attributes for all memory to come");
	return ret;
}

static int copy_auxv(struct ckpt_ctx *ctx, struct mm_struct *mm, struct ckpt_mm *m)
{
	BUILD_BUG_ON(sizeof(m->auxv[0]) != sizeof(mm->saved_auxv[0]));
	memcpy(m->auxv, mm->saved_auxv, min(sizeof(m->auxv), sizeof(mm->saved_auxv)));
	/* It ends with a pair of zeroes, long before our room does. */
	if (sizeof(mm->saved_auxv) > sizeof(m->auxv) &&
	    memchr_inv((void *)mm->saved_auxv + sizeof(m->auxv) - 2 * sizeof(m->auxv[0]), 0,
		       sizeof(mm->saved_auxv) - sizeof(m->auxv) + 2 * sizeof(m->auxv[0])))
		return ckpt_err(ctx, -EOVERFLOW, "its auxiliary vector is too long");
	return 0;
}

static u32 describe_mm_flags(struct ckpt_ctx *ctx, struct mm_struct *mm)
{
	u32 flags = CKPT_MM_COREDUMP;

	BUILD_BUG_ON(MMF_DUMP_FILTER_BITS > CKPT_MM_COREDUMP_BITS);
	flags |= (READ_ONCE(mm->flags) & MMF_DUMP_FILTER_MASK) >> MMF_DUMP_FILTER_SHIFT <<
		 CKPT_MM_COREDUMP_SHIFT;
	if (test_bit(MMF_HAS_MDWE, &mm->flags))
		flags |= CKPT_MM_MDWE;
	if (test_bit(MMF_HAS_MDWE_NO_INHERIT, &mm->flags))
		flags |= CKPT_MM_MDWE_NO_INHERIT;
	if (test_bit(MMF_VM_MERGE_ANY, &mm->flags))
		flags |= CKPT_MM_MERGE;
	if (ctx->user_ns && mm->user_ns == ctx->user_ns)
		flags |= CKPT_MM_OWN_USER;
#ifdef CONFIG_MEMBARRIER
	int state = atomic_read(&mm->membarrier_state);

	if (state & MEMBARRIER_STATE_PRIVATE_EXPEDITED_READY)
		flags |= CKPT_MM_BARRIER_PRIVATE;
	if (state & MEMBARRIER_STATE_GLOBAL_EXPEDITED_READY)
		flags |= CKPT_MM_BARRIER_GLOBAL;
	if (state & MEMBARRIER_STATE_PRIVATE_EXPEDITED_SYNC_CORE_READY)
		flags |= CKPT_MM_BARRIER_SYNC_CORE;
	if (state & MEMBARRIER_STATE_PRIVATE_EXPEDITED_RSEQ_READY)
		flags |= CKPT_MM_BARRIER_RSEQ;
#endif
	return flags;
}

static int describe_mm(struct ckpt_ctx *ctx, struct mm_struct *mm, struct ckpt_mm *m)
{
	vm_flags_t unknown;

	m->track_id = ckpt_track_id(mm);
	if (!m->track_id)
		return -ENOMEM;
	spin_lock(&mm->arg_lock);
	m->start_code = mm->start_code;
	m->end_code = mm->end_code;
	m->start_data = mm->start_data;
	m->end_data = mm->end_data;
	m->start_brk = mm->start_brk;
	m->brk = mm->brk;
	m->start_stack = mm->start_stack;
	m->arg_start = mm->arg_start;
	m->arg_end = mm->arg_end;
	m->env_start = mm->env_start;
	m->env_end = mm->env_end;
	spin_unlock(&mm->arg_lock);
	m->vdso = (unsigned long)mm->context.vdso;
	m->def_flags = describe_flags(mm->def_flags, &unknown);
	m->dumpable = get_dumpable(mm);
	m->thp_disable = test_bit(MMF_DISABLE_THP, &mm->flags);
	m->tracker = ckpt_tracker_id(ctx, mm);
	m->flags = describe_mm_flags(ctx, mm);
	return copy_auxv(ctx, mm, m);
}

static int checkpoint_exe(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 *objref)
{
	struct file *exe = get_mm_exe_file(mm);
	int ret;

	if (!exe)
		return 0;
	ret = checkpoint_file(ctx, exe, objref);
	fput(exe);
	return ret;
}

static int write_vma(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_vma *v,
		     u32 objref)
{
	int ret = ckpt_write_rec(ctx, CKPT_REC_VMA, objref, v, sizeof(*v));

	if (ret || v->kind != CKPT_VMA_AIO)
		return ret;
	ctx->where.addr = v->start;
	ret = checkpoint_aio(ctx, mm, v, objref);
	ctx->where.addr = 0;
	return ret;
}

static int write_mm(struct ckpt_ctx *ctx, struct mm_struct *mm, struct task_struct *t,
		    struct layout *layout, u32 *objref)
{
	struct ckpt_pkeys keys;
	struct ckpt_mm *m;
	unsigned int i;
	int ret;

	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	ret = layout_take(ctx, mm, layout);
	if (!ret)
		ret = mm_obstacles(ctx, mm, t);
	if (!ret)
		ret = checkpoint_exe(ctx, mm, &m->exe_file);
	if (!ret)
		ret = checkpoint_layout_files(ctx, layout);
	if (!ret)
		ret = describe_mm(ctx, mm, m);
	if (!ret)
		ret = ckpt_obj_add(ctx, CKPT_OBJ_MM, mm, objref);
	m->nr_vmas = layout->nr;
	if (ckpt_arch_pkeys(mm, &keys))
		m->flags |= CKPT_MM_PKEYS;
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_MM, *objref, m, sizeof(*m));
	if (!ret && m->flags & CKPT_MM_PKEYS)
		ret = ckpt_write_rec(ctx, CKPT_REC_PKEYS, *objref, &keys, sizeof(keys));
	for (i = 0; i < layout->nr && !ret; i++)
		ret = write_vma(ctx, mm, &layout->maps[i].vma, *objref);
	if (!ret)
		ret = checkpoint_ldt(ctx, mm, *objref);
	kfree(m);
	return ret;
}

/* An increment without the root's would hold almost everything. */
static int check_parent(struct ckpt_ctx *ctx, struct mm_struct *mm, struct task_struct *t)
{
	if (!ckpt_has_parent(ctx) || !same_thread_group(t, ctx->tasks.task[0]) ||
	    ckpt_track_is_over(mm, ctx->header.parent_id) ||
	    ckpt_track_is_heir(mm, ctx->header.parent_id))
		return 0;
	return ckpt_err(ctx, -ESTALE,
		"what was written since that parent is not known: tracking began with another image; take a full checkpoint");
}

/*
 * Only private memory has pages of its own. What may be dropped at any time is: it holds
 * what random numbers are made of, and nobody shall have the same twice.
 */
static unsigned int private_mappings(const struct layout *layout, struct ckpt_vma *vmas)
{
	unsigned int i, nr = 0;

	for (i = 0; i < layout->nr; i++) {
		const struct ckpt_vma *v = &layout->maps[i].vma;

		if (!(v->flags & (CKPT_VMA_SHARED | CKPT_VMA_DROPPABLE)) &&
		    v->kind <= CKPT_VMA_SHMEM)
			vmas[nr++] = *v;
	}
	return nr;
}

static int write_pages(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref,
		       const struct layout *layout)
{
	struct ckpt_vma *vmas;
	unsigned int nr;
	int ret = 0;

	if (ckpt_dryrun(ctx))
		return 0;
	vmas = kvcalloc(layout->nr + 1, sizeof(*vmas), GFP_KERNEL_ACCOUNT);
	if (!vmas)
		return -ENOMEM;
	nr = private_mappings(layout, vmas);
	if (ckpt_needs_harvest(ctx))
		ret = ckpt_track_harvest(ctx, mm);
	if (!ret && ctx->flags & CHECKPOINT_LIVE)
		ret = ckpt_live_add(ctx, mm, objref, vmas, nr);
	else if (!ret)
		ret = ckpt_dump_pages(ctx, mm, mm, objref, vmas, nr);
	kvfree(vmas);
	for (nr = 0; nr < layout->nr && !ret; nr++) {
		const struct ckpt_vma *v = &layout->maps[nr].vma;

		if (v->kind == CKPT_VMA_HUGETLB && !(v->flags & CKPT_VMA_SHARED))
			ret = ckpt_dump_hugetlb(ctx, mm, objref, v);
	}
	return ret;
}

/**
 * checkpoint_mm - write the address space of a process
 * @ctx:	the checkpoint
 * @t:		the process's leader, at rest
 * @objref:	the objref of the address space
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_mm(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref)
{
	struct mm_struct *mm = get_task_mm(t);
	struct layout layout = {};
	int ret;

	if (!mm)
		return ckpt_err(ctx, -ESRCH, "has no address space");
	if (ckpt_obj_lookup(ctx, CKPT_OBJ_MM, mm, objref)) {
		mmput(mm);
		return 0;
	}
	ret = check_parent(ctx, mm, t);
	if (!ret)
		ret = write_mm(ctx, mm, t, &layout, objref);
	if (!ret)
		ret = write_pages(ctx, mm, *objref, &layout);
	if (same_thread_group(t, ctx->tasks.task[0]))
		ctx->stats.tracker = ckpt_tracker_id(ctx, mm);
	layout_free(&layout);
	mmput(mm);
	return ret < 0 ? ckpt_err(ctx, ret, "cannot write its memory (error %d)", ret) : 0;
}
