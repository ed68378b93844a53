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
	const char *options;
	bool mounted;
	char dir[64];
} filesystems[] = {
	{ .type = "ext4", .mkfs = { "/sbin/mkfs.ext4", "-qF" } },
	{ .type = "xfs", .mkfs = { "/sbin/mkfs.xfs", "-qf" } },
	{ .type = "btrfs", .mkfs = { "/sbin/mkfs.btrfs", "-qf" } },
	{ .type = "f2fs", .mkfs = { "/sbin/mkfs.f2fs", "-qf" } },
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

static bool make(const struct filesystem *fs, const char *image)
{
	const char *argv[8] = { };
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

static bool mount_loop(struct filesystem *fs)
{
	char image[96], device[32];
	bool good;
	int fd;

	snprintf(image, sizeof(image), WORK "/%s.img", fs->type);
	if (!make(fs, image))
		return false;
	fd = attach(image, device);
	if (fd < 0) {
		tap_diag("no loop device: %s", strerror(errno));
		return false;
	}
	good = mount(device, fs->dir, fs->type, 0, fs->options) == 0;
	if (!good)
		tap_diag("mount %s on %s: %s", fs->type, device, strerror(errno));
	close(fd);
	unlink(image);
	return good;
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
	return mount("overlay", fs->dir, "overlay", 0,
		     "lowerdir=" WORK "/layers/lower,upperdir=" WORK "/layers/upper,workdir=" WORK "/layers/work") == 0;
}

const char *fs_mount(const char *type)
{
	static bool prepared;
	struct filesystem *fs = find(type);
	bool good;

	if (!fs) {
		tap_diag("no filesystem of type %s is known", type);
		return NULL;
	}
	fs_umount(type);
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
		good = mount_loop(fs);
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
	fs->mounted = false;
}

void fs_umount_all(void)
{
	for (struct filesystem *fs = filesystems; fs->type; fs++)
		fs_umount(fs->type);
	umount2(WORK, MNT_DETACH);
}
