/** `POST /upload?name=`: a program that somebody brings. Its name is a label; what it is, its bytes say. */
import type { IncomingMessage } from "node:http";
import { MAX_PROGRAM_BYTES } from "@crlab/shared";
import { type Store, StoreError } from "../store/index.js";
import { readBody } from "./body.js";

const oversized = () =>
  new StoreError({
    code: "program.oversized",
    message: `the file has more than ${MAX_PROGRAM_BYTES / 1024 / 1024} MiB`,
    hint: "strip it, or leave data out that the guest can make itself",
  });

export async function takeUpload(store: Store, owner: string, request: IncomingMessage) {
  const name = new URL(request.url ?? "/", "http://runner").searchParams.get("name") ?? "";
  return { program: await store.programs.put(owner, name, await readBody(request, MAX_PROGRAM_BYTES, oversized)) };
}
