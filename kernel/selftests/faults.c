// SPDX-License-Identifier: Apache-2.0
/*
 * Memory that cannot be had, one allocation after the other, and an output
 * that takes no more: an error, the target goes on as if nothing had been,
 * nobody and nothing is left. The first needs a kernel with fault injection.
 *
 *	faults [all]	every allocation, not a growing stride of them
 */
/* covers: Robustness | out of memory during checkpoint and restart | supported: an error, nothing is left */
/* covers: Robustness | image that cannot be written | supported: an error, the tree goes on */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/checkpoint.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "everything.h"
#include "leaks.h"
#include "subject.h"
#include "tap.h"

#define IMAGE		"/ckpt/selftest-faults.img"
#define RELINK_DIR	"/tmp/selftest/faults-relink"
#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug"
#define MAX_NTH		100000
/* So many in a row that came to no failure: there is no allocation left to fail. */
#define ENOUGH		10
#define RANDOM_RUNS	60

static bool every_one;
static pid_t before[MAX_PIDS];
static int nr_before;

static int next_nth(int n)
{
	return n + 1 + (every_one ? 0 : n / 16);
}

static bool set_fail_nth(int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n);
	return put_text(FAIL_NTH, text);
}

/* Has the failure not come to pass? */
static bool fail_nth_left(void)
{
	char text[16] = "";
	int fd = open(FAIL_NTH, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof(text) - 1);

	close(fd);
	return len > 0 && atoi(text) > 0;
}

/* Allocations that may sleep are to fail, too, and in few words. */
static bool prepare_injection(void)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc" };
	static const char *const settings[][2] = {
		{ "ignore-gfp-wait", "N" }, { "verbose", "0" }, { "interval", "1" }, { "times", "-1" },
		{ "task-filter", "Y" }, { "probability", "0" },
	};
	char path[128];

	if (!exists("/proc/self/fail-nth"))
		return false;
	mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < sizeof(settings) / sizeof(settings[0]); j++) {
			snprintf(path, sizeof(path), DEBUGFS "/%s/%s", kinds[i], settings[j][0]);
			if (!put_text(path, settings[j][1]))
				return false;
		}
	/* Of pages all orders; some kinds have no such setting. */
	put_text(DEBUGFS "/fail_page_alloc/min-order", "0");
	return true;
}

static void set_probability(const char *percent)
{
	put_text(DEBUGFS "/failslab/probability", percent);
	put_text(DEBUGFS "/fail_page_alloc/probability", percent);
}

/* ---- the target ---- */

static bool beats_on(void)
{
	const struct timespec moment = { .tv_nsec = 2000000 };
	int fd = open(EVERYTHING_BEAT, O_RDONLY | O_CLOEXEC);
	uint64_t first = 0, now = 0;
	bool good = pread(fd, &first, sizeof(first), 0) == sizeof(first);

	for (int tries = 0; good && now <= first && tries < 60000; tries++) {
		nanosleep(&moment, NULL);
		good = pread(fd, &now, sizeof(now), 0) == sizeof(now);
	}
	close(fd);
	return good && now > first;
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static int relink_dir = -1;

static long checkpoint_to(pid_t pid, int image_fd, uint64_t flags)
{
	struct checkpoint_args args = {
		.flags = flags, .pid = pid, .image_fd = image_fd, .log_fd = -1,
		.relink_fds = (uintptr_t)&relink_dir, .nr_relink_fds = 1,
	};

	return syscall(__NR_checkpoint_x86_64, &args, sizeof(args));
}

/* What must be so after a checkpoint that came to nothing. */
static bool unharmed(int descriptors)
{
	return beats_on() && count_entries(RELINK_DIR) == 2 && count_entries("/proc/self/fd") == descriptors;
}

/* ---- memory ---- */

static void checkpoint_without_memory(pid_t pid, const char *how, uint64_t flags)
{
	int failed = 0, survived = 0, n, fd, descriptors;
	long ret = -1;
	bool left = false, good = true;

	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	/* Once without, so that the first finds nothing that later ones do not. */
	checkpoint_to(pid, fd, flags | CHECKPOINT_UNLINKED_COPY);
	descriptors = count_entries("/proc/self/fd");
	for (n = 1; n < MAX_NTH && !left && good; n = next_nth(n)) {
		int error;

		if (!set_fail_nth(n))
			break;
		ret = checkpoint_to(pid, fd, flags);
		error = errno;
		left = fail_nth_left();
		set_fail_nth(0);
		if (left)
			break;
		if (ret == 0) {
			survived++;
			/* What it named stays named: that is what was asked for. */
			for (DIR *dir = opendir(RELINK_DIR); dir; closedir(dir), dir = NULL)
				for (struct dirent *entry; (entry = readdir(dir)); )
					unlinkat(dirfd(dir), entry->d_name, 0);
		} else {
			failed++;
			if (error != ENOMEM)
				tap_diag("%s, allocation %d: %s", how, n, strerror(error));
		}
		good = unharmed(descriptors);
	}
	close(fd);
	tap_ok(good && left && ret == 0 && failed, "checkpoint%s: each of %d allocations (%d refused, %d done without)", how, n, failed,
	       survived);
}

/* It writes @value to @file before it becomes restart(1). */
static int restart_with(const char *file, const char *value)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		int null = open("/dev/null", O_RDWR);

		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		if (put_text(file, value))
			execl(restart_path, restart_path, "-i", IMAGE, "--detach", "--keep", NULL);
		_exit(127);
	}
	waitpid(child, &status, 0);
	return status;
}

static void restart_without_memory(void)
{
	int failed = 0, in_a_row = 0, n;
	char value[16];
	bool good = true;

	for (n = 1; n < MAX_NTH && in_a_row < ENOUGH && good; n = next_nth(n)) {
		snprintf(value, sizeof(value), "%d", n);
		if (restart_with("/proc/self/fail-nth", value) == 0) {
			in_a_row++;
		} else {
			failed++;
			in_a_row = 0;
		}
		good = only(before, nr_before);
	}
	tap_ok(good && failed && in_a_row == ENOUGH, "restart: each of %d allocations of who leads it (%d failed)", n, failed);
}

/* All the tasks of the new tree allocate, too. */
static void restart_with_bad_luck(void)
{
	int failed = 0, restarted = 0;
	bool good = true;

	for (int i = 0; i < RANDOM_RUNS && good; i++) {
		set_probability(i % 3 ? "1" : "5");
		if (restart_with("/proc/self/make-it-fail", "1") == 0)
			restarted++;
		else
			failed++;
		set_probability("0");
		good = only(before, nr_before);
	}
	tap_ok(good && failed, "restart: any allocation of any task (%d failed, %d restarted)", failed, restarted);
}

/* ---- output ---- */

static long checkpoint_into_pipe(pid_t pid, size_t room, int *error)
{
	int ends[2];
	pid_t reader;
	long ret;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return 0;
	reader = fork();
	if (reader == 0) {
		char buffer[4096];
		ssize_t got;

		close(ends[1]);
		while (room && (got = read(ends[0], buffer, room < sizeof(buffer) ? room : sizeof(buffer))) > 0)
			room -= got;
		_exit(0);
	}
	close(ends[0]);
	ret = checkpoint_to(pid, ends[1], 0);
	*error = errno;
	close(ends[1]);
	waitpid(reader, NULL, 0);
	return ret;
}

static void checkpoint_without_reader(pid_t pid, size_t size)
{
	int descriptors = count_entries("/proc/self/fd"), refused = 0, runs = 0;
	bool good = true;

	/* A pipe takes 64 KiB more than is read. */
	for (size_t room = 0; room + 65536 < size && good; room += size / 24 + 1, runs++) {
		int error;

		refused += checkpoint_into_pipe(pid, room, &error) < 0 && error == EPIPE;
		good = unharmed(descriptors);
	}
	tap_ok(good && runs && refused == runs, "a reader that goes away after 0 to %zu bytes: %d of %d refused", size, refused, runs);
}

static void checkpoint_beyond_limit(pid_t pid, size_t size)
{
	struct rlimit old, limit;
	int descriptors, refused = 0, runs = 0;
	bool good = true;
	int fd = open("/tmp/selftest/faults-limited", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	descriptors = count_entries("/proc/self/fd");
	getrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_IGN);
	for (size_t room = 1; room < size && good; room += size / 24 + 1, runs++) {
		limit = (struct rlimit){ room, old.rlim_max };
		if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 || setrlimit(RLIMIT_FSIZE, &limit) < 0)
			break;
		refused += checkpoint_to(pid, fd, 0) < 0 && errno == EFBIG;
		setrlimit(RLIMIT_FSIZE, &old);
		good = unharmed(descriptors);
	}
	close(fd);
	unlink("/tmp/selftest/faults-limited");
	tap_ok(good && runs && refused == runs, "a file that may not grow beyond 1 to %zu bytes: %d of %d refused", size, refused, runs);
}

static void memory_faults(struct subject *s)
{
	checkpoint_without_memory(s->pid, "", 0);
	checkpoint_without_memory(s->pid, " --live", CHECKPOINT_LIVE);
	checkpoint_without_memory(s->pid, " --unlinked=copy", CHECKPOINT_UNLINKED_COPY | CHECKPOINT_NOTRACK);
}

int main(int argc, char **argv)
{
	struct stat image = { };
	struct subject s;
	bool injection;

	every_one = argc > 1 && !strcmp(argv[1], "all");
	need_checkpoint();
	injection = prepare_injection();
	nr_before = user_tasks(before);
	if (!subject_start(&s, "faults", everything))
		return tap_done();
	mkdir(RELINK_DIR, 0700);
	relink_dir = open(RELINK_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (injection)
		memory_faults(&s);
	if (!subject_checkpoint(&s, IMAGE, NULL) || stat(IMAGE, &image) < 0)
		return tap_done();
	unlink(IMAGE);
	checkpoint_without_reader(s.pid, image.st_size);
	checkpoint_beyond_limit(s.pid, image.st_size);
	if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid)) {
		tap_ok(only(before, nr_before), "nobody is left of the killed tree");
		if (injection) {
			restart_without_memory();
			restart_with_bad_luck();
		}
		/* After all that the image is what it was. */
		if (subject_restart(&s, IMAGE, NULL))
			subject_finish(&s);
	}
	if (!injection)
		printf("ok %d - allocations that fail # SKIP this kernel has no fault injection; the debug variant has\n",
		       ++tap_tests);
	subject_end(&s);
	rmdir(RELINK_DIR);
	everything_clean_up();
	unlink(IMAGE);
	return tap_done();
}
