// SPDX-License-Identifier: Apache-2.0
/* A process whose first thread has ended, while others of it live. */
/* covers: Tasks | processes whose first thread has ended | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

/* State and name of a task, as others see them. */
static char state_of(pid_t pid, char *name)
{
	char path[64], stat[512], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, stat, sizeof(stat) - 1);
	close(fd);
	stat[n > 0 ? n : 0] = '\0';
	end = strrchr(stat, ')');
	if (!end)
		return 0;
	if (name) {
		*end = '\0';
		strcpy(name, strchr(stat, '(') + 1);
	}
	return end[2];
}

static void wait_for_end_of_leader(pid_t pid)
{
	while (state_of(pid, NULL) != 'Z')
		usleep(1000);
}

#define FIRST_TOLD	20
static int ends[2], back[2];
static pthread_key_t key;
static __thread int mine;
static int *shared;

static void *heir(void *arg)
{
	char c;

	mine = *(int *)arg;
	pthread_setspecific(key, &shared[mine]);
	while (read(ends[0], &c, 1) == 1 && c != 'q') {
		int answer = mine * 10 + (pthread_getspecific(key) == &shared[mine]) +
			     2 * (getpid() != syscall(SYS_gettid));

		if (write(back[1], &answer, sizeof(answer)) != sizeof(answer))
			_exit(1);
	}
	syscall(SYS_exit_group, 42);
	return NULL;
}

/* Two threads that share descriptors, memory and a handler outlive the first one. */
static void child_main(void)
{
	static int numbers[] = { 3, 4 };
	pthread_t thread;

	shared = calloc(10, sizeof(*shared));
	pthread_key_create(&key, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&thread, NULL, heir, &numbers[i]);
	pthread_setname_np(pthread_self(), "was-first");
	syscall(SYS_exit, 7);
}

static void of_a_child(void)
{
	char name[64] = "";
	int answer, status;
	bool ok = true;
	pid_t child;

	if (pipe(ends) < 0 || pipe(back) < 0)
		_exit(90);
	child = fork();
	if (child == 0)
		child_main();
	wait_for_end_of_leader(child);
	pause_here();
	verify(state_of(child, name) == 'Z' && !strcmp(name, "was-first"), "its first thread is a zombie, %s", name);
	verify(waitpid(child, &status, WNOHANG) == 0, "there is nothing to wait for yet");
	for (int i = 0; i < FIRST_TOLD; i++) {
		if (write(ends[1], "x", 1) != 1 || read(back[0], &answer, sizeof(answer)) != sizeof(answer))
			_exit(91);
		ok &= answer == 33 || answer == 43;
	}
	verify(ok, "its threads are who they were (%d)", answer);
	if (write(ends[1], "q", 1) != 1)
		_exit(92);
	verify(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 42,
	       "when the last one has ended, so has the process (status 0x%x)", status);
}

static volatile int signals;
static void count(int sig)
{
	(void)sig;
	signals++;
}

/* Signals of the process find a thread. */
static void *root_heir(void *unused)
{
	char name[64] = "";
	pid_t child;
	int status;

	wait_for_end_of_leader(getpid());
	pause_here();
	verify(state_of(getpid(), name) == 'Z', "its first thread is a zombie");
	verify(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1) == 0, "there is a thread of that id");
	kill(getpid(), SIGUSR2);
	for (int i = 0; i < 10000 && !signals; i++)
		usleep(1000);
	verify(signals == 1, "a signal of the process is handled (%d)", signals);
	child = fork();
	if (child == 0)
		_exit(getppid() == getpid() ? 1 : 5);
	verify(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 5, "it has children");
	finished();
	syscall(SYS_exit_group, 0);
	return unused;
}

static void of_the_root(void)
{
	pthread_t thread;

	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, count);
	pthread_create(&thread, NULL, root_heir, NULL);
	syscall(SYS_exit, 0);
}

/* The test waits until the subject sleeps; a first thread that has ended does not. */
static void as_root(void)
{
	pid_t inner = fork();

	if (inner == 0)
		of_the_root();
	wait_for_end_of_leader(inner);
	pause_here();
	while (waitpid(inner, NULL, 0) != inner && errno == EINTR)
		;
}

/* One of its threads that lives: to look at, as the first one tells nothing. */
static pid_t thread_of(const char *pid)
{
	char path[64];
	struct dirent *entry;
	pid_t found = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks)))
		if (atoi(entry->d_name) && strcmp(entry->d_name, pid))
			found = atoi(entry->d_name);
	if (tasks)
		closedir(tasks);
	return found;
}

static void checkpoint_inner(void)
{
	const char *image = "/ckpt/selftest-leader.img";
	char output[8192], pid[16];
	struct subject s = { .name = "root" };
	FILE *children;
	pid_t thread;
	int status;

	if (!subject_start(&s, "root", as_root))
		return;
	snprintf(output, sizeof(output), "/proc/%d/task/%d/children", s.pid, s.pid);
	children = fopen(output, "re");
	if (!children || fscanf(children, "%15s", pid) != 1)
		snprintf(pid, sizeof(pid), "0");
	if (children)
		fclose(children);
	thread = thread_of(pid);
	status = RUN(output, checkpoint_path, "-o", image, "--kill", pid);
	tap_ok(status == 0, "root: checkpoint of a tree whose root has lost its first thread: %s", output);
	kill(s.pid, SIGKILL);
	wait_gone(s.pid);
	s.pid = thread;
	if (status == 0 && wait_gone(s.pid) && subject_restart(&s, image, NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(image);
}

int main(void)
{
	need_checkpoint();
	subject_round("child", of_a_child);
	checkpoint_inner();
	return tap_done();
}
