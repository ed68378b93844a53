/** Parts of the bench that are loaded when they are used, in one place, so that whoever knows what comes fetches them ahead. */
export const parts = {
  madeBench: () => import("../components/bench/made-bench"),
  drive: () => import("../components/bench/drive"),
  folding: () => import("./folding"),
  log: () => import("./stored-log"),
  steps: () => import("../components/bench/steps"),
  processes: () => import("../components/bench/processes"),
  memory: () => import("../components/bench/memory"),
  checkpoints: () => import("../components/bench/checkpoints"),
  charts: () => import("../components/bench/charts"),
  kernel: () => import("../components/bench/kernel-log"),
  report: () => import("../components/bench/report-sheet"),
  liveTerminal: () => import("../components/bench/live-terminal"),
  serialTerminal: () => import("../components/bench/serial-terminal"),
  expiry: () => import("../components/bench/expiry"),
  xterm: () => import("./xterm"),
};

/** Nobody needs these before there is something to look at. */
const LATER = { log: 1, memory: 1, checkpoints: 1, charts: 1, kernel: 1, report: 1 };

let fetched = false;

/** What somebody does first who is about to use a page, and not only looks at it. */
const SIGNS = ["pointermove", "pointerdown", "keydown"] as const;

/** For a page with buttons that make experiments: fetches ahead once somebody is there. Answers what takes it back. */
export function fetchForWhoComes(): () => void {
  const stop = () => {
    for (const sign of SIGNS) window.removeEventListener(sign, come);
  };
  const come = () => {
    stop();
    // Not while a pointer's first move is answered.
    setTimeout(fetchAhead, 0);
  };
  for (const sign of SIGNS) window.addEventListener(sign, come, { passive: true });
  return stop;
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
