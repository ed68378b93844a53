/**
 * What the build has made for browsers: files whose names change with their contents. Next would look each one up among
 * its routes; a bench asks for twenty at once, while a guest boots on the same processors.
 */
import { type Dirent, readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const PREFIX = "/_next/static/";
const types: Partial<Record<string, string>> = {
  ".js": "application/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
};
const squeezable = new Set([".js", ".css", ".json", ".svg"]);

interface Kept {
  path: string;
  plain?: Buffer;
  small?: Promise<Buffer>;
}

export class StaticFiles {
  /** By the path in the address. */
  readonly #files = new Map<string, Kept>();

  constructor(folder: string) {
    const isFile = (entry: Dirent) => entry.isFile() && types[extname(entry.name)] !== undefined;
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }).filter(isFile)) {
      const path = join(entry.parentPath, entry.name);
      this.#files.set(`${PREFIX}${relative(folder, path).split(sep).join("/")}`, { path });
    }
  }

  /** Whether it was one of them, and has been answered. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (request.method !== "GET" && request.method !== "HEAD") return false;
    const kept = this.#find(request.url ?? "");
    if (kept === undefined) return false;
    const extension = extname(kept.path);
    kept.plain ??= readFileSync(kept.path);
    const accepts = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
    const small = accepts && squeezable.has(extension);
    if (small) kept.small ??= promisify(gzip)(kept.plain);
    const body = small && kept.small ? await kept.small : kept.plain;
    response.writeHead(200, {
      "Content-Type": types[extension],
      "Content-Length": body.length,
      "Cache-Control": "public, max-age=31536000, immutable",
      "X-Content-Type-Options": "nosniff",
      ...(small && { "Content-Encoding": "gzip" }),
      Vary: "Accept-Encoding",
    });
    response.end(request.method === "HEAD" ? undefined : body);
    return true;
  }

  #find(url: string): Kept | undefined {
    if (!url.startsWith(PREFIX)) return undefined;
    try {
      return this.#files.get(decodeURIComponent(url.split("?")[0] ?? ""));
    } catch {
      return undefined;
    }
  }
}
