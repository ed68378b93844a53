/** What the environment may say about a runner, checked. */
import { freemem } from "node:os";
import { z } from "zod";
import { hostInUrl, LOOPBACK } from "./build/access.js";

const MIB = 1024 * 1024;
/** A 512 MiB guest with QEMU's own needs, warm clones sharing most of it. */
const GUEST_BYTES = 700 * MIB;

const environment = z.object({
  CRLAB_HOST: z.string().default(LOOPBACK),
  CRLAB_PORT: z.coerce.number().int().min(0).max(65535).default(4870),
  CRLAB_MAX_GUESTS: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .default(() => Math.max(1, Math.min(8, Math.floor(freemem() / GUEST_BYTES)))),
  CRLAB_MAX_GUESTS_PER_BROWSER: z.coerce.number().int().min(1).max(256).optional(),
  CRLAB_SPARE_GUESTS: z.coerce.number().int().min(0).max(8).default(2),
  CRLAB_SUSPEND_MIN: z.coerce.number().positive().max(100_000).default(5),
  CRLAB_IDLE_MIN: z.coerce.number().positive().max(100_000).default(30),
});

export interface RunnerConfig {
  consoleUrl: string;
  maxGuests: number;
  /** One browser's share, so that another finds room; a migration takes two. */
  maxGuestsPerOwner: number;
  /** So many stand by while somebody visits the lab and there is room for them. */
  spareGuests: number;
  /** A guest that nobody watches or drives stands still after this long. */
  suspendMs: number;
  idleMs: number;
}

/** Reads the configuration, or says which variable is wrong and why. */
export function runnerConfig(env: NodeJS.ProcessEnv = process.env): RunnerConfig {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Error(`${issue?.path.join(".")}: ${issue?.message}`);
  }
  const { CRLAB_HOST, CRLAB_PORT, CRLAB_MAX_GUESTS, CRLAB_MAX_GUESTS_PER_BROWSER } = parsed.data;
  const { CRLAB_SPARE_GUESTS, CRLAB_SUSPEND_MIN, CRLAB_IDLE_MIN } = parsed.data;
  return {
    consoleUrl: `http://${hostInUrl(CRLAB_HOST)}:${CRLAB_PORT}`,
    maxGuests: CRLAB_MAX_GUESTS,
    maxGuestsPerOwner: CRLAB_MAX_GUESTS_PER_BROWSER ?? Math.max(2, Math.ceil(CRLAB_MAX_GUESTS / 2)),
    spareGuests: CRLAB_SPARE_GUESTS,
    suspendMs: CRLAB_SUSPEND_MIN * 60_000,
    idleMs: CRLAB_IDLE_MIN * 60_000,
  };
}
