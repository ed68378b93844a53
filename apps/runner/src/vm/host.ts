/** What guests depend on of this host. */
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { GuestError } from "./errors.js";
import { QEMU } from "./machine.js";

const run = promisify(execFile);
let version: Promise<string> | undefined;

/** e.g. `7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)`. */
export function qemuVersion(): Promise<string> {
  version ??= run(QEMU, ["--version"]).then(
    ({ stdout }) => stdout.match(/version (.*)/)?.[1] ?? stdout.trim(),
    () => {
      version = undefined;
      throw new GuestError(
        "qemu-missing",
        `${QEMU} is not installed`,
        "Run `npm start` once: it installs what is missing.",
      );
    },
  );
  return version;
}

let tsc: { khz: number | undefined } | undefined;

/** Frequency of the host's TSC as its kernel measured it, if its log still says. */
export function hostTscKhz(): number | undefined {
  if (!tsc) {
    const { stdout } = spawnSync("dmesg", { encoding: "utf8", maxBuffer: 16 * 1024 * 1024 });
    const found = /tsc: (?:Refined TSC clocksource calibration:|Detected) (\d+)\.(\d{3}) MHz/.exec(stdout ?? "");
    tsc = { khz: found ? Number(`${found[1]}${found[2]}`) : undefined };
  }
  return tsc.khz;
}
