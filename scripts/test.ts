/**
 * `npm test [SUITE…]`: sets up, runs every suite (unit, selftests, guest, playwright) or the named ones, ends with one
 * line `N passed, N failed` counted from their own reports. Only when named run `selftests-debug`, whose kernel, with KASAN
 * and lockdep, takes long to build, and the selftests on another number of CPUs.
 */
import type { LabKernel } from "@crlab/shared";
import { BuildError } from "../apps/runner/src/build/errors.js";
import { setUp } from "../apps/runner/src/build/setup.js";
import { humanSeconds, reportFailure } from "../apps/runner/src/build/stages.js";
import type { Place } from "./suites/selftests.js";
import { judged, type SuiteResult } from "./suites/suite.js";

interface Suite {
  kernels: readonly LabKernel[];
  /** Runs only when named: it takes long, or is much like another. */
  onRequest?: boolean;
  console?: boolean;
  run: () => Promise<SuiteResult>;
}

const selftests = (place: Place): Suite => ({
  kernels: [place.variant],
  run: async () => (await import("./suites/selftests.js")).runSelftests(place),
});

const suites: Readonly<Record<string, Suite>> = {
  unit: { kernels: [], run: async () => (await import("./suites/vitest.js")).runVitest("unit") },
  selftests: selftests({ variant: "cr", cpus: 2 }),
  "selftests-one-cpu": { ...selftests({ variant: "cr", cpus: 1 }), onRequest: true },
  "selftests-four-cpus": { ...selftests({ variant: "cr", cpus: 4 }), onRequest: true },
  "selftests-debug": { ...selftests({ variant: "debug", cpus: 2 }), onRequest: true },
  guest: { kernels: ["cr", "base"], run: async () => (await import("./suites/vitest.js")).runVitest("guest") },
  playwright: {
    kernels: ["cr", "base"],
    console: true,
    run: async () => (await import("./suites/playwright.js")).runPlaywright(),
  },
};

function chosen(names: readonly string[]): [string, Suite][] {
  const unknown = names.filter((name) => !Object.hasOwn(suites, name));
  if (unknown.length > 0) {
    throw new BuildError(`no test suite "${unknown.join('", "')}"`, {
      advice: `There are ${Object.keys(suites).join(", ")}.`,
    });
  }
  return Object.entries(suites).filter(([name, suite]) =>
    names.length === 0 ? !suite.onRequest : names.includes(name),
  );
}

async function runSuite(name: string, suite: Suite): Promise<SuiteResult> {
  const started = performance.now();
  process.stderr.write(`\n── ${name}\n`);
  const result = await suite.run().catch((error: unknown): SuiteResult => {
    reportFailure(error);
    return { passed: 0, skipped: 0, failures: [`${name}: crashed: ${error instanceof Error ? error.message : error}`] };
  });
  const verdict = judged(name, result);
  for (const failure of verdict.failures) process.stderr.write(`✗ ${failure}\n`);
  const skipped = verdict.skipped > 0 ? `, ${verdict.skipped} skipped` : "";
  const took = humanSeconds((performance.now() - started) / 1000);
  process.stderr.write(`── ${name}: ${verdict.passed} passed, ${verdict.failures.length} failed${skipped} (${took})\n`);
  return verdict;
}

try {
  const todo = chosen(process.argv.slice(2));
  const kernels = (["cr", "base", "debug"] as const).filter((variant) =>
    todo.some(([, s]) => s.kernels.includes(variant)),
  );
  if (kernels.length > 0) await setUp({ kernels, console: todo.some(([, s]) => s.console) });
  let passed = 0;
  const failures: string[] = [];
  for (const [name, suite] of todo) {
    const result = await runSuite(name, suite);
    passed += result.passed;
    failures.push(...result.failures);
  }
  // Once more, and last: who reads only the end of a long log learns what failed.
  for (const failure of failures) process.stdout.write(`\n✗ ${failure}`);
  process.stdout.write(`\n${passed} passed, ${failures.length} failed\n`);
  process.exit(failures.length === 0 ? 0 : 1);
} catch (error) {
  reportFailure(error);
  process.stdout.write("\n0 passed, 1 failed\n");
  process.exit(1);
}
