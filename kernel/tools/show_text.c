// SPDX-License-Identifier: Apache-2.0
/* What is in a record, on a line for people. */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "show.h"
#include "show_anon.h"
#include "show_ipc.h"
#include "show_state.h"
#include "show_tty.h"
#include "show_watch.h"

void show_printable(const char *text)
{
	for (; *text; text++)
		if (isprint((unsigned char)*text) || (unsigned char)*text >= 0xa0)
			putchar(*text);
		else
			printf("\\x%02x", (unsigned char)*text);
}

static void text_file(const struct record *record)
{
	const char *path = (const char *)record->body + sizeof(struct ckpt_file);
	struct ckpt_file f;

	memcpy(&f, record->body, sizeof(f));
	printf("%s", file_kind(f.kind) ?: "of unknown kind");
	if (f.kind == CKPT_FILE_PIPE)
		printf(" of pipe %u", f.pipe);
	if (f.kind == CKPT_FILE_INOTIFY || f.kind == CKPT_FILE_FANOTIFY || f.kind >= CKPT_FILE_EVENTFD)
		printf(" %u", f.group);
	if (*path) {
		putchar(' ');
		show_printable(path);
	}
	if (f.kind == CKPT_FILE_HIDDEN || f.kind == CKPT_FILE_DEAD_PROC) {
		printf(", in it ");
		show_printable(path + strlen(path) + 1);
	}
	if (f.kind == CKPT_FILE_COPIED)
		printf(" from contents %u", f.contents);
	if (f.kind == CKPT_FILE_RELINKED || f.kind == CKPT_FILE_COPIED || f.kind == CKPT_FILE_OTHER_NAME) {
		printf(" (was ");
		show_printable(path + strlen(path) + 1);
		putchar(')');
	}
	printf(", inode %llu, %llu bytes, position %lld, flags 0%o", (unsigned long long)f.ino, (unsigned long long)f.size,
	       (long long)f.pos, f.f_flags);
}

static void text_vma(const struct record *record)
{
	struct ckpt_vma v;

	memcpy(&v, record->body, sizeof(v));
	printf("%llx-%llx %c%c%c%c %s", (unsigned long long)v.start, (unsigned long long)v.end,
	       v.flags & CKPT_VMA_READ ? 'r' : '-', v.flags & CKPT_VMA_WRITE ? 'w' : '-',
	       v.flags & CKPT_VMA_EXEC ? 'x' : '-', v.flags & CKPT_VMA_SHARED ? 's' : 'p',
	       vma_kind(v.kind) ?: "of unknown kind");
	if (v.object)
		printf(" object %u page %llu", v.object, (unsigned long long)v.pgoff);
	if (v.pkey)
		printf(" key %u", v.pkey);
}

static void text_pages(const struct record *record)
{
	uint64_t nr[CKPT_PAGES_PARENT + 1] = { };

	for (size_t at = sizeof(struct ckpt_pages); at < record->body_len; at += sizeof(struct ckpt_extent)) {
		struct ckpt_extent extent;

		memcpy(&extent, record->body + at, sizeof(extent));
		nr[extent.kind] += extent.nr;
	}
	printf("%llu with payload, %llu zero, %llu as in the parent", (unsigned long long)nr[CKPT_PAGES_DATA],
	       (unsigned long long)nr[CKPT_PAGES_ZERO], (unsigned long long)nr[CKPT_PAGES_PARENT]);
}

static void text_cow(const struct record *record)
{
	unsigned long long nr = 0;

	for (size_t at = 0; at < record->body_len; at += sizeof(struct ckpt_cow)) {
		struct ckpt_cow run;

		memcpy(&run, record->body + at, sizeof(run));
		nr += run.nr;
	}
	printf("%llu as in another address space", nr);
}

static void text_files(const struct record *record)
{
	for (size_t at = 0; at < record->body_len; at += sizeof(struct ckpt_fd)) {
		struct ckpt_fd fd;

		memcpy(&fd, record->body + at, sizeof(fd));
		printf("%s%u->%u", at ? " " : "", fd.fd, fd.file);
	}
}

static void text_locks(const struct record *record)
{
	for (size_t at = 0; at < record->body_len; at += sizeof(struct ckpt_lock)) {
		struct ckpt_lock lock;

		memcpy(&lock, record->body + at, sizeof(lock));
		printf("%s%s %s", at ? ", " : "", lock_kind(lock.kind) ?: "unknown", lock_type(lock.type) ?: "lock");
		if (lock.end != CKPT_LOCK_EOF)
			printf(" %lld-%lld", (long long)lock.start, (long long)lock.end);
		else if (lock.start)
			printf(" %lld-", (long long)lock.start);
		printf(" of file %u", lock.file);
	}
}

void show_text(const struct record *record)
{
	const char *tail;
	struct ckpt_contents contents;
	uint32_t words[8];
	char comm[17] = "", name[256] = "";

	printf("%10llu  %-8s", (unsigned long long)record->offset, record_name(record->type));
	if (record->objref)
		printf(" %-5u ", record->objref);
	else
		printf("       ");
	memcpy(words, record->body, record->body_len < sizeof(words) ? record->body_len : sizeof(words));
	switch (record->type) {
	case CKPT_REC_FILE: text_file(record); break;
	case CKPT_REC_VMA: text_vma(record); break;
	case CKPT_REC_PAGES: text_pages(record); break;
	case CKPT_REC_COW: text_cow(record); break;
	case CKPT_REC_FILES: text_files(record); break;
	case CKPT_REC_INOTIFY: show_inotify_text(record->body); break;
	case CKPT_REC_FANOTIFY: show_fanotify_text(record->body); break;
	case CKPT_REC_WATCH: show_watch_text(record->body); break;
	case CKPT_REC_EVENT: show_event_text(record->body); break;
	case CKPT_REC_PIPE: printf("%u unread bytes", words[1]); break;
	case CKPT_REC_CONTENTS:
		memcpy(&contents, record->body, sizeof(contents));
		printf("%llu bytes, was inode %llu, ", (unsigned long long)contents.size, (unsigned long long)contents.ino);
		show_printable((const char *)record->body + sizeof(contents));
		break;
	case CKPT_REC_XATTR:
		tail = (const char *)record->body + sizeof(struct ckpt_xattr);
		snprintf(name, sizeof(name), "%.*s", (int)(record->body_len - sizeof(struct ckpt_xattr)), tail);
		show_printable(name);
		break;
	case CKPT_REC_CRED: printf("uid %u gid %u euid %u egid %u", words[0], words[1], words[4], words[5]); break;
	case CKPT_REC_PROCESS: printf("pid %u: mm %u files %u fs %u sighand %u", words[0], words[1], words[2], words[3], words[4]); break;
	case CKPT_REC_SIGQUEUE: printf("%zu pending", record->body_len / sizeof(struct ckpt_siginfo)); break;
	case CKPT_REC_FS: printf("umask 0%03o cwd %u root %u", words[0], words[1], words[2]); break;
	case CKPT_REC_LOCKS: text_locks(record); break;
	case CKPT_REC_PRESSURE: printf("%s %u us in %u us", words[0] ? "full" : "some", words[1], words[2]); break;
	case CKPT_REC_THREAD:
		memcpy(comm, record->body + offsetof(struct ckpt_thread, comm), 16);
		printf("pid %u ", words[0]);
		show_printable(comm);
		break;
	default:
		if (!show_anon_text(record) && !show_state_text(record) && !show_tty_text(record) && !show_ipc_text(record))
			printf("%llu bytes", (unsigned long long)record->len);
	}
	putchar('\n');
}
