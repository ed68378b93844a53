/**
 * What goes over the WebSocket between browser and runner.
 * Text frames are JSON messages; binary frames are terminal bytes (see `terminalFrame`).
 */
import { z } from "zod";
import { logEvent } from "./events.js";
import { experimentId, invalidReason, kernelVariant, namedError, step, title } from "./experiment.js";
import { experimentFile } from "./experiment-file.js";
import { MAX_IMAGE_BYTES } from "./image/place.js";
import { programId, programInfo } from "./programs.js";

/** A request's `id` comes back in its reply; a browser chooses it. */
const request = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.strictObject({ id: z.int().min(0), type: z.literal(type), ...shape });

/** A running guest, as everybody may see it. */
const guestInfo = z.strictObject({
  experiment: experimentId,
  title: z.string(),
  /** The asker made it, and may stop it. */
  mine: z.boolean(),
  kernel: kernelVariant,
  memMiB: z.int(),
  cpus: z.int(),
  bootedAt: z.iso.datetime(),
  state: z.enum(["queued", "booting", "busy", "idle", "suspended"]),
  watchers: z.int(),
  /** When it is ended unless someone drives it. */
  idleEndsAt: z.iso.datetime(),
  /** What it has taken of this machine so far, and holds now; null where that is not known. */
  cpuMs: z.number().nullable(),
  rssBytes: z.number().nullable(),
});
export type GuestInfo = z.infer<typeof guestInfo>;

/** A guest that is nobody's yet: it was booted and stopped, for whoever boots one like it next. */
const spareInfo = z.strictObject({
  kernel: kernelVariant,
  memMiB: z.int(),
  cpus: z.int(),
  readyAt: z.iso.datetime(),
  rssBytes: z.number().nullable(),
});
export type SpareInfo = z.infer<typeof spareInfo>;

export const clientMessage = z.discriminatedUnion("type", [
  request("hello", { protocol: z.int() }),
  /** Events after `since` (0: all), then live. `terminal.output` is left out: terminals are subscribed to by themselves. */
  request("subscribe", { experiment: experimentId, since: z.int().min(0) }),
  request("unsubscribe", { experiment: experimentId }),
  /**
   * Owner only from here on; `create`, `fork` and `rerun` make the asker owner. Replies carry `{experiment}`.
   * `fork` copies manifest and steps into a new experiment that waits; `rerun` also runs it.
   */
  request("create", { file: experimentFile, autorun: z.boolean() }),
  /** Sweeps (a `create` whose file has a grid makes one): hear how far it is; stop after what is done; go on with the rest. */
  request("sweep.watch", { sweep: experimentId }),
  request("sweep.stop", { sweep: experimentId }),
  request("sweep.resume", { sweep: experimentId }),
  request("fork", { experiment: experimentId }),
  request("rerun", { experiment: experimentId }),
  /** Run the next `count` of the planned steps that remain (default: all); a failed step stops the plan. */
  request("run", { experiment: experimentId, count: z.int().min(1).optional() }),
  request("step", { experiment: experimentId, step }),
  /** Open a checkpoint's image: what is in it goes to the log, for everybody. */
  request("image.read", { experiment: experimentId, checkpoint: z.string().max(64) }),
  /** Some of an image's bytes go to the log, for everybody. */
  request("image.bytes", {
    experiment: experimentId,
    checkpoint: z.string().max(64),
    offset: z.int().min(0),
    length: z.int().min(1).max(MAX_IMAGE_BYTES),
  }),
  /** Stop the guest and end the experiment with a verdict over the steps done. */
  request("end", { experiment: experimentId }),
  request("rename", { experiment: experimentId, title }),
  /** Say that the result does not count, and why; null takes it back. Possible after the end, too. */
  request("mark", { experiment: experimentId, invalid: invalidReason.nullable() }),
  /** The guest is still wanted: its time begins anew. */
  request("extend", { experiment: experimentId }),
  /** The programs that the asker has brought; forget one. */
  request("programs", {}),
  request("program.remove", { program: programId }),
  /** Anyone: the guests that run, and those that wait. */
  request("guests", {}),
  request("terminal.open", { experiment: experimentId, cols: z.int().min(2).max(500), rows: z.int().min(2).max(200) }),
  request("terminal.resize", {
    experiment: experimentId,
    terminal: z.int(),
    cols: z.int().min(2).max(500),
    rows: z.int().min(2).max(200),
  }),
  request("terminal.close", { experiment: experimentId, terminal: z.int() }),
  /** Anyone may watch a terminal: stored bytes from `offset`, then live. */
  request("terminal.attach", { experiment: experimentId, terminal: z.int(), offset: z.int().min(0) }),
  /** Flow control: bytes the viewer has drawn. The runner keeps at most TERMINAL_WINDOW_BYTES in flight. */
  request("terminal.ack", { experiment: experimentId, terminal: z.int(), offset: z.int().min(0) }),
]);
export type ClientMessage = z.infer<typeof clientMessage>;

export const serverMessage = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("hello"),
    protocol: z.int(),
    runnerVersion: z.string(),
    /** Where people find the console, e.g. `http://127.0.0.1:4870`. */
    consoleUrl: z.string(),
  }),
  z.strictObject({
    type: z.literal("reply"),
    id: z.int(),
    ok: z.literal(true),
    experiment: experimentId.optional(),
    sweep: experimentId.optional(),
    terminal: z.int().optional(),
    mayDrive: z.boolean().optional(),
    /** Of `terminal.attach`: bytes the terminal has put out so far. */
    bytes: z.int().optional(),
    guests: z.array(guestInfo).optional(),
    spares: z.array(spareInfo).optional(),
    programs: z.array(programInfo).optional(),
  }),
  z.strictObject({ type: z.literal("error"), id: z.int().nullable(), error: namedError }),
  z.strictObject({ type: z.literal("events"), experiment: experimentId, events: z.array(logEvent) }),
  z.strictObject({
    type: z.literal("sweep"),
    sweep: experimentId,
    status: z.enum(["running", "done", "stopped"]),
    done: z.int(),
    total: z.int(),
    /** The experiment that runs for it now. */
    running: experimentId.nullable(),
    /** Why it was stopped. */
    reason: z.string().nullable(),
  }),
  z.strictObject({
    type: z.literal("watchers"),
    experiment: experimentId,
    count: z.int(),
    /** When the guest will be ended unless someone drives it; absent when no guest runs. */
    idleEndsAt: z.iso.datetime().optional(),
    /** Why its log cannot be written, and so lacks the end that it came to: its guest was stopped. */
    unwritable: namedError.optional(),
  }),
  z.strictObject({
    type: z.literal("status"),
    guests: z.int(),
    freeGuests: z.int(),
    accel: z.string(),
    kernels: z.array(kernelVariant),
    /** Why nothing that happens now can be kept. */
    trouble: namedError.optional(),
  }),
]);
export type ServerMessage = z.infer<typeof serverMessage>;
