// SPDX-License-Identifier: Apache-2.0
/* Pipes: unread bytes, size, both ends, the end of file. */
/* covers: Descriptors | pipes with unread bytes | supported */
/* covers: Descriptors | pipes in packet mode (O_DIRECT), with packets | supported */
/* covers: Descriptors | pipes with an end in flight (SCM_RIGHTS) only | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
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

static void packets(void)
{
	char big[6000], got[8192];
	int ends[2];

	memset(big, 'b', sizeof(big));
	if (pipe2(ends, O_NONBLOCK | O_DIRECT) < 0 || write(ends[1], "ab", 2) != 2 || write(ends[1], "cde", 3) != 3 ||
	    write(ends[1], big, sizeof(big)) != sizeof(big) || fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0 ||
	    write(ends[1], "stream", 6) != 6 || write(ends[1], "ing", 3) != 3 ||
	    fcntl(ends[1], F_SETFL, O_NONBLOCK | O_DIRECT) < 0)
		_exit(1);
	pause_here();
	verify(fcntl(ends[1], F_GETFL) & O_DIRECT && !(fcntl(ends[0], F_GETFL) & O_DIRECT), "flags of both ends");
	verify(read(ends[0], got, 100) == 2 && read(ends[0], got, 100) == 3 && !memcmp(got, "cde", 3), "a packet at a time");
	verify(read(ends[0], got, 1) == 1 && read(ends[0], got, 4096) == sizeof(big) - 4096,
	       "of one that is read in part the rest is lost");
	verify(read(ends[0], got, 100) == 9 && !memcmp(got, "streaming", 9), "what was written since in one");
	verify(write(ends[1], "f", 1) == 1 && write(ends[1], "g", 1) == 1 && read(ends[0], got, 2) == 1, "new packets");
}

static void send_end(int socket, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(fd))];
		struct cmsghdr align;
	} control = {};
	struct iovec byte = { "x", 1 };
	struct msghdr message = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = control.buf,
				  .msg_controllen = sizeof(control.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(socket, &message, 0) != 1)
		_exit(2);
}

static int receive_end(int socket)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {};
	char c;
	struct iovec byte = { &c, 1 };
	struct msghdr message = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = control.buf,
				  .msg_controllen = sizeof(control.buf) };
	int fd = -1;

	if (recvmsg(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static void in_flight(void)
{
	int ends[2], pair[2], first, second;
	char c;

	if (pipe2(ends, O_NONBLOCK) < 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		_exit(3);
	send_end(pair[0], ends[1]);
	send_end(pair[0], ends[1]);
	close(ends[1]);
	pause_here();
	verify(read(ends[0], &c, 1) < 0 && errno == EAGAIN, "the writer has not gone");
	first = receive_end(pair[1]);
	second = receive_end(pair[1]);
	verify(write(first, "1", 1) == 1 && write(second, "2", 1) == 1 && read(ends[0], &c, 1) == 1 && c == '1', "it writes");
	close(first);
	close(second);
	verify(read(ends[0], &c, 1) == 1 && c == '2' && read(ends[0], &c, 1) == 0, "then the end of file");
}

int main(void)
{
	need_checkpoint();
	subject_round("unread", unread);
	subject_round("between", between);
	subject_round("packets", packets);
	subject_round("in flight", in_flight);
	return tap_done();
}
