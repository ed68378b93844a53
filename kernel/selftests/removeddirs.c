// SPDX-License-Identifier: Apache-2.0
/*
 * Removed directories that somebody is in, or holds open. On ext4 and tmpfs the
 * same inode comes back, elsewhere another one that looks the same.
 */
/* covers: Files | removed directories | supported */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cases.h"
#include "filesystems.h"
#include "subject.h"
#include "tap.h"

#define ALL	"ext4 tmpfs xfs btrfs f2fs overlay"
#define IMAGE	"/ckpt/selftest-removeddirs.img"

static bool keeps_inode(void)
{
	return !strcmp(case_fs, "ext4") || !strcmp(case_fs, "tmpfs");
}

static const char *place(void)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/removed.%d", case_dir, getpid());
	return path;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void same(const char *who, const struct stat *now, const struct stat *before)
{
	if (keeps_inode())
		verify(now->st_ino == before->st_ino && now->st_dev == before->st_dev, "%s: inode %lu, was %lu", who,
		       now->st_ino, before->st_ino);
	verify(S_ISDIR(now->st_mode) && now->st_mode == before->st_mode, "%s: mode %o, was %o", who, now->st_mode,
	       before->st_mode);
	verify(now->st_uid == before->st_uid && now->st_gid == before->st_gid, "%s: owner", who);
	verify(now->st_nlink == before->st_nlink, "%s: %lu links, was %lu", who, now->st_nlink, before->st_nlink);
	verify(now->st_size == before->st_size, "%s: size %lld, was %lld", who, (long long)now->st_size,
	       (long long)before->st_size);
	if (keeps_inode())
		verify(same_time(now->st_mtim, before->st_mtim) && same_time(now->st_ctim, before->st_ctim), "%s: times", who);
}

static void is_dead(const char *who, int fd)
{
	verify(openat(fd, "new", O_CREAT | O_WRONLY, 0600) < 0 && errno == ENOENT, "%s: nothing can be made in it", who);
	verify(mkdirat(fd, "new", 0700) < 0 && errno == ENOENT, "%s: no directory either", who);
	verify(!exists(place()), "%s: its name has not come back", who);
}

static void cwd_body(void)
{
	struct stat before, now, above, above_now;
	char path[256], was[256];

	stat(case_dir, &above);
	if (mkdir(place(), 0751) < 0 || chown(place(), 77, 88) < 0 || chdir(place()) < 0 || rmdir(place()) < 0 ||
	    stat(".", &before) < 0)
		_exit(1);
	pause_here();
	if (stat(".", &now) < 0)
		memset(&now, 0, sizeof(now));
	same("cwd", &now, &before);
	verify(!getcwd(path, sizeof(path)) && errno == ENOENT, "it has no name");
	is_dead("cwd", AT_FDCWD);
	ssize_t n = readlink("/proc/self/cwd", path, sizeof(path) - 1);

	path[n > 0 ? n : 0] = '\0';
	snprintf(was, sizeof(was), "%s (deleted)", place());
	if (strcmp(case_fs, "overlay")) {
		verify(!strcmp(path, was), "it is called what it was called: %s", path);
		verify(stat("..", &above_now) == 0 && above_now.st_ino == above.st_ino, "above it is what was above it");
	}
}

static void cwd(void)
{
	subject_round("cwd", cwd_body);
}

static void fd_body(void)
{
	struct stat before, now;
	int fd;

	mkdir(place(), 0700);
	fd = open(place(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || rmdir(place()) < 0)
		_exit(1);
	fstat(fd, &before);
	pause_here();
	fstat(fd, &now);
	same("descriptor", &now, &before);
	is_dead("descriptor", fd);

	DIR *dir = fdopendir(fd);

	errno = 0;
	verify(dir && !readdir(dir), "it has no entries");
}

static void descriptor(void)
{
	subject_round("descriptor", fd_body);
}

static void both_body(void)
{
	struct stat here, there;
	int fd;

	mkdir(place(), 0700);
	fd = open(place(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || chdir(place()) < 0 || rmdir(place()) < 0)
		_exit(1);
	pause_here();
	verify(stat(".", &here) == 0 && fstat(fd, &there) == 0 && here.st_ino == there.st_ino,
	       "working directory and descriptor are one directory");
}

static void both(void)
{
	subject_round("both", both_body);
}

/* A checkpoint that fails, and one that lets the process go on. */
static void goes_on_body(void)
{
	struct stat before, now;

	mkdir(place(), 0700);
	if (chdir(place()) < 0 || rmdir(place()) < 0 || stat(".", &before) < 0)
		_exit(1);
	pause_here();
	stat(".", &now);
	same("cwd", &now, &before);
	is_dead("cwd", AT_FDCWD);
}

static void goes_on(void)
{
	struct subject s;
	char output[8192], pid[16], cwd[64];
	struct stat st;

	if (!subject_start(&s, "goes-on", goes_on_body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	snprintf(cwd, sizeof(cwd), "/proc/%d/cwd", s.pid);
	tap_ok(RUN(output, checkpoint_path, "-o", "/dev/full", pid) == 1, "goes-on: a checkpoint that fails: %s", output);
	tap_ok(stat(cwd, &st) == 0 && st.st_nlink == 0, "goes-on: rolled back: %lu links", st.st_nlink);
	if (!subject_checkpoint(&s, IMAGE, NULL))
		goto out;
	snprintf(output, sizeof(output), "/proc/%d/cwd/new", s.pid);
	tap_ok(open(output, O_CREAT | O_WRONLY, 0600) < 0 && errno == ENOENT,
	       "goes-on: nothing can be made in it while it has a name");
	kill(s.pid, SIGKILL);
	wait_gone(s.pid);
	if (subject_restart(&s, IMAGE, NULL))
		subject_finish(&s);
out:
	subject_end(&s);
	unlink(IMAGE);
}

/* The filesystem is unmounted in between, so that the directory is read anew; its checker is content. */
static void checked_body(void)
{
	struct stat before, now;

	mkdir(place(), 0700);
	if (chdir(place()) < 0 || rmdir(place()) < 0 || stat(".", &before) < 0)
		_exit(1);
	pause_here();
	stat(".", &now);
	verify(now.st_ino == before.st_ino && now.st_nlink == 0 && now.st_size == before.st_size,
	       "inode %lu, %lu links, size %lld", now.st_ino, now.st_nlink, (long long)now.st_size);
	is_dead("cwd", AT_FDCWD);
	chdir("/");
}

static void checked(void)
{
	const char *saved = case_dir;
	struct subject s;

	case_dir = fs_mount("ext4");
	if (case_dir && subject_start(&s, "checked", checked_body)) {
		if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid)) {
			tap_ok(fs_check("ext4"), "checked: nothing is wrong while the name stands");
			if (fs_remount("ext4") && subject_restart(&s, IMAGE, NULL))
				subject_finish(&s);
			tap_ok(fs_check("ext4"), "checked: nothing is wrong when all is gone");
		}
		subject_end(&s);
	}
	fs_umount("ext4");
	unlink(IMAGE);
	case_dir = saved;
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "cwd", cwd, ALL },
		{ "descriptor", descriptor, ALL },
		{ "both", both, ALL },
		{ "goes-on", goes_on, ALL },
		{ "checked", checked, "ext4" },
		{ },
	};

	return run_cases(argc, argv, cases);
}
