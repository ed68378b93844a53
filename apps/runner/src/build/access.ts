/** Where the console listens, and the token it asks for when that is more than this machine. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";

export const LOOPBACK = "127.0.0.1";

const LOOPBACK_NAMES: readonly string[] = [LOOPBACK, "::1", "localhost"];
const NAME = /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

export const isLoopback = (host: string): boolean => LOOPBACK_NAMES.includes(host.toLowerCase());

/** `--host HOST` or `--host=HOST`, else CRLAB_HOST, else this machine alone. Fails on what is neither address nor name. */
export function listenHost(argv: readonly string[], env: NodeJS.ProcessEnv): string {
  const at = argv.findIndex((arg) => arg === "--host" || arg.startsWith("--host="));
  const option = at === -1 ? undefined : argv[at]?.includes("=") ? argv[at]?.slice("--host=".length) : argv[at + 1];
  if (at !== -1 && !option) throw new Error("--host wants an address of this machine, or 0.0.0.0 for all of them");
  const host = option ?? env.CRLAB_HOST ?? LOOPBACK;
  if (isIP(host) === 0 && !NAME.test(host)) throw new Error(`"${host}" is neither an address nor a name to listen on`);
  return host;
}

/** The host as it stands in an address; for "all of them", one by which this machine reaches itself. */
export function hostInUrl(host: string): string {
  const one = host === "0.0.0.0" ? LOOPBACK : host === "::" ? "::1" : host;
  return isIP(one) === 6 ? `[${one}]` : one;
}

/** The token of this data directory, made when first asked for; delete its file for another. */
export function accessToken(dataDir: string): string {
  const path = join(dataDir, "access.token");
  if (!existsSync(path)) writeFileSync(path, `${randomBytes(18).toString("base64url")}\n`, { mode: 0o600 });
  return readFileSync(path, "utf8").trim();
}
