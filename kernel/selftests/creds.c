// SPDX-License-Identifier: Apache-2.0
/* Who the process is: ids, groups, capabilities, no_new_privs, limits. */
/* covers: Tasks | users, groups, capabilities | supported */
#define _GNU_SOURCE
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

static void body(void)
{
	gid_t groups[] = { 1000, 44, 100 }, now[8];
	struct rlimit limit = { 123, 456 };
	uid_t r, e, s;

	setrlimit(RLIMIT_NOFILE, &limit);
	prctl(PR_SET_NAME, "creds-test");
	if (setgroups(3, groups) || setresgid(1000, 1001, 1002) || setresuid(1000, 1001, 1002))
		_exit(1);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, 0);
	pause_here();
	getresuid(&r, &e, &s);
	verify(r == 1000 && e == 1001 && s == 1002, "user ids");
	getresgid(&r, &e, &s);
	verify(r == 1000 && e == 1001 && s == 1002, "group ids");
	verify(getgroups(8, now) == 3, "supplementary groups");
	verify(setuid(0) < 0, "no way back to root");
	verify(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs");
	verify(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 123 && limit.rlim_max == 456, "limits");
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	verify(name[0] == 'c' && name[5] == '-', "name (%s)", name);
}

int main(void)
{
	need_checkpoint();
	subject_round("creds", body);
	return tap_done();
}
