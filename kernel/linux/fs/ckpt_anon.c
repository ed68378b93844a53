// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of files that only a descriptor leads to: what they have
 * in common.
 *
 * An object stands before the FILE that is its file. What objects say of other
 * files (an epoll instance of what it watches, a socket of descriptors in
 * flight) comes after all processes: so they may lead to each other in circles.
 */
#include <linux/checkpoint_internal.h>
#include <linux/file.h>
#include <linux/slab.h>

/* What is to be written when all processes are. */
struct later {
	struct list_head list;
	struct file *file;		/* the table of objects holds it */
	u32 objref;
	ckpt_later_fn fn;
	pid_t pid;
	int fd;
};

/**
 * ckpt_anon_write - write the FILE record of an object
 * @ctx:	the checkpoint
 * @file:	the file
 * @kind:	what it is
 * @objref:	of the object
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_anon_write(struct ckpt_ctx *ctx, struct file *file, enum ckpt_file_kind kind,
		    u32 objref)
{
	struct ckpt_file rec;
	int ret;

	ret = ckpt_file_describe(ctx, file, kind, &rec);
	if (ret)
		return ret;
	rec.object = objref;
	ret = ckpt_remember_held(ctx, file, "is made anew by a restart");
	return ret ?: ckpt_file_write(ctx, ckpt_file_objref(ctx, file), &rec, "", "");
}

/**
 * ckpt_write_later - have something written after all processes
 * @ctx:	the checkpoint
 * @file:	what it is about; the table of objects holds it
 * @objref:	of the object
 * @fn:		writes it, and may ask for more
 *
 * Return: 0 or -ENOMEM.
 */
int ckpt_write_later(struct ckpt_ctx *ctx, struct file *file, u32 objref, ckpt_later_fn fn)
{
	struct later *later = kmalloc(sizeof(*later), GFP_KERNEL_ACCOUNT);

	if (!later)
		return -ENOMEM;
	*later = (struct later) {
		.file = file,
		.objref = objref,
		.fn = fn,
		.pid = ctx->where.pid,
		.fd = ctx->where.fd,
	};
	list_add_tail(&later->list, &ctx->later);
	return 0;
}

/**
 * ckpt_write_what_is_left - write what was to come after all processes
 * @ctx:	the checkpoint
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_write_what_is_left(struct ckpt_ctx *ctx)
{
	struct later *later;
	int ret = 0;

	while (!ret && (later = list_first_entry_or_null(&ctx->later, struct later, list))) {
		list_del(&later->list);
		ctx->where = (struct ckpt_where) { .pid = later->pid, .fd = later->fd };
		ret = later->fn(ctx, later->file, later->objref);
		kfree(later);
	}
	ctx->where = (struct ckpt_where) { .fd = -1 };
	return ret;
}

void ckpt_later_free(struct ckpt_ctx *ctx)
{
	struct later *later, *tmp;

	list_for_each_entry_safe(later, tmp, &ctx->later, list)
		kfree(later);
	INIT_LIST_HEAD(&ctx->later);
}

/**
 * ckpt_anon_add - an object has been made
 * @ctx:	the restart
 * @objref:	how the image names it
 * @kind:	enum ckpt_file_kind
 * @file:	its file, which is taken over, also on error; or an error pointer
 *
 * Return: 0 or a negative error, which has been logged.
 */
int ckpt_anon_add(struct ckpt_ctx *ctx, u32 objref, u32 kind, struct file *file)
{
	struct ckpt_anon *anon;

	if (IS_ERR(file))
		return ckpt_err(ctx, PTR_ERR(file), "cannot be made (error %ld)", PTR_ERR(file));
	anon = kzalloc(sizeof(*anon), GFP_KERNEL_ACCOUNT);
	if (!anon) {
		fput(file);
		return -ENOMEM;
	}
	anon->file = file;
	anon->kind = kind;
	return ckpt_ref_add(ctx, objref, CKPT_OBJ_ANON, anon);
}

void ckpt_anon_put(void *ptr)
{
	struct ckpt_anon *anon = ptr;

	fput(anon->file);
	kvfree(anon->data);
	kfree(anon);
}

/**
 * ckpt_anon_ref - the object of a kind that an objref names
 * @ctx:	the restart
 * @objref:	how the image names it
 * @kind:	enum ckpt_file_kind
 *
 * Return: the object, held by the table, or an error pointer that was logged.
 */
struct ckpt_anon *ckpt_anon_ref(struct ckpt_ctx *ctx, u32 objref, u32 kind)
{
	struct ckpt_anon *anon = ckpt_ref(ctx, objref, CKPT_OBJ_ANON);

	if (!IS_ERR(anon) && anon->kind != kind)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "objref %u is of kind %u, not %u", objref,
					anon->kind, kind));
	return anon;
}

/**
 * restore_anon_file - the file of an object that has been made
 * @ctx:	the restart
 * @f:		what the image says of it
 *
 * Return: the file or an error pointer, which has been logged.
 */
struct file *restore_anon_file(struct ckpt_ctx *ctx, const struct ckpt_file *f)
{
	struct ckpt_anon *anon = ckpt_anon_ref(ctx, f->object, f->kind);
	const struct cred *cred;

	if (IS_ERR(anon))
		return ERR_CAST(anon);
	if (anon->taken || (f->f_flags ^ anon->file->f_flags) & O_ACCMODE)
		return ERR_PTR(ckpt_err(ctx, -EINVAL,
			"objref %u has a file already, or of another access mode", f->object));
	cred = restore_file_cred(ctx, f->cred);
	if (IS_ERR(cred))
		return ERR_CAST(cred);
	anon->taken = true;
	/* Nobody else has seen it yet. */
	put_cred(anon->file->f_cred);
	anon->file->f_cred = get_cred(cred);
	return get_file(anon->file);
}
