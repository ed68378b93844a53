// SPDX-License-Identifier: Apache-2.0
/*
 * Names for files that have none, on every filesystem that can give them: the
 * same inode comes back, and nobody notices that it had a name meanwhile.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "filesystems.h"
#include "subject.h"
#include "tap.h"

#define ALL	"ext4 tmpfs xfs btrfs f2fs overlay"
#define BLOCK	4096
#define IMAGE	"/ckpt/selftest-relink.img"
#define IMAGE2	"/ckpt/selftest-relink2.img"

static const char *in_dir(const char *name)
{
	static char path[2][256];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/relink-%s", case_dir, name);
	return path[turn];
}

static void fill(int fd, int blocks)
{
	char block[BLOCK];

	for (int i = 0; i < blocks; i++) {
		memset(block, i + 1, sizeof(block));
		if (pwrite(fd, block, sizeof(block), (off_t)i * BLOCK) != sizeof(block))
			_exit(1);
	}
}

static bool filled(int fd, int blocks)
{
	char block[BLOCK], expected[BLOCK];

	for (int i = 0; i < blocks; i++) {
		memset(expected, i + 1, sizeof(expected));
		if (pread(fd, block, sizeof(block), (off_t)i * BLOCK) != sizeof(block) ||
		    memcmp(block, expected, sizeof(block)))
			return false;
	}
	return true;
}

static int make(const char *name, int flags)
{
	int fd = open(in_dir(name), flags | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd < 0)
		_exit(1);
	return fd;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void same(const char *who, int fd, const struct stat *before)
{
	struct stat now;

	fstat(fd, &now);
	verify(now.st_ino == before->st_ino && now.st_dev == before->st_dev, "%s: inode %lu, was %lu", who, now.st_ino,
	       before->st_ino);
	verify(now.st_nlink == before->st_nlink, "%s: %lu links, was %lu", who, now.st_nlink, before->st_nlink);
	verify(now.st_size == before->st_size && now.st_mode == before->st_mode, "%s: size and mode", who);
	/* When the last one closes a file, xfs gives back what it had allocated behind its end. */
	if (strcmp(case_fs, "xfs"))
		verify(now.st_blocks == before->st_blocks, "%s: %ld blocks, was %ld", who, now.st_blocks,
		       before->st_blocks);
	else
		verify(now.st_blocks <= before->st_blocks, "%s: %ld blocks, was %ld", who, now.st_blocks,
		       before->st_blocks);
	verify(same_time(now.st_mtim, before->st_mtim), "%s: mtime", who);
	/* Of what is no regular file, overlayfs leaves it to the filesystem below. */
	if (strcmp(case_fs, "overlay") || S_ISREG(now.st_mode))
		verify(same_time(now.st_ctim, before->st_ctim), "%s: ctime", who);
}

/* Delayed allocation would change st_blocks by itself. */
static void look(int fd, struct stat *before)
{
	fsync(fd);
	fstat(fd, before);
}

static void held_body(void)
{
	struct stat before;
	char link[64], was[300], target[300] = "";
	int fd = make("held", O_RDWR);

	fill(fd, 64);
	unlink(in_dir("held"));
	lseek(fd, 4097, SEEK_SET);
	look(fd, &before);
	pause_here();
	same("file", fd, &before);
	verify(filled(fd, 64), "contents");
	verify(lseek(fd, 0, SEEK_CUR) == 4097, "position");
	verify(pwrite(fd, "new", 3, 0) == 3, "it can be written");
	verify(!exists(in_dir("held")), "its name has not come back");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, target, sizeof(target) - 1) < 0)
		target[0] = '\0';
	snprintf(was, sizeof(was), "%s (deleted)", in_dir("held"));
	if (strcmp(case_fs, "overlay"))
		verify(!strcmp(target, was), "it is called what it was called: %s", target);
}

static void held(void)
{
	subject_round("held", held_body);
}

static void only_read_body(void)
{
	int rw = make("only-read", O_RDWR), fd;

	fill(rw, 4);
	fd = open(in_dir("only-read"), O_RDONLY | O_CLOEXEC);
	close(rw);
	unlink(in_dir("only-read"));
	pause_here();
	verify((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY, "it is open to be read");
	verify(write(fd, "x", 1) < 0 && errno == EBADF, "and not to be written");
	verify(mmap(NULL, BLOCK, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES, "nor mapped to be");
	verify(filled(fd, 4), "contents");
}

static void only_read(void)
{
	subject_round("only-read", only_read_body);
}

static void shared_body(void)
{
	struct stat before;
	int fd = make("shared", O_RDWR), other = open(in_dir("shared"), O_RDWR | O_CLOEXEC), ends[2], status;
	char byte;

	fill(fd, 8);
	unlink(in_dir("shared"));
	look(fd, &before);
	if (pipe(ends) < 0)
		_exit(1);
	pid_t child = fork();

	if (child == 0) {
		close(fd);
		if (read(ends[0], &byte, 1) != 1)
			_exit(1);
		same("child", other, &before);
		_exit(pwrite(other, "abc", 3, 0) == 3 ? 0 : 2);
	}
	close(other);
	pause_here();
	same("parent", fd, &before);
	if (write(ends[1], "x", 1) != 1)
		_exit(1);
	waitpid(child, &status, 0);
	char text[4] = "";

	verify(status == 0 && pread(fd, text, 3, 0) == 3 && !memcmp(text, "abc", 3), "it is one file to both");
}

static void shared(void)
{
	subject_round("shared", shared_body);
}

static void mapped_body(void)
{
	int fd = make("mapped", O_RDWR);
	char *map;

	fill(fd, 64);
	map = mmap(NULL, 64 * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	unlink(in_dir("mapped"));
	close(fd);
	map[5000] = 'M';
	pause_here();
	verify(map[5000] == 'M' && map[0] == 1 && map[64 * BLOCK - 1] == 64, "contents of the mapping");
	map[0] = 'w';
	verify(map[0] == 'w', "it can be written");
}

static void mapped(void)
{
	subject_round("mapped", mapped_body);
}

static void tmpfile_body(void)
{
	char link[64];
	struct stat before;
	int free_fd = open(case_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int bound_fd = open(case_dir, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	if (free_fd < 0 || bound_fd < 0)
		_exit(1);
	fill(free_fd, 4);
	fill(bound_fd, 4);
	look(free_fd, &before);
	unlink(in_dir("linked"));
	pause_here();
	same("O_TMPFILE", free_fd, &before);
	verify((fcntl(free_fd, F_GETFL) & O_TMPFILE) == O_TMPFILE, "F_GETFL says O_TMPFILE");
	verify((fcntl(bound_fd, F_GETFL) & O_TMPFILE) == O_TMPFILE, "F_GETFL says O_TMPFILE of the other");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", bound_fd);
	verify(linkat(AT_FDCWD, link, AT_FDCWD, in_dir("linked"), AT_SYMLINK_FOLLOW) < 0 && errno == ENOENT,
	       "O_TMPFILE|O_EXCL still cannot be linked");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", free_fd);
	verify(linkat(AT_FDCWD, link, AT_FDCWD, in_dir("linked"), AT_SYMLINK_FOLLOW) == 0, "O_TMPFILE still can be");
	unlink(in_dir("linked"));
	verify(filled(free_fd, 4) && filled(bound_fd, 4), "contents");
}

static void tmpfile_case(void)
{
	subject_round("tmpfile", tmpfile_body);
}

static void device_body(void)
{
	struct stat before;
	char byte = 1;
	int fd;

	if (mknod(in_dir("zero"), S_IFCHR | 0600, makedev(1, 5)) < 0)
		_exit(1);
	fd = open(in_dir("zero"), O_RDWR | O_CLOEXEC);
	if (fd < 0)
		_exit(1);
	unlink(in_dir("zero"));
	fstat(fd, &before);
	pause_here();
	same("device node", fd, &before);
	verify(read(fd, &byte, 1) == 1 && byte == 0, "it is what it was");
	verify(!exists(in_dir("zero")), "its name has not come back");
}

static void device(void)
{
	subject_round("device", device_body);
}

static void fifo_body(void)
{
	struct stat before;
	char text[8] = "";
	int fd;

	if (mkfifo(in_dir("fifo"), 0600) < 0)
		_exit(1);
	fd = open(in_dir("fifo"), O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || write(fd, "unread", 6) != 6)
		_exit(1);
	unlink(in_dir("fifo"));
	fstat(fd, &before);
	pause_here();
	same("FIFO", fd, &before);
	verify(read(fd, text, 6) == 6 && !strcmp(text, "unread"), "its bytes are still unread");
	verify(!exists(in_dir("fifo")), "its name has not come back");
}

static void fifo(void)
{
	subject_round("fifo", fifo_body);
}

static void socket_body(void)
{
	struct stat before;
	int fd;

	if (mknod(in_dir("socket"), S_IFSOCK | 0640, 0) < 0)
		_exit(1);
	fd = open(in_dir("socket"), O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		_exit(1);
	unlink(in_dir("socket"));
	fstat(fd, &before);
	pause_here();
	same("socket", fd, &before);
	verify(!exists(in_dir("socket")), "its name has not come back");
}

static void socket_case(void)
{
	subject_round("socket", socket_body);
}

/* A program that was deleted while it runs. */
static void program(void)
{
	char output[4096], command[512], link[64], was[300], target[300] = "";
	struct subject s = { .name = "program" };

	snprintf(command, sizeof(command), "cp /bin/sleep %s && { setsid %s 1000 < /dev/null > /dev/null 2>&1 & echo $!; }",
		 in_dir("program"), in_dir("program"));
	if (RUN(output, "/bin/sh", "-c", command) || (s.pid = atoi(output)) <= 0) {
		tap_ok(false, "program: starts: %s", output);
		return;
	}
	snprintf(link, sizeof(link), "/proc/%d/exe", s.pid);
	for (int i = 0; i < 2000 && (readlink(link, target, sizeof(target) - 1) < 0 || strcmp(target, in_dir("program"))); i++)
		usleep(5000);
	unlink(in_dir("program"));
	if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid) &&
	    subject_restart(&s, IMAGE, NULL)) {
		memset(target, 0, sizeof(target));
		snprintf(was, sizeof(was), "%s (deleted)", in_dir("program"));
		tap_ok(readlink(link, target, sizeof(target) - 1) > 0 &&
		       (!strcmp(target, was) || !strcmp(case_fs, "overlay")), "program: it runs, and is called %s", target);
	}
	kill(s.pid, SIGKILL);
	wait_gone(s.pid);
	unlink(IMAGE);
}

/* One inode, three names it has had: two checkpoints that ran on, and a third. */
static void again_body(void)
{
	struct stat before, now;
	int fd = make("again", O_RDWR);

	fill(fd, 16);
	unlink(in_dir("again"));
	look(fd, &before);
	pause_here();
	fstat(fd, &now);
	verify(now.st_ino == before.st_ino, "inode %lu, was %lu", now.st_ino, before.st_ino);
	verify(same_time(now.st_ctim, before.st_ctim), "ctime");
	verify(filled(fd, 16), "contents");
}

static int links_of(pid_t pid)
{
	char path[64];
	struct stat st;

	/* The first descriptor above /dev/null. */
	snprintf(path, sizeof(path), "/proc/%d/fd/3", pid);
	return stat(path, &st) < 0 ? -1 : (int)st.st_nlink;
}

static void again(void)
{
	struct subject s;

	if (!subject_start(&s, "again", again_body))
		return;
	tap_ok(links_of(s.pid) == 0, "again: no links at first");
	if (!subject_checkpoint(&s, IMAGE, NULL))
		goto out;
	tap_ok(links_of(s.pid) == 1, "again: one link while the name of the first image stands");
	if (!subject_checkpoint(&s, IMAGE2, (const char *const[]){ "--kill", NULL }) || !wait_gone(s.pid))
		goto out;
	if (!subject_restart(&s, IMAGE2, NULL))
		goto out;
	tap_ok(links_of(s.pid) == 1, "again: restored, and one link: the name that the first image needs");
	subject_finish(&s);
	if (!subject_restart(&s, IMAGE, NULL))
		goto out;
	tap_ok(links_of(s.pid) == 0, "again: restored from the first image, and no links");
	subject_finish(&s);
out:
	subject_end(&s);
	unlink(IMAGE);
	unlink(IMAGE2);
}

struct watcher {
	int fd;
	char dir[128];
};

static void drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}

static bool silent(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char events[4096];
	const struct inotify_event *e = (const void *)events;

	if (poll(&p, 1, 0) <= 0)
		return true;
	for (ssize_t n = read(fd, events, sizeof(events)); n > 0;) {
		tap_diag("event mask %x name %s wd %d", e->mask, e->len ? e->name : "-", e->wd);
		n -= sizeof(*e) + e->len;
		e = (const void *)((const char *)(e + 1) + e->len);
	}
	return false;
}

static void simple_body(void)
{
	struct stat before;
	int fd = make("simple", O_RDWR);

	fill(fd, 16);
	unlink(in_dir("simple"));
	look(fd, &before);
	pause_here();
	same("file", fd, &before);
	verify(filled(fd, 16), "contents");
}

static int entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

static bool watch_all(int inotify, pid_t pid, const char *names)
{
	const uint32_t visits = IN_OPEN | IN_CLOSE_NOWRITE | IN_ACCESS;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/3", pid);
	return inotify_add_watch(inotify, path, IN_ALL_EVENTS) >= 0 &&
	       inotify_add_watch(inotify, case_dir, IN_ALL_EVENTS & ~visits) >= 0 &&
	       inotify_add_watch(inotify, names, IN_ALL_EVENTS & ~visits) >= 0;
}

/* The tool opens its directory; of the file and of names in there nothing is to be heard. */
static void unnoticed(void)
{
	int inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char names[128], output[4096], pid[16], path[64];
	struct stat before, now;
	struct subject s;

	snprintf(names, sizeof(names), "%s/names", case_dir);
	mkdir(names, 0700);
	if (!subject_start(&s, "unnoticed", simple_body))
		return;
	tap_ok(watch_all(inotify, s.pid, names), "unnoticed: the file and both directories are watched");
	snprintf(pid, sizeof(pid), "%d", s.pid);
	snprintf(path, sizeof(path), "/proc/%d/fd/3", s.pid);
	stat(path, &before);
	drain(inotify);

	/* Written to a full device: it fails in the end, when the name has been given. */
	tap_ok(RUN(output, checkpoint_path, "-o", "/dev/full", "--relink-dir", names, pid) == 1,
	       "unnoticed: the checkpoint fails: %s", output);
	stat(path, &now);
	tap_ok(silent(inotify), "unnoticed: no event of a name that was given and taken back");
	tap_ok(now.st_nlink == 0, "unnoticed: rolled back: %lu links", now.st_nlink);
	tap_ok(same_time(now.st_ctim, before.st_ctim), "unnoticed: rolled back: ctime");
	tap_ok(entries(names) == 0, "unnoticed: rolled back: %d names left", entries(names));

	if (!subject_checkpoint(&s, IMAGE, (const char *const[]){ "--relink-dir", names, NULL }))
		goto out;
	stat(path, &now);
	tap_ok(silent(inotify), "unnoticed: no event of a name that was given");
	tap_ok(now.st_nlink == 1, "unnoticed: one link while the name stands, not %lu", now.st_nlink);
	tap_ok(same_time(now.st_ctim, before.st_ctim), "unnoticed: ctime while the name stands");
	tap_ok(entries(names) == 1, "unnoticed: one name");

	kill(s.pid, SIGKILL);
	wait_gone(s.pid);
	drain(inotify);
	/* The inode lives on by its name, and so do its watches. */
	if (!subject_restart(&s, IMAGE, NULL))
		goto out;
	tap_ok(silent(inotify), "unnoticed: no event of the restart");
	tap_ok(entries(names) == 0, "unnoticed: the name is gone");
	subject_finish(&s);
out:
	subject_end(&s);
	close(inotify);
	rmdir(names);
	unlink(IMAGE);
}

/* The last name was in a directory younger than the one for names, and nothing has been synced in between. */
static void checked_body(void)
{
	char dir[160], path[200];
	int fd;

	snprintf(dir, sizeof(dir), "%s/younger", case_dir);
	snprintf(path, sizeof(path), "%s/file", dir);
	mkdir(dir, 0700);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		_exit(1);
	fill(fd, 16);
	unlink(path);
	rmdir(dir);
	pause_here();
	verify(filled(fd, 16), "contents");
	/* And once more, with the former name in the same directory. */
	unlink("/tmp/selftest/go");
	pause_here();
	verify(filled(fd, 16), "contents once more");
}

/* What the filesystem's own checker says when a name stands, and when it is gone. */
static void checked(void)
{
	const char *dir = !strcmp(case_fs, "ext4") ? fs_mount("ext4") : case_dir;
	const char *saved = case_dir;
	char names[128];
	struct subject s;

	case_dir = dir;
	if (!dir)
		return;
	snprintf(names, sizeof(names), "%s/names", dir);
	mkdir(names, 0700);
	if (!subject_start(&s, "checked", checked_body))
		goto out;
	const char *const options[] = { "--kill", "--relink-dir", names, NULL };

	if (!subject_checkpoint(&s, IMAGE, options) || !wait_gone(s.pid))
		goto out;
	tap_ok(fs_check(case_fs), "checked: %s finds nothing wrong while the name stands", case_fs);
	if (!fs_remount(case_fs) || !subject_restart(&s, IMAGE, NULL))
		goto out;
	FILE *go = fopen("/tmp/selftest/go", "we");

	unlink("/tmp/selftest/ready");
	fclose(go);
	for (int i = 0; i < 2000 && !exists("/tmp/selftest/ready"); i++)
		usleep(5000);
	if (!subject_checkpoint(&s, IMAGE, options) || !wait_gone(s.pid) || !subject_restart(&s, IMAGE, NULL))
		goto out;
	subject_finish(&s);
	tap_ok(fs_check(case_fs), "checked: %s finds nothing wrong when all is gone", case_fs);
out:
	subject_end(&s);
	unlink(IMAGE);
	case_dir = saved;
	if (!strcmp(case_fs, "ext4"))
		fs_umount("ext4");
}

static long size_blocks;	/* written; 0: 1 KiB; -1: 4 GiB of hole */

static void size_body(void)
{
	int fd = make("size", O_RDWR);
	char block[BLOCK] = "x";

	for (long i = 0; i < size_blocks; i++)
		if (pwrite(fd, block, sizeof(block), i * BLOCK) != sizeof(block))
			_exit(1);
	if (size_blocks <= 0 && (pwrite(fd, block, 1024, 0) != 1024 || (size_blocks && ftruncate(fd, 1L << 32) < 0)))
		_exit(1);
	unlink(in_dir("size"));
	pause_here();
}

/* Sectors that the block device of the case has read and written so far. */
static long long sectors(void)
{
	const char *device = fs_device(case_fs);
	char path[64];
	long long n[8] = { };
	struct stat st;
	FILE *file;

	if (stat(device ?: case_dir, &st) < 0)
		return -1;

	dev_t dev = device ? st.st_rdev : st.st_dev;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/stat", major(dev), minor(dev));
	file = fopen(path, "re");
	for (int i = 0; file && i < 7; i++)
		if (fscanf(file, "%lld", &n[i]) != 1)
			break;
	if (file)
		fclose(file);
	return file ? n[2] + n[6] : -1;
}

struct cost {
	long long bytes;	/* of the image */
	long long sectors;	/* read and written by the filesystem's device */
};

static bool measure(const char *name, long blocks, struct cost *cost)
{
	char output[4096], pid[16];
	const char *bytes;
	struct subject s;
	int status, fd;

	size_blocks = blocks;
	if (!subject_start(&s, name, size_body))
		return false;
	/* What was written is written back, and nothing is cached. */
	sync();
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "3", 1) != 1)
		tap_diag("caches are not dropped");
	close(fd);
	snprintf(pid, sizeof(pid), "%d", s.pid);
	cost->sectors = sectors();
	status = RUN(output, checkpoint_path, "-o", IMAGE, "--kill", "--json", pid);
	sync();
	cost->sectors = sectors() - cost->sectors;
	bytes = strstr(output, "\"bytes\":");
	cost->bytes = bytes ? atoll(bytes + 8) : -1;
	tap_ok(status == 0 && strstr(output, "\"relinked\":1"), "size: %s: named (%d: %s)", name, status, output);
	wait_gone(s.pid);
	if (subject_restart(&s, IMAGE, NULL))
		subject_finish(&s);
	subject_end(&s);
	unlink(IMAGE);
	return status == 0;
}

/* What a checkpoint costs does not depend on the size of the file: counted, not timed. */
static void size(void)
{
	/* Loop devices are in memory. */
	long mib = strcmp(case_fs, "ext4") ? 64 : 256;
	struct cost small, sparse, written;

	if (!measure("1 KiB", 0, &small) || !measure("4 GiB sparse", -1, &sparse) ||
	    !measure("written", mib << 8, &written))
		return;
	tap_diag("bytes of the image %lld, %lld, %lld; sectors %lld, %lld, %lld", small.bytes, sparse.bytes, written.bytes,
		 small.sectors, sparse.sectors, written.sectors);
	tap_ok(llabs(sparse.bytes - small.bytes) < 65536 && llabs(written.bytes - small.bytes) < 65536,
	       "size: the image is as large for 1 KiB, 4 GiB of hole and %ld MiB", mib);
	tap_ok(sparse.sectors < small.sectors + 8192 && written.sectors < small.sectors + 8192,
	       "size: the filesystem reads and writes no more");
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "held", held, ALL },
		{ "only-read", only_read, ALL },
		{ "shared", shared, ALL },
		{ "mapped", mapped, ALL },
		{ "tmpfile", tmpfile_case, ALL },
		{ "device", device, "ext4 xfs btrfs f2fs overlay" },
		{ "fifo", fifo, ALL },
		{ "socket", socket_case, ALL },
		{ "program", program, ALL },
		{ "again", again, ALL },
		{ "unnoticed", unnoticed, ALL },
		{ "checked", checked, "ext4 xfs btrfs f2fs" },
		{ "size", size, "ext4 xfs btrfs f2fs" },
		{ },
	};

	return run_cases(argc, argv, cases);
}
