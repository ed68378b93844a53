// SPDX-License-Identifier: Apache-2.0
/* Pipes: unread bytes, size, both ends, the end of file. */
/* covers: Descriptors | pipes with unread bytes | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

static void unread(void)
{
	char out[30000], in[30000];
	int ends[2], other[2];

	if (pipe(ends) < 0 || pipe2(other, O_NONBLOCK) < 0)
		_exit(1);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 31;
	fcntl(ends[1], F_SETPIPE_SZ, 131072);
	if (write(ends[1], out, sizeof(out)) != sizeof(out))
		_exit(1);
	pause_here();
	verify(read(ends[0], in, sizeof(in)) == sizeof(in) && !memcmp(in, out, sizeof(in)), "30,000 unread bytes");
	verify(fcntl(ends[0], F_GETPIPE_SZ) == 131072, "its size");
	verify(read(other[0], in, 1) < 0 && errno == EAGAIN, "an empty pipe that does not block");
	close(ends[1]);
	verify(read(ends[0], in, 1) == 0, "end of file when the last writer has closed");
}

static void between(void)
{
	int ends[2], status;
	char c = 0;

	if (pipe(ends) < 0)
		_exit(1);
	pid_t child = fork();

	if (child == 0) {
		close(ends[1]);
		if (read(ends[0], &c, 1) != 1 || c != 'a')	/* blocks across the restart */
			_exit(1);
		_exit(read(ends[0], &c, 1) == 0 ? 0 : 2);
	}
	close(ends[0]);
	pause_here();
	verify(write(ends[1], "a", 1) == 1, "the parent writes");
	close(ends[1]);
	waitpid(child, &status, 0);
	verify(status == 0, "the child reads it, then end of file (status 0x%x)", status);
}

int main(void)
{
	need_checkpoint();
	subject_round("unread", unread);
	subject_round("between", between);
	return tap_done();
}
