// SPDX-License-Identifier: Apache-2.0
/*
 * The pid of one who has ended is taken until its parent has waited for it. A
 * restart gives the parent time, and says what is the matter if it takes none.
 * The same holds for a pid that is but the id of a group of such, and for one
 * who has been killed, but has had no CPU to end on.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-pidreuse.img"
#define RUNS	"/tmp/selftest-pidreuse.runs"

static const char *pid_path(void)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/pidreuse.pid", scratch);
	return path;
}

static void slow_parent_body(void)
{
	pid_t child = fork();
	FILE *out;

	if (child == 0)
		for (;;)
			pause();
	out = fopen(pid_path(), "w");
	if (!out || fprintf(out, "%d", child) < 0 || fclose(out) < 0)
		_exit(1);
	pause_here();
	verify(waitpid(child, NULL, 0) == child, "the parent waits at last");
}

/* @how: --detach, or --pidfile=FILE: it is the parent, and says so when the tree runs. */
static pid_t restart_meanwhile(const char *how)
{
	char output[4096];
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		status = RUN(output, restart_path, "-i", IMAGE, how);
		if (*output)
			tap_diag("restart: %s", output);
		_exit(status);
	}
	/* Most likely it has found the pid taken by then. */
	usleep(300000);
	return pid;
}

static void slow_parent(void)
{
	char output[4096], pid[16] = "";
	struct subject s;
	pid_t restart;
	int status;
	FILE *in;

	if (!subject_start(&s, "slow parent", slow_parent_body))
		return;
	in = fopen(pid_path(), "r");
	if (!in || !fgets(pid, sizeof(pid), in))
		tap_diag("no pid in %s", pid_path());
	status = RUN(output, checkpoint_path, "-o", IMAGE, "--kill", pid);
	tap_ok(status == 0, "checkpoint of a child, and its end (%d: %s)", status, output);

	status = RUN(output, restart_path, "-i", IMAGE, "--detach");
	tap_ok(status == 1 && strstr(output, "has not waited for it"), "a parent that does not wait is named: %s", output);

	restart = restart_meanwhile("--detach");
	subject_finish(&s);
	waitpid(restart, &status, 0);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a restart waits for a parent to wait");
	kill(atoi(pid), SIGKILL);
	tap_ok(wait_gone(atoi(pid)), "the restored one ends");
	unlink(pid_path());
}

static pid_t member_of(pid_t group)
{
	pid_t pid = fork();

	if (pid == 0) {
		close_range(0, ~0U, 0);
		for (;;)
			pause();
	}
	setpgid(pid, group);
	return pid;
}

/* Of a tree that is killed each leaves when init comes to it: a member of a group may be later than its leader. */
static void slow_group(bool detach)
{
	const char *how = detach ? "--detach" : "--pidfile=" RUNS;
	pid_t leader = member_of(0), member = member_of(leader), restart;
	char output[4096], pid[16], named[32];
	int status;

	snprintf(pid, sizeof(pid), "%d", leader);
	snprintf(named, sizeof(named), "(pid %d)", member);
	status = RUN(output, checkpoint_path, "-o", IMAGE, "--kill", pid);
	tap_ok(status == 0, "checkpoint of a group's leader, and its end (%d: %s)", status, output);
	if (status)
		kill(leader, SIGKILL);
	waitpid(leader, NULL, 0);

	status = RUN(output, restart_path, "-i", IMAGE, "--detach");
	tap_ok(status == 1 && strstr(output, "process group") && strstr(output, named),
	       "who keeps a group alive is named: %s", output);

	kill(member, SIGKILL);
	restart = restart_meanwhile(how);
	waitpid(member, NULL, 0);
	if (!detach) {
		while (access(RUNS, F_OK) < 0 && waitpid(restart, &status, WNOHANG) == 0)
			usleep(1000);
		unlink(RUNS);
		kill(leader, SIGKILL);
	}
	waitpid(restart, &status, 0);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == (detach ? 0 : 128 + SIGKILL),
	       "a restart%s waits for the rest of a group to go", detach ? "" : " that is the parent");
	kill(leader, SIGKILL);
	tap_ok(wait_gone(leader), "the restored leader ends");
}

/* Nobody else runs on @cpu for most of a second. */
static pid_t take_cpu(const cpu_set_t *cpu)
{
	const struct sched_param first = { .sched_priority = 1 };
	struct timespec start, now;
	int ends[2];
	pid_t pid;
	char byte;

	if (pipe(ends) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (sched_setaffinity(0, sizeof(*cpu), cpu) < 0 || sched_setscheduler(0, SCHED_FIFO, &first) < 0)
			_exit(1);
		clock_gettime(CLOCK_MONOTONIC, &start);
		if (write(ends[1], "", 1) != 1)
			_exit(1);
		do
			clock_gettime(CLOCK_MONOTONIC, &now);
		while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 800);
		_exit(0);
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		tap_diag("the CPU cannot be taken");
	close(ends[0]);
	return pid;
}

static void just_killed(void)
{
	pid_t pid = member_of(0), busy, restart;
	char output[4096], text[16];
	int status, cpu = 0;
	cpu_set_t mine, one;

	sched_getaffinity(0, sizeof(mine), &mine);
	while (!CPU_ISSET(cpu, &mine))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(pid, sizeof(one), &one);
	snprintf(text, sizeof(text), "%d", pid);
	status = RUN(output, checkpoint_path, "-o", IMAGE, text);
	tap_ok(status == 0, "checkpoint of one that runs on (%d: %s)", status, output);
	CPU_CLR(cpu, &mine);
	if (CPU_COUNT(&mine))	/* else it waits as well */
		sched_setaffinity(0, sizeof(mine), &mine);
	busy = take_cpu(&one);
	kill(pid, SIGKILL);
	restart = restart_meanwhile("--detach");
	waitpid(pid, NULL, 0);
	waitpid(restart, &status, 0);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a restart waits for who is killed to end");
	waitpid(busy, NULL, 0);
	kill(pid, SIGKILL);
	tap_ok(wait_gone(pid), "the restored one ends");
}

int main(void)
{
	need_checkpoint();
	just_killed();
	slow_parent();
	slow_group(true);
	slow_group(false);
	unlink(IMAGE);
	return tap_done();
}
