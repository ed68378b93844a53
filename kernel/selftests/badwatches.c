// SPDX-License-Identifier: Apache-2.0
/* What an image says of watches and unread events is not believed: every field that is wrong ends in an error. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "cases.h"
#include "mutate.h"
#include "subject.h"
#include "tap.h"
#include "watching.h"

#define MUTATIONS	300

static void body(void)
{
	int in = inotify_init1(IN_CLOEXEC), fan = fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY),
	    fids = fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_DFID_NAME, O_RDONLY);

	inotify_add_watch(in, at(""), IN_CREATE);
	if (fanotify_mark(fan, FAN_MARK_ADD, FAN_MODIFY | FAN_EVENT_ON_CHILD, AT_FDCWD, at("")) < 0 ||
	    fanotify_mark(fids, FAN_MARK_ADD, FAN_CREATE | FAN_DELETE, AT_FDCWD, at("")) < 0)
		_exit(1);
	write_file(at("name"));
	pause_here();
}

static bool is_inotify(const void *body) { return ((const struct ckpt_watch *)body)->wd != 0; }
static bool is_fanotify(const void *body) { return ((const struct ckpt_watch *)body)->wd == 0; }
static bool is_inotify_event(const void *body) { return ((const struct ckpt_event *)body)->kind == CKPT_EVENT_INOTIFY; }
static bool is_path_event(const void *body) { return ((const struct ckpt_event *)body)->kind == CKPT_EVENT_PATH; }
static bool is_name_event(const void *body) { return ((const struct ckpt_event *)body)->kind == CKPT_EVENT_NAME; }

static bool is_about_watches(uint32_t type)
{
	return type >= CKPT_REC_INOTIFY && type <= CKPT_REC_EVENT;
}

static void groups(void)
{
	struct ckpt_inotify *i = record(CKPT_REC_INOTIFY, NULL);
	struct ckpt_fanotify *f = record(CKPT_REC_FANOTIFY, NULL);

	BAD_FIELD(i->next_wd, 1U << 31, "a watch descriptor that cannot be", "no watch descriptor can be");
	BAD_FIELD(i->uid, ~0U, "nobody's limits", "there is no user");
	BAD_FIELD(i->nr_watches, 0, "fewer watches than there are", "more watches than");
	BAD_FIELD(i->nr_watches, 9, "more watches than there are", "are missing");
	BAD_FIELD(i->nr_events, 0, "fewer events than there are", "more unread events than");
	BAD_FIELD(i->nr_events, 9, "more events than there are", "are missing");
	BAD_FIELD(i->max_events, 0, "a queue that is too short", "than fit into the queue");
	BAD_FIELD(f->flags, 1U << 20, "unknown flags of a group", "cannot make an fanotify group");
	BAD_FIELD(f->event_f_flags, O_CREAT, "O_CREAT for files of events", "cannot make an fanotify group");
}

static void watches(void)
{
	struct ckpt_watch *i = record(CKPT_REC_WATCH, is_inotify), *f = record(CKPT_REC_WATCH, is_fanotify);
	struct ckpt_rec *rec = (struct ckpt_rec *)i - 1;

	BAD_FIELD(i->object, 9, "unknown object", "unknown kind");
	BAD_FIELD(i->object, CKPT_WATCH_MOUNT, "an inotify watch of a mount", "not a watch of inotify");
	BAD_FIELD(i->flags, 0x100, "unknown flag", "unknown kind");
	BAD_FIELD(i->flags, CKPT_WATCH_RELINKED, "a name that no checkpoint gave", "not the name of a relinked file");
	BAD_FIELD(i->wd, -1, "negative watch descriptor", "not a watch of inotify");
	BAD_FIELD(i->mask, 1U << 20, "unknown bit in a mask", "not a watch of inotify");
	BAD_FIELD(i->ino, i->ino + 1, "another inode", "another file now");
	BAD_FIELD(i->generation, i->generation + 1, "another generation", "another file now");
	BAD_FIELD(i->mode, S_IFREG, "another type of file", "another type now");
	BAD_FIELD(((char *)(i + 1))[0], 'x', "a relative path", "not an absolute path");
	BAD_FIELD(((char *)(i + 1))[1], '\0', "three names", "two valid names");
	BAD_FIELD(rec->objref, 0xffff, "a watch of nothing", "no object has objref");
	BAD_FIELD(f->mask, FAN_OPEN_PERM, "a permission event for a group without that right", "cannot be watched");
	BAD_FIELD(f->mask, 1U << 25, "unknown bit in a mask of fanotify", "cannot be watched");
	BAD_FIELD(f->object, CKPT_WATCH_MOUNT, "a directory as a mount", "not the root of a mount");
}

static void events(void)
{
	struct ckpt_event *i = record(CKPT_REC_EVENT, is_inotify_event), *p = record(CKPT_REC_EVENT, is_path_event);
	struct ckpt_event *n = record(CKPT_REC_EVENT, is_name_event);

	BAD_FIELD(i->kind, 77, "unknown kind of event", "not an event of inotify");
	BAD_FIELD(i->kind, CKPT_EVENT_PATH, "an fanotify event in inotify", "not an event of inotify");
	BAD_FIELD(i->mask, IN_Q_OVERFLOW, "an overflow that is none", "not an event of inotify");
	BAD_FIELD(i->wd, 0, "an event of no watch", "not an event of inotify");
	BAD_FIELD(i->flags, 2, "unknown flag of an event", "unknown flags");
	BAD_FIELD(p->kind, CKPT_EVENT_FID, "a handle for a group that reports files", "not an event of this group");
	BAD_FIELD(p->mask, 0x8000, "an error that is none", "not an event of this group");
	BAD_FIELD(p->mask, FAN_OPEN_PERM, "a permission event that nobody waits for", "not an event of this group");
	BAD_FIELD(p->pid, -1, "a negative pid", "pid -1");
	BAD_FIELD(p->ino, p->ino + 1, "another file in an event", "another file now");
	BAD_FIELD(n->kind, CKPT_EVENT_PATH, "a file for a group that reports handles", "not an event of this group");
	BAD_FIELD(n->kind, CKPT_EVENT_ERROR, "an error event without the bit", "not an event of this group");
	BAD_FIELD(n->handle_type[CKPT_HANDLE_DIR], 0x1ff, "a handle of unknown type", "file handle that is none");
	BAD_FIELD(((char *)(n + 1))[strlen("name") + 2], 'x', "a handle that is no number", "file handle that is none");
}

static void damaged(void)
{
	groups();
	watches();
	events();
}

int main(void)
{
	need_checkpoint();
	case_dir = "/data";
	fresh_dir("badwatches");
	mutate_round("bad watches", body, damaged, is_about_watches, MUTATIONS);
	return tap_done();
}
