/* SPDX-License-Identifier: Apache-2.0 */
/* Images with something wrong in them: one field that the test names, or any bit. The checksum is made right again. */
#ifndef MUTATE_H
#define MUTATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The whole of it: an image of what @body has, to which @damage does all that it names, and in which @nr bits are then
 * flipped, one at a time, in records of the types that @is_about: each is refused in words, or restarts. The good one
 * still restarts.
 */
void mutate_round(const char *name, void (*body)(void), void (*damage)(void), bool (*is_about)(uint32_t type), int nr);

/* ---- in @damage ---- */

/* Read an image, whose root process was @pid; for @damage it has been. */
bool load_image(const char *path, pid_t pid);
/* The body of the first record of @type that @fits (which may be NULL); NULL if there is none. */
void *record(uint32_t type, bool (*fits)(const void *body));
/* Write the image as it stands. */
void save_image(const char *path);
/* Restart the image as it stands; it must be refused with @words. */
void expect(const char *what, const char *words);

#define BAD_FIELD(field, value, what, words) do { \
	typeof(field) good = (field); \
	(field) = (value); \
	expect(what, words); \
	(field) = good; \
} while (0)

#endif
