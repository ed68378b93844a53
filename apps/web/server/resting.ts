/**
 * Pages that rest, as their `main` says: whole as they are served, nothing in them changes by itself, their links and forms are
 * the browser's. To bring one to life takes a phone a second in which it stands still, so its scripts come along by name only,
 * what they would go through as text, and the page's first script sees to both when somebody is there.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const RESTS = /<main[^>]* data-rests="true"/;
const SCRIPT = /<script src="(\/_next\/static\/[^"]+)"((?: (?!noModule)[a-zA-Z]+="[^"]*")*)><\/script>/g;
/** What React goes through, once more as data. */
const DATA = /<script((?: [a-zA-Z]+="[^"]*")*)>(?=(?:self\.__next_f|\(self\.__next_f=))/g;
const AHEAD = /<link rel="preload" as="script"[^>]*>/g;

/** The same page, its scripts left for later if it rests. */
export function leftToRest(html: string): string {
  if (!RESTS.test(html)) return html;
  const nonceOf = (attributes: string) => / nonce="[^"]*"/.exec(attributes)?.[0] ?? "";
  return html
    .replace(AHEAD, "")
    .replace(SCRIPT, (_, src: string, others: string) => `<script data-later="${src}"${nonceOf(others)}></script>`)
    .replace(DATA, (_, others: string) => `<script type="text/plain" data-later=""${nonceOf(others)}>`);
}

/** Has what is answered to a visit gathered, so that it can be looked through. */
export function gatherPage(request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== "GET" || request.headers.rsc !== undefined) return;
  if (!(request.headers.accept ?? "").includes("text/html")) return;
  const squeezes = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  // Else Next.js would squeeze it itself.
  delete request.headers["accept-encoding"];
  const gathered: Buffer[] = [];
  const { end, writeHead } = response;
  const take = (chunk: unknown, encoding: unknown) => {
    if (typeof chunk === "string")
      gathered.push(Buffer.from(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8"));
    else if (chunk instanceof Uint8Array) gathered.push(Buffer.from(chunk));
  };
  const done = (args: readonly unknown[]) => args.find((arg) => typeof arg === "function") as (() => void) | undefined;
  response.flushHeaders = () => {};
  response.writeHead = (statusCode: number, ...args: unknown[]) => {
    response.statusCode = statusCode;
    for (const [name, value] of Object.entries(args.find((arg) => typeof arg === "object") ?? {}))
      response.setHeader(name, value);
    return response;
  };
  response.write = (...args: unknown[]) => {
    take(args[0], args[1]);
    done(args)?.();
    return true;
  };
  response.end = (...args: unknown[]) => {
    take(args[0], args[1]);
    const whole = Buffer.concat(gathered);
    const isPage = String(response.getHeader("content-type") ?? "").startsWith("text/html");
    response.writeHead = writeHead;
    const send = (body: Buffer) => {
      response.setHeader("Content-Length", body.length);
      end.call(response, body, "utf8", done(args));
    };
    if (!isPage) end.call(response, whole, "utf8", done(args));
    else {
      const page = Buffer.from(leftToRest(whole.toString("utf8")));
      response.removeHeader("etag");
      if (!squeezes) send(page);
      else {
        response.setHeader("Content-Encoding", "gzip");
        response.setHeader("Vary", [response.getHeader("vary"), "Accept-Encoding"].filter(Boolean).join(", "));
        promisify(gzip)(page).then(send, () => response.destroy());
      }
    }
    return response;
  };
}
