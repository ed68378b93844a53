/** `npm run test:powercut [-- --fs ext4,xfs,btrfs,f2fs] [--cuts N] [--seed N]`: pulls the plug while files are relinked. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureImage, ensureKernel } from "../apps/runner/src/build/index.js";
import { dataDir, makeDir } from "../apps/runner/src/build/paths.js";
import { reportFailure } from "../apps/runner/src/build/stages.js";
import { powerCuts } from "../apps/runner/src/powercut/powercut.js";
import { type FileSystem, fileSystems } from "../apps/runner/src/powercut/scripts.js";

const { values } = parseArgs({
  options: {
    fs: { type: "string", default: fileSystems.join(",") },
    cuts: { type: "string", default: "200" },
    seed: { type: "string", default: `${Date.now() % 2 ** 32}` },
  },
});
const chosen = values.fs.split(",").map((name) => {
  const fs = fileSystems.find((one) => one === name);
  if (!fs) throw new Error(`no filesystem "${name}"; there are ${fileSystems.join(", ")}`);
  return fs;
});

try {
  const quiet = () => undefined;
  const kernel = await ensureKernel("cr", quiet);
  const image = await ensureImage(quiet);
  const seed = Number(values.seed);
  let failed = 0;
  let passed = 0;
  process.stderr.write(`seed ${seed}\n`);
  for (const fs of chosen as FileSystem[]) {
    const dir = join(makeDir(dataDir("guests")), `powercut-${process.pid}-${fs}`);
    const log = (line: string) => process.stderr.write(`${line}\n`);
    const result = await powerCuts({ kernel, image, dir, fs, cuts: Number(values.cuts), seed, log });
    process.stdout.write(
      `${fs}: ${result.cuts} cuts, ${result.restored} images restored, ${result.failures.length} failures\n`,
    );
    for (const failure of result.failures) process.stdout.write(`${failure}\n`);
    failed += result.failures.length;
    passed += result.cuts;
  }
  process.stdout.write(`seed ${seed}: ${passed} cuts, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
