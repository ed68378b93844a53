// SPDX-License-Identifier: Apache-2.0
/* checkpoint: write a process tree to an image. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroups.h"
#include "image.h"
#include "inner_mounts.h"
#include "kernellog.h"
#include "mounts.h"
#include "namespaces.h"
#include "networks.h"
#include "relink.h"
#include "show.h"
#include "tree.h"
#include "util.h"

static const char usage[] =
"usage: checkpoint [-o FILE|-] [--parent FILE | --parent-id ID] [--kill | --hold]\n"
"                  [--dry-run] [--log FILE]\n"
"                  [--relink-dir DIR]... [--unlinked=relink|copy|auto] [--live]\n"
"                  [--tracker NAME] [--audit]\n"
"                  [--no-track] [--json] PID\n"
"Write the process tree under PID to an image. The tree runs on, unless --kill.\n"
"\n"
"  -o, --output FILE   the image; - (the default) is standard output\n"
"  --parent FILE       write an increment over this image\n"
"  --parent-id ID      the same, over an image that is elsewhere\n"
"  --kill              end the tree when the image is complete\n"
"  --hold              keep it at rest then, until standard input says: with \"kill\"\n"
"                      it ends, with anything else, or at the end, it goes on\n"
"  --dry-run           write nothing; print every obstacle, exit 1 if there is any\n"
"  --log FILE          append what the kernel says to FILE, not to standard error\n"
"  --relink-dir DIR    where unlinked files are given a name (one per filesystem);\n"
"                      default: " RELINK_DIR " at the mount point of each\n"
"  --unlinked=HOW      unlinked files: relink (the default) gives them a name there,\n"
"                      copy puts their contents into the image, auto copies only\n"
"                      those that cannot be named; --dry-run says how much\n"
"  --live              let the tree go on while its memory is written\n"
"  --tracker NAME      what tells which pages the next increment holds:\n"
"                      scan (the default), wp, soft-dirty or hash\n"
"  --audit             compare the contents of all pages with what the tracker says\n"
"  --no-track          do not track changes for a later increment\n"
"  --json              print figures as one JSON object; on standard error if the\n"
"                      image goes to standard output\n";

#define TRIES		20

static struct relink_dirs relink_dirs;
static char *unfinished;	/* the image under its temporary name */

static void clean_up(void)
{
	if (unfinished)
		unlink(unfinished);
	relink_tidy(&relink_dirs);
}

/* unlink(2), rmdir(2) and _exit(2) are all that happens here. */
static void on_signal(int sig)
{
	clean_up();
	_exit(128 + sig);
}

/* A failed checkpoint leaves nothing under the name it was to have. */
static int open_output(const char *name, const char *parent)
{
	struct stat st, parent_st;
	char *directory, *base;
	int fd;

	if (!strcmp(name, "-")) {
		if (isatty(STDOUT_FILENO))
			die("an image is not for a terminal; give -o FILE");
		return STDOUT_FILENO;
	}
	if (stat(name, &st) == 0) {
		if (parent && stat(parent, &parent_st) == 0 && st.st_ino == parent_st.st_ino &&
		    st.st_dev == parent_st.st_dev)
			die("%s is the parent of this image; an increment needs both, give it another name", name);
		if (!S_ISREG(st.st_mode)) {	/* a pipe, /dev/null: nothing to rename */
			fd = open(name, O_WRONLY | O_CLOEXEC);
			if (fd < 0)
				die("%s: %s", name, strerror(errno));
			return fd;
		}
	}
	directory = directory_of(name);
	base = strrchr(name, '/') ? strrchr(name, '/') + 1 : (char *)name;
	if (!*base)
		die("%s names a directory, not a file", name);
	unfinished = xasprintf("%s/.%s.XXXXXX", directory, base);
	fd = mkostemp(unfinished, O_CLOEXEC);	/* mode 0600: it holds memory */
	if (fd < 0) {
		int error = errno;

		free(unfinished);
		unfinished = NULL;
		die("%s: no file can be made in %s: %s", name, directory, strerror(error));
	}
	free(directory);
	return fd;
}

/* So that the name of the image outlives a power cut. */
static void sync_directory(const char *name)
{
	char *directory = directory_of(name);
	int fd = open(directory, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		complain("%s: %s; the image may not outlive a power cut", directory, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(directory);
}

static void finish_output(int fd, const char *name, bool killed)
{
	if (!unfinished)
		return;
	if (fsync(fd) == 0 && close(fd) == 0 && rename(unfinished, name) == 0) {
		unfinished = NULL;
		sync_directory(name);
		return;
	}
	int error = errno;
	char *kept = unfinished;

	if (killed)	/* the image is all that is left of the tree */
		unfinished = NULL;
	die("%s: %s%s%s", name, strerror(error), killed ? "; the image is complete and stays as " : "", killed ? kept : "");
}

/* What an errno means here, when the kernel's own words do not say. */
static void explain(int error, pid_t pid)
{
	char comm[64];

	switch (error) {
	case ENOSYS:
		die("this kernel has no checkpoint(2); boot one with the checkpoint patches (variant \"cr\")");
	case EPERM:
		die("pid %d: not permitted; checkpoint needs CAP_SYS_ADMIN, run it as root", pid);
	case ESTALE:
		die("pid %d: its network, its mounts, or its control groups, are changed all the time", pid);
	case ESRCH:
		die("pid %d: no such process", pid);
	case EBUSY:
		comm_of(pid, comm);
		die("pid %d (%s) cannot be checkpointed as it is; --dry-run lists why", pid, comm);
	default:
		die("pid %d: %s", pid, strerror(error));
	}
}

static uint32_t parse_tracker(const char *name)
{
	for (uint32_t i = CKPT_TRACKER_SOFT_DIRTY; tracker_name(i); i++)
		if (!strcmp(name, tracker_name(i)))
			return i;
	die("no tracker is called %s; there are scan, wp, soft-dirty and hash", name);
}

/* The lines of the log that are notes, or those that are not. */
static void print_lines(FILE *to, const char *key, const struct kernellog *log, bool notes)
{
	bool first = true;

	fprintf(to, ",\"%s\":[", key);
	for (size_t i = 0; i < log->nr_lines; i++) {
		if (is_note(log->lines[i]) != notes)
			continue;
		fprintf(to, "%s\"", first ? "" : ",");
		first = false;
		for (const char *p = log->lines[i]; *p; p++)
			if (*p == '"' || *p == '\\')
				fprintf(to, "\\%c", *p);
			else if ((unsigned char)*p < ' ')
				fprintf(to, "\\u%04x", *p);
			else
				putc(*p, to);
		fprintf(to, "\"");
	}
	fprintf(to, "]");
}

static void print_json(FILE *to, const struct checkpoint_stats *s, const uint8_t *parent_id, const struct kernellog *dry_run)
{
	char id[ID_TEXT_BYTES];

	fprintf(to, "{\"imageId\":\"%s\",\"parentImageId\":", id_text(s->image_id, id));
	if (parent_id)
		fprintf(to, "\"%s\"", id_text(parent_id, id));
	else
		fprintf(to, "null");
	fprintf(to, ",\"bytes\":%llu,\"tasks\":%llu,\"pages\":%llu,\"zeroPages\":%llu,\"parentPages\":%llu,\"cowPages\":%llu,\"relinked\":%llu,"
	       "\"copied\":%llu,\"copiedBytes\":%llu,\"obstacles\":%llu,\"frozenNs\":%llu,\"totalNs\":%llu",
	       (unsigned long long)s->bytes, (unsigned long long)s->tasks, (unsigned long long)s->pages,
	       (unsigned long long)s->zero_pages, (unsigned long long)s->parent_pages, (unsigned long long)s->cow_pages, (unsigned long long)s->relinked,
	       (unsigned long long)s->copied, (unsigned long long)s->copied_bytes, (unsigned long long)s->obstacles,
	       (unsigned long long)s->frozen_ns, (unsigned long long)s->total_ns);
	if (tracker_name(s->tracker))
		fprintf(to, ",\"tracker\":\"%s\",\"trackerFaults\":%llu,\"trackerWalkNs\":%llu,\"trackerBytes\":%llu",
		       tracker_name(s->tracker), (unsigned long long)s->tracker_faults,
		       (unsigned long long)s->tracker_walk_ns, (unsigned long long)s->tracker_bytes);
	if (s->audited)
		fprintf(to, ",\"falsePages\":%llu", (unsigned long long)s->false_pages);
	if (dry_run) {
		print_lines(to, "obstacleList", dry_run, false);
		print_lines(to, "notes", dry_run, true);
	}
	fprintf(to, "}\n");
	fflush(to);
}

/* The image may be restarted elsewhere meanwhile; who waits for that says how it went. */
static void hold_until_told(int held)
{
	char *line = NULL;
	size_t room = 0;

	if (getline(&line, &room, stdin) > 0 && !strcmp(line, "kill\n") && ioctl(held, CKPT_HELD_KILL, 0) < 0)
		die("the tree is not killed, it goes on: %s", strerror(errno));
	free(line);
	close(held);
}

static void parse_id(const char *text, uint8_t id[CKPT_ID_BYTES])
{
	char digits[3] = "", *end;

	if (strlen(text) != 2 * CKPT_ID_BYTES)
		die("--parent-id %s: an image is named by %d hexadecimal digits", text, 2 * CKPT_ID_BYTES);
	for (int i = 0; i < CKPT_ID_BYTES; i++) {
		memcpy(digits, text + 2 * i, 2);
		id[i] = strtoul(digits, &end, 16);
		if (*end || digits[0] == '-' || digits[0] == '+' || digits[0] == ' ')
			die("--parent-id %s: not hexadecimal digits", text);
	}
}

static uint64_t unlinked_flags(const char *how)
{
	if (!strcmp(how, "relink"))
		return 0;
	if (!strcmp(how, "copy"))
		return CHECKPOINT_UNLINKED_COPY;
	if (!strcmp(how, "auto"))
		return CHECKPOINT_UNLINKED_AUTO;
	die("--unlinked=%s: there are relink, copy and auto", how);
}

/* Mounts that cannot be made again. */
struct refused {
	char **lines;
	size_t nr;
};

static void refuse(const char *text, void *arg)
{
	struct refused *refused = arg;

	refused->lines = realloc(refused->lines, (refused->nr + 1) * sizeof(*refused->lines));
	if (!refused->lines)
		die("out of memory");
	refused->lines[refused->nr++] = xasprintf("%s", text);
}

/* Of a tree with a mount namespace of its own. */
static void take_mounts(struct checkpoint_args *args, uint32_t own, pid_t pid, struct refused *refused)
{
	char *path = xasprintf("/proc/%d/ns/mnt", pid);
	int theirs = open(path, O_RDONLY | O_CLOEXEC), ours = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	struct mount_ns ns[] = { { .owner = mounts_owner(ours) }, { .owner = mounts_owner(theirs) } };
	struct namespaces_before before;

	/* What cgroup2 shows is told from the root of the namespace of who asks. */
	namespaces_enter(own & CKPT_NS_CGROUP, pid, &before);
	ns[0].text = mounts_read(0);
	ns[1].text = mounts_read(pid);
	namespaces_leave(&before);
	if (!ns[0].text || !ns[1].text)
		die("pid %d: its mounts cannot be read: %s", pid, strerror(errno));
	args->mounts = (uintptr_t)mounts_describe(ns, 1, 0, NULL, pid, refuse, refused);
	args->mounts_len = strlen((const char *)(uintptr_t)args->mounts);
	free((char *)ns[0].text);
	free((char *)ns[1].text);
	close(theirs);
	close(ours);
	free(path);
}

static void take_cgroups(struct checkpoint_args *args, uint32_t own, pid_t pid, struct bytes *text)
{
	cgroups_describe(pid, own & CKPT_NS_CGROUP, text);
	args->cgroups = (uintptr_t)text->at;
	args->cgroups_len = text->len;
}

/*
 * As often as the network, or who is in which control group, is changed after it was read, and before the tree came
 * to rest. Most trees are in no control group, in one network and one mount namespace: if not, that is said.
 */
static long checkpoint_tree(uint32_t own, pid_t pid, struct checkpoint_args *args, struct checkpoint_stats *stats,
			    struct refused *refused, struct kernellog *log)
{
	bool with_cgroups = own & CKPT_NS_CGROUP || cgroups_used(pid);
	bool with_inner = false;
	size_t refused_before = refused->nr;
	struct networks networks = { };
	struct inner_mounts mounts = { };
	struct bytes cgroups = { };
	long ret = -1;
	int error = ESTALE;

	for (int i = 0; i < TRIES && ret < 0 && error == ESTALE; i++) {
		if (own & CKPT_NS_NET || with_inner)
			networks_take(&networks, pid, own & CKPT_NS_NET, with_inner, args);
		refused->nr = refused_before;
		if (with_inner)
			inner_mounts_take(&mounts, pid, own, args, refuse, refused);
		if (refused->nr && !(args->flags & CHECKPOINT_DRYRUN))
			die("%s", refused->lines[0]);
		if (with_cgroups)
			take_cgroups(args, own, pid, &cgroups);
		ret = namespaces_checkpoint(own, pid, args, stats);
		error = errno;
		if (ret < 0 && error == ESTALE && i < TRIES - 1)
			kernellog_forget(log);
		with_cgroups = true;
		with_inner = true;
	}
	networks_free(&networks);
	inner_mounts_free(&mounts);
	free(cgroups.at);
	/* None of it is there any more. */
	args->nr_networks = args->nr_mounts = args->network_len = args->cgroups_len = 0;
	errno = error;
	return ret;
}

static void give_relink_dirs(struct checkpoint_args *args, uint32_t own, pid_t pid)
{
	struct tree tree;

	if (!relink_dirs.nr && !(args->flags & CHECKPOINT_UNLINKED_COPY)) {
		tree_read(&tree, pid);
		relink_find(&relink_dirs, &tree, own & CKPT_NS_MNT);
		tree_free(&tree);
	}
	args->nr_relink_fds = relink_dirs.nr;
	args->relink_fds = (uintptr_t)relink_dirs.fds;
}

/*
 * To look for unlinked files costs more than the rest, and most trees have none: the kernel says when it has met
 * one. An image that is no file cannot be begun anew.
 */
static long write_image(uint32_t own, pid_t pid, struct checkpoint_args *args, struct checkpoint_stats *stats,
			struct refused *refused, struct kernellog *log)
{
	uint64_t frozen_ns = 0;
	long ret;

	if (unfinished && !relink_dirs.nr && !(args->flags & CHECKPOINT_UNLINKED_COPY)) {
		args->flags |= CHECKPOINT_RELINK_ASK;
		ret = checkpoint_tree(own, pid, args, stats, refused, log);
		if (ret >= 0 || errno != EXDEV)
			return ret;
		args->flags &= ~CHECKPOINT_RELINK_ASK;
		frozen_ns = stats->frozen_ns;
		if (ftruncate(args->image_fd, 0) < 0 || lseek(args->image_fd, 0, SEEK_SET) < 0)
			die("the image cannot be begun anew: %s", strerror(errno));
	}
	give_relink_dirs(args, own, pid);
	ret = checkpoint_tree(own, pid, args, stats, refused, log);
	stats->frozen_ns += frozen_ns;
	stats->total_ns += frozen_ns;
	return ret;
}

int main(int argc, char **argv)
{
	enum { PARENT = 256, PARENT_ID, KILL, HOLD, DRY_RUN, LOG, RELINK, UNLINKED, LIVE, TRACKER, AUDIT, NO_TRACK, JSON, HELP };
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "parent", required_argument, NULL, PARENT },
		{ "parent-id", required_argument, NULL, PARENT_ID },
		{ "kill", no_argument, NULL, KILL },
		{ "hold", no_argument, NULL, HOLD },
		{ "dry-run", no_argument, NULL, DRY_RUN },
		{ "log", required_argument, NULL, LOG },
		{ "relink-dir", required_argument, NULL, RELINK },
		{ "unlinked", required_argument, NULL, UNLINKED },
		{ "live", no_argument, NULL, LIVE },
		{ "tracker", required_argument, NULL, TRACKER },
		{ "audit", no_argument, NULL, AUDIT },
		{ "no-track", no_argument, NULL, NO_TRACK },
		{ "json", no_argument, NULL, JSON },
		{ "help", no_argument, NULL, HELP },
		{ }
	};
	const char *output = "-", *parent = NULL, *parent_name = NULL, *log_name = NULL;
	struct checkpoint_stats stats = { };
	struct ckpt_header parent_header;
	const uint8_t *parent_id = NULL;
	struct kernellog log;
	struct refused refused = { };
	uint64_t flags = 0;
	uint32_t tracker = CKPT_TRACKER_DEFAULT;
	bool json = false, dry_run;
	pid_t pid;
	long ret;
	int c, error;

	progname = "checkpoint";
	at_failure = clean_up;
	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1)
		switch (c) {
		case 'o': output = optarg; break;
		case PARENT: parent = optarg; break;
		case PARENT_ID: parent_name = optarg; break;
		case KILL: flags |= CHECKPOINT_KILL; break;
		case HOLD: flags |= CHECKPOINT_HOLD; break;
		case DRY_RUN: flags |= CHECKPOINT_DRYRUN; break;
		case LOG: log_name = optarg; break;
		case RELINK: relink_add(&relink_dirs, optarg); break;
		case UNLINKED: flags |= unlinked_flags(optarg); break;
		case LIVE: flags |= CHECKPOINT_LIVE; break;
		case TRACKER: tracker = parse_tracker(optarg); break;
		case AUDIT: flags |= CHECKPOINT_AUDIT; break;
		case NO_TRACK: flags |= CHECKPOINT_NOTRACK; break;
		case JSON: json = true; break;
		case HELP: fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	if (argc - optind != 1) {
		fputs(usage, stderr);
		return 2;
	}
	dry_run = flags & CHECKPOINT_DRYRUN;
	if ((flags & CHECKPOINT_UNLINKED_COPY) && (flags & CHECKPOINT_UNLINKED_AUTO))
		die("--unlinked is given twice");
	if (dry_run && (flags & CHECKPOINT_KILL))
		die("--dry-run and --kill exclude each other");
	if ((flags & CHECKPOINT_LIVE) && (flags & CHECKPOINT_KILL))
		die("--live and --kill exclude each other: what is to be killed need not run on");
	if ((flags & CHECKPOINT_HOLD) && (flags & (CHECKPOINT_KILL | CHECKPOINT_LIVE | CHECKPOINT_DRYRUN)))
		die("--hold excludes --kill, --live and --dry-run");
	if (parent && parent_name)
		die("--parent and --parent-id exclude each other");
	pid = parse_number(argv[optind], 1 << 22, "pid");

	if (parent) {
		char *problem;

		if (image_read_header(parent, &parent_header, &problem) < 0)
			die("parent %s: %s", parent, problem);
		parent_id = parent_header.image_id;
	} else if (parent_name) {
		parse_id(parent_name, parent_header.image_id);
		parent_id = parent_header.image_id;
	}
	if (kill(pid, 0) < 0 && errno == ESRCH)
		explain(ESRCH, pid);

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
	kernellog_open(&log, log_name);

	struct checkpoint_args args = {
		.flags = flags,
		.pid = pid,
		.image_fd = dry_run ? -1 : open_output(output, parent),
		.log_fd = log.fd,
		.parent_id = (uintptr_t)parent_id,
		.stats = (uintptr_t)&stats,
		.tracker = tracker,
		.stats_size = sizeof(stats),
	};
	uint32_t own = namespaces_own(pid);

	/*
	 * A tree at rest is to rest briefly, and many processes that end at once would keep us from it. One that
	 * runs on meanwhile comes first. Who may not do that waits longer.
	 */
	if (!(flags & CHECKPOINT_LIVE))
		setpriority(PRIO_PROCESS, 0, -20);
	if (own & CKPT_NS_MNT)
		take_mounts(&args, own, pid, &refused);
	if (refused.nr && !dry_run)
		die("%s", refused.lines[0]);
	ret = write_image(own, pid, &args, &stats, &refused, &log);
	error = errno;
	kernellog_read(&log);
	for (size_t i = 0; i < refused.nr; i++)
		kernellog_add(&log, refused.lines[i]);
	stats.obstacles += refused.nr;

	if (dry_run && ret == 0) {
		clean_up();
		if (json)
			print_json(stdout, &stats, parent_id, &log);
		else
			for (size_t i = 0; i < log.nr_lines; i++)
				puts(log.lines[i]);
		return stats.obstacles ? 1 : 0;
	}
	if (!log.to_file || ret < 0)
		kernellog_print(&log);
	if (ret < 0) {
		if (!log.nr_lines || error == ENOSYS)
			explain(error, pid);
		clean_up();
		return 1;
	}

	/* An image is whole when the names it needs outlive a power cut too. */
	if (stats.relinked)
		relink_sync(&relink_dirs);
	finish_output(args.image_fd, output, flags & CHECKPOINT_KILL);
	relink_tidy(&relink_dirs);
	if (args.image_fd == STDOUT_FILENO)
		close(STDOUT_FILENO);	/* whoever reads the image sees its end */
	if (json)
		print_json(args.image_fd == STDOUT_FILENO ? stderr : stdout, &stats, parent_id, NULL);
	if (flags & CHECKPOINT_HOLD)
		hold_until_told(ret);
	return 0;
}
