/**
 * The guest image, in two layers by content hash: Debian's root (slow, rarely changes) and the ext4 file system made
 * of it with the lab's own programs. An image is never rewritten: overlays of running guests stand on it.
 */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { output, type Progress, runLogged } from "./command.js";
import { hashOf, hashTree, short } from "./hash.js";
import { withLock } from "./lock.js";
import { cacheDir, makeDir, repoRoot } from "./paths.js";
import { publish } from "./publish.js";

const imageJson = z.object({ name: z.string(), hash: z.string(), built: z.string() });

export interface BuiltImage {
  name: string;
  /** Hash of everything it was built from. */
  hash: string;
  rootExt4: string;
}

const imageName = "bookworm";
const recipeDir = join(repoRoot, "images", imageName);
const sizeMiB = 2048;

/** Folders whose Makefile installs guest programs: `make BUILD=… DESTDIR=… install`. */
const programFolders = [
  "images/agent",
  "images/look",
  "images/workloads",
  "images/bench",
  "kernel/tools",
  "kernel/selftests",
];

/** Bumped when the way of building changes what comes out. */
const recipeVersion = "1";

/** The up-to-date image, if it has been built. */
export async function findImage(): Promise<BuiltImage | undefined> {
  return lookUp(await imageHash());
}

/** The up-to-date image; builds what is missing of it. */
export async function ensureImage(progress: Progress): Promise<BuiltImage> {
  return (
    (await findImage()) ??
    withLock(`image-${imageName}`, progress, async () => {
      for (;;) {
        const hash = await imageHash();
        const image = lookUp(hash) ?? (await build(hash, progress));
        // Somebody may have edited a program while it was being compiled.
        if (image && (await imageHash()) === hash) return image;
      }
    })
  );
}

/** The folders of guest programs that are there. */
function presentFolders(): string[] {
  return programFolders.map((folder) => join(repoRoot, folder)).filter((dir) => existsSync(join(dir, "Makefile")));
}

function packages(): string[] {
  return readFileSync(join(recipeDir, "packages"), "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}

function rootHash(): string {
  return hashOf(recipeVersion, imageName, ...packages());
}

async function imageHash(): Promise<string> {
  const compiler = await output(["gcc", "--version"]);
  const header = readFileSync(join(repoRoot, "kernel/linux/include/uapi/linux/checkpoint.h"));
  return hashOf(recipeVersion, rootHash(), compiler, header, hashTree(recipeDir, ...presentFolders()), `${sizeMiB}`);
}

function imageDir(hash: string): string {
  return cacheDir("images", `${imageName}-${short(hash)}`);
}

function lookUp(hash: string): BuiltImage | undefined {
  const path = join(imageDir(hash), "image.json");
  if (!existsSync(path)) return undefined;
  const { built: _, ...image } = imageJson.parse(JSON.parse(readFileSync(path, "utf8")));
  return { ...image, rootExt4: join(imageDir(hash), "root.ext4") };
}

/** Builds the image; nothing if its sources changed meanwhile. */
async function build(hash: string, progress: Progress): Promise<BuiltImage | undefined> {
  const logPath = cacheDir("logs", `image-${imageName}.log`);
  rmSync(logPath, { force: true });
  const rootTar = await ensureRoot(logPath, progress);
  progress("putting the guest's programs and file system together");
  const scratch = mkdtempSync(join(makeDir(cacheDir("tmp")), "image-"));
  const uuid = hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
  try {
    const rootExt4 = join(scratch, "root.ext4");
    const programs = makeDir(cacheDir("build/guest"));
    await runLogged(
      // biome-ignore format: one argument a line says nothing more
      ["env", ...asRoot(), "sh", join(recipeDir, "assemble.sh"), rootTar, rootExt4, uuid, `${sizeMiB}`, programs, ...presentFolders()],
      {
        purpose: "building the guest image",
        tool: "assemble.sh",
        logPath,
        progress: (line) => /(warning|error):/.test(line) && progress(line),
      },
    );
    if ((await imageHash()) !== hash) return undefined;
    publish(imageDir(hash), (dir) => {
      moveInto(dir, rootExt4);
      writeFileSync(
        join(dir, "image.json"),
        `${JSON.stringify({ name: imageName, hash, built: new Date().toISOString() }, null, 2)}\n`,
      );
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return lookUp(hash);
}

/** Debian's own part, as a tar archive that keeps owners and modes whoever reads it. */
async function ensureRoot(logPath: string, progress: Progress): Promise<string> {
  const hash = rootHash();
  const dir = cacheDir("roots", `${imageName}-${short(hash)}`);
  const tar = join(dir, "root.tar");
  if (existsSync(tar)) return tar;
  progress("making Debian's root");
  const scratch = mkdtempSync(join(makeDir(cacheDir("tmp")), "root-"));
  try {
    const made = join(scratch, "root.tar");
    const mirror = process.env.CRLAB_DEBIAN_MIRROR;
    await runLogged(
      [
        "mmdebstrap",
        "--variant=minbase",
        `--include=${packages().join(",")}`,
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        imageName,
        made,
        ...(mirror ? [mirror] : []),
      ],
      {
        purpose: "making the guest's Debian root",
        logPath,
        progress: (line) => progress(line.replace(/^I: /, "")),
        advice: "It needs Debian's packages: is the mirror reachable? CRLAB_DEBIAN_MIRROR names another one.",
      },
    );
    publish(dir, (target) => moveInto(target, made));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return tar;
}

/** Moves a file within the cache; sparse files stay sparse. */
function moveInto(dir: string, path: string): void {
  renameSync(path, join(dir, basename(path)));
}

/** What lets a command make files that root owns. */
function asRoot(): string[] {
  return process.getuid?.() === 0 ? [] : ["fakeroot", "--"];
}
