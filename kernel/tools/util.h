/* SPDX-License-Identifier: Apache-2.0 */
/* What all three commands need: errors, ids, whole reads. */
#ifndef UTIL_H
#define UTIL_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/checkpoint.h>

/* Name of the command, for errors. */
extern const char *progname;

/* One line on stderr: "progname: ...". */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, then exit(1), after at_failure() has cleaned up. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Called once by die(). */
extern void (*at_failure)(void);

void *xcalloc(size_t n, size_t size);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A positive number that is all of @text and at most @max, or die naming @what. */
long parse_number(const char *text, long max, const char *what);

/* Read all of @len bytes; fewer only at the end of the file; -1 on error. */
ssize_t read_whole(int fd, void *buf, size_t len);

/* What is in the directory @dir, in the order of @compare; -1 on error. The caller frees it. */
int list_dir(int dir, struct dirent ***entries, int (*compare)(const struct dirent **, const struct dirent **));

#define ID_TEXT_BYTES (2 * CKPT_ID_BYTES + 1)
const char *id_text(const uint8_t id[CKPT_ID_BYTES], char text[ID_TEXT_BYTES]);
bool id_is_zero(const uint8_t id[CKPT_ID_BYTES]);

/* The name of a task, from /proc; "?" if it has none. */
void comm_of(pid_t pid, char comm[64]);

#endif
