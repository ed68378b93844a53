// SPDX-License-Identifier: Apache-2.0
/* What an image says of a network and of a user namespace is not believed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/checkpoint.h>
#include <linux/netlink.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-badns.img"
#define MUTATIONS 100

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

static void body(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 || !put("/proc/self/setgroups", "deny") ||
	    !put("/proc/self/gid_map", "0 0 1") || !put("/proc/self/uid_map", "0 0 1"))
		_exit(1);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		_exit(1);
	close(fd);
	pause_here();
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_NETWORK || type == CKPT_REC_USER_NS || type == CKPT_REC_NAMESPACES;
}

static void user_namespace(void)
{
	struct ckpt_namespaces *n = record(CKPT_REC_NAMESPACES, NULL);
	struct ckpt_user_ns *u = record(CKPT_REC_USER_NS, NULL);
	struct ckpt_id_extent *extent = (struct ckpt_id_extent *)(u + 1);
	struct ckpt_cred *c = record(CKPT_REC_CRED, NULL);
	struct ckpt_mm *m = record(CKPT_REC_MM, NULL);

	BAD_FIELD(u->flags, 1U << 31, "an unknown flag", "contradicts itself about its user namespace");
	BAD_FIELD(u->reserved, 1, "a reserved field", "contradicts itself about its user namespace");
	BAD_FIELD(u->nr_uids, 1U << 30, "more users than there are", "contradicts itself about its user namespace");
	BAD_FIELD(u->nr_gids, 0, "fewer groups than there are", "contradicts itself about its user namespace");
	BAD_FIELD(extent->count, 0, "a range of nobody", "uid_map of its user namespace cannot be set");
	BAD_FIELD(extent->lower, -1U, "a range beyond all", "uid_map of its user namespace cannot be set");
	BAD_FIELD(n->flags, n->flags & ~CKPT_NS_USER, "no user namespace for those in it", "cannot restore");
	BAD_FIELD(n->flags, 1U << 31, "an unknown namespace", "contradict themselves");
	BAD_FIELD(c->caps[1], -1ULL, "capabilities that there are not", "cannot");
	BAD_FIELD(m->flags, m->flags | 1U << 31, "an unknown flag of memory", "invalid attributes");
}

static void network(void)
{
	struct ckpt_network *n = record(CKPT_REC_NETWORK, NULL);
	struct nlmsghdr *first = (struct nlmsghdr *)(n + 1);

	BAD_FIELD(n->messages_len, -1U, "more messages than there are", "contradicts itself about its network");
	BAD_FIELD(n->sysctls_len, 0, "fewer sysctls than there are", "contradicts itself about its network");
	BAD_FIELD(first->nlmsg_type, 0xffff, "an unknown message", "contradicts itself about its network");
}

int main(void)
{
	struct subject s;

	need_checkpoint();
	if (!subject_start(&s, "badns", body))
		return tap_done();
	if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid) &&
	    load_image(IMAGE, s.pid)) {
		user_namespace();
		network();
		mutations(is_about, MUTATIONS);
	}
	if (subject_restart(&s, IMAGE, NULL))
		subject_finish(&s);
	unlink(IMAGE);
	return tap_done();
}
