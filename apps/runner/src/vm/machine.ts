/** QEMU as a child process. It never outlives this process: the kernel kills it when we go. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import type { Duplex, Readable } from "node:stream";
import { AGENT_FD, commandLine, type MachineSpec, QMP_FD, SERIAL_FD } from "./command-line.js";
import { GuestError } from "./errors.js";
import { Qmp } from "./qmp.js";
import { setprivCommand } from "./sandbox.js";

export const QEMU = "qemu-system-x86_64";
const STDERR_KEPT = 4096;

export interface MachineExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The end of what QEMU wrote to stderr. */
  stderr: string;
  /** QEMU's own word for the shutdown, e.g. `guest-reset`, if it had one. */
  shutdown: string | undefined;
}

export class Machine {
  readonly qmp: Qmp;
  readonly agent: Duplex;
  readonly serial: Duplex;
  readonly pid: number;
  readonly exited: Promise<MachineExit>;
  /** Stopped by us, or by a debugger: not a hang. */
  paused = false;

  private constructor(
    private readonly child: ChildProcess,
    pid: number,
    private readonly stateFd: number | undefined,
  ) {
    this.pid = pid;
    this.qmp = new Qmp(duplex(child, QMP_FD));
    this.agent = duplex(child, AGENT_FD);
    this.serial = duplex(child, SERIAL_FD);
    let stderr = "";
    let shutdown: string | undefined;
    (child.stderr as Readable).setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-STDERR_KEPT);
    });
    this.qmp.onEvent((name, data) => {
      if (name === "SHUTDOWN") shutdown = String(data.reason ?? "");
      if (name === "STOP") this.paused = true;
      if (name === "RESUME") this.paused = false;
    });
    this.exited = new Promise((resolve) => {
      child.once("close", (code, signal) => resolve({ code, signal, stderr: stderr.trim(), shutdown }));
    });
  }

  static async start(spec: MachineSpec): Promise<Machine> {
    const { args, files, stateFd } = commandLine(spec);
    const fds: number[] = [];
    try {
      for (const file of files) fds.push(openFile(file.path, file.writable));
      const [command = "", ...prefix] = setprivCommand(process.getuid?.() === 0);
      const child = spawn(command, [...prefix, QEMU, ...args], {
        stdio: ["ignore", "ignore", "pipe", "pipe", "pipe", "pipe", ...fds],
        env: { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C" },
        cwd: "/",
        // Ctrl-C in our terminal is for us.
        detached: true,
      });
      await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", (error) =>
          reject(new GuestError("qemu-missing", `cannot start ${command}: ${error.message}`, "Run `npm start` once.")),
        );
      });
      return new Machine(child, child.pid ?? 0, stateFd);
    } finally {
      for (const fd of fds) closeSync(fd);
    }
  }

  /** Loads the saved state; the guest then runs on from there. */
  async wakeUp(): Promise<void> {
    const loaded = this.#migrated("loading the saved state");
    await this.qmp.execute("migrate-set-capabilities", { capabilities: [{ capability: "events", state: true }] });
    await this.qmp.execute("migrate-incoming", { uri: `fd:${this.stateFd}` });
    await loaded;
    await this.qmp.execute("cont");
  }

  /** Stops the guest and writes its state to a UNIX socket at which somebody listens. */
  async saveState(socketPath: string): Promise<void> {
    await this.qmp.execute("stop");
    const saved = this.#migrated("saving the state");
    await this.qmp.execute("migrate-set-capabilities", { capabilities: [{ capability: "events", state: true }] });
    await this.qmp.execute("migrate-set-parameters", { "max-bandwidth": 2 ** 40 });
    await this.qmp.execute("migrate", { uri: `unix:${socketPath}` });
    await saved;
  }

  /**
   * In the background it has what others leave of the CPUs. A process that may not take that back leaves it as it is. Each
   * machine leads a session, and where sessions share the CPUs, the session's weight is what counts.
   */
  inBackground(background: boolean): void {
    if (process.getuid?.() !== 0) return;
    const nice = background ? 19 : 0;
    try {
      writeFileSync(`/proc/${this.pid}/autogroup`, `${nice}`);
    } catch {
      // This host's kernel does not group by session.
    }
    try {
      for (const task of readdirSync(`/proc/${this.pid}/task`)) setPriority(Number(task), nice);
    } catch {
      // It has just ended.
    }
  }

  /** Like pulling the plug. */
  kill(): void {
    this.child.kill("SIGKILL");
  }

  /**
   * Nanoseconds that QEMU's threads have been ready to run and did not get a CPU: the longest of them.
   * A guest that waits for its host is not hung.
   */
  waitedForCpuNs(): number {
    try {
      const dir = `/proc/${this.pid}/task`;
      const waits = readdirSync(dir).map((task) =>
        Number(readFileSync(`${dir}/${task}/schedstat`, "utf8").split(" ")[1] ?? 0),
      );
      return Math.max(0, ...waits);
    } catch {
      return 0;
    }
  }

  #migrated(what: string): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      const off = this.qmp.onEvent((name, data) => {
        if (name !== "MIGRATION") return;
        if (data.status === "completed") {
          off();
          resolve();
        } else if (data.status === "failed") {
          off();
          reject(new GuestError("state-failed", `${what} failed`));
        }
      });
      void this.exited.then(({ stderr }) => reject(new GuestError("state-failed", `${what}: QEMU ended: ${stderr}`)));
    });
    done.catch(() => undefined);
    return done;
  }
}

function openFile(path: string, writable: boolean): number {
  try {
    return openSync(path, writable ? constants.O_RDWR : constants.O_RDONLY);
  } catch (error) {
    throw new GuestError("file-missing", `cannot open ${path}: ${(error as Error).message}`);
  }
}

/** Descriptors above 2 that Node makes as pipes are sockets, both ways. */
function duplex(child: ChildProcess, fd: number): Duplex {
  return child.stdio[fd] as unknown as Duplex;
}
