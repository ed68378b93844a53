// SPDX-License-Identifier: Apache-2.0
/* The names of numbers in an image. */
#include <stddef.h>

#include "show.h"

#define NAME_OF(table, n) ((n) < sizeof(table) / sizeof(*(table)) ? (table)[n] : NULL)

const char *file_kind(uint32_t kind)
{
	static const char *const names[] = {
		NULL, "path", "relinked", "pipe", "tty", "inotify", "fanotify", NULL, "copied", "hidden", "dead_proc", "other_name",
		[CKPT_FILE_EVENTFD] = "eventfd", "signalfd", "timerfd", "epoll", "memfd", "socket", "pidfd",
		"pty-master", "pty-slave", "mqueue", "io_uring", "tun", "bpf-map",
	};

	return NAME_OF(names, kind);
}

const char *owner_type(uint32_t type)
{
	static const char *const names[] = { "none", "process", "group", "thread" };

	return NAME_OF(names, type);
}

const char *lock_kind(uint32_t kind)
{
	static const char *const names[] = { NULL, "posix", "ofd", "flock", "lease" };

	return NAME_OF(names, kind);
}

const char *lock_type(uint32_t type)
{
	static const char *const names[] = { NULL, "read", "write" };

	return NAME_OF(names, type);
}

const char *vma_kind(uint32_t kind)
{
	static const char *const names[] = { NULL, "anon", "file", "shmem", "vdso", "vvar", "sysv", "aio", "hugetlb" };

	return NAME_OF(names, kind);
}

const char *tracker_name(uint32_t tracker)
{
	static const char *const names[] = { "default", "soft-dirty", "wp", "scan", "hash" };

	return NAME_OF(names, tracker);
}

const char *extent_kind(uint32_t kind)
{
	static const char *const names[] = { NULL, "data", "zero", "parent" };

	return NAME_OF(names, kind);
}

const char *vma_flag(unsigned int bit)
{
	static const char *const names[] = {
		"read", "write", "exec", "shared", "growsdown", "locked", "lockonfault", "noreserve", "dontfork",
		"dontdump", "wipeonfork", "hugepage", "nohugepage", "mergeable", "rand_read", "seq_read", "sealed",
		"rdonly", "droppable",
	};

	return NAME_OF(names, bit);
}

const char *restart_kind(uint32_t kind)
{
	static const char *const names[] = { "none", "nanosleep", "futex", "poll", "semtimedop", "epoll", "sigtimedwait", "vfork" };

	return NAME_OF(names, kind);
}
