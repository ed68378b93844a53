/** `npm run bench [-- --only NAME,… --rounds N --json]`: measures this lab's engine beside CRIU and beside the limit. */
import { parseArgs } from "node:util";
import { saveReport } from "../apps/runner/src/bench/reports.js";
import { benches, runBenches } from "../apps/runner/src/bench/run.js";
import { reportText } from "../apps/runner/src/bench/tables.js";
import { setUp } from "../apps/runner/src/build/setup.js";
import { humanSeconds, reportFailure } from "../apps/runner/src/build/stages.js";

const ROUNDS = 5;

const usage = `npm run bench [-- --only NAME[,NAME] --rounds N --json]
Measures in one guest, side by side and in turn, and says which targets were met.
  --only NAME    ${benches.map(({ name, about }) => `${name.padEnd(11)} ${about}`).join("\n                 ")}
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
const names = only?.split(",") ?? benches.map(({ name }) => name);
const unknown = names.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) fail(`there is no bench "${unknown.join('", "')}"`);
const count = Number(rounds);
if (!Number.isInteger(count) || count < 1 || count > 100)
  fail(`--rounds takes a number from 1 to 100, not "${rounds}"`);

try {
  await setUp({ kernels: ["cr"], console: false });
  const started = performance.now();
  const report = await runBenches(
    benches.filter((bench) => names.includes(bench.name)),
    count,
    (line) => process.stderr.write(`… ${humanSeconds((performance.now() - started) / 1000).padEnd(12)} ${line}\n`),
  );
  process.stderr.write(`kept as ${saveReport(report)}; the console draws it on /figures\n`);
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : `${reportText(report)}\n`);
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
