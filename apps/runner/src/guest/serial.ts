/** The guest's serial console: its latest text, and the kernel's complaints in it. */
import type { Readable } from "node:stream";
import { isKernelTrouble } from "@crlab/shared";

const KEPT_CHARACTERS = 256 * 1024;
const MAX_LINE = 4096;
const MAX_PROBLEMS = 200;

export class SerialConsole {
  /** The end of what was printed. */
  text = "";
  /** Lines that mean a kernel bug. */
  readonly problems: string[] = [];
  #line = "";
  readonly #listeners = new Set<(text: string) => void>();

  constructor(stream: Readable) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => this.#receive(text));
    stream.on("error", () => undefined);
  }

  onText(listener: (text: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The latest lines, for an error message. */
  lastLines(count: number): string {
    return this.text.trimEnd().split(/\r?\n/).slice(-count).join("\n");
  }

  #receive(text: string): void {
    this.text = (this.text + text).slice(-KEPT_CHARACTERS);
    const lines = (this.#line + text).split(/\r?\n/);
    this.#line = (lines.pop() ?? "").slice(-MAX_LINE);
    for (const line of lines)
      if (this.problems.length < MAX_PROBLEMS && isKernelTrouble(line)) this.problems.push(line.trim());
    for (const listener of this.#listeners) listener(text);
  }
}
