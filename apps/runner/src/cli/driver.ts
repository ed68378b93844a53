/** Drives an experiment for the command line: through the runner where one is up, else by itself. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ClientMessage,
  type ExperimentFile,
  type LogEvent,
  type NamedError,
  PROTOCOL_VERSION,
  type ServerMessage,
  serverMessage,
} from "@crlab/shared";
import { WebSocket } from "ws";
import { dataDir } from "../build/paths.js";
import { StepError } from "../experiment/errors.js";
import type { Experiment } from "../experiment/experiment.js";
import { type OpenLab, openLab } from "../open-lab.js";
import { StoreError } from "../store/index.js";
import type { SweepProgress } from "../sweep/sweeps.js";

export interface Driver {
  /** Where an experiment's or a sweep's page is, and what it takes for it to be there. */
  linkTo(path: string): string;
  /** The address alone. */
  consoleUrl: string;
  /** Starts the experiment; every event of its log comes once, in order. */
  run(file: ExperimentFile, onEvent: (event: LogEvent) => void): Promise<string>;
  end(): Promise<void>;
  /** Starts a sweep; told how far it is until it is over. */
  sweep(file: ExperimentFile, onProgress: (progress: SweepProgress) => void): Promise<string>;
  stopSweep(): Promise<void>;
  /** Rejects when whoever runs the experiment is gone. */
  lost: Promise<never>;
  close(): Promise<void>;
}

export async function openDriver(say: (line: string) => void): Promise<Driver> {
  let said = false;
  for (;;) {
    const remote = await connectRunner();
    if (remote) return remote;
    try {
      return localDriver(await openLab("crlab run"));
    } catch (error) {
      if (!(error instanceof StoreError) || error.named.code !== "store.locked") throw error;
      if (!said) say(`waiting: ${error.message}`);
      said = true;
      await sleep(500);
    }
  }
}

const COMMAND_LINE = "command line";

function localDriver({ lab, sweeps, config, close }: OpenLab): Driver {
  let experiment: Experiment | undefined;
  let sweep: string | undefined;
  let fail: (error: Error) => void = () => {};
  const lost = new Promise<never>((_, reject) => {
    fail = reject;
  });
  lost.catch(() => {});
  return {
    linkTo: (path) => `${config.consoleUrl}${path} (once \`npm start\` serves it)`,
    consoleUrl: config.consoleUrl,
    lost,
    run: async (file, onEvent) => {
      const created = await lab.create(file, COMMAND_LINE);
      experiment = created;
      let seen = 0;
      let pending: Promise<void> = Promise.resolve();
      const deliver = () => {
        pending = pending.then(async () => {
          for (const event of await created.log.read(seen, 1000)) {
            seen = event.seq;
            onEvent(event);
          }
        });
        pending.catch(fail);
      };
      created.log.onStored(deliver);
      deliver();
      created.runPlan().then(() => created.log.failure && fail(created.log.failure), fail);
      return created.id;
    },
    end: async () => experiment?.end(),
    sweep: async (file, onProgress) => {
      const id = await sweeps.create(file, COMMAND_LINE);
      sweep = id;
      sweeps.onProgress((progress) => progress.sweep === id && onProgress(progress));
      onProgress(await sweeps.progress(id));
      return id;
    },
    stopSweep: async () => {
      if (sweep !== undefined) await sweeps.stop(sweep, COMMAND_LINE);
    },
    close: () => close("crlab run was stopped"),
  };
}

const asThrown = ({ code, message, hint }: NamedError) =>
  new StepError(code, message, hint === undefined ? {} : { hint });

/** The running runner, if there is one. */
async function connectRunner(): Promise<Driver | undefined> {
  const socket = new WebSocket(`ws+unix://${dataDir("runner.sock")}:/ws`);
  const opened = new Promise<boolean>((resolve) => {
    socket.once("open", () => resolve(true));
    socket.once("error", () => resolve(false));
  });
  let id: string | undefined;
  let sweep: string | undefined;
  let onEvent: (event: LogEvent) => void = () => {};
  let onProgress: (progress: SweepProgress) => void = () => {};
  let nextId = 1;
  type Reply = Extract<ServerMessage, { type: "reply" }>;
  const waiting = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>();
  let closing = false;
  let consoleUrl = "";
  let greeted: () => void = () => {};
  const hello = new Promise<void>((resolve) => {
    greeted = resolve;
  });
  let fail: (error: Error) => void = () => {};
  const lost = new Promise<never>((_, reject) => {
    fail = reject;
    socket.on("close", () => {
      if (!closing)
        reject(new StepError("runner.lost", "the runner went away", { hint: "the log has what happened until then" }));
    });
    socket.on("error", reject);
  });
  lost.catch(() => {});
  socket.on("message", (data) => {
    const message = serverMessage.parse(JSON.parse(String(data)));
    if (message.type === "hello") {
      consoleUrl = message.consoleUrl;
      greeted();
    } else if (message.type === "events") for (const event of message.events) onEvent(event);
    else if (message.type === "reply") waiting.get(message.id)?.resolve(message);
    else if (message.type === "sweep") onProgress(message);
    else if (message.type === "watchers" && message.unwritable) fail(asThrown(message.unwritable));
    else if (message.type === "error" && message.id !== null) waiting.get(message.id)?.reject(asThrown(message.error));
    else if (message.type === "error") process.stderr.write(`runner: ${message.error.message}\n`);
  });
  type Body = ClientMessage extends infer M ? (M extends ClientMessage ? Omit<M, "id"> : never) : never;
  const ask = (body: Body) =>
    Promise.race([
      lost,
      new Promise<Reply>((resolve, reject) => {
        const requestId = nextId++;
        waiting.set(requestId, { resolve, reject });
        socket.send(JSON.stringify({ id: requestId, ...body }));
      }),
    ]);
  // Only now: the runner's greeting may come in one piece with the opening.
  if (!(await opened)) return undefined;
  await Promise.race([hello, lost]);
  await ask({ type: "hello", protocol: PROTOCOL_VERSION });
  return {
    linkTo: (path) => `${consoleUrl}${path}`,
    consoleUrl,
    lost,
    run: async (file, receive) => {
      onEvent = receive;
      id = (await ask({ type: "create", file, autorun: true })).experiment;
      if (id === undefined) throw new StepError("protocol", "the runner named no experiment");
      await ask({ type: "subscribe", experiment: id, since: 0 });
      return id;
    },
    end: async () => {
      if (id !== undefined) await ask({ type: "end", experiment: id });
    },
    sweep: async (file, receive) => {
      onProgress = receive;
      sweep = (await ask({ type: "create", file, autorun: true })).sweep;
      if (sweep === undefined) throw new StepError("protocol", "the runner named no sweep");
      await ask({ type: "sweep.watch", sweep });
      return sweep;
    },
    stopSweep: async () => {
      if (sweep !== undefined) await ask({ type: "sweep.stop", sweep });
    },
    close: async () => {
      closing = true;
      socket.close();
    },
  };
}
