/** Where things live on the host. Everything else asks here. */
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout this code runs from. */
export const repoRoot = resolve(fileURLToPath(import.meta.url), "../../../../..");

const isRoot = process.getuid?.() === 0;

/** Built things, by content hash: may be deleted at any time, costs only a rebuild. */
export function cacheDir(...parts: string[]): string {
  const base = process.env.CRLAB_CACHE ?? (isRoot ? "/var/cache/crlab" : join(homedir(), ".cache/crlab"));
  return join(resolve(base), ...parts);
}

/** The database and run-time state: what people would miss. */
export function dataDir(...parts: string[]): string {
  const base = process.env.CRLAB_DATA ?? (isRoot ? "/var/lib/crlab" : join(homedir(), ".local/share/crlab"));
  return join(resolve(base), ...parts);
}

/** Makes a folder that QEMU's unprivileged user can enter, and answers its path. */
export function makeDir(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  return path;
}
