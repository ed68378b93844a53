/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a frame's payload; every read is checked, the first failure sticks. */
#ifndef CRLAB_PAYLOAD_H
#define CRLAB_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct payload {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static inline struct payload payload_of(const uint8_t *bytes, size_t length)
{
	return (struct payload){ .at = bytes, .left = length };
}

static inline const uint8_t *payload_bytes(struct payload *p, size_t length)
{
	const uint8_t *bytes = p->at;

	if (p->bad || length > p->left) {
		p->bad = true;
		return NULL;
	}
	p->at += length;
	p->left -= length;
	return bytes;
}

static inline uint32_t payload_u32(struct payload *p)
{
	const uint8_t *bytes = payload_bytes(p, sizeof(uint32_t));
	uint32_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	return value;
}

static inline uint16_t payload_u16(struct payload *p)
{
	const uint8_t *bytes = payload_bytes(p, sizeof(uint16_t));
	uint16_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	return value;
}

static inline uint64_t payload_u64(struct payload *p)
{
	const uint8_t *bytes = payload_bytes(p, sizeof(uint64_t));
	uint64_t value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	return value;
}

/* A string is its length (without the NUL), its bytes, one NUL; it is used in place. */
static inline const char *payload_string(struct payload *p)
{
	uint32_t length = payload_u32(p);
	const uint8_t *bytes;

	if (length == UINT32_MAX) {
		p->bad = true;
		return "";
	}
	bytes = payload_bytes(p, (size_t)length + 1);
	if (!bytes || memchr(bytes, '\0', (size_t)length + 1) != bytes + length) {
		p->bad = true;
		return "";
	}
	return (const char *)bytes;
}

/* True when all of it was read and nothing was malformed. */
static inline bool payload_is_whole(const struct payload *p)
{
	return !p->bad && p->left == 0;
}

#endif
