/** The report as text: one table a bench, the targets at the end. */
import { type BenchReport, type BenchResult, type Contender, formatBytes, formatNs, spreadOf } from "@crlab/shared";
import { findResult } from "./recorder.js";

export function reportText(report: BenchReport): string {
  const { machine: m } = report;
  const lines = [
    `${m.began}  ${m.kernelRelease}, ${m.accel}, ${m.guestCpus} CPUs, ${m.guestMemMiB} MiB, clock ${m.clocksource}; CRIU ${m.criuVersion}`,
    `host: ${m.cpu}, ${m.hostCpus} CPUs, load ${m.loadBefore} before and ${m.loadAfter} after; QEMU ${m.qemuVersion}`,
    `medians of ${report.rounds} rounds in turn, (lowest .. highest)`,
  ];
  for (const bench of new Set(report.results.map((r) => r.bench))) lines.push("", ...benchTable(report.results, bench));
  lines.push("", ...targetTable(report));
  return lines.join("\n");
}

function benchTable(results: readonly BenchResult[], bench: string): string[] {
  const own = results.filter((r) => r.bench === bench);
  const rows = [["", "", "crlab", "CRIU", "limit", "CRIU/crlab", "crlab/limit"]];
  for (const workload of new Set(own.map((r) => r.workload))) {
    let first = true;
    for (const metric of new Set(own.filter((r) => r.workload === workload).map((r) => r.metric))) {
      const of = (contender: Contender) => findResult(own, { bench, workload, contender, metric });
      rows.push([
        first ? workload : "",
        metric,
        ...(["crlab", "criu", "limit"] as const).map((contender) => cell(of(contender), metric)),
        ratio(of("criu"), of("crlab")),
        ratio(of("crlab"), of("limit")),
      ]);
      first = false;
    }
  }
  const refusals = new Map(
    own.filter((r) => r.refusal !== undefined).map((r) => [`${r.contender}, ${r.workload}`, r.refusal]),
  );
  return [
    `── ${bench}`,
    ...aligned(rows),
    ...[...refusals].map(([who, why]) => `   ${who}: refused: ${why?.split("\n").at(-1)}`),
  ];
}

function cell(result: BenchResult | undefined, metric: string): string {
  if (!result) return "";
  const spread = spreadOf(result.samples);
  if (!spread) return "refused";
  const show = (value: number) => formatValue(metric, value);
  if (spread.low === spread.high) return show(spread.median);
  return `${show(spread.median)} (${show(spread.low)} .. ${show(spread.high)})`;
}

function formatValue(metric: string, value: number): string {
  if (metric === "writeNs") return `${value.toFixed(1)} ns`;
  if (metric.endsWith("Ns")) return formatNs(value);
  if (metric.endsWith("Bytes")) return formatBytes(value);
  return String(Math.round(value));
}

function ratio(over: BenchResult | undefined, under: BenchResult | undefined): string {
  const a = spreadOf(over?.samples ?? [])?.median;
  const b = spreadOf(under?.samples ?? [])?.median;
  return a === undefined || b === undefined || b === 0 ? "" : (a / b).toFixed(2);
}

function targetTable({ targets }: BenchReport): string[] {
  const met = targets.filter((t) => t.met).length;
  return [
    `── targets: ${met} of ${targets.length} met`,
    ...aligned(
      targets.map((t) => [t.met ? "✓" : "✗", t.name, t.wanted, (t.got ?? "not measured").split("\n").at(-1) ?? ""]),
    ),
    ...targets.flatMap((t) => (t.profile === undefined ? [] : ["", `   ✗ ${t.name}:`, `     ${t.profile}`])),
  ];
}

function aligned(rows: readonly string[][]): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, text] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, text.length);
  return rows.map((row) =>
    `   ${row.map((text, i) => (i < 2 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join("  ")}`.trimEnd(),
  );
}
