/** `crlab doctor`: what this machine has, what is missing, what is built. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { labKernel } from "@crlab/shared";
// The bootstrap's own list: plain JavaScript, for it runs before TypeScript can.
import { missingPackages, packages } from "../../../../scripts/packages.mjs";
import { cacheDir, dataDir, makeDir } from "../build/paths.js";
import { type Subcommand, UsageError } from "./command.js";

const GIB = 2 ** 30;

/** One line of the report; `wrong` says that the lab will not work like this. */
interface Finding {
  name: string;
  text: string;
  wrong?: boolean;
}

const subcommand: Subcommand = {
  usage: ["doctor", "", "Says which accelerator guests run on and why, what is missing, versions, cache and disk."],
  async run(args) {
    if (args.length > 0) throw new UsageError(`unknown argument "${args[0]}"`);
    let healthy = true;
    for (const examine of [examineHost, examineMissing, examineAccelerator, examineBuilt, examineDisk]) {
      for (const finding of await examine()) {
        process.stdout.write(`${finding.wrong ? "✗" : " "} ${finding.name.padEnd(14)} ${finding.text}\n`);
        healthy &&= !finding.wrong;
      }
    }
    return healthy ? 0 : 1;
  },
};
export default subcommand;

/** First line of a command's output, or that there is no such command. */
function version(command: string, ...args: string[]): Finding {
  const { error, stdout } = spawnSync(command, args, { encoding: "utf8" });
  if (error) return { name: command, text: "not installed" };
  return { name: command, text: (stdout ?? "").split("\n")[0] ?? "" };
}

function installedVersion(name: string): Finding {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is dpkg-query's
  const { stdout } = spawnSync("dpkg-query", ["--show", "--showformat=${Version}", name], { encoding: "utf8" });
  return { name, text: stdout || "not installed" };
}

async function examineHost(): Promise<Finding[]> {
  const root = process.getuid?.() === 0;
  const sudo = spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0;
  return [
    { name: "node", text: process.version },
    version("npm", "--version"),
    version("qemu-system-x86_64", "--version"),
    version("gcc", "--version"),
    installedVersion("linux-source-6.12"),
    { name: "root", text: root ? "yes" : sudo ? "by sudo" : "no: missing packages cannot be installed" },
  ];
}

async function examineMissing(): Promise<Finding[]> {
  const missing = missingPackages(["build", "guests"]);
  const optional = missingPackages(["test", "lint"]).filter((name) => !packages.unprivileged.includes(name));
  return [
    missing.length === 0
      ? { name: "packages", text: "all there" }
      : { name: "packages", text: `missing: ${missing.join(" ")} (npm start installs them)`, wrong: true },
    ...(optional.length === 0
      ? []
      : [{ name: "packages", text: `for npm test and npm run lint: ${optional.join(" ")}` }]),
  ];
}

async function examineAccelerator(): Promise<Finding[]> {
  if (version("qemu-system-x86_64", "--version").text === "not installed") {
    return [{ name: "accelerator", text: "unknown: QEMU is not installed", wrong: true }];
  }
  const { chooseAccel } = await import("../vm/accel.js");
  const { accel, reason } = await chooseAccel();
  return [{ name: "accelerator", text: `${accel}: ${reason}` }];
}

async function examineBuilt(): Promise<Finding[]> {
  const { findKernel } = await import("../build/kernels.js");
  const { ownKernels } = await import("../build/own-kernels.js");
  const { findImage } = await import("../build/image.js");
  const findings: Finding[] = [];
  for (const variant of [...labKernel.options, ...ownKernels().map((own) => own.name)]) {
    const kernel = await findKernel(variant).catch(() => undefined);
    const text = kernel ? `${kernel.release}  ${kernel.bzImage}` : "not built, or out of date";
    findings.push({ name: `kernel ${variant}`, text });
  }
  const image = await findImage().catch(() => undefined);
  findings.push({ name: "guest image", text: image ? image.rootExt4 : "not built, or out of date" });
  return findings;
}

async function examineDisk(): Promise<Finding[]> {
  const cache = makeDir(cacheDir());
  const data = makeDir(dataDir());
  const parts = readdirSync(cache)
    .map((name) => ({ name, bytes: diskUsage(join(cache, name)) }))
    .filter(({ bytes }) => bytes > GIB / 100)
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ name, bytes }) => `${name} ${(bytes / GIB).toFixed(1)}`);
  return [
    { name: "cache", text: `${cache}: ${parts.join(", ") || "empty"} (GiB)` },
    { name: "data", text: `${data}: ${(diskUsage(data) / GIB).toFixed(2)} GiB` },
    free("disk (cache)", cache),
    free("disk (data)", data),
  ];
}

function diskUsage(path: string): number {
  if (!existsSync(path)) return 0;
  const { stdout } = spawnSync("du", ["--summarize", "--block-size=1", path], { encoding: "utf8" });
  return Number.parseInt(stdout, 10) || 0;
}

function free(name: string, path: string): Finding {
  const { bavail, bsize } = statfsSync(path);
  const freeGiB = (bavail * bsize) / GIB;
  return { name, text: `${freeGiB.toFixed(1)} GiB free`, wrong: freeGiB < 1 };
}
