/**
 * The experiment model: a manifest (what is booted) and steps (what is done).
 * The same schemas parse experiment files, protocol messages and stored rows.
 */
import { z } from "zod";
import { migrationOptions } from "./migration.js";
import { programEntry, programId } from "./programs.js";
import { EXPERIMENT_ID } from "./wire.js";

/** The kernels that come with the lab: unpatched, patched, patched with KASAN and lockdep. */
export const labKernel = z.enum(["base", "cr", "debug"]);
export type LabKernel = z.infer<typeof labKernel>;

/** A kernel by name: one of the lab's, or one that somebody has built with changes (`crlab kernel build NAME --patches …`). */
export const kernelVariant = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,23}$/, "small letters, digits, . _ - (at most 24)")
  .meta({ examples: labKernel.options });
export type KernelVariant = z.infer<typeof kernelVariant>;

export const manifest = z.strictObject({
  kernel: kernelVariant.default("cr"),
  image: z.enum(["bookworm"]).default("bookworm"),
  memMiB: z.int().min(128).max(8192).default(512),
  cpus: z.int().min(1).max(8).default(2),
  accel: z.enum(["auto", "kvm", "tcg"]).default("auto"),
  network: z.enum(["none"]).default("none"),
  /** Who checkpoints: this lab's kernel, or CRIU, as the guest's Debian has it. */
  engine: z.enum(["kernel", "criu"]).default("kernel"),
});
export type Manifest = z.infer<typeof manifest>;

/** Terminals would do what control characters say, and a page would show letters in another order. */
const isPlain = (text: string): boolean => !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(text);
const NOT_PLAIN = "without control characters";

/** Of an experiment: links to it are known by this. */
export const title = z
  .string()
  .min(1)
  .max(120)
  .refine((text) => /[\p{L}\p{N}\p{P}\p{S}]/u.test(text), "needs something that can be read")
  .refine(isPlain, NOT_PLAIN);

/** Why a result does not count. */
export const invalidReason = z.string().trim().min(1).max(300).refine(isPlain, NOT_PLAIN);

/** How an address space is tracked between checkpoints. */
export const tracker = z.enum(["soft-dirty", "wp", "scan", "hash"]);
export type Tracker = z.infer<typeof tracker>;

/** A name a step gives to a process tree or a checkpoint, by which later steps speak of it. */
const label = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, "letters, digits, . _ - (at most 32)");
const guestPath = z.string().min(1).max(4095).regex(/^\//, "an absolute path in the guest");
const commandLine = z.array(z.string().max(65536)).min(1).max(256);
const seconds = z.number().positive().max(3600);
/** What a lab sheet says above the step. */
const note = z.string().min(1).max(300).optional();

/**
 * One step. `target` names a process tree started by an earlier `start` step
 * (default: the latest one); `checkpoint` names a checkpoint (default: the latest).
 */
export const step = z.discriminatedUnion("kind", [
  /** Boot the guest; a later boot replaces the guest, with another kernel if it says so. */
  z.strictObject({ kind: z.literal("boot"), kernel: kernelVariant.optional(), note }),
  /**
   * Shut the guest down, or pull its plug, and start it anew on the disk that is left. Images that reached the disk are
   * there; what ran is not.
   */
  z.strictObject({ kind: z.literal("reboot"), how: z.enum(["shutdown", "power cut"]).default("shutdown"), note }),
  /** Start a listed workload by name, any command, or a program of one's own, on a terminal of its own. */
  z
    .strictObject({
      kind: z.literal("start"),
      name: label.default("workload"),
      workload: z.string().max(64).optional(),
      args: z.array(z.string().max(4096)).max(64).optional(),
      command: commandLine.optional(),
      /** One that somebody has brought, by its id; of a directory, which file in it is started. */
      program: programId.optional(),
      entry: programEntry.optional(),
      note,
    })
    .refine(
      (s) => [s.workload, s.command, s.program].filter((v) => v !== undefined).length === 1,
      "give one of workload, command and program",
    )
    .refine((s) => s.entry === undefined || s.program !== undefined, "entry goes with program"),
  z
    .strictObject({
      kind: z.literal("checkpoint"),
      name: label.optional(),
      target: label.optional(),
      mode: z.enum(["full", "incremental"]).default("full"),
      /** Parent of an increment; default: the target's latest checkpoint. */
      parent: label.optional(),
      kill: z.boolean().default(false),
      /** Let the tree go on while its memory is written: it stands still only while its page tables are copied. */
      live: z.boolean().optional(),
      /** What becomes of files without a name: a new name for the same inode, a copy in the image, or the first that is possible. */
      unlinked: z.enum(["auto", "relink", "copy"]).optional(),
      /** What tells from now on which pages change; default: what does so already, at first `scan`. */
      tracker: tracker.optional(),
      /** Compare the contents of all pages with what the tracker says, from the second such checkpoint on. */
      audit: z.boolean().optional(),
      /** Only list what stands in the way. */
      dryRun: z.boolean().default(false),
      note,
    })
    .refine((s) => !(s.live && s.kill), "live goes without kill: what runs on cannot be gone"),
  /** Unlink a path, or whatever the target holds on a file descriptor. */
  z
    .strictObject({
      kind: z.literal("unlink"),
      path: guestPath.optional(),
      target: label.optional(),
      fd: z.int().min(0).max(1048576).optional(),
      note,
    })
    .refine((s) => (s.path === undefined) !== (s.fd === undefined), "give either path or fd"),
  /** Rename a path, or whatever the target holds on a file descriptor. */
  z
    .strictObject({
      kind: z.literal("rename"),
      from: guestPath.optional(),
      target: label.optional(),
      fd: z.int().min(0).max(1048576).optional(),
      to: guestPath,
      note,
    })
    .refine((s) => (s.from === undefined) !== (s.fd === undefined), "give either from or fd"),
  z.strictObject({ kind: z.literal("kill"), target: label.optional(), note }),
  z.strictObject({ kind: z.literal("restore"), checkpoint: label.optional(), note }),
  /** Move the target into another guest while it runs, over a link the lab makes; the experiment goes on over there. */
  z.strictObject({ kind: z.literal("migrate"), target: label.optional(), ...migrationOptions, note }),
  /** Ask the workload to judge itself (SIGUSR1), and wait for its `verify: ok` or `verify: FAIL ...` line. */
  z.strictObject({ kind: z.literal("verify"), target: label.optional(), withinS: seconds.default(60), note }),
  /** Wait until the target's terminal has printed a line that matches (a regular expression) since its last step. */
  z.strictObject({
    kind: z.literal("wait"),
    target: label.optional(),
    output: z.string().min(1).max(512),
    withinS: seconds.default(60),
    note,
  }),
  /** Run a command in the guest to its end. */
  z.strictObject({
    kind: z.literal("run"),
    command: commandLine,
    exitCode: z.int().min(0).max(255).default(0),
    withinS: seconds.default(120),
    note,
  }),
]);
export type Step = z.infer<typeof step>;
export type StepKind = Step["kind"];

/** Short, unguessable id of an experiment: it stands in `/x/<id>`. */
export const experimentId = z.string().regex(EXPERIMENT_ID);

/** What is needed to reproduce a run; recorded by `guest.booted`. */
export const fingerprint = z.strictObject({
  kernelVariant,
  kernelRelease: z.string(),
  /** Content hash of patch set and sources, and of the configuration. */
  kernelHash: z.string(),
  configHash: z.string(),
  /** Of a kernel of one's own: which of the lab's it was made from, and what was changed: `fs/open.c +3 -1`, `CONFIG_SMP=n`. */
  kernelOn: labKernel.optional(),
  kernelChanges: z.array(z.string()).optional(),
  imageHash: z.string(),
  qemuVersion: z.string(),
  accel: z.enum(["kvm", "tcg"]),
  /** Why this accelerator: the probe's own words. */
  accelReason: z.string(),
  memMiB: z.int(),
  cpus: z.int(),
});
export type Fingerprint = z.infer<typeof fingerprint>;

/** Figures of one checkpoint, as checkpoint(1) reported them; times in ns, measured in the guest. */
export const checkpointFigures = z.strictObject({
  imageId: z.string(),
  parentImageId: z.string().nullable(),
  tasks: z.int(),
  bytes: z.int(),
  pages: z.int(),
  zeroPages: z.int(),
  parentPages: z.int(),
  relinkedFiles: z.int(),
  /** Unlinked files whose contents are in the image, and how much of it they are. */
  copiedFiles: z.int().default(0),
  copiedBytes: z.int().default(0),
  frozenNs: z.int(),
  totalNs: z.int(),
  /** What tells which pages the next increment holds, and what it has cost since the last checkpoint. */
  tracker: tracker.optional(),
  trackerFaults: z.int().optional(),
  trackerWalkNs: z.int().optional(),
  trackerBytes: z.int().optional(),
  /** Pages written though their contents were as in the parent; only known of an audited checkpoint. */
  falsePages: z.int().optional(),
});
export type CheckpointFigures = z.infer<typeof checkpointFigures>;

export const restoreFigures = z.strictObject({
  imageId: z.string(),
  tasks: z.int(),
  bytes: z.int(),
  pages: z.int(),
  totalNs: z.int(),
  rootPid: z.int(),
});
export type RestoreFigures = z.infer<typeof restoreFigures>;

/** A named error: what, where, why, and what to do. */
export const namedError = z.strictObject({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  /** Byte offset in the checkpoint image, where the error has one. */
  imageOffset: z.int().optional(),
});
export type NamedError = z.infer<typeof namedError>;
