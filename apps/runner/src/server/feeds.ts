/** What a connection is shown: an experiment's events, a terminal's bytes. Both catch up from the store, then go live. */
import { encodeTerminalFrame, type LogEvent, type ServerMessage, TERMINAL_WINDOW_BYTES } from "@crlab/shared";
import type { Lab } from "../experiment/lab.js";
import type { LiveTerminal } from "../experiment/terminal.js";
import { type Database, readEvents, readOutput } from "../store/index.js";
import { Pump } from "./pump.js";

const EVENTS_PER_MESSAGE = 200;
const FRAME_BYTES = 64 * 1024;
const CHUNKS_PER_READ = 16;
/** Who has drawn nothing for so long may have been left alone: others need not wait for that. */
const DRAWS_WITHIN_MS = 1000;

/** Where a feed sends, and whether there is room: a slow connection is not piled upon. */
export interface Outlet {
  send(message: ServerMessage): void;
  sendBytes(frame: Uint8Array): void;
  /** Resolves when little enough is waiting to be sent. */
  room(): Promise<void>;
  failed(error: unknown): void;
}

export class EventFeed {
  readonly #pump: Pump;
  readonly #unlisten: () => void;

  constructor(lab: Lab, outlet: Outlet, id: string, since: number) {
    let sent = since;
    const experiment = lab.open.get(id);
    this.#pump = new Pump(async () => {
      for (;;) {
        await outlet.room();
        // Once it is over, what is said of it goes to the store alone.
        const events: LogEvent[] =
          experiment && lab.open.get(id) === experiment
            ? await experiment.log.read(sent, EVENTS_PER_MESSAGE)
            : await readEvents(lab.store.db, id, { since: sent, limit: EVENTS_PER_MESSAGE });
        const last = events.at(-1);
        if (this.#pump.stopped || last === undefined) return;
        outlet.send({ type: "events", experiment: id, events });
        sent = last.seq;
      }
    }, outlet.failed);
    const unlisten = [
      experiment?.log.onStored(() => this.#pump.kick()),
      lab.onAnnotated((annotated) => annotated === id && this.#pump.kick()),
    ];
    this.#unlisten = () => {
      for (const end of unlisten) end?.();
    };
  }

  start(): void {
    this.#pump.kick();
  }

  stop(): void {
    this.#pump.stop();
    this.#unlisten();
  }
}

export class TerminalFeed {
  readonly #pump: Pump;
  readonly #unlisten: () => void;
  #sent: number;
  #drawn: number;
  /** When it last drew something, or was given as much as it takes. */
  #movedMs = performance.now();

  constructor(
    db: Database,
    outlet: Outlet,
    id: string,
    terminal: number,
    private readonly live: LiveTerminal | undefined,
    offset: number,
  ) {
    this.#sent = offset;
    this.#drawn = offset;
    const put = (at: number, bytes: Uint8Array) => {
      outlet.sendBytes(encodeTerminalFrame({ experiment: id, terminal, offset: at, bytes }));
      this.#sent = at + bytes.length;
      this.#movedMs = performance.now();
    };
    const room = () => TERMINAL_WINDOW_BYTES - (this.#sent - this.#drawn);
    const isBusy = () =>
      (live?.bytes ?? 0) - this.#drawn >= TERMINAL_WINDOW_BYTES && performance.now() - this.#movedMs < DRAWS_WITHIN_MS;
    /** Sends stored output; false: there is none after what was sent. */
    const fromStore = async () => {
      const chunks = await readOutput(db, id, terminal, this.#sent, CHUNKS_PER_READ);
      for (const chunk of chunks) {
        if (room() <= 0 || this.#pump.stopped) return true;
        await outlet.room();
        put(Math.max(chunk.offset, this.#sent), chunk.bytes.subarray(Math.max(0, this.#sent - chunk.offset)));
      }
      return chunks.length > 0;
    };
    this.#pump = new Pump(async () => {
      while (room() > 0 && !this.#pump.stopped) {
        await outlet.room();
        if (live === undefined || this.#sent < live.ringStart) {
          if (await fromStore()) continue;
          if (live === undefined) return;
          // Neither stored nor at hand any more: the viewer goes on where the ring begins, and sees the gap.
          this.#drawn += live.ringStart - this.#sent;
          this.#sent = live.ringStart;
        }
        const bytes = live.slice(this.#sent, Math.min(FRAME_BYTES, room()));
        if (bytes.length === 0) return;
        put(this.#sent, bytes);
      }
    }, outlet.failed);
    const unlisten = [live?.onChange(() => this.#pump.kick()), live?.addViewer({ isBusy })];
    this.#unlisten = () => {
      for (const end of unlisten) end?.();
    };
  }

  start(): void {
    this.#pump.kick();
  }

  /** The viewer has drawn everything before `offset`. */
  ack(offset: number): void {
    if (offset <= this.#drawn) return;
    this.#drawn = Math.min(offset, this.#sent);
    this.#movedMs = performance.now();
    this.live?.pace();
    this.#pump.kick();
  }

  stop(): void {
    this.#pump.stop();
    this.#unlisten();
  }
}
