// SPDX-License-Identifier: Apache-2.0
/* Programs that serve: redis-server with its keys, python3 with asyncio. */
/* covers: Programs | redis-server: its keys, clients connect again | supported */
/* covers: Programs | python3: asyncio with streams, timers, a subprocess | supported */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define REDIS	"/usr/bin/redis-server"
#define PYTHON	"/usr/bin/python3"
#define PORT	6399
#define KEYS	100

static int connect_redis(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	/* It may be about to listen, or be on its way back. */
	for (int tries = 0; tries < 6000; tries++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (void *)&addr, sizeof(addr)) == 0)
			return fd;
		close(fd);
		usleep(10000);
	}
	return -1;
}

/* One inline command; its answer begins with what is expected. */
static bool answers(int fd, const char *want, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool answers(int fd, const char *want, const char *fmt, ...)
{
	char line[128], got[128] = "";
	size_t len = 0, wanted = strlen(want);
	ssize_t n;
	va_list ap;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (send(fd, line, n, MSG_NOSIGNAL) != n)
		return false;
	while (len < wanted && (n = recv(fd, got + len, wanted - len, 0)) > 0)
		len += n;
	return len == wanted && !memcmp(got, want, wanted);
}

static void redis_body(void)
{
	ready();
	execl(REDIS, "redis-server", "--port", "6399", "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", "/tmp",
	      "--logfile", "/tmp/selftest/redis.log", NULL);
	_exit(127);
}

static int set_keys(void)
{
	int fd = connect_redis(), set = 0;

	for (int i = 0; i < KEYS; i++)
		set += answers(fd, "+OK\r\n", "SET key%d value%d\r\n", i, i);
	close(fd);
	return set;
}

static int count_keys(int fd)
{
	int there = 0;

	for (int i = 0; i < KEYS; i++) {
		char want[64], value[32];
		int n = snprintf(value, sizeof(value), "value%d", i);

		snprintf(want, sizeof(want), "$%d\r\n%s\r\n", n, value);
		there += answers(fd, want, "GET key%d\r\n", i);
	}
	return there;
}

/* Three times: each image is of a server that came back from the one before. */
static void redis(void)
{
	static const char *const image = "/ckpt/selftest-redis.img";
	struct subject s;
	int fd;

	if (!subject_start(&s, "redis", redis_body))
		return;
	tap_ok(set_keys() == KEYS, "redis: %d keys are set", KEYS);
	for (int round = 1; round <= 3; round++) {
		if (!subject_checkpoint(&s, image, (const char *const[]){ "--kill", NULL }) || !wait_gone(s.pid) ||
		    !subject_restart(&s, image, NULL))
			break;
		fd = connect_redis();
		tap_ok(fd >= 0 && answers(fd, "+PONG\r\n", "PING\r\n"), "redis: a client connects after restart %d", round);
		tap_ok(count_keys(fd) == KEYS, "redis: all keys are there");
		tap_ok(answers(fd, "+OK\r\n", "SET round %d\r\n", round), "redis: and more are set");
		close(fd);
		/* It notices that the client has gone before it is at rest again. */
		usleep(300000);
	}
	unlink(image);
	subject_end(&s);
}

static const char script[] =
"import asyncio, os\n"
"def verify(good, what):\n"
"    with open('/tmp/selftest/said', 'a') as said: said.write(('+' if good else '-') + what + '\\n')\n"
"async def serve(reader, writer):\n"
"    while line := await reader.readline():\n"
"        writer.write(line.upper())\n"
"        await writer.drain()\n"
"    writer.close()\n"
"async def main():\n"
"    server = await asyncio.start_unix_server(serve, '/tmp/selftest/asyncio.sock')\n"
"    reader, writer = await asyncio.open_unix_connection('/tmp/selftest/asyncio.sock')\n"
"    writer.write(b'before\\n')\n"
"    verify(await reader.readline() == b'BEFORE\\n', 'a connection answers before')\n"
"    slept = asyncio.create_task(asyncio.sleep(0.5, 'slept'))\n"
"    process = await asyncio.create_subprocess_exec('cat', stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)\n"
"    open('/tmp/selftest/ready', 'w').close()\n"
"    while not os.path.exists('/tmp/selftest/go'): await asyncio.sleep(0.01)\n"
"    writer.write(b'after\\n')\n"
"    verify(await reader.readline() == b'AFTER\\n', 'and after the restart')\n"
"    verify(await slept == 'slept', 'a sleep ends')\n"
"    again, other = await asyncio.open_unix_connection('/tmp/selftest/asyncio.sock')\n"
"    other.write(b'new\\n')\n"
"    verify(await again.readline() == b'NEW\\n', 'a new connection answers')\n"
"    out, _ = await process.communicate(b'through a child')\n"
"    verify(out == b'through a child' and process.returncode == 0, 'a subprocess answers, and its end is seen')\n"
"asyncio.run(main())\n"
"open('/tmp/selftest/done', 'w').close()\n";

static void asyncio_body(void)
{
	unlink("/tmp/selftest/asyncio.sock");
	execl(PYTHON, "python3", "-c", script, NULL);
	_exit(127);
}

int main(void)
{
	need_checkpoint();
	if (access(REDIS, X_OK) < 0 || access(PYTHON, X_OK) < 0)
		tap_skip_all("there is no redis-server or python3");
	redis();
	subject_round("asyncio", asyncio_body);
	return tap_done();
}
