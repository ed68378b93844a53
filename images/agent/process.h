/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, signalling and watching processes. */
#ifndef CRLAB_PROCESS_H
#define CRLAB_PROCESS_H

#include "payload.h"
#include "stream.h"

void process_exec(uint32_t id, struct payload *payload);
void process_terminal(uint32_t id, struct payload *payload);
void process_resize(struct stream *stream, struct payload *payload);
void process_signal(uint32_t id, struct payload *payload);
void process_watch(uint32_t id, struct payload *payload);

/* Reap whatever has ended, ours or orphaned. */
void process_reap(void);

#endif
