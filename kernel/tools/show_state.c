// SPDX-License-Identifier: Apache-2.0
/* Records of CPU times, timers, scheduling and seccomp. */
#include "show_state.h"

#include <string.h>

#include "json.h"

static void digits_array(const char *key, const int64_t *at, int nr)
{
	json_open(key, '[');
	for (int i = 0; i < nr; i++)
		json_signed_digits(NULL, at[i]);
	json_close(']');
}

static void account_json(const void *body)
{
	struct ckpt_account a;

	memcpy(&a, body, sizeof(a));
	digits_array("itimerNs", (const int64_t *)a.itimer_ns, CKPT_ITIMERS);
	digits_array("itimerIntervalNs", (const int64_t *)a.itimer_interval_ns, CKPT_ITIMERS);
	json_digits("utimeNs", a.utime_ns);
	json_digits("stimeNs", a.stime_ns);
	json_digits("runtimeNs", a.runtime_ns);
	json_digits("cutimeNs", a.cutime_ns);
	json_digits("cstimeNs", a.cstime_ns);
	json_number("stopCode", a.stop_code);
	json_number("continued", a.continued);
	json_number("nextTimer", a.next_timer);
}

static void timers_json(const unsigned char *body, size_t len)
{
	struct ckpt_timer t;

	json_open("timers", '[');
	for (; len >= sizeof(t); body += sizeof(t), len -= sizeof(t)) {
		memcpy(&t, body, sizeof(t));
		json_open(NULL, '{');
		json_signed("id", t.id);
		json_signed("clock", t.clock);
		json_number("notify", t.notify);
		json_signed("signo", t.signo);
		json_hex("sigval", t.sigval);
		json_signed("tid", t.tid);
		json_hex("flags", t.flags);
		json_signed_digits("valueNs", t.value_ns);
		json_signed_digits("intervalNs", t.interval_ns);
		json_signed_digits("overrun", t.overrun);
		json_signed_digits("overrunLast", t.overrun_last);
		json_close('}');
	}
	json_close(']');
}

static void sched_json(const void *body)
{
	struct ckpt_sched s;

	memcpy(&s, body, sizeof(s));
	json_number("policy", s.policy);
	json_signed("nice", s.nice);
	json_number("rtPriority", s.rt_priority);
	json_hex("flags", s.flags);
	json_open("cpus", '[');
	for (int i = 0; i < CKPT_CPU_WORDS; i++)
		json_hex(NULL, s.cpus[i]);
	json_close(']');
	json_digits("defaultTimerSlackNs", s.default_timer_slack_ns);
	json_digits("utimeNs", s.utime_ns);
	json_digits("stimeNs", s.stime_ns);
	json_digits("runtimeNs", s.runtime_ns);
	json_number("ioprio", s.ioprio);
	json_number("seccompMode", s.seccomp_mode);
	json_number("seccomp", s.seccomp);
	json_number("sliceNs", s.slice_ns);
}

static void seccomp_json(const void *body)
{
	struct ckpt_seccomp s;

	memcpy(&s, body, sizeof(s));
	json_number("prev", s.prev);
	json_hex("flags", s.flags);
	json_number("nrInsns", s.nr_insns);
}

static void deadline_json(const void *body)
{
	struct ckpt_deadline d;

	memcpy(&d, body, sizeof(d));
	json_digits("runtimeNs", d.runtime_ns);
	json_digits("deadlineNs", d.deadline_ns);
	json_digits("periodNs", d.period_ns);
	json_hex("flags", d.flags);
}

static void dispatch_json(const void *body)
{
	struct ckpt_dispatch d;

	memcpy(&d, body, sizeof(d));
	json_hex("offset", d.offset);
	json_hex("len", d.len);
	json_hex("selector", d.selector);
}

static void unshared_json(const void *body)
{
	struct ckpt_unshared u;

	memcpy(&u, body, sizeof(u));
	json_number("files", u.files);
	json_number("fs", u.fs);
	json_number("uts", u.uts);
	json_number("ipc", u.ipc);
	json_number("net", u.net);
	json_number("mnt", u.mnt);
	json_number("cgroup", u.cgroup);
}

static void counts_json(const char *key, const struct ckpt_counts *c)
{
	json_open(key, '{');
	json_digits("minFlt", c->min_flt);
	json_digits("majFlt", c->maj_flt);
	json_digits("nvcsw", c->nvcsw);
	json_digits("nivcsw", c->nivcsw);
	json_digits("inblock", c->inblock);
	json_digits("oublock", c->oublock);
	json_close('}');
}

static void usage_json(const void *body)
{
	struct ckpt_usage u;

	memcpy(&u, body, sizeof(u));
	json_signed("pid", u.pid);
	json_digits("startNs", u.start_ns);
	json_digits("startBoottimeNs", u.start_boottime_ns);
	json_digits("utimeNs", u.utime_ns);
	json_digits("stimeNs", u.stime_ns);
	json_digits("runtimeNs", u.runtime_ns);
	json_digits("cutimeNs", u.cutime_ns);
	json_digits("cstimeNs", u.cstime_ns);
	counts_json("self", &u.self);
	counts_json("ended", &u.ended);
	counts_json("children", &u.children);
	json_digits("maxrss", u.maxrss);
	json_digits("childrenMaxrss", u.children_maxrss);
}

bool show_state_json(const struct record *record)
{
	switch (record->type) {
	case CKPT_REC_ACCOUNT: account_json(record->body); return true;
	case CKPT_REC_TIMERS: timers_json(record->body, record->body_len); return true;
	case CKPT_REC_SCHED: sched_json(record->body); return true;
	case CKPT_REC_DEADLINE: deadline_json(record->body); return true;
	case CKPT_REC_DISPATCH: dispatch_json(record->body); return true;
	case CKPT_REC_UNSHARED: unshared_json(record->body); return true;
	case CKPT_REC_USAGE: usage_json(record->body); return true;
	case CKPT_REC_SECCOMP: seccomp_json(record->body); return true;
	}
	return false;
}

bool show_state_text(const struct record *record)
{
	struct ckpt_unshared u;
	struct ckpt_account a;
	struct ckpt_seccomp f;
	struct ckpt_usage n;
	struct ckpt_sched s;

	switch (record->type) {
	case CKPT_REC_ACCOUNT:
		memcpy(&a, record->body, sizeof(a));
		printf("alarm in %lld ns, children used %llu ns", (long long)a.itimer_ns[0],
		       (unsigned long long)(a.cutime_ns + a.cstime_ns));
		return true;
	case CKPT_REC_TIMERS:
		printf("%zu timers", record->body_len / sizeof(struct ckpt_timer));
		return true;
	case CKPT_REC_SCHED:
		memcpy(&s, record->body, sizeof(s));
		printf("policy %u, nice %d, seccomp mode %u", s.policy, s.nice, s.seccomp_mode);
		return true;
	case CKPT_REC_UNSHARED:
		memcpy(&u, record->body, sizeof(u));
		printf("files %u, fs %u, uts %u, ipc %u, net %u, mnt %u, cgroup %u", u.files, u.fs, u.uts, u.ipc,
		       u.net, u.mnt, u.cgroup);
		return true;
	case CKPT_REC_USAGE:
		memcpy(&n, record->body, sizeof(n));
		printf("pid %d, started at %llu ns, %llu page faults, at most %llu bytes in memory", n.pid,
		       (unsigned long long)n.start_boottime_ns,
		       (unsigned long long)(n.self.min_flt + n.self.maj_flt), (unsigned long long)n.maxrss);
		return true;
	case CKPT_REC_SECCOMP:
		memcpy(&f, record->body, sizeof(f));
		printf("%u instructions, on top of %u", f.nr_insns, f.prev);
		return true;
	}
	return false;
}
