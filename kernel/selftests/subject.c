// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "subject.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "tap.h"

int tap_tests, tap_failures;

#define STEP_MS		5

const char *checkpoint_path = "/usr/local/bin/checkpoint";
const char *restart_path = "/usr/local/bin/restart";
const char *ckptinfo_path = "/usr/local/bin/ckptinfo";
const char *scratch = "/tmp/selftest";
const char *image_dir = "/ckpt";

/* Fixed names: a subject keeps them in its memory across its restart. */
#define READY	"/tmp/selftest/ready"
#define GO	"/tmp/selftest/go"
#define DONE	"/tmp/selftest/done"
#define SAID	"/tmp/selftest/said"

static void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd >= 0)
		close(fd);
}

bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

void ready(void)
{
	touch(READY);
}

void finished(void)
{
	touch(DONE);
}

void wait_for_go(void)
{
	while (!exists(GO))
		sleep_ms(STEP_MS);
}

void pause_here(void)
{
	ready();
	wait_for_go();
}

void verify(bool good, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int fd, n = snprintf(line, sizeof(line), "%c", good ? '+' : '-');

	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	fd = open(SAID, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		_exit(126);
	if (write(fd, line, n) != n)
		_exit(125);
	close(fd);
}

bool private_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

char *whole_content(const char *path, char *room, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, room, size - 1);

	room[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return room;
}

char *content(const char *path, char *room, size_t size)
{
	whole_content(path, room, size);
	room[strcspn(room, "\n")] = '\0';
	return room;
}

bool put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

int run_command(char *output, size_t room, const char *const *argv)
{
	size_t len = 0;
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);

		dup2(null, 0);
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(ends[1]);
	while (len < room - 1 && (n = read(ends[0], output + len, room - 1 - len)) > 0)
		len += n;
	output[len] = '\0';
	close(ends[0]);
	waitpid(pid, &status, 0);
	while (len && output[len - 1] == '\n')
		output[--len] = '\0';
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static char state_of(pid_t pid)
{
	char path[64], stat[512], *end;
	int fd, n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	stat[n > 0 ? n : 0] = '\0';
	end = strrchr(stat, ')');
	return end ? end[2] : 0;
}

bool wait_gone(pid_t pid)
{
	for (int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
		if (!state_of(pid))
			return true;
		sleep_ms(STEP_MS);
	}
	return false;
}

/* Asleep: so whatever it was to block in, it is there. */
static bool wait_ready(pid_t pid)
{
	for (int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
		if (exists(READY) && state_of(pid) == 'S')
			return true;
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return false;
		sleep_ms(STEP_MS);
	}
	return false;
}

static void clear_files(void)
{
	mkdir(scratch, 0777);
	chmod(scratch, 0777);
	mkdir(image_dir, 0755);
	unlink(READY);
	unlink(GO);
	unlink(DONE);
	unlink(SAID);
}

bool subject_start(struct subject *s, const char *name, void (*body)(void))
{
	clear_files();
	s->name = name;
	fflush(stdout);
	s->pid = fork();
	if (s->pid == 0) {
		int null = open("/dev/null", O_RDWR);

		setsid();
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		close_range(3, ~0U, 0);
		body();
		finished();
		_exit(0);
	}
	if (wait_ready(s->pid))
		return true;
	tap_ok(false, "%s: subject reaches its state", name);
	subject_finish(s);
	return false;
}

static int with_more(const char **argv, int n, const char *const *more)
{
	while (more && *more)
		argv[n++] = *more++;
	return n;
}

bool subject_checkpoint(struct subject *s, const char *image, const char *const *more)
{
	char output[8192], pid[16];
	const char *argv[32] = { checkpoint_path, "-o", image };
	int n = with_more(argv, 3, more), status;

	snprintf(pid, sizeof(pid), "%d", s->pid);
	argv[n++] = pid;
	argv[n] = NULL;
	status = run_command(output, sizeof(output), argv);
	if (status == 0)
		return true;
	tap_ok(false, "%s: checkpoint", s->name);
	tap_diag("exit %d: %s", status, output);
	return false;
}

bool subject_restart(struct subject *s, const char *image, const char *const *more)
{
	char output[8192];
	const char *argv[32] = { restart_path, "-i", image, "--detach" };
	int n = with_more(argv, 4, more), status;

	argv[n] = NULL;
	status = run_command(output, sizeof(output), argv);
	if (status == 0)
		return true;
	tap_ok(false, "%s: restart", s->name);
	tap_diag("exit %d: %s", status, output);
	return false;
}

bool subject_finish(struct subject *s)
{
	bool done = false;
	char line[600];
	FILE *said;

	touch(GO);
	for (int waited = 0; waited < PATIENCE_MS && !done; waited += STEP_MS) {
		char state = state_of(s->pid);

		done = exists(DONE);
		if (!state || state == 'Z')
			break;
		if (!done)
			sleep_ms(STEP_MS);
	}
	done = exists(DONE);
	if (!done)
		tap_diag("%s: state '%c' when given up", s->name, state_of(s->pid) ?: '-');
	said = fopen(SAID, "re");
	while (said && fgets(line, sizeof(line), said)) {
		line[strcspn(line, "\n")] = '\0';
		tap_ok(line[0] == '+', "%s: %s", s->name, line + 1);
	}
	if (said)
		fclose(said);
	tap_ok(done, "%s: subject comes to its end", s->name);
	subject_end(s);
	return done;
}

void subject_end(struct subject *s)
{
	kill(-s->pid, SIGKILL);
	kill(s->pid, SIGKILL);
	wait_gone(s->pid);
	clear_files();
}

static void rounds(const char *name, void (*body)(void), int nr)
{
	struct subject s;
	bool good = true;
	char image[128];

	snprintf(image, sizeof(image), "%s/selftest-%s.img", image_dir, name);
	for (char *p = image + strlen(image_dir) + 1; *p; p++)
		if (*p == ' ' || *p == '/')
			*p = '-';
	if (!subject_start(&s, name, body))
		return;
	while (good && nr--)
		good = subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid) &&
		       subject_restart(&s, image, NULL);
	if (good)
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(image);
}

void subject_round(const char *name, void (*body)(void))
{
	rounds(name, body, 1);
}

void subject_twice(const char *name, void (*body)(void))
{
	rounds(name, body, 2);
}

void subject_refused(const char *name, void (*body)(void), const char *words)
{
	static const char image[] = "/ckpt/selftest-refused.img";
	char output[4096], pid[16];
	struct subject s;

	if (!subject_start(&s, name, body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	tap_ok(RUN(output, checkpoint_path, "--dry-run", pid) == 1 && strstr(output, words), "%s is refused", name);
	tap_diag("%s", output);
	tap_ok(RUN(output, checkpoint_path, "-o", image, "--kill", pid) == 1 && strstr(output, words) && !exists(image),
	       "%s: no image", name);
	subject_finish(&s);
}

void subject_leaks(const struct subject *s, const char *kind, const char *words)
{
	char output[4096], pid[16], path[64], byte;
	int ends[2], fd;
	pid_t other;

	snprintf(pid, sizeof(pid), "%d", s->pid);
	snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, kind);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		tap_ok(false, "%s: %s: %s", s->name, path, strerror(errno));
		return;
	}
	other = fork();
	if (other == 0) {
		if (setns(fd, 0) < 0 || write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	tap_ok(read(ends[0], &byte, 1) == 1, "%s: somebody else enters it", s->name);
	snprintf(path, sizeof(path), "pid %d", other);
	tap_ok(RUN(output, checkpoint_path, "--dry-run", pid) == 1 && strstr(output, words) && strstr(output, path),
	       "%s: and is named: %s", s->name, output);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	tap_ok(RUN(output, checkpoint_path, "--dry-run", pid) == 0, "%s: else there is no obstacle: %s", s->name, output);
	close(fd);
	close(ends[0]);
}

void need_checkpoint(void)
{
	struct utsname kernel;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (geteuid())
		tap_skip_all("needs root");
	if (syscall(__NR_checkpoint_x86_64, NULL, 0) == 0 || errno != ENOSYS)
		return;
	/* Only the unpatched variant may be without. */
	uname(&kernel);
	if (strstr(kernel.release, "-base"))
		tap_skip_all("this kernel has no checkpoint(2)");
	tap_ok(false, "kernel %s has checkpoint(2)", kernel.release);
	exit(tap_done());
}
