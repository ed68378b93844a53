/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio-serial port: frames in, frames out, both bounded. */
#ifndef CRLAB_PORT_H
#define CRLAB_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* Find the port named `name` and open it; waits until it exists. */
void port_open(const char *name);

int port_fd(void);

/* poll(2) events the port waits for. */
short port_events(void);

/*
 * Move bytes after poll said `revents`; calls `handle` for each whole frame.
 * Malformed input is answered with an error and skipped up to the next hello.
 */
typedef void port_handler(const struct wire_header *header, const uint8_t *payload);
void port_service(short revents, port_handler *handle);

/* True while frames wait that were already read. */
bool port_has_backlog(void);

/* True when the runner is not there; poll must then leave the port out. */
bool port_is_hung_up(void);

/* Write what the port takes now. */
void port_push(void);

/* Write out everything queued, waiting if need be. */
void port_flush(void);

/* Forget everything queued: a new runner said hello. */
void port_discard_output(void);

/* Queue one small frame. Room is kept for these; see port_room_for_data. */
void port_send(enum wire_type type, uint8_t channel, uint32_t stream, const void *payload, size_t length);

/* Queue an error: errno value and a text that names the object. */
void port_send_error(uint32_t stream, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Bytes of data payload that may be queued now; 0 when the queue is full. */
size_t port_room_for_data(void);

/* Where the payload of a data frame may be written (port_room_for_data bytes), and its completion. */
uint8_t *port_data_space(void);
void port_commit_data(uint8_t channel, uint32_t stream, size_t length);

#endif
