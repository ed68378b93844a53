// SPDX-License-Identifier: Apache-2.0
/* Reading a checkpoint image front to back. */
#define _GNU_SOURCE
#include "image.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "util.h"

#define MAX_BODY	(64UL << 20)
#define PAGE_BYTES	4096u

/* What a record of each type is made of: a structure, then @element bytes times n. */
static const struct shape {
	uint32_t type;
	const char *name;
	uint32_t fixed;
	uint32_t element;	/* 0: no tail; 1: bytes */
	uint32_t strings;	/* NUL-terminated strings the tail is made of */
} shapes[] = {
	{ CKPT_REC_HEADER,   "HEADER",   sizeof(struct ckpt_header), 0, 0 },
	{ CKPT_REC_TASKS,    "TASKS",    0, sizeof(struct ckpt_task_entry), 0 },
	{ CKPT_REC_FILE,     "FILE",     sizeof(struct ckpt_file), 1, 2 },
	{ CKPT_REC_PIPE,     "PIPE",     sizeof(struct ckpt_pipe), 1, 0 },
	{ CKPT_REC_PTY,      "PTY",      sizeof(struct ckpt_pty), 1, 1 },
	{ CKPT_REC_PTY_STATE, "PTY_STATE", sizeof(struct ckpt_pty_state), 1, 0 },
	{ CKPT_REC_INOTIFY,  "INOTIFY",  sizeof(struct ckpt_inotify), 0, 0 },
	{ CKPT_REC_FANOTIFY, "FANOTIFY", sizeof(struct ckpt_fanotify), 0, 0 },
	{ CKPT_REC_WATCH,    "WATCH",    sizeof(struct ckpt_watch), 1, 2 },
	{ CKPT_REC_EVENT,    "EVENT",    sizeof(struct ckpt_event), 1, 2 + CKPT_HANDLES },
	{ CKPT_REC_SHMEM,    "SHMEM",    sizeof(struct ckpt_shmem), 0, 0 },
	{ CKPT_REC_LOCKS,    "LOCKS",    0, sizeof(struct ckpt_lock), 0 },
	{ CKPT_REC_PRESSURE, "PRESSURE", sizeof(struct ckpt_pressure), 0, 0 },
	{ CKPT_REC_CONTENTS, "CONTENTS", sizeof(struct ckpt_contents), 1, 1 },
	{ CKPT_REC_XATTR,    "XATTR",    sizeof(struct ckpt_xattr), 1, 0 },
	{ CKPT_REC_MM,       "MM",       sizeof(struct ckpt_mm), 0, 0 },
	{ CKPT_REC_VMA,      "VMA",      sizeof(struct ckpt_vma), 0, 0 },
	{ CKPT_REC_PAGES,    "PAGES",    sizeof(struct ckpt_pages), 1, 0 },
	{ CKPT_REC_COW,      "COW",      0, sizeof(struct ckpt_cow), 0 },
	{ CKPT_REC_SHMEM_TRACK, "SHMEM_TRACK", sizeof(struct ckpt_shmem_track), 0, 0 },
	{ CKPT_REC_LDT,      "LDT",      0, 8, 0 },
	{ CKPT_REC_PKEYS,    "PKEYS",    sizeof(struct ckpt_pkeys), 0, 0 },
	{ CKPT_REC_AIO,      "AIO",      sizeof(struct ckpt_aio), sizeof(struct ckpt_io_event), 0 },
	{ CKPT_REC_FILES,    "FILES",    0, sizeof(struct ckpt_fd), 0 },
	{ CKPT_REC_FS,       "FS",       sizeof(struct ckpt_fs), 0, 0 },
	{ CKPT_REC_SIGHAND,  "SIGHAND",  sizeof(struct ckpt_sighand), 0, 0 },
	{ CKPT_REC_CRED,     "CRED",     sizeof(struct ckpt_cred), sizeof(uint32_t), 0 },
	{ CKPT_REC_SECCOMP,  "SECCOMP",  sizeof(struct ckpt_seccomp), 8, 0 },
	{ CKPT_REC_PROCESS,  "PROCESS",  sizeof(struct ckpt_process), 0, 0 },
	{ CKPT_REC_SIGQUEUE, "SIGQUEUE", 0, sizeof(struct ckpt_siginfo), 0 },
	{ CKPT_REC_THREAD,   "THREAD",   sizeof(struct ckpt_thread), 0, 0 },
	{ CKPT_REC_CPU,      "CPU",      sizeof(struct ckpt_cpu_x86_64), 0, 0 },
	{ CKPT_REC_FPU,      "FPU",      0, 1, 0 },
	{ CKPT_REC_EVENTFD,  "EVENTFD",  sizeof(struct ckpt_eventfd), 0, 0 },
	{ CKPT_REC_SIGNALFD, "SIGNALFD", sizeof(struct ckpt_signalfd), 0, 0 },
	{ CKPT_REC_TIMERFD,  "TIMERFD",  sizeof(struct ckpt_timerfd), 0, 0 },
	{ CKPT_REC_EPOLL,    "EPOLL",    sizeof(struct ckpt_epoll), 0, 0 },
	{ CKPT_REC_EPOLL_ITEMS, "EPOLL_ITEMS", 0, sizeof(struct ckpt_epoll_item), 0 },
	{ CKPT_REC_MEMFD,    "MEMFD",    sizeof(struct ckpt_memfd), 1, 1 },
	{ CKPT_REC_HUGETLB,  "HUGETLB",  sizeof(struct ckpt_hugetlb), 1, 1 },
	{ CKPT_REC_ACCOUNT,  "ACCOUNT",  sizeof(struct ckpt_account), 0, 0 },
	{ CKPT_REC_TIMERS,   "TIMERS",   0, sizeof(struct ckpt_timer), 0 },
	{ CKPT_REC_SCHED,    "SCHED",    sizeof(struct ckpt_sched), 0, 0 },
	{ CKPT_REC_DEADLINE, "DEADLINE", sizeof(struct ckpt_deadline), 0, 0 },
	{ CKPT_REC_DISPATCH, "DISPATCH", sizeof(struct ckpt_dispatch), 0, 0 },
	{ CKPT_REC_UNSHARED, "UNSHARED", sizeof(struct ckpt_unshared), 0, 0 },
	{ CKPT_REC_USAGE,    "USAGE",    sizeof(struct ckpt_usage), 0, 0 },
	{ CKPT_REC_IO_URING, "IO_URING", sizeof(struct ckpt_io_uring), 1, 0 },
	{ CKPT_REC_PIDFD,    "PIDFD",    sizeof(struct ckpt_pidfd), 0, 0 },
	{ CKPT_REC_SOCKET,   "SOCKET",   sizeof(struct ckpt_socket), 1, 0 },
	{ CKPT_REC_SOCKET_PEER, "SOCKET_PEER", sizeof(struct ckpt_socket_peer), 0, 0 },
	{ CKPT_REC_SOCKET_MSG, "SOCKET_MSG", sizeof(struct ckpt_socket_msg), 1, 0 },
	{ CKPT_REC_TCP,      "TCP",      sizeof(struct ckpt_tcp), 0, 0 },
	{ CKPT_REC_TCP_DATA, "TCP_DATA", sizeof(struct ckpt_tcp_data), 1, 0 },
	{ CKPT_REC_SOCKET_FILTER, "SOCKET_FILTER", sizeof(struct ckpt_sock_filter), 8, 0 },
	{ CKPT_REC_PACKET_RING, "PACKET_RING", sizeof(struct ckpt_packet_ring), 0, 0 },
	{ CKPT_REC_RING_DATA, "RING_DATA", sizeof(struct ckpt_ring_data), 1, 0 },
	{ CKPT_REC_BPF_MAP,  "BPF_MAP",  sizeof(struct ckpt_bpf_map), 0, 0 },
	{ CKPT_REC_BPF_ELEMENTS, "BPF_ELEMENTS", 0, 1, 0 },
	{ CKPT_REC_TUN,      "TUN",      sizeof(struct ckpt_tun), 1, 1 },
	{ CKPT_REC_SOCKET_DGRAM, "SOCKET_DGRAM", sizeof(struct ckpt_datagram), 1, 0 },
	{ CKPT_REC_SOCKET_REPORT, "SOCKET_REPORT", sizeof(struct ckpt_report), 1, 0 },
	{ CKPT_REC_MQUEUE,   "MQUEUE",   sizeof(struct ckpt_mqueue), 1, 0 },
	{ CKPT_REC_MQUEUE_NOTIFY, "MQUEUE_NOTIFY", sizeof(struct ckpt_mqueue_notify), 0, 0 },
	{ CKPT_REC_NAMESPACES, "NAMESPACES", sizeof(struct ckpt_namespaces), sizeof(struct ckpt_ns_pid), 0 },
	{ CKPT_REC_MOUNTS,   "MOUNTS",   0, 1, 0 },
	{ CKPT_REC_INNER_MOUNTS, "INNER_MOUNTS", sizeof(struct ckpt_inner_mounts), 1, 0 },
	{ CKPT_REC_CGROUPS,  "CGROUPS",  sizeof(struct ckpt_cgroups), 1, 0 },
	{ CKPT_REC_USER_NS,  "USER_NS",  sizeof(struct ckpt_user_ns), sizeof(struct ckpt_id_extent), 0 },
	{ CKPT_REC_NETWORK,  "NETWORK",  sizeof(struct ckpt_network), 1, 0 },
	{ CKPT_REC_TMPFS,    "TMPFS",    sizeof(struct ckpt_tmpfs), 1, 1 },
	{ CKPT_REC_TMPFS_INODE, "TMPFS_INODE", sizeof(struct ckpt_tmpfs_inode), 1, 2 },
	{ CKPT_REC_TMPFS_LINK, "TMPFS_LINK", sizeof(struct ckpt_tmpfs_link), 1, 1 },
	{ CKPT_REC_TMPFS_END, "TMPFS_END", 0, 0, 0 },
	{ CKPT_REC_TIME,     "TIME",     sizeof(struct ckpt_time), 0, 0 },
	{ CKPT_REC_UTS,      "UTS",      sizeof(struct ckpt_uts), 0, 0 },
	{ CKPT_REC_IPC_NS,   "IPC_NS",   sizeof(struct ckpt_ipc_ns), 0, 0 },
	{ CKPT_REC_IPC_NS_END, "IPC_NS_END", 0, 0, 0 },
	{ CKPT_REC_CGROUP_NS, "CGROUP_NS", sizeof(struct ckpt_cgroup_ns), 1, 0 },
	{ CKPT_REC_SHM,      "SHM",      sizeof(struct ckpt_shm), 0, 0 },
	{ CKPT_REC_SEM,      "SEM",      sizeof(struct ckpt_sem), sizeof(struct ckpt_sem_value), 0 },
	{ CKPT_REC_MSG,      "MSG",      sizeof(struct ckpt_msg), 1, 0 },
	{ CKPT_REC_SEM_UNDO, "SEM_UNDO", 0, sizeof(struct ckpt_sem_undo), 0 },
	{ CKPT_REC_TRAILER,  "TRAILER",  sizeof(struct ckpt_trailer), 0, 0 },
};

static const struct shape *shape_of(uint32_t type)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (shapes[i].type == type)
			return &shapes[i];
	return NULL;
}

const char *record_name(uint32_t type)
{
	const struct shape *shape = shape_of(type);

	return shape ? shape->name : NULL;
}

/* Remember the first thing that is wrong; always -1. */
static int wrong(struct image *image, uint64_t offset, const char *fmt, ...)
{
	va_list ap;

	if (image->problem)
		return -1;
	va_start(ap, fmt);
	if (vasprintf(&image->problem, fmt, ap) < 0)
		image->problem = NULL;
	va_end(ap);
	if (!image->problem)
		die("out of memory");
	image->problem_offset = offset;
	return -1;
}

static int truncated(struct image *image)
{
	if (ferror(image->stream))
		return wrong(image, image->offset, "cannot be read: %s", strerror(errno));
	return wrong(image, image->offset, "truncated: ends inside the image, after %llu bytes",
		     (unsigned long long)image->offset);
}

/* Bytes that count for the checksum. */
static int take(struct image *image, void *to, size_t len)
{
	size_t n = fread(to, 1, len, image->stream);

	image->offset += n;
	return n == len ? 0 : truncated(image);
}

/* Payload: passed over, and not part of the checksum. */
static int skip(struct image *image, uint64_t len)
{
	char scratch[16384];

	if (image->seekable) {
		if (len > image->size - image->offset) {
			image->offset = image->size;
			return truncated(image);
		}
		if (fseeko(image->stream, len, SEEK_CUR) < 0)
			return wrong(image, image->offset, "cannot be read: %s", strerror(errno));
		image->offset += len;
		return 0;
	}
	while (len) {
		size_t part = len < sizeof(scratch) ? len : sizeof(scratch);

		if (take(image, scratch, part) < 0)
			return -1;
		len -= part;
	}
	return 0;
}

int image_open(struct image *image, const char *name)
{
	struct stat st;

	memset(image, 0, sizeof(*image));
	image->name = name;
	image->stream = strcmp(name, "-") ? fopen(name, "re") : stdin;
	if (!image->stream)
		return -1;
	if (fstat(fileno(image->stream), &st) == 0) {
		if (S_ISDIR(st.st_mode)) {
			image_close(image);
			errno = EISDIR;
			return -1;
		}
		if (S_ISREG(st.st_mode)) {
			image->seekable = true;
			image->size = st.st_size;
		}
	}
	return 0;
}

void image_close(struct image *image)
{
	if (image->stream && image->stream != stdin)
		fclose(image->stream);
	image->stream = NULL;
	free(image->body);
	free(image->problem);
	image->body = NULL;
	image->problem = NULL;
}

static unsigned char *body_room(struct image *image, size_t len)
{
	if (len > image->body_room) {
		free(image->body);
		image->body = xcalloc(1, len);
		image->body_room = len;
	}
	return image->body;
}

/* Sizes that @shape allows. */
static bool length_fits(const struct shape *shape, uint64_t len)
{
	if (len < shape->fixed)
		return false;
	if (!shape->element)
		return len == shape->fixed;
	return (len - shape->fixed) % shape->element == 0;
}

/* The structure, its extents and the pad; then pass over the payload. */
static int take_pages(struct image *image, struct record *record)
{
	struct ckpt_pages pages;
	uint64_t extents_len, payload_len, data_pages = 0;
	unsigned char pad[PAGE_BYTES];
	uint32_t want_pad;

	if (take(image, &pages, sizeof(pages)) < 0)
		return -1;
	extents_len = (uint64_t)pages.nr_extents * sizeof(struct ckpt_extent);
	payload_len = (uint64_t)pages.nr_pages * PAGE_BYTES;
	want_pad = pages.nr_pages ? -(image->offset + extents_len) % PAGE_BYTES : 0;
	if (sizeof(pages) + extents_len > MAX_BODY)
		return wrong(image, record->offset, "PAGES has %u extents: more than any image", pages.nr_extents);
	if (pages.pad != want_pad)
		return wrong(image, record->offset, "PAGES says its pad is %u bytes; it must be %u", pages.pad, want_pad);
	if (record->len != sizeof(pages) + extents_len + pages.pad + payload_len)
		return wrong(image, record->offset, "PAGES is %llu bytes long, its parts are %llu",
			     (unsigned long long)record->len,
			     (unsigned long long)(sizeof(pages) + extents_len + pages.pad + payload_len));

	record->body_len = sizeof(pages) + extents_len;
	record->body = body_room(image, record->body_len);
	memcpy(image->body, &pages, sizeof(pages));
	if (take(image, image->body + sizeof(pages), extents_len) < 0 || take(image, pad, pages.pad) < 0)
		return -1;
	image->crc32c = crc32c(image->crc32c, image->body, record->body_len);
	image->crc32c = crc32c(image->crc32c, pad, pages.pad);

	for (uint32_t i = 0; i < pages.nr_extents; i++) {
		struct ckpt_extent extent;

		memcpy(&extent, image->body + sizeof(pages) + i * sizeof(extent), sizeof(extent));
		if (extent.kind < CKPT_PAGES_DATA || extent.kind > CKPT_PAGES_PARENT)
			return wrong(image, record->offset, "extent %u of PAGES is of unknown kind %u", i, extent.kind);
		if (extent.addr % PAGE_BYTES || !extent.nr ||
		    extent.addr + (uint64_t)extent.nr * PAGE_BYTES < extent.addr)
			return wrong(image, record->offset, "extent %u of PAGES (0x%llx, %u pages) is no range of pages", i,
				     (unsigned long long)extent.addr, extent.nr);
		if (extent.kind == CKPT_PAGES_DATA)
			data_pages += extent.nr;
	}
	if (data_pages != pages.nr_pages)
		return wrong(image, record->offset, "PAGES has payload for %u pages, its extents say %llu", pages.nr_pages,
			     (unsigned long long)data_pages);
	image->pages += data_pages;
	return skip(image, payload_len);
}

static int check_header(struct image *image, const struct record *record)
{
	const struct ckpt_header *h = &image->header;

	memcpy(&image->header, record->body, sizeof(image->header));
	if (h->magic != CKPT_MAGIC)
		return wrong(image, record->offset, "not a checkpoint image (magic %016llx)", (unsigned long long)h->magic);
	if (h->version != CKPT_VERSION)
		return wrong(image, record->offset, "format version %u; this reader knows %u", h->version, CKPT_VERSION);
	if (h->arch != CKPT_ARCH_X86_64)
		return wrong(image, record->offset, "architecture %u; this reader knows x86-64 (%u)", h->arch, CKPT_ARCH_X86_64);
	if (h->page_size != PAGE_BYTES)
		return wrong(image, record->offset, "page size %u; x86-64 has %u", h->page_size, PAGE_BYTES);
	return 0;
}

static int check_trailer(struct image *image, const struct record *record)
{
	struct ckpt_trailer *t = &image->trailer;

	/* Its own head is in no checksum. */
	if (record->objref)
		return wrong(image, record->offset, "the trailer is of object %u", record->objref);
	memcpy(t, record->body, sizeof(*t));
	if (t->bytes != image->offset)
		return wrong(image, record->offset, "trailer says %llu bytes, the image has %llu", (unsigned long long)t->bytes,
			     (unsigned long long)image->offset);
	if (t->pages != image->pages)
		return wrong(image, record->offset, "trailer says %llu pages, the image has %llu", (unsigned long long)t->pages,
			     (unsigned long long)image->pages);
	if (t->nr_records != image->nr_records + 1)
		return wrong(image, record->offset, "trailer says %u records, the image has %u", t->nr_records,
			     image->nr_records + 1);
	/* The kernel stores the register as it is, without CRC-32C's last inversion. */
	if (t->crc32c != ~image->crc32c)
		return wrong(image, record->offset, "checksum is %08x, trailer says %08x", ~image->crc32c, t->crc32c);
	if (image->seekable && image->size != image->offset)
		return wrong(image, image->offset, "%llu bytes stand after the trailer",
			     (unsigned long long)(image->size - image->offset));
	image->complete = true;
	return 0;
}

static int check_strings(struct image *image, const struct record *record, const struct shape *shape)
{
	const unsigned char *tail = record->body + shape->fixed;
	uint32_t found = 0;

	for (size_t i = 0; i < record->body_len - shape->fixed; i++)
		found += tail[i] == '\0';
	if (found != shape->strings || (record->body_len > shape->fixed && record->body[record->body_len - 1]))
		return wrong(image, record->offset, "%s must end in %u NUL-terminated strings", shape->name, shape->strings);
	return 0;
}

int image_next(struct image *image, struct record *record)
{
	const struct shape *shape;
	struct ckpt_rec rec;
	int ch;

	if (image->problem)
		return -1;
	if (image->complete)
		return 0;
	memset(record, 0, sizeof(*record));
	record->offset = image->offset;

	ch = getc(image->stream);
	if (ch == EOF && !ferror(image->stream))
		return wrong(image, image->offset, image->offset ? "truncated: no trailer at its end" : "empty");
	ungetc(ch, image->stream);
	if (take(image, &rec, sizeof(rec)) < 0)
		return -1;

	record->type = rec.type;
	record->objref = rec.objref;
	record->len = rec.len;
	shape = shape_of(rec.type);
	if (!image->nr_records && rec.type != CKPT_REC_HEADER)
		return wrong(image, record->offset, "not a checkpoint image (it begins with a record of type %u)", rec.type);
	if (!shape)
		return wrong(image, record->offset, "record of unknown type %u", rec.type);
	if (image->nr_records && rec.type == CKPT_REC_HEADER)
		return wrong(image, record->offset, "a second HEADER");
	if ((image->nr_records == 1) != (rec.type == CKPT_REC_TASKS))
		return wrong(image, record->offset, "%s stands where %s", shape->name,
			     image->nr_records == 1 ? "TASKS must" : "it must not");
	if (!length_fits(shape, rec.len))
		return wrong(image, record->offset, "%s cannot be %llu bytes long", shape->name, (unsigned long long)rec.len);
	if (rec.type != CKPT_REC_TRAILER)
		image->crc32c = crc32c(image->crc32c, &rec, sizeof(rec));

	if (rec.type == CKPT_REC_PAGES) {
		if (take_pages(image, record) < 0)
			return -1;
	} else {
		if (rec.len > MAX_BODY)
			return wrong(image, record->offset, "%s is %llu bytes long: more than any image", shape->name,
				     (unsigned long long)rec.len);
		if (image->seekable && rec.len > image->size - image->offset) {
			image->offset = image->size;
			return truncated(image);
		}
		record->body_len = rec.len;
		record->body = body_room(image, rec.len);
		if (take(image, image->body, rec.len) < 0)
			return -1;
		if (rec.type != CKPT_REC_TRAILER)
			image->crc32c = crc32c(image->crc32c, image->body, rec.len);
		if (shape->strings && check_strings(image, record, shape) < 0)
			return -1;
	}

	if (rec.type == CKPT_REC_HEADER && check_header(image, record) < 0)
		return -1;
	if (rec.type == CKPT_REC_TASKS && rec.len / sizeof(struct ckpt_task_entry) != image->header.nr_tasks)
		return wrong(image, record->offset, "TASKS has %llu entries, the header says %u",
			     (unsigned long long)(rec.len / sizeof(struct ckpt_task_entry)), image->header.nr_tasks);
	if (rec.type == CKPT_REC_TRAILER)
		return check_trailer(image, record) < 0 ? -1 : 1;
	image->nr_records++;
	return 1;
}

int image_read_header(const char *name, struct ckpt_header *header, char **problem)
{
	struct image image;
	struct record record;

	if (image_open(&image, name) < 0) {
		*problem = xasprintf("cannot be opened: %s", strerror(errno));
		return -1;
	}
	if (image_next(&image, &record) < 0) {
		*problem = xasprintf("%s", image.problem);
		image_close(&image);
		return -1;
	}
	*header = image.header;
	image_close(&image);
	return 0;
}

bool image_peek_header(int fd, struct ckpt_header *header)
{
	struct {
		struct ckpt_rec rec;
		struct ckpt_header header;
	} first;

	if (pread(fd, &first, sizeof(first), 0) != sizeof(first) || first.rec.type != CKPT_REC_HEADER ||
	    first.header.magic != CKPT_MAGIC)
		return false;
	*header = first.header;
	return true;
}

char *directory_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	if (!slash)
		return xasprintf(".");
	if (slash == name)
		return xasprintf("/");
	return xasprintf("%.*s", (int)(slash - name), name);
}
