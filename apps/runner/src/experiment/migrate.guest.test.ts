/** Migration between real guests: it arrives whole, or the source goes on unharmed. The workload itself is the judge. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { experimentFile, type Step, step } from "@crlab/shared";
import { formatFileError, parseExperimentFile } from "@crlab/shared/parse";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { repoRoot } from "../build/paths.js";
import type { Link } from "../migration/link.js";
import { openStore, type Store } from "../store/index.js";
import { bootBuilt, ensureBuilt } from "./boot.js";
import type { Experiment } from "./experiment.js";
import { Lab } from "./lab.js";

beforeAll(() => ensureBuilt(["cr"], () => {}));

let dir: string;
let store: Store;
let lab: Lab;
const environment = process.env.CRLAB_DATA;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "crlab-migrate-test-"));
  process.env.CRLAB_DATA = dir;
  store = await openStore(dir, "a test");
  lab = new Lab(store, bootBuilt, { guests: 2, idleMs: 600_000 });
});
afterEach(async () => {
  await lab.close("the test is over");
  await store.close();
  expect(qemus()).toEqual([]);
  if (environment === undefined) delete process.env.CRLAB_DATA;
  else process.env.CRLAB_DATA = environment;
  rmSync(dir, { recursive: true, force: true });
});

/** QEMUs of this test's guests that still run. */
function qemus(): number[] {
  return readdirSync(join(dir, "guests")).flatMap((name) => {
    try {
      const text = readFileSync(join(dir, "guests", name, "owner.json"), "utf8");
      const { pid } = z.object({ qemu: z.object({ pid: z.int() }) }).parse(JSON.parse(text)).qemu;
      return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8")) ? [] : [pid];
    } catch {
      return [];
    }
  });
}

async function started(workload: string, args: string[]): Promise<Experiment> {
  const steps = [{ kind: "boot" }, { kind: "start", name: "w", workload, args }];
  const experiment = await lab.create(experimentFile.parse({ title: "T", steps }), "me");
  await experiment.runPlan();
  return experiment;
}

const run = (experiment: Experiment, value: unknown): Promise<boolean> => experiment.runStep(step.parse(value));
const migrate = (more: Partial<Extract<Step, { kind: "migrate" }>> = {}) => ({
  kind: "migrate",
  latencyMs: 1,
  ...more,
});

async function mustRun(experiment: Experiment, value: unknown): Promise<void> {
  const ok = await run(experiment, value);
  expect(experiment.view.steps.at(-1)?.error).toBeNull();
  expect(ok).toBe(true);
}

/** Once so many bytes have left on the link. */
async function sent(link: Link, bytes: number): Promise<void> {
  while (link.bytes < bytes) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The source is where it was: it works on, and finds itself whole. */
async function goesOn(experiment: Experiment, guest = 1): Promise<void> {
  expect(experiment.view.guest).toMatchObject({ guest, state: "up" });
  expect(experiment.view.targets).toMatchObject([{ name: "w", alive: true }]);
  expect(experiment.guests).toBe(1);
  expect(qemus()).toHaveLength(1);
  await mustRun(experiment, { kind: "verify" });
  await mustRun(experiment, { kind: "wait", output: "rewritten" });
}

it("moves a process with its memory, its terminal and its pid, twice, and it is at home there", async () => {
  const experiment = await started("memwriter", ["--size", "16", "--rate", "200", "--pattern", "hot"]);
  await mustRun(experiment, { kind: "wait", output: "pages filled" });
  const before = experiment.view.targets[0];
  await mustRun(experiment, migrate({ mibPerS: 64 }));
  expect(experiment.view.guest).toMatchObject({ guest: 2, state: "up" });
  const [migration] = experiment.view.migrations;
  expect(migration).toMatchObject({ state: "moved", fromGuest: 1, toGuest: 2 });
  const rounds = migration?.rounds ?? [];
  expect(rounds.map((r) => r.final)).toEqual([...rounds.slice(1).map(() => false), true]);
  expect(rounds.length).toBeGreaterThan(1);
  expect(rounds[0]?.pages).toBeGreaterThanOrEqual(4096);
  expect(rounds.at(-1)?.pages).toBeLessThan(4096);
  expect(migration?.bytes).toBe(rounds.reduce((sum, r) => sum + r.bytes, 0));
  expect(migration?.downtimeMs).toBeGreaterThan((rounds.at(-1)?.frozenNs ?? 0) / 1e6);
  expect(experiment.view.targets[0]).toMatchObject({ pid: before?.pid, terminal: before?.terminal, alive: true });
  // Where no thread of a kernel is: over there it would be in the way.
  expect(before?.pid).toBeGreaterThan(1000);
  await goesOn(experiment, 2);
  await mustRun(experiment, { kind: "checkpoint", name: "there", kill: true });
  await mustRun(experiment, { kind: "restore", checkpoint: "there" });
  await goesOn(experiment, 2);
  await mustRun(experiment, migrate());
  await goesOn(experiment, 3);
});

it("precopy-downtime.yaml passes, and with rounds before less is left for when it stands still", async () => {
  const text = readFileSync(join(repoRoot, "experiments", "precopy-downtime.yaml"), "utf8");
  const parsed = parseExperimentFile(text, "precopy-downtime.yaml");
  if (!parsed.ok) throw new Error(parsed.errors.map(formatFileError).join("\n"));
  const experiment = await lab.create(parsed.file, "me");
  await experiment.runPlan();
  expect(experiment.view.steps.filter((s) => s.state !== "ok")).toEqual([]);
  const bytesAtRest = experiment.view.migrations.map((m) => m.rounds.at(-1)?.bytes ?? 0);
  expect(bytesAtRest[1]).toBeLessThan(bytesAtRest[0] ?? 0);
  expect(bytesAtRest[2]).toBeLessThan(bytesAtRest[0] ?? 0);
  await experiment.end();
  expect(experiment.view).toMatchObject({ verdict: "pass", status: "ended" });
});

it("carries the contents of an unlinked file", async () => {
  const experiment = await started("unlinked-holder", ["--unlink", "--copy"]);
  await mustRun(experiment, { kind: "wait", output: "has been unlinked" });
  await mustRun(experiment, migrate());
  await goesOn(experiment, 2);
  expect(experiment.view.verifications.at(-1)?.text).toMatch(/nlink 0 .* 0 wrong/);
});

it("moves a tree of processes by stop and copy", async () => {
  const experiment = await started("proctree", []);
  await mustRun(experiment, { kind: "verify" });
  await mustRun(experiment, migrate({ rounds: 0 }));
  expect(experiment.view.migrations[0]?.rounds).toMatchObject([{ final: true }]);
  expect(experiment.view.guest).toMatchObject({ guest: 2 });
  await mustRun(experiment, { kind: "verify" });
});

it("leaves it where it is when the target is killed in the middle of a round", async () => {
  const experiment = await started("memwriter", ["--size", "32", "--rate", "200"]);
  await mustRun(experiment, { kind: "wait", output: "pages filled" });
  const [source] = qemus();
  experiment.onMigration = ({ link }) =>
    void sent(link, 2 * 1024 * 1024).then(() => {
      for (const pid of qemus()) if (pid !== source) process.kill(pid, "SIGKILL");
    });
  expect(await run(experiment, migrate({ mibPerS: 8 }))).toBe(false);
  expect(experiment.view.steps.at(-1)?.error?.code).toBe("migration.target");
  expect(experiment.view.migrations).toMatchObject([{ state: "failed" }]);
  await goesOn(experiment);
  // What was harvested in vain is not lost: the next migration is whole.
  experiment.onMigration = undefined;
  await mustRun(experiment, migrate());
  await goesOn(experiment, 3);
});

it.each([
  ["in the middle of a round while it runs", 8, 2],
  ["when it stands still", 0, 2],
])("leaves it where it is when the link is cut %s", async (_, rounds, mib) => {
  const experiment = await started("memwriter", ["--size", "32", "--rate", "200"]);
  await mustRun(experiment, { kind: "wait", output: "pages filled" });
  experiment.onMigration = ({ link }) => void sent(link, mib * 1024 * 1024).then(() => link.cut("scissors"));
  expect(await run(experiment, migrate({ mibPerS: 8, rounds }))).toBe(false);
  expect(experiment.view.steps.at(-1)?.error).toMatchObject({
    code: "migration.link",
    message: "the link was cut: scissors",
  });
  await goesOn(experiment);
});

it("leaves it where it is when the target refuses it, and says why", async () => {
  // A file with a name stays behind.
  const experiment = await started("unlinked-holder", []);
  await mustRun(experiment, { kind: "wait", output: "size" });
  expect(await run(experiment, migrate())).toBe(false);
  expect(experiment.view.steps.at(-1)?.error).toMatchObject({
    code: "restart.refused",
    message: expect.stringContaining("/data/unlinked-holder."),
  });
  await goesOn(experiment);
});

it("is refused while another one runs beside it", async () => {
  const experiment = await started("counter", []);
  await mustRun(experiment, { kind: "start", name: "other", workload: "counter" });
  expect(await run(experiment, migrate({ target: "w" }))).toBe(false);
  expect(experiment.view.steps.at(-1)?.error?.code).toBe("migrate.others");
});
