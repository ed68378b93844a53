// SPDX-License-Identifier: GPL-2.0
/*
 * Shared objects: by address while a checkpoint is written, by objref while
 * it is restored. What is known to either table is held until the end.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_net.h>
#include <linux/checkpoint_tasks.h>
#include <linux/file.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/proc_ns.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/tty.h>

struct ckpt_obj {
	struct hlist_node node;
	void *ptr;
	enum ckpt_obj_type type;
	u32 objref;
};

struct ckpt_obj_ops {
	const char *name;
	void (*grab)(void *ptr);
	void (*drop)(void *ptr);		/* of the checkpoint's table */
	void (*restore_drop)(void *ptr);	/* of the restart's table */
};

static void file_grab(void *ptr)
{
	get_file(ptr);
}

static void file_drop(void *ptr)
{
	fput(ptr);
}

static void inode_grab(void *ptr)
{
	ihold(ptr);
}

static void inode_drop(void *ptr)
{
	iput(ptr);
}

static void mm_grab(void *ptr)
{
	mmget(ptr);
}

static void mm_drop(void *ptr)
{
	mmput(ptr);
}

static void cred_grab(void *ptr)
{
	get_cred(ptr);
}

static void cred_drop(void *ptr)
{
	put_cred(ptr);
}

/* It is at rest, and so is its user count: execve() looks at it. */
static void hold_nothing(void *ptr)
{
}

static void payload_drop(void *ptr)
{
	kvfree(ptr);
}

static void tty_grab(void *ptr)
{
	tty_kref_get(ptr);
}

static void tty_drop(void *ptr)
{
	tty_kref_put(ptr);
}

static void pid_grab(void *ptr)
{
	get_pid(ptr);
}

static void pid_drop(void *ptr)
{
	put_pid(ptr);
}

static void ns_grab(void *ptr)
{
	refcount_inc(&((struct ns_common *)ptr)->count);
}

static void ns_drop(void *ptr)
{
	struct ns_common *ns = ptr;

	ns->ops->put(ns);
}

static const struct ckpt_obj_ops obj_ops[CKPT_OBJ_TYPES] = {
	[CKPT_OBJ_FILE] = { "FILE", file_grab, file_drop, file_drop },
	[CKPT_OBJ_PIPE] = { "PIPE", inode_grab, inode_drop, ckpt_pipe_put },
	[CKPT_OBJ_SHMEM] = { "SHMEM", inode_grab, inode_drop, file_drop },
	[CKPT_OBJ_CONTENTS] = { "CONTENTS", inode_grab, inode_drop, ckpt_contents_put },
	[CKPT_OBJ_MM] = { "MM", mm_grab, mm_drop, restore_mm_put },
	[CKPT_OBJ_CRED] = { "CRED", cred_grab, cred_drop, payload_drop },
	[CKPT_OBJ_NOTIFY] = { "INOTIFY or FANOTIFY", NULL, NULL, ckpt_notify_put },
	[CKPT_OBJ_ANON] = { "object behind a descriptor", NULL, NULL, ckpt_anon_put },
	[CKPT_OBJ_SOCKET] = { "SOCKET", ckpt_sock_get, ckpt_sock_put, ckpt_restored_sock_put },
	[CKPT_OBJ_TTY] = { "PTY", tty_grab, tty_drop, restored_pty_put },
	[CKPT_OBJ_FILES] = { "FILES", hold_nothing, hold_nothing, payload_drop },
	[CKPT_OBJ_FS] = { "FS", hold_nothing, hold_nothing, payload_drop },
	[CKPT_OBJ_SIGHAND] = { "SIGHAND", hold_nothing, hold_nothing, payload_drop },
	[CKPT_OBJ_TMPFS] = { "TMPFS", ckpt_tmpfs_grab, ckpt_tmpfs_drop, ckpt_tmpfs_put },
	[CKPT_OBJ_HUGETLB] = { "HUGETLB", inode_grab, inode_drop, file_drop },
	[CKPT_OBJ_DEAD] = { "pid", pid_grab, pid_drop, NULL },
	[CKPT_OBJ_NS] = { "namespace", ns_grab, ns_drop, ns_drop },
	[CKPT_OBJ_MQUEUE] = { "MQUEUE", inode_grab, inode_drop, file_drop },
#ifdef CONFIG_SECCOMP_FILTER
	[CKPT_OBJ_SECCOMP] = { "SECCOMP", ckpt_seccomp_grab, ckpt_seccomp_drop,
			       restore_seccomp_put },
#endif
};

static struct ckpt_obj *obj_find(struct ckpt_ctx *ctx, enum ckpt_obj_type type,
				 void *ptr)
{
	struct ckpt_obj *obj;

	hash_for_each_possible(ctx->objs, obj, node, (unsigned long)ptr)
		if (obj->ptr == ptr && obj->type == type)
			return obj;
	return NULL;
}

/**
 * ckpt_obj_lookup - has this object been written?
 * @ctx:	the checkpoint
 * @type:	what it is
 * @ptr:	its address
 * @objref:	its objref, if it has been
 *
 * Return: 1 if it has been, 0 if not.
 */
int ckpt_obj_lookup(struct ckpt_ctx *ctx, enum ckpt_obj_type type, void *ptr,
		    u32 *objref)
{
	struct ckpt_obj *obj = obj_find(ctx, type, ptr);

	if (!obj)
		return 0;
	*objref = obj->objref;
	return 1;
}

/**
 * ckpt_obj_add - give an object its objref and hold it
 * @ctx:	the checkpoint
 * @type:	what it is
 * @ptr:	its address
 * @objref:	its new objref
 *
 * Return: 0 or -ENOMEM.
 */
int ckpt_obj_add(struct ckpt_ctx *ctx, enum ckpt_obj_type type, void *ptr,
		 u32 *objref)
{
	struct ckpt_obj *obj = kmalloc(sizeof(*obj), GFP_KERNEL_ACCOUNT);

	if (!obj)
		return -ENOMEM;
	obj->ptr = ptr;
	obj->type = type;
	obj->objref = ++ctx->next_ref;
	obj_ops[type].grab(ptr);
	hash_add(ctx->objs, &obj->node, (unsigned long)ptr);
	*objref = obj->objref;
	return 0;
}

/**
 * ckpt_obj - look an object up, or add it
 * @ctx:	the checkpoint
 * @type:	what it is
 * @ptr:	its address
 * @objref:	its objref
 *
 * Return: 1 if it is new, 0 if it was known, or -ENOMEM.
 */
int ckpt_obj(struct ckpt_ctx *ctx, enum ckpt_obj_type type, void *ptr, u32 *objref)
{
	if (ckpt_obj_lookup(ctx, type, ptr, objref))
		return 0;
	return ckpt_obj_add(ctx, type, ptr, objref) ?: 1;
}

/**
 * ckpt_obj_for_each - visit all objects of a type
 * @ctx:	the checkpoint
 * @type:	what they are
 * @visit:	is called for each
 */
void ckpt_obj_for_each(struct ckpt_ctx *ctx, enum ckpt_obj_type type,
		       void (*visit)(struct ckpt_ctx *ctx, void *ptr))
{
	struct ckpt_obj *obj;
	int bkt;

	hash_for_each(ctx->objs, bkt, obj, node)
		if (obj->type == type)
			visit(ctx, obj->ptr);
}

static void release_obj(struct ckpt_obj *obj)
{
	hash_del(&obj->node);
	obj_ops[obj->type].drop(obj->ptr);
	kfree(obj);
}

/**
 * ckpt_objs_release_type - hold objects of a type no longer
 * @ctx:	the checkpoint
 * @type:	what they are
 */
void ckpt_objs_release_type(struct ckpt_ctx *ctx, enum ckpt_obj_type type)
{
	struct hlist_node *tmp;
	struct ckpt_obj *obj;
	int bkt;

	hash_for_each_safe(ctx->objs, bkt, tmp, obj, node)
		if (obj->type == type)
			release_obj(obj);
}

void ckpt_objs_release(struct ckpt_ctx *ctx)
{
	struct hlist_node *tmp;
	struct ckpt_obj *obj;
	int bkt;

	hash_for_each_safe(ctx->objs, bkt, tmp, obj, node)
		release_obj(obj);
}

struct ckpt_ref {
	enum ckpt_obj_type type;
	void *ptr;
};

/**
 * ckpt_ref_add - remember an object that has been restored
 * @ctx:	the restart
 * @objref:	how the image names it
 * @type:	what it is
 * @ptr:	it; the table takes over the caller's reference, also on error
 *
 * Return: 0 or a negative error.
 */
int ckpt_ref_add(struct ckpt_ctx *ctx, u32 objref, enum ckpt_obj_type type, void *ptr)
{
	struct ckpt_ref *ref;
	int ret;

	ref = kmalloc(sizeof(*ref), GFP_KERNEL_ACCOUNT);
	if (!ref) {
		ret = -ENOMEM;
		goto drop;
	}
	ref->type = type;
	ref->ptr = ptr;
	ret = objref ? xa_insert(&ctx->refs, objref, ref, GFP_KERNEL_ACCOUNT) : -EINVAL;
	if (!ret)
		return 0;
	kfree(ref);
	if (ret != -ENOMEM)
		ret = ckpt_err(ctx, -EINVAL, "objref %u is defined twice, or not valid", objref);
drop:
	obj_ops[type].restore_drop(ptr);
	return ret;
}

/**
 * ckpt_ref - the object that an objref names
 * @ctx:	the restart
 * @objref:	how the image names it
 * @type:	what it must be
 *
 * Return: the object, held by the table, or an error pointer that was logged.
 */
void *ckpt_ref(struct ckpt_ctx *ctx, u32 objref, enum ckpt_obj_type type)
{
	struct ckpt_ref *ref = xa_load(&(ctx->main ?: ctx)->refs, objref);

	if (!ref)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "no object has objref %u", objref));
	if (ref->type != type)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "objref %u is a %s, not a %s", objref,
					obj_ops[ref->type].name, obj_ops[type].name));
	return ref->ptr;
}

/**
 * ckpt_ref_type - what an objref names
 * @ctx:	the restart
 * @objref:	how the image names it
 *
 * Return: an enum ckpt_obj_type, or -1 if it names nothing.
 */
int ckpt_ref_type(struct ckpt_ctx *ctx, u32 objref)
{
	struct ckpt_ref *ref = xa_load(&(ctx->main ?: ctx)->refs, objref);

	return ref ? ref->type : -1;
}

/**
 * ckpt_ref_next - the next object of a type
 * @ctx:	the restart
 * @objref:	where the search begins, and then ends; 0 at first
 * @type:	what it must be
 *
 * Return: the object, held by the table, or NULL if there are no more.
 */
void *ckpt_ref_next(struct ckpt_ctx *ctx, unsigned long *objref, enum ckpt_obj_type type)
{
	struct ckpt_ref *ref;

	while ((ref = xa_find_after(&ctx->refs, objref, ULONG_MAX, XA_PRESENT)))
		if (ref->type == type)
			return ref->ptr;
	return NULL;
}

void ckpt_refs_release(struct ckpt_ctx *ctx)
{
	struct ckpt_ref *ref;
	unsigned long i;

	xa_for_each(&ctx->refs, i, ref) {
		obj_ops[ref->type].restore_drop(ref->ptr);
		kfree(ref);
	}
	xa_destroy(&ctx->refs);
}
