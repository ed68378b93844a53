/** An experiment as a lab sheet: question, what to watch, what is expected; and what came out. */
import { z } from "zod";
import { formatMs, formatNs } from "./units.js";
import { settled } from "./verdict.js";
import type { ExperimentView } from "./view.js";

/** What a lab sheet says of the whole; steps have their notes. */
export const sheet = {
  /** The question this experiment asks, for its card, too. */
  question: z.string().max(500).optional(),
  /** What to look at while it runs. */
  watch: z.string().max(500).optional(),
  /** What is thought to come out. */
  expected: z.string().max(500).optional(),
};

type Sheet = { [name in keyof typeof sheet]?: string };

/** Only what is said. */
export const sheetOf = (from: { [name in keyof Sheet]?: string | null | undefined }): Sheet => ({
  ...(from.question == null ? {} : { question: from.question }),
  ...(from.watch == null ? {} : { watch: from.watch }),
  ...(from.expected == null ? {} : { expected: from.expected }),
});

/** What came out, in a few lines: the verdict and why, then what took how long. Empty while nothing is known. */
export function cameOut(view: ExperimentView): string[] {
  const early = settled(view);
  const verdict = view.verdict ?? early?.verdict ?? null;
  const reason = view.reason ?? early?.reason ?? null;
  const all = <T>(items: readonly T[], what: (item: T) => string) => items.map(what).join(", ");
  const frozen = all(view.checkpoints, (c) => `${c.name} ${formatNs(c.figures.frozenNs)}`);
  const restored = all(view.restores, (r) => `${r.checkpoint} ${formatNs(r.figures.totalNs)}`);
  const moved = view.migrations.filter((m) => m.downtimeMs !== null);
  const down = all(moved, (m) => `${m.rounds.length - 1} rounds before ${formatMs(m.downtimeMs ?? 0)}`);
  return [
    ...(verdict === null ? [] : [`${verdict}${reason === null ? "" : `: ${reason}`}`]),
    ...(frozen === "" ? [] : [`stood still for: ${frozen}`]),
    ...(restored === "" ? [] : [`restored in: ${restored}`]),
    ...(down === "" ? [] : [`downtime of migrations: ${down}`]),
  ];
}
