// SPDX-License-Identifier: GPL-2.0
/*
 * A restart, from first to last: read the image, have every task take on what
 * is its own, let them all go at once.
 *
 * The coordinator reads and makes the shared objects. The tasks, which user
 * space has made with the right pids and parents, wait in restart_join(). In
 * the APPLY phase each takes on its part in its own context, all in parallel.
 * Nobody reaches user mode before all have succeeded.
 */
#include <linux/anon_inodes.h>
#include <linux/checkpoint_internal.h>
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

enum restart_phase {
	PHASE_JOIN,
	PHASE_APPLY,
	PHASE_GO,
	PHASE_DEAD,
};

/**
 * struct restart_ctx - what the file descriptor of a restart stands for
 * @ckpt:	image, log, objects
 * @refs:	the descriptor, and each task that has joined
 * @namespaces:	the NAMESPACES record, for user space, or NULL
 * @mounts:	the MOUNTS record, the same
 * @time:	the TIME record, the same
 * @pid_ns:	where the pids of the image are counted: that of who made it
 * @nsproxy:	the namespaces of who made it
 * @owner:	process that made it: its end ends the restart
 * @lock:	one RUN at a time
 * @phase:	what the tasks that have joined are to do
 * @wq:		where they wait for it
 * @run_wq:	where RUN waits for them; who wakes it need not wake them all
 * @parents:	images that this one is an increment over, newest first
 * @nr_parents:	their number
 * @tasks:	of the tree, ordered by pid
 * @nr_tasks:	their number
 * @order:	the same in the order of the image
 * @nr_joined:	how many have joined
 * @nr_applied:	how many have taken on what is theirs
 * @lost:	one of them was killed while it waited
 */
struct restart_ctx {
	struct ckpt_ctx *ckpt;
	struct kref refs;
	void *namespaces, *mounts;
	struct ckpt_time time;
	u32 namespaces_len, mounts_len;
	struct pid_namespace *pid_ns;
	struct nsproxy *nsproxy;
	struct pid *owner;
	struct mutex lock;		/* held by RUN */
	enum restart_phase phase;
	wait_queue_head_t wq;
	wait_queue_head_t run_wq;
	struct ckpt_stream *parents;
	unsigned int nr_parents;
	struct restart_task *tasks;
	unsigned int nr_tasks;
	u32 *order;
	atomic_t nr_joined;
	atomic_t nr_applied;
	bool lost;
};

struct ckpt_ctx *restart_ckpt_ctx(struct restart_task *rt)
{
	return rt->rctx->ckpt;
}

/**
 * restart_namespaces - the namespaces of who made the context
 * @ctx:	the restart
 *
 * They are not the tree's own.
 *
 * Return: the namespaces.
 */
const struct nsproxy *restart_namespaces(struct ckpt_ctx *ctx)
{
	return ctx->restart->nsproxy;
}

static void restart_free(struct kref *kref)
{
	struct restart_ctx *r = container_of(kref, struct restart_ctx, refs);
	unsigned int i;

	for (i = 0; i < r->nr_tasks; i++) {
		if (r->tasks[i].task)
			put_task_struct(r->tasks[i].task);
		restore_process_free(r->tasks[i].process);
		kvfree(r->tasks[i].cpu);
		kvfree(r->tasks[i].sched);
		kvfree(r->tasks[i].account);
		kvfree(r->tasks[i].timers);
		kvfree(r->tasks[i].sem_undo);
		restore_sigqueues_free(&r->tasks[i]);
	}
	kvfree(r->tasks);
	kvfree(r->order);
	for (i = 0; i < r->nr_parents; i++)
		ckpt_stream_release(&r->parents[i]);
	kvfree(r->parents);
	kvfree(r->namespaces);
	kvfree(r->mounts);
	put_pid_ns(r->pid_ns);
	put_nsproxy(r->nsproxy);
	put_pid(r->owner);
	ckpt_ctx_free(r->ckpt);
	kfree(r);
}

static void set_phase(struct restart_ctx *r, enum restart_phase phase)
{
	/* Pairs with the load in the tasks' wait: what they will read is there. */
	smp_store_release(&r->phase, phase);
	wake_up_all(&r->wq);
	wake_up_all(&r->run_wq);
}

/* One more of the tasks has come so far: the last one tells RUN. */
static void count_task(struct restart_ctx *r, atomic_t *counter)
{
	if (atomic_inc_return(counter) == r->nr_tasks)
		wake_up_all(&r->run_wq);
}

static int pid_order(const void *a, const void *b)
{
	const struct restart_task *x = a, *y = b;

	return (x->entry.pid > y->entry.pid) - (x->entry.pid < y->entry.pid);
}

static struct restart_task *find_task(struct restart_ctx *r, pid_t pid)
{
	unsigned int lo = 0, hi = r->nr_tasks;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (r->tasks[mid].entry.pid == pid)
			return &r->tasks[mid];
		if (r->tasks[mid].entry.pid < pid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

struct restart_task *restart_lookup(struct ckpt_ctx *ctx, pid_t pid)
{
	return find_task(ctx->restart, pid);
}

/**
 * restart_find - the task of the tree that has a pid
 * @ctx:	the restart
 * @pid:	as the image has it
 *
 * Return: the task, or an error pointer that was logged.
 */
struct restart_task *restart_find(struct ckpt_ctx *ctx, pid_t pid)
{
	struct restart_task *rt = find_task(ctx->restart, pid);

	if (!rt || !rt->task)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "the image has no task with pid %d", pid));
	return rt;
}

static int check_header(struct ckpt_ctx *ctx, const struct ckpt_header *h)
{
	if (h->magic != CKPT_MAGIC)
		return ckpt_err(ctx, -EINVAL, "this is not a checkpoint image");
	if (h->version != CKPT_VERSION)
		return ckpt_err(ctx, -EINVAL, "format version %u; this kernel reads %u",
				h->version, CKPT_VERSION);
	if (h->arch != CKPT_ARCH_X86_64 || h->page_size != PAGE_SIZE)
		return ckpt_err(ctx, -EINVAL, "made for another architecture or page size");
	if (!h->nr_tasks || h->nr_tasks > CKPT_MAX_TASKS)
		return ckpt_err(ctx, -EINVAL, "claims %u tasks", h->nr_tasks);
	if (h->features & ~ckpt_arch_features())
		return ckpt_err(ctx, -EINVAL,
			"uses CPU state components 0x%llx that this CPU does not have",
			h->features & ~ckpt_arch_features());
	return 0;
}

static int read_header(struct ckpt_ctx *ctx, struct ckpt_stream *s, struct ckpt_header *h)
{
	struct ckpt_rec rec;
	int ret;

	ret = ckpt_read_rec(ctx, s, &rec);
	if (ret)
		return ret;
	if (rec.type != CKPT_REC_HEADER || rec.len != sizeof(*h))
		return ckpt_err(ctx, -EINVAL, "this is not a checkpoint image");
	ret = ckpt_read(s, h, sizeof(*h));
	if (ret)
		return ckpt_err(ctx, ret, "the image is truncated in its header");
	return check_header(ctx, h);
}

static int check_task(struct ckpt_ctx *ctx, struct restart_ctx *r, unsigned int i,
		      const struct ckpt_task_entry *e)
{
	bool leads = e->pid == e->tgid;

	if (e->pid <= 0 || e->tgid <= 0 || e->pgid < 0 || e->sid < 0 || e->ppid < 0)
		return ckpt_err(ctx, -EINVAL, "task %u: invalid pid", i);
	if (e->flags & ~CKPT_TASK_FLAGS_ALL ||
	    !(e->flags & CKPT_TASK_LEADER) == leads ||
	    ((e->flags & CKPT_TASK_ZOMBIE) && !leads))
		return ckpt_err(ctx, -EINVAL, "task %u (pid %d): invalid flags", i, e->pid);
	if (e->exit_signal < 0 || e->exit_signal > SIGRTMAX)
		return ckpt_err(ctx, -EINVAL, "task %u (pid %d): invalid exit signal", i, e->pid);
	if (!i && (e->ppid || !leads || e->flags & CKPT_TASK_ZOMBIE))
		return ckpt_err(ctx, -EINVAL, "the first task is not a live root of a tree");
	return 0;
}

static int read_tasks(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	u32 n = ctx->header.nr_tasks, i;
	struct ckpt_task_entry *entries;
	struct ckpt_rec rec;
	int ret;

	ret = ckpt_read_rec(ctx, &ctx->img, &rec);
	if (ret)
		return ret;
	if (rec.type != CKPT_REC_TASKS)
		return ckpt_err(ctx, -EINVAL, "a TASKS record should follow the header");
	entries = ckpt_read_payload(ctx, &ctx->img, &rec, n * sizeof(*entries),
				    n * sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	r->tasks = kvcalloc(n, sizeof(*r->tasks), GFP_KERNEL_ACCOUNT);
	r->order = kvcalloc(n, sizeof(*r->order), GFP_KERNEL_ACCOUNT);
	ret = r->tasks && r->order ? 0 : -ENOMEM;
	for (i = 0; i < n && !ret; i++) {
		ret = check_task(ctx, r, i, &entries[i]);
		r->tasks[i].entry = entries[i];
		r->tasks[i].rctx = r;
		INIT_LIST_HEAD(&r->tasks[i].sigqueues);
		r->order[i] = entries[i].pid;
	}
	if (!ret) {
		r->nr_tasks = n;
		sort(r->tasks, n, sizeof(*r->tasks), pid_order, NULL);
	}
	kvfree(entries);
	for (i = 0; i < n && !ret; i++) {
		struct restart_task *rt = &r->tasks[i];

		/* sort() has moved the list heads. */
		INIT_LIST_HEAD(&rt->sigqueues);
		if (i && rt->entry.pid == rt[-1].entry.pid)
			ret = ckpt_err(ctx, -EINVAL, "pid %d stands twice in the image",
				       rt->entry.pid);
		rt->leader = find_task(r, rt->entry.tgid);
		if (!ret && (!rt->leader || rt->leader->entry.pid != rt->leader->entry.tgid ||
			     (rt->entry.ppid && !find_task(r, rt->entry.ppid))))
			ret = ckpt_err(ctx, -EINVAL,
				       "pid %d: its leader or parent is not in the image",
				       rt->entry.pid);
	}
	return ret;
}

static int check_namespaces(struct restart_ctx *r, const struct ckpt_namespaces *ns, u32 len)
{
	const struct ckpt_ns_pid *pid = (const struct ckpt_ns_pid *)(ns + 1);
	u32 i;

	if (ns->flags & ~CKPT_NS_ALL || ns->nr_pids > r->nr_tasks ||
	    len != sizeof(*ns) + (u64)ns->nr_pids * sizeof(*pid))
		return ckpt_err(r->ckpt, -EINVAL, "namespaces that contradict themselves");
	for (i = 0; i < ns->nr_pids; i++)
		if (pid[i].flags & ~CKPT_NS_PID_ALL || pid[i].reserved ||
		    !find_task(r, pid[i].pid))
			return ckpt_err(r->ckpt, -EINVAL,
					"pid %d, of a pid namespace, is not in the image",
					pid[i].pid);
	return 0;
}

static int read_time(struct restart_ctx *r, const struct ckpt_rec *rec)
{
	struct ckpt_time *time;

	time = ckpt_read_payload(r->ckpt, &r->ckpt->img, rec, sizeof(*time), sizeof(*time));
	if (IS_ERR(time))
		return PTR_ERR(time);
	r->time = *time;
	kvfree(time);
	return 0;
}

/* What else the tool that makes the tree has to know. */
static int read_namespaces(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	struct ckpt_rec rec;
	void *payload;
	int ret;

	for (;;) {
		bool mounts;

		ret = ckpt_read_rec(ctx, &ctx->img, &rec);
		if (ret)
			return ret;
		if (rec.type == CKPT_REC_TIME) {
			ret = read_time(r, &rec);
			if (ret)
				return ret;
			continue;
		}
		mounts = rec.type == CKPT_REC_MOUNTS;
		if (!mounts && rec.type != CKPT_REC_NAMESPACES)
			break;
		if (mounts ? !!r->mounts : !!r->namespaces)
			return ckpt_err(ctx, -EINVAL, "namespaces stand twice in the image");
		payload = ckpt_read_payload(ctx, &ctx->img, &rec,
					    mounts ? 1 : sizeof(struct ckpt_namespaces),
					    CKPT_MAX_RECORD_BYTES);
		if (IS_ERR(payload))
			return PTR_ERR(payload);
		if (mounts) {
			r->mounts = payload;
			r->mounts_len = rec.len;
			continue;
		}
		r->namespaces = payload;
		r->namespaces_len = rec.len;
		ret = check_namespaces(r, payload, rec.len);
		if (ret)
			return ret;
	}
	ctx->ahead = rec;
	return 0;
}

static long restart_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct restart_namespaces_args __user *uargs = (void __user *)arg;
	struct restart_ctx *r = file->private_data;
	struct restart_namespaces_args a;

	if (cmd == CKPT_RESTART_TIME)
		return copy_to_user(uargs, &r->time, sizeof(r->time)) ? -EFAULT : 0;
	if (cmd != CKPT_RESTART_NAMESPACES)
		return -ENOTTY;
	if (copy_from_user(&a, uargs, sizeof(a)))
		return -EFAULT;
	if (copy_to_user(u64_to_user_ptr(a.namespaces), r->namespaces,
			 min(a.namespaces_len, r->namespaces_len)) ||
	    copy_to_user(u64_to_user_ptr(a.mounts), r->mounts, min(a.mounts_len, r->mounts_len)))
		return -EFAULT;
	a.namespaces_len = r->namespaces_len;
	a.mounts_len = r->mounts_len;
	return copy_to_user(uargs, &a, sizeof(a)) ? -EFAULT : 0;
}

/* The task table, for the tool that makes the tree. */
static ssize_t restart_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct restart_ctx *r = file->private_data;
	size_t done = 0;

	while (*pos / sizeof(struct ckpt_task_entry) < r->nr_tasks) {
		unsigned int i = *pos / sizeof(struct ckpt_task_entry);

		if (*pos % sizeof(struct ckpt_task_entry))
			return -EINVAL;
		if (len - done < sizeof(struct ckpt_task_entry))
			break;
		if (copy_to_user(buf + done, &find_task(r, r->order[i])->entry,
				 sizeof(struct ckpt_task_entry)))
			return -EFAULT;
		done += sizeof(struct ckpt_task_entry);
		*pos += sizeof(struct ckpt_task_entry);
	}
	return done;
}

/* Every joined task has inherited the descriptor: only the owner's close counts. */
static int restart_flush(struct file *file, fl_owner_t id)
{
	struct restart_ctx *r = file->private_data;

	if (task_tgid(current) == r->owner && r->phase != PHASE_GO)
		set_phase(r, PHASE_DEAD);
	return 0;
}

static int restart_release(struct inode *inode, struct file *file)
{
	struct restart_ctx *r = file->private_data;

	kref_put(&r->refs, restart_free);
	return 0;
}

static const struct file_operations restart_fops = {
	.owner		= THIS_MODULE,
	.read		= restart_read,
	.unlocked_ioctl	= restart_ioctl,
	.flush		= restart_flush,
	.release	= restart_release,
	.llseek		= noop_llseek,
};

static int open_images(struct restart_ctx *r, const int *fds, unsigned int nr)
{
	struct ckpt_ctx *ctx = r->ckpt;
	unsigned int i;
	int ret;

	ret = ckpt_stream_init(&ctx->img, fds[0], FMODE_READ);
	if (ret)
		return ckpt_err(ctx, ret, "cannot read the image");
	if (nr == 1)
		return 0;
	r->parents = kvcalloc(nr - 1, sizeof(*r->parents), GFP_KERNEL_ACCOUNT);
	if (!r->parents)
		return -ENOMEM;
	for (i = 1; i < nr; i++) {
		ret = ckpt_stream_init(&r->parents[i - 1], fds[i], FMODE_READ);
		if (ret)
			return ckpt_err(ctx, ret, "cannot read parent image %u", i);
		r->nr_parents++;
	}
	return 0;
}

/**
 * restart_create - make a restart context from an image
 * @flags:	RESTART_*
 * @fds:	the image, its parent, the parent's parent ...
 * @nr_fds:	their number
 * @log_fd:	where messages go, or -1
 * @copy_dir:	where copied files are made, or NULL: where they were
 *
 * Return: a file descriptor, or a negative error.
 */
int restart_create(u64 flags, const int *fds, unsigned int nr_fds, int log_fd,
		   const struct path *copy_dir)
{
	struct restart_ctx *r;
	int ret;

	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	r->ckpt = ckpt_ctx_alloc();
	if (!r->ckpt) {
		kfree(r);
		return -ENOMEM;
	}
	kref_init(&r->refs);
	mutex_init(&r->lock);
	init_waitqueue_head(&r->wq);
	init_waitqueue_head(&r->run_wq);
	r->owner = get_pid(task_tgid(current));
	r->pid_ns = get_pid_ns(task_active_pid_ns(current));
	get_nsproxy(current->nsproxy);
	r->nsproxy = current->nsproxy;
	r->ckpt->restart = r;
	r->ckpt->flags = flags;
	if (copy_dir) {
		r->ckpt->copy_dir = *copy_dir;
		path_get(&r->ckpt->copy_dir);
	}
	ret = -EBADF;
	if (log_fd >= 0) {
		r->ckpt->log = fget(log_fd);
		if (!r->ckpt->log || !(r->ckpt->log->f_mode & FMODE_CAN_WRITE))
			goto fail;
	}
	ret = open_images(r, fds, nr_fds);
	if (!ret)
		ret = read_header(r->ckpt, &r->ckpt->img, &r->ckpt->header);
	if (!ret)
		ret = read_tasks(r);
	if (!ret)
		ret = read_namespaces(r);
	if (!ret)
		ret = anon_inode_getfd("[restart]", &restart_fops, r, O_RDONLY | O_CLOEXEC);
	if (ret >= 0)
		return ret;
fail:
	kref_put(&r->refs, restart_free);
	return ret;
}

static struct restart_ctx *restart_get(int fd)
{
	struct restart_ctx *r;

	CLASS(fd, f)(fd);
	if (fd_empty(f) || fd_file(f)->f_op != &restart_fops)
		return ERR_PTR(-EBADF);
	r = fd_file(f)->private_data;
	kref_get(&r->refs);
	return r;
}

static bool parent_fits(const struct restart_ctx *r, const struct restart_task *rt)
{
	pid_t ppid;

	if (!rt->entry.ppid)
		return true;
	rcu_read_lock();
	ppid = task_tgid_nr_ns(rcu_dereference(current->real_parent), r->pid_ns);
	rcu_read_unlock();
	return ppid == rt->entry.ppid;
}

static int join(struct restart_ctx *r, struct restart_task **out)
{
	struct restart_task *rt = find_task(r, task_pid_nr_ns(current, r->pid_ns));

	if (!rt || rt->entry.tgid != task_tgid_nr_ns(current, r->pid_ns) || !parent_fits(r, rt))
		return -ESRCH;
	if (cmpxchg(&rt->task, NULL, get_task_struct(current))) {
		put_task_struct(current);
		return -EBUSY;
	}
	*out = rt;
	count_task(r, &r->nr_joined);
	return 0;
}

static bool phase_after(struct restart_ctx *r, enum restart_phase phase)
{
	/* Pairs with set_phase(). */
	return smp_load_acquire(&r->phase) > phase;
}

/**
 * restart_join - become a task of the tree
 * @ctx_fd:	the restart context
 *
 * Return: what the restored task's register says, to user mode as it was; or
 * an error if the caller has no place in the tree. Does not return if the
 * restart fails: then the caller is killed.
 */
long restart_join(int ctx_fd)
{
	struct restart_ctx *r = restart_get(ctx_fd);
	struct restart_task *rt;
	bool go;
	int ret;

	if (IS_ERR(r))
		return PTR_ERR(r);
	ret = join(r, &rt);
	if (ret) {
		kref_put(&r->refs, restart_free);
		return ret;
	}
	ret = wait_event_killable(r->wq, phase_after(r, PHASE_JOIN));
	if (!ret && r->phase == PHASE_APPLY) {
		if (rt->entry.flags & CKPT_TASK_ZOMBIE) {
			int code = rt->entry.exit_code;

			rt->applied = true;
			count_task(r, &r->nr_applied);
			kref_put(&r->refs, restart_free);
			do_exit(code);
		}
		rt->ret = restore_task(rt);
		rt->applied = true;
		count_task(r, &r->nr_applied);
		ret = wait_event_killable(r->wq, phase_after(r, PHASE_APPLY));
	}
	go = !ret && r->phase == PHASE_GO;
	if (!go) {
		rt->gone = true;
		/* Pairs with the load in all_applied(): who sees it sees which one. */
		smp_store_release(&r->lost, true);
		wake_up_all(&r->run_wq);
	}
	kref_put(&r->refs, restart_free);
	if (!go)
		do_group_exit(SIGKILL);
	return restore_arch_return();
}

/* The end of the image, or of a parent: is everything there, and undamaged? */
int ckpt_read_trailer(struct ckpt_ctx *ctx, struct ckpt_stream *s,
		      const struct ckpt_rec *rec)
{
	u64 bytes = s->offset + sizeof(struct ckpt_trailer);
	u32 crc = s->rec_crc;
	struct ckpt_trailer t;
	int ret;

	if (rec->len != sizeof(t))
		return ckpt_err(ctx, -EINVAL, "the trailer has %llu bytes", rec->len);
	ret = ckpt_read(s, &t, sizeof(t));
	if (ret)
		return ckpt_err(ctx, ret, "the image is truncated in its trailer");
	if (t.crc32c != crc)
		return ckpt_err(ctx, -EBADMSG, "checksum mismatch: the image is damaged");
	if (t.bytes != bytes || t.pages != s->pages || t.nr_records != s->nr_records)
		return ckpt_err(ctx, -EINVAL,
			"the trailer counts %llu bytes, %llu pages, %u records; there are %llu, %llu, %u",
			t.bytes, t.pages, t.nr_records, bytes, s->pages, s->nr_records);
	return 0;
}

/**
 * restore_payload_rec - keep a record until the tasks that need it read it
 * @ctx:	the restart
 * @rec:	FILES, FS or SIGHAND
 *
 * Return: 0 or a negative error, which has been logged.
 */
static int restore_payload_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec)
{
	enum ckpt_obj_type type = rec->type == CKPT_REC_FILES ? CKPT_OBJ_FILES :
				  rec->type == CKPT_REC_FS ? CKPT_OBJ_FS : CKPT_OBJ_SIGHAND;
	struct ckpt_payload *p;
	int ret;

	p = kvmalloc(struct_size(p, data, rec->len + 1), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	p->first = NULL;
	p->len = rec->len;
	ret = ckpt_read(&ctx->img, p->data, rec->len);
	if (ret) {
		kvfree(p);
		return ckpt_err(ctx, ret, "the image is truncated in a record of type %u",
				rec->type);
	}
	p->data[rec->len] = 0;
	return ckpt_ref_add(ctx, rec->objref, type, p);
}

typedef int (*restore_fn)(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* What the image may hold, and who makes it. */
static const restore_fn restore_fns[] = {
	[CKPT_REC_FILE]		= restore_file_rec,
	[CKPT_REC_PIPE]		= restore_pipe_rec,
	[CKPT_REC_SHMEM]	= restore_shmem_rec,
	[CKPT_REC_INOTIFY]	= restore_inotify_rec,
	[CKPT_REC_FANOTIFY]	= restore_fanotify_rec,
	[CKPT_REC_WATCH]	= restore_watch_rec,
	[CKPT_REC_EVENT]	= restore_event_rec,
	[CKPT_REC_LOCKS]	= restore_locks_rec,
	[CKPT_REC_CONTENTS]	= restore_contents_rec,
	[CKPT_REC_XATTR]	= restore_xattr_rec,
	[CKPT_REC_MM]		= restore_mm_rec,
	[CKPT_REC_PAGES]	= restore_pages_rec,
	[CKPT_REC_COW]		= restore_cow_rec,
	[CKPT_REC_SHMEM_TRACK]	= restore_shmem_track_rec,
	[CKPT_REC_FILES]	= restore_payload_rec,
	[CKPT_REC_FS]		= restore_payload_rec,
	[CKPT_REC_SIGHAND]	= restore_payload_rec,
	[CKPT_REC_CRED]		= restore_cred_rec,
	[CKPT_REC_PROCESS]	= restore_process_rec,
	[CKPT_REC_THREAD]	= restore_thread_rec,
	[CKPT_REC_SIGQUEUE]	= restore_sigqueue_rec,
	[CKPT_REC_CPU]		= restore_cpu_rec,
	[CKPT_REC_FPU]		= restore_fpu_rec,
	[CKPT_REC_EVENTFD]	= restore_eventfd_rec,
	[CKPT_REC_SIGNALFD]	= restore_signalfd_rec,
	[CKPT_REC_TIMERFD]	= restore_timerfd_rec,
	[CKPT_REC_EPOLL]	= restore_epoll_rec,
	[CKPT_REC_EPOLL_ITEMS]	= restore_epoll_items_rec,
	[CKPT_REC_MEMFD]	= restore_memfd_rec,
	[CKPT_REC_ACCOUNT]	= restore_account_rec,
	[CKPT_REC_SCHED]	= restore_sched_rec,
#ifdef CONFIG_POSIX_TIMERS
	[CKPT_REC_TIMERS]	= restore_timers_rec,
#endif
#ifdef CONFIG_SECCOMP_FILTER
	[CKPT_REC_SECCOMP]	= restore_seccomp_rec,
#endif
	[CKPT_REC_UTS]		= restore_uts_rec,
	[CKPT_REC_TMPFS]	= restore_tmpfs_rec,
	[CKPT_REC_TMPFS_INODE]	= restore_tmpfs_inode_rec,
	[CKPT_REC_TMPFS_LINK]	= restore_tmpfs_link_rec,
	[CKPT_REC_TMPFS_END]	= restore_tmpfs_end_rec,
	[CKPT_REC_IPC_NS]	= restore_ipc_ns_rec,
	[CKPT_REC_SHM]		= restore_shm_rec,
	[CKPT_REC_SEM]		= restore_sem_rec,
	[CKPT_REC_MSG]		= restore_msg_rec,
	[CKPT_REC_SEM_UNDO]	= restore_sem_undo_rec,
	[CKPT_REC_PIDFD]	= restore_pidfd_rec,
	[CKPT_REC_SOCKET]	= restore_socket_rec,
	[CKPT_REC_SOCKET_FILTER] = restore_socket_filter_rec,
	[CKPT_REC_SOCKET_DGRAM]	= restore_socket_dgram_rec,
	[CKPT_REC_SOCKET_PEER]	= restore_socket_peer_rec,
	[CKPT_REC_SOCKET_MSG]	= restore_socket_msg_rec,
	[CKPT_REC_PTY]		= restore_pty_rec,
	[CKPT_REC_PTY_STATE]	= restore_pty_state_rec,
	[CKPT_REC_TCP]		= restore_tcp_rec,
	[CKPT_REC_TCP_DATA]	= restore_tcp_data_rec,
};

/* The first one was read when the context was made. */
static int next_record(struct ckpt_ctx *ctx, struct ckpt_rec *rec)
{
	if (!ctx->ahead.type)
		return ckpt_read_rec(ctx, &ctx->img, rec);
	*rec = ctx->ahead;
	ctx->ahead.type = 0;
	return 0;
}

static int read_records(struct ckpt_ctx *ctx)
{
	struct ckpt_rec rec;
	int ret;

	for (;;) {
		if (fatal_signal_pending(current))
			return ckpt_err(ctx, -EINTR, "interrupted");
		ret = next_record(ctx, &rec);
		if (ret)
			return ret;
		if (rec.type == CKPT_REC_TRAILER)
			return ckpt_read_trailer(ctx, &ctx->img, &rec);
		if (rec.type >= ARRAY_SIZE(restore_fns) || !restore_fns[rec.type])
			return ckpt_err(ctx, -EINVAL, "a record of type %u has no place here",
					rec.type);
		ret = restore_fns[rec.type](ctx, &rec);
		if (ret)
			return ckpt_err(ctx, ret, "cannot restore a record of type %u (error %d)",
					rec.type, ret);
		cond_resched();
	}
}

/* Pages that the image leaves to its parents, newest parent first. */
static int read_parents(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	struct ckpt_header want = ctx->header, h;
	unsigned int i;
	int ret;

	for (i = 0; i < r->nr_parents; i++) {
		ret = read_header(ctx, &r->parents[i], &h);
		if (ret)
			return ret;
		if (memcmp(h.image_id, want.parent_id, CKPT_ID_BYTES))
			return ckpt_err(ctx, -EINVAL,
				"parent %u is image %*phN, but image %*phN is wanted: give the right file",
				i + 1, CKPT_ID_BYTES, h.image_id, CKPT_ID_BYTES, want.parent_id);
		ret = restore_parent_pages(ctx, &r->parents[i]);
		if (ret)
			return ckpt_err(ctx, ret, "cannot take pages from parent %u", i + 1);
		ckpt_stream_release(&r->parents[i]);
		want = h;
	}
	return restore_missing_pages(ctx);
}

static bool all_in_place(struct restart_ctx *r)
{
	return atomic_read(&r->nr_joined) == r->nr_tasks || r->phase == PHASE_DEAD;
}

static int check_complete(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	unsigned int i;

	for (i = 0; i < r->nr_tasks; i++) {
		struct restart_task *rt = &r->tasks[i];

		if (rt->entry.flags & CKPT_TASK_ZOMBIE)
			continue;
		if (!rt->has_thread || !rt->cpu || !rt->has_fpu || !rt->leader->process) {
			ctx->where.pid = rt->entry.pid;
			return ckpt_err(ctx, -EINVAL, "the image does not describe this task");
		}
	}
	return 0;
}

static bool all_applied(struct restart_ctx *r)
{
	/* Pairs with the release of the one who was lost: which task it was can be seen. */
	return atomic_read(&r->nr_applied) == r->nr_tasks || smp_load_acquire(&r->lost);
}

static int apply(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	unsigned int i;
	int ret;

	for (i = 0; i < r->nr_tasks; i++) {
		ret = restore_ids(ctx, &r->tasks[i]);
		if (ret)
			return ret;
	}
	set_phase(r, PHASE_APPLY);
	ret = wait_event_killable(r->run_wq, all_applied(r));
	if (ret)
		return ckpt_err(ctx, -EINTR, "interrupted");
	for (i = 0; i < r->nr_tasks; i++) {
		struct restart_task *rt = &r->tasks[i];

		ctx->where.pid = rt->entry.pid;
		if (READ_ONCE(rt->gone))
			return ckpt_err(ctx, -ESRCH, "was killed during the restart");
		if (rt->ret)
			return ckpt_err(ctx, rt->ret, "cannot restore %s (error %d)",
					rt->what ?: "its state", rt->ret);
	}
	ctx->where.pid = 0;
	return 0;
}

static bool zombies_are_dead(struct restart_ctx *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_tasks; i++)
		if ((r->tasks[i].entry.flags & CKPT_TASK_ZOMBIE) &&
		    !READ_ONCE(r->tasks[i].task->exit_state))
			return false;
	return true;
}

/* Their parents may ask for them at once, and were told of their end before. */
static int bury_zombies(struct restart_ctx *r)
{
	unsigned int i;

	while (!zombies_are_dead(r)) {
		if (schedule_timeout_killable(1), fatal_signal_pending(current))
			return -EINTR;
	}
	write_lock_irq(&tasklist_lock);
	for (i = 0; i < r->nr_tasks; i++)
		if (r->tasks[i].entry.flags & CKPT_TASK_ZOMBIE)
			r->tasks[i].task->exit_signal = r->tasks[i].entry.exit_signal;
	write_unlock_irq(&tasklist_lock);
	return 0;
}

/* From here on signals may come: CPU times and queues stand as they were. */
static int start_timers(struct restart_ctx *r)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < r->nr_tasks && !ret; i++) {
		struct restart_task *rt = &r->tasks[i];

		if (rt->entry.flags & CKPT_TASK_ZOMBIE)
			continue;
		restore_stop(rt);
		if (rt->leader != rt)
			continue;
		r->ckpt->where.pid = rt->entry.pid;
		ret = restore_itimers(r->ckpt, rt);
#ifdef CONFIG_POSIX_TIMERS
		if (!ret)
			ret = restore_timers_go(r->ckpt, rt);
#endif
	}
	r->ckpt->where.pid = 0;
	return ret;
}

static void restore_last_pids(struct restart_ctx *r)
{
	const struct ckpt_namespaces *ns = r->namespaces;
	const struct ckpt_ns_pid *pid = (const struct ckpt_ns_pid *)(ns + 1);
	u32 i;

	for (i = 0; ns && i < ns->nr_pids; i++)
		if (pid[i].flags & CKPT_NS_PID_INIT)
			restore_last_pid(find_task(r, pid[i].pid)->task, pid[i].last);
}

static int finish_tasks(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	unsigned int i;
	int ret;

	ret = bury_zombies(r);
	for (i = 0; i < r->nr_tasks && !ret; i++) {
		struct restart_task *rt = &r->tasks[i];

		if (rt->entry.flags & CKPT_TASK_ZOMBIE)
			continue;
		if (rt->leader == rt) {
			restore_tty_members(ctx, rt);
			ret = restore_finish_mm(ctx, rt);
		}
		if (!ret)
			ret = restore_cpu(ctx, rt);
		if (!ret)
			ret = restore_account(ctx, rt);
		if (!ret)
			ret = restore_sigqueues(ctx, rt);
	}
	if (!ret)
		ret = restore_files_state(ctx);
	if (!ret)
		ret = restore_locks(ctx);
	/* If nobody else holds a watched file that has no name, its end comes now. */
	if (!ret)
		restore_notify_go(ctx);
	if (!ret)
		ret = start_timers(r);
	if (!ret)
		ret = restore_tcp_complete(ctx);
	if (!ret)
		ret = restore_tmpfs_done(ctx);
	/* Last: until here, the image can be restored again. */
	if (!ret)
		ret = restore_unlink(ctx);
	if (!ret) {
		restore_last_pids(r);
		restore_ipc_commit(ctx);
		for (i = 0; i < r->nr_tasks; i++)
			if (r->tasks[i].sem_undo)
				restore_sem_undo_commit(&r->tasks[i]);
		restore_sockets_settle(ctx);
		restore_ptys_settle(ctx);
		restore_epolls_settle(ctx);
		/* From here on data comes, and events with it. */
		restore_tcp_settle(ctx);
		restore_files_done(ctx);
	}
	return ret ? ckpt_err(ctx, ret, "cannot finish (error %d)", ret) : 0;
}

static int run(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	unsigned int i;
	int ret;

	ret = wait_event_killable(r->run_wq, all_in_place(r));
	if (ret || r->phase != PHASE_JOIN)
		return ckpt_err(ctx, ret ?: -ECANCELED, "interrupted");
	/* Off their CPUs: only then can their registers be set from here. */
	for (i = 0; i < r->nr_tasks; i++)
		ckpt_wait_inactive(r->tasks[i].task);
	ret = read_records(ctx);
	if (!ret)
		ret = read_parents(r);
	if (!ret)
		ret = check_complete(r);
	if (!ret)
		ret = apply(r);
	return ret ?: finish_tasks(r);
}

/**
 * restart_run - restore the tree and let it go
 * @ctx_fd:	the restart context
 * @stats:	figures
 *
 * Return: 0, or a negative error, which has been logged; then every task that
 * has joined is killed.
 */
int restart_run(int ctx_fd, struct restart_stats *stats)
{
	struct restart_ctx *r = restart_get(ctx_fd);
	u64 start = ktime_get_ns();
	unsigned int i;
	int ret;

	if (IS_ERR(r))
		return PTR_ERR(r);
	if (task_tgid(current) != r->owner || !mutex_trylock(&r->lock)) {
		kref_put(&r->refs, restart_free);
		return -EBUSY;
	}
	if (r->phase != PHASE_JOIN) {
		ret = -EBUSY;
		goto out;
	}
	ret = run(r);
	restore_tcp_free(r->ckpt);
	if (!ret && READ_ONCE(r->phase) == PHASE_DEAD)
		ret = -ECANCELED;
	/* What is held by the tasks now. On failure they may still be at it. */
	if (!ret)
		ckpt_refs_release(r->ckpt);
	set_phase(r, ret ? PHASE_DEAD : PHASE_GO);
	if (!ret) {
		memcpy(stats->image_id, r->ckpt->header.image_id, CKPT_ID_BYTES);
		stats->bytes = r->ckpt->img.offset;
		stats->pages = r->ckpt->img.pages;
		for (i = 0; i < r->nr_parents; i++)
			stats->bytes += r->parents[i].offset;
		stats->tasks = r->nr_tasks;
		stats->total_ns = ktime_get_ns() - start;
	}
out:
	mutex_unlock(&r->lock);
	kref_put(&r->refs, restart_free);
	return ret;
}
