// SPDX-License-Identifier: Apache-2.0
/*
 * What is mounted in a mount namespace, and how a restart mounts it again. A
 * new namespace begins as a copy of the caller's, so only what differs counts.
 */
#define _GNU_SOURCE
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mounts_propagation.h"
#include "namespaces.h"
#include "util.h"

/* Ours among the optional fields of a line. */
#define OUTSIDE		"outside:"
#define PEERS		"peers"
/* The kernel's, behind the root of a mount. */
#define REMOVED		"//deleted"

struct mount {
	char *device, *root, *at, *options, *type, *source, *super;
	char *outside;		/* where whoever made the checkpoint has the same, or NULL: nowhere, or here */
	char propagation;	/* 's'hared, 'm'aster (a slave), or 'p'rivate */
	unsigned long shared, master;	/* numbers of groups, or 0 */
	bool unbindable;
	bool peers;		/* whoever made the checkpoint sees what is mounted here, and the other way round */
	bool matched;
	const struct mount *same;	/* with what */
	bool unfilled;		/* a tmpfs whose files come later */
	bool fresh;		/* a filesystem of its own, and not another mount of one */
	bool is_file;		/* another mount, of what is no directory */
};

struct mounts {
	struct mount *of;
	size_t nr;
	char *text;
};

static int proc_dir = -1;

void mounts_find_self_by(int proc)
{
	proc_dir = proc;
}

char *mounts_read(pid_t pid)
{
	int self = openat(proc_dir, proc_dir < 0 ? "/proc/self" : "self", O_PATH | O_DIRECTORY | O_CLOEXEC), fd;
	struct namespaces_before before;
	size_t len = 0, room = 0;
	char *text = NULL;
	ssize_t n;

	/* What its own file shows is what lies below its root directory, and that may be another. */
	if (pid)
		namespaces_enter(CKPT_NS_MNT, pid, &before);
	fd = openat(self, "mountinfo", O_RDONLY | O_CLOEXEC);
	if (pid)
		namespaces_leave(&before);
	close(self);
	if (fd < 0)
		return NULL;
	do {
		if (room - len < 4096) {
			room += 65536;
			text = realloc(text, room);
			if (!text)
				die("out of memory");
		}
		n = read(fd, text + len, room - len - 1);
		len += n > 0 ? n : 0;
	} while (n > 0);
	text[len] = '\0';
	close(fd);
	return text;
}

char *mounts_unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' && from[2] <= '7' &&
		    from[3] >= '0' && from[3] <= '7') {
			*to = (from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0');
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return text;
}

/* One that is missing is empty, and may be unescaped as any. */
static char *word(char **line)
{
	static char none[1];
	char *w = strsep(line, " ");

	return w ? w : none;
}

static void parse_line(char *line, struct mount *m)
{
	char *optional;

	m->fresh = *line == '+';
	m->is_file = *line == '-';
	word(&line);	/* its id */
	word(&line);	/* its parent's */
	m->device = word(&line);
	m->root = mounts_unescape(word(&line));
	m->at = mounts_unescape(word(&line));
	m->options = word(&line);
	m->propagation = 'p';
	while (line && strcmp(optional = word(&line), "-")) {
		if (!strncmp(optional, "master:", 7)) {
			m->propagation = 'm';
			m->master = strtoul(optional + 7, NULL, 10);
		} else if (!strncmp(optional, "shared:", 7)) {
			if (m->propagation == 'p')
				m->propagation = 's';
			m->shared = strtoul(optional + 7, NULL, 10);
		} else if (!strcmp(optional, "unbindable")) {
			m->unbindable = true;
		} else if (!strcmp(optional, PEERS)) {
			m->peers = true;
		} else if (!strncmp(optional, OUTSIDE, strlen(OUTSIDE)))
			m->outside = mounts_unescape(optional + strlen(OUTSIDE));
	}
	m->type = word(&line);
	m->source = mounts_unescape(word(&line));
	m->super = word(&line);
}

static struct mounts parse(const char *text)
{
	struct mounts mounts = { .text = strdup(text) };
	char *rest = mounts.text, *line;

	if (!rest)
		die("out of memory");
	while ((line = strsep(&rest, "\n")))
		if (*line) {
			mounts.of = realloc(mounts.of, (mounts.nr + 1) * sizeof(*mounts.of));
			if (!mounts.of)
				die("out of memory");
			mounts.of[mounts.nr] = (struct mount){ };
			parse_line(line, &mounts.of[mounts.nr++]);
		}
	return mounts;
}

static bool is_same(const struct mount *a, const struct mount *b)
{
	/* Device numbers of what has no device change from boot to boot, and procfs is made anew. */
	return !strcmp(a->at, b->at) && !strcmp(a->type, b->type) && !strcmp(a->root, b->root) &&
	       !strcmp(a->source, b->source);
}

static void match(struct mounts *a, struct mounts *b)
{
	for (size_t i = 0; i < a->nr; i++)
		for (size_t j = 0; j < b->nr && !a->of[i].matched; j++)
			if (!b->of[j].matched && is_same(&a->of[i], &b->of[j])) {
				a->of[i].matched = b->of[j].matched = true;
				a->of[i].same = &b->of[j];
			}
}

static void free_mounts(struct mounts *mounts)
{
	free(mounts->of);
	free(mounts->text);
}

size_t mounts_differ(const char *one, const char *other)
{
	struct mounts a = parse(one), b = parse(other);
	size_t same = 0, differ;

	match(&a, &b);
	for (size_t i = 0; i < a.nr; i++)
		same += a.of[i].matched;
	differ = a.nr + b.nr - 2 * same;
	free_mounts(&a);
	free_mounts(&b);
	return differ;
}

/* There is one of it, in the kernel or in a namespace, and to mount it again shows the same. */
static bool is_made_up(const char *type)
{
	static const char *const types[] = {
		"proc", "sysfs", "cgroup2", "devtmpfs", "mqueue", "debugfs", "tracefs", "securityfs", "configfs",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

static bool reaches(const struct mount *from, const struct mount *m)
{
	size_t len = strcmp(from->root, "/") ? strlen(from->root) : 0;

	return !strncmp(from->root, m->root, len) && (m->root[len] == '/' || !m->root[len]);
}

/* Another mount, one that is there already if @there, that shows what @m shows. */
static const struct mount *seen_elsewhere(const struct mounts *in, const struct mount *m, bool there)
{
	for (size_t i = 0; i < in->nr; i++) {
		const struct mount *other = &in->of[i];

		if (other != m && !strcmp(other->device, m->device) && reaches(other, m) && (other->matched || !there))
			return other;
	}
	return NULL;
}

/* Before it, a mount of the whole of the same filesystem, which is then what is made. */
static bool is_made_before(const struct mounts *in, const struct mount *m)
{
	for (const struct mount *other = in->of; other < m; other++)
		if (!strcmp(other->device, m->device) && !strcmp(other->root, "/"))
			return true;
	return false;
}

/* /dev/ptmx may be a mount of what is in a devpts. */
static bool is_ptmx(const struct mounts *in, const struct mount *m)
{
	return !strcmp(m->type, "devpts") && strcmp(m->root, "/") && seen_elsewhere(in, m, false);
}

/* What of it is told of @path, which is as the process sees it. */
static const struct mount *mount_of(const struct mounts *in, const struct mount *before, const char *path)
{
	const struct mount *found = NULL;
	size_t longest = 0;

	for (const struct mount *m = in->of; m < before; m++) {
		size_t len = strcmp(m->at, "/") ? strlen(m->at) : 0;

		if (len >= longest && !strncmp(path, m->at, len) && (path[len] == '/' || !path[len])) {
			found = m;
			longest = len;
		}
	}
	return found;
}

/* Of an overlay: will it be there, with what is in it, when that is mounted again? NULL, or why not. */
static const char *why_not_layer(const struct mounts *in, const struct mount *overlay, pid_t pid, const char *path)
{
	char *seen = xasprintf("/proc/%d/root%s", pid, path);
	const struct mount *m = mount_of(in, overlay, path);
	struct stat st;
	bool there = path[0] == '/' && stat(seen, &st) == 0 && S_ISDIR(st.st_mode);

	free(seen);
	if (!there)
		return "is not to be found by this path";
	return m && m->fresh && !strcmp(m->type, "tmpfs") ? "is in a tmpfs of its own" : NULL;
}

/* What keeps an overlay from being mounted again: in words, or NULL. */
static char *overlay_obstacle(const struct mounts *in, const struct mount *m, pid_t pid)
{
	static const char *const keys[] = { "lowerdir=", "lowerdir+=", "datadir+=", "upperdir=", "workdir=" };
	char *copy = xasprintf("%s", m->super), *rest = copy, *option, *text = NULL;

	if (strcmp(m->root, "/") || !strcmp(m->at, "/"))
		text = xasprintf("it is the root, or not the whole of it");
	/* Commas, colons and the like in the name of a directory. */
	else if (strchr(m->super, '\\'))
		text = xasprintf("its layers have unusual names");
	while (!text && (option = strsep(&rest, ",")))
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !text; i++) {
			char *paths = option + strlen(keys[i]), *path;

			if (strncmp(option, keys[i], strlen(keys[i])))
				continue;
			while (!text && (path = strsep(&paths, ":"))) {
				const char *why = *path ? why_not_layer(in, m, pid, path) : NULL;

				if (why)
					text = xasprintf("its layer %s %s", path, why);
			}
		}
	free(copy);
	return text;
}

/* Of what is mounted there; 0: it is not known. */
static mode_t type_of(pid_t pid, const char *path)
{
	char *seen = xasprintf("/proc/%d/root%s", pid, path);
	struct stat st;
	mode_t type = stat(seen, &st) == 0 ? st.st_mode & S_IFMT : 0;

	free(seen);
	return type;
}

/* What a bind mount shows, if it has been removed since: the kernel's mark behind its name. */
static char *removed_mark(const char *root)
{
	size_t len = strlen(root), mark = strlen(REMOVED);

	return len > mark && !strcmp(root + len - mark, REMOVED) ? (char *)root + len - mark : NULL;
}

/* What keeps a bind mount from being made again, or NULL. */
static const char *bind_obstacle(const struct mounts *in, const struct mounts *outside, const struct mount *m, mode_t type)
{
	const struct mount *of = seen_elsewhere(outside, m, false) ? NULL : seen_elsewhere(in, m, false);

	if (removed_mark(m->root) && (type != S_IFDIR || of))
		return "shows what has been removed";
	if (of && of->fresh && !strcmp(of->type, "tmpfs") && type && type != S_IFDIR && type != S_IFREG)
		return "shows what is no file of a tmpfs of its own";
	return NULL;
}

/* As the kernel does it. */
static char *put_escaped(char *to, const char *text)
{
	for (; *text; text++)
		if (strchr(" \t\n\\", *text))
			to += sprintf(to, "\\%03o", (unsigned int)(unsigned char)*text);
		else
			*to++ = *text;
	return to;
}

/* The line, where the outside has what is mounted there, and whether they are peers. */
static char *put_line(char *to, const char *line, size_t len, const struct mount *outside, bool peers)
{
	const char *dash = memmem(line, len, " - ", 3);
	size_t head = dash ? (size_t)(dash - line) : len;

	to = mempcpy(to, line, head);
	if (outside) {
		to = stpcpy(to, " " OUTSIDE);
		to = put_escaped(to, outside->at);
	}
	if (peers)
		to = stpcpy(to, " " PEERS);
	return mempcpy(to, line + head, len - head);
}

static bool are_peers(const struct mount *one, const struct mount *other)
{
	return one->shared && one->shared == other->shared;
}

/* Each path of the outside stands in a line once at most, and grows to four times its length. */
static size_t room_for_lines(const char *theirs, const struct mounts *a, const struct mounts *b)
{
	size_t longest = 0;

	for (size_t i = 0; i < b->nr; i++)
		if (strlen(b->of[i].at) > longest)
			longest = strlen(b->of[i].at);
	return strlen(theirs) + a->nr * (4 * longest + sizeof(OUTSIDE) + sizeof(PEERS) + 4) + 1;
}

char *mounts_describe(const char *theirs, const char *ours, pid_t pid, void (*tell)(const char *text, void *arg), void *arg)
{
	struct mounts a = parse(theirs), b = parse(ours);
	char *all = xcalloc(1, room_for_lines(theirs, &a, &b)), *to = all;
	const char *line = theirs;

	match(&a, &b);
	for (size_t i = 0; i < a.nr; i++) {
		struct mount *m = &a.of[i];
		bool fresh = m->fresh = !m->matched && !is_made_up(m->type) && !seen_elsewhere(&b, m, false) &&
			     !is_ptmx(&a, m) && !is_made_before(&a, m);
		const char *end = strchr(line, '\n') ?: line + strlen(line);
		mode_t type = m->matched || fresh ? 0 : type_of(pid, m->at);
		const char *why_not = m->matched || fresh ? NULL : bind_obstacle(&a, &b, m, type);

		if (fresh)
			*to++ = '+';
		else if (!m->matched && type && type != S_IFDIR)
			*to++ = '-';
		to = put_line(to, line, end - line, m->matched || fresh ? NULL : seen_elsewhere(&b, m, false),
			      m->matched && are_peers(m, m->same));
		*to++ = '\n';
		line = *end ? end + 1 : end;
		if (why_not) {
			char *text = xasprintf("pid %d: %s: what is mounted here, in its own mount namespace, %s: not supported",
					       pid, m->at, why_not);

			tell(text, arg);
			free(text);
		}
		/* The pseudo terminals of a devpts come by themselves. */
		if (fresh && !strcmp(m->type, "devpts") && !strcmp(m->root, "/"))
			continue;
		if (fresh && !strcmp(m->type, "overlay")) {
			char *why = overlay_obstacle(&a, m, pid);

			if (why) {
				char *text = xasprintf("pid %d: %s: an overlay is mounted here, in its own mount namespace, but %s: not supported",
						       pid, m->at, why);

				tell(text, arg);
				free(text);
			}
			free(why);
			continue;
		}
		if (fresh && (strcmp(m->type, "tmpfs") || strcmp(m->root, "/"))) {
			char *text = xasprintf("pid %d: %s: a %s%s is mounted here, in its own mount namespace: not supported",
					       pid, m->at, m->type, strcmp(m->type, "tmpfs") ? "" : ", but not its root,");

			tell(text, arg);
			free(text);
		}
	}
	return all;
}

static const struct {
	const char *name;
	unsigned long flag;
} flags[] = {
	{ "ro", MS_RDONLY },	     { "nosuid", MS_NOSUID },	{ "nodev", MS_NODEV },
	{ "noexec", MS_NOEXEC },     { "noatime", MS_NOATIME }, { "nodiratime", MS_NODIRATIME },
	{ "relatime", MS_RELATIME },
};

static unsigned long flags_of(const char *options)
{
	char *copy = strdup(options), *rest = copy, *option;
	unsigned long all = 0;

	while (rest && (option = strsep(&rest, ",")))
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			if (!strcmp(option, flags[i].name))
				all |= flags[i].flag;
	free(copy);
	return all;
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

	for (const struct mount *other = want->of; other < m; other++) {
		size_t len = strcmp(other->at, "/") ? strlen(other->at) : 0;

		if (!strncmp(other->at, at, len) && at[len] == '/')
			under = other;
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

	if (!under || !(under->fresh || under->unfilled) || stat(at, &st) == 0)
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
	return !strcmp(m->type, "cgroup2") && seen_elsewhere(want, m, true);
}

/* Of the root that this one takes the place of; paths begin where the process works, which is that. */
static char *path_in_old(const struct mounts *old, const struct mount *m)
{
	for (size_t i = 0; old && i < old->nr; i++) {
		const struct mount *other = &old->of[i];

		if (!strcmp(other->type, m->type) && !strcmp(other->source, m->source) && reaches(other, m) &&
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

static bool make_one(struct mount *m, const struct mounts *want, const struct mounts *old)
{
	unsigned long flag = flags_of(m->options);
	const struct mount *other;
	char *data, *from, *removed;
	bool is_tmpfs = m->fresh && !strcmp(m->type, "tmpfs");
	struct stat st;
	int ret;

	/* A part of one, as a device node or /proc/sys, is a bind mount. */
	if ((is_made_up(m->type) && !strcmp(m->root, "/") && !is_there_already(want, m)) || m->fresh) {
		data = m->fresh ? data_of(m->super, is_tmpfs) : NULL;
		make_point(want, m, m->at, true);
		/* One that is to be filled is made read-only after that. */
		ret = mount(m->source, m->at, m->type, is_tmpfs ? flag & ~MS_RDONLY : flag, data);
		free(data);
	} else {
		/* Devices change from boot to boot, but not within the image. */
		other = seen_elsewhere(want, m, true);
		from = other ? xasprintf("%s%s", strcmp(other->at, "/") ? other->at : "",
					 m->root + (strcmp(other->root, "/") ? strlen(other->root) : 0)) :
			       path_in_old(old, m);
		if (!from) {
			complain("%s: what was mounted here, %s of %s, is not to be found", m->at, m->root, m->source);
			return false;
		}
		removed = removed_mark(from);
		if (removed && !make_removed(from, removed))
			return false;
		if (other && (other->fresh || other->unfilled))
			make_point(want, m, from, !m->is_file);
		make_point(want, m, m->at, stat(*from ? from : "/", &st) < 0 || S_ISDIR(st.st_mode));
		ret = mount(*from ? from : "/", m->at, NULL, MS_BIND, NULL);
		if (ret == 0)
			ret = mount(NULL, m->at, NULL, MS_BIND | MS_REMOUNT | flag, NULL);
		if (removed)
			rmdir(from);
		free(from);
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

/* A copy that needs no change can stay what it is: the peer of what it was copied from. */
static bool stays_peer(const struct mounts *want, const struct mounts *now)
{
	bool peers = false, all = true;

	for (size_t i = 0; i < want->nr; i++) {
		peers |= !strcmp(want->of[i].at, "/") && want->of[i].peers;
		all &= want->of[i].matched;
	}
	for (size_t i = 0; i < now->nr; i++)
		all &= now->of[i].matched;
	return peers && all;
}

/* What happens here until all is mounted is not for others to see; what they do is, if it was. */
static bool keep_to_oneself(const struct mounts *want)
{
	unsigned long how = MS_PRIVATE;

	for (size_t i = 0; i < want->nr; i++)
		if (!strcmp(want->of[i].at, "/"))
			how = want->of[i].propagation == 'm' ? MS_SLAVE : MS_PRIVATE;
	if (mount(NULL, "/", NULL, MS_REC | how, NULL) == 0)
		return true;
	complain("the propagation of mounts cannot be set: %s", strerror(errno));
	return false;
}

/* Does its path lead to it, or to what has been mounted over it? */
static bool is_seen(const struct mounts *want, const struct mount *m)
{
	for (const struct mount *later = m + 1; later < want->of + want->nr; later++) {
		size_t len = strcmp(later->at, "/") ? strlen(later->at) : 0;

		if (!strncmp(later->at, m->at, len) && (m->at[len] == '/' || !m->at[len]))
			return false;
	}
	return true;
}

/* As it was. */
static bool set_propagation(const struct mounts *want)
{
	struct propagation *all = xcalloc(want->nr + 1, sizeof(*all));
	bool good;

	for (size_t i = 0; i < want->nr; i++) {
		const struct mount *m = &want->of[i];

		all[i] = (struct propagation){
			.shared = m->shared, .master = m->master, .unbindable = m->unbindable, .at = m->at, .root = m->root,
			.fd = is_seen(want, m) ? open(m->at, O_PATH | O_CLOEXEC) : -1,
		};
	}
	good = propagation_set(all, want->nr);
	for (size_t i = 0; i < want->nr; i++)
		if (all[i].fd >= 0)
			close(all[i].fd);
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

static void find_unfilled(struct mounts *want)
{
	struct mounts empty;

	if (!unfilled_lines)
		return;
	empty = parse(unfilled_lines);
	for (size_t i = 0; i < want->nr; i++)
		for (size_t j = 0; j < empty.nr; j++)
			want->of[i].unfilled |= empty.of[j].fresh && !strcmp(empty.of[j].type, "tmpfs") &&
						want->of[i].matched && is_same(&want->of[i], &empty.of[j]);
	free_mounts(&empty);
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

bool mounts_make(const char *text, bool procs, bool procs_later)
{
	char *current = mounts_read(0);
	struct mounts want = parse(text), now;
	struct mount *root;
	bool good = true;

	if (!current) {
		complain("/proc/self/mountinfo: %s", strerror(errno));
		return false;
	}
	now = parse(current);
	put_root_first(&want);
	match(&want, &now);
	find_unfilled(&want);
	if (!procs)
		stays_as_copied = stays_peer(&want, &now);
	if (!procs && !stays_as_copied)
		good = keep_to_oneself(&want);
	root = procs ? NULL : other_root(&want);
	if (root && good)
		good = change_root(root, &want, &now);
	for (size_t i = now.nr; i-- > 0 && good && !procs && !root;)
		if (!now.of[i].matched)
			umount2(now.of[i].at, MNT_DETACH);
	for (size_t i = 0; i < want.nr && good; i++) {
		bool proc = !strcmp(want.of[i].type, "proc");

		if (!want.of[i].matched && (proc ? procs || !procs_later : !procs)) {
			good = make_one(&want.of[i], &want, root ? &now : NULL);
			/* Such as /dev/ptmx: from here on others may be mounts of it. */
			want.of[i].matched = good;
		}
	}
	if (root && good)
		good = leave_old_root();
	else if (!procs && good)
		good = set_options(&want);
	if (good && !stays_as_copied && (procs || !procs_later))
		good = set_propagation(&want);
	free(current);
	return good;
}
