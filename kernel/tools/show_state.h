/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel times, counts and schedules of a task, and what it may call. Their bodies have been found to be whole. */
#ifndef SHOW_STATE_H
#define SHOW_STATE_H

#include <stdbool.h>

#include "image.h"

/* The fields of a JSON object, or the rest of a line; false: the record is none of these. */
bool show_state_json(const struct record *record);
bool show_state_text(const struct record *record);

#endif
