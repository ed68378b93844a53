/** The log of an experiment: append-only, versioned; every view is a fold of it. */
import { z } from "zod";
import {
  checkpointFigures,
  fingerprint,
  kernelVariant,
  manifest,
  namedError,
  restoreFigures,
  step,
} from "./experiment.js";
import { experimentFile } from "./experiment-file.js";
import { imageDigest } from "./image/digest.js";
import { migrationRound, migrationStop } from "./migration.js";

export const LOG_VERSION = 1;

const head = {
  /** Position in the log, from 1, without gaps. */
  seq: z.int().min(1),
  /** Milliseconds since the experiment was created, by the runner's monotonic clock. */
  atMs: z.number().min(0),
};

/** What an inotify or fanotify file watches, and where that is now. */
export const watch = z.strictObject({
  /** Watch descriptor; fanotify has none. */
  wd: z.int().optional(),
  what: z.enum(["inode", "mount", "filesystem"]),
  /** Absent: it has no name that can be found. */
  path: z.string().optional(),
  unlinked: z.boolean(),
  inode: z.int().optional(),
  mask: z.int(),
  ignoredMask: z.int().optional(),
});
export type Watch = z.infer<typeof watch>;

/** An open file of a process, as far as the lab shows it. */
export const openFile = z.strictObject({
  fd: z.int(),
  path: z.string(),
  unlinked: z.boolean(),
  /** file, directory, pipe, fifo, socket, tty, device, or the name of what has no place in a filesystem: inotify … */
  kind: z.string(),
  /** `major:minor`; an inode number means something only together with it. */
  device: z.string().optional(),
  inode: z.int().optional(),
  links: z.int().optional(),
  bytes: z.int().optional(),
  access: z.enum(["read", "write", "both", "path", "none"]).optional(),
  /** The open file description: the same number, the same description, in this sample of this tree. */
  description: z.int().optional(),
  watches: z.array(watch).optional(),
  /** `POSIX WRITE 0-EOF`, as the kernel lists them. */
  locks: z.array(z.string()).optional(),
});
export type OpenFile = z.infer<typeof openFile>;
const place = z.strictObject({ path: z.string(), unlinked: z.boolean() });
/** A file that is mapped into memory. */
const mappedFile = z.strictObject({ path: z.string(), unlinked: z.boolean(), inode: z.int() });
export const processInfo = z.strictObject({
  pid: z.int(),
  ppid: z.int(),
  command: z.string(),
  state: z.string(),
  threads: z.int(),
  rssBytes: z.int(),
  files: z.array(openFile),
  maps: z.array(mappedFile).optional(),
  cwd: place.optional(),
  exe: place.optional(),
});
export type ProcessInfo = z.infer<typeof processInfo>;

/** Figures for a step that is neither checkpoint nor restore, e.g. `{exitCode: 0}`; units are in the names. */
const plainFigures = z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]));

/** SHA-256 of the log up to here, this event without it included. */
const seal = { logDigest: z.hash("sha256").optional() };

const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.strictObject({ ...head, type: z.literal(type), ...shape });

/** From a saved state; the long way; or it was up already and stood by. */
const bootedHow = z.enum(["warm", "cold", "spare"]);

export const logEvent = z.discriminatedUnion("type", [
  event("experiment.created", {
    logVersion: z.int(),
    title: z.string(),
    question: z.string().optional(),
    watch: z.string().optional(),
    expected: z.string().optional(),
    manifest,
    /** Planned steps (a file's); interactive experiments begin with none. */
    plan: z.array(step),
    createdAt: z.iso.datetime(),
    forkedFrom: z.string().optional(),
    /** The experiment's id is a hash of this event, which nobody can guess because of this. */
    nonce: z.hex().length(32).optional(),
  }),
  event("guest.booting", { guest: z.int(), kernel: kernelVariant, how: z.enum(["warm", "cold"]) }),
  event("guest.booted", {
    guest: z.int(),
    bootMs: z.number(),
    how: bootedHow,
    fingerprint,
    /** Of one that was started on an earlier one's disk: the checkpoints whose images are on it, and terminals that go on. */
    images: z.array(z.string()).optional(),
    terminals: z.array(z.int()).optional(),
  }),
  /** As many guests run as may: it waits, and so many are before it (1: it is next). */
  event("guest.queued", { guest: z.int(), position: z.int().min(1) }),
  /** Nobody looked and nothing ran: its time stands still until somebody comes back. */
  event("guest.suspended", { guest: z.int() }),
  event("guest.resumed", { guest: z.int() }),
  /** The guest is gone: asked for (`stopped`) or not (`died`, `hung`). */
  event("guest.ended", { guest: z.int(), how: z.enum(["stopped", "died", "hung"]), reason: z.string() }),
  event("step.started", {
    stepNo: z.int().min(1),
    step,
    /** The next of the plan's steps, not one that someone asked for in between. */
    planned: z.boolean().default(false),
  }),
  /** The exact guest command a step runs, as one could type it there; a step may run several. */
  event("step.command", { stepNo: z.int().min(1), command: z.string() }),
  event("step.finished", {
    stepNo: z.int().min(1),
    ms: z.number(),
    figures: plainFigures.optional(),
    text: z.string().optional(),
  }),
  event("step.failed", { stepNo: z.int().min(1), ms: z.number(), error: namedError }),
  event("workload.started", { name: z.string(), pid: z.int(), terminal: z.int(), command: z.string() }),
  event("workload.ended", { name: z.string(), pid: z.int(), reason: z.string() }),
  event("checkpoint.finished", {
    stepNo: z.int(),
    name: z.string(),
    target: z.string(),
    mode: z.enum(["full", "incremental"]),
    parent: z.string().nullable(),
    guestPath: z.string(),
    killed: z.boolean(),
    figures: checkpointFigures,
  }),
  /** Somebody opened the image: what is in it. */
  event("checkpoint.read", { name: z.string(), digest: imageDigest }),
  /** Somebody looked at some of its bytes. */
  event("checkpoint.bytes", { name: z.string(), offset: z.int().min(0), data: z.base64() }),
  /** All obstacles a dry run named. */
  event("checkpoint.obstacles", { stepNo: z.int(), target: z.string(), obstacles: z.array(z.string()) }),
  event("restore.finished", { stepNo: z.int(), checkpoint: z.string(), target: z.string(), figures: restoreFigures }),
  /** Another guest is up, and rounds begin. */
  event("migration.started", {
    stepNo: z.int(),
    target: z.string(),
    fromGuest: z.int(),
    toGuest: z.int(),
    mibPerS: z.number().nullable(),
    latencyMs: z.number(),
  }),
  event("migration.round", { stepNo: z.int(), ...migrationRound.shape }),
  /** The target runs over there, and is gone from here. If it never comes to this, the target goes on where it was. */
  event("migration.finished", {
    stepNo: z.int(),
    target: z.string(),
    guest: z.int(),
    bootMs: z.number(),
    how: bootedHow,
    fingerprint,
    stopped: migrationStop,
    /** From when the source was asked to stand still to when it was known to run over there, by the runner's clock. */
    downtimeMs: z.number(),
    totalMs: z.number(),
    bytes: z.int(),
    figures: restoreFigures,
  }),
  event("verify.finished", { stepNo: z.int(), target: z.string(), ok: z.boolean(), text: z.string() }),
  event("processes.seen", { name: z.string(), processes: z.array(processInfo) }),
  event("terminal.opened", { terminal: z.int(), title: z.string(), kind: z.enum(["workload", "shell", "serial"]) }),
  /** `data` is base64; `offset` counts bytes of this terminal since it was opened. */
  event("terminal.output", { terminal: z.int(), offset: z.int(), data: z.base64() }),
  event("terminal.resized", { terminal: z.int(), cols: z.int(), rows: z.int() }),
  event("terminal.closed", { terminal: z.int(), reason: z.string() }),
  event("kernel.log", { text: z.string() }),
  event("note", { text: z.string() }),
  event("experiment.renamed", { title: z.string() }),
  /** Its owner says that its result does not count, and why; null: it counts again. May come after the end. */
  event("experiment.marked", { invalid: z.string().min(1).max(300).nullable() }),
  event("experiment.ended", { verdict: z.enum(["pass", "fail"]), reason: z.string(), ...seal }),
  event("experiment.interrupted", { reason: z.string(), ...seal }),
  /** Stands in for an event that this version of the lab cannot read; never written to a log. */
  event("unknown", { was: z.string() }),
]);
export type LogEvent = z.infer<typeof logEvent>;
/** An event before the log has given it its place. */
export type NewEvent = LogEvent extends infer E ? (E extends LogEvent ? Omit<E, "seq" | "atMs"> : never) : never;

/** A stored event of any version of the log: what cannot be read becomes `unknown`, so that the rest still folds. */
export function readEvent(stored: unknown): LogEvent {
  const parsed = logEvent.safeParse(stored);
  if (parsed.success) return parsed.data;
  const outline = z
    .object({ seq: z.int().catch(1), atMs: z.number().catch(0), type: z.string().catch("?") })
    .safeParse(stored);
  const { seq, atMs, type } = outline.data ?? { seq: 1, atMs: 0, type: "?" };
  return { seq, atMs, type: "unknown", was: type };
}

/** What Download writes and Import reads. */
export const experimentArchive = z.strictObject({
  format: z.literal("crlab-experiment"),
  version: z.literal(1),
  id: z.string(),
  /** SHA-256 of the events: who changes one of them makes another log. */
  digest: z.hash("sha256"),
  file: experimentFile,
  events: z.array(logEvent),
});
