// SPDX-License-Identifier: Apache-2.0
/*
 * How a restart mounts again what an image says. A new namespace begins as a copy
 * of the caller's, so only what differs counts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mounts.h"
#include "mounts_parsed.h"
#include "mounts_propagation.h"
#include "mounts_source.h"
#include "util.h"

static const struct {
	const char *name;
	unsigned long flag;
} flags[] = {
	{ "ro", MS_RDONLY },	     { "nosuid", MS_NOSUID },	{ "nodev", MS_NODEV },
	{ "noexec", MS_NOEXEC },     { "noatime", MS_NOATIME }, { "nodiratime", MS_NODIRATIME },
	{ "relatime", MS_RELATIME }, { "nosymfollow", MS_NOSYMFOLLOW },
};

/* What is neither "relatime" nor "noatime" has been asked not to be either. */
static unsigned long flags_of(const char *options)
{
	char *copy = strdup(options), *rest = copy, *option;
	unsigned long all = 0;

	while (rest && (option = strsep(&rest, ",")))
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			if (!strcmp(option, flags[i].name))
				all |= flags[i].flag;
	free(copy);
	return all & (MS_NOATIME | MS_RELATIME) ? all : all | MS_STRICTATIME;
}

/* Of a tmpfs the owner of its root: the kernel gives it that, and its user namespace may not know it by this number. */
static bool is_owner(const char *option)
{
	return !strncmp(option, "uid=", 4) || !strncmp(option, "gid=", 4);
}

/* Options of a filesystem without those that are flags, and "inode64", the default. */
static char *data_of(const char *super, bool is_tmpfs)
{
	char *copy = strdup(super), *rest = copy, *option, *data = strdup("");

	while (rest && (option = strsep(&rest, ","))) {
		char *longer;

		if (!strcmp(option, "rw") || !strcmp(option, "ro") || !strcmp(option, "inode64") ||
		    (is_tmpfs && is_owner(option)))
			continue;
		longer = xasprintf("%s%s%s", data, *data ? "," : "", option);
		free(data);
		data = longer;
	}
	free(copy);
	return data;
}

/* What is mounted below @at before @m, by the image? */
static const struct mount *mount_under(const struct mounts *want, const struct mount *m, const char *at)
{
	const struct mount *under = NULL;

	for (const struct mount *other = want->of; other < want->of + want->nr; other++) {
		size_t len = strcmp(other->at, "/") ? strlen(other->at) : 0;
		bool is_parent = other->id == m->parent && other != m;

		/* That may have been mounted later, and this one moved there. */
		if ((other < m || is_parent) && !strncmp(other->at, at, len) && at[len] == '/') {
			under = other;
			if (is_parent)
				break;
		}
	}
	return under;
}

/* In a tmpfs that is still empty there is nothing to mount it on; the kernel gives it the rest. */
static void make_point(const struct mounts *want, const struct mount *m, const char *at, bool directory)
{
	const struct mount *under = mount_under(want, m, at);
	char *path, *slash;
	struct stat st;
	int fd;

	if (!under || !mount_is_empty(want, under) || stat(at, &st) == 0)
		return;
	path = xasprintf("%s", at);
	slash = path + (strcmp(under->at, "/") ? strlen(under->at) : 0);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	if (directory) {
		mkdir(path, 0755);
	} else {
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd >= 0)
			close(fd);
	}
	free(path);
}

/* To mount cgroup2 once more would change the options of all its mounts. */
static bool is_there_already(const struct mounts *want, const struct mount *m)
{
	return !strcmp(m->type, "cgroup2") && mount_seen_elsewhere(want, m, true);
}

/* Of the root that this one takes the place of; paths begin where the process works, which is that. */
static char *path_in_old(const struct mounts *old, const struct mount *m)
{
	for (size_t i = 0; old && i < old->nr; i++) {
		const struct mount *other = &old->of[i];

		if (!strcmp(other->type, m->type) && !strcmp(other->source, m->source) && mount_reaches(other, m) &&
		    !strcmp(m->outside ?: m->at, other->at))
			return xasprintf(".%s%s", strcmp(other->at, "/") ? other->at : "",
					 m->root + (strcmp(other->root, "/") ? strlen(other->root) : 0));
	}
	return NULL;
}

/* A directory that had been removed: another one, for a moment. Its name is in @path, up to @mark. */
static bool make_removed(char *path, char *mark)
{
	*mark = '\0';
	if (mkdir(path, 0755) == 0)
		return true;
	/* Somebody has the name now: there is room for another one in the mark. */
	snprintf(mark, strlen(REMOVED) + 1, ".%d", (int)getpid() % 100000);
	if (mkdir(path, 0755) == 0)
		return true;
	complain("%s: a directory that had been removed cannot be made for a moment: %s", path, strerror(errno));
	return false;
}

/* A directory that had been removed is made for the moment that it takes: @made. */
static int clone_removed(const struct mount *m, const struct mounts *want, const struct mounts *old, char **made)
{
	const struct mount *other = mount_seen_elsewhere(want, m, true);
	char *mark;

	*made = other ? xasprintf("%s%s", strcmp(other->at, "/") ? other->at : "",
				  m->root + (strcmp(other->root, "/") ? strlen(other->root) : 0)) :
			path_in_old(old, m);
	mark = *made ? mount_removed_mark(*made) : NULL;
	if (!mark || !make_removed(*made, mark))
		return -1;
	return syscall(SYS_open_tree, AT_FDCWD, *made, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

/* A directory of a new filesystem, which is not seen itself; in a tmpfs it is made. */
static int clone_part(const struct mount *m, unsigned long flag, const char *data, bool make)
{
	char *path = xasprintf("%s%s", strcmp(m->at, "/") ? m->at : "", m->root), *slash = path + strlen(path) - strlen(m->root);
	int tree = -1;

	if (mount(m->source, m->at, m->type, flag, data) == 0) {
		while (make && (slash = strchr(slash + 1, '/'))) {
			*slash = '\0';
			mkdir(path, 0755);
			*slash = '/';
		}
		if (make)
			mkdir(path, 0755);
		tree = syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		umount2(m->at, MNT_DETACH);
	}
	free(path);
	return tree;
}

static int mount_part(const struct mount *m, unsigned long flag, const char *data)
{
	int tree = clone_part(m, flag, data, true), ret;

	if (tree < 0)
		return -1;
	ret = syscall(SYS_move_mount, tree, "", AT_FDCWD, m->at, MOVE_MOUNT_F_EMPTY_PATH);
	close(tree);
	return ret;
}

/* There is one hierarchy: who has mounted it for himself shows a part of it that may be mounted nowhere else. */
static int clone_cgroup2(const struct mounts *want, const struct mount *m)
{
	char *data = data_of(m->super, false);
	int tree;

	make_point(want, m, m->at, true);
	tree = clone_part(m, 0, data, false);
	free(data);
	return tree;
}

/* Another mount of what is there already. */
static int bind_one(struct mount *m, const struct mounts *want, const struct mounts *old)
{
	char *made = NULL;
	struct stat st;
	int ret = -1;

	if (m->fd < 0)
		m->fd = mount_removed_mark(m->root) ? clone_removed(m, want, old, &made) : mount_clone(want, old, m);
	if (m->fd < 0 && !strcmp(m->type, "cgroup2"))
		m->fd = clone_cgroup2(want, m);
	if (m->fd < 0) {
		complain("%s: what was mounted here, %s of %s, is not to be found", m->at, m->root, m->source);
	} else {
		make_point(want, m, m->at, fstat(m->fd, &st) < 0 || S_ISDIR(st.st_mode));
		if (mount_set_options(m->fd, flags_of(m->options)))
			ret = syscall(SYS_move_mount, m->fd, "", AT_FDCWD, m->at, MOVE_MOUNT_F_EMPTY_PATH);
	}
	if (made)
		rmdir(made);
	free(made);
	return ret;
}

/*
 * Mounts that those who mount procfs cannot open by their paths any more, or not as they were: roots of what may be
 * hidden by then; and of who has its group from another namespace, a mount of that group that is mounted nowhere.
 */
static struct kept {
	unsigned long id;
	int root, beyond;
	int source;	/* to be mounted instead of a new one of its type */
} *kept;
static size_t nr_kept;

static struct kept *kept_of(const struct mount *m)
{
	for (size_t i = 0; i < nr_kept; i++)
		if (kept[i].id == m->id)
			return &kept[i];
	kept = realloc(kept, (nr_kept + 1) * sizeof(*kept));
	if (!kept)
		die("out of memory");
	kept[nr_kept] = (struct kept){ .id = m->id, .root = -1, .beyond = -1, .source = -1 };
	return &kept[nr_kept++];
}

static bool make_one(struct mount *m, const struct mounts *want, const struct mounts *old)
{
	unsigned long flag = flags_of(m->options);
	bool is_tmpfs = m->fresh && !strcmp(m->type, "tmpfs");
	char *data;
	int ret;

	if (kept_of(m)->source >= 0)
		m->fd = kept_of(m)->source;
	/* A part of one, as a device node or /proc/sys, is a bind mount. */
	if ((mount_is_made_up(m->type) && !strcmp(m->root, "/") && m->fd < 0 && !is_there_already(want, m)) || m->fresh) {
		/* Of what there is only one they are not a mount's; each procfs has its own: whom it hides. */
		data = m->fresh || !strcmp(m->type, "proc") ? data_of(m->super, is_tmpfs) : NULL;
		make_point(want, m, m->at, true);
		/* One that is to be filled is made read-only after that. */
		flag = is_tmpfs ? flag & ~MS_RDONLY : flag;
		ret = is_tmpfs && strcmp(m->root, "/") ? mount_part(m, flag, data) : mount(m->source, m->at, m->type, flag, data);
		free(data);
		m->fd = open(m->at, O_PATH | O_CLOEXEC);
	} else {
		ret = bind_one(m, want, old);
		if (ret < 0 && m->fd < 0)
			return false;
	}
	if (ret < 0) {
		complain("%s: %s cannot be mounted: %s", m->at, m->type, strerror(errno));
		return false;
	}
	m->matched = true;
	return true;
}

/* Also for those whom it forks, who mount procfs. */
static bool stays_as_copied;


static bool is_slave_of_outside(const struct mounts *want, const struct mount *m)
{
	for (size_t i = 0; i < want->nr; i++)
		if (want->of[i].shared == m->master)
			return false;
	return m->master;
}

static int clone_at(const char *path)
{
	unsigned int how = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int fd = syscall(SYS_open_tree, AT_FDCWD, path, how);

	/* What a user namespace may not uncover is not copied without what covers it. */
	return fd < 0 ? syscall(SYS_open_tree, AT_FDCWD, path, how | AT_RECURSIVE) : fd;
}

/* There may be several filesystems of the type: what is to belong to a group shows the one that the group shows. */
static bool keep_source(const struct mount *m)
{
	struct mount_attr attr = { .propagation = MS_PRIVATE };
	int fd;

	if (m->matched || !mount_is_made_up(m->type) || strcmp(m->root, "/"))
		return true;
	fd = kept_of(m)->source = clone_at(m->beyond);
	return fd >= 0 && syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0;
}

static bool is_private(const struct mounts *in, const char *at)
{
	for (size_t i = 0; i < in->nr; i++)
		if (!strcmp(in->of[i].at, at) && (in->of[i].shared || in->of[i].master))
			return false;
	return true;
}

/* @now: what that namespace has, if it may be another one than it was. Nobody can be a slave of what is private there. */
static bool keep_beyond(const struct mounts *want, size_t ns, const struct mounts *now)
{
	for (size_t i = 0; i < want->nr; i++) {
		const struct mount *m = &want->of[i];

		if (!m->beyond || m->beyond_ns != ns || (!m->peer && now && is_private(now, m->beyond)))
			continue;
		kept_of(m)->beyond = clone_at(m->beyond);
		if (kept_of(m)->beyond >= 0 && keep_source(m))
			continue;
		complain("%s: its mount cannot be a %s of that at %s elsewhere: %s", m->at, m->peer ? "peer" : "slave", m->beyond,
			 strerror(errno));
		return false;
	}
	return true;
}

bool mounts_keep_beyond(const char *lines, size_t ns)
{
	struct mounts want = mounts_parse(lines);
	bool good = keep_beyond(&want, ns, NULL);

	mounts_free(&want);
	return good;
}

static size_t copied_from;

void mounts_are_copied_from(size_t base)
{
	copied_from = base;
}

/* What happens here until all is mounted is not for others to see; what they do is, if any of it was. */
static bool keep_to_oneself(const struct mounts *want)
{
	unsigned long how = MS_PRIVATE;

	for (size_t i = 0; i < want->nr; i++)
		if (is_slave_of_outside(want, &want->of[i]))
			how = MS_SLAVE;
	if (mount(NULL, "/", NULL, MS_REC | how, NULL) == 0)
		return true;
	complain("the propagation of mounts cannot be set: %s", strerror(errno));
	return false;
}

static void open_roots(struct mounts *want)
{
	for (size_t i = 0; i < want->nr; i++)
		if (want->of[i].fd < 0 && want->of[i].matched && mount_is_seen(want, &want->of[i], true))
			want->of[i].fd = open(want->of[i].at, O_PATH | O_CLOEXEC);
}

static void close_roots(struct mounts *want, bool keep_hidden)
{
	for (size_t i = 0; i < want->nr; i++)
		if (want->of[i].fd >= 0 && keep_hidden && !mount_is_seen(want, &want->of[i], true))
			kept_of(&want->of[i])->root = want->of[i].fd;
		else if (want->of[i].fd >= 0)
			close(want->of[i].fd);
}

/* As it was. */
static bool set_propagation(const struct mounts *want)
{
	struct propagation *all = xcalloc(want->nr + 1, sizeof(*all));
	bool good, hidden_shared = false;

	for (size_t i = 0; i < want->nr; i++) {
		const struct mount *m = &want->of[i];

		all[i] = (struct propagation){
			.shared = m->shared, .master = m->master, .unbindable = m->unbindable, .at = m->at, .root = m->root,
			.fd = m->fd, .beyond = m->beyond ? kept_of(m)->beyond : -1, .peer = m->peer,
		};
		hidden_shared |= m->fd < 0 && m->shared;
	}
	/* They are all alike; what is not hidden is set for itself. */
	if (hidden_shared && mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		complain("the propagation of mounts cannot be set: %s", strerror(errno));
	good = propagation_set(all, want->nr);
	free(all);
	return good;
}

/* What the others are mounted on stands first, though it may have been mounted after some of them. */
static void put_root_first(struct mounts *want)
{
	for (size_t i = 1; i < want->nr; i++)
		if (!strcmp(want->of[i].at, "/") && strcmp(want->of[0].at, "/")) {
			struct mount root = want->of[i];

			memmove(&want->of[1], &want->of[0], i * sizeof(root));
			want->of[0] = root;
		}
}

/* The root, if it is not what the caller has there: then there was a pivot_root(2). */
static struct mount *other_root(struct mounts *want)
{
	return want->nr && !want->of[0].matched && !strcmp(want->of[0].at, "/") ? &want->of[0] : NULL;
}

/*
 * Mount the root somewhere, and go there; what was mounted before can then be reached
 * from the working directory, until leave_old_root().
 */
static bool change_root(struct mount *root, struct mounts *want, struct mounts *now)
{
	static const char *const places[] = { "/tmp", "/mnt", "/run", "/var" };
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	bool good = false;

	for (size_t i = 0; i < want->nr; i++)
		want->of[i].matched = false;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !good && old >= 0; i++) {
		if (stat(places[i], &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		root->at = (char *)places[i];
		good = fchdir(old) == 0 && make_one(root, want, now) && chdir(places[i]) == 0 &&
		       syscall(SYS_pivot_root, ".", ".") == 0 && fchdir(old) == 0;
		break;
	}
	if (old >= 0)
		close(old);
	root->at = "/";
	if (!good)
		complain("the root directory of its mount namespace cannot be changed: %s", strerror(errno));
	return good;
}

static bool leave_old_root(void)
{
	bool good = umount2(".", MNT_DETACH) == 0;

	if (!good)
		complain("the root directory of its mount namespace cannot be left: %s", strerror(errno));
	return chdir("/") == 0 && good;
}

static const char *unfilled_lines;

void mounts_are_unfilled(const char *lines)
{
	unfilled_lines = lines;
}

static void find_unfilled(struct mounts *want, struct mounts *now)
{
	static struct mounts empty;

	if (!unfilled_lines)
		return;
	mounts_free(&empty);
	empty = mounts_parse(unfilled_lines);
	for (size_t i = 0; i < now->nr; i++)
		for (size_t j = 0; j < empty.nr; j++)
			if (empty.of[j].fresh && !strcmp(empty.of[j].type, "tmpfs") && mount_is_same(&now->of[i], &empty.of[j])) {
				now->of[i].unfilled = true;
				now->of[i].before = empty.of[j].device;
			}
	for (size_t i = 0; i < want->nr; i++)
		for (size_t j = 0; j < now->nr; j++)
			want->of[i].unfilled |= now->of[j].unfilled && (want->of[i].same == &now->of[j] ||
									!strcmp(now->of[j].before, want->of[i].device));
}

/* Of what a copy has brought, and has been mounted otherwise since. */
static bool set_options(const struct mounts *want)
{
	for (size_t i = 0; i < want->nr; i++) {
		const struct mount *m = &want->of[i];
		unsigned long flag = flags_of(m->options);

		if (!m->same || flag == flags_of(m->same->options))
			continue;
		if (mount(NULL, m->at, NULL, MS_BIND | MS_REMOUNT | flag, NULL) < 0) {
			complain("%s: cannot be mounted with the options %s: %s", m->at, m->options, strerror(errno));
			return false;
		}
	}
	return true;
}

/* What is to be bound may be seen only by way of what has been unmounted since. */
static void keep_sources(struct mounts *want, const struct mounts *now)
{
	for (size_t i = 0; i < want->nr; i++) {
		struct mount *m = &want->of[i];

		if (m->matched || m->fresh || mount_removed_mark(m->root))
			continue;
		if (m->elsewhere && strcmp(m->type, "proc") && mount_is_seen(now, m->elsewhere, false))
			m->fd = clone_at(m->elsewhere->at);
		else if (!mount_is_made_up(m->type) && !mount_seen_elsewhere(want, m, true))
			m->fd = mount_clone_unwanted(want, now, m);
	}
}

/* What is bound over a part of procfs may be seen only from here. */
static void keep_late_sources(const struct mounts *want, const struct mounts *old)
{
	for (size_t i = 0; i < want->nr; i++) {
		struct mount *m = &want->of[i];

		if (!m->late || m->matched || m->fresh || !strcmp(m->type, "proc") || mount_removed_mark(m->root) ||
		    (mount_is_made_up(m->type) && !strcmp(m->root, "/")))
			continue;
		kept_of(m)->source = m->fd >= 0 ? m->fd : mount_clone(want, old, m);
		m->fd = -1;
	}
}

/* Which mounts are made: those of procfs belong to a pid namespace. */
struct phase {
	struct mounts *want, *old;
	bool procs, procs_later;
};

static bool is_due(const struct phase *p, const struct mount *m)
{
	return !m->matched && !m->begun && (m->late ? p->procs || !p->procs_later : !p->procs);
}

/* After what it is mounted on, and what it will hide. */
static bool make_in_order(const struct phase *p, struct mount *m)
{
	bool good = true;

	m->begun = true;
	for (size_t i = 0; i < p->want->nr && good; i++) {
		struct mount *other = &p->want->of[i];

		if (is_due(p, other) && (other->id == m->parent || mount_hides(m, other)))
			good = make_in_order(p, other);
	}
	return good && make_one(m, p->want, p->old);
}

bool mounts_make(const char *text, bool procs, bool procs_later)
{
	char *current = mounts_read(0);
	struct mounts want = mounts_parse(text), now;
	struct mount *root;
	struct phase phase;
	bool good = true;

	if (!current) {
		complain("/proc/self/mountinfo: %s", strerror(errno));
		return false;
	}
	now = mounts_parse(current);
	put_root_first(&want);
	mounts_match_image(&want, &now, procs);
	find_unfilled(&want, &now);
	if (!procs)
		stays_as_copied = mounts_stay(&want, &now, copied_from);
	if (!procs && !stays_as_copied)
		good = keep_beyond(&want, copied_from, &now) && keep_to_oneself(&want);
	for (size_t i = 0; i < want.nr; i++)
		want.of[i].fd = kept_of(&want.of[i])->root;
	root = procs ? NULL : other_root(&want);
	if (root && good)
		good = change_root(root, &want, &now);
	if (good && !procs && !root)
		keep_sources(&want, &now);
	for (size_t i = now.nr; i-- > 0 && good && !procs && !root;)
		if (!now.of[i].matched)
			umount2(now.of[i].at, MNT_DETACH);
	if (!root)
		open_roots(&want);
	mounts_find_late(&want);
	phase = (struct phase){ &want, root ? &now : NULL, procs, procs_later };
	for (size_t i = 0; i < want.nr && good; i++)
		/* Such as /dev/ptmx: from here on others may be mounts of it. */
		if (is_due(&phase, &want.of[i]))
			good = make_in_order(&phase, &want.of[i]);
	if (good && !procs && procs_later)
		keep_late_sources(&want, root ? &now : NULL);
	if (root && good)
		good = leave_old_root();
	else if (!procs && good)
		good = set_options(&want);
	if (good && !stays_as_copied && (procs || !procs_later))
		good = set_propagation(&want);
	close_roots(&want, !procs && procs_later);
	free(current);
	return good;
}
