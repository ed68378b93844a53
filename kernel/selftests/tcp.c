// SPDX-License-Identifier: Apache-2.0
/* TCP connections: both ends in the tree, or one; half closed, waiting, full, reset. */
/* covers: Sockets | TCP v4 and v6: connections, both ends in the tree, queues, options | supported */
/* covers: Sockets | TCP: one end outside, which hears nothing while its peer is an image | supported */
/* covers: Sockets | TCP: half closed, closed with data to send, reset | supported */
/* covers: Sockets | TCP: connections that wait to be accepted, or are being made | supported */
/* covers: Sockets | TCP: connections that are over: the names of their ends, ports that they keep | supported */
/* covers: Sockets | TCP: a port shared by SO_REUSEPORT, also if one of them has taken that back | supported */
/* covers: Sockets | TCP: urgent data | supported */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define PORT	7100	/* of the subject that is called from outside */

static int listen_on(int family, int port, int backlog, struct sockaddr_storage *addr, socklen_t *len)
{
	struct sockaddr_in *in = (void *)addr;
	struct sockaddr_in6 *in6 = (void *)addr;
	int fd = socket(family, SOCK_STREAM, 0), on = 1;

	/* A connection of before may still be in TIME_WAIT. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	memset(addr, 0, sizeof(*addr));
	addr->ss_family = family;
	if (family == AF_INET) {
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		in->sin_port = htons(port);
	} else {
		in6->sin6_addr = in6addr_loopback;
		in6->sin6_port = htons(port);
	}
	*len = family == AF_INET ? sizeof(*in) : sizeof(*in6);
	if (fd < 0 || bind(fd, (void *)addr, *len) < 0 || listen(fd, backlog) < 0 || getsockname(fd, (void *)addr, len) < 0)
		_exit(91);
	return fd;
}

static void connect_pair(int family, int pair[2])
{
	struct sockaddr_storage addr;
	socklen_t len;
	int listener = listen_on(family, 0, 1, &addr, &len);

	pair[0] = socket(family, SOCK_STREAM, 0);
	if (connect(pair[0], (void *)&addr, len) < 0 || (pair[1] = accept(listener, NULL, NULL)) < 0)
		_exit(92);
	close(listener);
}

static unsigned char byte_at(size_t i)
{
	return i * 7 + (i >> 9);
}

/* Until no more goes in; at least some of it has to wait for the peer's window. */
static size_t fill(int fd)
{
	static unsigned char block[65536];
	size_t done = 0;

	for (;;) {
		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = byte_at(done + i);
		ssize_t n = send(fd, block, sizeof(block), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			done += n;
			continue;
		}
		if (errno != EAGAIN)
			_exit(93);
		/* What is on its way may yet make room. */
		struct pollfd p = { fd, POLLOUT, 0 };

		if (poll(&p, 1, 300) == 0)
			return done;
	}
}

/* Reads @want bytes of a fill(), from @from on. */
static bool drain(int fd, size_t from, size_t want)
{
	static unsigned char block[65536];

	while (want) {
		ssize_t n = recv(fd, block, want < sizeof(block) ? want : sizeof(block), 0);

		if (n <= 0)
			return false;
		for (ssize_t i = 0; i < n; i++)
			if (block[i] != byte_at(from + i))
				return false;
		from += n;
		want -= n;
	}
	return true;
}

static bool reads(int fd, const char *text)
{
	char got[256] = "";
	ssize_t n = recv(fd, got, strlen(text), MSG_WAITALL);

	return n == (ssize_t)strlen(text) && !memcmp(got, text, n);
}

static bool talks(int a, int b)
{
	return send(a, "there", 5, MSG_NOSIGNAL) == 5 && reads(b, "there") && send(b, "back", 4, MSG_NOSIGNAL) == 4 && reads(a, "back");
}

static bool at_end(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) == 0;
}

static struct tcp_info info_of(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info;
}

static bool same_options(const struct tcp_info *a, const struct tcp_info *b)
{
	return a->tcpi_options == b->tcpi_options && a->tcpi_snd_wscale == b->tcpi_snd_wscale && a->tcpi_rcv_wscale == b->tcpi_rcv_wscale &&
	       a->tcpi_snd_mss == b->tcpi_snd_mss && a->tcpi_state == b->tcpi_state;
}

static bool waits_for(int fd, int state)
{
	for (int i = 0; i < 6000 && info_of(fd).tcpi_state != state; i++)
		usleep(10000);
	return info_of(fd).tcpi_state == state;
}

static void inside(int family, const char *name)
{
	int plain[2], full[2], both[2], on = 1, idle = 77, value, size = 40000;
	struct sockaddr_storage names[4], now;
	struct tcp_info before[2], after;
	socklen_t len, name_len[4];
	size_t sent, back[2];

	connect_pair(family, plain);
	connect_pair(family, full);
	connect_pair(family, both);
	setsockopt(plain[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(plain[0], SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(plain[0], IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(plain[1], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (send(plain[0], "before", 6, 0) != 6 || !reads(plain[1], "bef"))
		_exit(1);
	sent = fill(full[0]);
	back[0] = fill(both[0]);
	back[1] = fill(both[1]);
	if (!drain(full[1], 0, 1000))
		_exit(2);
	for (int i = 0; i < 2; i++) {
		before[i] = info_of(plain[i]);
		name_len[i] = name_len[2 + i] = sizeof(names[0]);
		getsockname(plain[i], (void *)&names[i], &name_len[i]);
		getpeername(plain[i], (void *)&names[2 + i], &name_len[2 + i]);
	}
	pause_here();
	for (int i = 0; i < 2; i++) {
		after = info_of(plain[i]);
		verify(same_options(&before[i], &after), "%s: negotiated options (0x%x, mss %u; 0x%x, mss %u)", name, before[i].tcpi_options,
		       before[i].tcpi_snd_mss, after.tcpi_options, after.tcpi_snd_mss);
		len = sizeof(now);
		verify(getsockname(plain[i], (void *)&now, &len) == 0 && len == name_len[i] && !memcmp(&now, &names[i], len), "%s: address", name);
		len = sizeof(now);
		verify(getpeername(plain[i], (void *)&now, &len) == 0 && len == name_len[2 + i] && !memcmp(&now, &names[2 + i], len), "%s: peer", name);
	}
	len = sizeof(value);
	verify(getsockopt(plain[0], IPPROTO_TCP, TCP_NODELAY, &value, &len) == 0 && value == 1 &&
	       getsockopt(plain[0], SOL_SOCKET, SO_KEEPALIVE, &value, &len) == 0 && value == 1 &&
	       getsockopt(plain[0], IPPROTO_TCP, TCP_KEEPIDLE, &value, &len) == 0 && value == 77 &&
	       getsockopt(plain[1], SOL_SOCKET, SO_RCVBUF, &value, &len) == 0 && value == 80000, "%s: socket options", name);
	verify(reads(plain[1], "ore") && talks(plain[0], plain[1]) && talks(plain[1], plain[0]), "%s: unread bytes, then it talks on", name);
	verify(drain(full[1], 1000, sent - 1000), "%s: a full connection: all %zu bytes come, in order", name, sent);
	verify(talks(full[1], full[0]), "%s: and it talks on", name);
	/* Both read at the same time: neither window is open. */
	pid_t child = fork();

	if (child == 0)
		_exit(drain(both[0], 0, back[1]) ? 0 : 1);
	verify(drain(both[1], 0, back[0]), "%s: one that is full both ways: %zu bytes", name, back[0]);
	waitpid(child, &value, 0);
	verify(value == 0, "%s: and %zu bytes the other way (0x%x)", name, back[1], value);
}

static void inside_v4(void) { inside(AF_INET, "IPv4"); }
static void inside_v6(void) { inside(AF_INET6, "IPv6"); }

/* An IPv6 socket whose peer speaks IPv4. */
static void mapped(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), served;
	socklen_t len = sizeof(any);

	if (bind(listener, (void *)&any, sizeof(any)) < 0 || listen(listener, 1) < 0 || getsockname(listener, (void *)&any, &len) < 0)
		_exit(1);
	to.sin_port = any.sin6_port;
	if (connect(client, (void *)&to, sizeof(to)) < 0 || (served = accept(listener, NULL, NULL)) < 0 || send(client, "x", 1, 0) != 1)
		_exit(2);
	pause_here();
	verify(reads(served, "x") && talks(client, served), "goes on");
	len = sizeof(any);
	verify(getpeername(served, (void *)&any, &len) == 0 && IN6_IS_ADDR_V4MAPPED(&any.sin6_addr), "and is what it was");
	client = socket(AF_INET, SOCK_STREAM, 0);
	verify(connect(client, (void *)&to, sizeof(to)) == 0 && (served = accept(listener, NULL, NULL)) >= 0 && talks(client, served), "a new one comes too");
}

static void half_closed(void)
{
	int quiet[2], loaded[2], closing[2], closed[2], last[2], reset[2];
	size_t loaded_bytes, closed_bytes;
	char c;

	connect_pair(AF_INET, quiet);
	connect_pair(AF_INET6, loaded);
	connect_pair(AF_INET, closing);
	connect_pair(AF_INET, closed);
	connect_pair(AF_INET, last);
	connect_pair(AF_INET, reset);
	send(quiet[0], "bye", 3, 0);
	shutdown(quiet[0], SHUT_WR);
	loaded_bytes = fill(loaded[0]);
	shutdown(loaded[0], SHUT_WR);
	closed_bytes = fill(closed[0]);
	close(closed[0]);
	shutdown(closing[0], SHUT_WR);
	shutdown(closing[1], SHUT_WR);
	send(last[0], "left", 4, 0);
	shutdown(last[0], SHUT_WR);
	/* Unread bytes: a reset instead of an end. */
	send(reset[0], "unread", 6, 0);
	if (!waits_for(quiet[0], TCP_FIN_WAIT2) || !waits_for(quiet[1], TCP_CLOSE_WAIT) || info_of(loaded[0]).tcpi_state != TCP_FIN_WAIT1 ||
	    !waits_for(last[1], TCP_CLOSE_WAIT))
		_exit(1);
	close(reset[1]);
	if (!waits_for(reset[0], TCP_CLOSE))
		_exit(2);
	pause_here();
	verify(info_of(quiet[0]).tcpi_state == TCP_FIN_WAIT2 && info_of(quiet[1]).tcpi_state == TCP_CLOSE_WAIT, "states");
	verify(send(quiet[0], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "what was shut down cannot be written to");
	verify(reads(quiet[1], "bye") && at_end(quiet[1]), "last words, then the end");
	verify(send(quiet[1], "still", 5, MSG_NOSIGNAL) == 5 && reads(quiet[0], "still"), "the other way is open");
	close(quiet[1]);
	verify(at_end(quiet[0]), "until it is closed");
	verify(drain(loaded[1], 0, loaded_bytes) && at_end(loaded[1]), "an end behind %zu bytes that were not sent", loaded_bytes);
	verify(send(loaded[1], "still", 5, MSG_NOSIGNAL) == 5 && reads(loaded[0], "still"), "and its other way is open");
	verify(drain(closed[1], 0, closed_bytes) && at_end(closed[1]), "all %zu bytes of one that was closed since", closed_bytes);
	verify(at_end(closing[0]) && at_end(closing[1]), "ends both ways");
	verify(reads(last[1], "left") && at_end(last[1]) && shutdown(last[1], SHUT_WR) == 0 && at_end(last[0]), "the last end comes through");
	verify(recv(reset[0], &c, 1, 0) < 0 && errno == ECONNRESET && at_end(reset[0]), "a reset is told once");
}

/* By both names: getpeername(2) is for who is connected. */
static bool names_of(int fd, struct sockaddr_storage names[2])
{
	socklen_t len = sizeof(names[0]);

	memset(names, 0, 2 * sizeof(names[0]));
	return getsockname(fd, (void *)&names[0], &len) == 0 && getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &names[1], &len) == 0;
}

static bool has_names(int fd, const struct sockaddr_storage names[2])
{
	struct sockaddr_storage now[2];

	return names_of(fd, now) && memcmp(names, now, sizeof(now)) == 0;
}

/* Both ends have said their last word; the first has waited its time since, or is closed as the second was reset. */
static void over(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct sockaddr_storage names[2][2], bound[2], addr;
	int pairs[2][2], client, served, other;
	socklen_t len;
	int listener = listen_on(AF_INET, 0, 5, &addr, &len);
	struct sockaddr_in mine = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	for (int i = 0; i < 2; i++) {
		connect_pair(families[i], pairs[i]);
		shutdown(pairs[i][0], SHUT_WR);
		shutdown(pairs[i][1], SHUT_WR);
		if (!waits_for(pairs[i][0], TCP_CLOSE) || !names_of(pairs[i][0], names[i]))
			_exit(1);
	}
	/* A port that nobody has: one that bind(2) chooses is given back at the end of the connection. */
	other = listen_on(AF_INET, 0, 1, &bound[0], &len);
	mine.sin_port = ((struct sockaddr_in *)&bound[0])->sin_port;
	close(other);
	client = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(client, (void *)&mine, sizeof(mine)) < 0 || connect(client, (void *)&addr, len) < 0 ||
	    (served = accept(listener, NULL, NULL)) < 0)
		_exit(2);
	send(client, "unread", 6, 0);
	close(served);
	if (!waits_for(client, TCP_CLOSE) || !names_of(client, bound))
		_exit(3);
	pause_here();
	verify(has_names(pairs[0][0], names[0]), "IPv4: the names of its ends");
	verify(has_names(pairs[1][0], names[1]), "IPv6: the names of its ends");
	verify(has_names(client, bound), "one that was bound: the names of its ends");
	other = socket(AF_INET, SOCK_STREAM, 0);
	verify(bind(other, (void *)&bound[0], sizeof(mine)) < 0 && errno == EADDRINUSE, "it has kept its port");
	close(client);
	verify(bind(other, (void *)&bound[0], sizeof(mine)) == 0, "until it is closed");
}

static int option(int fd, int name)
{
	int value = -1;

	getsockopt(fd, SOL_SOCKET, name, &value, &(socklen_t){ sizeof(value) });
	return value;
}

/* One port, several who listen; one of them has taken SO_REUSEPORT back since. */
static void sharing_a_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener[2], accepted[2] = { 0, 0 }, other;
	socklen_t len = sizeof(addr);

	for (int i = 0; i < 2; i++) {
		listener[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		setsockopt(listener[i], SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int));
		if (bind(listener[i], (void *)&addr, len) < 0 || listen(listener[i], 50) < 0 ||
		    getsockname(listener[i], (void *)&addr, &len) < 0)
			_exit(1);
	}
	setsockopt(listener[0], SOL_SOCKET, SO_REUSEPORT, &(int){ 0 }, sizeof(int));
	pause_here();
	verify(option(listener[0], SO_REUSEPORT) == 0 && option(listener[1], SO_REUSEPORT) == 1, "the options");
	for (int i = 0; i < 40; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(client, (void *)&addr, len) < 0)
			break;
		for (int j = 0; j < 2; j++)
			accepted[j] += accept(listener[j], NULL, NULL) >= 0;
	}
	verify(accepted[0] && accepted[1] && accepted[0] + accepted[1] == 40, "both are given connections: %d and %d", accepted[0],
	       accepted[1]);
	other = socket(AF_INET, SOCK_STREAM, 0);
	verify(bind(other, (void *)&addr, len) < 0 && errno == EADDRINUSE, "who does not share gets no port of theirs");
}

static void waiting(void)
{
	struct sockaddr_storage addr[2];
	int listener[2], caller[2][3], got, reuse = 0;
	socklen_t len[2];

	for (int i = 0; i < 2; i++) {
		listener[i] = listen_on(i ? AF_INET6 : AF_INET, 0, 5, &addr[i], &len[i]);
		setsockopt(listener[i], SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
		for (int j = 0; j < 3; j++) {
			caller[i][j] = socket(addr[i].ss_family, SOCK_STREAM, 0);
			if (connect(caller[i][j], (void *)&addr[i], len[i]) < 0)
				_exit(1);
		}
		send(caller[i][0], "first", 5, 0);
		send(caller[i][1], "second", 6, 0);
		close(caller[i][1]);
	}
	pause_here();
	for (int i = 0; i < 2; i++) {
		const char *v = i ? "IPv6" : "IPv4";

		got = accept(listener[i], NULL, NULL);
		verify(got >= 0 && reads(got, "first") && talks(got, caller[i][0]), "%s: who waited first is accepted first", v);
		got = accept(listener[i], NULL, NULL);
		verify(got >= 0 && reads(got, "second") && at_end(got), "%s: one that has hung up is read to its end", v);
		got = accept(listener[i], NULL, NULL);
		verify(got >= 0 && talks(got, caller[i][2]), "%s: the third", v);
		verify(getsockopt(got, SOL_SOCKET, SO_REUSEADDR, &reuse, &(socklen_t){ sizeof(reuse) }) == 0 && reuse,
		       "%s: which lets its address be used again, as who listens does", v);
		got = socket(addr[i].ss_family, SOCK_STREAM, 0);
		verify(connect(got, (void *)&addr[i], len[i]) == 0 && accept(listener[i], NULL, NULL) >= 0, "%s: and a new one", v);
	}
}

/* Nobody answers as long as the queue of those who wait is full. */
static void connecting(void)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int listener = listen_on(AF_INET, 0, 0, &addr, &len), first = socket(AF_INET, SOCK_STREAM, 0), got, error = -1, status;
	int second = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	pid_t child;

	if (connect(first, (void *)&addr, len) < 0 || (connect(second, (void *)&addr, len) < 0 && errno != EINPROGRESS))
		_exit(1);
	if ((child = fork()) == 0) {
		int third = socket(AF_INET, SOCK_STREAM, 0);

		_exit(connect(third, (void *)&addr, len) == 0 ? 0 : 1);
	}
	usleep(100000);
	if (info_of(second).tcpi_state != TCP_SYN_SENT)
		_exit(2);
	pause_here();
	for (int i = 0; i < 3; i++)
		verify((got = accept(listener, NULL, NULL)) >= 0, "connection %d is accepted", i);
	struct pollfd p = { second, POLLOUT, 0 };

	len = sizeof(error);
	poll(&p, 1, 60000);
	getsockopt(second, SOL_SOCKET, SO_ERROR, &error, &len);
	verify(error == 0 && info_of(second).tcpi_state == TCP_ESTABLISHED, "one that was being made is (error %d)", error);
	waitpid(child, &status, 0);
	verify(status == 0, "so is one that a process waited for (0x%x)", status);
}

/* The other side has answered, but nobody has looked yet. */
static void answered(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listening = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(addr);

	if (bind(listening, (void *)&addr, len) || listen(listening, 5) || getsockname(listening, (void *)&addr, &len) ||
	    connect(fd, (void *)&addr, len) == 0 || errno != EINPROGRESS || !waits_for(fd, TCP_ESTABLISHED))
		_exit(1);
	pause_here();
	verify(connect(fd, (void *)&addr, len) == 0, "connect(2) tells that it is connected");
	verify(connect(fd, (void *)&addr, len) < 0 && errno == EISCONN, "once");
	fcntl(fd, F_SETFL, 0);
	verify(talks(fd, accept(listening, NULL, NULL)), "and it talks");
}

static void urgent(void)
{
	int unread[2], beside[2], mark = 0;
	char c = 0;

	connect_pair(AF_INET, unread);
	connect_pair(AF_INET, beside);
	if (send(unread[0], "abc", 3, MSG_OOB) != 3 || send(unread[0], "def", 3, 0) != 3 || send(beside[0], "xy", 2, MSG_OOB) != 2)
		_exit(1);
	struct pollfd p[2] = { { unread[1], POLLPRI, 0 }, { beside[1], POLLPRI, 0 } };

	if (poll(p, 1, 60000) != 1 || poll(p + 1, 1, 60000) != 1 || recv(beside[1], &c, 1, MSG_OOB) != 1 || c != 'y')
		_exit(2);
	pause_here();
	verify(poll(p, 1, 0) == 1 && p[0].revents & POLLPRI, "an urgent byte is told of");
	verify(recv(unread[1], &c, 1, MSG_OOB) == 1 && c == 'c', "and there");
	verify(reads(unread[1], "ab") && ioctl(unread[1], SIOCATMARK, &mark) == 0 && mark == 1, "its mark is where it was");
	verify(reads(unread[1], "def"), "the stream goes on behind it");
	verify(recv(beside[1], &c, 1, MSG_OOB) < 0 && reads(beside[1], "x"), "one that was read is not read again");
	verify(talks(unread[0], unread[1]), "and it talks on");
}

static void watched(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = 5 }, got = {};
	int pair[2], epoll = epoll_create1(0);

	connect_pair(AF_INET, pair);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, pair[1], &event) < 0 || send(pair[0], "1", 1, 0) != 1 || epoll_wait(epoll, &got, 1, 60000) != 1)
		_exit(1);
	pause_here();
	verify(epoll_wait(epoll, &got, 1, 0) == 0, "an edge that was seen is not seen again");
	verify(send(pair[0], "2", 1, 0) == 1 && epoll_wait(epoll, &got, 1, 60000) == 1 && got.data.u32 == 5, "a new one is");
}

/* A writer that was told to wait hears when there is room again. */
static void full(void)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET }, got = {};
	int pair[2], epoll = epoll_create1(0);
	static char block[65536];
	long sent = 0;
	ssize_t n;

	connect_pair(AF_INET, pair);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event) < 0 || epoll_wait(epoll, &got, 1, 60000) != 1)
		_exit(1);
	while ((n = send(pair[0], block, sizeof(block), MSG_DONTWAIT)) > 0)
		sent += n;
	pause_here();
	verify(epoll_wait(epoll, &got, 1, 0) == 0, "there is no room yet");
	while (sent > 0 && (n = recv(pair[1], block, sizeof(block), 0)) > 0)
		sent -= n;
	verify(epoll_wait(epoll, &got, 1, 60000) == 1 && got.events & EPOLLOUT, "and then there is");
}

/* Calls of three from outside: one talks, one is read slowly, one hangs up while nobody is there. */
static void callee(void)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int listener = listen_on(AF_INET6, PORT, 5, &addr, &len), conn[3], asks;
	size_t bytes;
	FILE *f;

	for (int i = 0; i < 3; i++)
		if ((conn[i] = accept(listener, NULL, NULL)) < 0)
			_exit(1);
	if (!reads(conn[0], "hel"))
		_exit(2);
	bytes = fill(conn[1]);
	f = fopen("/tmp/selftest/bytes", "w");
	fprintf(f, "%zu", bytes);
	fclose(f);
	ready();
	asks = accept(listener, NULL, NULL);
	verify(asks >= 0 && at_end(asks), "a new call comes");
	verify(reads(conn[0], "lo") && reads(conn[0], "meanwhile"), "what was sent before, and meanwhile");
	verify(send(conn[0], "answer", 6, 0) == 6, "an answer");
	verify(reads(conn[2], "last") && at_end(conn[2]), "an end that came meanwhile");
	verify(at_end(conn[1]), "until the other has read all");
	close(conn[1]);
}

static int call(void)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(PORT), .sin6_addr = in6addr_loopback };

	for (int tries = 0; tries < 6000; tries++) {
		int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (void *)&to, sizeof(to)) == 0)
			return fd;
		close(fd);
		usleep(10000);
	}
	return -1;
}

/* The callers live on. They hear nothing: neither an end nor a reset. */
static bool is_quiet(int fd)
{
	struct pollfd p = { fd, 0, 0 };

	return poll(&p, 1, 0) == 0 && info_of(fd).tcpi_state == TCP_ESTABLISHED;
}

static pid_t start_callers(int go[2], int said[2])
{
	pid_t pid;

	if (pipe(go) < 0 || pipe(said) < 0)
		return -1;
	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	int conn[3];
	size_t bytes;
	char c = 'n';
	FILE *f;

	for (int i = 0; i < 3; i++)
		conn[i] = call();
	if (send(conn[0], "hello", 5, 0) != 5)
		_exit(1);
	/* The image is written, and nobody is there. */
	if (read(go[0], &c, 1) != 1)
		_exit(2);
	send(conn[0], "meanwhile", 9, MSG_NOSIGNAL);
	send(conn[2], "last", 4, MSG_NOSIGNAL);
	shutdown(conn[2], SHUT_WR);
	usleep(700000);
	c = is_quiet(conn[0]) && is_quiet(conn[1]) && info_of(conn[2]).tcpi_state == TCP_FIN_WAIT1 ? 'y' : 'n';
	if (write(said[1], &c, 1) != 1 || read(go[0], &c, 1) != 1)
		_exit(3);
	/* A restart that failed has changed nothing. */
	c = is_quiet(conn[0]) && is_quiet(conn[1]) ? 'y' : 'n';
	if (write(said[1], &c, 1) != 1 || read(go[0], &c, 1) != 1)
		_exit(4);
	int late = call();

	shutdown(late, SHUT_WR);
	c = reads(conn[0], "answer") ? 'y' : 'n';
	if (write(said[1], &c, 1) != 1)
		_exit(5);
	f = fopen("/tmp/selftest/bytes", "r");
	c = f && fscanf(f, "%zu", &bytes) == 1 && drain(conn[1], 0, bytes) ? 'y' : 'n';
	shutdown(conn[1], SHUT_WR);
	if (write(said[1], &c, 1) != 1)
		_exit(6);
	_exit(0);
}

static bool yes(int fd)
{
	char c;

	return read(fd, &c, 1) == 1 && c == 'y';
}

static void outside(void)
{
	static const char *const image = "/ckpt/selftest-outside.img", *const broken = "/ckpt/selftest-broken.img";
	int go[2], said[2], status;
	struct subject s;
	char output[8192];
	pid_t callers = start_callers(go, said);

	if (subject_start(&s, "one end outside", callee) && subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL }) &&
	    wait_gone(s.pid)) {
		tap_ok(write(go[1], "g", 1) == 1 && yes(said[0]), "one end outside: its peers hear nothing");
		/* All of the image but its end. */
		RUN(output, "/bin/sh", "-c", "head -c -30 /ckpt/selftest-outside.img > /ckpt/selftest-broken.img");
		status = RUN(output, restart_path, "-i", broken, "--detach");
		tap_ok(status == 1 && wait_gone(s.pid), "one end outside: a restart fails: %s", output);
		tap_ok(write(go[1], "g", 1) == 1 && yes(said[0]), "one end outside: nor do they then");
		if (subject_restart(&s, image, NULL)) {
			tap_ok(write(go[1], "g", 1) == 1 && yes(said[0]), "one end outside: an answer comes");
			tap_ok(yes(said[0]), "one end outside: all that was sent before comes");
			subject_finish(&s);
		} else {
			subject_end(&s);
		}
	}
	kill(callers, SIGKILL);
	waitpid(callers, &status, 0);
	unlink(image);
	unlink(broken);
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(said[i]);
	}
}

#define HAMMERED	8

static void hammered(void)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int listener = listen_on(AF_INET6, PORT, HAMMERED, &addr, &len), conn[HAMMERED];

	for (int i = 0; i < HAMMERED; i++)
		if ((conn[i] = accept(listener, NULL, NULL)) < 0)
			_exit(1);
	pause_here();
	for (int i = 0; i < HAMMERED; i++)
		verify(send(conn[i], "here", 4, MSG_NOSIGNAL) == 4 && reads(conn[i], "there"), "connection %d is there", i);
}

/* Segments come without a pause, so that one comes at every moment; the end of TCP_REPAIR sends one. */
static pid_t start_hammer(int stop[2], int said[2])
{
	static const int on = 1, off = 0;
	int conn[HAMMERED];
	pid_t pid;
	char c;

	if (pipe2(stop, O_NONBLOCK) < 0 || pipe(said) < 0)
		return -1;
	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	for (int i = 0; i < HAMMERED; i++)
		conn[i] = call();
	while (read(stop[0], &c, 1) != 1)
		for (int i = 0; i < HAMMERED; i++)
			if (setsockopt(conn[i], IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) ||
			    setsockopt(conn[i], IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off)))
				_exit(1);
	for (int i = 0; i < HAMMERED; i++)
		if (!reads(conn[i], "here") || send(conn[i], "there", 5, MSG_NOSIGNAL) != 5)
			_exit(2);
	_exit(write(said[1], "y", 1) != 1);
}

/* At no moment between checkpoint and restart is a peer answered by a reset. */
static void hammer(void)
{
	static const char *const image = "/ckpt/selftest-hammer.img";
	int stop[2], said[2], status;
	struct subject s;
	pid_t pid = start_hammer(stop, said);

	if (subject_start(&s, "hammered", hammered) && subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL }) &&
	    wait_gone(s.pid) && subject_restart(&s, image, NULL)) {
		tap_ok(write(stop[1], "s", 1) == 1, "hammered: its peer sends no more");
		subject_finish(&s);
		close(said[1]);
		tap_ok(yes(said[0]), "hammered: the peer has got its answers");
	} else {
		subject_end(&s);
		close(said[1]);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	unlink(image);
	close(stop[0]);
	close(stop[1]);
	close(said[0]);
}

/* The tree goes on after its checkpoint: its connections do too. */
static void going_on(void)
{
	int pair[2];
	size_t bytes;

	connect_pair(AF_INET, pair);
	bytes = fill(pair[0]);
	pause_here();
	verify(drain(pair[1], 0, bytes) && talks(pair[0], pair[1]), "all %zu bytes come", bytes);
}

static void kept(void)
{
	struct subject s;

	if (!subject_start(&s, "a tree that goes on", going_on))
		return;
	if (subject_checkpoint(&s, "/ckpt/selftest-kept.img", NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink("/ckpt/selftest-kept.img");
}

int main(void)
{
	need_checkpoint();
	subject_round("inside IPv4", inside_v4);
	subject_round("inside IPv6", inside_v6);
	subject_round("mapped", mapped);
	subject_round("half closed", half_closed);
	subject_round("over", over);
	subject_round("sharing a port", sharing_a_port);
	subject_round("waiting", waiting);
	subject_round("connecting", connecting);
	subject_round("answered", answered);
	subject_round("urgent", urgent);
	subject_round("watched", watched);
	subject_round("full", full);
	outside();
	hammer();
	kept();
	return tap_done();
}
