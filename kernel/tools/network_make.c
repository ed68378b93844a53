// SPDX-License-Identifier: Apache-2.0
/*
 * A new network namespace is configured as an image says. What the kernel adds by
 * itself, as the address of a device that comes up, cannot be foreseen: so it is
 * looked at what there is, what there should not be is taken away, and what is
 * missing is made, as often as there are differences.
 */
#define _GNU_SOURCE
#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/openat2.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

/* Not in older headers. */
#define IFLA_BR_FDB_N_LEARNED	48
#define IFLA_BRPORT_MCAST_N_GROUPS	41

#define MAX_ROUNDS	8
/* Until devices run and addresses are known to be free. */
#define PATIENCE_MS	10000
#define STEP_MS		2

struct link {
	struct nlmsghdr *message;	/* as it was */
	int index;
	unsigned int flags;
	uint32_t lower, master;
	const char *name, *kind;
	bool made;
};

struct network {
	int fd, dir;
	struct bytes was;		/* messages of the image as they were */
	struct bytes asked;		/* the same as they are asked for */
	struct link *links;
	size_t nr_links;
	char *sysctls;			/* lines, each ends in NUL */
	size_t sysctls_len;
};

static bool is_text(const struct rtattr *a, size_t room)
{
	return a && RTA_PAYLOAD(a) && RTA_PAYLOAD(a) <= room && !((char *)RTA_DATA(a))[RTA_PAYLOAD(a) - 1] &&
	       strlen(RTA_DATA(a)) == RTA_PAYLOAD(a) - 1;
}

/* ---- the image ---- */

static bool take_link(struct network *net, struct nlmsghdr *m)
{
	const struct rtattr *a[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1] = { };
	struct link *link;
	struct ifinfomsg head;

	if (!rtnl_attributes(m, sizeof(head), a, IFLA_MAX) || !is_text(a[IFLA_IFNAME], IFNAMSIZ) ||
	    (a[IFLA_LINKINFO] && !rtnl_nested(a[IFLA_LINKINFO], info, IFLA_INFO_MAX)) ||
	    (info[IFLA_INFO_KIND] && !is_text(info[IFLA_INFO_KIND], 64)))
		return false;
	memcpy(&head, NLMSG_DATA(m), sizeof(head));
	if (head.ifi_index <= 0)
		return false;
	net->links = realloc(net->links, (net->nr_links + 1) * sizeof(*net->links));
	if (!net->links)
		die("out of memory");
	link = &net->links[net->nr_links++];
	*link = (struct link){
		.message = m, .index = head.ifi_index, .flags = head.ifi_flags, .name = RTA_DATA(a[IFLA_IFNAME]),
		.kind = info[IFLA_INFO_KIND] ? RTA_DATA(info[IFLA_INFO_KIND]) : "",
		.lower = rtnl_u32(a[IFLA_LINK], 0), .master = rtnl_u32(a[IFLA_MASTER], 0),
	};
	return true;
}

static bool take_image(struct network *net, const void *record, size_t len)
{
	struct nlmsghdr *m = NULL;
	struct ckpt_network head;
	struct bytes messages;

	if (len < sizeof(head))
		return false;
	memcpy(&head, record, sizeof(head));
	if (head.messages_len > len - sizeof(head) || head.sysctls_len != len - sizeof(head) - head.messages_len)
		return false;
	messages = (struct bytes){ .at = (char *)record + sizeof(head), .len = head.messages_len };
	while ((m = rtnl_next(&messages, m)))
		if (!network_reduce(m, NETWORK_AS_IT_IS, &net->was) || !network_reduce(m, NETWORK_AS_ASKED, &net->asked))
			return false;
	for (m = NULL; (m = rtnl_next(&net->was, m));)
		if (m->nlmsg_type == RTM_NEWLINK && !take_link(net, m))
			return false;
	net->sysctls = memcpy(xcalloc(1, head.sysctls_len + 1), messages.at + messages.len, head.sysctls_len);
	net->sysctls_len = head.sysctls_len;
	for (size_t i = 0; i < net->sysctls_len; i++)
		if (net->sysctls[i] == '\n')
			net->sysctls[i] = '\0';
	return true;
}

static struct link *link_of(struct network *net, uint32_t index)
{
	for (size_t i = 0; i < net->nr_links; i++)
		if ((uint32_t)net->links[i].index == index)
			return &net->links[i];
	return NULL;
}

/* ---- sysctls ---- */

enum sysctl_pass {
	SYSCTL_OF_ALL,		/* before there are devices */
	SYSCTL_OF_DEVICES,	/* before they are up */
	SYSCTL_LAST,		/* all, once more */
};

/* As long as devices come up, nobody is asked whether an address is taken. */
static bool comes_last(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && !strcmp(name, "/accept_dad");
}

/* conf/NAME and neigh/NAME, but for "all" and "default". */
static bool is_of_device(const char *path)
{
	static const char *const parts[] = { "ipv4/conf/", "ipv4/neigh/", "ipv6/conf/", "ipv6/neigh/", "mpls/conf/" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strncmp(path, parts[i], strlen(parts[i]))) {
			path += strlen(parts[i]);
			return strncmp(path, "all/", 4) && strncmp(path, "default/", 8);
		}
	return false;
}

static int open_sysctl(const struct network *net, const char *path, int flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

	return syscall(SYS_openat2, net->dir, path, &how, sizeof(how));
}

static bool sysctl_is(const struct network *net, const char *path, const char *value)
{
	int fd = open_sysctl(net, path, O_RDONLY);
	char now[4096];
	ssize_t n = fd < 0 ? -1 : read(fd, now, sizeof(now));

	if (fd >= 0)
		close(fd);
	while (n > 0 && now[n - 1] == '\n')
		n--;
	return n >= 0 && (size_t)n == strlen(value) && !memcmp(now, value, n);
}

static int set_sysctl(const struct network *net, const char *path, const char *value)
{
	int fd = open_sysctl(net, path, O_WRONLY), error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		error = errno ?: EIO;
	close(fd);
	return error;
}

/* One may change others ("all" that of each device), and one may have to wait for another. */
static bool set_sysctls(struct network *net, enum sysctl_pass pass)
{
	char *failed = NULL;
	bool changed = true;
	int error = 0;

	for (int round = 0; changed && round < MAX_ROUNDS; round++) {
		char *next = NULL;

		changed = false;
		free(failed);
		failed = NULL;
		for (char *line = net->sysctls; line < net->sysctls + net->sysctls_len; line = next) {
			char *value = strchr(line, ' '), *path;
			int e;

			next = line + strlen(line) + 1;
			if (!value)
				continue;
			path = strndup(line, value++ - line);
			if (!path)
				die("out of memory");
			if ((pass == SYSCTL_LAST ||
			     (!comes_last(path) && is_of_device(path) == (pass == SYSCTL_OF_DEVICES))) &&
			    !sysctl_is(net, path, value)) {
				e = set_sysctl(net, path, value);
				changed |= !e;
				if (e && !failed) {
					failed = xasprintf("net/%s cannot be %s", path, value);
					error = e;
				}
			}
			free(path);
		}
	}
	if (pass != SYSCTL_LAST || !failed)
		return true;
	complain("%s: %s", failed, strerror(error));
	return false;
}

static void ask_nobody(struct network *net)
{
	char *path;

	set_sysctl(net, "ipv6/conf/all/accept_dad", "0");
	set_sysctl(net, "ipv6/conf/default/accept_dad", "0");
	for (size_t i = 0; i < net->nr_links; i++) {
		path = xasprintf("ipv6/conf/%s/accept_dad", net->links[i].name);
		set_sysctl(net, path, "0");
		free(path);
	}
}

/* ---- devices ---- */

/* The links that are there now. */
static bool read_links(struct network *net, struct network *now)
{
	struct nlmsghdr *m = NULL;

	*now = (struct network){ .fd = net->fd };
	if (network_messages(net->fd, RTM_NEWLINK, NETWORK_AS_IT_IS, &now->was))
		return false;
	while ((m = rtnl_next(&now->was, m)))
		if (!take_link(now, m))
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

static void put_kind(struct bytes *to, size_t offset, const struct link *link, const struct link *peer)
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
		rtnl_nest_end(to, inner);
		rtnl_nest_end(to, data);
	} else if (!strcmp(link->kind, "vlan") && a[IFLA_LINKINFO] &&
		   rtnl_nested(a[IFLA_LINKINFO], info, IFLA_INFO_MAX) && info[IFLA_INFO_DATA]) {
		rtnl_put(to, offset, IFLA_INFO_DATA | NLA_F_NESTED, RTA_DATA(info[IFLA_INFO_DATA]),
			 RTA_PAYLOAD(info[IFLA_INFO_DATA]));
	}
	rtnl_nest_end(to, nest);
}

static int make_link(struct network *net, struct link *link)
{
	struct link *peer = !strcmp(link->kind, "veth") ? link_of(net, link->lower) : NULL;
	struct ifinfomsg head = { .ifi_index = link->index };
	struct bytes message = { };
	size_t offset;
	int error;

	if (!strcmp(link->kind, "veth") && (!peer || peer == link || strcmp(peer->kind, "veth") ||
					    peer->lower != (uint32_t)link->index))
		return EINVAL;
	offset = rtnl_begin(&message, RTM_NEWLINK, &head, sizeof(head));
	put_made_with(&message, offset, link);
	if (!strcmp(link->kind, "vlan"))
		rtnl_put(&message, offset, IFLA_LINK, &link->lower, sizeof(link->lower));
	put_kind(&message, offset, link, peer);
	error = rtnl_do(net->fd, (struct nlmsghdr *)message.at, NLM_F_CREATE | NLM_F_EXCL);
	free(message.at);
	if (!error) {
		link->made = true;
		if (peer)
			peer->made = true;
	}
	return error;
}

static bool can_be_made(const struct link *link)
{
	static const char *const kinds[] = { "dummy", "veth", "bridge", "vlan" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(link->kind, kinds[i]))
			return true;
	return false;
}

/* A vlan comes after what it is on. */
static bool make_links(struct network *net)
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

static bool is_equal(const struct rtattr *x, const struct rtattr *y)
{
	return x && y && RTA_PAYLOAD(x) == RTA_PAYLOAD(y) && !memcmp(RTA_DATA(x), RTA_DATA(y), RTA_PAYLOAD(x));
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

		if (x && !is_equal(x, y))
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
		if (a[i] && !is_told_only(i, port) && !is_equal(a[i], b[i])) {
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
static bool settle_links(struct network *net, bool up)
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

static void pause_a_moment(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
}

/* A device whose other end comes up notices that a little later. */
static bool wait_running(struct network *net)
{
	bool all = false;

	for (int waited = 0; !all && waited < PATIENCE_MS; waited += STEP_MS) {
		struct network now;

		all = true;
		if (!read_links(net, &now))
			return false;
		for (size_t i = 0; i < net->nr_links; i++) {
			const struct link *is = link_of(&now, net->links[i].index);

			all &= !(net->links[i].flags & IFF_RUNNING) || (is && is->flags & IFF_RUNNING);
		}
		free_links(&now);
		if (!all)
			pause_a_moment();
	}
	return true;
}

/* ---- addresses, rules, routes, neighbours ---- */

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
static bool settle(struct network *net, int type)
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
			pause_a_moment();
	}
	if (!all)
		complain("an address of its network does not become usable");
	return all;
}

static bool make_all(struct network *net)
{
	if (!set_sysctls(net, SYSCTL_OF_ALL))
		return false;
	ask_nobody(net);
	if (!make_links(net) || !set_sysctls(net, SYSCTL_OF_DEVICES))
		return false;
	ask_nobody(net);
	if (!settle_links(net, false) || !settle_links(net, true) || !wait_running(net) || !settle(net, RTM_NEWADDR) ||
	    !wait_usable(net) || !settle(net, RTM_NEWNEIGH) || !settle(net, RTM_NEWRULE) || !settle(net, RTM_NEWROUTE))
		return false;
	/* Some of them bring addresses and routes with them. */
	return set_sysctls(net, SYSCTL_LAST) && settle(net, RTM_NEWADDR) && wait_usable(net) && settle(net, RTM_NEWROUTE);
}

bool network_make(const void *record, size_t len)
{
	struct network net = { .fd = rtnl_open(), .dir = open("/proc/sys/net", O_DIRECTORY | O_PATH | O_CLOEXEC) };
	bool good = false;

	if (net.fd < 0 || net.dir < 0)
		complain("its network cannot be made: %s", strerror(errno));
	else if (!take_image(&net, record, len))
		complain("the image contradicts itself about its network");
	else
		good = make_all(&net);
	if (net.fd >= 0)
		close(net.fd);
	if (net.dir >= 0)
		close(net.dir);
	free(net.was.at);
	free(net.asked.at);
	free(net.links);
	free(net.sysctls);
	return good;
}
