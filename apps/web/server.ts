/** The console: one port for people. Pages come from Next.js; `/ws` goes on to the runner. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { hostInUrl } from "@crlab/runner/src/build/access.js";
import next from "next";
import { Access } from "./server/access.js";
import { type ConsoleConfig, consoleConfig } from "./server/config.js";
import { setSecurityHeaders } from "./server/headers.js";
import { isLoopbackHost, isSameOrigin } from "./server/origin.js";
import { passRequest } from "./server/pass.js";
import { gatherPage } from "./server/resting.js";
import { answerSession, ensureSession } from "./server/session.js";
import { StaticFiles } from "./server/static.js";
import { passUpgrade } from "./server/upgrade.js";

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

function sayPlainly(response: ServerResponse, statusCode: number, text: string): void {
  response.writeHead(statusCode, { "Content-Type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}

function canBeRead(path: string): boolean {
  try {
    return !decodeURIComponent(path).includes("\0");
  } catch {
    return false;
  }
}

interface Console {
  config: ConsoleConfig;
  access: Access;
  pages: Handler;
  /** Undefined while one develops: then Next makes them on the way. */
  files: StaticFiles | undefined;
}

async function answer({ config, access, pages, files }: Console, request: IncomingMessage, response: ServerResponse) {
  const { host, origin } = request.headers;
  // A foreign page that rebinds its name to us has no token to show; on loopback there is none, and the name must be ours.
  if (!access.admits(request)) {
    await access.answer(request, response);
    return;
  }
  if (access.open && !isLoopbackHost(host)) {
    sayPlainly(response, 421, `This console answers on loopback only, not as "${host ?? ""}". Open it as 127.0.0.1.`);
    return;
  }
  if (await files?.answer(request, response)) return;
  const [path = "/"] = (request.url ?? "/").split("?");
  if (path === "/session" && request.method === "POST") {
    if (isSameOrigin(origin, host)) await answerSession(config.runnerSocket, request, response);
    else sayPlainly(response, 403, "Only this console's own pages may ask for a session.");
    return;
  }
  if (path === "/import" && request.method === "POST") {
    if (isSameOrigin(origin, host)) passRequest(config.runnerSocket, "/import", request, response);
    else sayPlainly(response, 403, "Only this console's own pages may import.");
    return;
  }
  if (path === "/upload" && request.method === "POST") {
    const query = (request.url ?? "").slice(path.length);
    if (isSameOrigin(origin, host)) passRequest(config.runnerSocket, `/upload${query}`, request, response);
    else sayPlainly(response, 403, "Only this console's own pages may upload.");
    return;
  }
  if (path === "/enter") {
    response.writeHead(303, { Location: "/" }).end();
    return;
  }
  // Next fails over an address that means nothing; whoever typed it is told that there is no such page.
  if (!canBeRead(path)) request.url = "/no-such-page";
  setSecurityHeaders(request, response, config.dev);
  await ensureSession(config.runnerSocket, request, response);
  if (!config.dev) gatherPage(request, response);
  await pages(request, response);
}

async function main(): Promise<void> {
  const config = consoleConfig(process.env, process.argv.slice(2));
  // Pages are bundled and cannot ask where their sources lie, so they read it from the environment.
  process.env.CRLAB_DATA = config.dataDir;
  process.env.CRLAB_ROOT = config.repoRoot;

  const access = new Access(config.token);
  const server = createServer();
  const app = next({
    dev: config.dev,
    dir: fileURLToPath(new URL(".", import.meta.url)),
    hostname: config.host,
    port: config.port,
    httpServer: server,
    webpack: true,
  });
  await app.prepare();
  const pages = app.getRequestHandler();
  const built = fileURLToPath(new URL(".next/static", import.meta.url));
  const files = config.dev ? undefined : new StaticFiles(built);
  const developmentUpgrade = config.dev ? app.getUpgradeHandler() : undefined;

  server.on("request", (request, response) => {
    answer({ config, access, pages, files }, request, response).catch((error: unknown) => {
      console.error("console:", error);
      if (!response.headersSent) sayPlainly(response, 500, "The console failed on this page; its own output says why.");
      else response.destroy();
    });
  });
  server.on("upgrade", (request, socket, head) => {
    if ((request.url ?? "").split("?")[0] === "/ws") passUpgrade(config.runnerSocket, access, request, socket, head);
    else if (developmentUpgrade && access.admits(request))
      developmentUpgrade(request, socket, head).catch(() => socket.destroy());
    else socket.destroy();
  });
  server.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE") {
      console.error(
        `console: port ${config.port} on ${config.host} is in use. Stop what listens there, or choose another: CRLAB_PORT=4871 npm start`,
      );
    } else {
      console.error(`console: cannot listen on ${config.host}:${config.port}: ${error.message}`);
    }
    process.exit(1);
  });
  server.listen(config.port, config.host, () => {
    const { port } = server.address() as AddressInfo;
    console.log(`console: http://${hostInUrl(config.host)}:${port}`);
  });

  const stop = () => {
    server.close();
    server.closeAllConnections();
    process.exit(0);
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

main().catch((error: unknown) => {
  console.error(`console: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
