// SPDX-License-Identifier: Apache-2.0
/* Memory protection keys: which are allocated, what they guard, and what each thread may do by them. */
/* covers: Memory | protection keys (pkey_alloc, pkey_mprotect), execute-only memory | supported */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

enum { GUARDED, SECRET, LOCKED, MAPPED, PLAIN, CODE, PAGES };

static volatile unsigned char *page[PAGES];
static int key[3];
static sigjmp_buf back;
static int fault_key;
static volatile bool gone_on;

static void faulted(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	fault_key = info->si_code == SEGV_PKUERR ? (int)info->si_pkey : -1;
	siglongjmp(back, 1);
}

/* A handler begins with rights of its own, and a jump takes them along. */
static unsigned int rights(void)
{
	unsigned int low, high;

	__asm__ volatile("rdpkru" : "=a"(low), "=d"(high) : "c"(0));
	return low;
}

static void set_rights(unsigned int rights)
{
	__asm__ volatile("wrpkru" : : "a"(rights), "c"(0), "d"(0) : "memory");
}

/* The key that forbids it, -1 if something else does, 0 if nothing does. */
static int forbids(volatile unsigned char *p, bool write)
{
	unsigned int mine = rights();

	fault_key = 0;
	if (!sigsetjmp(back, 1)) {
		if (write)
			*p = *p;
		else
			(void)*p;
	}
	set_rights(mine);
	return fault_key;
}

static volatile unsigned char *new_page(int prot, unsigned char value)
{
	unsigned char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, value, 4096);
	mprotect(p, 4096, prot);
	return p;
}

static void *thread(void *arg)
{
	bool *good = arg;

	pkey_set(key[0], 0);
	pkey_set(key[2], PKEY_DISABLE_ACCESS);
	while (!gone_on)
		usleep(2000);
	*good = pkey_get(key[0]) == 0 && pkey_get(key[2]) == PKEY_DISABLE_ACCESS;
	return NULL;
}

static void keys(void)
{
	struct sigaction sa = { .sa_sigaction = faulted, .sa_flags = SA_SIGINFO };
	bool thread_good = false;
	pthread_t t;
	int hole;

	sigaction(SIGSEGV, &sa, NULL);
	for (int i = 0; i < PAGES; i++)
		page[i] = new_page(PROT_READ | PROT_WRITE, 'a' + i);
	/* ret: it does nothing but come back. */
	page[CODE][0] = 0xc3;
	mprotect((void *)page[CODE], 4096, PROT_EXEC);
	key[0] = pkey_alloc(0, PKEY_DISABLE_WRITE);
	hole = pkey_alloc(0, 0);
	key[1] = pkey_alloc(0, PKEY_DISABLE_ACCESS);
	key[2] = pkey_alloc(0, 0);
	pkey_free(hole);
	pkey_mprotect((void *)page[GUARDED], 4096, PROT_READ | PROT_WRITE, key[0]);
	pkey_mprotect((void *)page[SECRET], 4096, PROT_READ | PROT_WRITE, key[1]);
	pkey_mprotect((void *)page[LOCKED], 4096, PROT_READ | PROT_WRITE, key[1]);
	mlock((void *)page[LOCKED], 4096);
	pkey_mprotect((void *)page[MAPPED], 4096, PROT_READ, key[2]);
	pthread_create(&t, NULL, thread, &thread_good);
	pause_here();
	verify(forbids(page[GUARDED], false) == 0 && page[GUARDED][9] == 'a' + GUARDED, "what may be read is there");
	verify(forbids(page[GUARDED], true) == key[0], "and not written, by its key");
	verify(forbids(page[SECRET], false) == key[1], "a page that may not be read");
	verify(forbids(page[LOCKED], false) == key[1], "one that is locked, too");
	verify(forbids(page[MAPPED], true) == -1, "the mapping's own protection holds");
	verify(forbids(page[PLAIN], true) == 0, "a page without a key");
	verify(forbids(page[CODE], false) > 0, "code that may only be executed is not read");
	((void (*)(void))(unsigned long)page[CODE])();
	verify(pkey_get(key[0]) == PKEY_DISABLE_WRITE && pkey_get(key[1]) == PKEY_DISABLE_ACCESS && pkey_get(key[2]) == 0,
	       "rights: %d %d %d", pkey_get(key[0]), pkey_get(key[1]), pkey_get(key[2]));
	gone_on = true;
	pkey_set(key[1], 0);
	verify(page[SECRET][4095] == 'a' + SECRET && page[LOCKED][0] == 'a' + LOCKED, "their contents");
	pthread_join(t, NULL);
	verify(thread_good, "another thread has rights of its own");
	verify(pkey_alloc(0, 0) == hole, "the next key is the one that is free");
	verify(pkey_free(key[2]) == 0 && pkey_free(hole) == 0 && pkey_free(hole) < 0, "keys are freed once");
}

int main(void)
{
	int probe = pkey_alloc(0, 0);

	need_checkpoint();
	if (probe < 0)
		tap_skip_all("this processor has no protection keys");
	pkey_free(probe);
	subject_round("keys", keys);
	return tap_done();
}
