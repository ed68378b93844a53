"use client";
import {
  type ActionId,
  actions,
  beyondCriu,
  type CheckpointView,
  type ExperimentView,
  latestTarget,
  type Step,
  step,
  type TargetView,
} from "@crlab/shared";
import type { HeldPath } from "../../lib/held";
import { RequestError } from "../../lib/runner-socket";
import { actionKeys, pageKeys } from "../../lib/shortcuts";
import { KernelOptions } from "../kernel-options";
import { Dialog } from "./dialog";
import styles from "./dialogs.module.css";
import { HeldField, RenameFields, spokenOf } from "./held-field";
import { StartDialog } from "./start-dialog";

/** Actions that ask something first. */
export const asking = [
  "boot",
  "reboot",
  "powerCut",
  "start",
  "checkpointFull",
  "checkpointIncremental",
  "unlink",
  "rename",
  "restore",
  "migrate",
  "run",
  "end",
] as const;
export type Asking = (typeof asking)[number];
export const asks = (id: ActionId): id is Asking => asking.some((a) => a === id);

/** What was pointed at: it is chosen already. */
export interface Preset {
  /** Of unlink and rename. */
  held?: HeldPath;
  /** Of restore. */
  checkpoint?: string;
}

/** How a step names the process tree it is about: the latest needs no name. */
export type OnTarget = { target?: string };
export const onTarget = (view: ExperimentView, target: TargetView | undefined): OnTarget =>
  target === undefined || target === latestTarget(view) ? {} : { target: target.name };

interface Props {
  action: Asking;
  view: ExperimentView;
  /** The process tree it is about. */
  target: TargetView | undefined;
  preset: Preset;
  onStep: (step: Step) => Promise<void>;
  onEnd: () => Promise<void>;
  onClose: () => void;
}

/** Checks what was filled in by the step's own schema before it is sent. */
function parseStep(value: unknown): Step {
  const parsed = step.safeParse(value);
  if (parsed.success) return parsed.data;
  const message = parsed.error.issues.map((i) => `${i.path.join(".") || "step"}: ${i.message}`).join("; ");
  throw new RequestError({
    code: "bad-step",
    message: `Not sent: ${message}.`,
    hint: "Correct the field and try again.",
  });
}

const text = (form: FormData, name: string): string => String(form.get(name) ?? "").trim();
const optional = (form: FormData, name: string) => (text(form, name) === "" ? {} : { [name]: text(form, name) });
const shellWords = (line: string): string[] => ["/bin/sh", "-c", line];

const presentKernel = (view: ExperimentView): string => view.guest?.kernel ?? view.manifest?.kernel ?? "cr";

/** What of a checkpoint's choices the experiment's engine has nothing for. */
function beyondEngine({ manifest }: ExperimentView): { relink: string | null; live: string | null } {
  const beyond = (choice: Partial<Extract<Step, { kind: "checkpoint" }>>) =>
    manifest?.engine === "criu"
      ? beyondCriu({ kind: "checkpoint", mode: "full", dryRun: false, kill: false, ...choice })
      : null;
  return { relink: beyond({ unlinked: "relink" }), live: beyond({ live: true }) };
}

const Beyond = ({ what }: { what: string | null }) =>
  what === null ? null : <span className="dim">CRIU, this experiment’s engine, has nothing for {what}.</span>;

const isOf = (c: CheckpointView, target: TargetView | undefined) => c.available && c.target === target?.name;

export function ActionDialog({ action, view, target, preset, onStep, onEnd, onClose }: Props) {
  const send = (make: (form: FormData) => unknown) => async (form: FormData) => onStep(parseStep(await make(form)));
  switch (action) {
    case "boot":
      return (
        <Dialog
          title="Boot a guest"
          submit="Boot"
          onClose={onClose}
          onSubmit={send((form) => ({ kind: "boot", kernel: text(form, "kernel") }))}
        >
          <label>
            Kernel
            <select className="field" name="kernel" defaultValue={presentKernel(view)}>
              <KernelOptions chosen={presentKernel(view)} />
            </select>
          </label>
          {view.guest?.state === "up" && (
            <p className="dim">The running guest, its processes and its checkpoints go.</p>
          )}
        </Dialog>
      );
    case "reboot":
    case "powerCut": {
      const cut = action === "powerCut";
      return (
        <Dialog
          title={cut ? "Cut the power" : "Reboot"}
          submit={cut ? "Pull the plug" : "Reboot"}
          onClose={onClose}
          onSubmit={send(() => ({ kind: "reboot", how: cut ? "power cut" : "shutdown" }))}
        >
          <p>
            {cut
              ? "The guest is gone at once: what it has not written to its disk is lost. Then it is started on what the disk has."
              : "The guest shuts down, and is started again on its disk."}{" "}
            What runs in it ends; images of checkpoints stay, and can be restored.
          </p>
        </Dialog>
      );
    }
    case "start":
      return <StartDialog onClose={onClose} onSubmit={send} taken={view.targets.map((t) => t.name)} />;
    case "checkpointFull":
    case "checkpointIncremental": {
      const incremental = action === "checkpointIncremental";
      const { relink, live } = beyondEngine(view);
      return (
        <Dialog
          title={`Checkpoint ${target?.name ?? ""}`}
          submit="Checkpoint"
          onClose={onClose}
          onSubmit={send((form) => ({
            kind: "checkpoint",
            ...onTarget(view, target),
            mode: text(form, "mode"),
            kill: form.get("after") === "kill",
            ...(form.get("after") === "live" ? { live: true } : {}),
            ...optional(form, "unlinked"),
            ...optional(form, "name"),
          }))}
        >
          <label>
            Mode
            <select className="field" name="mode" defaultValue={incremental ? "incremental" : "full"}>
              <option value="full">full: every page</option>
              {actions(view, target?.name).some((a) => a.id === "checkpointIncremental" && a.possible) && (
                <option value="incremental">incremental: what changed since {target?.latestCheckpoint}</option>
              )}
            </select>
          </label>
          <label>
            Name
            <input className="field" name="name" placeholder="chosen for you" maxLength={32} autoComplete="off" />
          </label>
          <label>
            Files without a name
            <select className="field" name="unlinked" defaultValue="">
              <option value="">as the checkpoint tool chooses</option>
              <option value="relink" disabled={relink !== null}>
                relink: the same inode gets a name, whatever its size
              </option>
              <option value="copy">copy: their contents go into the image</option>
              <option value="auto">auto: relink where the filesystem can, else copy</option>
            </select>
            <Beyond what={relink} />
          </label>
          <label>
            The processes
            <select className="field" name="after" defaultValue="">
              <option value="">stand still while it is written, then go on</option>
              <option value="live" disabled={live !== null}>
                go on while their memory is written (live)
              </option>
              <option value="kill">stand still while it is written, then are killed</option>
            </select>
            <Beyond what={live} />
          </label>
        </Dialog>
      );
    }
    case "unlink":
      return (
        <Dialog
          title="Unlink a file"
          submit="Unlink"
          onClose={onClose}
          onSubmit={send((form) => ({ kind: "unlink", ...spokenOf(view, form, "path") }))}
        >
          <HeldField view={view} preset={preset.held} name="path" />
        </Dialog>
      );
    case "rename":
      return (
        <Dialog
          title="Rename a file"
          submit="Rename"
          onClose={onClose}
          onSubmit={send((form) => ({ kind: "rename", ...spokenOf(view, form, "from"), to: text(form, "to") }))}
        >
          <RenameFields view={view} preset={preset.held} />
        </Dialog>
      );
    case "restore":
      return (
        <Dialog
          title="Restore"
          submit="Restore"
          onClose={onClose}
          onSubmit={send((form) => ({ kind: "restore", checkpoint: text(form, "checkpoint") }))}
        >
          <label>
            Checkpoint
            <select
              className="field"
              name="checkpoint"
              defaultValue={preset.checkpoint ?? view.checkpoints.findLast((c) => isOf(c, target))?.name}
            >
              {view.checkpoints
                .filter((c) => isOf(c, target))
                .map((c) => (
                  <option key={c.name} value={c.name}>
                    {c.name}: {c.mode} of {c.target}
                  </option>
                ))}
            </select>
          </label>
        </Dialog>
      );
    case "migrate":
      return (
        <Dialog
          title={`Migrate ${target?.name ?? ""}`}
          submit="Migrate"
          onClose={onClose}
          onSubmit={send((form) => ({
            kind: "migrate",
            ...onTarget(view, target),
            rounds: Number(text(form, "rounds")),
            goalMs: Number(text(form, "goalMs")),
            latencyMs: Number(text(form, "latencyMs")),
            ...(text(form, "mibPerS") === "" ? {} : { mibPerS: Number(text(form, "mibPerS")) }),
          }))}
        >
          <p className="dim">
            Another guest is booted. Pages cross the link while {target?.name ?? "it"} runs; it stands still for the
            last of them, and is gone from here only when it runs there. The experiment goes on over there; checkpoints
            and shells of this guest go with it.
          </p>
          <label>
            Link, in MiB/s
            <input
              className="field"
              name="mibPerS"
              type="number"
              min="0.1"
              step="any"
              defaultValue="32"
              placeholder="as fast as it goes"
            />
          </label>
          <label>
            Its latency, in ms
            <input className="field" name="latencyMs" type="number" min="0" max="10000" step="any" defaultValue="1" />
          </label>
          <label>
            Rounds while it runs, at most (0: stop and copy)
            <input className="field" name="rounds" type="number" min="0" max="100" defaultValue="8" />
          </label>
          <label>
            Stop it when the rest takes at most, in ms
            <input className="field" name="goalMs" type="number" min="1" max="60000" defaultValue="100" />
          </label>
        </Dialog>
      );
    case "run":
      return (
        <Dialog
          title="Run a command"
          submit="Run"
          onClose={onClose}
          onSubmit={send((form) => ({ kind: "run", command: shellWords(text(form, "command")) }))}
        >
          <label>
            Command, by /bin/sh in the guest
            <input className="field mono" name="command" required autoComplete="off" />
          </label>
        </Dialog>
      );
    case "end":
      return (
        <Dialog title="End this experiment" submit="End" onClose={onClose} onSubmit={onEnd}>
          <p>The guest stops and the verdict over the steps done is given. The link stays, for good.</p>
        </Dialog>
      );
  }
}

/** The keys, on one card. */
export function HelpDialog({ view, onClose }: { view: ExperimentView; onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl className={styles.keys}>
        {actions(view).map((a) => {
          const key = actionKeys[a.id];
          return key === undefined
            ? null
            : [
                <dt key={`${a.id}-key`}>
                  <kbd>{key}</kbd>
                </dt>,
                <dd key={a.id}>{a.label}</dd>,
              ];
        })}
        <dt>
          <kbd>{pageKeys.terminal}</kbd> <kbd>{pageKeys.steps}</kbd> <kbd>{pageKeys.inspector}</kbd>
        </dt>
        <dd>Go to terminals, steps, inspector</dd>
        <dt>
          <kbd>⇧ Esc</kbd>
        </dt>
        <dd>Leave a terminal</dd>
        <dt>
          <kbd>Ctrl ⇧ F</kbd>
        </dt>
        <dd>Find on a terminal</dd>
        <dt>
          <kbd>Ctrl ⇧ C</kbd>
        </dt>
        <dd>Copy what is selected on a terminal</dd>
        <dt>
          <kbd>←</kbd> <kbd>→</kbd> <kbd>␣</kbd>
        </dt>
        <dd>On a replay’s bar: a second back, forth; play</dd>
        <dt>
          <kbd>{pageKeys.help}</kbd>
        </dt>
        <dd>This card</dd>
      </dl>
    </Dialog>
  );
}
