/* SPDX-License-Identifier: Apache-2.0 */
/* What is configured in a network namespace: the NETWORK record, and how to have it again. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/checkpoint.h>

#include "rtnl.h"

/*
 * The record of the namespace that the caller has entered; @changes: a socket that has heard
 * of all changes since. Returns false, having said why.
 */
bool network_read(struct bytes *record, int *changes);

/*
 * Configure the namespace that the caller has entered, a new one, as @record says. Returns false,
 * having said why.
 */
bool network_make(const void *record, size_t len);

/* ---- between the two ---- */

/* What is compared, and sent to the kernel: without what says only how it is at the moment. */
enum network_form { NETWORK_AS_IT_IS, NETWORK_AS_ASKED };

/* One message, reduced to what is known here, is added to @to; false if there is nothing to keep. */
bool network_reduce(const struct nlmsghdr *message, enum network_form form, struct bytes *to);

/* All messages of a type (RTM_NEW*), reduced. 0 or an error number. */
int network_messages(int fd, int type, enum network_form form, struct bytes *to);

/* Lines "path value" of all that is below @dir, an open directory of /proc/sys/net. */
void network_sysctls(int dir, struct bytes *to);

#endif
