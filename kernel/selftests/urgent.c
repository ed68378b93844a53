// SPDX-License-Identifier: Apache-2.0
/* Urgent data (MSG_OOB) of UNIX streams: unread, inline, read and still marked, in a connection not accepted yet. */
/* covers: Sockets | UNIX: urgent data (MSG_OOB), and its mark | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"


static int urgent[2], inlined[2], marked[2], alone[2], replaced[2];
static volatile sig_atomic_t signals;

static void on_urgent(int sig)
{
	(void)sig;
	signals++;
}

static void fill(int *pair, const char *before, char byte, const char *after)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || send(pair[0], before, strlen(before), 0) != (ssize_t)strlen(before) ||
	    send(pair[0], &byte, 1, MSG_OOB) != 1 || send(pair[0], after, strlen(after), 0) != (ssize_t)strlen(after))
		_exit(80);
}

static bool reads(int fd, const char *expected)
{
	char room[64] = "";
	ssize_t n = recv(fd, room, sizeof(room) - 1, MSG_DONTWAIT);

	return n == (ssize_t)strlen(expected) && !strcmp(room, expected);
}

static bool has_urgent(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	return poll(&p, 1, 0) == 1 && p.revents & POLLPRI;
}

static bool at_mark(int fd)
{
	int answer = -1;

	return ioctl(fd, SIOCATMARK, &answer) == 0 && answer == 1;
}

static void body(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0crlab-urgent" };
	int one = 1, listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	char c = 0;

	signal(SIGURG, on_urgent);
	fill(urgent, "abc", 'd', "ef");
	fill(inlined, "abc", 'd', "ef");
	setsockopt(inlined[1], SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
	fill(marked, "abc", 'd', "ef");
	if (recv(marked[1], &c, 1, MSG_OOB) != 1 || c != 'd')
		_exit(81);
	fill(alone, "", 'x', "");
	/* The first one is an ordinary byte now. */
	fill(replaced, "a", 'b', "c");
	send(replaced[0], "d", 1, MSG_OOB);
	if (bind(listener, (struct sockaddr *)&name, sizeof(name)) < 0 || listen(listener, 1) < 0 ||
	    connect(client, (struct sockaddr *)&name, sizeof(name)) < 0 || send(client, "hi", 2, 0) != 2 ||
	    send(client, "!", 1, MSG_OOB) != 1)
		_exit(82);
	fcntl(urgent[1], F_SETOWN, getpid());
	pause_here();
	verify(!signals, "nobody is told of it again");
	verify(has_urgent(urgent[1]) && !at_mark(urgent[1]), "there is something urgent");
	verify(recv(urgent[1], &c, 1, MSG_OOB) == 1 && c == 'd', "an urgent byte");
	verify(!has_urgent(urgent[1]) && recv(urgent[1], &c, 1, MSG_OOB) < 0, "once");
	verify(reads(urgent[1], "abc") && at_mark(urgent[1]) && reads(urgent[1], "ef"), "its place is known");
	verify(has_urgent(inlined[1]) && recv(inlined[1], &c, 1, MSG_OOB) < 0 && errno == EINVAL, "one that is read inline");
	verify(reads(inlined[1], "abc") && at_mark(inlined[1]) && reads(inlined[1], "def"), "stands in its place");
	verify(!has_urgent(marked[1]) && recv(marked[1], &c, 1, MSG_OOB) < 0, "one that was read is not read again");
	verify(reads(marked[1], "abc") && at_mark(marked[1]) && reads(marked[1], "ef"), "and still marks its place");
	verify(has_urgent(alone[1]) && at_mark(alone[1]) && recv(alone[1], &c, 1, MSG_OOB) == 1 && c == 'x', "one that is alone");
	verify(reads(replaced[1], "abc") && at_mark(replaced[1]) && recv(replaced[1], &c, 1, MSG_OOB) == 1 && c == 'd',
	       "one that has come after another");
	client = accept(listener, NULL, NULL);
	verify(client >= 0 && has_urgent(client) && recv(client, &c, 1, MSG_OOB) == 1 && c == '!' && reads(client, "hi"),
	       "in a connection that was not accepted yet");
	send(urgent[0], "z", 1, MSG_OOB);
	verify(signals == 1 && recv(urgent[1], &c, 1, MSG_OOB) == 1 && c == 'z', "the next one is told of");
}

static bool is_urgent(const void *body)
{
	return ((const struct ckpt_socket_msg *)body)->flags == CKPT_MSG_URGENT;
}

static bool is_mark(const void *body)
{
	return ((const struct ckpt_socket_msg *)body)->flags == CKPT_MSG_MARK;
}

static bool is_plain(const void *body)
{
	const struct ckpt_socket_msg *m = body;

	return !m->flags && !memcmp(m + 1, "abc", 3);
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_SOCKET_MSG;
}

static void damaged(void)
{
	struct ckpt_socket_msg *byte = record(CKPT_REC_SOCKET_MSG, is_urgent);
	struct ckpt_socket_msg *mark = record(CKPT_REC_SOCKET_MSG, is_mark);
	struct ckpt_socket_msg *plain = record(CKPT_REC_SOCKET_MSG, is_plain);

	BAD_FIELD(byte->flags, 4, "an unknown flag", "a message contradicts itself");
	BAD_FIELD(byte->flags, CKPT_MSG_MARK, "a mark that has not been read", "an urgent byte contradicts itself");
	BAD_FIELD(byte->flags, 3, "both urgent and read", "an urgent byte contradicts itself");
	BAD_FIELD(mark->flags, CKPT_MSG_URGENT, "an urgent byte that is not there", "an urgent byte contradicts itself");
	BAD_FIELD(mark->flags, 0, "nothing", "an empty message in a stream");
	BAD_FIELD(plain->flags, CKPT_MSG_URGENT, "three urgent bytes", "an urgent byte contradicts itself");
}

int main(void)
{
	need_checkpoint();
	mutate_round("urgent", body, damaged, is_about, 100);
	return tap_done();
}
