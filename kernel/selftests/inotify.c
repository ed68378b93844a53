// SPDX-License-Identifier: Apache-2.0
/*
 * inotify: watches that outlive the paths they were made by, their descriptors, and the events nobody has read yet.
 * Each case of a watch leaves a queue in which nothing stands that the checkpoint or the restart did.
 */
/* covers: Descriptors | inotify | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "subject.h"
#include "tap.h"
#include "watching.h"

#define CHANGES (IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

/* Events as text: "wd:mask:cookie:name", separated by spaces; the cookie only as being there. */
static const char *events(int fd)
{
	static char text[8192];
	char buf[16384] __attribute__((aligned(8)));
	size_t len = 0;
	ssize_t n = 0;
	int left = 0;

	text[0] = '\0';
	if (ioctl(fd, FIONREAD, &left) == 0 && left)
		n = read(fd, buf, sizeof(buf));
	for (ssize_t i = 0; i < n;) {
		struct inotify_event *e = (void *)(buf + i);

		len += snprintf(text + len, sizeof(text) - len, "%s%d:%x:%x:%s", len ? " " : "", e->wd, e->mask, e->cookie,
				e->len ? e->name : "");
		i += sizeof(*e) + e->len;
	}
	return text;
}

static void expect(int fd, const char *what, const char *expected)
{
	const char *seen = events(fd);

	verify(!strcmp(seen, expected), "%s: events \"%s\", expected \"%s\"", what, seen, expected);
}

static int new_instance(void)
{
	return inotify_init1(IN_CLOEXEC);
}

/* ---- a watch is found again ---- */

/* After the pause: the queue is empty, and what is done to @path is seen by watch 1. */
static void follows(int fd, const char *path)
{
	pause_here();
	expect(fd, "after the restart", "");
	write_file(path);
	expect(fd, "a write to it is seen", "1:2:0:");
	verify(inotify_add_watch(fd, path, CHANGES) == 1, "it is the same inode: the same descriptor");
}

static int watch_file(const char *name, uint32_t mask)
{
	int fd = new_instance();

	write_file(at(name));
	if (inotify_add_watch(fd, at(name), mask) != 1)
		_exit(112);
	return fd;
}

static void by_its_name(void)
{
	int fd = watch_file("a", CHANGES);

	follows(fd, at("a"));
}

static void renamed_body(void)
{
	int fd = watch_file("a", IN_MODIFY);

	must_rename(at("a"), at("b"));
	follows(fd, at("b"));
}

static void renamed_cold_body(void)
{
	int fd = watch_file("a", IN_MODIFY);

	must_rename(at("a"), at("b"));
	drop_caches();
	follows(fd, at("b"));
}

static void moved_body(void)
{
	int fd = watch_file("a", IN_MODIFY);

	must_mkdir(at("d"));
	must_rename(at("a"), at("d/b"));
	follows(fd, at("d/b"));
}

static void parent_renamed_body(void)
{
	int fd;

	must_mkdir(at("d"));
	fd = watch_file("d/a", IN_MODIFY);
	must_rename(at("d"), at("e"));
	follows(fd, at("e/a"));
}

static void parent_renamed_cold_body(void)
{
	int fd;

	must_mkdir(at("d"));
	fd = watch_file("d/a", IN_MODIFY);
	must_rename(at("d"), at("e"));
	drop_caches();
	follows(fd, at("e/a"));
}

static void replaced_body(void)
{
	int fd = watch_file("a", IN_MODIFY);

	must_link(at("a"), at("old"));
	write_file(at("new"));
	must_rename(at("new"), at("a"));
	pause_here();
	expect(fd, "after the restart", "");
	write_file(at("a"));
	expect(fd, "another file bears the name", "");
	write_file(at("old"));
	expect(fd, "the watch is on the old one", "1:2:0:");
}

/* Replaced, and nobody else knows the old one: only a descriptor holds it. */
static void replaced_open_body(void)
{
	int fd = watch_file("a", IN_MODIFY), held = open(at("a"), O_WRONLY | O_APPEND | O_CLOEXEC);

	write_file(at("new"));
	must_rename(at("new"), at("a"));
	pause_here();
	expect(fd, "after the restart", "");
	write_file(at("a"));
	expect(fd, "another file bears the name", "");
	write_fd(held);
	expect(fd, "the watch is on the old one", "1:2:0:");
}

static void unlinked_body(void)
{
	int fd = watch_file("a", CHANGES), held = open(at("a"), O_WRONLY | O_APPEND | O_CLOEXEC);

	must_unlink(at("a"));
	expect(fd, "unlink", "1:4:0:");
	pause_here();
	expect(fd, "after the restart", "");
	write_fd(held);
	expect(fd, "a write to it is seen", "1:2:0:");
	close(held);
	expect(fd, "its end is seen", "1:400:0: 1:8000:0:");
}

static void other_link_body(void)
{
	int fd = watch_file("a", IN_MODIFY);

	must_link(at("a"), at("b"));
	must_unlink(at("a"));
	follows(fd, at("b"));
}

static void other_link_cold_body(void)
{
	int fd = watch_file("a", IN_MODIFY);

	must_link(at("a"), at("b"));
	must_unlink(at("a"));
	drop_caches();
	follows(fd, at("b"));
}

static void follows_dir(int fd, const char *dir)
{
	char path[256];

	pause_here();
	expect(fd, "after the restart", "");
	snprintf(path, sizeof(path), "%s/new", dir);
	write_file(path);
	expect(fd, "what is made in it is seen", "1:100:0:new");
}

static int watch_dir(const char *name)
{
	int fd = new_instance();

	must_mkdir(at(name));
	if (inotify_add_watch(fd, at(name), IN_CREATE) != 1)
		_exit(112);
	return fd;
}

static void dir_moved_body(void)
{
	int fd = watch_dir("d");

	must_mkdir(at("e"));
	must_rename(at("d"), at("e/f"));
	follows_dir(fd, at("e/f"));
}

static void dir_moved_cold_body(void)
{
	int fd = watch_dir("d");

	must_mkdir(at("e"));
	must_rename(at("d"), at("e/f"));
	drop_caches();
	follows_dir(fd, at("e/f"));
}

static void dir_parent_moved_cold_body(void)
{
	int fd;

	must_mkdir(at("p"));
	fd = watch_dir("p/d");
	must_rename(at("p"), at("q"));
	drop_caches();
	follows_dir(fd, at("q/d"));
}

/* ---- what an instance holds ---- */

/* Two instances of the same: one is read before, so it says what the other is to say. */
static void queued_body(void)
{
	int fds[2], dir = 0, file = 0, gone = 0;
	static char expected[8192];

	must_mkdir(at("d"));
	write_file(at("f"));
	write_file(at("g"));
	for (int i = 0; i < 2; i++) {
		fds[i] = new_instance();
		dir = inotify_add_watch(fds[i], at("d"), IN_ALL_EVENTS);
		file = inotify_add_watch(fds[i], at("f"), IN_MODIFY | IN_ATTRIB);
		gone = inotify_add_watch(fds[i], at("g"), IN_ALL_EVENTS);
	}
	write_file(at("d/a long name, of more than sixteen bytes"));
	write_file(at("f"));
	must_rename(at("d/a long name, of more than sixteen bytes"), at("d/b"));
	write_file(at("g"));
	for (int i = 0; i < 2; i++)
		inotify_rm_watch(fds[i], gone);
	chmod(at("f"), 0600);
	must_unlink(at("d/b"));
	strcpy(expected, events(fds[0]));
	pause_here();
	verify(dir == 1 && file == 2 && gone == 3 && strstr(expected, ":8000:") && strstr(expected, ":40:") &&
	       strstr(expected, "sixteen"), "there were events of all three watches");
	expect(fds[1], "all unread events, in order, with cookies and names", expected);
	expect(fds[0], "what was read is not there again", "");
	write_file(at("f"));
	expect(fds[1], "the watches go on", "2:2:0:");
}

static void merge_body(void)
{
	int fd = watch_file("a", IN_MODIFY), other = new_instance();

	inotify_add_watch(other, at("a"), IN_MODIFY | IN_ATTRIB);
	write_file(at("a"));
	pause_here();
	write_file(at("a"));
	expect(fd, "an event like the last unread one is merged with it", "1:2:0:");
	chmod(at("a"), 0600);
	write_file(at("a"));
	expect(other, "one unlike it is not", "1:2:0: 1:4:0: 1:2:0:");
}

static void overflow_body(void)
{
	long was = set_sysctl("/proc/sys/fs/inotify/max_queued_events", 3);
	int fd = new_instance();

	set_sysctl("/proc/sys/fs/inotify/max_queued_events", was);
	inotify_add_watch(fd, at(""), IN_CREATE);
	for (int i = 0; i < 5; i++)
		write_file(at((const char *[]){ "a", "b", "c", "d", "e" }[i]));
	pause_here();
	write_file(at("f"));
	expect(fd, "what fitted, and that more was lost", "1:100:0:a 1:100:0:b 1:100:0:c -1:4000:0:");
	for (int i = 0; i < 5; i++)
		write_file(at((const char *[]){ "1", "2", "3", "4", "5" }[i]));
	expect(fd, "the queue is as long as before, and can overflow again",
	       "1:100:0:1 1:100:0:2 1:100:0:3 -1:4000:0:");
}

static void next_wd_body(void)
{
	int fd = new_instance();

	write_file(at("a"));
	write_file(at("b"));
	write_file(at("c"));
	write_file(at("d"));
	inotify_add_watch(fd, at("a"), IN_MODIFY);
	inotify_add_watch(fd, at("b"), IN_MODIFY);
	inotify_add_watch(fd, at("c"), IN_MODIFY);
	inotify_rm_watch(fd, 3);
	inotify_rm_watch(fd, 1);
	events(fd);
	pause_here();
	verify(inotify_add_watch(fd, at("d"), IN_MODIFY) == 4, "the next descriptor is one that was never given");
	verify(inotify_add_watch(fd, at("b"), IN_MODIFY) == 2, "the watch that was left has its own");
	verify(inotify_rm_watch(fd, 3) < 0 && errno == EINVAL, "one that was removed stays so");
}

static void no_watches_body(void)
{
	int fd = inotify_init1(IN_NONBLOCK);
	char byte[64];

	pause_here();
	verify(fcntl(fd, F_GETFL) & O_NONBLOCK, "does not block");
	verify(!(fcntl(fd, F_GETFD) & FD_CLOEXEC), "stays open over exec");
	verify(read(fd, byte, sizeof(byte)) < 0 && errno == EAGAIN, "nothing is there");
	verify(inotify_add_watch(fd, at(""), IN_CREATE) == 1, "the first descriptor is 1");
}

static void masks_body(void)
{
	static char before[4096], after[4096];
	int fd = new_instance(), held;

	write_file(at("once"));
	write_file(at("a"));
	write_file(at("b"));
	must_mkdir(at("d"));
	write_file(at("d/x"));
	held = open(at("d/x"), O_WRONLY | O_APPEND | O_CLOEXEC);
	inotify_add_watch(fd, at("once"), IN_MODIFY | IN_ONESHOT);
	inotify_add_watch(fd, at("a"), IN_ALL_EVENTS);
	inotify_add_watch(fd, at("b"), IN_ATTRIB | IN_DONT_FOLLOW);
	inotify_add_watch(fd, at("b"), IN_MODIFY | IN_MASK_ADD);
	inotify_add_watch(fd, at("d"), IN_MODIFY | IN_EXCL_UNLINK | IN_ONLYDIR);
	must_unlink(at("d/x"));
	fdinfo_lines(fd, "inotify ", before, sizeof(before));
	pause_here();
	fdinfo_lines(fd, "inotify ", after, sizeof(after));
	verify(*before && !strcmp(before, after), "fdinfo says the same: %s", after);
	write_fd(held);
	expect(fd, "IN_EXCL_UNLINK: nothing of what was unlinked", "");
	write_file(at("once"));
	expect(fd, "IN_ONESHOT: one event, and the watch is gone", "1:2:0: 1:8000:0:");
	write_file(at("once"));
	expect(fd, "IN_ONESHOT: no more", "");
}

static void shared_body(void)
{
	int fd = watch_file("a", IN_MODIFY), other = dup(fd), status;
	pid_t child = fork();

	if (child == 0) {
		wait_for_go();
		_exit(inotify_add_watch(fd, at(""), IN_CREATE) == 2 ? 0 : 1);
	}
	pause_here();
	waitpid(child, &status, 0);
	verify(status == 0, "the child adds a watch");
	write_file(at("n"));
	expect(other, "the parent sees it through its other descriptor", "2:100:0:n");
}

static void blocked_body(void)
{
	int fd = watch_file("a", IN_MODIFY);
	struct inotify_event e = { };

	ready();
	verify(read(fd, &e, sizeof(e)) == sizeof(e) && e.wd == 1 && e.mask == IN_MODIFY, "the read goes on, and returns the event");
}

static void round_of(const char *name, void (*body)(void))
{
	fresh_dir("inotify");
	subject_round(name, body);
}

#define ROUND(fn, name) static void fn(void) { round_of(name, fn##_body); }
static void named(void) { round_of("named", by_its_name); }
ROUND(renamed, "renamed")
ROUND(renamed_cold, "renamed, caches dropped")
ROUND(moved, "moved")
ROUND(parent_renamed, "parent renamed")
ROUND(parent_renamed_cold, "parent renamed, caches dropped")
ROUND(replaced, "replaced")
ROUND(replaced_open, "replaced, held open")
ROUND(unlinked, "unlinked, held open")
ROUND(other_link, "unlinked, other link left")
ROUND(other_link_cold, "unlinked, other link left, caches dropped")
ROUND(dir_moved, "directory moved")
ROUND(dir_moved_cold, "directory moved, caches dropped")
ROUND(dir_parent_moved_cold, "directory's parent moved, caches dropped")
ROUND(queued, "unread events")
ROUND(merge, "merging")
ROUND(overflow, "overflow")
ROUND(next_wd, "next descriptor")
ROUND(no_watches, "no watches")
ROUND(masks, "masks and flags")
ROUND(shared, "shared by two")

/* ---- with the test's help ---- */

static const char image[] = "/ckpt/selftest-inotify.img";
static const char *const kill_it[] = { "--kill", NULL };

/* Somebody outside the tree has it open; the tree has only its watch. */
static void held_outside_body(void)
{
	int fd = new_instance();

	if (inotify_add_watch(fd, at("a"), CHANGES) != 1)
		_exit(112);
	must_unlink(at("a"));
	events(fd);
	pause_here();
	expect(fd, "what the other one did is seen", "1:2:0: 1:400:0: 1:8000:0:");
}

static void held_outside(void)
{
	struct subject s;
	int held;

	fresh_dir("inotify");
	write_file(at("a"));
	held = open(at("a"), O_WRONLY | O_APPEND | O_CLOEXEC);
	if (!subject_start(&s, "unlinked, held open outside the tree", held_outside_body))
		return;
	if (subject_checkpoint(&s, image, kill_it) && wait_gone(s.pid) && subject_restart(&s, image, NULL)) {
		write_fd(held);
		close(held);
		subject_finish(&s);
	} else {
		subject_end(&s);
	}
	unlink(image);
}

static void blocked(void)
{
	struct subject s;

	fresh_dir("inotify");
	if (!subject_start(&s, "blocked in read", blocked_body))
		return;
	if (subject_checkpoint(&s, image, kill_it) && wait_gone(s.pid) && subject_restart(&s, image, NULL)) {
		write_file(at("a"));
		subject_finish(&s);
	} else {
		subject_end(&s);
	}
	unlink(image);
}

static void twice(void)
{
	struct subject s;
	bool good;

	fresh_dir("inotify");
	if (!subject_start(&s, "two checkpoints", unlinked_body))
		return;
	good = subject_checkpoint(&s, image, kill_it) && wait_gone(s.pid) && subject_restart(&s, image, NULL);
	good = good && subject_checkpoint(&s, image, kill_it) && wait_gone(s.pid) && subject_restart(&s, image, NULL);
	if (good)
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(image);
}

/* Nothing of what was done is in the queue. While an image has it, an unlinked file keeps a name: no end is told. */
static const char *end_of_unlinked;

static void holder_body(void)
{
	int fd = new_instance(), open_file, unlinked_file;

	write_file(at("a"));
	write_file(at("u"));
	inotify_add_watch(fd, at(""), IN_ALL_EVENTS);
	inotify_add_watch(fd, at("a"), IN_ALL_EVENTS);
	inotify_add_watch(fd, at("u"), IN_ALL_EVENTS);
	open_file = open(at("a"), O_RDWR | O_CLOEXEC);
	unlinked_file = open(at("u"), O_RDWR | O_CLOEXEC);
	must_unlink(at("u"));
	events(fd);
	pause_here();
	expect(fd, "nobody has done anything", "");
	close(open_file);
	expect(fd, "closing is seen", "1:8:0:a 2:8:0:");
	close(unlinked_file);
	/* The directory it was in hears of it too. */
	expect(fd, "closing the unlinked one is seen", end_of_unlinked);
}

static void own_files(void)
{
	/* On overlayfs it does not know any more, after the restart, which directory it was in. */
	end_of_unlinked = strcmp(case_fs, "overlay") ? "1:8:0:u 3:8:0: 3:400:0: 3:8000:0:" : "3:8:0: 3:400:0: 3:8000:0:";
	round_of("own files watched", holder_body);
}

static void goes_on(void)
{
	struct subject s;

	fresh_dir("inotify");
	end_of_unlinked = "1:8:0:u 3:8:0:";
	if (!subject_start(&s, "goes on after a checkpoint", holder_body))
		return;
	if (subject_checkpoint(&s, image, NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(image);
}

/* An outside watcher of all that the tree has. */
static void silent(void)
{
	struct subject s;
	int fd = inotify_init1(IN_CLOEXEC);
	const char *seen;

	fresh_dir("inotify");
	write_file(at("a"));
	write_file(at("u"));
	if (inotify_add_watch(fd, at(""), IN_ALL_EVENTS) < 0 || inotify_add_watch(fd, at("a"), IN_ALL_EVENTS) < 0 ||
	    inotify_add_watch(fd, at("u"), IN_ALL_EVENTS) < 0 || inotify_add_watch(fd, case_dir, IN_ALL_EVENTS) < 0)
		tap_ok(false, "silent: watches");
	if (!subject_start(&s, "silent", holder_body))
		return;
	events(fd);
	if (subject_checkpoint(&s, image, NULL)) {
		seen = events(fd);
		tap_ok(!*seen, "a checkpoint is not seen by others who watch the same: \"%s\"", seen);
	}
	if (subject_checkpoint(&s, image, kill_it) && wait_gone(s.pid)) {
		events(fd);	/* the tree has closed its files as it died */
		if (subject_restart(&s, image, NULL)) {
			seen = events(fd);
			tap_ok(!*seen, "a restart is not seen by others who watch the same: \"%s\"", seen);
		}
	}
	kill(s.pid, SIGKILL);
	tap_ok(wait_gone(s.pid), "silent: the tree ends");
	seen = events(fd);
	tap_ok(strstr(seen, ":8:"), "its end is seen: \"%s\"", seen);
	subject_end(&s);
	close(fd);
	unlink(image);
}

static void limits(void)
{
	static const char watches[] = "/proc/sys/fs/inotify/max_user_watches";
	static const char instances[] = "/proc/sys/fs/inotify/max_user_instances";
	const char *sysctls[] = { watches, instances };
	struct subject s;
	char output[4096];

	fresh_dir("inotify");
	if (!subject_start(&s, "limits", masks_body))
		return;
	if (subject_checkpoint(&s, image, kill_it) && wait_gone(s.pid)) {
		for (int i = 0; i < 2; i++) {
			const char *name = strrchr(sysctls[i], '/') + 1;
			long was = set_sysctl(sysctls[i], 0);
			int status = RUN(output, restart_path, "-i", image, "--detach");

			set_sysctl(sysctls[i], was);
			tap_ok(status == 1 && strstr(output, name), "restart says what limit stands in its way: %s", output);
		}
		/* The unlinked file has kept its name all the time. */
		if (subject_restart(&s, image, NULL)) {
			subject_finish(&s);
			unlink(image);
			return;
		}
	}
	subject_end(&s);
	unlink(image);
}

static void dnotify_body(void)
{
	int fd = open(at(""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	fcntl(fd, F_NOTIFY, DN_CREATE);
	pause_here();
	verify(fcntl(fd, F_NOTIFY, 0) == 0, "it is let go");
}

static void dnotify(void)
{
	struct subject s;
	char output[4096], pid[16];

	fresh_dir("inotify");
	if (!subject_start(&s, "dnotify", dnotify_body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	int status = RUN(output, checkpoint_path, "-o", image, pid);

	tap_ok(status == 1 && strstr(output, "F_NOTIFY") && strstr(output, at("")) && strstr(output, "fd 3"),
	       "dnotify is refused by name: %s", output);
	subject_finish(&s);
	unlink(image);
}

/* What ckptinfo says of it. */
static void told(void)
{
	struct subject s;
	char output[65536];

	fresh_dir("inotify");
	if (!subject_start(&s, "told", queued_body))
		return;
	if (subject_checkpoint(&s, image, NULL)) {
		RUN(output, ckptinfo_path, image);
		tap_ok(strstr(output, "next descriptor 4"), "ckptinfo tells of an instance");
		tap_ok(strstr(output, "watch 2 ") && strstr(output, at("f")) && strstr(output, ": modify attrib"),
		       "ckptinfo tells of a watch");
		tap_ok(strstr(output, "watch 1: moved_from"), "ckptinfo tells of an unread event");
	}
	subject_finish(&s);
	unlink(image);
}

int main(int argc, char **argv)
{
	static const char all[] = "ext4 tmpfs overlay", one[] = "ext4";
	static const struct test_case cases[] = {
		{ "named", named, all },
		{ "file-renamed", renamed, all },
		{ "file-renamed-cold", renamed_cold, all },
		{ "file-moved", moved, all },
		{ "parent-renamed", parent_renamed, all },
		{ "parent-renamed-cold", parent_renamed_cold, all },
		{ "file-replaced", replaced, all },
		{ "file-replaced-open", replaced_open, all },
		{ "unlinked-open", unlinked, all },
		{ "unlinked-held-outside", held_outside, all },
		{ "unlinked-other-link", other_link, all },
		{ "unlinked-other-link-cold", other_link_cold, all },
		{ "directory-moved", dir_moved, all },
		{ "directory-moved-cold", dir_moved_cold, all },
		{ "directory-parent-moved-cold", dir_parent_moved_cold, all },
		{ "events-queued", queued, all },
		{ "events-merge", merge, one },
		{ "events-overflow", overflow, one },
		{ "next-descriptor", next_wd, all },
		{ "no-watches", no_watches, one },
		{ "masks", masks, all },
		{ "shared", shared, one },
		{ "blocked-read", blocked, one },
		{ "two-checkpoints", twice, all },
		{ "goes-on", goes_on, all },
		{ "own-files", own_files, all },
		{ "silent", silent, all },
		{ "limits", limits, one },
		{ "dnotify", dnotify, one },
		{ "told", told, one },
		{ },
	};

	return run_cases(argc, argv, cases);
}
