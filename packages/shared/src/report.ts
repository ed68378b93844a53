/** An experiment as plain text that fits a mailing list: 72 columns, tables in ASCII. */
import { describeStep, describeStop } from "./describe.js";
import { COLUMNS, cells, environment, heading, wrap } from "./plain-text.js";
import { formatBytes, formatMs, formatNs } from "./units.js";
import { kernelTrouble, settled } from "./verdict.js";
import type { ExperimentView, MigrationView, StepView } from "./view.js";

export function report(view: ExperimentView, link?: string): string {
  const parts = [
    heading(view.title),
    view.question === null ? "" : wrap(view.question),
    view.expected === null ? "" : wrap(`Expected: ${view.expected}`, 10),
    verdictLine(view),
    view.invalid === null ? "" : wrap(`INVALID: ${view.invalid}`, 9),
    view.fingerprint === null ? "" : environment(view.fingerprint),
    view.manifest?.engine === "criu" ? "engine  CRIU, of the image" : "",
    view.logDigest === null ? "" : `log     ${view.logDigest}`,
    stepTable(view),
    checkpointTable(view),
    migrationTables(view),
    failures(view),
    link === undefined ? "" : link,
  ];
  return `${parts.filter((p) => p !== "").join("\n\n")}\n`;
}

function verdictLine(view: ExperimentView): string {
  const early = view.verdict === null && view.status !== "interrupted" ? settled(view) : null;
  const state = view.verdict ?? early?.verdict ?? view.status;
  const reason = view.reason ?? early?.reason ?? null;
  return wrap(`Verdict: ${state.toUpperCase()}${reason === null ? "" : ` (${reason})`}`, 9);
}

function stepTable(view: ExperimentView): string {
  if (view.steps.length === 0) return "";
  const lines = view.steps.map((s) =>
    cells([
      [String(s.stepNo), 3, "right"],
      [describeStep(s.step), 43, "left"],
      [s.state, 11, "left"],
      [s.ms === null ? "-" : formatMs(s.ms), 9, "right"],
    ]),
  );
  const head = cells([
    ["#", 3, "right"],
    ["step", 43, "left"],
    ["state", 11, "left"],
    ["time", 9, "right"],
  ]);
  return [head, "-".repeat(COLUMNS), ...lines].join("\n");
}

function checkpointTable(view: ExperimentView): string {
  if (view.checkpoints.length === 0) return "";
  const head = cells([
    ["checkpoint", 14, "left"],
    ["parent", 10, "left"],
    ["size", 10, "right"],
    ["pages", 8, "right"],
    ["unchanged", 10, "right"],
    ["frozen", 10, "right"],
  ]);
  const lines = view.checkpoints.map((c) =>
    cells([
      [c.name, 14, "left"],
      [c.parent ?? "-", 10, "left"],
      [formatBytes(c.figures.bytes), 10, "right"],
      [String(c.figures.pages), 8, "right"],
      [String(c.figures.parentPages), 10, "right"],
      [formatNs(c.figures.frozenNs), 10, "right"],
    ]),
  );
  return [head, "-".repeat(COLUMNS), ...lines].join("\n");
}

function migrationTables(view: ExperimentView): string {
  return view.migrations.map(migrationTable).join("\n\n");
}

function migrationTable(m: MigrationView): string {
  const way = `guest ${m.fromGuest} to guest ${m.toGuest}`;
  const link = `${m.mibPerS === null ? "unlimited" : `${m.mibPerS} MiB/s`}, ${m.latencyMs} ms`;
  const outcome =
    m.downtimeMs === null ? m.state : `stood still ${formatMs(m.downtimeMs)}; ${m.stopped && describeStop(m.stopped)}`;
  const row = (columns: string[]) =>
    cells(columns.map((text, i) => [text, i === 0 ? 14 : 10, i === 0 ? "left" : "right"]));
  return [
    wrap(`step ${m.stepNo}: ${m.target} from ${way}, link ${link}: ${outcome}`, 2),
    row(["round", "size", "pages", "still", "took"]),
    "-".repeat(COLUMNS),
    ...m.rounds.map((r) =>
      row([
        r.final ? `${r.round}, the last` : String(r.round),
        formatBytes(r.bytes),
        String(r.pages),
        formatNs(r.frozenNs),
        formatMs(r.ms),
      ]),
    ),
  ].join("\n");
}

function failures(view: ExperimentView): string {
  const failed = view.steps.filter((s): s is StepView & { error: NonNullable<StepView["error"]> } => s.error !== null);
  const lines = failed.map((s) =>
    wrap(`step ${s.stepNo}: ${s.error.message}${s.error.hint === undefined ? "" : `; ${s.error.hint}`}`, 2),
  );
  const kernel = kernelTrouble(view)
    .slice(0, 5)
    .map((line) => wrap(`kernel: ${line.trim()}`, 2));
  return [...lines, ...kernel].join("\n");
}
