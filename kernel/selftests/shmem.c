// SPDX-License-Identifier: Apache-2.0
/* Shared anonymous memory stays shared between the processes that share it. */
/* covers: Memory | shared anonymous memory | supported */
#define _GNU_SOURCE
#include <sys/mman.h>
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

int main(void)
{
	need_checkpoint();
	subject_round("shmem", body);
	return tap_done();
}
