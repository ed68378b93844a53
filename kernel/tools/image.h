/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a checkpoint image front to back. An image is hostile input: every
 * length is checked before it is used, and the first thing that is wrong is
 * remembered with its place.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/checkpoint.h>

struct image {
	const char *name;
	FILE *stream;
	bool seekable;
	uint64_t offset;	/* of the next byte */
	uint64_t size;		/* of a regular file, else 0 */
	uint32_t crc32c;	/* of what counts so far */
	uint32_t nr_records;	/* trailer not counted */
	uint64_t pages;		/* with payload, so far */
	bool complete;		/* a good trailer was read */
	struct ckpt_header header;	/* once the first record is read */
	struct ckpt_trailer trailer;	/* once complete */
	char *problem;		/* what is wrong, or NULL */
	uint64_t problem_offset;
	/* body of the current record */
	unsigned char *body;
	size_t body_room;
};

/* One record. @body holds @body_len bytes: everything but a PAGES payload (and its pad). */
struct record {
	uint64_t offset;
	uint32_t type;
	uint32_t objref;
	uint64_t len;
	const unsigned char *body;
	size_t body_len;
};

/* Open @name ("-": standard input); 0, or -1 with errno. */
int image_open(struct image *image, const char *name);
void image_close(struct image *image);

/*
 * The next record: 1; at the end of a complete image: 0; -1 and @image->problem
 * if the image is truncated or damaged. The record is good until the next call.
 */
int image_next(struct image *image, struct record *record);

/* "FILE", "VMA", ...; NULL if there is no such type. */
const char *record_name(uint32_t type);

/* Read only the header of @name: 0, or -1 with *@problem (to be freed). */
int image_read_header(const char *name, struct ckpt_header *header, char **problem);

/* The same from the beginning of an open file, for who has it checked by the kernel; false: look what is wrong with it. */
bool image_peek_header(int fd, struct ckpt_header *header);

/* The directory @name stands in (to be freed). */
char *directory_of(const char *name);

#endif
