import { request as httpRequest } from "node:http";
import { expect } from "@playwright/test";
import { labUrl, test } from "./page.js";

/** Asks for a WebSocket as a page of `origin` would; answers the status. */
function upgradeFrom(origin: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(`${labUrl()}/ws`, {
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        origin,
      },
    });
    call.on("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    call.on("upgrade", (answer, socket) => {
      socket.destroy();
      resolve(answer.statusCode ?? 0);
    });
    call.on("error", reject);
    call.end();
  });
}

test("only the console's own pages may open the WebSocket", async () => {
  expect(await upgradeFrom("http://evil.example")).toBe(403);
  expect(await upgradeFrom("null")).toBe(403);
  expect(await upgradeFrom(labUrl())).toBe(101);
});

test("malformed messages get an error by name, and the connection lives on", async ({ page }) => {
  await page.goto(labUrl());
  const answers = await page.evaluate(async () => {
    const socket = new WebSocket(`ws://${location.host}/ws`);
    await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
    const errors: string[] = [];
    const send = (text: string) =>
      new Promise<void>((resolve) => {
        const listen = (event: MessageEvent<string>) => {
          const message: { type?: string; error?: { code: string } } = JSON.parse(event.data);
          if (message.type !== "error") return;
          errors.push(message.error?.code ?? "");
          socket.removeEventListener("message", listen);
          resolve();
        };
        socket.addEventListener("message", listen);
        socket.send(text);
      });
    await send("{");
    await send('{"id":1,"type":"no-such-thing"}');
    await send('{"id":2,"type":"subscribe","experiment":"../../etc","since":0}');
    const open = socket.readyState === WebSocket.OPEN;
    socket.close();
    return { errors, open };
  });
  expect(answers.errors.every((code) => code.length > 0)).toBe(true);
  expect(answers.errors).toHaveLength(3);
  expect(answers.open).toBe(true);
});

test("addresses that mean nothing, and files that are none, are answered by name", async ({ request }) => {
  for (const path of [
    "/x/%",
    "/x/%00",
    "/x/%c3%28",
    "/%2e%2e%2fpackage.json",
    "/s/%00",
    "/x/doesnotexist/terminal/%",
  ]) {
    const answer = await request.get(`${labUrl()}${path}`, { headers: { accept: "text/html" } });
    expect(answer.status(), path).toBe(404);
  }
  await request.get(labUrl());
  for (const data of ["", "\0", "[".repeat(1_000_000), '{"format":"crlab-experiment","version":1,']) {
    const answer = await request.post(`${labUrl()}/import`, { headers: { origin: labUrl() }, data: Buffer.from(data) });
    expect(answer.status()).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: { code: "import.refused", message: expect.stringContaining("not JSON, or not all") },
    });
  }
});
