// SPDX-License-Identifier: Apache-2.0
/* Pseudo terminals. How much was typed is told, and not what. */
#include "show_tty.h"

#include <stdio.h>
#include <string.h>

#include "json.h"
#include "show.h"

static void pty_json(const unsigned char *body)
{
	struct ckpt_pty p;

	memcpy(&p, body, sizeof(p));
	json_number("index", p.index);
	json_hex("flags", p.flags);
	json_hex("openFlags", p.f_flags);
	json_number("mode", p.mode);
	json_number("uid", p.uid);
	json_number("gid", p.gid);
	json_signed_digits("atimeNs", p.atime_ns);
	json_signed_digits("mtimeNs", p.mtime_ns);
	json_signed_digits("ctimeNs", p.ctime_ns);
	json_string("ptmx", (const char *)body + sizeof(p));
}

static void side_json(const char *name, const struct ckpt_tty_side *s)
{
	json_open(name, '{');
	json_hex("iflag", s->iflag);
	json_hex("oflag", s->oflag);
	json_hex("cflag", s->cflag);
	json_hex("lflag", s->lflag);
	json_number("ispeed", s->ispeed);
	json_number("ospeed", s->ospeed);
	json_bytes("cc", s->cc, sizeof(s->cc));
	json_number("rows", s->rows);
	json_number("cols", s->cols);
	json_hex("flags", s->flags);
	json_hex("packetStatus", s->packet_status);
	json_number("unread", s->unread);
	json_number("canon", s->canon);
	json_number("committed", s->committed);
	json_number("echo", s->echo);
	json_number("inFlight", s->in_flight);
	json_close('}');
}

bool show_tty_json(const struct record *record)
{
	struct ckpt_pty_state state;

	switch (record->type) {
	case CKPT_REC_PTY: pty_json(record->body); return true;
	case CKPT_REC_PTY_STATE:
		memcpy(&state, record->body, sizeof(state));
		side_json("master", &state.side[0]);
		side_json("slave", &state.side[1]);
		return true;
	}
	return false;
}

bool show_tty_text(const struct record *record)
{
	struct ckpt_pty_state state;
	struct ckpt_pty p;

	switch (record->type) {
	case CKPT_REC_PTY:
		memcpy(&p, record->body, sizeof(p));
		printf("/dev/pts/%u of ", p.index);
		show_printable((const char *)record->body + sizeof(p));
		printf(", mode 0%o, of %u:%u%s", p.mode & 07777, p.uid, p.gid,
		       p.flags & CKPT_PTY_NO_MASTER ? ", its master has been closed" : "");
		return true;
	case CKPT_REC_PTY_STATE:
		memcpy(&state, record->body, sizeof(state));
		printf("%ux%u, unread %u bytes in, %u out%s", state.side[1].cols, state.side[1].rows,
		       state.side[1].unread + state.side[1].in_flight, state.side[0].unread + state.side[0].in_flight,
		       state.side[1].flags & CKPT_TTY_STOPPED ? ", stopped" : "");
		return true;
	}
	return false;
}
