import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repoRoot } from "./paths.js";

/**
 * The command as a person gives it, over a kernel that is small enough to build in a moment: its "bzImage" is its sources
 * in one file, and its configuration is what was merged.
 */
const scratch = mkdtempSync(join(tmpdir(), "crlab-own-"));
const cache = join(scratch, "cache");
const loader = pathToFileURL(join(repoRoot, "node_modules/tsx/dist/loader.mjs")).href;
const kernelFiles: Record<string, string> = {
  Makefile: `VERSION = 6
PATCHLEVEL = 12
SUBLEVEL = 1
tinyconfig:
	@touch $(O)/.config
olddefconfig:
	@mkdir -p $(O)/include/config
	@echo 6.12.1$(LOCALVERSION) > $(O)/include/config/kernel.release
bzImage:
	@mkdir -p $(O)/arch/x86/boot
	@cat fs/*.c > $(O)/arch/x86/boot/bzImage
`,
  COPYING: "GPL-2.0\n",
  ".gitignore": "*.o\n",
  "fs/open.c": "one\ntwo\nthree\n",
  "fs/read.c": "read\n",
  "scripts/kconfig/merge_config.sh": 'shift 2; obj=$1; shift 2; cat "$@" > "$obj/.config"\n',
};
const put = (dir: string, files: Record<string, string>) => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), content);
  }
};

function crlab(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, ["--import", loader, join(repoRoot, "apps/runner/src/cli/main.ts"), ...args], {
    cwd: scratch,
    encoding: "utf8",
    env: {
      ...process.env,
      ...{ CRLAB_CACHE: cache, CRLAB_DATA: join(scratch, "data"), CRLAB_KERNEL_TARBALL: join(scratch, "linux.tar.xz") },
    },
  });
}

function build(...args: string[]): { image: string; said: string; kernel: Record<string, unknown>; dir: string } {
  const { status, stdout, stderr } = crlab("kernel", "build", ...args);
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  const dir = dirname(stdout.trim());
  const kernel = JSON.parse(readFileSync(join(dir, "kernel.json"), "utf8")) as Record<string, unknown>;
  return { image: readFileSync(stdout.trim(), "utf8"), said: stderr, kernel, dir };
}

beforeAll(() => {
  put(join(scratch, "linux"), kernelFiles);
  spawnSync("tar", ["--create", "--xz", "--file", "linux.tar.xz", "linux"], { cwd: scratch });
  put(scratch, {
    "a/01-two.patch": "--- a/fs/open.c\n+++ b/fs/open.c\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n",
    "a/02-new.patch": "--- /dev/null\n+++ b/fs/new.c\n@@ -0,0 +1 @@\n+new\n",
    "b/01-three.patch": "--- a/fs/open.c\n+++ b/fs/open.c\n@@ -1,3 +1,4 @@\n one\n two\n three\n+four\n",
    "off.config": "# CONFIG_SMP is not set\n",
  });
}, 120_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test("patches make another kernel under a name; two of them stay built side by side, and say what they are", () => {
  const a = build("a", "--patches", "a", "--on", "base");
  expect(a.image).toBe("new\none\nzwei\nthree\nread\n");
  expect(a.kernel).toMatchObject({ variant: "a", release: "6.12.1-a", on: "base" });
  expect(a.kernel.changes).toEqual(["fs/new.c +1", "fs/open.c +1 -1"]);
  expect(a.said).toContain("differs from base in: fs/new.c +1, fs/open.c +1 -1");
  expect(readFileSync(join(a.dir, "changes.diff"), "utf8")).toContain("--- a/fs/open.c\n+++ b/fs/open.c\n");
  const b = build("b", "--patches", "b/01-three.patch", "--on", "base");
  expect(b.image).toBe("one\ntwo\nthree\nfour\nread\n");
  expect(b.kernel.kernelHash).not.toBe(a.kernel.kernelHash);
  const { stdout } = crlab("kernel", "list");
  expect(stdout).toContain(`6.12.1-a  ${String(a.kernel.kernelHash).slice(0, 12)}  differs from base in: fs/new.c +1`);
  expect(stdout).toContain(`6.12.1-b  ${String(b.kernel.kernelHash).slice(0, 12)}  differs from base in: fs/open.c +1`);

  // It stays what it was until it is built again, and then comes from the same place.
  put(scratch, { "b/01-three.patch": "--- a/fs/read.c\n+++ b/fs/read.c\n@@ -1 +1 @@\n-read\n+gelesen\n" });
  expect(crlab("kernel", "list").stdout).toContain(String(b.kernel.kernelHash).slice(0, 12));
  expect(build("b").image).toBe("one\ntwo\nthree\ngelesen\n");

  expect(crlab("kernel", "remove", "b").status).toBe(0);
  expect(crlab("kernel", "list").stdout).not.toContain("6.12.1-b");
  expect(existsSync(join(cache, "build/b"))).toBe(false);
  expect(existsSync(a.dir)).toBe(true);
}, 300_000);

test("a changed tree makes another kernel, whatever make has left in it", () => {
  const tree = join(scratch, "mine");
  cpSync(join(scratch, "linux"), tree, { recursive: true });
  spawnSync("git", ["init", "--quiet"], { cwd: tree });
  put(tree, { "fs/open.c": "changed\n", "fs/open.o": "object", "fs/extra.c": "extra\n", "fs/extra.c~": "before" });
  rmSync(join(tree, "fs/read.c"));
  const { image, kernel } = build("mine", "--tree", "mine", "--on", "base");
  expect(image).toBe("extra\nchanged\n");
  expect(kernel.changes).toEqual(["fs/extra.c +1", "fs/open.c +1 -3", "fs/read.c -1"]);
}, 120_000);

test("options of the configuration make another kernel, too", () => {
  const { kernel, dir } = build("up", "--config", "off.config", "--on", "base");
  expect(kernel.changes).toEqual(["CONFIG_SMP=n"]);
  expect(readFileSync(join(dir, "config"), "utf8")).toMatch(/# CONFIG_SMP is not set\n$/);
}, 120_000);

test.each([
  ["a name that is the lab's", ["cr", "--patches", "a"], 2, /cr is the lab's own/],
  ["a name that is no name", ["My Kernel", "--patches", "a"], 2, /is no name for a kernel/],
  ["nothing to change", ["other"], 1, /there is no kernel "other" yet/],
  ["patches that are not there", ["other", "--patches", "nowhere", "--on", "base"], 1, /there is no \S+nowhere/],
  ["a patch that does not apply", ["other", "--patches", "wrong.patch", "--on", "base"], 1, /fs\/open.c, hunk 1/],
  ["a patch that leaves the tree", ["other", "--patches", "out.patch", "--on", "base"], 1, /names the path \.\.\/x/],
  ["a tree that is none", ["other", "--tree", "a", "--on", "base"], 1, /is no kernel tree/],
  ["another kernel's tree", ["other", "--tree", "old", "--on", "base"], 1, /is Linux 5.10.7, and the lab's is 6.12.1/],
])(
  "%s is refused by name",
  (_, args, status, why) => {
    put(scratch, {
      "wrong.patch": "--- a/fs/open.c\n+++ b/fs/open.c\n@@ -1,2 +1,2 @@\n one\n-deux\n+zwei\n",
      "out.patch": "--- a/../x\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n",
      "old/Makefile": "VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 7\n",
    });
    const result = crlab("kernel", "build", ...args);
    expect(result.stderr).toMatch(why);
    expect(result.status).toBe(status);
  },
  60_000,
);
