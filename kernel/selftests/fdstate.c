// SPDX-License-Identifier: Apache-2.0
/* What belongs to an open file: flags, times, positions in directories, O_PATH, owner and signals, FIFOs, sharing. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "subject.h"
#include "tap.h"

static const char *in_dir(const char *name)
{
	static char path[8][160];
	static int next;
	char *p = path[next++ % 8];

	snprintf(p, 160, "%s/selftest-%s", case_dir, name);
	return p;
}

static bool same_stat(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_nlink == b->st_nlink &&
	       a->st_size == b->st_size && a->st_blocks == b->st_blocks && a->st_mode == b->st_mode &&
	       a->st_rdev == b->st_rdev && !memcmp(&a->st_atim, &b->st_atim, sizeof(a->st_atim)) &&
	       !memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) &&
	       !memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim));
}

static void verify_stat(int fd, const struct stat *before, const char *what)
{
	struct stat now;

	fstat(fd, &now);
	verify(same_stat(before, &now),
	       "%s: fstat is as before (inode %lu %lu, links %lu %lu, blocks %ld %ld, atime %ld %ld, ctime %ld.%09ld %ld.%09ld)",
	       what, before->st_ino, now.st_ino, before->st_nlink, now.st_nlink, before->st_blocks, now.st_blocks,
	       before->st_atim.tv_sec, now.st_atim.tv_sec, before->st_ctim.tv_sec, before->st_ctim.tv_nsec,
	       now.st_ctim.tv_sec, now.st_ctim.tv_nsec);
}

static void flags_body(void)
{
	static const int flags[] = {
		O_RDONLY, O_WRONLY, O_RDWR | O_APPEND, O_RDONLY | O_NONBLOCK, O_RDWR | O_SYNC, O_WRONLY | O_DSYNC,
		O_RDONLY | O_NOATIME, O_RDWR | O_DIRECT | O_APPEND | O_NONBLOCK, O_WRONLY | O_CLOEXEC, O_RDONLY | O_NOFOLLOW,
	};
	enum { N = sizeof(flags) / sizeof(*flags) };
	int fd[N], before[N], descriptor[N];
	const char *path = in_dir("flags");

	close(open(path, O_RDWR | O_CREAT, 0600));
	for (int i = 0; i < N; i++) {
		fd[i] = open(path, flags[i]);
		before[i] = fcntl(fd[i], F_GETFL);
		descriptor[i] = fcntl(fd[i], F_GETFD);
	}
	/* One that is set afterwards. */
	fcntl(fd[0], F_SETFL, O_NOATIME | O_NONBLOCK);
	before[0] = fcntl(fd[0], F_GETFL);
	pause_here();
	for (int i = 0; i < N; i++)
		verify(fcntl(fd[i], F_GETFL) == before[i] && fcntl(fd[i], F_GETFD) == descriptor[i],
		       "opened with 0%o: F_GETFL 0%o, was 0%o", flags[i], fcntl(fd[i], F_GETFL), before[i]);
	unlink(path);
}

static void flags(void) { subject_round("flags", flags_body); }

/* The access time is older than the data: any use of the file would renew it. */
static void times_body(void)
{
	const struct timespec old[2] = { { 1000000000, 123456789 }, { 1100000000, 987654321 } };
	const char *path = in_dir("times"), *dir_path = in_dir("times-dir");
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0640), dir;
	struct stat before, dir_before;
	char *map;

	/* Holes, too. */
	if (pwrite(fd, "begin", 5, 0) != 5 || pwrite(fd, "end", 3, 5 << 20) != 3)
		_exit(1);
	fsync(fd);
	mkdir(dir_path, 0755);
	dir = open(dir_path, O_RDONLY | O_DIRECTORY);
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map[0] != 'b')
		_exit(1);
	futimens(fd, old);
	futimens(dir, old);
	fstat(fd, &before);
	fstat(dir, &dir_before);
	pause_here();
	verify_stat(fd, &before, "file");
	verify_stat(dir, &dir_before, "directory");
	verify(map[0] == 'b' && lseek(fd, 0, SEEK_HOLE) < 5 << 20, "its mapping and its holes");
	unlink(path);
	rmdir(dir_path);
}

static void times(void) { subject_round("times", times_body); }

static void opath_body(void)
{
	const char *file_path = in_dir("opath"), *link_path = in_dir("opath-link"), *socket_path = in_dir("opath-sock");
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	static const char *const what[] = { "file", "directory", "symbolic link", "socket", "device" };
	struct stat before[5];
	char target[64] = "";
	int fd[5], flags[5];

	close(open(file_path, O_RDWR | O_CREAT, 0600));
	if (symlink("to/nowhere", link_path) < 0 && errno != EEXIST)
		_exit(1);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", socket_path);
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	unlink(socket_path);
	if (bind(sock, (struct sockaddr *)&name, sizeof(name)) < 0)
		_exit(1);
	close(sock);
	fd[0] = open(file_path, O_PATH);
	fd[1] = open(case_dir, O_PATH | O_DIRECTORY);
	fd[2] = open(link_path, O_PATH | O_NOFOLLOW);
	fd[3] = open(socket_path, O_PATH);
	fd[4] = open("/dev/kmsg", O_PATH | O_CLOEXEC);
	for (int i = 0; i < 5; i++) {
		fstat(fd[i], &before[i]);
		flags[i] = fcntl(fd[i], F_GETFL);
	}
	pause_here();
	for (int i = 0; i < 5; i++) {
		verify_stat(fd[i], &before[i], what[i]);
		verify(fcntl(fd[i], F_GETFL) == flags[i] && read(fd[i], target, 1) < 0 && errno == EBADF,
		       "%s: O_PATH (0%o, was 0%o)", what[i], fcntl(fd[i], F_GETFL), flags[i]);
	}
	verify(readlinkat(fd[2], "", target, sizeof(target)) == 10 && !memcmp(target, "to/nowhere", 10), "the link can be read");
	verify(fcntl(fd[4], F_GETFD) == FD_CLOEXEC, "close-on-exec");
	unlink(file_path);
	unlink(link_path);
	unlink(socket_path);
}

static void opath(void) { subject_round("opath", opath_body); }

#define ENTRIES 500

static void readdir_body(void)
{
	static bool seen[ENTRIES];
	const char *path = strdup(in_dir("readdir"));
	int found = 0, twice = 0, dir;
	char name[32];
	DIR *d;

	mkdir(path, 0755);
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "readdir/entry-%d", i);
		close(open(in_dir(name), O_WRONLY | O_CREAT, 0600));
	}
	dir = open(path, O_RDONLY | O_DIRECTORY);
	/* Half by raw calls: what libc has read ahead would hide the position. */
	for (int half = 0; half < 2; half++) {
		char buf[2048];
		ssize_t n;

		while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
			for (ssize_t at = 0; at < n;) {
				struct dirent64 *e = (void *)(buf + at);
				int i = strncmp(e->d_name, "entry-", 6) ? -1 : atoi(e->d_name + 6);

				if (i >= 0) {
					twice += seen[i];
					found++;
					seen[i] = true;
				}
				at += e->d_reclen;
			}
			if (!half && found > ENTRIES / 3)
				break;
		}
		if (!half)
			pause_here();
	}
	verify(found == ENTRIES && !twice, "readdir goes on where it was: %d of %d entries, %d twice", found, ENTRIES, twice);
	d = fdopendir(dir);
	rewinddir(d);
	for (struct dirent *e; (e = readdir(d));)
		unlinkat(dir, e->d_name, 0);
	rmdir(path);
}

static void readdir_case(void) { subject_round("readdir", readdir_body); }

static volatile sig_atomic_t got_signal, got_fd = -1;

static void on_io(int sig, siginfo_t *info, void *context)
{
	(void)context;
	got_signal = sig;
	got_fd = info->si_fd;
}

static void *thread_main(void *arg)
{
	*(pid_t *)arg = gettid();
	while (pause() < 0)
		;
	return NULL;
}

static void owner_body(void)
{
	struct sigaction action = { .sa_sigaction = on_io, .sa_flags = SA_SIGINFO };
	struct f_owner_ex owner = { }, set;
	int ends[2], fd = open("/dev/null", O_RDONLY), group = open("/dev/null", O_RDONLY),
	    thread = open("/dev/null", O_RDONLY);
	volatile pid_t tid = 0;
	pthread_t t;

	sigaction(SIGRTMIN + 3, &action, NULL);
	if (pipe(ends) < 0 || pthread_create(&t, NULL, thread_main, (void *)&tid))
		_exit(1);
	while (!tid)
		usleep(1000);
	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETSIG, SIGUSR1);
	fcntl(group, F_SETOWN, -getpgrp());
	set = (struct f_owner_ex){ F_OWNER_TID, tid };
	fcntl(thread, F_SETOWN_EX, &set);
	fcntl(ends[0], F_SETOWN, getpid());
	fcntl(ends[0], F_SETSIG, SIGRTMIN + 3);
	fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK);
	pause_here();
	verify(fcntl(fd, F_GETOWN) == getpid() && fcntl(fd, F_GETSIG) == SIGUSR1, "F_SETOWN, F_SETSIG");
	fcntl(group, F_GETOWN_EX, &owner);
	verify(owner.type == F_OWNER_PGRP && owner.pid == getpgrp(), "the owner is a process group");
	fcntl(thread, F_GETOWN_EX, &owner);
	verify(owner.type == F_OWNER_TID && owner.pid == tid, "the owner is a thread");
	verify(fcntl(ends[0], F_GETFL) == (O_ASYNC | O_NONBLOCK), "O_ASYNC (0%o)", fcntl(ends[0], F_GETFL));
	verify(!got_signal, "no signal came of the restart");
	if (write(ends[1], "x", 1) != 1)
		_exit(1);
	for (int i = 0; i < 2000 && !got_signal; i++)
		usleep(1000);
	verify(got_signal == SIGRTMIN + 3 && got_fd == ends[0], "its signal comes, and names descriptor %d (%d)", ends[0],
	       (int)got_fd);
}

static void owner(void) { subject_round("owner", owner_body); }

static void fifo_body(void)
{
	const char *path = in_dir("fifo"), *lonely = in_dir("fifo-lonely");
	struct pollfd p = { .events = POLLIN };
	struct stat before;
	char text[16] = "";
	int both, in, out, alone, in_flags, out_flags;

	unlink(path);
	unlink(lonely);
	if (mkfifo(path, 0600) < 0 || mkfifo(lonely, 0600) < 0)
		_exit(1);
	both = open(path, O_RDWR);
	in = open(path, O_RDONLY);
	out = open(path, O_WRONLY | O_NONBLOCK);
	close(both);
	alone = open(lonely, O_RDONLY | O_NONBLOCK);
	fcntl(out, F_SETPIPE_SZ, 8192);
	if (write(out, "unread bytes", 12) != 12)
		_exit(1);
	in_flags = fcntl(in, F_GETFL);
	out_flags = fcntl(out, F_GETFL);
	fstat(in, &before);
	pause_here();
	verify_stat(in, &before, "FIFO");
	verify(fcntl(out, F_GETPIPE_SZ) == 8192, "size of its buffer");
	verify(fcntl(out, F_GETFL) == out_flags && fcntl(in, F_GETFL) == in_flags, "flags");
	verify(read(in, text, sizeof(text)) == 12 && !memcmp(text, "unread bytes", 12), "contents");
	p.fd = alone;
	verify(poll(&p, 1, 0) == 0, "a reader that has seen no writer is told of no hangup (0x%x)", p.revents);
	close(out);
	verify(read(in, text, sizeof(text)) == 0, "end of file when the last writer goes");
	p.fd = in;
	verify(poll(&p, 1, 0) == 1 && p.revents == POLLHUP, "and hangup");
	unlink(path);
	unlink(lonely);
}

static void fifo(void) { subject_round("fifo", fifo_body); }

static char clone_stack[65536] __attribute__((aligned(16)));

static int sharer(void *arg)
{
	wait_for_go();
	/* The parent sees this as its own. */
	if (dup2(*(int *)arg, 50) < 0 || chdir("/usr/lib") < 0)
		return 1;
	umask(0123);
	return 0;
}

static void sharing_body(void)
{
	int fd = open("/dev/zero", O_RDONLY), status = 1;
	char cwd[64] = "", byte = 1;
	pid_t child = clone(sharer, clone_stack + sizeof(clone_stack), CLONE_FILES | CLONE_FS | SIGCHLD, &fd);

	if (child < 0 || chdir("/usr") < 0)
		_exit(1);
	pause_here();
	waitpid(child, &status, 0);
	verify(status == 0, "the sharing child ends well (0x%x)", status);
	verify(read(50, &byte, 1) == 1 && !byte, "a descriptor the child made is the parent's (CLONE_FILES)");
	verify(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/usr/lib"), "and so is its working directory (CLONE_FS): %s", cwd);
	verify(umask(0) == 0123, "and its umask");
}

static void sharing(void) { subject_round("sharing", sharing_body); }

static void made_up_body(void)
{
	int status = open("/proc/self/status", O_RDONLY), self = open("/proc/self", O_RDONLY | O_DIRECTORY),
	    fds = open("/proc/self/fd", O_RDONLY | O_DIRECTORY), memory = open("/proc/meminfo", O_RDONLY),
	    sysctl = open("/proc/sys/kernel/ostype", O_RDONLY), size = open("/sys/block/vda/size", O_RDONLY),
	    block = open("/sys/block", O_RDONLY | O_DIRECTORY);
	char text[64] = "", path[64];
	ssize_t n;

	if (read(status, text, 6) != 6 || lseek(memory, 9, SEEK_SET) != 9)
		_exit(1);
	pause_here();
	n = read(status, text, 32);
	verify(n == 32 && strstr(text, "fdstate"), "/proc/self/status goes on where it was");
	snprintf(path, sizeof(path), "%d", getpid());
	n = readlink("/proc/self", text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	verify(!strcmp(text, path) && faccessat(self, "cwd", F_OK, 0) == 0, "/proc/self");
	snprintf(path, sizeof(path), "%d", self);
	verify(readlinkat(fds, path, text, sizeof(text)) > 0, "/proc/self/fd shows the descriptors");
	verify(lseek(memory, 0, SEEK_CUR) == 9 && read(memory, text, 1) == 1, "/proc/meminfo");
	verify(read(sysctl, text, 6) == 6 && !memcmp(text, "Linux", 5), "/proc/sys");
	verify(size < 0 || read(size, text, 2) == 2, "/sys, file");
	verify(faccessat(block, "vda", F_OK, 0) == 0, "/sys, directory");
}

static void made_up(void) { subject_round("made up", made_up_body); }

static void block_body(void)
{
	int fd = open("/dev/vda", O_RDONLY | O_DIRECT);
	struct stat before;

	if (fd < 0 || lseek(fd, 4096, SEEK_SET) != 4096)
		_exit(1);
	fstat(fd, &before);
	pause_here();
	verify_stat(fd, &before, "block device");
	verify(lseek(fd, 0, SEEK_CUR) == 4096 && (fcntl(fd, F_GETFL) & O_DIRECT), "position, flags");
}

static void block(void) { subject_round("block", block_body); }

/* O_EXCL claims a block device. */
static void exclusive_body(void)
{
	const char *path = in_dir("loop");
	int fd, other;

	unlink(path);
	if (mknod(path, S_IFBLK | 0600, makedev(7, 7)) < 0)
		_exit(1);
	fd = open(path, O_RDONLY | O_EXCL);
	if (fd < 0)
		_exit(1);
	pause_here();
	other = open(path, O_RDONLY | O_EXCL);
	verify(other < 0 && errno == EBUSY, "the device is claimed");
	close(fd);
	verify(open(path, O_RDONLY | O_EXCL) >= 0, "and free when it is closed");
	unlink(path);
}

static void exclusive(void) { subject_round("exclusive", exclusive_body); }

/* Opened with more rights than the process has kept. */
static void dropped_body(void)
{
	const char *path = in_dir("dropped");
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), pid = getpid();
	char text[8] = "";

	if (write(fd, "secret", 6) != 6 || setresgid(1000, 1000, 1000) < 0 || setresuid(1000, 1000, 1000) < 0)
		_exit(1);
	pause_here();
	verify(pread(fd, text, 8, 0) == 6 && !memcmp(text, "secret", 6), "it can be read");
	verify(open(path, O_RDONLY) < 0 && errno == EACCES, "but not opened again");
	verify(fcntl(fd, F_SETOWN, pid) == 0 && geteuid() == 1000, "by user %u", geteuid());
}

static void dropped(void)
{
	subject_round("dropped", dropped_body);
	unlink(in_dir("dropped"));
}

static void hint_body(void)
{
	const char *path = in_dir("hint");
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	uint64_t hint = RWH_WRITE_LIFE_SHORT, now = 0;

	fcntl(fd, F_SET_RW_HINT, &hint);
	pause_here();
	verify(fcntl(fd, F_GET_RW_HINT, &now) == 0 && now == hint, "F_SET_RW_HINT");
	unlink(path);
}

static void hint(void) { subject_round("hint", hint_body); }

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "flags", flags, "ext4 xfs" },
		{ "times", times, "ext4 tmpfs xfs btrfs f2fs overlay" },
		{ "opath", opath, "ext4 tmpfs overlay" },
		{ "readdir", readdir_case, "ext4 tmpfs xfs btrfs f2fs overlay" },
		{ "owner", owner, "tmpfs" },
		{ "fifo", fifo, "ext4 tmpfs overlay" },
		{ "sharing", sharing, "tmpfs" },
		{ "made-up", made_up, "tmpfs" },
		{ "block", block, "tmpfs" },
		{ "exclusive", exclusive, "ext4" },
		{ "dropped", dropped, "ext4 tmpfs" },
		{ "hint", hint, "ext4" },
		{ },
	};

	return run_cases(argc, argv, cases);
}
