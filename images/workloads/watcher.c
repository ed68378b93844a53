// SPDX-License-Identifier: Apache-2.0
/*
 * Watches three files and a directory by inotify, and always leaves some events unread. The events of the directory
 * are numbered, so that one that is lost, is out of order, or comes from nowhere shows. The files may be renamed,
 * replaced and unlinked, by itself (--act) or by others: a watch is on the inode, whatever becomes of its names.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MASK	(IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF)

/* A watched file. Its names are others' business: it is found by its inode number. */
struct watched {
	const char *name;
	uint32_t mask;
	int wd;
	int fd;			/* -1: only the watch holds it */
	ino_t ino;
	bool gone;		/* its end was told */
	unsigned int moves;
};

static struct watched files[] = {
	{ .name = "renamed", .mask = FILE_MASK, .fd = -1 },
	{ .name = "replaced", .mask = FILE_MASK, .fd = -1 },
	{ .name = "unlinked", .mask = FILE_MASK | IN_OPEN | IN_CLOSE | IN_ACCESS, .fd = -1 },
};
#define NR_FILES	(sizeof(files) / sizeof(files[0]))

static char base[4096], numbered[4200];
static int notify, dir_wd, next_wd;
static int passing_wd;		/* of a watch that comes and goes */
static uint64_t made, seen, wrong;

static void die(const char *what)
{
	fprintf(stderr, "watcher: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const char *in_base(const char *name)
{
	static char path[4400];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

static int make(const char *name)
{
	int fd = open(in_base(name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		die(in_base(name));
	return fd;
}

static int watch(const char *path, uint32_t mask)
{
	int wd = inotify_add_watch(notify, path, mask);

	if (wd < 0)
		die(path);
	return wd;
}

static void start(const char *dir)
{
	struct stat st;

	snprintf(base, sizeof(base), "%s/watcher.%d", dir, getpid());
	snprintf(numbered, sizeof(numbered), "%s/directory", base);
	if (mkdir(base, 0755) < 0 || mkdir(numbered, 0755) < 0)
		die(base);
	notify = inotify_init1(IN_CLOEXEC);
	if (notify < 0)
		die("inotify");
	for (size_t i = 0; i < NR_FILES; i++) {
		int fd = make(files[i].name);

		fstat(fd, &st);
		files[i].ino = st.st_ino;
		files[i].wd = watch(in_base(files[i].name), files[i].mask);
		if (!strcmp(files[i].name, "unlinked"))
			files[i].fd = fd;
		else
			close(fd);
	}
	/* So that the replaced file has a name left by which it can be written to. */
	if (link(in_base("replaced"), strdupa(in_base("replaced.old"))) < 0)
		die("link");
	dir_wd = watch(numbered, IN_CREATE);
	next_wd = dir_wd + 1;
}

static void act(void)
{
	char from[4400];

	snprintf(from, sizeof(from), "%s", in_base("renamed"));
	if (rename(from, in_base("renamed.new")) < 0)
		die(from);
	close(make("replacement"));
	snprintf(from, sizeof(from), "%s", in_base("replacement"));
	if (rename(from, in_base("replaced")) < 0 || unlink(in_base("unlinked")) < 0)
		die(from);
}

static void make_event(void)
{
	char path[4300];
	int fd;

	snprintf(path, sizeof(path), "%s/%llu", numbered, (unsigned long long)made);
	/* A restore from an older checkpoint may find what was made since. */
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	made++;
	close(fd);
	unlink(path);
}

static bool unread(void)
{
	int bytes = 0;

	return ioctl(notify, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* One event and no more: it has no name, or a short one. */
static bool read_event(struct inotify_event *event)
{
	if (!unread())
		return false;
	return read(notify, event, sizeof(*event)) > 0 || read(notify, event, 2 * sizeof(*event)) > 0;
}

static struct watched *file_of(int wd)
{
	for (size_t i = 0; i < NR_FILES; i++)
		if (files[i].wd == wd)
			return &files[i];
	return NULL;
}

static void complain(const struct inotify_event *event, const char *why)
{
	wrong++;
	lab_say("event wd %d mask 0x%x \"%s\": %s", event->wd, event->mask, event->len ? event->name : "", why);
}

/* Everything that may come while nobody asks for a verification. */
static void take(const struct inotify_event *event)
{
	struct watched *file = file_of(event->wd);

	if (event->wd == passing_wd)
		return;
	if (event->wd == dir_wd && event->mask == IN_CREATE) {
		if (strtoull(event->name, NULL, 10) != seen)
			complain(event, "not the next number");
		seen = strtoull(event->name, NULL, 10) + 1;
		return;
	}
	if (!file) {
		complain(event, "of no watch of ours");
		return;
	}
	if (event->mask & (IN_IGNORED | IN_DELETE_SELF))
		file->gone = true;
	if (event->mask & IN_MOVE_SELF)
		file->moves++;
	if (file->fd >= 0 && event->mask & (IN_OPEN | IN_CLOSE | IN_ACCESS)) {
		struct stat st;

		/* Without a name nobody can open it but by way of us. */
		if (fstat(file->fd, &st) == 0 && !st.st_nlink)
			complain(event, "nobody has opened it");
	}
}

/* Whatever it is called now, in our directory. */
static int open_by_inode(ino_t ino)
{
	DIR *dir = opendir(base);
	struct dirent *entry;
	int fd = -1;

	while (dir && fd < 0 && (entry = readdir(dir)))
		if (entry->d_ino == ino)
			fd = openat(dirfd(dir), entry->d_name, O_WRONLY | O_CLOEXEC);
	if (dir)
		closedir(dir);
	return fd;
}

static void drain(struct inotify_event *event)
{
	while (read_event(event))
		take(event);
}

/* A write to it must be seen by its watch, and be all that is seen. */
static bool still_watched(struct watched *file, struct inotify_event *event)
{
	int fd = file->fd >= 0 ? file->fd : open_by_inode(file->ino);
	bool good;

	if (fd < 0) {
		lab_say("%s: not in %s any more, cannot be written to", file->name, base);
		return file->gone || file->moves;
	}
	good = write(fd, "x", 1) == 1 && read_event(event) && event->wd == file->wd && event->mask == IN_MODIFY;
	if (fd != file->fd)
		close(fd);
	if (!good)
		lab_say("%s: a write was not seen by watch %d", file->name, file->wd);
	return good;
}

static bool next_is_next(struct inotify_event *event)
{
	int wd;

	close(make("next"));
	wd = passing_wd = inotify_add_watch(notify, in_base("next"), IN_ATTRIB);
	unlink(in_base("next"));
	drain(event);
	if (wd != next_wd)
		lab_say("the next watch has descriptor %d, expected %d", wd, next_wd);
	return wd == next_wd++;
}

static void verify(struct inotify_event *event)
{
	uint64_t queued = made - seen;
	unsigned int good = 0, ended = 0;
	bool next;

	drain(event);
	for (size_t i = 0; i < NR_FILES; i++) {
		ended += files[i].gone;
		good += files[i].gone || still_watched(&files[i], event);
	}
	next = next_is_next(event);
	if (seen != made)
		lab_say("%llu events were made, %llu came", (unsigned long long)made, (unsigned long long)seen);
	lab_verdict(good == NR_FILES && next && seen == made && !wrong,
		    "%u of %zu files watched (%u have ended), %llu unread events came, %llu of %llu in all, %llu wrong, next descriptor %s",
		    good, NR_FILES, ended, (unsigned long long)queued, (unsigned long long)seen, (unsigned long long)made,
		    (unsigned long long)wrong, next ? "as expected" : "not as expected");
}

int main(int argc, char **argv)
{
	long rate = 20, keep = 8;
	const char *dir = "/data";
	bool act_itself = false;
	const struct lab_option options[] = {
		{ "--dir", "where the files are made (/data)", .word = &dir },
		{ "--rate", "events a second (20)", .number = &rate, .min = 1, .max = 10000 },
		{ "--unread", "events that are left unread (8)", .number = &keep, .min = 0, .max = 10000 },
		{ "--act", "rename, replace and unlink the files; else somebody else may", .flag = &act_itself },
		{ },
	};
	static union {
		struct inotify_event event;
		char room[sizeof(struct inotify_event) + 64];
	} buffer;

	lab_start("watcher", "Watches files whose names come and go, and can tell whether it missed an event.", options, argc,
		  argv);
	start(dir);
	lab_say("watches %s/{renamed,replaced,unlinked,directory}", base);
	if (act_itself)
		act();
	for (;;) {
		lab_beat(rate);
		make_event();
		while (made - seen > (uint64_t)keep && read_event(&buffer.event))
			take(&buffer.event);
		if (lab_progress_due())
			lab_say("%llu events made, %llu read, %llu wrong", (unsigned long long)made, (unsigned long long)seen,
				(unsigned long long)wrong);
		if (lab_verify_due())
			verify(&buffer.event);
	}
}
