/** A lab over this machine's data directory: what the runner serves and what a headless run uses by itself. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { dataDir, makeDir } from "./build/paths.js";
import { type RunnerConfig, runnerConfig } from "./config.js";
import { bootBuilt } from "./experiment/boot.js";
import { Lab } from "./experiment/lab.js";
import { openStore } from "./store/index.js";

export interface OpenLab {
  lab: Lab;
  config: RunnerConfig;
  close(reason: string): Promise<void>;
}

/** Fails with a `StoreError` when another process writes there. `who` is what that one would be told. */
export async function openLab(who: string): Promise<OpenLab> {
  const config = runnerConfig();
  const store = await openStore(makeDir(dataDir()), who);
  // Only this process may have guests here, and it has none yet: what lies there is a dead runner's.
  const guests = makeDir(dataDir("guests"));
  for (const name of readdirSync(guests)) rmSync(join(guests, name), { recursive: true, force: true });
  const lab = new Lab(store, bootBuilt, { guests: config.maxGuests, idleMs: config.idleMs });
  return {
    lab,
    config,
    close: async (reason) => {
      await lab.close(reason);
      await store.close();
    },
  };
}
