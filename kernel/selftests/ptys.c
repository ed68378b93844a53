// SPDX-License-Identifier: Apache-2.0
/* Pseudo terminals whose master is in the tree: what is set of them, what is in them, who has them. */
/* covers: Descriptors | masters of pseudo terminals: number, lock, packet mode, settings, window, /dev/pts/N | supported */
/* covers: Descriptors | pseudo terminals: unread bytes both ways, half a line, what waits to be echoed | supported */
/* covers: Descriptors | pseudo terminals: stopped by ^S, hung up, slaves all closed, exclusive | supported */
/* covers: Descriptors | pseudo terminals: session, foreground group, /dev/tty, TIOCGPTPEER, epoll, SIGIO, in flight | supported */
/* covers: Namespaces | mnt: a devpts of the tree's own | supported */
/* covers: Descriptors | slaves whose master is outside the tree | supported: the terminal is attached again */
/* covers: Descriptors | masters whose slave is held outside the tree, or shared with it | refused by name */
/* covers: Descriptors | pseudo terminals with another line discipline than N_TTY, or mounted elsewhere | refused by name */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

static char slave_name[64];

static void must(bool good, const char *what)
{
	if (good)
		return;
	verify(false, "%s: %s", what, strerror(errno));
	_exit(1);
}

static int open_master(int flags)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | flags), zero = 0, number = 0;

	must(master >= 0 && ioctl(master, TIOCSPTLCK, &zero) == 0 && ioctl(master, TIOCGPTN, &number) == 0, "ptmx");
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", number);
	return master;
}

static int open_slave(int flags)
{
	int slave = open(slave_name, O_RDWR | O_NOCTTY | flags);

	must(slave >= 0, slave_name);
	return slave;
}

static void put(int fd, const char *text)
{
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "write");
}

/* What can be read without waiting for anybody. */
static const char *get(int fd)
{
	static char text[512];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = poll(&p, 1, 0) > 0 ? read(fd, text, sizeof(text) - 1) : 0;

	text[n > 0 ? n : 0] = '\0';
	return n < 0 ? "(error)" : text;
}

static bool reads(int fd, const char *text)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	const char *got;

	poll(&p, 1, 20000);	/* what is written takes its way through a worker */
	got = get(fd);
	if (strcmp(got, text))
		verify(false, "\"%s\" was read, for \"%s\"", got, text);
	return !strcmp(got, text);
}

/* Is it among what comes? */
static bool comes(int fd, const char *text)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 20000) > 0 && p.revents & POLLIN)
		if (strstr(get(fd), text))
			return true;
	return false;
}

static void raw(int fd)
{
	struct termios t;

	tcgetattr(fd, &t);
	cfmakeraw(&t);
	tcsetattr(fd, TCSANOW, &t);
}

static int number_of(int master)
{
	int number = -1;

	ioctl(master, TIOCGPTN, &number);
	return number;
}

static void link_of(int fd, char *to)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, to, 127);
	to[n > 0 ? n : 0] = '\0';
}

static void never_opened(void)
{
	int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK), number = number_of(master), locked = 0, on = 1;
	char before[128], after[128], c;

	must(ioctl(master, TIOCPKT, &on) == 0, "TIOCPKT");
	link_of(master, before);
	pause_here();
	link_of(master, after);
	verify(number_of(master) == number, "number %d: %d", number, number_of(master));
	verify(ioctl(master, TIOCGPTLCK, &locked) == 0 && locked, "it is locked");
	on = 0;
	verify(ioctl(master, TIOCGPKT, &on) == 0 && on, "in packet mode");
	verify(!strcmp(before, after), "%s: %s", before, after);
	verify(fcntl(master, F_GETFL) & O_NONBLOCK, "O_NONBLOCK");
	verify(read(master, &c, 1) < 0 && errno == EAGAIN, "its slave was never opened, which is not to be closed: %s", strerror(errno));
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", number);
	verify(open(slave_name, O_RDWR | O_NOCTTY) < 0 && errno == EIO, "locked means EIO");
	on = 0;
	ioctl(master, TIOCSPTLCK, &on);
	verify(open(slave_name, O_RDWR | O_NOCTTY) >= 0, "unlocked it opens");
}

static bool same_stat(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid && a->st_rdev == b->st_rdev &&
	       a->st_ino == b->st_ino && a->st_nlink == b->st_nlink && a->st_mtime == b->st_mtime && a->st_atime == b->st_atime;
}

static void settings(void)
{
	struct winsize size = { 41, 99, 3, 4 }, got[2] = { };
	int master = open_master(0), slave = open_slave(O_APPEND);
	struct stat before[2], after[2];
	struct termios set = { }, slave_set = { }, seen = { };
	char names[4][128];

	tcgetattr(slave, &set);
	set.c_iflag |= IUTF8 | IXANY;
	set.c_oflag &= ~ONLCR;
	set.c_lflag &= ~ECHOE;
	set.c_cc[VINTR] = 1;
	set.c_cc[VMIN] = 7;
	cfsetspeed(&set, B9600);
	tcsetattr(slave, TCSANOW, &set);
	tcgetattr(slave, &slave_set);
	ioctl(master, TIOCSWINSZ, &size);
	must(fchown(slave, 4711, 5) == 0 && fchmod(slave, 0621) == 0 && ioctl(slave, TIOCEXCL) == 0, "fchown");
	fstat(master, &before[0]);
	fstat(slave, &before[1]);
	link_of(master, names[0]);
	link_of(slave, names[1]);
	pause_here();
	fstat(master, &after[0]);
	fstat(slave, &after[1]);
	link_of(master, names[2]);
	link_of(slave, names[3]);
	verify(same_stat(&before[0], &after[0]), "fstat of the master");
	verify(same_stat(&before[1], &after[1]), "fstat of the slave: %o %d:%d", after[1].st_mode, after[1].st_uid, after[1].st_gid);
	verify(!strcmp(names[0], names[2]) && !strcmp(names[1], names[3]), "%s and %s: %s and %s", names[0], names[1], names[2], names[3]);
	verify(!strcmp(ttyname(slave), slave_name), "ttyname");
	tcgetattr(slave, &seen);
	verify(!memcmp(&slave_set, &seen, sizeof(seen)), "settings of the slave");
	ioctl(master, TIOCGWINSZ, &got[0]);
	ioctl(slave, TIOCGWINSZ, &got[1]);
	verify(!memcmp(&size, &got[0], sizeof(size)) && !memcmp(&size, &got[1], sizeof(size)), "window, on both sides");
	verify(fcntl(slave, F_GETFL) & O_APPEND, "flags of the slave");
	int exclusive = 0;
	verify(ioctl(slave, TIOCGEXCL, &exclusive) == 0 && exclusive, "exclusive");
}

/* In lines: two that are whole, one that is half typed, and ^V just typed. */
static void lines(void)
{
	int master = open_master(0), slave = open_slave(0);

	put(master, "one\ntwo\nhalg\177");
	put(master, "\026");
	pause_here();
	verify(reads(master, "one\r\ntwo\r\nhalg\b \b^\b"), "the echo waits for the master");
	verify(reads(slave, "one\n"), "a line");
	verify(reads(slave, "two\n"), "and a line");
	verify(!strcmp(get(slave), ""), "and no more");
	put(master, "\177e\nA\004");	/* a literal DEL, as ^V came before */
	verify(reads(slave, "hal\177e\n"), "half a line is completed");
	verify(reads(slave, "A"), "^D sends what there is");
}

/* More than the line discipline holds: the rest is in flight. */
static void full(void)
{
	int master = open_master(O_NONBLOCK), slave = open_slave(O_NONBLOCK);
	size_t in = 0, out = 0, got = 0, bad = 0;
	unsigned char c;
	ssize_t n;

	raw(slave);
	do {
		for (int idle = 0; idle < 20; idle++) {
			while (c = in * 7, (n = write(master, &c, 1)) == 1)
				in++, idle = 0;
			while (c = out * 5, (n = write(slave, &c, 1)) == 1)
				out++, idle = 0;
			usleep(1000);
		}
	} while (n == 1);
	pause_here();
	verify(in > 4096 && out > 4096, "%zu bytes in, %zu out are more than fit into a line discipline", in, out);
	for (struct pollfd p = { slave, POLLIN, 0 }; got < in && poll(&p, 1, 20000) > 0 && read(slave, &c, 1) == 1; got++)
		bad += c != (unsigned char)(got * 7);
	verify(got == in && !bad, "all %zu of them (%zu, %zu wrong)", in, got, bad);
	got = 0;
	for (struct pollfd p = { master, POLLIN, 0 }; got < out && poll(&p, 1, 20000) > 0 && read(master, &c, 1) == 1; got++)
		bad += c != (unsigned char)(got * 5);
	verify(got == out && !bad, "and all %zu of the other way (%zu, %zu wrong)", out, got, bad);
	verify(write(master, "x", 1) == 1 && reads(slave, "x"), "and it goes on");
}

/* ^S, and what of it the master hears in packet mode. */
static void stopped(void)
{
	int master = open_master(0), slave = open_slave(O_NONBLOCK), on = 1;
	struct pollfd p = { .fd = master, .events = POLLPRI };

	must(ioctl(master, TIOCPKT, &on) == 0, "TIOCPKT");
	put(master, "\023");
	poll(&p, 1, 20000);
	pause_here();
	verify(write(slave, "x", 1) < 0 && errno == EAGAIN, "the slave's output is stopped");
	verify(poll(&p, 1, 0) == 1 && p.revents & POLLPRI, "which the master has not read yet");
	verify(reads(master, "\004"), "TIOCPKT_STOP");
	put(master, "\021");
	poll(&p, 1, 20000);
	verify(reads(master, "\010"), "TIOCPKT_START");
	verify(write(slave, "x", 1) == 1, "and it goes on");
	char got[2];
	verify(read(master, got, 2) == 2 && !got[0] && got[1] == 'x', "a packet of data");
}

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted++;
}

static void member(int slave)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	put(slave, "m");
	while (!interrupted)
		usleep(1000);
	put(slave, "I");
	_exit(0);
}

/* In it: a job in the foreground whose first process has ended. */
static void shell(void)
{
	int slave, tty;
	pid_t leader, rest;
	struct stat st;

	setsid();
	slave = open(slave_name, O_RDWR);
	raw(slave);
	struct termios t;
	tcgetattr(slave, &t);
	t.c_lflag |= ISIG;
	tcsetattr(slave, TCSANOW, &t);
	tty = open("/dev/tty", O_RDWR);
	must(tty >= 0, "/dev/tty");
	leader = fork();
	if (leader == 0)
		for (setpgid(0, 0);;)
			pause();
	setpgid(leader, leader);
	rest = fork();
	if (rest == 0) {
		setpgid(0, leader);
		member(slave);
	}
	setpgid(rest, leader);
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(tty, leader);
	kill(leader, SIGKILL);
	waitpid(leader, NULL, 0);
	put(tty, "s");
	wait_for_go();
	verify(fstat(tty, &st) == 0 && st.st_rdev == makedev(5, 0), "/dev/tty is that again");
	verify(tcgetpgrp(tty) == leader, "the foreground group %d: %d", leader, tcgetpgrp(tty));
	verify(open("/dev/tty", O_RDWR) >= 0, "and it can be opened");
	waitpid(rest, NULL, 0);
	put(tty, "t");
	/* The end of a session's leader throws away what the master has not got yet. */
	for (;;)
		pause();
}

static void session(void)
{
	int master = open_master(0);
	pid_t pid = fork();
	char got[3] = "";

	if (pid == 0) {
		close(master);
		shell();
	}
	must(read(master, got, 1) == 1 && read(master, got + 1, 1) == 1, "shell");
	pause_here();
	verify(tcgetsid(master) == pid, "its session %d: %d", pid, tcgetsid(master));
	put(master, "\003");
	verify(read(master, got, 1) == 1 && got[0] == 'I', "^C reaches the foreground group");
	verify(read(master, got, 1) == 1 && got[0] == 't', "what is written to /dev/tty comes out");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void closed_slaves(void)
{
	int master = open_master(0), slave = open_slave(0);
	struct pollfd p = { .fd = master, .events = POLLIN };
	char c;

	put(slave, "last");
	close(slave);
	pause_here();
	verify(poll(&p, 1, 0) == 1 && p.revents & POLLHUP, "POLLHUP, as all slaves are closed");
	verify(reads(master, "last"), "what they wrote last");
	verify(read(master, &c, 1) < 0 && errno == EIO, "then EIO");
	slave = open_slave(0);
	put(slave, "again");
	verify(reads(master, "again"), "a slave that is opened again");
}

static void no_master(void)
{
	int master = open_master(0), slave = open_slave(0);
	struct pollfd p = { .fd = slave, .events = POLLIN };
	struct stat before, after;
	char names[2][128], c;

	put(master, "lost\n");
	close(master);
	fstat(slave, &before);
	link_of(slave, names[0]);
	pause_here();
	fstat(slave, &after);
	link_of(slave, names[1]);
	verify(read(slave, &c, 1) == 0, "end of file");
	verify(write(slave, "x", 1) < 0 && errno == EIO, "EIO");
	verify(poll(&p, 1, 0) == 1 && p.revents & POLLHUP, "POLLHUP");
	verify(!isatty(slave) && errno == EIO, "ioctl: EIO (%s)", strerror(errno));
	verify(same_stat(&before, &after), "fstat: %lu links", (unsigned long)after.st_nlink);
	verify(!strcmp(names[0], names[1]), "%s: %s", names[0], names[1]);
}

/* As login(1) does: what is open is hung up, and not the terminal. */
static void hung_up(void)
{
	int master = open_master(0), old = open_slave(0), slave;
	pid_t pid = fork();
	char c;

	if (pid == 0) {
		setsid();
		ioctl(old, TIOCSCTTY, 0);
		vhangup();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	slave = open_slave(0);
	put(master, "line\n");
	pause_here();
	verify(read(old, &c, 1) == 0 && write(old, "x", 1) < 0 && errno == EIO, "a file that was hung up");
	verify(reads(slave, "line\n"), "and one that was opened after it");
	verify(reads(master, "line\r\n"), "its echo");
}

static void all_hung_up(void)
{
	int master = open_master(0), old = open_slave(0), slave;
	pid_t pid = fork();
	char c;

	if (pid == 0) {
		setsid();
		ioctl(old, TIOCSCTTY, 0);
		vhangup();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	pause_here();
	verify(read(old, &c, 1) == 0 && write(old, "x", 1) < 0 && errno == EIO, "all files are hung up");
	slave = open_slave(0);
	put(master, "line\n");
	verify(reads(slave, "line\n"), "it can be opened again");
}

static volatile sig_atomic_t sigio_fd = -1;

static void on_sigio(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	sigio_fd = info->si_fd;
}

static void watched(void)
{
	int master = open_master(O_NONBLOCK), slave = open_slave(0), epoll = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.u64 = 0x1122334455667788 }, got = { };
	struct sigaction sa = { .sa_sigaction = on_sigio, .sa_flags = SA_SIGINFO };
	struct f_owner_ex owner = { F_OWNER_TID, gettid() }, seen = { };
	int nr;

	raw(slave);
	sigaction(SIGRTMIN, &sa, NULL);
	epoll_ctl(epoll, EPOLL_CTL_ADD, master, &e);
	fcntl(master, F_SETOWN_EX, &owner);
	fcntl(master, F_SETSIG, SIGRTMIN);
	fcntl(master, F_SETFL, O_NONBLOCK | O_ASYNC);
	pid_t pid = fork();
	if (pid == 0) {
		wait_for_go();
		must(write(master, "shared", 6) == 6, "write");
		_exit(0);
	}
	pause_here();
	verify(epoll_wait(epoll, &got, 1, 0) == 0, "nothing is ready");
	fcntl(master, F_GETOWN_EX, &seen);
	verify(seen.type == owner.type && seen.pid == owner.pid && fcntl(master, F_GETSIG) == SIGRTMIN, "F_SETOWN");
	waitpid(pid, NULL, 0);
	verify(reads(slave, "shared"), "a master that a child shares");
	put(slave, "out");
	/* SIGIO comes, too, and may come first. */
	while ((nr = epoll_wait(epoll, &got, 1, 20000)) < 0 && errno == EINTR)
		;
	verify(nr == 1 && got.data.u64 == e.data.u64, "epoll sees it");
	verify(epoll_wait(epoll, &got, 1, 0) == 0, "once");
	verify(sigio_fd == master, "SIGIO names it: %d", (int)sigio_fd);
	verify(reads(master, "out"), "what was written");
}

static void send_fd(int to, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	must(sendmsg(to, &m, 0) == 1, "sendmsg");
}

static int receive_fd(int from)
{
	char control[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(from, &m, MSG_DONTWAIT) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* The slave is met before its master, which is on its way. */
static void in_flight(void)
{
	int pair[2], slave, master;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	master = open_master(0);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	must(slave >= 0, "TIOCGPTPEER");
	dup2(slave, 0);
	send_fd(pair[0], master);
	close(master);
	put(slave, "in\n");
	pause_here();
	verify(!strcmp(ttyname(slave), slave_name), "the slave of TIOCGPTPEER is %s", slave_name);
	master = receive_fd(pair[1]);
	verify(master >= 0 && reads(master, "in\r\n"), "a master that was in flight");
}

static int outside_master;

/* As a shell has it that somebody logged in to. */
static void attached(void)
{
	int slave = open_slave(0);

	put(slave, "before\n");
	pause_here();
	put(slave, "after\n");
	verify(reads(slave, "typed\n"), "what was typed meanwhile");
}

static void attached_again(void)
{
	struct subject s;
	const char *image = "/ckpt/selftest-attached.img";

	outside_master = open_master(O_CLOEXEC);
	int keep = open_slave(O_CLOEXEC);	/* else its end is seen */

	if (!subject_start(&s, "attached", attached))
		return;
	if (subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid)) {
		put(outside_master, "typed\n");
		if (subject_restart(&s, image, NULL))
			subject_finish(&s);
	}
	tap_ok(comes(outside_master, "after"), "attached: the terminal is the same one");
	close(keep);
	close(outside_master);
	unlink(image);
}

/* A devpts of the tree's own: others may have the same number. */
static void own_devpts(void)
{
	int master, slave;

	must(private_mounts() &&
	     mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=0620,ptmxmode=0666") == 0 &&
	     mount("/dev/pts/ptmx", "/dev/ptmx", NULL, MS_BIND, NULL) == 0, "devpts");
	master = open_master(0);
	slave = open_slave(0);
	put(master, "in it\n");
	pause_here();
	verify(!strcmp(ttyname(slave), "/dev/pts/0") && number_of(master) == 0, "in a devpts of its own: %s", ttyname(slave));
	verify(reads(slave, "in it\n"), "with what is in it");
	int other = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	verify(number_of(other) == 1, "where the next number is 1: %d", number_of(other));
}

static void own_devpts_beside_another(void)
{
	int outside = open_master(O_CLOEXEC), outside2 = open_master(O_CLOEXEC);

	subject_round("own devpts", own_devpts);
	close(outside);
	close(outside2);
}

static void holds_both(void)
{
	int master = open_master(0), slave = open_slave(0);

	must(dup2(master, 100) == 100 && dup2(slave, 101) == 101, "dup2");
	pause_here();
}

static void other_discipline(void)
{
	int slave, n_null = 27;

	open_master(0);
	slave = open_slave(0);
	must(ioctl(slave, TIOCSETD, &n_null) == 0, "TIOCSETD");
	pause_here();
}

static void mounted_elsewhere(void)
{
	int file;

	open_master(0);
	open_slave(0);
	file = open("/tmp/selftest/console", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	close(file);
	must(private_mounts() && mount(slave_name, "/tmp/selftest/console", NULL, MS_BIND, NULL) == 0, "mount");
	pause_here();
}

static void refused(const char *name, void (*body)(void), int fd, const char *word)
{
	struct subject s;
	char output[8192], pid[16];
	int held = -1, pidfd;

	if (!subject_start(&s, name, body))
		return;
	snprintf(pid, sizeof(pid), "%d", s.pid);
	pidfd = syscall(SYS_pidfd_open, s.pid, 0);
	if (fd == 101) {
		snprintf(output, sizeof(output), "/proc/%d/fd/101", s.pid);
		held = open(output, O_RDWR | O_NOCTTY | O_CLOEXEC);
	} else if (fd >= 0) {
		held = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	}
	for (int dry = 0; dry < 2; dry++) {
		int status = dry ? RUN(output, checkpoint_path, "--dry-run", pid) :
				   RUN(output, checkpoint_path, "-o", "/ckpt/selftest-refused.img", "--kill", pid);

		tap_ok(status == 1 && strstr(output, word), "%s is refused by name%s", name, dry ? ", and in a dry run" : "");
		if (!strstr(output, word))
			tap_diag("%s", output);
	}
	close(held);
	close(pidfd);
	subject_finish(&s);
}

static void taken_number(void)
{
	const char *image = "/ckpt/selftest-taken.img";
	char output[8192];
	struct subject s;

	if (!subject_start(&s, "taken", holds_both))
		return;
	if (subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL }) && wait_gone(s.pid)) {
		int other = open_master(O_CLOEXEC);
		int status = RUN(output, restart_path, "-i", image, "--detach");

		tap_ok(status && strstr(output, slave_name), "a number that somebody else has is an error that names it");
		if (!strstr(output, slave_name))
			tap_diag("%s", output);
		close(other);
		if (subject_restart(&s, image, NULL))
			subject_finish(&s);
	}
	unlink(image);
}

int main(void)
{
	need_checkpoint();
	subject_round("never opened", never_opened);
	subject_round("settings", settings);
	subject_round("lines", lines);
	subject_round("full", full);
	subject_round("stopped", stopped);
	subject_round("session", session);
	subject_round("closed slaves", closed_slaves);
	subject_round("no master", no_master);
	subject_round("hung up", hung_up);
	subject_round("all hung up", all_hung_up);
	subject_round("watched", watched);
	subject_round("in flight", in_flight);
	attached_again();
	own_devpts_beside_another();
	refused("a slave held outside", holds_both, 101, "has it open");
	refused("a master shared with the outside", holds_both, 100, "shares this open file");
	refused("another line discipline", other_discipline, -1, "line discipline");
	refused("one that is mounted elsewhere", mounted_elsewhere, -1, "mounted elsewhere");
	taken_number();
	return tap_done();
}
