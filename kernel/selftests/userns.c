// SPDX-License-Identifier: Apache-2.0
/* A tree in a user namespace of its own has it again, with what it may do there, and nothing more. */
/* covers: Namespaces | user: of the tree's own, with maps, owner, setgroups, credentials | supported */
/* covers: Namespaces | user: that owns pid, mnt, net, uts and ipc namespaces (unshare -r) | supported */
/* covers: Namespaces | user: several in a tree, nested, shared with processes outside | refused by name */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define LOWER	100000

/* The caller enters a new user namespace; somebody outside, who has the right to, writes its maps. */
static bool enter_mapped(void)
{
	int ends[2], status = -1;
	char path[64], byte;
	pid_t writer;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/", getpid());
	writer = fork();
	if (writer == 0) {
		char map[80];

		close(ends[1]);
		read(ends[0], &byte, 1);
		snprintf(map, sizeof(map), "%sgid_map", path);
		if (!put_text(map, "0 100000 1000\n2000 200000 10\n"))
			_exit(1);
		snprintf(map, sizeof(map), "%suid_map", path);
		_exit(put_text(map, "0 100000 1000\n") ? 0 : 1);
	}
	if (unshare(CLONE_NEWUSER) < 0)
		return false;
	close(ends[1]);
	close(ends[0]);
	waitpid(writer, &status, 0);
	return status == 0;
}

static uint64_t effective(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { };

	syscall(SYS_capget, &head, data);
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

static ino_t inode_of(const char *path)
{
	struct stat st = { };

	stat(path, &st);
	return st.st_ino;
}

struct shared {
	volatile int go, done;
	ino_t ns;
	uid_t uid, saved;
	uint64_t caps;
};

static void as_another_user(struct shared *shared)
{
	uid_t uid, effective_uid, saved;

	/* Some of its groups are not mapped at all: it had them from outside. */
	if (setresgid(9, 9, 9) < 0 || setresuid(5, 5, 6) < 0)
		_exit(1);
	shared->done = 1;
	while (!shared->go)
		usleep(1000);
	getresuid(&uid, &effective_uid, &saved);
	shared->uid = uid;
	shared->saved = saved;
	shared->caps = effective();
	shared->ns = inode_of("/proc/self/ns/user");
	shared->done = 2;
	_exit(0);
}

static void mapped(void)
{
	struct shared *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char before[2][256], after[256];
	gid_t groups[3] = { 3, 2001, 7 }, now[8] = { };
	int pair[2], old, outside, inotify, status, fd;
	struct ucred peer = { };
	socklen_t len = sizeof(peer);

	/* Several users speak. */
	umask(0);
	outside = open("/tmp/selftest/of-root", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	old = open("/proc/sys/kernel/hostname", O_RDONLY | O_CLOEXEC);
	if (!enter_mapped() || setgroups(3, groups) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return;
	fd = open("/tmp/selftest", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	inotify_add_watch(inotify, "/tmp/selftest", IN_CREATE);
	pid_t child = fork();

	if (child == 0)
		as_another_user(shared);
	while (!shared->done)
		usleep(1000);
	whole_content("/proc/self/uid_map", before[0], sizeof(before[0]));
	whole_content("/proc/self/gid_map", before[1], sizeof(before[1]));
	uint64_t caps = effective();

	pause_here();
	verify(strlen(before[0]) > 20 && !strcmp(before[0], whole_content("/proc/self/uid_map", after, sizeof(after))),
	       "the map of users");
	verify(strlen(before[1]) > 40 && !strcmp(before[1], whole_content("/proc/self/gid_map", after, sizeof(after))),
	       "the map of groups");
	verify(getuid() == 0 && geteuid() == 0 && getgid() == 0, "it is root there: %d", getuid());
	verify(getgroups(8, now) == 3 && now[0] == 3 && now[1] == 7 && now[2] == 2001, "its groups: %d %d %d", now[0],
	       now[1], now[2]);
	verify(effective() == caps && caps, "its capabilities: %llx", (unsigned long long)effective());
	verify(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == 0 && peer.pid == getpid(),
	       "who is at the other end of a socket: user %d", peer.uid);
	verify(pwrite(outside, "x", 1, 0) == 1, "a file that was opened outside is open");
	verify(fcntl(old, F_GETFD) >= 0 && fcntl(fd, F_GETFD) >= 0, "others, too");
	int made = open("/tmp/selftest/made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct stat st = { };

	fstat(made, &st);
	unlink("/tmp/selftest/made");
	verify(made >= 0 && st.st_uid == 0, "what it makes is its own: %d", st.st_uid);
	verify(read(inotify, before, sizeof(before)) > 0, "a watch of it");
	shared->go = 1;
	verify(waitpid(child, &status, 0) == child && status == 0 && shared->done == 2, "its child ends (0x%x)", status);
	verify(shared->uid == 5 && shared->saved == 6, "which was another user: %d, %d", shared->uid, shared->saved);
	verify(!shared->caps, "without power: %llx", (unsigned long long)shared->caps);
	verify(shared->ns == inode_of("/proc/self/ns/user"), "in the same namespace");
	/* Outside it has no power; inside it has. */
	verify(sethostname("taken", 5) < 0 && errno == EPERM, "it has no power over the host");
	verify(open("/tmp/selftest/of-root", O_RDWR | O_CLOEXEC) < 0 && errno == EACCES, "nor over its files");
	verify(mount("none", "/tmp/selftest", "tmpfs", 0, NULL) < 0 && errno == EPERM, "nor over its mounts");
	verify(unshare(CLONE_NEWUTS) == 0 && sethostname("own", 3) == 0, "it has over what it makes for itself: %s",
	       strerror(errno));
	verify(setresuid(1000, 1000, 1000) < 0 && errno == EINVAL, "there is no user that is not mapped");
	verify(setresuid(999, 999, 999) == 0, "it can become another user");
	unlink("/tmp/selftest/of-root");
}

/* ---- as "unshare -r --pid --fork --mount-proc --net --uts --ipc" by an ordinary user ---- */

static bool belongs_to_it(const char *which)
{
	char path[64];
	struct stat a = { }, b = { };
	int fd, owner;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", which);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	owner = ioctl(fd, NS_GET_USERNS);
	fstat(owner, &a);
	stat("/proc/self/ns/user", &b);
	close(fd);
	close(owner);
	return owner >= 0 && a.st_ino == b.st_ino;
}

static void set_flags_of_lo(int flags)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	request.ifr_flags = flags;
	ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
}

static int flags_of_lo(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ioctl(fd, SIOCGIFFLAGS, &request);
	close(fd);
	return request.ifr_flags;
}

static void first_process(void)
{
	static const char *const all[] = { "pid", "mnt", "net", "uts", "ipc" };
	char name[65] = "", text[256];
	uid_t owner = -1;
	int fd, file;

	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount("own", "/mnt", "tmpfs", 0, "size=1m");
	file = open("/mnt/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0 || write(file, "in a tmpfs", 10) != 10)
		_exit(1);
	ino_t inode = inode_of("/mnt/file");

	sethostname("inside", 6);
	set_flags_of_lo(IFF_UP);
	ready();
	wait_for_go();
	verify(getpid() == 1, "the first process of its pid namespace: %d", getpid());
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		verify(belongs_to_it(all[i]), "the %s namespace belongs to its user namespace", all[i]);
	fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	/* As it is seen from here. */
	verify(ioctl(fd, NS_GET_OWNER_UID, &owner) == 0 && owner == 0, "whose owner is who made it: %d", owner);
	verify(getuid() == 0 && !strncmp(content("/proc/self/setgroups", text, sizeof(text)), "deny", 4), "setgroups(2) is denied");
	whole_content("/proc/self/uid_map", text, sizeof(text));
	verify(atoi(text) == 0 && strstr(text, "1000"), "its map");
	gethostname(name, sizeof(name));
	verify(!strcmp(name, "inside") && sethostname("other", 5) == 0, "it has its host name, and may change it: %s", name);
	verify(flags_of_lo() & IFF_UP, "lo is up");
	set_flags_of_lo(0);
	verify(!(flags_of_lo() & IFF_UP), "and can be brought down");
	memset(text, 0, sizeof(text));
	fd = open("/mnt/file", O_RDONLY | O_CLOEXEC);
	verify(read(fd, text, 10) == 10 && !strcmp(text, "in a tmpfs") && inode_of("/mnt/file") == inode, "a tmpfs has its file");
	close(fd);
	close(file);
	verify(mount(NULL, "/mnt", NULL, MS_REMOUNT, "size=2m") == 0, "which it may mount otherwise: %s", strerror(errno));
	verify(mount("more", "/mnt", "tmpfs", 0, NULL) == 0 && umount("/mnt") == 0 && umount("/mnt") == 0,
	       "and others: %s", strerror(errno));
	verify(mount("proc", "/proc", "proc", 0, NULL) == 0, "procfs, too: %s", strerror(errno));
	_exit(0);
}

static void container(void)
{
	int status = -1;

	/* Whoever has changed users cannot write to its own files in /proc, before it executes something. */
	if (setgroups(0, NULL) < 0 || setresgid(1000, 1000, 1000) < 0 || setresuid(1000, 1000, 1000) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1) < 0 ||
	    unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC) < 0 ||
	    !put_text("/proc/self/setgroups", "deny") || !put_text("/proc/self/gid_map", "0 1000 1") ||
	    !put_text("/proc/self/uid_map", "0 1000 1"))
		return;
	pid_t init = fork();

	if (init == 0)
		first_process();
	verify(waitpid(init, &status, 0) == init && status == 0, "its first process ends (0x%x)", status);
}

/* ---- what is refused ---- */

static void in_one(void)
{
	if (unshare(CLONE_NEWUSER) == 0)
		pause_here();
}

static void nested(void)
{
	if (enter_mapped() && setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0 && unshare(CLONE_NEWUSER) == 0)
		pause_here();
}

static void in_two(void)
{
	int ends[2];
	char byte;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	pid_t child = fork();

	if (child == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(ends[0], &byte, 1) == 1 && unshare(CLONE_NEWUSER) == 0)
		pause_here();
	kill(child, SIGKILL);
}

/* Only a part of the tree lives in it. */
static void in_part(void)
{
	struct shared *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ino_t outside = inode_of("/proc/self/ns/user");
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (!enter_mapped() || setresuid(0, 0, 0) < 0)
			_exit(1);
		shared->done = 1;
		while (!shared->go)
			usleep(1000);
		_exit(inode_of("/proc/self/ns/user") != outside && getuid() == 0 ? 42 : 2);
	}
	while (!shared->done)
		usleep(1000);
	pause_here();
	verify(inode_of("/proc/self/ns/user") == outside, "the root lives where it did");
	shared->go = 1;
	verify(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 42, "its child elsewhere (0x%x)", status);
	verify(chown("/tmp/selftest", 0, 0) == 0 && sethostname("selftest", 8) == 0, "and has its power");
}

static void leaks(void)
{
	struct subject s;

	if (!subject_start(&s, "a shared user namespace", in_one))
		return;
	subject_leaks(&s, "user", "its user namespace is shared");
	subject_finish(&s);
}

int main(void)
{
	char before[65], after[65];

	need_checkpoint();
	gethostname(before, sizeof(before));
	subject_round("mapped", mapped);
	subject_round("container", container);
	subject_round("never mapped", in_one);
	subject_round("in part", in_part);
	sethostname(before, strlen(before));
	gethostname(after, sizeof(after));
	tap_ok(!strcmp(before, after), "what is outside has not changed");
	subject_refused("a nested user namespace", nested, "not one below the caller's");
	subject_refused("two user namespaces", in_two, "another user namespace than others of the tree");
	leaks();
	return tap_done();
}
