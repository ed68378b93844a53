// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *lab_name;
static volatile sig_atomic_t verify_asked;
static bool progress_due;
static unsigned int restarts;
static unsigned long long born;	/* the kernel's number of this process */
static struct timespec next_beat;
static time_t last_progress;

static void on_usr1(int sig)
{
	(void)sig;
	verify_asked = 1;
}

static void print_line(const char *head, const char *fmt, va_list ap)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s: ", head);

	n += vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDOUT_FILENO, line, n) < 0)
		return;
}

void lab_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line(lab_name, fmt, ap);
	va_end(ap);
}

void lab_verdict(bool ok, const char *fmt, ...)
{
	char text[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (restarts)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "; restarts seen: %u", restarts);

	char line[1024];
	int n = snprintf(line, sizeof(line), "verify: %s %s\n", ok ? "ok" : "FAIL", text);
	if (write(STDOUT_FILENO, line, n) < 0)
		return;
}

static void usage(FILE *to, const char *about, const struct lab_option *options)
{
	fprintf(to, "usage: %s [OPTION]...\n%s\n\n", lab_name, about);
	for (const struct lab_option *o = options; o && o->name; o++)
		fprintf(to, "  %s%s  %s\n", o->name, o->flag ? "" : o->number ? " N" : " WORD", o->what);
	fprintf(to, "\nRuns until it is ended; SIGUSR1 makes it verify itself.\n");
}

static void parse(const char *about, const struct lab_option *options, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const struct lab_option *o = options;
		char *value = strchr(argv[i], '=');

		if (!strcmp(argv[i], "--help")) {
			usage(stdout, about, options);
			exit(0);
		}
		if (value)
			*value++ = '\0';
		while (o && o->name && strcmp(o->name, argv[i]))
			o++;
		if (!o || !o->name) {
			usage(stderr, about, options);
			exit(2);
		}
		if (o->flag) {
			*o->flag = true;
			continue;
		}
		if (!value && i + 1 < argc)
			value = argv[++i];
		if (!value) {
			fprintf(stderr, "%s: %s needs a value\n", lab_name, o->name);
			exit(2);
		}
		if (o->word) {
			*o->word = value;
			continue;
		}
		char *end;

		*o->number = strtol(value, &end, 10);
		if (*end || end == value || *o->number < o->min || *o->number > o->max) {
			fprintf(stderr, "%s: %s %s: give a number from %ld to %ld\n", lab_name, o->name, value, o->min,
				o->max);
			exit(2);
		}
	}
}

/*
 * A restored process is a new one to the kernel: pid and start time are the old
 * ones, but the inode of its pidfd is one that no process has had before.
 */
static unsigned long long kernels_number(void)
{
	int fd = syscall(SYS_pidfd_open, getpid(), 0);
	struct stat st = { };

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		st.st_ino = 0;
	close(fd);
	return st.st_ino;
}

void lab_start(const char *name, const char *about, const struct lab_option *options, int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_usr1, .sa_flags = SA_RESTART };

	lab_name = name;
	parse(about, options, argc, argv);
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	born = kernels_number();
	clock_gettime(CLOCK_MONOTONIC, &next_beat);
	lab_say("ready, pid %d", getpid());
}

static void look_for_restart(void)
{
	unsigned long long now = kernels_number();

	if (now && born && now != born) {
		restarts++;
		lab_say("continuing after restart");
	}
	if (now)
		born = now;
}

void lab_beat(long rate)
{
	struct timespec now;

	next_beat.tv_nsec += 1000000000L / rate;
	if (next_beat.tv_nsec >= 1000000000L) {
		next_beat.tv_nsec -= 1000000000L;
		next_beat.tv_sec++;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* Fell behind, or another machine's clock: beat on from here. */
	if (now.tv_sec > next_beat.tv_sec + 1 || next_beat.tv_sec > now.tv_sec + 2)
		next_beat = now;
	if (!verify_asked)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next_beat, NULL);
	clock_gettime(CLOCK_MONOTONIC, &now);
	progress_due = now.tv_sec != last_progress;
	last_progress = now.tv_sec;
	if (progress_due || verify_asked)
		look_for_restart();
}

bool lab_progress_due(void)
{
	return progress_due;
}

bool lab_verify_due(void)
{
	bool asked = verify_asked;

	verify_asked = 0;
	return asked;
}

unsigned int lab_restarts(void)
{
	return restarts;
}

uint64_t lab_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

void lab_fill(uint64_t *words, size_t nr, uint64_t seed)
{
	for (size_t i = 0; i < nr; i++)
		words[i] = lab_mix(seed + i * 0x9e3779b97f4a7c15ULL);
}

bool lab_filled(const uint64_t *words, size_t nr, uint64_t seed)
{
	for (size_t i = 0; i < nr; i++)
		if (words[i] != lab_mix(seed + i * 0x9e3779b97f4a7c15ULL))
			return false;
	return true;
}
