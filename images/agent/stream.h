/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams: whatever the runner opened and has not closed. Each moves bytes
 * between file descriptors and the port, as far as credit allows.
 */
#ifndef CRLAB_STREAM_H
#define CRLAB_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

#define MAX_STREAMS 256

enum stream_kind {
	STREAM_EXEC,		/* a command on pipes */
	STREAM_TERMINAL,	/* a command on a pseudo-terminal */
	STREAM_READ,		/* a file being read */
	STREAM_WRITE,		/* a file being written */
	STREAM_WATCH,		/* a process whose end is awaited */
	STREAM_LEFTOVER,	/* pipes of background processes that outlived their command */
};

/* From a file descriptor to the runner. */
struct source {
	int fd;			/* -1: none, or at its end */
	uint64_t credit;	/* bytes the runner still takes */
	bool dry;		/* read to its momentary end since the process has gone */
	int64_t rest_until_ms;	/* not to be read before: the slave could not be reopened */
};

/* From the runner to a file descriptor. */
struct sink {
	int fd;			/* -1: none, or closed by the reader */
	uint8_t *buffer;	/* WIRE_INPUT_WINDOW bytes, a ring */
	uint32_t begin, used;
	uint32_t granted;	/* bytes the runner may still send */
	bool ending;		/* close when empty */
};

struct stream {
	uint32_t id;
	enum stream_kind kind;
	pid_t pid;
	bool has_process;	/* started and not yet reaped */
	bool exited;		/* reaped, not yet reported */
	int status;		/* of waitpid */
	int64_t quiet_since_ms;	/* terminal: when the last output after the exit was seen */
	struct sink input;
	struct source output, errors;
	int keep_fd;		/* terminal: the slave end; watch: the pidfd */
	char path[64];		/* terminal: of the slave */
};

/* A new stream, or NULL after an error was sent (id in use, too many). */
struct stream *stream_new(uint32_t id, enum stream_kind kind);
struct stream *stream_find(uint32_t id);
void stream_free(struct stream *stream);

/* Give the stream an input ring. */
void stream_accept_input(struct stream *stream, int fd);

/* Frames that concern open streams. */
void stream_take_data(struct stream *stream, const uint8_t *bytes, uint32_t length);
void stream_take_eof(struct stream *stream);
void stream_take_window(struct stream *stream, uint8_t channel, uint32_t bytes);

/* The runner is not interested any more: kill what runs, drop the rest. */
void stream_close(struct stream *stream);
void stream_close_all(void);

/* A child was reaped. */
void stream_child_exited(pid_t pid, int status);

/* One turn: entries for poll, then work on what poll said. */
#define POLLS_PER_STREAM 3
int stream_fill_polls(struct pollfd *polls);
void stream_serve_polls(const struct pollfd *polls);

/* Milliseconds until a stream wants a turn even without events; -1: never. */
int stream_timeout_ms(void);

int64_t monotonic_ms(void);

#endif
