// SPDX-License-Identifier: Apache-2.0
/* Every option of a socket that can be set and read comes back, known to this test or not. */
/* covers: Sockets | every option that getsockopt(2) tells of, of each kind of socket | supported */
/* covers: Sockets | IP options, extension headers of IPv6 | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define NAMES	256

static const int levels[] = { SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6, 255 /* raw */,
			      58 /* ICMPv6 */, SOL_PACKET, SOL_NETLINK, 136 /* UDP-Lite */ };
#define LEVELS	(sizeof(levels) / sizeof(levels[0]))

struct value {
	int len;		/* or a negative error */
	unsigned char bytes[64];
};

static struct value values[LEVELS][NAMES];

/* What is not an option but says how things stand, or is another socket's after a restart. */
static bool is_state(int level, int name)
{
	switch (level) {
	case SOL_SOCKET:
		return name == SO_ERROR || name == SO_COOKIE || name == 77 /* PEERPIDFD */ || name == SO_INCOMING_CPU ||
		       name == SO_MEMINFO || name == SO_INCOMING_NAPI_ID;
	case IPPROTO_IP:
		return name == IP_MTU || name == IP_PKTOPTIONS;
	case IPPROTO_TCP:
		return name == TCP_INFO || name == TCP_TIMESTAMP || name == 26 /* CC_INFO */ ||
		       name == 35 /* ZEROCOPY_RECEIVE */ || name == 28 /* SAVED_SYN */;
	case IPPROTO_IPV6:
		return name == IPV6_MTU;
	case SOL_NETLINK:
		return name == NETLINK_LIST_MEMBERSHIPS;
	}
	return false;
}

/* What must not be set for the sake of setting: filters, devices, modes that are refused. */
static bool is_left_alone(int level, int name)
{
	switch (level) {
	case SOL_SOCKET:
		return name == SO_ATTACH_FILTER || name == SO_DETACH_FILTER || name == SO_LOCK_FILTER ||
		       name == SO_BINDTODEVICE || name == SO_BINDTOIFINDEX || name == SO_BUF_LOCK ||
		       name == SO_LINGER || name == SO_RCVTIMEO || name == SO_SNDTIMEO || name == 66 || name == 67;
	case IPPROTO_IP:
		return name == IP_OPTIONS;
	case IPPROTO_TCP:
		return name == TCP_REPAIR || name == TCP_REPAIR_QUEUE || name == TCP_QUEUE_SEQ || name == TCP_ULP ||
		       name == TCP_REPAIR_OPTIONS;
	case IPPROTO_UDP:
		return name == 100 /* UDP_ENCAP */ || name == 1 /* UDP_CORK */;
	case SOL_PACKET:
		return name != PACKET_AUXDATA && name != PACKET_ORIGDEV && name != PACKET_RESERVE;
	}
	return false;
}

static void read_all(int fd)
{
	for (size_t l = 0; l < LEVELS; l++)
		for (int name = 0; name < NAMES; name++) {
			struct value *v = &values[l][name];
			socklen_t len = sizeof(v->bytes);

			memset(v, 0, sizeof(*v));
			if (is_state(levels[l], name))
				continue;
			v->len = getsockopt(fd, levels[l], name, v->bytes, &len) < 0 ? -errno : (int)len;
		}
}

/* Every number to 1, or to 0 if it was that. Returns how many could be set. */
static int set_all(int fd)
{
	int set = 0;

	for (size_t l = 0; l < LEVELS; l++)
		for (int name = 0; name < NAMES; name++) {
			struct value *v = &values[l][name];
			bool is_buffer = levels[l] == SOL_SOCKET && (name == SO_SNDBUF || name == SO_RCVBUF);
			int one = is_buffer ? 30000 : 1;

			if (v->len != sizeof(one) || is_left_alone(levels[l], name))
				continue;
			if (!memcmp(v->bytes, &one, sizeof(one)))
				one = 0;
			set += setsockopt(fd, levels[l], name, &one, sizeof(one)) == 0;
		}
	return set;
}

static int family, type, protocol;

static void options_are_kept(void)
{
	static struct value before[LEVELS][NAMES];
	int fd = socket(family, type, protocol), set, differ = 0;

	if (fd < 0)
		_exit(90);
	read_all(fd);
	set = set_all(fd);
	read_all(fd);
	memcpy(before, values, sizeof(values));
	pause_here();
	read_all(fd);
	for (size_t l = 0; l < LEVELS; l++)
		for (int name = 0; name < NAMES; name++) {
			struct value *a = &before[l][name], *b = &values[l][name];

			if (!memcmp(a, b, sizeof(*a)))
				continue;
			differ++;
			verify(false, "option %d of level %d: was %d bytes, 0x%x, is %d, 0x%x", name, levels[l], a->len,
			       *(int *)a->bytes, b->len, *(int *)b->bytes);
		}
	verify(set > 10 && !differ, "%d options were set, %d differ", set, differ);
}

static const unsigned int filter[8] = { 0x01234567, 0x89abcdef, 1, 2, 3, 4, 0xffffffff, 0x80000000 };

static void icmpv6_filter(void)
{
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	unsigned int now[8] = {};
	socklen_t len = sizeof(now);

	if (fd < 0 || setsockopt(fd, IPPROTO_ICMPV6, 1, filter, sizeof(filter)) < 0)
		_exit(91);
	pause_here();
	verify(getsockopt(fd, IPPROTO_ICMPV6, 1, now, &len) == 0 && len == sizeof(now) &&
	       !memcmp(now, filter, sizeof(now)), "all of the filter");
}

static void ip_options(void)
{
	/* The route that was recorded: room for 9 addresses. */
	unsigned char route[40] = { 1, 7, 39, 4 }, now[40] = {};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(now);

	if (setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)) < 0)
		_exit(92);
	pause_here();
	verify(getsockopt(fd, IPPROTO_IP, IP_OPTIONS, now, &len) == 0 && len == sizeof(now) && !memcmp(now, route, 4),
	       "all of them: %u bytes", len);
}

/* Hop-by-hop options, with padding; where packets go out. */
static void extension_headers(void)
{
	unsigned char hops[24] = { 0, 2, 1, 20 }, now[64] = {};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), plain = socket(AF_INET6, SOCK_DGRAM, 0);
	struct { unsigned char addr[16]; int device; } info = { .addr = { [15] = 1 }, .device = 1 };
	socklen_t len = sizeof(now);

	if (setsockopt(fd, IPPROTO_IPV6, 54 /* IPV6_HOPOPTS */, hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, 50 /* IPV6_PKTINFO */, &info, sizeof(info)) < 0)
		_exit(93);
	pause_here();
	verify(getsockopt(fd, IPPROTO_IPV6, 54, now, &len) == 0 && len == sizeof(hops) && !memcmp(now, hops, sizeof(hops)),
	       "hop-by-hop options: %u bytes", len);
	len = sizeof(now);
	verify(getsockopt(plain, IPPROTO_IPV6, 54, now, &len) == 0 && len == 0, "none where there were none");
}

/* A size that the kernel may choose again stays as it is for now. */
static void unlocked_buffer(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 40000, lock = 0;
	socklen_t len = sizeof(int);

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &lock, sizeof(lock));
	pause_here();
	getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &len);
	getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &lock, &len);
	verify(size == 80000 && lock == 0, "size %d, locks %d", size, lock);
}

static void of(const char *name, int f, int t, int p)
{
	family = f;
	type = t;
	protocol = p;
	subject_round(name, options_are_kept);
}

int main(void)
{
	need_checkpoint();
	of("TCP", AF_INET, SOCK_STREAM, 0);
	of("TCP over IPv6", AF_INET6, SOCK_STREAM, 0);
	of("UDP", AF_INET, SOCK_DGRAM, 0);
	of("UDP over IPv6", AF_INET6, SOCK_DGRAM, 0);
	of("UDP-Lite", AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
	of("UNIX stream", AF_UNIX, SOCK_STREAM, 0);
	of("UNIX datagram", AF_UNIX, SOCK_DGRAM, 0);
	of("raw", AF_INET, SOCK_RAW, IPPROTO_UDP);
	of("raw, ICMP", AF_INET, SOCK_RAW, IPPROTO_ICMP);
	of("raw over IPv6", AF_INET6, SOCK_RAW, IPPROTO_UDP);
	of("raw, ICMPv6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	of("packet", AF_PACKET, SOCK_RAW, 0);
	of("netlink", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	subject_round("ICMPv6 filter", icmpv6_filter);
	subject_round("IP options", ip_options);
	subject_round("extension headers", extension_headers);
	subject_round("unlocked buffer", unlocked_buffer);
	return tap_done();
}
