// SPDX-License-Identifier: Apache-2.0
/* The mounts of a mount namespace as an image has them, and which of them cannot be made again. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/nsfs.h>

#include "mounts.h"
#include "mounts_beyond.h"
#include "mounts_parsed.h"
#include "util.h"

/* A tmpfs that is mounted nowhere as a whole is made with the directory that shows all that is seen of it. */
static bool stands_for_all(const struct mounts *in, const struct mount *m)
{
	if (strcmp(m->type, "tmpfs") || mount_removed_mark(m->root))
		return false;
	for (size_t i = 0; i < in->nr; i++)
		if (!strcmp(in->of[i].device, m->device) && !mount_reaches(m, &in->of[i]))
			return false;
	return true;
}

/* Before it, a mount of the whole of the same filesystem, which is then what is made. */
static bool is_made_before(const struct mounts *in, const struct mount *m)
{
	for (const struct mount *other = in->of; other < m; other++)
		if (!strcmp(other->device, m->device) && (!strcmp(other->root, "/") || stands_for_all(in, other)))
			return true;
	return false;
}

/* /dev/ptmx may be a mount of what is in a devpts. */
static bool is_ptmx(const struct mounts *in, const struct mount *m)
{
	return !strcmp(m->type, "devpts") && strcmp(m->root, "/") && mount_seen_elsewhere(in, m, false);
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

/* What keeps a bind mount from being made again, or NULL. */
static const char *bind_obstacle(const struct mounts *in, const struct mounts *outside, const struct mount *m, mode_t type)
{
	const struct mount *of = mount_seen_elsewhere(outside, m, false) ? NULL : mount_seen_elsewhere(in, m, false);

	if (mount_removed_mark(m->root) && (type != S_IFDIR || of))
		return "shows what has been removed";
	if (of && of->fresh && !strcmp(of->type, "tmpfs") && type && type != S_IFDIR && type != S_IFREG)
		return "shows what is no file of a tmpfs of its own";
	return NULL;
}

/* Whose files have other owners there: by a user namespace that nobody tells. */
static bool is_idmapped(const struct mount *m)
{
	const char *found = strstr(m->options, ",idmapped");

	return found && (found[9] == ',' || !found[9]);
}

/* Which is told by its number outside, and asked for by that within. */
static bool hides_from_group(const struct mount *m)
{
	return !strcmp(m->type, "proc") && strstr(m->super, "gid=");
}

/* As the kernel does it. */
static void put_escaped(FILE *to, const char *text)
{
	for (; *text; text++)
		if (strchr(" \t\n\\", *text))
			fprintf(to, "\\%03o", (unsigned int)(unsigned char)*text);
		else
			fputc(*text, to);
}

/* The line, where the outside has what is mounted there, and where that is whose peer or slave it is. */
static void put_line(FILE *to, const char *line, size_t len, const struct mount *outside, const struct mount *m)
{
	const char *dash = memmem(line, len, " - ", 3);
	size_t head = dash ? (size_t)(dash - line) : len;

	fwrite(line, 1, head, to);
	if (!m->matched && !m->fresh)
		fputs(" " MADE, to);
	if (outside) {
		fputs(" " OUTSIDE, to);
		put_escaped(to, outside->at);
	}
	if (m->beyond) {
		fprintf(to, " %s%lu:", m->peer ? PEER : SLAVE, m->beyond_ns);
		put_escaped(to, m->beyond);
	}
	fwrite(line + head, 1, len - head, to);
	fputc('\n', to);
}

unsigned long long mounts_owner(int fd)
{
	int owner = ioctl(fd, NS_GET_USERNS);
	unsigned long long number = 0;
	struct stat st;

	if (owner < 0)
		return 0;
	if (fstat(owner, &st) == 0)
		number = st.st_ino;
	close(owner);
	return number;
}

char *mounts_describe(const struct mount_ns *ns, size_t mine, size_t base, const char *outside, pid_t pid,
		      void (*tell)(const char *text, void *arg), void *arg)
{
	struct mounts_beyond beyond;
	struct mounts a, b;
	char *all = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&all, &len);
	const char *line = ns[mine].text;

	if (!to)
		die("out of memory");
	mounts_beyond_find(&beyond, ns, mine, base, outside);
	a = beyond.of[mine];
	b = beyond.copy;
	for (size_t i = 0; i < a.nr; i++) {
		struct mount *m = &a.of[i];
		bool fresh = m->fresh = !m->matched && !mount_is_made_up(m->type) && !mount_seen_elsewhere(&b, m, false) &&
			     !is_ptmx(&a, m) && !is_made_before(&a, m);
		const char *end = strchr(line, '\n') ?: line + strlen(line);
		mode_t type = m->matched || fresh ? 0 : type_of(pid, m->at);
		const char *why_not = mounts_beyond_obstacle(&beyond, m);

		if (!why_not && is_idmapped(m) && !(m->matched && is_idmapped(m->same)))
			why_not = "is idmapped";
		if (!why_not && !m->matched && ns[mine].owner != ns[0].owner && hides_from_group(m))
			why_not = "hides processes from those who are not of a group (gid=), in a user namespace";
		if (!why_not && !m->matched && !fresh)
			why_not = bind_obstacle(&a, &b, m, type);
		if (fresh)
			fputc('+', to);
		else if (!m->matched && type && type != S_IFDIR)
			fputc('-', to);
		put_line(to, line, end - line, m->matched || fresh ? NULL : mount_seen_elsewhere(&b, m, false), m);
		line = *end ? end + 1 : end;
		if (why_not) {
			char *text = xasprintf("pid %d: %s: what is mounted here, in its own mount namespace, %s: not supported",
					       pid, m->at, why_not);

			tell(text, arg);
			free(text);
		}
		/* The pseudo terminals of a devpts come by themselves; the kernel looks whether a hugetlbfs is empty. */
		if (fresh && (!strcmp(m->type, "devpts") || !strcmp(m->type, "hugetlbfs")) && !strcmp(m->root, "/"))
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
		if (fresh && (strcmp(m->type, "tmpfs") || (strcmp(m->root, "/") && !stands_for_all(&a, m)))) {
			char *text = xasprintf("pid %d: %s: a %s%s is mounted here, in its own mount namespace: not supported",
					       pid, m->at, m->type, strcmp(m->type, "tmpfs") ? "" : ", but not its root,");

			tell(text, arg);
			free(text);
		}
	}
	mounts_beyond_free(&beyond);
	if (fclose(to))
		die("out of memory");
	return all;
}
