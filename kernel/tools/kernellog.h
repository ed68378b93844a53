/* SPDX-License-Identifier: Apache-2.0 */
/* The text the kernel writes to a log fd, kept so that a command can quote it. */
#ifndef KERNELLOG_H
#define KERNELLOG_H

#include <stdbool.h>
#include <sys/types.h>

struct kernellog {
	int fd;			/* give this to the kernel; -1: no log */
	int to_file;		/* the user named a file: he reads it there */
	off_t start;
	char *text;		/* once read */
	char **lines;
	size_t nr_lines;
};

/* @name: a file to append to, or NULL: keep it here. */
void kernellog_open(struct kernellog *log, const char *name);
/* Take what the kernel has written. */
void kernellog_read(struct kernellog *log);
/* What it has written does not count: it is asked again. */
void kernellog_forget(struct kernellog *log);
/* One more line, after kernellog_read(). */
void kernellog_add(struct kernellog *log, char *line);
/* Is it something to know, and neither error nor obstacle? */
bool is_note(const char *line);
/* All lines to stderr as "progname: line". */
void kernellog_print(const struct kernellog *log);

#endif
