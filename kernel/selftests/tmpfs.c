// SPDX-License-Identifier: Apache-2.0
/* A tmpfs of the tree's own comes back with all that is in it, and is the filesystem it was. */
/* covers: Namespaces | mnt: a tmpfs of its own with files, directories, links, FIFOs, sockets, devices, holes, attributes | supported */
/* covers: Namespaces | mnt: files in it open, unlinked, mapped, watched, locked; directories being read; limits; read-only; nested | supported */
/* covers: Namespaces | mnt: a filesystem that looks like another one of the outside, which it has taken the place of | supported */
/* covers: Namespaces | mnt: a directory of a tmpfs of its own that is mounted nowhere as a whole | supported */
/* covers: Namespaces | mnt: a file unlinked under several names, in several mounts, which may be read-only since | supported */
/* covers: Namespaces | mnt: one mounted over another, and what is mounted in the one below | supported */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define TOP		"/tmp/selftest/own"
#define NR_ENTRIES	100
#define BIG_BYTES	(3 << 20)

static bool own_mounts(void)
{
	mkdir(TOP, 0755);
	return private_mounts();
}

static int put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode);

	if (fd >= 0 && write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return -1;
	return fd;
}

static bool holds(const char *path, const char *text)
{
	char room[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, room, sizeof(room) - 1);

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) && !strcmp(room, text);
}

static bool same_time(struct statx_timestamp a, struct statx_timestamp b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* All that stat says, but for the device number. */
static void same(const char *path, const struct statx *a)
{
	struct statx b;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &b) < 0) {
		verify(false, "%s is there", path);
		return;
	}
	verify(a->stx_ino == b.stx_ino && a->stx_mode == b.stx_mode && a->stx_uid == b.stx_uid && a->stx_gid == b.stx_gid,
	       "%s: inode, mode 0%o and owner", path, b.stx_mode);
	verify(a->stx_size == b.stx_size && a->stx_blocks == b.stx_blocks && a->stx_nlink == b.stx_nlink &&
	       a->stx_rdev_major == b.stx_rdev_major && a->stx_rdev_minor == b.stx_rdev_minor,
	       "%s: size %llu, %llu blocks, %u links", path, b.stx_size, b.stx_blocks, b.stx_nlink);
	verify(same_time(a->stx_atime, b.stx_atime) && same_time(a->stx_mtime, b.stx_mtime) &&
	       same_time(a->stx_ctime, b.stx_ctime) && same_time(a->stx_btime, b.stx_btime), "%s: times", path);
}

/* ---- what there is ---- */

static const char *const all[] = {
	TOP, TOP "/file", TOP "/link", TOP "/dir", TOP "/dir/deep", TOP "/dir/deep/second", TOP "/fifo", TOP "/socket",
	TOP "/null", TOP "/holes", TOP "/suid", TOP "/empty",
};

#define NR_ALL	(sizeof(all) / sizeof(all[0]))

static void kinds(void)
{
	struct statx before[NR_ALL];
	struct statfs fs, fs_before;
	char text[64] = "";
	int fd;

	if (!own_mounts() || mount("mine", TOP, "tmpfs", MS_NOSUID | MS_NOATIME, "size=16m,mode=751,nr_inodes=500") < 0)
		return;
	mkdir(TOP "/dir", 0700);
	mkdir(TOP "/dir/deep", 01777);
	close(put(TOP "/file", "contents", 0640));
	setxattr(TOP "/file", "user.colour", "blue", 4, 0);
	setxattr(TOP "/dir", "trusted.depth", "deep", 4, 0);
	link(TOP "/file", TOP "/dir/deep/second");
	symlink("dir/deep/second", TOP "/link");
	lchown(TOP "/link", 12, 34);
	mkfifo(TOP "/fifo", 0604);
	mknod(TOP "/socket", S_IFSOCK | 0600, 0);
	mknod(TOP "/null", S_IFCHR | 0666, makedev(1, 3));
	fd = put(TOP "/holes", "x", 0600);
	pwrite(fd, "end", 3, BIG_BYTES);
	close(fd);
	close(put(TOP "/suid", "#!", 0600));
	chown(TOP "/suid", 1000, 1001);
	chmod(TOP "/suid", 06755);
	close(put(TOP "/empty", "", 0));
	chown(TOP "/dir/deep", 1000, 1000);
	utimensat(AT_FDCWD, TOP "/file", (struct timespec[]){ { 1000, 1 }, { 2000, 2 } }, 0);
	utimensat(AT_FDCWD, TOP "/dir", (struct timespec[]){ { 3000, 3 }, { 4000, 4 } }, 0);
	for (size_t i = 0; i < NR_ALL; i++)
		statx(AT_FDCWD, all[i], AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &before[i]);
	statfs(TOP, &fs_before);
	pause_here();
	for (size_t i = 0; i < NR_ALL; i++)
		same(all[i], &before[i]);
	verify(holds(TOP "/link", "contents"), "contents, by a symbolic link and another name");
	verify(readlink(TOP "/link", text, sizeof(text)) == 15 && !strcmp(text, "dir/deep/second"), "the target of a link: %s", text);
	memset(text, 0, sizeof(text));
	verify(getxattr(TOP "/file", "user.colour", text, sizeof(text)) == 4 && !memcmp(text, "blue", 4), "an attribute");
	verify(getxattr(TOP "/dir", "trusted.depth", text, sizeof(text)) == 4, "an attribute of a directory");
	fd = open(TOP "/holes", O_RDONLY | O_CLOEXEC);
	verify(pread(fd, text, 3, BIG_BYTES) == 3 && !memcmp(text, "end", 3) && lseek(fd, 0, SEEK_HOLE) == 4096 &&
	       lseek(fd, 4096, SEEK_DATA) == BIG_BYTES, "holes");
	close(fd);
	statfs(TOP, &fs);
	verify(!memcmp(&fs.f_fsid, &fs_before.f_fsid, sizeof(fs.f_fsid)) && fs.f_blocks == fs_before.f_blocks &&
	       fs.f_bfree == fs_before.f_bfree && fs.f_files == fs_before.f_files && fs.f_ffree == fs_before.f_ffree &&
	       fs.f_flags == fs_before.f_flags, "its id, its limits, what is left: %ld of %ld blocks, %ld of %ld inodes",
	       (long)fs.f_bfree, (long)fs.f_blocks, (long)fs.f_ffree, (long)fs.f_files);
	fd = put(TOP "/new", "", 0600);
	struct stat st;

	fstat(fd, &st);
	for (size_t i = 0; i < NR_ALL; i++)
		if (before[i].stx_ino == st.st_ino)
			verify(false, "a new file has a number of its own, not that of %s", all[i]);
	verify(link(TOP "/fifo", TOP "/dir/fifo") == 0 && unlink(TOP "/dir/deep/second") == 0 && rmdir(TOP "/dir/deep") == 0 &&
	       rename(TOP "/new", TOP "/dir/new") == 0, "it can be changed as ever");
}

/* ---- what is in use ---- */

static int name_of(const char *name)
{
	return atoi(name + 1);
}

static void in_use(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, gone, watch, server, client, fifo, cwd_ok, seen[NR_ENTRIES] = { }, nr = 0;
	char path[64], text[4096] = "", cwd[64] = "";
	struct stat st, gone_st;
	struct dirent *entry;
	char *shared, *private;
	DIR *dir;

	if (!own_mounts() || mount("mine", TOP, "tmpfs", 0, NULL) < 0)
		return;
	mkdir(TOP "/dir", 0755);
	for (int i = 0; i < NR_ENTRIES; i++) {
		snprintf(path, sizeof(path), TOP "/dir/f%d", i);
		close(put(path, "", 0600));
	}
	dir = opendir(TOP "/dir");
	/* Some of it has been read, and the rest of what is in the buffer of the library with it. */
	fd = dirfd(dir);
	long cookie = 0;

	for (int i = 0; i < NR_ENTRIES / 2 && (entry = readdir(dir)); i++) {
		if (entry->d_name[0] == 'f')
			seen[name_of(entry->d_name)]++;
		cookie = telldir(dir);
	}
	fd = put(TOP "/file", "0123456789", 0600);
	lseek(fd, 4, SEEK_SET);
	flock(fd, LOCK_EX);
	gone = put(TOP "/gone", "unlinked", 0600);
	unlink(TOP "/gone");
	fstat(gone, &gone_st);
	put(TOP "/mapped", "mapped by two", 0600);
	int mapped = open(TOP "/mapped", O_RDWR | O_CLOEXEC);

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, mapped, 0);
	private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, mapped, 0);
	private[0] = 'M';
	watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	inotify_add_watch(watch, TOP "/dir", IN_CREATE);
	strcpy(address.sun_path, TOP "/socket");
	server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bind(server, (struct sockaddr *)&address, sizeof(address));
	listen(server, 4);
	mkfifo(TOP "/fifo", 0600);
	fifo = open(TOP "/fifo", O_RDWR | O_CLOEXEC);
	write(fifo, "in the pipe", 11);
	cwd_ok = chdir(TOP "/dir") == 0;
	pause_here();
	verify(read(fd, text, 3) == 3 && !memcmp(text, "456", 3), "an open file goes on where it was");
	verify(flock(open(TOP "/file", O_RDONLY | O_CLOEXEC), LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK, "with its lock");
	verify(pread(gone, text, 8, 0) == 8 && !memcmp(text, "unlinked", 8) && fstat(gone, &st) == 0 && st.st_nlink == 0 &&
	       st.st_mode == gone_st.st_mode, "an unlinked file has its contents");
	verify(!strcmp(shared, "mapped by two") && private[0] == 'M', "mappings");
	shared[0] = 'n';
	verify(holds(TOP "/mapped", "napped by two"), "a shared mapping is the file");
	seekdir(dir, cookie);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] == 'f')
			seen[name_of(entry->d_name)]++;
	for (int i = 0; i < NR_ENTRIES; i++)
		nr += seen[i] == 1;
	verify(nr == NR_ENTRIES, "a directory that is being read shows each entry once: %d", nr);
	close(put(TOP "/dir/new", "", 0600));
	verify(read(watch, text, sizeof(text)) > 0 && !strcmp(((struct inotify_event *)text)->name, "new"), "a watch goes on");
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	verify(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0, "a socket is found by its name");
	verify(read(fifo, text, 11) == 11 && !memcmp(text, "in the pipe", 11), "what was in a FIFO");
	verify(cwd_ok && getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, TOP "/dir"), "the working directory: %s", cwd);
	verify(access("f7", F_OK) == 0, "and what is in it");
}

/* ---- how it is mounted ---- */

static void mounted(void)
{
	struct statvfs fs;

	if (!own_mounts() || mount("outer", TOP, "tmpfs", 0, NULL) < 0)
		return;
	mkdir(TOP "/inner", 0711);
	mkdir(TOP "/view", 0700);
	mkdir(TOP "/src", 0700);
	mkdir(TOP "/ro", 0700);
	chown(TOP "/inner", 7, 7);
	close(put(TOP "/inner/hidden", "below a mount", 0600));
	close(put(TOP "/src/file", "seen twice", 0600));
	close(put(TOP "/null", "", 0600));
	mkdir(TOP "/deep", 0700);
	mkdir(TOP "/deep/er", 0710);
	close(put(TOP "/deep/er/source", "a file alone", 0640));
	close(put(TOP "/single", "", 0600));
	close(put("/tmp/selftest/outside", "", 0600));
	mount("inner", TOP "/inner", "tmpfs", 0, "size=64k");
	close(put(TOP "/inner/file", "in the inner one", 0600));
	mount(TOP "/src", TOP "/view", NULL, MS_BIND, NULL);
	mount("/dev/null", TOP "/null", NULL, MS_BIND, NULL);
	mount(TOP "/deep/er/source", TOP "/single", NULL, MS_BIND, NULL);
	mount(TOP "/deep/er/source", "/tmp/selftest/outside", NULL, MS_BIND, NULL);
	mount("ro", TOP "/ro", "tmpfs", 0, NULL);
	close(put(TOP "/ro/file", "only to read", 0600));
	mount(NULL, TOP "/ro", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	int fd = open(TOP "/view/file", O_RDONLY | O_CLOEXEC);
	char text[16];

	pause_here();
	verify(holds(TOP "/inner/file", "in the inner one"), "a tmpfs in a tmpfs");
	verify(statvfs(TOP "/inner", &fs) == 0 && fs.f_blocks * fs.f_frsize == 65536, "with its limit");
	verify(read(fd, text, 10) == 10 && !memcmp(text, "seen twice", 10) && holds(TOP "/view/file", "seen twice"), "a bind mount of a part");
	close(put(TOP "/view/more", "both", 0600));
	verify(holds(TOP "/src/more", "both"), "which shows the same filesystem");
	struct stat st;

	verify(stat(TOP "/null", &st) == 0 && S_ISCHR(st.st_mode), "a bind mount on a file");
	verify(holds(TOP "/single", "a file alone") && holds("/tmp/selftest/outside", "a file alone") &&
	       holds(TOP "/deep/er/source", "a file alone") && stat(TOP "/single", &st) == 0 && (st.st_mode & 07777) == 0640,
	       "a bind mount of a single file");
	verify(stat(TOP "/deep/er", &st) == 0 && (st.st_mode & 07777) == 0710, "the directory it is in");
	int more = open(TOP "/single", O_WRONLY | O_TRUNC | O_CLOEXEC);

	verify(more >= 0 && write(more, "changed", 7) == 7 && holds(TOP "/deep/er/source", "changed"), "it is the same file");
	verify(holds(TOP "/ro/file", "only to read") && open(TOP "/ro/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EROFS,
	       "one that is read-only");
	verify(statvfs(TOP "/ro", &fs) == 0 && fs.f_flag & ST_RDONLY, "and says so");
	umount(TOP "/inner");
	verify(holds(TOP "/inner/hidden", "below a mount") && stat(TOP "/inner", &st) == 0 && st.st_uid == 7 &&
	       (st.st_mode & 07777) == 0711, "what was below a mount");
}

/* Each is mounted over the one before; what is mounted in the first cannot be reached until the others have gone. */
static void hidden(void)
{
	static const char *const names[] = { "lowest", "middle", "highest" };
	struct statx st[3];

	if (!own_mounts())
		return;
	for (int i = 0; i < 3; i++) {
		mount(names[i], TOP, "tmpfs", 0, NULL);
		close(put(TOP "/name", names[i], 0640 + i));
		statx(AT_FDCWD, TOP "/name", 0, STATX_BASIC_STATS | STATX_BTIME, &st[i]);
		mkdir(TOP "/in", 0700);
		if (i == 1)
			continue;
		mount(names[i], TOP "/in", "tmpfs", 0, NULL);
		close(put(TOP "/in/what", names[i], 0600));
	}
	pause_here();
	for (int i = 2; i >= 0; i--) {
		same(TOP "/name", &st[i]);
		verify(holds(TOP "/name", names[i]), "the %s", names[i]);
		if (i != 1)
			verify(holds(TOP "/in/what", names[i]) && umount(TOP "/in") == 0, "what was mounted in it");
		verify(access(TOP "/in/what", F_OK) < 0 && umount(TOP) == 0, "and nothing else");
	}
	verify(access(TOP "/name", F_OK) < 0, "below them there is none");
}

/* Which mount a descriptor leads into. */
static int mount_of(int fd)
{
	char path[64], line[128];
	int id = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "mnt_id: %d", &id);
	if (file)
		fclose(file);
	return id;
}

static bool is_called(int fd, const char *name)
{
	char path[64], target[300] = "", gone[300];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	snprintf(gone, sizeof(gone), "%s (deleted)", name);
	return readlink(path, target, sizeof(target) - 1) > 0 && !strcmp(target, gone);
}

static int mount_at(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC), id = mount_of(fd);

	close(fd);
	return id;
}

/* One directory in two mounts. */
static bool two_views(void)
{
	return own_mounts() && mount("mine", TOP, "tmpfs", 0, NULL) == 0 && mkdir(TOP "/dir", 0700) == 0 &&
	       mkdir(TOP "/view", 0700) == 0 && mount(TOP "/dir", TOP "/view", NULL, MS_BIND, NULL) == 0;
}

/* Two names of one file, each opened in a mount of its own, and in the end a third that stays. */
static void unlinked_in(bool third)
{
	int first, second, both;
	struct stat a, b;
	char text[16];

	if (!two_views())
		return;
	first = put(TOP "/dir/first", "contents", 0600);
	link(TOP "/dir/first", TOP "/dir/second");
	if (third)
		link(TOP "/dir/first", TOP "/third");
	second = open(TOP "/view/second", O_RDWR | O_CLOEXEC);
	both = open(TOP "/view/first", O_RDONLY | O_CLOEXEC);
	unlink(TOP "/dir/first");
	unlink(TOP "/dir/second");
	pause_here();
	verify(mount_of(first) == mount_at(TOP "/dir") && mount_of(second) == mount_at(TOP "/view") &&
	       mount_of(both) == mount_at(TOP "/view") && mount_of(first) != mount_of(second),
	       "each is in its mount: %d, %d, %d", mount_of(first), mount_of(second), mount_of(both));
	verify(is_called(first, TOP "/dir/first") && is_called(second, TOP "/view/second") &&
	       is_called(both, TOP "/view/first"), "and is called what it was called");
	fstat(first, &a);
	fstat(second, &b);
	verify(a.st_ino == b.st_ino && a.st_nlink == third, "one file, %d names", (int)a.st_nlink);
	verify(pwrite(second, "C", 1, 0) == 1 && pread(both, text, 8, 0) == 8 && !memcmp(text, "Contents", 8), "with its contents");
	verify(!third || holds(TOP "/third", "Contents"), "also by its last name");
}

static void unlinked(void)
{
	unlinked_in(false);
}

static void renamed(void)
{
	unlinked_in(true);
}

/* Unlinked before its mounts were made read-only. */
static void read_only(void)
{
	int first, second;
	char text[16];

	if (!two_views())
		return;
	close(put(TOP "/dir/first", "one", 0600));
	close(put(TOP "/dir/second", "two", 0600));
	first = open(TOP "/dir/first", O_RDONLY | O_CLOEXEC);
	second = open(TOP "/view/second", O_RDONLY | O_CLOEXEC);
	unlink(TOP "/dir/first");
	unlink(TOP "/dir/second");
	mount(NULL, TOP "/view", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, NULL);
	mount(NULL, TOP, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
	pause_here();
	verify(pread(first, text, 3, 0) == 3 && !memcmp(text, "one", 3) && pread(second, text, 3, 0) == 3 &&
	       !memcmp(text, "two", 3), "contents");
	verify(mount_of(first) == mount_at(TOP) && mount_of(second) == mount_at(TOP "/view"), "each is in its mount");
	verify(open(TOP "/view/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EROFS &&
	       open(TOP "/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EROFS, "which can only be read");
}

/* As bubblewrap does it: a directory of one that is not seen as a whole any more. */
static void part(void)
{
	static char text[65536];
	struct stat st, now;

	if (!own_mounts() || mount("mine", TOP, "tmpfs", 0, "size=1m") < 0 || mkdir(TOP "/new", 0751) < 0 ||
	    mkdir(TOP "/new/root", 0750) < 0)
		_exit(90);
	close(put(TOP "/new/root/file", "in it", 0600));
	if (mount(TOP "/new/root", "/mnt", NULL, MS_BIND, NULL) < 0 || mkdir("/mnt/on", 0700) < 0 ||
	    mount("more", "/mnt/on", "tmpfs", 0, "size=1m") < 0 || mount("/mnt/on", "/srv", NULL, MS_BIND, NULL) < 0 ||
	    stat("/mnt", &st) < 0)
		_exit(91);
	umount2(TOP, MNT_DETACH);
	pause_here();
	verify(holds("/mnt/file", "in it"), "what is in it");
	verify(stat("/mnt", &now) == 0 && now.st_mode == st.st_mode && now.st_ino == st.st_ino, "the directory that is seen");
	verify(strstr(whole_content("/proc/self/mountinfo", text, sizeof(text)), " /new/root /mnt "), "which is not its root");
	verify(mkdir("/mnt/on/x", 0700) == 0 && exists("/srv/x"), "what is mounted on it");
}

/* It looks like the one that the outside has in that place. */
static void in_place(void)
{
	static char text[65536], source[256];
	char *line;

	whole_content("/proc/self/mountinfo", text, sizeof(text));
	line = strstr(text, " / /dev/shm ");
	line = line ? strstr(line, " - tmpfs ") : NULL;
	if (!line || sscanf(line, " - tmpfs %255s", source) != 1 || !own_mounts() || umount2("/dev/shm", MNT_DETACH) < 0 ||
	    mount(source, "/dev/shm", "tmpfs", 0, "size=1m") < 0)
		_exit(90);
	close(put("/dev/shm/file", "another", 0600));
	pause_here();
	verify(holds("/dev/shm/file", "another"), "what is in it");
	close(put("/dev/shm/more", "more", 0600));
}

int main(void)
{
	need_checkpoint();
	subject_round("kinds", kinds);
	subject_round("in use", in_use);
	subject_round("mounted", mounted);
	subject_round("hidden", hidden);
	subject_round("unlinked in two mounts", unlinked);
	subject_round("unlinked, but for a name", renamed);
	subject_round("unlinked, then read-only", read_only);
	subject_round("part", part);
	subject_round("in place", in_place);
	tap_ok(!exists("/dev/shm/more") && !exists("/dev/shm/file"), "in place: the outside has another");
	return tap_done();
}
