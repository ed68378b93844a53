// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

/* Mounts last: after that, paths are others. */
static const struct {
	uint32_t own;
	const char *name;
	int type;
} kinds[] = {
	{ CKPT_NS_UTS, "uts", CLONE_NEWUTS },
	{ CKPT_NS_IPC, "ipc", CLONE_NEWIPC },
	{ CKPT_NS_TIME, "time", CLONE_NEWTIME },
	{ CKPT_NS_NET, "net", CLONE_NEWNET },
	{ CKPT_NS_CGROUP, "cgroup", CLONE_NEWCGROUP },
	{ CKPT_NS_MNT, "mnt", CLONE_NEWNS },
};

#define NS_PER_S	1000000000LL
#define NR_KINDS	(sizeof(kinds) / sizeof(kinds[0]))

static int open_links(const char *of)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/ns", of);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* To read the names of two is less than to look up both namespaces. */
uint32_t namespaces_own(pid_t pid)
{
	char ours[64], theirs[64], of[16];
	uint32_t own = 0;
	int self, other;

	snprintf(of, sizeof(of), "%d", pid);
	self = open_links("self");
	other = open_links(of);
	for (size_t i = 0; i < NR_KINDS; i++) {
		ssize_t len = readlinkat(self, kinds[i].name, ours, sizeof(ours));

		if (len > 0 && readlinkat(other, kinds[i].name, theirs, sizeof(theirs)) > 0 &&
		    memcmp(ours, theirs, len))
			own |= kinds[i].own;
	}
	if (self >= 0)
		close(self);
	if (other >= 0)
		close(other);
	return own;
}

/* All are opened before any is entered. */
static int open_all(uint32_t own, const char *of, int fds[NR_KINDS])
{
	char path[64];

	for (size_t i = 0; i < NR_KINDS; i++) {
		fds[i] = -1;
		if (!(own & kinds[i].own))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/%s", of, kinds[i].name);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			return -1;
	}
	return 0;
}

static int enter_all(const int fds[NR_KINDS])
{
	for (size_t i = 0; i < NR_KINDS; i++) {
		if (fds[i] < 0)
			continue;
		if (setns(fds[i], kinds[i].type) < 0)
			return -1;
	}
	return 0;
}

static void close_all(const int fds[NR_KINDS])
{
	for (size_t i = 0; i < NR_KINDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Of this process, or of its children, by clock. */
static int64_t offset_ns(const char *clock)
{
	FILE *file = fopen("/proc/self/timens_offsets", "re");
	long long seconds, ns;
	int64_t offset = 0;
	char name[32];

	while (file && fscanf(file, "%31s %lld %lld", name, &seconds, &ns) == 3)
		if (!strcmp(name, clock))
			offset = seconds * NS_PER_S + ns;
	if (file)
		fclose(file);
	return offset;
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Seconds, and nanoseconds that are not negative. */
static void print_offset(FILE *file, const char *clock, int64_t ns)
{
	int64_t seconds = ns / NS_PER_S - (ns % NS_PER_S < 0);

	fprintf(file, "%s %lld %lld\n", clock, (long long)seconds, (long long)(ns - seconds * NS_PER_S));
}

void namespaces_make_time(const struct ckpt_time *time)
{
	/* What is written is the distance from the host's clocks. */
	int64_t monotonic = (int64_t)time->monotonic_ns - (now_ns(CLOCK_MONOTONIC) - offset_ns("monotonic"));
	int64_t boottime = (int64_t)time->boottime_ns - (now_ns(CLOCK_BOOTTIME) - offset_ns("boottime"));
	FILE *file;

	if (unshare(CLONE_NEWTIME) < 0)
		die("cannot make a time namespace: %s", strerror(errno));
	file = fopen("/proc/self/timens_offsets", "we");
	if (!file)
		die("the offsets of a time namespace: %s", strerror(errno));
	setvbuf(file, NULL, _IOFBF, 256);
	print_offset(file, "monotonic", monotonic);
	print_offset(file, "boottime", boottime);
	if (fclose(file) != 0)
		die("the clocks of the image cannot be had here: %s", strerror(errno));
}

struct outcome {
	long ret;
	int error;
	struct checkpoint_stats stats;
};

static void checkpoint_inside(uint32_t own, pid_t pid, struct checkpoint_args *args, struct outcome *outcome)
{
	int fds[NR_KINDS];
	char of[16];

	/* Who is interrupted is the parent; it takes this process with it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_IGN);
	snprintf(of, sizeof(of), "%d", pid);
	outcome->ret = open_all(own, of, fds);
	if (outcome->ret == 0)
		outcome->ret = enter_all(fds);
	outcome->error = errno;
	close_all(fds);
	if (outcome->ret == 0) {
		args->stats = (uintptr_t)&outcome->stats;
		outcome->ret = syscall(__NR_checkpoint_x86_64, args, sizeof(*args));
		outcome->error = errno;
	}
	_exit(0);
}

long namespaces_checkpoint(uint32_t own, pid_t pid, struct checkpoint_args *args, struct checkpoint_stats *stats)
{
	/* What it opens, a tree that is held, is the caller's. */
	struct clone_args clone = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
	struct outcome *outcome;
	long ret;
	int child;

	if (!own)
		return syscall(__NR_checkpoint_x86_64, args, sizeof(*args));
	if (own & CKPT_NS_UTS)
		args->flags |= CHECKPOINT_OWN_UTS;
	if (own & CKPT_NS_IPC)
		args->flags |= CHECKPOINT_OWN_IPC;
	if (own & CKPT_NS_MNT)
		args->flags |= CHECKPOINT_OWN_MNT;
	if (own & CKPT_NS_TIME)
		args->flags |= CHECKPOINT_OWN_TIME;
	if (own & CKPT_NS_NET)
		args->flags |= CHECKPOINT_OWN_NET;
	if (own & CKPT_NS_CGROUP)
		args->flags |= CHECKPOINT_OWN_CGROUP;
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (outcome == MAP_FAILED)
		return -1;
	outcome->ret = -1;
	outcome->error = EINTR;
	child = syscall(SYS_clone3, &clone, sizeof(clone));
	if (child < 0)
		return -1;
	if (child == 0)
		checkpoint_inside(own, pid, args, outcome);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	ret = outcome->ret;
	errno = outcome->error;
	*stats = outcome->stats;
	return ret;
}

void namespaces_enter(uint32_t own, pid_t pid, struct namespaces_before *before)
{
	int fds[NR_KINDS];
	char of[16];

	memset(before, 0, sizeof(*before));
	if (!own)
		return;
	snprintf(of, sizeof(of), "%d", pid);
	before->cwd = open(".", O_PATH | O_CLOEXEC);
	if (open_all(own, "self", before->fds) < 0 || open_all(own, of, fds) < 0 || enter_all(fds) < 0)
		die("the namespaces of pid %d cannot be entered: %s", pid, strerror(errno));
	close_all(fds);
	before->entered = own;
}

void namespaces_leave(struct namespaces_before *before)
{
	if (!before->entered)
		return;
	enter_all(before->fds);
	close_all(before->fds);
	if (before->entered & CKPT_NS_MNT && (before->cwd < 0 || fchdir(before->cwd) < 0))
		complain("cannot go back to the working directory: %s", strerror(errno));
	if (before->cwd >= 0)
		close(before->cwd);
	before->entered = 0;
}
