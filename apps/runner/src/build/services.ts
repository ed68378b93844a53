/** Runner and console as child processes that start, and end, together. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hostInUrl } from "./access.js";
import { BuildError } from "./errors.js";
import { dataDir, repoRoot } from "./paths.js";

/** How long a service may take to end by itself when asked to. */
const GRACE_MS = 10_000;

export interface Service {
  name: string;
  /** Script and its arguments, relative to the checkout. */
  script: readonly [string, ...string[]];
  /** Run again when a source file changes. */
  watch?: boolean;
  env?: Record<string, string>;
}

export const runnerService: Service = { name: "runner", script: ["apps/runner/src/main.ts"] };
export const consoleService: Service = {
  name: "console",
  script: ["apps/web/server.ts"],
  env: { NODE_ENV: "production" },
};

/** Answers when the runner takes connections, or fails when `gone` says so first. */
export async function runnerReady(gone: AbortSignal): Promise<void> {
  while (!gone.aborted) {
    if (existsSync(dataDir("runner.sock")) && (await accepts(dataDir("runner.sock")))) return;
    await sleep(100);
  }
}

/** Answers when somebody listens on the port. */
export async function portReady(port: number, host: string, gone: AbortSignal): Promise<void> {
  const reached = hostInUrl(host).replace(/^\[|\]$/g, "");
  while (!gone.aborted && !(await accepts({ port, host: reached }))) await sleep(100);
}

function accepts(where: string | { port: number; host: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = typeof where === "string" ? connect(where) : connect(where);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** A set of services: when one ends, or somebody asks, all end. */
export class Services {
  readonly #children = new Map<string, ChildProcess>();
  readonly #gone = new AbortController();
  #stopping = false;
  #failure: string | undefined;
  #ended: () => void = () => undefined;
  /** Fulfilled when every service has ended; with what went wrong, if one ended unasked. */
  readonly ended: Promise<string | undefined>;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#ended = () => resolve(this.#failure);
    });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => this.stop());
  }

  /** Aborted as soon as the services are on their way out. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  start(service: Service): void {
    const [script, ...args] = service.script;
    // A group of its own: Ctrl-C reaches only us, and we ask each service once.
    const tsx = join(repoRoot, "node_modules/tsx/dist/cli.mjs");
    const argv = service.watch
      ? [tsx, "watch", "--clear-screen=false", join(repoRoot, script), ...args]
      : ["--import", import.meta.resolve("tsx"), join(repoRoot, script), ...args];
    // However we end, the services end too.
    const child = spawn("setpriv", ["--pdeathsig", "TERM", process.execPath, ...argv], {
      cwd: repoRoot,
      env: { ...process.env, ...service.env },
      stdio: ["ignore", "inherit", "inherit"],
      detached: true,
    });
    this.#children.set(service.name, child);
    child.once("error", (error) => this.#end(service.name, `cannot start the ${service.name}: ${error.message}`));
    child.once("exit", (code, signal) =>
      this.#end(
        service.name,
        `the ${service.name} ended by itself (${signal ?? `exit ${code}`}); its output above says why`,
      ),
    );
  }

  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#gone.abort();
    for (const child of this.#children.values()) child.kill("SIGTERM");
    setTimeout(() => {
      for (const child of this.#children.values()) child.kill("SIGKILL");
    }, GRACE_MS).unref();
    if (this.#children.size === 0) this.#ended();
  }

  #end(name: string, how: string): void {
    this.#children.delete(name);
    if (!this.#stopping) this.#failure = how;
    this.stop();
    if (this.#children.size === 0) this.#ended();
  }

  /** Waits for the end; an unasked one is an error. */
  async wait(): Promise<void> {
    const failure = await this.ended;
    if (failure) throw new BuildError(failure);
  }
}
