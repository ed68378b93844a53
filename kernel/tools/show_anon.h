/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the records of files that only a descriptor leads to. Their bodies have been found to be whole. */
#ifndef SHOW_ANON_H
#define SHOW_ANON_H

#include <stdbool.h>

#include "image.h"

/* The fields of a JSON object, or the rest of a line; false: the record is none of these. */
bool show_anon_json(const struct record *record);
bool show_anon_text(const struct record *record);

#endif
