/**
 * The one view of an experiment: a fold of its log. Pure; the same function serves the live page,
 * the share link, replay (fold up to a moment), reports and the command line.
 */
import type { LogEvent } from "./events.js";
import type { RestoreFigures } from "./experiment.js";
import {
  type ExperimentView,
  emptyView,
  type Figures,
  type GuestView,
  type MigrationView,
  type StepView,
  type TargetView,
  type TerminalView,
} from "./view.js";

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
          text: event.obstacles.join("\n") || "nothing stands in the way",
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

const editGuest = (view: ExperimentView, guest: number, edit: Partial<GuestView>): Partial<ExperimentView> =>
  view.guest?.guest === guest ? { guest: { ...view.guest, ...edit } } : {};

function guestEnded(view: ExperimentView, guest: number, how: "stopped" | "died" | "hung", reason: string) {
  if (view.guest?.guest !== guest) return {};
  return {
    status: "running" as const,
    guest: { ...view.guest, state: how, reason, queue: null, suspended: false },
    lost: view.lost ?? (how === "stopped" ? null : `guest ${guest} ${how}: ${reason}`),
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
