/* SPDX-License-Identifier: Apache-2.0 */
/* The images of a directory by their ids, and chains of them. */
#ifndef CHAIN_H
#define CHAIN_H

#include <stddef.h>
#include <stdint.h>
#include <linux/checkpoint.h>

/* A chain may have so many images. */
#define MAX_CHAIN	4096

struct chain_index {
	struct indexed_image *images;	/* ordered by id */
	size_t nr;
};

/* Look once at every file of @directory; what is no image is passed over. */
void chain_index_read(struct chain_index *index, const char *directory);
void chain_index_free(struct chain_index *index);

/* The path of the image with @id, held by the index, or NULL. */
const char *chain_index_find(const struct chain_index *index, const uint8_t id[CKPT_ID_BYTES]);

#endif
