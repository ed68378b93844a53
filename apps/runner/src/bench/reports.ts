/** Reports of earlier runs, a file each, for the console to draw and for comparison. */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BenchReport, benchReport } from "@crlab/shared";
import { dataDir, makeDir } from "../build/paths.js";

const NAME = /^[0-9TZ-]{16,32}$/;

const folder = () => dataDir("bench");

/** Keeps a report under the time it began; answers its path. */
export function saveReport(report: BenchReport): string {
  const name = report.machine.began.replace(/[:.]/g, "-");
  const path = join(makeDir(folder()), `${name}.json`);
  writeFileSync(`${path}.part`, `${JSON.stringify(report)}\n`);
  renameSync(`${path}.part`, path);
  return path;
}

/** Names of the reports there are, latest first. */
export function reportNames(): string[] {
  if (!existsSync(folder())) return [];
  return readdirSync(folder())
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .filter((name) => NAME.test(name))
    .sort()
    .reverse();
}

/** Undefined if there is no such report, or it is of a version this code does not read. */
export function readReport(name: string): BenchReport | undefined {
  const path = join(folder(), `${name}.json`);
  if (!NAME.test(name) || !existsSync(path)) return undefined;
  try {
    return benchReport.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined;
  }
}
