// SPDX-License-Identifier: Apache-2.0
/*
 * The rules of relink, each broken on purpose: nothing is named that must not
 * be, the reason is told, and nothing is left behind.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "cases.h"
#include "filesystems.h"
#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-rules.img"
#define IMAGE2	"/ckpt/selftest-rules2.img"

/* The caller who is nobody but for these: may checkpoint others, and no more. */
#define AS_USER(caps)	"/usr/bin/setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", \
			"--inh-caps", caps, "--ambient-caps", caps
#define FEW_CAPS	"+checkpoint_restore,+sys_ptrace"

static char names[160], path[200];

static const char *in_dir(const char *name)
{
	snprintf(path, sizeof(path), "%s/rules-%s", case_dir, name);
	return path;
}

static bool make_names(mode_t mode, uid_t uid)
{
	snprintf(names, sizeof(names), "%s/rules-names", case_dir);
	rmdir(names);
	return mkdir(names, 0700) == 0 && chown(names, uid, uid) == 0 && chmod(names, mode) == 0;
}

static int entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

static int held_fd;

static void held_body(void)
{
	held_fd = open(in_dir("file"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (held_fd < 0 || write(held_fd, "contents", 8) != 8)
		_exit(1);
	fchmod(held_fd, 0666);
	unlink(in_dir("file"));
	pause_here();

	char text[9] = "";

	verify(pread(held_fd, text, 8, 0) == 8 && !strcmp(text, "contents"), "contents");
}

static char pid_text[16];

static bool start(struct subject *s, const char *name)
{
	if (!subject_start(s, name, held_body))
		return false;
	snprintf(pid_text, sizeof(pid_text), "%d", s->pid);
	return true;
}

static unsigned long links_of(pid_t pid)
{
	char fd[64];
	struct stat st;

	snprintf(fd, sizeof(fd), "/proc/%d/fd/3", pid);
	return stat(fd, &st) < 0 ? 99 : st.st_nlink;
}

/* @output tells of a refusal for a reason; nothing was named. */
static void refused(struct subject *s, int status, const char *output, const char *why)
{
	tap_ok(status == 1 && strstr(output, why), "%s: refused: \"%s\" (exit %d: %s)", s->name, why, status, output);
	tap_ok(entries(names) == 0 && links_of(s->pid) == 0, "%s: nothing was named", s->name);
	subject_finish(s);
	rmdir(names);
	unlink(IMAGE);
}

static void with_dir(const char *name, mode_t mode, uid_t uid, const char *why)
{
	struct subject s;
	char output[8192];

	if (!make_names(mode, uid) || !start(&s, name))
		return;
	refused(&s, RUN(output, checkpoint_path, "-o", IMAGE, "--relink-dir", names, pid_text), output, why);
}

static void open_dir(void)
{
	with_dir("open-dir", 0755, 0, "0700");
}

static void foreign_dir(void)
{
	with_dir("foreign-dir", 0700, 1000, "0700");
}

static void other_superblock(void)
{
	struct subject s;
	char output[8192];

	make_names(0700, 0);
	mkdir("/run/selftest-names", 0700);
	if (start(&s, "other-superblock"))
		refused(&s, RUN(output, checkpoint_path, "-o", IMAGE, "--relink-dir", "/run/selftest-names", pid_text), output,
			"on its filesystem");
	rmdir("/run/selftest-names");
}

static void read_only_mount(void)
{
	struct subject s;
	char output[8192], command[512];

	make_names(0700, 0);
	mkdir("/run/selftest-ro", 0700);
	snprintf(command, sizeof(command), "mount --bind %s /run/selftest-ro && mount -o remount,bind,ro /run/selftest-ro", names);
	if (RUN(output, "/bin/sh", "-c", command)) {
		tap_ok(false, "read-only-mount: %s", output);
		return;
	}
	if (start(&s, "read-only-mount")) {
		int status = RUN(output, checkpoint_path, "-o", IMAGE, "--relink-dir", "/run/selftest-ro", pid_text);

		refused(&s, status, output, "read-only");
	}
	umount2("/run/selftest-ro", MNT_DETACH);
	rmdir("/run/selftest-ro");
	rmdir(names);
}

/* The file may be read by everybody, but nobody else ever had a path to it. */
static void poor_caller(void)
{
	struct subject s;
	char output[8192];

	chmod("/ckpt", 01777);
	if (!make_names(0700, 1000) || !start(&s, "poor-caller"))
		return;
	refused(&s, RUN(output, AS_USER(FEW_CAPS), checkpoint_path, "-o", IMAGE, "--relink-dir", names, pid_text), output,
		"CAP_DAC_READ_SEARCH");
	if (!make_names(0700, 1000) || !start(&s, "poor-caller"))
		return;

	int status = RUN(output, AS_USER(FEW_CAPS ",+dac_read_search"), checkpoint_path, "-o", IMAGE, "--relink-dir", names,
			 pid_text);

	tap_ok(status == 0 && entries(names) == 1, "poor-caller: with CAP_DAC_READ_SEARCH it is named (%d: %s)", status, output);
	subject_finish(&s);
	snprintf(output, sizeof(output), "rm -r %s", names);
	RUN(output, "/bin/sh", "-c", output);
	unlink(IMAGE);
	status = RUN(output, AS_USER("-all"), checkpoint_path, "-o", IMAGE, "--relink-dir", "/tmp", "1");
	tap_ok(status == 1 && output[0], "poor-caller: without any capability it is refused: %s", output);
}

/* In a user namespace: root there, but the file's owner does not exist in it. */
static void user_namespace(void)
{
	char output[8192], command[1024];

	if (!make_names(0700, 1000))
		return;
	snprintf(command, sizeof(command),
		 "exec 9<>%s; chmod 666 %s; rm %s; "
		 "setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-root-user sh -c '"
		 "sleep 1000 < /dev/null > /dev/null 2>&1 & pid=$!; sleep 0.3; "
		 "%s -o /ckpt/selftest-ns.img --relink-dir %s $pid; status=$?; kill -9 $pid; exit $status'",
		 in_dir("file"), in_dir("file"), in_dir("file"), checkpoint_path, names);
	chmod("/ckpt", 01777);

	int status = RUN(output, "/bin/sh", "-c", command);

	tap_ok(status == 1 && strstr(output, "user namespace"), "user-namespace: refused (%d: %s)", status, output);
	tap_ok(entries(names) == 0, "user-namespace: nothing was named");
	rmdir(names);
	unlink("/ckpt/selftest-ns.img");
}

/* A directory outside the caller's root, as a descriptor. */
static void change_root(void)
{
	struct subject s;
	int status;

	if (!make_names(0700, 0) || !start(&s, "change-root"))
		return;
	mkdir("/tmp/selftest-root", 0700);
	pid_t caller = fork();

	if (caller == 0) {
		int dir = open(names, O_DIRECTORY | O_RDONLY), image = open(IMAGE, O_WRONLY | O_CREAT, 0600);
		struct checkpoint_args args = {
			.pid = s.pid, .image_fd = image, .log_fd = -1, .nr_relink_fds = 1, .relink_fds = (uintptr_t)&dir,
		};

		if (chroot("/tmp/selftest-root") < 0 || chdir("/") < 0)
			_exit(2);
		_exit(syscall(__NR_checkpoint_x86_64, &args, sizeof(args)) < 0 ? 1 : 0);
	}
	waitpid(caller, &status, 0);
	refused(&s, WEXITSTATUS(status), "", "");
	rmdir("/tmp/selftest-root");
}

/* From now on this process and its children make files and move them between directories only below @dirs. */
static void confine_to(const char *const *dirs)
{
	const __u64 rights = LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER;
	struct landlock_ruleset_attr attr = { .handled_access_fs = rights };
	int rules = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	for (; *dirs; dirs++) {
		struct landlock_path_beneath_attr below = {
			.allowed_access = rights, .parent_fd = open(*dirs, O_PATH | O_CLOEXEC),
		};

		if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) < 0)
			_exit(1);
		close(below.parent_fd);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		_exit(1);
	close(rules);
}

/* A checkpoint by one whom a security module confines; what it looks at is in the same domain. */
static void confined(bool may_name)
{
	const char *const dirs[] = { scratch, "/ckpt", in_dir("held"), may_name ? names : NULL, NULL };
	char output[8192], pid[16];
	int status, ready[2];
	char byte;

	mkdir(in_dir("held"), 0700);
	confine_to(dirs);
	if (pipe(ready) < 0)
		_exit(1);
	pid_t child = fork();

	if (child == 0) {
		held_fd = open(in_dir("held/file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (held_fd < 0 || unlink(in_dir("held/file")) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	verify(read(ready[0], &byte, 1) == 1, "a file is held");
	snprintf(pid, sizeof(pid), "%d", child);
	status = RUN(output, checkpoint_path, "-o", IMAGE, "--relink-dir", names, pid);
	if (may_name)
		verify(status == 0 && entries(names) == 1, "a security module allows it: named (%d: %s)", status, output);
	else
		verify(status == 1 && strstr(output, "a security module") && entries(names) == 0,
		       "a security module forbids it: refused, nothing named (%d: %s)", status, output);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	pause_here();
}

static void confined_body(void)
{
	confined(false);
}

static void confined_allowed_body(void)
{
	confined(true);
}

static void security_module(void)
{
	static void (*const bodies[])(void) = { confined_body, confined_allowed_body };
	char output[8192], command[512];
	struct subject s;

	for (int i = 0; i < 2; i++) {
		if (!make_names(0700, 0) || !subject_start(&s, "security-module", bodies[i]))
			return;
		subject_finish(&s);
		unlink(IMAGE);
		snprintf(command, sizeof(command), "rm -rf %s %s", names, in_dir("held"));
		RUN(output, "/bin/sh", "-c", command);
	}
}

static void set_flags(pid_t pid, int flags)
{
	char fd[64];
	int file;

	snprintf(fd, sizeof(fd), "/proc/%d/fd/3", pid);
	file = open(fd, O_RDONLY | O_CLOEXEC);
	if (file < 0 || ioctl(file, FS_IOC_SETFLAGS, &flags) < 0)
		tap_diag("flags %x: %s", flags, strerror(errno));
	close(file);
}

static void with_flag(const char *name, int flag)
{
	struct subject s;
	char output[8192];
	int status;

	if (!make_names(0700, 0) || !start(&s, name))
		return;
	set_flags(s.pid, flag);
	status = RUN(output, checkpoint_path, "-o", IMAGE, "--relink-dir", names, pid_text);
	set_flags(s.pid, 0);
	refused(&s, status, output, "append-only or immutable");
}

static void append_only(void)
{
	with_flag("append-only", FS_APPEND_FL);
}

static void immutable(void)
{
	with_flag("immutable", FS_IMMUTABLE_FL);
}

/* So many names of this length fit into the first block of a directory. */
static int fill_directory(const char *dir, const char *target, int limit)
{
	struct stat st;
	char name[1200];
	int n;

	for (n = 0; n < limit; n++) {
		snprintf(name, sizeof(name), "%s/%034d-%05d", dir, 0, n);
		if (link(target, name) < 0)
			return -1;
		stat(dir, &st);
		if (st.st_size > 4096)
			return n;
	}
	return n;
}

/* The user's blocks are used up. A name costs him nothing, unless the directory for names, his own, must grow. */
static void quota(void)
{
	const char *dir = fs_mount_with("ext4", "-Oquota", "usrquota");
	char output[8192], command[1024], target[200], before[4096], after[4096];
	const char *saved = case_dir;
	struct subject s;
	int status, fits;

	if (!dir) {
		tap_ok(false, "quota: ext4 with quota");
		return;
	}
	case_dir = dir;
	make_names(0700, 0);
	snprintf(command, sizeof(command), "setquota -u 1000 0 64 0 0 %s", dir);
	status = RUN(output, "/bin/sh", "-c", command);
	tap_ok(status == 0, "quota: there is a limit: %s", output);
	if (!start(&s, "quota"))
		goto out;
	snprintf(command, sizeof(command),
		 "chown 1000:1000 /proc/%d/fd/3 && mkdir -p %s/full && chown 1000 %s/full && chmod 700 %s/full", s.pid, dir,
		 dir, dir);
	RUN(output, "/bin/sh", "-c", command);
	/* As the user: until nothing more goes in. */
	snprintf(command, sizeof(command), "setpriv --reuid 1000 --regid 1000 --clear-groups sh -c 'dd if=/dev/zero of=%s/full/ballast bs=1k 2>&1'",
		 dir);
	RUN(output, "/bin/sh", "-c", command);
	tap_ok(strstr(output, "quota exceeded") != NULL, "quota: it is used up");
	RUN(before, "/bin/sh", "-c", "quota -w -u 1000 2>/dev/null | grep loop");
	status = RUN(output, checkpoint_path, "-o", IMAGE, "--kill", "--relink-dir", names, pid_text);
	tap_ok(status == 0 && wait_gone(s.pid), "quota: a file of the user is named all the same (%d: %s)", status, output);
	tap_ok(subject_restart(&s, IMAGE, NULL), "quota: and restored");
	RUN(after, "/bin/sh", "-c", "quota -w -u 1000 2>/dev/null | grep loop");
	tap_ok(!strncmp(before, after, 60) && before[0], "quota: he uses as much as before: %s", after);

	/* Now a directory for names of his own, whose block is full. */
	snprintf(target, sizeof(target), "%s/target", dir);
	snprintf(command, sizeof(command), "touch %s; mkdir %s/try; mkdir %s/names1000", target, dir, dir);
	RUN(output, "/bin/sh", "-c", command);
	snprintf(command, sizeof(command), "%s/try", dir);
	fits = fill_directory(command, target, 200);
	snprintf(names, sizeof(names), "%s/names1000", dir);
	fill_directory(names, target, fits);
	snprintf(command, sizeof(command), "chown 1000:1000 %s && chmod 700 %s", names, names);
	RUN(output, "/bin/sh", "-c", command);
	chmod("/ckpt", 01777);
	snprintf(pid_text, sizeof(pid_text), "%d", s.pid);
	unlink(IMAGE);
	status = RUN(output, AS_USER(FEW_CAPS), checkpoint_path, "-o", IMAGE, "--relink-dir", names, pid_text);
	tap_ok(status == 1 && strstr(output, "quota"), "quota: a directory that cannot grow (%d: %s)", status, output);
	tap_ok(entries(names) == fits && links_of(s.pid) == 0, "quota: nothing was named");
	subject_finish(&s);
	tap_ok(fs_check("ext4"), "quota: the filesystem is clean, and its quota right");
out:
	subject_end(&s);
	fs_umount("ext4");
	unlink(IMAGE);
	case_dir = saved;
}

/* Several at once, which share the directory that the tool makes. */
static void at_once(void)
{
	enum { N = 6 };
	pid_t pids[N], tools[N];
	char image[N][64], pid[16], file[200];
	int status, good = 0;

	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			int null = open("/dev/null", O_RDWR);

			setsid();
			dup2(null, 0);
			dup2(null, 1);
			dup2(null, 2);
			close_range(3, ~0U, 0);
			snprintf(file, sizeof(file), "%s/rules-once.%d", case_dir, getpid());
			if (open(file, O_RDWR | O_CREAT, 0600) < 0 || unlink(file) < 0)
				_exit(1);
			pause();
			_exit(0);
		}
	}
	for (int i = 0; i < N; i++) {
		do
			snprintf(file, sizeof(file), "/proc/%d/fd/3", pids[i]);
		while (!exists(file) || (snprintf(file, sizeof(file), "%s/rules-once.%d", case_dir, pids[i]), exists(file)));
	}
	for (int i = 0; i < N; i++) {
		snprintf(image[i], sizeof(image[i]), "/ckpt/selftest-once%d.img", i);
		tools[i] = fork();
		if (tools[i] == 0) {
			snprintf(pid, sizeof(pid), "%d", pids[i]);
			/* One tree at a time comes to rest. */
			for (;;) {
				pid_t tool = fork();

				if (tool == 0) {
					int null = open("/dev/null", O_RDWR);

					dup2(null, 2);
					execl(checkpoint_path, "checkpoint", "-o", image[i], "--kill", pid, NULL);
					_exit(127);
				}
				waitpid(tool, &status, 0);
				if (status == 0)
					_exit(0);
				if (kill(pids[i], 0) < 0)
					_exit(1);
				usleep(20000);
			}
		}
	}
	for (int i = 0; i < N; i++) {
		waitpid(tools[i], &status, 0);
		good += status == 0;
		wait_gone(pids[i]);
	}
	tap_ok(good == N, "at-once: %d of %d checkpoints that share a directory for names", good, N);
	good = 0;
	for (int i = 0; i < N; i++) {
		char output[4096];

		good += RUN(output, restart_path, "-i", image[i], "--detach") == 0;
		kill(pids[i], SIGKILL);
		unlink(image[i]);
	}
	tap_ok(good == N, "at-once: %d of %d restored", good, N);
}

/* What no image needs any more is found and deleted, and nothing else. */
static void collect(void)
{
	struct subject s;
	char output[8192], command[512];
	int dir, status;

	if (!make_names(0700, 0) || !start(&s, "collect"))
		return;
	const char *const options[] = { "--relink-dir", names, NULL };

	if (!subject_checkpoint(&s, IMAGE, options) || !subject_checkpoint(&s, IMAGE2, options))
		goto out;
	tap_ok(entries(names) == 2, "collect: two images, two names");
	status = RUN(output, ckptinfo_path, "--list", "/ckpt");
	tap_ok(status == 0 && strstr(output, "needed by " IMAGE "\n") == NULL ? strstr(output, IMAGE) != NULL : true,
	       "collect: both are listed: %s", output);
	unlink(IMAGE);
	status = RUN(output, ckptinfo_path, "--list", "--relink-dir", names, "/ckpt");
	tap_ok(status == 0 && strstr(output, "needed by no image") && entries(names) == 2,
	       "collect: a list names what is needless, and deletes nothing (%d: %s)", status, output);

	dir = open(names, O_DIRECTORY | O_RDONLY);
	flock(dir, LOCK_SH);
	status = RUN(output, ckptinfo_path, "--gc", "--relink-dir", names, "/ckpt");
	tap_ok(status == 1 && strstr(output, "in use") && entries(names) == 2,
	       "collect: not while a checkpoint is being taken (%d: %s)", status, output);
	close(dir);

	status = RUN(output, ckptinfo_path, "--gc", "--relink-dir", names, "/ckpt");
	tap_ok(status == 0 && entries(names) == 1, "collect: only what is needless goes (%d: %s)", status, output);
	kill(s.pid, SIGKILL);
	wait_gone(s.pid);
	if (subject_restart(&s, IMAGE2, NULL))
		subject_finish(&s);
	tap_ok(entries(names) == 0, "collect: the other image restores, and its name is gone");
out:
	subject_end(&s);
	unlink(IMAGE);
	unlink(IMAGE2);
	snprintf(command, sizeof(command), "rm -rf %s", names);
	RUN(output, "/bin/sh", "-c", command);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "open-dir", open_dir, "ext4 tmpfs" },
		{ "foreign-dir", foreign_dir, "ext4 tmpfs" },
		{ "other-superblock", other_superblock, "ext4" },
		{ "read-only-mount", read_only_mount, "ext4 xfs" },
		{ "poor-caller", poor_caller, "ext4 tmpfs xfs btrfs f2fs overlay" },
		{ "user-namespace", user_namespace, "ext4" },
		{ "change-root", change_root, "ext4" },
		{ "security-module", security_module, "ext4 tmpfs btrfs" },
		{ "append-only", append_only, "ext4 xfs btrfs f2fs" },
		{ "immutable", immutable, "ext4 xfs btrfs f2fs" },
		{ "quota", quota, "ext4" },
		{ "at-once", at_once, "ext4" },
		{ "collect", collect, "ext4 xfs" },
		{ },
	};

	return run_cases(argc, argv, cases);
}
