// SPDX-License-Identifier: Apache-2.0
/* What holds for a whole address space. */
/* covers: Memory | droppable memory (MAP_DROPPABLE), whose contents are in no image | supported */
/* covers: Memory | membarrier(2), PR_SET_MDWE, PR_SET_MEMORY_MERGE, core dump filter | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE	65
#define PR_GET_MDWE	66
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE	67
#define PR_GET_MEMORY_MERGE	68
#endif

static int membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

static void barriers(void)
{
	membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);
	membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
	pause_here();
	verify(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0, "private expedited");
	verify(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) == 0, "and that synchronizes cores");
	verify(membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) == 0, "global expedited");
	verify(membarrier(512) == (MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |
				   MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE), "what is registered, and nothing else");
}

static void mdwe(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t child;

	if (prctl(PR_SET_MDWE, 1 | 2, 0, 0, 0) < 0)
		_exit(90);
	pause_here();
	verify(prctl(PR_GET_MDWE, 0, 0, 0, 0) == 3, "flags: %d", prctl(PR_GET_MDWE, 0, 0, 0, 0));
	verify(mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0 && errno == EACCES, "memory does not become executable");
	child = fork();
	if (child == 0)
		_exit(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : 1);
	waitpid(child, &status, 0);
	verify(status == 0, "that of a child does");
}

static void merge(void)
{
	if (prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0) < 0)
		_exit(91);
	pause_here();
	verify(prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0) == 1, "all memory is to be merged");
}

static unsigned int dump_filter(void)
{
	char text[32] = "";
	int fd = open("/proc/self/coredump_filter", O_RDONLY);

	if (read(fd, text, sizeof(text) - 1) < 0)
		_exit(92);
	close(fd);
	return strtoul(text, NULL, 16);
}

static void dumps(void)
{
	int fd = open("/proc/self/coredump_filter", O_WRONLY);

	if (write(fd, "0x1ab", 5) != 5)
		_exit(93);
	close(fd);
	pause_here();
	verify(dump_filter() == 0x1ab, "filter: 0x%x", dump_filter());
}

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE	0x08
#endif

/* What getrandom(2) without a system call keeps its state in. */
static void droppable(void)
{
	char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0), *after;

	if (p == MAP_FAILED)
		_exit(94);
	memset(p, 's', 3 * 4096);
	pause_here();
	verify(!p[0] && !p[2 * 4096], "its contents are in no image");
	p[0] = 'n';
	verify(p[0] == 'n', "and can be written");
	if (fork() == 0) {
		verify(!p[0], "a child does not have it");
		_exit(0);
	}
	wait(NULL);
	after = mmap(NULL, 4096, PROT_READ, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
	verify(after != MAP_FAILED && mprotect(p + 4096, 4096, PROT_READ) == 0, "it is like any other");
}

/* Grown out of two, it is larger than one call may ask for (vm.overcommit_memory). */
static void grown(void)
{
	struct sysinfo info;
	size_t half;
	char *at;

	sysinfo(&info);
	half = (info.totalram * info.mem_unit / 4 * 3) & ~0x1fffffUL;
	at = mmap(NULL, 2 * half, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (int i = 0; i < 2; i++)
		if (mmap(at + i * half, half, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED)
			_exit(70);
	at[0] = 1;
	at[2 * half - 1] = 2;
	pause_here();
	verify(at[0] == 1 && at[2 * half - 1] == 2, "a mapping larger than memory");
}

int main(void)
{
	need_checkpoint();
	subject_round("grown", grown);
	subject_round("membarrier", barriers);
	subject_round("MDWE", mdwe);
	subject_round("merge", merge);
	subject_round("droppable", droppable);
	subject_round("core dumps", dumps);
	return tap_done();
}
