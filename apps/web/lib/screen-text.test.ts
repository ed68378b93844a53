import { expect, test } from "vitest";
import { screenText, withoutControls } from "./screen-text";

test("lines as a terminal shows them, at most so many", () => {
  expect(screenText("one\r\ntwo\r\nthree\r\n", 2)).toBe("two\nthree");
  expect(screenText("10 %\r20 %\r\na\tb\r\n", 9)).toBe("20 %\na       b");
});

test("a shell's editing leaves what was typed at last, without colours and titles", () => {
  const prompt = "\u001b[?2004h\u001b]0;root@guest\u0007\u001b[01;32mroot@guest\u001b[00m:/# ";
  expect(screenText(`${prompt}ls\b \b\b\u001b[Kpwd\r\n\u001b[?2004l/root\r\n`, 9)).toBe("root@guest:/# pwd\n/root");
  expect(screenText("abc\u001b[2D\u001b[1Pd\u001b[1C!", 9)).toBe("ad !");
  expect(screenText("gone\r\n\u001b[H\u001b[2Jnew", 9)).toBe("new");
});

test("output that stops in the middle of a sequence", () => {
  expect(screenText("text\u001b", 9)).toBe("text");
  expect(screenText("text\u001b]0;never closed", 9)).toBe("text");
  expect(screenText("", 9)).toBe("");
});

test("what firmware does to a screen is left out of a log, and its lines stay", () => {
  expect(withoutControls("\u001bc\u001b[?7l\u001b[2J\u001b[0mSeaBIOS\nLinux\tversion 6.12\n")).toBe(
    "SeaBIOS\nLinux\tversion 6.12\n",
  );
});
