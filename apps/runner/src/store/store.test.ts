import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogEvent, manifest } from "@crlab/shared";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openReadOnly } from "./database.js";
import { StoreError, storeError } from "./errors.js";
import { findExperiment, findOwner, listExperiments, readEvents, readOutput, readView } from "./read.js";
import { openStore } from "./store.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "crlab-store-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const created = (title: string): LogEvent => ({
  seq: 1,
  atMs: 0,
  type: "experiment.created",
  logVersion: 1,
  title,
  manifest: manifest.parse({}),
  plan: [],
  createdAt: new Date().toISOString(),
});
const output = (seq: number, offset: number, text: string): LogEvent => ({
  seq,
  atMs: seq * 10,
  type: "terminal.output",
  terminal: 1,
  offset,
  data: Buffer.from(text).toString("base64"),
});

describe("the store", () => {
  it("keeps appends in order, with the experiment's row beside them", async () => {
    const store = await openStore(dir, "a test");
    const waits = [store.append("aaaaaaaa", [created("One")], "me")];
    for (let seq = 2; seq <= 200; seq++)
      waits.push(store.append("aaaaaaaa", [{ seq, atMs: seq, type: "note", text: `n${seq}` }]));
    await Promise.all(waits);
    const log = await readEvents(store.db, "aaaaaaaa");
    expect(log.map((e) => e.seq)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(await findOwner(store.db, "aaaaaaaa")).toBe("me");
    expect(await findExperiment(store.db, "aaaaaaaa")).toMatchObject({ title: "One", status: "open", lastMs: 200 });
    await store.close();
  });

  it("refuses the same place in a log twice and goes on", async () => {
    const store = await openStore(dir, "a test");
    await store.append("aaaaaaaa", [created("One")]);
    await expect(store.append("aaaaaaaa", [{ seq: 1, atMs: 1, type: "note", text: "again" }])).rejects.toThrow(
      StoreError,
    );
    await store.append("aaaaaaaa", [{ seq: 2, atMs: 1, type: "note", text: "next" }]);
    expect(await readEvents(store.db, "aaaaaaaa")).toHaveLength(2);
    await store.close();
  });

  it("reads a terminal from a position, without the rest of the log", async () => {
    const store = await openStore(dir, "a test");
    await store.append("aaaaaaaa", [created("One"), output(2, 0, "hello "), output(3, 6, "world")]);
    expect((await readOutput(store.db, "aaaaaaaa", 1, 6)).map((c) => c.bytes.toString())).toEqual(["world"]);
    expect((await readOutput(store.db, "aaaaaaaa", 1, 3)).map((c) => c.bytes.toString())).toEqual(["hello ", "world"]);
    expect(await readEvents(store.db, "aaaaaaaa")).toHaveLength(1);
    await store.close();
  });

  it("lets one writer in and says who holds the lock", async () => {
    const store = await openStore(dir, "the first writer");
    await expect(openStore(dir, "the second")).rejects.toMatchObject({
      named: { code: "store.locked", message: expect.stringContaining("the first writer") },
    });
    await store.close();
    await (await openStore(dir, "the second")).close();
  });

  it("marks what was left open as interrupted, and only once", async () => {
    const store = await openStore(dir, "a test");
    await store.append("aaaaaaaa", [created("Cut short"), output(2, 0, "x")]);
    await store.append("bbbbbbbb", [
      created("Done"),
      { seq: 2, atMs: 5, type: "experiment.ended", verdict: "pass", reason: "ok" },
    ]);
    await store.close();
    await (await openStore(dir, "a test")).close();
    const again = await openStore(dir, "a test");
    const view = await readView(again.db, "aaaaaaaa");
    expect(view).toMatchObject({ status: "interrupted", lastSeq: 3 });
    expect(await readView(again.db, "bbbbbbbb")).toMatchObject({ status: "ended", verdict: "pass", lastSeq: 2 });
    await again.close();
  });

  it("serves readers beside the writer, and lists newest first", async () => {
    expect(await openReadOnly(dir)).toBeUndefined();
    const store = await openStore(dir, "a test");
    await store.append("aaaaaaaa", [{ ...created("Unlinked 100%"), createdAt: "2026-01-01T00:00:00Z" } as LogEvent]);
    await store.append("bbbbbbbb", [{ ...created("Tree"), createdAt: "2026-01-02T00:00:00Z" } as LogEvent]);
    const reader = await openReadOnly(dir);
    if (!reader) throw new Error("no database");
    expect((await listExperiments(reader)).experiments.map((e) => e.id)).toEqual(["bbbbbbbb", "aaaaaaaa"]);
    expect((await listExperiments(reader, { search: "100%" })).experiments.map((e) => e.id)).toEqual(["aaaaaaaa"]);
    expect((await listExperiments(reader, { search: "_ree" })).total).toBe(0);
    await expect(reader.$client.execute("delete from events")).rejects.toThrow();
    reader.$client.close();
    await store.close();
  });

  it("finds experiments by kernel, engine, steps, those by hand too, and verdict: each word must be found", async () => {
    const store = await openStore(dir, "a test");
    const boot = { kind: "boot" } as const;
    await store.append("aaaaaaaa", [
      { ...created("One"), manifest: manifest.parse({ kernel: "mine" }), plan: [boot] } as LogEvent,
    ]);
    await store.append("bbbbbbbb", [created("Two")]);
    const byHand = { seq: 2, atMs: 1, type: "step.started", stepNo: 1, planned: false } as const;
    await store.append("bbbbbbbb", [{ ...byHand, step: { kind: "unlink", path: "/data/x" } }]);
    await store.append("bbbbbbbb", [{ seq: 3, atMs: 5, type: "experiment.ended", verdict: "fail", reason: "no" }]);
    const found = async (search: string) => (await listExperiments(store.db, { search })).experiments.map((e) => e.id);
    expect(await found("mine")).toEqual(["aaaaaaaa"]);
    expect(await found("unlink")).toEqual(["bbbbbbbb"]);
    expect(await found("two  FAIL")).toEqual([]);
    expect(await found("two  fail")).toEqual(["bbbbbbbb"]);
    expect(await found("one unlink")).toEqual([]);
    expect(await found("aaaaaaaa boot")).toEqual(["aaaaaaaa"]);
    expect((await listExperiments(store.db, { limit: 1, offset: 1 })).total).toBe(2);
    await store.close();
  });

  it("says plainly that the disk is full", () => {
    expect(storeError(new Error("SQLITE_FULL: database or disk is full"), "/d/crlab.db").named.code).toBe("disk.full");
  });
});
