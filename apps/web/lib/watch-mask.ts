/** The names of the events that a watch's mask stands for. */
const common: readonly [number, string][] = [
  [0x1, "ACCESS"],
  [0x2, "MODIFY"],
  [0x4, "ATTRIB"],
  [0x8, "CLOSE_WRITE"],
  [0x10, "CLOSE_NOWRITE"],
  [0x20, "OPEN"],
  [0x40, "MOVED_FROM"],
  [0x80, "MOVED_TO"],
  [0x100, "CREATE"],
  [0x200, "DELETE"],
  [0x400, "DELETE_SELF"],
  [0x800, "MOVE_SELF"],
];
const inotify: readonly [number, string][] = [
  ...common,
  [0x01000000, "ONLYDIR"],
  [0x02000000, "DONT_FOLLOW"],
  [0x04000000, "EXCL_UNLINK"],
  [0x20000000, "MASK_ADD"],
  [0x40000000, "ISDIR"],
  [0x80000000, "ONESHOT"],
];
const fanotify: readonly [number, string][] = [
  ...common,
  [0x1000, "OPEN_EXEC"],
  [0x8000, "FS_ERROR"],
  [0x10000, "OPEN_PERM"],
  [0x20000, "ACCESS_PERM"],
  [0x40000, "OPEN_EXEC_PERM"],
  [0x08000000, "EVENT_ON_CHILD"],
  [0x10000000, "RENAME"],
  [0x40000000, "ONDIR"],
];

/** `MODIFY DELETE_SELF`; `all events` for all of them; bits without a name as a number. */
export function watchMask(kind: string, mask: number): string {
  const table = kind === "fanotify" ? fanotify : inotify;
  if ((mask & 0xfff) === 0xfff) {
    const more = watchMask(kind, (mask & ~0xfff) >>> 0);
    return more === "nothing" ? "all events" : `all events ${more}`;
  }
  const names = table.filter(([bit]) => (mask & bit) >>> 0 === bit).map(([, name]) => name);
  const rest = table.reduce((left, [bit]) => (left & ~bit) >>> 0, mask >>> 0);
  if (rest !== 0) names.push(`0x${rest.toString(16)}`);
  return names.length === 0 ? "nothing" : names.join(" ");
}
