/** Puts a program that somebody brought into the guest. Nothing of it runs, or is unpacked, anywhere else. */
import { posix } from "node:path";
import type { Store } from "../store/index.js";
import { StepError } from "./errors.js";
import type { Experiment } from "./experiment.js";

const FOLDER = "/opt/own";
const MAX_UNPACKED_MIB = 512;

/** Answers the path of what is to be started. */
export async function installProgram(
  experiment: Experiment,
  { programs }: Store,
  id: string,
  entry: string | undefined,
): Promise<string> {
  const { info, read } = await programs.open(id);
  const folder = posix.join(FOLDER, id);
  const packed = info.kind === "tar" || info.kind === "tar.gz";
  if (!packed && entry !== undefined)
    throw new StepError("program.entry", `${info.name} is one file: it has no entry`, { hint: "leave `entry` out" });
  if (packed && entry === undefined)
    throw new StepError("program.entry", `${info.name} is a directory: say which file in it is to be started`, {
      hint: "give `entry`, a path within it",
    });
  const path = posix.join(folder, packed ? (entry ?? "") : info.name);
  // As it is now, in a folder that is there once and whole.
  const script = packed
    ? `set -e; [ -e "$1" ] && exec cat >/dev/null; mkdir -p "$1.part"; ulimit -f ${MAX_UNPACKED_MIB * 1024}; tar -x ${info.kind === "tar.gz" ? "-z" : ""} -f - --no-same-owner -C "$1.part"; mv -T "$1.part" "$1"`
    : `set -e; [ -e "$1" ] && exec cat >/dev/null; mkdir -p "$1.part"; cat >"$1.part/$2"; chmod 755 "$1.part/$2"; mv -T "$1.part" "$1"`;
  const stored = await experiment.exec(["bash", "-c", script, "own", folder, info.name], { stdin: read() });
  if (stored.exitCode !== 0)
    throw new StepError("program.unpack", `${info.name} could not be put into the guest: ${lastLine(stored.stderr)}`, {
      hint: packed ? "make it with: tar -cf program.tar -C DIRECTORY ." : "is the guest's disk full?",
    });
  const found = await experiment.exec(["bash", "-c", '[ -f "$1" ] && [ -x "$1" ]', "own", path]);
  if (found.exitCode !== 0)
    throw new StepError("program.entry", `${info.name} has no file ${entry ?? info.name} that can be started`, {
      hint: "is the path right, and the file executable?",
    });
  return path;
}

const lastLine = (bytes: Buffer): string =>
  bytes.toString("utf8").trim().split("\n").at(-1)?.slice(0, 300) || "no reason given";
