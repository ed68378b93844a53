/**
 * One writer per data directory. The lock is a write transaction held open on a database of its own:
 * the operating system lets go of it when the process dies, however it dies.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { StoreError, storeError } from "./errors.js";

export interface WriterLock {
  release(): void;
}

/** Takes the lock, or fails with `store.locked` and who holds it. `who`: e.g. "the runner". */
export async function lockWriter(dataDir: string, who: string): Promise<WriterLock> {
  const path = join(dataDir, "writer.lock");
  const holderPath = join(dataDir, "writer.txt");
  const client = createClient({ url: `file:${path}` });
  try {
    const transaction = await client.transaction("write");
    writeFileSync(holderPath, `${who}, pid ${process.pid}`);
    return {
      release: () => {
        transaction.close();
        client.close();
      },
    };
  } catch (error) {
    client.close();
    const text = error instanceof Error ? error.message : String(error);
    if (!/SQLITE_BUSY|locked/i.test(text)) throw storeError(error, path);
    throw new StoreError({
      code: "store.locked",
      message: `another process writes to ${dataDir} (${readHolder(holderPath)})`,
      hint: "there is one writer at a time: wait for it, stop it, or set CRLAB_DATA to another folder",
    });
  }
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "it did not say who it is";
  }
}
