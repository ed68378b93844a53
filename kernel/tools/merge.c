// SPDX-License-Identifier: Apache-2.0
/*
 * Merge a range of a chain into one image. It has the id of the last one, so
 * that increments over that fit it, and the parent of the first. Everything
 * but pages is the last one's; its pages "as in the parent" are taken from the
 * nearest image of the range that has them, and stay so if none has.
 */
#define _GNU_SOURCE
#include "merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain.h"
#include "crc32c.h"
#include "image.h"
#include "util.h"

#define PAGE_BYTES	4096u
#define RECORD_PAGES	4096u	/* as many as the kernel writes in one record */
#define RECORD_EXTENTS	1024u

/* A page of the result. */
struct page {
	uint64_t addr;
	uint64_t offset;	/* of its payload */
	uint32_t kind;
	uint32_t source;	/* index of the image that has the payload */
};

/* What has pages in the last image: an address space or shared memory. */
struct owner {
	uint32_t objref;
	uint64_t track_id;	/* 0: shared memory that is written in full */
	struct page *pages;
	size_t nr, room;
	bool written;
};

struct range {
	const char *names[MAX_CHAIN];	/* the last one first */
	int fds[MAX_CHAIN];
	int nr;
	uint8_t parent_id[CKPT_ID_BYTES];
	struct owner *owners;
	size_t nr_owners;
};

struct result {
	FILE *stream;
	uint64_t offset, pages;
	uint32_t crc, nr_records;
	bool failed;
};

static char *unfinished;

static void clean_up(void)
{
	if (unfinished)
		unlink(unfinished);
}

static struct owner *owner_of(struct range *range, uint32_t objref)
{
	for (size_t i = 0; i < range->nr_owners; i++)
		if (range->owners[i].objref == objref)
			return &range->owners[i];
	range->owners = realloc(range->owners, (range->nr_owners + 1) * sizeof(*range->owners));
	if (!range->owners)
		die("out of memory");
	range->owners[range->nr_owners] = (struct owner){ .objref = objref };
	return &range->owners[range->nr_owners++];
}

static void add_page(struct owner *owner, struct page page)
{
	if (owner->nr == owner->room) {
		owner->room = owner->room ? 2 * owner->room : 256;
		owner->pages = realloc(owner->pages, owner->room * sizeof(*owner->pages));
		if (!owner->pages)
			die("out of memory");
	}
	owner->pages[owner->nr++] = page;
}

/* Where the payload of a PAGES record begins. */
static uint64_t payload_of(const struct record *record)
{
	struct ckpt_pages head;

	memcpy(&head, record->body, sizeof(head));
	return record->offset + sizeof(struct ckpt_rec) + record->len - (uint64_t)head.nr_pages * PAGE_BYTES;
}

typedef void (*visit_page)(struct owner *owner, struct page page);

static void for_each_page(struct owner *owner, const struct record *record, uint32_t source, visit_page visit)
{
	uint64_t offset = payload_of(record);

	for (size_t at = sizeof(struct ckpt_pages); at < record->body_len; at += sizeof(struct ckpt_extent)) {
		struct ckpt_extent e;

		memcpy(&e, record->body + at, sizeof(e));
		for (uint32_t i = 0; i < e.nr; i++) {
			visit(owner, (struct page){ e.addr + (uint64_t)i * PAGE_BYTES, offset, e.kind, source });
			if (e.kind == CKPT_PAGES_DATA)
				offset += PAGE_BYTES;
		}
	}
}

/* An older image has a page: is it what a newer one left to its parents? */
static void resolve(struct owner *owner, struct page page)
{
	size_t low = 0, high = owner->nr;

	if (page.kind == CKPT_PAGES_PARENT)
		return;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (owner->pages[middle].addr < page.addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < owner->nr && owner->pages[low].addr == page.addr && owner->pages[low].kind == CKPT_PAGES_PARENT)
		owner->pages[low] = page;
}

static int by_addr(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static void image_must(struct image *image, const char *name)
{
	if (image_open(image, name) < 0)
		die("%s: %s", name, strerror(errno));
	if (!image->seekable)
		die("%s: a range is merged from files", name);
}

static void check_whole(const struct image *image)
{
	if (image->problem)
		die("%s: offset %llu: %s", image->name, (unsigned long long)image->problem_offset, image->problem);
}

/* The name in the chain that a record gives to what its objref stands for; 0: none. */
static uint64_t name_of(const struct record *record)
{
	struct ckpt_shmem_track track;
	struct ckpt_mm mm;

	switch (record->type) {
	case CKPT_REC_MM:
		memcpy(&mm, record->body, sizeof(mm));
		return mm.track_id;
	case CKPT_REC_SHMEM_TRACK:
		memcpy(&track, record->body, sizeof(track));
		return track.track_id;
	default:
		return 0;
	}
}

static void read_last(struct range *range)
{
	struct record record;
	struct image image;

	image_must(&image, range->names[0]);
	while (image_next(&image, &record) > 0) {
		if (name_of(&record)) {
			owner_of(range, record.objref)->track_id = name_of(&record);
		} else if (record.type == CKPT_REC_PAGES) {
			for_each_page(owner_of(range, record.objref), &record, 0, add_page);
		}
	}
	check_whole(&image);
	image_close(&image);
	for (size_t i = 0; i < range->nr_owners; i++)
		qsort(range->owners[i].pages, range->owners[i].nr, sizeof(struct page), by_addr);
}

static void read_older(struct range *range, int source)
{
	struct { uint32_t objref; struct owner *owner; } *known = NULL;
	size_t nr_known = 0;
	struct record record;
	struct image image;

	image_must(&image, range->names[source]);
	while (image_next(&image, &record) > 0) {
		if (name_of(&record)) {
			for (size_t i = 0; i < range->nr_owners; i++) {
				if (range->owners[i].track_id != name_of(&record))
					continue;
				known = realloc(known, (nr_known + 1) * sizeof(*known));
				if (!known)
					die("out of memory");
				known[nr_known].objref = record.objref;
				known[nr_known++].owner = &range->owners[i];
			}
		} else if (record.type == CKPT_REC_PAGES) {
			for (size_t i = 0; i < nr_known; i++)
				if (known[i].objref == record.objref)
					for_each_page(known[i].owner, &record, source, resolve);
		}
	}
	check_whole(&image);
	image_close(&image);
	free(known);
}

/* Bytes that count for the checksum. */
static void put(struct result *result, const void *data, size_t len)
{
	result->failed |= fwrite(data, 1, len, result->stream) != len;
	result->crc = crc32c(result->crc, data, len);
	result->offset += len;
}

static void put_payload(struct result *result, const struct range *range, const struct page *page)
{
	unsigned char data[PAGE_BYTES];

	if (pread(range->fds[page->source], data, sizeof(data), page->offset) != (ssize_t)sizeof(data))
		die("%s: cannot be read at offset %llu", range->names[page->source], (unsigned long long)page->offset);
	result->failed |= fwrite(data, 1, sizeof(data), result->stream) != sizeof(data);
	result->offset += sizeof(data);
	result->pages++;
}

/* One PAGES record, of @nr pages at most; returns how many it holds. */
static size_t put_record(struct result *result, const struct range *range, uint32_t objref, const struct page *pages,
			 size_t nr)
{
	static const unsigned char zeroes[PAGE_BYTES];
	struct ckpt_extent extents[RECORD_EXTENTS], *e = NULL;
	struct ckpt_rec rec = { .type = CKPT_REC_PAGES, .objref = objref };
	struct ckpt_pages head = { };
	size_t n;

	for (n = 0; n < nr; n++) {
		const struct page *p = &pages[n];
		bool data = p->kind == CKPT_PAGES_DATA;

		if (data && head.nr_pages == RECORD_PAGES)
			break;
		if (!e || e->kind != p->kind || e->addr + (uint64_t)e->nr * PAGE_BYTES != p->addr) {
			if (head.nr_extents == RECORD_EXTENTS)
				break;
			e = &extents[head.nr_extents++];
			*e = (struct ckpt_extent){ .addr = p->addr, .kind = p->kind };
		}
		e->nr++;
		head.nr_pages += data;
	}
	rec.len = sizeof(head) + head.nr_extents * sizeof(*extents);
	if (head.nr_pages)
		head.pad = -(result->offset + sizeof(rec) + rec.len) % PAGE_BYTES;
	rec.len += head.pad + (uint64_t)head.nr_pages * PAGE_BYTES;
	result->nr_records++;
	put(result, &rec, sizeof(rec));
	put(result, &head, sizeof(head));
	put(result, extents, head.nr_extents * sizeof(*extents));
	put(result, zeroes, head.pad);
	for (size_t i = 0; i < n; i++)
		if (pages[i].kind == CKPT_PAGES_DATA)
			put_payload(result, range, &pages[i]);
	return n;
}

static void put_pages(struct result *result, const struct range *range, struct owner *owner)
{
	for (size_t i = 0; i < owner->nr;)
		i += put_record(result, range, owner->objref, owner->pages + i, owner->nr - i);
	owner->written = true;
}

static void put_other(struct result *result, const struct record *record, const void *body)
{
	struct ckpt_rec rec = { .type = record->type, .objref = record->objref, .len = record->body_len };

	result->nr_records++;
	put(result, &rec, sizeof(rec));
	put(result, body, record->body_len);
}

static void put_trailer(struct result *result)
{
	struct ckpt_rec rec = { .type = CKPT_REC_TRAILER, .len = sizeof(struct ckpt_trailer) };
	struct ckpt_trailer trailer = {
		.bytes = result->offset + sizeof(rec) + sizeof(trailer), .pages = result->pages,
		/* The register as it is, without the last inversion. */
		.crc32c = ~result->crc, .nr_records = result->nr_records + 1,
	};

	put(result, &rec, sizeof(rec));
	put(result, &trailer, sizeof(trailer));
}

static void write_result(struct result *result, struct range *range)
{
	struct ckpt_header header;
	struct record record;
	struct image image;

	image_must(&image, range->names[0]);
	while (image_next(&image, &record) > 0) {
		struct owner *owner;

		switch (record.type) {
		case CKPT_REC_HEADER:
			header = image.header;
			memcpy(header.parent_id, range->parent_id, CKPT_ID_BYTES);
			put_other(result, &record, &header);
			break;
		case CKPT_REC_PAGES:
			owner = owner_of(range, record.objref);
			if (!owner->written)
				put_pages(result, range, owner);
			break;
		case CKPT_REC_TRAILER:
			put_trailer(result);
			break;
		default:
			put_other(result, &record, record.body);
		}
	}
	check_whole(&image);
	image_close(&image);
}

/* Nothing may be left to a parent that the result does not have. */
static void check_resolved(const struct range *range)
{
	if (!id_is_zero(range->parent_id))
		return;
	for (size_t i = 0; i < range->nr_owners; i++)
		for (size_t j = 0; j < range->owners[i].nr; j++)
			if (range->owners[i].pages[j].kind == CKPT_PAGES_PARENT)
				die("the page at 0x%llx is in none of the images",
				    (unsigned long long)range->owners[i].pages[j].addr);
}

static void header_of(const char *name, struct ckpt_header *header)
{
	char *problem;

	if (image_read_header(name, header, &problem) < 0)
		die("%s: %s", name, problem);
}

/* The names of both ends; ".." stands in paths, too. */
static void split(const char *text, char **first, char **last)
{
	for (const char *dots = strstr(text, ".."); dots; dots = strstr(dots + 1, "..")) {
		*first = xasprintf("%.*s", (int)(dots - text), text);
		*last = xasprintf("%s", dots + 2);
		if (access(*first, F_OK) == 0 && access(*last, F_OK) == 0)
			return;
		free(*first);
		free(*last);
	}
	die("%s: give two images as FIRST..LAST", text);
}

static void find_range(struct range *range, const char *first, const char *last)
{
	struct ckpt_header until, header;
	struct chain_index index;
	char *directory = directory_of(last), id[ID_TEXT_BYTES];

	chain_index_read(&index, directory);
	header_of(first, &until);
	header_of(last, &header);
	for (const char *name = last;;) {
		range->names[range->nr++] = name;
		memcpy(range->parent_id, header.parent_id, CKPT_ID_BYTES);
		if (!memcmp(header.image_id, until.image_id, CKPT_ID_BYTES))
			break;
		if (id_is_zero(header.parent_id))
			die("%s is no increment over %s, nor over any that follows it", last, first);
		name = chain_index_find(&index, header.parent_id);
		if (!name && !memcmp(header.parent_id, until.image_id, CKPT_ID_BYTES))
			name = first;
		if (!name)
			die("image %s, the parent of %s, is not in %s", id_text(header.parent_id, id),
			    range->names[range->nr - 1], directory);
		if (range->nr == MAX_CHAIN)
			die("the chain is longer than %d images", MAX_CHAIN);
		header_of(name, &header);
	}
	/* The index stays: the names are in it. */
	free(directory);
}

static FILE *open_result(const char *output)
{
	char *directory = directory_of(output);
	const char *base = strrchr(output, '/') ? strrchr(output, '/') + 1 : output;
	FILE *stream;
	int fd;

	unfinished = xasprintf("%s/.%s.XXXXXX", directory, base);
	fd = mkostemp(unfinished, O_CLOEXEC);
	stream = fd < 0 ? NULL : fdopen(fd, "w");
	if (!stream)
		die("%s: no file can be made in %s: %s", output, directory, strerror(errno));
	at_failure = clean_up;
	free(directory);
	return stream;
}

void merge(const char *text, const char *output)
{
	struct range *range = xcalloc(1, sizeof(*range));
	struct result result = { };
	char *first, *last;

	split(text, &first, &last);
	find_range(range, first, last);
	read_last(range);
	for (int i = 1; i < range->nr; i++)
		read_older(range, i);
	check_resolved(range);
	for (int i = 0; i < range->nr; i++) {
		range->fds[i] = open(range->names[i], O_RDONLY | O_CLOEXEC);
		if (range->fds[i] < 0)
			die("%s: %s", range->names[i], strerror(errno));
	}
	result.stream = !strcmp(output, "-") ? stdout : open_result(output);
	write_result(&result, range);
	if (result.failed || fflush(result.stream) != 0)
		die("%s: %s", output, strerror(errno));
	if (unfinished && (fsync(fileno(result.stream)) < 0 || rename(unfinished, output) < 0))
		die("%s: %s", output, strerror(errno));
	unfinished = NULL;
}
