/** How a build looks to a person: named stages with elapsed and expected time, all on stderr. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import type { Progress } from "./command.js";
import { BuildError } from "./errors.js";
import { cacheDir, makeDir } from "./paths.js";

const durations = z.record(z.string(), z.number());

/** Shorter runs found everything in the cache and say nothing about the next real one. */
const WORTH_REMEMBERING_S = 2;

function durationsPath(): string {
  return `${makeDir(cacheDir())}/durations.json`;
}

function rememberedDurations(): Record<string, number> {
  if (!existsSync(durationsPath())) return {};
  try {
    const parsed = durations.safeParse(JSON.parse(readFileSync(durationsPath(), "utf8")));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}

/** A short run says little about the next whole one: what is remembered falls slowly and rises at once. */
export function nextExpectation(before: number | undefined, tookS: number): number {
  return Math.round(Math.max(tookS, (before ?? 0) * 0.7));
}

function rememberDuration(name: string, tookS: number): void {
  const path = `${durationsPath()}.${process.pid}`;
  const before = rememberedDurations();
  writeFileSync(path, JSON.stringify({ ...before, [name]: nextExpectation(before[name], tookS) }));
  renameSync(path, durationsPath());
}

/** 75 -> "1 min 15 s". */
export function humanSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const rest = whole % 60;
  return rest === 0 ? `${Math.floor(whole / 60)} min` : `${Math.floor(whole / 60)} min ${rest} s`;
}

/** One stage's line: what, how long so far, how long it takes, what it is at; cut to the terminal's width. */
export function stageLine(
  at: { name: string; elapsedS: number; expectedS: number | undefined; doing: string },
  columns: number,
): string {
  const expected = at.expectedS === undefined ? "" : ` of about ${humanSeconds(at.expectedS)}`;
  const line = `… ${at.name}: ${humanSeconds(at.elapsedS)}${expected}${at.doing && `  ${at.doing}`}`;
  return line.length > columns ? `${line.slice(0, Math.max(columns - 1, 1))}…` : line;
}

export interface StageOptions {
  /** How long it takes the first time, in seconds, for want of memory. */
  expectedS?: number;
  /** Says nothing if the stage turns out to have nothing to do. */
  quiet?: boolean;
}

/** Runs one stage, showing it on stderr; a failure is shown by `reportFailure`. */
export async function stage<T>(
  name: string,
  work: (progress: Progress) => Promise<T>,
  options: StageOptions = {},
): Promise<T> {
  const started = performance.now();
  const elapsedS = () => (performance.now() - started) / 1000;
  const expectedS = rememberedDurations()[name] ?? options.expectedS;
  const tty = process.stderr.isTTY;
  let doing = "";
  let announced = false;
  const draw = () => {
    const line = stageLine({ name, elapsedS: elapsedS(), expectedS, doing }, process.stderr.columns ?? 80);
    if (tty) process.stderr.write(`\r\x1b[2K${line}`);
    else if (!announced) process.stderr.write(`… ${name}${expectedS ? ` (about ${humanSeconds(expectedS)})` : ""}\n`);
    announced = true;
  };
  const erase = () => tty && announced && process.stderr.write("\r\x1b[2K");
  const timer = setInterval(draw, 500);
  try {
    const result = await work((line) => {
      // A compiler's warning is for reading, not for passing by.
      if (/\b(warning|error):/.test(line)) {
        erase();
        process.stderr.write(`  ${line}\n`);
      }
      doing = line;
    });
    const took = elapsedS();
    erase();
    if (!options.quiet || announced) process.stderr.write(`✓ ${name} (${humanSeconds(took)})\n`);
    if (took > WORTH_REMEMBERING_S) rememberDuration(name, took);
    return result;
  } catch (error) {
    erase();
    process.stderr.write(`✗ ${name} failed after ${humanSeconds(elapsedS())}\n`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Says what failed, with the end of its log and what to do; unexpected errors with their stack. */
export function reportFailure(error: unknown): void {
  if (error instanceof BuildError) process.stderr.write(`${error.report()}\n`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}
