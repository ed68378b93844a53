/** What a record's bytes say, field by field, and which other records they name. Loaded when somebody looks at bytes. */

import type { ImageDigest } from "@crlab/shared";
import { decodeRecord, type Fields, formatVersion, type Value } from "@crlab/shared/image";

type DigestRecord = ImageDigest["records"][number];

/** A field and its value, which may name another record. */
export interface Said {
  name: string;
  text: string;
  to: DigestRecord | null;
}

export interface FieldRow {
  name: string;
  /** A field of its own has one line; one that is a list has a line for each of its elements. */
  lines: Said[][];
}

export interface RecordFields {
  rows: FieldRow[];
  /** Those that are zero or empty say nothing by themselves. */
  zero: string[];
}

/** Fields that hold the objref of another object, as checkpoint_image.h has them. */
const references = new Set([
  ...["mm", "files", "fs", "sighand", "cred", "tty", "seccomp", "prev", "exeFile", "object", "from", "cwd", "root"],
  ...["file", "pipe", "fifo", "mnt", "dir", "listener", "path", "peerCred", "peer", "net", "socket"],
  ...["uts", "ipc", "cgroup"],
]);

/** Null: they cannot be told from these bytes. */
export function recordFields(bytes: Uint8Array, digest: ImageDigest): RecordFields | null {
  if (digest.records[0]?.text.startsWith(`version ${formatVersion},`) !== true) return null;
  const fields = decodeRecord(bytes);
  if (fields === null) return null;
  const rows: FieldRow[] = [];
  const zero: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (isNothing(value)) zero.push(name);
    else rows.push({ name, lines: linesOf(name, value, digest) });
  }
  return { rows, zero };
}

/** By their numbers, as getrlimit(2) has them. */
// biome-ignore format: in the order of their numbers
const limits = [
  "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS", "LOCKS", "SIGPENDING", "MSGQUEUE",
  "NICE", "RTPRIO", "RTTIME",
];
const UNLIMITED = String(2n ** 64n - 1n);

const isNothing = (value: Value): boolean =>
  value === null ||
  value === 0 ||
  value === "" ||
  value === "0" ||
  value === "0x0" ||
  value === false ||
  (Array.isArray(value) && value.every(isNothing));

const isFields = (value: Value): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function linesOf(name: string, value: Value, digest: ImageDigest): Said[][] {
  if (Array.isArray(value) && value.some(isFields))
    return value.filter(isFields).map((element, at) => {
      const whose = name === "rlimits" ? [{ name: "of", text: limits[at] ?? String(at), to: null }] : [];
      return [...whose, ...Object.entries(element).map(([n, v]) => said(n, v, digest))];
    });
  return [[said(name, value, digest)]];
}

function said(name: string, value: Value, digest: ImageDigest): Said {
  const isReference = references.has(name) && typeof value === "number" && value > 0;
  // What defines an object is the first that bears its number.
  const to = isReference ? (digest.records.find((r) => r.objref === value) ?? null) : null;
  const isMode = (name === "mode" || name === "umask") && typeof value === "number";
  return { name, text: isReference ? `#${value}` : isMode ? `0${value.toString(8)}` : textOf(value), to };
}

const textOf = (value: Value): string =>
  value === UNLIMITED
    ? "unlimited"
    : Array.isArray(value)
      ? value.map(textOf).join(" ")
      : isFields(value)
        ? JSON.stringify(value)
        : String(value);
