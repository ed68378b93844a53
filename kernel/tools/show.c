// SPDX-License-Identifier: Apache-2.0
/* What is in a record, field by field, as JSON. */
#include "show.h"

#include <stddef.h>
#include <string.h>

#include "json.h"
#include "show_anon.h"
#include "show_ipc.h"
#include "show_state.h"
#include "show_tty.h"
#include "show_watch.h"
#include "util.h"

enum format {
	NUMBER,		/* of the size the field has */
	SIGNED,
	HEX,		/* addresses, masks */
	DIGITS,		/* times: too long for a double */
	SIGNED_DIGITS,
};

struct field {
	const char *name;
	unsigned short offset;
	unsigned char size;
	unsigned char format;
};

#define FIELD(type, member, name, format) { name, offsetof(struct type, member), sizeof(((struct type *)0)->member), format }

static const struct field task_fields[] = {
	FIELD(ckpt_task_entry, pid, "pid", SIGNED),
	FIELD(ckpt_task_entry, tgid, "tgid", SIGNED),
	FIELD(ckpt_task_entry, ppid, "ppid", SIGNED),
	FIELD(ckpt_task_entry, pgid, "pgid", SIGNED),
	FIELD(ckpt_task_entry, sid, "sid", SIGNED),
	FIELD(ckpt_task_entry, flags, "flags", HEX),
	FIELD(ckpt_task_entry, exit_code, "exitCode", SIGNED),
	FIELD(ckpt_task_entry, exit_signal, "exitSignal", SIGNED),
	{ },
};

static const struct field file_fields[] = {
	FIELD(ckpt_file, f_flags, "flags", HEX),
	FIELD(ckpt_file, pos, "pos", SIGNED_DIGITS),
	FIELD(ckpt_file, pipe, "pipe", NUMBER),
	FIELD(ckpt_file, mode, "mode", NUMBER),
	FIELD(ckpt_file, ino, "ino", DIGITS),
	FIELD(ckpt_file, dev, "dev", DIGITS),
	FIELD(ckpt_file, rdev, "rdev", DIGITS),
	FIELD(ckpt_file, size, "size", NUMBER),
	FIELD(ckpt_file, blocks, "blocks", NUMBER),
	FIELD(ckpt_file, atime_ns, "atimeNs", SIGNED_DIGITS),
	FIELD(ckpt_file, mtime_ns, "mtimeNs", SIGNED_DIGITS),
	FIELD(ckpt_file, ctime_ns, "ctimeNs", SIGNED_DIGITS),
	FIELD(ckpt_file, fsid, "fsid", HEX),
	FIELD(ckpt_file, fs_magic, "fsMagic", HEX),
	FIELD(ckpt_file, generation, "generation", NUMBER),
	FIELD(ckpt_file, nlink, "nlink", NUMBER),
	FIELD(ckpt_file, rw_hint, "rwHint", NUMBER),
	FIELD(ckpt_file, cred, "cred", NUMBER),
	FIELD(ckpt_file, owner_pid, "ownerPid", SIGNED),
	FIELD(ckpt_file, owner_sig, "ownerSig", SIGNED),
	FIELD(ckpt_file, owner_uid, "ownerUid", NUMBER),
	FIELD(ckpt_file, owner_euid, "ownerEuid", NUMBER),
	FIELD(ckpt_file, async_fd, "asyncFd", SIGNED),
	FIELD(ckpt_file, flags, "fileFlags", HEX),
	FIELD(ckpt_file, advice, "advice", HEX),
	FIELD(ckpt_file, mnt, "mnt", NUMBER),
	{ },
};

static const struct field pipe_fields[] = {
	FIELD(ckpt_pipe, slots, "slots", NUMBER),
	FIELD(ckpt_pipe, bytes, "bytes", NUMBER),
	FIELD(ckpt_pipe, fifo, "fifo", NUMBER),
	FIELD(ckpt_pipe, nr_chunks, "nrChunks", NUMBER),
	{ },
};

static const struct field lock_fields[] = {
	FIELD(ckpt_lock, start, "start", SIGNED_DIGITS),
	FIELD(ckpt_lock, end, "end", SIGNED_DIGITS),
	FIELD(ckpt_lock, file, "file", NUMBER),
	FIELD(ckpt_lock, pid, "pid", SIGNED),
	FIELD(ckpt_lock, fd, "fd", SIGNED),
	FIELD(ckpt_lock, breaking, "breaking", NUMBER),
	FIELD(ckpt_lock, left_ns, "leftNs", DIGITS),
	{ },
};

static const struct field shmem_fields[] = {
	FIELD(ckpt_shmem, size, "size", NUMBER),
	{ },
};

static const struct field shmem_track_fields[] = {
	FIELD(ckpt_shmem_track, track_id, "trackId", HEX),
	{ },
};

static const struct field pkeys_fields[] = {
	FIELD(ckpt_pkeys, allocated, "allocated", HEX),
	FIELD(ckpt_pkeys, execute_only, "executeOnly", SIGNED),
	{ },
};

static const struct field aio_fields[] = {
	FIELD(ckpt_aio, max_reqs, "maxReqs", NUMBER),
	FIELD(ckpt_aio, nr_events, "nrEvents", NUMBER),
	FIELD(ckpt_aio, head, "head", NUMBER),
	FIELD(ckpt_aio, tail, "tail", NUMBER),
	{ },
};

static const struct field cow_fields[] = {
	FIELD(ckpt_cow, addr, "addr", HEX),
	FIELD(ckpt_cow, from_addr, "fromAddr", HEX),
	FIELD(ckpt_cow, from, "from", NUMBER),
	FIELD(ckpt_cow, nr, "nr", NUMBER),
	{ },
};

static const struct field contents_fields[] = {
	FIELD(ckpt_contents, size, "size", NUMBER),
	FIELD(ckpt_contents, ino, "ino", DIGITS),
	FIELD(ckpt_contents, mode, "mode", NUMBER),
	FIELD(ckpt_contents, uid, "uid", NUMBER),
	FIELD(ckpt_contents, gid, "gid", NUMBER),
	FIELD(ckpt_contents, linkable, "linkable", NUMBER),
	FIELD(ckpt_contents, rdev, "rdev", NUMBER),
	FIELD(ckpt_contents, atime_ns, "atimeNs", SIGNED_DIGITS),
	FIELD(ckpt_contents, mtime_ns, "mtimeNs", SIGNED_DIGITS),
	FIELD(ckpt_contents, ctime_ns, "ctimeNs", SIGNED_DIGITS),
	{ },
};

static const struct field mm_fields[] = {
	FIELD(ckpt_mm, track_id, "trackId", DIGITS),
	FIELD(ckpt_mm, start_code, "startCode", HEX),
	FIELD(ckpt_mm, end_code, "endCode", HEX),
	FIELD(ckpt_mm, start_data, "startData", HEX),
	FIELD(ckpt_mm, end_data, "endData", HEX),
	FIELD(ckpt_mm, start_brk, "startBrk", HEX),
	FIELD(ckpt_mm, brk, "brk", HEX),
	FIELD(ckpt_mm, start_stack, "startStack", HEX),
	FIELD(ckpt_mm, arg_start, "argStart", HEX),
	FIELD(ckpt_mm, arg_end, "argEnd", HEX),
	FIELD(ckpt_mm, env_start, "envStart", HEX),
	FIELD(ckpt_mm, env_end, "envEnd", HEX),
	FIELD(ckpt_mm, vdso, "vdso", HEX),
	FIELD(ckpt_mm, def_flags, "defFlags", HEX),
	FIELD(ckpt_mm, exe_file, "exeFile", NUMBER),
	FIELD(ckpt_mm, nr_vmas, "nrVmas", NUMBER),
	FIELD(ckpt_mm, dumpable, "dumpable", NUMBER),
	FIELD(ckpt_mm, thp_disable, "thpDisable", NUMBER),
	FIELD(ckpt_mm, flags, "flags", HEX),
	{ },
};

static const struct field vma_fields[] = {
	FIELD(ckpt_vma, start, "start", HEX),
	FIELD(ckpt_vma, end, "end", HEX),
	FIELD(ckpt_vma, pgoff, "pgoff", NUMBER),
	FIELD(ckpt_vma, object, "object", NUMBER),
	FIELD(ckpt_vma, pkey, "pkey", NUMBER),
	{ },
};

static const struct field pages_fields[] = {
	FIELD(ckpt_pages, nr_extents, "nrExtents", NUMBER),
	FIELD(ckpt_pages, nr_pages, "nrPages", NUMBER),
	FIELD(ckpt_pages, pad, "pad", NUMBER),
	{ },
};

static const struct field fd_fields[] = {
	FIELD(ckpt_fd, fd, "fd", NUMBER),
	FIELD(ckpt_fd, cloexec, "cloexec", NUMBER),
	FIELD(ckpt_fd, file, "file", NUMBER),
	{ },
};

static const struct field pressure_fields[] = {
	FIELD(ckpt_pressure, full, "full", NUMBER),
	FIELD(ckpt_pressure, threshold_us, "thresholdUs", NUMBER),
	FIELD(ckpt_pressure, window_us, "windowUs", NUMBER),
	{ },
};

static const struct field fs_fields[] = {
	FIELD(ckpt_fs, umask, "umask", NUMBER),
	FIELD(ckpt_fs, cwd, "cwd", NUMBER),
	FIELD(ckpt_fs, root, "root", NUMBER),
	{ },
};

static const struct field sigaction_fields[] = {
	FIELD(ckpt_sigaction, handler, "handler", HEX),
	FIELD(ckpt_sigaction, flags, "flags", HEX),
	FIELD(ckpt_sigaction, restorer, "restorer", HEX),
	FIELD(ckpt_sigaction, mask, "mask", HEX),
	{ },
};

static const struct field cred_fields[] = {
	FIELD(ckpt_cred, uid, "uid", NUMBER),
	FIELD(ckpt_cred, gid, "gid", NUMBER),
	FIELD(ckpt_cred, suid, "suid", NUMBER),
	FIELD(ckpt_cred, sgid, "sgid", NUMBER),
	FIELD(ckpt_cred, euid, "euid", NUMBER),
	FIELD(ckpt_cred, egid, "egid", NUMBER),
	FIELD(ckpt_cred, fsuid, "fsuid", NUMBER),
	FIELD(ckpt_cred, fsgid, "fsgid", NUMBER),
	FIELD(ckpt_cred, securebits, "securebits", HEX),
	{ },
};

static const struct field process_fields[] = {
	FIELD(ckpt_process, tgid, "tgid", SIGNED),
	FIELD(ckpt_process, mm, "mm", NUMBER),
	FIELD(ckpt_process, files, "files", NUMBER),
	FIELD(ckpt_process, fs, "fs", NUMBER),
	FIELD(ckpt_process, sighand, "sighand", NUMBER),
	FIELD(ckpt_process, nr_threads, "nrThreads", NUMBER),
	FIELD(ckpt_process, is_child_subreaper, "isChildSubreaper", NUMBER),
	FIELD(ckpt_process, has_child_subreaper, "hasChildSubreaper", NUMBER),
	FIELD(ckpt_process, tty, "tty", NUMBER),
	FIELD(ckpt_process, tty_foreground, "ttyForeground", NUMBER),
	FIELD(ckpt_process, stopped, "stopped", NUMBER),
	FIELD(ckpt_process, oom_score_adj, "oomScoreAdj", SIGNED),
	FIELD(ckpt_process, oom_score_adj_min, "oomScoreAdjMin", SIGNED),
	{ },
};

static const struct field thread_fields[] = {
	FIELD(ckpt_thread, pid, "pid", SIGNED),
	FIELD(ckpt_thread, cred, "cred", NUMBER),
	FIELD(ckpt_thread, blocked, "blocked", HEX),
	FIELD(ckpt_thread, saved_sigmask, "savedSigmask", HEX),
	FIELD(ckpt_thread, restore_sigmask, "restoreSigmask", NUMBER),
	FIELD(ckpt_thread, altstack_flags, "altstackFlags", HEX),
	FIELD(ckpt_thread, altstack_sp, "altstackSp", HEX),
	FIELD(ckpt_thread, altstack_size, "altstackSize", NUMBER),
	FIELD(ckpt_thread, clear_child_tid, "clearChildTid", HEX),
	FIELD(ckpt_thread, robust_list, "robustList", HEX),
	FIELD(ckpt_thread, rseq, "rseq", HEX),
	FIELD(ckpt_thread, rseq_len, "rseqLen", NUMBER),
	FIELD(ckpt_thread, rseq_sig, "rseqSig", HEX),
	FIELD(ckpt_thread, pdeath_signal, "pdeathSignal", NUMBER),
	FIELD(ckpt_thread, personality, "personality", HEX),
	FIELD(ckpt_thread, timer_slack_ns, "timerSlackNs", DIGITS),
	FIELD(ckpt_thread, no_new_privs, "noNewPrivs", NUMBER),
	FIELD(ckpt_thread, flags, "flags", HEX),
	FIELD(ckpt_thread, restart_clock, "restartClock", NUMBER),
	FIELD(ckpt_thread, restart_ns, "restartNs", DIGITS),
	{ },
};

#define REGISTER(name) FIELD(ckpt_cpu_x86_64, name, #name, HEX)

static const struct field cpu_fields[] = {
	REGISTER(r15), REGISTER(r14), REGISTER(r13), REGISTER(r12), REGISTER(bp), REGISTER(bx), REGISTER(r11),
	REGISTER(r10), REGISTER(r9), REGISTER(r8), REGISTER(ax), REGISTER(cx), REGISTER(dx), REGISTER(si),
	REGISTER(di), FIELD(ckpt_cpu_x86_64, orig_ax, "origAx", HEX), REGISTER(ip), REGISTER(cs), REGISTER(flags),
	REGISTER(sp), REGISTER(ss), FIELD(ckpt_cpu_x86_64, fs_base, "fsBase", HEX),
	FIELD(ckpt_cpu_x86_64, gs_base, "gsBase", HEX), REGISTER(ds), REGISTER(es), REGISTER(fs), REGISTER(gs),
	{ },
};

static const struct field trailer_fields[] = {
	FIELD(ckpt_trailer, bytes, "bytes", NUMBER),
	FIELD(ckpt_trailer, pages, "pages", NUMBER),
	FIELD(ckpt_trailer, crc32c, "crc32c", HEX),
	FIELD(ckpt_trailer, nr_records, "nrRecords", NUMBER),
	{ },
};

static uint64_t get(const void *base, const struct field *field)
{
	uint64_t wide = 0;
	uint32_t word;

	if (field->size == sizeof(wide)) {
		memcpy(&wide, (const char *)base + field->offset, sizeof(wide));
		return wide;
	}
	memcpy(&word, (const char *)base + field->offset, sizeof(word));
	return field->format == SIGNED ? (uint64_t)(int64_t)(int32_t)word : word;
}

static void show_fields(const void *base, const struct field *field)
{
	for (; field->name; field++) {
		uint64_t value = get(base, field);

		switch (field->format) {
		case NUMBER: json_number(field->name, value); break;
		case SIGNED: json_signed(field->name, value); break;
		case HEX: json_hex(field->name, value); break;
		case DIGITS: json_digits(field->name, value); break;
		case SIGNED_DIGITS: json_signed_digits(field->name, value); break;
		}
	}
}

static void show_name(const char *key, const char *name, uint32_t number)
{
	if (name)
		json_string(key, name);
	else
		json_number(key, number);
}

/* An array of structures, each an object. */
static void show_array(const char *key, const void *base, size_t len, size_t size, const struct field *fields)
{
	json_open(key, '[');
	for (size_t at = 0; at + size <= len; at += size) {
		json_open(NULL, '{');
		show_fields((const char *)base + at, fields);
		json_close('}');
	}
	json_close(']');
}

static void show_words(const char *key, const void *base, size_t nr)
{
	json_open(key, '[');
	for (size_t i = 0; i < nr; i++) {
		uint64_t word;

		memcpy(&word, (const char *)base + i * sizeof(word), sizeof(word));
		json_hex(NULL, word);
	}
	json_close(']');
}

/* The two strings of a tail, which the reader has found to be whole. */
static void show_strings(const char *tail, const char *key, const char *key2)
{
	json_string(key, tail);
	json_string(key2, tail + strlen(tail) + 1);
}

static void show_vma(const void *body)
{
	struct ckpt_vma vma;

	memcpy(&vma, body, sizeof(vma));
	show_fields(body, vma_fields);
	show_name("kind", vma_kind(vma.kind), vma.kind);
	json_open("flags", '[');
	for (unsigned int bit = 0; bit < 32; bit++)
		if (vma.flags >> bit & 1) {
			if (vma_flag(bit))
				json_string(NULL, vma_flag(bit));
			else
				json_hex(NULL, 1ULL << bit);
		}
	json_close(']');
}

static void show_locks(const void *body, size_t len)
{
	json_open("locks", '[');
	for (size_t at = 0; at + sizeof(struct ckpt_lock) <= len; at += sizeof(struct ckpt_lock)) {
		struct ckpt_lock lock;

		memcpy(&lock, (const char *)body + at, sizeof(lock));
		json_open(NULL, '{');
		show_name("kind", lock_kind(lock.kind), lock.kind);
		show_name("type", lock_type(lock.type), lock.type);
		show_fields((const char *)body + at, lock_fields);
		json_close('}');
	}
	json_close(']');
}

static void show_extents(const void *body, size_t len)
{
	json_open("extents", '[');
	for (size_t at = sizeof(struct ckpt_pages); at + sizeof(struct ckpt_extent) <= len; at += sizeof(struct ckpt_extent)) {
		struct ckpt_extent extent;

		memcpy(&extent, (const char *)body + at, sizeof(extent));
		json_open(NULL, '{');
		json_hex("addr", extent.addr);
		json_number("nr", extent.nr);
		show_name("kind", extent_kind(extent.kind), extent.kind);
		json_close('}');
	}
	json_close(']');
}

static void show_sighand(const void *body)
{
	json_open("actions", '[');
	for (int i = 0; i < CKPT_NSIG; i++) {
		const char *action = (const char *)body + i * sizeof(struct ckpt_sigaction);
		static const struct ckpt_sigaction none;

		if (!memcmp(action, &none, sizeof(none)))
			continue;
		json_open(NULL, '{');
		json_number("signal", i + 1);
		show_fields(action, sigaction_fields);
		json_close('}');
	}
	json_close(']');
}

static void show_cred(const void *body, size_t len)
{
	show_fields(body, cred_fields);
	show_words("caps", (const char *)body + offsetof(struct ckpt_cred, caps), CKPT_CAP_SETS);
	json_open("groups", '[');
	for (size_t at = sizeof(struct ckpt_cred); at + 4 <= len; at += 4) {
		uint32_t group;

		memcpy(&group, (const char *)body + at, sizeof(group));
		json_number(NULL, group);
	}
	json_close(']');
}

static void show_process(const void *body)
{
	struct ckpt_process process;

	memcpy(&process, body, sizeof(process));
	show_fields(body, process_fields);
	json_open("rlimits", '[');
	for (int i = 0; i < CKPT_RLIMITS; i++) {
		json_open(NULL, '{');
		json_digits("cur", process.rlim_cur[i]);
		json_digits("max", process.rlim_max[i]);
		json_close('}');
	}
	json_close(']');
}

static void show_signals(const char *body, size_t len)
{
	json_open("signals", '[');
	for (; len >= CKPT_SIGINFO_BYTES; body += CKPT_SIGINFO_BYTES, len -= CKPT_SIGINFO_BYTES) {
		int32_t head[3];	/* signo, errno, code */

		memcpy(head, body, sizeof(head));
		json_open(NULL, '{');
		json_signed("signo", head[0]);
		json_signed("code", head[2]);
		json_bytes("info", body, CKPT_SIGINFO_BYTES);
		json_close('}');
	}
	json_close(']');
}

static void show_thread(const void *body)
{
	struct ckpt_thread thread;

	memcpy(&thread, body, sizeof(thread));
	show_fields(body, thread_fields);
	json_text("comm", thread.comm, strnlen(thread.comm, sizeof(thread.comm)));
	show_name("restartKind", restart_kind(thread.restart_kind), thread.restart_kind);
	show_words("restartArg", thread.restart_arg, 4);
}

/* The value is bytes of any kind: only its length is shown. */
static void show_xattr(const void *body, size_t len)
{
	struct ckpt_xattr xattr;
	const char *name = (const char *)body + sizeof(xattr);

	memcpy(&xattr, body, sizeof(xattr));
	json_text("name", name, strnlen(name, len - sizeof(xattr)));
	json_number("valueLen", xattr.value_len);
}

void show_header_json(const struct ckpt_header *h)
{
	json_number("version", h->version);
	json_number("arch", h->arch);
	json_number("pageSize", h->page_size);
	json_number("nrTasks", h->nr_tasks);
	json_bytes("imageId", h->image_id, CKPT_ID_BYTES);
	if (id_is_zero(h->parent_id))
		json_null("parentId");
	else
		json_bytes("parentId", h->parent_id, CKPT_ID_BYTES);
	json_digits("realtimeNs", h->realtime_ns);
	json_digits("boottimeNs", h->boottime_ns);
	json_hex("features", h->features);
	json_text("release", h->release, strnlen(h->release, sizeof(h->release)));
}

void show_json(const struct record *record)
{
	const unsigned char *body = record->body;
	struct ckpt_file file;
	struct ckpt_header header;
	const char *tail;
	struct ckpt_mm mm;

	json_open(NULL, '{');
	json_number("offset", record->offset);
	json_string("type", record_name(record->type));
	json_number("objref", record->objref);
	json_number("len", record->len);
	switch (record->type) {
	case CKPT_REC_HEADER:
		memcpy(&header, body, sizeof(header));
		show_header_json(&header);
		break;
	case CKPT_REC_TASKS:
		show_array("tasks", body, record->body_len, sizeof(struct ckpt_task_entry), task_fields);
		break;
	case CKPT_REC_FILE:
		memcpy(&file, body, sizeof(file));
		show_name("kind", file_kind(file.kind), file.kind);
		show_fields(body, file_fields);
		json_bytes("fsUuid", body + offsetof(struct ckpt_file, fs_uuid), CKPT_UUID_BYTES);
		show_name("ownerType", owner_type(file.owner_type), file.owner_type);
		show_strings((const char *)body + sizeof(file), "path", "path2");
		break;
	case CKPT_REC_PIPE: show_fields(body, pipe_fields); break;
	case CKPT_REC_SHMEM: show_fields(body, shmem_fields); break;
	case CKPT_REC_INOTIFY: show_inotify_json(body); break;
	case CKPT_REC_FANOTIFY: show_fanotify_json(body); break;
	case CKPT_REC_WATCH: show_watch_json(body); break;
	case CKPT_REC_EVENT: show_event_json(body); break;
	case CKPT_REC_CONTENTS:
		show_fields(body, contents_fields);
		tail = (const char *)body + sizeof(struct ckpt_contents);
		json_text("path", tail, strlen(tail));
		break;
	case CKPT_REC_XATTR: show_xattr(body, record->body_len); break;
	case CKPT_REC_MM:
		show_fields(body, mm_fields);
		memcpy(&mm, body, sizeof(mm));
		show_name("tracker", tracker_name(mm.tracker), mm.tracker);
		show_words("auxv", body + offsetof(struct ckpt_mm, auxv), CKPT_AUXV_WORDS);
		break;
	case CKPT_REC_VMA: show_vma(body); break;
	case CKPT_REC_PAGES:
		show_fields(body, pages_fields);
		show_extents(body, record->body_len);
		break;
	case CKPT_REC_SHMEM_TRACK: show_fields(body, shmem_track_fields); break;
	case CKPT_REC_AIO: show_fields(body, aio_fields); break;
	case CKPT_REC_LDT: json_number("nrEntries", record->body_len / 8); break;
	case CKPT_REC_PKEYS: show_fields(body, pkeys_fields); break;
	case CKPT_REC_COW:
		show_array("runs", body, record->body_len, sizeof(struct ckpt_cow), cow_fields);
		break;
	case CKPT_REC_FILES:
		show_array("fds", body, record->body_len, sizeof(struct ckpt_fd), fd_fields);
		break;
	case CKPT_REC_LOCKS: show_locks(body, record->body_len); break;
	case CKPT_REC_PRESSURE: show_fields(body, pressure_fields); break;
	case CKPT_REC_FS: show_fields(body, fs_fields); break;
	case CKPT_REC_SIGHAND: show_sighand(body); break;
	case CKPT_REC_CRED: show_cred(body, record->body_len); break;
	case CKPT_REC_PROCESS: show_process(body); break;
	case CKPT_REC_SIGQUEUE: show_signals((const char *)body, record->body_len); break;
	case CKPT_REC_THREAD: show_thread(body); break;
	case CKPT_REC_CPU: show_fields(body, cpu_fields); break;
	case CKPT_REC_FPU: break;
	case CKPT_REC_TRAILER: show_fields(body, trailer_fields); break;
	default:
		if (!show_anon_json(record) && !show_state_json(record) && !show_tty_json(record))
			show_ipc_json(record);
		break;
	}
	json_close('}');
}
