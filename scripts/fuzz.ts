/**
 * `npm run -s fuzz [-- COUNT [SEED [KERNEL]]]`: gives COUNT (100000) mutated images to restart(2) on KERNEL (debug), in
 * several guests at a time. Mutant number N is made of SEED (1) + N alone: what has failed can be made again.
 */
import { labKernel } from "@crlab/shared";
import { ensureImage, ensureKernel } from "../apps/runner/src/build/index.js";
import { reportFailure, stage } from "../apps/runner/src/build/stages.js";
import { inGuest, runSelftest, SIDE_BY_SIDE } from "./suites/selftests.js";

/** Then the next guest: one that fails has not taken the rest with it. */
const MAX_PER_GUEST = 1000;

const [count = "100000", seed = "1", kernel = "debug"] = process.argv.slice(2);
const mutants = Number(count);
const firstSeed = Number(seed);
const variant = labKernel.safeParse(kernel);
if (
  !Number.isInteger(mutants) ||
  mutants < 1 ||
  !Number.isSafeInteger(firstSeed) ||
  firstSeed < 0 ||
  !variant.success
) {
  process.stderr.write("usage: npm run -s fuzz [-- COUNT [SEED [cr|debug]]]\n");
  process.exit(2);
}
try {
  const on = variant.data;
  await stage(`kernel ${on}`, (progress) => ensureKernel(on, progress), { quiet: true });
  await stage("guest image", (progress) => ensureImage(progress), { quiet: true });
  const perGuest = Math.min(MAX_PER_GUEST, Math.ceil(mutants / SIDE_BY_SIDE));
  const failures: string[] = [];
  let begun = 0;
  let done = 0;
  const runThoseLeft = async () => {
    while (begun < mutants) {
      const from = begun;
      const nr = Math.min(perGuest, mutants - from);
      begun += nr;
      const one = await inGuest({ variant: on, cpus: 2 }, (guest) =>
        runSelftest(on, guest, "fuzz", [`${nr}`, `${firstSeed + from}`]),
      );
      failures.push(...one.failures);
      done += nr;
      process.stderr.write(`${one.failures.length === 0 ? "✓" : "✗"} ${done} of ${mutants} mutants\n`);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, runThoseLeft));
  for (const failure of failures) process.stdout.write(`${failure}\n`);
  process.stdout.write(`${mutants} mutants on ${on}, seed ${firstSeed}: ${failures.length} failures\n`);
  process.exit(failures.length === 0 ? 0 : 1);
} catch (error) {
  reportFailure(error);
  process.exit(1);
}
