// SPDX-License-Identifier: Apache-2.0
/* Mount namespaces whose root is another one than where the restart is made: pivot_root(2). */
/* covers: Namespaces | mnt: another root (pivot_root), a tmpfs or a directory of the outside | supported */
/* covers: Namespaces | mnt: mqueue | supported */
/* covers: Namespaces | mnt: processes that have called chroot(2) in it | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define MQUEUE_MAGIC	0x19800202
#define NEW_ROOT	"/ckpt/selftest-root"

static bool in_place(const char *from, const char *to)
{
	mkdir(to, 0755);
	return mount(from, to, NULL, MS_BIND, NULL) == 0;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return false;
	close(fd);
	return put_text(path, text);
}

/* What was the root before is seen below the new one. */
static void old_below(void)
{
	char text[64], cwd[128];
	struct stat st;

	mkdir("/tmp/selftest/new", 0755);
	if (!private_mounts() || mount("own", "/tmp/selftest/new", "tmpfs", 0, "size=1m") < 0 ||
	    mkdir("/tmp/selftest/new/old", 0755) < 0 || !in_place("/tmp", "/tmp/selftest/new/tmp") ||
	    !write_file("/tmp/selftest/new/here", "here") ||
	    syscall(SYS_pivot_root, "/tmp/selftest/new", "/tmp/selftest/new/old") < 0 || chdir("/old/usr") < 0)
		_exit(90);
	pause_here();
	verify(!strcmp(content("/here", text, sizeof(text)), "here"), "the root is its own");
	verify(stat("/bin", &st) < 0 && stat("/old/bin/sh", &st) == 0, "and the outside below it");
	verify(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/old/usr"), "working directory: %s", cwd);
	verify(put_text("/here", "there") && !strcmp(content("/here", text, sizeof(text)), "there"), "it can be written to");
	verify(stat("/old/proc/self", &st) == 0, "with what is mounted there");
}

/* As a container has it: a directory of the outside, of which nothing else is left. */
static void container(void)
{
	static char mounts[16384];
	struct statfs queues;
	struct stat st;
	char text[64];
	int fd;

	if (unshare(CLONE_NEWNS | CLONE_NEWIPC) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(NEW_ROOT, NEW_ROOT, NULL, MS_BIND, NULL) < 0 || chdir(NEW_ROOT) < 0 || !in_place("/usr", "usr") ||
	    !in_place("/tmp", "tmp") || mkdir("proc", 0755) < 0 || mkdir("dev", 0755) < 0 || mkdir("etc", 0755) < 0 ||
	    !write_file("etc/name", "container") || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
	    chdir("/") < 0 || mount("proc", "/proc", "proc", MS_NOSUID, NULL) < 0 ||
	    mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, "mode=755") < 0 || mkdir("/dev/mqueue", 0755) < 0 ||
	    mount("mqueue", "/dev/mqueue", "mqueue", 0, NULL) < 0 || mknod("/dev/null", S_IFCHR | 0666, 0x103) < 0)
		_exit(91);
	mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL);
	/* That of the outside is no longer mounted here. */
	fd = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	close(fd);
	fd = open("/etc/name", O_RDWR | O_CLOEXEC);
	pause_here();
	verify(read(fd, text, sizeof(text)) == 9 && !strncmp(text, "container", 9), "a file of the root");
	verify(stat("/ckpt", &st) < 0 && stat("/usr/bin", &st) == 0, "nothing else of the outside is there");
	verify(statfs("/dev/mqueue", &queues) == 0 && queues.f_type == MQUEUE_MAGIC, "message queues");
	verify(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0x103, "/dev, with what is in it");
	verify(stat("/proc/self/exe", &st) == 0, "/proc");
	verify(strstr(whole_content("/proc/self/mountinfo", mounts, sizeof(mounts)), "shared:"), "what is mounted is shared");
}

/* The root directory of the process is not that of its namespace: it sees less than there is. */
static void chrooted(void)
{
	struct stat st;
	char cwd[64];

	mkdir("/tmp/selftest/jail", 0755);
	mkdir("/tmp/selftest/jail/sub", 0755);
	if (!private_mounts() || !in_place("/tmp", "/tmp/selftest/jail/tmp") || chroot("/tmp/selftest/jail") < 0 ||
	    chdir("/sub") < 0)
		_exit(92);
	pause_here();
	verify(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/sub"), "working directory: %s", cwd);
	verify(stat("/usr", &st) < 0 && stat("/tmp/selftest", &st) == 0, "its root directory, with what is mounted in it");
	rmdir("/sub");
}

int main(void)
{
	static const char *const made[] = { "usr", "tmp", "proc", "dev", "etc", "" };
	char path[128];

	need_checkpoint();
	subject_round("old root below", old_below);
	subject_round("chroot", chrooted);
	mkdir(NEW_ROOT, 0755);
	subject_round("container", container);
	unlink(NEW_ROOT "/etc/name");
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		snprintf(path, sizeof(path), NEW_ROOT "/%s", made[i]);
		rmdir(path);
	}
	return tap_done();
}
