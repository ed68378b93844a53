/** Everything a lab needs before it can run, as stages that a person can follow. */
import { statfsSync } from "node:fs";
import { createServer } from "node:net";
import type { LabKernel } from "@crlab/shared";
import { ensureConsole } from "./console.js";
import { BuildError } from "./errors.js";
import { ensureImage } from "./image.js";
import { ensureKernel, findKernel } from "./kernels.js";
import { cacheDir, makeDir } from "./paths.js";
import { ensureSource } from "./source.js";
import { stage } from "./stages.js";

const GIB = 2 ** 30;

/** Source 1.7 GB, two or three build trees of about 0.5 GB, ccache, image. */
const FIRST_BUILD_GIB = 6;

/** Builds the kernels, the guest image and, if asked to, the console. */
export async function setUp(want: { kernels: readonly LabKernel[]; console: boolean }): Promise<void> {
  await stage("kernel source", ensureSource, { expectedS: 20, quiet: true });
  for (const variant of want.kernels) {
    if (!(await findKernel(variant))) checkDisk();
    await stage(`kernel ${variant}`, (progress) => ensureKernel(variant, progress), { expectedS: 480, quiet: true });
  }
  await stage("guest image", ensureImage, { expectedS: 90, quiet: true });
  if (want.console) await stage("console", ensureConsole, { expectedS: 40, quiet: true });
}

function checkDisk(): void {
  const dir = makeDir(cacheDir());
  const { bavail, bsize } = statfsSync(dir);
  const freeGiB = (bavail * bsize) / GIB;
  if (freeGiB < 1) throw notEnough(dir, freeGiB);
  if (freeGiB < FIRST_BUILD_GIB) process.stderr.write(`! ${notEnough(dir, freeGiB).message}\n`);
}

function notEnough(dir: string, freeGiB: number): BuildError {
  return new BuildError(
    `only ${freeGiB.toFixed(1)} GiB free in ${dir}; a first build takes about ${FIRST_BUILD_GIB} GiB`,
    {
      advice: "Free some space, or set CRLAB_CACHE to a folder on a larger disk.",
    },
  );
}

/** The port for people. */
export function consolePort(): number {
  const text = process.env.CRLAB_PORT ?? "4870";
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65535) return port;
  throw new BuildError(`CRLAB_PORT is "${text}", which is no port`, { advice: "Give a number from 1 to 65535." });
}

/** Fails plainly, and before anything is built, if somebody else listens on the port. */
export async function checkPort(port: number, host: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const inUse = error.code === "EADDRINUSE";
      reject(
        new BuildError(
          inUse ? `port ${port} on ${host} is in use` : `cannot listen on ${host}:${port}: ${error.message}`,
          {
            advice: `Stop what listens there (another lab?), or choose another port: CRLAB_PORT=${port + 1} npm start`,
          },
        ),
      );
    });
    server.listen(port, host, () => server.close(() => resolve()));
  });
}
