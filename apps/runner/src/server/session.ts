/** Who a browser is: a random name in a signed, http-only cookie. The secret stays in the data directory. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const SESSION_COOKIE = "crlab_session";
const YEAR_S = 365 * 24 * 3600;

export class Sessions {
  readonly #secret: Buffer;

  constructor(dataDir: string) {
    const path = join(dataDir, "session.secret");
    if (!existsSync(path)) writeFileSync(path, randomBytes(32), { mode: 0o600 });
    this.#secret = readFileSync(path);
  }

  /** The owner a Cookie header speaks of, if its signature is ours. */
  owner(cookieHeader: string | undefined): string | undefined {
    for (const part of (cookieHeader ?? "").split(";")) {
      const [name, value = ""] = part.trim().split("=", 2);
      const [owner = "", signature = ""] = value.split(".", 2);
      if (name !== SESSION_COOKIE || !/^[0-9a-f]{32}$/.test(owner)) continue;
      const expected = Buffer.from(this.#sign(owner));
      const given = Buffer.from(signature);
      if (given.length === expected.length && timingSafeEqual(given, expected)) return owner;
    }
    return undefined;
  }

  newOwner(): string {
    return randomBytes(16).toString("hex");
  }

  /** A Set-Cookie header's value. Lax: who follows a link out of a mail stays who he is; what changes things checks its origin. */
  cookie(owner: string): string {
    return `${SESSION_COOKIE}=${owner}.${this.#sign(owner)}; Path=/; Max-Age=${YEAR_S}; HttpOnly; SameSite=Lax`;
  }

  #sign(owner: string): string {
    return createHmac("sha256", this.#secret).update(owner).digest("base64url");
  }
}
