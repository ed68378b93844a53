import { expect, test } from "vitest";
import { humanSeconds, nextExpectation, stageLine } from "./stages.js";

test("durations read as people say them", () => {
  expect([0.4, 59.4, 60, 75, 3600].map(humanSeconds)).toEqual(["0 s", "59 s", "1 min", "1 min 15 s", "60 min"]);
});

test("a stage's line says what, how long, how long still, what it is at, and fits the terminal", () => {
  const at = { name: "kernel cr", elapsedS: 62, expectedS: 480, doing: "CC fs/open.o" };
  expect(stageLine(at, 80)).toBe("… kernel cr: 1 min 2 s of about 8 min  CC fs/open.o");
  expect(stageLine({ ...at, expectedS: undefined }, 20)).toBe("… kernel cr: 1 min …");
});

test("one short run does not make the next whole one look overdue", () => {
  expect(nextExpectation(undefined, 30)).toBe(30);
  expect(nextExpectation(480, 3)).toBe(336);
  expect(nextExpectation(3, 480)).toBe(480);
});
