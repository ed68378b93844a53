/* SPDX-License-Identifier: Apache-2.0 */
/* The Test Anything Protocol, as much of it as is needed. */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* One count for the whole program; subject.c has it. */
extern int tap_tests, tap_failures;

#define tap_ok(good, ...) do { \
	bool tap_good = (good); \
	printf("%sok %d - ", tap_good ? "" : "not ", ++tap_tests); \
	printf(__VA_ARGS__); \
	putchar('\n'); \
	fflush(stdout); \
	tap_failures += !tap_good; \
} while (0)

#define tap_diag(...) do { printf("# "); printf(__VA_ARGS__); putchar('\n'); fflush(stdout); } while (0)

static inline int tap_done(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failures ? 1 : 0;
}

/* 77: what `run` takes for skipped. */
static inline void tap_skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	exit(77);
}

#endif
