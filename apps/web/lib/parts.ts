/** Parts of the bench that are loaded when they are used, in one place, so that whoever knows what comes fetches them ahead. */
export const parts = {
  madeBench: () => import("../components/bench/made-bench"),
  drive: () => import("../components/bench/drive"),
  folding: () => import("./folding"),
  steps: () => import("../components/bench/steps"),
  processes: () => import("../components/bench/processes"),
  memory: () => import("../components/bench/memory"),
  checkpoints: () => import("../components/bench/checkpoints"),
  charts: () => import("../components/bench/charts"),
  kernel: () => import("../components/bench/kernel-log"),
  liveTerminal: () => import("../components/bench/live-terminal"),
  serialTerminal: () => import("../components/bench/serial-terminal"),
  expiry: () => import("../components/bench/expiry"),
  xterm: () => import("./xterm"),
};

/** Nobody needs these before there is something to look at. */
const LATER = { memory: 1, checkpoints: 1, charts: 1, kernel: 1 };

let fetched = false;

/** Who rests on a button so long means it. */
const MEANS_IT_MS = 80;

/** For who points at a button that makes an experiment. Answers what takes it back. */
export function fetchSoon(): () => void {
  const later = setTimeout(fetchAhead, MEANS_IT_MS);
  return () => clearTimeout(later);
}

/** Whoever is about to run something needs all of these, while the guest comes up. */
export function fetchAhead(): void {
  if (fetched) return;
  fetched = true;
  for (const [name, load] of Object.entries(parts))
    if (!(name in LATER))
      load().catch(() => {
        // Who needs it asks again, and says what is wrong.
        fetched = false;
      });
}
