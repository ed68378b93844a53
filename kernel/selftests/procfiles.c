// SPDX-License-Identifier: Apache-2.0
/* Open files of procfs and nsfs: they show the restored process, not the one that was made for it. */
/* covers: Files | files of /proc/PID, also those that hold memory (maps, mem) or a namespace (mountinfo) | supported */
/* covers: Files | /proc/PID/fdinfo/N, also of other processes of the tree | supported */
/* covers: Files | files and directories of /proc/PID of processes that have ended, what was mounted there included | supported */
/* covers: Files | files and directories of /proc/PID of processes outside the tree, which may have ended meanwhile | supported */
/* covers: Files | files of cgroupfs that are open for writing, triggers of pressure | supported */
/* covers: Files | files that hold a namespace a process of the tree lives in | supported */
/* covers: Files | a namespace in which no process of the tree lives | refused by name */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-procfiles.img"

static char *page;

/* All that @fd gives from where it is. */
static char *rest_of(int fd)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	return text;
}

static void memory(void)
{
	int maps = open("/proc/self/maps", O_RDONLY), smaps = open("/proc/self/smaps", O_RDONLY),
	    mem = open("/proc/self/mem", O_RDWR), pagemap = open("/proc/self/pagemap", O_RDONLY);
	char line[64], begin[300], byte = 0;
	uint64_t entry = 0;
	FILE *all;

	page = mmap((void *)0x123450000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	page[7] = 'm';
	if (read(maps, begin, sizeof(begin)) != sizeof(begin))
		_exit(90);
	pause_here();
	snprintf(line, sizeof(line), "%lx-", (unsigned long)page);
	verify(lseek(maps, 0, SEEK_CUR) == sizeof(begin), "the position in maps");
	verify(lseek(maps, 0, SEEK_SET) == 0 && strstr(rest_of(maps), line), "maps has its mappings");
	verify(strstr(rest_of(smaps), line), "smaps, too");
	verify(pread(mem, &byte, 1, (off_t)(page + 7)) == 1 && byte == 'm', "mem reads its memory");
	verify(pwrite(mem, "n", 1, (off_t)(page + 7)) == 1 && page[7] == 'n', "and writes it");
	verify(pread(pagemap, &entry, 8, (off_t)page / 4096 * 8) == 8 && entry >> 63, "pagemap has its pages");
	all = fopen("/proc/self/maps", "re");
	verify(all && fclose(all) == 0, "they can be opened again");
}

static void arguments(void)
{
	int environ_fd = open("/proc/self/environ", O_RDONLY), auxv = open("/proc/self/auxv", O_RDONLY),
	    again = open("/proc/self/auxv", O_RDONLY);
	unsigned long before[64] = {}, after[64] = {};
	char first[1];

	if (read(again, before, sizeof(before)) <= 0)
		_exit(91);
	pause_here();
	verify(read(auxv, after, sizeof(after)) > 0 && !memcmp(before, after, sizeof(before)), "auxv");
	verify(read(environ_fd, first, 1) >= 0, "environ");
}

static void of_descriptors(void)
{
	int event = eventfd(7, EFD_CLOEXEC), high = dup2(event, 777), ours, its, part;
	char name[64], begin[5] = "";
	pid_t child;

	child = fork();
	if (child == 0)
		for (;;)
			pause();
	ours = open("/proc/self/fdinfo/777", O_RDONLY);
	snprintf(name, sizeof(name), "/proc/%d/task/%d/fdinfo/%d", child, child, event);
	its = open(name, O_RDONLY);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", event);
	part = open(name, O_RDONLY);
	if (high != 777 || ours < 0 || its < 0 || read(part, begin, 4) != 4)
		_exit(92);
	pause_here();
	verify(strstr(rest_of(ours), "eventfd-count:"), "one of its own");
	verify(strstr(rest_of(its), "eventfd-count:"), "one of another process");
	verify(!strcmp(begin, "pos:") && *rest_of(part) == '\t', "one that was read in part");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void mounts(void)
{
	int mountinfo = open("/proc/self/mountinfo", O_RDONLY), mounts_fd = open("/proc/mounts", O_RDONLY);
	struct pollfd p = { .fd = mounts_fd, .events = POLLPRI };
	char *text = strdup(rest_of(mountinfo));

	rest_of(mounts_fd);
	poll(&p, 1, 0);
	pause_here();
	verify(poll(&p, 1, 0) >= 0 && !(p.revents & POLLPRI), "nothing has been mounted");
	lseek(mountinfo, 0, SEEK_SET);
	verify(!strcmp(text, rest_of(mountinfo)), "mountinfo is what it was");
}

static void network(void)
{
	int dev = open("/proc/self/net/dev", O_RDONLY), tcp = open("/proc/net/tcp", O_RDONLY),
	    dir = open("/proc/self/net", O_RDONLY | O_DIRECTORY), ns = open("/proc/self/ns", O_RDONLY | O_DIRECTORY);

	pause_here();
	verify(strstr(rest_of(dev), "lo:"), "net/dev");
	verify(strstr(rest_of(tcp), "local_address"), "net/tcp");
	verify(faccessat(dir, "udp", F_OK, 0) == 0 && faccessat(ns, "uts", F_OK, 0) == 0, "directories");
}

static void of_namespaces(void)
{
	static const char *const names[] = { "uts", "ipc", "mnt", "pid", "user", "time", "cgroup" };
	int fds[7], ok = 0;
	char path[64];

	for (int i = 0; i < 7; i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		fds[i] = open(path, O_RDONLY);
		if (fds[i] < 0)
			_exit(92);
	}
	pause_here();
	for (int i = 0; i < 7; i++) {
		struct stat now, held;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		ok += stat(path, &now) == 0 && fstat(fds[i], &held) == 0 && now.st_ino == held.st_ino;
	}
	verify(ok == 7, "they are its own: %d of 7", ok);
	verify(setns(fds[0], CLONE_NEWUTS) == 0, "one can be entered");
}

/* A namespace of the tree's own: after the restart it is another one, which the tree has. */
static void of_own_namespace(void)
{
	struct stat held, own;
	int fd;

	if (unshare(CLONE_NEWUTS) < 0 || sethostname("zoo", 3) < 0)
		_exit(93);
	fd = open("/proc/self/ns/uts", O_RDONLY);
	pause_here();
	verify(fstat(fd, &held) == 0 && stat("/proc/self/ns/uts", &own) == 0 && held.st_ino == own.st_ino, "it is its own");
}

static void watches(void)
{
	int fd = inotify_init1(IN_NONBLOCK), wd = inotify_add_watch(fd, "/proc/self", IN_OPEN);
	struct inotify_event event;

	pause_here();
	verify(wd > 0 && read(fd, &event, sizeof(event)) < 0, "a watch on /proc/self that has seen nothing");
}

static void foreign(void)
{
	int fd, ends[2];
	char byte;

	if (pipe(ends) < 0)
		_exit(94);
	pid_t child = fork();

	if (child == 0) {
		if (unshare(CLONE_NEWUTS) < 0 || write(ends[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	if (read(ends[0], &byte, 1) != 1)
		_exit(95);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/uts", child);
	fd = open(path, O_RDONLY);
	kill(child, 9);
	waitpid(child, NULL, 0);
	pause_here();
	close(fd);
}

static void refused(void)
{
	struct subject s;
	char output[8192], pid[16];
	int status;

	if (!subject_start(&s, "foreign", foreign))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	status = RUN(output, checkpoint_path, "-o", "/ckpt/selftest-ns.img", "--kill", pid);
	tap_ok(status == 1 && strstr(output, "uts namespace"), "refused: %s", output);
	subject_finish(&s);
}

/* Of a process that has ended, and was waited for: it says so. */
static void of_the_dead(void)
{
	char path[64], name[32], link[64] = "", byte, *all;
	int ends[2], dir, status, stat, mounts, whole;
	pid_t pid;

	if (pipe(ends) < 0)
		_exit(90);
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1));
	}
	snprintf(name, sizeof(name), "/proc/%d", pid);
	dir = open(name, O_RDONLY | O_DIRECTORY);
	snprintf(path, sizeof(path), "%s/status", name);
	status = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "%s/task/%d/stat", name, pid);
	stat = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "%s/mountinfo", name);
	mounts = open(path, O_RDONLY);
	whole = open(path, O_RDONLY);
	if (dir < 0 || status < 0 || stat < 0 || mounts < 0 || chdir(name) < 0 || read(mounts, path, 10) != 10)
		_exit(91);
	all = strdup(rest_of(whole));
	close(ends[1]);
	waitpid(pid, NULL, 0);
	pause_here();
	lseek(whole, 0, SEEK_SET);
	verify(!strcmp(rest_of(whole), all) && !strcmp(rest_of(mounts), all + 10), "what is mounted where it lived");
	verify(read(status, &byte, 1) < 0 && errno == ESRCH && read(stat, &byte, 1) < 0 && errno == ESRCH, "nothing to read");
	verify(openat(dir, "stat", O_RDONLY) < 0 && open("stat", O_RDONLY) < 0, "nothing in its directory");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", status);
	verify(readlink(path, link, sizeof(link) - 1) > 0 && !strncmp(link, name, strlen(name)) && strstr(link, "status"),
	       "its name: %s", link);
	verify(kill(pid, 0) < 0 && errno == ESRCH, "nobody has its pid");
}

/* With a procfs of its own, in which processes have other numbers. */
static void in_namespace(void (*body)(void))
{
	pid_t init;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
		_exit(92);
	init = fork();
	if (init == 0) {
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		mount("proc", "/proc", "proc", 0, NULL);
		body();
		_exit(0);
	}
	waitpid(init, NULL, 0);
}

static void dead_in_namespace(void) { in_namespace(of_the_dead); }

static void held(void)
{
	int ns = open("/proc/self/ns/mnt", O_RDONLY), net = open("/proc/self/ns/net", O_RDONLY);
	struct stat held, own;

	pause_here();
	verify(fstat(ns, &held) == 0 && stat("/proc/self/ns/mnt", &own) == 0 && held.st_ino == own.st_ino, "mnt");
	verify(fstat(net, &held) == 0 && stat("/proc/self/ns/net", &own) == 0 && held.st_ino == own.st_ino, "net");
}

static void held_in_namespace(void) { in_namespace(held); }

static pid_t stranger;

static void of_a_stranger(void)
{
	char path[64], text[64] = "", byte;
	int status, dir, one = open("/proc/1/stat", O_RDONLY);

	snprintf(path, sizeof(path), "/proc/%d", stranger);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	snprintf(path, sizeof(path), "/proc/%d/status", stranger);
	status = open(path, O_RDONLY);
	if (one < 0 || dir < 0 || status < 0)
		_exit(93);
	pause_here();
	verify(read(one, text, sizeof(text) - 1) > 0 && !strncmp(text, "1 (", 3), "the first process, which is still there");
	verify(read(status, &byte, 1) < 0 && errno == ESRCH && openat(dir, "status", O_RDONLY) < 0, "one that has ended since");
}

static void strangers(void)
{
	struct subject s;

	stranger = fork();
	if (stranger == 0) {
		for (;;)
			pause();
	}
	if (!subject_start(&s, "of strangers", of_a_stranger))
		return;
	if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid)) {
		kill(stranger, SIGKILL);
		wait_gone(stranger);
		if (subject_restart(&s, IMAGE, NULL))
			subject_finish(&s);
	}
	unlink(IMAGE);
}

static void pressure(void)
{
	static const char trigger[] = "some 150000 1000000";
	int procs = open("/sys/fs/cgroup/cgroup.procs", O_RDWR), with = open("/sys/fs/cgroup/memory.pressure", O_RDWR);
	int without = open("/sys/fs/cgroup/memory.pressure", O_RDWR);

	if (procs < 0 || write(with, trigger, sizeof(trigger)) != sizeof(trigger))
		_exit(94);
	pause_here();
	verify(write(with, trigger, sizeof(trigger)) < 0 && errno == EBUSY, "it has its trigger");
	verify(write(without, trigger, sizeof(trigger)) == sizeof(trigger), "and who had none may have one");
}

int main(void)
{
	need_checkpoint();
	subject_round("memory", memory);
	subject_round("arguments", arguments);
	subject_round("descriptors", of_descriptors);
	subject_round("mounts", mounts);
	subject_round("network", network);
	subject_round("namespaces", of_namespaces);
	subject_round("own namespace", of_own_namespace);
	subject_round("watch", watches);
	subject_round("of the dead", of_the_dead);
	subject_round("of the dead, in a namespace", dead_in_namespace);
	subject_round("namespaces in a namespace", held_in_namespace);
	strangers();
	if (access("/sys/fs/cgroup/memory.pressure", W_OK) == 0)
		subject_round("pressure", pressure);
	refused();
	return tap_done();
}
