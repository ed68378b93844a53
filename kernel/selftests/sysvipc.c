// SPDX-License-Identifier: Apache-2.0
/* System V IPC: segments, semaphores and message queues are what they were, under their ids and keys. */
/* covers: IPC | System V shared memory: attached, read-only, removed, locked | supported */
/* covers: IPC | System V semaphores: values, undo, waiting operations | supported */
/* covers: IPC | System V message queues: messages, limits, waiting receivers | supported */
/* covers: IPC | shared memory that processes outside the tree have attached | refused by name */
/* covers: System calls | semop, semtimedop, epoll_wait, sigtimedwait: a checkpoint is no interruption | supported */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-sysvipc.img"
#define KEY	0x5e1f7e57
#define BYTES	(5 * 4096 + 100)

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

struct message {
	long type;
	char text[6000];
};

static int semaphore(int id, int num, int op, int flags)
{
	struct sembuf sop = { num, op, flags };

	return semop(id, &sop, 1);
}

static void remove_all(void)
{
	int id;

	if ((id = shmget(KEY, 0, 0)) >= 0)
		shmctl(id, IPC_RMID, NULL);
	if ((id = semget(KEY, 0, 0)) >= 0)
		semctl(id, 0, IPC_RMID);
	if ((id = msgget(KEY, 0)) >= 0)
		msgctl(id, IPC_RMID, NULL);
}

/* ---- shared memory ---- */

static void segments(void)
{
	struct shmid_ds before, after, gone;
	int id = shmget(KEY, BYTES, IPC_CREAT | IPC_EXCL | 0640), removed = shmget(IPC_PRIVATE, 8192, 0600), status;
	char *at = shmat(id, NULL, 0), *read_only = shmat(id, NULL, SHM_RDONLY), *nameless = shmat(removed, NULL, 0);
	volatile int *seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child, self = getpid();

	shmctl(removed, IPC_RMID, NULL);
	shmctl(id, SHM_LOCK, NULL);
	strcpy(at, "first page");
	strcpy(at + BYTES - 5, "last");
	strcpy(nameless, "removed");
	/* A mapping that was split is one attachment still. */
	mprotect(at + 4096, 4096, PROT_READ);
	child = fork();
	if (child == 0) {
		while (!*seen)
			usleep(1000);
		verify(!strcmp(at, "first page") && !strcmp(nameless, "removed"), "the child sees the segments");
		strcpy(at + 100, "from the child");
		_exit(0);
	}
	shmctl(id, IPC_STAT, &before);
	pause_here();
	shmctl(id, IPC_STAT, &after);
	verify(shmget(KEY, 0, 0) == id, "key and id are what they were");
	verify(before.shm_segsz == after.shm_segsz && before.shm_perm.mode == after.shm_perm.mode &&
	       after.shm_cpid == self && before.shm_lpid == after.shm_lpid &&
	       before.shm_ctime == after.shm_ctime && before.shm_atime == after.shm_atime,
	       "size, mode (0%o, was 0%o), maker, times", after.shm_perm.mode, before.shm_perm.mode);
	verify(before.shm_nattch == after.shm_nattch, "attached %lu times, as before (%lu)",
	       (unsigned long)after.shm_nattch, (unsigned long)before.shm_nattch);
	verify(shmctl(removed, IPC_STAT, &gone) == 0 && gone.shm_perm.mode & SHM_DEST && gone.shm_nattch == 2,
	       "a removed segment is one still");
	*seen = 1;
	waitpid(child, &status, 0);
	verify(!strcmp(read_only, "first page") && !strcmp(read_only + BYTES - 5, "last") &&
	       !strcmp(read_only + 100, "from the child"), "all attachments show the same memory");
	verify(mprotect(read_only, 4096, PROT_READ | PROT_WRITE) < 0 && errno == EACCES,
	       "what was attached for reading cannot be made writable");
	verify(mprotect(at + 4096, 4096, PROT_READ | PROT_WRITE) == 0, "what was attached for writing can");
	mprotect(at + 4096, 4096, PROT_READ);
	verify(shmdt(at) == 0 && shmctl(id, IPC_STAT, &after) == 0 && after.shm_nattch == 1,
	       "one call detaches a split mapping (%lu left)", (unsigned long)after.shm_nattch);
	verify(shmdt(nameless) == 0 && shmctl(removed, IPC_STAT, &gone) < 0,
	       "a removed segment goes when the last one detaches");
	shmdt(read_only);
	verify(shmctl(id, IPC_RMID, NULL) == 0 && shmget(KEY, 0, 0) < 0, "it can be removed");
}

static int attached_id;

static void attaches_once(void)
{
	int id = shmget(KEY, 4096, IPC_CREAT | 0600);
	char *at = shmat(id, NULL, 0);

	strcpy(at, "mine");
	pause_here();
	verify(shmget(KEY, 0, 0) == id && !strcmp(at, "mine"), "it sees the segment that was checkpointed");
	shmctl(id, IPC_RMID, NULL);
}

/* What is there from before goes back; what is another's is not touched. */
static void existing_segments(void)
{
	char output[4096], pid[16];
	struct subject s;
	int id, other;
	char *at;

	if (!subject_start(&s, "existing", attaches_once))
		return;
	attached_id = id = shmget(KEY, 0, 0);
	at = shmat(id, NULL, 0);
	snprintf(pid, sizeof(pid), "%d", s.pid);
	tap_ok(RUN(output, checkpoint_path, "--dry-run", pid) == 1 && strstr(output, "outside the tree"),
	       "what others have attached is refused");
	tap_diag("%s", output);
	shmdt(at);
	if (!subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) || !wait_gone(s.pid)) {
		subject_end(&s);
		return;
	}
	at = shmat(id, NULL, 0);
	strcpy(at, "changed");
	tap_ok(RUN(output, restart_path, "-i", IMAGE, "--detach") == 1 && strstr(output, "attached") &&
	       !strcmp(at, "changed"), "it is not taken from those who have it attached now: %s", output);
	shmdt(at);
	shmctl(id, IPC_RMID, NULL);
	other = shmget(KEY, 4096, IPC_CREAT | 0600);
	tap_ok(RUN(output, restart_path, "-i", IMAGE, "--detach") == 1 && strstr(output, "key"),
	       "a key that is in use is said: %s", output);
	shmctl(other, IPC_RMID, NULL);
	if (subject_restart(&s, IMAGE, NULL))
		subject_finish(&s);
	else
		subject_end(&s);

	/* The same, when the segment is still there. */
	if (!subject_start(&s, "still there", attaches_once))
		return;
	id = shmget(KEY, 0, 0);
	if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid)) {
		at = shmat(id, NULL, 0);
		strcpy(at, "changed");
		shmdt(at);
		if (subject_restart(&s, IMAGE, NULL)) {
			subject_finish(&s);
			unlink(IMAGE);
			return;
		}
	}
	subject_end(&s);
}

/* ---- semaphores ---- */

static void *undoing(int id)
{
	semaphore(id, 0, 3, SEM_UNDO);
	return NULL;
}

static void semaphores(void)
{
	int id = semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0640), status;
	unsigned short values[3] = { 5, 0, 7 };
	struct semid_ds before, after;
	union semun arg = { .array = values };
	pid_t undoer, waiter, timed;

	semctl(id, 0, SETALL, arg);
	undoer = fork();
	if (undoer == 0) {
		undoing(id);
		semaphore(id, 2, -2, SEM_UNDO);
		wait_for_go();
		while (semctl(id, 1, GETVAL) != 1)
			usleep(1000);
		_exit(0);
	}
	while (semctl(id, 2, GETVAL) != 5)
		usleep(1000);
	waiter = fork();
	if (waiter == 0)
		_exit(semaphore(id, 1, -1, 0) == 0 ? 0 : errno);
	timed = fork();
	if (timed == 0) {
		struct sembuf sop = { 1, -100, 0 };
		struct timespec limit = { 2, 0 };

		_exit(semtimedop(id, &sop, 1, &limit) < 0 ? errno : 0);
	}
	while (semctl(id, 1, GETNCNT) != 2)
		usleep(1000);
	arg.buf = &before;
	semctl(id, 0, IPC_STAT, arg);
	pause_here();
	arg.buf = &after;
	semctl(id, 0, IPC_STAT, arg);
	verify(semget(KEY, 0, 0) == id, "key and id are what they were");
	verify(after.sem_nsems == 3 && after.sem_perm.mode == before.sem_perm.mode &&
	       after.sem_otime == before.sem_otime && after.sem_ctime == before.sem_ctime, "size, mode, times");
	verify(semctl(id, 0, GETVAL) == 8 && semctl(id, 1, GETVAL) == 0 && semctl(id, 2, GETVAL) == 5, "values");
	verify(semctl(id, 0, GETPID) == undoer && semctl(id, 2, GETPID) == undoer, "who changed them last");
	waitpid(timed, &status, 0);
	verify(WIFEXITED(status) && WEXITSTATUS(status) == EAGAIN, "a wait with a time limit runs out (%d)", status);
	for (int i = 0; i < 5000 && semctl(id, 1, GETNCNT) != 1; i++)
		usleep(1000);
	verify(semctl(id, 1, GETNCNT) == 1, "who waited waits");
	semaphore(id, 1, 1, 0);
	waitpid(waiter, &status, 0);
	verify(status == 0, "and gets what it waited for");
	semaphore(id, 1, 1, 0);
	waitpid(undoer, &status, 0);
	verify(semctl(id, 0, GETVAL) == 5 && semctl(id, 2, GETVAL) == 7, "the end of a process takes back what it did");
	verify(semctl(id, 0, IPC_RMID) == 0 && semget(KEY, 0, 0) < 0, "it can be removed");
}

/* ---- messages ---- */

static void queues(void)
{
	int id = msgget(KEY, IPC_CREAT | IPC_EXCL | 0640), status;
	struct msqid_ds before, after;
	static struct message m;
	pid_t child;

	msgctl(id, IPC_STAT, &before);
	before.msg_qbytes /= 2;
	msgctl(id, IPC_SET, &before);
	m.type = 3;
	for (size_t i = 0; i < sizeof(m.text); i++)
		m.text[i] = i * 7;
	msgsnd(id, &m, sizeof(m.text), 0);
	m.type = 4;
	msgsnd(id, &m, 0, 0);
	m.type = 3;
	strcpy(m.text, "third");
	msgsnd(id, &m, 6, 0);
	child = fork();
	if (child == 0)
		_exit(msgrcv(id, &m, sizeof(m.text), 99, 0) == 6 && !strcmp(m.text, "waits") ? 0 : 1);
	msgctl(id, IPC_STAT, &before);
	pause_here();
	msgctl(id, IPC_STAT, &after);
	verify(msgget(KEY, 0) == id, "key and id are what they were");
	verify(after.msg_qnum == 3 && after.__msg_cbytes == before.__msg_cbytes && after.msg_qbytes == before.msg_qbytes &&
	       after.msg_perm.mode == before.msg_perm.mode && after.msg_stime == before.msg_stime &&
	       after.msg_rtime == before.msg_rtime && after.msg_lspid == getpid() && after.msg_lrpid == before.msg_lrpid,
	       "messages, bytes, limit, mode, times, who sent last");
	m.type = 99;
	strcpy(m.text, "waits");
	msgsnd(id, &m, 6, 0);
	waitpid(child, &status, 0);
	verify(status == 0, "who waited for a message gets it");
	verify(msgrcv(id, &m, sizeof(m.text), 4, 0) == 0 && m.type == 4, "a message by its type");
	bool good = msgrcv(id, &m, sizeof(m.text), 0, 0) == sizeof(m.text) && m.type == 3;

	for (size_t i = 0; i < sizeof(m.text); i++)
		good &= m.text[i] == (char)(i * 7);
	verify(good, "a long message");
	verify(msgrcv(id, &m, sizeof(m.text), 0, IPC_NOWAIT) == 6 && !strcmp(m.text, "third"), "then the next");
	verify(msgrcv(id, &m, sizeof(m.text), 0, IPC_NOWAIT) < 0 && errno == ENOMSG, "then none");
	verify(msgctl(id, IPC_RMID, NULL) == 0, "it can be removed");
}

/* ---- objects that are gone by the time of the restart: as after a boot ---- */

static void without_objects(const char *name, void (*body)(void))
{
	struct subject s;

	if (!subject_start(&s, name, body))
		return;
	if (subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid)) {
		remove_all();
		if (subject_restart(&s, IMAGE, NULL)) {
			subject_finish(&s);
			unlink(IMAGE);
			return;
		}
	}
	subject_end(&s);
	remove_all();
}

/* ---- calls that say EINTR ---- */

static void blocked_calls(void)
{
	int ends[2], epoll = epoll_create1(0), status[3];
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = 7 };
	pid_t in_epoll, in_sigwait, in_semop;
	sigset_t set;
	int id = semget(KEY, 1, IPC_CREAT | 0600);

	if (pipe(ends) < 0)
		return;
	epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	in_epoll = fork();
	if (in_epoll == 0)
		_exit(epoll_wait(epoll, &event, 1, -1) == 1 && event.data.u32 == 7 ? 0 : errno);
	in_sigwait = fork();
	if (in_sigwait == 0)
		_exit(sigtimedwait(&set, NULL, NULL) == SIGUSR1 ? 0 : errno);
	in_semop = fork();
	if (in_semop == 0)
		_exit(semaphore(id, 0, -1, 0) == 0 ? 0 : errno);
	while (semctl(id, 0, GETNCNT) != 1)
		usleep(1000);
	usleep(200000);
	pause_here();
	if (write(ends[1], "x", 1) != 1)
		return;
	kill(in_sigwait, SIGUSR1);
	semaphore(id, 0, 1, 0);
	waitpid(in_epoll, &status[0], 0);
	waitpid(in_sigwait, &status[1], 0);
	waitpid(in_semop, &status[2], 0);
	verify(status[0] == 0, "epoll_wait was not interrupted (0x%x)", status[0]);
	verify(status[1] == 0, "sigtimedwait was not interrupted (0x%x)", status[1]);
	verify(status[2] == 0, "semop was not interrupted (0x%x)", status[2]);
	semctl(id, 0, IPC_RMID);
}

static void runs_on(void)
{
	struct subject s;

	if (!subject_start(&s, "runs on", blocked_calls))
		return;
	if (subject_checkpoint(&s, IMAGE, NULL))
		subject_finish(&s);
	else
		subject_end(&s);
	unlink(IMAGE);
}

int main(void)
{
	need_checkpoint();
	remove_all();
	subject_round("segments", segments);
	without_objects("segments that are gone", segments);
	existing_segments();
	subject_round("semaphores", semaphores);
	without_objects("semaphores that are gone", semaphores);
	subject_round("queues", queues);
	without_objects("queues that are gone", queues);
	subject_round("blocked calls", blocked_calls);
	runs_on();
	remove_all();
	return tap_done();
}
