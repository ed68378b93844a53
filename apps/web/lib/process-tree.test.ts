import type { ProcessInfo } from "@crlab/shared";
import { describe, expect, it } from "vitest";
import { type Branch, processTree } from "./process-tree";

const process = (pid: number, ppid: number): ProcessInfo => ({
  ...{ pid, ppid, command: "sh", state: "S", threads: 1, rssBytes: 0, files: [] },
});
const pids = (branches: readonly Branch[]): unknown[] =>
  branches.map(({ process: { pid }, children }) => (children.length === 0 ? pid : [pid, ...pids(children)]));

describe("processTree", () => {
  it("nests as deep as the processes do, in whatever order they come", () => {
    expect(pids(processTree([process(9, 8), process(7, 1), process(8, 7), process(10, 7)]))).toEqual([[7, [8, 9], 10]]);
  });

  it("has a root for each process whose parent is elsewhere", () => {
    expect(pids(processTree([process(7, 1), process(20, 1), process(21, 20)]))).toEqual([7, [20, 21]]);
  });
});
