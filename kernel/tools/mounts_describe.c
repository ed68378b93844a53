// SPDX-License-Identifier: Apache-2.0
/* The mounts of a mount namespace as an image has them, and which of them cannot be made again. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mounts.h"
#include "mounts_parsed.h"
#include "util.h"

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
	struct mounts a = mounts_parse(theirs), b = mounts_parse(ours);
	char *all = xcalloc(1, room_for_lines(theirs, &a, &b)), *to = all;
	const char *line = theirs;

	mounts_match(&a, &b);
	for (size_t i = 0; i < a.nr; i++) {
		struct mount *m = &a.of[i];
		bool fresh = m->fresh = !m->matched && !mount_is_made_up(m->type) && !mount_seen_elsewhere(&b, m, false) &&
			     !is_ptmx(&a, m) && !is_made_before(&a, m);
		const char *end = strchr(line, '\n') ?: line + strlen(line);
		mode_t type = m->matched || fresh ? 0 : type_of(pid, m->at);
		const char *why_not = m->matched || fresh ? NULL : bind_obstacle(&a, &b, m, type);

		if (fresh)
			*to++ = '+';
		else if (!m->matched && type && type != S_IFDIR)
			*to++ = '-';
		to = put_line(to, line, end - line, m->matched || fresh ? NULL : mount_seen_elsewhere(&b, m, false),
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
