import type { DigestMapping, ImageDigest } from "@crlab/shared";
import { expect, test } from "vitest";
import { mappingChoices, shownRecords } from "./records";

const record = (offset: number, type: string, text: string) => ({ offset, type, objref: 1, bytes: 56, text });
const mapping = (offset: number, access: string, kind: string, name: string): DigestMapping => ({
  ...{ start: "0x1000", pages: 1, access, kind, name, offset, runs: [] },
});
const image: ImageDigest = {
  ...{ complete: true, problem: null, totals: [], leftOut: 0 },
  records: [
    record(0, "HEADER", "version 2"),
    record(100, "VMA", "0x1000-0x2000 file /bin/x"),
    record(200, "VMA", "0x2000-0x3000 file /bin/x"),
    record(300, "VMA", "0x3000-0x4000 anon"),
  ],
  spaces: [
    {
      ...{ objref: 1, pids: [7] },
      mappings: [
        mapping(100, "r-x", "file", "/bin/x"),
        mapping(200, "rw-", "file", "/bin/x"),
        mapping(300, "rw-", "anon", "heap"),
      ],
    },
  ],
};
const all = { type: "", words: "", mapping: "", access: "" };
const offsets = (filter: Partial<typeof all>) => shownRecords(image, { ...all, ...filter }).map((r) => r.offset);

test("mappings are found by what they are and what they may, alone and together", () => {
  expect(mappingChoices(image)).toEqual({ mappings: ["file", "heap"], accesses: ["r-x", "rw-"] });
  expect(offsets({})).toEqual([0, 100, 200, 300]);
  expect(offsets({ mapping: "file" })).toEqual([100, 200]);
  expect(offsets({ access: "rw-" })).toEqual([200, 300]);
  expect(offsets({ mapping: "file", access: "rw-" })).toEqual([200]);
  expect(offsets({ type: "HEADER", access: "rw-" })).toEqual([]);
  expect(offsets({ words: "RW- 0x2" })).toEqual([200]);
  expect(shownRecords(image, all).map((r) => r.access)).toEqual([null, "r-x", "rw-", "rw-"]);
});
