// SPDX-License-Identifier: Apache-2.0
/* Where control groups are, and what stands in their files. */
#define _GNU_SOURCE
#include "cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "mounts.h"
#include "util.h"

char *cgroups_path_of(const char *pid)
{
	char *name = xasprintf("/proc/%s/cgroup", pid), *line = NULL, *path = NULL;
	FILE *file = fopen(name, "re");
	size_t room = 0;

	while (file && !path && getline(&line, &room, file) > 0)
		if (!strncmp(line, "0::/", 4)) {
			line[strcspn(line, "\n")] = '\0';
			path = xasprintf("%s", line + 3);
		}
	if (file)
		fclose(file);
	free(line);
	free(name);
	return path;
}

int cgroups_open_top(void)
{
	char *mounts = mounts_read(0), *rest = mounts, *line, root[PATH_MAX], at[PATH_MAX];
	struct statfs fs;
	int fd = -1;

	while (fd < 0 && rest && (line = strsep(&rest, "\n"))) {
		if (!strstr(line, " - cgroup2 ") || sscanf(line, "%*s %*s %*s %4095s %4095s", root, at) != 2 ||
		    strcmp(root, "/"))
			continue;
		fd = open(mounts_unescape(at), O_PATH | O_DIRECTORY | O_CLOEXEC);
		/* Something else may be mounted over it. */
		if (fd >= 0 && (fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)) {
			close(fd);
			fd = -1;
		}
	}
	free(mounts);
	return fd;
}

int cgroups_open(int top, const char *path)
{
	/* There are no symbolic links. */
	return openat(top, path[1] ? path + 1 : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

ssize_t cgroups_read(int dir, const char *name, char *text, size_t room)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), error;
	ssize_t n = fd < 0 ? -1 : read_whole(fd, text, room - 1);

	error = errno;
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	errno = error;
	return n;
}
