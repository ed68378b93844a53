/** What an experiment needs of a guest; `guest/` provides it. */
import type { Fingerprint, Manifest } from "@crlab/shared";

export interface ExecOptions {
  cwd?: string;
  env?: Record<string, string>;
  timeoutMs?: number;
  /** Given piece by piece. Default: nothing, at its end. */
  stdin?: AsyncIterable<Uint8Array>;
  /** Told of output as it comes. A promise holds the command back until it is fulfilled. */
  onStdout?: (bytes: Buffer) => void | Promise<void>;
  /** Nothing more comes, though the command may still run. */
  onStdoutEnd?: () => void;
  /** At most this much of each is kept in the result. */
  maxBufferBytes?: number;
}

export interface ExecResult {
  exitCode: number | null;
  signal: number | string | null;
  stdout: Buffer;
  stderr: Buffer;
}

export interface GuestTerminal {
  readonly pid: number;
  /** e.g. `/dev/pts/0`. */
  readonly path: string;
  write(bytes: Uint8Array): void;
  resize(cols: number, rows: number): void;
  onData(receive: (bytes: Buffer) => void): void;
  pause(): void;
  resume(): void;
  /** The first process has ended; the terminal itself stays until `close`. */
  readonly exited: Promise<{ exitCode: number | null; signal: number | string | null }>;
  close(): void;
}

export interface GuestEnd {
  how: "stopped" | "died" | "hung";
  reason: string;
}

/** Bulk data, faster than through `exec`. */
export interface GuestLane {
  /** Runs a command whose standard output comes this way, and not in the result. */
  run(
    argv: readonly string[],
    options: {
      /** Text for the command's standard input. */
      words?: AsyncIterable<string>;
      onBytes: (bytes: Buffer) => void | Promise<void>;
      onEnd?: () => void;
      maxBufferBytes?: number;
    },
  ): Promise<ExecResult>;
  /** Makes a file of what comes. */
  write(path: string, source: AsyncIterable<Uint8Array>): Promise<ExecResult>;
}

/** From a saved state; the long way; or it was up already and stood by. */
export type BootedHow = "warm" | "cold" | "spare";

export interface GuestPort {
  readonly fingerprint: Fingerprint;
  readonly how: BootedHow;
  readonly bootMs: number;
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  readonly lane: GuestLane;
  openTerminal(argv: readonly string[], size: { cols: number; rows: number }): Promise<GuestTerminal>;
  /** Text of the serial console, where the kernel logs: what came so far, and what comes. */
  readonly serial: { readonly text: string };
  onSerial(receive: (text: string) => void): void;
  suspend(): Promise<void>;
  resume(): Promise<void>;
  /** Starts a command on a terminal for whoever first asks for one with it, and suspends the guest. */
  standBy(argv: readonly string[], size: { cols: number; rows: number }): Promise<void>;
  /** One that stands by goes on, for somebody. */
  takeUp(): Promise<void>;
  /** What it has taken of this machine; undefined once it is gone. */
  cost(): { cpuMs: number; rssBytes: number } | undefined;
  readonly ended: Promise<GuestEnd>;
  /** Shuts it down, or pulls its plug. What it answers can be booted again. */
  halt(how: "shutdown" | "power cut"): Promise<KeptDisk>;
  stop(): Promise<void>;
  /** Ends it at once. */
  discard(): Promise<void>;
}

/** Where a guest's disk was left. */
export type KeptDisk = string;

export interface BootHow {
  /** What an earlier guest has left; else it has a disk of its own. */
  disk?: KeptDisk;
  /** Not one that stood by: nothing but its boot has happened in it. */
  fresh?: boolean;
  /** Nobody waits for it until this is fulfilled. */
  background?: Promise<void>;
}

/** Boots a guest as the manifest says; fails with a `StepError`. */
export type BootGuest = (manifest: Manifest, experimentId: string, how?: BootHow) => Promise<GuestPort>;
