// SPDX-License-Identifier: Apache-2.0
/* What an image says of what tasks have for themselves, and have used, is not believed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define MUTATIONS 200
#define CHILD	"heir's child"

static volatile int ready_threads, go_on;

static void *apart(void *unused)
{
	if (unshare(CLONE_FS | CLONE_FILES) < 0)
		_exit(1);
	ready_threads++;
	while (!go_on)
		usleep(1000);
	return unused;
}

static void body(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, apart, NULL);
	while (!ready_threads)
		usleep(1000);
	pause_here();
	go_on = 1;
	pthread_join(thread, NULL);
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_UNSHARED || type == CKPT_REC_USAGE;
}

static void unshared(void)
{
	struct ckpt_unshared *u = record(CKPT_REC_UNSHARED, NULL);
	struct ckpt_process *p = record(CKPT_REC_PROCESS, NULL);

	BAD_FIELD(u->files, 0xffff, "descriptors that there are not", "no object has objref");
	BAD_FIELD(u->files, u->fs, "directories for descriptors", "is a FS, not");
	BAD_FIELD(u->files, p->files, "descriptors of the process", "invalid attributes");
	BAD_FIELD(u->fs, 0xffff, "directories that there are not", "no object has objref");
	BAD_FIELD(u->fs, p->fs, "directories of the process", "invalid attributes");
	BAD_FIELD(u->fs, u->files, "descriptors for directories", "is a FILES, not");
	BAD_FIELD(u->uts, u->files, "descriptors for a namespace", "is a FILES, not");
	BAD_FIELD(u->ipc, 0xffff, "a namespace that there is not", "no object has objref");
}

static void usage(void)
{
	struct ckpt_usage *u = record(CKPT_REC_USAGE, NULL);

	BAD_FIELD(u->pid, u->pid + 1, "of another, a second time", "stands twice");
	BAD_FIELD(u->pid, 0x7fffff, "of nobody", "no task with pid");
	BAD_FIELD(u->reserved, 1, "a reserved field", "invalid attributes");
	BAD_FIELD(u->self.min_flt, -1ULL, "more page faults than there can be", "invalid attributes");
	BAD_FIELD(u->children.oublock, 1ULL << 48, "more blocks than there can be", "invalid attributes");
	BAD_FIELD(u->utime_ns, 1, "time that stands elsewhere", "invalid attributes");
	BAD_FIELD(u->cstime_ns, 1, "time of children that stands elsewhere", "invalid attributes");
	BAD_FIELD(u->start_ns, -1ULL, "a start before all time", "invalid attributes");
	BAD_FIELD(u->maxrss, -1ULL, "more memory than there can be", "invalid attributes");
}

static void damaged(void)
{
	unshared();
	usage();
}

static int go[2];

/* Of a process whose first thread has ended, it is the parent of another one. None outlives its parent. */
static void *heir(void *unused)
{
	int life[2];
	char c;

	close(go[1]);
	if (pipe(life) < 0)
		_exit(1);
	if (fork() == 0) {
		prctl(PR_SET_NAME, CHILD);
		close(life[1]);
		_exit(read(life[0], &c, 1));
	}
	_exit(read(go[0], &c, 1) != 1);
	return unused;
}

static void leaderless_body(void)
{
	char path[64], stat[256], *end;
	pthread_t thread;
	int status = -1;
	pid_t pid;

	if (pipe(go) < 0)
		_exit(1);
	pid = fork();
	if (pid == 0) {
		pthread_create(&thread, NULL, heir, NULL);
		syscall(SYS_exit, 0);
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, pid);
	do
		end = strrchr(content(path, stat, sizeof(stat)), ')');
	while (!end || end[2] != 'Z');
	pause_here();
	if (write(go[1], "", 1) != 1)
		_exit(1);
	verify(waitpid(pid, &status, 0) == pid && status == 0, "it ends");
}

static bool is_thread(uint32_t type)
{
	return type == CKPT_REC_THREAD;
}

static bool is_child(const void *body)
{
	return !strcmp(((const struct ckpt_thread *)body)->comm, CHILD);
}

/* The end of its parent's first thread would kill it, before it is whole. */
static void orphaned(void)
{
	struct ckpt_thread *t = record(CKPT_REC_THREAD, is_child);

	BAD_FIELD(t->pdeath_signal, SIGKILL, "to be killed by the end of a thread that ends", "was killed");
}

int main(void)
{
	need_checkpoint();
	mutate_round("badtasks", body, damaged, is_about, MUTATIONS);
	mutate_round("a first thread that has ended", leaderless_body, orphaned, is_thread, MUTATIONS / 4);
	return tap_done();
}
