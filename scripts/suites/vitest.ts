/** One vitest project as a suite. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { z } from "zod";
import { repoRoot } from "../../apps/runner/src/build/paths.js";
import type { SuiteResult } from "./suite.js";

const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

/** Runs the project and reads what it came to from its JSON report, not from its exit status alone. */
export async function runVitest(project: string): Promise<SuiteResult> {
  const dir = mkdtempSync(join(tmpdir(), "crlab-vitest-"));
  try {
    const reportPath = join(dir, "report.json");
    const vitest = join(repoRoot, "node_modules/vitest/vitest.mjs");
    const args = [
      vitest,
      "run",
      "--project",
      project,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${reportPath}`,
    ];
    const child = spawn(process.execPath, args, { cwd: repoRoot, stdio: ["ignore", 2, 2] });
    const exitCode = await new Promise<number | null>((resolve) => child.on("close", resolve));
    if (!existsSync(reportPath))
      return { passed: 0, skipped: 0, failures: [`${project}: vitest crashed (exit ${exitCode})`] };
    const result = readReport(report.parse(JSON.parse(readFileSync(reportPath, "utf8"))));
    if (exitCode === 0 || result.failures.length > 0) return result;
    return { ...result, failures: [`${project}: vitest exited with ${exitCode}`] };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function readReport({ testResults }: z.infer<typeof report>): SuiteResult {
  const failures: string[] = [];
  let passed = 0;
  let skipped = 0;
  for (const file of testResults) {
    const path = relative(repoRoot, file.name);
    for (const assertion of file.assertionResults) {
      if (assertion.status === "passed") passed += 1;
      else if (assertion.status === "failed") failures.push(`${path}: ${assertion.fullName}`);
      else skipped += 1;
    }
    const failed = file.assertionResults.some((assertion) => assertion.status === "failed");
    if (file.status === "failed" && !failed)
      failures.push(`${path}: ${file.message?.split("\n")[0] || "did not load"}`);
  }
  return { passed, skipped, failures };
}
