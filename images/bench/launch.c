// SPDX-License-Identifier: Apache-2.0
/*
 * launch READY COMMAND...: start COMMAND as a process that has no tie to us (a
 * session of its own, /dev/null for input and output), wait until it has made
 * the file READY (or, with READY "-", not at all), and say its pid.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *ready;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: launch READY|- COMMAND...\n");
		return 2;
	}
	ready = strcmp(argv[1], "-") ? argv[1] : NULL;
	if (ready)
		unlink(ready);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		setsid();
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		syscall(SYS_close_range, 3, ~0U, 0);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0) {
		fprintf(stderr, "launch: %s\n", strerror(errno));
		return 1;
	}
	while (ready && access(ready, F_OK) < 0) {
		int status;

		if (waitpid(pid, &status, WNOHANG) == pid) {
			fprintf(stderr, "launch: %s ended before it was ready (status 0x%x)\n", argv[2], status);
			return 1;
		}
		usleep(1000);
	}
	printf("%d\n", pid);
	return 0;
}
