/** What only a driver's page needs, and the card of keys: loaded when it is needed. */
import type { ActionId, Step } from "@crlab/shared";
import type { Request, RunnerSocket } from "../../lib/runner-socket";
import type { Asking, OnTarget } from "./action-dialog";

export { actions } from "@crlab/shared";
export { ActionBar } from "./action-bar";
export { ActionDialog, type Asking, asks, HelpDialog, onTarget, type Preset } from "./action-dialog";

/** What a driver asks of the runner. */
export function driver(socket: RunnerSocket, experiment: string) {
  const send = async (request: Request): Promise<void> => {
    await socket.request(request);
  };
  const step = (wanted: Step) => send({ type: "step", experiment, step: wanted });
  /** Those that ask nothing first, on `target`; without one, on the latest. */
  const act = {
    runPlan: () => send({ type: "run", experiment }),
    runNext: () => send({ type: "run", experiment, count: 1 }),
    dryRun: (on: OnTarget) => step({ kind: "checkpoint", mode: "full", kill: false, dryRun: true, ...on }),
    kill: (on: OnTarget) => step({ kind: "kill", ...on }),
    verify: (on: OnTarget) => step({ kind: "verify", withinS: 60, ...on }),
    shell: () => send({ type: "terminal.open", experiment, cols: 100, rows: 30 }),
  } satisfies Record<Exclude<ActionId, Asking>, (on: OnTarget) => Promise<void>>;
  return {
    step,
    act,
    end: () => send({ type: "end", experiment }),
    keep: () => send({ type: "extend", experiment }),
    close: (terminal: number) => send({ type: "terminal.close", experiment, terminal }),
    readImage: (checkpoint: string) => send({ type: "image.read", experiment, checkpoint }),
    readBytes: (checkpoint: string, offset: number, length: number) =>
      send({ type: "image.bytes", experiment, checkpoint, offset, length }),
  };
}
