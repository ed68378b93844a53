// SPDX-License-Identifier: Apache-2.0
/* The tree itself: who is there, and how much memory each has. */
#define _GNU_SOURCE
#include "look.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PROCESSES	200
#define PAGE_BYTES	4096LL

char *read_proc(pid_t pid, const char *name)
{
	size_t room = 4096, len = 0;
	char path[64], *text;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	text = malloc(room);
	while ((n = read(fd, text + len, room - len - 1)) > 0) {
		len += n;
		if (len + 1 == room)
			text = realloc(text, room *= 2);
	}
	text[len] = '\0';
	close(fd);
	return text;
}

static int shown;

static void show_children(pid_t pid);

static void show_process(pid_t pid)
{
	char *stat = shown < MAX_PROCESSES ? read_proc(pid, "stat") : NULL;
	char *comm = stat ? strchr(stat, '(') : NULL, *end = stat ? strrchr(stat, ')') : NULL;
	char state[2] = "?";
	long long rss = 0;
	int ppid = 0, threads = 0;

	if (!comm || !end ||
	    sscanf(end + 1, " %1s %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d %*u %*u %lld",
		   state, &ppid, &threads, &rss) != 4) {
		free(stat);
		return;
	}
	shown++;
	*end = '\0';
	json_open('{');
	json_key("pid");
	json_number(pid);
	json_key("ppid");
	json_number(ppid);
	json_key("command");
	json_string(comm + 1);
	json_key("state");
	json_string(state);
	json_key("threads");
	json_number(threads);
	json_key("rssBytes");
	json_number(rss * PAGE_BYTES);
	show_link(pid, "cwd");
	show_link(pid, "exe");
	show_files(pid);
	show_maps(pid);
	json_close('}');
	free(stat);
	show_children(pid);
}

/* Children belong to threads. */
static void show_children(pid_t pid)
{
	char path[64], name[64];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		char *children, *rest, *word;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "task/%.20s/children", entry->d_name);
		children = rest = read_proc(pid, name);
		while (rest && (word = strsep(&rest, " ")))
			if (*word)
				show_process(atoi(word));
		free(children);
	}
	if (tasks)
		closedir(tasks);
}

int main(int argc, char **argv)
{
	if (argc != 2 || atoi(argv[1]) <= 0) {
		fprintf(stderr, "usage: look PID\nPrints the process tree under PID and what it holds, as JSON.\n");
		return 2;
	}
	json_open('[');
	show_process(atoi(argv[1]));
	json_close(']');
	putchar('\n');
	return 0;
}
