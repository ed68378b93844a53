// SPDX-License-Identifier: Apache-2.0
/* State of threads that few programs have, and whose loss nobody would see. */
/* covers: Tasks | SCHED_DEADLINE, a time slice of its own | supported */
/* covers: Tasks | PR_SET_SYSCALL_USER_DISPATCH, PR_MCE_KILL, PR_SET_IO_FLUSHER | supported */
/* covers: Tasks | the least oom_score_adj that a process may give itself; that it has executed a program since it was forked | supported */
/* covers: Tasks | dumpable by root only (fs.suid_dumpable) | supported */
/* covers: Tasks | sandboxes of Landlock that the caller does not live in | refused by name */
/* covers: Tasks | traced processes | refused by name */
/* covers: Tasks | a root that ends while it is asked to rest | refused by name */
/* covers: Memory | sealed mappings (mseal) | supported */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/checkpoint.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH	59
#endif
#define NR_LANDLOCK_CREATE_RULESET	444
#define NR_LANDLOCK_RESTRICT_SELF	446
#define NR_MSEAL			462

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static struct attr attr_of(pid_t pid)
{
	struct attr a = {};

	if (syscall(SYS_sched_getattr, pid, &a, sizeof(a), 0) < 0)
		_exit(90);
	return a;
}

static void set_attr(uint32_t policy, uint64_t flags, uint64_t runtime, uint64_t deadline, uint64_t period)
{
	struct attr a = { .size = sizeof(a), .policy = policy, .flags = flags, .runtime = runtime,
			  .deadline = deadline, .period = period };

	if (syscall(SYS_sched_setattr, 0, &a, 0) < 0)
		_exit(91);
}

static void deadline(void)
{
	struct attr a;

	signal(SIGXCPU, SIG_IGN);
	set_attr(6 /* SCHED_DEADLINE */, 1 | 4 /* reset on fork, tell of overruns */, 3000000, 20000000, 30000000);
	pause_here();
	a = attr_of(0);
	verify(a.policy == 6 && a.flags == (1 | 4), "policy %u, flags 0x%lx", a.policy, (unsigned long)a.flags);
	verify(a.runtime == 3000000 && a.deadline == 20000000 && a.period == 30000000, "runtime, deadline, period");
}

static void slice(void)
{
	struct attr a;

	set_attr(0, 0, 7000000, 0, 0);
	pause_here();
	a = attr_of(0);
	verify(a.policy == 0 && a.runtime == 7000000, "slice: %lu ns", (unsigned long)a.runtime);
}

static volatile char selector;
static volatile int dispatched;

static void on_dispatch(int sig)
{
	(void)sig;
	selector = 0;
	dispatched++;
}

static void dispatch(void)
{
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0UL, 0UL, &selector) < 0)
		_exit(92);
	signal(SIGSYS, on_dispatch);
	pause_here();
	selector = 1;
	syscall(SYS_getppid);
	selector = 0;
	verify(dispatched == 1, "its system calls are its own to handle (%d)", dispatched);
	prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0UL, 0UL, 0UL);
}

static pthread_barrier_t barrier;
static volatile bool go_on;
static volatile int others_policy;

static void *another(void *unused)
{
	prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0);
	pthread_barrier_wait(&barrier);
	while (!go_on)
		usleep(1000);
	others_policy = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
	return unused;
}

static void flags(void)
{
	pthread_t thread;

	prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, another, NULL);
	pthread_barrier_wait(&barrier);
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) < 0)
		_exit(93);
	pause_here();
	verify(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0) == PR_MCE_KILL_EARLY, "killed early");
	verify(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0) == 1, "an I/O flusher");
	go_on = true;
	pthread_join(thread, NULL);
	verify(others_policy == PR_MCE_KILL_LATE, "the other thread late");
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(94);
	close(fd);
}

/* A power that was given once: to go back to a score that others may not set; and what its parent may not do any more. */
static void scored(void)
{
	int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC), ends[2], status = -1;
	pid_t child;
	char c;

	if (write(score, "-500", 4) != 4 || pipe(ends) < 0)
		_exit(97);
	child = fork();
	if (child == 0) {
		char fd[16];

		snprintf(fd, sizeof(fd), "%d", ends[1]);
		execl("/bin/sh", "sh", "-c", "echo >&$1; exec sleep 1000", "sh", fd, NULL);
		_exit(98);
	}
	if (read(ends[0], &c, 1) != 1 || setpgid(child, child) == 0 || errno != EACCES || seteuid(1000) < 0 ||
	    write(score, "100", 3) != 3)
		_exit(99);
	pause_here();
	verify(setpgid(child, child) < 0 && errno == EACCES, "who has executed a program is not moved to another group");
	verify(write(score, "-500", 4) == 4 && write(score, "-501", 4) < 0 && errno == EACCES, "a score that it may go back to");
	verify(seteuid(0) == 0 && kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child, "it comes to its end");
}

static void dumpable(void)
{
	put("/proc/sys/fs/suid_dumpable", "2");
	if (seteuid(1000) < 0 || seteuid(0) < 0)
		_exit(95);
	put("/proc/sys/fs/suid_dumpable", "0");
	if (prctl(PR_GET_DUMPABLE) != 2)
		_exit(96);
	pause_here();
	verify(prctl(PR_GET_DUMPABLE) == 2, "dumpable: %d", prctl(PR_GET_DUMPABLE));
}

static void sealed(void)
{
	char *p = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 'x', 5 * 4096);
	if (madvise(p + 4096, 4096, MADV_DONTDUMP) < 0 || syscall(NR_MSEAL, p + 4096, 2 * 4096, 0UL) < 0)
		_exit(97);
	pause_here();
	verify(munmap(p + 4096, 4096) < 0 && errno == EPERM && mprotect(p + 2 * 4096, 4096, PROT_READ) < 0 && errno == EPERM,
	       "they stay as they are");
	p[4096] = 'y';
	verify(p[4096] == 'y' && p[2 * 4096] == 'x', "and can be written to");
	verify(mprotect(p, 4096, PROT_READ) == 0 && munmap(p + 3 * 4096, 2 * 4096) == 0, "their neighbours are not sealed");
}

static void sandboxed(void)
{
	uint64_t handled = 1 << 1;	/* LANDLOCK_ACCESS_FS_WRITE_FILE */
	int ends[2], rules = syscall(NR_LANDLOCK_CREATE_RULESET, &handled, sizeof(handled), 0);
	char byte;

	if (pipe(ends) < 0)
		_exit(98);
	if (fork() == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(NR_LANDLOCK_RESTRICT_SELF, rules, 0) < 0)
			_exit(99);
		close(rules);
		if (write(ends[1], "x", 1) == 1)
			pause();
	}
	close(rules);
	if (read(ends[0], &byte, 1) != 1)
		_exit(99);
	pause_here();
}

static void traces(void)
{
	pid_t child = fork();

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		pause();
	}
	waitpid(child, NULL, 0);
	pause_here();
	kill(child, SIGKILL);
}

static void refused(const char *word, void (*body)(void))
{
	struct subject s;
	char output[8192], pid[16];
	int status;

	if (!subject_start(&s, word, body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	status = RUN(output, checkpoint_path, "-o", "/ckpt/selftest-odd.img", "--kill", pid);
	tap_ok(status == 1 && strstr(output, word), "refused: %s", word);
	tap_diag("%s", output);
	subject_finish(&s);
}

/* Who is given a core waits until somebody is in checkpoint(2). */
static int take_core(void)
{
	char path[64], text[128];
	struct dirent *entry;

	for (;; usleep(10000)) {
		DIR *proc = opendir("/proc");

		while (proc && (entry = readdir(proc))) {
			snprintf(path, sizeof(path), "/proc/%.20s/syscall", entry->d_name);
			if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			    atoi(content(path, text, sizeof(text))) == __NR_checkpoint_x86_64)
				return 0;
		}
		closedir(proc);
	}
}

/* A root that was on its way out when it was asked to rest, and has ended since. */
static void ends_meanwhile(void)
{
	char before[256], output[8192], path[64], pid[16];
	pid_t child;
	int status;

	content("/proc/sys/kernel/core_pattern", before, sizeof(before));
	if (!put_text("/proc/sys/kernel/core_pattern", "|/usr/lib/crlab/selftests/oddstate --core"))
		tap_diag("cores go elsewhere");
	child = fork();
	if (child == 0) {
		prctl(PR_SET_DUMPABLE, 1);
		abort();
	}
	snprintf(path, sizeof(path), "/proc/%d/status", child);
	while (!strstr(whole_content(path, output, sizeof(output)), "CoreDumping:\t1"))
		usleep(10000);
	snprintf(pid, sizeof(pid), "%d", child);
	status = RUN(output, checkpoint_path, "-o", "/ckpt/selftest-odd.img", pid);
	tap_ok(status == 1 && strstr(output, "has ended"), "a root that ends meanwhile: %d, %s", status, output);
	tap_ok(!exists("/ckpt/selftest-odd.img"), "is not written");
	waitpid(child, NULL, 0);
	put_text("/proc/sys/kernel/core_pattern", before);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--core"))
		return take_core();
	need_checkpoint();
	subject_round("deadline", deadline);
	subject_round("slice", slice);
	subject_round("dispatch", dispatch);
	subject_round("flags", flags);
	subject_round("scored", scored);
	subject_round("dumpable", dumpable);
	subject_round("sealed", sealed);
	refused("Landlock", sandboxed);
	refused("is traced by", traces);
	ends_meanwhile();
	return tap_done();
}
