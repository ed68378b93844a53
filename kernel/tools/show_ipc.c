// SPDX-License-Identifier: Apache-2.0
/* Records of System V IPC. */
#include "show_ipc.h"

#include <string.h>

#include "json.h"

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

bool show_ipc_json(const struct record *record)
{
	switch (record->type) {
	case CKPT_REC_SHM: shm_json(record->body); return true;
	case CKPT_REC_SEM: sem_json(record->body, record->body_len); return true;
	case CKPT_REC_SEM_UNDO: sem_undo_json(record->body, record->body_len); return true;
	case CKPT_REC_MSG: msg_json(record->body, record->body_len); return true;
	}
	return false;
}

bool show_ipc_text(const struct record *record)
{
	struct ckpt_shm s;
	struct ckpt_sem e;
	struct ckpt_msg m;

	switch (record->type) {
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
	case CKPT_REC_MSG:
		memcpy(&m, record->body, sizeof(m));
		printf("message queue %d, key 0x%x, %u messages", m.perm.id, m.perm.key, m.nr_msgs);
		return true;
	}
	return false;
}
