/* SPDX-License-Identifier: Apache-2.0 */
/* A network that is being made: its parts, in the order in which they come. */
#ifndef NETWORK_PARTS_H
#define NETWORK_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtnl.h"

/* How often it is looked whether anything is still different. */
#define MAX_ROUNDS	8
/* Until devices run and addresses are known to be free. */
#define PATIENCE_MS	10000
#define STEP_MS		2

struct link {
	struct nlmsghdr *message;	/* as it was */
	int index;
	unsigned int flags;
	uint32_t lower, master;
	int nsid;			/* of the namespace that @lower is in; -1: this one */
	const char *name, *kind;
	bool made;
	int fd;				/* of /dev/net/tun, as long as the network is being made; or -1 */
};

struct network {
	int ns;				/* -1: it is none of the tree's own */
	struct network *all;		/* the networks of the tree, @nr_all */
	size_t nr_all;
	int fd, dir;			/* of rtnetlink; /proc/sys/net */
	struct bytes was;		/* messages of the image as they were */
	struct bytes asked;		/* the same as they are asked for */
	struct link *links;
	size_t nr_links;
	char *sysctls;			/* lines, each ends in NUL */
	size_t sysctls_len;
};

/* One more link, which @message speaks of; false if it contradicts itself. */
bool network_take_link(struct network *net, struct nlmsghdr *message);
void network_pause(void);

enum sysctl_pass {
	SYSCTL_OF_ALL,		/* before there are devices */
	SYSCTL_OF_DEVICES,	/* before they are up */
	SYSCTL_LAST,		/* all, once more */
};

/* All of these return false, having said why. */
bool network_make_sysctls(struct network *net, enum sysctl_pass pass);
/* The numbers by which others of the tree are known. */
bool network_make_nsids(struct network *net);
bool network_make_links(struct network *net);
/* What they were, but for being up; up, if they were; running. */
bool network_settle_links(struct network *net, bool up);
bool network_wait_running(struct network *net);
/* Make those of a type (RTM_NEW*) what they were. */
bool network_settle(struct network *net, int type);

/* As long as devices come up, nobody is asked whether an address is taken. */
void network_ask_nobody(struct network *net);

#endif
