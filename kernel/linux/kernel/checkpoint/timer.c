// SPDX-License-Identifier: GPL-2.0
/*
 * Checkpoint/restart of system calls that were interrupted with a time left.
 *
 * Most restart from their registers alone. Those that count down keep what is
 * left in the restart block, as a point in time; the image has the time left.
 */
#include <linux/checkpoint_ipc.h>
#include <linux/checkpoint_tasks.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <asm/syscall.h>
#include "../futex/futex.h"

static int now_on(u32 clock, ktime_t *now)
{
	switch (clock) {
	case CLOCK_MONOTONIC:
		*now = ktime_get();
		return 0;
	case CLOCK_REALTIME:
		*now = ktime_get_real();
		return 0;
	case CLOCK_BOOTTIME:
		*now = ktime_get_boottime();
		return 0;
	case CLOCK_TAI:
		*now = ktime_get_clocktai();
		return 0;
	}
	return -EINVAL;
}

/**
 * ckpt_restart_call - a system call was interrupted by a checkpoint alone
 * @fn:		goes on with it
 * @a:		its arguments: pointers
 * @b:		the same
 * @val:	numbers
 * @flags:	the same
 * @until:	when its time is up, on CLOCK_MONOTONIC
 *
 * Return: by what it is restarted, unless there is a signal by then.
 */
long ckpt_restart_call(long (*fn)(struct restart_block *rb), const void __user *a,
		       const void __user *b, u32 val, u32 flags, ktime_t until)
{
	struct restart_block *rb = &current->restart_block;

	rb->futex.uaddr = (u32 __user *)a;
	rb->futex.uaddr2 = (u32 __user *)b;
	rb->futex.val = val;
	rb->futex.flags = flags;
	rb->futex.time = until;
	return set_restart_fn(rb, fn);
}

int checkpoint_restart_block(struct ckpt_ctx *ctx, struct task_struct *t,
			     struct ckpt_thread *th)
{
	const struct restart_block *rb = &t->restart_block;
	struct task_struct *child = ckpt_vfork_child(ctx, t);
	ktime_t now, until;

	if (child) {
		th->restart_kind = CKPT_RESTART_VFORK;
		th->restart_arg[0] = task_pid_vnr(child);
		return 0;
	}

	if (syscall_get_nr(t, task_pt_regs(t)) == -1 ||
	    syscall_get_error(t, task_pt_regs(t)) != -ERESTART_RESTARTBLOCK)
		return 0;

	if (rb->fn == hrtimer_nanosleep_restart) {
		th->restart_kind = CKPT_RESTART_NANOSLEEP;
		th->restart_clock = rb->nanosleep.clockid;
		th->restart_arg[0] = rb->nanosleep.type;
		th->restart_arg[1] = (unsigned long)rb->nanosleep.rmtp;
		until = rb->nanosleep.expires;
	} else if (rb->fn == futex_wait_restart) {
		th->restart_kind = CKPT_RESTART_FUTEX;
		th->restart_clock = rb->futex.flags & FLAGS_CLOCKRT ?
				    CLOCK_REALTIME : CLOCK_MONOTONIC;
		th->restart_arg[0] = (unsigned long)rb->futex.uaddr;
		th->restart_arg[1] = rb->futex.val;
		th->restart_arg[2] = rb->futex.flags;
		th->restart_arg[3] = rb->futex.bitset;
		until = rb->futex.time;
	} else if (rb->fn == do_restart_poll) {
		th->restart_kind = CKPT_RESTART_POLL;
		th->restart_clock = CLOCK_MONOTONIC;
		th->restart_arg[0] = (unsigned long)rb->poll.ufds;
		th->restart_arg[1] = rb->poll.nfds;
		th->restart_arg[2] = rb->poll.has_timeout;
		until = ktime_set(rb->poll.tv_sec, rb->poll.tv_nsec);
	} else if (rb->fn == semtimedop_restart) {
		th->restart_kind = CKPT_RESTART_SEMTIMEDOP;
		th->restart_clock = CLOCK_MONOTONIC;
		th->restart_arg[0] = (unsigned long)rb->futex.uaddr;
		th->restart_arg[1] = rb->futex.val;
		th->restart_arg[2] = rb->futex.flags;
		until = rb->futex.time;
	} else if (rb->fn == ckpt_restart_epoll || rb->fn == ckpt_restart_sigtimedwait) {
		th->restart_kind = rb->fn == ckpt_restart_epoll ? CKPT_RESTART_EPOLL :
								  CKPT_RESTART_SIGTIMEDWAIT;
		th->restart_clock = CLOCK_MONOTONIC;
		th->restart_arg[0] = (unsigned long)rb->futex.uaddr;
		th->restart_arg[1] = rb->futex.val;
		th->restart_arg[2] = rb->futex.flags;
		th->restart_arg[3] = (unsigned long)rb->futex.uaddr2;
		until = rb->futex.time;
	} else {
		return ckpt_obstacle(ctx, -EOPNOTSUPP,
			"is in an interrupted system call (%d) that cannot be resumed elsewhere; try again later",
			syscall_get_nr(t, task_pt_regs(t)));
	}
	if (now_on(th->restart_clock, &now))
		return ckpt_obstacle(ctx, -EOPNOTSUPP, "sleeps on clock %u: not supported",
				     th->restart_clock);
	th->restart_ns = ktime_sub(until, now);
	return 0;
}

int restore_restart_block(struct restart_task *rt)
{
	const struct ckpt_thread *th = &rt->thread;
	struct restart_block *rb = &current->restart_block;
	struct timespec64 ts;
	ktime_t now, until;

	if (th->restart_kind == CKPT_RESTART_NONE || th->restart_kind == CKPT_RESTART_VFORK)
		return 0;
	if (now_on(th->restart_clock, &now))
		return restore_fail(rt, -EINVAL, "interrupted system call: unknown clock");
	until = ktime_add_safe(now, max_t(s64, th->restart_ns, 0));

	switch (th->restart_kind) {
	case CKPT_RESTART_NANOSLEEP:
		if (th->restart_arg[0] != TT_NONE && th->restart_arg[0] != TT_NATIVE)
			break;
		rb->nanosleep.clockid = th->restart_clock;
		rb->nanosleep.type = th->restart_arg[0];
		rb->nanosleep.rmtp = u64_to_user_ptr(th->restart_arg[1]);
		rb->nanosleep.expires = until;
		rb->fn = hrtimer_nanosleep_restart;
		return 0;
	case CKPT_RESTART_FUTEX:
		if (th->restart_arg[2] & ~(u64)(FLAGS_SIZE_32 | FLAGS_SHARED | FLAGS_CLOCKRT |
						FLAGS_HAS_TIMEOUT) || !th->restart_arg[3])
			break;
		rb->futex.uaddr = u64_to_user_ptr(th->restart_arg[0]);
		rb->futex.val = th->restart_arg[1];
		rb->futex.flags = th->restart_arg[2];
		rb->futex.bitset = th->restart_arg[3];
		rb->futex.time = until;
		rb->fn = futex_wait_restart;
		return 0;
	case CKPT_RESTART_POLL:
		ts = ktime_to_timespec64(until);
		rb->poll.ufds = u64_to_user_ptr(th->restart_arg[0]);
		rb->poll.nfds = th->restart_arg[1];
		rb->poll.has_timeout = !!th->restart_arg[2];
		rb->poll.tv_sec = ts.tv_sec;
		rb->poll.tv_nsec = ts.tv_nsec;
		rb->fn = do_restart_poll;
		return 0;
	case CKPT_RESTART_SEMTIMEDOP:
		rb->futex.uaddr = u64_to_user_ptr(th->restart_arg[0]);
		rb->futex.val = th->restart_arg[1];
		rb->futex.flags = th->restart_arg[2];
		rb->futex.time = until;
		rb->fn = semtimedop_restart;
		return 0;
	case CKPT_RESTART_EPOLL:
	case CKPT_RESTART_SIGTIMEDWAIT:
		rb->futex.uaddr = u64_to_user_ptr(th->restart_arg[0]);
		rb->futex.uaddr2 = u64_to_user_ptr(th->restart_arg[3]);
		rb->futex.val = th->restart_arg[1];
		rb->futex.flags = th->restart_arg[2];
		rb->futex.time = until;
		rb->fn = th->restart_kind == CKPT_RESTART_EPOLL ? ckpt_restart_epoll :
								  ckpt_restart_sigtimedwait;
		return 0;
	}
	return restore_fail(rt, -EINVAL, "interrupted system call: invalid arguments");
}
