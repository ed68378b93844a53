/** Talks HTTP to the runner over its unix socket. */
import { type IncomingMessage, request } from "node:http";
import type { NamedError } from "@crlab/shared";

const ANSWER_WITHIN_MS = 2000;

export interface RunnerAnswer {
  statusCode: number;
  headers: IncomingMessage["headers"];
  body: string;
}

/** Sends one request without a body; rejects with the socket's error if nobody answers in time. */
export function askRunner(
  socketPath: string,
  method: "GET" | "POST",
  path: string,
  cookie: string | undefined,
): Promise<RunnerAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { host: "runner", "content-length": "0", ...(cookie === undefined ? {} : { cookie }) };
    const call = request({ socketPath, path, method, headers, timeout: ANSWER_WITHIN_MS }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({
          statusCode: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    call.on("timeout", () => call.destroy(Object.assign(new Error("no answer in 2 s"), { code: "ETIMEDOUT" })));
    call.on("error", reject);
    call.end();
  });
}

/** What a visitor is told when the runner cannot be reached. */
export function runnerAway(socketPath: string, error: unknown): NamedError {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "error";
  const why: Record<string, string> = {
    ENOENT: "its socket does not exist: it is not running, or runs with another CRLAB_DATA",
    ECONNREFUSED: "nobody listens on its socket: it has stopped",
    EACCES: "the console may not open its socket",
    ETIMEDOUT: "it does not answer",
  };
  return {
    code: "runner-away",
    message: `The runner cannot be reached at ${socketPath}: ${why[code] ?? code}.`,
    hint: "Stored experiments stay readable. Start the runner with `npm start`; this page reconnects by itself.",
  };
}
