/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoint/restart of terminals: what the line discipline and the rest say to
 * each other.
 */
#ifndef _CKPT_TTY_H
#define _CKPT_TTY_H

#include <linux/fcntl.h>
#include <linux/tty.h>
#include <uapi/linux/checkpoint.h>

/* Flags of a master, other than those that any file has. */
#define CKPT_PTY_OPEN_FLAGS	(O_ACCMODE | O_LARGEFILE | O_APPEND | O_DSYNC | __O_SYNC)

/**
 * struct tty_side - one side of a pseudo terminal
 * @rec:	as the image has it
 * @unread:	rec.unread bytes
 * @line_ends:	a bit for each
 * @echo:	rec.echo bytes
 * @in_flight:	rec.in_flight bytes
 */
struct tty_side {
	struct ckpt_tty_side rec;
	u8 unread[N_TTY_BUF_SIZE];
	u8 line_ends[N_TTY_BUF_SIZE / 8];
	u8 echo[N_TTY_BUF_SIZE];
	u8 *in_flight;
};

static inline size_t line_end_bytes(const struct tty_side *side)
{
	return DIV_ROUND_UP(side->rec.unread, 8);
}

static inline struct tty_struct *tty_of_file(const struct file *file)
{
	return ((struct tty_file_private *)file->private_data)->tty;
}

/* n_tty_checkpoint.c, a part of n_tty.c; with the buffers of the port locked */
void n_tty_describe(struct tty_struct *tty, struct tty_side *side);
void n_tty_put(struct tty_struct *tty, const struct tty_side *side);

#endif
