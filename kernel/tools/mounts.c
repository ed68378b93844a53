// SPDX-License-Identifier: Apache-2.0
/* What is mounted in a mount namespace: lines of mountinfo, read, parsed and compared. */
#define _GNU_SOURCE
#include "mounts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mounts_parsed.h"
#include "namespaces.h"
#include "util.h"

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
	m->id = strtoul(line + (m->fresh || m->is_file), NULL, 10);
	word(&line);
	m->parent = strtoul(word(&line), NULL, 10);
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
		} else if (!strcmp(optional, MADE)) {
			m->made = true;
		} else if (!strncmp(optional, PEER, strlen(PEER)) || !strncmp(optional, SLAVE, strlen(SLAVE))) {
			m->peer = *optional == *PEER;
			m->beyond_ns = strtoul(strchr(optional, ':') + 1, &optional, 10);
			m->beyond = *optional == ':' ? mounts_unescape(optional + 1) : NULL;
		} else if (!strncmp(optional, OUTSIDE, strlen(OUTSIDE)))
			m->outside = mounts_unescape(optional + strlen(OUTSIDE));
	}
	m->type = word(&line);
	m->source = mounts_unescape(word(&line));
	m->super = word(&line);
}

struct mounts mounts_parse(const char *text)
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
			mounts.of[mounts.nr] = (struct mount){ .fd = -1 };
			parse_line(line, &mounts.of[mounts.nr++]);
		}
	return mounts;
}

bool mount_is_same(const struct mount *a, const struct mount *b)
{
	/* Device numbers of what has no device change from boot to boot, and procfs is made anew. */
	return !strcmp(a->at, b->at) && !strcmp(a->type, b->type) && !strcmp(a->root, b->root) &&
	       !strcmp(a->source, b->source);
}

static void match(struct mounts *a, struct mounts *b, bool one_boot, bool made)
{
	for (size_t i = 0; i < a->nr; i++) {
		struct mount *m = &a->of[i];

		for (size_t j = 0; j < b->nr && !m->matched && (made || !(m->made || m->fresh)); j++)
			if (!b->of[j].matched && mount_is_same(m, &b->of[j]) &&
			    (!one_boot || !strcmp(m->device, b->of[j].device))) {
				m->matched = b->of[j].matched = true;
				m->same = &b->of[j];
			}
	}
}

static struct mount *parent_of(const struct mounts *in, const struct mount *m)
{
	for (size_t i = 0; i < in->nr; i++)
		if (in->of[i].id == m->parent && &in->of[i] != m)
			return &in->of[i];
	return NULL;
}

/* What stands on something else is not the same, as /dev/pts in another /dev. */
static void unmatch_moved(struct mounts *want, struct mounts *now)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < want->nr; i++) {
			struct mount *m = &want->of[i];
			const struct mount *up = parent_of(want, m), *there = m->same ? parent_of(now, m->same) : NULL;

			if (!up || !there || up->same == there)
				continue;
			now->of[m->same - now->of].matched = false;
			m->elsewhere = m->same;
			m->same = NULL;
			m->matched = false;
			again = true;
		}
	}
}

void mounts_match(struct mounts *a, struct mounts *b)
{
	match(a, b, true, true);
}

void mounts_match_image(struct mounts *want, struct mounts *now, bool made)
{
	match(want, now, false, made);
	if (!made)
		unmatch_moved(want, now);
}

void mounts_free(struct mounts *mounts)
{
	free(mounts->of);
	free(mounts->text);
}

size_t mounts_differ(const char *one, const char *other)
{
	struct mounts a = mounts_parse(one), b = mounts_parse(other);
	size_t same = 0, differ;

	mounts_match(&a, &b);
	for (size_t i = 0; i < a.nr; i++)
		same += a.of[i].matched;
	differ = a.nr + b.nr - 2 * same;
	mounts_free(&a);
	mounts_free(&b);
	return differ;
}

bool mount_is_made_up(const char *type)
{
	static const char *const types[] = {
		"proc", "sysfs", "cgroup2", "devtmpfs", "mqueue", "debugfs", "tracefs", "securityfs", "configfs",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

bool mount_reaches(const struct mount *from, const struct mount *m)
{
	size_t len = strcmp(from->root, "/") ? strlen(from->root) : 0;

	return !strncmp(from->root, m->root, len) && (m->root[len] == '/' || !m->root[len]);
}

const struct mount *mount_seen_elsewhere(const struct mounts *in, const struct mount *m, bool there)
{
	for (size_t i = 0; i < in->nr; i++) {
		const struct mount *other = &in->of[i];

		if (other != m && !strcmp(other->device, m->device) && mount_reaches(other, m) && (other->matched || !there))
			return other;
	}
	return NULL;
}

bool mount_is_empty(const struct mounts *want, const struct mount *m)
{
	for (size_t i = 0; i < want->nr; i++)
		if (!strcmp(want->of[i].device, m->device) && (want->of[i].fresh || want->of[i].unfilled))
			return true;
	return false;
}

bool mount_hides(const struct mount *m, const struct mount *other)
{
	size_t len = strcmp(m->at, "/") ? strlen(m->at) : 0;

	return m->parent == other->parent && !strncmp(other->at, m->at, len) && other->at[len] == '/' && other->at[1];
}

void mounts_find_late(struct mounts *want)
{
	for (size_t i = 0; i < want->nr; i++) {
		const struct mount *up = &want->of[i];

		for (size_t depth = 0; up && depth <= want->nr && !want->of[i].late; depth++, up = parent_of(want, up))
			want->of[i].late = !up->matched && !strcmp(up->type, "proc");
	}
}

bool mount_is_seen(const struct mounts *in, const struct mount *m, bool there)
{
	size_t depth = 0;

	for (const struct mount *up = m; up && depth <= in->nr; up = parent_of(in, up), depth++)
		for (size_t i = 0; i < in->nr; i++) {
			const struct mount *other = &in->of[i];

			if (other == up || (there && !other->matched))
				continue;
			if (mount_hides(other, up) || (up == m && other->parent == m->id && !strcmp(other->at, m->at)))
				return false;
		}
	return true;
}

static bool stays(const struct mount *m, size_t base)
{
	if (!m->matched || !m->shared != !m->same->shared || !m->master != !m->same->master || m->unbindable != m->same->unbindable)
		return false;
	return m->shared ? m->beyond && m->peer && m->beyond_ns == base && !strcmp(m->beyond, m->at) : !m->beyond;
}

bool mounts_stay(const struct mounts *want, const struct mounts *now, size_t base)
{
	bool all = true;

	for (size_t i = 0; i < want->nr; i++)
		all &= stays(&want->of[i], base);
	for (size_t i = 0; i < now->nr; i++)
		all &= now->of[i].matched;
	return all;
}

char *mount_removed_mark(const char *root)
{
	size_t len = strlen(root), mark = strlen(REMOVED);

	return len > mark && !strcmp(root + len - mark, REMOVED) ? (char *)root + len - mark : NULL;
}
