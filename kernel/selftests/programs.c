// SPDX-License-Identifier: Apache-2.0
/*
 * Debian's own programs: each is started, is checkpointed and restarted
 * several times in a row while it works, and then says whether all is there.
 *
 *	programs [ROUNDS [NAME...]]	all, or those named
 *	programs --list
 *	programs --save NAME		start it, checkpoint --kill; the image stays
 *	programs --load NAME		restart it, perhaps after a reboot, and go on
 *
 * Those that need more packages than every guest has are scripts in CASES
 * (images/programs): one says that it is ready, and waits for the word to go on,
 * as subject.h has it.
 */
/* covers: Programs | bash: a pipeline and a background job | supported */
/* covers: Programs | python3: threads, a queue, a subprocess | supported */
/* covers: Programs | sqlite3: in the middle of a transaction | supported */
#define _GNU_SOURCE
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define IMAGE	"/ckpt/selftest-program.img"
#define CASES	"/usr/lib/crlab/programs"
#define MAX_CASES	64
#define FIRST_PID	20000

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

static const char *case_name;

static void run_case(void)
{
	char path[512];

	snprintf(path, sizeof(path), CASES "/%s", case_name);
	execl(path, case_name, NULL);
	_exit(127);
}

static struct program {
	const char *name;
	void (*body)(void);
} programs[MAX_CASES] = {
	{ "bash", run_bash }, { "python3", run_python }, { "sqlite3", run_sqlite },
};

static int nr_programs = 3;

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct program *)a)->name, ((const struct program *)b)->name);
}

static void find_cases(void)
{
	int first = nr_programs;
	DIR *dir = opendir(CASES);
	struct dirent *e;

	while (dir && (e = readdir(dir)) && nr_programs < MAX_CASES)
		if (e->d_type == DT_REG)
			programs[nr_programs++] = (struct program){ strdup(e->d_name), run_case };
	if (dir)
		closedir(dir);
	qsort(programs + first, nr_programs - first, sizeof(programs[0]), by_name);
}

static bool start(struct subject *s, const struct program *p)
{
	case_name = p->name;
	return subject_start(s, p->name, p->body);
}

static void in_rounds(const struct program *p, int rounds)
{
	struct subject s;

	if (!start(&s, p))
		return;
	for (int i = 0; i < rounds; i++) {
		if (!subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", NULL }) || !wait_gone(s.pid) ||
		    !subject_restart(&s, IMAGE, NULL)) {
			tap_diag("%s: in round %d", p->name, i + 1);
			subject_end(&s);
			return;
		}
		/* It gets on, between two. */
		usleep(100000);
	}
	tap_ok(true, "%s: checkpointed and restarted %d times", p->name, rounds);
	subject_finish(&s);
	unlink(IMAGE);
}

static void save(const struct program *p)
{
	struct subject s;
	FILE *f;

	/* Above what a machine needs that has just booted. */
	f = fopen("/proc/sys/kernel/ns_last_pid", "we");
	if (!f || fprintf(f, "%d", FIRST_PID) < 0 || fclose(f) != 0)
		tap_diag("%s: its pids may be taken after a reboot", p->name);
	/* What is unlinked in /tmp would be lost with it. */
	if (!start(&s, p) ||
	    !subject_checkpoint(&s, IMAGE, (const char *const[]){ "--kill", "--unlinked=copy", NULL }) ||
	    !wait_gone(s.pid))
		return;
	f = fopen(IMAGE ".pid", "we");
	tap_ok(f && fprintf(f, "%d\n", s.pid) > 0 && fclose(f) == 0, "%s: is an image", p->name);
	sync();
}

static void load(const struct program *p)
{
	struct subject s = { .name = p->name };
	FILE *f = fopen(IMAGE ".pid", "re");

	if (!f || fscanf(f, "%d", &s.pid) != 1) {
		tap_ok(false, "%s: there is no image", p->name);
		return;
	}
	fclose(f);
	mkdir(scratch, 0777);
	if (!subject_restart(&s, IMAGE, NULL))
		return;
	tap_ok(true, "%s: runs after a reboot", p->name);
	subject_finish(&s);
}

static void for_program(const char *name, int rounds, void (*one)(const struct program *))
{
	for (int i = 0; i < nr_programs; i++) {
		if (name && strcmp(name, programs[i].name))
			continue;
		if (one)
			one(&programs[i]);
		else
			in_rounds(&programs[i], rounds);
		if (name)
			return;
	}
	if (name)
		tap_ok(false, "there is a program %s", name);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 2;

	find_cases();
	if (argc > 1 && !strcmp(argv[1], "--list")) {
		for (int i = 0; i < nr_programs; i++)
			puts(programs[i].name);
		return 0;
	}
	need_checkpoint();
	if (argc > 2 && !strcmp(argv[1], "--save"))
		for_program(argv[2], 0, save);
	else if (argc > 2 && !strcmp(argv[1], "--load"))
		for_program(argv[2], 0, load);
	else if (argc > 2)
		for (int i = 2; i < argc; i++)
			for_program(argv[i], rounds, NULL);
	else
		for_program(NULL, rounds, NULL);
	return tap_done();
}
