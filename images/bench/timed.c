// SPDX-License-Identifier: Apache-2.0
/*
 * timed COMMAND...: run it, its output on our standard error, and say on
 * standard output how long it took from fork to its end: {"ns":N,"status":N}.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

int main(int argc, char **argv)
{
	uint64_t start;
	int status;
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "usage: timed COMMAND...\n");
		return 2;
	}
	start = now_ns();
	pid = vfork();
	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		fprintf(stderr, "timed: %s\n", strerror(errno));
		return 1;
	}
	printf("{\"ns\":%llu,\"status\":%d}\n", (unsigned long long)(now_ns() - start),
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
