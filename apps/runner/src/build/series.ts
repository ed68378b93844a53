/** The patch set as a mailing list wants it: a `git format-patch` series on top of the pristine tree. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { BuildError } from "./errors.js";
import { filesUnder } from "./hash.js";
import { applyHook, copyPristine, hookPatches, overlayDir, patchesDir, patchTargets } from "./patchset.js";
import { cacheDir, makeDir } from "./paths.js";
import type { KernelSource } from "./source.js";

const author = "crlab developers <crlab@localhost>";

interface Part {
  /** Which files of the overlay belong to it: the first part that claims a file has it. */
  claims: RegExp;
  subject: string;
  body: string;
}

/** New files come first, by subsystem: nothing builds them until the hooks do, so that every step builds. */
const overlayParts: readonly Part[] = [
  {
    claims: /^(include|Documentation)\//,
    subject: "checkpoint: define the image format and the interfaces",
    body: `The UAPI header is the only definition of the image: a stream of typed,
length-prefixed records that needs no seek, and the extensible arguments
of checkpoint(2) and restart(2).`,
  },
  {
    claims: /^kernel\//,
    subject: "checkpoint: save and restore trees of tasks",
    body: `The core: freezing the tree, reading and writing records, shared objects
by reference, and the state of a task that belongs to no other subsystem.
Whatever cannot be saved is refused by name, before the image is used.`,
  },
  {
    claims: /^mm\//,
    subject: "mm: save and restore address spaces",
    body: `Every mapping comes back at its address with its contents. A tracker of
layout changes and modified pages allows an image to hold only what has
changed since its parent.`,
  },
  {
    claims: /^fs\//,
    subject: "fs: save and restore open files",
    body: `Files are reopened by pathname and adjusted. A file that lives only
through an open descriptor is given a name again where its file system
allows it.`,
  },
  {
    claims: /^arch\//,
    subject: "x86: save and restore the state of the CPU",
    body: "Registers, extended state and thread-local storage of a stopped task.",
  },
  {
    claims: /^/,
    subject: "checkpoint: the remaining subsystems",
    body: "Each resource's code stands beside its subsystem.",
  },
];

/** Subject and body of a patch file, in front of its diff. */
export function patchMessage(name: string, text: string): string {
  const head = /^([\s\S]*?)\n(?:---(?: |$)|diff )/m.exec(text)?.[1] ?? "";
  const subject = /^Subject: *(?:\[[^\]]*\] *)?(.+(?:\n[ \t].+)*)/m.exec(head)?.[1]?.replace(/\n[ \t]+/g, " ");
  if (!subject) throw new BuildError(`kernel/patches/${name} has no Subject line`);
  const lines = head.split("\n");
  const start = lines.findIndex((line) => line.startsWith("Subject:"));
  const blank = lines.findIndex((line, i) => i > start && line.trim() === "");
  const isHeader = (line: string) => /^(From|Date|Subject|To|Cc): /.test(line);
  const body = blank < 0 ? [] : lines.slice(blank).filter((line) => !isHeader(line));
  return `${subject}\n\n${body.join("\n").trim()}\n`;
}

function git(cwd: string, ...args: string[]): string {
  const identity = ["-c", "user.name=crlab developers", "-c", "user.email=crlab@localhost"];
  const settings = ["-c", "core.autocrlf=false", "-c", "commit.gpgSign=false", "-c", "core.hooksPath=/dev/null"];
  const result = spawnSync("git", [...identity, ...settings, ...args], {
    cwd,
    encoding: "utf8",
    maxBuffer: 64 << 20,
    env: {
      ...process.env,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      // The same patch set gives the same series.
      GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
      GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z",
    },
  });
  if (result.error)
    throw new BuildError(`cannot start git: ${result.error.message}`, { advice: "apt-get install git" });
  if (result.status !== 0) throw new BuildError(`git ${args[0]} failed: ${(result.stderr || result.stdout).trim()}`);
  return result.stdout;
}

/** A repository that holds, of the pristine tree, just the files that the hooks touch. */
function pristineRepository(source: KernelSource): string {
  const repository = mkdtempSync(join(makeDir(cacheDir("tmp")), "series-"));
  for (const name of hookPatches()) {
    const targets = patchTargets(readFileSync(join(patchesDir, name), "utf8"));
    for (const target of targets) copyPristine(source, target, repository);
  }
  git(repository, "init", "--quiet", "--initial-branch=pristine");
  git(repository, "add", "--all", "--force");
  git(repository, "commit", "--quiet", "--allow-empty", "--message", `Linux ${source.version}`);
  return repository;
}

/** Writes the series into a folder, which is emptied of an earlier one, and answers the patches' paths. */
export function exportSeries(source: KernelSource, outputDir: string): string[] {
  const out = resolve(outputDir);
  mkdirSync(out, { recursive: true });
  const stale = filesUnder(out).filter((path) => /^\d{4}-.*\.patch$/.test(path));
  for (const path of stale) rmSync(join(out, path));
  const repository = pristineRepository(source);
  const commit = (message: string) => {
    git(repository, "add", "--all", "--force");
    git(repository, "commit", "--quiet", "--message", message);
  };
  try {
    let rest = filesUnder(overlayDir);
    for (const part of overlayParts) {
      const own = rest.filter((path) => part.claims.test(path));
      rest = rest.filter((path) => !part.claims.test(path));
      if (own.length === 0) continue;
      for (const path of own) {
        mkdirSync(dirname(join(repository, path)), { recursive: true });
        copyFileSync(join(overlayDir, path), join(repository, path));
      }
      commit(`${part.subject}\n\n${part.body}\n\nSigned-off-by: ${author}\n`);
    }
    for (const name of hookPatches()) {
      applyHook(name, repository, source);
      commit(patchMessage(name, readFileSync(join(patchesDir, name), "utf8")));
    }
    const made = git(repository, "format-patch", "--no-signature", "--output-directory", out, firstCommit(repository));
    return made.trim().split("\n");
  } finally {
    rmSync(repository, { recursive: true, force: true });
  }
}

function firstCommit(repository: string): string {
  return git(repository, "rev-list", "--max-parents=0", "HEAD").trim();
}

/** Applies a series to the pristine files with `git am` and shows the resulting tree to `read`. */
export function applySeries(source: KernelSource, patches: readonly string[], read: (tree: string) => void): void {
  const repository = pristineRepository(source);
  try {
    git(repository, "am", "--quiet", ...patches);
    read(repository);
  } finally {
    rmSync(repository, { recursive: true, force: true });
  }
}
