import {
  cameOut,
  describeStep,
  type ExperimentView,
  formatBytes,
  formatCount,
  formatMs,
  formatNs,
  planStoppedAt,
  remainingPlan,
  type StepView,
} from "@crlab/shared";
import { lazy, Suspense } from "react";
import { actionKeys } from "../../lib/shortcuts";
import { doneMs, inspectorTabs, nowhere, writeShown } from "../../lib/shown";
import { formatClock } from "../../lib/time";
import { Said } from "../said";
import { ErrorLinks } from "./error-links";
import styles from "./steps.module.css";

const MigrationRounds = lazy(() => import("./migration").then((m) => ({ default: m.MigrationRounds })));

const names: Record<StepView["kind"], string> = {
  boot: "Boot guest",
  reboot: "Reboot",
  start: "Start",
  checkpoint: "Checkpoint",
  unlink: "Unlink",
  rename: "Rename",
  kill: "Kill",
  restore: "Restore",
  migrate: "Migrate",
  verify: "Verify",
  wait: "Wait",
  run: "Run",
};

function title({ step, kind }: Pick<StepView, "step" | "kind">): string {
  const of = "target" in step && step.target !== undefined ? ` · ${step.target}` : "";
  return `${titleOf({ step, kind })}${of}`;
}

function titleOf({ step, kind }: Pick<StepView, "step" | "kind">): string {
  if (step.kind === "checkpoint")
    return step.dryRun ? "Dry run" : `Checkpoint · ${step.mode}${step.live ? " · live" : ""}`;
  if (step.kind === "reboot" && step.how === "power cut") return "Power cut";
  if (step.kind === "start") return `Start ${step.workload ?? step.name}`;
  if (step.kind === "restore" && step.checkpoint) return `Restore from ${step.checkpoint}`;
  return names[kind];
}

/** A step's figures in a line, units always, and never parted from their numbers; else what it said. */
function figures(view: ExperimentView, step: StepView): string {
  return measured(view, step)?.replace(/(\d|frozen|down) (?=\S)/g, "$1\u00a0") ?? step.text ?? describeStep(step.step);
}

function measured(view: ExperimentView, step: StepView): string | undefined {
  const checkpoint = view.checkpoints.find((c) => c.stepNo === step.stepNo);
  if (checkpoint) {
    const { bytes, pages, frozenNs } = checkpoint.figures;
    return `${checkpoint.name} · ${formatBytes(bytes)} · ${formatCount(pages)} pages · frozen ${formatNs(frozenNs)}`;
  }
  const migration = view.migrations.find((m) => m.stepNo === step.stepNo);
  if (migration && migration.downtimeMs !== null)
    return `to guest ${migration.toGuest} · down ${formatMs(migration.downtimeMs)} · ${formatBytes(migration.bytes ?? 0)}`;
  const restore = view.restores.find((r) => r.stepNo === step.stepNo);
  if (restore)
    return `${restore.checkpoint} · ${restore.figures.tasks} ${restore.figures.tasks === 1 ? "task" : "tasks"} · ${formatCount(restore.figures.pages)} pages read · ${formatNs(restore.figures.totalNs)}`;
  const { processes } = step.figures;
  if (step.kind === "kill" && typeof processes === "number")
    return `SIGKILL · ${processes} ${processes === 1 ? "process" : "processes"}`;
  if (step.kind === "boot" && view.fingerprint)
    return `${step.step.kind === "boot" && step.step.kernel ? `${step.step.kernel} · ` : ""}${view.fingerprint.cpus} CPU · ${view.fingerprint.memMiB} MiB${view.guest ? ` · ${describeHow[view.guest.how]}` : ""}`;
  return undefined;
}

/** How a guest came up: what its time is to be read with. */
const describeHow = { cold: "cold boot", warm: "woken from a saved state", spare: "stood by" };

const states: Record<StepView["state"], string> = {
  running: "running …",
  ok: "ok",
  failed: "failed",
  interrupted: "interrupted",
};

interface Props {
  /** As it is, or was at the moment that is shown. */
  view: ExperimentView;
  /** Of an experiment that is over: all of it, so that each step leads to its moment. */
  whole?: ExperimentView | null;
  /** Runs the next planned step; null where one cannot. */
  onNext?: (() => void) | null;
}

/** What was done, in order; then what is planned. Of an experiment that is written so, a lab sheet. */
export function Steps({ view, whole = null, onNext = null }: Props) {
  const isSheet = view.watch !== null || view.expected !== null;
  const out = isSheet ? cameOut(view) : [];
  const last = view.steps.at(-1);
  return (
    <>
      {/* Of what runs now, for those who do not see it. */}
      <p className="visually-hidden" role="status">
        {whole === null && last && `Step ${last.stepNo}, ${title(last)}: ${states[last.state]}`}
      </p>
      {view.question !== null && (
        <dl className={styles.sheet} data-testid="sheet">
          <dt>Question</dt>
          <dd>{view.question}</dd>
          {view.watch !== null && (
            <>
              <dt>What to watch</dt>
              <dd>
                <Watched text={view.watch} />
              </dd>
            </>
          )}
        </dl>
      )}
      <StepList view={view} whole={whole} onNext={onNext} />
      {isSheet && (
        <dl className={styles.sheet} data-testid="outcome">
          {view.expected !== null && (
            <>
              <dt>Expected</dt>
              <dd>{view.expected}</dd>
            </>
          )}
          <dt>What came out</dt>
          {out.length === 0 ? <dd className="dim">Nothing yet.</dd> : out.map((line) => <dd key={line}>{line}</dd>)}
        </dl>
      )}
    </>
  );
}

const TAB_NAMES = new RegExp(`\\b(${inspectorTabs.map((tab) => tab.label).join("|")})\\b`);

/** A tab of the inspector that is named leads there. */
function Watched({ text }: { text: string }) {
  return text.split(TAB_NAMES).map((part, i) => {
    const tab = inspectorTabs.find((t) => t.label === part);
    if (tab === undefined) return part;
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: a part is known by its place
      <a key={i} data-view href={writeShown({ ...nowhere, tab: tab.id })}>
        {part}
      </a>
    );
  });
}

const Note = ({ text }: { text: string | undefined }) =>
  text === undefined ? null : <p className={styles.note}>{text}</p>;

/** When a step began; it leads to the moment at which it was done. */
function Clock({ step, whole }: { step: StepView; whole: ExperimentView }) {
  const clock = formatClock(step.startedMs);
  return (
    <a
      data-view
      className={styles.clock}
      href={writeShown({ ...nowhere, atMs: doneMs(step, whole) })}
      title="Show all as it was after this step"
      aria-label={`${clock}: all as it was after this step`}
    >
      {clock}
    </a>
  );
}

function StepList({ view, whole, onNext }: Required<Props>) {
  const end = whole ?? view;
  const planned = remainingPlan(end);
  const stopped = planStoppedAt(end) !== undefined || end.status === "ended" || end.status === "interrupted";
  return (
    <ol className={styles.steps} data-testid="steps" aria-label="Steps">
      {view.steps.map((step) => (
        <li
          key={step.stepNo}
          className={styles.step}
          data-state={step.state}
          data-kind={step.kind}
          data-testid={`step-${step.stepNo}`}
        >
          <div className={styles.line}>
            <b>{title(step)}</b>
            <span className={styles.figure}>
              {whole && <Clock step={step} whole={whole} />}
              {step.state === "ok" ? (step.ms === null ? "" : formatMs(step.ms)) : states[step.state]}
              {step.state === "ok" && <span className="visually-hidden"> ok</span>}
            </span>
          </div>
          <Note text={step.step.note} />
          {step.error ? (
            <div className={styles.error}>
              <Said text={step.error.message} /> <ErrorLinks view={end} step={step} />
              {step.error.hint && (
                <span className={styles.hint}>
                  <Said text={step.error.hint} />
                </span>
              )}
            </div>
          ) : (
            <div className={`few ${styles.figure}`}>{figures(view, step)}</div>
          )}
          {step.kind === "migrate" && (
            <Suspense fallback={null}>
              <MigrationRounds migration={view.migrations.find((m) => m.stepNo === step.stepNo)} />
            </Suspense>
          )}
          {step.commands.length > 0 && (
            <details className={styles.commands}>
              <summary>{step.commands.length === 1 ? "command" : `${step.commands.length} commands`}</summary>
              <pre>{step.commands.map((c) => `# ${c}`).join("\n")}</pre>
            </details>
          )}
        </li>
      ))}
      {whole?.steps.slice(view.steps.length).map((step) => (
        <li key={step.stepNo} className={styles.step} data-state="later" data-kind={step.kind}>
          <div className={styles.line}>
            <span className="dim">{title(step)}</span>
            <span className={styles.figure}>
              <Clock step={step} whole={whole} />
              later
            </span>
          </div>
          <div className={`few ${styles.figure}`}>{describeStep(step.step)}</div>
        </li>
      ))}
      {planned.map((step, i) => (
        <li
          // biome-ignore lint/suspicious/noArrayIndexKey: a step's place in the plan is its identity
          key={`planned-${end.planDone + i}`}
          className={styles.step}
          data-state={stopped ? "not-run" : "planned"}
          data-kind={step.kind}
        >
          <div className={styles.line}>
            <span className="dim">{title({ step, kind: step.kind })}</span>
            {i === 0 && onNext !== null ? (
              <button type="button" className={`btn ${styles.next}`} onClick={onNext}>
                Run this step <kbd>{actionKeys.runNext}</kbd>
              </button>
            ) : (
              <span className={styles.figure}>{stopped ? "not run" : "planned"}</span>
            )}
          </div>
          <Note text={step.note} />
          <div className={`few ${styles.figure}`}>{describeStep(step)}</div>
        </li>
      ))}
      {end.steps.length + planned.length === 0 && (
        <li className={styles.none}>{stopped ? "No step was run." : "No steps yet."}</li>
      )}
    </ol>
  );
}
