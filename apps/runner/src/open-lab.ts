/** A lab over this machine's data directory: what the runner serves and what a headless run uses by itself. */
import { dataDir, makeDir } from "./build/paths.js";
import { type RunnerConfig, runnerConfig } from "./config.js";
import { bootBuilt } from "./experiment/boot.js";
import { Lab } from "./experiment/lab.js";
import { openStore } from "./store/index.js";
import { Sweeps } from "./sweep/sweeps.js";
import { removeStaleGuests } from "./vm/guest-dir.js";

export interface OpenLab {
  lab: Lab;
  sweeps: Sweeps;
  config: RunnerConfig;
  close(reason: string): Promise<void>;
}

/** Fails with a `StoreError` when another process writes there. `who` is what that one would be told. */
export async function openLab(who: string): Promise<OpenLab> {
  const config = runnerConfig();
  const store = await openStore(makeDir(dataDir()), who);
  removeStaleGuests(makeDir(dataDir("guests")));
  const lab = new Lab(store, bootBuilt, {
    guests: config.maxGuests,
    guestsPerOwner: config.maxGuestsPerOwner,
    suspendMs: config.suspendMs,
    idleMs: config.idleMs,
  });
  const sweeps = new Sweeps(lab);
  return {
    lab,
    sweeps,
    config,
    close: async (reason) => {
      sweeps.close();
      await lab.close(reason);
      await store.close();
    },
  };
}
