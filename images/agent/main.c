// SPDX-License-Identifier: Apache-2.0
/*
 * crlab-agent: the guest's init, and the runner's hands in the guest.
 * One thread, one poll loop; nothing in it waits for a slow peer.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "init.h"
#include "payload.h"
#include "port.h"
#include "process.h"
#include "stream.h"

#define PORT_NAME "crlab.agent"
#define ENTROPY_BYTES 32

static void take_hello(struct payload *payload)
{
	const uint8_t *mark = payload_bytes(payload, WIRE_MARK_BYTES);
	uint16_t version = payload_u16(payload);
	uint32_t own_version = WIRE_VERSION;

	if (!payload_is_whole(payload) || memcmp(mark, WIRE_MARK, WIRE_MARK_BYTES) != 0) {
		port_send_error(0, EINVAL, "malformed hello");
		return;
	}
	stream_close_all();
	if (version != WIRE_VERSION)
		port_send_error(0, EPROTO, "protocol %u asked for, %u spoken: build the guest image again",
				version, WIRE_VERSION);
	else
		port_send(WIRE_READY, 0, 0, &own_version, sizeof(own_version));
}

static void set_clock(uint32_t id, struct payload *payload)
{
	uint64_t ns = payload_u64(payload);
	struct timespec now = { .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };

	if (!payload_is_whole(payload))
		port_send_error(id, EINVAL, "malformed clock request");
	else if (clock_settime(CLOCK_REALTIME, &now) < 0)
		port_send_error(id, errno, "set clock: %s", strerror(errno));
	else
		port_send(WIRE_DONE, 0, id, NULL, 0);
}

/* A clone of a saved guest must not share its random numbers with its siblings. */
static void add_entropy(uint32_t id, struct payload *payload)
{
	struct {
		struct rand_pool_info info;
		uint8_t bytes[ENTROPY_BYTES];
	} pool = { .info = { .entropy_count = ENTROPY_BYTES * 8, .buf_size = ENTROPY_BYTES } };
	const uint8_t *bytes = payload_bytes(payload, ENTROPY_BYTES);
	int fd;

	if (!payload_is_whole(payload)) {
		port_send_error(id, EINVAL, "malformed entropy request");
		return;
	}
	memcpy(pool.bytes, bytes, ENTROPY_BYTES);
	fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool) < 0 || ioctl(fd, RNDRESEEDCRNG) < 0)
		port_send_error(id, errno, "add entropy: %s", strerror(errno));
	else
		port_send(WIRE_DONE, 0, id, NULL, 0);
	if (fd >= 0)
		close(fd);
}

static void shut_down(uint32_t id)
{
	port_send(WIRE_DONE, 0, id, NULL, 0);
	port_flush();
	init_power_off();
}

static void take_window(struct stream *stream, uint8_t channel, struct payload *payload)
{
	uint32_t bytes = payload_u32(payload);

	if (payload_is_whole(payload))
		stream_take_window(stream, channel, bytes);
	else
		port_send_error(stream->id, EINVAL, "malformed window");
}

/* Frames that speak of an open stream. One that has just ended may still be spoken of. */
static void handle_stream_frame(const struct wire_header *header, struct payload *payload)
{
	struct stream *stream = stream_find(header->stream);

	if (!stream)
		return;
	switch (header->type) {
	case WIRE_DATA:
		stream_take_data(stream, payload->at, header->length);
		break;
	case WIRE_EOF:
		stream_take_eof(stream);
		break;
	case WIRE_WINDOW:
		take_window(stream, header->channel, payload);
		break;
	case WIRE_RESIZE:
		process_resize(stream, payload);
		break;
	case WIRE_CLOSE:
		stream_close(stream);
		break;
	}
}

static void handle_frame(const struct wire_header *header, const uint8_t *bytes)
{
	struct payload payload = payload_of(bytes, header->length);
	uint32_t id = header->stream;

	switch (header->type) {
	case WIRE_HELLO:
		take_hello(&payload);
		break;
	case WIRE_PING:
		port_send(WIRE_PONG, 0, id, bytes, header->length > 8 ? 8 : header->length);
		break;
	case WIRE_EXEC:
		process_exec(id, &payload);
		break;
	case WIRE_TERMINAL:
		process_terminal(id, &payload);
		break;
	case WIRE_SIGNAL:
		process_signal(id, &payload);
		break;
	case WIRE_READ_FILE:
		file_read(id, &payload);
		break;
	case WIRE_WRITE_FILE:
		file_write(id, &payload);
		break;
	case WIRE_WATCH:
		process_watch(id, &payload);
		break;
	case WIRE_SET_CLOCK:
		set_clock(id, &payload);
		break;
	case WIRE_ADD_ENTROPY:
		add_entropy(id, &payload);
		break;
	case WIRE_SHUTDOWN:
		shut_down(id);
		break;
	case WIRE_DATA:
	case WIRE_EOF:
	case WIRE_WINDOW:
	case WIRE_RESIZE:
	case WIRE_CLOSE:
		handle_stream_frame(header, &payload);
		break;
	default:
		port_send_error(id, ENOSYS, "unknown frame type %u", header->type);
	}
}

static int child_signals(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

#define HANGUP_RETRY_MS 20

int main(void)
{
	static struct pollfd polls[2 + MAX_STREAMS * POLLS_PER_STREAM];
	int signals;

	if (getpid() == 1)
		init_system();
	signals = child_signals();
	port_open(PORT_NAME);
	init_log("ready");
	for (;;) {
		int timeout = port_has_backlog() ? 0 : stream_timeout_ms();
		int count = 2 + stream_fill_polls(polls + 2);
		struct signalfd_siginfo waste;

		polls[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
		/* A port without a peer is always ready to say so: look again now and then instead. */
		polls[1] = (struct pollfd){ .fd = port_is_hung_up() ? -1 : port_fd(), .events = port_events() };
		if (port_is_hung_up() && (timeout < 0 || timeout > HANGUP_RETRY_MS))
			timeout = HANGUP_RETRY_MS;
		if (poll(polls, (nfds_t)count, timeout) < 0)
			continue;
		while (polls[0].revents && read(signals, &waste, sizeof(waste)) > 0)
			;
		process_reap();
		if (port_is_hung_up()) {
			struct pollfd port = { .fd = port_fd(), .events = POLLIN };

			poll(&port, 1, 0);
			polls[1].revents = port.revents;
		}
		port_service(polls[1].revents, handle_frame);
		stream_serve_polls(polls + 2);
		/* Not a turn later: who types waits for the echo. */
		port_push();
	}
}
