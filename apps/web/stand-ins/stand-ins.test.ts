import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { NEXT_NAV_DEPLOYMENT_ID_HEADER } from "./constants";

const { resolve } = createRequire(import.meta.url);

/** What one of Next.js's modules exports. Read, not loaded: it is made for browsers. */
function namesOf(module: string): string[] {
  const text = readFileSync(resolve(module), "utf8");
  const several = /0 && \(module\.exports = \{([^}]*)\}/.exec(text)?.[1];
  if (several === undefined) return [/defineProperty\(exports, "(\w+)", \{\s*enumerable/.exec(text)?.[1] ?? ""];
  return [...several.matchAll(/(\w+): null/g)].map(([, name = ""]) => name);
}

function ourNames(file: string): string[] {
  const text = readFileSync(new URL(file, import.meta.url), "utf8");
  return [...text.matchAll(/^export const (\w+)/gm)].map(([, name = ""]) => name);
}

it.each([
  ["client/components/segment-cache/scheduler", "./prefetching.ts", "schedulePrefetchTask"],
  ["client/components/prefetch", "./prefetching.ts", "prefetchRoute"],
  ["client/components/segment-cache/optimistic-routes", "./known-routes.ts", "discoverKnownRoute"],
  ["client/components/router-reducer/reducers/server-action-reducer", "./server-actions.ts", "serverActionReducer"],
  ["shared/lib/router/utils/interception-routes", "./interception-routes.ts", "isInterceptionRouteAppPath"],
])("what stands in for %s has all that it has", (module, file, one) => {
  const names = namesOf(`next/dist/${module}`);
  expect(names).toContain(one);
  expect(ourNames(file)).toEqual(expect.arrayContaining(names));
});

it("of its constants, those that Next.js uses in a browser are what they are there", () => {
  const text = readFileSync(resolve("next/dist/lib/constants"), "utf8");
  expect(text).toContain(`const NEXT_NAV_DEPLOYMENT_ID_HEADER = '${NEXT_NAV_DEPLOYMENT_ID_HEADER}'`);
  const used = ["segment-cache/cache", "router-reducer/fetch-server-response"].flatMap((module) =>
    Array.from(
      readFileSync(resolve(`next/dist/client/components/${module}`), "utf8").matchAll(/_constants\.(\w+)/g),
      ([, name]) => name,
    ),
  );
  expect([...new Set(used)]).toEqual(ourNames("./constants.ts"));
});
