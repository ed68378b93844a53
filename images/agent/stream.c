// SPDX-License-Identifier: Apache-2.0
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "port.h"

/* A terminal's output passes through a kernel worker: wait this long after the exit for the rest. */
#define TERMINAL_SETTLE_MS 20
/* A master without a slave is always ready to say EIO: do not ask more often than this. */
#define TERMINAL_REST_MS 100

static struct stream *streams[MAX_STREAMS];
static int top;		/* no slot from here on is in use: most guests have few streams */
static int polled;	/* slots that the last poll was about */
static unsigned int first;	/* who is served first rotates, so that nobody starves */

int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

struct stream *stream_find(uint32_t id)
{
	for (int i = 0; i < top; i++)
		if (streams[i] && streams[i]->id == id && streams[i]->kind != STREAM_LEFTOVER)
			return streams[i];
	return NULL;
}

static int free_slot(void)
{
	for (int i = 0; i < MAX_STREAMS; i++)
		if (!streams[i])
			return i;
	/* Leftovers are a courtesy: the first one makes room. */
	for (int i = 0; i < MAX_STREAMS; i++) {
		if (streams[i]->kind == STREAM_LEFTOVER) {
			stream_free(streams[i]);
			return i;
		}
	}
	return -1;
}

struct stream *stream_new(uint32_t id, enum stream_kind kind)
{
	struct stream *stream;
	int slot;

	if (id == 0 || stream_find(id)) {
		port_send_error(id, EINVAL, "stream %u is in use", id);
		return NULL;
	}
	slot = free_slot();
	stream = slot < 0 ? NULL : calloc(1, sizeof(*stream));
	if (!stream) {
		port_send_error(id, EMFILE, "no room for another stream (at most %d)", MAX_STREAMS);
		return NULL;
	}
	stream->id = id;
	stream->kind = kind;
	stream->input.fd = stream->output.fd = stream->errors.fd = stream->keep_fd = -1;
	streams[slot] = stream;
	if (slot >= top)
		top = slot + 1;
	return stream;
}

void stream_free(struct stream *stream)
{
	for (int i = 0; i < MAX_STREAMS; i++)
		if (streams[i] == stream)
			streams[i] = NULL;
	while (top > 0 && !streams[top - 1])
		top--;
	/* A terminal's input and output are one descriptor. */
	if (stream->input.fd == stream->output.fd)
		stream->input.fd = -1;
	close_fd(&stream->input.fd);
	close_fd(&stream->output.fd);
	close_fd(&stream->errors.fd);
	close_fd(&stream->keep_fd);
	free(stream->input.buffer);
	free(stream);
}

void stream_accept_input(struct stream *stream, int fd)
{
	stream->input.fd = fd;
	stream->input.granted = WIRE_INPUT_WINDOW;
}

/* ---- input ---- */

static void grant_input(struct stream *stream)
{
	struct sink *sink = &stream->input;
	uint32_t room = WIRE_INPUT_WINDOW - sink->used - sink->granted;

	/* Not for every key: who types waits for the echo behind it, and half a window keeps any sender going. */
	if (room < WIRE_INPUT_WINDOW / 2)
		return;
	if (sink->ending || stream->kind == STREAM_LEFTOVER)
		return;
	sink->granted += room;
	port_send(WIRE_WINDOW, WIRE_INPUT, stream->id, &room, sizeof(room));
}

static void close_input(struct stream *stream)
{
	if (stream->kind == STREAM_TERMINAL)
		return;
	close_fd(&stream->input.fd);
}

static void finish_write(struct stream *stream)
{
	if (close(stream->input.fd) < 0)
		port_send_error(stream->id, errno, "write: %s", strerror(errno));
	else
		port_send(WIRE_DONE, 0, stream->id, NULL, 0);
	stream->input.fd = -1;
	stream_free(stream);
}

/* Returns false when the stream has gone. */
static bool pump_input(struct stream *stream)
{
	struct sink *sink = &stream->input;

	while (sink->used && sink->fd >= 0) {
		uint32_t run = WIRE_INPUT_WINDOW - sink->begin;
		ssize_t written;

		if (run > sink->used)
			run = sink->used;
		written = write(sink->fd, sink->buffer + sink->begin, run);
		if (written < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (written < 0 && stream->kind == STREAM_WRITE) {
			port_send_error(stream->id, errno, "write: %s", strerror(errno));
			stream_free(stream);
			return false;
		}
		if (written < 0 && stream->kind == STREAM_TERMINAL) {
			/* Nobody has the slave open now; a restored process may have later. */
			sink->used = 0;
			break;
		}
		if (written < 0) {
			close_input(stream);
			break;
		}
		sink->begin = (sink->begin + (uint32_t)written) % WIRE_INPUT_WINDOW;
		sink->used -= (uint32_t)written;
	}
	if (sink->fd < 0)
		sink->used = 0;	/* the reader has gone: swallow, so that the sender never stalls */
	if (sink->used == 0 && sink->ending && sink->fd >= 0) {
		if (stream->kind == STREAM_WRITE) {
			finish_write(stream);
			return false;
		}
		close_input(stream);
	}
	grant_input(stream);
	return true;
}

void stream_take_data(struct stream *stream, const uint8_t *bytes, uint32_t length)
{
	struct sink *sink = &stream->input;

	if (length > sink->granted || sink->ending) {
		port_send_error(stream->id, EPROTO, "%u bytes of input, %u allowed", length, sink->granted);
		stream_close(stream);
		return;
	}
	if (!sink->buffer)
		sink->buffer = malloc(WIRE_INPUT_WINDOW);
	if (!sink->buffer) {
		port_send_error(stream->id, ENOMEM, "no memory for input");
		stream_close(stream);
		return;
	}
	sink->granted -= length;
	for (uint32_t done = 0; done < length;) {
		uint32_t end = (sink->begin + sink->used) % WIRE_INPUT_WINDOW;
		uint32_t run = WIRE_INPUT_WINDOW - end;

		if (run > length - done)
			run = length - done;
		memcpy(sink->buffer + end, bytes + done, run);
		sink->used += run;
		done += run;
	}
	pump_input(stream);
}

void stream_take_eof(struct stream *stream)
{
	if (stream->kind == STREAM_TERMINAL)
		return;	/* a terminal has no end of input; the runner sends its EOF character */
	stream->input.ending = true;
	pump_input(stream);
}

/* ---- output ---- */

void stream_take_window(struct stream *stream, uint8_t channel, uint32_t bytes)
{
	struct source *source = channel == WIRE_ERRORS ? &stream->errors : &stream->output;

	source->credit += bytes;
	if (source->credit > UINT32_MAX)
		source->credit = UINT32_MAX;
}

static bool wants_output(const struct stream *stream, const struct source *source)
{
	if (source->fd < 0)
		return false;
	if (stream->kind == STREAM_LEFTOVER)
		return true;
	if (source->rest_until_ms && monotonic_ms() < source->rest_until_ms)
		return false;
	return source->credit > 0 && port_room_for_data() > 0;
}

/* A terminal's slave was closed by all: open it again, for whoever is restored onto it. */
static void reopen_slave(struct stream *stream)
{
	close_fd(&stream->keep_fd);
	stream->keep_fd = open(stream->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	stream->output.rest_until_ms = stream->keep_fd < 0 ? monotonic_ms() + TERMINAL_REST_MS : 0;
}

static void pump_output(struct stream *stream, struct source *source, uint8_t channel)
{
	static uint8_t waste[WIRE_MAX_DATA];
	bool drop = stream->kind == STREAM_LEFTOVER;
	size_t room = drop ? sizeof(waste) : port_room_for_data();
	ssize_t got;

	if (!drop && room > source->credit)
		room = (size_t)source->credit;
	if (room == 0)
		return;
	got = read(source->fd, drop ? waste : port_data_space(), room);
	if (got > 0) {
		if (!drop) {
			port_commit_data(channel, stream->id, (size_t)got);
			source->credit -= (uint64_t)got;
		}
		if (stream->exited)
			stream->quiet_since_ms = monotonic_ms();
		return;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (stream->exited)
			source->dry = true;
		return;
	}
	if (stream->kind == STREAM_TERMINAL) {
		source->dry = true;
		reopen_slave(stream);
		return;
	}
	if (stream->kind == STREAM_READ && got < 0) {
		port_send_error(stream->id, errno, "read: %s", strerror(errno));
		stream_free(stream);
		return;
	}
	close_fd(&source->fd);
	if (drop)
		return;
	port_send(WIRE_EOF, channel, stream->id, NULL, 0);
	if (stream->kind == STREAM_READ) {
		port_send(WIRE_DONE, 0, stream->id, NULL, 0);
		stream_free(stream);
	}
}

/* ---- ends ---- */

static void report_exit(struct stream *stream)
{
	struct {
		int32_t code, signal;
	} payload = { .code = -1 };

	if (WIFEXITED(stream->status))
		payload.code = WEXITSTATUS(stream->status);
	else if (WIFSIGNALED(stream->status))
		payload.signal = WTERMSIG(stream->status);
	port_send(WIRE_EXITED, 0, stream->id, &payload, sizeof(payload));
	stream->exited = false;
}

static bool is_drained(const struct source *source)
{
	return source->fd < 0 || source->dry;
}

/* Report the exit of a process once what it wrote is on its way. Returns false when the stream has gone. */
static bool settle_exit(struct stream *stream)
{
	if (!stream->exited || !is_drained(&stream->output) || !is_drained(&stream->errors))
		return true;
	if (stream->kind == STREAM_TERMINAL) {
		if (monotonic_ms() - stream->quiet_since_ms < TERMINAL_SETTLE_MS)
			return true;
		report_exit(stream);
		return true;	/* the terminal stays until it is closed */
	}
	report_exit(stream);
	if (stream->kind == STREAM_EXEC && (stream->output.fd >= 0 || stream->errors.fd >= 0)) {
		close_input(stream);
		stream->kind = STREAM_LEFTOVER;
		return true;
	}
	stream_free(stream);
	return false;
}

void stream_child_exited(pid_t pid, int status)
{
	for (int i = 0; i < MAX_STREAMS; i++) {
		struct stream *stream = streams[i];

		if (!stream || stream->pid != pid || !stream->has_process)
			continue;
		stream->has_process = false;
		stream->exited = true;
		stream->status = status;
		stream->quiet_since_ms = monotonic_ms();
		stream->output.dry = stream->errors.dry = false;
	}
}

void stream_close(struct stream *stream)
{
	/* The process leads a session and a group of its own. */
	if (stream->has_process && (stream->kind == STREAM_EXEC || stream->kind == STREAM_TERMINAL)) {
		kill(-stream->pid, SIGKILL);
		kill(stream->pid, SIGKILL);
	}
	stream_free(stream);
}

void stream_close_all(void)
{
	for (int i = 0; i < MAX_STREAMS; i++)
		if (streams[i])
			stream_close(streams[i]);
}

/* ---- turns ---- */

int stream_fill_polls(struct pollfd *polls)
{
	polled = top;
	for (int i = 0; i < polled; i++) {
		struct stream *stream = streams[i];
		struct pollfd *entry = polls + i * POLLS_PER_STREAM;

		for (int j = 0; j < POLLS_PER_STREAM; j++)
			entry[j] = (struct pollfd){ .fd = -1 };
		if (!stream)
			continue;
		if (stream->input.fd >= 0 && stream->input.used)
			entry[0] = (struct pollfd){ .fd = stream->input.fd, .events = POLLOUT };
		if (stream->kind == STREAM_WATCH)
			entry[0] = (struct pollfd){ .fd = stream->keep_fd, .events = POLLIN };
		if (wants_output(stream, &stream->output))
			entry[1] = (struct pollfd){ .fd = stream->output.fd, .events = POLLIN };
		if (wants_output(stream, &stream->errors))
			entry[2] = (struct pollfd){ .fd = stream->errors.fd, .events = POLLIN };
	}
	return polled * POLLS_PER_STREAM;
}

/* A watched process that was not our child has ended: how is not known. */
static void watch_ended(struct stream *stream)
{
	struct {
		int32_t code, signal;
	} payload = { .code = -1 };

	port_send(WIRE_EXITED, 0, stream->id, &payload, sizeof(payload));
	stream_free(stream);
}

static void serve(struct stream *stream, const struct pollfd *entry)
{
	uint32_t id = stream->id;
	enum stream_kind kind = stream->kind;

	if (kind == STREAM_WATCH) {
		if (stream->exited)
			settle_exit(stream);
		else if (entry[0].fd == stream->keep_fd && entry[0].revents)
			watch_ended(stream);
		return;
	}
	if (entry[0].revents && entry[0].fd == stream->input.fd && !pump_input(stream))
		return;
	/* After an exit no event may come: look anyway, as long as there is credit. */
	if (wants_output(stream, &stream->output) && (entry[1].revents || stream->exited))
		pump_output(stream, &stream->output, WIRE_OUTPUT);
	if (kind == STREAM_READ && stream_find(id) != stream)
		return;
	if (wants_output(stream, &stream->errors) && (entry[2].revents || stream->exited))
		pump_output(stream, &stream->errors, WIRE_ERRORS);
	if (!settle_exit(stream))
		return;
	if (stream->kind == STREAM_LEFTOVER && stream->output.fd < 0 && stream->errors.fd < 0)
		stream_free(stream);
}

void stream_serve_polls(const struct pollfd *polls)
{
	first++;
	for (int i = 0; i < polled; i++) {
		unsigned int slot = (first + (unsigned int)i) % (unsigned int)polled;

		if (streams[slot])
			serve(streams[slot], polls + slot * POLLS_PER_STREAM);
	}
}

/* Milliseconds until this stream wants a turn; -1: only an event can move it. */
static int timeout_of(const struct stream *stream)
{
	bool output_waits = !is_drained(&stream->output) && !wants_output(stream, &stream->output);
	bool errors_wait = !is_drained(&stream->errors) && !wants_output(stream, &stream->errors);

	if (stream->output.rest_until_ms)
		return TERMINAL_REST_MS;
	if (!stream->exited || output_waits || errors_wait)
		return -1;
	return stream->kind == STREAM_TERMINAL ? TERMINAL_SETTLE_MS / 2 : 0;
}

int stream_timeout_ms(void)
{
	int soonest = -1;

	for (int i = 0; i < top; i++) {
		int timeout = streams[i] ? timeout_of(streams[i]) : -1;

		if (timeout >= 0 && (soonest < 0 || timeout < soonest))
			soonest = timeout;
	}
	return soonest;
}
