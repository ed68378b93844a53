// SPDX-License-Identifier: Apache-2.0
/*
 * What inotify and fanotify watch. The kernel tells a file handle; where the
 * object is now is found by opening that with O_PATH, which tells nobody.
 */
#define _GNU_SOURCE
#include "look.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_WATCHES	100
#define DELETED		" (deleted)"

static const char *after(const char *line, const char *end, const char *name)
{
	const char *p = memmem(line, end - line, name, strlen(name));

	return p ? p + strlen(name) : NULL;
}

static unsigned long hex(const char *line, const char *end, const char *name)
{
	const char *p = after(line, end, name);

	return p ? strtoul(p, NULL, 16) : 0;
}

/* Go to a mount of the filesystem: then handles can be opened without opening anything else. */
static bool enter_filesystem(pid_t pid, unsigned long sdev, unsigned long mnt_id, char mount[PATH_MAX])
{
	char *info = read_proc(pid, "mountinfo"), *rest = info, *line;
	bool found = false;

	while (!found && rest && (line = strsep(&rest, "\n"))) {
		unsigned int id, major, minor;

		if (sscanf(line, "%u %*u %u:%u %*s %4095s", &id, &major, &minor, mount) != 4)
			continue;
		found = mnt_id ? id == mnt_id : (major << 20 | minor) == sdev;
	}
	free(info);
	return found && (mnt_id || chdir(mount) == 0);
}

static bool path_of_handle(const char *line, const char *end, char path[PATH_MAX])
{
	union {
		struct file_handle head;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle = { 0 };
	const char *text = after(line, end, "f_handle:");
	char link[64];
	struct stat at, root;
	ssize_t n;
	int fd;

	handle.head.handle_bytes = hex(line, end, "fhandle-bytes:");
	handle.head.handle_type = hex(line, end, "fhandle-type:");
	if (!text || handle.head.handle_bytes > MAX_HANDLE_SZ)
		return false;
	for (unsigned int i = 0; i < handle.head.handle_bytes; i++) {
		unsigned int byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		handle.head.f_handle[i] = byte;
	}
	fd = open_by_handle_at(AT_FDCWD, &handle.head, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
	/* An inode without a name in the cache shows as the root; unless it is that. */
	if (n > 0 && !strcmp(path, "/") && (fstat(fd, &at) < 0 || stat("/", &root) < 0 || at.st_ino != root.st_ino))
		n = 0;
	close(fd);
	return n > 0;
}

static void show_watch(pid_t pid, const char *line, const char *end)
{
	const char *wd = after(line, end, "wd:");
	unsigned long sdev = hex(line, end, "sdev:"), mnt_id = hex(line, end, "mnt_id:");
	unsigned long ino = hex(line, end, "ino:");
	char path[PATH_MAX] = "", mount[PATH_MAX];
	bool there = enter_filesystem(pid, sdev, mnt_id, mount), unlinked = false;
	const char *what = mnt_id ? "mount" : ino ? "inode" : "filesystem";
	size_t cut = strlen(DELETED), len;

	if (there && ino)
		there = path_of_handle(line, end, path);
	else if (there)
		strcpy(path, mount);
	len = strlen(path);
	if (len > cut && !strcmp(path + len - cut, DELETED)) {
		unlinked = true;
		path[len - cut] = '\0';
	}

	json_open('{');
	if (wd) {
		json_key("wd");
		json_number(strtol(wd, NULL, 10));
	}
	json_key("what");
	json_string(what);
	if (there && *path) {
		json_key("path");
		json_string(path);
	}
	json_key("unlinked");
	json_bool(unlinked);
	if (ino) {
		json_key("inode");
		json_number(ino);
	}
	json_key("mask");
	json_number(hex(line, end, " mask:"));
	if (hex(line, end, "ignored_mask:")) {
		json_key("ignoredMask");
		json_number(hex(line, end, "ignored_mask:"));
	}
	json_close('}');
}

bool show_watches(pid_t pid, const char *fdinfo)
{
	int n = 0;

	for (const char *line = fdinfo, *end; line && *line && n < MAX_WATCHES; line = *end ? end + 1 : NULL) {
		end = strchrnul(line, '\n');
		/* A group's own line has flags only. */
		if ((strncmp(line, "inotify wd:", 11) && strncmp(line, "fanotify ", 9)) || !after(line, end, " mask:"))
			continue;
		if (n++ == 0) {
			json_key("watches");
			json_open('[');
		}
		show_watch(pid, line, end);
	}
	if (n)
		json_close(']');
	return n;
}
