import { describe, expect, it } from "vitest";
import { judge, readCheck, seeded } from "./powercut.js";

const clean = "whole 1 verify: ok fd 3\nwhole 2 verify: ok fd 3\nfsck 0\nall is well\n";

describe("what is found after a power cut", () => {
  it("is well when reported images are whole and fsck is content", () => {
    expect(judge(new Set(["1"]), new Set(), readCheck(clean))).toEqual([]);
  });

  it("is not when a reported image is gone", () => {
    expect(judge(new Set(["1", "3"]), new Set(), readCheck(clean))).toEqual([
      "image 3 was reported complete and is lost",
    ]);
  });

  it("is not when contents are wrong, an image is damaged or fsck complains", () => {
    const output = "whole 1 verify: FAIL fd 3\ndamaged 2 truncated\nfsck 4\nbad block\n";
    const failures = judge(new Set(), new Set(), readCheck(output));
    expect(failures).toHaveLength(3);
    expect(failures.join("\n")).toContain("bad block");
  });

  it("is not when an image is there that does not restore, unless a restart had begun with it", () => {
    const found = readCheck("lost 4 no such file\nfsck 0\n");
    expect(judge(new Set(), new Set(), found)).toEqual(["lost 4 no such file"]);
    expect(judge(new Set(), new Set(["4"]), found)).toEqual([]);
  });

  it("comes again with the same seed", () => {
    const [one, two, other] = [seeded(7), seeded(7), seeded(8)];
    const numbers = Array.from({ length: 5 }, one);
    expect(Array.from({ length: 5 }, two)).toEqual(numbers);
    expect(Array.from({ length: 5 }, other)).not.toEqual(numbers);
    expect(numbers.every((n) => n >= 0 && n < 1)).toBe(true);
  });
});
