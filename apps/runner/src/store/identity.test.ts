import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ExperimentFile, experimentArchive, experimentFile, type LogEvent } from "@crlab/shared";
import { afterEach, beforeEach, expect, test } from "vitest";
import { StepError } from "../experiment/errors.js";
import { Lab } from "../experiment/lab.js";
import { experimentIdOf, sealOf } from "./identity.js";
import { importArchive, openStore, readStored, readView, type Store } from "./index.js";

let dir: string;
let store: Store;
let lab: Lab;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "crlab-identity-"));
  store = await openStore(dir, "a test");
  lab = new Lab(store, () => Promise.reject(new StepError("kernel.missing", "no kernel here")), {
    guests: 1,
    idleMs: 600_000,
  });
});
afterEach(async () => {
  await lab.close("the test is over");
  await store.close();
  rmSync(dir, { recursive: true });
});

const file: ExperimentFile = experimentFile.parse({ title: "T", steps: [{ kind: "boot" }] });

/** What Download gives of an experiment that has ended. */
async function downloaded(): Promise<{ id: string; digest: string; events: LogEvent[] }> {
  const experiment = await lab.create(file, "ann");
  await experiment.runPlan();
  await experiment.end();
  const events = (await readStored(store.db, experiment.id)) as LogEvent[];
  const { digest } = sealOf(events);
  const archive = { format: "crlab-experiment", version: 1, id: experiment.id, digest, file, events };
  return experimentArchive.parse(JSON.parse(JSON.stringify(archive)));
}

test("a link is a hash of what defines the experiment, from its first moment on", async () => {
  const experiment = await lab.create(file, "ann");
  const [first] = (await readStored(store.db, experiment.id)) as LogEvent[];
  if (first?.type !== "experiment.created") throw new Error("no beginning");
  expect(experimentIdOf(first)).toBe(experiment.id);
  expect(experimentIdOf({ ...first, title: "Another" })).not.toBe(experiment.id);
  // The same file once more is another experiment.
  expect((await lab.create(file, "ann")).id).not.toBe(experiment.id);
});

test("the end states the log's digest; the order of fields does not count, every value does", async () => {
  const { id, digest, events } = await downloaded();
  expect((await readView(store.db, id))?.logDigest).toBe(digest);
  const turned = events.map((event) => Object.fromEntries(Object.entries(event).reverse()));
  expect(sealOf(turned)).toEqual({ digest, intact: true });
  const later = events.map((event, i) => (i === 1 ? { ...event, atMs: event.atMs + 1 } : event));
  expect(sealOf(later)).toMatchObject({ intact: false });
  expect(sealOf(events.slice(1))).toMatchObject({ intact: false });
  // What is said of it afterwards changes nothing that was.
  await lab.annotate(id, "ann", { type: "experiment.marked", invalid: "the host was busy" });
  const marked = sealOf(await readStored(store.db, id));
  expect(marked.intact).toBe(true);
  expect(marked.digest).not.toBe(digest);
  expect((await readView(store.db, id))?.logDigest).toBe(digest);
});

test("a download is taken in as it was; one that was changed is refused by name", async () => {
  const archive = await downloaded();
  const id = await importArchive(store, "ben", archive);
  expect(await importArchive(store, "ben", archive)).toBe(id);
  expect((await readView(store.db, id))?.logDigest).toBe(archive.digest);

  const passed = archive.events.map((event) =>
    event.type === "experiment.ended" ? { ...event, verdict: "pass" as const } : event,
  );
  const changed = { named: { code: "import.changed" } };
  await expect(importArchive(store, "ben", { ...archive, events: passed })).rejects.toMatchObject(changed);
  // Nor does another digest help: the end of the log has its own.
  const { digest } = sealOf(passed);
  await expect(importArchive(store, "ben", { ...archive, digest, events: passed })).rejects.toMatchObject(changed);
  const { digest: _, ...without } = archive;
  await expect(importArchive(store, "ben", without)).rejects.toMatchObject({ named: { code: "import.refused" } });
  // A whole log, of a kind that no lab writes: links are known by their titles.
  for (const title of ["\u200b ", "x".repeat(100_000)]) {
    const events = archive.events.map((event) => (event.type === "experiment.created" ? { ...event, title } : event));
    const unsealed = events.map((event) => ("logDigest" in event ? { ...event, logDigest: undefined } : event));
    const forged = { ...archive, events: unsealed, digest: sealOf(unsealed).digest };
    const said = { named: { code: "import.refused", message: expect.stringContaining("its title: ") } };
    await expect(importArchive(store, "ben", forged)).rejects.toMatchObject(said);
  }
});

test("of one that its runner left, the digest is stated, too", async () => {
  const { id } = await lab.create(file, "ann");
  await store.close();
  store = await openStore(dir, "another");
  const view = await readView(store.db, id);
  expect(view?.status).toBe("interrupted");
  expect(sealOf(await readStored(store.db, id))).toEqual({ digest: view?.logDigest, intact: true });
  lab = new Lab(store, () => Promise.reject(new Error("nothing")), { guests: 1, idleMs: 600_000 });
});
