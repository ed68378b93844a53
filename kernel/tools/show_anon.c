// SPDX-License-Identifier: Apache-2.0
/* Records of eventfd, signalfd, timerfd, epoll and memfd. */
#include "show_anon.h"

#include <string.h>

#include "json.h"
#include "show.h"

static void eventfd_json(const void *body)
{
	struct ckpt_eventfd e;

	memcpy(&e, body, sizeof(e));
	json_digits("count", e.count);
	json_number("semaphore", e.semaphore);
}

static void signalfd_json(const void *body)
{
	struct ckpt_signalfd s;

	memcpy(&s, body, sizeof(s));
	json_hex("mask", s.mask);
}

static void timerfd_json(const void *body)
{
	struct ckpt_timerfd t;

	memcpy(&t, body, sizeof(t));
	json_number("clock", t.clock);
	json_hex("flags", t.flags);
	json_digits("ticks", t.ticks);
	json_signed_digits("intervalNs", t.interval_ns);
	json_signed_digits("leftNs", t.left_ns);
	json_signed_digits("untilNs", t.until_ns);
	json_number("armed", t.armed);
	json_number("canceled", t.canceled);
}

static void epoll_items_json(const unsigned char *body, size_t len)
{
	struct ckpt_epoll_item item;

	json_open("items", '[');
	for (; len >= sizeof(item); body += sizeof(item), len -= sizeof(item)) {
		memcpy(&item, body, sizeof(item));
		json_open(NULL, '{');
		json_number("file", item.file);
		json_signed("fd", item.fd);
		json_hex("events", item.events);
		json_number("ready", item.ready);
		json_hex("data", item.data);
		json_signed("pid", item.pid);
		json_close('}');
	}
	json_close(']');
}

static void memfd_json(const void *body)
{
	struct ckpt_memfd m;

	memcpy(&m, body, sizeof(m));
	json_number("size", m.size);
	json_number("mode", m.mode);
	json_hex("seals", m.seals);
	json_number("uid", m.uid);
	json_number("gid", m.gid);
	json_signed_digits("atimeNs", m.atime_ns);
	json_signed_digits("mtimeNs", m.mtime_ns);
	json_string("name", (const char *)body + sizeof(m));
}

bool show_anon_json(const struct record *record)
{
	switch (record->type) {
	case CKPT_REC_EVENTFD: eventfd_json(record->body); return true;
	case CKPT_REC_SIGNALFD: signalfd_json(record->body); return true;
	case CKPT_REC_TIMERFD: timerfd_json(record->body); return true;
	case CKPT_REC_EPOLL: return true;
	case CKPT_REC_EPOLL_ITEMS: epoll_items_json(record->body, record->body_len); return true;
	case CKPT_REC_MEMFD: memfd_json(record->body); return true;
	}
	return false;
}

static void timerfd_text(const void *body)
{
	struct ckpt_timerfd t;

	memcpy(&t, body, sizeof(t));
	printf("clock %u, %llu expirations not read", t.clock, (unsigned long long)t.ticks);
	if (t.armed)
		printf(", the next in %lld ns", (long long)t.left_ns);
	if (t.interval_ns)
		printf(", then every %lld ns", (long long)t.interval_ns);
}

static void epoll_items_text(const unsigned char *body, size_t len)
{
	struct ckpt_epoll_item item;

	printf("%zu items:", len / sizeof(item));
	for (; len >= sizeof(item); body += sizeof(item), len -= sizeof(item)) {
		memcpy(&item, body, sizeof(item));
		printf(" %d=%u%s", item.fd, item.file, item.ready ? "*" : "");
	}
}

static void memfd_text(const void *body)
{
	struct ckpt_memfd m;

	memcpy(&m, body, sizeof(m));
	show_printable((const char *)body + sizeof(m));
	printf(", %llu bytes, seals 0x%x", (unsigned long long)m.size, m.seals);
}

bool show_anon_text(const struct record *record)
{
	struct ckpt_signalfd s;
	struct ckpt_eventfd e;

	switch (record->type) {
	case CKPT_REC_EVENTFD:
		memcpy(&e, record->body, sizeof(e));
		printf("count %llu%s", (unsigned long long)e.count, e.semaphore ? ", a semaphore" : "");
		return true;
	case CKPT_REC_SIGNALFD:
		memcpy(&s, record->body, sizeof(s));
		printf("signals 0x%llx", (unsigned long long)s.mask);
		return true;
	case CKPT_REC_TIMERFD: timerfd_text(record->body); return true;
	case CKPT_REC_EPOLL: return true;
	case CKPT_REC_EPOLL_ITEMS: epoll_items_text(record->body, record->body_len); return true;
	case CKPT_REC_MEMFD: memfd_text(record->body); return true;
	}
	return false;
}
