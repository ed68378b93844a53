// SPDX-License-Identifier: Apache-2.0
/* restart: make a process tree again from an image. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroups.h"
#include "chain.h"
#include "image.h"
#include "inner_mounts.h"
#include "kernellog.h"
#include "namespaces.h"
#include "network.h"
#include "rebuild.h"
#include "user_ns.h"
#include "util.h"

static const char usage[] =
"usage: restart [-i FILE|-] [--parent FILE]... [--detach] [--pidfile FILE]\n"
"               [--check type|inode|contents] [--keep] [--relink-dir DIR]\n"
"               [--no-cgroups] [--lazy] [--log FILE] [--json]\n"
"Make a process tree again from an image, with the pids it had. Without --detach,\n"
"wait for its root and return its exit status (128 + signal).\n"
"\n"
"  -i, --input FILE    the image; - (the default) is standard input\n"
"  --parent FILE       a parent of an increment; default: found beside the image\n"
"  --detach            return as soon as the tree runs; init becomes its parent\n"
"  --pidfile FILE      write the pid of the root to FILE\n"
"  --check WHAT        what makes a file the one that was checkpointed: its name and\n"
"                      type; its inode, too (the default); size and mtime, too\n"
"  --keep              keep the names of unlinked files, for another restart\n"
"  --relink-dir DIR    make unlinked files that were copied into the image in DIR,\n"
"                      not in the directory that held each\n"
"  --no-cgroups        leave the tree in the control group of the caller\n"
"  --lazy              run at once: private memory stays in the image, a file, and comes\n"
"                      when it is touched, or by and by\n"
"  --log FILE          append what the kernel says to FILE, not to standard error\n"
"  --json              print figures as one JSON object\n";

/* The images of a chain: the one to restart, its parent, and so on. */
struct chain {
	int *fds;
	int nr;
	uint8_t image_id[CKPT_ID_BYTES];
};

struct parents {
	char **names;
	int nr;
};

static struct rebuild rebuild = { .ctx_fd = -1 };
static struct namespaces_before before;

static void clean_up(void)
{
	namespaces_leave(&before);
	rebuild_kill(&rebuild);
	cgroups_undo();
}

static void chain_add(struct chain *chain, int fd)
{
	if (chain->nr == MAX_CHAIN)
		die("the chain of parents is longer than %d images", MAX_CHAIN);
	chain->fds = realloc(chain->fds, (chain->nr + 1) * sizeof(*chain->fds));
	if (!chain->fds)
		die("out of memory");
	chain->fds[chain->nr++] = fd;
}

static void chain_open(struct chain *chain, const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", name, strerror(errno));
	chain_add(chain, fd);
}

static void header_of(const char *name, struct ckpt_header *header)
{
	char *problem;

	if (image_read_header(name, header, &problem) < 0)
		die("%s: %s", name, problem);
}

/* Of the one that was added last, whose name is @name. */
static void header_of_last(const struct chain *chain, const char *name, struct ckpt_header *header)
{
	if (!image_peek_header(chain->fds[chain->nr - 1], header))
		header_of(name, header);
}

/* Among those the user named, then beside the image. */
static const char *find_parent(const char *image, const uint8_t *id, const struct parents *parents,
			       struct chain_index *index)
{
	struct ckpt_header header;
	const char *found;
	char text[ID_TEXT_BYTES], *directory;

	for (int i = 0; i < parents->nr; i++) {
		header_of(parents->names[i], &header);
		if (!memcmp(header.image_id, id, CKPT_ID_BYTES))
			return parents->names[i];
	}
	directory = directory_of(image);
	if (!index->images)
		chain_index_read(index, directory);
	found = chain_index_find(index, id);
	if (!found)
		die("%s is an increment over image %s, which is not in %s; name it with --parent FILE", image,
		    id_text(id, text), directory);
	free(directory);
	return found;
}

/* Each image of the chain is a descriptor. */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= MAX_CHAIN + 64)
		return;
	limit.rlim_cur = MAX_CHAIN + 64;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	/* It may be that fewer will do. */
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* @name and all its parents; a stream cannot be looked at first, its parents are named. */
static void chain_build(struct chain *chain, const char *name, const struct parents *parents)
{
	struct ckpt_header header;
	struct chain_index index = { };

	if (!strcmp(name, "-")) {
		if (isatty(STDIN_FILENO))
			die("an image does not come from a terminal; give -i FILE");
		chain_add(chain, STDIN_FILENO);
		if (!parents->nr)
			return;
		name = parents->names[0];
		chain_open(chain, name);
	} else {
		chain_open(chain, name);
	}
	header_of_last(chain, name, &header);
	memcpy(chain->image_id, header.image_id, CKPT_ID_BYTES);
	while (!id_is_zero(header.parent_id)) {
		if (!index.images)
			raise_fd_limit();
		name = find_parent(name, header.parent_id, parents, &index);
		chain_open(chain, name);
		header_of_last(chain, name, &header);
	}
}

static int create(struct chain *chain, const char *input, uint64_t flags, int copy_dir, struct kernellog *log)
{
	struct restart_args args = {
		.flags = flags, .op = RESTART_CREATE, .ctx_fd = -1,
		.image_fds = (uintptr_t)chain->fds, .nr_image_fds = chain->nr, .log_fd = log->fd,
		.copy_dir_fd = copy_dir,
	};
	int fd = syscall(__NR_restart_x86_64, &args, sizeof(args));
	int error = errno;

	if (fd >= 0)
		return fd;
	if (error == ENOSYS)
		die("this kernel has no restart(2); boot one with the checkpoint patches (variant \"cr\")");
	kernellog_read(log);
	kernellog_print(log);
	if (log->nr_lines)
		exit(1);
	if (error == EPERM)
		die("not permitted; restart needs CAP_SYS_ADMIN, run it as root");
	die("%s: %s", strcmp(input, "-") ? input : "image", strerror(error));
}

static void run(const char *input, struct kernellog *log, struct restart_stats *stats)
{
	struct restart_args args = {
		.op = RESTART_RUN, .ctx_fd = rebuild.ctx_fd, .log_fd = -1, .stats = (uintptr_t)stats,
	};
	long ret;
	int error;

	rebuild_help(&rebuild);
	ret = syscall(__NR_restart_x86_64, &args, sizeof(args));
	error = errno;
	rebuild_helped(&rebuild);
	namespaces_leave(&before);
	rebuild_check(&rebuild);
	kernellog_read(log);
	if (ret < 0 || !log->to_file)
		kernellog_print(log);
	if (ret == 0)
		return;
	if (!log->nr_lines)
		die("%s: %s", strcmp(input, "-") ? input : "image", strerror(error));
	rebuild_kill(&rebuild);
	cgroups_undo();
	exit(1);
}

static void write_pidfile(const char *name, pid_t pid)
{
	FILE *file = fopen(name, "we");

	if (!file || fprintf(file, "%d\n", pid) < 0 || fclose(file) != 0)
		complain("pid file %s: %s; the tree runs, its root is pid %d", name, strerror(errno), pid);
}

static pid_t root_pid;

/* A key that the terminal sends to the whole group has reached the root already. */
static void forward(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code != SI_KERNEL || getpgid(root_pid) != getpgrp())
		kill(root_pid, sig);
}

static void forward_signals(void)
{
	struct sigaction action = { .sa_sigaction = forward, .sa_flags = SA_SIGINFO | SA_RESTART };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
}

static int wait_for_root(void)
{
	int status;

	while (waitpid(root_pid, &status, __WALL) < 0)
		if (errno != EINTR)
			die("waiting for pid %d: %s", root_pid, strerror(errno));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A clock that goes on where it was in the image; one that only runs ahead is left alone. */
static bool needs_time_namespace(const struct tasks *tasks)
{
	struct timespec now;

	if (!tasks->time.monotonic_ns)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return tasks->own & CKPT_NS_TIME ||
	       (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec < tasks->time.monotonic_ns;
}

static int open_net_ns(const char *of)
{
	char *path = xasprintf("/proc/%s/ns/net", of);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	free(path);
	return fd;
}

static int new_net_ns(const struct bytes *record)
{
	int home, fd;

	if (((const struct ckpt_network *)record->at)->own_user == 1)
		return user_ns_make_net();
	home = open_net_ns("self");
	if (unshare(CLONE_NEWNET) < 0)
		die("cannot make a network namespace: %s", strerror(errno));
	fd = open_net_ns("self");
	network_leave(home);
	return fd;
}

/* The root has brought an empty one with it; others are made for those who do not live there. */
static void make_networks(void)
{
	struct network_ns *all = rebuild.tasks.networks;
	size_t nr = rebuild.tasks.nr_networks;
	char root[16];

	snprintf(root, sizeof(root), "%d", root_pid);
	if (rebuild.tasks.own & CKPT_NS_NET)
		all[0].ns = open_net_ns(root);
	for (size_t i = 1; i < nr; i++)
		all[i].ns = new_net_ns(&all[i].record);
	if (!network_make(all, nr))
		die("its network cannot be made again");
	for (size_t i = 0; i < nr; i++) {
		if (i && ioctl(rebuild.ctx_fd, CKPT_RESTART_NETWORK_NS, all[i].ns) < 0)
			die("its network cannot be given to it: %s", strerror(errno));
		if (all[i].ns >= 0)
			close(all[i].ns);
	}
}

/* If not, its tasks are all there is to be made: the kernel may begin meanwhile. */
static bool has_surroundings(void)
{
	const struct tasks *tasks = &rebuild.tasks;

	return tasks->own || rebuild.new_time || tasks->cgroups_len || tasks->nr_networks > 1 ||
	       tasks->nr_inner_mounts;
}

static void make_surroundings(void)
{
	cgroups_leave();
	cgroups_set();
	make_networks();
	inner_mounts_make(&rebuild.tasks, rebuild.ctx_fd);
	cgroups_freeze(rebuild.ctx_fd);
	namespaces_enter(rebuild.tasks.own, root_pid, &before);
}

#define CHECK_FLAGS	(RESTART_CHECK_TYPE | RESTART_CHECK_CONTENTS)

static uint64_t check_flag(const char *what)
{
	if (!strcmp(what, "type"))
		return RESTART_CHECK_TYPE;
	if (!strcmp(what, "contents"))
		return RESTART_CHECK_CONTENTS;
	if (strcmp(what, "inode"))
		die("--check %s: there are type, inode and contents", what);
	return 0;
}

static int open_dir(const char *name)
{
	int fd = open(name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("directory %s: %s", name, strerror(errno));
	return fd;
}

int main(int argc, char **argv)
{
	enum { PARENT = 256, DETACH, PIDFILE, CHECK, KEEP, RELINK, NO_CGROUPS, LAZY, LOG, JSON, HELP };
	static const struct option options[] = {
		{ "input", required_argument, NULL, 'i' },
		{ "parent", required_argument, NULL, PARENT },
		{ "detach", no_argument, NULL, DETACH },
		{ "pidfile", required_argument, NULL, PIDFILE },
		{ "check", required_argument, NULL, CHECK },
		{ "keep", no_argument, NULL, KEEP },
		{ "relink-dir", required_argument, NULL, RELINK },
		{ "no-cgroups", no_argument, NULL, NO_CGROUPS },
		{ "lazy", no_argument, NULL, LAZY },
		{ "log", required_argument, NULL, LOG },
		{ "json", no_argument, NULL, JSON },
		{ "help", no_argument, NULL, HELP },
		{ }
	};
	const char *input = "-", *pidfile = NULL, *log_name = NULL;
	struct restart_stats stats = { };
	struct parents parents = { };
	struct chain chain = { };
	struct kernellog log;
	bool detach = false, json = false, with_cgroups = true;
	char id[ID_TEXT_BYTES];
	uint64_t flags = 0;
	int c, copy_dir = -1;

	progname = "restart";
	parents.names = xcalloc(argc, sizeof(*parents.names));
	while ((c = getopt_long(argc, argv, "i:", options, NULL)) != -1)
		switch (c) {
		case 'i': input = optarg; break;
		case PARENT: parents.names[parents.nr++] = optarg; break;
		case DETACH: detach = true; break;
		case PIDFILE: pidfile = optarg; break;
		case CHECK: flags = (flags & ~CHECK_FLAGS) | check_flag(optarg); break;
		case KEEP: flags |= RESTART_KEEP_RELINKED; break;
		case RELINK: copy_dir = open_dir(optarg); flags |= RESTART_COPY_DIR; break;
		case NO_CGROUPS: with_cgroups = false; break;
		case LAZY: flags |= RESTART_LAZY; break;
		case LOG: log_name = optarg; break;
		case JSON: json = true; break;
		case HELP: fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}

	kernellog_open(&log, log_name);
	chain_build(&chain, input, &parents);
	rebuild.ctx_fd = create(&chain, input, flags, copy_dir, &log);
	tasks_read(&rebuild.tasks, rebuild.ctx_fd);
	root_pid = rebuild.tasks.at[0].entry.pid;

	at_failure = clean_up;
	rebuild.new_time = needs_time_namespace(&rebuild.tasks);
	if (rebuild.new_time)
		namespaces_make_time(&rebuild.tasks.time);
	if (with_cgroups)
		cgroups_make(&rebuild.tasks);
	rebuild_begin(&rebuild, detach);
	if (has_surroundings()) {
		rebuild_settle(&rebuild);
		make_surroundings();
	}
	run(input, &log, &stats);
	at_failure = NULL;
	if (!detach)
		forward_signals();
	close(rebuild.ctx_fd);
	if (pidfile)
		write_pidfile(pidfile, root_pid);
	if (json) {
		printf("{\"imageId\":\"%s\",\"bytes\":%llu,\"tasks\":%llu,\"pages\":%llu,\"totalNs\":%llu,\"helped\":%d,\"rootPid\":%d}\n",
		       id_text(stats.image_id, id), (unsigned long long)stats.bytes, (unsigned long long)stats.tasks,
		       (unsigned long long)stats.pages, (unsigned long long)stats.total_ns, rebuild.helped, root_pid);
		fflush(stdout);
	}
	return detach ? 0 : wait_for_root();
}
