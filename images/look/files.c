// SPDX-License-Identifier: Apache-2.0
/* What file descriptors and mappings lead to. */
#define _GNU_SOURCE
#include "look.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/kcmp.h>

#define MAX_FILES	100
#define MAX_MAPS	64
#define MAX_KNOWN	4096
#define DELETED		" (deleted)"

/* Open file descriptions seen so far: who has one, and its number if a second fd leads to it. */
static struct known {
	dev_t dev;
	ino_t ino;
	pid_t pid;
	int fd;
} known[MAX_KNOWN];
static int nr_known;

static bool cut_deleted(char *path)
{
	size_t len = strlen(path), cut = strlen(DELETED);

	if (len <= cut || strcmp(path + len - cut, DELETED))
		return false;
	path[len - cut] = '\0';
	return true;
}

static bool link_of(pid_t pid, const char *name, char path[PATH_MAX])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/%s", pid, name);
	n = readlink(link, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
	return n > 0;
}

void show_link(pid_t pid, const char *name)
{
	char path[PATH_MAX];

	if (!link_of(pid, name, path))
		return;
	json_key(name);
	json_open('{');
	json_key("unlinked");
	json_bool(cut_deleted(path));
	json_key("path");
	json_string(path);
	json_close('}');
}

/* "anon_inode:[eventfd]" and "anon_inode:inotify" are eventfd and inotify. */
static void anonymous_kind(const char *link, char kind[32])
{
	int n = 0;

	for (const char *p = strchr(link, ':') + 1; *p && n < 31; p++)
		if (isalnum(*p) || *p == '_' || *p == '-')
			kind[n++] = *p;
	kind[n] = '\0';
}

static void kind_of(const char *link, mode_t mode, char kind[32])
{
	if (!strncmp(link, "anon_inode:", 11))
		anonymous_kind(link, kind);
	else
		snprintf(kind, 32, "%s",
			 S_ISREG(mode) ? "file" :
			 S_ISDIR(mode) ? "directory" :
			 S_ISSOCK(mode) ? "socket" :
			 S_ISFIFO(mode) ? (link[0] == '/' ? "fifo" : "pipe") :
			 S_ISLNK(mode) ? "symlink" :
			 !strncmp(link, "/dev/pts/", 9) ? "tty" : "device");
}

/* The number of the open file description, the same for every fd that leads to it. */
static int description(pid_t pid, int fd, const struct stat *st)
{
	for (int i = 0; i < nr_known; i++)
		if (known[i].dev == st->st_dev && known[i].ino == st->st_ino &&
		    syscall(SYS_kcmp, known[i].pid, pid, KCMP_FILE, known[i].fd, fd) == 0)
			return i;
	if (nr_known == MAX_KNOWN)
		return -1;
	known[nr_known] = (struct known){ st->st_dev, st->st_ino, pid, fd };
	return nr_known++;
}

static const char *field(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, name, len))
			return line + len;
	return NULL;
}

static void show_access(const char *fdinfo)
{
	static const char *const access[] = { "read", "write", "both", "none" };
	const char *flags = field(fdinfo, "flags:");
	unsigned long value = flags ? strtoul(flags, NULL, 8) : 0;

	json_key("access");
	json_string(value & 010000000 ? "path" : access[value & 3]);
}

/* "lock:\t1: POSIX  ADVISORY  WRITE 212 fe:00:12 0 EOF" becomes "POSIX WRITE 0-EOF". */
static void show_locks(const char *fdinfo)
{
	bool any = false;

	for (const char *line = fdinfo; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		char type[16], how[16], mode[16], from[32], to[32], text[128];

		if (sscanf(line, "lock: %*d: %15s %15s %15s %*d %*s %31s %31s", type, how, mode, from, to) != 5)
			continue;
		if (!any) {
			json_key("locks");
			json_open('[');
		}
		any = true;
		snprintf(text, sizeof(text), "%s %s %s-%s", type, mode, from, to);
		json_string(text);
	}
	if (any)
		json_close(']');
}

static void show_file(pid_t pid, int fd)
{
	char name[32], path[PATH_MAX], real[64], kind[32] = "other", *fdinfo;
	struct stat st = { 0 };
	bool unlinked, found;
	int number;

	snprintf(name, sizeof(name), "fd/%d", fd);
	if (!link_of(pid, name, path))
		return;
	snprintf(real, sizeof(real), "/proc/%d/fd/%d", pid, fd);
	found = stat(real, &st) == 0;
	kind_of(path, st.st_mode, kind);
	unlinked = cut_deleted(path);

	json_open('{');
	json_key("fd");
	json_number(fd);
	json_key("path");
	json_string(path);
	json_key("unlinked");
	json_bool(unlinked);
	json_key("kind");
	json_string(kind);
	if (found) {
		char device[32];

		snprintf(device, sizeof(device), "%u:%u", major(st.st_dev), minor(st.st_dev));
		json_key("device");
		json_string(device);
		json_key("inode");
		json_number(st.st_ino);
		json_key("links");
		json_number(st.st_nlink);
		json_key("bytes");
		json_number(st.st_size);
		number = description(pid, fd, &st);
		if (number >= 0) {
			json_key("description");
			json_number(number);
		}
	}
	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	fdinfo = read_proc(pid, name);
	if (fdinfo) {
		show_access(fdinfo);
		show_locks(fdinfo);
		show_watches(pid, fdinfo);
	}
	free(fdinfo);
	json_close('}');
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void show_files(pid_t pid)
{
	int fds[MAX_FILES], n = 0;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && n < MAX_FILES && (entry = readdir(dir)))
		if (isdigit(entry->d_name[0]))
			fds[n++] = atoi(entry->d_name);
	if (dir)
		closedir(dir);
	qsort(fds, n, sizeof(fds[0]), by_number);
	json_key("files");
	json_open('[');
	for (int i = 0; i < n; i++)
		show_file(pid, fds[i]);
	json_close(']');
}

/* Each mapped file once. Memory that only looks like a file is not one. */
void show_maps(pid_t pid)
{
	static const char *const not_files[] = { "/memfd:", "/dev/zero", "/SYSV", "/anon_hugepage" };
	char *maps = read_proc(pid, "maps"), *rest = maps, *line;
	struct { unsigned long long ino; char dev[16]; } seen[MAX_MAPS];
	int n = 0;

	json_key("maps");
	json_open('[');
	while (rest && n < MAX_MAPS && (line = strsep(&rest, "\n"))) {
		char dev[16], path[PATH_MAX];
		unsigned long long ino;
		bool skip = false, unlinked;

		if (sscanf(line, "%*s %*s %*s %15s %llu %4095[^\n]", dev, &ino, path) != 3 || path[0] != '/')
			continue;
		for (size_t i = 0; i < sizeof(not_files) / sizeof(not_files[0]); i++)
			skip |= !strncmp(path, not_files[i], strlen(not_files[i]));
		for (int i = 0; i < n; i++)
			skip |= seen[i].ino == ino && !strcmp(seen[i].dev, dev);
		if (skip)
			continue;
		seen[n].ino = ino;
		strcpy(seen[n++].dev, dev);
		unlinked = cut_deleted(path);
		json_open('{');
		json_key("path");
		json_string(path);
		json_key("unlinked");
		json_bool(unlinked);
		json_key("inode");
		json_number(ino);
		json_close('}');
	}
	json_close(']');
	free(maps);
}
