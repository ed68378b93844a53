// SPDX-License-Identifier: Apache-2.0
/*
 * A group of mounts (shared:N, master:N) may have members in several namespaces. A
 * restart makes one namespace after the other, each as a copy of one before: what it
 * copies stays a slave of what it was a slave of; what else is to join a group needs
 * a member of it that can be reached by a path, and shows all that it shows itself.
 */
#define _GNU_SOURCE
#include "mounts_beyond.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

static bool has_group(const struct mounts *in, unsigned long group)
{
	for (size_t i = 0; i < in->nr; i++)
		if (in->of[i].shared == group)
			return true;
	return false;
}

/* Others of its own namespace belong to its group, or are slaves of it. */
static bool has_company(const struct mounts *in, const struct mount *m)
{
	for (size_t i = 0; i < in->nr; i++)
		if (&in->of[i] != m && (in->of[i].shared == m->shared || in->of[i].master == m->shared))
			return true;
	return false;
}

/* A root that is no copy is what everything else is mounted on anew. */
static bool has_other_root(const struct mounts *mine)
{
	for (size_t i = 0; i < mine->nr; i++)
		if (!strcmp(mine->of[i].at, "/"))
			return !mine->of[i].matched;
	return false;
}

static bool is_copied(const struct mounts_beyond *b, const struct mount *m)
{
	return m->matched && !has_other_root(&b->of[b->mine]);
}

/* Copies of what is shared are slaves of it, or become so; of slaves, too. */
static bool copy_is_slave_of(const struct mounts_beyond *b, const struct mount *m, unsigned long group)
{
	return is_copied(b, m) && (m->same->shared ? m->same->shared == group : m->same->master == group);
}

/* Would a mount that joins @from be a peer, or could it then be a slave, of that group? */
static bool hands_on(const struct mount *from, const struct mount *m, bool peer)
{
	if (peer)
		return from->shared == m->shared && from->master == m->master;
	return from->shared ? from->shared == m->master : from->master == m->master;
}

static bool find_in(const struct mounts *in, struct mount *m, bool peer)
{
	const struct mount *found = NULL;

	for (size_t i = 0; i < in->nr; i++) {
		const struct mount *from = &in->of[i];

		if (hands_on(from, m, peer) && mount_reaches(from, m) && mount_is_seen(in, from, false) &&
		    (!found || !strcmp(from->at, m->at)))
			found = from;
	}
	if (found)
		m->beyond = found->at;
	return found;
}

/* What both hide is a peer of what it was copied from only while nothing needs to be changed. */
static void set_hidden(struct mounts_beyond *b, bool peers)
{
	struct mounts *mine = &b->of[b->mine];

	for (size_t i = 0; i < mine->nr; i++) {
		struct mount *m = &mine->of[i];

		if (!peers && m->beyond == m->at)
			m->beyond = NULL;
		if (!peers || m->beyond || !m->shared || !m->matched || m->same->shared != m->shared ||
		    mount_is_seen(&b->copy, m->same, false))
			continue;
		m->beyond = m->at;
		m->beyond_ns = b->base;
		m->peer = true;
	}
}

/* To have it from another namespace needs power over that: their user namespace is the same. */
static bool find(const struct mounts_beyond *b, struct mount *m, bool peer)
{
	unsigned long long owner = b->ns[b->mine].owner;

	m->peer = peer;
	m->beyond_ns = b->base;
	if ((!peer || b->ns[b->base].owner == owner) && find_in(&b->of[b->base], m, peer))
		return true;
	for (m->beyond_ns = 0; m->beyond_ns < b->mine; m->beyond_ns++)
		if (m->beyond_ns != b->base && b->ns[m->beyond_ns].owner == owner && find_in(&b->of[m->beyond_ns], m, peer))
			return true;
	return false;
}

void mounts_beyond_find(struct mounts_beyond *b, const struct mount_ns *ns, size_t mine, size_t base, const char *outside)
{
	*b = (struct mounts_beyond){
		.of = xcalloc(mine + 1, sizeof(*b->of)), .ns = ns, .mine = mine, .base = base,
		.copy = mounts_parse(ns[base].text), .outside = mounts_parse(outside ?: ""),
	};
	for (size_t i = 0; i <= mine; i++)
		b->of[i] = mounts_parse(ns[i].text);
	for (size_t i = 0; i < b->copy.nr && ns[base].owner != ns[mine].owner; i++)
		if (b->copy.of[i].shared) {
			b->copy.of[i].master = b->copy.of[i].shared;
			b->copy.of[i].shared = 0;
		}
	mounts_match(&b->of[mine], &b->copy);
	for (size_t i = 0; i < b->of[mine].nr; i++) {
		struct mount *m = &b->of[mine].of[i];
		bool peer = m->shared && find(b, m, true);

		if (!peer && m->master && !has_group(&b->of[mine], m->master) && !copy_is_slave_of(b, m, m->master))
			find(b, m, false);
	}
	set_hidden(b, true);
	b->stays = mounts_stay(&b->of[mine], &b->copy, base);
	if (!b->stays)
		set_hidden(b, false);
}

void mounts_beyond_free(struct mounts_beyond *b)
{
	for (size_t i = 0; i <= b->mine; i++)
		mounts_free(&b->of[i]);
	mounts_free(&b->copy);
	mounts_free(&b->outside);
	free(b->of);
}

/*
 * What hides it is there first: its propagation can only be set together with that of all others. In a user namespace
 * that is so, too, of what was made before it was hidden.
 */
static bool is_beyond_reach(const struct mounts_beyond *b, const struct mount *m)
{
	bool copied = is_copied(b, m);

	return (copied || b->ns[b->mine].owner != b->ns[b->base].owner) && !b->stays &&
	       !mount_is_seen(&b->of[b->mine], m, copied);
}

static const char *hidden_obstacle(const struct mounts_beyond *b, const struct mount *m)
{
	const struct mounts *mine = &b->of[b->mine];

	if (m->beyond || (m->shared && has_company(mine, m)))
		return "is hidden, and a peer or a slave of another mount";
	if (!m->shared && !m->master && m->same && m->same->shared)
		return "is hidden, and has been made private";
	for (size_t i = 0; i < mine->nr; i++)
		if (is_beyond_reach(b, &mine->of[i]) && !mine->of[i].shared != !m->shared)
			return "is hidden, and some of what is hidden is shared";
	return NULL;
}

/* Within its namespace that one hands the group on which has the shortest root. */
static bool first_reaches(const struct mounts *in, const struct mount *m, unsigned long group)
{
	const struct mount *first = NULL;

	for (size_t i = 0; i < in->nr; i++) {
		const struct mount *other = &in->of[i];

		if (other->shared == group && (!first || strlen(other->root) < strlen(first->root)))
			first = other;
	}
	return !first || mount_reaches(first, m);
}

const char *mounts_beyond_obstacle(const struct mounts_beyond *b, const struct mount *m)
{
	const struct mounts *mine = &b->of[b->mine];
	bool elsewhere = has_group(&b->outside, m->shared);
	const char *why = is_beyond_reach(b, m) ? hidden_obstacle(b, m) : NULL;

	for (size_t i = 0; i < b->mine; i++)
		elsewhere |= has_group(&b->of[i], m->shared);
	if (why || b->stays)
		return why;
	if (m->shared && elsewhere && !m->beyond)
		return "is a peer of what is hidden, or shows less, in another mount namespace";
	if (m->shared && !elsewhere && !first_reaches(mine, m, m->shared))
		return "is a peer of what shows another part of its filesystem";
	if (!m->master || m->beyond)
		return NULL;
	if (has_group(mine, m->master))
		return first_reaches(mine, m, m->master) ? NULL : "is a slave of what shows another part of its filesystem";
	return copy_is_slave_of(b, m, m->master) ? NULL : "is a slave of what is hidden, shows less, or is mounted elsewhere";
}
