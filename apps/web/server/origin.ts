/** Who may talk to the console: pages it served itself, under a name that can only mean this machine. */

const LOOPBACK_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** A loopback server that answers to any Host can be reached by a foreign page through DNS rebinding. */
export function isLoopbackHost(host: string | undefined): boolean {
  if (!host) return false;
  return LOOPBACK_NAMES.has(host.replace(/:\d+$/, "").toLowerCase());
}

/** True if a browser says the request comes from a page of the same host and port. No Origin is no browser. */
export function isSameOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (!origin || !host) return false;
  try {
    const url = new URL(origin);
    return (url.protocol === "http:" || url.protocol === "https:") && url.host === host.toLowerCase();
  } catch {
    return false;
  }
}
