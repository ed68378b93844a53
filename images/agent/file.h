/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing files as streams. */
#ifndef CRLAB_FILE_H
#define CRLAB_FILE_H

#include "payload.h"
#include "stream.h"

void file_read(uint32_t id, struct payload *payload);
void file_write(uint32_t id, struct payload *payload);

#endif
