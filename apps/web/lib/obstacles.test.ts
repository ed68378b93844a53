import { type StepView, step as stepSchema } from "@crlab/shared";
import { expect, test } from "vitest";
import { obstacleIn, obstaclesOf } from "./obstacles";

test("an obstacle is known by process and descriptor, with or without the program that said it", () => {
  const why = "anon_inode:[userfaultfd]: a file (anon_inodefs) has no checkpoint method: not supported";
  expect(obstacleIn(`checkpoint: pid 12: fd 7: ${why}`)).toEqual({ pid: 12, fd: 7, why });
  expect(obstacleIn("pid 12: address 0x1000: a mapping of a device")).toEqual({
    ...{ pid: 12, fd: null },
    why: "address 0x1000: a mapping of a device",
  });
  expect(obstacleIn("the guest died")).toBeNull();
  expect(obstacleIn("stupid 12: no")).toBeNull();
});

test("only what the last attempt named stands in the way", () => {
  const step = (stepNo: number, more: Partial<StepView>): StepView => ({
    ...{ stepNo, kind: "checkpoint", step: stepSchema.parse({ kind: "checkpoint" }), planned: true, commands: [] },
    ...{ state: "ok", startedMs: stepNo, ms: 1, figures: {}, text: null, error: null },
    ...more,
  });
  const obstacles = { stepNo: 4, target: "w", obstacles: ["pid 12: fd 3: a", "pid 13: fd 4: b"] };
  const failed = step(5, { state: "failed", error: { code: "x", message: "checkpoint: pid 12: fd 3: a" } });
  expect(obstaclesOf({ steps: [step(4, {})], obstacles })).toHaveLength(2);
  expect(obstaclesOf({ steps: [step(4, {}), failed], obstacles })).toEqual([{ pid: 12, fd: 3, why: "a" }]);
  expect(obstaclesOf({ steps: [step(4, {}), failed, step(6, { state: "running" })], obstacles })).toHaveLength(1);
  expect(obstaclesOf({ steps: [step(4, {}), failed, step(6, {})], obstacles })).toEqual([]);
  expect(obstaclesOf({ steps: [], obstacles: null })).toEqual([]);
});
