// SPDX-License-Identifier: Apache-2.0
/* Processes of a tree that have made mount namespaces for themselves. */
/* covers: Namespaces | mnt: several in a tree, of processes and threads, one a copy of another, also of its user namespace: bind mounts, options, procfs, also with parts hidden, tmpfs with contents | supported */
/* covers: Namespaces | mnt: some of its mounts peers of those it was copied from, others not | supported */
/* covers: Namespaces | mnt: one of a part of the tree that processes outside live in, too, that is held by a file, or has mounted what cannot be made again | refused by name */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define TEXT	16384

/* It ends with its parent, so that nobody is left. */
static pid_t bound_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void need_at(bool good, int line)
{
	if (!good) {
		verify(false, "line %d: %s", line, strerror(errno));
		_exit(1);
	}
}

#define need(good) need_at(good, __LINE__)

static bool make_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return good;
}

static bool make_tmpfs(const char *at, const char *options)
{
	return mount("mine", at, "tmpfs", MS_NOSUID, options) == 0;
}

static bool bind(const char *from, const char *at)
{
	return mount(from, at, NULL, MS_BIND, NULL) == 0;
}

/* Of each mount what does not change: root, place, options, type, source; sorted by nothing but their order. */
static void describe(char text[TEXT])
{
	char line[1024], root[256], at[256], options[256], rest[512];
	FILE *file = fopen("/proc/self/mountinfo", "re");
	size_t len = 0;

	while (file && fgets(line, sizeof(line), file) && len < TEXT - sizeof(line)) {
		char *dash = strstr(line, " - ");

		if (sscanf(line, "%*s %*s %*s %255s %255s %255s", root, at, options) == 3 && dash) {
			strncpy(rest, dash, sizeof(rest) - 1);
			len += sprintf(text + len, "%s %s %s%s", root, at, options, rest);
		}
	}
	text[len] = '\0';
	if (file)
		fclose(file);
}

/* A line of one that the other has not; NULL: there is none, in whatever order they stand. */
static char *line_without(char *one, const char *other)
{
	char *rest = one, *line;

	while ((line = strsep(&rest, "\n")))
		if (!strstr(other, line))
			return line;
	return NULL;
}

static char before[TEXT], after[TEXT];

static void check_mounts(const char *who)
{
	char *old = strdup(before), *new;

	describe(after);
	new = strdup(after);

	char *gone = line_without(old, after), *come = line_without(new, before);

	verify(!gone && !come, "%s has mounted what it had: %s, not: %s", who, come ?: "the same", gone ?: "other things");
	free(old);
	free(new);
}

static bool is_mounted(const char *at)
{
	char text[64];

	describe(after);
	snprintf(text, sizeof(text), " %s ", at);
	return strstr(after, text);
}

static bool is_read_only(const char *at)
{
	struct statvfs st;

	return statvfs(at, &st) == 0 && st.f_flag & ST_RDONLY;
}

/* ---- a tmpfs and all that one can have in it, and one who has a copy with more ---- */

struct ends {
	int go[2], at[2];
};

static void says(int fd)
{
	need(write(fd, "x", 1) == 1);
}

/* With all others gone, there is nobody to hear. */
static void hears_first(const struct ends *e)
{
	char c;

	close(e->at[1]);
	need(read(e->at[0], &c, 1) == 1);
}

static void hears(int fd)
{
	char c;

	need(read(fd, &c, 1) == 1);
}

static void has_a_copy(const struct ends *e, int go)
{
	char room[64];

	need(unshare(CLONE_NEWNS) == 0 && mkdir("/mnt/deep", 0700) == 0 && make_tmpfs("/mnt/deep", "size=1m") &&
	     make_file("/mnt/deep/file", "deep") && chdir("/mnt/deep") == 0);
	describe(before);
	says(e->at[1]);
	hears(go);
	check_mounts("a copy of a namespace");
	verify(!strcmp(content("file", room, sizeof(room)), "deep"), "a tmpfs in a tmpfs: %s", room);
	verify(!strcmp(content("/mnt/deep/file", room, sizeof(room)), "deep"), "which the working directory is in");
	verify(!strcmp(content("/mnt/sub/file", room, sizeof(room)), "inner"), "on top of the other: %s", room);
	verify(make_file("/mnt/sub/seen", "seen"), "to write to");
	_exit(0);
}

static void has_tmpfs(const struct ends *e)
{
	char room[64], *shared, *private;
	int fd, gone, go[2], status = -1;
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct inotify_event event;
	struct stat st, other;
	pid_t copy;

	need(private_mounts() && make_tmpfs("/mnt", "size=4m,mode=755") && mkdir("/mnt/sub", 0750) == 0 &&
	     make_file("/mnt/sub/file", "inner") && symlink("sub/file", "/mnt/link") == 0 &&
	     mkfifo("/mnt/fifo", 0600) == 0);
	fd = open("/mnt/sub/file", O_RDWR | O_CLOEXEC);
	gone = open("/mnt/gone", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	need(fd >= 0 && gone >= 0 && write(gone, "unlinked", 8) == 8 && unlink("/mnt/gone") == 0 &&
	     lseek(fd, 2, SEEK_SET) == 2 && chdir("/mnt/sub") == 0);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	need(shared != MAP_FAILED && private != MAP_FAILED && fstat(fd, &st) == 0);
	need(pipe2(go, O_CLOEXEC) == 0 && inotify_add_watch(watch, "/mnt/sub/file", IN_ATTRIB) == 1);
	copy = bound_fork();
	if (copy == 0)
		has_a_copy(e, go[0]);
	describe(before);
	hears(e->go[0]);
	check_mounts("who has a tmpfs");
	verify(!strcmp(content("/mnt/link", room, sizeof(room)), "inner"), "a file in it: %s", room);
	verify(!strcmp(content("file", room, sizeof(room)), "inner"), "from the working directory: %s", room);
	verify(lseek(fd, 0, SEEK_CUR) == 2 && read(fd, room, 3) == 3 && !memcmp(room, "ner", 3), "open, at its position");
	verify(fstat(fd, &other) == 0 && st.st_ino == other.st_ino && stat("/mnt/sub/file", &other) == 0 &&
	       st.st_ino == other.st_ino, "the same file");
	shared[0] = 'I';
	verify(!strcmp(content("file", room, sizeof(room)), "Inner") && !memcmp(private, "Inner", 5), "mapped: %s", room);
	verify(pread(gone, room, 8, 0) == 8 && !memcmp(room, "unlinked", 8) && fstat(gone, &other) == 0 && !other.st_nlink,
	       "one without a name");
	verify(stat("/mnt/fifo", &other) == 0 && S_ISFIFO(other.st_mode), "a FIFO");
	need(chmod("/mnt/sub/file", 0640) == 0);
	verify(read(watch, &event, sizeof(event)) == sizeof(event) && event.wd == 1 && event.mask == IN_ATTRIB, "a watch");
	shared[0] = 'i';
	says(go[1]);
	verify(waitpid(copy, &status, 0) == copy && status == 0, "who has a copy comes to its end (%x)", status);
	verify(!strcmp(content("/mnt/sub/seen", room, sizeof(room)), "seen"), "what one writes the other sees");
	verify(!is_mounted("/mnt/deep"), "what the copy has mounted, only it has");
	_exit(0);
}

static struct ends make_ends(void)
{
	struct ends e;

	need(pipe2(e.go, O_CLOEXEC) == 0 && pipe2(e.at, O_CLOEXEC) == 0);
	return e;
}

static void tmpfs(void)
{
	struct ends e = make_ends();
	int status = -1;
	pid_t child = bound_fork();

	if (child == 0)
		has_tmpfs(&e);
	hears_first(&e);
	describe(before);
	pause_here();
	check_mounts("the root");
	verify(!is_mounted("/mnt"), "and not what others have");
	says(e.go[1]);
	verify(waitpid(child, &status, 0) == child && status == 0, "it comes to its end (%x)", status);
}

/* ---- bind mounts, of directories and files, with other options ---- */

static void has_binds(const struct ends *e)
{
	bool is_root, is_read_only, is_open, is_outer;
	char path[128], room[64], text[8];
	int old, fd, root;

	snprintf(path, sizeof(path), "%s/from", scratch);
	old = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(private_mounts() && bind(path, "/mnt") &&
	     mount(NULL, "/mnt", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOEXEC, NULL) == 0);
	fd = open("/mnt/file", O_RDONLY | O_CLOEXEC);
	need(fd >= 0 && chroot("/mnt") == 0 && old >= 0 && root >= 0);
	says(e->at[1]);
	hears(e->go[0]);
	is_root = !strcmp(content("/file", room, sizeof(room)), "bound");
	is_read_only = open("/new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS;
	is_open = read(fd, text, 5) == 5 && !memcmp(text, "bound", 5);
	is_outer = fchdir(old) == 0 && make_file("new", "x");
	/* There its own words are read. */
	need(fchdir(root) == 0 && chroot(".") == 0);
	verify(is_root && is_read_only, "its root is a bind mount, read-only: %s", room);
	verify(is_open, "a file on it");
	verify(is_outer, "a directory opened before is of the other namespace");
	_exit(0);
}

static void stays(const struct ends *e)
{
	int gone = open("/var/innermnt", O_RDWR | O_CREAT | O_CLOEXEC, 0600), inner;
	char one[128], other[128];
	struct stat st;

	need(private_mounts() && bind("/etc/hostname", "/etc/hosts") && bind("/usr", "/usr") &&
	     mount(NULL, "/usr", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOEXEC, NULL) == 0 &&
	     mount(NULL, "/dev", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID, NULL) == 0);
	inner = open("/var/innermnt", O_RDWR | O_CLOEXEC);
	need(write(gone, "unlinked", 8) == 8 && inner >= 0 && unlink("/var/innermnt") == 0);
	describe(before);
	says(e->at[1]);
	hears(e->go[0]);
	check_mounts("who has bind mounts");
	verify(pread(inner, one, 8, 0) == 8 && !memcmp(one, "unlinked", 8) && fstat(inner, &st) == 0 && !st.st_nlink,
	       "a file on the disk that is unlinked");
	verify(pread(gone, one, 8, 0) == 8 && !memcmp(one, "unlinked", 8) && fstat(gone, &st) == 0 && !st.st_nlink,
	       "also opened before");
	content("/etc/hostname", one, sizeof(one));
	verify(!strcmp(content("/etc/hosts", other, sizeof(other)), one), "one of a file: %s", other);
	verify(is_read_only("/usr") && is_read_only("/dev") && !is_read_only("/"), "read-only");
	_exit(0);
}

static void binds(void)
{
	struct ends e = make_ends();
	char path[128];
	int status, i;

	snprintf(path, sizeof(path), "%s/from", scratch);
	mkdir(path, 0755);
	strcat(path, "/file");
	make_file(path, "bound");
	if (bound_fork() == 0)
		has_binds(&e);
	if (bound_fork() == 0)
		stays(&e);
	hears_first(&e);
	hears(e.at[0]);
	pause_here();
	verify(!is_read_only("/usr") && !is_read_only("/dev"), "the root sees none of it");
	says(e.go[1]);
	says(e.go[1]);
	for (i = 0; i < 2; i++)
		verify(wait(&status) > 0 && status == 0, "one comes to its end (%x)", status);
}

/* ---- in a tree with mounts of its own ---- */

static void of_root(void)
{
	need(private_mounts() && make_tmpfs("/media", "size=8m") && mkdir("/media/point", 0700) == 0 &&
	     make_file("/media/file", "outer"));

	struct ends e = make_ends();
	char room[64];
	int status = -1;
	pid_t child = bound_fork();

	if (child == 0) {
		need(unshare(CLONE_NEWNS) == 0 && make_tmpfs("/media/point", "size=1m") &&
		     make_file("/media/point/file", "on it") && bind("/media/file", "/etc/hosts"));
		describe(before);
		says(e.at[1]);
		hears(e.go[0]);
		check_mounts("who has mounted something in a tmpfs of the root");
		verify(!strcmp(content("/media/point/file", room, sizeof(room)), "on it"), "a tmpfs on the root's: %s", room);
		verify(!strcmp(content("/media/file", room, sizeof(room)), "outer"), "which it sees: %s", room);
		verify(!strcmp(content("/etc/hosts", room, sizeof(room)), "outer"), "and has bound a file of: %s", room);
		_exit(0);
	}
	hears_first(&e);
	pause_here();
	verify(!strcmp(content("/media/file", room, sizeof(room)), "outer") && !is_mounted("/media/point"), "the root has its own: %s", room);
	verify(!exists("/media/point/file"), "and nothing more");
	says(e.go[1]);
	verify(waitpid(child, &status, 0) == child && status == 0, "the other comes to its end (%x)", status);
}

/* ---- as unshare --pid --fork --mount-proc ---- */

static bool instead;

static void with_proc(void)
{
	struct ends e = make_ends();
	int status = -1;
	pid_t child = bound_fork();

	if (child == 0) {
		need(private_mounts() && unshare(CLONE_NEWPID) == 0);
		pid_t init = bound_fork();

		if (init == 0) {
			char name[32] = "", room[64], masked[64];

			need(!instead || umount2("/proc", MNT_DETACH) == 0);
			need(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0);
			/* As what runs containers hides parts of it. */
			need(make_tmpfs("/mnt", "size=1m") && make_file("/mnt/none", "none") && bind("/mnt/none", "/proc/kallsyms") &&
			     bind("/etc/hostname", "/proc/version") && make_tmpfs("/proc/fs", "size=64k") && bind("/proc/sys", "/proc/sys") &&
			     mount(NULL, "/proc/sys", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0);
			describe(before);
			says(e.at[1]);
			hears(e.go[0]);
			check_mounts("the first process of a pid namespace");
			verify(!strcmp(content("/proc/version", masked, sizeof(masked)), content("/etc/hostname", room, sizeof(room))) &&
			       !strcmp(content("/proc/kallsyms", masked, sizeof(masked)), "none") && is_read_only("/proc/sys") &&
			       !exists("/proc/fs/ext4"), "what is hidden there stays hidden: %s", masked);
			verify(readlink("/proc/self", name, sizeof(name) - 1) == 1 && !strcmp(name, "1"), "its procfs shows it: %s", name);
			_exit(0);
		}
		verify(waitpid(init, &status, 0) == init && status == 0, "it comes to its end (%x)", status);
		_exit(0);
	}
	hears_first(&e);
	pause_here();
	verify(exists("/proc/self/status"), "the root's procfs is another");
	says(e.go[1]);
	verify(waitpid(child, &status, 0) == child && status == 0, "and so does its parent (%x)", status);
}

/* That of the others is not below it: then they look alike. */
static void proc_instead(void)
{
	instead = true;
	with_proc();
}

/* ---- of a user namespace ---- */

static void of_user(void)
{
	struct ends e = make_ends();
	int status = -1;
	pid_t child = bound_fork();
	char room[64];

	if (child == 0) {
		need(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && put_text("/proc/self/setgroups", "deny") &&
		     put_text("/proc/self/uid_map", "0 0 1") && put_text("/proc/self/gid_map", "0 0 1") &&
		     make_tmpfs("/mnt", "size=1m") && make_file("/mnt/file", "user's"));
		describe(before);
		says(e.at[1]);
		hears(e.go[0]);
		check_mounts("who has a user namespace");
		verify(!strcmp(content("/mnt/file", room, sizeof(room)), "user's"), "a tmpfs of it: %s", room);
		verify(umount("/mnt") == 0, "which it may unmount");
		_exit(0);
	}
	hears_first(&e);
	pause_here();
	says(e.go[1]);
	verify(waitpid(child, &status, 0) == child && status == 0, "it comes to its end (%x)", status);
}

/* ---- a thread ---- */

static volatile int is_there, go_on;

static void *thread_main(void *unused)
{
	char room[64];

	need(private_mounts() && make_tmpfs("/mnt", "size=1m") && make_file("/mnt/file", "thread"));
	is_there = 1;
	while (!go_on)
		usleep(1000);
	verify(!strcmp(content("/mnt/file", room, sizeof(room)), "thread"), "a thread has a tmpfs: %s", room);
	return unused;
}

static void thread(void)
{
	pthread_t other;

	pthread_create(&other, NULL, thread_main, NULL);
	while (!is_there)
		usleep(1000);
	pause_here();
	verify(!exists("/mnt/file"), "of which the other knows nothing");
	go_on = 1;
	pthread_join(other, NULL);
}

/* ---- what a copy that changes nothing has in common with what it was copied from ---- */

static void peers(void)
{
	need(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	     mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) == 0);

	struct ends e = make_ends();
	int status = -1;
	pid_t child = bound_fork();

	if (child == 0) {
		need(unshare(CLONE_NEWNS) == 0);
		says(e.at[1]);
		hears(e.go[0]);
		verify(is_mounted("/mnt"), "what is mounted elsewhere later comes here, too");
		_exit(0);
	}
	hears_first(&e);
	pause_here();
	need(make_tmpfs("/mnt", "size=1m"));
	says(e.go[1]);
	verify(waitpid(child, &status, 0) == child && status == 0, "it comes to its end (%x)", status);
}

/* One mount of several is shared, and there is one that the other has not. */
static void some_peers(void)
{
	need(private_mounts() && make_tmpfs("/mnt", "size=1m") && mkdir("/mnt/in", 0700) == 0 &&
	     mount(NULL, "/mnt", NULL, MS_SHARED, NULL) == 0);

	struct ends e = make_ends();
	int status = -1;
	pid_t child = bound_fork();

	if (child == 0) {
		need(unshare(CLONE_NEWNS) == 0 && make_tmpfs("/srv", "size=1m"));
		says(e.at[1]);
		hears(e.go[0]);
		verify(is_mounted("/mnt/in") && is_mounted("/srv"), "what is mounted in a shared one comes here, too");
		need(umount("/mnt/in") == 0);
		_exit(0);
	}
	hears_first(&e);
	pause_here();
	need(make_tmpfs("/mnt/in", "size=1m"));
	says(e.go[1]);
	verify(waitpid(child, &status, 0) == child && status == 0, "it comes to its end (%x)", status);
	verify(!is_mounted("/mnt/in"), "and the other way round");
	verify(!is_mounted("/srv"), "what is not shared does not come");
}

/* ---- refused ---- */

static void held(void)
{
	struct ends e = make_ends();
	char path[64];
	pid_t child = bound_fork();

	if (child == 0) {
		need(private_mounts());
		says(e.at[1]);
		for (;;)
			pause();
	}
	hears_first(&e);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", child);
	need(open(path, O_RDONLY) >= 0);
	pause_here();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void one_that(void (*does)(void))
{
	struct ends e = make_ends();
	pid_t child = bound_fork();

	if (child == 0) {
		need(private_mounts());
		does();
		says(e.at[1]);
		for (;;)
			pause();
	}
	hears_first(&e);
	pause_here();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void mounts_ramfs(void)
{
	need(mount("mine", "/mnt", "ramfs", 0, NULL) == 0);
}

static void other_filesystem(void)
{
	one_that(mounts_ramfs);
}

static void mounts_tmpfs(void)
{
	need(make_tmpfs("/mnt", NULL) && make_file("/mnt/file", "x"));
}

static void with_tmpfs(void)
{
	one_that(mounts_tmpfs);
}

/* Of the child's namespace, not of the subject's. */
static void leak(void)
{
	char path[64], text[32] = "", output[4096], pid[16], other[32], byte;
	struct subject s;
	int ends[2], fd;
	pid_t outside;

	if (!subject_start(&s, "leak", with_tmpfs))
		return;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", s.pid, s.pid);
	snprintf(pid, sizeof(pid), "%d", s.pid);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", atoi(content(path, text, sizeof(text))));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		tap_ok(false, "%s: %s", path, strerror(errno));
		return;
	}
	outside = fork();
	if (outside == 0) {
		need(setns(fd, 0) == 0 && write(ends[1], "", 1) == 1);
		for (;;)
			pause();
	}
	close(ends[1]);
	tap_ok(read(ends[0], &byte, 1) == 1, "somebody from outside enters it");
	snprintf(other, sizeof(other), "pid %d", outside);
	tap_ok(RUN(output, checkpoint_path, "--dry-run", pid) == 1 && strstr(output, "mnt namespace is shared") &&
	       strstr(output, other), "and is named: %s", output);
	kill(outside, SIGKILL);
	waitpid(outside, NULL, 0);
	tap_ok(RUN(output, checkpoint_path, "--dry-run", pid) == 0, "else there is no obstacle: %s", output);
	close(fd);
	close(ends[0]);
	subject_finish(&s);
}

/* ---- */

static bool has_mnt(const void *at)
{
	return ((const struct ckpt_unshared *)at)->mnt;
}

static bool is_in_mnt(const void *at)
{
	return ((const struct ckpt_file *)at)->mnt;
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_INNER_MOUNTS;
}

static void damaged(void)
{
	struct ckpt_inner_mounts *m = record(CKPT_REC_INNER_MOUNTS, NULL);
	struct ckpt_unshared *u = record(CKPT_REC_UNSHARED, has_mnt);
	struct ckpt_file *f = record(CKPT_REC_FILE, is_in_mnt);
	struct ckpt_tmpfs *t = record(CKPT_REC_TMPFS, NULL);
	struct ckpt_process *p = record(CKPT_REC_PROCESS, NULL);
	struct ckpt_rec *head = (struct ckpt_rec *)m - 1;

	BAD_FIELD(u->mnt, 0xffff, "a mount namespace that there is not", "no object has objref");
	BAD_FIELD(u->mnt, p->files, "descriptors for one", "is a FILES, not");
	BAD_FIELD(u->uts, u->mnt, "one for a uts namespace", "cannot restore its namespaces");
	BAD_FIELD(f->mnt, 0xffff, "a file in one that there is not", "not a mount namespace");
	BAD_FIELD(f->mnt, p->fs, "a file in directories", "not a mount namespace");
	BAD_FIELD(t->mnt, 0, "a tmpfs where the root lives", "tmpfs");
	BAD_FIELD(t->mnt, 0xffff, "a tmpfs in one that there is not", "not a mount namespace");
	BAD_FIELD(head->objref, head->objref + 1000, "one that nobody speaks of", "not a mount namespace");
	BAD_FIELD(m->own_user, 1, "of a user namespace that there is not", "a mount namespace cannot be made");
	BAD_FIELD(m->own_user, 2, "of an unknown one", "contradicts itself");
	BAD_FIELD(m->base, 1, "a copy of itself", "contradicts itself");
	BAD_FIELD(m->reserved, 1, "a reserved field", "contradicts itself");
	BAD_FIELD(m->pid, 1 << 21, "in the pid namespace of nobody", "contradicts itself");
}

int main(void)
{
	need_checkpoint();
	subject_round("tmpfs", tmpfs);
	subject_round("binds", binds);
	subject_round("own", of_root);
	subject_round("procfs", with_proc);
	subject_round("procfs instead", proc_instead);
	subject_round("of a user namespace", of_user);
	subject_round("thread", thread);
	subject_round("peers", peers);
	subject_round("some peers", some_peers);
	mutate_round("damaged", with_tmpfs, damaged, is_about, 20);
	leak();
	subject_refused("held", held, "in which the root of the tree does not live");
	subject_refused("filesystem", other_filesystem, "a ramfs is mounted here");
	return tap_done();
}
