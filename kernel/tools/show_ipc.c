// SPDX-License-Identifier: Apache-2.0
/* Records of namespaces and of System V IPC. */
#include "show_ipc.h"

#include <string.h>

#include "json.h"
#include "show.h"

static void perm_json(const struct ckpt_ipc_perm *p)
{
	json_signed("id", p->id);
	json_hex("key", p->key);
	json_number("uid", p->uid);
	json_number("gid", p->gid);
	json_number("cuid", p->cuid);
	json_number("cgid", p->cgid);
	json_number("mode", p->mode);
}

static void shm_json(const void *body)
{
	struct ckpt_shm s;

	memcpy(&s, body, sizeof(s));
	perm_json(&s.perm);
	json_number("size", s.size);
	json_signed_digits("atime", s.atime);
	json_signed_digits("dtime", s.dtime);
	json_signed_digits("ctime", s.ctime);
	json_signed("cpid", s.cpid);
	json_signed("lpid", s.lpid);
	json_hex("flags", s.flags);
	json_number("pageShift", s.page_shift);
}

static void sem_json(const unsigned char *body, size_t len)
{
	struct ckpt_sem_value v;
	struct ckpt_sem s;

	memcpy(&s, body, sizeof(s));
	body += sizeof(s);
	len -= sizeof(s);
	perm_json(&s.perm);
	json_signed_digits("otime", s.otime);
	json_signed_digits("ctime", s.ctime);
	json_number("nrSems", s.nr_sems);
	json_open("values", '[');
	for (; len >= sizeof(v); body += sizeof(v), len -= sizeof(v)) {
		memcpy(&v, body, sizeof(v));
		json_open(NULL, '{');
		json_signed("value", v.value);
		json_signed("pid", v.pid);
		json_close('}');
	}
	json_close(']');
}

static void sem_undo_json(const unsigned char *body, size_t len)
{
	struct ckpt_sem_undo u;

	json_open("undo", '[');
	for (; len >= sizeof(u); body += sizeof(u), len -= sizeof(u)) {
		memcpy(&u, body, sizeof(u));
		json_open(NULL, '{');
		json_signed("id", u.id);
		json_number("num", u.num);
		json_signed("adjust", u.adjust);
		json_close('}');
	}
	json_close(']');
}

static void mqueue_json(const void *body)
{
	struct ckpt_mqueue m;

	memcpy(&m, body, sizeof(m));
	json_number("mode", m.mode);
	json_number("uid", m.uid);
	json_number("gid", m.gid);
	json_hex("flags", m.flags);
	json_signed_digits("atimeNs", m.atime_ns);
	json_signed_digits("mtimeNs", m.mtime_ns);
	json_signed_digits("ctimeNs", m.ctime_ns);
	json_digits("maxMsgs", m.max_msgs);
	json_digits("msgBytes", m.msg_bytes);
	json_number("nrMsgs", m.nr_msgs);
	json_number("notify", m.notify);
	json_signed("notifyPid", m.notify_pid);
	json_number("notifySigno", m.notify_signo);
	json_hex("notifyValue", m.notify_value);
}

static void mqueue_notify_json(const void *body)
{
	struct ckpt_mqueue_notify n;

	memcpy(&n, body, sizeof(n));
	json_number("socket", n.socket);
}

/* The tail: messages; those that are there, if it is shorter than they say. */
static void msg_json(const unsigned char *body, size_t len)
{
	struct ckpt_msg_head h;
	struct ckpt_msg m;

	memcpy(&m, body, sizeof(m));
	body += sizeof(m);
	len -= sizeof(m);
	perm_json(&m.perm);
	json_signed_digits("stime", m.stime);
	json_signed_digits("rtime", m.rtime);
	json_signed_digits("ctime", m.ctime);
	json_digits("maxBytes", m.max_bytes);
	json_signed("lspid", m.lspid);
	json_signed("lrpid", m.lrpid);
	json_number("nrMsgs", m.nr_msgs);
	json_open("messages", '[');
	while (len >= sizeof(h)) {
		memcpy(&h, body, sizeof(h));
		body += sizeof(h);
		len -= sizeof(h);
		json_open(NULL, '{');
		json_signed_digits("type", h.type);
		json_digits("bytes", h.len);
		json_close('}');
		if (h.len > len)
			break;
		size_t padded = (h.len + 7) & ~(size_t)7;

		padded = padded < len ? padded : len;
		body += padded;
		len -= padded;
	}
	json_close(']');
}

static void namespaces_json(const unsigned char *body, size_t len)
{
	struct ckpt_namespaces n;
	struct ckpt_ns_pid p;

	memcpy(&n, body, sizeof(n));
	body += sizeof(n);
	len -= sizeof(n);
	json_hex("flags", n.flags);
	json_number("nrPids", n.nr_pids);
	json_open("pids", '[');
	for (; len >= sizeof(p); body += sizeof(p), len -= sizeof(p)) {
		memcpy(&p, body, sizeof(p));
		json_open(NULL, '{');
		json_signed("pid", p.pid);
		json_hex("flags", p.flags);
		json_open("nr", '[');
		for (int i = 0; i < CKPT_PID_LEVELS; i++)
			json_signed(NULL, p.nr[i]);
		json_close(']');
		json_signed("last", p.last);
		json_number("memfdNoexec", p.memfd_noexec);
		json_close('}');
	}
	json_close(']');
}

/* Up to the first NUL, or all of it. */
static void name_json(const char *key, const char *at)
{
	char text[CKPT_UTS_BYTES + 1] = "";

	memcpy(text, at, CKPT_UTS_BYTES);
	json_string(key, text);
}

static void uts_json(const void *body)
{
	struct ckpt_uts u;

	memcpy(&u, body, sizeof(u));
	name_json("nodename", u.nodename);
	name_json("domainname", u.domainname);
	json_number("ownUser", u.own_user);
}

static void time_json(const void *body)
{
	struct ckpt_time t;

	memcpy(&t, body, sizeof(t));
	json_number("monotonicNs", t.monotonic_ns);
	json_number("boottimeNs", t.boottime_ns);
}

static void ipc_ns_json(const void *body)
{
	struct ckpt_ipc_ns i;

	memcpy(&i, body, sizeof(i));
	json_digits("shmMax", i.shm_max);
	json_digits("shmAll", i.shm_all);
	json_number("shmNr", i.shm_nr);
	json_number("shmRmidForced", i.shm_rmid_forced);
	json_open("sem", '[');
	for (int n = 0; n < 4; n++)
		json_number(NULL, i.sem[n]);
	json_close(']');
	json_number("msgMax", i.msg_max);
	json_number("msgBytes", i.msg_bytes);
	json_number("msgNr", i.msg_nr);
	json_number("ownUser", i.own_user);
	json_open("mq", '[');
	json_number(NULL, i.mq_queues);
	json_number(NULL, i.mq_msgs);
	json_number(NULL, i.mq_bytes);
	json_number(NULL, i.mq_msgs_default);
	json_number(NULL, i.mq_bytes_default);
	json_close(']');
	json_open("ids", '[');
	for (int n = 0; n < 3; n++) {
		json_open(NULL, '{');
		json_signed("nextId", i.ids[n].next_id);
		json_signed("lastIdx", i.ids[n].last_idx);
		json_number("seq", i.ids[n].seq);
		json_number("cursor", i.ids[n].cursor);
		json_close('}');
	}
	json_close(']');
}

static void inner_mounts_json(const void *body)
{
	struct ckpt_inner_mounts m;

	memcpy(&m, body, sizeof(m));
	json_number("ownUser", m.own_user);
	json_number("pid", m.pid);
	json_number("base", m.base);
}

static void tmpfs_json(const unsigned char *body)
{
	struct ckpt_tmpfs t;
	const char *at = (const char *)body + sizeof(t);

	memcpy(&t, body, sizeof(t));
	json_digits("nextIno", t.next_ino);
	json_hex("flags", t.flags);
	json_number("mnt", t.mnt);
	json_text("path", at, strlen(at));
}

static void tmpfs_inode_json(const unsigned char *body)
{
	struct ckpt_tmpfs_inode i;
	const char *name = (const char *)body + sizeof(i), *target = name + strlen(name) + 1;

	memcpy(&i, body, sizeof(i));
	json_number("size", i.contents.size);
	json_digits("ino", i.contents.ino);
	json_number("mode", i.contents.mode);
	json_number("uid", i.contents.uid);
	json_number("gid", i.contents.gid);
	json_number("rdev", i.contents.rdev);
	json_signed_digits("atimeNs", i.contents.atime_ns);
	json_signed_digits("mtimeNs", i.contents.mtime_ns);
	json_signed_digits("ctimeNs", i.contents.ctime_ns);
	json_signed_digits("btimeNs", i.btime_ns);
	json_digits("cookie", i.cookie);
	json_digits("nextCookie", i.next_cookie);
	json_number("dir", i.dir);
	json_number("generation", i.generation);
	json_text("name", name, strlen(name));
	json_text("target", target, strlen(target));
}

static void extents_json(const char *key, const unsigned char *body, size_t nr)
{
	struct ckpt_id_extent e;

	json_open(key, '[');
	for (size_t i = 0; i < nr; i++) {
		memcpy(&e, body + i * sizeof(e), sizeof(e));
		json_open(NULL, '{');
		json_number("first", e.first);
		json_number("lower", e.lower);
		json_number("count", e.count);
		json_close('}');
	}
	json_close(']');
}

/* The tail: those extents that are there, if it is shorter than they say. */
static void user_ns_json(const unsigned char *body, size_t len)
{
	struct ckpt_user_ns u;
	size_t nr = (len - sizeof(u)) / sizeof(struct ckpt_id_extent), uids;

	memcpy(&u, body, sizeof(u));
	body += sizeof(u);
	uids = u.nr_uids < nr ? u.nr_uids : nr;
	json_number("owner", u.owner);
	json_number("group", u.group);
	json_hex("flags", u.flags);
	extents_json("uids", body, uids);
	extents_json("gids", body + uids * sizeof(struct ckpt_id_extent), nr - uids);
}

static void network_json(const unsigned char *body)
{
	struct ckpt_network n;

	memcpy(&n, body, sizeof(n));
	json_number("messagesBytes", n.messages_len);
	json_number("sysctlsBytes", n.sysctls_len);
	json_number("ownUser", n.own_user);
}

static void cgroups_json(const unsigned char *body, size_t len)
{
	struct ckpt_cgroup_member m;
	struct ckpt_cgroups c;

	memcpy(&c, body, sizeof(c));
	body += sizeof(c);
	len -= sizeof(c);
	json_number("nrMembers", c.nr_members);
	json_open("members", '[');
	for (uint32_t i = 0; i < c.nr_members && len >= sizeof(m); i++, body += sizeof(m), len -= sizeof(m)) {
		memcpy(&m, body, sizeof(m));
		json_open(NULL, '{');
		json_signed("pid", m.pid);
		json_number("line", m.line);
		json_close('}');
	}
	json_close(']');
	json_text("text", (const char *)body, len);
}

static void tmpfs_link_json(const unsigned char *body)
{
	struct ckpt_tmpfs_link l;
	const char *name = (const char *)body + sizeof(l);

	memcpy(&l, body, sizeof(l));
	json_digits("cookie", l.cookie);
	json_number("dir", l.dir);
	json_text("name", name, strlen(name));
}

static void cgroup_ns_json(const void *body, size_t len)
{
	struct ckpt_cgroup_ns c;

	memcpy(&c, body, sizeof(c));
	json_number("ownUser", c.own_user);
	json_text("path", (const char *)body + sizeof(c), len - sizeof(c));
}

bool show_ipc_json(const struct record *record)
{
	switch (record->type) {
	case CKPT_REC_NAMESPACES: namespaces_json(record->body, record->body_len); return true;
	case CKPT_REC_MOUNTS: json_number("bytes", record->body_len); return true;
	case CKPT_REC_INNER_MOUNTS: inner_mounts_json(record->body); return true;
	case CKPT_REC_USER_NS: user_ns_json(record->body, record->body_len); return true;
	case CKPT_REC_CGROUPS: cgroups_json(record->body, record->body_len); return true;
	case CKPT_REC_NETWORK: network_json(record->body); return true;
	case CKPT_REC_TMPFS: tmpfs_json(record->body); return true;
	case CKPT_REC_TMPFS_INODE: tmpfs_inode_json(record->body); return true;
	case CKPT_REC_TMPFS_LINK: tmpfs_link_json(record->body); return true;
	case CKPT_REC_TMPFS_END:
	case CKPT_REC_IPC_NS_END: return true;
	case CKPT_REC_UTS: uts_json(record->body); return true;
	case CKPT_REC_CGROUP_NS: cgroup_ns_json(record->body, record->body_len); return true;
	case CKPT_REC_TIME: time_json(record->body); return true;
	case CKPT_REC_IPC_NS: ipc_ns_json(record->body); return true;
	case CKPT_REC_SHM: shm_json(record->body); return true;
	case CKPT_REC_SEM: sem_json(record->body, record->body_len); return true;
	case CKPT_REC_SEM_UNDO: sem_undo_json(record->body, record->body_len); return true;
	case CKPT_REC_MQUEUE: mqueue_json(record->body); return true;
	case CKPT_REC_MQUEUE_NOTIFY: mqueue_notify_json(record->body); return true;
	case CKPT_REC_MSG: msg_json(record->body, record->body_len); return true;
	}
	return false;
}

bool show_ipc_text(const struct record *record)
{
	struct ckpt_time t;
	struct ckpt_shm s;
	struct ckpt_sem e;
	struct ckpt_msg m;
	struct ckpt_mqueue q;
	struct ckpt_namespaces n;
	struct ckpt_network net;
	struct ckpt_cgroups c;
	struct ckpt_user_ns u;
	struct ckpt_tmpfs_inode i;

	switch (record->type) {
	case CKPT_REC_NAMESPACES:
		memcpy(&n, record->body, sizeof(n));
		printf("own:%s%s%s%s%s%s, %u tasks in pid namespaces", n.flags & CKPT_NS_UTS ? " uts" : "",
		       n.flags & CKPT_NS_IPC ? " ipc" : "", n.flags & CKPT_NS_MNT ? " mnt" : "",
		       n.flags & CKPT_NS_NET ? " net" : "", n.flags & CKPT_NS_USER ? " user" : "",
		       n.flags & CKPT_NS_CGROUP ? " cgroup" : "", n.nr_pids);
		return true;
	case CKPT_REC_MOUNTS:
	case CKPT_REC_INNER_MOUNTS:
		printf("%zu bytes", record->body_len);
		return true;
	case CKPT_REC_USER_NS:
		memcpy(&u, record->body, sizeof(u));
		printf("owner %u, %u ranges of users, %u of groups", u.owner, u.nr_uids, u.nr_gids);
		return true;
	case CKPT_REC_CGROUPS:
		memcpy(&c, record->body, sizeof(c));
		printf("%u tasks in control groups, %u bytes about these", c.nr_members, c.text_len);
		return true;
	case CKPT_REC_NETWORK:
		memcpy(&net, record->body, sizeof(net));
		printf("%u bytes of messages, %u of sysctls", net.messages_len, net.sysctls_len);
		return true;
	case CKPT_REC_TMPFS:
		show_printable((const char *)record->body + sizeof(struct ckpt_tmpfs));
		return true;
	case CKPT_REC_TMPFS_INODE:
		memcpy(&i, record->body, sizeof(i));
		printf("inode %llu, mode 0%o, %llu bytes, ", (unsigned long long)i.contents.ino, i.contents.mode,
		       (unsigned long long)i.contents.size);
		show_printable((const char *)record->body + sizeof(i));
		return true;
	case CKPT_REC_TMPFS_LINK:
		show_printable((const char *)record->body + sizeof(struct ckpt_tmpfs_link));
		return true;
	case CKPT_REC_IPC_NS_END:
	case CKPT_REC_TMPFS_END:
		return true;
	case CKPT_REC_TIME:
		memcpy(&t, record->body, sizeof(t));
		printf("monotonic %llu ns, since boot %llu ns", (unsigned long long)t.monotonic_ns,
		       (unsigned long long)t.boottime_ns);
		return true;
	case CKPT_REC_UTS:
		printf("%.*s", CKPT_UTS_BYTES, (const char *)record->body);
		return true;
	case CKPT_REC_CGROUP_NS:
		printf("begins at %.*s", (int)(record->body_len - sizeof(struct ckpt_cgroup_ns)),
		       (const char *)record->body + sizeof(struct ckpt_cgroup_ns));
		return true;
	case CKPT_REC_IPC_NS:
		printf("limits");
		return true;
	case CKPT_REC_SHM:
		memcpy(&s, record->body, sizeof(s));
		printf("shared memory %d, key 0x%x, %llu bytes%s", s.perm.id, s.perm.key, (unsigned long long)s.size,
		       s.perm.mode & CKPT_SHM_DEST ? ", removed" : "");
		return true;
	case CKPT_REC_SEM:
		memcpy(&e, record->body, sizeof(e));
		printf("semaphore set %d, key 0x%x, of %u", e.perm.id, e.perm.key, e.nr_sems);
		return true;
	case CKPT_REC_SEM_UNDO:
		printf("%zu values", record->body_len / sizeof(struct ckpt_sem_undo));
		return true;
	case CKPT_REC_MQUEUE:
		memcpy(&q, record->body, sizeof(q));
		printf("POSIX message queue, %u messages", q.nr_msgs);
		return true;
	case CKPT_REC_MSG:
		memcpy(&m, record->body, sizeof(m));
		printf("message queue %d, key 0x%x, %u messages", m.perm.id, m.perm.key, m.nr_msgs);
		return true;
	}
	return false;
}
