// SPDX-License-Identifier: Apache-2.0
/* Addresses, routes, rules and neighbours of a network. */
#define _GNU_SOURCE
#include "network.h"
#include "network_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util.h"

static bool has(const struct bytes *all, const struct nlmsghdr *m)
{
	struct nlmsghdr *other = NULL;

	while ((other = rtnl_next(all, other)))
		if (other->nlmsg_len == m->nlmsg_len && other->nlmsg_type == m->nlmsg_type &&
		    !memcmp(NLMSG_DATA(other), NLMSG_DATA(m), m->nlmsg_len - NLMSG_HDRLEN))
			return true;
	return false;
}

static const char *address_text(int family, const struct rtattr *a, char text[INET6_ADDRSTRLEN])
{
	size_t len = family == AF_INET ? 4 : 16;

	if (!a || RTA_PAYLOAD(a) < len || !inet_ntop(family, RTA_DATA(a), text, INET6_ADDRSTRLEN))
		return "default";
	return text;
}

static void complain_of(const struct nlmsghdr *m, int error)
{
	const struct rtattr *a[32];
	const unsigned char *head = NLMSG_DATA(m);
	char text[INET6_ADDRSTRLEN];

	switch (m->nlmsg_type) {
	case RTM_NEWADDR:
		rtnl_attributes(m, sizeof(struct ifaddrmsg), a, 31);
		complain("the address %s/%u of its network cannot be made: %s",
			 address_text(head[0], a[IFA_LOCAL] ?: a[IFA_ADDRESS], text), head[1], strerror(error));
		break;
	case RTM_NEWROUTE:
		rtnl_attributes(m, sizeof(struct rtmsg), a, 31);
		complain("the route %s/%u of its network cannot be made: %s", address_text(head[0], a[RTA_DST], text), head[1],
			 strerror(error));
		break;
	case RTM_NEWRULE:
		rtnl_attributes(m, sizeof(struct fib_rule_hdr), a, 31);
		complain("the rule %u of its network cannot be made: %s", rtnl_u32(a[FRA_PRIORITY], 0), strerror(error));
		break;
	default:
		rtnl_attributes(m, sizeof(struct ndmsg), a, 31);
		complain("the neighbour %s of its network cannot be made: %s", address_text(head[0], a[NDA_DST], text),
			 strerror(error));
	}
}

/* The kernel wants no more of a message that takes something away than what it finds it by. */
static bool take_away(struct network *net, const struct nlmsghdr *m)
{
	struct bytes copy = { };
	int error;

	bytes_add(&copy, m, m->nlmsg_len);
	((struct nlmsghdr *)copy.at)->nlmsg_type = m->nlmsg_type + 1;
	error = rtnl_do(net->fd, (struct nlmsghdr *)copy.at, 0);
	free(copy.at);
	return !error;
}

static int flags_to_make(int type)
{
	/* Of several routes to one place, the order is theirs. */
	return type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_APPEND : NLM_F_CREATE | NLM_F_REPLACE;
}

static bool is_of(const struct nlmsghdr *m, int type, int family)
{
	return m->nlmsg_type == type && *(unsigned char *)NLMSG_DATA(m) == family;
}

/* The last one first: of addresses of IPv6 the newest stands before the others. */
static struct nlmsghdr **in_order(struct network *net, int type, size_t *nr)
{
	static const int families[] = { AF_INET, AF_INET6, AF_BRIDGE };
	struct nlmsghdr **order = NULL, *m;
	size_t all = 0, at = 0;

	for (m = NULL; (m = rtnl_next(&net->asked, m));)
		all++;
	order = xcalloc(all + 1, sizeof(*order));
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		size_t first = at;

		for (m = NULL; (m = rtnl_next(&net->asked, m));)
			if (is_of(m, type, families[i]))
				order[at++] = m;
		for (size_t left = first, right = at; type == RTM_NEWADDR && families[i] == AF_INET6 && left + 1 < right;) {
			m = order[left];
			order[left++] = order[--right];
			order[right] = m;
		}
	}
	*nr = at;
	return order;
}

/* Does this message speak of the same address? */
static bool is_same_address(const struct nlmsghdr *x, const struct nlmsghdr *y)
{
	const struct rtattr *a[IFA_MAX + 1], *b[IFA_MAX + 1], *i, *j;
	struct ifaddrmsg p, q;

	if (!rtnl_attributes(x, sizeof(p), a, IFA_MAX) || !rtnl_attributes(y, sizeof(q), b, IFA_MAX))
		return false;
	memcpy(&p, NLMSG_DATA(x), sizeof(p));
	memcpy(&q, NLMSG_DATA(y), sizeof(q));
	i = a[IFA_LOCAL] ?: a[IFA_ADDRESS];
	j = b[IFA_LOCAL] ?: b[IFA_ADDRESS];
	return i && j && p.ifa_family == q.ifa_family && p.ifa_index == q.ifa_index && p.ifa_prefixlen == q.ifa_prefixlen &&
	       RTA_PAYLOAD(i) == RTA_PAYLOAD(j) && !memcmp(RTA_DATA(i), RTA_DATA(j), RTA_PAYLOAD(i));
}

/* Is it, perhaps with another lifetime, asked for? */
static bool is_address_asked_for(const struct network *net, const struct nlmsghdr *now)
{
	struct nlmsghdr *m = NULL;

	while (now->nlmsg_type == RTM_NEWADDR && (m = rtnl_next(&net->asked, m)))
		if (m->nlmsg_type == RTM_NEWADDR && is_same_address(m, now))
			return true;
	return false;
}

struct round {
	int nr_done;
	const struct nlmsghdr *failed;	/* the first that could not be made */
	int error;
};

/* What is not asked for. What a bridge knows by itself goes with its ports. */
static void take_away_others(struct network *net, const struct bytes *now, struct round *round)
{
	struct nlmsghdr *m = NULL;

	while ((m = rtnl_next(now, m)))
		if (!has(&net->asked, m) && !is_of(m, RTM_NEWNEIGH, AF_BRIDGE) && !is_address_asked_for(net, m))
			round->nr_done += take_away(net, m);
}

static bool settle_once(struct network *net, int type, struct round *round)
{
	struct bytes now = { };
	struct nlmsghdr **order;
	int error = network_messages(net->fd, type, NETWORK_AS_ASKED, &now);
	size_t nr;

	*round = (struct round){ };
	if (error) {
		complain("its network cannot be read: %s", strerror(error));
		return false;
	}
	if (type != RTM_NEWROUTE)
		take_away_others(net, &now, round);
	order = in_order(net, type, &nr);
	for (size_t i = 0; i < nr; i++) {
		if (has(&now, order[i]))
			continue;
		error = rtnl_do(net->fd, order[i], flags_to_make(type));
		if (!error) {
			round->nr_done++;
		} else if (error != EEXIST && !round->failed) {
			round->failed = order[i];
			round->error = error;
		}
	}
	/* Until then a gateway is reached by the route that came with an address, though it was removed since. */
	if (type == RTM_NEWROUTE && !round->failed)
		take_away_others(net, &now, round);
	free(order);
	free(now.at);
	return true;
}

/* A route may need another one to be there first. */
static bool settle_type(struct network *net, int type)
{
	struct round round = { .nr_done = 1 };

	for (int i = 0; i < MAX_ROUNDS && round.nr_done; i++)
		if (!settle_once(net, type, &round))
			return false;
	if (round.failed)
		complain_of(round.failed, round.error);
	return !round.failed;
}

static uint32_t flags_of_address(const struct nlmsghdr *m)
{
	const struct rtattr *a[IFA_MAX + 1];

	return rtnl_attributes(m, sizeof(struct ifaddrmsg), a, IFA_MAX) ? rtnl_u32(a[IFA_FLAGS], 0) : 0;
}

/* Until then no socket can be bound to it. */
static bool is_not_yet_usable(const struct network *net, const struct nlmsghdr *now)
{
	struct nlmsghdr *m = NULL;

	if (!(flags_of_address(now) & IFA_F_TENTATIVE))
		return false;
	while ((m = rtnl_next(&net->was, m)))
		if (m->nlmsg_type == RTM_NEWADDR && is_same_address(m, now))
			return !(flags_of_address(m) & IFA_F_TENTATIVE);
	return false;
}

static bool wait_usable(struct network *net)
{
	bool all = false;

	for (int waited = 0; !all && waited < PATIENCE_MS; waited += STEP_MS) {
		struct nlmsghdr *m = NULL;
		struct bytes now = { };

		all = network_messages(net->fd, RTM_NEWADDR, NETWORK_AS_IT_IS, &now) == 0;
		while ((m = rtnl_next(&now, m)))
			all &= !is_not_yet_usable(net, m);
		free(now.at);
		if (!all)
			network_pause();
	}
	if (!all)
		complain("an address of its network does not become usable");
	return all;
}

/* Routes of IPv6 to the same place, at the same price: which one stands first counts. */
static bool is_rival(const struct nlmsghdr *x, const struct nlmsghdr *y)
{
	const struct rtattr *a[RTA_MAX + 1], *b[RTA_MAX + 1];
	struct rtmsg p, q;

	if (!is_of(x, RTM_NEWROUTE, AF_INET6) || !is_of(y, RTM_NEWROUTE, AF_INET6) ||
	    !rtnl_attributes(x, sizeof(p), a, RTA_MAX) || !rtnl_attributes(y, sizeof(q), b, RTA_MAX))
		return false;
	memcpy(&p, NLMSG_DATA(x), sizeof(p));
	memcpy(&q, NLMSG_DATA(y), sizeof(q));
	/* That of an address belongs to it, and is left alone. */
	return p.rtm_type == q.rtm_type && p.rtm_type != RTN_LOCAL && p.rtm_type != RTN_ANYCAST &&
	       p.rtm_dst_len == q.rtm_dst_len && p.rtm_src_len == q.rtm_src_len &&
	       rtnl_u32(a[RTA_TABLE], p.rtm_table) == rtnl_u32(b[RTA_TABLE], q.rtm_table) &&
	       rtnl_u32(a[RTA_PRIORITY], 0) == rtnl_u32(b[RTA_PRIORITY], 0) &&
	       (!p.rtm_dst_len || rtnl_is_equal(a[RTA_DST], b[RTA_DST])) &&
	       (!p.rtm_src_len || rtnl_is_equal(a[RTA_SRC], b[RTA_SRC]));
}

static struct nlmsghdr *next_rival(const struct bytes *all, const struct nlmsghdr *of, struct nlmsghdr *last)
{
	do {
		last = rtnl_next(all, last);
	} while (last && !is_rival(last, of));
	return last;
}

static bool is_same(const struct nlmsghdr *x, const struct nlmsghdr *y)
{
	return x->nlmsg_len == y->nlmsg_len && !memcmp(NLMSG_DATA(x), NLMSG_DATA(y), x->nlmsg_len - NLMSG_HDRLEN);
}

static bool put_in_order(struct network *net)
{
	struct nlmsghdr *m = NULL, *x, *y;
	struct bytes now = { };

	if (network_messages(net->fd, RTM_NEWROUTE, NETWORK_AS_ASKED, &now)) {
		complain("its routes cannot be read");
		return false;
	}
	while ((m = rtnl_next(&net->asked, m))) {
		x = next_rival(&net->asked, m, NULL);
		if (x != m)	/* another one's rival, or none can be */
			continue;
		y = next_rival(&now, m, NULL);
		while (x && y && is_same(x, y)) {
			x = next_rival(&net->asked, m, x);
			y = next_rival(&now, m, y);
		}
		/* Each goes behind those that are there. */
		for (; x; x = next_rival(&net->asked, m, x)) {
			take_away(net, x);
			rtnl_do(net->fd, x, flags_to_make(RTM_NEWROUTE));
		}
	}
	free(now.at);
	return settle_type(net, RTM_NEWROUTE);
}

bool network_settle(struct network *net, int type)
{
	return settle_type(net, type) && (type != RTM_NEWADDR || wait_usable(net)) &&
	       (type != RTM_NEWROUTE || put_in_order(net));
}
