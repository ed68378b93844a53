/** Which accelerator guests run on here, and why: found out by running one, not by looking at /dev/kvm. */
import { execFile } from "node:child_process";
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { cacheDir, makeDir } from "../build/paths.js";
import { PROBE_BYTE, PROBE_EXIT_CODE, probeGuest } from "./probe-guest.js";

const accelVerdict = z.strictObject({
  accel: z.enum(["kvm", "tcg"]),
  /** In words: what was tried and what was seen. */
  reason: z.string(),
  /** The host boot this holds for. */
  bootId: z.string(),
});
export type AccelVerdict = z.infer<typeof accelVerdict>;
export type Accel = AccelVerdict["accel"];

/** A working KVM answers within milliseconds, TCG within 0.6 s. */
const PROBE_LIMIT_MS = 2000;

const qemu = "qemu-system-x86_64";

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** Runs the probe guest. Answers undefined if it did what it should, else what it did instead. */
export async function probe(accel: Accel): Promise<string | undefined> {
  const dir = mkdtempSync(join(tmpdir(), "crlab-probe-"));
  try {
    const bios = join(dir, "bios");
    writeFileSync(bios, probeGuest());
    const args = [
      "-M",
      "pc",
      "-accel",
      accel,
      "-cpu",
      "max",
      "-m",
      "16",
      "-bios",
      bios,
      "-nodefaults",
      "-no-user-config",
    ];
    args.push("-display", "none", "-chardev", "stdio,id=out", "-device", "isa-debugcon,iobase=0xe9,chardev=out");
    args.push("-device", "isa-debug-exit,iobase=0xf4,iosize=0x04");
    return await new Promise((resolve) => {
      execFile(qemu, args, { timeout: PROBE_LIMIT_MS, killSignal: "SIGKILL" }, (error, stdout, stderr) => {
        const byte = stdout.includes(PROBE_BYTE);
        if (byte && error?.code === PROBE_EXIT_CODE) return resolve(undefined);
        const said = stderr.trim().split("\n").at(-1) ?? "";
        if (error?.killed) return resolve(`the guest did not finish within ${PROBE_LIMIT_MS / 1000} s`);
        resolve(
          `QEMU exited with ${error?.code ?? 0}${byte ? "" : ", without the guest's byte"}${said && `: ${said}`}`,
        );
      });
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const noKvm: Readonly<Record<string, string>> = {
  ENOENT: "this machine has no /dev/kvm",
  EACCES: "this user may not open /dev/kvm: who is in its group may",
};
const whyNoKvm = (code: string): string => noKvm[code] ?? `/dev/kvm cannot be opened: ${code}`;

async function decide(): Promise<AccelVerdict> {
  const id = bootId();
  const tcg = (reason: string): AccelVerdict => ({ accel: "tcg", reason, bootId: id });
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch (error) {
    return tcg(whyNoKvm(error instanceof Error && "code" in error ? String(error.code) : String(error)));
  }
  const wrong = await probe("kvm");
  if (wrong === undefined) return { accel: "kvm", reason: "a probe guest ran to its end under KVM", bootId: id };
  return tcg(`/dev/kvm opens, but a probe guest failed under it: ${wrong}`);
}

function remembered(file: string): AccelVerdict | undefined {
  try {
    const parsed = accelVerdict.safeParse(JSON.parse(readFileSync(file, "utf8")));
    return parsed.success && parsed.data.bootId === bootId() ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** The accelerator for this host, remembered until it boots again. */
export async function chooseAccel(): Promise<AccelVerdict> {
  const file = join(makeDir(cacheDir()), "accel.json");
  const known = remembered(file);
  if (known) return known;
  const verdict = await decide();
  writeFileSync(file, JSON.stringify(verdict));
  return verdict;
}
