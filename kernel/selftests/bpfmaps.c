// SPDX-License-Identifier: Apache-2.0
/* BPF maps that hold bytes. */
/* covers: Descriptors | BPF maps: hashes, arrays, of each CPU, tries, with their elements, frozen or not | supported */
/* covers: Descriptors | BPF maps that a program uses or that have several files; BPF programs | refused by name */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/checkpoint.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define ELEMENTS	3000
#define WIDE		48	/* of each CPU: of at most 8 */

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int make(uint32_t type, uint32_t value_size, uint32_t flags)
{
	union bpf_attr attr = {
		.map_type = type, .key_size = type == BPF_MAP_TYPE_LPM_TRIE ? 8 : 4, .value_size = value_size,
		.max_entries = ELEMENTS, .map_flags = flags, .map_name = "a_name",
	};
	int fd = bpf(BPF_MAP_CREATE, &attr);

	if (fd < 0)
		_exit(90);
	return fd;
}

static int put(int fd, const void *key, const void *value)
{
	return bpf(BPF_MAP_UPDATE_ELEM, &(union bpf_attr){ .map_fd = fd, .key = (uintptr_t)key, .value = (uintptr_t)value });
}

static bool get(int fd, const void *key, void *value)
{
	return !bpf(BPF_MAP_LOOKUP_ELEM, &(union bpf_attr){ .map_fd = fd, .key = (uintptr_t)key, .value = (uintptr_t)value });
}

static void fill(uint64_t value[8 * WIDE / 8], uint32_t i)
{
	for (int n = 0; n < 8 * WIDE / 8; n++)
		value[n] = i * 1000003ULL + n;
}

/* Every third one. */
static void put_all(int fd)
{
	uint64_t value[8 * WIDE / 8];

	for (uint32_t i = 0; i < ELEMENTS; i += 3) {
		fill(value, i);
		if (put(fd, &i, value) < 0)
			_exit(91);
	}
}

static void check_all(int fd, size_t bytes, bool is_array, const char *what)
{
	uint64_t value[8 * WIDE / 8], want[8 * WIDE / 8];
	unsigned int bad = 0;

	for (uint32_t i = 0; i < ELEMENTS; i++) {
		memset(value, 0, sizeof(value));
		memset(want, 0, sizeof(want));
		if (i % 3 == 0)
			fill(want, i);
		bad += get(fd, &i, value) != (is_array || i % 3 == 0) || memcmp(value, want, bytes);
	}
	verify(!bad, "%s: %u elements are not as they were", what, bad);
}

static void maps(void)
{
	int hash = make(BPF_MAP_TYPE_HASH, WIDE, BPF_F_NO_PREALLOC), array = make(BPF_MAP_TYPE_ARRAY, WIDE, 0);
	int cpu_hash = make(BPF_MAP_TYPE_PERCPU_HASH, 8, 0), cpu_array = make(BPF_MAP_TYPE_PERCPU_ARRAY, 8, 0);
	int trie = make(BPF_MAP_TYPE_LPM_TRIE, 4, BPF_F_NO_PREALLOC), lru = make(BPF_MAP_TYPE_LRU_HASH, WIDE, 0);
	int readable = make(BPF_MAP_TYPE_HASH, WIDE, BPF_F_RDONLY), frozen = make(BPF_MAP_TYPE_ARRAY, WIDE, 0);
	unsigned char net[8] = { 24, 0, 0, 0, 10, 1, 2, 0 }, host[8] = { 32, 0, 0, 0, 10, 1, 2, 77 };
	uint32_t key = 2, value = 4711;
	uint64_t wide[WIDE / 8] = { 1 };
	struct bpf_map_info info = { };
	union bpf_attr ask = { .info.bpf_fd = hash, .info.info = (uintptr_t)&info, .info.info_len = sizeof(info) };

	put_all(hash);
	put_all(array);
	put_all(cpu_hash);
	put_all(cpu_array);
	put_all(frozen);
	put(lru, &key, wide);
	put(trie, net, &value);
	if (bpf(BPF_MAP_FREEZE, &(union bpf_attr){ .map_fd = frozen }) < 0)
		_exit(92);
	pause_here();
	check_all(hash, WIDE, false, "a hash");
	check_all(array, WIDE, true, "an array");
	check_all(cpu_hash, 8, false, "a hash of each CPU");
	check_all(cpu_array, 8, true, "an array of each CPU");
	check_all(frozen, WIDE, true, "one that is frozen");
	verify(put(frozen, &key, wide) < 0 && errno == EPERM, "and stays so");
	verify(get(lru, &key, wide) && wide[0] == 1, "a hash that forgets");
	verify(get(trie, host, &value) && value == 4711, "a trie");
	verify(put(readable, &key, wide) < 0 && errno == EPERM, "one that may only be read");
	verify((fcntl(readable, F_GETFL) & O_ACCMODE) == O_RDONLY, "its mode");
	verify(put(hash, &key, wide) == 0 && get(hash, &key, wide), "a new element");
	verify(bpf(BPF_OBJ_GET_INFO_BY_FD, &ask) == 0 && info.type == BPF_MAP_TYPE_HASH && info.map_flags == BPF_F_NO_PREALLOC &&
	       !strcmp(info.name, "a_name"), "its name and flags");
}

static void program(int map)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map },
		{ },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 4, .insns = (uintptr_t)insns, .license = (uintptr_t)"GPL",
	};

	if (bpf(BPF_PROG_LOAD, &attr) < 0)
		_exit(93);
}

static void with_program(void)
{
	program(make(BPF_MAP_TYPE_ARRAY, 8, 0));
	pause_here();
}

static void with_ringbuf(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 };

	if (bpf(BPF_MAP_CREATE, &attr) < 0)
		_exit(94);
	pause_here();
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_BPF_MAP || type == CKPT_REC_BPF_ELEMENTS;
}

static void damaged(void)
{
	struct ckpt_bpf_map *m = record(CKPT_REC_BPF_MAP, NULL);

	BAD_FIELD(m->type, BPF_MAP_TYPE_RINGBUF, "another type", "cannot be made");
	BAD_FIELD(m->key_size, 0, "no keys", "cannot be made");
	BAD_FIELD(m->key_size, 5, "keys that do not fit", "BPF map");
	BAD_FIELD(m->max_entries, 1, "too many elements", "BPF map");
	BAD_FIELD(m->flags, 1U << 31, "an unknown flag", "cannot be made");
	BAD_FIELD(m->access, 3, "an unknown mode", "cannot be made");
}

int main(void)
{
	need_checkpoint();
	subject_twice("maps", maps);
	mutate_round("damaged", maps, damaged, is_about, 40);
	subject_refused("of a program", with_program, "that a program uses");
	subject_refused("a ring buffer", with_ringbuf, "of this type");
	return tap_done();
}
