/** The runner's door: HTTP and WebSocket on a unix socket that only this user can open. */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { MAX_MESSAGE_BYTES } from "@crlab/shared";
import { type WebSocket, WebSocketServer } from "ws";
import { namedErrorOf } from "../experiment/errors.js";
import type { Lab } from "../experiment/lab.js";
import type { Store } from "../store/index.js";
import type { Sweeps } from "../sweep/sweeps.js";
import { Connection, type ServerInfo } from "./connection.js";
import { takeImport } from "./import.js";
import type { Sessions } from "./session.js";
import { takeUpload } from "./upload.js";
import { Watchers } from "./watchers.js";

/** Beyond this a frame is not even read to its end: the connection is closed with 1009. */
const FRAME_LIMIT_BYTES = 8 * MAX_MESSAGE_BYTES;
const MAX_CONNECTIONS = 200;
const PING_MS = 30_000;

export interface RunnerServer {
  close(): Promise<void>;
}

/** Listens on `socketPath`. The caller holds the writer's lock, so a socket that is there is a dead runner's. */
export async function serve(
  socketPath: string,
  lab: Lab,
  sweeps: Sweeps,
  sessions: Sessions,
  info: ServerInfo,
): Promise<RunnerServer> {
  const watchers = new Watchers(lab);
  const http = createServer((request, response) => {
    if (request.method === "POST" && request.url === "/session") {
      const owner = sessions.owner(request.headers.cookie);
      if (owner === undefined) response.setHeader("Set-Cookie", sessions.cookie(sessions.newOwner()));
      response.writeHead(204).end();
      return;
    }
    const take = takers.get(request.url?.split("?")[0] ?? "");
    if (request.method === "POST" && take) {
      const owner = sessions.owner(request.headers.cookie);
      if (owner === undefined) answer(response, 403, { error: noSession });
      else
        take(lab.store, owner, request).then(
          (taken) => answer(response, 200, taken),
          (error) => answer(response, 400, { error: namedErrorOf(error) }),
        );
      return;
    }
    response.writeHead(404, { "Content-Type": "text/plain" }).end("the runner answers POST /session and WebSockets\n");
  });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: FRAME_LIMIT_BYTES });
  const cookies = new WeakMap<IncomingMessage, string>();
  sockets.on("headers", (headers, request) => {
    const cookie = cookies.get(request);
    if (cookie !== undefined) headers.push(`Set-Cookie: ${cookie}`);
  });
  if (lab.spares) lab.spares.visitors = () => sockets.clients.size;
  http.on("upgrade", (request, stream, head) => {
    stream.on("error", () => stream.destroy());
    const refusal = refuseOrigin(request) ?? (sockets.clients.size >= MAX_CONNECTIONS ? tooMany : undefined);
    if (refusal) {
      const body = JSON.stringify({ error: refusal.error });
      stream.end(
        `HTTP/1.1 ${refusal.status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
      return;
    }
    const known = sessions.owner(request.headers.cookie);
    const owner = known ?? sessions.newOwner();
    // Whoever comes without a good cookie gets one with the answer, and stays who he is.
    if (known === undefined) cookies.set(request, sessions.cookie(owner));
    sockets.handleUpgrade(request, stream, head, (socket) => {
      keepAlive(socket);
      new Connection(socket, owner, lab, sweeps, info, watchers);
    });
  });
  const expiry = setInterval(() => watchers.tellAll(), PING_MS);

  rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(socketPath, resolve);
  });
  chmodSync(socketPath, 0o600);
  return {
    close: async () => {
      clearInterval(expiry);
      for (const client of sockets.clients) client.terminate();
      http.closeAllConnections();
      await new Promise<void>((resolve) => http.close(() => resolve()));
    },
  };
}

/** What takes files, by where they are sent. */
const takers = new Map<string, (store: Store, owner: string, request: IncomingMessage) => Promise<object>>([
  ["/import", takeImport],
  ["/upload", takeUpload],
]);

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

const noSession = {
  code: "session.none",
  message: "this lab does not know your browser: its cookie is missing, or another lab's",
  hint: "reload the page, which brings a new one",
};

const tooMany = {
  status: "503 Service Unavailable",
  error: { code: "connections.limit", message: `${MAX_CONNECTIONS} connections are open and no more` },
};

/** A browser says where its page comes from; the command line has no page. */
function refuseOrigin(request: IncomingMessage) {
  const { origin, host } = request.headers;
  if (origin === undefined) return undefined;
  try {
    if (new URL(origin).host === host?.toLowerCase()) return undefined;
  } catch {
    // An origin that is no URL ("null") is foreign.
  }
  return {
    status: "403 Forbidden",
    error: { code: "foreign-origin", message: `a page of ${origin} may not open a WebSocket here` },
  };
}

function keepAlive(socket: WebSocket): void {
  let alive = true;
  socket.on("pong", () => {
    alive = true;
  });
  const timer = setInterval(() => {
    if (!alive) socket.terminate();
    alive = false;
    socket.ping();
  }, PING_MS);
  socket.on("close", () => clearInterval(timer));
}
