// SPDX-License-Identifier: Apache-2.0
/* What stands in /proc/sys/net: read, and made so again. */
#define _GNU_SOURCE
#include "network.h"
#include "network_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

#define MAX_DEPTH	6

static void read_sysctl(int dir, const char *name, const char *path, struct bytes *to)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char value[4096];
	ssize_t n;

	n = fd < 0 ? -1 : read(fd, value, sizeof(value));
	if (fd >= 0)
		close(fd);
	while (n > 0 && value[n - 1] == '\n')
		n--;
	/* Some have no value as yet. */
	if (n < 0 || n == sizeof(value) || memchr(value, '\n', n))
		return;
	bytes_add(to, path, strlen(path));
	bytes_add(to, " ", 1);
	bytes_add(to, value, n);
	bytes_add(to, "\n", 1);
}

/* What concerns all comes before what concerns one. */
static int by_rank(const struct dirent **a, const struct dirent **b)
{
	static const char *const first[] = { "all", "default" };
	int x = 2, y = 2;

	for (int i = 0; i < 2; i++) {
		x = strcmp((*a)->d_name, first[i]) ? x : i;
		y = strcmp((*b)->d_name, first[i]) ? y : i;
	}
	return x != y ? x - y : strcmp((*a)->d_name, (*b)->d_name);
}

static void read_sysctls(int dir, const char *path, int depth, struct bytes *to)
{
	struct dirent **entries;
	int nr = list_dir(dir, &entries, by_rank);

	for (int i = 0; i < 2 * nr; i++) {
		const char *name = entries[i % nr]->d_name;
		bool directories = i >= nr, is_directory;
		struct stat st;
		char *below;
		int fd;

		if (name[0] == '.' || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		is_directory = S_ISDIR(st.st_mode);
		if (is_directory != directories)
			continue;
		below = *path ? xasprintf("%s/%s", path, name) : xasprintf("%s", name);
		if (!is_directory && (st.st_mode & 0600) == 0600)
			read_sysctl(dir, name, below, to);
		fd = is_directory && depth < MAX_DEPTH ? openat(dir, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC) : -1;
		if (fd >= 0) {
			read_sysctls(fd, below, depth + 1, to);
			close(fd);
		}
		free(below);
	}
	for (int i = 0; i < nr; i++)
		free(entries[i]);
	if (nr >= 0)
		free(entries);
}

void network_sysctls(int dir, struct bytes *to)
{
	read_sysctls(dir, "", 0, to);
}

/* As long as devices come up, nobody is asked whether an address is taken. */
static bool comes_last(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && !strcmp(name, "/accept_dad");
}

/* conf/NAME and neigh/NAME, but for "all" and "default". */
static bool is_of_device(const char *path)
{
	static const char *const parts[] = { "ipv4/conf/", "ipv4/neigh/", "ipv6/conf/", "ipv6/neigh/", "mpls/conf/" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strncmp(path, parts[i], strlen(parts[i]))) {
			path += strlen(parts[i]);
			return strncmp(path, "all/", 4) && strncmp(path, "default/", 8);
		}
	return false;
}

static int open_sysctl(const struct network *net, const char *path, int flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

	return syscall(SYS_openat2, net->dir, path, &how, sizeof(how));
}

static bool sysctl_is(const struct network *net, const char *path, const char *value)
{
	int fd = open_sysctl(net, path, O_RDONLY);
	char now[4096];
	ssize_t n = fd < 0 ? -1 : read(fd, now, sizeof(now));

	if (fd >= 0)
		close(fd);
	while (n > 0 && now[n - 1] == '\n')
		n--;
	return n >= 0 && (size_t)n == strlen(value) && !memcmp(now, value, n);
}

static int set_sysctl(const struct network *net, const char *path, const char *value)
{
	int fd = open_sysctl(net, path, O_WRONLY), error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		error = errno ?: EIO;
	close(fd);
	return error;
}

/* One may change others ("all" that of each device), and one may have to wait for another. */
bool network_make_sysctls(struct network *net, enum sysctl_pass pass)
{
	char *failed = NULL;
	bool changed = true;
	int error = 0;

	for (int round = 0; changed && round < MAX_ROUNDS; round++) {
		char *next = NULL;

		changed = false;
		free(failed);
		failed = NULL;
		for (char *line = net->sysctls; line < net->sysctls + net->sysctls_len; line = next) {
			char *value = strchr(line, ' '), *path;
			int e;

			next = line + strlen(line) + 1;
			if (!value)
				continue;
			path = strndup(line, value++ - line);
			if (!path)
				die("out of memory");
			if ((pass == SYSCTL_LAST ||
			     (!comes_last(path) && is_of_device(path) == (pass == SYSCTL_OF_DEVICES))) &&
			    !sysctl_is(net, path, value)) {
				e = set_sysctl(net, path, value);
				changed |= !e;
				if (e && !failed) {
					failed = xasprintf("net/%s cannot be %s", path, value);
					error = e;
				}
			}
			free(path);
		}
	}
	if (pass != SYSCTL_LAST || !failed)
		return true;
	complain("%s: %s", failed, strerror(error));
	return false;
}

void network_ask_nobody(struct network *net)
{
	char *path;

	set_sysctl(net, "ipv6/conf/all/accept_dad", "0");
	set_sysctl(net, "ipv6/conf/default/accept_dad", "0");
	for (size_t i = 0; i < net->nr_links; i++) {
		path = xasprintf("ipv6/conf/%s/accept_dad", net->links[i].name);
		set_sysctl(net, path, "0");
		free(path);
	}
}
