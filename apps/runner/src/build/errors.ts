/** A build that failed: what failed, the end of its log, and what to do next. */
export class BuildError extends Error {
  override readonly name = "BuildError";
  readonly advice: string | undefined;
  readonly logPath: string | undefined;
  readonly logTail: readonly string[];

  constructor(what: string, more: { advice?: string; logPath?: string; logTail?: readonly string[] } = {}) {
    super(what);
    this.advice = more.advice;
    this.logPath = more.logPath;
    this.logTail = more.logTail ?? [];
  }

  /** The whole report, as a person wants to read it. */
  report(): string {
    const lines = [this.message];
    for (const line of this.logTail) lines.push(`    ${line}`);
    if (this.logPath) lines.push(`The whole log: ${this.logPath}`);
    if (this.advice) lines.push(this.advice);
    return lines.join("\n");
  }
}
