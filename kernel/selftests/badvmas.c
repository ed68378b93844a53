// SPDX-License-Identifier: Apache-2.0
/* Images with something wrong in what they say of mappings: each is refused in words, or restarts. */
/* covers: Robustness | mappings that contradict, or are larger than any machine | refused in words */
#define _GNU_SOURCE
#include <linux/checkpoint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define MUTATIONS	40
/* Far from all else: there is room for as much as can be addressed. */
#define PLACE		((char *)(1UL << 40))
#define PAGE		4096UL

static void body(void)
{
	char *p = mmap(PLACE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != PLACE)
		_exit(1);
	memset(p, 3, 4 * PAGE);
	pause_here();
	verify(p[0] == 3 && p[4 * PAGE - 1] == 3, "its memory is as it was");
}

static bool is_ours(const void *body)
{
	return ((const struct ckpt_vma *)body)->start == (unsigned long)PLACE;
}

static bool is_about_mappings(uint32_t type) { return type == CKPT_REC_VMA || type == CKPT_REC_MM; }

static void damaged(void)
{
	struct ckpt_vma *v = record(CKPT_REC_VMA, is_ours);
	struct ckpt_mm *m = record(CKPT_REC_MM, NULL);

	if (!v || !m) {
		tap_ok(false, "the image has the mapping");
		return;
	}
	/* In one call as in many: an image shall not keep the machine busy. */
	BAD_FIELD(v->end, v->start + (64UL << 40), "a mapping of 64 TiB", "cannot map up to");
	BAD_FIELD(v->end, v->start, "an empty one", "a mapping from");
	BAD_FIELD(v->end, v->start - PAGE, "one that ends before it begins", "a mapping from");
	BAD_FIELD(v->end, v->start + 1, "half a page", "a mapping from");
	BAD_FIELD(v->end, 1UL << 63, "one into the kernel's part", "a mapping from");
	BAD_FIELD(v->start, PAGE, "one before the one before", "a mapping from");
	BAD_FIELD(v->kind, 0, "no kind", "unknown kind 0");
	BAD_FIELD(v->kind, 99, "an unknown kind", "unknown kind 99");
	BAD_FIELD(v->kind, CKPT_VMA_FILE, "of a file that is not named", "contradict");
	BAD_FIELD(v->kind, CKPT_VMA_HUGETLB, "huge pages of nothing", "contradict");
	BAD_FIELD(v->flags, v->flags | CKPT_VMA_SHARED, "shared with nobody", "contradict");
	BAD_FIELD(v->flags, ~0U, "all flags there could be", "unknown flags");
	BAD_FIELD(v->object, 1, "anonymous memory of an object", "contradict");
	BAD_FIELD(v->pkey, 16, "a key that there is not", "contradict");
	BAD_FIELD(m->nr_vmas, m->nr_vmas + 1, "one more than there are", "should follow");
	BAD_FIELD(m->nr_vmas, ~0U, "as many as can be counted", "the limit is");
}

int main(void)
{
	need_checkpoint();
	mutate_round("bad mappings", body, damaged, is_about_mappings, MUTATIONS);
	return tap_done();
}
