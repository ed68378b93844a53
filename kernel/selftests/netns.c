// SPDX-License-Identifier: Apache-2.0
/* A tree with a network of its own has it again: devices, addresses, routes, settings, and the sockets in it. */
/* covers: Namespaces | net: of the tree's own, with sockets and connections in it | supported */
/* covers: Namespaces | net: lo, dummy, veth, bridge, vlan and sit devices; index, name, MAC, MTU, flags, master | supported */
/* covers: Namespaces | net: addresses, routes, rules, static neighbours, IPv4 and IPv6 | supported */
/* covers: Namespaces | net: sysctls | supported */
/* covers: Namespaces | net: a veth whose other end is outside | refused by name */
/* covers: Namespaces | net: packet filters, nexthop objects | refused by name */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-netns.img"
#define IP	"/sbin/ip"

/* The words of one command of ip(8). */
static bool ip(const char *words)
{
	char copy[256], output[1024], *rest = copy;
	const char *argv[32] = { IP };
	int n = 1;

	strcpy(copy, words);
	while ((argv[n] = strsep(&rest, " ")))
		n++;
	if (run_command(output, sizeof(output), argv) == 0)
		return true;
	verify(false, "ip %s: %s", words, output);
	return false;
}

static struct sockaddr_in at(const char *address, int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(address), .sin_port = htons(port),
	};
}

/* ---- lo ---- */

static void with_lo(void)
{
	struct sockaddr_in here = at("127.0.0.1", 80), anywhere = at("127.0.0.1", 0), from;
	socklen_t len = sizeof(from);
	char text[32] = "", room[16] = "";

	if (unshare(CLONE_NEWNET) < 0 || !ip("link set lo up mtu 16384"))
		return;
	put_text("/proc/sys/net/ipv4/ip_local_port_range", "5000 5099");
	put_text("/proc/sys/net/ipv4/ip_unprivileged_port_start", "79");
	put_text("/proc/sys/net/core/somaxconn", "123");

	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 here6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons(81) };

	bind(server, (struct sockaddr *)&here, sizeof(here));
	listen(server, 8);
	bind(six, (struct sockaddr *)&here6, sizeof(here6));
	listen(six, 8);
	bind(udp, (struct sockaddr *)&anywhere, sizeof(anywhere));
	getsockname(udp, (struct sockaddr *)&from, &len);
	sendto(udp, "to myself", 9, 0, (struct sockaddr *)&from, sizeof(from));
	connect(client, (struct sockaddr *)&here, sizeof(here));
	int accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);

	send(client, "in flight", 9, 0);
	pause_here();
	verify(!strcmp(content("/proc/sys/net/ipv4/ip_local_port_range", text, sizeof(text)), "5000\t5099"),
	       "the range of ports: %s", text);
	verify(!strcmp(content("/proc/sys/net/ipv4/ip_unprivileged_port_start", text, sizeof(text)), "79"),
	       "unprivileged ports: %s", text);
	verify(!strcmp(content("/proc/sys/net/core/somaxconn", text, sizeof(text)), "123"), "somaxconn: %s", text);
	verify(!strcmp(content("/sys/class/net/lo/mtu", text, sizeof(text)), "65536"), "/sys is of the outside, as ever");
	verify(recv(accepted, room, 9, MSG_WAITALL) == 9 && !memcmp(room, "in flight", 9), "a connection has its data");
	verify(send(accepted, "answer", 6, 0) == 6 && recv(client, room, 6, MSG_WAITALL) == 6 && !memcmp(room, "answer", 6),
	       "and goes on");
	verify(recv(udp, room, 9, MSG_DONTWAIT) == 9 && !memcmp(room, "to myself", 9), "a datagram that was not read");
	int other = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	verify(connect(other, (struct sockaddr *)&here6, sizeof(here6)) == 0 && accept4(six, NULL, NULL, SOCK_CLOEXEC) >= 0,
	       "new connections come, by IPv6, too");
}

static void that_is_down(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return;
	pause_here();
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	verify(ioctl(fd, SIOCGIFFLAGS, &request) == 0 && !(request.ifr_flags & IFF_UP), "lo is down");
	request.ifr_flags |= IFF_UP;
	verify(ioctl(fd, SIOCSIFFLAGS, &request) == 0, "and can be brought up");
}

/* ---- all of it ---- */

#define TEXT_BYTES	65536

/* What differs from moment to moment: lifetimes, timers of a bridge, what was found out. */
static void blank(char *text)
{
	static const char *const words[] = { "valid_lft ", "preferred_lft ", "expires ", "timer " };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (char *p = text; (p = strstr(p, words[i]));) {
			p += strlen(words[i]);
			for (char *q = p; *q == ' ' || *q == '.' || (*q >= '0' && *q <= '9'); q++)
				*q = '#';
		}
}

/* "#" of any number are one. */
static void squeeze(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++)
		if (*from != '#' || to == text || to[-1] != '#')
			*to++ = *from;
	*to = '\0';
}

static char *describe(void)
{
	static const char *const questions[] = {
		"-d address", "-4 route show table all", "-6 route show table all", "-4 rule", "-6 rule",
		"neighbour show nud permanent", "neighbour show proxy", "-6 neighbour show proxy",
	};
	char *text = calloc(1, TEXT_BYTES), copy[64];
	size_t len = 0;

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		const char *argv[8] = { IP };
		char *rest = strcpy(copy, questions[i]);

		for (int n = 1; (argv[n] = strsep(&rest, " ")); n++)
			;
		run_command(text + len, TEXT_BYTES - len - 1, argv);
		len = strlen(text);
		text[len++] = '\n';
	}
	blank(text);
	squeeze(text);
	return text;
}

static char *settings(void)
{
	static const char *const argv[] = {
		"/bin/sh", "-c", "cd /proc/sys/net && find . -type f -perm -600 | sort | xargs grep -sH ''", NULL,
	};
	char *text = calloc(1, 4 * TEXT_BYTES);

	run_command(text, 4 * TEXT_BYTES - 1, argv);
	return text;
}

/* The first line in which they differ is told. */
static void compare(char *before, char *after, const char *what)
{
	char *a = before, *b = after;

	if (!strcmp(before, after)) {
		verify(strlen(before) > 100, "%s: the same", what);
		return;
	}
	while (*a && *a == *b)
		a++, b++;
	while (a > before && a[-1] != '\n')
		a--, b--;
	a[strcspn(a, "\n")] = '\0';
	b[strcspn(b, "\n")] = '\0';
	verify(false, "%s: \"%.180s\" is now \"%.180s\"", what, a, b);
}

static bool configure(void)
{
	static const char *const commands[] = {
		"link set lo up",
		"address add 10.99.0.1/32 dev lo label lo:x",
		"link add index 20 dummy0 mtu 1400 address 02:00:00:00:00:20 type dummy",
		"link add index 31 left mtu 1450 type veth peer name right index 30 mtu 1450",
		"link add in-bridge type veth peer name out-of-bridge",
		/* Each has a MAC of its own: which of two equal addresses stands first is not kept. */
		"link add br0 address 02:00:00:00:00:0b type bridge ageing_time 5000 forward_delay 400",
		"link set in-bridge master br0",
		"link set dev in-bridge type bridge_slave priority 5 isolated on",
		"link add link left name left.7 address 02:00:00:00:00:07 type vlan id 7 egress-qos-map 1:3",
		"link add sit7 type sit local 10.1.0.1 remote 10.1.0.77 ttl 33 tos 4",
		"link set left alias some-text",
		"link set left txqueuelen 77",
		"link property add dev left altname another-name",
		"link set dummy0 up arp off",
		"link set left up", "link set right up", "link set left.7 up", "link set in-bridge up", "link set out-of-bridge up",
		"link set br0 up", "link set sit7 up",
		"address add 10.1.0.1/24 dev left", "address add 10.1.0.2/24 dev left",
		"address add 10.1.0.3/24 dev left valid_lft 50000 preferred_lft 30000",
		"address add 192.168.7.1 peer 192.168.7.2 dev right",
		"address add 10.2.0.1/16 dev br0 noprefixroute",
		"address add 10.20.0.1/24 broadcast + dev dummy0",
		"address add fd00::1/64 dev left nodad", "address add fd00::2/64 dev left nodad",
		"address add fd20::1/64 dev dummy0", "address add fd77::1/64 dev sit7",
		"address add fd02::1/128 dev br0 valid_lft 40000 preferred_lft 20000 nodad",
		"route add 172.16.0.0/12 via 10.1.0.77",
		"route add default via 10.1.0.254 metric 5 mtu 1300",
		"route add default via 10.1.0.253",
		"route add blackhole 192.0.2.0/24 table 100",
		"route del 10.1.0.0/24 dev left src 10.1.0.1",
		"-6 route add fd55::/48 via fd00::99", "-6 route add default via fd00::98 metric 7",
		"-6 route add fd56::/48 nexthop via fd00::97 nexthop via fd00::96",
		"rule add from 10.1.0.0/24 table 100 priority 500", "-6 rule add fwmark 7 table 100 priority 501",
		"neighbour add 10.1.0.50 lladdr 02:00:00:00:00:01 dev left nud permanent",
		"neighbour add proxy 10.1.0.60 dev left", "-6 neighbour add proxy fd00::60 dev left",
	};
	static const struct {
		const char *path, *value;
	} sysctls[] = {
		{ "/proc/sys/net/ipv4/ip_forward", "1" },
		{ "/proc/sys/net/ipv4/conf/right/forwarding", "0" },
		{ "/proc/sys/net/ipv4/conf/left/rp_filter", "2" },
		{ "/proc/sys/net/ipv4/conf/default/rp_filter", "1" },
		{ "/proc/sys/net/ipv4/neigh/left/base_reachable_time_ms", "12345" },
		{ "/proc/sys/net/ipv4/ping_group_range", "0 7" },
		{ "/proc/sys/net/ipv6/conf/left/accept_ra", "0" },
		{ "/proc/sys/net/ipv6/conf/right/disable_ipv6", "1" },
		{ "/proc/sys/net/ipv6/conf/default/hop_limit", "33" },
		/* The first is possible only after the second. */
		{ "/proc/sys/net/ipv4/ip_unprivileged_port_start", "79" },
		{ "/proc/sys/net/ipv4/ip_local_port_range", "500 600" },
	};
	bool good = true;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		good &= ip(commands[i]);
	for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++)
		if (!put_text(sysctls[i].path, sysctls[i].value)) {
			verify(false, "%s: %s", sysctls[i].path, strerror(errno));
			good = false;
		}
	return good;
}

/* Until every device runs and every address is known to be free. */
static char *settled(void)
{
	for (int i = 0; i < 12000; i++) {
		char *text = describe();

		if (!strstr(text, "tentative") && !strstr(text, "NO-CARRIER") && !strstr(text, "LOWERLAYERDOWN"))
			return text;
		free(text);
		usleep(10000);
	}
	return describe();
}

/* A worker of the kernel tells devices of the state of their links. */
static char *once_more(const char *before)
{
	char *text = describe();

	for (int i = 0; i < 600 && strcmp(before, text); i++) {
		free(text);
		usleep(50000);
		text = describe();
	}
	return text;
}

static void with_all(void)
{
	struct sockaddr_in6 link_local = { .sin6_family = AF_INET6, .sin6_port = htons(77) };
	struct sockaddr_in here = at("10.20.0.1", 1234);
	char room[16] = "", name[IFNAMSIZ] = "";
	socklen_t len = sizeof(name);

	if (unshare(CLONE_NEWNET) < 0 || !configure())
		return;
	char *before = settled(), *set = settings();
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int bound = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), six = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	bind(server, (struct sockaddr *)&here, sizeof(here));
	listen(server, 8);
	connect(client, (struct sockaddr *)&here, sizeof(here));
	int accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);

	send(client, "in flight", 9, 0);
	setsockopt(bound, SOL_SOCKET, SO_BINDTODEVICE, "dummy0", sizeof("dummy0"));
	/* That of dummy0, by its MAC. */
	inet_pton(AF_INET6, "fe80::ff:fe00:20", &link_local.sin6_addr);
	link_local.sin6_scope_id = 20;
	verify(bind(six, (struct sockaddr *)&link_local, sizeof(link_local)) == 0, "its link-local address: %s",
	       strerror(errno));
	pause_here();
	compare(before, once_more(before), "devices, addresses, routes, rules, neighbours");
	compare(set, settings(), "sysctls");
	verify(if_nametoindex("left") == 31 && if_nametoindex("right") == 30 && if_nametoindex("dummy0") == 20,
	       "the indices of devices");
	verify(recv(accepted, room, 9, MSG_WAITALL) == 9 && !memcmp(room, "in flight", 9),
	       "a connection over the address of a device has its data");
	verify(send(accepted, "answer", 6, 0) == 6 && recv(client, room, 6, MSG_WAITALL) == 6 && !memcmp(room, "answer", 6),
	       "and goes on");
	verify(getsockopt(bound, SOL_SOCKET, SO_BINDTODEVICE, name, &len) == 0 && !strcmp(name, "dummy0"),
	       "a socket is bound to its device: %s", name);
	len = sizeof(link_local);
	memset(&link_local, 0, sizeof(link_local));
	verify(getsockname(six, (struct sockaddr *)&link_local, &len) == 0 && link_local.sin6_scope_id == 20,
	       "a socket has its link-local address");
}

/* It goes on, and nothing in its network has changed. */
static void goes_on(void)
{
	struct subject s;

	if (!subject_start(&s, "that goes on", with_all))
		return;
	if (subject_checkpoint(&s, IMAGE, NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(IMAGE);
}

/* ---- what is refused ---- */

/* Its other end goes to where the test lives, and with the subject. */
static void veth_to_outside(void)
{
	char words[128];
	pid_t parent = getppid();

	if (unshare(CLONE_NEWNET) < 0)
		return;
	snprintf(words, sizeof(words), "link add inner type veth peer name selftest-outer netns %d", parent);
	if (ip(words))
		pause_here();
}

static void with_nexthop(void)
{
	if (unshare(CLONE_NEWNET) == 0 && ip("link set lo up") && ip("nexthop add id 7 blackhole"))
		pause_here();
}

static size_t nft_message(char *to, int type, int flags, const char *table)
{
	struct nlmsghdr *m = (struct nlmsghdr *)to;
	struct nfgenmsg *head = NLMSG_DATA(m);
	bool batch = !table;

	memset(to, 0, 128);
	m->nlmsg_type = batch ? type : NFNL_SUBSYS_NFTABLES << 8 | type;
	m->nlmsg_flags = NLM_F_REQUEST | flags;
	head->nfgen_family = batch ? AF_UNSPEC : NFPROTO_IPV4;
	head->res_id = batch ? htons(NFNL_SUBSYS_NFTABLES) : 0;
	m->nlmsg_len = NLMSG_LENGTH(sizeof(*head));
	if (table) {
		struct nlattr *name = (struct nlattr *)(to + NLMSG_ALIGN(m->nlmsg_len));

		name->nla_type = NFTA_TABLE_NAME;
		name->nla_len = NLA_HDRLEN + strlen(table) + 1;
		strcpy((char *)name + NLA_HDRLEN, table);
		m->nlmsg_len = NLMSG_ALIGN(m->nlmsg_len) + NLA_ALIGN(name->nla_len);
	}
	return m->nlmsg_len;
}

/* As "nft add table ip filter": a table is there, though it filters nothing. */
static void with_table(void)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	char batch[512], answer[512];
	size_t len = 0;
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	len += nft_message(batch + len, NFNL_MSG_BATCH_BEGIN, 0, NULL);
	len += nft_message(batch + len, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK, "filter");
	len += nft_message(batch + len, NFNL_MSG_BATCH_END, 0, NULL);
	sendto(fd, batch, len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
	if (recv(fd, answer, sizeof(answer), 0) > 0)
		verify(*(int *)NLMSG_DATA((struct nlmsghdr *)answer) == 0, "a table of filters");
	close(fd);
	pause_here();
}

static void only_net(void)
{
	if (unshare(CLONE_NEWNET) == 0)
		pause_here();
}

/* checkpoint(2) itself, from inside: what has changed since it was heard of makes it begin again. */
static int stale(pid_t pid, bool change)
{
	char path[64];
	int status = -1;
	pid_t child;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	child = fork();
	if (child == 0) {
		int net = open(path, O_RDONLY | O_CLOEXEC), group = RTNLGRP_LINK;
		struct sockaddr_nl self = { .nl_family = AF_NETLINK };
		struct checkpoint_args args = {
			.flags = CHECKPOINT_DRYRUN | CHECKPOINT_OWN_NET, .pid = pid, .image_fd = -1, .log_fd = -1,
		};

		if (setns(net, CLONE_NEWNET) < 0)
			_exit(99);
		args.network_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
		bind(args.network_fd, (struct sockaddr *)&self, sizeof(self));
		setsockopt(args.network_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
		if (change)
			ip("link set lo mtu 12345");
		_exit(syscall(__NR_checkpoint_x86_64, &args, sizeof(args)) == 0 ? 0 : errno);
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static void leaks(void)
{
	struct subject s;

	if (!subject_start(&s, "a shared network", only_net))
		return;
	tap_ok(stale(s.pid, false) == 0, "a network that is as it was");
	int error = stale(s.pid, true);

	tap_ok(error == ESTALE, "one that has changed since: %s", strerror(error));
	subject_leaks(&s, "net", "outside the tree");
	subject_finish(&s);
}

int main(void)
{
	char before[64], after[64];

	need_checkpoint();
	content("/proc/sys/net/core/somaxconn", before, sizeof(before));
	subject_round("lo", with_lo);
	subject_round("down", that_is_down);
	subject_round("all", with_all);
	goes_on();
	content("/proc/sys/net/core/somaxconn", after, sizeof(after));
	tap_ok(!strcmp(before, after), "what is outside has not changed");
	subject_refused("a veth to the outside", veth_to_outside, "the device inner of its network namespace leads");
	subject_refused("a nexthop object", with_nexthop, "nexthop objects");
	subject_refused("packet filters", with_table, "packet filters");
	leaks();
	return tap_done();
}
