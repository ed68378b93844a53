// SPDX-License-Identifier: Apache-2.0
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port.h"

/* O_NONBLOCK: opening a FIFO must not stop the agent; regular files ignore it. */
#define COMMON_FLAGS (O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

void file_read(uint32_t id, struct payload *payload)
{
	uint32_t window = payload_u32(payload);
	const char *path = payload_string(payload);
	struct stream *stream;

	if (!payload_is_whole(payload)) {
		port_send_error(id, EINVAL, "malformed read request");
		return;
	}
	stream = stream_new(id, STREAM_READ);
	if (!stream)
		return;
	stream->output.fd = open(path, O_RDONLY | COMMON_FLAGS);
	stream->output.credit = window;
	if (stream->output.fd < 0) {
		port_send_error(id, errno, "open %.300s: %s", path, strerror(errno));
		stream_free(stream);
		return;
	}
}

void file_write(uint32_t id, struct payload *payload)
{
	uint32_t mode = payload_u32(payload);
	const char *path = payload_string(payload);
	struct stream *stream;
	int fd;

	if (!payload_is_whole(payload)) {
		port_send_error(id, EINVAL, "malformed write request");
		return;
	}
	stream = stream_new(id, STREAM_WRITE);
	if (!stream)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | COMMON_FLAGS, mode & 07777);
	if (fd < 0 || fchmod(fd, mode & 07777) < 0) {
		port_send_error(id, errno, "open %.300s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		stream_free(stream);
		return;
	}
	stream_accept_input(stream, fd);
}
