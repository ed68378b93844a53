/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts that are peers or slaves of others in another mount namespace: how they become so again. */
#ifndef MOUNTS_BEYOND_H
#define MOUNTS_BEYOND_H

#include <stddef.h>

#include "mounts.h"
#include "mounts_parsed.h"

struct mounts_beyond {
	struct mounts *of;		/* those of each namespace, by number */
	const struct mount_ns *ns;
	size_t mine, base;		/* the last, and which of the others it begins as a copy of */
	struct mounts copy;		/* what that copy has */
	struct mounts outside;		/* beyond all of them, or nothing */
	bool stays;			/* the copy is what it is to be */
};

/* As mounts_describe(). Says of each mount of the last namespace from where it has its group again, as far as it needs that. */
void mounts_beyond_find(struct mounts_beyond *b, const struct mount_ns *ns, size_t mine, size_t base, const char *outside);
void mounts_beyond_free(struct mounts_beyond *b);

/* What keeps @m from becoming the peer or slave that it was, or NULL. */
const char *mounts_beyond_obstacle(const struct mounts_beyond *b, const struct mount *m);

#endif
