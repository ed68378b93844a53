/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the records of pseudo terminals. Their bodies have been found to be whole. */
#ifndef SHOW_TTY_H
#define SHOW_TTY_H

#include <stdbool.h>

#include "image.h"

/* The fields of a JSON object, or the rest of a line; false: the record is none of these. */
bool show_tty_json(const struct record *record);
bool show_tty_text(const struct record *record);

#endif
