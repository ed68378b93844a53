// SPDX-License-Identifier: Apache-2.0
/* On a kernel without checkpoint(2), the commands say so plainly. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "subject.h"
#include "tap.h"

static void body(void)
{
	pause_here();
}

int main(void)
{
	struct subject s;
	char output[4096], pid[16];

	if (syscall(__NR_checkpoint_x86_64, NULL, 0) >= 0 || errno != ENOSYS)
		tap_skip_all("this kernel has checkpoint(2)");
	if (!subject_start(&s, "base", body))
		return tap_done();
	snprintf(pid, sizeof(pid), "%d", s.pid);
	tap_ok(RUN(output, checkpoint_path, "-o", "/tmp/selftest/none.img", pid) == 1, "checkpoint fails");
	tap_ok(strstr(output, "no checkpoint(2)") && !strchr(output, '\n'), "checkpoint says why, in a line");
	tap_diag("%s", output);
	tap_ok(!exists("/tmp/selftest/none.img"), "no image is left");
	subject_finish(&s);
	return tap_done();
}
