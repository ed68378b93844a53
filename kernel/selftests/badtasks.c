// SPDX-License-Identifier: Apache-2.0
/* What an image says of what tasks have for themselves, and have used, is not believed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define MUTATIONS 200

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

int main(void)
{
	need_checkpoint();
	mutate_round("badtasks", body, damaged, is_about, MUTATIONS);
	return tap_done();
}
