// SPDX-License-Identifier: Apache-2.0
/*
 * A tree of processes with pipes between parents and children. A token goes
 * down to every process and comes up again with their number and what each
 * found of its own pid, parent, group and session.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_CHILDREN	2

struct token {
	uint64_t round;
	uint32_t processes;	/* that have seen it */
	uint32_t wrong;		/* that found something changed */
};

struct identity {
	pid_t pid, ppid, pgid, sid;
};

struct child {
	pid_t pid;
	int down, up;
};

static struct identity me;
static struct child children[MAX_CHILDREN];
static int nr_children;
static bool is_root = true;
static uint64_t last_round;

/* The root's parent is no part of the tree, and may be another after a restart. */
static struct identity identity(void)
{
	return (struct identity){ getpid(), is_root ? 0 : getppid(), getpgrp(), getsid(0) };
}

static bool pass(int fd, const struct token *token)
{
	ssize_t n;

	do
		n = write(fd, token, sizeof(*token));
	while (n < 0 && errno == EINTR);
	return n == sizeof(*token);
}

static bool take(int fd, struct token *token)
{
	ssize_t n;

	do
		n = read(fd, token, sizeof(*token));
	while (n < 0 && errno == EINTR);
	return n == sizeof(*token);
}

/* One round below and including this process; false if a pipe is broken. */
static bool go_round(struct token *token)
{
	struct identity now = identity();
	struct token part;

	for (int i = 0; i < nr_children; i++)
		if (!pass(children[i].down, token))
			return false;
	token->processes = 1;
	token->wrong = memcmp(&now, &me, sizeof(me)) != 0 || token->round != last_round + 1;
	last_round = token->round;
	for (int i = 0; i < nr_children; i++) {
		if (!take(children[i].up, &part))
			return false;
		token->processes += part.processes;
		token->wrong += part.wrong + (part.round != token->round);
	}
	return true;
}

/* Every third process leads a group, every fifth a session. */
static void settle(long number)
{
	if (number % 5 == 4)
		setsid();
	else if (number % 3 == 2)
		setpgid(0, 0);
}

/* Processes are numbered as in a heap: @number has the children 2n+1 and 2n+2. */
static void grow(long number, long total, int from_parent, int to_parent)
{
	for (long next = 2 * number + 1; next <= 2 * number + 2 && next < total; next++) {
		int down[2], up[2];
		struct child *child = &children[nr_children];

		if (pipe(down) < 0 || pipe(up) < 0) {
			perror("proctree: pipe");
			exit(1);
		}
		child->pid = fork();
		if (child->pid < 0) {
			perror("proctree: fork");
			exit(1);
		}
		if (child->pid == 0) {
			signal(SIGUSR1, SIG_IGN);
			is_root = false;
			for (int i = 0; i < nr_children; i++) {
				close(children[i].down);
				close(children[i].up);
			}
			nr_children = 0;
			if (from_parent >= 0)
				close(from_parent);
			if (to_parent >= 0)
				close(to_parent);
			close(down[1]);
			close(up[0]);
			settle(next);
			grow(next, total, down[0], up[1]);
		}
		close(down[0]);
		close(up[1]);
		child->down = down[1];
		child->up = up[0];
		nr_children++;
	}
	me = identity();
	if (from_parent < 0)
		return;
	for (struct token token; take(from_parent, &token);)
		if (!go_round(&token) || !pass(to_parent, &token))
			break;
	_exit(0);	/* the parent has gone */
}

int main(int argc, char **argv)
{
	long processes = 7, rate = 10;
	const struct lab_option options[] = {
		{ "--processes", "in the tree (7)", .number = &processes, .min = 1, .max = 10000 },
		{ "--rate", "rounds of the token a second (10)", .number = &rate, .min = 1, .max = 1000 },
		{ },
	};
	uint64_t wrong = 0;

	lab_start("proctree", "A tree of processes that pass a token, and can tell whether one of them is not as it was.",
		  options, argc, argv);
	grow(0, processes, -1, -1);
	lab_say("%ld processes", processes);
	for (;;) {
		struct token token = { .round = last_round + 1 };

		lab_beat(rate);
		if (!go_round(&token)) {
			lab_say("the tree is broken: %s", strerror(errno));
			lab_verdict(false, "a pipe is broken in round %llu", (unsigned long long)token.round);
			return 1;
		}
		wrong += token.wrong + (token.processes != processes);
		if (lab_progress_due())
			lab_say("round %llu, %u processes, %llu wrong", (unsigned long long)token.round, token.processes,
				(unsigned long long)wrong);
		if (lab_verify_due())
			lab_verdict(!wrong, "round %llu, %u of %ld processes, %llu wrong", (unsigned long long)token.round,
				    token.processes, processes, (unsigned long long)wrong);
	}
}
