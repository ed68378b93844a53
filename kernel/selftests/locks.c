// SPDX-License-Identifier: Apache-2.0
/* Locks and leases come back before anyone runs; who is in the way is named. */
/* covers: Descriptors | POSIX, OFD and flock locks, leases, also that are being broken | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "subject.h"
#include "tap.h"

#define IMAGE "/ckpt/selftest-locks.img"

static char path[160];

static int open_file(int flags)
{
	snprintf(path, sizeof(path), "%s/selftest-locks", case_dir);
	return open(path, flags | O_CREAT | O_CLOEXEC, 0666);
}

static int lock(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &fl);
}

/* What stands in the way of a lock on this range? */
static struct flock in_the_way(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	fcntl(fd, cmd, &fl);
	return fl;
}

static bool is(struct flock fl, short type, off_t start, off_t len, pid_t pid)
{
	return fl.l_type == type && (type == F_UNLCK || (fl.l_start == start && fl.l_len == len && fl.l_pid == pid));
}

/* Ranges, shared and exclusive, to the end of the file, of two processes. */
static void posix_body(void)
{
	int fd = open_file(O_RDWR), other = open_file(O_RDONLY), status = 1, ends[2];
	pid_t parent = getpid(), child;
	char byte;

	if (pipe(ends) < 0)
		_exit(1);

	lock(fd, F_SETLK, F_WRLCK, 10, 20);
	lock(fd, F_SETLK, F_RDLCK, 100, 1);
	lock(fd, F_SETLK, F_WRLCK, 1000000, 0);
	child = fork();
	if (child == 0) {
		lock(fd, F_SETLK, F_RDLCK, 100, 1);
		lock(fd, F_SETLK, F_WRLCK, 200, 5);
		pause_here();
		verify(is(in_the_way(fd, F_GETLK, F_RDLCK, 0, 50), F_WRLCK, 10, 20, parent), "the parent's exclusive range");
		verify(is(in_the_way(fd, F_GETLK, F_WRLCK, 100, 1), F_RDLCK, 100, 1, parent), "the parent's shared range");
		verify(is(in_the_way(fd, F_GETLK, F_RDLCK, 2000000, 1), F_WRLCK, 1000000, 0, parent), "the range to the end of the file");
		verify(is(in_the_way(fd, F_GETLK, F_WRLCK, 30, 70), F_UNLCK, 0, 0, 0), "nothing between them");
		verify(lock(fd, F_SETLK, F_WRLCK, 15, 1) < 0 && errno == EAGAIN, "it is held against the child");
		_exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
	}
	pause_here();
	verify(is(in_the_way(fd, F_GETLK, F_WRLCK, 200, 5), F_WRLCK, 200, 5, child), "the child's range");
	if (write(ends[1], "x", 1) != 1)
		_exit(1);
	waitpid(child, &status, 0);
	verify(status == 0 && is(in_the_way(fd, F_GETLK, F_WRLCK, 200, 5), F_UNLCK, 0, 0, 0), "and it goes with the child");
	/* Any close of the file lets go of all of them. */
	close(other);
	child = fork();
	if (child == 0)
		_exit(in_the_way(fd, F_GETLK, F_WRLCK, 0, 0).l_type == F_UNLCK ? 0 : 1);
	waitpid(child, &status, 0);
	verify(status == 0, "they end with the first close, as ever");
	unlink(path);
}

static void posix(void) { subject_round("posix", posix_body); }

static void ofd_body(void)
{
	int fd = open_file(O_RDWR), probe = open_file(O_RDWR), twin = dup(fd);

	lock(fd, F_OFD_SETLK, F_WRLCK, 5, 5);
	lock(fd, F_OFD_SETLK, F_RDLCK, 50, 0);
	pause_here();
	verify(is(in_the_way(probe, F_OFD_GETLK, F_RDLCK, 0, 20), F_WRLCK, 5, 5, -1), "exclusive range");
	verify(is(in_the_way(probe, F_OFD_GETLK, F_WRLCK, 60, 1), F_RDLCK, 50, 0, -1), "shared, to the end");
	close(fd);
	verify(lock(probe, F_OFD_SETLK, F_WRLCK, 5, 5) < 0, "held while a duplicate is open");
	close(twin);
	verify(lock(probe, F_OFD_SETLK, F_WRLCK, 0, 0) == 0, "free when the last is closed");
	unlink(path);
}

static void ofd(void) { subject_round("ofd", ofd_body); }

static void flock_body(void)
{
	int fd = open_file(O_RDONLY), probe = open_file(O_RDONLY), shared, shared_probe;

	flock(fd, LOCK_EX);
	snprintf(path, sizeof(path), "%s/selftest-locks-shared", case_dir);
	shared = open(path, O_RDWR | O_CREAT, 0600);
	shared_probe = open(path, O_RDWR);
	flock(shared, LOCK_SH);
	pause_here();
	verify(flock(probe, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK, "exclusive");
	verify(flock(shared_probe, LOCK_SH | LOCK_NB) == 0 && flock(shared_probe, LOCK_UN) == 0, "shared with others");
	verify(flock(shared_probe, LOCK_EX | LOCK_NB) < 0, "but not exclusively");
	close(fd);
	verify(flock(probe, LOCK_EX | LOCK_NB) == 0, "free when closed");
	unlink(path);
	open_file(O_RDONLY);
	unlink(path);
}

static void flock_case(void) { subject_round("flock", flock_body); }

/* "->" marks them in /proc/locks. */
static int waiters(void)
{
	char line[256];
	FILE *locks = fopen("/proc/locks", "re");
	int n = 0;

	while (locks && fgets(line, sizeof(line), locks))
		n += strstr(line, "->") != NULL;
	if (locks)
		fclose(locks);
	return n;
}

/* Who waits for a lock goes on waiting, and gets it in the end. */
static void waiting_body(void)
{
	int fd = open_file(O_RDWR), status = 1, second = 1;
	pid_t child, flocker;

	lock(fd, F_SETLK, F_WRLCK, 0, 10);
	flock(fd, LOCK_EX);
	child = fork();
	if (child == 0)
		_exit(lock(fd, F_SETLKW, F_WRLCK, 5, 1) == 0 && exists("/tmp/selftest/go") ? 0 : 1);
	flocker = fork();
	if (flocker == 0) {
		int own = open_file(O_RDWR);

		_exit(flock(own, LOCK_EX) == 0 && exists("/tmp/selftest/go") ? 0 : 1);
	}
	while (waiters() < 2)
		usleep(1000);
	pause_here();
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
	flock(fd, LOCK_UN);
	waitpid(child, &status, 0);
	waitpid(flocker, &second, 0);
	verify(status == 0, "F_SETLKW ends when the lock is free, not before (0x%x)", status);
	verify(second == 0, "and so does flock (0x%x)", second);
	unlink(path);
}

static char clone_stack[65536] __attribute__((aligned(16)));

static int table_sharer(void *arg)
{
	lock(*(int *)arg, F_SETLK, F_WRLCK, 30, 3);
	ready();
	wait_for_go();
	return 0;
}

/* Processes that share a descriptor table own its locks together. */
static void shared_table_body(void)
{
	int fd = open_file(O_RDWR), status = 1;
	pid_t child = clone(table_sharer, clone_stack + sizeof(clone_stack), CLONE_FILES | SIGCHLD, &fd), prober;

	if (child < 0)
		_exit(1);
	wait_for_go();
	waitpid(child, NULL, 0);
	prober = fork();
	if (prober == 0)
		_exit(is(in_the_way(fd, F_GETLK, F_WRLCK, 0, 0), F_WRLCK, 30, 3, child) ? 0 : 1);
	waitpid(prober, &status, 0);
	verify(status == 0, "the lock outlives who set it, for the table is shared");
	verify(lock(fd, F_SETLK, F_UNLCK, 0, 0) == 0, "and the other unlocks it");
	unlink(path);
}

static void shared_table(void) { subject_round("shared table", shared_table_body); }

static void waiting(void) { subject_round("waiting", waiting_body); }

static volatile sig_atomic_t broken, broken_fd = -1;

static void on_break(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	broken = 1;
	broken_fd = info->si_fd;
}

/* To break it takes a second process, which waits in open(). */
static void lease_body(void)
{
	struct sigaction action = { .sa_sigaction = on_break, .sa_flags = SA_SIGINFO | SA_RESTART };
	int fd, reader, status = 1;
	char other[160];
	pid_t child;

	fd = open_file(O_RDWR);
	snprintf(other, sizeof(other), "%s/selftest-lease", case_dir);
	close(open(other, O_RDWR | O_CREAT, 0600));
	reader = open(other, O_RDONLY);
	sigaction(SIGRTMIN + 2, &action, NULL);
	fcntl(fd, F_SETSIG, SIGRTMIN + 2);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0 || fcntl(reader, F_SETLEASE, F_RDLCK) < 0)
		_exit(1);
	pause_here();
	verify(fcntl(fd, F_GETLEASE) == F_WRLCK && fcntl(reader, F_GETLEASE) == F_RDLCK, "both leases");
	verify(fcntl(fd, F_GETOWN) == getpid(), "their owner");
	verify(!broken, "no signal came of the restart");
	child = fork();
	if (child == 0)
		_exit(open(path, O_RDWR) >= 0 ? 0 : 1);
	for (int i = 0; i < 5000 && !broken; i++)
		usleep(1000);
	verify(broken && broken_fd == fd, "who opens the file breaks it; the signal names descriptor %d (%d)", fd, (int)broken_fd);
	fcntl(fd, F_SETLEASE, F_UNLCK);
	waitpid(child, &status, 0);
	verify(status == 0, "and gets it when the holder lets go (0x%x)", status);
	unlink(path);
	unlink(other);
}

#define LEASE_SECONDS	"20"

/* Who opens the file does not wait; the holder is told, and has a few seconds. */
static void breaking_body(void)
{
	struct sigaction action = { .sa_sigaction = on_break, .sa_flags = SA_SIGINFO | SA_RESTART };
	int fd, downgraded, late = 1;
	char other[160];
	time_t before;

	fd = open_file(O_RDWR);
	snprintf(other, sizeof(other), "%s/selftest-lease", case_dir);
	downgraded = open(other, O_RDWR | O_CREAT, 0600);
	sigaction(SIGRTMIN + 2, &action, NULL);
	fcntl(fd, F_SETSIG, SIGRTMIN + 2);
	fcntl(downgraded, F_SETSIG, SIGRTMIN + 2);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0 || fcntl(downgraded, F_SETLEASE, F_WRLCK) < 0 ||
	    open(path, O_RDWR | O_NONBLOCK) >= 0 || open(other, O_RDONLY | O_NONBLOCK) >= 0 || !broken)
		_exit(1);
	broken = 0;
	before = time(NULL);
	pause_here();
	verify(!broken, "it is not told once more");
	verify(fcntl(fd, F_GETLEASE) == F_UNLCK && fcntl(downgraded, F_GETLEASE) == F_RDLCK, "what is asked for");
	verify(open(path, O_RDWR | O_NONBLOCK) < 0 && errno == EWOULDBLOCK, "it still stands in the way");
	while (time(NULL) < before + atoi(LEASE_SECONDS) + 60 && late) {
		int again = open(path, O_RDWR | O_NONBLOCK);

		late = again < 0;
		if (!late)
			close(again);
		usleep(10000);
	}
	verify(!late && fcntl(fd, F_GETLEASE) == F_UNLCK, "until its time is over");
	unlink(path);
	unlink(other);
}

static void breaking(void)
{
	put_text("/proc/sys/fs/lease-break-time", LEASE_SECONDS);
	subject_round("a lease that is being broken", breaking_body);
	put_text("/proc/sys/fs/lease-break-time", "45");
}

static void lease(void) { subject_round("lease", lease_body); }

static void held_body(void)
{
	int fd = open_file(O_RDWR);

	lock(fd, F_SETLK, F_WRLCK, 10, 10);
	pause_here();
	unlink(path);
}

/* Somebody else has taken it meanwhile: named, and nobody runs; later it works. */
static void conflict(void)
{
	char output[4096], pid[32];
	struct subject s;
	int fd;

	if (!subject_start(&s, "conflict", held_body))
		return;
	if (!subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) || !wait_gone(s.pid)) {
		subject_end(&s);
		return;
	}
	fd = open_file(O_RDWR);
	lock(fd, F_SETLK, F_RDLCK, 15, 1);
	snprintf(pid, sizeof(pid), "process %d", getpid());
	int status = RUN(output, restart_path, "-i", IMAGE, "--detach");

	tap_ok(status == 1 && strstr(output, "lock (fcntl)") && strstr(output, "bytes 10 to 19") && strstr(output, pid) &&
	       strstr(output, "selftest-locks"), "a conflicting lock of a stranger is named: %s", output);
	tap_ok(wait_gone(s.pid), "and nobody runs");
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
	close(fd);
	if (subject_restart(&s, IMAGE, NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(IMAGE);
}

static void refused_body(const char *name, void (*body)(void), const char *word)
{
	char output[4096], pid[16];
	struct subject s;

	if (!subject_start(&s, name, body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	int status = RUN(output, checkpoint_path, "-o", IMAGE, "--kill", pid);

	tap_ok(status == 1 && strstr(output, word) && strstr(output, "selftest-locks"), "%s is refused by name: %s", name, output);
	status = RUN(output, checkpoint_path, "--dry-run", pid);
	tap_ok(status == 1 && strstr(output, word), "%s: a dry run says so too", name);
	subject_finish(&s);
}

static void shared_outside_body(void)
{
	int fd = open_file(O_RDWR);

	flock(fd, LOCK_EX);
	/* A grandchild that belongs to init shares the open file. */
	if (fork() == 0) {
		if (fork() == 0) {
			setsid();
			wait_for_go();
			_exit(0);
		}
		_exit(0);
	}
	wait(NULL);
	pause_here();
	unlink(path);
}

static void refusals(void)
{
	refused_body("a lock shared with a process outside", shared_outside_body, "outside the tree shares this open file");
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "posix", posix, "ext4 tmpfs xfs btrfs overlay" },
		{ "ofd", ofd, "ext4 tmpfs xfs btrfs overlay" },
		{ "flock", flock_case, "ext4 tmpfs xfs btrfs overlay" },
		{ "waiting", waiting, "ext4 tmpfs" },
		{ "shared-table", shared_table, "ext4 tmpfs" },
		{ "lease", lease, "ext4 tmpfs xfs" },
		{ "breaking", breaking, "ext4" },
		{ "conflict", conflict, "ext4 tmpfs" },
		{ "refusals", refusals, "ext4 tmpfs" },
		{ },
	};

	return run_cases(argc, argv, cases);
}
