/** The engine of this lab's kernel: checkpoint(2) and restart(2), through the guest commands of the same names. */
import { type CheckpointFigures, checkpointFigures, digest, imageListing, type RestoreFigures } from "@crlab/shared";
import { z } from "zod";
import { StepError } from "../experiment/errors.js";
import type { ExecResult } from "../experiment/guest-port.js";
import type { CrEngine } from "./engine.js";

const checkpointJson = z.object({
  imageId: z.string(),
  parentImageId: z.string().nullable(),
  bytes: z.int(),
  tasks: z.int(),
  pages: z.int(),
  zeroPages: z.int(),
  parentPages: z.int(),
  relinked: z.int(),
  copied: z.int().default(0),
  copiedBytes: z.int().default(0),
  frozenNs: z.int(),
  totalNs: z.int(),
  ...checkpointFigures.pick({ tracker: true, trackerFaults: true, trackerWalkNs: true, trackerBytes: true }).shape,
  ...checkpointFigures.pick({ falsePages: true }).shape,
});

const restartJson = z.object({
  imageId: z.string(),
  bytes: z.int(),
  tasks: z.int(),
  pages: z.int(),
  totalNs: z.int(),
  rootPid: z.int(),
});

export const kernelEngine: CrEngine = {
  async checkpoint(run, { pid, path, parentPath, kill, live, unlinked, tracker, audit }) {
    const options = [
      ...(parentPath === undefined ? [] : ["--parent", parentPath]),
      ...(kill ? ["--kill"] : []),
      ...(live ? ["--live"] : []),
      ...(unlinked === undefined ? [] : [`--unlinked=${unlinked}`]),
      ...(audit ? ["--audit"] : []),
      ...(tracker === undefined ? [] : ["--tracker", tracker]),
    ];
    const result = await run(["checkpoint", "--json", ...options, "-o", path, String(pid)]);
    return readCheckpoint(result);
  },

  async dryRun(run, pid) {
    const result = await run(["checkpoint", "--dry-run", String(pid)]);
    const obstacles = lines(result.stdout);
    if (result.exitCode === 0) return [];
    if (obstacles.length > 0) return obstacles;
    throw refusal("checkpoint", result);
  },

  async read(run, path) {
    return digest(figuresOf("ckptinfo", await run(["ckptinfo", "--json", path]), imageListing));
  },

  async restore(run, path) {
    const result = await run(["restart", "--json", "--keep", "--detach", "-i", path]);
    return readRestart(result);
  },
};

/** What checkpoint(1) says of itself; `from`: where it goes if the image takes its standard output. */
export function readCheckpoint(result: ExecResult, from: "stdout" | "stderr" = "stdout"): CheckpointFigures {
  const { relinked, copied, ...figures } = figuresOf("checkpoint", result, checkpointJson, from);
  return { ...figures, relinkedFiles: relinked, copiedFiles: copied };
}

export const readRestart = (result: ExecResult): RestoreFigures => figuresOf("restart", result, restartJson);

function figuresOf<T extends z.ZodType>(
  tool: string,
  result: ExecResult,
  schema: T,
  from: "stdout" | "stderr" = "stdout",
): z.infer<T> {
  if (result.exitCode !== 0) throw refusal(tool, result);
  let value: unknown;
  try {
    // Notes of the kernel may stand beside it on standard error.
    const text = result[from].toString("utf8");
    value = JSON.parse(text.slice(Math.max(0, text.search(/^\{/m))));
  } catch {
    value = undefined;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new StepError(
    `${tool}.figures`,
    `${tool} succeeded, but its figures cannot be read: ${z.prettifyError(parsed.error).split("\n").join(" ")}`,
    { hint: "the guest image and this runner are of different versions: run crlab image build" },
  );
}

/** The tool's own words: `checkpoint: <what, where, why; what to do>`. */
function refusal(tool: string, result: ExecResult): StepError {
  const said = lines(result.stderr);
  const own = said.find((line) => line.startsWith(`${tool}: `)) ?? said.at(-1);
  if (own === undefined) {
    const how = result.exitCode === null ? `was killed by signal ${result.signal}` : `ended with ${result.exitCode}`;
    return new StepError(`${tool}.failed`, `${tool} ${how} and said nothing`, { hint: "the kernel log may say more" });
  }
  if (/this kernel has no (checkpoint|restart)\(2\)/.test(own))
    return new StepError("kernel.unpatched", own, { hint: "boot the kernel `cr`: this one has no checkpoint/restart" });
  const offset = /\b(?:image )?offset (\d+)/.exec(own)?.[1];
  return new StepError(`${tool}.refused`, own.slice(0, 4000), {
    ...(tool === "checkpoint" ? { hint: TO_DO } : {}),
    ...(offset === undefined ? {} : { imageOffset: Number(offset) }),
  });
}

/** One thing is named, and there may be more. */
const TO_DO = "a dry run lists all that stands in the way; once the process has let go of it, try again";

const lines = (bytes: Buffer): string[] =>
  bytes
    .toString("utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
