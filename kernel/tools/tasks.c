// SPDX-License-Identifier: Apache-2.0
/* The task table of a restart context, linked into a tree. */
#include "tasks.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "util.h"

#define MAX_TASKS	(1 << 22)

/* Open addressing, pid -> index of the process leader. */
struct pid_map {
	int *slots;
	uint32_t mask;
};

static uint32_t slot_of(const struct pid_map *map, const struct tasks *tasks, int pid)
{
	uint32_t slot = (uint32_t)pid * 2654435761u & map->mask;

	while (map->slots[slot] != NO_TASK && tasks->at[map->slots[slot]].entry.pid != pid)
		slot = (slot + 1) & map->mask;
	return slot;
}

static void read_entries(struct tasks *tasks, int ctx_fd)
{
	struct ckpt_task_entry *entries = NULL;
	size_t room = 0, len = 0;
	ssize_t n;

	do {
		if (len == room) {
			room = room ? 2 * room : 64 * sizeof(*entries);
			if (room > MAX_TASKS * sizeof(*entries))
				die("the image has more than %d tasks", MAX_TASKS);
			entries = realloc(entries, room);
			if (!entries)
				die("out of memory");
		}
		n = read_whole(ctx_fd, (char *)entries + len, room - len);
		if (n < 0)
			die("the task table cannot be read: %s", strerror(errno));
		len += n;
	} while (len == room);

	tasks->nr = len / sizeof(*entries);
	tasks->at = xcalloc(tasks->nr, sizeof(*tasks->at));
	for (int i = 0; i < tasks->nr; i++)
		tasks->at[i] = (struct task){ .entry = entries[i], .child = NO_TASK, .sibling = NO_TASK, .thread = NO_TASK,
					    .cgroup = NO_CGROUP };
	free(entries);
}

/* Which namespaces are to be made, and who has which pid in them. */
static void read_namespaces(struct tasks *tasks, int ctx_fd, const struct pid_map *map)
{
	struct restart_namespaces_args args = { };
	struct ckpt_namespaces *head;
	struct ckpt_ns_pid *pids;

	if (ioctl(ctx_fd, CKPT_RESTART_NAMESPACES, &args) < 0)
		die("the namespaces cannot be read: %s", strerror(errno));
	if (args.namespaces_len < sizeof(*head))
		return;
	head = xcalloc(1, args.namespaces_len);
	tasks->mounts = xcalloc(1, (size_t)args.mounts_len + 1);
	args.namespaces = (uintptr_t)head;
	args.mounts = (uintptr_t)tasks->mounts;
	if (ioctl(ctx_fd, CKPT_RESTART_NAMESPACES, &args) < 0)
		die("the namespaces cannot be read: %s", strerror(errno));
	tasks->own = head->flags;
	pids = (struct ckpt_ns_pid *)(head + 1);
	for (uint32_t i = 0; i < head->nr_pids; i++) {
		int index = map->slots[slot_of(map, tasks, pids[i].pid)];

		if (index != NO_TASK)
			tasks->at[index].ns = pids[i];
	}
	free(head);
}

/* A record that is for us alone; NULL if there is none. */
static void *read_record(int ctx_fd, uint32_t type, size_t *len)
{
	struct restart_record_args args = { .type = type };
	void *record;

	if (ioctl(ctx_fd, CKPT_RESTART_RECORD, &args) < 0)
		die("the image cannot be read: %s", strerror(errno));
	*len = args.len;
	if (!args.len)
		return NULL;
	record = xcalloc(1, args.len);
	args.record = (uintptr_t)record;
	if (ioctl(ctx_fd, CKPT_RESTART_RECORD, &args) < 0)
		die("the image cannot be read: %s", strerror(errno));
	return record;
}

static void read_networks(struct tasks *tasks, int ctx_fd)
{
	struct restart_kept_args args = { };
	struct network_ns *one;

	tasks->nr_networks = 1;
	tasks->networks = xcalloc(CHECKPOINT_MAX_NETWORKS + 1, sizeof(*tasks->networks));
	one = tasks->networks;
	*one = (struct network_ns){ .ns = -1, .changes = -1 };
	one->record.at = read_record(ctx_fd, CKPT_REC_NETWORK, &one->record.len);
	for (; ioctl(ctx_fd, CKPT_RESTART_NETWORK, &args) == 0; args = (struct restart_kept_args){ .index = args.index + 1 }) {
		one = &tasks->networks[tasks->nr_networks++];
		*one = (struct network_ns){ .ns = -1, .changes = -1, .record.len = args.len };
		one->record.at = xcalloc(1, args.len);
		args.record = (uintptr_t)one->record.at;
		if (ioctl(ctx_fd, CKPT_RESTART_NETWORK, &args) < 0)
			die("the image cannot be read: %s", strerror(errno));
	}
}

static void read_inner_mounts(struct tasks *tasks, int ctx_fd)
{
	struct restart_kept_args args = { };

	tasks->inner_mounts = xcalloc(CHECKPOINT_MAX_MOUNTS, sizeof(*tasks->inner_mounts));
	for (; ioctl(ctx_fd, CKPT_RESTART_MOUNTS, &args) == 0; args = (struct restart_kept_args){ .index = args.index + 1 }) {
		struct bytes *one = &tasks->inner_mounts[tasks->nr_inner_mounts++];

		one->len = (size_t)args.len + 1;
		one->at = xcalloc(1, one->len);
		args.record = (uintptr_t)one->at;
		if (ioctl(ctx_fd, CKPT_RESTART_MOUNTS, &args) < 0)
			die("the image cannot be read: %s", strerror(errno));
	}
}

static void link_all(struct tasks *tasks, int ctx_fd)
{
	struct pid_map map = { .mask = 1 };

	while (map.mask < 2u * tasks->nr)
		map.mask = 2 * map.mask + 1;
	map.slots = xcalloc(map.mask + 1, sizeof(*map.slots));
	for (uint32_t i = 0; i <= map.mask; i++)
		map.slots[i] = NO_TASK;

	for (int i = 0; i < tasks->nr; i++) {
		const struct ckpt_task_entry *e = &tasks->at[i].entry;
		uint32_t slot = slot_of(&map, tasks, e->pid);

		if (e->pid <= 0 || map.slots[slot] != NO_TASK)
			die("entry %d of the task table: pid %d twice, or no pid", i, e->pid);
		if ((e->pid == e->tgid) != !!(e->flags & CKPT_TASK_LEADER))
			die("entry %d of the task table: pid %d, tgid %d disagree with its flags 0x%x", i, e->pid, e->tgid,
			    e->flags);
		map.slots[slot] = i;

		int above = e->pid == e->tgid ? e->ppid : e->tgid;
		int *link = e->pid == e->tgid ? &tasks->at[i].sibling : &tasks->at[i].thread;

		if (!i && e->pid == e->tgid && !e->ppid)
			continue;	/* the root */
		int parent = above > 0 ? map.slots[slot_of(&map, tasks, above)] : NO_TASK;

		if (parent == NO_TASK || parent == i || !(tasks->at[parent].entry.flags & CKPT_TASK_LEADER))
			die("entry %d of the task table: pid %d stands before its %s %d", i, e->pid,
			    e->pid == e->tgid ? "parent" : "process", above);
		if (e->pid == e->tgid) {
			*link = tasks->at[parent].child;
			tasks->at[parent].child = i;
		} else {
			*link = tasks->at[parent].thread;
			tasks->at[parent].thread = i;
			tasks->at[parent].nr_threads++;
		}
	}
	if (ioctl(ctx_fd, CKPT_RESTART_TIME, &tasks->time) < 0)
		die("the clocks cannot be read: %s", strerror(errno));
	read_namespaces(tasks, ctx_fd, &map);
	tasks->user_ns = read_record(ctx_fd, CKPT_REC_USER_NS, &tasks->user_ns_len);
	tasks->cgroups = read_record(ctx_fd, CKPT_REC_CGROUPS, &tasks->cgroups_len);
	read_networks(tasks, ctx_fd);
	read_inner_mounts(tasks, ctx_fd);
	free(map.slots);
}

void tasks_read(struct tasks *tasks, int ctx_fd)
{
	read_entries(tasks, ctx_fd);
	if (!tasks->nr)
		die("the image has no tasks");
	link_all(tasks, ctx_fd);
}
