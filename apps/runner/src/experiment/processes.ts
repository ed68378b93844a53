/** What a process tree looks like from outside: one cheap command in the guest, read from /proc. */
import { type ProcessInfo, processInfo } from "@crlab/shared";
import { z } from "zod";

/** Prints the tree under a pid as lines of tab-separated fields: `P` a process, `F` a file it has open. One fork, however large the tree. */
const script = `
folders=()
list() {
  local pid=$1 stat comm rest kids all= t c
  { read -r stat < /proc/$pid/stat; } 2>/dev/null || return
  comm=\${stat#*\\(}; comm=\${comm%)*}; rest=\${stat##*) }
  set -- $rest
  printf 'P\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$pid" "$2" "$1" "\${18}" "\${22}" "$comm"
  folders+=("/proc/$pid/fd")
  for t in /proc/$pid/task/*; do
    kids=
    { read -r kids < "$t/children"; } 2>/dev/null
    all="$all $kids"
  done
  for c in $all; do list "$c"; done
}
list "$1"
[ \${#folders[@]} -eq 0 ] || find "\${folders[@]}" -mindepth 1 -printf 'F\\t%h\\t%f\\t%l\\n' 2>/dev/null
true
`;

export const sampleCommand = (pid: number): string[] => ["bash", "-c", script, "sample", String(pid)];

const PAGE_BYTES = 4096;
const MAX_PROCESSES = 200;
const MAX_FILES = 100;

/** The tree as `sampleCommand` printed it; empty: the root is gone. A zombie is gone, too. */
export function parseSample(text: string): ProcessInfo[] {
  const processes = new Map<number, ProcessInfo>();
  for (const line of text.split("\n")) {
    const [kind, where = "", ...fields] = line.split("\t");
    const pid = Number(where.replace(/^\/proc\/([0-9]+)\/fd$/, "$1"));
    if (kind === "P" && processes.size < MAX_PROCESSES) {
      const [ppid, state, threads, rssPages, command] = fields;
      const parsed = processInfo.safeParse({
        pid,
        ppid: Number(ppid),
        command: command ?? "",
        state: state ?? "?",
        threads: Number(threads),
        rssBytes: Number(rssPages) * PAGE_BYTES,
        files: [],
      });
      if (parsed.success) processes.set(pid, parsed.data);
    } else if (kind === "F") {
      const fd = z.coerce.number().int().safeParse(fields[0]);
      const owner = processes.get(pid);
      if (fd.success && owner && owner.files.length < MAX_FILES) owner.files.push(openFile(fd.data, fields[1] ?? ""));
    }
  }
  return [...processes.values()];
}

function openFile(fd: number, link: string) {
  const special = /^(pipe|socket|anon_inode):/.exec(link)?.[1];
  const unlinked = link.endsWith(" (deleted)");
  const path = unlinked ? link.slice(0, -" (deleted)".length) : link;
  const kind = special ?? (path.startsWith("/dev/pts/") ? "tty" : path.startsWith("/dev/") ? "device" : "file");
  return { fd, path, unlinked, kind };
}

/** Whether two samples show the same tree: states and memory sizes flicker and do not count. */
export function sameTree(a: readonly ProcessInfo[], b: readonly ProcessInfo[]): boolean {
  const outline = (list: readonly ProcessInfo[]) =>
    JSON.stringify(list.map(({ pid, ppid, command, threads, files }) => [pid, ppid, command, threads, files]));
  return outline(a) === outline(b);
}
