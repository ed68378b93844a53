/** Takes in an experiment that another lab wrote as one file. Its link is made of its contents. */
import { experimentArchive, type LogEvent, title } from "@crlab/shared";
import { StoreError } from "./errors.js";
import { contentIdOf, sealOf } from "./identity.js";
import { findExperiment } from "./read.js";
import type { Store } from "./store.js";

const EVENTS_PER_APPEND = 500;

/** Answers the experiment's id: that of an earlier import if it is the same log. */
export async function importArchive(store: Store, owner: string, value: unknown): Promise<string> {
  const parsed = experimentArchive.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw refused(`${issue?.path.join(".") || "the file"}: ${issue?.message ?? "unreadable"}`);
  }
  const { digest } = parsed.data;
  // As they were written: what reading adds to old events is no part of the log.
  const { events } = value as { events: LogEvent[] };
  if (events[0]?.type !== "experiment.created") throw refused("its log does not begin with experiment.created");
  const odd = events.findIndex((event, i) => event.seq !== i + 1 || event.atMs < (events[i - 1]?.atMs ?? 0));
  if (odd !== -1) throw refused(`event ${odd + 1} of its log is out of order`);
  if (events.some((event, i) => i > 0 && event.type === "experiment.created")) throw refused("its log begins twice");
  for (const event of events)
    if (event.type === "experiment.created" || event.type === "experiment.renamed") {
      const wrong = title.safeParse(event.title).error?.issues[0];
      if (wrong) throw refused(`its title: ${wrong.message}`);
    }
  const seal = sealOf(events);
  if (seal.digest !== digest || !seal.intact)
    throw new StoreError({
      code: "import.changed",
      message: `the log in this file was changed: its digest is ${seal.digest.slice(0, 16)}, and ${
        seal.intact ? `the file says ${digest.slice(0, 16)}` : "its end says another one"
      }`,
      hint: "download it anew where it came from",
    });
  const last = events.at(-1);
  const over = events.some((event) => event.type === "experiment.ended" || event.type === "experiment.interrupted");
  const log: LogEvent[] = over
    ? events
    : [
        ...events,
        {
          seq: (last?.seq ?? 0) + 1,
          atMs: last?.atMs ?? 0,
          type: "experiment.interrupted",
          reason: "it was still running when this copy of it was made",
        },
      ];
  const id = contentIdOf(log);
  if (await findExperiment(store.db, id)) return id;
  for (let at = 0; at < log.length; at += EVENTS_PER_APPEND)
    await store.append(id, log.slice(at, at + EVENTS_PER_APPEND), owner);
  return id;
}

const refused = (why: string) =>
  new StoreError({
    code: "import.refused",
    message: `this is no experiment that a lab wrote: ${why}`,
    hint: "give a file that Download made",
  });
