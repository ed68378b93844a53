/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON: commas and escapes are all there is to it. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* @key is NULL inside an array. */
void json_open(const char *key, char bracket);
void json_close(char bracket);
void json_number(const char *key, uint64_t n);
void json_signed(const char *key, int64_t n);
void json_bool(const char *key, bool b);
void json_null(const char *key);
/* Addresses and masks: "0x..."; times: decimal digits, for they do not fit a double. */
void json_hex(const char *key, uint64_t n);
void json_digits(const char *key, uint64_t n);
void json_signed_digits(const char *key, int64_t n);
void json_bytes(const char *key, const void *bytes, size_t len);
/* Bytes of any kind; what is not UTF-8 becomes U+FFFD, as a browser would show it. */
void json_text(const char *key, const char *text, size_t len);
void json_string(const char *key, const char *text);

#endif
