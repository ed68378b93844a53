import { expect, it } from "vitest";
import { formatMs } from "./units.js";

it("says a time in the unit that its rounding is in", () => {
  const said = (ms: number) => formatMs(ms);
  expect([0, 0.0424, 0.9997, 1.04, 9.97, 999.7, 9_999, 59_980].map(said)).toEqual([
    ...["0 ms", "42 us", "1.0 ms", "1.0 ms", "10 ms", "1.00 s", "10.0 s", "1 min 0 s"],
  ]);
  expect([119_700, 3_599_400, 3_599_600, 12_345_678].map(said)).toEqual([
    ...["2 min 0 s", "59 min 59 s", "1 h 0 min", "3 h 26 min"],
  ]);
});
