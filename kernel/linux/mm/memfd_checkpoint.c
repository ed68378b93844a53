// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of files of memfd_create(2): contents, name, seals.
 *
 * A memfd may have many open files, and be mapped by any of them.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_tasks.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/string.h>

#define MEMFD_PREFIX		"memfd:"
/* What mmap(2) gives it. */
#define NAMELESS_SHMEM		"dev/zero"
#define MEMFD_SEALS		(F_SEAL_SEAL | F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | \
				 F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
#define MEMFD_OPEN_FLAGS	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_LARGEFILE | O_NOATIME)

/**
 * ckpt_is_memfd - is it a file of memfd_create(2), in ordinary pages?
 * @file:	the file
 *
 * Return: true if it is.
 */
bool ckpt_is_memfd(const struct file *file)
{
	return shmem_mapping(file_inode(file)->i_mapping) &&
	       file->f_path.mnt->mnt_flags & MNT_INTERNAL &&
	       strstarts(file->f_path.dentry->d_name.name, MEMFD_PREFIX);
}

/**
 * ckpt_is_nameless_shmem - is it shared anonymous memory (opened by /proc/PID/map_files)?
 * @file:	the file
 *
 * Return: true if it is.
 */
bool ckpt_is_nameless_shmem(const struct file *file)
{
	return shmem_mapping(file_inode(file)->i_mapping) &&
	       file->f_path.mnt->mnt_flags & MNT_INTERNAL &&
	       !strcmp(file->f_path.dentry->d_name.name, NAMELESS_SHMEM);
}

/**
 * checkpoint_memfd_contents - write a memfd, or shared anonymous memory that was used as a file
 * @ctx:	the checkpoint
 * @file:	of it
 * @objref:	its objref
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_memfd_contents(struct ckpt_ctx *ctx, struct file *file, u32 *objref)
{
	const char *name = file->f_path.dentry->d_name.name;
	struct inode *inode = file_inode(file);
	struct ckpt_memfd rec = {
		.size = i_size_read(inode),
		.mode = inode->i_mode,
		.seals = SHMEM_I(inode)->seals,
		.uid = from_kuid_munged(current_user_ns(), inode->i_uid),
		.gid = from_kgid_munged(current_user_ns(), inode->i_gid),
	};
	struct timespec64 atime = inode_get_atime(inode), mtime = inode_get_mtime(inode);
	int ret;

	ret = ckpt_obj(ctx, CKPT_OBJ_SHMEM, inode, objref);
	if (ret <= 0)
		return ret;
	rec.atime_ns = timespec64_to_ns(&atime);
	rec.mtime_ns = timespec64_to_ns(&mtime);
	ret = ckpt_write_rec2(ctx, CKPT_REC_MEMFD, *objref, &rec, sizeof(rec), name,
			      strlen(name) + 1);
	return ret ?: ckpt_dump_shmem(ctx, inode, *objref);
}

/**
 * checkpoint_memfd - write an open file of a memfd, or of shared anonymous memory
 * @ctx:	the checkpoint
 * @file:	the file
 *
 * Return: 0 or a negative error, which has been logged.
 */
int checkpoint_memfd(struct ckpt_ctx *ctx, struct file *file)
{
	struct ckpt_file rec;
	int ret;

	ret = ckpt_file_describe(ctx, file, CKPT_FILE_MEMFD, &rec);
	if (file->f_mode & FMODE_WRITE && !(file->f_mode & FMODE_WRITER))
		rec.flags |= CKPT_FILE_UNCOUNTED;
	if (!ret)
		ret = ckpt_is_huge_memfd(file) ?
			checkpoint_hugetlb(ctx, file, &rec.object) :
			checkpoint_memfd_contents(ctx, file, &rec.object);
	if (!ret)
		ret = ckpt_remember_held(ctx, file, "is made anew by a restart");
	return ret ?: ckpt_file_write(ctx, ckpt_file_objref(ctx, file), &rec, "", "");
}

/* With the name as tail. */
static int check_memfd(struct ckpt_ctx *ctx, const struct ckpt_memfd *m, size_t len)
{
	const char *name = (const char *)(m + 1);
	bool owned = uid_eq(make_kuid(current_user_ns(), m->uid), current_fsuid()) &&
		     gid_eq(make_kgid(current_user_ns(), m->gid), current_fsgid());

	if (strnlen(name, len) + 1 != len ||
	    (!strstarts(name, MEMFD_PREFIX) && strcmp(name, NAMELESS_SHMEM)))
		return ckpt_err(ctx, -EINVAL, "a memfd without a valid name");
	if (m->size > MAX_LFS_FILESIZE || !S_ISREG(m->mode) || m->mode & S_ISUID ||
	    m->mode & S_ISGID || m->seals & ~MEMFD_SEALS)
		return ckpt_err(ctx, -EINVAL, "a memfd that contradicts itself");
	if (!uid_valid(make_kuid(current_user_ns(), m->uid)) ||
	    !gid_valid(make_kgid(current_user_ns(), m->gid)))
		return ckpt_err(ctx, -EINVAL, "a memfd without a valid owner");
	if (!owned && !ns_capable(current_user_ns(), CAP_CHOWN))
		return ckpt_err(ctx, -EPERM, "cannot make a memfd of user %u, group %u", m->uid,
				m->gid);
	return 0;
}

static int set_attributes(struct file *file, const struct ckpt_memfd *m)
{
	struct inode *inode = file_inode(file);
	int ret = 0;

	inode->i_mode = m->mode & (S_IFMT | 0777);
	inode->i_uid = make_kuid(current_user_ns(), m->uid);
	inode->i_gid = make_kgid(current_user_ns(), m->gid);
	inode_set_atime_to_ts(inode, ns_to_timespec64(m->atime_ns));
	inode_set_mtime_to_ts(inode, ns_to_timespec64(m->mtime_ns));
	/* As memfd_create(2) does for those that may be sealed. */
	SHMEM_I(inode)->seals = 0;
	if (m->seals)
		ret = memfd_fcntl(file, F_ADD_SEALS, m->seals);
	return ret;
}

static struct file *make_memfd(const struct ckpt_memfd *m)
{
	/* Nothing is reserved, so a size that is not backed by pages costs nothing. */
	struct file *file = shmem_file_setup((const char *)(m + 1), m->size, VM_NORESERVE);
	int ret;

	if (IS_ERR(file))
		return file;
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	file->f_flags |= O_LARGEFILE;
	ret = set_attributes(file, m);
	if (!ret)
		return file;
	fput(file);
	return ERR_PTR(ret);
}

/**
 * restore_memfd_rec - make a memfd; its pages, which no seal keeps out, follow
 * @ctx:	the restart
 * @rec:	the MEMFD record
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restore_memfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	struct ckpt_memfd *m;
	struct file *file;
	int ret;

	m = ckpt_read_payload(ctx, &ctx->img, rec, sizeof(*m) + 1, sizeof(*m) + NAME_MAX + 1);
	if (IS_ERR(m))
		return PTR_ERR(m);
	ret = check_memfd(ctx, m, rec->len - sizeof(*m));
	file = ret ? ERR_PTR(ret) : make_memfd(m);
	kvfree(m);
	if (IS_ERR(file))
		return ckpt_err(ctx, PTR_ERR(file), "cannot make a memfd (error %ld)",
				PTR_ERR(file));
	return ckpt_ref_add(ctx, rec->objref, CKPT_OBJ_SHMEM, file);
}

/* Unlike one that is opened by /proc/PID/fd, it does not keep the memfd from being executed. */
static struct file *open_uncounted(struct file *memfd, int flags, const struct cred *cred)
{
	struct file *file;

	if ((flags & O_ACCMODE) != O_RDWR)
		return ERR_PTR(-EINVAL);
	file = alloc_file_clone(memfd, flags, memfd->f_op);
	if (IS_ERR(file))
		return file;
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_NONOTIFY;
	put_cred(file->f_cred);
	file->f_cred = get_cred(cred);
	return file;
}

/**
 * restore_memfd_file - open a memfd that has been made
 * @ctx:	the restart
 * @f:		what the image says of it
 *
 * Return: the file or an error pointer, which has been logged.
 */
struct file *restore_memfd_file(struct ckpt_ctx *ctx, const struct ckpt_file *f)
{
	bool huge = ckpt_ref_type(ctx, f->object) == CKPT_OBJ_HUGETLB;
	struct file *memfd = ckpt_ref(ctx, f->object, huge ? CKPT_OBJ_HUGETLB : CKPT_OBJ_SHMEM);
	const struct cred *cred = restore_file_cred(ctx, f->cred);
	struct file *file;

	if (IS_ERR(memfd) || IS_ERR(cred))
		return IS_ERR(memfd) ? memfd : ERR_CAST(cred);
	if (!ckpt_is_memfd(memfd) && !ckpt_is_huge_memfd(memfd) &&
	    !ckpt_is_nameless_shmem(memfd))
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "objref %u is not a memfd", f->object));
	if (f->flags & CKPT_FILE_UNCOUNTED)
		file = open_uncounted(memfd, f->f_flags & MEMFD_OPEN_FLAGS, cred);
	else
		file = path_open_quiet(&memfd->f_path, f->f_flags & MEMFD_OPEN_FLAGS, cred);
	if (IS_ERR(file))
		return ERR_PTR(ckpt_err(ctx, PTR_ERR(file), "a memfd cannot be opened (error %ld)",
					PTR_ERR(file)));
	return file;
}

/**
 * restore_memfd_unseal - for the time that a mapping is made again
 * @ctx:	the restart
 * @file:	any file; only a memfd that this restart has made is unsealed
 *
 * Return: what restore_memfd_seal() puts back, or 0.
 */
unsigned int restore_memfd_unseal(struct ckpt_ctx *ctx, struct file *file)
{
	struct inode *inode = file_inode(file);
	unsigned long i = 0;
	struct file *made;

	if (!ckpt_is_memfd(file))
		return 0;
	while ((made = ckpt_ref_next(ctx, &i, CKPT_OBJ_SHMEM))) {
		unsigned int seals = SHMEM_I(inode)->seals & F_SEAL_FUTURE_WRITE;

		if (file_inode(made) != inode)
			continue;
		SHMEM_I(inode)->seals &= ~seals;
		return seals;
	}
	return 0;
}

void restore_memfd_seal(struct file *file, unsigned int seals)
{
	SHMEM_I(file_inode(file))->seals |= seals;
}
