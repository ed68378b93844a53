// SPDX-License-Identifier: Apache-2.0
/* The images of a directory by their ids: read once, however long the chain. */
#define _GNU_SOURCE
#include "chain.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

struct indexed_image {
	uint8_t id[CKPT_ID_BYTES];
	char *path;
};

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, CKPT_ID_BYTES);
}

/* A header and nothing else: quick, so that a directory of other things costs little. */
static bool id_of(int dirfd, const char *name, uint8_t id[CKPT_ID_BYTES])
{
	struct {
		struct ckpt_rec rec;
		struct ckpt_header header;
	} start;
	struct stat st;
	bool found = false;
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read_whole(fd, &start, sizeof(start)) == sizeof(start))
		found = start.rec.type == CKPT_REC_HEADER && start.header.magic == CKPT_MAGIC;
	close(fd);
	if (found)
		memcpy(id, start.header.image_id, CKPT_ID_BYTES);
	return found;
}

void chain_index_read(struct chain_index *index, const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	size_t room = 0;
	uint8_t id[CKPT_ID_BYTES];

	memset(index, 0, sizeof(*index));
	while (dir && (entry = readdir(dir))) {
		if (entry->d_type != DT_REG && entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
			continue;
		if (!id_of(dirfd(dir), entry->d_name, id))
			continue;
		if (index->nr == room) {
			room = room ? 2 * room : 64;
			index->images = realloc(index->images, room * sizeof(*index->images));
			if (!index->images)
				die("out of memory");
		}
		memcpy(index->images[index->nr].id, id, CKPT_ID_BYTES);
		index->images[index->nr++].path = xasprintf("%s/%s", directory, entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (index->nr)
		qsort(index->images, index->nr, sizeof(*index->images), by_id);
}

void chain_index_free(struct chain_index *index)
{
	for (size_t i = 0; i < index->nr; i++)
		free(index->images[i].path);
	free(index->images);
}

const char *chain_index_find(const struct chain_index *index, const uint8_t id[CKPT_ID_BYTES])
{
	struct indexed_image *found = index->nr ?
		bsearch(id, index->images, index->nr, sizeof(*index->images), by_id) : NULL;

	return found ? found->path : NULL;
}
