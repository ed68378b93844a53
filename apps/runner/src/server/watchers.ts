/** How many connections watch an experiment; each of them is told, together with what else no log says of it. */
import type { ServerMessage } from "@crlab/shared";
import type { Lab } from "../experiment/lab.js";

interface Viewer {
  send(message: ServerMessage): void;
}

export class Watchers {
  readonly #viewers = new Map<string, Set<Viewer>>();

  constructor(private readonly lab: Lab) {
    lab.watchersOf = (id) => this.#viewers.get(id)?.size ?? 0;
    lab.onTrouble(() => this.tellAll());
  }

  add(id: string, viewer: Viewer): void {
    const viewers = this.#viewers.get(id) ?? new Set();
    viewers.add(viewer);
    this.#viewers.set(id, viewers);
    this.tell(id);
  }

  remove(id: string, viewer: Viewer): void {
    const viewers = this.#viewers.get(id);
    viewers?.delete(viewer);
    if (viewers?.size === 0) this.#viewers.delete(id);
    else this.tell(id);
  }

  tell(id: string): void {
    const viewers = this.#viewers.get(id);
    if (!viewers) return;
    const experiment = this.lab.open.get(id);
    const leftMs = experiment?.hasGuest
      ? Math.max(0, experiment.activeAtMs + this.lab.limits.idleMs - performance.now())
      : undefined;
    const unwritable = this.lab.unwritable(id);
    const message: ServerMessage = {
      type: "watchers",
      experiment: id,
      count: viewers.size,
      ...(leftMs === undefined ? {} : { idleEndsAt: new Date(Date.now() + leftMs).toISOString() }),
      ...(unwritable === undefined ? {} : { unwritable }),
    };
    for (const viewer of viewers) viewer.send(message);
  }

  tellAll(): void {
    for (const id of this.#viewers.keys()) this.tell(id);
  }
}
