// SPDX-License-Identifier: Apache-2.0
/* A local descriptor table (modify_ldt) comes back, and an image cannot put more into it than its owner could. */
/* covers: Memory | local descriptor tables (modify_ldt), segments in use | supported */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define ENTRY	7
#define SELECTOR (ENTRY << 3 | 7)	/* of the local table, at the user's level */
#define MAX_BYTES 65536
#define MUTATIONS 60

static long table(void *bytes)
{
	return syscall(SYS_modify_ldt, 0, bytes, MAX_BYTES);
}

static bool set_entry(unsigned int entry, void *base, unsigned int contents)
{
	struct user_desc d = {
		.entry_number = entry, .base_addr = (uintptr_t)base, .limit = 0xfff, .seg_32bit = 1, .useable = 1,
		.contents = contents,
	};

	return syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)) == 0;
}

static uint32_t through_gs(void)
{
	uint32_t value;

	asm volatile("movl %%gs:8, %0" : "=r"(value));
	return value;
}

static uint16_t gs(void)
{
	uint16_t selector;

	asm volatile("movw %%gs, %0" : "=r"(selector));
	return selector;
}

static void body(void)
{
	static uint8_t before[MAX_BYTES], after[MAX_BYTES];
	uint32_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int status = -1;
	pid_t child;

	low[2] = 0x1d7;
	if (!set_entry(ENTRY, low, 0) || !set_entry(600, low, 2)) {
		verify(false, "modify_ldt: %s", strerror(errno));
		return;
	}
	asm volatile("movw %0, %%gs" : : "r"((uint16_t)SELECTOR));
	table(before);
	child = fork();
	if (child == 0) {
		set_entry(ENTRY + 1, low, 0);
		wait_for_go();
		_exit(table(after) == MAX_BYTES && gs() == SELECTOR && through_gs() == 0x1d7 &&
		      memcmp(before, after, MAX_BYTES) && !memcmp(before, after, 8 * (ENTRY + 1)) ? 0 : 1);
	}
	pause_here();
	verify(table(after) == MAX_BYTES && !memcmp(before, after, MAX_BYTES), "the table is what it was");
	verify(gs() == SELECTOR && through_gs() == 0x1d7, "a segment of it is in use: 0x%x, 0x%x", gs(), through_gs());
	verify(set_entry(ENTRY + 2, low, 0) && through_gs() == 0x1d7, "and it can be changed");
	waitpid(child, &status, 0);
	verify(status == 0, "a child has its own (0x%x)", status);
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_LDT;
}

/* Bits of an entry: 40 accessed, 42 and 43 kind, 44 not of the system, 45 and 46 level, 47 present, 53 64-bit code. */
static void hostile(void)
{
	uint64_t *entry = (uint64_t *)record(CKPT_REC_LDT, NULL) + ENTRY;
	const char *words = "not such as modify_ldt(2) makes";

	BAD_FIELD(*entry, *entry & ~(1ULL << 44), "a segment of the system", words);
	BAD_FIELD(*entry, *entry & ~(3ULL << 45), "a segment of the kernel's level", words);
	BAD_FIELD(*entry, *entry | 1ULL << 53, "64-bit code", words);
	BAD_FIELD(*entry, *entry & ~(1ULL << 40), "one that the CPU would write to", words);
	BAD_FIELD(*entry, *entry | 3ULL << 42, "conforming code", words);
}

int main(void)
{
	need_checkpoint();
	mutate_round("ldt", body, hostile, is_about, MUTATIONS);
	return tap_done();
}
