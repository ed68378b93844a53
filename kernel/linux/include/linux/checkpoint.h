/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In-kernel checkpoint/restart: what the rest of the kernel sees of it.
 */
#ifndef _LINUX_CHECKPOINT_H
#define _LINUX_CHECKPOINT_H

#include <linux/ktime.h>
#include <linux/types.h>

struct ckpt_ctx;
struct file;
struct inode;
struct mm_struct;
struct sembuf;
struct timespec64;
struct sock;

#ifdef CONFIG_CHECKPOINT_SYSCALLS

/* Values for the ->checkpoint method of struct file_operations; the generic one is in fs.h. */
int pipe_file_checkpoint(struct ckpt_ctx *ctx, struct file *file);
int tty_file_checkpoint(struct ckpt_ctx *ctx, struct file *file);
int eventfd_file_checkpoint(struct ckpt_ctx *ctx, struct file *file);
int signalfd_file_checkpoint(struct ckpt_ctx *ctx, struct file *file);
int timerfd_file_checkpoint(struct ckpt_ctx *ctx, struct file *file);
int io_uring_file_checkpoint(struct ckpt_ctx *ctx, struct file *file);
int bpf_map_file_checkpoint(struct ckpt_ctx *ctx, struct file *file);
int kmsg_file_checkpoint(struct ckpt_ctx *ctx, struct file *file);
int eventpoll_file_checkpoint(struct ckpt_ctx *ctx, struct file *file);
int socket_file_checkpoint(struct ckpt_ctx *ctx, struct file *file);

/* net/ipv4/tcp_silence.c */
bool tcp_close_silently(struct sock *sk);
bool tcp_takes_place(const struct sock *sk, const struct sock *old);

/* Called from get_signal(), with siglock held; returns without it. */
void ckpt_trap(void);

/* Was a system call interrupted by a signal, or only by a checkpoint? */
bool ckpt_has_signal(void);
long ckpt_restart_semtimedop(int semid, struct sembuf __user *sops, unsigned int nsops,
			     const struct timespec64 *timeout, ktime_t start);

struct restart_block;
long ckpt_restart_call(long (*fn)(struct restart_block *rb), const void __user *a,
		       const void __user *b, u32 val, u32 flags, ktime_t until);
long ckpt_restart_epoll(struct restart_block *rb);
long ckpt_restart_sigtimedwait(struct restart_block *rb);

/* The tracker's state lives and dies with the mm. */
void ckpt_mm_free(struct mm_struct *mm);
void ckpt_track_lost(struct mm_struct *mm);
bool ckpt_mm_is_tracked(struct mm_struct *mm);
void ckpt_track_exec(struct mm_struct *mm, struct mm_struct *old);
void ckpt_shmem_forget(struct inode *inode);

#else

/* NULL, so that tables of file operations need no #ifdef. */
#define pipe_file_checkpoint	NULL
#define tty_file_checkpoint	NULL
#define eventfd_file_checkpoint	NULL
#define signalfd_file_checkpoint	NULL
#define timerfd_file_checkpoint	NULL
#define io_uring_file_checkpoint	NULL
#define bpf_map_file_checkpoint	NULL
#define kmsg_file_checkpoint	NULL
#define eventpoll_file_checkpoint	NULL
#define socket_file_checkpoint	NULL

static inline bool ckpt_has_signal(void) { return true; }

static inline long ckpt_restart_semtimedop(int semid, struct sembuf __user *sops,
					   unsigned int nsops, const struct timespec64 *timeout,
					   ktime_t start)
{
	return -EINTR;
}

struct restart_block;
#define ckpt_restart_epoll		NULL
#define ckpt_restart_sigtimedwait	NULL

static inline long ckpt_restart_call(long (*fn)(struct restart_block *rb), const void __user *a,
				     const void __user *b, u32 val, u32 flags, ktime_t until)
{
	return -EINTR;
}

static inline bool tcp_close_silently(struct sock *sk) { return false; }
static inline bool tcp_takes_place(const struct sock *sk, const struct sock *old) { return false; }
static inline void ckpt_mm_free(struct mm_struct *mm) { }
static inline void ckpt_track_lost(struct mm_struct *mm) { }
static inline bool ckpt_mm_is_tracked(struct mm_struct *mm) { return false; }
static inline void ckpt_track_exec(struct mm_struct *mm, struct mm_struct *old) { }
static inline void ckpt_shmem_forget(struct inode *inode) { }

#endif /* CONFIG_CHECKPOINT_SYSCALLS */
#endif /* _LINUX_CHECKPOINT_H */
