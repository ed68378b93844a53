// SPDX-License-Identifier: Apache-2.0
/* Records of inotify and fanotify: instances, watches, unread events. */
#include "show_watch.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "show.h"

#define NAME_OF(table, n) ((n) < sizeof(table) / sizeof(*(table)) ? (table)[n] : NULL)

enum { BIT_IGNORED = 15 };	/* of inotify; in fanotify, the same bit is an error */

static const char *mask_bit(unsigned int bit, bool inotify)
{
	static const char *const names[] = {
		"access", "modify", "attrib", "close_write", "close_nowrite", "open", "moved_from", "moved_to", "create",
		"delete", "delete_self", "move_self", "open_exec", "unmount", "q_overflow", "fs_error", "open_perm",
		"access_perm", "open_exec_perm", [26] = "excl_unlink", "event_on_child", "rename", NULL, "isdir",
		"oneshot",
	};

	return inotify && bit == BIT_IGNORED ? "ignored" : NAME_OF(names, bit);
}

static const char *watch_flag(unsigned int bit)
{
	static const char *const names[] = { "relinked", "evictable", "surv_modify", "ignore" };

	return NAME_OF(names, bit);
}

static const char *watch_object(uint32_t object)
{
	static const char *const names[] = { NULL, "inode", "mount", "filesystem" };

	return NAME_OF(names, object);
}

static const char *event_kind(uint32_t kind)
{
	static const char *const names[] = { NULL, "inotify", "overflow", "path", "fid", "name", "error" };

	return NAME_OF(names, kind);
}

static void json_name(const char *key, const char *name, uint32_t number)
{
	if (name)
		json_string(key, name);
	else
		json_number(key, number);
}

static void json_mask(const char *key, uint32_t mask, bool inotify)
{
	json_open(key, '[');
	for (unsigned int bit = 0; bit < 32; bit++) {
		if (!(mask >> bit & 1))
			continue;
		if (mask_bit(bit, inotify))
			json_string(NULL, mask_bit(bit, inotify));
		else
			json_hex(NULL, 1ULL << bit);
	}
	json_close(']');
}

static void json_flags(uint32_t flags)
{
	json_open("flags", '[');
	for (unsigned int bit = 0; bit < 32; bit++) {
		if (!(flags >> bit & 1))
			continue;
		if (watch_flag(bit))
			json_string(NULL, watch_flag(bit));
		else
			json_hex(NULL, 1ULL << bit);
	}
	json_close(']');
}

static const char *next(const char *string)
{
	return string + strlen(string) + 1;
}

void show_inotify_json(const void *body)
{
	struct ckpt_inotify i;

	memcpy(&i, body, sizeof(i));
	json_number("nrWatches", i.nr_watches);
	json_number("nrEvents", i.nr_events);
	json_number("nextWd", i.next_wd);
	json_number("maxEvents", i.max_events);
	json_number("uid", i.uid);
	json_number("ownUser", i.own_user);
}

void show_fanotify_json(const void *body)
{
	struct ckpt_fanotify f;

	memcpy(&f, body, sizeof(f));
	json_number("nrWatches", f.nr_watches);
	json_number("nrEvents", f.nr_events);
	json_hex("flags", f.flags);
	json_hex("eventFlags", f.event_f_flags);
	json_number("maxEvents", f.max_events);
	json_number("uid", f.uid);
	json_number("unprivileged", f.unprivileged);
	json_number("ownUser", f.own_user);
}

void show_watch_json(const void *body)
{
	const char *path = (const char *)body + sizeof(struct ckpt_watch);
	struct ckpt_watch w;

	memcpy(&w, body, sizeof(w));
	json_name("object", watch_object(w.object), w.object);
	json_flags(w.flags);
	json_signed("wd", w.wd);
	json_mask("mask", w.mask, false);
	json_mask("ignoreMask", w.ignore_mask, false);
	json_number("mode", w.mode);
	json_digits("ino", w.ino);
	json_digits("dev", w.dev);
	json_number("generation", w.generation);
	json_number("mnt", w.mnt);
	json_string("path", path);
	json_string("path2", next(path));
}

void show_event_json(const void *body)
{
	static const char *const handles[CKPT_HANDLES] = { "dirHandle", "dir2Handle", "fileHandle" };
	const char *string = (const char *)body + sizeof(struct ckpt_event);
	struct ckpt_event e;

	memcpy(&e, body, sizeof(e));
	json_name("kind", event_kind(e.kind), e.kind);
	json_flags(e.flags);
	json_mask("mask", e.mask, e.kind == CKPT_EVENT_INOTIFY);
	json_signed("wd", e.wd);
	json_number("cookie", e.cookie);
	json_signed("pid", e.pid);
	json_digits("pidStartNs", e.pid_start_ns);
	json_signed("error", e.error);
	json_number("errorCount", e.error_count);
	json_open("fsid", '[');
	json_hex(NULL, (uint32_t)e.fsid[0]);
	json_hex(NULL, (uint32_t)e.fsid[1]);
	json_close(']');
	json_open("handleTypes", '[');
	for (int i = 0; i < CKPT_HANDLES; i++)
		json_number(NULL, e.handle_type[i]);
	json_close(']');
	json_number("mode", e.mode);
	json_digits("ino", e.ino);
	json_number("generation", e.generation);
	json_string("name", string);
	string = next(string);
	json_string("name2", string);
	for (int i = 0; i < CKPT_HANDLES; i++) {
		string = next(string);
		json_string(handles[i], string);
	}
}

static void text_mask(uint32_t mask, bool inotify)
{
	for (unsigned int bit = 0; bit < 32; bit++) {
		if (!(mask >> bit & 1))
			continue;
		if (mask_bit(bit, inotify))
			printf(" %s", mask_bit(bit, inotify));
		else
			printf(" 0x%llx", 1ULL << bit);
	}
}

void show_inotify_text(const void *body)
{
	struct ckpt_inotify i;

	memcpy(&i, body, sizeof(i));
	printf("%u watches, %u unread events, next descriptor %u", i.nr_watches, i.nr_events, i.next_wd);
}

void show_fanotify_text(const void *body)
{
	struct ckpt_fanotify f;

	memcpy(&f, body, sizeof(f));
	printf("%u marks, %u unread events, flags 0x%x", f.nr_watches, f.nr_events, f.flags);
}

void show_watch_text(const void *body)
{
	const char *path = (const char *)body + sizeof(struct ckpt_watch);
	struct ckpt_watch w;

	memcpy(&w, body, sizeof(w));
	if (w.wd)
		printf("watch %d ", w.wd);
	if (w.object != CKPT_WATCH_INODE)
		printf("%s ", watch_object(w.object) ?: "of unknown kind");
	show_printable(path);
	if (w.flags & CKPT_WATCH_RELINKED) {
		printf(" (was ");
		show_printable(next(path));
		putchar(')');
	}
	printf(", inode %llu:", (unsigned long long)w.ino);
	text_mask(w.mask, false);
	if (w.ignore_mask) {
		printf(", ignores");
		text_mask(w.ignore_mask, false);
	}
}

void show_event_text(const void *body)
{
	const char *name = (const char *)body + sizeof(struct ckpt_event);
	struct ckpt_event e;

	memcpy(&e, body, sizeof(e));
	if (e.kind == CKPT_EVENT_OVERFLOW) {
		printf("overflow: events were lost");
		return;
	}
	if (e.kind == CKPT_EVENT_INOTIFY)
		printf("watch %d:", e.wd);
	else
		printf("%s:", event_kind(e.kind) ?: "of unknown kind");
	text_mask(e.mask, e.kind == CKPT_EVENT_INOTIFY);
	for (int i = 0; i < 2; i++, name = next(name)) {
		if (!*name)
			continue;
		putchar(' ');
		show_printable(name);
	}
	if (e.cookie)
		printf(", cookie %u", e.cookie);
	if (e.pid)
		printf(", by pid %d", e.pid);
	if (e.kind == CKPT_EVENT_ERROR)
		printf(", error %d, %u times", e.error, e.error_count);
}
