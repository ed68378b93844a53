// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of files that only a descriptor leads to: what they have
 * in common.
 *
 * An object stands before the FILE that is its file. What objects say of other
 * files (an epoll instance of what it watches, a socket of descriptors in
 * flight) comes after all processes: so they may lead to each other in circles.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_tasks.h>
#include <linux/file.h>
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

/* What is to be written when all processes are. */
struct later {
	struct list_head list;
	void *ptr;			/* the table of objects holds it */
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
 * @stage:	when
 * @ptr:	what it is about; the table of objects holds it
 * @objref:	of the object
 * @fn:		writes it, and may ask for more to be written
 *
 * Return: 0 or -ENOMEM.
 */
int ckpt_write_later(struct ckpt_ctx *ctx, enum ckpt_stage stage, void *ptr, u32 objref,
		     ckpt_later_fn fn)
{
	struct later *later = kmalloc(sizeof(*later), GFP_KERNEL_ACCOUNT);

	if (!later)
		return -ENOMEM;
	*later = (struct later) {
		.ptr = ptr,
		.objref = objref,
		.fn = fn,
		.pid = ctx->where.pid,
		.fd = ctx->where.fd,
	};
	list_add_tail(&later->list, &ctx->later[stage]);
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
	unsigned int stage;
	int ret = 0;

	BUILD_BUG_ON(ARRAY_SIZE(ctx->later) != CKPT_STAGES);
	for (stage = 0; stage < CKPT_STAGES; stage++) {
		struct list_head *list = &ctx->later[stage];
		struct later *later;

		while (!ret && (later = list_first_entry_or_null(list, struct later, list))) {
			list_del(&later->list);
			ctx->where = (struct ckpt_where) { .pid = later->pid, .fd = later->fd };
			ret = later->fn(ctx, later->ptr, later->objref);
			kfree(later);
		}
	}
	ctx->where = (struct ckpt_where) { .fd = -1 };
	return ret;
}

void ckpt_later_free(struct ckpt_ctx *ctx)
{
	struct later *later, *tmp;
	unsigned int stage;

	for (stage = 0; stage < CKPT_STAGES; stage++) {
		list_for_each_entry_safe(later, tmp, &ctx->later[stage], list)
			kfree(later);
		INIT_LIST_HEAD(&ctx->later[stage]);
	}
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

/**
 * ckpt_dead_pid - the pid of a process that has ended: a number that nobody bears
 * @ns:		where it was one
 * @nr:		the number
 *
 * Return: the pid, held, or NULL.
 */
struct pid *ckpt_dead_pid(struct pid_namespace *ns, pid_t nr)
{
	/* By these user space tells pidfds apart. Those of the living are counted upwards. */
	static atomic64_t ino = ATOMIC64_INIT(U32_MAX);
	struct pid_namespace *up = ns;
	struct pid *pid;
	int i;

	pid = kmem_cache_zalloc(ns->pid_cachep, GFP_KERNEL);
	if (!pid)
		return NULL;
	refcount_set(&pid->count, 1);
	spin_lock_init(&pid->lock);
	for (i = 0; i < PIDTYPE_MAX; i++)
		INIT_HLIST_HEAD(&pid->tasks[i]);
	INIT_HLIST_HEAD(&pid->inodes);
	init_waitqueue_head(&pid->wait_pidfd);
	pid->ino = atomic64_dec_return(&ino);
	pid->level = ns->level;
	for (i = ns->level; i >= 0; i--, up = up->parent) {
		pid->numbers[i].ns = up;
		pid->numbers[i].nr = i == ns->level ? nr : 0;
	}
	get_pid_ns(ns);
	return pid;
}

/**
 * restore_pid_of_credentials - the pid that credentials in a message, or of a peer, name
 * @ctx:	the restart
 * @nr:		the number
 *
 * One of the tree; as with SCM_CREDENTIALS, another one is for the privileged.
 *
 * Return: the pid, held, or NULL.
 */
struct pid *restore_pid_of_credentials(struct ckpt_ctx *ctx, pid_t nr)
{
	struct restart_task *rt = restart_lookup(ctx, nr);

	if (rt && rt->task)
		return get_pid(task_pid(rt->task));
	if (nr <= 0 || !ns_capable(task_active_pid_ns(current)->user_ns, CAP_SYS_ADMIN))
		return NULL;
	return find_get_pid(nr) ?: ckpt_dead_pid(task_active_pid_ns(current), nr);
}
