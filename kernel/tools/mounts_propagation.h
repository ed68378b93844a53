/* SPDX-License-Identifier: Apache-2.0 */
/* To whom each mount hands on what is mounted on it: peer groups, slaves, private and unbindable mounts. */
#ifndef MOUNTS_PROPAGATION_H
#define MOUNTS_PROPAGATION_H

#include <stdbool.h>
#include <stddef.h>

struct propagation {
	int fd;			/* the mount, or -1: it stays as it is */
	unsigned long shared;	/* number of its peer group, or 0 */
	unsigned long master;	/* number of the group it is a slave of, or 0 */
	bool unbindable;
	const char *at;		/* for messages */
	const char *root;	/* what it shows of its filesystem */
	int beyond;		/* one that is mounted nowhere, of its group or its master's in another namespace, or -1 */
	bool peer;		/* of that */
	bool done;
};

/* Of all mounts, which are private, or slaves of such outside. Returns false, having said why. */
bool propagation_set(struct propagation *all, size_t nr);

#endif
