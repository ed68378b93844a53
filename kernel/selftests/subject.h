/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subject is a process tree that a test checkpoints and restarts. It has no
 * tie to the test: it tells what it sees through files, by path.
 *
 *	static void body(void)
 *	{
 *		... reach a state ...
 *		pause_here();			   checkpoint --kill, restart
 *		verify(state is the same, "state");
 *	}
 *	int main(void) { subject_round("state", body); return tap_done(); }
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* For what hangs, not for what is slow: a loaded machine, a debug kernel. */
#define PATIENCE_MS	120000

/* ---- in the subject ---- */

/* The state is reached; then wait until the test says go on. */
void pause_here(void);
/* The state is reached, and the next call blocks. */
void ready(void);
/* Has the test said go on? Waits for it. */
void wait_for_go(void);
/* It has come to its end: said for it when its body returns; to be said by what a body has executed. */
void finished(void);
/* The verdict of the subject about itself; any process of it may speak. */
void verify(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A mount namespace of its own, from which no mount is seen outside. */
bool private_mounts(void);
/* A small file, or its first line, in @room; "" if it cannot be read. */
char *whole_content(const char *path, char *room, size_t size);
char *content(const char *path, char *room, size_t size);
/* Write all of @text at once. */
bool put_text(const char *path, const char *text);

/* ---- in the test ---- */

struct subject {
	const char *name;
	pid_t pid;
};

/* The whole of it: start, checkpoint --kill, restart --detach, go on, report. */
void subject_round(const char *name, void (*body)(void));
/* What has been restarted is checkpointed and restarted once more, before it goes on. */
void subject_twice(const char *name, void (*body)(void));

/* The same in steps. Each reports a failure to TAP and returns false. */
bool subject_start(struct subject *s, const char *name, void (*body)(void));
bool subject_checkpoint(struct subject *s, const char *image, const char *const *more);
bool subject_restart(struct subject *s, const char *image, const char *const *more);
/* Say go on, wait for its end, report what it said. */
bool subject_finish(struct subject *s);
/* Say "go on" no more, so that a second pause can be reached. */
void subject_end(struct subject *s);

/* What @body has is named by a dry run, and there is no image of it; then it goes on. */
void subject_refused(const char *name, void (*body)(void), const char *words);
/* Who enters its namespace of this kind ("uts") from outside is named, with @words; else there is no obstacle. */
void subject_leaks(const struct subject *s, const char *kind, const char *words);

/* Run a command; its output (both streams) in @output; returns the exit status, 128 + signal. */
int run_command(char *output, size_t room, const char *const *argv);
#define RUN(output, ...) run_command(output, sizeof(output), (const char *const[]){ __VA_ARGS__, NULL })

/* Wait until @pid, and what the test may reap, is gone. */
bool wait_gone(pid_t pid);
bool exists(const char *path);

extern const char *checkpoint_path, *restart_path, *ckptinfo_path;
/* A directory for this test's files, on tmpfs; images go to image_dir. */
extern const char *scratch;
extern const char *image_dir;

/* Skip the whole test unless the kernel has checkpoint(2) and we are root. */
void need_checkpoint(void);

#endif
