// SPDX-License-Identifier: Apache-2.0
#include "port.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Output queue: data frames stop at OUT_DATA_LIMIT, the rest is for small frames. */
#define OUT_BYTES (256 * 1024)
#define OUT_DATA_LIMIT (128 * 1024)
/* No frame is taken in while an answer to it might not fit. */
#define OUT_REPLY_ROOM (16 * 1024)

#define IN_BYTES (sizeof(struct wire_header) + WIRE_MAX_PAYLOAD)

/* Taken in before anybody else has a turn. */
#define IN_TURN (128 * 1024)

static int fd = -1;
static bool hung_up;

static uint8_t out[OUT_BYTES];
static size_t out_begin, out_end;

static uint8_t in[IN_BYTES];
static size_t in_begin, in_end;
static bool lost;	/* skipping to the next hello */
static bool stalled;	/* frames were left unread for want of output room */

static bool port_is_named(const char *entry, const char *name)
{
	char path[300], text[64] = "";
	ssize_t length;
	int file;

	snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	length = read(file, text, sizeof(text) - 1);
	close(file);
	if (length < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, name) == 0;
}

static bool find_port(const char *name, char *path, size_t size)
{
	DIR *ports = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	bool found = false;

	if (!ports)
		return false;
	while (!found && (entry = readdir(ports))) {
		if (entry->d_name[0] == '.' || !port_is_named(entry->d_name, name))
			continue;
		snprintf(path, size, "/dev/%s", entry->d_name);
		found = true;
	}
	closedir(ports);
	return found;
}

void port_open(const char *name)
{
	char path[300];

	/* The device may be probed after init has started. */
	while (fd < 0) {
		if (find_port(name, path, sizeof(path)))
			fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			usleep(10 * 1000);
	}
}

int port_fd(void)
{
	return fd;
}

bool port_is_hung_up(void)
{
	return hung_up;
}

static size_t out_room(void)
{
	return OUT_BYTES - (out_end - out_begin);
}

static bool may_take_frame(void)
{
	return out_room() >= OUT_REPLY_ROOM;
}

short port_events(void)
{
	short events = 0;

	if (out_end > out_begin)
		events |= POLLOUT;
	if (may_take_frame())
		events |= POLLIN;
	return events;
}

bool port_has_backlog(void)
{
	return stalled && may_take_frame();
}

static void compact_output(void)
{
	memmove(out, out + out_begin, out_end - out_begin);
	out_end -= out_begin;
	out_begin = 0;
}

static void write_out(void)
{
	while (out_begin < out_end) {
		ssize_t written = write(fd, out + out_begin, out_end - out_begin);

		if (written <= 0)
			break;	/* full, or nobody there: poll tells when to go on */
		out_begin += (size_t)written;
	}
	if (out_begin == out_end)
		out_begin = out_end = 0;
}

void port_push(void)
{
	if (!hung_up)
		write_out();
}

void port_flush(void)
{
	while (out_begin < out_end) {
		struct pollfd wait = { .fd = fd, .events = POLLOUT };

		write_out();
		if (out_begin < out_end && (poll(&wait, 1, 1000) <= 0 || (wait.revents & POLLHUP)))
			return;
	}
}

void port_discard_output(void)
{
	out_begin = out_end = 0;
}

void port_send(enum wire_type type, uint8_t channel, uint32_t stream, const void *payload, size_t length)
{
	struct wire_header header = {
		.length = (uint32_t)length, .type = (uint8_t)type, .channel = channel, .stream = stream,
	};

	if (sizeof(header) + length > OUT_BYTES - out_end)
		compact_output();
	if (sizeof(header) + length > OUT_BYTES - out_end)
		return;	/* cannot happen while callers keep to the room they were given */
	memcpy(out + out_end, &header, sizeof(header));
	if (length)
		memcpy(out + out_end + sizeof(header), payload, length);
	out_end += sizeof(header) + length;
}

void port_send_error(uint32_t stream, int error, const char *format, ...)
{
	struct {
		uint32_t error;
		char text[500];
	} payload = { .error = (uint32_t)error };
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(payload.text, sizeof(payload.text), format, arguments);
	va_end(arguments);
	if (length < 0)
		length = 0;
	if ((size_t)length >= sizeof(payload.text))
		length = sizeof(payload.text) - 1;
	port_send(WIRE_ERROR, 0, stream, &payload, sizeof(payload.error) + (size_t)length);
}

size_t port_room_for_data(void)
{
	size_t used = out_end - out_begin;

	if (used + sizeof(struct wire_header) + WIRE_MAX_DATA > OUT_DATA_LIMIT)
		return 0;
	return WIRE_MAX_DATA;
}

uint8_t *port_data_space(void)
{
	if (OUT_BYTES - out_end < sizeof(struct wire_header) + WIRE_MAX_DATA)
		compact_output();
	return out + out_end + sizeof(struct wire_header);
}

void port_commit_data(uint8_t channel, uint32_t stream, size_t length)
{
	struct wire_header header = {
		.length = (uint32_t)length, .type = WIRE_DATA, .channel = channel, .stream = stream,
	};

	memcpy(out + out_end, &header, sizeof(header));
	out_end += sizeof(header) + length;
}

/* Where a hello begins at or after in_begin, or where one could still begin. */
static bool find_hello(void)
{
	static const struct wire_header hello = { .length = WIRE_MARK_BYTES + 2, .type = WIRE_HELLO };
	uint8_t pattern[sizeof(hello) + WIRE_MARK_BYTES];
	uint8_t *found;

	memcpy(pattern, &hello, sizeof(hello));
	memcpy(pattern + sizeof(hello), WIRE_MARK, WIRE_MARK_BYTES);
	found = memmem(in + in_begin, in_end - in_begin, pattern, sizeof(pattern));
	if (found) {
		in_begin = (size_t)(found - in);
		return true;
	}
	if (in_end - in_begin >= sizeof(pattern))
		in_begin = in_end - (sizeof(pattern) - 1);
	return false;
}

static bool is_well_formed(const struct wire_header *header)
{
	return header->length <= WIRE_MAX_PAYLOAD && header->zero == 0 && header->channel <= WIRE_ERRORS;
}

static void take_frames(port_handler *handle)
{
	struct wire_header header;

	stalled = false;
	for (;;) {
		if (lost && !find_hello())
			return;
		lost = false;
		if (in_end - in_begin < sizeof(header))
			return;
		memcpy(&header, in + in_begin, sizeof(header));
		if (!is_well_formed(&header)) {
			port_send_error(0, EPROTO, "malformed frame: length %u, type %u; say hello to go on",
					header.length, header.type);
			lost = true;
			continue;
		}
		if (in_end - in_begin < sizeof(header) + header.length)
			return;
		if (!may_take_frame()) {
			stalled = true;
			return;
		}
		in_begin += sizeof(header) + header.length;
		handle(&header, in + in_begin - header.length);
	}
}

static void read_in(void)
{
	ssize_t got;

	if (in_begin == in_end)
		in_begin = in_end = 0;
	if (in_end == IN_BYTES) {
		memmove(in, in + in_begin, in_end - in_begin);
		in_end -= in_begin;
		in_begin = 0;
	}
	/* The device hands out a page at a time. */
	for (size_t taken = 0; taken < IN_TURN && in_end < IN_BYTES; taken += (size_t)got) {
		got = read(fd, in + in_end, IN_BYTES - in_end);
		if (got <= 0)
			break;
		in_end += (size_t)got;
	}
}

void port_service(short revents, port_handler *handle)
{
	bool here = !(revents & POLLHUP);

	if (!here) {
		/* The runner went away, perhaps in the middle of a frame. */
		in_begin = in_end = 0;
		port_discard_output();
		lost = false;
	}
	hung_up = !here;
	if (!here)
		return;
	if (revents & POLLOUT)
		write_out();
	if ((revents & POLLIN) && may_take_frame())
		read_in();
	take_frames(handle);
	write_out();
}
