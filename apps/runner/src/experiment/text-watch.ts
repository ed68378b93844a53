/** Waits for a line on a terminal. Patterns come from people: each match has a time limit. */
import { createContext, Script } from "node:vm";
import { StepError } from "./errors.js";
import type { LiveTerminal } from "./terminal.js";

const MATCH_LIMIT_MS = 1000;
/** Of one pattern, over all lines: nothing else is done meanwhile. */
const MATCHES_LIMIT_MS = 2000;
const LINE_LIMIT = 4096;

export interface FoundLine {
  text: string;
  /** Position in the terminal's output after the line. */
  end: number;
}

export type LineTest = (line: string) => boolean;

/** A person's regular expression as a test that cannot hang the runner. */
export function patternTest(pattern: string): LineTest {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern);
  } catch (error) {
    throw new StepError("pattern.invalid", `/${pattern}/ is not a regular expression: ${String(error)}`);
  }
  const context = createContext({ expression, line: "" });
  const script = new Script("expression.test(line)");
  const tooSlow = (howSlow: string) =>
    new StepError("pattern.slow", `/${pattern}/ took more than ${howSlow}`, {
      hint: "nested repetitions such as (a+)+ do that; write a simpler pattern",
    });
  let spentMs = 0;
  return (line) => {
    if (spentMs > MATCHES_LIMIT_MS) throw tooSlow(`${MATCHES_LIMIT_MS} ms on the lines that came`);
    context.line = line;
    const began = performance.now();
    try {
      return script.runInContext(context, { timeout: MATCH_LIMIT_MS }) === true;
    } catch {
      throw tooSlow(`${MATCH_LIMIT_MS} ms on one line`);
    } finally {
      spentMs += performance.now() - began;
    }
  };
}

/** The first complete line from `offset` on that passes the test. */
function findLine(terminal: LiveTerminal, offset: number, test: LineTest): FoundLine | { scanned: number } {
  const start = Math.max(offset, terminal.ringStart);
  const bytes = terminal.slice(start, Number.MAX_SAFE_INTEGER);
  let at = 0;
  for (;;) {
    const end = bytes.indexOf(10, at);
    if (end < 0) return { scanned: start + at };
    const text = plainText(bytes.subarray(at, Math.min(end, at + LINE_LIMIT)).toString("utf8"));
    at = end + 1;
    if (test(text)) return { text, end: start + at };
  }
}

/** Resolves with the first line from `offset` on that passes; rejects when `giveUp` does. */
export function waitForLine(
  terminal: LiveTerminal,
  offset: number,
  test: LineTest,
  giveUp: Promise<never>,
): Promise<FoundLine> {
  let position = offset;
  return new Promise<FoundLine>((resolve, reject) => {
    const look = () => {
      try {
        const found = findLine(terminal, position, test);
        if ("scanned" in found) {
          position = found.scanned;
          return;
        }
        stop();
        resolve(found);
      } catch (error) {
        stop();
        reject(error);
      }
    };
    const stop = terminal.onChange(look);
    giveUp.catch((error: unknown) => {
      stop();
      reject(error);
    });
    look();
  });
}

/** Without escape sequences and carriage returns. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are made of them
  return text.replace(/\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*(?:\x07|\x1b\\)|[@-Z\\-_])/g, "").replace(/\r/g, "");
}
