// SPDX-License-Identifier: Apache-2.0
/* What an image says of a tmpfs and of its files is not believed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define TOP	"/tmp/selftest/own"
#define MUTATIONS 300

static void body(void)
{
	int fd;

	mkdir(TOP, 0755);
	if (!private_mounts() ||
	    mount("x", TOP, "tmpfs", 0, NULL) < 0 || chdir(TOP) < 0 || mkdir("dir", 0755) < 0)
		_exit(1);
	fd = open("dir/file", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (write(fd, "contents", 8) != 8 || link("dir/file", "name") < 0 || symlink("name", "link") < 0 ||
	    mkfifo("fifo", 0600) < 0)
		_exit(1);
	pause_here();
}

static mode_t type_of(const void *body)
{
	return ((const struct ckpt_contents *)body)->mode & S_IFMT;
}

static const char *name_of(const void *body)
{
	return (const char *)((const struct ckpt_tmpfs_inode *)body + 1);
}

static bool is_root(const void *body) { return !*name_of(body); }
static bool is_dir(const void *body) { return !strcmp(name_of(body), "dir"); }
static bool is_regular(const void *body) { return type_of(body) == S_IFREG; }
static bool is_link(const void *body) { return type_of(body) == S_IFLNK; }
static bool is_fifo(const void *body) { return type_of(body) == S_IFIFO; }

/* TMPFS_END has no body. */
static bool is_about(uint32_t type)
{
	return type >= CKPT_REC_TMPFS && type < CKPT_REC_TMPFS_END;
}

static void filesystem(void)
{
	struct ckpt_tmpfs *t = record(CKPT_REC_TMPFS, NULL);
	char *at = (char *)(t + 1);

	BAD_FIELD(t->flags, 1U << 31, "an unknown flag", "contradicts itself");
	BAD_FIELD(t->mnt, 0xffff, "in a mount namespace that there is not", "not a mount namespace");
	BAD_FIELD(at[1], 0, "a path that ends early", "contradicts itself");
	BAD_FIELD(at[1], 'x', "a path that leads nowhere", "that is not there");
	BAD_FIELD(*(uint32_t *)(at + 1), 0x002f2f2f, "the root of all, with a tail", "contradicts itself");
}

static void inodes(void)
{
	struct ckpt_tmpfs_inode *root = record(CKPT_REC_TMPFS_INODE, is_root);
	struct ckpt_tmpfs_inode *dir = record(CKPT_REC_TMPFS_INODE, is_dir);
	struct ckpt_tmpfs_inode *file = record(CKPT_REC_TMPFS_INODE, is_regular);
	struct ckpt_tmpfs_inode *link = record(CKPT_REC_TMPFS_INODE, is_link);
	struct ckpt_tmpfs_inode *fifo = record(CKPT_REC_TMPFS_INODE, is_fifo);
	char *name = (char *)(file + 1), *target = (char *)(link + 1) + strlen(name_of(link)) + 1;

	BAD_FIELD(root->dir, 0xffff, "the root of no tmpfs", "no object has objref");
	BAD_FIELD(root->contents.mode, S_IFIFO | 0755, "a root that is no directory", "does not begin with its root");
	BAD_FIELD(dir->dir, root->dir, "a directory in the filesystem itself", "is a TMPFS, not");
	BAD_FIELD(dir->dir, 0xffff, "a directory in nothing", "no object has objref");
	BAD_FIELD(dir->cookie, 0, "the position of .", "position 0");
	BAD_FIELD(dir->cookie, 1ULL << 40, "a position beyond the last", "position 1099511627776");
	BAD_FIELD(file->contents.mode, 0644, "no type", "contradicts itself");
	BAD_FIELD(file->contents.mode, S_IFREG | 0200000, "bits beyond the mode", "contradicts itself");
	BAD_FIELD(file->contents.linkable, 1, "O_TMPFILE that has a name", "contradicts itself");
	BAD_FIELD(file->contents.size, 1ULL << 63, "a size beyond all", "contradicts itself");
	BAD_FIELD(file->contents.uid, -1U, "an owner that cannot be", "is not known here");
	BAD_FIELD(name[0], '/', "a name with a slash", "without a proper name");
	BAD_FIELD(name[0], 0, "a name that ends at once", "contradicts itself");
	BAD_FIELD(*(uint32_t *)name, 0x2e2e, "a name and a target", "contradicts itself");
	BAD_FIELD(target[0], 0, "a link to nothing", "contradicts itself");
	BAD_FIELD(link->contents.mode, S_IFREG | 0777, "a file with a target", "contradicts itself");
	BAD_FIELD(link->contents.size, 4, "a link with a size", "contradicts itself");
	BAD_FIELD(fifo->contents.mode, S_IFLNK | 0777, "a link without a target", "contradicts itself");
	BAD_FIELD(fifo->contents.size, 4096, "a FIFO with a size", "contradicts itself");
}

static void links(void)
{
	struct ckpt_tmpfs_link *l = record(CKPT_REC_TMPFS_LINK, NULL);
	char *name = (char *)(l + 1);

	BAD_FIELD(l->reserved, 1, "a reserved field", "contradicts itself");
	BAD_FIELD(l->dir, 0xffff, "a name in no directory", "no object has objref");
	BAD_FIELD(l->cookie, 2, "the position of ..", "position 2");
	BAD_FIELD(name[1], '/', "a name with a slash", "contradicts itself");
	BAD_FIELD(*(uint32_t *)name, 0x002e2e, "..", "contradicts itself");
}

static void damaged(void)
{
	filesystem();
	inodes();
	links();
}

int main(void)
{
	need_checkpoint();
	mutate_round("badtmpfs", body, damaged, is_about, MUTATIONS);
	return tap_done();
}
