/**
 * What the records of an image hold. It follows kernel/linux/include/uapi/linux/checkpoint_image.h, the only definition of
 * the format, field by field, and gives what `ckptinfo --json` gives.
 */
import {
  bpfMap,
  datagram,
  epollItems,
  eventfd,
  hugetlb,
  ioUring,
  memfd,
  packetRing,
  pidfd,
  report,
  ringData,
  signalfd,
  socket,
  socketFilter,
  socketMsg,
  tcp,
  tcpData,
  timerfd,
  tun,
} from "./anon.js";
import { bytesToHex, Cursor } from "./cursor.js";
import { cgroupNs, cgroups, ipcNs, mqueue, msg, namespaces, sem, semUndo, shm, time, uts } from "./ipc.js";
import { account, deadline, dispatch, sched, seccomp, timers, unshared, usage } from "./state.js";
import { pty, ptyState } from "./tty.js";
import { event, fanotify, inotify, watch } from "./watches.js";

export interface RecordType {
  name: string;
  /** Bytes of the structure it begins with. */
  fixed: number;
  /** Bytes of the elements its tail is made of; 0: no tail. */
  element: number;
  /** NUL-terminated strings its tail is made of. */
  strings?: number;
  decode: (cursor: Cursor) => Fields;
}

export type Fields = { [key: string]: Value };
export type Value = number | string | boolean | null | Value[] | Fields;

/** One record, with its place in the image and its decoded fields. */
export type ImageRecord = { offset: number; type: string; objref: number; len: number } & Fields;

const name = (names: readonly (string | undefined)[], kind: number): string | number => names[kind] ?? kind;
// biome-ignore format: in the order of their numbers
const fileKinds = [
  undefined, "path", "relinked", "pipe", "tty", "inotify", "fanotify", undefined, "copied",
  "hidden", "dead_proc", "other_name", undefined, undefined, undefined, undefined,
  "eventfd", "signalfd", "timerfd", "epoll", "memfd", "socket", "pidfd",
  "pty-master", "pty-slave", "mqueue", "io_uring", "tun", "bpf-map",
] as const;
const ownerTypes = ["none", "process", "group", "thread"] as const;
const lockKinds = [undefined, "posix", "ofd", "flock", "lease"] as const;
const lockTypes = [undefined, "read", "write"] as const;
const vmaKinds = [undefined, "anon", "file", "shmem", "vdso", "vvar", "sysv", "aio", "hugetlb"] as const;
const trackers = ["default", "soft-dirty", "wp", "scan", "hash"] as const;
const extentKinds = [undefined, "data", "zero", "parent"] as const;
const restartKinds = ["none", "nanosleep", "futex", "poll", "semtimedop", "epoll", "sigtimedwait", "vfork"] as const;
// biome-ignore format: in the order of their bits
const vmaFlags = [
  "read", "write", "exec", "shared", "growsdown", "locked", "lockonfault", "noreserve", "dontfork", "dontdump",
  "wipeonfork", "hugepage", "nohugepage", "mergeable", "rand_read", "seq_read", "sealed", "rdonly", "droppable",
] as const;

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const rest = <T>(c: Cursor, element: number, make: () => T): T[] => times(Math.floor(c.left / element), make);
const id = (c: Cursor): string => bytesToHex(c.take(16));

function header(c: Cursor): Fields {
  c.skip(8); // magic
  const [version, arch, pageSize, nrTasks] = [c.u32(), c.u32(), c.u32(), c.u32()];
  const imageId = id(c);
  const parentId = id(c);
  return {
    version,
    arch,
    pageSize,
    nrTasks,
    imageId,
    parentId: /^0*$/.test(parentId) ? null : parentId,
    realtimeNs: c.digits(),
    boottimeNs: c.digits(),
    features: c.hex(),
    release: c.text(64),
  };
}

const task = (c: Cursor): Fields => ({
  pid: c.s32(),
  tgid: c.s32(),
  ppid: c.s32(),
  pgid: c.s32(),
  sid: c.s32(),
  flags: c.hex32(),
  exitCode: c.s32(),
  exitSignal: c.s32(),
});

function file(c: Cursor): Fields {
  const fields: Fields = {
    kind: name(fileKinds, c.u32()),
    flags: c.hex32(),
    pos: c.signedDigits(),
    pipe: c.u32(),
    mode: c.u32(),
    ino: c.digits(),
    dev: c.digits(),
    rdev: c.digits(),
    size: c.number(),
    blocks: c.number(),
    atimeNs: c.signedDigits(),
    mtimeNs: c.signedDigits(),
    ctimeNs: c.signedDigits(),
    fsid: c.hex(),
    fsUuid: id(c),
    fsMagic: c.hex32(),
    generation: c.u32(),
    nlink: c.u32(),
    rwHint: c.u32(),
    cred: c.u32(),
    ownerType: name(ownerTypes, c.u32()),
    ownerPid: c.s32(),
    ownerSig: c.s32(),
    ownerUid: c.u32(),
    ownerEuid: c.u32(),
    asyncFd: c.s32(),
    fileFlags: c.hex32(),
    advice: c.hex32(),
    mnt: c.u32(),
  };
  return { ...fields, path: c.string(), path2: c.string() };
}

function attributes(c: Cursor): Fields {
  const fields: Fields = {
    size: c.number(),
    ino: c.digits(),
    mode: c.u32(),
    uid: c.u32(),
    gid: c.u32(),
    linkable: c.u32(),
    rdev: c.u32(),
  };
  c.skip(4);
  return {
    ...fields,
    atimeNs: c.signedDigits(),
    mtimeNs: c.signedDigits(),
    ctimeNs: c.signedDigits(),
  };
}

function contents(c: Cursor): Fields {
  return { ...attributes(c), path: c.string() };
}

function extents(c: Cursor, max: number): Fields[] {
  const all: Fields[] = [];
  while (all.length < max && c.left >= 12) all.push({ first: c.u32(), lower: c.u32(), count: c.u32() });
  return all;
}

function userNs(c: Cursor): Fields {
  const [owner, group, flags, nrUids] = [c.u32(), c.u32(), c.hex32(), c.u32()];
  c.skip(8); // how many gids; reserved
  return { owner, group, flags, uids: extents(c, nrUids), gids: extents(c, Number.POSITIVE_INFINITY) };
}

function network(c: Cursor): Fields {
  return { messagesBytes: c.u32(), sysctlsBytes: c.u32(), ownUser: c.u32() };
}

function innerMounts(c: Cursor): Fields {
  return { ownUser: c.u32(), pid: c.s32(), base: c.u32() };
}

function tmpfs(c: Cursor): Fields {
  c.skip(16); // UUID
  const [nextIno, flags, mnt] = [c.digits(), c.hex32(), c.u32()];
  return { nextIno, flags, mnt, path: c.string() };
}

function tmpfsInode(c: Cursor): Fields {
  return {
    ...attributes(c),
    cookie: c.digits(),
    nextCookie: c.digits(),
    btimeNs: c.signedDigits(),
    dir: c.u32(),
    generation: c.u32(),
    name: c.string(),
    target: c.string(),
  };
}

function tmpfsLink(c: Cursor): Fields {
  const [cookie, dir] = [c.digits(), c.u32()];
  c.skip(4);
  return { cookie, dir, name: c.string() };
}

function xattr(c: Cursor): Fields {
  c.skip(4); // length of the name
  const valueLen = c.u32();
  return { name: c.text(c.left), valueLen };
}

function mm(c: Cursor): Fields {
  const fields: Fields = {
    trackId: c.digits(),
    startCode: c.hex(),
    endCode: c.hex(),
    startData: c.hex(),
    endData: c.hex(),
    startBrk: c.hex(),
    brk: c.hex(),
    startStack: c.hex(),
    argStart: c.hex(),
    argEnd: c.hex(),
    envStart: c.hex(),
    envEnd: c.hex(),
    vdso: c.hex(),
    defFlags: c.hex(),
    auxv: times(48, () => c.hex()),
    exeFile: c.u32(),
    nrVmas: c.u32(),
    dumpable: c.u32(),
    thpDisable: c.u32(),
    tracker: name(trackers, c.u32()),
    flags: c.hex32(),
  };
  return fields;
}

function flagNames(flags: number): string[] {
  return times(32, (bit) => bit)
    .filter((bit) => (flags >>> bit) & 1)
    .map((bit) => vmaFlags[bit] ?? `0x${(2 ** bit).toString(16)}`);
}

const vma = (c: Cursor): Fields => ({
  start: c.hex(),
  end: c.hex(),
  pgoff: c.number(),
  kind: name(vmaKinds, c.u32()),
  flags: flagNames(c.u32()),
  object: c.u32(),
  pkey: c.u32(),
});

const aio = (c: Cursor): Fields => ({
  maxReqs: c.u32(),
  nrEvents: c.u32(),
  head: c.u32(),
  tail: c.u32(),
});

function pages(c: Cursor): Fields {
  const fields: Fields = { nrExtents: c.u32(), nrPages: c.u32(), pad: c.u32() };
  c.skip(4);
  const extent = () => ({ addr: c.hex(), nr: c.u32(), kind: name(extentKinds, c.u32()) });
  return { ...fields, extents: rest(c, 16, extent) };
}

const descriptors = (c: Cursor): Fields => ({
  fds: rest(c, 16, () => {
    const entry = { fd: c.u32(), cloexec: c.u32(), file: c.u32() };
    c.skip(4);
    return entry;
  }),
});

const pressure = (c: Cursor): Fields => ({ full: c.u32(), thresholdUs: c.u32(), windowUs: c.u32() });

const locks = (c: Cursor): Fields => ({
  locks: rest(c, 48, () => {
    const [start, end] = [c.signedDigits(), c.signedDigits()];
    return {
      kind: name(lockKinds, c.u32()),
      type: name(lockTypes, c.u32()),
      start,
      end,
      file: c.u32(),
      pid: c.s32(),
      fd: c.s32(),
      breaking: c.u32(),
      leftNs: c.digits(),
    };
  }),
});

const place = (c: Cursor): Fields => ({ umask: c.u32(), cwd: c.u32(), root: c.u32() });

/** Only what is not all zero: 64 default actions say nothing. */
function sighand(c: Cursor): Fields {
  const actions = times(64, (i) => ({
    signal: i + 1,
    handler: c.hex(),
    flags: c.hex(),
    restorer: c.hex(),
    mask: c.hex(),
  }));
  const isSet = (a: (typeof actions)[number]) =>
    [a.handler, a.flags, a.restorer, a.mask].some((word) => word !== "0x0");
  return { actions: actions.filter(isSet) };
}

function cred(c: Cursor): Fields {
  const fields: Fields = {
    uid: c.u32(),
    gid: c.u32(),
    suid: c.u32(),
    sgid: c.u32(),
    euid: c.u32(),
    egid: c.u32(),
    fsuid: c.u32(),
    fsgid: c.u32(),
    caps: times(5, () => c.hex()),
    securebits: c.hex32(),
  };
  c.skip(4); // number of groups: the length says it too
  return { ...fields, groups: rest(c, 4, () => c.u32()) };
}

function process(c: Cursor): Fields {
  const fields: Fields = {
    tgid: c.s32(),
    mm: c.u32(),
    files: c.u32(),
    fs: c.u32(),
    sighand: c.u32(),
    nrThreads: c.u32(),
    isChildSubreaper: c.u32(),
    hasChildSubreaper: c.u32(),
    tty: c.u32(),
    ttyForeground: c.u32(),
    stopped: c.u32(),
    oomScoreAdj: c.s32(),
    oomScoreAdjMin: c.s32(),
  };
  c.skip(4);
  const cur = times(16, () => c.digits());
  return { ...fields, rlimits: cur.map((soft) => ({ cur: soft, max: c.digits() })) };
}

const signals = (c: Cursor): Fields => ({
  signals: rest(c, 128, () => {
    const info = c.take(128);
    const head = new Cursor(info);
    const signo = head.s32();
    head.skip(4);
    return { signo, code: head.s32(), info: bytesToHex(info) };
  }),
});

function thread(c: Cursor): Fields {
  const fields: Fields = { pid: c.s32(), cred: c.u32(), comm: c.text(16) };
  Object.assign(fields, {
    blocked: c.hex(),
    savedSigmask: c.hex(),
    restoreSigmask: c.u32(),
    altstackFlags: c.hex32(),
    altstackSp: c.hex(),
    altstackSize: c.number(),
    clearChildTid: c.hex(),
    robustList: c.hex(),
    rseq: c.hex(),
    rseqLen: c.u32(),
    rseqSig: c.hex32(),
    pdeathSignal: c.u32(),
    personality: c.hex32(),
    timerSlackNs: c.digits(),
    noNewPrivs: c.u32(),
    flags: c.hex32(),
  });
  return Object.assign(fields, {
    restartKind: name(restartKinds, c.u32()),
    restartClock: c.u32(),
    restartNs: c.digits(),
    restartArg: times(4, () => c.hex()),
  });
}

const pipe = (c: Cursor): Fields => ({ slots: c.u32(), bytes: c.u32(), fifo: c.u32(), nrChunks: c.u32() });

const cow = (c: Cursor): Fields => ({
  runs: rest(c, 24, () => ({ addr: c.hex(), fromAddr: c.hex(), from: c.u32(), nr: c.u32() })),
});

// biome-ignore format: in the order of the structure
const registers = [
  "r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx", "si", "di", "origAx", "ip", "cs",
  "flags", "sp", "ss", "fsBase", "gsBase", "ds", "es", "fs", "gs",
] as const;

const trailer = (c: Cursor): Fields => ({
  bytes: c.number(),
  pages: c.number(),
  crc32c: c.hex32(),
  nrRecords: c.u32(),
});

export const HEADER = 1;
export const TASKS = 2;
export const PAGES = 34;
export const TRAILER = 255;

export const recordTypes: ReadonlyMap<number, RecordType> = new Map<number, RecordType>([
  [HEADER, { name: "HEADER", fixed: 144, element: 0, decode: header }],
  [TASKS, { name: "TASKS", fixed: 0, element: 32, decode: (c) => ({ tasks: rest(c, 32, () => task(c)) }) }],
  [16, { name: "FILE", fixed: 168, element: 1, strings: 2, decode: file }],
  [17, { name: "PIPE", fixed: 16, element: 1, decode: pipe }],
  [18, { name: "SHMEM", fixed: 8, element: 0, decode: (c) => ({ size: c.number() }) }],
  [20, { name: "INOTIFY", fixed: 24, element: 0, decode: inotify }],
  [21, { name: "FANOTIFY", fixed: 32, element: 0, decode: fanotify }],
  [22, { name: "WATCH", fixed: 48, element: 1, strings: 2, decode: watch }],
  [23, { name: "EVENT", fixed: 80, element: 1, strings: 5, decode: event }],
  [24, { name: "LOCKS", fixed: 0, element: 48, decode: locks }],
  [25, { name: "PTY", fixed: 48, element: 1, strings: 1, decode: pty }],
  [26, { name: "PTY_STATE", fixed: 200, element: 1, decode: ptyState }],
  [27, { name: "PRESSURE", fixed: 16, element: 0, decode: pressure }],
  [28, { name: "CONTENTS", fixed: 64, element: 1, strings: 1, decode: contents }],
  [29, { name: "XATTR", fixed: 8, element: 1, decode: xattr }],
  [32, { name: "MM", fixed: 520, element: 0, decode: mm }],
  [33, { name: "VMA", fixed: 40, element: 0, decode: vma }],
  [PAGES, { name: "PAGES", fixed: 16, element: 1, decode: pages }],
  [35, { name: "COW", fixed: 0, element: 24, decode: cow }],
  [36, { name: "SHMEM_TRACK", fixed: 8, element: 0, decode: (c) => ({ trackId: c.hex() }) }],
  [39, { name: "LDT", fixed: 0, element: 8, decode: (c) => ({ nrEntries: c.left / 8 }) }],
  [37, { name: "PKEYS", fixed: 8, element: 0, decode: (c) => ({ allocated: c.hex32(), executeOnly: c.s32() }) }],
  [38, { name: "AIO", fixed: 16, element: 32, decode: aio }],
  [48, { name: "FILES", fixed: 0, element: 16, decode: descriptors }],
  [49, { name: "FS", fixed: 16, element: 0, decode: place }],
  [50, { name: "SIGHAND", fixed: 2048, element: 0, decode: sighand }],
  [51, { name: "CRED", fixed: 80, element: 4, decode: cred }],
  [52, { name: "SECCOMP", fixed: 16, element: 8, decode: seccomp }],
  [64, { name: "PROCESS", fixed: 312, element: 0, decode: process }],
  [65, { name: "SIGQUEUE", fixed: 0, element: 128, decode: signals }],
  [66, { name: "THREAD", fixed: 168, element: 0, decode: thread }],
  [67, { name: "CPU", fixed: 216, element: 0, decode: (c) => Object.fromEntries(registers.map((r) => [r, c.hex()])) }],
  [68, { name: "FPU", fixed: 0, element: 1, decode: () => ({}) }],
  [80, { name: "EVENTFD", fixed: 16, element: 0, decode: eventfd }],
  [81, { name: "SIGNALFD", fixed: 8, element: 0, decode: signalfd }],
  [82, { name: "TIMERFD", fixed: 48, element: 0, decode: timerfd }],
  [83, { name: "EPOLL", fixed: 8, element: 0, decode: () => ({}) }],
  [84, { name: "EPOLL_ITEMS", fixed: 0, element: 32, decode: epollItems }],
  [85, { name: "MEMFD", fixed: 40, element: 1, strings: 1, decode: memfd }],
  [87, { name: "HUGETLB", fixed: 48, element: 1, strings: 1, decode: hugetlb }],
  [69, { name: "ACCOUNT", fixed: 104, element: 0, decode: account }],
  [70, { name: "TIMERS", fixed: 0, element: 64, decode: timers }],
  [71, { name: "SCHED", fixed: 192, element: 0, decode: sched }],
  [72, { name: "DEADLINE", fixed: 32, element: 0, decode: deadline }],
  [73, { name: "DISPATCH", fixed: 24, element: 0, decode: dispatch }],
  [74, { name: "UNSHARED", fixed: 32, element: 0, decode: unshared }],
  [75, { name: "USAGE", fixed: 224, element: 0, decode: usage }],
  [79, { name: "IO_URING", fixed: 32, element: 1, decode: ioUring }],
  [86, { name: "PIDFD", fixed: 8, element: 0, decode: pidfd }],
  [5, { name: "TIME", fixed: 16, element: 0, decode: time }],
  [88, { name: "SOCKET", fixed: 72, element: 1, decode: socket }],
  [89, { name: "SOCKET_PEER", fixed: 8, element: 0, decode: (c) => ({ peer: c.u32() }) }],
  [90, { name: "SOCKET_MSG", fixed: 24, element: 1, decode: socketMsg }],
  [91, { name: "TCP", fixed: 160, element: 0, decode: tcp }],
  [92, { name: "TCP_DATA", fixed: 8, element: 1, decode: tcpData }],
  [93, { name: "SOCKET_FILTER", fixed: 8, element: 8, decode: socketFilter }],
  [94, { name: "SOCKET_DGRAM", fixed: 72, element: 1, decode: datagram }],
  [95, { name: "SOCKET_REPORT", fixed: 120, element: 1, decode: report }],
  [108, { name: "PACKET_RING", fixed: 64, element: 0, decode: packetRing }],
  [109, { name: "RING_DATA", fixed: 16, element: 1, decode: ringData }],
  [110, { name: "TUN", fixed: 56, element: 1, strings: 1, decode: tun }],
  [111, { name: "BPF_MAP", fixed: 48, element: 0, decode: bpfMap }],
  [112, { name: "BPF_ELEMENTS", fixed: 0, element: 1, decode: (c) => ({ bytes: c.left }) }],
  [3, { name: "NAMESPACES", fixed: 8, element: 32, decode: namespaces }],
  [4, { name: "MOUNTS", fixed: 0, element: 1, decode: (c) => ({ bytes: c.left }) }],
  [13, { name: "INNER_MOUNTS", fixed: 16, element: 1, decode: innerMounts }],
  [12, { name: "CGROUPS", fixed: 8, element: 1, decode: cgroups }],
  [11, { name: "USER_NS", fixed: 24, element: 12, decode: userNs }],
  [10, { name: "NETWORK", fixed: 16, element: 1, decode: network }],
  [6, { name: "TMPFS", fixed: 32, element: 1, strings: 1, decode: tmpfs }],
  [7, { name: "TMPFS_INODE", fixed: 96, element: 1, strings: 2, decode: tmpfsInode }],
  [8, { name: "TMPFS_LINK", fixed: 16, element: 1, strings: 1, decode: tmpfsLink }],
  [9, { name: "TMPFS_END", fixed: 0, element: 0, decode: () => ({}) }],
  [104, { name: "UTS", fixed: 132, element: 0, decode: uts }],
  [105, { name: "IPC_NS", fixed: 128, element: 0, decode: ipcNs }],
  [106, { name: "IPC_NS_END", fixed: 0, element: 0, decode: () => ({}) }],
  [107, { name: "CGROUP_NS", fixed: 8, element: 1, decode: cgroupNs }],
  [96, { name: "SHM", fixed: 80, element: 0, decode: shm }],
  [97, { name: "SEM", fixed: 56, element: 8, decode: sem }],
  [98, { name: "MSG", fixed: 80, element: 1, decode: msg }],
  [100, { name: "MQUEUE", fixed: 80, element: 1, decode: mqueue }],
  [101, { name: "MQUEUE_NOTIFY", fixed: 40, element: 0, decode: (c) => ({ socket: c.u32() }) }],
  [99, { name: "SEM_UNDO", fixed: 0, element: 16, decode: semUndo }],
  [TRAILER, { name: "TRAILER", fixed: 24, element: 0, decode: trailer }],
]);
