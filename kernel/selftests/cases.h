/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A selftest made of cases, each for some filesystems:
 *
 *	NAME			every case, on every filesystem it is for
 *	NAME CASE		that case, on every filesystem it is for
 *	NAME CASE FS		that case on that filesystem
 *	NAME --list		"CASE FS", a line each
 *
 *	static void small(void) { subject_round("small", body_that_looks_at_case_dir); }
 *
 *	int main(int argc, char **argv)
 *	{
 *		static const struct test_case cases[] = {
 *			{ "small", small, "ext4 tmpfs" },
 *			{ },
 *		};
 *
 *		return run_cases(argc, argv, cases);
 *	}
 */
#ifndef CASES_H
#define CASES_H

struct test_case {
	const char *name;
	void (*run)(void);
	const char *filesystems;	/* separated by spaces */
};

/* The filesystem of the case that runs, and a writable directory on it. */
extern const char *case_fs, *case_dir;

/* Calls need_checkpoint(). Returns what main() returns. */
int run_cases(int argc, char **argv, const struct test_case *cases);

#endif
