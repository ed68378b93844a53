// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "watching.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cases.h"

static char dir[128];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void must(bool good)
{
	if (!good)
		_exit(111);
}

void fresh_dir(const char *test)
{
	snprintf(dir, sizeof(dir), "%s/selftest-%s", case_dir, test);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	must_mkdir(dir);
}

const char *at(const char *name)
{
	static char paths[8][256];
	static int next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s%s%s", dir, *name ? "/" : "", name);
	return path;
}

void write_fd(int fd)
{
	must(write(fd, "x", 1) == 1);
}

void write_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	must(fd >= 0);
	write_fd(fd);
	close(fd);
}

void must_rename(const char *from, const char *to)
{
	must(rename(from, to) == 0);
}

void must_link(const char *from, const char *to)
{
	must(link(from, to) == 0);
}

void must_unlink(const char *path)
{
	must(unlink(path) == 0);
}

void must_mkdir(const char *path)
{
	must(mkdir(path, 0755) == 0);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

void drop_caches(void)
{
	sync();
	write_text("/proc/sys/vm/drop_caches", "3");
}

long set_sysctl(const char *path, long value)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	must(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	long was = atol(text);

	snprintf(text, sizeof(text), "%ld", value);
	write_text(path, text);
	return was;
}

void fdinfo_lines(int fd, const char *word, char *to, size_t room)
{
	char path[64], line[512];
	size_t len = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	FILE *file = fopen(path, "re");

	to[0] = '\0';
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, word, strlen(word)) && len + strlen(line) < room)
			len += snprintf(to + len, room - len, "%.*s; ", (int)strcspn(line, "\n"), line);
	if (file)
		fclose(file);
}
