/** `POST /import`: one file that holds an experiment, as Download made it. */
import type { IncomingMessage } from "node:http";
import { importArchive, type Store, StoreError } from "../store/index.js";
import { readBody } from "./body.js";

const MAX_IMPORT_BYTES = 64 * 1024 * 1024;

const oversized = () =>
  new StoreError({
    code: "import.oversized",
    message: `the file is larger than ${MAX_IMPORT_BYTES / 1024 / 1024} MiB`,
  });

export async function takeImport(store: Store, owner: string, request: IncomingMessage) {
  const body = await readBody(request, MAX_IMPORT_BYTES, oversized);
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new StoreError({
      code: "import.refused",
      message: "the file is not JSON, or not all of it",
      hint: "give a file that Download made, whole",
    });
  }
  return { experiment: await importArchive(store, owner, value) };
}
