/** What a test suite came to. */
export interface SuiteResult {
  passed: number;
  skipped: number;
  /** One line for each test that failed, and one for each way in which the suite itself broke. */
  failures: readonly string[];
}

/** A suite that ran no test at all proves nothing: that is a failure. */
export function judged(name: string, result: SuiteResult): SuiteResult {
  if (result.passed + result.failures.length > 0) return result;
  return { ...result, failures: [`${name}: ran no test`] };
}
