/** What the kernel times, counts and schedules of a task, and what it may call. */
import type { Cursor } from "./cursor.js";
import type { Fields } from "./records.js";

const times = <T>(n: number, make: () => T): T[] => Array.from({ length: n }, make);

export function account(c: Cursor): Fields {
  return {
    itimerNs: times(3, () => c.signedDigits()),
    itimerIntervalNs: times(3, () => c.signedDigits()),
    utimeNs: c.digits(),
    stimeNs: c.digits(),
    runtimeNs: c.digits(),
    cutimeNs: c.digits(),
    cstimeNs: c.digits(),
    stopCode: c.u32(),
    continued: c.u32(),
    nextTimer: c.u32(),
  };
}

export function timers(c: Cursor): Fields {
  const timers: Fields[] = [];
  while (c.left > 0) {
    timers.push({
      id: c.s32(),
      clock: c.s32(),
      notify: c.u32(),
      signo: c.s32(),
      sigval: c.hex(),
      tid: c.s32(),
      flags: c.hex32(),
      valueNs: c.signedDigits(),
      intervalNs: c.signedDigits(),
      overrun: c.signedDigits(),
      overrunLast: c.signedDigits(),
    });
  }
  return { timers };
}

export function sched(c: Cursor): Fields {
  return {
    policy: c.u32(),
    nice: c.s32(),
    rtPriority: c.u32(),
    flags: c.hex32(),
    cpus: times(16, () => c.hex()),
    defaultTimerSlackNs: c.digits(),
    utimeNs: c.digits(),
    stimeNs: c.digits(),
    runtimeNs: c.digits(),
    ioprio: c.u32(),
    seccompMode: c.u32(),
    seccomp: c.u32(),
    sliceNs: c.u32(),
  };
}

export const deadline = (c: Cursor): Fields => ({
  runtimeNs: c.digits(),
  deadlineNs: c.digits(),
  periodNs: c.digits(),
  flags: c.hex(),
});

export const dispatch = (c: Cursor): Fields => ({ offset: c.hex(), len: c.hex(), selector: c.hex() });

export const unshared = (c: Cursor): Fields => ({
  files: c.u32(),
  fs: c.u32(),
  uts: c.u32(),
  ipc: c.u32(),
  net: c.u32(),
  mnt: c.u32(),
  cgroup: c.u32(),
});

const counts = (c: Cursor): Fields => ({
  minFlt: c.digits(),
  majFlt: c.digits(),
  nvcsw: c.digits(),
  nivcsw: c.digits(),
  inblock: c.digits(),
  oublock: c.digits(),
});

export function usage(c: Cursor): Fields {
  const pid = c.s32();
  c.skip(4);
  return {
    pid,
    startNs: c.digits(),
    startBoottimeNs: c.digits(),
    utimeNs: c.digits(),
    stimeNs: c.digits(),
    runtimeNs: c.digits(),
    cutimeNs: c.digits(),
    cstimeNs: c.digits(),
    self: counts(c),
    ended: counts(c),
    children: counts(c),
    maxrss: c.digits(),
    childrenMaxrss: c.digits(),
  };
}

export const seccomp = (c: Cursor): Fields => ({ prev: c.u32(), flags: c.hex32(), nrInsns: c.u32() });
