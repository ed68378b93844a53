/** `npm run bench [-- --only NAME,… --rounds N --json]`: measures this lab's engine beside CRIU and beside the limit, and its console. */
import { parseArgs } from "node:util";
import type { BenchReport } from "@crlab/shared";
import { saveReport } from "../apps/runner/src/bench/reports.js";
import { benches, runBenches } from "../apps/runner/src/bench/run.js";
import { reportText } from "../apps/runner/src/bench/tables.js";
import { setUp } from "../apps/runner/src/build/setup.js";
import { humanSeconds, reportFailure } from "../apps/runner/src/build/stages.js";
import { consoleParts } from "../playwright/bench/parts.js";

const ROUNDS = 5;

const consoleBench = {
  name: "console",
  about: "the console in a real browser; console:PART for one of",
};

const usage = `npm run bench [-- --only NAME[,NAME] --rounds N --json]
Measures in one guest, side by side and in turn, and says which targets were met.
  --only NAME    ${[...benches, consoleBench].map(({ name, about }) => `${name.padEnd(11)} ${about}`).join("\n                 ")}
                             ${consoleParts.join(", ")}
  --rounds N     samples of each figure (${ROUNDS})
  --json         the report as one JSON object on standard output`;

function fail(message: string): never {
  process.stderr.write(`${message}\n\n${usage}\n`);
  process.exit(2);
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string" },
        rounds: { type: "string", default: String(ROUNDS) },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    return values;
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

const { only, rounds, json, help } = options();
if (help) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
const names = only?.split(",") ?? [...benches, consoleBench].map(({ name }) => name);
const inBrowser = consoleParts.filter((part) => names.some((n) => n === "console" || n === `console:${part}`));
const known = [...benches, consoleBench].map(({ name }) => name).concat(consoleParts.map((part) => `console:${part}`));
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) fail(`there is no bench "${unknown.join('", "')}"`);
const count = Number(rounds);
if (!Number.isInteger(count) || count < 1 || count > 100)
  fail(`--rounds takes a number from 1 to 100, not "${rounds}"`);

/** The first report's machine, and what all of them found. */
function together(reports: readonly BenchReport[]): BenchReport {
  const [first] = reports;
  if (!first) throw new Error("nothing was measured");
  const loadAfter = reports.at(-1)?.machine.loadAfter ?? first.machine.loadAfter;
  return {
    ...first,
    machine: { ...first.machine, loadAfter },
    results: reports.flatMap((r) => r.results),
    targets: reports.flatMap((r) => r.targets),
  };
}

try {
  await setUp({ kernels: ["cr"], console: inBrowser.length > 0 });
  const started = performance.now();
  const progress = (line: string) =>
    process.stderr.write(`… ${humanSeconds((performance.now() - started) / 1000).padEnd(12)} ${line}\n`);
  const chosen = benches.filter((bench) => names.includes(bench.name));
  const reports: BenchReport[] = chosen.length > 0 ? [await runBenches(chosen, count, progress)] : [];
  if (inBrowser.length > 0) {
    // Loaded when used: it brings a browser's driver along.
    const { runConsoleBench } = await import("../playwright/bench/run.js");
    reports.push(await runConsoleBench(count, inBrowser, progress));
  }
  const report = together(reports);
  process.stderr.write(`kept as ${saveReport(report)}; the console draws it on /figures\n`);
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : `${reportText(report)}\n`);
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
