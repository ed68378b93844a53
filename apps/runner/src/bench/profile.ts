/** Where the time went: phases that checkpoint(1) and restart(1) tell of themselves, medians. */
import { type BenchResult, formatBytes, formatNs } from "@crlab/shared";
import { medianOf } from "./recorder.js";

const PHASES: Record<string, string> = {
  dumpNs: "dump",
  dumpCommandNs: "command's start and end",
  dumpKernelNs: "in checkpoint(2)",
  frozenNs: "at rest",
  trackerWalkNs: "reading the tracker",
  restoreNs: "restore",
  runningNs: "until it runs",
  restoreCommandNs: "command, and making the tree",
  restoreKernelNs: "in restart(2)",
  fullFrozenNs: "full, at rest",
  liveFrozenNs: "live, at rest",
  writeNs: "a write",
  walkNs: "reading the tracker, an epoch",
  faults: "faults an epoch",
  downtimeNs: "down",
  lastRoundBytes: "last round",
};

/** Undefined workload: of all workloads of the bench. Null: nothing is known. */
export function profileOf(results: readonly BenchResult[], bench: string, workload: string | undefined): string | null {
  const workloads =
    workload === undefined ? new Set(results.filter((r) => r.bench === bench).map((r) => r.workload)) : [workload];
  const lines = [...workloads].flatMap((of) => {
    const phases = Object.entries(PHASES).flatMap(([metric, words]) => {
      const value = medianOf(results, { bench, workload: of, contender: "crlab", metric });
      return value === null ? [] : [`${words} ${show(metric, value)}`];
    });
    const ways = results
      .filter((r) => r.bench === bench && r.contender === "limit" && r.workload.startsWith(`${of}: `))
      .flatMap(({ workload: way, metric }) => {
        const value = medianOf(results, { bench, workload: way, contender: "limit", metric });
        const direction = metric === "dumpNs" ? "to" : "from";
        return value === null
          ? []
          : [`limit, ${direction} the same place by ${way.slice(of.length + 2)} ${formatNs(value)}`];
      });
    const all = [...phases, ...ways];
    return all.length === 0 ? [] : [`${workload === undefined ? `${of}: ` : ""}${all.join(", ")}`];
  });
  return lines.length === 0 ? null : lines.join("; ");
}

function show(metric: string, value: number): string {
  if (metric === "writeNs") return `${value.toFixed(1)} ns`;
  if (metric.endsWith("Ns")) return formatNs(value);
  if (metric.endsWith("Bytes")) return formatBytes(value);
  return String(Math.round(value));
}
