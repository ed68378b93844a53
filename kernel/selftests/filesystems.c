// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "filesystems.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define WORK		"/run/selftest-fs"
#define IMAGE_BYTES	(512L << 20)	/* sparse; xfs wants 300 MiB */

static struct filesystem {
	const char *type;
	const char *mkfs[6];
	const char *fsck;	/* looks, does not touch */
	const char *options;
	bool mounted;
	char dir[64];
	char device[32];
	int fd;			/* keeps the device while it is not mounted */
} filesystems[] = {
	{ .type = "ext4", .mkfs = { "/sbin/mkfs.ext4", "-qF" }, .fsck = "e2fsck -fn" },
	{ .type = "xfs", .mkfs = { "/sbin/mkfs.xfs", "-qf" }, .fsck = "xfs_repair -n" },
	{ .type = "btrfs", .mkfs = { "/sbin/mkfs.btrfs", "-qf" }, .fsck = "btrfs check --readonly" },
	{ .type = "f2fs", .mkfs = { "/sbin/mkfs.f2fs", "-qf" }, .fsck = "fsck.f2fs --dry-run" },
	{ .type = "tmpfs" },
	{ .type = "overlay" },
	{ },
};

static struct filesystem *find(const char *type)
{
	for (struct filesystem *fs = filesystems; fs->type; fs++)
		if (!strcmp(fs->type, type))
			return fs;
	return NULL;
}

static bool make(const struct filesystem *fs, const char *image, const char *option)
{
	const char *argv[10] = { };
	char output[2048];
	int n = 0, fd;

	fd = open(image, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, IMAGE_BYTES) < 0) {
		tap_diag("%s: %s", image, strerror(errno));
		return false;
	}
	close(fd);
	while (fs->mkfs[n]) {
		argv[n] = fs->mkfs[n];
		n++;
	}
	if (option)
		argv[n++] = option;
	argv[n] = image;
	if (run_command(output, sizeof(output), argv) == 0)
		return true;
	tap_diag("%s: %s", fs->mkfs[0], output);
	return false;
}

/* Returns the open device, or -1. It is let go when nobody has it open or mounted. */
static int attach(const char *image, char device[32])
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int nr = ioctl(control, LOOP_CTL_GET_FREE), fd, file;
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };

	close(control);
	snprintf(device, 32, "/dev/loop%d", nr);
	if (nr < 0)
		return -1;
	mknod(device, S_IFBLK | 0600, makedev(7, nr));
	fd = open(device, O_RDWR | O_CLOEXEC);
	file = open(image, O_RDWR | O_CLOEXEC);
	config.fd = file;
	if (ioctl(fd, LOOP_CONFIGURE, &config) < 0) {
		close(fd);
		fd = -1;
	}
	close(file);
	return fd;
}

static bool mount_device(struct filesystem *fs)
{
	if (mount(fs->device, fs->dir, fs->type, 0, fs->options) == 0)
		return true;
	tap_diag("mount %s on %s: %s", fs->type, fs->device, strerror(errno));
	return false;
}

static bool mount_loop(struct filesystem *fs, const char *mkfs_option)
{
	char image[96];

	snprintf(image, sizeof(image), WORK "/%s.img", fs->type);
	if (!make(fs, image, mkfs_option))
		return false;
	fs->fd = attach(image, fs->device);
	if (fs->fd < 0) {
		tap_diag("no loop device: %s", strerror(errno));
		return false;
	}
	unlink(image);
	if (mount_device(fs))
		return true;
	close(fs->fd);
	return false;
}

static void write_lower_file(void)
{
	FILE *file = fopen(WORK "/layers/lower/lower", "we");

	for (int i = 1; file && i <= 4000; i++)
		fprintf(file, "%d\n", i);
	if (file)
		fclose(file);
}

static bool mount_overlay(struct filesystem *fs)
{
	const char *layers = WORK "/layers";

	mkdir(layers, 0755);
	if (mount("tmpfs", layers, "tmpfs", 0, NULL) < 0)
		return false;
	mkdir(WORK "/layers/lower", 0755);
	mkdir(WORK "/layers/upper", 0755);
	mkdir(WORK "/layers/work", 0755);
	write_lower_file();
	return mount("overlay", fs->dir, "overlay", 0,
		     "lowerdir=" WORK "/layers/lower,upperdir=" WORK "/layers/upper,workdir=" WORK "/layers/work") == 0;
}

const char *fs_mount(const char *type)
{
	return fs_mount_with(type, NULL, NULL);
}

const char *fs_mount_with(const char *type, const char *mkfs_option, const char *mount_options)
{
	static bool prepared;
	struct filesystem *fs = find(type);
	bool good;

	if (!fs) {
		tap_diag("no filesystem of type %s is known", type);
		return NULL;
	}
	fs_umount(type);
	fs->options = mount_options;
	if (!prepared) {
		mkdir(WORK, 0755);
		/* The images are sparse: they take what is written. */
		if (mount("tmpfs", WORK, "tmpfs", 0, NULL) < 0)
			tap_diag("%s: %s", WORK, strerror(errno));
		atexit(fs_umount_all);
		prepared = true;
	}
	snprintf(fs->dir, sizeof(fs->dir), WORK "/%s", type);
	mkdir(fs->dir, 0755);
	if (fs->mkfs[0])
		good = mount_loop(fs, mkfs_option);
	else if (!strcmp(type, "overlay"))
		good = mount_overlay(fs);
	else
		good = mount(type, fs->dir, type, 0, NULL) == 0;
	if (!good)
		return NULL;
	fs->mounted = true;
	chmod(fs->dir, 0777);
	return fs->dir;
}

void fs_umount(const char *type)
{
	struct filesystem *fs = find(type);

	if (!fs || !fs->mounted)
		return;
	umount2(fs->dir, MNT_DETACH);
	if (!strcmp(type, "overlay"))
		umount2(WORK "/layers", MNT_DETACH);
	if (fs->mkfs[0])
		close(fs->fd);
	fs->mounted = false;
}

bool fs_check(const char *type)
{
	struct filesystem *fs = find(type);
	char command[128], output[8192];
	int status;

	if (umount2(fs->dir, 0) < 0) {
		tap_diag("%s: %s", fs->dir, strerror(errno));
		return false;
	}
	snprintf(command, sizeof(command), "%s %s", fs->fsck, fs->device);
	status = RUN(output, "/bin/sh", "-c", command);
	if (status)
		tap_diag("%s: exit %d: %s", command, status, output);
	return status == 0;
}

const char *fs_remount(const char *type)
{
	struct filesystem *fs = find(type);

	return mount_device(fs) ? fs->dir : NULL;
}

const char *fs_device(const char *type)
{
	struct filesystem *fs = find(type);

	return fs && fs->mounted && fs->mkfs[0] ? fs->device : NULL;
}

void fs_umount_all(void)
{
	for (struct filesystem *fs = filesystems; fs->type; fs++)
		fs_umount(fs->type);
	umount2(WORK, MNT_DETACH);
}
