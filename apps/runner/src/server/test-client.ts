/** A client for tests: keeps what it is told and waits for conditions. */
import {
  encodeTerminalFrame,
  experimentFile,
  type LogEvent,
  type ServerMessage,
  type Step,
  serverMessage,
} from "@crlab/shared";
import { type ClientOptions, WebSocket } from "ws";

export class Client {
  readonly messages: ServerMessage[] = [];
  readonly #changed = new Set<() => void>();
  /** Apart from the ids in raw messages. */
  #nextId = 1000;
  readonly closed: Promise<number>;

  constructor(readonly socket: WebSocket) {
    this.closed = new Promise((resolve) => socket.on("close", resolve));
    socket.on("message", (data, isBinary) => {
      if (!isBinary) this.messages.push(serverMessage.parse(JSON.parse(String(data))));
      for (const look of this.#changed) look();
    });
  }

  /** The first message that passes, come or to come. */
  until<M extends ServerMessage>(test: (message: ServerMessage) => message is M): Promise<M>;
  until(test: (message: ServerMessage) => boolean): Promise<ServerMessage>;
  until(test: (message: ServerMessage) => boolean): Promise<ServerMessage> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.messages.find(test);
        if (!found) return;
        this.#changed.delete(look);
        resolve(found);
      };
      this.#changed.add(look);
      look();
    });
  }

  async ask(body: object) {
    const id = this.#nextId++;
    this.socket.send(JSON.stringify({ id, ...body }));
    return this.until(
      (m): m is Extract<ServerMessage, { type: "reply" | "error" }> =>
        (m.type === "reply" || m.type === "error") && m.id === id,
    );
  }

  async create(autorun = false, steps: { kind: Step["kind"]; [field: string]: unknown }[] = [{ kind: "boot" }]) {
    const file = experimentFile.parse({ title: "T", steps });
    const reply = await this.ask({ type: "create", file, autorun });
    if (reply.type !== "reply" || reply.experiment === undefined) throw new Error(JSON.stringify(reply));
    return reply.experiment;
  }

  type(experiment: string, terminal: number, text: string): void {
    this.socket.send(encodeTerminalFrame({ experiment, terminal, offset: 0, bytes: Buffer.from(text) }));
  }

  error(code: string) {
    return this.until((m) => m.type === "error" && m.error.code === code);
  }

  events(id: string): LogEvent[] {
    return this.messages.flatMap((m) => (m.type === "events" && m.experiment === id ? m.events : []));
  }
}

/** Connects to the runner at `socketPath`. */
export async function connectTo(socketPath: string, options: ClientOptions = {}): Promise<Client> {
  const socket = new WebSocket(`ws+unix://${socketPath}:/ws`, options);
  const client = new Client(socket);
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  return client;
}
