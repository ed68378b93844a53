/** `crlab exec`: a command in a throw-away guest. */
import { constants } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type KernelVariant, kernelVariant } from "@crlab/shared";
import {
  dataDir,
  ensureImage,
  ensureKernel,
  findImage,
  findKernel,
  type ImageName,
  imageNames,
} from "../build/index.js";
import { noSuchKernel } from "../build/kernels.js";
import { stage } from "../build/stages.js";
import { bootGuest, type Guest, GuestError } from "../guest/guest.js";
import type { Mount } from "../vm/command-line.js";
import { removeStaleGuests } from "../vm/guest-dir.js";
import { type Subcommand, UsageError } from "./command.js";

interface Request {
  kernel: KernelVariant;
  image: ImageName;
  memMiB: number;
  cpus: number;
  mounts: Mount[];
  tty: boolean;
  cold: boolean;
  serial: boolean;
  gdbPort?: number;
  command: string[];
}

const subcommand: Subcommand = {
  usage: [
    "exec [--kernel VARIANT] [--image NAME] [--mem MIB] [--cpus N] [--mount HOSTDIR:GUESTDIR]... [--tty] [--] COMMAND...",
    "",
    "Boots a throw-away guest, runs COMMAND in it with its output and input streamed, and returns its exit status",
    "(128 + N if signal N ended it; 125 if the guest failed).",
    "  --kernel VARIANT        base, cr (default), debug, or one of your own (crlab kernel build)",
    `  --image NAME            ${imageNames.join(" or ")} (bookworm)`,
    "  --mem MIB, --cpus N     the guest's size (512, 2)",
    "  --mount HOST:GUEST      share a directory of the host; the guest writes where an unprivileged user may",
    "  --tty                   on a terminal, for shells; COMMAND defaults to bash then",
    "  --cold                  boot the long way instead of from a saved state",
    "  --serial                show the guest's serial console on stderr",
    "  --gdb PORT              wait for gdb on 127.0.0.1:PORT before the kernel's first instruction",
  ],
  async run(args) {
    const request = parse(args);
    removeStaleGuests(dataDir("guests"));
    const kernel =
      (await findKernel(request.kernel)) ??
      (await build(`kernel ${request.kernel}`, (p) => ensureKernel(request.kernel, p)));
    const image =
      (await findImage(request.image)) ??
      (await build(`guest image ${request.image}`, (p) => ensureImage(p, request.image)));
    let guest: Guest | undefined;
    let interrupted = 0;
    const interrupt = (signal: NodeJS.Signals) => {
      interrupted = 128 + constants.signals[signal];
      if (guest) void guest.discard();
      else process.exit(interrupted);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
    try {
      if (request.gdbPort !== undefined) note(`waiting for gdb: target remote 127.0.0.1:${request.gdbPort}`);
      guest = await bootGuest({
        ...{ kernel, image, memMiB: request.memMiB, cpus: request.cpus, accel: "auto" as const },
        ...{ mounts: request.mounts, cold: request.cold, log: note },
        ...(request.gdbPort !== undefined && { gdbPort: request.gdbPort }),
        dir: dataDir("guests", `exec-${process.pid}`),
      });
      if (request.serial) guest.onSerial((text) => process.stderr.write(text));
      const status = request.tty
        ? await runOnTerminal(guest, request.command)
        : await runOnPipes(guest, request.command);
      for (const problem of guest.problems) note(`kernel: ${problem}`);
      return status;
    } catch (error) {
      if (interrupted !== 0) return interrupted;
      if (!(error instanceof GuestError)) throw error;
      note(error.message);
      if (error.hint) process.stderr.write(`${error.hint}\n`);
      for (const problem of guest?.problems ?? []) note(`kernel: ${problem}`);
      return error.code === "not-found" ? 127 : 125;
    } finally {
      await guest?.discard();
      // A stdin that is still open would keep us.
      process.stdin.destroy();
    }
  },
};
export default subcommand;

function note(line: string): void {
  process.stderr.write(`crlab exec: ${line}\n`);
}

function build<T>(name: string, make: (progress: (line: string) => void) => Promise<T>): Promise<T> {
  return stage(name, make, { expectedS: 480 });
}

function parse(args: readonly string[]): Request {
  const cut = args.indexOf("--");
  const own = cut < 0 ? args : args.slice(0, cut);
  const rest = cut < 0 ? [] : args.slice(cut + 1);
  const { values, positionals } = parseOwn(own);
  const kernel = kernelVariant.safeParse(values.kernel);
  if (!kernel.success) throw new UsageError(noSuchKernel(values.kernel));
  const image = imageNames.find((name) => name === values.image);
  if (!image) throw new UsageError(`no image "${values.image}"; there are ${imageNames.join(", ")}`);
  const command = [...positionals, ...rest];
  if (command.length === 0 && values.tty) command.push("bash", "-l");
  if (command.length === 0) throw new UsageError("which command?");
  const request: Request = {
    kernel: kernel.data,
    image,
    memMiB: whole("--mem", values.mem, 128, 8192),
    cpus: whole("--cpus", values.cpus, 1, 8),
    mounts: values.mount.map(parseMount),
    ...{ tty: values.tty, cold: values.cold, serial: values.serial, command },
  };
  if (values.gdb !== undefined) request.gdbPort = whole("--gdb", values.gdb, 1, 65535);
  return request;
}

function parseOwn(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        kernel: { type: "string", default: "cr" },
        image: { type: "string", default: "bookworm" },
        mem: { type: "string", default: "512" },
        cpus: { type: "string", default: "2" },
        mount: { type: "string", multiple: true, default: [] },
        tty: { type: "boolean", default: false },
        cold: { type: "boolean", default: false },
        serial: { type: "boolean", default: false },
        gdb: { type: "string" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new UsageError(`${option} takes a whole number from ${least} to ${most}, not "${text}"`);
  return value;
}

function parseMount(text: string): Mount {
  const at = text.lastIndexOf(":");
  if (at <= 0 || !text.slice(at + 1).startsWith("/"))
    throw new UsageError(`--mount takes HOSTDIR:GUESTDIR with an absolute GUESTDIR, not "${text}"`);
  return { hostDir: resolve(text.slice(0, at)), guestDir: text.slice(at + 1) };
}

/** Waits for a slow reader; the command in the guest then waits, too. */
function writeTo(stream: NodeJS.WriteStream): (bytes: Buffer) => Promise<void> {
  return (bytes) => new Promise((done) => stream.write(bytes, () => done()));
}

async function runOnPipes(guest: Guest, command: readonly string[]): Promise<number> {
  const { exitCode, signal } = await guest.exec(command, {
    stdin: process.stdin,
    onStdout: writeTo(process.stdout),
    onStderr: writeTo(process.stderr),
    maxBufferBytes: 0,
  });
  return exitCode ?? 128 + (signal ?? 0);
}

async function runOnTerminal(guest: Guest, command: readonly string[]): Promise<number> {
  const size = () => ({ cols: process.stdout.columns || 80, rows: process.stdout.rows || 24 });
  const term = process.env.TERM;
  const terminal = await guest.openTerminal(command, {
    ...size(),
    cwd: "/root",
    ...(term !== undefined && { env: { TERM: term } }),
  });
  const stdin = process.stdin;
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on("data", (bytes: Buffer) => terminal.write(bytes));
  process.stdout.on("resize", () => terminal.resize(size().cols, size().rows));
  terminal.onData((bytes) => {
    if (process.stdout.write(bytes)) return;
    terminal.pause();
    process.stdout.once("drain", () => terminal.resume());
  });
  try {
    const gone = guest.ended.then(({ reason }) => {
      throw new GuestError("guest-gone", reason);
    });
    const { exitCode, signal } = await Promise.race([terminal.exited, gone]);
    return exitCode ?? 128 + (signal ?? 0);
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
  }
}
