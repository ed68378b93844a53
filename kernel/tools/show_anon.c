// SPDX-License-Identifier: Apache-2.0
/* Records of eventfd, signalfd, timerfd, epoll, memfd, huge pages and sockets. */
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

static void memfd_fields(const void *body)
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
}

static void memfd_json(const void *body)
{
	memfd_fields(body);
	json_string("name", (const char *)body + sizeof(struct ckpt_memfd));
}

static void hugetlb_json(const void *body)
{
	struct ckpt_hugetlb h;

	memcpy(&h, body, sizeof(h));
	memfd_fields(body);
	json_number("pageShift", h.page_shift);
	json_string("name", (const char *)body + sizeof(h));
}

/* The tail: options, address, peer's address; the rest if it is shorter than it says. */
static void socket_json(const unsigned char *body, size_t len)
{
	struct ckpt_sockopt o;
	struct ckpt_socket s;

	memcpy(&s, body, sizeof(s));
	body += sizeof(s);
	len -= sizeof(s);
	json_number("family", s.family);
	json_number("socketType", s.type);
	json_number("protocol", s.protocol);
	json_number("state", s.state);
	json_hex("flags", s.flags);
	json_number("shutdown", s.shutdown);
	json_number("error", s.error);
	json_number("backlog", s.backlog);
	json_number("listener", s.listener);
	json_number("path", s.path);
	json_number("peerCred", s.peer_cred);
	json_signed("peerPid", s.peer_pid);
	json_number("net", s.net);
	json_number("tskey", s.tskey);
	json_number("zckey", s.zckey);
	json_open("options", '[');
	for (uint32_t i = 0; i < s.nr_options && len >= sizeof(o); i++, body += sizeof(o), len -= sizeof(o)) {
		memcpy(&o, body, sizeof(o));
		json_open(NULL, '{');
		json_number("level", o.level);
		json_number("name", o.name);
		json_bytes("value", o.value, o.len < sizeof(o.value) ? o.len : sizeof(o.value));
		json_close('}');
	}
	json_close(']');
	size_t addr = s.addr_len < len ? s.addr_len : len;
	size_t peer = s.peer_len < len - addr ? s.peer_len : len - addr;

	json_bytes("address", body, addr);
	json_bytes("peer", body + addr, peer);
}

static void socket_msg_json(const unsigned char *body, size_t len)
{
	struct ckpt_socket_msg m;
	uint32_t file;

	memcpy(&m, body, sizeof(m));
	body += sizeof(m);
	len -= sizeof(m);
	json_number("from", m.from);
	json_signed("pid", m.pid);
	json_number("uid", m.uid);
	json_number("gid", m.gid);
	json_hex("flags", m.flags);
	json_open("files", '[');
	for (uint32_t i = 0; i < m.nr_fds && len >= sizeof(file); i++, body += sizeof(file), len -= sizeof(file)) {
		memcpy(&file, body, sizeof(file));
		json_number(NULL, file);
	}
	json_close(']');
	json_number("bytes", len);
}

static void pidfd_json(const void *body)
{
	struct ckpt_pidfd p;

	memcpy(&p, body, sizeof(p));
	json_number("pid", p.pid);
	json_number("flags", p.flags);
}

static void io_uring_json(const void *body, size_t len)
{
	struct ckpt_io_uring u;

	memcpy(&u, body, sizeof(u));
	json_hex("flags", u.flags);
	json_number("sqEntries", u.sq_entries);
	json_number("cqEntries", u.cq_entries);
	json_number("sqHead", u.sq_head);
	json_number("cqTail", u.cq_tail);
	json_signed("submitter", u.submitter);
	json_number("bytes", len - sizeof(u));
}

static void filter_json(const void *body)
{
	struct ckpt_sock_filter f;

	memcpy(&f, body, sizeof(f));
	json_number("instructions", f.nr_insns);
	json_number("flags", f.flags);
}

static void datagram_json(const void *body, size_t len)
{
	struct ckpt_datagram d;

	memcpy(&d, body, sizeof(d));
	json_number("fromPort", d.from_port);
	json_number("toPort", d.to_port);
	json_number("version", d.version);
	json_number("device", d.device);
	json_number("group", d.group);
	json_number("bytes", len - sizeof(d));
}

static void report_json(const void *body, size_t len)
{
	struct ckpt_report r;

	memcpy(&r, body, sizeof(r));
	json_number("error", r.error);
	json_number("origin", r.origin);
	json_number("type", r.type);
	json_number("code", r.code);
	json_number("info", r.info);
	json_number("data", r.data);
	json_number("flags", r.flags);
	json_number("version", r.version);
	json_number("port", r.port);
	json_number("device", r.device);
	json_number("bytes", len - sizeof(r));
}

static void packet_ring_json(const void *body)
{
	struct ckpt_packet_ring r;

	memcpy(&r, body, sizeof(r));
	json_hex("flags", r.flags);
	json_number("blockSize", r.block_size);
	json_number("nrBlocks", r.block_nr);
	json_number("frameSize", r.frame_size);
	json_number("nrFrames", r.frame_nr);
	json_number("head", r.head);
}

static void ring_data_json(const void *body, size_t len)
{
	struct ckpt_ring_data d;

	memcpy(&d, body, sizeof(d));
	json_hex("flags", d.flags);
	json_number("offset", d.offset);
	json_number("bytes", len - sizeof(d));
}

static void bpf_map_json(const void *body)
{
	struct ckpt_bpf_map m;

	memcpy(&m, body, sizeof(m));
	json_number("type", m.type);
	json_number("keySize", m.key_size);
	json_number("valueSize", m.value_size);
	json_number("maxEntries", m.max_entries);
	json_hex("flags", m.flags);
	json_number("frozen", m.frozen);
	json_number("access", m.access);
	json_text("mapName", m.name, strnlen(m.name, sizeof(m.name)));
}

static void tun_json(const void *body)
{
	struct ckpt_tun t;

	memcpy(&t, body, sizeof(t));
	json_number("state", t.state);
	json_hex("flags", t.flags);
	json_number("net", t.net);
	json_text("device", t.name, strnlen(t.name, sizeof(t.name)));
	json_string("path", (const char *)body + sizeof(t));
}

static void tcp_json(const void *body)
{
	struct ckpt_tcp t;

	memcpy(&t, body, sizeof(t));
	const struct { const char *name; uint32_t value; } numbers[] = {
		{ "sndUna", t.snd_una },
		{ "sndNxt", t.snd_nxt },
		{ "writeSeq", t.write_seq },
		{ "rcvNxt", t.rcv_nxt },
		{ "copiedSeq", t.copied_seq },
		{ "sndWl1", t.snd_wl1 },
		{ "sndWnd", t.snd_wnd },
		{ "maxWindow", t.max_window },
		{ "rcvWnd", t.rcv_wnd },
		{ "rcvWup", t.rcv_wup },
		{ "sndUp", t.snd_up },
		{ "urgSeq", t.urg_seq },
		{ "urgData", t.urg_data },
		{ "mssClamp", t.mss_clamp },
		{ "userMss", t.user_mss },
		{ "sndWscale", t.snd_wscale },
		{ "rcvWscale", t.rcv_wscale },
		{ "timestamp", t.timestamp },
		{ "tsRecent", t.ts_recent },
		{ "windowClamp", t.window_clamp },
		{ "rcvSsthresh", t.rcv_ssthresh },
		{ "sndbuf", t.sndbuf },
		{ "rcvbuf", t.rcvbuf },
		{ "rcvBytes", t.rcv_bytes },
		{ "sndBytes", t.snd_bytes },
		{ "userLocks", t.user_locks },
	};

	json_number("state", t.state);
	json_hex("flags", t.flags);
	json_number("shutdown", t.shutdown);
	json_number("error", t.error);
	json_number("isConnected", t.is_connected);
	json_bytes("localAddr", t.local_addr, sizeof(t.local_addr));
	json_bytes("remoteAddr", t.remote_addr, sizeof(t.remote_addr));
	json_number("localPort", t.local_port);
	json_number("remotePort", t.remote_port);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_number(numbers[i].name, numbers[i].value);
}

static void tcp_data_json(const void *body, size_t len)
{
	struct ckpt_tcp_data d;

	memcpy(&d, body, sizeof(d));
	json_number("queue", d.queue);
	json_number("bytes", len - sizeof(d));
}

bool show_anon_json(const struct record *record)
{
	struct ckpt_socket_peer p;

	switch (record->type) {
	case CKPT_REC_EVENTFD: eventfd_json(record->body); return true;
	case CKPT_REC_SIGNALFD: signalfd_json(record->body); return true;
	case CKPT_REC_TIMERFD: timerfd_json(record->body); return true;
	case CKPT_REC_EPOLL: return true;
	case CKPT_REC_EPOLL_ITEMS: epoll_items_json(record->body, record->body_len); return true;
	case CKPT_REC_MEMFD: memfd_json(record->body); return true;
	case CKPT_REC_HUGETLB: hugetlb_json(record->body); return true;
	case CKPT_REC_PIDFD: pidfd_json(record->body); return true;
	case CKPT_REC_IO_URING: io_uring_json(record->body, record->body_len); return true;
	case CKPT_REC_SOCKET: socket_json(record->body, record->body_len); return true;
	case CKPT_REC_SOCKET_PEER:
		memcpy(&p, record->body, sizeof(p));
		json_number("peer", p.peer);
		return true;
	case CKPT_REC_SOCKET_MSG: socket_msg_json(record->body, record->body_len); return true;
	case CKPT_REC_SOCKET_FILTER: filter_json(record->body); return true;
	case CKPT_REC_SOCKET_DGRAM: datagram_json(record->body, record->body_len); return true;
	case CKPT_REC_SOCKET_REPORT: report_json(record->body, record->body_len); return true;
	case CKPT_REC_PACKET_RING: packet_ring_json(record->body); return true;
	case CKPT_REC_RING_DATA: ring_data_json(record->body, record->body_len); return true;
	case CKPT_REC_BPF_MAP: bpf_map_json(record->body); return true;
	case CKPT_REC_BPF_ELEMENTS: json_number("bytes", record->body_len); return true;
	case CKPT_REC_TUN: tun_json(record->body); return true;
	case CKPT_REC_TCP: tcp_json(record->body); return true;
	case CKPT_REC_TCP_DATA: tcp_data_json(record->body, record->body_len); return true;
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

static void hugetlb_text(const void *body)
{
	struct ckpt_hugetlb h;

	memcpy(&h, body, sizeof(h));
	show_printable((const char *)body + sizeof(h));
	printf(", %llu bytes in pages of %llu, seals 0x%x", (unsigned long long)h.memfd.size,
	       h.page_shift < 64 ? 1ULL << h.page_shift : 0, h.memfd.seals);
}

static void socket_text(const void *body)
{
	struct ckpt_socket s;

	memcpy(&s, body, sizeof(s));
	printf("family %u, type %u, protocol %u%s%s", s.family, s.type, s.protocol,
	       s.state == CKPT_SOCKET_LISTENING ? ", listens" : s.state == CKPT_SOCKET_CONNECTED ? ", connected" : "",
	       s.flags & CKPT_SOCKET_GONE ? ", gone" : "");
	if (s.listener)
		printf(", waits to be accepted by %u", s.listener);
	if (s.net)
		printf(", in network %u", s.net);
}

static void tcp_text(const void *body)
{
	struct ckpt_tcp t;

	memcpy(&t, body, sizeof(t));
	printf("port %u to %u, state %u, %u bytes received, %u to send", t.local_port, t.remote_port, t.state, t.rcv_bytes, t.snd_bytes);
}

bool show_anon_text(const struct record *record)
{
	struct ckpt_tcp_data d;
	struct ckpt_socket_peer p;
	struct ckpt_pidfd pidfd;
	struct ckpt_sock_filter f;
	struct ckpt_socket_msg m;
	struct ckpt_signalfd s;
	struct ckpt_io_uring u;
	struct ckpt_packet_ring ring;
	struct ckpt_bpf_map map;
	struct ckpt_tun tun;
	struct ckpt_report r;
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
	case CKPT_REC_HUGETLB: hugetlb_text(record->body); return true;
	case CKPT_REC_PIDFD:
		memcpy(&pidfd, record->body, sizeof(pidfd));
		printf("of pid %d%s", pidfd.pid, pidfd.flags & CKPT_PIDFD_DEAD ? ", which is no more" : "");
		return true;
	case CKPT_REC_IO_URING:
		memcpy(&u, record->body, sizeof(u));
		printf("of %u and %u entries", u.sq_entries, u.cq_entries);
		return true;
	case CKPT_REC_SOCKET: socket_text(record->body); return true;
	case CKPT_REC_SOCKET_PEER:
		memcpy(&p, record->body, sizeof(p));
		printf("to %u", p.peer);
		return true;
	case CKPT_REC_SOCKET_MSG:
		memcpy(&m, record->body, sizeof(m));
		printf("from %u, %u files in flight", m.from, m.nr_fds);
		return true;
	case CKPT_REC_SOCKET_FILTER:
		memcpy(&f, record->body, sizeof(f));
		printf("%u instructions", f.nr_insns);
		return true;
	case CKPT_REC_SOCKET_DGRAM:
		printf("%zu bytes received", record->body_len - sizeof(struct ckpt_datagram));
		return true;
	case CKPT_REC_SOCKET_REPORT:
		memcpy(&r, record->body, sizeof(r));
		printf("of origin %u, error %u", r.origin, r.error);
		return true;
	case CKPT_REC_PACKET_RING:
		memcpy(&ring, record->body, sizeof(ring));
		printf("%u blocks of %u bytes, to %s", ring.block_nr, ring.block_size,
		       ring.flags & CKPT_RING_TX ? "send" : "receive");
		return true;
	case CKPT_REC_RING_DATA:
		printf("%zu bytes", record->body_len - sizeof(struct ckpt_ring_data));
		return true;
	case CKPT_REC_BPF_MAP:
		memcpy(&map, record->body, sizeof(map));
		printf("%.*s of type %u, keys of %u bytes, values of %u", (int)sizeof(map.name), map.name, map.type,
		       map.key_size, map.value_size);
		return true;
	case CKPT_REC_BPF_ELEMENTS:
		printf("%zu bytes", record->body_len);
		return true;
	case CKPT_REC_TUN:
		memcpy(&tun, record->body, sizeof(tun));
		printf("of %.*s", (int)sizeof(tun.name), tun.state ? tun.name : "no device");
		return true;
	case CKPT_REC_TCP: tcp_text(record->body); return true;
	case CKPT_REC_TCP_DATA:
		memcpy(&d, record->body, sizeof(d));
		printf("%zu bytes %s", record->body_len - sizeof(d), d.queue == CKPT_TCP_RECEIVED ? "received" : "to send");
		return true;
	}
	return false;
}
