/** The console's pages, built by Next.js, again only when something they are made of has changed. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Progress, runLogged } from "./command.js";
import { filesUnder, hashFile, hashOf } from "./hash.js";
import { withLock } from "./lock.js";
import { cacheDir, repoRoot } from "./paths.js";

const webDir = join(repoRoot, "apps/web");
const stampPath = join(webDir, ".next/crlab-hash");

/** What pages are made of: their own sources and those of the packages they import. */
const sourceFolders = ["apps/web", "packages/shared/src", "apps/runner/src"];

/** Not what a build leaves there, or the next start would build once more. */
export const isSource = (path: string): boolean =>
  !/(^|\/)(\.next|node_modules)\/|(^|\/)next-env\.d\.ts$|\.test\.tsx?$/.test(path);

async function sourcesHash(): Promise<string> {
  const parts = [await hashFile(join(repoRoot, "package-lock.json")), process.versions.node];
  for (const folder of sourceFolders) {
    const paths = filesUnder(join(repoRoot, folder)).filter(isSource);
    for (const path of paths) parts.push(path, await hashFile(join(repoRoot, folder, path)));
  }
  return hashOf(...parts);
}

/** Builds the pages unless they are up to date. */
export async function ensureConsole(progress: Progress): Promise<void> {
  const upToDate = async () => {
    const hash = await sourcesHash();
    return { hash, built: existsSync(stampPath) && readFileSync(stampPath, "utf8") === hash };
  };
  if ((await upToDate()).built) return;
  await withLock("console", progress, async () => {
    const { hash, built } = await upToDate();
    if (built) return;
    rmSync(stampPath, { force: true });
    const logPath = cacheDir("logs", "console.log");
    rmSync(logPath, { force: true });
    await runLogged([process.execPath, join(repoRoot, "node_modules/next/dist/bin/next"), "build", "--webpack"], {
      cwd: webDir,
      env: { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" },
      purpose: "building the console",
      logPath,
      progress,
    });
    writeFileSync(stampPath, hash);
  });
}
