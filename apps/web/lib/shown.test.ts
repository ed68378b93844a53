import { expect, test } from "vitest";
import { readShown, writeShown } from "./shown";

test("a link says again what it was made of", () => {
  const shown = { atMs: 18400, tab: "memory", checkpoint: "c2", offset: 504 } as const;
  expect(writeShown(shown)).toBe("?t=18.4&show=memory&checkpoint=c2&at=0x1f8");
  expect(readShown({ t: "18.4", show: "memory", checkpoint: "c2", at: "0x1f8" })).toEqual(shown);
});

test("nonsense in a link is left out", () => {
  const nothing = { atMs: null, tab: null, checkpoint: null, offset: null };
  expect(readShown({ t: "-4", show: "no-such", checkpoint: "../x", at: "-1" })).toEqual(nothing);
  expect(readShown({ t: ["1", "2"] })).toEqual(nothing);
  expect(writeShown(nothing)).toBe("");
});
