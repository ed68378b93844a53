/** A mapping's pages as columns of a strip: how much of each column is in the image, zero, or as in the parent. */
import type { PageRun } from "@crlab/shared";

export interface Strip {
  /** Shares from 0 to 1, one per column: payload, zero, parent. */
  data: Float32Array;
  zero: Float32Array;
  parent: Float32Array;
}

/** Takes time by runs and columns, not by pages: a million pages are no more than a thousand. */
export function pageStrip(pages: number, runs: readonly PageRun[], columns: number): Strip {
  const strip = {
    data: new Float32Array(columns),
    zero: new Float32Array(columns),
    parent: new Float32Array(columns),
  };
  const perColumn = pages / columns;
  for (const [first, length, kind] of runs) {
    const shares = kind === 1 ? strip.data : kind === 2 ? strip.zero : strip.parent;
    const from = first / perColumn;
    const to = Math.min(columns, (first + length) / perColumn);
    for (let column = Math.floor(from); column < to; column++) {
      const share = Math.min(to, column + 1) - Math.max(from, column);
      shares[column] = Math.min(1, (shares[column] ?? 0) + share);
    }
  }
  return strip;
}
