/** One group of measurements. */
import type { Contender } from "@crlab/shared";
import type { BenchGuest } from "../bench-guest.js";
import type { Recorder } from "../recorder.js";

export interface BenchContext {
  guest: BenchGuest;
  recorder: Recorder;
  rounds: number;
  /** Tells a person what is being done. */
  progress: (line: string) => void;
}

export interface Bench {
  name: string;
  /** What it measures, for `--help`. */
  about: string;
  run(context: BenchContext): Promise<void>;
}

/**
 * Rounds in which everybody has a turn: what disturbs the machine disturbs them all. Who begins changes from round to
 * round. A contender that has refused is not asked again.
 */
export async function inTurn<C extends { name: Contender }>(
  { rounds, progress }: BenchContext,
  what: string,
  contenders: readonly C[],
  turn: (contender: C, round: number) => Promise<"measured" | "refused">,
): Promise<void> {
  const out = new Set<C>();
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < contenders.length; n++) {
      const contender = contenders[(round + n) % contenders.length];
      if (!contender || out.has(contender)) continue;
      progress(`${what}, round ${round + 1} of ${rounds}: ${contender.name}`);
      if ((await turn(contender, round)) === "refused") out.add(contender);
    }
  }
}
