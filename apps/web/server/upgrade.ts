/** Passes a browser's WebSocket on to the runner's unix socket, byte for byte. */
import type { IncomingMessage } from "node:http";
import { createConnection } from "node:net";
import type { Duplex } from "node:stream";
import type { Access } from "./access.js";
import { isLoopbackHost, isSameOrigin } from "./origin.js";
import { runnerAway } from "./runner-link.js";

/** Refuses an upgrade with a plain HTTP answer that says why. */
function refuseUpgrade(socket: Duplex, status: string, body: { code: string; message: string }): void {
  const text = JSON.stringify({ error: body });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}

/** The request line and headers as the browser sent them. */
function requestHead(request: IncomingMessage): string {
  const lines = [`${request.method} ${request.url} HTTP/1.1`];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Checks where the upgrade comes from and joins the two sockets; either end's close closes the other. */
export function passUpgrade(
  runnerSocket: string,
  access: Access,
  request: IncomingMessage,
  browser: Duplex,
  head: Buffer,
): void {
  const { origin, host } = request.headers;
  browser.on("error", () => browser.destroy());
  if (!access.admits(request)) {
    refuseUpgrade(browser, "401 Unauthorized", {
      code: "access.token",
      message: "This console asks for its token first: open the address that npm start printed.",
    });
    return;
  }
  if ((access.open && !isLoopbackHost(host)) || !isSameOrigin(origin, host)) {
    refuseUpgrade(browser, "403 Forbidden", {
      code: "foreign-origin",
      message: `Origin ${origin ?? "(none)"} may not open a WebSocket here; only pages served by ${host ?? "this console"} may.`,
    });
    return;
  }
  const runner = createConnection(runnerSocket);
  let joined = false;
  runner.on("connect", () => {
    joined = true;
    runner.write(requestHead(request));
    if (head.length > 0) runner.write(head);
    runner.pipe(browser);
    browser.pipe(runner);
  });
  runner.on("error", (error) => {
    if (joined) browser.destroy();
    else refuseUpgrade(browser, "503 Service Unavailable", runnerAway(runnerSocket, error));
  });
  runner.on("close", () => browser.destroy());
  browser.on("close", () => runner.destroy());
}
