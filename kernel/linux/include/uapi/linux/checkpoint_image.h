/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The image that checkpoint(2) writes and restart(2) reads.
 *
 * This header is the only definition of the format. An image is a stream of
 * records that is written and read front to back, without seeking. All values
 * are little endian. Shared objects stand before their first user, which names
 * them by objref (a number from 1 up, unique in the image; 0 means "none").
 *
 *	HEADER TASKS NAMESPACES USER_NS MOUNTS INNER_MOUNTS NETWORK CGROUPS TIME UTS
 *	per tmpfs of the tree's own: TMPFS, its TMPFS_INODEs, each with XATTR and PAGES,
 *		     and TMPFS_LINKs, TMPFS_END
 *	IPC_NS SEM MSG MQUEUE
 *	of single tasks: UTS; IPC_NS SEM MSG MQUEUE SHM IPC_NS_END
 *	per process: its objects (FILE PRESSURE PIPE PTY LOCKS INOTIFY FANOTIFY WATCH EVENT SHMEM
 *		     CONTENTS EVENTFD SIGNALFD TIMERFD EPOLL MEMFD HUGETLB PIDFD IO_URING TUN
 *		     BPF_MAP BPF_ELEMENTS
 *		     SOCKET SOCKET_FILTER PACKET_RING RING_DATA
 *		     SOCKET_DGRAM SOCKET_REPORT SHM MM PKEYS VMA AIO LDT PAGES
 *		     FILES FS SIGHAND CRED SECCOMP), then PROCESS SEM_UNDO SIGQUEUE ACCOUNT
 *		     TIMERS,
 *		     and per thread THREAD UNSHARED DISPATCH CPU FPU SIGQUEUE SCHED DEADLINE
 *	per task: USAGE
 *	SHM that nobody has attached
 *	EPOLL_ITEMS SOCKET_PEER SOCKET_MSG TCP TCP_DATA PTY_STATE, with FILEs and SOCKETs
 *		     that only they name
 *	TRAILER
 */
#ifndef _UAPI_LINUX_CHECKPOINT_IMAGE_H
#define _UAPI_LINUX_CHECKPOINT_IMAGE_H

#include <linux/types.h>

#define CKPT_MAGIC		0x31474d4954504b43ULL	/* "CKPTIMG1" */
#define CKPT_VERSION		5
#define CKPT_ARCH_X86_64	1
#define CKPT_ID_BYTES		16

enum ckpt_rec_type {
	CKPT_REC_HEADER		= 1,
	CKPT_REC_TASKS		= 2,
	CKPT_REC_NAMESPACES	= 3,
	CKPT_REC_MOUNTS		= 4,
	CKPT_REC_TIME		= 5,
	CKPT_REC_TMPFS		= 6,	/* objref; its inodes follow */
	CKPT_REC_TMPFS_INODE	= 7,	/* objref; XATTRs follow, then PAGES */
	CKPT_REC_TMPFS_LINK	= 8,	/* objref of the TMPFS_INODE: another name of it */
	CKPT_REC_TMPFS_END	= 9,	/* objref of the TMPFS */
	CKPT_REC_NETWORK	= 10,	/* objref, unless it is the root's */
	CKPT_REC_USER_NS	= 11,
	CKPT_REC_CGROUPS	= 12,
	CKPT_REC_INNER_MOUNTS	= 13,	/* objref */
	CKPT_REC_FILE		= 16,	/* objref */
	CKPT_REC_PIPE		= 17,	/* objref */
	CKPT_REC_SHMEM		= 18,	/* objref; PAGES follow */
	CKPT_REC_INOTIFY	= 20,	/* objref; its WATCHes follow, then its EVENTs */
	CKPT_REC_FANOTIFY	= 21,	/* the same */
	CKPT_REC_WATCH		= 22,	/* @objref: the INOTIFY or FANOTIFY it is of */
	CKPT_REC_EVENT		= 23,	/* the same */
	CKPT_REC_LOCKS		= 24,	/* objref of their owner */
	CKPT_REC_PTY		= 25,	/* objref */
	CKPT_REC_PTY_STATE	= 26,	/* objref of the PTY; after all processes */
	CKPT_REC_PRESSURE	= 27,	/* objref of the FILE before it */
	CKPT_REC_CONTENTS	= 28,	/* objref; XATTRs follow, then PAGES */
	CKPT_REC_XATTR		= 29,	/* objref of the CONTENTS */
	CKPT_REC_MM		= 32,	/* objref; VMAs follow, then PAGES */
	CKPT_REC_VMA		= 33,
	CKPT_REC_PAGES		= 34,
	CKPT_REC_COW		= 35,	/* objref of the MM; before its PAGES */
	CKPT_REC_SHMEM_TRACK	= 36,	/* objref of the SHMEM or MEMFD; before its PAGES */
	CKPT_REC_PKEYS		= 37,	/* objref of the MM before it */
	CKPT_REC_AIO		= 38,	/* the same; behind the VMA of its ring */
	CKPT_REC_LDT		= 39,	/* objref of the MM: after its VMAs */
	CKPT_REC_FILES		= 48,	/* objref */
	CKPT_REC_FS		= 49,	/* objref */
	CKPT_REC_SIGHAND	= 50,	/* objref */
	CKPT_REC_CRED		= 51,	/* objref */
	CKPT_REC_SECCOMP	= 52,	/* objref */
	CKPT_REC_PROCESS	= 64,
	CKPT_REC_SIGQUEUE	= 65,
	CKPT_REC_THREAD		= 66,
	CKPT_REC_CPU		= 67,
	CKPT_REC_FPU		= 68,
	CKPT_REC_ACCOUNT	= 69,
	CKPT_REC_TIMERS		= 70,
	CKPT_REC_SCHED		= 71,
	CKPT_REC_DEADLINE	= 72,	/* of the SCHED before it */
	CKPT_REC_DISPATCH	= 73,	/* of the THREAD before it */
	CKPT_REC_UNSHARED	= 74,	/* of the THREAD before it */
	CKPT_REC_USAGE		= 75,	/* after all processes */
	CKPT_REC_EVENTFD	= 80,	/* objref */
	CKPT_REC_SIGNALFD	= 81,	/* objref */
	CKPT_REC_TIMERFD	= 82,	/* objref */
	CKPT_REC_EPOLL		= 83,	/* objref */
	CKPT_REC_EPOLL_ITEMS	= 84,	/* objref of the EPOLL; after all processes */
	CKPT_REC_MEMFD		= 85,	/* objref; PAGES follow */
	CKPT_REC_PIDFD		= 86,	/* objref */
	CKPT_REC_IO_URING	= 79,	/* objref */
	CKPT_REC_HUGETLB	= 87,	/* objref; PAGES follow */
	CKPT_REC_SOCKET		= 88,	/* objref */
	CKPT_REC_SOCKET_PEER	= 89,	/* objref of the SOCKET; after all processes */
	CKPT_REC_SOCKET_MSG	= 90,	/* the same */
	CKPT_REC_TCP		= 91,	/* the same; its TCP_DATA follow */
	CKPT_REC_TCP_DATA	= 92,	/* the same */
	CKPT_REC_SOCKET_FILTER	= 93,	/* objref of the SOCKET before it */
	CKPT_REC_SOCKET_DGRAM	= 94,	/* the same */
	CKPT_REC_SOCKET_REPORT	= 95,	/* the same */
	CKPT_REC_UTS		= 104,
	CKPT_REC_IPC_NS		= 105,
	CKPT_REC_IPC_NS_END	= 106,	/* objref of the IPC_NS */
	CKPT_REC_CGROUP_NS	= 107,	/* objref */
	CKPT_REC_PACKET_RING	= 108,	/* objref of the SOCKET before it; its RING_DATA follow */
	CKPT_REC_RING_DATA	= 109,	/* the same */
	CKPT_REC_TUN		= 110,	/* objref */
	CKPT_REC_BPF_MAP	= 111,	/* objref; its BPF_ELEMENTS follow */
	CKPT_REC_BPF_ELEMENTS	= 112,	/* the same */
	CKPT_REC_SHM		= 96,	/* objref; PAGES follow */
	CKPT_REC_SEM		= 97,
	CKPT_REC_MSG		= 98,
	CKPT_REC_SEM_UNDO	= 99,	/* of the PROCESS before it */
	CKPT_REC_MQUEUE		= 100,	/* objref */
	CKPT_REC_MQUEUE_NOTIFY	= 101,	/* the same; after all processes */
	CKPT_REC_TRAILER	= 255,
};

/* Each record: this, then @len bytes of payload (structure, then its tail). */
struct ckpt_rec {
	__u32 type;
	__u32 objref;		/* of the object it defines or belongs to, or 0 */
	__aligned_u64 len;
};

#define CKPT_RELEASE_BYTES	64

struct ckpt_header {
	__aligned_u64 magic;
	__u32 version;
	__u32 arch;
	__u32 page_size;
	__u32 nr_tasks;
	__u8 image_id[CKPT_ID_BYTES];
	__u8 parent_id[CKPT_ID_BYTES];	/* all zero: a full checkpoint */
	__aligned_u64 realtime_ns;	/* when it was taken */
	__aligned_u64 boottime_ns;
	__aligned_u64 features;		/* CPU state components (XCR0) */
	char release[CKPT_RELEASE_BYTES];
};

#define CKPT_TASK_LEADER	(1U << 0)	/* pid == tgid */
#define CKPT_TASK_ZOMBIE	(1U << 1)
/* Its group, or session, has lost its leader, and no member is outside the tree. */
#define CKPT_TASK_OWN_GROUP	(1U << 2)
#define CKPT_TASK_OWN_SESSION	(1U << 3)
/* The first thread of a process has ended, others of it have not. */
#define CKPT_TASK_DEAD_LEADER	(1U << 4)
/* Shares signal handlers with its parent: CLONE_SIGHAND, and not CLONE_THREAD. */
#define CKPT_TASK_SIGHAND	(1U << 5)
#define CKPT_TASK_FLAGS_ALL	0x3fU

/* TASKS: an array of these; a process's leader before its threads, parents before children. */
struct ckpt_task_entry {
	__s32 pid;
	__s32 tgid;
	__s32 ppid;		/* tgid of the parent; 0: the root of the tree */
	__s32 pgid;
	__s32 sid;
	__u32 flags;
	__s32 exit_code;	/* of a zombie, as wait(2) reports it */
	__s32 exit_signal;	/* sent to the parent at exit */
};

#define CKPT_NS_UTS		(1U << 0)
#define CKPT_NS_IPC		(1U << 1)
#define CKPT_NS_MNT		(1U << 2)
#define CKPT_NS_TIME		(1U << 3)
#define CKPT_NS_NET		(1U << 4)
#define CKPT_NS_USER		(1U << 5)	/* USER_NS follows */
#define CKPT_NS_CGROUP		(1U << 6)
#define CKPT_NS_ALL		0x7fU

/* NAMESPACES: which are the tree's own. Tail: @nr_pids of struct ckpt_ns_pid. */
struct ckpt_namespaces {
	__u32 flags;		/* CKPT_NS_* */
	__u32 nr_pids;
};

#define CKPT_NS_PID_INIT	(1U << 0)	/* the first process of its pid namespace */
#define CKPT_NS_PID_UNSHARED	(1U << 1)	/* its children live in another: unshare(2) */
#define CKPT_NS_PID_USER	(1U << 2)	/* INIT: of the own user namespace */
#define CKPT_NS_PID_GROUP	(1U << 3)	/* the id of a group or session without leader */
#define CKPT_NS_PID_ALL		0xfU
#define CKPT_PID_LEVELS		4

/* A task, or an id, that is in a pid namespace of the tree; or a task whose children are. */
struct ckpt_ns_pid {
	__s32 pid;			/* as in TASKS; GROUP: as its members have it there */
	__u32 flags;			/* CKPT_NS_PID_* */
	__s32 nr[CKPT_PID_LEVELS];	/* pids in the namespaces below, outermost first; 0: none */
	__s32 last;			/* INIT: the pid that was given last in its namespace */
	__u32 memfd_noexec;		/* INIT: vm.memfd_noexec there; else 0 */
};

/* TIME: what the clocks of the tree said; by it user space makes a time namespace. */
struct ckpt_time {
	__aligned_u64 monotonic_ns;
	__aligned_u64 boottime_ns;
};

#define CKPT_RESTART_TIME	_IOR(0xcb, 3, struct ckpt_time)

#define CKPT_USER_NS_SETGROUPS	(1U << 0)	/* setgroups(2) is allowed in it */
#define CKPT_USER_NS_OWNS	(1U << 1)	/* the tree's other namespaces belong to it */
#define CKPT_USER_NS_FLAGS_ALL	0x3U

/*
 * USER_NS: the tree's own user namespace, directly below that of the caller, whose ids
 * the image speaks of everywhere. Tail: @nr_uids and @nr_gids of struct ckpt_id_extent.
 */
struct ckpt_user_ns {
	__u32 owner, group;
	__u32 flags;		/* CKPT_USER_NS_* */
	__u32 nr_uids, nr_gids;
	__u32 reserved;
};

struct ckpt_id_extent {
	__u32 first, lower, count;
};

/*
 * NETWORK: the configuration of the tree's own network namespace, or, with an objref,
 * of one that some of its tasks live in, and nobody else; user space makes it again.
 * By the position of its record, the root's being 0, others speak of it (NETNSA_PID in
 * RTM_NEWNSID). Tail: messages of rtnetlink, each padded to a multiple of 4 bytes; then
 * lines "path value" of what stands in /proc/sys/net.
 */
struct ckpt_network {
	__u32 messages_len;
	__u32 sysctls_len;
	__u32 own_user;		/* with an objref: as in UTS */
	__u32 reserved;
};

/*
 * CGROUPS: which control groups (v2) the tasks are in; user space starts them there.
 * Tail: @nr_members of struct ckpt_cgroup_member, in the order of TASKS; then lines
 * by which user space makes the groups again.
 */
struct ckpt_cgroups {
	__u32 nr_members;
	__u32 text_len;
};

struct ckpt_cgroup_member {
	__s32 pid;
	__u32 line;		/* of its group: CKPT_CGROUP_LINE, a space, the path */
};

#define CKPT_CGROUP_LINE	'G'

/* MOUNTS: lines of /proc/PID/mountinfo; user space mounts what they say. */

/* INNER_MOUNTS: of a namespace that some of the tree live in, and nobody else. Tail: as MOUNTS. */
struct ckpt_inner_mounts {
	__u32 own_user;		/* as in UTS */
	__s32 pid;		/* who lives there, in the innermost pid namespace */
	__u32 base;		/* copy of that of this number, from 1; 0: of the root's */
	__u32 reserved;
};

#define CKPT_UTS_BYTES		65

/*
 * UTS: the names of the tree's own UTS namespace. With an objref: those of one that
 * some of its tasks live in, and nobody else.
 */
struct ckpt_uts {
	char nodename[CKPT_UTS_BYTES];
	char domainname[CKPT_UTS_BYTES];
	__u8 own_user;		/* with an objref: belongs to the tree's own user namespace */
	__u8 reserved;
};

/*
 * CGROUP_NS: a cgroup namespace that some of the tree's tasks live in, and nobody else.
 * Tail: the control group where it begins, as in CGROUPS; nothing: that of the caller.
 */
struct ckpt_cgroup_ns {
	__u32 own_user;		/* belongs to the tree's own user namespace */
	__u32 path_len;
};

/* Which id the next object gets. */
struct ckpt_ipc_ids {
	__s32 next_id;		/* kernel.*_next_id, -1: not set */
	__s32 last_idx;		/* the index that was given last, -1: none */
	__u32 seq;
	__u32 cursor;		/* where the search for an index begins */
};

/*
 * IPC_NS: limits of the tree's own IPC namespace: kernel.shm*, kernel.sem, kernel.msg*.
 * With an objref: of one that some of its tasks live in, and nobody else; what is in it
 * follows, up to IPC_NS_END.
 */
struct ckpt_ipc_ns {
	__aligned_u64 shm_max;
	__aligned_u64 shm_all;
	__u32 shm_nr;
	__u32 shm_rmid_forced;
	__u32 sem[4];
	__u32 msg_max;
	__u32 msg_bytes;
	__u32 msg_nr;
	__u32 own_user;		/* as in UTS */
	__u32 mq_queues;	/* fs.mqueue, and the next four */
	__u32 mq_msgs;
	__u32 mq_bytes;
	__u32 mq_msgs_default;
	__u32 mq_bytes_default;
	__u32 reserved;		/* 0 */
	struct ckpt_ipc_ids ids[3];	/* of semaphores, message queues, shared memory */
};

enum ckpt_file_kind {
	CKPT_FILE_PATH		= 1,	/* reopen @path */
	CKPT_FILE_RELINKED	= 2,	/* reopen @path, unlink it; @path2: its last name */
	CKPT_FILE_PIPE		= 3,	/* an end of the pipe @pipe */
	CKPT_FILE_TTY		= 4,	/* a terminal outside the tree: reopen @path */
	CKPT_FILE_INOTIFY	= 5,	/* the instance @group */
	CKPT_FILE_FANOTIFY	= 6,	/* the group @group */
	CKPT_FILE_COPIED	= 8,	/* made again from @contents; @path2: as above */
	CKPT_FILE_HIDDEN	= 9,	/* something is mounted over it: @path2, below @path */
	CKPT_FILE_DEAD_PROC	= 10,	/* of process @object, which has ended: @path2 in the */
					/* procfs at @path */
	CKPT_FILE_OTHER_NAME	= 11,	/* reopen @path, which is another name of it than */
					/* @path2, which it was opened by, and is gone */
	/* Files that only a descriptor leads to: of the object @object. */
	CKPT_FILE_EVENTFD	= 16,
	CKPT_FILE_SIGNALFD	= 17,
	CKPT_FILE_TIMERFD	= 18,
	CKPT_FILE_EPOLL		= 19,
	CKPT_FILE_MEMFD		= 20,
	CKPT_FILE_SOCKET	= 21,
	CKPT_FILE_PIDFD		= 22,
	CKPT_FILE_PTY_MASTER	= 23,
	CKPT_FILE_PTY_SLAVE	= 24,	/* @path: what it was opened by; "": by way of the master */
	CKPT_FILE_MQUEUE	= 25,
	CKPT_FILE_IO_URING	= 26,
	CKPT_FILE_TUN		= 27,
	CKPT_FILE_BPF_MAP	= 28,
};

/* Whom SIGIO goes to: F_SETOWN_EX. */
enum ckpt_owner_type {
	CKPT_OWNER_NONE		= 0,
	CKPT_OWNER_PROCESS	= 1,
	CKPT_OWNER_GROUP	= 2,
	CKPT_OWNER_THREAD	= 3,
};

#define CKPT_UUID_BYTES		16

/*
 * FILE: an open file description. Tail: path, NUL, path2, NUL. Inode number,
 * device, links, size, blocks and times are those of fstat(2), before relink.
 */
struct ckpt_file {
	__u32 kind;
	__u32 f_flags;
	__aligned_s64 pos;
	union {			/* objref */
		__u32 pipe;
		__u32 group;	/* INOTIFY or FANOTIFY */
		__u32 contents;
		__u32 object;
	};
	__u32 mode;		/* type and permissions of the inode */
	__aligned_u64 ino;
	__aligned_u64 dev;	/* of the filesystem; another one after a reboot */
	__aligned_u64 rdev;	/* of a device node: its own; OUTSIDE: when its process began */
	__aligned_u64 size;
	__aligned_u64 blocks;	/* of 512 bytes */
	__aligned_s64 atime_ns;	/* since 1970 */
	__aligned_s64 mtime_ns;
	__aligned_s64 ctime_ns;
	__aligned_u64 fsid;	/* statfs(2) of a btrfs: tells its subvolumes apart; else 0 */
	__u8 fs_uuid[CKPT_UUID_BYTES];	/* of the filesystem; all zero: it has none */
	__u32 fs_magic;		/* its type */
	__u32 generation;	/* of the inode, where its number is used again */
	__u32 nlink;
	__u32 rw_hint;		/* F_SET_RW_HINT */
	__u32 cred;		/* objref: credentials it was opened with, or 0 */
	__u32 owner_type;	/* enum ckpt_owner_type */
	__s32 owner_pid;
	__s32 owner_sig;	/* F_SETSIG */
	__u32 owner_uid;	/* of who set the owner */
	__u32 owner_euid;
	__s32 async_fd;		/* O_ASYNC: si_fd of its signals; else -1 */
	__u32 flags;		/* CKPT_FILE_* */
	__u32 advice;		/* CKPT_ADVICE_*: posix_fadvise(2) */
	__u32 mnt;		/* objref of INNER_MOUNTS that it is in; 0: the root's */
};

/* PRESSURE: the trigger that was written to a file of cgroupfs, as memory.pressure. */
struct ckpt_pressure {
	__u32 full;		/* 1: all tasks are stalled; 0: some */
	__u32 threshold_us;
	__u32 window_us;
	__u32 reserved;
};

#define CKPT_FILE_NAME_GIVEN	(1U << 0)	/* @path is a name that the checkpoint gave it */
#define CKPT_FILE_NO_WRITER_YET	(1U << 1)	/* a FIFO's reader that has seen no writer */
#define CKPT_FILE_HUNG_UP	(1U << 2)	/* a terminal's file, of no use any more */
#define CKPT_FILE_UNCOUNTED	(1U << 3)	/* as memfd_create(2) gives it: may be executed */
#define CKPT_FILE_OUTSIDE	(1U << 4)	/* DEAD_PROC: the process was outside the tree */
#define CKPT_FILE_FLAGS_ALL	0x1fU

#define CKPT_ADVICE_RANDOM	(1U << 0)
#define CKPT_ADVICE_SEQUENTIAL	(1U << 1)
#define CKPT_ADVICE_NOREUSE	(1U << 2)
#define CKPT_ADVICE_ALL		0x7U

/* PIPE: tail: @nr_chunks of struct ckpt_pipe_chunk, the unread bytes. */
struct ckpt_pipe {
	__u32 slots;		/* F_SETPIPE_SZ, in pages */
	__u32 bytes;		/* unread */
	__u32 fifo;		/* objref of the FILE (O_PATH) that is the FIFO, or 0 */
	__u32 nr_chunks;	/* 0: no packets */
};

/* What was written at a time, or a packet, which is read at a time (O_DIRECT). */
struct ckpt_pipe_chunk {
	__u32 len;
	__u32 packet;		/* 1: it is one */
};

#define CKPT_PTY_NO_MASTER	(1U << 0)	/* it has been closed: all files are hung up */
#define CKPT_PTY_FLAGS_ALL	0x1U

/* PTY: a pseudo terminal whose master is in the tree. Tail: the path of its ptmx, NUL. */
struct ckpt_pty {
	__u32 index;		/* /dev/pts/N */
	__u32 flags;		/* CKPT_PTY_* */
	__u32 f_flags;		/* the master is opened with */
	__u32 mode;		/* of /dev/pts/N, as the next five; 0: not known */
	__u32 uid;
	__u32 gid;
	__aligned_s64 atime_ns;
	__aligned_s64 mtime_ns;
	__aligned_s64 ctime_ns;
};

#define CKPT_TTY_CC		19

#define CKPT_TTY_STOPPED	(1U << 0)	/* its output: ^S */
#define CKPT_TTY_TCO_STOPPED	(1U << 1)	/* the same, by tcflow(3) */
#define CKPT_TTY_EXCLUSIVE	(1U << 2)	/* TIOCEXCL */
#define CKPT_TTY_IO_ERROR	(1U << 3)	/* nobody has it open */
#define CKPT_TTY_OTHER_CLOSED	(1U << 4)	/* nobody has the other side open any more */
#define CKPT_TTY_HUNG_UP	(1U << 5)	/* and not opened since: no line discipline */
#define CKPT_TTY_LOCKED		(1U << 6)	/* TIOCSPTLCK */
#define CKPT_TTY_PACKET		(1U << 7)	/* TIOCPKT */
#define CKPT_TTY_LNEXT		(1U << 8)	/* the next byte is taken literally */
#define CKPT_TTY_ERASING	(1U << 9)
#define CKPT_TTY_PUSH		(1U << 10)	/* the line ends without an end of line */
#define CKPT_TTY_THROTTLED	(1U << 11)
#define CKPT_TTY_FLAGS_ALL	0xfffU

/* One side of a pseudo terminal, with its line discipline. */
struct ckpt_tty_side {
	__u32 iflag, oflag, cflag, lflag;	/* termios */
	__u32 ispeed, ospeed;
	__u8 line;
	__u8 cc[CKPT_TTY_CC];
	__u16 rows, cols, xpixel, ypixel;
	__u32 flags;		/* CKPT_TTY_* */
	__u32 packet_status;	/* TIOCPKT_* that the other side has not read */
	__u32 unread;		/* bytes of input; */
	__u32 canon;		/* whole lines end here */
	__u32 committed;	/* what can be read without ICANON ends here */
	__u32 echo;		/* bytes to be echoed, with codes for what is done; */
	__u32 echo_commit;	/* these of them as soon as there is room */
	__u32 echo_mark;
	__u32 column;
	__u32 canon_column;
	__u32 in_flight;	/* bytes that the line discipline has no room for */
	__u32 looked_at;	/* of them, for flow control */
};

/*
 * PTY_STATE: its master, then its slave. Tail, for each: the unread bytes; a bit
 * for each, low bits first, that says whether a line ends with it; what is to be
 * echoed; what is in flight.
 */
struct ckpt_pty_state {
	struct ckpt_tty_side side[2];
};

/* INOTIFY: an inotify instance. */
struct ckpt_inotify {
	__u32 nr_watches;
	__u32 nr_events;	/* unread */
	__u32 next_wd;		/* where the search for the next watch descriptor begins */
	__u32 max_events;	/* in the queue, before it overflows */
	__u32 uid;		/* of whose limits it takes */
	__u32 own_user;		/* 1: in the tree's own user namespace */
};

/* FANOTIFY: an fanotify group. */
struct ckpt_fanotify {
	__u32 nr_watches;	/* marks */
	__u32 nr_events;	/* unread */
	__u32 flags;		/* of fanotify_init(2) */
	__u32 event_f_flags;
	__u32 max_events;
	__u32 uid;		/* of whose limits it takes */
	__u32 unprivileged;	/* made without CAP_SYS_ADMIN */
	__u32 own_user;		/* 1: in the tree's own user namespace */
};

enum ckpt_watch_object {
	CKPT_WATCH_INODE	= 1,
	CKPT_WATCH_MOUNT	= 2,	/* found by the path of its root */
	CKPT_WATCH_FILESYSTEM	= 3,
};

#define CKPT_WATCH_RELINKED	(1U << 0)	/* unlink @path; @path2: its last name */
#define CKPT_WATCH_EVICTABLE	(1U << 1)	/* FAN_MARK_EVICTABLE */
#define CKPT_WATCH_SURV_MODIFY	(1U << 2)	/* FAN_MARK_IGNORED_SURV_MODIFY */
#define CKPT_WATCH_IGNORE	(1U << 3)	/* FAN_MARK_IGNORE */
#define CKPT_WATCH_FLAGS_ALL	0xfU

/* WATCH: an inotify watch or an fanotify mark. Tail: path, NUL, path2, NUL. */
struct ckpt_watch {
	__u32 object;		/* enum ckpt_watch_object */
	__u32 flags;		/* CKPT_WATCH_* */
	__s32 wd;		/* inotify: watch descriptor */
	__u32 mask;		/* IN_* with IN_EXCL_UNLINK and IN_ONESHOT, or FAN_* */
	__u32 ignore_mask;
	__u32 mode;		/* type and permissions of the inode */
	__aligned_u64 ino;
	__aligned_u64 dev;	/* of the filesystem */
	__u32 generation;	/* of the inode, where its number is used again */
	__u32 mnt;		/* objref of INNER_MOUNTS that show it; 0: the root's do */
};

enum ckpt_event_kind {
	CKPT_EVENT_INOTIFY	= 1,	/* @wd, @cookie, name */
	CKPT_EVENT_OVERFLOW	= 2,
	CKPT_EVENT_PATH		= 3,	/* fanotify: a descriptor: path, last name */
	CKPT_EVENT_FID		= 4,	/* fanotify: file handle */
	CKPT_EVENT_NAME		= 5,	/* fanotify: handles of directories and file, names */
	CKPT_EVENT_ERROR	= 6,	/* fanotify: FAN_FS_ERROR */
};

#define CKPT_EVENT_RELINKED	(1U << 0)	/* PATH: as CKPT_WATCH_RELINKED */
#define CKPT_EVENT_FLAGS_ALL	0x1U

/* File handles of an event. */
enum ckpt_event_handle {
	CKPT_HANDLE_DIR,	/* directory, of the name */
	CKPT_HANDLE_DIR2,	/* FAN_RENAME: new directory, of the second name */
	CKPT_HANDLE_FILE,	/* the file itself */
	CKPT_HANDLES,
};

/*
 * EVENT: an unread event; in the order of the queue. Tail: name, NUL, second
 * name, NUL, and for each of CKPT_HANDLES the bytes in hexadecimal digits, NUL.
 */
struct ckpt_event {
	__u32 kind;		/* enum ckpt_event_kind */
	__u32 flags;		/* CKPT_EVENT_* */
	__u32 mask;
	__s32 wd;
	__u32 cookie;
	__s32 pid;		/* fanotify: who did it; 0: nobody of this namespace */
	__aligned_u64 pid_start_ns;	/* when it started, since boot; 0: it has ended */
	__s32 error;
	__u32 error_count;
	__s32 fsid[2];
	__u32 handle_type[CKPT_HANDLES];
	__u32 mode;		/* PATH: as in a WATCH, the next two too */
	__aligned_u64 ino;
	__u32 generation;
	__u32 reserved;
};

/* SHMEM: shared anonymous memory. */
struct ckpt_shmem {
	__aligned_u64 size;	/* bytes */
};

/* What System V IPC objects have in common. */
struct ckpt_ipc_perm {
	__s32 id;
	__u32 key;
	__u32 uid;
	__u32 gid;
	__u32 cuid;		/* of who made it */
	__u32 cgid;
	__u32 mode;		/* permissions, CKPT_SHM_* */
	__u32 reserved;
};

#define CKPT_SHM_DEST		01000	/* removed: it goes when the last one detaches */
#define CKPT_SHM_LOCKED		02000	/* SHM_LOCK */

#define CKPT_SHM_NORESERVE	(1U << 0)
#define CKPT_SHM_FLAGS_ALL	0x1U

/* SHM: a segment of System V shared memory. Its PAGES are offsets. */
struct ckpt_shm {
	struct ckpt_ipc_perm perm;
	__aligned_u64 size;	/* bytes */
	__aligned_s64 atime;	/* seconds since 1970 */
	__aligned_s64 dtime;
	__aligned_s64 ctime;
	__s32 cpid;		/* who made it */
	__s32 lpid;		/* who attached or detached it last */
	__u32 flags;		/* CKPT_SHM_NORESERVE */
	__u32 page_shift;	/* of huge pages (SHM_HUGETLB); 0: it is of small ones */
};

/* SEM: a set of System V semaphores. Tail: @nr_sems of struct ckpt_sem_value. */
struct ckpt_sem {
	struct ckpt_ipc_perm perm;
	__aligned_s64 otime;	/* seconds since 1970 */
	__aligned_s64 ctime;
	__u32 nr_sems;
	__u32 reserved;
};

struct ckpt_sem_value {
	__s32 value;
	__s32 pid;		/* who changed it last */
};

/* SEM_UNDO: what the end of the process takes back; an array. */
struct ckpt_sem_undo {
	__s32 id;		/* of a set */
	__u32 num;		/* of the semaphore in it */
	__s32 adjust;
	__u32 reserved;
};

/* MSG: a System V message queue. Tail: @nr_msgs times a head, and data up to a multiple of 8. */
struct ckpt_msg {
	struct ckpt_ipc_perm perm;
	__aligned_s64 stime;	/* seconds since 1970 */
	__aligned_s64 rtime;
	__aligned_s64 ctime;
	__aligned_u64 max_bytes;
	__s32 lspid;		/* who sent last */
	__s32 lrpid;		/* who received last */
	__u32 nr_msgs;
	__u32 reserved;
};

struct ckpt_msg_head {
	__aligned_s64 type;
	__aligned_u64 len;	/* of the data */
};

#define CKPT_MQUEUE_UNLINKED	(1U << 0)
#define CKPT_MQUEUE_FLAGS_ALL	0x1U

/*
 * MQUEUE: a POSIX message queue. Tail: @nr_msgs times as of a MSG, the type being
 * the priority; its name, NUL.
 */
struct ckpt_mqueue {
	__u32 mode;		/* permissions */
	__u32 uid;
	__u32 gid;
	__u32 flags;		/* CKPT_MQUEUE_* */
	__aligned_s64 atime_ns;	/* since 1970 */
	__aligned_s64 mtime_ns;
	__aligned_s64 ctime_ns;
	__aligned_u64 max_msgs;
	__aligned_u64 msg_bytes;	/* that a message may have */
	__u32 nr_msgs;
	__u32 notify;		/* SIGEV_* */
	__s32 notify_pid;	/* who is told once that it is not empty any more; 0: nobody */
	__u32 notify_signo;
	__aligned_u64 notify_value;
};

/* MQUEUE_NOTIFY: of SIGEV_THREAD. */
struct ckpt_mqueue_notify {
	__u32 socket;		/* objref of a SOCKET of netlink, */
	__u32 reserved;
	__u8 cookie[32];	/* which gets this */
};

/* EVENTFD: an eventfd. */
struct ckpt_eventfd {
	__aligned_u64 count;
	__u32 semaphore;	/* EFD_SEMAPHORE */
	__u32 reserved;
};

/* SIGNALFD: a signalfd. */
struct ckpt_signalfd {
	__aligned_u64 mask;	/* signals that are read */
};

/* TIMERFD: a timerfd. */
struct ckpt_timerfd {
	__u32 clock;
	__u32 flags;		/* TFD_TIMER_* it was set with */
	__aligned_u64 ticks;	/* expirations that were not read */
	__aligned_s64 interval_ns;
	__aligned_s64 left_ns;	/* to the next expiration, if it is armed */
	__aligned_s64 until_ns;	/* the same, of the clock on the wall: absolute; else 0 */
	__u32 armed;
	__u32 canceled;		/* the clock was set (TFD_TIMER_CANCEL_ON_SET) */
};

/* EPOLL: an epoll instance. */
struct ckpt_epoll {
	__u32 reserved[2];
};

/*
 * EPOLL_ITEMS: what an epoll instance watches; an array of these. First what is
 * ready, in its order.
 */
struct ckpt_epoll_item {
	__u32 file;		/* objref */
	__s32 fd;		/* by which it was added */
	__u32 events;
	__u32 ready;		/* it is in the list of what is ready */
	__aligned_u64 data;
	__s32 pid;		/* a signalfd: whose signals are waited for; else 0 */
	__u32 reserved;
};

/* MEMFD: a file of memfd_create(2). Tail: its name, NUL. Its PAGES are offsets. */
struct ckpt_memfd {
	__aligned_u64 size;	/* bytes */
	__u32 mode;
	__u32 seals;		/* F_GET_SEALS */
	__u32 uid;
	__u32 gid;
	__aligned_s64 atime_ns;	/* since 1970 */
	__aligned_s64 mtime_ns;
};

/*
 * HUGETLB: a file of hugetlbfs without a name: a memfd, or what is behind anonymous
 * memory. Tail: its name, NUL. Its PAGES are offsets, in small pages.
 */
struct ckpt_hugetlb {
	struct ckpt_memfd memfd;
	__u32 page_shift;	/* of its huge pages */
	__u32 reserved;		/* 0 */
};

#define CKPT_PIDFD_THREAD	(1U << 0)
#define CKPT_PIDFD_DEAD		(1U << 1)	/* it has ended, and was waited for */
#define CKPT_PIDFD_ELSEWHERE	(1U << 2)	/* and not where the root of the tree lives */
#define CKPT_PIDFD_SAME		(1U << 3)	/* … the very one that another one is of */
#define CKPT_PIDFD_FLAGS_ALL	0xfU

/* PIDFD: of which task. */
struct ckpt_pidfd {
	__s32 pid;		/* ELSEWHERE: who lives in that pid namespace, or 0; */
				/* SAME: objref of the other PIDFD */
	__u32 flags;		/* CKPT_PIDFD_* */
};

/*
 * IO_URING: an instance without requests in flight. Tail: its rings as io_uring_setup(2)
 * lays them out, then its submission queue entries.
 */
struct ckpt_io_uring {
	__u32 flags;		/* IORING_SETUP_* */
	__u32 sq_entries;
	__u32 cq_entries;
	__u32 sq_head;		/* what the kernel has taken up to here */
	__u32 cq_tail;		/* what it has told up to here */
	__s32 submitter;	/* the thread that alone may use it, or 0 */
	__u32 workers[2];	/* as IORING_REGISTER_IOWQ_MAX_WORKERS set them, or 0 */
};

#define CKPT_SOCKOPT_BYTES	16

/* An option of a socket, as getsockopt(2) gives it. */
struct ckpt_sockopt {
	__u32 level;
	__u32 name;
	__u32 len;
	__u32 device;		/* of IPV6_ADD_MEMBERSHIP; @value: the group; of an
				 * option that takes several of these: which piece
				 */
	__u8 value[CKPT_SOCKOPT_BYTES];
};

enum ckpt_socket_state {
	CKPT_SOCKET_UNCONNECTED	= 0,
	CKPT_SOCKET_CONNECTED	= 1,
	CKPT_SOCKET_LISTENING	= 2,
};

#define CKPT_SOCKET_GONE	(1U << 0)	/* closed, but a peer or sender of others */
#define CKPT_SOCKET_NOT_FOUND	(1U << 1)	/* its name is that of who listened, or is taken */
#define CKPT_SOCKET_FANOUT	(1U << 2)	/* a packet socket of a group */
#define CKPT_SOCKET_FOREIGN	(1U << 3)	/* its address is nobody's here (IP_FREEBIND) */
#define CKPT_SOCKET_NUMBERS	(1U << 4)	/* its time stamps are numbered (OPT_ID) */
#define CKPT_SOCKET_REUSED	(1U << 5)	/* bound with SO_REUSEPORT, which it has no more */
#define CKPT_SOCKET_FLAGS_ALL	0x3fU

/*
 * SOCKET: one that has a FILE, one that waits to be accepted by @listener, or
 * one that is gone. A TCP says more of one of TCP that is CONNECTED. Tail:
 * options, its address, the address it is connected to.
 */
struct ckpt_socket {
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 state;		/* enum ckpt_socket_state */
	__u32 flags;		/* CKPT_SOCKET_* */
	__u32 shutdown;		/* 1: no more is received; 2: or sent */
	__u32 error;		/* SO_ERROR */
	__u32 backlog;		/* of a packet socket: PACKET_FANOUT */
	__u32 listener;		/* objref of a SOCKET, or 0 */
	__u32 path;		/* objref of the FILE (O_PATH) it is bound to, or 0 */
	__u32 peer_cred;	/* objref: SO_PEERCRED, or 0 */
	__s32 peer_pid;		/* SO_PEERCRED, or 0 */
	__u32 nr_options;
	__u32 addr_len;
	__u32 peer_len;
	__u32 net;		/* objref of the NETWORK it is in, or 0: that of the root */
	__u32 tskey;		/* number of the next report of a time stamp */
	__u32 zckey;		/* the same of MSG_ZEROCOPY */
};

/* SOCKET_PEER: what a socket is connected to. */
struct ckpt_socket_peer {
	__u32 peer;		/* objref of a SOCKET */
	__u32 reserved;
};

/* The urgent byte of a stream (MSG_OOB); one that was read, and still marks its place. */
#define CKPT_MSG_URGENT		(1U << 0)
#define CKPT_MSG_MARK		(1U << 1)
#define CKPT_MSG_FLAGS_ALL	0x3U

/*
 * SOCKET_MSG: what has been sent and not received, in order. Tail: objrefs of
 * the FILEs that are in flight (SCM_RIGHTS), then the data.
 */
struct ckpt_socket_msg {
	__u32 from;		/* objref of a SOCKET */
	__u32 nr_fds;
	__s32 pid;		/* SCM_CREDENTIALS; 0: none */
	__u32 uid;
	__u32 gid;
	__u32 flags;		/* CKPT_MSG_* */
};

#define CKPT_SOCK_FILTER_LOCKED	(1U << 0)	/* SO_LOCK_FILTER */

/* SOCKET_FILTER: SO_ATTACH_FILTER. Tail: @nr_insns of struct sock_filter, 8 bytes each. */
struct ckpt_sock_filter {
	__u32 nr_insns;
	__u32 flags;		/* CKPT_SOCK_FILTER_* */
};

/*
 * SOCKET_DGRAM: what a socket of UDP or netlink has received, in order, and nobody
 * has read. Tail: the data.
 */
struct ckpt_datagram {
	__u8 from_addr[16];	/* an IPv4 address: its first four bytes */
	__u8 to_addr[16];
	__u16 from_port;
	__u16 to_port;
	__u32 version;		/* of IP: 4 or 6; 0: netlink */
	__u32 device;		/* it came in by */
	__u32 spec_dst;		/* IPv4: as ipi_spec_dst of IP_PKTINFO, network order */
	__u32 flowinfo;		/* IPv6: traffic class and flow label */
	__u32 tos;		/* IPv4 */
	__u32 ttl;
	__u32 group;		/* netlink: it was sent to */
	__aligned_s64 tstamp_ns;	/* since 1970, or 0 */
};

#define CKPT_REPORT_STATS	(1U << 0)	/* the data are SCM_TIMESTAMPING_OPT_STATS */
#define CKPT_REPORT_FLAGS_ALL	0x1U

/*
 * SOCKET_REPORT: what a socket of IP has been told of what it sent (MSG_ERRQUEUE), in
 * order, and nobody has read. Tail: the data.
 */
struct ckpt_report {
	__u32 error;		/* as struct sock_extended_err has it, and the next five */
	__u32 origin;
	__u32 type;
	__u32 code;
	__u32 info;
	__u32 data;
	__u32 flags;		/* CKPT_REPORT_* */
	__u32 version;		/* of IP: 4 or 6; 0: none is known */
	__u32 port;		/* it was sent to */
	__u32 flowinfo;		/* IPv6: it was sent with */
	__u8 addr[16];		/* it was sent to; an IPv4 address: its first four bytes */
	__u8 header[40];	/* of IP, of what told it */
	__u32 device;		/* that came in by */
	__u32 spec_dst;		/* IPv4: as ipi_spec_dst of IP_PKTINFO, network order */
	__aligned_s64 tstamp_ns;	/* since 1970, or 0 */
	__aligned_s64 hwtstamp_ns;
};

#define CKPT_RING_TX		(1U << 0)	/* PACKET_TX_RING, else PACKET_RX_RING */
#define CKPT_RING_FULL		(1U << 1)	/* block @head has not been given back yet */
#define CKPT_RING_FLAGS_ALL	0x3U

/* PACKET_RING: memory in which a packet socket and who has mapped it go round. */
struct ckpt_packet_ring {
	__u32 flags;		/* CKPT_RING_* */
	__u32 block_size;
	__u32 block_nr;
	__u32 frame_size;
	__u32 frame_nr;
	__u32 head;		/* the next frame; TPACKET_V3: the block that is being filled */
	__u32 packets;		/* PACKET_STATISTICS, and the next two */
	__u32 drops;
	__u32 freezes;
	__u32 retire_ms;	/* TPACKET_V3, as all that follow */
	__u32 priv_size;
	__u32 features;
	__u32 next;		/* where in the block the next packet goes */
	__u32 prev;		/* where the last one is */
	__aligned_u64 seq;	/* of the next block */
};

/* RING_DATA: tail: a part of the ring that is not zero. */
struct ckpt_ring_data {
	__u32 flags;		/* CKPT_RING_TX */
	__u32 reserved;
	__aligned_u64 offset;
};

enum ckpt_tun_state {
	CKPT_TUN_NO_DEVICE	= 0,
	CKPT_TUN_ATTACHED	= 1,
	CKPT_TUN_DETACHED	= 2,	/* IFF_DETACH_QUEUE */
};

/* TUN: /dev/net/tun, a queue of a device. Tail: by what name it was opened. */
struct ckpt_tun {
	__u32 state;		/* enum ckpt_tun_state */
	__u32 flags;		/* of the device, IFF_*, as TUNGETIFF gives them */
	__u32 net;		/* objref of the NETWORK it is in, or 0: that of the root */
	__u32 mnt;		/* objref of the INNER_MOUNTS it was opened in, or 0 */
	__u32 access;		/* O_RDWR */
	__u32 ifindex;		/* that the device is to get (TUNSETIFINDEX) */
	__u32 vnet_hdr_sz;
	__s32 sndbuf;
	__u32 offloads;		/* TUN_F_* */
	__u32 reserved;
	char name[16];		/* of the device */
};

/* BPF_MAP: as bpf(2) makes it. BPF_ELEMENTS: pairs of key and value, as it gives them. */
struct ckpt_bpf_map {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 flags;
	__u32 numa_node;
	__u32 frozen;
	__u32 access;		/* O_RDWR, O_RDONLY or O_WRONLY */
	char name[16];
};

#define CKPT_TCP_SACK		(1U << 0)	/* negotiated */
#define CKPT_TCP_TIMESTAMPS	(1U << 1)
#define CKPT_TCP_WSCALE		(1U << 2)
#define CKPT_TCP_ECN		(1U << 3)
#define CKPT_TCP_END_READ	(1U << 4)	/* the end of what the peer sends has come */
#define CKPT_TCP_NOSPACE	(1U << 5)	/* someone waits for room to write */
#define CKPT_TCP_CONNECTING	(1U << 6)	/* connect(2) is to be called once more */
#define CKPT_TCP_REUSE		(1U << 7)	/* SO_REUSEADDR, also of what has no options */
#define CKPT_TCP_REUSEPORT	(1U << 8)
#define CKPT_TCP_FLAGS_ALL	0x1ffU

/*
 * TCP: what a SOCKET that is CONNECTED knows of its connection; names as in RFC
 * 9293. What is in its queues follows as TCP_DATA: first what was received, then
 * what is to be sent, from @snd_una on. An end of the stream counts as a byte there.
 */
struct ckpt_tcp {
	__u32 state;		/* as in /proc/net/tcp */
	__u32 flags;		/* CKPT_TCP_* */
	__u32 shutdown;		/* as in SOCKET */
	__u32 error;
	__u32 is_connected;	/* also when the connection has ended */
	__u8 local_addr[16];	/* an IPv4 address: its first four bytes */
	__u8 remote_addr[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 write_seq;	/* after all that is to be sent */
	__u32 rcv_nxt;
	__u32 copied_seq;	/* what is read next */
	__u32 snd_wl1;
	__u32 snd_wnd;
	__u32 max_window;	/* that the peer has offered */
	__u32 rcv_wnd;
	__u32 rcv_wup;		/* @rcv_nxt when a window was offered last */
	__u32 snd_up;		/* urgent data is sent up to here */
	__u32 urg_seq;		/* of the urgent byte that was received */
	__u32 urg_data;		/* it, and whether it is there */
	__u32 mss_clamp;
	__u32 user_mss;		/* TCP_MAXSEG */
	__u32 snd_wscale;
	__u32 rcv_wscale;
	__u32 timestamp;	/* of its own clock */
	__u32 ts_recent;
	__u32 window_clamp;
	__u32 rcv_ssthresh;
	__u32 sndbuf;
	__u32 rcvbuf;
	__u32 rcv_bytes;	/* that follow */
	__u32 snd_bytes;
	__u32 user_locks;	/* what was set by bind(2) and setsockopt(2) */
};

enum ckpt_tcp_queue {
	CKPT_TCP_RECEIVED	= 1,
	CKPT_TCP_TO_SEND	= 2,
};

/* TCP_DATA: tail: bytes of a queue, in order. */
struct ckpt_tcp_data {
	__u32 queue;		/* enum ckpt_tcp_queue */
	__u32 reserved;
};

enum ckpt_lock_kind {
	CKPT_LOCK_POSIX		= 1,	/* F_SETLK: of a process */
	CKPT_LOCK_OFD		= 2,	/* F_OFD_SETLK: of an open file description */
	CKPT_LOCK_FLOCK		= 3,	/* flock(2) */
	CKPT_LOCK_LEASE		= 4,	/* F_SETLEASE */
};

#define CKPT_LOCK_READ		1	/* shared */
#define CKPT_LOCK_WRITE		2	/* exclusive */
#define CKPT_LEASE_UNLOCK	1	/* to be given up */
#define CKPT_LEASE_DOWNGRADE	2	/* to be one for reading */
#define CKPT_LOCK_EOF		0x7fffffffffffffffLL

/*
 * LOCKS: an array of these. @objref in the record: the FILES whose owner holds
 * POSIX locks, or the FILE that holds the others.
 */
struct ckpt_lock {
	__aligned_s64 start;
	__aligned_s64 end;	/* the last byte, or CKPT_LOCK_EOF */
	__u32 kind;		/* enum ckpt_lock_kind */
	__u32 type;		/* CKPT_LOCK_READ or _WRITE */
	__u32 file;		/* objref: what it was set through */
	__s32 pid;		/* of who set it, as /proc/locks says */
	__s32 fd;		/* of a lease: si_fd of its signals */
	__u32 breaking;		/* of a lease: CKPT_LEASE_*, somebody waits for that, or 0 */
	__aligned_u64 left_ns;	/* until it is so in any case; 0: it is waited for */
};

/*
 * CONTENTS: what had no name, and is to be made again. PAGES of a regular file:
 * offsets in it; what they do not cover is a hole. Tail: the last name it had, NUL.
 */
struct ckpt_contents {
	__aligned_u64 size;	/* of a regular file, else 0 */
	__aligned_u64 ino;	/* it had; it will have another */
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 linkable;		/* O_TMPFILE that may be given a name once */
	__u32 rdev;		/* of a device node */
	__u32 reserved;
	__aligned_s64 atime_ns;	/* since 1970 */
	__aligned_s64 mtime_ns;
	__aligned_s64 ctime_ns;
};

#define CKPT_TMPFS_RDONLY	(1U << 0)	/* the filesystem is read-only */
#define CKPT_TMPFS_MNT_RDONLY	(1U << 1)	/* its mount is */
#define CKPT_TMPFS_PART		(1U << 2)	/* that shows only a directory of it */
#define CKPT_TMPFS_FLAGS_ALL	0x7U

/* TMPFS: one that only the tree has mounted. Tail: where, NUL. */
struct ckpt_tmpfs {
	__u8 uuid[CKPT_UUID_BYTES];
	__aligned_u64 next_ino;		/* number of the next new inode */
	__u32 flags;			/* CKPT_TMPFS_* */
	__u32 mnt;			/* objref of INNER_MOUNTS that have it, or 0 */
};

/* TMPFS_INODE: its first name. Tail: name (of the root: empty), NUL, target of a link, NUL. */
struct ckpt_tmpfs_inode {
	struct ckpt_contents contents;
	__aligned_u64 cookie;		/* position in the directory, as of telldir(3) */
	__aligned_u64 next_cookie;	/* of a directory: of its next new entry */
	__aligned_s64 btime_ns;
	__u32 dir;			/* objref of the directory; of the root: of the TMPFS */
	__u32 generation;
};

/* TMPFS_LINK: another name. Tail: name, NUL. */
struct ckpt_tmpfs_link {
	__aligned_u64 cookie;
	__u32 dir;			/* objref */
	__u32 reserved;
};

/* XATTR: an extended attribute. Tail: its name, NUL, its value. */
struct ckpt_xattr {
	__u32 name_len;		/* NUL included */
	__u32 value_len;
};

#define CKPT_AUXV_WORDS		48

/* MM: an address space. @track_id names it across the images of a chain. */
#define CKPT_MM_MDWE			(1U << 0)	/* PR_SET_MDWE */
#define CKPT_MM_MDWE_NO_INHERIT		(1U << 1)
#define CKPT_MM_MERGE			(1U << 2)	/* PR_SET_MEMORY_MERGE */
/* What is registered for membarrier(2). */
#define CKPT_MM_BARRIER_PRIVATE		(1U << 3)
#define CKPT_MM_BARRIER_GLOBAL		(1U << 4)
#define CKPT_MM_BARRIER_SYNC_CORE	(1U << 5)
#define CKPT_MM_BARRIER_RSEQ		(1U << 6)
#define CKPT_MM_COREDUMP		(1U << 7)	/* what a core dump has is known: */
#define CKPT_MM_COREDUMP_SHIFT		8		/* as in /proc/PID/coredump_filter */
#define CKPT_MM_COREDUMP_BITS		9
#define CKPT_MM_PKEYS			(1U << 17)	/* PKEYS follows */
#define CKPT_MM_OWN_USER		(1U << 18)	/* of the own user namespace */
#define CKPT_MM_FLAGS_ALL		0x7ffffU

struct ckpt_mm {
	__aligned_u64 track_id;
	__aligned_u64 start_code, end_code, start_data, end_data;
	__aligned_u64 start_brk, brk, start_stack;
	__aligned_u64 arg_start, arg_end, env_start, env_end;
	__aligned_u64 vdso;
	__aligned_u64 def_flags;
	__aligned_u64 auxv[CKPT_AUXV_WORDS];
	__u32 exe_file;		/* objref */
	__u32 nr_vmas;
	__u32 dumpable;
	__u32 thp_disable;
	__u32 tracker;		/* enum ckpt_tracker: goes on after a restart */
	__u32 flags;		/* CKPT_MM_* */
};

/* LDT: entries of the local descriptor table, as the CPU has them, 8 bytes each. */

/* PKEYS: memory protection keys. What each thread may do by them is in its FPU. */
struct ckpt_pkeys {
	__u32 allocated;	/* a bit for each */
	__s32 execute_only;	/* the kernel's own, or -1 */
};

enum ckpt_vma_kind {
	CKPT_VMA_ANON		= 1,
	CKPT_VMA_FILE		= 2,
	CKPT_VMA_SHMEM		= 3,	/* @object: SHMEM */
	CKPT_VMA_VDSO		= 4,
	CKPT_VMA_VVAR		= 5,
	CKPT_VMA_SYSV		= 6,	/* @object: SHM */
	CKPT_VMA_AIO		= 7,	/* an AIO follows */
	CKPT_VMA_HUGETLB	= 8,	/* @object: HUGETLB or FILE */
};

#define CKPT_VMA_READ		(1U << 0)
#define CKPT_VMA_WRITE		(1U << 1)
#define CKPT_VMA_EXEC		(1U << 2)
#define CKPT_VMA_SHARED		(1U << 3)
#define CKPT_VMA_GROWSDOWN	(1U << 4)
#define CKPT_VMA_LOCKED		(1U << 5)
#define CKPT_VMA_LOCKONFAULT	(1U << 6)
#define CKPT_VMA_NORESERVE	(1U << 7)
#define CKPT_VMA_DONTFORK	(1U << 8)
#define CKPT_VMA_DONTDUMP	(1U << 9)
#define CKPT_VMA_WIPEONFORK	(1U << 10)
#define CKPT_VMA_HUGEPAGE	(1U << 11)
#define CKPT_VMA_NOHUGEPAGE	(1U << 12)
#define CKPT_VMA_MERGEABLE	(1U << 13)
#define CKPT_VMA_RAND_READ	(1U << 14)
#define CKPT_VMA_SEQ_READ	(1U << 15)
#define CKPT_VMA_SEALED		(1U << 16)
#define CKPT_VMA_RDONLY		(1U << 17)	/* SYSV: attached for reading only */
#define CKPT_VMA_DROPPABLE	(1U << 18)	/* MAP_DROPPABLE: no pages in the image */
#define CKPT_VMA_FLAGS_ALL	0x7ffffU

struct ckpt_vma {
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 pgoff;	/* in pages, as vm_pgoff */
	__u32 kind;
	__u32 flags;		/* CKPT_VMA_* */
	__u32 object;		/* objref of FILE, SHMEM or SHM, or 0 */
	__u32 pkey;
};

/*
 * AIO: a context of io_setup(2), or all zero: a child's copy of its parent's.
 * Tail: @tail - @head (modulo @nr_events) unread events.
 */
struct ckpt_aio {
	__u32 max_reqs;		/* what io_setup(2) was asked for */
	__u32 nr_events;	/* that the ring has room for */
	__u32 head;
	__u32 tail;
};

struct ckpt_io_event {
	__aligned_u64 data;	/* aio_data of the request */
	__aligned_u64 obj;	/* its address */
	__s64 res;
	__s64 res2;
};

enum ckpt_extent_kind {
	CKPT_PAGES_DATA		= 1,	/* payload in this record */
	CKPT_PAGES_ZERO		= 2,	/* present, all zero */
	CKPT_PAGES_PARENT	= 3,	/* as in the parent image */
};

struct ckpt_extent {
	__aligned_u64 addr;	/* of the first page; for SHMEM, SHM: offset in the object */
	__u32 nr;		/* pages */
	__u32 kind;
};

/*
 * PAGES: tail: @nr_extents of struct ckpt_extent; then, if any of them is DATA,
 * zero bytes up to the next multiple of the page size in the stream, and their
 * payload, in order. @objref in the record: the MM or SHMEM.
 */
struct ckpt_pages {
	__u32 nr_extents;
	__u32 nr_pages;		/* with payload */
	__u32 pad;		/* zero bytes before the payload */
	__u32 reserved;
};

/*
 * COW: pages that are shared copy-on-write with another address space, as fork()
 * leaves them; an array of these, ordered by address. The other one stands before,
 * and has them as DATA or PARENT; so they are never PARENT themselves in an
 * increment over this image.
 */
struct ckpt_cow {
	__aligned_u64 addr;
	__aligned_u64 from_addr;
	__u32 from;		/* objref of an MM */
	__u32 nr;		/* pages */
};

/* SHMEM_TRACK: the name of shared memory in all images of a chain. */
struct ckpt_shmem_track {
	__aligned_u64 track_id;
};

/* FILES: an fd table; an array of these. */
struct ckpt_fd {
	__u32 fd;
	__u32 cloexec;
	__u32 file;		/* objref */
	__u32 reserved;
};

/* FS: its directories are FILEs, opened with O_PATH. */
struct ckpt_fs {
	__u32 umask;
	__u32 cwd;		/* objref */
	__u32 root;		/* objref */
	__u32 reserved;
};

#define CKPT_NSIG		64

/* SIGHAND: handlers of signals 1..64. */
struct ckpt_sigaction {
	__aligned_u64 handler;
	__aligned_u64 flags;
	__aligned_u64 restorer;
	__aligned_u64 mask;
};

struct ckpt_sighand {
	struct ckpt_sigaction action[CKPT_NSIG];
};

#define CKPT_CAP_SETS		5	/* inheritable, permitted, effective, bounding, ambient */

/* CRED: tail: @nr_groups of __u32. */
/* In securebits: the capabilities are those in the tree's own user namespace. */
#define CKPT_CRED_OWN_USER	(1U << 31)

struct ckpt_cred {
	__u32 uid, gid, suid, sgid, euid, egid, fsuid, fsgid;
	__aligned_u64 caps[CKPT_CAP_SETS];
	__u32 securebits;
	__u32 nr_groups;
};

#define CKPT_RLIMITS		16

struct ckpt_process {
	__s32 tgid;
	__u32 mm, files, fs, sighand;	/* objrefs */
	__u32 nr_threads;
	__u32 is_child_subreaper;
	__u32 has_child_subreaper;
	__u32 tty;		/* objref of its controlling terminal, a FILE or PTY, or 0 */
	__u32 tty_foreground;	/* pgid, when it leads the session */
	__u32 stopped;		/* signal that stopped it, or 0 */
	__u32 oom_score_adj;	/* two's complement */
	__u32 oom_score_adj_min;	/* as far as it may lower that without power */
	__u32 reserved;		/* 0 */
	__aligned_u64 rlim_cur[CKPT_RLIMITS];
	__aligned_u64 rlim_max[CKPT_RLIMITS];
};

#define CKPT_SIGINFO_BYTES	128

/*
 * SIGQUEUE: pending signals, in order; an array. @objref: 0 for those of the
 * process, else the thread's pid.
 */
struct ckpt_siginfo {
	__u8 info[CKPT_SIGINFO_BYTES];	/* siginfo_t */
};

#define CKPT_THREAD_MCE_LATE	(1U << 0)	/* PR_MCE_KILL_LATE */
#define CKPT_THREAD_MCE_EARLY	(1U << 1)	/* PR_MCE_KILL_EARLY */
#define CKPT_THREAD_IO_FLUSHER	(1U << 2)	/* PR_SET_IO_FLUSHER */
/* Since it was forked: its parent may not move it to another group. */
#define CKPT_THREAD_EXECED	(1U << 3)
#define CKPT_THREAD_FLAGS_ALL	0xfU

enum ckpt_restart_block {
	CKPT_RESTART_NONE	= 0,
	CKPT_RESTART_NANOSLEEP	= 1,
	CKPT_RESTART_FUTEX	= 2,
	CKPT_RESTART_POLL	= 3,
	CKPT_RESTART_SEMTIMEDOP	= 4,
	CKPT_RESTART_EPOLL	= 5,
	CKPT_RESTART_SIGTIMEDWAIT = 6,
	CKPT_RESTART_VFORK	= 7,	/* restart_arg[0]: the child that it waits for */
};

struct ckpt_thread {
	__s32 pid;
	__u32 cred;			/* objref */
	char comm[16];
	__aligned_u64 blocked;
	__aligned_u64 saved_sigmask;
	__u32 restore_sigmask;		/* saved_sigmask is to be put back */
	__u32 altstack_flags;
	__aligned_u64 altstack_sp;
	__aligned_u64 altstack_size;
	__aligned_u64 clear_child_tid;
	__aligned_u64 robust_list;
	__aligned_u64 rseq;
	__u32 rseq_len;
	__u32 rseq_sig;
	__u32 pdeath_signal;
	__u32 personality;
	__aligned_u64 timer_slack_ns;
	__u32 no_new_privs;
	__u32 flags;			/* CKPT_THREAD_* */
	__u32 restart_kind;		/* enum ckpt_restart_block */
	__u32 restart_clock;
	__aligned_s64 restart_ns;	/* time left */
	__aligned_u64 restart_arg[4];	/* addresses, counts and flags, by kind */
};

/* UNSHARED: what the thread has for itself, unlike its process or the tree. */
struct ckpt_unshared {
	__u32 files, fs;		/* objrefs, or 0: those of the process */
	__u32 uts, ipc, net, mnt, cgroup; /* the same, or 0: where the root of the tree lives */
	__u32 reserved;
};

#define CKPT_SECCOMP_LOG	(1U << 0)	/* SECCOMP_FILTER_FLAG_LOG */
#define CKPT_SECCOMP_FLAGS_ALL	0x1U

/* SECCOMP: a filter. Tail: @nr_insns of struct sock_filter, 8 bytes each. */
struct ckpt_seccomp {
	__u32 prev;		/* objref of the filter installed before it, or 0 */
	__u32 flags;		/* CKPT_SECCOMP_* */
	__u32 nr_insns;
	__u32 reserved;
};

#define CKPT_ITIMERS		3	/* ITIMER_REAL, _VIRTUAL, _PROF */

/* ACCOUNT: what the kernel counts and times of a process. */
struct ckpt_account {
	__aligned_s64 itimer_ns[CKPT_ITIMERS];	/* time left; 0: not running */
	__aligned_s64 itimer_interval_ns[CKPT_ITIMERS];
	__aligned_u64 utime_ns, stime_ns, runtime_ns;	/* of threads that have ended */
	__aligned_u64 cutime_ns, cstime_ns;		/* of children that were waited for */
	__u32 stop_code;	/* signal that stopped it, if wait(2) has not told of it */
	__u32 continued;	/* wait(2) has not told that it was continued */
	__u32 next_timer;	/* where the search for the id of a timer begins */
	__u32 reserved;
};

#define CKPT_TIMER_PENDING	(1U << 0)	/* its signal is pending */
#define CKPT_TIMER_ABSTIME	(1U << 1)	/* @value_ns is a time of day */
/* The thread @tid, or the one whose CPU time it counts, has ended. */
#define CKPT_TIMER_DEAD_THREAD	(1U << 2)
#define CKPT_TIMER_DEAD_CLOCK	(1U << 3)
#define CKPT_TIMER_FLAGS_ALL	0xfU

/* TIMERS: timers of timer_create(2), an array of these. */
struct ckpt_timer {
	__s32 id;
	__s32 clock;		/* that of a thread names it */
	__u32 notify;		/* SIGEV_* */
	__s32 signo;
	__aligned_u64 sigval;
	__s32 tid;		/* SIGEV_THREAD_ID */
	__u32 flags;		/* CKPT_TIMER_* */
	__aligned_s64 value_ns;	/* time left; 0: not running */
	__aligned_s64 interval_ns;
	__aligned_s64 overrun;	/* not yet told */
	__aligned_s64 overrun_last;	/* timer_getoverrun(2) */
};

#define CKPT_SCHED_RESET_ON_FORK (1U << 0)
#define CKPT_SCHED_AFFINITY	(1U << 1)	/* @cpus was asked for */
#define CKPT_SCHED_TSC_FAULTS	(1U << 2)	/* PR_TSC_SIGSEGV */
#define CKPT_SCHED_FLAGS_ALL	0x7U
#define CKPT_CPU_WORDS		16

/* SCHED: how a thread is scheduled, and what it may call. */
struct ckpt_sched {
	__u32 policy;		/* SCHED_* */
	__s32 nice;
	__u32 rt_priority;
	__u32 flags;		/* CKPT_SCHED_* */
	__aligned_u64 cpus[CKPT_CPU_WORDS];
	__aligned_u64 default_timer_slack_ns;
	__aligned_u64 utime_ns, stime_ns, runtime_ns;
	__u32 ioprio;
	__u32 seccomp_mode;	/* SECCOMP_MODE_* */
	__u32 seccomp;		/* objref of the filter installed last, or 0 */
	__u32 slice_ns;		/* that was asked for, by sched_setattr(2); else 0 */
};

/* DEADLINE: of a thread with the policy SCHED_DEADLINE, as in struct sched_attr. */
struct ckpt_deadline {
	__aligned_u64 runtime_ns;
	__aligned_u64 deadline_ns;
	__aligned_u64 period_ns;
	__aligned_u64 flags;	/* SCHED_FLAG_RECLAIM, _DL_OVERRUN */
};

/* What getrusage(2) counts beside time. */
struct ckpt_counts {
	__aligned_u64 min_flt, maj_flt;
	__aligned_u64 nvcsw, nivcsw;
	__aligned_u64 inblock, oublock;
};

/* USAGE: what a task has used. Zombies and dead leaders have one, too. */
struct ckpt_usage {
	__s32 pid;
	__u32 reserved;
	__aligned_u64 start_ns;			/* by the clocks of TIME */
	__aligned_u64 start_boottime_ns;
	/* Of those that have ended; of others, these stand in SCHED and ACCOUNT. */
	__aligned_u64 utime_ns, stime_ns, runtime_ns;
	__aligned_u64 cutime_ns, cstime_ns;
	struct ckpt_counts self;
	/* Of a process, else 0: */
	struct ckpt_counts ended;		/* threads */
	struct ckpt_counts children;		/* that were waited for */
	__aligned_u64 maxrss;			/* in bytes */
	__aligned_u64 children_maxrss;
};

/* DISPATCH: system calls are the thread's to handle: PR_SET_SYSCALL_USER_DISPATCH. */
struct ckpt_dispatch {
	__aligned_u64 offset;	/* code that may make them starts here */
	__aligned_u64 len;
	__aligned_u64 selector;	/* address of the byte that says so, or 0 */
};

/* CPU: x86-64 registers, as in struct user_regs_struct. */
struct ckpt_cpu_x86_64 {
	__aligned_u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	__aligned_u64 ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
	__aligned_u64 fs_base, gs_base, ds, es, fs, gs;
};

/* FPU: the XSAVE area in the standard (user) format. */

/* TRAILER: the checksum is CRC-32C over everything before it but page payload. */
struct ckpt_trailer {
	__aligned_u64 bytes;		/* of the image, trailer included */
	__aligned_u64 pages;
	__u32 crc32c;
	__u32 nr_records;
};

#endif /* _UAPI_LINUX_CHECKPOINT_IMAGE_H */
