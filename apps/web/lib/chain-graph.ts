/** Checkpoints as a graph: one row each in the order of their making, increments below what they build on. */
import type { CheckpointView } from "@crlab/shared";

export interface ChainRow {
  name: string;
  lane: number;
  /** Lanes with a line that goes through this row, from above to below. */
  through: number[];
  /** It hangs on something above. */
  fromAbove: boolean;
  /** Lanes of what hangs on it: its own for the first, another for each branch. */
  toBelow: number[];
}

/** A first increment stays in its parent's lane; each further one, and each full checkpoint, opens a lane. */
export function chainRows(checkpoints: readonly Pick<CheckpointView, "name" | "parent">[]): ChainRow[] {
  const rowOf = new Map(checkpoints.map((c, row) => [c.name, row]));
  const lanes: number[] = [];
  const hasChild = new Set<number>();
  let nextLane = 0;
  const edges: { from: number; to: number; lane: number }[] = [];
  checkpoints.forEach((c, row) => {
    const parent = c.parent === null ? undefined : rowOf.get(c.parent);
    if (parent === undefined || parent >= row) {
      lanes.push(nextLane++);
      return;
    }
    const lane = hasChild.has(parent) ? nextLane++ : (lanes[parent] ?? 0);
    hasChild.add(parent);
    lanes.push(lane);
    edges.push({ from: parent, to: row, lane });
  });
  return checkpoints.map((c, row) => ({
    name: c.name,
    lane: lanes[row] ?? 0,
    through: edges.filter((e) => e.from < row && row < e.to).map((e) => e.lane),
    fromAbove: edges.some((e) => e.to === row),
    toBelow: edges.filter((e) => e.from === row).map((e) => e.lane),
  }));
}
