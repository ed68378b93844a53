import { expect, test } from "vitest";
import { player } from "./player";

const part = (atMs: number, text: string) => ({ atMs, bytes: new TextEncoder().encode(text) });
const decode = (data: string | Uint8Array) => (typeof data === "string" ? data : new TextDecoder().decode(data));

test("going back shows what was there then, though what was written last has not been drawn yet", () => {
  // As a terminal does: what is written is drawn later, in order.
  const queue: (string | Uint8Array)[] = [];
  let atMs = 30;
  const draw = player(
    (data) => queue.push(data),
    [part(10, "a"), part(20, "b"), part(30, "c")],
    () => atMs,
  );
  draw();
  atMs = 15;
  draw();
  atMs = 25;
  draw();
  const shown = queue.map(decode).reduce((screen, text) => (text === "\x1bc" ? "" : screen + text), "");
  expect(shown).toBe("ab");
});
