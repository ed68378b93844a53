import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type LogEvent, manifest } from "@crlab/shared";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sealOf } from "./identity.js";
import { Journal, readJournal } from "./journal.js";
import { readOutput, readStored, readView } from "./read.js";
import { openStore } from "./store.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "crlab-journal-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const place = { experiment: "aaaaaaaa", terminal: 1 };
const file = () => join(dir, "terminals.journal");
const log: LogEvent[] = [
  {
    seq: 1,
    atMs: 0,
    type: "experiment.created",
    logVersion: 1,
    title: "Cut short",
    manifest: manifest.parse({}),
    plan: [],
    createdAt: "2026-01-01T00:00:00Z",
  },
  { seq: 2, atMs: 5, type: "terminal.opened", terminal: 1, title: "shell", kind: "shell" },
  {
    seq: 3,
    atMs: 10,
    type: "terminal.output",
    terminal: 1,
    offset: 0,
    data: Buffer.from("stored, ").toString("base64"),
  },
];
const said = async () => {
  const store = await openStore(dir, "the next");
  const chunks = await readOutput(store.db, "aaaaaaaa", 1, 0);
  const stored = await readStored(store.db, "aaaaaaaa");
  const view = await readView(store.db, "aaaaaaaa");
  await store.close();
  return { chunks, view, seal: sealOf(stored), text: Buffer.concat(chunks.map((c) => c.bytes)).toString() };
};

describe("what terminals have shown", () => {
  it("outlives a process that is killed before it is in the log", async () => {
    const store = await openStore(dir, "a test");
    await store.append("aaaaaaaa", log, "me");
    await store.close();
    // Another process, killed in the act: nothing is flushed, closed or caught there.
    const script = [
      `const { openStore } = await import(${JSON.stringify(fileURLToPath(new URL("./store.ts", import.meta.url)))});`,
      `const store = await openStore(${JSON.stringify(dir)}, "the killed");`,
      `await store.append("bbbbbbbb", ${JSON.stringify(log)}, "me");`,
      `store.jot({ experiment: "bbbbbbbb", terminal: 1 }, 12, 8, Buffer.from("shown, "));`,
      `store.jot({ experiment: "bbbbbbbb", terminal: 1 }, 13, 15, Buffer.from("\\n{ and shown"));`,
      `process.kill(process.pid, "SIGKILL");`,
    ].join("\n");
    expect(() => execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script])).toThrow();
    const after = await openStore(dir, "the next");
    const chunks = await readOutput(after.db, "bbbbbbbb", 1, 0);
    expect(Buffer.concat(chunks.map((c) => c.bytes)).toString()).toBe("stored, shown, \n{ and shown");
    expect(await readView(after.db, "bbbbbbbb")).toMatchObject({ status: "interrupted", lastSeq: 6 });
    expect(sealOf(await readStored(after.db, "bbbbbbbb")).intact).toBe(true);
    await after.close();
    expect(statSync(file()).size).toBe(0);
  });

  it("is taken into the log once: what that holds already is passed over, and a half record is not read", async () => {
    const store = await openStore(dir, "a test");
    await store.append("aaaaaaaa", log, "me");
    store.jot(place, 8, 0, Buffer.from("stored, "));
    store.jot(place, 20, 5, Buffer.from("d, and more"));
    await store.close();
    appendFileSync(file(), `{"experiment":"aaaaaaaa","terminal":1,"atMs":30,"offset":16,"length":9}\nhalf`);
    const first = await said();
    expect(first.text).toBe("stored, and more");
    expect(first.chunks.map((c) => c.atMs)).toEqual([10, 20]);
    expect(await said()).toEqual(first);
  });

  it("is kept while the file is made short, and what is stored is not", () => {
    const journal = new Journal(dir);
    const other = { experiment: "bbbbbbbb", terminal: 2 };
    journal.jot(other, 1, 0, Buffer.from("not stored"));
    const chunk = Buffer.alloc(64 * 1024, "x");
    for (let n = 0; n < 100; n++) {
      journal.jot(place, n, n * chunk.length, chunk);
      journal.stored(place, (n + 1) * chunk.length);
    }
    expect(statSync(file()).size).toBeLessThan(2 * 1024 * 1024);
    const left = readJournal(dir).filter((j) => j.experiment === "bbbbbbbb");
    expect(left.map((j) => Buffer.from(j.bytes).toString())).toEqual(["not stored"]);
    journal.close();
  });
});
