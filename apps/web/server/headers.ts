/** Security headers of every page. Scripts and styles need the request's nonce; nothing is loaded from elsewhere. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

function contentSecurityPolicy(nonce: string, host: string, dev: boolean): string {
  // Next's development client evaluates code and injects style elements of its own.
  const script = dev ? "'self' 'unsafe-eval' 'unsafe-inline'" : `'self' 'nonce-${nonce}' 'strict-dynamic'`;
  const style = dev ? "'self' 'unsafe-inline'" : `'self' 'nonce-${nonce}'`;
  return [
    "default-src 'self'",
    `script-src ${script}`,
    `style-src ${style}`,
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ws://${host} wss://${host}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** Next takes the nonce for its own scripts from the request's policy, so the policy goes on both. */
export function setSecurityHeaders(request: IncomingMessage, response: ServerResponse, dev: boolean): void {
  const nonce = randomBytes(16).toString("base64");
  const policy = contentSecurityPolicy(nonce, request.headers.host ?? "", dev);
  request.headers["content-security-policy"] = policy;
  // Parts that a page fetches later live under the policy of the page, whose nonce is another.
  if (request.headers.rsc === undefined) request.headers["x-nonce"] = nonce;
  else delete request.headers["x-nonce"];
  response.setHeader("Content-Security-Policy", policy);
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Referrer-Policy", "same-origin");
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
}
