// SPDX-License-Identifier: Apache-2.0
/*
 * A tree that is held after its checkpoint: it stays at rest until its holder
 * says what becomes of it, and goes on when the holder is gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/checkpoint.h>
#include "subject.h"
#include "tap.h"

static pid_t child;

static void body(void)
{
	static volatile int value = 4711;

	child = fork();
	if (child == 0)
		for (;;)
			pause();
	pause_here();
	verify(value == 4711 && kill(child, 0) == 0, "memory and child are there");
	kill(child, SIGKILL);
}

/* checkpoint --hold, its standard input at the end of *@tell; back when the tree is held. */
static pid_t hold(const struct subject *s, const char *image, int *tell)
{
	char pid_text[16];
	int ends[2];
	pid_t pid;

	snprintf(pid_text, sizeof(pid_text), "%d", s->pid);
	unlink(image);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(ends[0], 0);
		execl(checkpoint_path, "checkpoint", "--hold", "-o", image, pid_text, NULL);
		_exit(127);
	}
	close(ends[0]);
	*tell = ends[1];
	for (int i = 0; i < 60000 && !exists(image); i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return -1;
		usleep(1000);
	}
	return pid;
}

static bool ended_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_held(pid_t pid)
{
	char pid_text[16], output[4096];

	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	return RUN(output, checkpoint_path, "--dry-run", pid_text) != 0 && strstr(output, "under way");
}

static void let_go(const char *image)
{
	struct subject s;
	pid_t holder;
	int tell;

	if (!subject_start(&s, "let go", body))
		return;
	holder = hold(&s, image, &tell);
	tap_ok(holder > 0 && is_held(s.pid), "the tree is held when its image is complete");
	close(tell);
	tap_ok(ended_well(holder), "the end of its input lets it go");
	tap_ok(!is_held(s.pid), "it is held no more");
	subject_finish(&s);
	subject_end(&s);
}

static void holder_dies(const char *image)
{
	struct subject s;
	pid_t holder;
	int tell;

	if (!subject_start(&s, "holder dies", body))
		return;
	holder = hold(&s, image, &tell);
	tap_ok(holder > 0 && is_held(s.pid), "held again");
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	close(tell);
	tap_ok(!is_held(s.pid), "a holder that dies lets it go");
	subject_finish(&s);
	subject_end(&s);
}

static void killed(const char *image)
{
	struct subject s;
	pid_t holder;
	int tell;

	if (!subject_start(&s, "killed", body))
		return;
	holder = hold(&s, image, &tell);
	tap_ok(write(tell, "kill\n", 5) == 5 && ended_well(holder) && wait_gone(s.pid), "told to kill it, the tree is gone");
	close(tell);
	if (subject_restart(&s, image, NULL))
		subject_finish(&s);
	subject_end(&s);
}

static void increment_after(const char *image)
{
	char pid_text[16], output[4096], more[300];
	struct subject s;
	pid_t holder;
	int tell;

	if (!subject_start(&s, "increment", body))
		return;
	snprintf(pid_text, sizeof(pid_text), "%d", s.pid);
	snprintf(more, sizeof(more), "%s.more", image);
	holder = hold(&s, image, &tell);
	close(tell);
	tap_ok(holder > 0 && ended_well(holder), "held and let go");
	tap_ok(RUN(output, checkpoint_path, "--parent", image, "--kill", "-o", more, pid_text) == 0 && wait_gone(s.pid),
	       "an increment over that image: %s", output);
	if (subject_restart(&s, more, NULL))
		subject_finish(&s);
	subject_end(&s);
	unlink(more);
}

static void refused(uint64_t flags, const char *what)
{
	struct checkpoint_args args = { .flags = CHECKPOINT_HOLD | flags, .pid = 1, .image_fd = -1, .log_fd = -1 };
	long ret = syscall(__NR_checkpoint_x86_64, &args, sizeof(args));

	tap_ok(ret < 0 && errno == EINVAL, "not together with %s", what);
}

int main(void)
{
	char image[256];

	need_checkpoint();
	snprintf(image, sizeof(image), "%s/held", image_dir);
	let_go(image);
	holder_dies(image);
	killed(image);
	increment_after(image);
	refused(CHECKPOINT_KILL, "CHECKPOINT_KILL");
	refused(CHECKPOINT_LIVE, "CHECKPOINT_LIVE");
	refused(CHECKPOINT_DRYRUN, "CHECKPOINT_DRYRUN");
	unlink(image);
	return tap_done();
}
