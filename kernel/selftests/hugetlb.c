// SPDX-License-Identifier: Apache-2.0
/* Memory in huge pages of a fixed size: anonymous, of memfds, of files of hugetlbfs. */
/* covers: Memory | huge pages (MAP_HUGETLB, MFD_HUGETLB, files of hugetlbfs): private, shared, sealed | supported */
/* covers: Memory | huge pages in live and incremental images, merged chains, and lazy restarts | supported */
/* covers: Namespaces | mnt: a hugetlbfs of one's own in which there is nothing, with its size and page size | supported */
/* covers: Namespaces | mnt: a hugetlbfs of one's own with files in it, or open without a name, or with another owner than at first | refused by name */
/* covers: Memory | System V shared memory in huge pages (SHM_HUGETLB), attached and removed | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define HUGE		(2UL << 20)
#define POOL		"16"
#define DIR_HUGE	"/tmp/selftest-huge"
#define NAME		DIR_HUGE "/file"

static char *map(size_t pages, int flags, int fd)
{
	char *p = mmap(NULL, pages * HUGE, PROT_READ | PROT_WRITE, flags | (fd < 0 ? MAP_ANONYMOUS | MAP_HUGETLB : 0), fd, 0);

	if (p == MAP_FAILED)
		_exit(90);
	return p;
}

/* Is it in huge pages? And how many KiB of it are there? */
static bool is_huge(const char *at, long *present)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	unsigned long start, value;
	bool here = false, huge = false;
	char line[512];

	*present = 0;
	while (maps && fgets(line, sizeof(line), maps)) {
		if (line[strspn(line, "0123456789abcdef")] == '-' && sscanf(line, "%lx-", &start) == 1)
			here = start == (unsigned long)at;
		if (here && sscanf(line, "KernelPageSize: %lu", &value) == 1)
			huge = value == HUGE / 1024;
		if (here && (sscanf(line, "Private_Hugetlb: %lu", &value) == 1 || sscanf(line, "Shared_Hugetlb: %lu", &value) == 1))
			*present += value;
	}
	if (maps)
		fclose(maps);
	return huge;
}

static void private_pages(void)
{
	char *p = map(4, MAP_PRIVATE, -1);
	long present = 0;
	pid_t child;
	int status;
	bool huge;

	strcpy(p, "first");
	strcpy(p + HUGE - 16, "end of first");
	memset(p + 2 * HUGE, 'z', 4096);
	memset(p + 2 * HUGE, 0, 4096);
	child = fork();
	if (child == 0) {
		strcpy(p, "the child's");
		wait_for_go();
		_exit(strcmp(p, "the child's") || strcmp(p + HUGE - 16, "end of first"));
	}
	usleep(100000);
	pause_here();
	huge = is_huge(p, &present);
	verify(huge && present == 2 * (long)HUGE / 1024, "in huge pages, two of them there: %ld KiB", present);
	verify(!strcmp(p, "first") && !strcmp(p + HUGE - 16, "end of first") && !p[2 * HUGE], "what was written");
	verify(waitpid(child, &status, 0) == child && status == 0, "the child has its own");
	strcpy(p + 3 * HUGE, "more");
	verify(!p[HUGE] && !strcmp(p + 3 * HUGE, "more"), "the others are empty, and can be used");
}

static void shared_pages(void)
{
	char *p = map(3, MAP_SHARED, -1);
	pid_t child;
	int status;

	strcpy(p + HUGE, "shared");
	child = fork();
	if (child == 0) {
		while (p[0] != 'g')
			usleep(1000);
		strcpy(p + HUGE + 100, "answer");
		_exit(strcmp(p + HUGE, "shared"));
	}
	pause_here();
	verify(!strcmp(p + HUGE, "shared"), "what was written");
	p[0] = 'g';
	verify(waitpid(child, &status, 0) == child && status == 0, "the child sees it");
	verify(!strcmp(p + HUGE + 100, "answer"), "and we what it writes");
}

static void memfd(void)
{
	int fd = memfd_create("large", MFD_HUGETLB | MFD_ALLOW_SEALING), sealed = memfd_create("sealed", MFD_HUGETLB | MFD_ALLOW_SEALING);
	char *shared, *own, *late, byte, path[64], link[128];
	struct stat st;
	long present;
	ssize_t n;

	if (fd < 0 || sealed < 0 || ftruncate(fd, 2 * HUGE) < 0 || ftruncate(sealed, HUGE) < 0)
		_exit(91);
	shared = map(2, MAP_SHARED, fd);
	strcpy(shared + HUGE, "in the file");
	strcpy(shared, "too");
	own = map(2, MAP_PRIVATE, fd);
	strcpy(own + HUGE, "copied");
	late = map(1, MAP_SHARED, sealed);
	strcpy(late, "sealed");
	munmap(late, HUGE);
	if (fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW) < 0)
		_exit(92);
	fchmod(fd, 0640);
	lseek(fd, 12345, SEEK_SET);
	pause_here();
	fstat(fd, &st);
	verify(st.st_size == 2 * (long)HUGE && (st.st_mode & 0777) == 0640 && st.st_blksize == (long)HUGE, "size, mode, size of pages");
	verify(lseek(fd, 0, SEEK_CUR) == 12345, "position");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	verify(!strcmp(link, "/memfd:large (deleted)"), "name: %s", link);
	verify(is_huge(shared, &present) && !strcmp(shared + HUGE, "in the file"), "what is in it");
	verify(!strcmp(own + HUGE, "copied"), "and what only this process has");
	strcpy(shared, "changed");
	verify(!strcmp(own, "changed"), "what it has not written to is the file's");
	verify(pread(fd, &byte, 1, HUGE) == 1 && byte == 'i', "read(2)");
	verify(fcntl(sealed, F_GET_SEALS) == (F_SEAL_WRITE | F_SEAL_GROW) && pread(sealed, &byte, 1, 0) == 1 && byte == 's', "sealed");
}

static void named(void)
{
	int fd = open(NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char *p, *q;

	if (fd < 0)
		_exit(93);
	p = map(1, MAP_SHARED, fd);
	q = map(1, MAP_PRIVATE, fd);
	strcpy(p, "by name");
	strcpy(q + 4096, "own");
	pause_here();
	verify(!strcmp(p, "by name") && !strcmp(q + 4096, "own"), "what is in it");
	strcpy(p + 8192, "new");
	close(fd);
	fd = open(NAME, O_RDWR | O_CLOEXEC);
	verify(fd >= 0 && !strcmp(map(1, MAP_SHARED, fd) + 8192, "new"), "it is that file");
}

#define STEP_DONE	"/tmp/selftest/step"

static volatile sig_atomic_t wanted;

static void on_usr2(int sig)
{
	(void)sig;
	wanted++;
}

/* Writes to its own huge pages and to shared ones, a step when it is told to. */
static void steps(void)
{
	char *own = map(2, MAP_PRIVATE, -1), *shared = map(2, MAP_SHARED, -1), text[32];
	int done = 0;

	signal(SIGUSR2, on_usr2);
	strcpy(own, "step 0");
	strcpy(shared + HUGE, "step 0");
	ready();
	while (!exists("/tmp/selftest/go")) {
		if (wanted > done) {
			snprintf(text, sizeof(text), "step %d", ++done);
			strcpy(own, text);
			strcpy(own + HUGE, text);
			strcpy(shared + HUGE, text);
			close(open(STEP_DONE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		}
		usleep(1000);
	}
	snprintf(text, sizeof(text), "step %d", done);
	verify(!strcmp(own, text) && !strcmp(shared + HUGE, text), "%s: '%s' and '%s'", text, own, shared + HUGE);
	verify(!shared[0] && !strcmp(own + HUGE, done ? text : ""), "%s: and nothing else", text);
}

static void restarts(struct subject *s, const char *image, const char *how, const char *const *more)
{
	if (wait_gone(s->pid) && subject_restart(s, image, more)) {
		tap_diag("%s", how);
		subject_finish(s);
	}
}

static void other_ways(void)
{
	const char *first = "/ckpt/selftest-hugetlb.0.img", *second = "/ckpt/selftest-hugetlb.1.img",
		   *merged = "/ckpt/selftest-hugetlb.merged.img";
	char output[4096], range[128];
	struct subject s;

	unlink(STEP_DONE);
	if (!subject_start(&s, "other ways", steps))
		return;
	if (subject_checkpoint(&s, first, (const char *const[]){ "--live", NULL })) {
		kill(s.pid, SIGUSR2);
		for (int i = 0; i < 10000 && !exists(STEP_DONE); i++)
			usleep(5000);
		tap_ok(exists(STEP_DONE), "it goes on after a live checkpoint");
		if (subject_checkpoint(&s, second, (const char *const[]){ "--parent", first, "--kill", NULL })) {
			restarts(&s, second, "an increment, lazily", (const char *const[]){ "--lazy", NULL });
			restarts(&s, first, "a live image", NULL);
			snprintf(range, sizeof(range), "%s..%s", first, second);
			tap_ok(RUN(output, ckptinfo_path, "--merge", range, "-o", merged) == 0, "the chain is merged %s", output);
			restarts(&s, merged, "the merged image", NULL);
		}
	}
	unlink(STEP_DONE);
	unlink(first);
	unlink(second);
	unlink(merged);
}

static void sysv(void)
{
	/* Less than the two pages that it takes. */
	int id = shmget(IPC_PRIVATE, HUGE + 4096, IPC_CREAT | SHM_HUGETLB | 0600), status;
	char *p = id < 0 ? (char *)-1 : shmat(id, NULL, 0), *again;
	struct shmid_ds ds;
	long present = 0;
	pid_t child;
	bool huge;

	if (p == (char *)-1)
		_exit(94);
	shmctl(id, IPC_RMID, NULL);
	strcpy(p, "first");
	strcpy(p + HUGE, "second");
	child = fork();
	if (child == 0) {
		while (p[100] != 'g')
			usleep(1000);
		strcpy(p + HUGE + 100, "answer");
		_exit(strcmp(p + HUGE, "second"));
	}
	pause_here();
	huge = is_huge(p, &present);
	verify(huge, "in huge pages: %ld KiB", present);
	verify(!strcmp(p, "first") && !strcmp(p + HUGE, "second"), "what was written");
	verify(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_segsz == HUGE + 4096 && ds.shm_nattch == 2 &&
	       ds.shm_perm.mode & SHM_DEST, "its size, who has it attached, and that it is removed");
	again = shmat(id, NULL, SHM_RDONLY);
	verify(again != (char *)-1 && !strcmp(again, "first"), "it can be attached once more");
	shmdt(again);
	p[100] = 'g';
	verify(waitpid(child, &status, 0) == child && status == 0 && !strcmp(p + HUGE + 100, "answer"),
	       "a child that has it, too, answers there");
	verify(shmdt(p) == 0 && shmctl(id, IPC_STAT, &ds) < 0, "with the last who has it it goes");
}

static void kept_segment(void)
{
	key_t key = 0x48554745;
	int id = shmget(key, HUGE, IPC_CREAT | SHM_HUGETLB | 0600);
	char *p = id < 0 ? (char *)-1 : shmat(id, NULL, 0);

	if (p == (char *)-1)
		_exit(94);
	strcpy(p, "kept");
	pause_here();
	verify(!strcmp(p, "kept"), "what was written");
	verify(shmget(key, HUGE, SHM_HUGETLB) == id, "it has its key and id");
	shmdt(p);
	shmctl(id, IPC_RMID, NULL);
}

/* ---- one of the tree's own ---- */

#define OWN		"/mnt"

static bool mount_own(const char *options)
{
	return private_mounts() && mount("mine", OWN, "hugetlbfs", MS_NOSUID | MS_NOEXEC, options) == 0;
}

/* What is said of it in mountinfo, without numbers. */
static char *line_of(char line[512])
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	bool found = false;

	while (!found && file && fgets(line, 512, file))
		found = strstr(line, " " OWN " ");
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return found ? strstr(line, " / ") : strcpy(line, "nothing");
}

static void own_empty(void)
{
	char before[512], after[512], *was, *is, *p;
	struct stat old, new, open_one;
	int dir, fd;

	if (!mount_own("pagesize=2M,size=8M,min_size=2M,nr_inodes=5,mode=750,gid=7"))
		_exit(91);
	dir = open(OWN, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || stat(OWN, &old) < 0 || chdir(OWN) < 0)
		_exit(92);
	was = line_of(before);
	pause_here();
	is = line_of(after);
	verify(!strcmp(was, is), "with its options: %s", is);
	verify(stat(OWN, &new) == 0 && new.st_mode == old.st_mode && new.st_gid == 7 && new.st_uid == old.st_uid, "its root is whose it was");
	verify(fstat(dir, &open_one) == 0 && open_one.st_dev == new.st_dev && open_one.st_ino == new.st_ino, "which is open");
	fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	p = fd < 0 ? MAP_FAILED : mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	verify(p != MAP_FAILED && !strcmp(strcpy(p, "new"), "new") && stat(OWN "/file", &new) == 0, "and the working directory: a new file can be mapped");
	verify(ftruncate(fd, 5 * HUGE) == 0 && mmap(NULL, 5 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED,
	       "five pages are more than it may have");
}

static void own_with_file(void)
{
	if (!mount_own(NULL) || open(OWN "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600) < 0)
		_exit(91);
	pause_here();
}

static void own_with_removed(void)
{
	if (!mount_own(NULL) || open(OWN "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600) < 0 || unlink(OWN "/file") < 0)
		_exit(91);
	pause_here();
}

static void own_changed(void)
{
	if (!mount_own(NULL) || chown(OWN, 3, 0) < 0)
		_exit(91);
	pause_here();
}

static void own_of_user(void)
{
	int go[2];
	char c;
	pid_t child;

	if (pipe2(go, O_CLOEXEC) < 0 || !mount_own(NULL))
		_exit(91);
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			_exit(92);
		_exit(write(go[1], "x", 1) == 1 && pause());
	}
	if (read(go[0], &c, 1) != 1 || umount2(OWN, MNT_DETACH) < 0)
		_exit(93);
	pause_here();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void of_ones_own(void)
{
	subject_round("a mount of one's own", own_empty);
	subject_refused("with a file", own_with_file, "a hugetlbfs that has files in it");
	subject_refused("with one without a name", own_with_removed, "a hugetlbfs that has files in it");
	subject_refused("given away", own_changed, "has another owner or mode than it was mounted with");
	subject_refused("in a user namespace", own_of_user, "a hugetlbfs that is in a user namespace");
}

int main(void)
{
	char pool[64];

	need_checkpoint();
	if (!put_text("/proc/sys/vm/nr_hugepages", POOL) ||
	    atoi(content("/proc/sys/vm/nr_hugepages", pool, sizeof(pool))) < atoi(POOL))
		tap_skip_all("no huge pages");
	mkdir(DIR_HUGE, 0700);
	if (mount("none", DIR_HUGE, "hugetlbfs", 0, NULL) < 0)
		tap_skip_all("no hugetlbfs");
	subject_round("private", private_pages);
	subject_round("shared", shared_pages);
	subject_round("memfd", memfd);
	subject_round("named", named);
	other_ways();
	subject_round("SHM_HUGETLB", sysv);
	subject_round("SHM_HUGETLB, not removed", kept_segment);
	of_ones_own();
	unlink(NAME);
	umount2(DIR_HUGE, MNT_DETACH);
	rmdir(DIR_HUGE);
	put_text("/proc/sys/vm/nr_hugepages", "0");
	return tap_done();
}
