/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of inotify and fanotify share: a fresh directory for each case, and small acts on files. */
#ifndef WATCHING_H
#define WATCHING_H

#include <stdbool.h>
#include <stddef.h>

/* An empty directory of this case, made anew; @at() is a path in it, good for a while. */
void fresh_dir(const char *test);
const char *at(const char *name);

/* Each ends the process if it fails: then the subject never comes to its end. */
void write_file(const char *path);	/* makes it if need be; one write, one close */
void must_rename(const char *from, const char *to);
void must_link(const char *from, const char *to);
void must_unlink(const char *path);
void must_mkdir(const char *path);
void write_fd(int fd);

/* Nothing in memory tells any more how an inode is found. */
void drop_caches(void);
/* Set a number in /proc/sys; returns what it was. */
long set_sysctl(const char *path, long value);

/* The lines of /proc/self/fdinfo/FD that begin with @word: what is watched, by which mask. */
void fdinfo_lines(int fd, const char *word, char *to, size_t room);

#endif
