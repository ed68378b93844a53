/** `POST /upload?name=`: a program that somebody brings. Its name is a label; what it is, its bytes say. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { MAX_PROGRAM_BYTES } from "@crlab/shared";
import { namedErrorOf } from "../experiment/errors.js";
import { type Store, StoreError } from "../store/index.js";
import { readBody } from "./body.js";

export async function answerUpload(
  store: Store,
  owner: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const say = (status: number, body: object) => {
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  };
  try {
    const name = new URL(request.url ?? "/", "http://runner").searchParams.get("name") ?? "";
    const body = await readBody(
      request,
      MAX_PROGRAM_BYTES,
      () =>
        new StoreError({
          code: "program.oversized",
          message: `the file has more than ${MAX_PROGRAM_BYTES / 1024 / 1024} MiB`,
          hint: "strip it, or leave data out that the guest can make itself",
        }),
    );
    say(200, { program: await store.programs.put(owner, name, body) });
  } catch (error) {
    say(400, { error: namedErrorOf(error) });
  }
}
