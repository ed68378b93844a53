/** Experiments on real guests, through the engine and through a runner of its own process. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeTerminalFrame, type ExperimentFile, experimentFile } from "@crlab/shared";
import { formatFileError, parseExperimentFile } from "@crlab/shared/parse";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { repoRoot } from "../build/paths.js";
import { connectTo } from "../server/test-client.js";
import { openStore, readEvents, readOutput, readView, type Store } from "../store/index.js";
import { bootBuilt, ensureBuilt } from "./boot.js";
import { Lab } from "./lab.js";

const mainPath = fileURLToPath(new URL("../main.ts", import.meta.url));

beforeAll(() => ensureBuilt(["cr", "base"], () => {}));

let dir: string;
const environment = process.env.CRLAB_DATA;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "crlab-guest-test-"));
  process.env.CRLAB_DATA = dir;
});
afterEach(() => {
  if (environment === undefined) delete process.env.CRLAB_DATA;
  else process.env.CRLAB_DATA = environment;
  rmSync(dir, { recursive: true, force: true });
});

function shipped(name: string): ExperimentFile {
  const parsed = parseExperimentFile(readFileSync(join(repoRoot, "experiments", name), "utf8"), name);
  if (!parsed.ok) throw new Error(parsed.errors.map(formatFileError).join("\n"));
  return parsed.file;
}

/** What a restore reads of such a chain. */
const sumOf = (chain: readonly ({ bytes: number; pages: number } | undefined)[]) => ({
  bytes: chain.reduce((sum, image) => sum + (image?.bytes ?? 0), 0),
  pages: chain.reduce((sum, image) => sum + (image?.pages ?? 0), 0),
});

/** QEMUs of this test's guests that still run. */
function qemus(): number[] {
  return readdirSync(join(dir, "guests")).flatMap((name) => {
    try {
      const text = readFileSync(join(dir, "guests", name, "owner.json"), "utf8");
      const pid = z.object({ qemu: z.object({ pid: z.int() }) }).parse(JSON.parse(text)).qemu.pid;
      return running(pid) ? [pid] : [];
    } catch {
      return [];
    }
  });
}

const running = (pid: number): boolean => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

describe("in this process", () => {
  let store: Store;
  let lab: Lab;
  beforeEach(async () => {
    store = await openStore(dir, "a test");
    lab = new Lab(store, bootBuilt, { guests: 1, idleMs: 600_000 });
  });
  afterEach(async () => {
    await lab.close("the test is over");
    await store.close();
  });

  it.each(["shutdown", "power cut"] as const)("a process comes back from its image after a %s", async (how) => {
    const file = experimentFile.parse({
      title: how,
      steps: [
        { kind: "boot" },
        { kind: "start", workload: "counter" },
        { kind: "wait", output: "count" },
        { kind: "checkpoint", name: "before" },
        { kind: "reboot", how },
        { kind: "restore", checkpoint: "before" },
        { kind: "verify" },
        { kind: "checkpoint", name: "after", mode: "incremental" },
      ],
    });
    const experiment = await lab.create(file, "me");
    await experiment.runPlan();
    const { view } = experiment;
    expect(view.steps.map((s) => s.error?.message ?? s.state)).toEqual(view.steps.map(() => "ok"));
    expect(view.checkpoints.map((c) => [c.name, c.available, c.guest])).toEqual([
      ["before", true, 2],
      ["after", true, 2],
    ]);
    expect(view.guest).toMatchObject({ guest: 2, state: "up", how: "cold" });
    await experiment.end();
    expect(experiment.view.verdict).toBe("pass");
    // Nothing of either guest is left behind.
    expect(readdirSync(join(dir, "guests"))).toEqual([]);
  });

  it.each([
    "first-loop.yaml",
    "only-what-changed.yaml",
    "tree-comes-back.yaml",
    "relink-against-copy.yaml",
    "watch-survives.yaml",
    "four-trackers.yaml",
  ])("%s passes", async (name) => {
    const experiment = await lab.create(shipped(name), "me");
    await experiment.runPlan();
    await experiment.end();
    const view = await readView(store.db, experiment.id);
    expect(view?.steps.filter((s) => s.state !== "ok")).toEqual([]);
    expect(view).toMatchObject({ verdict: "pass", status: "ended" });
    expect(qemus()).toEqual([]);
    if (name !== "only-what-changed.yaml") return;
    const chain = view?.checkpoints.filter((c) => c.name !== "third").map((c) => c.figures) ?? [];
    expect(view?.restores.map((r) => r.figures)).toMatchObject([sumOf(chain)]);
  });

  it("a process goes through CRIU and back to its terminal, and what CRIU has nothing for is said by name", async () => {
    const file = experimentFile.parse({
      title: "CRIU",
      kernel: "base",
      engine: "criu",
      steps: [
        { kind: "boot" },
        { kind: "start", workload: "counter" },
        { kind: "wait", output: "count" },
        { kind: "checkpoint", name: "first" },
        { kind: "checkpoint", name: "more", mode: "incremental" },
        { kind: "kill" },
        { kind: "restore", checkpoint: "more" },
        { kind: "wait", output: "count" },
        { kind: "verify" },
        { kind: "checkpoint", kill: true },
        { kind: "restore" },
        { kind: "verify" },
      ],
    });
    const experiment = await lab.create(file, "me");
    await experiment.runPlan();
    expect(experiment.view.steps.map((s) => s.error?.message ?? s.state)).toEqual(file.steps.map(() => "ok"));
    const [first, more] = experiment.view.checkpoints.map((c) => c.figures);
    expect(first?.pages).toBeGreaterThan(0);
    expect(more?.parentPages).toBeGreaterThan(0);
    expect(more?.frozenNs).toBeGreaterThan(0);
    expect(experiment.view.restores[0]?.figures).toMatchObject(sumOf([first, more]));
    const live = experimentFile.shape.steps.element.parse({ kind: "checkpoint", live: true });
    expect(await experiment.runStep(live)).toBe(false);
    expect(experiment.view.steps.at(-1)?.error).toMatchObject({
      code: "criu.beyond",
      message: expect.stringContaining("a live checkpoint"),
    });
    await experiment.end();
  });

  it("says by name what cannot be done, and goes on", async () => {
    const file = experimentFile.parse({ title: "T", kernel: "base", steps: [{ kind: "boot" }] });
    const experiment = await lab.create(file, "me");
    await experiment.runPlan();
    const failure = async (step: unknown) => {
      expect(await experiment.runStep(experimentFile.shape.steps.element.parse(step))).toBe(false);
      return experiment.view.steps.at(-1)?.error?.code;
    };
    expect(await failure({ kind: "verify" })).toBe("target.unknown");
    expect(await failure({ kind: "start", workload: "nonesuch" })).toBe("workload.unknown");
    expect(await failure({ kind: "start", command: ["/nonesuch"] })).toBe("not-found");
    expect(await failure({ kind: "run", command: ["false"] })).toBe("run.failed");
    expect(await failure({ kind: "unlink", path: "/nonesuch" })).toBe("unlink.refused");
    expect(await failure({ kind: "restore" })).toBe("checkpoint.unknown");
    expect(await experiment.runStep({ kind: "start", name: "w", workload: "counter" })).toBe(true);
    expect(await failure({ kind: "start", name: "w", workload: "counter" })).toBe("target.exists");
    expect(await failure({ kind: "unlink", fd: 99 })).toBe("fd.none");
    expect(await failure({ kind: "checkpoint", mode: "incremental" })).toBe("checkpoint.parent");
    expect(await failure({ kind: "checkpoint" })).toBe("kernel.unpatched");
    expect(await failure({ kind: "wait", output: "never this", withinS: 0.2 })).toBe("step.late");
    expect(await experiment.runStep({ kind: "verify", withinS: 60 })).toBe(true);
    expect(await experiment.runStep({ kind: "kill" })).toBe(true);
    // Asking would end it: it still has to be killed.
    expect(await experiment.runStep({ kind: "start", name: "deaf", command: ["sleep", "1000"] })).toBe(true);
    expect(await failure({ kind: "verify" })).toBe("verify.signal");
    expect(await experiment.runStep({ kind: "kill" })).toBe(true);
    expect(await failure({ kind: "kill" })).toBe("target.gone");
    // The only guest there may be is in use: the next one waits for it.
    const second = await lab.create(file, "me");
    const waited = second.runPlan();
    await vi.waitFor(() => expect(second.view.guest?.queue).toBe(1));
    await second.end();
    await waited;
    expect(second.view.steps[0]?.state).toBe("interrupted");
  });

  it("notices that the guest died, keeps what it has, and boots again", async () => {
    const file = experimentFile.parse({
      title: "T",
      kernel: "base",
      steps: [
        { kind: "boot" },
        { kind: "start", workload: "counter" },
        { kind: "wait", output: "never this", withinS: 600 },
      ],
    });
    const experiment = await lab.create(file, "me");
    const done = experiment.runPlan();
    const waiting = new Promise<void>((resolve) => {
      const look = () => {
        if (experiment.view.steps.length === 3) resolve();
      };
      experiment.log.onStored(look);
    });
    await waiting;
    for (const pid of qemus()) process.kill(pid, "SIGKILL");
    await done;
    expect(experiment.view).toMatchObject({ status: "running", guest: { state: "died" } });
    expect(experiment.view.targets[0]?.alive).toBe(false);
    expect(experiment.view.steps[2]).toMatchObject({ state: "failed" });
    expect(await experiment.runStep({ kind: "boot" })).toBe(true);
    expect(experiment.view.guest).toMatchObject({ guest: 2, state: "up" });
    // Who waited for a command is told why, too, and not that a channel was closed.
    const command = experiment.runStep({ kind: "run", command: ["sleep", "600"], exitCode: 0, withinS: 600 });
    await expect.poll(() => experiment.view.steps.at(-1)?.commands.length).toBe(1);
    await experiment.exec(["true"]);
    for (const pid of qemus()) process.kill(pid, "SIGKILL");
    expect(await command).toBe(false);
    expect(experiment.view.steps.at(-1)?.error).toMatchObject({ code: "guest.died", hint: "boot again" });
    await experiment.end();
    expect(experiment.view).toMatchObject({ verdict: "fail" });
  });
});

describe("through a runner of its own process", () => {
  let runner: ChildProcess;
  const socketPath = () => join(dir, "runner.sock");

  async function startRunner(): Promise<void> {
    runner = spawn(process.execPath, ["--import", "tsx", mainPath], {
      cwd: repoRoot,
      // What stands by for others would be counted, too.
      env: { ...process.env, CRLAB_DATA: dir, CRLAB_SPARE_GUESTS: "0" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise<void>((resolve, reject) => {
      runner.stdout?.on("data", (text: Buffer) => text.includes("ready") && resolve());
      runner.once("exit", (code) => reject(new Error(`the runner exited with ${code}`)));
    });
  }
  const ended = (child: ChildProcess) => new Promise((resolve) => child.once("exit", resolve));

  it("serves terminals, and leaves an intact log and no guest when it is killed", async () => {
    await startRunner();
    const client = await connectTo(socketPath());
    const id = await client.create(true, [
      { kind: "boot", kernel: "base" },
      { kind: "start", workload: "counter" },
    ]);
    await client.ask({ type: "subscribe", experiment: id, since: 0 });
    await client.until(
      (m) => m.type === "events" && m.events.some((e) => e.type === "step.finished" && e.stepNo === 2),
    );

    let shown = "";
    const echoed = new Promise<void>((resolve) => {
      client.socket.on("message", (data: Buffer, isBinary) => {
        if (!isBinary) return;
        const frame = decodeTerminalFrame(data);
        if (typeof frame === "string") throw new Error(frame);
        shown += Buffer.from(frame.bytes).toString();
        if (shown.includes("product 42")) resolve();
      });
    });
    const opened = await client.ask({ type: "terminal.open", experiment: id, cols: 80, rows: 24 });
    if (opened.type !== "reply" || opened.terminal === undefined) throw new Error(JSON.stringify(opened));
    await client.ask({ type: "terminal.attach", experiment: id, terminal: opened.terminal, offset: 0 });
    client.type(id, opened.terminal, "echo product $((6 * 7))\n");
    await echoed;

    const left = qemus();
    expect(left).toHaveLength(1);
    const gone = ended(runner);
    runner.kill("SIGKILL");
    await gone;
    while (left.some(running)) await new Promise((resolve) => setTimeout(resolve, 20));

    await startRunner();
    const late = await connectTo(socketPath());
    await late.ask({ type: "subscribe", experiment: id, since: 0 });
    await late.until((m) => m.type === "events" && m.events.some((e) => e.type === "experiment.interrupted"));
    const stopped = ended(runner);
    runner.kill("SIGTERM");
    await stopped;

    const store = await openStore(dir, "a test");
    const log = await readEvents(store.db, id, { output: true });
    expect(log.map((e) => e.seq)).toEqual(log.map((_, i) => i + 1));
    expect(log.at(-1)?.type).toBe("experiment.interrupted");
    const output = await readOutput(store.db, id, 1, 0);
    expect(Buffer.concat(output.map((c) => c.bytes)).toString()).toContain("counter: ");
    await store.close();
  });
});
