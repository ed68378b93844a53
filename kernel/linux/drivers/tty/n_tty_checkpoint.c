// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of the N_TTY line discipline. A part of n_tty.c.
 *
 * Its rings are taken over as they are, with what has been edited, echoed and
 * read of them. Positions in a ring are counted from where it is read next.
 */
#include "ckpt_tty.h"

/* A position that nobody looks at in this mode may have been left behind. */
static u32 position(size_t pos, size_t start, size_t end)
{
	return (ssize_t)(pos - start) < 0 ? 0 : min(pos - start, end - start);
}

/**
 * n_tty_describe - what the line discipline holds
 * @tty:	the terminal
 * @side:	what is filled in
 *
 * The caller holds a reference to the discipline.
 */
void n_tty_describe(struct tty_struct *tty, struct tty_side *side)
{
	struct n_tty_data *ldata = tty->disc_data;
	struct ckpt_tty_side *rec = &side->rec;
	size_t i;

	down_write(&tty->termios_rwsem);
	mutex_lock(&ldata->output_lock);
	rec->unread = min_t(size_t, read_cnt(ldata), N_TTY_BUF_SIZE);
	rec->canon = position(ldata->canon_head, ldata->read_tail, ldata->read_head);
	rec->committed = position(ldata->commit_head, ldata->read_tail, ldata->read_head);
	for (i = 0; i < rec->unread; i++) {
		side->unread[i] = read_buf(ldata, ldata->read_tail + i);
		if (test_bit(MASK(ldata->read_tail + i), ldata->read_flags))
			side->line_ends[i / 8] |= 1 << i % 8;
	}
	rec->echo = min_t(size_t, ldata->echo_head - ldata->echo_tail, N_TTY_BUF_SIZE);
	rec->echo_commit = position(ldata->echo_commit, ldata->echo_tail, ldata->echo_head);
	rec->echo_mark = position(ldata->echo_mark, ldata->echo_tail, ldata->echo_head);
	for (i = 0; i < rec->echo; i++)
		side->echo[i] = echo_buf(ldata, ldata->echo_tail + i);
	rec->column = ldata->column;
	rec->canon_column = ldata->canon_column;
	rec->flags |= (ldata->lnext ? CKPT_TTY_LNEXT : 0) |
		      (ldata->erasing ? CKPT_TTY_ERASING : 0) |
		      (ldata->push ? CKPT_TTY_PUSH : 0);
	mutex_unlock(&ldata->output_lock);
	up_write(&tty->termios_rwsem);
}

/**
 * n_tty_put - let the line discipline hold what it held
 * @tty:	the terminal, which nobody uses yet; its termios are set
 * @side:	what the image says, which has been checked
 */
void n_tty_put(struct tty_struct *tty, const struct tty_side *side)
{
	struct n_tty_data *ldata = tty->disc_data;
	const struct ckpt_tty_side *rec = &side->rec;
	size_t i;

	down_write(&tty->termios_rwsem);
	mutex_lock(&ldata->output_lock);
	reset_buffer_flags(ldata);
	n_tty_set_termios(tty, NULL);
	for (i = 0; i < rec->unread; i++) {
		*read_buf_addr(ldata, i) = side->unread[i];
		if (side->line_ends[i / 8] & 1 << i % 8)
			set_bit(i, ldata->read_flags);
	}
	ldata->read_head = rec->unread;
	ldata->canon_head = rec->canon;
	ldata->commit_head = rec->committed;
	ldata->lookahead_count = rec->looked_at;
	for (i = 0; i < rec->echo; i++)
		*echo_buf_addr(ldata, i) = side->echo[i];
	ldata->echo_tail = 0;
	ldata->echo_head = rec->echo;
	ldata->echo_commit = rec->echo_commit;
	ldata->echo_mark = rec->echo_mark;
	ldata->column = rec->column;
	ldata->canon_column = rec->canon_column;
	ldata->lnext = !!(rec->flags & CKPT_TTY_LNEXT);
	ldata->erasing = !!(rec->flags & CKPT_TTY_ERASING);
	ldata->push = !!(rec->flags & CKPT_TTY_PUSH);
	mutex_unlock(&ldata->output_lock);
	up_write(&tty->termios_rwsem);
}
