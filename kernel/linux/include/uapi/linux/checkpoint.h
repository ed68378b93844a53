/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* checkpoint(2) and restart(2). The image that they write and read: checkpoint_image.h. */
#ifndef _UAPI_LINUX_CHECKPOINT_H
#define _UAPI_LINUX_CHECKPOINT_H

#include <linux/checkpoint_image.h>
#include <linux/ioctl.h>
#include <linux/types.h>

/* System call numbers: well above upstream's. */
#define __NR_checkpoint_x86_64	600
#define __NR_restart_x86_64	601

/*
 * checkpoint(struct checkpoint_args *, size_t): write the process tree under
 * @pid to @image_fd. Returns 0, or a negative error; the reason, with the
 * object it speaks of, goes to @log_fd as text, one line each.
 *
 * With CHECKPOINT_HOLD it returns a file descriptor, and the tree stays at rest
 * until that is closed; or until CKPT_HELD_KILL kills it.
 */
#define CHECKPOINT_PIDFD	(1ULL << 0)	/* @pid is a pidfd */
#define CHECKPOINT_KILL		(1ULL << 1)	/* kill the tree when the image is complete */
#define CHECKPOINT_DRYRUN	(1ULL << 2)	/* write nothing; log every obstacle */
#define CHECKPOINT_NOTRACK	(1ULL << 3)	/* do not start tracking for a later increment */
#define CHECKPOINT_LIVE		(1ULL << 4)	/* let the tree go before its memory is written */
#define CHECKPOINT_AUDIT	(1ULL << 5)	/* hash all pages, to check the tracker */
/* Unlinked files: without either, they are given a name by which a restart finds them. */
#define CHECKPOINT_UNLINKED_COPY (1ULL << 8)	/* put their contents into the image */
#define CHECKPOINT_UNLINKED_AUTO (1ULL << 9)	/* only of those that cannot be named */
/*
 * Nothing else is done: CKPT_RELINK_DIR in the directory relink_fds[0] is made,
 * if need be, and opened, and its descriptor returned; or it is removed, if it
 * is empty. Unlike by mkdir(2), open(2) and rmdir(2), no watch sees it.
 */
#define CHECKPOINT_RELINK_DIR	(1ULL << 10)
#define CHECKPOINT_RELINK_RMDIR	(1ULL << 11)
#define CHECKPOINT_HOLD		(1ULL << 12)	/* the tree stays at rest */
/*
 * Fail with EXDEV, and without a word in the log, when a file without a name is met
 * for whose filesystem there is no directory: the caller finds some, and tries again.
 */
#define CHECKPOINT_RELINK_ASK	(1ULL << 13)
/*
 * The tree has its own namespace of this kind, which the caller has entered: it is
 * written with what it holds, and nobody outside the tree may live in it.
 */
#define CHECKPOINT_OWN_UTS	(1ULL << 16)
#define CHECKPOINT_OWN_IPC	(1ULL << 17)
#define CHECKPOINT_OWN_MNT	(1ULL << 18)
#define CHECKPOINT_OWN_TIME	(1ULL << 19)
#define CHECKPOINT_OWN_NET	(1ULL << 20)
#define CHECKPOINT_OWN_CGROUP	(1ULL << 21)
#define CHECKPOINT_FLAGS_ALL	0x3f3f3fULL

#define CKPT_HELD_KILL		_IO(0xcb, 1)

#define CKPT_RELINK_DIR		".crlab-relink"

/* What tells which pages an increment holds. */
enum ckpt_tracker {
	CKPT_TRACKER_DEFAULT	= 0,	/* the one that runs; if none does, the best */
	CKPT_TRACKER_SOFT_DIRTY	= 1,	/* mainline's bit, shared with /proc */
	CKPT_TRACKER_WP		= 2,	/* write protection of its own */
	CKPT_TRACKER_SCAN	= 3,	/* the CPU's dirty bits */
	CKPT_TRACKER_HASH	= 4,	/* content hashes: tracks nothing, compares */
};

struct checkpoint_args {
	__aligned_u64 flags;
	__s32 pid;
	__s32 image_fd;			/* -1 with CHECKPOINT_DRYRUN */
	__s32 log_fd;			/* -1: no log */
	__u32 nr_relink_fds;		/* directories for unlinked files, */
	__aligned_u64 relink_fds;	/* const __s32 *: one per filesystem */
	__aligned_u64 parent_id;	/* const __u8[16]: increment over this image */
	__aligned_u64 stats;		/* struct checkpoint_stats *, or 0 */
	__u32 tracker;			/* enum ckpt_tracker, from now on */
	__u32 stats_size;		/* of *@stats; 0: CHECKPOINT_STATS_SIZE_VER0 */
	__aligned_u64 mounts;		/* const char *: kept in the image as MOUNTS */
	__u32 mounts_len;
	__u32 nr_mounts;
	__aligned_u64 network;		/* const void *: kept in the image as NETWORK */
	__u32 network_len;
	__s32 network_fd;		/* CHECKPOINT_OWN_NET: of rtnetlink; if it has heard of */
					/* a change, nothing is written: ESTALE */
	__aligned_u64 cgroups;		/* const char *: kept in the image, in CGROUPS; if a task */
	__u32 cgroups_len;		/* is in a group of which it says nothing: ESTALE */
	__u32 nr_networks;
	__aligned_u64 networks;		/* const struct checkpoint_network *; if a task lives in */
					/* another one than these and the root: ESTALE */
	__aligned_u64 inner_mounts;	/* const struct checkpoint_mounts *: @nr_mounts; likewise */
};

/* A network namespace in which only some tasks of the tree live. */
struct checkpoint_network {
	__aligned_u64 network;		/* const void *: kept in the image as NETWORK */
	__u32 network_len;
	__s32 network_fd;		/* of rtnetlink, from there; as that of the root's */
};

#define CHECKPOINT_MAX_NETWORKS	256

/* A mount namespace in which only some tasks of the tree live. */
struct checkpoint_mounts {
	__aligned_u64 mounts;		/* const char *: kept in the image as INNER_MOUNTS */
	__u32 mounts_len;
	__s32 ns_fd;			/* of it, as in /proc/PID/ns/mnt */
	__u32 base;			/* as in INNER_MOUNTS */
	__u32 reserved;			/* 0 */
};

#define CHECKPOINT_MAX_MOUNTS	256

#define CHECKPOINT_ARGS_SIZE_VER0	48
#define CHECKPOINT_ARGS_SIZE_VER1	56
#define CHECKPOINT_ARGS_SIZE_VER2	72	/* mounts */
#define CHECKPOINT_ARGS_SIZE_VER3	88	/* network */
#define CHECKPOINT_ARGS_SIZE_VER4	104	/* cgroups */
#define CHECKPOINT_ARGS_SIZE_VER5	112	/* networks */
#define CHECKPOINT_ARGS_SIZE_VER6	120	/* inner_mounts */

struct checkpoint_stats {
	__u8 image_id[CKPT_ID_BYTES];
	__aligned_u64 bytes;		/* of the image */
	__aligned_u64 tasks;		/* threads, zombies included */
	__aligned_u64 pages;		/* with payload in the image */
	__aligned_u64 zero_pages;	/* present, all zero: no payload */
	__aligned_u64 parent_pages;	/* unchanged since the parent: no payload */
	__aligned_u64 relinked;		/* unlinked files given a name */
	__aligned_u64 copied;		/* unlinked files whose contents are in the image */
	__aligned_u64 copied_bytes;	/* of them; a dry run counts both beforehand */
	__aligned_u64 obstacles;	/* counted by a dry run */
	__aligned_u64 frozen_ns;	/* from first task asked to stop to all let go, or held */
	__aligned_u64 total_ns;
	__u32 tracker;			/* enum ckpt_tracker: runs from now on, in the root */
	__u32 audited;			/* address spaces whose tracker was audited */
	__aligned_u64 tracker_faults;	/* that it has caused since the last checkpoint */
	__aligned_u64 tracker_walk_ns;	/* to read and reset it */
	__aligned_u64 tracker_bytes;	/* of memory that it holds */
	__aligned_u64 false_pages;	/* audit: written, but as in the parent */
	__aligned_u64 cow_pages;	/* shared with another process, which has the payload */
};

#define CHECKPOINT_STATS_SIZE_VER0	104
#define CHECKPOINT_STATS_SIZE_VER1	144
#define CHECKPOINT_STATS_SIZE_VER2	152

/*
 * restart(struct restart_args *, size_t). A restart goes through a context,
 * which is a file descriptor:
 *  CREATE	read HEADER and TASKS from image_fds[0]; returns the context.
 *		read(2) on it gives the struct ckpt_task_entry array.
 *  JOIN	called by every task of the rebuilt tree; returns as the restored
 *		task, or never: if the restart fails, the task is killed.
 *  RUN		restore, wait for all to join, let them go; returns 0 or an error.
 *		What is made before the first task has joined is charged to the caller.
 *  HELP	called by children of who made the context, if they like: address
 *		spaces are made by all who help; returns how many the caller has
 *		made, when RUN needs no more help.
 * Closing the context before RUN has succeeded kills all who joined.
 */
#define RESTART_CREATE		0
#define RESTART_JOIN		1
#define RESTART_RUN		2
#define RESTART_HELP		3

#define RESTART_KEEP_RELINKED	(1ULL << 0)	/* leave relinked names for another restart */
#define RESTART_CHECK_TYPE	(1ULL << 1)	/* take files by name and type alone */
#define RESTART_CHECK_CONTENTS	(1ULL << 2)	/* and want size and mtime as they were */
#define RESTART_LAZY		(1ULL << 3)	/* private memory comes when it is touched */
#define RESTART_COPY_DIR	(1ULL << 8)	/* make copied files in copy_dir_fd */
#define RESTART_FLAGS_ALL	0x10fULL

struct restart_args {
	__aligned_u64 flags;		/* CREATE only */
	__u32 op;
	__s32 ctx_fd;			/* JOIN, RUN, HELP */
	__aligned_u64 image_fds;	/* CREATE: const __s32 *: image, its parent, ... */
	__u32 nr_image_fds;
	__s32 log_fd;			/* CREATE: -1: no log */
	__aligned_u64 stats;		/* RUN: struct restart_stats *, or 0 */
	__s32 copy_dir_fd;		/* CREATE, with RESTART_COPY_DIR */
	__u32 reserved;			/* 0 */
};

/*
 * On the context: the NAMESPACES record and the MOUNTS record, by which user space
 * makes the tasks. @len: room, then what there is.
 */
struct restart_namespaces_args {
	__aligned_u64 namespaces;	/* void * */
	__aligned_u64 mounts;		/* char * */
	__u32 namespaces_len;
	__u32 mounts_len;
};

#define CKPT_RESTART_NAMESPACES	_IOWR(0xcb, 2, struct restart_namespaces_args)

/* Another record that is for user space, likewise: NETWORK, USER_NS or CGROUPS. */
struct restart_record_args {
	__aligned_u64 record;		/* void * */
	__u32 len;
	__u32 type;			/* enum ckpt_rec_type */
};

#define CKPT_RESTART_RECORD	_IOWR(0xcb, 4, struct restart_record_args)

/* By who made the context, @arg is a descriptor: this is the tree's own user namespace. */
#define CKPT_RESTART_USER_NS	_IO(0xcb, 5)
/* By the first process of a pid namespace, after that: it belongs to the user namespace. */
#define CKPT_RESTART_GIVE_PID_NS	_IO(0xcb, 6)
/* Wait until all tasks have joined. */
#define CKPT_RESTART_JOINED	_IO(0xcb, 7)
/* By who was to make tasks, and cannot: RUN, which may have begun, fails with ECANCELED. */
#define CKPT_RESTART_GIVE_UP	_IO(0xcb, 12)

/* Likewise: of those NETWORKs that are not the root's, the one at @index. */
struct restart_kept_args {
	__aligned_u64 record;		/* void * */
	__u32 len;
	__u32 index;
};

#define CKPT_RESTART_NETWORK	_IOWR(0xcb, 8, struct restart_kept_args)
/*
 * By who made the context: @arg is a descriptor of the namespace of the first of those,
 * then of the next one.
 */
#define CKPT_RESTART_NETWORK_NS	_IO(0xcb, 9)

/* The same of INNER_MOUNTS. */
#define CKPT_RESTART_MOUNTS	_IOWR(0xcb, 10, struct restart_kept_args)
#define CKPT_RESTART_MOUNTS_NS	_IO(0xcb, 11)

#define RESTART_ARGS_SIZE_VER0	40
#define RESTART_ARGS_SIZE_VER1	48	/* copy_dir_fd */

struct restart_stats {
	__u8 image_id[CKPT_ID_BYTES];
	__aligned_u64 bytes;		/* read, all images of the chain */
	__aligned_u64 tasks;
	__aligned_u64 pages;		/* of payload read, all images of the chain */
	__aligned_u64 total_ns;		/* RUN, from call to all let go */
};

#endif /* _UAPI_LINUX_CHECKPOINT_H */
