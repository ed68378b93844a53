/** Runs a command of the build: its output goes to a log file, line by line to the progress, and its end into an error. */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { dirname } from "node:path";
import { finished } from "node:stream/promises";
import { BuildError } from "./errors.js";
import { makeDir } from "./paths.js";

/** Told what the build is doing, one short line at a time. */
export type Progress = (line: string) => void;

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Appended to; the error names it. */
  logPath: string;
  progress?: Progress;
  /** What the command was to achieve, for the error: "building the cr kernel". */
  purpose: string;
  /** The tool's name for the error, where the command only wraps it. */
  tool?: string;
  advice?: string;
}

const TAIL_LINES = 400;
const SHOWN_LINES = 15;

/** Picks the lines that say what went wrong; the last lines if none does. */
export function tellingLines(lines: readonly string[]): string[] {
  const errors = lines.filter((line) => /(\berror\b|\*\*\*|undefined reference|FAILED|No space left|^E: )/i.test(line));
  // What make says of a failure that it has already told.
  const echoes = /^make(\[\d+\])?: \*\*\* (\[.*Error \d+|Waiting for unfinished jobs)/;
  const told = errors.filter((line) => !echoes.test(line));
  const telling = told.length > 0 ? told : errors.length > 0 ? errors : lines;
  return telling.slice(-SHOWN_LINES);
}

/** Runs `argv` to its end and answers its last lines of output; anything but exit 0 is a BuildError. */
export async function runLogged(argv: readonly [string, ...string[]], options: CommandOptions): Promise<string[]> {
  makeDir(dirname(options.logPath));
  const log = createWriteStream(options.logPath, { flags: "a" });
  const [command, ...args] = argv;
  log.write(`$ ${argv.join(" ")}\n`);
  const tail: string[] = [];
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8").on("data", (text: string) => {
      log.write(text);
      const lines = (rest + text).split(/\r?\n|\r/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.trim() === "") continue;
        tail.push(line);
        if (tail.length > TAIL_LINES) tail.shift();
        options.progress?.(line.trim());
      }
    });
    stream.on("end", () => rest.trim() !== "" && tail.push(rest));
  }
  const how = await new Promise<string | undefined>((resolve) => {
    child.on("error", (error) => resolve(`cannot start ${command}: ${error.message}`));
    child.on("close", (code, signal) => {
      const tool = options.tool ?? command;
      if (code === 0) resolve(undefined);
      else resolve(signal ? `${tool} was ended by ${signal}` : `${tool} exited with ${code}`);
    });
  });
  log.end();
  await finished(log).catch(() => undefined);
  if (how === undefined) return tail;
  const full = tail.some((line) => /No space left on device/.test(line));
  throw new BuildError(`${options.purpose}: ${full ? "the disk is full" : how}`, {
    logPath: options.logPath,
    logTail: tellingLines(tail),
    ...(full
      ? { advice: "Free some space (`npm run -s crlab -- doctor` shows what the cache holds), or set CRLAB_CACHE." }
      : options.advice !== undefined && { advice: options.advice }),
  });
}

let compiler: Promise<string> | undefined;

/** What the compiler says of itself; it does not change while we run. */
export function compilerVersion(): Promise<string> {
  compiler ??= output(["gcc", "--version"]);
  return compiler;
}

/** The output of a short command that must not fail. */
export async function output(argv: readonly [string, ...string[]], cwd?: string): Promise<string> {
  const [command, ...args] = argv;
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (errors += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", (error) => reject(new BuildError(`cannot start ${command}: ${error.message}`)));
    child.on("close", resolve);
  });
  if (code !== 0) throw new BuildError(`${argv.join(" ")} exited with ${code}: ${errors.trim()}`);
  return text;
}
