import type { DigestMapping, ImageDigest } from "@crlab/shared";
import { describe, expect, test } from "vitest";
import { columnsFor, fitPlace, heatOf, heatPixels, pageAt, zoomPlace } from "./heat";

const mapping = (start: string, pages: number, runs: DigestMapping["runs"], name = "heap"): DigestMapping => ({
  ...{ start, pages, access: "rw-", kind: "anon", name, offset: 0, runs },
});
const digest = (mappings: DigestMapping[]): ImageDigest => ({
  ...{ complete: true, problem: null, totals: [], records: [], leftOut: 0 },
  spaces: [{ objref: 1, pids: [7], mappings }],
});
const colours = { hot: [255, 0, 0], cold: [0, 0, 255], absent: [9, 9, 9] } as const;

const chain = [
  { name: "full", full: true, digest: digest([mapping("0x10000", 4, [[0, 4, 1]])]) },
  {
    name: "one",
    full: false,
    digest: digest([
      mapping("0x10000", 4, [
        [0, 2, 3],
        [2, 1, 1],
      ]),
    ]),
  },
  // The mapping has grown downwards: the same page is further from its start.
  {
    name: "two",
    full: false,
    digest: digest([
      mapping("0xf000", 5, [
        [0, 1, 1],
        [3, 1, 1],
      ]),
      mapping("0x90000", 3, [[1, 1, 1]], "stack"),
    ]),
  },
];

describe("heatOf", () => {
  const heat = heatOf(chain, 7);
  test("counts in how many increments a page was written, by its address", () => {
    expect([...(heat?.times.slice(0, 5) ?? [])]).toEqual([1, 0, 0, 2, 0]);
    expect([...(heat?.latest.slice(0, 5) ?? [])]).toEqual([3, 1, 1, 3, 1]);
    expect(heat?.written).toBe(3);
    expect(heat?.present).toBe(6);
  });
  test("each mapping begins a row, and a cell knows its page", () => {
    if (!heat) throw new Error("no heat");
    expect(heat.mappings.map((m) => m.row)).toEqual([0, 1]);
    expect(pageAt(heat, 1, 1)).toEqual({ mapping: heat.mappings[1], page: 0x91 });
    expect(pageAt(heat, 3, 1)).toBeUndefined();
    expect(pageAt(heat, 0, 2)).toBeUndefined();
  });
  test("nothing of a process that the last image does not have", () => expect(heatOf(chain, 8)).toBeNull());
  test("colours: never written, written, not there", () => {
    if (!heat) throw new Error("no heat");
    const pixels = heatPixels(heat, "often", 3, colours);
    expect([...pixels.slice(4, 8)]).toEqual([0, 0, 255, 255]);
    expect([...pixels.slice(12, 16)]).toEqual([255, 0, 0, 255]);
    const stack = heat.columns * 4;
    expect([...pixels.slice(stack, stack + 4)]).toEqual([9, 9, 9, 255]);
  });
});

test("a million pages are a square of 1024 by about 1000, and quick", () => {
  expect(columnsFor(1_000_000)).toBe(1024);
  const runs: DigestMapping["runs"] = Array.from({ length: 8000 }, (_, i) => [i * 125, 60, 1]);
  const big = [
    { name: "full", full: true, digest: digest([mapping("0x10000", 1_000_000, [[0, 1_000_000, 1]])]) },
    { name: "inc", full: false, digest: digest([mapping("0x10000", 1_000_000, runs)]) },
  ];
  const heat = heatOf(big, 7);
  expect(heat?.rows).toBe(977);
  expect(heat?.written).toBe(480_000);
});

test("zooming keeps the point under the pointer, and does not go below the whole", () => {
  const place = fitPlace({ columns: 100, rows: 50 }, 200, 200);
  expect(place).toEqual({ scale: 2, x: 0, y: 50 });
  const near = zoomPlace(place, 2, 40, 90, 2);
  expect((40 - near.x) / near.scale).toBe((40 - place.x) / place.scale);
  expect(zoomPlace(place, 0.1, 0, 0, 2).scale).toBe(2);
});
