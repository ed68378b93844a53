import { expect, it } from "vitest";
import { decodeTerminalFrame, encodeTerminalFrame } from "./frame.js";

const frame = { experiment: "abcDEF123456", terminal: 7, offset: 2 ** 40 + 3, bytes: new Uint8Array([1, 2, 255]) };

it("comes back as it was", () => {
  expect(decodeTerminalFrame(encodeTerminalFrame(frame))).toEqual(frame);
});

it("is refused with a reason when it is anything else", () => {
  const bytes = encodeTerminalFrame(frame);
  const edited = (at: number, value: number) => bytes.with(at, value);
  expect(decodeTerminalFrame(bytes.subarray(0, 31))).toContain("at least 32 bytes");
  expect(decodeTerminalFrame(edited(0, 9))).toContain("version 9");
  expect(decodeTerminalFrame(edited(2, 1))).toContain("reserved");
  expect(decodeTerminalFrame(edited(8, 0x2f))).toContain("id is malformed");
  expect(decodeTerminalFrame(edited(31, 0xff))).toContain("too large");
});
