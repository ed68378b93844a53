/** `crlab run FILE [--json]`: an experiment file, headless; exit status 0 only if its verdict is pass. */
import { readFileSync } from "node:fs";
import {
  describeStep,
  type ExperimentFile,
  type ExperimentView,
  emptyView,
  fold,
  formatFigure,
  formatMs,
  type LogEvent,
  remainingPlan,
  runningStep,
} from "@crlab/shared";
import { formatFileError, MAX_FILE_BYTES, parseExperimentFile } from "@crlab/shared/parse";
import { BuildError } from "../build/errors.js";
import { stage } from "../build/stages.js";
import { ensureBuilt } from "../experiment/boot.js";
import { namedErrorOf } from "../experiment/errors.js";
import { type Subcommand, UsageError } from "./command.js";
import { type Driver, openDriver } from "./driver.js";
import { runSweep } from "./run-sweep.js";

const subcommand: Subcommand = {
  usage: [
    "run FILE [--json] [--csv]",
    "",
    "Runs an experiment file (YAML or JSON, see experiments/) and keeps it with the others. Progress goes to stderr;",
    "with --json, one JSON object with verdict, figures and the experiment's address goes to stdout. A file with a",
    "`sweep` block is run over its grid: the report goes to stdout, or a line for each run with --csv.",
    "Exit status: 0 if the verdict is pass, 1 if not, 2 for a file or command line that makes no sense.",
  ],
  async run(args) {
    const json = args.includes("--json");
    const csv = args.includes("--csv");
    const unknown = args.find((a) => a.startsWith("-") && a !== "--json" && a !== "--csv");
    if (unknown !== undefined) throw new UsageError(`unknown option ${unknown}`);
    const [path, ...more] = args.filter((a) => !a.startsWith("-"));
    if (path === undefined || more.length > 0) throw new UsageError("name one experiment file");
    const file = readFile(path);
    if (file === undefined) return 2;
    if (csv && !file.sweep) throw new UsageError("--csv is for files with a `sweep` block");
    try {
      return file.sweep ? await runSweep(file, json ? "json" : csv ? "csv" : "text") : await runFile(file, json);
    } catch (error) {
      if (error instanceof BuildError) throw error;
      const { message, hint } = namedErrorOf(error);
      process.stderr.write(`crlab run: ${message}${hint === undefined ? "" : `; ${hint}`}\n`);
      return 1;
    }
  },
};
export default subcommand;

function readFile(path: string): ExperimentFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8").slice(0, MAX_FILE_BYTES + 1);
  } catch (error) {
    process.stderr.write(`crlab run: ${path}: ${whyUnreadable(error)}\n`);
    return undefined;
  }
  const parsed = parseExperimentFile(text, path);
  if (parsed.ok) return parsed.file;
  for (const error of parsed.errors) process.stderr.write(`${formatFileError(error)}\n`);
  return undefined;
}

function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "there is no such file; the experiments that come with the lab are in experiments/";
  if (code === "EISDIR") return "it is a directory; name one experiment file";
  if (code === "EACCES") return "it may not be read by this user";
  return error instanceof Error ? error.message : String(error);
}

async function runFile(file: ExperimentFile, json: boolean): Promise<number> {
  const kernels = file.steps.flatMap((s) => (s.kind === "boot" ? [s.kernel ?? file.kernel] : []));
  await stage("kernel and guest image", (progress) => ensureBuilt(kernels, progress), { quiet: true });
  const driver = await openDriver((line) => process.stderr.write(`${line}\n`));
  let interrupted = false;
  const onSignal = () => {
    interrupted = true;
    process.stderr.write("\ninterrupted: stopping the guest\n");
    driver.end().catch(() => {});
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  try {
    const { view, id } = await follow(driver, file);
    const url = `${driver.consoleUrl}/x/${id}`;
    process.stderr.write(`${view.verdict ?? view.status}: ${view.reason ?? ""}\n${driver.linkTo(`/x/${id}`)}\n`);
    if (json) process.stdout.write(`${JSON.stringify(resultOf(view, id, url), null, 2)}\n`);
    if (interrupted) return 130;
    return view.verdict === "pass" ? 0 : 1;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, onSignal);
    await driver.close();
  }
}

/** Runs the file to its end and shows what happens meanwhile. */
async function follow(driver: Driver, file: ExperimentFile): Promise<{ view: ExperimentView; id: string }> {
  let view = emptyView;
  let ending = false;
  let finish: (view: ExperimentView) => void = () => {};
  const finished = new Promise<ExperimentView>((resolve) => {
    finish = resolve;
  });
  const id = await driver.run(file, (event) => {
    view = fold(view, event);
    show(event, view);
    const failed = view.steps.some((s) => s.state === "failed");
    const done =
      runningStep(view) === undefined && view.steps.length > 0 && (failed || remainingPlan(view).length === 0);
    if (done && !ending && (event.type === "step.finished" || event.type === "step.failed")) {
      ending = true;
      driver.end().catch(() => {});
    }
    if (view.status === "ended" || view.status === "interrupted") finish(view);
  });
  return { id, view: await Promise.race([finished, driver.lost]) };
}

function show(event: LogEvent, view: ExperimentView): void {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  if (event.type === "step.started") say(`[${event.stepNo}/${view.plan.length}] ${describeStep(event.step)}`);
  else if (event.type === "step.command") say(`      $ ${event.command.split("\n")[0]?.slice(0, 200)}`);
  else if (event.type === "step.finished") {
    const step = view.steps.find((s) => s.stepNo === event.stepNo);
    const figures = Object.entries(step?.figures ?? {})
      .filter(([name]) => !/[iI]mageId$/.test(name))
      .map(([name, value]) => `${name} ${formatFigure(name, value)}`);
    say(`      ok, ${[formatMs(event.ms), ...figures].join(", ")}`);
    if (step?.kind === "verify" && step.text) say(`      ${step.text}`);
  } else if (event.type === "step.failed") {
    say(`      FAILED, ${formatMs(event.ms)}: ${event.error.message}`);
    if (event.error.hint !== undefined) say(`      ${event.error.hint}`);
  } else if (event.type === "guest.ended" && event.how !== "stopped")
    say(`      the guest ${event.how}: ${event.reason}`);
}

function resultOf(view: ExperimentView, id: string, url: string) {
  return {
    verdict: view.verdict ?? "fail",
    reason: view.reason,
    experiment: { id, url },
    manifest: view.manifest,
    fingerprint: view.fingerprint,
    steps: view.steps.map((s) => ({
      no: s.stepNo,
      kind: s.kind,
      ok: s.state === "ok",
      ms: s.ms,
      commands: s.commands,
      figures: s.figures,
      text: s.text,
      error: s.error,
    })),
    notRun: remainingPlan(view).map((s) => s.kind),
    checkpoints: view.checkpoints,
  };
}
