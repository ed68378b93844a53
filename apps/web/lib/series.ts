/** What charts draw: lines over the time of an experiment, in seconds since it was created. */
import { type ExperimentView, findWorkload, formatBytes, formatMs, formatNs, type StepKind } from "@crlab/shared";

export type Point = readonly [seconds: number, value: number];

export interface Chart {
  id: string;
  title: string;
  format: (value: number) => string;
  /** Its axis counts in powers of two. */
  binary?: boolean;
  lines: { label: string; points: readonly Point[] }[];
}

export interface Mark {
  seconds: number;
  label: string;
  kind: StepKind;
}

const count = (value: number): string => Math.round(value).toLocaleString("en");

/** What of an experiment is drawn. */
export type Measured = Pick<ExperimentView, "checkpoints" | "restores" | "migrations" | "steps">;

/** When its guest was up: how long it waited for one, and what booting took, says nothing about what came after. */
function upAt({ steps }: Measured): number {
  const boot = steps.find((s) => s.kind === "boot");
  return ((boot?.startedMs ?? 0) + (boot?.ms ?? 0)) / 1000;
}

/** One chart of each kind, with a line for each experiment: the first of its own lines, since its guest was up. */
export function overlaid(experiments: readonly Measured[]): Chart[] {
  const all = experiments.map(chartsOf);
  const up = experiments.map(upAt);
  const ids = [...new Set(all.flatMap((charts) => charts.map((c) => c.id)))];
  return ids.flatMap((id) => {
    const own = all.map((charts) => charts.find((c) => c.id === id));
    const first = own.find((c) => c !== undefined);
    if (!first) return [];
    const lines = own.flatMap((chart, at) => {
      const line = chart?.lines[0];
      const points = line?.points.flatMap(([seconds, value]): Point[] => {
        const since = seconds - (up[at] ?? 0);
        return since < 0 ? [] : [[since, value]];
      });
      return line && points?.length ? [{ label: `${letterOf(at)} ${line.label}`, points }] : [];
    });
    return lines.length === 0 ? [] : [{ ...first, lines }];
  });
}

/** What an experiment is called among those it is compared with. */
export const letterOf = (at: number): string => String.fromCharCode(65 + at);

/** Charts of what the log itself says; empty ones are left out. */
export function chartsOf(view: Measured): Chart[] {
  const at = (ms: number) => ms / 1000;
  const checkpoints = [...view.checkpoints].sort((a, b) => a.atMs - b.atMs);
  const of = (value: (figures: (typeof checkpoints)[number]["figures"]) => number): Point[] =>
    checkpoints.map((c) => [at(c.atMs), value(c.figures)]);
  const charts: Chart[] = [
    {
      id: "pause",
      title: "Time",
      format: formatNs,
      lines: [
        { label: "frozen", points: of((f) => f.frozenNs) },
        { label: "checkpoint", points: of((f) => f.totalNs) },
        { label: "restore", points: view.restores.map((r) => [at(r.atMs), r.figures.totalNs]) },
        { label: "down, moving", points: view.migrations.flatMap((m) => downAt(view, m)) },
      ],
    },
    {
      id: "bytes",
      title: "Image",
      format: formatBytes,
      binary: true,
      lines: [{ label: "bytes", points: of((f) => f.bytes) }],
    },
    {
      id: "pages",
      title: "Pages",
      format: count,
      lines: [
        { label: "written", points: of((f) => f.pages) },
        {
          label: "as in the parent",
          points: checkpoints.filter((c) => c.parent !== null).map((c) => [at(c.atMs), c.figures.parentPages]),
        },
      ],
    },
    {
      id: "steps",
      title: "Steps",
      format: formatMs,
      lines: [
        {
          label: "time a step took",
          points: view.steps.flatMap((s): Point[] => (s.ms === null ? [] : [[at(s.startedMs), s.ms]])),
        },
      ],
    },
  ];
  return charts
    .map((c) => ({ ...c, lines: c.lines.filter((l) => l.points.length > 0) }))
    .filter((c) => c.lines.length > 0);
}

/** When a migration was over, and how long the process had stood still for it. */
function downAt({ steps }: Measured, { stepNo, downtimeMs }: Measured["migrations"][number]): Point[] {
  const step = steps.find((s) => s.stepNo === stepNo);
  return step === undefined || downtimeMs === null
    ? []
    : [[(step.startedMs + (step.ms ?? 0)) / 1000, downtimeMs * 1e6]];
}

/** Where steps began: what one looks for beside a bend in a line. */
export function marksOf(view: ExperimentView): Mark[] {
  const shown: Partial<Record<StepKind, string>> = {
    ...{ boot: "boot", reboot: "reboot", checkpoint: "c", unlink: "unlink", rename: "rename", kill: "kill" },
    ...{ restore: "restore", migrate: "migrate" },
  };
  return view.steps.flatMap((s) => {
    const label = shown[s.kind];
    if (label === undefined) return [];
    const name = view.checkpoints.find((c) => c.stepNo === s.stepNo)?.name;
    return [{ seconds: s.startedMs / 1000, label: name ?? label, kind: s.kind }];
  });
}

/** How fast a workload went on between two lines by which it said how far it had come; a restore may set it back. */
export function throughput(
  command: string,
  output: readonly { atMs: number; text: string }[],
): { of: string; points: Point[] } | null {
  const progress = findWorkload(command.split(" ")[0]?.replace(/^.*\//, "") ?? "")?.progress;
  if (!progress) return null;
  const points: Point[] = [];
  let before: { atMs: number; n: number } | undefined;
  let rest = "";
  for (const chunk of output) {
    const lines = (rest + chunk.text).split("\n");
    rest = lines.pop() ?? "";
    // Of what came at one time only the last line says anything about speed.
    const said = lines.map((line) => progress.line.exec(line.trimEnd())?.[1]).findLast((n) => n !== undefined);
    if (said === undefined) continue;
    const now = { atMs: chunk.atMs, n: Number(said) };
    if (before && now.n >= before.n && now.atMs > before.atMs)
      points.push([now.atMs / 1000, ((now.n - before.n) * 1000) / (now.atMs - before.atMs)]);
    before = now;
  }
  return { of: progress.of, points };
}

/** uPlot's shape: one x for all lines, and holes where a line has no point. */
export function aligned(lines: readonly { points: readonly Point[] }[]): [number[], ...(number | null)[][]] {
  const xs = [...new Set(lines.flatMap((l) => l.points.map(([x]) => x)))].sort((a, b) => a - b);
  return [
    xs,
    ...lines.map(({ points }) => {
      const at = new Map(points);
      return xs.map((x) => at.get(x) ?? null);
    }),
  ];
}
