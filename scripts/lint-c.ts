/** `npm run lint:c` (part of `npm run lint`): checkpatch over the overlay and the hooks, sparse over the overlay. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { filesUnder } from "../apps/runner/src/build/hash.js";
import { ensureLabKernel, sparseCheck } from "../apps/runner/src/build/kernel.js";
import { hookPatches, overlayDir, patchesDir } from "../apps/runner/src/build/patchset.js";
import { ensureSource, type KernelSource } from "../apps/runner/src/build/source.js";
import { reportFailure, stage } from "../apps/runner/src/build/stages.js";

/**
 * What checkpatch asks of a mail but not of a tree that is exported as a series later; and to write bits otherwise than
 * the lines around a hook do.
 */
const ignored = ["FILE_PATH_CHANGES", "MISSING_SIGN_OFF", "NO_AUTHOR_SIGN_OFF", "EMAIL_SUBJECT", "BIT_MACRO"];

/** `paths` are relative to `folder`: what checkpatch asks depends on where in the kernel tree a file stands. */
function checkpatch(source: KernelSource, folder: string, paths: readonly string[], ...options: string[]): boolean {
  if (paths.length === 0) return true;
  const script = join(source.pristine, "scripts/checkpatch.pl");
  const args = [
    "--strict",
    "--terse",
    "--quiet",
    "--no-tree",
    "--color=never",
    `--ignore=${ignored.join(",")}`,
    ...options,
    ...paths,
  ];
  const { status, stdout, stderr } = spawnSync("perl", [script, ...args], { encoding: "utf8", cwd: folder });
  process.stdout.write(stdout + stderr);
  return status === 0;
}

try {
  const source = await stage("kernel source", ensureSource, { expectedS: 20, quiet: true });
  const sources = filesUnder(overlayDir).filter((path) => /\.[ch]$/.test(path));
  const files = checkpatch(source, overlayDir, sources, "--file");
  const patches = checkpatch(source, patchesDir, hookPatches());
  await stage("kernel cr", (progress) => ensureLabKernel("cr", progress), { expectedS: 480, quiet: true });
  const complaints = await sparseCheck(
    "cr",
    sources.filter((path) => path.endsWith(".c")),
  );
  for (const complaint of complaints) process.stdout.write(`${complaint}\n`);
  process.exitCode = files && patches && complaints.length === 0 ? 0 : 1;
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
