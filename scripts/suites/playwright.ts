/** The end-to-end tests as a suite. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { repoRoot } from "../../apps/runner/src/build/paths.js";
import type { SuiteResult } from "./suite.js";

const spec = z.object({ title: z.string(), file: z.string(), tests: z.array(z.object({ status: z.string() })) });
interface Group {
  specs: z.infer<typeof spec>[];
  suites?: Group[] | undefined;
}
const group: z.ZodType<Group> = z.object({ specs: z.array(spec), suites: z.lazy(() => z.array(group)).optional() });
const report = z.object({ suites: z.array(group), errors: z.array(z.object({ message: z.string().optional() })) });

/** Runs Playwright and reads what it came to from its JSON report. */
export async function runPlaywright(): Promise<SuiteResult> {
  const dir = mkdtempSync(join(tmpdir(), "crlab-playwright-"));
  try {
    const reportPath = join(dir, "report.json");
    const cli = join(repoRoot, "node_modules/@playwright/test/cli.js");
    const child = spawn(process.execPath, [cli, "test", "--reporter=line,json"], {
      cwd: join(repoRoot, "playwright"),
      env: { ...process.env, PLAYWRIGHT_JSON_OUTPUT_NAME: reportPath, PLAYWRIGHT_JSON_OUTPUT_FILE: reportPath },
      stdio: ["ignore", 2, 2],
    });
    const exitCode = await new Promise<number | null>((resolve) => child.on("close", resolve));
    if (!existsSync(reportPath)) return { passed: 0, skipped: 0, failures: [`playwright: crashed (exit ${exitCode})`] };
    const result = readReport(report.parse(JSON.parse(readFileSync(reportPath, "utf8"))));
    if (exitCode === 0 || result.failures.length > 0) return result;
    return { ...result, failures: [`playwright: exited with ${exitCode}`] };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function readReport({ suites, errors }: z.infer<typeof report>): SuiteResult {
  const failures = errors.map((error) => `playwright: ${error.message?.split("\n")[0] ?? "unknown error"}`);
  let passed = 0;
  let skipped = 0;
  const walk = (groups: readonly Group[]) => {
    for (const { specs, suites: inner } of groups) {
      for (const { title, file, tests } of specs) {
        for (const { status } of tests) {
          // A test that passes only now and then is not a test that passes.
          if (status === "expected") passed += 1;
          else if (status === "skipped") skipped += 1;
          else failures.push(`${file}: ${title}${status === "flaky" ? " (flaky)" : ""}`);
        }
      }
      walk(inner ?? []);
    }
  };
  walk(suites);
  return { passed, skipped, failures };
}
