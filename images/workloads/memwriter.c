// SPDX-License-Identifier: Apache-2.0
/*
 * Rewrites pages of memory. Each page says which it is and of which generation,
 * and a table beside them remembers the same: a page lost, old or torn shows.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_WORDS	512

struct page {
	uint64_t index;
	uint64_t generation;
	uint64_t words[PAGE_WORDS - 2];
};

static struct page *pages;
static uint32_t *generations;
static long nr_pages;

static uint64_t seed_of(uint64_t index, uint64_t generation)
{
	return lab_mix(index << 32 ^ generation);
}

static void rewrite(long index)
{
	struct page *page = &pages[index];

	page->index = index;
	page->generation = ++generations[index];
	lab_fill(page->words, PAGE_WORDS - 2, seed_of(index, page->generation));
}

static long verify(void)
{
	long bad = 0;

	for (long i = 0; i < nr_pages; i++) {
		const struct page *page = &pages[i];

		if (page->index == (uint64_t)i && page->generation == generations[i] &&
		    lab_filled(page->words, PAGE_WORDS - 2, seed_of(i, generations[i])))
			continue;
		if (bad++ == 0)
			lab_say("page %ld at %p is wrong: index %llu, generation %llu, expected %u", i, (void *)page,
				(unsigned long long)page->index, (unsigned long long)page->generation, generations[i]);
	}
	return bad;
}

/* Which page comes next: anywhere, one after the other, or mostly among a tenth of them. */
static long choose(const char *pattern, uint64_t n)
{
	uint64_t random = lab_mix(n);

	if (!strcmp(pattern, "sequential"))
		return n % nr_pages;
	if (!strcmp(pattern, "hot") && random % 10 && nr_pages >= 10)
		return (random >> 8) % (nr_pages / 10);
	return (random >> 8) % nr_pages;
}

int main(int argc, char **argv)
{
	long size_mib = 64, rate = 1000;
	const char *pattern = "random";
	const struct lab_option options[] = {
		{ "--size", "memory, in MiB (64)", .number = &size_mib, .min = 1, .max = 65536 },
		{ "--rate", "pages rewritten a second (1000)", .number = &rate, .min = 1, .max = 1000000 },
		{ "--pattern", "random, sequential or hot (random)", .word = &pattern },
		{ },
	};
	uint64_t written = 0;
	long beats = 20;

	lab_start("memwriter", "Rewrites pages of memory, and can tell whether any of them is not as it was left.",
		  options, argc, argv);
	if (strcmp(pattern, "random") && strcmp(pattern, "sequential") && strcmp(pattern, "hot")) {
		fprintf(stderr, "memwriter: --pattern %s: give random, sequential or hot\n", pattern);
		return 2;
	}
	nr_pages = size_mib << 8;
	pages = mmap(NULL, size_mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	generations = calloc(nr_pages, sizeof(*generations));
	if (pages == MAP_FAILED || !generations) {
		fprintf(stderr, "memwriter: %ld MiB: %s\n", size_mib, strerror(errno));
		return 1;
	}
	for (long i = 0; i < nr_pages; i++)
		rewrite(i);
	lab_say("%ld pages filled", nr_pages);
	if (rate < beats)
		beats = rate;
	for (;;) {
		lab_beat(beats);
		for (long i = 0; i < rate / beats; i++)
			rewrite(choose(pattern, written++));
		if (lab_progress_due())
			lab_say("%llu pages rewritten", (unsigned long long)written);
		if (lab_verify_due()) {
			long bad = verify();

			lab_verdict(!bad, "%ld pages, %ld wrong, %llu rewritten", nr_pages, bad, (unsigned long long)written);
		}
	}
}
