// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "cases.h"

#include <string.h>
#include <unistd.h>

#include "filesystems.h"
#include "subject.h"
#include "tap.h"

const char *case_fs, *case_dir;

/* Where a filesystem is found in the guest; others are made for the case. */
static const char *dir_of(const char *fs)
{
	if (!strcmp(fs, "ext4"))
		return "/data";
	if (!strcmp(fs, "tmpfs"))
		return "/tmp";
	return fs_mount(fs);
}

static int list(const struct test_case *cases)
{
	for (; cases->name; cases++) {
		char *words = strdup(cases->filesystems), *rest = words, *fs;

		while ((fs = strsep(&rest, " ")))
			printf("%s %s\n", cases->name, fs);
		free(words);
	}
	return 0;
}

static void run_on(const struct test_case *c, const char *fs)
{
	case_fs = fs;
	case_dir = dir_of(fs);
	tap_diag("%s on %s", c->name, fs);
	if (case_dir && access(case_dir, W_OK) == 0)
		c->run();
	else
		tap_ok(false, "%s: the guest has %s", c->name, fs);
	fs_umount(fs);
}

int run_cases(int argc, char **argv, const struct test_case *cases)
{
	const char *wanted = argc > 1 ? argv[1] : NULL, *on = argc > 2 ? argv[2] : NULL;
	bool ran = false;

	if (wanted && !strcmp(wanted, "--list"))
		return list(cases);
	need_checkpoint();
	for (; cases->name; cases++) {
		char *words = strdup(cases->filesystems), *rest = words, *fs;

		while ((fs = strsep(&rest, " "))) {
			if ((wanted && strcmp(wanted, cases->name)) || (on && strcmp(on, fs)))
				continue;
			run_on(cases, strdup(fs));
			ran = true;
		}
		free(words);
	}
	if (!ran)
		tap_ok(false, "there is a case %s%s%s", wanted ?: "", on ? " on " : "", on ?: "");
	return tap_done();
}
