/** Processes as the tree that they are. */
import type { ProcessInfo } from "@crlab/shared";

export interface Branch {
  process: ProcessInfo;
  children: Branch[];
}

/** Those whose parent is not among them are roots. */
export function processTree(processes: readonly ProcessInfo[]): Branch[] {
  const branches = new Map(processes.map((process): [number, Branch] => [process.pid, { process, children: [] }]));
  const roots: Branch[] = [];
  for (const branch of branches.values()) (branches.get(branch.process.ppid)?.children ?? roots).push(branch);
  return roots;
}
