// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "kernellog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util.h"

#define MAX_LOG_BYTES	(16L << 20)

void kernellog_open(struct kernellog *log, const char *name)
{
	memset(log, 0, sizeof(*log));
	if (!name) {
		log->fd = memfd_create("kernellog", MFD_CLOEXEC);
		return;
	}
	log->fd = open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (log->fd < 0)
		die("log file %s: %s", name, strerror(errno));
	log->to_file = 1;
	log->start = lseek(log->fd, 0, SEEK_END);
	if (log->start < 0)	/* a pipe or a terminal: nothing to read back */
		log->start = -1;
}

/* "error: " and "obstacle: " say what the command says anyway. */
static char *without_kind(char *line)
{
	if (!strncmp(line, "error: ", 7))
		return line + 7;
	if (!strncmp(line, "obstacle: ", 10))
		return line + 10;
	return line;
}

void kernellog_read(struct kernellog *log)
{
	off_t end = log->fd < 0 || log->start < 0 ? 0 : lseek(log->fd, 0, SEEK_END);
	ssize_t len = end - log->start;

	if (len <= 0)
		return;
	if (len > MAX_LOG_BYTES)
		len = MAX_LOG_BYTES;
	log->text = xcalloc(len + 1, 1);
	len = pread(log->fd, log->text, len, log->start);
	if (len <= 0)
		return;
	log->text[len] = '\0';

	size_t room = 0;
	for (char *line = strtok(log->text, "\n"); line; line = strtok(NULL, "\n")) {
		if (log->nr_lines == room) {
			room = room ? 2 * room : 64;
			log->lines = realloc(log->lines, room * sizeof(*log->lines));
			if (!log->lines)
				die("out of memory");
		}
		log->lines[log->nr_lines++] = without_kind(line);
	}
}

void kernellog_forget(struct kernellog *log)
{
	off_t end = log->fd < 0 || log->start < 0 ? -1 : lseek(log->fd, 0, SEEK_END);

	if (end > log->start)
		log->start = end;
}

void kernellog_add(struct kernellog *log, char *line)
{
	log->lines = realloc(log->lines, (log->nr_lines + 1) * sizeof(*log->lines));
	if (!log->lines)
		die("out of memory");
	log->lines[log->nr_lines++] = line;
}

bool is_note(const char *line)
{
	return !strncmp(line, "note: ", 6);
}

void kernellog_print(const struct kernellog *log)
{
	for (size_t i = 0; i < log->nr_lines; i++)
		complain("%s", log->lines[i]);
}
