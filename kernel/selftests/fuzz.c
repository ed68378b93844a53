// SPDX-License-Identifier: Apache-2.0
/*
 * Hostile images: mutations of a real one that know its structure, each given
 * to restart(2). It must be refused in words or restart, nobody may be left
 * of it, and the kernel's memory may not grow.
 *
 *	fuzz [COUNT [SEED]]
 */
/* covers: Robustness | mutated images (npm run fuzz) | refused in words, or restarted */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/checkpoint.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-fuzz.img"
#define BAD	"/tmp/selftest-fuzz.img"
#define COUNT	150
#define MAX_RECORDS	20000
/* No type of record is as large, the trailer's excepted. */
#define MAX_TYPE	128
#define MAX_PIDS	4096
/* What caches and a kernel's own bookkeeping may take. */
#define MAX_GROWTH_KIB	(24 * 1024)

/* ---- a subject that has one of everything ---- */

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void need(bool good)
{
	if (!good)
		_exit(1);
}

static void anonymous_files(const sigset_t *set)
{
	struct itimerspec far = { { 7, 0 }, { 7000, 0 } };
	struct epoll_event ask = { .events = EPOLLIN, .data.u64 = 42 };
	int event = eventfd(3, EFD_NONBLOCK), outer = epoll_create1(0), inner = epoll_create1(0);
	int timer = timerfd_create(CLOCK_BOOTTIME, 0), mem = memfd_create("fuzz", MFD_ALLOW_SEALING);

	need(signalfd(-1, set, 0) >= 0 && timerfd_settime(timer, 0, &far, NULL) == 0);
	need(epoll_ctl(inner, EPOLL_CTL_ADD, event, &ask) == 0 && epoll_ctl(outer, EPOLL_CTL_ADD, inner, &ask) == 0);
	need(write(mem, "sealed", 6) == 6 && fcntl(mem, F_ADD_SEALS, F_SEAL_GROW) == 0);
}

static void sockets(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0crlab-fuzz" };
	int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	int listening = socket(AF_UNIX, SOCK_SEQPACKET, 0), client = socket(AF_UNIX, SOCK_SEQPACKET, 0), pair[2];
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec data = { "in flight", 9 };
	struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

	need(bind(tcp, (void *)&any, sizeof(any)) == 0 && listen(tcp, 5) == 0 && bind(udp, (void *)&any, sizeof(any)) == 0);
	need(bind(listening, (void *)&name, sizeof(name)) == 0 && listen(listening, 3) == 0);
	need(connect(client, (void *)&name, sizeof(name)) == 0);
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && write(pair[1], "unread", 6) == 6);
	memcpy(CMSG_DATA(&control.head), &udp, sizeof(udp));
	need(sendmsg(pair[0], &msg, 0) == 9);
}

static void has_everything(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };
	struct itimerspec far = { { 5, 0 }, { 5000, 0 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	pthread_t thread;
	sigset_t set;
	int ends[2], id, fd;

	pthread_create(&thread, NULL, idle, NULL);
	need(pipe(ends) == 0 && write(ends[1], "unread", 6) == 6);
	fd = open("/tmp/selftest/fuzz-file", O_RDWR | O_CREAT, 0644);
	need(fd >= 0 && write(fd, "text", 4) == 4 && unlink("/tmp/selftest/fuzz-file") == 0);
	fd = inotify_init1(0);
	need(inotify_add_watch(fd, "/tmp/selftest", IN_CREATE) > 0);
	need(open("/tmp/selftest/fuzz-event", O_RDWR | O_CREAT | O_CLOEXEC, 0644) >= 0);
	fd = fanotify_init(FAN_REPORT_FID, 0);
	need(fanotify_mark(fd, FAN_MARK_ADD, FAN_MODIFY, AT_FDCWD, "/tmp/selftest") == 0);
	fd = open("/tmp/selftest/fuzz-named", O_RDWR | O_CREAT | O_APPEND, 0644);
	struct flock lock = { .l_type = F_WRLCK };
	fcntl(fd, F_SETLK, &lock);
	char *shared = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	strcpy(shared, "shared");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR2);
	anonymous_files(&set);
	sockets();
	syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id);
	syscall(SYS_timer_settime, id, 0, &far, NULL);
	alarm(3000);
	if (fork() == 0) {
		setpgid(0, 0);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
		need(nice(3) >= 0);
		idle(NULL);
	}
	pid_t stopped = fork();
	if (stopped == 0) {
		raise(SIGSTOP);
		idle(NULL);
	}
	waitpid(stopped, NULL, WUNTRACED);
	pid_t zombie = fork();
	if (zombie == 0)
		_exit(5);
	siginfo_t info;
	waitid(P_PID, zombie, &info, WEXITED | WNOWAIT);
	pause_here();
}

/* ---- mutations ---- */

static unsigned char *image, *mutant;
static size_t size, mutant_size;
static size_t at[MAX_RECORDS];
static int nr_records;
static uint64_t state;

static uint64_t chance(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dULL >> 16;
}

static uint32_t crc_table[256];

static uint32_t crc32c(uint32_t crc, const unsigned char *p, size_t len)
{
	if (!crc_table[1])
		for (int i = 0; i < 256; i++) {
			crc_table[i] = i;
			for (int bit = 0; bit < 8; bit++)
				crc_table[i] = crc_table[i] >> 1 ^ (crc_table[i] & 1 ? 0x82f63b78 : 0);
		}
	while (len--)
		crc = crc >> 8 ^ crc_table[(crc ^ *p++) & 0xff];
	return crc;
}

static struct ckpt_rec *record_at(unsigned char *from, size_t offset, size_t limit)
{
	struct ckpt_rec *rec = (void *)(from + offset);

	if (offset + sizeof(*rec) > limit || rec->len > limit - offset - sizeof(*rec))
		return NULL;
	return rec;
}

static void index_records(void)
{
	struct ckpt_rec *rec;

	for (size_t offset = 0; nr_records < MAX_RECORDS && (rec = record_at(image, offset, size));
	     offset += sizeof(*rec) + rec->len)
		at[nr_records++] = offset;
}

/* The totals are made right, so that what is wrong is not found by them. */
static void set_trailer(void)
{
	uint32_t crc = ~0U, records = 0;
	uint64_t pages = 0;
	struct ckpt_rec *rec;

	for (size_t offset = 0; (rec = record_at(mutant, offset, mutant_size)); offset += sizeof(*rec) + rec->len) {
		uint64_t counted = rec->len;

		records++;
		if (rec->type == CKPT_REC_TRAILER && rec->len == sizeof(struct ckpt_trailer)) {
			struct ckpt_trailer *t = (void *)(rec + 1);

			*t = (struct ckpt_trailer){ offset + sizeof(*rec) + sizeof(*t), pages, crc, records };
			return;
		}
		if (rec->type == CKPT_REC_PAGES && rec->len >= sizeof(struct ckpt_pages)) {
			uint64_t payload = ((struct ckpt_pages *)(rec + 1))->nr_pages * 4096ULL;

			if (payload <= counted) {
				counted -= payload;
				pages += payload / 4096;
			}
		}
		crc = crc32c(crc, (unsigned char *)rec, sizeof(*rec) + counted);
	}
}

/* Page payload is any memory; what stands before it matters. */
static size_t interesting_bytes(const struct ckpt_rec *rec)
{
	if (rec->type == CKPT_REC_PAGES)
		return rec->len < 64 ? rec->len : 64;
	return rec->len;
}

/* Every type of record with the same chance, for most are mappings. */
static int pick(void)
{
	for (;;) {
		uint32_t type = chance() % MAX_TYPE;
		int nr = 0, nth;

		for (int i = 0; i < nr_records; i++)
			nr += ((struct ckpt_rec *)(image + at[i]))->type == type;
		if (!nr)
			continue;
		nth = chance() % nr;
		for (int i = 0; i < nr_records; i++)
			if (((struct ckpt_rec *)(image + at[i]))->type == type && !nth--)
				return i;
	}
}

static uint64_t odd_value(void)
{
	static const uint64_t values[] = {
		0, 1, 2, 0x7f, 0xff, 0x1000, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffff,
		0x800000000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0xfffffffffffff000,
	};

	return values[chance() % (sizeof(values) / sizeof(values[0]))];
}

static void in_field(struct ckpt_rec *rec)
{
	unsigned char *body = (unsigned char *)(rec + 1);
	size_t len = interesting_bytes(rec);
	uint64_t value = odd_value();

	if (!len)
		return;
	if (chance() % 3 == 0) {
		body[chance() % len] ^= 1 << chance() % 8;
	} else if (len >= 4) {
		size_t width = len >= 8 && chance() % 2 ? 8 : 4, where = chance() % (len / width) * width;

		if (chance() % 3 == 0) {
			/* An objref, or any number, of another place. */
			struct ckpt_rec *other = (void *)(image + at[pick()]);

			if (interesting_bytes(other) >= 8)
				memcpy(&value, (char *)(other + 1) + chance() % (interesting_bytes(other) / 8) * 8, 8);
		}
		memcpy(body + where, &value, width);
	}
}

static void replace(size_t offset, size_t remove, const void *insert, size_t len)
{
	memmove(mutant + offset + len, mutant + offset + remove, mutant_size - offset - remove);
	memcpy(mutant + offset, insert, len);
	mutant_size += len - remove;
}

static const char *mutate(uint32_t *type)
{
	int i = pick(), other = pick();
	struct ckpt_rec *rec;
	size_t whole;

	mutant_size = size;
	memcpy(mutant, image, size);
	rec = (void *)(mutant + at[i]);
	whole = sizeof(*rec) + rec->len;
	*type = rec->type;
	switch (chance() % 16) {
	case 0:
		rec->type = chance() % MAX_TYPE;
		return "another type";
	case 1:
		rec->objref = chance() % 2 ? ((struct ckpt_rec *)(image + at[other]))->objref : odd_value();
		return "another objref";
	case 2:
		rec->len = chance() % 2 ? odd_value() : rec->len + 8 - chance() % 16;
		return "another length";
	case 3:
		replace(at[i], whole, "", 0);
		return "removed";
	case 4:
		replace(at[i], 0, image + at[i], whole);
		return "twice";
	case 5: {
		const struct ckpt_rec *from = (void *)(image + at[other]);

		replace(at[i], 0, from, sizeof(*from) + from->len);
		return "another before it";
	}
	case 6:
		mutant_size = at[i] + chance() % whole;
		return "cut off";
	case 7:
		if (rec->len >= 8) {
			rec->len -= 8;
			replace(at[i] + whole - 8, 8, "", 0);
		}
		return "shorter";
	case 8: {
		uint64_t more = odd_value();

		rec->len += 8;
		replace(at[i] + whole, 0, &more, 8);
		return "longer";
	}
	case 9:
	case 10:
		in_field(rec);
		in_field(rec);
		in_field((void *)(mutant + at[other]));
		return "several fields";
	default:
		in_field(rec);
		return "a field";
	}
}

/* ---- who is there ---- */

static int user_tasks(pid_t *pids)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int n = 0;

	while (proc && (entry = readdir(proc))) {
		char path[64], stat[512], *end;
		int fd, len, ppid;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/stat", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		len = read(fd, stat, sizeof(stat) - 1);
		close(fd);
		stat[len > 0 ? len : 0] = '\0';
		end = strrchr(stat, ')');
		if (!end || sscanf(end + 2, "%*c %d", &ppid) != 1 || ppid == 2)
			continue;
		if (n < MAX_PIDS)
			pids[n++] = atoi(entry->d_name);
	}
	if (proc)
		closedir(proc);
	return n;
}

/* End all who were not there before; false: somebody does not go. */
static bool only(const pid_t *before, int nr_before)
{
	static pid_t now[MAX_PIDS];
	const struct timespec moment = { .tv_nsec = 2000000 };

	for (int tries = 0; tries < 10000; tries++) {
		int n = user_tasks(now), left = 0;

		for (int i = 0; i < n; i++) {
			bool known = now[i] == getpid() || now[i] == 2;

			for (int j = 0; j < nr_before && !known; j++)
				known = before[j] == now[i];
			if (known)
				continue;
			kill(now[i], SIGKILL);
			left++;
		}
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
		if (!left)
			return true;
		nanosleep(&moment, NULL);
	}
	return false;
}

static long kernel_kib(void)
{
	static const char *const counted[] = { "SUnreclaim:", "KernelStack:", "PageTables:", "AnonPages:", "Shmem:", "VmallocUsed:" };
	char line[128];
	long sum = 0;
	FILE *f;

	sync();
	f = fopen("/proc/sys/vm/drop_caches", "we");
	if (f) {
		fputs("3", f);
		fclose(f);
	}
	f = fopen("/proc/meminfo", "re");
	while (f && fgets(line, sizeof(line), f))
		for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
			if (!strncmp(line, counted[i], strlen(counted[i])))
				sum += strtol(line + strlen(counted[i]), NULL, 10);
	if (f)
		fclose(f);
	return sum;
}

static bool save(void)
{
	int fd = open(BAD, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool good = fd >= 0 && write(fd, mutant, mutant_size) == (ssize_t)mutant_size;

	close(fd);
	return good;
}

static bool load(void)
{
	struct stat st;
	int fd = open(IMAGE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	size = st.st_size;
	image = malloc(size);
	mutant = malloc(2 * size + 4096);
	if (!image || !mutant || read(fd, image, size) != (ssize_t)size)
		return false;
	close(fd);
	index_records();
	return nr_records > 20;
}

static void fuzz(int count, uint64_t seed, const pid_t *before, int nr_before)
{
	int refused = 0, restarted = 0, silent = 0;
	char output[8192];
	long kib = 0;

	for (int i = 0; i < count; i++) {
		const char *how;
		uint32_t type;
		int status;

		/* Each by its own number, so that one can be made again. */
		state = (seed + i) * 0x9e3779b97f4a7c15ULL | 1;
		chance();
		how = mutate(&type);
		set_trailer();
		if (!save()) {
			tap_ok(false, "mutant %d can be written", i);
			return;
		}
		status = RUN(output, restart_path, "-i", BAD, "--detach", "--keep");
		if (status == 0) {
			restarted++;
		} else {
			refused++;
			if (!output[0] || status != 1) {
				silent++;
				tap_diag("seed %llu, a record of type %u, %s: exit %d: %s", (unsigned long long)seed + i, type,
					 how, status, output);
			}
		}
		if (!only(before, nr_before)) {
			tap_ok(false, "nobody is left of seed %llu (a record of type %u, %s)", (unsigned long long)seed + i,
			       type, how);
			return;
		}
		/* Once caches and pools have what they need. */
		if (i == count / 4)
			kib = kernel_kib();
	}
	long growth = kernel_kib() - kib;

	/* Some change nothing that matters; if none restarts, something else is in their way. */
	tap_ok(refused && !silent && (restarted || count < 50), "%d mutants from seed %llu on: %d refused in words, %d restarted", count,
	       (unsigned long long)seed, refused, restarted);
	tap_ok(growth < MAX_GROWTH_KIB, "memory of the kernel: %ld KiB more", growth);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : COUNT;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	static pid_t before[MAX_PIDS];
	struct subject s;
	int nr_before;

	need_checkpoint();
	nr_before = user_tasks(before);
	if (!subject_start(&s, "fuzz", has_everything))
		return tap_done();
	if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid)) {
		tap_ok(load(), "an image with %d records", nr_records);
		/* As it is, it restarts. */
		subject_restart(&s, IMAGE, (const char *const[]){ "--keep", NULL });
		if (only(before, nr_before))
			fuzz(count, seed, before, nr_before);
		else
			tap_ok(false, "nobody is left of the image itself");
	}
	subject_end(&s);
	unlink(IMAGE);
	unlink(BAD);
	unlink("/tmp/selftest/fuzz-named");
	unlink("/tmp/selftest/fuzz-event");
	return tap_done();
}
