/** What a process tree looks like from outside: one cheap command in the guest (images/look), read from /proc. */
import { type ProcessInfo, processInfo } from "@crlab/shared";
import { z } from "zod";
import { StepError } from "./errors.js";

export const sampleCommand = (pid: number): string[] => ["/usr/lib/crlab/look", String(pid)];

const sample = z.array(processInfo);

/** The tree as `sampleCommand` printed it; empty: the root is gone. A zombie is gone, too. */
export function parseSample(text: string): ProcessInfo[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = sample.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new StepError("look.unreadable", `look(1) in the guest printed what cannot be read: ${text.slice(0, 200)}`, {
    hint: "the guest image and this runner are of different versions: run crlab image build",
  });
}

/** Whether two samples show the same tree: states and sizes flicker and do not count. */
export function sameTree(a: readonly ProcessInfo[], b: readonly ProcessInfo[]): boolean {
  const steady = (list: readonly ProcessInfo[]) =>
    JSON.stringify(
      list.map(({ state: _, rssBytes: __, files, ...rest }) => ({
        ...rest,
        files: files.map(({ bytes: ___, ...file }) => file),
      })),
    );
  return steady(a) === steady(b);
}
