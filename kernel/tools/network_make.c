// SPDX-License-Identifier: Apache-2.0
/*
 * A new network namespace is configured as an image says. What the kernel adds by
 * itself, as the address of a device that comes up, cannot be foreseen: so it is
 * looked at what there is, what there should not be is taken away, and what is
 * missing is made, as often as there are differences.
 */
#define _GNU_SOURCE
#include "network.h"
#include "network_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

static bool is_text(const struct rtattr *a, size_t room)
{
	return a && RTA_PAYLOAD(a) && RTA_PAYLOAD(a) <= room && !((char *)RTA_DATA(a))[RTA_PAYLOAD(a) - 1] &&
	       strlen(RTA_DATA(a)) == RTA_PAYLOAD(a) - 1;
}

bool network_take_link(struct network *net, struct nlmsghdr *m)
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
		.nsid = rtnl_u32(a[IFLA_LINK_NETNSID], -1), .fd = -1,
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
	if (head.messages_len > len - sizeof(head) || head.reserved ||
	    head.own_user > 1 || head.sysctls_len != len - sizeof(head) - head.messages_len)
		return false;
	messages = (struct bytes){ .at = (char *)record + sizeof(head), .len = head.messages_len };
	while ((m = rtnl_next(&messages, m)))
		if (!network_reduce(m, NETWORK_AS_IT_IS, &net->was) || !network_reduce(m, NETWORK_AS_ASKED, &net->asked))
			return false;
	for (m = NULL; (m = rtnl_next(&net->was, m));)
		if (m->nlmsg_type == RTM_NEWLINK && !network_take_link(net, m))
			return false;
	net->sysctls = memcpy(xcalloc(1, head.sysctls_len + 1), messages.at + messages.len, head.sysctls_len);
	net->sysctls_len = head.sysctls_len;
	for (size_t i = 0; i < net->sysctls_len; i++)
		if (net->sysctls[i] == '\n')
			net->sysctls[i] = '\0';
	return true;
}

void network_pause(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
}

static bool before_devices(struct network *net)
{
	if (!network_make_nsids(net) || !network_make_sysctls(net, SYSCTL_OF_ALL))
		return false;
	network_ask_nobody(net);
	return true;
}

static bool make_devices(struct network *net)
{
	if (!network_make_links(net) || !network_make_sysctls(net, SYSCTL_OF_DEVICES))
		return false;
	network_ask_nobody(net);
	return network_settle_links(net, false);
}

static bool bring_up(struct network *net)
{
	return network_settle_links(net, true);
}

static bool make_rest(struct network *net)
{
	if (!network_wait_running(net) || !network_settle(net, RTM_NEWADDR) || !network_settle(net, RTM_NEWNEIGH) ||
	    !network_settle(net, RTM_NEWRULE) || !network_settle(net, RTM_NEWROUTE))
		return false;
	/* Some of them bring addresses and routes with them. */
	return network_make_sysctls(net, SYSCTL_LAST) && network_settle(net, RTM_NEWADDR) &&
	       network_settle(net, RTM_NEWROUTE);
}

/* A device may lead from one to another: none is further than the others. */
static bool make_all(struct network *nets, size_t nr)
{
	static bool (*const steps[])(struct network *net) = { before_devices, make_devices, bring_up, make_rest };
	bool good = true;

	for (size_t step = 0; step < sizeof(steps) / sizeof(steps[0]) && good; step++)
		for (size_t i = 0; i < nr && good; i++) {
			int home;

			if (nets[i].ns < 0)
				continue;
			/* /proc/sys is that of who looks. */
			home = network_enter(nets[i].ns);
			good = home >= 0 && steps[step](&nets[i]);
			if (home >= 0)
				network_leave(home);
		}
	return good;
}

static bool begin(struct network *net, const struct network_ns *from)
{
	int home = network_enter(from->ns);

	if (home >= 0) {
		net->ns = from->ns;
		net->fd = rtnl_open();
		net->dir = open("/proc/sys/net", O_DIRECTORY | O_PATH | O_CLOEXEC);
		network_leave(home);
	}
	if (home < 0 || net->fd < 0 || net->dir < 0)
		complain("its network cannot be made: %s", strerror(errno));
	else if (!take_image(net, from->record.at, from->record.len))
		complain("the image contradicts itself about its network");
	else
		return true;
	return false;
}

bool network_make(const struct network_ns *all, size_t nr)
{
	struct network *nets = xcalloc(nr, sizeof(*nets));
	bool good = true;

	for (size_t i = 0; i < nr; i++)
		nets[i] = (struct network){ .ns = -1, .all = nets, .nr_all = nr, .fd = -1, .dir = -1 };
	for (size_t i = 0; i < nr && good; i++)
		good = all[i].ns < 0 || begin(&nets[i], &all[i]);
	good = good && make_all(nets, nr);
	for (size_t i = 0; i < nr; i++) {
		if (nets[i].fd >= 0)
			close(nets[i].fd);
		if (nets[i].dir >= 0)
			close(nets[i].dir);
		for (size_t j = 0; j < nets[i].nr_links; j++)
			if (nets[i].links[j].fd >= 0)
				close(nets[i].links[j].fd);
		free(nets[i].was.at);
		free(nets[i].asked.at);
		free(nets[i].links);
		free(nets[i].sysctls);
	}
	free(nets);
	return good;
}
