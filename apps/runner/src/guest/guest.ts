/** A running guest: commands, terminals, files, console, and how it ended. */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { Fingerprint } from "@crlab/shared";
import { type Cost, costOf } from "../vm/cost.js";
import { GuestError } from "../vm/errors.js";
import type { Machine } from "../vm/machine.js";
import { GuestChannel, OUTPUT_WINDOW } from "./channel.js";
import { Channel, FrameType, u32, u64, wireString, wireStrings } from "./frames.js";
import { Lane } from "./lane.js";
import { SerialConsole } from "./serial.js";
import { type ProcessEnd, Terminal, type TerminalOptions } from "./terminal.js";

export { GuestError } from "../vm/errors.js";
export { type BootOptions, bootGuest } from "./boot.js";
export type { ProcessEnd, Terminal } from "./terminal.js";

export interface ExecOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Given at once, or piece by piece. Default: nothing, at its end. */
  stdin?: Uint8Array | AsyncIterable<Uint8Array>;
  /** The command and its group are killed after this. */
  timeoutMs?: number;
  /** Kills the command and its group. */
  abort?: AbortSignal;
  /** Told of output as it comes. A promise holds the command back until it is fulfilled. */
  onStdout?: (bytes: Buffer) => void | Promise<void>;
  /** Nothing more comes, though the command may still run. */
  onStdoutEnd?: () => void;
  onStderr?: (bytes: Buffer) => void | Promise<void>;
  /** At most this much of each is kept in the result (default 16 MiB); the rest only passes by. */
  maxBufferBytes?: number;
}

export interface ExecResult extends ProcessEnd {
  stdout: Buffer;
  stderr: Buffer;
  /** Output was longer than what is kept. */
  truncated: boolean;
}

export interface GuestEnd {
  how: "stopped" | "died" | "hung";
  reason: string;
}

const DEFAULT_ENV = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/crlab/workloads:/usr/lib/crlab/selftests",
  HOME: "/root",
  USER: "root",
  SHELL: "/bin/bash",
  LANG: "C.UTF-8",
  TERM: "xterm-256color",
};

const PING_EVERY_MS = 2000;
const HUNG_AFTER_MS = 10_000;
const STOP_WITHIN_MS = 5000;
const DEFAULT_MAX_BUFFER = 16 * 1024 * 1024;

export class Guest {
  readonly serial: SerialConsole;
  readonly ended: Promise<GuestEnd>;
  readonly channel: GuestChannel;
  /** For bulk data. */
  readonly lane: Lane;
  /** Filled in by `bootGuest`. */
  fingerprint!: Fingerprint;
  how: "warm" | "cold" | "spare" = "cold";
  bootMs = 0;
  #standingBy: { argv: readonly string[]; terminal: Terminal } | undefined;
  #end: (end: GuestEnd) => void = () => undefined;
  #expected: string | undefined;
  #hung: string | undefined;
  #keepDir = false;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(
    /** For those who boot and save guests. */
    readonly machine: Machine,
    private readonly dir: string | undefined,
    laneFile: FileHandle,
  ) {
    this.serial = new SerialConsole(machine.serial);
    this.channel = new GuestChannel(machine.agent);
    this.lane = new Lane((argv, options) => this.exec(argv, options), laneFile);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    void this.channel.broken.then(() => machine.kill());
    void machine.exited.then((exit) => {
      clearInterval(this.#watchdog);
      const end = this.#describeEnd(exit);
      this.channel.fail(end.reason);
      void laneFile.close();
      if (this.dir !== undefined && !this.#keepDir) rmSync(this.dir, { recursive: true, force: true });
      this.#end(end);
    });
  }

  get qemuPid(): number {
    return this.machine.pid;
  }

  /** Lines on the console by which the kernel reported a bug of its own. */
  get problems(): readonly string[] {
    return this.serial.problems;
  }

  onSerial(receive: (text: string) => void): () => void {
    return this.serial.onText(receive);
  }

  /** Waits until the guest answers. */
  async ready(withinMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new GuestError(
          "boot-timeout",
          `the guest was not up after ${withinMs / 1000} s`,
          this.serial.lastLines(10),
        );
        reject(error);
      }, withinMs);
    });
    try {
      await Promise.race([this.channel.hello(), late]);
    } catch (error) {
      if (error instanceof GuestError && error.code === "guest-gone") {
        // Why it has gone is known once QEMU has ended.
        const { reason } = await this.ended;
        throw new GuestError("boot-failed", reason, this.serial.lastLines(20));
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** From now on a guest that does not answer is hung. */
  watch(): void {
    let tick = performance.now();
    let heard = this.channel.lastHeardMs;
    let waitedNs = this.machine.waitedForCpuNs();
    let stolenMs = 0;
    this.#watchdog = setInterval(() => {
      const now = performance.now();
      const lateMs = Math.max(0, now - tick - PING_EVERY_MS);
      tick = now;
      if (this.channel.lastHeardMs !== heard || this.machine.paused) {
        heard = this.channel.lastHeardMs;
        if (this.machine.paused) this.channel.lastHeardMs = heard = now;
        waitedNs = this.machine.waitedForCpuNs();
        stolenMs = 0;
      }
      // Time in which we, or QEMU, did not get a CPU says nothing about the guest.
      stolenMs += lateMs;
      const silentMs = now - heard - stolenMs - (this.machine.waitedForCpuNs() - waitedNs) / 1e6;
      if (silentMs >= HUNG_AFTER_MS) {
        this.#hung = `the guest has not answered for ${Math.round((now - heard) / 1000)} s`;
        this.machine.kill();
      } else if (!this.machine.paused) {
        this.channel.ping();
      }
    }, PING_EVERY_MS);
    this.#watchdog.unref();
  }

  exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return new Promise((resolve, reject) => {
      const kept: Buffer[][] = [[], [], []];
      const keptBytes = [0, 0, 0];
      const limit = options.maxBufferBytes ?? DEFAULT_MAX_BUFFER;
      let truncated = false;
      let timer: NodeJS.Timeout | undefined;
      const delivered: Promise<void>[] = [Promise.resolve(), Promise.resolve(), Promise.resolve()];
      const kill = (why: GuestError) => () => {
        stream.close();
        finish();
        reject(why);
      };
      const abort = kill(new GuestError("aborted", `${argv[0]} was aborted`));
      const finish = () => {
        clearTimeout(timer);
        options.abort?.removeEventListener("abort", abort);
      };
      const stream = this.channel.open(FrameType.exec, this.#command(argv, options), {
        onStarted: () =>
          // Input that fails ends early.
          void this.#feed(
            options.stdin,
            (bytes) => stream.send(bytes),
            () => stream.end(),
          ).catch(() => undefined),
        onData: (channel, bytes) => {
          const room = limit - (keptBytes[channel] ?? 0);
          if (bytes.length > room) truncated = true;
          const part = bytes.subarray(0, room);
          keptBytes[channel] = (keptBytes[channel] ?? 0) + part.length;
          if (part.length > 0) kept[channel]?.push(part);
          const receive = channel === Channel.errors ? options.onStderr : options.onStdout;
          delivered[channel] = (delivered[channel] ?? Promise.resolve())
            .then(() => receive?.(bytes))
            .catch(() => undefined)
            .then(() => stream.consumed(channel, bytes.length));
        },
        onEof: (channel) => {
          if (channel === Channel.output) void delivered[channel]?.then(() => options.onStdoutEnd?.());
        },
        onExited: (exitCode, signal) => {
          stream.over();
          finish();
          const [, stdout = Buffer.alloc(0), stderr = Buffer.alloc(0)] = kept.map((parts) => Buffer.concat(parts));
          void Promise.all(delivered).then(() => resolve({ exitCode, signal, stdout, stderr, truncated }));
        },
        onError: (error) => {
          finish();
          reject(error);
        },
      });
      const { timeoutMs } = options;
      if (timeoutMs !== undefined)
        timer = setTimeout(
          kill(new GuestError("timeout", `${argv[0]} ran longer than ${timeoutMs / 1000} s`)),
          timeoutMs,
        );
      if (options.abort?.aborted) abort();
      options.abort?.addEventListener("abort", abort);
    });
  }

  async openTerminal(argv: readonly string[], options: TerminalOptions): Promise<Terminal> {
    const ready = this.#takeStandingBy(argv, options);
    if (ready) return ready;
    return Terminal.open(this.channel, argv, { ...DEFAULT_ENV, ...options.env }, options);
  }

  readFile(path: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const parts: Buffer[] = [];
      const payload = Buffer.concat([u32(OUTPUT_WINDOW), wireString(path)]);
      const stream = this.channel.open(FrameType.readFile, payload, {
        onData: (channel, bytes) => {
          parts.push(bytes);
          stream.consumed(channel, bytes.length);
        },
        onDone: () => resolve(Buffer.concat(parts)),
        onError: reject,
      });
    });
  }

  writeFile(path: string, data: Uint8Array | string, mode = 0o644): Promise<void> {
    return new Promise((resolve, reject) => {
      const bytes = typeof data === "string" ? Buffer.from(data) : data;
      const payload = Buffer.concat([u32(mode), wireString(path)]);
      const stream = this.channel.open(FrameType.writeFile, payload, { onDone: resolve, onError: reject });
      void (async () => {
        for (let at = 0; at < bytes.length; at += 1024 * 1024) await stream.send(bytes.subarray(at, at + 1024 * 1024));
        stream.end();
      })();
    });
  }

  /** Sends a signal to a process, or (negative) to a process group of the guest. */
  async signal(pid: number, signal: number): Promise<void> {
    await this.channel.request(FrameType.signal, Buffer.concat([u32(pid), u32(signal)]));
  }

  /** Fulfilled when a process of the guest has ended; how is known only if it was the init's child. */
  processEnded(pid: number): Promise<ProcessEnd> {
    return new Promise((resolve, reject) => {
      const stream = this.channel.open(FrameType.watch, u32(pid), {
        onExited: (exitCode, signal) => {
          stream.over();
          resolve({ exitCode, signal });
        },
        onError: reject,
      });
    });
  }

  /** After waking up: the right time, and random numbers that no other clone has. */
  async refresh(): Promise<void> {
    await this.channel.request(FrameType.addEntropy, randomBytes(32));
    await this.channel.request(FrameType.setClock, u64(BigInt(Date.now()) * 1_000_000n));
  }

  #takeStandingBy(argv: readonly string[], { cols, rows, env, cwd }: TerminalOptions): Terminal | undefined {
    const { argv: started, terminal } = this.#standingBy ?? {};
    if (!terminal || env || cwd || JSON.stringify(started) !== JSON.stringify(argv)) return undefined;
    this.#standingBy = undefined;
    terminal.resize(cols, rows);
    return terminal;
  }

  /** Opens a terminal for whoever first asks for one with this command; then its time stands still. */
  async standBy(argv: readonly string[], size: { cols: number; rows: number }): Promise<void> {
    const terminal = await this.openTerminal(argv, size);
    await terminal.said();
    this.#standingBy = { argv, terminal };
    void terminal.exited.then(() => {
      if (this.#standingBy?.terminal === terminal) this.#standingBy = undefined;
    });
    await this.suspend();
  }

  /** One that stood by goes on. */
  async takeUp(): Promise<void> {
    const began = performance.now();
    this.machine.inBackground(false);
    await this.resume();
    this.how = "spare";
    this.bootMs = performance.now() - began;
  }

  /** Its time stands still; what it holds stays. */
  async suspend(): Promise<void> {
    await this.machine.qmp.execute("stop");
  }

  /** It goes on, and learns what time it is. */
  async resume(): Promise<void> {
    await this.machine.qmp.execute("cont");
    await this.refresh();
  }

  cost(): Cost | undefined {
    return costOf(this.qemuPid);
  }

  /** Shuts the guest down in order; by force if it takes too long. */
  async stop(): Promise<void> {
    this.#expected ??= "stopped on request";
    this.channel.request(FrameType.shutdown).catch(() => undefined);
    const timer = setTimeout(() => this.machine.kill(), STOP_WITHIN_MS);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends a guest nobody needs any more: at once, nothing is written back. */
  async discard(): Promise<void> {
    this.#expected ??= "discarded";
    this.machine.kill();
    await this.ended;
  }

  /** Pulls the plug. The disk stays as it is, to be booted again with `reuseDisk`. */
  async powerCut(): Promise<void> {
    this.#expected ??= "the power was cut";
    this.#keepDir = true;
    this.machine.kill();
    await this.ended;
  }

  /** Shuts it down, or pulls its plug; answers the folder in which its disk stays. */
  async halt(how: "shutdown" | "power cut"): Promise<string> {
    if (this.dir === undefined) throw new GuestError("no-disk", "this guest has no folder of its own");
    this.#keepDir = true;
    await (how === "power cut" ? this.powerCut() : this.stop());
    return this.dir;
  }

  /** For a start that is to be tried again in the same folder. */
  async powerOffKeepingDir(): Promise<void> {
    this.#keepDir = true;
    await this.discard();
  }

  #command(argv: readonly string[], options: ExecOptions): Buffer {
    const env = Object.entries({ ...DEFAULT_ENV, ...options.env }).map(([name, value]) => `${name}=${value}`);
    return Buffer.concat([
      ...[u32(OUTPUT_WINDOW), u32(OUTPUT_WINDOW), wireString(options.cwd ?? "")],
      ...[wireStrings(argv), wireStrings(env)],
    ]);
  }

  async #feed(stdin: ExecOptions["stdin"], send: (bytes: Uint8Array) => Promise<void>, end: () => void): Promise<void> {
    try {
      if (stdin instanceof Uint8Array) {
        for (let at = 0; at < stdin.length; at += 1024 * 1024) await send(stdin.subarray(at, at + 1024 * 1024));
      } else if (stdin !== undefined) {
        for await (const bytes of stdin) await send(bytes);
      }
    } finally {
      end();
    }
  }

  #describeEnd({ code, signal, stderr, shutdown }: Awaited<Machine["exited"]>): GuestEnd {
    if (this.#hung !== undefined) return { how: "hung", reason: this.#hung };
    if (this.#expected !== undefined) return { how: "stopped", reason: this.#expected };
    const panic = this.serial.text.match(/Kernel panic - not syncing: .*/)?.[0];
    if (panic !== undefined) return { how: "died", reason: panic.trim() };
    if (shutdown === "guest-shutdown") return { how: "stopped", reason: "the guest switched itself off" };
    if (shutdown === "guest-reset") return { how: "died", reason: "the guest reset itself" };
    const how = signal === null ? `exited with ${code}` : `was killed by ${signal}`;
    return { how: "died", reason: `QEMU ${how}${stderr === "" ? "" : `: ${stderr.split("\n").at(-1)}`}` };
  }
}
