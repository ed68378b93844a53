// SPDX-License-Identifier: Apache-2.0
/* Directories for unlinked files, one on each filesystem that holds any. */
#define _GNU_SOURCE
#include "relink.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "mounts.h"
#include "namespaces.h"
#include "util.h"
#include "watched.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC	0x58465342
#endif

/* A mount of the namespace that the tree lives in. */
struct mount {
	unsigned long id;
	unsigned long dev;
	bool read_only;
	char *point;
};

static struct mount *mounts;
static size_t nr_mounts;

/* "\040" and the like, in place. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		unsigned int byte;

		if (*text == '\\' && sscanf(text + 1, "%3o", &byte) == 1) {
			*to++ = byte;
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* Of the mount namespace of @pid; 0: of our own. */
static void read_mounts(pid_t pid)
{
	char *text = mounts_read(pid), *rest = text, *line;

	if (!text)
		die("/proc/self/mountinfo: %s", strerror(errno));
	while ((line = strsep(&rest, "\n"))) {
		unsigned int major, minor;
		unsigned long id;
		char *point, *options;

		if (sscanf(line, "%lu %*u %u:%u %*s %ms %ms", &id, &major, &minor, &point, &options) != 5)
			continue;
		unescape(point);
		mounts = realloc(mounts, (nr_mounts + 1) * sizeof(*mounts));
		if (!mounts)
			die("out of memory");
		mounts[nr_mounts++] = (struct mount){
			.id = id, .dev = makedev(major, minor), .point = point,
			.read_only = !strncmp(options, "ro,", 3) || !strcmp(options, "ro"),
		};
		free(options);
	}
	free(text);
}

static const struct mount *mount_by_id(unsigned long id)
{
	for (size_t i = 0; i < nr_mounts; i++)
		if (mounts[i].id == id)
			return &mounts[i];
	return NULL;
}

static void add_fd(struct relink_dirs *dirs, int fd)
{
	dirs->fds = realloc(dirs->fds, (dirs->nr + 1) * sizeof(*dirs->fds));
	if (!dirs->fds)
		die("out of memory");
	dirs->fds[dirs->nr++] = fd;
}

void relink_add(struct relink_dirs *dirs, const char *path)
{
	int fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("relink directory %s: %s", path, strerror(errno));
	/* Shared, until the image is there: names in it are not to be collected. */
	flock(fd, LOCK_SH);
	add_fd(dirs, fd);
}

/* Make and open RELINK_DIR in @point, or remove it: unlike mkdir() and the like, so that nobody's watch sees it. */
static int unseen(const char *point, uint64_t flags)
{
	int parent = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC), fd, error;
	struct checkpoint_args args = {
		.flags = flags, .image_fd = -1, .log_fd = -1, .nr_relink_fds = 1, .relink_fds = (uintptr_t)&parent,
	};

	if (parent < 0)
		return -1;
	fd = syscall(__NR_checkpoint_x86_64, &args, sizeof(args));
	error = errno;
	close(parent);
	errno = error;
	return fd;
}

/* Open our directory in @point, made if need be; nobody else may reach into it. */
static int open_own(const char *point, const char *path)
{
	struct stat st, named;
	int fd;

again:
	fd = unseen(point, CHECKPOINT_RELINK_DIR);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 07777) != 0700)
		die("%s is not a directory of mode 0700 owned by uid %d; remove it, or name another with --relink-dir",
		    path, geteuid());
	/* Another checkpoint may have removed it again: it does so only while nobody has this lock. */
	if (flock(fd, LOCK_SH) < 0 || stat(path, &named) < 0 || named.st_ino != st.st_ino || named.st_dev != st.st_dev) {
		close(fd);
		goto again;
	}
	return fd;
}

/* Make our own directory in @point. */
static bool make_in(struct relink_dirs *dirs, const char *point)
{
	char *path = xasprintf("%s/" RELINK_DIR, strcmp(point, "/") ? point : "");
	int fd = open_own(point, path);

	if (fd < 0) {
		free(path);
		return false;
	}
	dirs->made = realloc(dirs->made, (dirs->nr_made + 1) * sizeof(*dirs->made));
	if (!dirs->made)
		die("out of memory");
	dirs->made[dirs->nr_made++] = path;
	add_fd(dirs, fd);
	return true;
}

/*
 * The topmost directory of a filesystem above what had the name @name (to be freed). On btrfs each subvolume has a
 * device number of its own, and cannot share files with another.
 */
static char *top_of(const char *name, unsigned long dev)
{
	char *path = xasprintf("%s", name), *top = NULL, *slash;
	struct stat st;

	while ((slash = strrchr(path, '/'))) {
		const char *above = slash == path ? "/" : path;

		*slash = '\0';
		if (stat(above, &st) < 0 && errno == ENOENT)
			continue;	/* removed too */
		if (st.st_dev != dev)
			break;
		free(top);
		top = xasprintf("%s", above);
		if (slash == path)
			break;
	}
	free(path);
	return top;
}

/* The mount the file was opened through first, then any other of the same filesystem. */
static void add_filesystem(struct relink_dirs *dirs, unsigned long mount_id, unsigned long dev, const char *name)
{
	const struct mount *used = mount_by_id(mount_id);
	bool made = false;
	struct stat st;
	char *top;

	if (!used)	/* memfd, or of another mount namespace: the kernel will speak of it */
		return;
	for (size_t i = 0; i < dirs->nr_seen; i++)
		if (dirs->seen[i].dev == dev && dirs->seen[i].mount_dev == used->dev)
			return;
	dirs->seen = realloc(dirs->seen, (dirs->nr_seen + 1) * sizeof(*dirs->seen));
	if (!dirs->seen)
		die("out of memory");
	dirs->seen[dirs->nr_seen++] = (struct relink_seen){ dev, used->dev };

	if (!used->read_only && stat(used->point, &st) == 0 && st.st_dev != dev) {
		top = top_of(name, dev);
		if (top)
			made = make_in(dirs, top);
		free(top);
	}
	for (size_t i = 0; i <= nr_mounts && !made; i++) {
		const struct mount *mount = i ? &mounts[i - 1] : used;

		if (mount->dev == used->dev && !mount->read_only)
			made = make_in(dirs, mount->point);
	}
	if (!made)
		complain("no directory for unlinked files can be made on %s: %s; name one with --relink-dir",
			 used->point, used->read_only ? "mounted read-only" : strerror(errno));
}

static const struct mount *mount_by_dev(unsigned long dev)
{
	for (size_t i = 0; i < nr_mounts; i++)
		if (mounts[i].dev == dev)
			return &mounts[i];
	return NULL;
}

const char *relink_mount_point(unsigned long dev)
{
	const struct mount *mount = mount_by_dev(dev);

	return mount ? mount->point : NULL;
}

static void add_mount(struct relink_dirs *dirs, const struct mount *mount)
{
	struct stat st;

	if (mount && stat(mount->point, &st) == 0)
		add_filesystem(dirs, mount->id, st.st_dev, mount->point);
}

void relink_add_device(struct relink_dirs *dirs, unsigned long dev)
{
	add_mount(dirs, mount_by_dev(dev));
}

void relink_add_mount(struct relink_dirs *dirs, unsigned long id)
{
	add_mount(dirs, mount_by_id(id));
}

#define DELETED		" (deleted)"

/* What a descriptor has to do with other files. */
struct role {
	bool watches;
	bool is_socket;
};

/* Is what the magic link @name in @dir leads to without the name it was opened by? */
static void look_at(struct relink_dirs *dirs, int dir, const char *name, struct role *role)
{
	char target[4200];
	struct statx stx;
	ssize_t n;

	/* Never stat what is no file: the link's text tells files from the rest. */
	n = readlinkat(dir, name, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	if (role) {
		role->watches = is_watching(target);
		role->is_socket = !strncmp(target, "socket:", 7);
	}
	if (target[0] != '/' || (size_t)n <= strlen(DELETED) || strcmp(target + n - strlen(DELETED), DELETED))
		return;
	target[n - strlen(DELETED)] = '\0';
	if (syscall(SYS_statx, dir, name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_MNT_ID, &stx) < 0)
		return;
	if (stx.stx_mask & STATX_MNT_ID)
		add_filesystem(dirs, stx.stx_mnt_id, makedev(stx.stx_dev_major, stx.stx_dev_minor), target);
}

/* Are there descriptors in flight in the queue of a UNIX socket? */
static bool has_in_flight(int process, const char *fd)
{
	char *name = xasprintf("fdinfo/%s", fd), text[1024], *at;
	int info = openat(process, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = info < 0 ? -1 : read(info, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	if (info >= 0)
		close(info);
	free(name);
	at = strstr(text, "scm_fds:");
	return at && atoi(at + strlen("scm_fds:")) > 0;
}

/* What is in flight cannot be looked at from here: it may be of any filesystem that can give it a name. */
static void add_all(struct relink_dirs *dirs)
{
	static const unsigned long magics[] = {
		EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC,
	};
	struct statfs fs;

	for (size_t i = 0; i < nr_mounts; i++)
		for (size_t j = 0; j < sizeof(magics) / sizeof(magics[0]); j++)
			if (!mounts[i].read_only && statfs(mounts[i].point, &fs) == 0 &&
			    (unsigned long)fs.f_type == magics[j])
				add_mount(dirs, &mounts[i]);
}

/* Names of UNIX sockets, of the whole network, are told as they were given: which are gone is seen in their directories. */
static void look_at_sockets(struct relink_dirs *dirs, int process)
{
	int fd = openat(process, "net/unix", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[512], name[256];
	struct stat st;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %255[^\n]", name) != 1 || *name == '@')
			continue;
		if (*name != '/' && fstatat(process, "cwd", &st, 0) == 0)
			relink_add_device(dirs, st.st_dev);
		if (*name != '/' || lstat(name, &st) == 0 || errno != ENOENT)
			continue;
		*strrchr(name, '/') = '\0';
		if (stat(*name ? name : "/", &st) == 0)
			relink_add_device(dirs, st.st_dev);
	}
	if (file)
		fclose(file);
}

/* @process is /proc/PID or /proc/PID/task/TID. */
static void look_at_all(struct relink_dirs *dirs, int process, const char *name, bool fds)
{
	int fd = openat(process, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool has_sockets = false;
	struct dirent *entry;

	if (!dir)
		return;		/* gone meanwhile, or a zombie */
	while ((entry = readdir(dir))) {
		struct role role = { };

		if (entry->d_name[0] == '.')
			continue;
		look_at(dirs, dirfd(dir), entry->d_name, fds ? &role : NULL);
		if (role.watches)
			watched_look(dirs, process, entry->d_name);
		if (role.is_socket && has_in_flight(process, entry->d_name))
			add_all(dirs);
		has_sockets |= role.is_socket;
	}
	closedir(dir);
	if (has_sockets)
		look_at_sockets(dirs, process);
}

/* Whether any mapped file has lost its name: one text is read faster than a link for each mapping. */
static bool maps_deleted(int process)
{
	static const char mark[] = DELETED "\n";
	char text[16384 + sizeof(mark)];
	size_t kept = 0;
	bool found = false;
	ssize_t n;
	int fd = openat(process, "maps", O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && !found && (n = read(fd, text + kept, sizeof(text) - kept)) > 0) {
		size_t all = kept + (size_t)n;

		found = memmem(text, all, mark, strlen(mark));
		/* It may be cut in two. */
		kept = all < strlen(mark) ? all : strlen(mark);
		memmove(text, text + all - kept, kept);
	}
	if (fd >= 0)
		close(fd);
	return found;
}

/* Threads may have descriptor tables of their own. */
static void look_at_threads(struct relink_dirs *dirs, int process)
{
	int fd = openat(process, "task", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *threads = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (threads && (entry = readdir(threads))) {
		int thread;

		if (entry->d_name[0] == '.')
			continue;
		thread = openat(fd, entry->d_name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
		if (thread < 0)
			continue;
		look_at_all(dirs, thread, "fd", true);
		close(thread);
	}
	if (threads)
		closedir(threads);
}

static void look_at_process(struct relink_dirs *dirs, int process)
{
	struct stat tasks;

	if (maps_deleted(process))
		look_at_all(dirs, process, "map_files", false);
	look_at(dirs, process, "exe", NULL);
	look_at(dirs, process, "cwd", NULL);
	look_at(dirs, process, "root", NULL);
	/* Its links are "..", "." and one from each thread. */
	if (fstatat(process, "task", &tasks, 0) == 0 && tasks.st_nlink == 3)
		look_at_all(dirs, process, "fd", true);
	else
		look_at_threads(dirs, process);
}

void relink_find(struct relink_dirs *dirs, const struct tree *tree, bool own_mounts)
{
	pid_t root = own_mounts && tree->nr ? tree->pids[0] : 0;
	int proc = open("/proc", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	struct namespaces_before before = { };
	char name[64];

	read_mounts(root);
	if (root) {
		snprintf(name, sizeof(name), "/proc/%d/ns/mnt", root);
		dirs->mounts = open(name, O_RDONLY | O_CLOEXEC);
		namespaces_enter(CKPT_NS_MNT, root, &before);
	}
	for (size_t i = 0; i < tree->nr; i++) {
		int process;

		snprintf(name, sizeof(name), "%d", tree->pids[i]);
		process = openat(proc, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
		if (process < 0)
			continue;	/* gone meanwhile */
		look_at_process(dirs, process);
		close(process);
	}
	namespaces_leave(&before);
	close(proc);
}

void relink_sync(const struct relink_dirs *dirs)
{
	for (size_t i = 0; i < dirs->nr; i++)
		if (syncfs(dirs->fds[i]) < 0)
			complain("syncfs: %s; names of unlinked files may not outlive a power cut", strerror(errno));
}

bool is_relink_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && !strcmp(slash + 1, RELINK_DIR);
}

void relink_each_directory(void (*visit)(const char *path))
{
	read_mounts(0);
	for (size_t i = 0; i < nr_mounts; i++) {
		char *path = xasprintf("%s/" RELINK_DIR, strcmp(mounts[i].point, "/") ? mounts[i].point : "");
		struct stat st;

		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 07777) == 0700)
			visit(path);
		free(path);
	}
}

void relink_tidy(struct relink_dirs *dirs)
{
	/* This is the last thing that is done. */
	if (dirs->mounts > 0 && dirs->nr_made && setns(dirs->mounts, CLONE_NEWNS) < 0)
		return;
	for (size_t i = 0; i < dirs->nr_made; i++) {
		char *slash = strrchr(dirs->made[i], '/');
		const char *point;
		int fd;

		*slash = '\0';
		point = *dirs->made[i] ? dirs->made[i] : "/";
		fd = unseen(point, CHECKPOINT_RELINK_DIR);
		/* Our own lock is given up first, so that the last of several can have it alone. */
		for (size_t j = 0; j < dirs->nr; j++)
			flock(dirs->fds[j], LOCK_UN);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			unseen(point, CHECKPOINT_RELINK_RMDIR);
		if (fd >= 0)
			close(fd);
		*slash = '/';
	}
}
