/** The runner: boots guests, drives experiments, writes their logs, serves them on a unix socket. */
import type { ServerMessage } from "@crlab/shared";
import { builtKernels, dataDir } from "./build/index.js";
import { namedErrorOf } from "./experiment/errors.js";
import type { Lab } from "./experiment/lab.js";
import { openLab } from "./open-lab.js";
import { serve } from "./server/server.js";
import { Sessions } from "./server/session.js";
import { chooseAccel } from "./vm/accel.js";

const RUNNER_VERSION = "0.1.0";

async function main(): Promise<void> {
  const { lab, sweeps, config, close } = await openLab("the runner");
  const socketPath = dataDir("runner.sock");
  const server = await serve(socketPath, lab, sweeps, new Sessions(dataDir()), {
    consoleUrl: config.consoleUrl,
    runnerVersion: RUNNER_VERSION,
    status: () => status(lab),
  });
  await sweeps.goOn();
  console.log(`runner: ready, at most ${config.maxGuests} guests at once`);

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await server.close();
    await close("the runner was stopped");
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void stop());
}

async function status(lab: Lab): Promise<Extract<ServerMessage, { type: "status" }>> {
  return {
    type: "status",
    guests: lab.guests,
    freeGuests: Math.max(0, lab.limits.guests - lab.guests),
    accel: (await chooseAccel()).accel,
    kernels: await builtKernels(),
    ...(lab.trouble === undefined ? {} : { trouble: lab.trouble }),
  };
}

main().catch((error: unknown) => {
  const { message, hint } = namedErrorOf(error);
  console.error(`runner: ${message}${hint === undefined ? "" : `; ${hint}`}`);
  process.exit(1);
});
