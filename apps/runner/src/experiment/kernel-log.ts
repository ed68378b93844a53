/** The guest's serial console, put into the log in pieces of whole lines. */
import type { ExperimentLog } from "./log.js";

const AFTER_MS = 200;
const MAX_CHARS = 512 * 1024;

export class KernelLog {
  #text = "";
  #chars = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly log: ExperimentLog) {}

  add(text: string): void {
    if (this.#chars > MAX_CHARS) return;
    this.#chars += text.length;
    this.#text += text.replace(/\r/g, "");
    if (this.#chars > MAX_CHARS) this.#text += "\n[the rest of the kernel log is not kept]\n";
    this.#timer ??= setTimeout(() => void this.#put(false), AFTER_MS);
  }

  async flush(): Promise<void> {
    await this.#put(true);
  }

  async #put(all: boolean): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const end = all ? this.#text.length : this.#text.lastIndexOf("\n") + 1;
    const text = this.#text.slice(0, end);
    this.#text = this.#text.slice(end);
    if (text.trim() !== "") await this.log.append({ type: "kernel.log", text }).catch(() => {});
  }
}
