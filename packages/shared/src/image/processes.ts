/** What a digest tells of an image's processes: who they are and what their descriptors lead to. */
import { z } from "zod";

const MAX_DIGEST_DESCRIPTORS = 4000;

export const digestFile = z.strictObject({
  objref: z.int(),
  /** In a line: `/tmp/x`, `/tmp/x, unlinked`, `pipe`. */
  what: z.string(),
  /** In digits where a number would not be exact. */
  pos: z.union([z.int(), z.string().regex(/^-?\d+$/)]),
  flags: z.string(),
});
export type DigestFile = z.infer<typeof digestFile>;

export const digestProcess = z.strictObject({
  pid: z.int(),
  ppid: z.int(),
  name: z.string(),
  threads: z.int(),
  cwd: z.string(),
  fds: z.array(z.strictObject({ fd: z.int(), file: z.int(), cloexec: z.boolean() })),
});
export type DigestProcess = z.infer<typeof digestProcess>;

const objref = z.int();
const taskFields = z.looseObject({ tasks: z.array(z.looseObject({ pid: z.int(), ppid: z.int() })) });
const processFields = z.looseObject({ tgid: z.int(), files: objref, fs: objref, nrThreads: z.int() });
const threadFields = z.looseObject({ pid: z.int(), comm: z.string() });
const descriptorFields = z.looseObject({
  fds: z.array(
    z.looseObject({ fd: z.int(), file: objref, cloexec: z.union([z.int(), z.boolean()]).transform(Boolean) }),
  ),
});
const placeFields = z.looseObject({ cwd: objref });
const fileFields = z.looseObject({
  kind: z.union([z.string(), z.number()]).transform(String),
  path: z.string().default(""),
  path2: z.string().default(""),
  pos: z.string().transform((digits) => (Number.isSafeInteger(Number(digits)) ? Number(digits) : digits)),
  flags: z.string().catch(""),
});

function whatItIs({ kind, path, path2 }: z.infer<typeof fileFields>): string {
  if (kind === "relinked" || kind === "copied") return `${path2 || path}, unlinked`;
  if (kind === "other_name") return `${path2}, unlinked; also ${path}`;
  if (kind === "path" || kind === "tty") return path;
  return path === "" ? kind : `${kind} ${path}`;
}

interface Listed extends Record<string, unknown> {
  type: string;
  objref: number;
}

/** Files that no descriptor leads to are left out. */
export function digestProcesses(records: readonly Listed[]): {
  processes: DigestProcess[];
  files: DigestFile[];
  leftOut: number;
} {
  const files = new Map<number, DigestFile>();
  const descriptors = new Map<number, DigestProcess["fds"]>();
  const places = new Map<number, number>();
  const parents = new Map<number, number>();
  const names = new Map<number, string>();
  const found: z.infer<typeof processFields>[] = [];
  for (const record of records) {
    switch (record.type) {
      case "TASKS":
        for (const { pid, ppid } of taskFields.safeParse(record).data?.tasks ?? []) parents.set(pid, ppid);
        break;
      case "FILE": {
        const file = fileFields.safeParse(record).data;
        if (file)
          files.set(record.objref, { objref: record.objref, what: whatItIs(file), pos: file.pos, flags: file.flags });
        break;
      }
      case "FILES": {
        const table = descriptorFields.safeParse(record).data;
        if (table)
          descriptors.set(
            record.objref,
            table.fds.map(({ fd, file, cloexec }) => ({ fd, file, cloexec })),
          );
        break;
      }
      case "FS": {
        const place = placeFields.safeParse(record).data;
        if (place) places.set(record.objref, place.cwd);
        break;
      }
      case "PROCESS": {
        const process = processFields.safeParse(record).data;
        if (process) found.push(process);
        break;
      }
      case "THREAD": {
        const thread = threadFields.safeParse(record).data;
        if (thread) names.set(thread.pid, thread.comm);
        break;
      }
    }
  }
  let room = MAX_DIGEST_DESCRIPTORS;
  let leftOut = 0;
  const used = new Set<number>();
  const processes = found.map((process): DigestProcess => {
    const all = descriptors.get(process.files) ?? [];
    const fds = all.slice(0, room);
    room -= fds.length;
    leftOut += all.length - fds.length;
    for (const { file } of fds) used.add(file);
    return {
      pid: process.tgid,
      ppid: parents.get(process.tgid) ?? 0,
      name: names.get(process.tgid) ?? "",
      threads: process.nrThreads,
      cwd: files.get(places.get(process.fs) ?? 0)?.what ?? "",
      fds,
    };
  });
  return { processes, files: [...files.values()].filter((file) => used.has(file.objref)), leftOut };
}
