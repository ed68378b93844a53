// SPDX-License-Identifier: Apache-2.0
/* Interval timers, alarm(2), POSIX timers on all clocks, CPU times. */
/* covers: Time | setitimer, alarm | supported */
/* covers: Time | timer_create on all clocks but alarm clocks | supported */
/* covers: Time | timers and timerfds that never expire | supported */
/* covers: Time | ids of timers, and the next one | supported */
/* covers: Time | overruns, pending signals of timers | supported */
/* covers: Time | SIGEV_THREAD_ID, also in a pid namespace | supported */
/* covers: Time | timers whose thread has ended | supported */
/* covers: Time | timers at a time of day | supported */
/* covers: Time | CPU times of process, threads and children | supported */
/* covers: Time | RLIMIT_CPU | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile sig_atomic_t got, value, overrun;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	got++;
	value = info->si_value.sival_int;
	overrun = info->si_overrun;
}

static void handle(int sig)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	sigaction(sig, &action, NULL);
}

static void block(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(how, &set, NULL);
}

static bool wait_for_signal(void)
{
	const struct timespec moment = { .tv_nsec = 5000000 };

	for (int i = 0; i < 24000 && !got; i++)
		nanosleep(&moment, NULL);
	return got;
}

static void burn(long ms)
{
	struct timespec from, now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while ((now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000 < ms);
}

static bool between(const struct timeval *t, long least, long most)
{
	return t->tv_sec >= least && t->tv_sec < most;
}

static void itimers(void)
{
	struct itimerval real = { { 7, 0 }, { 10000, 0 } }, cpu = { { 5, 0 }, { 2000, 0 } }, prof = { { 3, 0 }, { 3000, 0 } };

	setitimer(ITIMER_REAL, &real, NULL);
	setitimer(ITIMER_VIRTUAL, &cpu, NULL);
	setitimer(ITIMER_PROF, &prof, NULL);
	pause_here();
	getitimer(ITIMER_REAL, &real);
	getitimer(ITIMER_VIRTUAL, &cpu);
	getitimer(ITIMER_PROF, &prof);
	verify(real.it_interval.tv_sec == 7 && between(&real.it_value, 8000, 10000), "ITIMER_REAL: %ld s left",
	       (long)real.it_value.tv_sec);
	verify(cpu.it_interval.tv_sec == 5 && between(&cpu.it_value, 1900, 2001), "ITIMER_VIRTUAL: %ld s left",
	       (long)cpu.it_value.tv_sec);
	verify(prof.it_interval.tv_sec == 3 && between(&prof.it_value, 2900, 3001), "ITIMER_PROF: %ld s left",
	       (long)prof.it_value.tv_sec);
	/* They run, and do not only stand there. */
	handle(SIGPROF);
	memset(&prof, 0, sizeof(prof));
	setitimer(ITIMER_PROF, &prof, NULL);
	prof.it_value.tv_usec = 1000;
	setitimer(ITIMER_PROF, &prof, NULL);
	burn(200);
	verify(got, "and CPU time is counted on");
}

static void alarm_rings(void)
{
	handle(SIGALRM);
	block(SIG_BLOCK, SIGALRM);
	struct itimerval t = { { 0, 0 }, { 0, 300000 } };

	setitimer(ITIMER_REAL, &t, NULL);
	pause_here();
	block(SIG_UNBLOCK, SIGALRM);
	verify(wait_for_signal(), "an alarm rings, before or after the restart");
	verify(got == 1, "once: %d", (int)got);
}

static void periodic_alarm(void)
{
	struct itimerval t = { { 0, 20000 }, { 0, 20000 } };

	handle(SIGALRM);
	setitimer(ITIMER_REAL, &t, NULL);
	pause_here();
	got = 0;
	verify(wait_for_signal(), "a periodic alarm goes on");
	got = 0;
	verify(wait_for_signal(), "and on");
}

static timer_t make(clockid_t clock, int sig, int val)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig };
	int id;	/* the kernel's */

	event.sigev_value.sival_int = val;
	if (syscall(SYS_timer_create, clock, &event, &id) < 0)
		return (timer_t)-1;
	return (timer_t)(intptr_t)id;
}

static int set(timer_t id, int flags, long sec, long ns, long interval_sec, long interval_ns)
{
	struct itimerspec spec = { { interval_sec, interval_ns }, { sec, ns } };

	return syscall(SYS_timer_settime, id, flags, &spec, NULL);
}

static struct itimerspec get(timer_t id)
{
	struct itimerspec spec = {};

	syscall(SYS_timer_gettime, id, &spec);
	return spec;
}

#define NR_CLOCKS (sizeof(clocks) / sizeof(clocks[0]))

static const struct {
	clockid_t clock;
	const char *name;
} clocks[] = {
	{ CLOCK_REALTIME, "CLOCK_REALTIME" }, { CLOCK_MONOTONIC, "CLOCK_MONOTONIC" },
	{ CLOCK_BOOTTIME, "CLOCK_BOOTTIME" }, { CLOCK_TAI, "CLOCK_TAI" },
	{ CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID" }, { CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID" },
};

static void all_clocks(void)
{
	timer_t ids[NR_CLOCKS], removed, next;

	/* A gap in the ids, and one that does not run. */
	removed = make(CLOCK_MONOTONIC, SIGUSR1, 0);
	for (size_t i = 0; i < NR_CLOCKS; i++) {
		ids[i] = make(clocks[i].clock, SIGUSR1, i);
		set(ids[i], 0, 5000, 0, 100 + i, 0);
	}
	syscall(SYS_timer_delete, removed);
	pause_here();
	for (size_t i = 0; i < NR_CLOCKS; i++) {
		struct itimerspec spec = get(ids[i]);

		verify(spec.it_interval.tv_sec == 100 + (long)i && spec.it_value.tv_sec > 3500 && spec.it_value.tv_sec <= 5000,
		       "%s: id %d kept, %ld s left", clocks[i].name, (int)(intptr_t)ids[i], (long)spec.it_value.tv_sec);
	}
	verify(syscall(SYS_timer_delete, removed) < 0 && errno == EINVAL, "a deleted one is not there");
	next = make(CLOCK_MONOTONIC, SIGUSR1, 0);
	verify((intptr_t)next == (intptr_t)ids[NR_CLOCKS - 1] + 1, "the next id follows: %d", (int)(intptr_t)next);
	handle(SIGUSR1);
	for (size_t i = 0; i < NR_CLOCKS; i++) {
		got = 0;
		set(ids[i], 0, 0, 1000000, 0, 0);
		for (int n = 0; n < 1000 && !got; n++)
			burn(1);
		verify(got == 1 && value == (int)i, "%s: its signal comes, with its value", clocks[i].name);
	}
}

static void time_of_day(void)
{
	struct timespec now;
	timer_t id = make(CLOCK_REALTIME, SIGUSR1, 0);
	struct itimerspec spec;
	long at;

	clock_gettime(CLOCK_REALTIME, &now);
	at = now.tv_sec + 4000;
	set(id, TIMER_ABSTIME, at, 0, 0, 0);
	pause_here();
	spec = get(id);
	clock_gettime(CLOCK_REALTIME, &now);
	verify(spec.it_value.tv_sec + now.tv_sec >= at - 2 && spec.it_value.tv_sec + now.tv_sec <= at + 1,
	       "a time of day stays that: %ld s off", (long)(spec.it_value.tv_sec + now.tv_sec - at));
	/* Set back by a day, it would come a day later; a time left would not. */
	struct timespec back = { now.tv_sec - 86400, 0 };

	if (clock_settime(CLOCK_REALTIME, &back) == 0) {
		spec = get(id);
		now.tv_sec += 0;
		clock_settime(CLOCK_REALTIME, &now);
		verify(spec.it_value.tv_sec > 86400, "and follows the clock when that is set: %ld s left",
		       (long)spec.it_value.tv_sec);
	}
}

static void never(void)
{
	static const clockid_t of[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_PROCESS_CPUTIME_ID };
	timer_t absolute[5], relative[5];

	for (int i = 0; i < 5; i++) {
		absolute[i] = make(of[i], SIGUSR1, 0);
		relative[i] = make(of[i], SIGUSR1, 0);
		if (set(absolute[i], TIMER_ABSTIME, LONG_MAX, 0, LONG_MAX, 0) < 0 || set(relative[i], 0, LONG_MAX, 0, 0, 0) < 0)
			_exit(90);
	}
	pause_here();
	for (int i = 0; i < 5; i++) {
		struct itimerspec one = get(absolute[i]), other = get(relative[i]);

		verify(one.it_value.tv_sec > 6000000000L && other.it_value.tv_sec > 6000000000L && one.it_interval.tv_sec > 6000000000L,
		       "those that never expire, of clock %d: %ld s, %ld s left", of[i], one.it_value.tv_sec, other.it_value.tv_sec);
	}
}

static void pending_with_overruns(void)
{
	timer_t id, once;

	block(SIG_BLOCK, SIGUSR1);
	block(SIG_BLOCK, SIGUSR2);
	handle(SIGUSR1);
	handle(SIGUSR2);
	id = make(CLOCK_MONOTONIC, SIGUSR1, 77);
	once = make(CLOCK_MONOTONIC, SIGUSR2, 88);
	set(id, 0, 0, 1000000, 0, 10000000);
	set(once, 0, 0, 1000000, 0, 0);
	usleep(200000);
	pause_here();
	block(SIG_UNBLOCK, SIGUSR2);
	verify(got == 1 && value == 88, "the signal of a timer is pending after the restart");
	got = 0;
	block(SIG_UNBLOCK, SIGUSR1);
	verify(got >= 1 && value == 77, "so is that of a periodic one");
	verify(overrun >= 15 || got > 1, "with the overruns of before: %d", (int)overrun);
	got = 0;
	verify(wait_for_signal(), "and it goes on");
}

static pthread_barrier_t barrier;
static pid_t target, got_by;

static void on_thread_signal(int sig)
{
	(void)sig;
	got_by = gettid();
	got++;
}

static void *thread(void *arg)
{
	target = gettid();
	pthread_barrier_wait(&barrier);
	while (!got)
		usleep(1000);
	return arg;
}

static void to_a_thread(void)
{
	struct sigaction action = { .sa_handler = on_thread_signal };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	pthread_t t;
	int id;

	sigaction(SIGUSR1, &action, NULL);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&t, NULL, thread, NULL);
	pthread_barrier_wait(&barrier);
	event.sigev_notify_thread_id = target;
	syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id);
	pause_here();
	set((timer_t)(intptr_t)id, 0, 0, 1000000, 0, 0);
	verify(wait_for_signal() && got_by == target, "a timer sends to its thread %d: %d", target, got_by);
	pthread_join(t, NULL);
}

/* Where a thread has other numbers: the timer's signal and its clock name one. */
static void in_a_namespace(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	struct itimerspec left;
	timer_t cpu, process;
	pid_t init;

	if (unshare(CLONE_NEWPID) < 0)
		return;
	init = fork();
	if (init) {
		waitpid(init, NULL, 0);
		return;
	}
	sigaction(SIGUSR2, &action, NULL);
	timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &cpu);
	timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &process);
	set(cpu, 0, 100, 0, 0, 0);
	to_a_thread();
	verify(timer_gettime(cpu, &left) == 0 && left.it_value.tv_sec > 90, "one on the CPU time of a thread");
	got = 0;
	set(process, 0, 0, 1000000, 0, 0);
	while (!got)
		;
	verify(got == 1, "one on that of the process");
	_exit(0);
}

static void *ends(void *clock)
{
	pthread_getcpuclockid(pthread_self(), clock);
	target = syscall(SYS_gettid);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void of_dead_thread(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 }, none = { .sigev_notify = SIGEV_NONE };
	struct itimerspec left = {};
	clockid_t clock;
	timer_t cpu;
	pthread_t t;
	int id;

	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&t, NULL, ends, &clock);
	pthread_barrier_wait(&barrier);
	event.sigev_notify_thread_id = target;
	syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id);
	set((timer_t)(intptr_t)id, 0, 500, 0, 0, 0);
	if (timer_create(clock, &none, &cpu) < 0)
		_exit(90);
	pthread_barrier_wait(&barrier);
	pthread_join(t, NULL);
	pause_here();
	verify(syscall(SYS_timer_gettime, id, &left) == 0 && left.it_value.tv_sec > 400, "it runs: %ld s are left",
	       (long)left.it_value.tv_sec);
	set((timer_t)(intptr_t)id, 0, 0, 1000000, 0, 0);
	usleep(20000);
	verify(syscall(SYS_timer_delete, id) == 0, "its signal goes to nobody");
	verify(timer_gettime(cpu, &left) == 0 && !left.it_value.tv_sec, "one on its CPU time");
	verify(timer_delete(cpu) == 0, "which can be deleted");
}

static void cpu_times(void)
{
	struct timespec process, thread_time, now;
	struct tms before, after;
	struct rusage children_before, children;
	pid_t pid = fork();

	if (pid == 0) {
		burn(100);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	burn(300);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &process);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &thread_time);
	times(&before);
	getrusage(RUSAGE_CHILDREN, &children_before);
	pause_here();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	verify(now.tv_sec * 1000000000 + now.tv_nsec >= process.tv_sec * 1000000000 + process.tv_nsec,
	       "CPU time of the process does not go back");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	verify(now.tv_sec * 1000000000 + now.tv_nsec >= thread_time.tv_sec * 1000000000 + thread_time.tv_nsec,
	       "nor that of the thread");
	times(&after);
	verify(after.tms_utime + after.tms_stime >= before.tms_utime + before.tms_stime, "nor times(2)");
	getrusage(RUSAGE_CHILDREN, &children);
	verify(!memcmp(&children.ru_utime, &children_before.ru_utime, sizeof(children.ru_utime)) &&
	       !memcmp(&children.ru_stime, &children_before.ru_stime, sizeof(children.ru_stime)),
	       "time of children that were waited for");
}

static void cpu_limit(void)
{
	struct rlimit limit = { 3, 60 };

	handle(SIGXCPU);
	setrlimit(RLIMIT_CPU, &limit);
	pause_here();
	for (int i = 0; i < 100 && !got; i++)
		burn(100);
	verify(got, "RLIMIT_CPU is watched after the restart");
}

int main(void)
{
	need_checkpoint();
	subject_round("interval timers", itimers);
	subject_round("alarm", alarm_rings);
	subject_round("periodic alarm", periodic_alarm);
	subject_round("POSIX timers", all_clocks);
	subject_round("time of day", time_of_day);
	subject_round("timers that never expire", never);
	subject_round("pending timers", pending_with_overruns);
	subject_round("timer of a thread", to_a_thread);
	subject_round("timers in a namespace", in_a_namespace);
	subject_round("timers of a dead thread", of_dead_thread);
	subject_round("CPU times", cpu_times);
	subject_round("CPU limit", cpu_limit);
	return tap_done();
}
