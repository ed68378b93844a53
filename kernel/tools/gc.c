// SPDX-License-Identifier: Apache-2.0
/*
 * Names that checkpoints gave to unlinked files. A name holds the id of the image that it was given for, so the header
 * of an image says which names it needs.
 */
#define _GNU_SOURCE
#include "gc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"
#include "json.h"
#include "relink.h"
#include "show.h"
#include "util.h"

#define PREFIX		".ckpt-"
#define ID_DIGITS	(2 * CKPT_ID_BYTES)

struct known_image {
	char id[ID_TEXT_BYTES];
	char *path;
};

static struct known_image *known;
static size_t nr_known;
static char **directories;
static size_t nr_directories;
static unsigned long nr_needed, nr_needless, nr_failed;

void gc_add_directory(const char *path)
{
	struct stat st, other;

	if (stat(path, &st) < 0)
		die("relink directory %s: %s", path, strerror(errno));
	for (size_t i = 0; i < nr_directories; i++)
		if (stat(directories[i], &other) == 0 && other.st_dev == st.st_dev && other.st_ino == st.st_ino)
			return;
	directories = realloc(directories, (nr_directories + 1) * sizeof(*directories));
	if (!directories)
		die("out of memory");
	directories[nr_directories++] = xasprintf("%s", path);
}

/* Where its names are: a directory of the user's, or one on a subvolume. */
static void take_directories(const char *name)
{
	struct image image;
	struct record record;

	if (image_open(&image, name) < 0)
		return;
	while (image_next(&image, &record) > 0) {
		struct ckpt_file file;
		char *directory;

		if (record.type != CKPT_REC_FILE)
			continue;
		memcpy(&file, record.body, sizeof(file));
		if (file.kind != CKPT_FILE_RELINKED)
			continue;
		directory = directory_of((const char *)record.body + sizeof(file));
		if (access(directory, F_OK) == 0)
			gc_add_directory(directory);
		free(directory);
	}
	image_close(&image);
}

static bool add_image(const char *name, bool only_directories)
{
	struct ckpt_header header;
	char *problem;

	/* One that is damaged further on may still be wanted. */
	if (image_read_header(name, &header, &problem) < 0) {
		free(problem);
		return false;
	}
	if (only_directories) {
		take_directories(name);
		return true;
	}
	known = realloc(known, (nr_known + 1) * sizeof(*known));
	if (!known)
		die("out of memory");
	id_text(header.image_id, known[nr_known].id);
	known[nr_known++].path = xasprintf("%s", name);
	return true;
}

/* What is no image is passed over in a directory, but not when it was named. */
static void add_images(const char *name, bool only_directories)
{
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (stat(name, &st) < 0)
		die("%s: %s", name, strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		if (!add_image(name, only_directories))
			die("%s: not a checkpoint image", name);
		return;
	}
	dir = opendir(name);
	if (!dir)
		die("%s: %s", name, strerror(errno));
	while ((entry = readdir(dir))) {
		char *path = xasprintf("%s/%s", name, entry->d_name);

		if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= (off_t)sizeof(struct ckpt_header))
			add_image(path, only_directories);
		free(path);
	}
	closedir(dir);
}

static const struct known_image *image_of(const char *name)
{
	for (size_t i = 0; i < nr_known; i++)
		if (!strncmp(known[i].id, name + strlen(PREFIX), ID_DIGITS))
			return &known[i];
	return NULL;
}

static bool is_ours(const char *name)
{
	return !strncmp(name, PREFIX, strlen(PREFIX)) &&
	       strspn(name + strlen(PREFIX), "0123456789abcdef") == ID_DIGITS && name[strlen(PREFIX) + ID_DIGITS] == '-';
}

static void tell(const char *directory, const char *name, const struct stat *st, const struct known_image *image,
		 const char *done, bool json)
{
	char *path = xasprintf("%s/%s", directory, name);

	if (json) {
		json_open(NULL, '{');
		json_string("path", path);
		json_digits("ino", st->st_ino);
		json_digits("bytes", st->st_size);
		json_text("imageId", name + strlen(PREFIX), ID_DIGITS);
		if (image)
			json_string("image", image->path);
		else
			json_null("image");
		json_bool("deleted", done != NULL);
		json_close('}');
	} else {
		show_printable(path);
		printf("  inode %llu, %lld bytes, ", (unsigned long long)st->st_ino, (long long)st->st_size);
		if (image) {
			printf("needed by ");
			show_printable(image->path);
			putchar('\n');
		} else {
			printf("needed by no image%s\n", done ?: "");
		}
	}
	free(path);
}

static void look_at(int dir, const char *directory, const char *name, bool collect, bool json)
{
	const struct known_image *image = image_of(name);
	const char *done = NULL;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (image)
		nr_needed++;
	else
		nr_needless++;
	if (!image && collect) {
		if (unlinkat(dir, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) == 0) {
			done = ": deleted";
		} else {
			complain("%s/%s: %s", directory, name, strerror(errno));
			nr_failed++;
		}
	}
	tell(directory, name, &st, image, done, json);
}

/* A checkpoint that is being taken has no image yet: it holds a lock on the directories. */
static int open_directory(const char *directory, bool collect)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		complain("%s: %s", directory, strerror(errno));
		nr_failed++;
	} else if (collect && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		complain("%s: in use by a checkpoint: passed over", directory);
		nr_failed++;
		close(fd);
		fd = -1;
	}
	return fd;
}

int gc_run(char *const *images, int nr_images, bool collect, bool json)
{
	int *fds;

	relink_each_directory(gc_add_directory);
	for (int i = 0; i < nr_images; i++)
		add_images(images[i], true);
	/* Locked before the ids are read: what is given a name from now on is left alone. */
	fds = xcalloc(nr_directories + 1, sizeof(*fds));
	for (size_t i = 0; i < nr_directories; i++)
		fds[i] = open_directory(directories[i], collect);
	for (int i = 0; i < nr_images; i++)
		add_images(images[i], false);

	if (json) {
		json_open(NULL, '{');
		json_open("names", '[');
	}
	for (size_t i = 0; i < nr_directories; i++) {
		struct dirent *entry;
		DIR *dir = fds[i] < 0 ? NULL : fdopendir(fds[i]);

		while (dir && (entry = readdir(dir)))
			if (is_ours(entry->d_name))
				look_at(fds[i], directories[i], entry->d_name, collect, json);
		if (dir && collect && is_relink_directory(directories[i]))
			rmdir(directories[i]);
		if (dir)
			closedir(dir);
	}
	if (json) {
		json_close(']');
		json_number("needed", nr_needed);
		json_number("needless", nr_needless);
		json_close('}');
		putchar('\n');
	} else {
		printf("%lu names are needed, %lu are needed by no image%s\n", nr_needed, nr_needless,
		       collect ? "" : "; --gc deletes those");
	}
	return nr_failed ? 1 : 0;
}
