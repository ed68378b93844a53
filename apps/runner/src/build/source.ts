/** The pristine kernel tree: Debian's linux-source package, unpacked once per tarball. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Progress, runLogged } from "./command.js";
import { BuildError } from "./errors.js";
import { hashFile, short } from "./hash.js";
import { withLock } from "./lock.js";
import { cacheDir, makeDir } from "./paths.js";

/** The package that carries it; Debian's security updates move it along 6.12.y. */
const sourcePackage = "linux-source-6.12";
const tarball = process.env.CRLAB_KERNEL_TARBALL ?? `/usr/src/${sourcePackage}.tar.xz`;

export interface KernelSource {
  /** Kernel version from the tree's Makefile, such as 6.12.117. */
  version: string;
  /** SHA-256 of the tarball. */
  hash: string;
  /** The unpacked tree; never written to. */
  pristine: string;
}

const stamp = z.object({ path: z.string(), size: z.number(), mtimeMs: z.number(), sha256: z.string() });

/** SHA-256 of the tarball, remembered by size and modification time: it is 150 MB. */
async function tarballHash(): Promise<string> {
  const stat = statSync(tarball, { throwIfNoEntry: false });
  if (!stat) {
    throw new BuildError(`no kernel source: ${tarball} is missing`, { advice: `apt-get install ${sourcePackage}` });
  }
  const stampPath = join(makeDir(cacheDir("src")), "tarball.json");
  if (existsSync(stampPath)) {
    const known = stamp.safeParse(JSON.parse(readFileSync(stampPath, "utf8")));
    if (known.success && known.data.path === tarball && known.data.size === stat.size) {
      if (known.data.mtimeMs === stat.mtimeMs) return known.data.sha256;
    }
  }
  const sha256 = await hashFile(tarball);
  const temporary = `${stampPath}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify({ path: tarball, size: stat.size, mtimeMs: stat.mtimeMs, sha256 }));
  renameSync(temporary, stampPath);
  return sha256;
}

/** The unpacked source, if it is there already. */
export async function findSource(): Promise<KernelSource | undefined> {
  const hash = await tarballHash();
  const name = readdirSync(cacheDir("src")).find((entry) => entry.startsWith("linux-") && entry.endsWith(short(hash)));
  if (!name) return undefined;
  return {
    version: name.slice("linux-".length, -short(hash).length - 1),
    hash,
    pristine: cacheDir("src", name, "pristine"),
  };
}

/** The unpacked source; unpacks it if need be. */
export async function ensureSource(progress: Progress): Promise<KernelSource> {
  return (
    (await findSource()) ??
    withLock("source", progress, async () => {
      const found = await findSource();
      if (found) return found;
      const hash = await tarballHash();
      progress(`unpacking ${tarball}`);
      const unpacking = mkdtempSync(cacheDir("src", "unpacking-"));
      try {
        const pristine = makeDir(join(unpacking, "pristine"));
        await runLogged(["tar", "--extract", "--file", tarball, "--directory", pristine, "--strip-components=1"], {
          purpose: `unpacking ${tarball}`,
          logPath: cacheDir("logs", "source.log"),
        });
        const version = kernelVersion(readFileSync(join(pristine, "Makefile"), "utf8"));
        const name = `linux-${version}-${short(hash)}`;
        renameSync(unpacking, cacheDir("src", name));
        return { version, hash, pristine: cacheDir("src", name, "pristine") };
      } finally {
        rmSync(unpacking, { recursive: true, force: true });
      }
    })
  );
}

/** The version that a kernel's top Makefile states. */
export function kernelVersion(makefile: string): string {
  const part = (name: string) => new RegExp(`^${name} *= *(\\d+)$`, "m").exec(makefile)?.[1];
  const parts = [part("VERSION"), part("PATCHLEVEL"), part("SUBLEVEL")];
  if (parts.some((value) => value === undefined))
    throw new BuildError("the kernel source's Makefile states no version");
  return parts.join(".");
}
