// SPDX-License-Identifier: Apache-2.0
/*
 * Debian's own programs: each is started, is checkpointed and restarted
 * several times in a row while it works, and then says whether all is there.
 *
 *	programs [ROUNDS]
 */
/* covers: Programs | bash: a pipeline and a background job | supported */
/* covers: Programs | python3: threads, a queue, a subprocess | supported */
/* covers: Programs | sqlite3: in the middle of a transaction | supported */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-program.img"

static const char bash[] =
	"cd /tmp/selftest\n"
	"say() { echo \"$1\" >> said; }\n"
	"count() { i=0; while [ ! -e go ]; do echo $i; i=$((i+1)); sleep 0.01; done; echo end $i; }\n"
	"check() { n=0; while read a b; do\n"
	"  if [ $a = end ]; then [ $b = $n ] && say \"+all that went into the pipeline came out\" || say \"-$n of $b\"; break; fi\n"
	"  [ $a = $n ] || say \"-$a instead of $n\"; n=$((n+1)); done; }\n"
	"set -m\n"
	"sleep 1000 & job=$!\n"
	"kill -STOP $job\n"
	"until read -r _ _ state _ < /proc/$job/stat; [ $state = T ]; do sleep 0.01; done\n"
	"set +m\n"
	"count | cat | check & pipeline=$!\n"
	"touch ready\n"
	"wait $pipeline\n"
	"jobs > jobs.txt; grep -q Stopped jobs.txt && say '+a stopped job is one still' || say \"-jobs: $(cat jobs.txt)\"\n"
	"kill -CONT $job; kill $job; while kill -0 $job 2> /dev/null; do sleep 0.01; done; say '+and can be ended'\n"
	"rm -f jobs.txt; touch done\n";

static const char python[] =
	"import os, queue, subprocess, threading, time\n"
	"os.chdir('/tmp/selftest')\n"
	"said = lambda good, text: open('said', 'a').write(('+' if good else '-') + text + '\\n')\n"
	"work, results, stop = queue.Queue(20), [], threading.Event()\n"
	"def produce():\n"
	"    n = 0\n"
	"    while not stop.is_set():\n"
	"        work.put(n); n += 1; time.sleep(0.002)\n"
	"    work.put(None); results.append(('put', n))\n"
	"def consume():\n"
	"    n = 0\n"
	"    while (item := work.get()) is not None:\n"
	"        if item != n: results.append(('wrong', item))\n"
	"        n += 1\n"
	"    results.append(('got', n))\n"
	"cat = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
	"threads = [threading.Thread(target=t) for t in (produce, consume)]\n"
	"[t.start() for t in threads]\n"
	"open('ready', 'w').close()\n"
	"echoed = 0\n"
	"while not os.path.exists('go'):\n"
	"    cat.stdin.write(b'%d\\n' % echoed); cat.stdin.flush()\n"
	"    assert cat.stdout.readline() == b'%d\\n' % echoed\n"
	"    echoed += 1; time.sleep(0.005)\n"
	"stop.set(); [t.join() for t in threads]\n"
	"cat.stdin.close()\n"
	"counts = dict(results)\n"
	"said(counts['put'] == counts['got'] and 'wrong' not in counts, 'threads and queue: %s' % counts)\n"
	"said(cat.wait() == 0, 'the subprocess has echoed all %d lines and ends' % echoed)\n"
	"open('done', 'w').close()\n";

static const char sqlite[] =
	"cd /tmp/selftest; rm -f db* fifo; mkfifo fifo\n"
	"sqlite3 db < fifo > out.txt 2>&1 & pid=$!\n"
	"exec 3> fifo; rm fifo\n"
	"echo 'create table t(n integer primary key, text);' >&3\n"
	"echo 'insert into t values (1, \"before\"); begin; insert into t values (2, \"within\");' >&3\n"
	"echo '.print begun' >&3\n"
	"until grep -q begun out.txt; do sleep 0.01; done\n"
	"touch ready; n=3\n"
	"while [ ! -e go ]; do echo \"insert into t values ($n, 'more');\" >&3; n=$((n+1)); sleep 0.02; done\n"
	"echo 'commit; select \"rows \" || count(*) from t; pragma integrity_check;' >&3\n"
	"exec 3>&-; wait $pid; status=$?\n"
	"want=\"begun rows $((n-1)) ok\"; got=$(echo $(cat out.txt))\n"
	"[ $status = 0 ] && [ \"$got\" = \"$want\" ] && echo \"+transaction committed: $got\" >> said || echo \"-$got, not $want\" >> said\n"
	"rm -f db* out.txt; touch done\n";

static void run_bash(void) { execl("/bin/bash", "bash", "-c", bash, NULL); _exit(127); }
static void run_python(void) { execl("/usr/bin/python3", "python3", "-c", python, NULL); _exit(127); }
static void run_sqlite(void) { execl("/bin/bash", "bash", "-c", sqlite, NULL); _exit(127); }

static void program(const char *name, void (*body)(void), int rounds)
{
	struct subject s;

	if (!subject_start(&s, name, body))
		return;
	for (int i = 0; i < rounds; i++) {
		if (!subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) || !wait_gone(s.pid) ||
		    !subject_restart(&s, IMAGE, NULL)) {
			subject_end(&s);
			return;
		}
		/* It gets on, between two. */
		usleep(100000);
	}
	tap_ok(true, "%s: checkpointed and restarted %d times", name, rounds);
	subject_finish(&s);
	unlink(IMAGE);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 2;

	need_checkpoint();
	program("bash", run_bash, rounds);
	program("python3", run_python, rounds);
	if (access("/usr/bin/sqlite3", X_OK) == 0)
		program("sqlite3", run_sqlite, rounds);
	else
		tap_ok(true, "sqlite3 # SKIP it is not installed");
	return tap_done();
}
