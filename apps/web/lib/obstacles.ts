/** What could not be checkpointed, and of which process it is. */
import type { ExperimentView } from "@crlab/shared";

export interface Obstacle {
  pid: number;
  /** Null: it is not a descriptor. */
  fd: number | null;
  why: string;
}

/** How the kernel says of whom it speaks. */
const SPEAKS_OF = /\bpid (\d+): (?:fd (\d+): )?/;

export function obstacleIn(text: string): Obstacle | null {
  const found = SPEAKS_OF.exec(text);
  if (found === null) return null;
  const [speaksOf, pid, fd] = found;
  return {
    pid: Number(pid),
    fd: fd === undefined ? null : Number(fd),
    why: text.slice(found.index + speaksOf.length),
  };
}

/** What the last attempt named, dry or not. */
export function obstaclesOf(view: Pick<ExperimentView, "steps" | "obstacles">): Obstacle[] {
  const last = view.steps.findLast((s) => s.kind === "checkpoint" && s.state !== "running");
  if (last === undefined) return [];
  const dry = view.obstacles?.stepNo === last.stepNo ? view.obstacles.obstacles : [];
  return [...(last.error ? [last.error.message] : []), ...dry].flatMap((text) => obstacleIn(text) ?? []);
}
