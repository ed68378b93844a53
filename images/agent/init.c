// SPDX-License-Identifier: Apache-2.0
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *type, *target, *options;
	unsigned long flags;
	int optional;	/* the kernel may lack it */
} mounts[] = {
	{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0 },
	{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0 },
	{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID, 0 },
	{ "devpts", "/dev/pts", "gid=5,mode=0620,ptmxmode=0666", MS_NOSUID | MS_NOEXEC, 0 },
	{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV, 0 },
	{ "mqueue", "/dev/mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 1 },
	{ "hugetlbfs", "/dev/hugepages", NULL, MS_NOSUID | MS_NODEV, 1 },
	{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV, 0 },
	{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV, 0 },
	{ "cgroup2", "/sys/fs/cgroup", "nsdelegate", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0 },
	{ "debugfs", "/sys/kernel/debug", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 1 },
	{ "tracefs", "/sys/kernel/tracing", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 1 },
};

void init_log(const char *format, ...)
{
	char text[300];
	va_list arguments;
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	dprintf(fd, "<5>crlab-agent: %s\n", text);
	close(fd);
}

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].target, 0755);
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, mounts[i].flags, mounts[i].options) < 0 &&
		    !mounts[i].optional && errno != EBUSY)
			init_log("mount %s: %s", mounts[i].target, strerror(errno));
	}
}

static void make_link(const char *target, const char *path)
{
	if (symlink(target, path) < 0 && errno != EEXIST)
		init_log("symlink %s: %s", path, strerror(errno));
}

static void bring_loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		init_log("lo: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* Init's own descriptors lead nowhere; nobody it starts inherits the console. */
static void leave_console(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, text, strlen(text));
	close(fd);
}

void init_system(void)
{
	umask(0);
	mount_all();
	umask(022);
	make_link("/proc/self/fd", "/dev/fd");
	make_link("/proc/self/fd/0", "/dev/stdin");
	make_link("/proc/self/fd/1", "/dev/stdout");
	make_link("/proc/self/fd/2", "/dev/stderr");
	leave_console();
	if (sethostname("crlab", strlen("crlab")) < 0)
		init_log("hostname: %s", strerror(errno));
	bring_loopback_up();
	/* The runner must reach the agent when the guest is busy or out of memory. */
	setpriority(PRIO_PROCESS, 0, -10);
	write_text("/proc/self/oom_score_adj", "-1000");
	write_text("/proc/sys/kernel/sysrq", "1");
	(void)!chdir("/");
	/* Ctrl-Alt-Del is a signal to init, not a reset. */
	reboot(RB_DISABLE_CAD);
}

void init_power_off(void)
{
	init_log("power off");
	kill(-1, SIGKILL);
	sync();
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		init_log("remount / read-only: %s", strerror(errno));
	sync();
	reboot(RB_POWER_OFF);
}
