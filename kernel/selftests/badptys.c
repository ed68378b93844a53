// SPDX-License-Identifier: Apache-2.0
/* What an image says of pseudo terminals is not believed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define MUTATIONS 300

static void body(void)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), zero = 0, slave;

	if (ioctl(master, TIOCSPTLCK, &zero) < 0)
		_exit(1);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR);	/* its controlling terminal, too */
	if (slave < 0 || write(master, "line\nhalf", 9) != 9)
		_exit(1);
	pause_here();
}

static bool is_slave(const void *body) { return ((const struct ckpt_file *)body)->kind == CKPT_FILE_PTY_SLAVE; }
static bool is_master(const void *body) { return ((const struct ckpt_file *)body)->kind == CKPT_FILE_PTY_MASTER; }
static bool is_about(uint32_t type) { return type == CKPT_REC_PTY || type == CKPT_REC_PTY_STATE; }

static void pairs(void)
{
	struct ckpt_pty *p = record(CKPT_REC_PTY, NULL);
	char *name = (char *)(p + 1);

	BAD_FIELD(p->flags, 2, "unknown flag", "contradicts itself");
	BAD_FIELD(p->index, 1U << 31, "a number that cannot be", "contradicts itself");
	BAD_FIELD(p->index, 1U << 24, "a number beyond all limits", "no pseudo terminal can be made");
	BAD_FIELD(p->f_flags, O_CREAT | O_RDWR, "O_CREAT", "contradicts itself");
	BAD_FIELD(p->mode, S_IFREG | 0600, "another type", "contradicts itself");
	BAD_FIELD(p->uid, -1U, "an owner that cannot be", "no valid owner");
	BAD_FIELD(p->flags, CKPT_PTY_NO_MASTER, "a master that was closed", "has a master already, or none");
	BAD_FIELD(name[0], 'd', "a path that is not absolute", "contradicts itself");
	BAD_FIELD(name[1], 'x', "a path that leads nowhere", "cannot be found");
}

static void files(void)
{
	struct ckpt_file *slave = record(CKPT_REC_FILE, is_slave), *master = record(CKPT_REC_FILE, is_master);

	BAD_FIELD(slave->object, 0xffff, "a slave of nothing", "no object has objref");
	BAD_FIELD(slave->kind, CKPT_FILE_PTY_MASTER, "a second master", "has a master already");
	BAD_FIELD(slave->f_flags, O_PATH, "O_PATH", "O_PATH with flags");
	BAD_FIELD(master->flags, CKPT_FILE_HUNG_UP, "a master that was hung up", "cannot be hung up");
	BAD_FIELD(master->f_flags, O_RDONLY, "a master of another access mode", "another access mode");
}

static void state(void)
{
	struct ckpt_pty_state *s = record(CKPT_REC_PTY_STATE, NULL);
	struct ckpt_tty_side *slave = &s->side[1];

	BAD_FIELD(slave->unread, 4097, "more than fits", "contradicts itself");
	BAD_FIELD(slave->unread, 8, "less than there is", "contradicts itself");
	BAD_FIELD(slave->canon, 10, "a line beyond the end", "contradicts itself");
	BAD_FIELD(slave->committed, 10, "more to be read than there is", "contradicts itself");
	BAD_FIELD(slave->echo, 5000, "more echo than fits", "contradicts itself");
	BAD_FIELD(slave->echo_commit, 5000, "echo beyond its end", "contradicts itself");
	BAD_FIELD(slave->echo_mark, 5000, "a mark beyond its end", "contradicts itself");
	BAD_FIELD(slave->in_flight, 1U << 20, "more in flight than there is", "contradicts itself");
	BAD_FIELD(slave->looked_at, 5, "more looked at than there is", "contradicts itself");
	BAD_FIELD(slave->flags, 1U << 30, "unknown flag", "contradicts itself");
	BAD_FIELD(slave->packet_status, 0x100, "unknown status", "contradicts itself");
	BAD_FIELD(s->side[0].flags, CKPT_TTY_HUNG_UP, "a master that was hung up", "contradicts itself");
	BAD_FIELD(slave->flags, CKPT_TTY_HUNG_UP, "hung up, and not empty", "contradicts itself");
}

static void damaged(void)
{
	pairs();
	files();
	state();
}

int main(void)
{
	need_checkpoint();
	mutate_round("badptys", body, damaged, is_about, MUTATIONS);
	return tap_done();
}
