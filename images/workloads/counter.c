// SPDX-License-Identifier: Apache-2.0
/* Counts. Every number goes into a chain of hashes, so that a lost or doubled step shows. */
#include "lab.h"

int main(int argc, char **argv)
{
	long rate = 10;
	const struct lab_option options[] = {
		{ "--rate", "steps a second (10)", .number = &rate, .min = 1, .max = 10000 },
		{ },
	};
	volatile uint64_t count = 0, inverse = ~0ULL, chain = 0;

	lab_start("counter", "Counts, and can tell whether it ever lost a step.", options, argc, argv);
	for (;;) {
		lab_beat(rate);
		count++;
		inverse = ~count;
		chain = lab_mix(chain ^ count);
		if (lab_progress_due())
			lab_say("%llu", (unsigned long long)count);
		if (lab_verify_due()) {
			uint64_t again = 0;

			for (uint64_t i = 1; i <= count; i++)
				again = lab_mix(again ^ i);
			lab_verdict(inverse == ~count && again == chain, "count %llu, chain %016llx (recomputed %016llx)",
				    (unsigned long long)count, (unsigned long long)chain, (unsigned long long)again);
		}
	}
}
