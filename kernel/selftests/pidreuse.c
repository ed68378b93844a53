// SPDX-License-Identifier: Apache-2.0
/*
 * The pid of one who has ended is taken until its parent has waited for it. A
 * restart gives the parent time, and says what is the matter if it takes none.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-pidreuse.img"

static const char *pid_path(void)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/pidreuse.pid", scratch);
	return path;
}

static void slow_parent_body(void)
{
	pid_t child = fork();
	FILE *out;

	if (child == 0)
		for (;;)
			pause();
	out = fopen(pid_path(), "w");
	if (!out || fprintf(out, "%d", child) < 0 || fclose(out) < 0)
		_exit(1);
	pause_here();
	verify(waitpid(child, NULL, 0) == child, "the parent waits at last");
}

int main(void)
{
	char output[4096], pid[16] = "";
	struct subject s;
	pid_t restart;
	int status;
	FILE *in;

	need_checkpoint();
	if (!subject_start(&s, "slow parent", slow_parent_body))
		return tap_done();
	in = fopen(pid_path(), "r");
	if (!in || !fgets(pid, sizeof(pid), in))
		tap_diag("no pid in %s", pid_path());
	status = RUN(output, checkpoint_path, "-o", IMAGE, "--kill", pid);
	tap_ok(status == 0, "checkpoint of a child, and its end (%d: %s)", status, output);

	status = RUN(output, restart_path, "-i", IMAGE, "--detach");
	tap_ok(status == 1 && strstr(output, "has not waited for it"), "a parent that does not wait is named: %s", output);

	restart = fork();
	if (restart == 0) {
		status = RUN(output, restart_path, "-i", IMAGE, "--detach");
		if (status)
			tap_diag("restart: %s", output);
		_exit(status);
	}
	/* Most likely the restart has found the pid taken by then. */
	usleep(300000);
	subject_finish(&s);
	waitpid(restart, &status, 0);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a restart waits for a parent to wait");
	kill(atoi(pid), SIGKILL);
	tap_ok(wait_gone(atoi(pid)), "the restored one ends");
	unlink(IMAGE);
	unlink(pid_path());
	return tap_done();
}
