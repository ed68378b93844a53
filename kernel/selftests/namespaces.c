// SPDX-License-Identifier: Apache-2.0
/* A tree that has namespaces of its own has them again, and nobody else's are touched. */
/* covers: Namespaces | uts: names | supported */
/* covers: Namespaces | ipc: all that is in it, limits, those of POSIX queues too | supported */
/* covers: Namespaces | pid: nested, entered or made by the tree, with its procfs, vm.memfd_noexec | supported */
/* covers: Namespaces | mnt: bind mounts, procfs with its options (hidepid, subset), empty tmpfs, unmounted, propagation | supported */
/* covers: Namespaces | mnt: an immutable file in a tmpfs of its own | refused by name */
/* covers: Namespaces | mnt: overlay whose layers are found by their paths | supported */
/* covers: Namespaces | mnt: overlay with a layer in a tmpfs of its own | refused by name */
/* covers: Namespaces | a namespace that processes outside the tree live in, too | refused by name */
/* covers: Namespaces | mnt: shared, slave, private and unbindable mounts; binds of a tmpfs of its own, what is mounted in them, binds of removed directories | supported */
/* covers: Namespaces | mnt: binds of removed files | refused by name */
/* covers: Namespaces | mnt: unlinked files, removed directories on filesystems of the outside | supported */
/* covers: Namespaces | time: of the tree's own | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-namespaces.img"
#define KEY	0x5e1f7e58

/* ---- names, System V objects ---- */

static void names_and_objects(void)
{
	struct { long type; char text[16]; } m = { 1, "kept" };
	char name[65], limit[32];
	int shm, sem, removed, msg;
	char *at;

	if (unshare(CLONE_NEWUTS | CLONE_NEWIPC) < 0)
		return;
	sethostname("inside", 6);
	setdomainname("its.own", 7);
	put_text("/proc/sys/kernel/shmmni", "77");
	put_text("/proc/sys/fs/mqueue/queues_max", "55");
	put_text("/proc/sys/fs/mqueue/msg_max", "33");
	put_text("/proc/sys/fs/mqueue/msgsize_max", "9999");
	put_text("/proc/sys/fs/mqueue/msg_default", "7");
	put_text("/proc/sys/fs/mqueue/msgsize_default", "777");
	shm = shmget(KEY, 4096, IPC_CREAT | 0600);
	at = shmat(shm, NULL, 0);
	strcpy(at, "not attached");
	shmdt(at);
	sem = semget(KEY, 1, IPC_CREAT | 0600);
	removed = semget(IPC_PRIVATE, 1, 0600);
	semctl(removed, 0, IPC_RMID);
	msg = msgget(KEY, IPC_CREAT | 0600);
	msgsnd(msg, &m, sizeof(m.text), 0);
	put_text("/proc/sys/kernel/msg_next_id", "1234567");
	pause_here();
	gethostname(name, sizeof(name));
	verify(!strcmp(name, "inside"), "the name of the host is its own: %s", name);
	getdomainname(name, sizeof(name));
	verify(!strcmp(name, "its.own"), "the domain is its own: %s", name);
	verify(atoi(content("/proc/sys/kernel/shmmni", limit, sizeof(limit))) == 77, "a limit: %s", limit);
	verify(atoi(content("/proc/sys/fs/mqueue/queues_max", limit, sizeof(limit))) == 55, "of POSIX queues: %s", limit);
	verify(atoi(content("/proc/sys/fs/mqueue/msg_max", limit, sizeof(limit))) == 33, "of messages in one: %s", limit);
	verify(atoi(content("/proc/sys/fs/mqueue/msgsize_max", limit, sizeof(limit))) == 9999, "of their bytes: %s", limit);
	verify(atoi(content("/proc/sys/fs/mqueue/msg_default", limit, sizeof(limit))) == 7, "what is usual of the one: %s", limit);
	verify(atoi(content("/proc/sys/fs/mqueue/msgsize_default", limit, sizeof(limit))) == 777, "and of the other: %s", limit);
	at = shmat(shmget(KEY, 0, 0), NULL, 0);
	verify(shmget(KEY, 0, 0) == shm && at != (void *)-1 && !strcmp(at, "not attached"),
	       "a segment that nobody had attached");
	verify(semget(IPC_PRIVATE, 1, 0600) == removed + 1, "the id of what was removed is not given again");
	verify(atoi(content("/proc/sys/kernel/msg_next_id", limit, sizeof(limit))) == 1234567, "the next id: %s", limit);
	verify(semget(KEY, 0, 0) == sem && semctl(sem, 0, GETVAL) == 0, "semaphores that nobody had used");
	memset(&m, 0, sizeof(m));
	verify(msgget(KEY, 0) == msg && msgrcv(msg, &m, sizeof(m.text), 0, IPC_NOWAIT) == sizeof(m.text) &&
	       !strcmp(m.text, "kept"), "a message");
}

/* ---- pid namespaces ---- */

static void nested_body(volatile int *stage)
{
	char self[32] = "";
	int status;
	pid_t child;

	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	child = fork();
	if (child == 0) {
		while (!*stage)
			usleep(1000);
		_exit(getpid() == 2 && getppid() == 1 ? 42 : 1);
	}
	if (fork() == 0) {
		if (fork() == 0) {
			while (!*stage)
				usleep(1000);
			_exit(getppid() == 1 ? 43 : 1);
		}
		_exit(0);	/* an orphan: it has the first process as parent */
	}
	waitpid(3, &status, 0);
	put_text("/proc/sys/vm/memfd_noexec", "2");
	ready();
	wait_for_go();
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	verify(getpid() == 1 && getppid() == 0, "it is the first process of its namespace (pid %d)", getpid());
	verify(n == 1 && !strcmp(self, "1"), "/proc shows its own namespace: %s", self);
	content("/proc/sys/vm/memfd_noexec", self, sizeof(self));
	verify(!strcmp(self, "2"), "memfds are not to be executed there: %s", self);
	*stage = 1;
	verify(waitpid(child, &status, 0) == 2 && WEXITSTATUS(status) == 42, "its child is pid 2 (0x%x)", status);
	verify(waitpid(4, &status, 0) == 4 && WEXITSTATUS(status) == 43, "an orphan is its child (0x%x)", status);
	child = fork();
	if (child == 0)
		_exit(0);
	verify(child == 5, "pids go on: %d", child);
	waitpid(child, &status, 0);
}

static volatile int *shared_page(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* As "unshare --pid --fork --mount-proc" does. */
static void with_nested(void)
{
	volatile int *stage = shared_page();
	int status;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
		return;
	pid_t init = fork();

	if (init == 0) {
		nested_body(stage);
		_exit(0);
	}
	verify(waitpid(init, &status, 0) == init && status == 0, "its parent sees it end");
	pid_t next = fork();

	verify(next < 0 && errno == ENOMEM, "and can make no more there, as ever");
}

static void container(void)
{
	volatile int *stage = shared_page();

	if (unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC) < 0)
		return;
	pid_t init = fork();

	if (init == 0) {
		setsid();
		sethostname("container", 9);
		nested_body(stage);
		char name[65] = "";

		gethostname(name, sizeof(name));
		verify(!strcmp(name, "container"), "the container has its name");
		finished();
		_exit(0);
	}
	char text[16];

	snprintf(text, sizeof(text), "%d", init);
	symlink(text, "/tmp/selftest/container");
	waitpid(init, NULL, 0);
	_exit(0);
}

/* The root of the tree is the first process of its namespace. */
static void container_round(void)
{
	char text[16] = "";
	struct subject s;
	pid_t outside;

	unlink("/tmp/selftest/container");
	if (!subject_start(&s, "container", container))
		return;
	outside = s.pid;
	while (readlink("/tmp/selftest/container", text, sizeof(text) - 1) < 0)
		usleep(1000);
	unlink("/tmp/selftest/container");
	s.pid = atoi(text);
	if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid) &&
	    wait_gone(outside) && subject_restart(&s, IMAGE, NULL)) {
		subject_finish(&s);
	} else {
		kill(outside, SIGKILL);
		subject_end(&s);
	}
	unlink(IMAGE);
}

/* ---- mounts that hand on what is mounted on them ---- */

static void make_file_at(const char *path)
{
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

/* What is mounted on @on is seen at all of @seen, and not at @unseen; then it is unmounted. */
static void handed_on(const char *on, const char *const *seen, const char *unseen)
{
	char path[128];
	bool good;

	snprintf(path, sizeof(path), "/tmp/selftest/%s/sub", on);
	good = mount("handed", path, "tmpfs", 0, NULL) == 0;
	snprintf(path, sizeof(path), "/tmp/selftest/%s/sub/file", on);
	make_file_at(path);
	for (; *seen; seen++) {
		snprintf(path, sizeof(path), "/tmp/selftest/%s/sub/file", *seen);
		good = good && exists(path);
	}
	snprintf(path, sizeof(path), "/tmp/selftest/%s/sub/file", unseen);
	verify(good && !exists(path), "what is mounted on %s is handed on as it was, and not to %s", on, unseen);
	snprintf(path, sizeof(path), "/tmp/selftest/%s/sub", on);
	umount2(path, 0);
}

static void with_peers(void)
{
	static const char *const names[] = { "top", "peer", "slave", "both", "peer2", "alone", "never" };
	char path[64];

	if (!private_mounts())
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/tmp/selftest/%s", names[i]);
		mkdir(path, 0755);
	}
	if (mount("top", "/tmp/selftest/top", "tmpfs", 0, NULL) < 0 || mkdir("/tmp/selftest/top/sub", 0755) < 0 ||
	    mount(NULL, "/tmp/selftest/top", NULL, MS_SHARED, NULL) < 0)
		_exit(90);
	for (size_t i = 1; i < 4; i++) {
		snprintf(path, sizeof(path), "/tmp/selftest/%s", names[i]);
		mount("/tmp/selftest/top", path, NULL, MS_BIND, NULL);
	}
	mount(NULL, "/tmp/selftest/slave", NULL, MS_SLAVE, NULL);
	mount(NULL, "/tmp/selftest/both", NULL, MS_SLAVE, NULL);
	mount(NULL, "/tmp/selftest/both", NULL, MS_SHARED, NULL);
	mount("/tmp/selftest/both", "/tmp/selftest/peer2", NULL, MS_BIND, NULL);
	mount("/tmp/selftest/top", "/tmp/selftest/alone", NULL, MS_BIND, NULL);
	mount(NULL, "/tmp/selftest/alone", NULL, MS_PRIVATE, NULL);
	mount("never", "/tmp/selftest/never", "tmpfs", 0, NULL);
	if (mount(NULL, "/tmp/selftest/never", NULL, MS_UNBINDABLE, NULL) < 0)
		_exit(91);
	pause_here();
	handed_on("top", (const char *const[]){ "peer", "slave", "both", "peer2", NULL }, "alone");
	handed_on("peer", (const char *const[]){ "top", "slave", "both", "peer2", NULL }, "alone");
	handed_on("slave", (const char *const[]){ "slave", NULL }, "top");
	handed_on("both", (const char *const[]){ "peer2", NULL }, "top");
	handed_on("alone", (const char *const[]){ "alone", NULL }, "top");
	verify(mount("/tmp/selftest/never", "/tmp/selftest/alone", NULL, MS_BIND, NULL) < 0, "what was unbindable is");
}

/* ---- bind mounts of what is in a tmpfs of its own, or was removed ---- */

static void with_parts(void)
{
	char text[16];
	struct stat st;

	if (!private_mounts())
		return;
	mkdir("/tmp/selftest/own", 0755);
	mkdir("/tmp/selftest/part", 0755);
	mkdir("/tmp/selftest/gone", 0755);
	mkdir("/tmp/selftest/left", 0755);
	make_file_at("/tmp/selftest/file");
	if (mount("own", "/tmp/selftest/own", "tmpfs", 0, NULL) < 0 || mkdir("/tmp/selftest/own/part", 0755) < 0)
		_exit(90);
	make_file_at("/tmp/selftest/own/part/file");
	put_text("/tmp/selftest/own/part/file", "part");
	if (mount("/tmp/selftest/own/part", "/tmp/selftest/part", NULL, MS_BIND, NULL) < 0 ||
	    mount("/tmp/selftest/own/part/file", "/tmp/selftest/file", NULL, MS_BIND, NULL) < 0 ||
	    mount("/tmp/selftest/gone", "/tmp/selftest/left", NULL, MS_BIND, NULL) < 0 || rmdir("/tmp/selftest/gone") < 0)
		_exit(91);
	if (mkdir("/tmp/selftest/own/part/in", 0755) < 0 || mount("in", "/tmp/selftest/part/in", "tmpfs", 0, NULL) < 0)
		_exit(92);
	make_file_at("/tmp/selftest/part/in/here");
	pause_here();
	verify(exists("/tmp/selftest/part/in/here") && exists("/tmp/selftest/own/part/in") && !exists("/tmp/selftest/own/part/in/here"),
	       "what is mounted in a bind mount only");
	verify(!strcmp(content("/tmp/selftest/part/file", text, sizeof(text)), "part"), "a directory of its own tmpfs: %s", text);
	put_text("/tmp/selftest/file", "file");
	verify(!strcmp(content("/tmp/selftest/own/part/file", text, sizeof(text)), "file"), "a file of it: %s", text);
	verify(stat("/tmp/selftest/left", &st) == 0 && !st.st_nlink && !exists("/tmp/selftest/gone"), "a removed directory");
}

static void with_removed_file(void)
{
	if (!private_mounts())
		return;
	make_file_at("/tmp/selftest/unlinked");
	make_file_at("/tmp/selftest/mounted");
	mount("/tmp/selftest/unlinked", "/tmp/selftest/mounted", NULL, MS_BIND, NULL);
	unlink("/tmp/selftest/unlinked");
	pause_here();
	umount2("/tmp/selftest/mounted", 0);
	unlink("/tmp/selftest/mounted");
}

/* ---- files without a name ---- */

/* On a filesystem that is the outside's, too. */
static void with_unlinked(void)
{
	char text[16] = "", cwd[128];
	struct stat st;
	int fd;

	if (!private_mounts())
		return;
	mkdir("/ckpt/removed", 0755);
	fd = open("/ckpt/removed/unlinked", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || write(fd, "kept", 4) != 4 || chdir("/ckpt/removed") < 0)
		_exit(90);
	unlink("unlinked");
	rmdir("/ckpt/removed");
	pause_here();
	verify(pread(fd, text, sizeof(text), 0) == 4 && !strcmp(text, "kept"), "an unlinked file: %s", text);
	verify(fstat(fd, &st) == 0 && !st.st_nlink, "which has no name");
	verify(stat(".", &st) == 0 && !st.st_nlink && !getcwd(cwd, sizeof(cwd)), "in a directory that was removed");
}

/* ---- mounts ---- */

static void with_mounts(void)
{
	char text[64];
	struct stat st;
	int fd;

	mkdir("/tmp/selftest/a", 0755);
	mkdir("/tmp/selftest/b", 0755);
	mkdir("/tmp/selftest/c", 0755);
	fd = open("/tmp/selftest/a/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "bound", 5) != 5 || !private_mounts())
		return;
	close(fd);
	mount("/tmp/selftest/a", "/tmp/selftest/b", NULL, MS_BIND, NULL);
	mount(NULL, "/tmp/selftest/b", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
	mount("small", "/tmp/selftest/c", "tmpfs", MS_NOSUID, "size=64k,mode=700");
	fd = open("/tmp/selftest/b/file", O_RDONLY | O_CLOEXEC);
	pause_here();
	verify(read(fd, text, 5) == 5 && !memcmp(text, "bound", 5), "a file that was opened through a bind mount");
	verify(!strcmp(content("/tmp/selftest/b/file", text, sizeof(text)), "bound"), "a bind mount shows what it showed");
	verify(open("/tmp/selftest/b/file", O_WRONLY | O_CLOEXEC) < 0 && errno == EROFS, "and is read-only");
	verify(stat("/tmp/selftest/c", &st) == 0 && (st.st_mode & 0777) == 0700, "a tmpfs of its own is there");
	fd = open("/tmp/selftest/c/big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	verify(fd >= 0 && posix_fallocate(fd, 0, 1 << 20) == ENOSPC, "with its size");
	close(fd);
	unlink("/tmp/selftest/a/file");
}

static bool has_line(const char *text)
{
	char room[16384];

	return strstr(whole_content("/proc/self/mountinfo", room, sizeof(room)), text);
}

static bool has_both_procfs(void)
{
	return has_line("- proc hides rw,gid=7,hidepid=invisible\n") && has_line("- proc part rw,subset=pid\n");
}

/* Each procfs says for itself whom it hides, and from whom. */
static void with_hiding_procfs(void)
{
	int status;
	pid_t other;

	mkdir("/tmp/selftest/hides", 0755);
	mkdir("/tmp/selftest/part", 0755);
	if (!private_mounts() || mount("hides", "/tmp/selftest/hides", "proc", 0, "hidepid=invisible,gid=7") < 0 ||
	    mount("part", "/tmp/selftest/part", "proc", 0, "subset=pid") < 0 || !has_both_procfs())
		_exit(90);
	pause_here();
	verify(has_both_procfs(), "with their options");
	verify(exists("/tmp/selftest/part/self/status") && !exists("/tmp/selftest/part/meminfo"), "one shows processes only");
	other = fork();
	if (other == 0)
		_exit(setgid(65534) == 0 && setuid(65534) == 0 && !exists("/tmp/selftest/hides/1") && exists("/proc/1") ? 0 : 1);
	verify(waitpid(other, &status, 0) == other && status == 0, "the other hides those of others");
}

/* ---- overlay ---- */

#define LAYERS	"/ckpt/selftest-layers"

static bool make_overlay(const char *upper)
{
	char options[256];

	mkdir("/tmp/selftest/merged", 0755);
	snprintf(options, sizeof(options), "lowerdir=" LAYERS "/l1:" LAYERS "/l2,upperdir=%s/upper,workdir=%s/work", upper, upper);
	if (mount("over", "/tmp/selftest/merged", "overlay", MS_NODEV, options) == 0)
		return true;
	verify(false, "overlay %s: %s", options, strerror(errno));
	return false;
}

static void make_layers(void)
{
	static const char *const dirs[] = { "", "/l1", "/l2", "/upper", "/work" };
	char path[64];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), LAYERS "%s", dirs[i]);
		mkdir(path, 0755);
	}
	close(open(LAYERS "/l2/lower", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	put_text(LAYERS "/l2/lower", "from below");
	close(open(LAYERS "/l1/gone", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

static void remove_layers(void)
{
	char output[256];

	RUN(output, "/bin/rm", "-rf", LAYERS);
}

static void with_overlay(void)
{
	char text[64] = "";
	struct stat st;
	int lower, upper;

	make_layers();
	if (!private_mounts() || !make_overlay(LAYERS))
		return;
	unlink("/tmp/selftest/merged/gone");
	lower = open("/tmp/selftest/merged/lower", O_RDONLY | O_CLOEXEC);
	upper = open("/tmp/selftest/merged/upper", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	write(upper, "written", 7);
	chdir("/tmp/selftest/merged");
	pause_here();
	verify(read(lower, text, 10) == 10 && !memcmp(text, "from below", 10), "a file of a lower layer");
	verify(pread(upper, text, 7, 0) == 7 && !memcmp(text, "written", 7) && write(upper, " more", 5) == 5,
	       "a file of the upper one, at its position");
	verify(!strcmp(content("upper", text, sizeof(text)), "written more"), "which is where it was: %s", text);
	verify(stat("gone", &st) < 0 && errno == ENOENT, "what was removed is hidden");
	verify(open("/tmp/selftest/merged/dev", O_RDONLY) < 0 && mknod("dev", S_IFCHR | 0600, 0x103) == 0 &&
	       open("dev", O_RDONLY) < 0 && errno == EACCES, "it is nodev");
	chdir("/");
	remove_layers();
}

static void overlay_over_tmpfs(void)
{
	mkdir("/tmp/selftest/c", 0755);
	make_layers();
	if (!private_mounts() || mount("own", "/tmp/selftest/c", "tmpfs", 0, NULL) < 0)
		return;
	mkdir("/tmp/selftest/c/upper", 0755);
	mkdir("/tmp/selftest/c/work", 0755);
	if (make_overlay("/tmp/selftest/c"))
		pause_here();
	remove_layers();
}

static void with_immutable_file(void)
{
	int flags = FS_IMMUTABLE_FL, fd;

	private_mounts();
	mount("small", "/tmp/selftest/c", "tmpfs", 0, NULL);
	fd = open("/tmp/selftest/c/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
	close(fd);
	pause_here();
}

/* ---- clocks ---- */

#define FAR	100000

static long long monotonic_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void ahead(void)
{
	struct timespec until;
	FILE *offsets;
	int timer;
	uint64_t ticks = 0;

	if (unshare(CLONE_NEWTIME) < 0)
		return;
	offsets = fopen("/proc/self/timens_offsets", "we");
	if (!offsets || fprintf(offsets, "monotonic %d 0", FAR) < 0 || fclose(offsets) != 0)
		return;
	pid_t child = fork();

	/* The one in the new namespace is the subject. */
	if (child) {
		waitpid(child, NULL, 0);
		_exit(0);
	}
	setsid();
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 2;
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	timerfd_settime(timer, TFD_TIMER_ABSTIME, &(struct itimerspec){ .it_value = until }, NULL);
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	close(open("/tmp/selftest/pid", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	put_text("/tmp/selftest/pid", pid);
	long long before = monotonic_s();

	pause_here();
	verify(before > FAR && monotonic_s() >= before && monotonic_s() < before + FAR / 2,
	       "its clock goes on: %lld s, then %lld s", before, monotonic_s());
	verify(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0 && monotonic_s() >= until.tv_sec,
	       "a sleep until a time ends then");
	verify(read(timer, &ticks, sizeof(ticks)) == sizeof(ticks) && ticks == 1, "and a timer");
	finished();
	_exit(0);
}

/* The tree is that in the time namespace: twice, the second time as a restart has made it. */
static void clocks(void)
{
	static const char *const image = "/ckpt/selftest-time.img";
	char text[16] = "";
	struct subject s;

	if (!subject_start(&s, "time", ahead))
		return;
	s.pid = atoi(content("/tmp/selftest/pid", text, sizeof(text)));
	if (s.pid <= 0) {
		tap_ok(false, "time: the subject has a namespace");
		return;
	}
	for (int round = 0; round < 2; round++)
		if (!subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL }) || !wait_gone(s.pid) ||
		    !subject_restart(&s, image, NULL)) {
			subject_end(&s);
			return;
		}
	subject_finish(&s);
	unlink(image);
}

/* ---- what is refused ---- */

static void shared_uts(void)
{
	if (unshare(CLONE_NEWUTS) == 0)
		pause_here();
}

static void leaks(void)
{
	struct subject s;

	if (!subject_start(&s, "a shared namespace", shared_uts))
		return;
	subject_leaks(&s, "uts", "outside the tree");
	subject_finish(&s);
}

int main(void)
{
	char before[65], after[65];

	need_checkpoint();
	gethostname(before, sizeof(before));
	subject_round("names and objects", names_and_objects);
	gethostname(after, sizeof(after));
	tap_ok(!strcmp(before, after) && shmget(KEY, 0, 0) < 0, "what is outside has not changed");
	subject_round("nested", with_nested);
	container_round();
	subject_round("unlinked", with_unlinked);
	subject_round("peers", with_peers);
	subject_round("parts", with_parts);
	subject_refused("mount of a removed file", with_removed_file, "shows what has been removed");
	subject_round("mounts", with_mounts);
	subject_round("procfs that hides", with_hiding_procfs);
	clocks();
	subject_round("overlay", with_overlay);
	subject_refused("an overlay whose upper layer is in a tmpfs of its own", overlay_over_tmpfs, "is in a tmpfs of its own");
	subject_refused("an immutable file", with_immutable_file, "immutable");
	leaks();
	return tap_done();
}
