/** Collects samples while a bench runs. */
import { type BenchResult, type Contender, spreadOf } from "@crlab/shared";

export class Recorder {
  readonly results: BenchResult[] = [];

  /** One sample. */
  add(key: Key, value: number): void {
    this.#entry(key).samples.push(value);
  }

  /** Why there is none. */
  refuse(key: Key, why: string): void {
    this.#entry(key).refusal = why;
  }

  #entry({ bench, workload, contender, metric }: Key): BenchResult {
    const known = findResult(this.results, { bench, workload, contender, metric });
    if (known) return known;
    const fresh: BenchResult = { bench, workload, contender, metric, samples: [] };
    this.results.push(fresh);
    return fresh;
  }
}

export interface Key {
  bench: string;
  workload: string;
  contender: Contender;
  metric: string;
}

export function findResult(results: readonly BenchResult[], key: Key): BenchResult | undefined {
  return results.find(
    (r) =>
      r.bench === key.bench && r.workload === key.workload && r.contender === key.contender && r.metric === key.metric,
  );
}

/** The median of what was measured, or null. */
export function medianOf(results: readonly BenchResult[], key: Key): number | null {
  return spreadOf(findResult(results, key)?.samples ?? [])?.median ?? null;
}
