/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest channel's wire format; docs/guest-channel.md explains it, and
 * apps/runner/src/guest/frames.ts is the other end. All numbers little-endian.
 */
#ifndef CRLAB_WIRE_H
#define CRLAB_WIRE_H

#include <stdint.h>

#define WIRE_VERSION 2

/* A hello carries this mark, so that a receiver who lost its place finds it again. */
#define WIRE_MARK "\x00\xff" "crlab-agent" "\r\n\x1a"
#define WIRE_MARK_BYTES 16

/* The largest payload the agent accepts, and the largest data frame it sends. */
#define WIRE_MAX_PAYLOAD (1024 * 1024)
#define WIRE_MAX_DATA (32 * 1024)

/* Bytes the runner may send into a stream before the agent grants more. */
#define WIRE_INPUT_WINDOW (1024 * 1024)

struct wire_header {
	uint32_t length;	/* of the payload */
	uint8_t type;
	uint8_t channel;	/* of DATA, EOF and WINDOW: 0 input, 1 output, 2 errors */
	uint16_t zero;
	uint32_t stream;	/* chosen by the runner; 0 is the connection itself */
};

_Static_assert(sizeof(struct wire_header) == 12, "the header has no padding");

enum wire_channel {
	WIRE_INPUT = 0,
	WIRE_OUTPUT = 1,
	WIRE_ERRORS = 2,
};

enum wire_type {
	/* runner to agent */
	WIRE_HELLO = 1,
	WIRE_PING = 2,
	WIRE_EXEC = 3,
	WIRE_TERMINAL = 4,
	WIRE_RESIZE = 5,
	WIRE_SIGNAL = 6,
	WIRE_CLOSE = 7,
	WIRE_READ_FILE = 8,
	WIRE_WRITE_FILE = 9,
	WIRE_WATCH = 10,
	WIRE_SET_CLOCK = 11,
	WIRE_ADD_ENTROPY = 12,
	WIRE_SHUTDOWN = 13,

	/* both ways */
	WIRE_DATA = 32,
	WIRE_EOF = 33,
	WIRE_WINDOW = 34,

	/* agent to runner */
	WIRE_READY = 64,
	WIRE_PONG = 65,
	WIRE_STARTED = 66,
	WIRE_EXITED = 67,
	WIRE_DONE = 68,
	WIRE_ERROR = 69,
};

#endif
