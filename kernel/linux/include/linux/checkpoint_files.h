/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint/restart: files, names, terminals, and what only a descriptor leads to.
 */
#ifndef _LINUX_CHECKPOINT_FILES_H
#define _LINUX_CHECKPOINT_FILES_H

#include <linux/checkpoint_internal.h>

/* fs/checkpoint.c */
struct files_struct;
struct tty_struct;

/* Flags of an open file that an image holds. O_EXCL: of a block device, or an O_TMPFILE. */
#define CKPT_OPEN_FLAGS	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECT | O_SYNC |	\
			 O_NOATIME | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW |		\
			 O_PATH | O_EXCL | FASYNC | __O_TMPFILE)

int ckpt_file_describe(struct ckpt_ctx *ctx, struct file *file,
		       enum ckpt_file_kind kind, struct ckpt_file *rec);
u32 ckpt_file_objref(struct ckpt_ctx *ctx, struct file *file);
int ckpt_file_write(struct ckpt_ctx *ctx, u32 objref, const struct ckpt_file *rec,
		    const char *path, const char *path2);
int ckpt_file_write_named(struct ckpt_ctx *ctx, struct file *file,
			  struct ckpt_file *rec, const char *what);
int checkpoint_file(struct ckpt_ctx *ctx, struct file *file, u32 *objref);
int checkpoint_path(struct ckpt_ctx *ctx, const struct path *path, u32 *objref);

/* fs/restore.c */
int restore_file_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_files_state(struct ckpt_ctx *ctx);
void restore_files_done(struct ckpt_ctx *ctx);
void restore_files_free(struct ckpt_ctx *ctx);

/* fs/namei.c */
struct file *path_open_quiet(const struct path *path, int flags, const struct cred *cred);

/* fs/namespace.c */
struct vfsmount *mnt_next_of_sb(const struct super_block *sb, u64 *id);

/* fs/ckpt_names.c */
char *ckpt_d_path(const struct path *path, char *buf);
char *ckpt_dir_name(const struct path *dir, char *buf);
void ckpt_name_for_messages(struct ckpt_ctx *ctx, const struct path *path);
int ckpt_find_name_below(struct ckpt_ctx *ctx, const struct path *path, const char *what,
			 const char **name, char *buf, const char **below);
int ckpt_look_up(const char *name, const struct path *path);
int ckpt_find_other_name(struct ckpt_ctx *ctx, const struct path *path, const char **name);
bool ckpt_find_hidden(struct ckpt_ctx *ctx, const struct path *path, char *buf,
		      const char **name, const char **below);
int restore_find_hidden(struct ckpt_ctx *ctx, const char *name, const char *below,
			struct path *path);
bool ckpt_is_dead_proc(const struct file *file);
bool ckpt_is_outside_proc(struct ckpt_ctx *ctx, const struct file *file);
int checkpoint_dead_proc(struct ckpt_ctx *ctx, struct file *file, struct ckpt_file *rec);
struct file *restore_dead_proc(struct ckpt_ctx *ctx, const struct ckpt_file *f,
			       const char *name, const char *in);
struct file *restore_open_path(struct ckpt_ctx *ctx, const struct ckpt_file *f,
			       const struct path *path);
int ckpt_find_name(struct ckpt_ctx *ctx, const struct path *path, const char *what,
		   const char **name);

/* fs/ckpt_identity.c */
bool ckpt_is_made_up(const struct super_block *sb);
int ckpt_describe_inode(struct ckpt_ctx *ctx, const struct path *path,
			struct ckpt_file *rec);
int ckpt_check_inode(struct ckpt_ctx *ctx, const struct ckpt_file *f,
		     const struct path *path);

/* fs/ckpt_fdtable.c */
int restore_find_fdinfo(struct ckpt_ctx *ctx, const char *name, struct path *path);
struct files_struct *ckpt_get_files(struct task_struct *t);
struct file *ckpt_next_file(struct files_struct *files, unsigned int *fd,
			    bool *cloexec);
bool ckpt_has_own_files(struct ckpt_ctx *ctx, unsigned int i);
int checkpoint_files(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref);
int restore_own_files(struct task_struct *t);
int restore_files(struct restart_task *rt);

/* fs/ckpt_dirs.c */
int checkpoint_fs(struct ckpt_ctx *ctx, struct task_struct *t, u32 *objref);
int restore_own_fs(struct task_struct *t);
int restore_fs(struct restart_task *rt);

/* fs/ckpt_locks.c */

/* Locks in the making. */
struct ckpt_lock_list {
	struct ckpt_lock *at;
	unsigned int nr;
	unsigned int max;
};

int checkpoint_file_locks(struct ckpt_ctx *ctx, struct file *file, u32 objref);
int ckpt_collect_posix_locks(struct ckpt_ctx *ctx, struct ckpt_lock_list *list,
			     struct files_struct *files, struct file *file, u32 objref);
int ckpt_write_locks(struct ckpt_ctx *ctx, struct ckpt_lock_list *list, u32 objref);
int restore_locks_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_locks(struct ckpt_ctx *ctx);
void ckpt_locks_free(struct ckpt_ctx *ctx);

/* fs/ckpt_holders.c */
int ckpt_remember_held(struct ckpt_ctx *ctx, struct file *file, const char *what);
int ckpt_check_holders(struct ckpt_ctx *ctx);

/* kernel/bpf/syscall.c */
int restore_bpf_map_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_bpf_elements_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* fs/ckpt_anon.c */

/**
 * struct ckpt_anon - what only a descriptor leads to, and is made before its FILE
 * @file:	its file
 * @kind:	enum ckpt_file_kind
 * @taken:	its FILE has been read
 * @data:	of its kind, for kvfree()
 * @nr:		elements of @data
 */
struct ckpt_anon {
	struct file *file;
	u32 kind;
	bool taken;
	void *data;
	unsigned int nr;
};

/* When what comes after all processes is written. */
enum ckpt_stage {
	CKPT_STAGE_DISCOVER,	/* may lead to more files */
	CKPT_STAGE_CONNECT,
	CKPT_STAGE_FILL,
	CKPT_STAGES,
};

typedef int (*ckpt_later_fn)(struct ckpt_ctx *ctx, void *ptr, u32 objref);

int ckpt_anon_write(struct ckpt_ctx *ctx, struct file *file, enum ckpt_file_kind kind,
		    u32 objref);
int ckpt_write_later(struct ckpt_ctx *ctx, enum ckpt_stage stage, void *ptr, u32 objref,
		     ckpt_later_fn fn);
int ckpt_write_what_is_left(struct ckpt_ctx *ctx);
void ckpt_later_free(struct ckpt_ctx *ctx);
int ckpt_anon_add(struct ckpt_ctx *ctx, u32 objref, u32 kind, struct file *file);
struct ckpt_anon *ckpt_anon_ref(struct ckpt_ctx *ctx, u32 objref, u32 kind);
struct file *restore_anon_file(struct ckpt_ctx *ctx, const struct ckpt_file *f);
void ckpt_anon_put(void *anon);
struct pid *ckpt_dead_pid(struct pid_namespace *ns, pid_t nr);
struct pid *restore_pid_of_credentials(struct ckpt_ctx *ctx, pid_t nr);

/* fs/eventfd.c, fs/eventfd_checkpoint.c */
u64 eventfd_get_state(struct file *file, bool *semaphore);
struct file *eventfd_make(u64 count, bool semaphore);
int restore_eventfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* fs/signalfd.c */
u64 signalfd_get_mask(struct file *file);
struct file *signalfd_make(u64 mask);
bool is_signalfd(const struct file *file);
int restore_signalfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* fs/timerfd.c */
void timerfd_describe(struct file *file, struct ckpt_timerfd *rec);
struct file *timerfd_make(const struct ckpt_timerfd *rec);
int restore_timerfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* fs/eventpoll.c, fs/eventpoll_checkpoint.c */
struct eventpoll_item {
	struct file *file;
	int fd;
	u32 events;
	u64 data;
	unsigned int ready;
	wait_queue_head_t *whead;	/* where it waits, for comparison */
};

unsigned int eventpoll_describe(struct file *file, struct eventpoll_item *items,
				unsigned int max);
bool eventpoll_polls_busily(struct file *file);
struct file *eventpoll_make(void);
int eventpoll_add(struct file *file, const struct eventpoll_item *item);
void eventpoll_settle(struct file *file, const struct eventpoll_item *item);
bool is_eventpoll(struct file *file);
int restore_epoll_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_epoll_items_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_own_epoll_items(struct restart_task *rt);
void restore_epolls_settle(struct ckpt_ctx *ctx);

/* fs/pidfd_checkpoint.c */
int checkpoint_pidfd(struct ckpt_ctx *ctx, struct file *file);
int restore_pidfd_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);

/* fs/inner_mnt.c */
bool ckpt_is_bind_mounted(const struct dentry *dentry);
int ckpt_get_inner_mnts(struct ckpt_ctx *ctx, u64 from, u32 nr);
void ckpt_inner_mnts_free(struct ckpt_ctx *ctx);
bool ckpt_mnt_is_of_tree(struct ckpt_ctx *ctx, struct mnt_namespace *ns);
int ckpt_mnts_changed(struct ckpt_ctx *ctx);
int checkpoint_inner_mnts(struct ckpt_ctx *ctx);
int checkpoint_inner_tmpfs(struct ckpt_ctx *ctx);
int ckpt_go_to_mnt(struct ckpt_ctx *ctx, struct ckpt_inner_mnt *to);
struct ckpt_inner_mnt *ckpt_mnt_of(struct ckpt_ctx *ctx, const struct path *path);
struct ckpt_inner_mnt *ckpt_mnt_of_sb(struct ckpt_ctx *ctx, struct super_block *sb);
u32 ckpt_mnt_objref(struct ckpt_ctx *ctx);
int restore_use_mnt_ns(struct ckpt_ctx *ctx, int fd, u32 objref);
int restore_go_to_mnt(struct ckpt_ctx *ctx, u32 objref);
int restore_enter_mnt(struct nsproxy *to, struct ns_common *ns);

/* fs/pipe_checkpoint.c */
int ckpt_count_pipe_ends(struct ckpt_ctx *ctx);
int ckpt_check_pipe_ends(struct ckpt_ctx *ctx);
int restore_pipe_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
struct file *restore_pipe_file(struct ckpt_ctx *ctx, const struct ckpt_file *rec);
void ckpt_pipe_put(void *pipe);

/* fs/unlinked.c */
int checkpoint_unlinked(struct ckpt_ctx *ctx, struct file *file, struct ckpt_file *rec,
			const char *last_name);

int ckpt_find_parent(char *name, struct path *dir);
int ckpt_make_alias(const struct path *path, const char *last_name, struct path *alias);
void ckpt_use_alias(struct path *path, const char *last_name);

/* fs/contents.c */
int checkpoint_contents(struct ckpt_ctx *ctx, struct file *file, const struct ckpt_file *f,
			const char *last_name, u32 *objref);

/* fs/recreate.c */
int restore_contents_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_xattr_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_contents_pages(struct ckpt_ctx *ctx, void *contents,
			   const struct ckpt_extent *extents, unsigned int nr);
const struct path *restore_contents_path(struct ckpt_ctx *ctx, u32 objref);
void ckpt_contents_put(void *contents);

/* fs/ckpt_tmpfs.c */
int checkpoint_tmpfs(struct ckpt_ctx *ctx, const char *lines, u32 len);
bool ckpt_is_own_tmpfs(struct ckpt_ctx *ctx, struct super_block *sb);
void ckpt_tmpfs_grab(void *sb);
void ckpt_tmpfs_drop(void *sb);
int restore_tmpfs_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_tmpfs_inode_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_tmpfs_link_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_tmpfs_end_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_tmpfs_done(struct ckpt_ctx *ctx);
struct vfsmount *restore_tmpfs_mnt(struct ckpt_ctx *ctx, const struct super_block *sb);
void ckpt_tmpfs_put(void *tmpfs);

/* fs/relink.c */
bool ckpt_is_given_name(const char *name);
int ckpt_try_relink(struct ckpt_ctx *ctx, struct dentry *old, const char **path,
		    const char **why);
int checkpoint_relink(struct ckpt_ctx *ctx, struct dentry *old, const char **path);
int restore_relinked(struct ckpt_ctx *ctx, const struct path *path, bool linkable);
int restore_unlink(struct ckpt_ctx *ctx);
void ckpt_relink_rollback(struct ckpt_ctx *ctx);
void ckpt_relink_keep(struct ckpt_ctx *ctx);

/* fs/relink_dir.c */
int ckpt_relink_dir(int parent_fd, bool remove);

/* fs/overlayfs/ovl_name.c */
char *ovl_path_of_inode(struct inode *inode, char *buf);

/* fs/notify/notify_restore.c */
int restore_watch_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_event_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
struct file *restore_notify_file(struct ckpt_ctx *ctx, const struct ckpt_file *f);
void restore_notify_go(struct ckpt_ctx *ctx);
void ckpt_notify_put(void *notify);

/* fs/notify/inotify/inotify_checkpoint.c, fs/notify/fanotify/fanotify_checkpoint.c */
#ifdef CONFIG_INOTIFY_USER
int restore_inotify_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
#else
#define restore_inotify_rec	NULL
#endif
#ifdef CONFIG_FANOTIFY
int restore_fanotify_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
#else
#define restore_fanotify_rec	NULL
#endif

/* fs/restore.c */
struct file *path_open_given(const struct path *path, int flags, const struct cred *cred,
			     void *given);

/* drivers/tty/tty_checkpoint.c */
bool ckpt_is_tty(const char *path, dev_t dev);
int checkpoint_tty(struct ckpt_ctx *ctx, struct tty_struct *tty, u32 *objref);
int restore_tty(struct restart_task *rt);
void restore_tty_members(struct ckpt_ctx *ctx, struct restart_task *rt);

/* drivers/tty/tty_io.c */
void tty_file_hang_up(struct file *file);

/* drivers/tty/pty_checkpoint.c, drivers/tty/pty_restore.c */
bool ckpt_is_ptmx(const struct file *file);
int ckpt_find_masters(struct ckpt_ctx *ctx);
bool ckpt_pty_is_own(struct ckpt_ctx *ctx, struct tty_struct *tty);
int checkpoint_pty(struct ckpt_ctx *ctx, struct tty_struct *tty, u32 *objref);
int checkpoint_pty_file(struct ckpt_ctx *ctx, struct file *file, struct tty_struct *tty);
struct file *restored_pty_slave(struct ckpt_ctx *ctx, u32 objref);
int restore_pty_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
int restore_pty_state_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
struct file *restore_pty_file(struct ckpt_ctx *ctx, const struct ckpt_file *f, const char *name);
void restore_ptys_settle(struct ckpt_ctx *ctx);
void restored_pty_put(void *pty);

/* io_uring/io_uring_checkpoint.c */
#ifdef CONFIG_IO_URING
bool ckpt_is_io_uring(const struct file *file);
void ckpt_io_uring_settle(void);
int ckpt_io_uring_obstacle(struct ckpt_ctx *ctx, struct task_struct *t);
int restore_io_uring_rec(struct ckpt_ctx *ctx, const struct ckpt_rec *rec);
unsigned long restore_io_uring_map(struct file *file, unsigned long addr, unsigned long len,
				   unsigned long prot, unsigned long pgoff);
#else
static inline bool ckpt_is_io_uring(const struct file *file)
{
	return false;
}

static inline void ckpt_io_uring_settle(void)
{
}

static inline int ckpt_io_uring_obstacle(struct ckpt_ctx *ctx, struct task_struct *t)
{
	return 0;
}

static inline unsigned long restore_io_uring_map(struct file *file, unsigned long addr,
						 unsigned long len, unsigned long prot,
						 unsigned long pgoff)
{
	return -EINVAL;
}
#endif

/* fs/aio_checkpoint.c */
static inline bool ckpt_is_aio_mapping(const struct ckpt_vma *v)
{
	return !v->pkey && (v->flags & ~(CKPT_VMA_DONTFORK | CKPT_VMA_DONTDUMP)) ==
	       (CKPT_VMA_READ | CKPT_VMA_WRITE | CKPT_VMA_SHARED);
}

bool ckpt_is_aio_ring(const struct file *file);
unsigned int ckpt_nr_lost_aio(struct mm_struct *mm);
int checkpoint_aio(struct ckpt_ctx *ctx, struct mm_struct *mm, const struct ckpt_vma *v,
		   u32 objref);
int restore_aio(struct ckpt_ctx *ctx, const struct ckpt_vma *v, u32 objref);

#endif /* _LINUX_CHECKPOINT_FILES_H */
