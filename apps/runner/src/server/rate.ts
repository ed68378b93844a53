/** A token bucket: so many units a second, with room for a burst. */
export class Bucket {
  #tokens: number;
  #lastMs = performance.now();

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
  ) {
    this.#tokens = burst;
  }

  take(units: number): boolean {
    const now = performance.now();
    this.#tokens = Math.min(this.burst, this.#tokens + ((now - this.#lastMs) / 1000) * this.perSecond);
    this.#lastMs = now;
    if (this.#tokens < units) return false;
    this.#tokens -= units;
    return true;
  }
}
