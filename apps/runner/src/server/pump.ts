/** Runs one piece of work at a time, and once more if it was asked for meanwhile. */
export class Pump {
  #running = false;
  #again = false;
  #stopped = false;

  constructor(
    private readonly work: () => Promise<void>,
    private readonly failed: (error: unknown) => void,
  ) {}

  get stopped(): boolean {
    return this.#stopped;
  }

  kick(): void {
    if (this.#stopped) return;
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        await this.work();
      }
    } catch (error) {
      if (!this.#stopped) this.failed(error);
    } finally {
      this.#running = false;
    }
  }
}
