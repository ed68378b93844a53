// SPDX-License-Identifier: Apache-2.0
/* Sockets: UNIX ones with all that is in them; those of IPv4 and IPv6 that know no connections. */
/* covers: Sockets | bound to an address that nobody has here (IP_FREEBIND) | supported */
/* covers: Sockets | UNIX: pairs, names, pending connections, queues, descriptors in flight, peercred | supported */
/* covers: Sockets | TCP v4 and v6: listening, bound | supported */
/* covers: Sockets | several with one port (SO_REUSEADDR), also if that was taken back since | supported */
/* covers: Sockets | UDP v4 and v6: bound, connected | supported */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

/* The length of the address; a name that begins with '@' is abstract. */
static socklen_t name_of(struct sockaddr_un *un, const char *name)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, name);
	if (name[0] == '@')
		un->sun_path[0] = '\0';
	return offsetof(struct sockaddr_un, sun_path) + strlen(name) + (name[0] != '@');
}

static int bound(int type, const char *name)
{
	struct sockaddr_un un;
	int fd = socket(AF_UNIX, type, 0);
	socklen_t len = name_of(&un, name);

	if (name[0] != '@')
		unlink(name);
	if (fd < 0 || bind(fd, (void *)&un, len) < 0)
		_exit(90);
	return fd;
}

static int connect_to(int type, const char *name)
{
	struct sockaddr_un un;
	socklen_t len = name_of(&un, name);
	int fd = socket(AF_UNIX, type, 0);

	if (connect(fd, (void *)&un, len) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool has_name(int fd, const char *name, bool peer)
{
	struct sockaddr_un un, want;
	socklen_t len = sizeof(un), want_len = name_of(&want, name);

	if ((peer ? getpeername : getsockname)(fd, (void *)&un, &len) < 0)
		return false;
	return len == want_len && !memcmp(&un, &want, len);
}

static bool reads(int fd, const char *text)
{
	char got[256] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	return n == (ssize_t)strlen(text) && !memcmp(got, text, n);
}

static bool talks(int a, int b)
{
	return send(a, "there", 5, 0) == 5 && reads(b, "there") && send(b, "back", 4, 0) == 4 && reads(a, "back");
}

static void pairs(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	int pair[3][2], shared[2], status;
	char big[50000], got[50000];
	struct stat st;

	for (int i = 0; i < 3; i++) {
		if (socketpair(AF_UNIX, types[i] | (i ? SOCK_NONBLOCK : 0), 0, pair[i]) < 0)
			_exit(1);
		if (send(pair[i][0], "one", 3, 0) != 3 || send(pair[i][0], "two", 3, 0) != 3 || send(pair[i][1], "3", 1, 0) != 1)
			_exit(2);
	}
	memset(big, 'b', sizeof(big));
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, shared) < 0 || send(shared[0], "xyz", 3, 0) != 3 ||
	    send(shared[0], big, sizeof(big), 0) != sizeof(big) || !(recv(shared[1], got, 1, 0) == 1))
		_exit(3);
	pid_t child = fork();

	if (child == 0) {
		close(shared[0]);
		wait_for_go();
		_exit(recv(shared[1], got, 2, MSG_WAITALL) == 2 && !memcmp(got, "yz", 2) &&
		      recv(shared[1], got, sizeof(got), MSG_WAITALL) == sizeof(got) && !memcmp(big, got, sizeof(got)) &&
		      recv(shared[1], got, 1, 0) == 0 ? 0 : 1);
	}
	pause_here();
	verify(reads(pair[0][1], "onetwo") && reads(pair[0][0], "3"), "a stream's bytes");
	verify(reads(pair[1][1], "one") && reads(pair[1][1], "two") && reads(pair[1][0], "3"), "datagrams, one by one");
	verify(reads(pair[2][1], "one") && reads(pair[2][1], "two") && reads(pair[2][0], "3"), "packets, one by one");
	for (int i = 0; i < 3; i++)
		verify(talks(pair[i][0], pair[i][1]), "pair %d talks on", i);
	verify(fcntl(pair[1][0], F_GETFL) == (O_RDWR | O_NONBLOCK) && fstat(pair[1][0], &st) == 0 && S_ISSOCK(st.st_mode), "flags");
	close(shared[0]);
	close(shared[1]);
	waitpid(child, &status, 0);
	verify(status == 0, "a partly read stream goes on in the child, to its end (0x%x)", status);
}

static void names(void)
{
	static const char *const path = "/tmp/selftest/stream.sock", *dgram_path = "/tmp/selftest/dgram.sock";
	int listener = bound(SOCK_STREAM, path), abstract = bound(SOCK_SEQPACKET, "@selftest abstract"),
	    dgram = bound(SOCK_DGRAM, dgram_path), unlinked = bound(SOCK_STREAM, "/tmp/selftest/unlinked.sock");
	int client, served, waiting[2], later, sender = bound(SOCK_DGRAM, "@selftest sender");
	struct sockaddr_un un = {};
	socklen_t len = sizeof(un);
	char text[16] = "";

	listen(listener, 5);
	listen(abstract, 5);
	listen(unlinked, 1);
	client = connect_to(SOCK_STREAM, path);
	served = accept(listener, NULL, NULL);
	waiting[0] = connect_to(SOCK_STREAM, path);
	waiting[1] = connect_to(SOCK_STREAM, path);
	if (client < 0 || served < 0 || waiting[1] < 0 || send(waiting[0], "first", 5, 0) != 5 ||
	    send(waiting[1], "second", 6, 0) != 6 || sendto(sender, "letter", 6, 0, (void *)&un, name_of(&un, dgram_path)) != 6)
		_exit(1);
	close(waiting[1]);
	unlink("/tmp/selftest/unlinked.sock");
	pause_here();
	verify(has_name(listener, path, false) && has_name(served, path, false) && has_name(client, path, true), "names, also of what was accepted");
	verify(talks(client, served), "a connection talks on");
	int got = accept(listener, NULL, NULL);

	verify(got >= 0 && reads(got, "first") && send(got, "hello", 5, 0) == 5 && reads(waiting[0], "hello"), "who waited first is accepted first");
	got = accept(listener, NULL, NULL);
	verify(got >= 0 && reads(got, "second") && recv(got, text, 1, 0) == 0, "one that has hung up since is accepted, and read to its end");
	later = connect_to(SOCK_STREAM, path);
	got = accept(listener, NULL, NULL);
	verify(later >= 0 && got >= 0 && talks(later, got), "a new one connects by the path");
	verify((later = connect_to(SOCK_SEQPACKET, "@selftest abstract")) >= 0 && (got = accept(abstract, NULL, NULL)) >= 0 && talks(later, got), "and by the abstract name");
	verify(has_name(unlinked, "/tmp/selftest/unlinked.sock", false) && connect_to(SOCK_STREAM, "/tmp/selftest/unlinked.sock") < 0 &&
	       errno == ENOENT, "an unlinked name is told, and leads nowhere");
	len = sizeof(un);
	verify(recvfrom(dgram, text, sizeof(text), MSG_DONTWAIT, (void *)&un, &len) == 6 && !memcmp(text, "letter", 6) &&
	       !memcmp(un.sun_path + 1, "selftest sender", 15), "a datagram and its sender");
	verify(sendto(dgram, "answer", 6, 0, (void *)&un, len) == 6 && reads(sender, "answer"), "who can be answered");
}

static int send_fds(int to, const int *fds, int nr, const char *text)
{
	union { char buf[CMSG_SPACE(sizeof(int) * 8)]; struct cmsghdr align; } control = {};
	struct iovec iov = { (char *)text, strlen(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = CMSG_SPACE(sizeof(int) * nr) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * nr);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * nr);
	return sendmsg(to, &msg, 0);
}

static int receive(int from, int *fds, int max, struct ucred *cred, char *text, size_t room)
{
	union { char buf[512]; struct cmsghdr align; } control = {};
	struct iovec iov = { text, room };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control) };
	int nr = 0;

	memset(text, 0, room);
	if (recvmsg(from, &msg, MSG_DONTWAIT) < 0)
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_type == SCM_RIGHTS) {
			nr = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(c), sizeof(int) * (nr < max ? nr : max));
		} else if (c->cmsg_type == SCM_CREDENTIALS && cred) {
			memcpy(cred, CMSG_DATA(c), sizeof(*cred));
		}
	}
	return nr;
}

/* On a disk: nothing but the queue leads to it. */
static void unlinked_in_flight(void)
{
	int pair[2], got[1] = { -1 }, file = open("/ckpt/selftest-flying", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct stat st;
	char text[16];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || write(file, "in the file", 11) != 11 ||
	    unlink("/ckpt/selftest-flying") < 0 || send_fds(pair[0], &file, 1, "one") != 3)
		_exit(1);
	close(file);
	pause_here();
	verify(receive(pair[1], got, 1, NULL, text, 3) == 1 && fstat(got[0], &st) == 0 && st.st_nlink == 0,
	       "an unlinked file that is only in flight");
	verify(pread(got[0], text, sizeof(text), 0) == 11 && !memcmp(text, "in the file", 11), "with its contents");
}

static void in_flight(void)
{
	int pair[2], ends[2], inner[2], loop[2], creds[2], fds[8] = {}, on = 1, counter = eventfd(7, 0), got[8];
	int file = open("/tmp/selftest/flying", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct ucred cred = {};
	uint64_t n = 0;
	char text[64];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, inner) < 0 || pipe(ends) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, loop) < 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, creds) < 0)
		_exit(1);
	setsockopt(creds[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	if (write(file, "in the file", 11) != 11 || send(creds[0], "who", 3, 0) != 3 || send(inner[0], "deep", 4, 0) != 4)
		_exit(2);
	/* Each is only in flight then; the socket has something in its own queue. */
	fds[0] = file;
	fds[1] = counter;
	fds[2] = inner[1];
	if (send(pair[0], "before", 6, 0) != 6 || send_fds(pair[0], fds, 3, "three") != 5 || send_fds(pair[0], &inner[0], 1, "other end") != 9)
		_exit(3);
	close(file);
	close(counter);
	close(inner[0]);
	close(inner[1]);
	/* A socket in its own queue, whose end is kept. */
	if (send_fds(loop[0], &loop[1], 1, "itself") != 6)
		_exit(4);
	pause_here();
	verify(receive(pair[1], got, 8, NULL, text, 6) == 0 && !strncmp(text, "before", 6), "what was sent before");
	verify(receive(pair[1], got, 8, NULL, text, 5) == 3 && !strncmp(text, "three", 5), "three descriptors with their text");
	verify(pread(got[0], text, sizeof(text), 0) == 11 && !memcmp(text, "in the file", 11), "a file");
	verify(read(got[1], &n, 8) == 8 && n == 7, "an eventfd");
	verify(reads(got[2], "deep"), "a socket, with what was in its queue");
	int end = got[2];

	verify(receive(pair[1], got, 8, NULL, text, sizeof(text)) == 1 && talks(got[0], end), "and its other end");
	verify(receive(creds[1], got, 8, &cred, text, sizeof(text)) == 0 && cred.pid == getpid() && cred.uid == getuid(),
	       "credentials with a message (pid %d)", cred.pid);
	verify(receive(loop[1], got, 8, NULL, text, sizeof(text)) == 1 && talks(loop[0], got[0]), "a socket that was in its own queue");
	close(ends[0]);
	unlink("/tmp/selftest/flying");
}

static void states(void)
{
	int half[2], closed[2], peer[2], options = socket(AF_UNIX, SOCK_STREAM, 0), value = 0, size = 60000, on = 1, kept;
	struct timeval timeout = { 12, 340000 }, got_timeout = {};
	struct linger linger = { 1, 33 }, got_linger = {};
	struct ucred cred = {};
	socklen_t len = sizeof(cred);
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, half) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, closed) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, peer) < 0)
		_exit(1);
	shutdown(half[0], SHUT_WR);
	if (send(closed[0], "last words", 10, 0) != 10)
		_exit(2);
	close(closed[0]);
	setsockopt(options, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(options, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	setsockopt(options, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(options, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	len = sizeof(kept);
	getsockopt(options, SOL_SOCKET, SO_SNDBUF, &kept, &len);
	pause_here();
	verify(recv(half[1], &c, 1, MSG_DONTWAIT) == 0 && send(half[0], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "shut down for writing");
	verify(send(half[1], "y", 1, 0) == 1 && reads(half[0], "y"), "but not for reading");
	verify(reads(closed[1], "last words") && recv(closed[1], &c, 1, 0) == 0 && send(closed[1], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE,
	       "last words of one that had closed, then the end");
	len = sizeof(cred);
	verify(getsockopt(peer[0], SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.pid == getpid() && cred.uid == getuid() && cred.gid == getgid(),
	       "SO_PEERCRED (pid %d)", cred.pid);
	len = sizeof(value);
	verify(getsockopt(options, SOL_SOCKET, SO_SNDBUF, &value, &len) == 0 && value == kept, "SO_SNDBUF %d, was %d", value, kept);
	verify(getsockopt(options, SOL_SOCKET, SO_PASSCRED, &value, &len) == 0 && value == 1, "SO_PASSCRED");
	len = sizeof(got_timeout);
	verify(getsockopt(options, SOL_SOCKET, SO_RCVTIMEO, &got_timeout, &len) == 0 && got_timeout.tv_sec == 12 && got_timeout.tv_usec == 340000, "SO_RCVTIMEO");
	len = sizeof(got_linger);
	verify(getsockopt(options, SOL_SOCKET, SO_LINGER, &got_linger, &len) == 0 && got_linger.l_onoff && got_linger.l_linger == 33, "SO_LINGER");
}

/* A child blocks in a read, and in a wait for a connection. */
static void blocked(void)
{
	int pair[2], listener = bound(SOCK_STREAM, "@selftest blocked"), reader, accepter, status;
	char c;

	listen(listener, 1);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		_exit(1);
	if ((reader = fork()) == 0)
		_exit(recv(pair[1], &c, 1, 0) == 1 && c == 'r' ? 0 : 1);
	if ((accepter = fork()) == 0)
		_exit(accept(listener, NULL, NULL) >= 0 ? 0 : 1);
	pause_here();
	verify(send(pair[0], "r", 1, 0) == 1 && connect_to(SOCK_STREAM, "@selftest blocked") >= 0, "they are woken");
	verify(waitpid(reader, &status, 0) == reader && status == 0, "the reader goes on (0x%x)", status);
	verify(waitpid(accepter, &status, 0) == accepter && status == 0, "so does who waits for a connection (0x%x)", status);
}

static void watched(void)
{
	int pair[2], epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = 5 }, got = {};

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, pair[1], &event) < 0 ||
	    send(pair[0], "1", 1, 0) != 1 || epoll_wait(epoll, &got, 1, 60000) != 1 || send_fds(pair[0], &epoll, 1, "e") != 1 ||
	    epoll_wait(epoll, &got, 1, 60000) != 1)
		_exit(1);
	pause_here();
	verify(epoll_wait(epoll, &got, 1, 0) == 0, "an edge that was seen is not seen again");
	verify(send(pair[0], "2", 1, 0) == 1 && epoll_wait(epoll, &got, 1, 60000) == 1 && got.data.u32 == 5, "a new one is, also by an epoll that flies in what it watches");
}

static int inet_bound(int family, int type, struct sockaddr_storage *addr, socklen_t *len)
{
	int fd = socket(family, type, 0), on = 1;
	struct sockaddr_in *in = (void *)addr;
	struct sockaddr_in6 *in6 = (void *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = family;
	if (family == AF_INET)
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		in6->sin6_addr = in6addr_loopback;
	*len = family == AF_INET ? sizeof(*in) : sizeof(*in6);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (void *)addr, *len) < 0 || getsockname(fd, (void *)addr, len) < 0)
		_exit(91);
	return fd;
}

static void inet(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct sockaddr_storage tcp_addr[2], udp_addr[2], now;
	int tcp[2], udp[2], sender[2], idle[2], on = 1, value = 0, client, served = -1;
	socklen_t tcp_len[2], udp_len[2], len;

	for (int i = 0; i < 2; i++) {
		tcp[i] = inet_bound(families[i], SOCK_STREAM, &tcp_addr[i], &tcp_len[i]);
		setsockopt(tcp[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		listen(tcp[i], 7);
		udp[i] = inet_bound(families[i], SOCK_DGRAM, &udp_addr[i], &udp_len[i]);
		sender[i] = socket(families[i], SOCK_DGRAM, 0);
		idle[i] = socket(families[i], SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(sender[i], (void *)&udp_addr[i], udp_len[i]) < 0)
			_exit(1);
	}
	pause_here();
	for (int i = 0; i < 2; i++) {
		const char *v = i ? "IPv6" : "IPv4";

		len = sizeof(now);
		verify(getsockname(tcp[i], (void *)&now, &len) == 0 && len == tcp_len[i] && !memcmp(&now, &tcp_addr[i], len), "%s: the address that is listened on", v);
		len = sizeof(value);
		verify(getsockopt(tcp[i], IPPROTO_TCP, TCP_NODELAY, &value, &len) == 0 && value, "%s: TCP_NODELAY", v);
		client = socket(families[i], SOCK_STREAM, 0);
		verify(connect(client, (void *)&tcp_addr[i], tcp_len[i]) == 0 && (served = accept(tcp[i], NULL, NULL)) >= 0, "%s: a client connects", v);
		verify(send(client, "tcp", 3, 0) == 3 && recv(served, &now, 3, MSG_WAITALL) == 3 && !memcmp(&now, "tcp", 3), "%s: and is heard", v);
		verify(connect(idle[i], (void *)&tcp_addr[i], tcp_len[i]) == 0 || errno == EINPROGRESS, "%s: one that was not connected is now", v);
		verify(send(sender[i], "udp", 3, 0) == 3 && recv(udp[i], &now, sizeof(now), 0) == 3 && !memcmp(&now, "udp", 3), "%s: UDP, bound and connected", v);
	}
}

static int shared(int type, int option, uint16_t port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, type, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, option, &on, sizeof(on));
	if (bind(fd, (void *)&name, sizeof(name)) < 0 || (type == SOCK_STREAM && option == SO_REUSEPORT && listen(fd, 3) < 0))
		_exit(93);
	return fd;
}

static int option_of(int fd, int option)
{
	int value = -1;

	getsockopt(fd, SOL_SOCKET, option, &value, &(socklen_t){ sizeof(value) });
	return value;
}

/* Several have one port, by an option that has been taken back. */
static void one_port(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(4330), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int zero = 0, listens[2], streams[2], grams[2];
	struct pollfd p[2];

	for (int i = 0; i < 2; i++) {
		listens[i] = shared(SOCK_STREAM, SO_REUSEPORT, 4330);
		streams[i] = shared(SOCK_STREAM, SO_REUSEADDR, 4331);
		grams[i] = shared(SOCK_DGRAM, SO_REUSEADDR, 4332);
	}
	setsockopt(listens[0], SOL_SOCKET, SO_REUSEPORT, &zero, sizeof(zero));
	setsockopt(streams[1], SOL_SOCKET, SO_REUSEADDR, &zero, sizeof(zero));
	setsockopt(grams[0], SOL_SOCKET, SO_REUSEADDR, &zero, sizeof(zero));
	pause_here();
	verify(!option_of(listens[0], SO_REUSEPORT) && option_of(listens[1], SO_REUSEPORT) == 1, "SO_REUSEPORT");
	verify(option_of(streams[0], SO_REUSEADDR) == 1 && !option_of(streams[1], SO_REUSEADDR), "SO_REUSEADDR");
	verify(!option_of(grams[0], SO_REUSEADDR) && option_of(grams[1], SO_REUSEADDR) == 1, "of UDP");
	verify(!option_of(grams[1], SO_REUSEPORT), "and no other option");
	for (int i = 0; i < 8; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (void *)&to, sizeof(to)) < 0)
			verify(false, "connection %d", i);
		for (int j = 0; j < 2; j++)
			p[j] = (struct pollfd){ .fd = listens[j], .events = POLLIN };
		verify(poll(p, 2, 5000) == 1 && accept(listens[!p[0].revents], NULL, NULL) >= 0, "one of the two is asked");
	}
	to.sin_port = htons(4332);
	sendto(grams[0], "x", 1, 0, (void *)&to, sizeof(to));
	verify(recv(grams[1], &zero, 1, 0) == 1, "the last one that was bound hears");
}

/* Nothing can be sent there. */
static void to_port_0(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, now = {};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(now);

	if (connect(fd, (void *)&to, sizeof(to)) < 0)
		_exit(94);
	pause_here();
	verify(getpeername(fd, (void *)&now, &len) < 0 && errno == ENOTCONN, "it has no peer");
	verify(getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &now, &len) < 0 && errno == ENOTCONN, "by any name");
	verify(getsockname(fd, (void *)&now, &len) == 0 && now.sin_addr.s_addr == to.sin_addr.s_addr, "but an address of its own");
}

static void send_to(int via, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec vec = { "c", 1 };
	struct msghdr m = { .msg_iov = &vec, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(via, &m, 0) != 1)
		_exit(95);
}

/* Bound, and in flight to each other: who is killed leaves them to the kernel's collector. */
static void circle(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0circle." }, now;
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 8, got;
	int pair[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	for (int i = 0; i < 2; i++) {
		name.sun_path[7] = '0' + i;
		if (bind(pair[i], (void *)&name, len) < 0)
			_exit(96);
	}
	for (int i = 0; i < 4; i++)
		send_to(pair[i / 2], pair[i % 2]);
	pause_here();
	for (int i = 0; i < 4; i++) {
		char control[CMSG_SPACE(sizeof(int))], c;
		struct iovec vec = { &c, 1 };
		struct msghdr m = { .msg_iov = &vec, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
		int fd = -1;

		if (recvmsg(pair[i / 2], &m, MSG_DONTWAIT) == 1 && m.msg_controllen)
			memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
		got = sizeof(now);
		memset(&now, 0, sizeof(now));
		verify(getsockname(fd, (void *)&now, &got) == 0 && got == len && now.sun_path[7] == '0' + i % 2, "%c came to %d", now.sun_path[7],
		       i / 2);
	}
}

static void with_outsider(void)
{
	if (connect_to(SOCK_STREAM, "@selftest outside") < 0)
		_exit(1);
	pause_here();
}

/* Bound to an address that nobody has here. */
static void foreign(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), kept = socket(AF_INET, SOCK_STREAM, 0), one = 1, zero = 0, free_to = 1;
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(4321), .sin6_addr = { { { 0x20, 1, 0xd, 0xb8, [15] = 9 } } } };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(4322), .sin_addr.s_addr = htonl(0xc0000207) }, now4 = {};
	struct sockaddr_in6 now = {};
	socklen_t len = sizeof(now);

	if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one)) < 0 || bind(fd, (void *)&six, sizeof(six)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &zero, sizeof(zero)) < 0 ||
	    setsockopt(kept, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one)) < 0 || bind(kept, (void *)&four, sizeof(four)) < 0 ||
	    listen(kept, 3) < 0)
		_exit(90);
	pause_here();
	verify(getsockname(fd, (void *)&now, &len) == 0 && !memcmp(&now, &six, sizeof(six)), "the address of one of IPv6");
	len = sizeof(free_to);
	verify(getsockopt(fd, IPPROTO_IP, IP_FREEBIND, &free_to, &len) == 0 && !free_to, "whose IP_FREEBIND has been taken back");
	len = sizeof(now4);
	verify(getsockname(kept, (void *)&now4, &len) == 0 && !memcmp(&now4, &four, sizeof(four)), "of one that listens");
}

/* As supervisord does it, so that nobody meets a socket that does not listen yet; on the disk. */
static void linked(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "/ckpt/selftest-first.sock" };
	socklen_t len = sizeof(name);
	int sock = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	unlink("/ckpt/selftest-second.sock");
	if (bind(sock, (struct sockaddr *)&name, sizeof(name)) < 0 || listen(sock, 5) < 0 ||
	    link(name.sun_path, "/ckpt/selftest-second.sock") < 0 || unlink(name.sun_path) < 0)
		_exit(1);
	pause_here();
	verify(getsockname(sock, (struct sockaddr *)&name, &len) == 0 && !strcmp(name.sun_path, "/ckpt/selftest-first.sock") &&
	       !exists(name.sun_path), "its first name is told, and is gone");
	strcpy(name.sun_path, "/ckpt/selftest-second.sock");
	verify(connect(client, (struct sockaddr *)&name, sizeof(name)) == 0 && accept(sock, NULL, NULL) >= 0,
	       "its second name leads to it");
	unlink(name.sun_path);
}

int main(void)
{
	need_checkpoint();
	subject_round("pairs", pairs);
	subject_round("names", names);
	subject_round("linked", linked);
	subject_round("in flight", in_flight);
	subject_round("unlinked, in flight", unlinked_in_flight);
	tap_ok(!exists("/ckpt/.crlab-relink"), "no directory is left");
	subject_round("states", states);
	subject_round("blocked", blocked);
	subject_round("watched", watched);
	subject_round("inet", inet);
	subject_round("foreign", foreign);
	for (int i = 0; i < 4; i++)
		subject_twice("circle", circle);
	subject_round("one port", one_port);
	subject_round("port 0", to_port_0);
	int outside = bound(SOCK_STREAM, "@selftest outside");

	listen(outside, 5);
	subject_refused("a peer outside", with_outsider, "outside the tree");
	close(outside);
	return tap_done();
}
