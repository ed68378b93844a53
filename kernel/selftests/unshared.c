// SPDX-License-Identifier: Apache-2.0
/* Threads with descriptors, directories and umask of their own: unshare(CLONE_FILES), unshare(CLONE_FS). */
/* covers: Tasks | threads with directories, umask or descriptors of their own (unshare) | supported */
/* covers: Tasks | directories or descriptors shared with a process outside the tree | refused by name */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define DIR	"/tmp/selftest"
#define HIGH	700

static volatile pid_t tids[4];
static volatile int go_on, in_jail;
static int ends[2], other[2];
static volatile pid_t child;

static pid_t my_tid(void)
{
	return syscall(SYS_gettid);
}

static bool same(pid_t a, pid_t b, int what)
{
	return syscall(SYS_kcmp, a, b, what, 0UL, 0UL) == 0;
}

static bool is_at(const char *dir)
{
	char cwd[256];

	return getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, dir);
}

static void rest(int i)
{
	tids[i] = my_tid();
	while (!go_on)
		usleep(1000);
}

static void start(pthread_t *thread, void *(*body)(void *), int i)
{
	pthread_create(thread, NULL, body, (void *)(long)i);
	while (!tids[i])
		usleep(1000);
}

static void *shares(void *i)
{
	rest((long)i);
	return NULL;
}

static void let_go(pthread_t *threads, int nr)
{
	go_on = 1;
	for (int i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
}

static void *elsewhere(void *i)
{
	if (unshare(CLONE_FS) < 0 || chdir(DIR "/a") < 0)
		_exit(80);
	umask(0123);
	rest((long)i);
	verify(is_at(DIR "/a") && umask(0) == 0123, "its working directory and umask");
	verify(chdir(DIR "/b") == 0, "it goes elsewhere");
	return NULL;
}

/* A root of its own, and one that differs from that of the others. */
static void *jailed(void *i)
{
	if (unshare(CLONE_FS) < 0 || chroot(DIR "/a") < 0 || chdir("/in") < 0)
		_exit(81);
	rest((long)i);
	/* Its verdict would not leave it. */
	in_jail = access("/in", F_OK) == 0 && access(DIR, F_OK) < 0 && is_at("/in");
	return NULL;
}

static void make_dirs(void)
{
	mkdir(DIR "/a", 0755);
	mkdir(DIR "/a/in", 0755);
	mkdir(DIR "/b", 0755);
}

static void directories(void)
{
	pthread_t threads[3];
	pid_t me = getpid();

	make_dirs();
	if (chdir(DIR "/b") < 0)
		_exit(82);
	umask(027);
	start(&threads[0], elsewhere, 0);
	start(&threads[1], shares, 1);
	start(&threads[2], jailed, 2);
	pause_here();
	verify(!same(me, tids[0], KCMP_FS) && !same(me, tids[2], KCMP_FS) && !same(tids[0], tids[2], KCMP_FS),
	       "two threads have directories of their own");
	verify(same(me, tids[1], KCMP_FS) && same(me, tids[0], KCMP_FILES), "they share the rest");
	let_go(threads, 3);
	verify(in_jail, "one has another root directory, and is in it");
	verify(is_at(DIR "/b") && umask(0) == 027, "ours are what they were");
}

static struct flock lock_of(short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET };
}

/* One end of a pipe, a lock and a high descriptor, in its own table only. */
static void *own_table(void *i)
{
	struct flock lock = lock_of(F_WRLCK);
	char c = 0;
	int fd;

	if (unshare(CLONE_FILES) < 0)
		_exit(83);
	close(ends[0]);
	fd = open(DIR "/locked", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || dup3(fd, HIGH, O_CLOEXEC) < 0 || fcntl(fd, F_SETLK, &lock) < 0)
		_exit(84);
	close(fd);
	/* That close has dropped it. */
	if (fcntl(HIGH, F_SETLK, &lock) < 0)
		_exit(85);
	rest((long)i);
	verify(fcntl(ends[0], F_GETFD) < 0 && fcntl(HIGH, F_GETFD) == FD_CLOEXEC, "its descriptors");
	verify(write(ends[1], "x", 1) == 1 && read(other[0], &c, 1) == 1 && c == 'y', "its ends of pipes");
	lock = lock_of(F_WRLCK);
	verify(fcntl(HIGH, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK, "its lock is its own");
	return NULL;
}

static void descriptors(void)
{
	struct rlimit limit = { 100, 100 };
	struct flock lock = lock_of(F_WRLCK);
	pthread_t threads[2];
	pid_t me = getpid();
	char c = 0;
	int fd;

	if (pipe(ends) < 0 || pipe(other) < 0)
		_exit(86);
	start(&threads[0], own_table, 0);
	start(&threads[1], shares, 1);
	close(ends[1]);
	close(other[0]);
	/* Lower than what is open. */
	setrlimit(RLIMIT_NOFILE, &limit);
	pause_here();
	verify(!same(me, tids[0], KCMP_FILES) && same(me, tids[1], KCMP_FILES), "one thread has a table of its own");
	verify(same(me, tids[0], KCMP_FS), "and shares the rest");
	verify(fcntl(HIGH, F_GETFD) < 0 && fcntl(ends[1], F_GETFD) < 0, "ours has not what is only in the other one");
	getrlimit(RLIMIT_NOFILE, &limit);
	verify(limit.rlim_cur == 100 && limit.rlim_max == 100, "the limit is what it was");
	fd = open(DIR "/locked", O_RDWR | O_CLOEXEC);
	verify(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK, "its lock is not ours");
	close(fd);
	if (write(other[1], "y", 1) != 1)
		_exit(87);
	let_go(threads, 2);
	verify(read(ends[0], &c, 1) == 1 && c == 'x' && read(ends[0], &c, 1) == 0, "the pipe ends with its table");
	verify(fcntl(HIGH + 1, F_GETFD) < 0, "what it opened is not ours");
}

/* The first thread leaves the others. */
static void leader_leaves(void)
{
	pthread_t threads[3];
	pid_t me = getpid();

	make_dirs();
	start(&threads[0], shares, 0);
	start(&threads[1], shares, 1);
	start(&threads[2], elsewhere, 2);
	if (unshare(CLONE_FS | CLONE_FILES) < 0 || chdir(DIR "/b") < 0 || open("/dev/null", O_RDONLY) < 0)
		_exit(88);
	pause_here();
	verify(!same(me, tids[0], KCMP_FILES) && !same(me, tids[0], KCMP_FS), "the first thread has its own");
	verify(same(tids[0], tids[1], KCMP_FILES) && same(tids[0], tids[1], KCMP_FS) && same(tids[0], tids[2], KCMP_FILES) &&
	       !same(tids[0], tids[2], KCMP_FS), "the others share what was left");
	verify(is_at(DIR "/b"), "it is where it was");
	let_go(threads, 3);
}

static int in_child(void *unused)
{
	while (!go_on)
		usleep(1000);
	/* Where it is now, the thread is. */
	_exit(chdir(DIR "/b") < 0 || unused);
}

/* A process that shares with one thread of its parent. */
static void *parent_thread(void *i)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status;

	if (unshare(CLONE_FS | CLONE_FILES) < 0 || chdir(DIR "/a") < 0)
		_exit(89);
	child = clone(in_child, stack + sizeof(stack), CLONE_FS | CLONE_FILES | CLONE_VM | SIGCHLD, NULL);
	rest((long)i);
	verify(waitpid(child, &status, __WALL) == child && status == 0, "the child ends");
	verify(is_at(DIR "/b"), "and has taken the thread along");
	return NULL;
}

static void with_child(void)
{
	pid_t me = getpid();
	pthread_t thread;

	make_dirs();
	if (chdir("/") < 0)
		_exit(90);
	start(&thread, parent_thread, 0);
	pause_here();
	verify(same(child, tids[0], KCMP_FS) && same(child, tids[0], KCMP_FILES), "a process shares with the thread");
	verify(!same(child, me, KCMP_FS) && !same(child, me, KCMP_FILES), "and not with its process");
	let_go(&thread, 1);
	verify(is_at("/"), "nor is that moved");
}

/* When the first thread has ended. */
static void *heir(void *i)
{
	char stat[512], path[64], *end, c;
	pthread_t thread;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", getpid(), getpid());
	do
		end = strrchr(content(path, stat, sizeof(stat)), ')');
	while (!end || end[2] != 'Z');
	start(&thread, elsewhere, 1);
	if (write(other[1], "x", 1) != 1 || read(ends[0], &c, 1) != 1)
		_exit(92);
	verify(!same(tids[1], my_tid(), KCMP_FS) && same(tids[1], my_tid(), KCMP_FILES), "a thread has its own");
	let_go(&thread, 1);
	verify(is_at("/"), "the other one is where it was");
	syscall(SYS_exit_group, 0);
	return i;
}

static void without_leader(void)
{
	pthread_t thread;
	int status = -1;
	pid_t pid;
	char c;

	make_dirs();
	if (chdir("/") < 0 || pipe(ends) < 0 || pipe(other) < 0)
		_exit(91);
	pid = fork();
	if (pid == 0) {
		pthread_create(&thread, NULL, heir, NULL);
		syscall(SYS_exit, 0);
	}
	if (read(other[0], &c, 1) != 1)
		_exit(93);
	pause_here();
	if (write(ends[1], "x", 1) != 1)
		_exit(94);
	verify(waitpid(pid, &status, 0) == pid && status == 0, "it ends");
}

/* Without its parent, the child shares with somebody outside. */
static void tells_child(void)
{
	char text[32];
	pthread_t thread;

	make_dirs();
	start(&thread, parent_thread, 0);
	snprintf(text, sizeof(text), "%d\n", child);
	close(open(DIR "/pid", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	put_text(DIR "/pid", text);
	pause_here();
	let_go(&thread, 1);
}

static void outside(void)
{
	char pid[32], output[8192];
	struct subject s;

	if (!subject_start(&s, "outside", tells_child))
		return;
	content(DIR "/pid", pid, sizeof(pid));
	tap_ok(RUN(output, checkpoint_path, "--dry-run", pid) == 1 && strstr(output, "shares its directories") &&
	       strstr(output, "shares its descriptors"), "a child alone, that shares with a thread, is refused");
	tap_diag("%s", output);
	subject_finish(&s);
	unlink(DIR "/pid");
}

int main(void)
{
	need_checkpoint();
	subject_round("directories", directories);
	subject_twice("descriptors", descriptors);
	subject_twice("the first thread", leader_leaves);
	subject_round("a child", with_child);
	subject_round("no first thread", without_leader);
	outside();
	return tap_done();
}
