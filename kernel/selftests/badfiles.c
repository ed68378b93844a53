// SPDX-License-Identifier: Apache-2.0
/* What an image says of files is not believed: every field that is wrong ends in an error that names it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-badfiles.img"
#define MUTATIONS 200
#define BAD	"/tmp/selftest-badfiles.img"
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

static unsigned char *image;
static size_t size;
static pid_t pid;

/* The body of the first record of @type that @fits. */
static void *record(uint32_t type, bool (*fits)(const void *body))
{
	for (size_t at = 0; at + sizeof(struct ckpt_rec) <= size;) {
		struct ckpt_rec *rec = (void *)(image + at);

		if (rec->type == type && (!fits || fits(rec + 1)))
			return rec + 1;
		at += sizeof(*rec) + rec->len;
	}
	return NULL;
}

static bool is_our_file(const void *body)
{
	const struct ckpt_file *f = body;

	return !strcmp((const char *)(f + 1), FILENAME);
}

static bool is_posix(const void *body) { return ((const struct ckpt_lock *)body)->kind == CKPT_LOCK_POSIX; }
static bool is_flock(const void *body) { return ((const struct ckpt_lock *)body)->kind == CKPT_LOCK_FLOCK; }

static uint32_t crc32c(uint32_t crc, const unsigned char *p, size_t len)
{
	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return crc;
}

/* Over everything before the trailer but page payload: what is wrong is not to be found by it. */
static void set_checksum(void)
{
	uint32_t crc = ~0U;

	for (size_t at = 0; at + sizeof(struct ckpt_rec) <= size;) {
		struct ckpt_rec *rec = (void *)(image + at);
		uint64_t counted = rec->len;

		if (rec->type == CKPT_REC_TRAILER) {
			((struct ckpt_trailer *)(rec + 1))->crc32c = crc;
			return;
		}
		if (rec->type == CKPT_REC_PAGES)
			counted -= ((struct ckpt_pages *)(rec + 1))->nr_pages * 4096ULL;
		crc = crc32c(crc, (unsigned char *)rec, sizeof(*rec) + counted);
		at += sizeof(*rec) + rec->len;
	}
}

static void write_bad(void)
{
	int fd = open(BAD, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	set_checksum();
	if (write(fd, image, size) != (ssize_t)size)
		tap_diag("the bad image could not be written");
	close(fd);
}

/* Change a field, restart, expect @words, put it back. */
static void expect(const char *what, const char *words)
{
	char output[4096];

	write_bad();
	int status = RUN(output, restart_path, "-i", BAD, "--detach");

	tap_ok(status == 1 && strstr(output, words) && wait_gone(pid), "%s: %s", what, output);
}

#define BAD_FIELD(field, value, what, words) do { \
	typeof(field) good = (field); \
	(field) = (value); \
	expect(what, words); \
	(field) = good; \
} while (0)

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

/* Any byte of what the image says of files: it is refused in words, or is as good as before. */
static void mutations(void)
{
	int refused = 0, restarted = 0, silent = 0;
	uint64_t random = 88172645463325252ULL;
	char output[4096];

	for (int i = 0; i < MUTATIONS; i++) {
		struct ckpt_rec *rec;
		size_t at = 0, nr = 0, pick;

		for (rec = (void *)image; at + sizeof(*rec) <= size; at += sizeof(*rec) + rec->len) {
			rec = (void *)(image + at);
			nr += is_about_files(rec->type);
		}
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		pick = random % nr;
		for (at = 0;; at += sizeof(*rec) + rec->len) {
			rec = (void *)(image + at);
			if (is_about_files(rec->type) && !pick--)
				break;
		}
		unsigned char *byte = (unsigned char *)(rec + 1) + (random >> 20) % rec->len, good = *byte;

		*byte ^= 1 << (random >> 56) % 8;
		write_bad();
		*byte = good;
		if (RUN(output, restart_path, "-i", BAD, "--detach") == 0) {
			restarted++;
			kill(pid, SIGKILL);
		} else {
			refused++;
			silent += !output[0];
		}
		if (!wait_gone(pid)) {
			tap_ok(false, "nobody is left after byte %zd", byte - image);
			return;
		}
	}
	tap_ok(refused && !silent, "%d mutations: %d refused in words, %d restarted", MUTATIONS, refused, restarted);
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

int main(void)
{
	struct subject s;
	struct stat st;

	need_checkpoint();
	if (!subject_start(&s, "bad files", body) ||
	    !subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) || !wait_gone(s.pid))
		return tap_done();
	pid = s.pid;
	int fd = open(IMAGE, O_RDONLY | O_CLOEXEC);

	fstat(fd, &st);
	size = st.st_size;
	image = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	files();
	locks();
	places();
	order();
	mutations();
	/* And the good one still works. */
	if (subject_restart(&s, IMAGE, NULL))
		subject_finish(&s);
	subject_end(&s);
	unlink(BAD);
	unlink(IMAGE);
	return tap_done();
}
