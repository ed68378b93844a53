import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { failedHunks, patchTargets, touchedFiles } from "./patchset.js";
import { applySeries, exportSeries, patchMessage } from "./series.js";
import { ensureSource } from "./source.js";

test("the exported series applies to the pristine tree and gives what is built", async () => {
  const source = await ensureSource(() => undefined);
  const out = mkdtempSync(join(tmpdir(), "crlab-series-"));
  try {
    const patches = exportSeries(source, out);
    const expected = touchedFiles(source);
    applySeries(source, patches, (tree) => {
      for (const [path, content] of expected) {
        const full = join(tree, path);
        expect(existsSync(full) ? readFileSync(full, "utf8") : undefined, path).toBe(content?.toString("utf8"));
      }
    });
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

test("a patch's message is its subject and its body, without the mail's headers", () => {
  const text =
    "From: A <a@b>\nSubject: [PATCH 3/4] fs: one\n two\n\nWhy.\n\nSigned-off-by: A <a@b>\n---\n--- a/x\n+++ b/x\n";
  expect(patchMessage("x.patch", text)).toBe("fs: one two\n\nWhy.\n\nSigned-off-by: A <a@b>\n");
  expect(() => patchMessage("x.patch", "--- a/x\n+++ b/x\n")).toThrow("kernel/patches/x.patch has no Subject line");
});

test("a patch's targets are the files of the kernel it speaks of", () => {
  const patch = "--- a/fs/open.c\t2026\n+++ b/fs/open.c\n@@ -1 +1 @@\n--- /dev/null\n+++ b/fs/new.c\n";
  expect(patchTargets(patch)).toEqual(["fs/open.c", "fs/new.c"]);
});

test("hunks that do not apply are named by file, number and line", () => {
  const said = "patching file fs/open.c\nHunk #1 succeeded at 10.\nHunk #2 FAILED at 117.\n1 out of 2 hunks FAILED\n";
  expect(failedHunks(said)).toEqual(["fs/open.c, hunk 2 (line 117)"]);
});
