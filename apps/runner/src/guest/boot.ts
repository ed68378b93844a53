/** Brings a guest up: from a saved state where there is one, else the long way, which then leaves a state behind. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join, posix } from "node:path";
import { z } from "zod";
import type { BuiltImage, BuiltKernel } from "../build/index.js";
import { chooseAccel } from "../vm/accel.js";
import { type ExtraDisk, type Hardware, type MachineSpec, type Mount, mountTag } from "../vm/command-line.js";
import { makeOverlay } from "../vm/disk.js";
import { GuestError } from "../vm/errors.js";
import { claimGuestDir } from "../vm/guest-dir.js";
import { hostTscKhz, qemuVersion } from "../vm/host.js";
import { Machine } from "../vm/machine.js";
import { findState, newStateDir, removeState, type SavedState, saveState, stateKey } from "../vm/state.js";
import { Guest } from "./guest.js";
import { LANE_BYTES } from "./lane.js";

export interface BootOptions {
  kernel: BuiltKernel;
  image: BuiltImage;
  memMiB: number;
  cpus: number;
  accel: "auto" | "kvm" | "tcg";
  mounts?: readonly Mount[];
  /** /dev/vdb. */
  extraDisk?: ExtraDisk;
  /** The guest's own folder; made here, removed when the guest ends (but not after a power cut). */
  dir: string;
  /** Boot the long way, and leave no state behind. */
  cold?: boolean;
  /** Boot again from the disk that a power cut left in `dir`. */
  reuseDisk?: boolean;
  /** It comes after everybody else on this host until this is fulfilled. */
  background?: Promise<void>;
  /** Wait for gdb on this port of loopback. */
  gdbPort?: number;
  /** Told what happens, a line at a time. */
  log?: (line: string) => void;
}

/** Generous: a debug kernel on a loaded host takes a while. */
const COLD_BOOT_LIMIT_MS = 180_000;
const WARM_BOOT_LIMIT_MS = 30_000;

const diskRecord = z.strictObject({ disks: z.array(z.string()).min(1) });

/** States being made by this process, so that two boots at once make one. */
const making = new Map<string, Promise<SavedState>>();

export async function bootGuest(options: BootOptions): Promise<Guest> {
  const began = performance.now();
  const verdict = await chooseAccel();
  if (options.accel === "kvm" && verdict.accel !== "kvm")
    throw new GuestError("no-kvm", `KVM does not work here: ${verdict.reason}`, "Use accel: auto or tcg.");
  const accel = options.accel === "auto" ? verdict.accel : options.accel;
  const mounts = options.mounts ?? [];
  for (const mount of mounts) checkMount(mount);
  const tscKhz = accel === "tcg" ? hostTscKhz() : undefined;
  const hardware: Hardware = {
    ...{ accel, memMiB: options.memMiB, cpus: options.cpus, mountCount: mounts.length },
    ...(tscKhz !== undefined && { tscKhz }),
    ...(options.extraDisk && { extraDisk: true }),
  };
  const version = await qemuVersion();
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  const boot = { options, hardware, mounts };
  const mayWarm = !options.cold && !options.reuseDisk && options.gdbPort === undefined;
  const guest =
    (mayWarm ? await tryWarm(boot, version) : undefined) ?? (await bootCold(boot, options.dir, options.kernel.bzImage));
  try {
    await guest.refresh();
    await mountAll(guest, mounts);
  } catch (error) {
    await guest.discard();
    throw error;
  }
  guest.watch();
  guest.bootMs = performance.now() - began;
  guest.fingerprint = {
    kernelVariant: options.kernel.variant,
    kernelRelease: options.kernel.release,
    kernelHash: options.kernel.kernelHash,
    configHash: options.kernel.configHash,
    ...(options.kernel.on === undefined
      ? {}
      : { kernelOn: options.kernel.on, kernelChanges: options.kernel.changes ?? [] }),
    imageHash: options.image.hash,
    qemuVersion: version,
    accel,
    accelReason: options.accel === "auto" ? verdict.reason : "as the manifest says",
    memMiB: options.memMiB,
    cpus: options.cpus,
  };
  return guest;
}

interface Boot {
  options: BootOptions;
  hardware: Hardware;
  mounts: readonly Mount[];
}

/** A clone of a saved guest; undefined, with the reason logged, if that does not work. */
async function tryWarm(boot: Boot, version: string): Promise<Guest | undefined> {
  const { kernel, image, log } = boot.options;
  const key = await stateKey({
    ...{ hardware: boot.hardware, kernel: kernel.bzImage, imageHash: image.hash, qemuVersion: version },
  });
  try {
    const state = findState(key) ?? (await makeState(boot, key));
    return await wake(boot, state);
  } catch (error) {
    removeState(key);
    log?.(`warm start failed, booting cold: ${(error as Error).message}`);
    return undefined;
  }
}

function makeState(boot: Boot, key: string): Promise<SavedState> {
  const running = making.get(key);
  if (running) return running;
  const made = (async () => {
    boot.options.log?.("first boot of this kernel and image: saving a state to start from");
    const dir = newStateDir();
    const guest = await bootCold(boot, dir, boot.options.kernel.bzImage, true);
    try {
      await warmUp(guest);
      // Nothing of the boot must still be on its way to the disk.
      await guest.exec(["sync"]);
      await saveState(guest.machine, dir, key);
    } catch (error) {
      await guest.discard();
      throw error;
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
    const state = findState(key);
    if (!state) throw new GuestError("state-failed", "the state was saved but is not there");
    return state;
  })().finally(() => making.delete(key));
  making.set(key, made);
  return made;
}

/** What experiments run first is in memory then: to read it from the disk takes an emulated guest longer than to start it. */
async function warmUp(guest: Guest): Promise<void> {
  const shell = await guest.openTerminal(["bash", "-ic", "true"], { cols: 80, rows: 24 });
  await shell.exited;
  shell.close();
  const programs = "bash sh mkdir cat kill mv readlink stat head tail checkpoint restart ckptinfo";
  const read = `cat /usr/lib/crlab/* /usr/lib/crlab/workloads/* $(command -v ${programs}) >/dev/null 2>&1; true`;
  await guest.exec(["sh", "-c", read]);
}

async function wake({ options, hardware, mounts }: Boot, state: SavedState): Promise<Guest> {
  const disks = [options.image.rootExt4, state.disk];
  const { extraDisk } = options;
  const spec = {
    ...{ hardware, kernel: options.kernel.bzImage, mounts, disks, state: state.memory },
    ...(extraDisk && { extraDisk }),
  };
  const guest = await start(options.dir, spec, { background: options.background });
  try {
    await guest.machine.wakeUp();
    await guest.ready(WARM_BOOT_LIMIT_MS);
    guest.how = "warm";
    return guest;
  } catch (error) {
    await guest.powerOffKeepingDir();
    throw error;
  }
}

/** `forState`: the folder is not the guest's to remove. */
async function bootCold(
  { options, hardware, mounts }: Boot,
  dir: string,
  kernel: string,
  forState = false,
): Promise<Guest> {
  const disks = options.reuseDisk && !forState ? recordedDisks(dir) : [options.image.rootExt4];
  const gdbPort = forState ? undefined : options.gdbPort;
  const { extraDisk } = options;
  const spec = {
    ...{ hardware, kernel, mounts, disks },
    ...(gdbPort !== undefined && { gdbPort }),
    ...(extraDisk && { extraDisk }),
  };
  const { background } = options;
  const reuseDisk = options.reuseDisk === true && !forState;
  const guest = await start(dir, spec, { reuseDisk, keepDir: forState, background });
  try {
    await guest.ready(gdbPort === undefined ? COLD_BOOT_LIMIT_MS : 24 * 3600 * 1000);
    return guest;
  } catch (error) {
    await guest.discard();
    throw error;
  }
}

async function start(
  dir: string,
  spec: Omit<MachineSpec, "overlay" | "lane">,
  how: { reuseDisk?: boolean; keepDir?: boolean; background?: Promise<void> | undefined },
): Promise<Guest> {
  const overlay = join(dir, "disk.qcow2");
  if (!how.reuseDisk) {
    rmSync(overlay, { force: true });
    await makeOverlay(overlay, spec.disks[0] ?? "");
    writeFileSync(join(dir, "disk.json"), JSON.stringify({ disks: spec.disks }));
  }
  const { lane, path } = await makeLane(dir);
  const machine = await Machine.start({ ...spec, overlay, lane: path }).catch(async (error: unknown) => {
    await lane.close();
    throw error;
  });
  if (how.background) {
    machine.inBackground(true);
    void how.background.then(() => machine.inBackground(false));
  }
  const guest = new Guest(machine, how.keepDir ? undefined : dir, lane);
  claimGuestDir(dir, machine.pid);
  try {
    await machine.qmp.negotiate();
  } catch {
    const { reason } = await guest.ended;
    throw new GuestError("qemu-died", reason, "Run `npm run -s crlab -- doctor`.");
  }
  return guest;
}

/** A file in which bulk data passes; it holds no more than a few moments' worth of it. */
async function makeLane(dir: string): Promise<{ lane: FileHandle; path: string }> {
  const path = join(dir, "lane");
  rmSync(path, { force: true });
  const lane = await open(path, "wx+", 0o600);
  await lane.truncate(LANE_BYTES);
  return { lane, path };
}

function recordedDisks(dir: string): string[] {
  const path = join(dir, "disk.json");
  if (!existsSync(path) || !existsSync(join(dir, "disk.qcow2")))
    throw new GuestError("no-disk", `there is no disk to boot again in ${dir}`);
  return diskRecord.parse(JSON.parse(readFileSync(path, "utf8"))).disks;
}

function checkMount({ hostDir, guestDir }: Mount): void {
  const found = statSync(hostDir, { throwIfNoEntry: false });
  if (!found?.isDirectory()) throw new GuestError("bad-mount", `${hostDir} is not a directory of this host`);
  if (!posix.isAbsolute(guestDir))
    throw new GuestError("bad-mount", `${guestDir} is not an absolute path in the guest`);
}

async function mountAll(guest: Guest, mounts: readonly Mount[]): Promise<void> {
  for (const [i, { hostDir, guestDir }] of mounts.entries()) {
    const options = "trans=virtio,version=9p2000.L,msize=512000,cache=none";
    const script = 'mkdir -p -- "$1" && mount -t 9p -o "$2" "$3" "$1"';
    const { exitCode, stderr } = await guest.exec(["sh", "-c", script, "sh", guestDir, options, mountTag(i)]);
    if (exitCode !== 0)
      throw new GuestError("mount-failed", `cannot mount ${hostDir} at ${guestDir}: ${stderr.toString().trim()}`);
  }
}
