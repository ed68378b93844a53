/** TAP, as the guest selftests speak it. */
import type { SuiteResult } from "./suite.js";

/** The exit status by which a program says that it does not apply here. */
const SKIPPED = 77;

/** Counts a program's test points; a plan not kept, a bail-out or a bad exit is a failure of its own. */
export function readTap(
  program: string,
  output: string,
  ended: { exitCode: number | null; signal: number | string | null },
): SuiteResult {
  const failures: string[] = [];
  let passed = 0;
  let skipped = 0;
  let planned: number | undefined;
  for (const line of output.split(/\r?\n/)) {
    const plan = /^1\.\.(\d+)(?:\s+#\s*SKIP\b.*)?$/i.exec(line);
    const point = /^(ok|not ok)\b\s*\d*\s*(?:- )?(.*)$/.exec(line);
    if (plan) planned = Number(plan[1]);
    else if (/^Bail out!/.test(line)) failures.push(`${program}: ${line}`);
    else if (point) {
      const description = point[2] ?? "";
      if (/#\s*skip\b/i.test(description)) skipped += 1;
      else if (point[1] === "ok") passed += 1;
      else if (/#\s*todo\b/i.test(description)) skipped += 1;
      else failures.push(`${program}: ${description}`);
    }
  }
  if (ended.exitCode === SKIPPED && failures.length === 0) return { passed, skipped: Math.max(skipped, 1), failures };
  const seen = passed + skipped + failures.length;
  if (planned === undefined) failures.push(`${program}: stated no plan`);
  else if (seen !== planned) failures.push(`${program}: planned ${planned} tests, ran ${seen}`);
  if (ended.signal !== null) failures.push(`${program}: ended by signal ${ended.signal}`);
  else if (ended.exitCode !== 0 && failures.length === 0) failures.push(`${program}: exit ${ended.exitCode}`);
  return { passed, skipped, failures };
}
