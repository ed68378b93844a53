/** What the console's benches find out: samples by name, and targets judged on the spot. */
import { type BenchResult, type BenchTarget, type Contender, spreadOf } from "@crlab/shared";

export class Figures {
  readonly results: BenchResult[] = [];
  readonly targets: BenchTarget[] = [];

  add(workload: string, metric: string, samples: readonly number[], contender: Contender = "crlab"): void {
    this.results.push({ bench: "console", workload, contender, metric, samples: [...samples] });
  }

  refuse(workload: string, metric: string, contender: Contender, refusal: string): void {
    this.results.push({ bench: "console", workload, contender, metric, samples: [], refusal });
  }

  /** `profile`: where it goes, if the target is missed. */
  target(name: string, wanted: string, got: string, met: boolean, profile?: string): void {
    this.targets.push({ name: `console: ${name}`, wanted, got, met, ...(!met && profile ? { profile } : {}) });
  }

  /** A part that broke costs its own figures only, and counts as missed. */
  broke(name: string, wanted: string, error: unknown): void {
    // The first line says what was waited for in vain, a later one where.
    const lines = error instanceof Error ? error.message.split("\n") : [String(error)];
    const where = lines.find((line) => /waiting for/.test(line))?.trim() ?? "";
    const why = [lines[0] ?? "", where].filter((part) => part !== "").join("; ");
    this.targets.push({ name: `console: ${name}`, wanted, got: `broke: ${why}`, met: false });
  }
}

export const median = (samples: readonly number[]): number => spreadOf(samples)?.median ?? Number.NaN;

/** The value that a share of the samples does not exceed. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const ns = (ms: number): number => Math.round(ms * 1e6);
