// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <stdio.h>
#include <string.h>

static bool first = true;

static void begin(const char *key)
{
	if (!first)
		putchar(',');
	first = false;
	if (key)
		printf("\"%s\":", key);
}

void json_open(const char *key, char bracket)
{
	begin(key);
	putchar(bracket);
	first = true;
}

void json_close(char bracket)
{
	putchar(bracket);
	first = false;
}

void json_number(const char *key, uint64_t n)
{
	begin(key);
	printf("%llu", (unsigned long long)n);
}

void json_signed(const char *key, int64_t n)
{
	begin(key);
	printf("%lld", (long long)n);
}

void json_bool(const char *key, bool b)
{
	begin(key);
	fputs(b ? "true" : "false", stdout);
}

void json_null(const char *key)
{
	begin(key);
	fputs("null", stdout);
}

void json_hex(const char *key, uint64_t n)
{
	begin(key);
	printf("\"0x%llx\"", (unsigned long long)n);
}

void json_digits(const char *key, uint64_t n)
{
	begin(key);
	printf("\"%llu\"", (unsigned long long)n);
}

void json_signed_digits(const char *key, int64_t n)
{
	begin(key);
	printf("\"%lld\"", (long long)n);
}

void json_bytes(const char *key, const void *bytes, size_t len)
{
	begin(key);
	putchar('"');
	for (size_t i = 0; i < len; i++)
		printf("%02x", ((const unsigned char *)bytes)[i]);
	putchar('"');
}

/*
 * Length of the UTF-8 character at @p, or minus the bytes that one U+FFFD
 * stands for (the longest start of a character, as WHATWG's decoder has it).
 */
static int character(const unsigned char *p, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	int need;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return -1;
	need = p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
	if (p[0] == 0xe0)
		low = 0xa0;
	if (p[0] == 0xed)
		high = 0x9f;
	if (p[0] == 0xf0)
		low = 0x90;
	if (p[0] == 0xf4)
		high = 0x8f;
	for (int i = 1; i <= need; i++) {
		if ((size_t)i >= left || p[i] < low || p[i] > high)
			return -i;
		low = 0x80;
		high = 0xbf;
	}
	return need + 1;
}

void json_text(const char *key, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	begin(key);
	putchar('"');
	while (len) {
		int n = character(p, len);

		if (n < 0) {
			fputs("\xef\xbf\xbd", stdout);
			n = -n;
		} else if (*p == '"' || *p == '\\') {
			printf("\\%c", *p);
		} else if (*p < ' ') {
			printf("\\u%04x", *p);
		} else {
			fwrite(p, 1, n, stdout);
		}
		p += n;
		len -= n;
	}
	putchar('"');
}

void json_string(const char *key, const char *text)
{
	json_text(key, text, strlen(text));
}
