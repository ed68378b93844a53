/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of mountinfo, parsed: for those who describe mounts, and those who make them again. */
#ifndef MOUNTS_PARSED_H
#define MOUNTS_PARSED_H

#include <stdbool.h>
#include <stddef.h>

/* Ours among the optional fields of a line. */
#define OUTSIDE		"outside:"
#define MADE		"made"
#define PEER		"peer:"
#define SLAVE		"slave:"
/* The kernel's, behind the root of a mount. */
#define REMOVED		"//deleted"

struct mount {
	unsigned long id, parent;	/* as numbered there */
	char *device, *root, *at, *options, *type, *source, *super;
	char *outside;		/* where whoever made the checkpoint has the same, or NULL: nowhere, or here */
	char propagation;	/* 's'hared, 'm'aster (a slave), or 'p'rivate */
	unsigned long shared, master;	/* numbers of groups, or 0 */
	bool unbindable;
	char *beyond;		/* of another namespace, the place of one that it is a peer or a slave of, or NULL */
	unsigned long beyond_ns;	/* its number; in the lines of the root: what that is a copy of */
	bool peer;		/* of that; else a slave */
	bool made;		/* it is none that a copy brings */
	bool matched;
	const struct mount *same;	/* with what */
	const struct mount *elsewhere;	/* or with what that goes with the mount it is on */
	bool unfilled;		/* a tmpfs whose files come later */
	const char *before;	/* its device by the image, if that is known of it */
	bool fresh;		/* a filesystem of its own, and not another mount of one */
	bool is_file;		/* another mount, of what is no directory */
	bool late;		/* it is of a procfs that is not there yet, or stands on one */
	bool begun;		/* to be mounted */
	int fd;			/* of its root, or -1 */
};

struct mounts {
	struct mount *of;
	size_t nr;
	char *text;
};

struct mounts mounts_parse(const char *text);
void mounts_free(struct mounts *mounts);
/* Marks in both what is in both, of one boot: then filesystems are told apart. */
void mounts_match(struct mounts *a, struct mounts *b);
/* The same of what an image wants, and what a copy has brought, or also of what has been @made since. */
void mounts_match_image(struct mounts *want, struct mounts *now, bool made);
bool mount_is_same(const struct mount *a, const struct mount *b);
/* There is one of it, in the kernel or in a namespace, and to mount it again shows the same. */
bool mount_is_made_up(const char *type);
/* Does @from show what @m shows, if they are of one filesystem? */
bool mount_reaches(const struct mount *from, const struct mount *m);
/* Another mount, one that is there already if @there, that shows what @m shows. */
const struct mount *mount_seen_elsewhere(const struct mounts *in, const struct mount *m, bool there);
/* Is it, or what it is a bind mount of, a tmpfs whose files come later? */
bool mount_is_empty(const struct mounts *want, const struct mount *m);
/* Does the place of @other lie below that of @m, which is mounted on the same mount? */
bool mount_hides(const struct mount *m, const struct mount *other);
/* Which have to wait for whoever mounts procfs. */
void mounts_find_late(struct mounts *want);
/* Does its path lead to it, or to what has been mounted over it? Only those count that are there already, if @there. */
bool mount_is_seen(const struct mounts *in, const struct mount *m, bool there);
/* Has a copy of @now, which is number @base, all that @want has, and nothing else? Both have been matched. */
bool mounts_stay(const struct mounts *want, const struct mounts *now, size_t base);
/* In the root of a bind mount, if what it shows has been removed since: the kernel's mark behind its name; or NULL. */
char *mount_removed_mark(const char *root);

#endif
