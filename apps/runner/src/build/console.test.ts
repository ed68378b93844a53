import { expect, it } from "vitest";
import { isSource } from "./console.js";

it.each([".next/BUILD_ID", "next-env.d.ts", "node_modules/next/package.json", "lib/time.test.ts"])(
  "pages are not made of %s",
  (path) => expect(isSource(path)).toBe(false),
);
it.each(["app/page.tsx", "global.d.ts", "tsconfig.json"])("pages are made of %s", (path) =>
  expect(isSource(path)).toBe(true),
);
