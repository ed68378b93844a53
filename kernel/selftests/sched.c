// SPDX-License-Identifier: Apache-2.0
/* How threads are scheduled, and what they may call: policies, CPUs, slack, personality, seccomp. */
/* covers: Tasks | scheduling policy, nice value, priority, CPUs of each thread | supported */
/* covers: Tasks | I/O priority, timer slack and its default | supported */
/* covers: Tasks | personality, PR_SET_TSC, keepcaps, pdeathsig, dumpable, name | supported */
/* covers: Tasks | seccomp filters, also those of single threads | supported */
/* covers: Tasks | seccomp strict mode | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define IOPRIO_BEST_EFFORT_6	(2 << 13 | 6)

static pthread_barrier_t made;
static bool go_on;

struct wanted {
	int policy, nice, priority, cpu;
	bool ok;
	pthread_t thread;
};

static int own_nice(void)
{
	errno = 0;
	return getpriority(PRIO_PROCESS, gettid());
}

static void *be_scheduled(void *arg)
{
	struct wanted *w = arg;
	struct sched_param param = { w->priority }, now;
	cpu_set_t cpus, cpus_now;

	CPU_ZERO(&cpus);
	CPU_SET(w->cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	setpriority(PRIO_PROCESS, gettid(), w->nice);
	sched_setscheduler(0, w->policy, &param);
	pthread_barrier_wait(&made);
	while (!__atomic_load_n(&go_on, __ATOMIC_SEQ_CST))
		usleep(1000);
	sched_getaffinity(0, sizeof(cpus_now), &cpus_now);
	sched_getparam(0, &now);
	w->ok = sched_getscheduler(0) == w->policy && own_nice() == w->nice && now.sched_priority == w->priority &&
		CPU_EQUAL(&cpus, &cpus_now);
	return NULL;
}

static void threads_are_scheduled(void)
{
	struct wanted wanted[] = {
		{ SCHED_OTHER, 7, 0, 0, 0, 0 }, { SCHED_OTHER, -3, 0, 1, 0, 0 }, { SCHED_BATCH, 2, 0, 0, 0, 0 },
		{ SCHED_IDLE, 0, 0, 1, 0, 0 }, { SCHED_FIFO, 0, 4, 0, 0, 0 }, { SCHED_RR, 0, 9, 1, 0, 0 },
	};
	size_t nr = sizeof(wanted) / sizeof(wanted[0]);
	int nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);

	pthread_barrier_init(&made, NULL, nr + 1);
	for (size_t i = 0; i < nr; i++) {
		wanted[i].cpu %= nr_cpus;
		pthread_create(&wanted[i].thread, NULL, be_scheduled, &wanted[i]);
	}
	pthread_barrier_wait(&made);
	pause_here();
	__atomic_store_n(&go_on, true, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < nr; i++) {
		pthread_join(wanted[i].thread, NULL);
		verify(wanted[i].ok, "policy %d, nice %d, priority %d on CPU %d", wanted[i].policy, wanted[i].nice,
		       wanted[i].priority, wanted[i].cpu);
	}
	verify(sched_getscheduler(0) == SCHED_OTHER && own_nice() == 0, "the first thread is as it was");
}

static void attributes(void)
{
	struct sched_param none = { 0 };

	sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none);
	prctl(PR_SET_TIMERSLACK, 123456);
	syscall(SYS_ioprio_set, 1, 0, IOPRIO_BEST_EFFORT_6);
	personality(ADDR_NO_RANDOMIZE | UNAME26 | STICKY_TIMEOUTS);
	prctl(PR_SET_KEEPCAPS, 1);
	prctl(PR_SET_PDEATHSIG, SIGUSR2);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NAME, "a name of it");
	pid_t pid = fork();

	if (pid == 0) {
		/* What it has inherited is its default, whatever it sets. */
		prctl(PR_SET_TIMERSLACK, 777);
		prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
		wait_for_go();
		int tsc = 0;

		prctl(PR_GET_TSC, &tsc);
		verify(prctl(PR_GET_TIMERSLACK) == 777, "timer slack of a child");
		prctl(PR_SET_TIMERSLACK, 0);
		verify(prctl(PR_GET_TIMERSLACK) == 123456, "and what it was by default: %d", prctl(PR_GET_TIMERSLACK));
		verify(tsc == PR_TSC_SIGSEGV, "PR_SET_TSC");
		_exit(0);
	}
	pause_here();
	char name[16] = "";
	int sig = 0;

	prctl(PR_GET_NAME, name);
	prctl(PR_GET_PDEATHSIG, &sig);
	verify(sched_getscheduler(0) == (SCHED_OTHER | SCHED_RESET_ON_FORK), "SCHED_RESET_ON_FORK");
	verify(prctl(PR_GET_TIMERSLACK) == 123456, "timer slack");
	verify(syscall(SYS_ioprio_get, 1, 0) == IOPRIO_BEST_EFFORT_6, "I/O priority");
	verify(personality(0xffffffff) == (ADDR_NO_RANDOMIZE | UNAME26 | STICKY_TIMEOUTS), "personality 0x%x",
	       personality(0xffffffff));
	verify(prctl(PR_GET_KEEPCAPS) == 1, "PR_SET_KEEPCAPS");
	verify(sig == SIGUSR2, "parent death signal");
	verify(prctl(PR_GET_DUMPABLE) == 0, "dumpable");
	verify(!strcmp(name, "a name of it"), "name");
	waitpid(pid, NULL, 0);
}

/* Refuse a system call with an error. */
static void refuse(unsigned int nr, unsigned int error, unsigned int flags)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(insns) / sizeof(insns[0]), insns };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog) < 0)
		_exit(99);
}

static bool is_refused(int nr, int error)
{
	return syscall(nr, -1, -1, -1) == -1 && errno == error;
}

static long filter_count(void)
{
	char text[4096], *at;
	FILE *f = fopen("/proc/thread-self/status", "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	at = strstr(text, "Seccomp_filters:");
	return at ? strtol(at + 16, NULL, 10) : -1;
}

static void *with_own_filter(void *arg)
{
	bool *ok = arg;

	refuse(SYS_getpriority, 52, 0);
	pthread_barrier_wait(&made);
	while (!__atomic_load_n(&go_on, __ATOMIC_SEQ_CST))
		usleep(1000);
	*ok = is_refused(SYS_getpriority, 52) && is_refused(SYS_swapon, 50) && is_refused(SYS_swapoff, 51) &&
	      filter_count() == 3;
	return NULL;
}

static void filters(void)
{
	pthread_t thread;
	bool ok = false;
	int status;
	pid_t pid;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	refuse(SYS_swapon, 50, 0);
	refuse(SYS_swapoff, 51, SECCOMP_FILTER_FLAG_LOG);
	pthread_barrier_init(&made, NULL, 2);
	pthread_create(&thread, NULL, with_own_filter, &ok);
	pthread_barrier_wait(&made);
	pid = fork();
	if (pid == 0) {
		wait_for_go();
		_exit(is_refused(SYS_swapon, 50) && is_refused(SYS_swapoff, 51) && filter_count() == 2 ? 7 : 8);
	}
	pause_here();
	verify(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs");
	verify(prctl(PR_GET_SECCOMP) == 2, "mode");
	verify(filter_count() == 2, "two filters: %ld", filter_count());
	verify(is_refused(SYS_swapon, 50) && is_refused(SYS_swapoff, 51), "filters do what they did");
	verify(!is_refused(SYS_getpriority, 52), "that of a thread is not that of the process");
	__atomic_store_n(&go_on, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	verify(ok, "a thread has its own on top");
	verify(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7, "a child has them, too");
}

static int own_tid;

static void *same_filters(void *arg)
{
	own_tid = gettid();
	pthread_barrier_wait(&made);
	while (!__atomic_load_n(&go_on, __ATOMIC_SEQ_CST))
		usleep(1000);
	*(bool *)arg = is_refused(SYS_swapoff, 53);
	return NULL;
}

/* They are the same filters to seccomp(2), not only alike. */
static void thread_sync(void)
{
	pthread_t thread;
	bool ok = false;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	refuse(SYS_swapon, 50, 0);
	pthread_barrier_init(&made, NULL, 2);
	pthread_create(&thread, NULL, same_filters, &ok);
	pthread_barrier_wait(&made);
	pause_here();
	refuse(SYS_swapoff, 53, SECCOMP_FILTER_FLAG_TSYNC);
	__atomic_store_n(&go_on, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	verify(ok, "a new filter can be given to all threads");
}

static void strict(void)
{
	int ends[2], back[2], status;
	char byte = 0;
	pid_t pid;

	if (pipe(ends) < 0 || pipe(back) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		syscall(SYS_write, back[1], "r", 1);
		syscall(SYS_read, ends[0], &byte, 1);
		syscall(SYS_write, back[1], &byte, 1);
		syscall(SYS_getpid);
		syscall(SYS_exit, 3);
	}
	if (read(back[0], &byte, 1) != 1)
		return;
	pause_here();
	verify(write(ends[1], "x", 1) == 1 && read(back[0], &byte, 1) == 1 && byte == 'x', "strict mode: it may read and write");
	verify(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	       "and nothing else (status 0x%x)", status);
}

static void linux32(void)
{
	personality(PER_LINUX32 | ADDR_NO_RANDOMIZE);
	pause_here();
	verify(personality(~0UL) == (PER_LINUX32 | ADDR_NO_RANDOMIZE), "personality: 0x%x", personality(~0UL));
}

/* Of other systems it is no more than a number. */
static void of_another_system(void)
{
	personality(PER_SOLARIS);
	pause_here();
	verify(personality(~0UL) == PER_SOLARIS, "personality: 0x%x", personality(~0UL));
}

int main(void)
{
	need_checkpoint();
	subject_round("threads", threads_are_scheduled);
	subject_round("attributes", attributes);
	subject_round("linux32", linux32);
	subject_round("of another system", of_another_system);
	subject_round("seccomp filters", filters);
	subject_round("seccomp thread sync", thread_sync);
	subject_round("seccomp strict", strict);
	return tap_done();
}
