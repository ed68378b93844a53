/** `npm run kernel:series [-- DIR]`: writes the patch set as a `git format-patch` series. */
import { cacheDir } from "../apps/runner/src/build/paths.js";
import { exportSeries } from "../apps/runner/src/build/series.js";
import { ensureSource } from "../apps/runner/src/build/source.js";
import { reportFailure, stage } from "../apps/runner/src/build/stages.js";

try {
  const source = await stage("kernel source", ensureSource, { expectedS: 20, quiet: true });
  const patches = exportSeries(source, process.argv[2] ?? cacheDir("series"));
  process.stderr.write(`${patches.length} patches for Linux ${source.version}; apply them with git am\n`);
  process.stdout.write(`${patches.join("\n")}\n`);
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
