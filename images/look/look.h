/* SPDX-License-Identifier: Apache-2.0 */
/* look PID: the process tree under PID and what it holds, as one JSON array. Looking opens nothing that it looks at. */
#ifndef LOOK_H
#define LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* json.c: the least writer that does; commas put themselves. */
void json_open(char bracket);
void json_close(char bracket);
void json_key(const char *key);
void json_string(const char *text);
void json_number(long long number);
void json_bool(bool value);

/* files.c */
void show_files(pid_t pid);
void show_maps(pid_t pid);
/* "cwd" or "exe", if it can be read: its path and whether that is gone. */
void show_link(pid_t pid, const char *name);

/* notify.c: the watches in an fdinfo text, and false if it speaks of none. */
bool show_watches(pid_t pid, const char *fdinfo);

/* Read all of a /proc file; the caller frees. NULL: it is not there. */
char *read_proc(pid_t pid, const char *name);

#endif
