import type { IncomingMessage } from "node:http";

/** The whole body of a request, if it has at most `maxBytes`; otherwise throws what `oversized` makes. */
export async function readBody(request: IncomingMessage, maxBytes: number, oversized: () => Error): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    parts.push(part);
    bytes += part.length;
    if (bytes > maxBytes) throw oversized();
  }
  return Buffer.concat(parts);
}
