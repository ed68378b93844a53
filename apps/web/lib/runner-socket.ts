/**
 * The page's one connection to the runner: connects, reconnects and answers requests by promise.
 * Knows messages and frames, nothing of React.
 */
import {
  type ClientMessage,
  decodeTerminalFrame,
  encodeTerminalFrame,
  type NamedError,
  PROTOCOL_VERSION,
  type ServerMessage,
  type TerminalFrame,
} from "@crlab/shared";

export type LinkState =
  | { kind: "connecting" }
  | { kind: "open" }
  /** Nobody answers; the next try is under way or comes by itself. */
  | { kind: "away"; error: NamedError };

type WithoutId<M> = M extends { id: number } ? Omit<M, "id"> : never;
export type Request = WithoutId<ClientMessage>;
export type RunnerStatus = Extract<ServerMessage, { type: "status" }>;
export type Reply = Extract<ServerMessage, { type: "reply" }>;

/** A request that the runner refused or that did not reach it; carries the error by name. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  constructor(readonly error: NamedError) {
    super(error.message);
  }
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;

export const consoleAway: NamedError = {
  code: "console-away",
  message: "The console does not answer: it has stopped, or this machine has lost its way to it.",
  hint: "Start it with `npm start`; this page reconnects by itself.",
};
const notConnected: NamedError = {
  code: "not-connected",
  message: "Not sent: there is no connection to the runner now.",
  hint: "Try again when the page says that it is connected.",
};

const connectionLost: NamedError = { code: "connection-lost", message: "The connection to the runner was lost." };

export class RunnerSocket {
  private socket: WebSocket | null = null;
  private state: LinkState = { kind: "connecting" };
  private failures = 0;
  private nextId = 1;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private stopped = true;
  private readonly waiting = new Map<
    number,
    { resolve: (reply: Reply) => void; reject: (error: RequestError) => void }
  >();
  private readonly stateListeners = new Set<() => void>();
  private readonly messageListeners = new Set<(message: ServerMessage) => void>();
  private readonly frameListeners = new Set<(frame: TerminalFrame) => void>();

  private status: RunnerStatus | null = null;

  readonly linkState = (): LinkState => this.state;
  /** What the runner last said of itself. */
  readonly lastStatus = (): RunnerStatus | null => this.status;

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.retry);
    this.socket?.close();
    this.socket = null;
  }

  /** Called on every change of `linkState`; answers how to stop listening. */
  readonly onState = (listener: () => void): (() => void) => listen(this.stateListeners, listener);
  onMessage(listener: (message: ServerMessage) => void): () => void {
    return listen(this.messageListeners, listener);
  }
  readonly onStatus = (listener: () => void): (() => void) =>
    this.onMessage((message) => {
      if (message.type === "status") listener();
    });
  onFrame(listener: (frame: TerminalFrame) => void): () => void {
    return listen(this.frameListeners, listener);
  }

  /** Sends a request, once the first connection stands, and waits for its reply; rejects with a RequestError. */
  async request(message: Request): Promise<Reply> {
    if (this.state.kind === "connecting" && !this.stopped) await this.nextState();
    const { socket } = this;
    if (socket === null || socket.readyState !== WebSocket.OPEN) return Promise.reject(new RequestError(notConnected));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ ...message, id }));
    });
  }

  private nextState(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.onState(() => {
        stop();
        resolve();
      });
    });
  }

  /** Sends what was typed into a terminal. */
  type(experiment: string, terminal: number, bytes: Uint8Array): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(Uint8Array.from(encodeTerminalFrame({ experiment, terminal, offset: 0, bytes })));
  }

  private connect(): void {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    let opened = false;
    socket.addEventListener("open", () => {
      opened = true;
      this.failures = 0;
      this.setState({ kind: "open" });
      void this.request({ type: "hello", protocol: PROTOCOL_VERSION }).catch(() => undefined);
    });
    socket.addEventListener("message", (event: MessageEvent<unknown>) => this.receive(event.data));
    socket.addEventListener("close", () => {
      if (this.socket !== socket) return;
      this.socket = null;
      if (this.stopped) return;
      if (opened) this.lost(connectionLost);
      else void this.askWhy();
    });
  }

  /** A WebSocket that fails tells a page nothing; a request can say why. */
  private async askWhy(): Promise<void> {
    const trouble = await askSession();
    if (!this.stopped) this.lost(trouble ?? connectionLost);
  }

  private receive(data: unknown): void {
    if (data instanceof ArrayBuffer) {
      const frame = decodeTerminalFrame(new Uint8Array(data));
      if (typeof frame === "string") console.warn("crlab: unreadable terminal frame:", frame);
      else for (const listener of this.frameListeners) listener(frame);
      return;
    }
    const message = readServerMessage(data);
    if (message === null) return;
    if (message.type === "reply" || (message.type === "error" && message.id !== null)) {
      const waiter = this.waiting.get(message.id ?? -1);
      this.waiting.delete(message.id ?? -1);
      if (message.type === "reply") waiter?.resolve(message);
      else waiter?.reject(new RequestError(message.error));
    }
    if (message.type === "status") this.status = message;
    for (const listener of this.messageListeners) listener(message);
  }

  private lost(error: NamedError): void {
    for (const waiter of this.waiting.values()) waiter.reject(new RequestError(error));
    this.waiting.clear();
    this.setState({ kind: "away", error });
    const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.failures);
    this.failures++;
    this.retry = setTimeout(() => this.connect(), wait);
  }

  private setState(state: LinkState): void {
    this.state = state;
    for (const listener of this.stateListeners) listener();
  }
}

function listen<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

async function askSession(): Promise<NamedError | null> {
  try {
    const answer = await fetch("/session", { method: "POST" });
    if (answer.ok) return null;
    const body: unknown = await answer.json();
    const error = isObject(body) ? body.error : undefined;
    return isNamedError(error) ? error : consoleAway;
  } catch {
    return consoleAway;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

const isNamedError = (value: unknown): value is NamedError =>
  isObject(value) && typeof value.code === "string" && typeof value.message === "string";

/** What of each message the page relies on first; the rest is the runner's word. */
const outlines: Record<ServerMessage["type"], (message: Record<string, unknown>) => boolean> = {
  hello: (m) => typeof m.protocol === "number",
  reply: (m) => typeof m.id === "number",
  error: (m) => (m.id === null || typeof m.id === "number") && isNamedError(m.error),
  events: (m) =>
    typeof m.experiment === "string" &&
    Array.isArray(m.events) &&
    m.events.every((e) => isObject(e) && typeof e.seq === "number" && typeof e.type === "string"),
  watchers: (m) => typeof m.experiment === "string" && typeof m.count === "number",
  status: (m) => typeof m.guests === "number",
  sweep: (m) => typeof m.sweep === "string" && typeof m.done === "number" && typeof m.total === "number",
};

/**
 * The runner is of the same checkout as this page and checks all that browsers send; the schemas would be a fifth of
 * what a first visit loads. So a message is checked in outline.
 */
function readServerMessage(data: unknown): ServerMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(String(data));
  } catch {
    console.warn("crlab: a message that is not JSON");
    return null;
  }
  if (isServerMessage(value)) return value;
  console.warn("crlab: a message this page cannot read; reload it if the lab was updated");
  return null;
}

function isServerMessage(value: unknown): value is ServerMessage {
  if (!isObject(value) || typeof value.type !== "string" || !Object.hasOwn(outlines, value.type)) return false;
  return outlines[value.type as ServerMessage["type"]](value);
}
