/* SPDX-License-Identifier: Apache-2.0 */
/* What is configured in a network namespace: the NETWORK record, and how to have it again. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/checkpoint.h>

#include "rtnl.h"

/* A network namespace of the tree. */
struct network_ns {
	int ns;			/* its descriptor; -1: it is none of the tree's own */
	struct bytes record;	/* NETWORK */
	int changes;		/* a socket that has heard of all changes since that was read */
};

/*
 * The record of @all[@index]. Network devices may lead from one to another of the @nr. Returns false, having said why.
 */
bool network_read(struct network_ns *all, size_t nr, size_t index);

/*
 * Configure new namespaces as their records say. The caller ends up where he was. Returns false, having said why.
 */
bool network_make(const struct network_ns *all, size_t nr);

/* ---- between the two ---- */

/* Live in @ns until network_leave() of what this returns; -1 if that cannot be. */
int network_enter(int ns);
void network_leave(int home);

/* What is compared, and sent to the kernel: without what says only how it is at the moment. */
enum network_form { NETWORK_AS_IT_IS, NETWORK_AS_ASKED };

/* One message, reduced to what is known here, is added to @to; false if there is nothing to keep. */
bool network_reduce(const struct nlmsghdr *message, enum network_form form, struct bytes *to);

/* All messages of a type (RTM_NEW*), reduced. 0 or an error number. */
int network_messages(int fd, int type, enum network_form form, struct bytes *to);

/* Lines "path value" of all that is below @dir, an open directory of /proc/sys/net. */
void network_sysctls(int dir, struct bytes *to);

#endif
