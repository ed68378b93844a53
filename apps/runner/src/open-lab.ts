/** A lab over this machine's data directory: what the runner serves and what a headless run uses by itself. */
import { dataDir, makeDir } from "./build/paths.js";
import { type RunnerConfig, runnerConfig } from "./config.js";
import { bootBuilt, isCurrent } from "./experiment/boot.js";
import { Lab } from "./experiment/lab.js";
import { Spares } from "./experiment/spares.js";
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
  const { maxGuests: guests, maxGuestsPerOwner: guestsPerOwner, suspendMs, idleMs } = config;
  const spares = new Spares(bootBuilt, { count: config.spareGuests, idleMs, isCurrent });
  const lab = new Lab(store, bootBuilt, { guests, guestsPerOwner, suspendMs, idleMs }, spares);
  const sweeps = new Sweeps(lab);
  return {
    lab,
    sweeps,
    config,
    close: async (reason) => {
      const swept = sweeps.close();
      await lab.close(reason);
      await swept;
      await store.close();
    },
  };
}
