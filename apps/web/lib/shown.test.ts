import { expect, test } from "vitest";
import { comesForward, nowhere, readShown, writeShown } from "./shown";

test("a link says again what it was made of", () => {
  const shown = { atMs: 18400, terminal: "serial", tab: "memory", checkpoint: "c2", offset: 504 } as const;
  expect(writeShown(shown)).toBe("?t=18.4&terminal=serial&show=memory&checkpoint=c2&at=0x1f8");
  expect(readShown({ t: "18.4", terminal: "serial", show: "memory", checkpoint: "c2", at: "0x1f8" })).toEqual(shown);
});

test("nonsense in a link is left out", () => {
  expect(readShown({ t: "-4", terminal: "../1", show: "no-such", checkpoint: "../x", at: "-1" })).toEqual(nowhere);
  expect(readShown({ t: ["1", "2"] })).toEqual(nowhere);
  expect(writeShown(nowhere)).toBe("");
});

test("a shell that was asked for comes forward, though a workload's terminal opens with it", () => {
  const [shell, workload] = [{ kind: "shell" }, { kind: "workload" }];
  expect(comesForward([shell, workload], false)).toBe(shell);
  expect(comesForward([workload], false)).toBe(workload);
  expect(comesForward([workload], true)).toBeUndefined();
  expect(comesForward([shell], true)).toBe(shell);
  expect(comesForward([], false)).toBeUndefined();
});
