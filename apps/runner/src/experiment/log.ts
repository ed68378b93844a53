/** One experiment's log while it is open: appends, keeps the view, tells subscribers what is on disk. */
import { type ExperimentView, emptyView, fold, type LogEvent, type NewEvent } from "@crlab/shared";
import { LogDigest } from "../store/identity.js";
import { readEvents, type Store } from "../store/index.js";

/** Events kept at hand for subscribers that are nearly up to date. */
const RECENT = 1000;

export class ExperimentLog {
  /** With everything appended, stored or not. */
  view: ExperimentView = emptyView;
  /** Up to here the log is on disk, and may be shown. */
  storedSeq = 0;
  /** Set when the log could not be written: nothing follows. */
  failure: Error | undefined;
  /** Called when that happens. */
  onFailure: () => void = () => {};
  readonly #store: Store;
  readonly #owner: string;
  readonly #startedMs = performance.now();
  readonly #listeners = new Set<() => void>();
  #recent: LogEvent[] = [];
  #nextSeq = 1;
  #lastMs = 0;
  readonly #digest = new LogDigest();

  constructor(
    store: Store,
    readonly id: string,
    owner: string,
  ) {
    this.#store = store;
    this.#owner = owner;
  }

  /** Resolved when the events are on disk. They take effect on `view` at once. */
  async append(...added: NewEvent[]): Promise<void> {
    if (this.failure) throw this.failure;
    const atMs = this.#stamp(added);
    const events = added.map((event): LogEvent => this.#seal({ ...event, seq: this.#nextSeq++, atMs }));
    for (const event of events) this.view = fold(this.view, event);
    try {
      await this.#store.append(this.id, events, this.#owner);
    } catch (error) {
      throw this.#fail(error);
    }
    const shown = events.filter((event) => event.type !== "terminal.output");
    this.storedSeq = events.at(-1)?.seq ?? this.storedSeq;
    if (shown.length === 0) return;
    this.#recent = [...this.#recent, ...shown].slice(-RECENT);
    for (const listener of this.#listeners) listener();
  }

  /** Keeps what a terminal puts out, at once, until it is appended in chunks. */
  jot(terminal: number, offset: number, bytes: Buffer): void {
    if (this.failure) throw this.failure;
    try {
      this.#store.jot({ experiment: this.id, terminal }, this.#nowMs(), offset, bytes);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** When they happened. A step begins later than all before it did, so that a link can speak of what was between two. */
  #stamp(added: readonly NewEvent[]): number {
    const earliest = this.#lastMs + (added.some((event) => event.type === "step.started") ? 1 : 0);
    this.#lastMs = Math.max(earliest, this.#nowMs());
    return this.#lastMs;
  }

  #nowMs(): number {
    return Math.round(performance.now() - this.#startedMs);
  }

  #fail(error: unknown): Error {
    if (this.failure) return this.failure;
    this.failure = error instanceof Error ? error : new Error(String(error));
    this.onFailure();
    for (const listener of this.#listeners) listener();
    return this.failure;
  }

  /** The end says what the log was. */
  #seal(event: LogEvent): LogEvent {
    this.#digest.add(event);
    const over = event.type === "experiment.ended" || event.type === "experiment.interrupted";
    return over ? { ...event, logDigest: this.#digest.value } : event;
  }

  /** Stored events after `since`, without terminals' bytes; at most `limit`. */
  async read(since: number, limit: number): Promise<LogEvent[]> {
    const first = this.#recent[0];
    if (first !== undefined && first.seq <= since + 1)
      return this.#recent.filter((event) => event.seq > since).slice(0, limit);
    return readEvents(this.#store.db, this.id, { since, limit });
  }

  /** Called whenever more of what `read` gives is on disk, or nothing can follow. Returns what ends it. */
  onStored(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
