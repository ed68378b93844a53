// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of System V shared memory: a part of ipc/shm.c.
 *
 * A segment that the tree alone has attached is written once, in full. A restart
 * makes it again, or finds it as the tree has left it; then it is given other
 * pages, and has its own back if the restart fails.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_mm.h>

#define SHM_NAME	"shared memory segment"

/* Checkpoint: a segment, and how many mappings of the tree show it. */
struct shm_seen {
	struct restored_ipc ipc;
	struct inode *inode;	/* the table of objects holds it */
	int id;
	unsigned int mappings;
	pid_t pid;
};

/* Restart: a segment in the making. */
struct restored_shm {
	struct restored_ipc ipc;
	struct ckpt_shm rec;
	u32 objref;
	struct pid *cpid, *lpid;
	/* Of a segment that was there: what it had. */
	struct file *old_file;
	struct ucounts *old_ucounts;
	umode_t old_mode;
	/* The attachment that was made last: the mappings of one may have been split. */
	struct file *attached;
	struct mm_struct *mm;
	u64 base;
	bool rdonly;
};

bool ckpt_is_shm(const struct file *file)
{
	return file->f_op == &shm_file_operations || file->f_op == &shm_file_operations_huge;
}

static u32 page_shift_of(struct file *file)
{
	return is_file_hugepages(file) ? huge_page_shift(hstate_file(file)) : 0;
}

static enum ckpt_obj_type type_of(u32 page_shift)
{
	return page_shift ? CKPT_OBJ_HUGETLB : CKPT_OBJ_SHMEM;
}

static void seen_free(struct restored_ipc *ipc)
{
	kfree(ipc);
}

static int count_mapping(struct ckpt_ctx *ctx, struct inode *inode, struct ipc_namespace *ns,
			 int id)
{
	struct restored_ipc *ipc;
	struct shm_seen *seen;

	list_for_each_entry(ipc, &ctx->ipc, list) {
		seen = container_of(ipc, struct shm_seen, ipc);
		if (seen->inode == inode) {
			seen->mappings++;
			return 0;
		}
	}
	seen = kzalloc(sizeof(*seen), GFP_KERNEL_ACCOUNT);
	if (!seen)
		return -ENOMEM;
	seen->ipc.free = seen_free;
	seen->ipc.ns = get_ipc_ns(ns);
	seen->inode = inode;
	seen->id = id;
	seen->mappings = 1;
	seen->pid = ctx->where.pid;
	list_add_tail(&seen->ipc.list, &ctx->ipc);
	return 0;
}

static int describe_shm(struct ckpt_ctx *ctx, struct ipc_namespace *ns, int id,
			struct ckpt_shm *rec)
{
	struct shmid_kernel *shp = shm_lock(ns, id);

	if (IS_ERR(shp))
		return ckpt_err(ctx, PTR_ERR(shp), SHM_NAME " %d is gone", id);
	ckpt_describe_ipc(&shp->shm_perm, &rec->perm);
	rec->size = shp->shm_segsz;
	rec->atime = shp->shm_atim;
	rec->dtime = shp->shm_dtim;
	rec->ctime = shp->shm_ctim;
	rec->cpid = pid_vnr(shp->shm_cprid);
	rec->lpid = pid_vnr(shp->shm_lprid);
	rec->page_shift = page_shift_of(shp->shm_file);
	if (!rec->page_shift && SHMEM_I(file_inode(shp->shm_file))->flags & VM_NORESERVE)
		rec->flags |= CKPT_SHM_NORESERVE;
	shm_unlock(shp);
	return 0;
}

static int write_shm(struct ckpt_ctx *ctx, struct ipc_namespace *ns, int id, struct inode *inode,
		     u32 objref)
{
	struct ckpt_shm rec = {};
	int ret;

	ret = describe_shm(ctx, ns, id, &rec);
	if (!ret)
		ret = ckpt_write_rec(ctx, CKPT_REC_SHM, objref, &rec, sizeof(rec));
	if (ret)
		return ret;
	return rec.page_shift ? ckpt_dump_hugetlb_file(ctx, inode, objref) :
				ckpt_dump_shmem(ctx, inode, objref);
}

/**
 * checkpoint_shm - write a segment that is mapped
 * @ctx:	the checkpoint
 * @attached:	the file of the mapping
 * @objref:	the segment's objref
 *
 * Is called once for each mapping.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_shm(struct ckpt_ctx *ctx, struct file *attached, u32 *objref)
{
	struct shm_file_data *sfd = shm_file_data(attached);
	enum ckpt_obj_type type = type_of(page_shift_of(sfd->file));
	struct inode *inode = file_inode(sfd->file);
	int ret;

	/* What is in those of single tasks was written with these. */
	ret = ckpt_obj_lookup(ctx, type, inode, objref) ? 0 : 1;
	if (ret && sfd->ns != current->nsproxy->ipc_ns)
		return ckpt_obstacle(ctx, -EOPNOTSUPP, SHM_NAME
				     " %d belongs to another IPC namespace: not supported",
				     sfd->id);
	if (ret)
		ret = ckpt_obj(ctx, type, inode, objref);
	if (ret < 0)
		return ret;
	if (count_mapping(ctx, inode, sfd->ns, sfd->id))
		return -ENOMEM;
	if (!ret)
		return 0;
	return write_shm(ctx, sfd->ns, sfd->id, inode, *objref);
}

/* The next segment from @idx on, and its file; NULL: there is none. */
static struct file *next_shm(struct ipc_namespace *ns, int *idx, int *id)
{
	struct kern_ipc_perm *perm;
	struct file *file = NULL;

	down_read(&shm_ids(ns).rwsem);
	perm = idr_get_next(&shm_ids(ns).ipcs_idr, idx);
	if (perm) {
		*id = perm->id;
		file = get_file(container_of(perm, struct shmid_kernel, shm_perm)->shm_file);
	}
	up_read(&shm_ids(ns).rwsem);
	return file;
}

/**
 * checkpoint_unattached_shm - write what else there is in the tree's own namespace
 * @ctx:	the checkpoint; all that is attached has been written
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_unattached_shm(struct ckpt_ctx *ctx)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	struct file *file;
	int idx, id, ret = 0;
	u32 objref;

	for (idx = 0; !ret && (file = next_shm(ns, &idx, &id)); idx++) {
		ret = ckpt_obj(ctx, type_of(page_shift_of(file)), file_inode(file), &objref);
		if (ret > 0)
			ret = write_shm(ctx, ns, id, file_inode(file), objref);
		fput(file);
	}
	return ret;
}

/**
 * ckpt_check_shm - are segments attached by others, who would see them go back?
 * @ctx:	the checkpoint, which has seen all mappings of the tree
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_check_shm(struct ckpt_ctx *ctx)
{
	struct restored_ipc *ipc;
	int ret = 0;

	list_for_each_entry(ipc, &ctx->ipc, list) {
		struct shm_seen *seen = container_of(ipc, struct shm_seen, ipc);
		struct shmid_kernel *shp = shm_lock(ipc->ns, seen->id);
		unsigned long all;

		if (IS_ERR(shp))
			continue;
		all = shp->shm_nattch;
		shm_unlock(shp);
		if (all <= seen->mappings)
			continue;
		ctx->where = (struct ckpt_where) { .pid = seen->pid, .fd = -1 };
		ret = ckpt_obstacle(ctx, -EOPNOTSUPP, SHM_NAME
				    " %d is attached by processes outside the tree, too: not supported",
				    seen->id);
		if (ret)
			break;
	}
	return ret;
}

static struct shmid_kernel *shp_of(struct restored_shm *r)
{
	return container_of(r->ipc.perm, struct shmid_kernel, shm_perm);
}

static void restored_shm_free(struct restored_ipc *ipc)
{
	struct restored_shm *r = container_of(ipc, struct restored_shm, ipc);

	if (r->attached)
		fput(r->attached);
	if (ipc->perm)
		ipc_rcu_putref(ipc->perm, shm_rcu_free);
	put_pid(r->cpid);
	put_pid(r->lpid);
	kfree(r);
}

static void drop_file(struct file *file, bool locked, struct ucounts *ucounts)
{
	if (locked)
		shmem_lock(file, 0, ucounts);
	fput(file);
}

static void commit_shm(struct restored_ipc *ipc)
{
	struct restored_shm *r = container_of(ipc, struct restored_shm, ipc);
	struct shmid_kernel *shp = shp_of(r);

	down_write(&shm_ids(ipc->ns).rwsem);
	shm_lock_by_ptr(shp);
	if (!ipc_valid_object(&shp->shm_perm)) {
		shm_unlock(shp);
		goto out;
	}
	restore_ipc_perm(ipc, (shp->shm_perm.mode & SHM_LOCKED) | (r->rec.perm.mode & SHM_DEST));
	shp->shm_atim = r->rec.atime;
	shp->shm_dtim = r->rec.dtime;
	shp->shm_ctim = r->rec.ctime;
	ipc_update_pid(&shp->shm_cprid, r->cpid);
	ipc_update_pid(&shp->shm_lprid, r->lpid);
	if (shm_may_destroy(shp))
		shm_destroy(ipc->ns, shp);
	else
		shm_unlock(shp);
out:
	up_write(&shm_ids(ipc->ns).rwsem);
	if (r->old_file)
		drop_file(r->old_file, r->old_mode & SHM_LOCKED, r->old_ucounts);
}

static void rollback_shm(struct restored_ipc *ipc)
{
	struct restored_shm *r = container_of(ipc, struct restored_shm, ipc);
	struct shmid_kernel *shp = shp_of(r);
	struct file *file = r->old_file;
	struct ucounts *ucounts = r->old_ucounts;
	bool locked = r->old_mode & SHM_LOCKED;

	down_write(&shm_ids(ipc->ns).rwsem);
	shm_lock_by_ptr(shp);
	if (!ipc_valid_object(&shp->shm_perm)) {
		shm_unlock(shp);
	} else if (ipc->created) {
		do_shm_rmid(ipc->ns, &shp->shm_perm);
		file = NULL;
	} else {
		swap(file, shp->shm_file);
		ucounts = shp->mlock_ucounts;
		shp->mlock_ucounts = r->old_ucounts;
		locked = shp->shm_perm.mode & SHM_LOCKED;
		shp->shm_perm.mode = r->old_mode;
		shm_unlock(shp);
	}
	up_write(&shm_ids(ipc->ns).rwsem);
	if (file)
		drop_file(file, locked, ucounts);
}

static int check_shm(struct ckpt_ctx *ctx, const struct ckpt_shm *s)
{
	int ret = restore_check_ipc(ctx, &s->perm, CKPT_SHM_DEST | CKPT_SHM_LOCKED, SHM_NAME);

	BUILD_BUG_ON(CKPT_SHM_DEST != SHM_DEST || CKPT_SHM_LOCKED != SHM_LOCKED);
	if (ret)
		return ret;
	if (s->flags & ~CKPT_SHM_FLAGS_ALL || !s->size || s->size > TASK_SIZE_MAX ||
	    (s->perm.mode & CKPT_SHM_DEST && s->perm.key) || s->page_shift >= BITS_PER_LONG ||
	    (s->page_shift && (s->flags || s->perm.mode & CKPT_SHM_LOCKED)))
		return ckpt_err(ctx, -EINVAL, SHM_NAME " %d: contradicts itself", s->perm.id);
	return 0;
}

/* Other pages for a segment that nobody has attached. */
static int replace_pages(struct ckpt_ctx *ctx, struct restored_shm *r, struct shmid_kernel *shp)
{
	const struct ckpt_shm *s = &r->rec;
	bool lock = s->perm.mode & SHM_LOCKED;
	struct ucounts *ucounts = lock ? current_ucounts() : NULL;
	struct file *file;
	char name[13];
	int ret;

	if (shp->shm_segsz != s->size || page_shift_of(shp->shm_file) != s->page_shift)
		return ckpt_err(ctx, -EEXIST,
				SHM_NAME " %d: its id is in use by another; remove that (ipcrm)",
				s->perm.id);
	if (shp->shm_nattch)
		return ckpt_err(ctx, -EBUSY, SHM_NAME " %d is attached by other processes",
				s->perm.id);
	sprintf(name, "SYSV%08x", s->perm.key);
	if (s->page_shift)
		file = hugetlb_file_setup(name, ALIGN(s->size, 1UL << s->page_shift), 0,
					  HUGETLB_SHMFS_INODE, s->page_shift);
	else
		file = shmem_kernel_file_setup(name, s->size, s->flags & CKPT_SHM_NORESERVE ?
					       VM_NORESERVE : 0);
	if (IS_ERR(file))
		return ckpt_err(ctx, PTR_ERR(file), SHM_NAME " %d: no memory", s->perm.id);
	ret = lock ? shmem_lock(file, 1, ucounts) : 0;
	if (ret) {
		fput(file);
		return ckpt_err(ctx, ret, SHM_NAME " %d cannot be locked", s->perm.id);
	}
	file_inode(file)->i_ino = s->perm.id;
	ipc_lock_object(&shp->shm_perm);
	r->old_file = shp->shm_file;
	r->old_ucounts = shp->mlock_ucounts;
	r->old_mode = shp->shm_perm.mode;
	shp->shm_file = file;
	shp->mlock_ucounts = ucounts;
	shp->shm_perm.mode = (r->old_mode & ~SHM_LOCKED) | (lock ? SHM_LOCKED : 0);
	ipc_unlock_object(&shp->shm_perm);
	return 0;
}

static int make_shm(struct ckpt_ctx *ctx, struct restored_shm *r, struct ipc_namespace *ns)
{
	const struct ckpt_shm *s = &r->rec;
	struct ipc_params params = {
		.key = s->perm.key,
		.flg = 0600 | (s->flags & CKPT_SHM_NORESERVE ? SHM_NORESERVE : 0),
		.u.size = s->size,
	};
	int ret;

	if (s->page_shift)
		params.flg |= SHM_HUGETLB | s->page_shift << SHM_HUGE_SHIFT;
	ret = newseg(ns, &params);
	if (ret >= 0)
		return 0;
	return ckpt_err(ctx, ret, SHM_NAME " %d of %llu bytes cannot be made (error %d)",
			s->perm.id, s->size, ret);
}

static int lock_shm(struct ckpt_ctx *ctx, struct shmid_kernel *shp)
{
	struct ucounts *ucounts = current_ucounts();
	int ret = can_do_mlock() ? shmem_lock(shp->shm_file, 1, ucounts) : -EPERM;

	if (ret)
		return ckpt_err(ctx, ret, SHM_NAME " %d cannot be locked", shp->shm_perm.id);
	ipc_lock_object(&shp->shm_perm);
	shp->shm_perm.mode |= SHM_LOCKED;
	shp->mlock_ucounts = ucounts;
	ipc_unlock_object(&shp->shm_perm);
	return 0;
}

static int find_or_make_shm(struct ckpt_ctx *ctx, struct restored_shm *r)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	struct kern_ipc_perm *perm;
	struct file *file = NULL;
	int ret = 0;

	down_write(&shm_ids(ns).rwsem);
	perm = restore_find_ipc(ctx, ns, &shm_ids(ns), &r->rec.perm, SHM_NAME);
	if (!perm) {
		r->ipc.created = true;
		ret = make_shm(ctx, r, ns);
		shm_ids(ns).next_id = -1;
		perm = ret ? NULL : idr_find(&shm_ids(ns).ipcs_idr,
					     ipcid_to_idx(r->rec.perm.id));
	} else if (!IS_ERR(perm)) {
		ret = replace_pages(ctx, r, container_of(perm, struct shmid_kernel, shm_perm));
	}
	if (IS_ERR(perm))
		ret = PTR_ERR(perm);
	if (!ret) {
		restore_ipc_add(ctx, &r->ipc, ns, perm, &r->rec.perm);
		file = get_file(shp_of(r)->shm_file);
		if (r->ipc.created && r->rec.perm.mode & SHM_LOCKED)
			ret = lock_shm(ctx, shp_of(r));
	} else {
		kfree(r);
	}
	up_write(&shm_ids(ns).rwsem);
	if (!file)
		return ret;
	return ckpt_ref_add(ctx, r->objref, type_of(page_shift_of(file)), file) ?: ret;
}

/**
 * restore_shm_rec - make a segment; its pages follow
 * @ctx:	the restart
 * @rec:	the SHM record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_shm_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct restored_shm *r;
	struct ckpt_shm *s;
	int ret;

	s = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*s), sizeof(*s));
	if (IS_ERR(s))
		return PTR_ERR(s);
	ret = check_shm(ctx, s);
	r = ret ? NULL : kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (r) {
		r->rec = *s;
		r->objref = rec->objref;
		r->ipc.commit = commit_shm;
		r->ipc.rollback = rollback_shm;
		r->ipc.free = restored_shm_free;
	}
	kvfree(s);
	if (!r)
		return ret ?: -ENOMEM;
	ret = find_or_make_shm(ctx, r);
	if (ret)
		return ret;
	r->cpid = restore_pid_of_credentials(ctx, r->rec.cpid);
	r->lpid = restore_pid_of_credentials(ctx, r->rec.lpid);
	return 0;
}

static struct restored_shm *find_restored(struct ckpt_ctx *ctx, u32 objref)
{
	struct restored_ipc *ipc;

	list_for_each_entry(ipc, &ctx->ipc, list) {
		struct restored_shm *r = container_of(ipc, struct restored_shm, ipc);

		if (ipc->commit == commit_shm && r->objref == objref)
			return r;
	}
	return NULL;
}

/* As shmat(2) does. */
static struct file *attach(struct ckpt_ctx *ctx, struct restored_shm *r, bool rdonly)
{
	struct shm_file_data *sfd = kzalloc(sizeof(*sfd), GFP_KERNEL_ACCOUNT);
	struct file *base, *file;

	if (!sfd)
		return ERR_PTR(-ENOMEM);
	base = ckpt_ref(ctx, r->objref, type_of(r->rec.page_shift));
	if (IS_ERR(base)) {
		kfree(sfd);
		return base;
	}
	get_file(base);
	file = alloc_file_clone(base, rdonly ? O_RDONLY : O_RDWR, is_file_hugepages(base) ?
				&shm_file_operations_huge : &shm_file_operations);
	if (IS_ERR(file)) {
		fput(base);
		kfree(sfd);
		return file;
	}
	sfd->id = r->rec.perm.id;
	sfd->ns = get_ipc_ns(r->ipc.ns);
	sfd->file = base;
	file->private_data = sfd;
	return file;
}

/**
 * restore_shm_attach - the file for a mapping of a segment
 * @ctx:	the restart
 * @v:		the mapping, which has been checked
 * @mm:		where it will be
 *
 * Return: the file, which @ctx holds until the next call, or an error pointer,
 * which has been logged.
 */
struct file *restore_shm_attach(struct ckpt_ctx *ctx, const struct ckpt_vma *v,
				struct mm_struct *mm)
{
	struct restored_shm *r = find_restored(ctx, v->object);
	bool rdonly = v->flags & CKPT_VMA_RDONLY;
	u64 base = v->start - (v->pgoff << PAGE_SHIFT);
	struct file *file;

	if (!r)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "objref %u is not a " SHM_NAME, v->object));
	if (v->pgoff >= PAGE_ALIGN(r->rec.size) >> PAGE_SHIFT)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "a mapping beyond the " SHM_NAME));
	if (r->attached && r->mm == mm && r->base == base && r->rdonly == rdonly)
		return r->attached;
	file = attach(ctx, r, rdonly);
	if (IS_ERR(file))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(file), "cannot attach " SHM_NAME " %d",
					r->rec.perm.id));
	if (r->attached)
		fput(r->attached);
	r->attached = file;
	r->mm = mm;
	r->base = base;
	r->rdonly = rdonly;
	return file;
}
