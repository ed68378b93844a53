// SPDX-License-Identifier: Apache-2.0
/*
 * Checkpoint, kill, restart, and again: the tree is what it was, and the
 * kernel's memory does not grow.
 *
 *	cycles [COUNT]
 */
/* covers: Robustness | checkpoint and restart, thousands of times | supported: no growth of kernel memory */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

#include "everything.h"
#include "leaks.h"
#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-cycles.img"
#define COUNT	40

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : COUNT, done = 0;
	long kib = 0, growth;
	struct subject s;

	need_checkpoint();
	if (!subject_start(&s, "cycles", everything))
		return tap_done();
	for (; done < count; done++) {
		if (!subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) || !wait_gone(s.pid) ||
		    !subject_restart(&s, IMAGE, NULL))
			break;
		unlink(IMAGE);
		/* Once caches and pools have what they need. */
		if (done == count / 4)
			kib = kernel_kib();
		if (done % 1000 == 999)
			tap_diag("%d cycles, kernel memory %+ld KiB", done + 1, kernel_kib() - kib);
	}
	growth = kernel_kib() - kib;
	tap_ok(done == count, "%d cycles", done);
	tap_ok(growth < MAX_GROWTH_KIB, "memory of the kernel: %ld KiB more", growth);
	subject_finish(&s);
	everything_clean_up();
	return tap_done();
}
