/** The records of inotify and fanotify: instances, watches, unread events. */
import type { Cursor } from "./cursor.js";
import type { Fields } from "./records.js";

const objects = [undefined, "inode", "mount", "filesystem"] as const;
const kinds = [undefined, "inotify", "overflow", "path", "fid", "name", "error"] as const;
const flagNames = ["relinked", "evictable", "surv_modify", "ignore"] as const;
// biome-ignore format: in the order of their bits
const maskNames: readonly (string | undefined)[] = [
  "access", "modify", "attrib", "close_write", "close_nowrite", "open", "moved_from", "moved_to", "create", "delete",
  "delete_self", "move_self", "open_exec", "unmount", "q_overflow", "fs_error", "open_perm", "access_perm",
  "open_exec_perm", ...Array.from({ length: 7 }, () => undefined), "excl_unlink", "event_on_child", "rename", undefined,
  "isdir", "oneshot",
];
/** The same bit is an error in fanotify. */
const inotifyMaskNames = maskNames.map((name) => (name === "fs_error" ? "ignored" : name));

const bits = (value: number, names: readonly (string | undefined)[]): string[] =>
  Array.from({ length: 32 }, (_, bit) => bit)
    .filter((bit) => (value >>> bit) & 1)
    .map((bit) => names[bit] ?? `0x${(2 ** bit).toString(16)}`);

export const inotify = (c: Cursor): Fields => ({
  nrWatches: c.u32(),
  nrEvents: c.u32(),
  nextWd: c.u32(),
  maxEvents: c.u32(),
  uid: c.u32(),
  ownUser: c.u32(),
});

export const fanotify = (c: Cursor): Fields => ({
  nrWatches: c.u32(),
  nrEvents: c.u32(),
  flags: c.hex32(),
  eventFlags: c.hex32(),
  maxEvents: c.u32(),
  uid: c.u32(),
  unprivileged: c.u32(),
  ownUser: c.u32(),
});

export function watch(c: Cursor): Fields {
  const object = c.u32();
  const fields: Fields = {
    object: objects[object] ?? object,
    flags: bits(c.u32(), flagNames),
    wd: c.s32(),
    mask: bits(c.u32(), maskNames),
    ignoreMask: bits(c.u32(), maskNames),
    mode: c.u32(),
    ino: c.digits(),
    dev: c.digits(),
    generation: c.u32(),
    mnt: c.u32(),
  };
  return { ...fields, path: c.string(), path2: c.string() };
}

export function event(c: Cursor): Fields {
  const kind = c.u32();
  const fields: Fields = {
    kind: kinds[kind] ?? kind,
    flags: bits(c.u32(), flagNames),
    mask: bits(c.u32(), kinds[kind] === "inotify" ? inotifyMaskNames : maskNames),
    wd: c.s32(),
    cookie: c.u32(),
    pid: c.s32(),
    pidStartNs: c.digits(),
    error: c.s32(),
    errorCount: c.u32(),
    fsid: [c.hex32(), c.hex32()],
    handleTypes: [c.u32(), c.u32(), c.u32()],
    mode: c.u32(),
    ino: c.digits(),
    generation: c.u32(),
  };
  c.skip(4);
  const [name, name2] = [c.string(), c.string()];
  return { ...fields, name, name2, dirHandle: c.string(), dir2Handle: c.string(), fileHandle: c.string() };
}
