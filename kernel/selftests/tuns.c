// SPDX-License-Identifier: Apache-2.0
/* /dev/net/tun: devices of a network of the tree's own, and their queues. */
/* covers: Descriptors | /dev/net/tun: queues of tun and tap devices, several of one, without a device | supported */
/* covers: Descriptors | /dev/net/tun: a device that ends with it, in a network of the outside; one with a filter, or held outside | refused by name */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/checkpoint.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

static int queue_of(const char *name, int flags)
{
	struct ifreq r = { .ifr_flags = flags };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	strcpy(r.ifr_name, name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) < 0)
		_exit(90);
	return fd;
}

static bool ip(const char *command)
{
	char line[256];

	snprintf(line, sizeof(line), "ip %s", command);
	return system(line) == 0;
}

/* What is sent to @address comes out of @fd: a datagram to port 99. */
static bool comes_out(int fd, const char *address, size_t skip)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(99) };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned char packet[2048];
	bool came = false;

	inet_pton(AF_INET, address, &to.sin_addr);
	sendto(s, "through", 7, 0, (void *)&to, sizeof(to));
	close(s);
	while (!came && poll(&p, 1, 10000) == 1) {
		ssize_t n = read(fd, packet, sizeof(packet)) - skip;
		const unsigned char *at = packet + skip;

		came = n == 35 && at[9] == IPPROTO_UDP && !memcmp(at + 28, "through", 7);
	}
	return came;
}

/* What is written to @fd comes in. */
static bool comes_in(int fd, int listener)
{
	unsigned char packet[35] = { 0x45, 0, 0, 35, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0, 10, 8, 0, 2, 10, 8, 0, 1, 0, 99, 0, 98, 0, 15 };
	struct pollfd p = { .fd = listener, .events = POLLIN };
	unsigned int sum = 0;
	char got[16];

	memcpy(packet + 28, "inwards", 7);
	for (int i = 0; i < 20; i += 2)
		sum += packet[i] << 8 | packet[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
	packet[10] = sum >> 8;
	packet[11] = sum & 0xff;
	return write(fd, packet, sizeof(packet)) == sizeof(packet) && poll(&p, 1, 10000) == 1 &&
	       recv(listener, got, sizeof(got), 0) == 7 && !memcmp(got, "inwards", 7);
}

static bool has_line(const char *path, const char *want)
{
	char text[1024];

	return strstr(whole_content(path, text, sizeof(text)), want) != NULL;
}

static void tunnel(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(98) };
	int fd, listener, before, value, blank;
	unsigned int index = 77;
	struct ifreq r = { };
	char path[64];

	if (unshare(CLONE_NEWNET) < 0 || !ip("link set lo up"))
		_exit(91);
	fd = queue_of("vpn0", IFF_TUN | IFF_NO_PI);
	ioctl(fd, TUNSETOWNER, 1000);
	value = 20000;
	ioctl(fd, TUNSETSNDBUF, &value);
	ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4);
	blank = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	ioctl(blank, TUNSETIFINDEX, &index);
	if (!ip("link set vpn0 mtu 1400 up") || !ip("address add 10.8.0.1/24 dev vpn0") || !ip("route add 10.9.0.0/16 via 10.8.0.2"))
		_exit(92);
	listener = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	inet_pton(AF_INET, "10.8.0.1", &name.sin_addr);
	if (bind(listener, (void *)&name, sizeof(name)) < 0)
		_exit(93);
	before = if_nametoindex("vpn0");
	verify(comes_out(fd, "10.9.1.1", 0) && comes_in(fd, listener), "it works");
	pause_here();
	verify(if_nametoindex("vpn0") == (unsigned int)before, "its index");
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	verify(has_line(path, "iff:\tvpn0\n"), "the file is a queue of it");
	verify(ioctl(fd, TUNGETIFF, &r) == 0 && (r.ifr_flags & (IFF_TUN | IFF_NO_PI | IFF_PERSIST)) == (IFF_TUN | IFF_NO_PI),
	       "it does not outlive that: %x", r.ifr_flags);
	value = 0;
	verify(ioctl(fd, TUNGETSNDBUF, &value) == 0 && value == 20000, "its buffer: %d", value);
	verify(comes_out(fd, "10.9.1.1", 0), "what is sent comes out");
	verify(comes_in(fd, listener), "and what is written comes in");
	strcpy(r.ifr_name, "late%d");
	r.ifr_flags = IFF_TAP;
	verify(ioctl(blank, TUNSETIFF, &r) == 0 && if_nametoindex(r.ifr_name) == index, "another one gets the index that was asked for");
	close(fd);
	verify(!if_nametoindex("vpn0"), "it ends with its file");
}

/* A tap with two queues, of which one is put aside; and one that is there without a file. */
static void queues(void)
{
	struct ifreq r = { .ifr_flags = IFF_DETACH_QUEUE };
	int a, b, size, kept;
	char mac[64], now[64];

	if (unshare(CLONE_NEWNET) < 0)
		_exit(94);
	a = queue_of("tap0", IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE | IFF_VNET_HDR);
	b = queue_of("tap0", IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE | IFF_VNET_HDR);
	size = 12;
	ioctl(a, TUNSETVNETHDRSZ, &size);
	ioctl(b, TUNSETQUEUE, &r);
	kept = queue_of("kept0", IFF_TAP);
	ioctl(kept, TUNSETPERSIST, 1);
	close(kept);
	if (!ip("link set tap0 up") || !ip("address add 10.8.0.1/24 dev tap0") ||
	    !ip("neighbour add 10.8.0.2 lladdr 02:00:00:00:00:02 dev tap0"))
		_exit(95);
	memset(&r, 0, sizeof(r));
	strcpy(r.ifr_name, "tap0");
	ioctl(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), SIOCGIFHWADDR, &r);
	memcpy(mac, r.ifr_hwaddr.sa_data, 6);
	pause_here();
	strcpy(r.ifr_name, "tap0");
	ioctl(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), SIOCGIFHWADDR, &r);
	memcpy(now, r.ifr_hwaddr.sa_data, 6);
	verify(!memcmp(mac, now, 6), "its MAC");
	size = 0;
	verify(ioctl(a, TUNGETVNETHDRSZ, &size) == 0 && size == 12, "its headers: %d", size);
	verify(comes_out(a, "10.8.0.2", 12 + 14), "the one queue works");
	r.ifr_flags = IFF_ATTACH_QUEUE;
	verify(ioctl(b, TUNSETQUEUE, &r) == 0, "the other one can be taken back");
	r.ifr_flags = IFF_DETACH_QUEUE;
	verify(ioctl(a, TUNSETQUEUE, &r) == 0 && comes_out(b, "10.8.0.2", 12 + 14), "and works");
	verify(if_nametoindex("kept0"), "one without a file");
}

static void outside(void)
{
	queue_of("out0", IFF_TUN);
	pause_here();
}

/* It is there, with whatever it has, when the tree has gone. */
static void persistent(void)
{
	int fd = queue_of("stays0", IFF_TUN | IFF_NO_PI), index;

	ioctl(fd, TUNSETPERSIST, 1);
	if (!ip("address add 10.8.7.1/24 dev stays0") || !ip("link set stays0 up"))
		_exit(96);
	index = if_nametoindex("stays0");
	pause_here();
	verify(if_nametoindex("stays0") == (unsigned int)index, "it has stayed");
	verify(comes_out(fd, "10.8.7.2", 0), "the file is a queue of it again");
	ioctl(fd, TUNSETPERSIST, 0);
}

static void filtered(void)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, 0xffff);
	struct sock_fprog prog = { 1, &all };
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		_exit(97);
	fd = queue_of("tap0", IFF_TAP);
	ioctl(fd, TUNATTACHFILTER, &prog);
	pause_here();
}

static void held_outside(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		_exit(98);
	unlink("/tmp/selftest/holds");
	unlink("/tmp/selftest/let-go");
	/* Somebody who lives elsewhere. */
	if (!fork()) {
		setsid();
		queue_of("far0", IFF_TUN);
		int home = open("/proc/1/ns/net", O_RDONLY);

		if (fork())
			_exit(0);
		setns(home, CLONE_NEWNET);
		close(home);
		close(creat("/tmp/selftest/holds", 0600));
		while (!exists("/tmp/selftest/let-go"))
			usleep(20000);
		_exit(0);
	}
	wait(&fd);
	while (!exists("/tmp/selftest/holds"))
		usleep(20000);
	pause_here();
	close(creat("/tmp/selftest/let-go", 0600));
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_TUN;
}

static void damaged(void)
{
	struct ckpt_tun *t = record(CKPT_REC_TUN, NULL);

	BAD_FIELD(t->state, 3, "an unknown state", "cannot be");
	BAD_FIELD(t->ifindex, 1U << 31, "an index that cannot be", "cannot be");
	BAD_FIELD(t->sndbuf, -1, "a buffer of less than nothing", "cannot be");
	BAD_FIELD(t->vnet_hdr_sz, 1, "headers of one byte", "cannot be");
	BAD_FIELD(t->name[0], 'x', "a device that is not there", "cannot be a queue");
	BAD_FIELD(t->flags, t->flags ^ (IFF_TUN | IFF_TAP), "a device of the other kind", "cannot be a queue");
}

int main(void)
{
	need_checkpoint();
	subject_twice("a tunnel", tunnel);
	subject_round("queues", queues);
	subject_round("persistent", persistent);
	mutate_round("damaged", queues, damaged, is_about, 12);
	subject_refused("of the outside", outside, "in a network that is not of the tree");
	subject_refused("a filter", filtered, "has a filter");
	subject_refused("held outside", held_outside, "the device far0 of its network namespace is held");
	return tap_done();
}
