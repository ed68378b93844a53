/**
 * The guest image, in two layers by content hash: Debian's root (slow, rarely changes) and the ext4 file system made
 * of it with the lab's own programs. An image is never rewritten: overlays of running guests stand on it.
 */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { compilerVersion, type Progress, runLogged } from "./command.js";
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

/** Debian's release, and the recipe of every image. */
const release = "bookworm";
const recipeDir = join(repoRoot, "images", release);

interface Recipe {
  /** Folders of images/ whose lists of packages it has. */
  packagesOf: readonly string[];
  sizeMiB: number;
  /** Folders of guest programs that only this image has. */
  ownFolders: readonly string[];
}

/** `bookworm` is what every guest boots; `programs` has many heavy packages, and is built when it is asked for. */
const recipes = {
  bookworm: { packagesOf: [release], sizeMiB: 2048, ownFolders: [] },
  programs: { packagesOf: [release, "programs"], sizeMiB: 6144, ownFolders: ["images/programs"] },
} satisfies Record<string, Recipe>;

export type ImageName = keyof typeof recipes;
export const imageNames = Object.keys(recipes) as ImageName[];

/** Folders whose Makefile installs guest programs: `make BUILD=… DESTDIR=… install`. */
const programFolders = [
  "images/agent",
  "images/look",
  "images/lane",
  "images/workloads",
  "images/bench",
  "kernel/tools",
  "kernel/selftests",
];

/** Bumped when the way of building changes what comes out. */
const recipeVersion = "1";

/** The up-to-date image, if it has been built. */
export async function findImage(name: ImageName = "bookworm"): Promise<BuiltImage | undefined> {
  return lookUp(name, await imageHash(name));
}

/** The up-to-date image; builds what is missing of it. */
export async function ensureImage(progress: Progress, name: ImageName = "bookworm"): Promise<BuiltImage> {
  return (
    (await findImage(name)) ??
    withLock(`image-${name}`, progress, async () => {
      for (;;) {
        const hash = await imageHash(name);
        const image = lookUp(name, hash) ?? (await build(name, hash, progress));
        // Somebody may have edited a program while it was being compiled.
        if (image && (await imageHash(name)) === hash) return image;
      }
    })
  );
}

/** The folders of guest programs that are there. */
function presentFolders(name: ImageName): string[] {
  return [...programFolders, ...recipes[name].ownFolders]
    .map((folder) => join(repoRoot, folder))
    .filter((dir) => existsSync(join(dir, "Makefile")));
}

function packages(name: ImageName): string[] {
  return recipes[name].packagesOf
    .flatMap((folder) => readFileSync(join(repoRoot, "images", folder, "packages"), "utf8").split("\n"))
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}

function rootHash(name: ImageName): string {
  return hashOf(recipeVersion, release, ...packages(name));
}

async function imageHash(name: ImageName): Promise<string> {
  const compiler = await compilerVersion();
  const headers = hashTree(join(repoRoot, "kernel/linux/include/uapi/linux"));
  const sources = hashTree(recipeDir, ...presentFolders(name));
  return hashOf(recipeVersion, rootHash(name), compiler, headers, sources, `${recipes[name].sizeMiB}`);
}

function imageDir(name: ImageName, hash: string): string {
  return cacheDir("images", `${name}-${short(hash)}`);
}

function lookUp(name: ImageName, hash: string): BuiltImage | undefined {
  const path = join(imageDir(name, hash), "image.json");
  if (!existsSync(path)) return undefined;
  const { built: _, ...image } = imageJson.parse(JSON.parse(readFileSync(path, "utf8")));
  return { ...image, rootExt4: join(imageDir(name, hash), "root.ext4") };
}

/** Builds the image; nothing if its sources changed meanwhile. */
async function build(name: ImageName, hash: string, progress: Progress): Promise<BuiltImage | undefined> {
  const logPath = cacheDir("logs", `image-${name}.log`);
  rmSync(logPath, { force: true });
  const rootTar = await ensureRoot(name, logPath, progress);
  progress("putting the guest's programs and file system together");
  const scratch = mkdtempSync(join(makeDir(cacheDir("tmp")), "image-"));
  const uuid = hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
  try {
    const rootExt4 = join(scratch, "root.ext4");
    const programs = makeDir(cacheDir("build/guest"));
    await runLogged(
      // biome-ignore format: one argument a line says nothing more
      ["env", ...asRoot(), "sh", join(recipeDir, "assemble.sh"), rootTar, rootExt4, uuid, `${recipes[name].sizeMiB}`, programs, ...presentFolders(name)],
      {
        purpose: "building the guest image",
        tool: "assemble.sh",
        logPath,
        progress: (line) => /(warning|error):/.test(line) && progress(line),
      },
    );
    if ((await imageHash(name)) !== hash) return undefined;
    publish(imageDir(name, hash), (dir) => {
      moveInto(dir, rootExt4);
      writeFileSync(
        join(dir, "image.json"),
        `${JSON.stringify({ name, hash, built: new Date().toISOString() }, null, 2)}\n`,
      );
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return lookUp(name, hash);
}

/** Debian's own part, as a tar archive that keeps owners and modes whoever reads it. */
async function ensureRoot(name: ImageName, logPath: string, progress: Progress): Promise<string> {
  const hash = rootHash(name);
  const dir = cacheDir("roots", `${name}-${short(hash)}`);
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
        `--include=${packages(name).join(",")}`,
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        // Java's packages want to link into it.
        ...(recipes[name].ownFolders.length > 0 ? ['--essential-hook=mkdir -p "$1/usr/share/man/man1"'] : []),
        release,
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
