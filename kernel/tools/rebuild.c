// SPDX-License-Identifier: Apache-2.0
/*
 * Making the tasks of a tree again, by raw clone3(). They share this program's
 * memory and thread pointer, or those of a root that is a copy of it, for none of
 * it is theirs for long: what runs in them makes bare system calls and nothing
 * else of libc.
 */
#define _GNU_SOURCE
#include "rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mounts.h"
#include "namespaces.h"
#include "pid_holder.h"
#include "raw.h"
#include "user_ns.h"
#include "util.h"

#define STACK_BYTES		8192
#define COPY_STACK_BYTES	(256 * 1024)
#define PROCESSES_PER_HELPER	2
#define GONE_WITHIN_MS		5000
/* How often, and for how long, to look again for a pid whose holders come to their end. */
#define ENDED_TRIES		1500
#define REAPED_TRIES		250
#define FREE_PAUSE_NS		20000000

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

/*
 * Returns as the restored task, at the place the image says, or not at all:
 * nothing of this program is left then.
 */
static __attribute__((noreturn)) void join(int ctx_fd)
{
	struct restart_args args = { .op = RESTART_JOIN, .ctx_fd = ctx_fd, .log_fd = -1 };

	raw2(__NR_restart_x86_64, (long)&args, sizeof(args));
	for (;;)
		raw2(SYS_exit_group, 127, 0);
}

/* If it fails, there is one less to help. */
static void help(struct rebuild *rebuild)
{
	struct restart_args args = { .op = RESTART_HELP, .ctx_fd = rebuild->ctx_fd, .log_fd = -1 };
	long made = raw2(__NR_restart_x86_64, (long)&args, sizeof(args));

	if (made > 0)
		__atomic_add_fetch(&rebuild->helped, made, __ATOMIC_RELAXED);
}

static void give_up(const struct rebuild *rebuild, int pid, int error)
{
	struct nursery *nursery = rebuild->nursery;
	int none = 0;

	if (__atomic_compare_exchange_n(&nursery->error, &none, error, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		nursery->error_pid = pid;
	__atomic_store_n(&nursery->stop, 1, __ATOMIC_SEQ_CST);
	raw3(SYS_ioctl, rebuild->ctx_fd, CKPT_RESTART_GIVE_UP, 0);
}

struct newborn {
	struct rebuild *rebuild;
	int index;
};

/* Not a task of the tree: it makes the root and ends, for init to become the root's parent. */
#define MAKER	(-1)
/* Nor is this one: it makes address spaces beside the coordinator. */
#define HELPER	(-2)

static int make_process(struct rebuild *rebuild, int index, bool parent_has_unshared);
static __attribute__((noreturn)) void grow(struct rebuild *rebuild, int index);

static __attribute__((noreturn, used)) void newborn_main(struct newborn *newborn)
{
	struct rebuild *rebuild = newborn->rebuild;
	const struct ckpt_task_entry *entry;

	if (newborn->index == MAKER)
		make_process(rebuild, 0, false);
	else if (newborn->index == HELPER)
		help(rebuild);
	if (newborn->index < 0)
		for (;;)
			raw2(SYS_exit_group, 0, 0);
	entry = &rebuild->tasks.at[newborn->index].entry;
	if (entry->pid == entry->tgid)
		grow(rebuild, newborn->index);
	rebuild->nursery->born[newborn->index] = 1;
	join(rebuild->ctx_fd);
}

/* The new task finds its argument on top of its stack; it never returns. */
static long clone_to(struct clone_args *args, void **stack_top)
{
	long ret;

	args->stack_size = (char *)stack_top - (char *)args->stack;
	asm volatile("syscall\n\t"
		     "testq %%rax, %%rax\n\t"
		     "jnz 1f\n\t"
		     "xorl %%ebp, %%ebp\n\t"
		     "movq (%%rsp), %%rdi\n\t"
		     "call newborn_main\n\t"
		     "hlt\n"
		     "1:"
		     : "=a"(ret)
		     : "a"(SYS_clone3), "D"(args), "S"(sizeof(*args))
		     : "rcx", "r11", "memory");
	return ret;
}

/* Let the task @index begin on the stack of @args. */
static long clone_newborn(struct rebuild *rebuild, int index, struct clone_args *args, size_t stack_bytes)
{
	char *stack = (char *)args->stack;
	/* Top of the stack: argument pointer (16-aligned), above it the argument. */
	struct newborn *newborn = (void *)(stack + stack_bytes - 64);
	void **top = (void **)(stack + stack_bytes - 128);

	*newborn = (struct newborn){ rebuild, index };
	*top = newborn;
	return clone_to(args, top);
}

/* Its pid in each namespace, innermost first. Returns how many. */
static int pids_of(const struct task *task, pid_t pids[CKPT_PID_LEVELS + 1])
{
	int depth = 0;

	while (depth < CKPT_PID_LEVELS && task->ns.nr[depth])
		depth++;
	for (int i = 0; i < depth; i++)
		pids[i] = task->ns.nr[depth - 1 - i];
	pids[depth] = task->entry.pid;
	return depth + 1;
}

/* Not who makes a cgroup namespace: that begins where its maker does. */
static void start_in_cgroup(const struct task *task, struct clone_args *args)
{
	if (task->cgroup == NO_CGROUP || args->flags & CLONE_NEWCGROUP)
		return;
	args->flags |= CLONE_INTO_CGROUP;
	args->cgroup = task->cgroup;
}

static int make_threads(struct rebuild *rebuild, const struct task *leader)
{
	for (int i = leader->thread; i != NO_TASK; i = rebuild->tasks.at[i].thread) {
		pid_t pids[CKPT_PID_LEVELS + 1];
		struct clone_args args = {
			.flags = THREAD_FLAGS, .stack = (uintptr_t)rebuild->stacks + (size_t)i * STACK_BYTES,
			.set_tid = (uintptr_t)pids, .set_tid_size = pids_of(&rebuild->tasks.at[i], pids),
		};
		long ret;

		if (rebuild->nursery->stop)
			return -1;
		start_in_cgroup(&rebuild->tasks.at[i], &args);
		ret = clone_newborn(rebuild, i, &args, STACK_BYTES);
		if (ret < 0) {
			give_up(rebuild, rebuild->tasks.at[i].entry.pid, -ret);
			return -1;
		}
	}
	return 0;
}

/* The namespaces that are made with the root. */
static uint64_t root_flags(const struct rebuild *rebuild)
{
	uint32_t own = rebuild->tasks.own & ~user_ns_owns(&rebuild->tasks);

	return (own & CKPT_NS_UTS ? CLONE_NEWUTS : 0) | (own & CKPT_NS_IPC ? CLONE_NEWIPC : 0) |
	       (own & CKPT_NS_MNT ? CLONE_NEWNS : 0) | (own & CKPT_NS_NET ? CLONE_NEWNET : 0) |
	       (own & CKPT_NS_CGROUP ? CLONE_NEWCGROUP : 0);
}

/* Who has made a cgroup namespace has begun in the cgroup of its maker. */
static void go_to_cgroup(struct rebuild *rebuild, int index)
{
	const struct task *task = &rebuild->tasks.at[index];
	long fd, ret;

	if (index || task->cgroup == NO_CGROUP || !(root_flags(rebuild) & CLONE_NEWCGROUP))
		return;
	fd = raw3(SYS_openat, task->cgroup, (long)"cgroup.procs", O_WRONLY | O_CLOEXEC);
	ret = fd < 0 ? fd : raw3(SYS_write, fd, (long)"0", 1);
	if (fd >= 0)
		raw2(SYS_close, fd, 0);
	if (ret < 0)
		give_up(rebuild, task->entry.pid, -ret);
}

/*
 * Not with the coordinator: who has mounts to make; a tree with namespaces of its
 * own, which the coordinator can only enter while its memory is its own, too, or
 * with a new time namespace, which is not for who shares memory; and one whose
 * control group may be short of memory, for who kills one of it kills all who
 * share it.
 */
static bool needs_copy(const struct rebuild *rebuild, int index)
{
	const struct tasks *tasks = &rebuild->tasks;

	if (index == 0)
		return tasks->own || rebuild->new_time || tasks->at[0].cgroup != NO_CGROUP;
	return tasks->at[index].ns.flags & CKPT_NS_PID_INIT &&
	       !(tasks->at[index].entry.flags & CKPT_TASK_SIGHAND);
}

static size_t give_stack(struct rebuild *rebuild, int index, struct clone_args *args)
{
	args->stack = (uintptr_t)rebuild->stacks + (size_t)index * STACK_BYTES;
	if (!needs_copy(rebuild, index)) {
		args->flags |= CLONE_VM;
		return STACK_BYTES;
	}
	args->stack = raw6(SYS_mmap, 0, COPY_STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return (long)args->stack < 0 && (long)args->stack > -4096 ? 0 : COPY_STACK_BYTES;
}

/* Is another try worth while, after @tries, for a pid that is in use? */
static bool may_get_free(int pid, int tries)
{
	enum pid_hope hope = pid_hope(pid);

	return hope != PID_TAKEN && tries < (hope == PID_ENDING ? ENDED_TRIES : REAPED_TRIES);
}

/* A child with a given pid. Gives up and returns -1 if that fails. */
static int make_process(struct rebuild *rebuild, int index, bool parent_has_unshared)
{
	const struct task *task = &rebuild->tasks.at[index];
	const struct ckpt_task_entry *entry = &task->entry;
	const struct timespec pause = { .tv_nsec = FREE_PAUSE_NS };
	pid_t pid = entry->pid, pids[CKPT_PID_LEVELS + 1];
	struct clone_args args = {
		.flags = index ? 0 : root_flags(rebuild),
		.exit_signal = entry->exit_signal & 0xff,
		.set_tid = (uintptr_t)pids, .set_tid_size = pids_of(task, pids),
	};
	size_t stack_bytes = give_stack(rebuild, index, &args);
	long ret = -ENOMEM;

	start_in_cgroup(task, &args);
	if (task->ns.flags & CKPT_NS_PID_INIT && !parent_has_unshared)
		args.flags |= CLONE_NEWPID;
	if (index && entry->flags & CKPT_TASK_SIGHAND)
		args.flags |= CLONE_SIGHAND;
	for (int tries = 0; stack_bytes; tries++) {
		ret = clone_newborn(rebuild, index, &args, stack_bytes);
		if (ret != -EEXIST || rebuild->nursery->stop || !may_get_free(pid, tries))
			break;
		raw2(SYS_nanosleep, (long)&pause, 0);
	}
	if (ret < 0)
		give_up(rebuild, pid, -ret);
	return ret < 0 ? -1 : ret;
}

/* Those of procfs show a pid namespace: its first process mounts them. */
static void make_mounts(struct rebuild *rebuild, int index)
{
	const struct tasks *tasks = &rebuild->tasks;
	bool init = tasks->at[index].ns.flags & CKPT_NS_PID_INIT, nested = false;

	if (!(tasks->own & CKPT_NS_MNT) || (index && !init))
		return;
	/* The others are there already, if they belong to a user namespace. */
	if (user_ns_owns(tasks) & CKPT_NS_MNT) {
		if (init && !mounts_make(tasks->mounts, true, false))
			give_up(rebuild, tasks->at[index].entry.pid, EIO);
		return;
	}
	for (int i = 1; i < tasks->nr && !init; i++)
		nested |= !!(tasks->at[i].ns.flags & CKPT_NS_PID_INIT);
	if (!index && !mounts_make(tasks->mounts, false, nested))
		give_up(rebuild, tasks->at[index].entry.pid, EIO);
	else if (index && !mounts_make(tasks->mounts, true, false))
		give_up(rebuild, tasks->at[index].entry.pid, EIO);
}

/* From here on a task makes its threads and children, then waits for its own state. */
static __attribute__((noreturn)) void grow(struct rebuild *rebuild, int index)
{
	struct nursery *nursery = rebuild->nursery;
	bool unshared, first;
	int child;

	nursery->born[index] = 1;
	if (rebuild->tasks.at[index].ns.flags & CKPT_NS_PID_USER &&
	    raw3(SYS_ioctl, rebuild->ctx_fd, CKPT_RESTART_GIVE_PID_NS, 0) < 0)
		give_up(rebuild, rebuild->tasks.at[index].entry.pid, EPERM);
	go_to_cgroup(rebuild, index);
	make_mounts(rebuild, index);
	unshared = rebuild->tasks.at[index].ns.flags & CKPT_NS_PID_UNSHARED;
	if (unshared && !nursery->stop && raw2(SYS_unshare, CLONE_NEWPID, 0) < 0)
		give_up(rebuild, rebuild->tasks.at[index].entry.pid, EPERM);
	/* A pid namespace begins with its first process. */
	for (first = true;; first = false) {
		for (child = rebuild->tasks.at[index].child; child != NO_TASK && !nursery->stop;
		     child = rebuild->tasks.at[child].sibling) {
			if (first != !!(rebuild->tasks.at[child].ns.flags & CKPT_NS_PID_INIT))
				continue;
			make_process(rebuild, child, unshared);
		}
		if (!first)
			break;
	}
	if (nursery->stop || make_threads(rebuild, &rebuild->tasks.at[index]) < 0)
		for (;;)
			raw2(SYS_exit_group, 127, 0);

	/* All of mine exist. Keep nothing but the context. */
	if (rebuild->ctx_fd > 0)
		raw3(SYS_close_range, 0, rebuild->ctx_fd - 1, 0);
	raw3(SYS_close_range, rebuild->ctx_fd + 1, -1U, 0);
	join(rebuild->ctx_fd);
}

/* Who has @pid, as a task, a process group or a session? */
static void name_user(int pid, char *text, size_t room)
{
	int member = pid_living_member(pid);
	char comm[64], path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (access(path, F_OK) == 0) {
		comm_of(pid, comm);
		snprintf(text, room, "in use by %s%s", comm,
			 pid_has_ended(pid) ? ", which has ended, but its parent has not waited for it" : "");
	} else if (member) {
		comm_of(member, comm);
		snprintf(text, room, "in use as the process group or session of %s (pid %d)", comm, member);
	} else {
		snprintf(text, room, "in use as the id of a process group or session");
	}
}

static bool has_cgroup(const struct rebuild *rebuild, int pid)
{
	for (int i = 0; i < rebuild->tasks.nr; i++)
		if (rebuild->tasks.at[i].entry.pid == pid)
			return rebuild->tasks.at[i].cgroup != NO_CGROUP;
	return false;
}

static char *why_not(const struct rebuild *rebuild)
{
	const struct nursery *nursery = rebuild->nursery;
	char user[192];
	int pid = nursery->error_pid;

	if (has_cgroup(rebuild, pid) && (nursery->error == EACCES || nursery->error == EBUSY || nursery->error == ENODEV ||
					 nursery->error == EOPNOTSUPP || nursery->error == ENOENT))
		return xasprintf("pid %d cannot be in its control group again: %s; --no-cgroups leaves it in that of the caller",
				 pid, strerror(nursery->error));
	switch (nursery->error) {
	case EEXIST:
		name_user(pid, user, sizeof(user));
		return xasprintf("pid %d is %s; end it, or restart in another pid namespace", pid, user);
	case EPERM:
		return xasprintf("pid %d cannot be chosen: needs CAP_CHECKPOINT_RESTORE, run it as root", pid);
	case EINVAL:
		return xasprintf("pid %d cannot be chosen here; is it above kernel.pid_max?", pid);
	case EIO:
		return xasprintf("pid %d: its mount namespace cannot be made again", pid);
	case EAGAIN:
		return xasprintf("pid %d cannot be made: a limit on processes is reached", pid);
	default:
		return xasprintf("pid %d cannot be made: %s", pid, strerror(nursery->error));
	}
}

/* Until every task holds its place or has ended; the time limit is for the caller to try again. */
static bool all_settled(const struct rebuild *rebuild, int limit_ms)
{
	struct pollfd progress = { .fd = rebuild->progress, .events = POLLIN };
	char byte;

	if (poll(&progress, 1, limit_ms) <= 0)
		return false;
	return read(rebuild->progress, &byte, 1) == 0;
}

/* A child that shares memory, on the @nth of the stacks that no task has. */
static int make_servant(struct rebuild *rebuild, int kind, int nth)
{
	struct clone_args args = {
		.flags = CLONE_VM, .exit_signal = SIGCHLD,
		.stack = (uintptr_t)rebuild->stacks + ((size_t)rebuild->tasks.nr + nth) * STACK_BYTES,
	};

	return clone_newborn(rebuild, kind, &args, STACK_BYTES);
}

static int usable_cpus(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) < 0 ? 1 : CPU_COUNT(&cpus);
}

void rebuild_help(struct rebuild *rebuild)
{
	int nr_processes = 0, wanted = usable_cpus() - 1;
	sigset_t all, before;

	for (int i = 0; i < rebuild->tasks.nr; i++)
		nr_processes += rebuild->tasks.at[i].entry.pid == rebuild->tasks.at[i].entry.tgid;
	if (wanted > nr_processes / PROCESSES_PER_HELPER)
		wanted = nr_processes / PROCESSES_PER_HELPER;
	if (wanted > MAX_HELPERS)
		wanted = MAX_HELPERS;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	for (int i = 0; i < wanted; i++) {
		int pid = make_servant(rebuild, HELPER, i);

		if (pid > 0)
			rebuild->helpers[rebuild->nr_helpers++] = pid;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void rebuild_helped(struct rebuild *rebuild)
{
	while (rebuild->nr_helpers)
		waitpid(rebuild->helpers[--rebuild->nr_helpers], NULL, 0);
}

void rebuild_begin(struct rebuild *rebuild, bool orphan)
{
	uint32_t owned = user_ns_owns(&rebuild->tasks);
	struct namespaces_before outside;
	int ends[2], maker = 0, holder = 0;
	sigset_t all, before;

	/* Before there is anything to be undone, or to be inherited. */
	if (rebuild->tasks.own & CKPT_NS_USER) {
		holder = user_ns_make(&rebuild->tasks, rebuild->ctx_fd);
		namespaces_enter(owned, holder, &outside);
	}
	rebuild->nursery = mmap(NULL, sizeof(struct nursery) + rebuild->tasks.nr, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rebuild->stacks = mmap(NULL, ((size_t)rebuild->tasks.nr + MAX_HELPERS) * STACK_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (rebuild->nursery == MAP_FAILED || rebuild->stacks == MAP_FAILED || pipe2(ends, O_CLOEXEC) < 0)
		die("cannot prepare: %s", strerror(errno));
	rebuild->progress = ends[0];
	rebuild->progress_in = ends[1];
	/* Nothing may interrupt a task before it has its own state. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	if (orphan)
		maker = make_servant(rebuild, MAKER, 0);
	else
		make_process(rebuild, 0, false);
	if (maker < 0)
		die("cannot make a process: %s", strerror(-maker));
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(rebuild->progress_in);
	if (holder) {
		namespaces_leave(&outside);
		user_ns_end(holder);
	}
	/* Once its maker has gone, the root is init's child, before it has a parent death signal. */
	if (orphan)
		waitpid(maker, NULL, 0);
}

void rebuild_settle(struct rebuild *rebuild)
{
	while (!all_settled(rebuild, -1))
		;
	rebuild_check(rebuild);
}

void rebuild_check(struct rebuild *rebuild)
{
	if (rebuild->nursery->error) {
		char *why = why_not(rebuild);

		rebuild_kill(rebuild);
		die("%s", why);
	}
}

static bool is_gone(int pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return access(path, F_OK) < 0;
}

void rebuild_kill(struct rebuild *rebuild)
{
	struct nursery *nursery = rebuild->nursery;
	const struct timespec moment = { .tv_nsec = 5000000 };

	if (!nursery)
		return;
	nursery->stop = 1;
	if (rebuild->ctx_fd >= 0)
		close(rebuild->ctx_fd);
	rebuild->ctx_fd = -1;
	do {
		for (int i = 0; i < rebuild->tasks.nr; i++)
			if (nursery->born[i])
				kill(rebuild->tasks.at[i].entry.tgid, SIGKILL);
	} while (!all_settled(rebuild, 10));

	/* Their pids are free when their parents, or init, have reaped them. */
	for (int i = 0, waited_ms = 0; i < rebuild->tasks.nr && waited_ms < GONE_WITHIN_MS;) {
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
		if (!nursery->born[i] || is_gone(rebuild->tasks.at[i].entry.pid)) {
			i++;
			continue;
		}
		nanosleep(&moment, NULL);
		waited_ms += 5;
	}
}
