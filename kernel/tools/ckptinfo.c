// SPDX-License-Identifier: Apache-2.0
/* ckptinfo: what is in a checkpoint image, and whether it is whole. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chain.h"
#include "gc.h"
#include "image.h"
#include "json.h"
#include "merge.h"
#include "relink.h"
#include "show.h"
#include "util.h"

static const char usage[] =
"usage: ckptinfo [--json] FILE|-\n"
"       ckptinfo --list|--gc [--json] [--relink-dir DIR]... FILE|DIR...\n"
"       ckptinfo --merge FIRST..LAST -o FILE|-\n"
"List what is in a checkpoint image, and check that it is whole.\n"
"\n"
"  --list             list the names that unlinked files were given for the images\n"
"                     FILE, or those in DIR, and the names that none of these needs\n"
"  --gc               delete the latter: name all your images\n"
"  --relink-dir DIR   look in DIR too, not only in " RELINK_DIR " at mount points\n"
"  --merge FIRST..LAST\n"
"                     write one image in the place of a range of a chain; then\n"
"                     those of the range may be deleted\n";

struct totals {
	uint64_t pages[CKPT_PAGES_PARENT + 1];
};

static void count(struct totals *totals, const struct record *record)
{
	if (record->type != CKPT_REC_PAGES)
		return;
	for (size_t at = sizeof(struct ckpt_pages); at < record->body_len; at += sizeof(struct ckpt_extent)) {
		struct ckpt_extent extent;

		memcpy(&extent, record->body + at, sizeof(extent));
		totals->pages[extent.kind] += extent.nr;
	}
}

/* Call @visit for each parent that can be found beside the image. */
static void for_each_parent(const struct image *image, void (*visit)(const char *id, const char *path))
{
	struct ckpt_header header = image->header;
	char id[ID_TEXT_BYTES], *problem, *directory;
	struct chain_index index;

	if (!strcmp(image->name, "-") || id_is_zero(header.parent_id))
		return;
	directory = directory_of(image->name);
	chain_index_read(&index, directory);
	for (int i = 0; i < MAX_CHAIN && !id_is_zero(header.parent_id); i++) {
		const char *path = chain_index_find(&index, header.parent_id);

		visit(id_text(header.parent_id, id), path);
		if (!path || image_read_header(path, &header, &problem) < 0)
			break;
	}
	chain_index_free(&index);
	free(directory);
}

static void chain_json(const char *id, const char *path)
{
	json_open(NULL, '{');
	json_string("imageId", id);
	if (path)
		json_string("path", path);
	else
		json_null("path");
	json_close('}');
}

static void chain_text(const char *id, const char *path)
{
	printf("parent     %s ", id);
	show_printable(path ? path : "(not found beside the image)");
	putchar('\n');
}

static void list_json(struct image *image)
{
	struct totals totals = { };
	struct record record;

	json_open(NULL, '{');
	json_string("file", image->name);
	json_open("records", '[');
	while (image_next(image, &record) > 0) {
		count(&totals, &record);
		show_json(&record);
	}
	json_close(']');
	json_bool("complete", image->complete);
	if (image->problem) {
		json_open("problem", '{');
		json_string("text", image->problem);
		json_number("offset", image->problem_offset);
		json_close('}');
	} else {
		json_null("problem");
	}
	json_open("totals", '{');
	json_number("bytes", image->offset);
	json_number("records", image->nr_records + image->complete);
	json_number("pages", totals.pages[CKPT_PAGES_DATA]);
	json_number("zeroPages", totals.pages[CKPT_PAGES_ZERO]);
	json_number("parentPages", totals.pages[CKPT_PAGES_PARENT]);
	json_close('}');
	json_open("chain", '[');
	if (image->nr_records)
		for_each_parent(image, chain_json);
	json_close(']');
	json_close('}');
	putchar('\n');
}

static void text_header(const struct image *image)
{
	const struct ckpt_header *h = &image->header;
	time_t taken = h->realtime_ns / 1000000000;
	char id[ID_TEXT_BYTES], when[64] = "?", release[CKPT_RELEASE_BYTES + 1] = "";
	struct tm tm;

	if (gmtime_r(&taken, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	memcpy(release, h->release, CKPT_RELEASE_BYTES);
	printf("image      %s\ntaken      %s, %u tasks, Linux ", id_text(h->image_id, id), when, h->nr_tasks);
	show_printable(release);
	putchar('\n');
	for_each_parent(image, chain_text);
}

/* Parents stand before children: depth is known when a task's turn comes. */
static void text_tasks(const struct record *record)
{
	size_t nr = record->body_len / sizeof(struct ckpt_task_entry);
	struct ckpt_task_entry *tasks = xcalloc(nr, sizeof(*tasks));
	int *depth = xcalloc(nr, sizeof(*depth));

	memcpy(tasks, record->body, nr * sizeof(*tasks));
	for (size_t i = 0; i < nr; i++) {
		int above = tasks[i].pid == tasks[i].tgid ? tasks[i].ppid : tasks[i].tgid;

		/* Mostly the parent stands shortly before. */
		for (size_t back = i; back-- > 0 && i - back < 4096;)
			if (tasks[back].pid == above) {
				depth[i] = depth[back] + 1;
				break;
			}
		printf("           %*s%d", depth[i] < 40 ? 2 * depth[i] : 80, "", tasks[i].pid);
		if (tasks[i].pid != tasks[i].tgid)
			printf(" thread");
		else
			printf(" group %d session %d", tasks[i].pgid, tasks[i].sid);
		if (tasks[i].flags & CKPT_TASK_ZOMBIE)
			printf(" zombie, exit code 0x%x", tasks[i].exit_code);
		putchar('\n');
	}
	free(tasks);
	free(depth);
}

static void list_text(struct image *image)
{
	struct totals totals = { };
	struct record record;

	while (image_next(image, &record) > 0) {
		count(&totals, &record);
		if (record.type == CKPT_REC_HEADER) {
			text_header(image);
		} else if (record.type == CKPT_REC_TASKS) {
			printf("tasks\n");
			text_tasks(&record);
			printf("records\n");
		} else {
			show_text(&record);
		}
	}
	printf("total      %llu bytes, %u records; pages: %llu with payload, %llu zero, %llu as in the parent\n",
	       (unsigned long long)image->offset, image->nr_records + image->complete,
	       (unsigned long long)totals.pages[CKPT_PAGES_DATA], (unsigned long long)totals.pages[CKPT_PAGES_ZERO],
	       (unsigned long long)totals.pages[CKPT_PAGES_PARENT]);
	if (image->complete)
		printf("whole      checksum %08x\n", image->trailer.crc32c);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },
		{ "gc", no_argument, NULL, 'g' },
		{ "relink-dir", required_argument, NULL, 'r' },
		{ "merge", required_argument, NULL, 'm' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *range = NULL, *output = NULL;
	struct image image;
	bool json = false, list = false, collect = false;
	int c;

	progname = "ckptinfo";
	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1)
		switch (c) {
		case 'j': json = true; break;
		case 'l': list = true; break;
		case 'g': collect = true; break;
		case 'r': gc_add_directory(optarg); break;
		case 'm': range = optarg; break;
		case 'o': output = optarg; break;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	if ((list || collect) && !range && !output && optind < argc)
		return gc_run(argv + optind, argc - optind, collect, json);
	if (argc - optind != !range || !range != !output || (range && json) || list || collect) {
		fputs(usage, stderr);
		return 2;
	}
	if (range) {
		merge(range, output);
		return 0;
	}
	if (image_open(&image, argv[optind]) < 0)
		die("%s: %s", argv[optind], strerror(errno));
	if (json)
		list_json(&image);
	else
		list_text(&image);
	if (image.problem)
		die("%s: offset %llu: %s", image.name, (unsigned long long)image.problem_offset, image.problem);
	return 0;
}
