/**
 * The one view of an experiment: a fold of its log. Pure; the same function serves the live page,
 * the share link, replay (fold up to a moment), reports and the command line.
 */
import type { LogEvent, ProcessInfo } from "./events.js";
import type {
  CheckpointFigures,
  Fingerprint,
  KernelVariant,
  Manifest,
  NamedError,
  RestoreFigures,
  Step,
  StepKind,
} from "./experiment.js";
import type { ImageDigest } from "./image/digest.js";
import type { MigrationRound, MigrationStop } from "./migration.js";

export type ExperimentStatus = "new" | "booting" | "running" | "ended" | "interrupted";
export type Verdict = "pass" | "fail";
export type Figures = Record<string, number | string | boolean | null>;

/** Figures that an older log, or a checkpoint without them, does not have are left out. */
function known(figures: Record<string, Figures[string] | undefined>): Figures {
  const result: Figures = {};
  for (const [name, value] of Object.entries(figures)) if (value !== undefined) result[name] = value;
  return result;
}

/** Of all images of its chain; a checkpoint's are of its own. */
const asRead = ({ bytes, pages, ...others }: RestoreFigures): Figures => ({
  readBytes: bytes,
  readPages: pages,
  ...others,
});

export interface GuestView {
  guest: number;
  state: "booting" | "up" | "stopped" | "died" | "hung";
  kernel: KernelVariant;
  how: "warm" | "cold" | "spare";
  bootMs: number | null;
  /** Why it is gone. */
  reason: string | null;
  /** Its place among those who wait for a guest; null: it does not wait. */
  queue: number | null;
  suspended: boolean;
}

export interface StepView {
  stepNo: number;
  kind: StepKind;
  step: Step;
  planned: boolean;
  /** Exact guest commands, in order. */
  commands: string[];
  /** `interrupted`: it was running when the runner or the experiment ended. */
  state: "running" | "ok" | "failed" | "interrupted";
  startedMs: number;
  /** How long it took; null while it runs. */
  ms: number | null;
  figures: Figures;
  text: string | null;
  error: NamedError | null;
}

export interface CheckpointView {
  name: string;
  target: string;
  mode: "full" | "incremental";
  /** Name of the checkpoint it builds on. */
  parent: string | null;
  guestPath: string;
  guest: number;
  /** False once the guest that holds the image is gone. */
  available: boolean;
  stepNo: number;
  atMs: number;
  figures: CheckpointFigures;
  /** What is in the image, once somebody has opened it. */
  digest: ImageDigest | null;
  /** Pieces of it that somebody has looked at; base64. */
  bytes: { offset: number; data: string }[];
}

export interface TargetView {
  name: string;
  pid: number;
  alive: boolean;
  terminal: number;
  command: string;
  endedReason: string | null;
  /** The checkpoint it was last restored from, if ever. */
  restoredFrom: string | null;
  /** Its latest checkpoint: the default parent of an increment. */
  latestCheckpoint: string | null;
  processes: ProcessInfo[];
}

export interface TerminalView {
  terminal: number;
  title: string;
  kind: "workload" | "shell" | "serial";
  /** Bytes put out so far, as far as the folded events tell. */
  bytes: number;
  cols: number | null;
  rows: number | null;
  openedMs: number;
  closedReason: string | null;
}

export interface RestoreView {
  stepNo: number;
  checkpoint: string;
  target: string;
  atMs: number;
  figures: RestoreFigures;
}

export interface MigrationView {
  stepNo: number;
  target: string;
  fromGuest: number;
  toGuest: number;
  /** Of the link; null: as fast as it goes. */
  mibPerS: number | null;
  latencyMs: number;
  rounds: MigrationRound[];
  /** `failed`: the target went on where it was. */
  state: "running" | "moved" | "failed";
  stopped: MigrationStop | null;
  downtimeMs: number | null;
  totalMs: number | null;
  bytes: number | null;
}

export interface VerifyView {
  stepNo: number;
  target: string;
  ok: boolean;
  text: string;
}

export interface TextLine {
  atMs: number;
  text: string;
}

export interface ExperimentView {
  title: string;
  question: string | null;
  /** What to look at, and what was thought to come out: its lab sheet. */
  watch: string | null;
  expected: string | null;
  createdAt: string | null;
  forkedFrom: string | null;
  logVersion: number | null;
  manifest: Manifest | null;
  status: ExperimentStatus;
  /** Set when the experiment has ended. */
  verdict: Verdict | null;
  /** Why it ended so, or why it was interrupted. */
  reason: string | null;
  /** SHA-256 of the log up to its end. */
  logDigest: string | null;
  /** Why its owner says that the result does not count. */
  invalid: string | null;
  fingerprint: Fingerprint | null;
  guest: GuestView | null;
  steps: StepView[];
  /** All planned steps; the first `planDone` of them have been started. */
  plan: Step[];
  planDone: number;
  checkpoints: CheckpointView[];
  restores: RestoreView[];
  migrations: MigrationView[];
  verifications: VerifyView[];
  /** What the latest dry run named. */
  obstacles: { stepNo: number; target: string; obstacles: string[] } | null;
  targets: TargetView[];
  terminals: TerminalView[];
  kernelLog: TextLine[];
  notes: TextLine[];
  /** Events this version could not read. */
  unknownEvents: number;
  lastSeq: number;
  /** Time of the latest event, in ms since the experiment was created. */
  lastMs: number;
}

export const emptyView: ExperimentView = {
  title: "",
  question: null,
  watch: null,
  expected: null,
  createdAt: null,
  forkedFrom: null,
  logVersion: null,
  manifest: null,
  status: "new",
  verdict: null,
  reason: null,
  logDigest: null,
  invalid: null,
  fingerprint: null,
  guest: null,
  steps: [],
  plan: [],
  planDone: 0,
  checkpoints: [],
  restores: [],
  migrations: [],
  verifications: [],
  obstacles: null,
  targets: [],
  terminals: [],
  kernelLog: [],
  notes: [],
  unknownEvents: 0,
  lastSeq: 0,
  lastMs: 0,
};

/** The view after one more event. An event that was folded already changes nothing. */
export function fold(view: ExperimentView, event: LogEvent): ExperimentView {
  if (event.seq <= view.lastSeq) return view;
  return { ...view, ...change(view, event), lastSeq: event.seq, lastMs: Math.max(view.lastMs, event.atMs) };
}

/** Fold a log, or as much of it as had happened at `atMs` (replay). */
export function foldAll(events: Iterable<LogEvent>, atMs = Number.POSITIVE_INFINITY, from = emptyView): ExperimentView {
  let view = from;
  for (const event of events) {
    if (event.atMs > atMs) break;
    view = fold(view, event);
  }
  return view;
}

/** The planned steps that have not been started. */
export function remainingPlan(view: ExperimentView): Step[] {
  return view.plan.slice(view.planDone);
}

export function runningStep(view: ExperimentView): StepView | undefined {
  return view.steps.find((s) => s.state === "running");
}

/** The planned step that failed last and so stopped the plan, until somebody goes on with it. */
export function planStoppedAt(view: ExperimentView): StepView | undefined {
  const last = view.steps.findLast((s) => s.planned);
  return last?.state === "failed" && runningStep(view) === undefined ? last : undefined;
}

/** The target a step without `target` speaks of: the latest one. */
export function latestTarget(view: ExperimentView): TargetView | undefined {
  return view.targets.at(-1);
}

/** The images a restore from `name` needs: its chain, the full checkpoint first. */
export function checkpointChain(view: ExperimentView, name: string): CheckpointView[] {
  const chain: CheckpointView[] = [];
  let next: string | null = name;
  while (next !== null && chain.length < view.checkpoints.length) {
    const wanted: string = next;
    const found = view.checkpoints.find((c) => c.name === wanted);
    if (found === undefined) break;
    chain.unshift(found);
    next = found.parent;
  }
  return chain;
}

function change(view: ExperimentView, event: LogEvent): Partial<ExperimentView> {
  switch (event.type) {
    case "experiment.created":
      return {
        title: event.title,
        question: event.question ?? null,
        watch: event.watch ?? null,
        expected: event.expected ?? null,
        createdAt: event.createdAt,
        forkedFrom: event.forkedFrom ?? null,
        logVersion: event.logVersion,
        manifest: event.manifest,
        plan: event.plan,
      };
    case "experiment.renamed":
      return { title: event.title };
    case "guest.booting":
      return {
        status: "booting",
        guest: {
          guest: event.guest,
          state: "booting",
          kernel: event.kernel,
          how: event.how,
          bootMs: null,
          reason: null,
          queue: null,
          suspended: false,
        },
      };
    case "guest.booted":
      return {
        status: "running",
        fingerprint: event.fingerprint,
        guest: guestUp(event),
        checkpoints: view.checkpoints.map((c) =>
          event.images?.includes(c.name) ? { ...c, available: true, guest: event.guest } : c,
        ),
        terminals: view.terminals.map((t) =>
          event.terminals?.includes(t.terminal) ? { ...t, closedReason: null } : t,
        ),
      };
    case "guest.queued":
      return editGuest(view, event.guest, { queue: event.position });
    case "guest.suspended":
      return editGuest(view, event.guest, { suspended: true });
    case "guest.resumed":
      return editGuest(view, event.guest, { suspended: false });
    case "experiment.marked":
      return { invalid: event.invalid };
    case "guest.ended":
      return guestEnded(view, event.guest, event.how, event.reason);
    case "step.started":
      return {
        status: view.status === "new" ? "running" : view.status,
        planDone: view.planDone + (event.planned ? 1 : 0),
        steps: [
          ...view.steps,
          {
            stepNo: event.stepNo,
            kind: event.step.kind,
            step: event.step,
            planned: event.planned,
            commands: [],
            state: "running",
            startedMs: event.atMs,
            ms: null,
            figures: {},
            text: null,
            error: null,
          },
        ],
      };
    case "step.command":
      return { steps: editStep(view, event.stepNo, (s) => ({ commands: [...s.commands, event.command] })) };
    case "step.finished":
      return {
        steps: editStep(view, event.stepNo, (s) => ({
          state: "ok",
          ms: event.ms,
          figures: { ...s.figures, ...event.figures },
          text: event.text ?? s.text,
        })),
      };
    case "step.failed":
      return {
        steps: editStep(view, event.stepNo, () => ({ state: "failed", ms: event.ms, error: event.error })),
        migrations: editMigration(view, event.stepNo, () => ({ state: "failed" })),
      };
    case "workload.started":
      return {
        targets: [
          ...view.targets.filter((t) => t.name !== event.name),
          {
            name: event.name,
            pid: event.pid,
            alive: true,
            terminal: event.terminal,
            command: event.command,
            endedReason: null,
            restoredFrom: null,
            latestCheckpoint: null,
            processes: [],
          },
        ],
      };
    case "workload.ended":
      return {
        targets: editTarget(view, event.name, () => ({ alive: false, endedReason: event.reason, processes: [] })),
      };
    case "checkpoint.finished":
      return {
        checkpoints: [
          ...view.checkpoints.filter((c) => c.name !== event.name),
          {
            name: event.name,
            target: event.target,
            mode: event.mode,
            parent: event.parent,
            guestPath: event.guestPath,
            guest: view.guest?.guest ?? 0,
            available: true,
            stepNo: event.stepNo,
            atMs: event.atMs,
            figures: event.figures,
            digest: null,
            bytes: [],
          },
        ],
        targets: editTarget(view, event.target, () => ({ latestCheckpoint: event.name })),
        steps: editStep(view, event.stepNo, (s) => ({ figures: { ...s.figures, ...known(event.figures) } })),
      };
    case "checkpoint.read":
      return {
        checkpoints: view.checkpoints.map((c) => (c.name === event.name ? { ...c, digest: event.digest } : c)),
      };
    case "checkpoint.bytes":
      return {
        checkpoints: view.checkpoints.map((c) =>
          c.name === event.name ? { ...c, bytes: [...c.bytes, { offset: event.offset, data: event.data }] } : c,
        ),
      };
    case "checkpoint.obstacles":
      return {
        obstacles: { stepNo: event.stepNo, target: event.target, obstacles: event.obstacles },
        steps: editStep(view, event.stepNo, (s) => ({
          figures: { ...s.figures, obstacles: event.obstacles.length },
          text: event.obstacles.join("\n"),
        })),
      };
    case "restore.finished":
      return {
        restores: [
          ...view.restores,
          {
            stepNo: event.stepNo,
            checkpoint: event.checkpoint,
            target: event.target,
            atMs: event.atMs,
            figures: event.figures,
          },
        ],
        targets: editTarget(view, event.target, () => ({
          alive: true,
          pid: event.figures.rootPid,
          endedReason: null,
          restoredFrom: event.checkpoint,
          // An increment over anything later would not match what is in memory now.
          latestCheckpoint: event.checkpoint,
        })),
        steps: editStep(view, event.stepNo, (s) => ({ figures: { ...s.figures, ...asRead(event.figures) } })),
      };
    case "migration.started":
      return {
        migrations: [
          ...view.migrations,
          {
            stepNo: event.stepNo,
            target: event.target,
            fromGuest: event.fromGuest,
            toGuest: event.toGuest,
            mibPerS: event.mibPerS,
            latencyMs: event.latencyMs,
            rounds: [],
            state: "running",
            stopped: null,
            downtimeMs: null,
            totalMs: null,
            bytes: null,
          },
        ],
      };
    case "migration.round": {
      const { seq: _, atMs: __, type: ___, stepNo, ...round } = event;
      return { migrations: editMigration(view, stepNo, (m) => ({ rounds: [...m.rounds, round] })) };
    }
    case "migration.finished":
      return moved(view, event);
    case "verify.finished":
      return {
        verifications: [
          ...view.verifications,
          { stepNo: event.stepNo, target: event.target, ok: event.ok, text: event.text },
        ],
        steps: editStep(view, event.stepNo, () => ({ text: event.text })),
      };
    case "processes.seen":
      return { targets: editTarget(view, event.name, () => ({ processes: event.processes })) };
    case "terminal.opened":
      return {
        terminals: [
          ...view.terminals.filter((t) => t.terminal !== event.terminal),
          {
            terminal: event.terminal,
            title: event.title,
            kind: event.kind,
            bytes: 0,
            cols: null,
            rows: null,
            openedMs: event.atMs,
            closedReason: null,
          },
        ],
      };
    case "terminal.output":
      return {
        terminals: editTerminal(view, event.terminal, (t) => ({
          bytes: Math.max(t.bytes, event.offset + base64Bytes(event.data)),
        })),
      };
    case "terminal.resized":
      return { terminals: editTerminal(view, event.terminal, () => ({ cols: event.cols, rows: event.rows })) };
    case "terminal.closed":
      return { terminals: editTerminal(view, event.terminal, () => ({ closedReason: event.reason })) };
    case "kernel.log":
      return { kernelLog: [...view.kernelLog, { atMs: event.atMs, text: event.text }] };
    case "note":
      return { notes: [...view.notes, { atMs: event.atMs, text: event.text }] };
    case "experiment.ended":
      return { ...allStopped(view), status: "ended", verdict: event.verdict, ...ending(event) };
    case "experiment.interrupted":
      return { ...allStopped(view), status: "interrupted", verdict: null, ...ending(event) };
    case "unknown":
      return { unknownEvents: view.unknownEvents + 1 };
  }
}

const ending = (event: { reason: string; logDigest?: string | undefined }) => ({
  reason: event.reason,
  logDigest: event.logDigest ?? null,
});

/** Where in which image a step's error is, if it says so. */
export function errorPlace(view: ExperimentView, step: StepView): { checkpoint: string; offset: number } | null {
  const offset = step.error?.imageOffset;
  if (offset === undefined || step.step.kind !== "restore") return null;
  const named = step.step.checkpoint;
  const earlier = view.checkpoints.filter((c) => c.stepNo < step.stepNo);
  const image = named === undefined ? earlier.at(-1) : earlier.find((c) => c.name === named);
  // It has been read up to there: the error is about what ends there.
  return image ? { checkpoint: image.name, offset: Math.max(0, offset - 1) } : null;
}

const editGuest = (view: ExperimentView, guest: number, edit: Partial<GuestView>): Partial<ExperimentView> =>
  view.guest?.guest === guest ? { guest: { ...view.guest, ...edit } } : {};

function guestEnded(view: ExperimentView, guest: number, how: "stopped" | "died" | "hung", reason: string) {
  if (view.guest?.guest !== guest) return {};
  return {
    status: "running" as const,
    guest: { ...view.guest, state: how, reason, queue: null, suspended: false },
    targets: view.targets.map((t) => (t.alive ? { ...t, alive: false, endedReason: reason, processes: [] } : t)),
    terminals: view.terminals.map((t) => (t.closedReason === null ? { ...t, closedReason: reason } : t)),
    checkpoints: view.checkpoints.map((c) => (c.guest === guest ? { ...c, available: false } : c)),
  };
}

/** A guest that has come up, by a boot or by a migration. */
function guestUp(event: Extract<LogEvent, { type: "guest.booted" | "migration.finished" }>): ExperimentView["guest"] {
  return {
    guest: event.guest,
    state: "up",
    kernel: event.fingerprint.kernelVariant,
    how: event.how,
    bootMs: event.bootMs,
    reason: null,
    queue: null,
    suspended: false,
  };
}

/** The experiment goes on in another guest: with the target and its terminal, without the rest. */
function moved(
  view: ExperimentView,
  event: Extract<LogEvent, { type: "migration.finished" }>,
): Partial<ExperimentView> {
  const left = `left behind in guest ${view.guest?.guest ?? 0}`;
  const target = view.targets.find((t) => t.name === event.target);
  const { stopped, downtimeMs, totalMs, bytes, figures } = event;
  return {
    fingerprint: event.fingerprint,
    guest: guestUp(event),
    migrations: editMigration(view, event.stepNo, () => ({ state: "moved", stopped, downtimeMs, totalMs, bytes })),
    targets: view.targets.map((t) => {
      if (t === target) return { ...t, pid: figures.rootPid, alive: true, endedReason: null, latestCheckpoint: null };
      return t.alive ? { ...t, alive: false, endedReason: left, processes: [] } : t;
    }),
    terminals: view.terminals.map((t) =>
      t.closedReason === null && t.terminal !== target?.terminal ? { ...t, closedReason: left } : t,
    ),
    checkpoints: view.checkpoints.map((c) => ({ ...c, available: false })),
    steps: editStep(view, event.stepNo, (s) => ({
      figures: {
        ...s.figures,
        downtimeMs,
        rounds: view.migrations.find((m) => m.stepNo === event.stepNo)?.rounds.length ?? 0,
        bytes,
        totalMs,
        stopped,
      },
    })),
  };
}

/** Whatever still ran does not any more. */
function allStopped(view: ExperimentView): Partial<ExperimentView> {
  const gone = view.guest === null ? {} : guestEnded(view, view.guest.guest, "stopped", "the experiment ended");
  const over = view.guest !== null && view.guest.state !== "up" && view.guest.state !== "booting";
  return {
    ...gone,
    ...(over ? { guest: view.guest } : {}),
    steps: view.steps.map((s) => (s.state === "running" ? { ...s, state: "interrupted" } : s)),
    migrations: view.migrations.map((m) => (m.state === "running" ? { ...m, state: "failed" } : m)),
  };
}

const editStep = (view: ExperimentView, stepNo: number, edit: (s: StepView) => Partial<StepView>): StepView[] =>
  view.steps.map((s) => (s.stepNo === stepNo ? { ...s, ...edit(s) } : s));

const editTarget = (view: ExperimentView, name: string, edit: (t: TargetView) => Partial<TargetView>): TargetView[] =>
  view.targets.map((t) => (t.name === name ? { ...t, ...edit(t) } : t));

const editMigration = (
  view: ExperimentView,
  stepNo: number,
  edit: (m: MigrationView) => Partial<MigrationView>,
): MigrationView[] => view.migrations.map((m) => (m.stepNo === stepNo ? { ...m, ...edit(m) } : m));

const editTerminal = (
  view: ExperimentView,
  terminal: number,
  edit: (t: TerminalView) => Partial<TerminalView>,
): TerminalView[] => view.terminals.map((t) => (t.terminal === terminal ? { ...t, ...edit(t) } : t));

function base64Bytes(data: string): number {
  const padding = data.endsWith("==") ? 2 : data.endsWith("=") ? 1 : 0;
  return (data.length / 4) * 3 - padding;
}
