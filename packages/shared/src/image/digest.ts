/**
 * What a page shows of an image: its records in a line each, its address spaces and which of their pages it has.
 * Made from what `ckptinfo --json` gives, and small enough to stand in an experiment's log.
 */
import { z } from "zod";
import { RECORD_HEAD_BYTES } from "./place.js";
import { digestFile, digestProcess, digestProcesses } from "./processes.js";

const MAX_DIGEST_RECORDS = 2000;
const MAX_DIGEST_RUNS = 8000;

const record = z.looseObject({ offset: z.int(), type: z.string(), objref: z.int(), len: z.int() });
/** The listing of an image, as far as a digest needs it. */
export const imageListing = z.looseObject({
  records: z.array(record),
  complete: z.boolean(),
  problem: z.looseObject({ text: z.string(), offset: z.int() }).nullable().optional(),
});
export type ListedImage = z.infer<typeof imageListing>;

/** `[first page of the mapping, pages, kind]`; kind 1: in this image, 2: zero, 3: as in the parent. */
const pageRun = z.tuple([z.int(), z.int(), z.int()]);
export type PageRun = z.infer<typeof pageRun>;

const digestMapping = z.strictObject({
  start: z.string(),
  pages: z.int(),
  /** `rw-`, `r-x`; shared ones end in s. */
  access: z.string(),
  kind: z.string(),
  name: z.string(),
  offset: z.int(),
  runs: z.array(pageRun),
});
export type DigestMapping = z.infer<typeof digestMapping>;

export const imageDigest = z.strictObject({
  complete: z.boolean(),
  problem: z.strictObject({ text: z.string(), offset: z.int() }).nullable(),
  totals: z.array(z.strictObject({ type: z.string(), records: z.int(), bytes: z.int() })),
  /** In the order of the image. */
  records: z.array(
    z.strictObject({ offset: z.int(), type: z.string(), objref: z.int(), bytes: z.int(), text: z.string() }),
  ),
  spaces: z.array(z.strictObject({ objref: z.int(), pids: z.array(z.int()), mappings: z.array(digestMapping) })),
  /** Older logs have none. */
  processes: z.array(digestProcess).optional(),
  /** What their descriptors lead to. */
  files: z.array(digestFile).optional(),
  /** Records, runs or descriptors that were left out, because there are too many. */
  leftOut: z.int(),
});
export type ImageDigest = z.infer<typeof imageDigest>;

const PAGE = 4096n;
const runKinds: Readonly<Record<string, number>> = { data: 1, zero: 2, parent: 3 };

const vmaFields = z.looseObject({
  start: z.string(),
  end: z.string(),
  kind: z.union([z.string(), z.number()]).transform(String),
  flags: z.array(z.string()),
  object: z.int(),
});
const fileFields = z.looseObject({ kind: z.union([z.string(), z.number()]), path: z.string().default("") });
const extentFields = z.array(z.looseObject({ addr: z.string(), nr: z.int(), kind: z.union([z.string(), z.number()]) }));

type Listed = z.infer<typeof record>;
interface Space {
  objref: number;
  pids: number[];
  mappings: (DigestMapping & { first: bigint; last: bigint })[];
  bounds: { startBrk: bigint; brk: bigint; startStack: bigint };
}

export function digest(listing: ListedImage): ImageDigest {
  const paths = new Map<number, string>();
  const spaces = new Map<number, Space>();
  const totals = new Map<string, { records: number; bytes: number }>();
  let space: Space | undefined;
  let leftOut = Math.max(0, listing.records.length - MAX_DIGEST_RECORDS);
  let runs = 0;

  for (const r of listing.records) {
    const total = totals.get(r.type) ?? { records: 0, bytes: 0 };
    totals.set(r.type, { records: total.records + 1, bytes: total.bytes + r.len + RECORD_HEAD_BYTES });
    if (r.type === "FILE") paths.set(r.objref, fileFields.safeParse(r).data?.path ?? "");
    else if (r.type === "MM") {
      space = { objref: r.objref, pids: [], mappings: [], bounds: boundsOf(r) };
      spaces.set(r.objref, space);
    } else if (["SHMEM", "MEMFD", "HUGETLB", "CONTENTS", "TMPFS_INODE"].includes(r.type)) space = undefined;
    else if (r.type === "VMA" && space) addMapping(space, r, paths);
    else if (r.type === "PAGES" && space) {
      for (const extent of extentFields.safeParse(r.extents).data ?? []) {
        if (runs >= MAX_DIGEST_RUNS) leftOut++;
        else runs += addRuns(space, BigInt(extent.addr), extent.nr, runKinds[String(extent.kind)] ?? 0);
      }
    } else if (r.type === "PROCESS") {
      const who = z.looseObject({ tgid: z.int(), mm: z.int() }).safeParse(r).data;
      if (who) spaces.get(who.mm)?.pids.push(who.tgid);
    }
  }
  const { processes, files, leftOut: descriptorsLeftOut } = digestProcesses(listing.records);
  return {
    complete: listing.complete,
    problem: listing.problem ? { text: listing.problem.text, offset: listing.problem.offset } : null,
    totals: [...totals].map(([type, t]) => ({ type, ...t })),
    records: listing.records.slice(0, MAX_DIGEST_RECORDS).map((r) => ({
      offset: r.offset,
      type: r.type,
      objref: r.objref,
      bytes: r.len + RECORD_HEAD_BYTES,
      text: describeRecord(r, paths),
    })),
    spaces: [...spaces.values()].map(({ objref, pids, mappings }) => ({
      objref,
      pids,
      mappings: mappings.map(({ first: _, last: __, ...mapping }) => mapping),
    })),
    ...{ processes, files },
    leftOut: leftOut + descriptorsLeftOut,
  };
}

function boundsOf(r: Listed): Space["bounds"] {
  const at = (name: string) => {
    const value = r[name];
    return typeof value === "string" ? BigInt(value) : 0n;
  };
  return { startBrk: at("startBrk"), brk: at("brk"), startStack: at("startStack") };
}

function addMapping(space: Space, r: Listed, paths: ReadonlyMap<number, string>): void {
  const v = vmaFields.safeParse(r).data;
  if (!v) return;
  const first = BigInt(v.start);
  const end = BigInt(v.end);
  if (end <= first) return;
  const has = (flag: string, letter: string) => (v.flags.includes(flag) ? letter : "-");
  const { startBrk, brk, startStack } = space.bounds;
  const name =
    v.kind === "file"
      ? (paths.get(v.object) ?? "")
      : startStack >= first && startStack < end
        ? "stack"
        : first < brk && end > startBrk
          ? "heap"
          : v.kind;
  space.mappings.push({
    ...{ first: first / PAGE, last: end / PAGE },
    start: v.start,
    pages: Number((end - first) / PAGE),
    access: `${has("read", "r")}${has("write", "w")}${has("exec", "x")}${v.flags.includes("shared") ? "s" : ""}`,
    ...{ kind: v.kind, name, offset: r.offset, runs: [] },
  });
}

/** An extent may go over several mappings. Answers how many runs it became. */
function addRuns(space: Space, addr: bigint, nr: number, kind: number): number {
  let page = addr / PAGE;
  const end = page + BigInt(nr);
  let added = 0;
  for (const mapping of space.mappings) {
    if (page >= end || mapping.first >= end) break;
    if (mapping.last <= page) continue;
    if (mapping.first > page) page = mapping.first;
    const upTo = end < mapping.last ? end : mapping.last;
    mapping.runs.push([Number(page - mapping.first), Number(upTo - page), kind]);
    page = upTo;
    added++;
  }
  return added;
}

/** What one looks for in a record, in a line. */
function describeRecord(r: Listed, paths: ReadonlyMap<number, string>): string {
  const of = (name: string) => {
    const value = r[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  };
  switch (r.type) {
    case "HEADER":
      return `version ${of("version")}, ${of("nrTasks")} ${of("nrTasks") === "1" ? "task" : "tasks"}, ${of("release")}`;
    case "FILE":
      return `${of("kind")} ${of("path")}`.trim();
    case "PIPE":
      return `${of("bytes")} unread bytes`;
    case "PTY":
      return `/dev/pts/${of("index")}`;
    case "MM":
      return `${of("nrVmas")} mappings`;
    case "VMA": {
      const v = vmaFields.safeParse(r).data;
      return v ? `${v.start}-${v.end} ${v.kind} ${paths.get(v.object) ?? ""}`.trim() : "";
    }
    case "PAGES":
      return `${of("nrPages")} pages in ${of("nrExtents")} extents`;
    case "COW": {
      const runs = z.array(z.looseObject({ nr: z.int() })).safeParse(r.runs).data ?? [];
      return `${runs.reduce((sum, run) => sum + run.nr, 0)} pages as in another address space`;
    }
    case "PROCESS":
      return `pid ${of("tgid")}, ${of("nrThreads")} threads`;
    case "THREAD":
      return `pid ${of("pid")} ${of("comm")}`;
    case "CRED":
      return `uid ${of("uid")}, gid ${of("gid")}`;
    case "FS":
      return `cwd ${of("cwd")}, root ${of("root")}`;
    case "CPU":
      return `ip ${of("ip")}, sp ${of("sp")}`;
    case "FILES": {
      const fds = z.array(z.unknown()).safeParse(r.fds).data;
      return `${fds?.length ?? 0} descriptors`;
    }
    case "TRAILER":
      return `${of("nrRecords")} records, crc32c ${of("crc32c")}`;
    default:
      return "";
  }
}
