/** A few cuts; `npm run test:powercut` does as many as you like. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ensureImage, ensureKernel } from "../build/index.js";
import { powerCuts } from "./powercut.js";

describe.each(["ext4", "btrfs"] as const)("a power cut while files are relinked on %s", (fs) => {
  it("leaves the filesystem clean, and every image that was reported whole", async () => {
    const quiet = () => undefined;
    const seed = Date.now() % 2 ** 32;
    const dir = join(mkdtempSync(join(tmpdir(), "crlab-powercut-")), "work");
    const [kernel, image] = [await ensureKernel("cr", quiet), await ensureImage(quiet)];
    const result = await powerCuts({ kernel, image, dir, fs, cuts: 3, seed });
    expect(result.failures, `seed ${seed}`).toEqual([]);
    expect(result.cuts).toBe(3);
  });
});
