import { expect, test } from "vitest";
import { chainRows } from "./chain-graph";

test("a chain stays in its lane; a branch and a new full checkpoint open one each", () => {
  const rows = chainRows([
    { name: "full", parent: null },
    { name: "a", parent: "full" },
    { name: "b", parent: "a" },
    { name: "branch", parent: "a" },
    { name: "other", parent: null },
    { name: "c", parent: "b" },
  ]);
  expect(rows.map((r) => r.lane)).toEqual([0, 0, 0, 1, 2, 0]);
  expect(rows[1]).toMatchObject({ fromAbove: true, toBelow: [0, 1], through: [] });
  expect(rows[2]).toMatchObject({ through: [1], toBelow: [0] });
  expect(rows[4]).toMatchObject({ fromAbove: false, through: [0] });
});

test("a parent that is not there is no line", () => {
  expect(chainRows([{ name: "a", parent: "gone" }])[0]).toMatchObject({ fromAbove: false, lane: 0 });
});
