import { expect, test } from "vitest";
import { optionsNotTaken, parseConfig } from "./kconfig.js";

test("an option that is not set is off", () => {
  expect([...parseConfig('CONFIG_A=y\n# CONFIG_B is not set\n# a remark\nCONFIG_C="x"\n')]).toEqual([
    ["CONFIG_A", "y"],
    ["CONFIG_B", "n"],
    ["CONFIG_C", '"x"'],
  ]);
});

test("options that did not take are named with what became of them; later fragments win", () => {
  const config = "CONFIG_A=y\n# CONFIG_B is not set\n";
  expect(optionsNotTaken(["CONFIG_A=y\nCONFIG_B=n\nCONFIG_GONE=n\n"], config)).toEqual([]);
  expect(optionsNotTaken(["CONFIG_B=n\n", "CONFIG_B=y\nCONFIG_GONE=y\n"], config)).toEqual([
    "CONFIG_B=y (is n)",
    "CONFIG_GONE=y (is not there)",
  ]);
});
