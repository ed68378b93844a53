/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways ckptinfo tells what is in a record: for programs and for people. */
#ifndef SHOW_H
#define SHOW_H

#include "image.h"

/* One JSON object inside an array. */
void show_json(const struct record *record);
void show_header_json(const struct ckpt_header *header);

/* A line or a few; memory and registers are told in short. */
void show_text(const struct record *record);

/* Bytes of an image for a terminal: what is not printable becomes \xNN. */
void show_printable(const char *text);

/* "path", "anon", ...; NULL if unknown. */
const char *file_kind(uint32_t kind);
const char *owner_type(uint32_t type);
const char *lock_kind(uint32_t kind);
const char *lock_type(uint32_t type);
const char *vma_kind(uint32_t kind);
const char *tracker_name(uint32_t tracker);
const char *extent_kind(uint32_t kind);
const char *vma_flag(unsigned int bit);
const char *restart_kind(uint32_t kind);

#endif
