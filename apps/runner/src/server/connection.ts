/** One WebSocket: parses what comes, answers by name, and never lets a message harm more than itself. */
import {
  type ClientMessage,
  clientMessage,
  decodeTerminalFrame,
  MAX_MESSAGE_BYTES,
  type NamedError,
  PROTOCOL_VERSION,
  type ServerMessage,
} from "@crlab/shared";
import type { RawData, WebSocket } from "ws";
import { z } from "zod";
import { namedErrorOf, StepError } from "../experiment/errors.js";
import type { Lab } from "../experiment/lab.js";
import { readView } from "../store/index.js";
import type { SweepProgress, Sweeps } from "../sweep/sweeps.js";
import { EventFeed, type Outlet, TerminalFeed } from "./feeds.js";
import { Bucket } from "./rate.js";
import type { Watchers } from "./watchers.js";

const MAX_WAITING_BYTES = 1024 * 1024;
const MAX_FEEDS = 64;
const SLOWER = "wait a second, and send it again in smaller pieces";

export interface ServerInfo {
  consoleUrl: string;
  runnerVersion: string;
  status(): Promise<Extract<ServerMessage, { type: "status" }>>;
}

type Reply = Omit<Extract<ServerMessage, { type: "reply" }>, "type" | "id" | "ok">;

export class Connection implements Outlet {
  readonly #messages = new Bucket(100, 300);
  readonly #inputBytes = new Bucket(1024 * 1024, 2 * 1024 * 1024);
  readonly #events = new Map<string, EventFeed>();
  readonly #terminals = new Map<string, TerminalFeed>();

  /** The one sweep that is watched. */
  #sweep: string | undefined;
  #unhearSweeps: (() => void) | undefined;
  readonly #unhearTrouble: () => void;

  constructor(
    private readonly socket: WebSocket,
    private readonly owner: string,
    private readonly lab: Lab,
    private readonly sweeps: Sweeps,
    private readonly info: ServerInfo,
    private readonly watchers: Watchers,
  ) {
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("close", () => this.#close());
    socket.on("error", () => socket.terminate());
    this.send({
      type: "hello",
      protocol: PROTOCOL_VERSION,
      runnerVersion: info.runnerVersion,
      consoleUrl: info.consoleUrl,
    });
    this.#sendStatus();
    this.#unhearTrouble = lab.onTrouble(() => this.#sendStatus());
  }

  send(message: ServerMessage): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(JSON.stringify(message));
  }

  sendBytes(frame: Uint8Array): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(frame);
  }

  async room(): Promise<void> {
    while (this.socket.bufferedAmount > MAX_WAITING_BYTES && this.socket.readyState === this.socket.OPEN)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  failed = (error: unknown): void => this.#refuse(null, namedErrorOf(error));

  #sendStatus(): void {
    this.info.status().then((status) => this.send(status), this.failed);
  }

  #sendSweep(progress: SweepProgress): void {
    this.send({ type: "sweep", ...progress });
  }

  #refuse(id: number | null, error: NamedError): void {
    this.send({ type: "error", id, error });
  }

  #receive(data: RawData, isBinary: boolean): void {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as ArrayBuffer);
    if (!this.#messages.take(1)) {
      this.#refuse(null, {
        code: "rate.limited",
        message: "too many messages a second: this one was dropped",
        hint: SLOWER,
      });
      return;
    }
    if (bytes.length > MAX_MESSAGE_BYTES) {
      const message = `a message of ${bytes.length} bytes was dropped: at most ${MAX_MESSAGE_BYTES} are taken`;
      this.#refuse(null, {
        code: "message.oversized",
        message,
        hint: "send less at once; files go to /import and /upload",
      });
      return;
    }
    if (isBinary) void this.#input(bytes);
    else void this.#message(bytes.toString("utf8"));
  }

  async #message(text: string): Promise<void> {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.#refuse(null, { code: "message.malformed", message: "the message is not JSON" });
      return;
    }
    const parsed = clientMessage.safeParse(value);
    if (!parsed.success) {
      const outline = z.object({ id: z.int().min(0).nullable().catch(null), type: z.unknown() }).safeParse(value);
      this.#refuse(outline.data?.id ?? null, malformed(outline.data?.type, parsed.error));
      return;
    }
    // A feed begins once the reply to its message is out.
    const afterReply: (() => void)[] = [];
    try {
      const reply = await this.#answer(parsed.data, (start) => afterReply.push(start));
      this.send({ type: "reply", id: parsed.data.id, ok: true, ...reply });
      for (const start of afterReply) start();
    } catch (error) {
      this.#refuse(parsed.data.id, namedErrorOf(error));
    }
  }

  async #answer(message: ClientMessage, afterReply: (start: () => void) => void): Promise<Reply> {
    const { lab, owner } = this;
    switch (message.type) {
      case "hello":
        if (message.protocol !== PROTOCOL_VERSION)
          throw new StepError(
            "protocol.version",
            `this runner speaks protocol ${PROTOCOL_VERSION}, not ${message.protocol}`,
            { hint: "reload the page" },
          );
        return {};
      case "subscribe":
        return this.#subscribe(message.experiment, message.since, afterReply);
      case "unsubscribe":
        this.#unsubscribe(message.experiment);
        return {};
      case "create": {
        if (message.file.sweep) return { sweep: await this.sweeps.create(message.file, owner), mayDrive: true };
        const experiment = await lab.create(message.file, owner);
        if (message.autorun) this.#inBackground(experiment.runPlan());
        return { experiment: experiment.id, mayDrive: true };
      }
      case "sweep.watch": {
        const mayDrive = (await this.sweeps.ownerOf(message.sweep)) === owner;
        this.#mustBeOpen();
        this.#sweep = message.sweep;
        this.#unhearSweeps ??= this.sweeps.onProgress((p) => p.sweep === this.#sweep && this.#sendSweep(p));
        const progress = await this.sweeps.progress(message.sweep);
        afterReply(() => this.#sendSweep(progress));
        return { sweep: message.sweep, mayDrive };
      }
      case "sweep.stop":
        await this.sweeps.stop(message.sweep, owner);
        return {};
      case "sweep.resume":
        await this.sweeps.resume(message.sweep, owner);
        return {};
      case "fork":
        return { experiment: (await lab.fork(message.experiment, owner)).id, mayDrive: true };
      case "rerun": {
        const experiment = await lab.fork(message.experiment, owner);
        this.#inBackground(experiment.runPlan());
        return { experiment: experiment.id, mayDrive: true };
      }
      case "run": {
        const experiment = await lab.drive(message.experiment, owner);
        this.#refuseIfBusy(experiment.busy);
        this.#inBackground(experiment.runPlan(message.count));
        return {};
      }
      case "step": {
        const experiment = await lab.drive(message.experiment, owner);
        this.#refuseIfBusy(experiment.busy);
        this.#inBackground(experiment.runStep(message.step));
        return {};
      }
      case "image.read":
        await (await lab.drive(message.experiment, owner)).images.read(message.checkpoint);
        return {};
      case "image.bytes":
        await (await lab.drive(message.experiment, owner)).images.readBytes(message.checkpoint, message);
        return {};
      case "end":
        await (await lab.drive(message.experiment, owner)).end();
        return {};
      case "rename":
        await lab.annotate(message.experiment, owner, { type: "experiment.renamed", title: message.title });
        return {};
      case "mark":
        await lab.annotate(message.experiment, owner, { type: "experiment.marked", invalid: message.invalid });
        return {};
      case "extend":
        (await lab.drive(message.experiment, owner)).activeAtMs = performance.now();
        this.watchers.tell(message.experiment);
        return {};
      case "programs":
        return { programs: await lab.store.programs.list(owner) };
      case "program.remove":
        await lab.store.programs.remove(owner, message.program);
        return {};
      case "guests":
        return { guests: lab.guestList(owner), spares: lab.spares?.list() ?? [] };
      case "terminal.open": {
        const { cols, rows } = message;
        return { terminal: await (await lab.drive(message.experiment, owner)).openShell({ cols, rows }) };
      }
      case "terminal.resize":
        await (await lab.drive(message.experiment, owner)).resizeTerminal(message.terminal, message.cols, message.rows);
        return {};
      case "terminal.close":
        await (await lab.drive(message.experiment, owner)).closeTerminal(message.terminal, "closed by its owner");
        return {};
      case "terminal.attach":
        return this.#attach(message.experiment, message.terminal, message.offset, afterReply);
      case "terminal.ack":
        this.#terminals.get(`${message.experiment}/${message.terminal}`)?.ack(message.offset);
        return {};
    }
  }

  #refuseIfBusy(busy: boolean): void {
    if (busy)
      throw new StepError("experiment.busy", "a step is still running", {
        hint: "steps run one at a time: wait for it",
      });
  }

  /** Steps report to the log; what cannot is said here. */
  #inBackground(work: Promise<unknown>): void {
    work.catch(this.failed);
  }

  async #subscribe(id: string, since: number, afterReply: (start: () => void) => void): Promise<Reply> {
    if (!(await this.lab.exists(id))) throw this.lab.unknown(id);
    this.#mustBeOpen();
    this.#unsubscribe(id);
    if (this.#events.size >= MAX_FEEDS)
      throw new StepError("subscriptions.limit", `${MAX_FEEDS} experiments are watched on this connection`, {
        hint: "leave some of them, or open another page",
      });
    const experiment = this.lab.open.get(id);
    const feed = new EventFeed(this.lab, this, id, since);
    this.#events.set(id, feed);
    afterReply(() => {
      // It was left, or asked for once more, meanwhile.
      if (this.#events.get(id) !== feed) return;
      feed.start();
      this.watchers.add(id, this);
      void experiment?.wake();
    });
    return { experiment: id, mayDrive: (await this.lab.ownerOf(id)) === this.owner };
  }

  #unsubscribe(id: string): void {
    this.#events.get(id)?.stop();
    if (this.#events.delete(id)) this.watchers.remove(id, this);
  }

  async #attach(id: string, terminal: number, offset: number, afterReply: (start: () => void) => void): Promise<Reply> {
    // Of one that is open its view is at hand; to read a long log again takes longer than a shell to start.
    const view = this.lab.open.get(id)?.view ?? (await readView(this.lab.store.db, id));
    if (!view) throw this.lab.unknown(id);
    this.#mustBeOpen();
    const shown = view.terminals.find((t) => t.terminal === terminal);
    if (!shown)
      throw new StepError("terminal.unknown", `experiment ${id} has no terminal ${terminal}`, {
        hint: "reload the page",
      });
    const key = `${id}/${terminal}`;
    this.#terminals.get(key)?.stop();
    if (this.#terminals.size >= MAX_FEEDS)
      throw new StepError("terminals.limit", `${MAX_FEEDS} terminals are watched on this connection`, {
        hint: "reload the page, and look at fewer of them",
      });
    const live = this.lab.open.get(id)?.terminals.get(terminal);
    const bytes = live?.bytes ?? shown.bytes;
    const feed = new TerminalFeed(this.lab.store.db, this, id, terminal, live, Math.min(offset, bytes));
    this.#terminals.set(key, feed);
    afterReply(() => feed.start());
    return { experiment: id, terminal, bytes };
  }

  async #input(data: Buffer): Promise<void> {
    try {
      const frame = decodeTerminalFrame(data);
      if (typeof frame === "string") throw new StepError("frame.malformed", frame);
      if (!this.#inputBytes.take(frame.bytes.length))
        throw new StepError("rate.limited", "too much terminal input a second: it was dropped", { hint: SLOWER });
      const experiment = await this.lab.drive(frame.experiment, this.owner);
      experiment.activeAtMs = performance.now();
      experiment.terminal(frame.terminal).guest.write(frame.bytes);
    } catch (error) {
      this.#refuse(null, namedErrorOf(error));
    }
  }

  /** Whoever has gone while an answer was looked up watches nothing: nobody would ever end that. */
  #mustBeOpen(): void {
    if (this.socket.readyState !== this.socket.OPEN)
      throw new StepError("connection.closed", "the connection was closed before the answer was there");
  }

  #close(): void {
    this.#unhearSweeps?.();
    this.#unhearTrouble();
    for (const id of [...this.#events.keys()]) this.#unsubscribe(id);
    for (const feed of this.#terminals.values()) feed.stop();
    this.#terminals.clear();
  }
}

function malformed(type: unknown, error: z.ZodError): NamedError {
  const known: string[] = clientMessage.options.map((option) => option.shape.type.value);
  if (typeof type !== "string" || !known.includes(type))
    return {
      code: "message.unknown",
      message: `unknown message type ${JSON.stringify(type)?.slice(0, 80) ?? "(none)"}`,
      hint: `known are: ${known.join(", ")}`,
    };
  const details = error.issues.slice(0, 5).map((i) => `${i.path.join(".") || "message"}: ${i.message}`);
  return { code: "message.malformed", message: `${type}: ${details.join("; ")}`.slice(0, 2000) };
}
