/* SPDX-License-Identifier: Apache-2.0 */
/* Filesystems that a test makes for itself, on loop devices. */
#ifndef FILESYSTEMS_H
#define FILESYSTEMS_H

#include <stdbool.h>

/*
 * A fresh filesystem of @type (ext4, xfs, btrfs, f2fs; tmpfs; overlay, whose
 * layers are on a fresh tmpfs), mounted: returns its directory. NULL, with a
 * diagnostic that says why, if it cannot be had. One of each type at a time.
 * The lower layer of an overlay has a file "lower": the numbers to 4000, a line
 * each.
 */
const char *fs_mount(const char *type);
/* The same, made with one more option for mkfs, and mounted with options. */
const char *fs_mount_with(const char *type, const char *mkfs_option, const char *mount_options);
void fs_umount(const char *type);

/*
 * Unmount it, and have its own checker look, without repair: is it clean? What
 * it says is a diagnostic if not. fs_remount() mounts the same one again.
 */
bool fs_check(const char *type);
const char *fs_remount(const char *type);
/* Its block device, or NULL. */
const char *fs_device(const char *type);

/* All that are mounted. Also done when the test exits. */
void fs_umount_all(void);

#endif
