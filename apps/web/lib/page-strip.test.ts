import { expect, test } from "vitest";
import { pageStrip } from "./page-strip";

test("columns tell what share of them is there", () => {
  const strip = pageStrip(
    8,
    [
      [0, 2, 1],
      [3, 1, 1],
      [4, 4, 3],
    ],
    4,
  );
  expect([...strip.data]).toEqual([1, 0.5, 0, 0]);
  expect([...strip.parent]).toEqual([0, 0, 1, 1]);
  expect([...strip.zero]).toEqual([0, 0, 0, 0]);
});

test("fewer pages than columns fill several columns each", () => {
  expect([...pageStrip(2, [[1, 1, 2]], 4).zero]).toEqual([0, 0, 1, 1]);
});
