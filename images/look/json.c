// SPDX-License-Identifier: Apache-2.0
#include "look.h"

#include <stdio.h>

static bool comma;

static void separate(void)
{
	if (comma)
		putchar(',');
	comma = true;
}

void json_open(char bracket)
{
	separate();
	putchar(bracket);
	comma = false;
}

void json_close(char bracket)
{
	putchar(bracket);
	comma = true;
}

static void quoted(const char *text)
{
	putchar('"');
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			printf("\\%c", *p);
		else if (*p < 0x20)
			printf("\\u%04x", *p);
		else
			putchar(*p);
	}
	putchar('"');
}

void json_key(const char *key)
{
	separate();
	quoted(key);
	putchar(':');
	comma = false;
}

void json_string(const char *text)
{
	separate();
	quoted(text);
}

void json_number(long long number)
{
	separate();
	printf("%lld", number);
}

void json_bool(bool value)
{
	separate();
	fputs(value ? "true" : "false", stdout);
}
