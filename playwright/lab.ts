/** A lab of its own for the tests: runner and console on a free port, with a data directory that goes with them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { reportNames } from "../apps/runner/src/bench/reports.js";
import { dataDir } from "../apps/runner/src/build/paths.js";
import { databasePath, openDatabase } from "../apps/runner/src/store/database.js";

const root = fileURLToPath(new URL("..", import.meta.url));

export interface TestLab {
  url: string;
  /** What a console asks for that listens on more than loopback. */
  token: string;
  data: string;
  runnerPid(): number;
  /** As a crash ends it: no signal it could answer. */
  killRunner(): Promise<void>;
  startRunner(): Promise<void>;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

/** Starts a service and waits for the line that says it is ready. */
async function service(script: string, ready: RegExp, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--import", "tsx", join(root, script)], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
      if (ready.test(output)) resolve();
    });
    child.once("exit", (code) => reject(new Error(`${script} ended with ${code} before it was ready:\n${output}`)));
  });
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}

/** The latest figures of this machine's benches are shown in a lab of its own, if there are any. */
export function lendFigures(data: string): void {
  const [latest] = reportNames();
  if (latest === undefined) return;
  mkdirSync(join(data, "bench"), { recursive: true });
  copyFileSync(dataDir("bench", `${latest}.json`), join(data, "bench", `${latest}.json`));
}

interface LabOptions {
  /** Where it keeps what it keeps; else in a directory of its own. */
  data?: string;
  host?: string;
  env?: Record<string, string>;
  /** Is given the path of an empty database before the lab opens it. */
  prepare?: (database: string) => Promise<void>;
}

export async function startLab(options: LabOptions = {}): Promise<TestLab> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), "crlab-e2e-"));
  const port = await freePort();
  const env = {
    CRLAB_DATA: data,
    CRLAB_PORT: String(port),
    NODE_ENV: "production",
    CRLAB_HOST: options.host ?? "127.0.0.1",
    ...options.env,
  };
  if (options.prepare) {
    (await openDatabase(data)).$client.close();
    await options.prepare(databasePath(data));
  }
  const startRunner = () => service("apps/runner/src/main.ts", /runner: ready/, env);
  let runner = await startRunner();
  const console_ = await service("apps/web/server.ts", /console: http/, env).catch(async (error: unknown) => {
    await end(runner);
    throw error;
  });
  return {
    url: `http://127.0.0.1:${port}`,
    token: options.host === undefined ? "" : readFileSync(join(data, "access.token"), "utf8").trim(),
    data,
    runnerPid: () => runner.pid ?? 0,
    killRunner: () => end(runner, "SIGKILL"),
    startRunner: async () => {
      runner = await startRunner();
    },
    stop: async () => {
      await end(console_);
      await end(runner);
      rmSync(data, { recursive: true, force: true });
    },
  };
}
