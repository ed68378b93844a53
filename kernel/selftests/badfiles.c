// SPDX-License-Identifier: Apache-2.0
/* What an image says of files is not believed: every field that is wrong ends in an error that names it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define MUTATIONS 200
#define FILENAME "/data/selftest-badfiles"

static void body(void)
{
	int fd = open(FILENAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5 };

	if (write(fd, "0123456789", 10) != 10)
		_exit(1);
	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETLK, &fl);
	flock(fd, LOCK_EX);
	pause_here();
	unlink(FILENAME);
}

static bool is_our_file(const void *body)
{
	const struct ckpt_file *f = body;

	return !strcmp((const char *)(f + 1), FILENAME);
}

static bool is_posix(const void *body) { return ((const struct ckpt_lock *)body)->kind == CKPT_LOCK_POSIX; }
static bool is_flock(const void *body) { return ((const struct ckpt_lock *)body)->kind == CKPT_LOCK_FLOCK; }

static void files(void)
{
	struct ckpt_file *f = record(CKPT_REC_FILE, is_our_file);

	if (!f) {
		tap_ok(false, "the image has the file");
		return;
	}
	BAD_FIELD(f->kind, 99, "unknown kind", "unknown kind 99");
	BAD_FIELD(f->f_flags, f->f_flags | 1U << 30, "unknown flag", "unknown flags");
	BAD_FIELD(f->f_flags, O_CREAT | O_RDWR, "O_CREAT", "unknown flags");
	BAD_FIELD(f->f_flags, O_TRUNC | O_RDWR, "O_TRUNC", "unknown flags");
	BAD_FIELD(f->f_flags, O_PATH | O_RDWR, "O_PATH with access", "O_PATH with flags");
	BAD_FIELD(f->flags, 0x80, "unknown flag of the record", "unknown flags");
	BAD_FIELD(f->flags, CKPT_FILE_NAME_GIVEN, "a name that no checkpoint gave", "not the name of a relinked file");
	BAD_FIELD(f->kind, CKPT_FILE_RELINKED, "an ordinary name as a relinked one", "not the name of a relinked file");
	BAD_FIELD(f->kind, CKPT_FILE_TTY, "an ordinary file as a terminal", "has no place here");
	BAD_FIELD(f->advice, 0x80, "unknown advice", "unknown flags");
	BAD_FIELD(f->pos, -1, "negative position", "position -1");
	BAD_FIELD(f->ino, f->ino + 1, "another inode", "another file now");
	BAD_FIELD(f->generation, f->generation + 1, "another generation", "generation");
	BAD_FIELD(f->fs_uuid[3], f->fs_uuid[3] ^ 1, "another filesystem", "another filesystem now");
	BAD_FIELD(f->fs_magic, 0x1234, "another type of filesystem", "another type now");
	BAD_FIELD(f->mode, S_IFDIR | 0755, "another type of file", "another type now");
	BAD_FIELD(f->cred, 0xffff, "credentials that are not there", "no object has objref");
	BAD_FIELD(f->owner_type, 9, "unknown kind of owner", "no valid owner");
	BAD_FIELD(f->owner_pid, 1, "an owner outside the tree", "no task with pid 1");
	BAD_FIELD(f->owner_pid, -5, "a negative owner", "no task with pid -5");
	BAD_FIELD(f->owner_sig, 999, "unknown signal", "cannot send signal 999");
	BAD_FIELD(((char *)(f + 1))[0], 'x', "a relative path", "not an absolute path");
	BAD_FIELD(((char *)(f + 1))[1], '\0', "three names", "no valid names");
}

static void locks(void)
{
	struct ckpt_lock *l = record(CKPT_REC_LOCKS, is_posix), *f = record(CKPT_REC_LOCKS, is_flock);
	struct ckpt_rec *rec;

	if (!l || !f) {
		tap_ok(false, "the image has the locks");
		return;
	}
	BAD_FIELD(l->kind, 0, "unknown kind of lock", "unknown kind 0");
	BAD_FIELD(l->type, 7, "unknown type of lock", "unknown type 7");
	BAD_FIELD(l->start, -1, "a range before the file", "no range");
	BAD_FIELD(l->end, l->start - 1, "a range that ends before it begins", "no range");
	BAD_FIELD(l->end, INT64_MIN, "a range that overflows", "no range");
	BAD_FIELD(l->file, 0xffff, "a lock of no file", "no object has objref");
	BAD_FIELD(l->kind, CKPT_LOCK_OFD, "the lock of a table as that of a file", "the lock is of file");
	BAD_FIELD(f->start, 1, "flock of a range", "no range");
	f->type = CKPT_LOCK_READ;
	BAD_FIELD(f->kind, CKPT_LOCK_LEASE, "a lease that cannot be", "lease cannot be set again");
	f->type = CKPT_LOCK_WRITE;
	rec = (struct ckpt_rec *)l - 1;
	BAD_FIELD(rec->objref, 0xffff, "locks of a table that is not there", "no object has objref");
	BAD_FIELD(rec->objref, l->file, "locks of a file as those of a table", "not a FILES");
}

/* What a process is made of stands before it. Between these two there are no pages, which do not like to be moved. */
static void order(void)
{
	struct ckpt_rec *fs = (struct ckpt_rec *)record(CKPT_REC_FS, NULL) - 1;
	struct ckpt_rec *process = (struct ckpt_rec *)record(CKPT_REC_PROCESS, NULL) - 1;
	size_t moved = sizeof(*fs) + fs->len, rest = (char *)process + sizeof(*process) + process->len - ((char *)fs + moved);
	char *good = malloc(moved + rest);

	memcpy(good, fs, moved + rest);
	memmove(fs, good + moved, rest);
	memcpy((char *)fs + rest, good, moved);
	expect("a process before its directories", "not known when it was described");
	memcpy(fs, good, moved + rest);
	free(good);
}

static bool is_about_files(uint32_t type)
{
	return type == CKPT_REC_FILE || type == CKPT_REC_LOCKS || type == CKPT_REC_FILES || type == CKPT_REC_FS ||
	       type == CKPT_REC_CRED;
}

static void places(void)
{
	struct ckpt_fs *fs = record(CKPT_REC_FS, NULL);
	struct ckpt_lock *l = record(CKPT_REC_LOCKS, is_posix);

	if (!fs || !l) {
		tap_ok(false, "the image has its directories");
		return;
	}
	BAD_FIELD(fs->cwd, 0xffff, "a working directory that is not there", "no object has objref");
	BAD_FIELD(fs->cwd, l->file, "a file as working directory", "working directory");
	BAD_FIELD(fs->root, l->file, "a file as root directory", "root directory");
}

static void damaged(void)
{
	files();
	locks();
	places();
	order();
}

int main(void)
{
	need_checkpoint();
	mutate_round("bad files", body, damaged, is_about_files, MUTATIONS);
	return tap_done();
}
