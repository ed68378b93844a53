// SPDX-License-Identifier: Apache-2.0
/*
 * Files that are held by a watch alone: which filesystems need a directory in which they can be given names. An inotify
 * watch tells its inode in /proc/PID/fdinfo; what the unread events of an fanotify group hold is told nowhere.
 */
#define _GNU_SOURCE
#include "watched.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util.h"

#define FID_MODES	0x1e00u		/* FAN_REPORT_*: events hold no files */

/* As the kernel prints its own dev_t. */
static unsigned long dev_of(unsigned int sdev)
{
	return makedev(sdev >> 20, sdev & 0xfffff);
}

static struct file_handle *handle_of(const char *line)
{
	struct file_handle *handle;
	unsigned int bytes, type;
	const char *hex = strstr(line, "fhandle-bytes:");

	if (!hex || sscanf(hex, "fhandle-bytes:%x fhandle-type:%x", &bytes, &type) != 2 || bytes > MAX_HANDLE_SZ)
		return NULL;
	hex = strstr(hex, "f_handle:");
	if (!hex || strlen(hex += strlen("f_handle:")) < 2 * bytes)
		return NULL;
	handle = xcalloc(1, sizeof(*handle) + bytes);
	handle->handle_bytes = bytes;
	handle->handle_type = type;
	for (unsigned int i = 0; i < bytes; i++) {
		unsigned int byte;

		sscanf(hex + 2 * i, "%2x", &byte);
		handle->f_handle[i] = byte;
	}
	return handle;
}

/* Does the name that the kernel knows for it lead to it? All by O_PATH, which no watch sees. */
static bool has_name(const char *point, struct file_handle *handle)
{
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	char link[64], target[4200];
	struct stat st, named;
	bool good = false;
	ssize_t n;

	if (here >= 0 && chdir(point) == 0) {
		fd = open_by_handle_at(AT_FDCWD, handle, O_PATH | O_CLOEXEC);
		if (fchdir(here) < 0)
			die("cannot go back to where it was: %s", strerror(errno));
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = fd < 0 ? -1 : readlink(link, target, sizeof(target) - 1);
	if (n > 0) {
		target[n] = '\0';
		good = fstat(fd, &st) == 0 && st.st_nlink && lstat(target, &named) == 0 && named.st_ino == st.st_ino &&
		       named.st_dev == st.st_dev;
	}
	if (fd >= 0)
		close(fd);
	if (here >= 0)
		close(here);
	return good;
}

static void look_at_inotify(struct relink_dirs *dirs, const char *line)
{
	struct file_handle *handle = handle_of(line);
	unsigned int sdev;
	const char *point;

	if (sscanf(line, "inotify wd:%*x ino:%*x sdev:%x", &sdev) != 1)
		return;
	point = relink_mount_point(dev_of(sdev));
	if (point && (!handle || !has_name(point, handle)))
		relink_add_device(dirs, dev_of(sdev));
	free(handle);
}

static void look_at_fanotify(struct relink_dirs *dirs, const char *line, bool *holds_files)
{
	unsigned int flags, sdev, mnt_id;

	if (sscanf(line, "fanotify flags:%x", &flags) == 1)
		*holds_files = !(flags & FID_MODES);
	else if (*holds_files && (sscanf(line, "fanotify ino:%*x sdev:%x", &sdev) == 1 ||
				  sscanf(line, "fanotify sdev:%x", &sdev) == 1))
		relink_add_device(dirs, dev_of(sdev));
	else if (*holds_files && sscanf(line, "fanotify mnt_id:%x", &mnt_id) == 1)
		relink_add_mount(dirs, mnt_id);
}

bool is_watching(const char *link)
{
	return !strcmp(link, "anon_inode:inotify") || !strcmp(link, "anon_inode:[fanotify]");
}

void watched_look(struct relink_dirs *dirs, int process, const char *name)
{
	char path[64], *line = NULL;
	bool holds_files = false;
	size_t room = 0;
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "fdinfo/%.20s", name);
	fd = openat(process, path, O_RDONLY | O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	while (file && getline(&line, &room, file) > 0) {
		if (!strncmp(line, "inotify ", strlen("inotify ")))
			look_at_inotify(dirs, line);
		else if (!strncmp(line, "fanotify ", strlen("fanotify ")))
			look_at_fanotify(dirs, line, &holds_files);
	}
	free(line);
	if (file)
		fclose(file);
}
