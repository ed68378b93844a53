/** Passes a request with its body on to the runner, and the answer back. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { runnerAway } from "./runner-link.js";

export function passRequest(
  socketPath: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { cookie = "", "content-type": type = "application/octet-stream", "content-length": length } = request.headers;
  const headers = { host: "runner", cookie, "content-type": type, ...(length ? { "content-length": length } : {}) };
  const call = httpRequest({ socketPath, path, method: "POST", headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, { "Content-Type": "application/json", "Cache-Control": "no-store" });
    answer.pipe(response);
  });
  call.on("error", (error) => {
    if (response.headersSent) response.destroy();
    else
      response
        .writeHead(503, { "Content-Type": "application/json" })
        .end(JSON.stringify({ error: runnerAway(socketPath, error) }));
  });
  request.pipe(call);
  request.on("aborted", () => call.destroy());
}
