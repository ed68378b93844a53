import type { ImageDigest } from "@crlab/shared";
import { formatVersion } from "@crlab/shared/image";
import { expect, test } from "vitest";
import { recordFields } from "./record-fields";

/** A record: type, objref, length, and a body of 32-bit numbers. */
function record(type: number, objref: number, ...numbers: number[]): Uint8Array {
  const bytes = Buffer.alloc(16 + 4 * numbers.length);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(objref, 4);
  bytes.writeBigUInt64LE(BigInt(4 * numbers.length), 8);
  numbers.forEach((n, i) => void bytes.writeUInt32LE(n, 16 + 4 * i));
  return bytes;
}
const listed = (type: string, objref: number, text = "") => ({ offset: objref * 100, type, objref, bytes: 0, text });
const digest = (version = formatVersion): ImageDigest => ({
  ...{ complete: true, problem: null, totals: [], spaces: [], leftOut: 0 },
  records: [
    listed("HEADER", 0, `version ${version}, 1 task, 6.12.0-cr`),
    listed("FILE", 7, "path /tmp/x"),
    listed("LOCKS", 7),
  ],
});
const FILES = 48;
const FS = 49;

test("fields are told by their names; what is zero by name alone, and an object leads to the record that defines it", () => {
  expect(recordFields(record(FS, 3, 0o22, 7, 0, 0), digest())).toEqual({
    rows: [
      { name: "umask", lines: [[{ name: "umask", text: "022", to: null }]] },
      { name: "cwd", lines: [[{ name: "cwd", text: "#7", to: digest().records[1] }]] },
    ],
    zero: ["root"],
  });
});

test("of a list each element has a line", () => {
  const lines = recordFields(record(FILES, 4, 0, 0, 7, 0, 3, 1, 9, 0), digest())?.rows[0]?.lines;
  expect(lines?.map((line) => line.map(({ name, text, to }) => `${name} ${text} ${to?.type ?? ""}`.trim()))).toEqual([
    ["fd 0", "cloexec 0", "file #7 FILE"],
    ["fd 3", "cloexec 1", "file #9"],
  ]);
});

test("what is cut short, of an unknown kind, or of another version, is not guessed at", () => {
  expect(recordFields(record(FS, 3, 0o22, 7, 0, 0).subarray(0, 20), digest())).toBeNull();
  expect(recordFields(record(FS, 3).subarray(0, 9), digest())).toBeNull();
  expect(recordFields(record(9999, 3, 1), digest())).toBeNull();
  expect(recordFields(record(FS, 3, 0o22, 7, 0, 0), digest(formatVersion - 1))).toBeNull();
});
