import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { StaticFiles } from "./static";

const script = `${"console.log(1);".repeat(100)}\n`;
let dir: string;
let server: Server;

afterEach(() => {
  server.close();
  rmSync(dir, { recursive: true });
});

async function serve(): Promise<string> {
  dir = mkdtempSync(join(tmpdir(), "crlab-static-"));
  mkdirSync(join(dir, "static/chunks/app/x/[id]"), { recursive: true });
  writeFileSync(join(dir, "static/chunks/app/x/[id]/page-1.js"), script);
  writeFileSync(join(dir, "secret.json"), "{}");
  const files = new StaticFiles(join(dir, "static"));
  server = createServer((request, response) => {
    void files.answer(request, response).then((done) => done || response.writeHead(404).end());
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("what the build made for browsers", () => {
  it("comes whole, to be kept for good", async () => {
    const answer = await fetch(`${await serve()}/_next/static/chunks/app/x/%5Bid%5D/page-1.js?v=1`);
    expect(await answer.text()).toBe(script);
    expect(answer.headers.get("content-type")).toMatch(/^application\/javascript/);
    expect(answer.headers.get("cache-control")).toMatch(/immutable/);
  });

  it("comes smaller for who takes it so", async () => {
    const url = `${await serve()}/_next/static/chunks/app/x/[id]/page-1.js`;
    const { get } = await import("node:http");
    const ask = (headers: Record<string, string>) =>
      new Promise<Buffer>((resolve) => {
        get(url, { headers }, (answer) => {
          const parts: Buffer[] = [];
          answer.on("data", (part: Buffer) => parts.push(part)).on("end", () => resolve(Buffer.concat(parts)));
        });
      });
    const small = await ask({ "accept-encoding": "gzip, br" });
    expect(small.length).toBeLessThan(script.length / 4);
    expect(gunzipSync(small).toString()).toBe(script);
    expect((await ask({})).toString()).toBe(script);
  });

  it.each([
    "/_next/static/../secret.json",
    "/_next/static/%2e%2e/secret.json",
    "/_next/static/%",
    "/_next/static/none.js",
  ])("is all there is: %s is not", async (path) => {
    const { hostname, port } = new URL(await serve());
    const { request } = await import("node:http");
    const status = await new Promise((resolve) => {
      request({ hostname, port, path }, (answer) => resolve(answer.resume().statusCode)).end();
    });
    expect(status).toBe(404);
  });
});
