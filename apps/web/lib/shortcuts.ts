/** One key per action; the page, its buttons and its help read the same table. */
import type { ActionId } from "@crlab/shared";

export const actionKeys: Partial<Record<ActionId, string>> = {
  runPlan: "p",
  runNext: ".",
  boot: "b",
  reboot: "o",
  powerCut: "x",
  start: "s",
  checkpointFull: "c",
  checkpointIncremental: "i",
  dryRun: "d",
  unlink: "u",
  rename: "n",
  kill: "k",
  restore: "r",
  migrate: "m",
  verify: "v",
  run: ":",
  shell: "t",
  end: "e",
};

/** Keys that do something on every experiment page. */
export const pageKeys = {
  help: "?",
  terminal: "1",
  steps: "2",
  inspector: "3",
} as const;

/** True where a key is text, not a command. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.closest(".xterm, dialog[open], select, textarea") !== null ||
    (target instanceof HTMLInputElement && target.type !== "range")
  );
}
