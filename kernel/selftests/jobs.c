// SPDX-License-Identifier: Apache-2.0
/* Job control: groups and sessions without leader, stopped and continued children, vfork, zombies. */
/* covers: Tasks | process groups whose leader has ended | supported */
/* covers: Tasks | sessions whose leader has ended (daemons) | supported */
/* covers: Tasks | groups and sessions whose leader has ended, in a pid namespace of the tree | supported */
/* covers: Tasks | orphans and subreapers | supported */
/* covers: Tasks | stopped and continued children, told of and not | supported */
/* covers: Tasks | stopped processes with pending signals | supported */
/* covers: Tasks | zombies, with exit status or signal | supported */
/* covers: Tasks | vfork over and over | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

static volatile sig_atomic_t nr_sigchld, nr_sigcont;

static void on_sigchld(int sig)
{
	(void)sig;
	nr_sigchld++;
}

static void on_sigcont(int sig)
{
	(void)sig;
	nr_sigcont++;
}

static void sleep_forever(void)
{
	for (;;)
		pause();
}

static pid_t child(pid_t group)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, group);
		sleep_forever();
	}
	setpgid(pid, group);
	return pid;
}

/* The way of a pipeline whose first command has ended. */
static void group_without_leader(void)
{
	pid_t leader = fork(), member, other;

	if (leader == 0) {
		setpgid(0, 0);
		sleep_forever();
	}
	setpgid(leader, leader);
	member = child(leader);
	other = child(leader);
	kill(leader, SIGKILL);
	waitpid(leader, NULL, 0);
	pause_here();
	verify(getpgid(member) == leader && getpgid(other) == leader, "group %d without leader is that of its members: %d, %d",
	       leader, getpgid(member), getpgid(other));
	verify(kill(-leader, SIGTERM) == 0 && waitpid(member, NULL, 0) == member && waitpid(other, NULL, 0) == other,
	       "a signal to the group reaches both");
	verify(kill(-leader, 0) < 0 && errno == ESRCH, "and with them the group ends");
}

/* A daemon: its session has lost its leader, and a subreaper took it. */
static void session_without_leader(void)
{
	int ends[2];
	pid_t ids[3], leader;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (pipe(ends) < 0)
		return;
	leader = fork();
	if (leader == 0) {
		setsid();
		if (fork() == 0) {
			ids[0] = getpid();
			ids[1] = getsid(0);
			ids[2] = getpgid(0);
			if (write(ends[1], ids, sizeof(ids)) < 0)
				_exit(1);
			sleep_forever();
		}
		_exit(0);
	}
	waitpid(leader, NULL, 0);
	if (read(ends[0], ids, sizeof(ids)) != sizeof(ids))
		return;
	close(ends[0]);
	close(ends[1]);
	pause_here();
	verify(ids[1] == leader && getsid(ids[0]) == leader, "session %d without leader: %d", leader, getsid(ids[0]));
	verify(getpgid(ids[0]) == leader, "and its group: %d", getpgid(ids[0]));
	verify(getsid(0) != leader, "the rest of the tree has its own");
	kill(ids[0], SIGKILL);
	verify(waitpid(ids[0], NULL, 0) == ids[0], "the subreaper is its parent");
}

/* The same in a pid namespace of the tree, with the numbers that its ids have there. */
static void in_namespace(void (*body)(void))
{
	int status = -1;
	pid_t init;

	if (unshare(CLONE_NEWPID) < 0)
		return;
	init = fork();
	if (init == 0) {
		body();
		_exit(0);
	}
	verify(waitpid(init, &status, 0) == init && status == 0, "the first process of the namespace has ended: 0x%x",
	       status);
}

static void group_in_namespace(void)
{
	in_namespace(group_without_leader);
}

static void session_in_namespace(void)
{
	in_namespace(session_without_leader);
}

/* Continued, it tells its parent before it sleeps again. */
static void wait_asleep(pid_t pid)
{
	char path[64], stat[256], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		FILE *f = fopen(path, "re");

		usleep(1000);
		if (!f || !fgets(stat, sizeof(stat), f))
			return;
		fclose(f);
		end = strrchr(stat, ')');
	} while (end && end[2] != 'S');
}

static void stopped_children(void)
{
	struct sigaction chld = { .sa_handler = on_sigchld };
	pid_t told, untold, continued;
	int status = 0;

	told = child(0);
	kill(told, SIGTSTP);
	waitpid(told, &status, WUNTRACED);
	untold = child(0);
	kill(untold, SIGTTIN);
	siginfo_t info;
	waitid(P_PID, untold, &info, WSTOPPED | WNOWAIT);
	continued = child(0);
	kill(continued, SIGSTOP);
	waitpid(continued, &status, WUNTRACED);
	kill(continued, SIGCONT);
	waitid(P_PID, continued, &info, WCONTINUED | WNOWAIT);
	wait_asleep(continued);
	sigaction(SIGCHLD, &chld, NULL);
	nr_sigchld = 0;
	pause_here();
	verify(nr_sigchld == 0, "no SIGCHLD for a stop that was told of before (%d came)", (int)nr_sigchld);
	verify(waitpid(told, &status, WUNTRACED | WNOHANG) == 0, "wait(2) does not tell of a stop again");
	verify(waitpid(untold, &status, WUNTRACED | WNOHANG) == untold && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN,
	       "it tells of one that it has not told of, with its signal (status 0x%x)", status);
	verify(waitpid(untold, &status, WUNTRACED | WNOHANG) == 0, "once");
	verify(waitpid(continued, &status, WCONTINUED | WNOHANG) == continued && WIFCONTINUED(status),
	       "it tells of a child that was continued");
	kill(told, SIGCONT);
	verify(waitpid(told, &status, WCONTINUED) == told && WIFCONTINUED(status), "a stopped child can be continued");
	kill(told, SIGKILL);
	kill(untold, SIGKILL);
	kill(continued, SIGKILL);
	while (wait(NULL) > 0)
		;
}

/* A signal that will end it is for later. */
static void stopped_with_signals(void)
{
	pid_t pid = child(0);
	int status = 0;

	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGUSR1);
	kill(pid, SIGWINCH);
	pause_here();
	verify(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0, "it is still stopped");
	kill(pid, SIGCONT);
	verify(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1,
	       "then the signal ends it (0x%x)", status);
}

/* All threads of a stopped process stand still, and go on together. */
static void stopped_while_sleeping(void)
{
	struct sigaction cont = { .sa_handler = on_sigcont };
	int ends[2], status;
	pid_t pid;
	char byte = 0;

	if (pipe(ends) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		struct timespec moment = { .tv_nsec = 1000000 };

		sigaction(SIGCONT, &cont, NULL);
		raise(SIGSTOP);
		while (!nr_sigcont)
			nanosleep(&moment, NULL);
		byte = 'c';
		_exit(write(ends[1], &byte, 1) != 1);
	}
	waitpid(pid, &status, WUNTRACED);
	pause_here();
	kill(pid, SIGCONT);
	verify(read(ends[0], &byte, 1) == 1 && byte == 'c', "a stopped process sees SIGCONT and goes on");
	verify(waitpid(pid, &status, 0) == pid && status == 0, "and ends");
}

static void zombies(void)
{
	struct sigaction chld = { .sa_handler = on_sigchld };
	pid_t exited, killed;
	int status;
	siginfo_t info;

	exited = fork();
	if (exited == 0)
		_exit(37);
	killed = fork();
	if (killed == 0) {
		setpgid(0, 0);
		sleep_forever();
	}
	kill(killed, SIGUSR1);
	waitid(P_PID, exited, &info, WEXITED | WNOWAIT);
	waitid(P_PID, killed, &info, WEXITED | WNOWAIT);
	sigaction(SIGCHLD, &chld, NULL);
	nr_sigchld = 0;
	pause_here();
	verify(nr_sigchld == 0, "no SIGCHLD for children that ended before");
	verify(waitpid(exited, &status, WNOHANG) == exited && WIFEXITED(status) && WEXITSTATUS(status) == 37,
	       "exit status of a zombie");
	verify(waitpid(killed, &status, WNOHANG) == killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1,
	       "signal that ended a zombie");
}

/* A checkpoint waits for the child of a vfork() to get on. */
static void vforks(void)
{
	pid_t busy = fork();
	int status;

	if (busy == 0) {
		for (;;) {
			pid_t pid = vfork();

			if (pid == 0) {
				execl("/bin/true", "true", NULL);
				_exit(1);
			}
			waitpid(pid, &status, 0);
			if (status)
				_exit(2);
		}
	}
	pause_here();
	verify(waitpid(busy, &status, WNOHANG) == 0, "a process that calls vfork() over and over goes on");
	kill(busy, SIGKILL);
	waitpid(busy, NULL, 0);
}

int main(void)
{
	need_checkpoint();
	subject_round("group without leader", group_without_leader);
	subject_round("session without leader", session_without_leader);
	subject_round("group without leader, in a namespace", group_in_namespace);
	subject_round("session without leader, in a namespace", session_in_namespace);
	subject_round("stopped children", stopped_children);
	subject_round("stopped, a signal pending", stopped_with_signals);
	subject_round("stopped while sleeping", stopped_while_sleeping);
	subject_round("zombies", zombies);
	subject_round("vfork", vforks);
	return tap_done();
}
