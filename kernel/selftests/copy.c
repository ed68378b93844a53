// SPDX-License-Identifier: Apache-2.0
/*
 * Unlinked files whose contents go into the image: holes, attributes and
 * sharing survive, the inode number does not.
 */
/* covers: Files | open files that have lost one of their names: found by another one (--unlinked=copy) | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cases.h"
#include "filesystems.h"
#include "subject.h"
#include "tap.h"

#define ALL	"ext4 tmpfs xfs btrfs f2fs overlay"
#define BLOCK	4096
#define IMAGE	"/ckpt/selftest-copy.img"

static const char *in_dir(const char *name)
{
	static char path[2][256];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/copy-%s", case_dir, name);
	return path[turn];
}

static void put(int fd, off_t block, int value)
{
	char data[BLOCK];

	memset(data, value, sizeof(data));
	if (pwrite(fd, data, sizeof(data), block * BLOCK) != sizeof(data))
		_exit(1);
}

static bool has(int fd, off_t block, int value)
{
	char data[BLOCK], expected[BLOCK];

	memset(expected, value, sizeof(expected));
	return pread(fd, data, sizeof(data), block * BLOCK) == sizeof(data) && !memcmp(data, expected, sizeof(data));
}

static int make(const char *name, int flags)
{
	int fd = open(in_dir(name), flags | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd < 0)
		_exit(1);
	return fd;
}

/* Start, checkpoint by copy and kill, restart, finish. */
static void round_with(const char *name, void (*body)(void), const char *how, const char *const *restart_options)
{
	struct subject s;

	if (!subject_start(&s, name, body))
		return;
	if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", how, NULL }) && wait_gone(s.pid) &&
	    subject_restart(&s, IMAGE, restart_options))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(IMAGE);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void attributes_body(void)
{
	static const struct timespec times[2] = { { 1000000000, 123456789 }, { 1100000000, 987654321 } };
	struct stat before, now;
	char value[64] = "", link[64], was[300], target[300] = "";
	int fd = make("attributes", O_RDWR);

	for (int i = 0; i < 20; i++)
		put(fd, i, i + 1);
	if (ftruncate(fd, 20 * BLOCK - 100) < 0 || fchown(fd, 1234, 5678) < 0 || fchmod(fd, 06751) < 0 ||
	    fsetxattr(fd, "user.colour", "blue", 4, 0) < 0 || futimens(fd, times) < 0)
		_exit(1);
	unlink(in_dir("attributes"));
	lseek(fd, 77, SEEK_SET);
	fsync(fd);
	fstat(fd, &before);
	pause_here();
	fstat(fd, &now);
	verify(now.st_size == before.st_size, "size %lld, was %lld", (long long)now.st_size, (long long)before.st_size);
	verify(now.st_mode == before.st_mode, "mode %o, was %o", now.st_mode, before.st_mode);
	verify(now.st_uid == 1234 && now.st_gid == 5678, "owner %u:%u", now.st_uid, now.st_gid);
	verify(now.st_nlink == 0, "%lu links", now.st_nlink);
	verify(same_time(now.st_mtim, before.st_mtim) && same_time(now.st_atim, before.st_atim), "mtime and atime");
	if (strcmp(case_fs, "overlay"))
		verify(same_time(now.st_ctim, before.st_ctim), "ctime");
	verify(fgetxattr(fd, "user.colour", value, sizeof(value)) == 4 && !strcmp(value, "blue"), "extended attribute");
	verify(lseek(fd, 0, SEEK_CUR) == 77, "position");
	for (int i = 0; i < 19; i++)
		verify(has(fd, i, i + 1), "block %d", i);
	verify(pwrite(fd, "x", 1, 0) == 1, "it can be written");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, target, sizeof(target) - 1) < 0)
		target[0] = '\0';
	snprintf(was, sizeof(was), "%s (deleted)", in_dir("attributes"));
	if (strcmp(case_fs, "overlay"))
		verify(!strcmp(target, was), "it is called what it was called: %s", target);
	verify(!exists(in_dir("attributes")), "its name has not come back");
}

static void attributes(void)
{
	round_with("attributes", attributes_body, "--unlinked=copy", NULL);
}

static void sparse_body(void)
{
	struct stat before, now;
	int fd = make("sparse", O_RDWR);

	/* Long, mostly holes, the last of them at the end. */
	put(fd, 1, 1);
	put(fd, 1000, 2);
	for (int i = 5000; i < 6500; i++)
		put(fd, i, i % 250 + 1);
	if (ftruncate(fd, 1L << 32) < 0)
		_exit(1);
	unlink(in_dir("sparse"));
	fsync(fd);
	fstat(fd, &before);
	pause_here();
	fstat(fd, &now);
	verify(now.st_size == before.st_size, "size %lld", (long long)now.st_size);
	fsync(fd);
	fstat(fd, &now);
	/* A filesystem may need a block more or less for its own sake; xfs allocates ahead, and gives back. */
	verify(now.st_blocks <= before.st_blocks + 64 &&
	       (!strcmp(case_fs, "xfs") || now.st_blocks + 64 >= before.st_blocks), "%lld blocks, was %lld",
	       (long long)now.st_blocks, (long long)before.st_blocks);
	verify(has(fd, 0, 0) && has(fd, 1, 1) && has(fd, 999, 0) && has(fd, 1000, 2) && has(fd, 1001, 0), "contents");
	bool good = true;

	for (int i = 5000; i < 6500; i++)
		good &= has(fd, i, i % 250 + 1);
	verify(good && has(fd, 6500, 0) && has(fd, (1L << 20) - 1, 0), "contents of the long part");
	verify(lseek(fd, 0, SEEK_DATA) == BLOCK && lseek(fd, BLOCK, SEEK_HOLE) == 2 * BLOCK, "holes where they were");
}

static void sparse(void)
{
	round_with("sparse", sparse_body, "--unlinked=copy", NULL);
}

static void shared_body(void)
{
	int fd = make("shared", O_RDWR), other = open(in_dir("shared"), O_RDONLY | O_CLOEXEC), ends[2], status;
	struct stat a, b;
	char byte, *map;

	put(fd, 0, 1);
	put(fd, 1, 2);
	map = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	unlink(in_dir("shared"));
	map[BLOCK] = 'M';
	if (pipe(ends) < 0)
		_exit(1);
	pid_t child = fork();

	if (child == 0) {
		if (read(ends[0], &byte, 1) != 1)
			_exit(1);
		_exit(pread(other, &byte, 1, 100) == 1 && byte == 'p' ? 0 : 2);
	}
	pause_here();
	fstat(fd, &a);
	fstat(other, &b);
	verify(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "both descriptors are of one inode");
	verify(map[0] == 1 && map[BLOCK] == 'M' && map[BLOCK + 1] == 2, "contents of the mapping");
	map[100] = 'p';
	verify(pread(other, &byte, 1, 100) == 1 && byte == 'p', "mapping and descriptor are of one file");
	verify(write(other, "x", 1) < 0 && errno == EBADF, "one can still only be read");
	if (write(ends[1], "x", 1) != 1)
		_exit(1);
	waitpid(child, &status, 0);
	verify(status == 0, "another process has the same file");
}

static void shared(void)
{
	round_with("shared", shared_body, "--unlinked=copy", NULL);
}

/* Relink would do, so auto does that: the same inode. */
static void auto_body(void)
{
	struct stat before, now;
	int fd = make("auto", O_RDWR);

	put(fd, 0, 9);
	unlink(in_dir("auto"));
	fstat(fd, &before);
	pause_here();
	fstat(fd, &now);
	verify(now.st_ino == before.st_ino, "inode %lu, was %lu", now.st_ino, before.st_ino);
	verify(has(fd, 0, 9), "contents");
}

static void auto_case(void)
{
	round_with("auto", auto_body, "--unlinked=auto", NULL);
}

/* A file of a lower layer has no inode that could be named. */
static void lower_body(void)
{
	char path[200], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/lower", case_dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || unlink(path) < 0)
		_exit(1);
	lseek(fd, 4, SEEK_SET);
	pause_here();
	verify(read(fd, text, 4) == 4 && !strcmp(text, "3\n4\n"), "contents and position");
	verify(!exists(path), "its name has not come back");
}

static void lower(void)
{
	struct subject s;
	char output[8192], pid[16];

	if (!subject_start(&s, "lower", lower_body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	tap_ok(RUN(output, checkpoint_path, "-o", IMAGE, pid) == 1 && strstr(output, "--unlinked=copy"),
	       "lower: relink is refused, and copy named: %s", output);
	if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", "--unlinked=auto", NULL }) && wait_gone(s.pid) &&
	    subject_restart(&s, IMAGE, NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(IMAGE);
}

/* The image travels: the filesystem it was taken on is gone. */
static void travels_body(void)
{
	int fd = make("travels", O_RDWR);

	for (int i = 0; i < 600; i++)
		put(fd, i, i % 200 + 1);
	unlink(in_dir("travels"));
	pause_here();
	bool good = true;

	for (int i = 0; i < 600; i++)
		good &= has(fd, i, i % 200 + 1);
	verify(good, "contents");
}

static void travels(void)
{
	struct subject s;
	char output[8192];

	if (!subject_start(&s, "travels", travels_body))
		return;
	if (!subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", "--unlinked=copy", NULL }) || !wait_gone(s.pid))
		goto out;
	fs_umount(case_fs);
	if (RUN(output, restart_path, "-i", IMAGE, "--detach", "--relink-dir", "/nowhere") == 0 ||
	    !strstr(output, "/nowhere"))
		tap_ok(false, "travels: a directory that is not there is named: %s", output);
	mkdir("/tmp/selftest-elsewhere", 0700);
	if (subject_restart(&s, IMAGE, (const char *const[]){ "--relink-dir", "/tmp/selftest-elsewhere", NULL }))
		subject_finish(&s);
	tap_ok(rmdir("/tmp/selftest-elsewhere") == 0, "travels: nothing is left in the other directory");
out:
	subject_end(&s);
	unlink(IMAGE);
}

static void two_body(void)
{
	int a = make("two-a", O_RDWR), b = make("two-b", O_RDWR);

	put(a, 0, 1);
	put(b, 3, 1);
	put(b, 4, 1);
	fsync(a);
	fsync(b);
	unlink(in_dir("two-a"));
	unlink(in_dir("two-b"));
	pause_here();
}

/* How much it would be is said beforehand, and it is so much. */
static void beforehand(void)
{
	struct subject s;
	char output[8192], pid[16];

	if (!subject_start(&s, "beforehand", two_body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	int status = RUN(output, checkpoint_path, "--dry-run", "--unlinked=copy", pid);

	tap_ok(status == 0 && strstr(output, "copy-two-a") && strstr(output, " 4096 bytes") && strstr(output, "copy-two-b") &&
	       strstr(output, " 8192 bytes"), "beforehand: each file and its size (%d): %s", status, output);
	status = RUN(output, checkpoint_path, "--dry-run", "--json", "--unlinked=copy", pid);
	tap_ok(status == 0 && strstr(output, "\"copied\":2,\"copiedBytes\":12288"), "beforehand: totals: %s", output);
	status = RUN(output, checkpoint_path, "-o", IMAGE, "--json", "--unlinked=copy", pid);
	tap_ok(status == 0 && strstr(output, "\"copied\":2,\"copiedBytes\":12288"), "beforehand: it is so: %s", output);
	status = RUN(output, ckptinfo_path, IMAGE);
	tap_ok(status == 0 && strstr(output, "CONTENTS") && strstr(output, "copy-two-b"), "ckptinfo lists it");
	subject_finish(&s);
	unlink(IMAGE);
}

/* What is no regular file travels too: a FIFO with what is in it, a device, the name of a socket. */
static void special_body(void)
{
	static const char *const nodes[] = { "fifo", "null", "socket" };
	struct stat before[3], now;
	char text[8] = "";
	int fds[3];

	if (mkfifo(in_dir("fifo"), 0640) < 0 || mknod(in_dir("null"), S_IFCHR | 0620, makedev(1, 3)) < 0 ||
	    mknod(in_dir("socket"), S_IFSOCK | 0604, 0) < 0)
		_exit(1);
	for (int i = 0; i < 3; i++) {
		fds[i] = open(in_dir(nodes[i]), (i == 2 ? O_PATH : O_RDWR) | O_CLOEXEC);
		if (fds[i] < 0 || fchownat(fds[i], "", 12, 34, AT_EMPTY_PATH) < 0 || unlink(in_dir(nodes[i])) < 0)
			_exit(1);
	}
	if (write(fds[0], "unread", 6) != 6)
		_exit(1);
	for (int i = 0; i < 3; i++)
		fstat(fds[i], &before[i]);
	pause_here();
	for (int i = 0; i < 3; i++) {
		verify(fstat(fds[i], &now) == 0 && now.st_mode == before[i].st_mode && now.st_nlink == 0 &&
		       now.st_uid == 12 && now.st_gid == 34 && now.st_rdev == before[i].st_rdev,
		       "%s: mode %o, was %o; %lu links, owner %u:%u", nodes[i], now.st_mode, before[i].st_mode,
		       (unsigned long)now.st_nlink, now.st_uid, now.st_gid);
		verify(!exists(in_dir(nodes[i])), "%s: its name has not come back", nodes[i]);
	}
	verify(read(fds[0], text, sizeof(text)) == 6 && !memcmp(text, "unread", 6), "fifo: what was unread: \"%s\"", text);
	verify(write(fds[0], "more", 4) == 4 && read(fds[0], text, 4) == 4 && !memcmp(text, "more", 4), "fifo: it goes on");
	verify(write(fds[1], "x", 1) == 1 && read(fds[1], text, 1) == 0, "null: it is /dev/null");
}

static void special(void)
{
	round_with("special", special_body, "--unlinked=copy", NULL);
}

static int listens(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", in_dir(name));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 5) < 0)
		_exit(1);
	return fd;
}

static int connects(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", in_dir(name));
	return connect(fd, (struct sockaddr *)&a, sizeof(a));
}

/* Give @name another one, @other, and take it away. */
static void rename_by_link(const char *name, const char *other)
{
	if (link(in_dir(name), in_dir(other)) < 0 || unlink(in_dir(name)) < 0)
		_exit(1);
}

static const char *shown_as(int fd)
{
	static char text[300];
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void linked_body(void)
{
	char before[300], text[8] = "";
	int fd = make("linked", O_RDWR), fifo, sock, writer;
	struct stat now, named;

	put(fd, 0, 1);
	rename_by_link("linked", "kept");
	if (mkfifo(in_dir("fifo"), 0600) < 0)
		_exit(1);
	fifo = open(in_dir("fifo"), O_RDWR | O_CLOEXEC);
	rename_by_link("fifo", "fifo-kept");
	sock = listens("sock");
	rename_by_link("sock", "sock-kept");
	snprintf(before, sizeof(before), "%s", shown_as(fd));
	pause_here();
	put(fd, 1, 2);
	verify(fstat(fd, &now) == 0 && stat(in_dir("kept"), &named) == 0 && now.st_ino == named.st_ino &&
	       now.st_dev == named.st_dev, "it is what its other name leads to");
	verify(now.st_nlink == 1 && named.st_size == 2 * BLOCK, "%lu links, %lld bytes", (unsigned long)now.st_nlink,
	       (long long)named.st_size);
	verify(has(fd, 0, 1), "contents");
	verify(!exists(in_dir("linked")), "the name that was gone has not come back");
	if (strcmp(case_fs, "overlay"))
		verify(!strcmp(shown_as(fd), before), "it is shown as %s, was %s", shown_as(fd), before);
	writer = open(in_dir("fifo-kept"), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	verify(write(writer, "x", 1) == 1 && read(fifo, text, 1) == 1, "the FIFO, too");
	verify(connects("sock-kept") == 0 && accept(sock, NULL, NULL) >= 0, "and the socket");
	unlink(in_dir("kept"));
	unlink(in_dir("fifo-kept"));
	unlink(in_dir("sock-kept"));
}

/* Two rounds: the second finds what the first has restored. */
static void linked(void)
{
	struct subject s;

	if (!subject_start(&s, "linked", linked_body))
		return;
	for (int i = 0; i < 2; i++) {
		/* Nobody remembers the other name. */
		put_text("/proc/sys/vm/drop_caches", "2");
		if (!subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", "--unlinked=copy", NULL }) ||
		    !wait_gone(s.pid) || !subject_restart(&s, IMAGE, NULL)) {
			subject_end(&s);
			return;
		}
	}
	subject_finish(&s);
	unlink(IMAGE);
}

static void elsewhere_body(void)
{
	int fd = make("elsewhere", O_RDWR);

	mkdir(in_dir("other"), 0755);
	rename_by_link("elsewhere", "other/kept");
	pause_here();
	verify(fcntl(fd, F_GETFD) >= 0, "it is open");
	unlink(in_dir("other/kept"));
	rmdir(in_dir("other"));
}

/* Nobody looks for it in all directories. */
static void elsewhere(void)
{
	char output[8192], pid[16];
	struct subject s;

	if (!subject_start(&s, "elsewhere", elsewhere_body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	sync();
	put_text("/proc/sys/vm/drop_caches", "2");
	tap_ok(RUN(output, checkpoint_path, "--dry-run", "--unlinked=copy", pid) == 1 &&
	       strstr(output, "another one cannot be found"), "elsewhere: refused beforehand: %s", output);
	tap_ok(RUN(output, checkpoint_path, "-o", IMAGE, "--kill", "--unlinked=copy", pid) == 1 && !exists(IMAGE),
	       "elsewhere: no image");
	subject_finish(&s);
}

/* No copy could be made there again. */
static void read_only_body(void)
{
	int fd;

	if (!private_mounts() || mount(case_dir, case_dir, NULL, MS_BIND, NULL) < 0)
		_exit(1);
	fd = make("read-only", O_RDONLY);
	if (unlink(in_dir("read-only")) < 0 || mount(NULL, case_dir, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
		_exit(1);
	pause_here();
	verify(fcntl(fd, F_GETFD) >= 0, "it is open");
}

static void read_only(void)
{
	struct subject s;
	char output[8192], pid[16];

	if (!subject_start(&s, "read-only", read_only_body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	tap_ok(RUN(output, checkpoint_path, "--dry-run", "--unlinked=copy", pid) == 1 && strstr(output, "its mount is read-only"),
	       "read-only: refused beforehand");
	tap_diag("%s", output);
	tap_ok(RUN(output, checkpoint_path, "-o", IMAGE, "--kill", "--unlinked=copy", pid) == 1 && !exists(IMAGE),
	       "read-only: no image");
	subject_finish(&s);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "attributes", attributes, ALL },
		{ "sparse", sparse, ALL },
		{ "shared", shared, ALL },
		/* The guest's tmpfs is mounted without devices. */
		{ "special", special, "ext4 xfs btrfs f2fs overlay" },
		{ "auto", auto_case, ALL },
		{ "lower", lower, "overlay" },
		{ "travels", travels, "xfs btrfs f2fs overlay" },
		{ "beforehand", beforehand, "ext4 xfs" },
		{ "read-only", read_only, "ext4 xfs" },
		{ "linked", linked, ALL },
		{ "elsewhere", elsewhere, "ext4 xfs btrfs f2fs" },
		{ },
	};

	return run_cases(argc, argv, cases);
}
