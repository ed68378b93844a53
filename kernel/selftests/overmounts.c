// SPDX-License-Identifier: Apache-2.0
/* What is mounted where no path leads any more comes back there, and shows what it showed. */
/* covers: Namespaces | mnt: what other mounts hide, also what came there by propagation or was moved | supported */
/* covers: Namespaces | mnt: one that was moved onto what its namespace has mounted later (/dev/pts in a /dev of its own) | supported */
/* covers: Namespaces | mnt: idmapped mounts | refused by name */
/* covers: Namespaces | mnt: binds of what is hidden where their filesystem is seen first; nosymfollow, atime of every kind | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define TOP	"/tmp/selftest/top"
#define ROOM	65536

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of all mounts below TOP, sorted: what of its filesystem, where, how; and whether it is shared. */
static char *shape(void)
{
	static char text[ROOM];
	char *room = calloc(2, ROOM), *line, *lines[256], root[4096], at[4096], how[256], more[256];
	FILE *file = fopen("/proc/self/mountinfo", "re");
	size_t len = 0, nr = 0, size = 0;

	text[0] = '\0';
	for (line = NULL; file && room && getline(&line, &size, file) > 0 && nr < 256;) {
		if (sscanf(line, "%*s %*s %*s %4095s %4095s %255s %255s", root, at, how, more) != 4 || strncmp(at, TOP, strlen(TOP)))
			continue;
		lines[nr] = room + len;
		len += sprintf(lines[nr++], "%s %s %s%s\n", root, at, how, strncmp(more, "shared:", 7) ? "" : " shared") + 1;
	}
	if (file)
		fclose(file);
	qsort(lines, nr, sizeof(lines[0]), by_text);
	for (size_t i = 0; i < nr; i++)
		strcat(text, lines[i]);
	return text;
}

static void same_shape(const char *before)
{
	const char *after = shape();

	verify(!strcmp(before, after), "all is mounted as it was: %s", strcmp(before, after) ? after : "");
}

static bool own_mounts(void)
{
	mkdir(TOP, 0755);
	return private_mounts();
}

static bool exists_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* What is mounted in one peer comes to the other, below what has been mounted over that. */
static void propagated(void)
{
	char *before;

	if (!own_mounts())
		return;
	mkdir(TOP "/a", 0755);
	mkdir(TOP "/a/b", 0755);
	mkdir(TOP "/a/b/c", 0755);
	mkdir(TOP "/d", 0755);
	mkdir(TOP "/d/here", 0755);
	if (mount(TOP, TOP, NULL, MS_BIND, NULL) < 0 || mount(NULL, TOP, NULL, MS_SHARED, NULL) < 0 ||
	    mount(TOP "/a/b", TOP "/a", NULL, MS_BIND, NULL) < 0 || mount(TOP "/d", TOP "/a/c", NULL, MS_BIND, NULL) < 0)
		_exit(90);
	before = strdup(shape());
	pause_here();
	same_shape(before);
	verify(exists_there(TOP "/a/c/here"), "what is seen");
	/* Else what is unmounted here is unmounted there, too. */
	mount(NULL, TOP "/a", NULL, MS_PRIVATE, NULL);
	verify(umount2(TOP "/a", MNT_DETACH) == 0 && exists_there(TOP "/a/b/c/here"), "what was hidden");
}

/* One is moved into another that was made later; binds in a tmpfs lead through binds of it. */
static void moved(void)
{
	char *before;

	if (!own_mounts() || mount("one", TOP, "tmpfs", 0, NULL) < 0 || chdir(TOP) < 0)
		return;
	mkdir("a", 0700);
	mkdir("b", 0700);
	if (mount("two", "a", "tmpfs", 0, NULL) < 0 || mount("a", "b", NULL, MS_BIND, NULL) < 0)
		_exit(90);
	mkdir("a/b", 0700);
	mkdir("a/b/c", 0700);
	if (mount("a/b", "a", NULL, MS_BIND, NULL) < 0 || mount("b", "a/c", NULL, MS_MOVE, NULL) < 0 ||
	    mount("three", "b", "tmpfs", 0, NULL) < 0)
		_exit(91);
	mkdir("b/b", 0700);
	mkdir("b/b/z", 0700);
	if (mount("b", "b/b", NULL, MS_BIND, NULL) < 0 || mount("b/b/b", "b/b", NULL, MS_BIND, NULL) < 0)
		_exit(92);
	before = strdup(shape());
	pause_here();
	same_shape(before);
	verify(exists_there("a/c/b/c"), "the one that was moved");
	verify(umount2("a/c", 0) == 0 && umount2("a", 0) == 0 && exists_there("a/b/c"), "and what it was moved out of");
	verify(exists_there("b/b/z") && umount2("b/b", 0) == 0 && exists_there("b/b/b/z"), "binds through binds");
}

/* The first mount of the filesystem shows something else there. */
static void covered(void)
{
	char *before;

	if (!own_mounts())
		return;
	mkdir(TOP "/all", 0755);
	mkdir(TOP "/bound", 0755);
	mkdir(TOP "/dir", 0755);
	mkdir(TOP "/dir/below", 0755);
	if (mount(TOP, TOP "/all", NULL, MS_BIND, NULL) < 0 || mount("cover", TOP "/dir", "tmpfs", MS_STRICTATIME, NULL) < 0 ||
	    mount(TOP "/all/dir", TOP "/bound", NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, TOP "/bound", NULL, MS_BIND | MS_REMOUNT | MS_NOSYMFOLLOW | MS_STRICTATIME | MS_NODIRATIME, NULL) < 0 ||
	    mount(NULL, TOP "/all", NULL, MS_BIND | MS_REMOUNT | MS_NOATIME, NULL) < 0)
		_exit(90);
	before = strdup(shape());
	pause_here();
	same_shape(before);
	verify(exists_there(TOP "/bound/below") && !exists_there(TOP "/dir/below"), "what is hidden elsewhere");
}

/* In a namespace of some: a bind of what is mounted nowhere else there, and a tmpfs that may not be written to. */
static void in_another(void)
{
	char *before;
	int status = 1;
	pid_t child;

	if (!own_mounts())
		return;
	mkdir(TOP "/source", 0755);
	mkdir(TOP "/bound", 0755);
	mkdir(TOP "/first", 0755);
	mkdir(TOP "/fixed", 0755);
	if (mount("source", TOP "/source", "tmpfs", 0, NULL) < 0)
		_exit(90);
	mkdir(TOP "/source/one", 0755);
	mkdir(TOP "/source/two", 0755);
	mkdir(TOP "/source/two/here", 0755);
	if (mount(TOP "/source/one", TOP "/first", NULL, MS_BIND, NULL) < 0)
		_exit(91);
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWNS) < 0 || mount(TOP "/source/two", TOP "/bound", NULL, MS_BIND, NULL) < 0 ||
		    umount(TOP "/source") < 0 || umount(TOP "/first") < 0 || mount("fixed", TOP "/fixed", "tmpfs", 0, NULL) < 0)
			_exit(92);
		mkdir(TOP "/fixed/dir", 0755);
		mount(NULL, TOP "/fixed", NULL, MS_REMOUNT | MS_RDONLY, NULL);
		before = strdup(shape());
		close(open("/tmp/selftest/other-is-ready", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		wait_for_go();
		same_shape(before);
		verify(exists_there(TOP "/bound/here") && !exists_there(TOP "/source/one"), "another one: what is bound");
		verify(exists_there(TOP "/fixed/dir") && mkdir(TOP "/fixed/other", 0755) < 0 && errno == EROFS,
		       "another one: read-only");
		_exit(0);
	}
	while (!exists_there("/tmp/selftest/other-is-ready"))
		usleep(1000);
	before = strdup(shape());
	pause_here();
	same_shape(before);
	verify(exists_there(TOP "/source/two/here") && !exists_there(TOP "/bound/here"), "the first one");
	waitpid(child, &status, 0);
	verify(status == 0, "the other ends well");
}

/* In a namespace of some: one stays where it is while what it stood on is replaced, as /dev/pts in a /dev of one's own. */
static void on_another(void)
{
	char *before;
	int status = 1;
	pid_t child;

	if (!own_mounts())
		return;
	mkdir(TOP "/dev", 0755);
	mkdir(TOP "/new", 0755);
	if (mount("old", TOP "/dev", "tmpfs", 0, NULL) < 0 || mkdir(TOP "/dev/pts", 0755) < 0 ||
	    mount("pts", TOP "/dev/pts", "tmpfs", 0, NULL) < 0 || mkdir(TOP "/dev/pts/here", 0755) < 0)
		_exit(90);
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWNS) < 0 || mount("new", TOP "/new", "tmpfs", 0, NULL) < 0 || mkdir(TOP "/new/pts", 0755) < 0 ||
		    mount(TOP "/dev/pts", TOP "/new/pts", NULL, MS_MOVE, NULL) < 0 || umount(TOP "/dev") < 0 ||
		    mount(TOP "/new", TOP "/dev", NULL, MS_MOVE, NULL) < 0 ||
		    mount(NULL, TOP "/dev/pts", NULL, MS_BIND | MS_REMOUNT | MS_NOSUID, NULL) < 0)
			_exit(92);
		before = strdup(shape());
		close(open("/tmp/selftest/other-is-ready", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		wait_for_go();
		same_shape(before);
		verify(exists_there(TOP "/dev/pts/here"), "another one: what has moved");
		_exit(0);
	}
	while (!exists_there("/tmp/selftest/other-is-ready"))
		usleep(1000);
	pause_here();
	verify(exists_there(TOP "/dev/pts/here"), "the first one");
	waitpid(child, &status, 0);
	verify(status == 0, "the other ends well");
}

/* Its files belong to somebody else there, by the maps of a user namespace. */
static void idmapped(void)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int ends[2], tree, fd;
	char path[64], c;
	pid_t child;

	if (!own_mounts() || mkdir(TOP "/ids", 0755) < 0 || pipe(ends) < 0)
		_exit(1);
	child = fork();
	if (child == 0)
		_exit(unshare(CLONE_NEWUSER) < 0 || write(ends[1], "x", 1) != 1 || pause());
	close(ends[1]);
	if (read(ends[0], &c, 1) != 1)
		_exit(2);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	if (!put_text(path, "0 1000 1"))
		_exit(2);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", child);
	if (!put_text(path, "0 1000 1"))
		_exit(2);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", child);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	tree = syscall(SYS_open_tree, AT_FDCWD, TOP, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	attr.userns_fd = fd;
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ||
	    syscall(SYS_move_mount, tree, "", AT_FDCWD, TOP "/ids", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		_exit(3);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(fd);
	close(tree);
	pause_here();
}

int main(void)
{
	need_checkpoint();
	subject_round("propagated", propagated);
	subject_round("moved", moved);
	subject_round("covered", covered);
	subject_round("in another", in_another);
	subject_round("on another", on_another);
	subject_refused("idmapped", idmapped, "is idmapped");
	return tap_done();
}
