/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all workloads share: options, a heartbeat, progress lines, and the
 * verification that SIGUSR1 asks for.
 */
#ifndef LAB_H
#define LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One option that takes a number or a word; a flag if both are NULL but @flag. */
struct lab_option {
	const char *name;	/* "--size" */
	const char *what;	/* for --help */
	long *number;
	long min, max;
	const char **word;
	bool *flag;
};

/* Parse the command line, say "ready", and prepare for SIGUSR1. */
void lab_start(const char *name, const char *about, const struct lab_option *options, int argc, char **argv);

/* One line "name: ..." on standard output; a terminal that is gone is no reason to end. */
void lab_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Sleep until the next of @rate steps a second. Afterwards lab_progress_due()
 * is true about once a second, and lab_verify_due() after a SIGUSR1. Says
 * "continuing after restart" if this process was made anew since the last beat.
 */
void lab_beat(long rate);
bool lab_progress_due(void);
bool lab_verify_due(void);

/* The one line that a verification prints: "verify: ok ..." or "verify: FAIL ...". */
void lab_verdict(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Times this process has been restarted, as far as it could tell. */
unsigned int lab_restarts(void);

uint64_t lab_mix(uint64_t x);
/* Fill @words so that any other seed, or any flipped bit, shows; and look whether they are so. */
void lab_fill(uint64_t *words, size_t nr, uint64_t seed);
bool lab_filled(const uint64_t *words, size_t nr, uint64_t seed);

#endif
