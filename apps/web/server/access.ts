/**
 * The door of a console that others can reach: without the token nothing is shown, pages, files and WebSockets alike.
 * The address that `npm start` prints carries it once; a cookie stands for it from then on.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Bucket } from "@crlab/runner/src/server/rate.js";
import { isSameOrigin } from "./origin.js";

const ACCESS_COOKIE = "crlab_access";
const MONTH_S = 30 * 24 * 3600;
const TRIES_A_SECOND = 0.5;
const TRIES_AT_ONCE = 10;
const MAX_ADDRESSES = 1000;
const MAX_FORM_BYTES = 1024;

export class Access {
  readonly #tries = new Map<string, Bucket>();

  /** Without a token everybody is let in: the console listens on loopback. */
  constructor(private readonly token: string | undefined) {}

  get open(): boolean {
    return this.token === undefined;
  }

  admits(request: IncomingMessage): boolean {
    if (this.token === undefined) return true;
    const expected = this.#cookieValue(this.token);
    return (request.headers.cookie ?? "").split(";").some((part) => {
      const [name, value = ""] = part.trim().split("=", 2);
      return name === ACCESS_COOKIE && same(value, expected);
    });
  }

  /** Answers who was not let in: asks for the token, or takes it. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { token } = this;
    if (token === undefined) return;
    const url = new URL(request.url ?? "/", "http://console");
    const posted = request.method === "POST" && url.pathname === "/enter";
    const sameOrigin = isSameOrigin(request.headers.origin, request.headers.host);
    const given =
      posted && sameOrigin
        ? (new URLSearchParams(await readForm(request)).get("token") ?? "")
        : request.method === "GET"
          ? url.searchParams.get("token")
          : null;
    if (given === null) {
      this.#ask(request, response, 401, "");
      return;
    }
    if (!this.#mayTry(request.socket.remoteAddress ?? "")) {
      this.#ask(request, response, 429, "Too many wrong tokens from your address: wait a minute.");
      return;
    }
    if (!same(given.trim(), token)) {
      this.#ask(request, response, 403, "That is not this console's token.");
      return;
    }
    url.searchParams.delete("token");
    // Only a path: a browser must not be sent elsewhere by `//host`.
    const to = posted ? "/" : `/${`${url.pathname}${url.search}`.replace(/^[/\\]+/, "")}`;
    response.writeHead(303, {
      Location: to,
      "Set-Cookie": `${ACCESS_COOKIE}=${this.#cookieValue(token)}; Path=/; Max-Age=${MONTH_S}; HttpOnly; SameSite=Lax`,
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
    });
    response.end();
  }

  /** Not the token itself: what a browser keeps does not open another browser's door by its address. */
  #cookieValue(token: string): string {
    return createHmac("sha256", token).update("crlab access cookie").digest("base64url");
  }

  #mayTry(address: string): boolean {
    if (this.#tries.size >= MAX_ADDRESSES) this.#tries.clear();
    const bucket = this.#tries.get(address) ?? new Bucket(TRIES_A_SECOND, TRIES_AT_ONCE);
    this.#tries.set(address, bucket);
    return bucket.take(1);
  }

  #ask(request: IncomingMessage, response: ServerResponse, statusCode: number, trouble: string): void {
    const page = (request.headers.accept ?? "").includes("text/html");
    response.writeHead(statusCode, {
      "Content-Type": page ? "text/html; charset=utf-8" : "application/json",
      "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
      "Cache-Control": "no-store",
      // Not "no-referrer": with that, a browser calls the form's own origin "null".
      "Referrer-Policy": "same-origin",
      "X-Content-Type-Options": "nosniff",
    });
    const message = "This console asks for its token: it stands in the address that npm start printed.";
    response.end(page ? door(trouble) : JSON.stringify({ error: { code: "access.token", message } }));
  }
}

/** Compares without telling by the time it takes how much is right. */
function same(given: string, expected: string): boolean {
  const [a, b] = [given, expected].map((text) => createHash("sha256").update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

async function readForm(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of request) {
    text += String(part);
    if (text.length > MAX_FORM_BYTES) return "";
  }
  return text;
}

const style = `:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;font:14px/1.5 system-ui,sans-serif;background:light-dark(#f7f8fa,#0d1117);color:light-dark(#14181f,#e6ebf2)}
main{width:min(400px,calc(100vw - 48px))}h1{font-size:20px;margin:0 0 8px}p{margin:0 0 16px;color:light-dark(#4a5361,#aab4c2)}
[role=alert]{color:light-dark(#b92826,#f27b78)}label{display:block;margin-bottom:4px}
form div{display:flex;gap:8px}input{flex:1;min-width:0}input,button{font:inherit;padding:6px 10px;border-radius:6px;border:1px solid light-dark(#c3cad4,#3b4654);background:light-dark(#fff,#141a22);color:inherit}
button{background:light-dark(#0f6f8f,#5cc3de);border-color:transparent;color:light-dark(#fff,#06222b)}`;
const styleHash = createHash("sha256").update(style).digest("base64");

const door = (trouble: string) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>crlab</title><style>${style}</style></head>
<body><main><h1>This console asks for its token</h1><p>It stands in the address that <code>npm start</code> printed.</p>
${trouble === "" ? "" : `<p role="alert">${trouble}</p>`}<form method="post" action="/enter"><label for="token">Token</label>
<div><input id="token" name="token" type="password" required autocomplete="current-password" autofocus><button>Enter</button></div></form></main></body></html>`;
