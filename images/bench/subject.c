// SPDX-License-Identifier: Apache-2.0
/*
 * A process to be measured on. It fills what it is told to, makes the file
 * --ready, and sleeps. A signal asks it to do something, after which it makes
 * the file again:
 *	SIGUSR1	rewrite --dirty percent of its pages, evenly spread
 *	SIGUSR2	verify all pages; the file says "ok" or what is wrong
 * With --rate it rewrites so many pages a second all the time, one after the other.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096
#define WORDS	(PAGE / sizeof(unsigned long))

static unsigned long (*pages)[WORDS];
static long nr_pages, percent_dirty, rate;
/* How often SIGUSR1 has come, and how many pages the rate has rewritten. */
static long nr_rewrites, nr_written;
static const char *ready;

static long nr_chosen(void)
{
	return nr_pages * percent_dirty / 100;
}

/* The @nth page that SIGUSR1 rewrites. */
static long chosen(long n)
{
	return n * nr_pages / nr_chosen();
}

static bool is_chosen(long i)
{
	long n = (i * nr_chosen() + nr_pages - 1) / nr_pages;

	return n < nr_chosen() && chosen(n) == i;
}

/*
 * What stands in a page. It follows from two numbers: a note for each page would
 * be memory that is rewritten, too, and would be counted.
 */
static unsigned long word_of(long i)
{
	long by_signal = is_chosen(i) ? nr_rewrites : 0;
	long by_rate = (nr_written + nr_pages - 1 - i) / nr_pages;

	return i << 8 | ((by_signal + by_rate) & 0xff);
}

static void fill(long i)
{
	unsigned long word = word_of(i);

	for (unsigned int w = 0; w < WORDS; w++)
		pages[i][w] = word ^ (w * 0x9e3779b97f4a7c15ul);
}

static long count_wrong(void)
{
	long wrong = 0;

	for (long i = 0; i < nr_pages; i++) {
		unsigned long word = word_of(i);

		for (unsigned int w = 0; w < WORDS; w++)
			if (pages[i][w] != (word ^ (w * 0x9e3779b97f4a7c15ul))) {
				wrong++;
				break;
			}
	}
	return wrong;
}

static void rewrite_some(void)
{
	nr_rewrites++;
	for (long n = 0; n < nr_chosen(); n++)
		fill(chosen(n));
}

/* Made whole under another name, so that who sees it can read it. */
static void say(const char *text)
{
	char part[4096];
	int fd;

	snprintf(part, sizeof(part), "%s.part", ready);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0 || rename(part, ready) < 0)
		_exit(1);
}

static void children(long nr)
{
	for (long i = 0; i < nr; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("subject: fork");
			exit(1);
		}
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
}

/* A file of this many bytes, open and without a name. */
static void unlinked_file(const char *dir, long bytes)
{
	static char block[1 << 16];
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/bench.%d", dir, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	memset(block, 'b', sizeof(block));
	for (long left = bytes; fd >= 0 && left > 0;) {
		ssize_t n = write(fd, block, left < (long)sizeof(block) ? (size_t)left : sizeof(block));

		if (n <= 0)
			fd = -1;
		left -= n;
	}
	if (fd < 0 || fsync(fd) < 0 || unlink(path) < 0) {
		fprintf(stderr, "subject: %s: %s\n", path, strerror(errno));
		exit(1);
	}
}

#define BEATS	50	/* a second */

/* The next signal; until it comes, pages are rewritten at the rate. */
static int wait_for_word(const sigset_t *set)
{
	static const struct timespec beat = { .tv_nsec = 1000000000 / BEATS };
	int sig;

	if (!rate) {
		sigwait(set, &sig);
		return sig;
	}
	while ((sig = sigtimedwait(set, NULL, &beat)) < 0) {
		for (long n = 0; n < rate / BEATS; n++)
			fill(nr_written++ % nr_pages);
	}
	return sig;
}

int main(int argc, char **argv)
{
	enum { MIB = 1, DIRTY, RATE, CHILDREN, FILE_BYTES, FILE_DIR, THP, READY };
	static const struct option options[] = {
		{ "mib", required_argument, NULL, MIB },
		{ "dirty", required_argument, NULL, DIRTY },
		{ "rate", required_argument, NULL, RATE },
		{ "children", required_argument, NULL, CHILDREN },
		{ "file-bytes", required_argument, NULL, FILE_BYTES },
		{ "file-dir", required_argument, NULL, FILE_DIR },
		{ "thp", no_argument, NULL, THP },
		{ "ready", required_argument, NULL, READY },
		{ }
	};
	long mib = 0, nr_children = 0, file_bytes = -1;
	const char *file_dir = "/data";
	bool thp = false;
	sigset_t set;
	int c, sig;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case MIB: mib = atol(optarg); break;
		case DIRTY: percent_dirty = atol(optarg); break;
		case RATE: rate = atol(optarg); break;
		case CHILDREN: nr_children = atol(optarg); break;
		case FILE_BYTES: file_bytes = atol(optarg); break;
		case FILE_DIR: file_dir = optarg; break;
		case THP: thp = true; break;
		case READY: ready = optarg; break;
		default: return 2;
		}
	if (!ready) {
		fprintf(stderr, "subject: give --ready FILE\n");
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	nr_pages = mib << 8;
	if (mib) {
		pages = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (pages == MAP_FAILED) {
			perror("subject: memory");
			return 1;
		}
		madvise(pages, mib << 20, thp ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		for (long i = 0; i < nr_pages; i++)
			fill(i);
	}
	if (file_bytes >= 0)
		unlinked_file(file_dir, file_bytes);
	children(nr_children);
	say("ready");
	for (;;) {
		sig = wait_for_word(&set);
		if (sig == SIGUSR1) {
			rewrite_some();
			say("rewritten");
		} else {
			long wrong = count_wrong();
			char text[64];

			snprintf(text, sizeof(text), wrong ? "%ld of %ld pages wrong" : "ok", wrong, nr_pages);
			say(text);
		}
	}
}
