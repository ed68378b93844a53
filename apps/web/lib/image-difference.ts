/** In what two images differ: processes, what their descriptors lead to, mappings, pages, and kinds of record. */
import { type DigestFile, type DigestMapping, formatBytes, formatCount, type ImageDigest } from "@crlab/shared";

export interface Row {
  what: string;
  before: string;
  after: string;
}

export interface Difference {
  /** What the rows speak of. */
  of: string;
  rows: Row[];
}

const NOTHING = "–";

/** Only what differs; groups without a difference are left out. */
export function differences(before: ImageDigest, after: ImageDigest): Difference[] {
  const several = before.spaces.length > 1 || after.spaces.length > 1;
  const groups: Difference[] = [
    { of: "Processes", rows: paired(processesOf(before), processesOf(after), processRows) },
    { of: "Descriptors", rows: paired(descriptorsOf(before), descriptorsOf(after), descriptorRows) },
    { of: "Mappings", rows: paired(mappingsOf(before, several), mappingsOf(after, several), plainRow) },
    { of: "Pages in the image", rows: paired(pagesOf(before, several), pagesOf(after, several), plainRow) },
    { of: "Records", rows: paired(recordsOf(before), recordsOf(after), plainRow) },
  ];
  return groups
    .map(({ of, rows }) => ({ of, rows: rows.filter((row) => row.before !== row.after) }))
    .filter(({ rows }) => rows.length > 0);
}

/** What is in one of them or in both, in the order in which it is found. */
function paired<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  rowsOf: (what: string, before: T | undefined, after: T | undefined) => Row[],
): Row[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((what) =>
    rowsOf(what, before.get(what), after.get(what)),
  );
}

const plainRow = (what: string, before = NOTHING, after = NOTHING): Row[] => [{ what, before, after }];

type Process = NonNullable<ImageDigest["processes"]>[number];

const processesOf = ({ processes = [] }: ImageDigest): Map<string, Process> =>
  new Map(processes.map((process) => [`pid ${process.pid}`, process]));

function processRows(what: string, before: Process | undefined, after: Process | undefined): Row[] {
  if (!before || !after) return plainRow(what, before?.name, after?.name);
  const who = `${what} ${after.name}`;
  return [
    { what: `${what}, name`, before: before.name, after: after.name },
    { what: `${who}, parent`, before: `pid ${before.ppid}`, after: `pid ${after.ppid}` },
    { what: `${who}, threads`, before: String(before.threads), after: String(after.threads) },
    { what: `${who}, directory`, before: before.cwd, after: after.cwd },
  ];
}

interface Descriptor {
  what: string;
  pos: DigestFile["pos"];
  flags: string;
  cloexec: boolean;
}

function descriptorsOf({ processes = [], files = [] }: ImageDigest): Map<string, Descriptor> {
  const byRef = new Map(files.map((file) => [file.objref, file]));
  return new Map(
    processes.flatMap(({ pid, fds }) =>
      fds.map(({ fd, file, cloexec }): [string, Descriptor] => {
        const { what = "?", pos = 0, flags = "" } = byRef.get(file) ?? {};
        return [`fd ${fd} of ${pid}`, { what, pos, flags, cloexec }];
      }),
    ),
  );
}

const grouped = (n: DigestFile["pos"]): string => BigInt(n).toLocaleString("en");

/** Another file is said alone: that its position is another one, too, says nothing more. */
function descriptorRows(what: string, before: Descriptor | undefined, after: Descriptor | undefined): Row[] {
  if (!before || !after || before.what !== after.what) return plainRow(what, before?.what, after?.what);
  const which = `${what}, ${after.what}`;
  const onExec = ({ cloexec }: Descriptor) => (cloexec ? "close" : "keep");
  return [
    { what: `${which}: position`, before: grouped(before.pos), after: grouped(after.pos) },
    { what: `${which}: flags`, before: before.flags, after: after.flags },
    { what: `${which}: on exec`, before: onExec(before), after: onExec(after) },
  ];
}

/** A heap and a stack grow, and are the same ones still. */
const nameOf = ({ name, start }: DigestMapping): string =>
  name === "heap" || name === "stack" ? name : `${start} ${name.replace(/^.*\//, "")}`;

/** `several`: whose it is must be said. */
const eachMapping = (
  digest: ImageDigest,
  several: boolean,
  say: (mapping: DigestMapping) => string | null,
): Map<string, string> =>
  new Map(
    digest.spaces.flatMap(({ pids, mappings }) =>
      mappings.flatMap((m): [string, string][] => {
        const said = say(m);
        return said === null ? [] : [[`${nameOf(m)}${several ? ` of ${pids.join(", ")}` : ""}`, said]];
      }),
    ),
  );

const counted = (n: number): string => `${formatCount(n)}\u00a0${n === 1 ? "page" : "pages"}`;

const mappingsOf = (digest: ImageDigest, several: boolean) =>
  eachMapping(digest, several, (m) => `${m.access}, ${counted(m.pages)}`);

const pagesOf = (digest: ImageDigest, several: boolean) =>
  eachMapping(digest, several, ({ runs }) => {
    const pages = runs.reduce((sum, [, n, kind]) => sum + (kind === 1 ? n : 0), 0);
    return pages === 0 ? null : formatCount(pages);
  });

const recordsOf = ({ totals }: ImageDigest): Map<string, string> =>
  new Map(
    totals.map(({ type, records, bytes }) => [
      type,
      `${formatCount(records)} (${formatBytes(bytes).replace(" ", "\u00a0")})`,
    ]),
  );
