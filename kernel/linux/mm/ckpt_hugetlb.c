// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of memory in huge pages of a fixed size (hugetlbfs): of
 * mmap(MAP_HUGETLB) and memfd_create(MFD_HUGETLB), and mappings of its files;
 * of System V shared memory (SHM_HUGETLB) what is in it.
 *
 * What is shared, or was never written to by who has it mapped privately, is in
 * the file; the rest is in the address space. Both are written in full.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_mm.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "ckpt_dump.h"
#include "restore.h"

#define ANON_NAME		"anon_hugepage"
#define MEMFD_PREFIX		"memfd:"
#define HUGETLB_SEALS		(F_SEAL_SEAL | F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | \
				 F_SEAL_WRITE)

static const char *name_of(const struct file *file)
{
	return file->f_path.dentry->d_name.name;
}

static bool is_internal(const struct file *file)
{
	return is_file_hugepages(file) && file->f_path.mnt->mnt_flags & MNT_INTERNAL;
}

/**
 * ckpt_is_huge_memfd - is it a file of memfd_create(MFD_HUGETLB)?
 * @file:	the file
 *
 * Return: true if it is.
 */
bool ckpt_is_huge_memfd(const struct file *file)
{
	return is_internal(file) && strstarts(name_of(file), MEMFD_PREFIX);
}

/**
 * ckpt_hugetlb_obstacle - why memory of hugetlbfs cannot be mapped again
 * @vma:	its mapping
 *
 * Return: in words, or NULL.
 */
const char *ckpt_hugetlb_obstacle(struct vm_area_struct *vma)
{
	struct file *file = vma->vm_file;

	if (is_internal(file) && !ckpt_is_huge_memfd(file) && !ckpt_is_shm(file) &&
	    strcmp(name_of(file), ANON_NAME))
		return "unnamed memory of the kernel in huge pages is mapped here: not supported";
	if (!(vma->vm_flags & VM_MAYSHARE) && !(vma->vm_flags & VM_WRITE))
		return "private memory of hugetlbfs that may not be written to: not supported";
	if (memfd_fcntl(file, F_GET_SEALS, 0) & F_SEAL_FUTURE_WRITE)
		return "memory in huge pages with F_SEAL_FUTURE_WRITE: not supported";
	return NULL;
}

/**
 * ckpt_hugetlbfs_obstacle - why a hugetlbfs of the tree's own cannot be mounted anew
 * @sb:		the filesystem
 *
 * Its options tell whose its root directory was when it was mounted.
 *
 * Return: in words, or NULL.
 */
const char *ckpt_hugetlbfs_obstacle(const struct super_block *sb)
{
	const struct hugetlbfs_sb_info *info = sb->s_fs_info;
	const struct inode *root = d_inode(sb->s_root);

	if (sb->s_magic != HUGETLBFS_MAGIC)
		return "is none";
	if (!simple_empty(sb->s_root))
		return "has files in it";
	if (!uid_eq(root->i_uid, info->uid) || !gid_eq(root->i_gid, info->gid) ||
	    (root->i_mode & ~S_IFMT) != info->mode)
		return "has another owner or mode than it was mounted with";
	return NULL;
}

static int dump_folio(struct page_batch *b, struct folio *folio, u64 addr)
{
	long i, nr = folio_nr_pages(folio);
	int ret = 0;

	for (i = 0; i < nr && !ret; i++) {
		struct page *page = folio_page(folio, i);
		u64 at = addr + ((u64)i << PAGE_SHIFT);

		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
		ckpt_batch_add(b, at, ckpt_page_is_zero(page) ? CKPT_PAGES_ZERO : CKPT_PAGES_DATA,
			       page);
		if (ckpt_batch_is_full(b))
			ret = ckpt_batch_write(b);
	}
	return ret;
}

/**
 * ckpt_dump_hugetlb_file - write what is in a file of hugetlbfs
 * @ctx:	the checkpoint
 * @inode:	the file
 * @objref:	objref of the object whose pages they are
 *
 * Return: 0 or a negative error.
 */
int ckpt_dump_hugetlb_file(struct ckpt_ctx *ctx, struct inode *inode, u32 objref)
{
	struct hstate *h = hstate_inode(inode);
	pgoff_t index, end = i_size_read(inode) >> PAGE_SHIFT;
	struct page_batch *b;
	int ret = 0;

	if (ckpt_dryrun(ctx))
		return 0;
	b = ckpt_batch_alloc(ctx, objref);
	if (!b)
		return -ENOMEM;
	for (index = 0; index < end && !ret; index += pages_per_huge_page(h)) {
		struct folio *folio = filemap_get_folio(inode->i_mapping, index);

		if (IS_ERR(folio))
			continue;
		ret = dump_folio(b, folio, (u64)index << PAGE_SHIFT);
		folio_put(folio);
	}
	if (!ret)
		ret = ckpt_batch_end(b);
	ckpt_batch_free(b);
	return ret;
}

/**
 * checkpoint_hugetlb - write a file of hugetlbfs that has no name
 * @ctx:	the checkpoint
 * @file:	of a memfd, or what is behind anonymous memory
 * @objref:	objref of the HUGETLB
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_hugetlb(struct ckpt_ctx *ctx, struct file *file, u32 *objref)
{
	struct inode *inode = file_inode(file);
	struct timespec64 atime = inode_get_atime(inode), mtime = inode_get_mtime(inode);
	struct ckpt_hugetlb rec = {
		.memfd.size = i_size_read(inode),
		.memfd.mode = inode->i_mode,
		.memfd.seals = memfd_fcntl(file, F_GET_SEALS, 0),
		.memfd.uid = from_kuid_munged(current_user_ns(), inode->i_uid),
		.memfd.gid = from_kgid_munged(current_user_ns(), inode->i_gid),
		.memfd.atime_ns = timespec64_to_ns(&atime),
		.memfd.mtime_ns = timespec64_to_ns(&mtime),
		.page_shift = huge_page_shift(hstate_inode(inode)),
	};
	int ret;

	if (rec.memfd.seals & ~HUGETLB_SEALS)
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"memory in huge pages with F_SEAL_FUTURE_WRITE: not supported");
	ret = ckpt_obj(ctx, CKPT_OBJ_HUGETLB, inode, objref);
	if (ret <= 0)
		return ret;
	ret = ckpt_write_rec2(ctx, CKPT_REC_HUGETLB, *objref, &rec, sizeof(rec), name_of(file),
			      strlen(name_of(file)) + 1);
	return ret ?: ckpt_dump_hugetlb_file(ctx, inode, *objref);
}

/**
 * checkpoint_hugetlb_mapping - write what a mapping shows
 * @ctx:	the checkpoint
 * @file:	that is mapped
 * @objref:	objref of a HUGETLB, or of a FILE
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_hugetlb_mapping(struct ckpt_ctx *ctx, struct file *file, u32 *objref)
{
	if (is_internal(file) && !ckpt_is_huge_memfd(file))
		return checkpoint_hugetlb(ctx, file, objref);
	return checkpoint_file(ctx, file, objref);
}

/* The page of its own that a private mapping has at @addr, held; or NULL. */
static struct folio *private_folio(struct vm_area_struct *vma, unsigned long addr)
{
	struct hstate *h = hstate_vma(vma);
	struct folio *folio = NULL;
	spinlock_t *ptl;	/* of the page table */
	pte_t *pte, entry;

	hugetlb_vma_lock_read(vma);
	pte = hugetlb_walk(vma, addr, huge_page_size(h));
	if (pte) {
		ptl = huge_pte_lock(h, vma->vm_mm, pte);
		entry = huge_ptep_get(vma->vm_mm, addr, pte);
		if (pte_present(entry)) {
			folio = page_folio(pte_page(entry));
			if (folio_test_anon(folio))
				folio_get(folio);
			else
				folio = NULL;
		} else if (!huge_pte_none(entry)) {
			folio = ERR_PTR(-EBUSY);
		}
		spin_unlock(ptl);
	}
	hugetlb_vma_unlock_read(vma);
	return folio;
}

/**
 * ckpt_dump_hugetlb - write the pages that a private mapping has of its own
 * @ctx:	the checkpoint
 * @mm:		the address space
 * @objref:	its objref
 * @v:		the mapping
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_dump_hugetlb(struct ckpt_ctx *ctx, struct mm_struct *mm, u32 objref,
		      const struct ckpt_vma *v)
{
	struct page_batch *b = ckpt_batch_alloc(ctx, objref);
	unsigned long addr = v->start, next;
	int ret = 0;

	if (!b)
		return -ENOMEM;
	for (; addr < v->end && !ret; addr = next) {
		struct folio *folio = ERR_PTR(-EAGAIN);
		struct vm_area_struct *vma;

		next = v->end;
		if (mmap_read_lock_killable(mm)) {
			ret = -EINTR;
			break;
		}
		vma = vma_lookup(mm, addr);
		if (vma && is_vm_hugetlb_page(vma)) {
			next = addr + huge_page_size(hstate_vma(vma));
			folio = private_folio(vma, addr);
		}
		mmap_read_unlock(mm);
		ctx->where.addr = addr;
		if (IS_ERR(folio)) {
			ret = ckpt_err(ctx, PTR_ERR(folio), "this huge page cannot be looked into");
		} else if (folio) {
			ret = dump_folio(b, folio, addr);
			folio_put(folio);
		}
		ctx->where.addr = 0;
	}
	if (!ret)
		ret = ckpt_batch_end(b);
	ckpt_batch_free(b);
	return ret;
}

/* With the name as tail. */
static int check_hugetlb(struct ckpt_ctx *ctx, const struct ckpt_hugetlb *r, size_t len)
{
	const char *name = (const char *)(r + 1);
	const struct ckpt_memfd *m = &r->memfd;
	bool owned = uid_eq(make_kuid(current_user_ns(), m->uid), current_fsuid()) &&
		     gid_eq(make_kgid(current_user_ns(), m->gid), current_fsgid());

	if (strnlen(name, len) + 1 != len ||
	    (!strstarts(name, MEMFD_PREFIX) && strcmp(name, ANON_NAME)))
		return ckpt_err(ctx, -EINVAL, "huge pages of a file without a valid name");
	if (m->size > TASK_SIZE_MAX || !S_ISREG(m->mode) || m->mode & (S_ISUID | S_ISGID) ||
	    m->seals & ~HUGETLB_SEALS || r->reserved || r->page_shift <= PAGE_SHIFT ||
	    r->page_shift >= BITS_PER_LONG || !IS_ALIGNED(m->size, 1UL << r->page_shift))
		return ckpt_err(ctx, -EINVAL, "huge pages that contradict themselves");
	if (!uid_valid(make_kuid(current_user_ns(), m->uid)) ||
	    !gid_valid(make_kgid(current_user_ns(), m->gid)))
		return ckpt_err(ctx, -EINVAL, "huge pages of a file without a valid owner");
	if (!owned && !ns_capable(current_user_ns(), CAP_CHOWN))
		return ckpt_err(ctx, -EPERM, "cannot make a memfd of user %u, group %u", m->uid,
				m->gid);
	return 0;
}

static struct file *make_file(const struct ckpt_hugetlb *r)
{
	const struct ckpt_memfd *m = &r->memfd;
	struct file *file;
	struct inode *inode;
	int ret = 0;

	file = hugetlb_file_setup((const char *)(r + 1), m->size, VM_NORESERVE,
				  HUGETLB_ANONHUGE_INODE, r->page_shift);
	if (IS_ERR(file))
		return file;
	inode = file_inode(file);
	inode->i_mode = m->mode & (S_IFMT | 0777);
	inode->i_uid = make_kuid(current_user_ns(), m->uid);
	inode->i_gid = make_kgid(current_user_ns(), m->gid);
	inode_set_atime_to_ts(inode, ns_to_timespec64(m->atime_ns));
	inode_set_mtime_to_ts(inode, ns_to_timespec64(m->mtime_ns));
	file->f_flags |= O_LARGEFILE;
	/* As memfd_create(2) does for those that may be sealed. */
	HUGETLBFS_I(inode)->seals = 0;
	if (m->seals)
		ret = memfd_fcntl(file, F_ADD_SEALS, m->seals);
	if (!ret)
		return file;
	fput(file);
	return ERR_PTR(ret);
}

/**
 * restore_hugetlb_rec - make a file of hugetlbfs that has no name; its pages follow
 * @ctx:	the restart
 * @rec:	the HUGETLB record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_hugetlb_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_hugetlb *r;
	struct file *file;
	int ret;

	r = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*r) + 1, sizeof(*r) + NAME_MAX + 1);
	if (IS_ERR(r))
		return PTR_ERR(r);
	ret = check_hugetlb(ctx, r, rec->len - sizeof(*r));
	file = ret ? ERR_PTR(ret) : make_file(r);
	kvfree(r);
	if (IS_ERR(file))
		return ckpt_err(ctx, PTR_ERR(file), "cannot make memory in huge pages (error %ld)",
				PTR_ERR(file));
	return ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_HUGETLB, file);
}

/* Of one huge page at most. Returns how many pages. */
static long fill_part(struct ckpt_ctx *ctx, struct file *file, u64 pos, unsigned long nr,
		      bool zero, struct page **pages)
{
	struct hstate *h = hstate_file(file);
	unsigned long first = (pos & ~huge_page_mask(h)) >> PAGE_SHIFT, i;
	struct folio *folio;
	int ret;

	nr = min3(nr, pages_per_huge_page(h) - first, (unsigned long)CKPT_BATCH_PAGES);
	ret = vfs_fallocate(file, FALLOC_FL_KEEP_SIZE, pos, nr << PAGE_SHIFT);
	if (ret)
		return ckpt_err(ctx, ret, "there is no huge page for this memory (error %d)", ret);
	if (zero)
		return nr;
	folio = filemap_get_folio(file->f_mapping, (pos & huge_page_mask(h)) >> PAGE_SHIFT);
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	for (i = 0; i < nr; i++)
		pages[i] = folio_page(folio, first + i);
	ret = ckpt_read_pages(&ctx->img, pages, nr);
	folio_mark_dirty(folio);
	folio_put(folio);
	return ret ? ckpt_err(ctx, ret, "cannot read pages from the image") : nr;
}

/**
 * restore_hugetlb_pages - fill a file of hugetlbfs
 * @ctx:	the restart
 * @file:	the file, which nobody has yet
 * @extent:	what is in it
 * @nr:		their number
 * @pages:	room for CKPT_BATCH_PAGES
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_hugetlb_pages(struct ckpt_ctx *ctx, struct file *file,
			  const struct ckpt_extent *extent, unsigned int nr, struct page **pages)
{
	u64 size = i_size_read(file_inode(file));
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const struct ckpt_extent *e = &extent[i];
		unsigned long done = 0;

		if (e->kind == CKPT_PAGES_PARENT || e->addr >= size ||
		    (u64)e->nr << PAGE_SHIFT > size - e->addr)
			return ckpt_err(ctx, -EINVAL, "%u pages of kind %u at 0x%llx of huge pages",
					e->nr, e->kind, e->addr);
		while (done < e->nr) {
			long n;

			if (fatal_signal_pending(current))
				return ckpt_err(ctx, -EINTR, "interrupted");
			n = fill_part(ctx, file, e->addr + ((u64)done << PAGE_SHIFT),
				      e->nr - done, e->kind == CKPT_PAGES_ZERO, pages);
			if (n < 0)
				return n;
			done += n;
		}
	}
	return 0;
}

/**
 * restore_hugetlb_mapping - what a mapping in huge pages shows
 * @ctx:	the restart
 * @objref:	of a HUGETLB, or of a FILE
 *
 * Return: the file, which the table of objects holds, or an error pointer.
 */
struct file *restore_hugetlb_mapping(struct ckpt_ctx *ctx, u32 objref)
{
	struct file *file;

	file = ckpt_ref(ctx, objref, ckpt_ref_type(ctx, objref) == CKPT_OBJ_HUGETLB ?
			CKPT_OBJ_HUGETLB : CKPT_OBJ_FILE);
	if (!IS_ERR(file) && !is_file_hugepages(file))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "objref %u has no huge pages", objref));
	return file;
}
