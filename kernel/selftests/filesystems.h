/* SPDX-License-Identifier: Apache-2.0 */
/* Filesystems that a test makes for itself, on loop devices. */
#ifndef FILESYSTEMS_H
#define FILESYSTEMS_H

/*
 * A fresh filesystem of @type (ext4, xfs, btrfs, f2fs; tmpfs; overlay, whose
 * layers are on a fresh tmpfs), mounted: returns its directory. NULL, with a
 * diagnostic that says why, if it cannot be had. One of each type at a time.
 */
const char *fs_mount(const char *type);
void fs_umount(const char *type);

/* All that are mounted. Also done when the test exits. */
void fs_umount_all(void);

#endif
