// SPDX-License-Identifier: Apache-2.0
/* The devices of a network. */
#define _GNU_SOURCE
#include "network.h"
#include "network_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/if_vlan.h>
#include <linux/net_namespace.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "util.h"

#define VLAN_FLAGS	(VLAN_FLAG_REORDER_HDR | VLAN_FLAG_GVRP | VLAN_FLAG_LOOSE_BINDING | VLAN_FLAG_MVRP | VLAN_FLAG_BRIDGE_BINDING)

/* Not in older headers. */
#define IFLA_BR_FDB_N_LEARNED		48
#define IFLA_BRPORT_MCAST_N_GROUPS	41

static struct link *link_of(struct network *net, uint32_t index)
{
	for (size_t i = 0; i < net->nr_links; i++)
		if ((uint32_t)net->links[i].index == index)
			return &net->links[i];
	return NULL;
}

/* The links that are there now. */
static bool read_links(struct network *net, struct network *now)
{
	struct nlmsghdr *m = NULL;

	*now = (struct network){ .fd = net->fd };
	if (network_messages(net->fd, RTM_NEWLINK, NETWORK_AS_IT_IS, &now->was))
		return false;
	while ((m = rtnl_next(&now->was, m)))
		if (!network_take_link(now, m))
			return false;
	return true;
}

static void free_links(struct network *now)
{
	free(now->was.at);
	free(now->links);
}

/* Those attributes of @link that a device is made with. */
static void put_made_with(struct bytes *to, size_t offset, const struct link *link)
{
	static const int kept[] = { IFLA_IFNAME, IFLA_ADDRESS, IFLA_MTU, IFLA_TXQLEN, IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES };
	const struct rtattr *a[IFLA_MAX + 1];

	rtnl_attributes(link->message, sizeof(struct ifinfomsg), a, IFLA_MAX);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (a[kept[i]])
			rtnl_put(to, offset, kept[i], RTA_DATA(a[kept[i]]), RTA_PAYLOAD(a[kept[i]]));
}

/* Of flags, the kernel tells more to be meant than it takes. */
static void put_vlan_option(struct bytes *to, size_t offset, const struct rtattr *option)
{
	struct ifla_vlan_flags flags;

	if ((option->rta_type & NLA_TYPE_MASK) != IFLA_VLAN_FLAGS || RTA_PAYLOAD(option) != sizeof(flags)) {
		rtnl_put(to, offset, option->rta_type, RTA_DATA(option), RTA_PAYLOAD(option));
		return;
	}
	memcpy(&flags, RTA_DATA(option), sizeof(flags));
	flags.mask = VLAN_FLAGS;
	rtnl_put(to, offset, option->rta_type, &flags, sizeof(flags));
}

/* @there: where its peer is to be, if that is elsewhere; or NULL. */
static void put_kind(struct bytes *to, size_t offset, const struct link *link, const struct link *peer,
		     const struct network *there)
{
	const struct rtattr *a[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	size_t nest = rtnl_nest(to, offset, IFLA_LINKINFO), data, inner;
	struct ifinfomsg head = { };

	rtnl_put(to, offset, IFLA_INFO_KIND, link->kind, strlen(link->kind));
	rtnl_attributes(link->message, sizeof(head), a, IFLA_MAX);
	if (peer) {
		data = rtnl_nest(to, offset, IFLA_INFO_DATA);
		inner = rtnl_nest(to, offset, VETH_INFO_PEER);
		head.ifi_index = peer->index;
		bytes_add(to, &head, sizeof(head));
		put_made_with(to, offset, peer);
		if (there)
			rtnl_put(to, offset, IFLA_NET_NS_FD, &there->ns, sizeof(there->ns));
		rtnl_nest_end(to, inner);
		rtnl_nest_end(to, data);
	} else if (!strcmp(link->kind, "vlan") && a[IFLA_LINKINFO] &&
		   rtnl_nested(a[IFLA_LINKINFO], info, IFLA_INFO_MAX) && info[IFLA_INFO_DATA]) {
		const struct rtattr *part = RTA_DATA(info[IFLA_INFO_DATA]);
		size_t left = RTA_PAYLOAD(info[IFLA_INFO_DATA]);

		data = rtnl_nest(to, offset, IFLA_INFO_DATA | NLA_F_NESTED);
		for (; RTA_OK(part, left); part = RTA_NEXT(part, left))
			put_vlan_option(to, offset, part);
		rtnl_nest_end(to, data);
	} else if (!strcmp(link->kind, "sit") && a[IFLA_LINKINFO] &&
		   rtnl_nested(a[IFLA_LINKINFO], info, IFLA_INFO_MAX) && info[IFLA_INFO_DATA]) {
		rtnl_put(to, offset, IFLA_INFO_DATA | NLA_F_NESTED, RTA_DATA(info[IFLA_INFO_DATA]),
			 RTA_PAYLOAD(info[IFLA_INFO_DATA]));
	}
	rtnl_nest_end(to, nest);
}

/* Which one of the tree is known by a number in @net? NULL: none is. */
static struct network *network_by_nsid(struct network *net, int nsid)
{
	const struct rtattr *a[NETNSA_MAX + 1];
	struct nlmsghdr *m = NULL;

	if (nsid < 0)
		return net;
	while ((m = rtnl_next(&net->was, m))) {
		if (m->nlmsg_type != RTM_NEWNSID || !rtnl_attributes(m, sizeof(struct rtgenmsg), a, NETNSA_MAX) ||
		    rtnl_u32(a[NETNSA_NSID], UINT32_MAX) != (uint32_t)nsid)
			continue;
		uint32_t index = rtnl_u32(a[NETNSA_PID], UINT32_MAX);

		return index < net->nr_all && net->all[index].ns >= 0 ? &net->all[index] : NULL;
	}
	return NULL;
}

bool network_make_nsids(struct network *net)
{
	const struct rtattr *a[NETNSA_MAX + 1];
	struct nlmsghdr *m = NULL;

	while ((m = rtnl_next(&net->was, m))) {
		struct network *other;
		struct bytes message = { };
		uint32_t id;
		size_t offset;
		int error;

		if (m->nlmsg_type != RTM_NEWNSID || !rtnl_attributes(m, sizeof(struct rtgenmsg), a, NETNSA_MAX))
			continue;
		id = rtnl_u32(a[NETNSA_NSID], UINT32_MAX);
		other = id > INT32_MAX ? NULL : network_by_nsid(net, id);
		if (!other) {
			complain("the image contradicts itself about its networks");
			return false;
		}
		offset = rtnl_begin(&message, RTM_NEWNSID, &(struct rtgenmsg){ }, sizeof(struct rtgenmsg));
		rtnl_put(&message, offset, NETNSA_NSID, &id, sizeof(id));
		rtnl_put(&message, offset, NETNSA_FD, &other->ns, sizeof(other->ns));
		error = rtnl_do(net->fd, (struct nlmsghdr *)message.at, 0);
		free(message.at);
		if (error && error != EEXIST) {
			complain("network %u of its networks cannot be made known: %s", id, strerror(error));
			return false;
		}
	}
	return true;
}

static int make_link(struct network *net, struct link *link)
{
	bool is_veth = !strcmp(link->kind, "veth");
	struct network *there = is_veth ? network_by_nsid(net, link->nsid) : NULL;
	struct link *peer = there ? link_of(there, link->lower) : NULL;
	struct ifinfomsg head = { .ifi_index = link->index };
	struct bytes message = { };
	size_t offset;
	int error;

	if (is_veth && (!peer || peer == link || peer->made || strcmp(peer->kind, "veth") ||
			peer->lower != (uint32_t)link->index || network_by_nsid(there, peer->nsid) != net))
		return EINVAL;
	offset = rtnl_begin(&message, RTM_NEWLINK, &head, sizeof(head));
	put_made_with(&message, offset, link);
	if (!strcmp(link->kind, "vlan"))
		rtnl_put(&message, offset, IFLA_LINK, &link->lower, sizeof(link->lower));
	put_kind(&message, offset, link, peer, there == net ? NULL : there);
	error = rtnl_do(net->fd, (struct nlmsghdr *)message.at, NLM_F_CREATE | NLM_F_EXCL);
	free(message.at);
	if (!error) {
		link->made = true;
		if (peer)
			peer->made = true;
	}
	return error;
}

static unsigned int byte(const struct rtattr *a)
{
	return a && RTA_PAYLOAD(a) ? *(const unsigned char *)RTA_DATA(a) : 0;
}

/* It stays, and waits for its queues: they come with the files that they are. */
static int make_tun(struct link *link)
{
	const struct rtattr *a[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *data[IFLA_TUN_MAX + 1];
	unsigned int index = link->index, owner, group;
	struct ifreq request = { };

	rtnl_attributes(link->message, sizeof(struct ifinfomsg), a, IFLA_MAX);
	if (!a[IFLA_LINKINFO] || !rtnl_nested(a[IFLA_LINKINFO], info, IFLA_INFO_MAX) || !info[IFLA_INFO_DATA] ||
	    !rtnl_nested(info[IFLA_INFO_DATA], data, IFLA_TUN_MAX))
		return EINVAL;
	owner = rtnl_u32(data[IFLA_TUN_OWNER], -1);
	group = rtnl_u32(data[IFLA_TUN_GROUP], -1);
	strncpy(request.ifr_name, link->name, sizeof(request.ifr_name) - 1);
	request.ifr_flags = byte(data[IFLA_TUN_TYPE]) | (byte(data[IFLA_TUN_PI]) ? 0 : IFF_NO_PI) |
			    (byte(data[IFLA_TUN_VNET_HDR]) ? IFF_VNET_HDR : 0) |
			    (byte(data[IFLA_TUN_MULTI_QUEUE]) ? IFF_MULTI_QUEUE : 0);
	link->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (link->fd < 0 || ioctl(link->fd, TUNSETIFINDEX, &index) < 0 || ioctl(link->fd, TUNSETIFF, &request) < 0 ||
	    (owner != (unsigned int)-1 && ioctl(link->fd, TUNSETOWNER, owner) < 0) ||
	    (group != (unsigned int)-1 && ioctl(link->fd, TUNSETGROUP, group) < 0) ||
	    ioctl(link->fd, TUNSETPERSIST, 1) < 0)
		return errno;
	link->made = true;
	return 0;
}

static bool can_be_made(const struct link *link)
{
	static const char *const kinds[] = { "dummy", "veth", "bridge", "vlan", "sit" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(link->kind, kinds[i]))
			return true;
	return false;
}

/* A vlan comes after what it is on. */
bool network_make_links(struct network *net)
{
	size_t left = net->nr_links;
	struct network now;

	if (!read_links(net, &now))
		return false;
	for (size_t i = 0; i < net->nr_links; i++)
		for (size_t j = 0; j < now.nr_links; j++)
			net->links[i].made |= net->links[i].index == now.links[j].index &&
					      !strcmp(net->links[i].name, now.links[j].name) &&
					      !strcmp(net->links[i].kind, now.links[j].kind);
	free_links(&now);
	for (size_t before = left + 1; left && left < before;) {
		before = left;
		left = 0;
		for (size_t i = 0; i < net->nr_links; i++) {
			struct link *link = &net->links[i];
			const struct link *lower = strcmp(link->kind, "vlan") ? NULL : link_of(net, link->lower);
			int error;

			if (link->made)
				continue;
			left++;
			if (lower && !lower->made)
				continue;
			if (!strcmp(link->kind, "tun"))
				error = make_tun(link);
			else
				error = can_be_made(link) ? make_link(net, link) : EOPNOTSUPP;
			if (error) {
				complain("the device %s (%s) of its network cannot be made: %s", link->name,
					 *link->kind ? link->kind : "?", strerror(error));
				return false;
			}
		}
	}
	if (left)
		complain("devices of its network are on each other in a circle");
	return !left;
}

/* What of @want differs from @now is asked for; "up" only if that is wanted. */
static int change_link(struct network *net, const struct link *want, const struct link *now, bool up)
{
	static const int kept[] = { IFLA_MTU, IFLA_TXQLEN, IFLA_GROUP, IFLA_IFALIAS, IFLA_ADDRESS };
	const unsigned int flags = IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_DEBUG | IFF_MULTICAST | (up ? IFF_UP : 0);
	const struct rtattr *a[IFLA_MAX + 1], *b[IFLA_MAX + 1];
	struct ifinfomsg head = { .ifi_index = want->index };
	struct bytes message = { };
	int error = 0;
	size_t offset;

	rtnl_attributes(want->message, sizeof(head), a, IFLA_MAX);
	rtnl_attributes(now->message, sizeof(head), b, IFLA_MAX);
	head.ifi_flags = want->flags & flags;
	head.ifi_change = (want->flags ^ now->flags) & flags;
	offset = rtnl_begin(&message, RTM_NEWLINK, &head, sizeof(head));
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const struct rtattr *x = a[kept[i]], *y = b[kept[i]];

		if (x && !rtnl_is_equal(x, y))
			rtnl_put(&message, offset, kept[i], RTA_DATA(x), RTA_PAYLOAD(x));
	}
	if (want->master != now->master)
		rtnl_put(&message, offset, IFLA_MASTER, &want->master, sizeof(want->master));
	if (message.len > NLMSG_SPACE(sizeof(head)) || head.ifi_change)
		error = rtnl_do(net->fd, (struct nlmsghdr *)message.at, 0);
	free(message.at);
	return error;
}

/* What a bridge, or a port of one, only tells of itself. */
static bool is_told_only(int type, bool port)
{
	if (port)
		return type == IFLA_BRPORT_STATE || (type >= IFLA_BRPORT_ROOT_ID && type <= IFLA_BRPORT_HOLD_TIMER) ||
		       type == IFLA_BRPORT_FLUSH || type == IFLA_BRPORT_MCAST_EHT_HOSTS_CNT ||
		       type == IFLA_BRPORT_MCAST_N_GROUPS;
	return (type >= IFLA_BR_ROOT_ID && type <= IFLA_BR_GC_TIMER) || type == IFLA_BR_FDB_FLUSH ||
	       type == IFLA_BR_MCAST_QUERIER_STATE || type == IFLA_BR_FDB_N_LEARNED;
}

/* Only those that differ: a kernel may not have what the others switch off. */
static bool put_options(struct bytes *to, size_t offset, const struct rtattr *want, const struct rtattr *now, bool port)
{
	const struct rtattr *a[64], *b[64] = { };
	bool some = false;
	size_t nest;

	if (!want || !rtnl_nested(want, a, 63) || (now && !rtnl_nested(now, b, 63)))
		return false;
	nest = rtnl_nest(to, offset, (port ? IFLA_INFO_SLAVE_DATA : IFLA_INFO_DATA) | NLA_F_NESTED);
	for (int i = 1; i < 64; i++)
		if (a[i] && !is_told_only(i, port) && !rtnl_is_equal(a[i], b[i])) {
			rtnl_put(to, offset, i, RTA_DATA(a[i]), RTA_PAYLOAD(a[i]));
			some = true;
		}
	rtnl_nest_end(to, nest);
	return some;
}

static int change_options(struct network *net, const struct link *want, const struct rtattr *wanted,
			  const struct rtattr *is, bool port)
{
	const struct rtattr *a[IFLA_INFO_MAX + 1], *b[IFLA_INFO_MAX + 1] = { };
	struct ifinfomsg head = { .ifi_index = want->index };
	struct bytes message = { };
	size_t offset, nest;
	int error = 0;

	if (!wanted || !rtnl_nested(wanted, a, IFLA_INFO_MAX) || (is && !rtnl_nested(is, b, IFLA_INFO_MAX)))
		return 0;
	offset = rtnl_begin(&message, RTM_NEWLINK, &head, sizeof(head));
	nest = rtnl_nest(&message, offset, IFLA_LINKINFO);
	rtnl_put(&message, offset, port ? IFLA_INFO_SLAVE_KIND : IFLA_INFO_KIND, "bridge", strlen("bridge"));
	if (put_options(&message, offset, port ? a[IFLA_INFO_SLAVE_DATA] : a[IFLA_INFO_DATA],
			port ? b[IFLA_INFO_SLAVE_DATA] : b[IFLA_INFO_DATA], port)) {
		rtnl_nest_end(&message, nest);
		error = rtnl_do(net->fd, (struct nlmsghdr *)message.at, 0);
	}
	free(message.at);
	return error;
}

/* Other names, and what belongs to a bridge. */
static int complete_link(struct network *net, const struct link *want, const struct link *now)
{
	const struct rtattr *a[IFLA_MAX + 1], *b[IFLA_MAX + 1];
	struct ifinfomsg head = { .ifi_index = want->index };
	const struct link *master = link_of(net, want->master);
	struct bytes message = { };
	int error = 0;
	size_t offset;

	rtnl_attributes(want->message, sizeof(head), a, IFLA_MAX);
	rtnl_attributes(now->message, sizeof(head), b, IFLA_MAX);
	if (a[IFLA_PROP_LIST] && !b[IFLA_PROP_LIST]) {
		offset = rtnl_begin(&message, RTM_NEWLINKPROP, &head, sizeof(head));
		rtnl_put(&message, offset, IFLA_PROP_LIST | NLA_F_NESTED, RTA_DATA(a[IFLA_PROP_LIST]),
			 RTA_PAYLOAD(a[IFLA_PROP_LIST]));
		error = rtnl_do(net->fd, (struct nlmsghdr *)message.at, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND);
		free(message.at);
	}
	if (!error && !strcmp(want->kind, "bridge"))
		error = change_options(net, want, a[IFLA_LINKINFO], b[IFLA_LINKINFO], false);
	if (!error && master && !strcmp(master->kind, "bridge") && now->master == want->master)
		error = change_options(net, want, a[IFLA_LINKINFO], b[IFLA_LINKINFO], true);
	return error;
}

/* A device comes up when what it is on is up: as often as that gets further. */
static bool change_links(struct network *net, bool up)
{
	int error = 0, failed = 0;

	/* Once more in any case: what belongs to a port comes with its master. */
	for (int round = 0; round < 2 || (round < MAX_ROUNDS && error); round++) {
		struct network now;

		error = 0;
		if (!read_links(net, &now))
			return false;
		for (size_t i = 0; i < net->nr_links; i++) {
			const struct link *is = link_of(&now, net->links[i].index);
			int e = is ? change_link(net, &net->links[i], is, up) : ENODEV;

			if (!e && !up)
				e = complete_link(net, &net->links[i], is);
			if (e) {
				error = e;
				failed = i;
			}
		}
		free_links(&now);
	}
	if (error)
		complain("the device %s of its network cannot be what it was: %s", net->links[failed].name, strerror(error));
	return !error;
}

/* A new bridge has a carrier until it is first told anything, and then only by its ports. */
static bool is_empty_bridge(const struct network *net, const struct link *l)
{
	if (strcmp(l->kind, "bridge"))
		return false;
	for (size_t i = 0; i < net->nr_links; i++)
		if ((int)net->links[i].master == l->index)
			return false;
	return true;
}

/* A device whose other end comes up notices that a little later. */
bool network_wait_running(struct network *net)
{
	bool all = false;

	for (int waited = 0; !all && waited < PATIENCE_MS; waited += STEP_MS) {
		struct network now;

		all = true;
		if (!read_links(net, &now))
			return false;
		for (size_t i = 0; i < net->nr_links; i++) {
			const struct link *was = &net->links[i], *is = link_of(&now, was->index);

			all &= !(was->flags & IFF_RUNNING) || is_empty_bridge(net, was) || (is && is->flags & IFF_RUNNING);
		}
		free_links(&now);
		if (!all)
			network_pause();
	}
	return true;
}

bool network_settle_links(struct network *net, bool up)
{
	return change_links(net, up);
}
