// SPDX-License-Identifier: Apache-2.0
/* Files that only a descriptor leads to: eventfd, signalfd, timerfd, epoll, memfd. */
/* covers: Descriptors | pidfds of processes of the tree, also of those that ended | supported */
/* covers: Descriptors | eventfd, signalfd, timerfd, epoll, memfd | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define NS	1000000000LL

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	8U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC	0x20
#endif

static void eventfds(void)
{
	int plain = eventfd(41, 0), semaphore = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK), huge = eventfd(0, EFD_NONBLOCK);
	int shared = eventfd(0, 0), twin = dup(plain), status;
	uint64_t n = 0xfffffffffffffffeULL;

	if (write(huge, &n, 8) != 8)
		_exit(1);
	pid_t child = fork();

	if (child == 0) {
		n = 7;
		wait_for_go();
		_exit(write(shared, &n, 8) == 8 ? 0 : 1);
	}
	pause_here();
	n = 1;
	verify(write(twin, &n, 8) == 8 && read(plain, &n, 8) == 8 && n == 42, "the count, through two descriptors of one file (%lu)", n);
	verify(fcntl(semaphore, F_GETFL) == (O_RDWR | O_NONBLOCK), "flags");
	for (int i = 0; i < 3; i++)
		verify(read(semaphore, &n, 8) == 8 && n == 1, "a semaphore gives one (%d)", i);
	verify(read(semaphore, &n, 8) < 0 && errno == EAGAIN, "and is empty then");
	n = 1;
	verify(write(huge, &n, 8) < 0 && errno == EAGAIN, "a full one takes no more");
	verify(read(shared, &n, 8) == 8 && n == 7, "one that is shared with another process is still one (%lu)", n);
	waitpid(child, &status, 0);
	verify(status == 0, "whose end is good");
}

static void signalfds(void)
{
	struct signalfd_siginfo info = {};
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 99 }, got = {};
	int pending, later, epoll = epoll_create1(0);
	sigset_t set, empty;

	sigemptyset(&empty);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pending = signalfd(-1, &set, SFD_NONBLOCK);
	later = signalfd(-1, &set, SFD_NONBLOCK);
	epoll_ctl(epoll, EPOLL_CTL_ADD, later, &event);
	sigqueue(getpid(), SIGRTMIN + 2, (union sigval){ .sival_int = 1234 });
	pause_here();
	verify(fcntl(pending, F_GETFL) == (O_RDWR | O_NONBLOCK), "flags");
	verify(epoll_wait(epoll, &got, 1, 0) == 1 && got.data.u64 == 99, "epoll knows of a signal that was pending");
	verify(read(pending, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == (unsigned int)SIGRTMIN + 2 &&
	       info.ssi_int == 1234, "it is read, with its value (%d)", info.ssi_int);
	verify(epoll_wait(epoll, &got, 1, 0) == 0, "then there is none");
	kill(getpid(), SIGUSR1);
	got.data.u64 = 0;
	verify(epoll_wait(epoll, &got, 1, 60000) == 1 && got.data.u64 == 99, "epoll hears of one that comes now");
	verify(read(later, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1, "which is read too");
	signalfd(later, &empty, 0);
	kill(getpid(), SIGUSR1);
	verify(read(later, &info, sizeof(info)) < 0 && errno == EAGAIN, "its mask can be changed");
}

static long long left_ns(int fd, struct itimerspec *it)
{
	timerfd_gettime(fd, it);
	return it->it_value.tv_sec * NS + it->it_value.tv_nsec;
}

static void timerfds(void)
{
	struct itimerspec in_an_hour = { .it_value = { 3600, 0 }, .it_interval = { 7, 8 } }, fast = { .it_value = { 0, 1000000 },
		.it_interval = { 0, 1000000 } }, once = { .it_value = { 0, 1 } }, wall = {}, off = {}, now;
	int hour = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), running = timerfd_create(CLOCK_BOOTTIME, 0),
	    expired = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), at = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK),
	    idle = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK), absolute = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct timespec today, uptime;
	struct pollfd p = { .fd = expired, .events = POLLIN };
	uint64_t ticks = 0;
	long long left;

	timerfd_settime(hour, 0, &in_an_hour, NULL);
	timerfd_settime(running, 0, &fast, NULL);
	timerfd_settime(expired, 0, &once, NULL);
	clock_gettime(CLOCK_REALTIME, &today);
	wall.it_value.tv_sec = today.tv_sec + 5000;
	timerfd_settime(at, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &wall, NULL);
	clock_gettime(CLOCK_MONOTONIC, &uptime);
	wall.it_value.tv_sec = uptime.tv_sec + 4000;
	timerfd_settime(absolute, TFD_TIMER_ABSTIME, &wall, NULL);
	while (poll(&p, 1, -1) != 1)
		;
	pause_here();
	left = left_ns(hour, &now);
	verify(left > 3000 * NS && left <= 3600 * NS && now.it_interval.tv_sec == 7 && now.it_interval.tv_nsec == 8,
	       "time left %lld ns, interval %ld.%ld", left, now.it_interval.tv_sec, now.it_interval.tv_nsec);
	verify(read(hour, &ticks, 8) < 0 && errno == EAGAIN, "it has not expired");
	verify(read(running, &ticks, 8) == 8 && ticks >= 1, "a periodic one has (%lu times)", ticks);
	verify(read(running, &ticks, 8) == 8 && ticks >= 1, "and does again (%lu times)", ticks);
	verify(read(expired, &ticks, 8) == 8 && ticks == 1, "one that had expired is read once (%lu)", ticks);
	verify(read(expired, &ticks, 8) < 0 && errno == EAGAIN && left_ns(expired, &now) == 0, "and no more");
	clock_gettime(CLOCK_REALTIME, &uptime);
	left = left_ns(at, &now) - (today.tv_sec + 5000 - uptime.tv_sec) * NS;
	verify(left < 2 * NS && left > -2 * NS, "one of the wall clock expires at the same time (%lld ns off)", left);
	left = left_ns(absolute, &now);
	verify(left > 3400 * NS && left <= 4001 * NS, "absolute, monotonic: time left %lld ns", left);
	verify(left_ns(idle, &now) == 0 && read(idle, &ticks, 8) < 0 && errno == EAGAIN, "one that was never set");
	verify(timerfd_settime(hour, 0, &off, NULL) == 0 && left_ns(hour, &now) == 0, "it can be disarmed");
	/* The clock is set, to what it says: that cancels. */
	clock_gettime(CLOCK_REALTIME, &today);
	today.tv_nsec = 0;
	clock_settime(CLOCK_REALTIME, &today);
	verify(read(at, &ticks, 8) < 0 && errno == ECANCELED, "it is canceled when the clock is set (%s)", strerror(errno));
}

/* As a manager of services has one, to be told when the clock is set. */
static void never(void)
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_REALTIME_ALARM, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM };
	struct itimerspec end = { .it_value.tv_sec = INT64_MAX }, now;
	const long long centuries = 200LL * 365 * 86400 * NS;
	int absolute[5], relative[5], set;
	struct timespec today;
	uint64_t ticks;
	long long left;

	for (int i = 0; i < 5; i++) {
		absolute[i] = timerfd_create(clocks[i], TFD_NONBLOCK);
		relative[i] = timerfd_create(clocks[i], TFD_NONBLOCK);
		set = timerfd_settime(absolute[i], TFD_TIMER_ABSTIME | (i < 2 ? TFD_TIMER_CANCEL_ON_SET : 0), &end, NULL);
		if (set < 0 || timerfd_settime(relative[i], 0, &end, NULL) < 0)
			_exit(1);
	}
	pause_here();
	for (int i = 0; i < 5; i++) {
		left = left_ns(absolute[i], &now);
		verify(left > centuries && read(absolute[i], &ticks, 8) < 0 && errno == EAGAIN,
		       "one that never expires: %lld ns left on clock %d", left, clocks[i]);
		left = left_ns(relative[i], &now);
		verify(left > centuries && read(relative[i], &ticks, 8) < 0 && errno == EAGAIN, "relative: %lld ns", left);
	}
	clock_gettime(CLOCK_REALTIME, &today);
	today.tv_nsec = 0;
	clock_settime(CLOCK_REALTIME, &today);
	for (int i = 0; i < 2; i++)
		verify(read(absolute[i], &ticks, 8) < 0 && errno == ECANCELED, "but says when the clock is set (%s)", strerror(errno));
}

/* What is reported, a bit for each item, by its data. */
static unsigned int reported(int epoll, int timeout)
{
	struct epoll_event events[16];
	int n = epoll_wait(epoll, events, 16, timeout);
	unsigned int set = 0;

	for (int i = 0; i < n; i++)
		set |= 1U << events[i].data.u64;
	return set;
}

static void add(int epoll, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		_exit(1);
}

static void expect(int epoll, int timeout, unsigned int want, const char *what)
{
	unsigned int set = reported(epoll, timeout);

	verify(set == want, "%s: reported 0x%x, expected 0x%x", what, set, want);
}

static void tell(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, 8) != 8)
		_exit(3);
}

static void epolls(void)
{
	int epoll = epoll_create1(0), edge_seen = eventfd(1, 0), edge_unseen = eventfd(0, 0), level = eventfd(1, 0),
	    once_used = eventfd(1, 0), quiet = eventfd(0, 0), moved = eventfd(0, 0), inner = epoll_create1(0),
	    outer = epoll_create1(0), in_inner = eventfd(0, 0), other, ends[2];
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 9 };

	if (pipe(ends) < 0)
		_exit(1);
	add(epoll, edge_seen, EPOLLIN | EPOLLET, 1);
	add(epoll, once_used, EPOLLIN | EPOLLONESHOT, 4);
	if (reported(epoll, 1000) != (1 << 1 | 1 << 4))
		_exit(2);
	add(epoll, edge_unseen, EPOLLIN | EPOLLET, 2);
	add(epoll, level, EPOLLIN, 3);
	add(epoll, quiet, EPOLLIN, 5);
	add(epoll, ends[0], EPOLLIN | EPOLLRDHUP, 6);
	/* Added by a number that leads elsewhere now; the file is there by another. */
	add(epoll, moved, EPOLLIN, 7);
	other = dup(moved);
	dup2(ends[1], moved);
	add(inner, in_inner, EPOLLIN, 1);
	add(outer, inner, EPOLLIN, 2);
	tell(edge_unseen);
	pause_here();
	expect(epoll, 0, 1 << 2 | 1 << 3, "the edge that was not seen, and what is ready; neither the seen edge nor the used one-shot");
	expect(epoll, 0, 1 << 3, "then the level only");
	tell(edge_seen);
	expect(epoll, 60000, 1 << 1 | 1 << 3, "a new edge");
	event.events = EPOLLIN | EPOLLONESHOT;
	event.data.u64 = 4;
	verify(epoll_ctl(epoll, EPOLL_CTL_MOD, once_used, &event) == 0, "the one-shot can be armed again");
	expect(epoll, 0, 1 << 3 | 1 << 4, "the one-shot");
	epoll_ctl(epoll, EPOLL_CTL_DEL, level, NULL);
	tell(quiet);
	expect(epoll, 60000, 1 << 5, "what was quiet speaks");
	epoll_ctl(epoll, EPOLL_CTL_DEL, quiet, NULL);
	tell(other);
	expect(epoll, 60000, 1 << 7, "one whose descriptor leads elsewhere");
	close(other);
	expect(epoll, 0, 0, "its item ends with it");
	verify(write(ends[1], "x", 1) == 1, "the pipe is written");
	expect(epoll, 60000, 1 << 6, "a pipe");
	expect(outer, 0, 0, "nothing in the inner");
	tell(in_inner);
	expect(outer, 60000, 1 << 2, "the outer hears of the inner");
	expect(inner, 0, 1 << 1, "and that of its item");
	event.events = EPOLLIN;
	verify(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &event) < 0 && errno == ELOOP, "a loop is still a loop");
	verify(epoll_ctl(epoll, EPOLL_CTL_ADD, edge_seen, &event) < 0 && errno == EEXIST, "what is watched is known by its descriptor");
}

/* One instance and what it watches, in two processes; a child blocks in it. */
static void epoll_shared(void)
{
	int epoll = epoll_create1(0), fd = eventfd(0, 0), status;
	struct epoll_event event = {};
	uint64_t one = 1;

	add(epoll, fd, EPOLLIN, 77);
	pid_t child = fork();

	if (child == 0) {
		int n;

		while ((n = epoll_wait(epoll, &event, 1, -1)) < 0 && errno == EINTR)
			;
		_exit(n == 1 && event.data.u64 == 77 ? 0 : 1);
	}
	pause_here();
	verify(write(fd, &one, 8) == 8, "the parent makes it ready");
	waitpid(child, &status, 0);
	verify(status == 0, "the child hears of it (0x%x)", status);
}

#define MEMFD_BYTES	(3 * 4096 + 123)

static void memfds(void)
{
	int fd = memfd_create("a name", MFD_ALLOW_SEALING), sealed = memfd_create("", MFD_ALLOW_SEALING),
	    never = memfd_create("never", 0), noexec = memfd_create("noexec", MFD_NOEXEC_SEAL), reader, status;
	char path[64], target[64] = "", byte = 0, *map, *private, *old, *late;
	struct stat st;

	if (ftruncate(fd, MEMFD_BYTES) < 0 || pwrite(fd, "end", 3, MEMFD_BYTES - 3) != 3 || pwrite(fd, "begin", 5, 0) != 5)
		_exit(1);
	fchmod(fd, 0640);
	map = mmap(NULL, MEMFD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, MEMFD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	strcpy(private + 4096, "mine");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY);
	lseek(reader, 2, SEEK_SET);
	if (write(sealed, "sealed", 6) != 6)
		_exit(1);
	old = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, sealed, 0);
	fcntl(sealed, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
	late = mmap(NULL, 4096, PROT_READ, MAP_SHARED, sealed, 0);
	pid_t child = fork();

	if (child == 0) {
		wait_for_go();
		map[8192] = 'c';
		_exit(0);
	}
	pause_here();
	waitpid(child, &status, 0);
	verify(fstat(fd, &st) == 0 && st.st_size == MEMFD_BYTES && (st.st_mode & 0777) == 0640, "size %ld, mode 0%o", st.st_size, st.st_mode & 0777);
	verify(!memcmp(map, "begin", 5) && !memcmp(map + MEMFD_BYTES - 3, "end", 3), "contents, through the mapping");
	verify(map[8192] == 'c' && private[8192] == 'c', "what another process writes into it is seen here");
	verify(!strcmp(private + 4096, "mine") && map[4096] == 0, "a private page of it");
	verify(readlink(path, target, sizeof(target) - 1) > 0 && !strcmp(target, "/memfd:a name (deleted)"), "its name: %s", target);
	verify(lseek(reader, 0, SEEK_CUR) == 2 && read(reader, &byte, 1) == 1 && byte == 'g' && write(reader, "x", 1) < 0,
	       "a second open file of it, read-only, at its place");
	verify(pwrite(reader + 0, "x", 1, 0) < 0 && pwrite(fd, "B", 1, 0) == 1 && pread(reader, &byte, 1, 0) == 1 && byte == 'B', "is of the same memfd");
	verify(fcntl(fd, F_GET_SEALS) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0 && ftruncate(fd, MEMFD_BYTES + 1) < 0, "it can be sealed");
	verify(fcntl(sealed, F_GET_SEALS) == (F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), "seals (0x%x)", fcntl(sealed, F_GET_SEALS));
	verify(pwrite(sealed, "X", 1, 0) < 0 && errno == EPERM, "what is sealed is not written");
	old[0] = 'S';
	verify(late[0] == 'S', "but by the mapping that was there before");
	verify(mprotect(late, 4096, PROT_READ | PROT_WRITE) < 0, "not by one that was made since");
	verify(fcntl(never, F_GET_SEALS) == F_SEAL_SEAL && fcntl(never, F_ADD_SEALS, F_SEAL_GROW) < 0, "one that cannot be sealed");
	verify(fcntl(noexec, F_GET_SEALS) & F_SEAL_EXEC && fchmod(noexec, 0777) < 0, "one that is never executable");
}

/* Wholly sealed, and mapped: the mapping comes back read-only. */
static void memfd_sealed(void)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
	char *map;

	if (write(fd, "for ever", 8) != 8 || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		_exit(1);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	pause_here();
	verify(!memcmp(map, "for ever", 8), "contents");
	verify(fcntl(fd, F_GET_SEALS) == (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), "seals");
	verify(mprotect(map, 4096, PROT_READ | PROT_WRITE) < 0 && pwrite(fd, "x", 1, 0) < 0 && ftruncate(fd, 1) < 0, "they hold");
}

/* A child that has left the tree holds the eventfd too. */
static void with_outsider(void)
{
	eventfd(5, 0);
	if (fork() == 0) {
		/* Its parent ends at once: it belongs to the tree of whoever adopts it. */
		if (fork() == 0) {
			wait_for_go();
			_exit(0);
		}
		_exit(0);
	}
	wait(NULL);
	pause_here();
}

static void shared_with_outside(void)
{
	struct subject s;
	char output[8192], pid[16];

	if (!subject_start(&s, "outsider", with_outsider))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	tap_ok(RUN(output, checkpoint_path, "-o", "/ckpt/selftest-outsider.img", pid) == 1 && strstr(output, "eventfd") &&
	       strstr(output, "outside the tree") && strstr(output, pid), "an eventfd shared with a process outside the tree: %s", output);
	tap_ok(RUN(output, checkpoint_path, "--dry-run", pid) == 1 && strstr(output, "eventfd"), "a dry run says so too");
	subject_finish(&s);
}

static int ended(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0);
}

static void pidfds(void)
{
	pid_t alive = fork(), zombie, reaped;
	int fds[3];

	if (alive == 0)
		for (;;)
			pause();
	zombie = fork();
	if (zombie == 0)
		_exit(3);
	reaped = fork();
	if (reaped == 0)
		_exit(4);
	fds[0] = syscall(SYS_pidfd_open, alive, O_NONBLOCK);
	fds[1] = syscall(SYS_pidfd_open, zombie, 0);
	fds[2] = syscall(SYS_pidfd_open, reaped, 0);
	waitpid(reaped, NULL, 0);
	while (ended(fds[1]) != 1)
		usleep(1000);
	pause_here();
	verify(ended(fds[0]) == 0 && fcntl(fds[0], F_GETFL) & O_NONBLOCK, "a process that lives");
	verify(ended(fds[1]) == 1, "one that has ended");
	verify(ended(fds[2]) == 1 && syscall(SYS_pidfd_send_signal, fds[2], 0, NULL, 0) < 0 && errno == ESRCH,
	       "one that was waited for");
	siginfo_t info = { };

	verify(waitid(P_PIDFD, fds[1], &info, WEXITED) == 0 && info.si_pid == zombie && info.si_status == 3,
	       "its status can be waited for");
	verify(syscall(SYS_pidfd_send_signal, fds[0], SIGKILL, NULL, 0) == 0 && waitpid(alive, NULL, 0) == alive,
	       "the first takes a signal");
	verify(ended(fds[0]) == 1, "and tells of its end");
}

static int of_dead(void)
{
	pid_t pid = fork();
	int fd;

	if (pid == 0)
		_exit(0);
	fd = syscall(SYS_pidfd_open, pid, 0);
	waitpid(pid, NULL, 0);
	return fd;
}

static int why_no_signal(int fd)
{
	return syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) < 0 ? errno : 0;
}

/* What a pidfd of a dead one is good for is judged by its pid namespace. */
static void dead_elsewhere(void)
{
	int twice[2] = { -1, -1 }, outer = of_dead(), other = of_dead(), to[2], back[2], status = -1;
	struct stat a, b;
	pid_t child;
	char c;

	child = fork();
	if (child == 0)
		_exit(0);
	for (int i = 0; i < 2; i++)
		twice[i] = syscall(SYS_pidfd_open, child, 0);
	waitpid(child, NULL, 0);
	if (outer < 0 || other < 0 || twice[1] < 0 || pipe(to) < 0 || pipe(back) < 0 || unshare(CLONE_NEWPID) < 0)
		_exit(77);
	child = fork();
	if (child == 0) {
		int inner = of_dead();

		if (inner < 0 || write(back[1], "", 1) != 1 || read(to[0], &c, 1) != 1)
			_exit(1);
		verify(why_no_signal(inner) == ESRCH, "one that lived beside it is no more");
		verify(why_no_signal(outer) == EINVAL, "one that lived above it is none of its own");
		_exit(0);
	}
	if (read(back[0], &c, 1) != 1)
		_exit(78);
	pause_here();
	verify(why_no_signal(outer) == ESRCH, "for who lived there it is no more");
	verify(fstat(outer, &a) == 0 && fstat(other, &b) == 0 && a.st_ino != b.st_ino, "two dead ones are two");
	verify(fstat(twice[0], &a) == 0 && fstat(twice[1], &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev,
	       "two of one dead one are of one");
	if (write(to[1], "x", 1) != 1)
		_exit(79);
	waitpid(child, &status, 0);
	verify(status == 0, "the child ends");
}

/* A memfd that is a program, still open for writing by who made it. */
static void memfd_executed(void)
{
	int self = open("/proc/self/exe", O_RDONLY), fd = memfd_create("program", 0);
	struct stat st;

	fstat(self, &st);
	if (sendfile(fd, self, NULL, st.st_size) != st.st_size || dup2(fd, 100) < 0)
		_exit(1);
	close_range(3, 99, 0);
	fexecve(100, (char *const[]){ "program", "--memfd", NULL }, environ);
	_exit(1);
}

static void executed_main(void)
{
	char target[64] = "";

	pause_here();
	verify(readlink("/proc/self/exe", target, sizeof(target) - 1) > 0 && !strcmp(target, "/memfd:program (deleted)"),
	       "the program: %s", target);
	verify(write(100, "x", 1) == 1, "its memfd can be written still");
	verify(open("/proc/self/fd/100", O_RDWR) < 0 && errno == ETXTBSY, "but not be opened for it");
	finished();
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--memfd"))
		executed_main();
	need_checkpoint();
	subject_round("eventfd", eventfds);
	subject_round("signalfd", signalfds);
	subject_round("timerfd", timerfds);
	subject_round("timerfds that never expire", never);
	subject_round("pidfd", pidfds);
	subject_twice("pidfd of the dead", dead_elsewhere);
	subject_round("epoll", epolls);
	subject_round("epoll shared", epoll_shared);
	subject_round("memfd", memfds);
	subject_round("memfd sealed", memfd_sealed);
	subject_round("memfd executed", memfd_executed);
	shared_with_outside();
	return tap_done();
}
