// SPDX-License-Identifier: Apache-2.0
/* What getrusage(2), wait4(2) and /proc/PID/stat tell of what tasks have used, and since when. */
/* covers: Time | page faults, context switches, blocks, maxrss (getrusage), of threads and children, too | supported */
/* covers: Time | what a zombie has used, for who waits for it | supported */
/* covers: Time | start times in /proc/PID/stat | supported */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define PAGES	3000
#define PAGE	4096L

static volatile pid_t tid;
static int to[2], back[2];

/* So many page faults, so much memory, so many context switches, some time. */
static void use(long ms)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec from, now;

	madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE);
	for (long i = 0; i < PAGES; i++)
		p[i * PAGE] = 1;
	munmap(p, PAGES * PAGE);
	for (int i = 0; i < 200; i++)
		usleep(100);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while ((now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000 < ms);
}

static long time_ms(const struct rusage *r)
{
	return (r->ru_utime.tv_sec + r->ru_stime.tv_sec) * 1000 + (r->ru_utime.tv_usec + r->ru_stime.tv_usec) / 1000;
}

/* The restart itself adds a little, but not so much again. */
static void compare(const struct rusage *before, int who, const char *name)
{
	struct rusage now;

	getrusage(who, &now);
	verify(now.ru_minflt >= before->ru_minflt && now.ru_minflt < before->ru_minflt + PAGES, "%s: %ld page faults, before %ld",
	       name, now.ru_minflt, before->ru_minflt);
	verify(now.ru_majflt >= before->ru_majflt, "%s: %ld major page faults, before %ld", name, now.ru_majflt,
	       before->ru_majflt);
	verify(now.ru_nvcsw >= before->ru_nvcsw, "%s: %ld context switches, before %ld",
	       name, now.ru_nvcsw, before->ru_nvcsw);
	verify(now.ru_nivcsw >= before->ru_nivcsw, "%s: %ld forced ones, before %ld", name, now.ru_nivcsw, before->ru_nivcsw);
	verify(now.ru_inblock >= before->ru_inblock && now.ru_oublock >= before->ru_oublock, "%s: blocks read and written", name);
	verify(now.ru_maxrss >= before->ru_maxrss, "%s: %ld KiB at most, before %ld", name, now.ru_maxrss, before->ru_maxrss);
	verify(time_ms(&now) >= time_ms(before), "%s: %ld ms, before %ld", name, time_ms(&now), time_ms(before));
}

static void *thread_main(void *unused)
{
	struct rusage before;
	char c;

	use(30);
	getrusage(RUSAGE_THREAD, &before);
	tid = syscall(SYS_gettid);
	if (read(to[0], &c, 1) != 1)
		_exit(85);
	compare(&before, RUSAGE_THREAD, "a thread");
	return unused;
}

static void *short_thread(void *unused)
{
	use(20);
	return unused;
}

static void counts(void)
{
	struct rusage self, children;
	struct timespec cpu, now;
	pthread_t thread;
	pid_t pid;

	if (pipe(to) < 0)
		_exit(88);
	pthread_create(&thread, NULL, short_thread, NULL);
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, thread_main, NULL);
	pid = fork();
	if (pid == 0) {
		use(20);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	use(50);
	while (!tid)
		usleep(1000);
	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	pause_here();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	verify(now.tv_sec > cpu.tv_sec || (now.tv_sec == cpu.tv_sec && now.tv_nsec >= cpu.tv_nsec), "the CPU clock goes on");
	compare(&self, RUSAGE_SELF, "the process");
	compare(&children, RUSAGE_CHILDREN, "its children");
	if (write(to[1], "x", 1) != 1)
		_exit(87);
	pthread_join(thread, NULL);
}

static void zombie(void)
{
	struct rusage *used = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), r;
	siginfo_t info;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		pid_t grandchild = fork();

		if (grandchild == 0) {
			use(60);
			_exit(0);
		}
		waitpid(grandchild, NULL, 0);
		use(80);
		getrusage(RUSAGE_SELF, &used[0]);
		getrusage(RUSAGE_CHILDREN, &used[1]);
		_exit(0);
	}
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	pause_here();
	if (wait4(pid, NULL, 0, &r) != pid)
		_exit(80);
	verify(time_ms(&r) >= 140 && r.ru_minflt >= 2 * PAGES && used[1].ru_nvcsw &&
	       r.ru_nvcsw >= used[0].ru_nvcsw + used[1].ru_nvcsw,
	       "who waits is told: %ld ms, %ld page faults, %ld context switches", time_ms(&r), r.ru_minflt, r.ru_nvcsw);
	verify(r.ru_maxrss >= PAGES * PAGE / 1024, "and %ld KiB at most", r.ru_maxrss);
	getrusage(RUSAGE_CHILDREN, &r);
	verify(time_ms(&r) >= 140 && r.ru_minflt >= 2 * PAGES, "and it counts as its children's: %ld ms", time_ms(&r));
}

/* Of a thread that has ended first; its process lives on. */
static void *heir(void *unused)
{
	char path[64], stat[512], *end;
	struct rusage before;
	struct timespec cpu, now;
	char c;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", getpid(), getpid());
	do
		end = strrchr(content(path, stat, sizeof(stat)), ')');
	while (!end || end[2] != 'Z');
	getrusage(RUSAGE_SELF, &before);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	if (write(back[1], "x", 1) != 1 || read(to[0], &c, 1) != 1)
		_exit(81);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	verify(now.tv_sec > cpu.tv_sec || (now.tv_sec == cpu.tv_sec && now.tv_nsec >= cpu.tv_nsec), "the CPU clock goes on");
	compare(&before, RUSAGE_SELF, "without its first thread, the process");
	syscall(SYS_exit_group, 0);
	return unused;
}

static void dead_leader(void)
{
	pthread_t thread;
	int status = -1;
	pid_t pid;
	char c;

	if (pipe(to) < 0 || pipe(back) < 0)
		_exit(82);
	pid = fork();
	if (pid == 0) {
		use(80);
		pthread_create(&thread, NULL, heir, NULL);
		syscall(SYS_exit, 0);
	}
	if (read(back[0], &c, 1) != 1)
		_exit(83);
	pause_here();
	if (write(to[1], "x", 1) != 1)
		_exit(84);
	verify(waitpid(pid, &status, 0) == pid && status == 0, "it ends");
}

/* In ticks of a hundredth of a second since the machine started. */
static unsigned long long start_of(pid_t pid, pid_t thread)
{
	unsigned long long start = 0;
	char path[64], stat[1024], *at;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, thread);
	at = strrchr(content(path, stat, sizeof(stat)), ')');
	if (at)
		sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &start);
	return start;
}

static void *sleeps(void *unused)
{
	char c;

	tid = syscall(SYS_gettid);
	if (read(to[0], &c, 1) != 1)
		_exit(86);
	return unused;
}

static void started(void)
{
	unsigned long long self, thread, ended, next;
	siginfo_t info;
	pthread_t t;
	pid_t pid;

	if (pipe(to) < 0)
		_exit(89);
	usleep(50000);
	pthread_create(&t, NULL, sleeps, NULL);
	while (!tid)
		usleep(1000);
	usleep(50000);
	pid = fork();
	if (pid == 0)
		_exit(0);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	self = start_of(getpid(), getpid());
	thread = start_of(getpid(), tid);
	ended = start_of(pid, pid);
	usleep(50000);
	pause_here();
	verify(self && start_of(getpid(), getpid()) == self, "a process started at %llu, before %llu", start_of(getpid(), getpid()),
	       self);
	verify(thread > self && start_of(getpid(), tid) == thread, "a thread at %llu, before %llu", start_of(getpid(), tid), thread);
	verify(ended > thread && start_of(pid, pid) == ended, "a zombie at %llu, before %llu", start_of(pid, pid), ended);
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		for (;;)
			pause();
	}
	next = start_of(pid, pid);
	verify(next > ended, "the next child at %llu", next);
	kill(pid, 9);
	waitpid(pid, NULL, 0);
	if (write(to[1], "x", 1) != 1)
		_exit(87);
	pthread_join(t, NULL);
}

int main(void)
{
	need_checkpoint();
	subject_round("counts", counts);
	subject_round("zombie", zombie);
	subject_round("first thread ended", dead_leader);
	subject_round("started", started);
	return tap_done();
}
