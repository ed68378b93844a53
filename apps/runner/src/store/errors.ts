/** What can go wrong with the store, in words. */
import type { NamedError } from "@crlab/shared";

export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly named: NamedError;

  constructor(named: NamedError) {
    super(named.message);
    this.named = named;
  }
}

/** A database driver's error as the store's own, with what to do about it. */
export function storeError(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const texts: string[] = [];
  for (let e: unknown = error; e instanceof Error && texts.length < 5; e = e.cause) texts.push(e.message);
  const text = texts.length > 0 ? texts.join(": ") : String(error);
  if (/SQLITE_FULL|database or disk is full|ENOSPC/i.test(text))
    return new StoreError({
      code: "disk.full",
      message: `the disk that holds ${path} is full; what was stored before is intact`,
      hint: "free some space there (or set CRLAB_DATA to a larger disk), then run the experiment again",
    });
  if (/SQLITE_READONLY|SQLITE_CANTOPEN|EACCES|EROFS/i.test(text))
    return new StoreError({
      code: "store.unwritable",
      message: `${path} cannot be written: ${text}`,
      hint: "check who owns it, or set CRLAB_DATA to a folder of your own",
    });
  if (/SQLITE_CORRUPT|SQLITE_NOTADB|malformed|not a database/i.test(text))
    return new StoreError({
      code: "store.damaged",
      message: `${path} is damaged: ${text}`,
      hint: "move it away to start with an empty one; sqlite3's .recover may save what is in it",
    });
  return new StoreError({ code: "store.failed", message: `${path}: ${text}` });
}
