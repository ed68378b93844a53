// SPDX-License-Identifier: Apache-2.0
/* Pids, parents, groups, sessions, zombies; and a tree of many. */
/* covers: Tasks | process tree, sessions, process groups | supported */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

static void look(const char *who, pid_t pid, pid_t ppid, pid_t pgid, pid_t sid, bool any_parent)
{
	verify(getpid() == pid && getpgrp() == pgid && getsid(0) == sid && (any_parent || getppid() == ppid),
	       "%s: pid %d/%d parent %d/%d group %d/%d session %d/%d", who, getpid(), pid, getppid(), ppid, getpgrp(), pgid,
	       getsid(0), sid);
}

static void tree(void)
{
	pid_t kids[3];
	int status;

	for (int i = 0; i < 3; i++) {
		kids[i] = fork();
		if (kids[i] == 0) {
			if (i == 1)
				setpgid(0, 0);
			if (i == 2)
				setsid();
			pid_t pid = getpid(), ppid = getppid(), pgid = getpgrp(), sid = getsid(0);
			pid_t grandchild = fork();

			if (grandchild == 0) {
				pid_t me = getpid();

				wait_for_go();
				look("grandchild", me, pid, pgid, sid, false);
				_exit(i);
			}
			wait_for_go();
			look("child", pid, ppid, pgid, sid, false);
			waitpid(grandchild, &status, 0);
			_exit(WEXITSTATUS(status) == i ? 10 + i : 1);
		}
	}
	pid_t pid = getpid(), pgid = getpgrp(), sid = getsid(0);

	usleep(50000);
	pause_here();
	look("root", pid, 0, pgid, sid, true);
	for (int i = 0; i < 3; i++) {
		waitpid(kids[i], &status, 0);
		verify(WEXITSTATUS(status) == 10 + i, "child %d ends with its own status (0x%x)", i, status);
	}
}

static void zombies(void)
{
	int status;
	pid_t a = fork();

	if (a == 0)
		_exit(7);
	pid_t b = fork();

	if (b == 0) {
		raise(SIGKILL);
		_exit(0);
	}
	usleep(50000);
	pause_here();
	verify(waitpid(a, &status, 0) == a && WIFEXITED(status) && WEXITSTATUS(status) == 7, "one that ended with 7 (0x%x)", status);
	verify(waitpid(b, &status, 0) == b && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "one that was killed (0x%x)", status);
	verify(waitpid(-1, &status, 0) < 0, "there is no other child");
}

#define MANY 100

static void many(void)
{
	int status, good = 0;

	for (int i = 0; i < MANY; i++)
		if (fork() == 0) {
			pid_t ppid = getppid();

			wait_for_go();
			_exit(getppid() == ppid ? 0 : 1);
		}
	pause_here();
	while (wait(&status) > 0)
		good += status == 0;
	verify(good == MANY, "%d of %d children came back to their parent", good, MANY);
}

int main(void)
{
	need_checkpoint();
	subject_round("tree", tree);
	subject_round("zombies", zombies);
	subject_round("many", many);
	return tap_done();
}
