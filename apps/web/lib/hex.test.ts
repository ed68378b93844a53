import { expect, test } from "vitest";
import { hexByte, hexLines } from "./hex";

test("bytes stand at their offsets, text beside them", () => {
  const lines = hexLines(btoa("\x7fELF\x02\x01\x01\0more"), 0x40);
  expect(lines.map((line) => line.offset)).toEqual([0x40, 0x48]);
  expect(lines[0]?.bytes.map(hexByte).join(" ")).toBe("7f 45 4c 46 02 01 01 00");
  expect(lines.map((line) => line.text)).toEqual([".ELF....", "more"]);
});
