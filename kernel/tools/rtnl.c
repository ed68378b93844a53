// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "rtnl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util.h"

/* What the kernel sends at once is no larger. */
#define ANSWER_BYTES	(64 << 10)
#define HEAR_BYTES	(1 << 20)
/* What changes meanwhile makes a dump worthless. */
#define DUMP_TRIES	10

void *bytes_add(struct bytes *bytes, const void *data, size_t len)
{
	void *at;

	if (bytes->room - bytes->len < len) {
		bytes->room = 2 * bytes->room + len + 4096;
		bytes->at = realloc(bytes->at, bytes->room);
		if (!bytes->at)
			die("out of memory");
	}
	at = bytes->at + bytes->len;
	if (data)
		memcpy(at, data, len);
	else
		memset(at, 0, len);
	bytes->len += len;
	return at;
}

int rtnl_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), one = 1;
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0) {
		close(fd);
		return -1;
	}
	/* Requests of a dump are taken at their word. */
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return fd;
}

bool rtnl_hear(int fd, const int *groups, size_t nr)
{
	int room = HEAR_BYTES;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	for (size_t i = 0; i < nr; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) < 0)
			return false;
	return true;
}

static bool send_request(int fd, const struct nlmsghdr *message)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	do {
		n = sendto(fd, message, message->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
	} while (n < 0 && errno == EINTR);
	return n == message->nlmsg_len;
}

static ssize_t receive(int fd, void *room)
{
	ssize_t n;

	do {
		n = recv(fd, room, ANSWER_BYTES, 0);
	} while (n < 0 && errno == EINTR);
	return n;
}

struct dump {
	struct bytes *answers;
	int error;
	bool ended, interrupted;	/* by a change: it is worthless */
};

static void take_answers(const char *from, size_t len, struct dump *dump)
{
	struct bytes part = { .at = (char *)from, .len = len };
	struct nlmsghdr *m = NULL;

	while ((m = rtnl_next(&part, m)) && !dump->ended) {
		dump->interrupted |= !!(m->nlmsg_flags & NLM_F_DUMP_INTR);
		dump->ended = m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR;
		if (!dump->ended) {
			bytes_add(dump->answers, m, m->nlmsg_len);
			bytes_add(dump->answers, NULL, NLMSG_ALIGN(m->nlmsg_len) - m->nlmsg_len);
		} else if (m->nlmsg_len >= NLMSG_LENGTH(sizeof(int))) {
			dump->error = -*(int *)NLMSG_DATA(m);
		}
	}
}

static int dump_once(int fd, const struct nlmsghdr *message, struct bytes *answers)
{
	struct dump dump = { .answers = answers };
	char *room;

	if (!send_request(fd, message))
		return errno;
	room = xcalloc(1, ANSWER_BYTES);
	while (!dump.ended) {
		ssize_t n = receive(fd, room);

		if (n < 0) {
			dump.error = errno;
			break;
		}
		take_answers(room, n, &dump);
	}
	free(room);
	return dump.error ?: dump.interrupted ? EAGAIN : 0;
}

int rtnl_dump(int fd, int type, const void *request, size_t len, struct bytes *answers)
{
	size_t before = answers->len;
	struct bytes message = { };
	int error = EAGAIN;

	rtnl_begin(&message, type, request, len);
	((struct nlmsghdr *)message.at)->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	for (int i = 0; i < DUMP_TRIES && error == EAGAIN; i++) {
		answers->len = before;
		error = dump_once(fd, (struct nlmsghdr *)message.at, answers);
	}
	free(message.at);
	return error;
}

int rtnl_ask(int fd, struct nlmsghdr *message, struct bytes *answers)
{
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	return dump_once(fd, message, answers);
}

int rtnl_do(int fd, struct nlmsghdr *message, int flags)
{
	char *room;
	int error = 0;
	bool answered = false;

	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	if (!send_request(fd, message))
		return errno;
	room = xcalloc(1, ANSWER_BYTES);
	while (!answered) {
		ssize_t n = receive(fd, room);
		struct bytes part = { .at = room, .len = n > 0 ? n : 0 };
		struct nlmsghdr *m = NULL;

		if (n < 0) {
			error = errno;
			break;
		}
		while ((m = rtnl_next(&part, m)))
			if (m->nlmsg_type == NLMSG_ERROR && m->nlmsg_len >= NLMSG_LENGTH(sizeof(int))) {
				error = -*(int *)NLMSG_DATA(m);
				answered = true;
			}
	}
	free(room);
	return error;
}

struct nlmsghdr *rtnl_next(const struct bytes *bytes, const struct nlmsghdr *last)
{
	size_t offset = last ? (const char *)last - bytes->at + NLMSG_ALIGN((size_t)last->nlmsg_len) : 0;
	struct nlmsghdr *m;

	if (offset > bytes->len || bytes->len - offset < sizeof(*m))
		return NULL;
	m = (struct nlmsghdr *)(bytes->at + offset);
	return m->nlmsg_len >= sizeof(*m) && m->nlmsg_len <= bytes->len - offset ? m : NULL;
}

static bool attributes(const struct rtattr *a, size_t len, const struct rtattr **by_type, int max)
{
	memset(by_type, 0, (max + 1) * sizeof(*by_type));
	while (len >= sizeof(*a)) {
		size_t whole = RTA_ALIGN((size_t)a->rta_len);
		int type = a->rta_type & NLA_TYPE_MASK;

		if (a->rta_len < sizeof(*a) || a->rta_len > len)
			return false;
		if (type <= max)
			by_type[type] = a;
		if (whole >= len)
			return true;
		a = (const struct rtattr *)((const char *)a + whole);
		len -= whole;
	}
	return !len;
}

bool rtnl_attributes(const struct nlmsghdr *message, size_t fixed, const struct rtattr **by_type, int max)
{
	size_t head = NLMSG_HDRLEN + NLMSG_ALIGN(fixed);

	if (message->nlmsg_len < NLMSG_HDRLEN + fixed)
		return false;
	if (message->nlmsg_len <= head) {
		memset(by_type, 0, (max + 1) * sizeof(*by_type));
		return true;
	}
	return attributes((const struct rtattr *)((const char *)message + head), message->nlmsg_len - head, by_type, max);
}

bool rtnl_nested(const struct rtattr *nest, const struct rtattr **by_type, int max)
{
	return attributes(RTA_DATA(nest), RTA_PAYLOAD(nest), by_type, max);
}

uint32_t rtnl_u32(const struct rtattr *attribute, uint32_t otherwise)
{
	uint32_t value = otherwise;

	if (attribute && RTA_PAYLOAD(attribute) >= sizeof(value))
		memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}

bool rtnl_is_equal(const struct rtattr *x, const struct rtattr *y)
{
	return x && y && RTA_PAYLOAD(x) == RTA_PAYLOAD(y) && !memcmp(RTA_DATA(x), RTA_DATA(y), RTA_PAYLOAD(x));
}

static void set_len(struct bytes *bytes, size_t offset)
{
	((struct nlmsghdr *)(bytes->at + offset))->nlmsg_len = bytes->len - offset;
}

size_t rtnl_begin(struct bytes *bytes, int type, const void *fixed, size_t len)
{
	struct nlmsghdr head = { .nlmsg_type = type };
	size_t offset = bytes->len;

	bytes_add(bytes, &head, sizeof(head));
	bytes_add(bytes, fixed, len);
	bytes_add(bytes, NULL, NLMSG_ALIGN(len) - len);
	set_len(bytes, offset);
	return offset;
}

void rtnl_put(struct bytes *bytes, size_t offset, int type, const void *data, size_t len)
{
	struct rtattr head = { .rta_type = type, .rta_len = RTA_LENGTH(len) };

	bytes_add(bytes, &head, sizeof(head));
	bytes_add(bytes, data, len);
	bytes_add(bytes, NULL, RTA_ALIGN(len) - len);
	set_len(bytes, offset);
}

size_t rtnl_nest(struct bytes *bytes, size_t offset, int type)
{
	size_t nest = bytes->len;

	rtnl_put(bytes, offset, type, NULL, 0);
	return nest;
}

void rtnl_nest_end(struct bytes *bytes, size_t nest)
{
	((struct rtattr *)(bytes->at + nest))->rta_len = bytes->len - nest;
}
