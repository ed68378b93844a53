/** A small client for QEMU's machine protocol: commands, replies, events, one JSON object a line. */
import type { Duplex } from "node:stream";
import { z } from "zod";
import { GuestError } from "./errors.js";

const message = z.union([
  z.object({ QMP: z.unknown() }),
  z.object({ event: z.string(), data: z.record(z.string(), z.unknown()).default({}) }),
  z.object({ error: z.object({ class: z.string(), desc: z.string() }), id: z.number().optional() }),
  z.object({ return: z.unknown(), id: z.number() }),
]);

const MAX_LINE = 1024 * 1024;

type EventListener = (name: string, data: Record<string, unknown>) => void;

export class Qmp {
  #rest = "";
  #nextId = 1;
  #closed: string | undefined;
  readonly #pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  readonly #listeners = new Set<EventListener>();

  constructor(private readonly socket: Duplex) {
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#receive(text));
    socket.on("error", (error) => this.#close(error.message));
    socket.on("close", () => this.#close("QEMU closed the connection"));
  }

  /** Says that we are ready for commands. QEMU takes none before. */
  async negotiate(): Promise<void> {
    await this.execute("qmp_capabilities");
  }

  execute(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    if (this.#closed !== undefined) return Promise.reject(this.#gone(command));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
  }

  onEvent(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #gone(command: string): GuestError {
    return new GuestError("qemu-gone", `QMP ${command}: ${this.#closed}`);
  }

  #receive(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > MAX_LINE) {
      this.#close("QEMU sent a line without end");
      return;
    }
    for (const line of lines) if (line.trim() !== "") this.#take(line);
  }

  #take(line: string): void {
    let parsed: z.infer<typeof message>;
    try {
      parsed = message.parse(JSON.parse(line));
    } catch {
      this.#close(`QEMU sent what is no QMP: ${line.slice(0, 200)}`);
      return;
    }
    if ("event" in parsed) {
      for (const listener of [...this.#listeners]) listener(parsed.event, parsed.data);
    } else if ("error" in parsed && parsed.id !== undefined) {
      this.#pending.get(parsed.id)?.reject(new GuestError("qmp-error", `QEMU refused: ${parsed.error.desc}`));
      this.#pending.delete(parsed.id);
    } else if ("return" in parsed) {
      this.#pending.get(parsed.id)?.resolve(parsed.return);
      this.#pending.delete(parsed.id);
    }
  }

  #close(why: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = why;
    for (const [id, { reject }] of this.#pending) reject(this.#gone(`command ${id}`));
    this.#pending.clear();
    this.socket.destroy();
  }
}
