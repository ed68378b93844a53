// SPDX-License-Identifier: Apache-2.0
/* Unlinked files: the same inode comes back, on ext4 and tmpfs. */
/* covers: Files | unlinked files | supported */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define BYTES (1 << 20)

static const char *dir;
static unsigned long links_after;
static bool other_link;

static int make_file(char path[128])
{
	char block[4096];
	int fd;

	snprintf(path, 128, "%s/selftest-unlinked.%d", dir, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	for (int i = 0; i < BYTES / 4096; i++) {
		memset(block, i, sizeof(block));
		if (write(fd, block, sizeof(block)) != sizeof(block))
			_exit(1);
	}
	return fd;
}

static bool contents(int fd)
{
	char block[4096], expected[4096];

	for (int i = 0; i < BYTES / 4096; i++) {
		memset(expected, i, sizeof(expected));
		if (pread(fd, block, sizeof(block), i * 4096L) != sizeof(block) || memcmp(block, expected, sizeof(block)))
			return false;
	}
	return true;
}

static void look(int fd, const struct stat *before, const char *who)
{
	struct stat now;

	fstat(fd, &now);
	verify(now.st_ino == before->st_ino && now.st_dev == before->st_dev, "%s: inode %lu, was %lu", who, now.st_ino,
	       before->st_ino);
	verify(now.st_nlink == links_after, "%s: %lu links, expected %lu", who, now.st_nlink, links_after);
	verify(now.st_size == before->st_size && now.st_mode == before->st_mode, "%s: size and mode", who);
	verify(contents(fd), "%s: contents", who);
}

static void held_open(void)
{
	char path[128], link_path[140];
	struct stat before;
	int fd = make_file(path);

	snprintf(link_path, sizeof(link_path), "%s.link", path);
	if (other_link && link(path, link_path) < 0)
		_exit(1);
	unlink(path);
	lseek(fd, 4097, SEEK_SET);
	fstat(fd, &before);
	pause_here();
	look(fd, &before, "file");
	verify(lseek(fd, 0, SEEK_CUR) == 4097, "position");
	verify(pwrite(fd, "new", 3, 0) == 3, "it can be written");
	unlink(link_path);
}

static void shared_by_two(void)
{
	char path[128], text[4] = "";
	struct stat before;
	int fd = make_file(path), ends[2], status;

	unlink(path);
	fstat(fd, &before);
	if (pipe(ends) < 0)
		_exit(1);
	pid_t child = fork();

	if (child == 0) {
		if (read(ends[0], text, 1) != 1)
			_exit(1);
		look(fd, &before, "child");
		_exit(pwrite(fd, "abc", 3, 0) == 3 ? 0 : 2);
	}
	pause_here();
	look(fd, &before, "parent");
	if (write(ends[1], "x", 1) != 1)
		_exit(1);
	waitpid(child, &status, 0);
	verify(status == 0 && pread(fd, text, 3, 0) == 3 && !memcmp(text, "abc", 3), "it is one file to both");
}

static void mapped(void)
{
	char path[128];
	int fd = make_file(path);
	char *map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	unlink(path);
	close(fd);
	map[5000] = 'M';
	pause_here();
	verify(map[5000] == 'M' && map[4096] == 1 && map[BYTES - 1] == (char)(BYTES / 4096 - 1), "contents of the mapping");
	map[0] = 'w';
	verify(map[0] == 'w', "it can be written");
}

static void rounds(const char *where, unsigned long links)
{
	dir = where;
	tap_diag("on %s", where);
	links_after = 0;
	other_link = false;
	subject_round("held open", held_open);
	subject_round("shared by two", shared_by_two);
	subject_round("mapped", mapped);
	other_link = true;
	links_after = links;
	subject_round("with another link", held_open);
}

/* restart --keep leaves the name, so that the image can be restored again. */
static void keep_and_again(void)
{
	const char *image = "/ckpt/selftest-keep.img";
	struct subject s;

	dir = "/data";
	other_link = false;
	links_after = 1;
	if (!subject_start(&s, "keep", held_open))
		return;
	if (subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid) &&
	    subject_restart(&s, image, (const char *const[]){ "--keep", NULL })) {
		/* End it without its verdict, then the same image once more. */
		kill(s.pid, SIGKILL);
		tap_ok(wait_gone(s.pid), "keep: the first one is gone");
		if (subject_restart(&s, image, (const char *const[]){ "--keep", NULL }))
			subject_finish(&s);
	}
	subject_end(&s);
	unlink(image);
	tap_ok(exists("/.crlab-relink"), "keep: the directory with the name is still there");
}

int main(void)
{
	need_checkpoint();
	rounds("/data", 1);
	rounds("/tmp", 1);
	keep_and_again();
	return tap_done();
}
