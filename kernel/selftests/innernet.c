// SPDX-License-Identifier: Apache-2.0
/* Processes of a tree that live in networks of their own, with devices that lead from one to the other. */
/* covers: Namespaces | net: several in a tree, also of its user namespace, with veth pairs, sockets and connections between them | supported */
/* covers: Namespaces | net: one of a part of the tree that processes outside live in, too, that leads outside, or that a file is of | refused by name */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define PID	"/tmp/selftest/pid"
#define IP	"/sbin/ip"
#define PORT	4711
#define TEXT	16384

static bool run_ip(const char *words, char *output, size_t room)
{
	char copy[256], *rest = copy;
	const char *argv[32] = { IP };
	int n = 1;

	strcpy(copy, words);
	while ((argv[n] = strsep(&rest, " ")))
		n++;
	return run_command(output, room, argv) == 0;
}

static void ip(const char *words)
{
	char output[1024];

	if (!run_ip(words, output, sizeof(output)))
		verify(false, "ip %s: %s", words, output);
}

/* Addresses, routes and devices, with where they lead. */
static void describe(char text[TEXT])
{
	static const char *const questions[] = { "-o link", "-o -4 addr", "-o -6 addr", "route", "-6 route", "netns list-id" };
	size_t len = 0;

	/* That its other end is up a device notices a little later. */
	for (int i = 0; i < 500 && (!run_ip("-o link show type veth", text, TEXT) || !strstr(text, "state UP")); i++)
		usleep(20000);
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		run_ip(questions[i], text + len, TEXT - len - 1);
		len += strlen(text + len);
		text[len++] = '\n';
	}
	text[len] = '\0';
	/* Whether an address is taken is asked meanwhile. */
	for (char *p = text; (p = strstr(p, " tentative"));)
		memmove(p, p + strlen(" tentative"), strlen(p + strlen(" tentative")) + 1);
}

static bool is_here(int fd)
{
	int of = ioctl(fd, SIOCGSKNS);
	struct stat one, other;
	bool same = of >= 0 && fstat(of, &one) == 0 && stat("/proc/self/ns/net", &other) == 0 && one.st_ino == other.st_ino;

	close(of);
	return same;
}

static struct sockaddr_in at(const char *address)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(address), .sin_port = htons(PORT),
	};
}

static int listens(const char *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in here = at(address);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(fd, 4) < 0)
		verify(false, "%s: cannot be listened on", address);
	return fd;
}

static int connects(const char *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in there = at(address);

	if (connect(fd, (struct sockaddr *)&there, sizeof(there)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool gets(int fd, const char *text)
{
	char room[32] = "";

	return recv(fd, room, strlen(text), MSG_WAITALL) == (ssize_t)strlen(text) && !memcmp(room, text, strlen(text));
}

static bool puts_into(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

struct side {
	pid_t pid;
	int to[2], back[2];
};

static void wait_byte(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		_exit(90);
}

static void step(struct side *side)
{
	if (write(side->to[1], "", 1) != 1)
		_exit(91);
	wait_byte(side->back[0]);
}

static void done(struct side *side)
{
	if (write(side->back[1], "", 1) != 1)
		_exit(92);
	wait_byte(side->to[0]);
}

static struct side start(void (*main)(struct side *side))
{
	struct side side;

	if (pipe(side.to) < 0 || pipe(side.back) < 0)
		_exit(93);
	side.pid = fork();
	if (side.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0)
			_exit(94);
		main(&side);
		if (write(side.back[1], "", 1) != 1)
			_exit(95);
		_exit(0);
	}
	wait_byte(side.back[0]);
	return side;
}

static char before[TEXT], after[TEXT];

static void check_described(const char *who)
{
	size_t at = 0, line = 0;

	describe(after);
	for (; before[at] && before[at] == after[at]; at++)
		if (before[at] == '\n')
			line = at + 1;
	verify(before[at] == after[at], "%s: devices, addresses, routes", who);
	if (before[at] != after[at]) {
		verify(false, "%s: before %.*s", who, (int)strcspn(before + line, "\n"), before + line);
		verify(false, "%s: after %.*s", who, (int)strcspn(after + line, "\n"), after + line);
	}
}

static void first(struct side *side)
{
	int server, accepted, own, client;

	done(side);
	ip("link set lo up");
	ip("link add dummy0 type dummy");
	ip("addr add 10.8.0.1/24 dev dummy0");
	ip("link set dummy0 up mtu 1400");
	ip("addr add 10.9.0.1/24 dev one");
	ip("link set one up");
	ip("route add 10.10.0.0/16 via 10.9.0.2");
	put_text("/proc/sys/net/ipv4/ip_forward", "1");
	own = listens("127.0.0.1");
	server = listens("10.9.0.1");
	done(side);
	accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	puts_into(accepted, "in flight");
	client = connects("127.0.0.1");
	describe(before);
	done(side);
	check_described("one");
	verify(!strcmp(content("/proc/sys/net/ipv4/ip_forward", after, TEXT), "1"), "one: a setting: %s", after);
	verify(is_here(own) && is_here(server) && is_here(accepted) && is_here(client), "one: sockets are in it");
	verify(gets(accepted, "from two"), "one: a connection between two networks goes on");
	int inside = accept4(own, NULL, NULL, SOCK_CLOEXEC);

	verify(inside >= 0 && puts_into(inside, "hello") && gets(client, "hello"), "one: so does one within it");
	done(side);
	accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	verify(accepted >= 0 && gets(accepted, "new"), "one: and a new one comes");
}

static void second(struct side *side)
{
	int fd, packet;

	done(side);
	ip("link set lo up");
	ip("addr add 10.9.0.2/24 dev two");
	ip("link set two up");
	done(side);
	for (int i = 0; i < 200 && (fd = connects("10.9.0.1")) < 0; i++)
		usleep(20000);
	packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	describe(before);
	done(side);
	check_described("two");
	verify(!strcmp(content("/proc/sys/net/ipv4/ip_forward", after, TEXT), "0"), "two: a setting that it has not: %s", after);
	verify(is_here(fd) && is_here(packet), "two: sockets are in it");
	verify(gets(fd, "in flight") && puts_into(fd, "from two"), "two: what was sent from one network to the other");
	done(side);
	fd = connects("10.9.0.1");
	verify(fd >= 0 && puts_into(fd, "new"), "two: a new connection");
}

static bool is_elsewhere(pid_t pid)
{
	struct stat one, other;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return stat(path, &one) == 0 && stat("/proc/self/ns/net", &other) == 0 && one.st_ino != other.st_ino;
}

static void two_networks(void)
{
	struct side one = start(first), two = start(second);
	char words[128];
	int mine;

	snprintf(words, sizeof(words), "link add one netns %d type veth peer name two netns %d", one.pid, two.pid);
	ip(words);
	mine = listens("127.0.0.1");
	step(&one);
	step(&two);
	/* Each is in the middle of what the other waits for. */
	if (write(two.to[1], "", 1) != 1)
		_exit(96);
	step(&one);
	wait_byte(two.back[0]);
	usleep(50000);
	pause_here();
	verify(is_here(mine) && is_elsewhere(one.pid) && is_elsewhere(two.pid), "the root is where it was");
	if (write(two.to[1], "", 1) != 1)
		_exit(97);
	step(&one);
	wait_byte(two.back[0]);
	if (write(two.to[1], "", 1) != 1)
		_exit(98);
	step(&one);
	waitpid(one.pid, NULL, 0);
	waitpid(two.pid, NULL, 0);
}

/* The root has one of its own, too. */
static void of_root(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		_exit(99);
	ip("link set lo up");
	two_networks();
}

/* Who has a user namespace of its own, as unshare -r. */
static bool become_root_of_user_ns(void)
{
	return unshare(CLONE_NEWUSER) == 0 && put_text("/proc/self/setgroups", "deny") &&
	       put_text("/proc/self/uid_map", "0 0 1") && put_text("/proc/self/gid_map", "0 0 1");
}

static void of_user(void)
{
	if (!become_root_of_user_ns() || unshare(CLONE_NEWNET) < 0)
		_exit(89);
	ip("link set lo up");
	two_networks();
}

/* ---- */

static void sleeper(struct side *side)
{
	done(side);
}

static void leads_outside(void)
{
	struct side one = start(sleeper);
	char words[128];

	snprintf(words, sizeof(words), "link add crlab-out type veth peer name in netns %d", one.pid);
	ip(words);
	pause_here();
	ip("link del crlab-out");
	kill(one.pid, SIGKILL);
}

static void opener(struct side *side)
{
	open("/proc/net/dev", O_RDONLY);
	done(side);
}

static void sysctl_opener(struct side *side)
{
	open("/proc/sys/net/ipv4/ip_forward", O_RDONLY);
	done(side);
}

static void with_file(void)
{
	struct side one = start(opener);

	pause_here();
	kill(one.pid, SIGKILL);
}

static void with_sysctl(void)
{
	struct side one = start(sysctl_opener);

	pause_here();
	kill(one.pid, SIGKILL);
}

static void held(void)
{
	struct side one = start(sleeper);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", one.pid);
	open(path, O_RDONLY);
	pause_here();
	kill(one.pid, SIGKILL);
}

static void tells(void)
{
	struct side one = start(sleeper);
	char text[32];

	snprintf(text, sizeof(text), "%d\n", one.pid);
	close(open(PID, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	put_text(PID, text);
	pause_here();
	kill(one.pid, SIGKILL);
}

static void leak(void)
{
	char output[4096], pid[16], path[64], other[16], byte;
	int ends[2], fd;
	struct subject s;
	pid_t outside;

	if (!subject_start(&s, "leak", tells) || pipe(ends) < 0)
		return;
	snprintf(path, sizeof(path), "/proc/%s/ns/net", content(PID, pid, sizeof(pid)));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	outside = fork();
	if (outside == 0) {
		if (setns(fd, CLONE_NEWNET) < 0 || write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fd);
	snprintf(other, sizeof(other), "pid %d", outside);
	snprintf(pid, sizeof(pid), "%d", s.pid);
	tap_ok(read(ends[0], &byte, 1) == 1 && RUN(output, checkpoint_path, "--dry-run", pid) == 1 &&
	       strstr(output, "net namespace is shared") && strstr(output, other), "who else lives there is named: %s", output);
	kill(outside, SIGKILL);
	waitpid(outside, NULL, 0);
	tap_ok(RUN(output, checkpoint_path, "--dry-run", pid) == 0, "else there is no obstacle: %s", output);
	subject_finish(&s);
	unlink(PID);
}

/* ---- */

static bool has_net(const void *at)
{
	return ((const struct ckpt_unshared *)at)->net;
}

static bool is_in_net(const void *at)
{
	return ((const struct ckpt_socket *)at)->net;
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_NETWORK;
}

/* The first of its messages that gives a network a number. */
static struct rtattr *nsid_of(struct ckpt_network *n)
{
	for (uint32_t at = 0; at < n->messages_len;) {
		struct nlmsghdr *m = (void *)((char *)(n + 1) + at);

		if (m->nlmsg_type == RTM_NEWNSID)
			return (void *)((char *)NLMSG_DATA(m) + NLMSG_ALIGN(sizeof(struct rtgenmsg)));
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
	return NULL;
}

static void damaged(void)
{
	struct ckpt_network *n = record(CKPT_REC_NETWORK, NULL);
	struct ckpt_unshared *un = record(CKPT_REC_UNSHARED, has_net);
	struct ckpt_socket *so = record(CKPT_REC_SOCKET, is_in_net);
	struct ckpt_process *p = record(CKPT_REC_PROCESS, NULL);
	struct ckpt_rec *head = (struct ckpt_rec *)n - 1, *next = (struct ckpt_rec *)((char *)n + head->len);
	struct rtattr *id = nsid_of(n);
	uint32_t *number, *index;

	BAD_FIELD(un->net, 0xffff, "a network that there is not", "no object has objref");
	BAD_FIELD(un->net, p->files, "descriptors for a network", "is a FILES, not");
	BAD_FIELD(un->uts, un->net, "a network for a uts namespace", "cannot restore its namespaces");
	BAD_FIELD(un->mnt, un->net, "a network for a mount namespace", "cannot restore its namespaces");
	BAD_FIELD(so->net, 0xffff, "a socket in a network that there is not", "no object has objref");
	BAD_FIELD(so->net, p->fs, "a socket in directories", "not a namespace");
	BAD_FIELD(next->objref, head->objref, "two that are called the same", "cannot be given to it");
	BAD_FIELD(head->objref, next->objref + 1000, "one that nobody speaks of", "no object has objref");
	BAD_FIELD(n->own_user, 1, "of a user namespace that there is not", "the image has none");
	BAD_FIELD(n->own_user, 2, "of an unknown one", "contradicts itself");
	BAD_FIELD(n->reserved, 1, "a reserved field", "contradicts itself");
	BAD_FIELD(n->messages_len, n->messages_len + 4, "lengths that do not add up", "contradicts itself");
	if (!id) {
		tap_ok(false, "a network knows the other by a number");
		return;
	}
	number = RTA_DATA(id);
	index = RTA_DATA((struct rtattr *)((char *)id + RTA_ALIGN(id->rta_len)));
	BAD_FIELD(*index, 0, "a number for that of the root, which is not the tree's own", "contradicts itself");
	BAD_FIELD(*index, 77, "one for a network that there is not", "contradicts itself");
	BAD_FIELD(*number, 1u << 31, "a number that none can have", "contradicts itself");
}

int main(void)
{
	need_checkpoint();
	ip("link set lo up");
	subject_round("networks", two_networks);
	subject_round("own", of_root);
	subject_round("of a user namespace", of_user);
	mutate_round("two networks", two_networks, damaged, is_about, 20);
	leak();
	subject_refused("outside", leads_outside, "leads to another namespace");
	subject_refused("held", held, "in which the root of the tree does not live");
	subject_refused("file", with_file, "a file of /proc of a namespace in which the root of the tree does not live");
	subject_refused("sysctl", with_sysctl, "a file of /proc of a namespace in which the root of the tree does not live");
	return tap_done();
}
