// SPDX-License-Identifier: Apache-2.0
/* Shared anonymous memory stays shared between the processes that share it. */
/* covers: Memory | shared anonymous memory, also opened as a file (/proc/PID/map_files) | supported */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

static void body(void)
{
	volatile int *shared = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile int *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t child;

	shared[0] = 1;
	private[0] = 1;
	child = fork();
	if (child == 0) {
		private[0] = 2;
		wait_for_go();
		verify(shared[0] == 1 && private[0] == 2, "the child sees what was there");
		shared[1] = 42;
		_exit(0);
	}
	pause_here();
	waitpid(child, &status, 0);
	verify(status == 0, "the child ends well");
	verify(shared[1] == 42, "the parent sees what the child wrote");
	verify(private[0] == 1, "private memory is the parent's own");
}

/* Opened by /proc/self/map_files it is a file like any other, and may outlive its mapping. */
static void as_file(void)
{
	char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), path[80], text[8] = "";
	char *other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd, alone;
	struct stat st;

	strcpy(shared, "mapped");
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (long)shared, (long)shared + 8192);
	fd = open(path, O_RDWR);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (long)other, (long)other + 4096);
	alone = open(path, O_RDWR);
	munmap(other, 4096);
	if (fd < 0 || alone < 0 || ftruncate(alone, 0) < 0 || write(alone, "alone", 5) != 5 || lseek(fd, 3, SEEK_SET) != 3)
		_exit(90);
	pause_here();
	verify(read(fd, text, 3) == 3 && !strcmp(text, "ped"), "its position");
	verify(pwrite(fd, "M", 1, 0) == 1 && !strcmp(shared, "Mapped"), "what is written to it is in the memory");
	verify(fstat(alone, &st) == 0 && st.st_size == 5 && pread(alone, text, 5, 0) == 5 && !strncmp(text, "alone", 5),
	       "one that is mapped nowhere: %ld bytes", (long)st.st_size);
	verify(lseek(alone, 0, SEEK_CUR) == 5 && ftruncate(alone, 100000) == 0, "it can grow");
}

int main(void)
{
	need_checkpoint();
	subject_round("shmem", body);
	subject_round("as a file", as_file);
	return tap_done();
}
