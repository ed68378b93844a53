// SPDX-License-Identifier: Apache-2.0
/*
 * fanotify: groups, marks on inodes, mounts and filesystems, and the events nobody has read yet.
 * Each case of a mark leaves a queue in which nothing stands that the checkpoint or the restart did.
 */
/* covers: Descriptors | fanotify | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "filesystems.h"
#include "subject.h"
#include "tap.h"
#include "watching.h"

/* Not in the C library's header. */
#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE 0x00000200
#endif
#ifndef FAN_MARK_IGNORE
#define FAN_MARK_IGNORE 0x00000400
#endif
#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x00001000
#endif
#ifndef FAN_RENAME
#define FAN_RENAME 0x10000000
#endif

#define MARK_IGNORE_SURV (FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY)
#define ALL_FIDS (FAN_REPORT_DFID_NAME | FAN_REPORT_FID | FAN_REPORT_TARGET_FID)

static int new_group(unsigned int flags)
{
	int fd = fanotify_init(flags | FAN_NONBLOCK | FAN_CLOEXEC, O_RDWR | O_LARGEFILE);

	if (fd < 0)
		_exit(113);
	return fd;
}

static void mark(int fd, unsigned int flags, uint64_t mask, const char *path)
{
	if (fanotify_mark(fd, FAN_MARK_ADD | flags, mask, AT_FDCWD, path) < 0)
		_exit(114);
}

static const char *base_of_fd(int fd)
{
	static char target[4200];
	char link[64], *slash;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	slash = strrchr(target, '/');
	return slash ? slash + 1 : target;
}

/* Each info record of an event, in hexadecimal digits; of a pidfd only whether it is one. */
static size_t infos(const struct fanotify_event_metadata *e, char *to, size_t room)
{
	const unsigned char *at = (const unsigned char *)e + e->metadata_len, *end = (const unsigned char *)e + e->event_len;
	size_t len = 0;

	while (at < end) {
		const struct fanotify_event_info_header *h = (const void *)at;

		if (h->info_type == FAN_EVENT_INFO_TYPE_PIDFD) {
			int pidfd = ((const struct fanotify_event_info_pidfd *)at)->pidfd;

			len += snprintf(to + len, room - len, "/pidfd=%s", pidfd >= 0 ? "open" : pidfd == -1 ? "none" : "error");
			if (pidfd >= 0)
				close(pidfd);
		} else {
			len += snprintf(to + len, room - len, "/");
			for (int i = 0; i < h->len; i++)
				len += snprintf(to + len, room - len, "%02x", at[i]);
		}
		at += h->len;
	}
	return len;
}

/* Events as text: "mask:pid:name-of-fd/info/...", separated by spaces; pid 0 is the reader itself. */
static const char *events(int fd)
{
	static char text[32768];
	char buf[32768] __attribute__((aligned(8)));
	struct fanotify_event_metadata *e = (void *)buf;
	ssize_t n = read(fd, buf, sizeof(buf));
	size_t len = 0;

	text[0] = '\0';
	for (; n > 0 && FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
		len += snprintf(text + len, sizeof(text) - len, "%s%llx:%d:%s", len ? " " : "", (unsigned long long)e->mask,
				e->pid == getpid() ? 0 : e->pid, e->fd >= 0 ? base_of_fd(e->fd) : "");
		len += infos(e, text + len, sizeof(text) - len);
		if (e->fd >= 0)
			close(e->fd);
	}
	return text;
}

static void expect(int fd, const char *what, const char *expected)
{
	const char *seen = events(fd);

	verify(!strcmp(seen, expected), "%s: events \"%s\", expected \"%s\"", what, seen, expected);
}

/* ---- a mark is found again ---- */

static int mark_file(const char *name)
{
	int fd = new_group(FAN_CLASS_NOTIF);

	write_file(at(name));
	mark(fd, 0, FAN_MODIFY, at(name));
	return fd;
}

static void follows(int fd, const char *name)
{
	char expected[64];
	const char *slash = strrchr(name, '/');

	pause_here();
	expect(fd, "after the restart", "");
	write_file(at(name));
	snprintf(expected, sizeof(expected), "2:0:%s", slash ? slash + 1 : name);
	expect(fd, "a write to it is seen", expected);
}

static void renamed_body(void)
{
	int fd = mark_file("a");

	must_rename(at("a"), at("b"));
	follows(fd, "b");
}

static void renamed_cold_body(void)
{
	int fd = mark_file("a");

	must_rename(at("a"), at("b"));
	drop_caches();
	follows(fd, "b");
}

static void moved_body(void)
{
	int fd = mark_file("a");

	must_mkdir(at("d"));
	must_rename(at("a"), at("d/b"));
	follows(fd, "d/b");
}

static void replaced_body(void)
{
	int fd = mark_file("a");

	must_link(at("a"), at("old"));
	write_file(at("new"));
	must_rename(at("new"), at("a"));
	pause_here();
	write_file(at("a"));
	expect(fd, "another file bears the name", "");
	write_file(at("old"));
	expect(fd, "the mark is on the old one", "2:0:old");
}

static void unlinked_body(void)
{
	int fd = new_group(FAN_CLASS_NOTIF), held;

	write_file(at("a"));
	held = open(at("a"), O_RDWR | O_CLOEXEC);
	mark(fd, 0, FAN_OPEN | FAN_MODIFY | FAN_ACCESS | FAN_CLOSE, at("a"));
	must_unlink(at("a"));
	pause_here();
	expect(fd, "nobody has opened it", "");
	write_fd(held);
	verify(!strncmp(events(fd), "2:0:", 4), "a write to it is seen");
}

static void dir_moved_body(void)
{
	int fd = new_group(FAN_CLASS_NOTIF);

	must_mkdir(at("d"));
	must_mkdir(at("e"));
	mark(fd, 0, FAN_MODIFY | FAN_EVENT_ON_CHILD, at("d"));
	must_rename(at("d"), at("e/f"));
	follows(fd, "e/f/new");
}

/* ---- what a group holds ---- */

/* A file that is unlinked before the event is read: the event holds it. */
static void queued_body(void)
{
	int fd = new_group(FAN_CLASS_NOTIF);
	const char *seen, *last;

	must_mkdir(at("d"));
	mark(fd, 0, FAN_MODIFY | FAN_CLOSE_WRITE | FAN_OPEN | FAN_EVENT_ON_CHILD, at("d"));
	write_file(at("d/a"));
	write_file(at("d/b"));
	write_file(at("d/c"));
	must_unlink(at("d/b"));
	pause_here();
	seen = events(fd);
	/* On overlayfs, what was unlinked has another last name. */
	last = strstr(seen, " 2a:0:c");
	verify(!strncmp(seen, "2a:0:a 2a:0:", 12) && last && !last[7] && strstr(seen, "(deleted)") &&
	       (!strcmp(case_fs, "overlay") || !strcmp(seen, "2a:0:a 2a:0:b (deleted) 2a:0:c")),
	       "three unread events, in order, with open files: \"%s\"", seen);
	write_file(at("d/a"));
	expect(fd, "the mark goes on", "2a:0:a");
}

static void fids_of(unsigned int group_flags, uint64_t mask)
{
	static char expected[32768];
	int fds[2];

	must_mkdir(at("d"));
	must_mkdir(at("d/sub"));
	write_file(at("f"));
	for (int i = 0; i < 2; i++) {
		fds[i] = new_group(group_flags);
		mark(fds[i], 0, mask | FAN_ONDIR | FAN_EVENT_ON_CHILD, at("d"));
		mark(fds[i], 0, FAN_ATTRIB | FAN_DELETE_SELF, at("f"));
	}
	write_file(at("d/one"));
	must_mkdir(at("d/two"));
	chmod(at("f"), 0600);
	must_rename(at("d/one"), at("d/three"));
	must_rename(at("d/three"), at("d/sub/four"));
	chmod(at("d"), 0700);
	must_unlink(at("d/sub/four"));
	strcpy(expected, events(fds[0]));
	pause_here();
	verify(strlen(expected) > 100, "there were events");
	expect(fds[1], "all unread events, in order, with handles and names", expected);
	chmod(at("f"), 0644);
	strcpy(expected, events(fds[0]));
	verify(*expected, "the marks go on");
	expect(fds[1], "new events are told in the same words", expected);
}

static void fid_body(void)
{
	fids_of(FAN_REPORT_FID, FAN_CREATE | FAN_DELETE | FAN_MOVE | FAN_ATTRIB | FAN_MODIFY);
}

static void dfid_name_body(void)
{
	fids_of(FAN_REPORT_DFID_NAME, FAN_CREATE | FAN_DELETE | FAN_MOVE | FAN_ATTRIB | FAN_MODIFY | FAN_CLOSE);
}

static void all_fids_body(void)
{
	fids_of(ALL_FIDS, FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_ATTRIB | FAN_OPEN);
}

static void merge_body(void)
{
	int fds[3] = { new_group(FAN_CLASS_NOTIF), new_group(FAN_REPORT_FID), new_group(FAN_REPORT_DFID_NAME) };

	must_mkdir(at("d"));
	write_file(at("d/a"));
	for (int i = 0; i < 3; i++) {
		mark(fds[i], 0, FAN_MODIFY | FAN_OPEN | FAN_EVENT_ON_CHILD, at("d"));
		mark(fds[i], 0, FAN_MODIFY | FAN_OPEN, at("d/a"));
	}
	write_file(at("d/a"));
	pause_here();
	write_file(at("d/a"));
	for (int i = 0; i < 3; i++) {
		const char *seen = events(fds[i]);

		verify(*seen && !strchr(seen, ' '), "an event like an unread one is merged with it: \"%s\"", seen);
	}
}

static void overflow_body(void)
{
	long was = set_sysctl("/proc/sys/fs/fanotify/max_queued_events", 2);
	int fd = new_group(FAN_CLASS_NOTIF), unlimited;

	set_sysctl("/proc/sys/fs/fanotify/max_queued_events", was);
	unlimited = new_group(FAN_CLASS_NOTIF | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS);
	must_mkdir(at("d"));
	mark(fd, 0, FAN_MODIFY | FAN_EVENT_ON_CHILD, at("d"));
	mark(unlimited, 0, FAN_MODIFY | FAN_EVENT_ON_CHILD, at("d"));
	write_file(at("d/a"));
	write_file(at("d/b"));
	write_file(at("d/c"));
	pause_here();
	write_file(at("d/d"));
	expect(fd, "what fitted, and that more was lost", "2:0:a 2:0:b 4000:0:");
	expect(unlimited, "the queue without limit", "2:0:a 2:0:b 2:0:c 2:0:d");
}

static void masks_body(void)
{
	static char before[4096], after[4096];
	int fd = new_group(FAN_CLASS_NOTIF), fids = new_group(FAN_REPORT_DFID_NAME);

	must_mkdir(at("d"));
	write_file(at("d/a"));
	write_file(at("b"));
	write_file(at("c"));
	mark(fd, 0, FAN_MODIFY | FAN_OPEN | FAN_ONDIR | FAN_EVENT_ON_CHILD, at("d"));
	mark(fd, FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, at("d/a"));
	mark(fd, MARK_IGNORE_SURV, FAN_CLOSE | FAN_ONDIR | FAN_EVENT_ON_CHILD, at("d"));
	mark(fd, MARK_IGNORE_SURV, FAN_MODIFY, at("b"));
	mark(fd, FAN_MARK_IGNORED_MASK, FAN_CLOSE, at("c"));
	mark(fids, FAN_MARK_EVICTABLE, FAN_ATTRIB, at("c"));
	mark(fids, 0, FAN_CREATE | FAN_DELETE_SELF | FAN_ONDIR, at("d"));
	mark(fids, 0, FAN_MODIFY, at("b"));
	fdinfo_lines(fd, "fanotify ", before, sizeof(before));
	fdinfo_lines(fids, "fanotify ", before + strlen(before), sizeof(before) - strlen(before));
	pause_here();
	fdinfo_lines(fd, "fanotify ", after, sizeof(after));
	fdinfo_lines(fids, "fanotify ", after + strlen(after), sizeof(after) - strlen(after));
	verify(*before && !strcmp(before, after), "fdinfo says the same: %s", after);
	write_file(at("d/a"));
	expect(fd, "an ignore mask ignores", "2:0:a");
	close(open(at("d"), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	expect(fd, "what it does not, is seen", "20:0:d");
}

/* Two who write below the watched directory: one dies, the other ends when it is told to. */
struct writers {
	pid_t dead, child;
	int tell;
};

static void start_writers(int fd, struct writers *w)
{
	int ends[2];
	char byte;

	must_mkdir(at("d"));
	mark(fd, 0, FAN_MODIFY | FAN_EVENT_ON_CHILD, at("d"));
	w->dead = fork();
	if (w->dead == 0) {
		write_file(at("d/dead"));
		_exit(0);
	}
	waitpid(w->dead, NULL, 0);
	if (pipe(ends) < 0)
		_exit(1);
	w->tell = ends[1];
	w->child = fork();
	if (w->child == 0) {
		write_file(at("d/child"));
		must_mkdir(at("done"));
		_exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
	}
	while (!exists(at("done")))
		usleep(1000);
}

static void end_writers(const struct writers *w)
{
	int status;

	verify(write(w->tell, "x", 1) == 1 && waitpid(w->child, &status, 0) == w->child && status == 0, "the child ends");
}

static void pids_body(void)
{
	int fd = new_group(FAN_CLASS_NOTIF);
	static char expected[4096];
	struct writers w;

	start_writers(fd, &w);
	write_file(at("d/self"));
	snprintf(expected, sizeof(expected), "2:%d:dead 2:%d:child 2:0:self", w.dead, w.child);
	pause_here();
	expect(fd, "who did it: one that is dead, a child, itself", expected);
	end_writers(&w);
}

static void pidfd_body(void)
{
	int fd = new_group(FAN_REPORT_FID | FAN_REPORT_PIDFD);
	const char *seen, *first, *second;
	struct writers w;

	start_writers(fd, &w);
	pause_here();
	seen = events(fd);
	first = strstr(seen, "pidfd=none");
	second = strstr(seen, "pidfd=open");
	verify(first && second && first < second, "a pidfd of the child, none of the dead one: \"%s\"", seen);
	end_writers(&w);
}

/* Nobody waits: the group decides again after the restart. */
static void permission_body(void)
{
	struct fanotify_event_metadata e;
	struct fanotify_response answer;
	struct pollfd pfd;
	int fd = new_group(FAN_CLASS_CONTENT), status;

	write_file(at("a"));
	mark(fd, 0, FAN_OPEN_PERM, at("a"));
	pause_here();
	pfd = (struct pollfd){ .fd = fd, .events = POLLIN };
	for (int i = 0; i < 2; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(open(at("a"), O_RDONLY) >= 0 ? 1 : 2);
		poll(&pfd, 1, 20000);
		verify(read(fd, &e, sizeof(e)) == sizeof(e) && e.mask == FAN_OPEN_PERM && e.pid == child, "it is asked");
		answer = (struct fanotify_response){ .fd = e.fd, .response = i ? FAN_DENY : FAN_ALLOW };
		verify(write(fd, &answer, sizeof(answer)) == sizeof(answer), "it answers");
		close(e.fd);
		waitpid(child, &status, 0);
		verify(WEXITSTATUS(status) == 1 + i, "%s", i ? "deny" : "allow");
	}
}

static void round_of(const char *name, void (*body)(void))
{
	fresh_dir("fanotify");
	subject_round(name, body);
}

#define ROUND(fn, name) static void fn(void) { round_of(name, fn##_body); }
ROUND(renamed, "renamed")
ROUND(renamed_cold, "renamed, caches dropped")
ROUND(moved, "moved")
ROUND(replaced, "replaced")
ROUND(unlinked, "unlinked, held open")
ROUND(dir_moved, "directory moved")
ROUND(queued, "unread events")
ROUND(fid, "unread events, file handles")
ROUND(dfid_name, "unread events, handles and names")
ROUND(all_fids, "unread events, all handles and names")
ROUND(merge, "merging")
ROUND(overflow, "overflow")
ROUND(masks, "masks and flags")
ROUND(pids, "pids")
ROUND(pidfd, "pidfds")
ROUND(permission, "permission")

/* ---- with the test's help ---- */

static const char image[] = "/ckpt/selftest-fanotify.img";
static const char *const kill_it[] = { "--kill", NULL };

static unsigned int mark_type;

static void whole_body(void)
{
	int fd = new_group(FAN_CLASS_NOTIF);
	static char before[4096], after[4096];

	mark(fd, mark_type, FAN_MODIFY, at("m"));
	write_file(at("m/a"));
	expect(fd, "before", "2:0:a");
	write_file(at("m/b"));
	fdinfo_lines(fd, "fanotify ", before, sizeof(before));
	pause_here();
	expect(fd, "the unread event", "2:0:b");
	fdinfo_lines(fd, "fanotify ", after, sizeof(after));
	verify(*before && !strcmp(before, after), "fdinfo says the same: %s", after);
	write_file(at("m/c"));
	expect(fd, "the mark goes on", "2:0:c");
	write_file(at("outside"));
	expect(fd, "nothing else is seen", "");
}

/* A mount of its own, so that only the case itself makes events. */
static void whole(const char *name, unsigned int type, bool bind)
{
	fresh_dir("fanotify");
	must_mkdir(at("m"));
	must_mkdir(at("x"));
	if (bind ? mount(at("x"), at("m"), NULL, MS_BIND, NULL) : mount("tmpfs", at("m"), "tmpfs", 0, NULL)) {
		tap_ok(false, "%s: mount", name);
		return;
	}
	mark_type = type;
	subject_round(name, whole_body);
	umount2(at("m"), MNT_DETACH);
}

static void mount_mark(void) { whole("mount mark", FAN_MARK_MOUNT, true); }
static void sb_mark(void) { whole("filesystem mark", FAN_MARK_FILESYSTEM, false); }

static void refused_body(void)
{
	struct fanotify_event_metadata e;
	struct fanotify_response answer;
	int fd = new_group(FAN_CLASS_CONTENT);

	mark(fd, 0, FAN_OPEN_PERM, at("a"));
	pause_here();
	verify(read(fd, &e, sizeof(e)) == sizeof(e), "the event is still there");
	answer = (struct fanotify_response){ .fd = e.fd, .response = FAN_ALLOW };
	verify(write(fd, &answer, sizeof(answer)) == sizeof(answer), "it answers");
}

static void refused(void)
{
	struct subject s;
	char output[4096], pid[16];
	int status;
	pid_t waiter;

	fresh_dir("fanotify");
	write_file(at("a"));
	if (!subject_start(&s, "a waiter", refused_body))
		return;
	waiter = fork();
	if (waiter == 0) {
		if (open(at("a"), O_RDONLY) >= 0)
			must_mkdir(at("opened"));
		_exit(0);
	}
	/* It waits in the kernel, where no signal but a fatal one reaches it. */
	for (char state = 0; state != 'D';) {
		char path[64], line[256] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/stat", waiter);
		file = fopen(path, "re");
		if (!file || !fgets(line, sizeof(line), file))
			break;
		fclose(file);
		state = strrchr(line, ')')[2];
		usleep(1000);
	}
	snprintf(pid, sizeof(pid), "%d", s.pid);
	status = RUN(output, checkpoint_path, "-o", image, pid);
	tap_ok(status == 1 && strstr(output, "waits for an answer") && strstr(output, pid) && strstr(output, "fd 3"),
	       "a permission event that is waited for is refused by name: %s", output);
	subject_finish(&s);
	wait_gone(waiter);
	tap_ok(exists(at("opened")), "who waited gets the answer");
	unlink(image);
}

/* Another process's event, of a process that is there all the time and of one that has gone. */
static void outside_body(void)
{
	int fd = new_group(FAN_CLASS_NOTIF);

	mark(fd, 0, FAN_MODIFY | FAN_EVENT_ON_CHILD, at("d"));
	pause_here();
	const char *seen = events(fd);
	FILE *file = fopen(at("expected"), "re");
	char expected[256] = "";

	if (!file || !fgets(expected, sizeof(expected), file))
		_exit(1);
	verify(!strcmp(seen, expected), "pids of others: events \"%s\", expected \"%s\"", seen, expected);
}

static void outside(void)
{
	struct subject s;
	pid_t gone;
	FILE *file;

	fresh_dir("fanotify");
	must_mkdir(at("d"));
	if (!subject_start(&s, "outsiders", outside_body))
		return;
	write_file(at("d/here"));
	gone = fork();
	if (gone == 0) {
		write_file(at("d/gone"));
		_exit(0);
	}
	waitpid(gone, NULL, 0);
	file = fopen(at("expected"), "we");
	fprintf(file, "2:%d:here 2:%d:gone", getpid(), gone);
	fclose(file);
	if (subject_checkpoint(&s, image, kill_it) && wait_gone(s.pid) && subject_restart(&s, image, NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(image);
}

/* A watcher of the whole filesystem, outside of the tree. */
static void busy_body(void)
{
	int fd = new_group(FAN_CLASS_NOTIF), held, gone;
	char byte;

	write_file(at("a"));
	write_file(at("u"));
	mark(fd, 0, FAN_MODIFY | FAN_OPEN | FAN_CLOSE | FAN_ACCESS, at("u"));
	held = open(at("a"), O_RDWR | O_CLOEXEC);
	gone = open(at("u"), O_RDWR | O_CLOEXEC);
	must_unlink(at("u"));
	events(fd);
	pause_here();
	expect(fd, "its own queue is empty", "");
	verify(read(held, &byte, 1) == 1 && read(gone, &byte, 1) == 1, "its files are read");
}

static void silent(void)
{
	struct subject s;
	int fd = new_group(FAN_CLASS_NOTIF), fids = new_group(FAN_REPORT_DFID_NAME);
	const char *seen;

	/* Not that of the programs and the images. */
	case_dir = fs_mount("ext4");
	if (!case_dir) {
		tap_ok(false, "silent: a filesystem of its own");
		return;
	}
	fresh_dir("fanotify");
	mark(fd, FAN_MARK_FILESYSTEM, FAN_OPEN | FAN_CLOSE | FAN_MODIFY | FAN_ACCESS | FAN_OPEN_EXEC, case_dir);
	mark(fids, FAN_MARK_FILESYSTEM, FAN_CREATE | FAN_DELETE | FAN_MOVE | FAN_ATTRIB | FAN_DELETE_SELF, case_dir);
	if (!subject_start(&s, "silent", busy_body))
		return;
	events(fd);
	events(fids);
	if (subject_checkpoint(&s, image, NULL)) {
		seen = events(fd);
		tap_ok(!*seen, "a checkpoint opens, reads and writes nothing on the filesystem: \"%s\"", seen);
		seen = events(fids);
		tap_ok(!*seen, "a checkpoint makes and removes no name that is seen: \"%s\"", seen);
	}
	if (subject_checkpoint(&s, image, kill_it) && wait_gone(s.pid)) {
		events(fd);
		events(fids);
		if (subject_restart(&s, image, NULL)) {
			seen = events(fd);
			tap_ok(!*seen, "a restart opens, reads and writes nothing: \"%s\"", seen);
			seen = events(fids);
			tap_ok(!*seen, "a restart makes and removes no name that is seen: \"%s\"", seen);
			subject_finish(&s);
			seen = events(fd);
			tap_ok(strstr(seen, "9:"), "what the tree does is seen: \"%.200s\"", seen);
		}
	}
	subject_end(&s);
	close(fd);
	close(fids);
	fs_umount("ext4");
	unlink(image);
}

/* Who watches the place where images go hears of that of himself, before it has a name. */
static void image_body(void)
{
	int fd = new_group(0), file;

	mark(fd, FAN_MARK_MOUNT, FAN_OPEN | FAN_MODIFY | FAN_CLOSE, image_dir);
	file = open("/ckpt/selftest-noticed", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	close(file);
	pause_here();
	verify(strstr(events(fd), ":selftest-noticed"), "an event from before");
	unlink("/ckpt/selftest-noticed");
}

static void image_itself(void) { subject_round("an image that somebody watches", image_body); }

static void limits(void)
{
	static const char *const names[] = { "max_user_groups", "max_user_marks" };
	struct subject s;
	char output[4096];

	fresh_dir("fanotify");
	if (!subject_start(&s, "limits", masks_body))
		return;
	if (subject_checkpoint(&s, image, kill_it) && wait_gone(s.pid)) {
		for (int i = 0; i < 2; i++) {
			char path[64];

			snprintf(path, sizeof(path), "/proc/sys/fs/fanotify/%s", names[i]);
			long was = set_sysctl(path, 1);
			int status = RUN(output, restart_path, "-i", image, "--detach");

			set_sysctl(path, was);
			tap_ok(status == 1 && strstr(output, names[i]), "restart says what limit stands in its way: %s", output);
		}
		if (subject_restart(&s, image, NULL)) {
			subject_finish(&s);
			unlink(image);
			return;
		}
	}
	subject_end(&s);
	unlink(image);
}

int main(int argc, char **argv)
{
	static const char all[] = "ext4 tmpfs overlay", one[] = "ext4", fid_fs[] = "ext4 tmpfs";
	static const struct test_case cases[] = {
		{ "file-renamed", renamed, all },
		{ "file-renamed-cold", renamed_cold, all },
		{ "file-moved", moved, all },
		{ "file-replaced", replaced, all },
		{ "unlinked-open", unlinked, all },
		{ "directory-moved", dir_moved, all },
		{ "events-queued", queued, all },
		{ "events-fid", fid, fid_fs },
		{ "events-dfid-name", dfid_name, fid_fs },
		{ "events-all-fids", all_fids, fid_fs },
		{ "events-merge", merge, fid_fs },
		{ "events-overflow", overflow, one },
		{ "masks", masks, fid_fs },
		{ "mount-mark", mount_mark, all },
		{ "filesystem-mark", sb_mark, one },
		{ "pids", pids, one },
		{ "pids-outside", outside, one },
		{ "pidfds", pidfd, one },
		{ "permission", permission, one },
		{ "permission-waiter", refused, one },
		{ "silent", silent, one },
		{ "image-itself", image_itself, one },
		{ "limits", limits, one },
		{ },
	};

	return run_cases(argc, argv, cases);
}
