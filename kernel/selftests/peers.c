// SPDX-License-Identifier: Apache-2.0
/* Mounts of several namespaces that are peers or slaves of each other, wherever they are mounted in each. */
/* covers: Namespaces | mnt: peers and slaves in other namespaces, also of the outside, that are mounted elsewhere there, or hidden by what came later | supported */
/* covers: Namespaces | mnt: copied mounts that are hidden, and peers of others, in a namespace that is not just a copy; peers that show less, or that nobody can reach | refused by name */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-peers.img"
#define OUTSIDE	"/tmp/selftest/seen-outside"

static void need_at(bool good, int line)
{
	if (!good) {
		verify(false, "line %d: %s", line, strerror(errno));
		_exit(1);
	}
}

#define need(good) need_at(good, __LINE__)

static bool make_tmpfs(const char *at)
{
	return mount("mine", at, "tmpfs", MS_NOSUID, "size=1m") == 0;
}

static bool become(const char *at, unsigned long how)
{
	return mount(NULL, at, NULL, how, NULL) == 0;
}

static bool bind(const char *from, const char *at)
{
	return mount(from, at, NULL, MS_BIND, NULL) == 0;
}

static bool move(const char *from, const char *at)
{
	return mount(from, at, NULL, MS_MOVE, NULL) == 0;
}

/* How often something is mounted there. */
static int mounted(const char *at)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096], where[4096];
	int nr = 0;

	while (file && fgets(line, sizeof(line), file))
		nr += sscanf(line, "%*s %*s %*s %*s %4095s", where) == 1 && !strcmp(where, at);
	if (file)
		fclose(file);
	return nr;
}

static void says(int fd)
{
	need(write(fd, "x", 1) == 1);
}

static void hears(int fd)
{
	char c;

	need(read(fd, &c, 1) == 1);
}

/* A tmpfs that is shared, with directories to mount something on. */
static void has_shared(void)
{
	need(private_mounts() && make_tmpfs("/mnt") && mkdir("/mnt/in", 0700) == 0 && mkdir("/mnt/sub", 0700) == 0 &&
	     mkdir("/mnt/sub/in", 0700) == 0 && become("/mnt", MS_SHARED));
}

/* Of two processes in two namespaces: what one has, the other makes of a copy; what one does then, and the other sees. */
struct pair {
	void (*has)(void), (*makes)(void);
	void (*does)(void), (*sees)(void);
	void (*is_left)(void);
};

static void live(const struct pair *p)
{
	int go[2], at[2], status = -1;
	pid_t child;

	need(pipe2(go, 0) == 0 && pipe2(at, 0) == 0);
	p->has();
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		need(unshare(CLONE_NEWNS) == 0);
		p->makes();
		says(at[1]);
		hears(go[0]);
		p->sees();
		_exit(0);
	}
	hears(at[0]);
	pause_here();
	if (p->does)
		p->does();
	says(go[1]);
	verify(waitpid(child, &status, 0) == child && status == 0, "the other comes to its end (%x)", status);
	if (p->is_left)
		p->is_left();
}

/* ---- mounted elsewhere ---- */

static void moves(void)
{
	need(move("/mnt", "/srv"));
}

static void mounts_in(void)
{
	need(make_tmpfs("/mnt/in"));
}

static void sees_in_srv(void)
{
	verify(mounted("/srv/in") == 1, "what is mounted in a peer comes to another place");
	need(umount("/srv/in") == 0);
}

static void in_is_gone(void)
{
	verify(mounted("/mnt/in") == 0, "and the other way round");
}

static void elsewhere(void)
{
	live(&(struct pair){ has_shared, moves, mounts_in, sees_in_srv, in_is_gone });
}

static void shows_part(void)
{
	need(bind("/mnt/sub", "/srv") && umount("/mnt") == 0);
}

static void mounts_in_sub(void)
{
	need(make_tmpfs("/mnt/sub/in") && make_tmpfs("/mnt/in"));
}

static void sees_part(void)
{
	verify(mounted("/srv/in") == 1, "a peer that shows a part sees what is mounted there");
	need(umount("/srv/in") == 0);
}

static void only_sub_is_gone(void)
{
	verify(mounted("/mnt/sub/in") == 0 && mounted("/mnt/in") == 1, "of which it is a peer");
}

static void part(void)
{
	live(&(struct pair){ has_shared, shows_part, mounts_in_sub, sees_part, only_sub_is_gone });
}

static void moves_slave(void)
{
	need(become("/mnt", MS_SLAVE) && move("/mnt", "/srv"));
}

static void slave_sees(void)
{
	verify(mounted("/srv/in") == 1, "a slave sees what is mounted");
	need(umount("/srv/in") == 0 && make_tmpfs("/srv/sub"));
}

static void in_is_there(void)
{
	verify(mounted("/mnt/in") == 1 && mounted("/mnt/sub") == 0, "and is not seen");
}

static void slave(void)
{
	live(&(struct pair){ has_shared, moves_slave, mounts_in, slave_sees, in_is_there });
}

static void moves_slave_and_shares(void)
{
	moves_slave();
	need(become("/srv", MS_SHARED) && bind("/srv/sub", "/opt") && make_tmpfs("/srv/sub/in"));
	need(mounted("/opt/in") == 1 && umount("/opt/in") == 0);
}

static void both_see(void)
{
	verify(mounted("/srv/sub/in") == 1 && mounted("/opt/in") == 1, "a slave hands on to its peers what it sees");
}

static void mounts_in_sub_only(void)
{
	need(make_tmpfs("/mnt/sub/in"));
}

static void shared_slave(void)
{
	live(&(struct pair){ has_shared, moves_slave_and_shares, mounts_in_sub_only, both_see, NULL });
}

/* ---- not all that a copy has is still what it was ---- */

static void shares_all(void)
{
	need(private_mounts() && make_tmpfs("/srv") && mkdir("/srv/in", 0700) == 0 && become("/", MS_REC | MS_SHARED));
}

static void makes_one_private(void)
{
	need(become("/srv", MS_PRIVATE));
}

static void mounts_both(void)
{
	need(make_tmpfs("/srv/in") && make_tmpfs("/mnt"));
}

static void sees_one(void)
{
	verify(mounted("/mnt") == 1 && mounted("/srv/in") == 0, "a copy sees what is mounted, but not in what it has made private");
}

static void one_private(void)
{
	live(&(struct pair){ shares_all, makes_one_private, mounts_both, sees_one, NULL });
}

/* ---- peers of a third one, from which it is not copied ---- */

static void has_private(void)
{
	need(private_mounts() && make_tmpfs("/mnt") && mkdir("/mnt/in", 0700) == 0);
}

static int third_go[2], third_at[2];
static pid_t third;

static void has_more_and_a_peer(void)
{
	static const char *const more[] = { "/srv", "/opt", "/media" };

	need(pipe2(third_go, 0) == 0 && pipe2(third_at, 0) == 0 && become("/mnt", MS_SHARED));
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		need(make_tmpfs(more[i]));
	third = fork();
	if (third == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		need(unshare(CLONE_NEWNS) == 0);
		for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
			need(umount(more[i]) == 0);
		says(third_at[1]);
		hears(third_go[0]);
		verify(mounted("/mnt/in") == 1, "who looks like the first is a peer of the second");
		_exit(0);
	}
	hears(third_at[0]);
}

static void second_mounts(void)
{
	int status = -1;

	need(make_tmpfs("/mnt/in"));
	says(third_go[1]);
	verify(waitpid(third, &status, 0) == third && status == 0, "the third comes to its end (%x)", status);
}

static void first_sees_nothing(void)
{
	verify(mounted("/mnt/in") == 0, "of which the first sees nothing");
}

static void of_third(void)
{
	live(&(struct pair){ has_private, has_more_and_a_peer, NULL, second_mounts, first_sees_nothing });
}

/* ---- hidden ---- */

static void hides_own(void)
{
	need(become("/mnt", MS_PRIVATE) && make_tmpfs("/mnt/sub") && mkdir("/mnt/sub/in", 0700) == 0 &&
	     become("/mnt/sub", MS_SHARED) && bind("/mnt/sub", "/opt") && make_tmpfs("/mnt"));
}

static void sees_hidden(void)
{
	need(make_tmpfs("/opt/in") && mounted("/mnt") == 2);
	verify(mounted("/mnt/sub/in") == 1, "what is hidden is a peer of what is not");
}

static void own_hidden(void)
{
	live(&(struct pair){ has_shared, hides_own, NULL, sees_hidden, NULL });
}

static void hides_shared(void)
{
	has_shared();
	need(make_tmpfs("/mnt"));
}

static void changes_nothing(void)
{
}

static void uncovers(void)
{
	need(mounted("/mnt") == 2 && umount("/mnt") == 0);
}

static void is_uncovered(void)
{
	verify(mounted("/mnt") == 1, "what is hidden in both is shared by both");
}

static void copied_hidden(void)
{
	live(&(struct pair){ hides_shared, changes_nothing, uncovers, is_uncovered, NULL });
}

static void has_one_more(void)
{
	need(make_tmpfs("/srv"));
}

static void hidden_and_more(void)
{
	live(&(struct pair){ hides_shared, has_one_more, NULL, changes_nothing, NULL });
}

/* ---- peers that show less ---- */

static void shows_less(void)
{
	need(bind("/mnt", "/srv") && umount("/mnt") == 0);
}

static void has_part_only(void)
{
	need(private_mounts() && make_tmpfs("/media") && mkdir("/media/sub", 0700) == 0 && bind("/media", "/mnt") &&
	     become("/mnt", MS_SHARED) && bind("/mnt/sub", "/opt"));
}

static void whole_goes(void)
{
	need(umount("/mnt") == 0);
}

static void less_live(void)
{
	int go[2], at[2];
	pid_t child;

	has_part_only();
	need(pipe2(go, 0) == 0 && pipe2(at, 0) == 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		need(unshare(CLONE_NEWNS) == 0);
		shows_less();
		says(at[1]);
		hears(go[0]);
		_exit(0);
	}
	hears(at[0]);
	whole_goes();
	pause_here();
	says(go[1]);
	waitpid(child, NULL, 0);
}

/* ---- the outside ---- */

static void of_outside(void)
{
	mkdir("/srv", 0755);
	need(unshare(CLONE_NEWNS) == 0 && become("/", MS_PRIVATE) && bind(OUTSIDE, "/srv") && bind(OUTSIDE, "/opt") && become("/opt", MS_SLAVE) &&
	     umount(OUTSIDE) == 0);
	pause_here();
	verify(mounted("/srv/in") == 1 && mounted("/opt/in") == 1, "a peer and a slave see what is mounted outside");
	need(umount("/opt/in") == 0 && umount("/srv/in") == 0);
}

static void outside(void)
{
	struct subject s;

	mkdir(OUTSIDE, 0700);
	if (!make_tmpfs(OUTSIDE) || mkdir(OUTSIDE "/in", 0700) < 0 || !become(OUTSIDE, MS_SHARED)) {
		tap_ok(false, "outside: %s", strerror(errno));
		return;
	}
	if (subject_start(&s, "outside", of_outside)) {
		bool good = subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid) &&
			    subject_restart(&s, IMAGE, NULL);

		tap_ok(good && make_tmpfs(OUTSIDE "/in"), "outside: something is mounted");
		if (good)
			subject_finish(&s);
		else
			subject_end(&s);
		tap_ok(mounted(OUTSIDE "/in") == 0, "outside: and unmounted by a peer");
	}
	unlink(IMAGE);
	umount2(OUTSIDE, MNT_DETACH);
	rmdir(OUTSIDE);
}

int main(void)
{
	need_checkpoint();
	subject_round("elsewhere", elsewhere);
	subject_round("part", part);
	subject_round("slave", slave);
	subject_round("shared slave", shared_slave);
	subject_round("one private", one_private);
	subject_round("of a third", of_third);
	subject_round("hidden", own_hidden);
	subject_round("hidden in a copy", copied_hidden);
	outside();
	subject_refused("hidden, in more than a copy", hidden_and_more, "is a peer of what is hidden");
	subject_refused("less", less_live, "is a peer of what is hidden, or shows less, in another mount namespace");
	return tap_done();
}
