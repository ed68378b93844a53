/** What an experiment is, as its log tells, and what is asked of that. */
import type { ProcessInfo } from "./events.js";
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
  /** The first guest that was lost, and how; those after it do not mend that. */
  lost: string | null;
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
  lost: null,
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
