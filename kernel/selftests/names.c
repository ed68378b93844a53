// SPDX-License-Identifier: Apache-2.0
/* Names change, inodes stay: what is reopened is the same file, or it is refused by name. */
/* covers: Files | what something has been mounted over: files, FIFOs, sockets, devices, directories | supported */
/* covers: Files | open for writing, and made immutable or append-only since (chattr) | refused */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "subject.h"
#include "tap.h"

#define IMAGE "/ckpt/selftest-names.img"

/* A path in a directory of this test's own. */
static const char *at(const char *name)
{
	static char path[16][200];
	static int next;
	char *p = path[next++ % 16];

	snprintf(p, 200, "%s/selftest-names/%s", case_dir, name);
	return p;
}

static int make_file(const char *path, const char *text)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(1);
	return fd;
}

static void clean(void)
{
	char output[512], dir[200];

	for (const char *const *p = (const char *const[]){ "over", "bind", "file-bind", "ro", "jail/tmp", NULL }; *p; p++)
		umount2(at(*p), MNT_DETACH);
	snprintf(dir, sizeof(dir), "%s/selftest-names", case_dir);
	RUN(output, "/bin/rm", "-rf", dir);
	mkdir(dir, 0755);
}

static void around(const char *name, void (*body)(void))
{
	clean();
	subject_round(name, body);
	clean();
}

static bool holds(int fd, const char *text)
{
	char buf[64] = "";

	return pread(fd, buf, sizeof(buf) - 1, 0) == (ssize_t)strlen(text) && !strcmp(buf, text);
}

static bool leads_to(int fd, const char *path)
{
	char link[64], target[256];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	return !strcmp(target, path);
}

static ino_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static void renamed_body(void)
{
	ino_t inode;
	int fd;

	mkdir(at("a"), 0755);
	mkdir(at("a/b"), 0755);
	fd = make_file(at("a/b/old"), "renamed");
	inode = inode_of(fd);
	/* The file, and then the directory above it. */
	if (rename(at("a/b/old"), at("a/b/new")) < 0 || rename(at("a"), at("moved")) < 0)
		_exit(1);
	/* Something else has the names it had. */
	mkdir(at("a"), 0755);
	mkdir(at("a/b"), 0755);
	close(make_file(at("a/b/old"), "another"));
	pause_here();
	verify(inode_of(fd) == inode && holds(fd, "renamed"), "the same file");
	verify(leads_to(fd, at("moved/b/new")), "under the name it has now");
}

static void renamed(void) { around("renamed", renamed_body); }

/* As an upgrade does it: the name is another file's, the old one is mapped and open. */
static void replaced_body(void)
{
	char page[4096] = "old contents";
	int fd = make_file(at("lib"), "");
	ino_t inode = inode_of(fd);
	struct stat st;
	char *map;

	if (write(fd, page, sizeof(page)) != sizeof(page))
		_exit(1);
	map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	close(make_file(at("lib.new"), "new contents"));
	if (map == MAP_FAILED || rename(at("lib.new"), at("lib")) < 0)
		_exit(1);
	pause_here();
	verify(inode_of(fd) == inode && !strcmp(map, "old contents"), "the old file is open and mapped, not the new");
	verify(fstat(fd, &st) == 0 && st.st_nlink == 0, "it has no name (%lu links)", (unsigned long)st.st_nlink);
}

static void replaced(void) { around("replaced", replaced_body); }

/* A program and a library that are removed while they run. */
static void deleted_program(void)
{
	char *const argv[] = { "program", "--deleted-program", (char *)at("program"), NULL };
	char output[256], self[256] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		_exit(1);
	RUN(output, "/bin/cp", self, at("program"));
	execv(at("program"), argv);
	_exit(1);
}

static void deleted_program_main(const char *path)
{
	struct stat before, now;

	stat("/proc/self/exe", &before);
	unlink(path);
	pause_here();
	verify(stat("/proc/self/exe", &now) == 0 && now.st_ino == before.st_ino && now.st_nlink == 0,
	       "/proc/PID/exe is the same inode (%lu, was %lu)", now.st_ino, before.st_ino);
	verify(open("/proc/self/exe", O_WRONLY) < 0 && errno == ETXTBSY, "and cannot be written while it runs");
	close(open("/tmp/selftest/done", O_WRONLY | O_CREAT, 0666));
	_exit(0);
}

static void deleted(void) { around("deleted program", deleted_program); }

static void bind_body(void)
{
	int fd, through, file;
	ino_t inode;

	mkdir(at("dir"), 0755);
	mkdir(at("bind"), 0755);
	fd = make_file(at("dir/file"), "bound");
	inode = inode_of(fd);
	close(make_file(at("file-bind"), ""));
	if (mount(at("dir"), at("bind"), NULL, MS_BIND, NULL) < 0 ||
	    mount(at("dir/file"), at("file-bind"), NULL, MS_BIND, NULL) < 0)
		_exit(1);
	through = open(at("bind/file"), O_RDWR);
	file = open(at("file-bind"), O_RDONLY);
	pause_here();
	verify(inode_of(through) == inode && leads_to(through, at("bind/file")), "through a directory's bind mount");
	verify(inode_of(file) == inode && leads_to(file, at("file-bind")), "through a file's bind mount");
	verify(inode_of(fd) == inode && leads_to(fd, at("dir/file")), "and where it is");
}

static void bind_mounts(void) { around("bind", bind_body); }

/* What is mounted over its name hides it; another mount shows it. */
static void hidden_body(void)
{
	ino_t inode;
	int fd;

	mkdir(at("over"), 0755);
	mkdir(at("bind"), 0755);
	fd = make_file(at("over/file"), "hidden");
	inode = inode_of(fd);
	if (mount(at("over"), at("bind"), NULL, MS_BIND, NULL) < 0 || mount("tmpfs", at("over"), "tmpfs", 0, NULL) < 0)
		_exit(1);
	pause_here();
	verify(inode_of(fd) == inode && holds(fd, "hidden"), "found through another mount");
}

static void hidden(void) { around("hidden", hidden_body); }

/* Nothing shows what is below it: a file, a FIFO, a socket, a device, a directory. */
static void hidden_for_good_body(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd, fifo, bound = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0), null, dir;
	char text[8] = "", cwd[256];
	ino_t inode;

	mkdir(at("over"), 0755);
	mkdir(at("over/sub"), 0755);
	fd = make_file(at("over/file"), "hidden");
	inode = inode_of(fd);
	mkfifo(at("over/fifo"), 0600);
	fifo = open(at("over/fifo"), O_RDWR);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", at("over/socket"));
	mknod(at("over/null"), S_IFCHR | 0600, makedev(1, 3));
	null = open(at("over/null"), O_WRONLY);
	dir = open(at("over"), O_RDONLY | O_DIRECTORY);
	if (bind(bound, (struct sockaddr *)&name, sizeof(name)) < 0 || write(fifo, "fifo", 4) != 4 ||
	    chdir(at("over/sub")) < 0 || mount("tmpfs", at("over"), "tmpfs", 0, NULL) < 0)
		_exit(1);
	close(make_file(at("over/file"), "seen"));
	pause_here();
	verify(inode_of(fd) == inode && holds(fd, "hidden"), "a file below what was mounted over it");
	verify(read(fifo, text, sizeof(text)) == 4 && !strcmp(text, "fifo"), "a FIFO: %s", text);
	verify(null < 0 || write(null, "x", 1) == 1, "a device");
	verify(faccessat(dir, "fifo", F_OK, 0) == 0, "a directory");
	umount2(at("over"), 0);
	verify(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, at("over/sub")), "the working directory (%s)", cwd);
	verify(connect(client, (struct sockaddr *)&name, sizeof(name)) == 0, "a socket");
}

static void hidden_for_good(void) { around("hidden for good", hidden_for_good_body); }

static void readonly_body(void)
{
	int fd, dir;

	mkdir(at("ro"), 0755);
	close(make_file(at("ro/file"), "read only"));
	if (mount(at("ro"), at("ro"), NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, at("ro"), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		_exit(1);
	fd = open(at("ro/file"), O_RDONLY);
	dir = open(at("ro"), O_RDONLY | O_DIRECTORY);
	pause_here();
	verify(holds(fd, "read only"), "it is open");
	verify(openat(dir, "file", O_RDWR) < 0 && errno == EROFS, "and cannot be written through the same mount");
}

static void readonly(void) { around("read-only", readonly_body); }

static void chroot_body(void)
{
	int fd, outside;
	char cwd[64];

	mkdir(at("jail"), 0755);
	mkdir(at("jail/sub"), 0755);
	outside = make_file(at("outside"), "outside");
	fd = make_file(at("jail/sub/file"), "inside");
	/* subject.c talks through these. */
	mkdir(at("jail/tmp"), 0755);
	if (mount("/tmp", at("jail/tmp"), NULL, MS_BIND, NULL) < 0 || chdir(at("jail")) < 0 || chroot(".") < 0 ||
	    chdir("/sub") < 0)
		_exit(1);
	pause_here();
	verify(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/sub"), "working directory, seen from the root it has");
	verify(access("/sub/file", F_OK) == 0 && access("/etc", F_OK) < 0, "the root is the jail");
	verify(holds(fd, "inside") && holds(outside, "outside"), "files inside and outside");
}

static void chrooted(void) { around("chroot", chroot_body); }

/* A symbolic link on the way, and a directory that is entered through it. */
static void symlink_body(void)
{
	char cwd[256];
	int fd;

	mkdir(at("real"), 0755);
	if (symlink("real", at("link")) < 0)
		_exit(1);
	close(make_file(at("real/file"), "linked"));
	fd = open(at("link/file"), O_RDONLY);
	if (chdir(at("link")) < 0)
		_exit(1);
	unlink(at("link"));
	pause_here();
	verify(holds(fd, "linked") && leads_to(fd, at("real/file")), "opened through a link that is gone");
	verify(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, at("real")), "working directory (%s)", cwd);
}

static void symlinks(void) { around("symlink", symlink_body); }

/* In a mount namespace of its own: checkpoint and restart run inside it. */
static void in_namespace(void)
{
	char output[4096], pid[16], ns[64], image[] = IMAGE;
	struct subject s;
	int status;

	clean();
	if (!private_mounts()) {
		tap_ok(false, "a mount namespace");
		return;
	}
	if (!subject_start(&s, "mount namespace", bind_body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	snprintf(ns, sizeof(ns), "--mount=/proc/%d/ns/mnt", getpid());
	/* From outside it is refused; PID 1 lives outside. */
	status = RUN(output, "/usr/bin/nsenter", "--mount=/proc/1/ns/mnt", checkpoint_path, "-o", image, pid);
	tap_ok(status == 1 && strstr(output, "mount"), "from another namespace it is refused: %s", output);
	status = RUN(output, "/usr/bin/nsenter", ns, checkpoint_path, "-o", image, "--kill", pid);
	tap_ok(status == 0 && wait_gone(s.pid), "checkpoint inside the namespace: %s", output);
	status = RUN(output, "/usr/bin/nsenter", ns, restart_path, "-i", image, "--detach");
	tap_ok(status == 0, "restart inside the namespace: %s", output);
	if (status == 0)
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(image);
	clean();
}

/* Copied up after it was opened for reading. */
static void overlay_body(void)
{
	int lower = open(at("../selftest-lower/lower-file"), O_RDONLY), upper = make_file(at("upper-file"), "upper"), up;
	struct stat before, now;

	fstat(lower, &before);
	up = open(at("../selftest-lower/copied"), O_RDONLY);
	close(open(at("../selftest-lower/copied"), O_WRONLY));
	pause_here();
	verify(fstat(lower, &now) == 0 && now.st_ino == before.st_ino && holds(lower, "lower"), "a file of the lower layer");
	verify(holds(upper, "upper"), "of the upper layer");
	verify(holds(up, "copied"), "copied up after it was opened");
}

static void overlay(void)
{
	const char *lower = "/run/selftest-fs/layers/lower/selftest-lower";
	char path[128];

	clean();
	/* Before the overlay has looked there. */
	mkdir(lower, 0755);
	for (const char *const *p = (const char *const[]){ "lower", "copied", NULL }; *p; p++) {
		snprintf(path, sizeof(path), "%s/%s%s", lower, *p, strcmp(*p, "lower") ? "" : "-file");
		close(make_file(path, *p));
	}
	subject_round("overlay", overlay_body);
	clean();
}

static void refused_checkpoint(const char *name, void (*body)(void), const char *word)
{
	char output[4096], pid[16];
	struct subject s;

	clean();
	if (!subject_start(&s, name, body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	int status = RUN(output, checkpoint_path, "-o", IMAGE, "--kill", pid);

	tap_ok(status == 1 && strstr(output, word) && strstr(output, pid), "%s: refused by name: %s", name, output);
	subject_finish(&s);
	clean();
}

static void other_namespace_body(void)
{
	int here = open("/proc/self/ns/mnt", O_RDONLY), fd;

	mkdir(at("over"), 0755);

	if (!private_mounts() ||
	    mount("tmpfs", at("over"), "tmpfs", 0, NULL) < 0)
		_exit(1);
	fd = make_file(at("over/file"), "elsewhere");
	/* A grandchild, which is init's, keeps the namespace. */
	if (fork() == 0) {
		if (fork() == 0) {
			setsid();
			wait_for_go();
		}
		_exit(0);
	}
	wait(NULL);
	if (fd < 0 || setns(here, CLONE_NEWNS) < 0)
		_exit(1);
	close(here);
	pause_here();
}

static void device_body(void)
{
	open("/dev/loop-control", O_RDONLY);
	pause_here();
}

static void with_attributes(int flags)
{
	int fd = make_file(at("file"), "contents"), none = 0;

	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
		_exit(1);
	pause_here();
	verify(ioctl(fd, FS_IOC_SETFLAGS, &none) == 0, "its attributes can be taken back");
}

static void immutable_body(void)
{
	with_attributes(FS_IMMUTABLE_FL);
}

static void append_only_body(void)
{
	with_attributes(FS_APPEND_FL);
}

static void refusals(void)
{
	refused_checkpoint("of another mount namespace", other_namespace_body, "another mount namespace");
	refused_checkpoint("a device", device_body, "no checkpoint method");
	refused_checkpoint("made immutable while it was written", immutable_body, "immutable");
	refused_checkpoint("made append-only while it was written", append_only_body, "appended");
}

static void one_file_body(void)
{
	int fd = make_file(at("file"), "contents");
	ino_t inode = inode_of(fd);

	pause_here();
	verify(inode_of(fd) == inode || exists(at("accept")), "the same inode");
	verify(holds(fd, "contents") || exists(at("accept")), "contents");
}

static bool taken(struct subject *s)
{
	clean();
	if (!subject_start(s, "same", one_file_body))
		return false;
	if (subject_checkpoint(s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s->pid))
		return true;
	subject_end(s);
	return false;
}

/* Another file under its name; the file, but changed. */
static void same(void)
{
	char output[4096];
	struct subject s;
	int status;

	if (taken(&s)) {
		/* Kept, so that its inode is not given again. */
		link(at("file"), at("kept"));
		unlink(at("file"));
		close(make_file(at("file"), "contents"));
		status = RUN(output, restart_path, "-i", IMAGE, "--detach");
		tap_ok(status == 1 && strstr(output, "another file now") && strstr(output, "selftest-names/file"),
		       "another file under the name is refused, and said what differs: %s", output);
		close(make_file(at("accept"), ""));
		if (subject_restart(&s, IMAGE, (const char *const[]){ "--check", "type", NULL }))
			subject_finish(&s);
		unlink(at("file"));
		mkdir(at("file"), 0755);
		status = RUN(output, restart_path, "-i", IMAGE, "--detach", "--check", "type");
		tap_ok(status == 1 && strstr(output, "another type"), "but not a directory: %s", output);
		unlink(at("file"));
		rmdir(at("file"));
		status = RUN(output, restart_path, "-i", IMAGE, "--detach");
		tap_ok(status == 1 && strstr(output, "cannot be found"), "a file that is gone: %s", output);
		subject_end(&s);
	}
	if (taken(&s)) {
		close(make_file(at("file"), "contents!"));
		status = RUN(output, restart_path, "-i", IMAGE, "--detach", "--check", "contents");
		tap_ok(status == 1 && strstr(output, "9 bytes now, had 8"), "--check contents sees another size: %s", output);
		close(make_file(at("file"), "contents"));
		status = RUN(output, restart_path, "-i", IMAGE, "--detach", "--check", "contents");
		tap_ok(status == 1 && strstr(output, "was modified"), "--check contents sees a later write: %s", output);
		if (subject_restart(&s, IMAGE, NULL))
			subject_finish(&s);
	}
	if (taken(&s)) {
		if (subject_restart(&s, IMAGE, (const char *const[]){ "--check", "contents", NULL }))
			subject_finish(&s);
	}
	unlink(IMAGE);
	clean();
}

static bool mount_loop(const char *image, const char *dir)
{
	char output[512];

	if (RUN(output, "/bin/mount", "-o", "loop", image, dir) == 0)
		return true;
	tap_diag("mount %s: %s", image, output);
	return false;
}

static void on_loop_body(void)
{
	int fd = make_file(at("over/file"), "on a loop device");
	ino_t inode = inode_of(fd);
	struct stat before, now;

	fstat(fd, &before);
	pause_here();
	fstat(fd, &now);
	verify(inode_of(fd) == inode && holds(fd, "on a loop device"), "the same file");
	verify(now.st_dev != before.st_dev, "though its device has another number now");
}

/* As after a reboot: the filesystem is the same, its device number is not. */
static void remounted(void)
{
	const char *images[] = { "/run/selftest-names-a", "/run/selftest-names-b" };
	char output[4096], mkfs[32];
	struct subject s;
	int status;

	clean();
	mkdir(at("over"), 0755);
	mkdir(at("bind"), 0755);
	snprintf(mkfs, sizeof(mkfs), "/sbin/mkfs.%s", case_fs);
	for (int i = 0; i < 2; i++) {
		int fd = open(images[i], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		if (ftruncate(fd, 512L << 20) < 0 || RUN(output, mkfs, "-q", images[i]) != 0)
			tap_diag("%s: %s", mkfs, output);
		close(fd);
	}
	if (mount_loop(images[0], at("over")) && subject_start(&s, "remounted", on_loop_body)) {
		if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid)) {
			umount2(at("over"), 0);
			/* Another filesystem, with a file of that name, and likely of that inode number. */
			mount_loop(images[1], at("over"));
			close(make_file(at("over/file"), "on a loop device"));
			status = RUN(output, restart_path, "-i", IMAGE, "--detach");
			tap_ok(status == 1 && strstr(output, "another filesystem now"), "another filesystem is refused: %s", output);
			/* It takes the number that the first one had. */
			mount_loop(images[1], at("bind"));
			umount2(at("over"), 0);
			mount_loop(images[0], at("over"));
			if (subject_restart(&s, IMAGE, NULL))
				subject_finish(&s);
		}
		subject_end(&s);
	}
	clean();
	unlink(images[0]);
	unlink(images[1]);
	unlink(IMAGE);
}

/* Files of every kind of use, for a watcher to hear of. */
static void watched_body(void)
{
	char page[4096] = "mapped";
	int fd = make_file(at("file"), "watched"), map_fd, dir = open(at(""), O_RDONLY | O_DIRECTORY);
	char *map;

	map_fd = make_file(at("mapped"), "");
	if (write(map_fd, page, sizeof(page)) != sizeof(page) || chdir(at("")) < 0)
		_exit(1);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	close(map_fd);
	mkfifo(at("fifo"), 0600);
	int fifo = open(at("fifo"), O_RDWR);

	if (write(fifo, "x", 1) != 1)
		_exit(1);
	open(at("file"), O_PATH);
	pause_here();
	verify(holds(fd, "watched") && !strcmp(map, "mapped") && faccessat(dir, "file", F_OK, 0) == 0, "all is there");
	close(fd);
}

static int drain(int inotify, char *names, size_t room)
{
	struct pollfd p = { .fd = inotify, .events = POLLIN };
	char buf[4096] __attribute__((aligned(8)));
	int events = 0;
	size_t len = 0;

	names[0] = '\0';
	while (poll(&p, 1, 0) == 1) {
		ssize_t n = read(inotify, buf, sizeof(buf));

		for (char *e = buf; e < buf + n; events++) {
			struct inotify_event *event = (void *)e;

			len += snprintf(names + len, len < room ? room - len : 0, " %s:%x", event->len ? event->name : "-",
					event->mask);
			e += sizeof(*event) + event->len;
		}
	}
	return events;
}

static void silent(void)
{
	char names[1024];
	struct subject s;
	int inotify, events;

	clean();
	if (!subject_start(&s, "silent", watched_body))
		return;
	inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	inotify_add_watch(inotify, at(""), IN_ALL_EVENTS);
	inotify_add_watch(inotify, at("file"), IN_ALL_EVENTS);
	inotify_add_watch(inotify, at("mapped"), IN_ALL_EVENTS);
	inotify_add_watch(inotify, at("fifo"), IN_ALL_EVENTS);
	bool good = subject_checkpoint(&s, IMAGE, NULL);

	events = drain(inotify, names, sizeof(names));
	tap_ok(good && !events, "a checkpoint makes no event (%d:%s)", events, names);
	good = subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid);
	drain(inotify, names, sizeof(names));
	good = good && subject_restart(&s, IMAGE, NULL);
	events = drain(inotify, names, sizeof(names));
	tap_ok(good && !events, "a restart makes no event (%d:%s)", events, names);
	subject_finish(&s);
	events = drain(inotify, names, sizeof(names));
	tap_ok(strstr(names, "file:8") != NULL, "the restored program does, when it closes a file (%d:%s)", events, names);

	/* A restart that fails when it has opened files. */
	good = rename(at("fifo"), at("fifo-away")) == 0;
	drain(inotify, names, sizeof(names));
	good = good && RUN(names, restart_path, "-i", IMAGE, "--detach") == 1;
	events = drain(inotify, names, sizeof(names));
	tap_ok(good && !events, "a restart that fails makes no event (%d:%s)", events, names);
	close(inotify);
	unlink(IMAGE);
	clean();
}

static void touch_go(void)
{
	close(open("/tmp/selftest/go", O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
}

/* Allows everything, and counts what it was asked. */
static pid_t gatekeeper(volatile int *asked)
{
	int fan = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	pid_t pid;

	if (fan < 0 || fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_EVENT_ON_CHILD, AT_FDCWD, at("")) < 0) {
		tap_diag("fanotify: %s", strerror(errno));
		return -1;
	}
	pid = fork();
	while (pid == 0) {
		struct fanotify_event_metadata event;

		if (read(fan, &event, sizeof(event)) != sizeof(event))
			_exit(1);
		struct fanotify_response answer = { .fd = event.fd, .response = FAN_ALLOW };

		++*asked;
		if (write(fan, &answer, sizeof(answer)) != sizeof(answer))
			_exit(1);
		close(event.fd);
	}
	close(fan);
	return pid;
}

/* Whoever decides on opening is not asked by a restart, but by the restored program. */
static void gate(void)
{
	volatile int *asked = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct subject s;
	pid_t keeper;
	bool good;

	clean();
	if (!subject_start(&s, "gate", watched_body))
		return;
	keeper = gatekeeper(asked);
	good = keeper > 0 && subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL });
	kill(s.pid, SIGKILL);
	while (waitpid(s.pid, NULL, 0) < 0 && errno == EINTR)
		;
	tap_ok(good && !*asked, "a checkpoint asks nobody for permission (%d)", *asked);
	good = good && subject_restart(&s, IMAGE, NULL);
	tap_ok(good && !*asked, "nor does a restart (%d)", *asked);
	if (good) {
		touch_go();
		while (!exists("/tmp/selftest/done") && kill(s.pid, 0) == 0)
			usleep(1000);
		tap_ok(*asked > 0, "the restored program does, when it reads (%d)", *asked);
	}
	kill(keeper, SIGKILL);
	waitpid(keeper, NULL, 0);
	subject_finish(&s);
	unlink(IMAGE);
	clean();
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "renamed", renamed, "ext4 tmpfs xfs btrfs f2fs overlay" },
		{ "replaced", replaced, "ext4 tmpfs xfs btrfs f2fs overlay" },
		{ "deleted", deleted, "ext4 tmpfs xfs btrfs f2fs overlay" },
		{ "bind", bind_mounts, "ext4 tmpfs overlay" },
		{ "hidden", hidden, "ext4 tmpfs" },
		{ "hidden for good", hidden_for_good, "ext4 tmpfs overlay" },
		{ "readonly", readonly, "ext4 tmpfs" },
		{ "chroot", chrooted, "ext4 tmpfs" },
		{ "symlink", symlinks, "ext4 tmpfs" },
		{ "namespace", in_namespace, "ext4" },
		{ "overlay", overlay, "overlay" },
		{ "same", same, "ext4 tmpfs xfs btrfs f2fs overlay" },
		{ "remounted", remounted, "ext4 xfs btrfs f2fs" },
		{ "silent", silent, "ext4 tmpfs xfs btrfs overlay" },
		{ "gate", gate, "ext4 tmpfs" },
		{ "refusals", refusals, "tmpfs" },
		{ },
	};

	if (argc == 3 && !strcmp(argv[1], "--deleted-program"))
		deleted_program_main(argv[2]);
	return run_cases(argc, argv, cases);
}
