// SPDX-License-Identifier: Apache-2.0
/* What an image says of a network, of a user namespace and of control groups is not believed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/checkpoint.h>
#include <linux/netlink.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define MUTATIONS 100

#define GROUP	"/sys/fs/cgroup/selftest-bad"

/* Process 1 of a pid namespace, and a session there whose leader, process 2, has ended. */
static void orphan_session(void)
{
	pid_t leader;
	int ends[2];
	char byte;

	if (unshare(CLONE_NEWPID) < 0 || pipe(ends) < 0)
		_exit(1);
	if (fork() == 0) {
		/* Whoever ends the first process ends all. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		leader = fork();
		if (leader == 0) {
			setsid();
			_exit(fork() == 0 ? pause() : 0);
		}
		waitpid(leader, NULL, 0);
		if (write(ends[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	if (read(ends[0], &byte, 1) != 1)
		_exit(1);
	close(ends[0]);
	close(ends[1]);
}

static void body(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	mkdir(GROUP, 0755);
	if (!put_text(GROUP "/cgroup.procs", "0") || unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWCGROUP) < 0 || !put_text("/proc/self/setgroups", "deny") ||
	    !put_text("/proc/self/gid_map", "0 0 1") || !put_text("/proc/self/uid_map", "0 0 1"))
		_exit(1);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		_exit(1);
	close(fd);
	orphan_session();
	pause_here();
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_NETWORK || type == CKPT_REC_USER_NS || type == CKPT_REC_NAMESPACES ||
	       type == CKPT_REC_CGROUPS;
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
	BAD_FIELD(n->flags, n->flags & ~CKPT_NS_USER, "no user namespace for those in it", "cannot be chosen");
	BAD_FIELD(n->flags, 1U << 31, "an unknown namespace", "contradict themselves");
	BAD_FIELD(c->caps[1], -1ULL, "capabilities that there are not", "cannot");
	BAD_FIELD(m->flags, m->flags | 1U << 31, "an unknown flag of memory", "invalid attributes");
}

static void pids(void)
{
	struct ckpt_namespaces *n = record(CKPT_REC_NAMESPACES, NULL);
	struct ckpt_ns_pid *pid = (struct ckpt_ns_pid *)(n + 1), *group = pid + n->nr_pids - 1;

	if (!n->nr_pids || group->flags != CKPT_NS_PID_GROUP) {
		tap_ok(false, "the image tells of the session without leader");
		return;
	}
	BAD_FIELD(n->nr_pids, -1U, "more pids than there are", "contradict themselves");
	BAD_FIELD(pid->flags, CKPT_NS_PID_GROUP, "a task that is said to be none", "is not in the image");
	BAD_FIELD(group->pid, pid->pid, "the id of a task as that of a group without leader", "is not in the image");
	BAD_FIELD(group->flags, CKPT_NS_PID_GROUP | CKPT_NS_PID_INIT, "a group that is a process", "is not in the image");
	BAD_FIELD(group->nr[0], 1, "the pid of a process as the id of a group", "cannot be had");
	BAD_FIELD(group->nr[0], -1, "an id below all", "cannot be had");
	BAD_FIELD(group->nr[1], 7, "an id that is deeper than its members", "cannot be had");
}

static void network(void)
{
	struct ckpt_network *n = record(CKPT_REC_NETWORK, NULL);
	struct nlmsghdr *first = (struct nlmsghdr *)(n + 1);

	BAD_FIELD(n->messages_len, -1U, "more messages than there are", "contradicts itself about its network");
	BAD_FIELD(n->sysctls_len, 0, "fewer sysctls than there are", "contradicts itself about its network");
	BAD_FIELD(first->nlmsg_type, 0xffff, "an unknown message", "contradicts itself about its network");
}

/* Another text of the same length at a place of the text of the CGROUPS record. */
static void bad_text(char *at, const char *from, const char *to, const char *what, const char *words)
{
	char *found = strstr(at, from);

	if (!found || strlen(from) != strlen(to)) {
		tap_ok(false, "the image says \"%s\" of control groups", from);
		return;
	}
	memcpy(found, to, strlen(to));
	expect(what, words);
	memcpy(found, from, strlen(from));
}

static void control_groups(void)
{
	struct ckpt_cgroups *c = record(CKPT_REC_CGROUPS, NULL);
	struct ckpt_cgroup_member *m = (struct ckpt_cgroup_member *)(c + 1);
	char *text = (char *)(m + c->nr_members);
	const char *words = "contradicts itself about its control groups";

	rmdir(GROUP);
	BAD_FIELD(c->nr_members, -1U, "more members than there are", "contradict themselves");
	BAD_FIELD(c->text_len, c->text_len - 1, "less text than there is", "contradict themselves");
	BAD_FIELD(m->pid, 0x7fffff, "a member that is not in the image", "is not in the image");
	BAD_FIELD(m->line, c->text_len, "a line behind the text", "is not in the image");
	BAD_FIELD(m->line, m->line + 1, "no line", words);
	bad_text(text, "N /selftest-bad", "N /../ftest-bad", "a namespace that begins above all", words);
	bad_text(text, "N /selftest-bad", "A /selftest-bad", "no beginning of the namespace", words);
	bad_text(text, "\nG /\n", "\nG .\n", "a group that is no path", words);
	bad_text(text, "\nG /\n", "\nX /\n", "a member of no group", words);
	bad_text(text, "S cgroup.freeze 0", "S ../cgroup.eze 0", "a file elsewhere", words);
	bad_text(text, "S cgroup.freeze 0", "S cgroup.procs\v 7", "a setting that there is not", "cannot be");
	bad_text(text, "S cgroup.max.depth max", "S cgroup.max.depth -55", "a value that there is not", "cannot be");
	bad_text(text, "O 755 0 0", "O 7z5 0 0", "an owner that there is not", words);
	tap_ok(!exists(GROUP), "and what was made for it is taken away");
}

static void damaged(void)
{
	user_namespace();
	pids();
	network();
	control_groups();
}

int main(void)
{
	need_checkpoint();
	mutate_round("badns", body, damaged, is_about, MUTATIONS);
	rmdir(GROUP);
	return tap_done();
}
