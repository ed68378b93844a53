import { expect, test } from "vitest";
import { comesForward, nowhere, readShown, type Shown, writeShown } from "./shown";

test("a link says again what it was made of", () => {
  const shown: Shown = {
    tab: "memory",
    ...{ atMs: 18400, terminal: "serial", checkpoint: "c2", against: "c1", offset: 504 },
  };
  const link = writeShown(shown);
  expect(link).toBe("?t=18.4&terminal=serial&show=memory&checkpoint=c2&with=c1&at=0x1f8");
  expect(readShown(Object.fromEntries(new URLSearchParams(link)))).toEqual(shown);
});

test("a link that speaks of an image alone is about the tab that shows it", () => {
  for (const link of [{ with: "c1" }, { at: "0x10" }, { checkpoint: "c2", with: "c1" }])
    expect(readShown(link).tab).toBe("checkpoints");
  expect(readShown({ show: "memory", with: "c1" })).toMatchObject({ tab: "memory", against: "c1" });
  expect(readShown({ t: "1" }).tab).toBeNull();
});

test("nonsense in a link is left out", () => {
  expect(readShown({ t: "-4", terminal: "../1", show: "no-such", checkpoint: "../x", with: "", at: "-1" })).toEqual(
    nowhere,
  );
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
