// SPDX-License-Identifier: Apache-2.0
/*
 * What is configured in a network namespace. Messages of rtnetlink are reduced to
 * what can be asked for; nothing else of an image ever reaches the kernel.
 */
#define _GNU_SOURCE
#include "network.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util.h"

#define NR(array)	(sizeof(array) / sizeof((array)[0]))
#define TICKS_PER_S	100	/* as user space counts them */

/* Attributes that are kept as they are. */
static const int link_kept[] = {
	IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER, IFLA_TXQLEN, IFLA_IFALIAS, IFLA_GROUP,
	IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES, IFLA_LINK_NETNSID,
};
static const int address_kept[] = {
	IFA_ADDRESS, IFA_LOCAL, IFA_LABEL, IFA_BROADCAST, IFA_RT_PRIORITY, IFA_PROTO,
};
static const int route_kept[] = {
	RTA_DST, RTA_SRC, RTA_IIF, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_METRICS, RTA_FLOW, RTA_TABLE,
	RTA_VIA, RTA_PREF, RTA_ENCAP_TYPE, RTA_ENCAP, RTA_TTL_PROPAGATE,
};
static const int rule_kept[] = {
	FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_GOTO, FRA_PRIORITY, FRA_FWMARK, FRA_FLOW, FRA_SUPPRESS_IFGROUP,
	FRA_SUPPRESS_PREFIXLEN, FRA_TABLE, FRA_FWMASK, FRA_OIFNAME, FRA_L3MDEV, FRA_UID_RANGE, FRA_PROTOCOL,
	FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE,
};
static const int nsid_kept[] = { NETNSA_NSID, NETNSA_PID };
static const int neighbour_kept[] = { NDA_DST, NDA_LLADDR, NDA_VLAN, NDA_PROTOCOL };

static void keep(struct bytes *to, size_t offset, const struct rtattr **a, const int *types, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (a[types[i]])
			rtnl_put(to, offset, types[i], RTA_DATA(a[types[i]]), RTA_PAYLOAD(a[types[i]]));
}

/* Of a kind of device, and of what it is for its master. */
static bool keep_kind(struct bytes *to, size_t offset, const struct rtattr *info)
{
	static const int kept[] = { IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA };
	const struct rtattr *a[IFLA_INFO_MAX + 1];
	size_t nest;

	if (!rtnl_nested(info, a, IFLA_INFO_MAX))
		return false;
	nest = rtnl_nest(to, offset, IFLA_LINKINFO);
	keep(to, offset, a, kept, NR(kept));
	rtnl_nest_end(to, nest);
	return true;
}

/* Other names by which a device is known. */
static bool keep_names(struct bytes *to, size_t offset, const struct rtattr *list)
{
	size_t left = RTA_PAYLOAD(list), nest = rtnl_nest(to, offset, IFLA_PROP_LIST);
	const struct rtattr *name = RTA_DATA(list);

	for (; RTA_OK(name, left); name = RTA_NEXT(name, left))
		if ((name->rta_type & NLA_TYPE_MASK) == IFLA_ALT_IFNAME)
			rtnl_put(to, offset, IFLA_ALT_IFNAME, RTA_DATA(name), RTA_PAYLOAD(name));
	rtnl_nest_end(to, nest);
	return true;
}

static bool reduce_link(const struct nlmsghdr *m, enum network_form form, struct bytes *to)
{
	const unsigned int asked = IFF_UP | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_DEBUG | IFF_MULTICAST;
	const struct rtattr *a[IFLA_MAX + 1];
	struct ifinfomsg head;
	size_t offset;

	if (!rtnl_attributes(m, sizeof(head), a, IFLA_MAX) || !a[IFLA_IFNAME])
		return false;
	memcpy(&head, NLMSG_DATA(m), sizeof(head));
	head.ifi_family = AF_UNSPEC;
	head.ifi_change = 0;
	head.ifi_flags &= form == NETWORK_AS_IT_IS ? asked | IFF_RUNNING : asked;
	offset = rtnl_begin(to, RTM_NEWLINK, &head, sizeof(head));
	keep(to, offset, a, link_kept, NR(link_kept));
	return (!a[IFLA_LINKINFO] || keep_kind(to, offset, a[IFLA_LINKINFO])) &&
	       (!a[IFLA_PROP_LIST] || keep_names(to, offset, a[IFLA_PROP_LIST]));
}

static bool reduce_address(const struct nlmsghdr *m, enum network_form form, struct bytes *to)
{
	uint32_t asked = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE |
			 IFA_F_MCAUTOJOIN | IFA_F_OPTIMISTIC;
	const struct rtattr *a[IFA_MAX + 1];
	struct ifa_cacheinfo lifetime;
	struct ifaddrmsg head;
	uint32_t flags;
	size_t offset;

	if (!rtnl_attributes(m, sizeof(head), a, IFA_MAX))
		return false;
	memcpy(&head, NLMSG_DATA(m), sizeof(head));
	if (head.ifa_family != AF_INET && head.ifa_family != AF_INET6)
		return false;
	flags = rtnl_u32(a[IFA_FLAGS], head.ifa_flags);
	if (form == NETWORK_AS_IT_IS)
		asked |= IFA_F_TENTATIVE | IFA_F_DADFAILED;
	flags &= asked;
	head.ifa_flags = 0;
	offset = rtnl_begin(to, RTM_NEWADDR, &head, sizeof(head));
	keep(to, offset, a, address_kept, NR(address_kept));
	rtnl_put(to, offset, IFA_FLAGS, &flags, sizeof(flags));
	if (a[IFA_CACHEINFO] && RTA_PAYLOAD(a[IFA_CACHEINFO]) >= sizeof(lifetime)) {
		memcpy(&lifetime, RTA_DATA(a[IFA_CACHEINFO]), sizeof(lifetime));
		lifetime.cstamp = 0;
		lifetime.tstamp = 0;
		if (lifetime.ifa_valid != UINT32_MAX || lifetime.ifa_prefered != UINT32_MAX)
			rtnl_put(to, offset, IFA_CACHEINFO, &lifetime, sizeof(lifetime));
	}
	return true;
}

/* Of a route over several: whether each is dead is for the moment only. */
static void keep_nexthops(struct bytes *to, size_t offset, const struct rtattr *list)
{
	size_t left = RTA_PAYLOAD(list), start = to->len;
	struct rtnexthop *hop;

	rtnl_put(to, offset, RTA_MULTIPATH, RTA_DATA(list), left);
	hop = RTA_DATA((struct rtattr *)(to->at + start));
	while (left >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left) {
		size_t whole = RTNH_ALIGN((size_t)hop->rtnh_len);

		hop->rtnh_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
		if (whole >= left)
			break;
		left -= whole;
		hop = (struct rtnexthop *)((char *)hop + whole);
	}
}

static bool reduce_route(const struct nlmsghdr *m, struct bytes *to)
{
	const struct rtattr *a[RTA_MAX + 1];
	struct rta_cacheinfo info;
	uint32_t expires = 0;
	struct rtmsg head;
	size_t offset;

	if (!rtnl_attributes(m, sizeof(head), a, RTA_MAX))
		return false;
	memcpy(&head, NLMSG_DATA(m), sizeof(head));
	if ((head.rtm_family != AF_INET && head.rtm_family != AF_INET6) || head.rtm_flags & RTM_F_CLONED ||
	    head.rtm_protocol == RTPROT_REDIRECT)
		return false;
	head.rtm_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
	expires = rtnl_u32(a[RTA_EXPIRES], 0);
	if (a[RTA_CACHEINFO] && RTA_PAYLOAD(a[RTA_CACHEINFO]) >= sizeof(info)) {
		memcpy(&info, RTA_DATA(a[RTA_CACHEINFO]), sizeof(info));
		if (info.rta_expires > 0)
			expires = info.rta_expires / TICKS_PER_S + 1;
	}
	offset = rtnl_begin(to, RTM_NEWROUTE, &head, sizeof(head));
	keep(to, offset, a, route_kept, NR(route_kept));
	if (a[RTA_MULTIPATH])
		keep_nexthops(to, offset, a[RTA_MULTIPATH]);
	if (expires)
		rtnl_put(to, offset, RTA_EXPIRES, &expires, sizeof(expires));
	return true;
}

static bool reduce_rule(const struct nlmsghdr *m, struct bytes *to)
{
	const struct rtattr *a[FRA_MAX + 1];
	struct fib_rule_hdr head;
	size_t offset;

	if (!rtnl_attributes(m, sizeof(head), a, FRA_MAX))
		return false;
	memcpy(&head, NLMSG_DATA(m), sizeof(head));
	if (head.family != AF_INET && head.family != AF_INET6)
		return false;
	head.res1 = head.res2 = 0;
	head.flags &= FIB_RULE_INVERT;
	offset = rtnl_begin(to, RTM_NEWRULE, &head, sizeof(head));
	keep(to, offset, a, rule_kept, NR(rule_kept));
	return true;
}

/* Those that somebody has set: what was found out is found out again. */
static bool reduce_neighbour(const struct nlmsghdr *m, struct bytes *to)
{
	const struct rtattr *a[NDA_MAX + 1];
	struct ndmsg head;
	size_t offset;

	if (!rtnl_attributes(m, sizeof(head), a, NDA_MAX))
		return false;
	memcpy(&head, NLMSG_DATA(m), sizeof(head));
	head.ndm_pad1 = 0;
	head.ndm_pad2 = 0;
	switch (head.ndm_family) {
	case AF_INET:
	case AF_INET6:
		if (!a[NDA_DST] || (!(head.ndm_state & NUD_PERMANENT) && !(head.ndm_flags & NTF_PROXY)))
			return false;
		head.ndm_flags &= NTF_PROXY | NTF_ROUTER;
		break;
	case AF_BRIDGE:
		/* What the bridge itself knows of its ports. */
		if (!a[NDA_LLADDR] || !(head.ndm_state & (NUD_PERMANENT | NUD_NOARP)) ||
		    (!a[NDA_MASTER] && !(head.ndm_flags & NTF_MASTER)))
			return false;
		head.ndm_flags = NTF_MASTER | (head.ndm_flags & NTF_STICKY);
		break;
	default:
		return false;
	}
	head.ndm_type = 0;
	offset = rtnl_begin(to, RTM_NEWNEIGH, &head, sizeof(head));
	keep(to, offset, a, neighbour_kept, NR(neighbour_kept));
	return true;
}

/* The number by which another namespace of the tree is known. */
static bool reduce_nsid(const struct nlmsghdr *m, struct bytes *to)
{
	const struct rtattr *a[NETNSA_MAX + 1];
	size_t offset;

	if (!rtnl_attributes(m, sizeof(struct rtgenmsg), a, NETNSA_MAX) || !a[NETNSA_NSID] || !a[NETNSA_PID])
		return false;
	offset = rtnl_begin(to, RTM_NEWNSID, &(struct rtgenmsg){ }, sizeof(struct rtgenmsg));
	keep(to, offset, a, nsid_kept, NR(nsid_kept));
	return true;
}

bool network_reduce(const struct nlmsghdr *message, enum network_form form, struct bytes *to)
{
	size_t before = to->len;
	bool good = false;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK: good = reduce_link(message, form, to); break;
	case RTM_NEWADDR: good = reduce_address(message, form, to); break;
	case RTM_NEWROUTE: good = reduce_route(message, to); break;
	case RTM_NEWRULE: good = reduce_rule(message, to); break;
	case RTM_NEWNEIGH: good = reduce_neighbour(message, to); break;
	case RTM_NEWNSID: good = reduce_nsid(message, to); break;
	}
	if (!good)
		to->len = before;
	return good;
}

/* 0 as well if the kernel does not know such things. */
static int dump(int fd, int type, const void *request, size_t len, struct bytes *answers)
{
	int error = rtnl_dump(fd, type, request, len, answers);

	return error == EAFNOSUPPORT || error == EOPNOTSUPP ? 0 : error;
}

int network_messages(int fd, int type, enum network_form form, struct bytes *to)
{
	struct bytes answers = { };
	struct nlmsghdr *m = NULL;
	int error = 0;

	switch (type) {
	case RTM_NEWLINK:
		error = dump(fd, RTM_GETLINK, &(struct ifinfomsg){ }, sizeof(struct ifinfomsg), &answers);
		break;
	case RTM_NEWADDR:
	case RTM_NEWROUTE:
	case RTM_NEWRULE:
	case RTM_NEWNEIGH:
		for (int family = AF_INET; family && !error; family = family == AF_INET ? AF_INET6 : 0) {
			/* The family comes first in all of them. */
			unsigned char request[16] = { family };
			size_t len = type == RTM_NEWADDR ? sizeof(struct ifaddrmsg) :
				     type == RTM_NEWNEIGH ? sizeof(struct ndmsg) : sizeof(struct rtmsg);

			error = dump(fd, type + 2, request, len, &answers);
			if (!error && type == RTM_NEWNEIGH)
				error = dump(fd, RTM_GETNEIGH, &(struct ndmsg){ .ndm_family = family, .ndm_flags = NTF_PROXY },
					     sizeof(struct ndmsg), &answers);
		}
		if (!error && type == RTM_NEWNEIGH)
			error = dump(fd, RTM_GETNEIGH, &(struct ndmsg){ .ndm_family = AF_BRIDGE },
				     sizeof(struct ndmsg), &answers);
		break;
	}
	while ((m = rtnl_next(&answers, m)) && !error)
		network_reduce(m, form, to);
	free(answers.at);
	return error;
}

/* By which numbers the others are known in one of them: links say so where they lead. */
static int read_nsids(int fd, const struct network_ns *all, size_t nr, struct bytes *to)
{
	int error = 0;

	for (size_t i = 0; i < nr && !error; i++) {
		const struct rtattr *a[NETNSA_MAX + 1];
		struct bytes question = { }, answers = { };
		uint32_t index = i, id = NETNSA_NSID_NOT_ASSIGNED;
		struct nlmsghdr *m = NULL;
		size_t offset;

		if (all[i].ns < 0)
			continue;
		offset = rtnl_begin(&question, RTM_GETNSID, &(struct rtgenmsg){ }, sizeof(struct rtgenmsg));
		rtnl_put(&question, offset, NETNSA_FD, &all[i].ns, sizeof(all[i].ns));
		error = rtnl_ask(fd, (struct nlmsghdr *)question.at, &answers);
		while ((m = rtnl_next(&answers, m)) && !error)
			if (m->nlmsg_type == RTM_NEWNSID && rtnl_attributes(m, sizeof(struct rtgenmsg), a, NETNSA_MAX))
				id = rtnl_u32(a[NETNSA_NSID], id);
		if (!error && id != (uint32_t)NETNSA_NSID_NOT_ASSIGNED) {
			offset = rtnl_begin(to, RTM_NEWNSID, &(struct rtgenmsg){ }, sizeof(struct rtgenmsg));
			rtnl_put(to, offset, NETNSA_NSID, &id, sizeof(id));
			rtnl_put(to, offset, NETNSA_PID, &index, sizeof(index));
		}
		free(question.at);
		free(answers.at);
	}
	return error;
}

/* By a process that lives in it for the time. */
static int read_here(struct network_ns *all, size_t nr, size_t index)
{
	static const int groups[] = {
		RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
		RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF,
	};
	static const int types[] = { RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWRULE, RTM_NEWNEIGH };
	int dir = open("/proc/sys/net", O_DIRECTORY | O_RDONLY | O_CLOEXEC), fd = rtnl_open(), error = 0;
	struct bytes *record = &all[index].record;
	struct ckpt_network *head;
	int changes = rtnl_open();

	if (fd < 0 || changes < 0 || !rtnl_hear(changes, groups, NR(groups)))
		error = errno;
	all[index].changes = changes;
	record->len = 0;
	bytes_add(record, NULL, sizeof(*head));
	for (size_t i = 0; i < NR(types) && !error; i++)
		error = network_messages(fd, types[i], NETWORK_AS_IT_IS, record);
	if (!error && nr > 1)
		error = read_nsids(fd, all, nr, record);
	head = (struct ckpt_network *)record->at;
	head->messages_len = record->len - sizeof(*head);
	if (dir >= 0)
		network_sysctls(dir, record);
	head = (struct ckpt_network *)record->at;
	head->sysctls_len = record->len - sizeof(*head) - head->messages_len;
	if (dir >= 0)
		close(dir);
	if (fd >= 0)
		close(fd);
	return error;
}

bool network_read(struct network_ns *all, size_t nr, size_t index)
{
	int home = network_enter(all[index].ns), error;

	if (home < 0) {
		complain("its network cannot be entered: %s", strerror(errno));
		return false;
	}
	error = read_here(all, nr, index);
	network_leave(home);
	if (error)
		complain("its network cannot be read: %s", strerror(error));
	return !error;
}

int network_enter(int ns)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), error;

	if (home < 0 || setns(ns, CLONE_NEWNET) == 0)
		return home;
	error = errno;
	close(home);
	errno = error;
	return -1;
}

void network_leave(int home)
{
	if (setns(home, CLONE_NEWNET) < 0)
		die("cannot go back to the network of before: %s", strerror(errno));
	close(home);
}
