/** One build of a thing at a time, across processes. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { Progress } from "./command.js";
import { BuildError } from "./errors.js";
import { cacheDir, makeDir } from "./paths.js";

/**
 * Runs `work` while holding the lock `name`. The lock is flock(2)'s, held by a helper that ends with its standard
 * input: it goes when its holder goes, however that happens. The file holds the holder's pid for those who wait.
 */
export async function withLock<T>(name: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  const path = `${makeDir(cacheDir("locks"))}/${name}.lock`;
  const helper = spawn("flock", ["--exclusive", path, "sh", "-c", "echo held; exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    // Ctrl-C reaches the whole foreground group: the lock must outlive the work it guards.
    detached: true,
  });
  const waiting = setTimeout(() => progress(`waiting for another build (process ${holder(path)})`), 300);
  try {
    await new Promise<void>((resolve, reject) => {
      helper.stdout.once("data", () => resolve());
      helper.once("error", (error) => reject(new BuildError(`cannot start flock: ${error.message}`)));
      helper.once("close", () => reject(new BuildError(`cannot lock ${path}`)));
    });
    clearTimeout(waiting);
    writeFileSync(path, `${process.pid}\n`);
    return await work();
  } finally {
    clearTimeout(waiting);
    helper.stdin.destroy();
  }
}

function holder(path: string): string {
  try {
    return readFileSync(path, "utf8").trim() || "unknown";
  } catch {
    return "unknown";
  }
}
