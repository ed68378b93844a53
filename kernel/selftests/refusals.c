// SPDX-License-Identifier: Apache-2.0
/* What cannot be checkpointed is refused by name; a dry run names all of it. */
/* covers: Descriptors | rings of packet sockets that are mapped in part, or privately and written to, mapped memory of a socket (TCP_ZEROCOPY_RECEIVE) | refused by name */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/checkpoint.h>
#include <linux/if_packet.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

static void socket_with_ring(void)
{
	struct tpacket_req ring = { .tp_block_size = 4096, .tp_block_nr = 2, .tp_frame_size = 2048, .tp_frame_nr = 4 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring));
	munmap(mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0), 4096);
}

static void with_socket(void) { socket_with_ring(); pause_here(); }
static void with_fscontext(void) { syscall(SYS_fsopen, "tmpfs", 0); pause_here(); }
static void with_userfaultfd(void) { syscall(SYS_userfaultfd, O_CLOEXEC); pause_here(); }

/* As for TCP_ZEROCOPY_RECEIVE. */
static void with_mapping(void)
{
	mmap(NULL, 4096, PROT_READ, MAP_SHARED, socket(AF_INET, SOCK_STREAM, 0), 0);
	pause_here();
}

static void with_several(void)
{
	socket_with_ring();
	syscall(SYS_fsopen, "tmpfs", 0);
	pause_here();
}

static const char *log_path(void)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/log", scratch);
	return path;
}

/* More to be named than its reader's pipe holds. */
static void reads_the_log(void)
{
	char room[4096];
	pid_t reader;
	int fifo;

	mkfifo(log_path(), 0600);
	fifo = open(log_path(), O_RDWR);
	fcntl(fifo, F_SETPIPE_SZ, sizeof(room));
	for (int i = 0; i < 200; i++)
		syscall(SYS_fsopen, "tmpfs", 0);
	reader = fork();
	if (reader == 0)
		while (read(fifo, room, sizeof(room)) > 0)
			;
	pause_here();
	kill(reader, SIGKILL);
}

static void harmless(void)
{
	pause_here();
}

static bool names(const char *text, const char *word)
{
	return strcasestr(text, word) != NULL;
}

static void refused(const char *word, void (*body)(void))
{
	struct subject s;
	char output[8192], pid[16];

	if (!subject_start(&s, word, body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	int status = RUN(output, checkpoint_path, "-o", "/ckpt/selftest-refused.img", "--kill", pid);

	tap_ok(status == 1 && names(output, word) && names(output, pid), "%s is refused by name, with its pid", word);
	tap_diag("%s", output);
	tap_ok(!exists("/ckpt/selftest-refused.img"), "%s: no image is left", word);
	subject_finish(&s);	/* it must have been let go, unharmed */
}

/* Nothing may wait for who stands still. */
static void log_read_in_the_tree(void)
{
	struct subject s;
	pid_t caller;
	int status;

	if (!subject_start(&s, "a log read in the tree", reads_the_log))
		return;
	caller = fork();
	if (caller == 0) {
		struct checkpoint_args args = {
			.flags = CHECKPOINT_DRYRUN, .pid = s.pid, .image_fd = -1, .log_fd = open(log_path(), O_WRONLY),
		};

		alarm(PATIENCE_MS / 1000);
		_exit(args.log_fd < 0 || syscall(__NR_checkpoint_x86_64, &args, sizeof(args)) != 0);
	}
	tap_ok(waitpid(caller, &status, 0) == caller && WIFEXITED(status) && WEXITSTATUS(status) == 0,
	       "what does not fit into the pipe of the log waits until the tree goes on (status %#x)", status);
	subject_finish(&s);
	unlink(log_path());
}

int main(void)
{
	struct subject s;
	char output[8192], pid[16];

	need_checkpoint();
	log_read_in_the_tree();
	refused("socket", with_socket);
	refused("memory of a socket", with_mapping);
	refused("fscontext", with_fscontext);
	refused("userfaultfd", with_userfaultfd);

	if (subject_start(&s, "several", with_several)) {
		snprintf(pid, sizeof(pid), "%d", s.pid);
		int status = RUN(output, checkpoint_path, "--dry-run", pid);

		tap_ok(status == 1 && names(output, "socket") && names(output, "fscontext"),
		       "a dry run names every obstacle");
		tap_diag("%s", output);
		subject_finish(&s);
	}
	if (subject_start(&s, "harmless", harmless)) {
		snprintf(pid, sizeof(pid), "%d", s.pid);
		int status = RUN(output, checkpoint_path, "--dry-run", pid);

		tap_ok(status == 0 && !output[0], "a dry run without obstacles is silent (%d: %s)", status, output);
		tap_ok(RUN(output, "/usr/bin/setpriv", "--reuid", "1000", "--clear-groups", checkpoint_path, "-o",
			   "/tmp/selftest/user.img", pid) == 1 && output[0], "without privilege it is refused");
		tap_diag("%s", output);
		subject_finish(&s);
	}
	pid_t gone = fork();

	if (gone == 0)
		_exit(0);
	waitpid(gone, NULL, 0);
	snprintf(pid, sizeof(pid), "%d", gone);
	tap_ok(RUN(output, checkpoint_path, "-o", "/ckpt/selftest-gone.img", pid) == 1 && names(output, pid) &&
	       names(output, "no such process"), "a pid that is gone: %s", output);
	tap_ok(RUN(output, "/bin/sh", "-c", "/usr/local/bin/checkpoint -o /ckpt/x.img $$; exit $?") == 1 &&
	       names(output, "itself"), "its own tree: %s", output);
	return tap_done();
}
