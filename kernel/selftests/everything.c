// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "everything.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subject.h"

#define UNLINKED	"/tmp/selftest/everything-unlinked"
#define NAMED		"/tmp/selftest/everything-named"
#define NEW		"/tmp/selftest/everything-new"
#define KEY		0x5e1fa11

static void need(bool good)
{
	if (!good)
		_exit(1);
}

static void idle(void)
{
	for (;;)
		pause();
}

static void *beat(void *arg)
{
	volatile uint64_t *beats = arg;
	const struct timespec moment = { .tv_nsec = 1000000 };

	for (;;) {
		++*beats;
		nanosleep(&moment, NULL);
	}
	return NULL;
}

static void heart(void)
{
	int fd = open(EVERYTHING_BEAT, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	pthread_t thread;
	void *beats;

	need(fd >= 0 && ftruncate(fd, 4096) == 0);
	beats = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	need(beats != MAP_FAILED && pthread_create(&thread, NULL, beat, beats) == 0);
}

/* ---- what each part is made of, and whether it still is so ---- */

static struct {
	int pipe[2], master, unlinked, inotify, event, epoll, timer, mem, client, pair[2], tcp[2], udp, pidfd;
	int key, sem, queue;
	aio_context_t aio;
	char *shared, *segment, *guarded;
	pid_t filtered, stopped, zombie;
} own;

static void plain_files(void)
{
	struct flock lock = { .l_type = F_WRLCK };
	int fd;

	need(pipe(own.pipe) == 0 && write(own.pipe[1], "unread", 6) == 6);
	own.unlinked = open(UNLINKED, O_RDWR | O_CREAT, 0644);
	need(own.unlinked >= 0 && write(own.unlinked, "text", 4) == 4 && unlink(UNLINKED) == 0);
	fd = open(NAMED, O_RDWR | O_CREAT | O_APPEND, 0644);
	need(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0);
}

static bool plain_files_are(void)
{
	char text[16];

	return read(own.pipe[0], text, sizeof(text)) == 6 && !memcmp(text, "unread", 6) &&
	       pread(own.unlinked, text, sizeof(text), 0) == 4 && !memcmp(text, "text", 4) &&
	       lseek(own.unlinked, 0, SEEK_CUR) == 4;
}

/* Half a line has been typed. */
static void terminal(void)
{
	int zero = 0;

	own.master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	need(own.master >= 0 && ioctl(own.master, TIOCSPTLCK, &zero) == 0);
	need(ioctl(own.master, TIOCGPTPEER, O_RDWR | O_NOCTTY) >= 0 && write(own.master, "half", 4) == 4);
}

static bool terminal_is(void)
{
	char text[16];

	return read(own.master, text, sizeof(text)) == 4 && !memcmp(text, "half", 4);
}

static void watches(void)
{
	int group = fanotify_init(FAN_REPORT_FID, 0), fd;

	own.inotify = inotify_init1(0);
	need(inotify_add_watch(own.inotify, "/tmp/selftest", IN_CREATE) > 0);
	fd = open(NEW, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	need(fd >= 0 && close(fd) == 0);
	need(fanotify_mark(group, FAN_MARK_ADD, FAN_MODIFY, AT_FDCWD, "/tmp/selftest") == 0);
}

static bool watches_are(void)
{
	char buffer[4096];
	struct inotify_event *event = (void *)buffer;

	return read(own.inotify, buffer, sizeof(buffer)) > 0 && event->mask == IN_CREATE &&
	       !strcmp(event->name, strrchr(NEW, '/') + 1);
}

static void anonymous_files(const sigset_t *set)
{
	struct itimerspec far = { { 7, 0 }, { 7000, 0 } };
	struct epoll_event ask = { .events = EPOLLIN, .data.u64 = 42 };
	int inner = epoll_create1(0);

	own.event = eventfd(3, EFD_NONBLOCK);
	own.epoll = epoll_create1(0);
	own.timer = timerfd_create(CLOCK_BOOTTIME, 0);
	own.mem = memfd_create("everything", MFD_ALLOW_SEALING);
	need(signalfd(-1, set, 0) >= 0 && timerfd_settime(own.timer, 0, &far, NULL) == 0);
	need(epoll_ctl(inner, EPOLL_CTL_ADD, own.event, &ask) == 0);
	need(epoll_ctl(own.epoll, EPOLL_CTL_ADD, inner, &ask) == 0);
	need(write(own.mem, "sealed", 6) == 6 && fcntl(own.mem, F_ADD_SEALS, F_SEAL_GROW) == 0);
}

static bool anonymous_files_are(void)
{
	struct epoll_event event;
	struct itimerspec left;
	uint64_t count;

	return epoll_wait(own.epoll, &event, 1, 0) == 1 && event.data.u64 == 42 &&
	       read(own.event, &count, sizeof(count)) == sizeof(count) && count == 3 &&
	       timerfd_gettime(own.timer, &left) == 0 && left.it_interval.tv_sec == 7 &&
	       fcntl(own.mem, F_GET_SEALS) == F_SEAL_GROW;
}

static void sockets(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0crlab-everything" };
	int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	int listening = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec data = { "in flight", 9 };
	struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	own.client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	need(bind(tcp, (void *)&any, sizeof(any)) == 0 && listen(tcp, 5) == 0);
	need(bind(udp, (void *)&any, sizeof(any)) == 0);
	need(bind(listening, (void *)&name, sizeof(name)) == 0 && listen(listening, 3) == 0);
	need(connect(own.client, (void *)&name, sizeof(name)) == 0);
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, own.pair) == 0 && write(own.pair[1], "unread", 6) == 6);
	memcpy(CMSG_DATA(&control.head), &udp, sizeof(udp));
	need(sendmsg(own.pair[0], &msg, 0) == 9);
}

static bool sockets_are(void)
{
	char text[16];

	return read(own.pair[0], text, sizeof(text)) == 6 && !memcmp(text, "unread", 6) &&
	       read(own.pair[1], text, sizeof(text)) == 9 && !memcmp(text, "in flight", 9) &&
	       write(own.client, "x", 1) == 1;
}

static void connections(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int listening = socket(AF_INET, SOCK_STREAM, 0), waiting = socket(AF_INET, SOCK_STREAM, 0);
	int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), packet = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
	socklen_t len = sizeof(any);

	need(bind(listening, (void *)&any, len) == 0 && listen(listening, 5) == 0);
	need(getsockname(listening, (void *)&any, &len) == 0);
	own.tcp[0] = socket(AF_INET, SOCK_STREAM, 0);
	need(connect(own.tcp[0], (void *)&any, len) == 0);
	own.tcp[1] = accept(listening, NULL, NULL);
	need(write(own.tcp[0], "there", 5) == 5 && write(own.tcp[1], "back", 4) == 4);
	need(connect(waiting, (void *)&any, len) == 0);
	own.udp = socket(AF_INET, SOCK_DGRAM, 0);
	any.sin_port = 0;
	need(bind(own.udp, (void *)&any, len) == 0 && getsockname(own.udp, (void *)&any, &len) == 0);
	need(sendto(own.udp, "datagram", 8, 0, (void *)&any, len) == 8);
	need(bind(netlink, (void *)&group, sizeof(group)) == 0 && packet >= 0);
}

static bool connections_are(void)
{
	char text[16];

	return read(own.tcp[1], text, sizeof(text)) == 5 && !memcmp(text, "there", 5) &&
	       read(own.tcp[0], text, sizeof(text)) == 4 && !memcmp(text, "back", 4) &&
	       recv(own.udp, text, sizeof(text), 0) == 8 && !memcmp(text, "datagram", 8);
}

struct message {
	long type;
	char text[8];
};

static void remove_ipc(void)
{
	int id;

	if ((id = shmget(KEY, 0, 0)) >= 0)
		shmctl(id, IPC_RMID, NULL);
	if ((id = semget(KEY, 0, 0)) >= 0)
		semctl(id, 0, IPC_RMID);
	if ((id = msgget(KEY, 0)) >= 0)
		msgctl(id, IPC_RMID, NULL);
}

static void ipc(void)
{
	struct sembuf up = { 0, 2, SEM_UNDO };
	struct message m = { 3, "message" };

	remove_ipc();
	own.segment = shmat(shmget(KEY, 8192, IPC_CREAT | 0600), NULL, 0);
	own.sem = semget(KEY, 2, IPC_CREAT | 0600);
	own.queue = msgget(KEY, IPC_CREAT | 0600);
	need(own.segment != (void *)-1 && semop(own.sem, &up, 1) == 0 && msgsnd(own.queue, &m, sizeof(m.text), 0) == 0);
	strcpy(own.segment, "segment");
}

static bool ipc_is(void)
{
	struct message m;

	return !strcmp(own.segment, "segment") && semctl(own.sem, 0, GETVAL) == 2 &&
	       msgrcv(own.queue, &m, sizeof(m.text), 3, IPC_NOWAIT) == sizeof(m.text) && !strcmp(m.text, "message");
}

static void memory(void)
{
	struct iocb cb = { .aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = own.unlinked, .aio_nbytes = 4, .aio_data = 9 }, *cbs = &cb;
	static char text[4];

	cb.aio_buf = (uintptr_t)text;
	own.guarded = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	strcpy(own.guarded, "guarded");
	own.key = pkey_alloc(0, 0);
	need(own.key < 0 || pkey_mprotect(own.guarded, 4096, PROT_READ | PROT_WRITE, own.key) == 0);
	need(syscall(SYS_io_setup, 4, &own.aio) == 0 && syscall(SYS_io_submit, own.aio, 1, &cbs) == 1);
}

static bool memory_is(void)
{
	struct io_event event;

	return !strcmp(own.guarded, "guarded") && (own.key < 0 || pkey_free(own.key) == 0) &&
	       syscall(SYS_io_getevents, own.aio, 1, 1, &event, NULL) == 1 && event.data == 9 && event.res == 4;
}

static void timers(void)
{
	struct itimerspec far = { { 5, 0 }, { 5000, 0 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	int id;

	need(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id) == 0);
	need(syscall(SYS_timer_settime, id, 0, &far, NULL) == 0);
	alarm(3000);
}

static void filtered(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };

	setpgid(0, 0);
	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	need(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
	need(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
	need(nice(3) >= 0);
	idle();
}

static void children(void)
{
	siginfo_t info;

	own.filtered = fork();
	if (own.filtered == 0)
		filtered();
	own.stopped = fork();
	if (own.stopped == 0) {
		raise(SIGSTOP);
		idle();
	}
	waitpid(own.stopped, NULL, WUNTRACED);
	own.zombie = fork();
	if (own.zombie == 0)
		_exit(5);
	waitid(P_PID, own.zombie, &info, WEXITED | WNOWAIT);
	own.pidfd = syscall(SYS_pidfd_open, own.stopped, 0);
	need(own.pidfd >= 0);
}

static bool children_are(void)
{
	int status;

	return waitpid(own.zombie, &status, 0) == own.zombie && WIFEXITED(status) && WEXITSTATUS(status) == 5 &&
	       syscall(SYS_pidfd_send_signal, own.pidfd, SIGKILL, NULL, 0) == 0 && waitpid(own.stopped, &status, 0) == own.stopped &&
	       kill(own.filtered, SIGKILL) == 0 && waitpid(own.filtered, &status, 0) == own.filtered;
}

void everything(void)
{
	sigset_t set, pending;

	heart();
	plain_files();
	terminal();
	watches();
	own.shared = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	strcpy(own.shared, "shared");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR2);
	anonymous_files(&set);
	sockets();
	connections();
	ipc();
	memory();
	timers();
	children();
	pause_here();
	verify(plain_files_are(), "files");
	verify(terminal_is(), "a pseudo terminal");
	verify(watches_are(), "watches");
	verify(!strcmp(own.shared, "shared"), "shared memory");
	sigpending(&pending);
	verify(sigismember(&pending, SIGUSR2) && !sigismember(&pending, SIGUSR1), "pending signals");
	verify(anonymous_files_are(), "anonymous files");
	verify(sockets_are(), "sockets");
	verify(connections_are(), "connections");
	verify(ipc_is(), "System V IPC");
	verify(memory_is(), "memory");
	verify(alarm(0) > 2000, "alarm");
	verify(children_are(), "children");
}

void everything_clean_up(void)
{
	remove_ipc();
	unlink(UNLINKED);
	unlink(NAMED);
	unlink(NEW);
	unlink(EVERYTHING_BEAT);
}
