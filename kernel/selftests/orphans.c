// SPDX-License-Identifier: Apache-2.0
/*
 * Files without a name, one case for each way to lose it: the same inode comes
 * back, as it was, and nothing is left behind in any directory.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "subject.h"
#include "tap.h"

#define BLOCK	4096L
#define MIB	(1L << 20)

/* Every case has a directory of its own, so that what is left behind shows. */
static char place[128];

static void make_place(void)
{
	snprintf(place, sizeof(place), "%s/orphans.%d", case_dir, getpid());
	if (mkdir(place, 0700) < 0)
		_exit(1);
}

static const char *in_place(const char *name)
{
	static char path[2][192];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", place, name);
	return path[turn];
}

static int entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d));)
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}

static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd < 0)
		_exit(1);
	return fd;
}

static void put_block(int fd, long at)
{
	char block[BLOCK];

	memset(block, at / BLOCK % 251 + 1, sizeof(block));
	if (pwrite(fd, block, sizeof(block), at) != sizeof(block))
		_exit(1);
}

static bool has_block(int fd, long at)
{
	char block[BLOCK], expected[BLOCK];

	memset(expected, at / BLOCK % 251 + 1, sizeof(expected));
	return pread(fd, block, sizeof(block), at) == sizeof(block) && !memcmp(block, expected, sizeof(block));
}

static void fill(int fd, long bytes)
{
	for (long at = 0; at < bytes; at += BLOCK)
		put_block(fd, at);
}

static bool filled(int fd, long bytes)
{
	for (long at = 0; at < bytes; at += BLOCK)
		if (!has_block(fd, at))
			return false;
	return true;
}

static void same_inode(const char *who, int fd, const struct stat *before)
{
	struct stat now;

	verify(fstat(fd, &now) == 0, "%s: fstat", who);
	verify(now.st_ino == before->st_ino && now.st_dev == before->st_dev, "%s: inode %lu, was %lu", who, now.st_ino,
	       before->st_ino);
	verify(now.st_nlink == before->st_nlink, "%s: %lu links, was %lu", who, now.st_nlink, before->st_nlink);
	verify(now.st_size == before->st_size && now.st_mode == before->st_mode, "%s: size and mode", who);
	verify(now.st_blocks == before->st_blocks, "%s: %lld blocks, was %lld", who, (long long)now.st_blocks,
	       (long long)before->st_blocks);
	verify(now.st_mtim.tv_sec == before->st_mtim.tv_sec && now.st_mtim.tv_nsec == before->st_mtim.tv_nsec,
	       "%s: time of modification", who);
}

/* fsync: delayed allocation would change st_blocks by itself. */
static void note(int fd, struct stat *before)
{
	fsync(fd);
	fstat(fd, before);
}

static void nothing_left(int expected)
{
	verify(entries(place) == expected, "%d names in its directory, expected %d", entries(place), expected);
}

static long bytes;

static void held(void)
{
	struct stat before;
	int fd;

	make_place();
	fd = make_file(in_place("file"));
	fill(fd, bytes);
	unlink(in_place("file"));
	lseek(fd, 4097, SEEK_SET);
	note(fd, &before);
	pause_here();
	same_inode("file", fd, &before);
	verify(filled(fd, bytes), "contents");
	verify(lseek(fd, 0, SEEK_CUR) == 4097, "position");
	verify(pwrite(fd, "new", 3, 0) == 3, "it can be written");
	nothing_left(0);
	rmdir(place);
}

static void small(void)
{
	bytes = 8 * BLOCK;
	subject_round("small", held);
}

static void large(void)
{
	bytes = 4 * MIB;
	subject_round("4MiB", held);
}

static void sparse_body(void)
{
	struct stat before;
	int fd;

	make_place();
	fd = make_file(in_place("file"));
	put_block(fd, 0);
	put_block(fd, 32 * MIB);
	if (ftruncate(fd, 64 * MIB) < 0)
		_exit(1);
	unlink(in_place("file"));
	note(fd, &before);
	pause_here();
	same_inode("file", fd, &before);
	verify(has_block(fd, 0) && has_block(fd, 32 * MIB), "contents");
	verify(lseek(fd, 0, SEEK_HOLE) == BLOCK && lseek(fd, BLOCK, SEEK_DATA) == 32 * MIB &&
	       lseek(fd, 32 * MIB, SEEK_HOLE) == 32 * MIB + BLOCK, "holes");
	nothing_left(0);
	rmdir(place);
}

static void sparse(void)
{
	subject_round("sparse", sparse_body);
}

static void other_link_body(void)
{
	struct stat before, there;
	int fd;

	make_place();
	fd = make_file(in_place("file"));
	fill(fd, 4 * BLOCK);
	if (link(in_place("file"), in_place("other")) < 0)
		_exit(1);
	unlink(in_place("file"));
	note(fd, &before);
	pause_here();
	same_inode("file", fd, &before);
	verify(filled(fd, 4 * BLOCK), "contents");
	verify(stat(in_place("other"), &there) == 0 && there.st_ino == before.st_ino, "the other link is still it");
	nothing_left(1);
	unlink(in_place("other"));
	rmdir(place);
}

static void other_link(void)
{
	subject_round("other-link", other_link_body);
}

static void removed_dir_body(void)
{
	struct stat before;
	int fd;

	make_place();
	fd = make_file(in_place("file"));
	fill(fd, 4 * BLOCK);
	unlink(in_place("file"));
	rmdir(place);
	note(fd, &before);
	pause_here();
	same_inode("file", fd, &before);
	verify(filled(fd, 4 * BLOCK), "contents");
	verify(!exists(place), "the directory has not come back");
}

static void removed_dir(void)
{
	subject_round("removed-dir", removed_dir_body);
}

static void shared_body(void)
{
	struct stat before;
	int fd, ends[2], status;
	char text[4] = "";

	make_place();
	fd = make_file(in_place("file"));
	fill(fd, 4 * BLOCK);
	unlink(in_place("file"));
	note(fd, &before);
	if (pipe(ends) < 0)
		_exit(1);
	pid_t child = fork();

	if (child == 0) {
		if (read(ends[0], text, 1) != 1)
			_exit(1);
		same_inode("child", fd, &before);
		_exit(pwrite(fd, "abc", 3, 0) == 3 ? 0 : 2);
	}
	pause_here();
	same_inode("parent", fd, &before);
	verify(filled(fd, 4 * BLOCK), "contents");
	if (write(ends[1], "x", 1) != 1)
		_exit(1);
	waitpid(child, &status, 0);
	verify(status == 0 && pread(fd, text, 3, 0) == 3 && !memcmp(text, "abc", 3), "it is one file to both");
	nothing_left(0);
	rmdir(place);
}

static void shared(void)
{
	subject_round("shared", shared_body);
}

static void mapped_body(void)
{
	int fd;

	make_place();
	fd = make_file(in_place("file"));
	fill(fd, MIB);

	char *map = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	unlink(in_place("file"));
	close(fd);
	map[5000] = 'M';
	pause_here();
	verify(map[5000] == 'M' && map[4096] == 2 && map[MIB - 1] == (char)((MIB / BLOCK - 1) % 251 + 1), "contents");
	map[0] = 'w';
	verify(map[0] == 'w', "it can be written");
	nothing_left(0);
	rmdir(place);
}

static void mapped(void)
{
	subject_round("mapped", mapped_body);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "small", small, "ext4 tmpfs" },
		{ "4MiB", large, "ext4 tmpfs" },
		{ "sparse", sparse, "ext4 tmpfs" },
		{ "other-link", other_link, "ext4 tmpfs" },
		{ "removed-dir", removed_dir, "ext4 tmpfs" },
		{ "shared", shared, "ext4 tmpfs" },
		{ "mapped", mapped, "ext4 tmpfs" },
		{ },
	};

	return run_cases(argc, argv, cases);
}
