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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "image.h"
#include "kernellog.h"
#include "relink.h"
#include "show.h"
#include "tree.h"
#include "util.h"

static const char usage[] =
"usage: checkpoint [-o FILE|-] [--parent FILE] [--kill] [--dry-run] [--log FILE]\n"
"                  [--relink-dir DIR]... [--unlinked=relink|copy|auto] [--live]\n"
"                  [--tracker NAME] [--audit]\n"
"                  [--no-track] [--json] PID\n"
"Write the process tree under PID to an image. The tree runs on, unless --kill.\n"
"\n"
"  -o, --output FILE   the image; - (the default) is standard output\n"
"  --parent FILE       write an increment over this image\n"
"  --kill              end the tree when the image is complete\n"
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
"  --json              print figures as one JSON object\n";

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
static void print_lines(const char *key, const struct kernellog *log, bool notes)
{
	bool first = true;

	printf(",\"%s\":[", key);
	for (size_t i = 0; i < log->nr_lines; i++) {
		if (is_note(log->lines[i]) != notes)
			continue;
		printf("%s\"", first ? "" : ",");
		first = false;
		for (const char *p = log->lines[i]; *p; p++)
			if (*p == '"' || *p == '\\')
				printf("\\%c", *p);
			else if ((unsigned char)*p < ' ')
				printf("\\u%04x", *p);
			else
				putchar(*p);
		printf("\"");
	}
	printf("]");
}

static void print_json(const struct checkpoint_stats *s, const uint8_t *parent_id, const struct kernellog *dry_run)
{
	char id[ID_TEXT_BYTES];

	printf("{\"imageId\":\"%s\",\"parentImageId\":", id_text(s->image_id, id));
	if (parent_id)
		printf("\"%s\"", id_text(parent_id, id));
	else
		printf("null");
	printf(",\"bytes\":%llu,\"tasks\":%llu,\"pages\":%llu,\"zeroPages\":%llu,\"parentPages\":%llu,\"relinked\":%llu,"
	       "\"copied\":%llu,\"copiedBytes\":%llu,\"obstacles\":%llu,\"frozenNs\":%llu,\"totalNs\":%llu",
	       (unsigned long long)s->bytes, (unsigned long long)s->tasks, (unsigned long long)s->pages,
	       (unsigned long long)s->zero_pages, (unsigned long long)s->parent_pages, (unsigned long long)s->relinked,
	       (unsigned long long)s->copied, (unsigned long long)s->copied_bytes, (unsigned long long)s->obstacles,
	       (unsigned long long)s->frozen_ns, (unsigned long long)s->total_ns);
	if (tracker_name(s->tracker))
		printf(",\"tracker\":\"%s\",\"trackerFaults\":%llu,\"trackerWalkNs\":%llu,\"trackerBytes\":%llu",
		       tracker_name(s->tracker), (unsigned long long)s->tracker_faults,
		       (unsigned long long)s->tracker_walk_ns, (unsigned long long)s->tracker_bytes);
	if (s->audited)
		printf(",\"falsePages\":%llu", (unsigned long long)s->false_pages);
	if (dry_run) {
		print_lines("obstacleList", dry_run, false);
		print_lines("notes", dry_run, true);
	}
	printf("}\n");
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

int main(int argc, char **argv)
{
	enum { PARENT = 256, KILL, DRY_RUN, LOG, RELINK, UNLINKED, LIVE, TRACKER, AUDIT, NO_TRACK, JSON, HELP };
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "parent", required_argument, NULL, PARENT },
		{ "kill", no_argument, NULL, KILL },
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
	const char *output = "-", *parent = NULL, *log_name = NULL;
	struct checkpoint_stats stats = { };
	struct ckpt_header parent_header;
	struct kernellog log;
	struct tree tree;
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
		case KILL: flags |= CHECKPOINT_KILL; break;
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
	pid = parse_number(argv[optind], 1 << 22, "pid");

	if (parent) {
		char *problem;

		if (image_read_header(parent, &parent_header, &problem) < 0)
			die("parent %s: %s", parent, problem);
	}
	tree_read(&tree, pid);
	if (!tree.nr)
		explain(ESRCH, pid);
	if (tree_has(&tree, getpid()))
		die("pid %d: this command runs inside that tree, and cannot freeze itself; run it from outside", pid);

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
	if (!relink_dirs.nr && !(flags & CHECKPOINT_UNLINKED_COPY))
		relink_find(&relink_dirs, &tree);
	kernellog_open(&log, log_name);

	struct checkpoint_args args = {
		.flags = flags,
		.pid = pid,
		.image_fd = dry_run ? -1 : open_output(output, parent),
		.log_fd = log.fd,
		.nr_relink_fds = relink_dirs.nr,
		.relink_fds = (uintptr_t)relink_dirs.fds,
		.parent_id = parent ? (uintptr_t)parent_header.image_id : 0,
		.stats = (uintptr_t)&stats,
		.tracker = tracker,
		.stats_size = sizeof(stats),
	};
	ret = syscall(__NR_checkpoint_x86_64, &args, sizeof(args));
	error = errno;
	kernellog_read(&log);

	if (dry_run && ret == 0) {
		clean_up();
		if (json)
			print_json(&stats, parent ? parent_header.image_id : NULL, &log);
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
	if (json && args.image_fd != STDOUT_FILENO)
		print_json(&stats, parent ? parent_header.image_id : NULL, NULL);
	return 0;
}
