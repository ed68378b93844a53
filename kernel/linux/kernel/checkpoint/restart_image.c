// SPDX-License-Identifier: GPL-2.0
/*
 * The image that a restart reads: its head, which tells what tree is to be
 * made; its records, and who makes what they speak of; its parents. Nothing
 * that it says is believed.
 */
#include <linux/checkpoint_files.h>
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_mm.h>
#include <linux/checkpoint_net.h>
#include <linux/checkpoint_tasks.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "restart.h"

static int pid_order(const void *a, const void *b)
{
	const struct restart_task *x = a, *y = b;

	return (x->entry.pid > y->entry.pid) - (x->entry.pid < y->entry.pid);
}

/**
 * restart_task_by_pid - the task of the tree that has a pid
 * @r:		the restart
 * @pid:	as the image has it
 *
 * Return: the task, or NULL.
 */
struct restart_task *restart_task_by_pid(struct restart_ctx *r, pid_t pid)
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
	    ((e->flags & (CKPT_TASK_ZOMBIE | CKPT_TASK_DEAD_LEADER)) && !leads) ||
	    (e->flags & CKPT_TASK_ZOMBIE && e->flags & CKPT_TASK_DEAD_LEADER))
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
		rt->leader = restart_task_by_pid(r, rt->entry.tgid);
		if (!ret && (!rt->leader || rt->leader->entry.pid != rt->leader->entry.tgid ||
			     (rt->entry.ppid && !restart_task_by_pid(r, rt->entry.ppid))))
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

	if (ns->flags & ~CKPT_NS_ALL || ns->nr_pids > 3 * (u64)r->nr_tasks ||
	    len != sizeof(*ns) + (u64)ns->nr_pids * sizeof(*pid))
		return ckpt_err(r->ckpt, -EINVAL, "namespaces that contradict themselves");
	for (i = 0; i < ns->nr_pids; i++) {
		bool is_group = pid[i].flags == CKPT_NS_PID_GROUP;

		if (pid[i].flags & ~CKPT_NS_PID_ALL ||
		    pid[i].memfd_noexec > MEMFD_NOEXEC_SCOPE_NOEXEC_ENFORCED ||
		    (pid[i].memfd_noexec && !(pid[i].flags & CKPT_NS_PID_INIT)) ||
		    (pid[i].flags & CKPT_NS_PID_GROUP && !is_group) ||
		    !restart_task_by_pid(r, pid[i].pid) != is_group)
			return ckpt_err(r->ckpt, -EINVAL,
					"pid %d, of a pid namespace, is not in the image",
					pid[i].pid);
	}
	return 0;
}

/**
 * restart_group_numbers - what numbers the id of a group without leader has
 * @ctx:	the restart
 * @nr:		the id, as its members have it in the image
 *
 * Return: its numbers in the pid namespaces of the tree, or NULL: it is in none.
 */
const struct ckpt_ns_pid *restart_group_numbers(struct ckpt_ctx *ctx, pid_t nr)
{
	const struct ckpt_namespaces *ns = ctx->restart->namespaces;
	const struct ckpt_ns_pid *pid = (const struct ckpt_ns_pid *)(ns + 1);
	u32 i;

	for (i = 0; ns && i < ns->nr_pids; i++)
		if (pid[i].flags & CKPT_NS_PID_GROUP && pid[i].pid == nr)
			return &pid[i];
	return NULL;
}

static int check_cgroups(struct restart_ctx *r, const struct ckpt_cgroups *c, u32 len)
{
	const struct ckpt_cgroup_member *m = (const struct ckpt_cgroup_member *)(c + 1);
	u32 i;

	if (c->nr_members > r->nr_tasks ||
	    len != sizeof(*c) + (u64)c->nr_members * sizeof(*m) + c->text_len)
		return ckpt_err(r->ckpt, -EINVAL, "control groups that contradict themselves");
	for (i = 0; i < c->nr_members; i++)
		if (m[i].line >= c->text_len || !restart_task_by_pid(r, m[i].pid))
			return ckpt_err(r->ckpt, -EINVAL,
					"pid %d, of a control group, is not in the image",
					m[i].pid);
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

/* A record that is kept for the tool, as it is. */
static int keep_record(struct restart_ctx *r, const struct ckpt_rec *rec, size_t min,
		       void **payload, u32 *len)
{
	void *p;

	if (*payload)
		return ckpt_err(r->ckpt, -EINVAL, "namespaces stand twice in the image");
	p = ckpt_read_payload(r->ckpt, &r->ckpt->img, rec, min, CKPT_MAX_RECORD_BYTES);
	if (IS_ERR(p))
		return PTR_ERR(p);
	*payload = p;
	*len = rec->len;
	return 0;
}

/* Of some tasks: there may be several. */
static int keep_inner(struct restart_ctx *r, const struct ckpt_rec *rec, size_t min,
		      struct kept_records *kept)
{
	struct kept_record *all, *one;

	if (kept->nr == CHECKPOINT_MAX_NETWORKS)
		return ckpt_err(r->ckpt, -EINVAL, "more than %u namespaces of one kind",
				CHECKPOINT_MAX_NETWORKS);
	all = krealloc_array(kept->at, kept->nr + 1, sizeof(*all), GFP_KERNEL_ACCOUNT);
	if (!all)
		return -ENOMEM;
	kept->at = all;
	one = &all[kept->nr];
	*one = (struct kept_record) { .objref = rec->objref };
	kept->nr++;
	return keep_record(r, rec, min, &one->record, &one->len);
}

/* What else the tool that makes the tree has to know. */
static int read_namespaces(struct restart_ctx *r)
{
	struct ckpt_ctx *ctx = r->ckpt;
	struct ckpt_rec rec;
	int ret;

	for (;;) {
		ret = ckpt_read_rec(ctx, &ctx->img, &rec);
		if (ret)
			return ret;
		switch (rec.type) {
		case CKPT_REC_TIME:
			ret = read_time(r, &rec);
			break;
		case CKPT_REC_MOUNTS:
			ret = keep_record(r, &rec, 1, &r->mounts, &r->mounts_len);
			break;
		case CKPT_REC_INNER_MOUNTS:
			ret = keep_inner(r, &rec, sizeof(struct ckpt_inner_mounts) + 1,
					 &r->inner_mnts);
			break;
		case CKPT_REC_NETWORK:
			ret = rec.objref ? keep_inner(r, &rec, sizeof(struct ckpt_network),
						      &r->inner_nets) :
			      keep_record(r, &rec, sizeof(struct ckpt_network), &r->network,
					  &r->network_len);
			break;
		case CKPT_REC_CGROUPS:
			ret = keep_record(r, &rec, sizeof(struct ckpt_cgroups), &r->cgroups,
					  &r->cgroups_len) ?:
			      check_cgroups(r, r->cgroups, r->cgroups_len);
			break;
		case CKPT_REC_USER_NS:
			ret = keep_record(r, &rec, sizeof(struct ckpt_user_ns), &r->user_ns,
					  &r->user_ns_len);
			break;
		case CKPT_REC_NAMESPACES:
			ret = keep_record(r, &rec, sizeof(struct ckpt_namespaces), &r->namespaces,
					  &r->namespaces_len) ?:
			      check_namespaces(r, r->namespaces, r->namespaces_len);
			break;
		default:
			ctx->ahead = rec;
			return 0;
		}
		if (ret)
			return ret;
	}
}

/**
 * restart_read_head - read header, tasks and namespaces
 * @r:		the restart; what was read stands in it
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restart_read_head(struct restart_ctx *r)
{
	int ret = read_header(r->ckpt, &r->ckpt->img, &r->ckpt->header);

	if (!ret)
		ret = read_tasks(r);
	return ret ?: read_namespaces(r);
}

/* The end of the image, or of a parent: is everything there, and undamaged? */
int ckpt_read_trailer(struct ckpt_ctx *ctx, struct ckpt_stream *s,
		      const struct ckpt_rec *rec)
{
	u64 bytes = s->offset + sizeof(struct ckpt_trailer);
	u32 crc = s->rec_crc;
	struct ckpt_trailer t;
	int ret;

	/* Its own head is in no checksum. */
	if (rec->len != sizeof(t))
		return ckpt_err(ctx, -EINVAL, "the trailer has %llu bytes", rec->len);
	if (rec->objref)
		return ckpt_err(ctx, -EINVAL, "the trailer is of object %u", rec->objref);
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
#ifdef CONFIG_CGROUPS
	[CKPT_REC_PRESSURE]	= restore_pressure_rec,
#endif
	[CKPT_REC_CONTENTS]	= restore_contents_rec,
	[CKPT_REC_XATTR]	= restore_xattr_rec,
	[CKPT_REC_MM]		= restore_mm_rec,
	[CKPT_REC_PAGES]	= restore_pages_rec,
	[CKPT_REC_COW]		= restore_cow_rec,
	[CKPT_REC_SHMEM_TRACK]	= restore_shmem_track_rec,
#ifdef CONFIG_MODIFY_LDT_SYSCALL
	[CKPT_REC_LDT]		= restore_ldt_rec,
#endif
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
#ifdef CONFIG_HUGETLBFS
	[CKPT_REC_HUGETLB]	= restore_hugetlb_rec,
#endif
	[CKPT_REC_ACCOUNT]	= restore_account_rec,
	[CKPT_REC_SCHED]	= restore_sched_rec,
	[CKPT_REC_DEADLINE]	= restore_deadline_rec,
	[CKPT_REC_DISPATCH]	= restore_dispatch_rec,
	[CKPT_REC_UNSHARED]	= restore_unshared_rec,
	[CKPT_REC_USAGE]	= restore_usage_rec,
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
	[CKPT_REC_IPC_NS_END]	= restore_ipc_ns_end_rec,
	[CKPT_REC_CGROUP_NS]	= restore_cgroup_ns_rec,
	[CKPT_REC_SHM]		= restore_shm_rec,
	[CKPT_REC_SEM]		= restore_sem_rec,
	[CKPT_REC_MSG]		= restore_msg_rec,
#ifdef CONFIG_POSIX_MQUEUE
	[CKPT_REC_MQUEUE]	= restore_mqueue_rec,
	[CKPT_REC_MQUEUE_NOTIFY] = restore_mqueue_notify_rec,
#endif
	[CKPT_REC_SEM_UNDO]	= restore_sem_undo_rec,
	[CKPT_REC_PIDFD]	= restore_pidfd_rec,
	[CKPT_REC_SOCKET]	= restore_socket_rec,
	[CKPT_REC_SOCKET_FILTER] = restore_socket_filter_rec,
#ifdef CONFIG_IO_URING
	[CKPT_REC_IO_URING]	= restore_io_uring_rec,
#endif
#if IS_BUILTIN(CONFIG_PACKET)
	[CKPT_REC_PACKET_RING]	= restore_packet_ring_rec,
	[CKPT_REC_RING_DATA]	= restore_ring_data_rec,
#endif
#ifdef CONFIG_BPF_SYSCALL
	[CKPT_REC_BPF_MAP]	= restore_bpf_map_rec,
	[CKPT_REC_BPF_ELEMENTS]	= restore_bpf_elements_rec,
#endif
#if IS_BUILTIN(CONFIG_TUN)
	[CKPT_REC_TUN]		= restore_tun_rec,
#endif
	[CKPT_REC_SOCKET_DGRAM]	= restore_socket_dgram_rec,
	[CKPT_REC_SOCKET_REPORT] = restore_socket_report_rec,
	[CKPT_REC_SOCKET_PEER]	= restore_socket_peer_rec,
	[CKPT_REC_SOCKET_MSG]	= restore_socket_msg_rec,
	[CKPT_REC_PTY]		= restore_pty_rec,
	[CKPT_REC_PTY_STATE]	= restore_pty_state_rec,
	[CKPT_REC_TCP]		= restore_tcp_rec,
	[CKPT_REC_TCP_DATA]	= restore_tcp_data_rec,
};

/* What can be made, or kept, before there are any tasks; a file may ask for them itself. */
static bool needs_tasks(u32 type)
{
	switch (type) {
	case CKPT_REC_FILE:
	case CKPT_REC_MM:
	case CKPT_REC_PAGES:
	case CKPT_REC_COW:
	case CKPT_REC_FILES:
	case CKPT_REC_FS:
	case CKPT_REC_SIGHAND:
	case CKPT_REC_CRED:
	case CKPT_REC_PROCESS:
	case CKPT_REC_ACCOUNT:
	case CKPT_REC_THREAD:
	case CKPT_REC_SCHED:
	case CKPT_REC_CPU:
	case CKPT_REC_FPU:
		return false;
	}
	return true;
}

/* The first one was read when the context was made. */
static int next_record(struct ckpt_ctx *ctx, struct ckpt_rec *rec)
{
	if (!ctx->ahead.type)
		return ckpt_read_rec(ctx, &ctx->img, rec);
	*rec = ctx->ahead;
	ctx->ahead.type = 0;
	return 0;
}

/**
 * restart_read_records - make what the image speaks of, all but its head
 * @ctx:	the restart
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restart_read_records(struct ckpt_ctx *ctx)
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
		ret = needs_tasks(rec.type) ? restart_await_tasks(ctx) : 0;
		if (!ret)
			ret = restore_fns[rec.type](ctx, &rec);
		if (ret)
			return ckpt_err(ctx, ret, "cannot restore a record of type %u (error %d)",
					rec.type, ret);
		cond_resched();
	}
}

/**
 * restart_read_parents - take the pages that the image leaves to its parents
 * @r:		the restart
 *
 * Newest parent first.
 *
 * Return: 0 or a negative error, which has been logged.
 */
int restart_read_parents(struct restart_ctx *r)
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
