/** `POST /import`: one file that holds an experiment, as Download made it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { namedErrorOf } from "../experiment/errors.js";
import { importArchive, type Store, StoreError } from "../store/index.js";
import { readBody } from "./body.js";

export const MAX_IMPORT_BYTES = 64 * 1024 * 1024;

export async function answerImport(
  store: Store,
  owner: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const say = (status: number, body: object) => {
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  };
  try {
    const body = await readBody(
      request,
      MAX_IMPORT_BYTES,
      () =>
        new StoreError({
          code: "import.oversized",
          message: `the file is larger than ${MAX_IMPORT_BYTES / 1024 / 1024} MiB`,
        }),
    );
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
    say(200, { experiment: await importArchive(store, owner, value) });
  } catch (error) {
    say(400, { error: namedErrorOf(error) });
  }
}
