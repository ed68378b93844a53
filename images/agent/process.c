// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "port.h"

#define PIPE_BYTES (256 * 1024)

#define MAX_STRINGS 4096

/* What EXEC and TERMINAL have in common. */
struct command {
	uint32_t output_window, errors_window;
	const char *directory;
	char *argv[MAX_STRINGS + 1];
	char *envp[MAX_STRINGS + 1];
};

static void read_strings(struct payload *payload, char **strings)
{
	uint32_t count = payload_u32(payload);

	if (count > MAX_STRINGS)
		payload->bad = true;
	for (uint32_t i = 0; i < count && !payload->bad; i++)
		*strings++ = (char *)payload_string(payload);
	*strings = NULL;
}

static void read_command(struct payload *payload, struct command *command)
{
	command->output_window = payload_u32(payload);
	command->errors_window = payload_u32(payload);
	command->directory = payload_string(payload);
	read_strings(payload, command->argv);
	read_strings(payload, command->envp);
	if (!command->argv[0])
		payload->bad = true;
}

/* In the child: tell the parent what failed, and end. */
static void fail_start(int report, const char *what)
{
	char text[200];
	int error = errno;
	int length = snprintf(text, sizeof(text), "%c%s", (char)error, what);

	if (length >= (int)sizeof(text))
		length = sizeof(text) - 1;
	(void)!write(report, text, (size_t)length);
	_exit(127);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, text, strlen(text));
	close(fd);
}

/* In the child: become the command. Never returns. */
static void become(const struct command *command, const int fds[3], bool terminal, int report)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	setsid();
	/* The agent is favoured by scheduler and OOM killer; what it starts is not. */
	setpriority(PRIO_PROCESS, 0, 0);
	write_text("/proc/self/oom_score_adj", "0");
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			fail_start(report, "dup2");
	if (terminal && ioctl(0, TIOCSCTTY, 0) < 0)
		fail_start(report, "TIOCSCTTY");
	if (command->directory[0] && chdir(command->directory) < 0)
		fail_start(report, command->directory);
	environ = (char **)command->envp;
	execvp(command->argv[0], command->argv);
	fail_start(report, command->argv[0]);
}

/* Start the command on three descriptors; returns its pid, or -1 after an error was sent. */
static pid_t start(uint32_t id, const struct command *command, const int fds[3], bool terminal)
{
	char text[200];
	ssize_t length;
	int report[2];
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0) {
		port_send_error(id, errno, "pipe: %s", strerror(errno));
		return -1;
	}
	pid = fork();
	if (pid == 0)
		become(command, fds, terminal, report[1]);
	close(report[1]);
	if (pid < 0) {
		port_send_error(id, errno, "fork: %s", strerror(errno));
		close(report[0]);
		return -1;
	}
	do {
		length = read(report[0], text, sizeof(text) - 1);
	} while (length < 0 && errno == EINTR);
	close(report[0]);
	if (length <= 0)
		return pid;
	text[length] = '\0';
	port_send_error(id, text[0], "%s: %s", text + 1, strerror(text[0]));
	return -1;	/* reaped like any other child */
}

static void report_start(struct stream *stream, pid_t pid)
{
	struct {
		uint32_t pid;
		char path[64];
	} payload = { .pid = (uint32_t)pid };
	size_t length = strlen(stream->path);

	stream->pid = pid;
	stream->has_process = true;
	memcpy(payload.path, stream->path, length);
	port_send(WIRE_STARTED, 0, stream->id, &payload, sizeof(payload.pid) + length);
}

static void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void process_exec(uint32_t id, struct payload *payload)
{
	static struct command command;
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
	struct stream *stream;
	pid_t pid = -1;

	read_command(payload, &command);
	if (!payload_is_whole(payload)) {
		port_send_error(id, EINVAL, "malformed exec request");
		return;
	}
	stream = stream_new(id, STREAM_EXEC);
	if (!stream)
		return;
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		port_send_error(id, errno, "pipe: %s", strerror(errno));
	else
		pid = start(id, &command, (int[3]){ in[0], out[1], err[1] }, false);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	stream_accept_input(stream, in[1]);
	stream->output.fd = out[0];
	stream->errors.fd = err[0];
	if (pid < 0) {
		stream_free(stream);
		return;
	}
	set_nonblocking(in[1]);
	set_nonblocking(out[0]);
	set_nonblocking(err[0]);
	/* A courtesy to bulk data: fewer turns for the same bytes. */
	fcntl(in[1], F_SETPIPE_SZ, PIPE_BYTES);
	fcntl(out[0], F_SETPIPE_SZ, PIPE_BYTES);
	stream->output.credit = command.output_window;
	stream->errors.credit = command.errors_window;
	report_start(stream, pid);
}

static int open_terminal(char *path, size_t size, int *slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	if (master < 0)
		return -1;
	if (grantpt(master) == 0 && unlockpt(master) == 0 && ptsname_r(master, path, size) == 0) {
		*slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (*slave >= 0)
			return master;
	}
	close(master);
	return -1;
}

static void set_size(int fd, uint16_t cols, uint16_t rows)
{
	struct winsize size = { .ws_col = cols, .ws_row = rows };

	ioctl(fd, TIOCSWINSZ, &size);
}

void process_terminal(uint32_t id, struct payload *payload)
{
	static struct command command;
	uint16_t cols = payload_u16(payload), rows = payload_u16(payload);
	struct stream *stream;
	int master, slave = -1;
	pid_t pid;

	read_command(payload, &command);
	if (!payload_is_whole(payload)) {
		port_send_error(id, EINVAL, "malformed terminal request");
		return;
	}
	stream = stream_new(id, STREAM_TERMINAL);
	if (!stream)
		return;
	master = open_terminal(stream->path, sizeof(stream->path), &slave);
	if (master < 0) {
		port_send_error(id, errno, "pseudo-terminal: %s", strerror(errno));
		stream_free(stream);
		return;
	}
	set_size(master, cols, rows);
	stream_accept_input(stream, master);
	stream->output.fd = master;
	stream->keep_fd = slave;
	pid = start(id, &command, (int[3]){ slave, slave, slave }, true);
	if (pid < 0) {
		stream_free(stream);
		return;
	}
	stream->output.credit = command.output_window;
	report_start(stream, pid);
}

void process_resize(struct stream *stream, struct payload *payload)
{
	uint16_t cols = payload_u16(payload), rows = payload_u16(payload);

	if (!payload_is_whole(payload) || stream->kind != STREAM_TERMINAL)
		port_send_error(0, EINVAL, "malformed resize of stream %u", stream->id);
	else
		set_size(stream->output.fd, cols, rows);
}

void process_signal(uint32_t id, struct payload *payload)
{
	int32_t pid = (int32_t)payload_u32(payload);
	int32_t number = (int32_t)payload_u32(payload);

	if (!payload_is_whole(payload))
		port_send_error(id, EINVAL, "malformed signal request");
	else if (kill(pid, number) < 0)
		port_send_error(id, errno, "kill %d with signal %d: %s", pid, number, strerror(errno));
	else
		port_send(WIRE_DONE, 0, id, NULL, 0);
}

void process_watch(uint32_t id, struct payload *payload)
{
	pid_t pid = (pid_t)payload_u32(payload);
	struct stream *stream;
	int fd;

	if (!payload_is_whole(payload)) {
		port_send_error(id, EINVAL, "malformed watch request");
		return;
	}
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0) {
		port_send_error(id, errno, "watch %d: %s", pid, strerror(errno));
		return;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	stream = stream_new(id, STREAM_WATCH);
	if (!stream) {
		close(fd);
		return;
	}
	stream->keep_fd = fd;
	report_start(stream, pid);
}

void process_reap(void)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		stream_child_exited(pid, status);
}
