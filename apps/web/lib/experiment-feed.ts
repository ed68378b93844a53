/** One experiment as a page follows it: what it was served with, then what the runner sends. */
import type { ExperimentView, LogEvent, NamedError } from "@crlab/shared";
import { nextFrame } from "./next-frame";
import { parts } from "./parts";
import { RequestError, type RunnerSocket } from "./runner-socket";

export interface FeedSnapshot {
  view: ExperimentView;
  /** What the runner says; before that, what the page was served with. */
  mayDrive: boolean;
  watchers: number | null;
  idleEndsAt: string | null;
  /** True once the runner has sent everything it has. */
  inStep: boolean;
}

type Fold = (view: ExperimentView, event: LogEvent) => ExperimentView;

/** Events come in bursts, and to show each by itself would cost the page more than all of them together. */
const GATHER_MS = 50;

export class ExperimentFeed {
  private snapshot: FeedSnapshot;
  /** As far as the log tells. */
  private logged: ExperimentView;
  /** Why it has come to an end that no log can tell. */
  private unwritable: NamedError | undefined;
  private readonly listeners = new Set<() => void>();
  /** Events are taken in one batch after the other. */
  private adding: Promise<void> = Promise.resolve();
  private gathered: LogEvent[] = [];
  private takenMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly socket: RunnerSocket,
    readonly experiment: string,
    /** As far as it is known. */
    view: ExperimentView,
    mayDrive: boolean,
  ) {
    this.logged = view;
    this.snapshot = { view, mayDrive, watchers: null, idleEndsAt: null, inStep: false };
  }

  readonly current = (): FeedSnapshot => this.snapshot;

  readonly onChange = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Follows the experiment, over reconnects too, until the returned function is called. */
  follow(): () => void {
    const stopMessages = this.socket.onMessage((message) => {
      if (message.type === "events" && message.experiment === this.experiment) this.append(message.events);
      else if (message.type === "watchers" && message.experiment === this.experiment) {
        this.change({ watchers: message.count, idleEndsAt: message.idleEndsAt ?? null });
        if (this.unwritable?.message === message.unwritable?.message) return;
        this.unwritable = message.unwritable;
        this.takeGathered();
      }
    });
    const stopState = this.socket.onState(() => this.subscribe());
    this.subscribe();
    return () => {
      stopMessages();
      stopState();
      this.socket.request({ type: "unsubscribe", experiment: this.experiment }).catch(() => undefined);
    };
  }

  private subscribe(): void {
    if (this.socket.linkState().kind !== "open") {
      if (this.snapshot.inStep) this.change({ inStep: false });
      return;
    }
    this.adding
      .then(() => this.socket.request({ type: "subscribe", experiment: this.experiment, since: this.logged.lastSeq }))
      .then((reply) => this.change({ mayDrive: reply.mayDrive ?? false, inStep: true }))
      .catch((error: unknown) => {
        if (!(error instanceof RequestError)) throw error;
        // Read-only is right whenever the runner does not know better; one that was cut off has not said so.
        const mayDrive = this.snapshot.mayDrive && this.socket.linkState().kind !== "open";
        this.change({ mayDrive, inStep: false });
      });
  }

  private append(events: readonly LogEvent[]): void {
    const first = this.gathered.length === 0;
    this.gathered.push(...events);
    // Somebody waits for these, and can do nothing before.
    const urgent = events.some(({ type }) => type === "guest.booted" || type === "terminal.opened");
    if (!first && !urgent) return;
    const waitMs = urgent ? 0 : this.takenMs + GATHER_MS - performance.now();
    if (waitMs > 0) setTimeout(() => this.takeGathered(), waitMs);
    else nextFrame(() => this.takeGathered());
  }

  private takeGathered(): void {
    this.adding = this.adding
      .then(async () => {
        const { fold } = await parts.folding();
        const events = this.gathered;
        this.gathered = [];
        this.takenMs = performance.now();
        this.take(events, fold);
      })
      .catch((error: unknown) => console.error("crlab: a part of the page:", error));
  }

  private take(events: readonly LogEvent[], fold: Fold): void {
    this.logged = events.filter((event) => event.seq > this.logged.lastSeq).reduce(fold, this.logged);
    this.change({ view: this.unwritable ? cutShort(this.logged, this.unwritable, fold) : this.logged });
  }

  private change(part: Partial<FeedSnapshot>): void {
    const next = { ...this.snapshot, ...part };
    if (isAlike(next, this.snapshot)) return;
    this.snapshot = next;
    for (const listener of this.listeners) listener();
  }
}

/** As the log will say once it can. */
function cutShort(view: ExperimentView, { message }: NamedError, fold: Fold): ExperimentView {
  if (view.status === "ended" || view.status === "interrupted") return view;
  const { lastSeq, lastMs } = view;
  const reason = `the log could not be written: ${message}`;
  return { ...fold(view, { seq: lastSeq + 1, atMs: lastMs, type: "experiment.interrupted", reason }), lastSeq };
}

const isAlike = (a: FeedSnapshot, b: FeedSnapshot): boolean =>
  a.view === b.view &&
  a.mayDrive === b.mayDrive &&
  a.watchers === b.watchers &&
  a.idleEndsAt === b.idleEndsAt &&
  a.inStep === b.inStep;
