/** Puts a built thing into the cache: whole or not at all, readable by QEMU's unprivileged user. */
import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeDir } from "./paths.js";

/** Fills a new folder by `fill` and gives it its name; a folder of that name that is already there wins. */
export function publish(target: string, fill: (dir: string) => void): void {
  const dir = mkdtempSync(join(makeDir(dirname(target)), `.${basename(target)}-`));
  try {
    fill(dir);
    for (const name of readdirSync(dir)) {
      const path = join(dir, name);
      chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o644);
    }
    chmodSync(dir, 0o755);
    if (!existsSync(target)) renameSync(dir, target);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
