/** QEMU's command line. QEMU gets open files, not paths: it needs no right to look around in the host's. */
import { SECCOMP } from "./sandbox.js";

/** A host directory that the guest mounts by 9p. */
export interface Mount {
  hostDir: string;
  guestDir: string;
}

/** A second disk, /dev/vdb. What the guest has not flushed to it may be lost when QEMU is killed, as by a power cut. */
export interface ExtraDisk {
  /** A read-only raw file under the layer; without it, `file` is raw itself. */
  base?: string;
  /** What is written to: a qcow2 layer over `base`, or a raw file. */
  file: string;
}

/** What the guest sees. Two guests with equal hardware can share a saved state. */
export interface Hardware {
  accel: "kvm" | "tcg";
  memMiB: number;
  cpus: number;
  mountCount: number;
  extraDisk?: boolean;
  /** Frequency of the host's TSC, where known: spares the guest a calibration that fails on loaded hosts. */
  tscKhz?: number;
}

export interface MachineSpec {
  hardware: Hardware;
  kernel: string;
  /** Read-only files under the guest's disk, lowest first; the first is raw, the others qcow2. */
  disks: readonly string[];
  /** The guest's own writable layer. */
  overlay: string;
  mounts: readonly Mount[];
  extraDisk?: ExtraDisk;
  /** A raw file through which the guest and we exchange bulk data. */
  lane: string;
  /** A saved state to wake up from. */
  state?: string;
  /** TCP port on loopback for gdb; the guest then waits for it. */
  gdbPort?: number;
}

export interface OpenFile {
  path: string;
  writable: boolean;
}

export interface CommandLine {
  args: string[];
  /** To be opened and passed, in this order, from FIRST_FILE_FD on. */
  files: OpenFile[];
  /** The descriptor of the saved state. */
  stateFd?: number;
}

/** Descriptors of the child: stderr 2, then one socket each. */
export const QMP_FD = 3;
export const AGENT_FD = 4;
export const SERIAL_FD = 5;
export const FIRST_FILE_FD = 6;

const AGENT_PORT = "crlab.agent";
const LANE_SERIAL = "crlab-lane";
/** Those of the other disks count up from 1. */
const LANE_FDSET = 100;

export function mountTag(index: number): string {
  return `crlab${index}`;
}

/** The kernel's command line. `panic=-1`: a panic resets at once, and a reset ends QEMU. */
export function kernelArguments(hardware: Hardware, gdb: boolean): string {
  const words = [
    "console=ttyS0",
    "root=/dev/vda",
    "rootfstype=ext4",
    "rw",
    "init=/sbin/init",
    "panic=-1",
    "loglevel=6",
  ];
  words.push("tsc=reliable", "no_timer_check", "random.trust_cpu=on");
  if (hardware.tscKhz !== undefined) words.push(`tsc_early_khz=${hardware.tscKhz}`);
  if (gdb) words.push("nokaslr");
  return words.join(" ");
}

/**
 * String instructions crawl under TCG. Without ERMS the kernel does not copy by `rep movsb`; and of an Opteron of this
 * model and stepping it does not think that `rep movsq` copies pages, or `rep stosq` clears them, faster than a loop.
 */
const TCG_CPU = "max,-erms,model=4,stepping=0";

/** The part of the command line that a saved state depends on. */
export function hardwareArguments(hardware: Hardware): string[] {
  const accel =
    hardware.accel === "kvm" ? ["-accel", "kvm", "-cpu", "host"] : ["-accel", "tcg,thread=multi", "-cpu", TCG_CPU];
  return [
    ...["-machine", "q35,vmport=off,hpet=on,smbus=off", ...accel],
    ...["-m", `${hardware.memMiB}`, "-smp", `${hardware.cpus}`],
    ...["-nodefaults", "-no-user-config", "-nographic", "-no-reboot"],
    ...["-rtc", "base=utc", "-device", "vmgenid,guid=auto"],
    ...["-chardev", `socket,id=serial,fd=${SERIAL_FD}`, "-serial", "chardev:serial"],
    ...["-chardev", `socket,id=agent,fd=${AGENT_FD}`, "-device", "virtio-serial-pci,max_ports=4"],
    ...["-device", `virtserialport,chardev=agent,name=${AGENT_PORT}`],
    ...["-device", "virtio-rng-pci"],
    ...["-device", "virtio-blk-pci,drive=disk"],
    ...(hardware.extraDisk ? ["-device", "virtio-blk-pci,drive=extra"] : []),
    ...["-device", `virtio-blk-pci,drive=lane,serial=${LANE_SERIAL}`],
    ...Array.from({ length: hardware.mountCount }, (_, i) => i).flatMap((i) => [
      "-device",
      `virtio-9p-pci,fsdev=mount${i},mount_tag=${mountTag(i)}`,
    ]),
  ];
}

/** Its flushes are real ones; what a qcow2 layer has only in QEMU's memory before a flush goes with QEMU. */
function extraDiskArguments(
  { base, file }: ExtraDisk,
  firstSet: number,
  add: (path: string, writable: boolean) => number,
): string[] {
  const node = (name: string, path: string, writable: boolean, driver: string, set: number, more: object) => {
    const shared = { "read-only": !writable, cache: { "no-flush": false } };
    const protocol = { driver: "file", filename: `/dev/fdset/${set}`, locking: "off", "node-name": `${name}-file` };
    return [
      ...["-add-fd", `fd=${add(path, writable)},set=${set}`],
      ...["-blockdev", JSON.stringify({ ...protocol, ...shared })],
      ...["-blockdev", JSON.stringify({ driver, file: `${name}-file`, "node-name": name, ...shared, ...more })],
    ];
  };
  if (base === undefined) return node("extra", file, true, "raw", firstSet, {});
  return [
    ...node("extra-base", base, false, "raw", firstSet, {}),
    ...node("extra", file, true, "qcow2", firstSet + 1, { backing: "extra-base" }),
  ];
}

/** It lives in the host's memory: nothing of it need reach a disk. */
function laneArguments(fd: number): string[] {
  const node = { "read-only": false, cache: { "no-flush": true } };
  const file = { driver: "file", filename: `/dev/fdset/${LANE_FDSET}`, locking: "off", "node-name": "lane-file" };
  return [
    ...["-add-fd", `fd=${fd},set=${LANE_FDSET}`],
    ...["-blockdev", JSON.stringify({ ...file, ...node })],
    ...["-blockdev", JSON.stringify({ driver: "raw", file: "lane-file", "node-name": "lane", ...node })],
  ];
}

export function commandLine(spec: MachineSpec): CommandLine {
  const files: OpenFile[] = [];
  const add = (path: string, writable: boolean): number => {
    files.push({ path, writable });
    return FIRST_FILE_FD + files.length - 1;
  };
  const args: string[] = ["-sandbox", SECCOMP];
  args.push("-chardev", `socket,id=qmp,fd=${QMP_FD}`, "-mon", "chardev=qmp,mode=control");
  args.push("-kernel", `/proc/self/fd/${add(spec.kernel, false)}`);
  args.push("-append", kernelArguments(spec.hardware, spec.gdbPort !== undefined));
  const layers = [
    ...spec.disks.map((path, i) => ({ path, writable: false, driver: i === 0 ? "raw" : "qcow2", name: `base${i}` })),
    { path: spec.overlay, writable: true, driver: "qcow2", name: "disk" },
  ];
  layers.forEach(({ path, writable, driver, name }, i) => {
    const fd = add(path, writable);
    args.push("-add-fd", `fd=${fd},set=${i + 1}`);
    const readOnly = { "read-only": !writable };
    // A guest is thrown away with its host: its flushes need not reach the host's disk, only the host's memory.
    const cache = { "no-flush": true };
    const file = { driver: "file", filename: `/dev/fdset/${i + 1}`, locking: "off", "node-name": `${name}-file` };
    args.push("-blockdev", JSON.stringify({ ...file, ...readOnly, cache }));
    const backing = driver === "qcow2" ? { backing: layers[i - 1]?.name ?? null } : {};
    const node = { driver, file: `${name}-file`, "node-name": name, ...backing };
    args.push("-blockdev", JSON.stringify({ ...node, ...readOnly, cache }));
  });
  if (spec.extraDisk) args.push(...extraDiskArguments(spec.extraDisk, layers.length + 1, add));
  args.push(...laneArguments(add(spec.lane, true)));
  spec.mounts.forEach((mount, i) => {
    const path = `/proc/self/fd/${add(mount.hostDir, false)}`;
    args.push("-fsdev", `local,id=mount${i},path=${path},security_model=none,multidevs=remap`);
  });
  args.push(...hardwareArguments(spec.hardware));
  if (spec.gdbPort !== undefined) args.push("-S", "-gdb", `tcp:127.0.0.1:${spec.gdbPort}`);
  if (spec.state === undefined) return { args, files };
  args.push("-incoming", "defer");
  return { args, files, stateFd: add(spec.state, false) };
}
