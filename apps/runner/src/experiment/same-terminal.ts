/** An image knows a terminal by its name: in another guest, or in one that was started anew, it must be there under it. */
import { StepError } from "./errors.js";
import type { Experiment } from "./experiment.js";
import type { GuestPort, GuestTerminal } from "./guest-port.js";

const MAX_TERMINALS = 32;

/** A terminal of the same name, nobody's yet. */
export async function sameTerminal(
  to: GuestPort,
  path: string,
  size: { cols: number; rows: number },
): Promise<GuestTerminal> {
  const tried: GuestTerminal[] = [];
  try {
    for (let n = 0; n < MAX_TERMINALS; n++) {
      const terminal = await to.openTerminal(["true"], size);
      await terminal.exited;
      if (terminal.path === path) return terminal;
      tried.push(terminal);
    }
  } finally {
    for (const terminal of tried) terminal.close();
  }
  throw new StepError("terminal.taken", `there is no terminal ${path} to be had in the other guest`);
}

export function sizeOf(experiment: Experiment, id: number): { cols: number; rows: number } {
  const known = experiment.view.terminals.find((t) => t.terminal === id);
  return { cols: known?.cols ?? 100, rows: known?.rows ?? 30 };
}
