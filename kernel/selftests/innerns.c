// SPDX-License-Identifier: Apache-2.0
/* Processes of a tree that have made namespaces for themselves. */
/* covers: Namespaces | uts: several in a tree, of processes and threads | supported */
/* covers: Namespaces | ipc: several in a tree, also of its user namespace, with all that is in them | supported */
/* covers: Namespaces | uts, ipc: one of a part of the tree that processes outside live in, too, or that is held by a file | refused by name */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/checkpoint.h>

#include "mutate.h"
#include "subject.h"
#include "tap.h"

#define PID	"/tmp/selftest/pid"

static volatile pid_t tid;
static volatile int go_on;

static void name_of(pid_t pid, pid_t thread, char room[64])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/ns/uts", pid, thread);
	n = readlink(path, room, 63);
	room[n > 0 ? n : 0] = '\0';
}

static bool together(pid_t a, pid_t b)
{
	char one[64], other[64];

	name_of(a, a, one);
	name_of(b, b, other);
	return *one && !strcmp(one, other);
}

static bool is_called(const char *name)
{
	char host[65] = "", domain[65] = "", expected[65];

	gethostname(host, sizeof(host));
	getdomainname(domain, sizeof(domain));
	snprintf(expected, sizeof(expected), "%s.domain", name);
	return !strcmp(host, name) && !strcmp(domain, expected);
}

static void call(const char *name)
{
	char domain[65];

	snprintf(domain, sizeof(domain), "%s.domain", name);
	if (unshare(CLONE_NEWUTS) < 0 || sethostname(name, strlen(name)) < 0 || setdomainname(domain, strlen(domain)) < 0)
		_exit(80);
}

static void *thread_main(void *unused)
{
	call("thread");
	tid = syscall(SYS_gettid);
	while (!go_on)
		usleep(1000);
	verify(is_called("thread"), "a thread is in a namespace of its own");
	return unused;
}

/* It ends with its parent, so that nobody is left. */
static pid_t bound_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static pid_t lives_in(const char *name, int *to)
{
	pid_t pid = bound_fork();
	char c;

	if (pid > 0)
		return pid;
	call(name);
	if (read(to[0], &c, 1) != 1)
		_exit(81);
	verify(is_called(name), "a process is in %s", name);
	verify(sethostname("changed", 7) == 0, "and may change the name");
	_exit(0);
}

static void body(void)
{
	char before[65], after[65];
	pthread_t thread;
	int to[2];
	pid_t child, other;

	if (pipe(to) < 0)
		_exit(82);
	gethostname(before, sizeof(before));
	child = lives_in("inner", to);
	other = lives_in("other", to);
	pthread_create(&thread, NULL, thread_main, NULL);
	while (!tid || together(child, getpid()) || together(other, getpid()))
		usleep(1000);
	usleep(50000);
	pause_here();
	gethostname(after, sizeof(after));
	verify(!strcmp(before, after), "the root is where it was: %s, before %s", after, before);
	verify(!together(child, getpid()) && !together(other, getpid()) && !together(child, other), "three namespaces");
	if (write(to[1], "xx", 2) != 2)
		_exit(83);
	waitpid(child, NULL, 0);
	waitpid(other, NULL, 0);
	go_on = 1;
	pthread_join(thread, NULL);
	gethostname(after, sizeof(after));
	verify(!strcmp(before, after), "none of them is the root's");
}

/* Those that share one share it again. */
static void shared(void)
{
	pid_t child, grandchild;
	int to[2], back[2];
	char c = 0;

	if (pipe(to) < 0 || pipe(back) < 0)
		_exit(84);
	child = fork();
	if (child == 0) {
		call("inner");
		grandchild = fork();
		if (grandchild == 0) {
			if (read(to[0], &c, 1) != 1)
				_exit(1);
			_exit(is_called("inner") && sethostname("changed", 7) == 0 ? 0 : 2);
		}
		if (write(back[1], &grandchild, sizeof(grandchild)) != sizeof(grandchild))
			_exit(3);
		int status;

		waitpid(grandchild, &status, 0);
		char name[65];

		gethostname(name, sizeof(name));
		_exit(!status && !strcmp(name, "changed") ? 0 : 4);
	}
	if (read(back[0], &grandchild, sizeof(grandchild)) != sizeof(grandchild))
		_exit(85);
	pause_here();
	verify(together(child, grandchild) && !together(child, getpid()), "two processes live together");
	int status = -1;

	if (write(to[1], "x", 1) != 1)
		_exit(86);
	waitpid(child, &status, 0);
	verify(status == 0, "what one does the other sees (%d)", status);
}

/* The same keys, and mostly the same ids, in two namespaces. */
#define KEY	0x5eed

struct objects {
	int shm, sem, msg;
	mqd_t queue;
	char *attached;
};

static struct objects make_objects(const char *text)
{
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 64 };
	struct sembuf up = { .sem_op = 2 }, undo = { .sem_op = 1, .sem_flg = SEM_UNDO };
	struct { long type; char text[16]; } m = { .type = 3 };
	struct objects o = {
		.shm = shmget(KEY, 65536, IPC_CREAT | 0600),
		.sem = semget(KEY, 2, IPC_CREAT | 0600),
		.msg = msgget(KEY, IPC_CREAT | 0600),
		.queue = mq_open("/crlab-inner", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attr),
	};

	strcpy(m.text, text);
	o.attached = shmat(o.shm, NULL, 0);
	if (o.attached == (void *)-1 || semop(o.sem, &up, 1) < 0 || semop(o.sem, &undo, 1) < 0 ||
	    msgsnd(o.msg, &m, sizeof(m.text), 0) < 0 || o.queue < 0 || mq_send(o.queue, text, strlen(text) + 1, 1) < 0)
		_exit(90);
	strcpy(o.attached, text);
	strcpy(o.attached + 40000, text);
	return o;
}

static void check_objects(const struct objects *o, const char *text)
{
	struct { long type; char text[16]; } m = { .type = 0 };
	char room[64] = "", *again;

	verify(shmget(KEY, 0, 0) == o->shm && semget(KEY, 0, 0) == o->sem && msgget(KEY, 0) == o->msg, "%s: ids", text);
	verify(!strcmp(o->attached, text) && !strcmp(o->attached + 40000, text), "%s: a segment: %s", text, o->attached);
	again = shmat(o->shm, NULL, 0);
	verify(again != (void *)-1 && !strcmp(again, text), "%s: to be attached again", text);
	shmdt(again);
	verify(semctl(o->sem, 0, GETVAL) == 3 && semctl(o->sem, 1, GETVAL) == 0, "%s: semaphores", text);
	verify(msgrcv(o->msg, &m, sizeof(m.text), 0, IPC_NOWAIT) == sizeof(m.text) && m.type == 3 && !strcmp(m.text, text),
	       "%s: a message: %s", text, m.text);
	verify(mq_receive(o->queue, room, sizeof(room), NULL) > 0 && !strcmp(room, text), "%s: one in a POSIX queue: %s", text, room);
}

static void remove_objects(const struct objects *o)
{
	shmctl(o->shm, IPC_RMID, NULL);
	semctl(o->sem, 0, IPC_RMID);
	msgctl(o->msg, IPC_RMID, NULL);
	mq_unlink("/crlab-inner");
}

static void ipc(void)
{
	struct objects mine;
	int to[2], back[2], status = -1;
	char c = 0, limit[32];
	pid_t child;

	if (pipe(to) < 0 || pipe(back) < 0)
		_exit(91);
	child = bound_fork();
	if (child == 0) {
		struct objects o;
		int loose;

		if (unshare(CLONE_NEWIPC) < 0)
			_exit(1);
		put_text("/proc/sys/kernel/msgmax", "5555");
		/* Not attached, and found by its id alone. */
		loose = shmget(IPC_PRIVATE, 4096, 0600);
		o = make_objects("inner");
		pid_t grandchild = bound_fork();

		if (grandchild == 0) {
			if (read(to[0], &c, 1) != 1)
				_exit(1);
			strcpy(o.attached + 100, "seen");
			/* Its end takes nothing back, that of its parent does. */
			_exit(semctl(o.sem, 0, GETVAL) == 3 ? 0 : 2);
		}
		if (write(back[1], "x", 1) != 1 || waitpid(grandchild, &status, 0) != grandchild)
			_exit(3);
		verify(status == 0 && !strcmp(o.attached + 100, "seen"), "who shared a namespace and a segment does so again");
		check_objects(&o, "inner");
		verify(!strcmp(content("/proc/sys/kernel/msgmax", limit, sizeof(limit)), "5555"), "a limit: %s", limit);
		verify(shmctl(loose, IPC_STAT, &(struct shmid_ds){ 0 }) == 0, "a segment that nobody has attached");
		if (fork() == 0) {
			struct sembuf down = { .sem_op = -3, .sem_flg = IPC_NOWAIT };

			/* When its parent has ended, one has been taken back. */
			for (int i = 0; i < 10000 && semctl(o.sem, 0, GETVAL) != 2; i++)
				usleep(1000);
			verify(semop(o.sem, &down, 1) < 0 && semctl(o.sem, 0, GETVAL) == 2, "an undo value: %d",
			       semctl(o.sem, 0, GETVAL));
			if (write(back[1], "y", 1) != 1)
				_exit(4);
			_exit(0);
		}
		_exit(0);
	}
	mine = make_objects("outer");
	if (read(back[0], &c, 1) != 1)
		_exit(92);
	pause_here();
	check_objects(&mine, "outer");
	verify(strcmp(content("/proc/sys/kernel/msgmax", limit, sizeof(limit)), "5555"), "the limit is not that of the root");
	if (write(to[1], "x", 1) != 1)
		_exit(93);
	waitpid(child, &status, 0);
	verify(status == 0 && read(back[0], &c, 1) == 1 && c == 'y', "it has come to its end");
	remove_objects(&mine);
}

/* Who has a user namespace of its own, as unshare -r. */
static bool become_root_of_user_ns(void)
{
	return unshare(CLONE_NEWUSER) == 0 && put_text("/proc/self/setgroups", "deny") &&
	       put_text("/proc/self/uid_map", "0 0 1") && put_text("/proc/self/gid_map", "0 0 1");
}

static void shared_of_user(void)
{
	if (!become_root_of_user_ns())
		_exit(79);
	shared();
}

static void ipc_of_user(void)
{
	if (!become_root_of_user_ns() || unshare(CLONE_NEWIPC) < 0)
		_exit(78);
	ipc();
}

/* Checkpointed alone, the grandchild shares with its parent. */
static void tells(void)
{
	pid_t child = fork();
	char text[32];

	if (child == 0) {
		call("inner");
		pid_t grandchild = fork();

		if (grandchild == 0) {
			if (fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				for (;;)
					pause();
			}
			unshare(CLONE_NEWUTS);
			for (;;)
				pause();
		}
		snprintf(text, sizeof(text), "%d\n", grandchild);
		close(open(PID, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
		put_text(PID, text);
		for (;;)
			pause();
	}
	do
		content(PID, text, sizeof(text));
	while (!*text);
	usleep(50000);
	pause_here();
	kill(atoi(text), SIGKILL);
	kill(child, SIGKILL);
}

static void leak(void)
{
	char pid[32], output[8192];
	struct subject s;

	if (!subject_start(&s, "leak", tells))
		return;
	content(PID, pid, sizeof(pid));
	tap_ok(RUN(output, checkpoint_path, "--dry-run", pid) == 1 &&
	       strstr(output, "uts namespace is shared with a process outside the tree"), "whoever else lives there is named");
	tap_diag("%s", output);
	subject_finish(&s);
	unlink(PID);
}

static void held(void)
{
	int back[2];
	char path[64], c;
	pid_t child;

	if (pipe(back) < 0)
		_exit(87);
	child = fork();
	if (child == 0) {
		call("inner");
		if (write(back[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(back[0], &c, 1) != 1)
		_exit(88);
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", child);
	if (open(path, O_RDONLY) < 0)
		_exit(89);
	pause_here();
	kill(child, SIGKILL);
}

static bool is_inner(const void *at)
{
	return !strcmp(((const struct ckpt_uts *)at)->nodename, "inner");
}

static bool has_ipc(const void *at)
{
	return ((const struct ckpt_unshared *)at)->ipc;
}

static bool has_uts(const void *at)
{
	return ((const struct ckpt_unshared *)at)->uts;
}

static bool is_about(uint32_t type)
{
	return type == CKPT_REC_UTS || type == CKPT_REC_IPC_NS;
}

static void damaged_ipc(void)
{
	struct ckpt_ipc_ns *i = record(CKPT_REC_IPC_NS, NULL);
	struct ckpt_unshared *un = record(CKPT_REC_UNSHARED, has_ipc);
	struct ckpt_process *p = record(CKPT_REC_PROCESS, NULL);
	struct ckpt_rec *head = (struct ckpt_rec *)i - 1;

	BAD_FIELD(i->own_user, 1, "of a user namespace that there is not", "not the user namespace that it is of");
	BAD_FIELD(i->own_user, 2, "an unknown owner", "out of range");
	BAD_FIELD(i->msg_max, -1U, "a limit beyond all", "out of range");
	BAD_FIELD(head->objref, 0, "the root's, which has none", "no such namespace");
	BAD_FIELD(head->objref, 0xffff, "an end of another", "has no place here");
	BAD_FIELD(un->ipc, 0xffff, "a namespace that there is not", "no object has objref");
	BAD_FIELD(un->ipc, p->files, "descriptors for a namespace", "is a FILES, not");
	BAD_FIELD(un->uts, un->ipc, "an ipc namespace for a uts one", "cannot restore its namespaces");
}

static void damaged(void)
{
	struct ckpt_uts *u = record(CKPT_REC_UTS, is_inner);
	struct ckpt_unshared *un = record(CKPT_REC_UNSHARED, has_uts);
	struct ckpt_process *p = record(CKPT_REC_PROCESS, NULL);
	struct ckpt_rec *head = (struct ckpt_rec *)u - 1;

	BAD_FIELD(u->own_user, 1, "of a user namespace that there is not", "not the user namespace that it is of");
	BAD_FIELD(u->own_user, 2, "an unknown owner", "contradicts itself");
	BAD_FIELD(u->reserved, 1, "a reserved field", "contradicts itself");
	memset(u->domainname, 'x', sizeof(u->domainname));
	expect("a name without end", "too long");
	memset(u->domainname, 0, sizeof(u->domainname));
	strcpy(u->domainname, "inner.domain");
	BAD_FIELD(head->objref, 0, "the root's, which has none", "no namespace for them");
	BAD_FIELD(un->uts, 0xffff, "a namespace that there is not", "no object has objref");
	BAD_FIELD(un->uts, p->fs, "directories for a namespace", "is a FS, not");
	BAD_FIELD(un->uts, 0, "nothing", "invalid attributes");
	BAD_FIELD(un->files, p->files, "descriptors of a process", "invalid attributes");
}

int main(void)
{
	need_checkpoint();
	mutate_round("uts", body, damaged, is_about, 30);
	mutate_round("ipc", ipc, damaged_ipc, is_about, 30);
	subject_round("shared", shared);
	subject_round("shared, of a user namespace", shared_of_user);
	subject_round("ipc, of a user namespace", ipc_of_user);
	leak();
	subject_refused("held", held, "in which the root of the tree does not live");
	return tap_done();
}
