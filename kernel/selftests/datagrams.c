// SPDX-License-Identifier: Apache-2.0
/* Sockets of datagrams: what they have not read, groups, filters; netlink, packet, raw. */
/* covers: Sockets | sockets for pings (IPPROTO_ICMP): number, unread answers | supported */
/* covers: Sockets | UDP v4 and v6: unread datagrams, shutdown | supported */
/* covers: Sockets | UDP-Lite: checksum coverage | supported */
/* covers: Sockets | multicast groups and devices, SO_BINDTODEVICE | supported */
/* covers: Sockets | SO_ATTACH_FILTER, SO_LOCK_FILTER | supported */
/* covers: Sockets | SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF | refused by name */
/* covers: Sockets | reports that were not read (MSG_ERRQUEUE): errors, time stamps, buffers; their numbers (OPT_ID) | supported */
/* covers: Sockets | reports that a packet socket has not read | refused by name */
/* covers: Sockets | netlink: groups, port, unread messages of the kernel | supported */
/* covers: Sockets | packet and raw sockets: what they have not read is lost | supported */
/* covers: Sockets | packet sockets of a group (PACKET_FANOUT), of type SOCK_PACKET, promiscuous; their options | supported */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"


#ifndef UDPLITE_SEND_CSCOV
#define UDPLITE_SEND_CSCOV	10
#define UDPLITE_RECV_CSCOV	11
#endif
#define SOL_UDPLITE_		136

static const int yes = 1;

static int udp_socket(int family, int protocol, struct sockaddr_storage *name, socklen_t *len)
{
	int fd = socket(family, SOCK_DGRAM, protocol);

	memset(name, 0, sizeof(*name));
	name->ss_family = family;
	if (family == AF_INET) {
		((struct sockaddr_in *)name)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		*len = sizeof(struct sockaddr_in);
	} else {
		((struct sockaddr_in6 *)name)->sin6_addr = in6addr_loopback;
		*len = sizeof(struct sockaddr_in6);
	}
	if (fd < 0 || bind(fd, (void *)name, *len) < 0 || getsockname(fd, (void *)name, len) < 0)
		_exit(90);
	return fd;
}

/* What came, from whom, and by which device to which address. */
static ssize_t receive(int fd, char *data, size_t room, struct sockaddr_storage *from, int *device)
{
	char control[256];
	struct iovec iov = { data, room };
	struct msghdr m = {
		.msg_name = from, .msg_namelen = sizeof(*from), .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);

	*device = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); n >= 0 && c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO)
			*device = ((struct in_pktinfo *)CMSG_DATA(c))->ipi_ifindex;
		if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			*device = ((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_ifindex;
	}
	return n;
}

#define BIG	40000

static void udp_queue(int family)
{
	struct sockaddr_storage a_name, b_name, from;
	socklen_t a_len, b_len;
	int a = udp_socket(family, 0, &a_name, &a_len), b = udp_socket(family, 0, &b_name, &b_len), device;
	static char big[BIG], got[BIG + 1];
	bool whole = true;

	if (family == AF_INET)
		setsockopt(a, SOL_IP, IP_PKTINFO, &yes, sizeof(yes));
	else
		setsockopt(a, SOL_IPV6, IPV6_RECVPKTINFO, &yes, sizeof(yes));
	for (int i = 0; i < BIG; i++)
		big[i] = i * 7;
	sendto(b, "first", 5, 0, (void *)&a_name, a_len);
	sendto(b, "", 0, 0, (void *)&a_name, a_len);
	sendto(b, big, BIG, 0, (void *)&a_name, a_len);
	sendto(b, "last", 4, 0, (void *)&a_name, a_len);
	recv(a, got, 5, MSG_PEEK);
	pause_here();
	verify(receive(a, got, sizeof(got), &from, &device) == 5 && !memcmp(got, "first", 5), "the first datagram");
	verify(!memcmp(&from, &b_name, b_len), "its sender");
	verify(device == 1, "the device it came in by: %d", device);
	verify(receive(a, got, sizeof(got), &from, &device) == 0, "an empty one");
	verify(receive(a, got, sizeof(got), &from, &device) == BIG, "a big one");
	for (int i = 0; i < BIG; i++)
		whole &= got[i] == (char)(i * 7);
	verify(whole, "its bytes");
	verify(receive(a, got, 2, &from, &device) == 2 && !memcmp(got, "la", 2), "the last one, cut off");
	verify(recv(a, got, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "then nothing");
	verify(sendto(b, "new", 3, 0, (void *)&a_name, a_len) == 3 && recv(a, got, 10, 0) == 3, "a new one comes");
}

static void udp4(void) { udp_queue(AF_INET); }
static void udp6(void) { udp_queue(AF_INET6); }

static void udp_shutdown(void)
{
	struct sockaddr_storage a_name, b_name;
	socklen_t a_len, b_len;
	int a = udp_socket(AF_INET, 0, &a_name, &a_len), b = udp_socket(AF_INET, 0, &b_name, &b_len);
	char c;

	if (connect(a, (void *)&b_name, b_len) < 0 || connect(b, (void *)&a_name, a_len) < 0 ||
	    shutdown(a, SHUT_RD) < 0 || shutdown(b, SHUT_WR) < 0)
		_exit(91);
	pause_here();
	verify(recv(a, &c, 1, 0) == 0, "one that was shut down for reading is at its end");
	verify(send(a, "x", 1, 0) == 1 && recv(b, &c, 1, 0) == 1, "and writes");
	verify(send(b, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "one that was shut down for writing does not");
}

static void udplite(void)
{
	struct sockaddr_storage a_name, b_name, from;
	socklen_t a_len, b_len, len = sizeof(int);
	int a = udp_socket(AF_INET, IPPROTO_UDPLITE, &a_name, &a_len);
	int b = udp_socket(AF_INET, IPPROTO_UDPLITE, &b_name, &b_len);
	int send_coverage = 12, receive_coverage = 8, value = 0, device;
	char got[16];

	setsockopt(b, SOL_UDPLITE_, UDPLITE_SEND_CSCOV, &send_coverage, sizeof(int));
	setsockopt(a, SOL_UDPLITE_, UDPLITE_RECV_CSCOV, &receive_coverage, sizeof(int));
	sendto(b, "partly covered", 14, 0, (void *)&a_name, a_len);
	pause_here();
	verify(getsockopt(b, SOL_UDPLITE_, UDPLITE_SEND_CSCOV, &value, &len) == 0 && value == 12, "coverage to send: %d", value);
	verify(getsockopt(a, SOL_UDPLITE_, UDPLITE_RECV_CSCOV, &value, &len) == 0 && value == 8, "and to receive: %d", value);
	verify(receive(a, got, sizeof(got), &from, &device) == 14, "a datagram of before");
	verify(sendto(b, "again", 5, 0, (void *)&a_name, a_len) == 5 && recv(a, got, 16, 0) == 5, "a new one");
}

/* Answers that have come, and the number by which they are known. */
static void ping(int family)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const void *to = family == AF_INET ? (void *)&to4 : &to6;
	socklen_t size = family == AF_INET ? sizeof(to4) : sizeof(to6), len = size;
	char packet[16] = { family == AF_INET ? 8 : (char)128 }, got[32] = "";
	struct sockaddr_storage before = {}, now = {}, from = {};
	int fd;

	put_text("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
	fd = socket(family, SOCK_DGRAM, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	strcpy(packet + 8, "asked");
	if (fd < 0 || sendto(fd, packet, sizeof(packet), 0, to, size) < 0)
		_exit(90);
	while (recv(fd, got, sizeof(got), MSG_PEEK) < 0)
		;
	getsockname(fd, (void *)&before, &len);
	pause_here();
	len = size;
	verify(getsockname(fd, (void *)&now, &len) == 0 && !memcmp(&before, &now, size), "its number");
	len = size;
	verify(recvfrom(fd, got, sizeof(got), MSG_DONTWAIT, (void *)&from, &len) == sizeof(packet) && !strcmp(got + 8, "asked"),
	       "an answer that was not read");
	verify(from.ss_family == family, "from whom it came");
	strcpy(packet + 8, "again");
	verify(sendto(fd, packet, sizeof(packet), 0, to, size) == sizeof(packet) && recv(fd, got, sizeof(got), 0) == sizeof(packet) &&
	       !strcmp(got + 8, "again"), "it asks and is answered");
}

static void ping4(void) { ping(AF_INET); }
static void ping6(void) { ping(AF_INET6); }

static void groups(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(4321) };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(4321) };
	struct ip_mreqn m = { .imr_ifindex = 1 };
	struct ipv6_mreq m6 = { .ipv6mr_interface = 1 };
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET6, SOCK_DGRAM, 0);
	struct pollfd p = { .events = POLLIN };
	int lo = 1, value = 0;
	socklen_t len = sizeof(value);
	char c, name[IFNAMSIZ] = "";

	inet_pton(AF_INET, "239.1.2.3", &m.imr_multiaddr);
	inet_pton(AF_INET6, "ff01::1234", &m6.ipv6mr_multiaddr);
	setsockopt(b, SOL_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	setsockopt(a, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	if (bind(a, (void *)&to, sizeof(to)) < 0 || bind(b, (void *)&to6, sizeof(to6)) < 0 ||
	    setsockopt(a, SOL_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)) < 0 ||
	    setsockopt(a, SOL_IP, IP_MULTICAST_IF, &m, sizeof(m)) < 0 ||
	    setsockopt(b, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &m6, sizeof(m6)) < 0 ||
	    setsockopt(b, SOL_IPV6, IPV6_MULTICAST_IF, &lo, sizeof(lo)) < 0)
		_exit(92);
	pause_here();
	to.sin_addr = m.imr_multiaddr;
	verify(sendto(a, "x", 1, 0, (void *)&to, sizeof(to)) == 1, "it sends to the group by the device");
	p.fd = a;
	verify(poll(&p, 1, 5000) == 1 && recv(a, &c, 1, MSG_DONTWAIT) == 1, "and is a member of it");
	verify(setsockopt(b, SOL_IPV6, IPV6_DROP_MEMBERSHIP, &m6, sizeof(m6)) == 0, "of a group of IPv6, too");
	verify(getsockopt(b, SOL_IPV6, IPV6_MULTICAST_IF, &value, &len) == 0 && value == 1, "device: %d", value);
	len = sizeof(name);
	verify(getsockopt(a, SOL_SOCKET, SO_BINDTODEVICE, name, &len) == 0 && !strcmp(name, "lo"), "bound to device %s", name);
}

/* Lets those pass whose first byte is 'y'. */
static struct sock_filter udp_filter[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0xffff),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static struct sock_filter unix_filter[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0xffff),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static void filters(void)
{
	struct sock_fprog prog = { 4, udp_filter }, other = { 4, unix_filter };
	struct sockaddr_storage name;
	struct sock_filter read_back[4];
	socklen_t len;
	int a = udp_socket(AF_INET, 0, &name, &len), pair[2];
	socklen_t insns = 4;
	char c = 0;

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	/* What is in the queue already has passed no filter. */
	sendto(a, "n", 1, 0, (void *)&name, len);
	send(pair[0], "n", 1, 0);
	if (setsockopt(a, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ||
	    setsockopt(a, SOL_SOCKET, SO_LOCK_FILTER, &yes, sizeof(yes)) < 0 ||
	    setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &other, sizeof(other)) < 0)
		_exit(93);
	pause_here();
	verify(recv(a, &c, 1, MSG_DONTWAIT) == 1 && c == 'n', "what was there before the filter");
	verify(recv(pair[1], &c, 1, MSG_DONTWAIT) == 1 && c == 'n', "also on a UNIX socket");
	verify(getsockopt(a, SOL_SOCKET, SO_GET_FILTER, read_back, &insns) == 0 && insns == 4 &&
	       !memcmp(read_back, udp_filter, sizeof(udp_filter)), "the program");
	verify(setsockopt(a, SOL_SOCKET, SO_DETACH_FILTER, &yes, sizeof(yes)) < 0 && errno == EPERM, "its lock");
	sendto(a, "n", 1, 0, (void *)&name, len);
	sendto(a, "y", 1, 0, (void *)&name, len);
	verify(recv(a, &c, 1, 0) == 1 && c == 'y', "it filters");
	send(pair[0], "n", 1, MSG_DONTWAIT);
	send(pair[0], "y", 1, MSG_DONTWAIT);
	verify(recv(pair[1], &c, 1, 0) == 1 && c == 'y', "also on a UNIX socket");
	verify(setsockopt(pair[1], SOL_SOCKET, SO_DETACH_FILTER, &yes, sizeof(yes)) == 0, "which is not locked");
}

static int ask_links(int fd, unsigned int seq)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg body;
	} ask = {
		.head = { sizeof(ask), RTM_GETLINK, NLM_F_REQUEST, seq, 0 }, .body = { .ifi_index = 1 },
	};

	return send(fd, &ask, sizeof(ask), 0);
}

static bool answered(int fd, unsigned int seq, unsigned int pid)
{
	char buf[16384];
	struct nlmsghdr *head = (void *)buf;
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (void *)&from, &len);

	return n > (ssize_t)sizeof(*head) && head->nlmsg_type == RTM_NEWLINK && head->nlmsg_seq == seq &&
	       head->nlmsg_pid == pid && from.nl_pid == 0;
}

static void bounce_device(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), old;

	ioctl(fd, SIOCGIFMTU, &r);
	old = r.ifr_mtu;
	r.ifr_mtu = 60000;
	ioctl(fd, SIOCSIFMTU, &r);
	r.ifr_mtu = old;
	ioctl(fd, SIOCSIFMTU, &r);
	close(fd);
}

static void netlink(void)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK }, now = {};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), plain = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	int group = RTNLGRP_IPV4_IFADDR, value = 0;
	unsigned int joined[2] = {};
	socklen_t len = sizeof(name);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[8192];

	if (fd < 0 || plain < 0 || bind(fd, (void *)&name, sizeof(name)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof(yes)) < 0 ||
	    getsockname(fd, (void *)&name, &len) < 0 || ask_links(fd, 42) < 0)
		_exit(94);
	pause_here();
	len = sizeof(now);
	verify(getsockname(fd, (void *)&now, &len) == 0 && now.nl_pid == name.nl_pid && now.nl_groups & RTMGRP_LINK,
	       "its port and group");
	len = sizeof(joined);
	verify(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, joined, &len) == 0 &&
	       joined[0] & 1U << (RTNLGRP_IPV4_IFADDR - 1), "a group that was joined");
	len = sizeof(value);
	verify(getsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &value, &len) == 0 && value, "an option");
	verify(answered(fd, 42, name.nl_pid), "an answer that was not read");
	verify(ask_links(fd, 43) > 0 && answered(fd, 43, name.nl_pid), "another question");
	bounce_device();
	verify(poll(&p, 1, 5000) == 1 && recv(fd, buf, sizeof(buf), 0) > 0 &&
	       ((struct nlmsghdr *)buf)->nlmsg_type == RTM_NEWLINK, "it hears of a change");
	verify(ask_links(plain, 1) > 0, "one that was not bound");
}

static void packet_and_raw(void)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = 1 }, now = {};
	int packet = socket(AF_PACKET, SOCK_DGRAM, 0), raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct icmphdr echo = { .type = ICMP_ECHO, .un.echo.id = htons(77) };
	struct pollfd p = { .events = POLLIN };
	int ttl = 33, value = 0;
	socklen_t len = sizeof(now);
	char buf[2048];

	echo.checksum = (unsigned short)~(htons(ICMP_ECHO << 8) + htons(77));
	if (packet < 0 || raw < 0 || bind(packet, (void *)&name, sizeof(name)) < 0 ||
	    setsockopt(packet, SOL_PACKET, PACKET_AUXDATA, &yes, sizeof(yes)) < 0 ||
	    setsockopt(raw, SOL_IP, IP_TTL, &ttl, sizeof(ttl)) < 0 ||
	    connect(raw, (void *)&to, sizeof(to)) < 0)
		_exit(95);
	send(raw, &echo, sizeof(echo), 0);
	pause_here();
	verify(getsockname(packet, (void *)&now, &len) == 0 && now.sll_ifindex == 1 && now.sll_protocol == htons(ETH_P_ALL),
	       "a packet socket's device and protocol");
	len = sizeof(value);
	verify(getsockopt(packet, SOL_PACKET, PACKET_AUXDATA, &value, &len) == 0 && value, "and its option");
	verify(getsockopt(raw, SOL_IP, IP_TTL, &value, &len) == 0 && value == 33, "a raw socket's option");
	while (recv(packet, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	verify(send(raw, &echo, sizeof(echo), 0) == sizeof(echo), "it sends a ping");
	p.fd = raw;
	verify(poll(&p, 1, 5000) == 1 && recv(raw, buf, sizeof(buf), 0) > 0, "and has an answer");
	p.fd = packet;
	verify(poll(&p, 1, 5000) == 1 && recv(packet, buf, sizeof(buf), 0) > 0, "which the packet socket has seen");
}

/* Of two kinds that are seldom seen: of a group, and the one of old. */
static void packet_kinds(void)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = 1 };
	int group = 77 | PACKET_FANOUT_LB << 16, value, old = socket(AF_INET, SOCK_PACKET, htons(ETH_P_LOOP));
	int bound = socket(AF_PACKET, SOCK_PACKET, htons(ETH_P_ALL)), members[2];
	struct sockaddr device = { .sa_family = AF_PACKET, .sa_data = "lo" }, now = {};
	socklen_t len = sizeof(now);

	static const struct { int name, value; } options[] = {
		{ PACKET_COPY_THRESH, 1000 }, { PACKET_LOSS, 1 }, { PACKET_TX_HAS_OFF, 1 }, { PACKET_QDISC_BYPASS, 1 },
		{ PACKET_IGNORE_OUTGOING, 1 }, { PACKET_VNET_HDR, 1 }, { PACKET_RESERVE, 24 },
	};
	struct packet_mreq promiscuous = { .mr_ifindex = 1, .mr_type = PACKET_MR_PROMISC };
	int raw = socket(AF_PACKET, SOCK_RAW, 0);
	char before[64], after[64];

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (setsockopt(raw, SOL_PACKET, options[i].name, &options[i].value, sizeof(int)) < 0)
			_exit(98);
	for (int i = 0; i < 2; i++)
		if (setsockopt(raw, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) < 0)
			_exit(99);
	if (old < 0 || bound < 0 || bind(bound, &device, sizeof(device)) < 0)
		_exit(96);
	for (int i = 0; i < 2; i++) {
		members[i] = socket(AF_PACKET, SOCK_DGRAM, 0);
		if (members[i] < 0 || bind(members[i], (void *)&name, sizeof(name)) < 0 ||
		    setsockopt(members[i], SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)) < 0)
			_exit(97);
	}
	content("/sys/class/net/lo/flags", before, sizeof(before));
	pause_here();
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		len = sizeof(value);
		value = -1;
		getsockopt(raw, SOL_PACKET, options[i].name, &value, &len);
		verify(value == options[i].value, "option %d: %d", options[i].name, value);
	}
	content("/sys/class/net/lo/flags", after, sizeof(after));
	verify(!strcmp(after, before), "the device hears all: %s", after);
	for (int i = 0; i < 2; i++) {
		setsockopt(raw, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &promiscuous, sizeof(promiscuous));
		content("/sys/class/net/lo/flags", after, sizeof(after));
		verify(!strcmp(after, before) == !i, "which it has asked for twice: %s", after);
	}
	for (int i = 0; i < 2; i++) {
		len = sizeof(value);
		value = -1;
		getsockopt(members[i], SOL_PACKET, PACKET_FANOUT, &value, &len);
		verify(value == group, "its group: 0x%x", value);
	}
	len = sizeof(value);
	verify(getsockopt(old, SOL_SOCKET, SO_TYPE, &value, &len) == 0 && value == SOCK_PACKET, "the kind of old");
	len = sizeof(now);
	verify(getsockname(bound, &now, &len) == 0 && !strcmp(now.sa_data, "lo"), "and its device");
}

static void with_bpf(void)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 100 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2, .insns = (uintptr_t)insns,
		.license = (uintptr_t)"GPL",
	};
	int prog = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)), fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (prog < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)) < 0)
		_exit(96);
	close(prog);
	pause_here();
}

/* Which of the sockets with its port gets a datagram. */
static void with_chooser(void)
{
	struct sock_filter first[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog chooser = { 1, first };
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &chooser, sizeof(chooser)) < 0)
		_exit(96);
	pause_here();
}

struct report {
	char text[16];
	ssize_t len;
	struct sockaddr_storage to;
	struct sock_extended_err err;
	struct sockaddr_storage offender;
	struct timespec stamp;
};

static bool read_report(int fd, struct report *r)
{
	char control[512];
	struct iovec vec = { r->text, sizeof(r->text) };
	struct msghdr msg = {
		.msg_name = &r->to, .msg_namelen = sizeof(r->to), .msg_iov = &vec, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};

	memset(r, 0, sizeof(*r));
	r->len = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); r->len >= 0 && c; c = CMSG_NXTHDR(&msg, c)) {
		if ((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR)) {
			memcpy(&r->err, CMSG_DATA(c), sizeof(r->err));
			memcpy(&r->offender, SO_EE_OFFENDER((struct sock_extended_err *)CMSG_DATA(c)),
			       c->cmsg_level == SOL_IP ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		}
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING)
			memcpy(&r->stamp, CMSG_DATA(c), sizeof(r->stamp));
	}
	return r->len >= 0;
}

static void wait_for_report(int fd)
{
	struct pollfd p = { .fd = fd };

	poll(&p, 1, 10000);
}

static uint16_t port_of(const struct sockaddr_storage *name)
{
	return ntohs(name->ss_family == AF_INET ? ((const struct sockaddr_in *)name)->sin_port :
						  ((const struct sockaddr_in6 *)name)->sin6_port);
}

/* Nobody listens there. */
static void errors_of(int family)
{
	struct sockaddr_storage to;
	struct report first, second;
	bool came;
	socklen_t len;
	int closed = udp_socket(family, 0, &to, &len), fd = socket(family, SOCK_DGRAM, 0), err = 0;
	uint16_t port = port_of(&to);

	close(closed);
	setsockopt(fd, family == AF_INET ? SOL_IP : SOL_IPV6, family == AF_INET ? IP_RECVERR : IPV6_RECVERR, &yes, sizeof(yes));
	sendto(fd, "returned", 8, 0, (void *)&to, len);
	wait_for_report(fd);
	/* The error is told first. */
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &(socklen_t){ sizeof(err) });
	sendto(fd, "again", 5, 0, (void *)&to, len);
	wait_for_report(fd);
	pause_here();
	came = read_report(fd, &first);
	verify(came && first.len == 8 && !memcmp(first.text, "returned", 8) && first.err.ee_errno == ECONNREFUSED,
	       "what came back: %zd bytes, error %u", first.len, first.err.ee_errno);
	verify(first.to.ss_family == family && port_of(&first.to) == port &&
	       (family == AF_INET ? ((struct sockaddr_in *)&first.to)->sin_addr.s_addr == htonl(INADDR_LOOPBACK) :
				    IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&first.to)->sin6_addr)),
	       "whom it was sent to");
	verify(first.err.ee_origin == (family == AF_INET ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6) &&
	       first.offender.ss_family == family &&
	       (family == AF_INET ? ((struct sockaddr_in *)&first.offender)->sin_addr.s_addr == htonl(INADDR_LOOPBACK) :
				    IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&first.offender)->sin6_addr)),
	       "who says so");
	verify(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &(socklen_t){ sizeof(err) }) == 0 && err == ECONNREFUSED, "SO_ERROR: %d", err);
	verify(read_report(fd, &second) && second.len == 5 && !memcmp(second.text, "again", 5), "and the second, in order");
	verify(!read_report(fd, &second) && errno == EAGAIN, "that is all");
}

static void errors4(void) { errors_of(AF_INET); }
static void errors6(void) { errors_of(AF_INET6); }

#define STAMPS	(SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID)

static void stamps_and_buffers(void)
{
	struct sockaddr_storage to, name;
	socklen_t len;
	int here = udp_socket(AF_INET, 0, &to, &len), fd = udp_socket(AF_INET, 0, &name, &len), zero, listener, stream;
	int flags = STAMPS, got = 0;
	struct report r;

	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags));
	for (int i = 0; i < 2; i++) {
		sendto(fd, "stamp", 5, 0, (void *)&to, len);
		wait_for_report(fd);
	}
	read_report(fd, &r);
	zero = udp_socket(AF_INET, 0, &name, &len);
	setsockopt(zero, SOL_SOCKET, SO_ZEROCOPY, &yes, sizeof(yes));
	sendto(zero, "zero", 4, MSG_ZEROCOPY, (void *)&to, len);
	wait_for_report(zero);
	/* A stream counts bytes, from when it was asked to. */
	listener = socket(AF_INET, SOCK_STREAM, 0);
	bind(listener, (void *)&name, len);
	listen(listener, 1);
	getsockname(listener, (void *)&name, &len);
	stream = socket(AF_INET, SOCK_STREAM, 0);
	connect(stream, (void *)&name, len);
	setsockopt(stream, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags));
	send(stream, "hello", 5, 0);
	wait_for_report(stream);
	pause_here();
	verify(read_report(fd, &r) && r.err.ee_origin == SO_EE_ORIGIN_TIMESTAMPING && r.err.ee_data == 1 && r.stamp.tv_sec,
	       "a time stamp: number %u", r.err.ee_data);
	sendto(fd, "stamp", 5, 0, (void *)&to, len);
	wait_for_report(fd);
	verify(read_report(fd, &r) && r.err.ee_data == 2, "the next has the next number: %u", r.err.ee_data);
	verify(read_report(zero, &r) && r.err.ee_origin == SO_EE_ORIGIN_ZEROCOPY && r.err.ee_info == 0, "a buffer is free again");
	sendto(zero, "zero", 4, MSG_ZEROCOPY, (void *)&to, len);
	wait_for_report(zero);
	verify(read_report(zero, &r) && r.err.ee_info == 1, "and the next one: number %u", r.err.ee_info);
	verify(read_report(stream, &r) && r.err.ee_origin == SO_EE_ORIGIN_TIMESTAMPING && r.err.ee_data == 4, "of a stream: number %u",
	       r.err.ee_data);
	verify(getsockopt(stream, SOL_SOCKET, SO_TIMESTAMPING, &got, &(socklen_t){ sizeof(got) }) == 0 && got == flags,
	       "its option: %x", got);
	send(stream, "again", 5, 0);
	wait_for_report(stream);
	verify(read_report(stream, &r) && r.err.ee_data == 9, "it counts on: %u", r.err.ee_data);
	close(here);
}

static void packet_stamps(void)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = (int)if_nametoindex("lo"), .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0), flags = STAMPS;
	struct report r;

	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags));
	sendto(fd, "\x45 a packet of nobody", 22, 0, (void *)&to, sizeof(to));
	wait_for_report(fd);
	pause_here();
	verify(read_report(fd, &r), "it has lost nothing");
}

int main(void)
{
	need_checkpoint();
	if (system("ip link set lo up") != 0)
		tap_diag("lo is not up");
	subject_round("UDP", udp4);
	subject_round("UDP v6", udp6);
	subject_round("UDP shutdown", udp_shutdown);
	subject_round("UDP-Lite", udplite);
	subject_round("ping", ping4);
	subject_round("ping v6", ping6);
	subject_round("groups", groups);
	subject_round("filters", filters);
	subject_round("netlink", netlink);
	subject_round("packet and raw", packet_and_raw);
	subject_round("kinds of packet sockets", packet_kinds);
	subject_refused("eBPF", with_bpf, "SO_ATTACH_BPF");
	subject_refused("a choice among sockets", with_chooser, "SO_ATTACH_REUSEPORT_CBPF");
	subject_round("errors that came back", errors4);
	subject_round("errors that came back, v6", errors6);
	subject_round("reports of time stamps and buffers", stamps_and_buffers);
	subject_refused("reports of a packet socket", packet_stamps, "MSG_ERRQUEUE");
	return tap_done();
}
