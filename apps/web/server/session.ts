/**
 * The owner cookie. The runner makes and checks it; the console only hands it to a browser that has none,
 * and tells pages whether the runner is there.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { askRunner, runnerAway } from "./runner-link.js";

export const SESSION_COOKIE = "crlab_session";

function hasSession(request: IncomingMessage): boolean {
  return (request.headers.cookie ?? "").split(";").some((part) => part.trim().startsWith(`${SESSION_COOKIE}=`));
}

/** True for a browser's navigation to a page; assets and data need no new cookie. */
function isNavigation(request: IncomingMessage): boolean {
  return request.method === "GET" && (request.headers.accept ?? "").includes("text/html");
}

/** Gives a first-time visitor a cookie. A page is served without one if the runner is away. */
export async function ensureSession(
  socketPath: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (hasSession(request) || !isNavigation(request)) return;
  try {
    const answer = await askRunner(socketPath, "POST", "/session", undefined);
    const cookie = answer.headers["set-cookie"];
    if (cookie) response.setHeader("Set-Cookie", cookie);
  } catch {
    // The page says so itself, and asks again through `answerSession` when the runner is back.
  }
}

/** `POST /session` from a page: is the runner there, and is my cookie good? The answer may carry a new one. */
export async function answerSession(
  socketPath: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader("Content-Type", "application/json");
  response.setHeader("Cache-Control", "no-store");
  try {
    const answer = await askRunner(socketPath, "POST", "/session", request.headers.cookie);
    const cookie = answer.headers["set-cookie"];
    if (cookie) response.setHeader("Set-Cookie", cookie);
    response.statusCode = 200;
    response.end(JSON.stringify({ runner: "here" }));
  } catch (error) {
    response.statusCode = 503;
    response.end(JSON.stringify({ runner: "away", error: runnerAway(socketPath, error) }));
  }
}
