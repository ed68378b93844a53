// SPDX-License-Identifier: Apache-2.0
/* Open files: position, flags, sharing; directories; devices; cwd and umask. */
/* covers: Descriptors | /dev/null, zero, full, urandom; /dev/kmsg of who only writes to it | supported */
/* covers: Descriptors | /dev/kmsg of who reads the log | refused by name */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define PATH "/data/selftest-file"

static void regular(void)
{
	int fd = open(PATH, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int append = open(PATH, O_WRONLY | O_APPEND), status;
	char text[16] = "";

	if (write(fd, "0123456789", 10) != 10)
		_exit(1);
	lseek(fd, 4, SEEK_SET);
	int twin = dup2(fd, 77);
	pid_t child = fork();

	if (child == 0) {
		wait_for_go();
		_exit(read(fd, text, 2) == 2 && !memcmp(text, "45", 2) ? 0 : 1);
	}
	pause_here();
	waitpid(child, &status, 0);
	verify(status == 0, "position, in the child");
	verify(lseek(fd, 0, SEEK_CUR) == 6, "the child's reading moved the parent's position");
	verify(twin == 77 && lseek(77, 1, SEEK_CUR) == 7 && lseek(fd, 0, SEEK_CUR) == 7, "a duplicate shares the position");
	verify(fcntl(fd, F_GETFD) == FD_CLOEXEC && fcntl(77, F_GETFD) == 0, "close-on-exec is of the descriptor");
	verify((fcntl(append, F_GETFL) & (O_APPEND | O_ACCMODE)) == (O_APPEND | O_WRONLY), "flags");
	verify(write(append, "x", 1) == 1 && pread(fd, text, 16, 0) == 11 && text[10] == 'x', "appending appends");
	verify(open("/dev/null", O_RDONLY) == append + 1, "no other descriptor is open");
	unlink(PATH);
}

static void directory(void)
{
	int fd = open("/usr", O_RDONLY | O_DIRECTORY);
	struct stat before, after;

	fstat(fd, &before);
	pause_here();
	verify(fstat(fd, &after) == 0 && before.st_ino == after.st_ino, "a directory");
	verify(faccessat(fd, "bin", F_OK, 0) == 0, "it can be searched");
}

static bool is_logged(const char *what)
{
	char record[8192];
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	bool found = false;
	ssize_t n;

	while (!found && (n = read(fd, record, sizeof(record) - 1)) > 0) {
		record[n] = '\0';
		found = strstr(record, what);
	}
	close(fd);
	return found;
}

static void devices(void)
{
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR),
	    urandom = open("/dev/urandom", O_RDONLY), kmsg = open("/dev/kmsg", O_WRONLY);
	char bytes[32] = { 1 };

	pause_here();
	verify(write(null, "x", 1) == 1 && read(null, bytes, 1) == 0, "/dev/null");
	verify(read(zero, bytes, 8) == 8 && !bytes[0], "/dev/zero");
	verify(write(full, "x", 1) < 0, "/dev/full");
	verify(read(urandom, bytes, 32) == 32, "/dev/urandom");
	verify(write(kmsg, "files: written after a restart\n", 31) == 31 && is_logged("files: written after a restart"),
	       "/dev/kmsg");
}

static void reads_log(void)
{
	open("/dev/kmsg", O_RDONLY);
	pause_here();
}

static void place(void)
{
	char path[256] = "";

	mkdir("/data/selftest-dir", 0755);
	if (chdir("/data/selftest-dir") < 0)
		_exit(1);
	umask(0137);
	pause_here();
	verify(getcwd(path, sizeof(path)) && !strcmp(path, "/data/selftest-dir"), "working directory (%s)", path);
	verify(umask(0) == 0137, "umask");
	rmdir("/data/selftest-dir");
}

int main(void)
{
	need_checkpoint();
	subject_round("regular", regular);
	subject_round("directory", directory);
	subject_round("devices", devices);
	subject_round("place", place);
	subject_refused("who reads the kernel's log", reads_log, "reads the kernel's log");
	return tap_done();
}
