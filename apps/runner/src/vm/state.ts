/** Saved guests to start from: memory and devices in one file, the disk under it in another. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { cacheDir, makeDir } from "../build/paths.js";
import { type Hardware, hardwareArguments, kernelArguments } from "./command-line.js";
import type { Machine } from "./machine.js";
import { QEMU_UID } from "./sandbox.js";

/** Bumped when saved states of before must not be used any more. */
const STATE_VERSION = 2;
/** More than this many are not kept: the ones unused for longest go. */
const STATES_KEPT = 12;

export interface SavedState {
  dir: string;
  /** What QEMU wrote. */
  memory: string;
  /** The guest's disk at that moment: a layer over the image. */
  disk: string;
}

export interface StateInputs {
  hardware: Hardware;
  kernel: string;
  imageHash: string;
  qemuVersion: string;
}

/** Everything a state depends on, as one name. */
export async function stateKey(inputs: StateInputs): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(inputs.kernel), hash, { end: false });
  const line = [...hardwareArguments(inputs.hardware), kernelArguments(inputs.hardware, false)];
  hash.update(JSON.stringify([STATE_VERSION, inputs.imageHash, inputs.qemuVersion, line]));
  return hash.digest("hex").slice(0, 24);
}

function statesDir(): string {
  return makeDir(cacheDir("states"));
}

export function findState(key: string): SavedState | undefined {
  const dir = join(statesDir(), key);
  if (!existsSync(dir)) return undefined;
  const now = new Date();
  utimesSync(dir, now, now);
  return { dir, memory: join(dir, "memory"), disk: join(dir, "disk.qcow2") };
}

export function removeState(key: string): void {
  rmSync(join(statesDir(), key), { recursive: true, force: true });
}

/** A place to boot the guest that is to be saved. */
export function newStateDir(): string {
  return mkdtempSync(join(statesDir(), ".new-"));
}

/** Saves the machine, whose disk is `dir/disk.qcow2`, ends it, and gives the state its name. */
export async function saveState(machine: Machine, dir: string, key: string): Promise<void> {
  await receiveState(join(dir, "memory"), (socketPath) => machine.saveState(socketPath));
  machine.kill();
  await machine.exited;
  const target = join(statesDir(), key);
  if (existsSync(target)) rmSync(dir, { recursive: true, force: true });
  else renameSync(dir, target);
  dropOldStates();
}

/** QEMU may not write where it likes: it sends the state, we write it. */
async function receiveState(path: string, send: (socketPath: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "crlab-state-"));
  const socketPath = join(dir, "socket");
  const server = createServer();
  try {
    const received = new Promise<void>((resolve, reject) => {
      server.once("connection", (socket) => {
        pipeline(socket, createWriteStream(path)).then(resolve, reject);
      });
      server.once("error", reject);
    });
    received.catch(() => undefined);
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    if (process.getuid?.() === 0) {
      chownSync(dir, QEMU_UID, QEMU_UID);
      chownSync(socketPath, QEMU_UID, QEMU_UID);
    }
    chmodSync(dir, 0o700);
    await send(socketPath);
    await received;
  } finally {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function dropOldStates(): void {
  const dir = statesDir();
  const states = readdirSync(dir)
    .filter((name) => !name.startsWith("."))
    .map((name) => ({ name, usedAt: statSync(join(dir, name)).mtimeMs }))
    .sort((a, b) => b.usedAt - a.usedAt);
  // Running guests hold the files open: for them nothing changes.
  for (const { name } of states.slice(STATES_KEPT)) rmSync(join(dir, name), { recursive: true, force: true });
  const dayAgo = Date.now() - 24 * 3600 * 1000;
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (name.startsWith(".new-") && statSync(path).mtimeMs < dayAgo) rmSync(path, { recursive: true, force: true });
  }
}
