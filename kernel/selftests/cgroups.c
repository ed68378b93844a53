// SPDX-License-Identifier: Apache-2.0
/* A tree comes back in its control groups, made again if they have gone, with their limits. */
/* covers: Namespaces | cgroup: v2 membership of processes and threads; groups that have gone, with their limits and owners | supported */
/* covers: Namespaces | cgroup: of the tree's own, with all groups in it, its mounts, controllers and limits | supported */
/* covers: Namespaces | cgroup: several in a tree, wherever they begin, with groups nobody is in | supported */
/* covers: Namespaces | cgroup: one that begins at a group in which no task of the tree is | refused by name */
/* covers: Namespaces | cgroup: mounts that one inside has made for itself, as a manager of services does | supported */
/* covers: Namespaces | cgroup: frozen; memory counts where the tree lives | supported */
/* covers: Namespaces | cgroup: a hierarchy of version 1 | refused by name */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-cgroups.img"
#define TOP	"/sys/fs/cgroup"
#define GROUP	TOP "/selftest"
#define BYTES	(16UL << 20)

static const char *const kill_it[] = { "--kill", NULL };

static bool file_is(const char *path, const char *text)
{
	char now[256];

	return !strcmp(content(path, now, sizeof(now)), text);
}

/* What /proc says of a task; "?" if nothing. */
static const char *group_of(const char *task)
{
	static char all[4096];
	char path[64], *line;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/cgroup", task);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, all, sizeof(all) - 1);
	close(fd);
	all[n > 0 ? n : 0] = '\0';
	line = strstr(all, "0::");
	if (!line)
		return "?";
	line[strcspn(line, "\n")] = '\0';
	return line + 3;
}

static const char *group_of_pid(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return group_of(text);
}

/* Below GROUP, deepest first. */
static void remove_groups(void)
{
	const char *const argv[] = { "/usr/bin/find", GROUP, "-depth", "-type", "d", "-delete", NULL };
	char output[256];

	for (int i = 0; i < 500 && exists(GROUP); i++) {
		run_command(output, sizeof(output), argv);
		usleep(10000);
	}
}

static bool make(const char *group)
{
	if (mkdir(group, 0755) == 0 || errno == EEXIST)
		return true;
	verify(false, "control group %s: %s", group, strerror(errno));
	return false;
}

/* A process that waits, in a group. */
static pid_t child_in(const char *procs)
{
	pid_t child = fork();
	char text[16];

	if (child == 0)
		for (;;)
			pause();
	snprintf(text, sizeof(text), "%d", child);
	verify(put_text(procs, text), "%s: %s", procs, strerror(errno));
	return child;
}

/* Checkpoint, with @between while nothing of the tree is left, restart. */
static void round_with(const char *name, void (*body)(void), void (*between)(void))
{
	struct subject s;

	if (!subject_start(&s, name, body))
		return;
	if (subject_checkpoint(&s, IMAGE, kill_it) && wait_gone(s.pid)) {
		if (between)
			between();
		if (subject_restart(&s, IMAGE, NULL))
			subject_finish(&s);
		else
			subject_end(&s);
	} else {
		subject_end(&s);
	}
	unlink(IMAGE);
	remove_groups();
}

/* ---- a tree that somebody has put into groups ---- */

static void member(void)
{
	struct stat st;
	char value[8] = "", current[32];
	char *memory;
	pid_t child;

	if (!make(GROUP) || !make(GROUP "/a b") || !make(GROUP "/other"))
		return;
	put_text(GROUP "/cgroup.subtree_control", "+pids +memory");
	put_text(GROUP "/a b/pids.max", "55");
	put_text(GROUP "/a b/memory.max", "67108864");
	put_text(GROUP "/a b/memory.high", "62914560");
	put_text(GROUP "/other/cgroup.max.depth", "3");
	chown(GROUP "/other", 1000, 1001);
	chown(GROUP "/other/cgroup.procs", 1000, 1001);
	setxattr(GROUP "/other", "trusted.selftest", "a\0c", 3, 0);
	put_text(GROUP "/a b/cgroup.procs", "0");
	child = child_in(GROUP "/other/cgroup.procs");
	memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(memory, 7, BYTES);
	pause_here();
	verify(!strcmp(group_of("self"), "/selftest/a b"), "its group: %s", group_of("self"));
	verify(!strcmp(group_of_pid(child), "/selftest/other"), "that of its child: %s", group_of_pid(child));
	verify(file_is(GROUP "/a b/pids.max", "55") && file_is(GROUP "/a b/memory.max", "67108864") &&
	       file_is(GROUP "/a b/memory.high", "62914560") && file_is(GROUP "/other/cgroup.max.depth", "3"), "limits");
	verify(file_is(GROUP "/cgroup.subtree_control", "memory pids"), "controllers");
	verify(stat(GROUP "/other", &st) == 0 && st.st_uid == 1000 && st.st_gid == 1001 &&
	       stat(GROUP "/other/cgroup.procs", &st) == 0 && st.st_uid == 1000 && st.st_gid == 1001 &&
	       stat(GROUP "/other/cgroup.threads", &st) == 0 && st.st_uid == 0, "whose a group is");
	verify(getxattr(GROUP "/other", "trusted.selftest", value, sizeof(value)) == 3 && !memcmp(value, "a\0c", 3),
	       "an extended attribute");
	content(GROUP "/a b/memory.current", current, sizeof(current));
	verify(strtoul(current, NULL, 10) >= BYTES, "its memory counts there: %s", current);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* One that is there is taken as it is. */
static void change_limit(void)
{
	put_text(GROUP "/a b/pids.max", "55");
	tap_ok(put_text(GROUP "/other/cgroup.max.depth", "3"), "the groups are there yet");
}

/* ---- threads ---- */

static pthread_barrier_t barrier;
static volatile pid_t thread_id;

static void *thread_in_y(void *arg)
{
	char text[16];

	thread_id = syscall(SYS_gettid);
	snprintf(text, sizeof(text), "%d", thread_id);
	put_text(GROUP "/x/y/cgroup.threads", text);
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return arg;
}

static void threads(void)
{
	char task[64];
	pthread_t thread;

	if (!make(GROUP) || !make(GROUP "/x") || !make(GROUP "/x/y"))
		return;
	put_text(GROUP "/x/cgroup.type", "threaded");
	put_text(GROUP "/x/y/cgroup.type", "threaded");
	put_text(GROUP "/cgroup.procs", "0");
	snprintf(task, sizeof(task), "%d", getpid());
	put_text(GROUP "/x/cgroup.threads", task);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, thread_in_y, NULL);
	pthread_barrier_wait(&barrier);
	pause_here();
	verify(!strcmp(group_of("self"), "/selftest/x"), "of the first thread: %s", group_of("self"));
	snprintf(task, sizeof(task), "self/task/%d", thread_id);
	verify(!strcmp(group_of(task), "/selftest/x/y"), "of another: %s", group_of(task));
	verify(file_is(GROUP "/cgroup.type", "domain threaded") && file_is(GROUP "/x/y/cgroup.type", "threaded"),
	       "a threaded subtree");
}

/* ---- a container ---- */

static void container(void)
{
	char mounts[16384] = "";
	ssize_t n;
	int fd;

	if (!make(GROUP) || !make(GROUP "/box") || !put_text(GROUP "/cgroup.subtree_control", "+memory +pids") ||
	    !put_text(GROUP "/box/memory.max", "100663296") || !put_text(GROUP "/box/cgroup.procs", "0") ||
	    unshare(CLONE_NEWCGROUP) < 0 || !private_mounts()) {
		verify(false, "a container: %s", strerror(errno));
		return;
	}
	mkdir("/tmp/selftest/cg", 0755);
	verify(mount("cgroup2", "/tmp/selftest/cg", "cgroup2", MS_NOSUID, NULL) == 0, "cgroup2: %s", strerror(errno));
	mkdir("/tmp/selftest/cg/leaf", 0755);
	mkdir("/tmp/selftest/cg/empty", 0755);
	put_text("/tmp/selftest/cg/leaf/cgroup.procs", "0");
	verify(put_text("/tmp/selftest/cg/cgroup.subtree_control", "+memory +pids"), "controllers of its own: %s", strerror(errno));
	put_text("/tmp/selftest/cg/leaf/pids.max", "33");
	put_text("/tmp/selftest/cg/empty/memory.max", "33554432");
	int child = child_in("/tmp/selftest/cg/empty/cgroup.procs");
	int held = open("/tmp/selftest/cg/leaf", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	pause_here();
	verify(!strcmp(group_of("self"), "/leaf"), "its group, as it sees it: %s", group_of("self"));
	verify(!strcmp(group_of_pid(child), "/empty"), "that of its child: %s", group_of_pid(child));
	verify(!strcmp(group_of_pid(getppid()), "/../.."), "who is outside: %s", group_of_pid(getppid()));
	verify(file_is("/tmp/selftest/cg/cgroup.subtree_control", "memory pids"), "controllers");
	verify(file_is("/tmp/selftest/cg/leaf/pids.max", "33") && file_is("/tmp/selftest/cg/empty/memory.max", "33554432"),
	       "limits that it has set");
	verify(file_is(GROUP "/box/memory.max", "100663296"), "limits that it has");
	fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	n = read(fd, mounts, sizeof(mounts) - 1);
	close(fd);
	mounts[n > 0 ? n : 0] = '\0';
	verify(strstr(mounts, " / /tmp/selftest/cg ") && strstr(mounts, " /../.. /sys/fs/cgroup "),
	       "its mount shows its own, the other one all");
	fd = openat(held, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	verify(fd >= 0 && read(fd, mounts, 16) > 0 && atoi(mounts) == getpid(), "an open directory is that of its group");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* What the tree has set in its own is as it was. */
static void meddle(void)
{
	tap_ok(put_text(GROUP "/box/leaf/pids.max", "max") && put_text(GROUP "/box/memory.max", "max"), "the groups are there yet");
}

/* The same, but that a user namespace owns it. */
static void rootless(void)
{
	if (!make(GROUP) || !make(GROUP "/user") || !put_text(GROUP "/user/cgroup.procs", "0") ||
	    unshare(CLONE_NEWUSER | CLONE_NEWCGROUP | CLONE_NEWNS) < 0 || !put_text("/proc/self/setgroups", "deny") ||
	    !put_text("/proc/self/gid_map", "0 0 1") || !put_text("/proc/self/uid_map", "0 0 1")) {
		verify(false, "a namespace of a user: %s", strerror(errno));
		return;
	}
	mkdir(GROUP "/user/below", 0755);
	put_text(GROUP "/user/below/cgroup.procs", "0");
	pause_here();
	verify(!strcmp(group_of("self"), "/below"), "its group: %s", group_of("self"));
	verify(unshare(CLONE_NEWCGROUP) == 0 && !strcmp(group_of("self"), "/"), "it may make another namespace");
}

/* ---- a manager of services, which mounts the hierarchy for itself and shows it to nobody ---- */

static bool mounts_own(void)
{
	return put_text(GROUP "/box/cgroup.procs", "0") && unshare(CLONE_NEWCGROUP) == 0 && private_mounts() &&
	       umount2(TOP, MNT_DETACH) == 0 && mount("mine", TOP, "cgroup2", MS_NOEXEC, NULL) == 0;
}

static bool has_own(void)
{
	char mounts[16384], *line = strstr(whole_content("/proc/self/mountinfo", mounts, sizeof(mounts)), " / " TOP " ");

	return line && strstr(line, "noexec") && strstr(line, " - cgroup2 mine ") && !exists(GROUP) &&
	       file_is(TOP "/memory.max", "100663296") && !strcmp(group_of("self"), "/");
}

static void manager(void)
{
	if (!make(GROUP) || !put_text(GROUP "/cgroup.subtree_control", "+memory") || !make(GROUP "/box") ||
	    !put_text(GROUP "/box/memory.max", "100663296") || !mounts_own()) {
		verify(false, "a hierarchy of its own: %s", strerror(errno));
		return;
	}
	pause_here();
	verify(has_own(), "its mount shows its group");
}

static void manager_inside(void)
{
	int told[2], go[2], idle, status = -1;
	pid_t child;
	char c;

	if (!make(GROUP) || !put_text(GROUP "/cgroup.subtree_control", "+memory") || !make(GROUP "/box") ||
	    !put_text(GROUP "/box/memory.max", "100663296") || pipe(told) < 0 || pipe(go) < 0)
		return;
	child = fork();
	if (child == 0) {
		close(go[1]);
		if (!mounts_own() || !make(TOP "/idle") || !put_text(TOP "/idle/cgroup.max.depth", "3"))
			_exit(1);
		idle = open(TOP "/idle/cgroup.events", O_RDONLY | O_CLOEXEC);
		if (idle < 0 || write(told[1], "", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(1);
		_exit(!has_own() ? 2 : read(idle, &c, 1) != 1 || !file_is(TOP "/idle/cgroup.max.depth", "3") ? 3 : 0);
	}
	close(told[1]);
	verify(read(told[0], &c, 1) == 1, "a hierarchy of its own");
	pause_here();
	if (write(go[1], "", 1) != 1)
		_exit(1);
	waitpid(child, &status, 0);
	verify(status == 0, "a child's mount shows its group: %x", status);
}

/* ---- frozen ---- */

static volatile int *counter;

static void counting(void)
{
	if (!make(GROUP))
		return;
	counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	put_text(GROUP "/cgroup.procs", "0");
	if (fork() == 0)
		for (;;)
			++*counter;
	pause_here();
	verify(!strcmp(group_of("self"), "/selftest"), "goes on, in its group");
}

static bool becomes(const char *path, const char *what)
{
	char text[256];

	for (int i = 0; i < 12000; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

		text[n > 0 ? n : 0] = '\0';
		close(fd);
		if (strstr(text, what))
			return true;
		usleep(10000);
	}
	return false;
}

static void frozen(bool gone)
{
	struct subject s;

	if (!subject_start(&s, gone ? "frozen" : "frozen, in a group that is there", counting))
		return;
	put_text(GROUP "/cgroup.freeze", "1");
	tap_ok(becomes(GROUP "/cgroup.events", "frozen 1"), "%s: it is", s.name);
	if (subject_checkpoint(&s, IMAGE, NULL))
		tap_ok(becomes(GROUP "/cgroup.events", "frozen 1"), "%s: a checkpoint leaves it so", s.name);
	if (!subject_checkpoint(&s, IMAGE, kill_it) || !wait_gone(s.pid)) {
		subject_end(&s);
		return;
	}
	if (gone)
		remove_groups();
	if (subject_restart(&s, IMAGE, NULL)) {
		tap_ok(becomes(GROUP "/cgroup.events", "frozen 1"), "%s: it is again", s.name);
		put_text(GROUP "/cgroup.freeze", "0");
		subject_finish(&s);
	} else {
		subject_end(&s);
	}
	unlink(IMAGE);
	remove_groups();
}

/* ---- what cannot be had ---- */

static void in_deep(void)
{
	if (make(GROUP) && make(GROUP "/deep") && put_text(GROUP "/deep/cgroup.procs", "0"))
		pause_here();
	verify(!strcmp(group_of("self"), "/"), "in that of the caller of restart: %s", group_of("self"));
}

static void not_allowed(void)
{
	char output[4096];
	struct subject s;

	if (!subject_start(&s, "without", in_deep))
		return;
	if (!subject_checkpoint(&s, IMAGE, kill_it) || !wait_gone(s.pid)) {
		subject_end(&s);
		return;
	}
	rmdir(GROUP "/deep");
	put_text(GROUP "/cgroup.max.descendants", "0");
	tap_ok(RUN(output, restart_path, "-i", IMAGE, "--detach") == 1 && strstr(output, "/selftest/deep") &&
	       strstr(output, "--no-cgroups"), "a group that cannot be made is named, and what to do: %s", output);
	tap_ok(kill(s.pid, 0) < 0, "nothing runs then");
	if (subject_restart(&s, IMAGE, (const char *const[]){ "--no-cgroups", NULL }))
		subject_finish(&s);
	else
		subject_end(&s);
	tap_ok(!exists(GROUP "/deep"), "no group was made");
	unlink(IMAGE);
	remove_groups();
}

static void much_memory(void)
{
	char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long sum = 0;

	if (!make(GROUP) || !make(GROUP "/small"))
		return;
	put_text(GROUP "/cgroup.subtree_control", "+memory");
	put_text(GROUP "/small/cgroup.procs", "0");
	memset(memory, 5, BYTES);
	pause_here();
	for (size_t i = 0; i < BYTES; i += 4096)
		sum += memory[i];
	verify(sum == BYTES / 4096 * 5, "its memory is whole");
}

static void too_little_memory(void)
{
	char output[4096];
	struct subject s;

	if (!subject_start(&s, "memory", much_memory))
		return;
	if (!subject_checkpoint(&s, IMAGE, kill_it) || !wait_gone(s.pid)) {
		subject_end(&s);
		return;
	}
	put_text(GROUP "/small/memory.max", "4194304");
	tap_ok(RUN(output, restart_path, "-i", IMAGE, "--detach") == 1 && strstr(output, "no memory") &&
	       kill(s.pid, 0) < 0, "no more than the group may have, and that is said: %s", output);
	put_text(GROUP "/small/memory.max", "max");
	if (subject_restart(&s, IMAGE, NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(IMAGE);
	remove_groups();
}

/* ---- namespaces in which only some of the tree live ---- */

static void in_inner_namespace(int told, int tell)
{
	int status = -1;
	pid_t below;
	char c;

	put_text(GROUP "/b/cgroup.procs", "0");
	mkdir("/tmp/selftest/cg", 0755);
	if (unshare(CLONE_NEWCGROUP) < 0 || !private_mounts() ||
	    mount("cgroup2", "/tmp/selftest/cg", "cgroup2", MS_NOSUID, NULL) < 0)
		_exit(1);
	below = fork();
	if (below == 0) {
		if (!put_text("/tmp/selftest/cg/deep/cgroup.procs", "0") || write(tell, "", 1) != 1)
			_exit(1);
		if (read(told, &c, 1) != 1)
			_exit(2);
		_exit(strcmp(group_of("self"), "/deep") ? 3 : 0);
	}
	if (read(told, &c, 1) != 1)
		_exit(4);
	verify(!strcmp(group_of("self"), "/"), "a process sees itself in %s", group_of("self"));
	verify(!strcmp(group_of_pid(getppid()), "/.."), "and its parent in %s", group_of_pid(getppid()));
	verify(exists("/tmp/selftest/cg/deep/cgroup.procs") && !exists("/tmp/selftest/cg/selftest"),
	       "its mount begins there, too");
	waitpid(below, &status, 0);
	_exit(status ? 5 : 0);
}

static void inner(void)
{
	int to[2], back[2], status = -1;
	pid_t child;
	char c;

	if (!make(GROUP) || !make(GROUP "/b") || !make(GROUP "/b/deep") || pipe(to) < 0 || pipe(back) < 0)
		return;
	put_text(GROUP "/cgroup.procs", "0");
	child = fork();
	if (child == 0)
		in_inner_namespace(to[0], back[1]);
	if (read(back[0], &c, 1) != 1)
		_exit(80);
	pause_here();
	verify(!strcmp(group_of("self"), "/selftest") && !strcmp(group_of_pid(child), "/selftest/b"),
	       "the root of the tree is in none: %s", group_of("self"));
	if (write(to[1], "xx", 2) != 2)
		_exit(81);
	waitpid(child, &status, 0);
	verify(status == 0, "they live where they did (%x)", status);
}

/* A child that ends with the tree, in a group of its own and a namespace that begins there; or -1. */
static pid_t start_inner(void)
{
	int back[2];
	pid_t child;
	char c;

	if (!make(GROUP) || !make(GROUP "/b") || pipe(back) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		put_text(GROUP "/b/cgroup.procs", "0");
		if (unshare(CLONE_NEWCGROUP) < 0 || write(back[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(back[0], &c, 1) != 1)
		_exit(85);
	return child;
}

static void inner_alone(void)
{
	pid_t child = start_inner();

	if (child < 0)
		return;
	put_text(GROUP "/cgroup.procs", "0");
	pause_here();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static bool has_cgroup_ns(const void *at)
{
	return ((const struct ckpt_unshared *)at)->cgroup;
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_CGROUP_NS;
}

static void damaged(void)
{
	struct ckpt_cgroup_ns *n = record(CKPT_REC_CGROUP_NS, NULL);
	struct ckpt_unshared *un = record(CKPT_REC_UNSHARED, has_cgroup_ns);
	struct ckpt_process *p = record(CKPT_REC_PROCESS, NULL);
	struct ckpt_rec *head = (struct ckpt_rec *)n - 1;
	char *path = (char *)(n + 1);

	if (!n || !un || n->path_len != strlen("/selftest/b")) {
		tap_ok(false, "the image tells of the namespace");
		return;
	}
	BAD_FIELD(n->own_user, 1, "of a user namespace that there is not", "not the user namespace that it is of");
	BAD_FIELD(n->own_user, 2, "an unknown owner", "contradicts itself");
	BAD_FIELD(n->path_len, -1U, "a longer path than there is", "contradicts itself");
	BAD_FIELD(n->path_len, n->path_len - 1, "a shorter one", "contradicts itself");
	BAD_FIELD(path[9], 0, "one that ends early", "contradicts itself");
	BAD_FIELD(path[10], 'c', "a group that there is not", "begins at /selftest/c (error -2)");
	memcpy(path, "/../lftest", 10);
	expect("one above all", "cannot make a cgroup namespace");
	memcpy(path, "/selftest/", 10);
	BAD_FIELD(head->objref, 0, "a namespace without a number", "not valid");
	BAD_FIELD(un->cgroup, 0xffff, "a namespace that there is not", "no object has objref");
	BAD_FIELD(un->cgroup, p->files, "descriptors for a namespace", "is a FILES, not");
	BAD_FIELD(un->uts, un->cgroup, "a cgroup namespace for a uts one", "cannot restore its namespaces");
}

/* In no group that anybody has made. */
static void inner_of_all(void)
{
	int to[2], back[2], status = -1;
	pid_t child;
	char c;

	if (pipe(to) < 0 || pipe(back) < 0)
		return;
	child = fork();
	if (child == 0) {
		char one[64] = "", other[64] = "";

		if (unshare(CLONE_NEWCGROUP) < 0 || write(back[1], "", 1) != 1 || read(to[0], &c, 1) != 1)
			_exit(1);
		readlink("/proc/self/ns/cgroup", one, sizeof(one) - 1);
		readlink("/proc/1/ns/cgroup", other, sizeof(other) - 1);
		_exit(!strcmp(one, other) || strcmp(group_of("self"), "/"));
	}
	if (read(back[0], &c, 1) != 1)
		_exit(82);
	pause_here();
	if (write(to[1], "x", 1) != 1)
		_exit(83);
	waitpid(child, &status, 0);
	verify(status == 0, "a namespace of all groups (%x)", status);
}

static void inner_of_none(void)
{
	pid_t child = start_inner();
	char pid[16];

	if (child < 0)
		return;
	snprintf(pid, sizeof(pid), "%d", child);
	put_text(GROUP "/cgroup.procs", pid);
	pause_here();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void in_version_1(void)
{
	mkdir("/tmp/selftest/v1", 0755);
	if (mount("none", "/tmp/selftest/v1", "cgroup", 0, "none,name=selftest") < 0 ||
	    mkdir("/tmp/selftest/v1/group", 0755) < 0 || !put_text("/tmp/selftest/v1/group/tasks", "0"))
		verify(false, "version 1: %s", strerror(errno));
	else
		pause_here();
	put_text("/tmp/selftest/v1/tasks", "0");
	rmdir("/tmp/selftest/v1/group");
	umount("/tmp/selftest/v1");
	rmdir("/tmp/selftest/v1");
}

static void only_namespace(void)
{
	if (unshare(CLONE_NEWCGROUP) == 0)
		pause_here();
	verify(!strcmp(group_of("self"), "/"), "its group: %s", group_of("self"));
}

static void leaks(void)
{
	struct subject s;

	if (!subject_start(&s, "a shared namespace", only_namespace))
		return;
	subject_leaks(&s, "cgroup", "outside the tree");
	subject_finish(&s);
}

int main(void)
{
	need_checkpoint();
	if (!exists(TOP "/cgroup.controllers"))
		tap_skip_all("no cgroup2");
	put_text(TOP "/cgroup.subtree_control", "+memory +pids");
	remove_groups();
	round_with("groups that have gone", member, remove_groups);
	round_with("groups that are there", member, change_limit);
	round_with("threads", threads, remove_groups);
	round_with("a container whose groups have gone", container, remove_groups);
	round_with("a container", container, meddle);
	round_with("a namespace of a user", rootless, remove_groups);
	round_with("a manager of services", manager, remove_groups);
	round_with("one inside", manager_inside, remove_groups);
	subject_round("a namespace of all groups", only_namespace);
	leaks();
	round_with("namespaces of some", inner, remove_groups);
	subject_twice("a namespace of some", inner_of_all);
	mutate_round("damaged", inner_alone, damaged, is_about, 30);
	remove_groups();
	subject_refused("a namespace of none", inner_of_none, "holds none of the tree");
	remove_groups();
	frozen(true);
	frozen(false);
	not_allowed();
	too_little_memory();
	subject_refused("a hierarchy of version 1", in_version_1, "of version 1");
	return tap_done();
}
