// SPDX-License-Identifier: Apache-2.0
/*
 * Bulk data between this guest and its runner: through slots on a disk of its own, which the runner has as a file.
 * Standard input and output, which go through the serial port, say only which slots are full and which are free again.
 *
 * lane send COMMAND...: what the command writes. A slot that is full is told by its length (u32), in order; each NUL
 * that is answered frees one. All other bytes of the answer are the command's standard input.
 *
 * lane receive FILE: the other way round. Lengths come in; a NUL goes out for each slot that has been emptied.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DISK_SERIAL	"crlab-lane"
#define SLOT_BYTES	(256u * 1024)
#define SLOTS		64u
#define SECTOR_BYTES	512u
#define PIPE_BYTES	(1024 * 1024)

static uint8_t *slot;	/* one of them, as it goes to the disk or comes from it */

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...)
{
	va_list arguments;

	fputs("lane: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(125);
}

static bool has_serial(const char *disk)
{
	char path[300], serial[32];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/sys/block/%.200s/serial", disk);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, serial, sizeof(serial) - 1);
		close(fd);
	}
	if (n <= 0)
		return false;
	serial[n] = '\0';
	serial[strcspn(serial, "\n")] = '\0';
	return !strcmp(serial, DISK_SERIAL);
}

/* Straight to the device: the runner reads its end of it at once. */
static int open_disk(void)
{
	DIR *disks = opendir("/sys/block");
	struct dirent *entry;
	char path[300] = "";
	int fd;

	while (disks && !*path && (entry = readdir(disks)))
		if (entry->d_name[0] != '.' && has_serial(entry->d_name))
			snprintf(path, sizeof(path), "/dev/%.200s", entry->d_name);
	if (disks)
		closedir(disks);
	if (!*path)
		die("this guest has no disk for bulk data");
	fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		die("%s: in use", path);
	slot = aligned_alloc(4096, SLOT_BYTES);
	if (!slot)
		die("out of memory");
	return fd;
}

static void write_all(int fd, const void *from, size_t length, const char *what)
{
	const uint8_t *at = from;

	while (length) {
		ssize_t n = write(fd, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("%s: %s", what, strerror(errno));
		at += n;
		length -= (size_t)n;
	}
}

/* A request to the disk is done as a whole or not at all. */
static void transfer(int disk, uint64_t nr, size_t length, bool out)
{
	size_t whole = (length + SECTOR_BYTES - 1) & ~(size_t)(SECTOR_BYTES - 1);
	off_t where = (off_t)(nr % SLOTS) * SLOT_BYTES;
	ssize_t n;

	if (out)
		memset(slot + length, 0, whole - length);
	n = out ? pwrite(disk, slot, whole, where) : pread(disk, slot, whole, where);
	if (n != (ssize_t)whole)
		die("slot %llu: %s", (unsigned long long)(nr % SLOTS), n < 0 ? strerror(errno) : "cut short");
}

struct sender {
	int disk;
	int output;		/* of the command; -1 after its end */
	int input;
	uint32_t used;		/* bytes in the slot being filled */
	uint32_t free;		/* slots */
	uint64_t nr;		/* slots so far */
};

static void send_slot(struct sender *s)
{
	if (!s->used)
		return;
	transfer(s->disk, s->nr++, s->used, true);
	write_all(STDOUT_FILENO, &s->used, sizeof(s->used), "runner");
	s->used = 0;
	s->free--;
}

static void take_output(struct sender *s)
{
	ssize_t n = read(s->output, slot + s->used, SLOT_BYTES - s->used);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0)
		die("output of the command: %s", strerror(errno));
	s->used += (uint32_t)n;
	if (!n || s->used == SLOT_BYTES)
		send_slot(s);
	if (n)
		return;
	/* The runner sees the end, though the command may still run. */
	close(s->output);
	s->output = -1;
	close(STDOUT_FILENO);
}

static void take_answers(struct sender *s)
{
	uint8_t bytes[4096];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0)
		die("the runner has gone");
	for (ssize_t i = 0; i < n; i++)
		if (!bytes[i])
			s->free++;
		else if (write(s->input, bytes + i, 1) < 0 && errno != EPIPE)
			die("input of the command: %s", strerror(errno));
	if (s->free > SLOTS)
		die("more slots are free than there are");
}

static int start(char **argv, struct sender *s)
{
	int in[2], out[2];
	pid_t pid;
	int fd;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	fcntl(out[1], F_SETPIPE_SZ, PIPE_BYTES);	/* fewer turns for the same bytes */
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		signal(SIGPIPE, SIG_DFL);
		execvp(argv[0], argv);
		die("%s: %s", argv[0], strerror(errno));
	}
	close(in[0]);
	close(out[1]);
	s->input = in[1];
	s->output = out[0];
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		die("pid %d: %s", pid, strerror(errno));
	return fd;
}

static int send_output(char **argv)
{
	struct sender s = { .disk = open_disk(), .free = SLOTS };
	struct pollfd polls[3];
	siginfo_t end = { };
	int command;

	signal(SIGPIPE, SIG_IGN);
	command = start(argv, &s);
	for (;;) {
		polls[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
		polls[1] = (struct pollfd){ .fd = s.free ? s.output : -1, .events = POLLIN };
		/* Its end is of interest when all it has written has been sent. */
		polls[2] = (struct pollfd){ .fd = s.output < 0 ? command : -1, .events = POLLIN };
		if (poll(polls, 3, -1) < 0)
			continue;
		if (polls[1].revents)
			take_output(&s);
		if (polls[2].revents)
			break;
		if (polls[0].revents)
			take_answers(&s);
	}
	if (waitid(P_PIDFD, (id_t)command, &end, WEXITED) < 0)
		die("waiting for the command: %s", strerror(errno));
	return end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
}

/* False at the end. */
static bool take_length(uint32_t *length)
{
	size_t have = 0;

	while (have < sizeof(*length)) {
		ssize_t n = read(STDIN_FILENO, (uint8_t *)length + have, sizeof(*length) - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("runner: %s", strerror(errno));
		if (!n && !have)
			return false;
		if (!n)
			die("the runner has gone");
		have += (size_t)n;
	}
	return true;
}

static int receive(const char *name)
{
	int disk = open_disk(), fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const uint8_t empty = 0;
	uint32_t length;

	if (fd < 0)
		die("%s: %s", name, strerror(errno));
	for (uint64_t nr = 0; take_length(&length); nr++) {
		if (!length || length > SLOT_BYTES)
			die("a slot of %u bytes", length);
		transfer(disk, nr, length, false);
		write_all(fd, slot, length, name);
		write_all(STDOUT_FILENO, &empty, 1, "runner");
	}
	if (close(fd) < 0)
		die("%s: %s", name, strerror(errno));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "send"))
		return send_output(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "receive"))
		return receive(argv[2]);
	fputs("usage: lane send COMMAND... | lane receive FILE\n", stderr);
	return 2;
}
